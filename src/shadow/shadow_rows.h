/*
 * shadow_rows.h
 *	  Changes catalog rows directly, without the usual commands.
 *
 * No privileges are checked, no objects are locked, and no hooks are called,
 * so this is only for changes that are rolled back.  An error is raised if
 * another transaction has changed the row in the meantime.  Changes become
 * visible with CommandCounterIncrement().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_ROWS_H
#define CMIG_SHADOW_ROWS_H

#include "postgres.h"
#include "access/attnum.h"

/* Set a column of the row with this OID. */
extern void cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value);

/* Set a column whose data type is "name". */
extern void cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name);

/*
 * Move an object from the schema "from" to the schema "to", and change its
 * dependency in pg_depend.  Returns false if the object is not in "from".
 */
extern bool cmig_shadow_rows_move(Oid catalog, Oid object, Oid from, Oid to);

/* Returns the schema of an object, or InvalidOid if there is no such object. */
extern Oid	cmig_shadow_rows_schema(Oid catalog, Oid object);

/*
 * Delete all rows of a catalog, or the row with this OID.  Dependent objects
 * stay.
 */
extern void cmig_shadow_rows_empty(Oid catalog);
extern void cmig_shadow_rows_delete(Oid catalog, Oid object);

/* The prefix of the temporary names that hide objects. */
#define CMIG_SHADOW_HIDDEN "cmig_hidden_"
extern char *cmig_shadow_hidden_name(Oid object);

#endif							/* CMIG_SHADOW_ROWS_H */
