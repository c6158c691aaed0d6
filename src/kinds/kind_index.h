/*
 * kind_index.h
 *	  Functions with which other modules examine indexes.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_INDEX_H
#define CMIG_KIND_INDEX_H

#include "postgres.h"
#include "kinds/kind.h"

/*
 * Returns the qualified name of the parent index to which an index or a
 * constraint's index is attached, or NULL if it is not attached.
 */
extern const char *cmig_index_parent(const CmigObject *object);

/*
 * Does an attached index have the tablespace and the other properties that
 * PostgreSQL would give it when creating the partitioned table's index?
 * Either argument may be a constraint.  Definitions are not compared.
 */
extern bool cmig_index_is_like(const CmigObject *attached, const CmigObject *index);

/* Returns the printed definition of an index or a constraint. */
extern const char *cmig_index_definition(const CmigObject *object);

/*
 * Is this an invalid index of a partitioned table to which only some of the
 * partitions have an attached index?
 */
extern bool cmig_index_is_partial(const CmigObject *index);

#endif							/* CMIG_KIND_INDEX_H */
