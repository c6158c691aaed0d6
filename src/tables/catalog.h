/*
 * catalog.h
 *	  The table cmig.revision.
 *
 * Table and column names are private to catalog.c.  Nothing is cached between
 * calls: rows can be changed by hand at any time.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CATALOG_H
#define CMIG_CATALOG_H

#include "postgres.h"
#include "base/revision.h"

/* All revisions' edges; with_details also what lists show beside them. */
typedef struct CmigRevisionSet
{
	int			count;
	CmigRevision *revisions;
} CmigRevisionSet;

extern CmigRevisionSet *cmig_catalog_read_revisions(bool with_details);

/* The texts of one revision, or NULL when it is not there. */
extern CmigRevisionText *cmig_catalog_read_text(const char *revision);

/* What one step runs; sql is NULL for a downgrade that there is not. */
typedef struct CmigStoredScript
{
	char	   *sql;
	char	   *verify_sql;		/* upgrades only, NULL if none */
	bool		transactional;
} CmigStoredScript;

/* NULL when the revision is not there. */
extern CmigStoredScript *cmig_catalog_read_script(const char *revision,
												  CmigDirection direction);

/*
 * The scripts of several revisions, handed over in any order, in a memory
 * context that is reset after each callback: that of the first, and others as
 * long as all have no more than so many bytes.
 */
typedef void (*CmigScriptCallback) (const char *revision, CmigStoredScript *script, void *arg);
extern void cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
									 Size most_bytes, CmigScriptCallback callback, void *arg);

/* The same for all revisions whose script alone has no more than so many. */
extern void cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
										   CmigScriptCallback callback, void *arg);

/* Every stored revision in turn, by id; the struct is gone after the callback. */
typedef void (*CmigRevisionTextCallback) (const CmigRevisionText *text, void *arg);
extern void cmig_catalog_each_text(CmigRevisionTextCallback callback, void *arg);

/* The same with id, message and created_at alone. */
extern void cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg);

/* The same for those of these ids that are there. */
extern void cmig_catalog_each_text_of(const CmigNames *ids,
									  CmigRevisionTextCallback callback, void *arg);

/* A list of names as a text[] datum. */
extern Datum cmig_catalog_names_datum(const CmigNames *names);

/* Store a revision: insert it, or replace the row of its id. */
extern void cmig_catalog_insert_revision(const CmigRevisionText *revision);
extern void cmig_catalog_replace_revision(const CmigRevisionText *revision);

/* Insert many at once; no name in them may hold a comma. */
extern void cmig_catalog_insert_revisions(const CmigRevisionText *const *revisions,
										  int count);
extern void cmig_catalog_delete_revision(const char *revision);

#endif							/* CMIG_CATALOG_H */
