/*
 * own_tables.h
 *	  Checks that pg_cmig's tables are still plain tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OWN_TABLES_H
#define CMIG_OWN_TABLES_H

/*
 * Raise 55000 if one of cmig.revision, version, journal, progress,
 * backfill_run, and ddl_log exists but is not a plain table of the extension.
 * After this check, a query of a table returns exactly its rows.  The check
 * costs nothing if no table was altered since the last one.
 */
extern void cmig_own_tables_check(void);

#endif							/* CMIG_OWN_TABLES_H */
