/*
 * nodes.c
 *	  Simple functions about expressions, and what of them may be evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/base.h"
#include "parse/parse.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Only built-in functions are called to evaluate an expression (rls_calls.c),
 * and no literal is parsed by the input function of a user-defined type
 * (rls_parse.c).  The sandbox is a second line of defense in case these
 * modules overlook something: user-defined code would run as a role without
 * privileges, and could neither switch to another role nor leave anything
 * behind.
 */

/* A task, and the role that runs it. */
typedef struct SandboxRun
{
	Oid			role;
	CmigRlsTask task;
	void	   *arg;
} SandboxRun;

/*
 * Subtransaction callback: run the task as its role, which lasts until the
 * subtransaction ends.
 */
static void
run_task(void *arg)
{
	SandboxRun *run = arg;
	CmigRole	former;

	if (OidIsValid(run->role))
		cmig_role_act_as(&former, run->role);
	if (run->role == CMIG_RLS_NOBODY)
		cmig_settings_pin_search_path();
	run->task(run->arg);
}

int
cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg)
{
	SandboxRun	run = {role, task, arg};
	ErrorData  *error = cmig_subtransaction_rehearse(run_task, &run);
	int			sqlstate;
	int			category;

	if (error == NULL)
		return 0;
	sqlstate = error->sqlerrcode;
	category = ERRCODE_TO_CATEGORY(sqlstate);
	if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	FreeErrorData(error);
	return sqlstate;
}

/*
 * Nodes
 */

bool
cmig_rls_is_equality(Oid opno)
{
	char	   *name = get_opname(opno);

	/* only superusers can add an operator to the classes of an index */
	return name && strcmp(name, "=") == 0 && (opno < FirstUnpinnedObjectId || get_mergejoin_opfamilies(opno) != NIL);
}

Node *
cmig_rls_strip(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

bool
cmig_rls_is_plain_select(Query *query)
{
	return query->rtable == NIL && query->cteList == NIL && query->jointree->quals == NULL &&
		query->setOperations == NULL && !query->hasAggs && !query->hasTargetSRFs && query->havingQual == NULL &&
		query->limitCount == NULL && query->limitOffset == NULL;
}

/*
 * If the node is "(SELECT expression)" without any other clause, returns the
 * expression; otherwise, returns NULL.
 */
static Node *
selected(Node *node)
{
	SubLink    *link = (SubLink *) node;
	Query	   *query;
	Node	   *expression;

	if (!IsA(node, SubLink) || link->subLinkType != EXPR_SUBLINK)
		return NULL;
	query = castNode(Query, link->subselect);
	if (!cmig_rls_is_plain_select(query) || query->targetList == NIL)
		return NULL;

	/*
	 * decrement varlevelsup of the columns, because the expression is moved
	 * out of the sub-select
	 */
	expression = copyObject((Node *) linitial_node(TargetEntry, query->targetList)->expr);
	IncrementVarSublevelsUp(expression, -1, 1);
	return expression;
}

Node *
cmig_rls_unwrap(Node *node)
{
	Node	   *inner;

	for (;;)
	{
		if (node == NULL)
			return NULL;
		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else if ((inner = selected(node)) != NULL)
			node = inner;
		else
			return node;
	}
}

Node *
cmig_rls_bare(Node *node)
{
	for (;;)
	{
		node = cmig_rls_unwrap(node);
		if (node == NULL)
			return NULL;
		if (IsA(node, CoerceViaIO))
			node = (Node *) ((CoerceViaIO *) node)->arg;
		else if (IsA(node, CoerceToDomain))
			node = (Node *) ((CoerceToDomain *) node)->arg;
		else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->args != NIL &&
				 (((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CAST ||
				  ((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST))
			node = linitial(((FuncExpr *) node)->args);
		else
			return node;
	}
}

int
cmig_rls_columns(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			count;

	if (!HeapTupleIsValid(tuple))
		return 0;
	count = ((Form_pg_class) GETSTRUCT(tuple))->relnatts;
	ReleaseSysCache(tuple);
	return count;
}

bool
cmig_rls_is_not_null(Oid relid, AttrNumber column)
{
	HeapTuple	tuple;
	bool		not_null;

	/* system columns are never null (column 0, the whole row, can be null) */
	if (column < 0)
		return true;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relid), Int16GetDatum(column));
	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

bool
cmig_rls_sample_is_builtin(Oid type)
{
	Oid			element = get_element_type(type);
	char		kind = get_typtype(OidIsValid(element) ? element : type);

	if (type >= FirstUnpinnedObjectId)
		return kind == TYPTYPE_ENUM;

	/*
	 * leave out record and polymorphic types, which are built-in too, but
	 * whose values can contain values of any type
	 */
	return type == UNKNOWNOID || kind == TYPTYPE_BASE || kind == TYPTYPE_RANGE || kind == TYPTYPE_MULTIRANGE;
}

Const *
cmig_rls_sample_null(Oid type)
{
	return makeNullConst(type, -1, get_typcollation(type));
}

Const *
cmig_rls_sample_const(Oid type, const char *text)
{
	Oid			input;
	Oid			parameter;
	int16		length;
	bool		by_value;
	Datum		value;

	getTypeInputInfo(type, &input, &parameter);
	get_typlenbyval(type, &length, &by_value);
	value = OidInputFunctionCall(input, unconstify(char *, text), parameter, -1);
	return makeConst(type, -1, get_typcollation(type), length, value, false, by_value);
}

char *
cmig_rls_sample_text(const Const *value)
{
	Oid			output;
	bool		varlena;

	if (value->constisnull)
		return NULL;
	getTypeOutputInfo(value->consttype, &output, &varlena);
	return OidOutputFunctionCall(output, value->constvalue);
}



/*
 * What may be evaluated
 */

/* Does the string begin with one of the prefixes? */
static bool
has_prefix(const char *text, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (strncmp(text, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

/*
 * Returns true if a type may occur in the declaration of a harmless function:
 * a built-in or polymorphic type (the types of the actual arguments are
 * checked separately).  The exceptions are cstring, internal, and record,
 * which input functions and similar functions use, and types whose input
 * functions look up objects.
 */
static bool
is_plain_declaration(Oid type)
{
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case ACLITEMOID:
		case XMLOID:
			return false;
		default:
			return type == ANYOID || IsPolymorphicType(type) || cmig_rls_sample_is_builtin(type);
	}
}

/*
 * Returns true if a built-in function only computes a value: it does not read
 * tables or catalogs, has no side effects, does not take long, and does not
 * call user-defined functions.  Immutable functions are recognized by their
 * declared types, with a few exceptions by name; stable functions are
 * recognized by name.
 */
static bool
may_run(Oid function)
{
	static const char *const not_immutable[] = {
		"repeat", "format", "lpad", "rpad", "generate_", "power", "numeric_power", "factorial", "numeric_fac", "exp",
		"pg_", "has_", "inet_", "txid_", "to_ts", "ts_", "plainto_", "phraseto_", "websearch_", "jsonb_populate", "json_populate",
		"set_config", "fmgr_", "satisfies_", "querytree", "postgresql_fdw_", "acl", "makeacl", "xml", "xpath", NULL
	};
	static const char *const stable[] = {
		"now", "statement_timestamp", "transaction_timestamp", "age", "concat", "array_to_string", "convert", "date",
		"time", "interval_pl_", "make_timestamptz", "to_char", "to_date", "to_number", "to_timestamp", "to_json",
		"json_build_", "jsonb_build_", "jsonb_path_", "array_to_json", "extract", "overlaps", "textanycat", "anytextcat",
		"quote_literal", "quote_nullable", "length", "money", "numeric", "in_range", NULL
	};
	HeapTuple	tuple;
	Form_pg_proc proc;
	const char *name;
	bool		may;

	if (function >= FirstUnpinnedObjectId || !OidIsValid(function))
		return false;

	/*
	 * allow text || anytype, an SQL function whose body refers only to
	 * built-in objects
	 */
	if (function == F_TEXTANYCAT || function == F_ANYTEXTCAT)
		return true;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	name = NameStr(proc->proname);
	may = proc->prokind == PROKIND_FUNCTION &&
		(proc->prolang == INTERNALlanguageId || (proc->prolang == SQLlanguageId &&
												 !heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))) &&
		(proc->provolatile == PROVOLATILE_IMMUTABLE ? !has_prefix(name, not_immutable) :
		 proc->provolatile == PROVOLATILE_STABLE && has_prefix(name, stable)) &&
		is_plain_declaration(proc->prorettype);
	for (int i = 0; may && i < proc->pronargs; i++)
		may = is_plain_declaration(proc->proargtypes.values[i]);
	ReleaseSysCache(tuple);
	return may;
}

/*
 * Returns true if the function handles enums without calling other functions.
 * Enum types are user-defined.  Not every built-in function qualifies: a
 * function that builds JSON, for example, calls the user's cast from the enum,
 * if there is one.
 */
static bool
compares_enums(Oid function)
{
	switch (function)
	{
		case F_ENUM_EQ:
		case F_ENUM_NE:
		case F_ENUM_LT:
		case F_ENUM_LE:
		case F_ENUM_GT:
		case F_ENUM_GE:
		case F_ARRAY_EQ:
		case F_ARRAY_NE:
		case F_ARRAYCONTAINS:
		case F_ARRAYCONTAINED:
		case F_ARRAYOVERLAP:
			return true;
		default:
			return false;
	}
}

bool
cmig_rls_calls_builtin(Oid function, List *args, Oid result)
{
	ListCell   *lc;

	if (!may_run(function) || !cmig_rls_sample_is_builtin(result))
		return false;
	foreach(lc, args)
	{
		Oid			type = exprType(lfirst(lc));

		if (!cmig_rls_sample_is_builtin(type) || (type >= FirstUnpinnedObjectId && !compares_enums(function)))
			return false;
	}
	return true;
}

bool
cmig_rls_calls_setting(Node *node)
{
	return IsA(node, FuncExpr) && (((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT ||
								   ((FuncExpr *) node)->funcid == F_CURRENT_SETTING_TEXT_BOOL);
}

bool
cmig_rls_calls_user(Node *node)
{
	if (!IsA(node, SQLValueFunction))
		return false;
	switch (((SQLValueFunction *) node)->op)
	{
		case SVFOP_CURRENT_ROLE:
		case SVFOP_CURRENT_USER:
		case SVFOP_USER:
		case SVFOP_SESSION_USER:
			return true;
		default:
			return false;
	}
}

static bool
any_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if ((*(CmigRlsNodeTest *) context) (node))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, any_walker, context, 0);
	return expression_tree_walker(node, any_walker, context);
}

bool
cmig_rls_any(Node *node, CmigRlsNodeTest test)
{
	return any_walker(node, &test);
}

/* Does the node depend on the row or on a sub-select? */
static bool
is_row(Node *node)
{
	return IsA(node, Var) || IsA(node, Param) || IsA(node, CaseTestExpr) || IsA(node, Query);
}

bool
cmig_rls_calls_session_function(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;

	return cmig_rls_body_is_foreign_call(node) && call->funcresulttype != BOOLOID &&
		!cmig_rls_any((Node *) call->args, is_row);
}

static bool
is_context(Node *node)
{
	return cmig_rls_calls_setting(node) || cmig_rls_calls_user(node) || cmig_rls_calls_session_function(node);
}

bool
cmig_rls_calls_context(Node *node)
{
	return cmig_rls_any(node, is_context);
}

bool
cmig_rls_calls_claim(Node *node)
{
	Oid			type;
	List	   *args;

	if (IsA(node, OpExpr) && ((OpExpr *) node)->opno < FirstUnpinnedObjectId)
		args = ((OpExpr *) node)->args;
	else if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid < FirstUnpinnedObjectId &&
			 !((FuncExpr *) node)->funcretset)
		args = ((FuncExpr *) node)->args;
	else
		return false;
	if (args == NIL || cmig_rls_any(node, is_row) || !cmig_rls_calls_context(node))
		return false;
	type = exprType(linitial(args));
	if (type != JSONOID && type != JSONBOID)
		return false;
	type = exprType(node);
	return type == TEXTOID || type == JSONOID || type == JSONBOID;
}

/* Returns true if an argument is a row or has a user-defined type. */
static bool
has_others_type(List *args)
{
	ListCell   *lc;

	foreach(lc, args)
	{
		Oid			type = exprType(IsA(lfirst(lc), TargetEntry) ? (Node *) lfirst_node(TargetEntry, lc)->expr : lfirst(lc));

		if (type >= FirstUnpinnedObjectId || !cmig_rls_sample_is_builtin(type))
			return true;
	}
	return false;
}

static bool
is_builtin_operator(Oid operator, List *args, Oid result)
{
	return operator < FirstUnpinnedObjectId && cmig_rls_calls_builtin(get_opcode(operator), args, result);
}

bool
cmig_rls_calls_evaluable(Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			return is_builtin_operator(((OpExpr *) node)->opno, ((OpExpr *) node)->args, ((OpExpr *) node)->opresulttype);
		case T_ScalarArrayOpExpr:
			return is_builtin_operator(((ScalarArrayOpExpr *) node)->opno, ((ScalarArrayOpExpr *) node)->args, BOOLOID);
		case T_Aggref:
			return ((Aggref *) node)->aggfnoid < FirstUnpinnedObjectId && !has_others_type(((Aggref *) node)->args);
		case T_WindowFunc:
			return ((WindowFunc *) node)->winfnoid < FirstUnpinnedObjectId && !has_others_type(((WindowFunc *) node)->args);
		case T_RowExpr:

			/*
			 * check the fields, because a record can contain values of any
			 * type
			 */
			return !has_others_type(((RowExpr *) node)->args);
		case T_SortGroupClause:
			return ((SortGroupClause *) node)->eqop < FirstUnpinnedObjectId && ((SortGroupClause *) node)->sortop < FirstUnpinnedObjectId;
		case T_RowCompareExpr:
			foreach(lc, ((RowCompareExpr *) node)->opnos)
			{
				if (lfirst_oid(lc) >= FirstUnpinnedObjectId)
					return false;
			}
			return true;
		case T_Param:
			return ((Param *) node)->paramkind == PARAM_SUBLINK;
		case T_Const:
		case T_ArrayExpr:
		case T_ArrayCoerceExpr:
		case T_MinMaxExpr:
		case T_SubscriptingRef:
			return cmig_rls_sample_is_builtin(exprType(node));
		case T_CommonTableExpr:
			return !((CommonTableExpr *) node)->search_clause && !((CommonTableExpr *) node)->cycle_clause;
		case T_NullTest:
		case T_BoolExpr:
		case T_BooleanTest:
		case T_CaseExpr:
		case T_CoalesceExpr:
		case T_CaseTestExpr:
		case T_SQLValueFunction:
		case T_RelabelType:
		case T_CollateExpr:
		case T_SubLink:
			/* parts of a query that are not themselves expressions */
		case T_List:
		case T_OidList:
		case T_IntList:
		case T_CaseWhen:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_RangeTblEntry:
		case T_RangeTblFunction:
		case T_GroupingSet:
		case T_SetOperationStmt:
		case T_WindowClause:
			return true;
		default:
			return false;
	}
}
