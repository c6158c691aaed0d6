/*
 * target_missing.h
 *	  Handles objects that a target needs, but that the current user cannot
 *	  create, and objects that belong to another role.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_MISSING_H
#define CMIG_TARGET_MISSING_H

#include "postgres.h"
#include "shadow/target_state.h"

/*
 * If the statement creates an object that has no schema, or that only
 * superusers can create, returns the object's name and sets *type.  Otherwise
 * returns NULL.
 */
extern char *cmig_target_missing_made(Node *node, ObjectType *type);

/*
 * Does the statement alter an object that was recorded as missing or as owned
 * by another role?  If so, the statement must be ignored.
 */
extern bool cmig_target_missing_is_about(CmigTargetState *state, Node *node);

/*
 * If a statement gives a server the name of a hidden server that belongs to
 * another role, raise PostgreSQL's error for a name that is in use.
 */
extern void cmig_target_missing_refuse_name(const CmigTargetState *state, Node *node);

/*
 * A target must not create an object with the name of another role's object: a
 * function that runs with that role's privileges would use the new object.  If
 * the statement would do this, make the existing object visible instead, and
 * return true.
 */
extern bool cmig_target_missing_show(CmigTargetState *state, Node *node);

/* Could the statement fail because only other roles can create the object? */
extern bool cmig_target_missing_may_be(Node *node);

/*
 * Does the error mean that a privilege is missing, or that the server does not
 * support something?
 */
extern bool cmig_target_missing_explains(const ErrorData *error, Node *node);

#endif							/* CMIG_TARGET_MISSING_H */
