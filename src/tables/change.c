/*
 * change.c
 *	  Takes the run lock and performs checks before pg_cmig's tables are
 *	  changed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "run/run_limit.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "tables/active.h"
#include "tables/change.h"
#include "tables/version_rows.h"

void
cmig_change_begin(const char *function)
{
	cmig_runner_require_idle(function);
	cmig_run_lock_transaction(function);
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_version_rows_check_snapshot();
	cmig_active_settle();
}
