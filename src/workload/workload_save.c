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

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "workload/internal.h"

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
	static const Oid types[] = {TEXTOID, INT4OID, INT8OID, INT8OID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID, TIMESTAMPTZOID};
	bool		same = table != NULL && table->rd_rel->relkind == RELKIND_RELATION &&
	table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
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

	ScanKeyEntryInitialize(&key, 0, NAME, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID,
						   F_TEXTEQ, CStringGetTextDatum(name));
	scan = systable_beginscan(table, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		CatalogTupleDelete(table, &row->t_self);
	systable_endscan(scan);
	CommandCounterIncrement();
}

PG_FUNCTION_INFO_V1(cmig_workload_save);

CMIG_READER(cmig_workload_save)
{
	char	   *name = cmig_argument_text(fcinfo, 0);
	List	   *queries;
	char	  **info;
	Relation	table;
	int			count = 0;

	if (!cmig_text_is_given(name))
		ereport(ERROR,
				(errcode(name ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg(name ? "the name of a workload must not be empty" :
						"the name of a workload must not be null"),
				 cmig_hint("`SELECT cmig.workload_save('production')`")));
	cmig_require_writable("cmig.workload_save()");
	queries = cmig_workload_counted(NULL);
	/* a part of a workload must not replace a whole one */
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		if (query->unknown != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("%s", query->unknown),
					 errhint("GRANT pg_read_all_stats TO %s",
							 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	}
	info = cmig_statements_info();
	table = open_table();
	delete_rows(table, name);
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {0};
		HeapTuple	row;

		if (!cmig_workload_has_plan(query->text))
			continue;
		values[NAME - 1] = CStringGetTextDatum(name);
		values[NUMBER - 1] = Int32GetDatum(++count);
		nulls[QUERY_ID - 1] = query->id == NULL;
		if (query->id != NULL)
			values[QUERY_ID - 1] = Int64GetDatum(strtoll(query->id, NULL, 10));
		values[CALLS - 1] = Int64GetDatum(strtoll(query->calls, NULL, 10));
		nulls[ROLE - 1] = query->role == NULL;
		if (query->role != NULL)
			values[ROLE - 1] = CStringGetTextDatum(query->role);
		values[QUERY - 1] = CStringGetTextDatum(query->text);
		nulls[SINCE - 1] = info == NULL || info[0] == NULL;
		if (!nulls[SINCE - 1])
			values[SINCE - 1] = DirectFunctionCall1(float8_timestamptz,
													Float8GetDatum(strtod(info[0], NULL)));
		values[SAVED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		row = heap_form_tuple(RelationGetDescr(table), values, nulls);
		CatalogTupleInsert(table, row);
		heap_freetuple(row);
	}
	table_close(table, NoLock);
	return Int64GetDatum(count);
}
