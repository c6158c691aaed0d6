/*
 * kind_column.h
 *	  What other modules need to know about columns of tables. Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_KIND_COLUMN_H
#define CMIG_KIND_COLUMN_H

#include "postgres.h"
#include "schema/kind.h"

/* An expression for a query: how SQL names the storage of a column. */
#define CMIG_STORAGE_SQL(value) "CASE " value " WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'" \
	" WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END"

/* The printed type of a column. */
extern const char *cmig_column_type(const CmigObject *column);

extern bool cmig_column_is_not_null(const CmigObject *column);

/* The parent table's column from which this column is inherited, or NULL. */
extern const CmigObject *cmig_column_parent(const CmigObject *column);

/*
 * Does the change of an identity column replace its sequence, so that the
 * privileges and the comment of the old one are lost?
 */
extern bool cmig_column_renews_sequence(const CmigObject *from, const CmigObject *to);

/*
 * A column may be added or dropped together with the parent's column, or with
 * an attribute of the table's type. Returns the statements, a list of CmigDdl,
 * for properties that differ from theirs: NOT NULL, or no default.
 */
extern List *cmig_column_deviations(const CmigObject *column, bool add);

/*
 * Change a column to the type that replaces another type of the same name; the
 * replaced type has a temporary name during the change.
 */
extern CmigDdl *cmig_column_retype(const CmigObject *column, const CmigObject *from,
								   const CmigObject *to, const char *away);

/*
 * The statement that changes a column to text, or to the default collation,
 * while its type or collation is dropped; the undo changes it back.
 */
extern CmigDdl *cmig_column_detour(const CmigObject *column, bool collation);

#endif							/* CMIG_KIND_COLUMN_H */
