/*
 * rls_hints.c
 *	  What an expression says about the columns that it uses.
 *
 * A column that is compared with the context or with another table is a key;
 * constants that it is compared with, and null where that is asked, are the
 * values that are worth trying.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_calls.h"
#include "rls/rls_hints.h"
#include "rls/rls_truth.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_PIECES 8
#define MAX_PIECE 32
#define MAX_LENGTH 256

/* Something that it says about a column. */
typedef struct Hint
{
	RangeTblEntry *entry;		/* of a table that is read; NULL: of the row */
	AttrNumber	attno;
	Const	   *value;			/* compared with; NULL: asked for null, or a
								 * key */
	bool		equal;
	bool		key;
} Hint;

typedef struct Reading
{
	CmigRlsHints *hints;
	int			depth;			/* queries above */
	List	   *range_tables;	/* of these, the innermost first */
} Reading;

/* The column that is compared, and where it is from. */
static bool
find_column(Reading *reading, Node *node, Hint *hint)
{
	Var		   *var = (Var *) cmig_rls_bare(node);

	if (var == NULL || !IsA(var, Var) || var->varattno <= 0 || var->varlevelsup > reading->depth)
		return false;
	hint->entry = var->varlevelsup == reading->depth ? NULL :
		rt_fetch(var->varno, (List *) list_nth(reading->range_tables, var->varlevelsup));
	hint->attno = var->varattno;
	return true;
}

static void
add_hint(Reading *reading, Node *column, Const *value, bool equal, bool key)
{
	Hint	   *hint = palloc0(sizeof(Hint));

	if (!find_column(reading, column, hint))
		return;
	hint->value = value;
	hint->equal = equal;
	hint->key = key;
	reading->hints->columns = lappend(reading->hints->columns, hint);
}

/* Constants in a value: itself, or the elements of an array. */
static List *
constants_in(Node *node)
{
	List	   *values = NIL;
	Const	   *value;
	Oid			element;
	ListCell   *lc;

	node = cmig_rls_bare(node);
	if (node == NULL)
		return NIL;
	if (IsA(node, ArrayExpr))
	{
		foreach(lc, ((ArrayExpr *) node)->elements)
		{
			if (IsA(cmig_rls_bare(lfirst(lc)), Const))
				values = lappend(values, cmig_rls_bare(lfirst(lc)));
		}
		return values;
	}
	if (!IsA(node, Const) || ((Const *) node)->constisnull)
		return NIL;
	value = (Const *) node;
	element = get_element_type(value->consttype);
	if (OidIsValid(element) && cmig_rls_sample_is_builtin(element))
	{
		int16		length;
		bool		by_value;
		char		align;
		Datum	   *elements;
		bool	   *nulls;
		int			count;

		get_typlenbyvalalign(element, &length, &by_value, &align);
		deconstruct_array(DatumGetArrayTypeP(value->constvalue), element, length, by_value, align, &elements, &nulls, &count);
		for (int i = 0; i < count; i++)
			if (!nulls[i])
				values = lappend(values, makeConst(element, -1, get_typcollation(element), length, elements[i], false, by_value));
		return values;
	}
	return list_make1(value);
}

typedef struct Columns
{
	Reading    *reading;
	int			depth;			/* below the node */
	bool		related;		/* to the context, or to another table */
	List	   *vars;
} Columns;

static bool
columns_walker(Node *node, void *context)
{
	Columns    *columns = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return false;
	if (cmig_rls_calls_setting(node) || cmig_rls_calls_user(node) || cmig_rls_calls_session_function(node) || IsA(node, Param))
		columns->related = true;
	if (IsA(node, Var))
	{
		if (var->varlevelsup == columns->reading->depth + columns->depth)
		{
			var = copyObject(var);
			var->varlevelsup -= columns->depth;
			columns->vars = lappend(columns->vars, var);
		}
		else
			columns->related = true;
		return false;
	}
	if (IsA(node, Query))
	{
		bool		stop;

		columns->depth++;
		stop = query_tree_walker((Query *) node, columns_walker, columns, 0);
		columns->depth--;
		return stop;
	}
	return expression_tree_walker(node, columns_walker, columns);
}

static void
add_piece(CmigRlsHints *hints, const char *text)
{
	ListCell   *lc;

	if (text[0] == '\0' || strlen(text) > MAX_PIECE || list_length(hints->pieces) >= MAX_PIECES)
		return;
	foreach(lc, hints->pieces)
	{
		if (strcmp(lfirst(lc), text) == 0)
			return;
	}
	hints->pieces = lappend(hints->pieces, pstrdup(text));
}

/*
 * A function such as ltrim, lower, replace, or regexp_replace over the row or
 * the context: what it removes, replaces or keeps is worth trying in a key.
 */
static void
read_text_function(Reading *reading, FuncExpr *call)
{
	CmigRlsHints *hints = reading->hints;
	ListCell   *lc;

	if (call->funcresulttype != TEXTOID || call->args == NIL || exprType(linitial(call->args)) != TEXTOID ||
		call->funcformat == COERCE_EXPLICIT_CAST || call->funcformat == COERCE_IMPLICIT_CAST || cmig_rls_calls_setting((Node *) call) ||
		!(contain_var_clause((Node *) call) || cmig_rls_calls_context((Node *) call)))
		return;
	hints->maps_text = true;
	for_each_from(lc, call->args, 1)
	{
		Const	   *value = lfirst(lc);

		if (!IsA(value, Const) || value->constisnull)
			continue;
		if (value->consttype == INT4OID && DatumGetInt32(value->constvalue) > 0 && DatumGetInt32(value->constvalue) <= MAX_LENGTH)
			hints->lengths = list_append_unique_int(hints->lengths, DatumGetInt32(value->constvalue));
		else if (value->consttype == TEXTOID)
		{
			char	   *piece = TextDatumGetCString(value->constvalue);
			char	   *literal = palloc0(strlen(piece) + 1);

			add_piece(hints, piece);
			for (const char *at = piece; *at; at++)
				if (strchr("^$*+?()[]{}|\\", *at) == NULL)
					literal[strlen(literal)] = *at;
			add_piece(hints, literal);
		}
	}
}

static bool
hints_walker(Node *node, void *context)
{
	Reading    *reading = context;
	List	   *args = NIL;
	bool		equal = true;
	ListCell   *lc;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Query))
	{
		List	   *above = reading->range_tables;
		bool		stop;

		reading->range_tables = lcons(((Query *) node)->rtable, list_copy(above));
		reading->depth++;
		stop = query_tree_walker((Query *) node, hints_walker, reading, 0);
		reading->depth--;
		reading->range_tables = above;
		return stop;
	}
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			args = ((OpExpr *) node)->args;
			equal = IsA(node, DistinctExpr) || cmig_rls_is_equality(((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			args = ((ScalarArrayOpExpr *) node)->args;
			equal = ((ScalarArrayOpExpr *) node)->useOr && cmig_rls_is_equality(((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_FuncExpr:
			args = ((FuncExpr *) node)->args;
			read_text_function(reading, (FuncExpr *) node);
			break;
		case T_CaseExpr:
			if (((CaseExpr *) node)->arg)
				args = list_make2(((CaseExpr *) node)->arg, ((CaseExpr *) node)->args);
			break;
		case T_NullTest:
			add_hint(reading, (Node *) ((NullTest *) node)->arg, NULL, false, false);
			args = list_make1(((NullTest *) node)->arg);
			break;
		case T_CoalesceExpr:
			/* what stands for a context that is missing */
			if (cmig_rls_calls_context(node))
				foreach(lc, ((CoalesceExpr *) node)->args)
			{
				reading->hints->defaults = list_concat(reading->hints->defaults, constants_in(lfirst(lc)));
			}
			break;
		default:
			break;
	}
	if (list_length(args) == 2 && !IsA(node, FuncExpr))
		for (int i = 0; i < 2; i++)
		{
			List	   *values = IsA(list_nth(args, 1 - i), List) ? NIL : constants_in(list_nth(args, 1 - i));

			foreach(lc, values)
			{
				add_hint(reading, list_nth(args, i), lfirst(lc), equal, false);
				if (((Const *) lfirst(lc))->consttype == TEXTOID && cmig_rls_calls_context(list_nth(args, i)))
					reading->hints->setting_values = lappend(reading->hints->setting_values, lfirst(lc));
			}
		}
	/* CASE setting WHEN 'value' */
	if (IsA(node, CaseExpr) && ((CaseExpr *) node)->arg && cmig_rls_calls_context((Node *) ((CaseExpr *) node)->arg))
		foreach(lc, ((CaseExpr *) node)->args)
	{
		Node	   *test = (Node *) lfirst_node(CaseWhen, lc)->expr;

		if (IsA(test, OpExpr) && list_length(((OpExpr *) test)->args) == 2)
			reading->hints->setting_values = list_concat(reading->hints->setting_values, constants_in(lsecond(((OpExpr *) test)->args)));
	}
	if (args != NIL && (IsA(node, CaseExpr) || exprType(node) == BOOLOID))
	{
		Columns		columns = {reading, 0, false, NIL};

		(void) columns_walker((Node *) args, &columns);
		if (columns.related)
			foreach(lc, columns.vars)
		{
			add_hint(reading, lfirst(lc), NULL, false, true);
		}
	}
	if (IsA(node, FuncExpr) || (IsA(node, OpExpr) && !equal))
		if (contain_var_clause(node) && ((IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CALL) ||
										 IsA(node, OpExpr) || exprType(node) != BOOLOID))
			reading->hints->compares_only = false;
	if (IsA(node, CoerceViaIO) || IsA(node, RelabelType))
		if (contain_var_clause(node) && exprTypmod(node) >= 0)
			reading->hints->compares_only = false;
	return expression_tree_walker(node, hints_walker, reading);
}

CmigRlsHints *
cmig_rls_hints_read(Node *tree)
{
	CmigRlsHints *hints = palloc0(sizeof(CmigRlsHints));
	Reading		reading = {hints, 0, NIL};

	hints->compares_only = true;
	(void) hints_walker(tree, &reading);
	return hints;
}

void
cmig_rls_hints_apply(const CmigRlsHints *hints, const RangeTblEntry *entry, CmigRlsInput *input)
{
	ListCell   *lc;

	foreach(lc, hints->columns)
	{
		Hint	   *hint = lfirst(lc);
		Oid			type;

		if (hint->entry != entry || hint->attno != input->attno)
			continue;
		if (hint->key)
			input->key = true;
		else if (hint->value == NULL)
			input->null_tested = true;
		else
		{
			Const	   *value = hint->value;

			type = value->consttype;
			if (type != input->type)
			{
				value = cmig_rls_sample_cast(input->type, value);
				if (value == NULL)
					continue;
			}
			if (hint->equal)
				input->equals = lappend(input->equals, value);
			else
				input->compares = lappend(input->compares, value);
		}
	}
}
