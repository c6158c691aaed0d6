/*
 * rls_copy.h
 *	  Copies a row, so that rls_test can try to INSERT the copy.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_COPY_H
#define CMIG_RLS_COPY_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_rows.h"
#include "rls/rls_try.h"

/* The values for a copy of a row. */
typedef struct CmigRlsCopy
{
	List	   *columns;		/* of char *: the columns to which the copy
								 * gives values */
	List	   *made;			/* of char *: for each column, SQL for a new
								 * value, or NULL to copy the old value */
	Oid		   *types;
	Datum	   *values;			/* the values of the copied row */
	bool	   *nulls;
} CmigRlsCopy;

/*
 * Read a row to copy.  If "own" is not NULL, it is an SQL condition, and a row
 * that satisfies it is copied if the role can read one.  Otherwise, any row
 * that the caller can see is copied.  Returns NULL if there is no row to copy.
 */
extern CmigRlsCopy *cmig_rls_copy_read(const CmigRlsAs *as, const char *name,
									   List *keys, const char *own);

/*
 * Returns a statement that inserts a copy of the row.  The keys in the copy
 * match the context, except that the key "strange" has the value "other".
 */
extern CmigRlsAttempt cmig_rls_copy_insert(const CmigRlsCopy *copy, const char *name, List *keys,
										   const CmigRlsKey *strange, const char *other);

#endif							/* CMIG_RLS_COPY_H */
