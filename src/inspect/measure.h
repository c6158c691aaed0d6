/*
 * measure.h
 *	  Measures what one statement of a dry run locks, rewrites, and scans.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_MEASURE_H
#define CMIG_MEASURE_H

#include "postgres.h"
#include "inspect/existing.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "storage/lockdefs.h"

/* A statement that is being measured, and the results. */
typedef struct CmigMeasure
{
	CmigExistingSet *relations;
	instr_time	start;
	uint64		wal_start;
	/* results; each string has one line per relation */
	int64		elapsed_us;
	int64		wal_bytes;
	char	   *locks;			/* the locks that the statement took; locks,
								 * rewrites, and scans are NULL if empty */
	char	   *rewrites;
	char	   *scans;
	List	   *moved;			/* of CmigExisting *: sequences that advanced */
} CmigMeasure;

/*
 * Is a lock on this kind of relation reported?  Weak locks on indexes are not
 * reported, because the lock on the table already blocks the same statements.
 */
extern bool cmig_measure_is_reported(char kind, LOCKMODE mode);

/* Returns the SQL name of a lock mode, such as "ACCESS EXCLUSIVE". */
extern const char *cmig_measure_mode_name(LOCKMODE mode);

/*
 * Returns a line that describes a lock, such as "ACCESS EXCLUSIVE on
 * public.account, 16 kB".
 */
extern char *cmig_measure_lock_line(LOCKMODE mode, const char *name, char kind, int64 size);

/*
 * Call this when a dry run starts.  Records the relations that the transaction
 * has already locked.
 */
extern void cmig_measure_start(CmigExistingSet *relations);

/*
 * Measure a statement, which must run in its own subtransaction.  Call
 * cmig_measure_begin() before the statement.  If the statement succeeds, call
 * cmig_measure_end() before the subtransaction ends.  After an error, call
 * cmig_measure_fail(), which sets only the elapsed time and the WAL size.
 */
extern void cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations);
extern void cmig_measure_end(CmigMeasure *measure, bool builds_index);
extern void cmig_measure_fail(CmigMeasure *measure);

#endif							/* CMIG_MEASURE_H */
