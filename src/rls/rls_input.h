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

/*
 * Which rows to make up for the tables that sub-selects read.  Strangers are
 * other tenants.
 */
typedef enum CmigRlsTables
{
	CMIG_RLS_TABLES_USUAL,		/* one tenant's rows and strangers' rows,
								 * which have no values in common */
	CMIG_RLS_TABLES_EMPTY,		/* no rows: NOT IN and NOT EXISTS are true */
	CMIG_RLS_TABLES_SHARED		/* rows of strangers have the tenant's value
								 * in columns by which tables are joined */
} CmigRlsTables;

/*
 * A policy's expression as a function of its inputs, which are columns and
 * parts of the context.
 */
typedef struct CmigRlsModel
{
	List	   *inputs;			/* of CmigRlsInput */
	CmigRlsHints *hints;
	Node	   *expression;		/* its Vars are columns of range table entry 1 */
	List	   *user_names;		/* of char *: roles to which the policy
								 * applies, the policy's own role first; NIL
								 * unless current_user is an input */
	bool		reads_tables;
	bool		joins_by_shared;	/* do sub-selects join tables by columns
									 * that rows of several tenants can share? */
	bool		reads_context;
	bool		null_is_asked;	/* is a key tested for null, so that shared
								 * rows are intended? */
	CmigRlsTables tables;
	CmigRlsForm form;
} CmigRlsModel;

/* The state of the walk that turns an expression into a model. */
typedef struct CmigRlsMaker
{
	CmigRlsModel *model;
	Oid			relid;
	Oid			role;
	List	   *identities;		/* of Node: expressions over the row, each of
								 * which is the only key of a unique index */
	bool		definer;		/* is the walk inside a SECURITY DEFINER
								 * function? */
	bool		recursive;		/* is the walk inside WITH RECURSIVE? */
	int			depth;			/* number of queries that the walk is inside */
	const CmigRlsHints *hints;
	bool	   *failed;			/* set to true if a part cannot be judged */
	int			tables;			/* number of tables read so far */
	int			nesting;		/* nesting depth of the policies on tables
								 * that other policies read */
	Oid			wanted;			/* the type to which the current node is cast */
} CmigRlsMaker;

/*
 * Each of the following functions returns the Var for an input, and adds the
 * input to the model if it is new.  If no values can be tried for the input,
 * *maker->failed is set.
 */
extern Node *cmig_rls_input_column(CmigRlsMaker *maker, Var *var);
extern Node *cmig_rls_input_identity(CmigRlsMaker *maker, Node *node, AttrNumber attno);
extern Node *cmig_rls_input_context(CmigRlsMaker *maker, Node *node, char *name, bool strict);
extern Node *cmig_rls_input_unknown(CmigRlsMaker *maker, Node *node);

/*
 * Returns each expression over the table's columns that is the only key of a
 * unique index.  Such an expression identifies a row, as a key does.
 */
extern List *cmig_rls_input_identities(Oid relid);

/*
 * Returns true if the column is joined with another table's column and rows of
 * several tenants can have the same value in it.  The column may belong to the
 * row or to a table that a sub-select reads.  Returns false if a column on
 * either side of the join tells who owns the row.
 */
extern bool cmig_rls_input_is_shared(const CmigRlsInput *input, Oid relid);

/*
 * Find the roles that current_user can be, and store their names in the
 * model's user_names.  Call this after all inputs have been added.
 */
extern void cmig_rls_input_find_users(CmigRlsModel *model, Oid relid, Oid role);

#endif							/* CMIG_RLS_INPUT_H */
