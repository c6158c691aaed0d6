/*
 * rls_rows.h
 *	  The rows of a table that is tested, read without SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_ROWS_H
#define CMIG_RLS_ROWS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* A table, pinned by its OID: it stays locked and open until closed. */
typedef struct CmigRlsRows
{
	Relation	relation;
	char	   *nspname;		/* what it was called when it was opened */
	char	   *relname;
	char		relkind;
	Oid			owner;
	bool		readable;		/* the caller may see every row */
} CmigRlsRows;

/* One key of the table that is tested. */
typedef struct CmigRlsKey
{
	char	   *what;			/* user, tenant, key */
	char	   *name;			/* its column */
	char	   *type;			/* SQL: its base type, qualified */
	Oid			base_type;
	bool		generated;
	char	   *value;			/* what is the context's, or NULL */
	List	   *members;		/* of Datum *: the values that are the
								 * context's */
	char	   *mine;			/* SQL: is it mine? */
} CmigRlsKey;

extern void cmig_rls_rows_open(CmigRlsRows *rows, Oid relid);
extern void cmig_rls_rows_close(CmigRlsRows *rows);

/* Is it still the table that was opened, and still reached by its name? */
extern bool cmig_rls_rows_same(const CmigRlsRows *rows);

/*
 * The value that a text is for the key, or NULL for a number that the key's
 * type cannot hold.  What is not of the type at all is an error.
 */
extern Datum *cmig_rls_rows_datum(const CmigRlsKey *key, const char *text);

/*
 * How many rows there are, with a key: that have this value of it; -1 where
 * the caller may not know.
 */
extern int64 cmig_rls_rows_count(const CmigRlsRows *rows, const CmigRlsKey *key,
								 const char *value);

/* The least value of the key that is not the context's, as text, or NULL. */
extern char *cmig_rls_rows_strange(const CmigRlsRows *rows, const CmigRlsKey *key);

/* Copy columns (of char *) of any row; false where the caller knows of none. */
extern bool cmig_rls_rows_first(const CmigRlsRows *rows, List *columns,
								const Oid *types, Datum *values, bool *nulls);

#endif							/* CMIG_RLS_ROWS_H */
