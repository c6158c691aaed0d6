/*
 * rls_siblings.h
 *	  Judges a policy together with the other policies of its table.
 *
 * The parameter "siblings" contains all policies of the table, including the
 * policy itself.  A permissive policy is judged together with the restrictive
 * policies for each of its roles.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_SIBLINGS_H
#define CMIG_RLS_SIBLINGS_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rls/rls_leak.h"
#include "rls/rls_stored.h"

/*
 * The commands to which USING applies, and the commands that write new rows.
 */
#define CMIG_RLS_FOR_ROWS "rwd"
#define CMIG_RLS_FOR_NEW_ROWS "aw"

/*
 * Returns true if the policy's expression is true for every row that has an
 * owner.
 */
extern bool cmig_rls_siblings_is_always_true(const CmigRlsStored *policy);

/*
 * Returns true if a restrictive policy limits everything that this policy
 * allows its roles to do.
 */
extern bool cmig_rls_siblings_is_floored(const CmigRlsStored *policy, const List *siblings);

/*
 * Returns the leak of the policy's expression after combining it with the
 * expressions of the restrictive policies for a role.
 */
extern const CmigRlsLeak *cmig_rls_siblings_try_role(CmigRlsLeakCache *cache, const CmigRlsStored *policy,
													 const List *siblings, bool is_check, char command,
													 Oid role, const Bitmapset *keys, const Bitmapset *own);

/*
 * Returns the worst leak for any of the policy's roles and any of the given
 * commands, or NULL if the policy does not apply to these commands.
 */
extern const CmigRlsLeak *cmig_rls_siblings_try(CmigRlsLeakCache *cache, const CmigRlsStored *policy,
												const List *siblings, const char *commands);

/*
 * Returns the worst of a leak's levels: without a context, with a context, and
 * for rows without a key.
 */
extern CmigRlsLeakLevel cmig_rls_siblings_worst(const CmigRlsLeak *leak);

#endif							/* CMIG_RLS_SIBLINGS_H */
