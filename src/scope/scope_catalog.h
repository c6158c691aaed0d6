/*
 * scope_catalog.h
 *	  Scans of the system catalogs for the objects of a scope's schema.
 *
 * The scans use indexes, without SPI and caches, so they take little time and
 * no memory, however many schemas are read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_CATALOG_H
#define CMIG_SCOPE_CATALOG_H

#include "postgres.h"
#include "access/htup.h"
#include "utils/relcache.h"

/* A catalog, and the index by which it is scanned. */
typedef enum CmigScopeCatalogId
{
	CMIG_OF_SCHEMA,				/* pg_depend: what depends on an object */
	CMIG_DEPENDS,				/* pg_depend: what an object depends on */
	CMIG_NAMESPACE,
	CMIG_CLASS,
	CMIG_ATTRIBUTE,				/* by relation, without system columns */
	CMIG_INDEX,					/* by table */
	CMIG_CONSTRAINT,			/* by relation */
	CMIG_DOMAIN_CONSTRAINT,		/* by domain */
	CMIG_ATTRDEF,				/* by relation */
	CMIG_TRIGGER,				/* by relation */
	CMIG_REWRITE,				/* by relation */
	CMIG_POLICY,				/* by relation */
	CMIG_SEQUENCE,
	CMIG_INHERITS,				/* by child */
	CMIG_PARTITIONED,
	CMIG_TYPE,
	CMIG_ENUM,					/* by type */
	CMIG_PROC,
	CMIG_AGGREGATE,
	CMIG_STATISTIC_EXT,
	CMIG_DESCRIPTION,			/* by object */
	CMIG_SCOPE_CATALOGS
} CmigScopeCatalogId;

/* How a column of a catalog is compared. */
typedef enum CmigScopeColumn
{
	CMIG_COLUMN_COMPARED,
	CMIG_COLUMN_IGNORED,
	CMIG_COLUMN_OWNER,
	CMIG_COLUMN_PRIVILEGES
} CmigScopeColumn;

/* An open catalog. */
typedef struct CmigScopeCatalog
{
	Relation	table;
	Relation	index;
	AttrNumber	keys[2];		/* columns; the second one can be 0 */
	CmigScopeColumn *columns;	/* one for each column */
} CmigScopeCatalog;

/*
 * Open all catalogs, and close them again.  They also are closed at the end of
 * the transaction.
 */
extern CmigScopeCatalog *cmig_scope_catalog_open(void);
extern void cmig_scope_catalog_close(CmigScopeCatalog *catalogs);

/* A callback for the rows of a catalog. */
typedef void (*CmigScopeCatalogCallback) (CmigScopeCatalogId id, HeapTuple row, void *arg);

/*
 * Call the callback for each row whose keys have these values.  The second key
 * is ignored if it is InvalidOid.
 */
extern void cmig_scope_catalog_each(const CmigScopeCatalog *catalogs, CmigScopeCatalogId id,
									Oid first, Oid second, CmigScopeCatalogCallback callback, void *arg);

#endif							/* CMIG_SCOPE_CATALOG_H */
