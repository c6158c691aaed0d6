/*
 * ddl_allow.c
 *	  Implements cmig.allow_ddl, which exempts the current transaction from
 *	  the policy on DDL.
 *
 * An exemption ends with the transaction.  If cmig.allow_ddl was called after
 * a savepoint, rolling back to that savepoint ends the exemption, too, and
 * removes the row that the call wrote to cmig.ddl_log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/argument.h"
#include "base/compat.h"
#include "guard/ddl_allow.h"
#include "guard/ddl_log.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(cmig_allow_ddl);

static char *reason = NULL;		/* in TopTransactionContext; NULL if there is
								 * no exemption */
static SubTransactionId made_in = InvalidSubTransactionId;

/* Transaction callback: the exemption ends with the transaction. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		reason = NULL;
}

/*
 * Subtransaction callback: the exemption ends if the subtransaction in which
 * it was declared is rolled back.
 */
static void
at_savepoint_end(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (made_in != id)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		reason = NULL;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		made_in = parent;
}

void
cmig_ddl_allow_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_savepoint_end, NULL);
}

const char *
cmig_ddl_allow_reason(void)
{
	return reason;
}

/*
 * This is a SECURITY DEFINER function, because it writes to cmig.ddl_log.  If
 * the transaction already has an exemption, that exemption remains in effect,
 * and only the new reason is recorded.  Otherwise, rolling back the second
 * call would end the first exemption.
 */
Datum
cmig_allow_ddl(PG_FUNCTION_ARGS)
{
	char	   *text = cmig_argument_text(fcinfo, 0);
	CmigDdlEntry entry = {.command = "allow_ddl",.reason = text};

	PreventCommandDuringRecovery("cmig.allow_ddl()");
	PreventCommandIfReadOnly("cmig.allow_ddl()");
	if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cmig.allow_ddl requires a reason"),
				 errhint("SELECT cmig.allow_ddl('why this cannot be a revision')")));
	if (!IsTransactionBlock())
		ereport(WARNING,
				(errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
				 errmsg("DDL is allowed only until the end of this statement"),
				 errdetail("cmig.allow_ddl was not called in a transaction block."),
				 errhint("Call cmig.allow_ddl after BEGIN.")));
	cmig_ddl_log_write(&entry);
	if (reason == NULL)
	{
		reason = MemoryContextStrdup(TopTransactionContext, text);
		made_in = GetCurrentSubTransactionId();
	}
	PG_RETURN_VOID();
}
