/*
 * rls_always.c
 *	  The rule always_true of cmig.rls_check.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_always.h"
#include "rls/rls_siblings.h"
#include "rls/rls_truth.h"

#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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

void
cmig_rls_always_check(const CmigRlsStored *policy, const List *siblings, List **findings)
{
	const Bitmapset *but_null = cmig_rls_stored_decided(policy)->but_null;
	bool		others = false;
	bool		swallowed = false;
	ListCell   *lc;

	if (!cmig_rls_siblings_is_always_true(policy))
		return;
	if (!policy->permissive)
	{
		/* do not report a restrictive policy that rejects rows with nulls */
		if (bms_is_empty(but_null))
			cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, CMIG_RLS_WARNING, policy,
										pstrdup("it restricts nothing: its expression is always true"), cmig_rls_stored_drop(policy));
		return;
	}
	foreach(lc, siblings)
	{
		CmigRlsStored *other = lfirst(lc);

		if (other != policy && cmig_rls_stored_share_command(policy, other) && other->permissive &&
			!cmig_rls_siblings_is_always_true(other))
		{
			others = true;
			swallowed |= cmig_rls_stored_share_role(policy, other);
		}
	}
	if (cmig_rls_siblings_is_floored(policy, siblings))
		return;
	if (others && !swallowed)
	{
		/*
		 * do not report a policy that cmig.enable_rls created for
		 * bypass_roles; its comment contains a state
		 */
		if (policy->state == NULL)
			cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, CMIG_RLS_NOTICE, policy,
										psprintf("%s for roles that have no other policy: they bypass row-level security",
												 always_text(policy, but_null)),
										cmig_rls_stored_drop(policy));
		return;
	}
	if (policy->state && policy->state->public_read && policy->command == 'r')
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, CMIG_RLS_NOTICE, policy,
									pstrdup("every row may be read, as requested by public_read"), cmig_rls_stored_drop(policy));
	else if (others)
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, CMIG_RLS_ERROR, policy,
									psprintf("%s and overrides the other policies of its roles: permissive policies are combined using OR",
											 always_text(policy, but_null)),
									cmig_rls_stored_drop(policy));
	else
		cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, policy->command == 'r' ? CMIG_RLS_WARNING : CMIG_RLS_ERROR, policy,
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

void
cmig_rls_always_check_together(const CmigRlsStored *policy, const List *siblings, List **findings)
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
	if (others == NIL || !is_open_with(policy, others, &but_null) || cmig_rls_siblings_is_floored(policy, siblings))
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
	cmig_rls_stored_add_finding(findings, CMIG_RLS_RULE_ALWAYS_TRUE, CMIG_RLS_ERROR, policy,
								psprintf("together with %s, %s: permissive policies are combined using OR", names.data,
										 always_text(policy, but_null)),
								cmig_rls_stored_drop(policy));
}
