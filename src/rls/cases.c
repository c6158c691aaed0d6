/*
 * cases.c
 *	  The cases in which an expression has a value, and a comparison a result.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_CASES 400			/* with more cases, nothing is proved */
#define MAX_ELEMENTS 30			/* length of an array constant that is looked
								 * into */

bool		cmig_rls_gave_up;

/*
 * The limits of a proof, or of a run.  Whatever takes memory takes steps, and the last
 * one is an error, so no part of a proof goes on with less than there is.
 */
static int	steps_left;
static MemoryContext proof_context;

#define MAX_STEPS 1000000
#define MAX_MEMORY (128 * 1024 * 1024L)

bool
cmig_rls_within_limits(void (*prove) (void *argument), void *argument)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "pg_cmig proof", ALLOCSET_DEFAULT_SIZES);
	volatile bool completed = false;

	cmig_rls_gave_up = false;
	steps_left = MAX_STEPS;
	proof_context = context;
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		prove(argument);
		completed = true;
	}
	PG_CATCH();
	{
		proof_context = NULL;
		if (steps_left > 0 || geterrcode() != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		/* raised by cmig_rls_step(), where nothing is open */
		MemoryContextSwitchTo(outer);
		FlushErrorState();
	}
	PG_END_TRY();
	proof_context = NULL;
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
	return completed;
}

void
cmig_rls_step(int count)
{
	CHECK_FOR_INTERRUPTS();
	if (proof_context == NULL)
		return;
	steps_left -= count;
	if (steps_left > 0 && MemoryContextMemAllocated(proof_context, true) < MAX_MEMORY)
		return;
	steps_left = 0;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the policy is too complex")));
}

/*
 * Cases
 */

CmigRlsCase *
cmig_rls_no_facts(void)
{
	cmig_rls_step(1);
	return palloc0(sizeof(CmigRlsCase));
}

/* Returns the conjunction of two cases, or NULL if it is impossible. */
CmigRlsCase *
cmig_rls_both(const CmigRlsCase *a, const CmigRlsCase *b)
{
	CmigRlsCase *result = cmig_rls_no_facts();

	cmig_rls_step((list_length(a->literals) + 1) * (list_length(b->literals) + 1) +
				  list_length(a->links) + list_length(b->links));
	result->literals = list_copy(a->literals);
	foreach_ptr(CmigRlsLiteral, literal, b->literals)
	{
		bool		known = false;

		foreach_ptr(CmigRlsLiteral, there, a->literals)
		{
			if ((literal->result < VALUE_NULL) != (there->result < VALUE_NULL) ||
				!equal(literal->node, there->node))
				continue;

			/*
			 * two results exclude each other; an expression means the same in
			 * different queries if it uses no column
			 */
			if (literal->result != there->result &&
				(literal->scope == there->scope || !cmig_rls_any(literal->node, cmig_rls_is_column)))
				return NULL;
			known |= literal->result == there->result && literal->scope == there->scope &&
				literal->implied == there->implied;
		}
		if (!known)
			result->literals = lappend(result->literals, literal);
	}
	result->tied = bms_union(a->tied, b->tied);
	result->links = list_concat_copy(a->links, b->links);
	return result;
}

/* Returns the conjunctions of each case of a list with each of another. */
List *
cmig_rls_product(List *a, List *b)
{
	List	   *result = NIL;

	foreach_ptr(CmigRlsCase, each, a)
	{
		foreach_ptr(CmigRlsCase, other, b)
		{
			CmigRlsCase *together = cmig_rls_both(each, other);

			if (together)
				result = lappend(result, together);
			if (list_length(result) > MAX_CASES)
			{
				cmig_rls_gave_up = true;
				return result;
			}
		}
	}
	return result;
}

/* Returns a list with the case in which the node has the result. */
List *
cmig_rls_single(Node *node, int result, const CmigRlsScope *scope)
{
	CmigRlsCase *one = cmig_rls_no_facts();
	CmigRlsLiteral *literal = palloc0(sizeof(CmigRlsLiteral));

	literal->node = node;
	literal->result = result;
	literal->scope = scope;
	one->literals = list_make1(literal);
	return list_make1(one);
}

/* Set a flag of each condition in the cases. */
List *
cmig_rls_mark_literals(List *cases, size_t flag)
{
	foreach_ptr(CmigRlsCase, each, cases)
	{
		foreach_ptr(char, literal, each->literals)
			* (bool *) (literal + flag) = true;
	}
	return cases;
}

/* Returns true if the relation is tied, directly or by its links. */
bool
cmig_rls_is_tied(const CmigRlsCase *facts, int relation)
{
	Bitmapset  *tied = bms_copy(facts->tied);
	bool		more = true;

	while (more && !bms_is_member(relation, tied))
	{
		more = false;
		for (int i = 0; i + 1 < list_length(facts->links); i += 2)
		{
			int			a = list_nth_int(facts->links, i);
			int			b = list_nth_int(facts->links, i + 1);

			if (bms_is_member(a, tied) != bms_is_member(b, tied))
			{
				tied = bms_add_member(bms_add_member(tied, a), b);
				more = true;
			}
		}
	}
	return bms_is_member(relation, tied);
}

/*
 * Keys
 */

/* The beginnings of names of columns that contain a row's owner. */
static const char owners[] =
"tenant org account company customer workspace team user owner client member created_by author sub email login";

/* Those of properties that many rows share, like a status. */
static const char properties[] =
"status state kind type role region country city lang locale currency category priority level visibility color plan tier";

bool
cmig_rls_names_owner(const char *name)
{
	return cmig_rls_in_words(name, owners, true);
}

/*
 * Returns true if the column may tell who owns a row when it is compared with
 * the context.  A status or a date does not, whatever it is compared with.
 */
bool
cmig_rls_may_own(Oid relid, AttrNumber attno)
{
	char	   *name = attno > 0 ? get_attname(relid, attno, true) : NULL;
	Oid			type = name ? getBaseType(get_atttype(relid, attno)) : InvalidOid;

	if (name == NULL || type == BOOLOID)
		return false;
	if (cmig_rls_names_owner(name))
		return true;
	return !cmig_rls_in_words(name, properties, true) && type != DATEOID && type != TIMESTAMPOID &&
		type != TIMESTAMPTZOID && type != TIMEOID &&
		type != FLOAT4OID && type != FLOAT8OID;
}

/*
 * Returns a row if an equality of column $2 of table $1 with column $4 of table
 * $3 makes the rows belong together: a foreign key, or columns that both identify
 * something.  Two numbers named id identify different things.
 */
static CmigQuery may_join = {
	"WITH k AS (SELECT a.attrelid, a.attnum, a.attname, a.attname ~* ('^(' || replace($5, ' ', '|') || ')')"
	"   OR (a.attname !~* ('^(' || replace($6, ' ', '|') || ')') AND (a.attname ~* '^id$' OR a.attname ~ '._id$|.Id$' OR a.atttypid = 'uuid'::regtype"
	"    OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique"
	" AND (i.indisprimary OR i.indnkeyatts = 1)"
	"     AND a.attnum = ANY (i.indkey))"
	"    OR EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = a.attrelid AND c.contype = 'f'"
	" AND a.attnum = ANY (c.conkey)))) AS identifies"
	"  FROM pg_attribute a WHERE a.attrelid IN ($1, $3) AND a.attnum IN ($2, $4) AND a.attnum > 0)"
	" SELECT FROM k a CROSS JOIN k b WHERE a.attrelid = $1 AND a.attnum = $2 AND b.attrelid = $3"
	" AND b.attnum = $4"
	" AND (EXISTS (SELECT FROM pg_constraint c CROSS JOIN"
	" LATERAL unnest(c.conkey, c.confkey) f(own, other) WHERE c.contype = 'f'"
	"   AND ((c.conrelid, f.own, c.confrelid, f.other) = ($1, $2, $3, $4) OR (c.conrelid, f.own, c.confrelid, f.other) = ($3, $4, $1, $2)))"
	"  OR (a.identifies AND b.identifies AND ($1 = $3 OR a.attname <> 'id' OR b.attname <> 'id')))",
	{OIDOID, INT4OID, OIDOID, INT4OID, TEXTOID, TEXTOID}
};

/* Add what follows from the equality of two values. */
static void
relate(CmigRlsCase *facts, const CmigRlsValue *a, const CmigRlsValue *b)
{
	if (a->origin == FROM_COLUMN && b->origin == FROM_COLUMN)
	{
		if (a->relation != b->relation &&
			cmig_query_do(&may_join, a->relid, a->attno, b->relid, b->attno, owners,
						  properties) > 0)
			facts->links = lappend_int(lappend_int(facts->links, a->relation), b->relation);
		return;
	}
	if (b->origin == FROM_COLUMN)
	{
		const CmigRlsValue *swap = a;

		a = b;
		b = swap;
	}
	if (a->origin == FROM_COLUMN && b->origin == FROM_CONTEXT &&
		cmig_rls_may_own(a->relid, a->attno))
		facts->tied = bms_add_member(facts->tied, a->relation);
}

/*
 * Values
 */

static CmigRlsValue *
make_value(CmigRlsOrigin origin, Node *node, CmigRlsScope *scope)
{
	CmigRlsValue *value = palloc0(sizeof(CmigRlsValue));

	value->facts = cmig_rls_no_facts();
	value->origin = origin;
	value->node = node;
	value->scope = scope;
	return value;
}

/* Add the facts to each of the values; values in impossible cases are left out. */
static List *
given(const CmigRlsCase *facts, List *values)
{
	List	   *result = NIL;

	foreach_ptr(CmigRlsValue, value, values)
	{
		CmigRlsCase *together = cmig_rls_both(facts, value->facts);

		if (together == NULL)
			continue;
		value->facts = together;
		result = lappend(result, value);
	}
	return result;
}

/* Is it a built-in function with one of the names, which are separated by blanks? */
static bool
is_named(Oid function, const char *names)
{
	char	   *name = function < FirstUnpinnedObjectId ? get_func_name(function) : NULL;

	return name && cmig_rls_in_words(name, names, false);
}

/*
 * Is it an aggregate that returns one of its arguments or, if there are none,
 * null?
 */
static bool
selects_one(Node *node)
{
	return IsA(node, Aggref) && is_named(((Aggref *) node)->aggfnoid, "max min array_agg");
}

/* Returns the values of a column of a row or of a sub-select. */
static List *
values_of_var(Var *var, CmigRlsScope *scope)
{
	CmigRlsScope *home = scope;
	CmigRlsValue *value = make_value(FROM_ELSEWHERE, (Node *) var, scope);
	RangeTblEntry *entry;
	CmigRlsRow *row;

	/* the scope of the query in which the column's range table entry is */
	for (int i = 0; i < var->varlevelsup && home; i++)
		home = home->outer;
	if (home == NULL)
		return list_make1(value);
	if (home->query == NULL)
	{
		value->origin = FROM_COLUMN;
		value->relid = home->proof->relid;
		value->attno = var->varattno;
		return list_make1(value);
	}
	entry = rt_fetch(var->varno, home->query->rtable);
	row = home->rows[var->varno - 1];
	switch (entry->rtekind)
	{
		case RTE_RELATION:
			value->origin = FROM_COLUMN;
			value->relation = home->relations[var->varno - 1];
			value->relid = entry->relid;
			value->attno = var->varattno;
			break;
		case RTE_JOIN:
			if (var->varattno > 0 && var->varattno <= list_length(entry->joinaliasvars))
				return cmig_rls_values_of(list_nth(entry->joinaliasvars, var->varattno - 1), home);
			break;
		case RTE_SUBQUERY:
		case RTE_CTE:
			if (row && var->varattno > 0 &&
				var->varattno <= list_length(row->scope->query->targetList))
				return cmig_rls_values_of((Node *) list_nth_node(TargetEntry,
																 row->scope->query->targetList,
																 var->varattno - 1)->expr,
										  row->scope);
			break;
		case RTE_FUNCTION:
			if (list_length(entry->functions) == 1 && var->varattno == 1 && !entry->funcordinality)
				return cmig_rls_values_of(linitial_node(RangeTblFunction,
														entry->functions)->funcexpr, home);
			break;
		default:
			break;
	}
	return list_make1(value);
}

/*
 * Returns true if a conversion keeps different values of a column different.
 * For the context, any conversion will do that does not cut it off.
 */
static bool
keeps_distinct(Oid from, Oid to)
{
	static const Oid numbers[] = {INT2OID, INT4OID, INT8OID, NUMERICOID, InvalidOid};
	int			rank = -1;

	from = getBaseType(from);
	to = getBaseType(to);
	if (from == to)
		return true;
	if (to == TEXTOID || to == VARCHAROID)
		return from != FLOAT4OID && from != FLOAT8OID && from != JSONBOID && from != JSONOID &&
			from != XMLOID;
	if (to == JSONBOID || to == JSONOID)
		return true;
	for (int i = 0; numbers[i]; i++)
	{
		if (numbers[i] == from)
			rank = i;
		if (numbers[i] == to)
			return rank >= 0;
	}
	return false;
}

/*
 * If the node is a conversion, and has no further argument that cuts off,
 * returns what it converts; otherwise, returns NULL.
 */
static Node *
converted(Node *node)
{
	if (IsA(node, CoerceViaIO))
		return (Node *) ((CoerceViaIO *) node)->arg;
	if (IsA(node, CoerceToDomain))
		return (Node *) ((CoerceToDomain *) node)->arg;
	if (IsA(node, ArrayCoerceExpr))
		return (Node *) ((ArrayCoerceExpr *) node)->arg;
	if (IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) == 1 &&
		((FuncExpr *) node)->funcid < FirstUnpinnedObjectId &&
		(((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST ||
		 ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST))
		return linitial(((FuncExpr *) node)->args);
	return NULL;
}

/*
 * Returns the values of a part as those of the whole expression.  If there are
 * several, there is no expression for each of them.
 */
static List *
of_whole(List *values, Node *node, CmigRlsScope *scope)
{
	foreach_ptr(CmigRlsValue, value, values)
	{
		value->node = list_length(values) == 1 ? node : NULL;
		value->scope = scope;
	}
	return values;
}

/*
 * Is the expression the key of a unique index of the table, such as lower(email)?
 * RelationGetIndexExpressions() would evaluate functions of the table's owner.
 */
static bool
is_unique_expression(Oid relid, Node *node)
{
	Relation	table = try_relation_open(relid, AccessShareLock);
	List	   *indexes = NIL;
	bool		found = false;

	if (table == NULL)
		return false;
	indexes = RelationGetIndexList(table);
	relation_close(table, AccessShareLock);
	foreach_oid(oid, indexes)
	{
		HeapTuple	tuple = SearchSysCacheCopy1(INDEXRELID, ObjectIdGetDatum(oid));
		Form_pg_index form = tuple ? (Form_pg_index) GETSTRUCT(tuple) : NULL;
		bool		isnull;
		Datum		stored = tuple ? SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indexprs,
													 &isnull) : (Datum) 0;

		if (tuple == NULL || isnull || !form->indisunique || !form->indisvalid ||
			!form->indimmediate || form->indnkeyatts != 1 ||
			!heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
			continue;
		found |= list_member((List *) cmig_rls_read(TextDatumGetCString(stored)), node);
	}
	return found;
}

/* Returns the value of an expression that has no branches. */
static List *
values_of_call(Node *node, CmigRlsScope *scope)
{
	/* of the context: the result is the context in another notation */
	static const char *const notations =
	"lower upper btrim ltrim rtrim replace md5 sha256 sha512 encode decode convert_from convert_to "
	"to_json to_jsonb array_in string_to_array jsonb_build_object json_build_object jsonb_build_array "
	"json_object_field json_object_field_text jsonb_object_field jsonb_object_field_text "
	"json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text "
	"jsonb_array_elements jsonb_array_elements_text json_array_elements json_array_elements_text unnest "
	"quote_literal concat textcat int4um int8um reverse jsonb_array_element_text json_array_element_text";

	/* of a column: different values have different results */
	static const char *const injective =
	"md5 sha256 sha512 reverse to_json to_jsonb encode int4um int8um json_object_field_text "
	"jsonb_object_field_text json_object_field jsonb_object_field json_extract_path_text "
	"jsonb_extract_path_text";
	List	   *args = NIL;
	List	   *parts = NIL;
	Oid			function = IsA(node, FuncExpr) ? ((FuncExpr *) node)->funcid :
	get_opcode(cmig_rls_operator(node, &args));
	Node	   *arg;
	List	   *result = NIL;
	Node	   *varying = NULL;
	int			count = 0;
	bool		only_context = true;

	if (IsA(node, FuncExpr))
		args = ((FuncExpr *) node)->args;
	if (cmig_rls_calls_setting(node) || cmig_rls_calls_user(node))
		return list_make1(make_value(FROM_CONTEXT, node, scope));
	if (cmig_rls_calls_session_function(node))
		return list_make1(make_value(((FuncExpr *) node)->funcretset ? FROM_ELSEWHERE :
									 FROM_CONTEXT, node, scope));
	if ((arg = converted(node)) != NULL)
	{
		foreach_ptr(CmigRlsValue, value, cmig_rls_values_of(arg, scope))
		{
			/* a member of a document is compared by its value */
			if (value->origin == FROM_COLUMN && !keeps_distinct(exprType(arg), exprType(node)) &&
				!is_unique_expression(value->relid, node) &&
				!(IsA(cmig_rls_unwrap(arg), OpExpr) &&
				  exprType(linitial(((OpExpr *) cmig_rls_unwrap(arg))->args)) == JSONBOID))
				value->origin = FROM_ELSEWHERE;
			result = lappend(result, value);
		}
		return of_whole(result, node, scope);
	}
	if (IsA(node, NullIfExpr))
		parts = list_make1(linitial(((NullIfExpr *) node)->args));
	else if (function == F_UNNEST_ANYARRAY)
		parts = args;
	else if (selects_one(node))
		parts = list_make1(linitial_node(TargetEntry, ((Aggref *) node)->args)->expr);
	else if (IsA(node, ArrayExpr))
		parts = ((ArrayExpr *) node)->elements;
	else if (IsA(node, SubscriptingRef) && ((SubscriptingRef *) node)->refassgnexpr == NULL)
		parts = list_make1(((SubscriptingRef *) node)->refexpr);
	foreach_ptr(Node, part, parts)
		result = list_concat(result, cmig_rls_values_of(part, scope));
	if (parts)
		return of_whole(result, node, scope);
	if (!OidIsValid(function) || function >= FirstUnpinnedObjectId)
		return list_make1(make_value(FROM_ELSEWHERE, node, scope));

	/* a call with one argument that is not a constant */
	foreach_ptr(Node, element, args)
	{
		Node	   *each = cmig_rls_unwrap(element);

		if (IsA(each, Const) ||
			(IsA(each, ArrayExpr) && !cmig_rls_any(each, cmig_rls_is_column) && !cmig_rls_calls_context(each)))
			continue;
		varying = each;
		count++;
		only_context &= !cmig_rls_any(each, cmig_rls_is_column) && cmig_rls_calls_context(each);
	}
	foreach_ptr(CmigRlsValue, value, count == 1 ? cmig_rls_values_of(varying, scope) : NIL)
	{
		bool		keeps = value->origin == FROM_CONTEXT ? is_named(function, notations) :
		value->origin == FROM_COLUMN && (is_named(function, injective) ||
										 is_named(function,
												  "textcat textanycat anytextcat concat") ||
										 is_unique_expression(value->relid, node) ||
										 (is_named(function, "lower upper") &&
										  IsA(varying, CoerceViaIO) &&
										  exprType((Node *) ((CoerceViaIO *) varying)->arg) == UUIDOID));

		if (!keeps)
			value->origin = FROM_ELSEWHERE;
		result = lappend(result, value);
	}
	return result ? of_whole(result, node, scope) :
		list_make1(make_value(count > 0 && only_context &&
							  is_named(function, notations) ? FROM_CONTEXT : FROM_ELSEWHERE, node,
							  scope));
}

/* Returns the constants of a default that nobody has as a key. */
static bool
is_nobody(const CmigRlsValue *value)
{
	char	   *text;

	if (!value->fallback || value->constant == NULL || value->origin == FROM_CONTEXT ||
		!cmig_rls_sample_is_builtin(value->constant->consttype))
		return false;
	text = cmig_rls_sample_text(value->constant);
	return text == NULL || strspn(text, "0-{}[]") == strlen(text) || text[0] == '-' ||
		strcmp(text, "none") == 0 || strcmp(text, "nobody") == 0;
}

/* Returns "condition" of a CASE, with the value that "CASE value" compares. */
static Node *
put_value(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	cmig_rls_step(1);
	if (IsA(node, CaseTestExpr))
		return cmig_rls_copy(context);
	return expression_tree_mutator(node, put_value, context);
}

/* A branch of CASE or COALESCE. */
typedef struct Branch
{
	List	   *cases;			/* when it is taken */
	Node	   *result;			/* NULL: null */
	bool		not_null;		/* is it taken only if the result is not null? */
} Branch;

/*
 * Returns the branches of CASE or COALESCE.  If a result of COALESCE is null,
 * the next branch is taken.
 */
static List *
branches_of(Node *node, CmigRlsScope *scope)
{
	List	   *rest = list_make1(cmig_rls_no_facts());
	List	   *result = NIL;
	Branch	   *branch;
	ListCell   *lc;

	foreach(lc, IsA(node, CoalesceExpr) ? ((CoalesceExpr *) node)->args : ((CaseExpr *) node)->args)
	{
		CaseWhen   *when = IsA(lfirst(lc), CaseWhen) && IsA(node, CaseExpr) ? lfirst(lc) : NULL;
		Expr	   *value = IsA(node, CaseExpr) ? ((CaseExpr *) node)->arg : NULL;
		Node	   *condition = when &&
		value ? put_value((Node *) when->expr, value) : when ? (Node *) when->expr : NULL;

		branch = palloc0(sizeof(Branch));
		branch->cases = when ?
			cmig_rls_product(rest, cmig_rls_cases_of(condition, IS_TRUE_BIT, scope)) : rest;
		branch->result = when ? (Node *) when->result : lfirst(lc);
		branch->not_null = (when == NULL);
		result = lappend(result, branch);
		rest = cmig_rls_product(rest,
								when ? list_concat(cmig_rls_cases_of(condition, IS_FALSE_BIT,
																	 scope),
												   cmig_rls_cases_of(condition, IS_NULL_BIT,
																	 scope)) :
								cmig_rls_null_cases(lfirst(lc), true, scope));
	}
	branch = palloc0(sizeof(Branch));
	branch->cases = rest;
	branch->result = IsA(node, CaseExpr) ? (Node *) ((CaseExpr *) node)->defresult : NULL;
	return lappend(result, branch);
}

/* Returns the cases in which CASE or COALESCE has a result. */
List *
cmig_rls_cases_of_branches(Node *node, int want, CmigRlsScope *scope)
{
	bool		null = want == IS_NULL_BIT || want == VALUE_NULL;
	List	   *result = NIL;

	foreach_ptr(Branch, branch, branches_of(node, scope))
	{
		if (branch->result == NULL ? null : !(branch->not_null && null))
			result = list_concat(result, branch->result == NULL ? branch->cases :
								 cmig_rls_product(branch->cases,
												  cmig_rls_cases_of(branch->result, want, scope)));
	}
	return result;
}

/* Returns the values that an expression can have, each with its case. */
List *
cmig_rls_values_of(Node *node, CmigRlsScope *scope)
{
	List	   *result = NIL;
	Query	   *query;
	TargetEntry *target;

	check_stack_depth();
	cmig_rls_step(1);
	node = cmig_rls_unwrap(node);
	if (node == NULL)
		return list_make1(make_value(FROM_ELSEWHERE, NULL, scope));
	switch (nodeTag(node))
	{
		case T_Const:
			result = list_make1(make_value(FROM_CONSTANT, node, scope));
			((CmigRlsValue *) linitial(result))->constant = (Const *) node;
			return result;
		case T_Var:
			return values_of_var((Var *) node, scope);
		case T_SubLink:
			if (((SubLink *) node)->subLinkType != EXPR_SUBLINK &&
				((SubLink *) node)->subLinkType != ARRAY_SUBLINK)
				break;
			query = castNode(Query, ((SubLink *) node)->subselect);
			target = query->targetList ? linitial(query->targetList) : NULL;
			foreach_ptr(CmigRlsRow, row,
						cmig_rls_rows_of(query, scope, target &&
										 selects_one((Node *) target->expr)))
			{
				/* an arm of a UNION has a target of its own */
				target = row->scope->query->targetList ? linitial(row->scope->query->targetList) :
					NULL;
				result = list_concat(result,
									 target ? given(row->facts,
													cmig_rls_values_of((Node *) target->expr,
																	   row->scope)) :
									 list_make1(make_value(FROM_ELSEWHERE, NULL, row->scope)));
			}
			return result;
		case T_CoalesceExpr:
		case T_CaseExpr:
			foreach_ptr(Branch, branch, branches_of(node, scope))
			{
				bool		fallback = IsA(node, CaseExpr) || foreach_current_index(branch) > 0;
				List	   *cases = branch->result == NULL ? NIL :
				branch->not_null ?
				cmig_rls_product(branch->cases,
								 cmig_rls_null_cases(branch->result, false, scope)) :
				branch->cases;

				foreach_ptr(CmigRlsCase, each, cases)
				{
					List	   *values = given(each, cmig_rls_values_of(branch->result, scope));

					foreach_ptr(CmigRlsValue, value, values)
						value->fallback |= fallback;
					result = list_concat(result, values);
				}
			}
			return result;
		default:
			break;
	}
	return values_of_call(node, scope);
}

/*
 * Nulls
 */

/* Returns the cases in which an expression of any type is null, or is not. */
List *
cmig_rls_null_cases(Node *node, bool null, CmigRlsScope *scope)
{
	int			want = null ? VALUE_NULL : VALUE_NOT_NULL;
	List	   *result;

	check_stack_depth();
	node = cmig_rls_unwrap(node);
	if (node == NULL)
		return list_make1(cmig_rls_no_facts());
	switch (nodeTag(node))
	{
		case T_Const:
			return ((Const *) node)->constisnull == null ? list_make1(cmig_rls_no_facts()) : NIL;
		case T_Var:
			{
				List	   *values = values_of_var((Var *) node, scope);
				const CmigRlsValue *value = values ? linitial(values) : NULL;

				/*
				 * there may be none, if what it is selected from is
				 * impossible
				 */
				if (value && value->origin == FROM_COLUMN && value->relation == 0 &&
					((Var *) node)->varattno != 0 &&
					cmig_rls_is_not_null(value->relid, ((Var *) node)->varattno))
					return null ? NIL : list_make1(cmig_rls_no_facts());
				break;
			}
		case T_SQLValueFunction:
		case T_ArrayExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_DistinctExpr:
			return null ? NIL : list_make1(cmig_rls_no_facts());
		case T_CoalesceExpr:
		case T_CaseExpr:
			return cmig_rls_cases_of_branches(node, want, scope);
		case T_BoolExpr:
		case T_OpExpr:
			if (exprType(node) == BOOLOID)
				return null ? cmig_rls_cases_of(node, IS_NULL_BIT, scope) :
					list_concat(cmig_rls_cases_of(node, IS_TRUE_BIT, scope),
								cmig_rls_cases_of(node, IS_FALSE_BIT, scope));
			break;
		default:
			if (converted(node) && !IsA(node, ArrayCoerceExpr))
				return cmig_rls_null_cases(converted(node), null, scope);
			break;
	}
	result = cmig_rls_single(node, want, scope);

	/* NULLIF(x, y) is not null only if x is not */
	if (!null && IsA(node, NullIfExpr))
		return cmig_rls_product(result,
								cmig_rls_null_cases(linitial(((NullIfExpr *) node)->args), false,
													scope));
	return result;
}

/* The cases in which it is not null, as implications, which are not a reason to report. */
List *
cmig_rls_not_null(Node *node, CmigRlsScope *scope)
{
	return cmig_rls_mark_literals(cmig_rls_null_cases(node, false, scope),
								  offsetof(CmigRlsLiteral, implied));
}

/*
 * Comparisons
 */

/* Replace a comparison with its result; a task for cmig_rls_sandbox_run(). */
static void
run_comparison(void *arg)
{
	Expr	  **expr = arg;

	*expr = evaluate_expr(*expr, BOOLOID, -1, InvalidOid);
}

/*
 * Is the node of the type that the operator takes on this side?  An element of an array, or
 * a column of an arm of UNION, stands for the whole, but has a type of its own.
 */
static bool
is_operand(const OpExpr *expr, const Node *node, bool left)
{
	Oid			types[2];

	op_input_types(expr->opno, &types[0], &types[1]);
	return IsBinaryCoercible(exprType(node), types[left ? 0 : 1]);
}

/* Returns the value, without a node that is not an operand. */
static const CmigRlsValue *
as_operand(const OpExpr *expr, const CmigRlsValue *value, bool left)
{
	CmigRlsValue *result;

	if (value->node == NULL || is_operand(expr, value->node, left))
		return value;
	cmig_rls_step(1);
	result = palloc(sizeof(CmigRlsValue));
	*result = *value;
	result->node = NULL;
	return result;
}

/*
 * Compare two constants that are not null.  Returns false if that is not
 * possible.  Only a built-in operator is executed, because a user-defined "="
 * can be any function.
 */
bool
cmig_rls_compare_constants(OpExpr *expr, Const *left, Const *right, bool *result)
{
	OpExpr	   *comparison = cmig_rls_copy(expr);
	Const	   *value = (Const *) comparison;

	comparison->args = list_make2(left, right);
	if (!is_operand(expr, (Node *) left, true) || !is_operand(expr, (Node *) right, false) ||
		expr->opno >= FirstUnpinnedObjectId || op_volatile(expr->opno) != PROVOLATILE_IMMUTABLE ||
		!cmig_rls_calls_evaluable((Node *) comparison) ||
		type_is_collatable(left->consttype) != OidIsValid(expr->inputcollid) ||
		cmig_rls_sandbox_run(CMIG_ROLE_NOBODY, run_comparison, &value) != 0 || value->constisnull)
		return false;
	*result = DatumGetBool(value->constvalue);
	return true;
}

/* Returns the operator's name if it is a built-in comparison, or NULL. */
static const char *
comparison_name(Oid opno)
{
	char	   *name = opno < FirstUnpinnedObjectId || get_mergejoin_opfamilies(opno) != NIL ||
	cmig_is_ordering_operator_compat(opno) ?
	get_opname(opno) : NULL;

	return name && cmig_rls_in_words(name, "= <> <= >= < >", false) ? name : NULL;
}

/*
 * Returns true if the operator's truth means that a key equals the context:
 * CONTEXT ? key, array @> ARRAY[CONTEXT], and the like.
 */
static bool
holds_element(const char *name, Node *left_node, Node *right_node)
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
		return IsA(right_node, ArrayExpr) ||
			(exprType(right_node) == JSONBOID && IsA(right_node, FuncExpr));
	if (strcmp(name, "<@") == 0)
		return IsA(left_node, ArrayExpr);
	return false;
}

/* Returns the cases in which one of the two values is null. */
static List *
either_null(Node *left, Node *right, CmigRlsScope *scope)
{
	return list_concat(cmig_rls_null_cases(left, true, scope),
					   cmig_rls_null_cases(right, true, scope));
}

/*
 * Returns the cases in which a comparison of two values is true or false, with
 * what follows from it if the values are equal.
 */
static List *
compare_values(OpExpr *expr, const CmigRlsValue *left, const CmigRlsValue *right, int want,
			   CmigRlsScope *scope)
{
	const char *name = comparison_name(expr->opno);
	bool		truth = want == IS_TRUE_BIT;
	bool		equality = cmig_rls_is_equality(expr->opno);
	bool		same;
	CmigRlsCase *facts = cmig_rls_both(left->facts, right->facts);
	OpExpr	   *shown = expr;
	List	   *result;
	bool		known;

	if (facts == NULL)
		return NIL;
	left = as_operand(expr, left, true);
	right = as_operand(expr, right, false);
	same = name && left->node && left->scope == right->scope &&
		equal(left->node, right->node) && !contain_volatile_functions(left->node);
	if (same)
	{
		bool		holds = strcmp(name, "<>") != 0 && strchr(name, '=') != NULL;

		return holds == truth ?
			cmig_rls_product(list_make1(facts), cmig_rls_not_null(left->node, left->scope)) : NIL;
	}
	if (name && left->node && right->node && IsA(left->node, Const) && IsA(right->node, Const))
	{
		if (((Const *) left->node)->constisnull || ((Const *) right->node)->constisnull)
			return NIL;
		if (cmig_rls_compare_constants(expr, (Const *) left->node, (Const *) right->node, &known))
			return known == truth ? list_make1(facts) : NIL;
	}
	/* nobody has the value of such a default */
	if ((equality || (get_opname(expr->opno) && get_opname(expr->opno)[0] == '@')) && truth &&
		(is_nobody(left) || is_nobody(right)))
		return NIL;
	if (left->node && right->node && left->scope == scope && right->scope == scope &&
		!(equal(left->node, cmig_rls_unwrap(linitial(expr->args))) &&
		  equal(right->node, cmig_rls_unwrap(lsecond(expr->args)))) &&
		exprType(left->node) == exprType(cmig_rls_unwrap(linitial(expr->args))) &&
		exprType(right->node) == exprType(cmig_rls_unwrap(lsecond(expr->args))))
	{
		shown = cmig_rls_copy(expr);
		shown->args = list_make2(left->node, right->node);
	}
	/* a <> b is the negation of a = b, and so on */
	if (name && (strcmp(name, "<>") == 0 || strcmp(name, "<=") == 0 || strcmp(name, ">=") == 0) &&
		OidIsValid(get_negator(expr->opno)))
	{
		shown = cmig_rls_copy(shown);
		shown->opno = get_negator(expr->opno);
		shown->opfuncid = get_opcode(shown->opno);
		want = truth ? IS_FALSE_BIT : IS_TRUE_BIT;
		equality = strcmp(name, "<>") == 0;
		truth = want == IS_TRUE_BIT;
	}
	result = cmig_rls_product(list_make1(facts), cmig_rls_single((Node *) shown, want, scope));
	/* the comparison has a result only if neither side is null */
	if (left->node)
		result = cmig_rls_product(result, cmig_rls_not_null(left->node, left->scope));
	if (right->node)
		result = cmig_rls_product(result, cmig_rls_not_null(right->node, right->scope));
	equality = equality && cmig_rls_tells_apart(linitial(expr->args), expr->inputcollid) &&
		cmig_rls_tells_apart(lsecond(expr->args), expr->inputcollid);
	foreach_ptr(CmigRlsCase, each, result)
	{
		if (truth && (equality || (get_opname(expr->opno) && left->node && right->node &&
								   holds_element(get_opname(expr->opno),
												 cmig_rls_unwrap(linitial(expr->args)),
												 cmig_rls_unwrap(lsecond(expr->args))))))
			relate(each, left, right);
	}
	return result;
}

/*
 * Returns the cases in which one of the left values equals one of the right
 * values.
 */
List *
cmig_rls_equal_values(List *left, List *right)
{
	List	   *result = NIL;

	foreach_ptr(CmigRlsValue, value, left)
	{
		foreach_ptr(CmigRlsValue, each, right)
		{
			CmigRlsCase *facts = cmig_rls_both(value->facts, each->facts);

			if (facts == NULL || is_nobody(each))
				continue;
			relate(facts, value, each);
			result = lappend(result, facts);
		}
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
	List	   *result = NIL;
	List	   *others;

	if (list_length(expr->args) != 2)
		return cmig_rls_single((Node *) expr, want, scope);
	left = cmig_rls_unwrap(linitial(expr->args));
	right = cmig_rls_unwrap(lsecond(expr->args));
	/* a comparison of two conditions */
	if (name && (strcmp(name, "=") == 0 || strcmp(name, "<>") == 0) && exprType(left) == BOOLOID &&
		exprType(right) == BOOLOID &&
		!(IsA(left, Var) && IsA(right, Var)))
	{
		int			bits[] = {IS_TRUE_BIT, IS_FALSE_BIT};

		if (want == IS_NULL_BIT)
			return list_concat(cmig_rls_cases_of(left, IS_NULL_BIT, scope),
							   cmig_rls_cases_of(right, IS_NULL_BIT, scope));
		for (int i = 0; i < 2; i++)
			for (int j = 0; j < 2; j++)
				if ((i == j) == ((want == IS_TRUE_BIT) == (strcmp(name, "=") == 0)))
					result = list_concat(result,
										 cmig_rls_product(cmig_rls_cases_of(left, bits[i], scope),
														  cmig_rls_cases_of(right, bits[j],
																			scope)));
		return result;
	}
	if (want == IS_NULL_BIT)
	{
		if (!op_strict(expr->opno))
			return cmig_rls_single((Node *) expr, want, scope);
		if (name && equal(left, right) && !contain_volatile_functions(left))
			return cmig_rls_null_cases(left, true, scope);
		return name ? either_null(left, right, scope) :
			list_concat(either_null(left, right, scope),
						cmig_rls_single((Node *) expr, want, scope));
	}
	others = cmig_rls_values_of(right, scope);
	foreach_ptr(CmigRlsValue, value, cmig_rls_values_of(left, scope))
	{
		foreach_ptr(CmigRlsValue, each, others)
		{
			result = list_concat(result, compare_values(expr, value, each, want, scope));
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
	if (!IsA(array, Const) || ((Const *) array)->constisnull ||
		!OidIsValid(element = get_element_type(((Const *) array)->consttype)))
		return NIL;
	get_typlenbyvalalign(element, &length, &by_value, &alignment);
	deconstruct_array(DatumGetArrayTypeP(((Const *) array)->constvalue), element, length, by_value,
					  alignment, &values, &nulls, &count);
	cmig_rls_step(count + 1);
	for (int i = 0; i < count && count <= MAX_ELEMENTS; i++)
		result = lappend(result,
						 makeConst(element, -1, ((Const *) array)->constcollid, length, values[i],
								   nulls[i], by_value));
	return result;
}

/* Returns the cases of "value operator ANY (array)" and of "... ALL (array)". */
List *
cmig_rls_compare_any(ScalarArrayOpExpr *expr, int want, CmigRlsScope *scope)
{
	Node	   *array = cmig_rls_unwrap(lsecond(expr->args));
	List	   *elements = elements_of(array);
	List	   *parts = NIL;

	foreach_ptr(Expr, element, elements)
	{
		OpExpr	   *part = (OpExpr *) make_opclause(expr->opno, BOOLOID, false,
													cmig_rls_copy(linitial(expr->args)),
													element, InvalidOid, expr->inputcollid);

		part->opfuncid = expr->opfuncid;
		parts = lappend(parts, part);
	}
	if (list_length(parts) == 1)
		return cmig_rls_cases_of(linitial(parts), want, scope);
	if (parts)
		return cmig_rls_cases_of((Node *) makeBoolExpr(expr->useOr ? OR_EXPR : AND_EXPR, parts, -1),
								 want, scope);
	if (want != IS_TRUE_BIT || !expr->useOr || !cmig_rls_is_equality(expr->opno) ||
		!cmig_rls_tells_apart(linitial(expr->args), expr->inputcollid) ||
		!cmig_rls_tells_apart(lsecond(expr->args), expr->inputcollid))
		return cmig_rls_single((Node *) expr, want, scope);
	return cmig_rls_product(cmig_rls_equal_values(cmig_rls_values_of(linitial(expr->args), scope),
												  cmig_rls_values_of(array, scope)),
							cmig_rls_single((Node *) expr, want, scope));
}
