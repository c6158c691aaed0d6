/*
 * rls_made_rows.h
 *	  Invents rows for the tables that a policy's sub-selects read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_MADE_ROWS_H
#define CMIG_RLS_MADE_ROWS_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "rls/rls_input.h"

/*
 * Returns a range table entry for "(VALUES ...)" with rows of strangers and of
 * one tenant.  The strangers' rows come first, so that a sub-select that takes
 * only the first row takes a stranger's row.
 */
extern RangeTblEntry *cmig_rls_made_rows(CmigRlsMaker *maker, RangeTblEntry *entry);

/*
 * Returns the condition for the rows that the maker's role sees, or NULL if
 * the role sees all rows.
 */
extern Node *cmig_rls_made_rows_visible(const CmigRlsMaker *maker, Oid relid);

#endif							/* CMIG_RLS_MADE_ROWS_H */
