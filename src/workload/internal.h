/*
 * internal.h
 *	  What the modules of src/workload share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_WORKLOAD_INTERNAL_H
#define CMIG_WORKLOAD_INTERNAL_H

#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "plan/plan.h"
#include "schema/schema.h"
#include "workload/workload.h"

/* When queries are planned. */
typedef enum CmigWorkloadPhase
{
	CMIG_WORKLOAD_BEFORE,		/* before the revisions */
	CMIG_WORKLOAD_AFTER,		/* after them */
	CMIG_WORKLOAD_ANALYZED,		/* also after ANALYZE */
	CMIG_WORKLOAD_STATEMENT,	/* after one of their statements */
	CMIG_WORKLOAD_PHASES
} CmigWorkloadPhase;

/* How a query would be executed. */
typedef struct CmigQueryPlan
{
	char	   *error;			/* why it has no plan; or NULL */
	char	   *sqlstate;
	bool		refused;		/* is that because a function would be called,
								 * or an internal error? */
	bool		utility;		/* is that because it is a utility statement? */
	bool		blind;			/* planned without results of functions */
	bool		retyped;		/* does a column have a new type? */
	bool		unsized;		/* does it read a table that the scripts
								 * create? */
	bool		unified;		/* see unify_expressions() */
	bool		reads;			/* does it name a table? */
	int			count;			/* of parameters */
	Oid		   *types;			/* theirs */
	char	   *columns;		/* of the result */
	char	   *column_types;	/* OIDs of their types */
	char	   *stale;			/* NULL, or why an open prepared statement
								 * fails, which keeps its parameters' types */
	char	   *missing;		/* a NOT NULL column without a value */
	char	   *shape;			/* NULL, or as EXPLAIN shows it, without costs */
	double		cost;
} CmigQueryPlan;

/* The verdicts, the worst first. */
typedef enum CmigVerdict
{
	CMIG_BREAKS, CMIG_CHANGES_RESULT, CMIG_SLOWER, CMIG_FASTER, CMIG_NOT_JUDGED, CMIG_SAME_PLAN,
	CMIG_UNLISTED				/* the row of its function tells it */
} CmigVerdict;

typedef struct CmigWorkloadQuery
{
	char	   *id;				/* NULL if the caller has passed the text */
	char	   *calls;			/* likewise */
	double		daily;			/* calls a day; INFINITY if unknown */
	int64		recent;			/* calls since cmig.expand */
	const char *since;			/* when that was; NULL if unknown */
	char	   *workload;		/* the name under which it was saved, or NULL */
	char	   *role;			/* that has run it, or NULL if unknown */
	char	   *text;
	char	   *sql;			/* the text to analyze */
	List	   *literals;		/* of int: where that text has a literal in
								 * place of a parameter; see put_literal() */
	char	   *function;		/* whose body contains it, as regprocedure; or
								 * NULL */
	char	   *body;			/* of the function, if it is a string */
	Oid			copy;			/* of the function, which the revisions can
								 * rename */
	int			number;			/* of the query in it, counted from 0 */
	struct CmigWorkloadQuery *head; /* if the function is in PL/pgSQL, what
									 * stands for it as a whole, number 0 */
	int			line;			/* of the query in it */
	Oid			oid;			/* of the head: the function, */
	char	   *table;			/* whose trigger calls it, as regclass, or
								 * NULL, */
	List	   *parts;			/* the queries in it, */
	int			dynamic;		/* the statements whose text is not known, */
	int			unjudged;		/* others that are not judged, */
	char	   *reason;			/* and why the first one is not */
	char	   *unknown;		/* NULL, or why it cannot be planned */
	Oid			runs_as;		/* that role, if the caller can become it */
	List	   *settings;		/* list of CmigValue[2]: names and values */
	char	   *path;			/* search_path that was tried, in place of
								 * that of the settings; or NULL */
	bool		explained;		/* does its plan need a shape? */
	CmigQueryPlan *plans[CMIG_WORKLOAD_PHASES];
	char	   *place;			/* the statement that breaks it */
	bool		expands;		/* can cmig.expand prepare that revision? */
	bool		expanded;		/* has it? */
	CmigVerdict verdict;
	char	   *sqlstate;
	char	   *detail;
} CmigWorkloadQuery;

/* Is it not judged because it is a utility statement? */
static inline bool
cmig_workload_is_utility(const CmigWorkloadQuery *query)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];

	return before != NULL && before->utility;
}

/*
 * Does the statement, one of pg_stat_statements, begin like one that has a plan?
 * PostgreSQL 17 and later show some utility statements with parameters in place of
 * names, which cannot be parsed.
 */
extern bool cmig_workload_has_plan(const char *text);

/* Why no query was judged. */
typedef struct CmigObstacle
{
	char	   *reason;			/* or NULL */
	bool		harmless;		/* the upgrade itself fails, or goes on with
								 * one that is partially applied */
} CmigObstacle;

/* in workload.c */

/*
 * Run the plan's revisions on copies, and judge the queries.  Returns those that
 * are listed, the worst first.  "stats" is that of cmig_workload_stats_read(), or NULL,
 * and "guard" as in cmig_dry_run_limit().
 * *obstacle says why they were not judged, if they were not.
 */
extern List *cmig_workload_judge(const CmigSituation *now, const CmigPlan *plan,
								 const List *queries, HTAB *stats,
								 const char *guard, CmigObstacle *obstacle);

/* in workload_queries.c */

/* Returns a list of CmigWorkloadQuery: the texts. */
extern List *cmig_workload_passed(const CmigNames *texts);

/*
 * Returns a list of CmigWorkloadQuery: those of pg_stat_statements, or raises an error
 * if these cannot be read.  "count" is that of the current expansion, or NULL.
 */
extern List *cmig_workload_counted(const CmigExpansionCount *count);

/* Likewise: those that cmig.workload_save() has saved under the name. */
extern List *cmig_workload_saved(const char *name);

/*
 * Likewise: both, each text once for each role, those first that are called most.
 * Raises an error if "required" is true and there are none because pg_stat_statements
 * cannot be read.
 */
extern List *cmig_workload_known(bool required);

/* Returns a list of CmigWorkloadQuery: those in the bodies of functions. */
extern List *cmig_workload_bodies(void);

/* Returns a setting of a query. */
extern CmigValue *cmig_workload_setting(const char *name, const char *value);

/* Returns the query in a statement that only runs it, or else the statement. */
extern Node *cmig_workload_query_in(Node *statement);

/* in workload_stats.c */

typedef struct CmigRelationSize
{
	double		pages;
	double		tuples;
	double		visible;		/* pages in which all rows are visible */
} CmigRelationSize;

/* A column of a live relation. */
typedef struct CmigStatsKey
{
	Oid			relation;
	AttrNumber	column;			/* 0 stands for the relation itself */
	int16		inherited;		/* with its children? */
} CmigStatsKey;

/* What cmig.stats_export() has returned for it in another database. */
typedef struct CmigStats
{
	CmigStatsKey key;
	CmigRelationSize size;		/* negative if it is not known */
	HeapTuple	row;			/* of a column: like those of pg_statistic */
} CmigStats;

/*
 * Replace a row of pg_statistic by one with the values in another type, which sorts
 * them in the same way.  Returns false if they cannot be converted without an error.
 */
extern bool cmig_workload_stats_convert(HeapTuple *row, Oid from, Oid to);

/* Returns the rows of cmig.stats_export(), which are in a JSON array, as a hash table. */
extern HTAB *cmig_workload_stats_read(const char *json);
extern const CmigStats *cmig_workload_stats_find(HTAB *stats, Oid relation, AttrNumber column,
												 bool inherited);

/* in workload_plan.c */

/* The sizes and statistics of live tables and indexes, by their copies. */
typedef struct CmigWorkloadSizes CmigWorkloadSizes;

/*
 * Call this before the scripts change the copies.  "stats" are used in place of
 * those in the catalogs, or NULL.
 */
extern CmigWorkloadSizes *cmig_workload_sizes_read(const CmigCopiedTable *tables, int count,
												   HTAB *stats);

/*
 * Plan the queries as the copies are now.  "schemas" is a list of Oid: the
 * schemas of the copies.
 */
extern void cmig_workload_plan(const List *queries, CmigWorkloadPhase phase,
							   CmigWorkloadSizes *live, const List *schemas);

/* in workload_plpgsql.c */

/* Returns the head, and the queries in the body of its function. */
extern List *cmig_workload_plpgsql_queries(CmigWorkloadQuery *head);

/*
 * Make the function of the head, or a copy of it, the current one.  "table" is that
 * whose trigger calls it, or InvalidOid.
 */
extern void cmig_workload_plpgsql_compile(const CmigWorkloadQuery *head, Oid function, Oid table);

/* Returns a query of the current function, or raises an error if that has no such query. */
extern Query *cmig_workload_plpgsql_analyze(const CmigWorkloadQuery *query);

/* There is no current function any more, because names have changed. */
extern void cmig_workload_plpgsql_forget(void);

#endif							/* CMIG_WORKLOAD_INTERNAL_H */
