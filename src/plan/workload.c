/*
 * workload.c
 *	  cmig.workload_check: which queries of the application break, return other
 *	  columns, or get slower with the pending revisions.
 *
 * The revisions run on copies of the live objects, as in a rehearsal of lint.
 * The queries are planned before and after that; see workload_plan.c.  For those
 * that break or whose cost changes, which are few, the revisions run again, to find
 * the statement that breaks them, and to compare the plans' texts.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "plan/workload.h"

static double workload_factor = 2;

void
cmig_workload_init(void)
{
	DefineCustomRealVariable("cmig.workload_factor",
							 "Sets by what factor the cost of a query must change to be reported as slower or faster.",
							 NULL,
							 &workload_factor, 2, 1, 1e6, PGC_USERSET, 0, NULL, NULL, NULL);
}

static const char *const verdicts[] = {"breaks", "changes_result", "slower", "faster", "not_judged", "same_plan"};	/* by CmigVerdict */

/* ----------------------------------------------------------------
 * Looks at the queries while the revisions run.
 * ----------------------------------------------------------------
 */

/* The schemas that are tried for queries whose names are not found. */
#define MOST_PATHS 16

typedef struct Check
{
	const CmigPlan *plan;
	const CmigGraph *graph;
	List	   *broken;			/* of CmigWorkloadQuery: those that break */
	List	   *changed;		/* and those whose cost changes; or all, in
								 * the first run */
	HTAB	   *stats;			/* of another database, or NULL */
	const char *guard;			/* as in cmig_workload_judge() */
	CmigWorkloadSizes *sizes;
	List	   *schemas;		/* list of Oid: of the copies */
	MemoryContext context;		/* of the queries' plans */
	CmigImage  *live;			/* for the second run */
	const CmigExpansion *expansion; /* or NULL */
	List	   *versions;		/* list of char *: schemas of the new version */
	bool		expands;		/* can cmig.expand prepare all revisions? */
} Check;

static bool
is_broken(const CmigWorkloadQuery *query)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = query->plans[CMIG_WORKLOAD_AFTER];

	if (before == NULL || after == NULL || before->error != NULL)
		return false;
	return after->error != NULL ? !after->refused : after->missing != NULL && before->missing == NULL;
}

/* The error that the query raises. */
static const char *
state_of(const CmigQueryPlan *plan)
{
	return plan->error ? plan->sqlstate : plan->missing ? "23502" : "";
}

/* Returns the verdict on costs that change by the factor, or else CMIG_SAME_PLAN. */
static CmigVerdict
compare_costs(const CmigQueryPlan *before, const CmigQueryPlan *after)
{
	double		factor = cmig_settings_real("cmig.workload_factor", workload_factor);

	if (before == NULL || after == NULL || before->error != NULL || after->error != NULL || before->cost == after->cost)
		return CMIG_SAME_PLAN;
	return after->cost >= before->cost * factor ? CMIG_SLOWER : before->cost >= after->cost * factor ? CMIG_FASTER : CMIG_SAME_PLAN;
}

static bool
is_changed(const CmigWorkloadQuery *query)
{
	CmigQueryPlan *const *plans = query->plans;

	return compare_costs(plans[CMIG_WORKLOAD_BEFORE], plans[CMIG_WORKLOAD_AFTER]) != CMIG_SAME_PLAN ||
		compare_costs(plans[CMIG_WORKLOAD_BEFORE], plans[CMIG_WORKLOAD_ANALYZED]) != CMIG_SAME_PLAN;
}

/* Does the query fail because a name in it is not found? */
static bool
is_lost(const CmigWorkloadQuery *query)
{
	const CmigQueryPlan *plan = query->plans[CMIG_WORKLOAD_BEFORE];

	/* undefined_table, undefined_column, undefined_function, undefined_object */
	return plan->error != NULL && !plan->refused &&
		(strcmp(plan->sqlstate, "42P01") == 0 || strcmp(plan->sqlstate, "42703") == 0 ||
		 strcmp(plan->sqlstate, "42883") == 0 || strcmp(plan->sqlstate, "42704") == 0);
}

/*
 * An application that sets search_path by itself leaves no trace of it: plan the
 * queries that were counted, and are lost, with each schema in turn.
 */
static void
plan_elsewhere(Check *check)
{
	List	   *lost = NIL;
	List	   *former = NIL;
	int			tried = 0;
	int			number = 0;

	foreach_ptr(CmigWorkloadQuery, query, check->changed)
	{
		if (query->calls != NULL && query->function == NULL && query->path == NULL && is_lost(query))
		{
			lost = lappend(lost, query);
			former = lappend(former, query->plans[CMIG_WORKLOAD_BEFORE]);
		}
	}
	foreach_oid(schema, lost == NIL ? NIL : check->schemas)
	{
		List	   *left = NIL;
		CmigValue  *setting = palloc(2 * sizeof(CmigValue));

		if (tried++ >= MOST_PATHS)
			break;
		setting[0] = pstrdup("search_path");
		setting[1] = psprintf("%s, public", quote_identifier(get_namespace_name(schema)));
		foreach_ptr(CmigWorkloadQuery, query, lost)
		{
			if (!is_lost(query))
				continue;
			query->settings = query->path ? list_delete_last(query->settings) : list_copy(query->settings);
			query->settings = lappend(query->settings, setting);
			query->path = setting[1];
			left = lappend(left, query);
		}
		cmig_workload_plan(left, CMIG_WORKLOAD_BEFORE, check->sizes, check->schemas);
	}
	/* what is found nowhere fails as it did */
	foreach_ptr(CmigWorkloadQuery, query, lost)
	{
		CmigQueryPlan *plan = list_nth(former, number++);

		if (query->path == NULL || !is_lost(query))
			continue;
		query->settings = list_delete_last(query->settings);
		query->path = NULL;
		query->plans[CMIG_WORKLOAD_BEFORE] = plan;
	}
}

static void
plan_before(const CmigCopiedTable *tables, int count, const List *schemas, void *arg)
{
	Check	   *check = arg;

	check->schemas = list_copy(schemas);
	check->sizes = cmig_workload_sizes_read(tables, count, check->stats);
	cmig_workload_plan(check->changed, CMIG_WORKLOAD_BEFORE, check->sizes, check->schemas);
	/* find the copies of their functions */
	cmig_workload_plan(check->broken, CMIG_WORKLOAD_BEFORE, check->sizes, check->schemas);
	plan_elsewhere(check);
}

static void
plan_after(void *arg)
{
	Check	   *check = arg;
	List	   *retyped = NIL;

	cmig_workload_plan(check->changed, CMIG_WORKLOAD_AFTER, check->sizes, check->schemas);
	foreach_ptr(CmigWorkloadQuery, query, check->changed)
	{
		if (query->plans[CMIG_WORKLOAD_AFTER]->retyped)
			retyped = lappend(retyped, query);
	}
	cmig_workload_plan(retyped, CMIG_WORKLOAD_ANALYZED, check->sizes, check->schemas);
}

/* Note which queries break after the statement as they do in the end. */
static void
plan_between(int step, const CmigStatement *statement, void *arg)
{
	Check	   *check = arg;
	MemoryContext caller = MemoryContextSwitchTo(check->context);
	List	   *whole = NIL;

	foreach_ptr(CmigWorkloadQuery, query, check->broken)
	{
		if (query->place == NULL)
			whole = lappend(whole, query);
	}
	cmig_workload_plan(whole, CMIG_WORKLOAD_STATEMENT, check->sizes, check->schemas);
	foreach_ptr(CmigWorkloadQuery, query, whole)
	{
		const CmigRevision *revision = check->graph->nodes[check->plan->steps[step].node].revision;

		if (strcmp(state_of(query->plans[CMIG_WORKLOAD_STATEMENT]), state_of(query->plans[CMIG_WORKLOAD_AFTER])) != 0)
			continue;
		query->place = psprintf("revision %s, statement %d, line %d", revision->id, statement->number, statement->line);
		query->expands = revision->expands;
		query->expanded = check->expansion && cmig_graph_lists(check->expansion->revisions, revision->id);
	}
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------
 * Judges each query.
 * ----------------------------------------------------------------
 */

/* Returns the lines of a text without indentation and arrows, as a List. */
static List *
lines_of(const char *text)
{
	List	   *lines = NIL;

	while (*text != '\0')
	{
		int			length;

		text += strspn(text, " ->");
		length = strcspn(text, "\n");
		if (length > 0)
			lines = lappend(lines, pnstrdup(text, length));
		text += length + (text[length] == '\n');
	}
	return lines;
}

/* Append the lines of the first plan that the second one lacks. */
static void
add_missing_lines(StringInfo detail, char sign, const char *shape, const char *other)
{
	List	   *left = lines_of(other);

	foreach_ptr(char, line, lines_of(shape))
	{
		bool		found = false;

		foreach_ptr(char, candidate, left)
		{
			if (strcmp(line, candidate) == 0)
			{
				left = list_delete_ptr(left, candidate);
				found = true;
				break;
			}
		}
		if (!found)
			appendStringInfo(detail, "\n%c %s", sign, line);
	}
}

/* Compare plans.  Returns the verdict, and its reason if it is not CMIG_SAME_PLAN. */
static CmigVerdict
compare(const CmigQueryPlan *before, const CmigQueryPlan *after, char **detail)
{
	CmigVerdict verdict = compare_costs(before, after);
	StringInfoData text;

	if (verdict == CMIG_SAME_PLAN || strcmp(before->shape, after->shape) == 0)
		return CMIG_SAME_PLAN;
	initStringInfo(&text);
	appendStringInfo(&text, "the plan changes:");
	add_missing_lines(&text, '-', before->shape, after->shape);
	add_missing_lines(&text, '+', after->shape, before->shape);
	*detail = text.data;
	return verdict;
}

static void
judge_plans(CmigJudgment *judgment)
{
	const CmigQueryPlan *before = judgment->query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = judgment->query->plans[CMIG_WORKLOAD_AFTER];
	const CmigQueryPlan *analyzed = judgment->query->plans[CMIG_WORKLOAD_ANALYZED];

	if (after->unsized)
	{
		judgment->verdict = CMIG_NOT_JUDGED;
		judgment->detail = pstrdup("it reads a table that the revisions create, whose size is not known");
		return;
	}
	if (before->blind != after->blind)
	{
		judgment->verdict = CMIG_NOT_JUDGED;
		judgment->detail = pstrdup("the planner would call a function of a user only before the upgrade, or only after it");
		return;
	}
	judgment->verdict = compare(before, after, &judgment->detail);
	if (analyzed != NULL && analyzed->error == NULL)
	{
		char	   *detail = NULL;
		CmigVerdict lasting = compare(before, analyzed, &detail);

		if (lasting == judgment->verdict)
			judgment->detail = detail;
		else if (judgment->verdict == CMIG_SLOWER)
			judgment->detail = psprintf("until ANALYZE, %s", judgment->detail);
		else
		{
			judgment->verdict = lasting;
			judgment->detail = detail ? psprintf("after ANALYZE, %s", detail) : NULL;
		}
	}
	if (before->blind || after->blind)
		judgment->detail = psprintf("%s%splanned without the results of functions that users have defined",
									judgment->detail ? judgment->detail : "", judgment->detail ? "\n" : "");
}

/* Returns what changes for statements that are already prepared, or NULL. */
static char *
describe_change(const CmigQueryPlan *before, const CmigQueryPlan *after)
{
	if (strcmp(before->columns, after->columns) != 0)
		return psprintf("the columns of the result change from (%s) to (%s)", before->columns, after->columns);
	if (strcmp(before->column_types, after->column_types) != 0)
		return psprintf("a type of the result (%s) is replaced by one with the same name", after->columns);
	if (after->stale != NULL)
		return psprintf("with parameters of the types that they had, %s", after->stale);
	return NULL;
}

/* Does the query use the views of the new version now, by its role's search_path? */
static bool
uses_new_version(const Check *check, const CmigWorkloadQuery *query)
{
	List	   *names = NIL;
	bool		found = false;

	foreach_ptr(CmigValue, setting, check->versions ? query->settings : NIL)
	{
		if (strcmp(setting[0], "search_path") == 0 && !SplitIdentifierString(pstrdup(setting[1]), ',', &names))
			names = NIL;
	}
	foreach_ptr(char, name, names)
		found |= cmig_text_list_has(check->versions, name);
	return found;
}

static void
judge(CmigJudgment *judgment, const Check *check, const char *reason, const char *again)
{
	char	   *change;
	const CmigQueryPlan *before = judgment->query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = judgment->query->plans[CMIG_WORKLOAD_AFTER];

	judgment->verdict = CMIG_NOT_JUDGED;
	if (before == NULL || after == NULL)
		judgment->detail = unconstify(char *, judgment->query->unknown ? judgment->query->unknown : reason);
	else if (before->error != NULL)
	{
		judgment->sqlstate = before->sqlstate;
		judgment->detail = before->refused && strncmp(before->sqlstate, "XX", 2) != 0 ? before->error : psprintf(after->error || after->missing ? "before the upgrade: %s" :
																												 check->expands ? "before the upgrade: %s; only the new version runs it" : "before the upgrade: %s; after it, the query has a plan", before->error);
	}
	else if (is_broken(judgment->query))
	{
		const char *error = after->error ? after->error : after->missing;

		judgment->verdict = CMIG_BREAKS;
		judgment->sqlstate = state_of(after);
		judgment->detail = judgment->query->place ? psprintf("%s: %s", judgment->query->place, error) : pstrdup(error);
		if (judgment->query->expands)
			judgment->detail = psprintf("%s; %s", judgment->detail, !judgment->query->expanded ? "with cmig.expand, the old version runs it until cmig.contract" :
										judgment->query->since == NULL ? "only the old version runs it" :
										psprintf("only the old version runs it, calls since %s: " INT64_FORMAT, judgment->query->since, judgment->query->recent));
	}
	else if (after->error != NULL)
	{
		judgment->sqlstate = after->sqlstate;
		judgment->detail = after->error;
	}
	else if (!uses_new_version(check, judgment->query) && (change = describe_change(before, after)) != NULL)
	{
		judgment->verdict = CMIG_CHANGES_RESULT;
		judgment->sqlstate = "0A000";
		judgment->detail = psprintf("%s: statements that open connections have prepared fail until they reconnect or DEALLOCATE ALL", change);
		if (before->shape != NULL && after->shape != NULL && compare(before, after, &change) != CMIG_SAME_PLAN)
			judgment->detail = psprintf("%s\n%s", judgment->detail, change);
	}
	else if (again != NULL && is_changed(judgment->query))
		judgment->detail = psprintf("its cost changes, but the plans are not known: %s", again);
	else
		judge_plans(judgment);
}

/* qsort comparator: the worst first, then those that are called most. */
static int
compare_judgments(const void *a, const void *b)
{
	const CmigJudgment *x = a;
	const CmigJudgment *y = b;

	return x->verdict != y->verdict ? (int) x->verdict - (int) y->verdict : x->number - y->number;
}

/*
 * Tell nothing about a query in a function in PL/pgSQL if nothing changes and it names no
 * table; and the head tells about what is not judged.
 */
static void
judge_in_body(CmigJudgment *judgment)
{
	const CmigWorkloadQuery *query = judgment->query;

	if (judgment->verdict == CMIG_NOT_JUDGED && query->head->unjudged++ == 0)
		query->head->reason = psprintf("line %d: %s", query->line, judgment->detail);
	if (judgment->verdict == CMIG_NOT_JUDGED || (judgment->verdict == CMIG_SAME_PLAN && !query->plans[CMIG_WORKLOAD_BEFORE]->reads))
		judgment->verdict = CMIG_UNLISTED;
}

/* Complete the detail when all are judged. */
static void
describe_place(CmigJudgment *judgment)
{
	const CmigWorkloadQuery *query = judgment->query;
	const CmigWorkloadQuery *head = query->head;
	char	   *place = query->function ? psprintf("function %s", query->function) : query->path ? psprintf("search_path = %s", query->path) : NULL;

	if (head == query && judgment->verdict == CMIG_SAME_PLAN && head->dynamic + head->unjudged > 0)
	{
		judgment->verdict = CMIG_NOT_JUDGED;
		judgment->detail = head->dynamic ? psprintf("dynamic statements: %d", head->dynamic) : "";
		if (head->unjudged > 0)
			judgment->detail = psprintf("%s%squeries that cannot be judged: %d (%s)", judgment->detail, head->dynamic ? "; " : "", head->unjudged, head->reason);
	}
	if (head != NULL && head->table != NULL)
		place = psprintf("%s, trigger of %s", place, head->table);
	if (query->line > 0)
		place = psprintf("%s, line %d", place, query->line);
	if (place != NULL)
		judgment->detail = psprintf("%s%s%s", place, judgment->detail ? ": " : "", judgment->detail ? judgment->detail : "");
}

static CmigJudgment *
judge_all(const Check *check, const List *queries, const char *reason, const char *again)
{
	CmigJudgment *judgments = palloc0(sizeof(CmigJudgment) * Max(list_length(queries), 1));
	int			count = 0;

	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		judgments[count].query = query;
		judgments[count].number = count;
		judge(&judgments[count], check, reason, again);
		if (query->head != NULL && query->head != query)
			judge_in_body(&judgments[count]);
		count++;
	}
	for (int i = 0; i < count; i++)
		describe_place(&judgments[i]);
	qsort(judgments, count, sizeof(CmigJudgment), compare_judgments);
	return judgments;
}

/* ----------------------------------------------------------------
 * Runs the revisions on copies.
 * ----------------------------------------------------------------
 */

/* Returns why the revisions have not run as they would, if they have not. */
static CmigObstacle
find_obstacle(const Check *check, const CmigEffects *effects)
{
	CmigObstacle obstacle = {.reason = effects->not_run};

	foreach_ptr(const CmigEffect, effect, effects->effects)
	{
		if (obstacle.reason == NULL && effect->type == CMIG_EFFECT_FAILS)
		{
			obstacle.reason = psprintf("the upgrade fails in revision %s, statement %d: %s",
									   check->graph->nodes[check->plan->steps[effect->step].node].revision->id, effect->statement, effect->what);
			obstacle.harmless = true;
		}
	}
	return obstacle;
}

/* Say which statements did not run on the copies, and which objects have none. */
static void
tell_gaps(const Check *check, const CmigEffects *effects)
{
	CmigListing gaps;

	cmig_listing_init(&gaps, CMIG_LISTING_LINES);
	foreach_ptr(const CmigEffect, effect, effects->effects)
	{
		if (effect->type == CMIG_EFFECT_UNKNOWN)
			cmig_listing_add_format(&gaps, "revision %s, statement %d: %s",
									check->graph->nodes[check->plan->steps[effect->step].node].revision->id, effect->statement, effect->what);
	}
	foreach_ptr(char, reason, effects->left_out)
		cmig_listing_add(&gaps, reason);
	if (gaps.count > 0)
		ereport(NOTICE,
				(errmsg("the queries were judged without some statements or objects"),
				 errdetail_internal("%s", cmig_listing_text(&gaps))));
}

/* Run the revisions, and plan the queries of the check. */
static CmigEffects *
run_revisions(Check *check)
{
	CmigEffectsLook look = {.arg = check,.live = &check->live,.begin = plan_before,.end = plan_after,.after = check->broken != NIL ? plan_between : NULL};
	int		   *nodes = palloc(sizeof(int) * Max(check->plan->count, 1));
	CmigStepTexts *texts = cmig_step_texts_make(check->graph, check->plan);
	List	   *queries = list_concat_copy(check->broken, check->changed);
	List	   *scripts = NIL;

	for (int i = 0; i < check->plan->count; i++)
	{
		nodes[i] = check->plan->steps[i].node;
		check->expands &= check->graph->nodes[nodes[i]].revision->expands || cmig_repeatables_is(check->graph, nodes[i]);
		scripts = lappend(scripts, pstrdup(cmig_step_texts_get(texts, i)->sql));
	}
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		look.texts = lappend(unconstify(List *, look.texts), query->head ? query->head->sql : query->sql);
		if (query->function != NULL)
			look.texts = lappend(unconstify(List *, look.texts), query->function);
	}
	return cmig_effects_read(check->graph, nodes, check->plan->count, scripts, false, "cmig.workload_check()",
							 "cmig.dry_run_timeout", cmig_dry_run_limit(check->guard), &look);
}

/* Returns NULL, or why the second run, with the queries that it is about, has not ended. */
static const char *
run_again(Check *check)
{
	List	   *changed = NIL;

	foreach_ptr(CmigWorkloadQuery, query, check->changed)
	{
		query->explained = is_changed(query);
		if (query->explained)
			changed = lappend(changed, query);
		else if (is_broken(query))
			check->broken = lappend(check->broken, query);
	}
	check->changed = changed;
	if (check->broken == NIL && changed == NIL)
		return NULL;
	return find_obstacle(check, run_revisions(check)).reason;
}

/* Find out as which role to plan each query: never as one that the caller cannot become. */
static void
choose_roles(const List *queries)
{
	char	   *caller = GetUserNameFromId(GetUserId(), false);
	List	   *others = NIL;
	StringInfoData names;

	initStringInfo(&names);
	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		Oid			role = query->role ? get_role_oid(query->role, true) : InvalidOid;

		if (OidIsValid(role) && cmig_can_set_role_compat(GetUserId(), role))
			query->runs_as = role;
		else if (OidIsValid(role) && !cmig_text_list_has(others, query->role))
		{
			appendStringInfo(&names, "%s%s", others ? ", " : "", quote_identifier(query->role));
			others = lappend(others, query->role);
		}
	}
	if (others != NIL)
		ereport(NOTICE,
				(errmsg("queries of other roles are judged with the privileges of role \"%s\"", caller),
				 errhint("GRANT %s TO %s", names.data, quote_identifier(caller))));
}

CmigJudgment *
cmig_workload_judge(const CmigSituation *now, const CmigPlan *plan, List *queries, HTAB *stats, const char *guard, CmigObstacle *obstacle)
{
	Check		check = {.plan = plan,.graph = now->graph,.stats = stats,.guard = guard,.context = CurrentMemoryContext,.expansion = cmig_expansion_read(),.expands = true};
	CmigEffects *effects;

	foreach_ptr(CmigValue, row, check.expansion ? cmig_expansion_schemas() : NIL)
		check.versions = lappend(check.versions, row[2]);

	*obstacle = (CmigObstacle)
	{
		.reason = cmig_plan_begun(now, plan),.harmless = true
	};
	if (obstacle->reason != NULL)
		return judge_all(&check, queries, obstacle->reason, NULL);
	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		if (query->unknown == NULL)
			check.changed = lappend(check.changed, query);
	}
	choose_roles(check.changed);
	effects = run_revisions(&check);
	*obstacle = find_obstacle(&check, effects);
	tell_gaps(&check, effects);
	return judge_all(&check, queries, obstacle->reason, obstacle->reason ? NULL : run_again(&check));
}

/* ----------------------------------------------------------------
 * The SQL function.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_workload_check);

static void
return_judgment(FunctionCallInfo fcinfo, const CmigJudgment *judgment)
{
	const CmigWorkloadQuery *query = judgment->query;
	const CmigQueryPlan *plans[] = {query->plans[CMIG_WORKLOAD_BEFORE], query->plans[CMIG_WORKLOAD_AFTER]};
	char	   *costs[lengthof(plans)] = {0};
	char	   *row[8];

	for (int i = 0; i < lengthof(plans); i++)
		if (plans[i] != NULL && plans[i]->error == NULL && query->head != query)
			costs[i] = psprintf("%.2f", plans[i]->cost);
	row[0] = query->id;
	row[1] = query->calls;
	row[2] = query->text;
	row[3] = unconstify(char *, verdicts[judgment->verdict]);
	row[4] = unconstify(char *, judgment->sqlstate);
	row[5] = judgment->detail;
	row[6] = costs[0];
	row[7] = costs[1];
	cmig_result_add_strings((ReturnSetInfo *) fcinfo->resultinfo, lengthof(row), row);
}

CMIG_READER(cmig_workload_check)
{
	CmigNames  *targets = cmig_argument_target(fcinfo, 0);
	CmigNames  *texts = PG_ARGISNULL(1) ? NULL :
	cmig_argument_names(PG_GETARG_ARRAYTYPE_P(1), "the list of queries", "SELECT * FROM cmig.workload_check(queries => ARRAY['SELECT ...'])");
	char	   *saved = cmig_argument_text(fcinfo, 2);
	char	   *stats = PG_ARGISNULL(3) ? NULL : DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(3)));
	CmigSituation now;
	CmigPlan   *plan;
	List	   *queries;
	CmigObstacle obstacle;
	CmigJudgment *judgments;
	CmigExpansionCount count = {0};

	if (targets->names[0] == NULL)
		targets->names[0] = "head";
	if (texts != NULL && saved != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("queries and the name of a workload cannot be combined"),
				 cmig_hint("`SELECT * FROM cmig.workload_check(workload => %s)`", quote_literal_cstr(saved))));
	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	plan = cmig_move_plan_upgrade(&now, targets);
	if (cmig_expansion_read() != NULL)
		count = cmig_expansion_counted(cmig_expansion_read());
	queries = texts ? cmig_workload_passed(texts) : saved ? cmig_workload_saved(saved) :
		list_concat(cmig_workload_counted(false, &count), cmig_workload_bodies());
	if (texts != NULL && queries == NIL)
		ereport(NOTICE,
				(errmsg("no queries were passed, so none was judged")));
	judgments = cmig_workload_judge(&now, plan, queries, stats ? cmig_workload_stats_read(stats) : NULL, NULL, &obstacle);
	for (int i = 0; i < list_length(queries) && judgments[i].verdict != CMIG_UNLISTED; i++)
		return_judgment(fcinfo, &judgments[i]);
	return (Datum) 0;
}
