/*
 * lint_model.h
 *	  Relations as cmig.lint knows them: as they will be when a statement runs.
 *
 * What is on the live database is read by lint_facts, and each statement that
 * has been examined changes it in lint_apply.
 *
 * Pure.  All of it is allocated in the memory context of the call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_LINT_MODEL_H
#define CMIG_LINT_MODEL_H

#include "postgres.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* Where a relation, column, type, or schema comes from. */
typedef enum CmigLintOrigin
{
	CMIG_LINT_LIVE,				/* it exists in the live database */
	CMIG_LINT_NEW,				/* an earlier statement of the plan creates it */
	CMIG_LINT_UNKNOWN			/* not found; it is assumed to exist and to be
								 * large */
} CmigLintOrigin;

/* A column of a table. */
typedef struct CmigLintColumn
{
	const char *name;
	bool		is_new;			/* added by an earlier statement of the plan */
	AttrNumber	attnum;			/* 0 if it is new */
	Oid			type;			/* InvalidOid if it is unknown */
	int32		typmod;
	Oid			collation;
	const char *type_name;		/* the name of a type that the plan creates,
								 * or NULL */
	bool		not_null;
	bool		has_default;	/* it has a default, or is an identity or
								 * generated column */
} CmigLintColumn;

/* A constraint of a table. */
typedef struct CmigLintConstraint
{
	const char *name;			/* NULL if the server chooses it */
	char		type;			/* as in pg_constraint.contype */
	bool		validated;
	int			added_in;		/* number of the revision that adds it, or 0
								 * if it is live */
	List	   *columns;		/* char *: its columns */
	List	   *proves_not_null;	/* char *: columns that a CHECK proves not
									 * to be null */
} CmigLintConstraint;

/* An index of a table. */
typedef struct CmigLintIndex
{
	const char *name;			/* NULL if the server chooses it */
	bool		is_new;
	bool		unique;
	bool		usable;			/* valid, and not partial */
	bool		has_expression; /* as a key or in the predicate */
	Oid			method;			/* InvalidOid if it is not known */
	List	   *keys;			/* char *: key columns; "" for an expression */
	List	   *uses;			/* char *: columns in its expressions */
} CmigLintIndex;

/* A relation. Lists whose contents are unknown are empty. */
typedef struct CmigLintTable
{
	const char *schema;			/* NULL if it is not known */
	const char *name;
	CmigLintOrigin origin;
	char		kind;			/* as in pg_class.relkind; 0 if it is unknown */
	bool		temporary;
	bool		logged;
	bool		loaded;			/* the lists have been read */
	bool		partial;		/* some columns are not listed (LIKE,
								 * INHERITS, AS SELECT) */
	Oid			oid;			/* InvalidOid unless it is live */
	bool		empty;			/* it has no rows, so nothing is scanned or
								 * rewritten */
	bool		empty_itself;	/* the same without its children, except for a
								 * partitioned table */
	Oid			tablespace;		/* of a live table */
	Oid			method;			/* table access method of a live table */
	double		rows;			/* estimated number of rows; -1 if it is
								 * unknown */
	int64		bytes;			/* -1 if not known */
	bool		has_default_partition;
	bool		row_security;
	bool		redefined;		/* a view that the plan has replaced */
	bool		has_grants;		/* roles other than its owner have privileges */
	List	   *columns;		/* CmigLintColumn *, in order */
	List	   *constraints;	/* CmigLintConstraint * */
	List	   *indexes;		/* CmigLintIndex * */
	struct CmigLintTable *index_of; /* the table of an index */
	List	   *users;			/* CmigLintTable *: views of the plan that
								 * have used it */
	List	   *uses;			/* CmigLintTable *: relations in the query of
								 * a view that the plan creates or replaces */
	List	   *uses_columns;	/* char *: columns that this query names */
	bool		uses_all_columns;	/* it has a * */

	/* what the current revision has done with it, as numbers of statements */
	int			in_revision;	/* the revision to which these numbers belong */
	int			altered_at;		/* the ALTER TABLE into which the next one
								 * could be merged */
	const char *altered_text;	/* its text */
	int			locked_at;		/* the first with an AccessExclusiveLock */
} CmigLintTable;

/* The column of that name, or NULL. */
extern CmigLintColumn *cmig_lint_model_column(const CmigLintTable *table, const char *name);

/* The constraint, or the index, of that name, or NULL. */
extern CmigLintConstraint *cmig_lint_model_constraint(const CmigLintTable *table, const char *name);
extern CmigLintIndex *cmig_lint_model_index(const CmigLintTable *table, const char *name);

/* Does a validated CHECK prove that the column has no nulls? */
extern bool cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column);

/* Does an index that can be used begin with these columns, in any order? */
extern bool cmig_lint_model_has_index_on(const CmigLintTable *table, List *columns);

/*
 * Is it a table with rows that existed before the plan? Only such tables are
 * slow to scan, to rewrite, and to index.
 */
static inline bool
cmig_lint_model_is_large(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary && !table->empty;
}

/* The same without its children, as for ONLY and for indexes. */
static inline bool
cmig_lint_model_is_large_itself(const CmigLintTable *table)
{
	return cmig_lint_model_is_large(table) && !table->empty_itself;
}

/* Did it exist before the plan, so that other sessions may be using it? */
static inline bool
cmig_lint_model_is_shared(const CmigLintTable *table)
{
	return table != NULL && table->origin != CMIG_LINT_NEW && !table->temporary;
}

/* The columns that a CHECK expression, as parsed, proves not to be null. */
extern List *cmig_lint_model_not_null_columns(Node *expression);

/* Names of String nodes as char *, in the current memory context. */
extern List *cmig_lint_model_names(List *strings);

#endif							/* CMIG_LINT_MODEL_H */
