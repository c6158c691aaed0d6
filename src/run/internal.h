/*
 * internal.h
 *	  What the modules of src/run share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RUN_INTERNAL_H
#define CMIG_RUN_INTERNAL_H

#include "postgres.h"

#include "run/run.h"

/*
 * How the names of the databases begin that share/cmig/engine.bash creates in an
 * engine.
 */
#define CMIG_ENGINE_COPY "cmig_copy_"

/* in scope.c */

/* Register cmig.scope. */
extern void cmig_scope_init(void);

/* Keep the current scope until cmig_scope_unpin(). */
extern void cmig_scope_pin(void);
extern void cmig_scope_unpin(void);

/*
 * Check the scope of the script that runs again, if something was created or
 * changed since.  The function, which may be InvalidOid, is about to be called.
 */
extern void cmig_scope_look_again(Oid function);

/* in call.c */

/* Asserts that cmig_call_guard() ends what begins now. */
extern void cmig_call_require_guard(void);

/* in session.c */

/* Register cmig.search_path and cmig.role, and install the hooks. */
extern void cmig_session_init(void);

/* in wait.c */

/* Register cmig.run_timeout. */
extern void cmig_run_limit_init(void);

/* Like cmig_lock_wait_forget(), when a statement of a script begins. */
extern void cmig_lock_wait_next_statement(void);

/*
 * Until cmig_lock_wait_unwatch(), report a lock wait of more than a second to
 * the client, with this message and detail or, if "message" is NULL, with what
 * the server writes to its log.
 */
extern void cmig_lock_wait_tell(const char *message, const char *detail);

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

/* in lock.c */

/*
 * Call these when a run begins, and when one of its scripts begins.  They record
 * the OID and the members of the extension, once for the scripts of a run that
 * are in the same transaction.
 */
extern void cmig_extension_forget(void);
extern void cmig_extension_note(void);

/*
 * Has the current script run a statement that can change or drop the extension?
 * If it has not, only the end of the script calls cmig_extension_require(), which
 * does not compare the members then.
 */
extern bool cmig_extension_suspected;

/* in filled.c */

/*
 * Raises an error unless the UPDATE of a line "-- cmig:up", which was rewritten to
 * these queries, updates every row of its table: 0A000 because of a rule, and 42501
 * because of row-level security.
 */
extern void cmig_filled_require_queries(const UpdateStmt *update, const List *queries);

/*
 * Raises error 55000 if triggers have left out rows of the UPDATE, which has run with
 * INSTRUMENT_ROWS, and the table is locked against writes.
 */
extern void cmig_filled_require_rows(const QueryDesc *query);

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

/* in wait.c */

/*
 * Lock the relation if it is locked already in a weaker mode that keeps others from
 * writing, but do not wait for that: if waits yield, end the attempt, and begin the next
 * one with this lock.
 */
extern void cmig_lock_wait_raise(const RangeVar *range, LOCKMODE mode);

#endif							/* CMIG_RUN_INTERNAL_H */
