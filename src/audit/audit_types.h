/*
 * audit_types.h
 *	  Types whose values must not become jsonb with the caller's rights.
 *
 * to_jsonb() of a type that a role has made calls a cast to json, which it
 * looks up for each value.  Its owner can make such a cast at any moment and
 * without touching a table that uses the type, so looking once is not enough.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_AUDIT_TYPES_H
#define CMIG_AUDIT_TYPES_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * Raise an error if a cast to json that is a function of another role (not a
 * superuser) exists for one of the types, or for what they are made of.
 * Otherwise keep others from making one, until the types are released; true if
 * there was anything to keep from them.
 */
extern bool cmig_audit_types_hold(List *types);
extern void cmig_audit_types_release(bool held);

#endif							/* CMIG_AUDIT_TYPES_H */
