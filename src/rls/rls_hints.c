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
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
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
	bool		shared;			/* joined with a column of another table */
	bool		claimed;		/* compared with the context */
	Oid			cast;			/* a text that is read as a value of this type */
	List	   *path;			/* of char *: a member of a document */
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

/* A new hint on the column, or NULL if it is none. */
static Hint *
make_hint(Reading *reading, Node *column)
{
	Hint	   *hint = palloc0(sizeof(Hint));

	if (!find_column(reading, column, hint))
		return NULL;
	reading->hints->columns = lappend(reading->hints->columns, hint);
	return hint;
}

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
	bool		user;			/* current_user or the like is there */
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
	if (hints->folding == NULL && contain_var_clause((Node *) call) && !cmig_rls_calls_context((Node *) call))
		hints->folding = (Node *) call;
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

/*
 * A column of a table that is read, in an equality: joined with a column of
 * another, or given by the context.
 */
static void
read_join(Reading *reading, List *args)
{
	for (int i = 0; i < 2; i++)
	{
		Node	   *other = cmig_rls_bare(list_nth(args, 1 - i));
		Hint		found = {0};
		Hint		joined = {0};
		Hint	   *hint;
		bool		claimed = cmig_rls_calls_context(other);

		if (!find_column(reading, list_nth(args, i), &found) || found.entry == NULL)
			continue;
		if (!claimed && !(other && IsA(other, Param)) &&
			!(find_column(reading, other, &joined) && joined.entry != NULL))
			continue;
		hint = make_hint(reading, list_nth(args, i));
		hint->claimed = claimed;
		hint->shared = !claimed;
	}
}

/*
 * Documents
 */

static bool
is_document(Node *node)
{
	Oid			type = node ? getBaseType(exprType(node)) : InvalidOid;

	return type == JSONOID || type == JSONBOID;
}

/* The names that a constant behind a document tells: 'a', '{a,b}', '$.a.b' */
static List *
member_names(Const *value)
{
	List	   *names = NIL;
	ListCell   *lc;

	if (value->constisnull)
		return NIL;
	if (value->consttype == TEXTOID)
		return list_make1(TextDatumGetCString(value->constvalue));
	if (value->consttype == TEXTARRAYOID)
	{
		foreach(lc, constants_in((Node *) value))
		{
			names = lappend(names, TextDatumGetCString(((Const *) lfirst(lc))->constvalue));
		}
	}
	/* the server writes each member of a path as ."name" */
	else if (value->consttype == JSONPATHOID)
	{
		char	   *path = cmig_rls_sample_text(value);

		for (char *at = strstr(path, ".\""); at; at = strstr(at, ".\""))
		{
			char	   *end = strchr(at + 2, '"');

			if (end == NULL)
				break;
			names = lappend(names, pnstrdup(at + 2, end - at - 2));
			at = end;
		}
	}
	return names;
}

/* The path that is read from a document: data -> 'a' ->> 'b' */
static List *
member_path(Node *node, Node **column)
{
	List	   *args;
	List	   *path;
	ListCell   *lc;

	node = cmig_rls_bare(node);
	if (node == NULL || IsA(node, Var))
	{
		*column = node;
		return NIL;
	}
	*column = NULL;
	if (IsA(node, SubscriptingRef) && is_document((Node *) ((SubscriptingRef *) node)->refexpr))
		args = lcons(((SubscriptingRef *) node)->refexpr, list_copy(((SubscriptingRef *) node)->refupperindexpr));
	else
		args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : IsA(node, FuncExpr) ? ((FuncExpr *) node)->args : NIL;
	if (list_length(args) < 2 || !is_document(linitial(args)))
		return NIL;
	path = member_path(linitial(args), column);
	if (*column == NULL)
		return NIL;
	for_each_from(lc, args, 1)
	{
		if (IsA(lfirst(lc), Const))
			path = list_concat(path, member_names(lfirst(lc)));
	}
	return path;
}

static void
read_document(Reading *reading, Node *node)
{
	Node	   *column;
	List	   *path = member_path(node, &column);
	Hint	   *hint;

	if (path != NIL && list_length(path) <= MAX_PIECES && (hint = make_hint(reading, column)) != NULL)
		hint->path = path;
}

/*
 * Parts
 */

/* What || and concat() put together, as a list of nodes; NIL for others. */
static List *
joined_parts(Node *node)
{
	List	   *parts = NIL;
	List	   *args;
	ListCell   *lc;
	Oid			function;

	node = cmig_rls_bare(node);
	if (node == NULL || !(IsA(node, OpExpr) || IsA(node, FuncExpr)))
		return NIL;
	args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : ((FuncExpr *) node)->args;
	function = IsA(node, OpExpr) ? get_opcode(((OpExpr *) node)->opno) : ((FuncExpr *) node)->funcid;
	if (function == F_CONCAT_WS)
	{
		for_each_from(lc, args, 1)
		{
			if (parts != NIL)
				parts = lappend(parts, linitial(args));
			parts = lappend(parts, lfirst(lc));
		}
		return parts;
	}
	if (function != F_TEXTCAT && function != F_TEXTANYCAT && function != F_ANYTEXTCAT && function != F_CONCAT)
		return NIL;
	foreach(lc, args)
	{
		List	   *inner = joined_parts(lfirst(lc));

		parts = inner ? list_concat(parts, inner) : lappend(parts, lfirst(lc));
	}
	return parts;
}

/* Keys that are put together without, or with, something between them. */
static void
read_parts(Reading *reading, Node *node)
{
	CmigRlsHints *hints = reading->hints;
	Hint		found = {0};
	const char *between = "";
	bool		before = false;
	ListCell   *lc;

	foreach(lc, joined_parts(node))
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

/* A function or arithmetic over the context, not one that only reads it. */
static void
read_context_function(Reading *reading, Node *node)
{
	List	   *args;
	Oid			type = exprType(node);

	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat != COERCE_EXPLICIT_CALL)
		return;
	args = IsA(node, OpExpr) ? ((OpExpr *) node)->args : ((FuncExpr *) node)->args;
	if (type == BOOLOID || is_document(node) || (args != NIL && is_document(linitial(args))) ||
		cmig_rls_calls_setting(node) || cmig_rls_calls_session_function(node) || cmig_rls_calls_claim(node) ||
		!cmig_rls_calls_context(node))
		return;
	reading->hints->maps_context = true;
}

/* A text of a column that must look like a number or an id. */
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
	if (reading->hints->folding == NULL)
		reading->hints->folding = (Node *) cast;
	reading->hints->spellings = list_append_unique_int(reading->hints->spellings, cmig_rls_hints_form(cast->resulttype));
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
			if (IsA(node, OpExpr))
			{
				read_document(reading, node);
				read_parts(reading, node);
				read_context_function(reading, node);
				if (equal && list_length(args) == 2)
					read_join(reading, args);
			}
			break;
		case T_ScalarArrayOpExpr:
			args = ((ScalarArrayOpExpr *) node)->args;
			equal = ((ScalarArrayOpExpr *) node)->useOr && cmig_rls_is_equality(((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_FuncExpr:
			args = ((FuncExpr *) node)->args;
			read_text_function(reading, (FuncExpr *) node);
			read_document(reading, node);
			read_parts(reading, node);
			read_context_function(reading, node);
			break;
		case T_MinMaxExpr:
			if (cmig_rls_calls_context(node))
			{
				reading->hints->maps_context = true;
				foreach(lc, ((MinMaxExpr *) node)->args)
				{
					reading->hints->bounds = list_concat(reading->hints->bounds, constants_in(lfirst(lc)));
				}
			}
			break;
		case T_SubscriptingRef:
			read_document(reading, node);
			break;
		case T_CoerceViaIO:
			read_cast(reading, (CoerceViaIO *) node);
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
		Columns		columns = {reading, 0, false, false, NIL};

		(void) columns_walker((Node *) args, &columns);
		reading->hints->compares_user |= columns.user && columns.vars != NIL;
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
		else if (hint->shared)
			input->shared = true;
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
		input->shared = false;
}
