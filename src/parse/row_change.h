/*
 * row_change.h
 *	  Finds out from a statement's parse tree whether the statement may
 *	  change rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROW_CHANGE_H
#define CMIG_ROW_CHANGE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * A callback that returns true if a function may change rows or sequences.
 * "schema" is NULL if the function name in the call is not qualified.
 */
typedef bool (*CmigMayWrite) (const char *schema, const char *name);

/*
 * Returns the statement's command name if the statement changes rows or a
 * sequence's value, or if it runs a function or block that may do so.  Returns
 * NULL for other statements.
 */
extern const char *cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write);

#endif							/* CMIG_ROW_CHANGE_H */
