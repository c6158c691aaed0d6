/*
 * scope_row.h
 *	  Hashes the rows that describe a schema in the system catalogs.
 *
 * Before a row is hashed, the OIDs of objects in the schema are replaced by
 * hashes of their names, and the schema's name is replaced, too.  Therefore,
 * the hashes of equal schemas are usually equal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCOPE_ROW_H
#define CMIG_SCOPE_ROW_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "scope/scope_catalog.h"
#include "scope/scope_name.h"

/* Optional properties: those that are true are compared. */
typedef struct CmigScopeOptions
{
	bool		owners;
	bool		privileges;
	bool		comments;
} CmigScopeOptions;

/* The state for hashing the rows of a schema. */
typedef struct CmigScopeRows
{
	const CmigScopeOptions *options;
	const CmigScopeCatalog *catalogs;
	CmigScopeNames names;
	StringInfoData text;		/* string to be hashed for the current row */
	bool		is_unknown;		/* true if a value cannot be hashed */
	uint64		sum[2];			/* hash of all rows added so far */
} CmigScopeRows;

/*
 * Start without any rows.  Memory is allocated in the current context.  The
 * caller must have set the fields "options" and "catalogs".
 */
extern void cmig_scope_row_begin(CmigScopeRows *rows, const char *schema);

/*
 * Add a row of the catalog "id" to the hash.  "owner" is the owner of the
 * object that the row describes, and "prefix" identifies this object if the
 * row does not.  Returns a hash of the row.
 */
extern uint64 cmig_scope_row_add(CmigScopeRows *rows, CmigScopeCatalogId id, HeapTuple row, Oid owner, uint64 prefix);

/* Add an object's storage parameters, given as a text[] value, to the hash. */
extern void cmig_scope_row_add_options(CmigScopeRows *rows, Oid object, Datum options);

#endif							/* CMIG_SCOPE_ROW_H */
