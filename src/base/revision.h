/*
 * revision.h
 *	  What a revision is, as plain data.
 *
 * The structs that pass between the rooms which read revisions (catalog,
 * revision_file) and those which think about them (graph, import, runner).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_H
#define CMIG_REVISION_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Longest revision id and branch label, in bytes. */
#define CMIG_MAX_ID_LENGTH 128

typedef enum CmigDirection
{
	CMIG_UPGRADE,
	CMIG_DOWNGRADE
} CmigDirection;

/* "upgrade" or "downgrade", as arguments, tables and messages have it. */
extern const char *cmig_direction_name(CmigDirection direction);

/* A list of names, as in a text[] column. */
typedef struct CmigNames
{
	int			count;
	char	  **names;
} CmigNames;

/* Sort by bytes. */
extern void cmig_names_sort(CmigNames *names);

/* Is the name among names that are sorted? */
extern bool cmig_names_has(const CmigNames *sorted, const char *name);

/* The same names in the same order? */
extern bool cmig_names_same(const CmigNames *a, const CmigNames *b);

/* The edges of a revision: all that the graph needs to know. */
typedef struct CmigRevision
{
	char	   *id;
	CmigNames	parents;		/* down_revision */
	CmigNames	depends;		/* depends_on: ids, partial ids or labels */
	CmigNames	labels;			/* branch_labels */
	bool		malformed;		/* an array holds NULL or has 2 dimensions */
	/* what lists show beside the edges; NULL unless asked for */
	char	   *message;
	char	   *created_by;
	bool		transactional;
	bool		irreversible;	/* it has no downgrade script */
} CmigRevision;

/* The texts of a revision, and everything else that a file carries. */
typedef struct CmigRevisionText
{
	CmigRevision edges;
	char	   *description;	/* never NULL */
	char	   *upgrade_sql;	/* never NULL, '' when there is nothing to do */
	char	   *downgrade_sql;	/* NULL: irreversible */
	char	   *verify_sql;		/* NULL: none */
	bool		has_created_at;
	TimestampTz created_at;
} CmigRevisionText;

#endif							/* CMIG_REVISION_H */
