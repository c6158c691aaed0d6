/*
 * rls_hints.h
 *	  What an expression says about the columns that it uses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_HINTS_H
#define CMIG_RLS_HINTS_H

#include "postgres.h"
#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "rls/rls_sample.h"

typedef struct CmigRlsHints
{
	List	   *columns;		/* private */
	List	   *setting_values; /* of Const: texts that the context is
								 * compared with */
	List	   *defaults;		/* of Const: what COALESCE takes for a context
								 * that is missing */
	bool		compares_only;	/* nothing but equality, of values as they are */
	bool		maps_text;		/* a function makes a text of a text that is
								 * compared */
	List	   *pieces;			/* of char *: texts such functions are given;
								 * of patterns what is literal */
	List	   *lengths;		/* of int: numbers such functions are given */
} CmigRlsHints;

typedef enum CmigRlsInputKind
{
	CMIG_RLS_COLUMN,			/* of the row */
	CMIG_RLS_CONTEXT,			/* a setting, or what a function tells of the
								 * session */
	CMIG_RLS_UNKNOWN			/* a truth value that cannot be judged */
} CmigRlsInputKind;

/* What the expression depends on; the n-th is column n of the model's VALUES. */
typedef struct CmigRlsInput
{
	CmigRlsInputKind kind;
	AttrNumber	attno;
	Node	   *node;			/* of a context: the expression that it stands
								 * for */
	Oid			type;
	CmigRlsForm form;
	char	   *name;			/* of a context */
	bool		strict;			/* a setting that is never null */
	bool		never_null;		/* current_user and the like, or a column NOT
								 * NULL */
	bool		is_boolean;		/* a setting that is cast to boolean */
	char	   *own_text;		/* the own value of a setting that is cast;
								 * NULL: of the form */
	bool		false_marks;	/* a boolean column such as is_private */
	bool		key;			/* tells whose row it is */
	bool		own;			/* a key that is the context's own whosever
								 * the row is */
	bool		null_tested;
	List	   *equals;			/* of Const: compared with it for equality */
	List	   *compares;		/* of Const: otherwise */
} CmigRlsInput;

/* Of the expression of a policy, with the bodies of functions in it. */
extern CmigRlsHints *cmig_rls_hints_read(Node *tree);

/*
 * Put what is said about a column into an input with its number and type.
 * entry: of a table that a sub-select reads; NULL: of the policy's own.
 */
extern void cmig_rls_hints_apply(const CmigRlsHints *hints, const RangeTblEntry *entry, CmigRlsInput *input);

#endif							/* CMIG_RLS_HINTS_H */
