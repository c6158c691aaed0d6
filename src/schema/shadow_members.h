/*
 * shadow_members.h
 *	  Moves the members of extensions in the shadow.
 *
 * Scripts of extensions can run with privileges that the caller does not have,
 * so extensions are not created again: their members are moved to another
 * schema by changing rows of the catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_MEMBERS_H
#define CMIG_SHADOW_MEMBERS_H

#include "postgres.h"

/* An object that is a member of an extension, or part of a member. */
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

/* An extension: its row in pg_extension, and its temporary name. */
typedef struct CmigExtension
{
	Oid			oid;
	char	   *name;
	Oid			schema;			/* the schema that it has outside the shadow */
	bool		declared;		/* the target's SQL has a CREATE EXTENSION for
								 * it */
} CmigExtension;

/* All members that are in a schema, allocated in the current memory context. */
extern CmigMembers *cmig_shadow_members_list(void);

/*
 * Move the members of one extension, or of all if it is InvalidOid, from one
 * schema to another.
 */
extern void cmig_shadow_members_move(const CmigMembers *members, Oid extension,
									 Oid from, Oid to);

/* Is the relation a member? */
extern bool cmig_shadow_members_has_relation(const CmigMembers *members, Oid relation);

/*
 * The extensions that a target has to create: all but those that every new
 * database has, and pg_cmig.  Allocated in the current memory context.
 */
extern CmigExtension *cmig_shadow_extension_list(int *count);

/* Hide an extension's name, and restore it. */
extern void cmig_shadow_extension_hide(CmigExtension *extension);
extern void cmig_shadow_extension_declare(CmigExtension *extension);

/* The schema and the version in pg_extension. */
extern void cmig_shadow_extension_set_schema(const CmigExtension *extension, Oid from, Oid to);
extern void cmig_shadow_extension_set_version(const CmigExtension *extension, const char *version);

#endif							/* CMIG_SHADOW_MEMBERS_H */
