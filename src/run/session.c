/*
 * session.c
 *	  Sets up the session state for a script, and restores the previous state
 *	  afterward.
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
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/catalog_rows.h"
#include "base/compat.h"
#include "base/settings.h"
#include "run/scope.h"
#include "run/session.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "commands/prepare.h"
#include "executor/executor.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/varlena.h"

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

/*
 * Settings and role
 */

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

/* Change a setting with the caller's privileges, as SET would. */
static void
set_for_script(const char *name, const char *value, GucAction action)
{
	cmig_settings_set(name, value, PGC_USERSET, action);
}

/* Does a search_path contain pg_temp? */
static bool
names_pg_temp(const char *path)
{
	List	   *names;
	ListCell   *lc;
	bool		found = false;
	char	   *copy = pstrdup(path);

	(void) SplitIdentifierString(copy, ',', &names);
	foreach(lc, names)
		found = found || strcmp(lfirst(lc), "pg_temp") == 0;
	list_free(names);
	pfree(copy);
	return found;
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
	List	   *schemas;
	char	   *path;

	if (!cmig_settings_in_definer_function() || names_pg_temp(namespace_search_path))
		return;
	schemas = fetch_search_path(false);
	if (schemas == NIL)
		return;
	list_free(schemas);
	path = psprintf("%s, pg_temp", namespace_search_path);
	set_for_script("search_path", path, action);
	pfree(path);
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
		set_for_script("role", role, action);
	}
	cmig_scope_require_safe(path);
	if (is_set(path) || cmig_scope_is_set())
		set_for_script("search_path", cmig_session_search_path(), action);
	put_pg_temp_last(action);
	set_for_script("row_security", "off", action);
	/* use the value with which the revision was parsed when it was loaded */
	if (!standard_conforming_strings)
		set_for_script("standard_conforming_strings", "on", action);
}

/*
 * Cursors
 */

/*
 * Returns the parent of all portals' memory contexts.
 */
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

/* Returns the memory contexts of all portals. */
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

/*
 * Temporary objects
 */

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

/*
 * Prepared statements
 */

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
 * Hooks
 */

/* ExecutorEnd hook: record the tables that a script's query has changed. */
static void
note_executor_end(QueryDesc *query)
{
	if (current != NULL)
		cmig_deferred_note_query(&current->deferred, query);

	if (next_ExecutorEnd)
		next_ExecutorEnd(query);
	else
		standard_ExecutorEnd(query);
}

/*
 * ProcessUtility hook: record the statements that a script prepares, the
 * constraint modes that it sets, and the tables that it copies into.
 */
static void
note_utility(PlannedStmt *statement, const char *query, bool read_only_tree,
			 ProcessUtilityContext context, ParamListInfo params,
			 QueryEnvironment *environment, DestReceiver *dest,
			 QueryCompletion *completion)
{
	Node	   *node = statement->utilityStmt;

	if (current != NULL && IsA(node, ConstraintsSetStmt) &&
		cmig_deferred_set_constraints(&current->deferred, (ConstraintsSetStmt *) node))
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
		cmig_deferred_note_copy(&current->deferred, (CopyStmt *) node);
}

/*
 * Entry points
 */

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
	session->deferred.context = session->context;
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
	cmig_scope_pin();
}

void
cmig_session_use_path(const char *path)
{
	set_for_script("search_path", path, GUC_ACTION_SAVE);
	put_pg_temp_last(GUC_ACTION_SAVE);
}

void
cmig_session_leave(CmigSession *session)
{
	MemoryContext caller = MemoryContextSwitchTo(session->context);

	cmig_deferred_fire(&session->deferred);
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
