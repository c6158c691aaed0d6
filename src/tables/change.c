/*
 * change.c
 *	  Takes the run lock and checks the state before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/scope.h"
#include "run/runner.h"
#include "run/running.h"
#include "tables/active.h"
#include "tables/change.h"
#include "tables/version_rows.h"

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
