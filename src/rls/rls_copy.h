/*
 * rls_copy.h
 *	  A copy of a row, which an attempt to INSERT adds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_COPY_H
#define CMIG_RLS_COPY_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_rows.h"
#include "rls/rls_try.h"

typedef struct CmigRlsCopy
{
	List	   *columns;		/* of char *: those that a copy gives */
	List	   *made;			/* of char *: SQL for a new value, or NULL */
	Oid		   *types;
	Datum	   *values;			/* of the row that is copied */
	bool	   *nulls;
} CmigRlsCopy;

/*
 * A row of the table to copy: the role's own where own, the condition, is
 * given, else any that the caller may see.  NULL if there is none.
 */
extern CmigRlsCopy *cmig_rls_copy_read(const CmigRlsAs *as, const char *name,
									   List *keys, const char *own);

/*
 * The attempt to insert a copy that is the context's; strange: the key that
 * gets another value.
 */
extern CmigRlsAttempt cmig_rls_copy_insert(const CmigRlsCopy *copy, const char *name, List *keys,
										   const CmigRlsKey *strange, const char *other);

#endif							/* CMIG_RLS_COPY_H */
