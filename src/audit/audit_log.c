/*
 * audit_log.c
 *	  Creates the schema cmig_audit, and checks its contents and owner.
 *
 * A role that can change the log's tables could read what is audited and forge
 * entries.  Therefore, the tables are used only if they belong to the
 * extension's owner (or to a role that could do both anyway), and everything
 * in the schema is created by the extension's owner, without granting anything
 * to others.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_log.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/role.h"
#include "base/settings.h"
#include "run/run_lock.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * The statements that create the log.  The order of the columns avoids padding
 * in the fixed part of a row.  The upper half of row_hash is the table's id,
 * and the lower half is a hash of the key, jsonb_hash_extended(row_key, 0), so
 * that one index finds both the entries of a row and the entries of a table.
 *
 * The unique index on id prevents a dump that is restored over the database
 * from adding entries a second time, and tells audit_writer.c the newest id.
 * Like any unique index of a partitioned table, it must contain the partition
 * key.
 */
static const char *const log_statements[] = {
	"CREATE SEQUENCE cmig_audit.log_id_seq AS bigint",
	"CREATE TABLE cmig_audit.log (\n"
	"\tid bigint NOT NULL DEFAULT pg_catalog.nextval('cmig_audit.log_id_seq'),\n"
	"\tseq bigint NOT NULL,\n"
	"\ttransaction_id xid8 NOT NULL,\n"
	"\ttransaction_at timestamptz NOT NULL,\n"
	"\tclock_at timestamptz NOT NULL,\n"
	"\trow_hash bigint NOT NULL,\n"
	"\told_hash bigint,\n"
	"\ttable_id integer NOT NULL,\n"
	"\tcommand_id bigint NOT NULL,\n"
	"\tbackend_pid integer,\n"
	"\toperation text NOT NULL,\n"
	"\tschema_name text NOT NULL,\n"
	"\ttable_name text NOT NULL,\n"
	"\trow_key jsonb,\n"
	"\told_key jsonb,\n"
	"\told_row jsonb,\n"
	"\tnew_row jsonb,\n"
	"\tchanged text[],\n"
	"\tuser_id text,\n"
	"\ttenant_id text,\n"
	"\trole text,\n"
	"\tsession_role text,\n"
	"\tapplication_name text,\n"
	"\tclient_address inet,\n"
	"\trevision text,\n"
	"\treason text,\n"
	"\trequest_id text,\n"
	"\tquery text\n"
	") PARTITION BY RANGE (transaction_at)",
	"ALTER SEQUENCE cmig_audit.log_id_seq OWNED BY cmig_audit.log.id",
	"CREATE UNIQUE INDEX log_id_transaction_at_idx ON cmig_audit.log (id, transaction_at)",
	"CREATE INDEX log_row_hash_idx ON cmig_audit.log (row_hash)",
	"CREATE INDEX log_old_hash_idx ON cmig_audit.log (old_hash) WHERE old_hash IS NOT NULL",
	"CREATE INDEX log_transaction_id_idx ON cmig_audit.log (transaction_id)",
	"CREATE INDEX log_clock_at_idx ON cmig_audit.log USING brin (clock_at)",
	"CREATE TABLE cmig_audit.log_default PARTITION OF cmig_audit.log DEFAULT",
	"ALTER TABLE cmig_audit.log_default REPLICA IDENTITY FULL",
	"CREATE SEQUENCE cmig_audit.table_id_seq AS integer",
	"CREATE TABLE cmig_audit.layout (\n"
	"\ttable_id integer NOT NULL,\n"
	"\trecorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),\n"
	"\trelation oid NOT NULL,\n"
	"\tschema_name text NOT NULL,\n"
	"\ttable_name text NOT NULL,\n"
	"\tcolumns jsonb NOT NULL,\n"
	"\tkey_columns text[] NOT NULL,\n"
	"\tkey_kinds text[],\n"
	"\towner text,\n"
	"\tdatabase text\n"
	")",
	"CREATE INDEX layout_table_id_idx ON cmig_audit.layout (table_id, recorded_at)",
	"CREATE VIEW cmig_audit.audit_logs WITH (security_invoker = true) AS\n"
	"\tSELECT l.id, l.table_name, l.operation,\n"
	"\t\tCASE WHEN l.user_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN l.user_id::uuid END AS user_id,\n"
	"\t\tCASE WHEN l.tenant_id ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' THEN l.tenant_id::uuid END AS tenant_id,\n"
	"\t\tl.old_row AS old_values, l.new_row AS new_values, l.clock_at AS \"timestamp\"\n"
	"\tFROM cmig_audit.log l",
	"COMMENT ON TABLE cmig_audit.log IS 'Audit log of pg_cmig: one row for each change of an audited table.'",
	"COMMENT ON COLUMN cmig_audit.log.seq IS 'Sort key of the changes of a row, followed by command_id and id'",
	"COMMENT ON COLUMN cmig_audit.log.row_hash IS 'table_id in the upper, hash of row_key in the lower 32 bits'",
	"COMMENT ON COLUMN cmig_audit.log.table_id IS 'Permanent id of the audited table; renaming does not change it'",
	"COMMENT ON COLUMN cmig_audit.log.old_key IS 'Key before the change, if the change altered the key'",
	"COMMENT ON COLUMN cmig_audit.log.changed IS 'Names of the columns that an UPDATE changed'",
	"COMMENT ON TABLE cmig_audit.layout IS 'Names and columns of audited tables since the time recorded_at.'",
	"COMMENT ON COLUMN cmig_audit.layout.key_kinds IS 'JSON types of the key values: number, boolean, or string; otherwise the data type'",
	"COMMENT ON COLUMN cmig_audit.layout.database IS 'Database in which the OID in column relation is valid: system identifier of the server and OID of the database'",
	"COMMENT ON VIEW cmig_audit.audit_logs IS 'The log in the form of a plain audit_logs table. Reading it also requires SELECT on cmig_audit.log.'",
	NULL
};

/*
 * Use lz4 for the images, because compressing them with pglz would cost more
 * than everything else that the trigger does.  Partitions inherit the
 * compression method from cmig_audit.log when they are created.
 */
#define IMAGES_SET_LZ4 \
	"ALTER row_key SET COMPRESSION lz4, ALTER old_key SET COMPRESSION lz4, " \
	"ALTER old_row SET COMPRESSION lz4, ALTER new_row SET COMPRESSION lz4"

static const char *const lz4_statements[] = {
	"ALTER TABLE ONLY cmig_audit.log " IMAGES_SET_LZ4,
	"ALTER TABLE ONLY cmig_audit.log_default " IMAGES_SET_LZ4,
	NULL
};

const char *const *
cmig_audit_log_statements(void)
{
	return log_statements;
}

const char *const *
cmig_audit_log_lz4_statements(void)
{
	return lz4_statements;
}

/*
 * Keep triggers and rules from firing, except those that the table's owner has
 * set to ENABLE ALWAYS.  Otherwise, a role that has the TRIGGER privilege on
 * one of pg_cmig's tables could create a trigger with its own function, which
 * would run with the owner's privileges.  Returns the GUC nest level, for
 * AtEOXact_GUC().
 */
static int
silence_triggers(void)
{
	int			guc_level = NewGUCNestLevel();

	if (SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA)
		cmig_settings_set("session_replication_role", "replica", PGC_SUSET, GUC_ACTION_SAVE);
	return guc_level;
}

uint64
cmig_audit_log_write(CmigQuery *query, Datum *values)
{
	int			guc_level = silence_triggers();
	uint64		rows = cmig_query_run(query, values, NULL);

	AtEOXact_GUC(false, guc_level);
	return rows;
}

void
cmig_audit_log_execute_silently(const char *sql)
{
	int			guc_level = silence_triggers();

	cmig_audit_log_execute(sql);
	AtEOXact_GUC(false, guc_level);
}

/*
 * Run one statement.  Event triggers fire for it as for any other statement of
 * the log's owner.  This is not a security gap: up to PostgreSQL 18, only
 * superusers can create and own event triggers, so they decide whose function
 * runs.  The function would run with the same privileges if the log's owner
 * executed the statement.
 */
void
cmig_audit_log_execute(const char *sql)
{
	cmig_query_once(sql, 0, NULL, NULL, NULL, true, NULL, NULL);
}

Oid
cmig_audit_log_extension_owner(void)
{
	Relation	extensions = table_open(ExtensionRelationId, AccessShareLock);
	NameData	name;
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	namestrcpy(&name, "pg_cmig");
	ScanKeyInit(&key[0], Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				NameGetDatum(&name));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension \"pg_cmig\" was dropped while one of its functions was running"),
				 errhint("Do not change the extension in a revision.")));
	return owner;
}

/*
 * Can a log that belongs to "owner" be trusted?  Returns true for the
 * extension's owner, for superusers, and for the database's owner, who may have
 * owned the extension before another role restored a dump.
 */
bool
cmig_audit_log_trusted(Oid owner, Oid extension_owner)
{
	return owner == extension_owner || superuser_arg(owner) || owner == cmig_role_owner_of_database(MyDatabaseId);
}

Oid
cmig_audit_log_relation(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	return OidIsValid(schema) ? get_relname_relid("log", schema) : InvalidOid;
}

Oid
cmig_audit_log_table_owner(Oid relation)
{
	Oid			owner = cmig_role_owner_of(relation);

	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return owner;
}

/* Returns a fault without DETAIL. */
static CmigAuditLogFault *
make_fault(int sqlstate, char *problem, char *fix)
{
	CmigAuditLogFault *fault = palloc0(sizeof(CmigAuditLogFault));

	fault->sqlstate = sqlstate;
	fault->problem = problem;
	fault->fix = fix;
	return fault;
}

/*
 * Returns the fault of a part of the log that belongs to the wrong role.
 * "kind" and "name" are written as in ALTER.
 */
static CmigAuditLogFault *
foreign_owner(const char *kind, const char *name, Oid owner, Oid extension_owner)
{
	char	   *right_owner = GetUserNameFromId(extension_owner, true);
	CmigAuditLogFault *fault =
	make_fault(ERRCODE_INSUFFICIENT_PRIVILEGE,
			   psprintf("%s \"%s\" belongs to role \"%s\"", kind, name,
						GetUserNameFromId(owner, true)),
			   psprintf("ALTER %s %s OWNER TO %s -- or drop or rename it if pg_cmig did not create it",
						strcmp(kind, "schema") == 0 ? "SCHEMA" : "TABLE", name,
						right_owner ? quote_identifier(right_owner) : "<owner>"));

	fault->detail = psprintf("An audit log is trusted only if it belongs to the extension's owner, \"%s\", because the owner of a log can read and change it.",
							 right_owner);
	return fault;
}

/* The relations that make up the log. */
static const struct
{
	const char *name;
	char		kind;			/* as pg_class.relkind */
	bool		needed;
}			parts[] = {
	{"log", RELKIND_PARTITIONED_TABLE, true},
	{"layout", RELKIND_RELATION, true},
	{"log_id_seq", RELKIND_SEQUENCE, true},
	{"table_id_seq", RELKIND_SEQUENCE, true},
	{"log_default", RELKIND_RELATION, false}	/* not needed, because
												 * audit_retain can create it */
};

/*
 * If a part of the log is missing, returns a fault that says so; otherwise
 * NULL.
 */
static CmigAuditLogFault *
missing_part(Oid schema)
{
	if (!OidIsValid(cmig_audit_log_relation()))
	{
		CmigAuditLogFault *fault =
		make_fault(ERRCODE_UNDEFINED_TABLE, "there is no audit log in this database",
				   "SELECT * FROM cmig.enable_audit('<table>') -- creates an empty one; or restore the log from a backup");

		fault->missing = true;
		return fault;
	}
	for (int i = 0; i < lengthof(parts); i++)
	{
		if (parts[i].needed && !OidIsValid(get_relname_relid(parts[i].name, schema)))
			return make_fault(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
							  psprintf("relation \"cmig_audit.%s\" does not exist", parts[i].name),
							  "ALTER SCHEMA cmig_audit RENAME TO cmig_audit_old -- then cmig.enable_audit creates an empty log; or restore the relation from a backup");
	}
	return NULL;
}

CmigAuditLogFault *
cmig_audit_log_fault(Oid extension_owner)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);
	Oid			owner;

	if (OidIsValid(schema))
	{
		owner = cmig_role_owner_of_schema(schema);
		if (!cmig_audit_log_trusted(owner, extension_owner))
			return foreign_owner("schema", "cmig_audit", owner, extension_owner);
	}
	for (int i = 0; OidIsValid(schema) && i < lengthof(parts); i++)
	{
		Oid			relation = get_relname_relid(parts[i].name, schema);

		if (!OidIsValid(relation))
			continue;
		owner = cmig_role_owner_of(relation);
		if (!cmig_audit_log_trusted(owner, extension_owner))
			return foreign_owner("relation", psprintf("cmig_audit.%s", parts[i].name), owner, extension_owner);
		if (get_rel_relkind(relation) != parts[i].kind)
			return make_fault(ERRCODE_WRONG_OBJECT_TYPE,
							  psprintf("relation \"cmig_audit.%s\" was not created by pg_cmig", parts[i].name),
							  psprintf("ALTER TABLE cmig_audit.%s RENAME TO %s_old -- then restore the audit log from a backup, if there was one",
									   parts[i].name, parts[i].name));
	}
	return missing_part(schema);
}

/*
 * Raise an error if the log cannot be used.  If "may_be_missing" is true, the
 * log need not exist.
 */
static void
raise_fault(Oid extension_owner, bool may_be_missing)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault(extension_owner);

	if (fault && !(fault->missing && may_be_missing))
		ereport(ERROR,
				(errcode(fault->sqlstate),
				 errmsg("%s", fault->problem),
				 fault->detail ? errdetail("%s", fault->detail) : 0,
				 errhint("%s", fault->fix)));
}

/*
 * Functions that belong neither to the owner nor to a superuser, but would be
 * called with the owner's privileges by SQL on the log, its partitions, and
 * the layouts.  Such functions exist if another role created the tables
 * beforehand and gave them to the owner.
 */
static CmigQuery foreign_code = {
	"WITH RECURSIVE part AS (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	"  WHERE n.nspname = 'cmig_audit' AND c.relkind IN ('r', 'p')"
	"  UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN part ON i.inhparent = part.oid)"
	" SELECT CASE d.refclassid WHEN 'pg_catalog.pg_proc'::regclass THEN 'function ' || d.refobjid::regprocedure::text"
	"  WHEN 'pg_catalog.pg_operator'::regclass THEN 'operator ' || d.refobjid::regoperator::text"
	"  ELSE 'type ' || pg_catalog.format_type(d.refobjid, -1) END FROM pg_catalog.pg_depend d"
	" LEFT JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND p.oid = d.refobjid"
	" LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid"
	" LEFT JOIN pg_catalog.pg_proc q ON q.oid = o.oprcode"
	" LEFT JOIN pg_catalog.pg_type y ON d.refclassid = 'pg_catalog.pg_type'::regclass AND y.oid = d.refobjid"
	" JOIN pg_catalog.pg_roles r ON r.oid = coalesce(p.proowner, q.proowner, y.typowner)"
	" WHERE d.refobjid >= 16384 AND r.oid <> $1 AND NOT r.rolsuper"
	" AND (d.classid = 'pg_catalog.pg_class'::regclass AND (d.objid IN (SELECT part.oid FROM part) OR d.objid IN"
	"   (SELECT x.indexrelid FROM pg_catalog.pg_index x JOIN part ON x.indrelid = part.oid))"
	"  OR d.classid = 'pg_catalog.pg_constraint'::regclass AND d.objid IN"
	"   (SELECT k.oid FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT part.oid FROM part))"
	"  OR d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid IN"
	"   (SELECT f.oid FROM pg_catalog.pg_attrdef f WHERE f.adrelid IN (SELECT part.oid FROM part)))"
	" ORDER BY 1 LIMIT 1",
	1, {OIDOID}
};

void
cmig_audit_log_refuse_foreign_code(Oid log_owner)
{
	Datum		values[1] = {ObjectIdGetDatum(log_owner)};
	char	   *code = NULL;

	cmig_query_each(&foreign_code, values, NULL, cmig_query_keep_text, &code);
	if (code)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the audit log uses %s, which belongs to another role", code),
				 errdetail("It would run with the privileges of the log's owner, role \"%s\".",
						   GetUserNameFromId(log_owner, true)),
				 errhint("Drop the default, constraint, index, or column that uses it.")));
}

/*
 * Raise an error if the schema cmig_audit existed before the log and contains
 * relations that have the names of the log's relations.
 */
static void
refuse_names_taken(Oid schema)
{
	static const char *const names[] = {"audit_logs", "layout", "log_default", "log_id_seq", "table_id_seq"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (OidIsValid(get_relname_relid(names[i], schema)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_TABLE),
					 errmsg("relation \"cmig_audit.%s\" already exists", names[i]),
					 errdetail("pg_cmig needs this name to create the audit log. The log's table, \"cmig_audit.log\", does not exist."),
					 errhint("Rename the relation or move it to another schema. If it is left over from an earlier audit log, restore that log from a backup or drop the relation.")));
	}
}

/*
 * Statements that revoke what default privileges have granted to roles other
 * than the owner.
 */
static CmigQuery foreign_grants = {
	"SELECT pg_catalog.format('REVOKE ALL ON %s FROM %s',"
	" CASE WHEN g.kind = 'S' THEN 'SEQUENCE ' WHEN g.kind = 'n' THEN 'SCHEMA ' ELSE 'TABLE ' END || g.name,"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)"
	" FROM (SELECT c.relkind AS kind, pg_catalog.format('cmig_audit.%I', c.relname) AS name, c.relacl AS acl, c.relowner AS owner"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = 'cmig_audit'"
	" AND c.relkind IN ('r', 'p', 'S', 'v') AND ($1 = 0::oid OR c.oid = $1)"
	" UNION ALL SELECT 'n', 'cmig_audit', n.nspacl, n.nspowner FROM pg_catalog.pg_namespace n"
	" WHERE n.nspname = 'cmig_audit' AND $1 = 0::oid) g, pg_catalog.aclexplode(g.acl) a"
	" WHERE a.grantee <> g.owner GROUP BY 1",
	1, {OIDOID}
};

static void
collect_statement(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **statements = arg;

	*statements = lappend(*statements, cmig_query_text(desc, row, 1));
}

void
cmig_audit_log_close_access(Oid relation)
{
	Datum		values[1] = {ObjectIdGetDatum(relation)};
	List	   *statements = NIL;
	ListCell   *lc;

	cmig_query_each(&foreign_grants, values, NULL, collect_statement, &statements);
	foreach(lc, statements)
	{
		cmig_audit_log_execute(lfirst(lc));
	}
}

Oid
cmig_audit_log_make(Oid extension_owner)
{
	CmigRole	saved;
	Oid			relation;
	Oid			schema;
	Oid			owner = extension_owner;

	relation = cmig_audit_log_relation();
	if (!OidIsValid(relation))
	{
		/* wait for a session that may be creating the log */
		cmig_run_lock_audit();
		relation = cmig_audit_log_relation();
	}
	raise_fault(extension_owner, true);
	if (OidIsValid(relation))
	{
		owner = cmig_role_owner_of(relation);
		cmig_audit_log_refuse_foreign_code(owner);
		return owner;
	}

	/*
	 * if the schema already exists and belongs to a role that is not a
	 * superuser, such as the database's owner, that role becomes the owner of
	 * the log
	 */
	schema = get_namespace_oid("cmig_audit", true);
	if (OidIsValid(schema))
	{
		refuse_names_taken(schema);
		if (!superuser_arg(cmig_role_owner_of_schema(schema)))
			owner = cmig_role_owner_of_schema(schema);
	}
	cmig_role_act_as_owner(&saved, owner);
	if (!OidIsValid(schema))
	{
		cmig_audit_log_execute("CREATE SCHEMA cmig_audit");
		cmig_audit_log_execute("COMMENT ON SCHEMA cmig_audit IS 'Audit log of pg_cmig; DROP EXTENSION leaves it'");
	}
	for (int i = 0; log_statements[i]; i++)
		cmig_audit_log_execute(log_statements[i]);
#ifdef USE_LZ4
	for (int i = 0; lz4_statements[i]; i++)
		cmig_audit_log_execute(lz4_statements[i]);
#endif
	CommandCounterIncrement();
	cmig_audit_log_close_access(InvalidOid);
	cmig_role_return(&saved);
	CommandCounterIncrement();
	return owner;
}

Oid
cmig_audit_log_require(Oid extension_owner)
{
	raise_fault(extension_owner, false);
	return cmig_role_owner_of(cmig_audit_log_relation());
}

int64
cmig_audit_log_row_hash(int32 table_id, Datum key)
{
	uint64		hash = DatumGetUInt64(DirectFunctionCall2(jsonb_hash_extended, key,
														  Int64GetDatum(0)));

	return (int64) (((uint64) (uint32) table_id << 32) | (hash & 0xFFFFFFFF));
}
