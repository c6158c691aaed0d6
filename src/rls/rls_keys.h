/*
 * rls_keys.h
 *	  Which columns tell whose a row is.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_KEYS_H
#define CMIG_RLS_KEYS_H

#include "rls/rls.h"

/* Has the table a column that the options, or the usual names, make a key? */
extern bool cmig_rls_keys_exist(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * Fills in the columns of the state, or raises an error that says which could
 * be used.  many: of several tables, each with the columns that it has.
 */
extern void cmig_rls_keys_resolve(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, CmigRlsState *state);

#endif							/* CMIG_RLS_KEYS_H */
