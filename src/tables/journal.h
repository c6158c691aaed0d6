/*
 * journal.h
 *	  Writes cmig.journal, which contains a row for each step that was run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_JOURNAL_H
#define CMIG_JOURNAL_H

#include "postgres.h"
#include "base/revision.h"
#include "datatype/timestamp.h"

/*
 * A row of the journal, without the columns that are derived from the session,
 * such as "role".
 */
typedef struct CmigJournalEntry
{
	const char *revision;		/* id; NULL for a drift check, unless
								 * cmig.capture has turned the drift into a
								 * revision */
	const char *direction;		/* upgrade, downgrade, stamp, repair, drift */
	const char *outcome;		/* "done"; for a stepwise run, also "running"
								 * or "failed" */
	TimestampTz started_at;
	TimestampTz finished_at;	/* stored in "elapsed" as the time since
								 * started_at */
	const char *checksum;		/* checksum of the script that ran, or NULL */
	const char *sqlstate;		/* SQLSTATE of a failure, or NULL */
	const char *message;
	int			statement;
} CmigJournalEntry;

/*
 * Write a row.  The caller must hold the run lock, because the id of a new row
 * is the greatest id plus one; the same is true for all other functions in
 * this module that write rows.  The role, session role, application, address,
 * and transaction ID are taken from the session.  The column search_path
 * contains the search_path that scripts start with.
 */
extern void cmig_journal_write(const CmigJournalEntry *entry);

/*
 * A batch of rows for several steps of a transaction.  The rows are written in
 * the order of the steps.  Only the revision, direction, outcome, times,
 * checksum, and message of an entry are used.  The checksum is copied; the
 * other strings must remain valid until cmig_journal_end(), which writes the
 * remaining rows and frees the batch.
 */
typedef struct CmigJournalBatch CmigJournalBatch;

extern CmigJournalBatch *cmig_journal_batch(void);
extern void cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry);
extern void cmig_journal_end(CmigJournalBatch *batch);

/*
 * Write a row for a step of a run that commits.  cmig_journal_start() writes
 * the row when the step begins, usually with outcome "running", and returns
 * its id.  cmig_journal_finish() sets the outcome when the step ends.  If no
 * session will finish the rows that are still "running", call
 * cmig_journal_interrupted(), which changes their outcome to "failed".
 */
extern int64 cmig_journal_start(const CmigJournalEntry *entry);
extern void cmig_journal_finish(int64 id, const CmigJournalEntry *entry);
extern void cmig_journal_interrupted(void);

/*
 * Does the current scope have a row of a step that is running or was
 * interrupted?
 */
extern bool cmig_journal_has_running(void);

/*
 * The message in the journal row of a drift check that finds no differences.
 */
#define CMIG_JOURNAL_NO_DRIFT "no drift"

/* The maximum number of rows that a batch writes with one statement. */
#define CMIG_JOURNAL_BATCH 500

/*
 * Returns the id after which the ids of the next new rows start.  At least
 * CMIG_JOURNAL_BATCH ids after it are free.
 */
extern int64 cmig_journal_last_id(void);

/*
 * If the greatest id is not followed by enough ids for new rows, returns that
 * id; otherwise returns 0.  In the first case, new rows have smaller ids, and
 * the row with the greatest id remains the last one.
 */
extern int64 cmig_journal_out_of_order(void);

#endif							/* CMIG_JOURNAL_H */
