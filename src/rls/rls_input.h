/*
 * rls_input.h
 *	  The inputs of a model: columns, the context, and unknown conditions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_RLS_INPUT_H
#define CMIG_RLS_INPUT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "rls/rls_hints.h"

/* What the tables that sub-selects read hold. */
typedef enum CmigRlsTables
{
	CMIG_RLS_TABLES_USUAL,		/* rows of one tenant and of strangers, with
								 * nothing in common */
	CMIG_RLS_TABLES_EMPTY,		/* no rows: NOT IN and NOT EXISTS are true */
	CMIG_RLS_TABLES_SHARED		/* strangers' rows have the tenant's value in
								 * columns that tables are joined by */
} CmigRlsTables;

typedef struct CmigRlsModel
{
	List	   *inputs;			/* of CmigRlsInput */
	CmigRlsHints *hints;
	Node	   *expression;		/* its Vars are columns of range table entry 1 */
	List	   *user_names;		/* of char *: roles that the policy binds,
								 * that of the policy first; NIL unless
								 * current_user is an input */
	bool		reads_tables;
	bool		joins_by_shared;	/* sub-selects join tables by columns that
									 * rows of several tenants can share */
	bool		reads_context;
	bool		null_is_asked;	/* whether a key is null, so sharing is meant */
	CmigRlsTables tables;
	CmigRlsForm form;
} CmigRlsModel;

/* The state of the walk that turns an expression into a model. */
typedef struct CmigRlsMaker
{
	CmigRlsModel *model;
	Oid			relid;
	Oid			role;
	List	   *identities;		/* of Node: expressions of the row that a
								 * unique index keeps apart */
	bool		definer;		/* below a SECURITY DEFINER function */
	bool		recursive;		/* below WITH RECURSIVE */
	int			depth;			/* queries above */
	const CmigRlsHints *hints;
	bool	   *failed;			/* something that cannot be judged was met */
	int			tables;			/* that are read so far */
	int			nesting;		/* policies of policies */
	Oid			wanted;			/* type that what is read here is cast to */
} CmigRlsMaker;

/*
 * Each adds the input unless it is there already, and returns the Var that
 * stands for it; they set *maker->failed where there are no values to try.
 */
extern Node *cmig_rls_input_column(CmigRlsMaker *maker, Var *var);
extern Node *cmig_rls_input_identity(CmigRlsMaker *maker, Node *node, AttrNumber attno);
extern Node *cmig_rls_input_context(CmigRlsMaker *maker, Node *node, char *name, bool strict);
extern Node *cmig_rls_input_unknown(CmigRlsMaker *maker, Node *node);

/*
 * Expressions over the table's columns that are the only key of a unique index:
 * they tell rows apart as a key does.
 */
extern List *cmig_rls_input_identities(Oid relid);

/*
 * Is the column, of a table that is read or of the row, joined by a value that
 * rows of several tenants can share?  Not if either side tells whose a row is.
 */
extern bool cmig_rls_input_is_shared(const CmigRlsInput *input, Oid relid);

/* Set the model's user_names, once its inputs are known. */
extern void cmig_rls_input_find_users(CmigRlsModel *model, Oid relid, Oid role);

#endif							/* CMIG_RLS_INPUT_H */
