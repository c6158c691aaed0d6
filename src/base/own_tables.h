/*
 * own_tables.h
 *	  Checks that pg_cmig's tables are still plain tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OWN_TABLES_H
#define CMIG_OWN_TABLES_H

/*
 * Raise error 55000 if cmig.revision, version, journal, progress,
 * backfill_run, or ddl_log exists but is not a plain table that belongs to the
 * extension.  After this check, a query of one of these tables returns exactly
 * the table's rows.  The check costs nothing if none of the tables was altered
 * since the last check.
 */
extern void cmig_own_tables_check(void);

#endif							/* CMIG_OWN_TABLES_H */
