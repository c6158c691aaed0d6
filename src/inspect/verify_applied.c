/*
 * verify_applied.c
 *	  Implements cmig.verify, which runs the verify sections of applied
 *	  revisions.
 *
 * Each section runs in its own subtransaction, which is rolled back.
 * Therefore, a section cannot change anything, and its failure does not
 * prevent other sections from running.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/citus.h"
#include "base/errors.h"
#include "base/listing.h"
#include "base/subtransaction.h"
#include "graph/graph_walk.h"
#include "move/move.h"
#include "move/pending.h"
#include "run/extension.h"
#include "run/placeholder_values.h"
#include "run/run_limit.h"
#include "run/runner.h"
#include "run/running.h"
#include "tables/catalog.h"
#include "tables/repeatable.h"
#include "tables/wrong_call.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(cmig_verify);
PG_FUNCTION_INFO_V1(cmig_verify_wrong);
PG_FUNCTION_INFO_V1(cmig_verify_texts);

#define COLUMNS 3

/* State of a cmig.verify call. */
typedef struct Verification
{
	ReturnSetInfo *result;
	CmigListing failed;
	int			count;			/* number of revisions with a verify section */
} Verification;

/* Returns the revisions to verify, parents first. */
static int *
choose(const CmigSituation *now, const char *target, int *count)
{
	List	   *nodes;
	CmigMarks  *marks;
	ListCell   *cell;

	cmig_applied_require_known(now->graph, now->applied);
	if (target == NULL || strcmp(target, "current") == 0)
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

/*
 * Did the verify section itself cause the error?  Returns false for errors with
 * other causes, such as cancellation or a lack of resources.
 */
static bool
is_failure(const ErrorData *error)
{
	return !cmig_subtransaction_must_rethrow(error) &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
}

/* Formats a verify section's error for the result. */
static char *
failure_text(const ErrorData *error)
{
	return psprintf("%s\n%s", error->sqlerrcode == ERRCODE_CMIG_VERIFY_FAILED && error->detail ?
					error->detail : error->message, cmig_script_run_place(error));
}

/* Verify one revision, and add its row. */
static void
verify(Verification *verification, const char *id)
{
	CmigStoredScript *script = cmig_catalog_read_script(id, CMIG_UPGRADE);
	CmigRunStep step = {.revision = id,.direction = CMIG_UPGRADE,.transactional = true,.sql = ""};
	ErrorData  *error;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	if (script == NULL || script->verify_sql == NULL)
		return;
	step.verify_sql = cmig_placeholder_values_insert(script->verify_sql, &script->placeholders, id, "verify");
	error = cmig_subtransaction_rehearse(run_section, &step);
	if (error != NULL && !is_failure(error))
		ReThrowError(error);
	if (error != NULL)
		cmig_listing_add(&verification->failed, id);
	verification->count++;
	values[0] = CStringGetTextDatum(id);
	values[1] = BoolGetDatum(error == NULL);
	nulls[2] = error == NULL;
	values[2] = error == NULL ? (Datum) 0 : CStringGetTextDatum(failure_text(error));
	tuplestore_putvalues(verification->result->setResult, verification->result->setDesc, values, nulls);
}

/* Verify the repeatable revisions that do not have to run again. */
static void
verify_repeatables(Verification *verification, const CmigGraph *graph)
{
	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CHECK_FOR_INTERRUPTS();
		if (cmig_repeatable_state(graph, node) == CMIG_REPEATABLE_CURRENT)
			verify(verification, cmig_graph_id(graph, node));
	}
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

	InitMaterializedSRF(fcinfo, 0);
	verification.result = (ReturnSetInfo *) fcinfo->resultinfo;
	cmig_listing_init(&verification.failed, CMIG_LISTING_QUOTED);
	cmig_running_require_idle("cmig.verify()");
	cmig_citus_require_coordinator("cmig.verify()");
	cmig_extension_share();
	cmig_run_limit_start();
	now = cmig_move_read(true);
	target = cmig_argument_text(fcinfo, 0);
	nodes = choose(&now, target, &count);

	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig verify", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		verify(&verification, cmig_graph_id(now.graph, nodes[i]));
		MemoryContextReset(context);
	}
	if (target == NULL || strcmp(target, "current") == 0)
		verify_repeatables(&verification, now.graph);
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

Datum
cmig_verify_wrong(PG_FUNCTION_ARGS)
{
	cmig_wrong_call(fcinfo, 0, PG_NARGS() - 1, "SELECT * FROM cmig.verify(", CMIG_SEVERAL_NONE);
}

/*
 * Variant for two text arguments.  Accepts verify('001', 'true'), in which the
 * second argument is a boolean, but not verify('001', '002').
 */
Datum
cmig_verify_texts(PG_FUNCTION_ARGS)
{
	char	   *text = cmig_argument_text(fcinfo, 1);
	bool		raise = false;

	if (text != NULL && !parse_bool(text, &raise))
		cmig_wrong_call(fcinfo, 0, 1, "SELECT * FROM cmig.verify(", CMIG_SEVERAL_NONE);
	fcinfo->args[1].value = BoolGetDatum(raise);
	return cmig_verify(fcinfo);
}
