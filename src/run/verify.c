/*
 * verify.c
 *	  Preconditions before a step, verification after it, the last failure, and
 *	  the server log.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "run/internal.h"

/* ----------------------------------------------------------------
 * Keeps each database's last failed run in shared memory.
 *
 * A run in a single transaction leaves no row in the journal if it fails.  If
 * the library is in shared_preload_libraries, the error of the run is kept in
 * shared memory until the server restarts.
 *
 * Each slot contains the last failure in one database.  One LWLock protects
 * all slots.  It is held only while a slot is copied, when no error can be
 * raised.
 * ----------------------------------------------------------------
 */

/*
 * The maximum number of databases for which a failure is kept.  If runs fail
 * in more databases, the oldest failure is replaced.
 */
#define SLOTS 64

#define AREA_NAME "pg_cmig"

/* The last failure in a database. */
typedef struct Slot
{
	Oid			database;		/* InvalidOid if the slot is free */
	CmigLastFailure failure;
} Slot;

/* The shared memory area. */
typedef struct Area
{
	LWLock	   *lock;
	Slot		slots[SLOTS];
} Area;

/* The shared memory area, or NULL if the library was not preloaded. */
static Area *area = NULL;

static shmem_request_hook_type previous_request = NULL;
static shmem_startup_hook_type previous_startup = NULL;

/* The step that this session is running; its revision is empty if none is. */
static CmigLastFailure current = {0};

/* shmem_request hook: reserve shared memory and the LWLock. */
static void
request(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Area)));
	RequestNamedLWLockTranche(AREA_NAME, 1);
}

/* shmem_startup hook: create the shared memory area, or attach to it. */
static void
start(void)
{
	bool		found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	area = ShmemInitStruct(AREA_NAME, sizeof(Area), &found);
	if (!found)
	{
		memset(area, 0, sizeof(Area));
		area->lock = &GetNamedLWLockTranche(AREA_NAME)->lock;
	}
	LWLockRelease(AddinShmemInitLock);
}

void
cmig_last_failure_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	previous_request = shmem_request_hook;
	shmem_request_hook = request;
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start;
}

bool
cmig_last_failure_is_kept(void)
{
	return area != NULL;
}

/*
 * Returns the slot of the current database.  If it has none, returns NULL or, if
 * "make" is true, a free slot or the one with the oldest failure.  The caller
 * must hold the lock.
 */
static Slot *
find_slot(bool make)
{
	Slot	   *other = &area->slots[0];

	for (int i = 0; i < SLOTS; i++)
	{
		Slot	   *slot = &area->slots[i];

		if (slot->database == MyDatabaseId)
			return slot;
		if (OidIsValid(other->database) &&
			(!OidIsValid(slot->database) || slot->failure.at < other->failure.at))
			other = slot;
	}
	return make ? other : NULL;
}

/* Store the failure of the current step in shared memory. */
static void
keep(void)
{
	Slot	   *slot;

	current.at = GetCurrentTimestamp();
	LWLockAcquire(area->lock, LW_EXCLUSIVE);
	slot = find_slot(true);
	current.count = slot->database == MyDatabaseId ? slot->failure.count + 1 : 1;
	slot->database = MyDatabaseId;
	slot->failure = current;
	LWLockRelease(area->lock);
	current.revision[0] = '\0';
}

/* Copy a string, truncated at a character boundary, to a buffer. */
static void
copy_text(char *target, const char *text, int size)
{
	strlcpy(target, text, pg_mbcliplen(text, strlen(text), size - 1) + 1);
}

/*
 * before_shmem_exit callback: record a failure if the session ends in the
 * middle of a run, for example because it was terminated.
 */
static void
end_session(int code, Datum arg)
{
	if (current.revision[0] == '\0')
		return;
	current.sqlstate = 0;
	copy_text(current.message, "the session was terminated", CMIG_FAILURE_MESSAGE);
	keep();
}

void
cmig_last_failure_begin(CmigDirection direction, const char *revision)
{
	static bool watching_exit = false;

	if (area == NULL)
		return;
	if (!watching_exit)
		before_shmem_exit(end_session, (Datum) 0);
	watching_exit = true;
	memset(&current, 0, sizeof(current));
	current.direction = direction;
	copy_text(current.revision, revision, CMIG_FAILURE_REVISION);
	strlcpy(current.scope, cmig_scope_current(), NAMEDATALEN);
}

void
cmig_last_failure_record(int statement)
{
	MemoryContext old;
	ErrorData  *error;

	if (area == NULL || current.revision[0] == '\0')
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	error = CopyErrorData();
	current.statement = statement;
	current.sqlstate = error->sqlerrcode;
	copy_text(current.message, cmig_error_stored(error), CMIG_FAILURE_MESSAGE);
	FreeErrorData(error);
	MemoryContextSwitchTo(old);
	keep();
}

void
cmig_last_failure_forget(void)
{
	Slot	   *slot;

	current.revision[0] = '\0';
	if (area == NULL)
		return;
	LWLockAcquire(area->lock, LW_EXCLUSIVE);
	slot = find_slot(false);
	if (slot && strcmp(slot->failure.scope, cmig_scope_current()) == 0)
		slot->failure.revision[0] = '\0';
	LWLockRelease(area->lock);
}

bool
cmig_last_failure_read(CmigLastFailure *failure)
{
	Slot	   *slot;

	memset(failure, 0, sizeof(*failure));
	if (area == NULL)
		return false;
	LWLockAcquire(area->lock, LW_SHARED);
	slot = find_slot(false);
	if (slot)
		*failure = slot->failure;
	LWLockRelease(area->lock);
	return failure->revision[0] != '\0' && strcmp(failure->scope, cmig_scope_current()) == 0;
}

/* ----------------------------------------------------------------
 * Writes a line to the server log when a run starts, and one when it ends.
 *
 * A run in the caller's transaction ends with that transaction, so the line
 * about its end is written there, and says whether it was committed.
 * ----------------------------------------------------------------
 */

/* The setting cmig.log_runs, as an enum whose greater value is the stricter. */
static int	log_runs = true;

static const struct config_enum_entry log_runs_options[] = {
	{"off", false, false},
	{"on", true, false},
	{"false", false, true},
	{"true", true, true},
	{NULL, 0, false}
};

/* A run of which the log shows the start. */
typedef struct LoggedRun
{
	char		what[256];
	char		who[192];
	bool		commits;		/* does it commit in between? */
	TimestampTz started_at;
	TimestampTz ended_at;
	TransactionId xid;			/* the (sub)transaction that it has ended in */
} LoggedRun;

/* The run in progress; empty if there is none, or if it is not logged. */
static LoggedRun logged =
{
	""
};

/*
 * The runs that have ended in the current transaction, in
 * TopTransactionContext.
 */
static List *logged_ends = NIL;

/* Write the line about the end of a run. */
static void
log_end(const LoggedRun *run, const char *result)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg("pg_cmig: %s ended: %s, %ld ms, %s", run->what, result,
					TimestampDifferenceMilliseconds(run->started_at, run->ended_at), run->who),
			 errhidestmt(true), errhidecontext(true)));
}

/* Transaction callback: log the ends of runs in the transaction. */
static void
log_transaction_end(XactEvent event, void *arg)
{
	List	   *ends = logged_ends;

	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		return;
	logged_ends = NIL;
	foreach_ptr(const LoggedRun, run, ends)
		log_end(run, event == XACT_EVENT_PREPARE ? "prepared" :
				event == XACT_EVENT_COMMIT &&
				TransactionIdDidCommit(run->xid) ? "ok" : "rolled back");
	/* errors have been logged, so the session is about to end */
	if (event == XACT_EVENT_ABORT && logged.what[0] != '\0' &&
		(!logged.commits || proc_exit_inprogress))
		cmig_log_run_end(true, "the session was terminated");
}

void
cmig_log_run_init(void)
{
	DefineCustomEnumVariable(cmig_settings_name("cmig.log_runs"),
							 "Writes a line to the server log when a run starts and when it ends.",
							 NULL, &log_runs, true, log_runs_options, PGC_USERSET, 0, NULL, NULL,
							 NULL);
	RegisterXactCallback(log_transaction_end, NULL);
}

void
cmig_log_run_start(const char *what, bool commits)
{
	logged.what[0] = '\0';
	if (!cmig_settings_guard_enum("cmig.log_runs", log_runs))
		return;
	copy_text(logged.what, what, sizeof(logged.what));
	copy_text(logged.who,
			  psprintf("role \"%s\", application \"%s\"%s", cmig_session_role(), application_name,
					   cmig_scope_is_set() ? psprintf(", %s", cmig_scope_text()) : ""),
			  sizeof(logged.who));
	/* the names of roles, schemas, and tables can contain line breaks */
	(void) cmig_text_one_line(logged.what);
	(void) cmig_text_one_line(logged.who);
	logged.commits = commits;
	logged.started_at = GetCurrentTimestamp();
	ereport(LOG_SERVER_ONLY,
			(errmsg("pg_cmig: %s started, %s", logged.what, logged.who),
			 errhidestmt(true), errhidecontext(true)));
}

void
cmig_log_run_end(bool failed, const char *result)
{
	if (logged.what[0] == '\0')
		return;
	logged.ended_at = GetCurrentTimestamp();
	if (failed || logged.commits)
		log_end(&logged, result);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
		LoggedRun  *run = palloc(sizeof(LoggedRun));

		*run = logged;
		run->xid = GetCurrentTransactionId();
		logged_ends = lappend(logged_ends, run);
		MemoryContextSwitchTo(old);
	}
	logged.what[0] = '\0';
}

void
cmig_log_run_fail(int sqlstate, const char *place)
{
	/* after a line of the log, PostgreSQL looks for a cancel request */
	HOLD_INTERRUPTS();
	cmig_log_run_end(true, psprintf("%s%s", unpack_sql_state(sqlstate), place));
	RESUME_INTERRUPTS();
}

/* ----------------------------------------------------------------
 * Checks the rows that verify_sql returns.
 * ----------------------------------------------------------------
 */

/*
 * The maximum length in bytes of each value shown when a verification fails.
 */
#define VALUE_LENGTH 60

/* A DestReceiver that checks the rows that verify_sql returns. */
typedef struct VerifyReceiver
{
	DestReceiver pub;
	CmigScriptRun *run;
} VerifyReceiver;

/*
 * Returns the names and values of a row's columns for a message.  Long values
 * are truncated.
 */
static char *
describe_row(TupleTableSlot *slot)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		appendStringInfo(&buf, "%s%s = ", i > 0 ? ", " : "",
						 NameStr(column->attname));
		if (slot->tts_isnull[i])
			appendStringInfoString(&buf, "NULL");
		else
		{
			Oid			output;
			bool		is_varlena;

			getTypeOutputInfo(column->atttypid, &output, &is_varlena);
			appendStringInfoString(&buf,
								   cmig_text_shortened(OidOutputFunctionCall(output, slot->tts_values[i]),
													   VALUE_LENGTH));
		}
	}
	return buf.data;
}

/*
 * receiveSlot callback: raise an error if the row's first boolean column is not
 * true.  A row without a boolean column passes.
 */
static bool
verify_row(TupleTableSlot *slot, DestReceiver *self)
{
	CmigScriptRun *run = ((VerifyReceiver *) self)->run;
	TupleDesc	desc = slot->tts_tupleDescriptor;

	slot_getallattrs(slot);
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->atttypid != BOOLOID)
			continue;
		if (!slot->tts_isnull[i] && DatumGetBool(slot->tts_values[i]))
			break;
		ereport(ERROR,
				(errcode(ERRCODE_CMIG_VERIFY_FAILED),
				 errmsg("revision \"%s\" failed its verification", run->step->revision),
				 errdetail("Statement %d of verify_sql returned the row: %s.",
						   run->statement.number, describe_row(slot)),
				 errhint("Fix the revision, or the data that it checks, and run it again.")));
	}
	return true;
}

DestReceiver *
cmig_verify_receiver(CmigScriptRun *run)
{
	VerifyReceiver *receiver = palloc0(sizeof(VerifyReceiver));

	cmig_row_receiver_init(&receiver->pub, verify_row);
	receiver->run = run;
	return &receiver->pub;
}

/* ----------------------------------------------------------------
 * Checks the result of a revision's precondition.
 * ----------------------------------------------------------------
 */

/* A DestReceiver that checks the rows that a precondition returns. */
typedef struct PreconditionReceiver
{
	DestReceiver pub;
	int			rows;
	bool		is_boolean;		/* did all rows have a single boolean column? */
	bool		is_true;
	const char *returned;		/* says why it is not true, or "" */
} PreconditionReceiver;

/* receiveSlot callback: judge the row.  Stops the query after a second row. */
static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	PreconditionReceiver *receiver = (PreconditionReceiver *) self;
	TupleDesc	desc = slot->tts_tupleDescriptor;

	slot_getallattrs(slot);
	receiver->rows++;
	receiver->is_boolean &= desc->natts == 1 && TupleDescAttr(desc, 0)->atttypid == BOOLOID;
	receiver->is_true = receiver->rows == 1 && receiver->is_boolean &&
		!slot->tts_isnull[0] && DatumGetBool(slot->tts_values[0]);
	receiver->returned = receiver->rows > 1 ? "\nIt returned more than one row." :
		receiver->is_boolean && slot->tts_isnull[0] ? "\nIt returned null." : "";
	return receiver->rows < 2;
}

DestReceiver *
cmig_precondition_receiver(void)
{
	PreconditionReceiver *receiver = palloc0(sizeof(PreconditionReceiver));

	cmig_row_receiver_init(&receiver->pub, take_row);
	receiver->is_boolean = true;
	receiver->returned = "\nIt returned no row.";
	return &receiver->pub;
}

void
cmig_precondition_require(const DestReceiver *receiver, const CmigRunStep *step)
{
	const PreconditionReceiver *result = (const PreconditionReceiver *) receiver;

	if (result->is_true)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CMIG_PRECONDITION_FAILED),
			 result->is_boolean
			 ? errmsg("the precondition of revision \"%s\" is not met", step->revision)
			 : errmsg("the precondition of revision \"%s\" must return a single boolean column",
					  step->revision),
			 errdetail("The precondition is: %s%s", step->precondition_sql,
					   result->is_boolean ? result->returned : ""),
			 errhint("The precondition must return one row with one boolean column, whose value must be true.")));
}

void
cmig_precondition_require_select(const CmigStatement *statement, const CmigRunStep *step)
{
	const SelectStmt *select = (const SelectStmt *) statement->raw->stmt;
	bool		reads = statement->number == 1 && IsA(select, SelectStmt) &&
	select->intoClause == NULL;
	ListCell   *lc;

	/* a WITH query may insert, update, or delete rows */
	foreach(lc, reads && select->withClause != NULL ? select->withClause->ctes : NIL)
		reads = reads && IsA(lfirst_node(CommonTableExpr, lc)->ctequery, SelectStmt);
	if (!reads)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the precondition of revision \"%s\" is not a single SELECT",
						step->revision)));
}
