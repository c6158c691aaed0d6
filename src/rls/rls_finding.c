/*
 * rls_finding.c
 *	  The rules of cmig.rls_check, and their findings.
 *
 * The table below lists each rule with its worst severity and the module that
 * contains its check function.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "rls/rls_finding.h"

#include "catalog/pg_type.h"

/* A rule of cmig.rls_check. */
typedef struct Rule
{
	const char *name;
	CmigRlsSeverity worst;
	const char *module;			/* the module that contains the rule's check
								 * function */
	const char *about;			/* what the rule finds */
} Rule;

static const Rule rules[] = {
	[CMIG_RLS_RULE_RLS_DISABLED] = {"rls_disabled", CMIG_RLS_ERROR, "rls_posture",
	"row-level security is off, although other tables have it"},
	[CMIG_RLS_RULE_POLICY_WITHOUT_RLS] = {"policy_without_rls", CMIG_RLS_ERROR, "rls_posture",
	"policies have no effect because row-level security is off"},
	[CMIG_RLS_RULE_NO_FORCE] = {"no_force", CMIG_RLS_WARNING, "rls_posture",
	"policies do not apply to the owner"},
	[CMIG_RLS_RULE_RLS_WITHOUT_POLICY] = {"rls_without_policy", CMIG_RLS_WARNING, "rls_posture",
	"no rows are visible"},
	[CMIG_RLS_RULE_ONLY_RESTRICTIVE] = {"only_restrictive", CMIG_RLS_WARNING, "rls_posture",
	"no rows are visible because no policy is permissive"},
	[CMIG_RLS_RULE_ALWAYS_TRUE] = {"always_true", CMIG_RLS_ERROR, "rls_always",
	"a policy lets every row through"},
	[CMIG_RLS_RULE_FOREIGN_ROWS] = {"foreign_rows", CMIG_RLS_ERROR, "rls_open",
	"with a context, a policy is true for rows that belong to others"},
	[CMIG_RLS_RULE_OPEN_WITHOUT_CONTEXT] = {"open_without_context", CMIG_RLS_ERROR, "rls_open",
	"without a context, a policy is true for rows that belong to others"},
	[CMIG_RLS_RULE_FLOOR_MISSES_ROLE] = {"floor_misses_role", CMIG_RLS_ERROR, "rls_open",
	"a permissive policy lets a role see more rows, and a restrictive policy does not apply to that role"},
	[CMIG_RLS_RULE_RESTRICTIVE_ON_SHARDS] = {"restrictive_on_shards", CMIG_RLS_ERROR, "rls_check",
	"Citus makes a restrictive policy permissive"},
	[CMIG_RLS_RULE_NOT_JUDGED] = {"not_judged", CMIG_RLS_WARNING, "rls_open",
	"a condition cannot be checked"},
	[CMIG_RLS_RULE_ALWAYS_FALSE] = {"always_false", CMIG_RLS_WARNING, "rls_check",
	"a policy allows, or forbids, everything"},
	[CMIG_RLS_RULE_SWALLOWING_OR] = {"swallowing_or", CMIG_RLS_ERROR, "rls_open",
	"a branch of an OR or CASE does not depend on the row"},
	[CMIG_RLS_RULE_PER_ROW_FUNCTION] = {"per_row_function", CMIG_RLS_WARNING, "rls_check",
	"a function is called for each row"},
	[CMIG_RLS_RULE_VOLATILE_FUNCTION] = {"volatile_function", CMIG_RLS_WARNING, "rls_check",
	"a volatile function is called for each row"},
	[CMIG_RLS_RULE_IN_SUBSELECT] = {"in_subselect", CMIG_RLS_WARNING, "rls_check",
	"IN (SELECT ...) cannot use the index"},
	[CMIG_RLS_RULE_CORRELATED_SUBQUERY] = {"correlated_subquery", CMIG_RLS_WARNING, "rls_check",
	"a sub-select runs for each row"},
	[CMIG_RLS_RULE_CAST_OF_EMPTY] = {"cast_of_empty", CMIG_RLS_WARNING, "rls_check",
	"a cast of a setting fails on ''"},
	[CMIG_RLS_RULE_NO_MISSING_OK] = {"no_missing_ok", CMIG_RLS_WARNING, "rls_check",
	"reading a setting fails if it was never set"},
	[CMIG_RLS_RULE_CHECK_WIDER_THAN_USING] = {"check_wider_than_using", CMIG_RLS_ERROR, "rls_open",
	"WITH CHECK accepts rows that USING rejects"},
	[CMIG_RLS_RULE_IMPLICIT_CHECK] = {"implicit_check", CMIG_RLS_NOTICE, "rls_open",
	"USING is also used to check new rows"},
	[CMIG_RLS_RULE_MISSING_INDEX] = {"missing_index", CMIG_RLS_WARNING, "rls_check",
	"no index has the key as its first column"},
	[CMIG_RLS_RULE_UNKNOWN_COLUMN] = {"unknown_column", CMIG_RLS_ERROR, "rls_check",
	"a policy refers to the wrong column, or to one that no longer exists"},
	[CMIG_RLS_RULE_TO_PUBLIC] = {"to_public", CMIG_RLS_WARNING, "rls_posture",
	"a policy applies to every role"},
	[CMIG_RLS_RULE_ROLE_BYPASSES] = {"role_bypasses", CMIG_RLS_ERROR, "rls_posture",
	"a role bypasses the policies, or can become a role that does"},
	[CMIG_RLS_RULE_OWNER_IS_APPLICATION] = {"owner_is_application", CMIG_RLS_ERROR, "rls_posture",
	"policies name the owner"},
	[CMIG_RLS_RULE_VIEW_DEFINER] = {"view_definer", CMIG_RLS_ERROR, "rls_posture",
	"a view reads with the privileges of its owner"},
	[CMIG_RLS_RULE_MATVIEW] = {"matview", CMIG_RLS_ERROR, "rls_posture",
	"a materialized view contains rows of all users"},
	[CMIG_RLS_RULE_SECURITY_DEFINER] = {"security_definer", CMIG_RLS_WARNING, "rls_posture",
	"a function reads with the privileges of its owner"},
	[CMIG_RLS_RULE_DYNAMIC_SQL] = {"dynamic_sql", CMIG_RLS_WARNING, "rls_posture",
	"a SECURITY DEFINER function runs SQL that cannot be checked"},
	[CMIG_RLS_RULE_DEFINER_SEARCH_PATH] = {"definer_search_path", CMIG_RLS_WARNING, "rls_posture",
	"a SECURITY DEFINER function looks up names in its caller's search_path"},
	[CMIG_RLS_RULE_MEMBERSHIP_WRITABLE] = {"membership_writable", CMIG_RLS_WARNING, "rls_lookup",
	"a role can write to a table that its policies read"},
	[CMIG_RLS_RULE_UNRESTRICTED_PRIVILEGE] = {"unrestricted_privilege", CMIG_RLS_WARNING, "rls_posture",
	"a role has a privilege that no policy limits"},
	[CMIG_RLS_RULE_PARTITION_EXPOSED] = {"partition_exposed", CMIG_RLS_ERROR, "rls_posture",
	"a partition or child has no row-level security of its own"},
	[CMIG_RLS_RULE_UNUSED_POLICY] = {"unused_policy", CMIG_RLS_NOTICE, "rls_posture",
	"no role of a policy has a privilege on the table"},
	[CMIG_RLS_RULE_MANY_PERMISSIVE] = {"many_permissive", CMIG_RLS_NOTICE, "rls_posture",
	"several permissive policies are combined using OR"},
	[CMIG_RLS_RULE_DUPLICATE_POLICY] = {"duplicate_policy", CMIG_RLS_WARNING, "rls_check",
	"a policy says the same as another"},
};

static const char *const severities[] = {
	[CMIG_RLS_ERROR] = "error",
	[CMIG_RLS_WARNING] = "warning",
	[CMIG_RLS_NOTICE] = "notice",
};

/*
 * Returns the index of "text" in a list of "count" words, where name(i)
 * returns the i-th word.
 */
static int
number_of(const char *text, const char *(*name) (int), int count)
{
	for (int i = 0; text && i < count; i++)
		if (strcmp(name(i), text) == 0)
			return i;
	elog(ERROR, "unexpected rule or severity of a finding: \"%s\"", text ? text : "");
}

/* number_of() callback: returns the name of the n-th rule. */
static const char *
rule_name(int n)
{
	return rules[n].name;
}

/* number_of() callback: returns the name of the n-th severity. */
static const char *
severity_name(int n)
{
	return severities[n];
}

const char *
cmig_rls_finding_rule(const CmigRlsFinding *finding)
{
	/* no finding is more severe than its rule's entry in the table of rules */
	Assert(finding->severity >= rules[finding->rule].worst);
	return rules[finding->rule].name;
}

const char *
cmig_rls_finding_severity(const CmigRlsFinding *finding)
{
	return severities[finding->severity];
}

int
cmig_rls_finding_compare(const ListCell *a, const ListCell *b)
{
	const CmigRlsFinding *left = lfirst(a);
	const CmigRlsFinding *right = lfirst(b);
	int			order = (int) left->severity - (int) right->severity;

	if (order == 0)
		order = strcmp(left->object, right->object);
	if (order == 0)
		order = strcmp(rules[left->rule].name, rules[right->rule].name);
	return order ? order : strcmp(left->problem, right->problem);
}

CmigRlsFinding *
cmig_rls_finding_read(TupleDesc desc, HeapTuple row)
{
	CmigRlsFinding *finding = palloc0(sizeof(CmigRlsFinding));

	finding->rule = number_of(cmig_query_text(desc, row, 1), rule_name, lengthof(rules));
	finding->severity = number_of(cmig_query_text(desc, row, 2), severity_name, lengthof(severities));
	finding->object = cmig_query_text(desc, row, 3);
	finding->problem = cmig_query_text(desc, row, 4);
	if (TupleDescAttr(desc, 4)->atttypid == TEXTOID)
		finding->fix = cmig_query_text(desc, row, 5);
	return finding;
}

void
cmig_rls_finding_take(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **findings = arg;

	*findings = lappend(*findings, cmig_rls_finding_read(desc, row));
}
