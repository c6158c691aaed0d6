/*
 * script_check.c
 *	  Finds scripts that cannot run, and applied revisions whose scripts have
 *	  changed, for cmig.check.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "parse/script.h"
#include "parse/text_check.h"
#include "report/problem.h"
#include "report/script_check.h"
#include "run/placeholder_values.h"
#include "run/running.h"
#include "run/session.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* The state of a pass over all scripts. */
typedef struct TextCheck
{
	const CmigView *view;
	List	   *problems;
	MemoryContext context;		/* memory context of the list of problems */
	bool		has_gaps;		/* true if a placeholder could not be replaced */
} TextCheck;

/* Report an applied revision whose script differs from the one that was run. */
static void
compare_with_journal(const CmigRevisionText *text, TextCheck *check)
{
	char	   *recorded = cmig_journal_read_checksum(text->edges.id);
	MemoryContext old;

	if (recorded == NULL ||
		strcmp(recorded, cmig_script_checksum(text->upgrade_sql, text->edges.transactional)) == 0)
		return;

	old = MemoryContextSwitchTo(check->context);
	check->problems =
		cmig_problem_add(check->problems, "warning", pstrdup(text->edges.id),
						 "its upgrade script or transactional flag is not the one that was applied in this database",
						 psprintf("SELECT cmig.repair(%s) -- accepts this script; otherwise, load the one that was applied",
								  quote_literal_cstr(text->edges.id)));
	MemoryContextSwitchTo(old);
}

/*
 * Replace the placeholders in a script.  If a placeholder has no value, sets
 * *missing to its name.  An error is not thrown but returned in *error.
 */
static const char *
try_values(const CmigRevisionText *text, const char *what, const char *sql, const char **missing, ErrorData **error)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *volatile result = NULL;

	*error = NULL;
	*missing = NULL;
	PG_TRY();
	{
		result = cmig_placeholder_values_try(sql, &text->placeholders, text->edges.id, what, missing);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

/*
 * Returns a script with its placeholders replaced.  If that fails, reports the
 * error or the placeholder without a value, and returns NULL.
 */
static const char *
with_values(const CmigRevisionText *text, const char *what, const char *sql, TextCheck *check)
{
	const char *missing;
	ErrorData  *error;
	MemoryContext old;

	if (text->placeholders.count == 0)
		return sql;
	sql = try_values(text, what, sql, &missing, &error);
	old = MemoryContextSwitchTo(check->context);
	if (error != NULL)
		check->problems = cmig_problem_add(check->problems, "error", pstrdup(text->edges.id),
										   pstrdup(error->message), error->hint ? pstrdup(error->hint) : NULL);
	else if (missing != NULL)
		check->problems = cmig_problem_add(check->problems, "warning", pstrdup(text->edges.id),
										   psprintf("placeholder \"%s\" of its %s script has no value in this session", missing, what),
										   psprintf("SET cmig_var.%s = '<value>'", missing));
	check->has_gaps |= error != NULL || missing != NULL;
	MemoryContextSwitchTo(old);
	return sql;
}

/* Report a script that cannot run.  If "sql" is NULL, there is no script. */
static void
check_script(const CmigRevisionText *text, const char *what, const char *sql,
			 const char *severity, TextCheck *check)
{
	MemoryContext old;
	CmigTextProblem *problem;

	if (sql == NULL)
		return;
	sql = with_values(text, what, sql, check);
	if (sql == NULL)
		return;
	problem = cmig_text_check(what, sql, text->edges.transactional,
							  !cmig_running_concurrent_ddl());
	if (problem == NULL)
		return;
	old = MemoryContextSwitchTo(check->context);
	check->problems = cmig_problem_add(check->problems, severity, pstrdup(text->edges.id),
									   pstrdup(problem->problem), pstrdup(problem->fix));
	MemoryContextSwitchTo(old);
}

/* Check the scripts of one revision. */
static void
check_text(const CmigRevisionText *text, void *arg)
{
	TextCheck  *check = arg;
	int			node = cmig_graph_find_id(check->view->graph, text->edges.id);

	CHECK_FOR_INTERRUPTS();
	if (node < 0 && !text->edges.repeatable)
		return;
	if (node >= 0 && check->view->applied->applied->set[node])
		compare_with_journal(text, check);
	else
	{
		check_script(text, "upgrade", text->upgrade_sql, "error", check);
		check_script(text, "verify", text->verify_sql, "error", check);
	}
	check_script(text, "downgrade", text->downgrade_sql, "warning", check);
}

List *
cmig_script_check_add_problems(const CmigView *view, List *problems, bool *has_gaps)
{
	TextCheck	check = {view, problems, CurrentMemoryContext};
	int			guc_level = cmig_session_read_quietly();

	cmig_settings_override("standard_conforming_strings", "on");
	cmig_catalog_each_text(check_text, &check);
	AtEOXact_GUC(false, guc_level);
	*has_gaps = check.has_gaps;
	return check.problems;
}
