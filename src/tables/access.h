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

/* Returns the names of the levels. */
extern List *cmig_access_levels(void);

/*
 * Returns the GRANT statements that give a level to a role.  "role" is a
 * quoted name or PUBLIC.
 */
extern List *cmig_access_grants(const char *role, const char *level);

/* Returns the REVOKE statements that revoke a level from a role. */
extern List *cmig_access_revokes_level(const char *role, const char *level);

/*
 * The first function returns true if the caller is allowed to grant access to
 * pg_cmig.  cmig_access_run() runs GRANT or REVOKE statements, or raises 42501
 * if the caller is not allowed to.
 */
extern bool cmig_access_may_grant(void);
extern void cmig_access_run(List *statements);

#endif							/* CMIG_ACCESS_H */
