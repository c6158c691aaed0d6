/*
 * rls_finding.h
 *	  The rules of cmig.rls_check, and their findings.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_FINDING_H
#define CMIG_RLS_FINDING_H

#include "postgres.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "nodes/pg_list.h"

/* Severities, worst first.  cmig.check uses the same names. */
typedef enum CmigRlsSeverity
{
	CMIG_RLS_ERROR,				/* rows of other users or tenants can be read
								 * or written */
	CMIG_RLS_WARNING,			/* rows of other users or tenants may be
								 * exposed, or queries are slow or fail */
	CMIG_RLS_NOTICE				/* worth knowing, and often intended */
} CmigRlsSeverity;

/* The rules; rls_finding.c describes them. */
typedef enum CmigRlsRule
{
	CMIG_RLS_RULE_RLS_DISABLED,
	CMIG_RLS_RULE_POLICY_WITHOUT_RLS,
	CMIG_RLS_RULE_NO_FORCE,
	CMIG_RLS_RULE_RLS_WITHOUT_POLICY,
	CMIG_RLS_RULE_ONLY_RESTRICTIVE,
	CMIG_RLS_RULE_ALWAYS_TRUE,
	CMIG_RLS_RULE_FOREIGN_ROWS,
	CMIG_RLS_RULE_OPEN_WITHOUT_CONTEXT,
	CMIG_RLS_RULE_FLOOR_MISSES_ROLE,
	CMIG_RLS_RULE_RESTRICTIVE_ON_SHARDS,
	CMIG_RLS_RULE_NOT_JUDGED,
	CMIG_RLS_RULE_ALWAYS_FALSE,
	CMIG_RLS_RULE_SWALLOWING_OR,
	CMIG_RLS_RULE_PER_ROW_FUNCTION,
	CMIG_RLS_RULE_VOLATILE_FUNCTION,
	CMIG_RLS_RULE_IN_SUBSELECT,
	CMIG_RLS_RULE_CORRELATED_SUBQUERY,
	CMIG_RLS_RULE_CAST_OF_EMPTY,
	CMIG_RLS_RULE_NO_MISSING_OK,
	CMIG_RLS_RULE_CHECK_WIDER_THAN_USING,
	CMIG_RLS_RULE_IMPLICIT_CHECK,
	CMIG_RLS_RULE_MISSING_INDEX,
	CMIG_RLS_RULE_UNKNOWN_COLUMN,
	CMIG_RLS_RULE_TO_PUBLIC,
	CMIG_RLS_RULE_ROLE_BYPASSES,
	CMIG_RLS_RULE_OWNER_IS_APPLICATION,
	CMIG_RLS_RULE_VIEW_DEFINER,
	CMIG_RLS_RULE_MATVIEW,
	CMIG_RLS_RULE_SECURITY_DEFINER,
	CMIG_RLS_RULE_DYNAMIC_SQL,
	CMIG_RLS_RULE_DEFINER_SEARCH_PATH,
	CMIG_RLS_RULE_MEMBERSHIP_WRITABLE,
	CMIG_RLS_RULE_UNRESTRICTED_PRIVILEGE,
	CMIG_RLS_RULE_PARTITION_EXPOSED,
	CMIG_RLS_RULE_UNUSED_POLICY,
	CMIG_RLS_RULE_MANY_PERMISSIVE,
	CMIG_RLS_RULE_DUPLICATE_POLICY
} CmigRlsRule;

/* A problem that a rule has found. */
typedef struct CmigRlsFinding
{
	CmigRlsRule rule;
	CmigRlsSeverity severity;
	char	   *object;
	char	   *problem;
	char	   *fix;			/* complete SQL, or advice as an SQL comment;
								 * NULL: none */
} CmigRlsFinding;

/* Return the names of a finding's rule and severity, as shown to users. */
extern const char *cmig_rls_finding_rule(const CmigRlsFinding *finding);
extern const char *cmig_rls_finding_severity(const CmigRlsFinding *finding);

/*
 * Comparison function for list_sort: by severity, worst first, then by object,
 * rule, and problem.
 */
extern int	cmig_rls_finding_compare(const ListCell *a, const ListCell *b);

/*
 * Returns the finding in a result row, which has the columns rule, severity,
 * object, problem, and fix.
 */
extern CmigRlsFinding *cmig_rls_finding_read(TupleDesc desc, HeapTuple row);

/* A CmigRowCallback that appends the finding to a List **. */
extern void cmig_rls_finding_take(TupleDesc desc, HeapTuple row, void *arg);

#endif							/* CMIG_RLS_FINDING_H */
