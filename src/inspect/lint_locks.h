/*
 * lint_locks.h
 *	  Which locks a statement takes on relations that exist before the plan,
 *	  according to its parse tree.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_LOCKS_H
#define CMIG_LINT_LOCKS_H

#include "postgres.h"
#include "inspect/lint_rule.h"
#include "storage/lockdefs.h"

/* A relation, and the strongest lock on it. */
typedef struct CmigLintLock
{
	CmigLintTable *table;
	LOCKMODE	mode;
	bool		dropped;		/* the statement drops the relation */
} CmigLintLock;

/*
 * The locks of a statement that are stronger than those of INSERT, on relations
 * that existed before the plan: a List of CmigLintLock *.
 */
extern List *cmig_lint_locks_of(CmigLint *lint, Node *statement);

#endif							/* CMIG_LINT_LOCKS_H */
