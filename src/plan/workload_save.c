/*
 * workload_save.c
 *	  Queries of pg_stat_statements that are kept in the table cmig.workload.
 *
 * A role that may read statistics, and nothing else in pg_cmig's tables, can
 * save a workload: the rows are written directly, so it needs no privilege that
 * would also let it change or lock them.  Rows of other statements are left out,
 * because they have no plan, and their text can contain a password.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "plan/workload.h"

/* The columns of cmig.workload. */
enum
{
	NAME = 1, NUMBER, QUERY_ID, CALLS, ROLE, QUERY, SINCE, SAVED_AT, COLUMNS = SAVED_AT
};

/*
 * Open the table for writing, by one session at a time.  If somebody has altered
 * it, nothing is written.
 */
static Relation
open_table(void)
{
	Oid			oid = get_relname_relid("workload", get_namespace_oid("cmig", false));
	Relation	table = OidIsValid(oid) ? table_open(oid, ShareRowExclusiveLock) : NULL;
	static const Oid types[] = {TEXTOID, INT4OID, INT8OID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	bool		same = table != NULL && table->rd_rel->relkind == RELKIND_RELATION && table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
	RelationGetDescr(table)->natts == COLUMNS && table->trigdesc == NULL && table->rd_rules == NULL;

	for (int i = 0; same && i < COLUMNS; i++)
		same = TupleDescAttr(RelationGetDescr(table), i)->atttypid == types[i];
	foreach_oid(index, same ? RelationGetIndexList(table) : NIL)
		same &= strcmp(get_rel_name(index), "workload_pkey") == 0;
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table cmig.workload does not exist, or its columns, indexes, or triggers have been altered")));
	return table;
}

/* Delete the rows of a saved workload. */
static void
delete_rows(Relation table, const char *name)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyEntryInitialize(&key, 0, NAME, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(name));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		CatalogTupleDelete(table, &row->t_self);
	systable_endscan(scan);
	CommandCounterIncrement();
}

/*
 * Is the statement one that has a plan?  A text of pg_stat_statements is one
 * statement.
 */
static bool
has_plan(const char *text)
{
	static const char *const verbs[] = {"delete", "insert", "merge", "select", "table", "update", "values", "with", NULL};
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, text);
	do
		(void) cmig_lexer_next_sql(&lexer);
	while (lexer.type != CMIG_TOKEN_END && *lexer.start == '(');
	return lexer.type == CMIG_TOKEN_WORD && cmig_lexer_is_any_word(&lexer, verbs);
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

PG_FUNCTION_INFO_V1(cmig_workload_save);

CMIG_READER(cmig_workload_save)
{
	char	   *name = cmig_argument_text(fcinfo, 0);
	List	   *queries;
	TimestampTz since;
	Relation	table;
	int			count = 0;

	if (name == NULL || *name == '\0')
		ereport(ERROR,
				(errcode(name ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg(name ? "the name of a workload must not be empty" : "the name of a workload must not be null"),
				 cmig_hint("`SELECT cmig.workload_save('production')`")));
	PreventCommandIfReadOnly("cmig.workload_save()");
	queries = cmig_workload_counted(false, NULL);
	/* a part of a workload must not replace a whole one */
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		if (query->unknown != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("%s", query->unknown),
					 errhint("GRANT pg_read_all_stats TO %s", quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	}
	since = cmig_workload_counted_since();
	table = open_table();
	delete_rows(table, name);
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {0};
		HeapTuple	row;

		if (!has_plan(query->text))
			continue;
		values[NAME - 1] = CStringGetTextDatum(name);
		values[NUMBER - 1] = Int32GetDatum(++count);
		values[QUERY_ID - 1] = query->id ? Int64GetDatum(strtoll(query->id, NULL, 10)) : 0;
		nulls[QUERY_ID - 1] = query->id == NULL;
		values[CALLS - 1] = Int64GetDatum(strtoll(query->calls, NULL, 10));
		values[ROLE - 1] = text_or_null(query->role, &nulls[ROLE - 1]);
		values[QUERY - 1] = CStringGetTextDatum(query->text);
		values[SINCE - 1] = TimestampTzGetDatum(since);
		nulls[SINCE - 1] = since == 0;
		values[SAVED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		row = heap_form_tuple(RelationGetDescr(table), values, nulls);
		CatalogTupleInsert(table, row);
		heap_freetuple(row);
	}
	table_close(table, NoLock);
	return Int64GetDatum(count);
}

List *
cmig_workload_saved(const char *name)
{
	static CmigQuery query = {
		"SELECT w.query_id::bigint, w.calls::bigint, w.role::text, w.query::text, CASE WHEN isfinite(w.saved_at::timestamptz) AND isfinite(w.since::timestamptz) THEN w.calls::bigint / greatest((extract(epoch FROM w.saved_at::timestamptz) - extract(epoch FROM w.since::timestamptz)) / 86400, 1) END, w.name::text"
		" FROM cmig.workload w WHERE ($1 IS NULL OR w.name::text = $1) AND w.query IS NOT NULL ORDER BY w.calls DESC, w.name, w.number", 1, {TEXTOID}
	};
	List	   *settings = cmig_workload_settings();
	List	   *queries = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&query, name))
	{
		CmigWorkloadQuery *one = cmig_workload_query_of(row[3], row[2] ? get_role_oid(row[2], true) : InvalidOid, settings);

		one->id = row[0];
		one->calls = row[1];
		one->role = row[2];
		one->workload = row[5];
		one->daily = row[4] ? strtod(row[4], NULL) : INFINITY;
		queries = lappend(queries, one);
	}
	if (queries == NIL && name != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("workload \"%s\" does not exist", name),
				 cmig_hint("To save the queries of pg_stat_statements: `SELECT cmig.workload_save(%s)`", quote_literal_cstr(name))));
	return queries;
}
