/*
 * workload_plpgsql.c
 *	  The queries and expressions in the body of a function in PL/pgSQL.
 *
 * PL/pgSQL compiles the function, but never runs it: it reads the names of
 * types, and leaves the texts of queries and expressions to the server.
 * These are analyzed in the order in which they are written, because a record has the type of
 * the query that was read into it before.  Whoever uses a record whose type is not
 * known, as after a dynamic statement, gets an error (55000).
 *
 * PL/pgSQL keeps each function that it compiles until the session ends, but reuses
 * the memory of the one in fn_extra if that is not valid any more.  All are
 * compiled with the same fn_extra, and with a collation that no call has, so
 * that neither finds what the other has compiled.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tupconvert.h"
#include "catalog/pg_proc.h"
#include "commands/event_trigger.h"
#include "executor/executor.h"
#include "parser/analyze.h"
#include "utils/rel.h"
#include "plpgsql.h"

#include "workload/internal.h"

/* No collation has this OID. */
#define NO_COLLATION ProcedureRelationId

typedef enum PartKind
{
	PLAIN,						/* its columns are assigned to the target */
	VALUE,						/* its value is */
	RETURNED,					/* RETURN QUERY */
	FETCHED,					/* the query of a cursor, again */
	DYNAMIC						/* its text is not known */
} PartKind;

/* A query or an expression in a body. */
typedef struct Part
{
	PartKind	kind;
	PLpgSQL_expr *expr;			/* or NULL if it is not known */
	int			line;
	PLpgSQL_datum *target;		/* or NULL */
	PLpgSQL_var *tested;		/* NULL, or the variable of the CASE to which
								 * the condition belongs */
} Part;

/* The function that was compiled last. */
typedef struct Body
{
	const CmigWorkloadQuery *head;	/* of the function, or NULL */
	Oid			oid;
	List	   *parts;			/* list of Part, in fn_cxt */
	int			filled;			/* the parts whose targets have a type */
	PLpgSQL_execstate state;
} Body;

static Body body;
static PLpgSQL_function *compiled = NULL;	/* lives as long as the session */
static bool compiling = false;

static void *
plpgsql(const char *name)
{
	return load_external_function("$libdir/plpgsql", name, true, NULL);
}

/* ----------------------------------------------------------------
 * Reads the statements of a function.
 * ----------------------------------------------------------------
 */

/* What a field of a statement is. */
typedef enum FieldKind
{
	ASSIGNED,					/* number of the variable to which the next
								 * expression is assigned */
	INTO,						/* the variable to which a row is assigned */
	EXPR,						/* a query or an expression */
	EXPRS,						/* a list of expressions */
	ROWS,						/* the query of RETURN QUERY */
	TEXT,						/* an expression whose value is a query */
	OPTIONS,					/* of RAISE */
	CURSOR,						/* number of its variable */
	BODY,						/* statements */
	BRANCHES					/* conditions, each with statements */
} FieldKind;

#define FIELD(type, name, field, kind) {PLPGSQL_STMT_##type, kind, offsetof(name, field)}

/* The fields of statements, except blocks, in the order in which they are read. */
static const struct
{
	PLpgSQL_stmt_type type;
	FieldKind	kind;
	size_t		offset;
}			fields[] =

{
	FIELD(ASSIGN, PLpgSQL_stmt_assign, varno, ASSIGNED),
	FIELD(ASSIGN, PLpgSQL_stmt_assign, expr, EXPR),
	FIELD(IF, PLpgSQL_stmt_if, cond, EXPR), FIELD(IF, PLpgSQL_stmt_if, then_body, BODY),
	FIELD(IF, PLpgSQL_stmt_if, elsif_list, BRANCHES),
	FIELD(IF, PLpgSQL_stmt_if, else_body, BODY),
	FIELD(CASE, PLpgSQL_stmt_case, t_varno, ASSIGNED), FIELD(CASE, PLpgSQL_stmt_case, t_expr, EXPR),
	FIELD(CASE, PLpgSQL_stmt_case, case_when_list, BRANCHES),
	FIELD(CASE, PLpgSQL_stmt_case, else_stmts, BODY),
	FIELD(LOOP, PLpgSQL_stmt_loop, body, BODY),
	FIELD(WHILE, PLpgSQL_stmt_while, cond, EXPR), FIELD(WHILE, PLpgSQL_stmt_while, body, BODY),
	FIELD(FORI, PLpgSQL_stmt_fori, lower, EXPR), FIELD(FORI, PLpgSQL_stmt_fori, upper, EXPR),
	FIELD(FORI, PLpgSQL_stmt_fori, step, EXPR), FIELD(FORI, PLpgSQL_stmt_fori, body, BODY),
	FIELD(FORS, PLpgSQL_stmt_fors, var, INTO), FIELD(FORS, PLpgSQL_stmt_fors, query, EXPR),
	FIELD(FORS, PLpgSQL_stmt_fors, body, BODY),
	FIELD(FORC, PLpgSQL_stmt_forc, argquery, EXPR), FIELD(FORC, PLpgSQL_stmt_forc, var, INTO),
	FIELD(FORC, PLpgSQL_stmt_forc, curvar, CURSOR), FIELD(FORC, PLpgSQL_stmt_forc, body, BODY),
	FIELD(DYNFORS, PLpgSQL_stmt_dynfors, params, EXPRS),
	FIELD(DYNFORS, PLpgSQL_stmt_dynfors, var, INTO),
	FIELD(DYNFORS, PLpgSQL_stmt_dynfors, query, TEXT),
	FIELD(DYNFORS, PLpgSQL_stmt_dynfors, body, BODY),
	FIELD(FOREACH_A, PLpgSQL_stmt_foreach_a, expr, EXPR),
	FIELD(FOREACH_A, PLpgSQL_stmt_foreach_a, body, BODY),
	FIELD(EXIT, PLpgSQL_stmt_exit, cond, EXPR),
	FIELD(RETURN, PLpgSQL_stmt_return, expr, EXPR),
	FIELD(RETURN_NEXT, PLpgSQL_stmt_return_next, expr, EXPR),
	FIELD(RETURN_QUERY, PLpgSQL_stmt_return_query, query, ROWS),
	FIELD(RETURN_QUERY, PLpgSQL_stmt_return_query, params, EXPRS),
	FIELD(RETURN_QUERY, PLpgSQL_stmt_return_query, dynquery, TEXT),
	FIELD(RAISE, PLpgSQL_stmt_raise, params, EXPRS),
	FIELD(RAISE, PLpgSQL_stmt_raise, options, OPTIONS),
	FIELD(ASSERT, PLpgSQL_stmt_assert, cond, EXPR),
	FIELD(ASSERT, PLpgSQL_stmt_assert, message, EXPR),
	FIELD(EXECSQL, PLpgSQL_stmt_execsql, target, INTO),
	FIELD(EXECSQL, PLpgSQL_stmt_execsql, sqlstmt, EXPR),
	FIELD(DYNEXECUTE, PLpgSQL_stmt_dynexecute, params, EXPRS),
	FIELD(DYNEXECUTE, PLpgSQL_stmt_dynexecute, target, INTO),
	FIELD(DYNEXECUTE, PLpgSQL_stmt_dynexecute, query, TEXT),
	FIELD(OPEN, PLpgSQL_stmt_open, argquery, EXPR), FIELD(OPEN, PLpgSQL_stmt_open, params, EXPRS),
	FIELD(OPEN, PLpgSQL_stmt_open, query, EXPR), FIELD(OPEN, PLpgSQL_stmt_open, dynquery, TEXT),
	FIELD(FETCH, PLpgSQL_stmt_fetch, expr, EXPR), FIELD(FETCH, PLpgSQL_stmt_fetch, target, INTO),
	FIELD(FETCH, PLpgSQL_stmt_fetch, curvar, CURSOR),
	FIELD(PERFORM, PLpgSQL_stmt_perform, expr, EXPR),
	FIELD(CALL, PLpgSQL_stmt_call, expr, EXPR)
};

static void
add(PartKind kind, PLpgSQL_expr *expr, int line, void *target)
{
	Part	   *part;

	if (expr == NULL && kind != DYNAMIC && kind != FETCHED)
		return;
	part = palloc(sizeof(Part));
	*part = (Part)
	{
		kind, expr, line, target
	};
	body.parts = lappend(body.parts, part);
}

static void read_statements(const List *statements);

static void
read_block(const PLpgSQL_stmt_block *block)
{
	for (int i = 0; i < block->n_initvars; i++)
	{
		PLpgSQL_variable *variable = (PLpgSQL_variable *) compiled->datums[block->initvarnos[i]];

		add(VALUE, variable->default_val, variable->lineno,
			variable->dtype == PLPGSQL_DTYPE_REC ? variable : NULL);
		if (variable->dtype == PLPGSQL_DTYPE_VAR)
			add(PLAIN, ((PLpgSQL_var *) variable)->cursor_explicit_expr, variable->lineno, NULL);
	}
	read_statements(block->body);
	foreach_ptr(const PLpgSQL_exception, exception,
				block->exceptions ? block->exceptions->exc_list : NIL)
		read_statements(exception->action);
}

#define AT(type) (*(type const *) field)

static void
read_statement(const PLpgSQL_stmt *statement)
{
	int			line = statement->lineno;
	PartKind	kind = PLAIN;
	PLpgSQL_datum *target = NULL;

	if (statement->cmd_type == PLPGSQL_STMT_BLOCK)
		read_block((const PLpgSQL_stmt_block *) statement);
	for (int i = 0; i < lengthof(fields); i++)
	{
		const char *field = (const char *) statement + fields[i].offset;

		if (fields[i].type != statement->cmd_type)
			continue;
		switch (fields[i].kind)
		{
			case ASSIGNED:
				kind = VALUE;
				/* CASE with an expression has a variable of its own */
				if (statement->cmd_type == PLPGSQL_STMT_CASE ?
					((const PLpgSQL_stmt_case *) statement)->t_expr != NULL :
					compiled->datums[AT(int)]->dtype == PLPGSQL_DTYPE_REC)
					target = compiled->datums[AT(int)];
				break;
			case INTO:
				target = AT(PLpgSQL_datum *);
				break;
			case EXPR:
				add(kind, AT(PLpgSQL_expr *), line, target);
				break;
			case ROWS:
				add(RETURNED, AT(PLpgSQL_expr *), line, NULL);
				break;
			case EXPRS:
				foreach_ptr(PLpgSQL_expr, expr, AT(List *))
					add(PLAIN, expr, line, NULL);
				break;
			case OPTIONS:
				foreach_ptr(const PLpgSQL_raise_option, option, AT(List *))
					add(PLAIN, option->expr, line, NULL);
				break;
			case TEXT:
				add(PLAIN, AT(PLpgSQL_expr *), line, NULL);
				if (AT(PLpgSQL_expr *) != NULL)
					add(DYNAMIC, NULL, line, target);
				break;
			case CURSOR:
				if (target != NULL)
					add(FETCHED, ((PLpgSQL_var *) compiled->datums[AT(int)])->cursor_explicit_expr,
						line, target);
				break;
			case BODY:
				read_statements(AT(List *));
				break;
			case BRANCHES:
				/* those of CASE have the same fields */
				foreach_ptr(const PLpgSQL_if_elsif, branch, AT(List *))
				{
					add(PLAIN, branch->cond, branch->lineno, NULL);
					((Part *) llast(body.parts))->tested = (PLpgSQL_var *) target;
					read_statements(branch->stmts);
				}
				break;
		}
	}
}

static void
read_statements(const List *statements)
{
	foreach_ptr(const PLpgSQL_stmt, statement, statements)
		read_statement(statement);
}

/* Give a record the columns. */
static void
set_columns(void *record, TupleDesc columns)
{
	((PLpgSQL_rec *) record)->erh = columns ?
		make_expanded_record_from_tupdesc(columns, compiled->fn_cxt) : NULL;
}

void
cmig_workload_plpgsql_compile(const CmigWorkloadQuery *head, Oid function, Oid table)
{
	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo	info = {.fn_oid = function,.fn_mcxt = CurrentMemoryContext};
	Trigger		trigger = {0};
	TriggerData dml = {.type = T_TriggerData,.tg_trigger = &trigger};
	EventTriggerData ddl = {.type = T_EventTriggerData};
	Oid			result = get_func_rettype(function);
	MemoryContext caller;

	if (body.head == head)
		return;
	body.head = NULL;
	if (compiled == NULL)
		compiled = MemoryContextAllocZero(TopMemoryContext, sizeof(PLpgSQL_function));
	if (compiling)
	{
		/* it has failed */
		if (CMIG_FAILED_COMPILE_LEAKS_COMPAT && compiled->fn_cxt != NULL)
			MemoryContextDelete(compiled->fn_cxt);
		memset(compiled, 0, sizeof(PLpgSQL_function));
	}
	cmig_compiled_xmin_compat(compiled) = InvalidTransactionId;
	info.fn_extra = compiled;
	InitFunctionCallInfoData(*fcinfo, &info, 0, NO_COLLATION,
							 result == TRIGGEROID ? (Node *) &dml : result == EVENT_TRIGGEROID ?
							 (Node *) &ddl : NULL, NULL);
	compiling = true;
	(void) ((PLpgSQL_function *(*) (FunctionCallInfo,
									bool)) plpgsql("plpgsql_compile")) (fcinfo, false);
	compiling = false;
	for (int i = 0; i < compiled->ndatums; i++)
	{
		PLpgSQL_var *variable = (PLpgSQL_var *) compiled->datums[i];

		if ((variable->dtype == PLPGSQL_DTYPE_VAR || variable->dtype == PLPGSQL_DTYPE_PROMISE) &&
			variable->datatype->collation == NO_COLLATION)
			variable->datatype->collation = get_typcollation(variable->datatype->typoid);
	}
	body = (Body)
	{
		.oid = function,.state =
		{
			.func = compiled,.ndatums = compiled->ndatums,.datums =
				compiled->datums,.datum_context = compiled->fn_cxt
		}
	};
	compiled->cur_estate = &body.state;
	caller = MemoryContextSwitchTo(compiled->fn_cxt);
	read_block(compiled->action);
	MemoryContextSwitchTo(caller);
	/* the scripts may have replaced a trigger function by another one */
	if (OidIsValid(table) && compiled->fn_is_trigger == PLPGSQL_DML_TRIGGER)
	{
		Relation	relation = cmig_query_open(table, AccessShareLock);

		set_columns(compiled->datums[compiled->new_varno], RelationGetDescr(relation));
		set_columns(compiled->datums[compiled->old_varno], RelationGetDescr(relation));
		relation_close(relation, NoLock);
	}
	body.head = head;
}

void
cmig_workload_plpgsql_forget(void)
{
	body.head = NULL;
}

/* ----------------------------------------------------------------
 * Analyzes a query or an expression.
 * ----------------------------------------------------------------
 */

/* Raise an error if the result does not fit what the function returns. */
static void
check_returned(TupleDesc columns)
{
	Oid			type;
	TupleDesc	expected;
	TypeFuncClass class = get_func_result_type(body.oid, &type, &expected);

	if (class == TYPEFUNC_SCALAR)
	{
		expected = CreateTemplateTupleDesc(1);
		TupleDescInitEntry(expected, 1, NULL, type, -1, 0);
	}
	else if (class != TYPEFUNC_COMPOSITE && class != TYPEFUNC_COMPOSITE_DOMAIN)
		return;
	(void) convert_tuples_by_position(columns, expected,
									  "structure of query does not match function result type");
}

/* The query's result is assigned to the part's target. */
static void
fill(const Part *part, const Query *query)
{
	List	   *columns = query->commandType == CMD_SELECT ? query->targetList :
	query->returningList;
	Node	   *value = columns ? (Node *) linitial_node(TargetEntry, columns)->expr : NULL;
	PLpgSQL_var *variable = (PLpgSQL_var *) part->target;

	if (part->kind == RETURNED)
		check_returned(ExecCleanTypeFromTL(columns));
	if (part->target == NULL)
		return;
	if (part->target->dtype == PLPGSQL_DTYPE_REC &&
		((PLpgSQL_rec *) part->target)->rectypeid == RECORDOID)
		set_columns(part->target,
					part->kind == VALUE ? get_expr_result_tupdesc(value, true) :
					ExecCleanTypeFromTL(columns));
	else if (part->target->dtype == PLPGSQL_DTYPE_VAR && part->kind == VALUE)
	{
		/* the variable of CASE */
		variable->datatype->typoid = exprType(value);
		variable->datatype->atttypmod = exprTypmod(value);
		variable->datatype->collation = exprCollation(value);
	}
	else if (part->target->dtype == PLPGSQL_DTYPE_ROW)
	{
		const PLpgSQL_row *row = (const PLpgSQL_row *) part->target;

		/* do the fields of records exist? */
		for (int i = 0; i < row->nfields; i++)
			(void) ((Oid (*) (PLpgSQL_execstate *,
							  PLpgSQL_datum *)) plpgsql("plpgsql_exec_get_datum_type")) (&body.state, compiled->datums[row->varnos[i]]);
	}
}

static Query *
analyze(const Part *part)
{
	PLpgSQL_expr *expr = part->expr;
	RawStmt    *raw = linitial_node(RawStmt, cmig_raw_parse(expr->query, expr->parseMode));
	Query	   *query;

	raw->stmt = cmig_workload_query_in(raw->stmt);
	expr->func = compiled;
	query = parse_analyze_withcb(raw, expr->query,
								 (ParserSetupHook) plpgsql("plpgsql_parser_setup"), expr, NULL);
	fill(part, query);
	return query;
}

/* Subtransaction callback. */
static void
analyze_before(void *arg)
{
	(void) analyze(arg);
}

Query *
cmig_workload_plpgsql_analyze(const CmigWorkloadQuery *query)
{
	Part	   *wanted = query->number <= list_length(body.parts) ?
	list_nth(body.parts, query->number - 1) : NULL;

	/* the same body has other parts if a name in it means something else */
	if (wanted == NULL || wanted->expr == NULL || strcmp(wanted->expr->query, query->text) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the function has other variables")));
	for (; body.filled < query->number - 1; body.filled++)
	{
		Part	   *part = list_nth(body.parts, body.filled);
		ErrorData  *error = NULL;

		if (part->target == NULL)
			continue;
		if (part->target->dtype == PLPGSQL_DTYPE_REC &&
			((PLpgSQL_rec *) part->target)->rectypeid == RECORDOID)
			set_columns(part->target, NULL);
		if (part->expr != NULL)
			error = cmig_subtransaction_rehearse(analyze_before, part);
		if (error != NULL && cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		if (error != NULL && part->target->dtype == PLPGSQL_DTYPE_VAR && part->kind == VALUE)
			((PLpgSQL_var *) part->target)->datatype->typoid = InvalidOid;
	}
	if (wanted->tested != NULL && !OidIsValid(wanted->tested->datatype->typoid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the type of the expression of CASE is not known")));
	return analyze(wanted);
}

/* ----------------------------------------------------------------
 * Lists the queries of a function.
 * ----------------------------------------------------------------
 */

/* Subtransaction callback. */
static void
read_queries(void *arg)
{
	CmigWorkloadQuery *head = arg;
	MemoryContext caller;
	int			number = 0;

	cmig_workload_plpgsql_compile(head, head->oid, InvalidOid);
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(head));
	foreach_ptr(const Part, part, body.parts)
	{
		CmigWorkloadQuery *query = palloc0(sizeof(CmigWorkloadQuery));

		query->head = head;
		query->number = ++number;
		query->line = part->line;
		head->dynamic += part->kind == DYNAMIC;
		if (part->kind == FETCHED || part->kind == DYNAMIC)
			continue;
		query->text = query->sql = pstrdup(part->expr->query);
		head->parts = lappend(head->parts, query);
	}
	MemoryContextSwitchTo(caller);
}

List *
cmig_workload_plpgsql_queries(CmigWorkloadQuery *head)
{
	int			level = NewGUCNestLevel();
	ErrorData  *error;

	head->head = head;
	foreach_ptr(CmigValue, setting, head->settings)
		cmig_settings_override(setting[0], setting[1]);
	cmig_workload_plpgsql_forget();
	error = cmig_subtransaction_rehearse(read_queries, head);
	AtEOXact_GUC(false, level);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	head->unknown = error ? error->message : NULL;
	return lcons(head, head->parts);
}
