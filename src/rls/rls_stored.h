/*
 * rls_stored.h
 *	  Reads stored policies, and collects information about them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_STORED_H
#define CMIG_RLS_STORED_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rls/internal.h"
#include "rls/rls_expr.h"
#include "rls/rls_finding.h"
#include "utils/array.h"

/* A stored policy. */
typedef struct CmigRlsStored
{
	Oid			relid;
	char	   *table;			/* qualified and quoted */
	char	   *name;
	bool		permissive;
	char		command;		/* as in pg_policy */
	ArrayType  *roles;
	Node	   *qual;			/* qual and check are set by
								 * cmig_rls_stored_judge() */
	Node	   *check;
	char	   *qual_text;		/* qual and check as stored; NULL: none */
	char	   *check_text;
	CmigRlsExpression *in_qual;
	CmigRlsExpression *in_check;
	CmigRlsState *state;		/* recorded by enable_rls; NULL if enable_rls
								 * did not create the policy */
	Bitmapset  *indexed;		/* columns that are the first column of an
								 * index */
	Bitmapset  *keys;			/* the columns that any of the table's
								 * policies compares with the context */
} CmigRlsStored;

/*
 * Read the policies of all tables in the schemas.  Policies of the same table
 * are adjacent.
 */
extern List *cmig_rls_stored_read(ArrayType *schemas);

/* Analyze the expressions of all policies of a table. */
extern void cmig_rls_stored_judge(List *siblings);

/* Add a finding about a policy. */
extern void cmig_rls_stored_add_finding(List **findings, CmigRlsRule rule, CmigRlsSeverity severity,
										const CmigRlsStored *policy, char *problem, char *fix);

/*
 * Return a fix as SQL: DROP POLICY, or ALTER POLICY with both expressions
 * repaired.
 */
extern char *cmig_rls_stored_drop(const CmigRlsStored *policy);
extern char *cmig_rls_stored_repair(const CmigRlsStored *policy);

/*
 * Returns a fix in words, as an SQL comment such as "-- USING of policy p on
 * t: ...".  If "is_check" is true, the comment names WITH CHECK instead of
 * USING.
 */
extern char *cmig_rls_stored_advice(const CmigRlsStored *policy, bool is_check, const char *advice);

/*
 * Returns, as SQL, a call of rls_test that shows the effect of a policy that
 * cannot be judged.
 */
extern char *cmig_rls_stored_try(const CmigRlsStored *policy);

/*
 * Returns the OIDs of the roles to which the policy applies, and sets *count.
 * ACL_ID_PUBLIC stands for PUBLIC.
 */
extern Oid *cmig_rls_stored_roles(const CmigRlsStored *policy, int *count);

/*
 * Returns true if the policy applies to the role.  As in PostgreSQL, a policy
 * applies to a role that has the privileges of one of the policy's roles.
 */
extern bool cmig_rls_stored_binds(const CmigRlsStored *policy, Oid role);

/*
 * Returns true if policy "a" applies to any of the roles named in policy "b".
 */
extern bool cmig_rls_stored_share_role(const CmigRlsStored *a, const CmigRlsStored *b);
extern bool cmig_rls_stored_share_command(const CmigRlsStored *a, const CmigRlsStored *b);

/*
 * Return the policy's deciding expression (WITH CHECK for INSERT, otherwise
 * USING), and the result of analyzing it.
 */
extern Node *cmig_rls_stored_deciding(const CmigRlsStored *policy);
extern const CmigRlsExpression *cmig_rls_stored_decided(const CmigRlsStored *policy);

#endif							/* CMIG_RLS_STORED_H */
