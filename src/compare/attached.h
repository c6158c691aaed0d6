/*
 * attached.h
 *	  Partition indexes that are attached to indexes of partitioned tables.
 *
 * PostgreSQL creates these indexes together with the partitioned table's index
 * and chooses their names, unless a matching index already exists.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ATTACHED_H
#define CMIG_ATTACHED_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Complete "ddl", the list of CmigDdl that creates a partitioned table's index
 * or constraint.  If PostgreSQL would not create exactly the attached indexes
 * that the image contains, the partitioned table's index is created with ONLY,
 * and the attached indexes are created and attached afterwards.  "old" is true
 * if the object is from the old image.
 */
extern void cmig_attached_complete(const CmigDifference *difference, const CmigObject *object, List *ddl, bool old);

/*
 * Is the changed object an attached index that is re-created together with the
 * partitioned table's index?
 */
extern bool cmig_attached_is_remade(const CmigDifference *difference, const CmigChange *change);

/*
 * Remove the separate statements for attached indexes that are re-created
 * together with the partitioned table's index.
 */
extern void cmig_attached_settle(CmigDifference *difference);

/*
 * Returns the index with this qualified name or, if the index belongs to a
 * constraint, the constraint.  Returns NULL if there is no such index.
 */
extern const CmigObject *cmig_attached_find(const CmigImage *image, const char *name);

/* An attached index or constraint whose name differs between the images. */
typedef struct CmigAttachedName
{
	const CmigObject *from;
	const CmigObject *to;
} CmigAttachedName;

/*
 * Returns a list of CmigAttachedName for the attached indexes that can be
 * renamed, because the partitioned table's index stays the same.
 */
extern List *cmig_attached_names(const CmigImage *from, const CmigImage *to);

/*
 * Returns a copy of "definition".  If the object is an index, the copy leaves
 * out the name in "CREATE INDEX name ON ...".
 */
extern char *cmig_attached_nameless(const CmigObject *object, const char *definition);

#endif							/* CMIG_ATTACHED_H */
