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

/* The version table, and the rows that it has at the current place of the text. */
typedef struct CmigVersionTable
{
	/* as they are written in the text */
	char	   *name;
	const char *column;
	char	   *constraint;		/* the name of its primary key */
	bool		may_create;		/* it is not pg_cmig's own table */
	const char *direction;

	const char *pin;			/* sets the encoding of the text */
	const CmigGraph *graph;
	int		   *rows;			/* the nodes that have a row at this place,
								 * sorted; that is the byte order of their ids */
	int			row_count;
	int			longest;		/* the length of the longest id that gets a
								 * row, in characters */
	bool		in_transaction;
	bool		checked;		/* the first check has been written */

	/* parts of the text that occur repeatedly; private */
	char	   *lock;
	char	   *found;
	char	   *compare;
	char	   *remove;
	char	   *add;
	StringInfoData body;
	StringInfoData message;
} CmigVersionTable;

/* The table with that name, with the rows from which a plan starts. */
extern CmigVersionTable *cmig_version_table_open(const char *name, const CmigGraph *graph,
												 const CmigApplied *applied, const CmigPlan *plan,
												 const char *pin);

/* The rows at this place for messages: "a, b" or "base". */
extern char *cmig_version_table_place(const CmigVersionTable *table);

/*
 * begin starts a transaction with the lock and the check, unless the text is
 * in one; commit ends it, if the text is in one.
 */
extern void cmig_version_table_begin(StringInfo out, CmigVersionTable *table);
extern void cmig_version_table_commit(StringInfo out, CmigVersionTable *table);

/* Replace the rows as a step requires. */
extern void cmig_version_table_move_rows(StringInfo out, CmigVersionTable *table, const CmigPlanStep *step);

/* If the table is pg_cmig's own, write the row of cmig.journal for a step. */
extern void cmig_version_table_record(StringInfo out, const CmigVersionTable *table,
									  const char *revision, const char *checksum);

#endif							/* CMIG_VERSION_TABLE_H */
