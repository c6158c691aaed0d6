/*
 * rls_apply.c
 *	  Runs the statements of cmig.enable_rls and cmig.disable_rls, and grants
 *	  the access that the policies need.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/query.h"
#include "base/role.h"
#include "base/text_list.h"
#include "rls/rls_apply.h"
#include "rls/rls_plan.h"
#include "tables/access.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/*
 * The comments of policies for which enable_rls granted roles access to
 * pg_cmig.
 */
static CmigQuery granted_elsewhere = {
	"SELECT d.description FROM pg_description d WHERE d.classoid = 'pg_policy'::regclass"
	" AND position('[cmig.enable_rls ' IN d.description) > 0"
	" AND position(' granted=' IN d.description) > 0", 0
};

void
cmig_rls_apply_warn_owner(const CmigRlsOptions *options, const CmigRlsTable *table)
{
	char	   *owner = GetUserNameFromId(table->owner, false);
	CmigRlsRole *bound = NULL;
	bool		bypass = false;
	ListCell   *lc;

	if (!options->force || superuser_arg(table->owner) || has_bypassrls_privilege(table->owner))
		return;
	foreach(lc, options->bypass_roles)
	{
		bypass |= has_privs_of_role(table->owner, ((CmigRlsRole *) lfirst(lc))->oid);
	}
	foreach(lc, options->roles)
	{
		CmigRlsRole *role = lfirst(lc);

		if (!OidIsValid(role->oid) || has_privs_of_role(table->owner, role->oid))
			bound = role;
	}
	if (bypass && bound == NULL)
		return;
	ereport(WARNING,
			(errmsg("the owner of table %s is also subject to the policies of the table", table->name),
			 bypass ? errdetail("Role \"%s\" is a member of a bypass role, but also has the privileges of role \"%s\". Its data migrations and pg_dump runs will see no rows or fail.",
								owner, bound->name)
			 : errdetail("Role \"%s\" is not a member of a bypass role. Its data migrations and pg_dump runs will see no rows or fail.",
						 owner),
			 bypass ? errhint("REVOKE %s FROM %s", quote_identifier(bound->name), quote_identifier(owner))
			 : errhint("Add to bypass_roles a role that the owner is a member of. For a backup role, see doc/row-level-security.md.")));
}

/*
 * Returns the query that grants access level "application" to a role on the
 * Citus workers, or NULL if the role already has this access on all workers.
 */
static char *
grant_on_workers(const char *role)
{
	const char *name = quote_literal_cstr(role);

	if (cmig_citus_workers_agree(psprintf("SELECT pg_catalog.has_schema_privilege(%s, 'cmig', 'USAGE')"
										  " AND pg_catalog.has_function_privilege(%s, 'cmig.require_user_id()', 'EXECUTE')"
										  " AND pg_catalog.has_function_privilege(%s, 'cmig.require_tenant_id()', 'EXECUTE')",
										  name, name, name)))
		return NULL;
	return psprintf("SELECT * FROM run_command_on_workers(%s)",
					quote_literal_cstr(psprintf("SELECT count(*) FROM cmig.grant_access(%s, 'application')", name)));
}

bool
cmig_rls_apply_warn_workers(const CmigRlsOptions *options, const CmigRlsTable *table)
{
	StringInfoData grants;
	ListCell   *lc;

	if (!options->require_context || !table->by_citus)
		return false;
	initStringInfo(&grants);
	foreach(lc, options->roles)
	{
		char	   *grant = grant_on_workers(((CmigRlsRole *) lfirst(lc))->name);

		if (grant != NULL)
			appendStringInfo(&grants, "%s%s", grants.len > 0 ? "; " : "", grant);
	}
	if (grants.len > 0)
		ereport(WARNING,
				(errmsg("roles of %s need access level \"application\" on the workers of Citus", table->name),
				 errdetail("With require_context, the policies of the shards call pg_cmig functions there."),
				 errhint("%s", grants.data)));
	return true;
}

/* Return a statement as a result row. */
static void
put(FunctionCallInfo fcinfo, const char *target, const char *statement)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	int			n = 0;

	if (target)
		values[n++] = CStringGetTextDatum(target);
	values[n] = CStringGetTextDatum(statement);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Run a statement as the role.  Errors need not be caught, because the end of
 * the (sub)transaction restores the user.
 */
static void
run_as(Oid role, const char *statement)
{
	CmigRole	saved;

	cmig_role_act_as(&saved, role);
	(void) cmig_query_once(statement, 0, NULL, NULL, NULL, true, NULL, NULL);
	cmig_role_return(&saved);
}

void
cmig_rls_apply_run(FunctionCallInfo fcinfo, Oid owner, const char *target, List *statements)
{
	ListCell   *lc;

	foreach(lc, statements)
	{
		CHECK_FOR_INTERRUPTS();
		if (cmig_rls_plan_is_default(lfirst(lc)))
			run_as(owner, lfirst(lc));
		else
			(void) cmig_query_once(lfirst(lc), 0, NULL, NULL, NULL, true, NULL, NULL);
		put(fcinfo, target, lfirst(lc));
	}
}

void
cmig_rls_apply_run_access(FunctionCallInfo fcinfo, const char *target, List *statements)
{
	ListCell   *lc;

	if (statements == NIL)
		return;
	cmig_access_run(statements);
	foreach(lc, statements)
	{
		put(fcinfo, target, lfirst(lc));
	}
}

/*
 * Callback for the query granted_elsewhere, which returns policy comments.
 * Removes from the list *granted the roles to which enable_rls granted access
 * for the policy's table.
 */
static void
forget_granted(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **granted = arg;
	CmigRlsState *state = cmig_rls_state_read(cmig_query_text(desc, row, 1));
	List	   *left = NIL;
	ListCell   *lc;

	foreach(lc, *granted)
	{
		if (state == NULL || !cmig_text_list_has(state->granted, lfirst(lc)))
			left = lappend(left, lfirst(lc));
	}
	*granted = left;
}

List *
cmig_rls_apply_grant(CmigRlsOptions *options)
{
	List	   *statements = NIL;
	ListCell   *lc;

	if (!options->require_context)
		return NIL;
	foreach(lc, options->roles)
	{
		CmigRlsRole *role = lfirst(lc);
		char	   *allowed = NULL;
		Oid			types[1] = {OIDOID};
		Datum		values[1] = {ObjectIdGetDatum(role->oid)};

		if (!OidIsValid(role->oid))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("require_context requires named roles, not PUBLIC"),
					 errdetail("require_context grants access level \"application\" to the roles, which is not possible for PUBLIC.")));
		(void) cmig_query_once("SELECT 'yes' WHERE has_schema_privilege($1, 'cmig', 'USAGE')"
							   " AND has_function_privilege($1, 'cmig.require_user_id()', 'EXECUTE')"
							   " AND has_function_privilege($1, 'cmig.require_tenant_id()', 'EXECUTE')",
							   1, types, values, NULL, true, cmig_query_keep_text, &allowed);
		if (allowed)
		{
			/*
			 * If enable_rls granted the role access to pg_cmig because of
			 * other tables' policies, record the grant for this table, too,
			 * so that it is revoked when row-level security is disabled on
			 * the last of these tables.
			 */
			List	   *elsewhere = list_make1(role->name);

			cmig_query_each(&granted_elsewhere, NULL, NULL, forget_granted, &elsewhere);
			if (elsewhere == NIL)
				options->granted = lappend(options->granted, role->name);
			continue;
		}
		if (!cmig_access_may_grant())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("role \"%s\" needs access level \"application\"", role->name),
					 errdetail("With require_context, the policies call pg_cmig functions, and you are not allowed to grant access to them."),
					 errhint("The owner of the extension can grant it: SELECT cmig.grant_access(%s, 'application')",
							 quote_literal_cstr(role->name))));
		statements = list_concat(statements,
								 cmig_access_grants(quote_identifier(role->name), "application"));
		options->granted = lappend(options->granted, role->name);
	}
	return statements;
}

void
cmig_rls_apply_revoke(FunctionCallInfo fcinfo, List *granted)
{
	ListCell   *lc;

	if (granted == NIL)
		return;
	cmig_query_each(&granted_elsewhere, NULL, NULL, forget_granted, &granted);
	foreach(lc, granted)
	{
		Oid			role = get_role_oid(lfirst(lc), true);
		char	   *more = NULL;
		Oid			types[1] = {OIDOID};
		Datum		values[1] = {ObjectIdGetDatum(role)};

		if (!OidIsValid(role))
			continue;

		/*
		 * skip a role that was granted more access in the meantime, so that
		 * it keeps this access
		 */
		(void) cmig_query_once("SELECT 'yes' WHERE has_table_privilege($1, 'cmig.revision', 'SELECT')",
							   1, types, values, NULL, true, cmig_query_keep_text, &more);
		if (more == NULL)
			cmig_rls_apply_run_access(fcinfo, NULL, cmig_access_revokes_level(quote_identifier(lfirst(lc)), "application"));
	}
}
