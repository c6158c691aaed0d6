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
 * Lock the scope that is to be copied, and return its version rows.  No run can
 * change it until the end of the transaction.  Raises 42501 or 55000 if it cannot
 * be copied.  The schema must exist.
 */
extern CmigNames *cmig_scope_copy_begin(const char *scope);

/*
 * Create everything that the schema of "from" contains, except rows, in the
 * current scope, whose schema is empty, and record the version rows there.
 */
extern void cmig_scope_copy(const char *from, const CmigNames *rows);

#endif							/* CMIG_SCOPE_COPY_H */
