/*
 * backfill_sql.h
 *	  The statements of a backfill, and estimates of its work.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_SQL_H
#define CMIG_BACKFILL_SQL_H

#include "postgres.h"
#include "base/query.h"
#include "online/backfill_target.h"

/* A batch never spans more blocks than this, however few rows match: 64 MB. */
#define CMIG_BACKFILL_MOST_BLOCKS 8192

/*
 * The statements for a part.  Their parameters are the ends of a range: tids,
 * or keys as text.
 */
typedef struct CmigBackfillQueries
{
	CmigQuery	update;			/* a range */
	CmigQuery	checked;		/* a range; counts what still matches
								 * afterwards */
	CmigQuery	probe;			/* a range; counts matching rows up to a batch */
	CmigQuery	first;			/* by key: a range from the beginning */
	CmigQuery	bound;			/* by key: finds the greatest key */
	CmigQuery	end;			/* by key: finds the last key of the next
								 * batch */
	CmigQuery	first_end;		/* by key: the same for the first batch */
} CmigBackfillQueries;

/*
 * The first function prepares them for a part, in the current memory context;
 * the second one releases the plans.
 */
extern void cmig_backfill_sql_prepare(CmigBackfillQueries *queries,
									  const CmigBackfillTarget *target,
									  const CmigBackfillPart *part, int batch_size);
extern void cmig_backfill_sql_free(CmigBackfillQueries *queries);

/*
 * The number of blocks of a table, and the work of one pass in blocks or
 * estimated rows.
 */
extern double cmig_backfill_sql_size(Oid relation);
extern double cmig_backfill_sql_work(const CmigBackfillTarget *target);

/* How many blocks contain a batch of rows, if all of them match. */
extern double cmig_backfill_sql_blocks(const CmigBackfillPart *part, int batch_size);

#endif							/* CMIG_BACKFILL_SQL_H */
