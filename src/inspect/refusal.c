/*
 * refusal.c
 *	  Refuses statements and function calls that a dry run must not execute.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "inspect/existing.h"
#include "inspect/planned_locks.h"
#include "inspect/refusal.h"
#include "run/outside.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Is the check on?  If so, which subtransaction turned it on? */
static bool watching = false;
static SubTransactionId watching_since = InvalidSubTransactionId;

/* Maximum size of tables that may be changed, in bytes; -1 means no limit. */
static int64 size_limit = -1;

/* Default limit for statements that run without their CONCURRENTLY option. */
#define PLAIN_LIMIT (INT64CONST(100) * 1024 * 1024)
static bool is_plain = false;

/* The reason for the last refusal; empty if nothing was refused. */
static char refused[NAMEDATALEN * 16];

static ProcessUtility_hook_type next_ProcessUtility = NULL;
static ExecutorStart_hook_type next_ExecutorStart = NULL;

/* Remember the reason for refusing a statement, and raise the error. */
static void
refuse(const char *reason)
{
	strlcpy(refused, reason, sizeof(refused));
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot run the statement in a dry run: %s", reason)));
}

static CmigOutsideWatch functions =
{
	.refuse = refuse
};
static const CmigOutsideWatch *former = NULL;

/*
 * Sizes
 */

/* Returns the maximum size of tables that may be changed; -1 means no limit. */
static int64
current_limit(void)
{
	return size_limit < 0 && is_plain ? PLAIN_LIMIT : size_limit;
}

/* Refuse to change a table that is larger than the limit. */
static void
require_size(const char *table, int64 size)
{
	if (current_limit() < 0 || size <= current_limit())
		return;
	refuse(psprintf("%s has a size of %s, more than %s", table,
					cmig_existing_size_text(size),
					size_limit < 0 ? "100 MB, which is the limit without CONCURRENTLY unless max_table_size is set" :
					"max_table_size"));
}

/*
 * Does the statement contain an analyzed query?  The raw parse tree walker does
 * not support such a query.  The query's tables are checked when the query
 * runs, and the statement itself locks no other tables.
 */
static bool
is_around_query(const Node *statement)
{
	return IsA(statement, CreateTableAsStmt) || IsA(statement, ExplainStmt) ||
		IsA(statement, DeclareCursorStmt) || IsA(statement, CallStmt);
}

/*
 * Check the relations that a utility statement locks.  Refuses to truncate,
 * vacuum, or analyze foreign tables, and to block writers to tables larger than
 * the limit.
 */
static void
look_at_locks(Node *statement)
{
	List	   *unknown;
	ListCell   *lc;
	bool		reads_rows = IsA(statement, TruncateStmt) || IsA(statement, VacuumStmt);

	if ((current_limit() < 0 && !reads_rows) || is_around_query(statement))
		return;
	foreach(lc, cmig_planned_locks_of(cmig_planned_locks_start(), statement, &unknown))
	{
		CmigPlannedLock *lock = lfirst(lc);

		if (lock->kind == RELKIND_FOREIGN_TABLE && reads_rows)
			refuse(psprintf("%s is a foreign table", lock->name));
		if (lock->mode >= ShareLock && OidIsValid(lock->oid))
			require_size(lock->name, lock->size);
	}
}

/* Is this one of pg_cmig's tables, which a run updates? */
static bool
is_own(Oid table)
{
	Oid			schema = get_namespace_oid("cmig", true);

	return OidIsValid(schema) && get_rel_namespace(table) == schema;
}

/*
 * Refuse a query that uses foreign tables, or that changes a table larger than
 * the limit.  The limit does not apply to pg_cmig's tables.
 */
static void
look_at_query(PlannedStmt *plan)
{
	ListCell   *lc;

	foreach(lc, plan->rtable)
	{
		RangeTblEntry *entry = lfirst_node(RangeTblEntry, lc);

		if (entry->rtekind == RTE_RELATION && entry->relkind == RELKIND_FOREIGN_TABLE)
			refuse(psprintf("%s is a foreign table", get_rel_name(entry->relid)));
	}
	if (current_limit() < 0 || (plan->commandType == CMD_INSERT && !plan->hasModifyingCTE))
		return;
	foreach(lc, plan->resultRelations)
	{
		Oid			table = rt_fetch(lfirst_int(lc), plan->rtable)->relid;

		if (!is_own(table))
			require_size(quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
													get_rel_name(table)),
						 cmig_existing_size_now(table));
	}
}

/*
 * Hooks
 */

/* ProcessUtility hook: check a utility statement before it runs. */
static void
watch_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
			  ProcessUtilityContext context, ParamListInfo params,
			  QueryEnvironment *environment, DestReceiver *dest,
			  QueryCompletion *completion)
{
	if (watching)
	{
		const char *reason = cmig_outside_of_statement(statement->utilityStmt, watching_since);

		if (reason != NULL)
			refuse(reason);
		look_at_locks(statement->utilityStmt);
	}
	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);
}

/* ExecutorStart hook: check a query's tables before it runs. */
static void
watch_query(QueryDesc *query, int flags)
{
	if (watching && !(flags & EXEC_FLAG_EXPLAIN_ONLY))
		look_at_query(query->plannedstmt);
	if (next_ExecutorStart)
		next_ExecutorStart(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/*
 * Subtransaction callback: turn the check off when the subtransaction that
 * turned it on ends.
 */
static void
end_subtransaction(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *arg)
{
	if (ended == watching_since && (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB))
		cmig_refusal_unwatch();
}

void
cmig_refusal_init(void)
{
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
	next_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = watch_query;
	RegisterSubXactCallback(end_subtransaction, NULL);
}

void
cmig_refusal_watch(int64 max_table_size)
{
	size_limit = max_table_size;
	is_plain = false;
	refused[0] = '\0';
	watching_since = GetCurrentSubTransactionId();
	watching = true;
	functions.mark = GetCurrentTransactionId();
	former = cmig_outside_watch(&functions);
}

void
cmig_refusal_set_plain(bool plain)
{
	is_plain = plain;
}

void
cmig_refusal_unwatch(void)
{
	if (watching)
		(void) cmig_outside_watch(former);
	watching = false;
	watching_since = InvalidSubTransactionId;
}

char *
cmig_refusal_take(void)
{
	char	   *reason = refused[0] != '\0' ? pstrdup(refused) : NULL;

	refused[0] = '\0';
	return reason;
}
