/*
 * change.h
 *	  Takes the run lock and checks the state before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHANGE_H
#define CMIG_CHANGE_H

#include "postgres.h"

/*
 * Call this before changing pg_cmig's tables.  Takes the run lock until the
 * end of the transaction, and starts the time limit cmig.run_timeout.  Raises
 * error 55000 within a revision's script, and 40001 if the transaction's
 * snapshot does not show the latest version rows.  Also replaces the version
 * rows of replaced revisions, like cmig_active_settle().  "function" is used
 * in errors, for example "cmig.upgrade()".
 */
extern void cmig_change_begin(const char *function);

/*
 * Like cmig_change_begin(), but for a function that writes revisions, which
 * belong to the database and not to a scope.  Makes the database the current
 * scope, and also waits until no run is in progress in any scope.  Call
 * cmig_change_end_revisions() with the result to restore the current scope.
 */
extern int	cmig_change_begin_revisions(const char *function);
extern void cmig_change_end_revisions(int guc_level);

#endif							/* CMIG_CHANGE_H */
