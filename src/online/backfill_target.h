/*
 * backfill_target.h
 *	  What a backfill will do, checked before the first batch.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_TARGET_H
#define CMIG_BACKFILL_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A unique key without null values, in whose order a table can be walked. */
typedef struct CmigBackfillKey
{
	int			count;
	char	  **columns;		/* quoted */
	char	  **types;			/* as in a cast */
	char	   *greater;		/* operators, as in a comparison */
	char	   *not_greater;
} CmigBackfillKey;

/* A table that contains rows: the target, or a child or partition of it. */
typedef struct CmigBackfillPart
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	char	   *updated;		/* the same with the target's name as an
								 * alias, since the fragments may qualify
								 * columns with it */
	CmigBackfillKey key;		/* if by_key */
} CmigBackfillPart;

/* A checked target. */
typedef struct CmigBackfillTarget
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL: all rows */
	List	   *columns;		/* of char *: the columns that are set */
	bool		by_key;
	int			count;
	CmigBackfillPart *parts;	/* ordered by name */
} CmigBackfillTarget;

/*
 * Check the fragments, the kind of the relation, privileges, and policies, as
 * the current user, and choose how to walk the table.  Raises 22023, 42501,
 * 42809, and what the server raises for the statement.  Needs a snapshot.
 */
extern CmigBackfillTarget *cmig_backfill_target_check(Oid table, const char *set_sql,
													  const char *where_sql);

/*
 * A relation's name, qualified and quoted, which is the same in every session;
 * NULL if the relation no longer exists.
 */
extern char *cmig_backfill_target_name(Oid relation);

/*
 * Does another set_sql, which was once checked, set one of the same columns?
 */
extern bool cmig_backfill_target_sets_same(const CmigBackfillTarget *target,
										   const char *set_sql);

#endif							/* CMIG_BACKFILL_TARGET_H */
