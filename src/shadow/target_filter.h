/*
 * target_filter.h
 *	  Leaves out a target's statements that are not about a compared schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_FILTER_H
#define CMIG_TARGET_FILTER_H

#include "postgres.h"
#include "shadow/target_state.h"

/*
 * Is the statement about the server or the session?  If so, it must not be
 * run, and is recorded if it is worth mentioning.
 */
extern bool cmig_target_filter_leaves_out(CmigTargetState *state, Node *node);

/*
 * Is the statement about a role, a database, a tablespace, a large object,
 * or the server?  If so, its effect is not visible in a schema.
 */
extern bool cmig_target_filter_is_shared(Node *node);

/*
 * Is the statement about an object in a live schema?  If so, it must not be
 * run, and is recorded for a NOTICE unless it only changes objects in
 * pg_cmig's own schemas.
 */
extern bool cmig_target_filter_is_elsewhere(CmigTargetState *state, Node *statement);

/*
 * Is the statement about a subscription?  Subscriptions are ignored, because
 * they would connect to another server.
 */
extern bool cmig_target_filter_subscription(CmigTargetState *state, Node *node);

/*
 * Is this a GRANT on an extension member, as pg_dump writes it?  Such
 * privileges are not compared, and few roles may grant them.
 */
extern bool cmig_target_filter_is_grant_on_member(const GrantStmt *grant);

/*
 * Remove, from a GRANT or REVOKE on several objects, the objects in schemas
 * that are not compared.  Returns the statement, or NULL if no object is
 * left.
 */
extern Node *cmig_target_filter_grants(CmigTargetState *state, Node *node);

#endif							/* CMIG_TARGET_FILTER_H */
