/*
 * repeatable.c
 *	  Determines which repeatable revisions have to run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/checksum.h"
#include "base/compat.h"
#include "graph/repeatables.h"
#include "parse/script.h"
#include "tables/catalog.h"
#include "tables/journal_read.h"
#include "tables/repeatable.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

char *
cmig_repeatable_checksum(const char *sql, bool transactional, bool repeatable)
{
	pg_cryptohash_ctx *checksum;

	if (!repeatable)
		return cmig_script_checksum(sql, transactional);
	checksum = cmig_checksum_start();
	cmig_checksum_add(checksum, sql, strlen(sql));
	return cmig_checksum_finish(checksum);
}

CmigRepeatableState
cmig_repeatable_state(const CmigGraph *graph, int node)
{
	const char *id = cmig_graph_id(graph, node);
	CmigJournalRepeatable last = cmig_journal_read_repeatable(id);
	CmigStoredScript *script;

	if (last.checksum == NULL)
		return CMIG_REPEATABLE_NEW;
	if (last.reverted)
		return CMIG_REPEATABLE_REVERTED;
	script = cmig_catalog_read_script(id, CMIG_UPGRADE);
	if (script == NULL ||
		strcmp(last.checksum, cmig_repeatable_checksum(script->sql, script->transactional, true)) != 0)
		return CMIG_REPEATABLE_CHANGED;
	return CMIG_REPEATABLE_CURRENT;
}

void
cmig_repeatable_add_due(const CmigGraph *graph, const CmigApplied *applied, CmigPlan *plan, bool all)
{
	MemoryContext context;
	MemoryContext caller;

	if (graph->repeatable_count == 0 || !cmig_plan_reaches_heads(graph, applied, plan))
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig repeatable", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CHECK_FOR_INTERRUPTS();
		if (all || cmig_repeatable_state(graph, node) != CMIG_REPEATABLE_CURRENT)
			cmig_plan_add_repeatable(plan, node);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/* Does the script, which may be NULL, have this checksum? */
static bool
is_script(const char *sql, const char *checksum)
{
	return sql != NULL && strcmp(cmig_repeatable_checksum(sql, true, true), checksum) == 0;
}

List *
cmig_repeatable_runs(const CmigGraph *graph)
{
	List	   *runs = NIL;

	for (int node = graph->count; node < graph->count + graph->repeatable_count; node++)
	{
		CmigJournalRepeatable last = cmig_journal_read_repeatable(cmig_graph_id(graph, node));
		CmigStoredScript *script = last.checksum == NULL ? NULL :
		cmig_catalog_read_script(cmig_graph_id(graph, node), CMIG_UPGRADE);
		CmigRepeatableRun *run;

		if (script == NULL)
			continue;
		run = palloc(sizeof(CmigRepeatableRun));
		run->node = node;
		run->reverted = last.reverted;
		run->placeholders = script->placeholders;
		run->sql = is_script(script->sql, last.checksum) ? script->sql :
			is_script(script->previous_sql, last.checksum) ? script->previous_sql : NULL;
		if (run->sql != NULL)
			runs = lappend(runs, run);
	}
	return runs;
}
