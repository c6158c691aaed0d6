/*
 * object.h
 *	  A schema object.
 *
 * An object holds what its kind (see kind.h) reads from the catalogs: the
 * identity that matches objects in two images, its properties as text, and the
 * objects that it depends on.  The statement that creates it is generated from
 * these when needed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_OBJECT_H
#define CMIG_OBJECT_H

#include "postgres.h"
#include "nodes/pg_list.h"

struct CmigKind;

/* The address of an object, as in pg_depend. */
typedef struct CmigAddress
{
	Oid			catalog;
	Oid			object;
	int32		sub;			/* column number, or 0 */
} CmigAddress;

/* A difference between an object's privileges and those of a new object. */
typedef struct CmigGrant
{
	const char *grantee;		/* quoted, PUBLIC, or NULL for the owner */
	const char *privilege;
	const char *grantor;		/* quoted, or NULL for the owner */
	bool		grantable;
	bool		granted;		/* false: revoked, although a new object has
								 * the privilege */
} CmigGrant;

/* An object in an image, with everything that is compared. */
typedef struct CmigObject
{
	const struct CmigKind *kind;
	CmigAddress address;
	int			index;			/* position in the image */
	char	   *name;			/* unquoted */
	char	   *identity;		/* qualified and quoted */
	char	   *owner;			/* unquoted; NULL if its kind has none */
	char	   *comment;
	char	   *index_comment;	/* comment on the index of a constraint, or on
								 * the sequence of an identity column */
	List	   *grants;			/* list of CmigGrant, sorted */
	List	   *sequence_grants;	/* grants on the sequence of an identity
									 * column */
	struct CmigObject *parent;	/* such as a column's table, or NULL */
	struct CmigObject *child;	/* first of its children */
	struct CmigObject *last_child;
	struct CmigObject *sibling; /* next child of the parent */
	int			ndepends;
	struct CmigObject **depends;	/* does not include the parent */
	int			nsoft;
	struct CmigObject **soft;	/* objects that a text, such as a function
								 * body, may refer to */
	bool		inherited;		/* inherited from the parent table */
	bool		linked;			/* always has the owner of another object */
	bool		folded;			/* created by its parent's CREATE statement */
	bool		alone;			/* its table is detached from the parent
								 * during the change */
	bool		apart;			/* it must be neither folded nor dropped with
								 * its parent */
	const char *serial;			/* pseudo-type with which a column is written,
								 * such as serial; or NULL */
	bool		unfolded;		/* it must not be folded */
	struct CmigObject *lead;	/* see lead.h */
	int			turn;
	bool		foreign;		/* the caller may not alter it: it belongs to
								 * another role */
	const char *needs;			/* why the object cannot be created (something
								 * is missing from the database), or NULL */
	bool		may_drop;		/* the caller may drop it although it is
								 * foreign, as the owner of its schema */
	bool		unchecked;		/* a function whose body PostgreSQL rejects */
	bool		keeps;			/* properties that are not compared are kept
								 * when it is re-created */
	char	   *values[FLEXIBLE_ARRAY_MEMBER];	/* one for each property of
												 * the kind; NULL is the
												 * default */
} CmigObject;

#endif							/* CMIG_OBJECT_H */
