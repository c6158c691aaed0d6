/*
 * stamp.c
 *	  Sets the version rows without running any scripts.
 *
 * The affected revisions are journaled with the checksums of their scripts, so
 * that later changes to the scripts can be detected.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "move/move.h"
#include "store/store.h"

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

/* The checksums of the revisions to be journaled. */
typedef struct Checksums
{
	const CmigGraph *graph;
	char	  **checksums;		/* indexed by node */
	MemoryContext context;
} Checksums;

/* Callback: set the checksum of a revision, given its script. */
static void
keep_checksum(const CmigRevisionText *script, void *arg)
{
	Checksums  *known = arg;
	int			node = cmig_graph_find_id(known->graph, script->edges.id);

	if (node >= 0)
		known->checksums[node] =
			MemoryContextStrdup(known->context,
								cmig_script_checksum(script->upgrade_sql,
													 script->edges.transactional));
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
	int			written = 0;

	for (int i = 0; i < before->rows->count; i++)
	{
		const char *row = before->rows->names[i];

		if (cmig_graph_find_id(graph, row) >= 0 || cmig_names_has(after->rows, row))
			continue;
		add_entry(batch, row, NULL, CMIG_JOURNAL_REMOVED);
		written++;
	}
	for (int i = graph->count - 1; i >= 0; i--)
	{
		if (!before->applied->set[i] || after->applied->set[i])
			continue;
		add_entry(batch, cmig_graph_id(graph, i), NULL, CMIG_JOURNAL_REMOVED);
		written++;
	}
	foreach_int(node, before->nodes)
	{
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
	Size		size = sizeof(char *) * Max((Size) graph->count, 1);
	Checksums	known = {graph, palloc_extended(size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO),
	CurrentMemoryContext};
	CmigNames	unread = {0, palloc_extended(size, MCXT_ALLOC_HUGE)};
	int			written = journal_removed(batch, graph, before, after);

	for (int i = 0; i < graph->count; i++)
	{
		char	   *id = cmig_graph_id(graph, i);

		if (!after->applied->set[i])
			continue;
		if (!before->applied->set[i])
			unread.names[unread.count++] = id;
		else if (cmig_names_has(after->rows, id) && !cmig_names_has(before->rows, id))
		{
			known.checksums[i] = cmig_journal_read_checksum(id);
			if (known.checksums[i] == NULL)
				unread.names[unread.count++] = id;
		}
	}
	if (unread.count > 0)
		cmig_catalog_each_script(&unread, CMIG_UPGRADE, MaxAllocHugeSize, keep_checksum, &known);

	/* skip revisions that were deleted in the meantime */
	for (int i = 0; i < graph->count; i++)
	{
		if (known.checksums[i] == NULL)
			continue;
		add_entry(batch, cmig_graph_id(graph, i), known.checksums[i], NULL);
		written++;
	}
	cmig_journal_end(batch);
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
	const CmigExpansion *expansion = cmig_expansion_read();

	if (expansion != NULL)
		cmig_expansion_refuse(expansion, "the version rows cannot be changed");
	cmig_expansion_require_known();
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
					 cmig_hint("%s", cmig_settings_unprotect_hint(false))));
		cmig_version_rows_clear();
	}
	plan = cmig_plan_stamp(now.graph, now.applied, target);

	foreach_ptr(char, name, plan->removed)
		cmig_version_rows_delete(name);
	foreach_int(number, plan->added)
		cmig_version_rows_insert(cmig_graph_id(now.graph, number));

	/*
	 * discard the progress of all steps, because after a stamp, no revision
	 * counts as partially applied
	 */
	progress = cmig_progress_read();
	foreach_ptr(const CmigProgressRow, row, progress)
	{
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
