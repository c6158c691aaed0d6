/*
 * cancel_at_log.c
 *	  For tests: cancels the statement when a line says that a run was canceled.
 *
 * The server sends the signal of a client's cancel request twice, and the second
 * one can arrive while the first is handled.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

static void
cancel(ErrorData *line)
{
	if (line->elevel == LOG_SERVER_ONLY && strstr(line->message, " ended: 57014") != NULL)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
}

void
_PG_init(void)
{
	emit_log_hook = cancel;
}
