/*
 * lint_catalog.c
 *	  Reads facts about partitions, foreign keys, schemas, and types from the
 *	  catalogs, for cmig.lint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "inspect/related.h"
#include "lint/lint_catalog.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

Oid
cmig_lint_catalog_index_table(Oid index)
{
	return IndexGetRelation(index, true);
}

List *
cmig_lint_catalog_ancestors(Oid table)
{
	List	   *result = list_make1_oid(table);
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);

	/* the list grows as ancestors are found */
	for (int i = 0; i < list_length(result); i++)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(list_nth_oid(result, i)));
		scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			result = list_append_unique_oid(result, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
		systable_endscan(scan);
	}
	table_close(inherits, AccessShareLock);
	return result;
}

/* Does the list contain the table or one of its ancestors? */
static bool
is_among(Oid table, List *tables)
{
	ListCell   *lc;

	foreach(lc, cmig_lint_catalog_ancestors(table))
	{
		if (list_member_oid(tables, lfirst_oid(lc)))
			return true;
	}
	return false;
}

List *
cmig_lint_catalog_referencing(List *tables)
{
	List	   *tree = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tables)
	{
		tree = list_concat_unique_oid(tree, cmig_related_children(lfirst_oid(lc)));
	}
	foreach(lc, heap_truncate_find_FKs(tree))
	{
		if (!is_among(lfirst_oid(lc), tables))
			result = list_append_unique_oid(result, lfirst_oid(lc));
	}
	return result;
}

List *
cmig_lint_catalog_tables_in(Oid schema)
{
	Relation	classes = table_open(RelationRelationId, AccessShareLock);
	List	   *result = NIL;
	SysScanDesc scan = systable_beginscan(classes, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if ((OidIsValid(schema) ? form->relnamespace == schema : !IsCatalogNamespace(form->relnamespace)) &&
			(form->relkind == RELKIND_RELATION || form->relkind == RELKIND_MATVIEW ||
			 form->relkind == RELKIND_PARTITIONED_TABLE))
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(classes, AccessShareLock);
	return result;
}

List *
cmig_lint_catalog_tables_with_type(Oid type)
{
	List	   *result = cmig_related_with_type(type);
	Oid			array = get_array_type(type);

	return OidIsValid(array) ? list_concat_unique_oid(result, cmig_related_with_type(array)) : result;
}

bool
cmig_lint_catalog_type_is_used(Oid relation)
{
	Oid			type = get_rel_type_id(relation);

	return OidIsValid(type) && cmig_lint_catalog_tables_with_type(type) != NIL;
}

List *
cmig_lint_catalog_partition_key(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
	Form_pg_partitioned_table form;
	List	   *result = NIL;

	if (!HeapTupleIsValid(tuple))
		return NIL;
	form = (Form_pg_partitioned_table) GETSTRUCT(tuple);
	for (int i = 0; i < form->partnatts; i++)
	{
		char	   *name = form->partattrs.values[i] != 0 ?
		get_attname(table, form->partattrs.values[i], true) : NULL;

		if (name)
			result = lappend(result, name);
	}
	ReleaseSysCache(tuple);
	return result;
}

Oid
cmig_lint_catalog_default_partition(Oid table)
{
	return get_default_partition_oid(table);
}

List *
cmig_lint_catalog_partitions(Oid table)
{
	return list_delete_first(cmig_related_direct_children(table));
}
