/*
 * run_limit.c
 *	  Implements cmig.run_timeout, the time limit of a whole run.
 *
 * statement_timeout applies to each statement of a script; this limit is a
 * deadline for the whole run.  While statements run, the timer in lock_wait.c
 * compares the deadline with the clock and cancels the current statement.  It
 * does so only once per run, because the handling of that error must not be
 * canceled again.  Between statements and during pauses, the run itself checks
 * the deadline.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "run/run_limit.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

static int	run_timeout = 0;

/*
 * The limit and the deadline of the current or last run, and the setting that
 * the limit comes from.  0 means no limit.
 */
static int	limit_ms = 0;
static const char *limit_setting = "cmig.run_timeout";
static volatile TimestampTz deadline = 0;

/* Has the timer requested a cancel because the deadline has passed? */
static volatile bool expired = false;

void
cmig_run_limit_init(void)
{
	DefineCustomIntVariable("cmig.run_timeout",
							"Sets the maximum duration of one run.",
							"0 means no limit.",
							&run_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
}

void
cmig_run_limit_start(void)
{
	limit_setting = "cmig.run_timeout";
	limit_ms = cmig_settings_int(limit_setting, run_timeout);
	expired = false;
	deadline = limit_ms > 0 ?
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms) : 0;
}

void
cmig_run_limit_tighten(const char *setting, int ms)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms);

	if (ms <= 0 || (deadline != 0 && deadline < end))
		return;
	limit_setting = setting;
	limit_ms = ms;
	deadline = end;
}

bool
cmig_run_limit_passed(void)
{
	return deadline != 0 && GetCurrentTimestamp() >= deadline;
}

bool
cmig_run_limit_expires(TimestampTz now)
{
	if (deadline == 0 || expired || now < deadline)
		return false;
	expired = true;
	return true;
}

/*
 * Add a detail and a hint to the error about the exceeded limit.  Call this
 * within ereport() or in an error context callback.
 */
static int
describe(void)
{
	errdetail("The run has taken more than %d ms.", limit_ms);
	errhint("Raise %s, or run fewer revisions in one call.", limit_setting);
	return 0;
}

void
cmig_run_limit_check(void)
{
	if (!cmig_run_limit_passed())
		return;
	/* withdraw the cancel that the timer may have requested */
	if (expired)
		QueryCancelPending = false;
	expired = false;
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling the run due to %s", limit_setting),
			 describe()));
}

TimestampTz
cmig_run_limit_earlier(TimestampTz end)
{
	return deadline != 0 && deadline < end ? deadline : end;
}

bool
cmig_run_limit_explain(void)
{
	if (!expired || geterrcode() != ERRCODE_QUERY_CANCELED)
		return false;
	expired = false;
	errmsg("canceling statement due to %s", limit_setting);
	describe();
	return true;
}
