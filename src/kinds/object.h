/*
 * object.h
 *	  A schema object.
 *
 * An object holds what its kind (see kind.h) reads from the catalogs: the
 * identity by which objects in two images are matched, its properties as
 * strings, and the objects that it depends on.  CREATE statements are
 * generated from these when needed.
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

/*
 * A privilege that an object has, but a newly created object lacks, or vice
 * versa.
 */
typedef struct CmigGrant
{
	const char *grantee;		/* quoted, PUBLIC, or NULL for the owner */
	const char *privilege;
	const char *grantor;		/* quoted, or NULL for the owner */
	bool		grantable;
	bool		granted;		/* false: revoked, although a new object has
								 * the privilege */
} CmigGrant;

/*
 * An object in an image, with everything that is compared.  An image has an
 * object for each table, column, constraint, index, and so on.  To save
 * memory, fields of the same size are next to each other.
 */
typedef struct CmigObject
{
	const struct CmigKind *kind;
	char	   *name;			/* unquoted */
	char	   *identity;		/* qualified and quoted */
	char	   *owner;			/* unquoted; NULL if its kind has none */
	char	   *comment;
	char	   *index_comment;	/* comment on the index of a constraint, or on
								 * the sequence of an identity column */
	List	   *grants;			/* list of CmigGrant, sorted */
	List	   *sequence_grants;	/* grants on the sequence of an identity
									 * column */
	struct CmigObject *parent;	/* NULL, or the object that contains this one,
								 * such as a column's table */
	struct CmigObject *child;	/* first child */
	struct CmigObject *last_child;
	struct CmigObject *sibling; /* next child of the parent */
	struct CmigObject **depends;	/* objects that this one depends on,
									 * except its parent */
	struct CmigObject **soft;	/* objects that are created before this one,
								 * although it does not depend on them, such
								 * as objects that a function's body names */
	const char *serial;			/* NULL, or the pseudo-type with which a
								 * column is written, such as serial */
	struct CmigObject *lead;	/* the table next to which this table is
								 * placed; see lead.h */
	const char *needs;			/* NULL, or the reason why the object cannot
								 * be created: what the database lacks */
	char	   *const *values;	/* one for each property of the kind; NULL is
								 * the default.  Other objects may share the
								 * values: see cmig_object_set(). */

	CmigAddress address;
	int			index;			/* position in the image */
	int			ndepends;
	int			nsoft;
	int			turn;			/* position among tables with the same "lead" */

	bool		inherited;		/* true if inherited from a parent table */
	bool		linked;			/* true for a sequence with OWNED BY, which
								 * always has its table's owner */
	bool		folded;			/* true if the object is part of its parent's
								 * CREATE statement */
	bool		unfolded;		/* true if the object must not be part of its
								 * parent's CREATE statement */
	bool		alone;			/* true for an inherited object of a partition
								 * that is attached or detached during the
								 * change */
	bool		apart;			/* true if the object must be created and
								 * dropped by separate statements, not by its
								 * parent's statements */
	bool		foreign;		/* true if the object belongs to another role,
								 * and the caller is not allowed to alter it */
	bool		may_drop;		/* true if the object is foreign, but the
								 * caller may drop it as the owner of its
								 * schema */
	bool		unownable;		/* true if the owner lacks CREATE on the
								 * schema, so that the caller could not give a
								 * new object to the owner */
	bool		unchecked;		/* true for a function whose body PostgreSQL
								 * might reject, so that it is created with
								 * check_function_bodies turned off */
	bool		keeps;			/* true if the owner, privileges, and comments
								 * are restored when the object is re-created,
								 * even if they are not compared */
} CmigObject;

#endif							/* CMIG_OBJECT_H */
