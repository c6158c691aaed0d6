/*
 * managed.h
 *	  The schemas that are compared.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MANAGED_H
#define CMIG_MANAGED_H

#include "postgres.h"
#include "base/revision.h"

typedef struct CmigManagedSchema
{
	char	   *name;
	Oid			oid;			/* InvalidOid: there is no such schema */
	bool		owned;			/* the current user is its owner or a member */
} CmigManagedSchema;

typedef struct CmigManaged
{
	bool		all;			/* none were named: new ones count too */
	int			count;
	CmigManagedSchema *schemas; /* sorted by the bytes of their names */
} CmigManaged;

/*
 * The schemas named, whether they exist or not; with NULL all of the database
 * but the server's, temporary ones, those of extensions, cmig and cmig_audit.
 * Raises 22023 for one of these among the names.
 */
extern CmigManaged *cmig_managed_schemas(const CmigNames *names);

/* Is it the schema of pg_cmig, or of its audit log? */
extern bool cmig_managed_is_own_name(const char *schema);

#endif							/* CMIG_MANAGED_H */
