/*
 * backfill_target.h
 *	  What a backfill is to do, checked before the first batch.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_BACKFILL_TARGET_H
#define CMIG_BACKFILL_TARGET_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* A unique key that is never null, in whose order a table can be walked. */
typedef struct CmigBackfillKey
{
	int			count;
	char	  **columns;		/* quoted */
	char	  **types;			/* as in a cast */
	char	   *greater;		/* operators, as in a comparison */
	char	   *not_greater;
} CmigBackfillKey;

/* A table that holds rows: the target, a child or a partition of it. */
typedef struct CmigBackfillPart
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	char	   *updated;		/* the same, under the target's name, by which
								 * the fragments may call its columns */
	CmigBackfillKey key;		/* if by_key */
} CmigBackfillPart;

typedef struct CmigBackfillTarget
{
	Oid			oid;
	char	   *name;			/* qualified and quoted */
	const char *set_sql;
	const char *where_sql;		/* NULL: all rows */
	List	   *columns;		/* of char *: what is set */
	bool		by_key;
	int			count;
	CmigBackfillPart *parts;	/* ordered by name */
} CmigBackfillTarget;

/*
 * Check the fragments, the kind of the relation, rights and policies, as the
 * current user; choose how to walk.  Raises 22023, 42501, 42809 and what the
 * server raises for the statement.  Needs a snapshot.
 */
extern CmigBackfillTarget *cmig_backfill_target_check(Oid table, const char *set_sql,
													  const char *where_sql);

/* Qualified and quoted, in the same way in every session; NULL if it has gone. */
extern char *cmig_backfill_target_name(Oid relation);

/* Does another set_sql, which was checked once, set one of the same columns? */
extern bool cmig_backfill_target_sets_same(const CmigBackfillTarget *target,
										   const char *set_sql);

#endif							/* CMIG_BACKFILL_TARGET_H */
