/*
 * lint_session.h
 *	  Tracks the settings and the transaction state of a script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_SESSION_H
#define CMIG_LINT_SESSION_H

#include "postgres.h"
#include "lint/lint_model.h"
#include "lint/lint_rule.h"
#include "nodes/parsenodes.h"

struct CmigLintType;

typedef struct CmigLintSession CmigLintSession;

/* Start a lint call, or start the next revision of a lint call. */
extern void cmig_lint_session_begin(CmigLint *lint, const char *search_path);
extern void cmig_lint_session_begin_revision(CmigLint *lint);

/* Returns search_path at this point of the script, as a List of char *. */
extern List *cmig_lint_session_path(const CmigLint *lint);

/*
 * Timeouts.  cmig_lint_session_has_timeout() returns true if a timeout has a
 * value other than 0 at this point of the script.
 */
typedef enum CmigLintTimeout
{
	CMIG_LINT_LOCK_TIMEOUT,
	CMIG_LINT_STATEMENT_TIMEOUT
} CmigLintTimeout;

extern bool cmig_lint_session_has_timeout(const CmigLint *lint, CmigLintTimeout timeout);

/* Returns the time zone set by the script, or NULL if it sets none. */
extern const char *cmig_lint_session_time_zone(const CmigLint *lint);

/* Record the new value of a setting.  NULL stands for the default value. */
extern void cmig_lint_session_set(CmigLint *lint, const char *name, const char *value);
extern void cmig_lint_session_apply_set(CmigLint *lint, VariableSetStmt *statement);

/*
 * Transaction blocks in nontransactional scripts.  cmig_lint_session_in_block()
 * returns the number of the statement that began the current block, or 0
 * outside of a block. cmig_lint_session_in_transaction() returns true if the
 * current statement runs in any kind of transaction.
 */
extern int	cmig_lint_session_in_block(const CmigLint *lint);
extern bool cmig_lint_session_in_transaction(const CmigLint *lint);
extern void cmig_lint_session_apply_transaction(CmigLint *lint, TransactionStmt *statement);

/*
 * The first table that the current transaction has locked with
 * AccessExclusiveLock, and the number of the statement that took the lock.
 * cmig_lint_session_held() returns NULL if there is no such table.
 */
extern CmigLintTable *cmig_lint_session_held(const CmigLint *lint, int *statement);
extern void cmig_lint_session_hold(CmigLint *lint, CmigLintTable *table, int statement);

/*
 * Enum values added by the current transaction.  cmig_lint_session_new_value()
 * returns the enum type to which the current transaction has added a value, or
 * NULL if it has not added the value.
 */
extern struct CmigLintType *cmig_lint_session_new_value(CmigLint *lint, const char *value);
extern bool cmig_lint_session_has_new_values(const CmigLint *lint);

/*
 * If an earlier revision in the same transaction has added the enum value,
 * returns the id of that revision; otherwise, returns NULL.
 */
extern const char *cmig_lint_session_added_by(const CmigLint *lint, const char *value);
extern void cmig_lint_session_add_value(CmigLint *lint, struct CmigLintType *type, const char *value);

/* Has it been reported for this revision that the timeout is not set? */
extern bool cmig_lint_session_is_reported(const CmigLint *lint, CmigLintTimeout timeout);
extern void cmig_lint_session_set_reported(CmigLint *lint, CmigLintTimeout timeout);

/*
 * For this revision, has a finding already been reported about a statement
 * that waits for a lock while another lock is held?
 */
extern bool cmig_lint_session_is_wait_reported(const CmigLint *lint);
extern void cmig_lint_session_set_wait_reported(CmigLint *lint);

#endif							/* CMIG_LINT_SESSION_H */
