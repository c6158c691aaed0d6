/*
 * call.c
 *	  What ends with a CALL, in whatever way it ends.
 *
 * A procedure that commits changes what outlives its transactions: locks at session
 * level, timers, the selected scope, the settings and the role of the session.  It ends
 * all of that itself.  But an error can occur at any place, also in code that handles
 * an error, and the session may be one of a pool.  Therefore, what the procedure has
 * left is ended together with its memory, which happens at the end of the CALL, and
 * cannot be interrupted.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "run/internal.h"

bool		cmig_call_reads_committed = false;

static bool is_guarded = false;
static bool quoted_all;

/* Memory context callback: raises no error, and uses no catalog. */
static void
end_call(void *arg)
{
	is_guarded = false;
	cmig_call_reads_committed = false;
	quote_all_identifiers = quoted_all;
	cmig_runner_is_silent = false;
	cmig_running.revision = NULL;
	cmig_running.replaying = false;
	cmig_lock_wait_unwatch();
	(void) cmig_lock_wait_yield(false);
	cmig_extension_release();
	cmig_run_lock_release();
	cmig_run_lock_table_release();
	cmig_scope_select(NULL);
	if (!cmig_session_forget())
		return;

	/* the next command would run with the settings and the role of a script */
	ereport(WARNING,
			(errmsg("the session ends, because the settings that a script has changed could not be restored")));
	ProcDiePending = true;
	InterruptPending = true;
}

void
cmig_call_guard(MemoryContext context)
{
	MemoryContextCallback *callback;

	if (is_guarded)
		return;
	callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	callback->func = end_call;
	quoted_all = quote_all_identifiers;
	MemoryContextRegisterResetCallback(context, callback);
	is_guarded = true;
}

void
cmig_call_require_guard(void)
{
	Assert(is_guarded);
}
