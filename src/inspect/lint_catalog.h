/*
 * lint_catalog.h
 *	  What the catalogs tell cmig.lint besides the relations themselves: partitions,
 *	  foreign keys, schemas, and types.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CATALOG_H
#define CMIG_LINT_CATALOG_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* The table of an index. */
extern Oid	cmig_lint_catalog_index_table(Oid index);

/* The OIDs of the other tables that have foreign keys to these tables. */
extern List *cmig_lint_catalog_referencing(List *tables);

/* The OIDs of the tables in a schema, or with InvalidOid, in the database. */
extern List *cmig_lint_catalog_tables_in(Oid schema);

/* The OIDs of the tables that have columns of a type or of its array type. */
extern List *cmig_lint_catalog_tables_with_type(Oid type);

/* Does any table have a column whose type is the relation's row type? */
extern bool cmig_lint_catalog_type_is_used(Oid relation);

/*
 * The OIDs of a table and of all tables from which it inherits or of which it
 * is a partition.
 */
extern List *cmig_lint_catalog_ancestors(Oid table);

/* The columns of a partition key, without its expressions: char *. */
extern List *cmig_lint_catalog_partition_key(Oid table);

/* The OIDs of the direct partitions of a table, in no particular order. */
extern List *cmig_lint_catalog_partitions(Oid table);

/* The default partition of a table, or InvalidOid. */
extern Oid	cmig_lint_catalog_default_partition(Oid table);

#endif							/* CMIG_LINT_CATALOG_H */
