/*
 * shadow_global.h
 *	  What has no schema of its own, hidden in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_GLOBAL_H
#define CMIG_SHADOW_GLOBAL_H

#include "postgres.h"

/*
 * Take away what no extension made: publications, casts, transforms, default
 * privileges, and the names of servers, foreign-data wrappers, languages and
 * access methods, whose objects are still in use in schemas that are not
 * managed.  And all event triggers, those of extensions too: they must not
 * fire.
 */
extern void cmig_shadow_global_hide(void);

#endif							/* CMIG_SHADOW_GLOBAL_H */
