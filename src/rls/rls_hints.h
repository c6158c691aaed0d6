/*
 * rls_hints.h
 *	  Collects what an expression shows about the columns that it uses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_HINTS_H
#define CMIG_RLS_HINTS_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "rls/rls_pieces.h"
#include "rls/rls_sample.h"

/* What an expression suggests about the values to try. */
typedef struct CmigRlsHints
{
	List	   *columns;		/* private to rls_hints.c */
	List	   *setting_values; /* of Const: strings with which the context is
								 * compared */
	List	   *defaults;		/* of Const: the values with which COALESCE
								 * replaces a missing context */
	bool		compares_only;	/* are columns only compared for equality,
								 * without changing their values first? */
	CmigRlsPieces texts;
	bool		maps_context;	/* does a function or operator compute a value
								 * from the context? */
	List	   *bounds;			/* of Const: arguments of a GREATEST or LEAST
								 * that uses the context */
	List	   *ends;			/* of Const: first and last numbers of
								 * generated series */
	bool		compares_user;	/* is a column compared with current_user? */
	bool		joins_parts;	/* are several columns concatenated, as by ||? */
	List	   *spellings;		/* of int: the forms (CmigRlsForm) of the
								 * types to which text columns are cast, if a
								 * value of such a type has several spellings */
	List	   *separators;		/* of char *: separators of concatenated
								 * columns, including "" */
} CmigRlsHints;

/* A column of a table. */
typedef struct CmigRlsColumnOf
{
	Oid			relid;
	AttrNumber	attno;
} CmigRlsColumnOf;

/* The origin of an expression's input. */
typedef enum CmigRlsInputKind
{
	CMIG_RLS_COLUMN,			/* a column of the row */
	CMIG_RLS_CONTEXT,			/* a setting, or a function's result that
								 * depends on the session */
	CMIG_RLS_UNKNOWN			/* a condition that cannot be judged */
} CmigRlsInputKind;

/*
 * A value on which the expression depends.  The n-th input is column n of the
 * VALUES list in the model.
 */
typedef struct CmigRlsInput
{
	CmigRlsInputKind kind;
	AttrNumber	attno;
	Node	   *node;			/* the expression that this input replaces;
								 * NULL: the column */
	int			depth;			/* number of queries around the node */
	Oid			type;
	CmigRlsForm form;
	char	   *name;			/* name of a part of the context */
	bool		strict;			/* is it a setting that is never null? */
	bool		never_null;		/* is it current_user or the like, or a NOT
								 * NULL column? */
	bool		user;			/* is it current_user or the like? */
	bool		is_boolean;		/* is it a setting that is cast to boolean? */
	char	   *own_text;		/* the tenant's value, if the input is a
								 * setting that is cast; NULL to use the
								 * sample value of the form */
	bool		false_marks;	/* is it a boolean column such as is_private,
								 * which is false in rows that everybody may
								 * see? */
	bool		key;			/* does the column tell who owns the row? */
	bool		own;			/* is it a key that has the context's value in
								 * all rows, even those of strangers? */
	bool		null_tested;
	List	   *joined;			/* of CmigRlsColumnOf: columns of other tables
								 * that this column must equal */
	bool		shared;			/* is it a column of the row that is joined
								 * with another table, and in which rows of
								 * several tenants can have the same value? */
	List	   *members;		/* of a document: the paths that are read from
								 * it, each a List of char * */
	List	   *equals;			/* of Const: values with which it is compared
								 * by = */
	List	   *compares;		/* of Const: values with which it is compared
								 * by other operators */
} CmigRlsInput;

/* Returns the form that a string must have to be cast to the type. */
extern CmigRlsForm cmig_rls_hints_form(Oid type);

/*
 * Collect the hints in a policy's expression.  Function calls in it must
 * already be replaced with the functions' bodies.
 */
extern CmigRlsHints *cmig_rls_hints_read(Node *tree);

/*
 * Copy the hints about a column to an input, whose attno and type must be set.
 * "entry" is the table if a sub-select reads it, or NULL for the policy's own
 * table.
 */
extern void cmig_rls_hints_apply(const CmigRlsHints *hints, const RangeTblEntry *entry, CmigRlsInput *input);

#endif							/* CMIG_RLS_HINTS_H */
