/*
 * rls_always.h
 *	  The rule always_true of cmig.rls_check.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_ALWAYS_H
#define CMIG_RLS_ALWAYS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_stored.h"

/*
 * Report a policy that is always true.  A permissive policy is allowed to be
 * always true in three cases: if its roles have no other policy (it is then
 * reported as a bypass policy), if a restrictive policy limits it, or if the
 * option public_read of enable_rls requires it.
 */
extern void cmig_rls_always_check(const CmigRlsStored *policy, const List *siblings, List **findings);

/*
 * Report permissive policies that let every row through only in combination,
 * such as "key IS NULL" and "key IS NOT NULL".  The combination is reported
 * once, for its last policy.
 */
extern void cmig_rls_always_check_together(const CmigRlsStored *policy, const List *siblings,
										   List **findings);

#endif							/* CMIG_RLS_ALWAYS_H */
