/*
 * children.h
 *	  What child tables and partitions keep when their parent changes.
 *
 * Pure.  DROP NOT NULL and NOT VALID constraints affect all children of a
 * table, including those that are different.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHILDREN_H
#define CMIG_CHILDREN_H

#include "postgres.h"
#include "schema/difference.h"

/*
 * The index or constraint of the parent table from which the object is
 * inherited, or NULL.
 */
extern const CmigObject *cmig_children_parent(const CmigImage *image, const CmigObject *object);

/*
 * Is it an index or a constraint of a partition that belongs to the
 * partitioned table's, before and after the change?  Then it cannot be changed
 * by itself.
 */
extern bool cmig_children_is_attached(const CmigChange *change);

/*
 * Add to the statements of parents what their children need to keep their
 * properties.
 */
extern void cmig_children_keep(CmigDifference *difference);

/*
 * Is it a check constraint that the table inherits, and that is added to the
 * table together with the parent's?  A constraint that is not valid cannot be
 * part of CREATE TABLE.
 */
extern bool cmig_children_added_later(const CmigImage *image, const CmigObject *object);

/*
 * The statements, a list of char *, that validate a constraint which is not
 * valid in children that have it validated.
 */
extern List *cmig_children_validate(const CmigImage *image, const CmigObject *constraint);

#endif							/* CMIG_CHILDREN_H */
