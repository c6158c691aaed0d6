/*
 * rls_open.c
 *	  Rules of cmig.rls_check about the rows that policies let through.
 *
 * Problems that are visible in a policy's expression tree (rls_truth.c,
 * rls_expr.c) are reported first, because they can be described precisely;
 * a leak that is found by evaluating the expression (rls_leak.c) is reported
 * only if it does not result from such a problem.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_always.h"
#include "rls/rls_leak.h"
#include "rls/rls_node.h"
#include "rls/rls_open.h"
#include "rls/rls_owner.h"
#include "rls/rls_repair.h"
#include "rls/rls_sample.h"
#include "rls/rls_siblings.h"
#include "rls/rls_truth.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Returns a description of the case's row, such as "one where tenant_id is
 * '5'".
 */
static char *
row_text(const CmigRlsStored *policy, const CmigRlsCase *about)
{
	char	   *name = about->column ? get_attname(policy->relid, about->column, true) : NULL;

	if (name == NULL)
		return pstrdup("any row");
	if (about->value == NULL)
		return psprintf("one where %s is null", quote_identifier(name));
	return psprintf("one where %s is %s", quote_identifier(name), quote_literal_cstr(about->value));
}

/*
 * Returns a description of the case's context, such as ", while app.tenant is
 * '12'".
 */
static char *
context_text(const CmigRlsCase *about)
{
	if (about->context == NULL)
		return pstrdup("");
	if (about->context_value == NULL)
		return psprintf(", while %s is not set", about->context);
	return psprintf(", while %s is %s", about->context, quote_literal_cstr(about->context_value));
}

/* Returns the severity of a leak of the given level. */
static CmigRlsSeverity
level_severity(CmigRlsLeakLevel level)
{
	return level == CMIG_RLS_OPEN ? CMIG_RLS_ERROR : level == CMIG_RLS_SOME ? CMIG_RLS_WARNING : CMIG_RLS_NOTICE;
}

/*
 * Returns true if the table has other permissive policies for the same
 * commands, but none of them applies to the policy's roles.  The policy is
 * then probably meant to let these roles see more.
 */
static bool
is_for_roles_of_its_own(const CmigRlsStored *policy, const List *siblings)
{
	bool		others = false;
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other == policy || !cmig_rls_stored_share_command(policy, other) || !other->permissive || cmig_rls_siblings_is_always_true(other))
			continue;
		others = true;
		if (cmig_rls_stored_share_role(policy, other))
			return false;
	}
	return others;
}

/*
 * Returns true if one of the table's policies compares a column with the
 * context, or if a column's name suggests that the column contains the row's
 * owner.
 */
static bool
has_owner(const CmigRlsStored *policy)
{
	int			natts = cmig_rls_columns(policy->relid);

	if (!bms_is_empty(policy->keys))
		return true;
	for (int column = 1; column <= natts; column++)
	{
		char	   *name = get_attname(policy->relid, column, true);

		if (name && cmig_rls_owner_is_named(name))
			return true;
	}
	return false;
}

/*
 * Returns true if the policies let everybody change rows whose key is a
 * constant.  Such rows, for example a system tenant's, are often meant to be
 * readable, but not writable, by everybody.
 */
static bool
writes_constant(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, bool is_check)
{
	const CmigRlsLeak *leak = cmig_rls_siblings_try(cache, policy, siblings, is_check ? CMIG_RLS_FOR_NEW_ROWS : "wd");

	return leak && leak->foreign.constant;
}

/* Add findings for a leak that was found by evaluating an expression. */
static void
add_leak_findings(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, const CmigRlsLeak *leak, bool is_check,
				  List **findings)
{
	const char *where = is_check ? "WITH CHECK" : "USING";
	const char *what = is_check ? "can be written" : "are let through";
	char	   *fix = cmig_rls_stored_advice(policy, is_check, "require <key> = <context> for every row, and combine other conditions with it using AND");

	if (!leak->reads_context && !has_owner(policy))
		return;
	if (leak->foreign.level > CMIG_RLS_CLOSED && leak->foreign.level >= leak->unset.level)
	{
		bool		writes;
		bool		bypass = !leak->reads_context && is_for_roles_of_its_own(policy, siblings);

		/*
		 * do not report a policy that was created for bypass_roles, or a
		 * policy that seems to be meant to let its roles see these rows
		 */
		if (bypass && (policy->state || leak->foreign.level == CMIG_RLS_MARKED))
			return;
		writes = leak->foreign.constant && writes_constant(policy, siblings, cache, is_check);
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_FOREIGN_ROWS, bypass ? CMIG_RLS_NOTICE : writes ? CMIG_RLS_WARNING : level_severity(leak->foreign.level), policy,
									psprintf("%s: %srows that belong to others %s%s, such as %s%s", where,
											 leak->foreign.similar ? "keys that differ only in case or notation are treated as equal: " : "",
											 what, writes && !is_check ? " and can be changed" : "",
											 row_text(policy, &leak->foreign), context_text(&leak->foreign)),
									leak->foreign.similar && leak->spelling ?
									psprintf("CREATE UNIQUE INDEX ON %s ((%s))", policy->table, leak->spelling) : fix);
	}
	else if (leak->unset.level > CMIG_RLS_CLOSED)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_OPEN_WITHOUT_CONTEXT, level_severity(leak->unset.level), policy,
									psprintf("%s: without a context, rows that belong to others %s, such as %s%s", where, what,
											 row_text(policy, &leak->unset), context_text(&leak->unset)), fix);
	else if (leak->orphan.level > CMIG_RLS_CLOSED)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_OPEN_WITHOUT_CONTEXT, level_severity(leak->orphan.level), policy,
									psprintf("%s: rows without a key %s, such as %s%s", where, what,
											 row_text(policy, &leak->orphan), context_text(&leak->orphan)), fix);
	else if (leak->unknown && leak->function)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_NOT_JUDGED, CMIG_RLS_WARNING, policy,
									psprintf("%s depends on what %s() returns for a row, which cannot be checked", where, leak->function),
									cmig_rls_stored_try(policy));
	else if (leak->unknown && leak->unknown_opens)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_NOT_JUDGED, CMIG_RLS_WARNING, policy,
									psprintf("%s cannot be checked: %s determines whether rows that belong to others %s", where,
											 leak->condition ? leak->condition : "a condition other than equality with the context", what),
									cmig_rls_stored_try(policy));
	else if (leak->unknown)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_NOT_JUDGED, CMIG_RLS_NOTICE, policy,
									psprintf("part of %s cannot be checked", where), cmig_rls_stored_try(policy));
}

/*
 * Returns an ALTER POLICY statement that removes the branch of an OR that does
 * not use the row, or "advice" if the branch must be removed by hand.
 */
static char *
without_branch(const CmigRlsStored *policy, bool is_check, const char *advice)
{
	char	   *text = cmig_rls_repair_without_branch(is_check ? policy->check : policy->qual, policy->relid);

	if (text == NULL)
		return cmig_rls_stored_advice(policy, is_check, advice);
	return psprintf("ALTER POLICY %s ON %s %s (%s)", quote_identifier(policy->name), policy->table,
					is_check ? "WITH CHECK" : "USING", text);
}

/*
 * Check the USING or the WITH CHECK expression.  Most mistakes that are
 * visible in the expression's tree are not reported if evaluating the
 * expression shows that it does not let through rows of other users or
 * tenants.
 */
static void
check_expression(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, bool is_check,
				 bool tell_leak, List **findings)
{
	const CmigRlsExpression *in = is_check ? policy->in_check : policy->in_qual;
	const char *where = is_check ? "WITH CHECK" : "USING";
	const CmigRlsLeak *leak = in->truth == CMIG_RLS_NEVER || !policy->permissive ? NULL :
	cmig_rls_siblings_try(cache, policy, siblings, is_check ? CMIG_RLS_FOR_NEW_ROWS : CMIG_RLS_FOR_ROWS);
	bool		closed = leak && !leak->unknown && cmig_rls_siblings_worst(leak) == CMIG_RLS_CLOSED;

	if (in->truth != CMIG_RLS_DEPENDS)
	{
		/*
		 * an expression that is always true has already been reported by
		 * cmig_rls_always_check(), unless a restrictive policy limits it
		 */
		if (in->truth == CMIG_RLS_ALWAYS && leak && tell_leak && cmig_rls_siblings_is_floored(policy, siblings))
			add_leak_findings(policy, siblings, cache, leak, is_check, findings);
		return;
	}

	/*
	 * Report a branch that depends on a setting even if no leak was found:
	 * the setting's value that lets every row through might not be among the
	 * values that were tried.
	 */
	if (in->open_branch && (!closed || (in->open_branch_untried && !cmig_rls_siblings_is_floored(policy, siblings))))
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_SWALLOWING_OR, in->open_branch_setting ? CMIG_RLS_ERROR : CMIG_RLS_WARNING, policy,
									in->open_branch_setting ?
									psprintf("%s has %s that depends on a setting and not on the row: anyone who runs SQL can make it true for every row", where, in->open_branch) :
									psprintf("%s has %s that does not depend on the row: if it is true, all rows are let through, and no index can be used", where, in->open_branch),
									without_branch(policy, is_check, "leave out the branch; for a role that must see every row, create a separate policy: CREATE POLICY bypass ON <table> TO <role> USING (true) WITH CHECK (true)"));
	else if (in->true_branch && !closed)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_SWALLOWING_OR, CMIG_RLS_ERROR, policy,
									psprintf("%s has an OR with a branch that is always true: the other branches have no effect", where),
									without_branch(policy, is_check, "leave out the branch that is always true, <branch> OR <condition>"));
	else if (in->true_when_unset && !closed)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_SWALLOWING_OR, CMIG_RLS_ERROR, policy,
									psprintf("%s has %s, which is true for every row while the setting has no value", where, in->true_when_unset),
									cmig_rls_stored_advice(policy, is_check, psprintf("leave out %s, so that a setting without a value lets no row through", in->true_when_unset)));
	else if (bms_is_empty(in->columns) && !(is_check && policy->command == 'a') && !in->correlated)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_SWALLOWING_OR, CMIG_RLS_WARNING, policy,
									psprintf("%s does not depend on the row: it is true for all rows or for none", where),
									cmig_rls_stored_advice(policy, is_check, "compare a column of the row with the context, <key> = <context>; for a role that must see every row, create a separate policy"));

	/* do not report leaks that result from a mistake reported above */
	if (leak && tell_leak && (closed || !(in->true_branch || in->true_when_unset || (in->open_branch && in->open_branch_setting))))
		add_leak_findings(policy, siblings, cache, leak, is_check, findings);
}

/* Returns the policy's roles and one more role, as a list for TO. */
static char *
roles_with(const CmigRlsStored *policy, Oid role)
{
	StringInfoData names;
	int			count;
	Oid		   *oids = cmig_rls_stored_roles(policy, &count);

	if (role == ACL_ID_PUBLIC)
		return pstrdup("PUBLIC");
	initStringInfo(&names);
	for (int i = 0; i < count; i++)
		appendStringInfo(&names, "%s, ", quote_identifier(GetUserNameFromId(oids[i], false)));
	appendStringInfoString(&names, quote_identifier(GetUserNameFromId(role, false)));
	return names.data;
}

/*
 * Report a restrictive policy that does not apply to all roles of a permissive
 * policy, if the remaining roles therefore see rows of other users or tenants.
 */
static void
check_floor(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, List **findings)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);
	bool		is_check = policy->qual == NULL;
	ListCell   *lc;

	if (!policy->permissive || cmig_rls_stored_deciding(policy) == NULL || cmig_rls_stored_decided(policy)->truth != CMIG_RLS_DEPENDS ||
		(policy->state && policy->state->public_read))
		return;
	foreach(lc, siblings)
	{
		CmigRlsStored *floor = lfirst(lc);
		Bitmapset  *keys;

		if (floor->permissive || floor->qual == NULL || !cmig_rls_stored_share_command(floor, policy))
			continue;
		keys = cmig_rls_expr_keys(floor->qual);
		if (bms_is_empty(keys))
			continue;
		for (int i = 0; i < count; i++)
		{
			const CmigRlsLeak *leak;

			if (cmig_rls_stored_binds(floor, roles[i]))
				continue;
			leak = cmig_rls_siblings_try_role(cache, policy, siblings, is_check, policy->command == '*' ? 'r' : policy->command,
											  roles[i], keys, bms_difference(policy->keys, keys));
			if (!leak->reads_context || leak->foreign.level < CMIG_RLS_SOME)
				continue;
			cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_FLOOR_MISSES_ROLE, CMIG_RLS_ERROR, policy,
										psprintf("restrictive policy %s does not apply to %s: rows that belong to others are let through, such as %s",
												 quote_identifier(floor->name),
												 roles[i] == ACL_ID_PUBLIC ? "PUBLIC" : psprintf("role %s", quote_identifier(GetUserNameFromId(roles[i], false))),
												 row_text(policy, &leak->foreign)),
										psprintf("ALTER POLICY %s ON %s TO %s", quote_identifier(floor->name), policy->table,
												 roles_with(floor, roles[i])));
			return;
		}
	}
}

/*
 * Returns true if one of the columns in "lost" identifies something other than
 * a user, such as a tenant.  "lost" contains the columns that USING compares
 * with the context but WITH CHECK does not.
 */
static bool
loses_tenant(const CmigRlsStored *policy, const Bitmapset *lost)
{
	int			column = -1;

	while ((column = bms_next_member(lost, column)) >= 0)
	{
		char	   *name = get_attname(policy->relid, column, true);

		if (policy->state && policy->state->user_column && name && strcmp(name, policy->state->user_column) == 0)
			continue;
		if (name == NULL || (strncmp(name, "user", 4) != 0 && strncmp(name, "owner", 5) != 0 &&
							 strncmp(name, "created", 7) != 0 && strncmp(name, "author", 6) != 0 &&
							 strncmp(name, "assign", 6) != 0 && strncmp(name, "member", 6) != 0))
			return true;
	}
	return false;
}

/*
 * Report a missing WITH CHECK, or a WITH CHECK that accepts rows that USING
 * rejects.
 */
static void
check_with_check(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, List **findings)
{
	char	   *fix;
	const CmigRlsLeak *leak;
	Bitmapset  *lost;

	if ((policy->command != '*' && policy->command != 'w') || policy->qual == NULL)
		return;
	if (policy->check == NULL ? policy->in_qual->truth == CMIG_RLS_ALWAYS :
		!policy->permissive || !cmig_rls_expr_wider(policy->qual, policy->check))
		return;
	fix = psprintf("ALTER POLICY %s ON %s WITH CHECK (%s)", quote_identifier(policy->name),
				   policy->table, cmig_rls_repair_text(policy->qual, policy->relid));
	if (policy->check == NULL)
	{
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_IMPLICIT_CHECK, CMIG_RLS_NOTICE, policy,
									pstrdup("it has no WITH CHECK, so USING also applies to new rows"), fix);
		return;
	}
	leak = cmig_rls_siblings_try(cache, policy, siblings, CMIG_RLS_FOR_NEW_ROWS);
	lost = bms_difference(bms_intersect(policy->keys, policy->in_qual->columns), policy->in_check->columns);
	if (policy->in_check->truth == CMIG_RLS_ALWAYS && !cmig_rls_siblings_is_floored(policy, siblings))
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_CHECK_WIDER_THAN_USING, CMIG_RLS_ERROR, policy,
									pstrdup(bms_is_empty(policy->in_check->but_null) ?
											"WITH CHECK is always true: it accepts new and changed rows that USING rejects" :
											"WITH CHECK is true for every row with a value in the key: it accepts new and changed rows that USING rejects"),
									fix);
	else if (cmig_rls_siblings_worst(leak) < CMIG_RLS_SOME && cmig_rls_siblings_is_floored(policy, siblings))
		return;
	else if (loses_tenant(policy, lost))
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_CHECK_WIDER_THAN_USING, CMIG_RLS_ERROR, policy,
									pstrdup("WITH CHECK does not compare all keys that USING compares: rows can be created for others or moved to others"),
									fix);
	else if (cmig_rls_siblings_worst(leak) >= CMIG_RLS_SOME)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_CHECK_WIDER_THAN_USING, level_severity(cmig_rls_siblings_worst(leak)), policy,
									psprintf("WITH CHECK is true for rows that belong to others, such as %s: it accepts new and changed rows that USING rejects",
											 row_text(policy, leak->foreign.level >= CMIG_RLS_SOME ? &leak->foreign :
													  leak->unset.level >= CMIG_RLS_SOME ? &leak->unset : &leak->orphan)),
									fix);
	else if (leak->unknown || !leak->reads_context)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_CHECK_WIDER_THAN_USING, CMIG_RLS_WARNING, policy,
									pstrdup("WITH CHECK differs from USING and does not imply it: it may accept new and changed rows that USING rejects"),
									fix);
	else if (!bms_is_empty(lost))
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_CHECK_WIDER_THAN_USING, CMIG_RLS_NOTICE, policy,
									pstrdup("WITH CHECK does not compare the user: rows can be given to another user"), fix);
}

void
cmig_rls_open_add_findings(const CmigRlsStored *policy, const List *siblings, CmigRlsLeakCache *cache, List **findings)
{
	cmig_rls_always_check(policy, siblings, findings);
	cmig_rls_always_check_together(policy, siblings, findings);
	if (policy->qual)
		check_expression(policy, siblings, cache, false, true, findings);
	/* if both expressions are equal, report their problems only once */
	if (policy->check && !equal(policy->qual, policy->check))
		check_expression(policy, siblings, cache, true, policy->qual == NULL, findings);
	check_floor(policy, siblings, cache, findings);
	check_with_check(policy, siblings, cache, findings);
}
