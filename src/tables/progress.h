/*
 * progress.h
 *	  cmig.progress: how far an unfinished stepwise step is.
 *
 * There is one row for each statement of a revision that is not transactional,
 * from its first effect to the end of the step, when all rows of the step are
 * deleted:
 *
 * 	 running	it has started at top level; the catalog shows what became of it,
 * 				or it is a procedure of pg_cmig, which knows
 * 	 in_doubt	it has committed by itself and has not ended
 * 	 done		it has run
 *
 * A statement without a row has left nothing behind.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PROGRESS_H
#define CMIG_PROGRESS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "base/revision.h"

/* The states above. */
typedef enum CmigProgressState
{
	CMIG_PROGRESS_RUNNING,
	CMIG_PROGRESS_IN_DOUBT,
	CMIG_PROGRESS_DONE
} CmigProgressState;

/* A row of the table. */
typedef struct CmigProgressRow
{
	char	   *revision;
	CmigDirection direction;
	int			statement;
	CmigProgressState state;
	char	   *detail;			/* jsonb as text */
	char	   *checksum;		/* of the statement; taken from detail */
} CmigProgressRow;

/* All rows, ordered by revision, direction, statement. */
extern List *cmig_progress_read(void);

/* The row of a statement in such a list, or NULL. */
extern CmigProgressRow *cmig_progress_find(List *rows, const char *revision,
										   CmigDirection direction, int statement);

/*
 * Does the list contain a row of the revision, that is, is it partially
 * applied?
 */
extern bool cmig_progress_has(List *rows, const char *revision);

/* The revisions that have rows. */
extern CmigNames *cmig_progress_begun(void);

/* Insert or update a row. If detail is NULL, the row keeps its detail. */
extern void cmig_progress_write(const char *revision, CmigDirection direction,
								int statement, CmigProgressState state,
								const char *detail);

/*
 * Delete the row of a statement, the rows of a step, or all rows; clear_all
 * returns whether there were any.
 */
extern void cmig_progress_remove(const char *revision, CmigDirection direction,
								 int statement);
extern void cmig_progress_clear(const char *revision, CmigDirection direction);
extern bool cmig_progress_clear_all(void);

/*
 * What prevents every run from reaching a partially applied step, and what to
 * type; NULL if nothing does.
 */
extern const char *cmig_progress_obstacle(const CmigProgressRow *row);

/*
 * The call that does a step that a stepwise run has not finished, without the
 * closing parenthesis.
 */
extern char *cmig_progress_call(const char *revision, CmigDirection direction);

/*
 * Raise 55000 if a revision is partially applied, since another move could not
 * know the state of the database.
 */
extern void cmig_progress_require_none(void);

#endif							/* CMIG_PROGRESS_H */
