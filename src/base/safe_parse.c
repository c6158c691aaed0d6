/*
 * safe_parse.c
 *	  Analyzes statements without executing user-defined code.
 *
 * During parse analysis, the server converts each literal with the input
 * function of the literal's type.  For an array, a row, or a range, that
 * function also evaluates domain checks.  The type is often not visible in the
 * SQL text, as in '{1}' = f(x).  Therefore, this module replaces each literal
 * with a parameter.  When the parser has determined the parameter's type, it
 * calls a hook, which raises an error for types that the caller does not
 * accept.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/safe_parse.h"

#include "catalog/pg_type.h"
#include "executor/functions.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The state of the parser hooks. */
typedef struct Analysis
{
	SQLFunctionParseInfo info;	/* must be first, because PostgreSQL's hooks
								 * expect it */
	ParseParamRefHook parameter;	/* PostgreSQL's hook for parameters */
	bool		(*is_safe) (Oid type);
	List	   *literals;		/* of char *: the literals; parameter -n is
								 * the n-th one */
} Analysis;

/*
 * Raise an error for a literal whose type has an input function that could run
 * other roles' code.
 */
static void
refuse(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("literals of this type are not supported here")));
}

/* Replace each string literal with a parameter, in place. */
static bool
take_literals(Node *node, void *context)
{
	Analysis   *analysis = context;

	if (node == NULL)
		return false;

	/*
	 * do not replace the constants in type modifiers, which must remain
	 * constants
	 */
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

/*
 * Returns the query inside a utility statement, such as EXPLAIN, or the
 * statement itself if there is none.
 */
static Node *
query_of(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateTableAsStmt:
			return query_of(((CreateTableAsStmt *) statement)->query);
		case T_ExplainStmt:
			return query_of(((ExplainStmt *) statement)->query);
		case T_DeclareCursorStmt:
			return query_of(((DeclareCursorStmt *) statement)->query);
		case T_CallStmt:
			return (Node *) ((CallStmt *) statement)->funccall;
		default:
			return statement;
	}
}

/* Returns the literal that the parameter stands for. */
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
	if (!analysis->is_safe(getBaseType(type)))
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

/*
 * Replace the parameters that still have the type unknown with the literals
 * that they stand for.
 */
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

Query *
cmig_safe_parse(RawStmt *raw, const char *source, HeapTuple function, FuncExpr *call,
				bool (*is_safe) (Oid type))
{
	Analysis	analysis = {.is_safe = is_safe};
	Query	   *query;

	analysis.info = *prepare_sql_fn_parse_info(function, (Node *) call,
											   call ? call->inputcollid : InvalidOid);
	(void) take_literals(query_of(raw->stmt), &analysis);
	query = parse_analyze_withcb(raw, source, set_up, &analysis, NULL);
	return (Query *) put_literals((Node *) query, &analysis);
}
