/*
 * lint_rehearse.c
 *	  Lint: what the rehearsal shows, in addition to what the text shows.
 *
 * The scripts have run on copies, see schema/effects.c.  An effect is a finding
 * of the rule that also reports it in a statement's text, unless a rule has
 * named the object for this statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/varlena.h"

#include "plan/internal.h"

#define STATEMENT_FAILS "statement-fails"
#define PROTECTION_LOST "protection-lost"
#define NOT_REHEARSED "not-rehearsed"

const CmigLintRule cmig_lint_rehearsed[] = {
	{STATEMENT_FAILS, CMIG_LINT_ERROR},
	{PROTECTION_LOST, CMIG_LINT_WARNING},
	{NOT_REHEARSED, CMIG_LINT_NOTICE},
	{NULL}
};

char *
cmig_plan_begun(const CmigSituation *now, const CmigPlan *plan)
{
	CmigNames  *begun = cmig_progress_begun();

	cmig_names_sort(begun);
	for (int i = 0; i < plan->count; i++)
	{
		const char *revision = cmig_graph_id(now->graph, plan->steps[i].node);

		if (cmig_names_has(begun, revision))
			return psprintf("revision \"%s\" is partially applied", revision);
	}
	return NULL;
}

CmigEffects *
cmig_plan_rehearse(const CmigGraph *graph, const CmigPlan *plan, CmigStepTexts *texts, bool certain,
				   const char *caller, const char *guard, const CmigEffectsLook *look)
{
	int		   *nodes = palloc(sizeof(int) * Max(plan->count, 1));
	List	   *scripts = NIL;

	for (int i = 0; i < plan->count; i++)
	{
		nodes[i] = plan->steps[i].node;
		scripts = lappend(scripts, pstrdup(cmig_step_texts_get(texts, i)->sql));
	}
	return cmig_effects_read(graph, nodes, plan->count, scripts, certain, caller,
							 "cmig.dry_run_timeout", cmig_dry_run_limit(guard), look);
}

void
cmig_lint_rehearse(CmigLint *lint, const CmigSituation *now, const CmigPlan *plan,
				   CmigStepTexts *texts)
{
	char	   *begun = cmig_plan_begun(now, plan);

	/* what has run already would fail */
	if (begun != NULL)
	{
		lint->effects = palloc0(sizeof(CmigEffects));
		lint->effects->not_run = begun;
	}
	else if (plan->count > 0)
		lint->effects = cmig_plan_rehearse(now->graph, plan, texts, lint->certain,
										   lint->certain ? "cmig.upgrade()" : "cmig.lint()",
										   lint->certain ? "cmig.lint_policy" : NULL, NULL);
}

/* Does the text, in which names may be in upper case, contain the name? */
static bool
has_name(const char *text, const char *name)
{
	return cmig_text_has_word(asc_tolower(text, strlen(text)), asc_tolower(name, strlen(name)));
}

/* Make the rule the current one, if it is active. */
static bool
use_rule(CmigLint *lint, const char *name)
{
	const CmigLintRule *rule = cmig_lint_rule_find(lint->rules, name);

	if (rule != NULL)
		lint->rule = rule;
	return rule != NULL;
}

/*
 * Has a rule named the object for this statement, which has these findings?
 * Matters of style, and of locks of earlier statements, do not count.
 */
static bool
is_told(const List *findings, const char *name)
{
	foreach_ptr(const CmigLintFinding, finding, findings)
	{
		if (finding->rule->severity != CMIG_LINT_NOTICE &&
			strcmp(finding->rule->name, "statement-after-access-exclusive") != 0 &&
			has_name(finding->message, name))
			return true;
	}
	return false;
}

/* Has a rule said that the statement fails because of what exists? */
static bool
is_failure_told(const List *findings)
{
	static const char *const rules[] = {
		"ban-duplicate-column-assignments", "changing-partition-key", "dependent-objects",
		"incompatible-replace"
	};

	foreach_ptr(const CmigLintFinding, finding, findings)
	{
		for (int i = 0; i < lengthof(rules); i++)
			if (strcmp(finding->rule->name, rules[i]) == 0)
				return true;
	}
	return false;
}

static bool
is_error_told(const List *findings)
{
	foreach_ptr(const CmigLintFinding, finding, findings)
	{
		if (finding->severity == CMIG_LINT_ERROR)
			return true;
	}
	return false;
}

/* Does the kind of object restrict what rows or clients can do? */
static bool
protects(const CmigKind *kind)
{
	return kind == &cmig_kind_constraint || kind == &cmig_kind_foreign_key ||
		kind == &cmig_kind_domain_constraint ||
		kind == &cmig_kind_default || kind == &cmig_kind_policy || kind == &cmig_kind_trigger ||
		kind == &cmig_kind_rule ||
		kind == &cmig_kind_publication_table;
}

/* Returns the rule that reports the loss of an object of this kind. */
static const char *
rule_of_loss(const CmigKind *kind)
{
	if (kind == &cmig_kind_table)
		return "ban-drop-table";
	if (kind == &cmig_kind_column || kind == &cmig_kind_attribute)
		return "ban-drop-column";
	if (kind == &cmig_kind_index)
		return "require-concurrent-index-deletion";
	if (kind == &cmig_kind_view || kind == &cmig_kind_materialized_view)
		return "ban-drop-view";
	if (kind == &cmig_kind_trigger)
		return "ban-drop-trigger";
	if (kind == &cmig_kind_policy)
		return "ban-drop-policy";
	return protects(kind) ? PROTECTION_LOST : "dependent-objects";
}

/* Does the current statement run code, whose text says little? */
static bool
is_code(const CmigLint *lint)
{
	const Node *statement = lint->statement->raw->stmt;

	return IsA(statement, DoStmt) || IsA(statement, CallStmt) || IsA(statement, SelectStmt);
}

static void
report_loss(CmigLint *lint, const CmigEffect *effect)
{
	bool		code = is_code(lint);
	bool		named = !code && has_name(lint->statement->text, effect->name);

	/* what a statement drops by name is known to who wrote it */
	if ((!named || protects(effect->kind)) && use_rule(lint, rule_of_loss(effect->kind)))
		cmig_lint_report(lint, NULL, named || code ? "%s %s is dropped" : "%s %s is dropped, too",
						 effect->kind->name, effect->object);
}

/* Returns the rule that reports that code renames an object of this kind. */
static const char *
rule_of_name(const CmigKind *kind)
{
	if (kind == &cmig_kind_column || kind == &cmig_kind_attribute)
		return "renaming-column";
	if (kind == &cmig_kind_schema)
		return "renaming-schema";
	return (kind->flags & CMIG_KIND_RELATION) != 0 &&
		kind != &cmig_kind_sequence ? "renaming-table" : "dependent-objects";
}

static void
report_rewrite(CmigLint *lint, const CmigEffect *effect)
{
	CmigLintTable *table = cmig_lint_state_find_changed(lint, effect);

	if (!cmig_lint_model_is_large_itself(table) ||
		!use_rule(lint, effect->type == CMIG_EFFECT_EMPTIED ? "truncating-table" :
				  "rewriting-table"))
		return;
	lint->slow = table;
	cmig_lint_report(lint, NULL,
					 effect->type == CMIG_EFFECT_EMPTIED ? "table %s is emptied" :
					 "table %s is rewritten, which blocks everything else", effect->object);
	lint->slow = NULL;
}

static void
report_effect(CmigLint *lint, const CmigEffect *effect, const List *findings)
{
	const char *rule = PROTECTION_LOST;
	const char *lost;

	if (lint->certain && effect->doubtful)
		return;
	/* no rule says what guards less than before */
	if (effect->kind != NULL && !effect->combined && effect->type != CMIG_EFFECT_WEAKER &&
		effect->type != CMIG_EFFECT_UNCLEAR &&
		is_told(findings, effect->name))
		return;
	switch (effect->type)
	{
		case CMIG_EFFECT_FAILS:
			if (!is_failure_told(findings) && use_rule(lint, STATEMENT_FAILS))
				cmig_lint_report(lint, NULL,
								 "the statement fails: %s; what follows was not rehearsed",
								 effect->what)->line = effect->line;
			return;
		case CMIG_EFFECT_UNKNOWN:
			if (!is_error_told(findings) && use_rule(lint, NOT_REHEARSED))
				cmig_lint_report(lint, NULL, "the statement could not be rehearsed: %s",
								 effect->what)->line = effect->line;
			return;
		case CMIG_EFFECT_GONE:
			report_loss(lint, effect);
			return;
		case CMIG_EFFECT_RENAMED:
			if (is_code(lint) && use_rule(lint, rule_of_name(effect->kind)))
				cmig_lint_report(lint, NULL, "%s %s %s, which breaks clients that use it",
								 effect->kind->name, effect->object, effect->what);
			return;
		case CMIG_EFFECT_RETYPED:
			lost = is_code(lint) ? cmig_lint_values_lost(lint, effect->former, effect->what) : NULL;
			if (lost != NULL && use_rule(lint, "changing-values"))
				cmig_lint_report(lint, NULL, "changing the type of %s %s to %s %s",
								 effect->kind->name, effect->object, effect->what, lost);
			return;
		case CMIG_EFFECT_REWRITTEN:
		case CMIG_EFFECT_EMPTIED:
			report_rewrite(lint, effect);
			return;
		case CMIG_EFFECT_EXPOSED:
			rule = "row-security-lost";
			break;
		case CMIG_EFFECT_NULLABLE:
			rule = "ban-drop-not-null";
			break;
		case CMIG_EFFECT_REVOKED:
			rule = "revoking-privileges";
			break;
		case CMIG_EFFECT_WEAKER:
			break;
		case CMIG_EFFECT_SHARED:
			if (!is_code(lint))
				return;
			break;
		case CMIG_EFFECT_NARROWED:
			rule = "ban-drop-view";
			break;
		case CMIG_EFFECT_UNCLEAR:
			if (use_rule(lint, rule))
				cmig_lint_report(lint, NULL, "%s %s %s", effect->kind->name, effect->object,
								 effect->what)->severity = CMIG_LINT_NOTICE;
			return;
		case CMIG_EFFECT_LOCKED:
			return;
	}
	if (use_rule(lint, rule))
		cmig_lint_report(lint, NULL, "%s %s %s", effect->kind->name, effect->object, effect->what);
}

/* Has the current statement run, on copies of all objects, without an error? */
static bool
has_run(const CmigLint *lint)
{
	int			step = lint->revision_number - 1,
				statement = lint->statement->number;

	if (lint->effects->not_run != NULL || lint->effects->left_out != NIL)
		return false;
	foreach_ptr(const CmigEffect, effect, lint->effects->effects)
	{
		bool		here = effect->step == step && effect->statement == statement;

		if ((effect->type == CMIG_EFFECT_FAILS &&
			 (effect->step < step || (effect->step == step && effect->statement <= statement))) ||
			(effect->type == CMIG_EFFECT_UNKNOWN && here))
			return false;
	}
	return true;
}

void
cmig_lint_rehearsed_report(CmigLint *lint, int first)
{
	MemoryContext caller;
	List	   *findings;

	if (lint->effects == NULL)
		return;
	caller = MemoryContextSwitchTo(lint->context);

	/*
	 * what depends on an object may have been dropped in a way that the texts
	 * do not show
	 */
	for (int i = list_length(lint->findings) - 1; i >= first && has_run(lint); i--)
		if (((CmigLintFinding *) list_nth(lint->findings, i))->fails)
			lint->findings = list_delete_nth_cell(lint->findings, i);
	findings = list_copy_tail(lint->findings, first);
	foreach_ptr(const CmigEffect, effect, lint->effects->effects)
	{
		if (effect->step == lint->revision_number - 1 &&
			effect->statement == lint->statement->number)
			report_effect(lint, effect, findings);
	}
	for (int i = first + list_length(findings); i < list_length(lint->findings); i++)
		((CmigLintFinding *) list_nth(lint->findings, i))->rehearsed = true;
	MemoryContextSwitchTo(caller);
}

void
cmig_lint_rehearsed_finish(CmigLint *lint)
{
	CmigListing reasons;

	if (lint->effects == NULL || !use_rule(lint, NOT_REHEARSED))
		return;
	lint->revision = NULL;
	if (lint->effects->not_run != NULL)
		cmig_lint_report(lint, NULL, "the statements were not rehearsed: %s",
						 lint->effects->not_run);
	cmig_listing_init(&reasons, CMIG_LISTING_PLAIN);
	foreach_ptr(char, reason, lint->effects->left_out)
		cmig_listing_add(&reasons, reason);
	if (reasons.count > 0)
		cmig_lint_report(lint, NULL,
						 "objects were left out of the rehearsal, so that statements that fail there are not reported: %s", cmig_listing_text(&reasons));
}
