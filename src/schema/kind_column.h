/*
 * kind_column.h
 *	  What other modules need to know about table columns.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_COLUMN_H
#define CMIG_KIND_COLUMN_H

#include "postgres.h"
#include "schema/kind.h"

/* A query expression for the SQL name of a column's storage. */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

/* Returns the printed type of a column. */
extern const char *cmig_column_type(const CmigObject *column);

/*
 * Returns the statement that sets the persistence of the column's identity
 * sequence, or NULL if the sequence has the same persistence as the table.
 */
extern char *cmig_column_sequence_persistence(const CmigObject *column);

extern bool cmig_column_is_not_null(const CmigObject *column);

/*
 * Returns the parent table's column that this column is inherited from, or
 * NULL.
 */
extern const CmigObject *cmig_column_parent(const CmigObject *column);

/*
 * Does the column inherit from the same parent column in both images?  If so,
 * the parent column's type and generation expression cannot change without
 * changing this column's, too.
 */
extern bool cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to);

/*
 * If a column is added or dropped together with its parent table's column, or
 * with an attribute of its table's type, it may still differ from that column
 * or attribute.  Returns the statements (a list of CmigDdl) that set the
 * differing properties: NOT NULL, or no default.
 */
extern List *cmig_column_deviations(const CmigObject *column, bool add);

/*
 * Returns the statement that changes a column to a type that replaces another
 * type of the same name.  During the change, the replaced type has the
 * temporary name "away".  The undo restores the column "old".
 */
extern CmigDdl *cmig_column_retype(const CmigObject *old, const CmigObject *column, const CmigObject *from,
								   const CmigObject *to, const char *away);

/*
 * Returns the statement that changes a column to type text, or to the
 * default collation, while its type or collation is dropped.  The undo
 * restores the column's type or collation.
 */
extern CmigDdl *cmig_column_detour(const CmigObject *column, bool collation);

#endif							/* CMIG_KIND_COLUMN_H */
