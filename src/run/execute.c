/*
 * execute.c
 *	  Runs one statement, without the communication with a client.
 *
 * Except for that communication, a statement is run as in a simple query: it
 * is analyzed, rewritten, planned, and executed with its own snapshot.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "run/execute.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "parser/analyze.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"

/*
 * Run one of the queries into which a statement was rewritten.  Returns the
 * number of rows processed, or CMIG_NO_ROWS.  If *snapshot_set is false and
 * the query is not a utility statement, pushes a snapshot for this query and
 * the remaining ones, and sets *snapshot_set to true.
 */
static int64
execute_plan(PlannedStmt *plan, const char *text, DestReceiver *dest,
			 bool *snapshot_set)
{
	int64		rows = CMIG_NO_ROWS;

	(void) cmig_citus_use_two_phases();
	if (plan->utilityStmt != NULL)
	{
		QueryCompletion completion;
		bool		own_snapshot = !*snapshot_set && PlannedStmtRequiresSnapshot(plan);

		if (own_snapshot)
			PushActiveSnapshot(GetTransactionSnapshot());
		InitializeQueryCompletion(&completion);
		ProcessUtility(plan, text, false,
					   cmig_citus_wants_toplevel(plan->utilityStmt) ? PROCESS_UTILITY_TOPLEVEL :
					   PROCESS_UTILITY_QUERY, NULL, NULL,
					   dest, &completion);
		if (command_tag_display_rowcount(completion.commandTag))
			rows = completion.nprocessed;
		if (own_snapshot)
			PopActiveSnapshot();
	}
	else
	{
		QueryDesc  *query;

		if (!*snapshot_set)
		{
			PushCopiedSnapshot(GetTransactionSnapshot());
			*snapshot_set = true;
		}
		else
			UpdateActiveSnapshotCommandId();

		query = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
								dest, NULL, NULL, 0);
		ExecutorStart(query, 0);
		cmig_executor_run_compat(query);
		ExecutorFinish(query);
		rows = query->estate->es_processed;
		ExecutorEnd(query);
		FreeQueryDesc(query);
	}
	CommandCounterIncrement();
	return rows;
}

int64
cmig_execute_statement(RawStmt *raw, const char *text, DestReceiver *dest)
{
	List	   *plans;
	ListCell   *cell;
	bool		snapshot_set = false;
	int64		rows = CMIG_NO_ROWS;

	if (analyze_requires_snapshot(raw))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	plans = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(plans, text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (snapshot_set)
		PopActiveSnapshot();

	/*
	 * rules can turn a statement into several queries, which all run with the
	 * same snapshot
	 */
	snapshot_set = false;
	foreach(cell, plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, cell);
		int64		of_plan = execute_plan(plan, text, plan->canSetTag ? dest : None_Receiver,
										   &snapshot_set);

		if (plan->canSetTag)
			rows = of_plan;
	}
	if (snapshot_set)
		PopActiveSnapshot();
	return rows;
}
