/*
 * target.h
 *	  Runs the SQL that makes the target's schema, in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_TARGET_H
#define CMIG_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "schema/shadow.h"

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
} CmigTargetNote;

typedef struct CmigTarget
{
	List	   *notes;			/* of CmigTargetNote, in order of the text */
	List	   *renames;		/* of char *: "table public.a -> b", "column
								 * public.a.x -> y", by -- @renamed comments */
} CmigTarget;

/*
 * Run the text in a task of cmig_shadow_run().  The settings, the role and
 * whatever else the text changed in the session are as before afterwards;
 * what it made is there until the shadow ends.  An error names line and
 * statement.  The result is in the current memory context.
 */
extern CmigTarget *cmig_target_run(CmigShadow *shadow, const char *sql);

#endif							/* CMIG_TARGET_H */
