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

#include "base/compat.h"
#include "base/base.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/*
 * Conditions
 */

/* Returns the cases of AND or OR. */
static List *
cases_of_list(BoolExpr *expr, int want, CmigRlsScope *scope)
{
	int			strong = expr->boolop == AND_EXPR ? IS_FALSE_BIT : IS_TRUE_BIT;
	int			weak = strong ^ (IS_TRUE_BIT | IS_FALSE_BIT);
	List	   *all = list_make1(cmig_rls_no_facts());
	List	   *with_null = NIL;
	ListCell   *lc;

	if (want == strong)
	{
		List	   *result = NIL;

		foreach(lc, expr->args)
		{
			result = list_concat(result, cmig_rls_cases_of(lfirst(lc), want, scope));
		}
		return result;
	}
	/* all arguments have the weak result or, if the result is null, are null */
	foreach(lc, expr->args)
	{
		List	   *this = cmig_rls_cases_of(lfirst(lc), weak, scope);

		if (want == IS_NULL_BIT)
		{
			List	   *nulls = cmig_rls_cases_of(lfirst(lc), IS_NULL_BIT, scope);

			with_null = list_concat(cmig_rls_product(with_null, list_concat_copy(this, nulls)), cmig_rls_product(all, nulls));
		}
		all = cmig_rls_product(all, this);
	}
	return want == IS_NULL_BIT ? with_null : all;
}

/* Returns the cases of IS TRUE, IS NOT FALSE, and similar tests. */
static List *
cases_of_test(BooleanTest *test, int want, CmigRlsScope *scope)
{
	int			hits = test->booltesttype == IS_TRUE || test->booltesttype == IS_NOT_TRUE ? IS_TRUE_BIT :
	test->booltesttype == IS_FALSE || test->booltesttype == IS_NOT_FALSE ? IS_FALSE_BIT : IS_NULL_BIT;
	bool		negated = test->booltesttype == IS_NOT_TRUE || test->booltesttype == IS_NOT_FALSE || test->booltesttype == IS_NOT_UNKNOWN;
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
						   cmig_rls_product(cmig_rls_null_cases(left, true, scope), cmig_rls_null_cases(right, true, scope)));
	return list_concat(cmig_rls_cases_of((Node *) equality, IS_FALSE_BIT, scope),
					   list_concat(cmig_rls_product(cmig_rls_null_cases(left, true, scope), cmig_rls_null_cases(right, false, scope)),
								   cmig_rls_product(cmig_rls_null_cases(left, false, scope), cmig_rls_null_cases(right, true, scope))));
}

/* Returns the cases of CASE or COALESCE. */
static List *
cases_of_branches(Node *node, int want, CmigRlsScope *scope)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, cmig_rls_branches_of(node, scope))
	{
		CmigRlsBranch *branch = lfirst(lc);

		if (branch->result == NULL ? want == IS_NULL_BIT : !(branch->not_null && want == IS_NULL_BIT))
			result = list_concat(result, branch->result == NULL ? branch->cases :
								 cmig_rls_product(branch->cases, cmig_rls_cases_of(branch->result, want, scope)));
	}
	return result;
}

/*
 * The roles to which a policy for role $2 on table $1 applies.  For PUBLIC,
 * these are the roles with a privilege on the table; its owner is not counted.
 */
static CmigQuery bound_roles = {
	"SELECT r.rolname::text FROM pg_roles r JOIN pg_class c ON c.oid = $1 WHERE NOT r.rolsuper AND r.rolname !~ '^pg_'"
	" AND CASE WHEN $2 <> 0 THEN pg_has_role(r.oid, $2, 'USAGE') ELSE NOT pg_has_role(r.oid, c.relowner, 'USAGE')"
	"  AND (has_any_column_privilege(r.oid, $1, 'SELECT, INSERT, UPDATE') OR has_table_privilege(r.oid, $1, 'DELETE')) END",
	2, {OIDOID, OIDOID}
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
	ListCell   *lc;

	if (scope->proof->any_role || want == IS_NULL_BIT || list_length(expr->args) != 2)
		return false;
	user = cmig_rls_calls_user(cmig_rls_bare(lsecond(expr->args))) ? 1 : 0;
	other = cmig_rls_strip(list_nth(expr->args, 1 - user));
	if (!cmig_rls_calls_user(cmig_rls_bare(list_nth(expr->args, user))) || !IsA(other, Const) || ((Const *) other)->constisnull ||
		!cmig_rls_sample_is_builtin(exprType(list_nth(expr->args, user))))
		return false;
	names = cmig_query_list(&bound_roles, scope->proof->relid, scope->proof->role);
	foreach(lc, names)
	{
		Const	   *name = cmig_rls_sample_const(exprType(list_nth(expr->args, user)), *(char **) lfirst(lc));
		bool		result;

		if (!cmig_rls_compare_constants(expr, user ? (Const *) other : name, user ? name : (Const *) other, &result) ||
			result == (want == IS_TRUE_BIT))
			return false;
	}
	return true;
}

/*
 * Returns the cases in which a condition has the result "want".
 */
List *
cmig_rls_cases_of(Node *node, int want, CmigRlsScope *scope)
{
	List	   *result;

	check_stack_depth();
	node = cmig_rls_unwrap(node);
	if (node == NULL)
		return list_make1(cmig_rls_no_facts());
	switch (nodeTag(node))
	{
		case T_Const:
			if (((Const *) node)->constisnull)
				return want == IS_NULL_BIT ? list_make1(cmig_rls_no_facts()) : NIL;
			return want == (DatumGetBool(((Const *) node)->constvalue) ? IS_TRUE_BIT : IS_FALSE_BIT) ? list_make1(cmig_rls_no_facts()) : NIL;
		case T_BoolExpr:
			result = ((BoolExpr *) node)->boolop == NOT_EXPR ?
				cmig_rls_cases_of(linitial(((BoolExpr *) node)->args), want == IS_NULL_BIT ? want : want ^ (IS_TRUE_BIT | IS_FALSE_BIT), scope) :
				cases_of_list((BoolExpr *) node, want, scope);
			break;
		case T_OpExpr:
			if (excludes_roles((OpExpr *) node, want, scope))
				return NIL;
			result = cmig_rls_compare((OpExpr *) node, want, scope);
			break;
		case T_DistinctExpr:
			result = cases_of_distinct((DistinctExpr *) node, want, scope);
			break;
		case T_ScalarArrayOpExpr:
			result = cmig_rls_compare_any((ScalarArrayOpExpr *) node, want, scope);
			break;
		case T_NullTest:
			if (((NullTest *) node)->argisrow || want == IS_NULL_BIT)
				return want == IS_NULL_BIT ? NIL : cmig_rls_single(node, want, scope);
			result = cmig_rls_null_cases((Node *) ((NullTest *) node)->arg, (((NullTest *) node)->nulltesttype == IS_NULL) == (want == IS_TRUE_BIT), scope);
			cmig_rls_mark_literals(result, offsetof(CmigRlsLiteral, asked));
			break;
		case T_BooleanTest:
			result = cases_of_test((BooleanTest *) node, want, scope);
			break;
		case T_CaseExpr:
		case T_CoalesceExpr:
			result = cases_of_branches(node, want, scope);
			break;
		case T_SubLink:
			result = cmig_rls_cases_of_link((SubLink *) node, want, scope);
			break;
		case T_Var:
			if (want == IS_NULL_BIT)
				return cmig_rls_null_cases(node, true, scope);
			result = NIL;
			if (cmig_rls_scope_of((Var *) node, scope) && cmig_rls_scope_of((Var *) node, scope)->query)
			{
				ListCell   *lc;

				/* a column of a sub-select that is a condition itself */
				foreach(lc, cmig_rls_values_of(node, scope))
				{
					CmigRlsValue *value = lfirst(lc);

					result = list_concat(result, cmig_rls_product(list_make1(value->facts), value->node && !IsA(value->node, Var) ?
																  cmig_rls_cases_of(value->node, want, value->scope) : cmig_rls_single(node, want, scope)));
				}
				break;
			}
			return cmig_rls_product(cmig_rls_single(node, want, scope), cmig_rls_implied_null_cases(node, false, scope));
		default:
			return cmig_rls_single(node, want, scope);
	}
	return result;
}

/*
 * Verdicts
 */

/* What a condition uses, for uses_walker(). */
typedef struct Uses
{
	int			depth;
	bool		row;			/* the policy's row */
	bool		table;			/* other tables */
	char	   *unread;			/* a function whose body is not known */
	bool		hidden;			/* a table whose policies may use the context */
} Uses;

/* Does row-level security apply to the table, or is it a view? */
static bool
has_policies(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = HeapTupleIsValid(tuple) &&
	(((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity || ((Form_pg_class) GETSTRUCT(tuple))->relkind != RELKIND_RELATION);

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

static bool
uses_walker(Node *node, void *context)
{
	Uses	   *uses = context;
	Oid			operator;
	List	   *args;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		uses->row |= ((Var *) node)->varlevelsup == uses->depth;
		uses->table |= ((Var *) node)->varlevelsup < uses->depth;
		return false;
	}
	operator = cmig_rls_operator(node, &args);
	if (uses->unread == NULL && cmig_rls_is_foreign_call(node) && !cmig_rls_calls_session_function(node))
		uses->unread = get_func_name(((FuncExpr *) node)->funcid);
	else if (uses->unread == NULL && operator >= FirstUnpinnedObjectId && !cmig_rls_is_equality(operator))
		uses->unread = get_func_name(get_opcode(operator));
	if (IsA(node, Query))
	{
		bool		result;

		uses->depth++;
		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

			uses->table |= entry->rtekind == RTE_RELATION;
			uses->hidden |= entry->rtekind == RTE_RELATION && has_policies(entry->relid);
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
	static const char *const secret[] = {"private", "hidden", "secret", "internal", "restricted", "draft"};
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
			return literal->asked && (literal->result == VALUE_NOT_NULL || (name && cmig_rls_names_owner(name)));
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
	constant = IsA(right, Const) && ((Const *) right)->consttype == TEXTOID && !((Const *) right)->constisnull ? (Const *) right : NULL;
	if (IsA(node, OpExpr) && strcmp(get_opname(opno), "?") == 0)
	{
		if (!IsA(left, Var) || !IsA(right, Const) || (constant && cmig_rls_names_owner(cmig_rls_sample_text(constant))))
			return false;
		name = get_attname(relid, ((Var *) left)->varattno, true);
		return name == NULL || !cmig_rls_names_owner(name);
	}
	/* nobody marks rows with an empty text */
	if (constant && VARSIZE_ANY_EXHDR(DatumGetPointer(constant->constvalue)) == 0)
		return false;
	return cmig_rls_is_equality(opno) && (IsA(left, Var) || IsA(left, Const)) && (IsA(right, Var) || IsA(right, Const)) &&
		!(IsA(left, Var) && IsA(right, Var));
}

/* Does the node call a function that checks privileges, such as pg_has_role()? */
static bool
asks_privileges(Node *node)
{
	char	   *name = IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstUnpinnedObjectId ? get_func_name(((FuncExpr *) node)->funcid) : NULL;

	return name && cmig_rls_in_words(name, "pg_has_ has_", true);
}

/* Returns the condition as SQL, for messages; NULL if it cannot be shown. */
static char *
as_text(const CmigRlsLiteral *literal, Oid relid)
{
	char	   *text;

	if (literal->scope->query != NULL)
		return NULL;
	text = deparse_expression(literal->node, deparse_context_for(cmig_query_name(relid), relid), false, false);
	return literal->result == IS_TRUE_BIT ? text :
		psprintf(literal->result == IS_FALSE_BIT ? "NOT %s" : literal->result == VALUE_NOT_NULL ? "%s IS NOT NULL" : "%s IS NULL", text);
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
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, facts->literals)
	{
		CmigRlsLiteral *literal = lfirst(lc);
		Uses		uses = {literal->scope->depth};
		bool		context = cmig_rls_calls_context(literal->node);
		char	   *shown;

		(void) uses_walker(literal->node, &uses);
		/* a row that has an owner is any row */
		if (literal->implied ||
			(literal->result == VALUE_NOT_NULL && IsA(literal->node, Var) && literal->scope->query == NULL &&
			 cmig_rls_names_owner(get_attname(proof->relid, ((Var *) literal->node)->varattno, false))))
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
		mixed |= (uses.row || uses.table) && (context || uses.unread) && !(uses.table && !uses.row && !uses.unread);
		if (uses.row || uses.table)
		{
			Node	   *node = cmig_rls_bare(literal->node);

			if (is_mark(literal))
			{
				marked = true;
				this.null_key |= literal->result == VALUE_NULL && uses.row;
			}
			else if (!(literal->result == IS_TRUE_BIT && IsA(node, OpExpr) && list_length(((OpExpr *) node)->args) == 2 &&
					   IsA(cmig_rls_bare(linitial(((OpExpr *) node)->args)), Var) && IsA(cmig_rls_bare(lsecond(((OpExpr *) node)->args)), Var) && table))
				unmarked = true;
		}
		shown = as_text(literal, proof->relid);
		if (shown)
			appendStringInfo(&text, "%s%s", text.len ? " AND " : "", shown);
	}
	this.condition = text.len ? text.data : NULL;
	if (mixed || (row && table && this.context))
		this.kind = CMIG_RLS_DOUBT;
	else if (row)
		this.kind = !marked || unmarked ? CMIG_RLS_FOREIGN : this.tables ? CMIG_RLS_DOUBT : CMIG_RLS_MARKED;
	else if (table || this.tables)
		this.kind = CMIG_RLS_DOUBT;
	else if (this.function)
		this.kind = CMIG_RLS_OPEN;
	if (this.kind > verdict->kind)
		*verdict = this;
}

/* Returns the scope of the policy itself. */
static CmigRlsScope *
policy_scope(CmigRlsProof *proof, Oid relid, Oid role, int nesting)
{
	CmigRlsScope *scope = palloc0(sizeof(CmigRlsScope));

	proof->relid = relid;
	proof->role = role;
	proof->nesting = nesting;
	scope->proof = proof;
	return scope;
}

static bool shows_strangers(Node *node, void *context);

/*
 * Returns true if all protected tables in the row of a query are tied.
 */
static bool
is_own(const CmigRlsRow *row, const CmigRlsCase *facts)
{
	ListCell   *lc;

	foreach(lc, row->query ? row->query->rtable : NIL)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);
		int			n = foreach_current_index(lc);
		bool		own = false;

		switch (entry->rtekind)
		{
			case RTE_RELATION:
				own = !has_policies(entry->relid) || cmig_rls_is_tied(facts, row->scope->relations[n]);
				break;
			case RTE_SUBQUERY:
			case RTE_CTE:
				own = row->scope->rows[n] && is_own(row->scope->rows[n], facts);
				break;
			case RTE_FUNCTION:
				own = !shows_strangers((Node *) entry->functions, row->scope);
				break;
			case RTE_VALUES:
				own = !shows_strangers((Node *) entry->values_lists, row->scope);
				break;
			case RTE_JOIN:
			case RTE_RESULT:
				own = true;
				break;
			default:
				break;
		}
		if (!own)
			return false;
	}
	return row->query != NULL;
}

/*
 * Is there a sub-select that returns rows of strangers, or a function that
 * may?  Conditions of a sub-select only leave out rows.
 */
static bool
shows_strangers(Node *node, void *context)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (cmig_rls_is_foreign_call(node))
		return true;
	if (!IsA(node, SubLink))
		return expression_tree_walker(node, shows_strangers, context);
	foreach(lc, cmig_rls_rows_of(castNode(Query, ((SubLink *) node)->subselect), context))
	{
		CmigRlsRow *row = lfirst(lc);

		if (!is_own(row, row->facts) || shows_strangers((Node *) row->query->targetList, row->scope))
			return true;
	}
	return shows_strangers(((SubLink *) node)->testexpr, context);
}

/*
 * Does the function return only rows that belong to the context, if its body
 * reads tables with row-level security as its owner?
 */
bool
cmig_rls_shows_only_own(Oid function)
{
	CmigRlsProof proof = {.any_role = true};
	CmigRlsScope *scope = policy_scope(&proof, InvalidOid, InvalidOid, 0);
	Oid		   *types;
	int			count;
	Oid			result = get_func_signature(function, &types, &count);
	FuncExpr   *call = makeFuncExpr(function, result, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	Node	   *body;

	call->funcretset = get_func_retset(function);
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
	scope->definer = true;
	body = cmig_rls_expand((Node *) call);
	return !IsA(body, FuncExpr) || ((FuncExpr *) body)->funcid != function ? !shows_strangers(body, scope) : false;
}

/*
 * Returns what can be proved of the rows that an expression lets through.
 * "role" is InvalidOid for PUBLIC.  "nesting" is the number of policies of
 * other tables around the expression.
 */
CmigRlsVerdict
cmig_rls_prove(Node *tree, Oid relid, Oid role, int nesting)
{
	CmigRlsProof proof = {0};
	CmigRlsVerdict verdict = {CMIG_RLS_TIED};
	bool		before = cmig_rls_gave_up;
	ListCell   *lc;

	cmig_rls_gave_up = false;
	foreach(lc, cmig_rls_cases_of(cmig_rls_expand(tree), IS_TRUE_BIT, policy_scope(&proof, relid, role, nesting)))
	{
		if (!cmig_rls_is_tied(lfirst(lc), 0))
			judge(lfirst(lc), &proof, &verdict);
	}
	if (cmig_rls_gave_up && verdict.kind < CMIG_RLS_DOUBT)
		verdict.kind = CMIG_RLS_DOUBT;
	cmig_rls_gave_up = before;
	return verdict;
}

/*
 * Returns how the expression's result depends on the row; DEPENDS if it is NULL.
 */
CmigRlsTruth
cmig_rls_truth(Node *tree, Oid relid)
{
	CmigRlsProof proof = {.any_role = true};
	CmigRlsScope *scope = policy_scope(&proof, relid, InvalidOid, INT_MAX);
	CmigRlsTruth truth = CMIG_RLS_DEPENDS;
	bool		before = cmig_rls_gave_up;

	if (tree == NULL)
		return CMIG_RLS_DEPENDS;
	cmig_rls_gave_up = false;
	if (cmig_rls_cases_of(tree, IS_TRUE_BIT, scope) == NIL)
		truth = CMIG_RLS_NEVER;
	else if (cmig_rls_cases_of(tree, IS_FALSE_BIT, scope) == NIL && cmig_rls_cases_of(tree, IS_NULL_BIT, scope) == NIL)
		truth = CMIG_RLS_ALWAYS;
	if (cmig_rls_gave_up)
		truth = CMIG_RLS_DEPENDS;
	cmig_rls_gave_up = before;
	return truth;
}
