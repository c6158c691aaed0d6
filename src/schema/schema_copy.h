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
 * Returns the statements that create everything that the schema "from"
 * contains, except rows, in an empty schema that is called "name", as a list of
 * CmigDiffLine.  A schema with this name need not exist.  These are the
 * statements that cmig.diff_schemas returns by default.  "caller" is the
 * function's name in error messages.
 */
extern List *cmig_schema_copy(const char *from, char *name, const char *caller);

#endif							/* CMIG_SCHEMA_COPY_H */
