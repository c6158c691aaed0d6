/*
 * rls_owner.h
 *	  Decides whether a column tells who owns a row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_OWNER_H
#define CMIG_RLS_OWNER_H

#include "postgres.h"
#include "access/attnum.h"

/*
 * Returns true if the name suggests an owner, as "tenant_id" and "owner" do.
 */
extern bool cmig_rls_owner_is_named(const char *name);

/*
 * Returns true if the column is named "id" or is the only key of a unique
 * index.
 */
extern bool cmig_rls_owner_is_unique(Oid relid, AttrNumber attno);

/*
 * Returns true if the column tells who owns a row: because of its name,
 * because it is unique, or because it references a table that has an owner.
 * Rows of different tenants then have different values in the column.
 */
extern bool cmig_rls_owner_is_told_by(Oid relid, AttrNumber attno);

#endif							/* CMIG_RLS_OWNER_H */
