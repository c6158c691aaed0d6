/*
 * rls_repair.c
 *	  Repairs known mistakes in policies' expressions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "rls/rls_expr.h"
#include "rls/rls_node.h"
#include "rls/rls_repair.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

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
	if (IsA(node, CoerceViaIO) && cmig_rls_expr_may_be_empty((Node *) ((CoerceViaIO *) node)->arg))
	{
		CoerceViaIO *cast = copyObject((CoerceViaIO *) node);

		cast->arg = (Expr *) null_if_empty(repair_settings((Node *) cast->arg, context));
		return (Node *) cast;
	}
	if (cmig_rls_expr_is_setting(node))
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
