/*
 * object.h
 *	  One object of a schema.
 *
 * Pure: memory in, memory out.  An object contains what its kind (kind.h) reads
 * from the catalogs: an identity by which two images are matched, properties
 * as texts, and the objects that it depends on.  The SQL that creates it is
 * generated from these when it is needed.
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
	int32		sub;			/* the number of a column, or 0 */
} CmigAddress;

/* One way in which privileges differ from those that a new object has. */
typedef struct CmigGrant
{
	const char *grantee;		/* quoted, PUBLIC, or NULL for the owner */
	const char *privilege;
	const char *grantor;		/* quoted, or NULL for the owner */
	bool		grantable;
	bool		granted;		/* false: revoked, although a new object has
								 * it */
} CmigGrant;

/* An object of an image, with all that is compared. */
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
	List	   *grants;			/* of CmigGrant, sorted */
	List	   *sequence_grants;	/* those on the sequence of an identity
									 * column */
	struct CmigObject *parent;	/* a column's table, NULL if it has none */
	struct CmigObject *child;	/* first of its children */
	struct CmigObject *last_child;
	struct CmigObject *sibling; /* next child of the parent */
	int			ndepends;
	struct CmigObject **depends;	/* the parent is not in this list */
	int			nsoft;
	struct CmigObject **soft;	/* objects that a text, such as a function
								 * body, may refer to */
	bool		inherited;		/* inherited from the parent table */
	bool		linked;			/* its owner is always that of another object */
	bool		folded;			/* created by its parent's CREATE statement */
	bool		alone;			/* its table is detached from the parent
								 * during the change */
	bool		apart;			/* it must be neither folded nor dropped with
								 * its parent */
	const char *serial;			/* a column that is written as this type, such
								 * as serial; or NULL */
	bool		unfolded;		/* it must not be folded */
	struct CmigObject *lead;	/* see lead.h */
	int			turn;
	bool		foreign;		/* the caller may not alter it: it belongs to
								 * another role */
	const char *needs;			/* what the database lacks, so that it cannot
								 * be created; or NULL */
	bool		may_drop;		/* the caller may drop it although it is
								 * foreign, as the owner of its schema */
	bool		unchecked;		/* a function whose body the server refuses */
	bool		keeps;			/* properties that are not compared are kept
								 * when it is re-created */
	char	   *values[FLEXIBLE_ARRAY_MEMBER];	/* one for each property of
												 * the kind; NULL: the default */
} CmigObject;

#endif							/* CMIG_OBJECT_H */
