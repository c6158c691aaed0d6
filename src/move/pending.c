/*
 * pending.c
 *	  Raises an error if revisions are pending, that is, not applied yet.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "move/pending.h"
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
