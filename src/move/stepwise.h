/*
 * stepwise.h
 *	  Performs runs that commit after each revision and, in nontransactional
 *	  revisions, after each statement.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_STEPWISE_H
#define CMIG_STEPWISE_H

#include "postgres.h"
#include "fmgr.h"
#include "base/revision.h"
#include "graph/plan.h"
#include "move/move.h"

/*
 * Implement the procedures cmig.upgrade_stepwise, cmig.downgrade_stepwise, and
 * cmig.reset_stepwise.  fcinfo belongs to the CALL.  in_doubt is "stop",
 * "done", or "again".  If "checksum" is not NULL, the run fails unless the
 * plan has this checksum.  The arguments must be allocated below
 * PortalContext.
 */
extern void cmig_stepwise_upgrade(FunctionCallInfo fcinfo, const CmigNames *targets,
								  const char *in_doubt, const char *checksum);
extern void cmig_stepwise_downgrade(FunctionCallInfo fcinfo, const char *target,
									const char *in_doubt, const char *checksum);
extern void cmig_stepwise_reset(FunctionCallInfo fcinfo, const char *in_doubt);

/*
 * Hook called before the first step of an upgrade.  If it raises an error, no
 * step is run.
 */
extern void (*cmig_stepwise_at_start) (const CmigSituation *now, const CmigPlan *plan);

/*
 * Hook called in the transaction of the last step of an upgrade, before the
 * transaction commits.  If it raises an error, that step fails.
 */
extern void (*cmig_stepwise_at_end) (void);

#endif							/* CMIG_STEPWISE_H */
