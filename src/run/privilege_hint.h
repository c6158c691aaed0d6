/*
 * privilege_hint.h
 *	  Suggests a command if a script's role lacks a privilege.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PRIVILEGE_HINT_H
#define CMIG_PRIVILEGE_HINT_H

#include "postgres.h"

/*
 * Returns a palloc'd hint for the errors "must be owner of" and "permission
 * denied for", or if no schema has been selected to create in. Returns NULL for
 * other errors. Must be called while the script's role is in effect.
 */
extern char *cmig_privilege_hint(const ErrorData *error);

#endif							/* CMIG_PRIVILEGE_HINT_H */
