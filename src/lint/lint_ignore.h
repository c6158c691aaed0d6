/*
 * lint_ignore.h
 *	  Reads comments that suppress cmig.lint rules: -- cmig:ignore rule, rule.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_IGNORE_H
#define CMIG_LINT_IGNORE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A rule named in a comment. */
typedef struct CmigLintIgnore
{
	char	   *name;			/* as written; empty if the comment names no
								 * rule */
	int			line;			/* line number of the comment, starting at 1 */
	bool		used;			/* true if this rule name has suppressed a
								 * finding */
} CmigLintIgnore;

/*
 * Returns the rules named in the comments between two byte offsets of a script,
 * as a List of CmigLintIgnore *.  "first_line" is the line number at offset
 * "from".
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* Quick test: might the script contain a cmig:ignore comment? */
extern bool cmig_lint_ignore_may_occur(const char *script);

/* Is "name" the rule's name, or the rule's name in the linter squawk? */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

#endif							/* CMIG_LINT_IGNORE_H */
