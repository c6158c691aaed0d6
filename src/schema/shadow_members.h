/*
 * shadow_members.h
 *	  The members of extensions in the shadow.
 *
 * Extensions are cluster software with the rights of others, so nothing of
 * them is made again: their members get another schema, row by row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SHADOW_MEMBERS_H
#define CMIG_SHADOW_MEMBERS_H

#include "postgres.h"

/* What belongs to an extension, itself or with a member of it. */
typedef struct CmigMember
{
	Oid			catalog;
	Oid			object;
	Oid			extension;
} CmigMember;

typedef struct CmigMembers
{
	int			count;
	CmigMember *members;
} CmigMembers;

/* What pg_extension says of one, and what it is called meanwhile. */
typedef struct CmigExtension
{
	Oid			oid;
	char	   *name;
	Oid			schema;			/* the live one */
	bool		declared;		/* by the target's SQL */
} CmigExtension;

/* All that have a schema; in the current memory context. */
extern CmigMembers *cmig_shadow_members_list(void);

/* Move those of one extension, or of all with InvalidOid, from schema to schema. */
extern void cmig_shadow_members_move(const CmigMembers *members, Oid extension,
									 Oid from, Oid to);

/* Is the relation one of them? */
extern bool cmig_shadow_members_has_relation(const CmigMembers *members, Oid relation);

/*
 * The extensions whose declaration counts: not those that the server was made
 * with, and not pg_cmig.  In the current memory context.
 */
extern CmigExtension *cmig_shadow_extension_list(int *count);

/* Take the name away, and give it back. */
extern void cmig_shadow_extension_hide(CmigExtension *extension);
extern void cmig_shadow_extension_declare(CmigExtension *extension);

/* What the rows say of schema and version. */
extern void cmig_shadow_extension_set_schema(const CmigExtension *extension, Oid from, Oid to);
extern void cmig_shadow_extension_set_version(const CmigExtension *extension, const char *version);

#endif							/* CMIG_SHADOW_MEMBERS_H */
