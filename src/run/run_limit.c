/*
 * run_limit.c
 *	  How long a run may take in all: cmig.run_timeout.
 *
 * The server's statement_timeout holds for each statement of a script.  The
 * limit of the whole is a deadline.  While statements run, lock_wait.c's timer
 * compares it with the clock and cancels, once a run, as the error must not be
 * cancelled in its turn; between statements and in pauses the run looks itself.
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

/* Of the run under way or the last one; 0 is no limit. */
static int	limit_ms = 0;
static volatile TimestampTz deadline = 0;

/* The timer has asked for a cancel. */
static volatile bool expired = false;

void
cmig_run_limit_init(void)
{
	DefineCustomIntVariable("cmig.run_timeout",
							"Longest time that one run may take in all.",
							"0 means no limit.",
							&run_timeout, 0, 0, INT_MAX, PGC_USERSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
}

void
cmig_run_limit_start(void)
{
	limit_ms = cmig_settings_int("cmig.run_timeout", run_timeout);
	expired = false;
	deadline = limit_ms > 0 ?
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit_ms) : 0;
}

bool
cmig_run_limit_expires(TimestampTz now)
{
	if (deadline == 0 || expired || now < deadline)
		return false;
	expired = true;
	return true;
}

static int
describe(void)
{
	errdetail("The run has taken more than %d ms.", limit_ms);
	errhint("Raise cmig.run_timeout, or run fewer revisions in one call.");
	return 0;
}

void
cmig_run_limit_check(void)
{
	if (deadline == 0 || GetCurrentTimestamp() < deadline)
		return;
	/* the timer may have asked for it already */
	if (expired)
		QueryCancelPending = false;
	expired = false;
	ereport(ERROR,
			(errcode(ERRCODE_QUERY_CANCELED),
			 errmsg("canceling the run due to cmig.run_timeout"),
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
	errmsg("canceling statement due to cmig.run_timeout");
	describe();
	return true;
}
