/*
 * findings.c
 *	  Rules of cmig.rls_check about the rows that policies let through.
 *
 * Problems that are visible in the form of an expression are reported first,
 * because they can be described precisely; a leak that the prover or the run of
 * the expression finds is reported only if it does not result from such a
 * problem.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define FOR_ROWS		(CMIG_RLS_SELECT | CMIG_RLS_UPDATE | CMIG_RLS_DELETE)
#define FOR_NEW_ROWS	(CMIG_RLS_INSERT | CMIG_RLS_UPDATE)

/* Is the policy's expression true for every row that has an owner? */
static bool
is_always_true(const CmigRlsPolicy *policy)
{
	return (policy->commands == CMIG_RLS_INSERT ? policy->in_check :
			policy->in_qual)->truth == CMIG_RLS_ALWAYS;
}

/*
 * Returns true if a restrictive policy limits everything that this policy
 * allows its roles to do.
 */
static bool
is_floored(const CmigRlsPolicy *policy, const List *siblings)
{
	foreach_oid(role, policy->roles)
	{
		int			open = policy->commands;

		foreach_ptr(CmigRlsPolicy, other, siblings)
		{
			if (!other->permissive && cmig_rls_binds(other, role) && !is_always_true(other))
				open &= ~other->commands;
		}
		if (open)
			return false;
	}
	return true;
}

/*
 * What was found out about a policy together with the restrictive policies for
 * a role and a command.
 */
typedef struct Judged
{
	Node	   *tree;
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

/*
 * Judge a policy's expression for a role and a command.  Most commands have the
 * same restrictive policies, so the list of results is searched first.
 */
static const Judged *
judge_for(const CmigRlsPolicy *policy, const List *siblings, bool is_check, int command, Oid role,
		  List **known)
{
	List	   *parts = list_make1(is_check && policy->check ? policy->check : policy->qual);
	Judged	   *judged;
	Node	   *tree;

	foreach_ptr(CmigRlsPolicy, other, siblings)
	{
		Node	   *part = is_check && other->check ? other->check : other->qual;

		if (!other->permissive && (other->commands & command) && cmig_rls_binds(other, role) &&
			part)
			parts = lappend(parts, part);
	}
	tree = list_length(parts) > 1 ? (Node *) makeBoolExpr(AND_EXPR, parts, -1) : linitial(parts);
	foreach_ptr(Judged, each, *known)
	{
		judged = each;
		if (judged->role == role && equal(judged->tree, tree))
			return judged;
	}
	judged = palloc0(sizeof(Judged));
	*known = lappend(*known, judged);
	judged->tree = tree;
	judged->role = role;
	judged->verdict = cmig_rls_prove(tree, policy->relid, role);
	if (judged->verdict.kind == CMIG_RLS_DOUBT && !judged->verdict.tables &&
		judged->verdict.function == NULL)
		cmig_rls_run(tree, policy->relid, role, &judged->leak);
	return judged;
}

/*
 * Returns the worst that was found out for the policy's roles and the given
 * commands, or NULL if the policy does not apply to these commands.
 */
static const Judged *
judge(const CmigRlsPolicy *policy, const List *siblings, bool is_check, int commands)
{
	const Judged *worst = NULL;
	List	   *known = NIL;

	for (int command = CMIG_RLS_SELECT; command <= CMIG_RLS_DELETE; command <<= 1)
		foreach_oid(role, policy->commands & commands & command ? policy->roles : NIL)
	{
		const Judged *this = judge_for(policy, siblings, is_check, command, role, &known);

		if (worst == NULL || (leaks(this) && !leaks(worst)) ||
			(leaks(this) == leaks(worst) && this->verdict.kind > worst->verdict.kind))
			worst = this;
	}
	return worst;
}

/*
 * Can a role write rows of others through the policy?  Rows that a mark opens
 * to everybody are meant to be read, not changed.
 */
static bool
writes(const CmigRlsPolicy *policy, const List *siblings, bool is_check)
{
	static const AclMode modes[] = {ACL_SELECT, ACL_INSERT, ACL_UPDATE, ACL_DELETE};
	int			commands = is_check ? FOR_NEW_ROWS : policy->check ?
	CMIG_RLS_UPDATE | CMIG_RLS_DELETE : CMIG_RLS_ALL & ~CMIG_RLS_SELECT;

	for (int i = 0; i < lengthof(modes); i++)
	{
		bool		may = false;
		const Judged *judged;

		foreach_oid(role, commands & 1 << i ? policy->roles : NIL)
			may |= role == ACL_ID_PUBLIC || cmig_rls_may(policy->relid, role, modes[i]);
		judged = may ? judge(policy, siblings, is_check, 1 << i) : NULL;
		if (judged && (judged->verdict.kind == CMIG_RLS_MARKED || leaks(judged)))
			return true;
	}
	return false;
}

/*
 * Returns a fix for a policy that is the only one for its roles.  These roles
 * would see no rows without a policy, so a new policy is created before this
 * one is dropped.
 */
static char *
replace_policy(const CmigRlsPolicy *policy)
{
	bool		public = list_member_oid(policy->roles, ACL_ID_PUBLIC);
	List	   *names = NIL;

	foreach_oid(role, policy->roles)
		names = lappend(names, public ? "<role>" : GetUserNameFromId(role, false));
	if (get_attnum(policy->relid, "tenant_id") == InvalidAttrNumber &&
		get_attnum(policy->relid, "user_id") == InvalidAttrNumber)
		return psprintf("-- ALTER POLICY %s ON %s %s (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant",
						quote_identifier(policy->name), policy->table,
						policy->commands == CMIG_RLS_INSERT ? "WITH CHECK" : "USING");
	return psprintf("%sSELECT cmig.enable_rls(%s, roles => %s); %s%s", public ? "-- " : "",
					quote_literal_cstr(policy->table),
					quote_literal_cstr(cmig_rls_array_text(names)), cmig_rls_policy_drop(policy),
					public ? ", where <role> is the role of the application" : "");
}

/*
 * The statement that ends the membership by which policy $2 of table $1 applies
 * to the roles of policy $3; null if it applies to one of them otherwise.
 */
static CmigQuery read_membership = {
	"WITH pairs AS (SELECT m.oid AS member, r.oid AS role FROM pg_policy p CROSS JOIN"
	" LATERAL unnest(p.polroles) r(oid)"
	"  JOIN pg_policy o ON o.polrelid = p.polrelid CROSS JOIN LATERAL unnest(o.polroles) m(oid)"
	"  WHERE p.polrelid = $1 AND p.polname = $2 AND o.polname = $3)"
	" SELECT min(format('REVOKE %I FROM %I', g.rolname, m.rolname)) FROM pairs"
	" JOIN pg_roles m ON m.oid = pairs.member"
	" JOIN pg_auth_members a ON a.member = m.oid JOIN pg_roles g ON g.oid = a.roleid"
	" JOIN pg_roles r ON r.oid = pairs.role"
	" WHERE pg_has_role(m.oid, r.oid, 'USAGE') AND pg_has_role(g.oid, r.oid, 'MEMBER')"
	" AND NOT EXISTS (SELECT FROM pairs WHERE pairs.role IN (pairs.member, 0))",
	{OIDOID, TEXTOID, TEXTOID}
};

/*
 * Has the table other permissive policies for the same commands that are not
 * always true?  Sets *shared to those of them that apply to the policy's roles.
 * If there are none of these, the policy is probably meant to let its roles see
 * more.
 */
static bool
has_others(const CmigRlsPolicy *policy, const List *siblings, List **shared)
{
	bool		others = false;

	foreach_ptr(CmigRlsPolicy, other, siblings)
	{
		if (other == policy || !(policy->commands & other->commands) || !other->permissive ||
			is_always_true(other))
			continue;
		others = true;
		foreach_oid(role, other->roles)
		{
			if (cmig_rls_binds(policy, role))
				*shared = list_append_unique_ptr(*shared, other);
		}
	}
	return others;
}

/*
 * Report a policy that is always true.  A permissive policy is allowed to be
 * always true in three cases: if its roles have no other policy (it is then
 * reported as a bypass policy), if a restrictive policy limits it, or if the
 * option public_read of enable_rls requires it.
 */
static void
check_always(const CmigRlsPolicy *policy, const List *siblings, List **findings)
{
	bool		others;
	List	   *shared = NIL;
	char	   *revoke = NULL;
	bool		inherited = true;

	if (!is_always_true(policy))
		return;
	if (!policy->permissive)
	{
		cmig_rls_report(findings, "always_true", "warning", policy,
						"it restricts nothing: its expression is always true",
						cmig_rls_policy_drop(policy));
		return;
	}
	others = has_others(policy, siblings, &shared);
	foreach_ptr(CmigRlsPolicy, other, shared)
	{
		revoke = cmig_query_value(&read_membership, policy->relid, policy->name, other->name);
		inherited &= revoke != NULL;
	}
	if (is_floored(policy, siblings))
		return;
	if (others && shared == NIL)
	{
		/* do not report a policy that enable_rls created for bypass_roles */
		if (policy->setup == NULL)
			cmig_rls_report(findings, "always_true", "notice", policy,
							"it is always true for roles that have no other policy: they bypass row-level security",
							cmig_rls_policy_drop(policy));
	}
	else if (policy->setup && policy->setup->public_read && policy->commands == CMIG_RLS_SELECT)
		cmig_rls_report(findings, "always_true", "notice", policy,
						"every row may be read, as requested by public_read",
						cmig_rls_policy_drop(policy));
	else if (others)
		cmig_rls_report(findings, "always_true", "error", policy,
						inherited ? "it is always true and applies to roles that are subject to other policies: they are members of its roles" :
						"it is always true and overrides the other policies of its roles: permissive policies are combined using OR",
						inherited ? revoke : cmig_rls_policy_drop(policy));
	else
		cmig_rls_report(findings, "always_true",
						policy->commands == CMIG_RLS_SELECT ? "warning" : "error", policy,
						psprintf("it is always true: every row may be %s",
								 policy->commands == CMIG_RLS_SELECT ? "read" :
								 policy->commands == CMIG_RLS_INSERT ? "inserted" :
								 policy->commands == CMIG_RLS_UPDATE ? "updated" :
								 policy->commands == CMIG_RLS_DELETE ? "deleted" :
								 "read and written"),
						replace_policy(policy));
}

/*
 * Returns true if one of the table's policies compares a column with the
 * context, or if a column's name suggests that the column contains the row's
 * owner.
 */
static bool
has_owner(const CmigRlsPolicy *policy)
{
	char	   *name;

	for (int column = 1; bms_is_empty(policy->keys) &&
		 (name = get_attname(policy->relid, column, true)) != NULL; column++)
		if (cmig_rls_names_owner(name))
			return true;
	return !bms_is_empty(policy->keys);
}

/* Returns a description of the rows that are let through. */
static char *
rows_text(const Judged *judged)
{
	const CmigRlsLeak *leak = &judged->leak;

	if (leak->found)
		return psprintf("such as one where %s%s", leak->row,
						leak->context ? psprintf(", while %s", leak->context) : "");
	if (judged->verdict.condition)
		return psprintf("those where %s", judged->verdict.condition);
	return "by a sub-select that does not use the context";
}

/*
 * Returns the expression without the arms of OR that are as bad as "kind", or NULL
 * if no other arm is left.
 */
static Node *
without_arms(Node *node, const CmigRlsPolicy *policy, Oid role, CmigRlsVerdictKind kind)
{
	BoolExpr   *expr = (BoolExpr *) node;
	List	   *kept = NIL;

	if (!is_orclause(node) && !is_andclause(node))
		return node;
	foreach_ptr(Node, arg, expr->args)
	{
		Node	   *arm = without_arms(arg, policy, role, kind);

		if (expr->boolop == AND_EXPR ? arm != NULL : arm &&
			cmig_rls_prove(arm, policy->relid, role).kind < kind)
			kept = lappend(kept, arm);
		else if (expr->boolop == AND_EXPR)
			return NULL;
	}
	return list_length(kept) > 1 ? (Node *) makeBoolExpr(expr->boolop, kept, -1) : kept ?
		linitial(kept) : NULL;
}

/*
 * Returns ALTER POLICY that leaves out the arms of OR that let rows of others
 * through, or advice if that is not possible.
 */
static char *
leave_out(const CmigRlsPolicy *policy, bool is_check, const Judged *judged, const char *advice)
{
	Node	   *tree = without_arms(is_check ? policy->check : policy->qual, policy, judged->role,
									judged->verdict.kind);
	char	   *text = tree ? cmig_rls_repair_text(tree, policy->relid, NULL) : NULL;

	if (tree == NULL ||
		cmig_rls_prove(tree, policy->relid, judged->role).kind >= judged->verdict.kind)
		return cmig_rls_advice(policy, is_check, advice);
	return psprintf("ALTER POLICY %s ON %s %s (%s)%s", quote_identifier(policy->name),
					policy->table, is_check ? "WITH CHECK" : "USING", text,
					!is_check && equal(policy->qual, policy->check) ?
					psprintf(" WITH CHECK (%s)", text) : "");
}

/* Check what the USING or the WITH CHECK expression lets through. */
static void
check_expression(const CmigRlsPolicy *policy, const List *siblings, bool is_check, List **findings)
{
	const CmigRlsExpression *in = is_check ? policy->in_check : policy->in_qual;
	Node	   *tree = is_check ? policy->check : policy->qual;
	const char *where = is_check ? "WITH CHECK" : "USING";
	static const char *const own_only =
	"require <key> = <context> for every row, and combine other conditions with it using AND";
	const Judged *judged;
	const CmigRlsVerdict *verdict;
	const CmigRlsLeak *leak;
	List	   *shared = NIL;
	bool		bypass;
	bool		written;
	const char *what;
	char	   *fix;

	/*
	 * an expression that is always true has been reported, unless a floor
	 * limits it
	 */
	if (in->truth == CMIG_RLS_NEVER || !policy->permissive ||
		(in->truth == CMIG_RLS_ALWAYS && !is_floored(policy, siblings)))
		return;
	judged = judge(policy, siblings, is_check, is_check ? FOR_NEW_ROWS : FOR_ROWS);
	if (judged == NULL || judged->verdict.kind == CMIG_RLS_TIED ||
		(!cmig_rls_calls_context(tree) && !has_owner(policy)))
		return;
	verdict = &judged->verdict;
	leak = &judged->leak;
	bypass = !verdict->context && has_others(policy, siblings, &shared) && shared == NIL;
	written = writes(policy, siblings, is_check);
	what = is_check ? "can be written" : written &&
		verdict->kind == CMIG_RLS_MARKED ? "are let through and can be changed" : "are let through";
	if (verdict->kind == CMIG_RLS_FOREIGN)
		fix = leave_out(policy, is_check, judged, own_only);
	else
		fix = cmig_rls_advice(policy, is_check, own_only);
	if (verdict->kind == CMIG_RLS_OPEN)
	{
		/* rows without an owner are all that a bypass policy may leave out */
		cmig_rls_report(findings, "swallowing_or", bypass && verdict->condition == NULL ? "notice" :
						verdict->context || verdict->condition == NULL ? "error" : "warning",
						policy,
						verdict->condition == NULL ?
						psprintf("%s has a branch that is true for every row that has an owner",
								 where) :
						psprintf(verdict->setting ?
								 "%s is true for every row if %s: anyone who runs SQL can make that so" :
								 "%s is true for every row if %s, which does not depend on the row",
								 where, verdict->condition),
						leave_out(policy, is_check, judged,
								  "leave out the branch; for a role that must see every row, create a separate policy: CREATE POLICY bypass ON <table> TO <role> USING (true) WITH CHECK (true)"));
	}
	else if (verdict->kind == CMIG_RLS_FOREIGN || verdict->kind == CMIG_RLS_MARKED)
	{
		bool		marked = verdict->kind == CMIG_RLS_MARKED;

		/*
		 * do not report a policy that was created for bypass_roles, or one
		 * that seems to be meant to let its roles see these rows
		 */
		if ((bypass && (policy->setup || marked)) ||
			(policy->setup && policy->setup->shared && verdict->null_key && !written))
			return;
		cmig_rls_report(findings, "foreign_rows", bypass ||
						(marked && !written) ? "notice" : "error", policy,
						psprintf("%s: rows that belong to %s %s: %s", where,
								 verdict->null_key ? "nobody" : "others", what, rows_text(judged)),
						fix);
	}
	else if (leak->found)
		cmig_rls_report(findings, leak->unset ||
						leak->nobody ? "open_without_context" : "foreign_rows",
						"error", policy,
						psprintf("%s: %srows %s %s, %s", where,
								 leak->unset ? "without a context, " : "",
								 leak->nobody ? "without a key" : "that belong to others", what,
								 rows_text(judged)), fix);
	else
		cmig_rls_report(findings, "not_judged", "warning", policy,
						verdict->function ?
						psprintf("%s depends on what %s() returns for a row, which cannot be checked", where, verdict->function) :
						psprintf("%s is not proved to let through only rows that belong to the context: it is true if %s", where,
								 verdict->condition ? verdict->condition :
								 "a sub-select finds rows"),
						cmig_rls_try_it(policy));
}

/*
 * Returns true if one of the columns in "lost" identifies something other than
 * a user, such as a tenant.
 */
static bool
loses_tenant(const CmigRlsPolicy *policy, const Bitmapset *lost)
{
	int			column = -1;

	while ((column = bms_next_member(lost, column)) >= 0)
	{
		char	   *name = get_attname(policy->relid, column, true);

		if (name == NULL ||
			!(cmig_rls_in_words(name, "user owner created author assign member", true) ||
			  (policy->setup && policy->setup->user_column &&
			   strcmp(name, policy->setup->user_column) == 0)))
			return true;
	}
	return false;
}

/*
 * Report a missing WITH CHECK, or a WITH CHECK that accepts rows that USING
 * rejects.
 */
static void
check_with_check(const CmigRlsPolicy *policy, const List *siblings, List **findings)
{
	char	   *fix;
	const char *problem;
	const char *severity = "error";
	const Judged *judged;
	Bitmapset  *lost;
	bool		floored;

	if (!(policy->commands & CMIG_RLS_UPDATE) || policy->qual == NULL ||
		policy->in_qual->truth == CMIG_RLS_ALWAYS || policy->in_check->truth == CMIG_RLS_NEVER ||
		(policy->check && (!policy->permissive ||
						   predicate_implied_by(make_ands_implicit((Expr *) policy->qual),
												make_ands_implicit((Expr *) policy->check),
												false))))
		return;
	fix = psprintf("ALTER POLICY %s ON %s WITH CHECK (%s)", quote_identifier(policy->name),
				   policy->table, cmig_rls_repair_text(policy->qual, policy->relid, NULL));
	if (policy->check == NULL)
	{
		cmig_rls_report(findings, "implicit_check", "notice", policy,
						"it has no WITH CHECK, so USING also applies to new rows", fix);
		return;
	}
	judged = judge(policy, siblings, true, FOR_NEW_ROWS);
	floored = is_floored(policy, siblings);
	/* columns that USING compares with the context but WITH CHECK does not */
	lost = bms_difference(bms_intersect(policy->keys, policy->in_qual->columns),
						  policy->in_check->columns);
	if (policy->in_check->truth == CMIG_RLS_ALWAYS && !floored)
		problem = "WITH CHECK is always true: it accepts new and changed rows that USING rejects";
	else if (judged->verdict.kind == CMIG_RLS_TIED && floored)
		return;
	else if (loses_tenant(policy, lost))
		problem = "WITH CHECK does not compare all keys that USING compares: rows can be created for others or moved to others";
	else if (leaks(judged) || judged->verdict.kind == CMIG_RLS_MARKED)
	{
		problem = judged->verdict.kind == CMIG_RLS_OPEN ?
			psprintf("WITH CHECK is true for every row %s: it accepts new and changed rows that USING rejects",
					 judged->verdict.condition ? psprintf("if %s", judged->verdict.condition) :
					 "that has an owner") :
			psprintf("WITH CHECK is true for rows that belong to others, %s: it accepts new and changed rows that USING rejects", rows_text(judged));
	}
	else if (judged->verdict.kind == CMIG_RLS_DOUBT)
	{
		problem = "WITH CHECK differs from USING and does not imply it: it may accept new and changed rows that USING rejects";
		severity = "warning";
	}
	else if (!bms_is_empty(lost))
	{
		problem = "WITH CHECK does not compare the user: rows can be given to another user";
		severity = "notice";
	}
	else
		return;
	cmig_rls_report(findings, "check_wider_than_using", severity, policy, problem, fix);
}

void
cmig_rls_check_rows(const CmigRlsPolicy *policy, const List *siblings, List **findings)
{
	check_always(policy, siblings, findings);
	if (policy->qual)
		check_expression(policy, siblings, false, findings);

	/*
	 * where there is a USING expression, check_with_check() tells about the
	 * WITH CHECK expression
	 */
	else if (policy->check)
		check_expression(policy, siblings, true, findings);
	check_with_check(policy, siblings, findings);
}
