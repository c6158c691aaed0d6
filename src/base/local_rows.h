/*
 * local_rows.h
 *	  Checks whether a table's rows are stored in this database.
 *
 * The rows of foreign tables and of tables distributed by Citus are not.  To
 * the server, a distributed table looks like an ordinary table that is empty.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCAL_ROWS_H
#define CMIG_LOCAL_ROWS_H

#include "postgres.h"

/* Are the relation's own rows, not those of its children, stored here? */
extern bool cmig_local_rows_here(Oid relation);

/*
 * Raise 0A000 unless the table's rows are stored here.  If children is true,
 * this applies to all tables that inherit from it, too.  "doing" names the
 * function that would give wrong results, and hint says what to do if Citus has
 * distributed the table.
 */
extern void cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint);

/*
 * Raise 0A000 unless the table uses the heap access method, so that its rows
 * can be read block by block.
 */
extern void cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint);

#endif							/* CMIG_LOCAL_ROWS_H */
