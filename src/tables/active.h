/*
 * active.h
 *	  Reads only the revisions that count, as described in replaces.h.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACTIVE_H
#define CMIG_ACTIVE_H

#include "postgres.h"
#include "graph/graph_walk.h"
#include "graph/replaces.h"
#include "tables/catalog.h"

/* Returns the state of the database: version rows and unfinished steps. */
extern CmigPlace *cmig_active_place(void);

/* Like cmig_catalog_read_revisions(), but omits revisions that do not count. */
extern CmigRevisionSet *cmig_active_read(bool with_details);

/* Returns true if cmig_active_settle() would not change any version row. */
extern bool cmig_active_is_settled(void);

/*
 * "replaced" is a list of revisions that another revision replaces.  Returns
 * true if a scope still needs them, because it has applied only some of them,
 * or has begun one of them.
 */
extern bool cmig_active_needed_in_scopes(const CmigNames *replaced);

/*
 * In a scope, separate the trees of the graph, and return the revisions that are
 * applied in the database.  Otherwise, do nothing and return NULL.
 */
extern CmigMarks *cmig_active_separate(CmigGraph *graph);

/*
 * If all revisions that another revision replaces are applied, make the version
 * row name the replacing revision, and record that in the journal as a stamp.
 * The caller must hold the run lock.  Does nothing if the current role is not
 * allowed to change version rows.
 */
extern void cmig_active_settle(void);

#endif							/* CMIG_ACTIVE_H */
