/*
 * findings.c
 *	  Rules of cmig.rls_check about the rows that policies let through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * Returns true if the policy's expression is true for every row that has an
 * owner.
 */
static bool
siblings_is_always_true(const CmigRlsStored *policy)
{
	return cmig_rls_stored_decided(policy)->truth == CMIG_RLS_ALWAYS;
}

/*
 * Returns true if a restrictive policy limits what the role can do with the
 * command.
 */
static bool
is_floored_for(const List *siblings, Oid role, char command)
{
	ListCell   *lc;

	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (!other->permissive && cmig_rls_stored_binds(other, role) && !siblings_is_always_true(other) &&
			(other->command == '*' || other->command == command))
			return true;
	}
	return false;
}

/*
 * Returns true if a restrictive policy limits everything that this policy
 * allows its roles to do.
 */
static bool
siblings_is_floored(const CmigRlsStored *policy, const List *siblings)
{
	const char	own[] = {policy->command, '\0'};
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	for (int i = 0; i < count; i++)
		for (const char *command = policy->command == '*' ? "rawd" : own; *command; command++)
			if (!is_floored_for(siblings, roles[i], *command))
				return false;
	return true;
}

/*
 * rls_always
 */

/*
 * What was found out about a policy together with the restrictive policies for
 * a role and a command.
 */
typedef struct Judged
{
	char	   *text;			/* the stored expressions */
	Oid			role;
	CmigRlsVerdict verdict;
	CmigRlsLeak leak;			/* if the verdict is in doubt: what a run
								 * shows */
} Judged;

/* Is it known that rows of others are let through? */
static bool
leaks(const Judged *judged)
{
	return judged->verdict.kind > CMIG_RLS_DOUBT || judged->leak.found;
}

/* Judge a policy's expression for a role and a command. */
static Judged *
judge_for(const CmigRlsStored *policy, const List *siblings, bool is_check, char command, Oid role, List **known)
{
	List	   *parts = list_make1(is_check && policy->check ? policy->check : policy->qual);
	StringInfoData text;
	Judged	   *judged;
	Node	   *tree;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, is_check && policy->check ? policy->check_text : policy->qual_text);
	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);
		bool		by_check = is_check && other->check;

		if (other->permissive || (other->command != '*' && other->command != command) ||
			!cmig_rls_stored_binds(other, role) || (by_check ? other->check : other->qual) == NULL)
			continue;
		parts = lappend(parts, by_check ? other->check : other->qual);
		appendStringInfoString(&text, by_check ? other->check_text : other->qual_text);
	}
	tree = list_length(parts) > 1 ? (Node *) makeBoolExpr(AND_EXPR, parts, -1) : linitial(parts);
	/* most commands have the same restrictive policies */
	foreach(lc, *known)
	{
		judged = lfirst(lc);
		if (judged->role == role && strcmp(judged->text, text.data) == 0)
			return judged;
	}
	judged = palloc0(sizeof(Judged));
	*known = lappend(*known, judged);
	judged->text = text.data;
	judged->role = role;
	judged->verdict = cmig_rls_prove(tree, policy->relid, role, 0);
	if (judged->verdict.kind == CMIG_RLS_DOUBT && !judged->verdict.tables && judged->verdict.function == NULL)
		(void) cmig_rls_run(tree, policy->relid, role, &judged->leak);
	return judged;
}

/*
 * Returns the worst that was found out for the policy's roles and the given
 * commands, or NULL if the policy does not apply to these commands.
 */
static const Judged *
judge_all(const CmigRlsStored *policy, const List *siblings, bool is_check, const char *commands)
{
	const Judged *worst = NULL;
	List	   *known = NIL;
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	for (const char *command = commands; *command; command++)
		for (int i = 0; i < count; i++)
		{
			const Judged *this;

			if (policy->command != '*' && policy->command != *command)
				continue;
			this = judge_for(policy, siblings, is_check, *command, roles[i], &known);
			if (worst == NULL || (leaks(this) && !leaks(worst)) || (leaks(this) == leaks(worst) && this->verdict.kind > worst->verdict.kind))
				worst = this;
		}
	return worst;
}

/* Has one of the policy's roles a privilege to write the table by the command? */
static bool
may_write(const CmigRlsStored *policy, char command)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);
	AclMode		mode = command == 'a' ? ACL_INSERT : command == 'w' ? ACL_UPDATE : ACL_DELETE;

	for (int i = 0; i < count; i++)
		if (roles[i] == ACL_ID_PUBLIC || pg_class_aclcheck(policy->relid, roles[i], mode) == ACLCHECK_OK ||
			(command != 'd' && pg_attribute_aclcheck_all(policy->relid, roles[i], mode, ACLMASK_ANY) == ACLCHECK_OK))
			return true;
	return false;
}

/*
 * Can a role write rows of others through the policy?  Rows that a mark opens
 * to everybody are meant to be read, not changed.
 */
static bool
writes(const CmigRlsStored *policy, const List *siblings, bool is_check)
{
	for (const char *command = is_check ? "aw" : policy->check ? "wd" : "awd"; *command; command++)
	{
		const char	one[] = {*command, '\0'};
		const Judged *judged;

		if (!may_write(policy, *command))
			continue;
		judged = judge_all(policy, siblings, is_check, one);
		if (judged && judged->verdict.kind >= CMIG_RLS_MARKED && (judged->verdict.kind != CMIG_RLS_DOUBT || judged->leak.found))
			return true;
	}
	return false;
}

/*
 * Returns "it is always true" or, if there are columns in "but_null", a phrase
 * that excludes rows with null in these columns.
 */
static char *
always_text(const CmigRlsStored *policy, const Bitmapset *but_null)
{
	StringInfoData names;
	int			column = -1;

	if (bms_is_empty(but_null))
		return "it is always true";
	initStringInfo(&names);
	while ((column = bms_next_member(but_null, column)) >= 0)
	{
		char	   *name = get_attname(policy->relid, column, true);

		appendStringInfo(&names, "%s%s", names.len ? " and " : "", name ? quote_identifier(name) : "?");
	}
	return psprintf("it is true for every row with a value in %s", names.data);
}

/* Returns a phrase that says what the policy lets its roles do with a row. */
static const char *
what_may_be_done(const CmigRlsStored *policy)
{
	return policy->command == 'r' ? "read" : policy->command == 'a' ? "inserted" :
		policy->command == 'w' ? "updated" : policy->command == 'd' ? "deleted" :
		"read and written";
}

/*
 * Returns a fix for a policy that is the only one for its roles.  These roles
 * would see no rows without a policy, so a new policy is created before this
 * one is dropped.
 */
static char *
replace_policy(const CmigRlsStored *policy)
{
	StringInfoData roles;
	int			count;
	Oid		   *oids = cmig_rls_stored_roles(policy, &count);

	initStringInfo(&roles);
	for (int i = 0; i < count; i++)
		appendStringInfo(&roles, "%s%s", i ? "," : "", oids[i] == ACL_ID_PUBLIC ? "<role>" :
						 quote_identifier(GetUserNameFromId(oids[i], false)));
	if (get_attnum(policy->relid, "tenant_id") == InvalidAttrNumber && get_attnum(policy->relid, "user_id") == InvalidAttrNumber)
		return psprintf("-- ALTER POLICY %s ON %s %s (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant",
						quote_identifier(policy->name), policy->table, policy->command == 'a' ? "WITH CHECK" : "USING");
	return psprintf("%sSELECT cmig.enable_rls(%s, roles => %s); %s%s", strstr(roles.data, "<role>") ? "-- " : "", quote_literal_cstr(policy->table),
					quote_literal_cstr(psprintf("{%s}", roles.data)), cmig_rls_stored_drop(policy),
					strstr(roles.data, "<role>") ? ", where <role> is the role of the application" : "");
}

static CmigQuery read_membership = {
	"SELECT format('REVOKE %I FROM %I', r.rolname, m.rolname) FROM pg_auth_members a"
	" JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
	" WHERE a.member = $1 AND pg_has_role(a.roleid, $2, 'MEMBER') ORDER BY 1 LIMIT 1",
	2, {OIDOID, OIDOID}
};

/* Callback that reads a row of the query read_membership. */
static void
take_text(TupleDesc desc, HeapTuple row, void *arg)
{
	*(char **) arg = cmig_query_text(desc, row, 1);
}

/*
 * Returns true if a policy applies to the roles of another one only because
 * they are members of its own roles.  Sets *revoke to the statement that ends
 * that.
 */
static bool
find_membership(const CmigRlsStored *policy, const CmigRlsStored *other, char **revoke)
{
	int			count;
	int			others;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);
	Oid		   *members = cmig_rls_stored_roles(other, &others);
	bool		found = false;

	for (int i = 0; i < others; i++)
		for (int j = 0; j < count; j++)
		{
			Datum		values[2] = {ObjectIdGetDatum(members[i]), ObjectIdGetDatum(roles[j])};

			if (roles[j] == members[i] || roles[j] == ACL_ID_PUBLIC)
				return false;
			if (members[i] == ACL_ID_PUBLIC || !has_privs_of_role(members[i], roles[j]))
				continue;
			found = true;
			cmig_query_each(&read_membership, values, NULL, take_text, revoke);
		}
	return found && *revoke;
}

/*
 * Report a policy that is always true.  A permissive policy is allowed to be
 * always true in three cases: if its roles have no other policy (it is then
 * reported as a bypass policy), if a restrictive policy limits it, or if the
 * option public_read of enable_rls requires it.
 */
static void
always_check(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	const Bitmapset *but_null = cmig_rls_stored_decided(policy)->but_null;
	bool		others = false;
	bool		swallowed = false;
	char	   *revoke = NULL;
	bool		inherited = true;
	ListCell   *lc;

	if (!siblings_is_always_true(policy))
		return;
	if (!policy->permissive)
	{
		/* do not report a restrictive policy that rejects rows with nulls */
		if (bms_is_empty(but_null))
			cmig_rls_stored_add_finding(findings, "always_true", CMIG_RLS_WARNING, policy,
										pstrdup("it restricts nothing: its expression is always true"), cmig_rls_stored_drop(policy));
		return;
	}
	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other != policy && cmig_rls_stored_share_command(policy, other) && other->permissive &&
			!siblings_is_always_true(other))
		{
			others = true;
			if (!cmig_rls_stored_share_role(policy, other))
				continue;
			swallowed = true;
			inherited &= find_membership(policy, other, &revoke);
		}
	}
	if (siblings_is_floored(policy, siblings))
		return;
	if (others && !swallowed)
	{
		/*
		 * do not report a policy that cmig.enable_rls created for
		 * bypass_roles; its comment contains a state
		 */
		if (policy->state == NULL)
			cmig_rls_stored_add_finding(findings, "always_true", CMIG_RLS_NOTICE, policy,
										psprintf("%s for roles that have no other policy: they bypass row-level security",
												 always_text(policy, but_null)),
										cmig_rls_stored_drop(policy));
		return;
	}
	if (policy->state && policy->state->public_read && policy->command == 'r')
		cmig_rls_stored_add_finding(findings, "always_true", CMIG_RLS_NOTICE, policy,
									pstrdup("every row may be read, as requested by public_read"), cmig_rls_stored_drop(policy));
	else if (others)
		cmig_rls_stored_add_finding(findings, "always_true", CMIG_RLS_ERROR, policy,
									inherited ? psprintf("%s and applies to roles that are subject to other policies: they are members of its roles",
														 always_text(policy, but_null)) :
									psprintf("%s and overrides the other policies of its roles: permissive policies are combined using OR",
											 always_text(policy, but_null)),
									inherited ? revoke : cmig_rls_stored_drop(policy));
	else
		cmig_rls_stored_add_finding(findings, "always_true", policy->command == 'r' ? CMIG_RLS_WARNING : CMIG_RLS_ERROR, policy,
									psprintf("%s: every %srow may be %s", always_text(policy, but_null),
											 bms_is_empty(but_null) ? "" : "such ", what_may_be_done(policy)),
									replace_policy(policy));
}

/*
 * Returns true if the policy and the policies in "others", combined by OR, let
 * every row through.
 */
static bool
is_open_with(const CmigRlsStored *policy, const List *others, Bitmapset **but_null)
{
	List	   *arms = list_make1(cmig_rls_stored_deciding(policy));
	ListCell   *lc;

	foreach(lc, others)
	{
		arms = lappend(arms, cmig_rls_stored_deciding(lfirst(lc)));
	}
	return cmig_rls_truth((Node *) makeBoolExpr(OR_EXPR, arms, -1), policy->relid,
						  policy->keys, but_null) == CMIG_RLS_ALWAYS;
}

/*
 * Report permissive policies that let every row through only in combination,
 * such as "key IS NULL" and "key IS NOT NULL".  The combination is reported
 * once, for its last policy.
 */
static void
always_check_together(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	List	   *others = NIL;
	List	   *needed = NIL;
	StringInfoData names;
	Bitmapset  *but_null;
	ListCell   *lc;

	if (!policy->permissive || cmig_rls_stored_decided(policy)->truth != CMIG_RLS_DEPENDS)
		return;
	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other == policy)
			break;
		if (other->permissive && cmig_rls_stored_decided(other)->truth == CMIG_RLS_DEPENDS &&
			cmig_rls_stored_share_command(policy, other) &&
			(cmig_rls_stored_share_role(policy, other) || cmig_rls_stored_share_role(other, policy)))
			others = lappend(others, other);
	}
	if (others == NIL || !is_open_with(policy, others, &but_null) || siblings_is_floored(policy, siblings))
		return;

	/* name only the policies that are needed to let every row through */
	initStringInfo(&names);
	foreach(lc, others)
	{
		List	   *fewer = list_delete_ptr(list_copy(needed ? needed : others), lfirst(lc));

		if (is_open_with(policy, fewer, &but_null))
			needed = fewer;
	}
	foreach(lc, needed ? needed : others)
	{
		appendStringInfo(&names, "%s%s", names.len ? ", " : "",
						 quote_identifier(((CmigRlsStored *) lfirst(lc))->name));
	}
	(void) is_open_with(policy, needed ? needed : others, &but_null);
	cmig_rls_stored_add_finding(findings, "always_true", CMIG_RLS_ERROR, policy,
								psprintf("together with %s, %s: permissive policies are combined using OR", names.data,
										 always_text(policy, but_null)),
								cmig_rls_stored_drop(policy));
}

/*
 * Problems that are visible in a policy's expression tree (rls_truth.c,
 * rls_expr.c) are reported first, because they can be described precisely;
 * a leak that is found by evaluating the expression (rls_leak.c) is reported
 * only if it does not result from such a problem.
 */

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

		if (other == policy || !cmig_rls_stored_share_command(policy, other) || !other->permissive || siblings_is_always_true(other))
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

		if (name && cmig_rls_names_owner(name))
			return true;
	}
	return false;
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

/* Returns a description of the rows that are let through. */
static char *
rows_text(const Judged *judged)
{
	const CmigRlsLeak *leak = &judged->leak;

	if (leak->found)
		return psprintf("such as one where %s%s", leak->row, leak->context ? psprintf(", while %s", leak->context) : "");
	if (judged->verdict.condition)
		return psprintf("those where %s", judged->verdict.condition);
	return pstrdup("by a sub-select that does not use the context");
}

/* Add findings about the rows that the expression lets through. */
static void
add_leak_findings(const CmigRlsStored *policy, const List *siblings, const Judged *judged, bool is_check, List **findings)
{
	const char *where = is_check ? "WITH CHECK" : "USING";
	const CmigRlsVerdict *verdict = &judged->verdict;
	const CmigRlsLeak *leak = &judged->leak;
	bool		bypass = !verdict->context && is_for_roles_of_its_own(policy, siblings);
	bool		written = writes(policy, siblings, is_check);
	const char *what = is_check ? "can be written" : written && verdict->kind == CMIG_RLS_MARKED ? "are let through and can be changed" : "are let through";
	char	   *fix = cmig_rls_stored_advice(policy, is_check, "require <key> = <context> for every row, and combine other conditions with it using AND");

	if (!cmig_rls_calls_context(is_check ? policy->check : policy->qual) && !has_owner(policy))
		return;
	if (verdict->kind == CMIG_RLS_OPEN)
		cmig_rls_stored_add_finding(findings, "swallowing_or", verdict->context || verdict->condition == NULL ? CMIG_RLS_ERROR : CMIG_RLS_WARNING, policy,
									verdict->condition == NULL ? psprintf("%s has a branch that is true for every row that has an owner", where) :
									verdict->setting ?
									psprintf("%s is true for every row if %s: anyone who runs SQL can make that so", where, verdict->condition) :
									psprintf("%s is true for every row if %s, which does not depend on the row", where, verdict->condition),
									without_branch(policy, is_check, "leave out the branch; for a role that must see every row, create a separate policy: CREATE POLICY bypass ON <table> TO <role> USING (true) WITH CHECK (true)"));
	else if (verdict->kind == CMIG_RLS_FOREIGN || verdict->kind == CMIG_RLS_MARKED)
	{
		/*
		 * do not report a policy that was created for bypass_roles, or one
		 * that seems to be meant to let its roles see these rows
		 */
		if (bypass && (policy->state || verdict->kind == CMIG_RLS_MARKED))
			return;
		if (policy->state && policy->state->shared && verdict->null_key && !written)
			return;
		cmig_rls_stored_add_finding(findings, "foreign_rows",
									bypass || (verdict->kind == CMIG_RLS_MARKED && !written) ? CMIG_RLS_NOTICE : CMIG_RLS_ERROR, policy,
									psprintf("%s: rows that belong to %s %s: %s", where, verdict->null_key ? "nobody" : "others", what, rows_text(judged)), fix);
	}
	else if (leak->found)
		cmig_rls_stored_add_finding(findings, leak->unset || leak->nobody ? "open_without_context" : "foreign_rows",
									leak->similar ? CMIG_RLS_WARNING : CMIG_RLS_ERROR, policy,
									psprintf("%s: %srows %s %s, %s", where,
											 leak->similar ? "keys that differ only in case or notation are treated as equal: " : leak->unset ? "without a context, " : "",
											 leak->nobody ? "without a key" : "that belong to others", what, rows_text(judged)),
									leak->folding ? psprintf("CREATE UNIQUE INDEX ON %s ((%s))", policy->table, leak->folding) : fix);
	else if (verdict->kind == CMIG_RLS_DOUBT)
		cmig_rls_stored_add_finding(findings, "not_judged", CMIG_RLS_WARNING, policy,
									verdict->function ?
									psprintf("%s depends on what %s() returns for a row, which cannot be checked", where, verdict->function) :
									psprintf("%s is not proved to let through only rows that belong to the context: it is true if %s", where,
											 verdict->condition ? verdict->condition : "a sub-select finds rows"),
									cmig_rls_stored_try(policy));
}

/* Check the USING or the WITH CHECK expression. */
static void
check_expression(const CmigRlsStored *policy, const List *siblings, bool is_check, bool tell_leak, List **findings)
{
	const CmigRlsExpression *in = is_check ? policy->in_check : policy->in_qual;
	const Judged *judged;

	/*
	 * an expression that is always true has been reported, unless a floor
	 * limits it
	 */
	if (in->truth == CMIG_RLS_NEVER || !policy->permissive || !tell_leak ||
		(in->truth == CMIG_RLS_ALWAYS && !siblings_is_floored(policy, siblings)))
		return;
	judged = judge_all(policy, siblings, is_check, is_check ? CMIG_RLS_FOR_NEW_ROWS : CMIG_RLS_FOR_ROWS);
	if (judged && judged->verdict.kind != CMIG_RLS_TIED)
		add_leak_findings(policy, siblings, judged, is_check, findings);
}

/*
 * Report a restrictive policy that does not apply to all roles of a permissive
 * policy, if this policy does not compare the same key.
 */
static void
check_floor(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);
	Node	   *tree = cmig_rls_stored_deciding(policy);
	ListCell   *lc;

	if (!policy->permissive || tree == NULL || cmig_rls_stored_decided(policy)->truth != CMIG_RLS_DEPENDS ||
		(policy->state && policy->state->public_read) || !cmig_rls_calls_context(tree))
		return;
	foreach(lc, siblings)
	{
		CmigRlsStored *floor = lfirst(lc);
		Bitmapset  *keys;

		if (floor->permissive || floor->qual == NULL || !cmig_rls_stored_share_command(floor, policy))
			continue;
		keys = cmig_rls_expr_keys(floor->qual);
		if (bms_is_empty(keys) || bms_overlap(keys, cmig_rls_expr_keys(tree)))
			continue;
		for (int i = 0; i < count; i++)
		{
			if (cmig_rls_stored_binds(floor, roles[i]))
				continue;
			cmig_rls_stored_add_finding(findings, "floor_misses_role", CMIG_RLS_ERROR, policy,
										psprintf("restrictive policy %s does not apply to %s, and this policy does not compare its key %s",
												 quote_identifier(floor->name),
												 roles[i] == ACL_ID_PUBLIC ? "PUBLIC" : psprintf("role %s", quote_identifier(GetUserNameFromId(roles[i], false))),
												 quote_identifier(get_attname(policy->relid, bms_next_member(keys, -1), false))),
										psprintf("ALTER POLICY %s ON %s TO %s", quote_identifier(floor->name), policy->table,
												 roles_with(floor, roles[i])));
			return;
		}
	}
}

/*
 * Report a missing WITH CHECK, or a WITH CHECK that accepts rows that USING
 * rejects.
 */
static void
check_with_check(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	char	   *fix;
	const char *problem;
	CmigRlsSeverity severity = CMIG_RLS_ERROR;
	const Judged *judged;
	Bitmapset  *lost;
	bool		floored;

	if ((policy->command != '*' && policy->command != 'w') || policy->qual == NULL)
		return;
	if (policy->check == NULL ? policy->in_qual->truth == CMIG_RLS_ALWAYS :
		!policy->permissive || !cmig_rls_expr_wider(policy->qual, policy->check))
		return;
	fix = psprintf("ALTER POLICY %s ON %s WITH CHECK (%s)", quote_identifier(policy->name),
				   policy->table, cmig_rls_repair_text(policy->qual, policy->relid));
	if (policy->check == NULL)
	{
		cmig_rls_stored_add_finding(findings, "implicit_check", CMIG_RLS_NOTICE, policy,
									pstrdup("it has no WITH CHECK, so USING also applies to new rows"), fix);
		return;
	}
	judged = judge_all(policy, siblings, true, CMIG_RLS_FOR_NEW_ROWS);
	floored = siblings_is_floored(policy, siblings);
	lost = bms_difference(bms_intersect(policy->keys, policy->in_qual->columns), policy->in_check->columns);
	if (policy->in_check->truth == CMIG_RLS_ALWAYS && !floored)
		problem = bms_is_empty(policy->in_check->but_null) ?
			"WITH CHECK is always true: it accepts new and changed rows that USING rejects" :
			"WITH CHECK is true for every row with a value in the key: it accepts new and changed rows that USING rejects";
	else if (judged->verdict.kind == CMIG_RLS_TIED && floored)
		return;
	else if (loses_tenant(policy, lost))
		problem = "WITH CHECK does not compare all keys that USING compares: rows can be created for others or moved to others";
	else if (leaks(judged) || judged->verdict.kind == CMIG_RLS_MARKED)
	{
		problem = judged->verdict.kind == CMIG_RLS_OPEN ? psprintf("WITH CHECK is true for every row if %s: it accepts new and changed rows that USING rejects",
																   judged->verdict.condition ? judged->verdict.condition : "USING is not") :
			psprintf("WITH CHECK is true for rows that belong to others, %s: it accepts new and changed rows that USING rejects", rows_text(judged));
		severity = judged->leak.similar ? CMIG_RLS_WARNING : CMIG_RLS_ERROR;
	}
	else if (judged->verdict.kind == CMIG_RLS_DOUBT)
	{
		problem = "WITH CHECK differs from USING and does not imply it: it may accept new and changed rows that USING rejects";
		severity = CMIG_RLS_WARNING;
	}
	else if (!bms_is_empty(lost))
	{
		problem = "WITH CHECK does not compare the user: rows can be given to another user";
		severity = CMIG_RLS_NOTICE;
	}
	else
		return;
	cmig_rls_stored_add_finding(findings, "check_wider_than_using", severity, policy, pstrdup(problem), fix);
}

void
cmig_rls_open_add_findings(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	always_check(policy, siblings, findings);
	always_check_together(policy, siblings, findings);
	if (policy->qual)
		check_expression(policy, siblings, false, true, findings);
	/* if both expressions are equal, report their problems only once */
	if (policy->check && !equal(policy->qual, policy->check))
		check_expression(policy, siblings, true, policy->qual == NULL, findings);
	check_floor(policy, siblings, findings);
	check_with_check(policy, siblings, findings);
}
