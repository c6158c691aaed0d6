/*
 * query.h
 *	  The only way from pg_cmig to SPI.
 *
 * A CmigQuery is a static SQL text whose plan is kept for the session.
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

/* A query of pg_cmig, and its plan. */
typedef struct CmigQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[CMIG_QUERY_MAX_ARGS];
	struct _SPI_plan *plan;		/* made at first use */
	bool		users_text;		/* written by a user: search_path stays as it
								 * is, errors get no hint about pg_cmig's
								 * tables, and each run is planned for its
								 * arguments */
	bool		all_rows;		/* raise an error if a policy hides rows */
	Oid			relation;		/* if set, the table for which the alias must
								 * still stand; the plan is not kept */
	const char *alias;			/* no other table in the text has it */
} CmigQuery;

/*
 * Called for each row.  It must copy what it keeps out of the tuple.  It runs
 * with the pinned search_path, so it must not rely on the caller's settings.
 */
typedef void (*CmigRowCallback) (TupleDesc desc, HeapTuple row, void *arg);

/* A CmigRowCallback: adds the row to the ReturnSetInfo that is its argument. */
extern void cmig_query_return_row(TupleDesc desc, HeapTuple row, void *result);

/* Run a query; returns the number of rows processed.  nulls may be NULL. */
extern uint64 cmig_query_run(CmigQuery *query, Datum *values, const char *nulls);

/*
 * Run a query and call the callback for each row, in the caller's memory
 * context. Rows are fetched in batches, so the result is never in memory as a
 * whole.  Returns the number of rows.
 */
extern uint64 cmig_query_each(CmigQuery *query, Datum *values, const char *nulls,
							  CmigRowCallback callback, void *arg);

/*
 * Run a query without arguments under a snapshot, and return the first column
 * of its first row as text.
 */
extern char *cmig_query_at_snapshot(CmigQuery *query, Snapshot snapshot);

/*
 * Run a text that was built at run time, once; no plan is kept.  Names in it
 * must be qualified and values bound.  pinned: search_path is pinned as for a
 * CmigQuery; otherwise it stays as it is, for statements that fire the
 * caller's triggers.  callback may be NULL; the whole result is in memory.
 */
extern uint64 cmig_query_once(const char *sql, int nargs, Oid *argtypes,
							  Datum *values, const char *nulls, bool pinned,
							  CmigRowCallback callback, void *arg);

/*
 * Is one of pg_cmig's queries writing? Then the caller is a trigger on
 * pg_cmig's tables.
 */
extern bool cmig_query_is_writing(void);

/* A column (from 1) of a row as palloc'd text, NULL if it is NULL. */
extern char *cmig_query_text(TupleDesc desc, HeapTuple row, int column);

/* A row callback that puts the first column's text into *arg, a char *. */
extern void cmig_query_keep_text(TupleDesc desc, HeapTuple row, void *arg);

/* A row callback that appends the OID in the first column to *arg, a List *. */
extern void cmig_query_keep_oid(TupleDesc desc, HeapTuple row, void *arg);

/* Bind a text, or NULL, to the argument at an index. */
extern void cmig_query_bind_text(Datum *values, char *nulls, int i, const char *value);

/* The value of a column, or the last argument if it is NULL. */
extern bool cmig_query_bool(TupleDesc desc, HeapTuple row, int column, bool otherwise);
extern int32 cmig_query_int32(TupleDesc desc, HeapTuple row, int column, int32 otherwise);
extern int64 cmig_query_int64(TupleDesc desc, HeapTuple row, int column, int64 otherwise);
extern double cmig_query_float8(TupleDesc desc, HeapTuple row, int column, double otherwise);

/* A column as a Datum. */
extern Datum cmig_query_datum(TupleDesc desc, HeapTuple row, int column, bool *isnull);

/* Free the plan of a query whose text was built at run time. */
extern void cmig_query_free(CmigQuery *query);

/*
 * Commit the transaction of a procedure that is called at top level, and start
 * the next one.  No snapshot remains, neither an active one nor the portal's.
 */
extern void cmig_query_commit(void);

/* Is the caller a procedure or DO block that could commit, too? */
extern bool cmig_query_in_procedure(void);

#endif							/* CMIG_QUERY_H */
