/*
 * catalog.h
 *	  Reads the table cmig.revision.
 *
 * Table and column names are private to catalog.c and revision_rows.c.  Nothing
 * is cached between calls, because rows can be changed manually at any time.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CATALOG_H
#define CMIG_CATALOG_H

#include "postgres.h"
#include "base/revision.h"

/*
 * A set of revisions with their edges and, if requested, the details that are
 * shown in listings.  Repeatable revisions are in a separate array, because
 * they are not part of the graph.
 */
typedef struct CmigRevisionSet
{
	int			count;
	CmigRevision *revisions;
	int			repeatable_count;
	CmigRevision *repeatables;
} CmigRevisionSet;

/*
 * Returns all stored revisions.  If with_details is false, the message,
 * author, creation time, and the flags "transactional" and "irreversible" are
 * not read, which is faster.  To read only the revisions that count (see
 * replaces.h), use cmig_active_read().
 */
extern CmigRevisionSet *cmig_catalog_read_revisions(bool with_details);

/* Returns a revision with its scripts, or NULL if it does not exist. */
extern CmigRevisionText *cmig_catalog_read_text(const char *revision);

/* The scripts of a revision for an upgrade or a downgrade. */
typedef struct CmigStoredScript
{
	char	   *sql;			/* NULL if there is no downgrade script */
	char	   *verify_sql;		/* NULL for a downgrade, or if there is none */
	char	   *precondition_sql;	/* NULL for a downgrade, or if there is
									 * none */
	bool		transactional;
	CmigNames	placeholders;	/* declarations of placeholders in the scripts */
	char	   *previous_sql;	/* NULL for a downgrade; see CmigRevisionText */
} CmigStoredScript;

/* Does any stored revision have a precondition? */
extern bool cmig_catalog_has_preconditions(void);

/*
 * Returns the scripts for a direction, or NULL if the revision does not exist.
 */
extern CmigStoredScript *cmig_catalog_read_script(const char *revision,
												  CmigDirection direction);

/*
 * cmig_catalog_each_script() calls the callback for the scripts of several
 * revisions, in any order, in a memory context that is reset after each call.
 * The scripts of the first revision in the list are always passed to the
 * callback.  Other scripts are passed only if they fit into most_bytes,
 * together with those that were passed before.
 */
typedef void (*CmigScriptCallback) (const char *revision, CmigStoredScript *script, void *arg);
extern void cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
									 Size most_bytes, CmigScriptCallback callback, void *arg);

/*
 * Like cmig_catalog_each_script(), but for all revisions whose scripts have at
 * most most_bytes bytes.
 */
extern void cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
										   CmigScriptCallback callback, void *arg);

/*
 * cmig_catalog_each_text() calls the callback for every stored revision,
 * ordered by id.  The revision is freed after each call.
 */
typedef void (*CmigRevisionTextCallback) (const CmigRevisionText *text, void *arg);
extern void cmig_catalog_each_text(CmigRevisionTextCallback callback, void *arg);

/*
 * Like cmig_catalog_each_text(), but in any order and only with the id,
 * message, and creation time.
 */
extern void cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg);

/*
 * Like cmig_catalog_each_text(), but only for the revisions with these ids.
 * Ids that do not exist are skipped.
 */
extern void cmig_catalog_each_text_of(const CmigNames *ids,
									  CmigRevisionTextCallback callback, void *arg);

/* Returns a list of names as a text[] datum. */
extern Datum cmig_catalog_names_datum(const CmigNames *names);

#endif							/* CMIG_CATALOG_H */
