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
 * parentheses do not matter.  Nothing is evaluated.
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

/*
 * Returns true if the node's value can be '', which many casts do not accept.
 * This is true of a setting, even within a sub-select or COALESCE.
 */
static bool
may_be_empty(Node *node)
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
			if (may_be_empty(lfirst(lc)))
				return true;
		}
	}
	return cmig_rls_calls_setting(node);
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
		found->row_function_has_column = contain_vars_of_level(call, reading->depth);
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
 * Record the column in "column = value" or "column = ANY (values)" if the value
 * is the same for all rows, and whether the value comes from the context.
 */
static void
read_key(Reading *reading, Oid opno, List *args, bool is_operator, bool any)
{
	Node	   *left;
	Node	   *right;
	bool		swapped = false;

	if (reading->depth > 0 || list_length(args) != 2 || !cmig_rls_is_equality(opno))
		return;
	left = cmig_rls_strip(linitial(args));
	right = cmig_rls_strip(lsecond(args));
	if (IsA(right, Var) && ((Var *) right)->varlevelsup == 0)
	{
		Node	   *swap = left;

		left = right;
		right = swap;
		swapped = true;
	}
	if (!IsA(left, Var) || ((Var *) left)->varlevelsup != 0 || ((Var *) left)->varattno <= 0 || contain_vars_of_level(right, 0))
		return;
	reading->found->keys = bms_add_member(reading->found->keys, ((Var *) left)->varattno);
	if ((is_operator || (any && !swapped)) && !IsA(right, Const) && !IsA(right, ArrayExpr) && !IsA(right, Param))
		reading->found->context_keys = bms_add_member(reading->found->context_keys, ((Var *) left)->varattno);
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

/* Record a cast that fails if a setting is ''. */
static void
read_cast(Reading *reading, CoerceViaIO *cast)
{
	CmigRlsExpression *found = reading->found;

	if (may_be_empty((Node *) cast->arg) && found->cast_of_empty == NULL &&
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
	List	   *args;

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
			if (cmig_rls_calls_setting(node))
				read_setting(reading, (FuncExpr *) node);
			break;
		case T_OpExpr:
			read_function(reading, get_opcode(((OpExpr *) node)->opno), node);
			args = ((OpExpr *) node)->args;
			read_key(reading, ((OpExpr *) node)->opno, args, true, false);
			if (list_length(args) == 2 && cmig_rls_is_equality(((OpExpr *) node)->opno) &&
				IsA(cmig_rls_strip(linitial(args)), Var) && equal(cmig_rls_strip(linitial(args)), cmig_rls_strip(lsecond(args))))
				reading->found->self_compared = true;
			break;
		case T_DistinctExpr:
		case T_NullIfExpr:
			read_function(reading, get_opcode(((OpExpr *) node)->opno), node);
			break;
		case T_ScalarArrayOpExpr:
			read_function(reading, get_opcode(((ScalarArrayOpExpr *) node)->opno), node);
			read_key(reading, ((ScalarArrayOpExpr *) node)->opno, ((ScalarArrayOpExpr *) node)->args, false,
					 ((ScalarArrayOpExpr *) node)->useOr);
			break;
		case T_CoerceViaIO:
			read_cast(reading, (CoerceViaIO *) node);
			break;
		default:
			break;
	}
	return expression_tree_walker(node, read_walker, reading);
}

CmigRlsExpression *
cmig_rls_expr_read(Node *tree, Oid relid)
{
	CmigRlsExpression *found = palloc0(sizeof(CmigRlsExpression));
	Reading		reading = {found, relid, 0, true};

	(void) read_walker(tree, &reading);
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
 * Fixes
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

/*
 * Read settings with missing_ok and, before a cast, with NULLIF, replace IN
 * (SELECT ...) with = ANY (ARRAY(SELECT ...)), and put function calls that do not
 * depend on the row into sub-selects.  The operands of a comparison are put
 * there, not the comparison itself, so that an index can be used.  "context"
 * points to true inside a sub-select.
 */
static Node *
repair(Node *node, void *context)
{
	bool		inside = true;
	OpExpr	   *test = NULL;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, repair, &inside, 0);
	if (IsA(node, List) || IsA(node, CaseWhen))
		return expression_tree_mutator(node, repair, context);
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == ANY_SUBLINK)
		test = (OpExpr *) ((SubLink *) node)->testexpr;
	if (test && IsA(test, OpExpr) && list_length(test->args) == 2 && cmig_rls_is_equality(test->opno) &&
		IsA(lsecond(test->args), Param) && OidIsValid(get_array_type(exprType(lsecond(test->args)))))
	{
		ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
		SubLink    *link = copyObject((SubLink *) node);

		any->opno = test->opno;
		any->opfuncid = get_opcode(test->opno);
		any->useOr = true;
		any->inputcollid = test->inputcollid;
		link->subLinkType = ARRAY_SUBLINK;
		link->testexpr = NULL;
		link->operName = NIL;
		link->subselect = repair(link->subselect, &inside);
		any->args = list_make2(linitial(test->args), link);
		any->location = -1;
		return (Node *) any;
	}
	if (!*(bool *) context && (exprType(node) != BOOLOID || IsA(node, FuncExpr)) &&
		!IsA(node, Const) && !IsA(node, Param) && !IsA(node, SubLink) && !contain_vars_of_level(node, 0))
	{
		CmigRlsExpression *seen = cmig_rls_expr_read(node, InvalidOid);

		if (seen->row_function || seen->volatile_function)
			return once(repair(node, &inside));
	}
	if (IsA(node, CoerceViaIO) && may_be_empty((Node *) ((CoerceViaIO *) node)->arg))
	{
		CoerceViaIO *cast = copyObject((CoerceViaIO *) node);
		NullIfExpr *expr = makeNode(NullIfExpr);

		expr->opno = TextEqualOperator;
		expr->opfuncid = F_TEXTEQ;
		expr->opresulttype = TEXTOID;
		expr->inputcollid = DEFAULT_COLLATION_OID;
		expr->args = list_make2(repair((Node *) cast->arg, context), cmig_rls_sample_const(TEXTOID, ""));
		expr->location = -1;
		cast->arg = (Expr *) expr;
		return (Node *) cast;
	}
	if (cmig_rls_calls_setting(node))
	{
		FuncExpr   *call = copyObject((FuncExpr *) node);

		call->funcid = F_CURRENT_SETTING_TEXT_BOOL;
		call->args = list_make2(linitial(call->args), makeBoolConst(true, false));
		return (Node *) call;
	}
	return expression_tree_mutator(node, repair, context);
}

/*
 * Returns the repaired expression as text with all names qualified, and with
 * dates in a form that means the same in every session.  Sets *changed, unless
 * it is NULL, to whether there was something to repair.
 */
char *
cmig_rls_repair_text(Node *tree, Oid relid, bool *changed)
{
	bool		inside = false;
	char	   *name = get_rel_name(relid);
	Node	   *repaired = repair(tree, &inside);
	int			guc_level = NewGUCNestLevel();
	char	   *text;

	if (changed)
		*changed = !equal(tree, repaired);
	cmig_settings_pin_search_path();
	cmig_settings_override("datestyle", "ISO");
	/* return a stand-in if the table has been dropped in the meantime */
	text = name ? deparse_expression(repaired, deparse_context_for(name, relid), false, false) : pstrdup("<expression>");
	AtEOXact_GUC(false, guc_level);
	return text;
}
