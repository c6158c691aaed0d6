/*
 * existing.h
 *	  The relations that existed when a dry run began, and what it did to them.
 *
 * Relations are looked up when they are first needed, as of the start of the
 * dry run.  Catalogs, TOAST tables, and relations of the extension are not
 * reported, so they count as not having existed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_EXISTING_H
#define CMIG_EXISTING_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* This backend's statistics about a relation. */
typedef struct CmigCounters
{
	int64		scans;			/* how often it was read without an index */
	int64		blocks;			/* how many blocks of it were read */
	int64		dead;			/* dead rows */
	int64		written;		/* rows that the transaction has written, and
								 * that a rollback makes dead rows */
} CmigCounters;

/* A relation. */
typedef struct CmigExisting
{
	Oid			oid;
	bool		existed;		/* if not, the other fields are not set */
	char		kind;			/* as pg_class.relkind */
	char	   *name;			/* its name at the start, qualified and quoted */
	Oid			tablespace;
	Oid			first_filenode; /* file at the start */
	Oid			filenode;		/* file now */
	LOCKMODE	held;			/* the strongest lock of the dry run so far */
	bool		locked;			/* the transaction has locked this sequence */
	int64		size;			/* size of its rows at the start, in bytes */
	int64		pages;			/* size of its main file at the start */
	CmigCounters first;			/* counters at the start of the dry run */
	bool		rewritten;		/* it has got another file at least once */
	int64		dead;			/* rows written until then */
	CmigCounters last;			/* counters after the last statement that used
								 * it */
} CmigExisting;

/* The relations of a dry run. */
typedef struct CmigExistingSet CmigExistingSet;

/*
 * A dry run begins.  The set lives in the current memory context and can be used
 * until the end of the current subtransaction.
 */
extern CmigExistingSet *cmig_existing_start(void);

/* A relation by its OID; never NULL. */
extern CmigExisting *cmig_existing_get(CmigExistingSet *set, Oid relation);

/* All relations that were looked up and existed, by name. */
extern List *cmig_existing_all(CmigExistingSet *set);

/* The sequences among them. */
extern List *cmig_existing_sequences(const CmigExistingSet *set);

/* The backend's statistics about a relation so far. */
extern CmigCounters cmig_existing_count(Oid relation);

/* The file of a relation now, InvalidOid if the relation was dropped. */
extern Oid	cmig_existing_filenode(Oid relation);

/* To be called after a rollback, which gives relations their former files. */
extern void cmig_existing_rolled_back(CmigExistingSet *set);

/* Are relations of this kind, and the one with this OID, reported? */
extern bool cmig_existing_is_reported(Oid relation, char kind);

/* The size of a relation's rows now, in bytes; 0 if it was dropped. */
extern int64 cmig_existing_size_now(Oid relation);

/* A size in bytes, as pg_size_pretty() prints it. */
extern char *cmig_existing_size_text(int64 size);

#endif							/* CMIG_EXISTING_H */
