/*
 * lint.h
 *	  What src/lint provides to other folders.
 *
 * A rule has a name, a severity, the node tags of the statements to check, and
 * a function that checks one statement.  The function sees only the parse tree
 * and the relations as they will be when the statement runs.  It reports
 * findings but does not change the state.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_H
#define CMIG_LINT_H

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
#include "storage/lockdefs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "move/move.h"
#include "schema/schema.h"

/*
 * Relations as they are when a statement runs
 */

/* The origin of a relation. */
typedef enum CmigLintOrigin
{
	CMIG_LINT_LIVE,				/* exists in the live database */
	CMIG_LINT_NEW,				/* an earlier statement creates it */
	CMIG_LINT_UNKNOWN			/* not found; assumed to be large */
} CmigLintOrigin;

/* A column of a table. */
typedef struct CmigLintColumn
{
	const char *name;
	bool		is_new;			/* added by the plan */
	AttrNumber	attnum;			/* 0 for a new column */
	Oid			type;			/* InvalidOid if unknown */
	int32		typmod;
	Oid			collation;
	const char *type_name;		/* if the plan creates the type, or NULL */
	bool		not_null;
	bool		has_default;	/* has one, or is identity or generated */
} CmigLintColumn;

/* A constraint of a table. */
typedef struct CmigLintConstraint
{
	const char *name;
	char		type;			/* as in pg_constraint.contype */
	bool		validated;
	int			added_in;		/* number of the revision; 0 if live */
	List	   *columns;		/* of char *: column names */
	List	   *proves_not_null;	/* of char *: by the CHECK expression */
	const Constraint *key;		/* the definition of a foreign key, or NULL */
} CmigLintConstraint;

/* An index of a table. */
typedef struct CmigLintIndex
{
	const char *name;			/* NULL if chosen by PostgreSQL */
	bool		usable;			/* true if the index is valid and not partial */
	bool		has_expression; /* in a key column or the predicate */
	Oid			method;			/* InvalidOid if unknown */
	List	   *keys;			/* of char *: columns; "" for an expression */
	List	   *uses;			/* of char *: columns used in expressions */
} CmigLintIndex;

typedef struct CmigLintNames CmigLintNames; /* in lint_apply.c */

/* A relation.  If the contents of a list are unknown, the list is empty. */
typedef struct CmigLintTable
{
	const char *schema;			/* pg_temp for a temporary relation */
	const char *name;
	CmigLintOrigin origin;
	char		kind;			/* as in pg_class.relkind; 0 if unknown */
	bool		temporary;
	bool		logged;			/* neither temporary nor unlogged */
	bool		loaded;			/* columns and so on have been read */
	bool		partial;		/* some columns are not listed (LIKE ...) */
	Oid			oid;			/* InvalidOid if not live */
	bool		empty;			/* no rows: nothing is scanned or rewritten */
	bool		empty_itself;	/* true if the relation has no rows of its
								 * own; rows of child tables do not count, but
								 * rows of partitions do */
	Oid			tablespace;		/* tablespace of a live table */
	Oid			method;			/* table access method of a live table */
	double		rows;			/* estimated number of rows; -1 if unknown */
	int64		bytes;			/* -1 if unknown */
	bool		has_default_partition;
	bool		repartitioned;	/* the plan changed its partitions */
	bool		detached;		/* true if the plan has detached partitions */
	bool		row_security;
	bool		redefined;		/* true if the plan has replaced this view */
	bool		has_grants;		/* the plan grants privileges on it */
	bool		written;		/* the plan changes its rows */
	bool		adopts;			/* of the tables that the plan has attached to
								 * it, has one existed before? */
	const char *citus;			/* NULL, or how Citus stores the table; see
								 * cmig_citus_storage() */
	List	   *columns;		/* of CmigLintColumn *, in order */
	List	   *constraints;	/* of CmigLintConstraint * */
	List	   *indexes;		/* of CmigLintIndex * */
	CmigLintNames *names;		/* of both; NULL if they must be read, also
								 * after one was renamed */
	struct CmigLintTable *index_of; /* for an index: its table; otherwise NULL */
	List	   *users;			/* of CmigLintTable *: the plan's views on it */
	List	   *uses;			/* of CmigLintTable *: for a view defined by
								 * the plan, the relations in its query */

	/*
	 * numbers of statements in the revision in_revision; 0 if there is no
	 * such statement
	 */
	int			in_revision;	/* number of that revision */
	int			altered_at;		/* the last combinable ALTER TABLE */
	const char *altered_text;	/* text of the statement altered_at */
	int			locked_at;		/* the first with AccessExclusiveLock */
} CmigLintTable;

/*
 * Did the relation exist before the plan, so that other sessions can use it?
 */
static inline bool
cmig_lint_model_is_shared(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary;
}

/* Does it also have rows?  Only then do scans, rewrites, and indexes take long. */
static inline bool
cmig_lint_model_is_large(const CmigLintTable *table)
{
	return cmig_lint_model_is_shared(table) && !table->empty;
}

/*
 * Is the relation large even without its children?  This matters for statements
 * with ONLY and for indexes.
 */
static inline bool
cmig_lint_model_is_large_itself(const CmigLintTable *table)
{
	return cmig_lint_model_is_large(table) && !table->empty_itself;
}

/* Is the relation known to be smaller than this? */
static inline bool
cmig_lint_model_is_small(const CmigLintTable *table, int64 bytes)
{
	return table != NULL && table->bytes >= 0 && table->bytes < bytes;
}

/*
 * Rules and findings
 */

/*
 * Severities in ascending order.  CMIG_LINT_ERROR must remain the last one,
 * because the size of some arrays depends on it.
 */
typedef enum CmigLintSeverity
{
	CMIG_LINT_NOTICE,			/* bad style */
	CMIG_LINT_WARNING,			/* breaks clients, or waits for a lock */
	CMIG_LINT_ERROR				/* fails, loses data, or blocks for a scan */
} CmigLintSeverity;

typedef struct CmigLint CmigLint;

/* The maximum number of node tags in a rule. */
#define CMIG_LINT_MAX_TAGS 6

/* Flags of a rule. */
#define CMIG_LINT_OPT_IN 1		/* applies only if cmig.lint_include contains
								 * its name */
#define CMIG_LINT_SLOW 2		/* what it reports scans or rewrites a large
								 * table */
#define CMIG_LINT_FACTS 8		/* finds little without the live tables */
#define CMIG_LINT_CALLED 4		/* also applies to what pg_cmig's functions
								 * run, as rules with CMIG_LINT_SLOW do */
#define CMIG_LINT_REWRITES 16	/* with SLOW: it rewrites the table */
#define CMIG_LINT_EXPAND 32		/* cmig.expand makes what it reports safe */
#define CMIG_LINT_FILL 64		/* reports how an upgrade fills columns and
								 * builds indexes, which cmig.expand does in
								 * another way */

/* A lint rule.  It may have several entries, one after the other. */
typedef struct CmigLintRule
{
	const char *name;
	CmigLintSeverity severity;
	int			flags;			/* CMIG_LINT_OPT_IN and so on */
	void		(*check) (CmigLint *lint, Node *statement);
	NodeTag		tags[CMIG_LINT_MAX_TAGS];	/* tags of the statements to
											 * check; if empty, all statements
											 * are checked */

	/*
	 * for a rule about one type of ALTER TABLE action, in place of "check":
	 * the type, and a function that checks action number "number" (counted
	 * from 0) of a known table
	 */
	AlterTableType action;
	void		(*check_action) (CmigLint *lint, AlterTableCmd *command, int number);
} CmigLintRule;

/*
 * Arrays of rules, in the order in which they are applied.  An entry without a
 * name ends each array.
 */
extern const CmigLintRule cmig_lint_indexes[];	/* in lint_constraints.c */
extern const CmigLintRule cmig_lint_columns[];
extern const CmigLintRule cmig_lint_constraints[];
extern const CmigLintRule cmig_lint_tables[];
extern const CmigLintRule cmig_lint_dependents[];	/* in lint_cascade.c */
extern const CmigLintRule cmig_lint_losses[];
extern const CmigLintRule cmig_lint_others[];	/* in lint_rules.c */
extern const CmigLintRule cmig_lint_rehearsed[];	/* in lint_rehearse.c */

/* A problem that a rule has found. */
typedef struct CmigLintFinding
{
	const CmigLintRule *rule;
	CmigLintSeverity severity;
	const char *revision;		/* NULL for cmig.lint_sql */
	int			statement;		/* starting at 1; 0: not about a statement */
	int			line;			/* line number, starting at 1; 0 if unknown */
	char	   *message;
	char	   *fix;			/* SQL with the same effect, or NULL */
	Oid			relation;		/* the live relation that the statement alters
								 * or locks; InvalidOid if none */
	bool		rewrites;		/* does the statement rewrite it? */
	bool		fails;			/* it says that the statement fails, because
								 * of what depends on something */
	bool		rehearsed;		/* has the rehearsal shown it? */
	bool		dropped;		/* withdrawn, or suppressed by a comment */
} CmigLintFinding;

/* A check that can be performed only after all statements have been seen. */
typedef struct CmigLintDeferred
{
	CmigLintFinding *finding;	/* withdrawn if holds() returns false */
	bool		whole_plan;		/* waits for the end of the plan */
	bool		(*holds) (CmigLint *lint, const struct CmigLintDeferred *deferred);
	int			since;			/* number of the statement in the plan */
	CmigLintTable *table;		/* what holds() needs to know; may be NULL */
	RangeVar   *name;
	char	   *part;			/* a column or constraint */
} CmigLintDeferred;

/*
 * The lint call
 */

/* Timeouts. */
typedef enum CmigLintTimeout
{
	CMIG_LINT_LOCK_TIMEOUT,
	CMIG_LINT_STATEMENT_TIMEOUT
} CmigLintTimeout;

/* A type, domain, or enum that the plan creates or changes. */
typedef struct CmigLintType
{
	const char *schema;
	const char *name;
	bool		is_new;			/* true if the plan creates the type */
	bool		has_constraint; /* a domain with a constraint */
	bool		has_default;
} CmigLintType;

/* A function that the plan creates or drops. */
typedef struct CmigLintFunction
{
	bool		is_volatile;
	int			created_at;		/* number of the statement; 0 if dropped */
	const char *body;			/* the new source text, or NULL */
} CmigLintFunction;

/* An enum value that the current transaction has added. */
typedef struct CmigLintNewValue
{
	CmigLintType *type;
	const char *value;
	const char *revision;		/* the revision that has added the value; NULL
								 * for cmig.lint_sql */
} CmigLintNewValue;

/* The settings and the transaction at this point of the script. */
typedef struct CmigLintSession
{
	List	   *path;			/* of char *: search_path */
	List	   *default_path;
	bool		timeouts[2];	/* by CmigLintTimeout: is it set? */
	bool		default_timeouts[2];
	const char *time_zone;		/* NULL if the script sets none */
	List	   *values;			/* of CmigLintNewValue *: in this transaction */
	int			in_block;		/* statement that began the block, or 0 */
	bool		reported[2];	/* by CmigLintTimeout: reported as not set? */
	bool		wait_reported;	/* true if it has been reported that a
								 * statement waits for a lock while another
								 * lock is held */
	CmigLintTable *held;		/* first one under AccessExclusiveLock */
	int			held_since;		/* number of the statement that took it */
} CmigLintSession;

/* A relation, and the strongest lock that a statement takes on it. */
typedef struct CmigLintLock
{
	CmigLintTable *table;
	LOCKMODE	mode;
	bool		dropped;		/* true if the statement drops the relation */
} CmigLintLock;

/* The state of one lint call, or of a plan whose locks are determined. */
struct CmigLint
{
	MemoryContext context;		/* memory context of the lint call */
	HTAB	   *names;			/* what the plan has changed */
	HTAB	   *oids;			/* the live relations that have been read */
	List	   *temporary;		/* of CmigLintTable *: of the script */
	List	   *changed;		/* of ObjectAddress *: live objects that the
								 * plan has dropped or changed */
	List	   *parts;			/* of char *: cmig_lint_part_key() of the
								 * triggers and policies that the plan creates */
	List	   *bodies;			/* functions that code-uses-dropped has read */
	CmigLintSession session;
	List	   *findings;		/* of CmigLintFinding *, in order */
	List	   *deferred;		/* of CmigLintDeferred * */
	bool		reads_facts;	/* looks names up in the live database */
	bool		reads_sizes;	/* true if the sizes of relations matter */
	int64		small;			/* cmig.lint_small_table in bytes */
	int64		probed;			/* rows are read of tables up to this size; 0:
								 * no rows are read */
	int			altering_since; /* the last statement that is no ALTER TABLE */
	bool		ran_code;		/* did an earlier statement run unknown code? */
	bool		one_transaction;	/* all revisions run in one */
	bool		everything;		/* for cmig.preflight: rules apply even if
								 * cmig.lint_ignore lists them, and a table
								 * that others have locked is not waited for,
								 * but treated as if it had no constraints and
								 * indexes */
	List	   *rules;			/* of CmigLintRule *: the active ones */
	CmigEffects *effects;		/* NULL, or what the rehearsal has shown */
	bool		certain;		/* without what may depend on rows? */

	/* current revision */
	const char *revision;		/* NULL for cmig.lint_sql */
	int			revision_number;	/* counted from 1 */
	int			statement_number;	/* statements of the plan read so far */
	bool		transactional;
	bool		expand;			/* does it have the header? */
	int			statements;		/* statements of this revision read so far */

	/* current statement */
	const CmigLintRule *rule;	/* the rule being applied */
	CmigLintTable *slow;		/* the relation that the rule says is scanned
								 * or rewritten; NULL: the target */
	const CmigStatement *statement;
	const CmigStatement *caller;	/* if it is a statement that a function of
									 * pg_cmig runs: the one that calls it */
	List	   *called;			/* of CmigStatement *: what the functions of
								 * pg_cmig that it calls run */
	List	   *calls;			/* of FuncCall *: its other calls */
	bool		runs_code;		/* does it run code that is not known? */
	CmigLintTable *target;		/* the altered, indexed, or renamed relation */
	List	   *locks;			/* of CmigLintLock * */
};

/* Does the current statement run in any kind of transaction? */
static inline bool
cmig_lint_session_in_transaction(const CmigLint *lint)
{
	return lint->transactional || lint->session.in_block > 0;
}

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
#define CMIG_LOCK_DEFAULT		0x20	/* its default partition, and what is
										 * below it */
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
#define CMIG_LOCK_DEFAULT_ONLY	0x20000 /* its default partition */

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

/* in sizes.c */

/*
 * Returns the relation's current size in bytes, including TOAST: 0 if it was
 * dropped, and -1 if Citus stores the rows in shards; and the size of its main
 * fork, 0 for a temporary relation.  Neither needs a lock.  The text is formatted
 * as by pg_size_pretty().
 */
extern int64 cmig_size_of(Oid relation);
extern int64 cmig_size_of_file(Form_pg_class form);
extern char *cmig_size_text(int64 size);

/*
 * Is a lock on this relation reported?  Weak locks on indexes are not, because
 * the lock on the table already blocks the same statements.
 */
extern bool cmig_lock_is_reported(Oid relation, char kind, LOCKMODE mode);

/* Returns a line such as "ACCESS EXCLUSIVE on public.account, 16 kB". */
extern char *cmig_lock_line(LOCKMODE mode, const char *name, char kind, int64 size);

/* Append a line to *text.  An empty *text is NULL. */
extern void cmig_lock_line_add(char **text, const char *line);

/* in planned_locks.c */

/*
 * The names changed by the statements that have been read so far, for which
 * lint has the structure.
 */
typedef struct CmigLint CmigPlannedLocks;

/*
 * Start a sequence of statements.  The state lives in the current memory
 * context.
 */
extern CmigPlannedLocks *cmig_planned_locks_start(void);

/*
 * Returns the locks that a script takes, as a string.  Each line shows the
 * strongest lock on one relation.  Returns NULL if there are no locks.  Scripts
 * must be passed in execution order.  If part of the script cannot be analyzed,
 * additional lines say so.
 */
extern char *cmig_script_locks(CmigPlannedLocks *plan, const char *sql);

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

/* in lint_source.c */

/* Report a finding of the current rule for the current statement.  "fix" may be NULL. */
extern CmigLintFinding *cmig_lint_report(CmigLint *lint, const char *fix, const char *format,...)
			pg_attribute_printf(3, 4);

/*
 * Keep the finding only if holds() returns true at the end of the revision or,
 * if "whole_plan" is true, at the end of the plan.  "name" and "part" are
 * copied.
 */
extern void cmig_lint_report_later(CmigLint *lint, CmigLintFinding *finding, bool whole_plan,
								   bool (*holds) (CmigLint *lint, const CmigLintDeferred *deferred),
								   CmigLintTable *table, const RangeVar *name, const char *part);

/* Each returns NULL if there is none. */
extern CmigLintColumn *cmig_lint_model_column(const CmigLintTable *table, const char *name);
extern CmigLintConstraint *cmig_lint_model_constraint(const CmigLintTable *table, const char *name);
extern CmigLintIndex *cmig_lint_model_index(const CmigLintTable *table, const char *name);

/*
 * Does a validated CHECK constraint prove that the column has no nulls?
 * Constraints dropped by the statement "alter", which may be NULL, are ignored.
 */
extern bool cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column,
											const AlterTableStmt *alter);

/*
 * These return a List of char *, without duplicates for an expression, and with ""
 * for an expression in an index.  The columns that a foreign key references are by
 * default those of the primary key.
 */
extern List *cmig_lint_model_names(List *strings);
extern List *cmig_lint_model_referenced(CmigLint *lint, CmigLintTable *table,
										const Constraint *key);
extern List *cmig_lint_index_columns(const IndexStmt *index);
extern List *cmig_lint_expression_columns(Node *expression);

/* Returns a constant's text, or NULL if the node is not a constant. */
extern const char *cmig_lint_expression_constant(Node *node);

/* Is the expression absent or a NULL constant? */
extern bool cmig_lint_is_null(Node *node);

/*
 * The statement's text with "text" behind the first occurrence of the word
 * "after", or without the first occurrence of a word.
 */
extern char *cmig_lint_source_insert(const char *sql, const char *after, const char *text);
extern char *cmig_lint_source_remove(const char *text, const char *word);
extern bool cmig_lint_source_has(const char *text, const char *word);

/* A piece of the statement's text, given as byte offsets. */
typedef struct CmigLintPiece
{
	int			from;
	int			to;
} CmigLintPiece;

/*
 * Splits the ALTER TABLE statement that is being checked at the commas between
 * its actions.  Returns a List of CmigLintPiece *. The text before the first
 * piece is, for example, "ALTER TABLE public.t ".
 */
extern List *cmig_lint_source_actions(const CmigLint *lint);

/*
 * The byte offset at which an expression, type, or similar piece ends that
 * starts at an offset: before a comma or a closing parenthesis that is not
 * nested in parentheses.  The second function returns the text that follows the
 * name, which may be schema-qualified, at an offset.
 */
extern int	cmig_lint_source_end(const char *text, int offset);
extern const char *cmig_lint_source_behind_name(const char *text, int offset);

/* Returns the identifiers that PostgreSQL would truncate, without quotes. */
extern List *cmig_lint_source_long_names(const char *text);

/* A rule named in a comment. */
typedef struct CmigLintIgnore
{
	char	   *name;			/* as written; empty if the comment names no
								 * rule */
	int			line;			/* line number of the comment, starting at 1 */
	bool		used;			/* true if this rule name has suppressed a
								 * finding */
} CmigLintIgnore;

/*
 * Returns the rules named in the comments between two byte offsets of a script,
 * as a List of CmigLintIgnore *.  "first_line" is the line number at offset
 * "from".
 */
extern List *cmig_lint_ignore_read(const char *script, int from, int to, int first_line);

/* Is "name" the rule's name, or the rule's name in the linter squawk? */
extern bool cmig_lint_ignore_is(const char *name, const char *rule);

/*
 * Does the function's body use the column or, if "column" is NULL, the table?
 * "is_trigger" is true if the function is called by a trigger on the table.  In
 * that case, NEW and OLD are rows of the table.
 */
extern bool cmig_lint_body_uses(const char *source, const RangeVar *table, const char *column,
								bool is_trigger);

/*
 * Names, quoted: for messages without the schema public; the same with the size,
 * as in "t (about 300 rows, 24 kB, 2 indexes)"; qualified; and as qualified as in
 * the statement.
 */
extern char *cmig_lint_text_name(const CmigLintTable *table);
extern char *cmig_lint_text_table(const CmigLintTable *table);
extern char *cmig_lint_text_qualified(const CmigLintTable *table);
extern char *cmig_lint_text_range_var(const RangeVar *name);

/* in calls.c */

/*
 * Is this a call of a function of pg_cmig?  If so, sets *statements to the
 * statements that it runs on users' tables, a List of CmigStatement *, or *known
 * to false if they are not known.
 */
extern bool cmig_calls_expand(CmigLint *lint, const FuncCall *call, bool *known, List **statements);

/*
 * Returns the functions that a call can mean, without looking at its arguments, in
 * the order of search_path: a List of FormData_pg_proc *.
 */
extern List *cmig_call_functions(CmigLint *lint, List *name);

/*
 * Returns a name for the called function, if its code might take locks: it does not
 * exist yet, or is neither in pg_catalog nor immutable.  Otherwise, returns NULL.
 */
extern char *cmig_call_unknown(CmigLint *lint, const FuncCall *call);

/* in lint_state.c */

/* Returns the table to which the effect belongs, as it is before the statement, or NULL. */
extern CmigLintTable *cmig_lint_state_find_changed(CmigLint *lint, const CmigEffect *effect);

/*
 * Start a lint call in the current memory context.  If "reads_facts" is true,
 * names are also looked up in the live database.
 */
extern CmigLint *cmig_lint_state_begin(bool reads_facts, const char *search_path);
extern void cmig_lint_state_begin_revision(CmigLint *lint);

/*
 * Find or, if "create" is true, add a type or a function that the plan creates,
 * changes, or drops.  A function's name is without the schema.
 */
extern CmigLintType *cmig_lint_objects_type(CmigLint *lint, List *names, bool create);
extern CmigLintFunction *cmig_lint_objects_function(CmigLint *lint, const char *name, bool create);

/* Has the plan created the schema?  If "change" is true, records this. */
extern bool cmig_lint_objects_schema_is_new(CmigLint *lint, const char *schema, bool change);

/*
 * Returns the relation with this name, or NULL.  If the plan has dropped or
 * renamed such a relation, sets *gone to the schema in which it was; otherwise,
 * to NULL.
 */
extern CmigLintTable *cmig_lint_state_look(CmigLint *lint, const RangeVar *name, const char **gone);

/*
 * Returns the relation with this name.  Returns NULL if the plan has dropped or
 * renamed the relation.  If there was no such relation, returns NULL if
 * "missing_ok" is true, and otherwise a new relation with origin
 * CMIG_LINT_UNKNOWN.
 */
extern CmigLintTable *cmig_lint_state_find(CmigLint *lint, const RangeVar *name, bool missing_ok);

/*
 * Find the relation that a statement names.  "if_exists" is true if the
 * statement has an IF EXISTS clause.  In that case, the result is NULL if the
 * relation does not exist.  However, if the live database is not read, the
 * relation is assumed to exist.  Returns NULL if the name is NULL.
 */
extern CmigLintTable *cmig_lint_state_find_if(CmigLint *lint, const RangeVar *name, bool if_exists);

/* Returns the live relation with this OID, or NULL if there is none. */
extern CmigLintTable *cmig_lint_state_find_oid(CmigLint *lint, Oid oid);

/*
 * If a live relation had this name before the plan but no longer has it,
 * returns the live relation.  Otherwise, returns NULL.
 */
extern CmigLintTable *cmig_lint_state_original(CmigLint *lint, const RangeVar *name);

/* Returns the schema in search_path in which new objects are created. */
extern const char *cmig_lint_state_creation_schema(CmigLint *lint);

/* Record that the plan creates, drops, or renames a relation. */
extern CmigLintTable *cmig_lint_state_add(CmigLint *lint, const RangeVar *name, char kind);
extern void cmig_lint_state_remove(CmigLint *lint, CmigLintTable *table);
extern void cmig_lint_state_rename(CmigLint *lint, CmigLintTable *table,
								   const char *schema, const char *name);

/*
 * Returns the relations of a schema whose names the plan has changed, or all of
 * them that have rows.
 */
extern List *cmig_lint_state_in_schema(CmigLint *lint, const char *schema);
extern List *cmig_lint_state_all_in_schema(CmigLint *lint, const char *schema);

/* Record that the script's temporary relations are dropped when it ends. */
extern void cmig_lint_state_drop_temporary(CmigLint *lint);

/* Does the relation still exist under its name?  Is a live one dropped? */
extern bool cmig_lint_state_exists(CmigLint *lint, const CmigLintTable *table);
extern bool cmig_lint_state_is_gone(CmigLint *lint, Oid relation);

/*
 * If the statement fails because of CONCURRENTLY, returns a sentence that says
 * so.  Otherwise, returns NULL.  "qualified" says how the relation is shown.
 */
extern char *cmig_lint_state_concurrently_failure(CmigLint *lint, Node *statement, bool qualified);

/* Returns the schemas in a search_path value, as a List of char *. */
extern List *cmig_lint_session_path(const char *text);

/*
 * Record the settings that a statement changes.  Only those that matter to lint
 * are looked at.
 */
extern void cmig_lint_session_follow(CmigLint *lint, Node *statement);

/*
 * Returns the relations in a SELECT, INSERT, UPDATE, DELETE, MERGE, or COPY, or
 * in the query of CREATE TABLE AS or EXPLAIN, as a List of RangeVar *.  WITH
 * queries are left out.  Returns NIL for other statements.
 */
extern List *cmig_lint_uses_of(Node *statement);

/*
 * Find the target of the statement that is to be checked, and its locks on
 * relations that existed before the plan.  Only locks stronger than those of
 * INSERT are included.
 */
extern void cmig_lint_state_begin_statement(CmigLint *lint, Node *statement);

/* in lint_apply.c */

/*
 * Read a relation's columns, constraints, and indexes if they have not been
 * read before.
 */
extern void cmig_lint_state_load(CmigLint *lint, CmigLintTable *table);

/*
 * Returns the columns of a constraint, as a List of char *.  For a column
 * constraint, "column" is the column's name; otherwise, "column" is NULL.
 */
extern List *cmig_lint_alter_columns(const Constraint *constraint, const char *column);

/*
 * Returns a constraint's name, or the name that PostgreSQL chooses if the
 * constraint is unnamed.  For a new table, "table" is NULL, and "table_name" is
 * the table's name.  "column" is as above.  "earlier" is the list of constraint
 * names that the same statement has already added.
 */
extern char *cmig_lint_alter_constraint_name(CmigLintTable *table, const char *table_name,
											 const Constraint *constraint, const char *column,
											 List *earlier);

/* Can this ALTER TABLE be combined with another ALTER TABLE? */
extern bool cmig_lint_alter_is_combinable(const AlterTableStmt *alter);

/* Update the lint state after a statement has been checked. */
extern void cmig_lint_apply(CmigLint *lint, Node *statement);

/* in lint_cascade.c */

/* Record that what expansions have created is dropped, as a contraction does. */
extern void cmig_lint_cascade_contract(CmigLint *lint);

/* in lint_columns.c */

/*
 * Does ADD COLUMN with this definition, or a change of the column's type, rewrite
 * the table?
 */
extern bool cmig_lint_column_rewrites(CmigLint *lint, const ColumnDef *column);
extern bool cmig_lint_type_rewrites(CmigLint *lint, const CmigLintColumn *column,
									const ColumnDef *to);

/*
 * Returns what converting the values of one type to another one changes in them, or
 * NULL.  The expression that does so is not known, so that a time zone says nothing.
 */
extern const char *cmig_lint_values_lost(CmigLint *lint, const char *from, const char *to);

/* Prefix for fixes that must run in a nontransactional revision. */
#define CMIG_LINT_STEPWISE "-- in a revision with \"transactional: false\"\n"

/*
 * Returns the ALTER TABLE statement that is being checked, with one action
 * (counted from 0) replaced.  If "replacement" is NULL, the action is removed.
 * The result ends with a semicolon and a newline.  If no action remains, the
 * result is empty.
 */
extern char *cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement);

/* Returns the call that makes a column of the target NOT NULL. */
extern char *cmig_lint_fix_not_null(const CmigLint *lint, const char *column);

/*
 * The text of one action of this statement, of a clause of ADD COLUMN such as
 * DEFAULT, and of ADD COLUMN without some clauses, a List of Constraint *.
 */
extern char *cmig_lint_fix_action(CmigLint *lint, int action);
extern char *cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column,
								  const Constraint *clause);
extern char *cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column,
								   List *clauses);

/* in lint_constraints.c */

/* A constraint that CREATE TABLE or ALTER TABLE adds. */
typedef struct CmigLintAdded
{
	Constraint *constraint;
	ColumnDef  *column;			/* for a column constraint; otherwise NULL */
	int			action;			/* the number of the ALTER TABLE action,
								 * starting at 0 */
	List	   *earlier;		/* of char *: names of the constraints that
								 * the statement has already added */
} CmigLintAdded;

/*
 * Returns the constraints that a statement adds, a List of CmigLintAdded *, without
 * "earlier", and those of columns that the target of ALTER TABLE already has.
 */
extern List *cmig_lint_added(const CmigLint *lint, Node *node);

#endif							/* CMIG_LINT_H */
