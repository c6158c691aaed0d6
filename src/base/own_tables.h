/*
 * own_tables.h
 *	  Are the tables of the catalog still plain tables of pg_cmig?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OWN_TABLES_H
#define CMIG_OWN_TABLES_H

/*
 * Raise 55000 unless cmig.revision, version, journal, progress and
 * backfill_run, as far as they exist, are plain tables of the extension whose
 * rows are what a query of them returns.  Costs nothing while no table of
 * them changes.
 */
extern void cmig_own_tables_check(void);

#endif							/* CMIG_OWN_TABLES_H */
