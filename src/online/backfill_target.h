/*
 * backfill_target.h
 *	  Checks a backfill's arguments and table before the first batch.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_TARGET_H
#define CMIG_BACKFILL_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"

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
	CmigBackfillPart *parts;	/* ordered by name */
} CmigBackfillTarget;

/*
 * Check set_sql and where_sql, the kind of relation, and the current user's
 * privileges and policies, and choose how to walk the table.  Raises 22023,
 * 42501, 42809, and any error that PostgreSQL raises for the statement.  The
 * caller must have an active snapshot.
 */
extern CmigBackfillTarget *cmig_backfill_target_check(Oid table, const char *set_sql,
													  const char *where_sql);

/*
 * Returns a relation's qualified and quoted name, which does not depend on
 * settings.  Returns NULL if the relation no longer exists.
 */
extern char *cmig_backfill_target_name(Oid relation);

/*
 * Does the set_sql of another backfill set a column that this backfill also
 * sets?
 */
extern bool cmig_backfill_target_sets_same(const CmigBackfillTarget *target,
										   const char *set_sql);

#endif							/* CMIG_BACKFILL_TARGET_H */
