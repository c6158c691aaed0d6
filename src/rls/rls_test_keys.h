/*
 * rls_test_keys.h
 *	  Finds out which rows belong to the context that cmig.rls_test uses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_TEST_KEYS_H
#define CMIG_RLS_TEST_KEYS_H

#include "postgres.h"
#include "rls/rls.h"
#include "rls/rls_try.h"

/* How to recognize the rows that belong to the context. */
typedef struct CmigRlsOwn
{
	List	   *keys;			/* of CmigRlsKey */
	char	   *condition;		/* SQL condition: the row matches the context */
	char	   *shared;			/* SQL condition: the row is shared by
								 * everybody */
	bool		possible;		/* can any row match the context? */
} CmigRlsOwn;

/*
 * Find the table's keys and their values in the context.  The key columns are
 * given as arguments.  For a NULL argument, the column given to
 * cmig.enable_rls or the column with the usual name is used; '' means none.
 * Raises an error if there is no key.
 */
extern CmigRlsOwn *cmig_rls_test_keys_find(const CmigRlsTable *table, const CmigRlsAs *as,
										   const char *user_column, const char *tenant_column);

#endif							/* CMIG_RLS_TEST_KEYS_H */
