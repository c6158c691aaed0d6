/*
 * shadow_rows.h
 *	  Rows of the server's catalogs, changed without the commands that do so.
 *
 * No rights are checked, no object is locked and no hook is called: for what
 * is rolled back only.  A row that another transaction has changed meanwhile
 * raises 40001.  Changes are seen after CommandCounterIncrement().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_ROWS_H
#define CMIG_SHADOW_ROWS_H

#include "postgres.h"
#include "access/attnum.h"

/* Make one column of the row with that oid something else. */
extern void cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value);

/* The same for a column of type name. */
extern void cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name);

/*
 * Move an object from one schema to another, with what pg_depend says of it;
 * false if it is not in the first one.
 */
extern bool cmig_shadow_rows_move(Oid catalog, Oid object, Oid from, Oid to);

/* The schema of an object, InvalidOid if there is no such object. */
extern Oid	cmig_shadow_rows_schema(Oid catalog, Oid object);

/* Delete all rows, or the one with that oid; what depends on it stays. */
extern void cmig_shadow_rows_empty(Oid catalog);
extern void cmig_shadow_rows_delete(Oid catalog, Oid object);

/*
 * A name that objects have which must not be found by theirs; so does every
 * name that begins like it.
 */
#define CMIG_SHADOW_HIDDEN "cmig_hidden_"
extern char *cmig_shadow_hidden_name(Oid object);

#endif							/* CMIG_SHADOW_ROWS_H */
