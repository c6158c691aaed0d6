/*
 * column_type.h
 *	  Changes of a column's type.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_TYPE_H
#define CMIG_COLUMN_TYPE_H

#include "postgres.h"
#include "kinds/kind.h"

/* Add the statement that changes the type, with its hazards. */
extern void cmig_column_type_alter(CmigAlter *alter);

/*
 * Returns the statement that changes a column's type from "from" to "to", a
 * type with the same name that replaces it.  During the change, "from" has the
 * temporary name "away".  The undo restores the column "old".
 */
extern CmigDdl *cmig_column_type_replace(const CmigObject *old, const CmigObject *column, const CmigObject *from,
										 const CmigObject *to, const char *away);

/*
 * Returns the statement that changes a column to type text, or to the
 * default collation, while its type or collation is dropped.  The undo
 * restores the column's type or collation.
 */
extern CmigDdl *cmig_column_type_detour(const CmigObject *column, bool collation);

#endif							/* CMIG_COLUMN_TYPE_H */
