/*
 * change.c
 *	  Takes the run lock and checks the state before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "base/subtransaction.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/scope.h"
#include "run/runner.h"
#include "run/running.h"
#include "tables/active.h"
#include "tables/change.h"
#include "tables/version_rows.h"

#include "utils/guc.h"
#include "utils/memutils.h"

/* A look at the state without the run lock; see cmig_change_is_unneeded(). */
typedef struct Look
{
	bool		revisions;
	CmigChangeLook look;
	void	   *arg;
	bool		unneeded;		/* the result */
} Look;

/* Look at the state.  All queries have the same snapshot. */
static void
look_at_once(void *arg)
{
	Look	   *look = arg;

	look->unneeded = cmig_version_rows_are_latest() && cmig_active_is_settled() &&
		look->look(look->arg);
}

/* Subtransaction callback: look at the state. */
static void
look(void *arg)
{
	int			guc_level = NewGUCNestLevel();

	if (((Look *) arg)->revisions && cmig_scope_is_set())
		cmig_settings_override("cmig.scope", "");
	cmig_scope_require();
	cmig_query_at_once(look_at_once, arg);
	AtEOXact_GUC(false, guc_level);
}

bool
cmig_change_is_unneeded(const char *function, bool revisions, CmigChangeLook decide, void *arg)
{
	Look		state = {.revisions = revisions,.look = decide,.arg = arg};
	MemoryContext context;
	MemoryContext caller;
	ErrorData  *error;

	cmig_running_require_idle(function);
	cmig_run_lock_require_possible(function);
	cmig_run_limit_start();
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig look", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	error = cmig_subtransaction_try(look, &state);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	MemoryContextSwitchTo(caller);
	if (error == NULL && state.unneeded)
		return true;
	MemoryContextDelete(context);
	return false;
}

/*
 * Implements cmig_change_begin() and cmig_change_begin_revisions().
 * "revisions" is true if the caller is about to write revisions.
 */
static void
begin(const char *function, bool revisions)
{
	cmig_running_require_idle(function);
	cmig_scope_require();
	cmig_run_lock_transaction(function);
	if (revisions)
		cmig_run_lock_revisions(function);
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_version_rows_check_snapshot();
	cmig_active_settle();
}

void
cmig_change_begin(const char *function)
{
	begin(function, false);
}

int
cmig_change_begin_revisions(const char *function)
{
	int			guc_level = NewGUCNestLevel();

	if (cmig_scope_is_set())
		cmig_settings_override("cmig.scope", "");
	begin(function, true);
	return guc_level;
}

void
cmig_change_end_revisions(int guc_level)
{
	AtEOXact_GUC(false, guc_level);
}
