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

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/varlena.h"

#include "workload/internal.h"

static double workload_factor = 2;

void
cmig_workload_init(void)
{
	DefineCustomRealVariable(cmig_settings_name("cmig.workload_factor"),
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
	bool		gaps;			/* do objects have no copies? */
} Check;

static bool
is_broken(const CmigWorkloadQuery *query)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = query->plans[CMIG_WORKLOAD_AFTER];

	if (before == NULL || after == NULL || before->error != NULL)
		return false;
	return after->error != NULL ? !after->refused : after->missing != NULL &&
		before->missing == NULL;
}

/* The error that the query raises. */
static char *
state_of(const CmigQueryPlan *plan)
{
	return plan->error ? plan->sqlstate : plan->missing ? "23502" : "";
}

/* Returns the verdict on costs that change by the factor, or else CMIG_SAME_PLAN. */
static CmigVerdict
compare_costs(const CmigQueryPlan *before, const CmigQueryPlan *after)
{
	double		factor = cmig_settings_real("cmig.workload_factor", workload_factor);

	if (before == NULL || after == NULL || before->error != NULL || after->error != NULL ||
		before->cost == after->cost)
		return CMIG_SAME_PLAN;
	return after->cost >= before->cost * factor ? CMIG_SLOWER :
		before->cost >= after->cost * factor ? CMIG_FASTER : CMIG_SAME_PLAN;
}

static bool
is_changed(const CmigWorkloadQuery *query)
{
	CmigQueryPlan *const *plans = query->plans;

	return compare_costs(plans[CMIG_WORKLOAD_BEFORE],
						 plans[CMIG_WORKLOAD_AFTER]) != CMIG_SAME_PLAN ||
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
	int			tried = 0;

	foreach_ptr(CmigWorkloadQuery, query, check->changed)
	{
		if (query->calls != NULL && query->function == NULL && query->path == NULL &&
			is_lost(query))
			lost = lappend(lost, query);
	}
	/* what is found nowhere fails as it did */
	for (bool more = true; more && lost != NIL;)
	{
		List	   *left = NIL;
		char	   *path = NULL;

		more = tried < Min(list_length(check->schemas), MOST_PATHS);
		if (more)
			path = psprintf("%s, public",
							quote_identifier(cmig_query_schema_name(list_nth_oid(check->schemas, tried++))));
		foreach_ptr(CmigWorkloadQuery, query, lost)
			query->path = path;
		cmig_workload_plan(lost, CMIG_WORKLOAD_BEFORE, check->sizes, check->schemas);
		foreach_ptr(CmigWorkloadQuery, query, lost)
		{
			if (is_lost(query))
				left = lappend(left, query);
		}
		lost = left;
	}
}

static void
plan_before(const CmigCopiedTable *tables, int count, const List *schemas, void *arg)
{
	Check	   *check = arg;

	check->schemas = list_copy(schemas);
	check->sizes = cmig_workload_sizes_read(tables, count, check->stats);
	/* those that break, too, to find the copies of their functions */
	cmig_workload_plan(list_concat_copy(check->changed, check->broken), CMIG_WORKLOAD_BEFORE,
					   check->sizes, check->schemas);
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
		/* the tables may have changed since the first run */
		query->plans[CMIG_WORKLOAD_ANALYZED] = NULL;
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
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
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
		bool		same = strcmp(state_of(query->plans[CMIG_WORKLOAD_STATEMENT]),
								  state_of(query->plans[CMIG_WORKLOAD_AFTER])) == 0;

		query->plans[CMIG_WORKLOAD_STATEMENT] = NULL;
		if (!same)
			continue;
		MemoryContextSwitchTo(check->context);
		query->place = psprintf("revision %s, statement %d, line %d", revision->id,
								statement->number, statement->line);
		query->expands = revision->expands && !cmig_settings_engine();
		query->expanded = check->expansion &&
			cmig_graph_lists(check->expansion->revisions, revision->id);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

/* ----------------------------------------------------------------
 * Judges each query.
 * ----------------------------------------------------------------
 */

/* Compare plans.  Returns the verdict, and its reason if it is not CMIG_SAME_PLAN. */
static CmigVerdict
compare(const CmigQueryPlan *before, const CmigQueryPlan *after, char **detail)
{
	/* the lines that the other plan lacks, without indentation and arrows */
	static CmigQuery query = {
		"WITH line AS (SELECT new, n, ltrim(t, ' ->') AS l, row_number() OVER (PARTITION BY new, ltrim(t, ' ->') ORDER BY n) AS same"
		"  FROM (VALUES (false, $1), (true, $2)) p (new, shape), string_to_table(shape, E'\n') WITH ORDINALITY s (t, n))"
		" SELECT concat('the plan changes:', string_agg(concat(E'\n', CASE WHEN new THEN '+ '"
		" ELSE '- ' END, l), '' ORDER BY new, n)) FROM line a"
		" WHERE l <> '' AND NOT EXISTS (SELECT FROM line b WHERE b.l = a.l AND b.same = a.same"
		" AND b.new <> a.new)", {TEXTOID, TEXTOID}
	};
	CmigVerdict verdict = compare_costs(before, after);

	if (verdict == CMIG_SAME_PLAN || strcmp(before->shape, after->shape) == 0)
		return CMIG_SAME_PLAN;
	*detail = cmig_query_value(&query, before->shape, after->shape);
	return verdict;
}

/* Likewise, and say if it is so only until ANALYZE, or from then on. */
static CmigVerdict
compare_lasting(const CmigWorkloadQuery *query, char **detail)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *analyzed = query->plans[CMIG_WORKLOAD_ANALYZED];
	CmigVerdict verdict = compare(before, query->plans[CMIG_WORKLOAD_AFTER], detail);
	CmigVerdict lasting;
	char	   *then = NULL;

	if (analyzed == NULL || analyzed->error != NULL)
		return verdict;
	lasting = compare(before, analyzed, &then);
	if (lasting == verdict)
		*detail = then;
	else if (verdict == CMIG_SLOWER)
		*detail = psprintf("until ANALYZE, %s", *detail);
	else
	{
		verdict = lasting;
		*detail = then ? psprintf("after ANALYZE, %s", then) : NULL;
	}
	return verdict;
}

static void
judge_plans(CmigWorkloadQuery *query)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = query->plans[CMIG_WORKLOAD_AFTER];

	if (after->unsized || before->blind != after->blind)
	{
		query->detail = after->unsized ?
			"it reads a table that the revisions create, whose size is not known" :
			"the planner would call a function of a user only before the upgrade, or only after it";
		return;
	}
	query->verdict = compare_lasting(query, &query->detail);
	if (before->blind || after->blind)
		query->detail = psprintf("%s%splanned without the results of functions that users have defined",
								 query->detail ? query->detail : "", query->detail ? "\n" : "");
}

/* Returns what changes for statements that are already prepared, or NULL. */
static char *
describe_change(const CmigQueryPlan *before, const CmigQueryPlan *after)
{
	if (strcmp(before->columns, after->columns) != 0)
		return psprintf("the columns of the result change from (%s) to (%s)", before->columns,
						after->columns);
	if (strcmp(before->column_types, after->column_types) != 0)
		return psprintf("a type of the result (%s) is replaced by one with the same name",
						after->columns);
	if (after->stale != NULL)
		return psprintf("with parameters of the types that they had, %s", after->stale);
	return NULL;
}

/* Parse a query that the parser accepts. */
static Node *
raw_query(const CmigWorkloadQuery *query)
{
	return cmig_workload_query_in(linitial_node(RawStmt, cmig_raw_parse(query->sql, RAW_PARSE_DEFAULT))->stmt);
}

/* Tree walker: does the query name one of the schemas?  "context" is a list of char *. */
static bool
names_schema(Node *node, void *context)
{
	if (node != NULL && IsA(node, RangeVar) && ((RangeVar *) node)->schemaname != NULL &&
		cmig_text_list_has(context, ((RangeVar *) node)->schemaname))
		return true;
	return node != NULL && raw_expression_tree_walker(node, names_schema, context);
}

/* Tree walker: does the query name a relation that is not one of the server's catalogs? */
static bool
names_other_relation(Node *node, void *context)
{
	const RangeVar *name = node != NULL && IsA(node, RangeVar) ? (RangeVar *) node : NULL;

	if (name != NULL && !(name->schemaname == NULL ? OidIsValid(get_relname_relid(name->relname, PG_CATALOG_NAMESPACE)) :
						  strcmp(name->schemaname, "pg_catalog") == 0 ||
						  strcmp(name->schemaname, "information_schema") == 0))
		return true;
	*(bool *) context |= name != NULL;
	return node != NULL && raw_expression_tree_walker(node, names_other_relation, context);
}

/*
 * Is it a query of the server's catalogs, which no migration changes?  Those of pg_dump are
 * counted, too, and some cannot be analyzed with parameters in place of literals.
 */
static bool
reads_catalogs(const CmigWorkloadQuery *query)
{
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	bool		named = false;

	return query->function == NULL && !before->refused && !before->utility &&
		strcmp(before->sqlstate, "42601") != 0 &&
		!names_other_relation(raw_query(query), &named) && named;
}

/* Does the query use the views of the new version now, by its role's search_path? */
static bool
uses_new_version(const Check *check, const CmigWorkloadQuery *query)
{
	const char *path = query->path;
	List	   *names = NIL;
	bool		found = false;

	foreach_ptr(CmigValue, setting, query->path ? NIL : query->settings)
	{
		if (strcmp(setting[0], "search_path") == 0)
			path = setting[1];
	}
	if (check->versions == NIL || path == NULL ||
		!SplitIdentifierString(pstrdup(path), ',', &names))
		return false;
	foreach_ptr(char, name, names)
		found |= cmig_text_list_has(check->versions, name);
	return found;
}

static void
judge(CmigWorkloadQuery *query, const Check *check, char *reason, const char *again)
{
	char	   *change;
	const CmigQueryPlan *before = query->plans[CMIG_WORKLOAD_BEFORE];
	const CmigQueryPlan *after = query->plans[CMIG_WORKLOAD_AFTER];

	query->verdict = CMIG_NOT_JUDGED;
	if (before == NULL || after == NULL)
		query->detail = query->unknown ? query->unknown : reason;
	else if (before->error != NULL)
	{
		query->sqlstate = before->sqlstate;
		query->detail = before->error;
		/* undefined_table: the views of the new version have no copies */
		if (check->versions != NIL && check->plan->count > 0 && query->function == NULL &&
			strcmp(before->sqlstate, "42P01") == 0 &&
			names_schema(raw_query(query), check->versions))
		{
			query->verdict = CMIG_BREAKS;
			query->detail = "cmig.contract drops the schema of the new version";
		}
		else if (reads_catalogs(query))
			query->verdict = CMIG_UNLISTED;
		else if (!before->refused || strncmp(before->sqlstate, "XX", 2) == 0)
			query->detail = psprintf("before the upgrade: %s%s%s", before->error, check->gaps &&
									 is_lost(query) ? ", or was not copied" : "", after->error ||
									 after->missing ? "" :
									 check->expands ? "; only the new version runs it" :
									 "; after it, the query has a plan");
	}
	else if (is_broken(query))
	{
		query->verdict = CMIG_BREAKS;
		query->sqlstate = state_of(after);
		query->detail = psprintf("%s%s%s", query->place ? query->place : "",
								 query->place ? ": " : "",
								 after->error ? after->error : after->missing);
		if (query->expands)
			query->detail = psprintf("%s; %s", query->detail,
									 !query->expanded ?
									 "with cmig.expand, the old version runs it until cmig.contract" :
									 query->since == NULL ? "only the old version runs it" :
									 psprintf("only the old version runs it, calls since %s: " INT64_FORMAT, query->since, query->recent));
	}
	else if (after->error != NULL)
	{
		query->sqlstate = after->sqlstate;
		query->detail = after->error;
	}
	else if (!uses_new_version(check, query) && (change = describe_change(before, after)) != NULL)
	{
		query->verdict = CMIG_CHANGES_RESULT;
		query->sqlstate = "0A000";
		query->detail = psprintf("%s: statements that open connections have prepared fail until they reconnect or DEALLOCATE ALL", change);
		if (before->shape != NULL && after->shape != NULL &&
			compare_lasting(query, &change) != CMIG_SAME_PLAN)
			query->detail = psprintf("%s\n%s", query->detail, change);
	}
	else if (again != NULL && is_changed(query))
		query->detail = psprintf("its cost changes, but the plans are not known: %s", again);
	else
		judge_plans(query);
}

/*
 * Tell nothing about a query in a function in PL/pgSQL if nothing changes and it names no
 * table; and the head tells about what is not judged.
 */
static void
judge_in_body(CmigWorkloadQuery *query)
{
	if (query->verdict == CMIG_NOT_JUDGED && query->head->unjudged++ == 0)
		query->head->reason = psprintf("line %d: %s", query->line, query->detail);
	if (query->verdict == CMIG_NOT_JUDGED ||
		(query->verdict == CMIG_SAME_PLAN && !query->plans[CMIG_WORKLOAD_BEFORE]->reads))
		query->verdict = CMIG_UNLISTED;
}

/* Complete the detail when all are judged. */
static void
describe_place(CmigWorkloadQuery *query)
{
	const CmigWorkloadQuery *head = query->head;
	char	   *place = query->function ? psprintf("function %s", query->function) : query->path ?
	psprintf("search_path = %s", query->path) : NULL;

	if (head == query && query->verdict == CMIG_SAME_PLAN && head->dynamic + head->unjudged > 0)
	{
		query->verdict = CMIG_NOT_JUDGED;
		query->detail = head->dynamic ? psprintf("dynamic statements: %d", head->dynamic) : "";
		if (head->unjudged > 0)
			query->detail = psprintf("%s%squeries that cannot be judged: %d (%s)", query->detail,
									 head->dynamic ? "; " : "", head->unjudged, head->reason);
	}
	if (head != NULL && head->table != NULL)
		place = psprintf("%s, trigger of %s", place, head->table);
	if (query->line > 0)
		place = psprintf("%s, line %d", place, query->line);
	if (place != NULL)
		query->detail = psprintf("%s%s%s", place, query->detail ? ": " : "",
								 query->detail ? query->detail : "");
}

static List *
judge_all(const Check *check, const List *queries, char *reason, const char *again)
{
	List	   *judged = NIL;
	CmigWorkloadQuery *utility = NULL;	/* stands for all */
	int			more = 0;

	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		judge(query, check, reason, again);
		if (query->head != NULL && query->head != query)
			judge_in_body(query);
		else if (cmig_workload_is_utility(query) && query->function == NULL)
		{
			more += utility != NULL;
			if (utility != NULL)
				query->verdict = CMIG_UNLISTED;
			else
				utility = query;
		}
	}
	if (more > 0)
		utility->detail = psprintf("%s (and %d more)", utility->detail, more);
	foreach_ptr(CmigWorkloadQuery, query, queries)
		describe_place(query);
	for (CmigVerdict verdict = CMIG_BREAKS; verdict < CMIG_UNLISTED; verdict++)
	{
		foreach_ptr(CmigWorkloadQuery, query, queries)
		{
			if (query->verdict == verdict)
				judged = lappend(judged, query);
		}
	}
	return judged;
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
									   cmig_graph_id(check->graph,
													 check->plan->steps[effect->step].node),
									   effect->statement, effect->what);
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
									cmig_graph_id(check->graph,
												  check->plan->steps[effect->step].node),
									effect->statement, effect->what);
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
	CmigEffectsLook look =
	{.arg = check,.live = &check->live,.begin = plan_before,.end = plan_after,.after = check->broken != NIL ? plan_between : NULL};
	List	   *queries = list_concat_copy(check->broken, check->changed);

	for (int i = 0; i < check->plan->count; i++)
		check->expands &= check->graph->nodes[check->plan->steps[i].node].revision->expands ||
			cmig_repeatables_is(check->graph, check->plan->steps[i].node);
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		look.texts = lappend(unconstify(List *, look.texts),
							 query->head ? query->head->sql : query->sql);
		if (query->function != NULL)
			look.texts = lappend(unconstify(List *, look.texts), query->function);
	}
	return cmig_plan_rehearse(check->graph, check->plan,
							  cmig_step_texts_make(check->graph, check->plan), false,
							  "cmig.workload_check()", check->guard, &look);
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
	List	   *granted = NIL;	/* those that can be granted without harm */

	foreach_ptr(CmigWorkloadQuery, query, queries)
	{
		Oid			role = query->role ? get_role_oid(query->role, true) : InvalidOid;

		if (OidIsValid(role) && cmig_can_set_role_compat(GetUserId(), role))
			query->runs_as = role;
		else if (OidIsValid(role) && !cmig_text_list_has(others, query->role))
		{
			others = lappend(others, query->role);
			if (!superuser_arg(role))
				granted = lappend(granted, query->role);
		}
	}
	if (others != NIL)
		ereport(NOTICE,
				(errmsg("queries of other roles are judged with the privileges of role \"%s\"",
						caller),
				 granted ? errhint("GRANT %s TO %s", cmig_text_join(granted, quote_identifier),
								   quote_identifier(caller)) : 0));
}

List *
cmig_workload_judge(const CmigSituation *now, const CmigPlan *plan, const List *queries,
					HTAB *stats, const char *guard, CmigObstacle *obstacle)
{
	Check		check =
	{.plan = plan,.graph = now->graph,.stats = stats,.guard = guard,.context = CurrentMemoryContext,.expansion = cmig_expansion_read(),.expands = !cmig_settings_engine()};
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
	check.gaps = effects->left_out != NIL;
	tell_gaps(&check, effects);
	return judge_all(&check, queries, obstacle->reason,
					 obstacle->reason ? NULL : run_again(&check));
}

/* ----------------------------------------------------------------
 * The SQL function.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_workload_check);

static char *
cost_of(const CmigWorkloadQuery *query, CmigWorkloadPhase phase)
{
	const CmigQueryPlan *plan = query->plans[phase];

	return plan != NULL && plan->error == NULL &&
		query->head != query ? psprintf("%.2f", plan->cost) : NULL;
}

CMIG_READER(cmig_workload_check)
{
	CmigNames  *targets = cmig_argument_target(fcinfo, 0);
	CmigNames  *texts = PG_ARGISNULL(1) ? NULL :
	cmig_argument_names(PG_GETARG_ARRAYTYPE_P(1), "the list of queries",
						"SELECT * FROM cmig.workload_check(queries => ARRAY['SELECT ...'])");
	char	   *saved = cmig_argument_text(fcinfo, 2);
	char	   *stats = PG_ARGISNULL(3) ? NULL :
	DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(3)));
	CmigSituation now;
	CmigPlan   *plan;
	List	   *queries;
	CmigObstacle obstacle;
	CmigExpansionCount count = {0};
	const CmigExpansion *expansion;

	if (targets->names[0] == NULL)
		targets->names[0] = "head";
	if (texts != NULL && saved != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("queries and the name of a workload cannot be combined"),
				 cmig_hint("`SELECT * FROM cmig.workload_check(workload => %s)`",
						   quote_literal_cstr(saved))));
	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	plan = cmig_move_plan_upgrade(&now, targets);
	expansion = cmig_expansion_read();
	if (expansion != NULL)
		count = cmig_expansion_counted(expansion);
	queries = texts ? cmig_workload_passed(texts) : saved ? cmig_workload_saved(saved) :
		list_concat(cmig_workload_counted(&count), cmig_workload_bodies());
	if (texts != NULL && queries == NIL)
		ereport(NOTICE,
				(errmsg("no queries were passed, so none was judged")));
	queries = cmig_workload_judge(&now, plan, queries,
								  stats ? cmig_workload_stats_read(stats) : NULL, NULL, &obstacle);
	foreach_ptr(const CmigWorkloadQuery, query, queries)
	{
		const char *row[] = {
			query->id, query->calls, query->text, verdicts[query->verdict], query->sqlstate,
			query->detail,
			cost_of(query, CMIG_WORKLOAD_BEFORE), cost_of(query, CMIG_WORKLOAD_AFTER)
		};

		cmig_result_add_strings((ReturnSetInfo *) fcinfo->resultinfo, lengthof(row), row);
	}
	return (Datum) 0;
}
