/*
 * privilege_hint.h
 *	  Suggests a command if the role of a script lacks a privilege.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PRIVILEGE_HINT_H
#define CMIG_PRIVILEGE_HINT_H

#include "postgres.h"

/*
 * Returns a palloc'd hint for the errors "must be owner of", "permission denied
 * for", and "no schema has been selected to create in", or NULL for other
 * errors.  Call this while the script's role is in effect.
 */
extern char *cmig_privilege_hint(const ErrorData *error);

#endif							/* CMIG_PRIVILEGE_HINT_H */
