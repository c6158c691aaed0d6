/*
 * rls_trial_row.c
 *	  Creates the trials of one row for one context.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "rls/rls_candidate.h"
#include "rls/rls_trial_row.h"

#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"

#define MAX_COMBINATIONS 128	/* maximum number of combinations of values in
								 * the columns that are not keys, for one row */

/*
 * Returns the values to try for a key in this row.  The key is the input with
 * index "number".
 */
static List *
key_candidates(const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row, int number)
{
	const CmigRlsInput *input = list_nth(model->inputs, number);
	List	   *candidates;
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
	else if (row->parts && row->parts[number])
		value = cmig_rls_sample_const(input->type, row->parts[number]);
	else if (input->own || row->kind == CMIG_RLS_ROW_OWN || (input->shared && model->tables == CMIG_RLS_TABLES_SHARED))
		value = context->own && cmig_rls_trial_is_text(input) ? cmig_rls_sample_const(input->type, context->own) :
			cmig_rls_sample(input->type, input->form, CMIG_RLS_OWN);
	else if (row->input == number)
	{
		value = row->constant;
	}
	else if (row->text && cmig_rls_trial_is_text(input))
		value = cmig_rls_sample_const(input->type, row->text);
	else
		value = cmig_rls_candidate_usual(input, row->whose);
	if (input->members && row->kind != CMIG_RLS_ROW_ORPHAN)
		value = cmig_rls_sample_document(input->type, input->form, row->kind == CMIG_RLS_ROW_OWN || input->own ? CMIG_RLS_OWN : row->whose, input->members);
	candidates = cmig_rls_candidate_add(NIL, value, level, true);
	/* also try an empty array, because every array contains it */
	if (row->kind == CMIG_RLS_ROW_STRANGE && OidIsValid(get_element_type(input->type)) && !input->own)
		candidates = cmig_rls_candidate_add(candidates, cmig_rls_sample_const(input->type, cmig_rls_candidate_boundless(input->type)), CMIG_RLS_SOME, false);
	return candidates;
}

bool
cmig_rls_trial_row_is_nobody(const Const *value)
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

/* Returns the highest level of a leak that a trial of the row can show. */
static CmigRlsLeakLevel
most_of_row(const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row)
{
	/*
	 * the level is lower if rows of other tenants were given the tenant's
	 * values in join columns, or if the role may be meant to see more rows
	 */
	CmigRlsLeakLevel most = model->tables == CMIG_RLS_TABLES_SHARED ? CMIG_RLS_SOME : context->most;

	switch (row->kind)
	{
		case CMIG_RLS_ROW_CONSTANT:
			return context->unset && !cmig_rls_trial_row_is_nobody(row->constant) ? CMIG_RLS_SOME : CMIG_RLS_MARKED;
		case CMIG_RLS_ROW_SIMILAR:
		case CMIG_RLS_ROW_DEFAULT:
			return CMIG_RLS_SOME;
		case CMIG_RLS_ROW_ORPHAN:

			/*
			 * rows without a key belong to nobody, so seeing them with a
			 * context is less severe
			 */
			return context->unset ? most : CMIG_RLS_SOME;
		default:
			return most;
	}
}

List *
cmig_rls_trial_row_add(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, const CmigRlsTrialRow *row, int *group)
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
			candidates[i] = cmig_rls_candidate_add(NIL, list_nth(context->values, i), CMIG_RLS_OPEN, true);
		else if (input->kind == CMIG_RLS_COLUMN && !input->key)
			candidates[i] = cmig_rls_candidates(input, row->whose);
		else if (input->kind == CMIG_RLS_COLUMN)
			candidates[i] = key_candidates(model, context, row, i);
		if (candidates[i])
			count = Min(count * list_length(candidates[i]), MAX_COMBINATIONS);
	}
	for (int n = 0; n < count; n++)
		/* give all unknown conditions the same value: true, false, or null */
		for (int u = 0; u < (unknown ? 3 : 1); u++)
		{
			CmigRlsTrial *made = palloc0(sizeof(CmigRlsTrial));
			int			rest = n;

			made->row = row->kind;
			made->whose = row->whose;
			made->constant = row->input;
			made->group = *group;
			made->unset = context->unset;
			made->context = context->special;
			made->ordinary = true;
			made->level = made->most = most_of_row(model, context, row);
			made->counts = context->whose == CMIG_RLS_OWN;
			for (int i = 0; i < ninputs; i++)
			{
				CmigRlsCandidate *candidate;

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
