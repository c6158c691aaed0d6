/*
 * session.c
 *	  What a script finds in the session, and what is put back after it.
 *
 * Thousands of scripts may run in one call, so nothing here may cost more
 * than a look at memory when a script made nothing that has to be put back:
 *
 * - Cursors are found as children of the portal manager's memory context,
 *	 each of which bears its portal's name; those of the caller are marked.
 * - Temporary objects are looked for only when the session has a temporary
 *	 schema.
 * - Prepared statements and SET CONSTRAINTS are seen by a ProcessUtility
 *	 hook, and the tables whose events may have been deferred by an
 *	 ExecutorEnd hook, however deep in functions they happen.  The hooks do
 *	 nothing while no script runs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "run/session.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "commands/prepare.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

static char *script_search_path = NULL;
static char *script_role = NULL;

/*
 * A portal that was there before a script.  It is told by a mark in its own
 * memory, which goes with it: a script may close it and open another one, of
 * the same name and at the same address.
 */
typedef struct PortalMark
{
	dlist_node	node;
	MemoryContext context;
	MemoryContextCallback callback;
} PortalMark;

static dlist_head marked_portals = DLIST_STATIC_INIT(marked_portals);

/* The session of the script that runs now, or NULL. */
static CmigSession *current = NULL;

static ProcessUtility_hook_type next_ProcessUtility = NULL;
static ExecutorEnd_hook_type next_ExecutorEnd = NULL;

/*
 * Settings and role
 */

static bool
check_path_list(char **newval, void **extra, GucSource source)
{
	List	   *names;

	if (*newval != NULL &&
		!SplitIdentifierString(pstrdup(*newval), ',', &names))
	{
		GUC_check_errdetail("List syntax is invalid.");
		return false;
	}
	return true;
}

static bool
is_set(const char *setting)
{
	return setting != NULL && setting[0] != '\0';
}

char *
cmig_session_search_path(void)
{
	const char *path = cmig_settings_text("cmig.search_path", script_search_path);

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
			 errdetail("Scripts run as cmig.role, of which %s is not a member.", session),
	/* nobody is made a superuser by a hint */
			 superuser_arg(role) ? errhint("Name a role of which %s is a member: SET cmig.role = '<role>'", session)
			 : errhint("GRANT %s TO %s", quote_identifier(name), session)));
}

static void
set_for_script(const char *name, const char *value, GucAction action)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
							 action, true, 0, false);
}

/* What scripts start with. */
static void
set_all_for_script(GucAction action)
{
	const char *role = cmig_settings_text("cmig.role", script_role);
	const char *path = cmig_settings_text("cmig.search_path", script_search_path);

	/* the role first: to set the others it may need no rights at all */
	if (is_set(role))
	{
		cmig_session_require_member();
		set_for_script("role", role, action);
	}
	if (is_set(path))
		set_for_script("search_path", path, action);
	set_for_script("row_security", "off", action);
	/* as the revision was read when it was loaded */
	if (!standard_conforming_strings)
		set_for_script("standard_conforming_strings", "on", action);
}

/*
 * Cursors
 */

/* The memory context under which the portal manager keeps each portal's. */
static MemoryContext
portals_context(void)
{
	static MemoryContext found = NULL;

	if (found == NULL)
	{
		for (MemoryContext child = TopMemoryContext->firstchild;
			 child != NULL; child = child->nextchild)
		{
			if (strcmp(child->name, "TopPortalContext") == 0)
				found = child;
		}
		if (found == NULL)
			elog(ERROR, "the portals' memory context was not found");
	}
	return found;
}

static List *
list_portals(void)
{
	List	   *result = NIL;

	for (MemoryContext child = portals_context()->firstchild;
		 child != NULL; child = child->nextchild)
	{
		if (strcmp(child->name, "PortalContext") == 0)
			result = lappend(result, child);
	}
	return result;
}

static void
forget_portal(void *mark)
{
	dlist_delete(&((PortalMark *) mark)->node);
}

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

/* Mark the portals that there are. */
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

/*
 * Temporary objects
 */

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

/* What is in this session's temporary schema, sorted. */
static ObjectAddress *
list_temp_objects(int *count)
{
	Oid			temp_namespace;
	Oid			toast_namespace;
	Relation	depend;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	ObjectAddress *objects;
	int			room = 16;

	*count = 0;
	GetTempNamespaceState(&temp_namespace, &toast_namespace);
	if (!OidIsValid(temp_namespace))
		return NULL;

	objects = palloc(room * sizeof(ObjectAddress));
	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(temp_namespace));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (*count == room)
		{
			room *= 2;
			objects = repalloc(objects, room * sizeof(ObjectAddress));
		}
		ObjectAddressSet(objects[*count], form->classid, form->objid);
		(*count)++;
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);

	qsort(objects, *count, sizeof(ObjectAddress), compare_objects);
	return objects;
}

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

	/* as at the end of a session: whatever depends on them goes too */
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

/*
 * Prepared statements
 */

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
 * Deferred constraints
 */

static void
note_table(Oid relation)
{
	MemoryContext caller = MemoryContextSwitchTo(current->context);

	current->deferred = list_append_unique_oid(current->deferred, relation);
	MemoryContextSwitchTo(caller);
}

static bool
has_deferrable_trigger(const TriggerDesc *triggers)
{
	if (triggers == NULL)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgdeferrable)
			return true;
	}
	return false;
}

static void
note_result_relations(List *relations)
{
	ListCell   *cell;

	foreach(cell, relations)
	{
		ResultRelInfo *info = lfirst(cell);

		if (has_deferrable_trigger(info->ri_TrigDesc))
			note_table(RelationGetRelid(info->ri_RelationDesc));
	}
}

static void
note_executor_end(QueryDesc *query)
{
	if (current != NULL && query->estate != NULL)
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

/* COPY has an executor state of its own, which the hook above does not see. */
static void
note_copy(CopyStmt *copy)
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
		note_table(lfirst_oid(cell));
	}
	list_free(relations);
}

/* Of the constraints that SET CONSTRAINTS names, those that are deferrable. */
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
 * SET CONSTRAINTS for constraints given by oid: those that exist and whose
 * default is as wanted (or all).
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

/* The deferrable constraints of a table that are not in known. */
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
 * Fire what the script left deferred and put the modes back.
 *
 * Only constraints of tables that have events are touched, by name: SET
 * CONSTRAINTS ALL would also hold for constraints made later in the
 * transaction.  A trigger that fires can defer events in its turn.
 */
static void
fire_deferred(CmigSession *session)
{
	List	   *fired = NIL;
	List	   *round;

	do
	{
		ListCell   *cell;

		round = NIL;
		foreach(cell, session->deferred)
		{
			if (AfterTriggerPendingOnRel(lfirst_oid(cell)))
				round = list_concat_unique_oid(round,
											   new_constraints(lfirst_oid(cell), fired));
		}
		if (round != NIL)
		{
			set_mode(round, false, false, false);
			CommandCounterIncrement();
			fired = list_concat(fired, round);
		}
	} while (round != NIL);

	/*
	 * What was set by the script goes back to its default.  So does what had
	 * to fire, except that a constraint initially immediate which the script
	 * did not defer was deferred by the caller.
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
 * SET CONSTRAINTS in a script.  ALL IMMEDIATE is carried out by name for what
 * exists, since nothing could take it back for what later revisions create.
 */
static bool
note_constraints_set(ConstraintsSetStmt *set)
{
	MemoryContext caller = MemoryContextSwitchTo(current->context);
	bool		done = false;

	current->set_some = true;
	if (set->constraints != NIL)
		collect_named(set->constraints, &current->constraints);
	else
	{
		current->set_all = true;
		if (!set->deferred)
		{
			set_mode(list_deferrable(), false, false, false);
			done = true;
		}
	}
	MemoryContextSwitchTo(caller);
	return done;
}

static void
note_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest,
			 QueryCompletion *completion)
{
	Node	   *node = statement->utilityStmt;

	if (current != NULL && IsA(node, ConstraintsSetStmt) &&
		note_constraints_set((ConstraintsSetStmt *) node))
		return;

	if (next_ProcessUtility)
		next_ProcessUtility(statement, query, read_only_tree, context, params,
							environment, dest, completion);
	else
		standard_ProcessUtility(statement, query, read_only_tree, context, params,
								environment, dest, completion);

	if (current == NULL)
		return;
	if (IsA(node, PrepareStmt))
	{
		MemoryContext caller = MemoryContextSwitchTo(current->context);

		current->prepared = lappend(current->prepared,
									pstrdup(((PrepareStmt *) node)->name));
		MemoryContextSwitchTo(caller);
	}
	else if (IsA(node, CopyStmt) && ((CopyStmt *) node)->is_from)
		note_copy((CopyStmt *) node);
}

/*
 * Entry points
 */

void
cmig_session_init(void)
{
	DefineCustomStringVariable("cmig.search_path",
							   "search_path that scripts run with.",
							   "Empty: the caller's.",
							   &script_search_path, "", PGC_USERSET,
							   GUC_LIST_INPUT, check_path_list, NULL, NULL);
	DefineCustomStringVariable("cmig.role",
							   "Role that scripts run as.",
							   "Empty: the caller's. The session user must be a member of it, as for SET ROLE.",
							   &script_role, "", PGC_USERSET,
							   0, NULL, NULL, NULL);

	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = note_utility;
	next_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = note_executor_end;
}

/* Look at what is there. */
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
	current = session;
}

void
cmig_session_leave(CmigSession *session)
{
	MemoryContext caller = MemoryContextSwitchTo(session->context);

	fire_deferred(session);
	close_cursors();
	drop_temp_objects(session);
	drop_prepared(session);
	current = NULL;
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
	drop_prepared(session);
}

void
cmig_session_enter_steps(CmigSession *session)
{
	look_around(session);
	set_all_for_script(GUC_ACTION_SET);
	current = session;
}

void
cmig_session_leave_steps(CmigSession *session)
{
	if (current != session)
		return;
	current = NULL;
	close_cursors();
	drop_temp_objects(session);
	drop_prepared(session);
}
