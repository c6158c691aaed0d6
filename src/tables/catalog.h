/*
 * catalog.h
 *	  Reads the table cmig.revision.
 *
 * Table and column names are private to catalog.c and revision_rows.c.  Nothing is cached between
 * calls: rows can be changed by hand at any time.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CATALOG_H
#define CMIG_CATALOG_H

#include "postgres.h"
#include "base/revision.h"

/*
 * The edges of all revisions; with_details also what listings show.  Those that
 * are repeatable are apart, since they are not in the graph.
 */
typedef struct CmigRevisionSet
{
	int			count;
	CmigRevision *revisions;
	int			repeatable_count;
	CmigRevision *repeatables;
} CmigRevisionSet;

/*
 * All stored revisions; active.h returns those that count.
 */
extern CmigRevisionSet *cmig_catalog_read_revisions(bool with_details);

/* The texts of one revision, or NULL if it does not exist. */
extern CmigRevisionText *cmig_catalog_read_text(const char *revision);

/* What one step runs. */
typedef struct CmigStoredScript
{
	char	   *sql;			/* NULL for a downgrade without script */
	char	   *verify_sql;		/* upgrades only, NULL if none */
	char	   *precondition_sql;	/* likewise */
	bool		transactional;
	CmigNames	placeholders;	/* their declarations */
	char	   *previous_sql;	/* upgrades only: see CmigRevisionText */
} CmigStoredScript;

/* Does any stored revision have a precondition? */
extern bool cmig_catalog_has_preconditions(void);

/* NULL if the revision does not exist. */
extern CmigStoredScript *cmig_catalog_read_script(const char *revision,
												  CmigDirection direction);

/*
 * Call the callback for the scripts of several revisions, in any order, in a
 * memory context that is reset after each call. The first script is always
 * passed; others only as long as all scripts together have at most most_bytes.
 */
typedef void (*CmigScriptCallback) (const char *revision, CmigStoredScript *script, void *arg);
extern void cmig_catalog_each_script(const CmigNames *revisions, CmigDirection direction,
									 Size most_bytes, CmigScriptCallback callback, void *arg);

/* The same for all revisions whose script has at most most_bytes by itself. */
extern void cmig_catalog_each_small_script(int most_bytes, CmigDirection direction,
										   CmigScriptCallback callback, void *arg);

/*
 * Call the callback for every stored revision, ordered by id; the struct is
 * freed after the call.
 */
typedef void (*CmigRevisionTextCallback) (const CmigRevisionText *text, void *arg);
extern void cmig_catalog_each_text(CmigRevisionTextCallback callback, void *arg);

/* The same in any order, and with only id, message, and created_at. */
extern void cmig_catalog_each_name(CmigRevisionTextCallback callback, void *arg);

/* The same as each_text for those of the ids that exist. */
extern void cmig_catalog_each_text_of(const CmigNames *ids,
									  CmigRevisionTextCallback callback, void *arg);

/* A list of names as a text[] datum. */
extern Datum cmig_catalog_names_datum(const CmigNames *names);

#endif							/* CMIG_CATALOG_H */
