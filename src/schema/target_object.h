/*
 * target_object.h
 *	  Finds the object that a statement of the target is about.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_OBJECT_H
#define CMIG_TARGET_OBJECT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/* The word for a type of objects in result rows: "table", "event trigger". */
extern const char *cmig_target_object_kind(ObjectType type);

/* The name of an object as it is written in a statement. */
extern char *cmig_target_object_name(ObjectType type, Node *object);

/*
 * The schema in which a statement creates an object, or in which its object
 * is; for a statement about a schema, that schema.  NULL if the object has no
 * schema, or if it was named without one and cannot be found.
 */
extern char *cmig_target_object_schema(Node *statement);

#endif							/* CMIG_TARGET_OBJECT_H */
