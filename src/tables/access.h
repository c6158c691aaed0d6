/*
 * access.h
 *	  Levels of access to pg_cmig's own schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ACCESS_H
#define CMIG_ACCESS_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* The names of the levels. */
extern List *cmig_access_levels(void);

/*
 * The GRANT statements that give a level to a role (a quoted name, or PUBLIC).
 */
extern List *cmig_access_grants(const char *role, const char *level);

/* The REVOKE statements that revoke one level. */
extern List *cmig_access_revokes_level(const char *role, const char *level);

/*
 * May the caller grant access to pg_cmig? run raises 42501 if not, and
 * otherwise executes such statements.
 */
extern bool cmig_access_may_grant(void);
extern void cmig_access_run(List *statements);

#endif							/* CMIG_ACCESS_H */
