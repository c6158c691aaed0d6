/*
 * run.c
 *	  Runs a policy's expression over a few rows and contexts.
 *
 * What cannot be proved is tried.  The rows belong to the tenant, to strangers
 * (other tenants), or to nobody, or their key is a constant of the expression.
 * The context is the tenant's, missing, or empty.  The row's columns and the
 * settings become parameters, and PostgreSQL's executor evaluates the rest of
 * the expression unchanged.  A row of a stranger that is let through is a leak.
 * If there is none, nothing has been shown.
 *
 * No table is read, and no code of others runs: an expression is run only if
 * it consists of calls of built-in functions without side effects over
 * built-in types.  It runs as a role without privileges in a subtransaction
 * that is rolled back.  If it fails for a row, it does not let the row through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#define STRANGERS 30			/* enough for prefixes and remainders */
#define MAX_COMBINATIONS 48		/* of the values of columns that are no keys */
#define MAX_NODES 5000			/* a larger expression is not run: each ||
								 * keeps what it joins until the end */
#define MAX_FAILURES 60			/* of rows in a context, until the context is
								 * given up */

/* The owner of a sample value: the tenant, or the number of a stranger. */
#define OWN (-1)

/* A value on which the expression depends: a parameter. */
typedef struct Input
{
	int			n;
	bool		context;		/* a part of the context, or the row's column? */
	Node	   *node;			/* what it replaces; NULL for a column */
	AttrNumber	attno;
	Oid			type;
	Oid			cast;			/* type to which a setting is cast */
	char	   *name;			/* for messages */
	bool		strict;			/* can it not be null? */
	bool		key;			/* does the column tell who owns the row? */
	List	   *constants;		/* of Const: what it is compared with */
} Input;

/* The state of the conversion. */
typedef struct Maker
{
	Oid			relid;
	Oid			role;
	bool		failed;
	Oid			form;			/* of a key's text, which must be valid for
								 * the types that it has: uuid, integer, or
								 * text */
	List	   *inputs;
} Maker;

/* One row in one context. */
typedef struct Trial
{
	int			whose;
	bool		nobody;			/* is the row's key null? */
	Const	   *key;			/* if one of the row's keys is a constant of
								 * the expression */
	AttrNumber	column;			/* which one that is */
	List	   *values;			/* of Const */
	bool		is_true;
} Trial;

/*
 * Sample values
 *
 * A value has the same text in all types, as far as the types allow, so that a
 * key cast to text equals the setting that contains it.  A stranger's key is
 * similar to the tenant's: it is a little smaller or greater, has the same
 * beginning, end, or remainder, or matches it as a pattern.  An expression
 * that does not test for equality mistakes one of these keys for the tenant's.
 * The tenant's text contains an underscore and a dot, which match any character
 * in patterns.
 */

#define OWN_NUMBER 12
static const int strange_numbers[] = {5, 31, 129, 1, 2, 11, 13, 22, 120, 112, -12, 0, 1200, 76, 524,
1012};

#define OWN_TEXT "b_2.x-7q"
static const char *const strange_texts[] = {
	"a1", "c9", "b_2.x-7R", "bX2.x-7q", "b_2Yx-7q", "b_2.x-7qQ", "b_2.x-7", "zb_2.x-7qz",
	"X_2.x-7q", "b", "q", "b2.x7q", "b2x7q", "b_", "b_2", "7q", "b_2.x-7q/", "#b_2.x-7q!",
	"b-2.x-7q", "org_b_2.x-7q", "b_2.x-7q:1"
};

#define OWN_UUID "2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
static const char *const strange_uuids[] = {
	"11111111-1111-4111-8111-111111111111", "f3f3f3f3-f3f3-4f3f-8f3f-f3f3f3f3f3f3",
	"2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2b", "3a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
};

/*
 * Returns a value of the type, as text, for the tenant or a stranger, or NULL if
 * the type is not supported.  Strangers' dates are before and after the tenant's.
 */
static const char *
sample_text(Oid type, Oid form, int whose)
{
	Oid			element = get_element_type(type);
	int			distance = whose == OWN ? 0 : whose % 2 ? -(whose / 2 + 1) : whose / 2 + 1;
	const char *text = OidIsValid(element) ? sample_text(element, form, whose) : NULL;

	if (text)
		return psprintf("{\"%s\"}", text);
	switch (type)
	{
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:
			/* truncation or rounding turns stranger 2 into the tenant */
			if (whose == 2)
				return psprintf("%d.4", OWN_NUMBER);
			pg_fallthrough;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return psprintf("%d",
							whose == OWN ? OWN_NUMBER : whose < lengthof(strange_numbers) ?
							strange_numbers[whose] : 300 + whose);
		case UUIDOID:
			return whose == OWN ? OWN_UUID : whose < lengthof(strange_uuids) ?
				strange_uuids[whose] :
				psprintf("%02x%06x-0000-4000-8000-0000000000%02x", (whose * 37) & 255, whose * 7919,
						 whose & 255);
		case BPCHAROID:
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			if (form != TEXTOID)
				return sample_text(form, form, whose);
			return whose == OWN ? OWN_TEXT : whose < lengthof(strange_texts) ?
				strange_texts[whose] : psprintf("t%d", whose);
		case BOOLOID:
			return whose % 2 ? "true" : "false";
		case DATEOID:
			return psprintf("%d-06-15", 2021 + distance);
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return psprintf("2021-06-15 %02d:%02d:00", 12 + distance / 60, abs(distance) % 60);
		case JSONOID:
		case JSONBOID:
			/* the context's value is a list of keys, a row's value an object */
			return psprintf(whose == OWN ? "[\"%s\"]" : "{\"key\": \"%s\"}",
							sample_text(TEXTOID, form, whose));
		case INETOID:
		case CIDROID:
			return psprintf("10.0.0.%d", whose + 2);
		default:
			return NULL;
	}
}

/* Returns the value of an input for the tenant or a stranger. */
static Const *
value_of(const Maker *maker, const Input *input, int whose)
{
	bool		text = input->context && input->type == TEXTOID;
	Oid			type = text && OidIsValid(input->cast) ? input->cast : input->type;
	const char *value = cmig_rls_sample_is_builtin(type) ? sample_text(type, maker->form, whose) :
	NULL;

	if (value)
		value = cmig_rls_sample_text(cmig_rls_sample_const(type, value));
	else if (text)
		value = sample_text(TEXTOID, maker->form, whose);
	return value ? cmig_rls_sample_const(input->type, value) :
		makeNullConst(input->type, -1, get_typcollation(input->type));
}

/* Returns the input for a column, or for a part of the context. */
static Input *
find_input(Maker *maker, AttrNumber attno, Node *node, Oid type, char *name)
{
	Input	   *input;

	cmig_rls_step(list_length(maker->inputs) + 1);
	foreach_ptr(Input, each, maker->inputs)
	{
		input = each;
		if (input->attno == attno && equal(input->node, node))
			return input;
	}
	input = palloc0(sizeof(Input));
	input->context = (node != NULL);
	input->attno = attno;
	input->node = node;
	input->type = getBaseType(type);
	input->name = name;
	if (!input->context)
	{
		input->name = pstrdup(quote_identifier(get_attname(maker->relid, attno, false)));
		input->key = cmig_rls_may_own(maker->relid, attno);
		input->strict = cmig_rls_is_not_null(maker->relid, attno);
	}
	maker->failed |= !cmig_rls_sample_is_builtin(input->type);
	maker->inputs = lappend(maker->inputs, input);
	input->n = list_length(maker->inputs);
	return input;
}

/* Returns the input that a node is, or NULL if it is none. */
static Input *
input_of(Maker *maker, Node *node)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *name;
	Input	   *input;

	if (node == NULL)
		return NULL;
	if (IsA(node, NullIfExpr))
		return input_of(maker, cmig_rls_bare(linitial(((NullIfExpr *) node)->args)));
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == 0 && ((Var *) node)->varattno > 0)
		return find_input(maker, ((Var *) node)->varattno, NULL, ((Var *) node)->vartype, NULL);
	if (cmig_rls_calls_session_function(node) && !call->funcretset)
		return find_input(maker, 0, node, exprType(node),
						  psprintf("%s()", get_func_name(call->funcid)));
	if (!cmig_rls_calls_setting(node))
		return NULL;
	/* settings with one and with two arguments are the same */
	name = linitial(call->args);
	if (!IsA(name, Const) || name->constisnull)
		return NULL;
	input = find_input(maker, 0, (Node *) name, TEXTOID, TextDatumGetCString(name->constvalue));
	input->strict |= call->funcid == F_CURRENT_SETTING_TEXT;
	return input;
}

/* Note the constants with which a column or the context is compared. */
static void
note_constant(Maker *maker, List *args)
{
	Node	   *left = list_length(args) == 2 ? cmig_rls_bare(linitial(args)) : NULL;
	Node	   *right = list_length(args) == 2 ? cmig_rls_bare(lsecond(args)) : NULL;
	Const	   *constant = (Const *) (left && IsA(left, Const) ? left : right);
	Input	   *input = input_of(maker, constant == (Const *) left ? right : left);

	if (constant == NULL || input == NULL || !IsA(constant, Const) || constant->constisnull)
		return;
	cmig_rls_step(list_length(input->constants) + 1);
	if (constant->consttype == input->type)
		input->constants = list_append_unique(input->constants, constant);
	else if (input->type == TEXTOID && cmig_rls_sample_is_builtin(constant->consttype))
		input->constants = list_append_unique(input->constants,
											  cmig_rls_sample_const(TEXTOID,
																	cmig_rls_sample_text(constant)));
}

/* Convert a node and everything below it. */
static Node *
make(Node *node, void *context)
{
	Maker	   *maker = context;
	Input	   *input;
	CoerceViaIO *cast;

	check_stack_depth();
	cmig_rls_step(1);
	if (node == NULL || maker->failed)
		return node;
	/* a sub-select without tables is evaluated as its expression */
	if (IsA(node, SubLink) && cmig_rls_unwrap(node) != node)
		return make(cmig_rls_unwrap(node), context);
	if (cmig_rls_calls_user(node))
		return (Node *) cmig_rls_sample_const(exprType(node),
											  OidIsValid(maker->role) ?
											  GetUserNameFromId(maker->role, false) :
											  "somebody");
	if (!IsA(node, NullIfExpr) && (input = input_of(maker, node)) != NULL)
	{
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = input->n;
		param->paramtype = input->type;
		param->paramtypmod = -1;
		param->paramcollid = get_typcollation(input->type);
		param->location = -1;
		return (Node *) param;
	}
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			maker->failed = ((FuncExpr *) node)->funcretset ||
				!cmig_rls_calls_builtin(((FuncExpr *) node)->funcid, ((FuncExpr *) node)->args,
										node);
			break;
		case T_CoerceToDomain:
			return make((Node *) ((CoerceToDomain *) node)->arg, context);
		case T_CoerceViaIO:
			cast = cmig_rls_copy(node);
			cast->resulttype = getBaseType(cast->resulttype);
			input = input_of(maker, cmig_rls_bare((Node *) cast->arg));
			if (input && input->context)
				input->cast = cast->resulttype;
			maker->failed |= !cmig_rls_sample_is_builtin(cast->resulttype) ||
				!cmig_rls_sample_is_builtin(getBaseType(exprType((Node *) cast->arg)));
			node = (Node *) cast;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
			note_constant(maker, ((OpExpr *) node)->args);
			pg_fallthrough;
		default:
			maker->failed |= !cmig_rls_calls_evaluable(node);
			break;
	}
	return maker->failed ? node : expression_tree_mutator(node, make, context);
}

/*
 * Returns lists of values for the columns that are no keys: usual ones, and for
 * each column null and the constants with which it is compared.
 */
static List *
make_combinations(const Maker *maker)
{
	List	   *result = list_make1(NIL);

	foreach_ptr(Input, input, maker->inputs)
	{
		List	   *values = list_make1(value_of(maker, input, 0));
		List	   *longer = NIL;

		if (!input->context && !input->key)
		{
			values = lappend(list_concat(values, input->constants), value_of(maker, input, 1));
			if (!input->strict)
				values = lappend(values,
								 makeNullConst(input->type, -1, get_typcollation(input->type)));
		}
		foreach_ptr(List, value, values)
		{
			foreach_ptr(List, item, result)
			{
				cmig_rls_step(list_length(item) + 1);
				/* when there are many, only the usual values are combined */
				if (list_length(longer) < MAX_COMBINATIONS || value == linitial(values))
					longer = lappend(longer, lappend(list_copy(item), value));
			}
		}
		result = longer;
	}
	return result;
}

/*
 * Returns the trial of a row.  "unset" is the context that is missing or empty:
 * -1: none, -2: all, or the number of an input.
 */
static Trial *
make_trial(const Maker *maker, List *combination, Trial trial, int unset, bool empty)
{
	Trial	   *result = palloc(sizeof(Trial));

	cmig_rls_step(list_length(maker->inputs) + 1);
	*result = trial;
	foreach_ptr(Input, input, maker->inputs)
	{
		int			n = foreach_current_index(input);
		Const	   *value = list_nth(combination, n);

		if (input->context && (unset == -2 || unset == n))
			value = (empty || input->strict) &&
				input->type == TEXTOID ? cmig_rls_sample_const(TEXTOID, "") :
				makeNullConst(input->type, -1, get_typcollation(input->type));
		else if (input->context)
			value = value_of(maker, input, OWN);
		else if (input->key)
			value = trial.nobody &&
				!input->strict ? makeNullConst(input->type, -1, get_typcollation(input->type)) :
				trial.key && input->attno == trial.column ? trial.key :
				value_of(maker, input, trial.whose);
		result->values = lappend(result->values, value);
	}
	return result;
}

/* Returns the rows to try in a context. */
static List *
make_trials(const Maker *maker, List *combinations, int unset, bool empty)
{
	List	   *trials = NIL;
	bool		nullable = false;

	foreach_ptr(Input, input, maker->inputs)
	{
		nullable |= input->key && !input->strict;
		foreach_ptr(Const, key, input->key ? input->constants : NIL)
		{
			Trial		constant = {0,.key = key,.column = input->attno};

			trials = lappend(trials,
							 make_trial(maker, linitial(combinations), constant, unset, empty));
		}
	}
	foreach_ptr(List, combination, combinations)
	{
		int			count = combination == linitial(combinations) ? STRANGERS : 3;
		Trial		nobody = {0,.nobody = true};

		for (int whose = OWN; whose < count; whose++)
		{
			Trial		row = {whose};

			trials = lappend(trials, make_trial(maker, combination, row, unset, empty));
		}
		if (nullable)
			trials = lappend(trials, make_trial(maker, combination, nobody, unset, empty));
	}
	return trials;
}

/* The trials of a context, and the first one that has not been evaluated. */
typedef struct Batch
{
	const Maker *maker;
	Expr	   *expression;
	List	   *trials;
	int			next;
} Batch;

/* Evaluate the trials; a task for cmig_rls_sandbox_run(). */
static void
evaluate(void *arg)
{
	Batch	   *batch = arg;
	EState	   *estate = CreateExecutorState();
	ExprContext *context = GetPerTupleExprContext(estate);
	ParamListInfo params = makeParamList(list_length(batch->maker->inputs));
	ExprState  *state;

	PushActiveSnapshot(GetTransactionSnapshot());
	context->ecxt_param_list_info = params;
	state = ExecPrepareExpr(batch->expression, estate);
	while (batch->next < list_length(batch->trials))
	{
		Trial	   *trial = list_nth(batch->trials, batch->next++);
		Datum		value;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();

		foreach_ptr(Const, constant, trial->values)
		{
			ParamExternData *param = &params->params[foreach_current_index(constant)];

			param->value = constant->constvalue;
			param->isnull = constant->constisnull;
			param->pflags = 0;
			param->ptype = constant->consttype;
		}
		value = ExecEvalExprSwitchContext(state, context, &isnull);
		trial->is_true = !isnull && DatumGetBool(value);
		ResetExprContext(context);
	}
	PopActiveSnapshot();
	FreeExecutorState(estate);
}

/* Describe a trial in which a row is let through that should not be. */
static void
describe(const Maker *maker, const Trial *trial, bool about_context, CmigRlsLeak *leak)
{
	if (leak->found)
		return;
	cmig_rls_step(list_length(maker->inputs) + 1);
	foreach_ptr(Input, input, maker->inputs)
	{
		Const	   *value = list_nth(trial->values, foreach_current_index(input));
		char	   *text = cmig_rls_sample_text(value);
		const char *name = input->name;

		if (input->context && leak->context == NULL)
			leak->context = text ? psprintf("%s is %s", name, quote_literal_cstr(text)) :
				psprintf("%s is not set", name);
		if (!input->context && (leak->row == NULL || (trial->key && trial->column == input->attno)))
			leak->row = text ? psprintf("%s is %s", name, quote_literal_cstr(text)) :
				psprintf("%s is null", name);
	}
	leak->found = true;
	leak->unset = about_context;
	leak->nobody = trial->nobody;
}

/* What to run, and the memory for what is found. */
typedef struct Running
{
	Node	   *tree;
	Oid			relid;
	Oid			role;
	CmigRlsLeak *leak;
	MemoryContext context;
} Running;

/* Sets the form of the keys' texts.  Returns false if the expression reads no column. */
static bool
find_form(Maker *maker)
{
	bool		row = false;

	foreach_ptr(Input, input, maker->inputs)
	{
		Oid			type = OidIsValid(input->cast) ? input->cast : input->type;

		row |= !input->context;
		if (OidIsValid(get_element_type(type)))
			type = get_element_type(type);
		/* numbers are valid as texts, too */
		if (type == UUIDOID)
			maker->form = UUIDOID;
		else if (maker->form == TEXTOID &&
				 (type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID))
			maker->form = INT4OID;
	}
	return row;
}

/* Run the expression; within the limits of a proof. */
static void
run_within(void *argument)
{
	const Running *running = argument;
	Maker		maker = {running->relid, running->role,.form = TEXTOID};
	Batch		batch = {&maker};
	List	   *combinations;
	int			nodes;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig trials",
												  ALLOCSET_DEFAULT_SIZES);

	batch.expression = (Expr *) make(cmig_rls_expand(running->tree), &maker);
	nodes = cmig_rls_count((Node *) batch.expression);
	if (maker.failed || !find_form(&maker) || nodes > MAX_NODES)
		return;
	combinations = make_combinations(&maker);

	/*
	 * each context alone, because most errors are those of a context; the
	 * tenant's first
	 */
	for (int n = -2; n < list_length(maker.inputs); n++)
		for (int empty = 0; empty < 2; empty++)
		{
			int			unset = n < 0 ? -3 - n : n;
			MemoryContext caller;

			if ((unset == -1 && empty) ||
				(unset >= 0 && !((Input *) list_nth(maker.inputs, unset))->context))
				continue;
			caller = MemoryContextSwitchTo(context);
			batch.trials = make_trials(&maker, combinations, unset, empty);
			batch.next = 0;
			/* a row for which the expression fails is not let through */
			for (int failures = 0; failures < MAX_FAILURES; failures++)
			{
				cmig_rls_step(nodes);
				if (cmig_rls_sandbox_run(CMIG_ROLE_NOBODY, evaluate, &batch) == 0)
					break;
			}
			MemoryContextSwitchTo(running->context);
			foreach_ptr(Trial, trial, batch.trials)
			{
				if (trial->is_true &&
					(unset == -2 || trial->whose != OWN || trial->nobody || trial->key))
					describe(&maker, trial, unset != -1, running->leak);
			}
			MemoryContextSwitchTo(caller);
			MemoryContextReset(context);
		}
}

/*
 * Run an expression over a few rows and contexts, unless that needs tables or the
 * code of others, or is too much.
 */
void
cmig_rls_run(Node *tree, Oid relid, Oid role, CmigRlsLeak *leak)
{
	Running		running = {tree, relid, role, leak, CurrentMemoryContext};

	(void) cmig_rls_within_limits(run_within, &running);
}
