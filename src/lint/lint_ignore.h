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
	int			line;			/* the comment's line, from 1 */
	bool		used;			/* has this rule name suppressed a finding? */
} CmigLintIgnore;

/*
 * Returns the rules named in the comments between two byte offsets of a
 * script, as a List of CmigLintIgnore *. "first_line" is the line number at
 * the first offset.
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* Quick test: might the script contain a cmig:ignore comment? */
extern bool cmig_lint_ignore_may_occur(const char *script);

/*
 * Is this the rule's name, or the name that the linter squawk has for the
 * rule?
 */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

#endif							/* CMIG_LINT_IGNORE_H */
