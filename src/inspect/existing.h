/*
 * existing.h
 *	  Describes the relations that existed when a dry run began, and how the
 *	  dry run changed them.
 *
 * A relation's state at the start of the dry run is read when the relation is
 * first needed.  System catalogs, TOAST tables, composite types, and the
 * extension's own relations are not reported.  They are treated as if they did
 * not exist.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXISTING_H
#define CMIG_EXISTING_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* This backend's statistics for a relation. */
typedef struct CmigCounters
{
	int64		scans;			/* number of sequential scans */
	int64		blocks;			/* number of blocks read */
	int64		dead;			/* number of dead rows */
	int64		written;		/* number of rows inserted or updated */
} CmigCounters;

/* A relation as it was at the start of the dry run, and as it is now. */
typedef struct CmigExisting
{
	Oid			oid;
	bool		existed;		/* if false, the other fields are not set */
	char		kind;			/* as pg_class.relkind */
	char	   *name;			/* qualified and quoted name at the start */
	Oid			tablespace;
	Oid			first_filenode; /* relfilenode at the start */
	Oid			filenode;		/* current relfilenode */
	LOCKMODE	held;			/* strongest lock taken so far */
	bool		locked;			/* for a sequence: has the sequence been
								 * locked? */
	int64		size;			/* size at the start in bytes */
	int64		pages;			/* pages in the main fork at the start */
	CmigCounters first;			/* counters at the start of the dry run */
	bool		rewritten;		/* has a statement replaced the relation's
								 * file? */
	int64		dead;			/* number of dead rows that a rollback leaves
								 * in the relation's first file */
	CmigCounters last;			/* counters after the last statement that used
								 * the relation */
} CmigExisting;

/* The relations that a dry run has looked up. */
typedef struct CmigExistingSet CmigExistingSet;

/*
 * Start recording at the beginning of a dry run.  The set lives in the current
 * memory context and is valid until the end of the current subtransaction.
 */
extern CmigExistingSet *cmig_existing_start(void);

/* Returns the entry for a relation.  Creates the entry if necessary. */
extern CmigExisting *cmig_existing_get(CmigExistingSet *set, Oid relation);

/*
 * Returns the relations that existed at the start and have been looked up so
 * far, as a List of CmigExisting * ordered by name.
 */
extern List *cmig_existing_all(CmigExistingSet *set);

/* Returns the sequences among the relations looked up so far. */
extern List *cmig_existing_sequences(const CmigExistingSet *set);

/* Returns this backend's statistics for a relation so far. */
extern CmigCounters cmig_existing_count(Oid relation);

/*
 * Returns the relation's current relfilenode, or InvalidOid if the relation was
 * dropped.
 */
extern Oid	cmig_existing_filenode(Oid relation);

/*
 * Call this after a rollback, which restores the files that the relations had
 * before.
 */
extern void cmig_existing_rolled_back(CmigExistingSet *set);

/*
 * Restore the numbers of rows and pages in pg_class, which index builds change
 * without a transaction.  Call this after the end of the dry run.
 */
extern void cmig_existing_restore(CmigExistingSet *set);

/* Is a relation with this OID and relkind included in reports? */
extern bool cmig_existing_is_reported(Oid relation, char kind);

/*
 * Returns the relation's current size in bytes, including TOAST.  Returns 0 if
 * the relation was dropped, and -1 if the size is not known because Citus
 * stores the rows in shards.
 */
extern int64 cmig_existing_size_now(Oid relation);

/* Formats a size in bytes as pg_size_pretty() does. */
extern char *cmig_existing_size_text(int64 size);

#endif							/* CMIG_EXISTING_H */
