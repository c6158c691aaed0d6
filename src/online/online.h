/*
 * online.h
 *	  What src/online provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ONLINE_H
#define CMIG_ONLINE_H

#include "postgres.h"

/* in guard.c */

/* Call this once, when the library is loaded. */
extern void cmig_ddl_allow_init(void);

/*
 * Are the event triggers that enforce the policy unchanged since the extension
 * script created them?
 */
extern bool cmig_ddl_guard_is_armed(void);

/*
 * Returns the number of rows in cmig.ddl_log, not counting rows written by
 * cmig.allow_ddl().
 */
extern int64 cmig_ddl_guard_logged(void);

#endif							/* CMIG_ONLINE_H */
