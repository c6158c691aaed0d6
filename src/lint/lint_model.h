/*
 * lint_model.h
 *	  Models relations as cmig.lint expects them to be when a statement runs.
 *
 * lint_facts reads the state of the live database, and lint_apply applies the
 * changes of each statement that has been checked.  All memory belongs to the
 * memory context of the lint call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_MODEL_H
#define CMIG_LINT_MODEL_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* The origin of a relation, column, type, or schema. */
typedef enum CmigLintOrigin
{
	CMIG_LINT_LIVE,				/* exists in the live database */
	CMIG_LINT_NEW,				/* an earlier statement creates it */
	CMIG_LINT_UNKNOWN			/* not found; the relation is assumed to be
								 * large */
} CmigLintOrigin;

/* A column of a table. */
typedef struct CmigLintColumn
{
	const char *name;
	bool		is_new;			/* true if an earlier statement of the plan
								 * has added the column */
	AttrNumber	attnum;			/* 0 for a new column */
	Oid			type;			/* InvalidOid if unknown */
	int32		typmod;
	Oid			collation;
	const char *type_name;		/* name of the type if the plan creates the
								 * type; otherwise NULL */
	bool		not_null;
	bool		has_default;	/* true if the column has a default, or if it
								 * is an identity or generated column */
} CmigLintColumn;

/* A constraint of a table. */
typedef struct CmigLintConstraint
{
	const char *name;			/* NULL if chosen by PostgreSQL */
	char		type;			/* as in pg_constraint.contype */
	bool		validated;
	int			added_in;		/* number of the revision that adds the
								 * constraint; 0 for a live constraint */
	List	   *columns;		/* of char *: column names */
	List	   *proves_not_null;	/* of char *: columns that the CHECK
									 * expression requires to be not null */
} CmigLintConstraint;

/* An index of a table. */
typedef struct CmigLintIndex
{
	const char *name;			/* NULL if chosen by PostgreSQL */
	bool		is_new;
	bool		unique;
	bool		usable;			/* true if the index is valid and not partial */
	bool		has_expression; /* true if a key column or the predicate
								 * contains an expression */
	Oid			method;			/* InvalidOid if unknown */
	List	   *keys;			/* of char *: names of the key columns; "" for
								 * an expression */
	List	   *uses;			/* of char *: columns used in expressions */
} CmigLintIndex;

/* A relation.  If the contents of a list are unknown, the list is empty. */
typedef struct CmigLintTable
{
	const char *schema;			/* NULL if unknown */
	const char *name;
	CmigLintOrigin origin;
	char		kind;			/* as in pg_class.relkind; 0 if unknown */
	bool		temporary;
	bool		logged;			/* true if the relation is neither temporary
								 * nor unlogged */
	bool		loaded;			/* true if the columns, constraints, and
								 * indexes have been read */
	bool		partial;		/* true if some columns are not listed (LIKE,
								 * INHERITS, AS SELECT) */
	Oid			oid;			/* InvalidOid if not live */
	bool		empty;			/* true if the relation has no rows, so that
								 * nothing is scanned or rewritten */
	bool		empty_itself;	/* true if the relation has no rows of its
								 * own; rows of child tables do not count, but
								 * rows of partitions do */
	Oid			tablespace;		/* tablespace of a live table */
	Oid			method;			/* table access method of a live table */
	double		rows;			/* estimated number of rows; -1 if unknown */
	int64		bytes;			/* -1 if unknown */
	bool		has_default_partition;
	bool		repartitioned;	/* true if the plan has attached or detached
								 * partitions */
	bool		row_security;
	bool		redefined;		/* true if the plan has replaced this view */
	bool		has_grants;		/* true if roles other than the owner can use
								 * the relation */
	List	   *columns;		/* of CmigLintColumn *, in order */
	List	   *constraints;	/* of CmigLintConstraint * */
	List	   *indexes;		/* of CmigLintIndex * */
	struct CmigLintTable *index_of; /* for an index: its table; otherwise NULL */
	List	   *users;			/* of CmigLintTable *: views of the plan that
								 * have used this relation */
	List	   *uses;			/* of CmigLintTable *: for a view defined by
								 * the plan, the relations in its query */
	List	   *uses_columns;	/* of char *: for a view defined by the plan,
								 * the columns named in its query */
	bool		uses_all_columns;	/* true if the view's query contains a * */

	/*
	 * numbers of statements in the revision in_revision; 0 if there is no
	 * such statement
	 */
	int			in_revision;	/* number of that revision */
	int			altered_at;		/* the last ALTER TABLE, if the next one could
								 * be combined with it */
	const char *altered_text;	/* text of the statement altered_at */
	int			locked_at;		/* the first statement that took an
								 * AccessExclusiveLock on the table */
} CmigLintTable;

/* Returns the column with this name, or NULL if there is none. */
extern CmigLintColumn *cmig_lint_model_column(const CmigLintTable *table, const char *name);

/*
 * Return the constraint or the index with this name, or NULL if there is none.
 */
extern CmigLintConstraint *cmig_lint_model_constraint(const CmigLintTable *table, const char *name);
extern CmigLintIndex *cmig_lint_model_index(const CmigLintTable *table, const char *name);

/* Does a validated CHECK constraint prove that the column has no nulls? */
extern bool cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column);

/* Is there a usable index that starts with these columns, in any order? */
extern bool cmig_lint_model_has_index_on(const CmigLintTable *table, List *columns);

/*
 * Did the relation exist before the plan, and does it have rows?  Only such
 * relations take long to scan, rewrite, or index.
 */
static inline bool
cmig_lint_model_is_large(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary && !table->empty;
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

/* Did the relation exist before the plan, so that other sessions can use it? */
static inline bool
cmig_lint_model_is_shared(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary;
}

/* Returns the columns that a raw CHECK expression proves to be not null. */
extern List *cmig_lint_model_not_null_columns(Node *expression);

/*
 * Converts a list of String nodes to a List of char *, in the current memory
 * context.
 */
extern List *cmig_lint_model_names(List *strings);

#endif							/* CMIG_LINT_MODEL_H */
