/*
 * change.h
 *	  Takes the run lock and performs checks before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_CHANGE_H
#define CMIG_CHANGE_H

#include "postgres.h"

/*
 * Take the run lock until the end of the transaction and start the clock of
 * cmig.run_timeout.  Raises 55000 within a revision's script, and 40001 if the
 * transaction's snapshot does not show the latest version rows.  Also updates
 * the version rows of replaced revisions, as described for
 * cmig_active_settle().  "function" is used in error messages, for example
 * "cmig.upgrade()".
 */
extern void cmig_change_begin(const char *function);

/*
 * Like cmig_change_begin(), but for a function that writes revisions, which
 * belong to the database and not to a scope.  Sets the current scope to the
 * database until cmig_change_end_revisions(), which must be called with the
 * result.  Also waits until no run is in progress in any scope.
 */
extern int	cmig_change_begin_revisions(const char *function);
extern void cmig_change_end_revisions(int guc_level);

#endif							/* CMIG_CHANGE_H */
