/*
 * shadow.h
 *	  Runs a task while the managed schemas of the database are empty.
 *
 * Inside a subtransaction, which is always rolled back, the managed schemas
 * are renamed, and empty schemas with their names, owners, privileges, and
 * comments are created.  Members of extensions in these schemas are moved to
 * the new ones.  Objects without a schema that do not belong to an extension
 * are hidden: publications, event triggers, casts, servers, languages and the
 * like, and default privileges.  Extensions are hidden, too
 * (cmig_shadow_is_hidden), until the target's SQL creates them.
 *
 * Live tables are not locked.  Other sessions notice nothing, but a session
 * that alters a managed schema itself, or an extension in one, has to wait
 * until the shadow has ended.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_H
#define CMIG_SHADOW_H

#include "postgres.h"
#include "schema/managed.h"
#include "schema/shadow_global.h"
#include "schema/shadow_members.h"

/* A live schema, and the empty one that has its name for a while. */
typedef struct CmigShadowSchema
{
	char	   *name;
	char	   *away;			/* the live schema's temporary name */
	Oid			live;			/* the live schema, whose oid does not change;
								 * invalid if there is none */
	Oid			shadow;			/* the empty schema with its name */
	bool		created;		/* the target has a CREATE SCHEMA for it */
} CmigShadowSchema;

/* Everything that is hidden while a target runs. */
typedef struct CmigShadow
{
	const CmigManaged *managed; /* as given */
	int			count;
	CmigShadowSchema *schemas;	/* schemas that exist and that the caller
								 * owns, sorted by name, and public if it does
								 * not exist */
	int			nextensions;
	CmigExtension *extensions;
	CmigMembers *members;		/* of extensions */
	int			nlive;			/* all other schemas, which are left as they
								 * are, sorted */
	Oid		   *live;
	CmigHidden *hidden;			/* hidden objects without a schema */
} CmigShadow;

/*
 * A task.  It runs in the caller's memory context, so that what it allocates
 * outlives the shadow.  If it raises an error, that is raised again after the
 * rollback.
 */
typedef void (*CmigShadowTask) (CmigShadow *shadow, void *arg);

/*
 * Run a task in a shadow of these schemas.  caller is the function's name for
 * errors ("cmig.diff").  A schema that the current user does not own raises
 * 42501 if it was named explicitly; if all schemas are meant, it is left as it
 * is. Raises 25006 in a read-only transaction and on a standby.  Shadows
 * cannot be nested.
 */
extern void cmig_shadow_run(const CmigManaged *managed, const char *caller,
							CmigShadowTask task, void *arg);

/*
 * Run a task while one live schema has the name of another, which is renamed
 * for that time: what is deparsed from "schema" then contains "name".  The
 * task must not run the caller's SQL, because the caller need not own either
 * schema; its shadow is NULL.
 */
extern void cmig_shadow_rename(Oid schema, const char *name, const char *caller,
							   CmigShadowTask task, void *arg);

/*
 * For tasks, after the target's SQL: the managed schemas that the target has.
 * Schemas that it neither created nor filled are left out, except for public if
 * it is live.
 */
extern CmigManaged *cmig_shadow_schemas(CmigShadow *shadow);

/* The managed schema of this name or of the new oid, or NULL. */
extern CmigShadowSchema *cmig_shadow_find(CmigShadow *shadow, const char *name);
extern CmigShadowSchema *cmig_shadow_find_oid(CmigShadow *shadow, Oid shadow_schema);

/* Has the target neither created the schema nor put anything into it? */
extern bool cmig_shadow_is_unused(const CmigShadowSchema *schema);

/*
 * Is the object live, that is, in a schema that neither the shadow nor the
 * target has created?
 */
extern bool cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema);
extern bool cmig_shadow_is_live_relation(const CmigShadow *shadow, Oid relation);

/*
 * Is this the temporary name of an extension that the target has not created
 * yet?
 */
extern bool cmig_shadow_is_hidden(const char *name);

#endif							/* CMIG_SHADOW_H */
