/*
 * target_utility.h
 *	  What becomes of a target's statements before the server runs them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_UTILITY_H
#define CMIG_TARGET_UTILITY_H

#include "postgres.h"
#include "schema/target_state.h"

/* Register the hook. */
extern void cmig_target_utility_init(void);

/* The target whose utility statements are seen from now on; NULL: none is. */
extern void cmig_target_utility_watch(CmigTargetState *state);

/*
 * Is the schema that a statement is about live, so that the statement is left
 * out?  Tells so unless the schema is one of pg_cmig's own.
 */
extern bool cmig_target_utility_is_elsewhere(CmigTargetState *state, Node *statement);

#endif							/* CMIG_TARGET_UTILITY_H */
