/*
 * audit_types.h
 *	  Protects against casts of user-defined types when values are converted to
 *	  jsonb.
 *
 * For a user-defined type, to_jsonb() calls a cast to json, which it looks up
 * for each value.  The type's owner can create such a cast at any moment,
 * without a lock on tables that use the type, so a single check is not
 * sufficient.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TYPES_H
#define CMIG_AUDIT_TYPES_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * cmig_audit_types_hold() raises an error if one of the types or their
 * components has a cast to json whose function belongs to another role that is
 * not a superuser.  Otherwise, it prevents other sessions from creating such a
 * cast until the types are released.  It returns true if this required a lock;
 * pass the result to cmig_audit_types_release().
 */
extern bool cmig_audit_types_hold(List *types);
extern void cmig_audit_types_release(bool held);

#endif							/* CMIG_AUDIT_TYPES_H */
