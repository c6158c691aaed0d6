/*
 * lint_catalog.h
 *	  Reads facts about partitions, foreign keys, schemas, and types from the
 *	  catalogs, for cmig.lint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_CATALOG_H
#define CMIG_LINT_CATALOG_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Returns the OID of an index's table. */
extern Oid	cmig_lint_catalog_index_table(Oid index);

/*
 * Returns the OIDs of other tables that have foreign keys to the given tables.
 */
extern List *cmig_lint_catalog_referencing(List *tables);

/*
 * Returns the OIDs of the tables in a schema.  InvalidOid stands for all
 * schemas.
 */
extern List *cmig_lint_catalog_tables_in(Oid schema);

/*
 * Returns the OIDs of the tables with columns whose type is the given type or
 * its array type.
 */
extern List *cmig_lint_catalog_tables_with_type(Oid type);

/* Does any table have a column of the relation's row type? */
extern bool cmig_lint_catalog_type_is_used(Oid relation);

/*
 * Returns the OIDs of a table and of all its inheritance or partitioning
 * ancestors.
 */
extern List *cmig_lint_catalog_ancestors(Oid table);

/*
 * Returns the columns of a partition key, without expressions, as a List of
 * char *.
 */
extern List *cmig_lint_catalog_partition_key(Oid table);

/* Returns the OIDs of a table's direct partitions, in no particular order. */
extern List *cmig_lint_catalog_partitions(Oid table);

/* Returns a table's default partition, or InvalidOid if there is none. */
extern Oid	cmig_lint_catalog_default_partition(Oid table);

#endif							/* CMIG_LINT_CATALOG_H */
