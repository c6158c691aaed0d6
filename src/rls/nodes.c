/*
 * nodes.c
 *	  Simple functions about expressions, what of them may be evaluated, and the
 *	  bodies of the functions that they call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/parse.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/proclang.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * Only built-in functions are called to evaluate an expression, and no literal
 * is parsed by the input function of a user-defined type.  The sandbox is a
 * second line of defense: user-defined code would run as a role without
 * privileges, and could neither switch to another role nor leave anything
 * behind.
 */

/* A task, and the role that runs it until the subtransaction ends. */
typedef struct SandboxRun
{
	Oid			role;
	CmigRlsTask task;
	void	   *arg;
} SandboxRun;

static void
run_task(void *arg)
{
	SandboxRun *run = arg;
	CmigRole	former;

	if (run->role == CMIG_ROLE_NOBODY)
		cmig_role_act_as(&former, run->role);
	else if (OidIsValid(run->role))
		cmig_role_look_up_as(&former, run->role);
	run->task(run->arg);
}

/*
 * Run the task in a subtransaction that is rolled back, including its locks
 * and settings; memory that the task has allocated is kept.  If a role is
 * given, the task runs as this role in a security-restricted operation.
 * Returns 0, or the SQLSTATE of the task's error.  Errors that the task did
 * not cause, such as a cancel request or lack of memory, are rethrown.
 */
int
cmig_rls_sandbox_run(Oid role, CmigRlsTask task, void *arg)
{
	SandboxRun	run = {role, task, arg};
	ErrorData  *error = cmig_subtransaction_rehearse(run_task, &run);
	int			sqlstate = error ? error->sqlerrcode : 0;
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	if (error == NULL)
		return 0;
	if (category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	FreeErrorData(error);
	return sqlstate;
}

/*
 * Does the operator test for equality?  One of others that is merely called =
 * does not count: only superusers can add an operator to the classes of an
 * index.
 */
bool
cmig_rls_is_equality(Oid opno)
{
	char	   *name = get_opname(opno);

	return name && strcmp(name, "=") == 0 &&
		(opno < FirstUnpinnedObjectId || get_mergejoin_opfamilies(opno) != NIL);
}

bool
cmig_rls_is_column(Node *node)
{
	return IsA(node, Var);
}

bool
cmig_rls_tells_apart(Node *value, Oid collation)
{
	Node	   *inner = cmig_rls_unwrap(value);
	Oid			type = getBaseType(exprType(value));
	Oid			own = inner ? getBaseType(exprType(inner)) : type;

	if (inner == NULL || !cmig_rls_any(inner, cmig_rls_is_column))
		return true;
	if (OidIsValid(collation) && !get_collation_isdeterministic(collation) &&
		exprCollation(inner) != collation)
		return false;

	/*
	 * among the built-in types, only char(n) ignores something that another
	 * one has
	 */
	return type == own || (type < FirstUnpinnedObjectId && type != BPCHAROID) ||
		lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr ==
		lookup_type_cache(own, TYPECACHE_EQ_OPR)->eq_opr;
}

/*
 * Returns the operator of a comparison or of "value operator ANY (array)", and
 * its arguments, or InvalidOid for any other node.
 */
Oid
cmig_rls_operator(Node *node, List **args)
{
	if (IsA(node, OpExpr))
	{
		*args = ((OpExpr *) node)->args;
		return ((OpExpr *) node)->opno;
	}
	if (!IsA(node, ScalarArrayOpExpr))
		return InvalidOid;
	*args = ((ScalarArrayOpExpr *) node)->args;
	return ((ScalarArrayOpExpr *) node)->opno;
}

/* Walker: count the nodes. */
static bool
count_walker(Node *node, void *count)
{
	if (node == NULL)
		return false;
	CHECK_FOR_INTERRUPTS();
	++*(int64 *) count;
	return IsA(node, Query) ? query_tree_walker((Query *) node, count_walker, count, 0) :
		expression_tree_walker(node, count_walker, count);
}

void *
cmig_rls_copy(const void *node)
{
	int64		nodes = 1;

	(void) count_walker(unconstify(void *, node), &nodes);
	cmig_rls_step(Min(nodes, INT_MAX));
	return copyObject(unconstify(void *, node));
}

int
cmig_rls_count(Node *node)
{
	int64		nodes = 0;

	(void) count_walker(node, &nodes);
	return Min(nodes, INT_MAX);
}

Node *
cmig_rls_read(const char *stored)
{
	/* the text is longer than what it is about, but not its nodes in memory */
	cmig_rls_step(strlen(stored) / 8 + 1);
	return stringToNode(stored);
}

/* Is the query "SELECT expression" without any other clause? */
static bool
is_plain_select(Query *query)
{
	return query->rtable == NIL && query->cteList == NIL && query->jointree->quals == NULL &&
		query->setOperations == NULL && !query->hasAggs && !query->hasTargetSRFs &&
		query->havingQual == NULL &&
		query->limitCount == NULL && query->limitOffset == NULL;
}

Node *
cmig_rls_unwrap(Node *node)
{
	while (node)
	{
		SubLink    *link = (SubLink *) node;

		if (IsA(node, RelabelType))
			node = (Node *) ((RelabelType *) node)->arg;
		else if (IsA(node, CollateExpr))
			node = (Node *) ((CollateExpr *) node)->arg;
		else if (IsA(node, SubLink) && link->subLinkType == EXPR_SUBLINK &&
				 is_plain_select(castNode(Query, link->subselect)) &&
				 castNode(Query, link->subselect)->targetList != NIL)
		{
			/* the columns of the expression move out of the sub-select */
			node = cmig_rls_copy(linitial_node(TargetEntry,
											   castNode(Query, link->subselect)->targetList)->expr);
			IncrementVarSublevelsUp(node, -1, 1);
		}
		else
			return node;
	}
	return NULL;
}

Node *
cmig_rls_bare(Node *node)
{
	while ((node = cmig_rls_unwrap(node)) != NULL)
	{
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
	return NULL;
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

/* Does only built-in code handle values of the type? */
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
	return type == UNKNOWNOID || kind == TYPTYPE_BASE || kind == TYPTYPE_RANGE ||
		kind == TYPTYPE_MULTIRANGE;
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
 * Is the name one of the words, which are separated by blanks, or does it begin
 * with one of them?
 */
bool
cmig_rls_in_words(const char *name, const char *words, bool prefix)
{
	while (*words)
	{
		size_t		length = strcspn(words, " ");

		if (pg_strncasecmp(name, words, length) == 0 && (prefix || name[length] == '\0'))
			return true;
		words += length;
		words += strspn(words, " ");
	}
	return false;
}

/*
 * What may be evaluated
 */

/*
 * Returns true if a built-in function only computes a value: it does not read
 * tables or catalogs, has no side effects, does not take long, and does not
 * call user-defined functions.  Immutable functions qualify, with a few
 * exceptions by name; stable functions are recognized by name.
 */
static bool
may_run(Oid function)
{
	static const char *const not_immutable =
	"repeat format lpad rpad generate_ power numeric_power factorial numeric_fac exp pg_ has_ inet_ txid_ to_ts ts_ "
	"plainto_ phraseto_ websearch_ jsonb_populate json_populate set_config fmgr_ satisfies_ querytree postgresql_fdw_ "
	"acl makeacl xml xpath";
	static const char *const stable =
	"now statement_timestamp transaction_timestamp age concat array_to_string convert date time interval_pl_ "
	"make_timestamptz to_char to_date to_number to_timestamp to_json json_build_ jsonb_build_ jsonb_path_ array_to_json "
	"extract overlaps textanycat anytextcat quote_literal quote_nullable length money numeric in_range";
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
		(proc->prolang == INTERNALlanguageId ||
		 (proc->prolang == SQLlanguageId &&
		  !heap_attisnull(tuple, Anum_pg_proc_prosqlbody, NULL))) &&
		(proc->provolatile == PROVOLATILE_IMMUTABLE ?
		 !cmig_rls_in_words(name, not_immutable, true) :
		 proc->provolatile == PROVOLATILE_STABLE && cmig_rls_in_words(name, stable, true));
	ReleaseSysCache(tuple);
	return may;
}

/*
 * Do built-in functions handle values of the arguments' types without looking up
 * objects?  A record can contain values of any type.
 */
static bool
are_plain(List *args)
{
	foreach_ptr(Node, arg, args)
	{
		Oid			type = exprType(arg);

		if (type >= FirstUnpinnedObjectId || !cmig_rls_sample_is_builtin(type) ||
			cmig_rls_in_words(format_type_be(type), "reg aclitem xml", true))
			return false;
	}
	return true;
}

/*
 * Returns true if evaluating the call or the operator runs only built-in code
 * that has no side effects.
 */
bool
cmig_rls_calls_builtin(Oid function, List *args, Node *call)
{
	return may_run(function) && are_plain(args) && are_plain(list_make1(call));
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
	SQLValueFunction *function = (SQLValueFunction *) node;

	return IsA(node, SQLValueFunction) &&
		(function->op == SVFOP_CURRENT_ROLE || function->op == SVFOP_CURRENT_USER ||
		 function->op == SVFOP_USER ||
		 function->op == SVFOP_SESSION_USER);
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

/* Does the node call a function that is not built into PostgreSQL? */
bool
cmig_rls_is_foreign_call(Node *node)
{
	return node && IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid >= FirstUnpinnedObjectId;
}

/* Does the function set what could be the context, so that this has another value in it? */
static bool
sets_context(HeapTuple tuple)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			count = 0;

	if (!isnull)
		deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings,
						  NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *name = TextDatumGetCString(settings[i]);

		name[strcspn(name, "=")] = '\0';
		if (strchr(name, '.') != NULL || strcmp(name, "role") == 0 ||
			strcmp(name, "session_authorization") == 0)
			return true;
	}
	return false;
}

/* Is the current user, which the function asks for, its owner? */
static bool
returns_owner(HeapTuple tuple)
{
	bool		isnull;
	char	   *source = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));

	return ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef &&
		(cmig_text_has_word(source, "current_user") || cmig_text_has_word(source, "current_role"));
}

bool
cmig_rls_calls_session_function(Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;
	HeapTuple	tuple;
	bool		result;

	if (!cmig_rls_is_foreign_call(node) || call->funcresulttype == BOOLOID ||
		cmig_rls_any((Node *) call->args, is_row))
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	result = !HeapTupleIsValid(tuple) || !(sets_context(tuple) || returns_owner(tuple));
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return result;
}

static bool
is_context(Node *node)
{
	return cmig_rls_calls_setting(node) || cmig_rls_calls_user(node) ||
		cmig_rls_calls_session_function(node);
}

bool
cmig_rls_calls_context(Node *node)
{
	return cmig_rls_any(node, is_context);
}

/*
 * Returns true if evaluating the node itself, without the nodes below it, runs
 * only built-in code.  Returns false for columns, function calls, and
 * sub-selects.
 */
bool
cmig_rls_calls_evaluable(Node *node)
{
	OpExpr	   *expr = (OpExpr *) node;
	List	   *args;

	switch (nodeTag(node))
	{
		case T_ScalarArrayOpExpr:
			return cmig_rls_calls_builtin(get_opcode(cmig_rls_operator(node, &args)),
										  ((ScalarArrayOpExpr *) node)->args, node);
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			return cmig_rls_calls_builtin(get_opcode(expr->opno), expr->args, node);
		case T_RowExpr:
			return are_plain(((RowExpr *) node)->args);
		case T_RowCompareExpr:
			foreach_oid(oid, ((RowCompareExpr *) node)->opnos)
			{
				if (oid >= FirstUnpinnedObjectId)
					return false;
			}
			return true;
		case T_Const:
		case T_ArrayExpr:
		case T_ArrayCoerceExpr:
		case T_MinMaxExpr:
		case T_SubscriptingRef:
			return cmig_rls_sample_is_builtin(exprType(node));
		default:
			return IsA(node, NullTest) || IsA(node, BoolExpr) || IsA(node, BooleanTest) ||
				IsA(node, CaseExpr) || IsA(node, CaseWhen) ||
				IsA(node, CoalesceExpr) || IsA(node, CaseTestExpr) || IsA(node, SQLValueFunction) ||
				IsA(node, RelabelType) ||
				IsA(node, CollateExpr) || IsA(node, List);
	}
}

/*
 * Bodies of functions
 */

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
		deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings,
						  NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *value = TextDatumGetCString(settings[i]);

		if (strncmp(value, setting, strlen(setting)) == 0)
			cmig_settings_override("search_path", value + strlen(setting));
	}
	/* the error ends this subtransaction, and the next step raises it again */
	cmig_rls_step(strlen(body->source));
	raw = cmig_raw_parse(body->source, RAW_PARSE_DEFAULT);
	if (list_length(raw) == 1 && IsA(linitial_node(RawStmt, raw)->stmt, SelectStmt))
		body->query = cmig_safe_parse(linitial_node(RawStmt, raw), body->source, body->tuple,
									  body->call,
									  cmig_rls_sample_is_builtin);
}

#define MAX_NESTING 8			/* depth of nested calls; limits the recursion */

/*
 * A SELECT for the value that a PL/pgSQL body returns; null unless the body is
 * BEGIN RETURN expression; END.  Of more statements, the parser refuses the first
 * semicolon in the parentheses.
 */
static CmigQuery select_of_body = {
	"SELECT 'SELECT (' || m[1] || E'\\n)'"
	" FROM regexp_match($1, '^\\s*begin\\s+return\\M(.*);\\s*end\\s*;?\\s*$', 'i') m",
	{TEXTOID}
};

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
		Node	   *node = cmig_rls_read(TextDatumGetCString(source));
		List	   *queries = IsA(node, List) ? linitial_node(List, (List *) node) :
		list_make1(node);

		return list_length(queries) == 1 ? linitial_node(Query, queries) : NULL;
	}
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
	body.source = isnull ? NULL : TextDatumGetCString(source);
	if (body.source && proc->prolang != SQLlanguageId)
		body.source = cmig_query_value(&select_of_body, body.source);
	return body.source &&
		cmig_rls_sandbox_run(proc->proowner, analyze, &body) == 0 ? body.query : NULL;
}

/*
 * The arguments of a function call that is replaced with the function's body.
 */
typedef struct Arguments
{
	List	   *args;
	int			depth;
	bool		definer;
	Oid			user;			/* the current user there, if it is known */
} Arguments;

/*
 * Replace the parameters in a function's body with the call's arguments, and the
 * current user with the owner of the SECURITY DEFINER function.
 */
static Node *
put_arguments(Node *node, void *context)
{
	Arguments  *arguments = context;

	if (node == NULL)
		return NULL;
	cmig_rls_step(1);
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Node	   *arg = cmig_rls_copy(list_nth(arguments->args, ((Param *) node)->paramid - 1));

		IncrementVarSublevelsUp(arg, arguments->depth, 0);
		return arg;
	}
	if (IsA(node, SQLValueFunction) && OidIsValid(arguments->user) &&
		(((SQLValueFunction *) node)->op == SVFOP_CURRENT_USER ||
		 ((SQLValueFunction *) node)->op == SVFOP_CURRENT_ROLE ||
		 ((SQLValueFunction *) node)->op == SVFOP_USER))
		return (Node *) cmig_rls_sample_const(NAMEOID, GetUserNameFromId(arguments->user, false));
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

#define MAX_NODES 1000000

/* Takes what the body has with its arguments from the nodes that are left, if there are enough. */
static bool
take_nodes(Query *body, List *args, int64 *left)
{
	int64		nodes = 0;
	int64		copied = 1;

	(void) count_walker((Node *) body, &nodes);
	(void) count_walker((Node *) args, &copied);
	if (nodes > *left / copied)
		return false;
	*left -= nodes * copied;
	return true;
}

/*
 * Returns an expression equivalent to the call, or NULL if the function's body
 * cannot be read, or there would be too many nodes.
 */
static Node *
body_of(FuncExpr *call, bool *definer, Oid *user, int64 *left)
{
	/* a copy: nothing may be open when the steps end */
	HeapTuple	tuple = SearchSysCacheCopy1(PROCOID, ObjectIdGetDatum(call->funcid));
	Form_pg_proc proc;
	Query	   *query;
	SubLink    *link;
	Node	   *result;
	Arguments	arguments = {call->args};

	if (!HeapTupleIsValid(tuple))
		return NULL;
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	*definer |= proc->prosecdef;
	*user = proc->prosecdef ? proc->proowner : *user;
	arguments.definer = *definer;
	arguments.user = *user;
	/* a strict function that has arguments is not examined */
	if (proc->prokind != PROKIND_FUNCTION || proc->pronargs != list_length(call->args) ||
		(proc->proisstrict && call->args && !call->funcretset) ||
		OidIsValid(proc->provariadic) || type_is_rowtype(proc->prorettype) || sets_context(tuple) ||
		(query = body_query(tuple, call)) == NULL || query->commandType != CMD_SELECT ||
		list_length(query->targetList) != 1 ||
		exprType((Node *) linitial_node(TargetEntry,
										query->targetList)->expr) != call->funcresulttype ||
		!take_nodes(query, call->args, left))
		return NULL;
	link = makeNode(SubLink);
	link->subLinkType = call->funcretset ? ARRAY_SUBLINK : EXPR_SUBLINK;
	link->subselect = (Node *) query;
	link->location = -1;
	result = (Node *) link;
	if (call->funcretset)
	{
		/* unnest(ARRAY(SELECT ...)) returns the same rows */
		FuncExpr   *unnest = makeFuncExpr(F_UNNEST_ANYARRAY, call->funcresulttype, list_make1(link),
										  call->funccollid, call->inputcollid,
										  COERCE_EXPLICIT_CALL);

		unnest->funcretset = true;
		result = (Node *) unnest;
	}
	else if (is_plain_select(query))
		result = (Node *) linitial_node(TargetEntry, query->targetList)->expr;
	else if (query->limitCount == NULL)
		query->limitCount = (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
											   Int64GetDatum(1), false, FLOAT8PASSBYVAL);
	return put_arguments(result, &arguments);
}

/* The functions around a node. */
typedef struct Expansion
{
	int			nesting;
	bool		definer;		/* is one of them SECURITY DEFINER? */
	Oid			user;			/* the owner of the innermost one of these */
	int64	   *left;			/* nodes that may be added */
} Expansion;

/* Replace function calls with the functions' bodies, at any depth. */
static Node *
expand(Node *node, void *context)
{
	Expansion	inner = *(Expansion *) context;

	check_stack_depth();
	cmig_rls_step(1);
	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, expand, context, 0);

		query->hasSubLinks = true;
		cmig_flatten_groups_compat(query);
		return (Node *) query;
	}
	if (cmig_rls_is_foreign_call(node) && inner.nesting < MAX_NESTING)
	{
		FuncExpr   *call = (FuncExpr *) expression_tree_mutator(node, expand, context);
		Node	   *body = body_of(call, &inner.definer, &inner.user, inner.left);

		/* the arguments are evaluated outside of the function */
		inner.nesting++;
		return body ? expand(body, &inner) : (Node *) call;
	}
	node = expression_tree_mutator(node, expand, context);

	/* x IN (SELECT y) without any other clause is x = y */
	if (IsA(node, SubLink) && ((SubLink *) node)->subLinkType == ANY_SUBLINK &&
		IsA(((SubLink *) node)->testexpr, OpExpr) &&
		IsA(llast(((OpExpr *) ((SubLink *) node)->testexpr)->args), Param) &&
		is_plain_select((Query *) ((SubLink *) node)->subselect))
	{
		SubLink    *link = (SubLink *) node;
		OpExpr	   *test = (OpExpr *) link->testexpr;

		link->subLinkType = EXPR_SUBLINK;
		link->testexpr = NULL;
		llast(test->args) = link;
		return (Node *) test;
	}

	/*
	 * replace (row).column, where a whole row was passed to the function,
	 * with the column
	 */
	if (IsA(node, FieldSelect) && IsA(((FieldSelect *) node)->arg, Var) &&
		((Var *) ((FieldSelect *) node)->arg)->varattno == 0)
	{
		FieldSelect *field = (FieldSelect *) node;
		Var		   *row = (Var *) field->arg;

		return (Node *) makeVar(row->varno, field->fieldnum, field->resulttype, field->resulttypmod,
								field->resultcollid, row->varlevelsup);
	}
	return node;
}

/*
 * Replace calls of SQL functions and of simple PL/pgSQL functions with the
 * functions' bodies, if these can be read.  Nothing is executed.  In the body
 * of a SECURITY DEFINER function, hasRowSecurity is set in each query to show
 * that the query runs as the function's owner.
 */
Node *
cmig_rls_expand(Node *tree)
{
	int64		left = MAX_NODES;
	Expansion	expansion = {.left = &left};

	return expand(tree, &expansion);
}
