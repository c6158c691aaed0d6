/*
 * scope_copy.h
 *	  Copies the structure of a scope's schema into a new schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_COPY_H
#define CMIG_SCOPE_COPY_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Lock the scope, which is to be copied, and return its version rows.  No run
 * can change the scope until the end of the transaction.  Raises error 42501
 * or 55000 if the scope cannot be copied.  The schema must exist.
 */
extern CmigNames *cmig_scope_copy_begin(const char *scope);

/*
 * Create all objects of the schema "from", but not its table rows, in the
 * current scope, whose schema must be empty.  Records the version rows "rows"
 * in the current scope.
 */
extern void cmig_scope_copy(const char *from, const CmigNames *rows);

#endif							/* CMIG_SCOPE_COPY_H */
