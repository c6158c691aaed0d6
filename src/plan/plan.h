/*
 * plan.h
 *	  What src/plan provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_H
#define CMIG_PLAN_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/hsearch.h"

#include "base/compat.h"
#include "graph/graph.h"
#include "move/move.h"
#include "parse/parse.h"

/* in planned_locks.c */

/* The names changed by the statements that have been read so far. */
typedef struct CmigPlannedLocks CmigPlannedLocks;

/*
 * Start a sequence of statements.  The state lives in the current memory
 * context.
 */
extern CmigPlannedLocks *cmig_planned_locks_start(void);

/*
 * Returns the locks that a script takes, as a string.  Each line shows the
 * strongest lock on one relation.  Returns NULL if there are no locks.  Scripts
 * must be passed in execution order.  If part of the script cannot be analyzed,
 * additional lines say so.
 */
extern char *cmig_script_locks(CmigPlannedLocks *plan, const char *sql);

/* in dry_run.c */

/*
 * Check the preconditions of a plan's steps.  If any of them is not met, raises
 * MG017 with a list of those that are not met.  If an earlier step might make a
 * precondition true, the precondition is not checked until its own step starts.
 */
extern void cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan);

/* Register cmig.dry_run_timeout, and install the hooks. */
extern void cmig_dry_run_init(void);

/* in lint_source.c */

/* The origin of a relation, column, type, or schema. */
typedef enum CmigLintOrigin
{
	CMIG_LINT_LIVE,				/* exists in the live database */
	CMIG_LINT_NEW,				/* an earlier statement creates it */
	CMIG_LINT_UNKNOWN			/* not found; the relation is assumed to be
								 * large */
} CmigLintOrigin;

/* A relation.  If the contents of a list are unknown, the list is empty. */
typedef struct CmigLintTable
{
	const char *schema;			/* NULL if unknown */
	const char *name;
	CmigLintOrigin origin;
	char		kind;			/* as in pg_class.relkind; 0 if unknown */
	bool		temporary;
	bool		logged;			/* true if the relation is neither temporary
								 * nor unlogged */
	bool		loaded;			/* true if the columns, constraints, and
								 * indexes have been read */
	bool		partial;		/* true if some columns are not listed (LIKE,
								 * INHERITS, AS SELECT) */
	Oid			oid;			/* InvalidOid if not live */
	bool		empty;			/* true if the relation has no rows, so that
								 * nothing is scanned or rewritten */
	bool		empty_itself;	/* true if the relation has no rows of its
								 * own; rows of child tables do not count, but
								 * rows of partitions do */
	Oid			tablespace;		/* tablespace of a live table */
	Oid			method;			/* table access method of a live table */
	double		rows;			/* estimated number of rows; -1 if unknown */
	int64		bytes;			/* -1 if unknown */
	bool		has_default_partition;
	bool		repartitioned;	/* true if the plan has attached or detached
								 * partitions */
	bool		row_security;
	bool		redefined;		/* true if the plan has replaced this view */
	bool		has_grants;		/* true if roles other than the owner can use
								 * the relation */
	List	   *columns;		/* of CmigLintColumn *, in order */
	List	   *constraints;	/* of CmigLintConstraint * */
	List	   *indexes;		/* of CmigLintIndex * */
	struct CmigLintTable *index_of; /* for an index: its table; otherwise NULL */
	List	   *users;			/* of CmigLintTable *: views of the plan that
								 * have used this relation */
	List	   *uses;			/* of CmigLintTable *: for a view defined by
								 * the plan, the relations in its query */
	List	   *uses_columns;	/* of char *: for a view defined by the plan,
								 * the columns named in its query */
	bool		uses_all_columns;	/* true if the view's query contains a * */

	/*
	 * numbers of statements in the revision in_revision; 0 if there is no
	 * such statement
	 */
	int			in_revision;	/* number of that revision */
	int			altered_at;		/* the last ALTER TABLE, if the next one could
								 * be combined with it */
	const char *altered_text;	/* text of the statement altered_at */
	int			locked_at;		/* the first statement that took an
								 * AccessExclusiveLock on the table */
} CmigLintTable;

/* in lint_facts.c */

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

	/*
	 * for a rule about one type of ALTER TABLE action, in place of "check":
	 * the type, and a function that checks action number "number" (counted
	 * from 0) of a known table
	 */
	AlterTableType action;
	void		(*check_action) (CmigLint *lint, AlterTableCmd *command, int number);
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
	int			statement_number;	/* number of statements of the plan read
									 * so far */
	bool		transactional;
	int			statements;		/* number of statements read so far in this
								 * revision */

	/* current statement */
	const CmigLintRule *rule;	/* the rule being applied */
	const CmigStatement *statement;
	CmigLintTable *target;		/* the relation that the statement alters,
								 * indexes, or renames; NULL for other
								 * statements */
	List	   *locks;			/* of CmigLintLock *: see plan.h */
};

/* in lint_session.c */

struct CmigLintType;

typedef struct CmigLintSession CmigLintSession;

/* in lint_state.c */

typedef struct CmigLintObjects CmigLintObjects;

typedef struct CmigLintState CmigLintState;

/* in lint.c */

/* Rules whose findings are reported by lint.c itself. */
extern const CmigLintRule cmig_lint_rules_syntax_error;

extern const CmigLintRule cmig_lint_rules_empty_downgrade;

/* Register cmig.lint_include and cmig.lint_ignore. */
extern void cmig_lint_run_init(void);

/* Register cmig.lint_policy. */
extern void cmig_lint_policy_init(void);

/*
 * Call this before the first step of a plan.  If cmig.lint finds errors in the
 * plan, raises MG023 or a warning, depending on the policy.
 */
extern void cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan);

/* Do errors found by cmig.lint stop an upgrade? */
extern bool cmig_lint_policy_is_error(void);

/*
 * Check a plan's scripts against the live database.  If "enforces" is true, use
 * the rule settings that apply to cmig.lint_policy.
 */
extern CmigLint *cmig_lint_policy_examine(const CmigSituation *now, const CmigPlan *plan,
										  bool enforces);

#endif							/* CMIG_PLAN_H */
