/*
 * revision.h
 *	  Data structures that describe revisions.
 *
 * These structs are passed from the modules that read revisions (catalog,
 * revision_file) to those that work with them (graph, load, runner).  A table
 * in src/README.md lists the types that represent a revision at each stage.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_H
#define CMIG_REVISION_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* The maximum length of a revision id or branch label, in bytes. */
#define CMIG_MAX_ID_LENGTH 128

/* The maximum length of a revision's message, in characters. */
#define CMIG_MAX_MESSAGE_LENGTH 1000

/* The direction of a step: which of a revision's scripts it runs. */
typedef enum CmigDirection
{
	CMIG_UPGRADE,
	CMIG_DOWNGRADE
} CmigDirection;

/*
 * Returns "upgrade" or "downgrade", as used in arguments, tables, and messages.
 */
extern const char *cmig_direction_name(CmigDirection direction);

/* A list of names, as in a text[] column. */
typedef struct CmigNames
{
	int			count;
	char	  **names;
} CmigNames;

/* Sort the names in byte order. */
extern void cmig_names_sort(CmigNames *names);

/* Does the sorted list contain the name? */
extern bool cmig_names_has(const CmigNames *sorted, const char *name);

/* Do both lists contain the same names in the same order? */
extern bool cmig_names_same(const CmigNames *a, const CmigNames *b);

/* A revision's id and edges, and the details that lists of revisions show. */
typedef struct CmigRevision
{
	char	   *id;
	CmigNames	parents;		/* down_revision */
	CmigNames	depends;		/* depends_on: ids, partial ids or labels */
	CmigNames	labels;			/* branch_labels */
	CmigNames	replaces;		/* ids of the revisions that this one
								 * replaces; the last one follows all others
								 * in the graph; usually empty */
	bool		repeatable;		/* true if the revision is not a node of the
								 * graph: it has no edges except depends, and
								 * runs after the others */
	bool		malformed;		/* true if an array contains nulls or has two
								 * dimensions */
	/* the fields below are NULL or false unless the caller asked for them */
	char	   *message;
	char	   *created_by;
	bool		transactional;
	bool		irreversible;	/* true if there is no downgrade script */
	bool		has_created_at; /* true if created_at is valid */
	TimestampTz created_at;
} CmigRevision;

/* Sort pointers to revisions in the byte order of the ids. */
extern void cmig_revision_sort_by_id(const CmigRevision **revisions, int count);

/* Everything that a revision's file or row contains. */
typedef struct CmigRevisionText
{
	CmigRevision edges;
	char	   *description;	/* never NULL */
	char	   *upgrade_sql;	/* never NULL; '' if there is nothing to run */
	char	   *downgrade_sql;	/* NULL if the revision is irreversible */
	char	   *verify_sql;		/* NULL if there is none */
	char	   *precondition_sql;	/* NULL if there is none */
	CmigNames	placeholders;	/* placeholder declarations */
	char	   *previous_sql;	/* the last script that a repeatable revision
								 * ran, if it differs from the current one;
								 * otherwise NULL */
	bool		has_created_at;
	TimestampTz created_at;		/* valid if has_created_at */
} CmigRevisionText;

#endif							/* CMIG_REVISION_H */
