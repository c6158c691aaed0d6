/*
 * progress.h
 *	  cmig.progress: where an unfinished stepwise step stands.
 *
 * One row for each statement of a revision that is not transactional, from
 * its first trace to the end of the step, when all of them go:
 *
 *	 running	it was begun at top level; the catalog tells what became of it,
 *				or it is an own procedure, which knows
 *	 in_doubt	it has committed by itself, and did not end
 *	 done		it was carried out
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

typedef enum CmigProgressState
{
	CMIG_PROGRESS_RUNNING,
	CMIG_PROGRESS_IN_DOUBT,
	CMIG_PROGRESS_DONE
} CmigProgressState;

typedef struct CmigProgressRow
{
	char	   *revision;
	CmigDirection direction;
	int			statement;
	CmigProgressState state;
	char	   *detail;			/* jsonb as text */
	char	   *checksum;		/* of the statement, from detail */
} CmigProgressRow;

/* All rows, ordered by revision, direction, statement. */
extern List *cmig_progress_read(void);

/* The row of a statement in such a list, or NULL. */
extern CmigProgressRow *cmig_progress_find(List *rows, const char *revision,
										   CmigDirection direction, int statement);

/* Has the revision a row in such a list: is one of its steps half done? */
extern bool cmig_progress_has(List *rows, const char *revision);

/* Insert or update a row; a NULL detail leaves what is there. */
extern void cmig_progress_write(const char *revision, CmigDirection direction,
								int statement, CmigProgressState state,
								const char *detail);

/* Remove a statement's row, a step's rows, all rows; was there any? */
extern void cmig_progress_remove(const char *revision, CmigDirection direction,
								 int statement);
extern void cmig_progress_clear(const char *revision, CmigDirection direction);
extern bool cmig_progress_clear_all(void);

/*
 * What keeps every run from getting to a step that is half done, and what to
 * type; NULL if nothing does.
 */
extern const char *cmig_progress_obstacle(const CmigProgressRow *row);

/*
 * Raise 55000 if a step is half done: what moves otherwise would not know
 * what is there.
 */
extern void cmig_progress_require_none(void);

#endif							/* CMIG_PROGRESS_H */
