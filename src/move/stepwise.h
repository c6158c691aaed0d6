/*
 * stepwise.h
 *	  Runs that commit after each revision, and after each statement of a
 *	  revision that is not transactional.
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
 * The procedures.  fcinfo is the one of the CALL.  in_doubt is stop, done, or
 * again.  With a checksum, only the plan that has it may run.  The arguments must
 * be allocated below PortalContext.
 */
extern void cmig_stepwise_upgrade(FunctionCallInfo fcinfo, const CmigNames *targets,
								  const char *in_doubt, const char *checksum);
extern void cmig_stepwise_downgrade(FunctionCallInfo fcinfo, const char *target,
									const char *in_doubt, const char *checksum);
extern void cmig_stepwise_reset(FunctionCallInfo fcinfo, const char *in_doubt);

/* A hook that is called before the first step of an upgrade; an error stops it. */
extern void (*cmig_stepwise_at_start) (const CmigSituation *now, const CmigPlan *plan);

/*
 * A hook that is called in the transaction that ends the last step of an
 * upgrade, before it commits; an error in it makes that step fail.
 */
extern void (*cmig_stepwise_at_end) (void);

#endif							/* CMIG_STEPWISE_H */
