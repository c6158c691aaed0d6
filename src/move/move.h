/*
 * move.h
 *	  What src/move provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MOVE_H
#define CMIG_MOVE_H

#include "postgres.h"

#include "graph/graph.h"
#include "run/run.h"

/* in move.c */

/*
 * The state of the database, or of the scope that the session has selected:
 * all revisions, and which of these are applied.
 */
typedef struct CmigSituation
{
	CmigGraph  *graph;
	CmigApplied *applied;
	CmigMarks  *database;		/* if the current scope is a schema: the
								 * revisions applied in the database itself;
								 * otherwise NULL */
	bool		settled;		/* see CmigRevisionSet */
	bool		quiet;			/* are the steps run without a NOTICE for
								 * each? */
	bool		elsewhere;		/* is this the state of another database,
								 * whose journal is unknown? */
} CmigSituation;

/*
 * Read the graph and the version rows.  For with_details, see
 * cmig_catalog_read_revisions().  Raises an error if the graph is not sound.
 */
extern PGDLLEXPORT CmigSituation cmig_move_read(bool with_details);

/*
 * Resolve the target or targets and plan the steps.  Raises an error if the
 * version rows are not sound.
 */
extern CmigPlan *cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets);
extern CmigPlan *cmig_move_plan_downgrade(const CmigSituation *now, const char *target,
										  CmigDowngradeTarget **resolved);

/*
 * Resolve the target "to" or "from:to" to a plan.  Sets *from_here to true if
 * the script starts from the state of this database.  If the script starts
 * from a different state, *now is changed to that state.
 */
extern CmigPlan *cmig_move_plan_range(CmigSituation *now, CmigDirection direction, char *target,
									  bool *from_here);

/*
 * Returns the revisions to verify, parents first.  "target" is NULL for all
 * applied revisions; then repeatable revisions that do not have to run again
 * follow.
 */
extern int *cmig_move_choose_applied(const CmigSituation *now, const char *target, int *count);

/*
 * Raises MG011 if the plan would revert revisions and cmig.protect does not
 * allow it.  "everything" is true for a plan down to base, and "commits" if
 * the operation "what" is not a single transaction.
 */
extern void cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan,
										  bool everything, const char *what,
										  bool commits);

/* Report in a NOTICE that there is nothing to "verb", such as "upgrade". */
extern void cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows,
									 const char *verb);

/*
 * While revisions are expanded, an upgrade to them does nothing, and becomes an
 * empty plan, with a NOTICE; raises 55000 for any other plan with steps, unless
 * it is of other branches and the run can be undone: it does not commit.
 */
extern void cmig_move_respect_expansion(const CmigSituation *now, CmigPlan *plan, bool commits);

/* Raise 55000 if the transaction has changed a table that is expanded. */
extern void cmig_move_require_unrelated(void);

/* Are all steps part of the expansion?  If so, also reports that. */
extern bool cmig_move_is_expanded(const CmigSituation *now, const CmigPlan *plan);

/* Delete and insert the version rows that the step removes and adds. */
extern void cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step);

/*
 * At the end of a run in a single transaction: raises 55000 if the version
 * rows differ from those that the steps have written, or name a revision that
 * no longer exists, because a script or another session has written there.
 */
extern void cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan);

/* Register cmig.restore_point and the transaction callbacks. */
extern void cmig_restore_point_init(void);

/* in step_texts.c */

/*
 * Returns the first argument of the SQL call, a number of steps, as a relative
 * identifier such as "+2".  If "stepwise" is true, hints mention procedures.
 */
extern char *cmig_move_argument_steps(FunctionCallInfo fcinfo, CmigDirection direction,
									  bool stepwise);

/*
 * Raises an error if the downgrade target is missing, or a word such as
 * "previous".  "call" begins the correct call: "SELECT * FROM cmig.downgrade".
 */
extern void cmig_move_argument_require_target(const char *target, const char *call);

/* Raises an error unless argument n is the name of the current database. */
extern void cmig_move_argument_require_confirmation(FunctionCallInfo fcinfo,
													const char *call);

/* Provides the scripts of a plan's steps. */
typedef struct CmigStepTexts CmigStepTexts;

/* "graph" and "plan" must outlive the result. */
extern CmigStepTexts *cmig_step_texts_make(const CmigGraph *graph, const CmigPlan *plan);

/*
 * For a long plan, read all small scripts at once.  This takes some megabytes,
 * but a single table scan is cheaper than many lookups.
 */
extern void cmig_step_texts_read_small(CmigStepTexts *texts);

/*
 * Returns the scripts of a step, which are valid until those of another step
 * are requested.  Raises MG006 if the step has no downgrade script, 55000 if
 * the revision has been deleted, and MG016 if its texts are not those that were
 * first read for the plan.
 */
extern const CmigRunStep *cmig_step_texts_get(CmigStepTexts *texts, int number);

/* Reads the scripts of a step, counted from 0, without a cache. */
extern CmigRunStep *cmig_step_texts_fetch(const CmigGraph *graph, const CmigPlan *plan, int number);

/* Called for the scripts of step "number", counted from 0. */
typedef void (*CmigStepVisit) (const CmigRunStep *step, int number, void *arg);

/*
 * Returns the checksum of a plan, and calls "visit", if not NULL, for each step
 * that has scripts.  A revision without a downgrade script is not an error here.
 */
extern char *cmig_plan_checksum(const CmigSituation *now, const CmigPlan *plan,
								CmigStepTexts *texts, CmigStepVisit visit, void *arg);

/*
 * Returns argument n, plan_checksum.  Raises 22023 if it is null or not a
 * checksum.  "hint" replaces the default hint for the latter, if not NULL.
 */
extern char *cmig_plan_checksum_argument(FunctionCallInfo fcinfo, int n, const char *hint);

/*
 * Raises MG016, with what has changed, unless the plan has the checksum, or
 * "checksum" is NULL.
 */
extern void cmig_plan_checksum_require(const char *checksum, const CmigSituation *now,
									   const CmigPlan *plan);

/*
 * A hook called before the first step of an upgrade, in one transaction,
 * stepwise, or as an expansion, and before a contraction: the lint policy, the workload policy, and the
 * preconditions.  If it raises an error, no step is run.
 */
typedef enum CmigBeforeUpgrade
{
	CMIG_BEFORE_STEPS,			/* the first step follows */
	CMIG_BEFORE_RESET,			/* the downgrade of a reset follows first, so
								 * the preconditions cannot hold yet */
	CMIG_BEFORE_EXPAND,			/* the old version stays */
	CMIG_BEFORE_CONTRACT		/* it goes; only the workload policy applies */
} CmigBeforeUpgrade;

extern void (*cmig_before_upgrade) (const CmigSituation *now, const CmigPlan *plan,
									CmigBeforeUpgrade kind);

/* A plan to run, and the state of the run. */
typedef struct CmigRunPlan
{
	const CmigSituation *now;
	const CmigPlan *plan;
	bool		begins;			/* is this the first plan of the SQL call? */
	void		(*report) (CmigDirection direction, const CmigRevision *revision, void *arg);	/* called after each
																								 * step; NULL if not
																								 * needed */
	void	   *arg;
	volatile int index;			/* number of the step that is running, or -1 */
} CmigRunPlan;

/* Run the plan, if it has steps; an error is also recorded for cmig.status. */
extern void cmig_run_plan(CmigRunPlan *run);

/*
 * Raises MG010 unless all nodes in "nodes" (of int), to which "target" refers,
 * are applied.  The version rows must be sound.
 */
extern void cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target);

/* Check the rows; MG010 unless all heads and repeatable ones are applied. */
extern void cmig_pending_require_heads(const CmigSituation *now);

/*
 * Is there nothing to upgrade?  If so, reports that.  Does not take the run
 * lock (see cmig_change_is_unneeded()); if the result is false, the caller
 * takes it and plans again.  "checksum" is that of the plan, or NULL.
 */
extern bool cmig_pending_none(const char *function, const CmigNames *targets,
							  const char *checksum, bool stepwise);

/* in stamp.c */

/*
 * Set the version rows to the targets, journal the affected revisions, and
 * return the new rows, sorted.  If "purge" is true, all rows are removed first.
 * The caller must hold the run lock.
 */
extern CmigNames *cmig_stamp_targets(const CmigNames *targets, bool purge);

/* in toplevel.c */

/* Register cmig.lock_retries. */
extern void cmig_toplevel_init(void);

/* Raises 25001 unless the CALL is alone, at top level, in no transaction. */
extern void cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure);

/*
 * Create a memory context below PortalContext.  When the first one that the CALL has
 * created ends, what the CALL has changed in its session ends, too: see
 * cmig_call_guard().
 */
extern MemoryContext cmig_toplevel_context(const char *name);

/* Push a snapshot for reading catalogs, unless one is active. */
extern void cmig_toplevel_snapshot(void);

/* Commit and start a new transaction, without a snapshot. */
extern void cmig_toplevel_commit(void);

/*
 * The same for a rollback, after an error has been caught and flushed.  It cannot be
 * interrupted.
 */
extern void cmig_toplevel_rollback(void);

/*
 * Record a failure in the journal, in a transaction of its own: in row "id" or, if
 * that is 0, in a new one, unless another session works on the scope again.  A
 * scope that is not NULL is selected.  "entry" has the start and, for a new row,
 * the revision and the direction; its message precedes that of the error.
 */
struct CmigJournalEntry;
extern void cmig_toplevel_record_failure(const char *scope, int64 id,
										 struct CmigJournalEntry *entry, const ErrorData *error);

/* Sleep, without holding a snapshot; can be canceled. */
extern void cmig_toplevel_sleep(long ms);

/*
 * Run "body" in its own transaction and commit it.  After a lock timeout, a
 * deadlock, or a serialization failure, the transaction is rolled back and
 * "body" is repeated, up to cmig.lock_retries times, with increasing pauses.
 * If may_repeat is not NULL, it is called in a new transaction before each
 * repetition, and "body" is repeated only if may_repeat returns true.  Any
 * other error, and the error of the last attempt, is rethrown after the
 * rollback.  "what" names the work in notices, for example "upgrade of 003".
 *
 * If may_repeat is NULL, no other session is the victim of a deadlock: "body" gives
 * up its locks first, and gets them later, which for a while counts as one attempt.
 */
typedef void (*CmigAttempt) (void *arg);
typedef bool (*CmigMayRepeat) (void *arg);

extern void cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat,
								  void *arg, const char *what);

/*
 * After an error and a rollback, run "body" in its own transaction and commit it.  If it
 * fails, it is tried once more, because the server signals a session twice for a
 * client's cancel request, and the second signal can arrive now.  A second failure is
 * ignored in favor of the first error.
 */
extern void cmig_toplevel_after_error(CmigAttempt body, void *arg);

/* Leave the session of a script, if one was entered, in its own transaction. */
extern void cmig_toplevel_leave(void *arg);

/*
 * Wait until a table can be locked in ACCESS SHARE mode, with the same retries
 * as in cmig_toplevel_attempt().  A procedure calls this before it works on
 * the table, so that a session with a conflicting lock blocks the procedure
 * for at most cmig.lock_timeout per attempt.  "alone" is true if no revision
 * is running, so that lock waits are not being watched yet.
 */
extern void cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone);

/* Report old transactions, for which the statement "what" will wait. */
extern void cmig_toplevel_warn_of_snapshots(const char *what);

/*
 * Run a copy of a statement, if it may commit, as if a client had sent it.
 * "text", the SQL text of the statement, must be allocated below PortalContext,
 * and so must what is allocated now.
 */
extern void cmig_toplevel_execute(const RawStmt *statement, const char *text);

/* Run a single statement and commit it; cmig_toplevel_attempt() repeats it. */
extern void cmig_toplevel_run_sql(const char *sql, const char *what);

/*
 * Implements the stepwise procedures: "verb" is "upgrade", "downgrade", or
 * "reset", which has no "targets"; in_doubt is "stop", "done", or "again".  The
 * plan must have "checksum", if that is not NULL.  The arguments must be
 * allocated below PortalContext.  As a part of a procedure that has the time
 * limit, and holds the extension, "recorded" is set on an error if it is in the
 * journal; otherwise it is NULL.  Returns the number of steps.
 */
extern int	cmig_stepwise_run(FunctionCallInfo fcinfo, const char *verb, const CmigNames *targets,
							  const char *in_doubt, const char *checksum, bool *recorded);

/*
 * A hook that returns the downgrade script, with lines "-- cmig:up", of a
 * revision that has the header "expand" but no downgrade section, or NULL if it
 * is not in the graph, or raises error MG006.
 */
extern char *(*cmig_downgrade_generate) (const char *revision);

/*
 * A hook called before the commit of the last step of an upgrade, which is not
 * run if the hook raises an error.
 */
extern void (*cmig_stepwise_at_end) (void);

/* in added.c */

extern void cmig_added_init(void);

/* Watch the constraints of the CALL from now on, if it is not watched yet. */
extern void cmig_added_begin(void);

/* Does the statement validate constraints that it names? */
extern bool cmig_added_validates(const Node *stmt);

/*
 * Returns the constraint that ALTER TABLE or DOMAIN ... VALIDATE CONSTRAINT names, and
 * its table or domain, or InvalidOid if it is another statement, or names none.
 */
extern Oid	cmig_added_validated(const Node *stmt, Oid *object);

/* Returns the condition of a CHECK constraint, or NULL. */
extern Node *cmig_added_condition(Oid constraint);

/*
 * Raise an error if the statement, which validates a constraint, is about another one
 * than this.  Locks the table.
 */
extern void cmig_added_require(const Node *stmt, Oid object, Oid constraint);

/*
 * What VALIDATE CONSTRAINT names beside the constraint of this table, which the caller has
 * locked, keeps its name until the end of the transaction: the table that a foreign key
 * references, which is locked, its operators, and their types.  Raises an error if it
 * would find another condition in a partition or another table that inherits, which are
 * locked, too.
 */
extern void cmig_added_hold(Oid table, const char *name);

/* in resume.c */

/* An invalid index left behind by an interrupted statement. */
typedef struct CmigLeftover
{
	Oid			table;
	Oid			index;
	bool		kept;			/* the role may not drop it, and the statement
								 * can run again without that */
} CmigLeftover;

/*
 * Wait until no other session is building, rebuilding, or dropping the index,
 * and then drop it if it is still invalid, or report it if it is kept.  Commits
 * the current transaction.
 */
extern void cmig_resume_remove(const CmigLeftover *leftover);

/* Returns the invalid index with this name on a table, or InvalidOid. */
extern Oid	cmig_resume_invalid_index(Oid table, const char *name);

/* in nontransactional.c */

/*
 * Returns the role whose privileges are used to write to pg_cmig's tables: the
 * one that called the run, whatever role the script has set, or the current.
 */
extern Oid	cmig_nontransactional_caller(void);

/*
 * Every pg_cmig procedure calls this when it has committed part of its work or
 * is about to.  One that fails before this call has left nothing behind.
 */
extern void cmig_nontransactional_note_own_work(void);

#endif							/* CMIG_MOVE_H */
