/*
 * rls_trial_context.c
 *	  The contexts with which a policy's expression is evaluated.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_trial_context.h"
#include "rls/rls_variant.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define MAX_SETTING_VALUES 6

bool
cmig_rls_trial_is_text(const CmigRlsInput *input)
{
	return input->type == TEXTOID || input->type == VARCHAROID;
}

/*
 * Returns the tenant's value for a part of the context (a setting or
 * function).
 */
static Const *
own_context(const CmigRlsModel *model, const CmigRlsInput *input)
{
	if (input->user && model->user_names)
		return cmig_rls_sample_const(input->type, linitial(model->user_names));
	if (input->own_text)
		return cmig_rls_sample_const(TEXTOID, input->own_text);
	if (input->is_boolean)
		return cmig_rls_sample_const(TEXTOID, "false");
	return cmig_rls_sample(input->type, input->form, CMIG_RLS_OWN);
}

/*
 * Returns the value for a missing part of the context: null or, if "empty" is
 * true, ''.
 */
static Const *
unset_context(const CmigRlsModel *model, const CmigRlsInput *input, bool empty)
{
	if (input->never_null)
		return own_context(model, input);
	if (empty && OidIsValid(get_element_type(input->type)))
		return cmig_rls_sample_const(input->type, "{}");
	if ((empty || input->strict) && input->type == TEXTOID)
		return cmig_rls_sample_const(TEXTOID, "");
	return cmig_rls_sample_null(input->type);
}

/*
 * Add a context.  All parts (settings and functions) have the tenant's values,
 * with two exceptions.  If "value" is not NULL, part number "special" has this
 * value.  If "unset" is true, part number "special" is missing or, if "special"
 * is negative, all parts are.  A missing part is '' if "empty" is true, and
 * null otherwise.
 */
static List *
add_context(List *contexts, const CmigRlsModel *model, bool unset, int special, Const *value, bool empty)
{
	CmigRlsTrialContext *context = palloc(sizeof(CmigRlsTrialContext));
	ListCell   *lc;

	context->values = NIL;
	context->unset = unset;
	context->special = special;
	context->most = CMIG_RLS_OPEN;
	context->whose = CMIG_RLS_OWN;
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
									  unset_context(model, input, empty) : own_context(model, input));
	}
	return lappend(contexts, context);
}

/*
 * Add contexts for the other roles that current_user can be.  These roles may
 * be meant to see more, so leaks found with them are less severe.  If a column
 * is compared with current_user, also add a context with a made-up role name,
 * which can only identify the owner of rows.
 */
static List *
add_users(List *contexts, const CmigRlsModel *model, int number)
{
	const CmigRlsInput *input = list_nth(model->inputs, number);
	ListCell   *lc;

	for_each_from(lc, model->user_names, 1)
	{
		contexts = add_context(contexts, model, false, number, cmig_rls_sample_const(input->type, lfirst(lc)), false);
		((CmigRlsTrialContext *) llast(contexts))->most = CMIG_RLS_SOME;
	}
	if (!model->hints->compares_user)
		return contexts;
	return add_context(contexts, model, false, number, cmig_rls_sample(input->type, input->form, CMIG_RLS_OWN), false);
}

/*
 * Returns the usual contexts: the tenant's own context, and contexts in which
 * parts (settings or functions) are missing or have other values.
 */
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
		if (input->user)
			contexts = add_users(contexts, model, foreach_current_index(lc));
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
 * Add contexts in which the tenant has another key.  A function in the
 * expression may map this key to the same value as the keys of strangers
 * (other tenants).
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

		has_text_key |= input->kind == CMIG_RLS_COLUMN && input->key && cmig_rls_trial_is_text(input);
	}
	if (!has_text_key)
		return contexts;
	contexts = add_context(contexts, model, false, -1, NULL, false);
	((CmigRlsTrialContext *) llast(contexts))->strangers = cmig_rls_variant_strangers(model->hints, usual, model->reads_tables);
	contexts = add_context(contexts, model, true, -1, NULL, true);
	((CmigRlsTrialContext *) llast(contexts))->strangers = cmig_rls_variant_strangers(model->hints, "", true);
	foreach(own, owns)
	{
		CmigRlsTrialContext *context;

		contexts = add_context(contexts, model, false, -1, NULL, false);
		context = llast(contexts);
		context->own = lfirst(own);
		context->strangers = cmig_rls_variant_strangers(model->hints, context->own, true);
		if (strcmp(context->own, usual) != 0)
			context->strangers = lcons(usual, context->strangers);
		foreach(lc, model->inputs)
		{
			CmigRlsInput *input = lfirst(lc);

			if (input->kind == CMIG_RLS_CONTEXT && cmig_rls_trial_is_text(input) && input->form == model->form &&
				input->own_text == NULL && !input->is_boolean)
				lfirst(list_nth_cell(context->values, foreach_current_index(lc))) = cmig_rls_sample_const(TEXTOID, context->own);
		}
	}
	return contexts;
}

CmigRlsTrialContext *
cmig_rls_trial_context_own(const CmigRlsModel *model)
{
	return linitial(add_context(NIL, model, false, -1, NULL, false));
}

List *
cmig_rls_trial_contexts(const CmigRlsModel *model)
{
	List	   *contexts = make_contexts(model);

	if (model->hints->texts.map && model->reads_context)
		contexts = add_variants(contexts, model);
	return contexts;
}
