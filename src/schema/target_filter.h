/*
 * target_filter.h
 *	  Statements of a target that are left out because they are not about a
 *	  schema that is compared.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_FILTER_H
#define CMIG_TARGET_FILTER_H

#include "postgres.h"
#include "schema/target_state.h"

/*
 * Is the statement about the server or the session?  If so, it is noted, and
 * must not be run.
 */
extern bool cmig_target_filter_leaves_out(CmigTargetState *state, Node *node);

/*
 * Is the statement about an object in a live schema, so that it is left out?
 * If so, issues a NOTICE, unless it is one of pg_cmig's own schemas.
 */
extern bool cmig_target_filter_is_elsewhere(CmigTargetState *state, Node *statement);

/*
 * Is the statement about a subscription?  Subscriptions are ignored, as they
 * would connect to another server.
 */
extern bool cmig_target_filter_subscription(CmigTargetState *state, Node *node);

/*
 * Is it GRANT on a member of an extension, as pg_dump writes it?  Such
 * privileges are not compared, and few roles may grant them.
 */
extern bool cmig_target_filter_is_grant_on_member(const GrantStmt *grant);

/*
 * Remove the objects in schemas that are not compared from a GRANT or REVOKE
 * on several objects.  Returns the statement, or NULL if no object is left.
 */
extern Node *cmig_target_filter_grants(CmigTargetState *state, Node *node);

#endif							/* CMIG_TARGET_FILTER_H */
