/*
 * rls_lookup.h
 *	  Finds tables in which policies look up what a role may see.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_LOOKUP_H
#define CMIG_RLS_LOOKUP_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"

/* A policy's look-up in a table. */
typedef struct CmigRlsLookup
{
	Oid			table;			/* the table that the policy reads */
	AttrNumber	key;			/* the column by which the row is found */
	Oid			role;			/* the policy's role; InvalidOid is PUBLIC */
	const char *source;			/* the policy's own table, qualified and
								 * quoted */
} CmigRlsLookup;

/*
 * Add the look-ups in a policy's expression, which may be NULL, for each role.
 */
extern void cmig_rls_lookup_read(Node *tree, const Oid *roles, int nroles,
								 const char *source, List **lookups);

/*
 * Add findings about look-up tables that the roles can write to, because a
 * role can give itself access by adding a row to such a table.
 */
extern void cmig_rls_lookup_add_findings(const List *lookups, List **findings);

#endif							/* CMIG_RLS_LOOKUP_H */
