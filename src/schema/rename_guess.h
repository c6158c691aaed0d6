/*
 * rename_guess.h
 *	  Changes that look like renames: an object is dropped, and one that is the
 *	  same except for its name is created. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RENAME_GUESS_H
#define CMIG_RENAME_GUESS_H

#include "postgres.h"
#include "schema/difference.h"

/* Renames that look probable, a list of char *: "table public.a -> b". */
extern List *cmig_rename_guess(const CmigDifference *difference);

#endif							/* CMIG_RENAME_GUESS_H */
