/*
 * lint.c
 *	  cmig.lint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/varlena.h"

#include "base/errors.h"
#include "plan/internal.h"
#include "store/store.h"

/* Rules whose findings are reported by lint.c itself. */
static const CmigLintRule own_rules[] = {
	{"syntax-error", CMIG_LINT_ERROR},
	{"unused-ignore", CMIG_LINT_NOTICE},
	{"empty-downgrade", CMIG_LINT_WARNING},
	{"no-facts", CMIG_LINT_NOTICE},
	{"prefer-expand", CMIG_LINT_NOTICE},
	{NULL}
};

#define SYNTAX_ERROR (&own_rules[0])
#define UNUSED_IGNORE (&own_rules[1])
#define EMPTY_DOWNGRADE (&own_rules[2])
#define NO_FACTS (&own_rules[3])
#define PREFER_EXPAND (&own_rules[4])

/* Returns all rules, in the order in which they are applied. */
static List *
all_rules(void)
{
	static const CmigLintRule *const subjects[] = {
		cmig_lint_indexes, cmig_lint_columns, cmig_lint_constraints, cmig_lint_tables,
		cmig_lint_dependents, cmig_lint_losses, cmig_lint_others, cmig_lint_rehearsed, own_rules
	};
	List	   *result = NIL;

	for (int i = 0; i < lengthof(subjects); i++)
	{
		for (const CmigLintRule *rule = subjects[i]; rule->name; rule++)
			result = lappend(result, (void *) rule);
	}
	return result;
}

const CmigLintRule *
cmig_lint_rule_find(const List *rules, const char *name)
{
	foreach_ptr(const CmigLintRule, rule, rules)
	{
		if (cmig_lint_ignore_is(name, rule->name))
			return rule;
	}
	return NULL;
}

/*
 * Applies the lint rules to the statements of scripts.
 *
 * A syntax error is reported as a finding, and the statements before it are
 * still checked.  The error is caught without a subtransaction, because the
 * parser acquires no resources other than memory.
 */

static int	lint_policy = CMIG_GATE_OFF;

const struct config_enum_entry cmig_gate_options[] = {
	{"off", CMIG_GATE_OFF, false},
	{"warn", CMIG_GATE_WARN, false},
	{"error", CMIG_GATE_ERROR, false},
	{"false", CMIG_GATE_OFF, true},
	{NULL, 0, false}
};

static int	lint_small_table = 8192;	/* kB */
static char *lint_include = NULL;
static char *lint_ignore = NULL;

/* GUC check hook for cmig.lint_include and cmig.lint_ignore. */
static bool
check_names(char **value, void **extra, GucSource source)
{
	List	   *names;

	if (*value == NULL)
		return true;
	if (!SplitIdentifierString(pstrdup(*value), ',', &names))
	{
		GUC_check_errdetail("The value must be a list of rules, separated by commas.");
		return false;
	}
	foreach_ptr(char, name, names)
	{
		if (cmig_lint_rule_find(all_rules(), name) == NULL)
		{
			GUC_check_errdetail("Rule \"%s\" does not exist.", name);
			return false;
		}
	}
	return true;
}

void
cmig_lint_init(void)
{
	DefineCustomStringVariable(cmig_settings_name("cmig.lint_include"),
							   "Lists the rules that cmig.lint applies although they are off by default.",
							   NULL, &lint_include, "", PGC_USERSET, GUC_LIST_INPUT,
							   check_names, NULL, NULL);
	DefineCustomStringVariable(cmig_settings_name("cmig.lint_ignore"),
							   "Lists the rules that cmig.lint does not apply.",
							   NULL, &lint_ignore, "", PGC_USERSET, GUC_LIST_INPUT,
							   check_names, NULL, NULL);
	DefineCustomIntVariable(cmig_settings_name("cmig.lint_small_table"),
							"Sets the size below which a table counts as small: what only takes time is then no error of cmig.lint.",
							NULL, &lint_small_table, 8192, 0, INT_MAX, PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomEnumVariable(cmig_settings_name("cmig.lint_policy"),
							 "Sets what an upgrade does if cmig.lint finds errors: off, warn, or error.",
							 NULL, &lint_policy, CMIG_GATE_OFF, cmig_gate_options, PGC_USERSET, 0,
							 NULL, NULL, NULL);
}

/* Is the rule in a list of names? */
static bool
names_rule(List *names, const CmigLintRule *rule)
{
	foreach_ptr(char, each, names)
	{
		if (cmig_lint_ignore_is(each, rule->name))
			return true;
	}
	return false;
}

/*
 * Returns the names in cmig.lint_include or cmig.lint_ignore.  "session" is the
 * setting's value in this session.  If "enforces" is true, the value that
 * applies to cmig.lint_policy is used.
 */
static List *
names_in(const char *name, const char *session, bool enforces)
{
	const char *value = enforces ? cmig_settings_guarded_text(name, session, "cmig.lint_policy") :
	cmig_settings_text(name, session);
	List	   *names = NIL;

	/* the check hook has refused a list that cannot be split */
	if (value)
		(void) SplitIdentifierString(pstrdup(value), ',', &names);
	return names;
}

/*
 * Start a lint call in the current memory context.  If "reads_facts" is true,
 * relations and types are looked up in the live database.  If "enforces" is
 * true, the rule settings that apply to cmig.lint_policy are used.
 * "everything" is as in CmigLint.
 */
static CmigLint *
lint_run_begin(bool reads_facts, bool enforces, bool everything)
{
	CmigLint   *lint = cmig_lint_state_begin(reads_facts, cmig_session_search_path());
	List	   *included = names_in("cmig.lint_include", lint_include, enforces);
	List	   *ignored = everything ? NIL : names_in("cmig.lint_ignore", lint_ignore, enforces);
	const char *small = "cmig.lint_small_table";

	lint->small = 1024 * (int64) (enforces ?
								  cmig_settings_guarded_int(small, lint_small_table,
															"cmig.lint_policy") :
								  cmig_settings_int(small, lint_small_table));

	foreach_ptr(const CmigLintRule, rule, all_rules())
	{
		if ((!(rule->flags & CMIG_LINT_OPT_IN) || names_rule(included, rule)) &&
			!names_rule(ignored, rule))
			lint->rules = lappend(lint->rules, (void *) rule);
	}
	lint->everything = everything;
	return lint;
}

/* Does the rule apply to statements with this node tag? */
static bool
is_about(const CmigLintRule *rule, NodeTag tag)
{
	if (rule->tags[0] == T_Invalid)
		return true;
	for (int i = 0; i < CMIG_LINT_MAX_TAGS && rule->tags[i] != T_Invalid; i++)
		if (rule->tags[i] == tag)
			return true;
	return false;
}

/* Apply the active rules to a statement. */
static void
apply_rules(CmigLint *lint, Node *node)
{
	ListCell   *lc2;

	foreach_ptr(CmigLintRule, each, lint->rules)
	{
		const CmigLintRule *rule = lint->rule = each;

		lint->slow = NULL;
		if (!is_about(rule, nodeTag(node)) ||
			(lint->caller && !(rule->flags & (CMIG_LINT_SLOW | CMIG_LINT_CALLED))))
			continue;
		if (rule->check)
			rule->check(lint, node);
		foreach(lc2, rule->check_action && lint->target ? ((AlterTableStmt *) node)->cmds : NIL)
		{
			AlterTableCmd *command = lfirst_node(AlterTableCmd, lc2);

			if (command->subtype == rule->action)
				rule->check_action(lint, command, foreach_current_index(lc2));
		}
	}
}

/*
 * Apply the active rules to a statement, after those that the functions of
 * pg_cmig run that it calls.
 */
static void
examine(CmigLint *lint, const CmigStatement *statement)
{
	List	   *locks;
	List	   *called;
	List	   *calls;
	bool		runs_code;
	CmigLintTable *target;

	lint->statement = statement;
	cmig_lint_state_begin_statement(lint, statement->raw->stmt);
	locks = lint->locks;
	called = lint->called;
	calls = lint->calls;
	runs_code = lint->runs_code;
	target = lint->target;
	foreach_ptr(CmigStatement, inner, called)
	{
		inner->number = statement->number;
		inner->line = statement->line;
		lint->caller = statement;
		lint->statement = inner;
		cmig_lint_state_begin_statement(lint, inner->raw->stmt);
		apply_rules(lint, inner->raw->stmt);
		lint->locks = NIL;		/* the calling statement takes them */
		cmig_lint_apply(lint, inner->raw->stmt);
	}
	lint->caller = NULL;
	lint->statement = statement;
	lint->locks = locks;
	lint->calls = calls;
	lint->runs_code = runs_code;
	lint->target = target;
	apply_rules(lint, statement->raw->stmt);
}

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

		foreach_ptr(CmigLintIgnore, ignore, ignores)
		{
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
	foreach_ptr(const CmigLintRule, rule, lint->rules)
	{
		if ((rule->check || rule->check_action) && cmig_lint_ignore_is(name, rule->name))
			return false;
	}
	return cmig_lint_rule_find(all_rules(), name) != NULL;
}

/*
 * Report rule names from comments if they have suppressed no finding.  Only a
 * rehearsal shows what code does.
 */
static void
report_unused(CmigLint *lint, List *ignores)
{
	if (ignores == NIL || !list_member_ptr(lint->rules, UNUSED_IGNORE) ||
		(lint->effects == NULL && lint->runs_code))
		return;
	lint->rule = UNUSED_IGNORE;
	foreach_ptr(CmigLintIgnore, ignore, ignores)
	{
		CmigLintFinding *finding;

		if (ignore->used || is_off(lint, ignore->name))
			continue;
		if (ignore->name[0] == '\0')
			finding = cmig_lint_report(lint, NULL, "the comment has no effect: it names no rule");
		else if (cmig_lint_rule_find(all_rules(), ignore->name))
			finding = cmig_lint_report(lint, NULL,
									   "the comment has no effect: rule %s finds nothing here",
									   ignore->name);
		else
			finding = cmig_lint_report(lint, NULL,
									   "the comment has no effect: rule \"%s\" does not exist",
									   ignore->name);
		finding->line = ignore->line;
	}
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
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = cmig_script_error_take();
		lint->rule = SYNTAX_ERROR;
		lint->statement = statement;
		cmig_lint_report(lint, NULL, "%s",
						 error->message)->line = cmig_script_error_line(statement, error);
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

	foreach_ptr(CmigLintDeferred, deferred, lint->deferred)
	{
		if (deferred->whole_plan && !end_of_plan)
			waiting = lappend(waiting, deferred);
		else if (!deferred->finding->dropped && !deferred->holds(lint, deferred))
			deferred->finding->dropped = true;
	}
	list_free(lint->deferred);
	lint->deferred = waiting;
	MemoryContextSwitchTo(old);
}

/* Clear what points into the memory context of a statement. */
static void
end_statement(CmigLint *lint)
{
	lint->statement = lint->caller = NULL;
	lint->target = lint->slow = NULL;
	lint->locks = lint->called = lint->calls = NIL;
}

/* Check the next script.  "revision" is NULL for cmig.lint_sql. */
static void
lint_run_script(CmigLint *lint, const char *revision, const char *script, bool transactional)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	CmigScriptReader *reader = cmig_script_open(script);
	CmigStatement statement = {0};
	bool		has_ignores = cmig_marker_may_be_in(script, "cmig:ignore");
	int			end = 0;		/* end of the previous statement */
	int			end_line = 1;
	int			guc_level = cmig_session_read_quietly();

	lint->revision = revision ? MemoryContextStrdup(lint->context, revision) : NULL;
	lint->transactional = transactional;
	lint->statements = 0;
	lint->runs_code = false;
	cmig_lint_state_begin_revision(lint);
	old = MemoryContextSwitchTo(context);
	while (next_statement(lint, reader, &statement))
	{
		int			first = list_length(lint->findings);
		List	   *ignores = NIL;

		CHECK_FOR_INTERRUPTS();
		lint->statements++;
		lint->statement_number++;
		if (has_ignores)
			ignores = cmig_lint_ignore_read(script, end, statement.offset, end_line);
		examine(lint, &statement);
		cmig_lint_rehearsed_report(lint, first);
		suppress(lint, first, ignores);
		report_unused(lint, ignores);
		cmig_lint_apply(lint, statement.raw->stmt);
		if (has_ignores)
		{
			end = statement.offset + strlen(statement.text);
			end_line = statement.line;
			for (const char *p = statement.text; *p; p++)
				end_line += *p == '\n';
		}
		end_statement(lint);
		MemoryContextReset(context);
		statement.raw = NULL;
	}
	/* comments at the end of the script count as the last statement's */
	lint->statement = &statement;
	if (has_ignores)
		report_unused(lint, cmig_lint_ignore_read(script, end, strlen(script), end_line));
	end_statement(lint);
	finish_deferred(lint, false);
	cmig_lint_state_drop_temporary(lint);
	MemoryContextSwitchTo(old);
	cmig_script_close(reader);
	MemoryContextDelete(context);
	AtEOXact_GUC(false, guc_level);
}

/*
 * Implements cmig.lint_policy, which decides what an upgrade does if
 * cmig.lint finds errors.
 */

/* Say which of the active rules find little, because the live tables are not read. */
static void
report_no_facts(CmigLint *lint)
{
	List	   *names = NIL;

	foreach_ptr(const CmigLintRule, rule, lint->rules)
	{
		if ((rule->flags & CMIG_LINT_FACTS) && !cmig_text_list_has(names, rule->name))
			names = lappend(names, unconstify(char *, rule->name));
	}
	lint->rule = NO_FACTS;
	lint->revision = NULL;
	if (list_member_ptr(lint->rules, NO_FACTS))
		cmig_lint_report(lint, NULL,
						 "the live tables were not read: tables that the plan does not create count as large, and these rules find only what the scripts show: %s",
						 cmig_text_join(names, NULL));
}

/*
 * Report which statements of the current revision, whose first finding has this
 * number, would be safe with cmig.expand.
 */
static void
report_expand(CmigLint *lint, int first)
{
	CmigListing statements;
	int			last = 0;

	lint->rule = PREFER_EXPAND;
	if (lint->expand || cmig_settings_engine() || !list_member_ptr(lint->rules, lint->rule))
		return;
	cmig_listing_init(&statements, CMIG_LISTING_PLAIN);
	for (int i = first; i < list_length(lint->findings); i++)
	{
		const CmigLintFinding *finding = list_nth(lint->findings, i);

		if (finding->dropped || finding->rehearsed || !(finding->rule->flags & CMIG_LINT_EXPAND) ||
			finding->severity == CMIG_LINT_NOTICE ||
			finding->statement == last)
			continue;
		last = finding->statement;
		cmig_listing_add_format(&statements, "%d", last);
	}
	if (statements.count > 0)
		cmig_lint_report(lint, "-- expand: true",
						 "old and new builds can run side by side during the changes of %s %s if the header of the revision has this line and cmig.expand prepares it",
						 statements.count == 1 ? "statement" : "statements",
						 cmig_listing_text(&statements));
}

/*
 * Check a plan's scripts, reading the rows of tables up to a size, and running
 * the scripts on copies if "rehearse" is true; the other arguments are those of
 * lint_run_begin().
 */
static CmigLint *
examine_plan(const CmigSituation *now, const CmigPlan *plan, bool facts, bool enforces,
			 bool everything, int64 probed, bool rehearse)
{
	CmigStepTexts *texts = cmig_step_texts_make(now->graph, plan);
	CmigLint   *lint = lint_run_begin(facts, enforces, everything);
	const CmigExpansion *expansion = facts ? cmig_expansion_read() : NULL;

	lint->probed = probed;
	lint->certain = enforces;
	if (rehearse)
		cmig_lint_rehearse(lint, now, plan, texts);

	/*
	 * cmig.upgrade can run the plan if all revisions are transactional.  If
	 * the policy is enforced, the plan may belong to a stepwise run, which
	 * uses several transactions.
	 */
	lint->one_transaction = !enforces;
	for (int i = 0; i < plan->count; i++)
		lint->one_transaction &= now->graph->nodes[plan->steps[i].node].revision->transactional;
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRunStep *step = cmig_step_texts_get(texts, i);
		int			first = list_length(lint->findings);

		/*
		 * what an expansion has created is gone when its revisions are
		 * applied
		 */
		if (expansion != NULL && cmig_graph_lists(expansion->revisions, step->revision))
		{
			cmig_lint_cascade_contract(lint);
			expansion = NULL;
		}
		lint->expand = step->expand && !cmig_settings_engine();
		lint_run_script(lint, step->revision, step->sql, step->transactional);
		lint->rule = EMPTY_DOWNGRADE;
		if (now->graph->nodes[plan->steps[i].node].revision->reverts_nothing &&
			list_member_ptr(lint->rules, lint->rule))
			cmig_lint_report(lint, "-- cmig:downgrade\n-- there is nothing to revert",
							 "the downgrade section is empty, so a downgrade reverts nothing, and the next upgrade runs the revision again; write the statements or, if there is nothing to revert, a comment");
		report_expand(lint, first);
	}
	finish_deferred(lint, true);
	if (!facts)
		report_no_facts(lint);
	cmig_lint_rehearsed_finish(lint);
	return lint;
}

void
cmig_lint_policy_count(const CmigSituation *now, const CmigPlan *plan, bool enforces, bool rehearse,
					   int *errors, int *warnings)
{
	cmig_lint_count(examine_plan(now, plan, true, enforces, false, 0, rehearse)->findings, errors,
					warnings);
}

void
cmig_lint_count(List *findings, int *errors, int *warnings)
{
	*errors = *warnings = 0;
	foreach_ptr(CmigLintFinding, finding, findings)
	{
		if (finding->dropped || finding->rule == SYNTAX_ERROR || finding->rule == EMPTY_DOWNGRADE)
			continue;
		*errors += finding->severity == CMIG_LINT_ERROR;
		*warnings += finding->severity == CMIG_LINT_WARNING;
	}
}

List *
cmig_lint_findings(const CmigSituation *now, const CmigPlan *plan)
{
	List	   *findings = examine_plan(now, plan, true, true, true, 0, false)->findings;
	List	   *ignored = names_in("cmig.lint_ignore", lint_ignore, true);

	foreach_ptr(CmigLintFinding, finding, findings)
		finding->dropped |= names_rule(ignored, finding->rule);
	return findings;
}

bool
cmig_lint_policy_is_error(void)
{
	return cmig_settings_guard_enum("cmig.lint_policy", lint_policy) == CMIG_GATE_ERROR;
}

void
cmig_lint_policy_enforce(const CmigSituation *now, const CmigPlan *plan, bool rehearse)
{
	CmigGate	policy = cmig_settings_guard_enum("cmig.lint_policy", lint_policy);
	MemoryContext context;
	MemoryContext old;
	CmigLint   *lint;
	CmigListing detail;
	bool		rehearsed = false;	/* has only the rehearsal shown a finding? */

	if (policy == CMIG_GATE_OFF || plan->count == 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	lint = examine_plan(now, plan, true, true, false, 0, rehearse);
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach_ptr(CmigLintFinding, finding, lint->findings)
	{
		CmigRevisionText *text;
		bool		in_file;

		if (finding->dropped || finding->severity != CMIG_LINT_ERROR)
			continue;
		rehearsed |= finding->rehearsed;
		text = cmig_catalog_read_text(finding->revision);
		in_file = text != NULL && text->file_name != NULL;
		cmig_listing_add_format(&detail, "%s, statement %d, line %d%s (%s): %s.", finding->revision,
								finding->statement,
								finding->line + (in_file ? text->file_lines[0] - 1 : 0),
								in_file ? psprintf(" of file \"%s\"", text->file_name) : "",
								finding->rule->name, finding->message);
	}
	if (detail.count > 0)
		ereport(policy == CMIG_GATE_ERROR ? ERROR : WARNING,
				(errcode(ERRCODE_CMIG_LINT),
				 errmsg_plural("lint finds %d error in the scripts of this upgrade",
							   "lint finds %d errors in the scripts of this upgrade", detail.count,
							   detail.count),
				 errdetail_internal("%s", cmig_listing_text(&detail)),
				 cmig_hint("To accept a finding, put a comment \"-- cmig:ignore rule\" before the statement. To see all findings and safer statements: `SELECT * FROM cmig.lint(%s%s)`",
						   plan->target ? plan->target : "'heads'",
						   rehearsed ? ", rehearse => true" : "")));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Implements cmig.lint and cmig.lint_sql, which report what a script's
 * statements would do to a live database.
 *
 * These functions do not execute the statements and do not wait for locks, except
 * that cmig.lint runs the statements on copies if it is asked to rehearse them.
 */

static const char *const severities[] = {"notice", "warning", "error"}; /* by CmigLintSeverity */

PG_FUNCTION_INFO_V1(cmig_lint_1_2);
PG_FUNCTION_INFO_V1(cmig_lint_sql);

/*
 * Return the findings as rows.  If "with_revision" is true, the first column
 * contains the revision.
 */
static void
return_findings(FunctionCallInfo fcinfo, CmigLint *lint, bool with_revision)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig lint row",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	foreach_ptr(CmigLintFinding, finding, lint->findings)
	{
		const char *row[] = {
			finding->revision, finding->statement > 0 ? psprintf("%d", finding->statement) : NULL,
			finding->line > 0 ? psprintf("%d", finding->line) : NULL, finding->rule->name,
			severities[finding->severity], finding->message, finding->fix
		};
		int			first = with_revision ? 0 : 1;

		if (!finding->dropped)
			cmig_result_add_strings(result, lengthof(row) - first, row + first);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

CMIG_READER(cmig_lint_1_2)
{
	CmigNames  *targets = cmig_argument_target(fcinfo, 0);
	bool		facts = cmig_argument_bool(fcinfo, 1, true);
	bool		probe = cmig_argument_bool(fcinfo, 2, false);
	int64		size = !probe ? 0 : PG_ARGISNULL(3) ? PG_INT64_MAX : PG_GETARG_INT64(3);
	bool		rehearse = cmig_argument_bool(fcinfo, 4, false);
	CmigSituation now;
	CmigLint   *lint;

	if (targets->names[0] == NULL)
		targets->names[0] = "heads";
	if (probe && !facts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the rows of tables cannot be read without the tables"),
				 cmig_hint("`SELECT * FROM cmig.lint(probe => true)`")));
	if (rehearse && !facts)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("statements cannot be rehearsed without the tables"),
				 cmig_hint("`SELECT * FROM cmig.lint(rehearse => true)`")));
	InitMaterializedSRF(fcinfo, 0);
	cmig_version_rows_check_snapshot();
	now = cmig_move_read(true);
	lint = examine_plan(&now, cmig_move_plan_upgrade(&now, targets), facts, false, false, size,
						rehearse);
	return_findings(fcinfo, lint, true);
	return (Datum) 0;
}

CMIG_READER(cmig_lint_sql)
{
	char	   *script = cmig_argument_text(fcinfo, 0);
	bool		transactional = cmig_argument_bool(fcinfo, 1, true);
	bool		facts = cmig_argument_bool(fcinfo, 2, true);
	CmigLint   *lint;

	cmig_argument_require(fcinfo, 0, "script", "SELECT * FROM cmig.lint_sql('<script>')");
	InitMaterializedSRF(fcinfo, 0);
	lint = lint_run_begin(facts, false, false);
	lint_run_script(lint, NULL, script, transactional);
	finish_deferred(lint, true);
	return_findings(fcinfo, lint, false);
	return (Datum) 0;
}
