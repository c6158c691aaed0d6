/*
 * local_rows.h
 *	  Are a table's rows stored here?
 *
 * The rows of a foreign table are not, nor those of a table that Citus has
 * distributed, which looks like any other table to the server and is empty.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCAL_ROWS_H
#define CMIG_LOCAL_ROWS_H

#include "postgres.h"

/* Are the rows of this relation, without its children, in its own storage? */
extern bool cmig_local_rows_here(Oid relation);

/*
 * Raise 0A000 unless the rows of the table are stored here; with children, also
 * those of all tables that inherit from it.  "doing" names the function that
 * would give wrong results, and hint says what to do if Citus has distributed
 * the table.
 */
extern void cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint);

/* Raise 0A000 unless the table is a heap, whose rows can be read by block. */
extern void cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint);

#endif							/* CMIG_LOCAL_ROWS_H */
