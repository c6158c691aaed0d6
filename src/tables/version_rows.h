/*
 * version_rows.h
 *	  Access to the version rows, which are in the tables cmig.version and
 *	  cmig.scope_version.
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
 * Returns all version rows of the current scope in byte order.  Raises the
 * errors of cmig_scope_require().
 */
extern CmigNames *cmig_version_rows_read(void);

/*
 * Returns the version rows of the database and of all scopes, without
 * duplicates.
 */
extern CmigNames *cmig_version_rows_everywhere(void);

/*
 * Like cmig_version_rows_everywhere(), but the first function returns only the
 * rows of the database, and the second one only those of the scopes.
 */
extern CmigNames *cmig_version_rows_database(void);
extern CmigNames *cmig_version_rows_of_scopes(void);

/* Returns the name of the table that contains the current scope's rows. */
extern const char *cmig_version_rows_table(void);

/* Returns a version row that names no stored revision, or NULL. */
extern char *cmig_version_rows_unknown(void);

/*
 * Delete or insert a row.  Raises 55000 if the row to delete does not exist or
 * the row to insert already exists, because in that case something else has
 * changed the table during the run.
 */
extern void cmig_version_rows_delete(const char *revision);
extern void cmig_version_rows_insert(const char *revision);

/*
 * Replace a row with another one in a single statement, as most steps do.
 * Raises the same errors as cmig_version_rows_delete() and
 * cmig_version_rows_insert().
 */
extern void cmig_version_rows_replace(const char *from, const char *to);

/* Delete all version rows of the current scope. */
extern void cmig_version_rows_clear(void);

/*
 * Raise 40001 if a version row or a revision has changed since the
 * transaction's snapshot was taken.  Call this after acquiring the run lock.
 */
extern void cmig_version_rows_check_snapshot(void);

#endif							/* CMIG_VERSION_ROWS_H */
