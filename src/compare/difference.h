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
#include "compare/annotate.h"
#include "kinds/image.h"

/* What happens to an object between the old and the new image. */
typedef enum CmigAction
{
	CMIG_NO_CHANGE,
	CMIG_CREATE,
	CMIG_ALTER,
	CMIG_DROP,
	CMIG_AGAIN,					/* dropped and created again */
	CMIG_UNSUPPORTED
} CmigAction;

/*
 * The change of one object: the object in both images, and the statements that
 * turn the old version into the new one.
 */
typedef struct CmigChange
{
	CmigAction	action;
	CmigObject *from;			/* NULL: the object is new */
	CmigObject *to;				/* NULL: the object is dropped */
	List	   *ddl;			/* list of CmigDdl that alter the object */
	List	   *first;			/* see CmigAlter */
	List	   *last;
	bool		differs;		/* false if the object is the same in both
								 * images, but a change of another object
								 * affects it */
	bool		shown;			/* true if the change has a row in the result */
	char	   *reason;			/* why the action is CMIG_UNSUPPORTED */
	bool		disturbs;		/* see CmigAlter */
	bool		recasts;
	bool		late;
	List	   *left;			/* if only some children of a parent table
								 * lose a column: the columns of these
								 * children, which are dropped by separate
								 * statements */
	bool		only;			/* true if the column is dropped with ALTER
								 * TABLE ONLY, because some children keep the
								 * column */
	bool		untyped;		/* true for a typed table that is an ordinary
								 * table while its type is replaced */
	bool		trades;			/* true for a column that changes its type
								 * while the old type has a temporary name */
	bool		queued;			/* true if the object's dependents have been
								 * examined for queued_action */
	CmigAction	queued_action;	/* the value of "action" when the dependents
								 * were last examined */
	CmigObject *away;			/* the old object under its temporary name, if
								 * the new object is created before the old
								 * one is dropped */
	struct CmigChange *host;	/* the change whose statement also performs
								 * this change, or NULL; see host.h */
	List	   *copies;			/* for a re-created column: the changes of the
								 * inheriting columns that its statements also
								 * drop and create */
	List	   *riders;			/* changes of objects that this change's DROP
								 * statement also drops; see host.h */
	bool		empties;		/* true if the change creates a materialized
								 * view without data, and the view is new or
								 * had data */
	bool		unchecked;		/* true for a function that must be created
								 * without checking its body, because the body
								 * names objects that may not exist then */
	struct CmigChange *dropped_by;	/* NULL, or for a function or the
									 * definition of a base type: the type's
									 * change, whose DROP TYPE also drops this
									 * object */
	bool		taken;			/* true for a base type's function that is
								 * also dropped when the creation of the type
								 * is reverted */
	List	   *takes;			/* the changes whose "dropped_by" is this
								 * change, in the order in which their objects
								 * are created */
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
	CmigChange **of_from;		/* for each object in "from", by its index:
								 * its change */
	CmigChange **of_to;
} CmigDifference;

/* Does the change create an object, even if only after dropping it? */
static inline bool
cmig_change_creates(const CmigChange *change)
{
	return change->action == CMIG_CREATE || change->action == CMIG_AGAIN;
}

/* Does the change drop an object, even if only to create it again? */
static inline bool
cmig_change_drops(const CmigChange *change)
{
	return change->action == CMIG_DROP || change->action == CMIG_AGAIN;
}

#endif							/* CMIG_DIFFERENCE_H */
