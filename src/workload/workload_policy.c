/*
 * workload_policy.c
 *	  cmig.workload_policy: what an upgrade does if queries of the application
 *	  break.
 *
 * The queries are those that pg_stat_statements has counted and those that were
 * saved.  One that cannot be judged does not stop an upgrade, but revisions that
 * cannot be rehearsed do.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <math.h>

#include "base/errors.h"
#include "workload/internal.h"

static int	workload_policy = CMIG_GATE_OFF;
static int	workload_min_calls = 1;

void
cmig_workload_policy_init(void)
{
	DefineCustomEnumVariable(cmig_settings_name("cmig.workload_policy"),
							 "Sets what an upgrade does if queries of the application break: off, warn, or error.",
							 NULL, &workload_policy, CMIG_GATE_OFF, cmig_gate_options, PGC_USERSET,
							 0, NULL, NULL, NULL);
	DefineCustomIntVariable(cmig_settings_name("cmig.workload_min_calls"),
							"Sets how often a day a query must be called for cmig.workload_policy to apply to it.",
							NULL, &workload_min_calls, 1, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL,
							NULL);
}

/*
 * Returns the query.  Without a search_path of its role, its names mean what they
 * mean in scripts.
 */
static CmigWorkloadQuery *
in_scripts(CmigWorkloadQuery *query)
{
	query->settings = lcons(cmig_workload_setting("search_path", cmig_session_search_path()),
							query->settings);
	return query;
}

/* Returns the queries that are called often enough. */
static List *
read_queries(CmigGate policy)
{
	List	   *all = cmig_workload_known(policy == CMIG_GATE_ERROR);
	int			least = cmig_settings_guarded_int("cmig.workload_min_calls", workload_min_calls,
												  "cmig.workload_policy");
	List	   *queries = NIL;

	if (all == NIL)
		ereport(WARNING,
				(errcode(ERRCODE_CMIG_WORKLOAD),
				 errmsg("no query of the application is known, so none was judged"),
				 errhint("%s", cmig_statements_create())));
	foreach_ptr(CmigWorkloadQuery, query, all)
	{
		if (query->daily >= least)
			queries = lappend(queries, in_scripts(query));
	}
	return queries;
}

/* Describe a query that breaks. */
static char *
describe(const CmigWorkloadQuery *query)
{
	return psprintf("%s (%s%s%s): %s.",
					cmig_text_shortened(cmig_text_one_line(pstrdup(query->text)), 200),
					isinf(query->daily) ? psprintf("calls: %s", query->calls) :
					psprintf(query->daily < 10 ? "calls a day: %.1f" : "calls a day: %.0f",
							 query->daily),
					query->role ? ", role: " : "", query->role ? quote_identifier(query->role) : "",
					query->detail);
}

/* Returns the call that judges the query and others. */
static char *
call_for(const CmigPlan *plan, const CmigWorkloadQuery *query)
{
	return psprintf("cmig.workload_check(%s%s%s)", plan->target ? plan->target : "'heads'",
					query->workload ? ", workload => " : "",
					query->workload ? quote_literal_cstr(query->workload) : "");
}

static void
judge(const CmigSituation *now, const CmigPlan *plan, CmigGate policy, CmigBeforeUpgrade kind)
{
	List	   *queries = read_queries(policy);
	CmigObstacle obstacle = {0};
	List	   *judged = queries ?
	cmig_workload_judge(now, plan, queries, NULL, "cmig.workload_policy", &obstacle) : NIL;
	const CmigWorkloadQuery *worst = NULL;
	const CmigWorkloadQuery *unjudged = NULL;
	int			count = 0;
	CmigListing detail;

	if (obstacle.reason != NULL)
	{
		bool		stops = policy == CMIG_GATE_ERROR && kind != CMIG_BEFORE_EXPAND &&
		!obstacle.harmless;

		ereport(stops ? ERROR : WARNING,
				(errcode(ERRCODE_CMIG_WORKLOAD),
				 errmsg("the queries of the application were not judged: %s", obstacle.reason),
				 stops ? cmig_hint("Try again. To upgrade nevertheless: `SET cmig.workload_policy = warn`") : 0));
	}
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach_ptr(const CmigWorkloadQuery, query, judged)
	{
		if (query->verdict == CMIG_BREAKS)
		{
			worst = worst ? worst : query;
			cmig_listing_add(&detail, describe(query));
		}
		else if (query->verdict == CMIG_NOT_JUDGED && obstacle.reason == NULL &&
				 !cmig_workload_is_utility(query) && count++ == 0)
			unjudged = query;
	}
	if (unjudged != NULL)
		ereport(NOTICE,
				(errmsg_plural("%d query of the application was not judged",
							   "%d queries of the application were not judged", count, count),
				 cmig_hint("`SELECT * FROM %s WHERE verdict = 'not_judged'`",
						   call_for(plan, unjudged))));
	if (worst == NULL)
		return;
	/* the tables keep the shape of the old version until cmig.contract */
	ereport(policy == CMIG_GATE_ERROR && kind != CMIG_BEFORE_EXPAND ? ERROR : WARNING,
			(errcode(ERRCODE_CMIG_WORKLOAD),
			 errmsg_plural(kind == CMIG_BEFORE_EXPAND ?
						   "%d query of the application breaks with cmig.contract" :
						   "%d query of the application breaks with this upgrade",
						   kind == CMIG_BEFORE_EXPAND ?
						   "%d queries of the application break with cmig.contract" :
						   "%d queries of the application break with this upgrade",
						   detail.count, detail.count),
			 errdetail_internal("%s", cmig_listing_text(&detail)),
			 cmig_hint("To see all: `SELECT * FROM %s`%s", call_for(plan, worst),
					   policy == CMIG_GATE_ERROR &&
					   kind != CMIG_BEFORE_EXPAND ?
					   ". To upgrade nevertheless: `SET cmig.workload_policy = warn`" :
					   "")));
}

CmigOldCalls
cmig_workload_old_calls(const CmigSituation *now, const CmigPlan *plan,
						const CmigExpansion *expansion)
{
	CmigExpansionCount count = cmig_expansion_counted(expansion);
	CmigOldCalls result = {.since = count.since,.unknown = count.why};
	int			least = cmig_settings_guarded_int("cmig.workload_min_calls", workload_min_calls,
												  "cmig.workload_policy");
	List	   *queries = NIL;
	List	   *roles = NIL;
	CmigObstacle obstacle;
	CmigListing callers;
	CmigListing detail;

	foreach_ptr(CmigWorkloadQuery, query, count.calls ? cmig_workload_counted(&count) : NIL)
	{
		if (query->unknown != NULL)
			result.unknown = query->unknown;
		else if (query->recent > 0)
			queries = lappend(queries, in_scripts(query));
		query->daily = query->recent / Max(count.days, 1);
	}
	if (queries == NIL)
		return result;
	queries = cmig_workload_judge(now, plan, queries, NULL, "cmig.workload_policy", &obstacle);
	if (obstacle.reason != NULL)
		result.unknown = obstacle.reason;
	cmig_listing_init(&callers, CMIG_LISTING_PLAIN);
	cmig_listing_init(&detail, CMIG_LISTING_LINES);
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		if (query->verdict != CMIG_BREAKS)
			break;
		result.calls += query->recent;
		if (query->role != NULL && !cmig_text_list_has(roles, query->role))
		{
			roles = lappend(roles, query->role);
			cmig_listing_add(&callers, quote_identifier(query->role));
		}
		if (query->daily >= least)
			cmig_listing_add(&detail, describe(query));
	}
	result.callers = cmig_listing_text(&callers);
	result.count = detail.count;
	result.detail = cmig_listing_text(&detail);
	return result;
}

/* Before a contraction, with which the old version goes. */
static void
judge_contraction(const CmigSituation *now, const CmigPlan *plan, CmigGate policy)
{
	const CmigExpansion *expansion = cmig_expansion_read();
	CmigOldCalls old = cmig_workload_old_calls(now, plan, expansion);
	bool		stops = policy == CMIG_GATE_ERROR;
	const char *anyway = stops ? ". To contract nevertheless: `SET cmig.workload_policy = warn`" :
	"";
	const char *expand = psprintf("%sCALL cmig.expand(%s)",
								  cmig_scope_is_set() ?
								  psprintf("SET cmig.scope = %s; ",
										   quote_literal_cstr(cmig_scope_current())) : "",
								  quote_literal_cstr(cmig_graph_id(now->graph,
																   plan->steps[plan->count - 1].node)));

	if (old.count > 0)
		ereport(stops ? ERROR : WARNING,
				(errcode(ERRCODE_CMIG_WORKLOAD),
				 errmsg_plural("%d query that breaks with cmig.contract was called since %s",
							   "%d queries that break with cmig.contract were called since %s",
							   old.count, old.count, old.since),
				 errdetail_internal("%s", old.detail),
				 cmig_hint("To count again, when no old build runs any more: `%s`%s", expand,
						   anyway)));
	else if (old.unknown != NULL)
		ereport(stops ? ERROR : WARNING,
				(errcode(ERRCODE_CMIG_WORKLOAD),
				 errmsg("it is not known whether queries that break with cmig.contract are still called: %s", old.unknown),
				 cmig_hint("After fixing the cause, count again: `%s`%s", expand, anyway)));
	else
		ereport(NOTICE,
				(errmsg(old.calls == 0 ?
						"no query that breaks with cmig.contract was called since %s" :
						"queries that break with cmig.contract were called less than cmig.workload_min_calls times a day since %s", old.since)));
}

/* Error context callback: says why an upgrade needs what is missing. */
static void
describe_policy(void *arg)
{
	if (geterrcode() != ERRCODE_CMIG_WORKLOAD)
		errcontext("pg_cmig: cmig.workload_policy");
}

void
cmig_workload_policy_enforce(const CmigSituation *now, const CmigPlan *plan, CmigBeforeUpgrade kind)
{
	CmigGate	policy = cmig_settings_guard_enum("cmig.workload_policy", workload_policy);
	ErrorContextCallback callback = {.previous = error_context_stack,.callback = describe_policy};
	MemoryContext context;
	MemoryContext old;

	if (policy == CMIG_GATE_OFF || plan->count == 0 || kind == CMIG_BEFORE_RESET)
		return;
	error_context_stack = &callback;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig workload",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	if (kind == CMIG_BEFORE_CONTRACT)
		judge_contraction(now, plan, policy);
	else
		judge(now, plan, policy, kind);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	error_context_stack = callback.previous;
}
