/*
 * shadow.h
 *	  Runs a task while the database's managed schemas are empty.
 *
 * A shadow is a subtransaction that is always rolled back.  In it, the managed
 * schemas (see managed.h) are renamed, and empty schemas with their names,
 * owners, privileges, and comments are created.  Extension members in these
 * schemas are moved to the new ones.  Objects that have no schema and do not
 * belong to an extension are hidden: publications, event triggers, casts,
 * servers, languages and the like, and default privileges.  Extensions are
 * also hidden (see cmig_shadow_is_hidden()) until the target's SQL creates
 * them.  Objects that exist outside of the shadow are called live.
 *
 * Live tables are not locked.  Other sessions notice nothing, except that a
 * session that alters a managed schema itself, or an extension in one, has to
 * wait until the shadow has ended.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_H
#define CMIG_SHADOW_H

#include "postgres.h"
#include "shadow/managed.h"
#include "shadow/shadow_global.h"
#include "shadow/shadow_members.h"

/* A live schema, and the empty schema that temporarily has its name. */
typedef struct CmigShadowSchema
{
	char	   *name;
	char	   *away;			/* the live schema's temporary name */
	Oid			live;			/* the live schema, whose OID does not change;
								 * InvalidOid if there is none */
	Oid			shadow;			/* the empty schema with the live schema's
								 * name */
	bool		created;		/* true if the target has a CREATE SCHEMA for
								 * it */
} CmigShadowSchema;

/* Everything that is hidden while a target runs. */
typedef struct CmigShadow
{
	const CmigManaged *managed; /* the schemas passed to cmig_shadow_run() */
	int			count;
	CmigShadowSchema *schemas;	/* existing schemas that the caller owns,
								 * sorted by name; also public if it does not
								 * exist */
	int			nextensions;
	CmigExtension *extensions;
	CmigMembers *members;		/* members of extensions */
	int			nlive;			/* number of elements of "live": the schemas
								 * that existed before the shadow, sorted by
								 * OID */
	Oid		   *live;
	CmigHidden *hidden;			/* hidden objects without a schema */
	Datum		sequences;		/* an oid[]: all sequences that existed before
								 * the shadow */
	TransactionId xid;			/* of the shadow's subtransaction */
} CmigShadow;

/*
 * A task: a function that cmig_shadow_run() calls in the shadow.  It runs in
 * the caller's memory context, so that its results outlive the shadow.  An
 * error that it raises is raised again after the rollback.
 */
typedef void (*CmigShadowTask) (CmigShadow *shadow, void *arg);

/*
 * Run a task in a shadow of the managed schemas.  For error messages, "caller"
 * is the name of the SQL function, such as "cmig.diff()".  Raises error 42501
 * if a schema was named explicitly and the current user does not own it.
 * Other schemas that the user does not own are left as they are.  Raises error
 * 25006 in a read-only transaction and on a standby.  Shadows cannot be
 * nested.
 */
extern void cmig_shadow_run(const CmigManaged *managed, const char *caller,
							CmigShadowTask task, void *arg);

/*
 * Run a task while the live schema "schema" is called "name".  Another schema
 * that has this name is given a temporary name.  Definitions deparsed from
 * "schema" then contain "name".  The task's shadow argument is NULL.  The task
 * must not run the caller's SQL, because the caller need not own either
 * schema.
 */
extern void cmig_shadow_rename(Oid schema, const char *name, const char *caller,
							   CmigShadowTask task, void *arg);

/*
 * Returns the managed schemas that exist in the target.  Call this in a task,
 * after the target's SQL.  Schemas that the target neither created nor filled
 * are left out, except for public if it is live.
 */
extern CmigManaged *cmig_shadow_schemas(CmigShadow *shadow);

/*
 * Return the managed schema with this name, or with this OID in the shadow.
 * Return NULL if there is no such schema.
 */
extern CmigShadowSchema *cmig_shadow_find(CmigShadow *shadow, const char *name);
extern CmigShadowSchema *cmig_shadow_find_oid(CmigShadow *shadow, Oid shadow_schema);

/* Has the target neither created the schema nor put anything into it? */
extern bool cmig_shadow_is_unused(const CmigShadowSchema *schema);

/*
 * Is the schema live, that is, created neither by the shadow nor by the
 * target?  A relation is live if its schema is live, or if it is an extension
 * member.
 */
extern bool cmig_shadow_is_live_schema(const CmigShadow *shadow, Oid schema);
extern bool cmig_shadow_is_live_relation(const CmigShadow *shadow, Oid relation);

/*
 * Is this the temporary name of an extension that the target has not created
 * yet?
 */
extern bool cmig_shadow_is_hidden(const char *name);

#endif							/* CMIG_SHADOW_H */
