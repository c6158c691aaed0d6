/*
 * enable.c
 *	  cmig.enable_rls, disable_rls, rls_script, enable_rls_schema, and
 *	  rls_status.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/internal.h"
#include "store/store.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * rls_apply
 */

/*
 * The comments of policies for which enable_rls granted roles access to
 * pg_cmig.
 */
static CmigQuery granted_elsewhere = {
	"SELECT d.description FROM pg_description d WHERE d.classoid = 'pg_policy'::regclass"
	" AND position('[cmig.enable_rls ' IN d.description) > 0"
	" AND position(' granted=' IN d.description) > 0", 0
};

/*
 * Warn if FORCE makes the policies apply to the table's owner, because the
 * owner's statements may then see no rows or fail.  The policies apply unless
 * the owner is a member of a bypass role and has the privileges of no role
 * named in options->roles.
 */
static void
apply_warn_owner(const CmigRlsOptions *options, const CmigRlsTable *table)
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

/*
 * If Citus manages the table and the policies call pg_cmig functions, warn
 * about roles that cannot call these functions on the workers.  Returns true
 * if the roles were checked.
 */
static bool
apply_warn_workers(const CmigRlsOptions *options, const CmigRlsTable *table)
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

/*
 * Run the statements, and return them as result rows.  Statements that contain
 * SQL text written by the table's owner are run as the owner.
 */
static void
apply_run(FunctionCallInfo fcinfo, Oid owner, const char *target, List *statements)
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

/*
 * Run GRANT and REVOKE statements for access to pg_cmig, and return them as
 * result rows.
 */
static void
apply_run_access(FunctionCallInfo fcinfo, const char *target, List *statements)
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

/*
 * Returns the statements that grant access level "application" to the policies'
 * roles.  The roles need it only if options->require_context is true, because
 * the policies then call pg_cmig functions.
 */
static List *
apply_grant(CmigRlsOptions *options)
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

/*
 * Revoke access level "application" from the roles that no longer need it for
 * any table.
 */
static void
apply_revoke(FunctionCallInfo fcinfo, List *granted)
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
			apply_run_access(fcinfo, NULL, cmig_access_revokes_level(quote_identifier(lfirst(lc)), "application"));
	}
}

/*
 * rls_plan.c builds the statements, and rls_apply.c runs them.  Everything is
 * done in the caller's transaction with an exclusive lock on the tables, so
 * other sessions see either the old policies or the new ones.
 */

PG_FUNCTION_INFO_V1(cmig_enable_rls);
PG_FUNCTION_INFO_V1(cmig_rls_script);
PG_FUNCTION_INFO_V1(cmig_disable_rls);

/*
 * Returns the name of column $2 of table $1 if this column is the only key
 * column of a unique index.
 */
static CmigQuery unique_key = {
	"SELECT a.attname::text FROM pg_index x JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]"
	" WHERE x.indrelid = $1 AND a.attname = $2 AND x.indisunique AND x.indisvalid AND x.indnkeyatts = 1 AND x.indpred IS NULL"
	" LIMIT 1",
	2, {OIDOID, TEXTOID}
};

/*
 * Returns the membership table given in options->via, or NULL if none is
 * given.
 */
static CmigRlsTable *
read_via(const CmigRlsOptions *options)
{
	if (!OidIsValid(options->via))
		return NULL;
	if (get_rel_relkind(options->via) == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", options->via)));
	return cmig_rls_table_read(options->via);
}

/*
 * Returns true if a role that can insert into the membership table can give
 * itself other users' keys.  This is not possible if the table's policies let
 * nobody write, or if the key is unique and the policies protect existing
 * rows.
 */
static bool
keys_can_be_taken(const CmigRlsOptions *options, const CmigRlsTable *via)
{
	const char *key = options->via_key && options->via_key[0] ? options->via_key :
	options->key_column && options->key_column[0] ? options->key_column : "tenant_id";
	Datum		values[2] = {ObjectIdGetDatum(via->relid), CStringGetTextDatum(key)};
	char	   *unique = NULL;
	bool		writable = false;
	ListCell   *lc;

	if (!via->enabled)
		return true;
	foreach(lc, via->policies)
	{
		CmigRlsPolicy *policy = lfirst(lc);

		writable |= policy->permissive && (policy->commands & (CMIG_RLS_INSERT | CMIG_RLS_UPDATE));
	}
	if (!writable)
		return false;
	cmig_query_each(&unique_key, values, NULL, cmig_query_keep_text, &unique);
	return unique == NULL;
}

/*
 * Warn about roles that cannot read the membership table, because their
 * queries fail, and about roles that can write to it, because they can give
 * themselves access to any row.
 */
static void
warn_via(const CmigRlsOptions *options, const CmigRlsTable *via)
{
	bool		open = via && keys_can_be_taken(options, via);
	ListCell   *lc;

	foreach(lc, options->roles)
	{
		CmigRlsRole *role = lfirst(lc);
		AclMode		write = ACL_INSERT | ACL_UPDATE;

		if (open && OidIsValid(role->oid) &&
			(pg_class_aclmask(via->relid, role->oid, write, ACLMASK_ANY) != 0 ||
			 pg_attribute_aclcheck_all(via->relid, role->oid, write, ACLMASK_ANY) == ACLCHECK_OK))
			ereport(WARNING,
					(errmsg("role \"%s\" can write to membership table %s", role->name, via->name),
					 errdetail("By adding a row to the membership table, the role can get access to rows of the protected table."),
					 errhint("REVOKE INSERT, UPDATE ON %s FROM %s, and let a SECURITY DEFINER function add members.",
							 via->name, quote_identifier(role->name))));
		if (via && OidIsValid(role->oid) &&
			pg_class_aclcheck(via->relid, role->oid, ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(via->relid, role->oid, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
			ereport(WARNING,
					(errmsg("role \"%s\" cannot read membership table %s", role->name, via->name),
					 errdetail("The policies read it with the privileges of the role that runs the query."),
					 errhint("GRANT SELECT ON %s TO %s", via->name, quote_identifier(role->name))));
	}
}

/*
 * Returns the table in the first argument.  "call" is an example of a correct
 * call, for the hint.
 */
static Oid
target_argument(FunctionCallInfo fcinfo, const char *call)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the table must not be null"),
				 errhint("%s", call)));
	return PG_GETARG_OID(0);
}

/*
 * Lock a table and all tables that inherit from it, and return their OIDs.
 * Raises an error unless the current user owns them and all of them can have
 * policies.
 */
static List *
lock_family(Oid relid)
{
	List	   *family;
	ListCell   *lc;

	cmig_rls_table_require(relid);
	if (!cmig_owns_relation_compat(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
	LockRelationOid(relid, AccessExclusiveLock);
	family = cmig_rls_table_family(relid, AccessExclusiveLock);
	foreach(lc, family)
	{
		cmig_rls_table_require(lfirst_oid(lc));
	}
	return family;
}

/*
 * Raise an error if a membership table is given and Citus manages the protected
 * table.  The policies would need sub-selects, which Citus rejects.
 */
static void
refuse_via_of_shards(const CmigRlsTable *via, Oid relid)
{
	if (via != NULL && cmig_citus_manages(relid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cmig.enable_rls cannot use a membership table for table \"%s\"", get_rel_name(relid)),
				 errdetail("Citus manages the table, and rejects sub-selects in its policies."),
				 errhint("Use tenant_column or user_column, without via.")));
}

CMIG_READER(cmig_enable_rls)
{
	Oid			relid = target_argument(fcinfo, "SELECT * FROM cmig.enable_rls('<table>', roles => '{<role>}')");
	CmigRlsOptions *options;
	CmigRlsTable *via;
	List	   *family;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_rls_table_require(relid);
	options = cmig_rls_options_read(fcinfo, true);
	cmig_rls_options_require_roles(options, relid);
	cmig_rls_options_check_roles(options);
	family = lock_family(relid);
	via = read_via(options);
	refuse_via_of_shards(via, relid);

	apply_run_access(fcinfo, NULL, apply_grant(options));
	foreach(lc, family)
	{
		CmigRlsTable *table = cmig_rls_table_read(lfirst_oid(lc));

		apply_run(fcinfo, table->owner, NULL, cmig_rls_plan_enable(options, table, via, false, false));
		CommandCounterIncrement();
	}
	apply_warn_owner(options, cmig_rls_table_read(relid));
	(void) apply_warn_workers(options, cmig_rls_table_read(relid));
	warn_via(options, via);
	return (Datum) 0;
}

CMIG_READER(cmig_rls_script)
{
	Oid			relid = target_argument(fcinfo, "SELECT cmig.rls_script('<table>', roles => '{<role>}')");
	CmigRlsOptions *options;
	CmigRlsTable *via;
	StringInfoData text;
	List	   *statements;
	ListCell   *lc;

	cmig_rls_table_require(relid);
	options = cmig_rls_options_read(fcinfo, true);
	cmig_rls_options_require_roles(options, relid);
	cmig_rls_options_check_roles(options);
	via = read_via(options);

	initStringInfo(&text);
	statements = apply_grant(options);
	if (options->require_context)
		appendStringInfoString(&text, "-- require_context: these policies need pg_cmig\n");
	foreach(lc, cmig_rls_table_family(relid, AccessShareLock))
	{
		cmig_rls_table_require(lfirst_oid(lc));
		statements = list_concat(statements,
								 cmig_rls_plan_enable(options, cmig_rls_table_read(lfirst_oid(lc)),
													  via, false, true));
	}
	foreach(lc, statements)
	{
		appendStringInfo(&text, "%s;\n", (char *) lfirst(lc));
	}
	apply_warn_owner(options, cmig_rls_table_read(relid));
	warn_via(options, via);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

CMIG_READER(cmig_disable_rls)
{
	Oid			relid = target_argument(fcinfo, "SELECT * FROM cmig.disable_rls('<table>')");
	List	   *granted = NIL;
	bool		any = false;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	foreach(lc, lock_family(relid))
	{
		CmigRlsTable *table = cmig_rls_table_read(lfirst_oid(lc));
		ListCell   *p;

		if (table->state == NULL)
			continue;
		any = true;
		if (granted == NIL)
			granted = table->state->granted;
		apply_run(fcinfo, table->owner, NULL, cmig_rls_plan_disable(table));
		if (!table->state->enabled)
			foreach(p, table->policies)
		{
			CmigRlsPolicy *policy = lfirst(p);

			if (!policy->made)
				ereport(WARNING,
						(errmsg("policy \"%s\" for table %s no longer has any effect",
								policy->name, table->name),
						 errdetail("The policy was kept because cmig.enable_rls did not create it. Row-level security was off before cmig.enable_rls was called and is off again."),
						 errhint("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", table->name)));
		}
		CommandCounterIncrement();
	}
	apply_revoke(fcinfo, granted);
	if (!any)
		ereport(NOTICE,
				(errmsg("nothing to disable: cmig.enable_rls has not created anything on %s",
						cmig_rls_table_read(relid)->name)));
	return (Datum) 0;
}

/*
 * rls_enable_schema
 */

PG_FUNCTION_INFO_V1(cmig_enable_rls_schema);

static CmigQuery schema_tables = {
	"SELECT c.oid FROM pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
	" ORDER BY c.relispartition, EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid), c.relname",
	1, {OIDOID}
};

/* Returns a name as an element of an array literal, quoted if necessary. */
static char *
array_element(const char *name)
{
	StringInfoData text;

	if (name[strcspn(name, "\"\\{}, ")] == '\0')
		return pstrdup(name);
	initStringInfo(&text);
	appendStringInfoChar(&text, '"');
	for (; *name; name++)
		appendStringInfo(&text, "%s%c", *name == '"' || *name == '\\' ? "\\" : "", *name);
	appendStringInfoChar(&text, '"');
	return text.data;
}

/*
 * Returns the tables to leave out: the tables in argument n and all tables
 * that inherit from them.
 */
static List *
excepted_argument(FunctionCallInfo fcinfo, int n, Oid namespace, const char *schema)
{
	List	   *excepted = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		Oid			relid = nulls[i] ? InvalidOid : DatumGetObjectId(elements[i]);
		char	   *name = get_rel_name(relid);

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("except_tables must not contain null")));
		if (name == NULL || get_rel_namespace(relid) != namespace)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("table %s in except_tables is not in schema \"%s\"",
							name ? quote_identifier(name) : psprintf("%u", relid), schema),
					 errhint("Name tables of the schema, as in except_tables => '{%s.<table>}'",
							 quote_identifier(schema))));
		excepted = list_concat_unique_oid(excepted, find_all_inheritors(relid, AccessShareLock, NULL));
	}
	return excepted;
}

/*
 * Returns the tables of a schema that have a key, except for the tables in
 * "excepted", and locks those that the caller may alter.  If row-level security
 * cannot be enabled on some of the tables, raises an error that lists them.
 */
static List *
schema_tables_with_key(Oid namespace, const char *schema, const CmigRlsOptions *options,
					   const List *excepted)
{
	List	   *all = NIL;
	List	   *tables = NIL;
	Datum		values[1] = {ObjectIdGetDatum(namespace)};
	CmigListing obstacles;
	StringInfoData names;
	int			sqlstate = 0;
	ListCell   *lc;

	cmig_query_each(&schema_tables, values, NULL, cmig_query_keep_oid, &all);
	cmig_listing_init(&obstacles, CMIG_LISTING_LINES);
	initStringInfo(&names);
	foreach(lc, all)
	{
		Oid			relid = lfirst_oid(lc);
		CmigRlsTable *table;
		char	   *obstacle;
		int			code = 0;

		if (list_member_oid(excepted, relid) || get_rel_name(relid) == NULL)
			continue;
		table = cmig_rls_table_read(relid);
		if (!cmig_rls_keys_exist(options, table))
			continue;
		/* do not lock other roles' tables */
		if (has_privs_of_role(GetUserId(), table->owner))
		{
			LockRelationOid(relid, AccessExclusiveLock);
			if (get_rel_name(relid) == NULL)
				continue;
			table = cmig_rls_table_read(relid);
		}
		obstacle = cmig_rls_plan_obstacle(options, table, &code);
		tables = lappend_oid(tables, relid);
		if (obstacle == NULL)
			continue;
		if (obstacles.count == 0)
			sqlstate = code;
		cmig_listing_add_format(&obstacles, "%s: %s.", table->name, obstacle);
		appendStringInfo(&names, "%s%s", obstacles.count > 1 ? "," : "", array_element(table->name));
	}
	if (obstacles.count == 0)
		return tables;
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg_plural("row-level security cannot be enabled on %d table in schema \"%s\"",
						   "row-level security cannot be enabled on %d tables in schema \"%s\"",
						   obstacles.count, obstacles.count, schema),
			 errdetail_internal("%s", cmig_listing_text(&obstacles)),
			 errhint("Nothing was changed. Fix these tables, or leave them out: except_tables => %s",
					 quote_literal_cstr(psprintf("{%s}", names.data)))));
}

CMIG_READER(cmig_enable_rls_schema)
{
	char	   *schema = cmig_argument_text(fcinfo, 0);
	Oid			namespace;
	CmigRlsOptions *options;
	List	   *excepted;
	bool		any = false;
	bool		warned = false;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (schema == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the schema must not be null"),
				 errhint("SELECT * FROM cmig.enable_rls_schema('public', roles => '{app}')")));
	namespace = get_namespace_oid(schema, false);
	if (IsCatalogNamespace(namespace) || IsToastNamespace(namespace) ||
		strcmp(schema, "information_schema") == 0 ||
		strcmp(schema, "cmig") == 0 || strcmp(schema, "cmig_audit") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row-level security cannot be enabled in schema \"%s\"", schema),
				 errhint("Specify a schema that belongs neither to the system nor to pg_cmig.")));
	options = cmig_rls_options_read(fcinfo, false);
	cmig_rls_options_require_roles(options, namespace);
	cmig_rls_options_check_roles(options);
	excepted = excepted_argument(fcinfo, 12, namespace, schema);

	foreach(lc, schema_tables_with_key(namespace, schema, options, excepted))
	{
		CmigRlsTable *table = cmig_rls_table_read(lfirst_oid(lc));

		if (!any)
			apply_run_access(fcinfo, "", apply_grant(options));
		any = true;
		apply_run(fcinfo, table->owner, table->name, cmig_rls_plan_enable(options, table, NULL, true, false));
		apply_warn_owner(options, table);
		CommandCounterIncrement();
		if (!warned)
			warned = apply_warn_workers(options, table);
	}
	if (!any)
		ereport(NOTICE,
				(errmsg("no table in schema \"%s\" has a key column", schema),
				 errhint("cmig.enable_rls_schema looks for columns %s and %s. Specify other columns with user_column and tenant_column.",
						 options->user_column ? options->user_column : "user_id",
						 options->tenant_column ? options->tenant_column : "tenant_id")));
	return (Datum) 0;
}

/*
 * rls_status
 */

PG_FUNCTION_INFO_V1(cmig_rls_status);

/*
 * Reads the rows of cmig.rls_status. $1 is a schema, or null for all schemas.
 * A bypass policy is a permissive policy whose expression is true.
 */
static CmigQuery read_status = {
	"WITH p AS (SELECT p.oid, p.polrelid, u.oid AS role, p.polpermissive AND p.polcmd = '*' AND p.polroles <> '{0}'"
	"   AND p.polqual::text LIKE '{CONST :consttype 16 %:constvalue 1 [% 1 %' AS bypass,"
	"   coalesce(position('[cmig.enable_rls ' IN d.description) > 0, false) AS made"
	"  FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) u(oid)"
	"  LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass AND d.objsubid = 0),"
	" s AS (SELECT p.polrelid, count(DISTINCT p.oid) AS n, count(DISTINCT p.oid) FILTER (WHERE NOT p.made) AS by_hand,"
	"   string_agg(DISTINCT r.name, ', ') FILTER (WHERE NOT p.bypass) AS roles,"
	"   string_agg(DISTINCT r.name, ', ') FILTER (WHERE p.bypass) AS bypass_roles"
	"  FROM p CROSS JOIN LATERAL (SELECT CASE WHEN p.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.role)) END) r(name)"
	"  GROUP BY p.polrelid),"
	" k AS (SELECT d.refobjid, string_agg(DISTINCT quote_ident(a.attname), ', ') AS columns"
	"  FROM pg_depend d JOIN pg_policy p ON p.oid = d.objid AND p.polrelid = d.refobjid"
	"  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
	"  WHERE d.classid = 'pg_policy'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 GROUP BY d.refobjid)"
	" SELECT format('%I.%I', n.nspname, c.relname), c.relrowsecurity, c.relforcerowsecurity, k.columns,"
	"  s.roles, s.bypass_roles, coalesce(s.n, 0)::integer, coalesce(s.by_hand, 0)::integer"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" LEFT JOIN s ON s.polrelid = c.oid LEFT JOIN k ON k.refobjid = c.oid"
	" WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'"
	" AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit') ELSE n.nspname = $1 END"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
	" ORDER BY n.nspname, c.relname",
	1, {TEXTOID}
};

CMIG_READER(cmig_rls_status)
{
	Datum		values[1];
	char		nulls[2] = {0};

	InitMaterializedSRF(fcinfo, 0);
	values[0] = cmig_argument_schema(fcinfo, 0, nulls);
	cmig_query_each(&read_status, values, nulls, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}
