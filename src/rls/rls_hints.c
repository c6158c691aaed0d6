/*
 * rls_hints.c
 *	  Collects what an expression shows about the columns that it uses.
 *
 * A column that is compared with the context or with another table is a key.
 * Constants with which a column is compared are worth trying as its values,
 * and so is null if the column is tested for null.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_calls.h"
#include "rls/rls_constants.h"
#include "rls/rls_document.h"
#include "rls/rls_hints.h"
#include "rls/rls_node.h"
#include "rls/rls_origin.h"
#include "rls/rls_pieces.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A fact that the expression shows about a column. */
typedef struct Hint
{
	RangeTblEntry *entry;		/* range table entry if the column belongs to
								 * a table that a sub-select reads; NULL: the
								 * policy's own table */
	AttrNumber	attno;
	Const	   *value;			/* value with which the column is compared;
								 * NULL: the column is tested for null or is a
								 * key */
	bool		equal;
	bool		key;
	CmigRlsColumnOf *joined;	/* column of another table that this column
								 * must equal */
	bool		claimed;		/* is the column compared with the context? */
	Oid			cast;			/* type to which a text column is cast */
	List	   *path;			/* of char *: the path to the member that is
								 * read, if the column contains JSON documents */
} Hint;

/* The position of hints_walker in the tree. */
typedef struct Reading
{
	CmigRlsHints *hints;
	int			depth;			/* number of queries around this node */
	List	   *queries;		/* the queries around this node, innermost
								 * first */
} Reading;

/*
 * If the node is a column, set the hint's table and column, and return true.
 */
static bool
find_column(const Reading *reading, Node *node, Hint *hint)
{
	return cmig_rls_origin(reading->queries, node, &hint->entry, &hint->attno);
}

/*
 * Returns a new hint about the node's column, or NULL if the node is not a
 * column.
 */
static Hint *
make_hint(Reading *reading, Node *column)
{
	Hint	   *hint = palloc0(sizeof(Hint));

	if (!find_column(reading, column, hint))
		return NULL;
	reading->hints->columns = lappend(reading->hints->columns, hint);
	return hint;
}

/* Add a hint that the column is compared with a value, or that it is a key. */
static void
add_hint(Reading *reading, Node *column, Const *value, bool equal, bool key)
{
	Hint	   *hint = make_hint(reading, column);

	if (hint == NULL)
		return;
	hint->value = value;
	hint->equal = equal;
	hint->key = key;
}

/* State of columns_walker, and the columns that it has found. */
typedef struct Columns
{
	Reading    *reading;
	int			depth;			/* number of queries between the condition and
								 * this node */
	bool		related;		/* does the condition also use the context or
								 * another table? */
	bool		user;			/* does the condition use current_user or the
								 * like? */
	List	   *vars;
} Columns;

/*
 * Collect the row's columns that a condition uses, and record whether the
 * condition also uses the context, current_user, or another table.
 */
static bool
columns_walker(Node *node, void *context)
{
	Columns    *columns = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return false;
	if (cmig_rls_calls_setting(node) || cmig_rls_calls_user(node) || cmig_rls_calls_session_function(node) || IsA(node, Param))
		columns->related = true;
	columns->user |= cmig_rls_calls_user(node);
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

/* Record the first and last numbers of a generated series. */
static void
read_series(Reading *reading, FuncExpr *call)
{
	char	   *name = call->funcretset ? get_func_name(call->funcid) : NULL;

	if (name == NULL || strcmp(name, "generate_series") != 0)
		return;
	for (int i = 0; i < Min(list_length(call->args), 2); i++)
		reading->hints->ends = list_concat(reading->hints->ends, cmig_rls_constants(list_nth(call->args, i)));
}

/*
 * Record a value with which the context is compared.  If the comparison is not
 * an equality, also record the numbers before and after the value.
 */
static void
add_setting_value(CmigRlsHints *hints, Const *value, bool equal)
{
	Const	   *text = cmig_rls_sample_cast(TEXTOID, value);

	if (text == NULL)
		return;
	hints->setting_values = lappend(hints->setting_values, text);
	if (!equal && TypeCategory(value->consttype) == TYPCATEGORY_NUMERIC)
	{
		int			number = atoi(cmig_rls_sample_text(value));

		hints->setting_values = lappend(hints->setting_values, cmig_rls_sample_const(TEXTOID, psprintf("%d", number - 1)));
		hints->setting_values = lappend(hints->setting_values, cmig_rls_sample_const(TEXTOID, psprintf("%d", number + 1)));
	}
}

/* Record constants with which a column or the context is compared. */
static void
read_constants(Reading *reading, Node *compared, List *values, bool equal)
{
	bool		is_context = cmig_rls_calls_context(compared) && !contain_var_clause(compared);
	ListCell   *lc;

	foreach(lc, values)
	{
		add_hint(reading, compared, lfirst(lc), equal, false);
		if (is_context)
			add_setting_value(reading->hints, lfirst(lc), equal);
	}
}

/*
 * If "node", one side of an equality, is a column and "other", the other side,
 * is the context or a column of another table, add a hint about the column.
 * The column may belong to the row or to a table that a sub-select reads.
 */
static void
read_pair(Reading *reading, Node *node, Reading *other_reading, Node *other)
{
	Hint		found = {0};
	Hint		joined = {0};
	Hint	   *hint;
	bool		claimed = cmig_rls_calls_context(other);
	bool		is_joined = find_column(other_reading, other, &joined);

	if (!find_column(reading, node, &found))
		return;

	/*
	 * if "node" is a string column that is joined with a column of another
	 * type, the sample values of "node" must be valid for that type
	 */
	if (is_joined && TypeCategory(exprType(cmig_rls_bare(node))) == TYPCATEGORY_STRING)
	{
		Oid			type = exprType(cmig_rls_bare(other));

		if (cmig_rls_hints_form(type) != CMIG_RLS_FORM_TEXT)
			make_hint(reading, node)->cast = type;
	}
	if (found.entry == NULL ? !is_joined || joined.entry == NULL : !claimed && (!is_joined || joined.entry == NULL))
		return;
	hint = make_hint(reading, node);
	hint->claimed = claimed;
	if (!claimed)
	{
		hint->joined = palloc(sizeof(CmigRlsColumnOf));
		hint->joined->relid = joined.entry->relid;
		hint->joined->attno = joined.attno;
	}
}

/* Record what an equality shows about the columns on both sides. */
static void
read_join(Reading *reading, List *args)
{
	read_pair(reading, linitial(args), reading, lsecond(args));
	read_pair(reading, lsecond(args), reading, linitial(args));
}

/*
 * Record that a value is compared with the n-th column that a sub-select
 * returns.
 */
static void
read_output(Reading *reading, Node *value, Query *query, int n, bool equal)
{
	Reading		inner = *reading;
	Node	   *output;

	inner.queries = list_copy(reading->queries);
	read_constants(reading, value, cmig_rls_constants_of_query(query, n), equal);
	output = cmig_rls_origin_output(query, n, &inner.queries);
	if (output == NULL || !equal)
		return;
	inner.depth = list_length(inner.queries);
	read_pair(reading, value, &inner, output);
	read_pair(&inner, output, reading, value);
}

/* Read "value operator ANY (SELECT ...)", in which the value may be a row. */
static void
read_test(Reading *reading, SubLink *link)
{
	List	   *tests = link->testexpr && IsA(link->testexpr, BoolExpr) ? ((BoolExpr *) link->testexpr)->args : list_make1(link->testexpr);
	ListCell   *lc;

	foreach(lc, tests)
	{
		OpExpr	   *test = lfirst(lc);
		Node	   *right;

		if (test == NULL || !IsA(test, OpExpr) || list_length(test->args) != 2)
			continue;
		right = cmig_rls_bare(lsecond(test->args));
		if (IsA(right, Param))
			read_output(reading, linitial(test->args), castNode(Query, link->subselect), ((Param *) right)->paramid,
						cmig_rls_is_equality(test->opno));
	}
}

/*
 * Read "value operator (SELECT ...)" and "value operator ANY (ARRAY(SELECT
 * ...))", with the sub-select on either side.
 */
static void
read_sub_selects(Reading *reading, List *args, bool equal)
{
	for (int i = 0; i < 2; i++)
	{
		SubLink    *link = (SubLink *) cmig_rls_bare(list_nth(args, i));

		if (link && IsA(link, SubLink) && (link->subLinkType == EXPR_SUBLINK || link->subLinkType == ARRAY_SUBLINK))
			read_output(reading, list_nth(args, 1 - i), castNode(Query, link->subselect), 1, equal);
	}
}

/*
 * Documents
 */

/* Record the members that are read from a document. */
static void
read_document(Reading *reading, Node *node)
{
	Node	   *column;
	ListCell   *lc;

	foreach(lc, cmig_rls_document_paths(node, &column))
	{
		Hint	   *hint = make_hint(reading, column);

		if (hint != NULL)
			hint->path = lfirst(lc);
	}
}

/*
 * Concatenated columns
 */

/* Record the separators, which may be empty, between concatenated columns. */
static void
read_parts(Reading *reading, Node *node)
{
	CmigRlsHints *hints = reading->hints;
	Hint		found = {0};
	const char *between = "";
	bool		before = false;
	ListCell   *lc;

	foreach(lc, cmig_rls_pieces_joined(node))
	{
		Node	   *part = cmig_rls_bare(lfirst(lc));

		if (part && IsA(part, Const) && ((Const *) part)->consttype == TEXTOID && !((Const *) part)->constisnull)
		{
			between = psprintf("%s%s", between, TextDatumGetCString(((Const *) part)->constvalue));
			continue;
		}
		if (find_column(reading, lfirst(lc), &found) && found.entry == NULL)
		{
			if (before)
			{
				hints->joins_parts = true;
				hints->separators = lappend(hints->separators, pstrdup(between));
			}
			before = true;
		}
		between = "";
	}
}

/*
 * Record a function or operator that computes something from the context
 * instead of only reading it.
 */
static void
read_context_function(Reading *reading, Node *node)
{
	List	   *args;
	Oid			type = exprType(node);

	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL)
		return;
	args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : ((FuncExpr *) node)->args;
	if (type == BOOLOID || cmig_rls_document_is(node) || (args != NIL && cmig_rls_document_is(linitial(args))) ||
		cmig_rls_calls_setting(node) || cmig_rls_calls_session_function(node) || cmig_rls_calls_claim(node) ||
		!cmig_rls_calls_context(node))
		return;
	reading->hints->maps_context = true;
}

/*
 * Record that a text column is cast, so that its values must be valid numbers
 * or UUIDs.
 */
static void
read_cast(Reading *reading, CoerceViaIO *cast)
{
	Hint	   *hint;

	if (cmig_rls_hints_form(cast->resulttype) == CMIG_RLS_FORM_TEXT || TypeCategory(exprType((Node *) cast->arg)) != TYPCATEGORY_STRING)
		return;
	hint = make_hint(reading, (Node *) cast->arg);
	if (hint == NULL)
		return;
	hint->cast = cast->resulttype;
	if (hint->entry != NULL)
		return;
	if (reading->hints->texts.folding == NULL)
		reading->hints->texts.folding = (Node *) cast;
	reading->hints->spellings = list_append_unique_int(reading->hints->spellings, cmig_rls_hints_form(cast->resulttype));
}

/*
 * Read "CASE value WHEN constant ...".  Returns the value and the expressions
 * with which it is compared, or NIL for any other form of CASE.
 */
static List *
read_case(Reading *reading, CaseExpr *cases)
{
	List	   *others = NIL;
	ListCell   *lc;

	/*
	 * record the constant in "CASE WHEN context IS NULL THEN constant ...",
	 * which replaces a missing context
	 */
	if (cases->casetype != BOOLOID && cmig_rls_calls_context((Node *) cases))
	{
		reading->hints->defaults = list_concat(reading->hints->defaults, cmig_rls_constants((Node *) cases->defresult));
		foreach(lc, cases->args)
		{
			reading->hints->defaults = list_concat(reading->hints->defaults, cmig_rls_constants((Node *) lfirst_node(CaseWhen, lc)->result));
		}
	}
	if (cases->arg == NULL)
		return NIL;
	foreach(lc, cases->args)
	{
		Node	   *test = (Node *) lfirst_node(CaseWhen, lc)->expr;

		if (!IsA(test, OpExpr) || list_length(((OpExpr *) test)->args) != 2)
			continue;
		others = lappend(others, lsecond(((OpExpr *) test)->args));
		read_constants(reading, (Node *) cases->arg, cmig_rls_constants(lsecond(((OpExpr *) test)->args)), true);
	}
	return list_make2(cases->arg, others);
}

/* Append the constants in the expressions to a list. */
static List *
add_constants(List *constants, List *expressions)
{
	ListCell   *lc;

	foreach(lc, expressions)
		constants = list_concat(constants, cmig_rls_constants(lfirst(lc)));
	return constants;
}

static void
read_operator(Reading *reading, OpExpr *expr, bool equal)
{
	read_document(reading, (Node *) expr);
	read_parts(reading, (Node *) expr);
	read_context_function(reading, (Node *) expr);
	if (list_length(expr->args) == 2)
	{
		if (equal)
			read_join(reading, expr->args);
		read_sub_selects(reading, expr->args, equal);
	}
	cmig_rls_pieces_of_pattern(&reading->hints->texts, expr);
}

static void
read_call(Reading *reading, FuncExpr *call)
{
	cmig_rls_pieces_of_call(&reading->hints->texts, call);
	read_series(reading, call);
	read_document(reading, (Node *) call);
	read_parts(reading, (Node *) call);
	read_context_function(reading, (Node *) call);
}

/*
 * Record the hints that the node itself gives, without the nodes below it.  If
 * the node compares expressions with each other, returns these expressions,
 * and sets *equal to true if the comparison is an equality; otherwise, returns
 * NIL.
 */
static List *
read_node(Reading *reading, Node *node, bool *equal)
{
	CmigRlsHints *hints = reading->hints;

	*equal = true;
	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			*equal = IsA(node, DistinctExpr) || cmig_rls_is_equality(((OpExpr *) node)->opno);
			if (IsA(node, OpExpr))
				read_operator(reading, (OpExpr *) node, *equal);
			return ((OpExpr *) node)->args;
		case T_ScalarArrayOpExpr:
			*equal = ((ScalarArrayOpExpr *) node)->useOr && cmig_rls_is_equality(((ScalarArrayOpExpr *) node)->opno);
			read_sub_selects(reading, ((ScalarArrayOpExpr *) node)->args, *equal);
			return ((ScalarArrayOpExpr *) node)->args;
		case T_FuncExpr:
			read_call(reading, (FuncExpr *) node);
			return ((FuncExpr *) node)->args;
		case T_CaseExpr:
			return read_case(reading, (CaseExpr *) node);
		case T_NullTest:
			add_hint(reading, (Node *) ((NullTest *) node)->arg, NULL, false, false);
			return list_make1(((NullTest *) node)->arg);
		case T_SubLink:
			read_test(reading, (SubLink *) node);
			return NIL;
		case T_SubscriptingRef:
			read_document(reading, node);
			return NIL;
		case T_CoerceViaIO:
			read_cast(reading, (CoerceViaIO *) node);
			return NIL;
		case T_MinMaxExpr:
			if (cmig_rls_calls_context(node))
			{
				hints->maps_context = true;
				hints->bounds = add_constants(hints->bounds, ((MinMaxExpr *) node)->args);
			}
			return NIL;
		case T_CoalesceExpr:

			/*
			 * record a constant in COALESCE, which replaces a missing context
			 */
			if (cmig_rls_calls_context(node))
				hints->defaults = add_constants(hints->defaults, ((CoalesceExpr *) node)->args);
			return NIL;
		default:
			return NIL;
	}
}

/* Record the constants and columns that the node compares. */
static void
read_comparison(Reading *reading, Node *node, List *args, bool equal)
{
	ListCell   *lc;

	if (list_length(args) == 2 && !IsA(node, FuncExpr))
		for (int i = 0; i < 2; i++)
		{
			if (!IsA(list_nth(args, 1 - i), List))
				read_constants(reading, list_nth(args, i), cmig_rls_constants(list_nth(args, 1 - i)), equal);
		}
	if (args != NIL && (IsA(node, CaseExpr) || exprType(node) == BOOLOID))
	{
		Columns		columns = {reading, 0, false, false, NIL};

		(void) columns_walker((Node *) args, &columns);
		reading->hints->compares_user |= columns.user && columns.vars != NIL;
		if (columns.related)
			foreach(lc, columns.vars)
				add_hint(reading, lfirst(lc), NULL, false, true);
	}
}

/*
 * Returns true if the node does anything with a column other than comparing it
 * for equality.
 */
static bool
computes(Node *node, bool equal)
{
	if (IsA(node, FuncExpr))
		return contain_var_clause(node) &&
			(((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CALL || exprType(node) != BOOLOID);
	if (IsA(node, OpExpr))
		return !equal && contain_var_clause(node);
	if (IsA(node, CoerceViaIO) || IsA(node, RelabelType))
		return exprTypmod(node) >= 0 && contain_var_clause(node);
	return false;
}

/* Record what a node shows about columns, and visit all nodes below it. */
static bool
hints_walker(Node *node, void *context)
{
	Reading    *reading = context;
	List	   *args;
	bool		equal;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Query))
	{
		List	   *above = reading->queries;
		bool		stop;

		reading->queries = lcons(node, list_copy(above));
		reading->depth++;
		stop = query_tree_walker((Query *) node, hints_walker, reading, 0);
		reading->depth--;
		reading->queries = above;
		return stop;
	}
	args = read_node(reading, node, &equal);
	read_comparison(reading, node, args, equal);
	if (computes(node, equal))
		reading->hints->compares_only = false;
	return expression_tree_walker(node, hints_walker, reading);
}

CmigRlsForm
cmig_rls_hints_form(Oid type)
{
	type = getBaseType(type);
	return type == UUIDOID ? CMIG_RLS_FORM_UUID :
		TypeCategory(type) == TYPCATEGORY_NUMERIC ? CMIG_RLS_FORM_NUMBER : CMIG_RLS_FORM_TEXT;
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
	bool		claimed = false;
	ListCell   *lc;

	foreach(lc, hints->columns)
	{
		Hint	   *hint = lfirst(lc);
		Oid			type;

		if (hint->entry != entry || hint->attno != input->attno)
			continue;
		if (hint->key)
			input->key = true;
		else if (hint->joined)
			input->joined = lappend(input->joined, hint->joined);
		else if (hint->claimed)
			claimed = true;
		else if (OidIsValid(hint->cast))
			input->form = cmig_rls_hints_form(hint->cast);
		else if (hint->path)
			input->members = lappend(input->members, hint->path);
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
	if (claimed)
		input->joined = NIL;
}
