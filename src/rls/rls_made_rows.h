/*
 * rls_made_rows.h
 *	  Rows for the tables that a policy's sub-selects read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_MADE_ROWS_H
#define CMIG_RLS_MADE_ROWS_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "rls/rls_input.h"

/*
 * (VALUES ...) with the rows of strangers and of one tenant.  Those of strangers
 * come first: a sub-select that takes one row of several takes theirs.
 */
extern RangeTblEntry *cmig_rls_made_rows(CmigRlsMaker *maker, RangeTblEntry *entry);

/* The condition for the rows that the maker's role sees; NULL if it sees all. */
extern Node *cmig_rls_made_rows_visible(const CmigRlsMaker *maker, Oid relid);

#endif							/* CMIG_RLS_MADE_ROWS_H */
