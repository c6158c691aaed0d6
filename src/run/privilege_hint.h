/*
 * privilege_hint.h
 *	  What to type if the role of a script lacks a privilege.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PRIVILEGE_HINT_H
#define CMIG_PRIVILEGE_HINT_H

#include "postgres.h"

/*
 * A palloc'd hint for "must be owner of" and "permission denied for" about a
 * table, a schema, and the like; NULL for other errors.  Must be called while
 * the role of the script is in effect.
 */
extern char *cmig_privilege_hint(const ErrorData *error);

#endif							/* CMIG_PRIVILEGE_HINT_H */
