/*
 * run.c
 *	  Runs a policy's expression over a few rows and contexts.
 *
 * What cannot be proved is tried.  The rows belong to the tenant, to strangers
 * (other tenants), or to nobody, or their key is a constant of the expression.
 * The context is the tenant's, missing, or empty.  The row's columns and the
 * settings become columns of a VALUES list, and PostgreSQL's executor
 * evaluates the rest of the expression unchanged.  A row of a stranger that is
 * let through is a leak.  If there is none, nothing has been shown.
 *
 * No table is read, and no code of others runs: an expression is run only if
 * it consists of calls of built-in functions without side effects over
 * built-in types.  It runs as a role without privileges in a subtransaction
 * that is rolled back.  If it fails for a context, it lets nothing through.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/base.h"
#include "rls/internal.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define STRANGERS 30			/* enough for prefixes and remainders */
#define MAX_COMBINATIONS 48		/* of the values of columns that are no keys */
#define MAX_SPLITS 12			/* number of failed evaluations that are
								 * repeated in halves */

/* The owner of a sample value: the tenant, or the number of a stranger. */
#define OWN (-1)

/* The form of a key's text, which must be valid for the types that it has. */
typedef enum Form
{
	FORM_TEXT,
	FORM_NUMBER,
	FORM_UUID
} Form;

/* A value on which the expression depends. */
typedef struct Input
{
	int			n;				/* its column of the VALUES list */
	bool		context;		/* a setting, or the row's column? */
	Node	   *node;			/* what it replaces; NULL for a column */
	AttrNumber	attno;
	Oid			type;
	Oid			cast;			/* type to which a setting is cast */
	char	   *name;			/* of a setting or function */
	bool		strict;			/* can it not be null? */
	bool		key;			/* does the column tell who owns the row? */
	List	   *constants;		/* of Const: what it is compared with */
} Input;

/* The state of the conversion. */
typedef struct Maker
{
	Oid			relid;
	Oid			role;
	int			depth;			/* number of queries around the node */
	bool		failed;
	Form		form;
	List	   *inputs;
} Maker;

/* One row in one context. */
typedef struct Trial
{
	List	   *values;			/* of Const */
	Const	   *key;			/* if the row's keys are a constant of the
								 * expression */
	AttrNumber	column;			/* which column that is */
	int			whose;
	bool		nobody;			/* is the row's key null? */
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
 */

#define OWN_NUMBER 12
static const int strange_numbers[] = {5, 31, 129, 1, 2, 11, 13, 22, 120, 112, -12, 0, 1200, 76, 524, 1012};

/*
 * the tenant's key contains an underscore and a dot, which match any character
 * in patterns
 */
#define OWN_TEXT "b_2.x-7q"
static const char *const strange_texts[] = {
	"a1", "c9", "b_2.x-7R", "bX2.x-7q", "b_2Yx-7q", "b_2.x-7qQ", "b_2.x-7", "B_2.X-7Q", "zb_2.x-7qz", " b_2.x-7q", "b_2.x-7q ",
	"X_2.x-7q", "b", "q", "b2.x7q", "b2x7q", "b_", "b_2", "7q", "0b_2.x-7q", "b_2.x-7q/", "#b_2.x-7q!", "b-2.x-7q", "org_b_2.x-7q", "b_2.x-7q:1"
};

#define OWN_UUID "2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
static const char *const strange_uuids[] = {
	"11111111-1111-4111-8111-111111111111", "f3f3f3f3-f3f3-4f3f-8f3f-f3f3f3f3f3f3",
	"2a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2b", "3a2a2a2a-2a2a-42a2-82a2-2a2a2a2a2a2a"
};

/* Returns a number, or a UUID, for the tenant or a stranger. */
static int
sample_number(int whose)
{
	return whose == OWN ? OWN_NUMBER :
		whose < lengthof(strange_numbers) ? strange_numbers[whose] : 300 + whose;
}

static const char *
sample_uuid(int whose)
{
	return whose == OWN ? OWN_UUID :
		whose < lengthof(strange_uuids) ? strange_uuids[whose] :
		psprintf("%02x%06x-0000-4000-8000-0000000000%02x", (whose * 37) & 255, whose * 7919, whose & 255);
}

/* Returns a key of the tenant or a stranger, in the given form. */
static const char *
sample_text(Form form, int whose)
{
	/* another notation of the tenant's own number or UUID */
	if (whose == STRANGERS - 1 && form != FORM_TEXT)
		return form == FORM_UUID ? "2A2A2A2A-2A2A-42A2-82A2-2A2A2A2A2A2A" : "012";
	if (form == FORM_UUID)
		return sample_uuid(whose);
	if (form == FORM_NUMBER)
		return psprintf("%d", sample_number(whose));
	return whose == OWN ? OWN_TEXT :
		whose < lengthof(strange_texts) ? strange_texts[whose] : psprintf("t%d", whose);
}

/* Compare two enum labels by their order in the type. */
static int
compare_labels(const ListCell *a, const ListCell *b)
{
	float4		left = ((Form_pg_enum) GETSTRUCT((HeapTuple) lfirst(a)))->enumsortorder;
	float4		right = ((Form_pg_enum) GETSTRUCT((HeapTuple) lfirst(b)))->enumsortorder;

	return left < right ? -1 : left > right;
}

/*
 * Returns an enum label for the tenant or a stranger.  Strangers' labels sort
 * before and after the tenant's label.
 */
static const char *
sample_label(Oid type, int whose)
{
	CatCList   *cached = SearchSysCacheList1(ENUMTYPOIDNAME, ObjectIdGetDatum(type));
	int			own = cached->n_members / 2;
	int			n = whose == OWN ? own : whose < own ? whose : whose + 1;
	List	   *labels = NIL;
	const char *label = NULL;

	for (int i = 0; i < cached->n_members; i++)
		labels = lappend(labels, &cached->members[i]->tuple);
	list_sort(labels, compare_labels);
	if (labels != NIL)
		label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT((HeapTuple) list_nth(labels, Min(n, list_length(labels) - 1))))->enumlabel));
	ReleaseSysCacheList(cached);
	return label;
}

/*
 * Returns a value of the type for the tenant or a stranger, or NULL if the type
 * is not supported.
 */
static Const *
sample(Oid type, Form form, int whose)
{
	Oid			element = type == NAMEOID ? InvalidOid : get_element_type(type);
	Oid			subtype = get_range_subtype(type);

	/* 0 for the tenant, and alternating signs for strangers */
	int			distance = whose == OWN ? 0 : whose % 2 ? -(whose / 2 + 1) : whose / 2 + 1;
	int			minutes = 12 * 60 + distance % (12 * 60);
	const char *text = NULL;
	int16		length;
	bool		by_value;
	char		align;

	if (!cmig_rls_sample_is_builtin(type))
		return NULL;
	if (OidIsValid(element) || OidIsValid(subtype))
	{
		/* an array or a range with a single value */
		Const	   *value = sample(OidIsValid(element) ? element : subtype, form, whose);

		if (value == NULL)
			return NULL;
		if (OidIsValid(element))
		{
			get_typlenbyvalalign(element, &length, &by_value, &align);
			return makeConst(type, -1, get_typcollation(type), -1,
							 PointerGetDatum(construct_array(&value->constvalue, 1, element, length, by_value, align)), false, false);
		}
		text = cmig_rls_sample_text(value);
		return cmig_rls_sample_const(type, psprintf("[\"%s\",\"%s\"]", text, text));
	}
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case MONEYOID:
			text = psprintf("%d", sample_number(whose));
			break;
		case NUMERICOID:
		case FLOAT4OID:
		case FLOAT8OID:

			/*
			 * stranger 2 has a fraction that truncation or rounding turns
			 * into the tenant's number
			 */
			text = whose == 2 ? psprintf("%d.4", OWN_NUMBER) : psprintf("%d", sample_number(whose));
			break;
		case OIDOID:
			text = psprintf("%d", abs(sample_number(whose)) + 1);
			break;
		case BPCHAROID:
			/* comparisons of char(n) ignore trailing blanks */
			text = sample_text(form, whose);
			if (text[strlen(text) - 1] == ' ')
				text = sample_text(form, 0);
			break;
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			text = sample_text(form, whose);
			break;
		case UUIDOID:
			text = sample_uuid(whose);
			break;
		case BOOLOID:
			text = whose % 2 ? "true" : "false";
			break;
		case DATEOID:
			text = psprintf("%d-06-15", 2021 + distance);
			break;
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case TIMEOID:
		case TIMETZOID:
			text = psprintf("%s%02d:%02d:00", type == TIMEOID || type == TIMETZOID ? "" : "2021-06-15 ", minutes / 60, minutes % 60);
			break;
		case INTERVALOID:
			text = psprintf("%d hours", 1000 + distance);
			break;
		case JSONOID:
		case JSONBOID:

			/*
			 * in JSON, the context's value is an array of keys, and a row's
			 * value is an object
			 */
			text = psprintf(whose == OWN ? "[\"%s\"]" : "{\"key\": \"%s\"}", sample_text(form, whose));
			break;
		case INETOID:
		case CIDROID:
			text = psprintf("10.0.%d.%d", (whose + 2) / 256 % 256, (whose + 2) % 256);
			break;
		case MACADDROID:
			text = psprintf("08:00:2b:01:%02x:%02x", (whose + 2) / 256 % 256, (whose + 2) % 256);
			break;
		case BYTEAOID:
			text = psprintf("\\x%02x%02x", (whose + 2) % 256, (whose + 3) % 256);
			break;
		default:
			text = get_typtype(type) == TYPTYPE_ENUM ? sample_label(type, whose) : NULL;
	}
	return text ? cmig_rls_sample_const(type, text) : NULL;
}

/*
 * The expression over inputs
 */

/* Returns the input for a column or a part of the context. */
static Input *
find_input(Maker *maker, bool context, AttrNumber attno, Node *node, Oid type)
{
	Input	   *input;
	ListCell   *lc;

	foreach(lc, maker->inputs)
	{
		input = lfirst(lc);
		if (input->context == context && input->attno == attno && equal(input->node, node))
			return input;
	}
	input = palloc0(sizeof(Input));
	input->context = context;
	input->attno = attno;
	input->node = node;
	input->type = getBaseType(type);
	input->key = !context && cmig_rls_may_own(maker->relid, attno);
	if (!context)
		input->strict = cmig_rls_is_not_null(maker->relid, attno);
	maker->failed |= !cmig_rls_sample_is_builtin(input->type);
	maker->inputs = lappend(maker->inputs, input);
	input->n = list_length(maker->inputs);
	return input;
}

/* Returns the input that a node is, or NULL if it is none. */
static Input *
input_of(Maker *maker, Node *node)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, NullIfExpr))
		return input_of(maker, cmig_rls_bare(linitial(((NullIfExpr *) node)->args)));
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == maker->depth && ((Var *) node)->varattno > 0)
		return find_input(maker, false, ((Var *) node)->varattno, NULL, ((Var *) node)->vartype);
	if (cmig_rls_calls_setting(node))
	{
		FuncExpr   *call = (FuncExpr *) node;
		Const	   *name = linitial(call->args);
		Input	   *input;

		/* settings with one and with two arguments are the same */
		if (!IsA(name, Const) || name->constisnull)
			return NULL;
		input = find_input(maker, true, 0, (Node *) name, TEXTOID);
		input->name = TextDatumGetCString(name->constvalue);
		input->strict |= call->funcid == F_CURRENT_SETTING_TEXT;
		return input;
	}
	if ((cmig_rls_calls_claim(node) && exprType(node) == TEXTOID) ||
		(cmig_rls_calls_session_function(node) && !((FuncExpr *) node)->funcretset))
	{
		Input	   *input = find_input(maker, true, 0, node, exprType(node));

		input->name = cmig_rls_calls_session_function(node) ? psprintf("%s()", get_func_name(((FuncExpr *) node)->funcid)) : "a claim";
		return input;
	}
	return NULL;
}

/* Note the constants with which a column or the context is compared. */
static void
note_constant(Maker *maker, List *args)
{
	Node	   *left;
	Node	   *right;
	Input	   *input;

	if (list_length(args) != 2)
		return;
	left = cmig_rls_bare(linitial(args));
	right = cmig_rls_bare(lsecond(args));
	if (left == NULL || right == NULL)
		return;
	if (IsA(left, Const))
	{
		Node	   *swap = left;

		left = right;
		right = swap;
	}
	if (!IsA(right, Const) || ((Const *) right)->constisnull || (input = input_of(maker, left)) == NULL)
		return;
	if (((Const *) right)->consttype == input->type)
		input->constants = list_append_unique(input->constants, right);
	else if (input->type == TEXTOID && cmig_rls_sample_is_builtin(((Const *) right)->consttype))
		input->constants = list_append_unique(input->constants, cmig_rls_sample_const(TEXTOID, cmig_rls_sample_text((Const *) right)));
}

/* Convert a node and everything below it. */
static Node *
make(Node *node, void *context)
{
	Maker	   *maker = context;
	Input	   *input;
	ListCell   *lc;

	check_stack_depth();
	if (node == NULL || maker->failed)
		return node;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		foreach(lc, query->rtable)
		{
			RTEKind		kind = lfirst_node(RangeTblEntry, lc)->rtekind;

			maker->failed |= kind != RTE_SUBQUERY && kind != RTE_VALUES && kind != RTE_RESULT && kind != RTE_JOIN && kind != RTE_FUNCTION;
		}
		if (maker->failed || query->commandType != CMD_SELECT)
		{
			maker->failed = true;
			return node;
		}
		maker->depth++;
		query = query_tree_mutator(query, make, context, 0);
		maker->depth--;
		query->hasRowSecurity = false;
		query->hasSubLinks = true;
		cmig_no_permissions_compat(query);
		return (Node *) query;
	}
	if (cmig_rls_calls_user(node))
		return (Node *) cmig_rls_sample_const(exprType(node), OidIsValid(maker->role) ? GetUserNameFromId(maker->role, false) : "somebody");
	if (!IsA(node, NullIfExpr) && (input = input_of(maker, node)) != NULL)
		return (Node *) makeVar(1, input->n, input->type, -1, get_typcollation(input->type), maker->depth);
	switch (nodeTag(node))
	{
		case T_Var:
			if (((Var *) node)->varlevelsup >= maker->depth || ((Var *) node)->varattno <= 0 || !cmig_rls_sample_is_builtin(((Var *) node)->vartype))
				maker->failed = true;
			return copyObject(node);
		case T_FuncExpr:
			if (!cmig_rls_calls_builtin(((FuncExpr *) node)->funcid, ((FuncExpr *) node)->args, ((FuncExpr *) node)->funcresulttype))
				maker->failed = true;
			break;
		case T_CoerceToDomain:
			return make((Node *) ((CoerceToDomain *) node)->arg, context);
		case T_CoerceViaIO:
			if (!cmig_rls_sample_is_builtin(getBaseType(((CoerceViaIO *) node)->resulttype)) ||
				!cmig_rls_sample_is_builtin(getBaseType(exprType((Node *) ((CoerceViaIO *) node)->arg))))
				maker->failed = true;
			else if ((input = input_of(maker, cmig_rls_bare((Node *) ((CoerceViaIO *) node)->arg))) != NULL && input->context)
				input->cast = getBaseType(((CoerceViaIO *) node)->resulttype);
			node = copyObject(node);
			((CoerceViaIO *) node)->resulttype = getBaseType(((CoerceViaIO *) node)->resulttype);
			break;
		case T_OpExpr:
		case T_DistinctExpr:
			note_constant(maker, ((OpExpr *) node)->args);
			maker->failed |= !cmig_rls_calls_evaluable(node);
			break;
		default:
			maker->failed |= !cmig_rls_calls_evaluable(node);
			break;
	}
	return maker->failed ? node : expression_tree_mutator(node, make, context);
}

/* Which form do keys have?  Numbers are valid as texts, too. */
static bool
form_walker(Node *node, void *context)
{
	Form	   *form = context;
	Oid			type;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, form_walker, context, 0);
	if (IsA(node, Var) || IsA(node, CoerceViaIO))
	{
		type = getBaseType(exprType(node));
		if (OidIsValid(get_element_type(type)))
			type = get_element_type(type);
		if (type == UUIDOID)
			*form = FORM_UUID;
		else if (*form == FORM_TEXT && (type == INT2OID || type == INT4OID || type == INT8OID || type == NUMERICOID))
			*form = FORM_NUMBER;
	}
	return expression_tree_walker(node, form_walker, context);
}

/*
 * Trials
 */

static Const *
value_of(const Maker *maker, const Input *input, int whose)
{
	Const	   *value;

	if (input->context && input->type == TEXTOID)
	{
		value = OidIsValid(input->cast) ? sample(input->cast, maker->form, whose) : NULL;
		return cmig_rls_sample_const(TEXTOID, value ? cmig_rls_sample_text(value) : sample_text(maker->form, whose));
	}
	value = sample(input->type, maker->form, whose);
	return value ? value : cmig_rls_sample_null(input->type);
}

/*
 * Returns lists of values for the columns that are no keys: usual ones, and for
 * each column null and the constants with which it is compared.
 */
static List *
make_combinations(const Maker *maker)
{
	List	   *result = list_make1(NIL);
	ListCell   *lc;
	ListCell   *each;
	ListCell   *old;

	foreach(lc, maker->inputs)
	{
		Input	   *input = lfirst(lc);
		List	   *values = list_make1(value_of(maker, input, 0));
		List	   *longer = NIL;

		if (!input->context && !input->key)
		{
			values = list_concat(values, input->constants);
			values = lappend(values, value_of(maker, input, 1));
			if (!input->strict)
				values = lappend(values, cmig_rls_sample_null(input->type));
		}
		foreach(each, values)
		{
			foreach(old, result)
			{
				/* when there are many, only the usual values are combined */
				if (list_length(longer) < MAX_COMBINATIONS || lfirst(each) == linitial(values))
					longer = lappend(longer, lappend(list_copy(lfirst(old)), lfirst(each)));
			}
		}
		result = longer;
	}
	return result;
}

/*
 * Add the trial of a row.  "unset" is the context that is missing or empty: -1:
 * none, -2: all, or the number of an input.
 */
static void
add_trial(const Maker *maker, List *combination, int whose, bool nobody, Const *key, AttrNumber column, int unset, bool empty, List **trials)
{
	Trial	   *trial = palloc0(sizeof(Trial));
	ListCell   *lc;

	trial->whose = whose;
	trial->nobody = nobody;
	trial->key = key;
	trial->column = column;
	foreach(lc, maker->inputs)
	{
		Input	   *input = lfirst(lc);
		int			n = foreach_current_index(lc);
		Const	   *value = list_nth(combination, n);

		if (input->context)
		{
			value = value_of(maker, input, OWN);
			if (unset == -2 || unset == n)
				value = (empty || input->strict) && input->type == TEXTOID ? cmig_rls_sample_const(TEXTOID, "") : cmig_rls_sample_null(input->type);
		}
		else if (input->key)
			value = nobody && !input->strict ? cmig_rls_sample_null(input->type) :
				key && input->attno == column ? key : value_of(maker, input, whose);
		trial->values = lappend(trial->values, value);
	}
	*trials = lappend(*trials, trial);
}

/* Returns the rows to try in a context. */
static List *
make_trials(const Maker *maker, List *combinations, int unset, bool empty)
{
	List	   *trials = NIL;
	bool		nullable = false;
	ListCell   *lc;
	ListCell   *each;

	foreach(lc, maker->inputs)
	{
		nullable |= !((Input *) lfirst(lc))->context && ((Input *) lfirst(lc))->key && !((Input *) lfirst(lc))->strict;
	}
	foreach(lc, combinations)
	{
		bool		usual = lfirst(lc) == linitial(combinations);

		for (int whose = OWN; whose < (usual ? STRANGERS : 3); whose++)
			add_trial(maker, lfirst(lc), whose, false, NULL, 0, unset, empty, &trials);
		if (nullable)
			add_trial(maker, lfirst(lc), 0, true, NULL, 0, unset, empty, &trials);
	}
	foreach(lc, maker->inputs)
	{
		Input	   *input = lfirst(lc);

		if (input->context || !input->key)
			continue;
		foreach(each, input->constants)
		{
			add_trial(maker, linitial(combinations), 0, false, lfirst(each), input->attno, unset, empty, &trials);
		}
	}
	return trials;
}

/*
 * Evaluation
 */

/* A DestReceiver that stores each result in the is_true field of its trial. */
typedef struct Receiver
{
	DestReceiver pub;
	ListCell   *next;
	List	   *trials;
} Receiver;

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;
	bool		isnull;
	Datum		value = slot_getattr(slot, 1, &isnull);

	((Trial *) lfirst(receiver->next))->is_true = !isnull && DatumGetBool(value);
	receiver->next = lnext(receiver->trials, receiver->next);
	return true;
}

/* The trials that are evaluated together. */
typedef struct Batch
{
	const Maker *maker;
	Node	   *expression;
	List	   *trials;
	int			splits;
} Batch;

/*
 * Run "SELECT expression FROM (VALUES ...)"; a task for
 * cmig_rls_sandbox_run().
 */
static void
evaluate(void *arg)
{
	static const char *const about = "SELECT expression FROM (VALUES ...)";
	Batch	   *batch = arg;
	Query	   *query = makeNode(Query);
	RangeTblEntry *values = makeNode(RangeTblEntry);
	RangeTblRef *reference = makeNode(RangeTblRef);
	Receiver	receiver = {{0}};
	List	   *names = NIL;
	QueryDesc  *desc;
	ListCell   *lc;

	foreach(lc, batch->maker->inputs)
	{
		Input	   *input = lfirst(lc);

		values->coltypes = lappend_oid(values->coltypes, input->type);
		values->coltypmods = lappend_int(values->coltypmods, -1);
		values->colcollations = lappend_oid(values->colcollations, get_typcollation(input->type));
		names = lappend(names, makeString(psprintf("input%d", foreach_current_index(lc) + 1)));
	}
	foreach(lc, batch->trials)
	{
		values->values_lists = lappend(values->values_lists, ((Trial *) lfirst(lc))->values);
	}
	values->rtekind = RTE_VALUES;
	values->eref = makeAlias("inputs", names);
	values->inFromCl = true;
	reference->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(values);
	query->jointree = makeFromExpr(list_make1(reference), NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) batch->expression, 1, pstrdup("is_true"), false));
	query->hasSubLinks = true;

	cmig_row_receiver_init(&receiver.pub, receive);
	receiver.trials = batch->trials;
	receiver.next = list_head(batch->trials);
	PushActiveSnapshot(GetTransactionSnapshot());
	desc = CreateQueryDesc(standard_planner(copyObject(query), about, 0, NULL), about, GetActiveSnapshot(), InvalidSnapshot, &receiver.pub, NULL, NULL, 0);
	standard_ExecutorStart(desc, 0);
	cmig_standard_executor_run_compat(desc);
	standard_ExecutorFinish(desc);
	standard_ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
}

/*
 * Evaluate the trials.  If that fails, try each half, because some rows may be
 * the reason; what still fails is not true.
 */
static void
run_trials(Batch *batch)
{
	List	   *all = batch->trials;
	ListCell   *lc;

	if (cmig_rls_sandbox_run(CMIG_RLS_NOBODY, evaluate, batch) == 0)
		return;
	foreach(lc, all)
	{
		((Trial *) lfirst(lc))->is_true = false;
	}
	if (list_length(all) < 2 || ++batch->splits > MAX_SPLITS)
		return;
	batch->trials = list_copy_tail(all, list_length(all) / 2);
	run_trials(batch);
	batch->trials = list_truncate(list_copy(all), list_length(all) / 2);
	run_trials(batch);
	batch->trials = all;
}

/*
 * Results
 */

/* Do two texts differ only in case, blanks, or leading zeros? */
static bool
looks_like(const char *a, const char *b)
{
	while (*a == ' ' || *a == '0')
		a++;
	while (*b == ' ' || *b == '0')
		b++;
	while (*a && *b && pg_tolower((unsigned char) *a) == pg_tolower((unsigned char) *b))
	{
		a++;
		b++;
	}
	return strspn(a, " ") == strlen(a) && strspn(b, " ") == strlen(b);
}

/* Describe a trial in which a row is let through that should not be. */
static void
describe(const Maker *maker, const Trial *trial, bool about_context, CmigRlsLeak *leak)
{
	ListCell   *lc;
	bool		similar = trial->whose != OWN && !trial->nobody && trial->key == NULL;

	if (leak->found && !leak->similar)
		return;
	leak->row = NULL;
	leak->context = NULL;
	foreach(lc, maker->inputs)
	{
		Input	   *input = lfirst(lc);
		Const	   *value = list_nth(trial->values, foreach_current_index(lc));
		char	   *text = cmig_rls_sample_text(value);
		const char *name = input->context ? input->name : quote_identifier(get_attname(maker->relid, input->attno, false));

		if (input->context && leak->context == NULL)
			leak->context = text ? psprintf("%s is %s", name, quote_literal_cstr(text)) : psprintf("%s is not set", name);
		if (!input->context && (leak->row == NULL || (trial->key && trial->column == input->attno)))
			leak->row = text ? psprintf("%s is %s", name, quote_literal_cstr(text)) : psprintf("%s is null", name);
		if (!input->context && input->key)
			similar &= input->type == TEXTOID || input->type == VARCHAROID ? text && looks_like(text, cmig_rls_sample_text(value_of(maker, input, OWN))) : false;
	}
	leak->found = true;
	leak->unset = about_context;
	leak->nobody = trial->nobody;
	leak->similar = similar;
}

/* Find a function or cast of a single column; with a unique index, it would be a key. */
static bool
folding_walker(Node *node, void *context)
{
	Node	  **found = context;
	Node	   *bare = cmig_rls_bare(node);

	if (node == NULL)
		return false;
	if (((IsA(node, FuncExpr) && list_length(((FuncExpr *) node)->args) == 1 && IsA(cmig_rls_bare(linitial(((FuncExpr *) node)->args)), Var)) ||
		 (IsA(node, CoerceViaIO) && IsA(bare, Var) && exprType(bare) != exprType(node))) && *found == NULL)
		*found = node;
	return expression_tree_walker(node, folding_walker, context);
}

/*
 * Run an expression over a few rows and contexts, unless that needs tables or the
 * code of others.
 */
void
cmig_rls_run(Node *tree, Oid relid, Oid role, CmigRlsLeak *leak)
{
	Maker		maker = {relid, role};
	Batch		batch = {&maker};
	List	   *combinations;
	bool		row = false;
	Node	   *folding = NULL;
	ListCell   *lc;

	memset(leak, 0, sizeof(CmigRlsLeak));
	tree = cmig_rls_expand(tree);
	(void) form_walker(tree, &maker.form);
	batch.expression = make(tree, &maker);
	foreach(lc, maker.inputs)
	{
		row |= !((Input *) lfirst(lc))->context;
	}
	if (maker.failed || !row)
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

			if ((unset == -1 && empty) || (unset >= 0 && !((Input *) list_nth(maker.inputs, unset))->context))
				continue;
			CHECK_FOR_INTERRUPTS();
			batch.trials = make_trials(&maker, combinations, unset, empty);
			batch.splits = 0;
			run_trials(&batch);
			foreach(lc, batch.trials)
			{
				Trial	   *trial = lfirst(lc);

				if (trial->is_true && (unset == -2 || trial->whose != OWN || trial->nobody || trial->key))
					describe(&maker, trial, unset != -1, leak);
			}
		}
	if (leak->similar && !folding_walker(tree, &folding) && folding)
		leak->folding = deparse_expression(folding, deparse_context_for(cmig_query_name(relid), relid), false, false);
}
