/*
 * catalog_rows.c
 *	  Reads rows of the server's catalogs by the columns of an index.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/catalog_rows.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_depend.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

#define MAX_KEYS 3

void
cmig_catalog_rows_each(Oid catalog, Oid index, int keys, const AttrNumber *columns,
					   const Oid *values, CmigCatalogRow callback, void *arg)
{
	Relation	relation = table_open(catalog, AccessShareLock);
	ScanKeyData scan_keys[MAX_KEYS];
	SysScanDesc scan;
	HeapTuple	row;

	Assert(keys <= MAX_KEYS);
	for (int i = 0; i < keys; i++)
		ScanKeyInit(&scan_keys[i], columns[i], BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(values[i]));
	scan = systable_beginscan(relation, index, OidIsValid(index), NULL, keys, scan_keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
		callback(row, arg);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

void
cmig_catalog_rows_referring(Oid class, Oid object, CmigCatalogRow callback, void *arg)
{
	static const AttrNumber columns[] = {Anum_pg_depend_refclassid, Anum_pg_depend_refobjid};
	Oid			values[] = {class, object};

	cmig_catalog_rows_each(DependRelationId, DependReferenceIndexId, lengthof(columns), columns,
						   values, callback, arg);
}
