/*
 * status.c
 *	  What is the state, and what would an upgrade or downgrade do:
 *	  cmig.status, cmig.plan, cmig.require, cmig.resolve.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xlog.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "report/internal.h"

PG_FUNCTION_INFO_V1(cmig_status);
PG_FUNCTION_INFO_V1(cmig_metric_counts);

static void
put_item(FunctionCallInfo fcinfo, const char *item, const char *value, const char *hint)
{
	cmig_result_add_text(fcinfo, item, value, cmig_hint_text(hint));
}

/* Can its upgrade script be read, with its lines "-- cmig:up"?  cmig.check says why not. */
static bool
is_readable(const char *revision)
{
	MemoryContext caller = CurrentMemoryContext;
	const CmigRevisionText *text = cmig_catalog_read_text(revision);
	ErrorData  *volatile error = NULL;
	const char *missing = NULL;

	if (text == NULL)
		return false;
	PG_TRY();
	{
		(void) cmig_placeholder_values_insert(text->upgrade_sql, &text->placeholders, revision, "upgrade", &missing);
	}
	PG_CATCH();
	{
		error = cmig_error_take(caller);
	}
	PG_END_TRY();
	if (error != NULL && cmig_subtransaction_must_rethrow((ErrorData *) error))
		ReThrowError((ErrorData *) error);
	return error == NULL;
}

/*
 * Add rows about the revisions that an upgrade to the heads would run.
 * Returns false if there are none.
 */
static bool
put_pending(FunctionCallInfo fcinfo, const CmigView *view, int heads)
{
	CmigPlan   *pending = cmig_view_pending(view);
	int		   *nodes;
	List	   *due = NIL;
	List	   *rows = cmig_progress_read();
	List	   *authors = NIL;
	StringInfoData written_by;
	bool		may_go_up;
	char	   *hint = NULL;
	const char *args;
	CmigListing stepwise;		/* pending revisions that need a stepwise run */
	const char *expandable = NULL;	/* last of those that can be expanded
									 * first */
	bool		expands = !cmig_settings_engine();

	if (pending->count == 0)
	{
		put_item(fcinfo, "pending", "none", NULL);
		return false;
	}
	cmig_listing_init(&stepwise, CMIG_LISTING_PLAIN);
	initStringInfo(&written_by);
	nodes = palloc(sizeof(int) * pending->count);
	for (int i = 0; i < pending->count; i++)
	{
		const CmigRevision *revision = view->graph->nodes[pending->steps[i].node].revision;

		nodes[i] = pending->steps[i].node;
		due = lappend_int(due, nodes[i]);
		if (!revision->transactional)
			cmig_listing_add(&stepwise, revision->id);
		expands &= revision->repeatable || (revision->expands && is_readable(revision->id));
		if (expands && revision->expands)
			expandable = revision->id;
		if (revision->created_by == NULL || cmig_text_list_has(authors, revision->created_by))
			continue;
		authors = lappend(authors, revision->created_by);
		appendStringInfo(&written_by, "%s%s", written_by.len > 0 ? ", " : "", revision->created_by);
	}

	/*
	 * a partially applied step must be finished first, so only a stepwise
	 * upgrade can start, and only if the step belongs to an upgrade
	 */
	may_go_up = rows == NIL ||
		(stepwise.count > 0 && ((CmigProgressRow *) llast(rows))->direction == CMIG_UPGRADE);
	/* while a revision is expanded, put_expansion() says what can be done */
	may_go_up &= cmig_expansion_read() == NULL;
	/* "heads" would include those of trees that belong elsewhere */
	if (!view->applied->unknown && may_go_up)
		hint = cmig_upgrade_call(view->graph, due, heads == 1 ? "head" : cmig_scope_is_set() ||
								 cmig_view_elsewhere(view) ? NULL : "heads", false);

	/*
	 * first show it, because it may be a revision that was given up; not in
	 * unknown scopes
	 */
	args = hint ? strchr(hint, '(') + 1 : "";
	if ((*args == '\'' || *args == 'A') && args[1] != '<' && strncmp(hint, "`SET ", 5) != 0)
		hint = psprintf("`SELECT * FROM cmig.plan('upgrade', %.*s)` -- shows what would run; then: %s", (int) strcspn(args, ")"), args, hint);
	put_item(fcinfo, "pending",
			 psprintf("%d: %s", pending->count,
					  cmig_graph_ids_text(view->graph, nodes, pending->count)), hint);
	put_item(fcinfo, "pending written by", written_by.data,
			 "`SELECT revision, created_by FROM cmig.plan('upgrade', 'heads')`");
	if (expandable && may_go_up && view->applied->applied->count > 0)
		put_item(fcinfo, "can be expanded", expandable,
				 psprintf("`CALL cmig.expand(%s)` -- prepares it while the old build runs",
						  quote_literal_cstr(expandable)));
	if (stepwise.count > 0)
		put_item(fcinfo, "not transactional", cmig_listing_text(&stepwise),
				 "To run it with `cmig.upgrade` in tests and fresh installs: `SET cmig.concurrent_ddl = off`");
	return true;
}

/* Returns what upgrades the trees that only scopes use, as the end of a hint. */
static const char *
upgrade_of_scopes(const CmigView *view)
{
	const bool *elsewhere = cmig_view_elsewhere(view);
	List	   *heads = NIL;

	for (int i = 0; elsewhere != NULL && i < view->graph->count; i++)
		if (elsewhere[i] && cmig_graph_is_effective_head(view->graph, i))
			heads = lappend_int(heads, i);
	return heads ? psprintf(" -- shows them; then: %s",
							cmig_upgrade_call(view->graph, heads, NULL, false)) : "";
}

/*
 * Does a step that has failed or was begun still have to be done?  If not, its failure
 * is no longer relevant, because the revision was applied or reverted in
 * another way.
 */
static bool
is_still_to_do(const CmigView *view, const char *revision, bool down)
{
	int			node = cmig_repeatables_find_any(view->graph, revision);

	if (cmig_repeatables_is(view->graph, node))
		return cmig_repeatable_state(view->graph, node) != CMIG_REPEATABLE_CURRENT;
	return node >= 0 && view->applied->applied->set[node] == down;
}

/*
 * What process $1, which executes a run, is doing, and which processes wait for
 * a run lock that it holds, as rows of cmig.status.
 */
static CmigQuery read_activity = {
	"SELECT v.item, v.value, v.hint"
	" FROM (SELECT pg_catalog.date_trunc('second', least(xact_start, query_start))::text AS since,"
	"  pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.left(query, 160), '^pg_cmig: ', ''), '\\s+', ' ', 'g') AS doing,"
	"  pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - query_start)::text AS time,"
	"  CASE WHEN wait_event_type <> 'Timeout' THEN wait_event_type || ': ' || wait_event"
	" END AS event,"
	"  nullif(pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(pid), ', '), '') AS blockers,"
	"  0 = ANY (pg_catalog.pg_blocking_pids(pid)) AS prepared,"
	"  'SELECT * FROM pg_stat_activity WHERE pid ' AS look,"
	"  (SELECT pg_catalog.string_agg(w.pid::text, ', ' ORDER BY w.pid)"
	" FROM pg_catalog.pg_locks h, pg_catalog.pg_locks w"
	"   WHERE h.pid = $1 AND h.granted AND NOT w.granted AND h.locktype = 'advisory'"
	" AND w.locktype = 'advisory' AND h.objsubid > 2"
	"   AND w.database = h.database AND w.classid = h.classid AND w.objid = h.objid"
	" AND w.objsubid = h.objsubid) AS waiting"
	"  FROM pg_catalog.pg_stat_activity WHERE pid = $1) a,"
	" LATERAL (VALUES (1, $2, coalesce(a.doing, '') || CASE $2 WHEN 'running'"
	" THEN ', by process ' || $1 ELSE '' END, a.look || '= ' || $1),"
	"  (2, 'running since', a.since || CASE $2 WHEN 'running' THEN ', this statement for '"
	" ELSE ', for ' END || a.time, NULL),"
	"  (3, 'waits for', CASE WHEN a.blockers IS NULL THEN a.event"
	"   ELSE CASE WHEN a.prepared THEN 'a prepared transaction' ELSE 'process ' || a.blockers END || ' (' || coalesce(a.event, '') || ')' END,"
	"   CASE WHEN a.prepared THEN 'SELECT transaction, format(''ROLLBACK PREPARED %L'', gid) FROM pg_prepared_xacts' ELSE a.look || 'IN (' || a.blockers || ')' END),"
	"  (4, 'waiting', 'for this run: process ' || a.waiting, a.look || 'IN (' || a.waiting || ')'))"
	" AS v (number, item, value, hint) WHERE v.value IS NOT NULL ORDER BY v.number",
	{INT4OID, TEXTOID}
};

/*
 * Add what the process is doing, as the given item, since when, and who waits
 * for whom.
 */
static void
put_activity(FunctionCallInfo fcinfo, int pid, const char *item)
{
	Datum		values[2] = {Int32GetDatum(pid), CStringGetTextDatum(item)};

	cmig_query_each(&read_activity, values, NULL, cmig_query_return_row, fcinfo->resultinfo);
}

/*
 * Add rows about stepwise runs that are in progress or were interrupted.  A run
 * in progress holds the run lock.  If no process holds the lock, a progress row
 * with outcome "running" belongs to an interrupted run.
 */
static void
put_stepwise(FunctionCallInfo fcinfo, const CmigView *view)
{
	CmigJournalEntry last;
	int			runner = cmig_run_lock_holder();
	List	   *rows = cmig_progress_read();
	bool		any = cmig_journal_read_last(&last);
	bool		down = any && strcmp(last.direction, "downgrade") == 0;

	/* one that has not written to the journal yet, such as an expansion */
	if (runner != 0 && !(any && strcmp(last.outcome, "running") == 0))
		put_activity(fcinfo, runner, "running");
	if (any && (runner != 0 || is_still_to_do(view, last.revision, down)))
	{
		bool		running = strcmp(last.outcome, "running") == 0;
		char	   *step = psprintf("%s of %s", last.direction, last.revision);
		char	   *again = cmig_progress_call(cmig_scope_current(), last.revision,
											   down ? CMIG_DOWNGRADE : CMIG_UPGRADE, "");

		if (running && RecoveryInProgress())
		{
			put_item(fcinfo, "begun", step,
					 "Only the primary knows whether this run is still in progress. Run there: `SELECT * FROM cmig.status()`");
			return;
		}
		if (running && runner != 0)
		{
			put_item(fcinfo, "running", psprintf("%s, by process %d", step, runner),
					 psprintf("SELECT * FROM pg_stat_activity WHERE pid = %d", runner));
			put_activity(fcinfo, runner, "statement");
		}
		else if (running)
			put_item(fcinfo, "interrupted", step, again);
		else if (strcmp(last.outcome, "failed") == 0)
		{
			/* put_expansion() says how an expansion that has begun goes on */
			if (strcmp(last.direction, "expand") == 0)
				again = psprintf("`CALL cmig.expand(%s)`", quote_literal_cstr(last.revision));
			put_item(fcinfo, "failed",
					 psprintf("%s%s: %s", step,
							  last.statement != 0 ? psprintf(", statement %d", last.statement) : "",
							  last.message ? last.message : ""),
					 cmig_expansion_read() != NULL ? NULL :
					 psprintf("Fix the cause, then %s", again));
		}
	}
	if (rows != NIL && runner == 0)
	{
		CmigProgressRow *row = llast(rows);

		put_item(fcinfo, "partially applied",
				 psprintf("%s of %s: %s", cmig_direction_name(row->direction), row->revision,
						  cmig_progress_place(row)),
				 cmig_progress_next(row));
	}
}

/*
 * Add rows about a transactional run in another session.  The run's changes are
 * not visible until it commits, but pg_stat_activity shows what its process is
 * doing.
 */
static void
put_running(FunctionCallInfo fcinfo)
{
	TransactionId prepared;
	int			pid = cmig_run_lock_transaction_holder(&prepared);

	if (pid != 0)
		put_activity(fcinfo, pid, "running");
	if (TransactionIdIsValid(prepared))
		put_item(fcinfo, "running", psprintf("prepared transaction %u", prepared),
				 psprintf("SELECT * FROM pg_prepared_xacts WHERE transaction = '%u' -- COMMIT PREPARED or ROLLBACK PREPARED ends it", prepared));
}

/*
 * Add rows about backfills that have not ended.  Before version 1.2, the view
 * has fewer columns.
 */
static void
put_backfills(FunctionCallInfo fcinfo)
{
	static CmigQuery query = {
		"SELECT v.item, v.value, v.hint, CASE WHEN v.number = 1 AND b.revision IS NULL"
		" THEN b.pid END"
		" FROM (SELECT p.id::bigint, p.target::text, p.revision::text, p.state::text, p.rows::bigint, p.percent::numeric,"
		"   p.rows_per_second::numeric, p.eta::interval, p.set_sql::text, p.where_sql::text, (j->>'rows_total')::bigint AS total,"
		"   j->>'paused_by' AS paused_by, j->>'max_rows_per_second' AS most, j->>'last_error' AS error,"
		"   (SELECT l.pid FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted"
		" AND l.classid = 1668114791 AND l.objsubid = 17224"
		"    AND l.objid = " CMIG_RELATION_NAMED("p.target::text") " AND l.database = (SELECT oid"
		" FROM pg_database WHERE datname = current_database())"
		"    AND p.state::text IN ('running', 'paused')) AS pid"
		"  FROM cmig.backfill_progress p JOIN cmig.backfill_run r ON r.id::bigint = p.id::bigint,"
		" LATERAL to_jsonb(p.*) j"
		"  WHERE r.scope::text = $1 AND p.state::text NOT IN ('done', 'abandoned')) b,"
		" LATERAL (VALUES (1, 'backfill', concat(b.target, CASE WHEN b.state <> 'running'"
		" THEN ', ' || b.state END, ': ', b.rows,"
		"   CASE WHEN b.total IS NULL THEN format(' rows, %s %% of this pass', b.percent)"
		"   ELSE format(' of %s rows (%s %%)', greatest(b.total, b.rows), b.percent) END,"
		"   ', ' || b.rows_per_second || ' rows per second', ', ' || b.eta || ' left', ', by process ' || b.pid),"
		"   CASE WHEN b.set_sql = '" CMIG_STATE_COLUMN " = NULL' THEN NULL WHEN b.state = 'interrupted' AND b.revision IS NULL THEN format('CALL cmig.backfill(%L, %L%s)', b.target, b.set_sql, ', ' || quote_literal(b.where_sql))"
		"   WHEN b.state = 'running' THEN format('To stop it for a while: `SELECT *"
		" FROM cmig.pause(%L)`', coalesce(b.revision, b.target)) END),"
		"  (2, 'paused', b.target || ', by ' || b.paused_by, format('`SELECT *"
		" FROM cmig.resume_run(%L)`', split_part(b.paused_by, ', ', 1))),"
		"  (3, 'limited', format('%s, to %s rows per second', b.target, b.most), 'SELECT *"
		" FROM cmig.run_control'),"
		"  (4, 'last error', b.target || ': ' || b.error, NULL)) AS v (number, item, value, hint)"
		" WHERE v.value IS NOT NULL AND (v.number <> 3 OR b.most IS NOT NULL)"
		" ORDER BY b.id, v.number",
		{TEXTOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query, cmig_scope_current()))
	{
		put_item(fcinfo, row[0], row[1], row[2]);
		if (row[3] != NULL)
			put_activity(fcinfo, atoi(row[3]), "statement");
	}
}

/* How long cmig.status() counts the rows of an expansion, in milliseconds. */
#define COUNT_MS 250

/* Add rows about the revision that is expanded, and the scopes in which one is. */
static void
put_expansion(FunctionCallInfo fcinfo)
{
	const CmigExpansion *expansion = cmig_expansion_read();
	CmigListing scopes;
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), COUNT_MS);
	int64		left = 0;
	int64		failed = 0;
	int			counted = 0;
	char	   *counts = "";

	cmig_listing_init(&scopes, CMIG_LISTING_PLAIN);
	foreach_ptr(CmigValue, row, cmig_scope_is_set() ? NIL : cmig_expansion_schemas())
	{
		if (row[0][0] != '\0')
			cmig_listing_add(&scopes, row[0]);
	}
	if (scopes.count > 0)
		put_item(fcinfo, "expanded scopes", cmig_listing_text(&scopes),
				 "SELECT scope, revision, state FROM cmig.expansion_run");
	if (expansion == NULL)
		return;
	foreach_ptr(char, relation, cmig_expansion_relations(expansion))
	{
		CmigExpansionRows rows = cmig_expansion_rows(expansion, relation,
													 TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end));

		counted += rows.counted;
		left += rows.left;
		failed += rows.failed;
		if (!rows.counted && rows.why != NULL)
			counts = ", not all rows counted";
	}
	if (*counts == '\0' && counted > 0)
		counts = psprintf(", %lld rows left, %lld failed", (long long) left, (long long) failed);
	put_item(fcinfo, "expanded",
			 psprintf("%s, %s%s%s%s", expansion->revision, expansion->state, counts,
					  expansion->search_path[0] ? "; search_path = " : "",
					  expansion->search_path),
			 strcmp(expansion->state, "expanded") == 0 ?
			 "`SELECT * FROM cmig.expansion()`; when no old build runs: `CALL cmig.contract()` -- or, to undo it: `CALL cmig.abandon()`" :
			 strcmp(expansion->state, "expanding") == 0 ?
			 psprintf("`CALL cmig.expand(%s)` -- or, to undo it: `CALL cmig.abandon()`",
					  quote_literal_cstr(expansion->revision)) :
			 "`CALL cmig.contract()` -- or, to undo it: `CALL cmig.abandon()`");
}

/* Add a row that says that the server is a standby, if it is one. */
static void
put_standby(FunctionCallInfo fcinfo)
{
	static CmigQuery query = {
		"SELECT concat('yes; shows what it has replayed', ', up to ' || date_trunc('second', pg_last_xact_replay_timestamp())::text,"
		" CASE WHEN pg_is_wal_replay_paused() THEN '; the replay is paused' END)"
	};

	if (RecoveryInProgress())
		put_item(fcinfo, "standby", cmig_query_value(&query),
				 "Run upgrades and backfills on the primary.");
}

/*
 * Add a row about the last transactional run that failed, if this run is
 * known.  "pending" is true if there are pending revisions.
 */
static void
put_failure(FunctionCallInfo fcinfo, const CmigView *view, bool pending)
{
	/* the owner of a database may usually not call pg_current_logfile() */
	static CmigQuery find_log = {
		"SELECT concat('SHOW log_destination',"
		" CASE WHEN has_function_privilege('pg_current_logfile()', 'EXECUTE') THEN ';"
		" SELECT pg_current_logfile()' END)"
	};
	CmigLastFailure failure;
	const char *code;

	if (!cmig_last_failure_is_kept())
	{
		if (pending)
			put_item(fcinfo, "failed runs",
					 "only in the server log, because pg_cmig is not preloaded",
					 cmig_query_value(&find_log));
		return;
	}
	if (!cmig_last_failure_read(&failure))
		return;
	if (!is_still_to_do(view, failure.revision, failure.direction == CMIG_DOWNGRADE))
		return;
	code = failure.sqlstate == 0 ? "" : psprintf("%s: ", unpack_sql_state(failure.sqlstate));
	put_item(fcinfo, "failed",
			 psprintf("%s: %s of %s%s: %s%s",
					  cmig_journal_ago((GetCurrentTimestamp() - failure.at) / 1000000.0),
					  cmig_direction_name(failure.direction), failure.revision,
					  failure.statement > 0 ? psprintf(", statement %d", failure.statement) : "",
					  code, failure.message),
			 psprintf("Fix the cause, then SELECT * FROM cmig.%s(%s)",
					  cmig_direction_name(failure.direction),
					  failure.direction != CMIG_UPGRADE ? "'-1'" :
					  cmig_repeatables_find(view->graph, failure.revision) >= 0 ? "'heads'" :
					  quote_literal_cstr(failure.revision)));
}

/*
 * Add rows about what runs do not show: the problems that cmig.check() finds
 * without reading the scripts, drift, privileges, DDL outside of runs, and what
 * cmig.protect currently refuses.
 */
static void
put_findings(FunctionCallInfo fcinfo, const CmigView *view)
{
	/* are the event triggers those that the extension's script creates? */
	static CmigQuery ddl_query = {
		"SELECT (SELECT count(*) = 3 FROM pg_event_trigger"
		" WHERE evtfoid = 'cmig.ddl_trigger'::regproc AND evtenabled = 'A'),"
		" (SELECT count(*) FROM cmig.ddl_log WHERE command::text <> 'allow_ddl')"
	};
	char	  **ddl = cmig_query_row(&ddl_query);
	List	   *problems = cmig_check_problems(view, false, false);
	CmigDdlPolicy policy;
	const char *excluded;
	CmigJournalDrift drift;
	bool		any = false;

	if (problems == NIL)
		put_item(fcinfo, "problems", "none in the graph",
				 view->graph->count == 0 ? NULL
				 : "`SELECT * FROM cmig.check()` also reads the scripts and compares them with what ran");
	foreach_ptr(CmigProblem, problem, problems)
		put_item(fcinfo, problem->severity,
				 psprintf("%s: %s", problem->object, problem->problem), problem->fix);
	if (cmig_journal_read_last_drift(&drift))
	{
		bool		clean = strncmp(drift.message, CMIG_JOURNAL_NO_DRIFT,
									strlen(CMIG_JOURNAL_NO_DRIFT)) == 0;

		put_item(fcinfo, "drift",
				 psprintf("%s: %s%s", drift.ago, drift.message,
						  drift.is_past ? "; revisions have run since" : ""),
				 clean && !drift.is_past ? NULL : "`SELECT * FROM cmig.drift()`");
	}
	foreach_ptr(CmigProblem, each, cmig_access_findings())
		any |= strcmp(each->severity, "warning") == 0;
	if (any)
		put_item(fcinfo, "access", "a role has privileges that cmig.grant_access did not grant",
				 "SELECT * FROM cmig.check() WHERE object ~ '^role |^PUBLIC'");
	policy = cmig_settings_ddl_policy_stored();
	excluded = cmig_settings_ddl_exclude();
	if (policy != CMIG_DDL_ALLOW)
		put_item(fcinfo, "DDL policy",
				 psprintf("%s%s%s%s", cmig_settings_ddl_policy_name(policy),
						  *excluded ? ", except for " : "", excluded,
						  ddl[0][0] == 't' ? "" : "; not every event trigger of pg_cmig fires"),
				 ddl[0][0] == 't' ? NULL :
				 "ALTER EVENT TRIGGER cmig_ddl_start ENABLE ALWAYS; ALTER EVENT TRIGGER cmig_ddl_end ENABLE ALWAYS;"
				 " ALTER EVENT TRIGGER cmig_ddl_drop ENABLE ALWAYS");
	if (strcmp(ddl[1], "0") != 0)
		put_item(fcinfo, "DDL outside of runs", psprintf("%s in cmig.ddl_log", ddl[1]),
				 "SELECT at, role, command, object FROM cmig.ddl_log ORDER BY at");
	if (cmig_settings_protect() != CMIG_PROTECT_OFF)
		put_item(fcinfo, "protected",
				 cmig_settings_protect() == CMIG_PROTECT_ON
				 ? "on: every downgrade is refused"
				 : "base: reset, downgrade to base, purge, and prune are refused",
				 cmig_settings_may_unprotect() ?
				 "`BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT`" : NULL);
}

CMIG_READER(cmig_status)
{
	CmigView	view;
	const CmigGraph *graph;
	CmigScopeSummary scopes = {0};
	int			current = 0;
	int			heads = 0;
	int		   *head_nodes;
	char	   *worker_hint;
	bool		pending = false;

	InitMaterializedSRF(fcinfo, 0);
	cmig_version_rows_check_snapshot();
	view = cmig_view_read();
	graph = view.graph;
	head_nodes = palloc(sizeof(int) * Max(graph->count, 1));
	for (int i = 0; i < graph->count; i++)
		if (cmig_graph_is_head(graph, i))
			head_nodes[heads++] = i;

	put_item(fcinfo, "database", get_database_name(MyDatabaseId), NULL);
	put_standby(fcinfo);
	worker_hint = graph->count == 0 ? cmig_citus_worker_hint() : NULL;
	if (worker_hint != NULL)
	{
		put_item(fcinfo, "Citus worker", "the revisions and their state are on the coordinator",
				 worker_hint);
		return (Datum) 0;
	}
	if (cmig_scope_is_set())
		put_item(fcinfo, "scope", cmig_scope_current(), "`RESET cmig.scope`");
	if (view.applied->rows->count == 0)
		put_item(fcinfo, "current", "base",
				 !cmig_scope_is_set() && cmig_version_rows_of(CMIG_ROWS_TRIED)->count > 0 ? NULL :
				 graph->count == 0 ?
				 "If the schema already exists: `SELECT content"
				 " FROM cmig.baseline('<message>')`"
				 : cmig_scope_is_set() ?
				 "If the schema already exists: `SELECT cmig.stamp('<revision>')`"
				 : "If the schema already exists: `SELECT * FROM cmig.locate()` -- finds its revision");
	else
		put_item(fcinfo, "current", cmig_names_text(view.applied->rows), NULL);
	put_item(fcinfo, "revisions", graph->count == 0 ? "none" :
			 psprintf("%d, %d applied", graph->count, view.applied->applied->count),
			 graph->count == 0 ? cmig_settings_engine() ?
			 "`SELECT cmig.create_revision('<message>', '<upgrade>', '<downgrade>')`" :
			 "`SELECT cmig.create_revision('<message>', '<upgrade>', '<downgrade>')` -- or load files: `SELECT * FROM cmig.load('<text>')`" : NULL);
	for (int i = graph->count; i < graph->count + graph->repeatable_count; i++)
		current += cmig_repeatable_state(graph, i) == CMIG_REPEATABLE_CURRENT;
	if (graph->repeatable_count > 0)
		put_item(fcinfo, "repeatable",
				 psprintf("%d, %d to run", graph->repeatable_count,
						  graph->repeatable_count - current), NULL);
	if (heads > 0)
		put_item(fcinfo, heads == 1 ? "head" : "heads",
				 cmig_graph_ids_text(graph, head_nodes, heads),
				 cmig_check_unmerged_heads(graph) > 0 ?
				 "`SELECT cmig.merge('heads', '<message>')`" : NULL);
	if (graph->defects == NIL)
		pending = put_pending(fcinfo, &view, heads);

	if (!cmig_scope_is_set())
		scopes = cmig_scope_summary();
	if (scopes.count > 0)
		put_item(fcinfo, "scopes",
				 psprintf("%d, %d failed, %d behind, %d never upgraded", scopes.count,
						  scopes.failed, scopes.behind, scopes.never),
				 scopes.failed + scopes.behind + scopes.never == 0 ? NULL :
				 psprintf("`SELECT * FROM cmig.scopes() WHERE failed IS NOT NULL OR pending IS DISTINCT FROM 0`%s", scopes.behind > 0 ? upgrade_of_scopes(&view) : ""));
	put_stepwise(fcinfo, &view);
	put_running(fcinfo);
	put_expansion(fcinfo);
	put_backfills(fcinfo);
	put_failure(fcinfo, &view, pending);
	put_findings(fcinfo, &view);
	return (Datum) 0;
}

/*
 * cmig.metric_counts, the part of the view cmig.metrics that needs the graph
 */

static void
put_count(FunctionCallInfo fcinfo, const char *name, double value)
{
	cmig_result_add_text(fcinfo, name, psprintf("%.17g", value));
}

CMIG_READER(cmig_metric_counts)
{
	CmigView	view;
	CmigScopeSummary scopes;
	CmigLastFailure failure;

	InitMaterializedSRF(fcinfo, 0);
	view = cmig_view_read();
	scopes = cmig_scope_summary();
	put_count(fcinfo, "revisions_applied", view.applied->applied->count);
	if (view.graph->defects == NIL)
		put_count(fcinfo, "revisions_pending", cmig_view_pending(&view)->count);
	put_count(fcinfo, "scopes", scopes.count);
	put_count(fcinfo, "scopes_behind", scopes.behind + scopes.never);
	put_count(fcinfo, "scopes_failed", scopes.failed);
	if (scopes.last_run != 0)
		put_count(fcinfo, "scopes_last_run_timestamp_seconds",
				  timestamptz_to_time_t(scopes.last_run));
	if (cmig_last_failure_is_kept())
	{
		(void) cmig_last_failure_read(&failure);
		put_count(fcinfo, "failures_total", failure.count);
		if (failure.count > 0)
			put_count(fcinfo, "last_failure_timestamp_seconds", timestamptz_to_time_t(failure.at));
	}
	return (Datum) 0;
}

/*
 * cmig.plan, cmig.resolve, and cmig.require, which resolve targets and create
 * plans with the functions of cmig.upgrade and cmig.downgrade.
 */

PG_FUNCTION_INFO_V1(cmig_plan);
PG_FUNCTION_INFO_V1(cmig_plan_array);
PG_FUNCTION_INFO_V1(cmig_resolve);
PG_FUNCTION_INFO_V1(cmig_require);

/* The locks of the steps of a plan, found while the checksum is computed. */
typedef struct StepLocks
{
	CmigPlannedLocks *planned;
	char	  **locks;			/* for each step; may be NULL */
	MemoryContext scratch;
} StepLocks;

static void
note_locks(const CmigRunStep *step, int number, void *arg)
{
	StepLocks  *found = arg;
	MemoryContext old = MemoryContextSwitchTo(found->scratch);
	const char *locks = cmig_script_locks(found->planned, step->sql);

	MemoryContextSwitchTo(old);
	if (locks != NULL)
		found->locks[number] = pstrdup(locks);
	MemoryContextReset(found->scratch);
}

/* Return the steps of a plan as rows. */
static Datum
plan_rows(FunctionCallInfo fcinfo, const CmigNames *targets)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CmigDirection direction = cmig_argument_direction(fcinfo, "SELECT * FROM cmig.plan");
	CmigSituation now;
	CmigPlan   *plan;
	CmigListing empty;
	CmigStepTexts *texts;
	StepLocks	found;
	char	   *checksum;
	MemoryContext old;

	InitMaterializedSRF(fcinfo, 0);
	cmig_version_rows_check_snapshot();
	now = cmig_move_read(true);
	plan = cmig_plan_make(&now, direction, targets);
	if (plan->count == 0)
		cmig_move_report_nothing(now.graph, now.applied->rows, cmig_direction_name(direction));
	(void) cmig_move_is_expanded(&now, plan);
	cmig_listing_init(&empty, CMIG_LISTING_QUOTED);
	for (int i = 0; i < plan->count; i++)
		if (now.graph->nodes[plan->steps[i].node].revision->reverts_nothing)
			cmig_listing_add(&empty, cmig_graph_id(now.graph, plan->steps[i].node));
	if (empty.count > 0)
		ereport(WARNING,
				(errmsg_plural("the downgrade section of %s is empty",
							   "the downgrade sections of %s are empty",
							   empty.count, cmig_listing_text(&empty)),
				 errdetail("A downgrade reverts nothing, and the next upgrade runs the same statements again."),
				 errhint("Write the statements or, if there is nothing to revert, a comment below the line \"-- cmig:downgrade\". Without this line, the revision is irreversible.")));
	found.planned = cmig_planned_locks_start();
	found.locks = palloc_extended(sizeof(char *) * (Size) plan->count,
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	found.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan row",
										  ALLOCSET_DEFAULT_SIZES);
	texts = cmig_step_texts_make(now.graph, plan);
	cmig_step_texts_read_small(texts);
	checksum = cmig_plan_checksum(&now, plan, texts, note_locks, &found);
	old = MemoryContextSwitchTo(found.scratch);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRevision *revision = now.graph->nodes[plan->steps[i].node].revision;
		const char *locks = found.locks[i];
		Datum		values[9];
		bool		nulls[9] = {0};

		values[0] = Int32GetDatum(i + 1);
		values[1] = CStringGetTextDatum(revision->id);
		values[2] = cmig_names_datum(&revision->parents);
		nulls[2] = revision->repeatable;
		values[3] = BoolGetDatum(revision->transactional);
		values[4] = BoolGetDatum(revision->irreversible && !revision->expands);
		nulls[5] = revision->created_by == NULL;
		values[5] = nulls[5] ? (Datum) 0 :
			DirectFunctionCall1(namein, CStringGetDatum(revision->created_by));
		values[6] = CStringGetTextDatum(revision->message);
		values[7] = locks != NULL ? CStringGetTextDatum(locks) : (Datum) 0;
		nulls[7] = locks == NULL;
		values[8] = CStringGetTextDatum(checksum);
		cmig_result_add(result, lengthof(values), values, nulls);
		MemoryContextReset(found.scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(found.scratch);
	return (Datum) 0;
}

CMIG_READER(cmig_plan)
{
	CmigNames  *target = cmig_argument_target(fcinfo, 1);

	if (target->names[0] == NULL)
	{
		if (cmig_argument_direction(fcinfo, "SELECT * FROM cmig.plan") == CMIG_DOWNGRADE)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a downgrade requires a target"),
					 cmig_hint("`SELECT * FROM cmig.plan('downgrade', '-1')`")));
		target->names[0] = "head";
	}
	return plan_rows(fcinfo, target);
}

CMIG_READER(cmig_plan_array)
{
	return plan_rows(fcinfo, cmig_argument_revisions(fcinfo, 1));
}

Datum
cmig_resolve(PG_FUNCTION_ARGS)
{
	CmigSituation now;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	now = cmig_move_read(false);
	foreach_int(node, cmig_target_absolute(now.graph, cmig_argument_text(fcinfo, 0)))
		cmig_result_add_text(fcinfo, cmig_graph_id(now.graph, node));
	return (Datum) 0;
}

Datum
cmig_require(PG_FUNCTION_ARGS)
{
	char	   *target = cmig_argument_text(fcinfo, 0);
	CmigSituation now;
	List	   *nodes;

	cmig_citus_require_coordinator("cmig.require");
	now = cmig_move_read(true);
	nodes = cmig_target_absolute(now.graph, target);
	cmig_applied_require_known(now.graph, now.applied);
	cmig_applied_require_sound(now.graph, now.applied, true);
	if (now.graph->count == 0 && strcmp(target, "base") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
				 errmsg("target database is not up to date"),
				 errdetail("No revision is loaded in database \"%s\".",
						   get_database_name(MyDatabaseId)),
				 cmig_settings_engine() ? cmig_hint("`cmig.create_revision` writes the first one.") :
				 cmig_hint("Load the revision files with `cmig.load`, then %s",
						   cmig_upgrade_call(now.graph, NIL, target, false))));
	cmig_pending_require(&now, nodes, target);
	PG_RETURN_VOID();
}
