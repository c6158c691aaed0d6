/*
 * target_result.h
 *	  The result of running a target's SQL, apart from the objects in the
 *	  catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_RESULT_H
#define CMIG_TARGET_RESULT_H

#include "postgres.h"
#include "nodes/pg_list.h"

/*
 * A note: a part of the target that could not be executed, and is therefore
 * missing from the catalogs.  "kind" is the word for the part in result rows
 * ("role", "event trigger", "owner", "privilege" ...), and "object" is the
 * name as written in the target.
 */
typedef struct CmigTargetNote
{
	const char *kind;
	char	   *object;
	char	   *reason;			/* text for the "hazard" column */
	int			line;
	char	   *role;			/* the intended owner, or NULL */
} CmigTargetNote;

/* The result of running a target's SQL. */
typedef struct CmigTarget
{
	List	   *notes;			/* list of CmigTargetNote, in the order of the
								 * statements */
	List	   *renames;		/* list of char *: "table public.a -> b",
								 * "column public.b.x -> y", from -- @renamed
								 * comments; the table is named as in the
								 * target */
	List	   *elsewhere;		/* list of char *: schemas that are not
								 * compared; statements about them were left
								 * out */
} CmigTarget;

#endif							/* CMIG_TARGET_RESULT_H */
