/*
 * journal_read.h
 *	  Reads cmig.journal: what ran last, and what was run.
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
 * Returns the last recorded checksum of an applied revision (direction upgrade,
 * stamp, or repair; outcome done), or NULL if the revision was never run or
 * stamped in this database.
 */
extern char *cmig_journal_read_checksum(const char *revision);

/* The last run of a repeatable revision. */
typedef struct CmigJournalRepeatable
{
	char	   *checksum;		/* NULL if the revision never ran in this
								 * database */
	bool		reverted;		/* a downgrade has run since */
} CmigJournalRepeatable;

extern CmigJournalRepeatable cmig_journal_read_repeatable(const char *revision);

/*
 * A callback for revisions that were run under a different search_path.  It is
 * called for each revision whose last completed upgrade started with a
 * different search_path, or, if the search_path contains "$user", was run by a
 * different role.  The callback's strings are palloc'd; "role" may be NULL.
 */
typedef void (*CmigJournalPathCallback) (const char *revision, const char *search_path,
										 const char *role, void *arg);
extern void cmig_journal_read_paths(const char *search_path, const char *role,
									CmigJournalPathCallback callback, void *arg);

/*
 * Read the last row whose direction is neither repair nor drift.  The strings
 * are palloc'd, and the times are not set.  Returns false if there is no such
 * row.
 */
extern bool cmig_journal_read_last(CmigJournalEntry *entry);

/* The last check for drift. */
typedef struct CmigJournalDrift
{
	double		seconds;		/* time since the check */
	const char *message;		/* result of the check, such as "no drift" */
	bool		is_past;		/* have revisions run since the check? */
} CmigJournalDrift;

/* Read the last check for drift.  Returns false if there was none. */
extern bool cmig_journal_read_last_drift(CmigJournalDrift *drift);

/*
 * Call the callback for each revision that cmig.capture has generated in this
 * database, if scripts ran as the same role then as they do now.  "checksum"
 * is the checksum of the generated script.
 */
typedef void (*CmigJournalCaptured) (const char *revision, const char *checksum, void *arg);
extern void cmig_journal_read_each_captured(const CmigNames *revisions, CmigJournalCaptured callback, void *arg);

/* Returns a palloc'd string such as "3 hours ago". */
extern char *cmig_journal_read_ago(double seconds);

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
extern void cmig_journal_read_each(CmigJournalShow callback, void *arg);

/* The maximum lengths of columns, in characters. */
typedef struct CmigJournalWidths
{
	int			revision;
	int			role;
} CmigJournalWidths;

extern CmigJournalWidths cmig_journal_read_widths(void);

/*
 * A callback for revisions that an upgrade has applied or a stamp has recorded.
 * "at" is the time at which the last such step finished.
 */
typedef void (*CmigJournalApplied) (const char *revision, TimestampTz at, void *arg);
extern void cmig_journal_read_each_applied(CmigJournalApplied callback, void *arg);

#endif							/* CMIG_JOURNAL_READ_H */
