/*
 * internal.h
 *	  What the modules of src/run share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_INTERNAL_H
#define CMIG_RUN_INTERNAL_H

#include "postgres.h"

#include "catalog/objectaddress.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lock.h"
#include "tcop/dest.h"

#include "run/run.h"

/* in scope.c */

/* Register cmig.scope. */
extern void cmig_scope_init(void);

/*
 * Keep the current scope until cmig_scope_unpin(), even if the setting changes.
 */
extern void cmig_scope_pin(void);
extern void cmig_scope_unpin(void);

/* in session.c */

/* Register cmig.search_path and cmig.role, and install the hooks. */
extern void cmig_session_init(void);

/* Is a script running, that is, has a session been entered but not left? */
extern bool cmig_session_is_entered(void);

/* in wait.c */

/* Register cmig.run_timeout. */
extern void cmig_run_limit_init(void);

/*
 * Forget the lock waits of earlier statements, and reread cmig.lock_timeout.
 * Call this when a statement begins, or a batch of a statement that commits.
 * Call cmig_lock_wait_next_statement() when a statement of a script begins.
 */
extern void cmig_lock_wait_next_statement(void);

/*
 * Call this in an error context callback during a wait for a known lock that
 * the timer does not watch.  If the current error is a lock timeout or a
 * cancel, adds a detail that begins with "what", a sentence, and says which
 * sessions block it.  "since" is when the wait began.
 */
extern void cmig_lock_wait_explain_tag(const LOCKTAG *tag, LOCKMODE mode, TimestampTz since,
									   Oid caller, const char *what);

/*
 * If a lock holder is a prepared transaction, returns its transaction ID;
 * otherwise InvalidTransactionId.  A prepared transaction keeps the number of
 * the backend that prepared it, but that number may now belong to another
 * session.
 */
extern TransactionId cmig_lock_wait_prepared(VirtualTransactionId holder);

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

/*
 * Call this when a script begins.  Records the OID and the members of the
 * extension.
 */
extern void cmig_extension_note(void);

/* in script_run.c */

/* Does the step run verify_sql after its script? */
extern bool cmig_script_run_is_verified(const CmigRunStep *step);

/*
 * Returns the CALL of a stepwise procedure that performs the step, for the
 * hint of an error about a step that cannot run in a single transaction.
 */
extern const char *cmig_script_run_stepwise_call(const CmigRunStep *step);

/* Register cmig.concurrent_ddl and cmig.running_revision. */
extern void cmig_running_init(void);

/*
 * Functions for the runner.  cmig_running_start() records that the script of a
 * step is running; cmig_running_stop() must follow on every path, including
 * errors.  The number of the current statement remains set after an error.
 * Call cmig_running_forget_statement() so that later errors are not attributed
 * to that statement.
 */
extern void cmig_running_start(const CmigRunStep *step);
extern void cmig_running_stop(void);
extern void cmig_running_set_statement(int number);
extern void cmig_running_count_statement(void);
extern void cmig_running_set_verifying(void);
extern void cmig_running_forget_statement(void);

/* in verify.c */

/*
 * Returns a receiver that raises error MG009 for a row whose first boolean
 * column is not true.  Rows without a boolean column pass.
 */
extern DestReceiver *cmig_verify_receiver(CmigScriptRun *run);

/* Returns a receiver for the rows of a precondition. */
extern DestReceiver *cmig_precondition_receiver(void);

/*
 * Raises error MG017 unless the receiver has received exactly one row, with a
 * single boolean column that is true.
 */
extern void cmig_precondition_require(const DestReceiver *receiver, const CmigRunStep *step);

#endif							/* CMIG_RUN_INTERNAL_H */
