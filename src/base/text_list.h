/*
 * text_list.h
 *	  Functions for strings that may be NULL and for Lists of char *.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TEXT_LIST_H
#define CMIG_TEXT_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Are both strings equal, or both NULL? */
extern bool cmig_text_same(const char *a, const char *b);

/* Does the list contain the string? */
extern bool cmig_text_list_has(const List *list, const char *text);

/* Sort the list in byte order. */
extern void cmig_text_list_sort(List *list);

#endif							/* CMIG_TEXT_LIST_H */
