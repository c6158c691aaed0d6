/*
 * replay.c
 *	  Running revisions in the shadow.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_enum.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "kinds/kinds.h"
#include "move/move.h"
#include "parse/parse.h"
#include "run/run.h"
#include "schema/internal.h"
#include "schema/shadow.h"
#include "store/store.h"

/* ----------------------------------------------------------------
 * Finds the search_path with which revisions ran in this database.
 *
 * A replay by a role with another search_path must create the same objects.
 * ----------------------------------------------------------------
 */

typedef struct CmigReplayPaths CmigReplayPaths;

/* A revision and its search_path. */
typedef struct PathEntry
{
	const char *revision;		/* the hash key */
	const char *path;
} PathEntry;

/* The search_paths with which revisions ran. */
struct CmigReplayPaths
{
	HTAB	   *paths;			/* hash table of PathEntry */
	char	   *own;			/* the session's search_path */
	List	   *unsafe;			/* schemas in which other roles can create
								 * objects, as C strings */
};

static uint32
hash_revision(const void *key, Size size)
{
	const char *revision = *(const char *const *) key;

	return string_hash(revision, strlen(revision) + 1);
}

static int
compare_revisions(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static HTAB *
make_table(void)
{
	HASHCTL		info = {
		.keysize = sizeof(char *),.entrysize = sizeof(PathEntry),
		.hash = hash_revision,.match = compare_revisions,.hcxt = CurrentMemoryContext
	};

	return hash_create("pg_cmig search_path", 64, &info,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/*
 * Returns a search_path with the role in place of "$user", or NULL if the
 * search_path is not a valid list.  An empty search_path is returned as a pair
 * of double quotes.
 */
static char *
resolve_user(const char *path, const char *role)
{
	StringInfoData result;
	List	   *names;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(path), ',', &names))
		return NULL;
	initStringInfo(&result);
	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "",
						 quote_identifier(role != NULL && strcmp(name, "$user") == 0 ? role : name));
	}
	return result.len > 0 ? result.data : pstrdup("\"\"");
}

/* Row callback: add a name to a list. */
static void
add_name(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **names = arg;

	*names = lappend(*names, cmig_query_text(desc, row, 1));
}

/*
 * Returns the search_path with which a revision ran, with "$user" replaced
 * with the role that ran it.  Returns NULL if the revision would start with
 * the same search_path now, or if the journal does not contain its
 * search_path.
 *
 * Raises error MG014 if the search_path contains a schema in which a role
 * other than the current role and superusers can create objects, because that
 * role could decide which functions the revision's script calls.  Schemas that
 * are in the shadow or in the session's own search_path are accepted.
 */
static const char *
replay_path_find(const CmigReplayPaths *paths, CmigShadow *shadow, const char *revision)
{
	PathEntry  *entry = paths == NULL ? NULL : hash_search(paths->paths, &revision, HASH_FIND, NULL);
	List	   *names;
	List	   *own;
	ListCell   *cell;

	if (entry == NULL)
		return NULL;

	/*
	 * Raise an error if the revision's search_path contains a schema in which
	 * another role could create objects.  Schemas in the shadow or in the
	 * session's search_path are accepted.
	 */
	own = NIL;
	(void) SplitIdentifierString(pstrdup(entry->path), ',', &names);
	if (paths->own != NULL)
		(void) SplitIdentifierString(pstrdup(paths->own), ',', &own);
	foreach(cell, names)
	{
		const char *name = lfirst(cell);

		if (!cmig_text_list_has(paths->unsafe, name) || cmig_text_list_has(own, name) ||
			cmig_shadow_find(shadow, name) != NULL)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NOT_REPLAYABLE),
				 errmsg("revision \"%s\" cannot be replayed", entry->revision),
				 errdetail("According to cmig.journal, it ran with search_path %s. Other roles can create objects in schema \"%s\", which the current role does not own.",
						   entry->path, name),
				 errhint("If that search_path is correct, call the function as a role that owns the schema. Otherwise, correct it in the last row of the upgrade in cmig.journal.")));
	}
	return entry->path;
}

/* ----------------------------------------------------------------
 * Runs revision scripts in the shadow, to see what they create.
 *
 * As in a real run, scripts run with cmig.role, and the session is restored
 * after each script.  The search_path is the one that the journal records for
 * a revision, or else cmig.search_path.  However, everything happens in one
 * transaction: CONCURRENTLY is removed, pg_cmig's procedures do not commit,
 * nontransactional revisions run like others, and statements that cannot run
 * in a transaction and do not change a schema (such as VACUUM) are left out.
 * verify_sql is not run.  Objects outside the schemas are treated as in a
 * target (see schema.h).
 *
 * Scripts see the rows of pg_cmig's own tables, but nothing is written to
 * these tables.
 *
 * Each script starts with a fresh session state, as in a real run.  Between
 * scripts, PostgreSQL's list of uncommitted enum values is reset to the
 * caller's, because a real run may have committed at that point.
 * ----------------------------------------------------------------
 */

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
	if (cmig_subtransaction_must_rethrow(error) || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
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
		{
			const CmigStatement *statement = &run->statement;
			const char *reason;

			/* run one statement of a script */
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
			if (!run->step->transactional)
				commit_enums(replay);
		}
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
		ErrorContextCallback callback;
		const char *path = replay_path_find(replay->paths, replay->state.shadow, run.step->revision);

		/* run a script in its own session state */
		callback.callback = cmig_script_run_describe_error;
		callback.arg = &run;
		callback.previous = error_context_stack;
		error_context_stack = &callback;

		run.phase = "before its first statement";
		cmig_session_enter(&session);
		if (path != NULL)
			cmig_session_use_path(path);

		/*
		 * Do not check the function bodies of an upgrade: they are checked
		 * when the upgrade is run, and PL/pgSQL never frees what it compiles.
		 * A downgrade is replayed to test it, so it fails as it would in a
		 * run.
		 */
		if (run.step->direction == CMIG_UPGRADE)
			cmig_settings_override("check_function_bodies", "off");
		/* do not show the revision's messages, which were shown when it ran */
		if (client_min_messages < ERROR)
			cmig_settings_override("client_min_messages", "error");
		cmig_target_utility_watch(&replay->state);
		run.phase = NULL;
		run_statements(replay, &run);
		run.phase = "after its last statement";
		cmig_session_leave(&session);
		cmig_target_utility_watch(NULL);
		commit_enums(replay);

		error_context_stack = callback.previous;
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

/* Subtransaction callback: read an image. */
static void
read_image(void *arg)
{
	Reading    *reading = arg;

	CmigManaged *managed;

	if (reading->assumed != NULL)
	{
		ListCell   *cell;

		/*
		 * make visible the extensions that no script has created, and list
		 * their names
		 */
		cmig_target_extension_begin(&reading->replay->state);
		CommandCounterIncrement();
		foreach(cell, reading->replay->state.shadow->extensions)
			if (!((CmigExtension *) lfirst(cell))->declared)
			*reading->assumed = lappend(*reading->assumed, ((CmigExtension *) lfirst(cell))->name);
	}
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

	cmig_target_begin(&replay->state, shadow);
	replay->task(replay, replay->arg);
}

void
cmig_replay_run(const CmigGraph *graph, const char *caller, CmigReplayTask task, void *arg)
{
	CmigReplay	replay = {.graph = graph,.caller = caller,.task = task,.arg = arg};
	Size		size = EstimateUncommittedEnumsSpace();
	CmigManaged *managed = cmig_managed_schemas(NULL);
	CmigReplayPaths *paths = NULL;
	char	   *role = cmig_session_role();
	ListCell   *lc;

	/*
	 * the search_path of each revision that, according to the journal, did
	 * not run with the search_path with which it would start now
	 */
	foreach(lc, cmig_journal_read_paths(cmig_session_search_path(), role))
	{
		char	  **row = lfirst(lc);
		char	   *resolved = resolve_user(row[1], row[2]);
		bool		found;

		if (resolved == NULL)
			continue;
		if (paths == NULL)
		{
			paths = palloc0(sizeof(CmigReplayPaths));
			paths->paths = make_table();
		}
		((PathEntry *) hash_search(paths->paths, &row[0], HASH_ENTER, &found))->path = resolved;
	}
	if (paths != NULL)
	{
		static CmigQuery query = {
			.sql = "SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname ~ '^pg_(toast_)?temp_'"
			" OR EXISTS (SELECT FROM (SELECT n.nspowner AS oid UNION ALL"
			"  SELECT a.grantee FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE') g"
			"  LEFT JOIN pg_roles r ON r.oid = g.oid"
			"  WHERE r.rolsuper IS NOT TRUE AND r.rolname IS DISTINCT FROM current_user)"
		};
		List	   *names;

		paths->own = resolve_user(cmig_session_search_path(), role);

		/*
		 * The schemas in which any role other than the current role and
		 * superusers can create objects.  Temporary schemas count, too: they
		 * belong to the bootstrap superuser, but the objects in them do not.
		 */
		names = NIL;
		cmig_query_each(&query, NULL, NULL, add_name, &names);
		paths->unsafe = names;
	}
	replay.paths = paths;
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
	whole->replayed->elsewhere = replay->state.target->elsewhere;
}

/* Replay a plan, and read the result. */
static CmigReplayed *
read_plan(Whole whole, const char *caller)
{
	const CmigManaged *managed;

	whole.replayed = palloc0(sizeof(CmigReplayed));

	/*
	 * raise an error if one of the existing schemas does not belong to the
	 * caller
	 */
	managed = whole.schemas == NULL ? NULL : cmig_managed_schemas(whole.schemas);
	for (int i = 0; managed != NULL && i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid) && !managed->schemas[i].owned)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of schema %s", managed->schemas[i].name),
					 errdetail("%s replays revisions in the schema and rolls them back.", caller),
					 errhint("Leave out the schema, or call the function as the schema's owner.")));
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

/* ----------------------------------------------------------------
 * Functions that let tests examine a shadow.
 *
 * The extension's SQL script does not declare these functions; tests declare
 * them as superuser.
 *
 * cmig_shadow_probe(target text, probe text, schemas text[]) RETURNS SETOF
 * text runs the target's SQL in a shadow of the schemas.  It returns the
 * managed schemas, the notes about the target, and the first column of the
 * query "probe", which is run in the shadow.
 *
 * cmig_shadow_probe_rename(schema text, name text, probe text) runs the query
 * while the schema has the given name.
 *
 * cmig_replay_probe(plan text, probe text) replays a plan ('applied', 'all',
 * or a revision's id), and returns the first column of the query.
 * ----------------------------------------------------------------
 */

PG_FUNCTION_INFO_V1(cmig_shadow_probe);
PG_FUNCTION_INFO_V1(cmig_shadow_probe_rename);
PG_FUNCTION_INFO_V1(cmig_replay_probe);

/* A query to be run while a target exists. */
typedef struct Probe
{
	ReturnSetInfo *result;
	char	   *target;
	char	   *query;
} Probe;

static void
put(Probe *probe, const char *text)
{
	Datum		value;
	bool		isnull = text == NULL;

	value = isnull ? (Datum) 0 : CStringGetTextDatum(text);
	tuplestore_putvalues(probe->result->setResult, probe->result->setDesc, &value, &isnull);
}

static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	put(arg, cmig_query_text_or_null(desc, row, 1));
}

static void
run_probe(CmigShadow *shadow, void *arg)
{
	Probe	   *probe = arg;
	CmigTarget *target = NULL;
	CmigManaged *managed;
	ListCell   *cell;

	if (probe->target != NULL)
		target = cmig_target_run(shadow, probe->target, NIL);
	if (shadow != NULL)
	{
		managed = cmig_shadow_schemas(shadow);
		for (int i = 0; i < managed->count; i++)
			put(probe, psprintf("schema %s%s", managed->schemas[i].name,
								!OidIsValid(managed->schemas[i].oid) ? ", missing" :
								managed->schemas[i].owned ? "" : ", of another role"));
	}
	if (target != NULL)
	{
		foreach(cell, target->notes)
		{
			CmigTargetNote *note = lfirst(cell);

			put(probe, psprintf("%s %s, line %d: %s", note->kind, note->object,
								note->line, note->reason));
		}
		foreach(cell, target->renames)
		{
			put(probe, psprintf("rename %s", (char *) lfirst(cell)));
		}
	}
	if (probe->query != NULL)
		(void) cmig_query_once(psprintf("SELECT x::text FROM (%s) AS p(x)", probe->query), 0, NULL, NULL, NULL, true, put_row, probe);
}

Datum
cmig_shadow_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};
	CmigNames  *names = NULL;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.target = cmig_argument_text(fcinfo, 0);
	probe.query = cmig_argument_text(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		names = cmig_argument_names(PG_GETARG_ARRAYTYPE_P(2), "the list of schemas", NULL);
	cmig_shadow_run(cmig_managed_schemas(names), "shadow_probe()", run_probe, &probe);
	return (Datum) 0;
}

Datum
cmig_shadow_probe_rename(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.query = cmig_argument_text(fcinfo, 2);
	cmig_shadow_rename(get_namespace_oid(cmig_argument_text(fcinfo, 0), false),
					   cmig_argument_text(fcinfo, 1), "shadow_probe_rename()",
					   run_probe, &probe);
	return (Datum) 0;
}

/* A query to be run after a replay. */
typedef struct ReplayProbe
{
	Probe	   *probe;
	CmigReplayPlan *plan;
} ReplayProbe;

static void
replay_probe(CmigReplay *replay, void *arg)
{
	ReplayProbe *replayed = arg;

	cmig_replay_whole(replay, replayed->plan);
	run_probe(NULL, replayed->probe);
}

Datum
cmig_replay_probe(PG_FUNCTION_ARGS)
{
	Probe		probe = {0};
	ReplayProbe replayed = {&probe};
	char	   *plan = cmig_argument_text(fcinfo, 0);
	CmigSituation now = cmig_move_read(false);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	probe.result = (ReturnSetInfo *) fcinfo->resultinfo;
	probe.query = cmig_argument_text(fcinfo, 1);
	replayed.plan = strcmp(plan, "applied") == 0 ? cmig_replay_plan_applied(&now) :
		strcmp(plan, "all") == 0 ? cmig_replay_plan_all(&now) :
		cmig_replay_plan_nodes(now.graph, cmig_target_absolute(now.graph, plan));
	cmig_replay_run(now.graph, "replay_probe()", replay_probe, &replayed);
	return (Datum) 0;
}
