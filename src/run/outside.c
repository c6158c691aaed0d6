/*
 * outside.c
 *	  Detects statements and functions whose effects a rollback does not
 *	  undo.
 *
 * Such statements and functions write files, start programs, connect to other
 * servers, affect the whole server or other sessions, or change the caller's
 * session.  While a watch is on, hooks see each function before it is called.
 *
 * Whoever reads or changes a foreign table calls the handler of its foreign-data
 * wrapper first, also for a partition that only a row's values select.  To
 * define the table, no handler is called.  Therefore, a watch refuses handlers.
 *
 * Procedural languages compile a function once in a session, and compile it
 * again if xmin or ctid of its row in pg_proc differ.  What they compile during
 * a watch must not be used afterward, nor the reverse, because names meant
 * other objects.  Therefore, a watch changes xmin in the session's cached copy
 * of the row before each call, and discards that copy when it ends.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/prepare.h"
#include "commands/proclang.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/regproc.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "run/internal.h"

/*
 * Built-in functions whose effects a rollback does not undo, in alphabetical
 * order for bsearch.  These include setval() and the functions for
 * session-level advisory locks.
 */
static const char *const server_functions[] = {
	"lo_export", "pg_advisory_lock", "pg_advisory_lock_shared",
	"pg_advisory_unlock", "pg_advisory_unlock_all",
	"pg_advisory_unlock_shared", "pg_backup_start", "pg_backup_stop",
	"pg_cancel_backend", "pg_copy_logical_replication_slot",
	"pg_copy_physical_replication_slot", "pg_create_logical_replication_slot",
	"pg_create_physical_replication_slot", "pg_create_restore_point",
	"pg_drop_replication_slot", "pg_log_backend_memory_contexts",
	"pg_log_standby_snapshot", "pg_logical_emit_message",
	"pg_logical_slot_get_binary_changes", "pg_logical_slot_get_changes",
	"pg_promote", "pg_reload_conf", "pg_replication_origin_advance",
	"pg_replication_origin_session_reset",
	"pg_replication_origin_session_setup", "pg_replication_slot_advance",
	"pg_rotate_logfile", "pg_rotate_logfile_old", "pg_stat_reset",
	"pg_stat_reset_backend_stats", "pg_stat_reset_replication_slot",
	"pg_stat_reset_shared", "pg_stat_reset_single_function_counters",
	"pg_stat_reset_single_table_counters", "pg_stat_reset_slru",
	"pg_stat_reset_subscription_stats", "pg_switch_wal",
	"pg_sync_replication_slots", "pg_terminate_backend",
	"pg_try_advisory_lock", "pg_try_advisory_lock_shared",
	"pg_wal_replay_pause", "pg_wal_replay_resume", "setval"
};

/*
 * Libraries with functions that access other servers, programs, or files, or
 * that change tables without a transaction.
 */
static const char *const libraries[] = {
	"adminpack", "dblink", "http", "pg_background", "pg_surgery", "plproxy"
};

/* The current watch, or NULL. */
static const CmigOutsideWatch *watch = NULL;

/* The names of the caller's cursors that a watch has marked as active. */
static List *cursors = NIL;

/*
 * The hash values of the functions of whose rows copies with another xmin may be
 * cached: at the end of a subtransaction, they cannot be looked up.
 */
static List *marked = NIL;

static object_access_hook_type next_object_access = NULL;
static needs_fmgr_hook_type next_needs_fmgr = NULL;
static fmgr_hook_type next_fmgr = NULL;

/*
 * If a procedural language is untrusted, returns its name; otherwise, returns
 * NULL.
 */
static char *
untrusted_language(Oid language)
{
	HeapTuple	row = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	Form_pg_language form;
	char	   *name = NULL;

	if (!HeapTupleIsValid(row))
		return NULL;
	form = (Form_pg_language) GETSTRUCT(row);
	if (!form->lanpltrusted && form->lanispl)
		name = pstrdup(NameStr(form->lanname));
	ReleaseSysCache(row);
	return name;
}

/* If the effects of a built-in function remain, returns the reason. */
static const char *
of_built_in_function(const char *name)
{
	if (watch->restores_locks && strstr(name, "_advisory_") != NULL)
		return NULL;
	if (bsearch(&name, server_functions, lengthof(server_functions), sizeof(char *),
				pg_qsort_strcmp) == NULL)
		return NULL;
	return psprintf("a rollback does not undo %s()", name);
}

/* The same for user-defined functions. */
static const char *
of_user_function(HeapTuple row)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);
	bool		isnull;
	Datum		value;
	char	   *language;

	/* a function in the language "internal" is another name of a built-in one */
	if (form->prolang == INTERNALlanguageId)
	{
		Oid			function = InvalidOid;

		value = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull);
		if (!isnull)
			function = fmgr_internal_function(TextDatumGetCString(value));
		return OidIsValid(function) && get_func_name(function) != NULL ?
			of_built_in_function(get_func_name(function)) : NULL;
	}

	/* the name of a library may include a directory and a file extension */
	value = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_probin, &isnull);
	if (!isnull)
	{
		char	   *path = TextDatumGetCString(value);
		char	   *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

		name[strcspn(name, ".")] = '\0';
		for (int i = 0; i < lengthof(libraries); i++)
		{
			if (strcmp(name, libraries[i]) == 0)
				return psprintf("%s() reaches outside the database", NameStr(form->proname));
		}
	}
	language = untrusted_language(form->prolang);
	if (language != NULL)
		return psprintf("%s() is in the untrusted language %s", NameStr(form->proname), language);
	return NULL;
}

/*
 * Would inlining the function, which is in SQL, hide a call of setval() or a
 * query from hooks of the planner?  The server does not inline a function that
 * is not volatile but calls one that is, nor a query, except of a function that
 * returns a set.
 */
static bool
must_not_inline(HeapTuple row)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);
	bool		isnull;
	Datum		body = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &isnull);
	char	   *source;

	if (form->proretset || form->provolatile != PROVOLATILE_VOLATILE)
		return form->proretset;
	if (isnull)
	{
		source = TextDatumGetCString(SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull));
		return strcasestr(source, "setval") != NULL || strcasestr(source, "U&") != NULL;
	}
	source = TextDatumGetCString(body);
	return strstr(source, psprintf(":funcid %u ", F_SETVAL_REGCLASS_INT8)) != NULL ||
		strstr(source, psprintf(":funcid %u ", F_SETVAL_REGCLASS_INT8_BOOL)) != NULL;
}

static bool
has_subquery(Node *raw, void *unused)
{
	return raw != NULL &&
		(IsA(raw, SubLink) || raw_expression_tree_walker(raw, has_subquery, unused));
}

/*
 * Is the body of the function, which is in SQL, one expression?  Whether the server
 * inlines or calls it, the functions in it are then all that it does.
 */
static bool
is_expression(HeapTuple row)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosqlbody, &isnull);
	Node	   *body = isnull ? NULL : stringToNode(TextDatumGetCString(value));

	if (isnull)
	{
		value = SysCacheGetAttr(PROCOID, row, Anum_pg_proc_prosrc, &isnull);
		body = (Node *) cmig_raw_parse(TextDatumGetCString(value), RAW_PARSE_DEFAULT);
	}
	while (body != NULL && IsA(body, List))
		body = list_length((List *) body) == 1 ? linitial((List *) body) : NULL;
	if (body != NULL && IsA(body, RawStmt))
	{
		body = cmig_statement_expression(((RawStmt *) body)->stmt);
		return body != NULL && !has_subquery(body, NULL);
	}
	return body != NULL && IsA(body, Query) && ((Query *) body)->commandType == CMD_SELECT &&
		((Query *) body)->rtable == NIL && !((Query *) body)->hasSubLinks;
}

/*
 * An expression of a role that is not trusted, such as a check of a domain, can
 * also call functions in C.  Only those are harmless that change nothing, and
 * read only their arguments.
 */
static void
refuse_strictly(Form_pg_proc form)
{
	static const Oid harmless[] = {F_CLOCK_TIMESTAMP, F_GEN_RANDOM_UUID, F_TIMEOFDAY};
	static const char *const readers[] = {"table_to_xml", "schema_to_xml", "database_to_xml"};
	bool		refused = form->provolatile == PROVOLATILE_VOLATILE ||
	(form->oid >= FirstNormalObjectId && form->provolatile != PROVOLATILE_IMMUTABLE);

	for (int i = 0; i < lengthof(readers); i++)
		refused |= strncmp(NameStr(form->proname), readers[i], strlen(readers[i])) == 0;
	for (int i = 0; i < lengthof(harmless); i++)
		refused &= form->oid != harmless[i];
	if (refused)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("function %s is not called, because %s", format_procedure(form->oid),
						watch->because ? watch->because : "other roles own what is copied")));
}

/* When is a function checked? */
typedef enum Moment
{
	IN_EXPRESSION,				/* before an expression that calls it runs */
	LOOKED_UP,					/* by the server, such as a function of a type
								 * or of an operator class, or to inline it */
	CALLED						/* after that */
} Moment;

/*
 * Raise an error before a function that is distrusted is called.  The functions
 * that a body in SQL calls are checked in turn, if it is inlined or is one
 * expression.  The planner looks up each function in FROM that returns a set, to
 * inline it: in other languages than SQL, it is only refused when it is called.
 * Only superusers define functions in C.  The owner of an extension can add a
 * function to it, which then still belongs to that role.
 */
static void
refuse_users(HeapTuple row, Moment moment)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(row);
	Oid			function = form->oid,
				language = form->prolang;

	if (function < FirstNormalObjectId || language == ClanguageId ||
		language == INTERNALlanguageId ||
		(moment == LOOKED_UP && (language == SQLlanguageId || form->proretset)) ||
		(moment == IN_EXPRESSION && !watch->when_called && language == SQLlanguageId &&
		 !form->proretset && is_expression(row)) ||
		(has_privs_of_role(cmig_role_owner_in(ProcedureRelationId, function),
						   OidIsValid(watch->trusts) ? watch->trusts : GetUserId()) &&
		 (watch->distrusts == 'o' ||
		  OidIsValid(getExtensionOfObject(ProcedureRelationId, function)))))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("function %s is not called, because %s", format_procedure(function),
					watch->because ? watch->because : "other roles own it or what is copied")));
}

/*
 * Before a function is called, refuse it if its effects remain.  C functions that
 * the server looks up are allowed, because it looks up some of them only to
 * create other objects.  An example is the validator of a foreign-data wrapper.
 * The exception is its handler.  A function in SQL that is distrusted can be
 * inlined, but the server also calls it by itself, as a cast in to_json().
 * Returns true if see_call() must see each call.
 */
static bool
check_function(Oid function, Moment moment)
{
	bool		looked_up = moment != IN_EXPRESSION;
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	Oid			language;
	bool		is_needed;
	const char *reason = NULL;

	if (!HeapTupleIsValid(row))
		return false;
	form = (Form_pg_proc) GETSTRUCT(row);
	language = form->prolang;
	is_needed = language == SQLlanguageId ? (watch->skips_setval && must_not_inline(row)) ||
		(watch->distrusts && moment == LOOKED_UP && !form->proretset &&
		 function >= FirstNormalObjectId && !is_expression(row)) :
		language != ClanguageId && language != INTERNALlanguageId &&
		(TransactionIdIsValid(watch->mark) ||
		 (watch->distrusts && moment == LOOKED_UP && form->proretset));
	if (looked_up && form->prorettype == FDW_HANDLEROID)
		reason = psprintf("it accesses a foreign table through %s()", NameStr(form->proname));
	else if (function >= FirstNormalObjectId && !(looked_up && language == ClanguageId))
		reason = of_user_function(row);
	else if (!looked_up &&
			 !(watch->skips_setval &&
			   (function == F_SETVAL_REGCLASS_INT8 || function == F_SETVAL_REGCLASS_INT8_BOOL)))
		reason = of_built_in_function(NameStr(form->proname));
	if (watch->strict && !looked_up && (language == ClanguageId || language == INTERNALlanguageId))
		refuse_strictly(form);
	if (reason != NULL)
		watch->refuse(reason);
	if (watch->distrusts)
		refuse_users(row, moment);
	ReleaseSysCache(row);
	return is_needed;
}

void
cmig_outside_mark(Oid function, TransactionId mark)
{
	HeapTuple	row = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(row))
		return;
	if (!TransactionIdEquals(HeapTupleHeaderGetRawXmin(row->t_data), mark))
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

		marked = list_append_unique_int(marked,
										(int) GetSysCacheHashValue1(PROCOID,
																	ObjectIdGetDatum(function)));
		MemoryContextSwitchTo(caller);
		HeapTupleHeaderSetXmin(row->t_data, mark);
	}
	ReleaseSysCache(row);
}

void
cmig_outside_unmark(void)
{
	/*
	 * not by a message about a changed row, which a rollback only processes
	 * if the command counter was incremented since
	 */
	foreach_int(hash, marked)
		SysCacheInvalidate(PROCOID, (uint32) hash);
	list_free(marked);
	marked = NIL;
}

/* Object access hook: check a function before it is called. */
static void
see_function(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (access == OAT_POST_CREATE || access == OAT_POST_ALTER)
		cmig_scope_look_again(InvalidOid);
	if (watch != NULL && !watch->when_called && !creating_extension &&
		access == OAT_FUNCTION_EXECUTE && class == ProcedureRelationId)
		(void) check_function(object, IN_EXPRESSION);
	if (next_object_access)
		next_object_access(access, class, object, sub, arg);
}

/*
 * Function manager hook: check a user-defined function when the server looks it
 * up.  Unlike the object access hook, this hook is also called for triggers,
 * event triggers, and the functions of types and operator classes.  If it
 * returns true, the server calls see_call() before the function, and does not
 * inline the function.
 */
static bool
see_lookup(Oid function)
{
	bool		is_needed = watch != NULL && !creating_extension &&
	(watch->when_called ? function >= FirstNormalObjectId : check_function(function, LOOKED_UP));

	if (function >= FirstNormalObjectId)
		cmig_scope_look_again(function);
	return (next_needs_fmgr != NULL && next_needs_fmgr(function)) || is_needed;
}

/*
 * Function manager hook: see each call of a function for which see_lookup()
 * has returned true, or which is SECURITY DEFINER or has a SET clause.
 */
static void
see_call(FmgrHookEventType event, FmgrInfo *function, Datum *arg)
{
	if (watch != NULL && !creating_extension && event == FHET_START &&
		check_function(function->fn_oid, watch->when_called ? IN_EXPRESSION : CALLED))
		cmig_outside_mark(function->fn_oid, watch->mark);
	if (next_fmgr)
		next_fmgr(event, function, arg);
}

void
cmig_outside_init(void)
{
	next_object_access = object_access_hook;
	object_access_hook = see_function;
	next_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = see_lookup;
	next_fmgr = fmgr_hook;
	fmgr_hook = see_call;
}

/*
 * Mark the caller's cursors as active, so that procedural languages can neither
 * close nor move them.
 */
static void
hold_cursors(void)
{
	static CmigQuery open_cursors = {.sql = "SELECT name FROM pg_cursor()"};

	/* the rows include the cursor of this query, which is closed by now */
	foreach_ptr(CmigValue, row, cmig_query_list(&open_cursors))
	{
		Portal		portal = GetPortalByName(*row);

		if (PortalIsValid(portal) && portal->status == PORTAL_READY)
		{
			MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);

			cursors = lappend(cursors, pstrdup(portal->name));
			MemoryContextSwitchTo(caller);
			portal->status = PORTAL_ACTIVE;
		}
	}
}

/* Give the caller's cursors back. */
static void
release_cursors(void)
{
	foreach_ptr(char, cursor, cursors)
	{
		Portal		portal = GetPortalByName(cursor);

		if (PortalIsValid(portal) && portal->status == PORTAL_ACTIVE)
			portal->status = PORTAL_READY;
	}
	list_free_deep(cursors);
	cursors = NIL;
}

const CmigOutsideWatch *
cmig_outside_watch(const CmigOutsideWatch *started)
{
	const CmigOutsideWatch *former = watch;

	static CmigQuery foreign_tables = {.sql = "SELECT ftrelid FROM pg_foreign_table"};

	if (former == NULL && started != NULL)
	{
		/* the server caches what the handler returned; let it call it again */
		foreach_oid(table, cmig_query_oids(&foreign_tables))
			RelationCacheInvalidateEntry(table);
		hold_cursors();
	}
	watch = started;
	cmig_outside_unmark();
	if (started == NULL)
		release_cursors();
	return former;
}

/* Does the cursor belong to the caller? */
static bool
is_callers_cursor(const char *name, SubTransactionId since)
{
	Portal		portal = GetPortalByName(name);

	return PortalIsValid(portal) && portal->createSubid < since;
}

/*
 * Implements cmig_outside_of_statement() for ANALYZE.  Analyzing only tables
 * created in the current transaction is allowed, because REFRESH MATERIALIZED
 * VIEW CONCURRENTLY does this internally.
 */
static const char *
of_analyze(const VacuumStmt *statement)
{
	bool		all_new = statement->rels != NIL;

	if (statement->is_vacuumcmd)
		return NULL;
	foreach_node(VacuumRelation, rel, statement->rels)
	{
		const RangeVar *name = rel->relation;
		Oid			oid = all_new &&
		name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
		Relation	table = OidIsValid(oid) ? RelationIdGetRelation(oid) : NULL;

		/* tables with child tables do not count as new */
		if (table == NULL || table->rd_createSubid == InvalidSubTransactionId ||
			table->rd_rel->relhassubclass)
			all_new = false;
		if (table != NULL)
			RelationClose(table);
	}
	return all_new ? NULL : "a rollback does not undo all effects of ANALYZE";
}

const char *
cmig_outside_of_statement(Node *statement, SubTransactionId since)
{
	const char *name;
	PreparedStatement *prepared;

	switch (nodeTag(statement))
	{
		case T_CopyStmt:
			if (((CopyStmt *) statement)->is_program)
				return "COPY runs a program";
			return ((CopyStmt *) statement)->filename != NULL ? "COPY uses a file of the server" :
				NULL;
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
			return "a subscription connects to another server";
		case T_ImportForeignSchemaStmt:
			return "IMPORT FOREIGN SCHEMA connects to another server";
		case T_DoStmt:
			foreach_node(DefElem, option, ((DoStmt *) statement)->args)
			{
				name = strcmp(option->defname, "language") != 0 ? NULL :
					untrusted_language(get_language_oid(strVal(option->arg), true));
				if (name != NULL)
					return psprintf("DO uses the untrusted language %s", name);
			}
			return NULL;
		case T_VacuumStmt:
			return of_analyze((VacuumStmt *) statement);
		case T_CheckPointStmt:
			return "a rollback does not undo CHECKPOINT";
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_DATABASE ?
				"it would block new connections" : NULL;
		case T_DiscardStmt:
			return ((DiscardStmt *) statement)->target == DISCARD_PLANS ? NULL :
				"DISCARD changes the session";
		case T_LoadStmt:
			return "LOAD changes the session";
		case T_DeallocateStmt:
			/* did the caller prepare the statement in an earlier command? */
			name = ((DeallocateStmt *) statement)->name;
			prepared = name != NULL ? FetchPreparedStatement(name, false) : NULL;
			return name == NULL ||
				(prepared != NULL && prepared->prepare_time < GetCurrentStatementStartTimestamp()) ?
				"it deallocates a prepared statement of the caller" : NULL;
		case T_ClosePortalStmt:
			name = ((ClosePortalStmt *) statement)->portalname;
			return name == NULL || is_callers_cursor(name, since) ?
				"it closes a cursor of the caller" : NULL;
		case T_FetchStmt:
			return is_callers_cursor(((FetchStmt *) statement)->portalname, since) ?
				"it moves a cursor of the caller" : NULL;
		default:
			return NULL;
	}
}
