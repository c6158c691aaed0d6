/*
 * rls_enable.c
 *	  Implements cmig.enable_rls, cmig.rls_script, and cmig.disable_rls.
 *
 * rls_plan.c builds the statements, and rls_apply.c runs them.  Everything is
 * done in the caller's transaction with an exclusive lock on the tables, so
 * other sessions see either the old policies or the new ones.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "rls/rls.h"
#include "rls/rls_apply.h"
#include "rls/rls_options.h"
#include "rls/rls_plan.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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

Datum
cmig_enable_rls(PG_FUNCTION_ARGS)
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

	cmig_rls_apply_run_access(fcinfo, NULL, cmig_rls_apply_grant(options));
	foreach(lc, family)
	{
		CmigRlsTable *table = cmig_rls_table_read(lfirst_oid(lc));

		cmig_rls_apply_run(fcinfo, table->owner, NULL, cmig_rls_plan_enable(options, table, via, false, false));
		CommandCounterIncrement();
	}
	cmig_rls_apply_warn_owner(options, cmig_rls_table_read(relid));
	(void) cmig_rls_apply_warn_workers(options, cmig_rls_table_read(relid));
	warn_via(options, via);
	return (Datum) 0;
}

Datum
cmig_rls_script(PG_FUNCTION_ARGS)
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
	statements = cmig_rls_apply_grant(options);
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
	cmig_rls_apply_warn_owner(options, cmig_rls_table_read(relid));
	warn_via(options, via);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}

Datum
cmig_disable_rls(PG_FUNCTION_ARGS)
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
		cmig_rls_apply_run(fcinfo, table->owner, NULL, cmig_rls_plan_disable(table));
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
	cmig_rls_apply_revoke(fcinfo, granted);
	if (!any)
		ereport(NOTICE,
				(errmsg("nothing to disable: cmig.enable_rls has not created anything on %s",
						cmig_rls_table_read(relid)->name)));
	return (Datum) 0;
}
