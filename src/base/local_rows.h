/*
 * local_rows.h
 *	  Are a table's rows stored here?
 *
 * Not those of a foreign table, nor of a table that Citus has distributed: it
 * looks like any other to the server, and is empty.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LOCAL_ROWS_H
#define CMIG_LOCAL_ROWS_H

#include "postgres.h"

/* Are the rows of this relation, without its children, in its own storage? */
extern bool cmig_local_rows_here(Oid relation);

/*
 * Raise 0A000 unless the rows of the table are stored here; with children:
 * and those of all that inherits from it.  doing is the function that would
 * go wrong, hint what to do instead where Citus has distributed the table.
 */
extern void cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint);

/* Raise 0A000 unless rows lie in blocks as those of a heap do. */
extern void cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint);

#endif							/* CMIG_LOCAL_ROWS_H */
