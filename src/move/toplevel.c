/*
 * toplevel.c
 *	  Tools for procedures that commit.
 *
 * Call these functions only from a CALL that is allowed to commit (see
 * cmig_toplevel_require()).  Everything that must survive a commit or rollback
 * must be allocated below PortalContext.
 *
 * PostgreSQL requires the following of code that commits within a CALL:
 *
 * - When a statement that commits by itself begins, SPI must be finished, and
 *   the only active snapshot must be the portal's, which is registered with the
 *   portal (EnsurePortalSnapshotExists).  If a snapshot has been pushed in any
 *   other way, commits in a nested CALL or DO fail.  If there is no snapshot,
 *   CREATE INDEX CONCURRENTLY fails, because it uses the active snapshot.
 * - After such a statement, the portal's snapshot may be gone or may have been
 *   replaced.  If there is an active snapshot, it is the portal's, and it must
 *   be popped.
 * - After an error, the whole transaction is aborted.  The portal's snapshot is
 *   gone, so the pointer to it must be reset.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parse_type.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/errors.h"
#include "move/internal.h"

/* Shortest and longest pause between attempts, in milliseconds. */
#define FIRST_PAUSE 200
#define LONGEST_PAUSE 30000

/*
 * An attempt that has yielded to another session begins again after at most this
 * pause, and is the same attempt for this time, in milliseconds.
 */
#define YIELD_PAUSE 100
#define YIELD_TIME 30000

/* The value of the setting cmig.lock_retries. */
static int	lock_retries = 10;

void
cmig_toplevel_init(void)
{
	DefineCustomIntVariable("cmig.lock_retries",
							"Sets how many times stepwise runs, backfills, and recipes try again after a lock timeout.",
							"0 means never. The pauses between the attempts double, from 0.2 to 30 seconds.",
							&lock_retries, 10, 0, 10000, PGC_USERSET,
							0, NULL, NULL, NULL);
}

void
cmig_toplevel_require(FunctionCallInfo fcinfo, const char *procedure)
{
	bool		in_script = cmig_running.revision != NULL;

	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic &&
		!cmig_query_in_procedure() && !IsTransactionBlock() &&
		!IsSubTransaction() && (MyXactFlags & XACT_FLAGS_PIPELINING) == 0 &&
		ActivePortal != NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("CALL %s must be a separate statement outside a transaction block",
					procedure),
			 in_script
			 ? errdetail("It commits after each step, which is not possible inside a transactional revision, a function, another procedure, or a DO block.")
			 : errdetail("It commits after each step, which is not possible inside a transaction block, a function, another procedure, a DO block, a pipeline, or a string of several statements."),
			 in_script
			 ? errhint("Make the CALL a separate statement in a revision with \"transactional: false\".")
			 : errhint("psql: ROLLBACK and \\set AUTOCOMMIT on, then the CALL alone, without --single-transaction and in a separate -c option. psycopg: connection.rollback() and connection.autocommit = True, then execute() outside transaction(), pipeline(), and psycopg2's \"with connection\". node-pg: client.query('ROLLBACK'), then client.query() with the CALL alone. JDBC: if autocommit is off, connection.rollback() and connection.setAutoCommit(true), then execute() with the CALL alone, not in a batch.")));
}

MemoryContext
cmig_toplevel_context(const char *name)
{
	MemoryContext context = AllocSetContextCreateInternal(PortalContext, name, ALLOCSET_DEFAULT_SIZES);

	cmig_call_guard(context);
	return context;
}

void
cmig_toplevel_snapshot(void)
{
	EnsurePortalSnapshotExists();
}

void
cmig_toplevel_commit(void)
{
	MemoryContext caller = CurrentMemoryContext;

	cmig_query_commit();
	MemoryContextSwitchTo(caller);
}

void
cmig_toplevel_rollback(void)
{
	MemoryContext caller = CurrentMemoryContext;

	/*
	 * nothing here waits, and what handles an error relies on a new
	 * transaction
	 */
	HOLD_INTERRUPTS();
	if (IsSubTransaction())
		AbortOutOfAnyTransaction();
	else
		AbortCurrentTransaction();
	ActivePortal->portalSnapshot = NULL;
	StartTransactionCommand();
	MemoryContextSwitchTo(caller);
	cmig_extension_try_again();

	/*
	 * the new transaction has the same start time as the CALL, so commit it
	 * and start another one, which has the current time
	 */
	cmig_toplevel_commit();
	RESUME_INTERRUPTS();
}

void
cmig_toplevel_after_error(CmigAttempt body, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;

	for (volatile int n = 1, done = 0; !done && n <= 2; n++)
	{
		PG_TRY();
		{
			cmig_toplevel_snapshot();
			body(arg);
			cmig_toplevel_commit();
			done = 1;
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			FlushErrorState();
			cmig_toplevel_rollback();
		}
		PG_END_TRY();
	}
}

void
cmig_toplevel_leave(void *arg)
{
	cmig_toplevel_snapshot();
	cmig_session_leave();
	cmig_toplevel_commit();
	(void) cmig_session_forget();
}

/* What a failed procedure writes to the journal. */
typedef struct Failure
{
	const char *scope;
	int64		id;
	CmigJournalEntry *entry;
} Failure;

static void
record_failure(void *arg)
{
	const Failure *failure = arg;

	if (failure->scope != NULL)
		cmig_settings_set("cmig.scope", failure->scope, PGC_USERSET, GUC_ACTION_LOCAL);
	if (failure->id != 0)
		cmig_journal_finish(failure->id, failure->entry);
	else if (cmig_run_lock_try())
		cmig_journal_write(failure->entry);
}

void
cmig_toplevel_record_failure(const char *scope, int64 id, CmigJournalEntry *entry,
							 const ErrorData *error)
{
	Failure		failure = {scope, id, entry};

	entry->outcome = "failed";
	entry->finished_at = GetCurrentTimestamp();
	entry->sqlstate = pstrdup(unpack_sql_state(error->sqlerrcode));
	entry->message = psprintf("%s%s", entry->message ? entry->message : "",
							  cmig_error_stored(error));

	cmig_toplevel_after_error(record_failure, &failure);
}

void
cmig_toplevel_sleep(long ms)
{
	TimestampTz end =
	cmig_run_limit_earlier(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
	bool		timed = get_timeout_active(STATEMENT_TIMEOUT);

	/* suspend statement_timeout, so that it does not count the pause */
	if (timed)
		disable_timeout(STATEMENT_TIMEOUT, false);
	InvalidateCatalogSnapshot();
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		cmig_run_limit_check();
		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, WAIT_EVENT_PG_SLEEP);
		ResetLatch(MyLatch);
	}
	if (timed)
		cmig_runner_restart_timeout();
}

/* Count an attempt for cmig.metrics, as the role that has called the run. */
static void
note_retry(void)
{
	CmigRole	saved;

	cmig_toplevel_snapshot();
	cmig_role_act_as_caller(&saved, cmig_nontransactional_caller());
	cmig_measured_note("lock_retries", "{}", 1, false);
	cmig_role_return(&saved);
	cmig_toplevel_commit();
}

void
cmig_toplevel_attempt(CmigAttempt body, CmigMayRepeat may_repeat, void *arg,
					  const char *what)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile double next_pause = FIRST_PAUSE;
	volatile TimestampTz began = GetCurrentTimestamp();
	List	   *volatile first = NIL;
	volatile LOCKMODE strongest = NoLock;

	cmig_lock_wait_reset();
	for (volatile int n = 1;;)
	{
		ErrorData  *volatile error = NULL;
		volatile bool yields = cmig_lock_wait_yield(may_repeat == NULL);
		long		pause;
		bool		updated;
		Oid			raised;
		LOCKMODE	mode;

		PG_TRY();
		{
			foreach_oid(relation, first)
				LockRelationOid(relation, strongest);
			body(arg);
			MemoryContextSwitchTo(caller);
			cmig_toplevel_commit();
		}
		PG_CATCH();
		{
			error = cmig_error_take(caller);
		}
		PG_END_TRY();
		cmig_lock_wait_yield(yields);
		if (error == NULL)
			return;

		/* could another attempt succeed where other sessions were in the way? */
		cmig_toplevel_rollback();
		if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && cmig_lock_wait_yielded(&raised, &mode) &&
			!TimestampDifferenceExceeds(began, GetCurrentTimestamp(), YIELD_TIME))
		{
			if (OidIsValid(raised))
			{
				first = list_append_unique_oid(first, raised);
				strongest = Max(strongest, mode);
			}
			cmig_toplevel_sleep((long) (YIELD_PAUSE * pg_prng_double(&pg_global_prng_state)));
			cmig_extension_hold_again();
			FreeErrorData(error);
			continue;
		}
		updated = error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
		if (n > lock_retries ||
			(!updated && error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
			 error->sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED) ||
			(may_repeat != NULL && !may_repeat(arg)))
			ReThrowError(error);

		/* the pauses double, with jitter */
		pause = (long) (next_pause * (0.75 + 0.5 * pg_prng_double(&pg_global_prng_state)));
		next_pause = Min(next_pause * 2, LONGEST_PAUSE);
		ereport(NOTICE,
				(updated ?
				 errmsg("%s encountered a concurrent update, attempt %d of %d; trying again in %ld ms",
						what, n, lock_retries + 1, pause) :
				 errmsg("%s could not get a lock, attempt %d of %d; trying again in %ld ms",
						what, n, lock_retries + 1, pause),
				 cmig_error_detail(error)));
		cmig_toplevel_sleep(pause);
		cmig_extension_hold_again();
		note_retry();
		FreeErrorData(error);
		n++;
		began = GetCurrentTimestamp();
		cmig_lock_wait_reset();
	}
}

/* Attempt callback: lock the table in ACCESS SHARE mode. */
static void
reach_table(void *arg)
{
	cmig_toplevel_snapshot();
	LockRelationOid(*(Oid *) arg, AccessShareLock);
}

/*
 * Error context callback: if the error was caused by waiting for a lock, add
 * an explanation to it.
 */
static void
explain_wait(void *arg)
{
	cmig_lock_wait_explain();
}

void
cmig_toplevel_reach_table(Oid table, const char *procedure, bool alone)
{
	ErrorContextCallback callback = {.callback = explain_wait};
	char	   *name = get_rel_name(table);
	char	   *what;

	if (name == NULL)
		return;
	what = psprintf("%s of %s", procedure,
					quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)), name));
	callback.previous = error_context_stack;
	PG_TRY();
	{
		if (alone)
		{
			error_context_stack = &callback;
			cmig_lock_wait_watch(GetUserId());
		}
		cmig_toplevel_attempt(reach_table, NULL, &table, what);
	}
	PG_FINALLY();
	{
		error_context_stack = callback.previous;
		if (alone)
			cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
}

/*
 * A foreign key of a partitioned table takes the place of those that its partitions
 * have, in ADD FOREIGN KEY and in ATTACH PARTITION.  For that, PostgreSQL drops triggers
 * of the referenced table, for which it needs a stronger lock than the one that it has
 * taken before.  Take the stronger one first: see raised_relation() in wait.c.
 */
static void
lock_referenced(const Node *stmt)
{
	static CmigQuery query = {
		"SELECT DISTINCT confrelid FROM pg_constraint k WHERE contype = 'f' AND conparentid = 0"
		" AND (conrelid = $1 OR conrelid IN (SELECT relid FROM pg_partition_tree($1)))"
		" AND CASE $3 WHEN 0 THEN conrelid <> $1 AND confrelid = $2"
		" ELSE confrelid IN (SELECT confrelid FROM pg_constraint WHERE conrelid = $3) END"
		" ORDER BY confrelid", {OIDOID, OIDOID, OIDOID}
	};
	const AlterTableStmt *alter = (const AlterTableStmt *) stmt;
	Oid			table;

	if (!IsA(stmt, AlterTableStmt) || alter->objtype != OBJECT_TABLE)
		return;
	table = RangeVarGetRelid(alter->relation, NoLock, true);
	if (!OidIsValid(table) || get_rel_relkind(table) != RELKIND_PARTITIONED_TABLE ||
		!cmig_owns_compat(RelationRelationId, table, GetUserId()))
		return;
	foreach_node(AlterTableCmd, command, alter->cmds)
	{
		const RangeVar *other = NULL;
		bool		attaches = command->subtype == AT_AttachPartition;
		Oid			oid;

		if (attaches)
			other = castNode(PartitionCmd, command->def)->name;
		else if (command->subtype == AT_AddConstraint)
			other = castNode(Constraint, command->def)->pktable;
		oid = other ? RangeVarGetRelid(other, NoLock, true) : InvalidOid;
		if (!OidIsValid(oid) ||
			(attaches && !cmig_owns_compat(RelationRelationId, oid, GetUserId())))
			continue;
		EnsurePortalSnapshotExists();
		foreach_oid(referenced, attaches ? cmig_query_oids(&query, oid, InvalidOid, table) :
					cmig_query_oids(&query, table, oid, InvalidOid))
		{
			LockRelationOid(referenced, AccessExclusiveLock);
			(void) cmig_inheritors(referenced, AccessExclusiveLock);
		}
	}
}

/*
 * A constraint that a statement of a call has added.  Before a later one validates it,
 * the owner of the table, or domain, can put another in its place, and VALIDATE
 * CONSTRAINT evaluates what has the name, with the privileges of the caller.
 */
typedef struct Added
{
	NameData	schema;			/* as the statement names the table or domain */
	NameData	relation;
	NameData	name;
	Oid			object;
	Oid			constraint;
} Added;

static List *added = NIL;		/* list of Added, in TopMemoryContext */
static TimestampTz added_call;	/* when the client's statement began */

/* A constraint that a statement names. */
typedef struct Named
{
	const RangeVar *relation;	/* of the table, or with the name of the
								 * domain */
	bool		domain;
	const char *name;			/* of the constraint */
} Named;

static List *
add_named(List *list, const RangeVar *relation, bool domain, const char *name)
{
	Named	   *named = palloc(sizeof(Named));

	named->relation = relation;
	named->domain = domain;
	named->name = name;
	return name == NULL ? list : lappend(list, named);
}

/* Returns the constraints that the statement validates, or adds, as a list of Named. */
static List *
constraints_named(const Node *stmt, bool validates)
{
	List	   *list = NIL;

	if (IsA(stmt, AlterDomainStmt))
	{
		const AlterDomainStmt *alter = (const AlterDomainStmt *) stmt;

		if (alter->subtype == (validates ? 'V' : 'C') && list_length(alter->typeName) <= 3)
			list = add_named(list, makeRangeVarFromNameList(alter->typeName), true,
							 validates ? alter->name : castNode(Constraint, alter->def)->conname);
	}
	if (IsA(stmt, AlterTableStmt))
	{
		const AlterTableStmt *alter = (const AlterTableStmt *) stmt;

		foreach_node(AlterTableCmd, command, alter->cmds)
		{
			if (command->subtype == (validates ? AT_ValidateConstraint : AT_AddConstraint))
				list = add_named(list, alter->relation, false,
								 validates ? command->name : castNode(Constraint, command->def)->conname);
		}
	}
	return list;
}

static Oid
object_of(const Named *named)
{
	const RangeVar *relation = named->relation;
	List	   *names = list_make1(makeString(relation->relname));

	if (!named->domain)
		return RangeVarGetRelid(relation, NoLock, true);
	if (relation->schemaname)
		names = lcons(makeString(relation->schemaname), names);
	return LookupTypeNameOid(NULL, makeTypeNameFromNameList(names), true);
}

static Oid
constraint_of(const Named *named, Oid object)
{
	if (!OidIsValid(object))
		return InvalidOid;
	return named->domain ? get_domain_constraint_oid(object, named->name, true) :
		get_relation_constraint_oid(object, named->name, true);
}

Oid
cmig_toplevel_validated(const Node *stmt, Oid *object)
{
	const List *named = constraints_named(stmt, true);

	*object = InvalidOid;
	if (list_length(named) != 1)
		return InvalidOid;
	*object = object_of(linitial(named));
	return constraint_of(linitial(named), *object);
}

Node *
cmig_toplevel_condition(Oid constraint)
{
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Node	   *condition = NULL;
	bool		isnull;
	Datum		stored;

	if (!HeapTupleIsValid(row))
		return NULL;
	stored = SysCacheGetAttr(CONSTROID, row, Anum_pg_constraint_conbin, &isnull);
	if (!isnull)
		condition = stringToNode(TextDatumGetCString(stored));
	ReleaseSysCache(row);
	return condition;
}

static List *
functions_of(Oid constraint)
{
	return cmig_expression_functions(cmig_toplevel_condition(constraint));
}

/*
 * PostgreSQL has compared these constraints: when one is added to the table, as trees,
 * but when a table is attached, as texts.
 */
void
cmig_toplevel_require_inherited(Oid table, const char *name)
{
	Oid			constraint = get_relation_constraint_oid(table, name, true);
	HeapTuple	row = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		inherited = false;
	List	   *functions;

	if (HeapTupleIsValid(row))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(row);

		inherited = form->contype == CONSTRAINT_CHECK && !form->connoinherit;
		ReleaseSysCache(row);
	}
	if (!inherited)
		return;
	functions = functions_of(constraint);
	foreach_oid(child, cmig_inheritors(table, ShareUpdateExclusiveLock))
	{
		Oid			there = get_relation_constraint_oid(child, name, true);

		if (there == constraint || !OidIsValid(there) || equal(functions_of(there), functions))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of table %s has other operators or functions than that of table %s, from which it inherits",
						name, cmig_query_table_name(child), cmig_query_table_name(table)),
				 cmig_hint("ALTER TABLE %s DROP CONSTRAINT %s; then add the right one, and repeat the `CALL`",
						   cmig_query_table_name(table), quote_identifier(name))));
	}
}

/* Does the name, with or without its schema, stand for what a statement of the call has added? */
static bool
is_added(const Named *named, const Added *part)
{
	if (strcmp(named->name, NameStr(part->name)) != 0)
		return false;
	return (strcmp(named->relation->schemaname ? named->relation->schemaname : "",
				   NameStr(part->schema)) == 0 &&
			strcmp(named->relation->relname, NameStr(part->relation)) == 0) ||
		object_of(named) == part->object;
}

/* Raise an error if another constraint would be validated than was added. */
static void
require_same(const Named *named, const Added *part)
{
	Oid			object;

	if (!named->domain && cmig_owns_compat(RelationRelationId, part->object, GetUserId()))
		cmig_query_hold(part->object, ShareUpdateExclusiveLock);
	object = object_of(named);
	if (object != part->object || constraint_of(named, object) != part->constraint)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("constraint \"%s\" of %s was replaced or dropped during the CALL", named->name,
						named->domain ? psprintf("domain %s", format_type_be(part->object)) :
						psprintf("table %s", cmig_query_table_name(part->object))),
				 errhint("Drop the constraint that has the name now, or rename it, add the right one, and repeat the CALL.")));
	if (!named->domain && cmig_owns_compat(RelationRelationId, object, GetUserId()))
		cmig_toplevel_require_inherited(object, named->name);
}

static void
require_added(const Node *stmt)
{
	if (added_call != GetCurrentStatementStartTimestamp())
		return;
	foreach_ptr(const Named, named, constraints_named(stmt, true))
	{
		foreach_ptr(const Added, part, added)
		{
			if (is_added(named, part))
				require_same(named, part);
		}
	}
}

static void
expect(const Named *named, Oid object, Oid constraint)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Added	   *part = NULL;

	if (added_call != GetCurrentStatementStartTimestamp())
	{
		list_free_deep(added);
		added = NIL;
		added_call = GetCurrentStatementStartTimestamp();
	}
	foreach_ptr(Added, other, added)
	{
		if (other->object == object && strcmp(NameStr(other->name), named->name) == 0)
			part = other;
	}
	if (part == NULL)
	{
		part = palloc(sizeof(Added));
		added = lappend(added, part);
	}
	MemoryContextSwitchTo(old);
	namestrcpy(&part->schema, named->relation->schemaname ? named->relation->schemaname : "");
	namestrcpy(&part->relation, named->relation->relname);
	namestrcpy(&part->name, named->name);
	part->object = object;
	part->constraint = constraint;
}

/* Remember what the statement has added, while its table is locked. */
static void
note_added(const Node *stmt)
{
	foreach_ptr(const Named, named, constraints_named(stmt, false))
	{
		Oid			object = object_of(named);

		CommandCounterIncrement();
		if (OidIsValid(object))
			expect(named, object, constraint_of(named, object));
	}
}

void
cmig_toplevel_expect(const Node *stmt, Oid object, Oid constraint)
{
	foreach_ptr(const Named, named, constraints_named(stmt, true))
		expect(named, object, constraint);
}

void
cmig_toplevel_execute(RawStmt *raw, const char *text)
{
	MemoryContext caller = CurrentMemoryContext;
	bool		concurrent = cmig_statement_is_concurrent(raw);
	List	   *plans;
	PlannedStmt *plan;
	const Node *original = raw->stmt;

	/* copy the parse tree, because parse analysis modifies it */
	raw = copyObject(raw);

	if (cmig_statement_flags(raw->stmt) & CMIG_STATEMENT_QUERY)
	{
		EnsurePortalSnapshotExists();
		cmig_execute_statement(raw, text, None_Receiver);
		return;
	}

	lock_referenced(raw->stmt);
	require_added(raw->stmt);
	if (analyze_requires_snapshot(raw))
		EnsurePortalSnapshotExists();
	plans = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(plans, text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (list_length(plans) != 1)
		elog(ERROR, "a utility statement became %d plans", list_length(plans));
	plan = linitial_node(PlannedStmt, plans);

	if (PlannedStmtRequiresSnapshot(plan))
		EnsurePortalSnapshotExists();
	if (concurrent)
	{
		cmig_lock_wait_take_over();
		cmig_extension_lend();
	}
	PG_TRY();
	{
		ProcessUtility(plan, text, false, PROCESS_UTILITY_TOPLEVEL, NULL, NULL,
					   None_Receiver, NULL);
	}
	PG_FINALLY();
	{
		if (concurrent)
			cmig_lock_wait_give_back();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	note_added(original);

	if (ActivePortal->portalSnapshot != NULL && ActiveSnapshotSet())
		PopActiveSnapshot();
	ActivePortal->portalSnapshot = NULL;
	if (concurrent)
	{
		/*
		 * commit the last transaction that the statement has left open, so
		 * that a later error does not undo it
		 */
		cmig_toplevel_commit();
		cmig_extension_hold_again();
	}
}

void
cmig_toplevel_warn_of_snapshots(const char *what)
{
	char	   *who = cmig_lock_wait_snapshots(GetUserId());

	if (who == NULL)
		return;
	ereport(NOTICE,
			(errmsg("%s will wait for open transactions to end", what),
			 errdetail("%s", who),
			 errhint("It does not block other sessions while it waits.")));
	pfree(who);
}

/* Attempt callback: run the SQL statement "arg". */
static void
run_sql(void *arg)
{
	cmig_toplevel_execute(cmig_raw_parse_one(arg), arg);
}

void
cmig_toplevel_run_sql(const char *sql, const char *what)
{
	cmig_toplevel_attempt(run_sql, NULL, unconstify(char *, sql), what);
}
