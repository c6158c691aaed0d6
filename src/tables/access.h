/*
 * access.h
 *	  Grants and revokes access levels for schema cmig.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACCESS_H
#define CMIG_ACCESS_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Returns the names of all access levels. */
extern List *cmig_access_levels(void);

/*
 * Returns the GRANT statements that give an access level to a role.  "role" is
 * a quoted name or PUBLIC.
 */
extern List *cmig_access_grants(const char *role, const char *level);

/* Returns the REVOKE statements that take an access level from a role. */
extern List *cmig_access_revokes_level(const char *role, const char *level);

/*
 * cmig_access_may_grant() returns true if the current role is allowed to grant
 * access to pg_cmig.  cmig_access_run() runs GRANT or REVOKE statements from
 * this module, and raises error 42501 if the current role is not allowed to
 * grant access.
 */
extern bool cmig_access_may_grant(void);
extern void cmig_access_run(List *statements);

#endif							/* CMIG_ACCESS_H */
