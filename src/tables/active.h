/*
 * active.h
 *	  The revisions that count: without those that others replace.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACTIVE_H
#define CMIG_ACTIVE_H

#include "postgres.h"
#include "graph/replaces.h"
#include "tables/catalog.h"

/* The state of the database. */
extern CmigPlace *cmig_active_place(void);

/* As cmig_catalog_read_revisions(), without revisions that do not count. */
extern CmigRevisionSet *cmig_active_read(bool with_details);

/*
 * If all revisions that another one replaces are applied, let the version row
 * name that one, and journal it as a stamp.  The caller holds the run lock.
 * Does nothing if the current role may not change version rows.
 */
extern void cmig_active_settle(void);

#endif							/* CMIG_ACTIVE_H */
