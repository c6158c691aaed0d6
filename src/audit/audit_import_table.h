/*
 * audit_import_table.h
 *	  Finds the tables that are named in an older audit table.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_IMPORT_TABLE_H
#define CMIG_AUDIT_IMPORT_TABLE_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/palloc.h"

/* A table that is named in the source (the older audit table). */
typedef struct CmigAuditImportTable
{
	char	   *source_schema;	/* NULL if the source has none */
	char	   *source_name;	/* may contain the schema, too */
	char	   *name;
	char	   *found_schema;
	int32		id;
	List	   *key_columns;	/* of char *; NIL if they are unknown */
} CmigAuditImportTable;

/* The tables that an import has found so far. */
typedef struct CmigAuditImportTables CmigAuditImportTables;

/*
 * Begin an import.  A table that the source names without a schema is looked up
 * in the source's schema and on the caller's search_path.  No other schema is
 * searched, so that entries are not attributed to a table of the same name that
 * another role has created elsewhere.
 */
extern CmigAuditImportTables *cmig_audit_import_tables_begin(Oid log_owner, MemoryContext context,
															 Oid source);

/*
 * Returns the table to which the source refers by the given names.  A table
 * that neither exists nor was ever audited is given an id and a layout.
 */
extern CmigAuditImportTable *cmig_audit_import_table_named(CmigAuditImportTables *tables,
														   const char *schema_name,
														   const char *name);

/*
 * Returns an image's members that form the key, or NULL if one of them is
 * missing.
 */
extern Jsonb *cmig_audit_import_table_key(const CmigAuditImportTable *table, Jsonb *image);

#endif							/* CMIG_AUDIT_IMPORT_TABLE_H */
