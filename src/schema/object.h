/*
 * object.h
 *	  One object of a schema.
 *
 * Pure: memory in, memory out.  An object is what its kind (kind.h) reads of
 * it: an identity by which two images are matched, properties as texts, and
 * the objects that it depends on.  The SQL that makes it is derived from these
 * when it is needed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OBJECT_H
#define CMIG_OBJECT_H

#include "postgres.h"
#include "nodes/pg_list.h"

struct CmigKind;

/* As pg_depend has it. */
typedef struct CmigAddress
{
	Oid			catalog;
	Oid			object;
	int32		sub;			/* the number of a column, or 0 */
} CmigAddress;

/* One way in which privileges differ from those that a new object has. */
typedef struct CmigGrant
{
	const char *grantee;		/* quoted, PUBLIC, or NULL for the owner */
	const char *privilege;
	bool		grantable;
	bool		granted;		/* false: taken from the default ones */
} CmigGrant;

typedef struct CmigObject
{
	const struct CmigKind *kind;
	CmigAddress address;
	int			index;			/* in the image */
	char	   *name;			/* unquoted */
	char	   *identity;		/* qualified and quoted */
	char	   *owner;			/* unquoted; NULL if its kind has none */
	char	   *comment;
	char	   *index_comment;	/* on the index of a constraint */
	List	   *grants;			/* of CmigGrant, sorted */
	struct CmigObject *parent;	/* a column's table, NULL if it has none */
	struct CmigObject *child;	/* first of those whose parent it is */
	struct CmigObject *last_child;
	struct CmigObject *sibling; /* next child of the parent */
	int			ndepends;
	struct CmigObject **depends;	/* the parent is not among them */
	int			nsoft;
	struct CmigObject **soft;	/* what it names in a text, perhaps */
	bool		inherited;		/* the parent table's definition makes it */
	bool		linked;			/* its owner is that of another object */
	bool		folded;			/* made by the statement of its parent */
	bool		alone;			/* its table is taken from the parent
								 * meanwhile */
	bool		apart;			/* it must not be folded */
	bool		keeps;			/* it is made again with what is not compared */
	char	   *values[FLEXIBLE_ARRAY_MEMBER];	/* by property of the kind;
												 * NULL: the default */
} CmigObject;

#endif							/* CMIG_OBJECT_H */
