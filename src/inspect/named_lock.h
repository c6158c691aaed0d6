/*
 * named_lock.h
 *	  Describes a lock that a statement takes on a relation named in it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_NAMED_LOCK_H
#define CMIG_NAMED_LOCK_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "storage/lockdefs.h"

/*
 * What a statement does with a relation.  If the action refers to a column, a
 * constraint, or another object, the "name" field of CmigLock contains that
 * object's name.
 */
typedef enum CmigLockAction
{
	CMIG_LOCK_TAKE,				/* only locks the relation */
	CMIG_LOCK_DROP,				/* drops the relation or another object */
	CMIG_LOCK_ADD_COLUMN,		/* adds a column */
	CMIG_LOCK_DROP_COLUMN,		/* drops the column */
	CMIG_LOCK_DROP_CONSTRAINT,	/* drops the constraint */
	CMIG_LOCK_RETYPE,			/* changes the column's type */
	CMIG_LOCK_DOMAIN,			/* checks a domain's constraint in the tables
								 * that use the domain */
	CMIG_LOCK_VALIDATE,			/* validates the constraint */
	CMIG_LOCK_RENAME_CONSTRAINT,	/* renames the constraint */
	CMIG_LOCK_PART,				/* changes or drops a trigger, rule, or
								 * policy, whose kind is "type" */
	CMIG_LOCK_IDENTITY,			/* changes or drops the column's identity */
	CMIG_LOCK_ACCESS_METHOD,	/* sets the access method */
	CMIG_LOCK_PUBLICATION,		/* locks all tables of the publication */
	CMIG_LOCK_DROP_OWNED,		/* drops the objects owned by roles */
	CMIG_LOCK_REASSIGN_OWNED,	/* changes the owner of the objects owned by
								 * roles */
	CMIG_LOCK_CALL,				/* calls a function */
	CMIG_LOCK_CREATE_SCHEMA,	/* creates the schema */
	CMIG_LOCK_CREATE,			/* creates the relation, without a lock */
	CMIG_LOCK_RENAME,			/* renames the relation to "name", or moves
								 * the relation to the schema "name" */
	CMIG_LOCK_UNKNOWN			/* runs code that cannot be analyzed; "name"
								 * is the kind of statement */
} CmigLockAction;

/*
 * Flags for other relations that are locked together with a relation.  Unless
 * noted otherwise, indexes and default partitions are locked in ACCESS
 * EXCLUSIVE mode, referenced tables in the mode that their foreign keys
 * require, and all other relations in the same mode as the relation itself.
 */
#define CMIG_LOCK_CHILDREN		0x01	/* child tables and partitions */
#define CMIG_LOCK_INDEXES		0x02	/* its indexes */
#define CMIG_LOCK_TABLE			0x04	/* an index's table, in table_mode */
#define CMIG_LOCK_SEQUENCES		0x08	/* sequences owned by its columns */
#define CMIG_LOCK_PARENT		0x10	/* the table of which it is a
										 * partition */
#define CMIG_LOCK_DEFAULT		0x20	/* its default partition */
#define CMIG_LOCK_VIEWED		0x40	/* for a view, the relations that it
										 * reads */
#define CMIG_LOCK_REFERENCING	0x80	/* tables with a foreign key to it */
#define CMIG_LOCK_REFERENCED	0x100	/* tables that its foreign keys
										 * reference */
#define CMIG_LOCK_STORED		0x400	/* its indexes other than partitioned
										 * indexes */
#define CMIG_LOCK_ATTACHED		0x800	/* its indexes that are attached to a
										 * parent index */
#define CMIG_LOCK_ROUTED		0x1000	/* its partitions, if rows are added
										 * to them */
#define CMIG_LOCK_PARTITIONED	0x200	/* its partitioned indexes, in SHARE
										 * UPDATE EXCLUSIVE mode */
#define CMIG_LOCK_PARTITIONS	0x2000	/* its partitions, but not other child
										 * tables */
#define CMIG_LOCK_INHERITED		0x4000	/* its child tables, but not
										 * partitions */
#define CMIG_LOCK_KEYS			0x8000	/* tables with a foreign key to it, in
										 * table_mode */
#define CMIG_LOCK_TYPED			0x10000 /* for a composite type, the tables of
										 * this type */

/*
 * relations that are locked along with a table when rows are added to it
 */
#define CMIG_LOCK_INSERTED \
	(CMIG_LOCK_ROUTED | CMIG_LOCK_VIEWED | CMIG_LOCK_REFERENCED | CMIG_LOCK_SEQUENCES)

/* A lock that a statement takes, or another action on a relation. */
typedef struct CmigLock
{
	CmigLockAction action;
	const RangeVar *relation;	/* NULL for other kinds of objects */
	LOCKMODE	mode;
	LOCKMODE	table_mode;		/* for CMIG_LOCK_TABLE and CMIG_LOCK_KEYS */
	int			with;			/* bit mask of CMIG_LOCK_CHILDREN and so on */
	const char *name;
	bool		to_schema;		/* for RENAME: true if "name" is the name of a
								 * schema */
	bool		cascade;		/* for the DROP actions: true if CASCADE is
								 * given */
	bool		missing_ok;		/* for PART: true if IF EXISTS is given */
	ObjectType	type;			/* for DROP and PART */
	Node	   *object;			/* for DROP and DOMAIN, if relation is NULL;
								 * for CALL, a FuncCall; for DROP_OWNED and
								 * REASSIGN_OWNED, a list of RoleSpec */
	const ColumnDef *column;	/* for ADD_COLUMN */
	const TypeName *new_type;	/* for RETYPE */
	bool		converts;		/* for RETYPE: true if there is a USING clause */
} CmigLock;

#endif							/* CMIG_NAMED_LOCK_H */
