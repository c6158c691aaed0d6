/*
 * target_missing.h
 *	  Objects that a target needs and that the current user cannot create, or
 *	  that belong to another role.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_MISSING_H
#define CMIG_TARGET_MISSING_H

#include "postgres.h"
#include "schema/target_state.h"

/*
 * The name and type of the object that a statement creates, if it has no schema
 * or if only superusers can create it; NULL for other statements.
 */
extern char *cmig_target_missing_made(Node *node, ObjectType *type);

/*
 * Does the statement alter an object that was noted as missing or as another
 * role's, so that it must be ignored?
 */
extern bool cmig_target_missing_is_about(CmigTargetState *state, Node *node);

/*
 * Raise the server's error for a name that is in use if a statement renames an
 * object to the name of an object of another role, which is hidden.
 */
extern void cmig_target_missing_refuse_name(const CmigTargetState *state, Node *node);

/*
 * A target must not create an object with the name of another role's object: a
 * function that runs with the privileges of that role would use the new
 * object.  If the statement would, the existing object is shown instead, and
 * the result is true.
 */
extern bool cmig_target_missing_show(CmigTargetState *state, Node *node);

/*
 * Could the object exist although the current user cannot create it, because
 * only other roles can?
 */
extern bool cmig_target_missing_may_be(Node *node);

/*
 * Does the error mean that a privilege is missing, or that the server does not
 * support something?
 */
extern bool cmig_target_missing_explains(const ErrorData *error, Node *node);

#endif							/* CMIG_TARGET_MISSING_H */
