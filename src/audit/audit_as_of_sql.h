/*
 * audit_as_of_sql.h
 *	  Builds the queries of audit_as_of().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_AS_OF_SQL_H
#define CMIG_AUDIT_AS_OF_SQL_H

#include "postgres.h"

/* The parameters of the queries, in their order: $1 is CMIG_AS_OF_AT. */
typedef enum CmigAsOfParameter
{
	CMIG_AS_OF_AT,				/* the requested time */
	CMIG_AS_OF_LOW,				/* the lowest row_hash of the table's entries */
	CMIG_AS_OF_HIGH,			/* every row_hash of the entries is less than
								 * this */
	CMIG_AS_OF_HASHES,			/* row_hash of each form of the key */
	CMIG_AS_OF_KEY,				/* the key, with current column names */
	CMIG_AS_OF_RENAMES,			/* former and current column names */
	CMIG_AS_OF_HIDDEN,			/* columns to remove from images */
	CMIG_AS_OF_SEQ,				/* seq of the first TRUNCATE after the
								 * requested time */
	CMIG_AS_OF_PARAMETERS		/* the number of parameters */
} CmigAsOfParameter;

/* The properties on which a query's text depends. */
typedef struct CmigAsOfQuery
{
	const char *type;			/* the table's quoted name */
	const char *table;			/* the quoted name, with ONLY for a plain
								 * table */
	const char *alias;			/* the table's alias in the query, which is
								 * not the name of any column */
	const char *live_key;		/* SQL expression for a table row's key */
	bool		has_renames;	/* is CMIG_AS_OF_RENAMES set? */
	bool		has_hidden;		/* is CMIG_AS_OF_HIDDEN set? */
	bool		has_key;		/* is only the row with a given key wanted? */
	bool		truncated;		/* is there a TRUNCATE after the requested
								 * time? */
	bool		keys_changed;	/* has a key changed after the requested time? */
	bool		deferrable;		/* can rows share a key within a transaction? */
} CmigAsOfQuery;

/*
 * The queries that the following functions return have four columns: the row,
 * if it is read from the table; otherwise, the row's image (null if the log
 * does not contain it); whether the image is only a part of the row; and the
 * key.
 */

/*
 * Returns the query to use if all entries that are needed contain whole rows.
 */
extern char *cmig_audit_as_of_sql_simple(const CmigAsOfQuery *as_of);

/*
 * Returns the query to use for entries of any kind, and for a truncated table.
 */
extern char *cmig_audit_as_of_sql_general(const CmigAsOfQuery *as_of);

/*
 * Returns the query to use for a table without a key.  It counts equal rows.
 */
extern char *cmig_audit_as_of_sql_counting(const CmigAsOfQuery *as_of);

#endif							/* CMIG_AUDIT_AS_OF_SQL_H */
