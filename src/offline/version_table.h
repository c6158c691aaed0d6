/*
 * version_table.h
 *	  Writes a psql script's statements for the version table.
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

/* The version table, and its rows at the current point of the psql script. */
typedef struct CmigVersionTable
{
	/* the names are quoted where necessary */
	const char *name;
	const char *column;
	const char *scope;			/* the scope as a literal if the table is
								 * cmig.scope_version; otherwise NULL */
	char	   *constraint;		/* name of the primary key */
	bool		may_create;		/* true if the script may create the table;
								 * false for cmig.version */
	const char *direction;

	const char *pin;			/* a line that sets the client encoding */
	const CmigGraph *graph;
	int		   *rows;			/* nodes that have a row at the current point,
								 * in ascending order, which is also the byte
								 * order of the ids */
	int			row_count;
	int			longest;		/* number of characters of the longest id that
								 * is inserted */
	bool		in_transaction;
	bool		checked;		/* has the first check been written? */

	/* private: parts that occur repeatedly, and buffers */
	char	   *lock;
	char	   *found;
	char	   *compare;
	char	   *remove;
	char	   *add;
	StringInfoData body;
	StringInfoData message;
} CmigVersionTable;

/*
 * Returns the version table with the given name and with the rows that exist at
 * the start of the plan.
 */
extern CmigVersionTable *cmig_version_table_open(const char *name, const CmigGraph *graph,
												 const CmigApplied *applied, const CmigPlan *plan,
												 const char *pin);

/*
 * Returns the rows at the current point of the psql script, as a string for
 * messages: "a, b" or "base".
 */
extern char *cmig_version_table_place(const CmigVersionTable *table);

/*
 * cmig_version_table_begin() starts a transaction that locks the version table
 * and checks its rows, unless the psql script is already in a transaction.
 * cmig_version_table_commit() ends the current transaction, if there is one.
 */
extern void cmig_version_table_begin(StringInfo out, CmigVersionTable *table);
extern void cmig_version_table_commit(StringInfo out, CmigVersionTable *table);

/* Append statements that change the version rows as required by a step. */
extern void cmig_version_table_move_rows(StringInfo out, CmigVersionTable *table, const CmigPlanStep *step);

/*
 * If the table is cmig.version, append a statement that adds a step's row to
 * cmig.journal.
 */
extern void cmig_version_table_record(StringInfo out, const CmigVersionTable *table,
									  const char *revision, const char *checksum);

#endif							/* CMIG_VERSION_TABLE_H */
