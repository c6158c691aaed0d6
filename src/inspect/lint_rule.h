/*
 * lint_rule.h
 *	  A rule of cmig.lint, the state it sees, and the findings it reports.
 *
 * A rule is an entry of a table: its name, its severity, the kinds of
 * statements to which it applies, and a function that examines one statement.
 * The function sees only the parse tree and the relations as they are when the
 * statement runs (lint_state.h). It reports what it finds, and changes
 * nothing.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_RULE_H
#define CMIG_LINT_RULE_H

#include "postgres.h"
#include "inspect/lint_model.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parse/script.h"
#include "utils/hsearch.h"

/* From the least to the most severe; the order matters. */
typedef enum CmigLintSeverity
{
	CMIG_LINT_NOTICE,			/* style */
	CMIG_LINT_WARNING,			/* breaks running clients, or waits for a
								 * strong lock */
	CMIG_LINT_ERROR				/* fails, loses data, or blocks for as long as
								 * a scan takes */
} CmigLintSeverity;

typedef struct CmigLint CmigLint;

/* The maximum number of kinds of statements in a rule. */
#define CMIG_LINT_MAX_TAGS 6

/* A rule, and the kinds of statements that it examines. */
typedef struct CmigLintRule
{
	const char *name;
	CmigLintSeverity severity;
	bool		opt_in;			/* only if cmig.lint_include names it */
	void		(*check) (CmigLint *lint, Node *statement);
	NodeTag		tags[CMIG_LINT_MAX_TAGS];	/* the kinds of statements; if
											 * there is none, all kinds */
} CmigLintRule;

/* What a rule has found. */
typedef struct CmigLintFinding
{
	const CmigLintRule *rule;
	const char *revision;		/* NULL for cmig.lint_sql */
	int			statement;		/* from 1; 0 for none */
	int			line;			/* from 1; 0 for none */
	char	   *message;
	char	   *fix;			/* SQL that does the same without the problem,
								 * or NULL */
	bool		dropped;		/* withdrawn or suppressed by a comment */
} CmigLintFinding;

/* A check that can only be made when all statements have been seen. */
typedef struct CmigLintDeferred
{
	CmigLintFinding *finding;	/* withdrawn unless it still holds */
	bool		whole_plan;		/* checked at the end of the plan, not of the
								 * revision */
	bool		(*holds) (CmigLint *lint, void *arg);
	void	   *arg;
} CmigLintDeferred;

/* The state of one call. */
struct CmigLint
{
	MemoryContext context;		/* memory context of the call */
	struct CmigLintState *state;	/* relations */
	struct CmigLintSession *session;	/* settings, locks, ... */
	struct CmigLintObjects *objects;	/* types, functions, schemas */
	List	   *findings;		/* CmigLintFinding *, in order */
	List	   *deferred;		/* CmigLintDeferred * */
	bool		reads_facts;
	void	   *active;			/* the rules that this call applies */

	/* the revision */
	const char *revision;		/* NULL for a text */
	int			revision_number;	/* from 1 */
	bool		transactional;
	int			statements;		/* number of statements so far */

	/* the statement */
	const CmigLintRule *rule;	/* the rule that is being applied */
	const CmigStatement *statement;
	CmigLintTable *target;		/* the table that the statement alters,
								 * indexes, or renames, or NULL */
	List	   *locks;			/* CmigLintLock *: see lint_locks.h */
};

/*
 * Report a finding of the current rule at the current statement.  fix may be
 * NULL; both texts are copied.
 */
extern CmigLintFinding *cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
			pg_attribute_printf(3, 4);

/*
 * The finding counts only if holds() returns true when all statements of the
 * revision, or of the whole plan, have been seen.  arg must be allocated in the
 * call's context.
 */
extern void cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
								   bool (*holds) (CmigLint *lint, void *arg), void *arg);

/* "error", "warning", or "notice" */
extern const char *cmig_lint_severity_name(CmigLintSeverity severity);

#endif							/* CMIG_LINT_RULE_H */
