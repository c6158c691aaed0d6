/*
 * running.c
 *	  Keeps track of the revision whose script is running in this session.
 *
 * This state is static, because triggers, settings, and functions that a
 * script calls need it.  runner.c sets it, and resets it on every path out of
 * a run.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "run/running.h"
#include "run/session.h"

#include "utils/guc.h"

static bool concurrent_ddl = true;

/*
 * The variable of the setting cmig.running_revision.  Its contents are not
 * used, because show_running() provides the value.
 */
static char *running_dummy = NULL;

/* The revision whose script is running, or NULL, and the script's direction. */
static const char *running = NULL;
static CmigDirection running_direction;

/* Is the script being replayed?  See cmig_running_is_replaying(). */
static bool replaying = false;

/*
 * The number of the current or last statement, and whether it is part of
 * verify_sql.
 */
static int	statement_number = 0;
static bool verifying = false;

/* GUC show hook of cmig.running_revision. */
static const char *
show_running(void)
{
	return running ? running : "";
}

void
cmig_running_init(void)
{
	DefineCustomBoolVariable("cmig.concurrent_ddl",
							 "Runs statements with CONCURRENTLY unchanged.",
							 "If off, CONCURRENTLY is removed from index statements, so that they can run in a transaction.",
							 &concurrent_ddl, true, PGC_USERSET,
							 0, NULL, NULL, NULL);
	DefineCustomStringVariable("cmig.running_revision",
							   "Shows the revision whose script is running in this session.",
							   NULL,
							   &running_dummy, "", PGC_INTERNAL,
							   GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, show_running);
}

void
cmig_running_start(const CmigRunStep *step)
{
	running = step->revision;
	running_direction = step->direction;
	replaying = step->replayed;
	verifying = false;
}

void
cmig_running_stop(void)
{
	running = NULL;
	replaying = false;
}

void
cmig_running_set_statement(int number)
{
	statement_number = number;
}

void
cmig_running_count_statement(void)
{
	statement_number++;
}

void
cmig_running_set_verifying(void)
{
	verifying = true;
}

void
cmig_running_forget_statement(void)
{
	statement_number = 0;
	verifying = false;
}

bool
cmig_running_concurrent_ddl(void)
{
	return !replaying && cmig_settings_bool("cmig.concurrent_ddl", concurrent_ddl);
}

bool
cmig_running_is_replaying(void)
{
	return replaying;
}

const char *
cmig_running_revision(void)
{
	return running;
}

void
cmig_running_require_idle(const char *function)
{
	if (cmig_query_is_writing())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called while pg_cmig is writing to its tables", function),
				 errdetail("It is called by a trigger on one of these tables."),
				 errhint("Use a constraint trigger that is DEFERRABLE INITIALLY DEFERRED, which fires when the run has ended.")));
	if (running == NULL && !cmig_session_is_entered())
		return;
	if (running == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s cannot be called by a target's SQL", function)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by a revision's script", function),
			 errdetail("Revision \"%s\" is running.", running),
			 errhint("Use down_revision and depends_on to order revisions.")));
}

CmigDirection
cmig_running_direction(void)
{
	return running_direction;
}

int
cmig_running_statement(void)
{
	return statement_number;
}

bool
cmig_running_verifying(void)
{
	return verifying;
}
