/*
 * target_utility.c
 *	  Processes a target's utility statements before the server runs them.
 *
 * This is a hook, so that it also processes statements in DO blocks, in which
 * roles and extensions are often created.  It gets the parse tree before
 * analysis; if it has to remove something from the tree, it works on a copy.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/subtransaction.h"
#include "run/runner.h"
#include "run/session.h"
#include "schema/managed.h"
#include "schema/shadow_catalogs.h"
#include "schema/target_constraint.h"
#include "schema/target_extension.h"
#include "schema/target_object.h"
#include "schema/target_role.h"
#include "schema/target_utility.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/portal.h"

/* One call of the hook. */
typedef struct Call
{
	PlannedStmt *statement;
	const char *query;
	bool		read_only;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *environment;
	DestReceiver *dest;
	QueryCompletion *completion;
} Call;

static CmigTargetState *watched = NULL;
static ProcessUtility_hook_type next_ProcessUtility = NULL;

void
cmig_target_utility_watch(CmigTargetState *state)
{
	watched = state;
	cmig_shadow_catalogs_watch(state ? state->shadow : NULL);
}

static void
run(const Call *call)
{
	bool		former = cmig_shadow_catalogs_filter(watched != NULL && !creating_extension);

	if (next_ProcessUtility)
		next_ProcessUtility(call->statement, call->query, call->read_only, call->context,
							call->params, call->environment, call->dest, call->completion);
	else
		standard_ProcessUtility(call->statement, call->query, call->read_only, call->context,
								call->params, call->environment, call->dest, call->completion);
	(void) cmig_shadow_catalogs_filter(former);
}

/* Replace the statement's parse tree. */
static void
replace(Call *call, Node *node)
{
	PlannedStmt *copy = makeNode(PlannedStmt);

	*copy = *call->statement;
	copy->utilityStmt = node;
	call->statement = copy;
}

/*
 * Do not warn about wal_level for a publication: it has no effect on a schema.
 */
static void
run_without_warning(const Call *call)
{
	int			guc_level;

	if (!IsA(call->statement->utilityStmt, CreatePublicationStmt))
	{
		run(call);
		return;
	}
	guc_level = cmig_session_read_quietly();
	run(call);
	AtEOXact_GUC(false, guc_level);
}

/*
 * What is left out
 */

/*
 * Ignore settings that belong to the caller's session rather than to the
 * schema: the caller's timeouts remain in effect, and messages keep the
 * client's encoding.
 */
static bool
is_callers_setting(const VariableSetStmt *set)
{
	static const char *const names[] = {
		"client_encoding", "idle_in_transaction_session_timeout", "lock_timeout",
		"statement_timeout", "transaction_timeout"
	};

	if (set->kind == VAR_SET_MULTI)
		return true;
	for (int i = 0; set->name != NULL && i < lengthof(names); i++)
		if (pg_strcasecmp(names[i], set->name) == 0)
			return true;
	return false;
}

static bool
is_shared_object(ObjectType type)
{
	switch (type)
	{
		case OBJECT_DATABASE:
		case OBJECT_ROLE:
		case OBJECT_TABLESPACE:
		case OBJECT_PARAMETER_ACL:
		case OBJECT_LARGEOBJECT:
			return true;
		default:
			return false;
	}
}

/*
 * Is the statement about the server or the session, not about a schema?
 * *silently: it is not worth mentioning.
 */
static bool
has_no_schema(Node *node, bool *silently)
{
	*silently = false;
	switch (nodeTag(node))
	{
		case T_VariableSetStmt:
			*silently = true;
			return is_callers_setting((VariableSetStmt *) node);
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_AlterDatabaseStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterDatabaseRefreshCollStmt:
		case T_AlterSystemStmt:
		case T_CreateTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_DropTableSpaceStmt:
			return true;
		case T_VacuumStmt:
		case T_ReindexStmt:
		case T_CheckPointStmt:
		case T_DiscardStmt:
		case T_DeallocateStmt:
			*silently = true;
			return true;
		case T_CopyStmt:
			return !((CopyStmt *) node)->is_from;
		case T_CommentStmt:
			return is_shared_object(((CommentStmt *) node)->objtype);
		case T_SecLabelStmt:
			return is_shared_object(((SecLabelStmt *) node)->objtype);
		case T_AlterOwnerStmt:
			return is_shared_object(((AlterOwnerStmt *) node)->objectType);
		case T_RenameStmt:
			return is_shared_object(((RenameStmt *) node)->renameType);
		case T_GrantStmt:
			return is_shared_object(((GrantStmt *) node)->objtype);
		default:
			return false;
	}
}

static bool
is_left_out(CmigTargetState *state, Node *node)
{
	bool		silently;

	if (!has_no_schema(node, &silently))
		return false;
	if (!silently)
		cmig_target_leave_out(state, GetCommandTagName(CreateCommandTag(node)));
	return true;
}

static const char *
created_schema(const CreateSchemaStmt *create)
{
	return create->schemaname != NULL ? create->schemaname : get_rolespec_name(create->authrole);
}

static void
note_elsewhere(CmigTargetState *state, const char *schema)
{
	MemoryContext caller;
	ListCell   *cell;

	foreach(cell, state->elsewhere)
		if (strcmp(lfirst(cell), schema) == 0)
		return;
	caller = MemoryContextSwitchTo(state->context);
	state->elsewhere = lappend(state->elsewhere, pstrdup(schema));
	MemoryContextSwitchTo(caller);
}

/*
 * Does it create something, or only change what pg_cmig has in its schemas, as
 * pg_dump writes it?
 */
static bool
creates_object(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_CreateSeqStmt:
		case T_CreateFunctionStmt:
		case T_CreateEnumStmt:
		case T_CreateDomainStmt:
		case T_CompositeTypeStmt:
		case T_ViewStmt:
			return true;
		default:
			return false;
	}
}

bool
cmig_target_utility_is_elsewhere(CmigTargetState *state, Node *statement)
{
	const char *schema = IsA(statement, CreateSchemaStmt) ?
	created_schema((CreateSchemaStmt *) statement) : cmig_target_object_schema(statement);
	Oid			oid = schema == NULL ? InvalidOid : get_namespace_oid(schema, true);

	if (!OidIsValid(oid) || !cmig_shadow_is_live_schema(state->shadow, oid))
		return false;
	if (!cmig_managed_is_own_name(schema))
		note_elsewhere(state, schema);
	if (!cmig_managed_is_own_name(schema) || creates_object(statement))
		cmig_target_leave_out(state, psprintf("%s in schema \"%s\"",
											  GetCommandTagName(CreateCommandTag(statement)),
											  schema));
	return true;
}

/*
 * What is refused
 */

/* What the statements are a part of, for errors. */
static const char *
place(void)
{
	return cmig_runner_is_replaying() ? "replay" : "target";
}

static void
refuse(Node *node)
{
	if (!IsA(node, DropOwnedStmt) && !IsA(node, ReassignOwnedStmt))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a %s", GetCommandTagName(CreateCommandTag(node)), place()),
			 errdetail("It would change live objects.")));
}

/* Closing a cursor of the caller could not be undone. */
static void
refuse_callers_cursor(CmigTargetState *state, Node *node)
{
	const char *name;
	Portal		portal;

	if (IsA(node, ClosePortalStmt))
		name = ((ClosePortalStmt *) node)->portalname;
	else if (IsA(node, FetchStmt))
		name = ((FetchStmt *) node)->portalname;
	else
		return;
	portal = name == NULL ? NULL : GetPortalByName(name);
	if (name != NULL && (!PortalIsValid(portal) || portal->createSubid >= state->subtransaction))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not allowed in a %s", GetCommandTagName(CreateCommandTag(node)), place()),
			 errdetail("Cursors that the SQL has not declared belong to its caller.")));
}

/*
 * What may be missing
 */

/*
 * The object that a statement creates, if it has no schema or if only
 * superusers can create it.
 */
static char *
made_name(Node *node, ObjectType *type)
{
	switch (nodeTag(node))
	{
		case T_CreateExtensionStmt:
			*type = OBJECT_EXTENSION;
			return ((CreateExtensionStmt *) node)->extname;
		case T_CreateEventTrigStmt:
			*type = OBJECT_EVENT_TRIGGER;
			return ((CreateEventTrigStmt *) node)->trigname;
		case T_CreateFdwStmt:
			*type = OBJECT_FDW;
			return ((CreateFdwStmt *) node)->fdwname;
		case T_CreateForeignServerStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateForeignServerStmt *) node)->servername;
		case T_CreateAmStmt:
			*type = OBJECT_ACCESS_METHOD;
			return ((CreateAmStmt *) node)->amname;
		case T_CreatePLangStmt:
			*type = OBJECT_LANGUAGE;
			return ((CreatePLangStmt *) node)->plname;
		case T_CreatePublicationStmt:
			*type = OBJECT_PUBLICATION;
			return ((CreatePublicationStmt *) node)->pubname;
		case T_CreateSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((CreateSubscriptionStmt *) node)->subname;
		case T_CreateCastStmt:
			*type = OBJECT_CAST;
			return cmig_target_object_name(OBJECT_CAST,
										   (Node *) list_make2(((CreateCastStmt *) node)->sourcetype,
															   ((CreateCastStmt *) node)->targettype));
		case T_CreateTransformStmt:
			*type = OBJECT_TRANSFORM;
			return psprintf("for %s language %s",
							TypeNameToString(((CreateTransformStmt *) node)->type_name),
							((CreateTransformStmt *) node)->lang);
		case T_CreateOpClassStmt:
			*type = OBJECT_OPCLASS;
			return NameListToQuotedString(((CreateOpClassStmt *) node)->opclassname);
		case T_CreateOpFamilyStmt:
			*type = OBJECT_OPFAMILY;
			return NameListToQuotedString(((CreateOpFamilyStmt *) node)->opfamilyname);
		case T_DefineStmt:
			*type = ((DefineStmt *) node)->kind;
			return NameListToQuotedString(((DefineStmt *) node)->defnames);
		case T_CreateFunctionStmt:
			*type = ((CreateFunctionStmt *) node)->is_procedure ? OBJECT_PROCEDURE : OBJECT_FUNCTION;
			return NameListToQuotedString(((CreateFunctionStmt *) node)->funcname);
		default:
			return NULL;
	}
}

/* The object that a statement alters. */
static char *
changed_name(Node *node, ObjectType *type)
{
	switch (nodeTag(node))
	{
		case T_CommentStmt:
			*type = ((CommentStmt *) node)->objtype;
			return cmig_target_object_name(*type, ((CommentStmt *) node)->object);
		case T_SecLabelStmt:
			*type = ((SecLabelStmt *) node)->objtype;
			return cmig_target_object_name(*type, ((SecLabelStmt *) node)->object);
		case T_AlterOwnerStmt:
			*type = ((AlterOwnerStmt *) node)->objectType;
			return cmig_target_object_name(*type, ((AlterOwnerStmt *) node)->object);
		case T_GrantStmt:
			*type = ((GrantStmt *) node)->objtype;
			return ((GrantStmt *) node)->objects == NIL ? NULL :
				cmig_target_object_name(*type, linitial(((GrantStmt *) node)->objects));
		case T_DropStmt:
			*type = ((DropStmt *) node)->removeType;
			return cmig_target_object_name(*type, linitial(((DropStmt *) node)->objects));
		case T_AlterEventTrigStmt:
			*type = OBJECT_EVENT_TRIGGER;
			return ((AlterEventTrigStmt *) node)->trigname;
		case T_AlterPublicationStmt:
			*type = OBJECT_PUBLICATION;
			return ((AlterPublicationStmt *) node)->pubname;
		case T_AlterSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((AlterSubscriptionStmt *) node)->subname;
		case T_DropSubscriptionStmt:
			*type = OBJECT_SUBSCRIPTION;
			return ((DropSubscriptionStmt *) node)->subname;
		case T_AlterFdwStmt:
			*type = OBJECT_FDW;
			return ((AlterFdwStmt *) node)->fdwname;
		case T_AlterForeignServerStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((AlterForeignServerStmt *) node)->servername;
		case T_CreateUserMappingStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateUserMappingStmt *) node)->servername;
		case T_CreateForeignTableStmt:
			*type = OBJECT_FOREIGN_SERVER;
			return ((CreateForeignTableStmt *) node)->servername;
		case T_AlterExtensionStmt:
			*type = OBJECT_EXTENSION;
			return ((AlterExtensionStmt *) node)->extname;
		default:
			return NULL;
	}
}

/*
 * Does the statement alter an object that does not exist, or that the current
 * user does not own?
 */
static bool
is_about_missing(CmigTargetState *state, Node *node)
{
	ObjectType	type;
	char	   *name = state->missing == NIL ? NULL : changed_name(node, &type);
	const CmigTargetMissing *missing = name == NULL ? NULL :
	cmig_target_find_missing(state, type, name);

	if (missing == NULL)
		return false;
	if (!IsA(node, CreateForeignTableStmt))
		return true;
	if (missing->is_shown)
		return false;
	cmig_target_note_missing(state, OBJECT_FOREIGN_TABLE,
							 cmig_target_object_name(OBJECT_FOREIGN_TABLE,
													 (Node *) ((CreateForeignTableStmt *) node)->base.relation),
							 psprintf("server \"%s\" does not exist", name));
	return true;
}

/*
 * The hidden object of this name, if the current user is not its owner, or
 * NULL.
 */
static const CmigHidden *
find_others(const CmigTargetState *state, Oid catalog, const char *name)
{
	const CmigHidden *hidden = cmig_shadow_global_find(state->shadow->hidden, catalog, name);

	return hidden == NULL || has_privs_of_role(GetUserId(), hidden->owner) ? NULL : hidden;
}

/* Raise the server's error for a name that is in use. */
static void
refuse_others_name(const CmigTargetState *state, Node *node)
{
	const RenameStmt *rename = (const RenameStmt *) node;

	if (IsA(node, RenameStmt) && rename->renameType == OBJECT_FOREIGN_SERVER &&
		find_others(state, ForeignServerRelationId, rename->newname) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("server \"%s\" already exists", rename->newname)));
}

/*
 * A target must not create an object whose name an object of another role has:
 * a function that runs with the privileges of that role would use the new
 * object. The existing object is shown as it is instead.
 */
static bool
show_others(CmigTargetState *state, Node *node)
{
	ObjectType	type;
	char	   *name;
	Oid			catalog;
	const CmigHidden *hidden;

	switch (nodeTag(node))
	{
		case T_CreateForeignServerStmt:
			catalog = ForeignServerRelationId;
			break;
		case T_CreateFdwStmt:
			catalog = ForeignDataWrapperRelationId;
			break;
		case T_CreatePLangStmt:
			catalog = LanguageRelationId;
			break;
		case T_CreateAmStmt:
			catalog = AccessMethodRelationId;
			break;
		default:
			return false;
	}
	name = made_name(node, &type);
	hidden = find_others(state, catalog, name);
	if (hidden == NULL)
		return false;
	cmig_shadow_global_show(hidden);
	cmig_target_add_shown(state, type, name);
	return true;
}

static bool
is_in_common_language(const CreateFunctionStmt *create)
{
	ListCell   *cell;

	foreach(cell, create->options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "leakproof") == 0)
			return false;
		if (strcmp(option->defname, "language") == 0 &&
			pg_strcasecmp(defGetString(option), "sql") != 0 &&
			pg_strcasecmp(defGetString(option), "plpgsql") != 0)
			return false;
	}
	return true;
}

/*
 * Could the object exist although the current user cannot create it, because
 * only other roles can?
 */
static bool
may_be_beyond(Node *node)
{
	ObjectType	type;

	if (IsA(node, CreateExtensionStmt))
		return true;
	if (superuser())
		return false;
	if (IsA(node, CreateFunctionStmt))
		return !is_in_common_language((CreateFunctionStmt *) node);
	return made_name(node, &type) != NULL;
}

/*
 * Does the error mean that a privilege is missing, or that the server does not
 * support something?
 */
static bool
is_beyond(const ErrorData *error, Node *node)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return true;
		case ERRCODE_FEATURE_NOT_SUPPORTED:
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_INVALID_PARAMETER_VALUE:
			return IsA(node, CreateExtensionStmt);
		default:
			return false;
	}
}

static void
work(void *arg)
{
	const Call *call = arg;
	Node	   *node = call->statement->utilityStmt;

	if (!IsA(node, CreateExtensionStmt))
	{
		run_without_warning(call);
		return;
	}
	cmig_target_extension_begin(watched);
	run(call);
	cmig_target_extension_end(watched, ((CreateExtensionStmt *) node)->extname);
}

/* Run a statement that may fail; if it does, add a note. */
static void
try(CmigTargetState *state, Call *call)
{
	Node	   *node = call->statement->utilityStmt;
	ErrorData  *error = cmig_subtransaction_try(work, call);
	ObjectType	type;
	char	   *name;

	if (error == NULL)
		return;
	if (!is_beyond(error, node))
		ReThrowError(error);
	name = made_name(node, &type);
	cmig_target_note_missing(state, type, name, error->message);
	FreeErrorData(error);
}

/* Ignore subscriptions, which would connect to another server. */
static bool
note_subscription(CmigTargetState *state, Node *node)
{
	if (!IsA(node, CreateSubscriptionStmt))
		return IsA(node, AlterSubscriptionStmt) || IsA(node, DropSubscriptionStmt);
	cmig_target_note_missing(state, OBJECT_SUBSCRIPTION,
							 ((CreateSubscriptionStmt *) node)->subname,
							 "subscriptions are not compared");
	return true;
}

/*
 * Is it GRANT on a member of an extension, as pg_dump writes it?  Such
 * privileges are not compared, and few roles may grant them.
 */
static bool
is_grant_on_member(const GrantStmt *grant)
{
	Node	   *object;

	if (!IsA(grant, GrantStmt) || grant->targtype != ACL_TARGET_OBJECT)
		return false;
	object = linitial(grant->objects);
	if (IsA(object, RangeVar))
	{
		Oid			relation = RangeVarGetRelid((RangeVar *) object, NoLock, true);

		return OidIsValid(getExtensionOfObject(RelationRelationId, relation));
	}
	if (IsA(object, ObjectWithArgs))
	{
		Oid			function = LookupFuncWithArgs(grant->objtype, (ObjectWithArgs *) object, true);

		return OidIsValid(getExtensionOfObject(ProcedureRelationId, function));
	}
	return false;
}

/*
 * The hook
 */

static bool
only_drops(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype != AT_DropConstraint && command->subtype != AT_DetachPartition &&
			!(command->subtype == AT_ColumnDefault && command->def == NULL))
			return false;
	}
	return true;
}

/*
 * A target often drops what it is going to create, as pg_dump --clean does:
 * what does not exist is skipped with a notice.  A revision must not do so.
 */
static Node *
skip_missing(Node *node)
{
	if (IsA(node, DropStmt) && !((DropStmt *) node)->missing_ok)
	{
		node = copyObject(node);
		((DropStmt *) node)->missing_ok = true;
	}
	else if (IsA(node, AlterTableStmt) && !((AlterTableStmt *) node)->missing_ok && only_drops((AlterTableStmt *) node))
	{
		node = copyObject(node);
		((AlterTableStmt *) node)->missing_ok = true;
	}
	return node;
}

/*
 * Is it GRANT or REVOKE on several objects?  Those in schemas that are not
 * compared are left out; returns NULL if no other is left.
 */
static Node *
keep_grants(CmigTargetState *state, Node *node)
{
	GrantStmt  *grant = (GrantStmt *) node;
	List	   *objects = NIL;
	ListCell   *cell;

	if (!IsA(node, GrantStmt) || grant->targtype != ACL_TARGET_OBJECT || list_length(grant->objects) < 2)
		return node;
	foreach(cell, grant->objects)
	{
		GrantStmt	single = *grant;

		single.objects = list_make1(lfirst(cell));
		if (!cmig_target_utility_is_elsewhere(state, (Node *) &single))
			objects = lappend(objects, lfirst(cell));
	}
	if (objects == NIL)
		return NULL;
	grant = makeNode(GrantStmt);
	*grant = *(GrantStmt *) node;
	grant->objects = objects;
	return (Node *) grant;
}

/* Returns the statement that the server is to run, or NULL. */
static Node *
adapt(CmigTargetState *state, Node *node)
{
	if (is_left_out(state, node))
		return NULL;
	refuse(node);
	refuse_callers_cursor(state, node);
	refuse_others_name(state, node);
	if (is_about_missing(state, node) || note_subscription(state, node) ||
		show_others(state, node))
		return NULL;
	if (IsA(node, DropStmt) && ((DropStmt *) node)->removeType == OBJECT_SCHEMA)
		return cmig_target_schema_drop(state, node);
	node = keep_grants(state, node);
	if (node == NULL || cmig_target_utility_is_elsewhere(state, node))
		return NULL;
	if (!superuser() && is_grant_on_member((GrantStmt *) node))
		return NULL;
	if (!cmig_runner_is_replaying())
		node = skip_missing(node);
	node = cmig_target_role_adapt(state, node);
	if (node == NULL || cmig_target_extension_run(state, node))
		return NULL;
	if (IsA(node, CreateSchemaStmt) && cmig_target_schema_create(state, node))
		return NULL;
	return cmig_target_constraint_adapt(node);
}

static void
see_utility(PlannedStmt *statement, const char *query, bool read_only,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Call		call = {statement, query, read_only, context, params, environment, dest, completion};
	Node	   *node;
	bool		former;

	/* the script of an extension must not be affected by the shadow */
	if (watched == NULL || creating_extension)
	{
		run(&call);
		return;
	}

	former = cmig_shadow_catalogs_filter(false);
	node = adapt(watched, statement->utilityStmt);
	if (node == NULL)
	{
		(void) cmig_shadow_catalogs_filter(former);
		return;
	}
	if (node != statement->utilityStmt)
		replace(&call, node);
	if (may_be_beyond(node))
		try(watched, &call);
	else
		run_without_warning(&call);
	if (IsA(node, CreateSchemaStmt))
		cmig_target_schema_created(watched, node);
	(void) cmig_shadow_catalogs_filter(former);
}

void
cmig_target_utility_init(void)
{
	next_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = see_utility;
}
