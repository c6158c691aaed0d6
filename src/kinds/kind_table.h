/*
 * kind_table.h
 *	  Functions with which other modules examine tables.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_TABLE_H
#define CMIG_KIND_TABLE_H

#include "postgres.h"
#include "kinds/image.h"
#include "kinds/kind.h"

/* Is the table a partition?  If so, it has the partitioned table's columns. */
extern bool cmig_table_is_partition(const CmigObject *table);

/* Are both tables partitioned, with the same partition key? */
extern bool cmig_table_same_key(const CmigObject *table, const CmigObject *other);

/*
 * Is a column part of the table's partition key, so that its type cannot
 * change?
 */
extern bool cmig_table_is_key(const CmigObject *table, const char *column);

/*
 * Does the table inherit the object from a table that is its parent in both
 * images?
 */
extern bool cmig_table_keeps_inheriting(const CmigImage *from, const CmigImage *to,
										const CmigObject *object);

/*
 * Is the table partitioned?  If so, many operations are not available
 * concurrently.
 */
extern bool cmig_table_is_partitioned(const CmigObject *table);

/* Returns the composite type of a typed table, or NULL. */
extern const char *cmig_table_type(const CmigObject *table);

extern bool cmig_table_is_unlogged(const CmigObject *table);

/* Do both versions of a typed table have the same type? */
extern bool cmig_table_keeps_type(const CmigObject *from, const CmigObject *to);

/* For a typed table, add NOT OF to alter->first, and OF to alter->last. */
extern void cmig_table_untype(CmigAlter *alter);

/*
 * Forced row security: check whether the table has it, check whether a
 * statement changes it, and remove it from the table's properties.
 */
extern bool cmig_table_is_forced(const CmigObject *table);
extern bool cmig_table_is_force_statement(const CmigDdl *ddl);
extern void cmig_table_set_unforced(CmigObject *table);

#endif							/* CMIG_KIND_TABLE_H */
