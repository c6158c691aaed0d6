/*
 * locate.c
 *	  cmig.locate: which revision has the schema of this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "base/errors.h"
#include "schema/internal.h"

/*
 * The revisions are replayed in one shadow, and the schema is compared with the
 * live one after each of them.  At a fork, each branch is replayed in a
 * subtransaction, so that a revision is compared as it is with its ancestors
 * only.  If no revision has the schema, several branches may be applied: the
 * other branches are then replayed after the nearest revision.
 *
 * All states are compared by counting the objects that are not the same; only
 * the nearest ones are compared as by cmig.drift.
 */

PG_FUNCTION_INFO_V1(cmig_locate);

/* How many states are returned, and how many differences of each are named. */
#define MAX_CANDIDATES 5
#define MAX_EXAMPLES 3

/* A state of the database. */
typedef struct Candidate
{
	MemoryContext context;
	CmigMarks  *applied;
	CmigReplayed *replayed;
	int			distance;		/* the number of objects that differ */
	CmigNames	rows;			/* the version rows */
	bool		recorded;		/* are they in the version table? */
	List	   *objects;		/* list of CmigDiffLine: the differences */
} Candidate;

/* A call of cmig.locate. */
typedef struct Locate
{
	CmigSituation now;
	List	   *runs;			/* list of CmigRepeatableRun */
	const CmigImage *live;
	CmigDiffOptions options;
	CmigReplay *replay;
	CmigMarks  *start;			/* replayed before the branches */
	CmigMarks  *applied;		/* what is replayed now */
	CmigMarks  *seen;			/* the nodes that need not be compared */
	CmigMarks  *failed;			/* those that cannot be replayed */
	int			node;			/* the branch to replay */
	CmigReplayed *replayed;
	List	   *nearest;		/* list of Candidate, the nearest one first */
} Locate;

static CmigMarks *
copy_marks(const CmigGraph *graph, const CmigMarks *marks)
{
	CmigMarks  *copy = cmig_graph_marks(graph);

	copy->count = marks->count;
	memcpy(copy->set, marks->set, graph->count);
	return copy;
}

/* Subtransaction callback: read the schema with the repeatable revisions. */
static void
read_state(void *arg)
{
	Locate	   *locate = arg;
	CmigReplayPlan plan = {.graph = locate->now.graph,.runs = locate->runs};

	cmig_replay_plan_run(locate->replay, &plan);
	locate->replayed = cmig_replay_state(locate->replay, NULL, NULL);
}

/* Compare the current state, and keep it if it is among the nearest ones. */
static void
measure(Locate *locate)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig candidate",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Candidate  *candidate = palloc0(sizeof(Candidate));
	int			guc_level = NewGUCNestLevel();
	ErrorData  *error;
	int			place = 0;

	/* the same queries run for each state */
	cmig_settings_override("plan_cache_mode", "force_generic_plan");
	error = cmig_subtransaction_rehearse(read_state, locate);
	if (error != NULL)
		ReThrowError(error);
	AtEOXact_GUC(false, guc_level);
	cmig_replayed_require_owned(locate->replayed);
	candidate->context = context;
	candidate->applied = copy_marks(locate->now.graph, locate->applied);
	candidate->replayed = locate->replayed;
	candidate->distance = cmig_image_distance(locate->live, locate->replayed->image);
	MemoryContextSwitchTo(caller);
	while (place < list_length(locate->nearest) &&
		   ((Candidate *) list_nth(locate->nearest, place))->distance < candidate->distance)
		place++;
	locate->nearest = list_insert_nth(locate->nearest, place, candidate);
	if (list_length(locate->nearest) > MAX_CANDIDATES)
	{
		MemoryContextDelete(((Candidate *) llast(locate->nearest))->context);
		locate->nearest = list_delete_last(locate->nearest);
	}
}

static void fork_branch(Locate *locate, int node);

/* Subtransaction callback: replay a branch. */
static void
visit(void *arg)
{
	Locate	   *locate = arg;
	const CmigGraph *graph = locate->now.graph;

	while (cmig_graph_mark(locate->seen, locate->node))
	{
		CmigMarks  *needed = cmig_graph_marks(graph);
		List	   *next = NIL;
		int			count;
		int		   *order;

		check_stack_depth();
		cmig_graph_mark(needed, locate->node);
		cmig_graph_mark_ancestors(graph, needed, true);
		order = cmig_graph_order(graph, needed, &count);
		for (int i = 0; i < count; i++)
			if (cmig_graph_mark(locate->applied, order[i]))
				cmig_replay_nodes(locate->replay, &order[i], 1, CMIG_UPGRADE, NULL);
		measure(locate);
		foreach_int(number, cmig_identifier_edges(&graph->nodes[locate->node].children, NULL))
		{
			if (!locate->seen->set[number])
				next = lappend_int(next, number);
		}
		if (list_length(next) != 1)
		{
			foreach_int(each, next)
				fork_branch(locate, each);
			return;
		}
		locate->node = linitial_int(next);
	}
}

/*
 * Replay a branch, and roll it back.  If a revision cannot be replayed, only
 * those that build on it are left out.
 */
static void
fork_branch(Locate *locate, int node)
{
	const CmigGraph *graph = locate->now.graph;
	CmigMarks  *applied = locate->applied;
	ErrorData  *error;

	locate->applied = copy_marks(graph, applied);
	locate->node = node;
	error = cmig_replay_rehearse(locate->replay, visit, locate);
	locate->applied = applied;
	if (error == NULL)
		return;
	node = error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE ?
		cmig_graph_find_id(graph, cmig_replay_failed()) : -1;
	if (node < 0)
		ReThrowError(error);
	cmig_graph_mark(locate->failed, node);
	cmig_graph_mark_descendants(graph, locate->failed, true);
	for (int i = 0; i < graph->count; i++)
		if (locate->failed->set[i])
			cmig_graph_mark(locate->seen, i);
	ereport(NOTICE,
			(errmsg_internal("%s", error->message),
			 errdetail("%s The database is not compared with it, and not with revisions that build on it.",
					   error->detail ? error->detail : ""),
			 error->hint ? errhint("%s", error->hint) : 0));
}

/* A CmigReplayTask: replay all branches after the nodes in "start". */
static void
replay_branches(CmigReplay *replay, void *arg)
{
	Locate	   *locate = arg;
	const CmigGraph *graph = locate->now.graph;
	int			count;
	int		   *order = cmig_graph_order(graph, locate->start, &count);

	locate->replay = replay;
	locate->applied = copy_marks(graph, locate->start);
	cmig_replay_nodes(replay, order, count, CMIG_UPGRADE, NULL);
	if (count == 0)
		measure(locate);
	for (int i = 0; i < graph->count; i++)
	{
		const CmigEdges *parents = &graph->nodes[i].parents;

		if (!locate->seen->set[i] &&
			list_length(cmig_identifier_edges(parents, locate->start)) == parents->count)
			fork_branch(locate, i);
	}
}

/* Find the nearest states. */
static void
search(Locate *locate)
{
	const CmigGraph *graph = locate->now.graph;
	const Candidate *best;
	int			distance;

	locate->start = cmig_graph_marks(graph);
	locate->seen = cmig_graph_marks(graph);
	locate->failed = cmig_graph_marks(graph);
	do
	{
		distance = locate->nearest == NIL ? PG_INT32_MAX :
			((Candidate *) linitial(locate->nearest))->distance;
		cmig_replay_run(graph, "cmig.locate()", replay_branches, locate);
		best = linitial(locate->nearest);
		locate->start = copy_marks(graph, best->applied);
		/* what follows the nearest revision has been compared already */
		locate->seen = cmig_graph_marks(graph);
		for (int i = 0; i < graph->count; i++)
			if (best->applied->set[i] && cmig_graph_is_topmost(graph, best->applied, i))
				cmig_graph_mark(locate->seen, i);
		cmig_graph_mark_descendants(graph, locate->seen, true);
		for (int i = 0; i < graph->count; i++)
			if (best->applied->set[i] || locate->failed->set[i])
				cmig_graph_mark(locate->seen, i);
	} while (best->distance > 0 && best->distance < distance && best->applied->count > 0 &&
			 locate->seen->count < graph->count);
}

/* Compare the state as cmig.drift does. */
static void
compare(const Locate *locate, Candidate *candidate)
{
	const CmigGraph *graph = locate->now.graph;
	CmigDrift	drift = {.managed = cmig_managed_schemas(NULL),.replayed = candidate->replayed,
	.options = locate->options};
	CmigSituation then = locate->now;
	int			guc_level;

	candidate->rows.names = palloc(sizeof(char *) * Max(graph->count, 1));
	for (int i = 0; i < graph->count; i++)
		if (candidate->applied->set[i] && cmig_graph_is_topmost(graph, candidate->applied, i))
			candidate->rows.names[candidate->rows.count++] = cmig_graph_id(graph, i);
	cmig_names_sort(&candidate->rows);
	candidate->recorded = cmig_names_same(&candidate->rows, locate->now.applied->rows);
	then.applied = cmig_applied_find(graph, &candidate->rows);
	if (candidate == linitial(locate->nearest))
		cmig_drift_tell_left_out(&drift);

	/* the messages of cmig.drift would be repeated for each state */
	guc_level = NewGUCNestLevel();
	cmig_settings_override("client_min_messages", "warning");
	cmig_drift_begin(&drift, &then);
	candidate->objects = cmig_diff_line_objects(cmig_drift_repair(&drift));
	AtEOXact_GUC(false, guc_level);
}

static int
compare_candidates(const ListCell *a, const ListCell *b)
{
	const Candidate *one = lfirst(a);
	const Candidate *other = lfirst(b);
	int			difference = list_length(one->objects) - list_length(other->objects);

	return difference != 0 ? difference : other->recorded - one->recorded;
}

/* Returns the first differences, one on each line. */
static char *
examples(const Candidate *candidate)
{
	StringInfoData text;

	initStringInfo(&text);
	foreach_ptr(const CmigDiffLine, line, candidate->objects)
	{
		const char *action = cmig_diff_line_action(line);

		if (foreach_current_index(line) == MAX_EXAMPLES)
			break;
		appendStringInfo(&text, "%s%s: %s %s", text.len > 0 ? "\n" : "",
						 line->upgrade == NULL ? "not compared" : strcmp(action, "create") == 0 ?
						 "missing" :
						 strcmp(action, "drop") == 0 ? "additional" : "different", line->kind,
						 line->object);
	}
	return text.data;
}

CMIG_READER(cmig_locate)
{
	static CmigQuery any_run = {"SELECT FROM cmig.journal LIMIT 1"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Locate		locate = {0};
	CmigListing exact;

	cmig_scope_refuse("cmig.locate()", "`RESET cmig.scope`");
	InitMaterializedSRF(fcinfo, 0);
	cmig_running_require_idle("cmig.locate()");
	cmig_extension_share();
	cmig_run_limit_start();
	locate.options.privileges = locate.options.comments = true;
	locate.options.role = GetUserNameFromId(GetUserId(), false);
	cmig_diff_exclude_argument(fcinfo, 0, &locate.options);
	cmig_version_rows_check_snapshot();
	locate.now = cmig_move_read(false);
	locate.runs = cmig_repeatable_runs(locate.now.graph);
	/* the journal was lost, too: the repeatable revisions may have run */
	if (locate.runs == NIL && cmig_query_do(&any_run) == 0)
		locate.runs = cmig_replay_plan_all(&locate.now)->runs;
	foreach_ptr(CmigRepeatableRun, run, locate.runs)
		run->reverted = true;
	locate.live = cmig_image_read(cmig_managed_schemas(NULL));
	search(&locate);
	foreach_ptr(Candidate, one, locate.nearest)
		compare(&locate, one);
	list_sort(locate.nearest, compare_candidates);
	cmig_listing_init(&exact, CMIG_LISTING_QUOTED);
	foreach_ptr(const Candidate, candidate, locate.nearest)
	{
		int			count = candidate->rows.count;
		char	   *names = count > 0 ? cmig_names_text(&candidate->rows) : "base";
		StringInfoData ids;
		char	   *hint;

		initStringInfo(&ids);
		for (int i = 0; i < count; i++)
			appendStringInfo(&ids, "%s%s", i > 0 ? ", " : "",
							 quote_literal_cstr(candidate->rows.names[i]));
		hint = candidate->recorded ?
			psprintf(count > 0 ? "%s already says so" : "%s is already empty",
					 cmig_version_rows_table()) :
			psprintf(count > 1 ? "`SELECT cmig.stamp(ARRAY[%s]%s)`" : "`SELECT cmig.stamp(%s%s)`",
					 count > 0 ? ids.data : "'base'",
					 locate.now.applied->rows->count > 0 ? ", purge => true" : "");
		{
			/* next to a match, nobody should choose another one */
			bool		chosen = candidate->recorded || exact.count == 0 ||
			candidate->objects == NIL;
			const char *row[] = {
				names, psprintf("%d", list_length(candidate->objects)),
				candidate->objects ? examples(candidate) : NULL,
				chosen ? cmig_hint_text(hint) : NULL
			};

			cmig_result_add_strings(result, lengthof(row), row);
		}
		if (candidate->objects == NIL)
			cmig_listing_add(&exact, names);
	}
	if (exact.count > 1)
		ereport(NOTICE,
				(errmsg("several revisions have this schema: %s", cmig_listing_text(&exact)),
				 errdetail("They differ only in rows, which are not compared."),
				 errhint("Find out from the rows which of them ran last.")));
	return (Datum) 0;
}
