/*
 * run.h
 *	  What src/run provides to other folders.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_H
#define CMIG_RUN_H

#include "postgres.h"

#include "parse/parse.h"

/* in scope.c */

/*
 * Returns the name of the current scope, or "" for the database.  While a
 * script runs, this is the scope in which the script started, even if the
 * script changes the setting.
 */
extern const char *cmig_scope_current(void);

/* Is the current scope a schema? */
extern bool cmig_scope_is_set(void);

/*
 * Returns the statement that sets the scope, with a blank after it, for a hint: a function
 * about scopes runs in another one than the session has set.  "" in the database.
 */
extern const char *cmig_scope_setting(void);

/* Select a scope, whatever cmig.scope is, or none if "name" is NULL. */
extern void cmig_scope_select(const char *name);

/*
 * Work in a scope, or in the database if "name" is empty, until the current level
 * of settings ends: also while a script runs, whose scope remains otherwise.
 */
extern void cmig_scope_enter(const char *name);

/* Returns a sentence that says why a schema cannot be a scope, or NULL. */
extern const char *cmig_scope_reserved(const char *name);

/* Raises 3F000 or 22023 if the scope does not exist or cannot be a scope. */
extern void cmig_scope_require(void);

/*
 * Raises error 42501 if the current scope is a schema that is not safe.  This
 * is the case if a role that is not trusted can create objects in the schema,
 * or owns an object in it that scripts would use in place of another object.
 * Scripts find unqualified names in the scope's schema first, so such a role
 * could replace the functions that scripts call.  The current role,
 * superusers, and the owner of the database are trusted.  "path" is the value
 * of cmig.search_path; it can be empty or NULL.
 */
extern void cmig_scope_require_safe(const char *path);

/* Was the error raised because the schema of the scope is not safe? */
extern bool cmig_scope_is_refusal(const ErrorData *error);

/* Raises error 0A000 in a scope, where the function does not work. */
extern void cmig_scope_refuse(const char *function, const char *hint);

/* Returns the current scope for messages: scope "x", or database "x". */
extern char *cmig_scope_text(void);

/*
 * Returns, for use in hints, a condition that selects the current scope's rows:
 * " AND scope = 'x'", or "" for the database.
 */
extern char *cmig_scope_condition(void);

/* in call.c */

/*
 * When this memory context, which is below PortalContext, is deleted, release the locks
 * at session level, stop the timers, and reset the selected scope and the state of the
 * running script.  Does nothing if the CALL has such a context already.
 */
extern void cmig_call_guard(MemoryContext context);

/*
 * Do the transactions of the CALL that follow begin in READ COMMITTED?  It looks at
 * what it has locked, and in another isolation level, it would not see what was
 * committed while it waited for the lock.
 */
extern bool cmig_call_reads_committed;

/* in session.c */

/*
 * Call cmig_session_enter() before a script and cmig_session_leave() after it.
 * If the script ends with an error, call cmig_session_abandon() instead, and
 * roll back the transaction or subtransaction, which restores everything else.
 * Sessions cannot be nested.
 *
 * If "steps" is true, the script's statements are committed one by one.  The
 * current memory context must then be PortalContext or one of its children, and
 * cmig_session_leave() must be called in a transaction, even after an error.
 * It also restores the settings, and they stay when the transaction commits.
 * Then call cmig_session_forget(), which returns true if a session was entered.
 * If the transaction fails, call cmig_session_leave() again.
 */
extern void cmig_session_enter(bool steps);
extern void cmig_session_leave(void);
extern bool cmig_session_forget(void);
extern void cmig_session_abandon(void);

/* Has a session been entered but not left?  Scripts and steps run only then. */
extern bool cmig_session_is_entered(void);

/*
 * Before each of the script's statements: undo changes of the settings that
 * would make the server read strings in another way.
 */
extern void cmig_session_pin_strings(void);

/* The values of all settings that a script can change. */
typedef struct CmigSettings CmigSettings;
extern CmigSettings *cmig_session_settings(void);

/* As if one of them had had another value. */
extern void cmig_session_settings_expect(CmigSettings *settings, const char *name,
										 const char *value);

/*
 * Returns the statements that give what has changed since then its value, but not for
 * the role.
 */
extern char *cmig_session_settings_differ(const CmigSettings *then);

/* Sets another search_path for the script whose session was entered. */
extern void cmig_session_use_path(const char *path);

/*
 * Suppresses the parser's messages to the client.  The caller must pass the
 * returned GUC nest level to AtEOXact_GUC(false, ...) afterward.
 */
extern int	cmig_session_read_quietly(void);

/*
 * Returns cmig.search_path, which can be NULL or empty.  Raises error 22023 if
 * it is not a list of names.
 */
extern const char *cmig_session_path_setting(void);

/* Return the search_path and the name of the role that scripts start with. */
extern char *cmig_session_search_path(void);
extern char *cmig_session_role(void);

/* Raises error 42501 if the session user cannot set its role to cmig.role. */
extern void cmig_session_require_member(void);

/* in wait.c */

/*
 * Set the deadline of a run that begins, until the next run, or until the
 * client's statement ends.
 */
extern void cmig_run_limit_start(void);

/*
 * Move the deadline to "ms" milliseconds from now, unless it is earlier or "ms"
 * is 0.  "setting" is where "ms" comes from.
 */
extern void cmig_run_limit_tighten(const char *setting, int ms);

/* The deadline, to be restored after what has one of its own. */
typedef struct CmigRunLimit
{
	const char *setting;
	int			ms;
	TimestampTz deadline;
	TimestampTz statement;
} CmigRunLimit;

extern CmigRunLimit cmig_run_limit_read(void);
extern void cmig_run_limit_restore(const CmigRunLimit *limit);

extern bool cmig_run_limit_passed(void);

/* Raises error 57014 if the deadline of the run has passed. */
extern void cmig_run_limit_check(void);

/* Returns the earlier of "end" and the deadline of the run. */
extern TimestampTz cmig_run_limit_earlier(TimestampTz end);

/* The setting cmig.lock_timeout, in milliseconds; 0 means no limit. */
extern int	cmig_lock_timeout;

/* The lock waits of an attempt at a step are counted from zero. */
extern void cmig_lock_wait_reset(void);

/*
 * Turn the timer on or off.  "caller" is the role whose privileges determine
 * whether an error shows the queries of other sessions.  It is always safe to
 * turn the timer off.
 */
extern void cmig_lock_wait_watch(Oid caller);
extern void cmig_lock_wait_unwatch(void);

/*
 * While the timer is on, shall a wait end before another session, which waits for
 * this one, looks for deadlocks?  It must not be the victim of one.  Returns what
 * applied before.
 */
extern bool cmig_lock_wait_yield(bool yields);

/*
 * Has the last wait ended so?  Then the next attempt goes on with its limit, and
 * what it has waited so far counts.  If it was for a stronger lock of a relation
 * than one that kept others from writing, the next attempt must begin with that
 * lock; otherwise, *raised is InvalidOid.
 */
extern bool cmig_lock_wait_yielded(Oid *raised, LOCKMODE *mode);

/*
 * Do the work in a subtransaction that yields so.  Returns an error if a wait for a
 * lock was too long, or has yielded.
 */
extern ErrorData *cmig_lock_wait_try(CmigSubtransactionWork work, void *arg);

/*
 * Lock tables, and what inherits from them, all or none: sessions that write to
 * several of them, in any order, must not be the victims of a deadlock.  Does
 * nothing if the transaction has written before, because it then has locks that
 * it cannot give up.
 */
extern void cmig_lock_wait_together(List *tables, LOCKMODE mode, bool written);
extern bool cmig_lock_wait_is_watched(void);

/*
 * Let the timer enforce lock_timeout while a statement with CONCURRENTLY runs.
 * PostgreSQL itself would also apply lock_timeout to the wait for old
 * transactions.  However, that wait blocks no other sessions, and a timeout
 * would waste the whole index build.  The caller must call
 * cmig_lock_wait_give_back() even after an error.
 */
extern void cmig_lock_wait_take_over(void);
extern void cmig_lock_wait_give_back(void);

/*
 * Forget the lock waits of earlier statements, and reread cmig.lock_timeout.
 * Call this when a statement begins, or a batch of a statement that commits.
 */
extern void cmig_lock_wait_forget(void);

/*
 * Call this in an error context callback, or use the second function as one.  If
 * the error ended a lock wait that the timer saw, adds a detail and a hint about
 * the blocking sessions.  If the timer itself canceled the statement, the error
 * becomes 55P03.
 */
extern void cmig_lock_wait_explain(void);
extern void cmig_lock_wait_explain_callback(void *arg);

/*
 * Returns a description of the transactions that a statement with CONCURRENTLY
 * has to wait for, if they have been open for longer than a second, or NULL.
 */
extern char *cmig_lock_wait_snapshots(Oid caller);

/*
 * Returns a description of the sessions that block a lock request, or NULL if
 * there are none: those that hold the lock in a conflicting mode, and those
 * that wait for it in such a mode and began to wait before "since", when this
 * session did; 0 means that it has not waited.  The description has a sentence
 * for each session, up to a maximum number.  Sets *pid to the process ID of
 * the first session, or to 0 if there are only prepared transactions.
 */
extern char *cmig_lock_wait_blockers(const LOCKTAG *tag, LOCKMODE mode, TimestampTz since,
									 Oid caller, int *pid);

/* in lock.c */

/* Lock the extension, if it exists, until the end of the transaction. */
extern void cmig_extension_share(void);

/*
 * Keep other sessions from dropping the extension, and end that.  Waits for a
 * DROP in progress, so the caller must not hold a snapshot.  Raises error 55000
 * if the extension no longer exists.
 */
extern void cmig_extension_hold(void);
extern void cmig_extension_release(void);

/*
 * Release the lock on the extension before a statement with CONCURRENTLY runs.
 * Afterwards, call cmig_extension_hold_again() or roll back the transaction.
 */
extern void cmig_extension_lend(void);

/*
 * Take the lock again after a stepwise run has lost it because a transaction
 * was rolled back.  The first function neither waits nor raises an error; the
 * second one raises error 55000 if the extension was dropped.  Outside of
 * stepwise runs, they do nothing.
 */
extern void cmig_extension_try_again(void);
extern void cmig_extension_hold_again(void);

/*
 * Raises error 55000 if the extension or its members have changed since
 * cmig_extension_note(): by the script of this revision or, while the lock was
 * not held, by another session.
 */
extern void cmig_extension_require(const char *revision);

/*
 * Raises error 25006 in a read-only transaction or on a standby, and 0A000 on a
 * worker of a Citus cluster.
 */
extern void cmig_run_lock_require_possible(const char *command);

/*
 * Take the run lock until the end of the transaction, or at session level for
 * a run that commits.  A wait is reported by a notice and in pg_stat_activity.
 * "command", such as "cmig.upgrade", is used in errors.
 *
 * The first function raises the errors of cmig_run_lock_require_possible(), and
 * 55P03 while a stepwise run is in progress.  Afterwards, the caller must call
 * cmig_version_rows_check_snapshot() before it relies on what it reads.  The
 * caller of the second function must not hold a snapshot.
 */
extern void cmig_run_lock_transaction(const char *command);
extern void cmig_run_lock_session(const char *command);

/*
 * Like cmig_run_lock_transaction(), in a scope, but returns false instead of
 * waiting; some locks may then be held until the end of the transaction.
 */
extern bool cmig_run_lock_try(void);

/*
 * Wait until no run is in progress in any scope, and keep runs in scopes from
 * starting until the end of the transaction.  The caller holds the database's
 * run lock and is about to write revisions.  Raises error 55P03 while a
 * stepwise run is in progress in a scope.
 */
extern void cmig_run_lock_revisions(const char *command);

/* Does this session hold the run lock, at session or transaction level? */
extern bool cmig_run_lock_held(void);

/* Release the run lock.  Does nothing if it is not held. */
extern void cmig_run_lock_release(void);

/*
 * Call this after each statement of a stepwise run, because a script can
 * release all of the session's advisory locks.  Takes the run lock again, or
 * raises error 55000 if another run holds it now.
 */
extern void cmig_run_lock_keep(void);

/* Returns the process of the current scope's stepwise run, or 0. */
extern int	cmig_run_lock_holder(void);

/*
 * Returns the process of a run in a single transaction, or 0.  If it has been
 * prepared, sets *prepared to its transaction ID, otherwise to
 * InvalidTransactionId.
 */
extern int	cmig_run_lock_transaction_holder(TransactionId *prepared);

/*
 * Take or release a lock, at session level, that allows only one backfill of a
 * table at a time.  Never waits: raises error 55P03 and names the holder.  A session
 * holds at most one such lock.
 */
extern void cmig_run_lock_table(Oid table);
extern void cmig_run_lock_table_release(void);

/*
 * Allow only one session at a time to create, move, or drop partitions of the
 * audit log, until the end of the transaction.  This may wait, so anything
 * that the caller already knows about the log may be outdated.
 */
extern void cmig_run_lock_audit(void);

/*
 * Allow only one session at a time to change catalog rows temporarily and roll
 * the changes back, until the end of the subtransaction.
 */
extern void cmig_run_lock_shadow(void);

/* in runner.c */

/*
 * Returns a hint that says which role or search_path scripts have, if the error
 * is about a privilege or that there is no schema to create in, otherwise NULL.
 * Call this while they are in effect.
 */
extern char *cmig_privilege_hint(const ErrorData *error);

struct CmigScriptRun;

/*
 * A callback that runs the current statement of a script, in place of the
 * runner.  "arg" is the step's statement_arg.
 */
typedef void (*CmigRunStatement) (struct CmigScriptRun *run, DestReceiver *dest, void *arg);

/* One step of a plan, with the scripts to run. */
typedef struct CmigRunStep
{
	const char *revision;
	CmigDirection direction;
	const char *target;			/* the target that the user specified, as SQL,
								 * or NULL */
	const char *sql;			/* the script for this direction, with
								 * placeholder values inserted */
	const char *stored_sql;		/* the script for this direction, as stored
								 * or, if it was generated, with its lines "--
								 * cmig:up" */
	const char *verify_sql;		/* run after an upgrade; NULL if none */
	const char *precondition_sql;	/* checked before an upgrade; NULL if none */
	const char *file_name;		/* the file of the script, or NULL */
	int			file_lines[2];	/* the first lines of the script and of
								 * verify_sql in the file */
	bool		transactional;
	bool		repeatable;
	bool		base;			/* has the revision no parents? */
	bool		expand;			/* does the revision have that header? */
	bool		top_level;		/* do statements run outside of a transaction
								 * block, so that commands such as VACUUM are
								 * allowed? */
	bool		committed;		/* is the step committed before the next one
								 * runs? */
	bool		replayed;		/* is the step replayed in a shadow (see
								 * schema/schema.h), where nothing is
								 * committed? */
	bool		tried;			/* is the step run by cmig.dry_run? */
	CmigRunStatement statement; /* callback for running statements, or NULL */
	void	   *statement_arg;
} CmigRunStep;

/*
 * Returns the line of the step's file, if there is one, for a line of the
 * script or, if "verifying" is true, of verify_sql.
 */
extern int	cmig_run_step_line(const CmigRunStep *step, bool verifying, int line);

/*
 * Returns where a statement is: "upgrade of 003, statement 2, line 7", and, if
 * "in_file" is true and there is a file, its name.
 */
extern char *cmig_run_step_place(const CmigRunStep *step, const char *verb, bool in_file,
								 int statement, int line);

/* A script in progress, as described in the context of errors. */
typedef struct CmigScriptRun
{
	const CmigRunStep *step;
	const char *verb;			/* what is in progress, such as "upgrade" or
								 * "verify" */
	bool		checking;		/* is the script precondition_sql? */
	const char *phase;			/* what the runner is doing outside of
								 * statements, such as "before its first
								 * statement", or NULL */
	CmigStatement statement;	/* the current statement; its text is NULL
								 * between statements */
	int			statement_timeout;	/* value to restore after the script */
	bool		timeout_was_active;
} CmigScriptRun;

/* Error context callback.  "run" is the CmigScriptRun. */
extern void cmig_script_run_describe_error(void *run);

/*
 * Returns the part of the error's context that names the revision, the
 * statement, and the line number, or "".
 */
extern char *cmig_script_run_place(const ErrorData *error);

/* If pg_cmig offers a way around the error, its hint describes this way. */
extern void cmig_script_run_improve_hint(ErrorData *error, const CmigScriptRun *run);

/*
 * Returns the CALL of a stepwise procedure that performs the step, or, if
 * in_doubt is true, continues it after a statement in doubt.  Does not access
 * the catalogs, so it can be used after an error.
 */
extern const char *cmig_script_run_call(const CmigRunStep *step, bool in_doubt);

/* The script that is running in this session. */
typedef struct CmigRunning
{
	const char *revision;		/* NULL if no script is running */
	CmigDirection direction;	/* stays after the script */
	bool		replaying;		/* is it replayed in a shadow, a
								 * subtransaction that begins with empty
								 * schemas and is rolled back (see
								 * schema/schema.h)? */
	int			statement;		/* number of the statement that is running or
								 * has failed; 0 before the first one and
								 * after the end */
	bool		verifying;		/* is this statement part of verify_sql? */
	bool		fills;			/* is the next statement to execute the UPDATE
								 * of a line "-- cmig:up"? */
} CmigRunning;

/*
 * Only runner.c changes it, on every path out of a run, because a surrounding
 * PL/pgSQL block may catch an error.
 */
extern CmigRunning cmig_running;

/*
 * Are statements with CONCURRENTLY run as written?  This depends on
 * cmig.concurrent_ddl, and is never the case in a replay.
 */
extern bool cmig_running_concurrent_ddl(void);

/*
 * Raises error 55000 if a script is running in this session, or if pg_cmig is
 * writing to its tables: neither a script nor a trigger is allowed to call
 * "function", an SQL function such as "cmig.upgrade()".
 */
extern void cmig_running_require_idle(const char *function);

/*
 * Raises an error if the step contains transaction control, COPY from or to the
 * client, DISCARD ALL, or, unless top_level is set, a statement that must run
 * at top level, or if its revision is nontransactional and cmig.concurrent_ddl
 * is on.  Errors name the revision, the statement, and its line.
 */
extern void cmig_run_check_step(const CmigRunStep *step);

/*
 * Raises an error if the statement cannot run in this step.  Otherwise returns
 * the parse tree to run, which is a modified copy if CONCURRENTLY was removed.
 */
extern RawStmt *cmig_run_check_statement(const CmigRunStep *step, RawStmt *raw);

/*
 * Analyze, rewrite, plan, and run a copy of a statement, below the top level,
 * in a memory context that ends with the transaction at the latest.  Returns the
 * number of rows processed, or CMIG_NO_ROWS if the command does not report a
 * row count.
 */
#define CMIG_NO_ROWS INT64CONST(-1)

extern int64 cmig_execute_statement(const RawStmt *statement, const char *text, DestReceiver *dest);

/*
 * The same for the copy of a statement from which CONCURRENTLY was removed, or
 * for the statement itself: creates what CONCURRENTLY would create.
 */
extern int64 cmig_execute_copy(const RawStmt *original, RawStmt *copy, const char *text,
							   DestReceiver *dest);

/*
 * Returns the script with its placeholders replaced by their values.  Raises
 * the errors of cmig_substitute_script(), which describes the arguments.  If a
 * placeholder has no value, raises error 42704 or, if "missing" is not NULL,
 * inserts its name and sets *missing, which must be NULL, to the first of them.
 */
extern const char *cmig_placeholder_values_insert(const char *script, const CmigNames *declarations,
												  const char *revision, const char *what,
												  const char **missing);

/* Register the settings of the modules in src/run. */
extern void cmig_runner_init(void);

/* Call this when a new attempt at one or more steps begins. */
extern void cmig_runner_begin(void);

/* The parts of a step, as a bit mask. */
#define CMIG_RUN_PRECONDITION 1
#define CMIG_RUN_SCRIPT 2
#define CMIG_RUN_VERIFY 4
#define CMIG_RUN_ALL 7

/*
 * Run those parts that the step has.  On return, the session is in its previous
 * state, including settings, role, temporary objects, prepared statements,
 * cursors, and constraint modes.  After an error, the caller must roll back the
 * transaction or subtransaction, which restores the previous state.
 */
extern void cmig_runner_run(const CmigRunStep *step, int parts);

/* Restart statement_timeout with the value that is now in effect. */
extern void cmig_runner_restart_timeout(void);

/*
 * Functions for a caller that commits between the statements of a script.
 * Call cmig_runner_start() before the script and cmig_runner_stop() after it,
 * even after an error.  In between, install cmig_script_run_describe_error()
 * as the error context callback.  cmig_runner_stop() may be called twice.
 */
extern void cmig_runner_start(CmigScriptRun *run, const CmigRunStep *step);
extern void cmig_runner_stop(CmigScriptRun *run);

/* Has the statement_timeout of the statement that ran last ended? */
extern bool cmig_runner_statement_timed_out(void);

/* Does the caller report what is running, and not each statement that it runs? */
extern bool cmig_runner_is_silent;

/*
 * Read the next statement of the script into run->statement.  Returns false at
 * the end of the script.
 */
extern bool cmig_runner_next(CmigScriptRun *run, CmigScriptReader *script);

/* in verify.c */

/*
 * The sizes of the string fields, including the NUL.  Longer strings are
 * truncated.
 */
#define CMIG_FAILURE_REVISION 128
#define CMIG_FAILURE_MESSAGE 512

/* A failed run. */
typedef struct CmigLastFailure
{
	TimestampTz at;
	int64		count;			/* failures in the database since the start */
	CmigDirection direction;
	char		scope[NAMEDATALEN]; /* schema, or "" for the database */
	char		revision[CMIG_FAILURE_REVISION];	/* "" if a run has
													 * succeeded since */
	int			statement;		/* number of the failed statement, or 0 */
	int			sqlstate;		/* SQLSTATE of the error; 0 if the session
								 * ended */
	char		message[CMIG_FAILURE_MESSAGE];
} CmigLastFailure;

/* Request shared memory if the library is being preloaded. */
extern void cmig_last_failure_init(void);

/* Is shared memory for failures available? */
extern bool cmig_last_failure_is_kept(void);

/*
 * Call this when a step begins.  If the session ends before another function
 * of this module is called, the run counts as failed in this step.
 */
extern void cmig_last_failure_begin(CmigDirection direction, const char *revision);

/*
 * Call this in PG_CATCH to record the error of the run.  "statement" is the
 * number of the failed statement, or 0 if no statement failed.
 */
extern void cmig_last_failure_record(int statement);

/* A run has succeeded: discard an earlier failure in the current scope. */
extern void cmig_last_failure_forget(void);

/*
 * Returns false if the last run in the current database and scope has not
 * failed, but sets "at" and "count" anyway; zero if nothing has failed.
 */
extern bool cmig_last_failure_read(CmigLastFailure *failure);

/* Register cmig.log_runs. */
extern void cmig_log_run_init(void);

/*
 * Write lines to the server log when a run starts and when it ends.  "what" is
 * such as "upgrade of 001".  The line about a run that does not commit is
 * written when the transaction ends.  "place" follows the SQLSTATE, and can be
 * "" or " in 001, statement 2".
 */
extern void cmig_log_run_start(const char *what, bool commits);
extern void cmig_log_run_end(bool failed, const char *result);
extern void cmig_log_run_fail(int sqlstate, const char *place);

/* Raises error 0A000 unless the precondition is a single SELECT. */
extern void cmig_precondition_require_select(const CmigStatement *statement,
											 const CmigRunStep *step);

/* in lock.c */

/* A lock on a relation of this database. */
typedef struct CmigHeldLock
{
	Oid			relation;
	LOCKMODE	mode;
	bool		of_transaction; /* true if the whole transaction holds the
								 * lock, as with a lock that nextval() takes;
								 * such a lock may be older than the
								 * subtransaction */
} CmigHeldLock;

/*
 * Returns the locks that the current subtransaction or the transaction holds,
 * as a List of CmigHeldLock *.
 */
extern List *cmig_locks_held(void);

/* in outside.c */

/*
 * If a utility statement cannot be rolled back, returns a phrase that says why;
 * otherwise, returns NULL.  A cursor that was opened before the subtransaction
 * "since" belongs to the caller, so using or closing it cannot be rolled back.
 */
extern const char *cmig_outside_of_statement(Node *statement, SubTransactionId since);

/*
 * Functions are watched while SQL runs that will be rolled back.  The struct
 * must exist until the watch ends.  During a watch, foreign tables cannot be
 * read or changed, and the caller's cursors cannot be moved or closed.
 */
typedef struct CmigOutsideWatch
{
	/* Raises an error before a function is called whose effects remain. */
	void		(*refuse) (const char *reason);
	bool		restores_locks; /* are session-level advisory locks allowed? */
	bool		skips_setval;	/* is setval() allowed, because the watch's
								 * owner makes it skip live sequences?  SQL
								 * functions that call it are then not
								 * inlined. */
	char		distrusts;		/* functions that are refused: 'o' those of
								 * roles without the privileges of the role
								 * that would run them, 'u' all that users
								 * have defined, 0 none */
	bool		strict;			/* are also functions in C refused that are
								 * volatile, or that read what their arguments
								 * name? */
	Oid			trusts;			/* 'u' spares extensions of roles with the
								 * privileges of this one, or of the current
								 * one if it is InvalidOid */
	const char *because;		/* why they are, in the error */
	bool		when_called;	/* are users' functions refused when they are
								 * called, but may be looked up? */
	TransactionId mark;			/* see cmig_outside_mark() */
} CmigOutsideWatch;

/* Install the hooks. */
extern void cmig_outside_init(void);

/*
 * Start a watch, or end it if "started" is NULL.  Returns the former watch, to
 * which the caller must return.
 */
extern const CmigOutsideWatch *cmig_outside_watch(const CmigOutsideWatch *started);

/*
 * Make the procedural languages compile the function separately for the
 * transaction or subtransaction "mark", which must be current and be rolled
 * back.
 */
extern void cmig_outside_mark(Oid function, TransactionId mark);

/* Forget the marks, as the end of a watch does. */
extern void cmig_outside_unmark(void);

/* in copied.c */

/* Install the hooks. */
extern void cmig_copied_init(void);

/* in record.c */

/* Does cmig run revisions only to record what pg_cmig's functions run? */
extern bool cmig_record_is_on(void);

/*
 * If so, record a statement of the function that the running statement calls, and the
 * table that it alters, or, if "sql" is NULL, that nothing needs to run in its place.
 */
extern void cmig_record(const char *sql, Oid table);

/*
 * A function whose statements are recorded begins.  Raises 0A000 unless it is the one
 * that the running statement calls: what code does that the statement runs, such as a
 * function of another role, must not be in a script that runs as the caller of cmig.
 */
typedef struct CmigRecordReads
{
	/* what the function reads: tables, with those that inherit from them */
	Oid			table;
	Oid			other;
	/* or the tables of a schema that have one of two columns */
	Oid			schema;
	const char *columns[2];
} CmigRecordReads;

extern void cmig_record_begin(CmigRecordReads reads);

/*
 * Why can no database without the extension run the statement, which calls a function
 * of pg_cmig?  Returns NULL if it can, as far as its text tells; otherwise, sets *fix.
 * This is what an engine refuses: check, lint, plans, and dry runs ask it, too.
 */
extern const char *cmig_record_refusal(const CmigStatement *statement, const char **fix);

/*
 * Raise 0A000 if there is such a reason, or because it calls a function of pg_cmig.  The
 * first one is called before each statement that is recorded runs.
 */
extern void cmig_record_check(const char *revision, const CmigStatement *statement);
pg_noreturn extern void cmig_record_refuse(const char *revision, const CmigStatement *statement);

#define CMIG_RECORD_BACKFILL \
	"cmig.backfill without where_sql, or with max_lag, which requires the extension in the database"
#define CMIG_RECORD_BACKFILL_HINT \
	"Call it without max_lag, and with where_sql, a condition that is true for the rows that remain, so that it can be repeated after an interruption."

typedef struct CmigRecordedSql
{
	char	   *sql;			/* NULL when the function begins */
	int			look;			/* what it reads then: an element of
								 * cmig_record_looks(), counted from 1, or 0;
								 * a procedure reads before each statement */
	char	   *table;			/* the table that the statement alters, or
								 * NULL */
} CmigRecordedSql;

/*
 * Returns what recorded functions have read in the copy, a List of char *: jsonb objects with
 * "tables", "schema", and "columns", of CmigRecordReads, and "seen", the result of
 * cmig_record_seen.  That is a part of a query, for a search_path that begins with pg_catalog.
 */
extern List *cmig_record_looks(void);
extern const char *const cmig_record_seen;

/*
 * Has the statement called a function whose statements were recorded?  If so, sets *sql
 * to what it has run, a List of CmigRecordedSql *.
 */
extern bool cmig_record_find(const char *revision, CmigDirection direction,
							 const CmigStatement *statement, List **sql);

#endif							/* CMIG_RUN_H */
