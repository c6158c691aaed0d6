/*
 * target_object.h
 *	  The object that a statement of the target is about.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_OBJECT_H
#define CMIG_TARGET_OBJECT_H

#include "postgres.h"
#include "nodes/parsenodes.h"

/* What rows call a type of objects: "table", "event trigger". */
extern const char *cmig_target_object_kind(ObjectType type);

/* The name of an object as a statement has it. */
extern char *cmig_target_object_name(ObjectType type, Node *object);

/*
 * The schema that a statement makes something in or that its object is in; for
 * a statement about a schema, that one.  NULL if it is about something without
 * a schema, or the object is named without one and cannot be found.
 */
extern char *cmig_target_object_schema(Node *statement);

#endif							/* CMIG_TARGET_OBJECT_H */
