/*
 * progress.h
 *	  Reads and writes cmig.progress, which records unfinished steps of
 *	  stepwise runs.
 *
 * There is a row for each statement of a nontransactional revision that may
 * have had an effect.  All rows of a step are deleted at the end of the step.
 * A row has one of these states:
 *
 * - "running": The statement was started at top level.  The catalogs (or, for
 *   a pg_cmig procedure, its own records) show what the statement has done.
 * - "in_doubt": The statement has committed some of its work, but has not
 *   ended.
 * - "done": The statement has run.
 *
 * A statement without a row has had no effect.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PROGRESS_H
#define CMIG_PROGRESS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

/* The states of a row in cmig.progress. */
typedef enum CmigProgressState
{
	CMIG_PROGRESS_RUNNING,
	CMIG_PROGRESS_IN_DOUBT,
	CMIG_PROGRESS_DONE
} CmigProgressState;

/* A row of cmig.progress. */
typedef struct CmigProgressRow
{
	char	   *revision;
	CmigDirection direction;
	int			statement;
	CmigProgressState state;
	char	   *detail;			/* the column "detail", a JSON object */
	char	   *checksum;		/* checksum of the statement, from "detail" */
} CmigProgressRow;

/*
 * Returns a List of CmigProgressRow * with all rows of the current scope,
 * ordered by revision, direction, and statement.
 */
extern List *cmig_progress_read(void);

/*
 * Returns a list of the revisions that are partially applied or reverted in
 * the database or in any scope.  Pass the list to cmig_progress_has().
 */
extern List *cmig_progress_everywhere(void);

/*
 * Returns the row of a statement in a list from cmig_progress_read(), or NULL
 * if there is none.
 */
extern CmigProgressRow *cmig_progress_find(List *rows, const char *revision,
										   CmigDirection direction, int statement);

/*
 * Does the list contain a row for the revision?  If so, the revision is
 * partially applied or reverted.
 */
extern bool cmig_progress_has(List *rows, const char *revision);

/*
 * Returns the ids of the revisions that are partially applied or reverted in
 * the current scope, possibly with duplicates.
 */
extern CmigNames *cmig_progress_begun(void);

/*
 * Insert or update the row of a statement.  If "detail" is NULL, the detail of
 * an existing row does not change.
 */
extern void cmig_progress_write(const char *revision, CmigDirection direction,
								int statement, CmigProgressState state,
								const char *detail);

/*
 * Delete the row of a statement, the rows of a step, or all rows of the
 * current scope.  cmig_progress_clear_all() returns true if there were any
 * rows.
 */
extern void cmig_progress_remove(const char *revision, CmigDirection direction,
								 int statement);
extern void cmig_progress_clear(const char *revision, CmigDirection direction);
extern bool cmig_progress_clear_all(void);

/*
 * If no run can finish the step to which the row belongs, returns a hint that
 * says why and what to do.  Otherwise returns NULL.
 */
extern const char *cmig_progress_obstacle(const CmigProgressRow *row);

/*
 * Returns the CALL that finishes a partially applied step, without the closing
 * parenthesis.
 */
extern char *cmig_progress_call(const char *revision, CmigDirection direction);

/* Returns a clause that says how far the step of a row got, for messages. */
extern char *cmig_progress_place(const CmigProgressRow *row);

/*
 * Returns the CALL that finishes the step of a row, or a sentence that says
 * what must be done first.
 */
extern const char *cmig_progress_next(const CmigProgressRow *row);

/*
 * Raise error 55000 if any revision is partially applied or reverted, because
 * other runs then cannot know the state of the schema.
 */
extern void cmig_progress_require_none(void);

#endif							/* CMIG_PROGRESS_H */
