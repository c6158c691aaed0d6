/*
 * journal.h
 *	  cmig.journal: one row for each step that was run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_JOURNAL_H
#define CMIG_JOURNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* A row, without the columns that are taken from the session. */
typedef struct CmigJournalEntry
{
	const char *revision;		/* NULL for drift */
	const char *direction;		/* upgrade, downgrade, stamp, repair, drift */
	const char *outcome;		/* done or, for a stepwise run, also running
								 * or failed */
	TimestampTz started_at;
	TimestampTz finished_at;	/* the column elapsed is the difference */
	const char *checksum;		/* of the script that ran; NULL if there is
								 * none */
	const char *sqlstate;		/* this and what follows are set only if it
								 * failed */
	const char *message;
	int			statement;
} CmigJournalEntry;

/*
 * Write a row. As for all functions here that write, the caller must hold the
 * run lock, because a row gets the number after the greatest one.  Role,
 * session role, application, address, transaction ID, and search_path are
 * taken from the session, search_path as the scripts saw it.
 */
extern void cmig_journal_write(const CmigJournalEntry *entry);

/*
 * The rows of several steps of one transaction, written in order and in
 * batches.  Only revision, direction, outcome, times, checksum, and message
 * are used.  The checksum is copied; the other texts must remain valid until
 * cmig_journal_end().
 */
typedef struct CmigJournalBatch CmigJournalBatch;

extern CmigJournalBatch *cmig_journal_batch(void);
extern void cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry);
extern void cmig_journal_end(CmigJournalBatch *batch);

/*
 * The checksum that was recorded last for an applied revision (direction
 * upgrade, stamp, or repair; outcome done), or NULL if it has never been run
 * or stamped here.
 */
extern char *cmig_journal_checksum(const char *revision);

/* The last run of a repeatable revision. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if it has never run here */
	bool		reverted;		/* a downgrade has run since */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_repeatable(const char *revision);

/*
 * Call the callback for each revision whose last completed upgrade started
 * with another search_path than this one, or with the same one by another role
 * if it contains "$user".  The texts are palloc'd; role may be NULL.
 */
typedef void (*CmigJournalPathCallback) (const char *revision, const char *search_path,
										 const char *role, void *arg);
extern void cmig_journal_other_paths(const char *search_path, const char *role,
									 CmigJournalPathCallback callback, void *arg);

/*
 * For runs that commit: start writes a row with outcome running and returns
 * its id, and finish completes it. interrupted sets rows that no session will
 * finish to failed.
 */
extern int64 cmig_journal_start(const CmigJournalEntry *entry);
extern void cmig_journal_finish(int64 id, const CmigJournalEntry *entry);
extern void cmig_journal_interrupted(void);

/*
 * The last row of a move or stamp, palloc'd and without times; false if there
 * is none.
 */
extern bool cmig_journal_last(CmigJournalEntry *entry);

/* The last time that drift was searched for. */
typedef struct CmigJournalDrift
{
	double		seconds;		/* how long ago that was */
	const char *message;		/* what was found, "no drift" if nothing */
	bool		is_past;		/* revisions have run since */
} CmigJournalDrift;

#define CMIG_JOURNAL_NO_DRIFT "no drift"

/* False if drift has never been searched for. */
extern bool cmig_journal_last_drift(CmigJournalDrift *drift);

/* "3 hours ago" */
extern char *cmig_journal_ago(double seconds);

/* A row, for listings. */
typedef struct CmigJournalShown
{
	const char *revision;		/* NULL for drift */
	const char *direction;
	const char *outcome;
	const char *role;
	const char *sqlstate;		/* NULL unless it failed */
	const char *message;		/* or NULL */
	bool		has_started_at;
	TimestampTz started_at;
	Interval   *elapsed;		/* or NULL */
} CmigJournalShown;

/* Call the callback for each row, the last one first; it copies what it keeps. */
typedef void (*CmigJournalShow) (const CmigJournalShown *row, void *arg);
extern void cmig_journal_each(CmigJournalShow callback, void *arg);

/* How many characters the columns have at most. */
typedef struct CmigJournalWidths
{
	int			revision;
	int			role;
} CmigJournalWidths;

extern CmigJournalWidths cmig_journal_widths(void);

/*
 * Call the callback for each revision that has a row of an upgrade, or of a
 * stamp that recorded it as applied, with the time at which the last one was done.
 */
typedef void (*CmigJournalApplied) (const char *revision, TimestampTz at, void *arg);
extern void cmig_journal_each_applied(CmigJournalApplied callback, void *arg);

/* How many rows one statement writes. */
#define CMIG_JOURNAL_BATCH 500

/*
 * The number after which the next rows are written; a batch of numbers is free
 * there.
 */
extern int64 cmig_journal_last_id(void);

/*
 * The id of a row that leaves no numbers after it, so that new rows get lower
 * numbers and this one remains the last; 0 if there is none.
 */
extern int64 cmig_journal_out_of_order(void);

#endif							/* CMIG_JOURNAL_H */
