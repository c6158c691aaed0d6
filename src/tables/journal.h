/*
 * journal.h
 *	  cmig.journal: one row for each step that was carried out.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_JOURNAL_H
#define CMIG_JOURNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef struct CmigJournalEntry
{
	const char *revision;
	const char *direction;		/* upgrade, downgrade, stamp, repair */
	const char *outcome;		/* done; stepwise also running, failed */
	TimestampTz started_at;
	TimestampTz finished_at;	/* elapsed is the difference */
	const char *checksum;		/* as run; NULL where there is none */
	const char *sqlstate;		/* the rest NULL or 0 unless it failed */
	const char *message;
	int			statement;
} CmigJournalEntry;

/*
 * Write a row.  The caller holds the run lock, as for all functions here that
 * write: rows get the number after the greatest.  Role, session role,
 * application, address, transaction id and search_path are taken from the
 * session, search_path as the scripts saw it.
 */
extern void cmig_journal_write(const CmigJournalEntry *entry);

/*
 * The rows of several steps of one transaction, written in order, many at once;
 * only revision, direction, outcome, times, checksum and message are taken.  The
 * checksum is copied, the other texts must last until the end.
 */
typedef struct CmigJournalBatch CmigJournalBatch;

extern CmigJournalBatch *cmig_journal_batch(void);
extern void cmig_journal_add(CmigJournalBatch *batch, const CmigJournalEntry *entry);
extern void cmig_journal_end(CmigJournalBatch *batch);

/*
 * The checksum recorded last for an applied revision (direction upgrade, stamp
 * or repair, outcome done), or NULL when it was never run or stamped here.
 */
extern char *cmig_journal_checksum(const char *revision);

/*
 * For runs that commit: a row that says running, and its end.  start returns
 * the row's id.  interrupted turns rows that nobody will finish any more into
 * failed ones.
 */
extern int64 cmig_journal_start(const CmigJournalEntry *entry);
extern void cmig_journal_finish(int64 id, const CmigJournalEntry *entry);
extern void cmig_journal_interrupted(void);

/* The last row of a move or stamp, palloc'd; false when there is none.  No times. */
extern bool cmig_journal_last(CmigJournalEntry *entry);

/*
 * The id of a row that leaves no number after it, so that new rows stand before
 * it and it passes for the last; 0 if there is none.
 */
extern int64 cmig_journal_out_of_order(void);

#endif							/* CMIG_JOURNAL_H */
