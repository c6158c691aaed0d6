/*
 * restore_point.c
 *	  Implements cmig.restore_point, which creates restore points in the WAL
 *	  before and after a run.
 *
 * The restore point before the run is created with pg_create_restore_point(),
 * which requires the privilege to call that function.  The restore point after
 * the run must follow the commit record, so a transaction callback writes it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "move/restore_point.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static bool restore_point = false;

#define RUN_TIME_SIZE 40

/*
 * The time at which the current run began, as it appears in the names of its
 * restore points; empty if the run has none.
 */
static char run_time[RUN_TIME_SIZE] = "";

/* A completed run whose second restore point is created after the commit. */
typedef struct CompleteRun
{
	char		time[RUN_TIME_SIZE];
	SubTransactionId waits_for; /* the open subtransaction that contains the
								 * run, or the top-level transaction */
} CompleteRun;

/*
 * The completed runs of the current transaction (of CompleteRun *), in
 * TopTransactionContext.
 */
static List *complete = NIL;

static CmigQuery may_create = {
	"SELECT has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'EXECUTE')::text", 0
};

static CmigQuery create_point = {"SELECT pg_create_restore_point($1)", 1, {TEXTOID}};

/* Set run_time to the current time in UTC. */
static void
set_run_time(void)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(GetCurrentTimestamp(), NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	snprintf(run_time, sizeof(run_time), "%04d%02d%02d_%02d%02d%02d_%06d", tm.tm_year, tm.tm_mon,
			 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
}

/*
 * Returns the name of a restore point of the current run.  "which" is "before"
 * or "after".
 */
static char *
point_name(const char *which)
{
	return psprintf("cmig_%s_%s", run_time, which);
}

/*
 * Transaction callback: after a commit, create the second restore point of
 * each completed run.
 */
static void
end_transaction(XactEvent event, void *arg)
{
	List	   *runs = complete;
	ListCell   *lc;

	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	complete = NIL;
	if (event != XACT_EVENT_COMMIT)
		return;
	foreach(lc, runs)
	{
		char		name[64];

		snprintf(name, sizeof(name), "cmig_%s_after", ((CompleteRun *) lfirst(lc))->time);
		(void) XLogRestorePoint(name);
	}
}

/*
 * Subtransaction callback: after a commit, the completed runs of the
 * subtransaction belong to its parent; after an abort, they are forgotten.
 */
static void
end_subtransaction(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *arg)
{
	ListCell   *lc;

	foreach(lc, complete)
	{
		CompleteRun *run = lfirst(lc);

		if (run->waits_for != ended)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			run->waits_for = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
			complete = foreach_delete_current(complete, lc);
	}
}

void
cmig_restore_point_init(void)
{
	DefineCustomBoolVariable("cmig.restore_point",
							 "Creates restore points before and after each run.",
							 NULL, &restore_point, false, PGC_USERSET, 0, NULL, NULL, NULL);
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}

/*
 * Raise error 42501 unless the current user is allowed to create a restore
 * point.
 */
static void
require_privilege(void)
{
	char	   *answer = NULL;

	cmig_query_each(&may_create, NULL, NULL, cmig_query_keep_text, &answer);
	if (answer == NULL || strcmp(answer, "true") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to create a restore point"),
				 errdetail("cmig.restore_point is on."),
				 errhint("GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO %s",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

char *
cmig_restore_point_before(void)
{
	char	   *name;
	char	   *names;
	Datum		values[1];

	run_time[0] = '\0';
	if (!cmig_settings_bool("cmig.restore_point", restore_point))
		return NULL;
	require_privilege();
	set_run_time();
	name = point_name("before");
	values[0] = CStringGetTextDatum(name);
	(void) cmig_query_run(&create_point, values, NULL);
	names = psprintf("restore points %s and %s", name, point_name("after"));
	ereport(NOTICE,
			(errmsg("created restore point %s", name),
			 errdetail("It marks the state before the run. Restore point %s will be created after the run has committed.",
					   point_name("after")),
			 errhint("To restore one of these states, set recovery_target_name to the name of its restore point.")));
	return names;
}

void
cmig_restore_point_after_commit(void)
{
	MemoryContext old;
	CompleteRun *run;

	if (run_time[0] == '\0')
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	run = palloc(sizeof(CompleteRun));
	memcpy(run->time, run_time, sizeof(run->time));
	run->waits_for = GetCurrentSubTransactionId();
	complete = lappend(complete, run);
	MemoryContextSwitchTo(old);
	run_time[0] = '\0';
}
