/*
 * move.c
 *	  What all moves share: the state, plans, checks, steps, restore points.
 *
 * SELECT cmig.upgrade and CALL cmig.upgrade_stepwise differ only in where they
 * commit.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "move/internal.h"

PG_FUNCTION_INFO_V1(cmig_set_protect);

Datum
cmig_set_protect(PG_FUNCTION_ARGS)
{
	(void) cmig_database_setting_set("cmig.set_protect()", NULL, "cmig.protect",
									 cmig_argument_text(fcinfo, 0));
	PG_RETURN_TEXT_P(cstring_to_text(cmig_settings_protect_name(true)));
}

CmigSituation
cmig_move_read(bool with_details)
{
	CmigSituation now = {0};
	CmigRevisionSet *set = cmig_active_read(with_details);

	now.settled = set->settled;
	now.graph = cmig_graph_build(set->revisions, set->count);
	cmig_repeatables_add(now.graph, set->repeatables, set->repeatable_count);
	cmig_graph_require_sound(now.graph);
	now.database = cmig_active_separate(now.graph);
	now.applied = cmig_applied_find(now.graph, cmig_version_rows_read());
	return now;
}

void
cmig_move_require_unprotected(const CmigSituation *now, const CmigPlan *plan, bool everything,
							  const char *what, bool commits)
{
	CmigListing lost;

	if (plan->count == 0 || cmig_settings_protect() == CMIG_PROTECT_OFF ||
		(cmig_settings_protect() == CMIG_PROTECT_BASE && !everything))
		return;

	cmig_listing_init(&lost, CMIG_LISTING_QUOTED);
	for (int i = 0; i < plan->count; i++)
		cmig_listing_add(&lost, cmig_graph_id(now->graph, plan->steps[i].node));
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PROTECTED),
			 errmsg("%s is not allowed in %s", what, cmig_scope_text()),
			 errdetail("cmig.protect is %s; reverting %s would destroy the data in the objects that the upgrade created.",
					   cmig_settings_protect_name(false), cmig_listing_text(&lost)),
			 cmig_hint("%s", cmig_settings_unprotect_hint(commits))));
}

char *
cmig_move_title(const CmigGraph *graph, CmigDirection direction, int node)
{
	const CmigRevision *revision = graph->nodes[node].revision;
	const CmigEdges *parents = &graph->nodes[node].parents;
	const char *comma = revision->message[0] ? ", " : "";
	const char *below;

	if (revision->repeatable)
		return psprintf("repeatable %s%s%s", revision->id, comma, revision->message);
	below = parents->count == 0 ? "base" :
		cmig_graph_ids_text(graph, parents->nodes, parents->count);
	return psprintf("%s %s -> %s%s%s", cmig_direction_name(direction),
					direction == CMIG_UPGRADE ? below : revision->id,
					direction == CMIG_UPGRADE ? revision->id : below, comma, revision->message);
}

char *
cmig_move_describe(const CmigGraph *graph, const CmigPlan *plan)
{
	const char *first = cmig_graph_id(graph, plan->steps[0].node);

	if (plan->count == 1)
		return psprintf("%s of %s", cmig_direction_name(plan->direction), first);
	return psprintf("%s of %s to %s (%d revisions)", cmig_direction_name(plan->direction), first,
					cmig_graph_id(graph, plan->steps[plan->count - 1].node), plan->count);
}

void
cmig_move_log_failure(int sqlstate, const CmigGraph *graph, const CmigPlan *plan, int index)
{
	const char *revision = index >= 0 &&
	index < plan->count ? cmig_graph_id(graph, plan->steps[index].node) : NULL;

	cmig_log_run_fail(sqlstate, revision == NULL ? "" :
					  cmig_running.statement == 0 ? psprintf(" in %s", revision) :
					  psprintf(" in %s, statement %d", revision, cmig_running.statement));
}

void
cmig_move_report(const CmigSituation *now, const CmigPlan *plan, int node)
{
	if (!now->quiet)
		ereport(NOTICE,
				(errmsg("%s", cmig_move_title(now->graph, plan->direction, node))));
}

void
cmig_move_report_nothing(const CmigGraph *graph, const CmigNames *rows, const char *verb)
{
	CmigListing current;

	if (graph->count + graph->repeatable_count == 0)
	{
		ereport(NOTICE,
				(errmsg("no revisions are loaded in database \"%s\"",
						get_database_name(MyDatabaseId)),
				 cmig_hint("Load revision files, or create a revision with `cmig.create_revision`.")));
		return;
	}
	cmig_listing_init(&current, CMIG_LISTING_PLAIN);
	for (int i = 0; i < rows->count; i++)
		cmig_listing_add(&current, rows->names[i]);
	ereport(NOTICE,
			(errmsg("nothing to %s: %s is at %s", verb,
					cmig_scope_text(), rows->count == 0 ? "base" : cmig_listing_text(&current))));
}

/* Report in a NOTICE that an expanded revision counts as applied. */
static void
report_expanded(const CmigExpansion *expansion)
{
	ereport(NOTICE,
			(expansion->search_path[0] ?
			 errmsg("revision \"%s\" is expanded: builds that need it connect with search_path = %s", expansion->revision, expansion->search_path) :
			 errmsg("revision \"%s\" is expanded: no table has a new version",
					expansion->revision)));
}

/* Can both builds run?  A contraction changes the tables in its last transaction. */
static bool
is_usable(const CmigExpansion *expansion)
{
	return strcmp(expansion->state, "expanded") == 0 ||
		strcmp(expansion->state, "contracting") == 0;
}

/* Returns the first step of the plan that is neither part of the expansion nor repeatable, or -1. */
static int
outside_expansion(const CmigSituation *now, const CmigPlan *plan, const CmigExpansion *expansion)
{
	for (int i = 0; i < plan->count; i++)
		if (!cmig_repeatables_is(now->graph, plan->steps[i].node) &&
			!cmig_graph_lists(expansion->revisions, cmig_graph_id(now->graph, plan->steps[i].node)))
			return plan->steps[i].node;
	return -1;
}

bool
cmig_move_is_expanded(const CmigSituation *now, const CmigPlan *plan)
{
	const CmigExpansion *expansion = plan->count > 0 ? cmig_expansion_read() : NULL;

	if (expansion == NULL || !is_usable(expansion) || outside_expansion(now, plan, expansion) >= 0)
		return false;
	report_expanded(expansion);
	return true;
}

/* Do the steps neither build on revisions of the expansion, nor these on them? */
static bool
is_unrelated(const CmigSituation *now, const CmigPlan *plan, const CmigExpansion *expansion)
{
	CmigMarks  *related = cmig_graph_marks(now->graph);
	bool		unrelated = true;

	for (int i = 0; i < expansion->revisions->count; i++)
	{
		int			node = cmig_graph_find_id(now->graph, expansion->revisions->names[i]);

		unrelated &= node >= 0 && cmig_graph_mark(related, node);
	}
	(plan->direction == CMIG_UPGRADE ? cmig_graph_mark_descendants :
	 cmig_graph_mark_ancestors) (now->graph, related, true);
	for (int i = 0; i < plan->count; i++)
		unrelated &= !related->set[plan->steps[i].node];
	return unrelated;
}

void
cmig_move_respect_expansion(const CmigSituation *now, CmigPlan *plan, bool commits)
{
	const CmigExpansion *expansion = plan->count > 0 ? cmig_expansion_read() : NULL;
	int			outside;

	if (plan->count > 0)
		cmig_expansion_require_known();
	if (expansion == NULL)
		return;
	plan->unrelated = !commits && is_unrelated(now, plan, expansion);
	if (plan->unrelated)
		return;
	outside = outside_expansion(now, plan, expansion);
	if (plan->direction == CMIG_DOWNGRADE)
		cmig_expansion_refuse(expansion, "nothing can be reverted");
	if (outside >= 0)
		cmig_expansion_refuse(expansion,
							  psprintf("revision \"%s\" cannot be applied",
									   cmig_graph_id(now->graph, outside)));
	if (!is_usable(expansion))
		cmig_expansion_refuse(expansion, "it cannot be applied");
	report_expanded(expansion);
	plan->count = 0;
}

void
cmig_move_require_unrelated(void)
{
	/* relations of the expansion that were altered, dropped, or renamed */
	static CmigQuery touched = {
		"WITH named (oid, name, ours) AS (SELECT c.oid, format('%I.%I', n.nspname, c.relname), n.nspname::text IN (SELECT cmig.version_schema(r.revision, x)"
		"  FROM cmig.expansion_run r, unnest(r.schemas) x WHERE r.scope = $1) FROM pg_class c"
		" JOIN pg_namespace n ON n.oid = c.relnamespace),"
		" needed (name) AS (SELECT DISTINCT relation FROM cmig.expansion_step WHERE scope = $1"
		" AND relation <> '')"
		" SELECT name FROM named WHERE oid IN (SELECT l.relation FROM pg_locks l"
		" WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation'"
		"   AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())"
		" AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock'))"
		"  AND (ours OR name IN (TABLE needed) OR EXISTS (SELECT"
		" FROM pg_partition_ancestors(named.oid) p JOIN named a ON a.oid = p.relid"
		" WHERE a.name IN (TABLE needed)))"
		" UNION ALL SELECT name FROM needed WHERE name NOT IN (SELECT name FROM named) ORDER BY 1"
		" LIMIT 1", {TEXTOID}
	};
	const CmigExpansion *expansion = cmig_expansion_read();
	const char *name = expansion ? cmig_query_value(&touched, expansion->scope) : NULL;

	if (name != NULL)
		cmig_expansion_refuse(expansion, psprintf("%s cannot be changed", name));
}

void
cmig_move_check(CmigStepTexts *texts, const CmigPlan *plan)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_cmig check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	if (plan->count > 0)
		cmig_progress_require_none(NULL, 0);
	for (int i = 0; i < plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cmig_run_check_step(cmig_step_texts_get(texts, i));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
cmig_move_rows(const CmigSituation *now, const CmigPlanStep *step)
{
	if (step->removed.count == 1 && step->added.count == 1)
	{
		cmig_version_rows_replace(cmig_graph_id(now->graph, step->removed.nodes[0]),
								  cmig_graph_id(now->graph, step->added.nodes[0]));
		return;
	}
	for (int i = 0; i < step->removed.count; i++)
		cmig_version_rows_delete(cmig_graph_id(now->graph, step->removed.nodes[i]));
	for (int i = 0; i < step->added.count; i++)
		cmig_version_rows_insert(cmig_graph_id(now->graph, step->added.nodes[i]));
}

/* The version rows that a run expects */

CmigMarks *
cmig_move_expect_rows(const CmigSituation *now)
{
	CmigMarks  *expected = cmig_graph_marks(now->graph);

	foreach_int(node, now->applied->nodes)
		cmig_graph_mark(expected, node);
	return expected;
}

void
cmig_move_expect_step(CmigMarks *expected, const CmigEdges *removed, const CmigEdges *added)
{
	for (int i = 0; i < removed->count; i++)
	{
		expected->count -= expected->set[removed->nodes[i]];
		expected->set[removed->nodes[i]] = false;
	}
	for (int i = 0; i < added->count; i++)
		cmig_graph_mark(expected, added->nodes[i]);
}

void
cmig_move_require_expected(const CmigSituation *now, const CmigMarks *expected, const char *hint)
{
	CmigNames  *rows = cmig_version_rows_read();
	char	   *changed = NULL;

	for (int i = 0; changed == NULL && i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(now->graph, rows->names[i]);

		if (node < 0 || !expected->set[node])
			changed = psprintf("It contains row \"%s\", which no step has written.",
							   rows->names[i]);
	}
	for (int i = 0; changed == NULL && rows->count != expected->count && i < now->graph->count; i++)
		if (expected->set[i] && !cmig_graph_lists(rows, cmig_graph_id(now->graph, i)))
			changed = psprintf("The row of revision \"%s\" is missing.",
							   cmig_graph_id(now->graph, i));
	if (changed != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s was changed during the run", cmig_version_rows_table()),
				 errdetail("%s", changed),
				 cmig_hint("Only `cmig.upgrade`, `cmig.downgrade`, and `cmig.stamp` should change %s; %s",
						   cmig_version_rows_table(), hint)));
}

void
cmig_move_require_rows(const CmigSituation *now, const CmigPlan *plan)
{
	CmigMarks  *expected;
	char	   *unknown;

	if (plan->count == 0)
		return;
	expected = cmig_move_expect_rows(now);
	for (int i = 0; i < plan->count; i++)
		cmig_move_expect_step(expected, &plan->steps[i].removed, &plan->steps[i].added);
	cmig_move_require_expected(now, expected, "a script must not.");
	unknown = cmig_version_rows_unknown();
	if (unknown != NULL)
		cmig_step_texts_deleted(unknown);
}

void
cmig_move_run_step(const CmigSituation *now, const CmigPlan *plan, const CmigPlanStep *step,
				   const CmigRunStep *run, CmigJournalEntry *entry)
{
	memset(entry, 0, sizeof(*entry));
	cmig_move_report(now, plan, step->node);
	entry->revision = run->revision;
	entry->direction = cmig_direction_name(plan->direction);
	entry->outcome = "done";
	entry->started_at = GetCurrentTimestamp();
	cmig_runner_run(run, CMIG_RUN_ALL);
	cmig_move_rows(now, step);
	entry->finished_at = GetCurrentTimestamp();
	if (plan->direction == CMIG_UPGRADE)
		entry->checksum = cmig_repeatable_checksum(run->stored_sql, run->transactional,
												   run->repeatable);
}

/*
 * In a scope, raise an error if a revision of the plan depends on a revision
 * of another tree that is applied neither in the database nor in the scope and
 * does not come earlier in the plan.
 */
static void
require_outside(const CmigSituation *now, const CmigPlan *plan)
{
	CmigMarks  *planned;

	if (now->database == NULL || now->elsewhere)
		return;
	planned = cmig_graph_marks(now->graph);
	for (int i = 0; i < plan->count; i++)
	{
		int			node = plan->steps[i].node;
		const CmigEdges *outside = &now->graph->outside[node];

		for (int j = 0; j < outside->count; j++)
		{
			int			other = outside->nodes[j];

			if (now->database->set[other] || now->applied->applied->set[other] ||
				planned->set[other])
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("revision \"%s\" depends on revision \"%s\", which is not applied",
							cmig_graph_id(now->graph, node), cmig_graph_id(now->graph, other)),
					 errdetail("Revision \"%s\" is applied neither in the database nor in %s.",
							   cmig_graph_id(now->graph, other), cmig_scope_text()),
					 cmig_upgrade_of_scopes(now->graph)[other] ?
					 cmig_hint("To apply it in the scope: `SET cmig.scope = %s; SELECT * FROM cmig.upgrade(%s)`",
							   quote_literal_cstr(cmig_scope_current()),
							   quote_literal_cstr(cmig_graph_id(now->graph, other))) :
					 cmig_hint("To apply it in the database: `RESET cmig.scope; SELECT * FROM cmig.upgrade(%s)`",
							   quote_literal_cstr(cmig_graph_id(now->graph, other)))));
		}
		cmig_graph_mark(planned, node);
	}
}

/*
 * Raise an error if the plan would revert a revision in the database that
 * scopes still need, because a revision of another tree depends on it and is
 * applied in at least one scope.
 */
static void
require_unneeded(const CmigSituation *now, const CmigPlan *plan)
{
	CmigNames  *rows;
	CmigMarks  *needing;
	int		   *trees;

	if (now->database != NULL || now->elsewhere || plan->count == 0)
		return;
	rows = cmig_version_rows_of(CMIG_ROWS_OF_SCOPES);
	if (rows->count == 0)
		return;
	needing = cmig_graph_marks(now->graph);
	for (int i = 0; i < rows->count; i++)
	{
		int			node = cmig_graph_find_id(now->graph, rows->names[i]);

		if (node >= 0)
			cmig_graph_mark(needing, node);
	}
	cmig_graph_mark_ancestors(now->graph, needing, false);
	trees = cmig_trees_find(now->graph);
	for (int i = 0; i < plan->count; i++)
	{
		int			node = plan->steps[i].node;
		const CmigEdges *dependents = &now->graph->nodes[node].dependents;

		for (int j = 0; j < dependents->count; j++)
			if (needing->set[dependents->nodes[j]] && trees[dependents->nodes[j]] != trees[node])
				ereport(ERROR,
						(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
						 errmsg("revision \"%s\" cannot be reverted because scopes need it",
								cmig_graph_id(now->graph, node)),
						 errdetail("Revision \"%s\", which depends on it, is applied in at least one scope.",
								   cmig_graph_id(now->graph, dependents->nodes[j])),
						 errhint("Downgrade the scopes first. SELECT * FROM cmig.scope_version shows their revisions.")));
	}
}

CmigPlan *
cmig_move_plan_upgrade(const CmigSituation *now, const CmigNames *targets)
{
	List	   *nodes;
	CmigPlan   *plan;
	StringInfoData target;

	cmig_applied_require_sound(now->graph, now->applied, true);
	nodes = cmig_target_upgrade(now->graph, now->applied, targets);
	cmig_applied_require_known(now->graph, now->applied);
	plan = cmig_plan_upgrade(now->graph, now->applied, nodes);
	require_outside(now, plan);
	cmig_repeatable_add_due(now->graph, now->applied, plan, now->elsewhere);

	/* the targets as an SQL expression: a string or an array */
	initStringInfo(&target);
	for (int i = 0; i < targets->count; i++)
		appendStringInfo(&target, "%s%s", i > 0 ? ", " : "", quote_literal_cstr(targets->names[i]));
	plan->target = targets->count == 1 ? target.data : psprintf("ARRAY[%s]", target.data);
	return plan;
}

CmigPlan *
cmig_move_plan_downgrade(const CmigSituation *now, const char *target,
						 CmigDowngradeTarget **resolved)
{
	CmigPlan   *plan;

	/*
	 * allow version rows that are superfluous because other rows depend on
	 * them; the plan removes them
	 */
	cmig_applied_require_sound(now->graph, now->applied, false);
	*resolved = cmig_target_downgrade(now->graph, now->applied, target);
	cmig_applied_require_known(now->graph, now->applied);
	plan = cmig_plan_downgrade(now->graph, now->applied, *resolved);
	require_unneeded(now, plan);
	plan->target = quote_literal_cstr(target);
	return plan;
}

/*
 * Raise an error if "to", the target of a downgrade, is above the state in
 * *now, which is the start of "range".
 */
static void
require_downward(const CmigSituation *now, const char *range, const char *to)
{
	/*
	 * without version rows, the range starts at base, so only "base" is a
	 * valid target
	 */
	if (now->applied->rows->count > 0)
	{
		int			node = cmig_target_downgrade(now->graph, now->applied, to)->node;

		if (node < 0 || now->applied->applied->set[node])
			return;
	}
	else if (strcmp(to, "base") == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_INVALID_TARGET),
			 errmsg("downgrade target \"%s\" is not below \"%s\"", to,
					pnstrdup(range, strlen(range) - strlen(to) - 1)),
			 errhint("The range of a downgrade goes from a later revision to an earlier one. To go up, use cmig.script('upgrade', ...)")));
}

CmigPlan *
cmig_move_plan_range(CmigSituation *now, CmigDirection direction, char *target, bool *from_here)
{
	char	   *colon;
	char	   *to = target;
	CmigPlan   *plan;

	if (target == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 direction == CMIG_UPGRADE ? cmig_hint("`SELECT cmig.script('upgrade', 'head')`")
				 : cmig_hint("`SELECT cmig.script('downgrade', '-1')`")));

	*from_here = true;
	colon = strchr(target, ':');
	if (colon)
	{
		char	   *from = pnstrdup(target, colon - target);
		CmigNames	start = {1, &from};
		CmigNames  *rows = palloc0(sizeof(CmigNames));
		List	   *nodes;

		to = colon + 1;
		if (*from == '\0' || *to == '\0' || strchr(to, ':'))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a range", target),
					 errhint("A range has the form from:to, such as base:head or 002:004.")));
		if (strcmp(from, "current") != 0)
		{
			*from_here = false;
			now->elsewhere = true;
			nodes = cmig_target_list(now->graph, &start, true);
			rows->names = palloc(sizeof(char *) * (list_length(nodes) + 1));
			foreach_int(node, nodes)
				rows->names[rows->count++] = cmig_graph_id(now->graph, node);
			now->applied = cmig_applied_find(now->graph, rows);
		}
	}

	if (direction == CMIG_UPGRADE)
	{
		CmigNames	wanted = {1, &to};

		plan = cmig_move_plan_upgrade(now, &wanted);
		if (plan->count == 0 && !*from_here && now->applied->rows->count > 0)
		{
			List	   *nodes = cmig_target_upgrade(now->graph, now->applied, &wanted);

			if (nodes == NIL || !list_member_int(now->applied->nodes, linitial_int(nodes)))
				ereport(ERROR,
						(errcode(ERRCODE_CMIG_INVALID_TARGET),
						 errmsg("upgrade target \"%s\" is not above \"%s\"", to,
								pnstrdup(target, colon - target)),
						 cmig_hint("The range of an upgrade goes from an earlier revision to a later one. To go down: `SELECT cmig.script('downgrade', %s)`", quote_literal_cstr(target))));
		}
	}
	else
	{
		CmigDowngradeTarget *resolved;

		if (!*from_here)
			require_downward(now, target, to);
		plan = cmig_move_plan_downgrade(now, to, &resolved);
	}
	return plan;
}

int *
cmig_move_choose_applied(const CmigSituation *now, const char *target, int *count)
{
	CmigGraph  *graph = now->graph;
	CmigMarks  *marks = now->applied->applied;
	List	   *targets;
	int		   *nodes;

	cmig_applied_require_known(graph, now->applied);
	if (target != NULL)
	{
		targets = cmig_target_absolute(graph, target);
		cmig_pending_require(now, targets, target);
		marks = cmig_graph_marks(graph);
		foreach_int(node, targets)
			(void) cmig_graph_mark(marks, node);
		cmig_graph_mark_ancestors(graph, marks, true);
		return cmig_graph_order(graph, marks, count);
	}
	nodes = cmig_graph_order(graph, marks, count);
	nodes = repalloc_huge(nodes, sizeof(int) * (Size) (*count + graph->repeatable_count + 1));
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		if (cmig_repeatable_state(graph, i) == CMIG_REPEATABLE_CURRENT)
			nodes[(*count)++] = i;
	return nodes;
}

/*
 * Restore points
 *
 * With cmig.restore_point, each run creates one before it in the WAL, with
 * pg_create_restore_point(), which requires the privilege to call that
 * function.  The restore point after the run must follow the commit record, so
 * a transaction callback writes it.
 */

static bool restore_point = false;

#define RUN_TIME_SIZE 40

/*
 * The time at which the current run began, as it appears in the names of its
 * restore points; empty if the run has none.
 */
static char run_time[RUN_TIME_SIZE] = "";

/* A completed run whose second restore point is created after the commit. */
typedef struct CompleteRun
{
	char		time[RUN_TIME_SIZE];
	TransactionId xid;			/* the (sub)transaction of the run */
} CompleteRun;

/*
 * The completed runs of the current transaction (of CompleteRun *), in
 * TopTransactionContext.
 */
static List *complete = NIL;

static CmigQuery may_create = {
	.sql = "SELECT has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE')::text"
};

static CmigQuery create_point = {"SELECT pg_create_restore_point($1)", {TEXTOID}};

/*
 * Transaction callback: after a commit, create the second restore point of
 * each completed run that was not rolled back to a savepoint.
 */
static void
end_transaction(XactEvent event, void *arg)
{
	List	   *runs = complete;

	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	complete = NIL;
	if (event != XACT_EVENT_COMMIT)
		return;
	foreach_ptr(const CompleteRun, run, runs)
	{
		char		name[64];

		if (!TransactionIdDidCommit(run->xid))
			continue;
		snprintf(name, sizeof(name), "cmig_%s_after", run->time);
		(void) XLogRestorePoint(name);
	}
}

void
cmig_restore_point_init(void)
{
	DefineCustomBoolVariable(cmig_settings_name("cmig.restore_point"),
							 "Creates restore points before and after each run.",
							 NULL, &restore_point, false, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(end_transaction, NULL);
}

char *
cmig_restore_point_before(void)
{
	char	   *may;
	char	   *name;
	char	   *after;
	Datum		values[1];
	struct pg_tm tm;
	fsec_t		fsec;

	run_time[0] = '\0';
	if (!cmig_settings_bool("cmig.restore_point", restore_point))
		return NULL;
	may = cmig_query_value(&may_create);
	if (may == NULL || strcmp(may, "true") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to create a restore point"),
				 errdetail("cmig.restore_point is on."),
				 errhint("GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO %s",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));

	/* the time in UTC */
	if (timestamp2tm(GetCurrentTimestamp(), NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	snprintf(run_time, sizeof(run_time), "%04d%02d%02d_%02d%02d%02d_%06d", tm.tm_year, tm.tm_mon,
			 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
	name = psprintf("cmig_%s_before", run_time);
	after = psprintf("cmig_%s_after", run_time);
	values[0] = CStringGetTextDatum(name);
	(void) cmig_query_run(&create_point, values, NULL);
	ereport(NOTICE,
			(errmsg("created restore point %s", name),
			 errdetail("It marks the state before the run. Restore point %s will be created after the run has committed.",
					   after),
			 errhint("To restore one of these states, set recovery_target_name to the name of its restore point.")));
	return psprintf("restore points %s and %s", name, after);
}

void
cmig_restore_point_after_commit(void)
{
	MemoryContext old;
	CompleteRun *run;

	if (run_time[0] == '\0')
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	run = palloc(sizeof(CompleteRun));
	memcpy(run->time, run_time, sizeof(run->time));
	run->xid = GetCurrentTransactionId();
	complete = lappend(complete, run);
	MemoryContextSwitchTo(old);
	run_time[0] = '\0';
}
