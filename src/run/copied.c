/*
 * copied.c
 *	  What code of a database may do while an engine loads a copy of its schema.
 *
 * One role loads the objects of all roles, and can become each of them.  The server
 * calls functions meanwhile, such as an immutable one in a constraint, which could
 * change the objects of others in the copy, and so the scripts that are generated
 * there.  Therefore, only the statements of the dump write and set something: a function
 * reads, and neither it nor what it leaves behind, such as a cursor, runs a command.
 * What it can take of the machine is limited, and so is what it can write into
 * messages: cmig reads from those of psql what has failed.
 *
 * share/cmig/engine_create.sql has the server load the library when a session of that
 * role begins, and turns this on by a placeholder, which nobody can change for a
 * session that has begun.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "access/transam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "run/internal.h"

#define PLACEHOLDER "cmig_client.copies"

/* how often a statement may catch that it has taken too long, and how long it then has */
#define MOST_CAUGHT 3
#define NEXT_TIMEOUT 200

/* how long a statement may go on after that if it does not look whether it was canceled */
#define LAST_TIMEOUT 5000

/* statements that take this part of their time have together so many times that of one */
#define SLOW 10
#define MOST_SLOW 6

/* how many bytes of memory the process can have, and a text of a message; how many are logged */
#define MOST_MEMORY ((rlim_t) 2 * 1024 * 1024 * 1024)
#define LONGEST_TEXT 2000
#define MOST_LOGGED 2000

/* Is this such a session?  In a copy, perhaps: the database must be one. */
static enum
{
	UNKNOWN, IN_A_COPY, GUARDED, NOT_GUARDED
}			session = UNKNOWN;

static int	depth = 0;			/* of functions that are running */
static bool was_read_only;		/* before the outermost one */
static char outermost[4 * NAMEDATALEN]; /* its name */
static bool is_timed;			/* does "last" end with it? */

static int	limit;				/* statement_timeout when the statement began */
static int	caught;				/* how often it has caught an error after that */
static TimeoutId last;			/* when the connection ends */

static long slow = 0;			/* how long slow statements have taken
								 * together */
static long slowest = 0;
static char slowest_text[200];

static object_access_hook_type next_object_access = NULL;
static needs_fmgr_hook_type next_needs_fmgr = NULL;
static fmgr_hook_type next_fmgr = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;
static ExecutorStart_hook_type next_ExecutorStart = NULL;
static emit_log_hook_type next_emit_log = NULL;

/*
 * Callback of subtransactions: code can catch that it has taken too long.  The timeout
 * then comes again, and at last, the session ends.
 */
static void
see_subtransaction(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB || limit <= 0 ||
		!TimestampDifferenceExceeds(GetCurrentStatementStartTimestamp(), GetCurrentTimestamp(), limit))
		return;
	if (caught++ < MOST_CAUGHT)
		enable_timeout_after(STATEMENT_TIMEOUT, NEXT_TIMEOUT);
	else if (!ProcDiePending)
	{
		ereport(WARNING,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("function %s does not let itself be canceled", outermost)));
		ProcDiePending = true;
		InterruptPending = true;
	}
}

/*
 * Handler of a timeout: some functions, such as xpath(), cannot be canceled.  Only what is
 * safe in a signal handler is possible, so the client loses its connection, and this
 * process ends when the function returns.  The first member of a Port is its socket; the
 * header of Port needs those of other libraries.
 */
static void
end_connection(void)
{
	/* a parallel worker has none */
	if (MyProcPort != NULL)
		(void) shutdown(*(pgsocket *) MyProcPort, SHUT_RDWR);
}

/*
 * The first call precedes all code of users.  A parallel worker has the value that such
 * code may have set.  Elsewhere than in a copy, anybody could set it.
 */
static bool
is_guarded(void)
{
	if (session == UNKNOWN)
	{
		const char *value = GetConfigOption(PLACEHOLDER, true, false);

		session = value != NULL ? IN_A_COPY : NOT_GUARDED;
		/* cmig loads nothing in a session without this */
		if (session == IN_A_COPY && cmig_text_same(value, "on"))
			SetConfigOption(PLACEHOLDER, "guarded", PGC_SUSET, PGC_S_OVERRIDE);
	}
	if (session == IN_A_COPY && IsTransactionState())
	{
		/* reading a catalog calls no function of a user */
		session = GUARDED;
		if (!cmig_text_begins(get_database_name(MyDatabaseId), CMIG_ENGINE_COPY))
			session = NOT_GUARDED;
		else
		{
			struct rlimit memory = {MOST_MEMORY, MOST_MEMORY};

			RegisterSubXactCallback(see_subtransaction, NULL);
			last = RegisterTimeout(USER_TIMEOUT, end_connection);
			/* more of it is an error; shared memory does not count */
			(void) setrlimit(RLIMIT_DATA, &memory);
		}
	}
	return session == GUARDED;
}

/* Make a text of a message one line, and cut it. */
static void
flatten(char *text)
{
	if (text != NULL && strlen(text) > LONGEST_TEXT)
		text[pg_mbcliplen(text, strlen(text), LONGEST_TEXT)] = '\0';
	for (; text != NULL && *text; text++)
		if ((unsigned char) *text < ' ')
			*text = '?';
}

/*
 * The hook for messages: a text with lines like those of psql could hide that a statement
 * has failed, long ones keep the shell busy, and many fill the log.  cmig reads only errors,
 * and the warning above.
 */
static void
see_message(ErrorData *error)
{
	static int	logged = 0;

	if (session == GUARDED)
	{
		flatten(error->message);
		flatten(error->detail);
		flatten(error->hint);
		flatten(error->context);
		flatten(error->internalquery);
		flatten(error->schema_name);
		flatten(error->table_name);
		flatten(error->column_name);
		flatten(error->datatype_name);
		flatten(error->constraint_name);
		if (error->elevel < FATAL &&
			((error->elevel < WARNING && error->elevel != LOG) || logged++ >= MOST_LOGGED))
			error->output_to_server = false;
		if (error->elevel < ERROR && !cmig_text_same(error->funcname, "see_subtransaction"))
			error->output_to_client = false;
	}
	if (next_emit_log)
		next_emit_log(error);
}

static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("code of a schema cannot %s while the schema is copied", what)));
}

/*
 * Object access hook: refuse what would end what this session or another one loads.  The
 * function manager hook does not see built-in functions.
 */
static void
see_function(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (access == OAT_FUNCTION_EXECUTE && class == ProcedureRelationId &&
		(object == F_PG_TERMINATE_BACKEND || object == F_PG_CANCEL_BACKEND) && is_guarded())
		refuse(psprintf("call %s()", get_func_name(object)));
	if (next_object_access)
		next_object_access(access, class, object, sub, arg);
}

/*
 * Function manager hook: functions of extensions count, too, as some run the text of an
 * argument.  Only superusers create event triggers, which may record what was created.
 */
static bool
see_lookup(Oid function)
{
	return (next_needs_fmgr != NULL && next_needs_fmgr(function)) ||
		(function >= FirstNormalObjectId && is_guarded() &&
		 get_func_rettype(function) != EVENT_TRIGGEROID);
}

/* Function manager hook: the outermost function makes the transaction one that reads. */
static void
see_call(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (!is_guarded())
		 /* no function counts */ ;
	else if (event == FHET_START)
	{
		if (depth++ == 0)
		{
			const char *name = get_func_name(function->fn_oid);
			char	   *schema = get_namespace_name(get_func_namespace(function->fn_oid));

			strlcpy(outermost, name ? quote_qualified_identifier(schema, name) : "",
					sizeof(outermost));
			was_read_only = XactReadOnly;
			XactReadOnly = true;
			/* a query, which see_utility() does not see */
			is_timed = StatementTimeout > 0 && !get_timeout_active(last);
			if (is_timed)
				enable_timeout_after(last, StatementTimeout + LAST_TIMEOUT);
		}
	}
	else if (--depth == 0)
	{
		XactReadOnly = was_read_only;
		if (is_timed)
			disable_timeout(last, false);
	}
	if (next_fmgr)
		next_fmgr(event, function, private);
}

/*
 * ExecutorStart hook: no query of the dump changes anything, nor can one of a function.  Nor has
 * it other processes.
 */
static void
see_query(QueryDesc *query, int eflags)
{
	if (is_guarded())
	{
		if (query->plannedstmt->commandType != CMD_SELECT || query->plannedstmt->hasModifyingCTE)
			refuse("change anything");
		query->plannedstmt->parallelModeNeeded = false;
	}
	if (next_ExecutorStart)
		next_ExecutorStart(query, eflags);
	else
		standard_ExecutorStart(query, eflags);
}

/* Many statements that each take a little less than their limit would take very long. */
static void
require_time(void)
{
	if (limit > 0 && slow > (long) MOST_SLOW * limit)
		ereport(FATAL,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("slow statements take more than %d seconds together, such as: %s",
						MOST_SLOW * limit / 1000, slowest_text)));
}

/* Note how long a statement has taken. */
static void
note_time(TimestampTz begin, const char *query)
{
	long		time = TimestampDifferenceMilliseconds(begin, GetCurrentTimestamp());

	if (limit <= 0 || time < limit / SLOW)
		return;
	slow += time;
	if (time <= slowest)
		return;
	slowest = time;
	strlcpy(slowest_text, query,
			pg_mbcliplen(query, strlen(query), sizeof(slowest_text) - 1) + 1);
}

/*
 * The ProcessUtility hook: only SET has an effect on settings that remains.  What functions
 * and cursors run is refused, also what is allowed in a transaction that only reads, such as
 * EXPLAIN ANALYZE CREATE TABLE AS, or runs when it ends, such as DECLARE CURSOR WITH HOLD.
 */
static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node	   *node = statement->utilityStmt;
	TimestampTz begin = GetCurrentTimestamp();
	int			level = 0;

	if (is_guarded() && context == PROCESS_UTILITY_TOPLEVEL)
	{
		require_time();
		limit = StatementTimeout;
		caught = 0;
		if (limit > 0)
			enable_timeout_after(last, limit + LAST_TIMEOUT);
		if (!IsA(node, VariableSetStmt) && !IsA(node, TransactionStmt))
			level = NewGUCNestLevel();
	}
	else if (is_guarded() && context != PROCESS_UTILITY_SUBCOMMAND)
		refuse("run commands");
	PG_TRY();
	{
		if (next_ProcessUtility)
			next_ProcessUtility(statement, query, read_only, context, params, environment, dest,
								completion);
		else
			standard_ProcessUtility(statement, query, read_only, context, params, environment, dest,
									completion);
	}
	PG_FINALLY();
	{
		if (session == GUARDED && context == PROCESS_UTILITY_TOPLEVEL)
			note_time(begin, query);
	}
	PG_END_TRY();
	if (level > 0)
		AtEOXact_GUC(false, level);
	if (session == GUARDED && context == PROCESS_UTILITY_TOPLEVEL && limit > 0)
		disable_timeout(last, false);
}

void
cmig_copied_init(void)
{
	next_object_access = object_access_hook;
	object_access_hook = see_function;
	next_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = see_lookup;
	next_fmgr = fmgr_hook;
	fmgr_hook = see_call;
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = see_query;
	next_emit_log = emit_log_hook;
	emit_log_hook = see_message;
	if (!process_shared_preload_libraries_in_progress)
		(void) is_guarded();
}
