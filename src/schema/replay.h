/*
 * replay.h
 *	  Runs revision scripts in the shadow, to see what they create.
 *
 * As in a real run, scripts run with cmig.role, and the session is restored
 * after each script.  The search_path is the one that the journal records for
 * a revision, or else cmig.search_path.  However, everything happens in one
 * transaction: CONCURRENTLY is removed, pg_cmig's procedures do not commit,
 * nontransactional revisions run like others, and statements that cannot run
 * in a transaction and do not change a schema (such as VACUUM) are left out.
 * verify_sql is not run.  Objects outside the schemas are treated as in a
 * target (see target.h).
 *
 * Scripts see the rows of pg_cmig's own tables, but nothing is written to
 * these tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#ifndef CMIG_REPLAY_H
#define CMIG_REPLAY_H

#include "postgres.h"
#include "base/revision.h"
#include "kinds/image.h"
#include "move/move.h"
#include "shadow/managed.h"
#include "shadow/target_result.h"
#include "tables/repeatable.h"

/* The revisions to replay, parents before children. */
typedef struct CmigReplayPlan
{
	const CmigGraph *graph;
	int			count;
	int		   *nodes;
	List	   *runs;			/* list of CmigRepeatableRun *: scripts of
								 * repeatable revisions, to be run after the
								 * nodes */
} CmigReplayPlan;

/*
 * Returns a plan of the applied revisions, followed by the repeatable
 * revisions, each with the script that was last run.  Raises error MG001 if a
 * version row names an unknown revision.
 */
extern CmigReplayPlan *cmig_replay_plan_applied(const CmigSituation *now);

/*
 * Returns a plan of all revisions, and of all repeatable revisions with their
 * current scripts.
 */
extern CmigReplayPlan *cmig_replay_plan_all(const CmigSituation *now);

/*
 * Returns a plan of these nodes (a list of int) and their ancestors,
 * including ancestors through depends_on.
 */
extern CmigReplayPlan *cmig_replay_plan_nodes(const CmigGraph *graph, List *nodes);

/* A replay in progress. */
typedef struct CmigReplay CmigReplay;

/*
 * The task of a replay.  It runs in the shadow, and calls the functions below.
 */
typedef void (*CmigReplayTask) (CmigReplay *replay, void *arg);

/*
 * Run a task in a shadow of all schemas.  For error messages, "caller" is the
 * name of the SQL function, such as "cmig.drift()".  Memory allocated in the
 * current memory context remains valid after the shadow has ended.  Raises the
 * same errors as cmig_shadow_run().
 */
extern void cmig_replay_run(const CmigGraph *graph, const char *caller,
							CmigReplayTask task, void *arg);

/*
 * Run the upgrade scripts of these nodes in order.  Raises error MG014 if a
 * script cannot be replayed: the detail is PostgreSQL's message, the hint says
 * what to do, and the context names the statement and line.  Errors that the
 * script has not caused, such as a cancellation or a lock timeout, are raised
 * unchanged.
 */
extern void cmig_replay_upgrade(CmigReplay *replay, const int *nodes, int count);

/*
 * Run a whole plan.  If a repeatable revision's script cannot be replayed, but
 * a downgrade has been run since the script was last applied, the failure is
 * ignored: the script may need objects that no longer exist.
 */
extern void cmig_replay_whole(CmigReplay *replay, const CmigReplayPlan *plan);

/*
 * Run a repeatable revision's script.  Raises error MG014 if the script cannot
 * be replayed.
 */
extern void cmig_replay_repeatable(CmigReplay *replay, const CmigRepeatableRun *run);

/*
 * Run one script of a revision.  Raises error MG006 if there is no downgrade
 * script.
 */
extern void cmig_replay_step(CmigReplay *replay, int node, CmigDirection direction);

/*
 * Read an image of the current contents of these schemas in the shadow, or
 * of all schemas if "schemas" is NULL.  This may be called more than once.  If
 * "assumed" is not NULL, the image includes installed extensions that no
 * script has created, and their names are added to *assumed.
 */
extern CmigImage *cmig_replay_image(CmigReplay *replay, const CmigNames *schemas, List **assumed);

/*
 * Returns the schemas that cmig_replay_image() would read, so that the
 * caller can process them further.  Call this in a subtransaction that will
 * be rolled back.  After this call, no more scripts can be replayed.
 */
extern CmigManaged *cmig_replay_settle(CmigReplay *replay, const CmigNames *schemas);

/* Returns notes about the parts of scripts that could not be executed. */
extern const CmigTarget *cmig_replay_target(const CmigReplay *replay);

/*
 * Returns the revision whose script could not be replayed, or NULL if there is
 * none.  This is for callers that have caught error MG014.
 */
extern const char *cmig_replay_failed(void);

/* The result of replaying a whole plan. */
typedef struct CmigReplayed
{
	CmigImage  *image;
	const CmigTarget *target;
	List	   *assumed;		/* list of char *: see cmig_replay_image() */
	List	   *initial;		/* list of CmigInitialGrants: the default
								 * privileges after the scripts */
	List	   *audited;		/* list of CmigAudited */
	List	   *elsewhere;		/* list of char *: schemas of other roles;
								 * statements about them were left out */
} CmigReplayed;

/*
 * Replay a plan, and read the image of the schemas that it creates.  Raises
 * error 42501 if the caller does not own one of the schemas.
 */
extern CmigReplayed *cmig_replay_read(const CmigReplayPlan *plan, const CmigNames *schemas,
									  const char *caller);

/*
 * A function that may change the catalogs before the shadow ends.  Returns the
 * image to use, which may be "image" itself.
 */
typedef CmigImage *(*CmigReplayFinish) (const CmigManaged *managed, CmigImage *image, void *arg);

/*
 * Like cmig_replay_read(), but the image includes installed extensions that no
 * script has created.  "finish" may be NULL.
 */
extern CmigReplayed *cmig_replay_read_assuming(const CmigReplayPlan *plan, const CmigNames *schemas,
											   const char *caller, CmigReplayFinish finish, void *arg);

#endif							/* CMIG_REPLAY_H */
