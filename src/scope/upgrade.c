/*
 * upgrade.c
 *	  cmig.upgrade_scopes, cmig.downgrade_scopes, and cmig.plan_scopes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "funcapi.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "audit/audit.h"
#include "base/errors.h"
#include "move/move.h"
#include "scope/internal.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Upgrades or downgrades one scope in the current transaction.
 * ----------------------------------------------------------------
 */

/* Callback: count a step that has run, and pass it on to run->report. */
static void
count_step(CmigDirection direction, const CmigRevision *revision, void *arg)
{
	CmigScopeRun *run = arg;

	run->steps++;
	if (run->report)
		run->report(direction, revision, run->arg);
}

/* Plan the run of a scope.  Raises MG011 if cmig.protect forbids it. */
static CmigPlan *
plan_run(const CmigSituation *now, CmigDirection direction, const char *target)
{
	CmigDowngradeTarget *resolved;
	CmigPlan   *plan;

	if (direction == CMIG_UPGRADE)
		return cmig_move_plan_upgrade(now, cmig_argument_one(pstrdup(target)));
	plan = cmig_move_plan_downgrade(now, target, &resolved);
	cmig_move_require_unprotected(now, plan, resolved->node < 0,
								  resolved->node < 0 ? "a downgrade to base" : "a downgrade", true);
	return plan;
}

void
cmig_scope_run(CmigScopeRun *run)
{
	CmigSituation now;
	CmigPlan   *steps;
	CmigRunPlan plan = {.now = &now,.begins = run->begins,.report = count_step,.arg = run};

	run->steps = 0;
	run->revision = NULL;
	cmig_active_settle();
	now = cmig_move_read(true);
	now.quiet = run->quiet;
	steps = plan_run(&now, run->direction, run->target);
	cmig_move_respect_expansion(&now, steps, false);
	plan.plan = steps;
	PG_TRY();
	{
		cmig_run_plan(&plan);
	}
	PG_CATCH();
	{
		if (plan.index >= 0 && plan.index < plan.plan->count)
			run->revision = cmig_graph_id(now.graph, plan.plan->steps[plan.index].node);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (run->steps == 0)
		return;
	/* make the effects of the steps visible to the following functions */
	CommandCounterIncrement();
	cmig_active_settle();
	if (cmig_stepwise_at_end)
		cmig_stepwise_at_end();
}

/* ----------------------------------------------------------------
 * Implements cmig.upgrade_scopes and cmig.downgrade_scopes, which run many
 * scopes, each in a separate transaction.
 *
 * The first transaction lists the scopes and determines which of them need the
 * run.  Scopes with the same version rows are examined only once.  Then each
 * scope that needs it is upgraded, or downgraded, unless another session holds
 * its run lock, because that session is doing so.  If revisions cannot run in
 * one transaction, the scope is run stepwise.  If several sessions
 * call the procedure at the same time, each of them upgrades some of the
 * scopes.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_upgrade_scopes);
PG_FUNCTION_INFO_V1(cmig_upgrade_scopes_1_2);
PG_FUNCTION_INFO_V1(cmig_downgrade_scopes);
PG_FUNCTION_INFO_V1(cmig_plan_scopes);

/* The arguments and the state of a call. */
typedef struct Upgrade
{
	FunctionCallInfo fcinfo;
	const char *pattern;
	const char *target;
	CmigDirection direction;
	int			max_failures;
	int			first;			/* maximum number of scopes to run */
	CmigNames  *begin_with;		/* scopes that come first */

	List	   *items;			/* of CmigScopeItem *: scopes that need the
								 * run */
	int			next;			/* index of the first one that was not reached */
	const CmigScopeItem *unclear;	/* a scope of which this cannot be
									 * determined because of an error */
	bool		is_clear;		/* is it known of at least one scope? */
	int			current;		/* number of scopes that were already at the
								 * target */
	int			upgraded;		/* or downgraded */
	int			taken;			/* number of scopes that were left to other
								 * sessions */
	int			failed;
	int			refused;		/* number of scopes whose schema is not safe */
	CmigListing done;
	CmigListing failures;		/* with their errors; also refused ones */
	CmigListing left;			/* to other sessions, or to the next call */
	MemoryContext context;		/* reset for each scope */

	/* The following fields describe the scope that is being upgraded. */
	const CmigScopeItem *item;
	bool		is_taken;
	bool		is_partial;		/* has a stepwise run not finished? */
	bool		is_stepwise;
	bool		is_recorded;	/* is the error of a stepwise run in the
								 * journal? */
	TimestampTz started_at;
	CmigScopeRun run;
} Upgrade;

/* Finding the scopes that need an upgrade */

/* The argument of ask(): a scope, and a target. */
typedef struct Question
{
	const char *scope;
	CmigDirection direction;
	const char *target;
	bool		target_only;	/* is only the target checked? */
	bool		is_empty;		/* would the run do nothing? */
} Question;

/*
 * Subtransaction callback: determine whether the run would do nothing, or
 * raise an error if the target is not valid in the scope.
 */
static void
ask(void *arg)
{
	Question   *question = arg;
	int			guc_level = cmig_scope_list_enter(question->scope);
	CmigSituation now = cmig_move_read(!question->target_only);
	CmigNames	none = {0};

	if (question->target_only)
		(void) cmig_target_upgrade(now.graph, cmig_applied_find(now.graph, &none),
								   cmig_argument_one(pstrdup(question->target)));
	else
		question->is_empty = cmig_active_is_settled() &&
			plan_run(&now, question->direction, question->target)->count == 0;
	AtEOXact_GUC(false, guc_level);
}

/*
 * Returns true if the scope needs the run.  Also returns true if this cannot
 * be determined because of an error; the transaction that runs the scope will
 * then raise that error.
 */
static bool
has_work(Upgrade *upgrade, HTAB *cache, const CmigScopeItem *item)
{
	Question	question =
	{.scope = item->name,.direction = upgrade->direction,.target = upgrade->target};
	bool		found;
	int		   *result = cmig_scope_list_result(cache, item, &found);
	MemoryContext old;
	ErrorData  *error;

	if (found)
		return *result != 0;
	old = MemoryContextSwitchTo(upgrade->context);
	error = cmig_subtransaction_try(ask, &question);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	*result = error != NULL || !question.is_empty;
	MemoryContextSwitchTo(old);
	if (error == NULL)
		upgrade->is_clear = true;
	else if (upgrade->unclear == NULL)
		upgrade->unclear = item;
	MemoryContextReset(upgrade->context);
	return *result != 0;
}

/* Returns the list in another order: it begins with these scopes. */
static List *
begin_with(List *all, const CmigNames *names)
{
	for (int i = names->count - 1; i >= 0; i--)
	{
		int			n = 0;

		while (n < list_length(all) &&
			   strcmp(((const CmigScopeItem *) list_nth(all, n))->name, names->names[i]) != 0)
			n++;
		if (n == list_length(all))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("begin_with contains \"%s\", which is not one of the scopes",
							names->names[i])));
		all = lcons(list_nth(all, n), list_delete_nth_cell(list_copy(all), n));
	}
	return all;
}

/* Find the scopes that match the pattern and need the run, at most the first ones. */
static void
find_work(Upgrade *upgrade)
{
	HTAB	   *cache = cmig_scope_list_cache();
	List	   *all = begin_with(cmig_scope_list(upgrade->pattern), upgrade->begin_with);
	Question	question =
	{.scope = "",.direction = upgrade->direction,.target = upgrade->target,.target_only = true};
	ErrorData  *error;

	/*
	 * Raise an error if the target is not valid in any scope, so that the
	 * scopes are not recorded as failed.  The target is checked in the
	 * database.  If it is not valid there, it is also checked in the first
	 * scope, because a revision that replaces others may be ignored in the
	 * database but not in the scope (see graph/graph.h).  The validity of a
	 * relative target depends on the scope, and so does that of a downgrade:
	 * it is not valid if it is not valid in any scope.
	 */
	if (all != NIL && upgrade->direction == CMIG_UPGRADE && strchr(upgrade->target, '+') == NULL &&
		(error = cmig_subtransaction_try(ask, &question)) != NULL)
	{
		if (cmig_subtransaction_must_rethrow(error))
			ReThrowError(error);
		question.scope = ((const CmigScopeItem *) linitial(all))->name;
		ask(&question);
	}
	foreach_ptr(CmigScopeItem, item, all)
	{
		CHECK_FOR_INTERRUPTS();
		if (upgrade->direction == CMIG_DOWNGRADE && item->rows[0] == '\0')
			upgrade->current++;
		else if (has_work(upgrade, cache, item))
			upgrade->items = lappend(upgrade->items, item);
		else
			upgrade->current++;
	}
	if (upgrade->direction == CMIG_DOWNGRADE && upgrade->unclear != NULL && !upgrade->is_clear)
	{
		question.scope = upgrade->unclear->name;
		question.target_only = false;
		ask(&question);
	}
	if (all == NIL)
		ereport(NOTICE,
				(errmsg("no schema that can be a scope matches \"%s\"", upgrade->pattern),
				 errhint("Specify a LIKE pattern, such as tenant\\_%%.")));
}

/*
 * One scope
 */

/*
 * Attempt callback: run the scope, unless another session is running it.
 */
static void
upgrade_scope(void *arg)
{
	Upgrade    *upgrade = arg;

	MemoryContextSwitchTo(upgrade->context);
	cmig_runner_begin();
	cmig_settings_set("cmig.scope", upgrade->item->name, PGC_USERSET, GUC_ACTION_LOCAL);
	upgrade->is_taken = !cmig_run_lock_try();
	if (upgrade->is_taken)
		return;
	cmig_toplevel_snapshot();
	cmig_version_rows_check_snapshot();
	upgrade->is_partial = cmig_progress_read() != NIL;
	if (!upgrade->is_partial)
		cmig_scope_run(&upgrade->run);
}

/*
 * Run the scope stepwise.  Returns the error, or NULL.  If another session has
 * begun to do so, the scope is left to it.
 */
static ErrorData *
run_stepwise(Upgrade *upgrade)
{
	MemoryContext caller = CurrentMemoryContext;
	char	   *target = unconstify(char *, upgrade->target);
	const CmigNames targets = {1, &target};
	ErrorData  *volatile error = NULL;

	cmig_scope_select(upgrade->item->name);
	PG_TRY();
	{
		upgrade->run.steps = cmig_stepwise_run(upgrade->fcinfo,
											   cmig_direction_name(upgrade->direction), &targets,
											   "stop", NULL, &upgrade->is_recorded);
	}
	PG_CATCH();
	{
		error = cmig_error_take(caller);
		cmig_toplevel_rollback();
	}
	PG_END_TRY();
	cmig_scope_select(NULL);
	upgrade->is_taken = error != NULL && error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE &&
		!upgrade->is_recorded;
	return upgrade->is_taken ? NULL : error;
}

static void
write_failure(Upgrade *upgrade, const ErrorData *error)
{
	CmigJournalEntry entry =
	{.revision = upgrade->run.revision,.direction = cmig_direction_name(upgrade->direction),.started_at = upgrade->started_at,.statement = cmig_running.statement};

	cmig_listing_add_format(&upgrade->failures, "failed: %s: %s",
							quote_identifier(upgrade->item->name), error->message);
	if (!upgrade->is_recorded)
		cmig_toplevel_record_failure(upgrade->item->name, 0, &entry, error);
}

/*
 * Handle an error in a scope: raise it if more than max_failures scopes have
 * failed or if it must end the call; otherwise, turn it into a warning.
 */
static void
handle_failure(Upgrade *upgrade, ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
	const char *verb = cmig_direction_name(upgrade->direction);
	char	   *detail = error->detail;
	char	   *place;

	upgrade->failed++;
	write_failure(upgrade, error);
	if (upgrade->failed > upgrade->max_failures ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_INTERNAL_ERROR))
	{
		error->context = psprintf("%s%spg_cmig: %s of scope \"%s\"",
								  error->context ? error->context : "",
								  error->context ? "\n" : "", verb, upgrade->item->name);
		/* after the call, the scope is no longer selected */
		if (error->hint && upgrade->is_stepwise)
			error->hint = psprintf("%s In this scope: %s", error->hint,
								   cmig_hint_text(psprintf("`SET cmig.scope = %s; CALL cmig.%s_stepwise(%s)`",
														   quote_literal_cstr(upgrade->item->name), verb,
														   quote_literal_cstr(upgrade->target))));
		else if (error->hint &&
				 (strncmp(error->hint, "CALL ", 5) == 0 || strncmp(error->hint, "SELECT ", 7) == 0))
			error->hint = psprintf("SET cmig.scope = %s; %s",
								   quote_literal_cstr(upgrade->item->name), error->hint);
		else if (error->hint == NULL && upgrade->max_failures == 0)
			error->hint = cmig_hint_text(psprintf("Scopes that were %sd before remain %sd. After fixing the cause, repeat the `CALL`. To continue with other scopes after a failure, use `max_failures`.", verb, verb));
		ReThrowError(error);
	}
	place = cmig_script_run_place(error);
	if (*place != '\0')
		detail = detail ? psprintf("%s\n%s", detail, place) : place;
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("%s of scope \"%s\" failed: %s", verb, upgrade->item->name, error->message),
			 detail ? errdetail_internal("%s", detail) : 0));
}

/* Upgrade or downgrade the scope upgrade->item, and handle any error. */
static void
process(Upgrade *upgrade)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;
	char	   *what = MemoryContextAlloc(upgrade->context, NAMEDATALEN + 32);

	snprintf(what, NAMEDATALEN + 32, "%s of scope \"%s\"", cmig_direction_name(upgrade->direction),
			 upgrade->item->name);
	upgrade->started_at = GetCurrentTimestamp();
	upgrade->run.begins = upgrade->upgraded == 0;
	upgrade->run.steps = 0;
	upgrade->run.revision = NULL;
	upgrade->is_partial = upgrade->is_recorded = false;
	PG_TRY();
	{
		cmig_toplevel_attempt(upgrade_scope, NULL, upgrade, what);
	}
	PG_CATCH();
	{
		error = cmig_error_take(caller);
	}
	PG_END_TRY();
	upgrade->is_stepwise = upgrade->is_partial ||
		(error != NULL && error->sqlerrcode == ERRCODE_CMIG_NEEDS_STEPWISE);
	if (upgrade->is_stepwise)
		error = run_stepwise(upgrade);

	/*
	 * A schema that is not safe does not end the call: nothing was run in the
	 * scope, and the owner of one schema must not be able to stop the upgrade
	 * of all scopes.
	 */
	if (error != NULL && cmig_scope_is_refusal(error))
	{
		upgrade->refused++;
		write_failure(upgrade, error);
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("scope \"%s\" was not %sd: %s", upgrade->item->name,
						cmig_direction_name(upgrade->direction), error->message),
				 cmig_error_detail(error),
				 error->hint ? errhint("%s", error->hint) : 0));
	}
	else if (error != NULL)
		handle_failure(upgrade, error);
	else if (upgrade->is_taken)
	{
		upgrade->taken++;
		cmig_listing_add(&upgrade->left, quote_identifier(upgrade->item->name));
	}
	else if (upgrade->run.steps == 0)
		upgrade->current++;
	else
	{
		upgrade->upgraded++;
		cmig_listing_add(&upgrade->done, quote_identifier(upgrade->item->name));
		ereport(NOTICE,
				(errmsg_plural("%sd scope \"%s\": %d revision", "%sd scope \"%s\": %d revisions",
							   upgrade->run.steps, cmig_direction_name(upgrade->direction),
							   upgrade->item->name, upgrade->run.steps)));
	}
	MemoryContextReset(upgrade->context);
}

/*
 * Report how many scopes were run, have failed, and are left to another call or
 * session.  Unless all are at the target, also report the first ones of each.
 */
static void
report(Upgrade *upgrade)
{
	const char *verb = cmig_direction_name(upgrade->direction);
	int			later = list_length(upgrade->items) - upgrade->next;
	CmigListing detail;

	for (int i = upgrade->next; i < list_length(upgrade->items); i++)
		cmig_listing_add(&upgrade->left,
						 quote_identifier(((const CmigScopeItem *) list_nth(upgrade->items, i))->name));
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	if (upgrade->done.count > 0)
		cmig_listing_add_format(&detail, "%sd: %s", verb, cmig_listing_text(&upgrade->done));
	if (upgrade->failures.count > 0)
		cmig_listing_add(&detail, cmig_listing_text(&upgrade->failures));
	if (upgrade->left.count > 0)
		cmig_listing_add_format(&detail, "left: %s", cmig_listing_text(&upgrade->left));
	ereport(NOTICE,
			(errmsg("scopes: %d %sd, %d already %s, %d failed%s, %d left to other sessions%s",
					upgrade->upgraded, verb, upgrade->current,
					upgrade->direction == CMIG_UPGRADE ? "up to date" : "at the target",
					upgrade->failed,
					upgrade->refused > 0 ? psprintf(", %d refused", upgrade->refused) : "",
					upgrade->taken,
					later > 0 ? psprintf(", %d left to the next call", later) : ""),
			 upgrade->failures.count + upgrade->left.count == 0 ? 0 :
			 errdetail_internal("%s", cmig_listing_text(&detail)),
			 upgrade->failures.count == 0 ? 0 :
			 cmig_hint("`SELECT * FROM cmig.scopes() WHERE failed IS NOT NULL`")));
}

/* Find the scopes that need the run, run each of them, and report. */
static void
upgrade_all(Upgrade *upgrade)
{
	MemoryContext context = CurrentMemoryContext;

	cmig_listing_init(&upgrade->done, CMIG_LISTING_PLAIN);
	cmig_listing_init(&upgrade->failures, CMIG_LISTING_LINES);
	cmig_listing_init(&upgrade->left, CMIG_LISTING_PLAIN);
	cmig_extension_hold();
	cmig_run_limit_start();
	cmig_toplevel_snapshot();
	find_work(upgrade);
	cmig_toplevel_commit();
	PG_TRY();
	{
		while (upgrade->next < Min(list_length(upgrade->items), upgrade->first))
		{
			CHECK_FOR_INTERRUPTS();
			cmig_run_limit_check();
			upgrade->item = list_nth(upgrade->items, upgrade->next++);
			process(upgrade);
		}
	}
	PG_FINALLY();
	{
		MemoryContextSwitchTo(context);
		report(upgrade);
	}
	PG_END_TRY();
}

static CmigNames *
begin_with_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? palloc0(sizeof(CmigNames)) :
		cmig_argument_names(PG_GETARG_ARRAYTYPE_P(n), "begin_with", NULL);
}

/* In "older" versions, the arguments "first" and "begin_with" do not exist. */
static Datum
run_scopes(FunctionCallInfo fcinfo, CmigDirection direction, bool older)
{
	const char *name = psprintf("cmig.%s_scopes", cmig_direction_name(direction));
	const char *example = direction == CMIG_UPGRADE ? "head" : "-1";
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	const char *relative;
	Upgrade    *upgrade;

	cmig_running_require_idle(psprintf("%s()", name));
	example = psprintf("`CALL %s('tenant\\_%%', '%s')`", name, example);
	cmig_argument_require(fcinfo, 0, "pattern", example);
	cmig_argument_require(fcinfo, 1, "target", example);
	cmig_toplevel_require(fcinfo, name);
	cmig_session_require_member();
	cmig_require_writable(name);
	cmig_citus_require_coordinator(name);

	context = cmig_toplevel_context("pg_cmig upgrade of scopes");
	MemoryContextSwitchTo(context);
	upgrade = palloc0(sizeof(Upgrade));
	upgrade->fcinfo = fcinfo;
	upgrade->pattern = cmig_argument_text(fcinfo, 0);
	upgrade->target = cmig_argument_text(fcinfo, 1);
	upgrade->direction = upgrade->run.direction = direction;
	upgrade->max_failures = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);
	upgrade->first = older || PG_ARGISNULL(3) ? INT_MAX : PG_GETARG_INT32(3);
	upgrade->begin_with = older ? palloc0(sizeof(CmigNames)) : begin_with_argument(fcinfo, 4);
	upgrade->run.target = upgrade->target;
	upgrade->run.quiet = true;
	upgrade->context = AllocSetContextCreate(context, "pg_cmig scope", ALLOCSET_DEFAULT_SIZES);
	if (upgrade->max_failures < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_failures must not be negative")));
	if (upgrade->first < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("first must be at least 1")));
	relative = strchr(upgrade->target, '@') ? strchr(upgrade->target, '@') + 1 : upgrade->target;
	if (upgrade->first < INT_MAX && (*relative == '-' || *relative == '+'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("first cannot be used with the relative target \"%s\"", upgrade->target),
				 errdetail("The next call would begin with the same scopes again."),
				 cmig_hint("Name the revision: `SELECT * FROM cmig.history()` lists them.")));
	cmig_toplevel_commit();
	PG_TRY();
	{
		upgrade_all(upgrade);
	}
	PG_FINALLY();
	{
		cmig_extension_release();
	}
	PG_END_TRY();
	EnsurePortalSnapshotExists();
	if (upgrade->upgraded > 0 && direction == CMIG_UPGRADE)
		cmig_audit_retain_after_upgrade();
	if (upgrade->refused > 0)
		cmig_toplevel_commit();
	/* unsafe schemas count as failures, but do not end the call earlier */
	if (upgrade->refused > 0 && upgrade->failed + upgrade->refused > upgrade->max_failures)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg_plural("%d scope was not %sd because its schema is not safe",
							   "%d scopes were not %sd because their schemas are not safe",
							   upgrade->refused, upgrade->refused, cmig_direction_name(direction)),
				 errdetail("The other scopes are not affected."),
				 cmig_hint("`SELECT scope, failed FROM cmig.scopes() WHERE failed IS NOT NULL`")));
	EnsurePortalSnapshotExists();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}

/* version 1.1 */
Datum
cmig_upgrade_scopes(PG_FUNCTION_ARGS)
{
	return run_scopes(fcinfo, CMIG_UPGRADE, true);
}

Datum
cmig_upgrade_scopes_1_2(PG_FUNCTION_ARGS)
{
	return run_scopes(fcinfo, CMIG_UPGRADE, false);
}

Datum
cmig_downgrade_scopes(PG_FUNCTION_ARGS)
{
	return run_scopes(fcinfo, CMIG_DOWNGRADE, false);
}

/* The scopes that one of the calls would run, in this order. */
Datum
cmig_plan_scopes(PG_FUNCTION_ARGS)
{
	Upgrade		upgrade = {.direction = cmig_argument_direction(fcinfo, "SELECT * FROM cmig.plan_scopes")};
	const char *example = psprintf("SELECT * FROM cmig.plan_scopes('%s', '%s', 'tenant\\_%%')",
								   cmig_direction_name(upgrade.direction),
								   upgrade.direction == CMIG_UPGRADE ? "head" : "-1");

	cmig_argument_require(fcinfo, 1, "target", example);
	cmig_argument_require(fcinfo, 2, "pattern", example);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	upgrade.target = cmig_argument_text(fcinfo, 1);
	upgrade.pattern = cmig_argument_text(fcinfo, 2);
	upgrade.begin_with = begin_with_argument(fcinfo, 3);
	upgrade.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig scope",
											ALLOCSET_DEFAULT_SIZES);
	find_work(&upgrade);
	foreach_ptr(const CmigScopeItem, item, upgrade.items)
		cmig_result_add_text(fcinfo, item->name);
	return (Datum) 0;
}
