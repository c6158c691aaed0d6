/*
 * schema_copy.h
 *	  Statements that create the objects of a schema in another schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SCHEMA_COPY_H
#define CMIG_SCHEMA_COPY_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Returns the statements, a list of CmigDiffLine, that create everything that
 * the schema "from" contains, except rows, in an empty schema called "name".
 * A schema with this name need not exist.  The statements are the same as
 * those that cmig.diff_schemas returns by default.  For error messages,
 * "caller" is the name of the SQL function.
 */
extern List *cmig_schema_copy(const char *from, char *name, const char *caller);

#endif							/* CMIG_SCHEMA_COPY_H */
