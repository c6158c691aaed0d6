/*
 * lint_expression.c
 *	  Finds columns and constants in raw expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_expression.h"
#include "lint/lint_model.h"

#include "nodes/nodeFuncs.h"

/*
 * raw_expression_tree_walker callback: add column names to a List *, without
 * duplicates.
 */
static bool
collect_columns(Node *node, void *context)
{
	List	  **columns = context;

	if (node == NULL)
		return false;
	if (IsA(node, ColumnRef))
	{
		Node	   *last = llast(((ColumnRef *) node)->fields);

		if (IsA(last, String) && !cmig_text_list_has(*columns, strVal(last)))
			*columns = lappend(*columns, pstrdup(strVal(last)));
		return false;
	}
	return raw_expression_tree_walker(node, collect_columns, context);
}

List *
cmig_lint_expression_columns(Node *expression)
{
	List	   *columns = NIL;

	(void) collect_columns(expression, &columns);
	return columns;
}

const char *
cmig_lint_expression_constant(Node *node)
{
	A_Const    *constant;

	while (node && IsA(node, TypeCast))
		node = ((TypeCast *) node)->arg;
	if (node == NULL || !IsA(node, A_Const))
		return NULL;
	constant = (A_Const *) node;
	if (constant->isnull)
		return NULL;
	switch (nodeTag(&constant->val))
	{
		case T_Integer:
			return psprintf("%d", intVal(&constant->val));
		case T_Float:
			return constant->val.fval.fval;
		case T_String:
			return strVal(&constant->val);
		default:
			return NULL;
	}
}
