/*
 * round_trip_row.h
 *	  Collects the result rows of cmig.round_trip.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ROUND_TRIP_ROW_H
#define CMIG_ROUND_TRIP_ROW_H

#include "postgres.h"
#include "kinds/image.h"
#include "nodes/pg_list.h"

/* A result row.  All fields except revision and problem may be NULL. */
typedef struct CmigRoundTripRow
{
	const char *revision;
	const char *problem;
	const char *kind;
	const char *object;
	const char *missing_sql;	/* statements that fix the problem */
	const char *message;
} CmigRoundTripRow;

/* The result rows so far, and the memory context in which they live. */
typedef struct CmigRoundTripRows
{
	MemoryContext context;
	List	   *rows;			/* of CmigRoundTripRow * */
} CmigRoundTripRows;

/*
 * Add a row.  The row's strings are copied, except for "revision" and
 * "problem".
 */
extern void cmig_round_trip_row_add(CmigRoundTripRows *rows, const CmigRoundTripRow *row);

/* Add a row for an error in a script. */
extern void cmig_round_trip_row_add_error(CmigRoundTripRows *rows, const char *revision,
										  const char *problem, const ErrorData *error);

/*
 * Why two images are compared.  An image describes the objects in a set of
 * schemas (see kinds/image.h).
 */
typedef enum CmigRoundTripCheck
{
	CMIG_CHECK_DOWNGRADE,
	CMIG_CHECK_SECOND_UPGRADE,
	CMIG_CHECK_ORDER
} CmigRoundTripCheck;

/*
 * Compare two images, and add a row for each difference.  When executed one
 * after another, the statements in the rows change "from" into "to".
 */
extern void cmig_round_trip_row_compare(CmigRoundTripRows *rows, const char *revision,
										CmigRoundTripCheck check, CmigImage *from, CmigImage *to);

#endif							/* CMIG_ROUND_TRIP_ROW_H */
