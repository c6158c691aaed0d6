/*
 * rls_open.h
 *	  Rules of cmig.rls_check about the rows that policies let through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OPEN_H
#define CMIG_RLS_OPEN_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "rls/rls_leak.h"
#include "rls/rls_stored.h"

/*
 * Add the findings about a policy.  "siblings" are all policies of the
 * policy's table, including the policy itself.
 */
extern void cmig_rls_open_add_findings(const CmigRlsStored *policy, const List *siblings,
									   CmigRlsLeakCache *cache, List **findings);

#endif							/* CMIG_RLS_OPEN_H */
