/*
 * difference.h
 *	  The differences between two images, as a change for each object.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DIFFERENCE_H
#define CMIG_DIFFERENCE_H

#include "postgres.h"
#include "schema/annotate.h"
#include "schema/image.h"

/* The change of an object between the old and the new image. */
typedef enum CmigAction
{
	CMIG_NO_CHANGE,
	CMIG_CREATE,
	CMIG_ALTER,
	CMIG_DROP,
	CMIG_AGAIN,					/* dropped and created again */
	CMIG_UNSUPPORTED
} CmigAction;

/* An object in the two images, and how to change it. */
typedef struct CmigChange
{
	CmigAction	action;
	CmigObject *from;			/* NULL: the object is new */
	CmigObject *to;				/* NULL: the object is dropped */
	List	   *ddl;			/* of CmigDdl, to alter the object */
	List	   *first;			/* see CmigAlter */
	List	   *last;
	bool		differs;		/* false if the object is the same in both
								 * images, but a change of another object
								 * affects it */
	bool		shown;			/* the change has a row in the result */
	char	   *reason;			/* why the change is not supported */
	bool		disturbs;		/* see CmigAlter */
	bool		recasts;
	bool		late;
	List	   *left;			/* children's columns that are dropped by
								 * separate statements, because other children
								 * keep theirs */
	bool		only;			/* true for a column that some children keep */
	bool		untyped;		/* true for a typed table whose type is
								 * replaced */
	bool		trades;			/* true for a column that changes its type
								 * while the old type has a temporary name */
	bool		queued;			/* the object's dependents have been examined
								 * ... */
	CmigAction	queued_action;	/* ... for this action */
	CmigObject *away;			/* the old object under its temporary name, if
								 * the new object is created before the old
								 * one is dropped */
	struct CmigChange *host;	/* the change whose statements include this
								 * one, or NULL */
	List	   *riders;			/* changes whose host is this one and whose
								 * objects are not folded */
	bool		unchecked;		/* true for a function that is created before
								 * objects that its body names */
	struct CmigChange *dropped_by;	/* the change whose DROP statement also
									 * drops this object, although it is not a
									 * child */
	bool		taken;			/* true for a function that is also dropped
								 * when the creation of its base type is
								 * reverted */
	List	   *takes;			/* changes whose dropped_by is this one, in
								 * the order in which their objects are
								 * created */
	int			first_node;		/* for order.c: node that drops or alters the
								 * object */
	int			last_node;		/* node that creates or alters the object */
	int			part_node;		/* node that removes parents (NO INHERIT) */
	int			join_node;		/* node that adds parents (INHERIT) */
	int			away_node;		/* node that renames the old object */
} CmigChange;

/* Two images and a change for each object in either of them. */
typedef struct CmigDifference
{
	const CmigImage *from;
	const CmigImage *to;
	const CmigDiffOptions *options;
	int			count;
	CmigChange *changes;
	CmigChange **of_from;		/* by the object's index in the image */
	CmigChange **of_to;
} CmigDifference;

/* Does the change create an object that is new, or was dropped temporarily? */
static inline bool
cmig_change_creates(const CmigChange *change)
{
	return change->action == CMIG_CREATE || change->action == CMIG_AGAIN;
}

/* Does the change drop an object, at least temporarily? */
static inline bool
cmig_change_drops(const CmigChange *change)
{
	return change->action == CMIG_DROP || change->action == CMIG_AGAIN;
}

#endif							/* CMIG_DIFFERENCE_H */
