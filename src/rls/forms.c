/*
 * forms.c
 *	  The form of a policy's expression: how often its parts run, and what a
 *	  setting without a value does to it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/base.h"
#include "rls/internal.h"

#include "access/sysattr.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/*
 * The tree comes from the catalog, so quoting, spelling, and nested
 * parentheses do not matter.  Nothing is evaluated; rls_truth.c finds
 * expressions that have the same result for every row.
 *
 * An uncorrelated sub-select is evaluated once per statement.  Everything else
 * is evaluated for each row, including all of a sub-select that depends on the
 * row.
 */

/* The state of read_walker: its position in the tree and what it has found. */
typedef struct Reading
{
	CmigRlsExpression *found;
	Oid			relid;
	int			depth;			/* number of sub-selects around this node */
	bool		per_row;		/* is this part of the expression evaluated
								 * for each row? */
} Reading;

static bool read_walker(Node *node, void *context);

/* Is the node a call of current_setting()? */
static bool
expr_is_setting(Node *node)
{
	return IsA(node, FuncExpr) &&
		(((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT ||
		 ((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT_BOOL);
}

/*
 * Returns true if the node's value can be '', which many casts do not accept.
 * This is true of a setting, even within a sub-select or COALESCE.
 */
static bool
expr_may_be_empty(Node *node)
{
	node = cmig_rls_strip(node);
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == EXPR_SUBLINK)
	{
		Query	   *query = castNode(Query, ((SubLink *) node)->subselect);

		if (query->targetList == NIL)
			return false;
		node = cmig_rls_strip((Node *) ((TargetEntry *) linitial(query->targetList))->expr);
	}
	/* '' is not null, so COALESCE does not use the next argument */
	if (IsA(node, CoalesceExpr))
	{
		ListCell   *lc;

		foreach(lc, ((CoalesceExpr *) node)->args)
		{
			if (expr_may_be_empty(lfirst(lc)))
				return true;
		}
	}
	return expr_is_setting(node);
}

/*
 * Returns true if the node uses a column of the query that is "depth" levels
 * up.
 */
static bool
uses_row(Node *node, int depth)
{
	return node && contain_vars_of_level(node, depth);
}

/* Returns a column's name for messages. */
static char *
column_name(Oid relid, Var *var)
{
	char	   *name = get_attname(relid, var->varattno, true);

	return name ? name : pstrdup("?");
}

/*
 * Record a volatile or stable function that is called for each row.  Functions
 * that are called once per statement are ignored.
 */
static void
read_function(Reading *reading, Oid function, Node *call)
{
	char		volatility;
	CmigRlsExpression *found = reading->found;

	if (!reading->per_row || !OidIsValid(function))
		return;
	volatility = func_volatile(function);
	if (volatility == PROVOLATILE_VOLATILE && found->volatile_function == NULL)
		found->volatile_function = get_func_name(function);
	else if (volatility == PROVOLATILE_STABLE && found->row_function == NULL)
	{
		found->row_function = get_func_name(function);
		found->row_function_has_column = uses_row(call, reading->depth);
	}
}

/* Record that a setting is read, and whether reading it can raise an error. */
static void
read_setting(Reading *reading, FuncExpr *call)
{
	bool		strict = call->funcid == F_CURRENT_SETTING_TEXT;
	Node	   *name = linitial(call->args);

	if (call->funcid == F_CURRENT_SETTING_TEXT_BOOL && IsA(lsecond(call->args), Const))
	{
		Const	   *missing_ok = lsecond(call->args);

		strict = missing_ok->constisnull || !DatumGetBool(missing_ok->constvalue);
	}
	if (strict && reading->found->strict_setting == NULL)
		reading->found->strict_setting = IsA(name, Const) && !((Const *) name)->constisnull ?
			TextDatumGetCString(((Const *) name)->constvalue) : pstrdup("?");
}

/*
 * Record the column in "column = value" if the value is the same for all rows.
 */
static void
read_key(Reading *reading, Oid opno, List *args)
{
	Node	   *left;
	Node	   *right;

	if (reading->depth > 0 || list_length(args) != 2 || !cmig_rls_is_equality(opno))
		return;
	left = cmig_rls_strip(linitial(args));
	right = cmig_rls_strip(lsecond(args));
	if (IsA(right, Var) && ((Var *) right)->varlevelsup == 0)
	{
		Node	   *swap = left;

		left = right;
		right = swap;
	}
	if (IsA(left, Var) && ((Var *) left)->varattno > 0 && !uses_row(right, 0))
		reading->found->keys = bms_add_member(reading->found->keys, ((Var *) left)->varattno);
}

/*
 * Returns true if the node compares a column with the context for equality, in
 * any notation.  The column must belong to the row, and the other side must
 * not be a constant.
 */
static bool
narrows(Node *node)
{
	List	   *args;
	Node	   *left;
	Node	   *right;

	if (IsA(node, OpExpr) && cmig_rls_is_equality(((OpExpr *) node)->opno))
		args = ((OpExpr *) node)->args;
	else if (IsA(node, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) node)->useOr &&
			 cmig_rls_is_equality(((ScalarArrayOpExpr *) node)->opno))
		args = ((ScalarArrayOpExpr *) node)->args;
	else
		return false;
	if (list_length(args) != 2)
		return false;
	left = cmig_rls_strip(linitial(args));
	right = cmig_rls_strip(lsecond(args));
	if (IsA(node, OpExpr) && IsA(right, Var))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
	}
	return IsA(left, Var) && ((Var *) left)->varlevelsup == 0 &&
		!IsA(right, Const) && !IsA(right, ArrayExpr) && !uses_row(right, 0);
}

/* Record how often a sub-select is evaluated and what it returns. */
static void
read_sublink(Reading *reading, SubLink *link)
{
	CmigRlsExpression *found = reading->found;
	Query	   *query = castNode(Query, link->subselect);
	bool		correlated = contain_vars_of_level((Node *) query, reading->depth + 1);
	Reading		inner = *reading;
	TargetEntry *first = query->targetList ? linitial(query->targetList) : NULL;

	if (link->testexpr)
		read_walker(link->testexpr, reading);
	if (correlated && reading->per_row)
		found->correlated = true;
	if (link->subLinkType == ANY_SUBLINK && found->in_subselect == NULL && reading->per_row)
	{
		Node	   *test = link->testexpr;
		Node	   *left = test && IsA(test, OpExpr) ? cmig_rls_strip(linitial(((OpExpr *) test)->args)) : NULL;

		found->in_subselect = left && IsA(left, Var) && reading->depth == 0 ?
			column_name(reading->relid, (Var *) left) : pstrdup("expression");
	}
	if (first && IsA(first->expr, Var) && link->subLinkType != EXISTS_SUBLINK &&
		((Var *) first->expr)->varlevelsup == reading->depth + 1 && found->outer_column == NULL)
		found->outer_column = column_name(reading->relid, (Var *) first->expr);

	inner.depth++;
	inner.per_row = reading->per_row && correlated;
	query_tree_walker(query, read_walker, &inner, 0);
}

static void
read_operator(Reading *reading, OpExpr *expr)
{
	Node	   *left = cmig_rls_strip(linitial(expr->args));

	read_function(reading, get_opcode(expr->opno), (Node *) expr);
	read_key(reading, expr->opno, expr->args);
	if (list_length(expr->args) == 2 && cmig_rls_is_equality(expr->opno) &&
		IsA(left, Var) && reading->found->self_compared == NULL &&
		equal(left, cmig_rls_strip(lsecond(expr->args))))
		reading->found->self_compared = "a column";
}

/* Record a cast that fails if a setting is ''. */
static void
read_cast(Reading *reading, CoerceViaIO *cast)
{
	CmigRlsExpression *found = reading->found;

	if (expr_may_be_empty((Node *) cast->arg) && found->cast_of_empty == NULL &&
		get_element_type(cast->resulttype) == InvalidOid &&
		cast->resulttype != TEXTOID && cast->resulttype != VARCHAROID)
		found->cast_of_empty = format_type_be(cast->resulttype);
}

/* Record what a node of the expression does, and visit all nodes below it. */
static bool
read_walker(Node *node, void *context)
{
	Reading    *reading = context;
	Reading		inner;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			if (((Var *) node)->varlevelsup == reading->depth)
				reading->found->columns = bms_add_member(reading->found->columns, Max(((Var *) node)->varattno, 0));
			return false;
		case T_SubLink:
			read_sublink(reading, (SubLink *) node);
			return false;
		case T_Query:
			inner = *reading;
			inner.depth++;
			query_tree_walker((Query *) node, read_walker, &inner, 0);
			return false;
		case T_FuncExpr:
			read_function(reading, ((FuncExpr *) node)->funcid, node);
			if (expr_is_setting(node))
				read_setting(reading, (FuncExpr *) node);
			break;
		case T_OpExpr:
			read_operator(reading, (OpExpr *) node);
			break;
		case T_DistinctExpr:
		case T_NullIfExpr:
			read_function(reading, get_opcode(((OpExpr *) node)->opno), node);
			break;
		case T_ScalarArrayOpExpr:
			read_function(reading, get_opcode(((ScalarArrayOpExpr *) node)->opno), node);
			read_key(reading, ((ScalarArrayOpExpr *) node)->opno, ((ScalarArrayOpExpr *) node)->args);
			break;
		case T_CoerceViaIO:
			read_cast(reading, (CoerceViaIO *) node);
			break;
		default:
			break;
	}
	return expression_tree_walker(node, read_walker, reading);
}

/* Collect the columns that are compared with the context. */
static bool
keys_walker(Node *node, void *context)
{
	Bitmapset **keys = context;
	ListCell   *lc;

	/* skip sub-selects: the columns compared there do not belong to the row */
	if (node == NULL || IsA(node, SubLink))
		return false;
	if (narrows(node))
		foreach(lc, IsA(node, OpExpr) ? ((OpExpr *) node)->args : ((ScalarArrayOpExpr *) node)->args)
	{
		Node	   *arg = cmig_rls_strip(lfirst(lc));

		if (IsA(arg, Var) && ((Var *) arg)->varattno > 0)
			*keys = bms_add_member(*keys, ((Var *) arg)->varattno);
	}
	return expression_tree_walker(node, keys_walker, context);
}

Bitmapset *
cmig_rls_expr_keys(Node *tree)
{
	Bitmapset  *keys = NULL;

	(void) keys_walker(tree, &keys);
	return keys;
}

CmigRlsExpression *
cmig_rls_expr_read(Node *tree, Oid relid, const Bitmapset *keys)
{
	CmigRlsExpression *found = palloc0(sizeof(CmigRlsExpression));
	Reading		reading = {0};

	reading.found = found;
	reading.relid = relid;
	reading.per_row = true;
	if (tree == NULL)
		return found;
	found->truth = cmig_rls_truth(tree, relid, keys, &found->but_null);
	read_walker(tree, &reading);
	return found;
}

bool
cmig_rls_expr_wider(Node *using, Node *check)
{
	if (using == NULL || check == NULL ||
		cmig_rls_truth(using, InvalidOid, NULL, NULL) == CMIG_RLS_ALWAYS ||
		cmig_rls_truth(check, InvalidOid, NULL, NULL) == CMIG_RLS_NEVER)
		return false;
	return !predicate_implied_by(make_ands_implicit((Expr *) using),
								 make_ands_implicit((Expr *) check), false);
}

/*
 * rls_repair
 */

/* Returns "(SELECT node)", which is evaluated once per statement. */
static Node *
once(Node *node)
{
	Query	   *query = makeNode(Query);
	SubLink    *link = makeNode(SubLink);

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->targetList = list_make1(makeTargetEntry((Expr *) node, 1, pstrdup("once"), false));
	query->jointree = makeFromExpr(NIL, NULL);
	link->subLinkType = EXPR_SUBLINK;
	link->subselect = (Node *) query;
	link->location = -1;
	return (Node *) link;
}

/* Returns "NULLIF(node, '')". */
static Node *
null_if_empty(Node *node)
{
	NullIfExpr *expr = makeNode(NullIfExpr);

	expr->opno = TextEqualOperator;
	expr->opfuncid = F_TEXTEQ;
	expr->opresulttype = TEXTOID;
	expr->inputcollid = DEFAULT_COLLATION_OID;
	expr->args = list_make2(node, makeConst(TEXTOID, -1, DEFAULT_COLLATION_OID, -1,
											CStringGetTextDatum(""), false, false));
	expr->location = -1;
	return (Node *) expr;
}

/* The state of a repair: the number of sub-selects around the node. */
typedef struct Repair
{
	int			depth;
} Repair;

/*
 * Returns true if the node does not use the row but calls a function that is
 * evaluated for each row.
 */
static bool
could_run_once(Node *node)
{
	CmigRlsExpression *seen;

	if (IsA(node, Const) || IsA(node, Param) || IsA(node, SubLink) || contain_vars_of_level(node, 0))
		return false;
	seen = cmig_rls_expr_read(node, InvalidOid, NULL);
	return seen->row_function != NULL || seen->volatile_function != NULL;
}

/* Add missing_ok and NULLIF wherever a setting is read. */
static Node *
repair_settings(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, repair_settings, context, 0);
	if (IsA(node, CoerceViaIO) && expr_may_be_empty((Node *) ((CoerceViaIO *) node)->arg))
	{
		CoerceViaIO *cast = copyObject((CoerceViaIO *) node);

		cast->arg = (Expr *) null_if_empty(repair_settings((Node *) cast->arg, context));
		return (Node *) cast;
	}
	if (expr_is_setting(node))
	{
		FuncExpr   *call = copyObject((FuncExpr *) node);

		call->funcid = F_CURRENT_SETTING_TEXT_BOOL;
		call->args = list_make2(linitial(call->args), makeBoolConst(true, false));
		return (Node *) call;
	}
	return expression_tree_mutator(node, repair_settings, context);
}

/*
 * Wrap in sub-selects all function calls that do not depend on the row, so
 * that they are evaluated once per statement.
 */
static Node *
repair_calls(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == ANY_SUBLINK)
	{
		SubLink    *link = copyObject((SubLink *) node);
		OpExpr	   *test = (OpExpr *) link->testexpr;

		/*
		 * Replace column IN (SELECT ...) with column = ANY (ARRAY(SELECT
		 * ...)), using the same operator.
		 */
		if (test && IsA(test, OpExpr) && list_length(test->args) == 2 &&
			cmig_rls_is_equality(test->opno) && IsA(lsecond(test->args), Param) &&
			OidIsValid(get_array_type(exprType(lsecond(test->args)))))
		{
			ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);

			any->opno = test->opno;
			any->opfuncid = get_opcode(test->opno);
			any->useOr = true;
			any->inputcollid = test->inputcollid;
			link->subLinkType = ARRAY_SUBLINK;
			link->testexpr = NULL;
			link->operName = NIL;
			any->args = list_make2(linitial(test->args), link);
			any->location = -1;
			return (Node *) any;
		}
		return node;
	}
	if (IsA(node, SubLink))
		return node;
	if (IsA(node, List) || IsA(node, CaseWhen))
		return expression_tree_mutator(node, repair_calls, context);

	/*
	 * put the operands of a comparison into sub-selects, not the comparison
	 * itself, so that an index can be used
	 */
	if (!IsA(node, BoolExpr) && exprType(node) != BOOLOID && could_run_once(node))
		return once(node);
	if (IsA(node, FuncExpr) && could_run_once(node))
		return once(node);
	return expression_tree_mutator(node, repair_calls, context);
}

/*
 * Deparse an expression with all names qualified, and with dates in a form
 * that means the same in every session.
 */
static char *
expression_text(Node *tree, Oid relid)
{
	char	   *name = get_rel_name(relid);
	int			guc_level;
	char	   *text;

	/* return a stand-in if the table has been dropped in the meantime */
	if (name == NULL)
		return pstrdup("<expression>");
	guc_level = NewGUCNestLevel();
	cmig_settings_pin_search_path();
	cmig_settings_override("datestyle", "ISO");
	text = deparse_expression(tree, deparse_context_for(name, relid), false, false);
	AtEOXact_GUC(false, guc_level);
	return text;
}

char *
cmig_rls_repair_text(Node *tree, Oid relid)
{
	return expression_text(repair_calls(repair_settings(tree, NULL), NULL), relid);
}

bool
cmig_rls_repair_applies(Node *tree, Oid relid)
{
	return strcmp(cmig_rls_repair_text(tree, relid), expression_text(tree, relid)) != 0;
}

char *
cmig_rls_repair_without_branch(Node *tree, Oid relid)
{
	List	   *kept = NIL;
	ListCell   *lc;

	if (!is_orclause(tree))
		return NULL;
	foreach(lc, ((BoolExpr *) tree)->args)
	{
		if (contain_vars_of_level(lfirst(lc), 0))
			kept = lappend(kept, lfirst(lc));
	}
	if (kept == NIL || list_length(kept) == list_length(((BoolExpr *) tree)->args))
		return NULL;
	return expression_text(list_length(kept) > 1 ? (Node *) makeBoolExpr(OR_EXPR, kept, -1) : linitial(kept), relid);
}
