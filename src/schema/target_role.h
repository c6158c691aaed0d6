/*
 * target_role.h
 *	  Roles in a target's statements, which belong to the whole server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_ROLE_H
#define CMIG_TARGET_ROLE_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "schema/target_state.h"

/*
 * Process a statement that creates, alters, or drops a role, which is not run,
 * or that names roles, which may not exist.  Notes what is left out.  Returns
 * the statement to run (a copy if something was removed from it), or NULL if
 * nothing is left.
 */
extern Node *cmig_target_role_adapt(CmigTargetState *state, Node *statement);

#endif							/* CMIG_TARGET_ROLE_H */
