/*
 * internal.h
 *	  What the modules of src/plan share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_PLAN_INTERNAL_H
#define CMIG_PLAN_INTERNAL_H

#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "portability/instr_time.h"
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "plan/plan.h"
#include "schema/schema.h"

/* in locks.c */

/*
 * What a statement does with a relation.  If the action refers to a column, a
 * constraint, or another object, the "name" field of CmigLock contains that
 * object's name.
 */
typedef enum CmigLockAction
{
	CMIG_LOCK_TAKE,				/* only locks the relation; "object" is set to
								 * the statement if it changes rows of it */
	CMIG_LOCK_SEQUENCE,			/* takes a number of the sequence */
	CMIG_LOCK_DROP,				/* drops the relation or another object */
	CMIG_LOCK_ADD_COLUMN,		/* adds a column */
	CMIG_LOCK_DROP_COLUMN,		/* drops the column */
	CMIG_LOCK_DROP_CONSTRAINT,	/* drops the constraint */
	CMIG_LOCK_RETYPE,			/* changes the column's type */
	CMIG_LOCK_DOMAIN,			/* checks a domain in the tables that use it */
	CMIG_LOCK_VALIDATE,			/* validates the constraint */
	CMIG_LOCK_RENAME_CONSTRAINT,	/* renames the constraint */
	CMIG_LOCK_PART,				/* a trigger, rule, or policy, by "type" */
	CMIG_LOCK_IDENTITY,			/* changes or drops the column's identity */
	CMIG_LOCK_ACCESS_METHOD,	/* sets the access method */
	CMIG_LOCK_PUBLICATION,		/* locks all tables of the publication */
	CMIG_LOCK_DROP_OWNED,		/* drops the objects owned by roles */
	CMIG_LOCK_REASSIGN_OWNED,	/* changes the owner of objects of roles */
	CMIG_LOCK_CALL,				/* calls a function; "name" is set if it is a
								 * procedure, or in DO */
	CMIG_LOCK_CREATE_SCHEMA,	/* creates the schema */
	CMIG_LOCK_CREATE,			/* creates the relation, without a lock */
	CMIG_LOCK_RENAME,			/* renames to "name", or moves to that schema */
	CMIG_LOCK_UNKNOWN			/* cannot be analyzed; "name" says what */
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
#define CMIG_LOCK_PARENT		0x10	/* the table whose partition it is */
#define CMIG_LOCK_DEFAULT		0x20	/* its default partition */
#define CMIG_LOCK_VIEWED		0x40	/* what a view reads */
#define CMIG_LOCK_REFERENCING	0x80	/* tables with a foreign key to it */
#define CMIG_LOCK_REFERENCED	0x100	/* tables that its keys reference */
#define CMIG_LOCK_STORED		0x400	/* its indexes with a file */
#define CMIG_LOCK_ATTACHED		0x800	/* its indexes with a parent */
#define CMIG_LOCK_ROUTED		0x1000	/* partitions that may get rows */
#define CMIG_LOCK_PARTITIONED	0x200	/* its partitioned indexes, in SHARE
										 * UPDATE EXCLUSIVE mode */
#define CMIG_LOCK_PARTITIONS	0x2000	/* partitions, not other children */
#define CMIG_LOCK_INHERITED		0x4000	/* children other than partitions */
#define CMIG_LOCK_KEYS			0x8000	/* as REFERENCING, in table_mode */
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
	bool		to_schema;		/* for RENAME: "name" is a schema */
	bool		cascade;		/* for the DROP actions */
	bool		missing_ok;		/* is it no error if the relation, or for PART
								 * the part, does not exist? */
	ObjectType	type;			/* for DROP and PART */
	Node	   *object;			/* for DROP and DOMAIN, if relation is NULL;
								 * for CALL, a FuncCall; for DROP_OWNED and
								 * REASSIGN_OWNED, a list of RoleSpec; for
								 * CREATE and TAKE, the statement or NULL */
	const ColumnDef *column;	/* for ADD_COLUMN and RETYPE */
} CmigLock;

/*
 * Returns a statement's locks and other actions as a List of CmigLock *, whose
 * entries point into the parse tree.  The other functions return the relation
 * that a list of String nodes or a string constant names, or that a column or
 * trigger with such a name belongs to; or NULL.
 */
extern List *cmig_statement_locks(Node *statement);
extern RangeVar *cmig_locks_relation(List *name);
extern RangeVar *cmig_locks_owner(Node *object);
extern RangeVar *cmig_locks_constant(Node *node);

/* Returns an expression without the casts around it.  It may be NULL. */
extern Node *cmig_uncast(Node *node);
extern bool cmig_is_relation_type(ObjectType type);

/* in calls.c */

/* Returns an argument with this position or this name, or NULL. */
extern Node *cmig_call_argument(const FuncCall *call, int position, const char *name);

/* in measure.c */

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
	char	   *name;			/* qualified and quoted name when the dry run
								 * started; NULL if it is not reported */
	FormData_pg_class first;	/* pg_class row when the dry run started */
	CmigCounters first_counters;	/* counters when the dry run started */
	Oid			filenode;		/* current relfilenode */
	bool		used;			/* has cmig_existing_get() returned it? */
	int64		size;			/* size in bytes when the dry run started,
								 * including TOAST; -1 if Citus stores the
								 * rows in shards */
	int64		pages;			/* of the main fork at that time */
	LOCKMODE	held;			/* strongest lock taken so far */
	LOCKMODE	now;			/* the strongest lock that the statement has
								 * taken */
	bool		locked;			/* a sequence: has it been locked? */
	bool		rewritten;		/* has a statement replaced its file? */
	int64		dead;			/* number of dead rows that a rollback leaves
								 * in the relation's first file */
	CmigCounters last;			/* after the last statement that used it */
} CmigExisting;

/* The relations that existed when a dry run started. */
typedef struct CmigExistingSet
{
	MemoryContext context;
	HTAB	   *relations;		/* of CmigExisting, by OID */
	List	   *used;			/* of CmigExisting *: those returned */
} CmigExistingSet;

/* A statement that is being measured, and the results. */
typedef struct CmigMeasure
{
	CmigExistingSet *relations;
	instr_time	start;
	uint64		wal_start;
	/* results; each string has one line per relation */
	int64		elapsed_us;
	int64		wal_bytes;
	char	   *locks;			/* the locks that the statement took; locks,
								 * rewrites, and scans are NULL if empty */
	char	   *rewrites;
	char	   *scans;
	List	   *moved;			/* of CmigExisting *: sequences that advanced */
} CmigMeasure;

/*
 * Start a dry run: record the relations, in the current memory context, and
 * which of them the transaction has already locked.
 */
extern CmigExistingSet *cmig_measure_start(void);

/* Returns NULL if the relation did not exist, or is not reported. */
extern CmigExisting *cmig_existing_get(CmigExistingSet *set, Oid relation);

/*
 * Call the first after rolling back a part of the dry run, which restores the
 * files that the relations had before that part.  The second, after the end of
 * the dry run, restores the numbers of rows and pages in pg_class, which index
 * builds change in place.  The third returns how many dead rows the dry run
 * leaves in the relation.
 */
extern void cmig_existing_rolled_back(CmigExistingSet *set);
extern void cmig_existing_restore(CmigExistingSet *set);
extern int64 cmig_existing_left_dead(const CmigExisting *relation);

/*
 * Measure a statement, which must run in its own subtransaction.  Call
 * cmig_measure_begin() before the statement.  If the statement succeeds, call
 * cmig_measure_end() before the subtransaction ends.  After an error, call
 * cmig_measure_fail(), which sets only the elapsed time and the WAL size.
 */
extern void cmig_measure_begin(CmigMeasure *measure, CmigExistingSet *relations);
extern void cmig_measure_end(CmigMeasure *measure);
extern void cmig_measure_fail(CmigMeasure *measure);

/* Turn the watch on or off.  Turning it off is always safe. */
extern void cmig_waiters_watch(void);
extern void cmig_waiters_unwatch(void);

/*
 * Is a lock on this relation reported?  Weak locks on indexes are not, because
 * the lock on the table already blocks the same statements.
 */
extern bool cmig_measure_is_reported(Oid relation, char kind, LOCKMODE mode);

/*
 * Returns the relation's current size in bytes, including TOAST: 0 if it was
 * dropped, and -1 if Citus stores the rows in shards; and the size of its main
 * fork, 0 for a temporary relation.  Neither needs a lock.  The text is formatted
 * as by pg_size_pretty().
 */
extern int64 cmig_measure_file_size(Form_pg_class form);
extern int64 cmig_measure_size(Oid relation);
extern char *cmig_measure_size_text(int64 size);

/* Returns a line such as "ACCESS EXCLUSIVE on public.account, 16 kB". */
extern char *cmig_measure_lock_line(LOCKMODE mode, const char *name, char kind, int64 size);

/* Append a line to *text.  An empty *text is NULL. */
extern void cmig_measure_add_line(char **text, const char *line);

/* in related.c */

/*
 * Is the type a domain that has constraints, or whose base domains have
 * constraints?  Use this function instead of DomainHasConstraints(), because
 * that function simplifies CHECK expressions, which calls the immutable
 * functions in them.
 */
extern bool cmig_domain_is_checked(Oid type);

/*
 * Find the object named in a DROP statement.  Returns false if the object does
 * not exist or if its type is not supported here.
 */
extern bool cmig_dropped_locks_find(ObjectType type, Node *name, ObjectAddress *object);

/*
 * Returns the relations that are locked when an object is dropped, or what
 * DROP OWNED drops, if the object is a role.
 */
extern List *cmig_dropped_locks(const ObjectAddress *object, bool cascade);

/*
 * Returns the objects that are dropped with a List of ObjectAddress * only with
 * CASCADE, and that users know by name.  Objects in "spared" will not be
 * dropped; they are left out, and so are their parts and objects that depend only on them.
 */
extern List *cmig_dropped_dependents(List *objects, List *spared);

/* Is the object, or the relation that it is a column of, in the list? */
extern bool cmig_is_object_in(const ObjectAddress *object, List *objects);

/* Returns a trigger, rule, or policy, or InvalidOid.  Sets *class to its catalog. */
extern Oid	cmig_part_find(ObjectType type, Oid relation, const char *name, Oid *class);

/* How the catalogs connect relations with an object. */
typedef enum CmigRelated
{
	CMIG_RELATED_TREE,			/* a relation and all its descendants */
	CMIG_RELATED_CHILDREN,		/* a relation's children, ordered by OID */
	CMIG_RELATED_TYPED,			/* the tables of a composite type's relation */
	CMIG_RELATED_INDEXES,		/* a table's indexes */
	CMIG_RELATED_DEFAULT,		/* a table's default partition */
	CMIG_RELATED_PARENT,		/* a partition's parent, and its default */
	CMIG_RELATED_VIEWED,		/* what a view reads, also through views */
	CMIG_RELATED_REFERENCED,	/* what a table's foreign keys reference */
	CMIG_RELATED_BY_KEY,		/* what a foreign key references */
	CMIG_RELATED_BY_TYPE,		/* the relations that have columns of a type */
	CMIG_RELATED_PUBLISHED,		/* the tables listed in a publication */
	CMIG_RELATED_OWNED			/* the relations owned by a role */
} CmigRelated;

extern List *cmig_related(CmigRelated how, Oid object);

/*
 * Returns the relations that are locked when a column's type changes, except
 * for the table itself.  "rewrites" says whether its rows are written again.
 */
extern List *cmig_related_retyped(Oid table, const char *column, bool rewrites);

/* in planned_locks.c */

/* A lock that a statement would take on a relation. */
typedef struct CmigPlannedLock
{
	Oid			oid;			/* InvalidOid if the relation does not exist */
	LOCKMODE	mode;
	char	   *name;			/* qualified and quoted */
	char		kind;			/* as in pg_class.relkind; 0 if the relation
								 * does not exist */
	int64		size;
	bool		is_new;			/* created by an earlier statement */
	bool		routed;			/* a partition: only if it gets rows */
} CmigPlannedLock;

/*
 * Returns the locks of a statement, one for each relation, as a List of
 * CmigPlannedLock * in the current memory context.  search_path must be the
 * same as when the script runs.  Sets *unknown to a List of char * that names
 * the parts of the statement whose code cannot be analyzed, such as "DO" or
 * "the function public.f", and *failure to a sentence that says so if the
 * statement fails because of CONCURRENTLY, or else to NULL.  May raise errors from
 * name lookups.
 */
extern List *cmig_planned_locks_of(CmigPlannedLocks *plan, Node *statement, List **unknown,
								   char **failure);

/* Merge two lists of locks, keeping the strongest lock on each relation. */
extern List *cmig_planned_locks_merge(List *locks, List *more);

/*
 * Returns the locks as a string with one line per lock, strongest lock first.
 * Returns NULL if there are no locks.
 */
extern char *cmig_planned_locks_text(List *locks);

/*
 * If the statement changes search_path or TimeZone, make the same change in
 * this session.  The change lasts until the current subtransaction is rolled
 * back.
 */
extern void cmig_script_settings_follow(Node *statement);

/*
 * Call "change" for each setting that the statement changes, with NULL for the
 * setting's default.
 */
extern void cmig_script_settings_each(Node *statement,
									  void (*change) (const char *name, const char *value,
													  void *arg), void *arg);

/* What is known about the locks of a script. */
typedef struct CmigScriptLocks
{
	List	   *locks;			/* of CmigPlannedLock * */
	List	   *unknown;		/* of char *: parts that run unknown code */
	List	   *failures;		/* of char *: statements that fail */
	int			statement;		/* number of the last statement read */
	ErrorData  *error;			/* what prevented reading the rest, or NULL */
} CmigScriptLocks;

/*
 * Like cmig_script_locks(), but returns the parts.  Calls "visit", unless it is
 * NULL, with each statement, when names mean what they will mean to it.
 */
extern CmigScriptLocks *cmig_script_locks_read(CmigPlannedLocks *plan, const char *sql,
											   void (*visit) (CmigPlannedLocks *plan,
															  const CmigStatement *statement,
															  void *arg),
											   void *arg);

#endif							/* CMIG_PLAN_INTERNAL_H */
