/*
 * query.h
 *	  Runs pg_cmig's queries through SPI.
 *
 * A CmigQuery is a static SQL statement whose plan is kept for the session.  It
 * runs as the current user with search_path pinned to pg_catalog, pg_temp, so
 * the names of objects that are not built in must be qualified.  Arguments are
 * always bound, never inserted into the SQL text.
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

/* A query and its plan. */
typedef struct CmigQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[CMIG_QUERY_MAX_ARGS];
	struct _SPI_plan *plan;		/* prepared at first use */
	bool		users_text;		/* the statement comes from a user:
								 * search_path is not pinned, errors get no
								 * hint about pg_cmig's tables, and each run
								 * uses a custom plan */
	bool		all_rows;		/* raise an error if a policy hides rows */
	Oid			relation;		/* if valid, "alias" must refer to this table,
								 * and the plan is not kept */
	const char *alias;			/* an alias that occurs only once in the query */
} CmigQuery;

/*
 * A callback for a query's rows.  It must copy whatever it keeps from the
 * tuple, and it must not rely on the caller's settings, because it runs with
 * the pinned search_path.
 */
typedef void (*CmigRowCallback) (TupleDesc desc, HeapTuple row, void *arg);

/* A row callback that adds the row to its argument, a ReturnSetInfo. */
extern void cmig_query_return_row(TupleDesc desc, HeapTuple row, void *result);

/* Run a query.  Returns the number of rows processed.  "nulls" may be NULL. */
extern uint64 cmig_query_run(CmigQuery *query, Datum *values, const char *nulls);

/*
 * Run a query and call the callback for each row, in the caller's memory
 * context.  Rows are fetched in batches, so the whole result is never in memory
 * at once.  Returns the number of rows.
 */
extern uint64 cmig_query_each(CmigQuery *query, Datum *values, const char *nulls,
							  CmigRowCallback callback, void *arg);

/*
 * Run a query with the given snapshot, and return the first column of the first
 * row as a palloc'd string.  Returns NULL if there is no row or the column is
 * null.  No argument may be null.
 */
extern char *cmig_query_at_snapshot(CmigQuery *query, Datum *values, Snapshot snapshot);

/*
 * Call "work" so that all queries in it read with one snapshot, and so that
 * queries that write fail.  The caller must be in a subtransaction that is
 * rolled back after an error.
 */
extern void cmig_query_at_once(void (*work) (void *), void *arg);

/*
 * Run a statement that was built at run time, without keeping its plan.  Names
 * in the statement must be qualified, and values must be bound.  If "pinned"
 * is true, search_path is pinned as for a CmigQuery; pinned must be false for
 * statements that fire the caller's triggers.  "callback" may be NULL.  The
 * whole result is in memory at once.
 */
extern uint64 cmig_query_once(const char *sql, int nargs, Oid *argtypes,
							  Datum *values, const char *nulls, bool pinned,
							  CmigRowCallback callback, void *arg);

/*
 * Returns true while cmig_query_run() runs one of pg_cmig's queries.  A trigger
 * uses this to tell whether pg_cmig itself is writing to a table.
 */
extern bool cmig_query_is_writing(void);

/*
 * Returns a column of type text (counting from 1) as a palloc'd string, or NULL
 * if the column is null.
 */
extern char *cmig_query_text(TupleDesc desc, HeapTuple row, int column);

/* A row callback that stores the first column's text in *arg, a char *. */
extern void cmig_query_keep_text(TupleDesc desc, HeapTuple row, void *arg);

/* A row callback that appends the OID in the first column to *arg, a List *. */
extern void cmig_query_keep_oid(TupleDesc desc, HeapTuple row, void *arg);

/* Bind a string, which may be NULL, to the i-th argument (counting from 0). */
extern void cmig_query_bind_text(Datum *values, char *nulls, int i, const char *value);

/*
 * Each of these functions returns a column's value, or "otherwise" if the
 * column is null.
 */
extern bool cmig_query_bool(TupleDesc desc, HeapTuple row, int column, bool otherwise);
extern int32 cmig_query_int32(TupleDesc desc, HeapTuple row, int column, int32 otherwise);
extern int64 cmig_query_int64(TupleDesc desc, HeapTuple row, int column, int64 otherwise);
extern double cmig_query_float8(TupleDesc desc, HeapTuple row, int column, double otherwise);

/* Returns a column as a Datum. */
extern Datum cmig_query_datum(TupleDesc desc, HeapTuple row, int column, bool *isnull);

/* Free the plan of a query whose text was built at run time. */
extern void cmig_query_free(CmigQuery *query);

/*
 * Commit the transaction of a procedure that was called at top level, and start
 * the next transaction.  After the call, there is neither an active snapshot
 * nor a portal snapshot.
 */
extern void cmig_query_commit(void);

/* Is the caller running inside a procedure or DO block that can commit? */
extern bool cmig_query_in_procedure(void);

#endif							/* CMIG_QUERY_H */
