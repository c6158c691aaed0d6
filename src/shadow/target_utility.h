/*
 * target_utility.h
 *	  Processes a target's utility statements before PostgreSQL runs them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_UTILITY_H
#define CMIG_TARGET_UTILITY_H

#include "postgres.h"
#include "shadow/target_state.h"

/* Register the hook. */
extern void cmig_target_utility_init(void);

/*
 * Set the target whose utility statements the hook processes, or NULL for
 * none.
 */
extern void cmig_target_utility_watch(CmigTargetState *state);

#endif							/* CMIG_TARGET_UTILITY_H */
