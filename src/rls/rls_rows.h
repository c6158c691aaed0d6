/*
 * rls_rows.h
 *	  Reads the rows of the table under test without SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_ROWS_H
#define CMIG_RLS_ROWS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * The table passed to cmig.rls_test ("the table under test"), identified by its
 * OID.  It remains open until cmig_rls_rows_close() is called, and locked until
 * the end of the transaction.
 */
typedef struct CmigRlsRows
{
	Relation	relation;
	char	   *nspname;		/* schema name when the table was opened */
	char	   *relname;
	char		relkind;
	Oid			owner;
	bool		readable;		/* may the caller see every row? */
} CmigRlsRows;

/* One key of the table under test. */
typedef struct CmigRlsKey
{
	char	   *what;			/* kind of key: "user", "tenant", or "key" */
	char	   *name;			/* the column's name */
	char	   *type;			/* SQL name of the base type, qualified */
	Oid			base_type;
	bool		generated;
	char	   *value;			/* the value in the context; NULL: none */
	List	   *members;		/* of Datum *: the values that match the
								 * context */
	char	   *mine;			/* SQL condition: the row matches the context */
} CmigRlsKey;

/* Open the table and lock it, or close it. */
extern void cmig_rls_rows_open(CmigRlsRows *rows, Oid relid);
extern void cmig_rls_rows_close(CmigRlsRows *rows);

/*
 * Returns true if the table still has the owner, kind, and name that it had
 * when it was opened.
 */
extern bool cmig_rls_rows_same(const CmigRlsRows *rows);

/*
 * Convert a string to a value of the key's type.  Returns NULL for a number
 * that is out of range; raises an error for any other invalid string.
 */
extern Datum *cmig_rls_rows_datum(const CmigRlsKey *key, const char *text);

/*
 * Returns the number of rows or, if "key" is not NULL, the number of rows that
 * have "value" in this key.  Returns -1 if the caller is not allowed to know
 * the number.
 */
extern int64 cmig_rls_rows_count(const CmigRlsRows *rows, const CmigRlsKey *key,
								 const char *value);

/*
 * Returns, as text, the smallest value of the key that does not match the
 * context, or NULL if there is none.
 */
extern char *cmig_rls_rows_strange(const CmigRlsRows *rows, const CmigRlsKey *key);

/*
 * Copy the given columns (a List of char *) of an arbitrary row.  Returns
 * false if there is no row or the caller is not allowed to read the table.
 */
extern bool cmig_rls_rows_first(const CmigRlsRows *rows, List *columns,
								const Oid *types, Datum *values, bool *nulls);

#endif							/* CMIG_RLS_ROWS_H */
