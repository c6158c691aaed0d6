/*
 * shadow_members.h
 *	  Moves extension members between schemas in the shadow.
 *
 * Extension scripts can run with privileges that the caller does not have, so
 * extensions are not re-created.  Instead, their members are moved to another
 * schema by changing catalog rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_MEMBERS_H
#define CMIG_SHADOW_MEMBERS_H

#include "postgres.h"

/* An object that is an extension member, or part of one. */
typedef struct CmigMember
{
	Oid			catalog;
	Oid			object;
	Oid			extension;
} CmigMember;

/* The members of all extensions. */
typedef struct CmigMembers
{
	int			count;
	CmigMember *members;
} CmigMembers;

/* An installed extension. */
typedef struct CmigExtension
{
	Oid			oid;
	char	   *name;
	Oid			schema;			/* the extension's schema outside the shadow */
	bool		declared;		/* true if the target's SQL has a CREATE
								 * EXTENSION for it */
} CmigExtension;

/*
 * Returns all extension members that have a schema, allocated in the current
 * memory context.
 */
extern CmigMembers *cmig_shadow_members_list(void);

/*
 * Move the members of one extension, or of all extensions if "extension" is
 * InvalidOid, from one schema to another.
 */
extern void cmig_shadow_members_move(const CmigMembers *members, Oid extension,
									 Oid from, Oid to);

/* Is the relation an extension member? */
extern bool cmig_shadow_members_has_relation(const CmigMembers *members, Oid relation);

/*
 * Returns the extensions that a target has to create: all except pg_cmig and
 * those that every new database has.  Allocated in the current memory context.
 */
extern CmigExtension *cmig_shadow_extension_list(int *count);

/* Hide an extension's name, or restore it. */
extern void cmig_shadow_extension_hide(CmigExtension *extension);
extern void cmig_shadow_extension_declare(CmigExtension *extension);

/* Set the schema or the version in an extension's pg_extension row. */
extern void cmig_shadow_extension_set_schema(const CmigExtension *extension, Oid from, Oid to);
extern void cmig_shadow_extension_set_version(const CmigExtension *extension, const char *version);

#endif							/* CMIG_SHADOW_MEMBERS_H */
