/*
 * target_role.h
 *	  Roles in a target's statements: they belong to the whole server.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_ROLE_H
#define CMIG_TARGET_ROLE_H

#include "postgres.h"
#include "nodes/nodes.h"
#include "schema/target_state.h"

/*
 * A statement that makes, changes or drops a role is not carried out, and the
 * roles that others name may be missing.  Notes what of it could not be had.
 * Returns the statement that is to run, which is a copy if something had to be
 * taken out of it, or NULL if nothing is left.
 */
extern Node *cmig_target_role_adapt(CmigTargetState *state, Node *statement);

#endif							/* CMIG_TARGET_ROLE_H */
