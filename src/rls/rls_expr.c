/*
 * rls_expr.c
 *	  Finds out what a policy's expression does by examining its tree.
 *
 * The tree comes from the catalog, so quoting, spelling, and nested
 * parentheses do not matter.  Nothing is evaluated; rls_truth.c finds
 * expressions that have the same result for every row.
 *
 * An uncorrelated sub-select is evaluated once per statement.  Everything else
 * is evaluated for each row, including all of a sub-select that depends on the
 * row.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_expr.h"
#include "rls/rls_node.h"

#include "access/sysattr.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* The state of read_walker: its position in the tree and what it has found. */
typedef struct Reading
{
	CmigRlsExpression *found;
	Oid			relid;
	const Bitmapset *keys;
	int			depth;			/* number of sub-selects around this node */
	bool		per_row;		/* is this part of the expression evaluated
								 * for each row? */
	bool		narrowed;		/* is this part combined with a key comparison
								 * by AND, so that no branch of it lets every
								 * row through? */
	bool		negated;		/* is this part inside NOT, where AND has the
								 * effect of OR? */
	bool		decides;		/* is this part a condition of a CASE, which
								 * may be false even if the condition is true? */
} Reading;

static bool read_walker(Node *node, void *context);

bool
cmig_rls_expr_is_setting(Node *node)
{
	return IsA(node, FuncExpr) &&
		(((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT ||
		 ((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT_BOOL);
}

bool
cmig_rls_expr_may_be_empty(Node *node)
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
			if (cmig_rls_expr_may_be_empty(lfirst(lc)))
				return true;
		}
	}
	return cmig_rls_expr_is_setting(node);
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

/* Is the node true for every row? */
static bool
is_always_true(Reading *reading, Node *node)
{
	return node && cmig_rls_truth(node, reading->relid, reading->keys, NULL) == CMIG_RLS_ALWAYS;
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

	reading->found->reads_setting = true;
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

/*
 * Examine each argument of an AND.  The rows that one argument lets through
 * may be restricted by the other arguments.
 */
static void
read_and(Reading *reading, BoolExpr *expr)
{
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Reading		part = *reading;
		ListCell   *other;

		foreach(other, expr->args)
		{
			part.narrowed |= other != lc && !reading->negated && narrows(lfirst(other));
		}
		read_walker(lfirst(lc), &part);
	}
}

/* Does the tree do more than test for null and replace '' with null? */
static bool
selects_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, NullIfExpr))
	{
		Const	   *empty = (Const *) cmig_rls_bare(lsecond(((NullIfExpr *) node)->args));

		if (!IsA(empty, Const) || empty->constisnull || empty->consttype != TEXTOID ||
			VARSIZE_ANY_EXHDR(DatumGetPointer(empty->constvalue)) > 0)
			return true;
	}
	else if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, ScalarArrayOpExpr) ||
			 IsA(node, CaseExpr) || IsA(node, BooleanTest))
		return true;
	else if (IsA(node, Query))
		return query_tree_walker((Query *) node, selects_walker, context, 0);
	return expression_tree_walker(node, selects_walker, context);
}

/*
 * Returns true if the condition only tests whether settings have a value.  Both
 * possibilities are tried when the policy's expression is evaluated
 * (rls_trial_context.c).
 */
static bool
tests_null(Node *node)
{
	ListCell   *lc;

	if (IsA(node, NullTest))
		return !selects_walker(node, NULL);
	if (!IsA(node, BoolExpr))
		return false;
	foreach(lc, ((BoolExpr *) node)->args)
	{
		if (!tests_null(lfirst(lc)))
			return false;
	}
	return true;
}

/*
 * Record that a part of the expression lets every row through if the condition
 * "decides" is true, and whether this condition depends on a setting.  "what"
 * describes the part.
 */
static void
read_branch(Reading *reading, const char *what, Node *decides)
{
	Reading		branch = *reading;
	CmigRlsExpression seen = {0};

	if (reading->narrowed)
		return;
	branch.found = &seen;
	read_walker(decides, &branch);
	if (reading->found->open_branch == NULL || seen.reads_setting)
		reading->found->open_branch = what;
	reading->found->open_branch_setting |= seen.reads_setting;
	reading->found->open_branch_untried |= seen.reads_setting && !reading->decides && !tests_null(decides);
}

/*
 * Handle "CASE WHEN condition THEN true" if the condition does not use the
 * row.
 */
static void
read_case(Reading *reading, CaseExpr *expr)
{
	List	   *conditions = list_make1(expr->arg);
	ListCell   *lc;

	if (uses_row((Node *) expr->arg, 0))
		return;
	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);

		if (uses_row((Node *) when->expr, 0))
			return;
		conditions = lappend(conditions, when->expr);
		if (is_always_true(reading, (Node *) when->result))
			read_branch(reading, "a CASE", (Node *) conditions);
	}
	if (is_always_true(reading, (Node *) expr->defresult))
		read_branch(reading, "a CASE", (Node *) conditions);
}

/*
 * Handle "key = COALESCE(x, key)", which is true for every row if x is null,
 * and "key = CASE WHEN x THEN key ...", which is true for every row if x is
 * true.  Casts on either side are ignored.
 */
static void
read_fallback(Reading *reading, OpExpr *expr)
{
	Node	   *key;
	Node	   *choice;
	ListCell   *lc;

	if (reading->depth > 0 || list_length(expr->args) != 2 || !cmig_rls_is_equality(expr->opno))
		return;
	key = cmig_rls_bare(linitial(expr->args));
	choice = cmig_rls_bare(lsecond(expr->args));
	if (IsA(key, CoalesceExpr) || IsA(key, CaseExpr))
	{
		Node	   *swap = key;

		key = choice;
		choice = swap;
	}
	if (!uses_row(key, 0))
		return;
	if (IsA(choice, CoalesceExpr))
	{
		List	   *args = ((CoalesceExpr *) choice)->args;

		if (uses_row(linitial(args), 0))
			return;
		foreach(lc, args)
		{
			if (equal(cmig_rls_bare(lfirst(lc)), key))
				read_branch(reading, "a COALESCE", linitial(args));
		}
	}
	else if (IsA(choice, CaseExpr))
	{
		CaseExpr   *cases = (CaseExpr *) choice;
		List	   *conditions = cases->arg ? list_make1(cases->arg) : NIL;
		bool		open = equal(cmig_rls_bare((Node *) cases->defresult), key);

		foreach(lc, cases->args)
		{
			CaseWhen   *when = lfirst_node(CaseWhen, lc);

			conditions = lappend(conditions, when->expr);
			open |= equal(cmig_rls_bare((Node *) when->result), key);
		}
		if (open && !uses_row((Node *) conditions, 0))
			read_branch(reading, "a CASE", (Node *) conditions);
	}
}

/*
 * Record that a part of the expression is true if the condition is null.  The
 * condition can be null if it uses a setting that might be unset.  "what"
 * describes the part.
 */
static void
read_when_null(Reading *reading, const char *what, Node *condition)
{
	Reading		part = *reading;
	CmigRlsExpression seen = {0};

	if (reading->depth > 0 || reading->narrowed || reading->negated ||
		reading->found->true_when_unset)
		return;
	part.found = &seen;
	read_walker(condition, &part);
	if (seen.reads_setting)
		reading->found->true_when_unset = what;
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
	read_fallback(reading, expr);
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

	if (cmig_rls_expr_may_be_empty((Node *) cast->arg) && found->cast_of_empty == NULL &&
		get_element_type(cast->resulttype) == InvalidOid &&
		cast->resulttype != TEXTOID && cast->resulttype != VARCHAROID)
		found->cast_of_empty = format_type_be(cast->resulttype);
}

/*
 * Record branches of an OR that do not use the row, or that are always true.
 */
static void
read_or(Reading *reading, BoolExpr *expr)
{
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		CmigRlsTruth branch = cmig_rls_truth(lfirst(lc), reading->relid, reading->keys, NULL);

		if (branch == CMIG_RLS_DEPENDS && !uses_row(lfirst(lc), 0))
			read_branch(reading, "an OR", lfirst(lc));
		if (branch == CMIG_RLS_ALWAYS && !reading->narrowed && !reading->negated)
			reading->found->true_branch = true;
	}
}

/* Examine an AND, OR, or NOT and all nodes below it. */
static bool
read_boolean(Reading *reading, BoolExpr *expr)
{
	Reading		inner = *reading;

	if (reading->depth > 0)
		return expression_tree_walker((Node *) expr, read_walker, reading);
	switch (expr->boolop)
	{
		case AND_EXPR:
			read_and(reading, expr);
			return false;
		case NOT_EXPR:
			inner.negated = !reading->negated;
			return read_walker(linitial(expr->args), &inner);
		case OR_EXPR:
			/* inside NOT, a branch that is true lets no row through */
			if (!reading->negated)
				read_or(reading, expr);
			break;
	}
	return expression_tree_walker((Node *) expr, read_walker, reading);
}

static void
read_test(Reading *reading, BooleanTest *test)
{
	if (test->booltesttype == IS_NOT_FALSE)
		read_when_null(reading, "IS NOT FALSE", (Node *) test->arg);
	if (test->booltesttype == IS_UNKNOWN)
		read_when_null(reading, "IS UNKNOWN", (Node *) test->arg);
}

/* Examine the conditions and the results of a CASE. */
static bool
read_parts(Reading *reading, CaseExpr *expr)
{
	Reading		condition = *reading;
	ListCell   *lc;

	condition.decides = true;
	read_walker((Node *) expr->arg, &condition);
	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);

		read_walker((Node *) when->expr, &condition);
		read_walker((Node *) when->result, reading);
	}
	return read_walker((Node *) expr->defresult, reading);
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
		case T_BoolExpr:
			return read_boolean(reading, (BoolExpr *) node);
		case T_FuncExpr:
			read_function(reading, ((FuncExpr *) node)->funcid, node);
			if (cmig_rls_expr_is_setting(node))
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
		case T_CaseExpr:
			if (reading->depth == 0)
				read_case(reading, (CaseExpr *) node);
			return read_parts(reading, (CaseExpr *) node);
		case T_CoalesceExpr:
			if (exprType(node) == BOOLOID && is_always_true(reading, llast(((CoalesceExpr *) node)->args)))
				read_when_null(reading, "COALESCE", linitial(((CoalesceExpr *) node)->args));
			break;
		case T_BooleanTest:
			read_test(reading, (BooleanTest *) node);
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
	reading.keys = keys;
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
