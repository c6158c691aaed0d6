/*
 * audit_install.c
 *	  Reads and changes the audit triggers of a table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_install.h"
#include "audit/audit_log.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/role.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Returns the OID of cmig.audit_trigger(). */
static Oid
trigger_function(void)
{
	return LookupFuncName(list_make2(makeString("cmig"), makeString("audit_trigger")),
						  0, NULL, false);
}

/*
 * Returns the trigger function that a script from audit_script() has created,
 * or InvalidOid if there is none.
 */
static Oid
scripted_function(void)
{
	Oid			schema = get_namespace_oid("cmig_audit", true);

	/* search the syscache, which does not require a privilege on the schema */
	return !OidIsValid(schema) ? InvalidOid :
		GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("write"),
						PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(schema));
}

List *
cmig_audit_install_read(Oid relation, bool *cloned)
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
		CmigAuditTrigger *trigger;
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
		trigger = palloc0(sizeof(CmigAuditTrigger));
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

/*
 * The triggers that a table should have
 */

/*
 * Returns a trigger that the table should have.  "events" and "transition" are
 * SQL, as in CREATE TRIGGER; "transition" can be "".
 */
static CmigAuditTrigger *
wanted_trigger(const char *name, int16 type, const char *events, const char *transition,
			   const char *table, const char *args, bool replicated)
{
	CmigAuditTrigger *trigger = palloc0(sizeof(CmigAuditTrigger));

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
 * The row-level triggers of partitioned tables and plain tables have different
 * names, because a partitioned table's trigger is cloned to its partitions,
 * which may have triggers of their own.
 */
List *
cmig_audit_install_wanted(const CmigAuditOptions *options, bool row_level, bool partitioned,
						  const char *table)
{
	char	   *args = psprintf("'%d', %s", options->table_id,
								quote_literal_cstr(cmig_audit_options_text(options, true)));
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

static CmigAuditTrigger *
find_trigger(List *triggers, const char *name)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if (strcmp(trigger->name, name) == 0)
			return trigger;
	}
	return NULL;
}

void
cmig_audit_install_refuse_taken(Oid relation, List *have, List *want)
{
	ListCell   *lc;

	foreach(lc, want)
	{
		const char *name = ((CmigAuditTrigger *) lfirst(lc))->name;

		if (find_trigger(have, name) == NULL && OidIsValid(get_trigger_oid(relation, name, true)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" already has a trigger \"%s\" that pg_cmig did not create",
							get_rel_name(relation), name),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO <another name>;", name,
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
														get_rel_name(relation)))));
	}
}

/* Run a statement and add it to the list. */
static void
run(List **statements, char *statement)
{
	cmig_audit_log_execute(statement);
	*statements = lappend(*statements, statement);
}

/*
 * Commands on partitioned tables
 *
 * When the server first needs a table's partition key, it evaluates functions
 * with constant arguments in the key, as the current user.  These functions
 * belong to the table's owner, so they must not run with the caller's
 * privileges.
 */

/*
 * If the table is partitioned, open it and its partitioned partitions, and read
 * their partition keys as their owners.  The server keeps the keys while the
 * tables are open.  Settings that the functions change do not remain in the
 * session.
 */
static List *
hold_partition_keys(Oid table)
{
	List	   *held = NIL;
	ListCell   *lc;

	if (get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	/* CREATE TRIGGER takes the same locks */
	foreach(lc, find_all_inheritors(table, ShareRowExclusiveLock, NULL))
	{
		Relation	relation = table_open(lfirst_oid(lc), NoLock);
		CmigRole	saved;
		int			guc_level;

		if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		{
			table_close(relation, NoLock);
			continue;
		}
		guc_level = NewGUCNestLevel();
		cmig_role_act_as(&saved, relation->rd_rel->relowner);
		(void) RelationGetPartitionKey(relation);
		cmig_role_return(&saved);
		AtEOXact_GUC(false, guc_level);
		held = lappend(held, relation);
	}
	return held;
}

/* Close the tables that hold_partition_keys() has opened. */
static void
release_partition_keys(List *held)
{
	ListCell   *lc;

	foreach(lc, held)
	{
		table_close((Relation) lfirst(lc), NoLock);
	}
}

/* Create a trigger of the table. */
static void
create_trigger(Oid relation, CmigAuditTrigger *trigger, List **statements)
{
	List	   *held = hold_partition_keys(relation);

	run(statements, trigger->statement);
	release_partition_keys(held);
}

/*
 * Run ALTER TABLE.  For a partitioned table, it runs as the table's owner,
 * because ALTER TABLE fails if hold_partition_keys() keeps the table open.
 */
static void
alter_table(Oid relation, char *statement, List **statements)
{
	bool		as_owner = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE &&
	cmig_owns_relation_compat(relation, GetUserId());
	CmigRole	saved;

	if (as_owner)
		cmig_role_act_as(&saved, cmig_role_owner_of(relation));
	run(statements, statement);
	if (as_owner)
		cmig_role_return(&saved);
}

void
cmig_audit_install_change(Oid relation, List *have, List *want, const char *table, List **statements)
{
	ListCell   *lc;

	foreach(lc, have)
	{
		CmigAuditTrigger *trigger = lfirst(lc);

		if (find_trigger(want, trigger->name) == NULL)
			run(statements, psprintf("DROP TRIGGER %s ON %s",
									 quote_identifier(trigger->name), table));
	}
	foreach(lc, want)
	{
		CmigAuditTrigger *trigger = lfirst(lc);
		CmigAuditTrigger *old = find_trigger(have, trigger->name);
		char		enabled = old ? old->enabled : TRIGGER_FIRES_ON_ORIGIN;

		if (old == NULL || old->scripted || old->narrowed || old->type != trigger->type || strcmp(old->args, trigger->args) != 0)
		{
			create_trigger(relation, trigger, statements);
			enabled = TRIGGER_FIRES_ON_ORIGIN;
		}
		if (enabled != trigger->enabled)
			alter_table(relation,
						psprintf("ALTER TABLE %s ENABLE %sTRIGGER %s", table,
								 trigger->enabled == TRIGGER_FIRES_ALWAYS ? "ALWAYS " : "",
								 trigger->name),
						statements);
	}
	if (*statements)
		CommandCounterIncrement();
}
