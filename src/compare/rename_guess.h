/*
 * rename_guess.h
 *	  Finds changes that look like renames: an object is dropped, and a
 *	  similar one is created under another name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_GUESS_H
#define CMIG_RENAME_GUESS_H

#include "postgres.h"
#include "compare/difference.h"

/* Returns probable renames as a list of char *: "table public.a -> b". */
extern List *cmig_rename_guess(const CmigDifference *difference);

#endif							/* CMIG_RENAME_GUESS_H */
