/*
 * plan_preconditions.c
 *	  Checks a plan's preconditions before any step runs.
 *
 * A precondition is not checked here if it reads something that an earlier
 * step creates or changes, or if an earlier step runs code that cannot be
 * analyzed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/errors.h"
#include "base/listing.h"
#include "base/subtransaction.h"
#include "inspect/plan_preconditions.h"
#include "inspect/planned_locks.h"
#include "inspect/script_locks.h"
#include "move/step_texts.h"
#include "run/runner.h"
#include "tables/catalog.h"
#include "tables/progress.h"

#include "miscadmin.h"
#include "storage/lock.h"

/* The effects of the steps before the current step. */
typedef struct Before
{
	CmigPlannedLocks *names;
	List	   *locks;			/* of CmigPlannedLock * */
	bool		known;			/* is the list of locks complete? */
} Before;

/*
 * Does an earlier step write to or alter the relation in "read", which the
 * precondition reads?
 */
static bool
is_changed(const Before *before, const CmigPlannedLock *read)
{
	ListCell   *lc;

	foreach(lc, before->locks)
	{
		const CmigPlannedLock *lock = lfirst(lc);

		if (lock->oid == read->oid && lock->mode >= RowExclusiveLock)
			return true;
	}
	return false;
}

/* Can a precondition be checked before the preceding steps have run? */
static bool
is_independent(Before *before, const char *sql)
{
	bool		known;
	List	   *reads = cmig_script_locks_list(before->names, sql, &known);
	ListCell   *lc;

	if (!before->known)
		return false;
	foreach(lc, reads)
	{
		const CmigPlannedLock *read = lfirst(lc);

		if (read->is_new || is_changed(before, read))
			return false;
	}
	return true;
}

/* Has an earlier call already begun the step of this revision? */
static bool
is_begun(List *progress, const char *revision)
{
	ListCell   *lc;

	foreach(lc, progress)
	{
		if (strcmp(((CmigProgressRow *) lfirst(lc))->revision, revision) == 0)
			return true;
	}
	return false;
}

/* Subtransaction callback: check one precondition. */
static void
check(void *step)
{
	cmig_runner_check_precondition(step);
}

/* The steps whose preconditions have failed. */
typedef struct Failures
{
	CmigListing list;
	ErrorData  *first;
} Failures;

/* Check the precondition of a step. */
static void
check_step(const CmigRunStep *step, Failures *failures)
{
	CmigRunStep copy = *step;
	ErrorData  *error = cmig_subtransaction_rehearse(check, &copy);

	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	if (failures->first == NULL)
		failures->first = error;
	cmig_listing_add_format(&failures->list, "Revision \"%s\": %s", step->revision,
							error->sqlerrcode == ERRCODE_CMIG_PRECONDITION_FAILED ?
							step->precondition_sql : error->message);
}

void
cmig_plan_preconditions_check(const CmigSituation *now, const CmigPlan *plan)
{
	CmigStepTexts *texts;
	Before		before = {.known = true};
	Failures	failures = {.first = NULL};
	List	   *progress;

	if (plan->count == 0 || plan->direction != CMIG_UPGRADE || !cmig_catalog_has_preconditions())
		return;
	texts = cmig_step_texts_make(now->graph, plan);
	progress = cmig_progress_read();
	before.names = cmig_planned_locks_start();
	cmig_listing_init(&failures.list, CMIG_LISTING_LINES);
	for (int i = 0; i < plan->count; i++)
	{
		const CmigRunStep *step = cmig_step_texts_get(texts, i);
		bool		known;

		CHECK_FOR_INTERRUPTS();
		if (step->precondition_sql != NULL && !is_begun(progress, step->revision) &&
			is_independent(&before, step->precondition_sql))
			check_step(step, &failures);
		before.locks = cmig_planned_locks_merge(before.locks,
												cmig_script_locks_list(before.names, step->sql, &known));
		before.known &= known;
	}
	if (failures.list.count == 1)
		ReThrowError(failures.first);
	if (failures.list.count > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_PRECONDITION_FAILED),
				 errmsg("the preconditions of %d revisions are not met", failures.list.count),
				 errdetail("%s", cmig_listing_text(&failures.list))));
}
