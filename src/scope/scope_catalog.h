/*
 * scope_catalog.h
 *	  Scans the system catalogs for the objects of a scope's schema.
 *
 * The scans use indexes, without SPI and without caches, so they take little
 * time, and they need the same amount of memory however many schemas are read.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_CATALOG_H
#define CMIG_SCOPE_CATALOG_H

#include "postgres.h"
#include "access/htup.h"
#include "utils/relcache.h"

/*
 * A system catalog and the index for scanning it.  A comment says how rows are
 * found, unless they are found by their own OID or by the object that they
 * describe.
 */
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

/* A system catalog that has been opened for scans. */
typedef struct CmigScopeCatalog
{
	Relation	table;
	Relation	index;
	AttrNumber	keys[2];		/* leading columns of the index; the second
								 * one can be 0 */
	CmigScopeColumn *columns;	/* how each column is compared; indexed by
								 * column number - 1 */
} CmigScopeCatalog;

/*
 * Open all catalogs in CmigScopeCatalogId, or close them.  The end of the
 * transaction also closes them.
 */
extern CmigScopeCatalog *cmig_scope_catalog_open(void);
extern void cmig_scope_catalog_close(CmigScopeCatalog *catalogs);

/* A callback for the rows of a scan. */
typedef void (*CmigScopeCatalogCallback) (CmigScopeCatalogId id, HeapTuple row, void *arg);

/*
 * Call the callback for each row of a catalog in which the first key column is
 * "first" and the second one is "second".  The second key column is ignored if
 * "second" is InvalidOid.
 */
extern void cmig_scope_catalog_each(const CmigScopeCatalog *catalogs, CmigScopeCatalogId id,
									Oid first, Oid second, CmigScopeCatalogCallback callback, void *arg);

#endif							/* CMIG_SCOPE_CATALOG_H */
