/*
 * target_filter.c
 *	  Leaves out a target's statements that are not about a compared schema.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/text_list.h"
#include "shadow/managed.h"
#include "shadow/target_filter.h"
#include "shadow/target_object.h"

#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "parser/parse_func.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/acl.h"

/*
 * Does the setting belong to the caller's session rather than to the schema?
 * If so, it is ignored: the caller's timeouts remain in effect, and messages
 * keep the client's encoding.
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

/*
 * Is this the type of an object that all databases share, or of a large
 * object?
 */
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
 * Is the statement about the server or the session rather than a schema?
 * Sets *silently if no NOTICE should mention the statement.
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
		case T_ClusterStmt:
			*silently = true;
			return ((ClusterStmt *) node)->relation == NULL;
		case T_CopyStmt:
			return !((CopyStmt *) node)->is_from || ((CopyStmt *) node)->is_program;
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

bool
cmig_target_filter_is_shared(Node *node)
{
	bool		silently;

	switch (nodeTag(node))
	{
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
			return true;
		case T_CopyStmt:
			return false;
		default:
			return has_no_schema(node, &silently) && !silently;
	}
}

bool
cmig_target_filter_leaves_out(CmigTargetState *state, Node *node)
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

/* Record the name of a live schema that a left-out statement was about. */
static void
note_elsewhere(CmigTargetState *state, const char *schema)
{
	MemoryContext caller;

	if (cmig_text_list_has(state->elsewhere, schema))
		return;
	caller = MemoryContextSwitchTo(state->context);
	state->elsewhere = lappend(state->elsewhere, pstrdup(schema));
	MemoryContextSwitchTo(caller);
}

/*
 * Does the statement create an object, so that a NOTICE should mention it even
 * if the object is in one of pg_cmig's own schemas?  The other statements that
 * pg_dump writes for these schemas are not mentioned.
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
cmig_target_filter_is_elsewhere(CmigTargetState *state, Node *statement)
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

bool
cmig_target_filter_subscription(CmigTargetState *state, Node *node)
{
	if (!IsA(node, CreateSubscriptionStmt))
		return IsA(node, AlterSubscriptionStmt) || IsA(node, DropSubscriptionStmt);
	cmig_target_note_missing(state, OBJECT_SUBSCRIPTION,
							 ((CreateSubscriptionStmt *) node)->subname,
							 "subscriptions are not compared");
	return true;
}

bool
cmig_target_filter_is_grant_on_member(const GrantStmt *grant)
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

Node *
cmig_target_filter_grants(CmigTargetState *state, Node *node)
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
		if (!cmig_target_filter_is_elsewhere(state, (Node *) &single))
			objects = lappend(objects, lfirst(cell));
	}
	if (objects == NIL)
		return NULL;
	grant = makeNode(GrantStmt);
	*grant = *(GrantStmt *) node;
	grant->objects = objects;
	return (Node *) grant;
}
