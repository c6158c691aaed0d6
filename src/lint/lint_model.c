/*
 * lint_model.c
 *	  Models relations as cmig.lint expects them to be when a statement runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "lint/lint_model.h"

#include "catalog/pg_constraint.h"
#include "nodes/value.h"

CmigLintColumn *
cmig_lint_model_column(const CmigLintTable *table, const char *name)
{
	ListCell   *lc;

	foreach(lc, table->columns)
	{
		CmigLintColumn *column = lfirst(lc);

		if (strcmp(column->name, name) == 0)
			return column;
	}
	return NULL;
}

CmigLintConstraint *
cmig_lint_model_constraint(const CmigLintTable *table, const char *name)
{
	ListCell   *lc;

	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->name && strcmp(constraint->name, name) == 0)
			return constraint;
	}
	return NULL;
}

CmigLintIndex *
cmig_lint_model_index(const CmigLintTable *table, const char *name)
{
	ListCell   *lc;

	foreach(lc, table->indexes)
	{
		CmigLintIndex *index = lfirst(lc);

		if (index->name && strcmp(index->name, name) == 0)
			return index;
	}
	return NULL;
}

bool
cmig_lint_model_proves_not_null(const CmigLintTable *table, const char *column)
{
	ListCell   *lc;

	foreach(lc, table->constraints)
	{
		CmigLintConstraint *constraint = lfirst(lc);

		if (constraint->validated && cmig_text_list_has(constraint->proves_not_null, column))
			return true;
	}
	return false;
}

/* Is the index usable, and does it start with these columns, in any order? */
static bool
begins_with(const CmigLintIndex *index, List *columns)
{
	int			count = list_length(columns);

	if (!index->usable || list_length(index->keys) < count)
		return false;
	for (int i = 0; i < count; i++)
	{
		if (!cmig_text_list_has(columns, list_nth(index->keys, i)))
			return false;
	}
	return true;
}

bool
cmig_lint_model_has_index_on(const CmigLintTable *table, List *columns)
{
	ListCell   *lc;

	foreach(lc, table->indexes)
	{
		if (begins_with(lfirst(lc), columns))
			return true;
	}
	return false;
}

/*
 * This function recognizes only IS NOT NULL tests, alone or combined with AND.
 */
List *
cmig_lint_model_not_null_columns(Node *expression)
{
	if (expression == NULL)
		return NIL;
	if (IsA(expression, NullTest))
	{
		NullTest   *test = (NullTest *) expression;
		ColumnRef  *column = (ColumnRef *) test->arg;

		if (test->nulltesttype == IS_NOT_NULL && IsA(column, ColumnRef) &&
			IsA(llast(column->fields), String))
			return list_make1(pstrdup(strVal(llast(column->fields))));
	}
	else if (IsA(expression, BoolExpr) && ((BoolExpr *) expression)->boolop == AND_EXPR)
	{
		List	   *result = NIL;
		ListCell   *lc;

		foreach(lc, ((BoolExpr *) expression)->args)
		{
			result = list_concat(result, cmig_lint_model_not_null_columns(lfirst(lc)));
		}
		return result;
	}
	return NIL;
}

List *
cmig_lint_model_names(List *strings)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, strings)
	{
		result = lappend(result, pstrdup(strVal(lfirst(lc))));
	}
	return result;
}
