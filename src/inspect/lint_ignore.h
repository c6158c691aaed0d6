/*
 * lint_ignore.h
 *	  Comments that suppress rules of cmig.lint: -- cmig:ignore rule, rule.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_IGNORE_H
#define CMIG_LINT_IGNORE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A rule that a comment names. */
typedef struct CmigLintIgnore
{
	char	   *name;			/* as it is written */
	int			line;			/* of the comment, from 1 */
	bool		used;			/* it has suppressed something */
} CmigLintIgnore;

/*
 * The rules that comments between two byte offsets of a script name: a List of
 * CmigLintIgnore *.  first_line is the line of the first offset.
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* Is there any such comment in the script?  A quick look. */
extern bool cmig_lint_ignore_may_occur(const char *script);

/* Does the name stand for the rule, in squawk's other spellings too? */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

#endif							/* CMIG_LINT_IGNORE_H */
