/*
 * subtransaction.c
 *	  Work in a subtransaction, and rows of users' tables without a query.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/base.h"
#include "base/errors.h"

/* ----------------------------------------------------------------
 * Runs work in a subtransaction and catches its error.
 * ----------------------------------------------------------------
 */

/*
 * Raise error 25000 during a parallel operation, where the server starts no commands
 * and takes no snapshots.  pg_cmig's functions are PARALLEL UNSAFE, but a function of a
 * user that calls them can be declared otherwise.
 */
static void
require_serial(void)
{
	if (IsInParallelMode())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot call this function of pg_cmig during a parallel operation"),
				 errhint("Declare each function that calls it PARALLEL UNSAFE.")));
}

Snapshot
cmig_latest_snapshot(void)
{
	require_serial();
	return GetLatestSnapshot();
}

/* Run the work.  If "keep" is false, roll it back even if it succeeds. */
static ErrorData *
run(CmigSubtransactionWork work, void *arg, bool keep)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	require_serial();

	/*
	 * starting a subtransaction raises an error if the last statement left
	 * invalidation messages unprocessed, as ALTER DOMAIN ... DROP CONSTRAINT
	 * does
	 */
	(void) GetCurrentCommandId(true);
	CommandCounterIncrement();
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
		error = cmig_error_take(context);
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

ErrorData *
cmig_error_take(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();

	/* a session has changed a row of a catalog without a lock, as GRANT does */
	if (cmig_error_is_from(error, ERRCODE_INTERNAL_ERROR, "simple_heap_update") ||
		cmig_error_is_from(error, ERRCODE_INTERNAL_ERROR, "simple_heap_delete"))
	{
		error->sqlerrcode = ERRCODE_T_R_SERIALIZATION_FAILURE;
		error->message = pstrdup("another session has changed the same object, such as its privileges, at the same time");
	}
	return error;
}

int
cmig_error_detail(const ErrorData *error)
{
	if (error->detail != NULL)
		errdetail_internal("%s", error->detail);
	if (error->detail_log != NULL)
		errdetail_log("%s", error->detail_log);
	return 0;
}

/*
 * Errors of the server whose detail has only names of objects and of types.  The
 * SQLSTATE does not show that, because code of users can raise an error with any
 * SQLSTATE and any detail.  It cannot choose the function of the server that raises
 * it, nor the domain of its messages: that of RAISE is that of plpgsql.
 */
static const struct
{
	int			sqlstate;
	const char *function;
}			details_of_names[] =

{
	{ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, "reportDependentObjects"},
	{ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST, "DropRole"},
	/* the type of a column that others depend on, before version 16 and since */
	{ERRCODE_FEATURE_NOT_SUPPORTED, "ATExecAlterColumnType"},
	{ERRCODE_SYNTAX_ERROR, "ATExecAlterColumnType"},
	{ERRCODE_FEATURE_NOT_SUPPORTED, "RememberAllDependentForRebuilding"},
	{ERRCODE_SYNTAX_ERROR, "RememberAllDependentForRebuilding"},
	/* a foreign key with other types */
	{ERRCODE_DATATYPE_MISMATCH, "ATAddForeignKeyConstraint"},
	/* a unique index without a column of the partition key */
	{ERRCODE_FEATURE_NOT_SUPPORTED, "DefineIndex"},
};

/* Is it an error of the server whose detail has only names? */
static bool
has_names_only(const ErrorData *error)
{
	if (error->domain == NULL || strcmp(error->domain, PG_TEXTDOMAIN("postgres")) != 0)
		return false;
	for (int i = 0; i < lengthof(details_of_names); i++)
		if (error->sqlerrcode == details_of_names[i].sqlstate && error->funcname != NULL &&
			strcmp(error->funcname, details_of_names[i].function) == 0)
			return true;
	return false;
}

/*
 * The detail of a server's error has values of rows, such as those of a duplicate
 * key, unless has_names_only(), and that of a verification the row.  The message of a
 * data exception, or about the syntax of a value, quotes the value, so only its format
 * is stored.  If a lock was waited for, detail_log has what everybody may see of who has
 * it; if an error of pg_cmig quotes another one, detail_log has what is left of that.
 */
char *
cmig_error_stored(const ErrorData *error)
{
	const bool	waited = error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
	error->sqlerrcode == ERRCODE_QUERY_CANCELED;
	const bool	ours = error->domain != NULL && strcmp(error->domain, TEXTDOMAIN) == 0;
	const char *detail = has_names_only(error) ? error->detail : waited ? error->detail_log :
	!ours || error->sqlerrcode == ERRCODE_CMIG_VERIFY_FAILED ? NULL :
	error->detail_log ? error->detail_log : error->detail;
	const char *format = error->message_id ? error->message_id : "%s";

	/* that of SQL quotes SQL; that of a tsquery or a jsonpath, a value */
	const bool	quotes = ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
	(error->sqlerrcode == ERRCODE_SYNTAX_ERROR && strcmp(format, "%s at or near \"%s\"") != 0);
	StringInfoData buf;

	initStringInfo(&buf);
	if (ours || !quotes)
		appendStringInfoString(&buf, error->message ? error->message : "missing error text");
	else
		for (const char *c = format; *c; c++)
		{
			if (*c == '%')
			{
				c += 1 + strspn(c + 1, "-+ #0123456789.*lhzjt$");
				appendStringInfoString(&buf, *c == '%' ? "%" : "...");
			}
			else
				appendStringInfoChar(&buf, *c);
		}
	if (detail != NULL)
		appendStringInfo(&buf, ": %s", detail);
	return buf.data;
}

bool
cmig_error_is_from(const ErrorData *error, int sqlstate, const char *place)
{
	return error->sqlerrcode == sqlstate &&
		((error->funcname != NULL && strcmp(error->funcname, place) == 0) ||
		 (error->filename != NULL && strcmp(error->filename, place) == 0));
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

bool
cmig_subtransaction_limited(CmigSubtransactionWork work, void *arg, int limit, ErrorData **error)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), limit);
	TimestampTz other = get_timeout_active(STATEMENT_TIMEOUT) ?
	get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
	bool		limits = other == 0 || other > end;

	if (limits)
		enable_timeout_at(STATEMENT_TIMEOUT, end);
	*error = cmig_subtransaction_rehearse(work, arg);
	if (limits)
		disable_timeout(STATEMENT_TIMEOUT, false);
	if (limits && other)
		enable_timeout_at(STATEMENT_TIMEOUT, other);
	if (*error && limits && (*error)->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		GetCurrentTimestamp() >= end)
		return false;
	if (*error && cmig_subtransaction_must_rethrow(*error))
		ReThrowError(*error);
	return true;
}

/* ----------------------------------------------------------------
 * A DestReceiver that calls a function for each row.
 * ----------------------------------------------------------------
 */

static void
ignore_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
ignore_end(DestReceiver *self)
{
}

void
cmig_row_receiver_init(DestReceiver *receiver, CmigRowReceiver row)
{
	receiver->receiveSlot = row;
	receiver->rStartup = ignore_startup;
	receiver->rShutdown = ignore_end;
	receiver->rDestroy = ignore_end;
	receiver->mydest = DestNone;
}

/* ----------------------------------------------------------------
 * Reads the rows of users' tables without a query.
 *
 * A table is its OID, which no other session can replace, and nothing that its
 * owner has attached to it, such as a policy or an expression of an index, is
 * evaluated.
 * ----------------------------------------------------------------
 */

bool
cmig_rows_visit(Oid table, CmigRowVisitor visit, void *arg)
{
	bool		known = true;
	bool		more = true;

	foreach_oid(oid, cmig_inheritors(table, AccessShareLock))
	{
		Relation	relation = relation_open(oid, NoLock);
		char		kind = relation->rd_rel->relkind;

		if (kind == RELKIND_RELATION && !cmig_citus_manages(oid))
		{
			TupleTableSlot *slot = table_slot_create(relation, NULL);
			TableScanDesc scan = cmig_beginscan_compat(relation, GetActiveSnapshot());

			while (more && table_scan_getnextslot(scan, ForwardScanDirection, slot))
			{
				CHECK_FOR_INTERRUPTS();
				more = visit(relation, slot, arg);
			}
			table_endscan(scan);
			ExecDropSingleTupleTableSlot(slot);
		}
		else
			known &= kind == RELKIND_PARTITIONED_TABLE;
		relation_close(relation, NoLock);
	}
	return known;
}
