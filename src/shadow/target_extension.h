/*
 * target_extension.h
 *	  Processes extensions and schemas in a target's statements.
 *
 * Extension members are moved between schemas by changing catalog rows, which
 * does not check privileges.  Therefore, this is done only if the current user
 * could do the same with commands: the user must have CREATE on the new schema
 * and, unless the shadow created the old schema, must own the extension.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_EXTENSION_H
#define CMIG_TARGET_EXTENSION_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "shadow/target_state.h"

/*
 * Process a statement about an installed extension.  Returns true if it has
 * been processed, or false if PostgreSQL must run it.
 */
extern bool cmig_target_extension_run(CmigTargetState *state, Node *statement);

/*
 * Call these before and after PostgreSQL creates an extension that is not
 * installed.
 */
extern void cmig_target_extension_begin(CmigTargetState *state);
extern void cmig_target_extension_end(CmigTargetState *state, const char *name);

/*
 * Process CREATE SCHEMA for a schema that the shadow has created.  Call the
 * first function before PostgreSQL runs the statement; it returns true if
 * there is nothing left to do.  Call the second function after the statement
 * has run.
 */
extern bool cmig_target_schema_create(CmigTargetState *state, Node *statement);
extern void cmig_target_schema_created(CmigTargetState *state, Node *statement);

/*
 * Process DROP SCHEMA.  Extension members are first moved out of the schema,
 * because PostgreSQL would otherwise drop the extension, including its live
 * objects.  Returns the statement without live schemas, or NULL if no schema
 * is left.
 */
extern Node *cmig_target_schema_drop(CmigTargetState *state, Node *statement);

/*
 * Call this when the target has ended, to find out which extensions it created
 * and which schemas exist.
 */
extern void cmig_target_extension_settle(CmigTargetState *state);

#endif							/* CMIG_TARGET_EXTENSION_H */
