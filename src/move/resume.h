/*
 * resume.h
 *	  Determines the result of a statement that was interrupted at top level.
 *
 * cmig_resume_prepare() records the state of the catalogs before the statement
 * begins.  After an interruption, cmig_resume_judge() compares that state with
 * the current state.  Names that PostgreSQL would choose are chosen in advance,
 * so that leftovers can be distinguished from other sessions' objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RESUME_H
#define CMIG_RESUME_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/*
 * Returns the information to store before a statement begins, as members of a
 * JSON object: '"index": "x", "existed": false' or ''.  May complete the parse
 * tree with an index name.  Must be called in a transaction with a snapshot.
 */
extern char *cmig_resume_prepare(RawStmt *raw);

/* How to proceed with an interrupted statement. */
typedef enum CmigResumeVerdict
{
	CMIG_RESUME_DONE,			/* do nothing, because the statement is done */
	CMIG_RESUME_AGAIN,			/* run the statement, possibly again */
	CMIG_RESUME_FINISH			/* run the statement in *finish instead */
} CmigResumeVerdict;

/* An invalid index left behind by an interrupted statement. */
typedef struct CmigLeftover
{
	Oid			table;
	Oid			index;
} CmigLeftover;

/*
 * Determine from the catalogs how to proceed with an interrupted statement.
 * "detail" is the stored JSON object.  The parse tree is completed as by
 * cmig_resume_prepare().  The indexes in *leftovers (of CmigLeftover *) must be
 * removed before the statement is run again.  Must be called in a transaction
 * with a snapshot.
 */
extern CmigResumeVerdict cmig_resume_judge(RawStmt *raw, const char *detail,
										   List **leftovers, char **finish);

/*
 * Wait until no other session is working on the index's table, and then drop
 * the index if it is still invalid.  Commits.
 */
extern void cmig_resume_remove(const CmigLeftover *leftover);

/*
 * Returns the invalid index with this name on a table, or InvalidOid.  The
 * online recipes (src/online) use this function.
 */
extern Oid	cmig_resume_invalid_index(Oid table, const char *name);

#endif							/* CMIG_RESUME_H */
