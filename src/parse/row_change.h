/*
 * row_change.h
 *	  Statements that may change rows, according to their parse trees. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROW_CHANGE_H
#define CMIG_ROW_CHANGE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * May this function change rows or sequences?  schema is NULL if the call does
 * not name it.
 */
typedef bool (*CmigMayWrite) (const char *schema, const char *name);

/*
 * The command of a statement that changes rows or the value of a sequence, or
 * may do so in a function or block that it runs; NULL for others.
 */
extern const char *cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write);

#endif							/* CMIG_ROW_CHANGE_H */
