/*
 * session.c
 *	  The session that a script finds, and what is restored after it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/base.h"
#include "base/compat.h"
#include "run/internal.h"

/* ----------------------------------------------------------------
 * Fires a script's deferred triggers, and restores constraint modes.
 *
 * A script must not leave deferred trigger events to the caller's transaction,
 * and it must not leave constraint modes that differ from the caller's.  While
 * the script runs, this module records the tables that the script changes and
 * the constraints whose mode it sets.  At the end of the script, the deferred
 * triggers are fired and the modes are restored.
 * ----------------------------------------------------------------
 */

/* Record a table that may have deferred trigger events. */
static void
note_table(CmigSession *session, Oid table)
{
	MemoryContext caller = MemoryContextSwitchTo(session->context);

	session->tables = list_append_unique_oid(session->tables, table);
	MemoryContextSwitchTo(caller);
}

/* Record those of a query's result relations that have deferrable triggers. */
static void
note_result_relations(CmigSession *session, List *relations)
{
	ListCell   *cell;

	foreach(cell, relations)
	{
		ResultRelInfo *info = lfirst(cell);
		const TriggerDesc *triggers = info->ri_TrigDesc;

		for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		{
			if (triggers->triggers[i].tgdeferrable)
			{
				note_table(session, RelationGetRelid(info->ri_RelationDesc));
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
deferred_note_copy(CmigSession *session, const CopyStmt *copy)
{
	Oid			relation = RangeVarGetRelid(copy->relation, NoLock, true);
	List	   *relations;
	ListCell   *cell;

	if (!OidIsValid(relation))
		return;
	relations = get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE ?
		find_all_inheritors(relation, NoLock, NULL) : list_make1_oid(relation);
	foreach(cell, relations)
	{
		note_table(session, lfirst_oid(cell));
	}
	list_free(relations);
}

/*
 * Add the deferrable constraints named in a SET CONSTRAINTS statement to
 * *result.  As in PostgreSQL, an unqualified name refers to the first schema
 * in search_path that has a constraint with this name.
 */
static void
collect_named(List *names, List **result)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	ListCell   *cell;

	foreach(cell, names)
	{
		RangeVar   *name = lfirst(cell);
		List	   *schemas;
		ListCell   *schema;
		bool		found = false;

		schemas = name->schemaname != NULL ?
			list_make1_oid(get_namespace_oid(name->schemaname, true)) :
			fetch_search_path(true);
		foreach(schema, schemas)
		{
			ScanKeyData keys[2];
			SysScanDesc scan;
			HeapTuple	tuple;

			ScanKeyInit(&keys[0], Anum_pg_constraint_conname,
						BTEqualStrategyNumber, F_NAMEEQ,
						CStringGetDatum(name->relname));
			ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace,
						BTEqualStrategyNumber, F_OIDEQ,
						ObjectIdGetDatum(lfirst_oid(schema)));
			scan = systable_beginscan(relation, ConstraintNameNspIndexId, true,
									  NULL, 2, keys);
			while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			{
				Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

				found = true;
				if (form->condeferrable)
					*result = list_append_unique_oid(*result, form->oid);
			}
			systable_endscan(scan);
			if (found)
				break;
		}
		list_free(schemas);
	}
	table_close(relation, AccessShareLock);
}

/* Returns all deferrable constraints in the database. */
static List *
list_deferrable(void)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *result = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);

		if (form->condeferrable)
			result = lappend_oid(result, form->oid);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/*
 * Perform SET CONSTRAINTS for constraints given by OID.  "deferred" is the
 * mode to set.  Constraints that no longer exist are skipped.  If only_default
 * is true, the mode is set only for constraints that are INITIALLY DEFERRED
 * (default_deferred is true) or INITIALLY IMMEDIATE (default_deferred is
 * false).
 */
static void
set_mode(List *constraints, bool deferred, bool only_default, bool default_deferred)
{
	ConstraintsSetStmt *set = makeNode(ConstraintsSetStmt);
	ListCell   *cell;

	set->deferred = deferred;
	foreach(cell, constraints)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_constraint form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		if (!only_default || form->condeferred == default_deferred)
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
	List	   *result = NIL;

	if (relation == NULL)
		return NIL;
	for (int i = 0; relation->trigdesc != NULL && i < relation->trigdesc->numtriggers; i++)
	{
		Trigger    *trigger = &relation->trigdesc->triggers[i];

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
refuse_namesakes(const CmigSession *session, List *constraints)
{
	Relation	relation = table_open(ConstraintRelationId, AccessShareLock);
	ListCell   *cell;

	foreach(cell, constraints)
	{
		HeapTuple	fired = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_constraint form;
		ScanKeyData keys[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		if (!HeapTupleIsValid(fired))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(fired);
		ScanKeyInit(&keys[0], Anum_pg_constraint_conname, BTEqualStrategyNumber, F_NAMEEQ,
					NameGetDatum(&form->conname));
		ScanKeyInit(&keys[1], Anum_pg_constraint_connamespace, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(form->connamespace));
		scan = systable_beginscan(relation, ConstraintNameNspIndexId, true, NULL, 2, keys);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Form_pg_constraint other = (Form_pg_constraint) GETSTRUCT(tuple);

			if (other->oid == form->oid || !other->condeferrable || !OidIsValid(other->conrelid) ||
				list_member_oid(session->tables, other->conrelid) ||
				!AfterTriggerPendingOnRel(other->conrelid) ||
				cmig_role_owner_of(other->conrelid) == cmig_role_owner_of(form->conrelid))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("constraint \"%s\" on table \"%s\" cannot be checked now",
							NameStr(form->conname), get_rel_name(form->conrelid)),
					 errdetail("This would also check the constraint with the same name on table \"%s\", whose deferred triggers would run with the privileges of role \"%s\".",
							   get_rel_name(other->conrelid), GetUserNameFromId(GetUserId(), false)),
					 errhint("Call the function at the beginning of a transaction.")));
		}
		systable_endscan(scan);
		ReleaseSysCache(fired);
	}
	table_close(relation, AccessShareLock);
}

/*
 * At the end of a script, fire the triggers that are still deferred, and
 * restore the constraint modes.  SET CONSTRAINTS ALL would also affect
 * constraints that are created later in the transaction, so the modes are set
 * by name.
 */
static void
deferred_fire(CmigSession *session)
{
	List	   *fired = NIL;
	List	   *round;

	/*
	 * repeat this until no events are pending, because a trigger may queue
	 * more deferred events when it fires
	 */
	do
	{
		ListCell   *cell;

		round = NIL;
		foreach(cell, session->tables)
		{
			if (AfterTriggerPendingOnRel(lfirst_oid(cell)))
				round = list_concat_unique_oid(round,
											   new_constraints(lfirst_oid(cell), fired));
		}
		if (round != NIL)
		{
			if (cmig_settings_in_definer_function())
				refuse_namesakes(session, round);
			set_mode(round, false, false, false);
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
	set_mode(fired, true, session->set_some, true);
	if (session->set_some)
	{
		List	   *set = session->set_all ? list_deferrable() : session->constraints;

		set_mode(set, true, true, true);
		set_mode(set, false, true, false);
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
deferred_set_constraints(CmigSession *session, const ConstraintsSetStmt *set)
{
	MemoryContext caller = MemoryContextSwitchTo(session->context);
	bool		done = false;

	session->set_some = true;
	if (set->constraints != NIL)
		collect_named(set->constraints, &session->constraints);
	else
	{
		session->set_all = true;
		if (!set->deferred)
		{
			set_mode(list_deferrable(), false, false, false);
			done = true;
		}
	}
	MemoryContextSwitchTo(caller);
	return done;
}

/* ----------------------------------------------------------------
 * Sets up the session state for a script, and restores the previous state
 * afterward.
 *
 * A script runs with the caller's settings and privileges, or with
 * cmig.search_path and cmig.role.  At the end of the script, settings, role,
 * and constraint modes are restored, and the cursors, temporary objects, and
 * prepared statements that the script has created are removed.
 *
 * Thousands of scripts may run in one call, so the cost must be minimal if a
 * script leaves nothing behind:
 *
 * - Cursors are found as children of the portal manager's memory context,
 *   where each child is named after its portal.  The caller's cursors are
 *   marked.
 * - Temporary objects are looked up only if the session has a temporary
 *   schema.
 * - Prepared statements and SET CONSTRAINTS are recorded by a ProcessUtility
 *   hook, and tables that may have deferred trigger events by an ExecutorEnd
 *   hook, even if they occur inside functions.  The hooks do nothing while no
 *   script is running.
 * ----------------------------------------------------------------
 */

/* The values of the settings cmig.search_path and cmig.role. */
static char *script_search_path = NULL;
static char *script_role = NULL;

/*
 * Marks a portal that existed before a script.  The mark is in the portal's
 * memory and is freed together with the portal.  Comparing names and addresses
 * would not be sufficient, because a script may close the portal and open
 * another one with the same name at the same address.
 */
typedef struct PortalMark
{
	dlist_node	node;
	MemoryContext context;
	MemoryContextCallback callback;
} PortalMark;

static dlist_head marked_portals = DLIST_STATIC_INIT(marked_portals);

/*
 * The session of the script that is running, or NULL if no script is running.
 */
static CmigSession *current = NULL;

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

/* Does the setting, cmig.role or cmig.search_path, have a value? */
static bool
is_set(const char *setting)
{
	return setting != NULL && setting[0] != '\0';
}

const char *
cmig_session_path_setting(void)
{
	const char *path = cmig_settings_text("cmig.search_path", script_search_path);
	List	   *names;

	if (is_set(path) && !SplitIdentifierString(pstrdup(path), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\": \"%s\"", "cmig.search_path", path),
				 errdetail("List syntax is invalid."),
				 errhint("For example: SET cmig.search_path = app, public")));
	return path;
}

char *
cmig_session_search_path(void)
{
	const char *path = cmig_session_path_setting();

	if (cmig_scope_is_set())
		return psprintf("%s, %s", quote_identifier(cmig_scope_current()),
						is_set(path) ? path : "public");
	return pstrdup(is_set(path) ? path : namespace_search_path);
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

	if (!is_set(role))
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

	if (!is_set(name) || strcmp(name, "none") == 0)
		return;
	role = get_role_oid(name, true);
	if (!OidIsValid(role) || cmig_can_set_role_compat(GetSessionUserId(), role))
		return;
	session = quote_identifier(GetUserNameFromId(GetSessionUserId(), false));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to set role \"%s\"", name),
			 errdetail("Scripts run as the role in cmig.role, and %s is not a member of that role.", session),
	/* never suggest making a role a member of a superuser */
			 superuser_arg(role) ? errhint("Specify a role that %s is a member of: SET cmig.role = '<role>'", session)
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
	ListCell   *cell;

	if (!cmig_settings_in_definer_function())
		return;
	(void) SplitIdentifierString(pstrdup(namespace_search_path), ',', &names);
	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), "pg_temp") == 0)
			return;
	}
	if (fetch_search_path(false) != NIL)
		cmig_settings_set("search_path", psprintf("%s, pg_temp", namespace_search_path),
						  PGC_USERSET, action);
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
	if (is_set(role))
	{
		cmig_session_require_member();
		cmig_settings_set("role", role, PGC_USERSET, action);
	}
	cmig_scope_require_safe(path);
	if (is_set(path) || cmig_scope_is_set())
		cmig_settings_set("search_path", cmig_session_search_path(), PGC_USERSET, action);
	put_pg_temp_last(action);
	cmig_settings_set("row_security", "off", PGC_USERSET, action);
	/* use the value with which the revision was parsed when it was loaded */
	if (!standard_conforming_strings)
		cmig_settings_set("standard_conforming_strings", "on", PGC_USERSET, action);
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
 * Memory context reset callback: remove a portal's mark from the list, because
 * the portal's memory is being freed.
 */
static void
forget_portal(void *mark)
{
	dlist_delete(&((PortalMark *) mark)->node);
}

/* Is this the memory context of a portal that has a mark? */
static bool
is_marked(MemoryContext context)
{
	dlist_iter	iter;

	dlist_foreach(iter, &marked_portals)
	{
		if (dlist_container(PortalMark, node, iter.cur)->context == context)
			return true;
	}
	return false;
}

/* Mark all existing portals, which belong to the caller. */
static void
mark_portals(void)
{
	List	   *portals = list_portals();
	ListCell   *cell;

	foreach(cell, portals)
	{
		MemoryContext context = lfirst(cell);
		PortalMark *mark;

		if (is_marked(context))
			continue;
		mark = MemoryContextAlloc(context, sizeof(PortalMark));
		mark->context = context;
		mark->callback.func = forget_portal;
		mark->callback.arg = mark;
		dlist_push_tail(&marked_portals, &mark->node);
		MemoryContextRegisterResetCallback(context, &mark->callback);
	}
	list_free(portals);
}

/*
 * Close the cursors that the script has left open, that is, all portals
 * without a mark.
 */
static void
close_cursors(void)
{
	List	   *after = list_portals();
	ListCell   *cell;

	foreach(cell, after)
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
	list_free(after);
}

/* qsort and bsearch comparator: by class and OID. */
static int
compare_objects(const void *a, const void *b)
{
	const ObjectAddress *x = a;
	const ObjectAddress *y = b;

	if (x->classId != y->classId)
		return x->classId < y->classId ? -1 : 1;
	if (x->objectId != y->objectId)
		return x->objectId < y->objectId ? -1 : 1;
	return 0;
}

/* A growing array of the objects in this session's temporary schema. */
typedef struct TempObjects
{
	ObjectAddress *objects;
	int			count;
	int			room;			/* number of objects that fit into the array */
} TempObjects;

/* Row callback: add the object in a pg_depend row to the array. */
static void
add_temp_object(HeapTuple row, void *arg)
{
	TempObjects *temp = arg;
	Form_pg_depend form = (Form_pg_depend) GETSTRUCT(row);

	if (temp->count == temp->room)
	{
		temp->room *= 2;
		temp->objects = repalloc(temp->objects, temp->room * sizeof(ObjectAddress));
	}
	ObjectAddressSet(temp->objects[temp->count], form->classid, form->objid);
	temp->count++;
}

/* Returns the objects in this session's temporary schema, sorted. */
static ObjectAddress *
list_temp_objects(int *count)
{
	TempObjects temp = {.room = 16};
	Oid			temp_namespace;
	Oid			toast_namespace;

	*count = 0;
	GetTempNamespaceState(&temp_namespace, &toast_namespace);
	if (!OidIsValid(temp_namespace))
		return NULL;

	temp.objects = palloc(temp.room * sizeof(ObjectAddress));
	cmig_catalog_rows_referring(NamespaceRelationId, temp_namespace, add_temp_object, &temp);
	qsort(temp.objects, temp.count, sizeof(ObjectAddress), compare_objects);
	*count = temp.count;
	return temp.objects;
}

/* Drop the temporary objects that the script created. */
static void
drop_temp_objects(CmigSession *session)
{
	int			count;
	ObjectAddress *objects = list_temp_objects(&count);
	ObjectAddresses *drop = new_object_addresses();
	bool		any = false;

	for (int i = 0; i < count; i++)
	{
		if (session->temp_count > 0 &&
			bsearch(&objects[i], session->temp_objects, session->temp_count,
					sizeof(ObjectAddress), compare_objects) != NULL)
			continue;
		add_exact_object_address(&objects[i], drop);
		any = true;
	}

	/*
	 * as at the end of a session, also drop the objects that depend on the
	 * temporary objects
	 */
	if (any)
	{
		performMultipleDeletions(drop, DROP_CASCADE,
								 PERFORM_DELETION_INTERNAL |
								 PERFORM_DELETION_QUIETLY |
								 PERFORM_DELETION_SKIP_EXTENSIONS);
		CommandCounterIncrement();
	}
	free_object_addresses(drop);
	if (objects != NULL)
		pfree(objects);
}

/* Deallocate the statements that the script prepared. */
static void
drop_prepared(CmigSession *session)
{
	ListCell   *cell;

	foreach(cell, session->prepared)
	{
		DropPreparedStatement(lfirst(cell), false);
	}
	session->prepared = NIL;
}

/*
 * ExecutorEnd hook: record the tables that a script's query has changed, before
 * the executor is shut down.
 */
static void
note_executor_end(QueryDesc *query)
{
	if (current != NULL && query->estate != NULL)
	{
		note_result_relations(current, query->estate->es_opened_result_relations);
		note_result_relations(current, query->estate->es_tuple_routing_result_relations);
		note_result_relations(current, query->estate->es_trig_target_relations);
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

	if (current != NULL && IsA(node, ConstraintsSetStmt) &&
		deferred_set_constraints(current, (ConstraintsSetStmt *) node))
		return;

	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);

	if (current == NULL)
		return;
	if (IsA(node, AlterExtensionStmt) || IsA(node, AlterExtensionContentsStmt) || IsA(node, DropOwnedStmt) ||
		(IsA(node, DropStmt) && (((DropStmt *) node)->removeType == OBJECT_EXTENSION ||
								 ((DropStmt *) node)->behavior == DROP_CASCADE)))
		cmig_extension_suspected = true;
	if (IsA(node, PrepareStmt))
	{
		MemoryContext caller = MemoryContextSwitchTo(current->context);

		current->prepared = lappend(current->prepared,
									pstrdup(((PrepareStmt *) node)->name));
		MemoryContextSwitchTo(caller);
	}
	else if (IsA(node, CopyStmt) && ((CopyStmt *) node)->is_from)
		deferred_note_copy(current, (CopyStmt *) node);
}

void
cmig_session_init(void)
{
	cmig_scope_init();
	DefineCustomStringVariable("cmig.search_path",
							   "Sets the search_path of scripts.",
							   "If empty, scripts use the caller's search_path.",
							   &script_search_path, "", PGC_USERSET,
							   GUC_LIST_INPUT, check_path_list, NULL, NULL);
	DefineCustomStringVariable("cmig.role",
							   "Sets the role that scripts run as.",
							   "If empty, scripts run as the caller's role. The session user must be a member of it, as for SET ROLE.",
							   &script_role, "", PGC_USERSET,
							   0, NULL, NULL, NULL);

	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = note_utility;
	next_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = note_executor_end;
}

/* Record the state of the session before a script. */
static void
look_around(CmigSession *session)
{
	MemoryContext caller;

	memset(session, 0, sizeof(*session));
	session->context = AllocSetContextCreate(CurrentMemoryContext,
											 "pg_cmig session",
											 ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(session->context);
	mark_portals();
	session->temp_objects = list_temp_objects(&session->temp_count);
	MemoryContextSwitchTo(caller);
}

void
cmig_session_enter(CmigSession *session)
{
	look_around(session);
	session->guc_level = NewGUCNestLevel();
	set_all_for_script(GUC_ACTION_SAVE);
	/* in parallel, Citus could not change tables with foreign keys */
	cmig_citus_override("citus.multi_shard_modify_mode", "sequential");
	current = session;
	cmig_scope_pin();
}

void
cmig_session_use_path(const char *path)
{
	cmig_settings_set("search_path", path, PGC_USERSET, GUC_ACTION_SAVE);
	put_pg_temp_last(GUC_ACTION_SAVE);
}

void
cmig_session_leave(CmigSession *session)
{
	MemoryContext caller = MemoryContextSwitchTo(session->context);

	deferred_fire(session);
	close_cursors();
	drop_temp_objects(session);
	drop_prepared(session);
	current = NULL;
	cmig_scope_unpin();
	AtEOXact_GUC(false, session->guc_level);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(session->context);
}

void
cmig_session_abandon(CmigSession *session)
{
	if (current != session)
		return;
	current = NULL;
	cmig_scope_unpin();
	drop_prepared(session);
}

bool
cmig_session_is_entered(void)
{
	return current != NULL;
}

void
cmig_session_enter_steps(CmigSession *session)
{
	look_around(session);
	set_all_for_script(GUC_ACTION_SET);
	current = session;
	cmig_scope_pin();
}

void
cmig_session_leave_steps(CmigSession *session)
{
	if (current != session)
		return;
	current = NULL;
	cmig_scope_unpin();
	close_cursors();
	drop_temp_objects(session);
	drop_prepared(session);
}

/* ----------------------------------------------------------------
 * Saves the settings of a session and restores them several transactions
 * later.
 *
 * PostgreSQL's GUC nest levels cannot be used for this, because they end with
 * a transaction.
 *
 * A setting that was set in the session is set to its old value.  A setting
 * whose value came from elsewhere is reset, which also restores the source of
 * its value.  PostgreSQL rereads configuration files only between commands
 * from the client, so only the script can have changed a setting in the
 * meantime.
 * ----------------------------------------------------------------
 */

/* The saved state of a setting. */
typedef struct SavedSetting
{
	char	   *name;
	char	   *value;
	GucSource	source;
} SavedSetting;

/* The settings of a session when they were saved. */
struct CmigSavedSettings
{
	int			count;
	SavedSetting *settings;		/* sorted by name */
};

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
static int
compare_settings(const void *a, const void *b)
{
	return strcmp(((const SavedSetting *) a)->name, ((const SavedSetting *) b)->name);
}

CmigSavedSettings *
cmig_saved_settings_take(void)
{
	int			count;
	struct config_generic **all = cmig_guc_variables_compat(&count);
	CmigSavedSettings *saved = palloc0(sizeof(CmigSavedSettings));

	saved->settings = palloc(sizeof(SavedSetting) * count);
	for (int i = 0; i < count; i++)
	{
		SavedSetting *setting = &saved->settings[saved->count];

		if (!is_saved(all[i]))
			continue;
		setting->name = pstrdup(all[i]->name);
		setting->value = GetConfigOptionByName(all[i]->name, NULL, false);
		setting->source = all[i]->source;
		saved->count++;
	}
	qsort(saved->settings, saved->count, sizeof(SavedSetting), compare_settings);
	return saved;
}

/*
 * Restore a setting.  "setting" is its saved state, or NULL if the setting did
 * not exist when the settings were saved.
 */
static void
put_back(const char *name, const SavedSetting *setting)
{
	const char *value = NULL;

	if (setting != NULL && setting->source >= PGC_S_INTERACTIVE)
		value = setting->value;
	cmig_settings_set(name, value, PGC_SUSET, GUC_ACTION_SET);
}

/*
 * Does the setting differ from its saved state?  "setting" is NULL if the
 * setting did not exist when the settings were saved.
 */
static bool
has_changed(const struct config_generic *now, const SavedSetting *setting)
{
	char	   *value;
	bool		changed;

	if (setting == NULL)
		return now->source >= PGC_S_INTERACTIVE;
	if (now->source != setting->source)
		return true;
	if (now->source < PGC_S_INTERACTIVE)
		return false;
	value = GetConfigOptionByName(now->name, NULL, false);
	changed = strcmp(value, setting->value) != 0;
	pfree(value);
	return changed;
}

/*
 * The settings that are restored first, because restoring other settings may
 * require the privileges of the original role.
 */
static const char *const first[] = {"session_authorization", "role"};

void
cmig_saved_settings_put_back(const CmigSavedSettings *saved)
{
	int			count;
	struct config_generic **all;
	char	  **changed;
	int			nchanged = 0;

	for (int i = 0; i < lengthof(first); i++)
	{
		SavedSetting key = {.name = (char *) first[i]};
		SavedSetting *setting = bsearch(&key, saved->settings, saved->count,
										sizeof(SavedSetting), compare_settings);

		if (setting != NULL &&
			strcmp(GetConfigOptionByName(first[i], NULL, false), setting->value) != 0)
			put_back(first[i], setting);
	}

	/*
	 * collect the names first, because changing a setting may add entries to
	 * PostgreSQL's table of settings
	 */
	all = cmig_guc_variables_compat(&count);
	changed = palloc(sizeof(char *) * count);
	for (int i = 0; i < count; i++)
	{
		SavedSetting key = {.name = (char *) all[i]->name};
		SavedSetting *setting;

		if (!is_saved(all[i]))
			continue;
		setting = bsearch(&key, saved->settings, saved->count,
						  sizeof(SavedSetting), compare_settings);
		if (has_changed(all[i], setting))
			changed[nchanged++] = pstrdup(all[i]->name);
	}
	for (int i = 0; i < nchanged; i++)
	{
		SavedSetting key = {.name = changed[i]};

		put_back(changed[i], bsearch(&key, saved->settings, saved->count,
									 sizeof(SavedSetting), compare_settings));
	}
}
