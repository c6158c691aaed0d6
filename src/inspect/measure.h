/*
 * measure.h
 *	  What one statement of a dry run locked, rewrote, and read.
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

/* A statement that is being measured, and the result. */
typedef struct CmigMeasure
{
	CmigExistingSet *relations;
	instr_time	start;
	uint64		wal_start;
	/* the result; texts have a line for each relation */
	int64		elapsed_us;
	int64		wal_bytes;
	char	   *locks;			/* NULL: none; likewise for the others */
	char	   *rewrites;
	char	   *scans;
	List	   *moved;			/* of CmigExisting: sequences that advanced */
} CmigMeasure;

/*
 * Is a lock on a relation of this kind reported? Locks of queries on indexes
 * are not, because they block only statements that the lock on the table
 * blocks, too.
 */
extern bool cmig_measure_is_reported(char kind, LOCKMODE mode);

/* The name of a lock mode in SQL: "ACCESS EXCLUSIVE". */
extern const char *cmig_measure_mode_name(LOCKMODE mode);

/* A line for a lock: "ACCESS EXCLUSIVE on public.account, 16 kB". */
extern char *cmig_measure_lock_line(LOCKMODE mode, const char *name, char kind, int64 size);

/* Start a dry run, and note the locks that the transaction already holds. */
extern void cmig_measure_start(CmigExistingSet *relations);

/*
 * Call begin before a statement, in a subtransaction of its own, and end when it
 * has succeeded, still in that subtransaction.  After an error, call fail
 * instead, which sets only the time and the WAL.
 */
extern void cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations);
extern void cmig_measure_end(CmigMeasure *measure, bool builds_index);
extern void cmig_measure_fail(CmigMeasure *measure);

#endif							/* CMIG_MEASURE_H */
