/*
 * ddl_guard.h
 *	  Enforces the policy on DDL outside of migration runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DDL_GUARD_H
#define CMIG_DDL_GUARD_H

#include "postgres.h"

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

#endif							/* CMIG_DDL_GUARD_H */
