/*
 * round_trip.c
 *	  cmig.verify and cmig.round_trip.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "schema/schema.h"
#include "plan/internal.h"

/*
 * Implements cmig.verify, which runs the verify sections of applied
 * revisions.
 *
 * Each section runs in its own subtransaction, which is rolled back.
 * Therefore, a section cannot change anything, and its failure does not
 * prevent other sections from running.
 */

PG_FUNCTION_INFO_V1(cmig_verify);

/* Subtransaction callback: run one revision's verify section. */
static void
run_section(void *step)
{
	cmig_runner_begin();
	cmig_runner_run(step, CMIG_RUN_VERIFY);
}

Datum
cmig_verify(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *target = cmig_argument_text(fcinfo, 0);
	CmigListing failed;
	CmigSituation now;
	MemoryContext context;
	MemoryContext caller;
	int			count;
	int		   *nodes;
	bool		any = false;

	InitMaterializedSRF(fcinfo, 0);
	cmig_listing_init(&failed, CMIG_LISTING_QUOTED);
	cmig_running_require_idle("cmig.verify()");
	cmig_citus_require_coordinator("cmig.verify()");
	cmig_extension_share();
	cmig_run_limit_start();
	now = cmig_move_read(true);
	nodes = cmig_move_choose_applied(&now, target == NULL ||
									 strcmp(target, "current") == 0 ? NULL : target, &count);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig verify", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		const char *id = cmig_graph_id(now.graph, nodes[i]);
		CmigRevisionText *script = cmig_catalog_read_text(id);
		CmigRunStep step =
		{.revision = id,.direction = CMIG_UPGRADE,.transactional = true,.sql = ""};
		ErrorData  *error;
		const char *row[] = {id, "t", NULL};

		CHECK_FOR_INTERRUPTS();
		if (script == NULL || script->verify_sql == NULL)
			continue;
		step.verify_sql = cmig_placeholder_values_insert(script->verify_sql, &script->placeholders,
														 id, "verify", NULL);
		step.file_name = script->file_name;
		step.file_lines[1] = script->file_lines[2];
		error = cmig_subtransaction_rehearse(run_section, &step);

		/*
		 * rethrow errors that the section itself has not caused, such as
		 * cancellation or a lack of resources
		 */
		if (error != NULL && (cmig_subtransaction_must_rethrow(error) ||
							  ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE))
			ReThrowError(error);
		any = true;
		if (error != NULL)
		{
			cmig_listing_add(&failed, id);
			row[1] = "f";
			row[2] = psprintf("%s\n%s", error->sqlerrcode == ERRCODE_CMIG_VERIFY_FAILED &&
							  error->detail ? error->detail : error->message,
							  cmig_script_run_place(error));
		}
		cmig_result_add_strings(result, lengthof(row), row);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	if (!any)
		ereport(NOTICE,
				(errmsg("no applied revision has a verify section")));
	if (failed.count > 0 && cmig_argument_bool(fcinfo, 1, false))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_VERIFY_FAILED),
				 errmsg_plural("%d revision failed its verification",
							   "%d revisions failed their verification",
							   failed.count, failed.count),
				 errdetail("Verification failed for %s.", cmig_listing_text(&failed)),
				 cmig_hint("`SELECT * FROM cmig.verify()` shows why.")));
	return (Datum) 0;
}

/*
 * Implements cmig.round_trip, which upgrades, downgrades, and upgrades
 * again in a shadow.
 *
 * A shadow (schema/schema.h) is a subtransaction that starts with empty managed
 * schemas and that is rolled back.  The revisions are replayed once in the
 * shadow, in order.  After each upgrade, the revision's downgrade and a second
 * upgrade run in a subtransaction that is rolled back, so that objects left
 * behind by the downgrade do not affect later revisions.  An image
 * (kinds/kinds.h) is a description of all objects in the managed schemas.  The
 * image read after a revision is the "before" image of the next revision.  If
 * the downgrade restores the "before" image, the second upgrade only needs to
 * succeed, because it starts from the same schema as the first upgrade.
 *
 * The branches of each merge are then replayed in both orders.  Each merge has
 * its own shadow.
 */

PG_FUNCTION_INFO_V1(cmig_round_trip);

/* The state of a cmig.round_trip call. */
typedef struct RoundTrip
{
	FunctionCallInfo fcinfo;	/* receives the result rows */
	CmigListing problems;		/* the result rows, for an error */
	const CmigGraph *graph;
	CmigReplayPlan *plan;
	int			only;			/* the only revision to test, or -1 for all */
	CmigReplay *replay;
	bool	   *failed;			/* by node: true if replaying the node or one
								 * of its ancestors has failed */
	MemoryContext context;		/* memory context of the "before" image */
	CmigImage  *before;			/* image before the current revision */
	CmigImage  *after;			/* image after the last upgrade */
	/* what to replay */
	const int  *nodes;
	int			count;
	const CmigRepeatableRun *run;
	/* current revision */
	int			node;
	const char *stage;			/* problem to report if the replay fails */
	bool		lost;			/* does its downgrade revoke privileges on a
								 * schema? */
} RoundTrip;

/* The branches of a merge, in two orders. */
typedef struct Merge
{
	RoundTrip  *trip;
	int			node;
	int		   *common;			/* ancestors shared by all parents */
	int			ncommon;
	int		   *orders[2];
	int			nbranches;
} Merge;

/*
 * Rows
 */

/* Add a row.  All strings except revision and problem can be NULL. */
static void
add_row(RoundTrip *trip, const char *revision, const char *problem, const char *kind,
		const char *object, const char *missing_sql, const char *message)
{
	cmig_result_add_text(trip->fcinfo, revision, problem, kind, object, missing_sql, message);
	if (object != NULL)
		cmig_listing_add_format(&trip->problems, "%s: %s: %s %s", revision, problem, kind, object);
	else
		cmig_listing_add_format(&trip->problems, "%s: %s", revision, problem);
}

/*
 * If a replay has raised an error that a script has caused, add a row, and
 * return true.
 */
static bool
has_failed(RoundTrip *trip, int node, const char *problem, ErrorData *error)
{
	if (error == NULL)
		return false;
	if (error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
		ReThrowError(error);
	add_row(trip, cmig_graph_id(trip->graph, node), problem, NULL, NULL, NULL,
			psprintf("%s\n%s", error->detail != NULL ? error->detail : error->message,
					 cmig_script_run_place(error)));
	return true;
}

/*
 * Compare two images, and add a row for each difference.  When executed one
 * after another, the statements in the rows change "from" into "to".  A
 * statement that is only an intermediate step belongs to the row of the
 * preceding difference or, if there is none, to the first row.  If "problem" is
 * NULL, the differences are those that a downgrade leaves, and say by
 * themselves what is wrong.
 *
 * A shadow's schemas have the privileges of the live ones, so an upgrade may
 * grant what is there already.  What a downgrade has revoked is therefore wrong
 * only if the second upgrade does not grant it again: the first comparison only
 * sets trip->lost, and one with the problem LOST looks for it.
 */
#define LOST "left changed"
static void
compare(RoundTrip *trip, int node, const char *problem, CmigImage *from, CmigImage *to)
{
	CmigDiffOptions options = {.owners = true,.privileges = true,.comments = true};
	const char *id = cmig_graph_id(trip->graph, node);
	const CmigDiffLine *object = NULL;	/* the object of the row */
	const char *sql = NULL;
	const char *message = NULL;
	List	   *lines = NIL;
	List	   *objects;

	if (cmig_image_same(from, to))
		return;
	options.role = GetUserNameFromId(GetUserId(), false);
	cmig_diff_lines(cmig_compare(from, to, &options), &lines);
	objects = cmig_diff_line_objects(lines);
	lines = lappend(lines, NULL);
	foreach_ptr(const CmigDiffLine, line, lines)
	{
		if (object != NULL && (line == NULL || list_member_ptr(objects, line)))
		{
			const char *action = cmig_diff_line_action(object);
			bool		grants = strcmp(object->kind, "schema") == 0 &&
			strcmp(action, "create") != 0 && object->grants;

			if (grants && problem == NULL)
				trip->lost = true;
			else if (grants || problem == NULL || strcmp(problem, LOST) != 0)
				add_row(trip, id, problem ? problem : strcmp(action, "drop") == 0 ? "left behind" :
						strcmp(action, "create") == 0 ? "not restored" : LOST,
						object->kind, object->object, sql, message);
			sql = message = NULL;
		}
		if (line == NULL)
			break;
		if (list_member_ptr(objects, line))
			object = line;
		if (line->upgrade == NULL)
			message = line->hazard;
		else
			sql = sql == NULL ? line->upgrade : psprintf("%s;\n%s", sql, line->upgrade);
	}
}

/*
 * Read an image of all objects, including extensions that no script creates.
 * The same queries run hundreds of times, so generic plans are forced to save
 * planning time.
 */
static CmigImage *
read_image(RoundTrip *trip)
{
	List	   *assumed = NIL;
	int			guc_level = NewGUCNestLevel();
	CmigImage  *image;

	cmig_settings_override("plan_cache_mode", "force_generic_plan");
	image = cmig_replay_image(trip->replay, &assumed);
	AtEOXact_GUC(false, guc_level);
	return image;
}

/* Subtransaction callback: upgrade through trip->nodes, and read an image. */
static void
upgrade(void *arg)
{
	RoundTrip  *trip = arg;

	if (trip->count > 0)
		cmig_replay_nodes(trip->replay, trip->nodes, trip->count, CMIG_UPGRADE, NULL);
	trip->after = read_image(trip);
}

/*
 * One revision
 */

/*
 * Subtransaction callback: run the downgrade and the second upgrade, and add a
 * row for each difference that they leave.
 */
static void
there_and_back(void *arg)
{
	RoundTrip  *trip = arg;
	CmigImage  *image;
	CmigImage  *again;

	trip->stage = "downgrade fails";
	trip->lost = false;
	cmig_replay_nodes(trip->replay, &trip->node, 1, CMIG_DOWNGRADE, NULL);
	image = read_image(trip);
	trip->stage = "second upgrade fails";
	compare(trip, trip->node, NULL, image, trip->before);
	cmig_replay_nodes(trip->replay, &trip->node, 1, CMIG_UPGRADE, NULL);
	if (!cmig_image_same(image, trip->before))
	{
		again = read_image(trip);
		if (trip->lost)
			compare(trip, trip->node, LOST, again, trip->before);
		compare(trip, trip->node, "second upgrade differs", again, trip->after);
	}
}

/* Replay a revision and then test its downgrade. */
static void
take(RoundTrip *trip, int node)
{
	MemoryContext old = trip->context;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig image",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	trip->node = node;
	trip->nodes = &trip->node;
	trip->count = 1;
	trip->failed[node] = has_failed(trip, node, "cannot be replayed",
									cmig_subtransaction_try(upgrade, trip));
	if (trip->failed[node])
	{
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		return;
	}
	if (trip->graph->nodes[node].revision->irreversible)
	{
		/* a downgrade that is generated is made from these images */
		if (!trip->graph->nodes[node].revision->expands)
			add_row(trip, cmig_graph_id(trip->graph, node), "no downgrade", NULL, NULL, NULL,
					"the revision has no downgrade script");
	}
	else
	{
		ErrorData  *error = cmig_subtransaction_rehearse(there_and_back, trip);

		(void) has_failed(trip, node, trip->stage, error);
	}
	MemoryContextSwitchTo(caller);
	trip->before = trip->after;
	trip->context = context;
	MemoryContextDelete(old);
}

/* Add a row for a revision of which an ancestor cannot be replayed. */
static void
cut_off(RoundTrip *trip, int node, const char *message)
{
	trip->failed[node] = true;
	add_row(trip, cmig_graph_id(trip->graph, node), "cannot be replayed", NULL, NULL, NULL,
			message);
}

/* Subtransaction callback: run a repeatable revision's script. */
static void
run_repeatable(void *arg)
{
	RoundTrip  *trip = arg;

	cmig_replay_nodes(trip->replay, &trip->run->node, 1, CMIG_UPGRADE, trip->run);
}

/*
 * Subtransaction callback: run the downgrades, starting at the last revision,
 * until a revision cannot be downgraded.
 */
static void
downgrade_all(void *arg)
{
	RoundTrip  *trip = arg;

	for (int i = trip->plan->count - 1; i >= 0; i--)
	{
		trip->node = trip->plan->nodes[i];
		if (trip->failed[trip->node] || trip->graph->nodes[trip->node].revision->irreversible)
			return;
		cmig_replay_nodes(trip->replay, &trip->node, 1, CMIG_DOWNGRADE, NULL);
	}
}

/*
 * CmigReplayTask callback: replay and test all revisions or, if only one
 * revision is tested, replay its ancestors and then replay and test it.
 */
static void
replay_revisions(CmigReplay *replay, void *arg)
{
	RoundTrip  *trip = arg;
	const CmigReplayPlan *plan = trip->plan;
	MemoryContext caller;
	ErrorData  *error;

	trip->replay = replay;
	trip->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig image",
										  ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(trip->context);
	trip->nodes = plan->nodes;
	trip->count = trip->only >= 0 ? plan->count - 1 : 0;
	error = cmig_subtransaction_try(upgrade, trip);
	MemoryContextSwitchTo(caller);
	if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
		ReThrowError(error);
	if (error != NULL)
	{
		cut_off(trip, trip->only,
				psprintf("it builds on revision \"%s\", which cannot be replayed: %s\n%s",
						 cmig_replay_failed(), error->detail,
						 cmig_script_run_place(error)));
		return;
	}
	trip->before = trip->after;
	for (int i = trip->count; i < plan->count; i++)
	{
		int			node = plan->nodes[i];
		int			below = 0;

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; (below = cmig_graph_edge_down(&trip->graph->nodes[node], k,
													  true)) >= 0; k++)
			if (trip->failed[below])
				break;
		if (below >= 0)
			cut_off(trip, node, "it builds on a revision that cannot be replayed");
		else
			take(trip, node);
	}

	/* the repeatable revisions twice, after all others */
	foreach_ptr(CmigRepeatableRun, each, plan->runs)
	{
		CHECK_FOR_INTERRUPTS();
		trip->run = each;
		if (!has_failed(trip, trip->run->node, "cannot be replayed",
						cmig_subtransaction_try(run_repeatable, trip)))
			(void) has_failed(trip, trip->run->node, "second run fails",
							  cmig_subtransaction_try(run_repeatable, trip));
	}

	/*
	 * Do the downgrades still work in the presence of the objects that the
	 * repeatable revisions have created?  After other problems, they would
	 * fail for the same reasons.
	 */
	if (plan->runs != NIL && trip->problems.count == 0)
	{
		error = cmig_subtransaction_rehearse(downgrade_all, trip);
		(void) has_failed(trip, trip->node, "downgrade fails", error);
	}
	MemoryContextDelete(trip->context);
}

/*
 * Merges
 */

/* CmigReplayTask callback: replay both orders of a merge, and compare. */
static void
replay_merge(CmigReplay *replay, void *arg)
{
	static const char *const problem = "order of branches matters";
	Merge	   *merge = arg;
	RoundTrip  *trip = merge->trip;
	CmigImage  *images[2] = {0};

	trip->replay = replay;
	cmig_replay_nodes(replay, merge->common, merge->ncommon, CMIG_UPGRADE, NULL);
	for (int i = 0; i < 2; i++)
	{
		trip->nodes = merge->orders[i];
		trip->count = merge->nbranches;
		if (!has_failed(trip, merge->node, problem, cmig_subtransaction_rehearse(upgrade, trip)))
			images[i] = trip->after;
	}
	if (images[0] != NULL && images[1] != NULL)
		compare(trip, merge->node, problem, images[1], images[0]);
}

/*
 * Test whether both orders of a merge's branches produce the same schema,
 * unless one of their revisions could not be replayed.
 */
static void
judge_merge(RoundTrip *trip, int node)
{
	const CmigGraph *graph = trip->graph;
	const CmigEdges *parents = &graph->nodes[node].parents;
	Merge		merge = {.trip = trip,.node = node};
	CmigMarks  *common = cmig_graph_marks(graph);
	bool		possible = parents->count > 1;
	int		  **branches = palloc(sizeof(int *) * Max(parents->count, 1));
	int		   *counts = palloc(sizeof(int) * Max(parents->count, 1));
	int		   *reached = palloc0(sizeof(int) * graph->count);	/* by how many parents */

	for (int i = 0; i < parents->count; i++)
	{
		CmigMarks  *marks = cmig_graph_marks(graph);

		(void) cmig_graph_mark(marks, parents->nodes[i]);
		cmig_graph_mark_ancestors(graph, marks, true);
		branches[i] = cmig_graph_order(graph, marks, &counts[i]);
		for (int j = 0; j < counts[i]; j++)
		{
			possible &= !trip->failed[branches[i][j]];
			if (++reached[branches[i][j]] == parents->count)
				(void) cmig_graph_mark(common, branches[i][j]);
		}
	}
	if (!possible)
		return;
	merge.common = cmig_graph_order(graph, common, &merge.ncommon);
	for (int order = 0; order < 2; order++)
	{
		bool	   *taken = palloc(sizeof(bool) * graph->count);

		memcpy(taken, common->set, sizeof(bool) * graph->count);
		merge.orders[order] = palloc(sizeof(int) * graph->count);
		merge.nbranches = 0;
		for (int i = 0; i < parents->count; i++)
		{
			int			branch = order == 0 ? i : parents->count - 1 - i;

			for (int j = 0; j < counts[branch]; j++)
			{
				int			next = branches[branch][j];

				if (!taken[next])
					merge.orders[order][merge.nbranches++] = next;
				taken[next] = true;
			}
		}
	}
	cmig_replay_run(graph, "cmig.round_trip()", replay_merge, &merge);
}

CMIG_READER(cmig_round_trip)
{
	char	   *revision = cmig_argument_text(fcinfo, 0);
	RoundTrip	trip = {.only = -1};
	CmigSituation now;
	List	   *nodes;
	MemoryContext context;
	MemoryContext caller;

	cmig_scope_refuse("cmig.round_trip()", "`RESET cmig.scope`");
	InitMaterializedSRF(fcinfo, 0);
	trip.fcinfo = fcinfo;
	cmig_listing_init(&trip.problems, CMIG_LISTING_LINES);
	now = cmig_move_read(true);
	trip.graph = now.graph;
	trip.failed = palloc0(sizeof(bool) * Max(now.graph->count, 1));
	if (revision == NULL)
		trip.plan = cmig_replay_plan_all(&now);
	else
	{
		nodes = cmig_target_absolute(now.graph, revision);
		if (list_length(nodes) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_INVALID_TARGET),
					 errmsg("\"%s\" does not identify a single revision", revision),
					 cmig_hint("Specify one revision, or test all of them: `SELECT * FROM cmig.round_trip()`")));
		trip.only = linitial_int(nodes);
		trip.plan = cmig_replay_plan_nodes(now.graph, nodes);
	}
	cmig_replay_run(trip.graph, "cmig.round_trip()", replay_revisions, &trip);
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig merge", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < trip.plan->count; i++)
	{
		if (trip.only < 0 || (trip.plan->nodes[i] == trip.only && !trip.failed[trip.only]))
			judge_merge(&trip, trip.plan->nodes[i]);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	if (trip.problems.count > 0 && cmig_argument_bool(fcinfo, 1, false))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_ROUND_TRIP),
				 errmsg("downgrades do not revert their upgrades"),
				 errdetail_plural("There is %d problem:\n%s", "There are %d problems:\n%s",
								  trip.problems.count, trip.problems.count,
								  cmig_listing_text(&trip.problems)),
				 cmig_hint("`SELECT * FROM cmig.round_trip()`")));
	return (Datum) 0;
}
