/*
 * enable.c
 *	  cmig.enable_audit and similar functions, and the triggers of a table.
 *
 * Enabling the audit of a table only adds triggers to the table, so disabling
 * the audit leaves the table as it was before.  Triggers are created with the
 * privileges of the caller, who must own the table; log.c creates the log as
 * the extension's owner.
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
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"

#include "audit/internal.h"
#include "run/run.h"
#include "store/store.h"

PG_FUNCTION_INFO_V1(cmig_enable_audit);
PG_FUNCTION_INFO_V1(cmig_enable_audit_schema);
PG_FUNCTION_INFO_V1(cmig_disable_audit);
PG_FUNCTION_INFO_V1(cmig_audit_script);
PG_FUNCTION_INFO_V1(cmig_audit_status);

void
cmig_audit_init(void)
{
	static bool skip = false;

	/*
	 * cmig.audit_skip turns logging off for bulk loads.  Only superusers and
	 * roles to which they have granted the privilege can set it.  One entry
	 * for each transaction and table records that the setting was used.  The
	 * audit trigger reads it by its name.
	 */
	DefineCustomBoolVariable(cmig_settings_name("cmig.audit_skip"),
							 "Turns off logging of changes to audited tables.",
							 "For each table, one entry with operation SKIP is logged in each transaction.",
							 &skip, false, PGC_SUSET, 0, NULL, NULL, NULL);
}

/* The operations that change rows, as bits of pg_trigger.tgtype. */
#define ROW_CHANGES (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* A trigger that a table has or should have. */
typedef struct AuditTrigger
{
	const char *name;
	bool		scripted;		/* was it created by a script from
								 * audit_script()? */
	bool		narrowed;		/* does it have WHEN or UPDATE OF, which
								 * pg_cmig never uses? */
	int16		type;			/* as pg_trigger.tgtype */
	char		enabled;		/* as pg_trigger.tgenabled */
	char	   *args;			/* the arguments, as written in CREATE TRIGGER */
	char	   *statement;		/* for a trigger that the table should have:
								 * the statement that creates it */
	int			nargs;
	char	  **arg_values;
} AuditTrigger;

/*
 * A relation's triggers that call the function of pg_cmig, or one of a script.
 * The arguments follow the number of the arguments as they are, and quoted.
 */
static CmigQuery triggers_of = {
	"SELECT t.tgname, CASE WHEN n.nspname <> 'cmig' THEN 'yes' END, CASE WHEN t.tgqual IS NOT NULL"
	" OR t.tgattr::text <> '' THEN 'yes' END,"
	" t.tgtype, t.tgenabled, CASE WHEN t.tgparentid <> 0"
	" THEN 'yes' END, t.tgnargs, a.quoted, a.args[1], a.args[2]"
	" FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid AND p.pronargs = 0"
	" JOIN pg_namespace n ON n.oid = p.pronamespace,"
	" LATERAL (SELECT array_agg(v.v ORDER BY s.n) AS args, coalesce(string_agg(quote_literal(v.v), ', ' ORDER BY s.n), '') AS quoted"
	"  FROM regexp_matches(encode(t.tgargs, 'escape'), '((?:[^\\\\]|\\\\\\\\|\\\\[23]..)*)\\\\000', 'g') WITH ORDINALITY s(s, n),"
	"  LATERAL (SELECT convert_from(decode(s.s[1], 'escape'), getdatabaseencoding())) v(v)) a"
	" WHERE t.tgrelid = $1 AND (" CMIG_AUDIT_IS_TRIGGER " OR " CMIG_AUDIT_IS_SCRIPT " AND t.tgparentid = 0)"
	" ORDER BY t.tgname",
	{OIDOID}
};

/* What read_triggers() finds. */
typedef struct Reading
{
	Oid			relation;
	List	   *triggers;
	bool		cloned;
} Reading;

static void
read_now(void *arg)
{
	Reading    *reading = arg;

	foreach_ptr(CmigValue, row, cmig_query_list(&triggers_of, reading->relation))
	{
		AuditTrigger *trigger = palloc0(sizeof(AuditTrigger));

		reading->cloned |= row[5] != NULL;
		if (row[5])
			continue;
		trigger->name = row[0];
		trigger->scripted = row[1] != NULL;
		trigger->narrowed = row[2] != NULL;
		trigger->type = atoi(row[3]);
		trigger->enabled = row[4][0];
		trigger->nargs = atoi(row[6]);
		trigger->args = row[7];
		trigger->arg_values = &row[8];
		reading->triggers = lappend(reading->triggers, trigger);
	}
}

/*
 * Returns a relation's audit triggers as a list of AuditTrigger, as they are
 * now, whatever the transaction's snapshot is.  *cloned is set to true if the
 * relation has a trigger that was cloned from a partitioned table; such
 * triggers are not in the list.
 */
static List *
read_triggers(Oid relation, bool *cloned)
{
	Reading		reading = {relation};

	cmig_query_at_once(true, read_now, &reading);
	*cloned = reading.cloned;
	return reading.triggers;
}

/*
 * Returns the triggers that a table with these options should have.  If
 * "row_level" is true, the trigger for INSERT, UPDATE, and DELETE fires for
 * each row.  All other triggers fire for each statement.
 *
 * The row-level triggers of partitioned tables and plain tables have different
 * names, because a partitioned table's trigger is cloned to its partitions,
 * which may have triggers of their own.
 */
static List *
wanted_triggers(const CmigAuditOptions *options, bool row_level, bool partitioned,
				const char *table)
{
	static const struct
	{
		const char *name;
		int			operation;
		int16		type;
		const char *event;
		const char *transition;
	}			kinds[] = {
		{"cmig_audit_insert", CMIG_AUDIT_INSERT, TRIGGER_TYPE_INSERT, "INSERT",
		" REFERENCING NEW TABLE AS cmig_new"},
		{"cmig_audit_update", CMIG_AUDIT_UPDATE, TRIGGER_TYPE_UPDATE, "UPDATE",
		" REFERENCING OLD TABLE AS cmig_old NEW TABLE AS cmig_new"},
		{"cmig_audit_delete", CMIG_AUDIT_DELETE, TRIGGER_TYPE_DELETE, "DELETE",
		" REFERENCING OLD TABLE AS cmig_old"},
		{"cmig_audit_truncate", CMIG_AUDIT_TRUNCATE, TRIGGER_TYPE_TRUNCATE, "TRUNCATE", ""}
	};
	char	   *args = psprintf("'%d', %s", options->table_id,
								quote_literal_cstr(cmig_audit_options_text(options, true)));
	List	   *triggers = NIL;
	AuditTrigger *row = NULL;
	char	   *events = NULL;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		bool		for_row = row_level && kinds[i].operation != CMIG_AUDIT_TRUNCATE;
		AuditTrigger *trigger = for_row ? row : NULL;

		if ((options->operations & kinds[i].operation) == 0)
			continue;
		if (trigger == NULL)
		{
			trigger = palloc0(sizeof(AuditTrigger));
			trigger->name = !for_row ? kinds[i].name : partitioned ? "cmig_audit_partition_row" :
				"cmig_audit_row";
			trigger->enabled = options->replicated &&
				(for_row || kinds[i].operation == CMIG_AUDIT_TRUNCATE) ?
				TRIGGER_FIRES_ALWAYS : TRIGGER_FIRES_ON_ORIGIN;
			trigger->args = args;
			triggers = lappend(triggers, trigger);
		}
		if (for_row)
		{
			events = row ? psprintf("%s OR %s", events, kinds[i].event) : pstrdup(kinds[i].event);
			trigger->type |= TRIGGER_TYPE_ROW;
			row = trigger;
		}
		trigger->type |= kinds[i].type;
		trigger->statement =
			psprintf("CREATE OR REPLACE TRIGGER %s AFTER %s ON %s%s FOR EACH %s EXECUTE FUNCTION cmig.audit_trigger(%s)",
					 trigger->name, for_row ? events : kinds[i].event, table,
					 for_row ? "" : kinds[i].transition,
					 for_row ? "ROW" : "STATEMENT",
					 args);
	}
	return triggers;
}

static AuditTrigger *
find_trigger(List *triggers, const char *name)
{
	foreach_ptr(AuditTrigger, trigger, triggers)
	{
		if (strcmp(trigger->name, name) == 0)
			return trigger;
	}
	return NULL;
}

/* Run a statement that names the table, and add it to the list. */
static void
run(List **statements, Oid table, char *statement)
{
	cmig_query_command(statement, table);
	*statements = lappend(*statements, statement);
}

/*
 * If the table is partitioned, open it and its partitioned partitions, and read
 * their partition keys as their owners.  When the server first needs a
 * partition key, it evaluates functions with constant arguments in the key, as
 * the current user.  These functions belong to the table's owner, so they must
 * not run with the caller's privileges.  The server keeps the keys while the
 * tables are open.  Settings that the functions change do not remain in the
 * session.
 */
static List *
hold_partition_keys(Oid table)
{
	List	   *held = NIL;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	/* CREATE TRIGGER takes the same locks */
	foreach_oid(oid, cmig_inheritors(table, ShareRowExclusiveLock))
	{
		Relation	relation = table_open(oid, NoLock);
		CmigRole	saved;

		if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		{
			table_close(relation, NoLock);
			continue;
		}
		cmig_role_act_as(&saved, relation->rd_rel->relowner);
		(void) RelationGetPartitionKey(relation);
		cmig_role_return(&saved);
		held = lappend(held, relation);
	}
	return held;
}

/*
 * Change the relation's existing triggers to the wanted ones with as few
 * statements as possible, and add the statements to *statements.  Raises an
 * error if a trigger that pg_cmig did not create has the name of a wanted
 * trigger, because CREATE OR REPLACE would silently replace it.
 */
static void
change_triggers(Oid relation, List *have, List *want, const char *table, List **statements)
{
	bool		partitioned = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE;

	foreach_ptr(AuditTrigger, each, want)
	{
		const char *name = each->name;

		if (find_trigger(have, name) == NULL && OidIsValid(get_trigger_oid(relation, name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" already has a trigger \"%s\" that pg_cmig did not create",
							get_rel_name(relation), name),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO <another name>;", name, table)));
	}
	foreach_ptr(AuditTrigger, trigger, have)
	{
		if (find_trigger(want, trigger->name) == NULL)
			run(statements, relation, psprintf("DROP TRIGGER %s ON %s",
											   quote_identifier(trigger->name), table));
	}
	foreach_ptr(AuditTrigger, trigger, want)
	{
		AuditTrigger *old = find_trigger(have, trigger->name);
		char		enabled = old ? old->enabled : TRIGGER_FIRES_ON_ORIGIN;
		bool		as_owner;
		CmigRole	saved;
		ListCell   *held_cell;

		if (old == NULL || old->scripted || old->narrowed || old->type != trigger->type ||
			strcmp(old->args, trigger->args) != 0)
		{
			List	   *held = hold_partition_keys(relation);

			run(statements, relation, trigger->statement);
			foreach(held_cell, held)
				table_close((Relation) lfirst(held_cell), NoLock);
			enabled = TRIGGER_FIRES_ON_ORIGIN;
		}
		if (enabled == trigger->enabled)
			continue;

		/*
		 * for a partitioned table, ALTER TABLE runs as the table's owner,
		 * because it fails if hold_partition_keys() keeps the table open
		 */
		as_owner = partitioned && cmig_owns_compat(RelationRelationId, relation, GetUserId());
		if (as_owner)
			cmig_role_act_as(&saved, cmig_role_owner_of(relation));
		run(statements, relation, psprintf("ALTER TABLE %s ENABLE %sTRIGGER %s", table,
										   trigger->enabled == TRIGGER_FIRES_ALWAYS ? "ALWAYS " :
										   "",
										   trigger->name));
		if (as_owner)
			cmig_role_return(&saved);
	}
	if (*statements)
		CommandCounterIncrement();
}

/* Raise an error unless the caller owns the table, as ALTER TABLE does. */
static void
require_owner(Oid target)
{
	if (!cmig_owns_compat(RelationRelationId, target, GetUserId()))
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
	if (mode != AccessShareLock)
		cmig_query_hold(target, mode);
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
	"SELECT 1 FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid = $1", {OIDOID}
};

/* Creates the secret key with which hashed columns are hashed. */
static CmigQuery make_hash_key = {
	.sql = "INSERT INTO cmig.secret (name, value) VALUES ('audit', decode(replace(gen_random_uuid()::text ||"
	" gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')) ON CONFLICT DO NOTHING"
};

/*
 * A list of the roles, other than the owner, that have the TRIGGER privilege
 * on a table.
 */
static CmigQuery trigger_holders = {
	"SELECT pg_catalog.string_agg(r.role, ', ' ORDER BY r.role) FROM (SELECT DISTINCT"
	" CASE WHEN a.grantee = 0 THEN 'PUBLIC'"
	"  ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS role"
	" FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a"
	" WHERE c.oid = $1 AND a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner) r",
	{OIDOID}
};

/* Returns true if any of the triggers logs row changes at the given level. */
static bool
any_level(List *triggers, bool row_level)
{
	foreach_ptr(AuditTrigger, trigger, triggers)
	{
		int16		type = trigger->type;

		if ((type & ROW_CHANGES) != 0 && ((type & TRIGGER_TYPE_ROW) != 0) == row_level)
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
	foreach_oid(partition, cmig_inheritors(target, ShareRowExclusiveLock))
	{
		bool		cloned;
		List	   *own = partition == target ? NIL : read_triggers(partition, &cloned);

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
	List	   *ancestors = relation->rd_rel->relispartition ? get_partition_ancestors(oid) : NIL;

	foreach_oid(ancestor, ancestors)
	{
		bool		cloned;

		if (!any_level(read_triggers(ancestor, &cloned), false))
			continue;
		if (options->level == CMIG_AUDIT_LEVEL_ROW)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition \"%s\" cannot be audited at row level",
							RelationGetRelationName(relation)),
					 errdetail("Table \"%s\" is audited at statement level. Changes made through it would be logged twice.",
							   get_rel_name(ancestor)),
					 errhint("Use level => 'auto'")));
		return false;
	}
	if (options->level != CMIG_AUDIT_LEVEL_AUTO)
		return options->level == CMIG_AUDIT_LEVEL_ROW;
	return relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
		relation->rd_rel->relispartition || options->replicated ||
		has_subclass(oid) || has_superclass(oid) ||
		cmig_query_do(&is_subscribed, oid) > 0;
}

/* One call of enable_audit() or enable_audit_schema(). */
typedef struct Enabling
{
	FunctionCallInfo fcinfo;
	int			first_option;	/* number of the first option argument */
	bool		many;			/* does the call audit several tables, so that
								 * columns named in an option may be missing
								 * in some of them? */
	List	   *met;			/* of char *: the columns to hide that exist
								 * in at least one table */
	Oid			extension_owner;
	Oid			log_owner;
	char	   *stray_ids;		/* for cmig_audit_layout_new_id() */
	List	   *statements;		/* of char *: the statements that were run */
} Enabling;

/*
 * Create the log, and lock the tables.  Another session that is creating the log
 * may have to lock a table first.
 */
static void
begin_enabling(Enabling *enabling, List *targets)
{
	bool		written = TransactionIdIsValid(GetTopTransactionIdIfAny());

	foreach_oid(target, targets)
		require_owner(target);
	enabling->extension_owner = cmig_audit_log_extension_owner();
	if (targets == NIL)
		return;
	enabling->log_owner = cmig_audit_log_make(enabling->extension_owner);
	cmig_lock_wait_together(targets, ShareRowExclusiveLock, written);
}

/*
 * Create the log's partitions, and return the statements.  The partitions come
 * after the tables are locked: who writes to one locks it before the log.
 */
static void
end_enabling(const Enabling *enabling)
{
	if (OidIsValid(enabling->log_owner))
		cmig_audit_retain_ahead(enabling->log_owner, 3);
	cmig_result_add_texts(enabling->fcinfo, enabling->statements);
}

/* Returns the table's current options, with the changes in the arguments. */
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
	cmig_audit_options_read(enabling->fcinfo, enabling->first_option, options);
	cmig_audit_columns_resolve(options, RelationGetRelid(relation), enabling->extension_owner,
							   CMIG_AUDIT_CONFIRMING, NULL);
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
	List	   *have = read_triggers(target, &cloned);
	List	   *children = NIL;
	bool		row_level;
	CmigRole	saved;
	int			guc_level;
	char	   *roles;

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
		cmig_audit_options_fit(options, relation, &enabling->met);
	cmig_audit_options_check(options, relation);

	if (options->hash && cmig_audit_log_hash_key(enabling->extension_owner) == NULL)
	{
		cmig_role_act_as_owner(&saved, cmig_audit_log_reader(enabling->extension_owner));
		guc_level = cmig_audit_log_silence();
		cmig_query_do(&make_hash_key);
		AtEOXact_GUC(false, guc_level);
		cmig_role_return(&saved);
		CommandCounterIncrement();
	}

	/*
	 * the table's permanent id: the id in its triggers, the id from an
	 * earlier audit, or a new id
	 */
	cmig_role_act_as_owner(&saved, enabling->log_owner);
	if (options->table_id == 0)
		options->table_id = cmig_audit_layout_find(target,
												   get_namespace_name(RelationGetNamespace(relation)),
												   RelationGetRelationName(relation));
	if (options->table_id == 0)
		options->table_id = cmig_audit_layout_new_id(&enabling->stray_ids);
	cmig_role_return(&saved);
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
	change_triggers(target, have, wanted_triggers(options, row_level, partitioned, table), table,
					&enabling->statements);
	roles = cmig_query_value(&trigger_holders, target);
	if (roles)
		ereport(WARNING,
				(errmsg("roles other than the owner can turn off auditing of table %s", table),
				 errdetail("The TRIGGER privilege, which allows replacing triggers, is held by %s.",
						   roles),
				 errhint("REVOKE TRIGGER ON %s FROM %s;", table, roles)));

	/* triggers are not inherited, so each child has its own */
	foreach_oid(child, children)
		enable_one(enabling, child);
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
	Enabling	enabling = {fcinfo, 1, false};
	Oid			target = target_argument(fcinfo, "SELECT * FROM cmig.enable_audit('<table>')");

	cmig_require_writable("cmig.enable_audit()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	begin_enabling(&enabling, list_make1_oid(target));
	enable_one(&enabling, target);
	end_enabling(&enabling);
	return (Datum) 0;
}

/*
 * The tables in a schema whose names match a LIKE pattern, without partitions.
 */
static CmigQuery tables_of_schema = {
	"SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = $1"
	" AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'"
	" AND c.relname LIKE $2 ORDER BY c.relname",
	{OIDOID, TEXTOID}
};

CMIG_READER(cmig_enable_audit_schema)
{
	Enabling	enabling = {fcinfo, 2, true};
	CmigAuditOptions *options = cmig_audit_options_default();
	List	   *oids;

	cmig_require_writable("cmig.enable_audit_schema()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("schema and pattern must not be null"),
				 errhint("SELECT * FROM cmig.enable_audit_schema('<schema>')")));
	oids = cmig_query_oids(&tables_of_schema,
						   get_namespace_oid(text_to_cstring(PG_GETARG_TEXT_PP(0)), false),
						   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	begin_enabling(&enabling, oids);
	foreach_oid(oid, oids)
		enable_one(&enabling, oid);
	/* a column to hide must exist in at least one of the tables */
	cmig_audit_options_read(fcinfo, 2, options);
	foreach_ptr(CmigAuditName, each,
				list_concat(list_concat(options->exclude, options->redact), options->hash))
	{
		char	   *name = each->name;

		if (oids && !cmig_text_list_has(enabling.met, name))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("no table in schema \"%s\" has a column \"%s\"",
							text_to_cstring(PG_GETARG_TEXT_PP(0)), name),
					 errdetail("The call excludes, redacts, or hashes that column.")));
	}
	end_enabling(&enabling);
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
	List	   *have = read_triggers(target, &cloned);

	if (cloned && have == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("partition \"%s\" is audited through its partitioned table",
						RelationGetRelationName(relation)),
				 errhint("Disable auditing of the partitioned table, or detach the partition.")));
	if (relation->rd_rel->relkind == RELKIND_RELATION)
		children = find_inheritance_children(target, AccessShareLock);
	table_close(relation, NoLock);
	change_triggers(target, have, NIL, table, statements);
	foreach_oid(child, children)
		disable_one(child, statements);
}

CMIG_READER(cmig_disable_audit)
{
	List	   *statements = NIL;
	Oid			target = target_argument(fcinfo, "SELECT * FROM cmig.disable_audit('<table>')");

	cmig_require_writable("cmig.disable_audit()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	require_owner(target);
	cmig_lock_wait_together(list_make1_oid(target), ShareRowExclusiveLock,
							TransactionIdIsValid(GetTopTransactionIdIfAny()));
	disable_one(target, &statements);
	cmig_result_add_texts(fcinfo, statements);
	return (Datum) 0;
}

/*
 * The script creates the same log as pg_cmig, and a trigger in PL/pgSQL.  If
 * pg_cmig is installed later, enable_audit() continues with the log and the
 * table's id.
 */
CMIG_READER(cmig_audit_script)
{
	Relation	relation = open_target(target_argument(fcinfo,
													   "SELECT cmig.audit_script('<table>')"),
									   AccessShareLock);
	CmigAuditOptions *options = cmig_audit_options_default();

	cmig_audit_options_read(fcinfo, 1, options);
	cmig_audit_options_check(options, relation);
	if (options->hash)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an audit script cannot hash columns"),
				 errdetail("The script would have to contain the key."),
				 errhint("Redact or exclude the columns.")));
	if (options->level == CMIG_AUDIT_LEVEL_STATEMENT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a script can create only row-level triggers")));
	table_close(relation, AccessShareLock);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("-- Audit without pg_cmig. Run this script as the role that will own the log. The role must be allowed to create triggers on the table.\n"
											  "SET cmig_audit.target = %s;\nSET cmig_audit.options = %s;\n%s",
											  quote_literal_cstr(cmig_query_relation_name(PG_GETARG_OID(0))),
											  quote_literal_cstr(cmig_audit_options_text(options, false)),
											  cmig_audit_log_text("script"))));
}

/*
 * audit_status()
 *
 * All information is read from the triggers, so it is correct regardless of who
 * created them.
 */

static CmigQuery read_status = {
	"SELECT s.target, s.table_id, s.level, s.operations, s.options, s.problem, s.argument, s.relation"
	" FROM cmig.audit_triggers s WHERE s.schema = $1 OR $1 IS NULL AND s.schema !~ '^pg_'"
	" AND s.schema NOT IN ('information_schema', 'cmig', 'cmig_audit') ORDER BY s.schema, s.name",
	{TEXTOID},.latest = true
};

/* A row of the query; the first six columns are the result's. */
typedef struct Status
{
	char	   *target;
	char	   *table_id;
	char	   *level;
	char	   *operations;
	char	   *options;
	char	   *problem;
	char	   *argument;		/* second argument of the table's triggers;
								 * NULL: none */
	char	   *relation;
	bool		unrecorded;		/* does it have triggers of an expansion that
								 * is not recorded? */
} Status;

/* Add a problem to the table's problems. */
static void
add_problem(Status *status, const char *problem)
{
	status->problem = status->problem ? psprintf("%s; %s", problem, status->problem) :
		pstrdup(problem);
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
	Status	   *status = arg;
	char	   *args[2] = {status->table_id, status->argument};
	Oid			table = atooid(status->relation);
	CmigAuditOptions *options = cmig_audit_options_parse(2, args);
	int			count = cmig_audit_options_columns(options);
	Relation	relation;
	StringInfoData hidden;
	StringInfoData left_out;
	StringInfoData problems;

	initStringInfo(&hidden);
	initStringInfo(&left_out);
	initStringInfo(&problems);
	if (count > 0)
		cmig_audit_columns_resolve(options, table, cmig_audit_log_extension_owner(),
								   CMIG_AUDIT_READING, &problems);
	relation = ConditionalLockRelationOid(table, AccessShareLock) ? try_table_open(table, NoLock) :
		NULL;
	if (relation)
	{
		foreach_int(number, cmig_audit_row_hidden(relation))
		{
			const char *name = NameStr(TupleDescAttr(RelationGetDescr(relation),
													 number - 1)->attname);

			/* a recorded expansion hides only what it has added */
			if (status->unrecorded || (strcmp(name, CMIG_STATE_COLUMN) != 0 &&
									   strncmp(name, CMIG_HIDDEN_PREFIX,
											   strlen(CMIG_HIDDEN_PREFIX)) != 0))
				appendStringInfo(&left_out, "%s%s", left_out.len > 0 ? ", " : "",
								 quote_identifier(name));
		}
		foreach_ptr(char, name, cmig_audit_layout_key(relation, NULL))
		{
			if (cmig_audit_options_has(options->exclude, name) ||
				cmig_audit_options_has(options->redact, name) ||
				cmig_audit_options_has(options->hash, name))
				appendStringInfo(&hidden, "%s%s", hidden.len > 0 ? ", " : "",
								 quote_identifier(name));
		}
		table_close(relation, AccessShareLock);
	}
	if (problems.len > 0 || cmig_audit_options_columns(options) != count)
		options = cmig_audit_options_parse(2, args);
	if (count > 0)
		status->options = cmig_audit_options_text(options, false);
	if (left_out.len > 0)
		add_problem(status,
					psprintf("columns that the triggers of an expansion keep out of the log: %s",
							 left_out.data));
	if (hidden.len > 0)
		add_problem(status, psprintf("hidden columns that are part of the key: %s", hidden.data));
	if (options->hash && cmig_audit_log_hash_key(cmig_audit_log_extension_owner()) == NULL)
		add_problem(status,
					"rows cannot be written until cmig.enable_audit is called to create a key for hashed columns, or the old key is restored");
	if (problems.len > 0)
		add_problem(status,
					psprintf("rows cannot be written until cmig.enable_audit is called to correct the column lists: %s", problems.data));
}

CMIG_READER(cmig_audit_status)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			extension_owner = cmig_audit_log_extension_owner();
	CmigAuditLogFault *fault = cmig_audit_log_fault_now(extension_owner);
	List	   *rows;
	List	   *orphans;
	char		null = ' ';
	Datum		schema;
	CmigRole	saved;

	InitMaterializedSRF(fcinfo, 0);
	schema = cmig_argument_schema(fcinfo, 0, &null);
	cmig_role_act_as_owner(&saved, cmig_audit_log_reader(extension_owner));
	rows = cmig_query_list(&read_status, null == ' ' ? TextDatumGetCString(schema) : NULL);
	cmig_role_return(&saved);
	orphans = cmig_expansion_orphans();
	foreach_ptr(Status, each, rows)
	{
		Status		copy = {0};
		Status	   *status = &copy;
		ErrorData  *error;
		char	   *problem;

		memcpy(status, each, offsetof(Status, unrecorded));
		foreach_ptr(CmigValue, orphan, orphans)
			status->unrecorded |= strcmp(orphan[1], psprintf("table %s", status->target)) == 0;
		error = status->argument && status->table_id ?
			cmig_subtransaction_try(try_columns, status) : NULL;

		/*
		 * An error is shown as a problem, because somebody may have written
		 * the trigger's arguments by hand, or dropped the table or the log.
		 * If the log is missing, this is the log's own problem, which is
		 * reported below.
		 */
		if (error && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		problem = error == NULL ? NULL :
			error->sqlerrcode == ERRCODE_INVALID_TEXT_REPRESENTATION ?
			"the arguments of its triggers could not be parsed" : error->message;
		if (problem && !(fault && strcmp(problem, fault->problem) == 0))
			add_problem(status, problem);
		if (status->level && cmig_citus_manages(atooid(status->relation)))
			add_problem(status, "managed by Citus: changes are logged with the name of the table's shard, and TRUNCATE fails");
		if (fault && status->level)
			add_problem(status, psprintf("writes fail: %s (%s)", fault->problem, fault->fix));
		cmig_result_add_strings(result, offsetof(Status, argument) / sizeof(char *),
								(const char *const *) status);
	}
	return (Datum) 0;
}

/* Returns a row if any table has an audit trigger. */
static CmigQuery any_trigger = {
	.sql = "SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
	" JOIN pg_namespace n ON n.oid = p.pronamespace WHERE " CMIG_AUDIT_IS_TRIGGER " LIMIT 1"
};

/*
 * Returns the reason why the log cannot be used.  Returns NULL if the log can
 * be used, or if there is no log and no table is audited.  *refused is set to
 * true if tables are audited and writing to them fails.
 */
CmigAuditLogFault *
cmig_audit_status_fault(bool *refused)
{
	CmigAuditLogFault *fault = cmig_audit_log_fault_now(cmig_audit_log_extension_owner());

	*refused = fault && cmig_query_do(&any_trigger) > 0;
	return fault && fault->missing && !*refused ? NULL : fault;
}

/* Without the key, each write of a table with hashed columns fails. */
static CmigQuery unkeyed = {
	.sql = "SELECT 'error', 'cmig.secret',"
	" 'it has no key for hashed columns, without which these audited tables cannot be written: ' ||"
	" string_agg(s.target, ', ' ORDER BY s.target COLLATE \"C\"),"
	" format('Restore the old key, or create a key, whose hashes cannot be compared with the old"
	" hashes: SELECT * FROM cmig.enable_audit(%L)',"
	" min(s.target COLLATE \"C\"))"
	" FROM cmig.audit_triggers s WHERE s.level IS NOT NULL AND s.options LIKE '%\"hash\": {%'"
	" AND NOT EXISTS (SELECT FROM cmig.secret k WHERE k.name::text = 'audit')"
	" HAVING count(*) > 0",.latest = true
};

/* Returns a row with the columns of cmig.check() if the key for hashed columns is missing. */
List *
cmig_audit_status_unkeyed(void)
{
	CmigRole	saved;
	List	   *rows;

	cmig_role_act_as_owner(&saved, cmig_audit_log_reader(cmig_audit_log_extension_owner()));
	rows = cmig_query_list(&unkeyed);
	cmig_role_return(&saved);
	return rows;
}
