/*
 * target_extension.h
 *	  Extensions and schemas in a target's statements.
 *
 * Members of extensions are moved between schemas row by row, which asks for
 * no rights.  So it is done only where the current user could bring about the
 * same: from a schema that the shadow has made, or as the extension's owner, and
 * to a schema in which the current user may create.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_EXTENSION_H
#define CMIG_TARGET_EXTENSION_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "schema/target_state.h"

/*
 * A statement about an extension that is installed, or about all that the
 * target does with it: done, and true; false if the server is to run it.
 */
extern bool cmig_target_extension_run(CmigTargetState *state, Node *statement);

/* Before and after the server makes an extension that is not installed. */
extern void cmig_target_extension_begin(CmigTargetState *state);
extern void cmig_target_extension_end(CmigTargetState *state, const char *name);

/*
 * CREATE SCHEMA of one that the shadow has made, before the server runs it:
 * true if there is nothing left to do.
 */
extern bool cmig_target_schema_create(CmigTargetState *state, Node *statement);
extern void cmig_target_schema_created(CmigTargetState *state, Node *statement);

/*
 * DROP SCHEMA: the members of extensions leave it first, as the server would
 * drop the extension and with it what is live.  Returns the statement without
 * the schemas that are live, or NULL.
 */
extern Node *cmig_target_schema_drop(CmigTargetState *state, Node *statement);

/* The target has ended: what is declared, and which schemas there are. */
extern void cmig_target_extension_settle(CmigTargetState *state);

#endif							/* CMIG_TARGET_EXTENSION_H */
