/*
 * lint_integers.c
 *	  Finds integer columns that do not need a larger type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_expression.h"
#include "lint/lint_integers.h"
#include "lint/lint_state.h"
#include "lint/lint_types.h"

#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"

/* Is the expression the column itself? */
static bool
is_column(Node *node, const char *name)
{
	Node	   *last;

	if (node == NULL || !IsA(node, ColumnRef))
		return false;
	last = llast(((ColumnRef *) node)->fields);
	return IsA(last, String) && strcmp(strVal(last), name) == 0;
}

/* Is the expression a constant, or a list of constants? */
static bool
is_constant(Node *node)
{
	ListCell   *lc;

	if (node != NULL && IsA(node, A_ArrayExpr))
		node = (Node *) ((A_ArrayExpr *) node)->elements;
	if (node == NULL || !IsA(node, List))
		return cmig_lint_expression_constant(node) != NULL;
	foreach(lc, (List *) node)
	{
		if (cmig_lint_expression_constant(lfirst(lc)) == NULL)
			return false;
	}
	return true;
}

/* Does the expression compare the column with a constant? */
static bool
is_comparison(A_Expr *expression, const char *name)
{
	static const char *const operators[] = {"<", "<=", "=", ">=", ">"};
	const char *operator = strVal(llast(expression->name));

	switch (expression->kind)
	{
		case AEXPR_BETWEEN:
		case AEXPR_BETWEEN_SYM:
			return is_column(expression->lexpr, name) && is_constant(expression->rexpr);
		case AEXPR_OP:
		case AEXPR_OP_ANY:
		case AEXPR_IN:
			break;
		default:
			return false;
	}
	for (int i = 0; i < lengthof(operators); i++)
	{
		if (strcmp(operator, operators[i]) == 0)
			return (is_column(expression->lexpr, name) && is_constant(expression->rexpr)) ||
				(is_column(expression->rexpr, name) && is_constant(expression->lexpr));
	}
	return false;
}

/*
 * Does the condition compare the column with a constant?  If AND combines
 * several conditions, it is enough that one of them does.
 */
static bool
limits_column(Node *condition, const char *name)
{
	ListCell   *lc;

	if (condition != NULL && IsA(condition, A_Expr))
		return is_comparison((A_Expr *) condition, name);
	if (condition == NULL || !IsA(condition, BoolExpr) || ((BoolExpr *) condition)->boolop != AND_EXPR)
		return false;
	foreach(lc, ((BoolExpr *) condition)->args)
	{
		if (limits_column(lfirst(lc), name))
			return true;
	}
	return false;
}

/* Returns the number of bytes of an integer type, or 0 for other types. */
static int
width(Oid type)
{
	return type == INT2OID ? 2 : type == INT4OID ? 4 : 0;
}

/*
 * Returns the name of the only column of a table's primary key.  Returns NULL
 * if the key has several columns or does not exist.
 */
static const char *
key_column(const CmigLintTable *table)
{
	ListCell   *lc;

	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->type == CONSTRAINT_PRIMARY)
			return list_length(constraint->columns) == 1 ? linitial(constraint->columns) : NULL;
	}
	return NULL;
}

/*
 * Does a foreign key with a single column reference an integer column whose
 * width is at most "limit" bytes?
 */
static bool
references_narrow(CmigLint *lint, Constraint *constraint, int limit)
{
	CmigLintTable *table = cmig_lint_state_peek(lint, constraint->pktable);
	const char *name;
	CmigLintColumn *column;

	if (table == NULL)
		return false;
	cmig_lint_state_load(lint, table);
	name = constraint->pk_attrs == NIL ? key_column(table) : strVal(linitial(constraint->pk_attrs));
	column = name == NULL ? NULL : cmig_lint_model_column(table, name);
	return column != NULL && width(column->type) > 0 && width(column->type) <= limit;
}

/* Is the constraint a foreign key whose only column is "name"? */
static bool
is_key_of(Constraint *constraint, const char *name)
{
	if (constraint->contype != CONSTR_FOREIGN)
		return false;
	return constraint->fk_attrs == NIL ||
		(list_length(constraint->fk_attrs) == 1 && strcmp(strVal(linitial(constraint->fk_attrs)), name) == 0);
}

bool
cmig_lint_integers_suffice(CmigLint *lint, const ColumnDef *column, const char *name, List *constraints)
{
	Oid			type;
	int32		typmod;
	const char *new_name;
	bool		limited = false;
	ListCell   *lc;

	if (cmig_lint_types_serial(column->typeName) != CMIG_LINT_NOT_SERIAL)
		return false;
	cmig_lint_types_find(lint, column->typeName, &type, &typmod, &new_name);
	foreach(lc, list_concat_copy(column->constraints, constraints))
	{
		Constraint *constraint = lfirst_node(Constraint, lc);

		if (constraint->contype == CONSTR_PRIMARY || constraint->contype == CONSTR_IDENTITY)
		{
			if (constraint->keys == NIL || (list_length(constraint->keys) == 1 && strcmp(strVal(linitial(constraint->keys)), name) == 0))
				return false;
		}
		else if (constraint->contype == CONSTR_CHECK)
			limited |= limits_column(constraint->raw_expr, name);
		else if (is_key_of(constraint, name))
			limited |= references_narrow(lint, constraint, width(type));
	}
	return limited;
}
