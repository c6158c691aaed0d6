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
	bool		refused;		/* is that because a function would be called? */
	bool		blind;			/* planned without results of functions */
	bool		retyped;		/* does a column have a new type? */
	char	   *columns;		/* of the result */
	char	   *missing;		/* a NOT NULL column without a value */
	char	   *shape;			/* NULL, or as EXPLAIN shows it, without costs */
	double		cost;
} CmigQueryPlan;

typedef struct CmigWorkloadQuery
{
	char	   *id;				/* NULL if the caller has passed the text */
	char	   *calls;			/* likewise */
	char	   *text;
	char	   *sql;			/* the text to analyze */
	List	   *settings;		/* list of CmigValue[2]: names and values */
	bool		explained;		/* does its plan need a shape? */
	CmigQueryPlan *plans[CMIG_WORKLOAD_PHASES];
	char	   *place;			/* the statement that breaks it */
} CmigWorkloadQuery;

/* in workload_queries.c */

/* Returns a list of CmigWorkloadQuery: the texts, or those of pg_stat_statements. */
extern List *cmig_workload_queries(const CmigNames *texts);

/* in workload_plan.c */

/* The sizes and statistics of live tables and indexes, by their copies. */
typedef struct CmigWorkloadSizes CmigWorkloadSizes;

/* Call this before the scripts change the copies. */
extern CmigWorkloadSizes *cmig_workload_sizes_read(const CmigCopiedTable *tables, int count);

/*
 * Plan the queries as the copies are now.  "schemas" is a list of Oid: the
 * schemas of the copies.
 */
extern void cmig_workload_plan(const List *queries, CmigWorkloadPhase phase, CmigWorkloadSizes *live,
							   const List *schemas);

#endif							/* CMIG_PLAN_WORKLOAD_H */
