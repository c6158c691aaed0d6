/*
 * subtransaction.c
 *	  Runs work in a subtransaction and catches its error.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/subtransaction.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

void
cmig_subtransaction_settle(void)
{
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
}

/* Run the work.  If "keep" is false, roll it back even if it succeeds. */
static ErrorData *
run(CmigSubtransactionWork work, void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	cmig_subtransaction_settle();
	BeginInternalSubTransaction(NULL);
	/* let the work allocate its results in the caller's memory context */
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		if (keep)
			ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL || !keep)
		RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

ErrorData *
cmig_subtransaction_try(CmigSubtransactionWork work, void *arg)
{
	return run(work, arg, true);
}

ErrorData *
cmig_subtransaction_rehearse(CmigSubtransactionWork work, void *arg)
{
	return run(work, arg, false);
}

bool
cmig_subtransaction_must_rethrow(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return true;
		default:
			return error->elevel > ERROR;
	}
}
