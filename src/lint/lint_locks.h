/*
 * lint_locks.h
 *	  Determines a statement's locks on relations that existed before the
 *	  plan, according to the statement's parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_LOCKS_H
#define CMIG_LINT_LOCKS_H

#include "postgres.h"
#include "lint/lint_rule.h"
#include "storage/lockdefs.h"

/* A relation, and the strongest lock that a statement takes on it. */
typedef struct CmigLintLock
{
	CmigLintTable *table;
	LOCKMODE	mode;
	bool		dropped;		/* true if the statement drops the relation */
} CmigLintLock;

/*
 * Returns the statement's locks on relations that existed before the plan, as a
 * List of CmigLintLock *. Only locks stronger than those of INSERT are
 * included.
 */
extern List *cmig_lint_locks_of(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_LOCKS_H */
