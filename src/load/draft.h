/*
 * draft.h
 *	  Creates the contents of new revision files, for cmig.draft and similar
 *	  functions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DRAFT_H
#define CMIG_DRAFT_H

#include "postgres.h"
#include "fmgr.h"
#include "load/create.h"

/*
 * A new revision file, which is returned to the user instead of being stored.
 */
typedef struct CmigDraft
{
	CmigNewRevision new;
	const char *template;		/* file name template */
	char	   *file_name;		/* set by cmig_draft_prepare() */
} CmigDraft;

/*
 * Read the SQL arguments revision, head, splice, branch_label, and depends_on,
 * starting at argument n.
 */
extern void cmig_draft_arguments(FunctionCallInfo fcinfo, int n, CmigDraft *draft);

/*
 * Check the new revision, and set its id, edges, creation time, and file name.
 * The caller can set the scripts afterward.
 */
extern void cmig_draft_prepare(CmigDraft *draft);

/* Returns the contents of the new revision file. */
extern char *cmig_draft_content(CmigDraft *draft);

#endif							/* CMIG_DRAFT_H */
