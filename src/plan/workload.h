/*
 * workload.h
 *	  What the modules of cmig.workload_check share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_WORKLOAD_H
#define CMIG_PLAN_WORKLOAD_H

#include "plan/internal.h"
#include "schema/schema.h"

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
	const char *unknown;		/* NULL, or why it cannot be planned */
	Oid			runs_as;		/* that role, if the caller can become it */
	List	   *settings;		/* list of CmigValue[2]: names and values */
	char	   *path;			/* search_path that was tried and found it; or
								 * NULL */
	bool		explained;		/* does its plan need a shape? */
	CmigQueryPlan *plans[CMIG_WORKLOAD_PHASES];
	char	   *place;			/* the statement that breaks it */
	bool		expands;		/* can cmig.expand prepare that revision? */
	bool		expanded;		/* has it? */
} CmigWorkloadQuery;

/* The verdicts, the worst first. */
typedef enum CmigVerdict
{
	CMIG_BREAKS, CMIG_CHANGES_RESULT, CMIG_SLOWER, CMIG_FASTER, CMIG_NOT_JUDGED, CMIG_SAME_PLAN,
	CMIG_UNLISTED				/* the row of its function tells it */
} CmigVerdict;

typedef struct CmigJudgment
{
	const CmigWorkloadQuery *query;
	int			number;
	CmigVerdict verdict;
	const char *sqlstate;
	char	   *detail;
} CmigJudgment;

/* Why no query was judged. */
typedef struct CmigObstacle
{
	const char *reason;			/* or NULL */
	bool		harmless;		/* the upgrade itself fails, or goes on with
								 * one that is partially applied */
} CmigObstacle;

/* in workload.c */

/*
 * Run the plan's revisions on copies, and judge the queries, the worst first.
 * "stats" is as in cmig_workload_sizes_read(), and "guard" as in
 * cmig_dry_run_limit().
 * *obstacle says why they were not judged, if they were not.
 */
extern CmigJudgment *cmig_workload_judge(const CmigSituation *now, const CmigPlan *plan, List *queries, HTAB *stats,
										 const char *guard, CmigObstacle *obstacle);

/* in workload_queries.c */

/* Returns a list of CmigWorkloadQuery: the texts. */
extern List *cmig_workload_passed(const CmigNames *texts);

/*
 * Returns a list of CmigWorkloadQuery: those of pg_stat_statements.  If these
 * cannot be read, raises an error, or returns NIL if "missing_ok" is true.
 * "count" is that of the current expansion, or NULL.
 */
extern List *cmig_workload_counted(bool missing_ok, const CmigExpansionCount *count);

/* Returns a list of CmigWorkloadQuery: those in the bodies of functions. */
extern List *cmig_workload_bodies(void);

/* Returns the query in a statement that only runs it, or else the statement. */
extern Node *cmig_workload_query_in(Node *statement);

/* Returns since when pg_stat_statements has counted, or 0 if that is unknown. */
extern TimestampTz cmig_workload_counted_since(void);

/* Returns the settings that are stored for roles and the database. */
extern List *cmig_workload_settings(void);

/* Returns a query that a role has run, with those settings.  The role may not exist. */
extern CmigWorkloadQuery *cmig_workload_query_of(char *text, Oid role, const List *settings);

/* in workload_save.c */

/*
 * Returns a list of CmigWorkloadQuery: those that cmig.workload_save() has saved
 * under the name, or under any name if it is NULL.
 */
extern List *cmig_workload_saved(const char *name);

/* in workload_stats.c */

typedef struct CmigRelationSize
{
	double		pages;
	double		tuples;
	double		visible;		/* pages in which all rows are visible */
} CmigRelationSize;

/* What cmig.stats_export() has returned for a table or an index. */
typedef struct CmigRelationStats CmigRelationStats;

/*
 * Returns the rows of cmig.stats_export(), which are in a JSON array, with values
 * of the types that the columns have now.
 */
extern HTAB *cmig_workload_stats_read(const char *json);

/* Returns what the rows say about the relation with the same name, or NULL. */
extern const CmigRelationStats *cmig_workload_stats_find(HTAB *stats, Oid relation);

/* Returns false if the size is not known. */
extern bool cmig_workload_stats_size(const CmigRelationStats *stats, CmigRelationSize *size);
extern int32 cmig_workload_stats_width(const CmigRelationStats *stats, const char *name);

/* Returns a row like those of pg_statistic for a column of this type, or NULL. */
extern HeapTuple cmig_workload_stats_row(const CmigRelationStats *stats, const char *name, bool inherited,
										 Oid type, Oid collation);

/* in workload_plan.c */

/* The sizes and statistics of live tables and indexes, by their copies. */
typedef struct CmigWorkloadSizes CmigWorkloadSizes;

/*
 * Call this before the scripts change the copies.  "stats" are used in place of
 * those in the catalogs, or NULL.
 */
extern CmigWorkloadSizes *cmig_workload_sizes_read(const CmigCopiedTable *tables, int count, HTAB *stats);

/*
 * Plan the queries as the copies are now.  "schemas" is a list of Oid: the
 * schemas of the copies.
 */
extern void cmig_workload_plan(const List *queries, CmigWorkloadPhase phase, CmigWorkloadSizes *live,
							   const List *schemas);

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

#endif							/* CMIG_PLAN_WORKLOAD_H */
