/*
 * rls_keys.h
 *	  Finds the table columns that tell who owns a row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_KEYS_H
#define CMIG_RLS_KEYS_H

#include "rls/rls.h"

/*
 * Returns true if the table has a key column: one that is named in the
 * options, or one that has a usual name.
 */
extern bool cmig_rls_keys_exist(const CmigRlsOptions *options, const CmigRlsTable *table);

/*
 * Set the key columns in the state.  If there are none, raises an error that
 * lists the possible columns.  If "many" is true, the table is one of several,
 * and options that name nonexistent columns are ignored.
 */
extern void cmig_rls_keys_resolve(CmigRlsOptions *options, const CmigRlsTable *table,
								  const CmigRlsTable *via, bool many, CmigRlsState *state);

#endif							/* CMIG_RLS_KEYS_H */
