/*
 * column_inherit.h
 *	  Columns that are inherited from a parent table.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_INHERIT_H
#define CMIG_COLUMN_INHERIT_H

#include "postgres.h"
#include "kinds/kind.h"

/* Returns the table's column with this name, or NULL. */
extern const CmigObject *cmig_column_find(const CmigObject *table, const char *name);

/*
 * Returns the parent table's column from which this column is inherited, or
 * NULL if there is none.
 */
extern const CmigObject *cmig_column_parent(const CmigObject *column);

/*
 * Does the column inherit from the same parent column in both images?  If so,
 * the parent column's type and generation expression cannot change without
 * changing this column's, too.
 */
extern bool cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to);

/*
 * "value" is the default of an inherited column.  Does ADD COLUMN on the
 * parent table, which also adds this column, give it the same default?
 */
extern bool cmig_column_repeats_default(const CmigObject *value);

/*
 * If a column is added together with its parent table's column, or with an
 * attribute of its table's type, it may still differ from that column or
 * attribute.  Returns the statements (a list of CmigDdl) that set the
 * differing properties, such as NOT NULL, no default, or storage.
 */
extern List *cmig_column_deviations(const CmigObject *column);

#endif							/* CMIG_COLUMN_INHERIT_H */
