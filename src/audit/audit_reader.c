/*
 * audit_reader.c
 *	  Checks that it is safe to read the audit log.
 *
 * Functions that read the log run with their caller's privileges.  Therefore,
 * the log's owner must not be able to make their queries run another role's
 * code by adding something to the log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_log.h"
#include "audit/audit_policy.h"
#include "audit/audit_reader.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/*
 * User-defined functions, operators, and types in constraints, indexes,
 * statistics, and generated columns of the log, its partitions, and children in
 * any schema.  The planner would evaluate them with the reader's privileges:
 * for a conversion to a domain, it evaluates the functions in the domain's
 * checks.  The types of columns that are not read do not matter.
 * satisfies_hash_partition() (OID 5028) is built in, but it can read any
 * partition key, which evaluates the functions in that key.
 */
static CmigQuery foreign_code = {
	"WITH RECURSIVE part AS (SELECT c.oid FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid),"
	" kin AS (SELECT part.oid FROM part UNION"
	"  SELECT x.indexrelid FROM pg_catalog.pg_index x JOIN part ON x.indrelid = part.oid)"
	" SELECT c.code FROM (SELECT CASE d.refclassid WHEN 'pg_catalog.pg_proc'::regclass"
	"  THEN 'calls function ' || d.refobjid::regprocedure::text"
	"  WHEN 'pg_catalog.pg_operator'::regclass"
	"  THEN 'calls operator ' || d.refobjid::regoperator::text"
	"  ELSE 'uses type ' || pg_catalog.format_type(d.refobjid, -1) END FROM pg_catalog.pg_depend d"
	" WHERE (d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)"
	"  OR d.refclassid = 'pg_catalog.pg_type'::regclass AND d.objsubid = 0)"
	" AND d.refobjid >= 16384"
	" AND (d.classid = 'pg_catalog.pg_class'::regclass AND d.objid IN (SELECT kin.oid FROM kin)"
	"  OR d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid IN"
	"   (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT part.oid FROM part))"
	"  OR d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid IN"
	"   (SELECT f.oid FROM pg_catalog.pg_attrdef f JOIN part ON part.oid = f.adrelid"
	"    JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum AND a.attgenerated <> '')"
	"  OR d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid IN"
	"   (SELECT w.oid FROM pg_catalog.pg_rewrite w WHERE w.ev_class IN (SELECT part.oid FROM part))"
	"  OR d.classid = 'pg_catalog.pg_statistic_ext'::regclass AND d.objid IN"
	"   (SELECT t.oid FROM pg_catalog.pg_statistic_ext t WHERE t.stxrelid IN (SELECT part.oid FROM part)))"
	" UNION ALL SELECT 'calls function satisfies_hash_partition' FROM ("
	"  SELECT pg_catalog.concat(x.indexprs, x.indpred) FROM pg_catalog.pg_index x JOIN part ON x.indrelid = part.oid"
	"  UNION ALL SELECT k.conbin::text FROM pg_catalog.pg_constraint k JOIN part ON k.conrelid = part.oid"
	"  UNION ALL SELECT f.adbin::text FROM pg_catalog.pg_attrdef f JOIN part ON f.adrelid = part.oid"
	"  UNION ALL SELECT t.stxexprs::text FROM pg_catalog.pg_statistic_ext t JOIN part ON t.stxrelid = part.oid"
	"  UNION ALL SELECT p.partexprs::text FROM pg_catalog.pg_partitioned_table p JOIN part ON p.partrelid = part.oid"
	" ) e (expression) WHERE pg_catalog.strpos(e.expression, ':funcid 5028 ') > 0) c (code)"
	" ORDER BY 1 LIMIT 1",
	0
};

/*
 * Foreign tables among the partitions and children of the log's tables.
 * Reading them would connect to a server that the log's owner has chosen, as a
 * role that the owner has chosen, and could run that owner's code there.
 */
static CmigQuery foreign_tables = {
	"WITH RECURSIVE part AS (SELECT c.oid FROM pg_catalog.pg_class c"
	"  WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'cmig_audit')"
	"   AND c.relname IN ('log', 'layout')"
	"  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid)"
	" SELECT c.oid::regclass::text FROM part JOIN pg_catalog.pg_class c ON c.oid = part.oid"
	" WHERE c.relkind = 'f' ORDER BY 1 LIMIT 1",
	0
};

/*
 * The columns that are read, and their types.  If a column had another type, a
 * query could call one of the owner's casts, or misinterpret values.
 */
static const struct
{
	const char *relation;
	const char *name;
	Oid			type;
}			columns_read[] = {
	{"log", "id", INT8OID},
	{"log", "seq", INT8OID},
	{"log", "transaction_id", XID8OID},
	{"log", "clock_at", TIMESTAMPTZOID},
	{"log", "row_hash", INT8OID},
	{"log", "old_hash", INT8OID},
	{"log", "command_id", INT8OID},
	{"log", "operation", TEXTOID},
	{"log", "schema_name", TEXTOID},
	{"log", "table_name", TEXTOID},
	{"log", "row_key", JSONBOID},
	{"log", "old_key", JSONBOID},
	{"log", "old_row", JSONBOID},
	{"log", "new_row", JSONBOID},
	{"log", "changed", TEXTARRAYOID},
	{"log", "user_id", TEXTOID},
	{"log", "tenant_id", TEXTOID},
	{"log", "role", TEXTOID},
	{"log", "session_role", TEXTOID},
	{"log", "application_name", TEXTOID},
	{"log", "client_address", INETOID},
	{"log", "revision", TEXTOID},
	{"log", "reason", TEXTOID},
	{"log", "request_id", TEXTOID},
	{"layout", "table_id", INT4OID},
	{"layout", "recorded_at", TIMESTAMPTZOID},
	{"layout", "relation", OIDOID},
	{"layout", "schema_name", TEXTOID},
	{"layout", "table_name", TEXTOID},
	{"layout", "columns", JSONBOID},
	{"layout", "key_columns", TEXTARRAYOID},
	{"layout", "key_kinds", TEXTARRAYOID},
	{"layout", "owner", TEXTOID},
	{"layout", "database", TEXTOID}
};

/*
 * Raise an error unless the log has the columns that are read, with their
 * types.
 */
static void
require_columns(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", false);

	for (int i = 0; i < lengthof(columns_read); i++)
	{
		Oid			relation = get_relname_relid(columns_read[i].relation, schema);
		AttrNumber	n = get_attnum(relation, columns_read[i].name);

		if (n <= 0 || get_atttype(relation, n) != columns_read[i].type)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the audit log cannot be read"),
					 errdetail("Column cmig_audit.%s.%s is missing or has another type.",
							   columns_read[i].relation, columns_read[i].name),
					 errhint("The owner of the log must restore the definition that cmig.enable_audit() created.")));
	}
}

/*
 * Raise one error for all missing privileges, with a hint.  PostgreSQL's own
 * errors would report one table at a time.
 */
static void
require_privileges(void)
{
	static const char *const tables[] = {"log", "layout"};
	Oid			schema = get_namespace_oid("cmig_audit", false);
	bool		allowed = cmig_may_use_schema_compat(schema, GetUserId());
	const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

	for (int i = 0; i < lengthof(tables); i++)
	{
		Oid			relation = get_relname_relid(tables[i], schema);

		allowed = allowed && (!OidIsValid(relation) ||
							  pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
	}
	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the audit log"),
				 errhint("The owner of the log can grant the privileges: GRANT USAGE ON SCHEMA cmig_audit TO %s; GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO %s",
						 role, role)));
}

/* Raise an error for policies that can run another role's code. */
static void
refuse_foreign_policies(void)
{
	static const char *const tables[] = {"log", "layout"};
	Oid			schema = get_namespace_oid("cmig_audit", false);

	for (int i = 0; i < lengthof(tables); i++)
	{
		char	   *policy = cmig_audit_policy_find_foreign(get_relname_relid(tables[i], schema));

		if (policy)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("policy \"%s\" on table \"cmig_audit.%s\" can run code of another role",
							policy, tables[i]),
					 errdetail("The code would run with your privileges. A policy on the log must not read tables and can call only built-in functions that are not volatile."),
					 errhint("The owner of the log must change or drop the policy.")));
	}
}

/* Raise an error if reading the log would read a foreign table. */
static void
refuse_foreign_tables(void)
{
	char	   *table = NULL;

	cmig_query_each(&foreign_tables, NULL, NULL, cmig_query_keep_text, &table);
	if (table)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log contains foreign table \"%s\"", table),
				 errdetail("Reading it would connect to another server with your privileges."),
				 errhint("The owner of the log must detach or drop it.")));
}

/* Lock the indexes of a table that is already locked. */
static void
lock_indexes(Oid table)
{
	Relation	relation = relation_open(table, NoLock);
	ListCell   *lc;

	if (relation->rd_rel->relhasindex)
	{
		foreach(lc, RelationGetIndexList(relation))
		{
			LockRelationOid(lfirst_oid(lc), AccessShareLock);
		}
	}
	relation_close(relation, NoLock);
}

/*
 * Lock a table, its partitions and children, and their indexes, so that the
 * query does not have to wait for a lock between the checks and its execution.
 * Otherwise, the owner could make it wait, and add an index or a constraint
 * meanwhile.  RowExclusiveLock also keeps CREATE INDEX waiting, and is allowed
 * on a standby.  While this function waits for a lock, partitions may be
 * attached, so it looks for them until it finds no more.
 */
static void
lock_tree(Oid table)
{
	List	   *locked = NIL;

	for (;;)
	{
		List	   *found = list_difference_oid(find_all_inheritors(table, RowExclusiveLock, NULL), locked);
		ListCell   *lc;

		if (found == NIL)
			return;
		foreach(lc, found)
		{
			lock_indexes(lfirst_oid(lc));
		}
		locked = list_concat(locked, found);
	}
}

void
cmig_audit_reader_begin(void)
{
	Oid			extension_owner = cmig_audit_log_extension_owner();
	Oid			owner;
	Oid			schema;
	char	   *code = NULL;

	(void) cmig_audit_log_require(extension_owner);
	require_privileges();

	/*
	 * Lock the log and check it again, because the results of the checks must
	 * still hold when the log is read.
	 */
	schema = get_namespace_oid("cmig_audit", false);
	LockRelationOid(get_relname_relid("log", schema), AccessShareLock);
	LockRelationOid(get_relname_relid("layout", schema), AccessShareLock);
	owner = cmig_audit_log_require(extension_owner);
	require_columns();
	if (superuser_arg(owner) || GetUserId() == owner)
		return;
	lock_tree(get_relname_relid("log", schema));
	lock_tree(get_relname_relid("layout", schema));
	refuse_foreign_policies();
	refuse_foreign_tables();
	cmig_query_each(&foreign_code, NULL, NULL, cmig_query_keep_text, &code);
	if (code)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log %s", code),
				 errdetail("Reading the log could run code of its owner with your privileges."),
				 errhint("The owner of the log must drop the constraint, index, or rule that uses it.")));
}
