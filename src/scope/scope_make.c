/*
 * scope_make.c
 *	  Implements cmig.create_scope and cmig.drop_scope, which create and drop
 *	  the schema of a scope.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"
#include "audit/audit_retain.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "run/running.h"
#include "run/scope.h"
#include "run/session.h"
#include "scope/scope_copy.h"
#include "scope/scope_run.h"
#include "tables/backfill_run.h"
#include "tables/change.h"
#include "tables/journal.h"
#include "tables/journal_read.h"
#include "tables/progress.h"
#include "tables/version_rows.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(cmig_create_scope);
PG_FUNCTION_INFO_V1(cmig_drop_scope);

/* Raise error 22023 if a schema with this name cannot be a scope. */
static void
require_possible(const char *name)
{
	const char *reason = cmig_scope_reserved(name);

	if (name[0] == '\0')
		reason = "Its name is empty.";
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schema \"%s\" cannot be a scope", name),
				 errdetail("%s", reason)));
}

/*
 * Returns argument 0, the name of a scope.  "call" is the correct call, for
 * the hint.  Raises error 22004 if the name is null, and 22023 if it cannot be
 * a scope.
 */
static char *
scope_argument(FunctionCallInfo fcinfo, const char *call)
{
	char	   *name;

	cmig_argument_require(fcinfo, 0, "scope", call);
	name = cmig_argument_text(fcinfo, 0);
	require_possible(name);
	return name;
}

/*
 * Returns argument 2 of cmig.create_scope, the scope to copy, or NULL if the
 * argument is null.  Raises an error if there is no such schema.
 */
static char *
copy_argument(FunctionCallInfo fcinfo)
{
	char	   *name = cmig_argument_text(fcinfo, 2);

	if (name == NULL)
		return NULL;
	require_possible(name);
	if (!OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name),
				 errdetail("copy_of must name an existing scope."),
				 errhint("To see the scopes: SELECT scope, current FROM cmig.scopes()")));
	return name;
}

/* Run a CREATE SCHEMA or DROP SCHEMA command. */
static void
run_command(const char *sql)
{
	(void) cmig_query_once(sql, 0, NULL, NULL, NULL, true, NULL, NULL);
	CommandCounterIncrement();
}

/*
 * Delete everything that is recorded about the current scope, except for the
 * journal, and record the deletion in the journal.  The scope's schema no
 * longer exists.
 */
static void
forget_scope(void)
{
	CmigJournalEntry entry = {.revision = "base",.direction = "downgrade",.outcome = "done"};

	cmig_version_rows_clear();
	(void) cmig_progress_clear_all();
	(void) cmig_backfill_run_settle_all();
	entry.started_at = entry.finished_at = GetCurrentTimestamp();
	entry.message = "the schema was dropped";
	cmig_journal_write(&entry);
}

/* Callback: add a step of the upgrade to the result of the SQL function. */
static void
add_step(CmigDirection direction, const CmigRevision *revision, void *arg)
{
	ReturnSetInfo *result = arg;
	Datum		values[2];
	bool		nulls[2] = {0};

	values[0] = CStringGetTextDatum(revision->id);
	values[1] = CStringGetTextDatum(revision->message);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Create the schema of a scope, owned by the role that runs scripts. */
static void
create_schema(const char *name)
{
	if (OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" already exists", name),
				 errhint("To upgrade it: SET cmig.scope = %s; SELECT * FROM cmig.upgrade('head')",
						 quote_literal_cstr(name))));
	cmig_session_require_member();
	run_command(psprintf("CREATE SCHEMA %s AUTHORIZATION %s", quote_identifier(name),
						 quote_identifier(cmig_session_role())));
}

/*
 * Error context callback: if the error is that a revision needs a stepwise
 * run, add a hint that says how to create the scope that way.  The argument is
 * the target of the upgrade.
 */
static void
explain_stepwise(void *target)
{
	const char *name = cmig_scope_current();

	if (geterrcode() == ERRCODE_CMIG_NEEDS_STEPWISE)
		errhint("To create the scope in steps: CREATE SCHEMA %s; SET cmig.scope = %s; CALL cmig.upgrade_stepwise(%s)",
				quote_identifier(name), quote_literal_cstr(name), quote_literal_cstr(target));
}

Datum
cmig_create_scope(PG_FUNCTION_ARGS)
{
	CmigScopeRun run = {.report = add_step,.begins = true};
	ErrorContextCallback callback = {.callback = explain_stepwise,.previous = error_context_stack};
	char	   *copy_of;
	CmigNames  *copied = NULL;
	char	   *name;
	int			guc_level;

	InitMaterializedSRF(fcinfo, 0);
	cmig_running_require_idle("cmig.create_scope()");
	name = scope_argument(fcinfo, "SELECT * FROM cmig.create_scope('<schema>')");
	cmig_argument_require(fcinfo, 1, "target", "SELECT * FROM cmig.create_scope('<schema>', 'head')");
	run.target = cmig_argument_text(fcinfo, 1);
	run.arg = fcinfo->resultinfo;
	cmig_citus_require_coordinator("cmig.create_scope()");

	copy_of = copy_argument(fcinfo);
	if (copy_of != NULL)
		copied = cmig_scope_copy_begin(copy_of);
	create_schema(name);
	guc_level = NewGUCNestLevel();
	cmig_settings_override("cmig.scope", name);
	cmig_change_begin("cmig.create_scope()");
	if (cmig_version_rows_read()->count > 0)
		forget_scope();
	if (copied != NULL)
		cmig_scope_copy(copy_of, copied);
	callback.arg = unconstify(char *, run.target);
	error_context_stack = &callback;
	cmig_scope_run(&run);
	error_context_stack = callback.previous;
	AtEOXact_GUC(false, guc_level);
	cmig_audit_retain_after_upgrade();
	return (Datum) 0;
}

/* Raise an error unless cmig.protect allows a scope to be dropped. */
static void
require_unprotected(const char *name)
{
	if (cmig_settings_protect() == CMIG_PROTECT_OFF)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("dropping scope \"%s\" is not allowed", name),
			 errdetail("cmig.protect is %s; all data in the schema would be lost.",
					   cmig_settings_protect_name()),
			 errhint("%s", cmig_settings_unprotect_hint(false))));
}

/*
 * Does the journal show that the schema is a scope?  It does if it has rows
 * for the current scope, and the last one was not written by forget_scope(),
 * which records a downgrade to base.
 */
static bool
is_recorded(void)
{
	CmigJournalEntry last;

	return cmig_journal_read_last(&last) &&
		(strcmp(last.revision, "base") != 0 || strcmp(last.direction, "downgrade") != 0);
}

/* Raise error 55000 if nothing is recorded about the schema as a scope. */
static void
require_scope(const char *name)
{
	if (cmig_version_rows_read()->count > 0 || is_recorded())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("schema \"%s\" is not a scope", name),
			 errdetail("No revision has been run in it with cmig.scope."),
			 errhint("To drop the schema anyway: DROP SCHEMA %s CASCADE", quote_identifier(name))));
}

Datum
cmig_drop_scope(PG_FUNCTION_ARGS)
{
	char	   *name = scope_argument(fcinfo, "SELECT cmig.drop_scope('<schema>', confirm => '<schema>')");
	char	   *confirm = cmig_argument_text(fcinfo, 1);
	int			guc_level;

	if (confirm == NULL || strcmp(confirm, name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("drop_scope must be confirmed with the name of the scope"),
				 errdetail("It drops the schema with everything in it."),
				 errhint("SELECT cmig.drop_scope(%s, confirm => %s)", quote_literal_cstr(name),
						 quote_literal_cstr(name))));
	cmig_running_require_idle("cmig.drop_scope()");
	require_unprotected(name);
	guc_level = NewGUCNestLevel();
	cmig_settings_override("cmig.scope", name);
	cmig_run_lock_transaction("cmig.drop_scope()");
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_version_rows_check_snapshot();
	if (OidIsValid(get_namespace_oid(name, true)))
	{
		require_scope(name);
		run_command(psprintf("DROP SCHEMA %s CASCADE", quote_identifier(name)));
	}
	else if (!is_recorded())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name)));
	forget_scope();
	AtEOXact_GUC(false, guc_level);
	PG_RETURN_VOID();
}
