/*
 * sequence_range.h
 *	  The values that a sequence can return, before and after a change.
 *
 * No database access.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_SEQUENCE_RANGE_H
#define CMIG_SEQUENCE_RANGE_H

#include "postgres.h"
#include "kinds/object.h"

/* The values that a sequence can return. */
typedef struct CmigSequenceRange
{
	int64		start;
	int64		low;
	int64		high;
	bool		down;			/* true if the sequence counts down */
} CmigSequenceRange;

/*
 * Returns PostgreSQL's default for MINVALUE or, if "maximum" is true, for
 * MAXVALUE.  "type" is the printed type of the sequence.
 */
extern int64 cmig_sequence_range_limit(const char *type, bool down, bool maximum);

/*
 * Does a change of the range, or the undo of the change, restart the sequence?
 */
extern bool cmig_sequence_range_restarts(const CmigSequenceRange *from, const CmigSequenceRange *to);

/*
 * Returns SQL that changes the range of a sequence.  The SQL works whether or
 * not the sequence has already returned values.  A used sequence continues.
 * It is restarted only if its direction changes, or if the new range contains
 * no value that the sequence may have returned.  An unused sequence begins
 * with the new start value.
 *
 * "alter" is ALTER SEQUENCE or ALTER COLUMN, and "sequence" is the name of the
 * sequence.  "column" is the integer column that owns the sequence, or NULL.
 * If the change or its undo restarts the sequence, the SQL makes the sequence
 * skip the values that the column already contains.
 */
extern char *cmig_sequence_range_alter(const char *alter, const char *sequence, const CmigSequenceRange *from,
									   const CmigSequenceRange *to, const CmigObject *column);

#endif							/* CMIG_SEQUENCE_RANGE_H */
