/*
 * distribution_record.h
 *	  Records how a target distributes tables with Citus.
 *
 * In a shadow, Citus must not distribute tables, because that would create
 * shards on other servers.  Instead, while a target's SQL or a revision's
 * script runs in the shadow, the Citus functions that distribute tables only
 * add records here, wherever they are called.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_DISTRIBUTION_RECORD_H
#define CMIG_DISTRIBUTION_RECORD_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/pg_list.h"

/* The ways in which Citus stores the rows of a table. */
typedef enum CmigDistributionMethod
{
	CMIG_BY_COLUMN,				/* in shards, by the hash of a column */
	CMIG_BY_SCHEMA,				/* for a schema: each table in one shard */
	CMIG_SINGLE_SHARD,
	CMIG_REFERENCE,				/* in a shard that is copied to all nodes */
	CMIG_LOCAL_MANAGED,			/* on the coordinator, but known to Citus */
	CMIG_OTHERWISE				/* by a method that Citus no longer offers */
} CmigDistributionMethod;

/* How a table or schema is distributed. */
typedef struct CmigDistributionRecord
{
	Oid			object;			/* a table, or a schema if the method is
								 * CMIG_BY_SCHEMA */
	CmigDistributionMethod method;
	AttrNumber	column;			/* the distribution column, or 0 */
	int			group;			/* tables with the same number are co-located;
								 * 0 if co-location does not apply */
	int			shards;			/* number of shards, or 0 */
	Oid			type;			/* type of the distribution column */
	Oid			collation;
	bool		by_default;		/* true if Citus chose the group */
	bool		counted;		/* true if "shards" is an argument of the
								 * call, or is taken from the live table */
} CmigDistributionRecord;

/* Register the hook that replaces the functions of Citus. */
extern void cmig_distribution_record_init(void);

/*
 * Start or stop recording.  Does nothing unless Citus is loaded and installed.
 * Returns the former state.
 */
extern bool cmig_distribution_record_watch(bool on);

/*
 * Remove all records.  cmig_distribution_record_begin() is called when a
 * shadow begins, before it hides the extension citus, and
 * cmig_distribution_record_forget() when the shadow ends.
 */
extern void cmig_distribution_record_begin(void);
extern void cmig_distribution_record_forget(void);

/*
 * Record a schema that the target has created, if the session's settings make
 * it a distributed schema.
 */
extern void cmig_distribution_record_schema(Oid schema);

/*
 * Record that a partition is about to be detached.  The partition stays
 * distributed in the same way as its partitioned table.
 */
extern void cmig_distribution_record_detach(Oid partition);

/* Returns the records, a list of CmigDistributionRecord. */
extern List *cmig_distribution_record_all(void);

/*
 * Has any replaced Citus function been called since
 * cmig_distribution_record_forget(), even if the call's effect has been
 * reverted?
 */
extern bool cmig_distribution_record_any(void);

#endif							/* CMIG_DISTRIBUTION_RECORD_H */
