/*
 * journal.h
 *	  Access to cmig.journal, which contains a row for each step that was run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_JOURNAL_H
#define CMIG_JOURNAL_H

#include "postgres.h"
#include "base/revision.h"
#include "datatype/timestamp.h"

/*
 * A row of the journal, without the columns that are derived from the session.
 */
typedef struct CmigJournalEntry
{
	const char *revision;		/* NULL for drift, except if cmig.capture has
								 * turned it into a revision */
	const char *direction;		/* upgrade, downgrade, stamp, repair, drift */
	const char *outcome;		/* done or, for a stepwise run, also running
								 * or failed */
	TimestampTz started_at;
	TimestampTz finished_at;	/* stored as "elapsed", the time since
								 * started_at */
	const char *checksum;		/* checksum of the script that ran, or NULL */
	const char *sqlstate;		/* SQLSTATE of a failure, or NULL */
	const char *message;
	int			statement;
} CmigJournalEntry;

/*
 * Write a row.  The caller of this function, or of any other function in this
 * module that writes, must hold the run lock, because the id of a new row is
 * the greatest id plus one.  The role, session role, application, address, and
 * transaction ID are taken from the session; search_path is the one that
 * scripts see.
 */
extern void cmig_journal_write(const CmigJournalEntry *entry);

/*
 * A batch of rows for several steps of a transaction, which are written in
 * order.  Of each entry, only revision, direction, outcome, times, checksum, and
 * message are used.  The checksum is copied; the other strings must remain
 * valid until cmig_journal_end(), which writes the remaining rows and frees the
 * batch.
 */
typedef struct CmigJournalBatch CmigJournalBatch;

extern CmigJournalBatch *cmig_journal_batch(void);
extern void cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry);
extern void cmig_journal_end(CmigJournalBatch *batch);

/*
 * Returns the last recorded checksum of an applied revision (direction upgrade,
 * stamp, or repair; outcome done), or NULL if the revision was never run or
 * stamped in this database.
 */
extern char *cmig_journal_checksum(const char *revision);

/* The last run of a repeatable revision. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if the revision never ran in this
								 * database */
	bool		reverted;		/* a downgrade has run since */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_repeatable(const char *revision);

/*
 * A callback for revisions that were run under a different search_path.  It is
 * called for each revision whose last completed upgrade started with a
 * different search_path, or, if the search_path contains "$user", was run by a
 * different role.  The callback's strings are palloc'd; "role" may be NULL.
 */
typedef void (*CmigJournalPathCallback) (const char *revision, const char *search_path,
										 const char *role, void *arg);
extern void cmig_journal_other_paths(const char *search_path, const char *role,
									 CmigJournalPathCallback callback, void *arg);

/*
 * Write a row in a run that commits.  cmig_journal_start() writes the row,
 * usually with outcome "running", and returns its id; cmig_journal_finish()
 * completes the row.  cmig_journal_interrupted() changes the outcome of all
 * rows that are still "running" to "failed"; call it when no session will
 * finish those rows.
 */
extern int64 cmig_journal_start(const CmigJournalEntry *entry);
extern void cmig_journal_finish(int64 id, const CmigJournalEntry *entry);
extern void cmig_journal_interrupted(void);

/*
 * Read the last row whose direction is neither repair nor drift.  The strings
 * are palloc'd, and the times are not set.  Returns false if there is no such
 * row.
 */
extern bool cmig_journal_last(CmigJournalEntry *entry);

/* The last check for drift. */
typedef struct CmigJournalDrift
{
	double		seconds;		/* time since the check */
	const char *message;		/* result of the check, such as "no drift" */
	bool		is_past;		/* have revisions run since the check? */
} CmigJournalDrift;

#define CMIG_JOURNAL_NO_DRIFT "no drift"

/* Read the last check for drift.  Returns false if there was none. */
extern bool cmig_journal_last_drift(CmigJournalDrift *drift);

/*
 * Call the callback for each revision that cmig.capture has generated in this
 * database, if scripts ran as the same role then as they do now.  "checksum"
 * is the checksum of the generated script.
 */
typedef void (*CmigJournalCaptured) (const char *revision, const char *checksum, void *arg);
extern void cmig_journal_each_captured(const CmigNames *revisions, CmigJournalCaptured callback, void *arg);

/* Returns a palloc'd string such as "3 hours ago". */
extern char *cmig_journal_ago(double seconds);

/* A row of the journal, for listings. */
typedef struct CmigJournalShown
{
	const char *revision;		/* NULL for drift */
	const char *direction;
	const char *outcome;
	const char *role;
	const char *sqlstate;		/* NULL unless the step failed */
	const char *message;		/* or NULL */
	bool		has_started_at;
	TimestampTz started_at;
	Interval   *elapsed;		/* or NULL */
} CmigJournalShown;

/*
 * A callback for listings.  It is called for each row, starting with the last
 * one, and must copy whatever it keeps.
 */
typedef void (*CmigJournalShow) (const CmigJournalShown *row, void *arg);
extern void cmig_journal_each(CmigJournalShow callback, void *arg);

/* The maximum lengths of columns, in characters. */
typedef struct CmigJournalWidths
{
	int			revision;
	int			role;
} CmigJournalWidths;

extern CmigJournalWidths cmig_journal_widths(void);

/*
 * A callback for revisions that an upgrade has applied or a stamp has recorded.
 * "at" is the time at which the last such step finished.
 */
typedef void (*CmigJournalApplied) (const char *revision, TimestampTz at, void *arg);
extern void cmig_journal_each_applied(CmigJournalApplied callback, void *arg);

/* The maximum number of rows that a batch writes with one statement. */
#define CMIG_JOURNAL_BATCH 500

/*
 * Returns the id that the next rows follow.  Enough ids for a whole batch are
 * free after it.
 */
extern int64 cmig_journal_last_id(void);

/*
 * If the greatest id leaves no ids for new rows, returns that id; otherwise
 * returns 0.  In the former case, new rows have smaller ids, and the row with
 * the greatest id remains the last one.
 */
extern int64 cmig_journal_out_of_order(void);

#endif							/* CMIG_JOURNAL_H */
