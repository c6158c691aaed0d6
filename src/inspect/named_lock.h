/*
 * named_lock.h
 *	  A lock that a statement takes on a relation that it names.
 *
 * Pure.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NAMED_LOCK_H
#define CMIG_NAMED_LOCK_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

/* What a statement does with a relation. */
typedef enum CmigLockAction
{
	CMIG_LOCK_TAKE,				/* locks it */
	CMIG_LOCK_DROP,				/* drops the relation, or an object of another
								 * kind */
	CMIG_LOCK_ADD_COLUMN,		/* adds a column to the relation */
	CMIG_LOCK_DROP_COLUMN,		/* drops the column name of it */
	CMIG_LOCK_DROP_CONSTRAINT,	/* drops the constraint name of it */
	CMIG_LOCK_RETYPE,			/* changes the type of the column name */
	CMIG_LOCK_DOMAIN,			/* checks a domain, and so the tables that
								 * have columns of it */
	CMIG_LOCK_VALIDATE,			/* validates the constraint name */
	CMIG_LOCK_IDENTITY,			/* changes or drops the identity of the column
								 * name */
	CMIG_LOCK_ACCESS_METHOD,	/* sets the access method name */
	CMIG_LOCK_PUBLICATION,		/* locks all tables of the publication name */
	CMIG_LOCK_CREATE,			/* creates the relation, which is not locked */
	CMIG_LOCK_RENAME,			/* renames it to name, or moves it to the
								 * schema name */
	CMIG_LOCK_UNKNOWN			/* runs code that cannot be read; name is the
								 * kind of statement */
} CmigLockAction;

/* Which other relations are locked in the same mode. */
#define CMIG_LOCK_CHILDREN		0x01	/* all tables that inherit from the
										 * relation */
#define CMIG_LOCK_INDEXES		0x02	/* its indexes: ACCESS EXCLUSIVE */
#define CMIG_LOCK_TABLE			0x04	/* the table of an index */
#define CMIG_LOCK_SEQUENCES		0x08	/* the sequences of its columns */
#define CMIG_LOCK_PARENT		0x10	/* the table of which it is a
										 * partition */
#define CMIG_LOCK_DEFAULT		0x20	/* its default partition: ACCESS
										 * EXCLUSIVE */
#define CMIG_LOCK_VIEWED		0x40	/* if it is a view, what it reads */
#define CMIG_LOCK_REFERENCING	0x80	/* tables that have a foreign key to
										 * it */
#define CMIG_LOCK_REFERENCED	0x100	/* tables to which it has a foreign
										 * key */
#define CMIG_LOCK_STORED		0x400	/* its indexes that are not
										 * partitioned: ACCESS EXCLUSIVE */
#define CMIG_LOCK_ATTACHED		0x800	/* its indexes that are partitions of
										 * others */
#define CMIG_LOCK_PARTITIONED	0x200	/* its partitioned indexes: SHARE
										 * UPDATE EXCLUSIVE */

/* A lock, or what else a statement does with a relation. */
typedef struct CmigLock
{
	CmigLockAction action;
	const RangeVar *relation;	/* NULL for an object of another kind */
	LOCKMODE	mode;
	LOCKMODE	table_mode;		/* of CMIG_LOCK_TABLE */
	int			with;			/* CMIG_LOCK_CHILDREN and so on */
	const char *name;
	bool		to_schema;		/* of RENAME */
	bool		cascade;		/* CASCADE, for the DROP actions */
	ObjectType	type;			/* of DROP */
	Node	   *object;			/* of DROP and DOMAIN, if relation is NULL */
	const ColumnDef *column;	/* of ADD_COLUMN */
	const TypeName *new_type;	/* of RETYPE */
	bool		converts;		/* for RETYPE: it has a USING clause */
} CmigLock;

#endif							/* CMIG_NAMED_LOCK_H */
