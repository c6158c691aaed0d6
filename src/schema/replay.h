/*
 * replay.h
 *	  Runs the scripts of revisions in the shadow, to see what they create. The
 * scripts run as in a real run: with the search_path that the journal has for
 * them, or else with cmig.search_path, with cmig.role, and with the session
 * restored after each.  Everything happens in one transaction: CONCURRENTLY
 * is removed, procedures of pg_cmig do not commit, revisions that are not
 * transactional run like others, and what cannot run in a transaction and
 * does not change a schema (VACUUM) is left out.  verify_sql is not run.
 * Objects outside of the schemas are treated as in a target (target.h).
 *
 * Scripts see the rows of pg_cmig's own tables, and nothing is written to
 * these.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_H
#define CMIG_REPLAY_H

#include "postgres.h"
#include "base/revision.h"
#include "move/move.h"
#include "schema/image.h"
#include "schema/managed.h"
#include "schema/target_result.h"
#include "tables/repeatable.h"

/* Which revisions are replayed, parents before children. */
typedef struct CmigReplayPlan
{
	const CmigGraph *graph;
	int			count;
	int		   *nodes;
	List	   *runs;			/* of CmigRepeatableRun *: the scripts of
								 * repeatable revisions that run after them */
} CmigReplayPlan;

/*
 * The applied revisions, and the scripts of repeatable revisions that ran last;
 * raises MG001 if a version row names an unknown
 * revision.
 */
extern CmigReplayPlan *cmig_replay_plan_applied(const CmigSituation *now);

/* All revisions, and all repeatable revisions with their current scripts. */
extern CmigReplayPlan *cmig_replay_plan_all(const CmigSituation *now);

/*
 * These nodes (a list of int) and their ancestors, including those through
 * depends_on.
 */
extern CmigReplayPlan *cmig_replay_plan_nodes(const CmigGraph *graph, List *nodes);

/* A replay in progress. */
typedef struct CmigReplay CmigReplay;

/* The function that runs in the shadow; it calls the functions below. */
typedef void (*CmigReplayTask) (CmigReplay *replay, void *arg);

/*
 * Run a task in a shadow of all schemas.  caller is the function's name for
 * errors ("cmig.drift()").  Memory is allocated in the current memory context,
 * and is still there when the shadow has ended.  Raises what cmig_shadow_run()
 * raises.
 */
extern void cmig_replay_run(const CmigGraph *graph, const char *caller,
							CmigReplayTask task, void *arg);

/*
 * Run the upgrade scripts of these nodes in order.  A script that cannot be
 * replayed raises MG014: its detail is the server's message, its hint says
 * what to do, and its context names statement and line.  Errors that the
 * script has not caused, such as a cancellation or a lock timeout, are raised
 * unchanged.
 */
extern void cmig_replay_upgrade(CmigReplay *replay, const int *nodes, int count);

/*
 * Run a whole plan.  A script of a repeatable revision that fails is left out if
 * a downgrade has run since it ran, because it may need what is gone.
 */
extern void cmig_replay_whole(CmigReplay *replay, const CmigReplayPlan *plan);

/* Run the script of a repeatable revision; raises MG014. */
extern void cmig_replay_repeatable(CmigReplay *replay, const CmigRepeatableRun *run);

/*
 * Run one script of a revision.  MG006 if it has no downgrade script.
 */
extern void cmig_replay_step(CmigReplay *replay, int node, CmigDirection direction);

/*
 * Read an image of what the shadow contains now, in these schemas, or in all
 * if NULL. May be called more than once.  With assumed, extensions that are
 * installed, but that no script has created, are in the image, too; *assumed
 * is set to their names.
 */
extern CmigImage *cmig_replay_image(CmigReplay *replay, const CmigNames *schemas, List **assumed);

/*
 * The schemas of which cmig_replay_image() reads an image, for more work on
 * them.  To be called in a subtransaction that is rolled back; after that, no
 * more scripts can be replayed.
 */
extern CmigManaged *cmig_replay_settle(CmigReplay *replay, const CmigNames *schemas);

/* Notes about the parts of the scripts that could not be executed. */
extern const CmigTarget *cmig_replay_target(const CmigReplay *replay);

/*
 * The revision whose script could not be replayed, NULL if there is none; for
 * callers that have caught MG014.
 */
extern const char *cmig_replay_failed(void);

/* The result of a plan as a whole. */
typedef struct CmigReplayed
{
	CmigImage  *image;
	const CmigTarget *target;
	List	   *assumed;		/* of char *: see cmig_replay_image() */
	List	   *initial;		/* of CmigInitialGrants, as the scripts have
								 * left them */
	List	   *audited;		/* of CmigAudited */
	List	   *elsewhere;		/* of char *: schemas of other roles, about
								 * which statements were left out */
} CmigReplayed;

/* Raises 42501 if the caller does not own one of the schemas. */
extern CmigReplayed *cmig_replay_read(const CmigReplayPlan *plan, const CmigNames *schemas,
									  const char *caller);

/*
 * A function that may change the catalogs before the shadow ends, and returns
 * the image that counts.
 */
typedef CmigImage *(*CmigReplayFinish) (const CmigManaged *managed, CmigImage *image, void *arg);

/*
 * The same with extensions that no script has created; finish may be NULL.
 */
extern CmigReplayed *cmig_replay_read_assuming(const CmigReplayPlan *plan, const CmigNames *schemas,
											   const char *caller, CmigReplayFinish finish, void *arg);

#endif							/* CMIG_REPLAY_H */
