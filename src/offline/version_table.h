/*
 * version_table.h
 *	  The version table of a text for psql: its rows, its lock, its check.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSION_TABLE_H
#define CMIG_VERSION_TABLE_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "graph/graph.h"
#include "graph/plan.h"
#include "graph/target.h"

typedef struct CmigVersionTable
{
	/* as they stand in the text */
	char	   *name;
	const char *column;
	char	   *constraint;		/* name for its primary key */
	bool		may_create;		/* not pg_cmig's own table */
	const char *direction;

	const char *pin;			/* sets the encoding of the text */
	const CmigGraph *graph;
	int		   *rows;			/* the nodes that have a row at this place,
								 * ... */
	int			row_count;		/* ... sorted, which is by the bytes of ids */
	int			longest;		/* of the ids that get a row, in characters */
	bool		in_transaction;
	bool		checked;		/* the first check is written */

	/* parts of the text that come again and again; private */
	char	   *lock;
	char	   *found;
	char	   *compare;
	char	   *remove;
	char	   *add;
	StringInfoData body;
	StringInfoData message;
} CmigVersionTable;

/* The table called name, with the rows that a plan starts from. */
extern CmigVersionTable *cmig_version_table_open(const char *name, const CmigGraph *graph,
												 const CmigApplied *applied, const CmigPlan *plan,
												 const char *pin);

/* The rows at this place for people: "a, b" or "base". */
extern char *cmig_version_table_place(const CmigVersionTable *table);

/* Begin a transaction, unless in one, with lock and check; end it, if in one. */
extern void cmig_version_table_begin(StringInfo out, CmigVersionTable *table);
extern void cmig_version_table_commit(StringInfo out, CmigVersionTable *table);

/* Move the rows of a step. */
extern void cmig_version_table_move_rows(StringInfo out, CmigVersionTable *table, const CmigPlanStep *step);

/* Where the table is pg_cmig's own, write the row of cmig.journal for a step. */
extern void cmig_version_table_record(StringInfo out, const CmigVersionTable *table,
									  const char *revision, const char *checksum);

#endif							/* CMIG_VERSION_TABLE_H */
