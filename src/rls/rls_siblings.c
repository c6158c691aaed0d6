/*
 * rls_siblings.c
 *	  Judges a policy together with the other policies of its table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_siblings.h"
#include "rls/rls_truth.h"

#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"

bool
cmig_rls_siblings_is_always_true(const CmigRlsStored *policy)
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

		if (!other->permissive && cmig_rls_stored_binds(other, role) && !cmig_rls_siblings_is_always_true(other) &&
			(other->command == '*' || other->command == command))
			return true;
	}
	return false;
}

bool
cmig_rls_siblings_is_floored(const CmigRlsStored *policy, const List *siblings)
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

const CmigRlsLeak *
cmig_rls_siblings_try_role(CmigRlsLeakCache *cache, const CmigRlsStored *policy, const List *siblings, bool is_check,
						   char command, Oid role, const Bitmapset *keys, const Bitmapset *own)
{
	List	   *parts = list_make1(is_check ? policy->check : policy->qual);
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, is_check ? policy->check_text : policy->qual_text);
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
	return cmig_rls_leak_find(cache, list_length(parts) > 1 ? (Node *) makeBoolExpr(AND_EXPR, parts, -1) : linitial(parts),
							  text.data, policy->relid, role, keys, own);
}

CmigRlsLeakLevel
cmig_rls_siblings_worst(const CmigRlsLeak *leak)
{
	return Max(Max(leak->unset.level, leak->foreign.level), leak->orphan.level);
}

const CmigRlsLeak *
cmig_rls_siblings_try(CmigRlsLeakCache *cache, const CmigRlsStored *policy, const List *siblings, const char *commands)
{
	bool		is_check = strcmp(commands, CMIG_RLS_FOR_NEW_ROWS) == 0;
	const CmigRlsLeak *found = NULL;
	int			count;
	Oid		   *roles = cmig_rls_stored_roles(policy, &count);

	for (const char *command = commands; *command; command++)
		for (int i = 0; i < count; i++)
		{
			const CmigRlsLeak *leak;

			if (policy->command != '*' && policy->command != *command)
				continue;
			leak = cmig_rls_siblings_try_role(cache, policy, siblings, is_check, *command, roles[i], policy->keys, NULL);
			if (found == NULL || cmig_rls_siblings_worst(leak) > cmig_rls_siblings_worst(found) || (cmig_rls_siblings_worst(leak) == cmig_rls_siblings_worst(found) && leak->unknown))
				found = leak;
		}
	return found;
}
