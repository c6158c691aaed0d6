/*
 * body.c
 *	  The bodies of functions that policies call.
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
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/*
 * Bodies are parsed and analyzed, but never executed, and neither are the input
 * functions of user-defined types.  Names are looked up with the privileges of
 * the function's owner.  The body must be a single SELECT or, in PL/pgSQL, a
 * single RETURN.  All other calls are left unchanged.
 */

/* A function, and the query that results from analyzing its body. */
typedef struct Body
{
	HeapTuple	tuple;
	FuncExpr   *call;
	const char *source;
	Query	   *query;			/* result */
} Body;

/*
 * Analyze a function's body with the function's search_path; a task for
 * cmig_rls_sandbox_run().
 */
static void
analyze(void *arg)
{
	Body	   *body = arg;
	static const char setting[] = "search_path=";
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, body->tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			count = 0;
	List	   *raw;

	if (!isnull)
		deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *value = TextDatumGetCString(settings[i]);

		if (strncmp(value, setting, strlen(setting)) == 0)
			cmig_settings_override("search_path", value + strlen(setting));
	}
	raw = cmig_raw_parse(body->source, RAW_PARSE_DEFAULT);
	if (list_length(raw) == 1 && IsA(linitial_node(RawStmt, raw)->stmt, SelectStmt))
		body->query = cmig_safe_parse(linitial_node(RawStmt, raw), body->source, body->tuple, body->call,
									  cmig_rls_sample_is_builtin);
}

#define MAX_NESTING 8			/* depth of nested calls; limits the recursion */

/* Is the current token the keyword "word", or a semicolon? */
static bool
is_word(CmigLexer *lexer, const char *word)
{
	return lexer->type == (word[0] == ';' ? CMIG_TOKEN_OPERATOR : CMIG_TOKEN_WORD) &&
		lexer->next - lexer->start == strlen(word) && pg_strncasecmp(lexer->start, word, strlen(word)) == 0;
}

/*
 * Returns a SELECT for the value that a PL/pgSQL function's body returns, or
 * NULL unless the body is BEGIN RETURN expression; END.
 */
static char *
select_of_body(const char *body)
{
	CmigLexer	lexer;
	const char *start;
	char	   *select;

	cmig_lexer_init(&lexer, body);
	cmig_lexer_next_sql(&lexer);
	if (!is_word(&lexer, "begin"))
		return NULL;
	cmig_lexer_next_sql(&lexer);
	if (!is_word(&lexer, "return"))
		return NULL;
	start = lexer.next;
	while (lexer.type != CMIG_TOKEN_END && !is_word(&lexer, ";"))
		cmig_lexer_next_sql(&lexer);
	select = psprintf("SELECT (%.*s\n)", (int) (lexer.start - start), start);
	if (lexer.type != CMIG_TOKEN_END)
		cmig_lexer_next_sql(&lexer);
	return is_word(&lexer, "end") ? select : NULL;
}

bool
cmig_rls_body_is_foreign_call(Node *node)
{
	return node && IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstUnpinnedObjectId;
}

/*
 * Returns a function's body as an analyzed query.  Returns NULL if it cannot be
 * read, or contains a literal of a type that is not built in.
 */
static Query *
body_query(HeapTuple tuple, FuncExpr *call)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);
	Body		body = {tuple, call};
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);

	if (proc->prolang != SQLlanguageId && proc->prolang != get_language_oid("plpgsql", true))
		return NULL;
	if (!isnull)
	{
		Node	   *node = stringToNode(TextDatumGetCString(source));
		List	   *queries = IsA(node, List) ? linitial_node(List, (List *) node) : list_make1(node);

		return list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
	}
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	body.source = isnull ? NULL : TextDatumGetCString(source);
	if (body.source && proc->prolang != SQLlanguageId)
		body.source = select_of_body(body.source);
	return body.source && cmig_rls_sandbox_run(proc->proowner, analyze, &body) == 0 ? body.query : NULL;
}

/*
 * Parameters
 */

/*
 * The arguments of a function call that is replaced with the function's body.
 */
typedef struct Arguments
{
	List	   *args;
	int			depth;
	bool		definer;
} Arguments;

/* Replace the parameters in a function's body with the call's arguments. */
static Node *
put_arguments(Node *node, void *context)
{
	Arguments  *arguments = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Node	   *arg = copyObject(list_nth(arguments->args, ((Param *) node)->paramid - 1));

		IncrementVarSublevelsUp(arg, arguments->depth, 0);
		return arg;
	}
	if (IsA(node, Query))
	{
		Arguments	inner = *arguments;
		Query	   *query;

		inner.depth++;
		query = query_tree_mutator((Query *) node, put_arguments, &inner, 0);
		query->hasRowSecurity |= inner.definer;
		return (Node *) query;
	}
	return expression_tree_mutator(node, put_arguments, context);
}

/* Returns the query as a sub-select of the given kind. */
static Node *
sub_select(SubLinkType type, Query *query)
{
	SubLink    *link = makeNode(SubLink);

	link->subLinkType = type;
	link->subselect = (Node *) query;
	link->location = -1;
	return (Node *) link;
}

/*
 * Returns a CASE that is null if an argument of the call is null, and
 * otherwise has the value of "result".  This is how a strict function behaves.
 */
static Node *
unless_null(FuncExpr *call, Node *result)
{
	CaseExpr   *cases = makeNode(CaseExpr);
	ListCell   *lc;

	cases->casetype = call->funcresulttype;
	cases->casecollid = call->funccollid;
	cases->defresult = (Expr *) result;
	cases->location = -1;
	foreach(lc, call->args)
	{
		CaseWhen   *when = makeNode(CaseWhen);
		NullTest   *test = makeNode(NullTest);

		test->arg = copyObject(lfirst(lc));
		test->nulltesttype = IS_NULL;
		test->location = -1;
		when->expr = (Expr *) test;
		when->result = (Expr *) makeNullConst(call->funcresulttype, -1, call->funccollid);
		when->location = -1;
		cases->args = lappend(cases->args, when);
	}
	return cases->args ? (Node *) cases : result;
}

/*
 * Returns an expression equivalent to the call, or NULL if the function's body
 * cannot be read.
 */
static Node *
body_of(FuncExpr *call, bool *definer)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	Form_pg_proc proc;
	Query	   *query;
	Node	   *result = NULL;
	Arguments	arguments = {call->args};

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	*definer |= proc->prosecdef;
	arguments.definer = *definer;
	if (proc->prokind != PROKIND_FUNCTION || proc->pronargs != list_length(call->args) ||
		OidIsValid(proc->provariadic) || type_is_rowtype(proc->prorettype) ||
		(query = body_query(tuple, call)) == NULL || query->commandType != CMD_SELECT ||
		list_length(query->targetList) != 1 ||
		exprType((Node *) linitial_node(TargetEntry, query->targetList)->expr) != call->funcresulttype)
	{
		ReleaseSysCache(tuple);
		return NULL;
	}
	if (call->funcretset)
	{
		/* unnest(ARRAY(SELECT ...)) returns the same rows */
		FuncExpr   *unnest = makeFuncExpr(F_UNNEST_ANYARRAY, call->funcresulttype, list_make1(sub_select(ARRAY_SUBLINK, query)),
										  call->funccollid, call->inputcollid, COERCE_EXPLICIT_CALL);

		unnest->funcretset = true;
		result = (Node *) unnest;
	}
	else if (cmig_rls_is_plain_select(query))
		result = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	else
	{
		if (query->limitCount == NULL)
			query->limitCount = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(1), false,
												   FLOAT8PASSBYVAL);
		result = sub_select(EXPR_SUBLINK, query);
	}
	result = put_arguments(result, &arguments);
	if (proc->proisstrict && !call->funcretset)
		result = unless_null(call, result);
	ReleaseSysCache(tuple);
	return result;
}

/* The functions around a node. */
typedef struct Expansion
{
	int			nesting;
	bool		definer;		/* is one of them SECURITY DEFINER? */
}			Expansion;

/* Replace function calls with the functions' bodies, at any depth. */
static Node *
expand(Node *node, void *context)
{
	Expansion	inner = *(Expansion *) context;

	check_stack_depth();
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, expand, context, 0);

		query->hasSubLinks = true;
		cmig_flatten_groups_compat(query);
		return (Node *) query;
	}
	if (cmig_rls_body_is_foreign_call(node) && inner.nesting < MAX_NESTING)
	{
		Node	   *body = body_of((FuncExpr *) node, &inner.definer);

		inner.nesting++;
		if (body)
			return expand(body, &inner);
	}
	node = expression_tree_mutator(node, expand, context);

	/*
	 * replace (row).column, where a whole row was passed to the function,
	 * with the column
	 */
	if (IsA(node, FieldSelect) && IsA(((FieldSelect *) node)->arg, Var) && ((Var *) ((FieldSelect *) node)->arg)->varattno == 0)
	{
		FieldSelect *field = (FieldSelect *) node;
		Var		   *row = (Var *) field->arg;

		return (Node *) makeVar(row->varno, field->fieldnum, field->resulttype, field->resulttypmod, field->resultcollid, row->varlevelsup);
	}
	return node;
}

Node *
cmig_rls_body_expand(Node *tree)
{
	Expansion	expansion = {0};

	return expand(tree, &expansion);
}
