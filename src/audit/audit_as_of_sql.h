/*
 * audit_as_of_sql.h
 *	  The queries of audit_as_of().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_AS_OF_SQL_H
#define CMIG_AUDIT_AS_OF_SQL_H

#include "postgres.h"

/* The parameters of the queries, in their order: $1 is CMIG_AS_OF_AT. */
typedef enum CmigAsOfParameter
{
	CMIG_AS_OF_AT,				/* the time */
	CMIG_AS_OF_LOW,				/* row_hash of the table's entries: from here */
	CMIG_AS_OF_HIGH,			/* to below here */
	CMIG_AS_OF_HASHES,			/* row_hash of the key's variants */
	CMIG_AS_OF_KEY,
	CMIG_AS_OF_RENAMES,			/* columns' names of all times */
	CMIG_AS_OF_HIDDEN,			/* columns that images do not have */
	CMIG_AS_OF_SEQ,				/* seq of the first TRUNCATE after the time */
	CMIG_AS_OF_PARAMETERS		/* how many there are */
} CmigAsOfParameter;

/* What decides how a query looks. */
typedef struct CmigAsOfQuery
{
	const char *type;			/* the table's quoted name */
	const char *table;			/* the same, with ONLY where that fits */
	const char *alias;			/* of the table in the query; no column has
								 * this name */
	const char *live_key;		/* expression: the key of a row of the table */
	bool		has_renames;
	bool		has_hidden;
	bool		has_key;		/* only the row with a key was asked for */
	bool		truncated;		/* there is a TRUNCATE after the time */
	bool		keys_changed;	/* a key changed after the time */
	bool		deferrable;		/* rows can share a key within a transaction */
} CmigAsOfQuery;

/*
 * Each returns a query with the columns: row of the table's type; image, for
 * a row that is not as it is now (NULL if the log does not have it); whether
 * the image is not whole; key.
 */

/* If all entries hold whole rows, as far as they count. */
extern char *cmig_audit_as_of_sql_simple(const CmigAsOfQuery *as_of);

/* Whatever the entries hold, and also if the table was truncated. */
extern char *cmig_audit_as_of_sql_general(const CmigAsOfQuery *as_of);

/* For a table without a key. */
extern char *cmig_audit_as_of_sql_counting(const CmigAsOfQuery *as_of);

#endif							/* CMIG_AUDIT_AS_OF_SQL_H */
