/*
 * query.h
 *	  The only way from pg_cmig to SPI.
 *
 * A CmigQuery is a static SQL text with a plan that is kept for the session.
 * It runs as the current user with search_path pinned to pg_catalog, pg_temp,
 * so every name in the text that is not a built-in must be qualified.
 * Arguments are always bound, never pasted.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_QUERY_H
#define CMIG_QUERY_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/snapshot.h"

#define CMIG_QUERY_MAX_ARGS 20

struct _SPI_plan;

typedef struct CmigQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[CMIG_QUERY_MAX_ARGS];
	struct _SPI_plan *plan;		/* made at first use */
	bool		users_text;		/* not ours: search_path stays as it is, and
								 * errors get no hint about our tables; it is
								 * planned anew for its arguments each time */
	bool		all_rows;		/* a policy that hides rows is an error */
} CmigQuery;

/*
 * Called once a row; what it keeps it must copy out of the tuple.  It runs
 * under the pinned search_path, so it must not look at the caller's settings.
 */
typedef void (*CmigRowCallback) (TupleDesc desc, HeapTuple row, void *arg);

/* A CmigRowCallback: adds the row to the ReturnSetInfo that is its argument. */
extern void cmig_query_return_row(TupleDesc desc, HeapTuple row, void *result);

/* Run; returns the number of rows processed. nulls may be NULL. */
extern uint64 cmig_query_run(CmigQuery *query, Datum *values, const char *nulls);

/*
 * Run and hand over each row.  Rows are fetched in batches, so that the
 * result is never held as a whole.  The callback runs in the caller's memory
 * context.  Returns the number of rows.
 */
extern uint64 cmig_query_each(CmigQuery *query, Datum *values, const char *nulls,
							  CmigRowCallback callback, void *arg);

/*
 * Run a query without arguments under a snapshot, and return the first column
 * of its first row as text.
 */
extern char *cmig_query_at_snapshot(CmigQuery *query, Snapshot snapshot);

/*
 * Run a text that was made at run time, once; no plan is kept.  Names in it
 * must be qualified and values bound.  With pinned, search_path is pinned as
 * for the others; without, the caller's holds, for statements whose triggers
 * belong to the caller.  callback may be NULL; the rows are held as a whole.
 */
extern uint64 cmig_query_once(const char *sql, int nargs, Oid *argtypes,
							  Datum *values, const char *nulls, bool pinned,
							  CmigRowCallback callback, void *arg);

/* A query of ours is writing, so the caller is a trigger on our tables. */
extern bool cmig_query_is_writing(void);

/* A column of a row as palloc'd text, NULL where it is NULL; columns from 1. */
extern char *cmig_query_text(TupleDesc desc, HeapTuple row, int column);

/* A row callback that puts the first column's text into *arg, a char *. */
extern void cmig_query_keep_text(TupleDesc desc, HeapTuple row, void *arg);

/* A column as a value of its type, otherwise where it is NULL. */
extern bool cmig_query_bool(TupleDesc desc, HeapTuple row, int column, bool otherwise);
extern int32 cmig_query_int32(TupleDesc desc, HeapTuple row, int column, int32 otherwise);
extern int64 cmig_query_int64(TupleDesc desc, HeapTuple row, int column, int64 otherwise);
extern double cmig_query_float8(TupleDesc desc, HeapTuple row, int column, double otherwise);

/* A column as datum; *isnull tells. */
extern Datum cmig_query_datum(TupleDesc desc, HeapTuple row, int column, bool *isnull);

/* Give back the plan of a query whose text was made at run time. */
extern void cmig_query_free(CmigQuery *query);

/*
 * Commit the transaction of a procedure that is called at top level, and
 * start the next.  No snapshot is left, active or of the portal.
 */
extern void cmig_query_commit(void);

/* Is this called by a procedure or DO block that could commit itself? */
extern bool cmig_query_in_procedure(void);

#endif							/* CMIG_QUERY_H */
