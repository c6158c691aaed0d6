/*
 * version_rows.h
 *	  Reads and writes the version rows, which are in the tables cmig.version
 *	  and cmig.scope_version.
 *
 * Nothing is cached between calls, because rows can be changed manually at any
 * time.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSION_ROWS_H
#define CMIG_VERSION_ROWS_H

#include "postgres.h"
#include "base/revision.h"

/*
 * Returns all version rows of the current scope, in byte order.  Raises an
 * error if the current scope is a schema that does not exist or cannot be a
 * scope; see cmig_scope_require().
 */
extern CmigNames *cmig_version_rows_read(void);

/*
 * Returns the version rows of the database and of all scopes, without
 * duplicates.
 */
extern CmigNames *cmig_version_rows_everywhere(void);

/*
 * The first function returns the version rows of the database.  The second
 * function returns those of all scopes, without duplicates.
 */
extern CmigNames *cmig_version_rows_database(void);
extern CmigNames *cmig_version_rows_of_scopes(void);

/*
 * Returns the name of the table that contains the version rows of the current
 * scope.
 */
extern const char *cmig_version_rows_table(void);

/*
 * Returns a version row for a revision that is not stored, or NULL if there is
 * none.
 */
extern char *cmig_version_rows_unknown(void);

/*
 * Delete or insert a version row.  Raises error 55000 if the row to delete
 * does not exist or the row to insert already exists, because that means that
 * a script or another session has changed the table during the run.
 */
extern void cmig_version_rows_delete(const char *revision);
extern void cmig_version_rows_insert(const char *revision);

/*
 * Replace a version row with another one in a single statement, which is
 * sufficient for most steps.  Raises the same errors as
 * cmig_version_rows_delete() and cmig_version_rows_insert().
 */
extern void cmig_version_rows_replace(const char *from, const char *to);

/* Delete all version rows of the current scope. */
extern void cmig_version_rows_clear(void);

/*
 * Does the snapshot of the transaction show the latest version rows and
 * revisions?  The second function raises error 40001 if it does not; call it
 * after acquiring the run lock.
 */
extern bool cmig_version_rows_are_latest(void);
extern void cmig_version_rows_check_snapshot(void);

#endif							/* CMIG_VERSION_ROWS_H */
