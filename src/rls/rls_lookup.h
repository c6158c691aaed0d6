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

/* A table that a policy looks into. */
typedef struct CmigRlsLookup
{
	Oid			table;			/* the table in which the policy looks
								 * something up */
	AttrNumber	key;			/* its column by which the row is found */
	Oid			role;			/* of the policy; InvalidOid is PUBLIC */
	const char *source;			/* the policy's own table, qualified and
								 * quoted */
} CmigRlsLookup;

/* Add the look-ups of a policy's expression, which may be NULL, for each role. */
extern void cmig_rls_lookup_read(Node *tree, const Oid *roles, int nroles,
								 const char *source, List **lookups);

/*
 * Add findings about such tables that the roles can write to, because they can
 * give themselves access by adding a row.
 */
extern void cmig_rls_lookup_add_findings(const List *lookups, List **findings);

#endif							/* CMIG_RLS_LOOKUP_H */
