/*
 * rls_trial.c
 *	  Which rows and contexts a policy's expression is tried for.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_trial.h"
#include "rls/rls_variant.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_TRIALS 2000			/* for one context */
#define MAX_COMBINATIONS 128	/* of values of other columns, for one
								 * stranger */
#define MAX_SETTING_VALUES 6

/* A value of a column that is no key, and what a row with it is. */
typedef struct Candidate
{
	Const	   *value;
	CmigRlsLeakLevel level;
	bool		ordinary;
} Candidate;

static List *
add_candidate(List *candidates, Const *value, CmigRlsLeakLevel level, bool ordinary)
{
	Candidate  *candidate = palloc(sizeof(Candidate));

	candidate->value = value;
	candidate->level = level;
	candidate->ordinary = ordinary;
	return lappend(candidates, candidate);
}

/* The next greater or smaller number, where there is one. */
static List *
add_neighbors(List *candidates, Const *value)
{
	int64		number;

	if (value->consttype == INT4OID)
		number = DatumGetInt32(value->constvalue);
	else if (value->consttype == INT8OID)
		number = DatumGetInt64(value->constvalue);
	else
		return candidates;
	if (number > -1000000 && number < 1000000)
	{
		candidates = add_candidate(candidates, cmig_rls_sample_const(value->consttype, psprintf(INT64_FORMAT, number - 1)),
								   CMIG_RLS_SOME, false);
		candidates = add_candidate(candidates, cmig_rls_sample_const(value->consttype, psprintf(INT64_FORMAT, number + 1)),
								   CMIG_RLS_SOME, false);
	}
	return candidates;
}

/* A value that the expression does not ask for. */
static Const *
usual_value(const CmigRlsInput *input, int whose)
{
	Const	   *value = NULL;

	for (int i = 0; i < 8; i++)
	{
		bool		asked = false;
		ListCell   *lc;

		value = cmig_rls_sample(input->type, input->form, i == 0 ? whose : input->key ? i : i - 2);
		foreach(lc, input->equals)
		{
			asked |= equal(lfirst(lc), value);
		}
		if (!asked)
			break;
	}
	return value;
}

static List *
column_candidates(const CmigRlsInput *input, int whose)
{
	List	   *candidates = NIL;
	Const	   *usual = usual_value(input, whose);
	bool		nullable = !input->never_null;
	ListCell   *lc;

	if (input->type == BOOLOID)
	{
		/* a mark when it is true; most rows have false */
		candidates = add_candidate(candidates, cmig_rls_sample(BOOLOID, 0, 0),
								   input->false_marks ? CMIG_RLS_MARKED : CMIG_RLS_SOME, true);
		candidates = add_candidate(candidates, cmig_rls_sample(BOOLOID, 0, 1), CMIG_RLS_MARKED, true);
		return candidates;
	}
	/* one that says by being null or not that it is deleted, published ... */
	candidates = add_candidate(candidates, usual, input->null_tested && nullable ? CMIG_RLS_MARKED : CMIG_RLS_OPEN, true);
	if (input->null_tested && nullable)
		candidates = add_candidate(candidates, cmig_rls_sample_null(input->type), CMIG_RLS_SOME, true);
	foreach(lc, input->equals)
	{
		candidates = add_candidate(candidates, lfirst(lc), CMIG_RLS_MARKED, false);
	}
	foreach(lc, input->compares)
	{
		candidates = add_candidate(candidates, lfirst(lc), CMIG_RLS_SOME, false);
		candidates = add_neighbors(candidates, lfirst(lc));
	}
	if (input->type == DATEOID || input->type == TIMESTAMPOID || input->type == TIMESTAMPTZOID)
		candidates = add_candidate(candidates, cmig_rls_sample_const(input->type, "2199-01-01"),
								   input->null_tested && nullable ? CMIG_RLS_MARKED : CMIG_RLS_SOME, false);
	return candidates;
}

typedef struct Context
{
	List	   *values;			/* of Const, NULL for inputs that are none */
	bool		unset;
	int			special;		/* the input that is, or -1 */
	const char *own;			/* the own key, NULL for the usual one */
	List	   *strangers;		/* of char *: their keys, NIL for the usual
								 * ones */
} Context;

/* Whose row it is. */
typedef struct Row
{
	CmigRlsRowKind kind;
	int			whose;			/* stranger or default by number */
	const char *text;			/* the key of a stranger, or NULL */
	int			input;			/* the one that is a constant, or -1 */
	Const	   *constant;
} Row;

static bool
is_text(const CmigRlsInput *input)
{
	return input->type == TEXTOID || input->type == VARCHAROID;
}

static Const *
own_context(const CmigRlsInput *input)
{
	if (input->own_text)
		return cmig_rls_sample_const(TEXTOID, input->own_text);
	if (input->is_boolean)
		return cmig_rls_sample_const(TEXTOID, "false");
	return cmig_rls_sample(input->type, input->form, CMIG_RLS_OWN);
}

/* The context's value when nothing was set: null, or '' with empty. */
static Const *
unset_context(const CmigRlsInput *input, bool empty)
{
	if (input->never_null)
		return own_context(input);
	if (empty && OidIsValid(get_element_type(input->type)))
		return cmig_rls_sample_const(input->type, "{}");
	if ((empty || input->strict) && input->type == TEXTOID)
		return cmig_rls_sample_const(TEXTOID, "");
	return cmig_rls_sample_null(input->type);
}

static List *
add_context(List *contexts, const CmigRlsModel *model, bool unset, int special, Const *value, bool empty)
{
	Context    *context = palloc(sizeof(Context));
	ListCell   *lc;

	context->values = NIL;
	context->unset = unset;
	context->special = special;
	context->own = NULL;
	context->strangers = NIL;
	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_CONTEXT)
			context->values = lappend(context->values, NULL);
		else if (special == foreach_current_index(lc) && value)
			context->values = lappend(context->values, value);
		else
			context->values = lappend(context->values, unset && (special < 0 || special == foreach_current_index(lc)) ?
									  unset_context(input, empty) : own_context(input));
	}
	return lappend(contexts, context);
}

static List *
make_contexts(const CmigRlsModel *model)
{
	List	   *contexts = NIL;
	int			parts = 0;
	ListCell   *lc;
	ListCell   *value;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		parts += input->kind == CMIG_RLS_CONTEXT;
	}
	contexts = add_context(contexts, model, false, -1, NULL, false);
	if (parts == 0)
		return contexts;
	contexts = add_context(contexts, model, true, -1, NULL, false);
	contexts = add_context(contexts, model, true, -1, NULL, true);
	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);
		int			n = 0;

		if (input->kind != CMIG_RLS_CONTEXT)
			continue;
		if (parts > 1 && parts <= 4 && !input->never_null)
		{
			contexts = add_context(contexts, model, true, foreach_current_index(lc), NULL, false);
			contexts = add_context(contexts, model, true, foreach_current_index(lc), NULL, true);
		}
		foreach(value, input->equals)
		{
			if (n++ < MAX_SETTING_VALUES && VARSIZE_ANY_EXHDR(DatumGetPointer(((Const *) lfirst(value))->constvalue)) > 0)
				contexts = add_context(contexts, model, false, foreach_current_index(lc), lfirst(value), false);
		}
		if (input->is_boolean)
			contexts = add_context(contexts, model, false, foreach_current_index(lc),
								   cmig_rls_sample_const(TEXTOID, "true"), false);
	}
	return contexts;
}

/*
 * Contexts and strangers whose keys a function of the expression may take for
 * the same.
 */
static List *
add_variants(List *contexts, const CmigRlsModel *model)
{
	char	   *usual = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, model->form, CMIG_RLS_OWN));
	List	   *owns = model->reads_tables ? NIL : cmig_rls_variant_owns(model->hints, usual);
	bool		has_text_key = false;
	ListCell   *lc;
	ListCell   *own;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		has_text_key |= input->kind == CMIG_RLS_COLUMN && input->key && is_text(input);
	}
	if (!has_text_key)
		return contexts;
	contexts = add_context(contexts, model, false, -1, NULL, false);
	((Context *) llast(contexts))->strangers = cmig_rls_variant_strangers(model->hints, usual, model->reads_tables);
	contexts = add_context(contexts, model, true, -1, NULL, true);
	((Context *) llast(contexts))->strangers = cmig_rls_variant_strangers(model->hints, "", true);
	foreach(own, owns)
	{
		Context    *context;

		contexts = add_context(contexts, model, false, -1, NULL, false);
		context = llast(contexts);
		context->own = lfirst(own);
		context->strangers = cmig_rls_variant_strangers(model->hints, context->own, true);
		if (strcmp(context->own, usual) != 0)
			context->strangers = lcons(usual, context->strangers);
		foreach(lc, model->inputs)
		{
			CmigRlsInput *input = lfirst(lc);

			if (input->kind == CMIG_RLS_CONTEXT && is_text(input) && input->form == model->form &&
				input->own_text == NULL && !input->is_boolean)
				lfirst(list_nth_cell(context->values, foreach_current_index(lc))) = cmig_rls_sample_const(TEXTOID, context->own);
		}
	}
	return contexts;
}

/* The value of a key in a row. */
static List *
key_candidates(const CmigRlsModel *model, const Context *context, const Row *row, int number)
{
	const CmigRlsInput *input = list_nth(model->inputs, number);
	Const	   *value = NULL;
	CmigRlsLeakLevel level = CMIG_RLS_OPEN;

	if (row->kind == CMIG_RLS_ROW_DEFAULT)
	{
		value = cmig_rls_sample_cast(input->type, list_nth(model->hints->defaults, row->whose));
		level = CMIG_RLS_SOME;
		if (value == NULL)
			value = cmig_rls_sample(input->type, input->form, 0);
	}
	else if (row->kind == CMIG_RLS_ROW_ORPHAN)
		value = cmig_rls_sample_null(input->type);
	else if (input->own || row->kind == CMIG_RLS_ROW_OWN)
		value = context->own && is_text(input) ? cmig_rls_sample_const(input->type, context->own) :
			cmig_rls_sample(input->type, input->form, CMIG_RLS_OWN);
	else if (row->input == number)
	{
		value = row->constant;
		level = CMIG_RLS_MARKED;
	}
	else if (row->text && is_text(input))
		value = cmig_rls_sample_const(input->type, row->text);
	else
		value = usual_value(input, row->whose);
	return add_candidate(NIL, value, level, true);
}

/* Add the trials of one row and one context, for each other column's values. */
static List *
add_trials(List *trials, const CmigRlsModel *model, const Context *context, const Row *row, int *group)
{
	List	   *inputs = model->inputs;
	int			ninputs = list_length(inputs);
	List	  **candidates = palloc0(sizeof(List *) * (ninputs + 1));
	bool		unknown = false;
	int			count = 1;

	for (int i = 0; i < ninputs; i++)
	{
		CmigRlsInput *input = list_nth(inputs, i);

		unknown |= input->kind == CMIG_RLS_UNKNOWN;
		if (input->kind == CMIG_RLS_CONTEXT)
			candidates[i] = add_candidate(NIL, list_nth(context->values, i), CMIG_RLS_OPEN, true);
		else if (input->kind == CMIG_RLS_COLUMN && !input->key)
			candidates[i] = column_candidates(input, row->whose);
		else if (input->kind == CMIG_RLS_COLUMN)
			candidates[i] = key_candidates(model, context, row, i);
		if (candidates[i])
			count = Min(count * list_length(candidates[i]), MAX_COMBINATIONS);
	}
	for (int n = 0; n < count; n++)
		/* the unknown ones are true, false and null together */
		for (int u = 0; u < (unknown ? 3 : 1); u++)
		{
			CmigRlsTrial *made = palloc0(sizeof(CmigRlsTrial));
			int			rest = n;

			made->row = row->kind;
			made->constant = row->input;
			made->group = *group;
			made->unset = context->unset;
			made->context = context->special;
			made->ordinary = true;
			made->level = CMIG_RLS_OPEN;
			for (int i = 0; i < ninputs; i++)
			{
				Candidate  *candidate;

				if (candidates[i] == NIL)
				{
					made->values = lappend(made->values, makeBoolConst(u == 0, u == 2));
					continue;
				}
				candidate = list_nth(candidates[i], rest % list_length(candidates[i]));
				rest /= list_length(candidates[i]);
				made->values = lappend(made->values, candidate->value);
				made->ordinary &= candidate->ordinary;
				made->level = Min(made->level, candidate->level);
			}
			trials = lappend(trials, made);
		}
	(*group)++;
	return trials;
}

/* A row whose keys are null, if they can be. */
static bool
can_be_orphan(const CmigRlsModel *model)
{
	bool		has_key = false;
	ListCell   *lc;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_COLUMN || !input->key)
			continue;
		if (input->never_null)
			return false;
		has_key = true;
	}
	return has_key && !model->null_is_asked;
}

/* Is the key one that stands for nobody? */
static bool
is_nobody(const Const *value)
{
	static const char *const names[] = {"none", "null", "nobody", "nil", "unset", "invalid", "undefined"};
	char	   *text = cmig_rls_sample_text(value);

	if (text == NULL || strspn(text, "0-") == strlen(text) || text[0] == '-' || text[0] == '{')
		return true;
	for (int i = 0; i < lengthof(names); i++)
		if (pg_strcasecmp(text, names[i]) == 0)
			return true;
	return false;
}

/* Is there a context besides who the user is? */
static bool
has_changing_context(const CmigRlsModel *model)
{
	ListCell   *lc;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind == CMIG_RLS_CONTEXT && !input->never_null)
			return true;
	}
	return false;
}

/*
 * Rows whose key is a constant that the expression asks for, beside a context.
 * Without a context it is the constant that tells own rows.
 */
static List *
add_constants(List *trials, const CmigRlsModel *model, const Context *context, int *group)
{
	ListCell   *lc;
	ListCell   *value;

	foreach(lc, model->inputs)
	{
		CmigRlsInput *input = lfirst(lc);

		if (input->kind != CMIG_RLS_COLUMN || !input->key || input->own)
			continue;
		foreach(value, input->equals)
		{
			Row			row = {CMIG_RLS_ROW_CONSTANT, 0, NULL, foreach_current_index(lc), lfirst(value)};

			if (list_length(trials) < MAX_TRIALS)
				trials = add_trials(trials, model, context, &row, group);
		}
	}
	return trials;
}

/* The usual rows, for a context. */
static List *
add_rows(List *trials, const CmigRlsModel *model, const Context *context, int *group)
{
	int			strangers = model->hints->compares_only || model->reads_tables ? CMIG_RLS_STRANGERS : CMIG_RLS_MANY_STRANGERS;
	Row			row = {CMIG_RLS_ROW_STRANGE, 0, NULL, -1, NULL};

	for (row.whose = 0; row.whose < strangers && list_length(trials) < MAX_TRIALS; row.whose++)
		trials = add_trials(trials, model, context, &row, group);
	if (has_changing_context(model))
		trials = add_constants(trials, model, context, group);
	row.kind = CMIG_RLS_ROW_DEFAULT;
	for (row.whose = 0; context->unset && row.whose < list_length(model->hints->defaults); row.whose++)
		if (!is_nobody(list_nth(model->hints->defaults, row.whose)))
			trials = add_trials(trials, model, context, &row, group);
	row.kind = CMIG_RLS_ROW_ORPHAN;
	row.whose = 0;
	if (can_be_orphan(model))
		trials = add_trials(trials, model, context, &row, group);
	return trials;
}

List *
cmig_rls_trial_make(const CmigRlsModel *model)
{
	List	   *contexts = make_contexts(model);
	List	   *made = NIL;
	int			group = 0;
	ListCell   *lc;
	ListCell   *text;

	if (model->hints->maps_text && model->reads_context)
		contexts = add_variants(contexts, model);
	foreach(lc, contexts)
	{
		Context    *context = lfirst(lc);
		List	   *trials = NIL;

		/* a key that sees no row of its own is none that anybody has */
		if (context->strangers != NIL && !context->unset)
		{
			Row			row = {CMIG_RLS_ROW_OWN, CMIG_RLS_OWN, NULL, -1, NULL};

			trials = add_trials(trials, model, context, &row, &group);
		}
		foreach(text, context->strangers)
		{
			Row			row = {CMIG_RLS_ROW_STRANGE, 0, lfirst(text), -1, NULL};

			if (list_length(trials) < MAX_TRIALS)
				trials = add_trials(trials, model, context, &row, &group);
		}
		if (context->strangers == NIL)
			trials = add_rows(trials, model, context, &group);
		made = lappend(made, trials);
	}
	return made;
}
