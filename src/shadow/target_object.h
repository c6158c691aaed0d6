/*
 * target_object.h
 *	  Finds the object that a target's statement is about.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_OBJECT_H
#define CMIG_TARGET_OBJECT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/*
 * Returns the word for an object type in result rows: "table", "event
 * trigger".
 */
extern const char *cmig_target_object_kind(ObjectType type);

/* Returns an object's name as it is written in a statement. */
extern char *cmig_target_object_name(ObjectType type, Node *object);

/*
 * Returns the schema of the object that a statement creates or is about.  For
 * a statement about a schema, returns this schema.  Returns NULL if the
 * object has no schema, or if it is named without a schema and cannot be
 * found.
 */
extern char *cmig_target_object_schema(Node *statement);

#endif							/* CMIG_TARGET_OBJECT_H */
