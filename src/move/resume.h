/*
 * resume.h
 *	  What became of a statement that was interrupted at top level.
 *
 * Before such a statement begins, cmig_resume_prepare() notes the state of the
 * catalog; after an interruption, cmig_resume_judge() compares.  Names that
 * the server would choose are chosen beforehand, so that leftovers can be
 * distinguished from what other sessions created.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESUME_H
#define CMIG_RESUME_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/*
 * Must be called in a transaction with a snapshot.  May complete the tree (the
 * name of an index).  Returns what to remember, as members of a JSON object:
 * '"index": "x", "existed": false' or ''.
 */
extern char *cmig_resume_prepare(RawStmt *raw);

/* What to do about an interrupted statement. */
typedef enum CmigResumeVerdict
{
	CMIG_RESUME_DONE,			/* nothing, because it has run */
	CMIG_RESUME_AGAIN,			/* run it (again) */
	CMIG_RESUME_FINISH			/* run *finish instead */
} CmigResumeVerdict;

/* An index that an interrupted build left behind. */
typedef struct CmigLeftover
{
	Oid			table;
	Oid			index;
} CmigLeftover;

/*
 * Decide by means of the catalog, in a transaction with a snapshot. detail is
 * the JSON object that was stored; the tree is completed as by prepare.
 * *leftovers (of CmigLeftover *) must be removed before the statement runs
 * again.
 */
extern CmigResumeVerdict cmig_resume_judge(RawStmt *raw, const char *detail,
										   List **leftovers, char **finish);

/*
 * Drop an index if it is still invalid when no other session works on its
 * table any longer.  Commits.
 */
extern void cmig_resume_remove(const CmigLeftover *leftover);

/* The invalid index of that name on a table, or InvalidOid; for recipes. */
extern Oid	cmig_resume_invalid_index(Oid table, const char *name);

#endif							/* CMIG_RESUME_H */
