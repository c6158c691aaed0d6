/*
 * audit.c
 *	  Turning audit on and off.
 *
 * Triggers are made with the caller's rights, who must own the table; the log
 * is made by audit_log.c as the extension's owner.  All that a table's audit
 * consists of is its triggers, so that disabling leaves the table as it was.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit.h"
#include "audit/audit_arguments.h"
#include "audit/audit_columns.h"
#include "audit/audit_layout.h"
#include "audit/audit_log.h"
#include "audit/audit_options.h"
#include "audit/audit_retain.h"
#include "audit/audit_script.h"
#include "audit/audit_table.h"
#include "audit/audit_trigger.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/local_rows.h"
#include "base/query.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(cmig_enable_audit);
PG_FUNCTION_INFO_V1(cmig_enable_audit_schema);
PG_FUNCTION_INFO_V1(cmig_disable_audit);
PG_FUNCTION_INFO_V1(cmig_audit_script);

/* A trigger that a table has or should have. */
typedef struct AuditTrigger
{
	const char *name;
	bool		scripted;		/* made by audit_script()'s script */
	bool		narrowed;		/* WHEN or UPDATE OF: somebody else's doing */
	int16		type;
	char		enabled;
	char	   *args;			/* as in the statement that makes it */
	char	   *statement;
	int			nargs;
	char	  **arg_values;
} AuditTrigger;

void
cmig_audit_init(void)
{
	cmig_audit_trigger_init();
}

/*
 * Which tables can be audited
 */

static void
require_owner(Oid target)
{
	if (!cmig_owns_relation_compat(target, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE,
					   get_rel_name(target) ? get_rel_name(target) : "?");
}

static Relation
open_target(Oid target, LOCKMODE mode)
{
	Relation	relation;
	char	   *schema;

	/* rights first: who may not have the table must not lock it */
	require_owner(target);
	relation = table_open(target, mode);
	schema = get_namespace_name(RelationGetNamespace(relation));
	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(relation)),
				 errhint("Audit is for tables and partitioned tables.")));
	if (IsCatalogRelation(relation) || strcmp(schema, "cmig_audit") == 0 ||
		strcmp(schema, "cmig") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s.%s\" cannot be audited", schema,
						RelationGetRelationName(relation)),
				 errdetail("It belongs to the server's or pg_cmig's own catalog.")));
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("temporary table \"%s\" cannot be audited",
						RelationGetRelationName(relation))));
	return relation;
}

static Oid
trigger_function(void)
{
	return LookupFuncName(list_make2(makeString("cmig"), makeString("audit_trigger")),
						  0, NULL, false);
}

/* That of a table audited before pg_cmig came, InvalidOid if there is none. */
static Oid
scripted_function(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	/* the caller needs no right on the schema */
	return !OidIsValid(schema) ? InvalidOid :
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("write"),
						PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
}

/* The audit triggers of a relation; cloned: from a partitioned table above. */
static List *
read_triggers(Oid relation, bool *cloned)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid			function = trigger_function();
	Oid			scripted = scripted_function();
	List	   *triggers = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*cloned = false;
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while ((tuple = systable_getnext(scan)) != NULL)
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		AuditTrigger *trigger;
		StringInfoData args;
		bool		isnull;
		char	   *p;

		if (form->tgfoid != function && form->tgfoid != scripted)
			continue;
		if (OidIsValid(form->tgparentid))
		{
			*cloned |= form->tgfoid == function;
			continue;
		}
		trigger = palloc0(sizeof(AuditTrigger));
		trigger->scripted = form->tgfoid == scripted;
		trigger->name = pstrdup(NameStr(form->tgname));
		trigger->type = form->tgtype;
		trigger->enabled = form->tgenabled;
		(void) fastgetattr(tuple, Anum_pg_trigger_tgqual, RelationGetDescr(catalog), &isnull);
		trigger->narrowed = !isnull || form->tgattr.dim1 > 0;
		trigger->nargs = form->tgnargs;
		trigger->arg_values = palloc(sizeof(char *) * Max(1, form->tgnargs));
		initStringInfo(&args);
		p = VARDATA_ANY(DatumGetByteaPCopy(fastgetattr(tuple, Anum_pg_trigger_tgargs,
													   RelationGetDescr(catalog), &isnull)));
		for (int i = 0; i < form->tgnargs; i++)
		{
			trigger->arg_values[i] = p;
			appendStringInfo(&args, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(p));
			p += strlen(p) + 1;
		}
		trigger->args = args.data;
		triggers = lappend(triggers, trigger);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return triggers;
}

static CmigQuery is_subscribed = {
	"SELECT 1 FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = $1", 1, {OIDOID}
};

/* Does level auto mean row level for this table? */
static bool
needs_row_level(Relation relation, const CmigAuditOptions *options)
{
	Oid			oid = RelationGetRelid(relation);
	Datum		values[1] = {ObjectIdGetDatum(oid)};

	return relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
		relation->rd_rel->relispartition || options->replicated ||
		has_subclass(oid) || has_superclass(oid) ||
		cmig_query_run(&is_subscribed, values, NULL) > 0;
}

/*
 * The triggers that a table should have
 */

static AuditTrigger *
wanted_trigger(const char *name, int16 type, const char *events, const char *transition,
			   const char *table, const char *args, bool replicated)
{
	AuditTrigger *trigger = palloc0(sizeof(AuditTrigger));

	trigger->name = name;
	trigger->type = type;
	trigger->enabled = replicated ? TRIGGER_FIRES_ALWAYS : TRIGGER_FIRES_ON_ORIGIN;
	trigger->args = pstrdup(args);
	trigger->statement = psprintf("CREATE OR REPLACE TRIGGER %s AFTER %s ON %s%s%s FOR EACH %s EXECUTE FUNCTION cmig.audit_trigger(%s)",
								  name, events, table, transition[0] ? " REFERENCING " : "",
								  transition, (type & TRIGGER_TYPE_ROW) ? "ROW" : "STATEMENT",
								  args);
	return trigger;
}

/*
 * The row trigger of a partitioned table has a name of its own: it is cloned
 * to a table that is attached, which may have one for itself.
 */
static List *
wanted_triggers(const CmigAuditOptions *options, bool row_level, bool partitioned,
				const char *table)
{
	char	   *args = psprintf("'%d', %s", options->table_id,
								quote_literal_cstr(cmig_audit_options_text(options)));
	List	   *triggers = NIL;
	int			operations = options->operations;

	if (row_level && (operations & ~CMIG_AUDIT_TRUNCATE))
	{
		StringInfoData events;
		int16		type = TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER;
		static const char *const names[] = {"INSERT", "UPDATE", "DELETE"};
		static const int16 types[] = {TRIGGER_TYPE_INSERT, TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_DELETE};

		initStringInfo(&events);
		for (int i = 0; i < lengthof(names); i++)
		{
			if ((operations & (1 << i)) == 0)
				continue;
			appendStringInfo(&events, "%s%s", events.len > 0 ? " OR " : "", names[i]);
			type |= types[i];
		}
		triggers = lappend(triggers,
						   wanted_trigger(partitioned ? "cmig_audit_partition_row" : "cmig_audit_row",
										  type, events.data, "", table, args,
										  options->replicated));
	}
	if (!row_level && (operations & CMIG_AUDIT_INSERT))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_insert", TRIGGER_TYPE_INSERT, "INSERT",
										  "NEW TABLE AS cmig_new", table, args, false));
	if (!row_level && (operations & CMIG_AUDIT_UPDATE))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_update", TRIGGER_TYPE_UPDATE, "UPDATE",
										  "OLD TABLE AS cmig_old NEW TABLE AS cmig_new",
										  table, args, false));
	if (!row_level && (operations & CMIG_AUDIT_DELETE))
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_delete", TRIGGER_TYPE_DELETE, "DELETE",
										  "OLD TABLE AS cmig_old", table, args, false));
	if (operations & CMIG_AUDIT_TRUNCATE)
		triggers = lappend(triggers,
						   wanted_trigger("cmig_audit_truncate", TRIGGER_TYPE_TRUNCATE,
										  "TRUNCATE", "", table, args, options->replicated));
	return triggers;
}

static AuditTrigger *
find_trigger(List *triggers, const char *name)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		AuditTrigger *trigger = lfirst(lc);

		if (strcmp(trigger->name, name) == 0)
			return trigger;
	}
	return NULL;
}

/* CREATE OR REPLACE would silently end a trigger of the table's owner. */
static void
refuse_names_taken(Oid relation, List *have, List *want)
{
	ListCell   *lc;

	foreach(lc, want)
	{
		const char *name = ((AuditTrigger *) lfirst(lc))->name;

		if (find_trigger(have, name) == NULL && OidIsValid(get_trigger_oid(relation, name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" has a trigger \"%s\" that is not of pg_cmig",
							get_rel_name(relation), name),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO <another name>;", name,
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
														get_rel_name(relation)))));
	}
}

static void
run(List **statements, char *statement)
{
	cmig_audit_log_execute(statement);
	*statements = lappend(*statements, statement);
}

/* Make the triggers as wanted with as few statements as can be. */
static void
change_triggers(List *have, List *want, const char *table, List **statements)
{
	ListCell   *lc;

	foreach(lc, have)
	{
		AuditTrigger *trigger = lfirst(lc);

		if (find_trigger(want, trigger->name) == NULL)
			run(statements, psprintf("DROP TRIGGER %s ON %s",
									 quote_identifier(trigger->name), table));
	}
	foreach(lc, want)
	{
		AuditTrigger *trigger = lfirst(lc);
		AuditTrigger *old = find_trigger(have, trigger->name);
		char		enabled = old ? old->enabled : TRIGGER_FIRES_ON_ORIGIN;

		if (old == NULL || old->scripted || old->narrowed || old->type != trigger->type || strcmp(old->args, trigger->args) != 0)
		{
			run(statements, trigger->statement);
			enabled = TRIGGER_FIRES_ON_ORIGIN;
		}
		if (enabled != trigger->enabled)
			run(statements, psprintf("ALTER TABLE %s ENABLE %sTRIGGER %s", table,
									 trigger->enabled == TRIGGER_FIRES_ALWAYS ? "ALWAYS " : "",
									 trigger->name));
	}
	if (*statements)
		CommandCounterIncrement();
}

/*
 * Enabling
 */

static CmigQuery make_hash_key = {
	"INSERT INTO cmig.secret (name, value) VALUES ('audit',"
	" pg_catalog.decode(pg_catalog.replace(pg_catalog.gen_random_uuid()::text ||"
	" pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, '-', ''), 'hex'))"
	" ON CONFLICT DO NOTHING", 0
};

static void
ensure_hash_key(Oid extension_owner)
{
	CmigAuditRole saved;

	if (cmig_audit_table_hash_key(extension_owner))
		return;
	cmig_audit_log_become(&saved, extension_owner);
	cmig_audit_log_write(&make_hash_key, NULL);
	cmig_audit_log_return(&saved);
	CommandCounterIncrement();
}

/* The permanent id: that of the triggers, of an earlier audit, or a new one. */
static int32
choose_id(const CmigAuditOptions *options, Relation relation, Oid log_owner)
{
	CmigAuditRole saved;
	int32		id = options->table_id;

	if (id != 0)
		return id;
	cmig_audit_log_become(&saved, log_owner);
	id = cmig_audit_layout_find(RelationGetRelid(relation),
								get_namespace_name(RelationGetNamespace(relation)),
								RelationGetRelationName(relation));
	if (id == 0)
		id = cmig_audit_layout_new_id();
	cmig_audit_log_return(&saved);
	return id;
}

static CmigQuery trigger_holders = {
	"SELECT pg_catalog.string_agg(r.role, ', ' ORDER BY r.role) FROM (SELECT DISTINCT"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"  ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role"
	" FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a"
	" WHERE c.oid = $1 AND a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner) r",
	1, {OIDOID}
};

static void
take_roles(TupleDesc desc, HeapTuple row, void *arg)
{
	*(char **) arg = cmig_query_text(desc, row, 1);
}

/* CREATE OR REPLACE TRIGGER needs no more than the privilege TRIGGER. */
static void
warn_of_trigger_privilege(Oid relation, const char *table)
{
	Datum		values[1] = {ObjectIdGetDatum(relation)};
	char	   *roles = NULL;

	cmig_query_each(&trigger_holders, values, NULL, take_roles, &roles);
	if (roles)
		ereport(WARNING,
				(errmsg("roles beside the owner can turn off the audit of table %s", table),
				 errdetail("The privilege TRIGGER allows to replace triggers; it is held by %s.", roles),
				 errhint("REVOKE TRIGGER ON %s FROM %s;", table, roles)));
}

/*
 * Partitions
 */

static char *
name_of(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

static bool
logs_rows(const AuditTrigger *trigger)
{
	return (trigger->type & (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)) != 0;
}

/* Do the triggers log the rows of a statement, or each row? */
static bool
any_level(List *triggers, bool row_level)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		AuditTrigger *trigger = lfirst(lc);

		if (logs_rows(trigger) && ((trigger->type & TRIGGER_TYPE_ROW) != 0) == row_level)
			return true;
	}
	return false;
}

/*
 * Partitions that were audited for themselves.  Their triggers rest where
 * that of the partitioned table was cloned beside them (audit_trigger.c).
 */
static void
look_at_partitions(Oid target, bool row_level)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(target, ShareRowExclusiveLock, NULL))
	{
		Oid			partition = lfirst_oid(lc);
		bool		cloned;
		List	   *own = partition == target ? NIL : read_triggers(partition, &cloned);

		if (own == NIL)
			continue;
		/* triggers of one name, or row triggers that fire beside ours */
		if (get_rel_relkind(partition) == RELKIND_PARTITIONED_TABLE ||
			(!row_level && any_level(own, true)))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" has audit triggers of its own", get_rel_name(partition)),
					 errdetail("Its changes would be logged twice."),
					 errhint("SELECT * FROM cmig.disable_audit(%s) first; in one transaction nothing is missed.",
							 quote_literal_cstr(name_of(partition)))));
		if (row_level)
			ereport(WARNING,
					(errmsg("the audit triggers of partition \"%s\" rest as long as it is one",
							get_rel_name(partition)),
					 errdetail("Its changes are logged as those of \"%s\", with the options of that table.",
							   get_rel_name(target)),
					 errhint("SELECT * FROM cmig.disable_audit(%s) removes them.",
							 quote_literal_cstr(name_of(partition)))));
	}
}

/* The partitioned table above that logs statements, whose triggers are not cloned. */
static Oid
ancestor_at_statement_level(Relation relation)
{
	ListCell   *lc;

	if (!relation->rd_rel->relispartition)
		return InvalidOid;
	foreach(lc, get_partition_ancestors(RelationGetRelid(relation)))
	{
		bool		cloned;

		if (any_level(read_triggers(lfirst_oid(lc), &cloned), false))
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

static bool
choose_level(const CmigAuditOptions *options, Relation relation)
{
	Oid			ancestor = ancestor_at_statement_level(relation);

	if (OidIsValid(ancestor) && options->level == CMIG_AUDIT_LEVEL_ROW)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" cannot be audited at row level",
						RelationGetRelationName(relation)),
				 errdetail("\"%s\" is audited at statement level: what is written through it would be logged twice.",
						   get_rel_name(ancestor)),
				 errhint("Leave level at 'auto'.")));
	if (OidIsValid(ancestor) || options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		return false;
	return options->level == CMIG_AUDIT_LEVEL_ROW || needs_row_level(relation, options);
}

/* One call of enable_audit() or enable_audit_schema(). */
typedef struct Enabling
{
	FunctionCallInfo fcinfo;
	int			first_option;	/* number of the first argument that is one */
	bool		many;			/* columns need not be in all tables */
	List	   *met;			/* of CmigAuditName: hidden ones that were
								 * there */
	Oid			extension_owner;
	Oid			log_owner;
	List	   *statements;		/* of char *: what was run */
} Enabling;

/*
 * Make the log before any table is locked: a session that makes it may want
 * to change the table first.
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

/* What the table has so far, and in this call the arguments. */
static CmigAuditOptions *
options_of(const Enabling *enabling, List *triggers, Relation relation)
{
	CmigAuditOptions *options = NULL;
	ListCell   *lc;

	foreach(lc, triggers)
	{
		AuditTrigger *trigger = lfirst(lc);

		if (trigger->scripted)
		{
			if (lc == list_head(triggers))
				ereport(WARNING,
						(errmsg("the triggers that a script made on table \"%s\" are replaced",
								RelationGetRelationName(relation)),
						 errdetail("Their options are not taken over."),
						 errhint("Name the columns to hide in this call.")));
			continue;
		}
		options = cmig_audit_options_parse(trigger->nargs, trigger->arg_values);
		break;
	}
	if (options == NULL)
		options = cmig_audit_options_default();
	/* a list that is given takes the place of columns that may be gone */
	cmig_audit_arguments_read(enabling->fcinfo, enabling->first_option, options);
	cmig_audit_columns_resolve(options, RelationGetRelid(relation), enabling->extension_owner,
							   CMIG_AUDIT_CONFIRMING);
	return options;
}

static void
enable_one(Enabling *enabling, Oid target)
{
	Relation	relation = open_target(target, ShareRowExclusiveLock);
	char	   *table = name_of(target);
	bool		partitioned = relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	CmigAuditOptions *options;
	bool		cloned;
	List	   *want;
	List	   *have = read_triggers(target, &cloned);
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
							"Its changes happen on the servers that hold the shards: audit it there, or log them in the application.");
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

	/* the lock stays, but ALTER TABLE wants nobody to hold the table open */
	table_close(relation, NoLock);
	want = wanted_triggers(options, row_level, partitioned, table);
	refuse_names_taken(target, have, want);
	change_triggers(have, want, table, &enabling->statements);
	warn_of_trigger_privilege(target, table);

	/* Triggers are not inherited, so each child is audited for itself. */
	foreach(lc, children)
	{
		enable_one(enabling, lfirst_oid(lc));
	}
}

static Datum
return_statements(FunctionCallInfo fcinfo, List *statements)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	foreach(lc, statements)
	{
		Datum		values[1] = {CStringGetTextDatum(lfirst(lc))};
		bool		nulls[1] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static Oid
target_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the table must not be null")));
	if (get_rel_name(PG_GETARG_OID(n)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", PG_GETARG_OID(n))));
	return PG_GETARG_OID(n);
}

Datum
cmig_enable_audit(PG_FUNCTION_ARGS)
{
	Enabling	enabling;
	Oid			target = target_argument(fcinfo, 0);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_enabling(&enabling, fcinfo, 1, list_make1_oid(target));
	enable_one(&enabling, target);
	return return_statements(fcinfo, enabling.statements);
}

static CmigQuery tables_of_schema = {
	"SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
	" AND c.relname LIKE $2 ORDER BY c.relname",
	2, {OIDOID, TEXTOID}
};

static void
collect_oid(TupleDesc desc, HeapTuple row, void *arg)
{
	bool		isnull;

	*(List **) arg = lappend_oid(*(List **) arg,
								 DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull)));
}

Datum
cmig_enable_audit_schema(PG_FUNCTION_ARGS)
{
	Enabling	enabling;
	List	   *oids = NIL;
	Datum		values[2];
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("schema and pattern must not be null")));
	values[0] = ObjectIdGetDatum(get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false));
	values[1] = PG_GETARG_DATUM(1);
	cmig_query_each(&tables_of_schema, values, NULL, collect_oid, &oids);
	begin_enabling(&enabling, fcinfo, 2, oids);
	enabling.many = true;
	foreach(lc, oids)
	{
		enable_one(&enabling, lfirst_oid(lc));
	}
	if (oids)
		cmig_audit_arguments_require_met(fcinfo, 2, enabling.met,
										 text_to_cstring(PG_GETARG_TEXT_PP(0)));
	return return_statements(fcinfo, enabling.statements);
}

static void
disable_one(Oid target, List **statements)
{
	Relation	relation = open_target(target, ShareRowExclusiveLock);
	char	   *table = name_of(target);
	bool		cloned;
	List	   *children = NIL;
	ListCell   *lc;
	List	   *have = read_triggers(target, &cloned);

	if (cloned && have == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" is audited through its partitioned table",
						RelationGetRelationName(relation)),
				 errhint("Disable audit of the partitioned table, or detach the partition.")));
	if (relation->rd_rel->relkind == RELKIND_RELATION)
		children = find_inheritance_children(target, AccessShareLock);
	table_close(relation, NoLock);
	change_triggers(have, NIL, table, statements);
	foreach(lc, children)
	{
		disable_one(lfirst_oid(lc), statements);
	}
}

Datum
cmig_disable_audit(PG_FUNCTION_ARGS)
{
	List	   *statements = NIL;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	disable_one(target_argument(fcinfo, 0), &statements);
	return return_statements(fcinfo, statements);
}

Datum
cmig_audit_script(PG_FUNCTION_ARGS)
{
	Relation	relation = open_target(target_argument(fcinfo, 0), AccessShareLock);
	CmigAuditOptions *options = cmig_audit_options_default();
	char	   *script;

	cmig_audit_arguments_read(fcinfo, 1, options);
	cmig_audit_arguments_check(options, relation);
	script = cmig_audit_script_text(relation, options);
	table_close(relation, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(script));
}
