/*
 * existing.h
 *	  Describes the relations that existed when a dry run began, and how the
 *	  dry run changed them.
 *
 * The state that a relation had when the dry run started is read only when the
 * relation is first needed.  System catalogs, TOAST tables, composite types,
 * and the extension's own relations are not reported.  These relations are
 * treated as if they did not exist.
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

/* A relation as it was when the dry run started, and as it is now. */
typedef struct CmigExisting
{
	Oid			oid;
	bool		existed;		/* if false, the other fields are not set */
	char		kind;			/* pg_class.relkind */
	char	   *name;			/* qualified and quoted name when the dry run
								 * started */
	Oid			tablespace;
	Oid			first_filenode; /* relfilenode when the dry run started */
	Oid			filenode;		/* current relfilenode */
	LOCKMODE	held;			/* strongest lock taken so far */
	bool		locked;			/* for a sequence: true if the sequence has
								 * been locked */
	int64		size;			/* size in bytes when the dry run started */
	int64		pages;			/* pages in the main fork when the dry run
								 * started */
	CmigCounters first;			/* counters when the dry run started */
	bool		rewritten;		/* true if a statement has replaced the
								 * relation's file */
	int64		dead;			/* number of dead rows that a rollback leaves
								 * in the relation's first file */
	CmigCounters last;			/* counters after the last statement that used
								 * the relation */
} CmigExisting;

/* The relations that a dry run has looked up. */
typedef struct CmigExistingSet CmigExistingSet;

/*
 * Start recording when a dry run starts.  The set lives in the current memory
 * context and is valid until the end of the current subtransaction.
 */
extern CmigExistingSet *cmig_existing_start(void);

/* Returns the entry for a relation.  Creates the entry if necessary. */
extern CmigExisting *cmig_existing_get(CmigExistingSet *set, Oid relation);

/*
 * Returns those of the relations looked up so far that existed when the dry run
 * started, as a List of CmigExisting * ordered by name.
 */
extern List *cmig_existing_all(CmigExistingSet *set);

/* Returns the sequences among the relations looked up so far. */
extern List *cmig_existing_sequences(const CmigExistingSet *set);

/*
 * Returns the statistics that this backend has collected so far for a relation.
 */
extern CmigCounters cmig_existing_count(Oid relation);

/*
 * Returns the relation's current relfilenode, or InvalidOid if the relation was
 * dropped.
 */
extern Oid	cmig_existing_filenode(Oid relation);

/*
 * Call this after rolling back a part of the dry run, which restores the files
 * that the relations had before that part.
 */
extern void cmig_existing_rolled_back(CmigExistingSet *set);

/*
 * Restore the numbers of rows and pages in pg_class.  This is necessary because
 * index builds change these numbers in place, and a rollback does not restore
 * them.  Call this after the end of the dry run.
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
