/*
 * rls_model.c
 *	  Converts a policy's expression to an expression over made-up rows and
 *	  contexts.
 *
 * The row's columns, settings, and anything else that depends on the session
 * become columns of a VALUES list.  Tables that sub-selects read become VALUES
 * lists with rows of one tenant and of strangers, and the tables' policies are
 * applied to them.  rls_leak.c then evaluates the result with PostgreSQL's
 * executor.
 *
 * Only calls of built-in functions without side effects over built-in types
 * are left, so that no user-defined code runs.  A condition that calls any
 * other function becomes an input that can be true, false, or null.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_body.h"
#include "rls/rls_bound.h"
#include "rls/rls_calls.h"
#include "rls/rls_made_rows.h"
#include "rls/rls_model.h"
#include "rls/rls_node.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MAX_TABLES 5			/* maximum number of tables that may be read;
								 * with more, the expression is not judged */
#define MAX_POLICY_NESTING 3	/* maximum depth of policies on tables that
								 * other policies read */

static Node *make(Node *node, void *context);

/*
 * Returns a range table entry for the sub-select "SELECT * FROM (VALUES ...)
 * WHERE policies", which replaces a table.  The sub-select is nested one level
 * below the query that is being converted.
 */
static RangeTblEntry *
make_table(CmigRlsMaker *maker, RangeTblEntry *entry)
{
	RangeTblEntry *table = makeNode(RangeTblEntry);
	RangeTblEntry *rows;
	RangeTblRef *reference = makeNode(RangeTblRef);
	Query	   *query = makeNode(Query);
	Node	   *quals = NULL;
	ListCell   *lc;

	maker->model->reads_tables = true;
	maker->tables++;
	rows = cmig_rls_made_rows(maker, entry);
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(rows);
	query->hasSubLinks = true;
	foreach(lc, rows->coltypes)
	{
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) makeVar(1, foreach_current_index(lc) + 1, lfirst_oid(lc), -1,
																	 get_typcollation(lfirst_oid(lc)), 0),
													foreach_current_index(lc) + 1,
													pstrdup(strVal(list_nth(rows->eref->colnames, foreach_current_index(lc)))), false));
	}
	if (maker->model->tables == CMIG_RLS_TABLES_EMPTY)
		quals = makeBoolConst(false, false);
	else if (maker->nesting < MAX_POLICY_NESTING && (quals = cmig_rls_made_rows_visible(maker, entry->relid)) != NULL)
	{
		CmigRlsMaker inner = *maker;

		inner.depth++;
		inner.nesting++;
		quals = cmig_rls_body_expand(quals);
		inner.hints = cmig_rls_hints_read(quals);
		quals = make(quals, &inner);
		maker->tables = inner.tables;
	}
	query->jointree = makeFromExpr(list_make1(reference), quals);
	table->rtekind = RTE_SUBQUERY;
	table->subquery = query;
	table->alias = entry->alias;
	table->eref = entry->eref;
	table->lateral = false;
	table->inFromCl = entry->inFromCl;
	if (maker->tables > MAX_TABLES)
		*maker->failed = true;
	return table;
}

/* Convert a sub-select, with made-up rows in place of its tables. */
static Node *
make_query(Query *query, CmigRlsMaker *maker)
{
	CmigRlsMaker inner = *maker;
	Query	   *made;
	ListCell   *lc;
	ListCell   *old;

	inner.depth++;
	inner.wanted = InvalidOid;
	inner.definer |= query->hasRowSecurity;
	inner.recursive |= query->hasRecursive;
	if (query->commandType != CMD_SELECT || query->rowMarks != NIL)
		*maker->failed = true;

	/*
	 * pass the original range table entries to make_table(), because the
	 * hints refer to them
	 */
	made = query_tree_mutator(query, make, &inner, 0);
	forboth(lc, made->rtable, old, query->rtable)
	{
		RangeTblEntry *entry = lfirst(old);

		if (entry->rtekind == RTE_RELATION)
			lfirst(lc) = make_table(&inner, entry);
		else if (entry->rtekind == RTE_CTE && inner.recursive && !entry->self_reference)
			lfirst(lc) = cmig_rls_bound_recursion(lfirst(lc));
		else if (entry->rtekind == RTE_TABLEFUNC || entry->rtekind == RTE_NAMEDTUPLESTORE)
			*maker->failed = true;
	}
	made->hasRowSecurity = false;
	made->hasSubLinks = true;
	cmig_no_permissions_compat(made);
	cmig_rls_bound_any_row(made);
	maker->tables = inner.tables;
	return (Node *) made;
}

/*
 * The expression
 */

/* Convert generate_series(), with limits so that it returns few rows. */
static Node *
make_series(FuncExpr *call, CmigRlsMaker *maker)
{
	CmigRlsMaker inner = *maker;
	Node	   *made;

	inner.wanted = InvalidOid;
	made = expression_tree_mutator((Node *) call, make, &inner);
	if (!cmig_rls_bound_series(call, (FuncExpr *) made))
		*maker->failed = true;
	maker->tables = inner.tables;
	return made;
}

/* Returns the input for a call of current_setting(). */
static Node *
make_setting(FuncExpr *call, CmigRlsMaker *maker)
{
	Node	   *name = linitial(call->args);
	bool		strict = call->funcid == F_CURRENT_SETTING_TEXT;

	if (!IsA(name, Const) || ((Const *) name)->constisnull)
	{
		*maker->failed = true;
		return (Node *) call;
	}
	if (!strict && IsA(lsecond(call->args), Const))
	{
		Const	   *missing_ok = lsecond(call->args);

		strict = missing_ok->constisnull || !DatumGetBool(missing_ok->constvalue);
	}
	return cmig_rls_input_context(maker, (Node *) call, TextDatumGetCString(((Const *) name)->constvalue), strict);
}

/*
 * Returns the input for a call of a function that depends on the session.  If
 * the function returns a set, the input is an array of its rows.
 */
static Node *
make_session_function(FuncExpr *call, CmigRlsMaker *maker)
{
	char	   *name = psprintf("%s()", get_func_name(call->funcid));
	Oid			array = get_array_type(call->funcresulttype);
	FuncExpr   *scalar;
	FuncExpr   *unnest;

	if (!call->funcretset)
		return cmig_rls_input_context(maker, (Node *) call, name, false);
	if (!OidIsValid(array) || !cmig_rls_sample_is_builtin(call->funcresulttype))
	{
		*maker->failed = true;
		return (Node *) call;
	}
	scalar = copyObject(call);
	scalar->funcretset = false;
	scalar->funcresulttype = array;
	unnest = makeFuncExpr(F_UNNEST_ANYARRAY, call->funcresulttype,
						  list_make1(cmig_rls_input_context(maker, (Node *) scalar, name, false)),
						  call->funccollid, call->inputcollid, COERCE_EXPLICIT_CALL);
	unnest->funcretset = true;
	return (Node *) unnest;
}

/* Convert a function call to an expression over the model's inputs. */
static Node *
make_call(FuncExpr *call, CmigRlsMaker *maker)
{
	CmigRlsMaker inner = *maker;
	Node	   *made;

	switch (call->funcid)
	{
		case F_GENERATE_SERIES_INT4_INT4:
		case F_GENERATE_SERIES_INT4_INT4_INT4:
		case F_GENERATE_SERIES_INT8_INT8:
		case F_GENERATE_SERIES_INT8_INT8_INT8:
			return make_series(call, maker);
		default:
			break;
	}
	if (cmig_rls_calls_setting((Node *) call))
		return make_setting(call, maker);
	if (cmig_rls_calls_session_function((Node *) call))
		return make_session_function(call, maker);
	if (!cmig_rls_calls_builtin(call->funcid, call->args, call->funcresulttype))
		*maker->failed = true;
	if (call->funcformat == COERCE_EXPLICIT_CAST || call->funcformat == COERCE_IMPLICIT_CAST)
		inner.wanted = call->funcresulttype;
	made = expression_tree_mutator((Node *) call, make, &inner);
	maker->tables = inner.tables;
	return made;
}

/*
 * Returns a constant for tableoid or ctid.  For any other system column, sets
 * *maker->failed.
 */
static Node *
make_system_column(CmigRlsMaker *maker, Var *var)
{
	switch (var->varattno)
	{
		case TableOidAttributeNumber:
			return (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(maker->relid), false, true);
		case SelfItemPointerAttributeNumber:
			return (Node *) cmig_rls_sample_const(TIDOID, "(1,2)");
		default:
			*maker->failed = true;
			return (Node *) var;
	}
}

/*
 * Replace "row IS NULL" or "row IS NOT NULL" with the same test of each column
 * for which values can be tried.
 */
static Node *
make_row_test(CmigRlsMaker *maker, NullTest *test)
{
	Var		   *row = (Var *) test->arg;
	List	   *tests = list_make1(makeBoolConst(true, false));
	int			natts = cmig_rls_columns(maker->relid);

	for (int attno = 1; attno <= natts; attno++)
	{
		NullTest   *made = makeNode(NullTest);
		Oid			type;
		int32		typmod;
		Oid			collation;

		get_atttypetypmodcoll(maker->relid, attno, &type, &typmod, &collation);
		if (!OidIsValid(type) || cmig_rls_sample(getBaseType(type), maker->model->form, 0) == NULL)
			continue;
		made->arg = (Expr *) cmig_rls_input_column(maker, makeVar(row->varno, attno, type, typmod, collation, row->varlevelsup));
		made->nulltesttype = test->nulltesttype;
		made->location = -1;
		tests = lappend(tests, made);
	}
	return (Node *) makeBoolExpr(AND_EXPR, tests, -1);
}

/*
 * Returns the input for an expression that is the only key of a unique index,
 * or NULL for any other expression.
 */
static Node *
make_identity(CmigRlsMaker *maker, Node *node)
{
	ListCell   *lc;

	foreach(lc, maker->identities)
	{
		Node	   *identity = lfirst(lc);
		Bitmapset  *columns = NULL;

		if (maker->depth > 0)
		{
			identity = copyObject(identity);
			IncrementVarSublevelsUp(identity, maker->depth, 0);
		}
		if (!equal(identity, node))
			continue;
		pull_varattnos(lfirst(lc), 1, &columns);
		if (bms_num_members(columns) == 1)
			return cmig_rls_input_identity(maker, node, bms_singleton_member(columns) + FirstLowInvalidHeapAttributeNumber);
	}
	return NULL;
}

/*
 * Convert a column of the row or of a sub-select to an expression over the
 * model's inputs.
 */
static Node *
make_var(Var *var, CmigRlsMaker *maker)
{
	Var		   *made;

	if (var->varlevelsup == maker->depth)
		return var->varattno < 0 ? make_system_column(maker, var) :
			cmig_rls_input_column(maker, var);
	if (var->varattno <= 0 || !cmig_rls_sample_is_builtin(getBaseType(var->vartype)))
		*maker->failed = true;
	made = copyObject(var);
	made->vartype = getBaseType(var->vartype);
	return (Node *) made;
}

/* Convert a cast through text; a domain is replaced with its base type. */
static Node *
make_cast(CoerceViaIO *cast, CmigRlsMaker *maker)
{
	CmigRlsMaker inner = *maker;
	Node	   *made;

	cast = copyObject(cast);
	cast->resulttype = getBaseType(cast->resulttype);
	if (!cmig_rls_sample_is_builtin(cast->resulttype) ||
		!cmig_rls_sample_is_builtin(getBaseType(exprType((Node *) cast->arg))))
		*maker->failed = true;
	inner.wanted = cast->resulttype;
	made = expression_tree_mutator((Node *) cast, make, &inner);
	maker->tables = inner.tables;
	return made;
}

/* Returns true if the node tests the whole row for null. */
static bool
is_row_test(NullTest *test, const CmigRlsMaker *maker)
{
	Var		   *row = (Var *) test->arg;

	return test->argisrow && IsA(row, Var) && row->varattno == 0 && row->varlevelsup == maker->depth;
}

/*
 * Returns true if the type to which the node is cast does not apply to the
 * nodes below it.
 */
static bool
has_own_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_ScalarArrayOpExpr:
		case T_RowExpr:
		case T_Const:
		case T_ArrayExpr:
		case T_ArrayCoerceExpr:
		case T_SubscriptingRef:
			return true;
		default:
			return false;
	}
}

/*
 * Convert a node and everything below it.  Sets *maker->failed if the node
 * cannot be evaluated.
 */
static Node *
make_node(Node *node, CmigRlsMaker *maker)
{
	CmigRlsMaker inner = *maker;
	Node	   *made;

	if ((made = make_identity(maker, node)) != NULL)
		return made;
	if (cmig_rls_calls_claim(node))
		return cmig_rls_input_context(maker, node, pstrdup("a claim"), false);
	if (cmig_rls_calls_user(node))
		return cmig_rls_input_context(maker, node, pstrdup("current_user"), false);
	switch (nodeTag(node))
	{
		case T_Var:
			return make_var((Var *) node, maker);
		case T_FuncExpr:
			return make_call((FuncExpr *) node, maker);
		case T_CoerceViaIO:
			return make_cast((CoerceViaIO *) node, maker);
		case T_CoerceToDomain:
			return make((Node *) ((CoerceToDomain *) node)->arg, maker);
		case T_TableSampleClause:

			/*
			 * keep TABLESAMPLE, because any of the made-up rows may be in the
			 * sample
			 */
			return copyObject(node);
		case T_NullTest:
			if (is_row_test((NullTest *) node, maker))
				return make_row_test(maker, (NullTest *) node);
			break;
		default:
			break;
	}
	if (!cmig_rls_calls_evaluable(node))
	{
		*maker->failed = true;
		return node;
	}
	if (has_own_type(node))
		inner.wanted = InvalidOid;
	made = expression_tree_mutator(node, make, &inner);
	if (IsA(made, SubLink))
		cmig_rls_bound_one_row((SubLink *) made);
	maker->tables = inner.tables;
	return made;
}

/*
 * Returns true if the node is a condition that can be replaced with an unknown
 * input, which can be true, false, or null.
 */
static bool
is_condition(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_SubLink:
		case T_RowCompareExpr:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_RelabelType:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_SubscriptingRef:
		case T_MinMaxExpr:
			return !expression_returns_set(node) && exprType(node) == BOOLOID;
		default:
			return false;
	}
}

/*
 * Convert a node to an expression over the model's inputs.  A condition that
 * cannot be converted is replaced with an unknown input, which can be true,
 * false, or null.
 */
static Node *
make(Node *node, void *context)
{
	CmigRlsMaker *maker = context;
	bool		failed = false;
	bool	   *above = maker->failed;
	Node	   *made;

	check_stack_depth();
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return make_query((Query *) node, maker);
	if (!is_condition(node))
		return make_node(node, maker);
	maker->failed = &failed;
	made = make_node(node, maker);
	maker->failed = above;
	return failed ? cmig_rls_input_unknown(maker, node) : made;
}

/*
 * The form of keys
 */

/* Whether an expression uses UUIDs, and whether it uses string columns. */
typedef struct Types
{
	bool		uuid;
	bool		text;
} Types;

/*
 * Record whether the expression uses UUIDs, and whether it uses string
 * columns.
 */
static bool
types_walker(Node *node, void *context)
{
	Types	   *types = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, types_walker, context, 0);

	/*
	 * a string column that is cast to a number or a UUID counts as that type
	 */
	if (IsA(node, CoerceViaIO) && cmig_rls_hints_form(((CoerceViaIO *) node)->resulttype) != CMIG_RLS_FORM_TEXT &&
		IsA(cmig_rls_bare(node), Var))
	{
		types->uuid |= getBaseType(((CoerceViaIO *) node)->resulttype) == UUIDOID;
		return false;
	}
	if (IsA(node, Var) || IsA(node, CoerceViaIO))
	{
		Oid			type = getBaseType(exprType(node));
		Oid			element = get_element_type(type);

		if (OidIsValid(element))
			type = element;
		types->uuid |= type == UUIDOID;
		types->text |= IsA(node, Var) && (type == TEXTOID || type == VARCHAROID || type == BPCHAROID || type == NAMEOID);
	}
	return expression_tree_walker(node, types_walker, context);
}

/* Do the keys include a column other than "column"? */
static bool
has_other(const Bitmapset *keys, AttrNumber column)
{
	return bms_num_members(keys) > (bms_is_member(column, keys) ? 1 : 0);
}

CmigRlsModel *
cmig_rls_model_make(Node *tree, Oid relid, Oid role, const Bitmapset *keys, const Bitmapset *own, CmigRlsTables tables)
{
	CmigRlsModel *model = palloc0(sizeof(CmigRlsModel));
	CmigRlsMaker maker = {0};
	Types		types = {0};
	bool		failed = false;
	ListCell   *lc;

	tree = cmig_rls_body_expand(tree);
	(void) types_walker(tree, &types);
	model->form = types.uuid ? CMIG_RLS_FORM_UUID : types.text ? CMIG_RLS_FORM_TEXT : CMIG_RLS_FORM_NUMBER;
	maker.model = model;
	model->tables = tables;
	maker.identities = cmig_rls_input_identities(relid);
	maker.relid = relid;
	maker.role = role;
	maker.failed = &failed;
	maker.hints = model->hints = cmig_rls_hints_read(tree);
	model->expression = make(tree, &maker);
	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_COLUMN)
			continue;
		input->own = bms_is_member(input->attno, own);
		input->key |= input->own || bms_is_member(input->attno, keys);
		model->null_is_asked |= input->key && input->null_tested;

		/*
		 * the table's only key cannot be shared, because it tells who owns
		 * the row
		 */
		input->shared = input->key && !input->own && has_other(keys, input->attno) && cmig_rls_input_is_shared(input, relid);
		model->joins_by_shared |= input->shared;
	}
	cmig_rls_input_find_users(model, relid, role);
	if (failed)
		model->expression = makeBoolConst(false, true);
	return model;
}
