/*
 * hooks.c
 *	  For t/057_sessions.pl: a function that returns the names of the hooks that
 *	  the session's libraries have set.  For t/092_expand_kinds.pl: a provider of
 *	  security labels, which accepts all of them.  For t/163_expand_samples.pl: a
 *	  table access method that cannot read rows by blocks.  For t/224_pgaudit.pl: a
 *	  hook that refuses what pgaudit refuses.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "catalog/objectaccess.h"
#include "commands/seclabel.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "rewrite/rowsecurity.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(hooks);

void		_PG_init(void);

static void
accept(const ObjectAddress *object, const char *label)
{
}

void
_PG_init(void)
{
	register_label_provider("mask", accept);
}

#define ADD(hook) do { if (hook) appendStringInfo(&names, "%s%s", names.len > 0 ? " " : "", #hook); } while (0)

Datum
hooks(PG_FUNCTION_ARGS)
{
	StringInfoData names;

	initStringInfo(&names);
	ADD(planner_hook);
	ADD(post_parse_analyze_hook);
	ADD(ExecutorStart_hook);
	ADD(ExecutorRun_hook);
	ADD(ExecutorFinish_hook);
	ADD(ExecutorEnd_hook);
	ADD(ExecutorCheckPerms_hook);
	ADD(ProcessUtility_hook);
	ADD(object_access_hook);
	ADD(needs_fmgr_hook);
	ADD(fmgr_hook);
	ADD(emit_log_hook);
	ADD(row_security_policy_hook_permissive);
	ADD(row_security_policy_hook_restrictive);
	ADD(shmem_startup_hook);
	PG_RETURN_TEXT_P(cstring_to_text(names.data));
}

PG_FUNCTION_INFO_V1(blockless);

Datum
blockless(PG_FUNCTION_ARGS)
{
	TableAmRoutine *routine = palloc(sizeof(TableAmRoutine));

	*routine = *GetHeapamTableAmRoutine();
	routine->scan_set_tidrange = NULL;
	routine->scan_getnextslot_tidrange = NULL;
	PG_RETURN_POINTER(routine);
}

PG_FUNCTION_INFO_V1(watch_calls);

static ProcessUtility_hook_type next_hook = NULL;
static bool calls_count;
static int	running = 0;

static void
end_one(void *arg)
{
	running--;
}

/* elog() tells the name of the function */
static void
pgaudit_ProcessUtility_hook(PlannedStmt *plan, const char *text, bool read_only,
							ProcessUtilityContext context, ParamListInfo parameters,
							QueryEnvironment *environment, DestReceiver *receiver,
							QueryCompletion *completion)
{
	if (context == PROCESS_UTILITY_TOPLEVEL && running > 0)
		elog(ERROR, "pgaudit stack is not empty");
	if (context != PROCESS_UTILITY_SUBCOMMAND && (calls_count || !IsA(plan->utilityStmt, CallStmt)))
	{
		MemoryContext end = AllocSetContextCreate(CurrentMemoryContext, "watch", ALLOCSET_SMALL_SIZES);
		MemoryContextCallback *callback = MemoryContextAllocZero(end, sizeof(MemoryContextCallback));

		callback->func = end_one;
		MemoryContextRegisterResetCallback(end, callback);
		running++;
	}
	(next_hook ? next_hook : standard_ProcessUtility) (plan, text, read_only, context, parameters,
													   environment, receiver, completion);
}

/* Set the hook of pgaudit 1.7.0 (true) or 1.7.1 (false), or remove it (NULL). */
Datum
watch_calls(PG_FUNCTION_ARGS)
{
	if (ProcessUtility_hook == pgaudit_ProcessUtility_hook)
		ProcessUtility_hook = next_hook;
	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	calls_count = PG_GETARG_BOOL(0);
	next_hook = ProcessUtility_hook;
	ProcessUtility_hook = pgaudit_ProcessUtility_hook;
	PG_RETURN_VOID();
}
