/*
 * draft.h
 *	  New revision files: what cmig.draft and the functions that generate
 *	  revisions have in common.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DRAFT_H
#define CMIG_DRAFT_H

#include "postgres.h"
#include "fmgr.h"
#include "load/create.h"

/* A revision file that is being written. */
typedef struct CmigDraft
{
	CmigNewRevision new;
	const char *template;		/* template of the file's name */
	char	   *file_name;		/* set by cmig_draft_prepare() */
} CmigDraft;

/*
 * The arguments revision, head, splice, branch_label, and depends_on, starting
 * at argument n.
 */
extern void cmig_draft_arguments(FunctionCallInfo fcinfo, int n, CmigDraft *draft);

/*
 * Check the new revision, and fill in its id, its edges, the time, and the
 * name of its file.  Its scripts may be set later.
 */
extern void cmig_draft_prepare(CmigDraft *draft);

/* The content of the file. */
extern char *cmig_draft_content(CmigDraft *draft);

#endif							/* CMIG_DRAFT_H */
