/*
 * compare.c
 *	  The cases in which comparisons and sub-selects are true.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/base.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_ELEMENTS 30			/* length of an array constant that is looked
								 * into */
#define MAX_NESTING 3			/* depth of policies on tables that other
								 * policies read */

/*
 * Comparisons
 */

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
 * Compare two constants that are not null.  Returns false if that is not
 * possible.  Only a built-in operator is executed, because a user-defined "="
 * can be any function.
 */
bool
cmig_rls_compare_constants(OpExpr *expr, Const *left, Const *right, bool *result)
{
	Comparison	comparison = {get_opcode(expr->opno), expr->inputcollid, left, right, false};

	if (expr->opno >= FirstUnpinnedObjectId || comparison.function >= FirstUnpinnedObjectId ||
		op_volatile(expr->opno) != PROVOLATILE_IMMUTABLE ||
		left->consttype >= FirstUnpinnedObjectId || right->consttype >= FirstUnpinnedObjectId ||
		!cmig_rls_sample_is_builtin(left->consttype) || !cmig_rls_sample_is_builtin(right->consttype) ||
		type_is_collatable(left->consttype) != OidIsValid(expr->inputcollid) ||
		cmig_rls_sandbox_run(CMIG_ROLE_NOBODY, run_comparison, &comparison) != 0)
		return false;
	*result = comparison.result;
	return true;
}

/* Returns the operator's name if it is a built-in comparison, or NULL. */
static const char *
comparison_name(Oid opno)
{
	char	   *name = opno < FirstUnpinnedObjectId || get_mergejoin_opfamilies(opno) != NIL || cmig_is_ordering_operator_compat(opno) ?
	get_opname(opno) : NULL;

	return name && cmig_rls_in_words(name, "= <> <= >= < >", false) ? name : NULL;
}

/*
 * Returns true if the operator's truth means that a key equals the context:
 * CONTEXT ? key, array @> ARRAY[CONTEXT], and the like.
 */
static bool
holds_element(const char *name, const CmigRlsValue *left, const CmigRlsValue *right, Node *left_node, Node *right_node)
{
	if (strcmp(name, "?") == 0)
		return true;
	if (strcmp(name, "&&") == 0)
		return type_is_array(exprType(left_node));

	/*
	 * everything contains an empty array or document, but not [x] or
	 * to_jsonb(x)
	 */
	if (strcmp(name, "@>") == 0)
		return IsA(right_node, ArrayExpr) || (exprType(right_node) == JSONBOID && IsA(right_node, FuncExpr));
	if (strcmp(name, "<@") == 0)
		return IsA(left_node, ArrayExpr);
	return false;
}

/* Returns the cases in which one of the two values is null. */
static List *
either_null(Node *left, Node *right, CmigRlsScope *scope)
{
	return list_concat(cmig_rls_null_cases(left, true, scope), cmig_rls_null_cases(right, true, scope));
}

/*
 * Returns the cases in which a comparison of two values is true or false, with
 * what follows from it if the values are equal.
 */
static List *
compare_values(OpExpr *expr, const CmigRlsValue *left, const CmigRlsValue *right, int want, CmigRlsScope *scope)
{
	const char *name = comparison_name(expr->opno);
	bool		truth = want == IS_TRUE_BIT;
	bool		equality = cmig_rls_is_equality(expr->opno);
	bool		same = name && left->node && left->scope == right->scope && equal(left->node, right->node) && !contain_volatile_functions(left->node);
	CmigRlsCase *facts = cmig_rls_both(left->facts, right->facts);
	OpExpr	   *shown = expr;
	List	   *result;
	ListCell   *lc;
	bool		known;

	if (facts == NULL)
		return NIL;
	if (same)
	{
		bool		holds = strcmp(name, "<>") != 0 && strchr(name, '=') != NULL;

		return holds == truth ? cmig_rls_product(list_make1(facts), cmig_rls_implied_null_cases(left->node, false, left->scope)) : NIL;
	}
	if (name && left->node && right->node && IsA(left->node, Const) && IsA(right->node, Const))
	{
		if (((Const *) left->node)->constisnull || ((Const *) right->node)->constisnull)
			return NIL;
		if (cmig_rls_compare_constants(expr, (Const *) left->node, (Const *) right->node, &known))
			return known == truth ? list_make1(facts) : NIL;
	}
	/* nobody has the value of such a default */
	if ((equality || (get_opname(expr->opno) && get_opname(expr->opno)[0] == '@')) && truth && (cmig_rls_is_nobody(left) || cmig_rls_is_nobody(right)))
		return NIL;
	if (left->node && right->node && left->scope == scope && right->scope == scope &&
		!(equal(left->node, cmig_rls_unwrap(linitial(expr->args))) && equal(right->node, cmig_rls_unwrap(lsecond(expr->args)))) &&
		exprType(left->node) == exprType(cmig_rls_unwrap(linitial(expr->args))) && exprType(right->node) == exprType(cmig_rls_unwrap(lsecond(expr->args))))
	{
		shown = copyObject(expr);
		shown->args = list_make2(left->node, right->node);
	}
	/* a <> b is the negation of a = b, and so on */
	if (name && (strcmp(name, "<>") == 0 || strcmp(name, "<=") == 0 || strcmp(name, ">=") == 0) && OidIsValid(get_negator(expr->opno)))
	{
		shown = copyObject(shown);
		shown->opno = get_negator(expr->opno);
		shown->opfuncid = get_opcode(shown->opno);
		want = truth ? IS_FALSE_BIT : IS_TRUE_BIT;
		equality = strcmp(name, "<>") == 0;
		truth = want == IS_TRUE_BIT;
	}
	result = cmig_rls_product(list_make1(facts), cmig_rls_single((Node *) shown, want, scope));
	/* the comparison has a result only if neither side is null */
	if (left->node)
		result = cmig_rls_product(result, cmig_rls_implied_null_cases(left->node, false, left->scope));
	if (right->node)
		result = cmig_rls_product(result, cmig_rls_implied_null_cases(right->node, false, right->scope));
	foreach(lc, result)
	{
		if (truth && (equality || (get_opname(expr->opno) && left->node && right->node &&
								   holds_element(get_opname(expr->opno), left, right, cmig_rls_unwrap(linitial(expr->args)), cmig_rls_unwrap(lsecond(expr->args))))))
			cmig_rls_relate(lfirst(lc), left, right);
	}
	return result;
}

/*
 * Returns the cases in which one of the left values equals one of the right
 * values.
 */
static List *
equal_values(List *left, List *right)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *other;

	foreach(lc, left)
	{
		foreach(other, right)
		{
			CmigRlsCase *facts = cmig_rls_both(((CmigRlsValue *) lfirst(lc))->facts, ((CmigRlsValue *) lfirst(other))->facts);

			if (facts == NULL || cmig_rls_is_nobody(lfirst(other)))
				continue;
			cmig_rls_relate(facts, lfirst(lc), lfirst(other));
			result = lappend(result, facts);
		}
	}
	return result;
}

/* Is the sub-select a count of rows, without GROUP BY? */
static Query *
counts_rows(Node *node)
{
	SubLink    *link = (SubLink *) cmig_rls_bare(node);
	Query	   *query;
	Node	   *target;

	if (!IsA(link, SubLink) || link->subLinkType != EXPR_SUBLINK)
		return NULL;
	query = castNode(Query, link->subselect);
	target = query->targetList ? (Node *) linitial_node(TargetEntry, query->targetList)->expr : NULL;
	return target && IsA(target, Aggref) && query->groupClause == NIL && query->setOperations == NULL &&
		cmig_rls_is_named(((Aggref *) target)->aggfnoid, "count") ? query : NULL;
}

/* Returns the cases of the rows that the query returns. */
static List *
cases_of_rows(Query *query, CmigRlsScope *scope)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, cmig_rls_rows_of(query, scope))
	{
		result = lappend(result, ((CmigRlsRow *) lfirst(lc))->facts);
	}
	return result;
}

/* Returns the cases of a comparison or any other operator. */
List *
cmig_rls_compare(OpExpr *expr, int want, CmigRlsScope *scope)
{
	Node	   *left;
	Node	   *right;
	const char *name = comparison_name(expr->opno);
	Query	   *counted;
	List	   *result = NIL;
	List	   *others;
	ListCell   *lc;
	ListCell   *other;

	if (list_length(expr->args) != 2)
		return cmig_rls_single((Node *) expr, want, scope);
	left = cmig_rls_unwrap(linitial(expr->args));
	right = cmig_rls_unwrap(lsecond(expr->args));
	if (name && IsA(right, Const) && !((Const *) right)->constisnull && (counted = counts_rows(left)) != NULL)
	{
		char	   *text = cmig_rls_sample_text((Const *) right);

		if (want == IS_TRUE_BIT && ((strcmp(text, "0") == 0 && (name[0] == '>' || strcmp(name, "<>") == 0) && strcmp(name, ">=") != 0) ||
									(strcmp(text, "0") != 0 && text[0] != '-' && (name[0] == '>' || strcmp(name, "=") == 0))))
			return cmig_rls_product(cmig_rls_single((Node *) expr, want, scope), cases_of_rows(counted, scope));
		return cmig_rls_single((Node *) expr, want, scope);
	}
	/* a comparison of two conditions */
	if (name && (strcmp(name, "=") == 0 || strcmp(name, "<>") == 0) && exprType(left) == BOOLOID && exprType(right) == BOOLOID &&
		!(IsA(left, Var) && IsA(right, Var)))
	{
		int			bits[] = {IS_TRUE_BIT, IS_FALSE_BIT};

		if (want == IS_NULL_BIT)
			return list_concat(cmig_rls_cases_of(left, IS_NULL_BIT, scope), cmig_rls_cases_of(right, IS_NULL_BIT, scope));
		for (int i = 0; i < 2; i++)
			for (int j = 0; j < 2; j++)
				if ((i == j) == ((want == IS_TRUE_BIT) == (strcmp(name, "=") == 0)))
					result = list_concat(result, cmig_rls_product(cmig_rls_cases_of(left, bits[i], scope), cmig_rls_cases_of(right, bits[j], scope)));
		return result;
	}
	if (want == IS_NULL_BIT)
	{
		if (!op_strict(expr->opno))
			return cmig_rls_single((Node *) expr, want, scope);
		if (name && equal(left, right) && !contain_volatile_functions(left))
			return cmig_rls_null_cases(left, true, scope);
		return name ? either_null(left, right, scope) : list_concat(either_null(left, right, scope), cmig_rls_single((Node *) expr, want, scope));
	}
	others = cmig_rls_values_of(right, scope);
	foreach(lc, cmig_rls_values_of(left, scope))
	{
		foreach(other, others)
		{
			result = list_concat(result, compare_values(expr, lfirst(lc), lfirst(other), want, scope));
		}
	}
	return result;
}

/* Returns the elements of an array, or NIL if they are not known. */
static List *
elements_of(Node *array)
{
	List	   *result = NIL;
	Datum	   *values;
	bool	   *nulls;
	int			count;
	Oid			element;
	int16		length;
	bool		by_value;
	char		alignment;

	if (IsA(array, ArrayExpr) && !((ArrayExpr *) array)->multidims)
		return ((ArrayExpr *) array)->elements;
	if (!IsA(array, Const) || ((Const *) array)->constisnull || !OidIsValid(element = get_element_type(((Const *) array)->consttype)))
		return NIL;
	get_typlenbyvalalign(element, &length, &by_value, &alignment);
	deconstruct_array(DatumGetArrayTypeP(((Const *) array)->constvalue), element, length, by_value, alignment, &values, &nulls, &count);
	for (int i = 0; i < count && count <= MAX_ELEMENTS; i++)
		result = lappend(result, makeConst(element, -1, ((Const *) array)->constcollid, length, values[i], nulls[i], by_value));
	return result;
}

/* Returns the cases of "value operator ANY (array)" and of "... ALL (array)". */
List *
cmig_rls_compare_any(ScalarArrayOpExpr *expr, int want, CmigRlsScope *scope)
{
	Node	   *array = cmig_rls_unwrap(lsecond(expr->args));
	List	   *elements = elements_of(array);
	List	   *parts = NIL;
	ListCell   *lc;

	foreach(lc, elements)
	{
		OpExpr	   *part = (OpExpr *) make_opclause(expr->opno, BOOLOID, false, copyObject(linitial(expr->args)),
													lfirst(lc), InvalidOid, expr->inputcollid);

		part->opfuncid = expr->opfuncid;
		parts = lappend(parts, part);
	}
	if (list_length(parts) == 1)
		return cmig_rls_cases_of(linitial(parts), want, scope);
	if (parts)
		return cmig_rls_cases_of((Node *) makeBoolExpr(expr->useOr ? OR_EXPR : AND_EXPR, parts, -1), want, scope);
	if (want != IS_TRUE_BIT || !expr->useOr || !cmig_rls_is_equality(expr->opno))
		return cmig_rls_single((Node *) expr, want, scope);
	return cmig_rls_product(equal_values(cmig_rls_values_of(linitial(expr->args), scope), cmig_rls_values_of(array, scope)),
							cmig_rls_single((Node *) expr, want, scope));
}

/*
 * Queries
 */

/* Do the table's policies let the role see only rows that are tied? */
static bool
shows_only_own(Oid relid, Oid role, int nesting)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		applies;
	List	   *permissive = NIL;
	List	   *restrictive = NIL;
	ListCell   *lc;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	applies = form->relrowsecurity &&
		(!OidIsValid(role) || (!has_bypassrls_privilege(role) && (form->relforcerowsecurity || !has_privs_of_role(role, form->relowner))));
	ReleaseSysCache(tuple);
	foreach(lc, applies ? cmig_rls_policies_read(relid) : NIL)
	{
		CmigRlsPolicy *policy = lfirst(lc);
		List	  **policies = policy->permissive ? &permissive : &restrictive;

		/* a bypass for roles that are named does not open the table to PUBLIC */
		if (policy->qual_text && (policy->commands & CMIG_RLS_SELECT) &&
			(OidIsValid(role) ? cmig_rls_binds(policy, role) :
			 !OidIsValid(linitial_oid(policy->roles)) || strncmp(policy->qual_text, "{CONST ", 7) != 0))
			*policies = lappend(*policies, stringToNode(policy->qual_text));
	}
	foreach(lc, permissive)
	{
		List	   *parts = lappend(list_copy(restrictive), lfirst(lc));

		if (cmig_rls_prove((Node *) makeBoolExpr(AND_EXPR, parts, -1), relid, role, nesting).kind != CMIG_RLS_TIED)
			return false;
	}
	return permissive != NIL;
}

static List *add_from(Node *from, List *rows, bool nullable);

/* Returns a copy of the row in which a range table entry has the given row. */
static CmigRlsRow *
with_entry(const CmigRlsRow *row, int index, const CmigRlsCase *facts, int relation, CmigRlsRow *inner)
{
	CmigRlsRow *result = palloc(sizeof(CmigRlsRow));
	int			count = list_length(row->query->rtable);
	CmigRlsScope *scope = palloc(sizeof(CmigRlsScope));

	*result = *row;
	*scope = *row->scope;
	scope->relations = memcpy(palloc(sizeof(int) * count), row->scope->relations, sizeof(int) * count);
	scope->rows = memcpy(palloc(sizeof(CmigRlsRow *) * count), row->scope->rows, sizeof(CmigRlsRow *) * count);
	scope->relations[index] = relation;
	scope->rows[index] = inner;
	result->scope = scope;
	result->facts = cmig_rls_both(row->facts, facts);
	return result->facts ? result : NULL;
}

/* Returns the query of a CTE, and sets *scope to where it is. */
static CommonTableExpr *
find_cte(RangeTblEntry *entry, CmigRlsScope **scope)
{
	ListCell   *lc;

	for (int i = 0; i < entry->ctelevelsup && *scope; i++)
		*scope = (*scope)->outer;
	if (*scope == NULL || (*scope)->query == NULL)
		return NULL;
	foreach(lc, (*scope)->query->cteList)
	{
		if (strcmp(lfirst_node(CommonTableExpr, lc)->ctename, entry->ctename) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* Returns the rows with each of the rows of a range table entry. */
static List *
add_entry(int index, List *rows, bool nullable)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *each;

	foreach(lc, rows)
	{
		CmigRlsRow *row = lfirst(lc);
		RangeTblEntry *entry = rt_fetch(index, row->query->rtable);
		CmigRlsCase *facts = cmig_rls_no_facts();
		CmigRlsScope *home = row->scope;
		CommonTableExpr *cte;
		List	   *inner = NIL;

		if (entry->rtekind == RTE_RELATION)
		{
			int			relation = ++row->scope->proof->relations;

			if (!row->scope->definer && row->scope->proof->nesting < MAX_NESTING &&
				shows_only_own(entry->relid, row->scope->proof->role, row->scope->proof->nesting + 1))
				facts->tied = bms_make_singleton(relation);
			result = lappend(result, with_entry(row, index - 1, facts, relation, NULL));
			continue;
		}
		/* a recursive query is not examined */
		if (!nullable && entry->rtekind == RTE_SUBQUERY)
			inner = cmig_rls_rows_of(entry->subquery, row->scope);
		else if (!nullable && entry->rtekind == RTE_CTE && (cte = find_cte(entry, &home)) != NULL && !cte->cterecursive)
			inner = cmig_rls_rows_of((Query *) cte->ctequery, home);
		if (inner == NIL && (nullable || entry->rtekind != RTE_SUBQUERY))
			result = lappend(result, row);
		foreach(each, inner)
		{
			CmigRlsRow *found = lfirst(each);
			CmigRlsRow *added = with_entry(row, index - 1, found->facts, 0, found);

			if (added)
				result = lappend(result, added);
		}
	}
	return result;
}

/* Returns the rows for which the condition is true. */
static List *
filter(List *rows, Node *quals)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *each;

	if (quals == NULL)
		return rows;
	foreach(lc, rows)
	{
		CmigRlsRow *row = lfirst(lc);

		foreach(each, cmig_rls_product(list_make1(row->facts), cmig_rls_cases_of(quals, IS_TRUE_BIT, row->scope)))
		{
			CmigRlsRow *kept = palloc(sizeof(CmigRlsRow));

			*kept = *row;
			kept->facts = lfirst(each);
			result = lappend(result, kept);
		}
	}
	return result;
}

/*
 * Add the tables of a FROM clause.  A condition of an outer join does not limit
 * the rows of the side that is kept, so it is not used.
 */
static List *
add_from(Node *from, List *rows, bool nullable)
{
	JoinExpr   *join = (JoinExpr *) from;
	ListCell   *lc;

	if (IsA(from, RangeTblRef))
		return add_entry(((RangeTblRef *) from)->rtindex, rows, nullable);
	if (IsA(from, FromExpr))
	{
		foreach(lc, ((FromExpr *) from)->fromlist)
		{
			rows = add_from(lfirst(lc), rows, nullable);
		}
		return filter(rows, ((FromExpr *) from)->quals);
	}
	rows = add_from(join->larg, rows, nullable || join->jointype == JOIN_RIGHT || join->jointype == JOIN_FULL);
	rows = add_from(join->rarg, rows, nullable || join->jointype == JOIN_LEFT || join->jointype == JOIN_FULL);
	return join->jointype == JOIN_INNER && !nullable ? filter(rows, join->quals) : rows;
}

/* Returns the rows of the arms of UNION, INTERSECT, or EXCEPT. */
static List *
rows_of_arms(Node *node, Query *query, CmigRlsScope *scope)
{
	SetOperationStmt *operation = (SetOperationStmt *) node;

	if (IsA(node, RangeTblRef))
		return cmig_rls_rows_of(rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable)->subquery, scope);
	/* every row of INTERSECT and EXCEPT is one of the first arm */
	if (operation->op != SETOP_UNION)
		return rows_of_arms(operation->larg, query, scope);
	return list_concat(rows_of_arms(operation->larg, query, scope), rows_of_arms(operation->rarg, query, scope));
}

/*
 * Returns the rows that a query can return, each with what holds if it does.
 * Clauses that leave out rows, such as LIMIT and HAVING, are ignored.
 */
List *
cmig_rls_rows_of(Query *query, CmigRlsScope *outer)
{
	CmigRlsScope *scope = palloc0(sizeof(CmigRlsScope));
	CmigRlsRow *row = palloc0(sizeof(CmigRlsRow));
	int			count = list_length(query->rtable);

	check_stack_depth();
	scope->proof = outer->proof;
	scope->outer = outer;
	scope->depth = outer->depth + 1;
	scope->definer = outer->definer || query->hasRowSecurity;
	scope->query = query;
	scope->relations = palloc0(sizeof(int) * (count + 1));
	scope->rows = palloc0(sizeof(CmigRlsRow *) * (count + 1));
	row->facts = cmig_rls_no_facts();
	row->scope = scope;
	row->query = query;
	if (query->commandType != CMD_SELECT || query->groupingSets != NIL)
		return list_make1(row);
	if (query->setOperations)
		return rows_of_arms(query->setOperations, query, scope);
	return add_from((Node *) query->jointree, list_make1(row), false);
}

/* Does the query return a row whatever its tables contain? */
static bool
always_returns(Query *query)
{
	return query->setOperations == NULL && query->havingQual == NULL && query->limitCount == NULL && query->limitOffset == NULL &&
		query->groupClause == NIL && query->groupingSets == NIL && !query->hasTargetSRFs &&
		(query->hasAggs || (query->rtable == NIL && query->jointree->quals == NULL));
}

/* Returns the cases of "value operator ANY (SELECT ...)". */
static List *
compare_rows(SubLink *link, CmigRlsScope *scope)
{
	List	   *tests = IsA(link->testexpr, BoolExpr) && ((BoolExpr *) link->testexpr)->boolop == AND_EXPR ?
	((BoolExpr *) link->testexpr)->args : list_make1(link->testexpr);
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *each;

	foreach(lc, cmig_rls_rows_of(castNode(Query, link->subselect), scope))
	{
		CmigRlsRow *row = lfirst(lc);
		List	   *cases = cmig_rls_product(list_make1(row->facts), cmig_rls_single((Node *) link, IS_TRUE_BIT, scope));

		foreach(each, tests)
		{
			OpExpr	   *test = lfirst(each);
			Param	   *param;
			Node	   *target;

			if (!IsA(test, OpExpr) || list_length(test->args) != 2 || !cmig_rls_is_equality(test->opno))
				continue;
			param = (Param *) cmig_rls_bare(lsecond(test->args));
			if (!IsA(param, Param) || param->paramkind != PARAM_SUBLINK || param->paramid > list_length(row->query->targetList))
				continue;
			target = (Node *) list_nth_node(TargetEntry, row->query->targetList, param->paramid - 1)->expr;
			cases = cmig_rls_product(cases, equal_values(cmig_rls_values_of(linitial(test->args), scope), cmig_rls_values_of(target, row->scope)));
		}
		result = list_concat(result, cases);
	}
	return result;
}

/* Returns the cases of a sub-select that is a condition. */
List *
cmig_rls_cases_of_link(SubLink *link, int want, CmigRlsScope *scope)
{
	Query	   *query = castNode(Query, link->subselect);
	List	   *result = NIL;
	ListCell   *lc;

	switch (link->subLinkType)
	{
		case EXISTS_SUBLINK:
			if (want == IS_NULL_BIT || (always_returns(query) && want == IS_FALSE_BIT))
				return NIL;
			if (always_returns(query))
				return list_make1(cmig_rls_no_facts());
			if (want == IS_TRUE_BIT)
				return cmig_rls_product(cases_of_rows(query, scope), cmig_rls_single((Node *) link, want, scope));
			break;
		case ANY_SUBLINK:
			if (want == IS_TRUE_BIT)
				return compare_rows(link, scope);
			break;
		case EXPR_SUBLINK:
			if (query->targetList == NIL ||
				(want != IS_TRUE_BIT && (query->rtable != NIL || query->setOperations != NULL || query->cteList != NIL)))
				break;
			foreach(lc, cmig_rls_rows_of(query, scope))
			{
				CmigRlsRow *row = lfirst(lc);

				result = list_concat(result, cmig_rls_product(list_make1(row->facts),
															  cmig_rls_cases_of((Node *) linitial_node(TargetEntry, row->query->targetList)->expr, want, row->scope)));
			}
			/* without a row, the value is null */
			if (want == IS_NULL_BIT)
				result = list_concat(result, cmig_rls_single((Node *) link, want, scope));
			return result;
		default:
			break;
	}
	return cmig_rls_single((Node *) link, want, scope);
}
