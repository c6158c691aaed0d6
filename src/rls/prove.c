/*
 * prove.c
 *	  Proves that a policy's expression lets through only rows that belong to
 *	  the context.
 *
 * An expression is true, false, or null.  For each of these results, the
 * prover lists the cases in which the expression can have it: what must hold
 * of its conditions, such as "tenant_id = <context> is true" and "is_public is
 * false".  There may be too many cases but never too few, so what holds in all
 * of them is certain.
 *
 * A row is tied to the context if one of its keys equals the context, or equals
 * a key of a row of another table that is tied, as in a look-up of memberships.
 * The expression is safe if the row is tied in every case in which the
 * expression is true.  For a case in which the row is not tied, the conditions
 * tell whether everybody sees the same rows (they do not use the context),
 * whether the session alone decides (they do not use the row), or whether
 * nothing can be said.
 *
 * Functions have been replaced with their bodies before (nodes.c).  The only
 * parts that are evaluated are comparisons of constants by built-in functions.
 * Constant folding is not used, because it would call functions that belong to
 * the policy's author.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#define MAX_NESTING 3			/* depth of policies on tables that other
								 * policies read */

/* Returns a row if row-level security of table $1 applies to role $2, or PUBLIC. */
static CmigQuery policies_apply = {
	"SELECT FROM pg_class c LEFT JOIN pg_roles r ON r.oid = $2 WHERE c.oid = $1"
	" AND c.relrowsecurity AND ($2 = 0"
	" OR (NOT r.rolsuper AND NOT r.rolbypassrls AND (c.relforcerowsecurity"
	" OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))))",
	{OIDOID, OIDOID}
};

static CmigRlsVerdict prove(Node *tree, Oid relid, Oid role, int nesting);

/* Do the table's policies let the role see only rows that are tied? */
static bool
shows_only_own(Oid relid, Oid role, int nesting)
{
	bool		applies = cmig_query_do(&policies_apply, relid, role) > 0;
	List	   *permissive = NIL;
	List	   *restrictive = NIL;

	foreach_ptr(CmigRlsPolicy, policy, applies ? cmig_rls_policies_read(relid) : NIL)
	{
		List	  **policies = policy->permissive ? &permissive : &restrictive;

		/* a bypass for roles that are named does not open the table to PUBLIC */
		if (policy->qual_text && (policy->commands & CMIG_RLS_SELECT) &&
			(OidIsValid(role) ? cmig_rls_binds(policy, role) :
			 !OidIsValid(linitial_oid(policy->roles)) ||
			 strncmp(policy->qual_text, "{CONST ", 7) != 0))
			*policies = lappend(*policies, cmig_rls_read(policy->qual_text));
	}
	foreach_ptr(Node, each, permissive)
	{
		List	   *parts;

		cmig_rls_step(list_length(restrictive) + 1);
		parts = lappend(list_copy(restrictive), each);
		if (prove((Node *) makeBoolExpr(AND_EXPR, parts, -1), relid, role,
				  nesting).kind != CMIG_RLS_TIED)
			return false;
	}
	return permissive != NIL;
}

static List *add_from(Node *from, List *rows, bool nullable);

/* Returns a copy of the row in which a range table entry has the given row. */
static CmigRlsRow *
with_entry(const CmigRlsRow *row, int index, const CmigRlsCase *facts, int relation,
		   CmigRlsRow *inner)
{
	CmigRlsRow *result = palloc(sizeof(CmigRlsRow));
	int			count = list_length(row->scope->query->rtable);
	CmigRlsScope *scope = palloc(sizeof(CmigRlsScope));

	cmig_rls_step(count + 1);
	*result = *row;
	*scope = *row->scope;
	scope->relations = memcpy(palloc(sizeof(int) * count), row->scope->relations,
							  sizeof(int) * count);
	scope->rows = memcpy(palloc(sizeof(CmigRlsRow *) * count), row->scope->rows,
						 sizeof(CmigRlsRow *) * count);
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
	for (int i = 0; i < entry->ctelevelsup && *scope; i++)
		*scope = (*scope)->outer;
	if (*scope == NULL || (*scope)->query == NULL)
		return NULL;
	foreach_node(CommonTableExpr, cte, (*scope)->query->cteList)
	{
		if (strcmp(cte->ctename, entry->ctename) == 0)
			return cte;
	}
	return NULL;
}

/* Returns the rows with each of the rows of a range table entry. */
static List *
add_entry(int index, List *rows, bool nullable)
{
	List	   *result = NIL;

	foreach_ptr(CmigRlsRow, row, rows)
	{
		RangeTblEntry *entry = rt_fetch(index, row->scope->query->rtable);
		CmigRlsCase *facts = cmig_rls_no_facts();
		CmigRlsScope *home = row->scope;
		CommonTableExpr *cte;
		List	   *inner = NIL;

		if (entry->rtekind == RTE_RELATION)
		{
			int			relation = ++row->scope->proof->relations;

			if (!row->scope->definer && row->scope->proof->nesting < MAX_NESTING &&
				shows_only_own(entry->relid, row->scope->proof->role,
							   row->scope->proof->nesting + 1))
				facts->tied = bms_make_singleton(relation);
			result = lappend(result, with_entry(row, index - 1, facts, relation, NULL));
			continue;
		}
		/* a recursive query is not examined */
		if (!nullable && entry->rtekind == RTE_SUBQUERY)
			inner = cmig_rls_rows_of(entry->subquery, row->scope, false);
		else if (!nullable && entry->rtekind == RTE_CTE && (cte = find_cte(entry, &home)) != NULL &&
				 !cte->cterecursive)
			inner = cmig_rls_rows_of((Query *) cte->ctequery, home, false);
		if (inner == NIL && (nullable || entry->rtekind != RTE_SUBQUERY))
			result = lappend(result, row);
		foreach_ptr(CmigRlsRow, found, inner)
		{
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

	if (quals == NULL)
		return rows;
	foreach_ptr(CmigRlsRow, row, rows)
	{
		foreach_ptr(CmigRlsCase, facts, cmig_rls_product(list_make1(row->facts),
														 cmig_rls_cases_of(quals, IS_TRUE_BIT,
																		   row->scope)))
		{
			CmigRlsRow *kept = palloc(sizeof(CmigRlsRow));

			*kept = *row;
			kept->facts = facts;
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

	if (IsA(from, RangeTblRef))
		return add_entry(((RangeTblRef *) from)->rtindex, rows, nullable);
	if (IsA(from, FromExpr))
	{
		foreach_ptr(Node, node, ((FromExpr *) from)->fromlist)
			rows = add_from(node, rows, nullable);
		return filter(rows, ((FromExpr *) from)->quals);
	}
	rows = add_from(join->larg, rows, nullable || join->jointype == JOIN_RIGHT ||
					join->jointype == JOIN_FULL);
	rows = add_from(join->rarg, rows, nullable || join->jointype == JOIN_LEFT ||
					join->jointype == JOIN_FULL);
	return join->jointype == JOIN_INNER && !nullable ? filter(rows, join->quals) : rows;
}

/* Returns the rows of the arms of UNION, INTERSECT, or EXCEPT. */
static List *
rows_of_arms(Node *node, Query *query, CmigRlsScope *scope)
{
	SetOperationStmt *operation = (SetOperationStmt *) node;

	if (IsA(node, RangeTblRef))
		return cmig_rls_rows_of(rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable)->subquery,
								scope, false);
	/* every row of INTERSECT and EXCEPT is one of the first arm */
	if (operation->op != SETOP_UNION)
		return rows_of_arms(operation->larg, query, scope);
	return list_concat(rows_of_arms(operation->larg, query, scope),
					   rows_of_arms(operation->rarg, query, scope));
}

/*
 * Returns the rows that a query can return, each with what holds if it does; if
 * "aggregated" is true, the rows that its aggregates read.  Clauses that leave
 * out rows, such as LIMIT and HAVING, are ignored.
 */
List *
cmig_rls_rows_of(Query *query, CmigRlsScope *outer, bool aggregated)
{
	CmigRlsScope *scope = palloc0(sizeof(CmigRlsScope));
	CmigRlsRow *row = palloc0(sizeof(CmigRlsRow));
	int			count = list_length(query->rtable);

	check_stack_depth();
	cmig_rls_step(count + 1);
	scope->proof = outer->proof;
	scope->outer = outer;
	scope->depth = outer->depth + 1;
	scope->definer = outer->definer || query->hasRowSecurity;
	scope->query = query;
	scope->relations = palloc(sizeof(int) * (count + 1));
	for (int i = 0; i < count; i++)
		scope->relations[i] = ++scope->proof->relations;
	scope->rows = palloc0(sizeof(CmigRlsRow *) * (count + 1));
	row->facts = cmig_rls_no_facts();
	row->scope = scope;
	/* an aggregate without GROUP BY also has a value if there are no rows */
	if (query->commandType != CMD_SELECT || query->groupingSets != NIL ||
		(query->hasAggs && query->groupClause == NIL && !aggregated))
		return list_make1(row);
	if (query->setOperations)
		return rows_of_arms(query->setOperations, query, scope);
	return add_from((Node *) query->jointree, list_make1(row), false);
}

/* Does the query return a row whatever its tables contain? */
static bool
always_returns(Query *query)
{
	return query->setOperations == NULL && query->havingQual == NULL && query->limitCount == NULL &&
		query->limitOffset == NULL &&
		query->groupClause == NIL && query->groupingSets == NIL && !query->hasTargetSRFs &&
		(query->hasAggs || (query->rtable == NIL && query->jointree->quals == NULL));
}

/* Returns the cases of "value operator ANY (SELECT ...)". */
static List *
compare_rows(SubLink *link, CmigRlsScope *scope)
{
	List	   *tests = IsA(link->testexpr, BoolExpr) &&
	((BoolExpr *) link->testexpr)->boolop == AND_EXPR ?
	((BoolExpr *) link->testexpr)->args : list_make1(link->testexpr);
	List	   *result = NIL;

	foreach_ptr(CmigRlsRow, row, cmig_rls_rows_of(castNode(Query, link->subselect), scope, false))
	{
		List	   *cases = cmig_rls_product(list_make1(row->facts),
											 cmig_rls_single((Node *) link, IS_TRUE_BIT, scope));

		foreach_ptr(OpExpr, test, tests)
		{
			Param	   *param;
			Node	   *target;

			if (!IsA(test, OpExpr) || list_length(test->args) != 2 ||
				!cmig_rls_is_equality(test->opno))
				continue;
			param = (Param *) cmig_rls_bare(lsecond(test->args));
			if (!IsA(param, Param) || param->paramkind != PARAM_SUBLINK ||
				param->paramid > list_length(row->scope->query->targetList))
				continue;
			target = (Node *) list_nth_node(TargetEntry, row->scope->query->targetList,
											param->paramid - 1)->expr;
			if (!cmig_rls_tells_apart(linitial(test->args), test->inputcollid) ||
				!cmig_rls_tells_apart(target, test->inputcollid))
				continue;
			cases = cmig_rls_product(cases,
									 cmig_rls_equal_values(cmig_rls_values_of(linitial(test->args), scope), cmig_rls_values_of(target, row->scope)));
		}
		result = list_concat(result, cases);
	}
	return result;
}

/* Returns the cases of a sub-select that is a condition. */
static List *
cases_of_link(SubLink *link, int want, CmigRlsScope *scope)
{
	Query	   *query = castNode(Query, link->subselect);
	List	   *result = NIL;

	switch (link->subLinkType)
	{
		case EXISTS_SUBLINK:
			if (want == IS_NULL_BIT || (always_returns(query) && want == IS_FALSE_BIT))
				return NIL;
			if (always_returns(query))
				return list_make1(cmig_rls_no_facts());
			if (want != IS_TRUE_BIT)
				break;
			foreach_ptr(CmigRlsRow, found, cmig_rls_rows_of(query, scope, false))
				result = lappend(result, found->facts);
			return cmig_rls_product(result, cmig_rls_single((Node *) link, want, scope));
		case ANY_SUBLINK:
			if (want == IS_TRUE_BIT)
				return compare_rows(link, scope);
			break;
		case EXPR_SUBLINK:
			if (query->targetList == NIL ||
				(query->hasAggs &&
				 (contain_vars_of_level((Node *) query, 1) ||
				  cmig_rls_calls_context((Node *) query))) ||
				(want != IS_TRUE_BIT &&
				 (query->rtable != NIL || query->setOperations != NULL || query->cteList != NIL)))
				break;
			foreach_ptr(CmigRlsRow, row, cmig_rls_rows_of(query, scope, false))
				result = list_concat(result, cmig_rls_product(list_make1(row->facts),
															  cmig_rls_cases_of((Node *) linitial_node(TargetEntry, row->scope->query->targetList)->expr, want, row->scope)));
			/* without a row, the value is null */
			if (want == IS_NULL_BIT)
				result = list_concat(result, cmig_rls_single((Node *) link, want, scope));
			return result;
		default:
			break;
	}
	return cmig_rls_single((Node *) link, want, scope);
}

/* Returns the cases of AND or OR. */
static List *
cases_of_list(BoolExpr *expr, int want, CmigRlsScope *scope)
{
	int			strong = expr->boolop == AND_EXPR ? IS_FALSE_BIT : IS_TRUE_BIT;
	int			weak = strong ^ (IS_TRUE_BIT | IS_FALSE_BIT);
	List	   *all = list_make1(cmig_rls_no_facts());
	List	   *with_null = NIL;

	if (want == strong)
	{
		List	   *result = NIL;

		foreach_ptr(Node, arg, expr->args)
			result = list_concat(result, cmig_rls_cases_of(arg, want, scope));
		return result;
	}
	/* all arguments have the weak result or, if the result is null, are null */
	foreach_ptr(Node, node, expr->args)
	{
		List	   *this = cmig_rls_cases_of(node, weak, scope);

		if (want == IS_NULL_BIT)
		{
			List	   *nulls = cmig_rls_cases_of(node, IS_NULL_BIT, scope);

			with_null = list_concat(cmig_rls_product(with_null, list_concat_copy(this, nulls)),
									cmig_rls_product(all, nulls));
		}
		all = cmig_rls_product(all, this);
	}
	return want == IS_NULL_BIT ? with_null : all;
}

/* Returns the cases of IS TRUE, IS NOT FALSE, and similar tests. */
static List *
cases_of_test(BooleanTest *test, int want, CmigRlsScope *scope)
{
	int			hits = test->booltesttype == IS_TRUE ||
	test->booltesttype == IS_NOT_TRUE ? IS_TRUE_BIT :
	test->booltesttype == IS_FALSE ||
	test->booltesttype == IS_NOT_FALSE ? IS_FALSE_BIT : IS_NULL_BIT;
	bool		negated = test->booltesttype == IS_NOT_TRUE || test->booltesttype == IS_NOT_FALSE ||
	test->booltesttype == IS_NOT_UNKNOWN;
	List	   *result = NIL;

	if (want == IS_NULL_BIT)
		return NIL;
	for (int bit = IS_TRUE_BIT; bit <= IS_NULL_BIT; bit <<= 1)
		if ((bit == hits) == ((want == IS_TRUE_BIT) != negated))
			result = list_concat(result, cmig_rls_cases_of((Node *) test->arg, bit, scope));
	return result;
}

/* Returns the cases of a comparison that treats nulls as equal. */
static List *
cases_of_distinct(DistinctExpr *expr, int want, CmigRlsScope *scope)
{
	OpExpr	   *equality = makeNode(OpExpr);
	Node	   *left = linitial(expr->args);
	Node	   *right = lsecond(expr->args);

	memcpy(equality, expr, sizeof(OpExpr));
	equality->xpr.type = T_OpExpr;
	if (want == IS_NULL_BIT)
		return NIL;
	if (want == IS_FALSE_BIT)
		return list_concat(cmig_rls_cases_of((Node *) equality, IS_TRUE_BIT, scope),
						   cmig_rls_product(cmig_rls_null_cases(left, true, scope),
											cmig_rls_null_cases(right, true, scope)));
	return list_concat(cmig_rls_cases_of((Node *) equality, IS_FALSE_BIT, scope),
					   list_concat(cmig_rls_product(cmig_rls_null_cases(left, true, scope),
													cmig_rls_null_cases(right, false, scope)),
								   cmig_rls_product(cmig_rls_null_cases(left, false, scope),
													cmig_rls_null_cases(right, true, scope))));
}

/*
 * The roles to which a policy for role $2 on table $1 applies.  For PUBLIC,
 * these are the roles with a privilege on the table; its owner is not counted.
 */
static CmigQuery bound_roles = {
	"SELECT r.rolname::text FROM pg_roles r JOIN pg_class c ON c.oid = $1 WHERE NOT r.rolsuper"
	" AND r.rolname !~ '^pg_'"
	" AND CASE WHEN $2 <> 0 THEN pg_has_role(r.oid, $2, 'USAGE')"
	" ELSE NOT pg_has_role(r.oid, c.relowner, 'USAGE')"
	"  AND (has_any_column_privilege(r.oid, $1, 'SELECT, INSERT, UPDATE')"
	" OR has_table_privilege(r.oid, $1, 'DELETE')) END",
	{OIDOID, OIDOID}
};

/*
 * Returns true if a comparison of current_user with a constant has the result
 * for none of the roles to which the policy applies.
 */
static bool
excludes_roles(OpExpr *expr, int want, CmigRlsScope *scope)
{
	List	   *names;
	int			user;
	Node	   *other;

	if (scope->proof->any_role || want == IS_NULL_BIT || list_length(expr->args) != 2)
		return false;
	user = cmig_rls_calls_user(cmig_rls_bare(lsecond(expr->args))) ? 1 : 0;
	other = cmig_rls_unwrap(list_nth(expr->args, 1 - user));
	if (!cmig_rls_calls_user(cmig_rls_bare(list_nth(expr->args, user))) || !IsA(other, Const) ||
		((Const *) other)->constisnull ||
		!cmig_rls_sample_is_builtin(exprType(list_nth(expr->args, user))))
		return false;
	names = cmig_query_list(&bound_roles, scope->proof->relid, scope->proof->role);
	foreach_ptr(CmigValue, row, names)
	{
		Const	   *name = cmig_rls_sample_const(exprType(list_nth(expr->args, user)), *row);
		bool		result;

		if (!cmig_rls_compare_constants(expr, user ? (Const *) other : name,
										user ? name : (Const *) other, &result) ||
			result == (want == IS_TRUE_BIT))
			return false;
	}
	return true;
}

/*
 * Returns the cases in which a condition has the result "want", or an expression
 * of any type is null or is not.
 */
List *
cmig_rls_cases_of(Node *node, int want, CmigRlsScope *scope)
{
	check_stack_depth();
	cmig_rls_step(1);
	if (want >= VALUE_NULL)
		return cmig_rls_null_cases(node, want == VALUE_NULL, scope);
	node = cmig_rls_unwrap(node);
	if (node == NULL)
		return list_make1(cmig_rls_no_facts());
	switch (nodeTag(node))
	{
		case T_Const:
			return want == (((Const *) node)->constisnull ? IS_NULL_BIT :
							DatumGetBool(((Const *) node)->constvalue) ? IS_TRUE_BIT :
							IS_FALSE_BIT) ?
				list_make1(cmig_rls_no_facts()) : NIL;
		case T_BoolExpr:
			return ((BoolExpr *) node)->boolop == NOT_EXPR ?
				cmig_rls_cases_of(linitial(((BoolExpr *) node)->args),
								  want == IS_NULL_BIT ? want : want ^ (IS_TRUE_BIT | IS_FALSE_BIT),
								  scope) :
				cases_of_list((BoolExpr *) node, want, scope);
		case T_OpExpr:
			if (excludes_roles((OpExpr *) node, want, scope))
				return NIL;
			return cmig_rls_compare((OpExpr *) node, want, scope);
		case T_DistinctExpr:
			return cases_of_distinct((DistinctExpr *) node, want, scope);
		case T_ScalarArrayOpExpr:
			return cmig_rls_compare_any((ScalarArrayOpExpr *) node, want, scope);
		case T_NullTest:
			if (((NullTest *) node)->argisrow || want == IS_NULL_BIT)
				return want == IS_NULL_BIT ? NIL : cmig_rls_single(node, want, scope);
			return cmig_rls_mark_literals(cmig_rls_null_cases((Node *) ((NullTest *) node)->arg,
															  (((NullTest *) node)->nulltesttype == IS_NULL) == (want == IS_TRUE_BIT), scope),
										  offsetof(CmigRlsLiteral, asked));
		case T_BooleanTest:
			return cases_of_test((BooleanTest *) node, want, scope);
		case T_CaseExpr:
		case T_CoalesceExpr:
			return cmig_rls_cases_of_branches(node, want, scope);
		case T_SubLink:
			return cases_of_link((SubLink *) node, want, scope);
		case T_Var:
			if (want == IS_NULL_BIT)
				return cmig_rls_null_cases(node, true, scope);
			return cmig_rls_product(cmig_rls_single(node, want, scope),
									cmig_rls_not_null(node, scope));
		default:
			return cmig_rls_single(node, want, scope);
	}
}

/* What a condition uses, for uses_walker(). */
typedef struct Uses
{
	int			depth;
	bool		row;			/* the policy's row */
	bool		table;			/* other tables */
	char	   *unread;			/* a function whose body is not known */
	bool		hidden;			/* a table whose policies may use the context */
} Uses;

/* Returns a row if row-level security applies to table $1, or it is a view. */
static CmigQuery has_policies =
{"SELECT FROM pg_class WHERE oid = $1 AND (relrowsecurity OR relkind <> 'r')", {OIDOID}};

static bool
uses_walker(Node *node, void *context)
{
	Uses	   *uses = context;
	Oid			operator;
	List	   *args;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		uses->row |= ((Var *) node)->varlevelsup == uses->depth;
		uses->table |= ((Var *) node)->varlevelsup < uses->depth;
		return false;
	}
	operator = cmig_rls_operator(node, &args);
	if (uses->unread == NULL && cmig_rls_is_foreign_call(node) &&
		!cmig_rls_calls_session_function(node))
		uses->unread = get_func_name(((FuncExpr *) node)->funcid);
	else if (uses->unread == NULL && operator >= FirstUnpinnedObjectId &&
			 !cmig_rls_is_equality(operator))
		uses->unread = get_func_name(get_opcode(operator));
	if (IsA(node, Query))
	{
		bool		result;

		uses->depth++;
		foreach_node(RangeTblEntry, entry, ((Query *) node)->rtable)
		{
			uses->table |= entry->rtekind == RTE_RELATION;
			uses->hidden |= entry->rtekind == RTE_RELATION &&
				cmig_query_do(&has_policies, entry->relid) > 0;
		}
		result = query_tree_walker((Query *) node, uses_walker, context, 0);
		uses->depth--;
		return result;
	}
	return expression_tree_walker(node, uses_walker, context);
}

/*
 * Returns true if the condition marks rows that are meant for everybody: a
 * flag, a column that has a certain value, or one that has any.
 */
static bool
is_mark(const CmigRlsLiteral *literal)
{
	static const char *const secret[] = {"private", "hidden", "secret", "internal", "restricted",
	"draft"};
	Node	   *node = cmig_rls_bare(literal->node);
	Oid			relid = literal->scope->query == NULL ? literal->scope->proof->relid : InvalidOid;
	char	   *name = NULL;
	Oid			opno;
	List	   *args;
	Node	   *left;
	Node	   *right;
	Const	   *constant;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		name = get_attname(relid, ((Var *) node)->varattno, true);
		/* published_at IS NOT NULL, and rows without an owner */
		if (literal->result == VALUE_NULL || literal->result == VALUE_NOT_NULL)
			return literal->asked &&
				(literal->result == VALUE_NOT_NULL || (name && cmig_rls_names_owner(name)));
		for (int i = 0; name && literal->result != IS_TRUE_BIT && i < lengthof(secret); i++)
			if (strstr(name, secret[i]))
				return literal->result == IS_FALSE_BIT;
		return literal->result == IS_TRUE_BIT;
	}
	opno = cmig_rls_operator(node, &args);
	if (literal->result != IS_TRUE_BIT || !OidIsValid(opno) || list_length(args) != 2)
		return false;
	left = cmig_rls_bare(linitial(args));
	right = cmig_rls_bare(lsecond(args));
	constant = IsA(right, Const) && ((Const *) right)->consttype == TEXTOID &&
		!((Const *) right)->constisnull ? (Const *) right : NULL;
	if (IsA(node, OpExpr) && strcmp(get_opname(opno), "?") == 0)
	{
		if (!IsA(left, Var) || !IsA(right, Const) ||
			(constant && cmig_rls_names_owner(cmig_rls_sample_text(constant))))
			return false;
		name = get_attname(relid, ((Var *) left)->varattno, true);
		return name == NULL || !cmig_rls_names_owner(name);
	}
	/* nobody marks rows with an empty text */
	if (constant && VARSIZE_ANY_EXHDR(DatumGetPointer(constant->constvalue)) == 0)
		return false;
	return cmig_rls_is_equality(opno) && (IsA(left, Var) || IsA(left, Const)) &&
		(IsA(right, Var) || IsA(right, Const)) &&
		!(IsA(left, Var) && IsA(right, Var));
}

/* Does the node call a function that checks privileges, such as pg_has_role()? */
static bool
asks_privileges(Node *node)
{
	char	   *name = IsA(node, FuncExpr) &&
	((FuncExpr *) node)->funcid < FirstUnpinnedObjectId ?
	get_func_name(((FuncExpr *) node)->funcid) : NULL;

	return name && cmig_rls_in_words(name, "pg_has_ has_", true);
}

/*
 * Judge a case in which the row is not tied.  If it is worse than what the
 * verdict says, it becomes the verdict.
 */
static void
judge(const CmigRlsCase *facts, const CmigRlsProof *proof, CmigRlsVerdict *verdict)
{
	CmigRlsVerdict this = {CMIG_RLS_OPEN};
	StringInfoData text;
	bool		row = false;
	bool		table = false;
	bool		mixed = false;
	bool		marked = false;
	bool		unmarked = false;

	cmig_rls_step(10 * list_length(facts->literals) + 1);
	initStringInfo(&text);
	foreach_ptr(CmigRlsLiteral, literal, facts->literals)
	{
		Uses		uses = {literal->scope->depth};
		bool		context = cmig_rls_calls_context(literal->node);

		(void) uses_walker(literal->node, &uses);
		/* a row that has an owner is any row */
		if (literal->implied ||
			(literal->result == VALUE_NOT_NULL && IsA(literal->node, Var) &&
			 literal->scope->query == NULL &&
			 cmig_rls_names_owner(get_attname(proof->relid, ((Var *) literal->node)->varattno,
											  false))))
			continue;
		/* a test of a membership may be meant to let its members see more */
		if (cmig_rls_any(literal->node, asks_privileges))
		{
			context = uses.row;
			mixed |= uses.row;
		}
		this.context |= context;
		this.setting |= cmig_rls_any(literal->node, cmig_rls_calls_setting);
		/* a default that replaces the context */
		unmarked |= context && literal->result == VALUE_NULL && !literal->asked;
		/* what a sub-select that is true consists of is listed, too */
		if (IsA(literal->node, SubLink) && literal->result == IS_TRUE_BIT)
		{
			this.tables = true;
			row |= uses.row;
			this.context |= uses.hidden;
			mixed |= uses.hidden || (uses.row && (context || uses.unread));
			continue;
		}
		row |= uses.row;
		table |= uses.table;
		this.tables |= uses.table;
		if (this.function == NULL)
			this.function = uses.unread;
		mixed |= (uses.row || uses.table) && (context || uses.unread) &&
			!(uses.table && !uses.row && !uses.unread);
		if (uses.row || uses.table)
		{
			Node	   *node = cmig_rls_bare(literal->node);

			if (is_mark(literal))
			{
				marked = true;
				this.null_key |= literal->result == VALUE_NULL && uses.row;
			}
			else if (!(literal->result == IS_TRUE_BIT && IsA(node, OpExpr) &&
					   list_length(((OpExpr *) node)->args) == 2 &&
					   IsA(cmig_rls_bare(linitial(((OpExpr *) node)->args)), Var) &&
					   IsA(cmig_rls_bare(lsecond(((OpExpr *) node)->args)), Var) && table))
				unmarked = true;
		}
		if (literal->scope->query != NULL)
			continue;
		appendStringInfo(&text, "%s%s", text.len ? " AND " : "",
						 literal->result == IS_FALSE_BIT ? "NOT " : "");
		appendStringInfoString(&text,
							   deparse_expression(literal->node,
												  deparse_context_for(cmig_query_name(proof->relid),
																	  proof->relid), false, false));
		appendStringInfoString(&text,
							   literal->result <= IS_FALSE_BIT ? "" :
							   literal->result == VALUE_NOT_NULL ? " IS NOT NULL" : " IS NULL");
	}
	/* as SQL, for messages; conditions of sub-selects cannot be shown */
	this.condition = text.len ? text.data : NULL;
	if (mixed || (row && table && this.context))
		this.kind = CMIG_RLS_DOUBT;
	else if (row)
		this.kind = !marked ||
			unmarked ? CMIG_RLS_FOREIGN : this.tables ? CMIG_RLS_DOUBT : CMIG_RLS_MARKED;
	else if (table || this.tables)
		this.kind = CMIG_RLS_DOUBT;
	else if (this.function)
		this.kind = CMIG_RLS_OPEN;
	if (this.kind > verdict->kind)
		*verdict = this;
}

static bool shows_strangers(Node *node, void *context);

/*
 * Returns true if all protected tables in the row of a query are tied.
 */
static bool
is_own(const CmigRlsRow *row, const CmigRlsCase *facts)
{
	foreach_node(RangeTblEntry, entry, row->scope->query->rtable)
	{
		int			n = foreach_current_index(entry);
		bool		own = entry->rtekind == RTE_JOIN || entry->rtekind == RTE_RESULT;

		if (entry->rtekind == RTE_RELATION)
			own = cmig_query_do(&has_policies, entry->relid) == 0 ||
				cmig_rls_is_tied(facts, row->scope->relations[n]);
		else if (row->scope->rows[n])
			own = is_own(row->scope->rows[n], facts);
		else if (entry->rtekind == RTE_FUNCTION)
			own = !shows_strangers((Node *) entry->functions, row->scope);
		if (!own)
			return false;
	}
	return true;
}

/*
 * Is there a sub-select that returns rows of strangers, or a function that
 * may?  Conditions of a sub-select only leave out rows.
 */
static bool
shows_strangers(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (cmig_rls_is_foreign_call(node))
		return true;
	if (!IsA(node, SubLink))
		return expression_tree_walker(node, shows_strangers, context);
	foreach_ptr(CmigRlsRow, row,
				cmig_rls_rows_of(castNode(Query, ((SubLink *) node)->subselect), context, true))
	{
		if (!is_own(row, row->facts) ||
			shows_strangers((Node *) row->scope->query->targetList, row->scope))
			return true;
	}
	return shows_strangers(((SubLink *) node)->testexpr, context);
}

/* A question, and what can be said. */
typedef struct Question
{
	Node	   *tree;
	Oid			relid;
	Oid			role;
	Oid			function;
	MemoryContext context;		/* where the verdict is */
	CmigRlsVerdict verdict;
	CmigRlsTruth truth;
	bool		shows;
} Question;

static void
ask_shown(void *argument)
{
	Question   *question = argument;
	CmigRlsProof proof = {.any_role = true};
	CmigRlsScope scope = {&proof,.definer = true};
	Oid		   *types;
	int			count;
	Oid			result = get_func_signature(question->function, &types, &count);
	FuncExpr   *call = makeFuncExpr(question->function, result, NIL, InvalidOid, InvalidOid,
									COERCE_EXPLICIT_CALL);
	Node	   *body;

	call->funcretset = get_func_retset(question->function);
	cmig_rls_step(count + 1);
	for (int i = 0; i < count; i++)
	{
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = i + 1;
		param->paramtype = types[i];
		param->paramtypmod = -1;
		param->paramcollid = get_typcollation(types[i]);
		call->args = lappend(call->args, param);
	}
	body = cmig_rls_expand((Node *) call);
	question->shows = (IsA(body, FuncExpr) && ((FuncExpr *) body)->funcid == question->function) ||
		shows_strangers(body, &scope) || cmig_rls_gave_up;
}

/*
 * Does the function return only rows that belong to the context, if its body
 * reads tables with row-level security as its owner?
 */
bool
cmig_rls_shows_only_own(Oid function)
{
	Question	question = {.function = function};

	return cmig_rls_within_limits(ask_shown, &question) && !question.shows;
}

/*
 * Returns what can be proved of the rows that an expression lets through, within
 * the proof that runs.  "role" is InvalidOid for PUBLIC.  "nesting" is the number of
 * policies of other tables around the expression.
 */
static CmigRlsVerdict
prove(Node *tree, Oid relid, Oid role, int nesting)
{
	CmigRlsProof proof = {relid, role,.nesting = nesting};
	CmigRlsScope scope = {&proof};
	CmigRlsVerdict verdict = {CMIG_RLS_TIED};
	bool		before = cmig_rls_gave_up;

	cmig_rls_gave_up = false;
	foreach_ptr(CmigRlsCase, each, cmig_rls_cases_of(cmig_rls_expand(tree), IS_TRUE_BIT, &scope))
	{
		if (!cmig_rls_is_tied(each, 0))
			judge(each, &proof, &verdict);
	}
	if (cmig_rls_gave_up && verdict.kind < CMIG_RLS_DOUBT)
		verdict.kind = CMIG_RLS_DOUBT;
	cmig_rls_gave_up = before;
	return verdict;
}

static void
ask_verdict(void *argument)
{
	Question   *question = argument;
	CmigRlsVerdict verdict = prove(question->tree, question->relid, question->role, 0);

	verdict.condition = verdict.condition ? MemoryContextStrdup(question->context, verdict.condition) : NULL;
	verdict.function = verdict.function ? MemoryContextStrdup(question->context, verdict.function) : NULL;
	question->verdict = verdict;
}

CmigRlsVerdict
cmig_rls_prove(Node *tree, Oid relid, Oid role)
{
	Question	question = {tree, relid, role,.context = CurrentMemoryContext};

	if (!cmig_rls_within_limits(ask_verdict, &question))
		question.verdict = (CmigRlsVerdict)
	{
		CMIG_RLS_DOUBT
	};
	return question.verdict;
}

static void
ask_truth(void *argument)
{
	Question   *question = argument;
	CmigRlsProof proof = {question->relid,.nesting = INT_MAX,.any_role = true};
	CmigRlsScope scope = {&proof};

	if (cmig_rls_cases_of(question->tree, IS_TRUE_BIT, &scope) == NIL)
		question->truth = CMIG_RLS_NEVER;
	else if (cmig_rls_cases_of(question->tree, IS_FALSE_BIT, &scope) == NIL &&
			 cmig_rls_cases_of(question->tree, IS_NULL_BIT, &scope) == NIL)
		question->truth = CMIG_RLS_ALWAYS;
	if (cmig_rls_gave_up)
		question->truth = CMIG_RLS_DEPENDS;
}

/*
 * Returns how the expression's result depends on the row; DEPENDS if it is NULL.
 */
CmigRlsTruth
cmig_rls_truth(Node *tree, Oid relid)
{
	Question	question = {tree, relid,.truth = CMIG_RLS_DEPENDS};

	return tree && cmig_rls_within_limits(ask_truth, &question) ? question.truth : CMIG_RLS_DEPENDS;
}
