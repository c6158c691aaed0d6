/*
 * lint_rule.h
 *	  Defines a cmig.lint rule, the state that a rule sees, and its findings.
 *
 * A rule has a name, a severity, the node tags of the statements to check, and
 * a function that checks one statement.  The function sees only the parse tree
 * and the relations as they will be when the statement runs (lint_state.h).  It
 * reports findings but does not change the state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_RULE_H
#define CMIG_LINT_RULE_H

#include "postgres.h"
#include "lint/lint_model.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parse/script.h"
#include "utils/hsearch.h"

/*
 * Severities in ascending order.  CMIG_LINT_ERROR must remain the last one,
 * because the size of some arrays depends on it.
 */
typedef enum CmigLintSeverity
{
	CMIG_LINT_NOTICE,			/* bad style */
	CMIG_LINT_WARNING,			/* breaks running clients, or waits for a
								 * strong lock */
	CMIG_LINT_ERROR				/* fails, loses data, or blocks for the
								 * duration of a scan */
} CmigLintSeverity;

typedef struct CmigLint CmigLint;

/* The maximum number of node tags in a rule. */
#define CMIG_LINT_MAX_TAGS 6

/* A lint rule. */
typedef struct CmigLintRule
{
	const char *name;
	CmigLintSeverity severity;
	bool		opt_in;			/* true if the rule applies only if
								 * cmig.lint_include contains its name */
	void		(*check) (CmigLint *lint, Node *statement);
	NodeTag		tags[CMIG_LINT_MAX_TAGS];	/* tags of the statements to
											 * check; if empty, all statements
											 * are checked */
} CmigLintRule;

/* A problem that a rule has found. */
typedef struct CmigLintFinding
{
	const CmigLintRule *rule;
	const char *revision;		/* NULL for cmig.lint_sql */
	int			statement;		/* number of the statement, starting at 1; 0
								 * if the finding is not about a statement */
	int			line;			/* line number, starting at 1; 0 if unknown */
	char	   *message;
	char	   *fix;			/* SQL with the same effect but without the
								 * problem; may be NULL */
	bool		dropped;		/* true if the finding was withdrawn, or
								 * suppressed by a comment */
} CmigLintFinding;

/* A check that can be performed only after all statements have been seen. */
typedef struct CmigLintDeferred
{
	CmigLintFinding *finding;	/* withdrawn if holds() returns false */
	bool		whole_plan;		/* true to wait for the end of the plan, not
								 * just of the revision */
	bool		(*holds) (CmigLint *lint, void *arg);
	void	   *arg;
} CmigLintDeferred;

/* The state of one lint call. */
struct CmigLint
{
	MemoryContext context;		/* memory context of the lint call */
	struct CmigLintState *state;	/* relations */
	struct CmigLintSession *session;	/* settings, transactions, and so on */
	struct CmigLintObjects *objects;	/* types, functions, schemas */
	List	   *findings;		/* of CmigLintFinding *, in order */
	List	   *deferred;		/* of CmigLintDeferred * */
	bool		reads_facts;	/* true if relations and types are looked up
								 * in the live database */
	bool		one_transaction;	/* true if all revisions run in one
									 * transaction */
	void	   *active;			/* the rules applied in this call */

	/* current revision */
	const char *revision;		/* NULL for cmig.lint_sql */
	int			revision_number;	/* counted from 1 */
	bool		transactional;
	int			statements;		/* number of statements read so far in this
								 * revision */

	/* current statement */
	const CmigLintRule *rule;	/* the rule being applied */
	const CmigStatement *statement;
	CmigLintTable *target;		/* the relation that the statement alters,
								 * indexes, or renames; NULL for other
								 * statements */
	List	   *locks;			/* of CmigLintLock *: see lint_locks.h */
};

/*
 * Report a finding of the current rule for the current statement.  "fix" may be
 * NULL.  The message and the fix are copied.
 */
extern CmigLintFinding *cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
			pg_attribute_printf(3, 4);

/*
 * Keep the finding only if holds() returns true at the end of the revision or,
 * if "whole_plan" is true, at the end of the plan.  "arg" must be allocated in
 * the lint call's memory context.
 */
extern void cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
								   bool (*holds) (CmigLint *lint, void *arg), void *arg);

/* Returns "error", "warning", or "notice". */
extern const char *cmig_lint_severity_name(CmigLintSeverity severity);

#endif							/* CMIG_LINT_RULE_H */
