/*
 * rights_hint.h
 *	  What to type where the role of a script lacks a right.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RIGHTS_HINT_H
#define CMIG_RIGHTS_HINT_H

#include "postgres.h"

/*
 * A hint, palloc'd, for "must be owner of" and "permission denied for" about a
 * table, a schema and the like; NULL for another error.  To be called while the
 * role of the script is in force.
 */
extern char *cmig_rights_hint(const ErrorData *error);

#endif							/* CMIG_RIGHTS_HINT_H */
