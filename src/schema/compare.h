/*
 * compare.h
 *	  What two images differ in.
 *
 * Pure.  Every object has a change, most of them none.  What must be dropped
 * for a moment, as something that it depends on is, is found here, too.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_COMPARE_H
#define CMIG_COMPARE_H

#include "postgres.h"
#include "schema/annotate.h"
#include "schema/image.h"

typedef enum CmigAction
{
	CMIG_NO_CHANGE,
	CMIG_CREATE,
	CMIG_ALTER,
	CMIG_DROP,
	CMIG_AGAIN,					/* dropped, and made again */
	CMIG_UNSUPPORTED
} CmigAction;

typedef struct CmigChange
{
	CmigAction	action;
	CmigObject *from;			/* NULL: new */
	CmigObject *to;				/* NULL: gone */
	List	   *ddl;			/* of CmigDdl, to alter it */
	char	   *reason;			/* why it is unsupported */
	bool		disturbs;		/* see CmigAlter */
	bool		recasts;
	bool		late;
	CmigObject *away;			/* of what is made beside the old one: what
								 * that is called until it is dropped */
	struct CmigChange *host;	/* whose statements do it, or NULL */
	List	   *riders;			/* changes whose host it is, but for folded
								 * ones */
	int			first_node;		/* for order.c: of the drop or the alteration */
	int			last_node;		/* of the creation or the alteration */
	int			away_node;		/* in which the old one is renamed */
} CmigChange;

typedef struct CmigDifference
{
	const CmigImage *from;
	const CmigImage *to;
	const CmigDiffOptions *options;
	int			count;
	CmigChange *changes;
	CmigChange **of_from;		/* by index in the image */
	CmigChange **of_to;
} CmigDifference;

extern CmigDifference *cmig_compare(CmigImage *from, CmigImage *to,
									const CmigDiffOptions *options);

/* Decide again what is part of another's statement, once folded was cleared. */
extern void cmig_compare_hosts(CmigDifference *difference);

#endif							/* CMIG_COMPARE_H */
