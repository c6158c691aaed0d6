/*
 * role.h
 *	  Acting as another role for a while.
 *
 * A function that acts as another role returns to the former one itself, except
 * after an error, when the end of the (sub)transaction does it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROLE_H
#define CMIG_ROLE_H

#include "postgres.h"

/* The role to return to. */
typedef struct CmigRole
{
	Oid			user;
	int			context;
	bool		read_only;		/* XactReadOnly */
} CmigRole;

/* Become another role, in a security-restricted operation. */
extern void cmig_role_act_as(CmigRole *saved, Oid role);

/*
 * The same to run code of ours on tables of that role, whose policies do not
 * apply even if they are forced.
 */
extern void cmig_role_act_as_owner(CmigRole *saved, Oid role);

/*
 * The same to run code that must not change anything, so that what was checked
 * before stays true.  Locks keep other sessions from changing it.
 */
extern void cmig_role_read_as(CmigRole *saved, Oid role);

/*
 * Become the caller again, to write to pg_cmig's tables while the current role
 * is that of a script or a function.
 */
extern void cmig_role_act_as_caller(CmigRole *saved, Oid caller);

/* Return to the former role. */
extern void cmig_role_return(const CmigRole *saved);

#endif							/* CMIG_ROLE_H */
