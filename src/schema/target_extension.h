/*
 * target_extension.h
 *	  Extensions and schemas in a target's statements.
 *
 * Members of extensions are moved between schemas by changing rows, which
 * checks no privileges.  So this is done only if the current user could
 * achieve the same by commands: the old schema must be one that the shadow
 * created, or the user must own the extension, and the user must have CREATE
 * on the new schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_EXTENSION_H
#define CMIG_TARGET_EXTENSION_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "schema/target_state.h"

/*
 * Process a statement about an installed extension.  Returns true if it has
 * been processed, and false if the server is to run it.
 */
extern bool cmig_target_extension_run(CmigTargetState *state, Node *statement);

/*
 * To be called before and after the server creates an extension that is not
 * installed.
 */
extern void cmig_target_extension_begin(CmigTargetState *state);
extern void cmig_target_extension_end(CmigTargetState *state, const char *name);

/*
 * Process CREATE SCHEMA for a schema that the shadow has created, before the
 * server runs the statement.  Returns true if there is nothing left to do.
 */
extern bool cmig_target_schema_create(CmigTargetState *state, Node *statement);
extern void cmig_target_schema_created(CmigTargetState *state, Node *statement);

/*
 * Process DROP SCHEMA.  The members of extensions are moved out of the schema
 * first, because the server would drop the extension and with it live objects.
 * Returns the statement without the schemas that are live, or NULL if none is
 * left.
 */
extern Node *cmig_target_schema_drop(CmigTargetState *state, Node *statement);

/*
 * To be called when the target has ended: find out which extensions it
 * created, and which schemas exist.
 */
extern void cmig_target_extension_settle(CmigTargetState *state);

#endif							/* CMIG_TARGET_EXTENSION_H */
