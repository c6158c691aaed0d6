/*
 * rls_parse.c
 *	  Analyzes a function's body without executing user-defined code.
 *
 * Parse analysis calls the input function of the type that a literal turns out
 * to have, and the input function of an array, a row, or a range also
 * evaluates domain checks.  The type is not visible in the text: '{1}' = f(x)
 * is enough.  Therefore, each literal is replaced with a parameter, and the
 * parser calls a hook when it has determined the parameter's type.  The hook
 * accepts built-in types and refuses all others.
 *
 * Names are looked up with the privileges of the function's owner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "parse/raw_parse.h"
#include "rls/rls_parse.h"
#include "rls/rls_sample.h"
#include "rls/rls_sandbox.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/functions.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_node.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The state of the parser hooks. */
typedef struct Analysis
{
	SQLFunctionParseInfo info;	/* must be first, because PostgreSQL's hooks
								 * expect it */
	ParseParamRefHook parameter;	/* PostgreSQL's hook */
	List	   *literals;		/* of char *: the literals; parameter -n is
								 * the n-th one */
} Analysis;

/* A function whose body is parsed. */
typedef struct Body
{
	HeapTuple	tuple;
	FuncExpr   *call;
	const char *source;
	Query	   *query;			/* result */
} Body;

/*
 * Raise an error for a literal whose type has an input function that could run
 * other roles' code.
 */
static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a literal of this type is not judged")));
}

/* Replace each string literal with a parameter, in place. */
static bool
take_literals(Node *node, void *context)
{
	Analysis   *analysis = context;

	if (node == NULL)
		return false;
	/* type modifiers must remain constants */
	if (IsA(node, TypeName))
		return false;
	if (cmig_is_json_table_compat(node))
		refuse();
	if (IsA(node, A_Const))
	{
		A_Const    *constant = (A_Const *) node;
		ParamRef   *parameter = (ParamRef *) node;
		int			location = constant->location;

		StaticAssertStmt(sizeof(ParamRef) <= sizeof(A_Const), "a parameter fits into a constant's memory");
		if (constant->isnull || !IsA(&constant->val, String))
			return false;
		analysis->literals = lappend(analysis->literals, strVal(&constant->val));
		memset(parameter, 0, sizeof(ParamRef));
		parameter->type = T_ParamRef;
		parameter->number = -list_length(analysis->literals);
		parameter->location = location;
		return false;
	}
	return raw_expression_tree_walker(node, take_literals, context);
}

/* Returns the literal that a parameter replaces. */
static Const *
literal(const Analysis *analysis, const Param *param)
{
	return makeConst(UNKNOWNOID, -1, InvalidOid, -2,
					 CStringGetDatum(list_nth(analysis->literals, -param->paramid - 1)), false, false);
}

/* Parser hook: create a parameter. */
static Node *
refer_to_parameter(ParseState *pstate, ParamRef *reference)
{
	Analysis   *analysis = pstate->p_ref_hook_state;
	Param	   *param;

	if (reference->number >= 0)
		return analysis->parameter(pstate, reference);
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = reference->number;
	param->paramtype = UNKNOWNOID;
	param->paramtypmod = -1;
	param->paramcollid = InvalidOid;
	param->location = reference->location;
	return (Node *) param;
}

/*
 * Parser hook: coerce a parameter of unknown type to the type that the parser
 * has determined.
 */
static Node *
coerce_parameter(ParseState *pstate, Param *param, Oid type, int32 typmod, int location)
{
	Analysis   *analysis = pstate->p_ref_hook_state;

	if (param->paramid >= 0)
		return NULL;
	if (!cmig_rls_sample_is_builtin(getBaseType(type)))
		refuse();
	return coerce_type(pstate, (Node *) literal(analysis, param), UNKNOWNOID, type, typmod,
					   COERCION_IMPLICIT, COERCE_IMPLICIT_CAST, location);
}

/* Install the hooks. */
static void
set_up(ParseState *pstate, void *arg)
{
	Analysis   *analysis = arg;

	sql_fn_parser_setup(pstate, &analysis->info);
	analysis->parameter = pstate->p_paramref_hook;
	pstate->p_paramref_hook = refer_to_parameter;
	pstate->p_coerce_param_hook = coerce_parameter;
}

/* Turn literals whose type was not determined back into constants. */
static Node *
put_literals(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN && ((Param *) node)->paramid < 0)
		return (Node *) literal(context, (Param *) node);
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, put_literals, context, 0);
	return expression_tree_mutator(node, put_literals, context);
}

/* Use the function's search_path setting, if it has one. */
static void
use_search_path(HeapTuple tuple)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			count;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (strncmp(setting, "search_path=", strlen("search_path=")) == 0)
			cmig_settings_override("search_path", setting + strlen("search_path="));
	}
}

/* Analyze the body; a task for cmig_rls_sandbox_run(). */
static void
analyze(void *arg)
{
	Body	   *body = arg;
	Analysis	analysis = {{0}};
	List	   *raw;

	use_search_path(body->tuple);
	raw = cmig_raw_parse(body->source, RAW_PARSE_DEFAULT);
	if (list_length(raw) != 1 || !IsA(linitial_node(RawStmt, raw)->stmt, SelectStmt))
		return;
	analysis.info = *prepare_sql_fn_parse_info(body->tuple, (Node *) body->call, body->call->inputcollid);
	(void) take_literals(linitial_node(RawStmt, raw)->stmt, &analysis);
	body->query = parse_analyze_withcb(linitial_node(RawStmt, raw), body->source, set_up, &analysis, NULL);
	body->query = (Query *) put_literals((Node *) body->query, &analysis);
}

/*
 * Analyze the body in a sandbox, which leaves no lock behind.  The body may
 * contain a name that does not exist.  It then cannot be read, but that is not
 * an error.
 */
Query *
cmig_rls_parse(HeapTuple tuple, FuncExpr *call, const char *source)
{
	Body		body = {tuple, call, source, NULL};

	if (cmig_rls_sandbox_run(((Form_pg_proc) GETSTRUCT(tuple))->proowner, analyze, &body) != 0)
		return NULL;
	return body.query;
}
