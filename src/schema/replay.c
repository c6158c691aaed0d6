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
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "base/errors.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Finds the search_path with which revisions ran in this database.
 *
 * A replay by a role with another search_path must create the same objects.
 * ----------------------------------------------------------------
 */

/* The search_paths with which revisions ran. */
typedef struct Paths
{
	List	   *paths;			/* list of rows: a revision and its path */
	char	   *own;			/* the session's search_path */
	List	   *unsafe;			/* list of rows: schemas in which other roles
								 * can create objects */
} Paths;

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

	if (!SplitIdentifierString(pstrdup(path), ',', &names))
		return NULL;
	initStringInfo(&result);
	foreach_ptr(const char, name, names)
		appendStringInfo(&result, "%s%s", result.len > 0 ? ", " : "",
						 quote_identifier(role != NULL &&
										  strcmp(name, "$user") == 0 ? role : name));
	return result.len > 0 ? result.data : pstrdup("\"\"");
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
find_path(const Paths *paths, CmigShadow *shadow, const char *revision)
{
	const char *path = NULL;
	List	   *names;
	List	   *own = NIL;

	foreach_ptr(CmigValue, row, paths->paths)
	{
		if (strcmp(row[0], revision) == 0)
			path = row[1];
	}
	if (path == NULL)
		return NULL;
	(void) SplitIdentifierString(pstrdup(path), ',', &names);
	if (paths->own != NULL)
		(void) SplitIdentifierString(pstrdup(paths->own), ',', &own);
	foreach_ptr(CmigValue, values, paths->unsafe)
	{
		const char *name = *values;

		if (cmig_text_list_has(names, name) && !cmig_text_list_has(own, name) &&
			cmig_shadow_find(shadow, name) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_NOT_REPLAYABLE),
					 errmsg("revision \"%s\" cannot be replayed", revision),
					 errdetail("According to cmig.journal, it ran with search_path %s. Other roles can create objects in schema \"%s\", which the current role does not own.",
							   path, name),
					 errhint("If that search_path is correct, call the function as a role that owns the schema. Otherwise, correct it in the last row of the upgrade in cmig.journal.")));
	}
	return path;
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
	CmigReplayTask task;
	void	   *arg;
	void	   *enums;			/* the caller's uncommitted enum values */
	Paths		paths;
	CmigTargetState state;
	CmigReplayStatement run;	/* NULL, or runs a statement */
	void	   *run_arg;
	CmigReplayWatch watch;		/* or NULL */
	void	   *watch_arg;
};

/* The revision that could not be replayed, and the script's own error; see cmig_replay_failed(). */
static const char *failed = NULL;
static int	failed_code = 0;

/* Returns a plan of the marked nodes, in order. */
static CmigReplayPlan *
make_plan(const CmigGraph *graph, const CmigMarks *marks)
{
	CmigReplayPlan *plan = palloc0(sizeof(CmigReplayPlan));

	plan->graph = graph;
	plan->nodes = cmig_graph_order(graph, marks, &plan->count);
	return plan;
}

void
cmig_replay_statements_run(CmigReplay *replay, CmigReplayStatement run, void *arg)
{
	replay->run = run;
	replay->run_arg = arg;
}

void
cmig_replay_watch(CmigReplay *replay, CmigReplayWatch watch, void *arg)
{
	replay->watch = watch;
	replay->watch_arg = arg;
}

CmigTargetState *
cmig_replay_target(CmigReplay *replay)
{
	return &replay->state;
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
	List	   *nodes = NIL;
	CmigReplayPlan *plan;

	for (int i = 0; i < now->graph->count; i++)
		nodes = lappend_int(nodes, i);
	plan = cmig_replay_plan_nodes(now->graph, nodes);
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

	foreach_int(node, nodes)
		(void) cmig_graph_mark(marks, node);
	cmig_graph_mark_ancestors(graph, marks, true);
	return make_plan(graph, marks);
}

const char *
cmig_replay_failed(void)
{
	return failed;
}

int
cmig_replay_failed_code(void)
{
	return failed_code;
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
			return "Each revision is replayed in empty schemas, after the revisions that it builds on. If the object is older than the first revision, begin with `cmig.baseline`. If the statement does not change the schema itself, put a line \"-- cmig:replay skip\" before it in the revision file, and load the file.";
		default:
			return "Each revision is replayed in empty schemas, after the revisions that it builds on. If the statement needs rows or objects that no revision creates, and does not change the schema itself, put a line \"-- cmig:replay skip\" before it in the revision file, and load the file.";
	}
}

/* Rewrite a script's error so that it describes the replay. */
static void
explain(ErrorData *error, const CmigRunStep *step)
{
	if (cmig_error_is_from(error, ERRCODE_OUT_OF_MEMORY, "lock.c"))
		error->hint = "The transaction needs a lock for each table of the revisions. Increase max_locks_per_transaction.";
	if (cmig_subtransaction_must_rethrow(error) || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return;
	failed = step->revision;
	if (error->sqlerrcode == ERRCODE_CMIG_NOT_REPLAYABLE)
		return;
	failed_code = error->sqlerrcode;
	error->hint = cmig_hint_text(hint_for(error));
	/* now an error of pg_cmig that quotes another one */
	error->detail_log = psprintf("%s.", cmig_error_stored(error));
	error->domain = TEXTDOMAIN;
	error->detail = error->detail == NULL ? psprintf("%s.", error->message) :
		psprintf("%s. %s", error->message, error->detail);
	error->message = psprintf(step->direction == CMIG_UPGRADE ?
							  "revision \"%s\" cannot be replayed" :
							  "the downgrade of revision \"%s\" cannot be replayed",
							  step->revision);
	error->sqlerrcode = ERRCODE_CMIG_NOT_REPLAYABLE;
}

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
run_statements(CmigScriptRun *run, void *arg)
{
	CmigReplay *replay = arg;
	const char *sql = run->step->sql;
	bool		has_marker = cmig_marker_may_be_in(sql, "cmig:replay");
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	int			end = 0;

	MemoryContextSwitchTo(context);
	while (cmig_runner_next(run, script))
	{
		int			start = run->statement.offset;

		if (replay->watch != NULL)
			replay->watch(&run->statement, false, replay->watch_arg);
		if (!has_marker || !is_skipped(sql, end, start))
		{
			const CmigStatement *statement = &run->statement;

			/* run one statement of a script */
			cmig_statement_refuse(statement->raw);
			replay->state.line = statement->line;
			if (replay->run != NULL)
				replay->run(&replay->state, statement, replay->run_arg);
			else
				cmig_target_execute(&replay->state, statement);
			if (replay->watch != NULL && !replay->state.passed_over)
				replay->watch(statement, true, replay->watch_arg);
			if (!run->step->transactional)
				commit_enums(replay);
		}
		end = start + strlen(run->statement.text);
		MemoryContextSwitchTo(context);
		run->statement.text = NULL;
		MemoryContextReset(context);
	}
	if (replay->watch != NULL)
		replay->watch(NULL, true, replay->watch_arg);
	MemoryContextSwitchTo(caller);
	run->statement.text = NULL;
	cmig_script_close(script);
	MemoryContextDelete(context);
}

/* Run a script.  If it fails, raise an error that describes the replay. */
static void
replay_script(CmigReplay *replay, CmigRunStep step)
{
	MemoryContext caller = CurrentMemoryContext;
	CmigScriptRun run;
	const char *settings[5] = {NULL};
	int			count = 0;

	/*
	 * Do not check the function bodies of an upgrade: they are checked when
	 * the upgrade is run, and PL/pgSQL never frees what it compiles.  A
	 * downgrade is replayed to test it, so it fails as it would in a run, and
	 * so do statements that are run for their effects.
	 */
	if (step.direction == CMIG_UPGRADE && replay->run == NULL)
	{
		settings[count++] = "check_function_bodies";
		settings[count++] = "off";
	}
	/* do not show the revision's messages, which were shown when it ran */
	if (client_min_messages < ERROR)
	{
		settings[count++] = "client_min_messages";
		settings[count++] = "error";
	}
	step.replayed = true;
	cmig_runner_start(&run, &step);
	run.verb = step.direction == CMIG_UPGRADE ? "replay" : "replay of the downgrade";
	PG_TRY();
	{
		cmig_target_in_session(&replay->state, &run,
							   find_path(&replay->paths, replay->state.shadow, step.revision),
							   settings, run_statements, replay);
		commit_enums(replay);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_runner_stop(&run);
		error = cmig_error_take(caller);
		explain(error, &step);
		ReThrowError(error);
	}
	PG_END_TRY();
	cmig_runner_stop(&run);
}

void
cmig_replay_nodes(CmigReplay *replay, const int *nodes, int count, CmigDirection direction,
				  const CmigRepeatableRun *repeatable)
{
	CmigPlan   *plan = palloc0(sizeof(CmigPlan));
	CmigStepTexts *texts;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig step",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;

	plan->direction = direction;
	plan->count = count;
	plan->steps = palloc_extended(sizeof(CmigPlanStep) * (Size) Max(count, 1),
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < count; i++)
		plan->steps[i].node = nodes[i];
	texts = count > 1 ? cmig_step_texts_make(replay->graph, plan) : NULL;
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < count; i++)
	{
		CmigRunStep step;

		CHECK_FOR_INTERRUPTS();
		step = texts ? *cmig_step_texts_get(texts, i) :
			*cmig_step_texts_fetch(replay->graph, plan, i);
		if (repeatable != NULL && repeatable->sql != NULL)
			step.sql = cmig_placeholder_values_insert(repeatable->sql, &repeatable->placeholders,
													  step.revision, "upgrade", NULL);
		replay_script(replay, step);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	pfree(plan->steps);
	pfree(plan);
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

	cmig_replay_nodes(script->replay, &script->run->node, 1, CMIG_UPGRADE, script->run);
}

void
cmig_replay_copies(CmigReplay *replay, CmigCopies *copies, const char *path)
{
	int			level = NewGUCNestLevel();

	/* what has no tablespace of its own is where the database is */
	cmig_settings_override("default_tablespace", "");
	cmig_copies_make(copies, &replay->state, path);
	AtEOXact_GUC(false, level);
}

/*
 * If a repeatable revision's script cannot be replayed, but a downgrade has
 * been run since the script was last applied, the failure is ignored: the
 * script may need objects that no longer exist.
 */
void
cmig_replay_plan_run(CmigReplay *replay, const CmigReplayPlan *plan)
{
	int			before = cmig_scope_is_set() || plan->watch ? Max(plan->count - 1, 0) : 0;

	/* in a scope, only the last revision must not change other schemas */
	cmig_replay_nodes(replay, plan->nodes, before, CMIG_UPGRADE, NULL);
	if (before > 0 && cmig_scope_is_set())
		replay->state.target->elsewhere = NIL;
	cmig_replay_watch(replay, plan->watch, plan->watch_arg);
	cmig_replay_nodes(replay, plan->nodes + before, plan->count - before, CMIG_UPGRADE, NULL);
	cmig_replay_watch(replay, NULL, NULL);
	foreach_ptr(CmigRepeatableRun, each, plan->runs)
	{
		Repeat		script = {replay, each};
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

/* A request to read an image after a replay, and the image. */
typedef struct Reading
{
	CmigReplay *replay;
	const CmigNames *schemas;
	List	  **assumed;
	const CmigNames *given;		/* as in CmigReplayPlan */
	CmigReplayFinish finish;	/* see cmig_replay_read(); or NULL */
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
		/*
		 * make visible the extensions that no script has created, and list
		 * their names
		 */
		cmig_target_extension_begin(&reading->replay->state);
		CommandCounterIncrement();
		foreach_ptr(CmigExtension, extension, reading->replay->state.shadow->extensions)
		{
			if (!extension->declared)
				*reading->assumed = lappend(*reading->assumed, extension->name);
		}
	}
	cmig_target_extension_settle(&reading->replay->state);
	for (int i = 0; reading->given != NULL && i < reading->given->count; i++)
	{
		CmigShadowSchema *schema = cmig_shadow_find(reading->replay->state.shadow,
													reading->given->names[i]);

		if (schema != NULL)
			schema->given = true;
	}
	managed = cmig_shadow_schemas(reading->replay->state.shadow);
	if (reading->schemas != NULL)
		managed = cmig_managed_schemas(reading->schemas);
	reading->image = cmig_image_read(managed);
	if (reading->finish != NULL)
		reading->image = reading->finish(managed, reading->image, reading->arg);
}

/* Read an image in a subtransaction. */
static CmigImage *
run_reading(Reading reading)
{
	CmigShadow *shadow = reading.replay->state.shadow;
	Size		size = sizeof(CmigShadowSchema) * shadow->count;
	CmigShadowSchema *saved = memcpy(palloc(Max(size, 1)), shadow->schemas, size);
	ErrorData  *error = cmig_subtransaction_rehearse(read_image, &reading);

	/*
	 * restore the list of schemas, because read_image() has removed the
	 * schemas in which the scripts have not created anything yet
	 */
	memcpy(shadow->schemas, saved, size);
	pfree(saved);
	if (error != NULL)
		ReThrowError(error);
	return reading.image;
}

ErrorData *
cmig_replay_rehearse(CmigReplay *replay, CmigSubtransactionWork work, void *arg)
{
	CmigTargetState *state = &replay->state;
	CmigShadow *shadow = state->shadow;
	CmigTarget	target = *state->target;
	Size		size = sizeof(CmigShadowSchema) * shadow->count;
	CmigShadowSchema *schemas = memcpy(palloc(Max(size, 1)), shadow->schemas, size);
	List	   *missing = list_copy(state->missing);
	ErrorData  *error;

	target.notes = list_copy(target.notes);
	target.renames = list_copy(target.renames);
	target.elsewhere = list_copy(target.elsewhere);
	error = cmig_subtransaction_rehearse(work, arg);
	commit_enums(replay);
	*state->target = target;
	state->missing = missing;
	memcpy(shadow->schemas, schemas, size);
	return error;
}

/* Read what the scripts have created up to now. */
static void
read_state(CmigReplayed *replayed, Reading reading)
{
	CmigTarget *target = palloc(sizeof(CmigTarget));
	const CmigShadow *shadow = reading.replay->state.shadow;

	replayed->image = run_reading(reading);
	replayed->given.names = palloc(sizeof(char *) * Max(shadow->count, 1));
	for (int i = 0; i < shadow->count; i++)
	{
		const CmigShadowSchema *schema = &shadow->schemas[i];

		if (OidIsValid(schema->live) && !schema->created && !cmig_shadow_is_unused(schema) &&
			strcmp(schema->name, "public") != 0 &&
			cmig_image_lookup(replayed->image, &cmig_kind_schema,
							  quote_identifier(schema->name)) != NULL)
			replayed->given.names[replayed->given.count++] = pstrdup(schema->name);
	}
	cmig_names_sort(&replayed->given);
	/* later scripts add to the lists */
	*target = *reading.replay->state.target;
	target->notes = list_copy(target->notes);
	target->renames = list_copy(target->renames);
	target->elsewhere = list_copy(target->elsewhere);
	replayed->target = target;
	replayed->initial = cmig_initial_grants_read();
	replayed->audited = cmig_audited_read();
}

CmigReplayed *
cmig_replay_state(CmigReplay *replay, CmigReplayFinish finish, void *arg)
{
	CmigReplayed *replayed = palloc0(sizeof(CmigReplayed));
	Reading		reading =
	{.replay = replay,.assumed = &replayed->assumed,.finish = finish,.arg = arg};

	read_state(replayed, reading);
	return replayed;
}

void
cmig_replayed_require_owned(const CmigReplayed *replayed)
{
	if (replayed->target->elsewhere != NIL && cmig_scope_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a revision changes schema \"%s\", which is not part of %s",
						(char *) linitial(replayed->target->elsewhere), cmig_scope_text()),
				 errhint("Put the statement into a revision of the database. To revert it, write the downgrade section of the revision.")));
	if (replayed->target->elsewhere != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\", in which revisions create objects, belongs to another role",
						(char *) linitial(replayed->target->elsewhere)),
				 errhint("Call the function as a role that owns the schemas of the revisions.")));
}

CmigImage *
cmig_replay_image(CmigReplay *replay, List **assumed)
{
	Reading		reading = {.replay = replay,.assumed = assumed};

	return run_reading(reading);
}

void
cmig_replay_require_owned(CmigReplay *replay)
{
	CmigReplayed replayed = {.target = replay->state.target};

	cmig_replayed_require_owned(&replayed);
}

List *
cmig_replay_compare(CmigImage *from, CmigImage *to)
{
	CmigDiffOptions *options = palloc0(sizeof(CmigDiffOptions));
	List	   *lines = NIL;

	options->owners = options->privileges = options->comments = true;
	options->role = cmig_session_role();
	options->initial = cmig_initial_grants_read();
	cmig_diff_lines(cmig_compare(from, to, options), &lines);
	return lines;
}

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
	/*
	 * The schemas in which any role other than the current role and
	 * superusers can create objects.  Temporary schemas count, too: they
	 * belong to the bootstrap superuser, but the objects in them do not.
	 */
	static CmigQuery query = {
		.sql = "SELECT n.nspname::text FROM pg_namespace n WHERE n.nspname ~ '^pg_(toast_)?temp_'"
		" OR EXISTS (SELECT FROM (SELECT n.nspowner AS oid UNION ALL"
		"  SELECT a.grantee FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE') g"
		"  LEFT JOIN pg_roles r ON r.oid = g.oid"
		"  WHERE r.rolsuper IS NOT TRUE AND r.rolname IS DISTINCT FROM current_user)"
	};
	CmigReplay	replay = {.graph = graph,.task = task,.arg = arg};
	Size		size = EstimateUncommittedEnumsSpace();
	const CmigManaged *managed = cmig_managed_of_revisions();
	Oid			audit = get_namespace_oid("cmig_audit", true);
	char	   *role = cmig_session_role();

	/*
	 * the search_path of each revision that, according to the journal, did
	 * not run with the search_path with which it would start now
	 */
	foreach_ptr(CmigValue, row, cmig_journal_read_paths(cmig_session_search_path(), role))
	{
		row[1] = resolve_user(row[1], row[2]);
		if (row[1] != NULL)
			replay.paths.paths = lappend(replay.paths.paths, row);
	}
	if (replay.paths.paths != NIL)
	{
		replay.paths.own = resolve_user(cmig_session_search_path(), role);
		replay.paths.unsafe = cmig_query_list(&query);
	}
	/* replayed revisions create their own log, which no image contains */
	if (OidIsValid(audit) && managed->all)
		managed = cmig_managed_with(managed, "cmig_audit", audit);
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

/* The arguments and the result of replaying a whole plan. */
typedef struct Whole
{
	const CmigReplayPlan *plan;
	Reading		reading;
	CmigReplayed *replayed;
} Whole;

/* A CmigReplayTask: run the whole plan, and read the result. */
static void
replay_whole(CmigReplay *replay, void *arg)
{
	Whole	   *whole = arg;

	cmig_replay_plan_run(replay, whole->plan);
	whole->reading.replay = replay;
	read_state(whole->replayed, whole->reading);
}

CmigReplayed *
cmig_replay_read(const CmigReplayPlan *plan, const CmigNames *schemas, bool owned,
				 const char *caller, bool assume, CmigReplayFinish finish, void *arg)
{
	CmigReplayed *replayed = palloc0(sizeof(CmigReplayed));
	Whole		whole = {plan, {.schemas = schemas,.assumed = assume ? &replayed->assumed : NULL,
	.given = plan->given,.finish = finish,.arg = arg}, replayed};

	if (schemas != NULL && owned)
		cmig_managed_require_owned(cmig_managed_schemas(schemas),
								   psprintf("%s replays revisions in the schema and rolls them back.", caller));
	cmig_replay_run(plan->graph, caller, replay_whole, &whole);
	return replayed;
}
