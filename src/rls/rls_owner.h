/*
 * rls_owner.h
 *	  Does a column tell whose a row is?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OWNER_H
#define CMIG_RLS_OWNER_H

#include "postgres.h"
#include "access/attnum.h"

/* By its name, as "tenant_id" or "owner" does? */
extern bool cmig_rls_owner_is_named(const char *name);

/* Is it "id", or does it have a unique index of its own? */
extern bool cmig_rls_owner_is_unique(Oid relid, AttrNumber attno);

/*
 * By its name, since it is unique, or since it refers to a table whose rows
 * belong to somebody: rows of different tenants have different values then.
 */
extern bool cmig_rls_owner_is_told_by(Oid relid, AttrNumber attno);

#endif							/* CMIG_RLS_OWNER_H */
