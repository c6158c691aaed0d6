/*
 * target_missing.c
 *	  Handles objects that a target needs, but that the current user cannot
 *	  create, and objects that belong to another role.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "shadow/target_missing.h"
#include "shadow/target_object.h"

#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/acl.h"

char *
cmig_target_missing_made(Node *node, ObjectType *type)
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

/*
 * Returns the name of the object that a statement alters.  Sets *type.
 * Returns NULL if the statement alters no object.
 */
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

bool
cmig_target_missing_is_about(CmigTargetState *state, Node *node)
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
 * Returns the hidden object with this name if it belongs to another role.
 * Otherwise returns NULL.
 */
static const CmigHidden *
find_others(const CmigTargetState *state, Oid catalog, const char *name)
{
	const CmigHidden *hidden = cmig_shadow_global_find(state->shadow->hidden, catalog, name);

	return hidden == NULL || has_privs_of_role(GetUserId(), hidden->owner) ? NULL : hidden;
}

void
cmig_target_missing_refuse_name(const CmigTargetState *state, Node *node)
{
	const RenameStmt *rename = (const RenameStmt *) node;

	if (IsA(node, RenameStmt) && rename->renameType == OBJECT_FOREIGN_SERVER &&
		find_others(state, ForeignServerRelationId, rename->newname) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("server \"%s\" already exists", rename->newname)));
}

bool
cmig_target_missing_show(CmigTargetState *state, Node *node)
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
	name = cmig_target_missing_made(node, &type);
	hidden = find_others(state, catalog, name);
	if (hidden == NULL)
		return false;
	cmig_shadow_global_show(hidden);
	cmig_target_add_shown(state, type, name);
	return true;
}

/*
 * Can every role that has CREATE on the schema create the function?  Languages
 * other than SQL and PL/pgSQL may require more privileges, and LEAKPROOF
 * requires a superuser.
 */
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

bool
cmig_target_missing_may_be(Node *node)
{
	ObjectType	type;

	if (IsA(node, CreateExtensionStmt))
		return true;
	if (superuser())
		return false;
	if (IsA(node, CreateFunctionStmt))
		return !is_in_common_language((CreateFunctionStmt *) node);
	return cmig_target_missing_made(node, &type) != NULL;
}

bool
cmig_target_missing_explains(const ErrorData *error, Node *node)
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
