/*
 * revision_rows.h
 *	  Writes the table cmig.revision.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REVISION_ROWS_H
#define CMIG_REVISION_ROWS_H

#include "postgres.h"
#include "base/revision.h"

/* Insert a revision with an id that does not exist yet. */
extern void cmig_revision_rows_insert(const CmigRevisionText *revision);

/*
 * Insert several revisions.  Their names, such as ids and labels, must not
 * contain commas.
 */
extern void cmig_revision_rows_insert_many(const CmigRevisionText *const *revisions,
										   int count);

/* Replace the stored revision that has the same id. */
extern void cmig_revision_rows_replace(const CmigRevisionText *revision);

extern void cmig_revision_rows_delete(const char *revision);

#endif							/* CMIG_REVISION_ROWS_H */
