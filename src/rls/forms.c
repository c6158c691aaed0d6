/*
 * forms.c
 *	  The form of a policy's expression: how often its parts run, and what a
 *	  setting without a value does to it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

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
	const char *clause;			/* USING or WITH CHECK */
	int			depth;			/* number of sub-selects around this node */
} Reading;

static bool read_walker(Node *node, void *context);

/* Note a problem, unless the rule has already been noted. */
static void
note(Reading *reading, const char *rule, char *problem, const char *advice)
{
	CmigRlsForm *form = palloc(sizeof(CmigRlsForm));

	foreach_ptr(CmigRlsForm, each, reading->found->forms)
	{
		if (strcmp(each->rule, rule) == 0)
			return;
	}
	form->rule = rule;
	form->problem = problem;
	form->advice = advice;
	reading->found->forms = lappend(reading->found->forms, form);
}

/* Can the value of a cast's argument be '', as that of a setting can? */
static bool
may_be_empty(Node *node)
{
	node = cmig_rls_unwrap(node);
	/* '' is not null, so COALESCE does not use the next argument */
	if (IsA(node, CoalesceExpr))
		node = cmig_rls_unwrap(linitial(((CoalesceExpr *) node)->args));
	return cmig_rls_calls_setting(node);
}

/*
 * Record the column in "column = value" or "column = ANY (values)" if the value
 * is the same for all rows, and whether the value comes from the context.
 */
static void
read_key(Reading *reading, Oid opno, List *args, bool is_operator, bool any)
{
	Node	   *left = cmig_rls_unwrap(linitial(args));
	Node	   *right = list_length(args) == 2 ? cmig_rls_unwrap(lsecond(args)) : NULL;
	bool		swapped = right && IsA(right, Var) && ((Var *) right)->varlevelsup == 0;
	Var		   *column = (Var *) (swapped ? right : left);
	Node	   *value = swapped ? left : right;

	if (right == NULL || !cmig_rls_is_equality(opno))
		return;
	if (is_operator && IsA(left, Var) && equal(left, right))
		note(reading, "unknown_column",
			 psprintf("a comparison in %s has the same column on both sides", reading->clause),
			 "qualify both columns with their tables, as in <table>.<column>");
	if (reading->depth > 0 || !IsA(column, Var) || column->varlevelsup != 0 ||
		column->varattno <= 0 || contain_vars_of_level(value, 0))
		return;
	reading->found->keys = bms_add_member(reading->found->keys, column->varattno);
	if (is_operator && may_be_empty(value))
		reading->found->empty_keys = bms_add_member(reading->found->empty_keys, column->varattno);
	if ((is_operator || (any && !swapped)) && !IsA(value, Const) && !IsA(value, ArrayExpr) &&
		!IsA(value, Param))
		reading->found->context_keys = bms_add_member(reading->found->context_keys,
													  column->varattno);
}

/* Record how often a sub-select is evaluated and what it returns. */
static void
read_sublink(Reading *reading, SubLink *link)
{
	Query	   *query = castNode(Query, link->subselect);
	Var		   *first = query->targetList ?
	(Var *) linitial_node(TargetEntry, query->targetList)->expr : NULL;
	OpExpr	   *test = (OpExpr *) link->testexpr;
	Var		   *left = test &&
	IsA(test, OpExpr) ? (Var *) cmig_rls_unwrap(linitial(test->args)) : NULL;
	char	   *name = left &&
	IsA(left, Var) ? get_attname(reading->relid, left->varattno, true) : NULL;

	if (reading->depth == 0 && contain_vars_of_level((Node *) query, 1))
		note(reading, "correlated_subquery",
			 psprintf("%s has a sub-select that depends on the row, so it runs for each row",
					  reading->clause),
			 "select the keys without using columns of the row, and use <key> = ANY (ARRAY(SELECT <key> FROM <table> WHERE <user> = <context>))");
	if (reading->depth == 0 && link->subLinkType == ANY_SUBLINK)
		note(reading, "in_subselect",
			 psprintf("%s has %s IN (SELECT ...), which cannot use an index; = ANY (ARRAY(SELECT ...)) can",
					  reading->clause, name ? name : "expression"),
			 name ? NULL : "use <key> = ANY (ARRAY(SELECT <key> FROM <table>)) for each key");
	name = first && IsA(first, Var) && link->subLinkType != EXISTS_SUBLINK &&
		first->varlevelsup == reading->depth + 1 ?
		get_attname(reading->relid, first->varattno, true) : NULL;
	if (name)
		note(reading, "unknown_column",
			 psprintf("a sub-select in %s returns column %s of the policy's own table: no table in its FROM clause has that column",
					  reading->clause, quote_identifier(name)),
			 "qualify the columns of the sub-select with its table, as in <table>.<column>");
}

/*
 * Record what a node of the expression does, and visit all nodes below it.  A
 * function in a sub-select is not reported: it runs once, or the sub-select is
 * reported as one that runs for each row.
 */
static bool
read_walker(Node *node, void *context)
{
	Reading    *reading = context;
	CmigRlsExpression *found = reading->found;
	Oid			function = InvalidOid;
	char		volatility;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
			if (((Var *) node)->varlevelsup == reading->depth)
				found->columns = bms_add_member(found->columns, Max(((Var *) node)->varattno, 0));
			return false;
		case T_SubLink:
			read_sublink(reading, (SubLink *) node);
			break;
		case T_Query:
			reading->depth++;
			(void) query_tree_walker((Query *) node, read_walker, reading, 0);
			reading->depth--;
			return false;
		case T_FuncExpr:
			function = ((FuncExpr *) node)->funcid;
			if (cmig_rls_calls_setting(node))
			{
				List	   *args = ((FuncExpr *) node)->args;
				Const	   *name = linitial(args);
				Const	   *missing_ok = list_length(args) == 2 ? lsecond(args) : NULL;

				if (missing_ok == NULL ||
					(IsA(missing_ok, Const) &&
					 (missing_ok->constisnull || !DatumGetBool(missing_ok->constvalue))))
					note(reading, "no_missing_ok",
						 psprintf("%s reads the setting %s without missing_ok, which fails if the setting was never set", reading->clause,
								  IsA(name, Const) &&
								  !name->constisnull ? TextDatumGetCString(name->constvalue) :
								  "?"), NULL);
			}
			break;
		case T_OpExpr:
			read_key(reading, ((OpExpr *) node)->opno, ((OpExpr *) node)->args, true, false);
			pg_fallthrough;
		case T_DistinctExpr:
		case T_NullIfExpr:
			function = get_opcode(((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			function = get_opcode(((ScalarArrayOpExpr *) node)->opno);
			read_key(reading, ((ScalarArrayOpExpr *) node)->opno,
					 ((ScalarArrayOpExpr *) node)->args, false,
					 ((ScalarArrayOpExpr *) node)->useOr);
			break;
		case T_CoerceViaIO:
			if (may_be_empty((Node *) ((CoerceViaIO *) node)->arg) &&
				!type_is_array(exprType(node)) &&
				exprType(node) != TEXTOID && exprType(node) != VARCHAROID)
				note(reading, "cast_of_empty",
					 psprintf("%s casts a setting to %s, which fails if the setting is '', as it is after a transaction that used SET LOCAL",
							  reading->clause, format_type_be(exprType(node))), NULL);
			break;
		default:
			break;
	}
	volatility = OidIsValid(function) &&
		reading->depth == 0 ? func_volatile(function) : PROVOLATILE_IMMUTABLE;
	found->runs |= volatility != PROVOLATILE_IMMUTABLE;
	if (volatility == PROVOLATILE_VOLATILE)
		note(reading, "volatile_function",
			 psprintf("%s calls the volatile function %s() for each row, and cannot use an index",
					  reading->clause, get_func_name(function)), NULL);
	else if (volatility == PROVOLATILE_STABLE && contain_vars_of_level(node, 0))
		note(reading, "per_row_function",
			 psprintf("%s calls %s() with a column for each row", reading->clause,
					  get_func_name(function)),
			 "let the function return the keys that the user may see, and use <key> = ANY (ARRAY(SELECT <function>()))");
	else if (volatility == PROVOLATILE_STABLE)
		note(reading, "per_row_function",
			 psprintf("%s calls %s() for each row; in a sub-select it is called once",
					  reading->clause, get_func_name(function)), NULL);
	return expression_tree_walker(node, read_walker, context);
}

/* Returns the expression's properties, except for "truth". */
CmigRlsExpression *
cmig_rls_expr_read(Node *tree, Oid relid, bool is_check)
{
	CmigRlsExpression *found = palloc0(sizeof(CmigRlsExpression));
	Reading		reading = {found, relid, is_check ? "WITH CHECK" : "USING"};

	(void) read_walker(tree, &reading);
	return found;
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
	if (test && IsA(test, OpExpr) && list_length(test->args) == 2 &&
		cmig_rls_is_equality(test->opno) &&
		IsA(lsecond(test->args), Param) &&
		OidIsValid(get_array_type(exprType(lsecond(test->args)))))
	{
		ScalarArrayOpExpr *any = makeNode(ScalarArrayOpExpr);
		SubLink    *link = makeNode(SubLink);

		*link = *(SubLink *) node;
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
		!IsA(node, Const) && !IsA(node, Param) && !IsA(node, SubLink) &&
		!contain_vars_of_level(node, 0) &&
		cmig_rls_expr_read(node, InvalidOid, false)->runs)
		return once(repair(node, &inside));
	if (IsA(node, CoerceViaIO) && may_be_empty((Node *) ((CoerceViaIO *) node)->arg))
	{
		CoerceViaIO *cast = makeNode(CoerceViaIO);
		NullIfExpr *expr = makeNode(NullIfExpr);

		*cast = *(CoerceViaIO *) node;
		expr->opno = TextEqualOperator;
		expr->opfuncid = F_TEXTEQ;
		expr->opresulttype = TEXTOID;
		expr->inputcollid = DEFAULT_COLLATION_OID;
		expr->args = list_make2(repair((Node *) cast->arg, context),
								cmig_rls_sample_const(TEXTOID, ""));
		expr->location = -1;
		cast->arg = (Expr *) expr;
		return (Node *) cast;
	}
	if (cmig_rls_calls_setting(node))
	{
		FuncExpr   *call = makeNode(FuncExpr);

		*call = *(FuncExpr *) node;
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
	text = name ? deparse_expression(repaired, deparse_context_for(name, relid), false, false) :
		pstrdup("<expression>");
	AtEOXact_GUC(false, guc_level);
	return text;
}
