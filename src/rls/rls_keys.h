/*
 * rls_keys.h
 *	  Finds the columns of a table that say to whom a row belongs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_KEYS_H
#define CMIG_RLS_KEYS_H

#include "rls/rls.h"

/*
 * Does the table have a column that the options name as a key, or that has a
 * usual name?
 */
extern bool cmig_rls_keys_exist(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * Set the key columns in the state; raises an error that lists possible
 * columns if there is none.  many: the table is one of several, and options
 * apply only as far as it has the columns.
 */
extern void cmig_rls_keys_resolve(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, CmigRlsState *state);

#endif							/* CMIG_RLS_KEYS_H */
