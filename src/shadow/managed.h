/*
 * managed.h
 *	  The schemas that cmig.diff compares.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MANAGED_H
#define CMIG_MANAGED_H

#include "postgres.h"
#include "base/revision.h"

/* A schema that is compared. */
typedef struct CmigManagedSchema
{
	char	   *name;
	Oid			oid;			/* InvalidOid if the schema does not exist */
	bool		owned;			/* true if the current user owns the schema,
								 * or is a member of the role that owns it */
} CmigManagedSchema;

/* The schemas that are compared. */
typedef struct CmigManaged
{
	bool		all;			/* true if all schemas are compared, including
								 * those that the target creates */
	int			count;
	CmigManagedSchema *schemas; /* sorted by name, bytewise */
} CmigManaged;

/*
 * Returns the named schemas, whether or not they exist.  If "names" is NULL,
 * returns all schemas in the database except system schemas, temporary
 * schemas, schemas that belong to extensions, cmig, and cmig_audit.  Raises
 * error 22023 if a system schema, a temporary schema, cmig, or cmig_audit is
 * named.
 */
extern CmigManaged *cmig_managed_schemas(const CmigNames *names);

/*
 * Returns a copy of "managed" with one more schema, which the current user has
 * created.
 */
extern const CmigManaged *cmig_managed_with(const CmigManaged *managed, char *name, Oid oid);

/*
 * Add the audit log's schema if it exists, because replayed revisions create
 * their own log.  Images do not contain this schema.
 */
extern void cmig_managed_add_audit(CmigManaged *managed);

/* Returns the schemas' names, or NULL if all schemas are compared. */
extern CmigNames *cmig_managed_names(const CmigManaged *managed);

/* Is this one of pg_cmig's own schemas, cmig or cmig_audit? */
extern bool cmig_managed_is_own_name(const char *schema);

#endif							/* CMIG_MANAGED_H */
