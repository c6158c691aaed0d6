/*
 * text_list.h
 *	  Lists of strings: a List of char *.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TEXT_LIST_H
#define CMIG_TEXT_LIST_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Does the list contain a string that is equal to the text? */
extern bool cmig_text_list_has(const List *list, const char *text);

#endif							/* CMIG_TEXT_LIST_H */
