/*
 * kind_index.h
 *	  What other modules need to know about indexes. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_INDEX_H
#define CMIG_KIND_INDEX_H

#include "postgres.h"
#include "schema/kind.h"

/*
 * The qualified name of the partitioned table's index to which an index, or
 * the index of a constraint, is attached, or NULL.
 */
extern const char *cmig_index_parent(const CmigObject *object);

/*
 * Does an attached index have the tablespace and the other properties that the
 * server gives it when it creates the index of the partitioned table?  Both may
 * be constraints.  Definitions are not compared.
 */
extern bool cmig_index_is_like(const CmigObject *attached, const CmigObject *index);

/* The printed definition of an index or a constraint. */
extern const char *cmig_index_definition(const CmigObject *object);

/*
 * Is it the invalid index of a partitioned table that only some of the
 * partitions have?
 */
extern bool cmig_index_is_partial(const CmigObject *index);

#endif							/* CMIG_KIND_INDEX_H */
