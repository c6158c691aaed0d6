/*
 * resume.h
 *	  Determines how far an interrupted top-level statement got.
 *
 * cmig_resume_prepare() records facts from the catalogs before the statement
 * begins.  After an interruption, cmig_resume_judge() compares them with the
 * current state.  If PostgreSQL would choose the name of an index, we choose
 * it in advance, so that a leftover can be distinguished from other sessions'
 * indexes.
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
 * JSON object, such as '"index": "x", "existed": false', or ''.  May complete
 * the parse tree with an index name.  Call this in a transaction with a
 * snapshot.
 */
extern char *cmig_resume_prepare(RawStmt *raw);

/* How to proceed with an interrupted statement. */
typedef enum CmigResumeVerdict
{
	CMIG_RESUME_DONE,			/* do nothing, because the statement is done */
	CMIG_RESUME_AGAIN,			/* run the statement, possibly again */
	CMIG_RESUME_FINISH			/* run the statement in *finish, which
								 * completes the interrupted one */
} CmigResumeVerdict;

/* An invalid index left behind by an interrupted statement. */
typedef struct CmigLeftover
{
	Oid			table;
	Oid			index;
} CmigLeftover;

/*
 * Determine from the catalogs how to proceed with an interrupted statement.
 * "detail" is the stored JSON object with the members that
 * cmig_resume_prepare() returned.  May complete the parse tree with the stored
 * index name.  The indexes in *leftovers (of CmigLeftover *) must be removed
 * before the statement is run again.  Call this in a transaction with a
 * snapshot.
 */
extern CmigResumeVerdict cmig_resume_judge(RawStmt *raw, const char *detail,
										   List **leftovers, char **finish);

/*
 * Wait until no other session is building, rebuilding, or dropping the index,
 * and then drop it if it is still invalid.  Commits the current transaction.
 */
extern void cmig_resume_remove(const CmigLeftover *leftover);

/*
 * Returns the invalid index with this name on a table, or InvalidOid if there
 * is none.  The online recipes (src/online) use this function.
 */
extern Oid	cmig_resume_invalid_index(Oid table, const char *name);

#endif							/* CMIG_RESUME_H */
