/*
 * plain.c
 *	  Checks that pg_cmig's tables are still plain tables, and reads them.
 *
 * A superuser could replace a table with a view, or give it a rule, a policy,
 * or a child table.  A query would then execute the view or the rule, or return
 * rows other than those in the table.  Triggers do not affect reads and are
 * allowed.
 *
 * The check does not lock any table, so a session that is altering one of the
 * tables does not block sessions that need only other tables.  The query that
 * follows the check locks the tables that it reads.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_rewrite.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/base.h"

static const char *const names[] = {"revision", "version", "journal", "progress", "backfill_run", "ddl_log",
"scope_version", "run_control", "expansion_run", "expansion_step", "measured", "secret", "workload"};

static Oid	tables[lengthof(names)];	/* OIDs from the last lookup, in the
										 * order of "names" */
static uint64 changes = 1;		/* number of events that may have altered the
								 * tables */
static uint64 checked[lengthof(names)]; /* value of "changes" when the table
										 * last passed the check */

/*
 * A relcache callback.  "relation" is InvalidOid if any table may have
 * changed.
 */
static void
table_changed(Datum arg, Oid relation)
{
	for (int i = 0; i < lengthof(names); i++)
	{
		if (!OidIsValid(relation) || tables[i] == relation)
		{
			changes++;
			return;
		}
	}
}

/* A syscache callback, called when schema cmig may have changed. */
static void
schema_changed(Datum arg, int cache, uint32 hash)
{
	changes++;
}

/*
 * Returns the name of a rule on the table, or NULL if the table has no rules.
 */
static char *
rule_on(Oid relation)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	ScanKeyInit(&key[0], Anum_pg_rewrite_ev_class, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(rules, RewriteRelRulenameIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		name = pstrdup(NameStr(((Form_pg_rewrite) GETSTRUCT(tuple))->rulename));
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return name;
}

/* Returns the table from which the table inherits, or InvalidOid. */
static Oid
parent_of(Oid relation)
{
	Relation	links = table_open(InheritsRelationId, AccessShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			parent = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relation));
	scan = systable_beginscan(links, InheritsRelidSeqnoIndexId, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		parent = ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent;
	systable_endscan(scan);
	table_close(links, AccessShareLock);
	return parent;
}

/* Raise an error for a pg_cmig table that was altered. */
pg_noreturn static void
refuse(const char *name, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("relation \"cmig.%s\" was changed after pg_cmig created it", name),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

/*
 * Raise an error if a query of the table could return anything other than the
 * table's rows.
 */
static void
check_table(Oid relation, const char *name)
{
	FormData_pg_class form;
	List	   *children;
	char	   *rule;
	Oid			parent;

	if (!cmig_role_relation(relation, &form))
		return;					/* the table was dropped in the meantime */
	if (form.relkind != RELKIND_RELATION)
		refuse(name, "It is not a plain table.",
			   "Drop or rename this relation, and then restore the table from a backup. If there is no backup" CMIG_BEGIN_AGAIN);
	if (getExtensionOfObject(RelationRelationId, relation) != get_extension_oid("pg_cmig", true))
		refuse(name, "It is not a member of extension pg_cmig.",
			   psprintf("ALTER EXTENSION pg_cmig ADD TABLE cmig.%s", name));
	if (form.relrowsecurity)
		refuse(name, "Row-level security is enabled on it.",
			   psprintf("ALTER TABLE cmig.%s DISABLE ROW LEVEL SECURITY", name));
	if (form.relhasrules && (rule = rule_on(relation)) != NULL)
		refuse(name, psprintf("Rule \"%s\" was created on it.", rule),
			   psprintf("DROP RULE %s ON cmig.%s", quote_identifier(rule), name));
	parent = parent_of(relation);
	if (OidIsValid(parent))
		refuse(name, psprintf("It inherits from table %s.", cmig_query_table_name(parent)),
			   psprintf("ALTER TABLE cmig.%s NO INHERIT %s", name, cmig_query_table_name(parent)));
	children = form.relhassubclass ? find_inheritance_children(relation, NoLock) : NIL;
	if (children != NIL)
		refuse(name, psprintf("Table %s inherits from it.", cmig_query_table_name(linitial_oid(children))),
			   psprintf("ALTER TABLE %s NO INHERIT cmig.%s", cmig_query_table_name(linitial_oid(children)), name));
}

void
cmig_plain_require(CmigQuery *query)
{
	static bool registered = false;
	bool		complete = true;
	const uint64 before = changes;
	Oid			schema;

	if (query->checked == changes)
		return;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, schema_changed, (Datum) 0);
		registered = true;
	}
	schema = get_namespace_oid("cmig", true);
	if (!OidIsValid(schema))
		return;
	cmig_library_version_read();
	for (int i = 0; i < lengthof(names); i++)
	{
		if (checked[i] == before || strstr(query->sql, names[i]) == NULL)
			continue;
		tables[i] = get_relname_relid(names[i], schema);
		if (OidIsValid(tables[i]))
		{
			check_table(tables[i], names[i]);
			checked[i] = before;
		}
		else
			complete = false;
	}

	/* a query of a missing table raises an error, and is checked again */
	if (complete)
		query->checked = before;
}

#define MAX_COLUMNS 16

/*
 * Does a table have the columns that a query reads?  Describe them in "desc", and
 * store their numbers.
 */
static bool
has_columns(const CmigQuery *query, Relation table, TupleDesc desc, AttrNumber *numbers)
{
	Assert(query->ncolumns <= MAX_COLUMNS);
	for (int i = 0; i < query->ncolumns; i++)
	{
		numbers[i] = get_attnum(RelationGetRelid(table), query->columns[i].name);
		if (numbers[i] <= 0 ||
			get_atttype(RelationGetRelid(table), numbers[i]) != query->columns[i].type)
			return false;
		TupleDescCopyEntry(desc, i + 1, RelationGetDescr(table), numbers[i]);
	}
	return true;
}

Relation
cmig_plain_open(CmigQuery *query)
{
	const Oid	schema = get_namespace_oid("cmig", true);
	const Oid	oid = OidIsValid(schema) ? get_relname_relid(query->table, schema) : InvalidOid;
	Relation	table = OidIsValid(oid) ? try_relation_open(oid, AccessShareLock) : NULL;

	if (table != NULL)
		cmig_plain_require(query);
	return table;
}

bool
cmig_plain_scan(CmigQuery *query, Relation table, Snapshot snapshot, CmigRowCallback callback,
				void *arg, uint64 *count)
{
	AttrNumber	numbers[MAX_COLUMNS];
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS];
	const CmigRow row = {CreateTemplateTupleDesc(query->ncolumns), values, nulls};
	Datum	   *all_values;
	bool	   *all_nulls;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		complete;

	complete = table->rd_rel->relkind == RELKIND_RELATION &&
		pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		has_columns(query, table, row.desc, numbers);
	snapshot = RegisterSnapshot(snapshot);
	all_values = palloc(sizeof(Datum) * RelationGetNumberOfAttributes(table));
	all_nulls = palloc(sizeof(bool) * RelationGetNumberOfAttributes(table));
	scan = systable_beginscan(table, InvalidOid, false, snapshot, 0, NULL);
	for (*count = 0; complete && HeapTupleIsValid(tuple = systable_getnext(scan)); (*count)++)
	{
		complete = query->ncolumns > 0;
		if (!complete)
			break;
		heap_deform_tuple(tuple, RelationGetDescr(table), all_values, all_nulls);
		for (int i = 0; i < query->ncolumns; i++)
		{
			values[i] = all_values[numbers[i] - 1];
			nulls[i] = all_nulls[numbers[i] - 1];
		}
		callback(&row, arg);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table, NoLock);
	return complete;
}
