/*
 * create.c
 *	  Creates the audit log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit/internal.h"
#include "parse/parse.h"
#include "run/run.h"

/*
 * Run statements that create parts of the log, as its owner.  No event trigger
 * fires: names in its function could refer to the caller's temporary tables, and
 * it could give what was created to another role.
 */
void
cmig_audit_log_execute(const char *sql)
{
	cmig_query_silently(cmig_raw_parse(sql, RAW_PARSE_DEFAULT), sql);
}

/*
 * Drop a partition.  Event triggers fire as for any other DROP TABLE, because the
 * caller has the privileges of the log's owner.
 */
void
cmig_audit_log_drop_part(const char *name)
{
	cmig_query_command(psprintf("DROP TABLE cmig_audit.%s", quote_identifier(name)), InvalidOid);
}

static CmigQuery read_text = {
	"SELECT t.text FROM cmig.audit_text t WHERE t.name = $1", {TEXTOID}
};

/* Returns a text of the view cmig.audit_text, which callers may not read. */
char *
cmig_audit_log_text(const char *name)
{
	char	   *text;
	CmigRole	saved;

	cmig_role_act_as_owner(&saved, cmig_audit_log_reader(cmig_audit_log_extension_owner()));
	text = cmig_query_value(&read_text, name);
	cmig_role_return(&saved);
	return text;
}

/* REVOKE for what default privileges have granted to roles besides the owner */
static CmigQuery foreign_grants = {
	"SELECT string_agg(DISTINCT format('REVOKE ALL ON %s FROM %s',"
	" CASE WHEN g.kind = 'S' THEN 'SEQUENCE ' WHEN g.kind = 'n' THEN 'SCHEMA ' ELSE 'TABLE '"
	" END || g.name,"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END), '; ')"
	" FROM (SELECT c.relkind AS kind, pg_catalog.format('cmig_audit.%I', c.relname) AS name, c.relacl AS acl, c.relowner AS owner"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE n.nspname = 'cmig_audit'"
	" AND c.relkind IN ('r', 'p', 'S', 'v') AND ($1 = 0::oid OR c.oid = $1)"
	" UNION ALL SELECT 'n', 'cmig_audit', n.nspacl, n.nspowner FROM pg_namespace n"
	" WHERE n.nspname = 'cmig_audit' AND $1 = 0::oid) g, pg_catalog.aclexplode(g.acl) a"
	" WHERE a.grantee <> g.owner",
	{OIDOID}
};

/*
 * Revoke what the owner's default privileges have granted on a relation or, if
 * "relation" is InvalidOid, on the schema and everything in it.
 */
void
cmig_audit_log_close_access(Oid relation)
{
	char	   *statements = cmig_query_value(&foreign_grants, relation);

	if (statements)
		cmig_audit_log_execute(statements);
}

/*
 * Create the log if it is missing.  Raises an error if it cannot be used, for
 * example because it belongs to another role.  Returns its owner.
 */
Oid
cmig_audit_log_make(Oid extension_owner)
{
	static const char *const names[] = {"audit_logs", "layout", "log_default", "log_id_seq",
	"table_id_seq"};
	CmigRole	saved;
	char	   *statements;
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
	cmig_audit_log_raise_fault(extension_owner, true);
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
		for (int i = 0; i < lengthof(names); i++)
			if (OidIsValid(get_relname_relid(names[i], schema)))
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_TABLE),
						 errmsg("relation \"cmig_audit.%s\" already exists", names[i]),
						 errdetail("pg_cmig needs this name to create the audit log. The log's table, \"cmig_audit.log\", does not exist."),
						 errhint("Rename the relation or move it to another schema. If it is left over from an earlier audit log, restore that log from a backup or drop the relation.")));
		if (!superuser_arg(cmig_role_owner_in(NamespaceRelationId, schema)))
			owner = cmig_role_owner_in(NamespaceRelationId, schema);
	}
	statements = cmig_audit_log_text("log");
	cmig_role_act_as_owner(&saved, owner);
	if (!OidIsValid(schema))
		cmig_audit_log_execute("CREATE SCHEMA cmig_audit;"
							   " COMMENT ON SCHEMA cmig_audit IS 'Audit log of pg_cmig; DROP EXTENSION leaves it'");
	cmig_audit_log_execute(statements);
	CommandCounterIncrement();
	cmig_audit_log_close_access(InvalidOid);
	cmig_role_return(&saved);
	CommandCounterIncrement();
	return owner;
}
