/*
 * round_trip.c
 *	  cmig.verify and cmig.round_trip.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "run/run.h"
#include "schema/schema.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Implements cmig.verify, which runs the verify sections of applied
 * revisions.
 *
 * Each section runs in its own subtransaction, which is rolled back.
 * Therefore, a section cannot change anything, and its failure does not
 * prevent other sections from running.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_verify);

#define VERIFY_COLUMNS 3

/* State of a cmig.verify call. */
typedef struct Verification
{
	ReturnSetInfo *result;
	CmigListing failed;
	int			count;			/* number of revisions with a verify section */
} Verification;

/*
 * Returns the revisions to verify, parents first.  "target" is NULL for all
 * applied revisions.
 */
static int *
choose_applied(const CmigSituation *now, const char *target, int *count)
{
	List	   *nodes;
	CmigMarks  *marks;
	ListCell   *cell;

	cmig_applied_require_known(now->graph, now->applied);
	if (target == NULL)
		return cmig_graph_order(now->graph, now->applied->applied, count);
	nodes = cmig_target_absolute(now->graph, target);
	cmig_pending_require(now, nodes, target);
	marks = cmig_graph_marks(now->graph);
	foreach(cell, nodes)
		(void) cmig_graph_mark(marks, lfirst_int(cell));
	cmig_graph_mark_ancestors(now->graph, marks, true);
	return cmig_graph_order(now->graph, marks, count);
}

/* Subtransaction callback: run one revision's verify section. */
static void
run_section(void *step)
{
	cmig_runner_begin();
	cmig_runner_verify(step);
}

/* Verify one revision, and add its row. */
static void
verify(Verification *verification, const char *id)
{
	CmigStoredScript *script = cmig_catalog_read_script(id, CMIG_UPGRADE);
	CmigRunStep step = {.revision = id,.direction = CMIG_UPGRADE,.transactional = true,.sql = ""};
	ErrorData  *error;
	Datum		values[VERIFY_COLUMNS];
	bool		nulls[VERIFY_COLUMNS] = {0};

	if (script == NULL || script->verify_sql == NULL)
		return;
	step.verify_sql = cmig_placeholder_values_insert(script->verify_sql, &script->placeholders, id, "verify");
	error = cmig_subtransaction_rehearse(run_section, &step);
	nulls[2] = error == NULL;
	values[2] = (Datum) 0;
	if (error != NULL)
	{
		/*
		 * rethrow errors that the section itself has not caused, such as
		 * cancellation or a lack of resources
		 */
		if (cmig_subtransaction_must_rethrow(error) ||
			ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE)
			ReThrowError(error);
		cmig_listing_add(&verification->failed, id);
		values[2] = CStringGetTextDatum(psprintf("%s\n%s", error->sqlerrcode == ERRCODE_CMIG_VERIFY_FAILED && error->detail ?
												 error->detail : error->message, cmig_script_run_place(error)));
	}
	verification->count++;
	values[0] = CStringGetTextDatum(id);
	values[1] = BoolGetDatum(error == NULL);
	tuplestore_putvalues(verification->result->setResult, verification->result->setDesc, values, nulls);
}

Datum
cmig_verify(PG_FUNCTION_ARGS)
{
	Verification verification = {0};
	CmigSituation now;
	MemoryContext context;
	MemoryContext caller;
	int			count;
	int		   *nodes;
	char	   *target;
	bool		all;

	InitMaterializedSRF(fcinfo, 0);
	verification.result = (ReturnSetInfo *) fcinfo->resultinfo;
	cmig_listing_init(&verification.failed, CMIG_LISTING_QUOTED);
	cmig_running_require_idle("cmig.verify()");
	cmig_citus_require_coordinator("cmig.verify()");
	cmig_extension_share();
	cmig_run_limit_start();
	now = cmig_move_read(true);
	target = cmig_argument_text(fcinfo, 0);
	all = target == NULL || strcmp(target, "current") == 0;
	nodes = choose_applied(&now, all ? NULL : target, &count);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig verify", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		verify(&verification, cmig_graph_id(now.graph, nodes[i]));
		MemoryContextReset(context);
	}
	/* also verify the repeatable revisions that do not have to run again */
	for (int node = now.graph->count; all && node < now.graph->count + now.graph->repeatable_count; node++)
	{
		CHECK_FOR_INTERRUPTS();
		if (cmig_repeatable_state(now.graph, node) == CMIG_REPEATABLE_CURRENT)
			verify(&verification, cmig_graph_id(now.graph, node));
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	if (verification.count == 0)
		ereport(NOTICE,
				(errmsg("no applied revision has a verify section")));
	if (verification.failed.count > 0 && cmig_argument_bool(fcinfo, 1, false))
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_VERIFY_FAILED),
				 errmsg_plural("%d revision failed its verification", "%d revisions failed their verification",
							   verification.failed.count, verification.failed.count),
				 errdetail("Verification failed for %s.", cmig_listing_text(&verification.failed)),
				 errhint("SELECT * FROM cmig.verify() shows why.")));
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * Collects the result rows of cmig.round_trip.
 * ----------------------------------------------------------------
 */

/* A result row.  All fields except revision and problem may be NULL. */
typedef struct CmigRoundTripRow
{
	const char *revision;
	const char *problem;
	const char *kind;
	const char *object;
	const char *missing_sql;	/* statements that fix the problem */
	const char *message;
} CmigRoundTripRow;

/* The result rows so far, and the memory context in which they live. */
typedef struct CmigRoundTripRows
{
	MemoryContext context;
	List	   *rows;			/* of CmigRoundTripRow * */
} CmigRoundTripRows;

/*
 * Add a row.  The row's strings are copied, except for "revision" and
 * "problem".
 */
static void
add_row(CmigRoundTripRows *rows, const CmigRoundTripRow *row)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->context);
	CmigRoundTripRow *kept = palloc(sizeof(CmigRoundTripRow));

	*kept = *row;
	kept->kind = row->kind ? pstrdup(row->kind) : NULL;
	kept->object = row->object ? pstrdup(row->object) : NULL;
	kept->missing_sql = row->missing_sql ? pstrdup(row->missing_sql) : NULL;
	kept->message = row->message ? pstrdup(row->message) : NULL;
	rows->rows = lappend(rows->rows, kept);
	MemoryContextSwitchTo(caller);
}

/* Add a row for an error in a script. */
static void
add_error(CmigRoundTripRows *rows, const char *revision,
		  const char *problem, const ErrorData *error)
{
	CmigRoundTripRow row = {revision, problem};

	row.message = psprintf("%s\n%s", error->detail != NULL ? error->detail : error->message,
						   cmig_script_run_place(error));
	add_row(rows, &row);
}

/*
 * Compare two images, and add a row for each difference.  When executed one
 * after another, the statements in the rows change "from" into "to".  A
 * statement that is only an intermediate step belongs to the row of the
 * preceding difference or, if there is none, to the first row.  If "problem" is
 * NULL, the differences are those that a downgrade leaves, and say by
 * themselves what is wrong.
 */
static void
compare(CmigRoundTripRows *rows, const char *revision,
		const char *problem, CmigImage *from, CmigImage *to)
{
	CmigDiffOptions options = {.owners = true,.privileges = true,.comments = true};
	List	   *lines = NIL;
	List	   *objects;
	CmigRoundTripRow row = {revision};
	ListCell   *cell;

	if (cmig_image_same(from, to))
		return;
	options.role = GetUserNameFromId(GetUserId(), false);
	cmig_deparse(cmig_compare(from, to, &options), cmig_diff_line_add, &lines);
	objects = cmig_diff_line_objects(lines);
	foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (list_member_ptr(objects, line))
		{
			if (row.object != NULL)
			{
				add_row(rows, &row);
				row.missing_sql = row.message = NULL;
			}
			row.problem = problem ? problem :
				strcmp(cmig_diff_line_action(line), "drop") == 0 ? "left behind" :
				strcmp(cmig_diff_line_action(line), "create") == 0 ? "not restored" : "left changed";
			row.kind = line->kind;
			row.object = line->object;
		}
		if (line->upgrade == NULL)
			row.message = line->hazard;
		else
			row.missing_sql = row.missing_sql == NULL ? line->upgrade :
				psprintf("%s;\n%s", row.missing_sql, line->upgrade);
	}
	if (row.object != NULL)
		add_row(rows, &row);
}

/* ----------------------------------------------------------------
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
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_round_trip);

#define ROUND_TRIP_COLUMNS 6

/* The state of a cmig.round_trip call. */
typedef struct RoundTrip
{
	const CmigGraph *graph;
	CmigReplayPlan *plan;
	int			only;			/* the only revision to test, or -1 for all */
	CmigReplay *replay;
	bool	   *failed;			/* by node: true if replaying the node or one
								 * of its ancestors has failed */
	CmigRoundTripRows rows;
	MemoryContext context;		/* memory context of the "before" image */
	CmigImage  *before;			/* NULL if no image has been read */
	CmigImage  *after;
	/* current step */
	int			node;
	const CmigRepeatableRun *run;
	const char *stage;			/* problem to report if the step fails */
} RoundTrip;

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
	image = cmig_replay_image(trip->replay, NULL, &assumed);
	AtEOXact_GUC(false, guc_level);
	return image;
}

/* Rethrow the error unless a script has caused it. */
static void
require_replay_error(ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
		ReThrowError(error);
}

/*
 * One revision
 */

/* Subtransaction callback: run the current revision's upgrade script. */
static void
upgrade(void *arg)
{
	RoundTrip  *trip = arg;

	cmig_replay_step(trip->replay, trip->node, CMIG_UPGRADE);
}

/*
 * Subtransaction callback: run the downgrade and the second upgrade, and add a
 * row for each difference that they leave.
 */
static void
there_and_back(void *arg)
{
	RoundTrip  *trip = arg;
	const char *id = cmig_graph_id(trip->graph, trip->node);
	CmigImage  *image;

	trip->stage = "downgrade fails";
	cmig_replay_step(trip->replay, trip->node, CMIG_DOWNGRADE);
	image = read_image(trip);
	trip->stage = "second upgrade fails";
	if (cmig_image_same(image, trip->before))
	{
		cmig_replay_step(trip->replay, trip->node, CMIG_UPGRADE);
		return;
	}
	compare(&trip->rows, id, NULL, image, trip->before);
	cmig_replay_step(trip->replay, trip->node, CMIG_UPGRADE);
	compare(&trip->rows, id, "second upgrade differs", read_image(trip), trip->after);
}

/* Test the current revision, and add a row for each problem. */
static void
judge(RoundTrip *trip)
{
	const CmigRevision *revision = trip->graph->nodes[trip->node].revision;
	CmigRoundTripRow row = {revision->id, "no downgrade"};
	ErrorData  *error;

	if (revision->irreversible)
	{
		row.message = "the revision has no downgrade script";
		add_row(&trip->rows, &row);
		return;
	}
	error = cmig_subtransaction_rehearse(there_and_back, trip);
	if (error == NULL)
		return;
	require_replay_error(error);
	add_error(&trip->rows, revision->id, trip->stage, error);
}

/* Does the revision build on a revision that could not be replayed? */
static bool
is_cut_off(const RoundTrip *trip, int node)
{
	int			below;

	for (int k = 0; (below = cmig_graph_edge_down(&trip->graph->nodes[node], k, true)) >= 0; k++)
		if (trip->failed[below])
			return true;
	return false;
}

/* Replay a revision and then test its downgrade. */
static void
take(RoundTrip *trip, int node)
{
	MemoryContext old = trip->context;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig image",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	ErrorData  *error;

	trip->node = node;
	error = cmig_subtransaction_try(upgrade, trip);
	if (error != NULL)
	{
		require_replay_error(error);
		trip->failed[node] = true;
		add_error(&trip->rows, cmig_graph_id(trip->graph, node),
				  "cannot be replayed", error);
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		return;
	}
	trip->after = read_image(trip);
	judge(trip);
	MemoryContextSwitchTo(caller);
	trip->before = trip->after;
	trip->context = context;
	MemoryContextDelete(old);
}

/*
 * Add a row for a revision that was not tested because an ancestor cannot be
 * replayed.
 */
static void
cut_off(RoundTrip *trip, int node, const char *message)
{
	CmigRoundTripRow row = {cmig_graph_id(trip->graph, node), "cannot be replayed"};

	trip->failed[node] = true;
	row.message = message;
	add_row(&trip->rows, &row);
}

/*
 * Ancestors of the tested revision
 */

/* Subtransaction callback: run the ancestors' upgrade scripts. */
static void
upgrade_ancestors(void *arg)
{
	RoundTrip  *trip = arg;

	cmig_replay_upgrade(trip->replay, trip->plan->nodes, trip->plan->count - 1);
}

/*
 * Replay the tested revision's ancestors.  If one of them cannot be replayed,
 * adds a row and returns false.
 */
static bool
replay_ancestors(RoundTrip *trip)
{
	ErrorData  *error = cmig_subtransaction_try(upgrade_ancestors, trip);

	if (error == NULL)
		return true;
	require_replay_error(error);
	cut_off(trip, trip->only, psprintf("it builds on revision \"%s\", which cannot be replayed: %s\n%s",
									   cmig_replay_failed(), error->detail, cmig_script_run_place(error)));
	return false;
}

/*
 * Repeatable revisions
 */

/* Subtransaction callback: run a repeatable revision's script. */
static void
run_repeatable(void *arg)
{
	RoundTrip  *trip = arg;

	cmig_replay_repeatable(trip->replay, trip->run);
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
		cmig_replay_step(trip->replay, trip->node, CMIG_DOWNGRADE);
	}
}

/*
 * Replay the repeatable revisions twice, after all other revisions.  Then test
 * that the downgrades still work in the presence of the objects that the
 * repeatable revisions have created.
 */
static void
take_repeatables(RoundTrip *trip)
{
	ErrorData  *error;
	ListCell   *lc;

	foreach(lc, trip->plan->runs)
	{
		const char *problem = "cannot be replayed";

		CHECK_FOR_INTERRUPTS();
		trip->run = lfirst(lc);
		error = cmig_subtransaction_try(run_repeatable, trip);
		if (error == NULL)
		{
			problem = "second run fails";
			error = cmig_subtransaction_try(run_repeatable, trip);
		}
		if (error == NULL)
			continue;
		require_replay_error(error);
		add_error(&trip->rows, cmig_graph_id(trip->graph, trip->run->node), problem, error);
	}
	if (trip->rows.rows != NIL)
		return;					/* the downgrades would fail for the same
								 * reasons */
	error = cmig_subtransaction_rehearse(downgrade_all, trip);
	if (error == NULL)
		return;
	require_replay_error(error);
	add_error(&trip->rows, cmig_graph_id(trip->graph, trip->node),
			  "downgrade fails", error);
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
	int			first = trip->only >= 0 ? plan->count - 1 : 0;
	MemoryContext caller;

	trip->replay = replay;
	trip->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig image",
										  ALLOCSET_DEFAULT_SIZES);
	if (trip->only >= 0 && !replay_ancestors(trip))
		return;
	caller = MemoryContextSwitchTo(trip->context);
	trip->before = read_image(trip);
	MemoryContextSwitchTo(caller);
	for (int i = first; i < plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_cut_off(trip, plan->nodes[i]))
			cut_off(trip, plan->nodes[i], "it builds on a revision that cannot be replayed");
		else
			take(trip, plan->nodes[i]);
	}
	if (plan->runs != NIL)
		take_repeatables(trip);
	MemoryContextDelete(trip->context);
}

/*
 * Merges
 */

/* A merge revision whose branches are replayed in two orders. */
typedef struct Merge
{
	RoundTrip  *trip;
	int			node;
	int		   *common;			/* ancestors shared by all parents */
	int			ncommon;
	int		   *first;			/* the branches' nodes, in one order ("first")
								 * and in another ("second") */
	int		   *second;
	int			nbranches;
	int		   *order;
	CmigImage  *image;
} Merge;

/*
 * Append those of the marked nodes that are not in "taken" to "nodes", in the
 * order of the graph, and add them to "taken".  Returns the new number of
 * nodes.
 */
static int
append_branch(const CmigGraph *graph, const CmigMarks *marks, bool *taken, int *nodes, int count)
{
	int			n;
	int		   *order = cmig_graph_order(graph, marks, &n);

	for (int i = 0; i < n; i++)
		if (!taken[order[i]])
		{
			taken[order[i]] = true;
			nodes[count++] = order[i];
		}
	return count;
}

/*
 * Determine the branches of a merge and their common ancestors.  Returns false
 * if one of these revisions could not be replayed.
 */
static bool
divide(Merge *merge)
{
	const CmigGraph *graph = merge->trip->graph;
	const CmigEdges *parents = &graph->nodes[merge->node].parents;
	CmigMarks **marks = palloc(sizeof(CmigMarks *) * parents->count);
	CmigMarks  *common = cmig_graph_marks(graph);
	bool	   *taken = palloc0(sizeof(bool) * graph->count);

	for (int i = 0; i < parents->count; i++)
	{
		marks[i] = cmig_graph_marks(graph);
		(void) cmig_graph_mark(marks[i], parents->nodes[i]);
		cmig_graph_mark_ancestors(graph, marks[i], true);
	}
	for (int node = 0; node < graph->count; node++)
	{
		bool		all = true;

		for (int i = 0; i < parents->count; i++)
			all = all && marks[i]->set[node];
		if (all)
			(void) cmig_graph_mark(common, node);
		for (int i = 0; i < parents->count; i++)
			if (marks[i]->set[node] && merge->trip->failed[node])
				return false;
	}
	merge->first = palloc(sizeof(int) * graph->count);
	merge->second = palloc(sizeof(int) * graph->count);
	merge->common = cmig_graph_order(graph, common, &merge->ncommon);
	memcpy(taken, common->set, sizeof(bool) * graph->count);
	for (int i = 0; i < parents->count; i++)
		merge->nbranches = append_branch(graph, marks[i], taken, merge->first, merge->nbranches);
	memcpy(taken, common->set, sizeof(bool) * graph->count);
	merge->nbranches = 0;
	for (int i = parents->count - 1; i >= 0; i--)
		merge->nbranches = append_branch(graph, marks[i], taken, merge->second, merge->nbranches);
	return true;
}

/*
 * Subtransaction callback: replay the branches in one order, and then read an
 * image.
 */
static void
replay_order(void *arg)
{
	Merge	   *merge = arg;

	cmig_replay_upgrade(merge->trip->replay, merge->order, merge->nbranches);
	merge->image = read_image(merge->trip);
}

/*
 * Replay a merge's branches in one order, and return the image read after
 * that.  If the replay fails, adds a row and returns NULL.
 */
static CmigImage *
image_of(Merge *merge, int *order)
{
	ErrorData  *error;

	merge->order = order;
	error = cmig_subtransaction_rehearse(replay_order, merge);
	if (error == NULL)
		return merge->image;
	require_replay_error(error);
	add_error(&merge->trip->rows, cmig_graph_id(merge->trip->graph, merge->node),
			  "order of branches matters", error);
	return NULL;
}

/* CmigReplayTask callback: replay both orders of a merge. */
static void
replay_merge(CmigReplay *replay, void *arg)
{
	Merge	   *merge = arg;
	CmigImage  *first;
	CmigImage  *second;

	merge->trip->replay = replay;
	cmig_replay_upgrade(replay, merge->common, merge->ncommon);
	first = image_of(merge, merge->first);
	second = image_of(merge, merge->second);
	if (first != NULL && second != NULL)
		compare(&merge->trip->rows,
				cmig_graph_id(merge->trip->graph, merge->node),
				"order of branches matters", second, first);
}

/* Test whether both orders of a merge's branches produce the same schema. */
static void
judge_merge(RoundTrip *trip, int node)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig merge",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Merge		merge = {.trip = trip,.node = node};

	if (trip->graph->nodes[node].parents.count > 1 && divide(&merge))
		cmig_replay_run(trip->graph, "cmig.round_trip()", replay_merge, &merge);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * cmig.round_trip
 */

static void
put_rows(FunctionCallInfo fcinfo, const List *rows)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	foreach(cell, rows)
	{
		const CmigRoundTripRow *row = lfirst(cell);
		const char *texts[ROUND_TRIP_COLUMNS] = {row->revision, row->problem, row->kind, row->object, row->missing_sql, row->message};
		Datum		values[ROUND_TRIP_COLUMNS];
		bool		nulls[ROUND_TRIP_COLUMNS];

		for (int i = 0; i < ROUND_TRIP_COLUMNS; i++)
		{
			nulls[i] = texts[i] == NULL;
			values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(texts[i]);
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* Raise an error that lists the problems, as requested by raise => true. */
static void
refuse(const List *rows)
{
	CmigListing listing;
	ListCell   *cell;

	cmig_listing_init(&listing, CMIG_LISTING_LINES);
	foreach(cell, rows)
	{
		const CmigRoundTripRow *row = lfirst(cell);

		if (row->object != NULL)
			cmig_listing_add_format(&listing, "%s: %s: %s %s", row->revision, row->problem, row->kind, row->object);
		else
			cmig_listing_add_format(&listing, "%s: %s", row->revision, row->problem);
	}
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_ROUND_TRIP),
			 errmsg("downgrades do not revert their upgrades"),
			 errdetail_plural("There is %d problem:\n%s", "There are %d problems:\n%s",
							  list_length(rows), list_length(rows), cmig_listing_text(&listing)),
			 errhint("SELECT * FROM cmig.round_trip()")));
}

/*
 * Determine which revisions to replay and, if "revision" is not NULL, which one
 * to test.
 */
static void
choose(RoundTrip *trip, const CmigSituation *now, const char *revision)
{
	List	   *nodes;

	trip->graph = now->graph;
	trip->failed = palloc0(sizeof(bool) * Max(now->graph->count, 1));
	trip->only = -1;
	if (revision == NULL)
	{
		trip->plan = cmig_replay_plan_all(now);
		return;
	}
	nodes = cmig_target_absolute(now->graph, revision);
	if (list_length(nodes) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_INVALID_TARGET),
				 errmsg("\"%s\" does not identify a single revision", revision),
				 errhint("Specify one revision, or test all of them: SELECT * FROM cmig.round_trip()")));
	trip->only = linitial_int(nodes);
	trip->plan = cmig_replay_plan_nodes(now->graph, nodes);
}

CMIG_READER(cmig_round_trip)
{
	RoundTrip	trip = {0};
	CmigSituation now;

	cmig_scope_refuse("cmig.round_trip()", "RESET cmig.scope");
	InitMaterializedSRF(fcinfo, 0);
	now = cmig_move_read(true);
	choose(&trip, &now, cmig_argument_text(fcinfo, 0));
	trip.rows.context = CurrentMemoryContext;

	cmig_replay_run(trip.graph, "cmig.round_trip()", replay_revisions, &trip);
	for (int i = 0; i < trip.plan->count; i++)
		if (trip.only < 0 || (trip.plan->nodes[i] == trip.only && !trip.failed[trip.only]))
			judge_merge(&trip, trip.plan->nodes[i]);
	if (trip.rows.rows != NIL && cmig_argument_bool(fcinfo, 1, false))
		refuse(trip.rows.rows);
	put_rows(fcinfo, trip.rows.rows);
	return (Datum) 0;
}
