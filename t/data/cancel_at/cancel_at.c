/*
 * cancel_at.c
 *	  For tests: cancels the statement at a known place.
 *
 * cancel_at(N, after_error, times) counts, from now on or from the next rollback, the places where
 * a cancel request could be noticed: queries that begin, objects that are created or
 * dropped, commits, and the line of the log about the end of a run.  At the Nth one, and, if
 * "times" is more than 1, at those that follow, it requests a cancel.
 * cancel_seen() returns how many there were.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(cancel_at);
PG_FUNCTION_INFO_V1(cancel_seen);

static int	at = 0;
static int	left = 0;
static int	seen = 0;
static bool counts = false;
static bool waits = false;

static ExecutorStart_hook_type next_start = NULL;
static object_access_hook_type next_access = NULL;

static void
count(bool can_raise)
{
	if (!counts || ++seen < at)
		return;
	counts = --left > 0;
	QueryCancelPending = true;
	InterruptPending = true;
	if (can_raise)
		CHECK_FOR_INTERRUPTS();
}

/* PostgreSQL looks for interrupts itself after it has written the line. */
static void
at_log(ErrorData *line)
{
	if (strstr(line->message, " ended: ") != NULL)
		count(false);
}

static void
at_start(QueryDesc *query, int flags)
{
	if (strstr(query->sourceText, "cancel_seen") == NULL)
		count(true);
	if (next_start)
		next_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static void
at_access(ObjectAccessType access, Oid class, Oid object, int part, void *arg)
{
	if (next_access)
		next_access(access, class, object, part, arg);
	if (access == OAT_POST_CREATE || access == OAT_DROP)
		count(true);
}

static void
at_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && waits)
	{
		waits = false;
		counts = true;
	}
	else if (event == XACT_EVENT_PRE_COMMIT)
		count(true);
}

Datum
cancel_at(PG_FUNCTION_ARGS)
{
	at = PG_GETARG_INT32(0);
	waits = PG_GETARG_BOOL(1);
	left = PG_GETARG_INT32(2);
	counts = false;
	seen = 0;
	if (!waits && at > 0)
		counts = true;
	PG_RETURN_VOID();
}

Datum
cancel_seen(PG_FUNCTION_ARGS)
{
	counts = false;
	PG_RETURN_BOOL(at > 0 && seen >= at);
}

void
_PG_init(void)
{
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = at_start;
	next_access = object_access_hook;
	object_access_hook = at_access;
	emit_log_hook = at_log;
	RegisterXactCallback(at_transaction, NULL);
}
