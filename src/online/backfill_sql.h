/*
 * backfill_sql.h
 *	  Builds a backfill's statements and estimates its work.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_SQL_H
#define CMIG_BACKFILL_SQL_H

#include "postgres.h"
#include "base/query.h"
#include "base/revision.h"
#include "online/backfill_target.h"

/* The maximum number of blocks that a batch spans, even if few rows match. */
#define CMIG_BACKFILL_MOST_BLOCKS 8192

/*
 * The statements that walk a part of the table by block or by key.  The
 * statements' parameters are the ends of a range, as tids (by block) or as the
 * text of keys (by key).
 */
typedef struct CmigBackfillQueries
{
	CmigQuery	update;			/* updates a range */
	CmigQuery	checked;		/* by block: updates a range, and counts the
								 * updated rows that still match */
	CmigQuery	still;			/* by key, with a filter: counts the matching
								 * rows of a range */
	CmigQuery	first_still;	/* like "still", but for the first range */
	CmigQuery	probe;			/* by block: counts the matching rows of a
								 * range, up to the size of a batch plus one */
	CmigQuery	first;			/* by key: updates the first range, which has
								 * no lower end */
	CmigQuery	bound;			/* by key: finds the greatest key in the part */
	CmigQuery	end;			/* by key: finds the last key of the next
								 * batch */
	CmigQuery	first_end;		/* by key: finds the last key of the first
								 * batch */
	CmigQuery	shard_end;		/* by key, with several shards: asks each
								 * shard for a key, and finds the least of
								 * them */
} CmigBackfillQueries;

/*
 * cmig_backfill_sql_prepare() builds the statements for a part in the current
 * memory context.  cmig_backfill_sql_free() frees the statements' plans.
 */
extern void cmig_backfill_sql_prepare(CmigBackfillQueries *queries,
									  const CmigBackfillTarget *target,
									  const CmigBackfillPart *part, int batch_size);
extern void cmig_backfill_sql_free(CmigBackfillQueries *queries);

/*
 * Returns the second argument of shard_end, a query that Citus runs on each
 * shard.  The query returns the key of row number "rows" in the range above
 * "place" and up to "bound".
 */
extern char *cmig_backfill_sql_ask_shard(const CmigBackfillPart *part, const CmigNames *place,
										 const CmigNames *bound, int rows);

/*
 * cmig_backfill_sql_size() returns the number of blocks of a table or, if
 * Citus manages the table, of its largest shard.  cmig_backfill_sql_work()
 * returns the amount of work in one pass: the number of blocks or, for a walk
 * by key, an estimate of the number of rows.
 */
extern double cmig_backfill_sql_size(const CmigBackfillPart *part);
extern double cmig_backfill_sql_work(const CmigBackfillTarget *target);

/* Returns the number of blocks that a batch spans if all rows match. */
extern double cmig_backfill_sql_blocks(const CmigBackfillPart *part, int batch_size);

#endif							/* CMIG_BACKFILL_SQL_H */
