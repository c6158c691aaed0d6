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
	char	   *name;			/* as it is written; empty if the comment
								 * names no rule */
	int			line;			/* the comment's line, from 1 */
	bool		used;			/* it has suppressed something */
} CmigLintIgnore;

/*
 * The rules that comments between two byte offsets of a script name: a List of
 * CmigLintIgnore *.  first_line is the line of the first offset.
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* May the script have such a comment?  This is a quick test. */
extern bool cmig_lint_ignore_may_occur(const char *script);

/* Is it the name of the rule, or the one that squawk uses for it? */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

#endif							/* CMIG_LINT_IGNORE_H */
