/*
 * query.c
 *	  Queries through SPI, the only ones in pg_cmig, and scans of catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "optimizer/planner.h"
#include "parser/parse_coerce.h"
#include "parser/parser.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/base.h"

/* ----------------------------------------------------------------
 * Runs pg_cmig's queries through SPI.
 *
 * A CmigQuery is a static SQL statement whose plan is kept for the session.  It
 * runs as the current user with search_path pinned to pg_catalog, pg_temp, so
 * the names of objects that are not built in must be qualified.  Arguments are
 * always bound, never inserted into the SQL text.
 *
 * PostgreSQL prints definitions (pg_get_indexdef, format_type) from the latest
 * committed state, whatever the query's snapshot is.  An object that the
 * snapshot still shows may therefore have vanished: the definition is NULL, or
 * printing it fails with an internal error, which becomes error 40001 here.
 *
 * Each call connects to SPI, opens a GUC nest level, pins search_path and
 * standard_conforming_strings (some queries contain patterns with
 * backslashes), runs the query, and disconnects.  Nothing stays open between
 * calls, so scripts can run between any two of them.  Plans are kept for the
 * session; the plan cache revalidates them when the tables change.
 * ----------------------------------------------------------------
 */

#define FETCH_ROWS 1000

/*
 * Add the hint for a query that failed because pg_cmig's tables are not what
 * this library expects.
 */
static void
explain_altered(void)
{
	if (!cmig_library_version_explain())
		errhint("The tables of pg_cmig were dropped or altered. Restore them from a backup. If there is none" CMIG_BEGIN_AGAIN);
}

#define CHANGED_MESSAGE "the schema was changed while it was read"
#define CHANGED_HINT "Repeat the transaction."

void
cmig_query_raise_changed(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE), errmsg(CHANGED_MESSAGE),
			 errdetail_internal("%s", detail), errhint(CHANGED_HINT)));
}

Relation
cmig_query_open(Oid relation, LOCKMODE mode)
{
	Relation	opened = try_relation_open(relation, mode);

	if (opened == NULL)
		cmig_query_raise_changed(psprintf("The relation with OID %u was dropped.", relation));
	return opened;
}

char *
cmig_query_name(Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		cmig_query_raise_changed(psprintf("The relation with OID %u was dropped.", relation));
	return name;
}

char *
cmig_query_schema_name(Oid schema)
{
	char	   *name = get_namespace_name(schema);

	if (name == NULL)
		cmig_query_raise_changed(psprintf("The schema with OID %u was dropped.", schema));
	return name;
}

char *
cmig_query_table_name(Oid relation)
{
	char	   *name = get_rel_name(relation);
	char	   *schema = name ? get_namespace_name(get_rel_namespace(relation)) : NULL;

	return schema ? quote_qualified_identifier(schema, name) :
		psprintf("with OID %u", relation);
}

char *
cmig_query_relation_name(Oid relation)
{
	return quote_qualified_identifier(cmig_query_schema_name(get_rel_namespace(relation)),
									  cmig_query_name(relation));
}

/*
 * An error context callback: if this is an internal error that PostgreSQL
 * raises if another session has dropped or replaced an object, change it to
 * error 40001.
 */
static void
explain_vanished(void *arg)
{
	MemoryContext old;
	ErrorData  *error;

	if (geterrcode() != ERRCODE_INTERNAL_ERROR)
		return;
	old = MemoryContextSwitchTo(CurTransactionContext);
	error = CopyErrorData();
	MemoryContextSwitchTo(old);
	errcode(ERRCODE_T_R_SERIALIZATION_FAILURE);
	errmsg(CHANGED_MESSAGE);
	errdetail_internal("PostgreSQL reported: %s", error->message);
	errhint(CHANGED_HINT);
	FreeErrorData(error);
}

Datum
cmig_query_call_reader(PGFunction function, FunctionCallInfo fcinfo)
{
	ErrorContextCallback callback = {.callback = explain_vanished,.previous = error_context_stack};
	Datum		result;
	int			guc_level = NewGUCNestLevel();

	/* what C code quotes is compared */
	if (quote_all_identifiers)
		cmig_settings_override("quote_all_identifiers", "off");
	error_context_stack = &callback;
	result = function(fcinfo);
	error_context_stack = callback.previous;
	AtEOXact_GUC(false, guc_level);
	return result;
}

/*
 * Is a query of pg_cmig itself running?  Triggers that the query fires check
 * this.
 */
static bool writing = false;

/*
 * Do queries read with the active snapshot, instead of a new one for each
 * query?
 */
static bool at_once = false;

/*
 * Queries that read at once can have a plan that lasts for the session, if they
 * only name built-in objects.  Nothing that a session does makes such a plan
 * wrong, while the server forgets all plans if a schema is created or renamed,
 * as every replay does: planning took three quarters of the time of a small
 * diff.  In large catalogs it takes little of it, and a plan for the schemas
 * that are read is better.  The size is that of pg_depend, to which each object
 * adds rows; about 1,000 tables.  Replays also leave many dead rows there, so
 * that the rows are counted, unless there are too many blocks for that.
 */
#define SMALL_CATALOG 128
#define ROWS_PER_BLOCK 136		/* of pg_depend */
#define COUNTED_CATALOG (32 * SMALL_CATALOG)

bool		cmig_query_plans_last = false;

/* The state that leave() restores. */
typedef struct QueryFrame
{
	int			guc_level;
	ErrorContextCallback callback;
} QueryFrame;

/*
 * An error context callback that adds a hint on how to recover if the
 * extension's owner has dropped or altered pg_cmig's tables.  Everything else
 * in the error stays the same.
 */
static void
add_catalog_hint(void *arg)
{
	const CmigQuery *query = arg;
	int			code = geterrcode();

	if (query->users_text)
		return;
	explain_vanished(NULL);
	if (query->relations != NIL &&
		(code == ERRCODE_UNDEFINED_TABLE || code == ERRCODE_UNDEFINED_SCHEMA))
	{
		errhint("The table or its schema was renamed in the meantime. Try again.");
		return;
	}

	/*
	 * In pg_cmig's tables, these errors mean that one was altered: a column
	 * has another type, or there is another constraint.
	 */
	if (strstr(query->sql, " cmig.") != NULL &&
		((ERRCODE_TO_CATEGORY(code) == ERRCODE_DATA_EXCEPTION &&
		  code != ERRCODE_UNTRANSLATABLE_CHARACTER && code != ERRCODE_DATETIME_FIELD_OVERFLOW) ||
		 code == ERRCODE_NOT_NULL_VIOLATION || code == ERRCODE_CHECK_VIOLATION))
	{
		explain_altered();
		return;
	}
	/* a table of the user was altered */
	if (strstr(query->sql, "cmig.") == NULL)
		return;
	switch (code)
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_SCHEMA:
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_WRONG_OBJECT_TYPE:
		case ERRCODE_DATATYPE_MISMATCH:
		case ERRCODE_CANNOT_COERCE:
		case ERRCODE_AMBIGUOUS_FUNCTION:
		case ERRCODE_INVALID_COLUMN_REFERENCE:
		case ERRCODE_GENERATED_ALWAYS:
			explain_altered();
			break;
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			errhint("The owner of the extension can grant access to schema cmig, its tables, and its functions.");
			break;
	}
}

/*
 * Make parsing independent of the session's settings.  Turn off JIT
 * compilation, which would take up to seconds for a query that takes
 * milliseconds, because the planner overestimates what queries of the catalogs
 * cost.
 */
static void
pin_settings(void)
{
	if (jit_enabled)
		cmig_settings_override("jit", "off");
	cmig_settings_pin_search_path();
	if (!standard_conforming_strings)
		cmig_settings_override("standard_conforming_strings", "on");
}

/* ----------------------------------------------------------------
 * Binds queries to relations instead of names.
 *
 * A lock on a table does not keep its schema from being renamed, and a plan that
 * is no longer valid is made from the names again.  So a name that was checked
 * can stand for a view of somebody else's a moment later, and what is checked is
 * what the planner gets: views and policies are expanded then, and nothing of the
 * query was evaluated.
 * ----------------------------------------------------------------
 */

static planner_hook_type next_planner = NULL;

cmig_query_hook_type cmig_query_hook = NULL;

/* Raise an error for a relation that the query may not read. */
pg_noreturn static void
refuse_relation(Oid relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("a relation was replaced while it was being read"),
			 errdetail("Relation %s was found in its place.", cmig_query_table_name(relation)),
			 errhint(CHANGED_HINT)));
}

/* The role that is switched to, and so evaluates the query, or InvalidOid. */
static Oid
other_role(void)
{
	Oid			role;
	int			context;

	GetUserIdAndSecContext(&role, &context);
	return context & SECURITY_RESTRICTED_OPERATION ? role : InvalidOid;
}

/* May the query read this relation, which its text or a view names? */
static bool
may_read(const CmigQuery *query, Oid relation)
{
	Oid			schema = get_rel_namespace(relation);

	return list_member_oid(query->relations, relation) || IsCatalogNamespace(schema) ||
		(OidIsValid(schema) && (schema == get_namespace_oid("cmig", true) || schema == get_namespace_oid("cmig_audit", true)));
}

/* Is it a function that the query may not call, since a user can have made it? */
static bool
is_foreign_function(Oid function, void *arg)
{
	const CmigQuery *query = arg;
	Oid			schema = get_func_namespace(function);

	return function >= FirstNormalObjectId && function != query->function && !IsCatalogNamespace(schema) &&
		(!OidIsValid(schema) || schema != get_namespace_oid("cmig", true));
}

/*
 * Tree walker: check each relation, and, unless users' tables are read, each
 * function.  The policies of a relation that is bound can change only when it is
 * not locked; they matter to the caller like in any query.
 */
static bool
check_relations(Node *node, void *arg)
{
	const CmigQuery *query = arg;
	Oid			role = query->relations != NIL ? other_role() : InvalidOid;

	if (node == NULL)
		return false;
	if (OidIsValid(role))
		cmig_role_require_own_code(node, role);
	if (query->relations == NIL && check_functions_in_node(node, is_foreign_function, arg))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("a function was replaced while it was being called"), errhint(CHANGED_HINT)));
	if (!IsA(node, Query))
		return expression_tree_walker(node, check_relations, arg);
	foreach_node(RangeTblEntry, entry, ((Query *) node)->rtable)
	{
		bool		bound = list_member_oid(query->relations, entry->relid);

		/* the planner would add child tables that nobody has seen */
		Assert(!bound || !entry->inh || query->children || entry->relkind == RELKIND_VIEW);
		if (OidIsValid(entry->relid) && !may_read(query, entry->relid))
			refuse_relation(entry->relid);
		if (!bound || entry->rtekind != RTE_RELATION || OidIsValid(role))
			(void) range_table_entry_walker(entry, check_relations, arg, 0);
	}
	return query_tree_walker((Query *) node, check_relations, arg, QTW_IGNORE_RANGE_TABLE);
}

/*
 * Check the table that a user's text names first, which is what it changes, if it
 * changes anything.  It stays first if it is a view, or if a rule replaces the
 * statement.  The other relations are those that the user has named.
 */
static void
check_target(const CmigQuery *query, const Query *tree)
{
	RangeTblEntry *entry;

	if (tree->resultRelation == 0 && tree->cteList != NIL)
	{
		check_target(query, castNode(Query, linitial_node(CommonTableExpr, tree->cteList)->ctequery));
		return;
	}
	entry = linitial_node(RangeTblEntry, tree->rtable);

	/*
	 * what a rule inserts is in a query of its own, which begins as the
	 * statement does
	 */
	if (tree->querySource != QSRC_ORIGINAL && tree->commandType == CMD_INSERT && tree->resultRelation == 1 && list_length(tree->rtable) > 1)
		entry = lsecond_node(RangeTblEntry, tree->rtable);
	if (!OidIsValid(entry->relid) && entry->rtekind == RTE_SUBQUERY)
		check_target(query, entry->subquery);
	else if (!list_member_oid(query->relations, entry->relid))
		refuse_relation(entry->relid);
}

/* The planner hook.  Queries that run inside one of pg_cmig's have another text. */
static PlannedStmt *
check_plan(CMIG_PLANNER_PARAMETERS_COMPAT)
{
	const CmigQuery *ours = NULL;

	for (ErrorContextCallback *each = error_context_stack; each != NULL && ours == NULL; each = each->previous)
		if (each->callback == add_catalog_hint)
			ours = each->arg;

	if (ours != NULL && text != NULL && strcmp(text, ours->sql) == 0)
	{
		if (!ours->users_text)
			(void) check_relations((Node *) query, (void *) ours);
		else if (ours->relations != NIL)
			check_target(ours, query);
	}
	return (next_planner ? next_planner : standard_planner) (CMIG_PLANNER_ARGUMENTS_COMPAT);
}

static int
argument_count(const CmigQuery *query)
{
	int			count = 0;

	while (count < CMIG_QUERY_MAX_ARGS && OidIsValid(query->argtypes[count]))
		count++;
	return count;
}

CmigQuery *
cmig_query_make(const char *sql, List *relations, int nargs, const Oid *argtypes)
{
	CmigQuery  *query = palloc0(sizeof(CmigQuery));
	CmigQuery	made = {.sql = sql,.relations = relations,.once = true};

	Assert(nargs <= CMIG_QUERY_MAX_ARGS);
	memcpy(query, &made, sizeof(CmigQuery));
	if (nargs > 0)
		memcpy(query->argtypes, argtypes, sizeof(Oid) * nargs);
	return query;
}

CmigQuery *
cmig_query_make_lasting(const char *sql, int nargs, const Oid *argtypes)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	CmigQuery  *query = cmig_query_make(pstrdup(sql), NIL, nargs, argtypes);

	query->once = false;
	MemoryContextSwitchTo(old);
	return query;
}

/* Keep a plan as one that lasts, if it is one.  SPI_finish() frees "plan". */
static void
make_lasting(CmigQuery *query, SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	PlannedStmt *statement = cached ? linitial_node(PlannedStmt, cached->stmt_list) : NULL;
	bool		lasts = statement && statement->commandType == CMD_SELECT && statement->invalItems == NIL;

	foreach_node(RangeTblEntry, each, lasts ? statement->rtable : NIL)
		lasts &= each->relid < FirstNormalObjectId;
	if (lasts)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig plan", ALLOCSET_SMALL_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		statement = copyObject(statement);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(context, CacheMemoryContext);
		query->lasting = statement;
	}
	if (cached)
		ReleaseCachedPlan(cached, NULL);
}

/* Open a cursor for a plan that lasts. */
static Portal
open_lasting(CmigQuery *query, Datum *values, const char *nulls)
{
	PlannedStmt *statement = query->lasting;
	ParamListInfo params = makeParamList(argument_count(query));
	Portal		portal = CreateNewPortal();

	foreach_node(RangeTblEntry, entry, statement->rtable)
	{
		if (entry->rtekind == RTE_RELATION)
			LockRelationOid(entry->relid, entry->rellockmode);
	}
	for (int i = 0; i < params->numParams; i++)
	{
		const ParamExternData param = {values[i], nulls && nulls[i] == 'n', PARAM_FLAG_CONST, query->argtypes[i]};

		params->params[i] = param;
	}
	portal->visible = false;
	PortalDefineQuery(portal, NULL, query->sql, CMDTAG_SELECT, list_make1(statement), NULL);
	portal->cursorOptions = CURSOR_OPT_NO_SCROLL;
	PortalStart(portal, params, 0, GetActiveSnapshot());
	return portal;
}

/*
 * Connect to SPI, apply the query's settings, and prepare its plan, which may be
 * one that lasts if "may_last" is true.
 */
static void
enter(QueryFrame *frame, CmigQuery *query, bool may_last)
{
	static bool hooked = false; /* a session without queries has no hook */
	const ErrorContextCallback callback = {error_context_stack, add_catalog_hint, query};

	if (!query->users_text && strstr(query->sql, " cmig.") != NULL)
		cmig_plain_require(query);
	if (!query->users_text && query->plan == NULL && strstr(query->sql, "cmig.") != NULL)
		cmig_library_version_read();
	if (!query->users_text && OidIsValid(other_role()))
		foreach_oid(relation, query->relations)
			cmig_role_require_own_expressions(relation, other_role());

	frame->callback = callback;
	error_context_stack = &frame->callback;
	if (!hooked)
	{
		next_planner = planner_hook;
		planner_hook = check_plan;
		hooked = true;
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	frame->guc_level = NewGUCNestLevel();
	if (!query->users_text)
		pin_settings();
	cmig_settings_unrestrict();
	if (query->all_rows && row_security)
		cmig_settings_override("row_security", "off");

	may_last &= !query->once;
	if (query->plan == NULL && !(may_last && query->lasting))
	{
		SPIPlanPtr	plan;

		if (cmig_query_hook)
			cmig_query_hook(query->sql);
		plan = SPI_prepare_cursor(query->sql, argument_count(query), query->argtypes,
								  query->users_text ? CURSOR_OPT_CUSTOM_PLAN : 0);
		if (plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		if (may_last && !query->users_text)
			make_lasting(query, plan);
		if (may_last && query->lasting)
			plan = NULL;
		else if (!query->once && SPI_keepplan(plan) != 0)
			elog(ERROR, "SPI_keepplan failed");
		query->plan = plan;
	}
	if (cmig_query_hook)
		cmig_query_hook(query->sql);
}

/* End the query: restore the settings and disconnect from SPI. */
static void
leave(QueryFrame *frame)
{
	CmigQuery  *query = frame->callback.arg;

	AtEOXact_GUC(false, frame->guc_level);
	SPI_finish();
	if (query->once)
		query->plan = NULL;		/* freed by SPI_finish() */
	error_context_stack = frame->callback.previous;
}

/*
 * Does a query read what is committed now, although the transaction's snapshot is
 * older?  Queries that read nothing but catalogs do, as the server itself: what is
 * changed under a lock is what was committed when it was granted.
 */
static bool
reads_latest(const CmigQuery *query)
{
	return !at_once && IsolationUsesXactSnapshot() &&
		(query->latest ||
		 (!query->users_text && query->relations == NIL && !query->children &&
		  strstr(query->sql, "cmig.") == NULL && strstr(query->sql, "cmig_audit.") == NULL));
}

uint64
cmig_query_run(CmigQuery *query, Datum *values, const char *nulls)
{
	const bool	was_writing = writing;
	QueryFrame	frame;
	uint64		processed;
	int			result;

	enter(&frame, query, false);
	PG_TRY();
	{
		writing = was_writing || !query->users_text;
		if (reads_latest(query))
		{
			CommandCounterIncrement();
			result = SPI_execute_snapshot(query->plan, values, nulls, cmig_latest_snapshot(),
										  InvalidSnapshot, false, true, 0);
		}
		else
			result = SPI_execute_plan(query->plan, values, nulls, at_once, 0);
	}
	PG_FINALLY();
	{
		writing = was_writing;
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	processed = SPI_processed;
	leave(&frame);
	return processed;
}

/* Call the callback for each row that SPI has fetched. */
static void
call_for_rows(CmigRowCallback callback, void *arg)
{
	const SPITupleTable *table = SPI_tuptable;
	CmigRow		row = {table->tupdesc};

	row.values = palloc(sizeof(Datum) * row.desc->natts);
	row.nulls = palloc(sizeof(bool) * row.desc->natts);
	for (uint64 i = 0; i < table->numvals; i++)
	{
		heap_deform_tuple(table->vals[i], row.desc, row.values, row.nulls);
		callback(&row, arg);
	}
	pfree(row.values);
	pfree(row.nulls);
}

uint64
cmig_query_each(CmigQuery *query, Datum *values, const char *nulls,
				CmigRowCallback callback, void *arg)
{
	QueryFrame	frame;
	MemoryContext caller = CurrentMemoryContext;
	Portal		portal;
	uint64		total = 0;
	const bool	may_last = cmig_query_plans_last || (at_once && query->selective);
	const bool	latest = reads_latest(query);
	const Relation table = query->table ? cmig_plain_open(query) : NULL;

	if (table != NULL)
	{
		if (!at_once)
			CommandCounterIncrement();
		if (cmig_plain_scan(query, table, at_once ? GetActiveSnapshot() :
							latest ? cmig_latest_snapshot() : GetTransactionSnapshot(),
							callback, arg, &total))
			return total;
	}
	enter(&frame, query, may_last);
	if (latest)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(cmig_latest_snapshot());
		portal = SPI_cursor_open(NULL, query->plan, values, nulls, true);
		PopActiveSnapshot();
	}
	else if (may_last && query->lasting)
		portal = open_lasting(query, values, nulls);
	else
		portal = SPI_cursor_open(NULL, query->plan, values, nulls, at_once);

	for (;;)
	{
		uint64		fetched;
		MemoryContext spi;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		fetched = SPI_processed;

		/*
		 * do not add the hint about pg_cmig's tables to errors in the
		 * callback
		 */
		spi = MemoryContextSwitchTo(caller);
		error_context_stack = frame.callback.previous;
		call_for_rows(callback, arg);
		error_context_stack = &frame.callback;
		MemoryContextSwitchTo(spi);

		SPI_freetuptable(SPI_tuptable);
		total += fetched;
		if (fetched < FETCH_ROWS)
			break;
	}

	SPI_cursor_close(portal);
	leave(&frame);
	return total;
}

static bool
are_catalogs_small(void)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	const BlockNumber blocks = RelationGetNumberOfBlocks(depend);
	int			rows = 0;

	if (blocks >= SMALL_CATALOG && blocks < COUNTED_CATALOG)
	{
		SysScanDesc scan = systable_beginscan(depend, InvalidOid, false, NULL, 0, NULL);

		while (rows < SMALL_CATALOG * ROWS_PER_BLOCK && HeapTupleIsValid(systable_getnext(scan)))
			rows++;
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	return blocks < COUNTED_CATALOG && rows < SMALL_CATALOG * ROWS_PER_BLOCK;
}

void
cmig_query_at_once(bool latest, void (*work) (void *), void *arg)
{
	const bool	was_at_once = at_once;
	const bool	had_lasting = cmig_query_plans_last;
	const bool	is_small = are_catalogs_small();

	CommandCounterIncrement();
	PushActiveSnapshot(latest ? cmig_latest_snapshot() : GetTransactionSnapshot());
	PG_TRY();
	{
		at_once = true;
		cmig_query_plans_last = is_small;
		work(arg);
	}
	PG_FINALLY();
	{
		at_once = was_at_once;
		cmig_query_plans_last = had_lasting;
	}
	PG_END_TRY();
	PopActiveSnapshot();
}

uint64
cmig_query_once(CmigQuery *query, Datum *values, CmigRowCallback callback, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	QueryFrame	frame;
	int			result;
	uint64		processed;

	enter(&frame, query, false);
	result = SPI_execute_plan(query->plan, values, NULL, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(result));
	processed = SPI_processed;
	error_context_stack = frame.callback.previous;
	if (callback && SPI_tuptable)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		call_for_rows(callback, arg);
		MemoryContextSwitchTo(spi);
	}
	leave(&frame);
	return processed;
}

bool
cmig_query_hold_row(Oid catalog, Oid index, Oid object)
{
	Relation	rows = table_open(catalog, RowShareLock);
	ScanKeyData key[1];
	SysScanDesc scan;
	HeapTuple	tuple;
	HeapTupleData row;
	Buffer		buffer;
	TM_FailureData failure;
	bool		held = false;

	/* a row that this command has changed cannot be locked */
	CommandCounterIncrement();
	/* the OID is the first column of each catalog */
	ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(object));
	scan = systable_beginscan(rows, index, true, NULL, 1, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		row.t_self = tuple->t_self;
		held = heap_lock_tuple(rows, &row, GetCurrentCommandId(false), LockTupleKeyShare, LockWaitBlock,
							   true, &buffer, &failure) == TM_Ok;
		ReleaseBuffer(buffer);
	}
	systable_endscan(scan);
	table_close(rows, NoLock);
	return held;
}

bool
cmig_query_try_hold(Oid relation, LOCKMODE mode)
{
	Oid			schema = get_rel_namespace(relation);
	bool		held = cmig_query_hold_row(NamespaceRelationId, NamespaceOidIndexId, schema);

	if (mode != NoLock)
		LockRelationOid(relation, mode);
	return held && get_rel_namespace(relation) == schema;
}

void
cmig_query_hold(Oid relation, LOCKMODE mode)
{
	if (!cmig_query_try_hold(relation, mode))
		cmig_query_raise_changed(psprintf("The schema of relation %s was renamed or dropped.",
										  cmig_query_table_name(relation)));
}

void
cmig_query_command(const char *sql, Oid relation)
{
	MemoryContext caller = CurrentMemoryContext;
	int			guc_level;

	if (cmig_query_hook)
		cmig_query_hook(sql);
	if (OidIsValid(relation))
	{
		Assert(CheckRelationOidLockedByMe(relation, ShareRowExclusiveLock, true));
		cmig_query_hold(relation, AccessShareLock);
		if (strstr(sql, psprintf("%s.", quote_identifier(cmig_query_schema_name(get_rel_namespace(relation))))) == NULL)
			cmig_query_raise_changed(psprintf("The schema of table %s was renamed.", cmig_query_table_name(relation)));
	}
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	guc_level = NewGUCNestLevel();
	pin_settings();
	cmig_settings_unname_tablespace(GUC_ACTION_SAVE);
	if (cmig_query_hook)
		cmig_query_hook(sql);
	PG_TRY();
	{
		int			result = SPI_execute(sql, false, 0);

		if (result != SPI_OK_UTILITY)
			elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	}
	PG_CATCH();
	{
		ReThrowError(cmig_error_take(caller));
	}
	PG_END_TRY();
	AtEOXact_GUC(false, guc_level);
	SPI_finish();
}

/* Run a command; an effect of another session is error 40001. */
static void
run_utility(PlannedStmt *plan, const char *sql)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		ProcessUtility(plan, sql, false, PROCESS_UTILITY_SUBCOMMAND, NULL, NULL,
					   None_Receiver, NULL);
	}
	PG_CATCH();
	{
		ReThrowError(cmig_error_take(caller));
	}
	PG_END_TRY();
}

/*
 * An event trigger would run with the privileges of the current role on behalf of
 * a caller that may not have them.
 */
void
cmig_query_silently(List *statements, const char *sql)
{
	int			guc_level = NewGUCNestLevel();

	pin_settings();
	cmig_settings_unname_tablespace(GUC_ACTION_SAVE);
	foreach_node(RawStmt, raw, statements)
	{
		PlannedStmt *plan = makeNode(PlannedStmt);

		plan->commandType = CMD_UTILITY;
		plan->canSetTag = true;
		plan->utilityStmt = raw->stmt;
		plan->stmt_location = raw->stmt_location;
		plan->stmt_len = raw->stmt_len;
		PushActiveSnapshot(GetTransactionSnapshot());
		run_utility(plan, sql);
		PopActiveSnapshot();
		CommandCounterIncrement();
	}
	AtEOXact_GUC(false, guc_level);
}

char *
cmig_query_at_snapshot(CmigQuery *query, Datum *values, Snapshot snapshot)
{
	QueryFrame	frame;
	MemoryContext caller = CurrentMemoryContext;
	char	   *value;
	char	   *text = NULL;
	int			result;

	enter(&frame, query, false);
	result = SPI_execute_snapshot(query->plan, values, NULL, snapshot,
								  InvalidSnapshot, true, false, 1);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(result));
	if (SPI_processed == 1)
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	value = text ? MemoryContextStrdup(caller, text) : NULL;
	leave(&frame);
	return value;
}

/* Convert a query's arguments from C values to datums. */
static void
bind_values(const CmigQuery *query, Datum *values, char *nulls, va_list args)
{
	for (int i = 0, count = argument_count(query); i < count; i++)
	{
		const void *pointer;

		nulls[i] = ' ';
		switch (query->argtypes[i])
		{
			case BOOLOID:
				values[i] = BoolGetDatum(va_arg(args, int));
				break;
			case INT4OID:
				values[i] = Int32GetDatum(va_arg(args, int));
				break;
			case OIDOID:
				values[i] = ObjectIdGetDatum(va_arg(args, Oid));
				break;
			case INT8OID:
			case TIMESTAMPTZOID:
				values[i] = Int64GetDatum(va_arg(args, int64));
				break;
			case FLOAT8OID:
				values[i] = Float8GetDatum(va_arg(args, double));
				break;
			default:
				pointer = va_arg(args, const void *);
				if (pointer == NULL)
					nulls[i] = 'n';
				else if (query->argtypes[i] == TEXTARRAYOID)
					values[i] = cmig_names_datum(pointer);
				else
					values[i] = CStringGetTextDatum(pointer);
		}
	}
}

/* Row callback: append the values of all columns, as text, to a List. */
static void
keep_values(const CmigRow *row, void *arg)
{
	List	  **rows = arg;
	char	  **values = palloc0(sizeof(char *) * row->desc->natts);

	for (int i = 0; i < row->desc->natts; i++)
	{
		Oid			output;
		bool		is_varlena;

		if (row->nulls[i])
			continue;
		getTypeOutputInfo(SPI_gettypeid(row->desc, i + 1), &output, &is_varlena);
		values[i] = OidOutputFunctionCall(output, row->values[i]);
	}
	*rows = lappend(*rows, values);
}

List *
cmig_query_texts(CmigQuery *query, Datum *values, const char *nulls)
{
	List	   *rows = NIL;

	cmig_query_each(query, values, nulls, keep_values, &rows);
	return rows;
}

static List *
rows_of(CmigQuery *query, va_list args)
{
	Datum		values[CMIG_QUERY_MAX_ARGS];
	char		nulls[CMIG_QUERY_MAX_ARGS];

	bind_values(query, values, nulls, args);
	return cmig_query_texts(query, values, nulls);
}

uint64
cmig_query_do(CmigQuery *query,...)
{
	Datum		values[CMIG_QUERY_MAX_ARGS];
	char		nulls[CMIG_QUERY_MAX_ARGS];
	va_list		args;

	va_start(args, query);
	bind_values(query, values, nulls, args);
	va_end(args);
	return cmig_query_run(query, values, nulls);
}

List *
cmig_query_list(CmigQuery *query,...)
{
	List	   *rows;
	va_list		args;

	va_start(args, query);
	rows = rows_of(query, args);
	va_end(args);
	return rows;
}

char **
cmig_query_row(CmigQuery *query,...)
{
	List	   *rows;
	va_list		args;

	va_start(args, query);
	rows = rows_of(query, args);
	va_end(args);
	return rows == NIL ? NULL : linitial(rows);
}

char *
cmig_query_value(CmigQuery *query,...)
{
	List	   *rows;
	va_list		args;

	va_start(args, query);
	rows = rows_of(query, args);
	va_end(args);
	return rows == NIL ? NULL : *(char **) linitial(rows);
}

List *
cmig_query_oids(CmigQuery *query,...)
{
	List	   *rows;
	List	   *oids = NIL;
	va_list		args;

	va_start(args, query);
	rows = rows_of(query, args);
	va_end(args);
	foreach_ptr(CmigValue, row, rows)
		oids = lappend_oid(oids, atooid(*row));
	list_free_deep(rows);
	return oids;
}

bool
cmig_query_is_writing(void)
{
	return writing;
}

Datum
cmig_query_datum(const CmigRow *row, int column, Oid type, bool *isnull)
{
	const bool	null = row->nulls[column - 1];
	const Oid	found = SPI_gettypeid(row->desc, column);

	if (!null && found != type && !IsBinaryCoercible(found, type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column %d of a query of pg_cmig has type %s, not %s", column,
						format_type_be(found), format_type_be(type))));
	if (isnull != NULL)
		*isnull = null;
	else if (null)
		cmig_query_raise_changed("An object was dropped before its definition was read.");
	return row->values[column - 1];
}

char *
cmig_query_text_or_null(const CmigRow *row, int column)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, TEXTOID, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

char *
cmig_query_text(const CmigRow *row, int column)
{
	return TextDatumGetCString(cmig_query_datum(row, column, TEXTOID, NULL));
}

void
cmig_query_bind_text(Datum *values, char *nulls, int i, const char *value)
{
	values[i] = value ? CStringGetTextDatum(value) : (Datum) 0;
	nulls[i] = value ? ' ' : 'n';
}

/* Returns a column's value, or "otherwise" if the column is null. */
static Datum
value_or(const CmigRow *row, int column, Oid type, Datum otherwise)
{
	bool		isnull;
	Datum		value = cmig_query_datum(row, column, type, &isnull);

	return isnull ? otherwise : value;
}

bool
cmig_query_bool(const CmigRow *row, int column, bool otherwise)
{
	return DatumGetBool(value_or(row, column, BOOLOID, BoolGetDatum(otherwise)));
}

int32
cmig_query_int32(const CmigRow *row, int column, int32 otherwise)
{
	return DatumGetInt32(value_or(row, column, INT4OID, Int32GetDatum(otherwise)));
}

int64
cmig_query_int64(const CmigRow *row, int column, int64 otherwise)
{
	return DatumGetInt64(value_or(row, column, INT8OID, Int64GetDatum(otherwise)));
}

double
cmig_query_float8(const CmigRow *row, int column)
{
	return DatumGetFloat8(value_or(row, column, FLOAT8OID, Float8GetDatum(0)));
}

void
cmig_query_free(CmigQuery *query)
{
	if (query->plan != NULL)
		SPI_freeplan(query->plan);
	if (query->lasting != NULL)
		MemoryContextDelete(GetMemoryChunkContext(query->lasting));
	query->plan = NULL;
	query->lasting = NULL;
}

void
cmig_query_commit(void)
{
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	SPI_commit();
	SPI_finish();
}

bool
cmig_query_in_procedure(void)
{
	return SPI_inside_nonatomic_context();
}

void
cmig_query_return_row(const CmigRow *row, void *result)
{
	ReturnSetInfo *set = result;
	bool		isnull;

	cmig_result_require(set->setDesc, row->desc->natts);
	for (int i = 0; i < row->desc->natts; i++)
		(void) cmig_query_datum(row, i + 1, TupleDescAttr(set->setDesc, i)->atttypid, &isnull);
	cmig_result_add(set, row->desc->natts, row->values, row->nulls);
}
