/*
 * shadow_rows.c
 *	  Changes catalog rows directly, without the usual commands.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "shadow/shadow_rows.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/*
 * The tuple lock for updates of pg_class.  VACUUM and CREATE INDEX update rows
 * of this catalog in place, and newer PostgreSQL releases require the tuple
 * lock for any update of them.
 */
#define ROW_LOCK ExclusiveLock

static HeapTuple
find(Relation catalog, Oid object)
{
	return get_catalog_object_by_oid(catalog, get_object_attnum_oid(RelationGetRelid(catalog)),
									 object);
}

/*
 * Returns the object's catalog row, locked if necessary, or NULL if there is
 * no such row.
 */
static HeapTuple
find_to_change(Relation catalog, Oid object)
{
	HeapTuple	row = find(catalog, object);

	while (HeapTupleIsValid(row) && RelationGetRelid(catalog) == RelationRelationId)
	{
		ItemPointerData place = row->t_self;

		LockTuple(catalog, &place, ROW_LOCK);
		row = find(catalog, object);
		if (HeapTupleIsValid(row) && ItemPointerEquals(&place, &row->t_self))
			return row;
		UnlockTuple(catalog, &place, ROW_LOCK);
	}
	return row;
}

/* Update the row that find_to_change() returned. */
static void
change(Relation catalog, HeapTuple row, AttrNumber column, Datum value)
{
	int			natts = RelationGetDescr(catalog)->natts;
	Datum	   *values = palloc0(sizeof(Datum) * natts);
	bool	   *nulls = palloc0(sizeof(bool) * natts);
	bool	   *replace = palloc0(sizeof(bool) * natts);
	ItemPointerData place = row->t_self;
	HeapTuple	changed;

	values[column - 1] = value;
	replace[column - 1] = true;
	changed = heap_modify_tuple(row, RelationGetDescr(catalog), values, nulls, replace);
	CatalogTupleUpdate(catalog, &place, changed);
	if (RelationGetRelid(catalog) == RelationRelationId)
		UnlockTuple(catalog, &place, ROW_LOCK);
	heap_freetuple(changed);
	pfree(values);
	pfree(nulls);
	pfree(replace);
}

void
cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	HeapTuple	row = find_to_change(relation, object);

	if (HeapTupleIsValid(row))
		change(relation, row, column, value);
	table_close(relation, RowExclusiveLock);
}

void
cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name)
{
	NameData	value;

	namestrcpy(&value, name);
	cmig_shadow_rows_set(catalog, object, column, NameGetDatum(&value));
}

Oid
cmig_shadow_rows_schema(Oid catalog, Oid object)
{
	Relation	relation = table_open(catalog, AccessShareLock);
	AttrNumber	column = get_object_attnum_namespace(catalog);
	HeapTuple	row = column == InvalidAttrNumber ? NULL : find(relation, object);
	Oid			schema = InvalidOid;

	if (HeapTupleIsValid(row))
	{
		int			natts = RelationGetDescr(relation)->natts;
		Datum	   *values = palloc(sizeof(Datum) * natts);
		bool	   *nulls = palloc(sizeof(bool) * natts);

		/*
		 * do not use heap_getattr(), which is a different symbol in newer
		 * minor releases
		 */
		heap_deform_tuple(row, RelationGetDescr(relation), values, nulls);
		schema = DatumGetObjectId(values[column - 1]);
		pfree(values);
		pfree(nulls);
	}
	table_close(relation, AccessShareLock);
	return schema;
}

bool
cmig_shadow_rows_move(Oid catalog, Oid object, Oid from, Oid to)
{
	if (cmig_shadow_rows_schema(catalog, object) != from)
		return false;
	cmig_shadow_rows_set(catalog, object, get_object_attnum_namespace(catalog),
						 ObjectIdGetDatum(to));
	(void) changeDependencyFor(catalog, object, NamespaceRelationId, from, to);
	return true;
}

void
cmig_shadow_rows_delete(Oid catalog, Oid object)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	HeapTuple	row = find(relation, object);

	if (HeapTupleIsValid(row))
		CatalogTupleDelete(relation, &row->t_self);
	table_close(relation, RowExclusiveLock);
}

void
cmig_shadow_rows_empty(Oid catalog)
{
	Relation	relation = table_open(catalog, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		CatalogTupleDelete(relation, &row->t_self);
	}
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
}

char *
cmig_shadow_hidden_name(Oid object)
{
	return psprintf(CMIG_SHADOW_HIDDEN "%u", object);
}
