/*
 * session.c
 *	  The session that a script finds, and what is restored after it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "nodes/makefuncs.h"
#include "nodes/memnodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "run/internal.h"

/*
 * A script must not leave deferred trigger events to the caller's transaction,
 * nor constraint modes that differ from the caller's.  While it runs, hooks
 * record the tables that it changes and the constraints whose mode it sets.
 */

/* The saved state of a setting. */
typedef struct SavedSetting
{
	const char *name;			/* first, as they are sorted by it */
	char	   *value;
	GucSource	source;
} SavedSetting;

struct CmigSettings
{
	int			count;
	SavedSetting *sorted;		/* by name */
};

/*
 * The state of the session before the script that is running, and what the
 * hooks have recorded since.
 */
static struct
{
	bool		entered;		/* is a script running? */
	bool		steps;			/* see cmig_session_enter() */
	MemoryContext context;		/* of the lists */
	int			guc_level;
	ObjectAddresses *temp_objects;	/* NULL if there was no temporary schema */
	List	   *prepared;		/* of char *: names of statements that the
								 * script has prepared */
	List	   *tables;			/* of Oid: tables that may have deferred
								 * trigger events */
	List	   *constraints;	/* of Oid: constraints whose mode the script
								 * has set by name */
	bool		set_all;		/* has the script used SET CONSTRAINTS ALL? */
	bool		set_some;		/* has the script used SET CONSTRAINTS at all? */
	CmigSettings *settings;		/* NULL if they need not be restored */
}			session;

/* Record a table that may have deferred trigger events. */
static void
note_table(Oid table)
{
	MemoryContext caller = MemoryContextSwitchTo(session.context);

	session.tables = list_append_unique_oid(session.tables, table);
	MemoryContextSwitchTo(caller);
}

/* Record those of a query's result relations that have deferrable triggers. */
static void
note_result_relations(List *relations)
{
	foreach_ptr(ResultRelInfo, info, relations)
	{
		const TriggerDesc *triggers = info->ri_TrigDesc;

		for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		{
			if (triggers->triggers[i].tgdeferrable)
			{
				note_table(RelationGetRelid(info->ri_RelationDesc));
				break;
			}
		}
	}
}

/*
 * Record the tables into which a COPY FROM may have inserted rows.  This is
 * necessary because ExecutorEnd is not called for COPY.
 */
static void
deferred_note_copy(const CopyStmt *copy)
{
	Oid			relation = RangeVarGetRelid(copy->relation, NoLock, true);
	List	   *relations;

	if (!OidIsValid(relation))
		return;
	relations = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE ?
		cmig_inheritors(relation, NoLock) : list_make1_oid(relation);
	foreach_oid(oid, relations)
		note_table(oid);
	list_free(relations);
}

static CmigQuery deferrable_query = {"SELECT oid FROM pg_constraint WHERE condeferrable"};

/*
 * Perform SET CONSTRAINTS for constraints given by OID, except for those that
 * no longer exist and, if only_default is true, those for which this is not
 * the default mode.
 */
static void
set_mode(List *constraints, bool deferred, bool only_default)
{
	ConstraintsSetStmt *set = makeNode(ConstraintsSetStmt);

	set->deferred = deferred;
	foreach_oid(constraint, constraints)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
		Form_pg_constraint form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		if (!only_default || form->condeferred == deferred)
			set->constraints =
				lappend(set->constraints,
						makeRangeVar(get_namespace_name(form->connamespace),
									 pstrdup(NameStr(form->conname)), -1));
		ReleaseSysCache(tuple);
	}
	if (set->constraints != NIL)
		AfterTriggerSetState(set);
}

/*
 * Returns the deferrable constraints of a table, except for those in "known".
 */
static List *
new_constraints(Oid table, List *known)
{
	Relation	relation = try_relation_open(table, AccessShareLock);
	TriggerDesc *triggers;
	List	   *result = NIL;

	if (relation == NULL)
		return NIL;
	triggers = CopyTriggerDesc(relation->trigdesc);
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgdeferrable && OidIsValid(trigger->tgconstraint) &&
			!list_member_oid(known, trigger->tgconstraint))
			result = list_append_unique_oid(result, trigger->tgconstraint);
	}
	relation_close(relation, NoLock);
	return result;
}

/*
 * Raise an error if firing the constraints would also fire triggers on another
 * role's table, because a constraint of the same name and schema has pending
 * events there.  PostgreSQL fires the triggers of all constraints with a given
 * name and schema as the current user.  In a SECURITY DEFINER function,
 * triggers on the caller's tables would therefore run with the privileges of
 * the function's owner.
 */
static void
refuse_namesakes(List *constraints)
{
	static CmigQuery query = {
		"SELECT f.conname, ft.relname, ot.relname, ot.oid FROM pg_constraint f"
		" JOIN pg_class ft ON ft.oid = f.conrelid"
		" JOIN pg_constraint o ON o.conname = f.conname AND o.connamespace = f.connamespace"
		" AND o.oid <> f.oid AND o.condeferrable"
		" JOIN pg_class ot ON ot.oid = o.conrelid AND ot.relowner <> ft.relowner WHERE f.oid = $1"
		" ORDER BY ot.oid",
		{OIDOID}
	};

	foreach_oid(constraint, constraints)
	{
		foreach_ptr(CmigValue, row, cmig_query_list(&query, constraint))
		{
			Oid			other = atooid(row[3]);

			if (list_member_oid(session.tables, other) || !AfterTriggerPendingOnRel(other))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("constraint \"%s\" on table \"%s\" cannot be checked now", row[0],
							row[1]),
					 errdetail("This would also check the constraint with the same name on table \"%s\", whose deferred triggers would run with the privileges of role \"%s\".",
							   row[2], GetUserNameFromId(GetUserId(), false)),
					 errhint("Call the function at the beginning of a transaction.")));
		}
	}
}

/*
 * At the end of a script, fire the triggers that are still deferred, and
 * restore the constraint modes.  SET CONSTRAINTS ALL would also affect
 * constraints that are created later in the transaction, so the modes are set
 * by name.
 */
static void
deferred_fire(void)
{
	List	   *fired = NIL;
	List	   *round;

	/*
	 * repeat this until no events are pending, because a trigger may queue
	 * more deferred events when it fires
	 */
	do
	{
		round = NIL;
		foreach_oid(table, session.tables)
		{
			if (AfterTriggerPendingOnRel(table))
				round = list_concat_unique_oid(round,
											   new_constraints(table, fired));
		}
		if (round != NIL)
		{
			if (cmig_settings_in_definer_function())
				refuse_namesakes(round);
			set_mode(round, false, false);
			CommandCounterIncrement();
			fired = list_concat(fired, round);
		}
	} while (round != NIL);

	/*
	 * Restore the default mode of the constraints whose mode the script has
	 * set, and of the constraints that have been fired.  If the script has
	 * not set any mode, the constraints that have been fired were deferred by
	 * the caller or by default, so defer them again.
	 */
	set_mode(fired, true, session.set_some);
	if (session.set_some)
	{
		List	   *set = session.set_all ? cmig_query_oids(&deferrable_query) :
		session.constraints;

		set_mode(set, true, true);
		set_mode(set, false, true);
	}
}

/*
 * Call this before a SET CONSTRAINTS statement runs.  Records the constraints
 * whose mode the statement sets.  Returns true if this function has already
 * set the modes and the statement must not run.  This is the case for SET
 * CONSTRAINTS ALL IMMEDIATE.  That statement would also affect constraints
 * that later revisions create, where its effect could not be undone; instead,
 * the modes of all existing constraints are set by name.
 */
static bool
deferred_set_constraints(const ConstraintsSetStmt *set)
{
	static CmigQuery named_query = {
		"SELECT oid FROM pg_constraint WHERE condeferrable AND conname = $1::name"
		" AND connamespace = $2",
		{TEXTOID, OIDOID}
	};
	MemoryContext caller = MemoryContextSwitchTo(session.context);
	bool		done = set->constraints == NIL && !set->deferred;

	session.set_some = true;
	session.set_all |= set->constraints == NIL;
	if (done)
		set_mode(cmig_query_oids(&deferrable_query), false, false);

	/*
	 * an unqualified name refers to the first schema in search_path that has
	 * it
	 */
	foreach_ptr(RangeVar, name, set->constraints)
	{
		List	   *schemas = name->schemaname == NULL ? fetch_search_path(true) :
		list_make1_oid(get_namespace_oid(name->schemaname, true));
		List	   *found = NIL;

		foreach_oid(oid, schemas)
		{
			if (found == NIL)
				found = cmig_query_oids(&named_query, name->relname, oid);
		}
		session.constraints = list_concat_unique_oid(session.constraints, found);
	}
	MemoryContextSwitchTo(caller);
	return done;
}

/*
 * Thousands of scripts may run in one call, so the cost must be minimal if a
 * script leaves nothing behind:
 *
 * - Cursors are found as children of the portal manager's memory context,
 *   where each child is named after its portal.  The caller's are marked.
 * - Temporary objects are looked up only if there is a temporary schema.
 * - Prepared statements and SET CONSTRAINTS are recorded by a ProcessUtility
 *   hook, and tables that may have deferred trigger events by an ExecutorEnd
 *   hook, even if they occur inside functions.
 */

/* The values of the settings cmig.search_path and cmig.role. */
static char *script_search_path = NULL;
static char *script_role = NULL;

static ProcessUtility_hook_type next_ProcessUtility = NULL;
static ExecutorEnd_hook_type next_ExecutorEnd = NULL;

/* GUC check hook of cmig.search_path. */
static bool
check_path_list(char **newval, void **extra, GucSource source)
{
	List	   *names;

	if (*newval != NULL && !cmig_settings_keep_invalid(source) &&
		!SplitIdentifierString(pstrdup(*newval), ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	return true;
}

const char *
cmig_session_path_setting(void)
{
	const char *path = cmig_settings_text("cmig.search_path", script_search_path);
	List	   *names;

	if (cmig_text_is_given(path) && !SplitIdentifierString(pstrdup(path), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.search_path", path),
				 errdetail("List syntax is invalid."),
				 cmig_hint("For example: `SET cmig.search_path = app, public`")));
	return path;
}

char *
cmig_session_search_path(void)
{
	const char *path = cmig_session_path_setting();

	if (cmig_scope_is_set())
		return psprintf("%s, %s", quote_identifier(cmig_scope_current()),
						cmig_text_is_given(path) ? path : "public");
	return pstrdup(cmig_text_is_given(path) ? path : namespace_search_path);
}

int
cmig_session_read_quietly(void)
{
	int			guc_level = NewGUCNestLevel();

	cmig_settings_override("client_min_messages", "error");
	return guc_level;
}

char *
cmig_session_role(void)
{
	const char *role = cmig_settings_text("cmig.role", script_role);

	if (!cmig_text_is_given(role))
		return GetUserNameFromId(GetUserId(), false);
	if (strcmp(role, "none") == 0)
		return GetUserNameFromId(GetSessionUserId(), false);
	return pstrdup(role);
}

void
cmig_session_require_member(void)
{
	const char *name = cmig_settings_text("cmig.role", script_role);
	Oid			role;
	const char *session;

	if (!cmig_text_is_given(name) || strcmp(name, "none") == 0)
		return;
	role = get_role_oid(name, true);
	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errdetail("Scripts run as the role in cmig.role."),
				 errhint("If it was renamed or dropped, specify another one: SET cmig.role = '<role>', or,"
						 " for all runs, SELECT cmig.set_option('cmig.role', '<role>')")));
	if (cmig_can_set_role_compat(GetSessionUserId(), role))
		return;
	session = quote_identifier(GetUserNameFromId(GetSessionUserId(), false));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to set role \"%s\"", name),
			 errdetail("Scripts run as the role in cmig.role, and %s is not a member of that role.",
					   session),
	/* never suggest making a role a member of a superuser */
			 superuser_arg(role) ?
			 cmig_hint("Specify a role that %s is a member of: `SET cmig.role = '<role>'`",
					   session)
			 : errhint("GRANT %s TO %s", quote_identifier(name), session)));
}

/*
 * In a SECURITY DEFINER function, add pg_temp to the end of search_path,
 * unless search_path already contains it.  Otherwise, the temporary tables of
 * the function's caller would be found first, and their triggers would run
 * with the privileges of the function's owner.  If no schema in search_path
 * exists, pg_temp is not added, because scripts would then create their
 * objects in pg_temp.
 */
static void
put_pg_temp_last(GucAction action)
{
	List	   *names;

	if (!cmig_settings_in_definer_function())
		return;
	(void) SplitIdentifierString(pstrdup(namespace_search_path), ',', &names);
	foreach_ptr(char, name, names)
	{
		if (strcmp(name, "pg_temp") == 0)
			return;
	}
	if (fetch_search_path(false) != NIL)
		cmig_settings_set("search_path", psprintf("%s, pg_temp", namespace_search_path),
						  PGC_USERSET, action);
}

/*
 * Have the server read strings in what a script runs, such as the bodies of
 * functions, as cmig_raw_parse() reads them in the script.
 */
static void
pin_strings(GucAction action)
{
	if (!standard_conforming_strings)
		cmig_settings_set("standard_conforming_strings", "on", PGC_USERSET, action);
	if (backslash_quote != BACKSLASH_QUOTE_ON)
		cmig_settings_set("backslash_quote", "on", PGC_USERSET, action);
}

/* Set the role and the settings that scripts start with. */
static void
set_all_for_script(GucAction action)
{
	const char *role = cmig_settings_text("cmig.role", script_role);
	const char *path = cmig_session_path_setting();

	/*
	 * set the role first: the checks below apply to it, and any role can set
	 * the other settings
	 */
	if (cmig_text_is_given(role))
	{
		cmig_session_require_member();
		cmig_settings_set("role", role, PGC_USERSET, action);
	}
	cmig_scope_require_safe(path);
	if (cmig_text_is_given(path) || cmig_scope_is_set())
		cmig_settings_set("search_path", cmig_session_search_path(), PGC_USERSET, action);
	put_pg_temp_last(action);
	cmig_settings_set("row_security", "off", PGC_USERSET, action);
	cmig_settings_as_at_login(false, action);
	pin_strings(action);
}

void
cmig_session_pin_strings(void)
{
	if (session.entered)
		pin_strings(GUC_ACTION_SET);
}

/* Returns the memory contexts of all portals. */
static List *
list_portals(void)
{
	static MemoryContext portals = NULL;
	List	   *result = NIL;

	for (MemoryContext child = TopMemoryContext->firstchild;
		 portals == NULL && child != NULL; child = child->nextchild)
	{
		if (strcmp(child->name, "TopPortalContext") == 0)
			portals = child;
	}
	if (portals == NULL)
		elog(ERROR, "the portals' memory context was not found");
	for (MemoryContext child = portals->firstchild; child != NULL; child = child->nextchild)
	{
		if (strcmp(child->name, "PortalContext") == 0)
			result = lappend(result, child);
	}
	return result;
}

/*
 * A reset callback that does nothing: it marks the memory of a portal that
 * existed before a script.  Comparing names and addresses would not be
 * sufficient, because a script may close the portal and open another one with
 * the same name at the same address.
 */
static void
existed_before(void *arg)
{
}

/* Is this the memory context of a portal that has a mark? */
static bool
is_marked(MemoryContext context)
{
	MemoryContextCallback *callback = context->reset_cbs;

	while (callback != NULL && callback->func != existed_before)
		callback = callback->next;
	return callback != NULL;
}

/*
 * Close the cursors that the script has left open, that is, all portals
 * without a mark.
 */
static void
close_cursors(void)
{
	ListCell   *cell;

	foreach(cell, list_portals())
	{
		MemoryContext context = lfirst(cell);
		Portal		portal;

		if (is_marked(context) || context->ident == NULL)
			continue;
		portal = GetPortalByName(context->ident);
		if (!PortalIsValid(portal) || portal->status == PORTAL_ACTIVE)
			continue;
		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
}

/* Objects in the temporary schema, other than those that are known. */
typedef struct TempObjects
{
	const ObjectAddresses *known;	/* or NULL */
	ObjectAddresses *found;
} TempObjects;

/* Row callback: add the object in a pg_depend row. */
static void
add_temp_object(HeapTuple row, void *arg)
{
	TempObjects *temp = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);
	ObjectAddress object;

	ObjectAddressSet(object, form->classid, form->objid);
	if (temp->known == NULL || !object_address_present(&object, temp->known))
		add_exact_object_address(&object, temp->found);
}

/* Returns the objects in the temporary schema, or NULL if there is no schema. */
static ObjectAddresses *
list_temp_objects(const ObjectAddresses *known)
{
	TempObjects temp = {.known = known};
	Oid			schema;
	Oid			toast_schema;

	GetTempNamespaceState(&schema, &toast_schema);
	if (!OidIsValid(schema))
		return NULL;
	temp.found = new_object_addresses();
	cmig_catalog_rows_referring(NamespaceRelationId, schema, add_temp_object, &temp);
	return temp.found;
}

/*
 * Drop the temporary objects that the script created, and, as at the end of a
 * session, the objects that depend on them.
 */
static void
drop_temp_objects(void)
{
	ObjectAddresses *drop = list_temp_objects(session.temp_objects);

	if (drop == NULL)
		return;
	performMultipleDeletions(drop, DROP_CASCADE,
							 PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY |
							 PERFORM_DELETION_SKIP_EXTENSIONS);
	CommandCounterIncrement();
}

/*
 * ExecutorEnd hook: record the tables that a script's query has changed, before
 * the executor is shut down.
 */
static void
note_executor_end(QueryDesc *query)
{
	if (session.entered && query->estate != NULL)
	{
		note_result_relations(query->estate->es_opened_result_relations);
		note_result_relations(query->estate->es_tuple_routing_result_relations);
		note_result_relations(query->estate->es_trig_target_relations);
	}

	if (next_ExecutorEnd)
		next_ExecutorEnd(query);
	else
		standard_ExecutorEnd(query);
}

/*
 * ProcessUtility hook: record the statements that a script prepares, the
 * constraint modes that it sets, the tables that it copies into, and whether it
 * may have changed the extension.
 */
static void
note_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest,
			 QueryCompletion *completion)
{
	Node	   *node = statement->utilityStmt;

	if (session.entered && IsA(node, ConstraintsSetStmt) &&
		deferred_set_constraints((ConstraintsSetStmt *) node))
		return;

	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);

	if (IsA(node, AlterExtensionStmt) || IsA(node, AlterExtensionContentsStmt) ||
		IsA(node, DropOwnedStmt) ||
		(IsA(node, DropStmt) && (((DropStmt *) node)->removeType == OBJECT_EXTENSION ||
								 ((DropStmt *) node)->behavior == DROP_CASCADE)))
		cmig_extension_suspected = true;
	if (!session.entered)
		return;
	if (IsA(node, PrepareStmt))
	{
		MemoryContext caller = MemoryContextSwitchTo(session.context);

		session.prepared = lappend(session.prepared,
								   pstrdup(((PrepareStmt *) node)->name));
		MemoryContextSwitchTo(caller);
	}
	else if (IsA(node, CopyStmt) && ((CopyStmt *) node)->is_from)
		deferred_note_copy((CopyStmt *) node);
}

void
cmig_session_init(void)
{
	cmig_scope_init();
	DefineCustomStringVariable(cmig_settings_name("cmig.search_path"),
							   "Sets the search_path of scripts.",
							   "If empty, scripts use the caller's search_path.",
							   &script_search_path, "", PGC_USERSET,
							   GUC_LIST_INPUT, check_path_list, NULL, NULL);
	DefineCustomStringVariable(cmig_settings_name("cmig.role"),
							   "Sets the role that scripts run as.",
							   "If empty, scripts run as the caller's role. The session user must be a member of it, as for SET ROLE.",
							   &script_role, "", PGC_USERSET,
							   0, NULL, NULL, NULL);

	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = note_utility;
	next_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = note_executor_end;
}

/*
 * Is this a setting that a script can change with SET and the current user is
 * allowed to read?  Not restored are transaction characteristics, which end
 * with the transaction, and the seed of random(), which cannot be read.
 */
static bool
is_saved(const struct config_generic *setting)
{
	return (setting->context == PGC_USERSET || setting->context == PGC_SUSET) &&
		((setting->flags & GUC_SUPERUSER_ONLY) == 0 ||
		 has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_SETTINGS)) &&
		strcmp(setting->name, "transaction_isolation") != 0 &&
		strcmp(setting->name, "transaction_read_only") != 0 &&
		strcmp(setting->name, "transaction_deferrable") != 0 &&
		strcmp(setting->name, "seed") != 0;
}

/* qsort and bsearch comparator: by name. */
CmigSettings *
cmig_session_settings(void)
{
	CmigSettings *result = palloc0(sizeof(CmigSettings));
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);

	result->sorted = palloc(sizeof(SavedSetting) * count);
	for (int i = 0; i < count; i++)
	{
		SavedSetting *setting = &result->sorted[result->count];

		if (!is_saved(all[i]))
			continue;
		setting->name = pstrdup(all[i]->name);
		setting->value = GetConfigOptionByName(all[i]->name, NULL, false);
		setting->source = all[i]->source;
		result->count++;
	}
	qsort(result->sorted, result->count, sizeof(SavedSetting), pg_qsort_strcmp);
	return result;
}

/* Returns the saved state, or NULL if the setting did not exist then. */
static const SavedSetting *
find_saved(const CmigSettings *settings, const char *name)
{
	return bsearch(&name, settings->sorted, settings->count, sizeof(SavedSetting),
				   pg_qsort_strcmp);
}

void
cmig_session_settings_expect(CmigSettings *settings, const char *name, const char *value)
{
	SavedSetting *setting = unconstify(SavedSetting *, find_saved(settings, name));

	if (setting != NULL)
		setting->value = pstrdup(value);
}

/* Append a statement that sets a setting, which a script can have set, to its value. */
static void
append_set(StringInfo text, const char *name)
{
	char	   *value = GetConfigOptionByName(name, NULL, false);
	const char *separator = "";
	List	   *names = NIL;

	appendStringInfo(text, "SET %s = ", quote_identifier(name));
	if (!(GetConfigOptionFlags(name, true) & GUC_LIST_QUOTE) ||
		!SplitGUCList(pstrdup(value), ',', &names) || names == NIL)
		appendStringInfoString(text, quote_literal_cstr(value));
	foreach_ptr(const char, each, names)
	{
		appendStringInfo(text, "%s%s", separator, quote_literal_cstr(each));
		separator = ", ";
	}
	appendStringInfoString(text, ";\n");
}

char *
cmig_session_settings_differ(const CmigSettings *then)
{
	CmigSettings *now = cmig_session_settings();
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < now->count; i++)
	{
		const SavedSetting *setting = &now->sorted[i];
		const SavedSetting *saved = find_saved(then, setting->name);

		if (strcmp(setting->name, "role") != 0 &&
			strcmp(setting->name, "session_authorization") != 0 &&
			(saved ? strcmp(setting->value, saved->value) != 0 :
			 setting->source >= PGC_S_INTERACTIVE))
			append_set(&text, setting->name);
	}
	return text.data;
}

static bool
has_changed(const struct config_generic *now, const SavedSetting *saved)
{
	if (saved == NULL)
		return now->source >= PGC_S_INTERACTIVE;
	return now->source != saved->source ||
		(now->source >= PGC_S_INTERACTIVE &&
		 strcmp(GetConfigOptionByName(now->name, NULL, false), saved->value) != 0);
}

static void
put_back(const char *name)
{
	const SavedSetting *setting = find_saved(session.settings, name);

	cmig_settings_set(name, setting && setting->source >= PGC_S_INTERACTIVE ? setting->value : NULL,
					  PGC_SUSET, GUC_ACTION_SET);
}

/*
 * Restore the settings that have changed since they were saved.  GUC nest
 * levels cannot be used for this, because they end with a transaction.
 *
 * A setting that was set in the session is set to its old value.  A setting
 * whose value came from elsewhere is reset, which also restores the source of
 * its value.  PostgreSQL rereads configuration files only between commands
 * from the client, so only the script can have changed a setting in the
 * meantime.
 */
static void
restore_settings(void)
{
	static const char *const roles[] = {"session_authorization", "role"};
	int			count;
	struct config_generic **all;
	List	   *changed = NIL;

	/*
	 * restoring other settings may require the privileges of the original
	 * role
	 */
	for (int i = 0; i < lengthof(roles); i++)
	{
		const SavedSetting *setting = find_saved(session.settings, roles[i]);

		if (setting != NULL &&
			strcmp(GetConfigOptionByName(roles[i], NULL, false), setting->value) != 0)
			put_back(roles[i]);
	}

	/*
	 * collect the names first, because changing a setting may add entries to
	 * PostgreSQL's table of settings
	 */
	all = cmig_guc_variables_compat(&count);
	for (int i = 0; i < count; i++)
	{
		if (is_saved(all[i]) && has_changed(all[i], find_saved(session.settings, all[i]->name)))
			changed = lappend(changed, pstrdup(all[i]->name));
	}
	foreach_ptr(char, each, changed)
		put_back(each);
}

void
cmig_session_enter(bool steps)
{
	MemoryContext caller;
	ListCell   *cell;

	if (steps)
		cmig_call_require_guard();
	memset(&session, 0, sizeof(session));
	session.steps = steps;
	session.context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig session",
											ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(session.context);
	foreach(cell, list_portals())
	{
		MemoryContext context = lfirst(cell);
		MemoryContextCallback *mark;

		if (is_marked(context))
			continue;
		mark = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
		mark->func = existed_before;
		MemoryContextRegisterResetCallback(context, mark);
	}
	session.temp_objects = list_temp_objects(NULL);
	if (steps)
		session.settings = cmig_session_settings();
	MemoryContextSwitchTo(caller);

	session.guc_level = steps ? 0 : NewGUCNestLevel();
	set_all_for_script(steps ? GUC_ACTION_SET : GUC_ACTION_SAVE);
	/* in parallel, Citus could not change tables with foreign keys */
	if (!steps)
		cmig_citus_override("citus.multi_shard_modify_mode", "sequential");
	session.entered = true;
	cmig_scope_pin();
}

void
cmig_session_use_path(const char *path)
{
	cmig_settings_set("search_path", path, PGC_USERSET, GUC_ACTION_SAVE);
	put_pg_temp_last(GUC_ACTION_SAVE);
}

void
cmig_session_abandon(void)
{
	if (!session.entered)
		return;
	session.entered = false;
	cmig_scope_unpin();
	foreach_ptr(char, name, session.prepared)
		DropPreparedStatement(name, false);
}

void
cmig_session_leave(void)
{
	if (session.entered || session.settings != NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(session.context);

		if (!session.steps)
			deferred_fire();
		cmig_session_abandon();
		close_cursors();
		drop_temp_objects();
		if (!session.steps)
			AtEOXact_GUC(false, session.guc_level);
		MemoryContextSwitchTo(caller);
		if (!session.steps)
			MemoryContextDelete(session.context);
	}
	if (session.settings != NULL)
		restore_settings();
}

bool
cmig_session_forget(void)
{
	if (session.settings == NULL)
		return false;
	session.settings = NULL;
	session.entered = false;
	cmig_scope_unpin();
	return true;
}

bool
cmig_session_is_entered(void)
{
	return session.entered;
}
