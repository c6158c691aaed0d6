/*
 * scope_row.h
 *	  The hash of the rows that describe a schema in the system catalogs.
 *
 * In the hash, the OIDs of the schema's own objects are replaced by hashes of
 * their names, and the schema's name is replaced, so the hashes of equal schemas
 * are usually equal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_ROW_H
#define CMIG_SCOPE_ROW_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "scope/scope_catalog.h"
#include "scope/scope_name.h"

/* Which properties are compared. */
typedef struct CmigScopeOptions
{
	bool		owners;
	bool		privileges;
	bool		comments;
} CmigScopeOptions;

/* The rows of a schema. */
typedef struct CmigScopeRows
{
	const CmigScopeOptions *options;
	const CmigScopeCatalog *catalogs;
	CmigScopeNames names;
	StringInfoData text;		/* of the current row */
	bool		is_unknown;		/* true if a column cannot be hashed */
	uint64		sum[2];			/* the hash */
} CmigScopeRows;

/*
 * Start with no rows.  The memory is allocated in the current context.  The
 * fields options and catalogs must be set.
 */
extern void cmig_scope_row_begin(CmigScopeRows *rows, const char *schema);

/*
 * Add a row to the hash.  "owner" is the owner of the object, and "prefix"
 * identifies the object if the row does not.  Returns a hash of the row.
 */
extern uint64 cmig_scope_row_add(CmigScopeRows *rows, CmigScopeCatalogId id, HeapTuple row, Oid owner, uint64 prefix);

/* Add an array of storage parameters (text[]) of an object to the hash. */
extern void cmig_scope_row_add_options(CmigScopeRows *rows, Oid object, Datum options);

#endif							/* CMIG_SCOPE_ROW_H */
