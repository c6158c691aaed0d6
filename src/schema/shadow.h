/*
 * shadow.h
 *	  The database with its managed schemas empty, for as long as a task takes.
 *
 * Inside a subtransaction, which is always rolled back, the managed schemas
 * are renamed away and made again under their names, with owner, privileges
 * and comment.  The members of extensions that live in them are in the new
 * ones.  Objects without a schema that no extension made are hidden:
 * publications, event triggers, casts, servers, languages and the like, and
 * default privileges.  Extensions are not declared (cmig_shadow_is_hidden)
 * until the target's SQL creates them.
 *
 * Live tables are not locked.  Other sessions see nothing of it; those that
 * alter a managed schema itself, or an extension in one, wait for its end.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_H
#define CMIG_SHADOW_H

#include "postgres.h"
#include "schema/managed.h"
#include "schema/shadow_global.h"
#include "schema/shadow_members.h"

typedef struct CmigShadowSchema
{
	char	   *name;
	char	   *away;			/* what the live one is called meanwhile */
	Oid			live;			/* it keeps its oid */
	Oid			shadow;			/* the one made again */
	bool		created;		/* a CREATE SCHEMA of the target named it */
} CmigShadowSchema;

typedef struct CmigShadow
{
	const CmigManaged *managed; /* as given */
	int			count;
	CmigShadowSchema *schemas;	/* those that exist and are the caller's,
								 * sorted by name */
	int			nextensions;
	CmigExtension *extensions;
	CmigMembers *members;		/* of extensions */
	int			nlive;			/* all other schemas that are live, sorted */
	Oid		   *live;
	CmigHidden *hidden;			/* objects without a schema */
} CmigShadow;

/*
 * Runs in the caller's memory context, so that what it allocates outlives the
 * shadow.  Its error is raised again when all is rolled back.
 */
typedef void (*CmigShadowTask) (CmigShadow *shadow, void *arg);

/*
 * Run a task in the shadow of these schemas.  caller is named in errors
 * ("cmig.diff").  A schema that the current user does not own raises 42501 if
 * it was named; of all, it stays as it is.  Raises 25006 in a read-only
 * transaction and on a standby.  Shadows do not nest.
 */
extern void cmig_shadow_run(const CmigManaged *managed, const char *caller,
							CmigShadowTask task, void *arg);

/*
 * Run a task while one live schema bears the name of another, which is renamed
 * away: what is deparsed of "schema" meanwhile names "name".  The task must
 * not run SQL of the caller's, who need not own either; its shadow is NULL.
 */
extern void cmig_shadow_rename(Oid schema, const char *name, const char *caller,
							   CmigShadowTask task, void *arg);

/*
 * In a task, after the target's SQL: the managed schemas as the target has
 * them.  What it neither created nor filled is gone, except for public.
 */
extern CmigManaged *cmig_shadow_schemas(CmigShadow *shadow);

/* The entry of a schema by name or by the new oid, or NULL. */
extern CmigShadowSchema *cmig_shadow_find(CmigShadow *shadow, const char *name);
extern CmigShadowSchema *cmig_shadow_find_oid(CmigShadow *shadow, Oid shadow_schema);

/*
 * Is the object in a schema that the shadow did not make and that the target
 * did not create: is it live?
 */
extern bool cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema);
extern bool cmig_shadow_is_live_relation(const CmigShadow *shadow, Oid relation);

/* Is it the name that an extension, not declared by the target, has meanwhile? */
extern bool cmig_shadow_is_hidden(const char *name);

#endif							/* CMIG_SHADOW_H */
