/*
 * enable.c
 *	  cmig.enable_audit and similar functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "audit/internal.h"
#include "base/base.h"
#include "base/compat.h"

/* ----------------------------------------------------------------
 * Enables and disables auditing of tables.
 *
 * Triggers are created with the privileges of the caller, who must own the
 * table; log.c creates the log as the extension's owner.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_enable_audit);
PG_FUNCTION_INFO_V1(cmig_enable_audit_schema);
PG_FUNCTION_INFO_V1(cmig_disable_audit);
PG_FUNCTION_INFO_V1(cmig_audit_script);

/*
 * Which tables can be audited
 */

/* Raise an error unless the caller owns the table, as ALTER TABLE does. */
static void
require_owner(Oid target)
{
	if (!cmig_owns_relation_compat(target, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE,
					   get_rel_name(target) ? get_rel_name(target) : "?");
}

/*
 * Open a table to be audited.  Raises an error if the caller does not own it
 * or if it cannot be audited.
 */
static Relation
open_target(Oid target, LOCKMODE mode)
{
	Relation	relation;
	char	   *schema;

	/*
	 * check the owner before locking, because only the owner may lock the
	 * table
	 */
	require_owner(target);
	relation = table_open(target, mode);
	schema = get_namespace_name(RelationGetNamespace(relation));
	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
				 errhint("Only tables and partitioned tables can be audited.")));
	if (IsCatalogRelation(relation) || strcmp(schema, "cmig_audit") == 0 ||
		strcmp(schema, "cmig") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s.%s\" cannot be audited", schema,
						RelationGetRelationName(relation)),
				 errdetail("It belongs to the system catalogs or to pg_cmig.")));
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporary table \"%s\" cannot be audited",
						RelationGetRelationName(relation))));
	return relation;
}

static CmigQuery is_subscribed = {
	"SELECT 1 FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = $1", 1, {OIDOID}
};

/*
 * Enabling
 */

/* Creates the secret key with which hashed columns are hashed. */
static CmigQuery make_hash_key = {
	"INSERT INTO cmig.secret (name, value) VALUES ('audit',"
	" pg_catalog.decode(pg_catalog.replace(pg_catalog.gen_random_uuid()::text ||"
	" pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, '-', ''), 'hex'))"
	" ON CONFLICT DO NOTHING", 0
};

/*
 * Create the secret key with which hashed columns are hashed, unless it exists.
 */
static void
ensure_hash_key(Oid extension_owner)
{
	CmigRole	saved;

	if (cmig_audit_table_hash_key(extension_owner))
		return;
	cmig_role_act_as_owner(&saved, extension_owner);
	cmig_audit_log_write(&make_hash_key, NULL);
	cmig_role_return(&saved);
	CommandCounterIncrement();
}

/*
 * Returns the table's permanent id: the id in its triggers, the id from an
 * earlier audit, or a new id.
 */
static int32
choose_id(const CmigAuditOptions *options, Relation relation, Oid log_owner)
{
	CmigRole	saved;
	int32		id = options->table_id;

	if (id != 0)
		return id;
	cmig_role_act_as_owner(&saved, log_owner);
	id = cmig_audit_layout_find(RelationGetRelid(relation),
								get_namespace_name(RelationGetNamespace(relation)),
								RelationGetRelationName(relation));
	if (id == 0)
		id = cmig_audit_layout_new_id();
	cmig_role_return(&saved);
	return id;
}

/*
 * A list of the roles, other than the owner, that have the TRIGGER privilege
 * on a table.
 */
static CmigQuery trigger_holders = {
	"SELECT pg_catalog.string_agg(r.role, ', ' ORDER BY r.role) FROM (SELECT DISTINCT"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"  ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role"
	" FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a"
	" WHERE c.oid = $1 AND a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner) r HAVING pg_catalog.count(*) > 0",
	1, {OIDOID}
};

/*
 * Warn about roles that can replace the audit triggers: CREATE OR REPLACE
 * TRIGGER requires only the TRIGGER privilege.
 */
static void
warn_of_trigger_privilege(Oid relation, const char *table)
{
	Datum		values[1] = {ObjectIdGetDatum(relation)};
	char	   *roles = NULL;

	cmig_query_each(&trigger_holders, values, NULL, cmig_query_keep_text, &roles);
	if (roles)
		ereport(WARNING,
				(errmsg("roles other than the owner can turn off auditing of table %s", table),
				 errdetail("The TRIGGER privilege, which allows replacing triggers, is held by %s.", roles),
				 errhint("REVOKE TRIGGER ON %s FROM %s;", table, roles)));
}

/*
 * Partitions
 */

/* Returns true if any of the triggers logs row changes at the given level. */
static bool
any_level(List *triggers, bool row_level)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if ((trigger->type & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)) != 0 &&
			((trigger->type & TRIGGER_TYPE_ROW) != 0) == row_level)
			return true;
	}
	return false;
}

/*
 * Check partitions that have audit triggers of their own.  Raise an error if
 * changes would be logged twice.  At row level, warn that these triggers do
 * nothing while a trigger cloned from the partitioned table fires
 * (trigger.c).
 */
static void
look_at_partitions(Oid target, bool row_level)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(target, ShareRowExclusiveLock, NULL))
	{
		Oid			partition = lfirst_oid(lc);
		bool		cloned;
		List	   *own = partition == target ? NIL : cmig_audit_install_read(partition, &cloned);

		if (own == NIL)
			continue;

		/*
		 * raise an error if new triggers on the parent would have the same
		 * names as the partition's own triggers, or would fire in addition to
		 * them
		 */
		if (get_rel_relkind(partition) == RELKIND_PARTITIONED_TABLE ||
			(!row_level && any_level(own, true)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" already has audit triggers", get_rel_name(partition)),
					 errdetail("Changes to the partition would be logged twice."),
					 errhint("Disable auditing of the partition first, in the same transaction so that no change is missed: SELECT * FROM cmig.disable_audit(%s)",
							 quote_literal_cstr(cmig_query_relation_name(partition)))));
		if (row_level)
			ereport(WARNING,
					(errmsg("the audit triggers of partition \"%s\" do nothing while the partition is attached",
							get_rel_name(partition)),
					 errdetail("Changes to the partition are logged as changes of table \"%s\", with the options of that table.",
							   get_rel_name(target)),
					 errhint("To remove these triggers: SELECT * FROM cmig.disable_audit(%s)",
							 quote_literal_cstr(cmig_query_relation_name(partition)))));
	}
}

/*
 * Choose the level of a table's triggers.  Returns true for row level and false
 * for statement level.  If an ancestor of a partition has statement-level
 * triggers, which are not cloned, the partition's triggers must be
 * statement-level, too; otherwise, changes made through the ancestor would be
 * logged twice.  Without a wish, statement level is chosen unless its triggers
 * would miss changes of this table.
 */
static bool
choose_level(const CmigAuditOptions *options, Relation relation)
{
	Oid			oid = RelationGetRelid(relation);
	Datum		values[1] = {ObjectIdGetDatum(oid)};
	List	   *ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(oid) : NIL;
	ListCell   *lc;

	foreach(lc, ancestors)
	{
		bool		cloned;

		if (!any_level(cmig_audit_install_read(lfirst_oid(lc), &cloned), false))
			continue;
		if (options->level == CMIG_AUDIT_LEVEL_ROW)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" cannot be audited at row level",
							RelationGetRelationName(relation)),
					 errdetail("Table \"%s\" is audited at statement level. Changes made through it would be logged twice.",
							   get_rel_name(lfirst_oid(lc))),
					 errhint("Use level => 'auto'")));
		return false;
	}
	if (options->level != CMIG_AUDIT_LEVEL_AUTO)
		return options->level == CMIG_AUDIT_LEVEL_ROW;
	return relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
		relation->rd_rel->relispartition || options->replicated ||
		has_subclass(oid) || has_superclass(oid) ||
		cmig_query_run(&is_subscribed, values, NULL) > 0;
}

/* One call of enable_audit() or enable_audit_schema(). */
typedef struct Enabling
{
	FunctionCallInfo fcinfo;
	int			first_option;	/* number of the first option argument */
	bool		many;			/* does the call audit several tables, so that
								 * columns named in an option may be missing
								 * in some of them? */
	List	   *met;			/* of CmigAuditName: the columns to hide that
								 * exist in at least one table */
	Oid			extension_owner;
	Oid			log_owner;
	List	   *statements;		/* of char *: the statements that were run */
} Enabling;

/*
 * Initialize *enabling, and create the log.  The log is created before any
 * table is locked, because another session that is creating it may have to
 * lock the table first.
 */
static void
begin_enabling(Enabling *enabling, FunctionCallInfo fcinfo, int first_option, List *targets)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		require_owner(lfirst_oid(lc));
	}
	enabling->fcinfo = fcinfo;
	enabling->first_option = first_option;
	enabling->many = false;
	enabling->met = NIL;
	enabling->statements = NIL;
	enabling->extension_owner = cmig_audit_log_extension_owner();
	if (targets == NIL)
		return;
	enabling->log_owner = cmig_audit_log_make(enabling->extension_owner);
	cmig_audit_retain_ahead(enabling->log_owner, 3);
}

/* Returns the table's current options, with the changes in the arguments. */
static CmigAuditOptions *
options_of(const Enabling *enabling, List *triggers, Relation relation)
{
	CmigAuditOptions *options = NULL;
	ListCell   *lc;

	foreach(lc, triggers)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if (trigger->scripted)
		{
			if (lc == list_head(triggers))
				ereport(WARNING,
						(errmsg("replacing triggers on table \"%s\" that were created by a script",
								RelationGetRelationName(relation)),
						 errdetail("The options of the replaced triggers are not kept."),
						 errhint("To hide columns, list them in the call of cmig.enable_audit()")));
			continue;
		}
		options = cmig_audit_options_parse(trigger->nargs, trigger->arg_values);
		break;
	}
	if (options == NULL)
		options = cmig_audit_options_default();

	/*
	 * Read the arguments before looking up columns: an argument may replace a
	 * stored list that contains a dropped column.
	 */
	cmig_audit_arguments_read(enabling->fcinfo, enabling->first_option, options);
	cmig_audit_columns_resolve(options, RelationGetRelid(relation), enabling->extension_owner,
							   CMIG_AUDIT_CONFIRMING);
	return options;
}

/* Enable auditing of a table and its inheritance children. */
static void
enable_one(Enabling *enabling, Oid target)
{
	Relation	relation = open_target(target, ShareRowExclusiveLock);
	char	   *table = cmig_query_relation_name(target);
	bool		partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	CmigAuditOptions *options;
	bool		cloned;
	List	   *want;
	List	   *have = cmig_audit_install_read(target, &cloned);
	List	   *children = NIL;
	bool		row_level;
	ListCell   *lc;

	if (cloned)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" is audited through its partitioned table",
						RelationGetRelationName(relation)),
				 errhint("Change the options of the partitioned table.")));
	cmig_local_rows_require(target, partitioned, "cmig.enable_audit",
							"Its rows change on the servers that hold the shards. Audit the table there, or log the changes in the application.");
	options = options_of(enabling, have, relation);
	if (enabling->many)
		cmig_audit_arguments_fit(options, relation, &enabling->met);
	cmig_audit_arguments_check(options, relation);

	if (options->hash)
		ensure_hash_key(enabling->extension_owner);
	options->table_id = choose_id(options, relation, enabling->log_owner);
	row_level = choose_level(options, relation);
	if (partitioned)
		look_at_partitions(target, row_level);
	else
		children = find_inheritance_children(target, AccessShareLock);
	cmig_audit_layout_record(options->table_id, relation, enabling->log_owner);

	/*
	 * Keep the lock, but close the table: ALTER TABLE fails for a table that
	 * is open.
	 */
	table_close(relation, NoLock);
	want = cmig_audit_install_wanted(options, row_level, partitioned, table);
	cmig_audit_install_refuse_taken(target, have, want);
	cmig_audit_install_change(target, have, want, table, &enabling->statements);
	warn_of_trigger_privilege(target, table);

	/* triggers are not inherited, so each child has its own */
	foreach(lc, children)
	{
		enable_one(enabling, lfirst_oid(lc));
	}
}

/*
 * Returns the table in the first argument.  "call" is an example of a correct
 * call, for the hint.
 */
static Oid
target_argument(FunctionCallInfo fcinfo, const char *call)
{
	cmig_argument_require(fcinfo, 0, "the table", call);
	if (get_rel_name(PG_GETARG_OID(0)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", PG_GETARG_OID(0))));
	return PG_GETARG_OID(0);
}

CMIG_READER(cmig_enable_audit)
{
	Enabling	enabling;
	Oid			target = target_argument(fcinfo, "SELECT * FROM cmig.enable_audit('<table>')");

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_enabling(&enabling, fcinfo, 1, list_make1_oid(target));
	enable_one(&enabling, target);
	cmig_result_add_texts(fcinfo, enabling.statements);
	return (Datum) 0;
}

/*
 * The tables in a schema whose names match a LIKE pattern, without partitions.
 */
static CmigQuery tables_of_schema = {
	"SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
	" AND c.relname LIKE $2 ORDER BY c.relname",
	2, {OIDOID, TEXTOID}
};

CMIG_READER(cmig_enable_audit_schema)
{
	Enabling	enabling;
	List	   *oids = NIL;
	Datum		values[2];
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("schema and pattern must not be null"),
				 errhint("SELECT * FROM cmig.enable_audit_schema('<schema>')")));
	values[0] = ObjectIdGetDatum(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));
	values[1] = PG_GETARG_DATUM(1);
	cmig_query_each(&tables_of_schema, values, NULL, cmig_query_keep_oid, &oids);
	begin_enabling(&enabling, fcinfo, 2, oids);
	enabling.many = true;
	foreach(lc, oids)
	{
		enable_one(&enabling, lfirst_oid(lc));
	}
	if (oids)
		cmig_audit_arguments_require_met(fcinfo, 2, enabling.met,
										 text_to_cstring(PG_GETARG_TEXT_PP(0)));
	cmig_result_add_texts(fcinfo, enabling.statements);
	return (Datum) 0;
}

/* Remove the audit triggers of a table and its inheritance children. */
static void
disable_one(Oid target, List **statements)
{
	Relation	relation = open_target(target, ShareRowExclusiveLock);
	char	   *table = cmig_query_relation_name(target);
	bool		cloned;
	List	   *children = NIL;
	ListCell   *lc;
	List	   *have = cmig_audit_install_read(target, &cloned);

	if (cloned && have == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" is audited through its partitioned table",
						RelationGetRelationName(relation)),
				 errhint("Disable auditing of the partitioned table, or detach the partition.")));
	if (relation->rd_rel->relkind == RELKIND_RELATION)
		children = find_inheritance_children(target, AccessShareLock);
	table_close(relation, NoLock);
	cmig_audit_install_change(target, have, NIL, table, statements);
	foreach(lc, children)
	{
		disable_one(lfirst_oid(lc), statements);
	}
}

CMIG_READER(cmig_disable_audit)
{
	List	   *statements = NIL;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	disable_one(target_argument(fcinfo, "SELECT * FROM cmig.disable_audit('<table>')"), &statements);
	cmig_result_add_texts(fcinfo, statements);
	return (Datum) 0;
}

CMIG_READER(cmig_audit_script)
{
	Relation	relation = open_target(target_argument(fcinfo, "SELECT cmig.audit_script('<table>')"), AccessShareLock);
	CmigAuditOptions *options = cmig_audit_options_default();
	char	   *script;

	cmig_audit_arguments_read(fcinfo, 1, options);
	cmig_audit_arguments_check(options, relation);
	script = cmig_audit_script_text(relation, options);
	table_close(relation, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(script));
}

/* ----------------------------------------------------------------
 * Reports what is wrong with the audit log, for cmig.check().
 *
 * 	  cmig.audit_status: lists audited tables, their options, and problems.
 *
 * All information is read from the triggers, so it is correct regardless of
 * who created them.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_audit_status);

/*
 * The columns in the lists of the options, as {quoted name, number}.  The text
 * is parsed without a cast to jsonb, which would fail for malformed arguments
 * written by somebody else.
 */
#define COLUMN_IN_LIST "\"(?:[^\"\\\\]|\\\\.)*\": [0-9]{1,5}"
#define HIDDEN_COLUMNS(options) \
	"regexp_matches(" options ", '\"(?:exclude|redact|hash)\": \\{(" COLUMN_IN_LIST "(?:, " COLUMN_IN_LIST ")*)\\}', 'g') AS l(l)," \
	" regexp_matches(l.l[1], '(\"(?:[^\"\\\\]|\\\\.)*\"): ([0-9]{1,5})', 'g')"

/*
 * Audited tables and their triggers.  The bits of pg_trigger.tgtype are: row
 * 1, insert 4, delete 8, update 16, truncate 32.
 */
static CmigQuery read_status = {
	"WITH t AS (SELECT t.tgrelid, t.tgname, t.tgtype::integer AS type, t.tgenabled, t.tgparentid <> 0 AS cloned,"
	"   t.tgqual IS NOT NULL OR t.tgattr::text <> '' AS narrowed,"
	"   substring(encode(t.tgargs, 'escape') FROM '^([0-9]{1,9})\\\\000')::integer AS table_id,"
	"   CASE WHEN t.tgnargs = 2 THEN convert_from("
	"     substring(t.tgargs FROM position('\\x00'::bytea IN t.tgargs) + 1"
	"      FOR length(t.tgargs) - position('\\x00'::bytea IN t.tgargs) - 1), getdatabaseencoding()) END AS argument,"
	"   substring(encode(t.tgargs, 'escape') FROM '\"anchor\": \"([0-9]+/[0-9]+/[0-9]+)/') AS anchor"
	"  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	"  JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig'),"
	" own AS (SELECT t.tgrelid, min(t.table_id) AS table_id, min(t.argument) AS argument,"
	"   regexp_replace(min(t.argument), ', \"anchor\": \"[^\"]*\"', '') AS options, min(t.anchor) AS anchor, bit_or(t.type) AS type,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.tgenabled IN ('D', 'R')) AS disabled,"
	"   string_agg(quote_ident(t.tgname), ', ' ORDER BY t.tgname) FILTER (WHERE t.narrowed) AS narrowed"
	"  FROM t WHERE NOT t.cloned GROUP BY t.tgrelid)"
	" SELECT format('%I.%I', n.nspname, c.relname), o.table_id,"
	"  CASE WHEN o.type & 1 = 1 THEN 'row' WHEN o.type IS NOT NULL THEN 'statement' END,"
	"  nullif(concat_ws(', ', CASE WHEN o.type & 4 <> 0 THEN 'insert' END, CASE WHEN o.type & 16 <> 0 THEN 'update' END,"
	"   CASE WHEN o.type & 8 <> 0 THEN 'delete' END, CASE WHEN o.type & 32 <> 0 THEN 'truncate' END), ''), o.options,"
	"  nullif(concat_ws('; ',"
	"   CASE WHEN EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)"
	"    THEN 'its triggers do nothing while it is a partition of an audited table' END,"
	"   'disabled: ' || o.disabled,"
	"   'triggers that fire only for some changes: ' || o.narrowed,"
	"   CASE WHEN o.tgrelid IS NOT NULL AND o.options IS NULL THEN 'the triggers were not created by enable_audit' END,"
	"   'hidden columns that are part of the key: ' || (SELECT string_agg(DISTINCT quote_ident(a.attname), ', ') FROM pg_index x"
	"    JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1]),"
	"    " HIDDEN_COLUMNS("o.options") " h"
	"    WHERE x.indrelid = c.oid AND (x.indisprimary OR x.indisreplident"
	"     AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = c.oid AND p.indisprimary))"
	"    AND CASE WHEN o.anchor = $2 || '/' || c.oid AND EXISTS (SELECT FROM pg_attribute n"
	"      WHERE n.attrelid = c.oid AND n.attnum = h.h[2]::integer AND NOT n.attisdropped)"
	"     THEN a.attnum = h.h[2]::integer ELSE to_json(a.attname::text)::text = h.h[1] END),"
	"   CASE WHEN EXISTS (SELECT FROM pg_trigger s JOIN pg_proc p ON p.oid = s.tgfoid AND p.proname = 'write'"
	"     JOIN pg_namespace w ON w.oid = p.pronamespace AND w.nspname = 'cmig_audit'"
	"     WHERE s.tgrelid = c.oid AND s.tgparentid = 0) THEN 'audited by a script' END,"
	"   CASE WHEN c.relkind = 'p' AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN 'changes made directly to a partition are not logged' END,"
	"   CASE WHEN c.relispartition AND o.type & 1 = 1 AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)"
	"     JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)"
	"    THEN 'changes made through the partitioned table are logged twice' END,"
	"   CASE WHEN c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"     AND NOT EXISTS (SELECT FROM t WHERE t.tgrelid = c.oid AND t.cloned)"
	"     AND NOT EXISTS (SELECT FROM pg_partition_ancestors(c.oid) a(oid)"
	"      JOIN own x ON x.tgrelid = a.oid AND x.type & 28 <> 0 AND x.type & 1 = 0 WHERE a.oid <> c.oid)"
	"    THEN format('changes made through the partitioned table are not logged"
	" (SELECT * FROM cmig.enable_audit(%L, level => ''auto'') creates row-level triggers)', format('%I.%I', n.nspname, c.relname)) END,"
	"   CASE WHEN c.relkind = 'r' AND NOT c.relispartition AND o.type & 28 <> 0 AND o.type & 1 = 0"
	"    THEN nullif(concat_ws('; ', CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)"
	"     THEN 'changes made through its parent are not logged as changes of this table' END,"
	"     CASE WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)"
	"     THEN 'changes made to child tables through this table are logged as changes of this table' END), '') END,"
	"   'children that are not audited: ' || (SELECT string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid::regclass::text)"
	"    FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r' AND o.tgrelid IS NOT NULL"
	"    AND NOT EXISTS (SELECT FROM own x WHERE x.tgrelid = i.inhrelid)),"
	"   'roles that can replace the triggers: ' || (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"     ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
	"    FROM aclexplode(c.relacl) a WHERE a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner AND o.tgrelid IS NOT NULL)"
	"  ), ''), o.argument, c.oid"
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN own o ON o.tgrelid = c.oid"
	" WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND (NOT c.relispartition OR o.tgrelid IS NOT NULL)"
	" AND CASE WHEN $1 IS NULL THEN n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig', 'cmig_audit') ELSE n.nspname = $1 END"
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
	" ORDER BY n.nspname, c.relname",
	2, {TEXTOID, TEXTOID}
};

#define STATUS_COLUMNS 6
#define STATUS_ID 1
#define STATUS_LEVEL 2
#define STATUS_OPTIONS 4
#define STATUS_PROBLEM 5

/* A row of the result of audit_status(). */
typedef struct Status
{
	Datum		values[STATUS_COLUMNS];
	bool		nulls[STATUS_COLUMNS];
	char	   *argument;		/* second argument of the table's triggers;
								 * NULL: none */
	Oid			relation;
} Status;

static void
collect_status(TupleDesc desc, HeapTuple row, void *arg)
{
	Status	   *status = palloc0(sizeof(Status));
	bool		isnull;

	for (int i = 0; i < STATUS_COLUMNS; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum		value = cmig_query_datum(desc, row, i + 1, &status->nulls[i]);

		if (!status->nulls[i])
			status->values[i] = datumCopy(value, attribute->attbyval, attribute->attlen);
	}
	status->argument = cmig_query_text_or_null(desc, row, STATUS_COLUMNS + 1);
	status->relation = DatumGetObjectId(cmig_query_datum(desc, row, STATUS_COLUMNS + 2, &isnull));
	*(List **) arg = lappend(*(List **) arg, status);
}

/*
 * Arguments and result of try_columns(), which examines the columns in a
 * table's options.
 */
typedef struct ColumnsTrial
{
	Status	   *status;
	Oid			extension_owner;
	char	   *problem;
} ColumnsTrial;

/* Returns the number of columns in the options' lists. */
static int
count_columns(const CmigAuditOptions *options)
{
	return list_length(options->include) + list_length(options->exclude) +
		list_length(options->redact) + list_length(options->hash);
}

/*
 * Find out whether the table's triggers will fail because of the columns in the
 * options, and show the options with the columns' current names.  The trigger's
 * arguments contain the names that the columns had when the options were set,
 * which are shown if a column was dropped or cannot be found.
 */
static void
try_columns(void *arg)
{
	ColumnsTrial *trial = arg;
	Status	   *status = trial->status;
	char	   *args[2] = {psprintf("%d", DatumGetInt32(status->values[STATUS_ID])), status->argument};
	CmigAuditOptions *options = cmig_audit_options_parse(2, args);
	int			count = count_columns(options);

	trial->problem = cmig_audit_columns_problem(options, status->relation, trial->extension_owner);
	if (count == 0)
		return;
	if (trial->problem == NULL)
	{
		cmig_audit_columns_resolve(options, status->relation, trial->extension_owner,
								   CMIG_AUDIT_READING);
		if (count_columns(options) != count)
			options = cmig_audit_options_parse(2, args);
	}
	options->anchor = NULL;
	status->values[STATUS_OPTIONS] = CStringGetTextDatum(cmig_audit_options_text(options, false));
}

/* Add a problem to the table's problems. */
static void
add_problem(Status *status, const char *problem)
{
	status->values[STATUS_PROBLEM] = status->nulls[STATUS_PROBLEM] ? CStringGetTextDatum(problem) :
		CStringGetTextDatum(psprintf("%s; %s", problem,
									 TextDatumGetCString(status->values[STATUS_PROBLEM])));
	status->nulls[STATUS_PROBLEM] = false;
}

CMIG_READER(cmig_audit_status)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			extension_owner = cmig_audit_log_extension_owner();
	CmigAuditLogFault *fault = cmig_audit_log_fault(extension_owner);
	List	   *rows = NIL;
	Datum		values[2];
	char		nulls[3] = "  ";
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	values[0] = cmig_argument_schema(fcinfo, 0, nulls);
	values[1] = CStringGetTextDatum(cmig_audit_layout_database());
	cmig_query_each(&read_status, values, nulls, collect_status, &rows);
	foreach(lc, rows)
	{
		Status	   *status = lfirst(lc);
		ColumnsTrial trial = {status, extension_owner, NULL};
		char	   *problem;
		ErrorData  *error = status->argument && !status->nulls[STATUS_ID] ?
		cmig_subtransaction_try(try_columns, &trial) : NULL;

		/*
		 * An error is shown as a problem, because somebody may have written
		 * the trigger's arguments by hand, or dropped the table or the log.
		 */
		if (error && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		problem = error == NULL ? trial.problem :
			error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION ?
			"the arguments of its triggers could not be parsed" : error->message;

		/*
		 * Do not report the same problem twice.  If the log is missing, the
		 * problem found for the columns is the log's own problem, which is
		 * reported below.
		 */
		if (problem && !(fault && strcmp(problem, fault->problem) == 0))
			add_problem(status, problem);
		if (fault && !status->nulls[STATUS_LEVEL])
			add_problem(status, psprintf("writes fail: %s (%s)", fault->problem, fault->fix));
		tuplestore_putvalues(result->setResult, result->setDesc, status->values, status->nulls);
	}
	return (Datum) 0;
}

/*
 * Entry points for cmig.check()
 */

/* Returns a row if any table has an audit trigger. */
static CmigQuery any_trigger = {
	"SELECT 1 FROM pg_catalog.pg_trigger t"
	" JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.proname = 'audit_trigger'"
	" JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'cmig' LIMIT 1",
	0
};

CmigAuditLogFault *
cmig_audit_status_fault(bool *refused)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault(cmig_audit_log_extension_owner());

	*refused = fault && cmig_query_run(&any_trigger, NULL, NULL) > 0;
	return fault && fault->missing && !*refused ? NULL : fault;
}
