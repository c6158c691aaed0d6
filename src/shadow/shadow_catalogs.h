/*
 * shadow_catalogs.h
 *	  Filters the rows of the system catalogs that the target's queries see.
 *
 * A target often asks the catalogs whether something exists before it
 * creates it: IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood').
 * Its queries must not find live objects, which keep their names although
 * their schemas have been renamed.  A planner hook adds a condition to each
 * catalog in these queries.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_CATALOGS_H
#define CMIG_SHADOW_CATALOGS_H

#include "postgres.h"
#include "shadow/shadow.h"

/* Register the hook. */
extern void cmig_shadow_catalogs_init(void);

/*
 * Prepare to hide this shadow's live schemas from the target's queries, or
 * stop hiding them if "shadow" is NULL.  Either call discards cached plans
 * that contain conditions, and leaves the hook switched off.
 */
extern void cmig_shadow_catalogs_watch(const CmigShadow *shadow);

/*
 * Switch the hook on while the target's SQL runs, and off while pg_cmig reads
 * the catalogs itself.  Returns the former state.
 */
extern bool cmig_shadow_catalogs_filter(bool on);

#endif							/* CMIG_SHADOW_CATALOGS_H */
