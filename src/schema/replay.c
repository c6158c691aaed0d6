/*
 * replay.c
 *	  Runs revision scripts in the shadow, to see what they create.
 *
 * Each script starts with a fresh session state, as in a real run.  Between
 * scripts, PostgreSQL's list of uncommitted enum values is reset to the
 * caller's, because a real run may have committed at that point.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "format/marker.h"
#include "graph/graph_walk.h"
#include "move/step_texts.h"
#include "parse/lexer.h"
#include "parse/script.h"
#include "parse/statement.h"
#include "run/lock_wait.h"
#include "run/placeholder_values.h"
#include "run/runner.h"
#include "run/script_run.h"
#include "run/session.h"
#include "schema/audited.h"
#include "schema/image_read.h"
#include "schema/initial_grants.h"
#include "schema/replay.h"
#include "schema/replay_path.h"
#include "shadow/shadow.h"
#include "shadow/target.h"
#include "shadow/target_extension.h"
#include "shadow/target_state.h"
#include "shadow/target_utility.h"

#include "access/xact.h"
#include "catalog/pg_enum.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* A replay in progress. */
struct CmigReplay
{
	const CmigGraph *graph;
	const char *caller;
	CmigReplayTask task;
	void	   *arg;
	void	   *enums;			/* the caller's uncommitted enum values */
	CmigReplayPaths *paths;		/* search_path of each revision, or NULL */
	CmigTargetState state;
};

/* The revision that could not be replayed; see cmig_replay_failed(). */
static const char *failed = NULL;

/*
 * Plans
 */

/* Returns a plan of the marked nodes, in order. */
static CmigReplayPlan *
make_plan(const CmigGraph *graph, const CmigMarks *marks)
{
	CmigReplayPlan *plan = palloc0(sizeof(CmigReplayPlan));

	plan->graph = graph;
	plan->nodes = cmig_graph_order(graph, marks, &plan->count);
	return plan;
}

CmigReplayPlan *
cmig_replay_plan_applied(const CmigSituation *now)
{
	CmigReplayPlan *plan;

	cmig_applied_require_known(now->graph, now->applied);
	plan = make_plan(now->graph, now->applied->applied);
	plan->runs = cmig_repeatable_runs(now->graph);
	return plan;
}

CmigReplayPlan *
cmig_replay_plan_all(const CmigSituation *now)
{
	CmigMarks  *marks = cmig_graph_marks(now->graph);
	CmigReplayPlan *plan;

	for (int i = 0; i < now->graph->count; i++)
		(void) cmig_graph_mark(marks, i);
	plan = make_plan(now->graph, marks);
	for (int i = now->graph->count; i < now->graph->count + now->graph->repeatable_count; i++)
	{
		CmigRepeatableRun *run = palloc0(sizeof(CmigRepeatableRun));

		run->node = i;
		plan->runs = lappend(plan->runs, run);
	}
	return plan;
}

CmigReplayPlan *
cmig_replay_plan_nodes(const CmigGraph *graph, List *nodes)
{
	CmigMarks  *marks = cmig_graph_marks(graph);
	ListCell   *cell;

	foreach(cell, nodes)
		(void) cmig_graph_mark(marks, lfirst_int(cell));
	cmig_graph_mark_ancestors(graph, marks, true);
	return make_plan(graph, marks);
}

/*
 * Errors
 */

const char *
cmig_replay_failed(void)
{
	return failed;
}

/* Returns true if the script is certainly not the cause of the error. */
static bool
is_from_outside(const ErrorData *error)
{
	return cmig_subtransaction_must_rethrow(error) ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/*
 * Returns the hint for a statement that may have failed only because it was
 * replayed.
 */
static const char *
hint_for(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_INVALID_TRANSACTION_TERMINATION:
			return "A procedure or DO block that commits cannot be replayed. If it does not change the schema, put a line \"-- cmig:replay skip\" before the statement in the revision file, and load the file.";
		case ERRCODE_SYNTAX_ERROR:
			return "Correct the revision file, and load it.";
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_UNDEFINED_SCHEMA:
			return "Each revision is replayed in empty schemas, after the revisions that it builds on. If the object is older than the first revision, begin with cmig.baseline. If the statement does not change the schema itself, put a line \"-- cmig:replay skip\" before it in the revision file, and load the file.";
		default:
			return "Each revision is replayed in empty schemas, after the revisions that it builds on. If the statement needs rows or objects that no revision creates, and does not change the schema itself, put a line \"-- cmig:replay skip\" before it in the revision file, and load the file.";
	}
}

/* Rewrite a script's error so that it describes the replay. */
static void
explain(ErrorData *error, const CmigRunStep *step)
{
	StringInfoData detail;

	if (error->sqlerrcode == ERRCODE_OUT_OF_MEMORY && error->message != NULL &&
		strcmp(error->message, "out of shared memory") == 0)
		error->hint = "The transaction needs a lock for each table of the revisions. Increase max_locks_per_transaction.";
	if (is_from_outside(error))
		return;
	failed = step->revision;
	if (error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE)
		return;
	initStringInfo(&detail);
	appendStringInfo(&detail, "%s.", error->message);
	if (error->detail != NULL)
		appendStringInfo(&detail, " %s", error->detail);
	error->hint = pstrdup(hint_for(error));
	error->message = psprintf(step->direction == CMIG_UPGRADE ?
							  "revision \"%s\" cannot be replayed" :
							  "the downgrade of revision \"%s\" cannot be replayed",
							  step->revision);
	error->detail = detail.data;
	error->sqlerrcode = ERRCODE_CMIG_NOT_REPLAYABLE;
}

/*
 * Running a script
 */

/* Is there a "-- cmig:replay skip" marker between two statements? */
static bool
is_skipped(const char *sql, int from, int to)
{
	CmigLexer	lexer;

	cmig_lexer_init(&lexer, sql);
	cmig_lexer_move(&lexer, sql + from, 1);
	while (cmig_lexer_next(&lexer) != CMIG_TOKEN_END && lexer.start < sql + to)
		if (lexer.type == CMIG_TOKEN_LINE_COMMENT &&
			cmig_marker_is_replay_skip(&lexer, lexer.next))
			return true;
	return false;
}

/*
 * Allow the use of enum values that scripts have added, as after a commit,
 * but not of those that the caller's transaction has added.
 */
static void
commit_enums(CmigReplay *replay)
{
	AtEOXact_Enum();
	RestoreUncommittedEnums(replay->enums);
}

/* Run one statement of a script. */
static void
execute(CmigReplay *replay, const CmigRunStep *step, const CmigStatement *statement)
{
	const char *reason;

	switch (cmig_statement_classify(statement->raw, &reason))
	{
		case CMIG_STATEMENT_TRANSACTION:
		case CMIG_STATEMENT_CLIENT_COPY:
		case CMIG_STATEMENT_DISCARD_ALL:
			cmig_statement_refuse(statement->raw);
			break;
		default:
			break;
	}
	replay->state.line = statement->line;
	cmig_target_execute(&replay->state, statement);
	if (!step->transactional)
		commit_enums(replay);
}

/*
 * Run the statements of a script, except for those below a "-- cmig:replay
 * skip" marker.
 */
static void
run_statements(CmigReplay *replay, CmigScriptRun *run)
{
	const char *sql = run->step->sql;
	bool		has_marker = strstr(sql, "cmig:replay") != NULL;
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	int			end = 0;

	MemoryContextSwitchTo(context);
	while (cmig_runner_next(run, script))
	{
		int			start = run->statement.offset;

		if (!has_marker || !is_skipped(sql, end, start))
			execute(replay, run->step, &run->statement);
		end = start + strlen(run->statement.text);
		MemoryContextSwitchTo(context);
		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);
}

/* Run a script in its own session state. */
static void
run_script(CmigReplay *replay, CmigScriptRun *run, CmigSession *session)
{
	ErrorContextCallback callback;
	const char *path = cmig_replay_path_find(replay->paths, replay->state.shadow, run->step->revision);

	callback.callback = cmig_script_run_describe_error;
	callback.arg = run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	run->phase = "before its first statement";
	cmig_session_enter(session);
	if (path != NULL)
		cmig_session_use_path(path);

	/*
	 * Do not check the function bodies of an upgrade: they are checked when
	 * the upgrade is run, and PL/pgSQL never frees what it compiles.  A
	 * downgrade is replayed to test it, so it fails as it would in a run.
	 */
	if (run->step->direction == CMIG_UPGRADE)
		cmig_settings_override("check_function_bodies", "off");
	/* do not show the revision's messages, which were shown when it ran */
	if (client_min_messages < ERROR)
		cmig_settings_override("client_min_messages", "error");
	cmig_target_utility_watch(&replay->state);
	run->phase = NULL;
	run_statements(replay, run);
	run->phase = "after its last statement";
	cmig_session_leave(session);
	cmig_target_utility_watch(NULL);
	commit_enums(replay);

	error_context_stack = callback.previous;
}

/* Run a script.  If it fails, raise an error that describes the replay. */
static void
replay_script(CmigReplay *replay, const CmigRunStep *stored)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigRunStep step = *stored;
	CmigScriptRun run;
	CmigSession session = {0};

	step.replayed = true;
	cmig_runner_start(&run, &step);
	run.verb = step.direction == CMIG_UPGRADE ? "replay" : "replay of the downgrade";
	PG_TRY();
	{
		run_script(replay, &run, &session);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_target_utility_watch(NULL);
		cmig_session_abandon(&session);
		cmig_runner_stop(&run);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		explain(error, &step);
		ReThrowError(error);
	}
	PG_END_TRY();
	cmig_runner_stop(&run);
}

/* Returns a plan for one direction that contains only these nodes. */
static CmigPlan *
plan_of(const int *nodes, int count, CmigDirection direction)
{
	CmigPlan   *plan = palloc0(sizeof(CmigPlan));

	plan->direction = direction;
	plan->count = count;
	plan->steps = palloc_extended(sizeof(CmigPlanStep) * (Size) Max(count, 1),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < count; i++)
		plan->steps[i].node = nodes[i];
	return plan;
}

void
cmig_replay_upgrade(CmigReplay *replay, const int *nodes, int count)
{
	CmigPlan   *plan = plan_of(nodes, count, CMIG_UPGRADE);
	CmigStepTexts *texts = cmig_step_texts_make(replay->graph, plan);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		replay_script(replay, cmig_step_texts_get(texts, i));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
cmig_replay_step(CmigReplay *replay, int node, CmigDirection direction)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	CmigPlan   *plan = plan_of(&node, 1, direction);

	replay_script(replay, cmig_step_texts_fetch(replay->graph, plan, node));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
cmig_replay_repeatable(CmigReplay *replay, const CmigRepeatableRun *run)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	CmigPlan   *plan = plan_of(&run->node, 1, CMIG_UPGRADE);
	CmigRunStep *step = cmig_step_texts_fetch(replay->graph, plan, run->node);

	if (run->sql != NULL)
		step->sql = cmig_placeholder_values_insert(run->sql, &run->placeholders, step->revision, "upgrade");
	replay_script(replay, step);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* A repeatable revision's script, to be run in a subtransaction. */
typedef struct Repeat
{
	CmigReplay *replay;
	const CmigRepeatableRun *run;
} Repeat;

/* Subtransaction callback: run the script. */
static void
run_repeatable(void *arg)
{
	const Repeat *script = arg;

	cmig_replay_repeatable(script->replay, script->run);
}

void
cmig_replay_whole(CmigReplay *replay, const CmigReplayPlan *plan)
{
	ListCell   *lc;

	cmig_replay_upgrade(replay, plan->nodes, plan->count);
	foreach(lc, plan->runs)
	{
		Repeat		script = {replay, lfirst(lc)};
		ErrorData  *error = NULL;

		CHECK_FOR_INTERRUPTS();
		if (script.run->reverted)
			error = cmig_subtransaction_try(run_repeatable, &script);
		else
			run_repeatable(&script);
		if (error != NULL && error->sqlerrcode != ERRCODE_CMIG_NOT_REPLAYABLE)
			ReThrowError(error);
	}
}

/*
 * Reading the image
 */

/* A request to read an image after a replay, and the image. */
typedef struct Reading
{
	CmigReplay *replay;
	const CmigNames *schemas;
	List	  **assumed;
	CmigReplayFinish finish;	/* see cmig_replay_read_assuming(); or NULL */
	void	   *arg;
	CmigImage  *image;
} Reading;

/*
 * Make visible the extensions that no script has created, and list their
 * names.
 */
static void
assume_extensions(Reading *reading)
{
	CmigShadow *shadow = reading->replay->state.shadow;

	cmig_target_extension_begin(&reading->replay->state);
	CommandCounterIncrement();
	for (int i = 0; i < shadow->nextensions; i++)
		if (!shadow->extensions[i].declared)
			*reading->assumed = lappend(*reading->assumed, shadow->extensions[i].name);
}

/* Subtransaction callback: read an image. */
static void
read_image(void *arg)
{
	Reading    *reading = arg;

	CmigManaged *managed;

	if (reading->assumed != NULL)
		assume_extensions(reading);
	managed = cmig_replay_settle(reading->replay, reading->schemas);
	reading->image = cmig_image_read(managed);
	if (reading->finish != NULL)
		reading->image = reading->finish(managed, reading->image, reading->arg);
}

/* Read an image in a subtransaction. */
static CmigImage *
run_reading(CmigReplay *replay, Reading reading)
{
	CmigShadow *shadow = replay->state.shadow;
	Size		size = sizeof(CmigShadowSchema) * shadow->count;
	CmigShadowSchema *saved = palloc(Max(size, 1));
	ErrorData  *error;

	/*
	 * save the list of schemas, because read_image() removes the schemas in
	 * which the scripts have not created anything yet
	 */
	memcpy(saved, shadow->schemas, size);
	error = cmig_subtransaction_rehearse(read_image, &reading);
	memcpy(shadow->schemas, saved, size);
	pfree(saved);
	if (error != NULL)
		ReThrowError(error);
	return reading.image;
}

CmigImage *
cmig_replay_image(CmigReplay *replay, const CmigNames *schemas, List **assumed)
{
	Reading		reading = {replay, schemas, assumed};

	return run_reading(replay, reading);
}

CmigManaged *
cmig_replay_settle(CmigReplay *replay, const CmigNames *schemas)
{
	CmigManaged *managed;

	cmig_target_extension_settle(&replay->state);
	managed = cmig_shadow_schemas(replay->state.shadow);
	return schemas ? cmig_managed_schemas(schemas) : managed;
}

const CmigTarget *
cmig_replay_target(const CmigReplay *replay)
{
	return replay->state.target;
}

/*
 * The shadow
 */

/* Run the task of a replay in the shadow. */
static void
run_task(CmigShadow *shadow, void *arg)
{
	CmigReplay *replay = arg;

	memset(&replay->state, 0, sizeof(replay->state));
	replay->state.shadow = shadow;
	replay->state.context = CurrentMemoryContext;
	replay->state.target = palloc0(sizeof(CmigTarget));
	replay->state.subtransaction = GetCurrentSubTransactionId();
	replay->task(replay, replay->arg);
}

void
cmig_replay_run(const CmigGraph *graph, const char *caller, CmigReplayTask task, void *arg)
{
	CmigReplay	replay = {.graph = graph,.caller = caller,.task = task,.arg = arg};
	Size		size = EstimateUncommittedEnumsSpace();
	CmigManaged *managed = cmig_managed_schemas(NULL);

	replay.paths = cmig_replay_path_read();
	cmig_managed_add_audit(managed);
	failed = NULL;
	replay.enums = palloc(size);
	SerializeUncommittedEnums(replay.enums, size);
	PG_TRY();
	{
		cmig_shadow_run(managed, caller, run_task, &replay);
	}
	PG_FINALLY();
	{
		commit_enums(&replay);
	}
	PG_END_TRY();
	pfree(replay.enums);
}

/* Whole plans */

/* The arguments and the result of replaying a whole plan. */
typedef struct Whole
{
	const CmigReplayPlan *plan;
	const CmigNames *schemas;
	bool		assume;
	CmigReplayFinish finish;	/* see cmig_replay_read_assuming(); or NULL */
	void	   *arg;
	CmigReplayed *replayed;
} Whole;

/* A CmigReplayTask: run the whole plan, and read the result. */
static void
replay_whole(CmigReplay *replay, void *arg)
{
	Whole	   *whole = arg;
	Reading		reading = {replay, whole->schemas, whole->assume ? &whole->replayed->assumed : NULL, whole->finish, whole->arg};

	cmig_replay_whole(replay, whole->plan);
	whole->replayed->image = run_reading(replay, reading);
	whole->replayed->target = cmig_replay_target(replay);
	whole->replayed->initial = cmig_initial_grants_read();
	whole->replayed->audited = cmig_audited_read();
	whole->replayed->elsewhere = replay->state.elsewhere;
}

/*
 * Raise an error if one of the existing schemas does not belong to the
 * caller.
 */
static void
require_owned(const CmigNames *schemas, const char *caller)
{
	const CmigManaged *managed = schemas == NULL ? NULL : cmig_managed_schemas(schemas);

	for (int i = 0; managed != NULL && i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid) && !managed->schemas[i].owned)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of schema %s", managed->schemas[i].name),
					 errdetail("%s replays revisions in the schema and rolls them back.", caller),
					 errhint("Leave out the schema, or call the function as the schema's owner.")));
}

/* Replay a plan, and read the result. */
static CmigReplayed *
read_plan(Whole whole, const char *caller)
{
	whole.replayed = palloc0(sizeof(CmigReplayed));
	require_owned(whole.schemas, caller);
	cmig_replay_run(whole.plan->graph, caller, replay_whole, &whole);
	return whole.replayed;
}

CmigReplayed *
cmig_replay_read(const CmigReplayPlan *plan, const CmigNames *schemas, const char *caller)
{
	Whole		whole = {plan, schemas};

	return read_plan(whole, caller);
}

CmigReplayed *
cmig_replay_read_assuming(const CmigReplayPlan *plan, const CmigNames *schemas, const char *caller,
						  CmigReplayFinish finish, void *arg)
{
	Whole		whole = {plan, schemas, true, finish, arg};

	return read_plan(whole, caller);
}
