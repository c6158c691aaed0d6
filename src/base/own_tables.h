/*
 * own_tables.h
 *	  Are the tables of the catalog still plain tables of pg_cmig?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OWN_TABLES_H
#define CMIG_OWN_TABLES_H

/*
 * Raise 55000 unless each of cmig.revision, version, journal, progress,
 * backfill_run, and ddl_log that exists is a plain table of the extension, so that a query
 * returns exactly its rows.  Costs nothing while none of them is altered.
 */
extern void cmig_own_tables_check(void);

#endif							/* CMIG_OWN_TABLES_H */
