/*
 * internal.h
 *	  What the modules of src/online share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_ONLINE_INTERNAL_H
#define CMIG_ONLINE_INTERNAL_H

#include "postgres.h"

#include "access/xlogdefs.h"

#include "online/online.h"
#include "store/store.h"

/* A unique key without nulls, whose order is used to walk through a table. */
typedef struct CmigBackfillKey
{
	int			count;
	char	  **columns;		/* quoted */
	char	  **types;			/* as written in a cast */
	char	   *greater;		/* operators, as written in a comparison */
	char	   *not_greater;
} CmigBackfillKey;

/* A table that contains rows: the target itself, or one of its children. */
typedef struct CmigBackfillPart
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	char	   *updated;		/* the part's name, followed by the target's
								 * name as an alias if they differ, because
								 * set_sql and where_sql may use the target's
								 * name */
	int			shards;			/* the number of shards in which Citus keeps
								 * the rows, or 0 */
	CmigBackfillKey key;		/* set if the table is walked by key */
	bool		added;			/* since the backfill began */
} CmigBackfillPart;

/* A backfill's target after it has been checked. */
typedef struct CmigBackfillTarget
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL to update all rows */
	List	   *columns;		/* of char *: the columns set by set_sql */
	bool		by_key;			/* Is the table walked by key rather than by
								 * block?  True if there is no where_sql, or
								 * if Citus keeps copies of the table's
								 * shards. */
	int			count;
	CmigBackfillPart *parts;	/* ordered by name, added ones last */
} CmigBackfillTarget;

/* in backfill.c */

/*
 * Returns the expression in a text that ends with a line break, or NULL if the
 * text contains more than one expression.
 */
extern Node *cmig_online_expression(char *text);

/*
 * Returns a relation's qualified and quoted name, which does not depend on
 * settings.  Returns NULL if the relation no longer exists.
 */
extern char *cmig_backfill_target_name(Oid relation);

/* Raise an error if the relation, which is locked, has a rule that prevents a backfill. */
extern void cmig_backfill_require_no_rules(Oid relation, bool by_key);

/*
 * Begin a procedure whose argument 0 is a table: check how it was called, and
 * wait until the table can be read.  "what" names the procedure in notices, and
 * "call" is a correct call for hints.  Returns a new memory context, which is
 * now the current one.
 */
extern MemoryContext cmig_online_begin(FunctionCallInfo fcinfo, const char *procedure,
									   const char *what, const char *call);

/* Returns a text argument, which must not be empty. */
extern char *cmig_online_text(FunctionCallInfo fcinfo, int n, const char *name, const char *call);

/* Returns an interval argument in milliseconds, at most a day; 0 for null. */
extern double cmig_online_milliseconds(FunctionCallInfo fcinfo, int n, const char *name);

/* in batch.c */

/* Note the partitions of a backfill that begins. */
extern void cmig_backfill_parts_note(const CmigBackfillTarget *target, CmigBackfillRun *run);

/*
 * Raise an error if partitions have both been added and dropped since the
 * backfill began, because a partition may have been renamed.  In a walk by key,
 * only the names of partitions show which partitions are done, so each must also
 * be the one that had its name.
 */
extern void cmig_backfill_parts_require(const CmigBackfillTarget *target,
										const CmigBackfillRun *run);

/*
 * The statements that walk a part of the table by block or by key.  The
 * statements' parameters are the ends of a range, as tids (by block) or as the
 * text of keys (by key); the lower end of the first range of keys is null.
 */
typedef struct CmigBackfillQueries
{
	CmigQuery  *update;			/* updates a range */
	CmigQuery  *checked;		/* by block: updates a range, and counts the
								 * updated rows that still match */
	CmigQuery  *matching;		/* counts the matching rows of a range; by
								 * block, up to the size of a batch plus one */
	CmigQuery  *bound;			/* by key: finds the greatest key in the part */
	CmigQuery  *end;			/* by key: finds the last key of the next
								 * batch */
	CmigQuery  *shard_ends;		/* by key, with several shards: asks each
								 * shard for the ends of the next batches, and
								 * finds the least of them for each batch */
} CmigBackfillQueries;

/* Free the statements' plans. */
extern void cmig_backfill_sql_free(CmigBackfillQueries *queries);

/*
 * Returns the amount of work in one pass: the number of blocks or, for a walk by
 * key, an estimate of the number of rows.
 */
extern double cmig_backfill_sql_work(const CmigBackfillTarget *target);

/* A backfill in progress. */
typedef struct CmigBackfill
{
	CmigBackfillTarget *target;
	CmigBackfillIdentity identity;
	bool		one_transaction;
	int			batch_size;
	int			batch_rows;		/* rows of a batch of the current part:
								 * batch_limit, times the number of shards */
	long		pause_ms;
	double		max_lag_ms;		/* 0: no limit */
	bool		lag_told;		/* has it reported a wait for replicas? */
	int			replicas;		/* the largest number of replicas seen */
	XLogRecPtr	lag_position;	/* a position in the WAL, and when it was */
	TimestampTz lag_since;		/* written; 0 if the replicas have it */
	int			batch_limit;	/* rows of the next batch, at most batch_size */
	char		paused_by[NAMEDATALEN * 4 + 8]; /* the name that paused it, or
												 * "" */
	int			max_rate;		/* rows per second; 0: no limit */
	Oid			caller;			/* role that writes cmig.backfill_run */

	MemoryContext run_context;	/* contains the data to which "run" points */
	MemoryContext batch_context;
	CmigBackfillRun run;		/* the committed state */
	CmigBackfillRun next;		/* the state after the current batch */
	int			part;			/* index of the current part of the target */
	int			prepared;		/* index of the part for which the queries
								 * were built; -1 if none */
	CmigBackfillQueries queries;	/* statements for the prepared part */
	double		blocks;			/* by block: number of blocks in the next
								 * batch */
	int			shard_rows;		/* by key: number of rows per shard in a batch */
	int			next_shard_rows;	/* the same, for after the last known end */
	List	   *ends;			/* by key, with several shards: of char **,
								 * the ends of the next batches that are known */
	MemoryContext ends_context; /* contains them */
	double		dense_blocks;	/* by block: number of blocks in a batch if
								 * all rows match */
	TransactionId *xids;		/* of the run's committed batches, ascending */
	int			xid_count;
	bool		resumed;		/* true if an earlier CALL began the current
								 * pass */
	bool		accepted;		/* true if the stored state can be resumed */
	TransactionId xid;			/* transaction ID of the current batch, or
								 * invalid */
	TimestampTz last;			/* when the previous batch ended, to measure
								 * the time spent */
} CmigBackfill;

/*
 * CmigAttempt functions: cmig_backfill_batch_run() runs the next batch, and
 * cmig_backfill_batch_end() records the end of the backfill.
 */
extern void cmig_backfill_batch_run(void *backfill);
extern void cmig_backfill_batch_end(void *backfill);

/*
 * The number of rows that the backfill will change, an estimate for a large
 * table; -1 if it is not known.
 */
extern double cmig_backfill_sql_rows(const CmigBackfillTarget *target);

/* Make the next state the valid one.  Call this after a batch is committed. */
extern void cmig_backfill_batch_adopt(CmigBackfill *b);

/*
 * Is the current part of the table done?  "by_key" is true if batches are
 * ranges of keys rather than blocks.
 */
extern bool cmig_backfill_batch_part_is_done(const CmigBackfillRun *run, bool by_key);

/* Show the progress in pg_stat_activity, followed by "more". */
extern void cmig_backfill_report(const CmigBackfill *b, const char *more);

/* in control.c */

/* Read what other sessions want, and wait while the backfill is paused. */
extern void cmig_backfill_control_obey(CmigBackfill *b);

/*
 * Wait until a batch that began at this time and has updated this number of
 * rows is within the limit.
 */
extern void cmig_backfill_control_limit(CmigBackfill *b, int64 rows, TimestampTz began);

/* in recipe.c */

/*
 * If a recipe is running outside of a revision, returns the recipe's table;
 * otherwise, returns InvalidOid.
 */
extern Oid	cmig_recipe_table_alone(void);

#endif							/* CMIG_ONLINE_INTERNAL_H */
