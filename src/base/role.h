/*
 * role.h
 *	  Switches to another role temporarily.
 *
 * A function that switches to another role must call cmig_role_return().  After
 * an error, this is not necessary, because the end of the (sub)transaction
 * restores the role.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROLE_H
#define CMIG_ROLE_H

#include "postgres.h"
#include "catalog/pg_authid.h"

/*
 * A predefined role that has hardly any privileges, cannot log in, and cannot
 * be altered.
 */
#define CMIG_ROLE_NOBODY ROLE_PG_STAT_SCAN_TABLES

/*
 * The previous role, and the other state to restore when returning to that
 * role.
 */
typedef struct CmigRole
{
	Oid			user;
	int			context;
	bool		read_only;		/* XactReadOnly */
} CmigRole;

/* Become another role, in a security-restricted operation. */
extern void cmig_role_act_as(CmigRole *saved, Oid role);

/*
 * Like cmig_role_act_as(), for running pg_cmig's code on tables that belong to
 * the role.  The tables' policies do not apply, even with FORCE ROW LEVEL
 * SECURITY.
 */
extern void cmig_role_act_as_owner(CmigRole *saved, Oid role);

/*
 * Like cmig_role_act_as(), but in a read-only transaction, for running code
 * that must not change anything that the caller has already checked.  The
 * caller's locks must prevent other sessions from making such changes.
 */
extern void cmig_role_read_as(CmigRole *saved, Oid role);

/*
 * Switch back to the caller's role, to write to pg_cmig's tables while a script
 * or a function has switched to a different role.
 */
extern void cmig_role_act_as_caller(CmigRole *saved, Oid caller);

/* Return to the previous role. */
extern void cmig_role_return(const CmigRole *saved);

/* Returns the owner of a relation, or InvalidOid if it does not exist. */
extern Oid	cmig_role_owner_of(Oid relation);

/*
 * Returns the owner of a database, or InvalidOid if the database does not
 * exist.
 */
extern Oid	cmig_role_owner_of_database(Oid database);

/* Returns the owner of a schema, or InvalidOid if it does not exist. */
extern Oid	cmig_role_owner_of_schema(Oid schema);

#endif							/* CMIG_ROLE_H */
