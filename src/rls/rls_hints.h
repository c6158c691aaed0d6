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
#include "rls/rls_pieces.h"
#include "rls/rls_sample.h"

typedef struct CmigRlsHints
{
	List	   *columns;		/* private */
	List	   *setting_values; /* of Const: texts that the context is
								 * compared with */
	List	   *defaults;		/* of Const: what COALESCE takes for a context
								 * that is missing */
	bool		compares_only;	/* nothing but equality, of values as they are */
	CmigRlsPieces texts;
	bool		maps_context;	/* a function or arithmetic makes a value of
								 * the context */
	List	   *bounds;			/* of Const: in GREATEST and LEAST beside the
								 * context */
	List	   *ends;			/* of Const: where series of numbers begin and
								 * end */
	bool		compares_user;	/* a column is compared with current_user */
	bool		joins_parts;	/* several columns are put together, as by || */
	List	   *spellings;		/* of int: forms that texts of columns are
								 * cast to, which have several spellings */
	List	   *separators;		/* of char *: what stands between them, "" too */
} CmigRlsHints;

/* A column of a table. */
typedef struct CmigRlsColumnOf
{
	Oid			relid;
	AttrNumber	attno;
} CmigRlsColumnOf;

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
	Node	   *node;			/* what it stands for; NULL: the column */
	int			depth;			/* queries above that node */
	Oid			type;
	CmigRlsForm form;
	char	   *name;			/* of a context */
	bool		strict;			/* a setting that is never null */
	bool		never_null;		/* current_user and the like, or a column NOT
								 * NULL */
	bool		user;			/* current_user and the like */
	bool		is_boolean;		/* a setting that is cast to boolean */
	char	   *own_text;		/* the own value of a setting that is cast;
								 * NULL: of the form */
	bool		false_marks;	/* a boolean column such as is_private */
	bool		key;			/* tells whose row it is */
	bool		own;			/* a key that is the context's own whosever
								 * the row is */
	bool		null_tested;
	List	   *joined;			/* of CmigRlsColumnOf: columns of tables that
								 * are read, which it must equal */
	bool		shared;			/* of the row: joined, and rows of several
								 * tenants can have the same value */
	List	   *members;		/* of a document: paths that are read from it,
								 * each a List of char * */
	List	   *equals;			/* of Const: compared with it for equality */
	List	   *compares;		/* of Const: otherwise */
} CmigRlsInput;

/* What a text must look like to be cast to the type. */
extern CmigRlsForm cmig_rls_hints_form(Oid type);

/* Of the expression of a policy, with the bodies of functions in it. */
extern CmigRlsHints *cmig_rls_hints_read(Node *tree);

/*
 * Put what is said about a column into an input with its number and type.
 * entry: of a table that a sub-select reads; NULL: of the policy's own.
 */
extern void cmig_rls_hints_apply(const CmigRlsHints *hints, const RangeTblEntry *entry, CmigRlsInput *input);

#endif							/* CMIG_RLS_HINTS_H */
