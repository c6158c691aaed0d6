/*
 * expand.c
 *	  cmig.expand, cmig.contract, and cmig.abandon.
 *
 * cmig.expand() stores the statements of the whole expansion in
 * cmig.expansion_step first.  Those of one group run in one transaction, which
 * also marks them as done, so that the same CALL goes on after an interruption.
 * The contraction and the abandonment are one transaction each, after checks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "versions/internal.h"

PG_FUNCTION_INFO_V1(cmig_expand);
PG_FUNCTION_INFO_V1(cmig_contract);
PG_FUNCTION_INFO_V1(cmig_abandon);

/* A step as stored. */
typedef struct StoredStep
{
	char	   *position;
	char	   *phase;
	char	   *relation;
	char	   *sql;
	char	   *done;
	char	   *prepared;		/* has the table been prepared? */
} StoredStep;

/* A CALL of one of the procedures. */
typedef struct Work
{
	const char *procedure;
	const CmigExpansion *expansion;
	List	   *all;			/* of StoredStep *: as they were verified */
	List	   *steps;			/* of StoredStep *: one group, or a phase */
	const char *phase;
	const StoredStep *step;		/* the one that is running, or NULL */
	List	   *left;			/* of char *: what an abandonment does not
								 * drop */
	const StoredStep *next;		/* the step after it in its phase, or NULL */
	bool		lacking;		/* is what the step lacks built? */
	const char *scopes;			/* argument of contract() for the same scopes */
	const char *revision;		/* what is expanded, or NULL */
	TimestampTz started_at;
	Oid			caller;			/* role that writes pg_cmig's tables, also
								 * while the statements run as cmig.role */
	void		(*work) (struct Work *work, FunctionCallInfo fcinfo);
} Work;

/* ----------------------------------------------------------------
 * Running steps
 * ----------------------------------------------------------------
 */

static CmigQuery done_query = {
	"UPDATE cmig.expansion_step SET done = true WHERE scope = $1 AND position = ANY ($2::integer[])",
	{TEXTOID, TEXTOID}
};

/* by the index, which is not used for an array */
static CmigQuery done_alone_query = {
	"UPDATE cmig.expansion_step SET done = true WHERE scope = $1 AND position = $2::integer",
	{TEXTOID, TEXTOID}
};

static CmigQuery state_query = {
	"UPDATE cmig.expansion_run SET state = $2, changed_at = DEFAULT WHERE scope = $1",
	{TEXTOID, TEXTOID}
};

static CmigQuery named_table = {"SELECT " CMIG_RELATION_NAMED("$1"), {TEXTOID}};

static void
mark_done(const Work *work)
{
	StringInfoData positions;
	CmigRole	saved;

	if (work->steps == NIL)
		return;
	initStringInfo(&positions);
	foreach_ptr(const StoredStep, step, work->steps)
		appendStringInfo(&positions, "%s%s", positions.len > 0 ? "," : "{", step->position);
	appendStringInfoChar(&positions, '}');
	cmig_role_act_as_caller(&saved, work->caller);
	if (list_length(work->steps) == 1)
		cmig_query_do(&done_alone_query, work->expansion->scope, ((StoredStep *) linitial(work->steps))->position);
	else
		cmig_query_do(&done_query, work->expansion->scope, positions.data);
	cmig_role_return(&saved);
}

/*
 * Returns the steps of a phase.  What was not prepared, in one transaction for
 * each table, is not ours to abandon.
 */
static List *
steps_of(const Work *work, const char *phase)
{
	List	   *steps = NIL;

	foreach_ptr(StoredStep, step, work->all)
	{
		if (strcmp(step->phase, phase) == 0 && (*step->prepared == 't' || strcmp(phase, CMIG_PHASE_ABANDON) != 0))
			steps = lappend(steps, step);
	}
	return steps;
}

/* Returns the relations, in order, of one phase or of all. */
static List *
relations_of(const Work *work, const char *phase)
{
	List	   *names = NIL;

	foreach_ptr(const StoredStep, step, phase ? steps_of(work, phase) : work->all)
	{
		if (*step->relation && !cmig_text_list_has(names, step->relation))
			names = lappend(names, step->relation);
	}
	cmig_text_list_sort(names);
	return names;
}

/* Returns the statement, one as cmig.expand() stores them. */
static RawStmt *
parse_step(const StoredStep *step)
{
	List	   *parsed = cmig_raw_parse(step->sql, RAW_PARSE_DEFAULT);
	RawStmt    *raw = parsed ? linitial(parsed) : NULL;

	if (list_length(parsed) != 1 || IsA(raw->stmt, TransactionStmt) || (IsA(raw->stmt, IndexStmt) && ((IndexStmt *) raw->stmt)->idxname == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("statement %s in cmig.expansion_step is not one that cmig.expand stores", step->position)));
	return raw;
}

/* Callback: run a group of steps. */
static void
run_steps(void *arg)
{
	Work	   *work = arg;

	foreach_ptr(const StoredStep, step, work->steps)
	{
		RawStmt    *raw = parse_step(step);

		work->step = step;
		if (cmig_versions_leaves(work->expansion, work->caller, work->all, step->relation, raw->stmt))
			continue;
		cmig_versions_bind_types(work->expansion, work->caller, raw->stmt);
		cmig_execute_statement(raw, step->sql, None_Receiver);
		CommandCounterIncrement();
		if (IsA(raw->stmt, CreateTrigStmt))
			cmig_versions_set_dependencies(RangeVarGetRelid(((CreateTrigStmt *) raw->stmt)->relation, NoLock, false));
	}
	work->step = NULL;
}

/* Attempt callback: run a group of steps in one transaction. */
static void
run_group(void *arg)
{
	Work	   *work = arg;
	const StoredStep *first = work->steps ? linitial(work->steps) : NULL;

	cmig_toplevel_snapshot();
	cmig_versions_require_bound(work->expansion, work->caller, NIL, NULL);
	if (first != NULL && *first->relation && strcmp(first->phase, CMIG_PHASE_PREPARE) == 0)
		cmig_versions_require_place(work->expansion, work->caller, first->relation,
									IsA(parse_step(first)->stmt, AlterTableStmt) ? AccessExclusiveLock : AccessShareLock);
	cmig_versions_run_bound(work->expansion, work->caller, NULL, run_steps, work, false);
	mark_done(work);
}

/* A statement that stands alone. */
typedef struct Alone
{
	RawStmt    *raw;
	const char *sql;
} Alone;

/* Callback: run it. */
static void
run_statement_alone(void *arg)
{
	Alone	   *alone = arg;

	cmig_toplevel_execute(alone->raw, alone->sql);
}

/* Attempt callback: only mark the step. */
static void
finish_step(void *arg)
{
	cmig_toplevel_snapshot();
	mark_done(arg);
}

/* What cmig.status() and pg_stat_activity show; a backfill replaces it. */
static void
tell_activity(const Work *work, const char *phase, const char *sql)
{
	pgstat_report_activity(STATE_RUNNING, psprintf("pg_cmig: %s of %s%s, %s: %s", work->procedure + strlen("cmig."), work->expansion ? work->expansion->revision : work->revision,
												   cmig_scope_is_set() ? psprintf(" in scope %s", cmig_scope_current()) : "", phase, sql));
}

static void
attempt(Work *work, CmigAttempt body)
{
	if (work->steps != NIL)
		tell_activity(work, ((StoredStep *) linitial(work->steps))->phase, ((StoredStep *) linitial(work->steps))->sql);
	/* the shadow or a backfill may have turned it off */
	cmig_lock_wait_watch(work->caller);
	cmig_runner_restart_timeout();
	cmig_toplevel_attempt(body, NULL, work, work->procedure);
	cmig_run_lock_keep();
}

/*
 * Fill a table.  Subtransactions take time, so the rows are filled without them
 * until an expression fails for one; the same backfill then continues.
 */
static void
fill(const Work *work, const StoredStep *step)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool failed = false;
	const char *table;

	cmig_toplevel_snapshot();
	cmig_versions_require_bound(work->expansion, work->caller, relations_of(work, NULL), parse_step(step)->stmt);
	table = cmig_query_value(&named_table, step->relation);
	cmig_toplevel_commit();
	cmig_versions_set_filling(atooid(table), true);
	PG_TRY();
	{
		cmig_toplevel_run_sql(step->sql, "cmig.expand");
	}
	PG_CATCH();
	{
		ErrorData  *error;

		cmig_versions_set_filling(atooid(table), false);
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		if (cmig_subtransaction_must_rethrow(error) || error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
			error->sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED)
			PG_RE_THROW();
		FlushErrorState();
		failed = true;
	}
	PG_END_TRY();
	if (failed)
		cmig_toplevel_run_sql(step->sql, "cmig.expand");
	cmig_versions_set_filling(InvalidOid, false);
}

/*
 * Attempt callback: run a step that stands alone, unless it is complete; or the next
 * one of what it is lacking.
 */
static void
run_once(void *arg)
{
	Work	   *work = arg;
	RawStmt    *raw;
	const char *sql = work->step->sql;
	char	   *partition = NULL;
	bool		complete;

	cmig_toplevel_snapshot();
	raw = parse_step(work->step);
	/* an earlier attempt may have left an index that is not valid */
	if (work->lacking)
		complete = !(work->lacking = (raw = cmig_versions_lacking(raw, &sql, &partition)) != NULL);
	else
		complete = cmig_versions_is_complete(work->expansion, work->caller, raw, work->step->relation, work->next ? parse_step(work->next)->stmt : NULL, *work->step->done == 't');
	cmig_toplevel_commit();
	if (!complete && cmig_statement_is_concurrent(raw))
		cmig_toplevel_warn_of_snapshots(sql);
	if (!complete)
	{
		bool		concurrent = cmig_statement_is_concurrent(raw);
		Alone		alone = {raw, sql};
		List	   *relations = relations_of(work, NULL);

		if (partition != NULL)
			relations = lappend(relations, partition);
		cmig_versions_require_bound(work->expansion, work->caller, relations, raw->stmt);
		cmig_versions_require_constraints(work->expansion, work->caller, work->all, raw->stmt);
		cmig_versions_bind_types(work->expansion, work->caller, raw->stmt);
		if (concurrent)
			alone.raw = cmig_versions_bind_index(work->expansion, work->caller, raw, alone.sql);
		cmig_versions_run_bound(work->expansion, work->caller, raw->stmt, run_statement_alone, &alone, concurrent);
	}
	if (!complete || *work->step->done == 'f')
		finish_step(work);
}

/* Build what the indexes of partitioned tables lack for partitions that appeared meanwhile. */
static void
complete_indexes(Work *work)
{
	foreach_ptr(StoredStep, step, steps_of(work, CMIG_PHASE_BUILD))
	{
		work->step = step;
		work->steps = list_make1(step);
		work->lacking = IsA(parse_step(step)->stmt, IndexStmt);
		while (work->lacking)
			attempt(work, run_once);
	}
	work->step = NULL;
}

/* Run steps that stand alone: builds, checks, and backfills. */
static void
run_alone(Work *work, const char *phase)
{
	bool		indexes = strcmp(phase, CMIG_PHASE_BUILD) == 0;

	List	   *steps = steps_of(work, phase);

	foreach_ptr(StoredStep, step, steps)
	{
		int			n = foreach_current_index(step) + 1;
		const AlterTableStmt *alter = indexes ? (AlterTableStmt *) parse_step(step)->stmt : NULL;

		/* foreign keys, which need them, come last */
		if (indexes && IsA(alter, AlterTableStmt) && alter->objtype == OBJECT_TABLE)
		{
			complete_indexes(work);
			indexes = false;
		}
		work->step = step;
		work->next = n < list_length(steps) ? list_nth(steps, n) : NULL;
		work->steps = list_make1(step);
		if (strcmp(phase, CMIG_PHASE_FILL) != 0)
			attempt(work, run_once);
		else if (*step->done == 'f')
		{
			tell_activity(work, phase, step->sql);
			cmig_runner_restart_timeout();
			fill(work, step);
			cmig_run_lock_keep();
			work->step = NULL;
			attempt(work, finish_step);
		}
		work->step = NULL;
	}
	if (indexes)
		complete_indexes(work);
}

/* Statements run in the session that scripts find, with pg_catalog first. */
static void
enter_session(Work *work)
{
	cmig_toplevel_snapshot();
	cmig_session_enter(true);
	cmig_settings_set("search_path", cmig_versions_path(), PGC_USERSET, GUC_ACTION_SET);

	/*
	 * the statements name the tablespaces of what is not where the database
	 * is
	 */
	cmig_settings_set("default_tablespace", "", PGC_USERSET, GUC_ACTION_SET);
	cmig_toplevel_commit();
}

static void
run_statement(const char *sql)
{
	cmig_execute_statement(cmig_raw_parse_one(sql), sql, None_Receiver);
	CommandCounterIncrement();
}

/* Attempt callback: columns first, whose names are in the definitions of the others; and privileges. */
static void
run_renames(void *arg)
{
	const Work *work = arg;
	List	   *renames;
	CmigRole	saved;

	cmig_toplevel_snapshot();
	cmig_versions_hold_run(work->expansion, work->caller);
	cmig_role_act_as_caller(&saved, work->caller);
	renames = list_concat(cmig_expansion_renames(work->expansion), cmig_versions_privileges(work->expansion));
	renames = list_concat(renames, cmig_versions_note_again(work->expansion, cmig_session_role()));
	cmig_role_return(&saved);
	foreach_ptr(CmigValue, row, renames)
		run_statement(row[0]);
	foreach_ptr(const StoredStep, step, list_concat(steps_of(work, CMIG_PHASE_BUILD), steps_of(work, CMIG_PHASE_CHECK)))
	{
		Node	   *node = parse_step(step)->stmt;
		AlterTableCmd *cmd = IsA(node, AlterTableStmt) ? linitial(((AlterTableStmt *) node)->cmds) : NULL;
		char	   *sql = NULL;

		if (*step->done == 't' && IsA(node, IndexStmt))
			sql = cmig_versions_former_name(((IndexStmt *) node)->relation, ((IndexStmt *) node)->idxname, step->sql);
		else if (*step->done == 't' && cmd != NULL && cmd->subtype == AT_AddConstraint)
			sql = cmig_versions_former_name(((AlterTableStmt *) node)->relation, castNode(Constraint, cmd->def)->conname, step->sql);
		if (sql != NULL)
			run_statement(sql);
	}
}

/*
 * The stored statements name hidden columns and indexes.  Those that were renamed
 * by hand get these names again.
 */
static void
restore_names(Work *work)
{
	cmig_toplevel_commit();
	enter_session(work);
	attempt(work, run_renames);
	cmig_toplevel_leave(NULL);
	cmig_toplevel_snapshot();
}

/* Run the steps of the preparation, one transaction for each table. */
static void
run_prepare(Work *work)
{
	List	   *all = steps_of(work, CMIG_PHASE_PREPARE);

	for (int i = 0; i < list_length(all);)
	{
		const StoredStep *first = list_nth(all, i);

		work->steps = NIL;
		for (; i < list_length(all) && strcmp(((StoredStep *) list_nth(all, i))->relation, first->relation) == 0; i++)
			work->steps = lappend(work->steps, list_nth(all, i));
		if (*first->done == 'f')
			attempt(work, run_group);
	}
}

/* ----------------------------------------------------------------
 * The procedures
 * ----------------------------------------------------------------
 */

/* For messages */
static const char *
in_scope(void)
{
	return cmig_scope_is_set() ? psprintf(" in %s", cmig_scope_text()) : "";
}

static void
write_journal(const char *revision, const char *direction, const char *message)
{
	CmigJournalEntry entry = {.revision = revision,.direction = direction,.message = message};

	(void) cmig_journal_write(&entry);
}

static void
set_state(const Work *work, const char *state)
{
	CmigRole	saved;

	cmig_toplevel_snapshot();
	cmig_role_act_as_caller(&saved, work->caller);
	cmig_query_do(&state_query, work->expansion->scope, state);
	if (strcmp(state, "expanded") == 0)
	{
		write_journal(work->expansion->revision, "expand", "ended");
		cmig_expansion_count(work->expansion);
	}
	cmig_role_return(&saved);
	cmig_toplevel_commit();
}

/* Attempt callback: all that was planned is there. */
static void
finish_expansion(void *arg)
{
	const Work *work = arg;
	CmigRole	saved;

	cmig_toplevel_snapshot();
	cmig_versions_hold_run(work->expansion, work->caller);
	cmig_role_act_as_caller(&saved, work->caller);
	(void) cmig_versions_require_tables(work->expansion, NULL);
	cmig_role_return(&saved);
	cmig_versions_require_built(work->expansion, work->all, false);
	set_state(work, "expanded");
}

/* Plan the expansion, and store it. */
static void
begin_expansion(Work *work, const char *target, bool confirmed)
{
	static CmigQuery insert_run = {
		"INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns) SELECT $1, $2, $3, $4, coalesce(jsonb_agg(c), '[]')"
		" FROM jsonb_array_elements($5::jsonb) c", {TEXTOID, TEXTOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID}
	};
	static CmigQuery column_json = {
		"SELECT json_build_array($1, $2, $3, $4, $5, $6, $7, CASE $3 WHEN 'property' THEN $8::json ELSE to_json($8) END, $9, $10, $11)", {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}
	};
	CmigSituation now = cmig_move_read(true);
	CmigPlan   *plan = cmig_versions_plan_upgrade(&now, target);
	CmigExpansionPlan *expansion;
	CmigNames	schemas = {0};
	StringInfoData columns;

	if (plan->count == 0)
	{
		cmig_move_report_nothing(now.graph, now.applied->rows, "expand");
		return;
	}
	work->revision = cmig_graph_id(now.graph, plan->steps[plan->count - 1].node);
	tell_activity(work, "plan", "the statements are tried on empty copies");
	cmig_runner_is_silent = true;
	cmig_progress_require_none(NULL, 0);
	cmig_expansion_require_known();
	/* is the scope's schema safe for scripts? */
	cmig_session_enter(false);
	cmig_session_leave();
	cmig_before_upgrade(&now, plan, CMIG_BEFORE_EXPAND);
	expansion = cmig_expansion_plan(&now, plan);
	cmig_runner_is_silent = false;
	cmig_versions_require_free(expansion);
	if (!confirmed)
		cmig_versions_require_confirmed(expansion);
	schemas.names = palloc(sizeof(char *) * Max(list_length(expansion->schemas), 1));
	foreach_ptr(char, schema, expansion->schemas)
		schemas.names[schemas.count++] = schema;
	initStringInfo(&columns);
	foreach_ptr(CmigValue, c, expansion->columns)
	{
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? "," : "[",
						 cmig_query_value(&column_json, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], cmig_versions_database(), c[0][0] ? cmig_query_value(&named_table, c[0]) : NULL));
	}
	appendStringInfoString(&columns, columns.len > 0 ? "]" : "[]");
	/* rows without one in cmig.expansion_run */
	cmig_expansion_forget();
	cmig_query_do(&insert_run, cmig_scope_current(), expansion->revision, &expansion->revisions, &schemas, columns.data);
	cmig_versions_store_steps(expansion->steps);
	write_journal(expansion->revision, "expand", "begun");
}

/*
 * Does the step belong to those that create the triggers of a table, with the
 * defaults that they read, after an old trigger was dropped?
 */
static bool
makes_triggers(const StoredStep *step)
{
	Node	   *node = parse_step(step)->stmt;

	if (strcmp(step->phase, CMIG_PHASE_ABANDON) == 0)
		return IsA(node, DropStmt) && ((DropStmt *) node)->removeType == OBJECT_TRIGGER;
	foreach_node(AlterTableCmd, command, IsA(node, AlterTableStmt) ? ((AlterTableStmt *) node)->cmds : NIL)
	{
		if (command->subtype == AT_EnableAlwaysTrig)
			return true;
		if (command->subtype == AT_ColumnDefault && command->def != NULL)
			return ((AlterTableStmt *) node)->objtype == OBJECT_TABLE;
	}
	return IsA(node, CreateTrigStmt);
}

/* Attempt callback: in a restored database, nothing tells what the triggers use. */
static void
record_again(void *arg)
{
	const Work *work = arg;

	cmig_toplevel_snapshot();
	cmig_versions_hold_run(work->expansion, work->caller);
	cmig_versions_record_again(work->expansion, work->caller);
}

/*
 * Create triggers again that were dropped or altered by hand, and fill the rows
 * that were written in the meantime.  Returns false if there is nothing to do.
 */
static bool
repair(Work *work)
{
	static CmigQuery again = {"UPDATE cmig.expansion_step SET done = false WHERE scope = $1 AND phase = 'fill'", {TEXTOID}};
	List	   *broken = NIL;
	bool		needed = strcmp(work->expansion->state, "expanding") == 0;
	const char *hint;
	CmigRole	saved;

	cmig_toplevel_snapshot();
	(void) cmig_versions_require_tables(work->expansion, NULL);
	cmig_versions_require_partitions(relations_of(work, CMIG_PHASE_FILL), work->expansion->revision);
	foreach_ptr(const StoredStep, step, steps_of(work, CMIG_PHASE_FILL))
	{
		if (*step->relation && *step->prepared == 't' && cmig_versions_broken_trigger(work->expansion, work->all, step->relation) != NULL)
			broken = lappend(broken, step->relation);
		needed = needed || broken != NIL || cmig_versions_rows_left(step->relation).todo;
	}
	needed = needed || cmig_versions_unbuilt(work->all, false, NoLock, &hint) != NULL;
	cmig_toplevel_commit();
	enter_session(work);
	attempt(work, record_again);
	if (!needed)
		return false;
	foreach_ptr(const char, relation, broken)
	{
		work->steps = NIL;
		foreach_ptr(StoredStep, step, list_concat(steps_of(work, CMIG_PHASE_ABANDON), steps_of(work, CMIG_PHASE_PREPARE)))
		{
			if (strcmp(step->relation, relation) == 0 && makes_triggers(step))
				work->steps = lappend(work->steps, step);
		}
		attempt(work, run_group);
	}
	if (strcmp(work->expansion->state, "expanding") == 0 && broken == NIL)
		return true;
	foreach_ptr(StoredStep, step, steps_of(work, CMIG_PHASE_FILL))
		step->done = "f";
	cmig_toplevel_snapshot();
	cmig_role_act_as_caller(&saved, work->caller);
	cmig_query_do(&again, work->expansion->scope);
	cmig_role_return(&saved);
	cmig_toplevel_commit();
	set_state(work, "expanding");
	return true;
}

static void
read_steps(Work *work)
{
	cmig_versions_hold_run(work->expansion, work->caller);
	work->all = cmig_versions_read_steps(work->expansion, true);
}

static void
expand(Work *work, FunctionCallInfo fcinfo)
{
	char	   *target = cmig_argument_text(fcinfo, 0);

	cmig_toplevel_snapshot();
	work->expansion = cmig_expansion_read();
	if (work->expansion == NULL)
	{
		begin_expansion(work, target ? target : "head", !PG_ARGISNULL(3) && PG_GETARG_BOOL(3));
		work->expansion = cmig_expansion_read();
		if (work->expansion != NULL)
			read_steps(work);
		cmig_toplevel_commit();
		if (work->expansion == NULL)
			return;
	}
	else
	{
		CmigSituation now = cmig_move_read(true);
		List	   *nodes;

		read_steps(work);
		nodes = cmig_target_upgrade(now.graph, now.applied, cmig_argument_one(target ? target : "head"));

		if (list_length(nodes) != 1 || strcmp(cmig_graph_id(now.graph, linitial_int(nodes)), work->expansion->revision) != 0)
			cmig_expansion_refuse(work->expansion, "another revision cannot be expanded");
		restore_names(work);
		cmig_toplevel_commit();
	}
	if (!repair(work))
	{
		cmig_toplevel_snapshot();
		cmig_expansion_count(work->expansion);
		cmig_toplevel_commit();
		ereport(NOTICE,
				(errmsg("revision \"%s\" is already expanded%s", work->expansion->revision, in_scope()),
				 *work->scopes ? 0 : cmig_hint("`SELECT * FROM cmig.expansion()`")));
		return;
	}
	run_prepare(work);
	run_alone(work, CMIG_PHASE_FILL);
	run_alone(work, CMIG_PHASE_BUILD);
	work->steps = NIL;
	attempt(work, finish_expansion);
	ereport(NOTICE,
			(work->expansion->search_path[0] ?
			 errmsg("revision \"%s\" is expanded: the new build connects with search_path = %s", work->expansion->revision,
					work->expansion->search_path) :
			 errmsg("revision \"%s\" is expanded: no table has a new version", work->expansion->revision),
			 *work->scopes ? 0 : cmig_hint("When no old build runs any more: `CALL cmig.contract()`")));
}

/* Raise an error because nothing is expanded. */
static void
require_expansion(Work *work)
{
	CmigJournalEntry last;
	bool		any;

	cmig_toplevel_snapshot();
	work->expansion = cmig_expansion_read();
	any = work->expansion == NULL && cmig_journal_read_last(&last);
	/* the session may have ended after the last commit, before it was told so */
	if (work->expansion == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no revision is expanded%s", in_scope()),
				 any && strcmp(last.direction, "abandon") == 0 ? errdetail("The expansion of revision \"%s\" was abandoned.", last.revision) :
				 any && cmig_text_same(last.message, "contracted") ? errdetail("Revision \"%s\" was contracted, and is applied.", last.revision) :
				 cmig_hint("`CALL cmig.expand('head')`")));
	read_steps(work);
}

/*
 * Raise an error if a column that is replaced was changed, rows of the old build could not
 * be transformed, or a constraint was replaced.
 */
static void
require_same(const Work *work)
{
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, work->caller);
	cmig_versions_require_unchanged(work->expansion);
	cmig_role_return(&saved);
	/* what changed an old constraint may have changed the new one as well */
	cmig_versions_require_constraints(work->expansion, work->caller, work->all, NULL);
	cmig_role_act_as_caller(&saved, work->caller);
	cmig_versions_require_transformed(work->expansion, work->all,
									  relations_of(work, CMIG_PHASE_FILL), work->scopes);
	cmig_role_return(&saved);
}

/* Record the revisions as applied, and forget the expansion. */
static void
record(const CmigExpansion *expansion)
{
	CmigSituation now = cmig_move_read(true);
	CmigPlan   *plan = cmig_versions_plan_expanded(&now, expansion);
	CmigJournalBatch *batch = cmig_journal_batch();

	for (int i = 0; i < plan->count; i++)
	{
		CmigRunStep *step = cmig_step_texts_fetch(now.graph, plan, i);
		CmigJournalEntry entry = {.revision = step->revision,.direction = "upgrade",.outcome = "done"};

		cmig_move_rows(&now, &plan->steps[i]);
		entry.started_at = entry.finished_at = GetCurrentTimestamp();
		entry.checksum = cmig_repeatable_checksum(step->stored_sql, step->transactional, step->repeatable);
		entry.message = "contracted";
		cmig_journal_add(batch, &entry);
	}
	cmig_journal_end(batch);
	CommandCounterIncrement();
	if (cmig_stepwise_at_end)
		cmig_stepwise_at_end();
}

/* Run the verify sections, as after an upgrade. */
static void
verify(const Work *work)
{
	CmigRole	saved;
	CmigSituation now;
	CmigPlan   *plan;

	cmig_role_act_as_caller(&saved, work->caller);
	now = cmig_move_read(true);
	plan = cmig_versions_plan_upgrade(&now, work->expansion->revision);
	cmig_role_return(&saved);
	for (int i = 0; i < plan->count; i++)
	{
		CmigRunStep *step;

		cmig_role_act_as_caller(&saved, work->caller);
		step = cmig_step_texts_fetch(now.graph, plan, i);
		cmig_role_return(&saved);
		cmig_runner_run(step, CMIG_RUN_VERIFY);
	}
}

/*
 * Lock views and tables before any statement takes a weaker lock, and in the
 * order in which a statement of the new build takes them; then the sequences, so
 * that no number is given after their values were read.  What queues behind
 * these locks must not wait for long.  For abandon, also give renamed objects
 * their former names, and add what undoes it to "back".
 */
static void
lock_last(Work *work, List *views, List *tables, List **back)
{
	bool		contract = strcmp(work->phase, CMIG_PHASE_CONTRACT) == 0;
	int			count = list_length(views) + list_length(tables) + list_length(contract ? cmig_versions_sequences(work->expansion, work->caller) : NIL);
	int			bound = Max(DeadlockTimeout / (2 * Max(count, 1)), 10);
	CmigRole	saved;
	char	   *sql;

	if (LockTimeout == 0 || LockTimeout > bound)
		cmig_settings_set("lock_timeout", psprintf("%d", bound), PGC_USERSET, GUC_ACTION_LOCAL);
	/* no notices that objects to be dropped do not exist */
	if (client_min_messages < WARNING)
		cmig_settings_set("client_min_messages", "warning", PGC_USERSET, GUC_ACTION_LOCAL);
	/* LOCK TABLE would lock all that a view reads, which its owner can change */
	foreach_ptr(CmigValue, row, views)
		LockRelationOid(atooid(row[0]), AccessExclusiveLock);
	do
	{
		foreach_ptr(const char, name, tables)
		{
			/* another one may have its name */
			if (OidIsValid(cmig_versions_hold(name)) &&
				(strcmp(work->phase, CMIG_PHASE_CONTRACT) == 0 || cmig_versions_has_table(work->expansion, work->caller, name)))
				run_statement(psprintf("LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", name));
		}
		if (contract)
			break;
		/* under the lock: statements use the names from before renames */
		cmig_role_act_as_caller(&saved, work->caller);
		sql = cmig_versions_require_tables(work->expansion, back);
		cmig_role_return(&saved);
		if (sql != NULL)
			run_statement(sql);
	} while (sql != NULL);
	/* nextval() does not lock the table */
	foreach_oid(sequence, contract ? cmig_versions_sequences(work->expansion, work->caller) : NIL)
		LockRelationOid(sequence, AccessExclusiveLock);
}

/* Attempt callback: everything that contract or abandon does at once. */
static void
run_last(void *arg)
{
	Work	   *work = arg;
	bool		contract = strcmp(work->phase, CMIG_PHASE_CONTRACT) == 0;
	static CmigQuery views = {
		"SELECT c.oid FROM cmig.expansion_run r, unnest(schemas) s, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
		" WHERE r.scope = $1 AND c.relkind = 'v' AND " CMIG_VERSION_NAMED " ORDER BY n.nspname, c.relname", {TEXTOID}
	};
	List	   *seen;
	List	   *real = relations_of(work, NULL);
	List	   *tables = NIL;
	List	   *audited = NIL;
	List	   *kept;
	List	   *back = NIL;
	char	   *shape;
	char	   *sql;
	CmigRole	saved;

	cmig_toplevel_snapshot();
	/* also of the queries below that read the row again */
	cmig_versions_hold_run(work->expansion, work->caller);
	cmig_role_act_as_caller(&saved, work->caller);
	if (contract)
		cmig_versions_require_texts(work->expansion);
	seen = cmig_query_list(&views, work->expansion->scope);
	foreach_ptr(const char, name, contract ? real : NIL)
		tables = lappend(tables, cmig_query_value(&named_table, name));
	cmig_role_return(&saved);

	lock_last(work, seen, real, &back);
	if (contract)
		cmig_versions_require_built(work->expansion, work->all, true);
	if (contract)
		require_same(work);
	else
		run_renames(work);
	cmig_role_act_as_caller(&saved, work->caller);
	cmig_versions_require_unblocked(work->expansion, work->all, work->phase);
	shape = contract ? cmig_versions_shape(work->expansion) : NULL;
	kept = contract ? cmig_versions_kept(work->expansion) : NIL;
	cmig_role_return(&saved);
	foreach_ptr(CmigValue, row, kept)
	{
		if (row[1] == NULL)
			run_statement(row[0]);
	}
	foreach_ptr(const char, name, contract ? real : NIL)
		audited = lappend(audited, cmig_versions_audit_before(work->expansion, name));
	CommandCounterIncrement();
	run_group(work);
	foreach_ptr(const char, statement, back)
	{
		if (statement[0] != '\0')
			run_statement(statement);
	}
	foreach_ptr(CmigValue, row, kept)
	{
		if (row[1] != NULL && cmig_query_value(&named_table, row[1]) != NULL)
			run_statement(row[0]);
	}
	/* one at a time: a name may be free only after another was changed */
	foreach_ptr(const char, oid, tables)
	{
		while (oid != NULL && (sql = cmig_versions_left_name(oid)) != NULL)
			run_statement(sql);
	}
	foreach_ptr(const char, oid, audited)
	{
		if (oid != NULL)
			cmig_versions_audit_after(oid);
	}
	cmig_versions_require_shape(shape);
	if (contract)
		verify(work);
	cmig_role_act_as_caller(&saved, work->caller);
	if (contract)
		record(work->expansion);
	else
	{
		cmig_versions_require_gone(work->expansion);
		cmig_backfill_run_forget_state(work->expansion->scope);
		write_journal(work->expansion->revision, "abandon", NULL);
	}
	cmig_expansion_forget();
	cmig_role_return(&saved);
}

static void
contract(Work *work, FunctionCallInfo fcinfo)
{
	CmigSituation now;
	char	   *revision;

	require_expansion(work);
	if (strcmp(work->expansion->state, "expanded") != 0 && strcmp(work->expansion->state, "contracting") != 0)
		cmig_expansion_refuse(work->expansion, "it cannot be contracted");
	cmig_versions_require_texts(work->expansion);
	restore_names(work);
	cmig_versions_require_resync(work->expansion);
	require_same(work);
	cmig_versions_require_unblocked(work->expansion, work->all, CMIG_PHASE_CONTRACT);
	now = cmig_move_read(true);
	cmig_before_upgrade(&now, cmig_versions_plan_expanded(&now, work->expansion),
						CMIG_BEFORE_CONTRACT);
	cmig_toplevel_commit();
	set_state(work, "contracting");
	enter_session(work);
	/* build again what was dropped by hand */
	run_alone(work, CMIG_PHASE_BUILD);
	run_alone(work, CMIG_PHASE_CHECK);
	work->phase = CMIG_PHASE_CONTRACT;
	work->steps = steps_of(work, work->phase);
	revision = work->expansion->revision;
	attempt(work, run_last);
	ereport(NOTICE,
			(errmsg("revision \"%s\" is contracted and applied%s", revision, in_scope())));
}

static void
abandon(Work *work, FunctionCallInfo fcinfo)
{
	CmigExpansion *expansion;

	require_expansion(work);
	/* not stored: if it fails, nothing has happened */
	expansion = memcpy(palloc(sizeof(CmigExpansion)), work->expansion, sizeof(CmigExpansion));
	expansion->state = "abandoning";
	work->expansion = expansion;
	work->phase = CMIG_PHASE_ABANDON;
	work->steps = steps_of(work, work->phase);
	cmig_toplevel_commit();
	enter_session(work);
	attempt(work, run_last);
	ereport(NOTICE,
			(errmsg("the expansion of revision \"%s\" is abandoned%s: the tables are as before", work->expansion->revision, in_scope())));
}

/* Error context callback */
static void
describe_error(void *arg)
{
	const Work *work = arg;

	cmig_lock_wait_explain();
	errposition(0);
	if (work->step != NULL)
		errcontext("SQL statement \"%s\"", work->step->sql);
	errcontext("pg_cmig: %s%s", work->procedure, in_scope());
}

/* Run a procedure in the current scope; "scopes" is for hints. */
static void
run_in_scope(FunctionCallInfo fcinfo, const char *procedure, void (*body) (Work *work, FunctionCallInfo fcinfo), const char *scopes)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	Work	   *work;
	ErrorContextCallback callback = {error_context_stack, describe_error};
	const bool	quote_all = quote_all_identifiers;	/* names are compared */

	cmig_running_require_idle(procedure);
	cmig_toplevel_require(fcinfo, procedure);
	cmig_session_require_member();
	context = cmig_toplevel_context("pg_cmig expansion");
	MemoryContextSwitchTo(context);
	work = palloc0(sizeof(Work));
	work->procedure = procedure;
	work->caller = GetUserId();
	work->scopes = scopes;
	work->started_at = GetCurrentTimestamp();
	callback.arg = work;

	/* fail beside another stepwise run */
	cmig_change_begin(procedure);
	cmig_call_reads_committed = true;
	cmig_toplevel_commit();
	PG_TRY();
	{
		quote_all_identifiers = false;
		cmig_run_lock_session(procedure);
		cmig_extension_hold();
		cmig_run_limit_start();
		error_context_stack = &callback;
		cmig_lock_wait_watch(GetUserId());
		cmig_lock_wait_yield(true);
		body(work, fcinfo);
		cmig_toplevel_leave(NULL);
		cmig_lock_wait_unwatch();
		cmig_lock_wait_yield(false);
		quote_all_identifiers = quote_all;
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(context);

		cmig_runner_is_silent = false;
		cmig_versions_set_filling(InvalidOid, false);
		cmig_toplevel_rollback();
		cmig_toplevel_after_error(cmig_toplevel_leave, NULL);
		cmig_lock_wait_unwatch();
		cmig_lock_wait_yield(false);
		quote_all_identifiers = quote_all;
		cmig_extension_release();
		cmig_run_lock_release();
		/* the statement that CASCADE would change is not the user's */
		if ((error->hint == NULL || cmig_error_is_from(error, ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, "reportDependentObjects")) &&
			work->expansion != NULL)
			error->hint = *scopes ? NULL : cmig_hint_text("After fixing the cause, repeat the `CALL`, which goes on where it stopped, or: `CALL cmig.abandon()`");
		if (*scopes)
		{
			CmigJournalEntry entry = {.revision = work->expansion ? work->expansion->revision : work->revision,.started_at = work->started_at};

			entry.direction = body == expand ? "expand" : body == abandon ? "abandon" : "upgrade";
			cmig_toplevel_record_failure(cmig_scope_current(), 0, &entry, error);
		}
		ReThrowError(error);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	cmig_extension_release();
	cmig_run_lock_release();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Run a procedure in the current scope, or in those that match argument n. */
static Datum
run_procedure(FunctionCallInfo fcinfo, const char *procedure, void (*body) (Work *work, FunctionCallInfo fcinfo), int n)
{
	static CmigQuery applied = {
		"SELECT DISTINCT scope COLLATE \"C\" FROM cmig.scope_version WHERE scope LIKE $1 ORDER BY 1", {TEXTOID}
	};
	static CmigQuery expanded = {
		"SELECT scope COLLATE \"C\" FROM cmig.expansion_run WHERE scope LIKE $1 AND scope <> '' ORDER BY 1", {TEXTOID}
	};
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;
	const char *pattern = cmig_argument_text(fcinfo, n);
	const char *scopes;
	int			max_failures = PG_ARGISNULL(n + 1) ? 0 : PG_GETARG_INT32(n + 1);
	volatile int done = 0;
	volatile int failed = 0;
	volatile int left = 0;
	List	   *all;

	if (pattern == NULL)
	{
		run_in_scope(fcinfo, procedure, body, "");
		return (Datum) 0;
	}
	cmig_toplevel_require(fcinfo, procedure);
	cmig_run_lock_require_possible(procedure);
	context = cmig_toplevel_context("pg_cmig expansion of scopes");
	MemoryContextSwitchTo(context);
	scopes = psprintf("scopes => %s", quote_literal_cstr(pattern));
	all = cmig_query_list(body == expand ? &applied : &expanded, pattern);
	foreach_ptr(CmigValue, row, all)
	{
		const char *scope = row[0];

		cmig_scope_select(scope);
		PG_TRY();
		{
			bool		mine = cmig_run_lock_try();

			cmig_toplevel_snapshot();
			mine &= body == expand || cmig_expansion_read() != NULL;
			cmig_toplevel_commit();
			if (mine)
				run_in_scope(fcinfo, procedure, body, scopes);
			*(mine ? &done : &left) += 1;
		}
		PG_CATCH();
		{
			ErrorData  *error = cmig_error_take(context);

			cmig_toplevel_rollback();
			cmig_scope_select(NULL);
			if (error->hint && (strncmp(error->hint, "CALL ", 5) == 0 || strncmp(error->hint, "SELECT ", 7) == 0))
				error->hint = psprintf("SET cmig.scope = %s; %s", quote_literal_cstr(scope), error->hint);
			if (++failed > max_failures || cmig_subtransaction_must_rethrow(error))
			{
				if (error->hint == NULL)
					error->hint = cmig_hint_text(psprintf("After fixing the cause, repeat the `CALL`, which goes on where it stopped, or: `SET cmig.scope = %s; CALL cmig.abandon()`", quote_literal_cstr(scope)));
				ReThrowError(error);
			}
			ereport(WARNING,
					(errcode(error->sqlerrcode),
					 errmsg("%s failed in scope \"%s\": %s", procedure, scope, error->message),
					 cmig_error_detail(error), error->hint ? errhint("%s", error->hint) : 0));
		}
		PG_END_TRY();
	}
	cmig_scope_select(NULL);
	cmig_toplevel_snapshot();
	ereport(NOTICE,
			(errmsg("scopes: %d done, %d failed, %d left to other sessions", done, failed, left),
			 all == NIL ? cmig_hint("To see the scopes: `SELECT * FROM cmig.scopes()`") :
			 failed > 0 ? cmig_hint("`SELECT * FROM cmig.scopes() WHERE failed IS NOT NULL`") :
			 body == expand && cmig_query_list(&expanded, pattern) != NIL ? cmig_hint("When no old build runs any more: `CALL cmig.contract(%s)`", scopes) : 0));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
cmig_expand(PG_FUNCTION_ARGS)
{
	return run_procedure(fcinfo, "cmig.expand", expand, 1);
}

Datum
cmig_contract(PG_FUNCTION_ARGS)
{
	return run_procedure(fcinfo, "cmig.contract", contract, 0);
}

Datum
cmig_abandon(PG_FUNCTION_ARGS)
{
	return run_procedure(fcinfo, "cmig.abandon", abandon, 0);
}
