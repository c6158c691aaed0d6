/*
 * rls_owner.h
 *	  Decides whether a column says to whom a row belongs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OWNER_H
#define CMIG_RLS_OWNER_H

#include "postgres.h"
#include "access/attnum.h"

/* Does its name suggest that, as "tenant_id" or "owner" does? */
extern bool cmig_rls_owner_is_named(const char *name);

/* Is its name "id", or does it have a unique index of its own? */
extern bool cmig_rls_owner_is_unique(Oid relid, AttrNumber attno);

/*
 * Does a column say to whom a row belongs: by its name, because it is unique,
 * or because it references a table whose rows belong to somebody?  Rows of
 * different tenants then have different values in it.
 */
extern bool cmig_rls_owner_is_told_by(Oid relid, AttrNumber attno);

#endif							/* CMIG_RLS_OWNER_H */
