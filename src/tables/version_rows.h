/*
 * version_rows.h
 *	  The version rows: the table cmig.version.
 *
 * Nothing is cached between calls: rows can be changed by hand at any time.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_VERSION_ROWS_H
#define CMIG_VERSION_ROWS_H

#include "postgres.h"
#include "base/revision.h"

/* All version rows, sorted by bytes. */
extern CmigNames *cmig_version_rows_read(void);

/* A version row without a stored revision, or NULL. */
extern char *cmig_version_rows_unknown(void);

/*
 * Raise 55000 if the row to delete does not exist, or the row to insert
 * already exists: something else changed the table during the run.
 */
extern void cmig_version_rows_delete(const char *revision);
extern void cmig_version_rows_insert(const char *revision);

/*
 * Delete one row and insert another in a single statement, as most steps need
 * it.
 */
extern void cmig_version_rows_replace(const char *from, const char *to);

/* Delete all version rows, whatever they contain. */
extern void cmig_version_rows_clear(void);

/*
 * Raise 40001 if a version row or a revision has changed since the
 * transaction's snapshot was taken.  Must be called after the run lock was
 * acquired.
 */
extern void cmig_version_rows_check_snapshot(void);

#endif							/* CMIG_VERSION_ROWS_H */
