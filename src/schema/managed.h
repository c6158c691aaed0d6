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
	bool		owned;			/* the current user is the owner or a member
								 * of it */
} CmigManagedSchema;

/* The schemas that are compared. */
typedef struct CmigManaged
{
	bool		all;			/* all schemas are compared, including ones
								 * that the target creates */
	int			count;
	CmigManagedSchema *schemas; /* sorted by name, bytewise */
} CmigManaged;

/*
 * The named schemas, whether they exist or not.  With NULL, all schemas of the
 * database except for system schemas, temporary schemas, schemas of
 * extensions, cmig, and cmig_audit.  Raises 22023 if one of these exceptions
 * is named.
 */
extern CmigManaged *cmig_managed_schemas(const CmigNames *names);

/* The same schemas and one that the current user has created. */
extern const CmigManaged *cmig_managed_with(const CmigManaged *managed, char *name, Oid oid);

/*
 * Add the schema of the audit log, if it exists, because revisions that are
 * replayed create their own log. Images do not contain it.
 */
extern void cmig_managed_add_audit(CmigManaged *managed);

/* The names of the schemas, or NULL if all schemas are compared. */
extern CmigNames *cmig_managed_names(const CmigManaged *managed);

/* Is it the schema of pg_cmig or of its audit log? */
extern bool cmig_managed_is_own_name(const char *schema);

#endif							/* CMIG_MANAGED_H */
