/*
 * catalog_rows.h
 *	  Reads rows of the server's catalogs by the columns of an index.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CATALOG_ROWS_H
#define CMIG_CATALOG_ROWS_H

#include "postgres.h"
#include "access/attnum.h"
#include "access/htup.h"

/* Callback for each row of a catalog. */
typedef void (*CmigCatalogRow) (HeapTuple row, void *arg);

/*
 * Call the callback for each catalog row in which the given columns contain
 * the given OIDs.  "columns" are the first "keys" columns of the index.  If
 * "index" is InvalidOid, the catalog is scanned sequentially.
 */
extern void cmig_catalog_rows_each(Oid catalog, Oid index, int keys, const AttrNumber *columns,
								   const Oid *values, CmigCatalogRow callback, void *arg);

/*
 * Call the callback for each row of pg_depend that refers to the object or to
 * one of its columns.
 */
extern void cmig_catalog_rows_referring(Oid class, Oid object, CmigCatalogRow callback, void *arg);

#endif							/* CMIG_CATALOG_ROWS_H */
