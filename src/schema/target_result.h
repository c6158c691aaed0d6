/*
 * target_result.h
 *	  What running a target's SQL tells, beside what it made.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_RESULT_H
#define CMIG_TARGET_RESULT_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * What of the target could not be carried out, so that the catalogs do not
 * have it.  kind is the word of the rows ("role", "event trigger", "owner",
 * "privilege" ...), object as it was written.
 */
typedef struct CmigTargetNote
{
	const char *kind;
	char	   *object;
	char	   *reason;			/* for the column hazard */
	int			line;
	bool		is_live;		/* the live database has an object of that
								 * kind and name, which another role owns: it
								 * stays as it is */
} CmigTargetNote;

typedef struct CmigTarget
{
	List	   *notes;			/* of CmigTargetNote, in order of the text */
	List	   *renames;		/* of char *: "table public.a -> b", "column
								 * public.b.x -> y", by -- @renamed comments;
								 * a column's table has its name of the target */
} CmigTarget;

#endif							/* CMIG_TARGET_RESULT_H */
