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
 * The statements, a list of char *, that create indexes with names that the
 * server would not choose, to be run before the statement that creates the
 * index or constraint of the partitioned table.  The object is one of the old
 * image if "old".
 */
extern List *cmig_attached_create(const CmigDifference *difference, const CmigObject *object, bool old);

/*
 * The statements that attach indexes of partitions, and create those that no
 * other statement creates, to be run after the one that creates the index of a
 * partitioned table which only some of the partitions have.
 */
extern List *cmig_attached_attach(const CmigDifference *difference, const CmigObject *object, bool old);

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
