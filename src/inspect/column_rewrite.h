/*
 * column_rewrite.h
 *	  Decides whether adding a column or changing a column's type requires a
 *	  table rewrite.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COLUMN_REWRITE_H
#define CMIG_COLUMN_REWRITE_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/* Does ADD COLUMN with this definition rewrite the table? */
extern bool cmig_column_rewrites(const ColumnDef *column);

/*
 * Does ALTER COLUMN TYPE to this type rewrite the table?  "converts" is true if
 * the statement has a USING clause.
 */
extern bool cmig_column_type_rewrites(Oid table, const char *column, const TypeName *type,
									  bool converts);

#endif							/* CMIG_COLUMN_REWRITE_H */
