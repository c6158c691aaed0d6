/*
 * attached.h
 *	  Indexes of partitions that are attached to indexes of partitioned tables.
 *
 * Pure.  The server creates them with the index of the partitioned table and
 * chooses their names, unless a matching index already exists.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ATTACHED_H
#define CMIG_ATTACHED_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * Complete the statements that create the index or constraint of a partitioned
 * table, a list of CmigDdl.  If the server would not create the attached indexes
 * as they must be, it is created without them, and they are created and
 * attached after it.  The object is one of the old image if "old".
 */
extern void cmig_attached_complete(const CmigDifference *difference, const CmigObject *object, List *ddl, bool old);

/*
 * Is the attached index dropped and created again together with the index of
 * the partitioned table?
 */
extern bool cmig_attached_is_remade(const CmigDifference *difference, const CmigChange *change);

/* Remove the statements for attached indexes of which this is true. */
extern void cmig_attached_settle(CmigDifference *difference);

/* The index, or the constraint with the index, of this qualified name, or NULL. */
extern const CmigObject *cmig_attached_find(const CmigImage *image, const char *name);

/* An attached index or constraint that has another name in the other image. */
typedef struct CmigAttachedName
{
	const CmigObject *from;
	const CmigObject *to;
} CmigAttachedName;

/*
 * A list of CmigAttachedName, for those that can be renamed because the index
 * of the partitioned table does not change.
 */
extern List *cmig_attached_names(const CmigImage *from, const CmigImage *to);

/* "CREATE INDEX name ON ..." without the name, for an index. */
extern char *cmig_attached_nameless(const CmigObject *object, const char *definition);

#endif							/* CMIG_ATTACHED_H */
