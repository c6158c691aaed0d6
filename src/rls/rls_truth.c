/*
 * rls_truth.c
 *	  Finds policy expressions that have the same result for every row.
 *
 * An expression is mapped to the set of results that it can have: true, false,
 * and null, as bits.  The sets of its parts are combined according to SQL's
 * three-valued logic.  A part about which nothing is known can have all three
 * results.  A set may contain too many results but never too few, so what is
 * concluded from it is certain.
 *
 * An expression is examined twice: as it is, and for rows in which keys, and
 * columns that are compared with themselves, are not null.  The second
 * examination finds expressions that let through every row that has an owner,
 * such as "key IS NOT NULL" or "key = key".
 *
 * The only parts that are evaluated are comparisons of constants by built-in
 * functions.  Constant folding is not used, because it would call functions
 * that belong to the policy's author.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_node.h"
#include "rls/rls_sample.h"
#include "rls/rls_sandbox.h"
#include "rls/rls_truth.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define CAN_BE_TRUE		1
#define CAN_BE_FALSE	2
#define CAN_BE_NULL		4
#define CAN_BE_ALL		7

/* The state of an examination. */
typedef struct Judge
{
	Oid			relid;
	const Bitmapset *keys;
	bool		assume;			/* assume that keys, and columns that are
								 * compared with themselves, are not null */
	Bitmapset  *assumed;		/* nullable columns that were assumed not to
								 * be null */
} Judge;

static int	outcomes(Node *node, Judge *judge);

/*
 * Nulls
 */

/* Is the column declared NOT NULL? */
static bool
column_not_null(Judge *judge, AttrNumber column)
{
	return cmig_rls_is_not_null(judge->relid, column);
}

/* Is the node the constant null? */
static bool
is_null(Node *node)
{
	return IsA(node, Const) && ((Const *) node)->constisnull;
}

/* Is the node a column of the row? */
static bool
is_column(Node *node)
{
	return node && IsA(node, Var) && ((Var *) node)->varlevelsup == 0 && ((Var *) node)->varattno != 0;
}

/* Returns true if the node is certainly not null. */
static bool
never_null(Node *node, Judge *judge)
{
	ListCell   *lc;

	node = cmig_rls_unwrap(node);
	if (is_column(node))
		return column_not_null(judge, ((Var *) node)->varattno);
	if (IsA(node, Const))
		return !((Const *) node)->constisnull;
	if (IsA(node, SQLValueFunction) || IsA(node, ArrayExpr))
		return true;
	if (IsA(node, CoalesceExpr))
		foreach(lc, ((CoalesceExpr *) node)->args)
	{
		if (never_null(lfirst(lc), judge))
			return true;
	}
	return false;
}

/* Record the columns of the row that are assumed not to be null. */
static bool
note_columns(Node *node, void *context)
{
	Judge	   *judge = context;

	if (node == NULL)
		return false;
	if (is_column(node) && !column_not_null(judge, ((Var *) node)->varattno))
		judge->assumed = bms_add_member(judge->assumed, ((Var *) node)->varattno);
	if (IsA(node, Query))
		return false;
	return expression_tree_walker(node, note_columns, context);
}

/* Returns true if the node contains the constant null. */
static bool
holds_null(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Const))
		return ((Const *) node)->constisnull;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, holds_null, context, 0);
	return expression_tree_walker(node, holds_null, context);
}

/*
 * Returns "outcome", a set of possible results, with null added if the node
 * can be null because of the row or the context.
 */
static int
unless_null(int outcome, Node *node, Judge *judge)
{
	if (never_null(node, judge))
		return outcome;

	/*
	 * if "assume" is set, values from the row are assumed not to be null; a
	 * null constant is null anyway
	 */
	if (!judge->assume || holds_null(node, NULL))
		return outcome | CAN_BE_NULL;
	(void) note_columns(node, judge);
	return outcome;
}

/*
 * Returns true if the nodes are equal and have the same value each time they
 * are evaluated.
 */
static bool
same_value(Node *left, Node *right)
{
	return equal(left, right) && !contain_volatile_functions(left);
}

/* Returns the operator's name, or NULL if it is not a comparison operator. */
static const char *
comparison_name(Oid opno)
{
	static const char *const names[] = {"=", "<>", "<=", ">=", "<", ">"};
	char	   *name = get_opname(opno);

	for (int i = 0; name && i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return names[i];
	return NULL;
}

/* A comparison of constants to be evaluated. */
typedef struct Comparison
{
	Oid			function;
	Oid			collation;
	Const	   *left;
	Const	   *right;
	bool		result;
} Comparison;

/* Compare the constants; a task for cmig_rls_sandbox_run(). */
static void
run_comparison(void *arg)
{
	Comparison *comparison = arg;

	comparison->result = DatumGetBool(OidFunctionCall2Coll(comparison->function, comparison->collation,
														   comparison->left->constvalue, comparison->right->constvalue));
}

/*
 * Returns the possible results of comparing two constants.  Only a built-in
 * operator is executed, because a user-defined "=" can be any function, even
 * one that raises an error.
 */
static int
compare_constants(Oid opno, Oid collation, Const *left, Const *right)
{
	Comparison	comparison = {get_opcode(opno), collation, left, right, false};

	if (left->constisnull || right->constisnull)
		return op_strict(opno) ? CAN_BE_NULL : CAN_BE_ALL;
	if (opno >= FirstUnpinnedObjectId || comparison.function >= FirstUnpinnedObjectId ||
		op_volatile(opno) != PROVOLATILE_IMMUTABLE ||
		left->consttype >= FirstUnpinnedObjectId || right->consttype >= FirstUnpinnedObjectId ||
		!cmig_rls_sample_is_builtin(left->consttype) || !cmig_rls_sample_is_builtin(right->consttype) ||
		type_is_collatable(left->consttype) != OidIsValid(collation) ||
		cmig_rls_sandbox_run(CMIG_RLS_NOBODY, run_comparison, &comparison) != 0)
		return CAN_BE_ALL;
	return comparison.result ? CAN_BE_TRUE : CAN_BE_FALSE;
}

/*
 * Returns true if the operator is LIKE or ILIKE and the pattern matches every
 * string.
 */
static bool
matches_all(Oid opno, Node *pattern)
{
	char	   *name = get_opname(opno);
	char	   *value;

	if (name == NULL || opno >= FirstUnpinnedObjectId || (strcmp(name, "~~") != 0 && strcmp(name, "~~*") != 0) ||
		!IsA(pattern, Const) || ((Const *) pattern)->constisnull ||
		((Const *) pattern)->consttype != TEXTOID)
		return false;
	value = TextDatumGetCString(((Const *) pattern)->constvalue);
	return value[0] != '\0' && strspn(value, "%") == strlen(value);
}

/* Returns the possible results of a comparison. */
static int
compare(OpExpr *expr, Judge *judge)
{
	const char *name;
	Node	   *left;
	Node	   *right;

	if (list_length(expr->args) != 2)
		return CAN_BE_ALL;
	left = cmig_rls_unwrap(linitial(expr->args));
	right = cmig_rls_unwrap(lsecond(expr->args));
	if (matches_all(expr->opno, right))
		return unless_null(CAN_BE_TRUE, left, judge);
	name = comparison_name(expr->opno);
	if (name == NULL)
		return CAN_BE_ALL;
	if (IsA(left, Const) && IsA(right, Const))
		return compare_constants(expr->opno, expr->inputcollid, (Const *) left, (Const *) right);
	if (is_null(left) || is_null(right))
		return op_strict(expr->opno) ? CAN_BE_NULL : CAN_BE_ALL;
	if (!same_value(left, right))
		return CAN_BE_ALL;

	/*
	 * the operands are equal, so "=", "<=", and ">=" are true, and "<>", "<",
	 * and ">" are false
	 */
	return unless_null(strcmp(name, "<>") != 0 && strchr(name, '=') ? CAN_BE_TRUE : CAN_BE_FALSE,
					   left, judge);
}

/* Returns the possible results of "x = ANY (ARRAY[..., x, ...])". */
static int
compare_any(ScalarArrayOpExpr *expr, Judge *judge)
{
	Node	   *left = cmig_rls_unwrap(linitial(expr->args));
	Node	   *right = cmig_rls_unwrap(lsecond(expr->args));
	ListCell   *lc;

	if (IsA(right, ArrayExpr) && expr->useOr && cmig_rls_is_equality(expr->opno))
		foreach(lc, ((ArrayExpr *) right)->elements)
	{
		Node	   *element = cmig_rls_unwrap(lfirst(lc));

		if (same_value(left, element))
			return unless_null(CAN_BE_TRUE, left, judge);
	}
	return CAN_BE_ALL;
}

/* Returns the possible results of IS NULL and IS NOT NULL. */
static int
test_null(NullTest *test, Judge *judge)
{
	Node	   *arg = cmig_rls_bare((Node *) test->arg);
	int			no = test->nulltesttype == IS_NULL ? CAN_BE_FALSE : CAN_BE_TRUE;
	int			yes = CAN_BE_TRUE | CAN_BE_FALSE;

	if (test->argisrow)
		return yes;
	if (is_null(arg))
		return no ^ yes;
	if (!is_column(arg))
		return never_null(arg, judge) ? no : yes;

	/*
	 * A NOT NULL column is never null.  However, unless "assume" is set, IS
	 * NULL counts as depending on the row, so that the policy is not reported
	 * as always false.  Such a policy is useless but harmless.
	 */
	if (column_not_null(judge, ((Var *) arg)->varattno))
		return judge->assume || no == CAN_BE_TRUE ? no : yes;
	if (judge->assume && bms_is_member(Max(((Var *) arg)->varattno, 0), judge->keys))
	{
		(void) note_columns(arg, judge);
		return no;
	}
	return yes;
}

/*
 * Returns the possible results of IS DISTINCT FROM.  Null is not one of them.
 */
static int
compare_distinct(DistinctExpr *expr, Judge *judge)
{
	Node	   *left = cmig_rls_unwrap(linitial(expr->args));
	Node	   *right = cmig_rls_unwrap(lsecond(expr->args));
	int			equals;

	if (same_value(left, right))
		return CAN_BE_FALSE;
	if (is_null(left) || is_null(right))
	{
		NullTest   *test = makeNode(NullTest);

		test->arg = (Expr *) (is_null(left) ? right : left);
		test->nulltesttype = IS_NOT_NULL;
		return test_null(test, judge);
	}
	if (!IsA(left, Const) || !IsA(right, Const))
		return CAN_BE_TRUE | CAN_BE_FALSE;
	equals = compare_constants(expr->opno, expr->inputcollid, (Const *) left, (Const *) right);
	return equals == CAN_BE_TRUE ? CAN_BE_FALSE :
		equals == CAN_BE_FALSE ? CAN_BE_TRUE : CAN_BE_TRUE | CAN_BE_FALSE;
}

/* Returns the possible results of IS TRUE, IS NOT FALSE, and similar tests. */
static int
test_boolean(BooleanTest *test, Judge *judge)
{
	int			arg = outcomes((Node *) test->arg, judge);
	int			hit = CAN_BE_NULL;
	bool		negated = false;

	switch (test->booltesttype)
	{
		case IS_NOT_TRUE:
			negated = true;
			/* FALLTHROUGH */
		case IS_TRUE:
			hit = CAN_BE_TRUE;
			break;
		case IS_NOT_FALSE:
			negated = true;
			/* FALLTHROUGH */
		case IS_FALSE:
			hit = CAN_BE_FALSE;
			break;
		case IS_NOT_UNKNOWN:
			negated = true;
			break;
		case IS_UNKNOWN:
			break;
	}
	return ((arg & hit) ? (negated ? CAN_BE_FALSE : CAN_BE_TRUE) : 0) |
		((arg & ~hit) ? (negated ? CAN_BE_TRUE : CAN_BE_FALSE) : 0);
}

/*
 * AND, OR, and NOT
 */

/* Returns the possible results of NOT. */
static int
negate(int set)
{
	return (set & CAN_BE_NULL) |
		((set & CAN_BE_TRUE) ? CAN_BE_FALSE : 0) | ((set & CAN_BE_FALSE) ? CAN_BE_TRUE : 0);
}

/*
 * Returns the possible results of a AND b: false takes precedence, then null.
 */
static int
both(int a, int b)
{
	int			set = (a | b) & CAN_BE_FALSE;

	if (((a & CAN_BE_NULL) && (b & (CAN_BE_NULL | CAN_BE_TRUE))) ||
		((b & CAN_BE_NULL) && (a & CAN_BE_TRUE)))
		set |= CAN_BE_NULL;
	if (a & b & CAN_BE_TRUE)
		set |= CAN_BE_TRUE;
	return set;
}

/* Is node "a" the same as NOT "b"? */
static bool
is_not(Node *a, Node *b)
{
	return IsA(a, BoolExpr) && ((BoolExpr *) a)->boolop == NOT_EXPR &&
		equal(linitial(((BoolExpr *) a)->args), b);
}

/*
 * Returns true if one of the nodes is true whenever the other one is false.
 * The nodes may both be null.
 */
static bool
opposites(Node *a, Node *b)
{
	if (contain_volatile_functions(a))
		return false;
	if (is_not(a, b) || is_not(b, a))
		return true;
	if (IsA(a, NullTest) && IsA(b, NullTest))
		return ((NullTest *) a)->nulltesttype != ((NullTest *) b)->nulltesttype &&
			!((NullTest *) a)->argisrow && equal(((NullTest *) a)->arg, ((NullTest *) b)->arg);
	if (IsA(a, OpExpr) && IsA(b, OpExpr))
		return OidIsValid(((OpExpr *) a)->opno) &&
			get_negator(((OpExpr *) a)->opno) == ((OpExpr *) b)->opno &&
			equal(((OpExpr *) a)->args, ((OpExpr *) b)->args);
	return false;
}

/* Returns the arguments of nested ORs, or of nested ANDs, as one list. */
static List *
flatten(BoolExpr *expr)
{
	List	   *args = NIL;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		Node	   *arg = cmig_rls_unwrap(lfirst(lc));

		if (IsA(arg, BoolExpr) && ((BoolExpr *) arg)->boolop == expr->boolop)
			args = list_concat(args, flatten((BoolExpr *) arg));
		else
			args = lappend(args, arg);
	}
	return args;
}

/* Returns the possible results of AND, OR, or NOT. */
static int
join(BoolExpr *expr, Judge *judge)
{
	bool		is_or = expr->boolop == OR_EXPR;
	List	   *args;
	int			set = CAN_BE_TRUE;
	ListCell   *lc;

	if (expr->boolop == NOT_EXPR)
		return negate(outcomes(linitial(expr->args), judge));

	/* the possible results of "a OR b" are those of "NOT (NOT a AND NOT b)" */
	args = flatten(expr);
	foreach(lc, args)
	{
		int			arg = outcomes(lfirst(lc), judge);

		set = both(set, is_or ? negate(arg) : arg);
		for (int i = 0; i < foreach_current_index(lc); i++)
			if (opposites(list_nth(args, i), lfirst(lc)))
				set = both(set, arg & CAN_BE_NULL ?
						   unless_null(CAN_BE_FALSE, lfirst(lc), judge) : CAN_BE_FALSE);
	}
	return is_or ? negate(set) : set;
}

/* Returns the possible results of CASE. */
static int
choose(CaseExpr *expr, Judge *judge)
{
	int			set = 0;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);
		int			condition = expr->arg ? CAN_BE_ALL : outcomes((Node *) when->expr, judge);

		if (condition & CAN_BE_TRUE)
			set |= outcomes((Node *) when->result, judge);
		if (condition == CAN_BE_TRUE)
			return set;
	}
	return set | (expr->defresult ? outcomes((Node *) expr->defresult, judge) : CAN_BE_NULL);
}

/* Returns the possible results of COALESCE. */
static int
first_value(CoalesceExpr *expr, Judge *judge)
{
	int			set = 0;
	ListCell   *lc;

	foreach(lc, expr->args)
	{
		int			arg = outcomes(lfirst(lc), judge);

		set |= arg & ~CAN_BE_NULL;
		if (!(arg & CAN_BE_NULL))
			return set;
	}
	return set | CAN_BE_NULL;
}

/*
 * Returns the possible results of a sub-select.  An EXISTS is certainly true
 * if its query always returns a row, because it has an aggregate or no FROM
 * clause.
 */
static int
exists(SubLink *link)
{
	Query	   *query = castNode(Query, link->subselect);

	if (link->subLinkType == EXISTS_SUBLINK && query->setOperations == NULL &&
		query->havingQual == NULL && query->limitCount == NULL && query->limitOffset == NULL &&
		query->groupClause == NIL && query->groupingSets == NIL && !query->hasTargetSRFs &&
		(query->hasAggs || (query->rtable == NIL && query->jointree->quals == NULL)))
		return CAN_BE_TRUE;
	return link->subLinkType == EXISTS_SUBLINK ? CAN_BE_TRUE | CAN_BE_FALSE : CAN_BE_ALL;
}

/* Returns the set of results that a node can have, as CAN_BE_* bits. */
static int
outcomes(Node *node, Judge *judge)
{
	check_stack_depth();
	node = cmig_rls_unwrap(node);
	if (node == NULL)
		return CAN_BE_ALL;
	switch (nodeTag(node))
	{
		case T_Const:
			if (((Const *) node)->constisnull)
				return CAN_BE_NULL;
			if (((Const *) node)->consttype != BOOLOID)
				return CAN_BE_ALL;
			return DatumGetBool(((Const *) node)->constvalue) ? CAN_BE_TRUE : CAN_BE_FALSE;
		case T_BoolExpr:
			return join((BoolExpr *) node, judge);
		case T_OpExpr:
			return compare((OpExpr *) node, judge);
		case T_DistinctExpr:
			return compare_distinct((DistinctExpr *) node, judge);
		case T_ScalarArrayOpExpr:
			return compare_any((ScalarArrayOpExpr *) node, judge);
		case T_NullTest:
			return test_null((NullTest *) node, judge);
		case T_BooleanTest:
			return test_boolean((BooleanTest *) node, judge);
		case T_CaseExpr:
			return choose((CaseExpr *) node, judge);
		case T_CoalesceExpr:
			return first_value((CoalesceExpr *) node, judge);
		case T_SubLink:
			return exists((SubLink *) node);
		default:
			return CAN_BE_ALL;
	}
}

CmigRlsTruth
cmig_rls_truth(Node *tree, Oid relid, const Bitmapset *keys, Bitmapset **but_null)
{
	Judge		judge = {relid, keys, false, NULL};
	int			set;

	if (but_null)
		*but_null = NULL;
	set = outcomes(tree, &judge);
	if (!(set & CAN_BE_TRUE))
		return CMIG_RLS_NEVER;
	if (set == CAN_BE_TRUE)
		return CMIG_RLS_ALWAYS;
	judge.assume = true;
	if (outcomes(tree, &judge) != CAN_BE_TRUE)
		return CMIG_RLS_DEPENDS;
	if (but_null)
		*but_null = judge.assumed;
	return CMIG_RLS_ALWAYS;
}
