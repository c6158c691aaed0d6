/*
 * target_role.h
 *	  Processes roles, which belong to the whole server, in a target's
 *	  statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_ROLE_H
#define CMIG_TARGET_ROLE_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "shadow/target_state.h"

/*
 * Process a statement that may name roles.  Statements that create, alter, or
 * drop roles are not run.  From other statements, the parts that name missing
 * roles are removed.  Adds notes about what is left out.  Returns the
 * statement to run (a copy if something was removed from it), or NULL if
 * nothing is left.
 */
extern Node *cmig_target_role_adapt(CmigTargetState *state, Node *statement);

#endif							/* CMIG_TARGET_ROLE_H */
