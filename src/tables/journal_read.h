/*
 * journal_read.h
 *	  Reads cmig.journal.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_JOURNAL_READ_H
#define CMIG_JOURNAL_READ_H

#include "postgres.h"
#include "base/revision.h"
#include "datatype/timestamp.h"
#include "tables/journal.h"

/*
 * Returns the checksum of an applied revision's script, as recorded by its
 * last completed upgrade, stamp, or repair.  Returns NULL if the revision was
 * never run or stamped in this database.
 */
extern char *cmig_journal_read_checksum(const char *revision);

/* The last run of a repeatable revision in the current scope. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if the revision has never run */
	bool		reverted;		/* has a downgrade been run since then? */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_read_repeatable(const char *revision);

/*
 * cmig_journal_read_paths() calls the callback for each revision whose last
 * completed upgrade was run with a search_path other than the given one or, if
 * the search_path contains "$user", by a role other than the given one.  The
 * strings passed to the callback are palloc'd; "role" may be NULL.
 */
typedef void (*CmigJournalPathCallback) (const char *revision, const char *search_path,
										 const char *role, void *arg);
extern void cmig_journal_read_paths(const char *search_path, const char *role,
									CmigJournalPathCallback callback, void *arg);

/*
 * Read the last row that is neither for a repair nor for a drift check.  The
 * strings in *entry are palloc'd, and the times are not set.  Returns false if
 * there is no such row.
 */
extern bool cmig_journal_read_last(CmigJournalEntry *entry);

/* The last drift check. */
typedef struct CmigJournalDrift
{
	double		seconds;		/* number of seconds since the check */
	const char *message;		/* result of the check, such as "no drift" */
	bool		is_past;		/* have revisions been run since the check? */
} CmigJournalDrift;

/*
 * Read the last drift check in the current scope.  Returns false if there was
 * none.
 */
extern bool cmig_journal_read_last_drift(CmigJournalDrift *drift);

/*
 * cmig_journal_read_each_captured() calls the callback for each of the
 * revisions that cmig.capture has generated in this database, if scripts ran
 * as the same role then as they do now.  "checksum" is the checksum of the
 * generated script.
 */
typedef void (*CmigJournalCaptured) (const char *revision, const char *checksum, void *arg);
extern void cmig_journal_read_each_captured(const CmigNames *revisions, CmigJournalCaptured callback, void *arg);

/* Returns a palloc'd string such as "3 hours ago". */
extern char *cmig_journal_read_ago(double seconds);

/* A row of the journal, for listings. */
typedef struct CmigJournalShown
{
	const char *revision;		/* NULL for a drift check */
	const char *direction;
	const char *outcome;
	const char *role;
	const char *sqlstate;		/* NULL if the step did not fail */
	const char *message;		/* can be NULL */
	bool		has_started_at;
	TimestampTz started_at;
	Interval   *elapsed;		/* can be NULL */
} CmigJournalShown;

/*
 * cmig_journal_read_each() calls the callback for each row of the journal,
 * starting with the last one.  The callback must copy whatever it keeps.
 */
typedef void (*CmigJournalShow) (const CmigJournalShown *row, void *arg);
extern void cmig_journal_read_each(CmigJournalShow callback, void *arg);

/* The maximum lengths of the values in some columns, in characters. */
typedef struct CmigJournalWidths
{
	int			revision;
	int			role;
} CmigJournalWidths;

extern CmigJournalWidths cmig_journal_read_widths(void);

/*
 * cmig_journal_read_each_applied() calls the callback for each revision that
 * an upgrade has applied or a stamp has recorded.  "at" is the time at which
 * the last such step finished.
 */
typedef void (*CmigJournalApplied) (const char *revision, TimestampTz at, void *arg);
extern void cmig_journal_read_each_applied(CmigJournalApplied callback, void *arg);

#endif							/* CMIG_JOURNAL_READ_H */
