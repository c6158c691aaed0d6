/*
 * children.h
 *	  Preserves the properties of child tables and partitions when their parent
 *	  changes.
 *
 * DROP NOT NULL and NOT VALID constraints affect all children of a table,
 * including those that must stay different.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHILDREN_H
#define CMIG_CHILDREN_H

#include "postgres.h"
#include "compare/difference.h"

/*
 * Returns the parent table's index or constraint from which the object is
 * inherited, or NULL if there is none.
 */
extern const CmigObject *cmig_children_parent(const CmigImage *image, const CmigObject *object);

/*
 * Is the changed object an index or constraint that is inherited both before
 * and after the change?  An example is a partition's index that stays attached
 * to the partitioned table's index.  Such an object cannot be changed
 * separately.
 */
extern bool cmig_children_is_attached(const CmigChange *change);

/*
 * Add statements to the parents' changes that preserve the properties of their
 * children.
 */
extern void cmig_children_keep(CmigDifference *difference);

/*
 * Is the object an inherited check constraint that is added to its table
 * together with the parent's constraint, after CREATE TABLE?  CREATE TABLE
 * cannot contain a NOT VALID constraint.
 */
extern bool cmig_children_added_later(const CmigImage *image, const CmigObject *object);

/*
 * For a NOT VALID constraint, returns the statements (a list of char *) that
 * validate the copies of the constraint in children, except copies that are
 * NOT VALID or are created separately.
 */
extern List *cmig_children_validate(const CmigDifference *difference, const CmigImage *image,
									const CmigObject *constraint);

#endif							/* CMIG_CHILDREN_H */
