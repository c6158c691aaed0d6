/*
 * local_rows.h
 *	  Checks whether a table's rows are stored in this database.
 *
 * Foreign tables and tables distributed by Citus have their rows elsewhere.  To
 * the server, a distributed table looks like an empty ordinary table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCAL_ROWS_H
#define CMIG_LOCAL_ROWS_H

#include "postgres.h"

/*
 * Are the relation's own rows (not those of its children) stored in this
 * database?
 */
extern bool cmig_local_rows_here(Oid relation);

/*
 * Raise error 0A000 unless the table's rows are stored here.  If "children" is
 * true, the rows of all tables that inherit from the table must be stored
 * here, too.  "doing" names the function that would give wrong results, and
 * "hint" says what to do if Citus has distributed the table.
 */
extern void cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint);

/*
 * Raise error 0A000 if the table is a foreign table.  If "children" is true,
 * the error is also raised if one of the tables that inherit from the table is
 * a foreign table.
 */
extern void cmig_local_rows_require_reachable(Oid table, bool children, const char *doing);

/*
 * Raise error 0A000 unless the table uses the heap access method, so that its
 * rows can be read block by block.
 */
extern void cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint);

#endif							/* CMIG_LOCAL_ROWS_H */
