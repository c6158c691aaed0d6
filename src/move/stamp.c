/*
 * stamp.c
 *	  Sets the version rows without running any scripts.
 *
 * The affected revisions are journaled with the checksums of their scripts, so
 * that later changes to the scripts can be detected.  A stamp may affect all
 * revisions, so scripts are read and journal rows are written in batches.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/errors.h"
#include "graph/graph.h"
#include "move/move.h"
#include "parse/parse.h"
#include "run/run.h"
#include "store/store.h"

/* The maximum number of scripts read at a time. */
#define READ_TEXTS 500

/* Add the journal row of a stamped revision to the batch. */
static void
add_entry(CmigJournalBatch *batch, const char *revision, const char *checksum,
		  const char *message)
{
	CmigJournalEntry entry = {0};

	entry.revision = revision;
	entry.direction = "stamp";
	entry.outcome = "done";
	entry.started_at = entry.finished_at = GetCurrentTimestamp();
	entry.checksum = checksum;
	entry.message = message;
	cmig_journal_add(batch, &entry);
}

/* A batch of revisions to be journaled. */
typedef struct Window
{
	const CmigGraph *graph;
	int			count;
	int			nodes[READ_TEXTS];	/* in ascending order */
	char	   *checksums[READ_TEXTS];	/* indexed like nodes; NULL if the
										 * checksum is not known yet */
	MemoryContext context;		/* memory context of the checksums */
} Window;

/* Callback: set the checksum of a revision, given its script. */
static void
keep_checksum(const CmigRevisionText *script, void *arg)
{
	Window	   *window = arg;
	int			node = cmig_graph_find_id(window->graph, script->edges.id);
	int			low = 0;
	int			high = window->count - 1;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (window->nodes[middle] < node)
			low = middle + 1;
		else
			high = middle;
	}
	if (node >= 0 && window->nodes[low] == node)
		window->checksums[low] =
			MemoryContextStrdup(window->context,
								cmig_script_checksum(script->upgrade_sql, script->edges.transactional));
}

/*
 * Journal the revisions in the batch "window", and empty the batch.  Returns
 * the number of journal rows written.
 */
static int
write_window(CmigJournalBatch *batch, Window *window)
{
	MemoryContext old = MemoryContextSwitchTo(window->context);
	CmigNames	unread = {0};
	int			written = 0;

	unread.names = palloc(sizeof(char *) * READ_TEXTS);
	for (int i = 0; i < window->count; i++)
		if (window->checksums[i] == NULL)
			unread.names[unread.count++] = cmig_graph_id(window->graph, window->nodes[i]);
	if (unread.count > 0)
		cmig_catalog_each_script(&unread, CMIG_UPGRADE, MaxAllocHugeSize, keep_checksum, window);

	/* skip revisions without a checksum, which were deleted in the meantime */
	for (int i = 0; i < window->count; i++)
	{
		if (window->checksums[i] == NULL)
			continue;
		add_entry(batch, cmig_graph_id(window->graph, window->nodes[i]),
				  window->checksums[i], NULL);
		written++;
	}
	window->count = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(window->context);
	return written;
}

/*
 * Journal each revision that no longer counts as applied, and each removed
 * version row: of an unknown revision, or superfluous, because its revision was
 * an ancestor of other applied revisions and remains applied.  A restore can
 * lead to such rows.  Returns the number of journal rows written.
 */
static int
journal_removed(CmigJournalBatch *batch, const CmigGraph *graph, const CmigApplied *before,
				const CmigApplied *after)
{
	static const char *const message = "no longer recorded as applied";
	int			written = 0;
	ListCell   *lc;

	for (int i = 0; i < before->rows->count; i++)
	{
		const char *row = before->rows->names[i];

		if (cmig_graph_find_id(graph, row) >= 0 || cmig_names_has(after->rows, row))
			continue;
		add_entry(batch, row, NULL, message);
		written++;
	}
	for (int i = graph->count - 1; i >= 0; i--)
	{
		if (!before->applied->set[i] || after->applied->set[i])
			continue;
		add_entry(batch, cmig_graph_id(graph, i), NULL, message);
		written++;
	}
	foreach(lc, before->nodes)
	{
		int			node = lfirst_int(lc);
		const char *id = cmig_graph_id(graph, node);
		const CmigEdges *edges[] = {&graph->nodes[node].children, &graph->nodes[node].dependents};
		bool		below = false;

		if (!after->applied->set[node] || cmig_names_has(after->rows, id))
			continue;
		for (int e = 0; e < lengthof(edges); e++)
			for (int i = 0; i < edges[e]->count; i++)
				below |= before->applied->set[edges[e]->nodes[i]];
		if (!below)
			continue;
		add_entry(batch, id, cmig_journal_read_checksum(id),
				  "its version row was removed: a revision above it is applied");
		written++;
	}
	return written;
}

/*
 * Journal everything that a stamp has changed: each revision that has become
 * applied or is no longer applied, each new version row for a revision that
 * was already applied, and each superfluous version row that was removed.
 * Returns the number of journal rows written.
 */
static int
journal_stamped(const CmigGraph *graph, const CmigApplied *before, const CmigApplied *after)
{
	CmigJournalBatch *batch = cmig_journal_batch();
	Window	   *window = palloc0(sizeof(Window));
	int			written;

	window->graph = graph;
	window->context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig stamp",
											ALLOCSET_DEFAULT_SIZES);
	written = journal_removed(batch, graph, before, after);
	for (int i = 0; i < graph->count; i++)
	{
		const char *id = cmig_graph_id(graph, i);
		char	   *checksum = NULL;

		if (!after->applied->set[i])
			continue;
		if (before->applied->set[i])
		{
			MemoryContext old;

			if (!cmig_names_has(after->rows, id) || cmig_names_has(before->rows, id))
				continue;
			old = MemoryContextSwitchTo(window->context);
			checksum = cmig_journal_read_checksum(id);
			MemoryContextSwitchTo(old);
		}
		window->nodes[window->count] = i;
		window->checksums[window->count++] = checksum;
		if (window->count == READ_TEXTS)
		{
			CHECK_FOR_INTERRUPTS();
			written += write_window(batch, window);
		}
	}
	written += write_window(batch, window);
	cmig_journal_end(batch);
	MemoryContextDelete(window->context);
	pfree(window);
	return written;
}

CmigNames *
cmig_stamp_targets(const CmigNames *targets, bool purge)
{
	CmigSituation now = cmig_move_read(false);
	CmigApplied *before = now.applied;
	CmigStampTarget *target;
	CmigStampPlan *plan;
	CmigNames  *rows;
	CmigNames	none = {0};
	bool		changed;
	List	   *progress;
	const CmigProgressRow *last = NULL;
	CmigJournalEntry last_entry;
	ListCell   *lc;

	if (purge)
		now.applied = cmig_applied_find(now.graph, &none);
	cmig_applied_require_known(now.graph, now.applied);
	cmig_applied_require_sound(now.graph, now.applied, true);
	target = cmig_target_stamp(now.graph, now.applied, targets);
	if (purge)
	{
		if (before->rows->count > 0 && cmig_settings_protect() != CMIG_PROTECT_OFF)
			ereport(ERROR,
					(errcode(ERRCODE_CMIG_PROTECTED),
					 errmsg("purging the version rows is not allowed in %s", cmig_scope_text()),
					 errdetail("cmig.protect is %s; the record of which revisions are applied would be lost.",
							   cmig_settings_protect_name(false)),
					 errhint("%s", cmig_settings_unprotect_hint(false))));
		cmig_version_rows_clear();
	}
	plan = cmig_plan_stamp(now.graph, now.applied, target);

	foreach(lc, plan->removed)
	{
		cmig_version_rows_delete(lfirst(lc));
	}
	foreach(lc, plan->added)
	{
		cmig_version_rows_insert(cmig_graph_id(now.graph, lfirst_int(lc)));
	}

	/*
	 * discard the progress of all steps, because after a stamp, no revision
	 * counts as partially applied
	 */
	progress = cmig_progress_read();
	foreach(lc, progress)
	{
		const CmigProgressRow *row = lfirst(lc);

		/* report each step once; the rows of a step are adjacent */
		if (last == NULL || row->direction != last->direction ||
			strcmp(row->revision, last->revision) != 0)
			ereport(NOTICE,
					(errmsg("discarding the progress of the %s of revision \"%s\"",
							cmig_direction_name(row->direction), row->revision),
					 errdetail("A stepwise run did not finish the %s. The effects of the statements that it ran remain.",
							   cmig_direction_name(row->direction))));
		last = row;
	}
	changed = cmig_progress_clear(NULL, CMIG_UPGRADE, 0);
	changed |= cmig_backfill_run_settle(NULL, NULL);

	rows = cmig_version_rows_read();
	if (journal_stamped(now.graph, before, cmig_applied_find(now.graph, rows)) == 0 &&
		cmig_journal_read_last(&last_entry) && strcmp(last_entry.outcome, "done") != 0)
	{
		CmigJournalBatch *batch;

		/*
		 * no version row has changed after a run that failed or was
		 * interrupted: journal them, so that the failure is no longer the
		 * last entry
		 */
		cmig_journal_interrupted();
		batch = cmig_journal_batch();
		for (int i = 0; i < rows->count; i++)
			add_entry(batch, rows->names[i], cmig_journal_read_checksum(rows->names[i]),
					  "still the current revision");
		if (rows->count == 0)
			add_entry(batch, "base", NULL, "still the current revision");
		cmig_journal_end(batch);
		changed = true;
	}
	if (!changed && cmig_names_same(before->rows, rows))
		cmig_move_report_nothing(now.graph, rows, "stamp");
	return rows;
}
