/*
 * rls_trial.c
 *	  The rows and contexts for which a policy's expression is evaluated.
 *
 * In this file, "the tenant" is the tenant whose context is set, and "own"
 * refers to this tenant.  Strangers are other tenants; they are identified by
 * numbers.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "rls/rls_trial.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"

#define MAX_TRIALS 2000			/* maximum number of trials for one context */
#define TABLE_STRANGERS 16		/* number of strangers if a sub-select reads a
								 * table */
#define MAPPED_STRANGERS 40		/* number of strangers if a function is
								 * applied to the context */

/*
 * Returns true if all keys of a row can be null and the expression does not
 * test a key for null.
 */
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

/* Returns true if the context has a part other than the user's name. */
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
 * Add trials of rows whose key is a constant with which the expression
 * compares the key.
 */
static List *
add_constants(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, int *group)
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
			CmigRlsTrialRow row = {CMIG_RLS_ROW_CONSTANT, 0, NULL, NULL, foreach_current_index(lc), lfirst(value)};

			if (list_length(trials) < MAX_TRIALS)
				trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
		}
	}
	return trials;
}

/*
 * Classify a row that belongs to another tenant.  "text" is the row's key, and
 * "own" is the tenant's key.
 */
static CmigRlsRowKind
kind_of_text(const char *own, const char *text)
{
	return pg_strcasecmp(own, text) == 0 ? CMIG_RLS_ROW_SIMILAR : CMIG_RLS_ROW_STRANGE;
}

/*
 * Add trials of rows that belong to the first "count" strangers (other
 * tenants).
 */
static List *
add_strangers(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, int count, int *group)
{
	CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};
	char	   *own = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, model->form, CMIG_RLS_OWN));

	for (row.whose = 0; row.whose < count && list_length(trials) < MAX_TRIALS; row.whose++)
	{
		char	   *text = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, model->form, row.whose));

		/*
		 * skip the row if the context contains this stranger's key, because
		 * the row is then visible to its owner
		 */
		if (context->special >= 0 && !context->unset &&
			strcmp(text, cmig_rls_sample_text(list_nth(context->values, context->special))) == 0)
			continue;
		row.kind = kind_of_text(own, text);
		trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
	}
	return trials;
}

/* Add trials of rows whose keys are the constants in "bounds". */
static List *
add_bounds(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, const List *bounds, int *group)
{
	ListCell   *lc;

	foreach(lc, bounds)
	{
		CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};

		row.parts = palloc0(sizeof(char *) * list_length(model->inputs));
		for (int i = 0; i < list_length(model->inputs); i++)
		{
			CmigRlsInput *input = list_nth(model->inputs, i);
			Const	   *value = input->kind == CMIG_RLS_COLUMN && input->key ? cmig_rls_sample_cast(input->type, lfirst(lc)) : NULL;

			if (value)
				row.parts[i] = cmig_rls_sample_text(value);
		}
		trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
	}
	return trials;
}

/*
 * Add trials of the usual rows for a context: rows of strangers (other
 * tenants), rows with constants as keys, and a row without an owner.
 */
static List *
add_rows(List *trials, const CmigRlsModel *model, const CmigRlsTrialContext *context, int *group)
{
	int			strangers = model->hints->compares_only ? CMIG_RLS_STRANGERS : model->reads_tables ? TABLE_STRANGERS : CMIG_RLS_MANY_STRANGERS;
	CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};

	trials = add_strangers(trials, model, context, strangers, group);
	trials = add_bounds(trials, model, context, model->hints->ends, group);
	if (has_changing_context(model))
		trials = add_constants(trials, model, context, group);
	row.kind = CMIG_RLS_ROW_DEFAULT;
	for (row.whose = 0; context->unset && row.whose < list_length(model->hints->defaults); row.whose++)
		if (!cmig_rls_trial_row_is_nobody(list_nth(model->hints->defaults, row.whose)))
			trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
	row.kind = CMIG_RLS_ROW_ORPHAN;
	row.whose = 0;
	if (can_be_orphan(model))
		trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
	return trials;
}

/*
 * Add trials of strangers' rows with the tenant's context, because a function
 * may map the keys of several tenants to the same value.  Each trial is linked
 * to a trial of the same row with another stranger's context, and counts only
 * if the row is visible in both trials.
 */
static List *
add_mapped(List *made, const CmigRlsModel *model, int *group)
{
	/*
	 * numbers of sample keys that have the same beginning, end, or remainder
	 * as the tenant's key
	 */
	static const int others[] = {1, 2, 3, 6, 7};
	CmigRlsTrialContext *own = cmig_rls_trial_context_own(model);
	ListCell   *trial;
	ListCell   *also;
	ListCell   *lc;

	for (int i = 0; i < lengthof(others); i++)
	{
		CmigRlsTrialContext *other = cmig_rls_trial_context_own(model);
		List	   *owns = add_strangers(NIL, model, own, MAPPED_STRANGERS, group);
		List	   *theirs;

		other->whose = others[i];
		foreach(lc, model->inputs)
		{
			CmigRlsInput *input = lfirst(lc);

			if (input->kind == CMIG_RLS_CONTEXT && !input->never_null && !input->is_boolean && input->own_text == NULL)
				lfirst(list_nth_cell(other->values, foreach_current_index(lc))) = cmig_rls_sample(input->type, input->form, others[i]);
		}
		theirs = add_strangers(NIL, model, other, MAPPED_STRANGERS, group);
		owns = add_bounds(owns, model, own, model->hints->bounds, group);
		theirs = add_bounds(theirs, model, other, model->hints->bounds, group);
		forboth(trial, owns, also, theirs)
		{
			/*
			 * if the row belongs to the stranger in "also", ignore the trial,
			 * because a stranger may see its own row
			 */
			if (((CmigRlsTrial *) lfirst(trial))->whose != others[i])
				((CmigRlsTrial *) lfirst(trial))->also = lfirst(also);
			else
				((CmigRlsTrial *) lfirst(trial))->counts = false;
		}
		made = lappend(lappend(made, theirs), owns);
	}
	return made;
}

/*
 * Add trials of rows whose key is a string that differs from the tenant's key
 * but is equal to it after a cast.
 */
static List *
add_spellings(List *made, const CmigRlsModel *model, int *group)
{
	ListCell   *lc;
	ListCell   *text;

	foreach(lc, model->hints->spellings)
	{
		CmigRlsTrialContext *context = cmig_rls_trial_context_own(model);
		char	   *own = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, lfirst_int(lc), CMIG_RLS_OWN));
		List	   *texts = lfirst_int(lc) == CMIG_RLS_FORM_UUID ?
		list_make1(str_toupper(own, strlen(own), DEFAULT_COLLATION_OID)) :
		list_make2(psprintf("0%s", own), psprintf(" %s", own));

		foreach(text, texts)
		{
			CmigRlsTrialRow row = {CMIG_RLS_ROW_SIMILAR, 0, NULL, NULL, -1, NULL};

			row.parts = palloc0(sizeof(char *) * list_length(model->inputs));
			for (int i = 0; i < list_length(model->inputs); i++)
			{
				CmigRlsInput *input = list_nth(model->inputs, i);

				if (input->kind == CMIG_RLS_COLUMN && input->key && cmig_rls_trial_is_text(input) && input->form == lfirst_int(lc))
					row.parts[i] = lfirst(text);
			}
			made = lappend(made, cmig_rls_trial_row_add(NIL, model, context, &row, group));
		}
	}
	return made;
}

/*
 * Add trials of a row whose two numeric keys differ from the tenant's keys but
 * have the same sum.
 */
static List *
add_sums(List *made, const CmigRlsModel *model, int *group)
{
	static const char *const parts[] = {"11", "13"};
	CmigRlsTrialContext *context = cmig_rls_trial_context_own(model);
	CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};
	int			n = 0;

	row.parts = palloc0(sizeof(char *) * list_length(model->inputs));
	for (int i = 0; i < list_length(model->inputs); i++)
	{
		CmigRlsInput *input = list_nth(model->inputs, i);

		if (input->kind == CMIG_RLS_COLUMN && input->key && n < lengthof(parts) && TypeCategory(input->type) == TYPCATEGORY_NUMERIC)
			row.parts[i] = parts[n++];
	}
	return n < lengthof(parts) ? made : lappend(made, cmig_rls_trial_row_add(NIL, model, context, &row, group));
}

/*
 * Add trials of rows whose key is a number that the expression may compute
 * from the tenant's key, such as the next number.  The first row is the
 * tenant's own row.  If the first row is not visible, the other rows do not
 * count, because the expression may simply map each tenant to a different
 * number.
 */
static List *
add_computed(List *made, const CmigRlsModel *model, int *group)
{
	static const char *const numbers[] = {"13", "11", "14", "10", "24", "6", "144", "120", "1200", "112", "22", "-12"};
	CmigRlsTrialContext *context = cmig_rls_trial_context_own(model);
	CmigRlsTrialRow own = {CMIG_RLS_ROW_OWN, CMIG_RLS_OWN, NULL, NULL, -1, NULL};
	List	   *trials = cmig_rls_trial_row_add(NIL, model, context, &own, group);

	for (int i = 0; i < list_length(model->inputs); i++)
	{
		CmigRlsInput *input = list_nth(model->inputs, i);

		if (input->kind != CMIG_RLS_COLUMN || !input->key || TypeCategory(input->type) != TYPCATEGORY_NUMERIC)
			continue;
		for (int n = 0; n < lengthof(numbers); n++)
		{
			CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};

			row.parts = palloc0(sizeof(char *) * list_length(model->inputs));
			row.parts[i] = numbers[n];
			trials = cmig_rls_trial_row_add(trials, model, context, &row, group);
		}
	}
	return lappend(made, trials);
}

/*
 * Returns one of two keys that a policy concatenates: the first key if "first"
 * is true, otherwise the second.  If "own" is true, the keys are those of the
 * tenant's row, otherwise those of a stranger's row.  Both pairs of keys give
 * the same string, but are split at different positions.
 */
static char *
part(const CmigRlsModel *model, const CmigRlsInput *input, const char *separator, bool first, bool own)
{
	char	   *key = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, input->form, CMIG_RLS_OWN));
	int			length = strlen(key);

	if (separator[0] == '\0')
		return own ? key : first ? pnstrdup(key, length - 1) : psprintf("%c%s", key[length - 1], key);

	/*
	 * with a separator, the tenant's pair is (key/key, key), and the
	 * strangers' pair is (key, key/key)
	 */
	return first == own ? psprintf("%s%s%s", key, separator, key) : key;
}

/*
 * Add trials of rows for a policy that concatenates two keys, for example with
 * ||.  Two keys of another tenant can then give the same string as the
 * tenant's keys.  The first row is the tenant's own row.  If the first row is
 * not visible, the other rows do not count.
 */
static List *
add_joined(List *made, const CmigRlsModel *model, int *group)
{
	int			count = list_length(model->inputs);
	ListCell   *lc;

	foreach(lc, model->hints->separators)
	{
		const char *separator = lfirst(lc);
		CmigRlsTrialContext *context = cmig_rls_trial_context_own(model);
		CmigRlsTrialRow own = {CMIG_RLS_ROW_OWN, CMIG_RLS_OWN, NULL, NULL, -1, NULL};
		CmigRlsTrialRow strange = {CMIG_RLS_ROW_STRANGE, 0, NULL, NULL, -1, NULL};
		StringInfoData joined;
		int			parts = 0;

		initStringInfo(&joined);
		own.parts = palloc0(sizeof(char *) * count);
		strange.parts = palloc0(sizeof(char *) * count);
		for (int i = 0; i < count; i++)
		{
			CmigRlsInput *input = list_nth(model->inputs, i);
			bool		is_number = TypeCategory(input->type) == TYPCATEGORY_NUMERIC;

			if (input->kind != CMIG_RLS_COLUMN || !input->key || parts == 2 ||
				!(cmig_rls_trial_is_text(input) || (is_number && separator[0] == '\0')))
				continue;
			if (parts == 1)
				appendStringInfoString(&joined, separator);
			own.parts[i] = part(model, input, separator, parts == 0, true);
			strange.parts[i] = part(model, input, separator, parts == 0, false);
			appendStringInfoString(&joined, own.parts[i]);
			parts++;
		}
		if (parts < 2)
			continue;
		if (separator[0] != '\0')
			context->most = CMIG_RLS_SOME;

		/*
		 * try two contexts: either one setting contains the whole string, or
		 * each setting contains one part
		 */
		made = lappend(made, cmig_rls_trial_row_add(cmig_rls_trial_row_add(NIL, model, context, &own, group), model, context, &strange, group));
		context = cmig_rls_trial_context_own(model);
		context->most = separator[0] != '\0' ? CMIG_RLS_SOME : CMIG_RLS_OPEN;
		for (int i = 0; i < count; i++)
		{
			CmigRlsInput *input = list_nth(model->inputs, i);

			if (input->kind == CMIG_RLS_CONTEXT && input->type == TEXTOID && !input->is_boolean && input->own_text == NULL)
				lfirst(list_nth_cell(context->values, i)) = cmig_rls_sample_const(TEXTOID, joined.data);
		}
		made = lappend(made, cmig_rls_trial_row_add(cmig_rls_trial_row_add(NIL, model, context, &own, group), model, context, &strange, group));
	}
	return made;
}

List *
cmig_rls_trial_make(const CmigRlsModel *model)
{
	List	   *contexts = cmig_rls_trial_contexts(model);
	List	   *made = NIL;
	int			group = 0;
	char	   *usual = cmig_rls_sample_text(cmig_rls_sample(TEXTOID, model->form, CMIG_RLS_OWN));
	ListCell   *lc;
	ListCell   *text;

	foreach(lc, contexts)
	{
		CmigRlsTrialContext *context = lfirst(lc);
		List	   *trials = NIL;

		/*
		 * Begin with the tenant's own row.  If not even this row is visible,
		 * no tenant can have this key, so the other rows do not count.
		 */
		if (context->strangers != NIL && !context->unset)
		{
			CmigRlsTrialRow row = {CMIG_RLS_ROW_OWN, CMIG_RLS_OWN, NULL, NULL, -1, NULL};

			trials = cmig_rls_trial_row_add(trials, model, context, &row, &group);
		}
		foreach(text, context->strangers)
		{
			CmigRlsTrialRow row = {CMIG_RLS_ROW_STRANGE, 0, lfirst(text), NULL, -1, NULL};

			row.kind = kind_of_text(context->own ? context->own : usual, row.text);
			if (list_length(trials) < MAX_TRIALS)
				trials = cmig_rls_trial_row_add(trials, model, context, &row, &group);
		}
		if (context->strangers == NIL)
			trials = add_rows(trials, model, context, &group);
		made = lappend(made, trials);
	}
	if (model->hints->maps_context && !model->reads_tables)
	{
		made = add_mapped(made, model, &group);
		made = add_computed(made, model, &group);
	}
	if (!model->hints->compares_only)
		made = add_sums(made, model, &group);
	if (model->reads_context)
		made = add_spellings(made, model, &group);
	if (model->hints->joins_parts && model->reads_context)
		made = add_joined(made, model, &group);
	return made;
}
