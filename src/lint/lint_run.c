/*
 * lint_run.c
 *	  Applies the lint rules to the statements of scripts.
 *
 * A syntax error is reported as a finding, and the statements before it are
 * still checked.  The error is caught without a subtransaction, because the
 * parser acquires no resources other than memory.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "lint/lint_apply.h"
#include "lint/lint_ignore.h"
#include "lint/lint_locks.h"
#include "lint/lint_rules.h"
#include "lint/lint_run.h"
#include "lint/lint_state.h"
#include "parse/script_error.h"
#include "parse/statement.h"
#include "run/session.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

static char *lint_include = NULL;
static char *lint_ignore = NULL;

/* The rules that apply in a lint call, and the settings that select them. */
typedef struct ActiveRules
{
	List	   *included;		/* names in cmig.lint_include */
	List	   *ignored;		/* names in cmig.lint_ignore */
	List	   *rules;			/* of CmigLintRule *: active rules */
} ActiveRules;

/*
 * Settings
 */

/*
 * Split a list of rule names.  Returns NIL if the string is not a valid list.
 */
static List *
split_names(const char *value)
{
	List	   *names = NIL;

	if (value == NULL || !SplitIdentifierString(pstrdup(value), ',', &names))
		return NIL;
	return names;
}

/*
 * Returns the value of cmig.lint_include or cmig.lint_ignore.  "session" is the
 * setting's value in this session.  If "enforces" is true, returns the value
 * that applies to cmig.lint_policy.
 */
static const char *
rules_in_force(const char *name, const char *session, bool enforces)
{
	return enforces ? cmig_settings_guarded_text(name, session, "cmig.lint_policy") :
		cmig_settings_text(name, session);
}

/* GUC check hook for cmig.lint_include and cmig.lint_ignore. */
static bool
check_names(char **value, void **extra, GucSource source)
{
	List	   *names;
	ListCell   *lc;

	if (*value == NULL)
		return true;
	if (!SplitIdentifierString(pstrdup(*value), ',', &names))
	{
		GUC_check_errdetail("The value must be a list of rules, separated by commas.");
		return false;
	}
	foreach(lc, names)
	{
		if (!cmig_lint_rules_exists(lfirst(lc)))
		{
			GUC_check_errdetail("Rule \"%s\" does not exist.", (char *) lfirst(lc));
			return false;
		}
	}
	return true;
}

void
cmig_lint_run_init(void)
{
	/*
	 * cmig.lint_include lists rules that are applied although they are off by
	 * default
	 */
	DefineCustomStringVariable("cmig.lint_include",
							   "Lists the rules that cmig.lint applies although they are off by default.",
							   NULL, &lint_include, "", PGC_USERSET, GUC_LIST_INPUT,
							   check_names, NULL, NULL);

	/*
	 * cmig.lint_ignore lists rules to leave out; it is usually set for a
	 * database
	 */
	DefineCustomStringVariable("cmig.lint_ignore",
							   "Lists the rules that cmig.lint does not apply.",
							   NULL, &lint_ignore, "", PGC_USERSET, GUC_LIST_INPUT,
							   check_names, NULL, NULL);
}

/* Is the rule in a list of names? */
static bool
names_rule(List *names, const CmigLintRule *rule)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (cmig_lint_ignore_is(lfirst(lc), rule->name))
			return true;
	}
	return false;
}

/* Is the rule active in this lint call? */
static bool
is_active(const ActiveRules *active, const CmigLintRule *rule)
{
	return (!rule->opt_in || names_rule(active->included, rule)) && !names_rule(active->ignored, rule);
}

/* Callback: add the rule if it has a function and is active. */
static void
add_rule(const CmigLintRule *rule, void *arg)
{
	ActiveRules *active = arg;

	if (rule->check && is_active(active, rule))
		active->rules = lappend(active->rules, (void *) rule);
}

/*
 * Lint calls
 */

CmigLint *
cmig_lint_run_begin(bool reads_facts, bool enforces)
{
	CmigLint   *lint = palloc0(sizeof(CmigLint));
	ActiveRules *active = palloc0(sizeof(ActiveRules));

	lint->context = CurrentMemoryContext;
	lint->reads_facts = reads_facts;
	active->included = split_names(rules_in_force("cmig.lint_include", lint_include, enforces));
	active->ignored = split_names(rules_in_force("cmig.lint_ignore", lint_ignore, enforces));
	cmig_lint_rules_each(add_rule, active);
	lint->active = active;
	cmig_lint_state_begin(lint, cmig_session_search_path());
	return lint;
}

/* Does the rule apply to statements with this node tag? */
static bool
is_about(const CmigLintRule *rule, NodeTag tag)
{
	if (rule->tags[0] == T_Invalid)
		return true;
	for (int i = 0; i < CMIG_LINT_MAX_TAGS && rule->tags[i] != T_Invalid; i++)
	{
		if (rule->tags[i] == tag)
			return true;
	}
	return false;
}

/*
 * Returns the relation that a statement alters, indexes, or renames.  Returns
 * NULL for other statements.
 */
static CmigLintTable *
find_target(CmigLint *lint, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_AlterTableStmt:
			return cmig_lint_state_find_if(lint, ((AlterTableStmt *) statement)->relation,
										   ((AlterTableStmt *) statement)->missing_ok);
		case T_IndexStmt:
			return cmig_lint_state_find_if(lint, ((IndexStmt *) statement)->relation, false);
		case T_RenameStmt:
			if (((RenameStmt *) statement)->relation == NULL)
				return NULL;
			return cmig_lint_state_find_if(lint, ((RenameStmt *) statement)->relation,
										   ((RenameStmt *) statement)->missing_ok);
		case T_AlterObjectSchemaStmt:
			if (((AlterObjectSchemaStmt *) statement)->relation == NULL)
				return NULL;
			return cmig_lint_state_find_if(lint, ((AlterObjectSchemaStmt *) statement)->relation,
										   ((AlterObjectSchemaStmt *) statement)->missing_ok);
		default:
			return NULL;
	}
}

/* Apply the active rules to a statement. */
static void
examine(CmigLint *lint, const CmigStatement *statement)
{
	Node	   *node = statement->raw->stmt;
	ActiveRules *active = lint->active;
	ListCell   *lc;

	lint->statement = statement;
	lint->target = find_target(lint, node);
	if (lint->target)
		cmig_lint_state_load(lint, lint->target);
	lint->locks = cmig_lint_locks_of(lint, node);
	foreach(lc, active->rules)
	{
		const CmigLintRule *rule = lfirst(lc);

		if (is_about(rule, nodeTag(node)))
		{
			lint->rule = rule;
			rule->check(lint, node);
		}
	}
}

/*
 * Comments
 */

/*
 * Drop the findings that comments suppress.  Findings before finding number
 * "first" are kept.
 */
static void
suppress(CmigLint *lint, int first, List *ignores)
{
	for (int i = first; i < list_length(lint->findings); i++)
	{
		CmigLintFinding *finding = list_nth(lint->findings, i);
		ListCell   *lc;

		foreach(lc, ignores)
		{
			CmigLintIgnore *ignore = lfirst(lc);

			if (cmig_lint_ignore_is(ignore->name, finding->rule->name))
				ignore->used = finding->dropped = true;
		}
	}
}

/*
 * Is this the name of a rule that is not active?  A comment that names such a
 * rule is not reported as unused.
 */
static bool
is_off(CmigLint *lint, const char *name)
{
	ActiveRules *active = lint->active;
	ListCell   *lc;

	foreach(lc, active->rules)
	{
		if (cmig_lint_ignore_is(name, ((const CmigLintRule *) lfirst(lc))->name))
			return false;
	}
	return cmig_lint_rules_exists(name);
}

/* Report rule names from comments if they have suppressed no finding. */
static void
report_unused(CmigLint *lint, List *ignores)
{
	ActiveRules *active = lint->active;
	ListCell   *lc;

	if (!is_active(active, &cmig_lint_rules_unused_ignore))
		return;
	lint->rule = &cmig_lint_rules_unused_ignore;
	foreach(lc, ignores)
	{
		CmigLintIgnore *ignore = lfirst(lc);
		CmigLintFinding *finding;

		if (ignore->used || is_off(lint, ignore->name))
			continue;
		if (ignore->name[0] == '\0')
			finding = cmig_lint_report(lint, NULL, "the comment has no effect: it names no rule");
		else if (cmig_lint_rules_exists(ignore->name))
			finding = cmig_lint_report(lint, NULL, "the comment has no effect: rule %s finds nothing here",
									   ignore->name);
		else
			finding = cmig_lint_report(lint, NULL, "the comment has no effect: rule \"%s\" does not exist",
									   ignore->name);
		finding->line = ignore->line;
	}
}

/*
 * The statements of a script
 */

/* Convert a caught error to a finding. */
static void
report_error(CmigLint *lint, const CmigStatement *statement)
{
	ErrorData  *error = cmig_script_error_take();
	CmigLintFinding *finding;

	lint->rule = &cmig_lint_rules_syntax_error;
	lint->statement = statement;
	finding = cmig_lint_report(lint, NULL, "%s", error->message);
	finding->line = cmig_script_error_line(statement, error);
}

/*
 * Read the next statement.  Returns false at the end of the script.  If there
 * is a syntax error, reports the error and returns false.
 */
static bool
next_statement(CmigLint *lint, CmigScriptReader *script, CmigStatement *statement)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool more = false;

	statement->text = NULL;
	PG_TRY();
	{
		more = cmig_script_next(script, statement);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		report_error(lint, statement);
	}
	PG_END_TRY();
	return more;
}

/*
 * Perform the checks that were deferred to the end of the revision or of the
 * plan.
 */
static void
finish_deferred(CmigLint *lint, bool end_of_plan)
{
	MemoryContext old = MemoryContextSwitchTo(lint->context);
	List	   *waiting = NIL;
	ListCell   *lc;

	foreach(lc, lint->deferred)
	{
		CmigLintDeferred *deferred = lfirst(lc);

		if (deferred->whole_plan && !end_of_plan)
			waiting = lappend(waiting, deferred);
		else if (!deferred->finding->dropped && !deferred->holds(lint, deferred->arg))
			deferred->finding->dropped = true;
	}
	list_free(lint->deferred);
	lint->deferred = waiting;
	MemoryContextSwitchTo(old);
}

void
cmig_lint_run_script(CmigLint *lint, const char *revision, const char *script, bool transactional)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	CmigScriptReader *reader = cmig_script_open(script);
	CmigStatement statement = {0};
	bool		has_ignores = cmig_lint_ignore_may_occur(script);
	int			end = 0;		/* end of the previous statement */
	int			end_line = 1;
	int			guc_level = cmig_session_read_quietly();

	lint->revision = revision ? MemoryContextStrdup(lint->context, revision) : NULL;
	lint->transactional = transactional;
	lint->statements = 0;
	cmig_lint_state_begin_revision(lint);
	old = MemoryContextSwitchTo(context);
	while (next_statement(lint, reader, &statement))
	{
		int			first = list_length(lint->findings);
		List	   *ignores = NIL;

		CHECK_FOR_INTERRUPTS();
		lint->statements++;
		cmig_lint_state_count(lint);
		if (has_ignores)
			ignores = cmig_lint_ignore_read(script, end, statement.offset, end_line);
		examine(lint, &statement);
		suppress(lint, first, ignores);
		report_unused(lint, ignores);
		cmig_lint_apply(lint, statement.raw->stmt);
		if (cmig_statement_changes_strings(statement.raw))
			break;
		if (has_ignores)
		{
			end = statement.offset + strlen(statement.text);
			end_line = statement.line;
			for (const char *p = statement.text; *p; p++)
				end_line += *p == '\n';
		}
		MemoryContextReset(context);
	}
	if (has_ignores)
		report_unused(lint, cmig_lint_ignore_read(script, end, strlen(script), end_line));
	lint->statement = NULL;
	finish_deferred(lint, false);
	MemoryContextSwitchTo(old);
	cmig_script_close(reader);
	MemoryContextDelete(context);
	AtEOXact_GUC(false, guc_level);
}

void
cmig_lint_run_end(CmigLint *lint)
{
	lint->statement = NULL;
	finish_deferred(lint, true);
}
