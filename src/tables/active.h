/*
 * active.h
 *	  Reads the revisions that count.
 *
 * Either a revision that replaces others counts, or the revisions that it
 * replaces count, as described in replaces.h.  Revisions that do not count are
 * ignored.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACTIVE_H
#define CMIG_ACTIVE_H

#include "postgres.h"
#include "graph/graph_walk.h"
#include "graph/replaces.h"
#include "tables/catalog.h"

/*
 * Returns the state that decides which revisions count: the version rows, and
 * the partially applied revisions, of the current scope.
 */
extern CmigPlace *cmig_active_place(void);

/*
 * Like cmig_catalog_read_revisions(), but leaves out revisions that do not
 * count.
 */
extern CmigRevisionSet *cmig_active_read(bool with_details);

/* Returns true if cmig_active_settle() would not change any version row. */
extern bool cmig_active_is_settled(void);

/*
 * "replaced" is the list of revisions that another revision replaces.  Returns
 * true if a scope still needs them, because it has applied only some of them
 * or because one of them is partially applied there.
 */
extern bool cmig_active_needed_in_scopes(const CmigNames *replaced);

/*
 * If the current scope is a schema, separate the trees of the graph (see
 * trees.h), and return the revisions that are applied in the database.
 * Otherwise, do nothing and return NULL.
 */
extern CmigMarks *cmig_active_separate(CmigGraph *graph);

/*
 * If all revisions that another revision replaces are applied, replace their
 * version row with one for the replacing revision, and record this in the
 * journal as a stamp.  The caller must hold the run lock.  Does nothing if the
 * current role is not allowed to change version rows.
 */
extern void cmig_active_settle(void);

#endif							/* CMIG_ACTIVE_H */
