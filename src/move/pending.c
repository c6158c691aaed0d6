/*
 * pending.c
 *	  Determines whether revisions are pending, that is, not applied yet.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "move/pending.h"
#include "move/plan_checksum.h"
#include "run/run_lock.h"
#include "tables/change.h"
#include "tables/journal.h"
#include "tables/progress.h"
#include "tables/repeatable.h"

#include "utils/builtins.h"

void
cmig_pending_require(const CmigSituation *now, const List *nodes, const char *target)
{
	CmigPlan   *pending = cmig_plan_upgrade(now->graph, now->applied, unconstify(List *, nodes));
	CmigListing ids;
	bool		stepwise = false;	/* does one of the pending revisions need
									 * a stepwise run? */

	cmig_repeatable_add_due(now->graph, now->applied, pending, now->elsewhere);
	if (pending->count == 0)
		return;
	for (int i = 0; i < pending->count && !stepwise; i++)
		stepwise = !now->graph->nodes[pending->steps[i].node].revision->transactional;
	cmig_listing_init(&ids, CMIG_LISTING_QUOTED);
	for (int i = 0; i < pending->count; i++)
		cmig_listing_add(&ids, cmig_graph_id(now->graph, pending->steps[i].node));
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_NOT_UP_TO_DATE),
			 errmsg("target database is not up to date"),
			 errdetail_plural("%d revision is pending: %s.", "%d revisions are pending: %s.",
							  pending->count, pending->count, cmig_listing_text(&ids)),
			 stepwise ? errhint("CALL cmig.upgrade_stepwise(%s)", quote_literal_cstr(target))
			 : errhint("SELECT * FROM cmig.upgrade(%s)", quote_literal_cstr(target))));
}

void
cmig_pending_require_heads(const CmigSituation *now)
{
	cmig_applied_require_known(now->graph, now->applied);
	cmig_applied_require_sound(now->graph, now->applied, true);
	if (now->graph->count + now->graph->repeatable_count > 0)
		cmig_pending_require(now, cmig_target_absolute(now->graph, "heads"), "heads");
}

/* The arguments of an upgrade. */
typedef struct Upgrade
{
	const CmigNames *targets;
	const char *checksum;
	bool		stepwise;
	bool		busy;			/* was a run in a transaction in progress
								 * before the look? */
} Upgrade;

/*
 * Are all targets ids?  What other targets, such as head, stand for depends on
 * the revisions that are stored.
 */
static bool
names_only_ids(const CmigGraph *graph, const CmigNames *targets)
{
	for (int i = 0; i < targets->count; i++)
		if (targets->names[i] == NULL || cmig_graph_find_id(graph, targets->names[i]) < 0)
			return false;
	return true;
}

/*
 * Does cmig.progress or, for a stepwise run, cmig.journal contain rows for
 * which the upgrade needs the run lock?  A downgrade that is partially applied
 * may revert what counts as applied.  A stepwise run also settles what an
 * interrupted run has left behind, but not what a run in progress has written.
 */
static bool
has_unfinished(bool stepwise)
{
	List	   *rows = cmig_progress_read();
	ListCell   *lc;

	foreach(lc, rows)
	{
		if (((CmigProgressRow *) lfirst(lc))->direction == CMIG_DOWNGRADE)
			return true;
	}
	return stepwise && (rows != NIL || cmig_journal_has_running()) && cmig_run_lock_holder() == 0;
}

/* A CmigChangeLook callback: is there nothing to upgrade? */
static bool
is_unneeded(void *arg)
{
	const Upgrade *upgrade = arg;
	CmigSituation now = cmig_move_read(true);
	CmigPlan   *plan = cmig_move_plan_upgrade(&now, upgrade->targets);

	if (plan->count > 0 || has_unfinished(upgrade->stepwise) ||
		(upgrade->busy && !names_only_ids(now.graph, upgrade->targets)))
		return false;
	(void) cmig_plan_checksum_require(upgrade->checksum, &now, plan);
	cmig_move_report_nothing(now.graph, now.applied->rows, "upgrade");
	return true;
}

bool
cmig_pending_none(const char *function, const CmigNames *targets, const char *checksum, bool stepwise)
{
	Upgrade		upgrade = {.targets = targets,.checksum = checksum,.stepwise = stepwise};
	TransactionId prepared;

	upgrade.busy = cmig_run_lock_transaction_holder(&prepared) != 0 || TransactionIdIsValid(prepared);
	return cmig_change_is_unneeded(function, false, is_unneeded, &upgrade);
}
