/*
 * shadow_rows.h
 *	  Changes rows of the catalogs directly, without the usual commands.
 *
 * No privileges are checked, no objects are locked, and no hooks are called,
 * so this is only for changes that are rolled back.  If another transaction
 * has changed the row in the meantime, 40001 is raised.  Changes become
 * visible by CommandCounterIncrement().
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_ROWS_H
#define CMIG_SHADOW_ROWS_H

#include "postgres.h"
#include "access/attnum.h"

/* Set a column of the row with this oid. */
extern void cmig_shadow_rows_set(Oid catalog, Oid object, AttrNumber column, Datum value);

/* The same for a column of type name. */
extern void cmig_shadow_rows_rename(Oid catalog, Oid object, AttrNumber column, const char *name);

/*
 * Move an object from one schema to another, and change its dependency in
 * pg_depend; returns false if it is not in the first schema.
 */
extern bool cmig_shadow_rows_move(Oid catalog, Oid object, Oid from, Oid to);

/* The schema of an object, InvalidOid if there is no such object. */
extern Oid	cmig_shadow_rows_schema(Oid catalog, Oid object);

/*
 * Delete all rows of a catalog, or the one with this oid; dependent objects
 * stay.
 */
extern void cmig_shadow_rows_empty(Oid catalog);
extern void cmig_shadow_rows_delete(Oid catalog, Oid object);

/* A prefix of names for objects that must not be found by their own names. */
#define CMIG_SHADOW_HIDDEN "cmig_hidden_"
extern char *cmig_shadow_hidden_name(Oid object);

#endif							/* CMIG_SHADOW_ROWS_H */
