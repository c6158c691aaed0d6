/*
 * rls_stored.h
 *	  Policies as they are stored, and what was read from them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_STORED_H
#define CMIG_RLS_STORED_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "rls/rls.h"
#include "rls/rls_expr.h"
#include "rls/rls_finding.h"
#include "utils/array.h"

typedef struct CmigRlsStored
{
	Oid			relid;
	char	   *table;			/* qualified and quoted */
	char	   *name;
	bool		permissive;
	char		command;		/* as in pg_policy */
	ArrayType  *roles;
	Node	   *qual;			/* this and check: once the policy is judged */
	Node	   *check;
	char	   *qual_text;		/* these as they are stored; NULL: none */
	char	   *check_text;
	CmigRlsExpression *in_qual;
	CmigRlsExpression *in_check;
	CmigRlsState *state;		/* made by enable_rls, or NULL */
	Bitmapset  *indexed;		/* columns that lead an index */
	Bitmapset  *keys;			/* of all policies of the table */
} CmigRlsStored;

/* The policies of the tables of schemas; those of a table are neighbors. */
extern List *cmig_rls_stored_read(ArrayType *schemas);

/* Read the expressions of all policies of a table. */
extern void cmig_rls_stored_judge(List *siblings);

/* Add a finding on a policy. */
extern void cmig_rls_stored_add_finding(List **findings, CmigRlsRule rule, CmigRlsSeverity severity,
										const CmigRlsStored *policy, char *problem, char *fix);

/* As SQL: without the policy, and with both expressions as they should be. */
extern char *cmig_rls_stored_drop(const CmigRlsStored *policy);
extern char *cmig_rls_stored_repair(const CmigRlsStored *policy);

/*
 * A fix in words, as an SQL comment: -- USING of policy p on t: ...
 */
extern char *cmig_rls_stored_advice(const CmigRlsStored *policy, bool is_check, const char *advice);

/* A call of rls_test, which tells what a policy does that cannot be judged. */
extern char *cmig_rls_stored_try(const CmigRlsStored *policy);

extern Oid *cmig_rls_stored_roles(const CmigRlsStored *policy, int *count);

/* Is the role bound?  By inherited privileges, as the server asks. */
extern bool cmig_rls_stored_binds(const CmigRlsStored *policy, Oid role);

/* Does a bind a role that b names? */
extern bool cmig_rls_stored_share_role(const CmigRlsStored *a, const CmigRlsStored *b);
extern bool cmig_rls_stored_share_command(const CmigRlsStored *a, const CmigRlsStored *b);

/* The expression that decides, for INSERT that of WITH CHECK; and what was read of it. */
extern Node *cmig_rls_stored_deciding(const CmigRlsStored *policy);
extern const CmigRlsExpression *cmig_rls_stored_decided(const CmigRlsStored *policy);

#endif							/* CMIG_RLS_STORED_H */
