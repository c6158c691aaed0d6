/*
 * target_object.c
 *	  Objects and roles that a target's statements name.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodes.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "parser/parse_type.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/base.h"
#include "base/compat.h"
#include "schema/shadow.h"

/* ----------------------------------------------------------------
 * The result of running a target's SQL, apart from the objects in the
 * catalogs.
 * ----------------------------------------------------------------
 */

/* ----------------------------------------------------------------
 * Finds the object that a target's statement is about.
 * ----------------------------------------------------------------
 */

/* The names of object types. */
static const char *const kind_names[] = {
	[OBJECT_ACCESS_METHOD] = "access method",
	[OBJECT_AGGREGATE] = "aggregate",
	[OBJECT_CAST] = "cast",
	[OBJECT_COLLATION] = "collation",
	[OBJECT_COLUMN] = "column",
	[OBJECT_CONVERSION] = "conversion",
	[OBJECT_DATABASE] = "database",
	[OBJECT_DOMAIN] = "domain",
	[OBJECT_EVENT_TRIGGER] = "event trigger",
	[OBJECT_EXTENSION] = "extension",
	[OBJECT_FDW] = "foreign-data wrapper",
	[OBJECT_FOREIGN_SERVER] = "server",
	[OBJECT_FOREIGN_TABLE] = "foreign table",
	[OBJECT_FUNCTION] = "function",
	[OBJECT_ROUTINE] = "function",
	[OBJECT_INDEX] = "index",
	[OBJECT_LANGUAGE] = "language",
	[OBJECT_LARGEOBJECT] = "large object",
	[OBJECT_MATVIEW] = "materialized view",
	[OBJECT_OPCLASS] = "operator class",
	[OBJECT_OPERATOR] = "operator",
	[OBJECT_OPFAMILY] = "operator family",
	[OBJECT_POLICY] = "policy",
	[OBJECT_PROCEDURE] = "procedure",
	[OBJECT_PUBLICATION] = "publication",
	[OBJECT_ROLE] = "role",
	[OBJECT_RULE] = "rule",
	[OBJECT_SCHEMA] = "schema",
	[OBJECT_SEQUENCE] = "sequence",
	[OBJECT_STATISTIC_EXT] = "statistics",
	[OBJECT_SUBSCRIPTION] = "subscription",
	[OBJECT_TABLE] = "table",
	[OBJECT_TABLESPACE] = "tablespace",
	[OBJECT_TRANSFORM] = "transform",
	[OBJECT_TRIGGER] = "trigger",
	[OBJECT_TSCONFIGURATION] = "text search configuration",
	[OBJECT_TSDICTIONARY] = "text search dictionary",
	[OBJECT_TSPARSER] = "text search parser",
	[OBJECT_TSTEMPLATE] = "text search template",
	[OBJECT_TYPE] = "type",
	[OBJECT_USER_MAPPING] = "user mapping",
	[OBJECT_VIEW] = "view",
};

/*
 * Returns the word for an object type in result rows: "table", "event
 * trigger".
 */
static const char *
target_object_kind(ObjectType type)
{
	const char *name = type < lengthof(kind_names) ? kind_names[type] : NULL;

	return name ? name : "object";
}

char *
cmig_target_object_name(ObjectType type, Node *object)
{
	if (object == NULL)
		return pstrdup("");
	switch (nodeTag(object))
	{
		case T_String:
			return pstrdup(quote_identifier(strVal(object)));
		case T_RangeVar:
			{
				RangeVar   *name = (RangeVar *) object;

				return quote_qualified_identifier(name->schemaname, name->relname);
			}
		case T_ObjectWithArgs:
			return NameListToQuotedString(((ObjectWithArgs *) object)->objname);
		case T_TypeName:
			return TypeNameToString((TypeName *) object);
		case T_List:
			if (type == OBJECT_CAST)
				return psprintf("(%s AS %s)", TypeNameToString(linitial_node(TypeName, (List *) object)),
								TypeNameToString(lsecond_node(TypeName, (List *) object)));
			if (object != NULL && IsA(linitial((List *) object), String) &&
				IsA(llast((List *) object), String))
				return NameListToQuotedString((List *) object);
			return pstrdup("");
		default:
			return pstrdup("");
	}
}

/*
 * Schemas
 */

/* Returns the schema of new objects whose names are not qualified, or NULL. */
static char *
creation_schema(void)
{
	List	   *path = fetch_search_path(false);
	char	   *schema = path == NIL ? NULL : get_namespace_name(linitial_oid(path));

	list_free(path);
	return schema;
}

/* Returns the schema in a qualified name, or NULL. */
static char *
schema_of_names(List *names)
{
	return list_length(names) < 2 ? NULL : strVal(list_nth(names, list_length(names) - 2));
}

/* Returns the schema of a new object with this name. */
static char *
schema_of_made(List *names)
{
	char	   *schema = schema_of_names(names);

	return schema != NULL ? schema : creation_schema();
}

/* Returns the schema of a new relation, or NULL if it is temporary. */
static char *
schema_of_made_relation(const RangeVar *name)
{
	if (name->relpersistence == RELPERSISTENCE_TEMP)
		return NULL;
	return name->schemaname != NULL ? name->schemaname : creation_schema();
}

/* Returns the schema of an existing relation, or NULL. */
static char *
schema_of_relation(const RangeVar *name)
{
	Oid			relation;

	if (name == NULL || name->schemaname != NULL)
		return name == NULL ? NULL : name->schemaname;
	relation = RangeVarGetRelid(name, NoLock, true);
	return OidIsValid(relation) ? get_namespace_name(get_rel_namespace(relation)) : NULL;
}

/*
 * Returns the schema of the relation in a list of names, or NULL.  The last
 * "parts" names belong to a part of the relation, such as a column.
 */
static char *
schema_of_relation_names(List *names, int parts)
{
	names = list_truncate(list_copy(names), list_length(names) - parts);
	return names == NIL || list_length(names) > 3 ? NULL :
		schema_of_relation(makeRangeVarFromNameList(names));
}

/* Returns the schema of an existing object, or NULL. */
static char *
schema_of_object(ObjectType type, Node *object)
{
	if (object == NULL)
		return NULL;
	if (IsA(object, RangeVar))
		return schema_of_relation((RangeVar *) object);
	if (IsA(object, ObjectWithArgs))
		return schema_of_names(((ObjectWithArgs *) object)->objname);
	if (IsA(object, TypeName))
		return schema_of_names(((TypeName *) object)->names);
	if (type == OBJECT_SCHEMA && IsA(object, String))
		return strVal(object);
	if (!IsA(object, List))
		return NULL;
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_INDEX:
		case OBJECT_FOREIGN_TABLE:
			return schema_of_relation_names((List *) object, 0);
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return schema_of_relation_names((List *) object, 1);
		case OBJECT_DOMCONSTRAINT:
			return schema_of_object(OBJECT_DOMAIN, linitial((List *) object));
		case OBJECT_OPCLASS:
		case OBJECT_OPFAMILY:
			/* the first name is the access method */
			return list_length((List *) object) < 3 ? NULL : schema_of_names((List *) object);
		case OBJECT_COLLATION:
		case OBJECT_CONVERSION:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSPARSER:
		case OBJECT_TSTEMPLATE:
			return schema_of_names((List *) object);
		default:
			return NULL;
	}
}

/* Returns the schema of the first object in a GRANT, or NULL. */
static char *
schema_of_grant(const GrantStmt *grant)
{
	if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		return strVal(linitial(grant->objects));
	if (grant->targtype != ACL_TARGET_OBJECT)
		return NULL;
	return schema_of_object(grant->objtype, linitial(grant->objects));
}

/* Returns the schema in which a statement creates an object, or NULL. */
static char *
schema_of_creation(Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			return schema_of_made_relation(((CreateStmt *) node)->relation);
		case T_CreateForeignTableStmt:
			return schema_of_made_relation(((CreateForeignTableStmt *) node)->base.relation);
		case T_CreateTableAsStmt:
			return schema_of_made_relation(((CreateTableAsStmt *) node)->into->rel);
		case T_ViewStmt:
			return schema_of_made_relation(((ViewStmt *) node)->view);
		case T_CreateSeqStmt:
			return schema_of_made_relation(((CreateSeqStmt *) node)->sequence);
		case T_CompositeTypeStmt:
			return schema_of_made_relation(((CompositeTypeStmt *) node)->typevar);
		case T_CreateEnumStmt:
			return schema_of_made(((CreateEnumStmt *) node)->typeName);
		case T_CreateRangeStmt:
			return schema_of_made(((CreateRangeStmt *) node)->typeName);
		case T_CreateDomainStmt:
			return schema_of_made(((CreateDomainStmt *) node)->domainname);
		case T_CreateFunctionStmt:
			return schema_of_made(((CreateFunctionStmt *) node)->funcname);
		case T_DefineStmt:
			return schema_of_made(((DefineStmt *) node)->defnames);
		case T_CreateOpClassStmt:
			return schema_of_made(((CreateOpClassStmt *) node)->opclassname);
		case T_CreateOpFamilyStmt:
			return schema_of_made(((CreateOpFamilyStmt *) node)->opfamilyname);
		case T_CreateConversionStmt:
			return schema_of_made(((CreateConversionStmt *) node)->conversion_name);
		case T_ImportForeignSchemaStmt:
			return ((ImportForeignSchemaStmt *) node)->local_schema;
		default:
			return NULL;
	}
}

/* Returns the relation that a statement is about, or NULL. */
static RangeVar *
relation_of(Node *node)
{
	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return ((IndexStmt *) node)->relation;
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) node)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) node)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) node)->table;
		case T_AlterPolicyStmt:
			return ((AlterPolicyStmt *) node)->table;
		case T_AlterTableStmt:
			return ((AlterTableStmt *) node)->relation;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) node)->sequence;
		case T_RefreshMatViewStmt:
			return ((RefreshMatViewStmt *) node)->relation;
		case T_ClusterStmt:
			return ((ClusterStmt *) node)->relation;
		case T_TruncateStmt:
			return linitial(((TruncateStmt *) node)->relations);
		case T_LockStmt:
			return linitial(((LockStmt *) node)->relations);
		case T_CopyStmt:
			return ((CopyStmt *) node)->is_from ? ((CopyStmt *) node)->relation : NULL;
		case T_InsertStmt:
			return ((InsertStmt *) node)->relation;
		case T_UpdateStmt:
			return ((UpdateStmt *) node)->relation;
		case T_DeleteStmt:
			return ((DeleteStmt *) node)->relation;
		case T_MergeStmt:
			return ((MergeStmt *) node)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) node)->relation;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) node)->relation;
		default:
			return NULL;
	}
}

static char *
schema_of_statistics(const CreateStatsStmt *statement)
{
	Node	   *from = linitial(statement->relations);

	if (statement->defnames != NIL && list_length(statement->defnames) > 1)
		return schema_of_names(statement->defnames);
	return IsA(from, RangeVar) ? schema_of_relation((RangeVar *) from) : NULL;
}

/*
 * Returns the schema of the existing object that a statement is about, or
 * NULL.
 */
static char *
schema_of_change(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RenameStmt:
			if (((RenameStmt *) node)->renameType == OBJECT_SCHEMA)
				return ((RenameStmt *) node)->subname;
			return schema_of_object(((RenameStmt *) node)->renameType,
									((RenameStmt *) node)->object);
		case T_AlterObjectSchemaStmt:
			return schema_of_object(((AlterObjectSchemaStmt *) node)->objectType,
									((AlterObjectSchemaStmt *) node)->object);
		case T_AlterOwnerStmt:
			return schema_of_object(((AlterOwnerStmt *) node)->objectType,
									((AlterOwnerStmt *) node)->object);
		case T_CommentStmt:
			return schema_of_object(((CommentStmt *) node)->objtype,
									((CommentStmt *) node)->object);
		case T_SecLabelStmt:
			return schema_of_object(((SecLabelStmt *) node)->objtype,
									((SecLabelStmt *) node)->object);
		case T_DropStmt:
			return schema_of_object(((DropStmt *) node)->removeType,
									linitial(((DropStmt *) node)->objects));
		case T_GrantStmt:
			return schema_of_grant((GrantStmt *) node);
		case T_AlterFunctionStmt:
			return schema_of_names(((AlterFunctionStmt *) node)->func->objname);
		case T_AlterEnumStmt:
			return schema_of_names(((AlterEnumStmt *) node)->typeName);
		case T_AlterTypeStmt:
			return schema_of_names(((AlterTypeStmt *) node)->typeName);
		case T_AlterDomainStmt:
			return schema_of_names(((AlterDomainStmt *) node)->typeName);
		case T_AlterOperatorStmt:
			return schema_of_names(((AlterOperatorStmt *) node)->opername->objname);
		case T_AlterOpFamilyStmt:
			return schema_of_names(((AlterOpFamilyStmt *) node)->opfamilyname);
		case T_AlterCollationStmt:
			return schema_of_names(((AlterCollationStmt *) node)->collname);
		case T_AlterStatsStmt:
			return schema_of_names(((AlterStatsStmt *) node)->defnames);
		case T_AlterTSDictionaryStmt:
			return schema_of_names(((AlterTSDictionaryStmt *) node)->dictname);
		case T_AlterTSConfigurationStmt:
			return schema_of_names(((AlterTSConfigurationStmt *) node)->cfgname);
		case T_CreateStatsStmt:
			return schema_of_statistics((CreateStatsStmt *) node);
		default:
			return NULL;
	}
}

char *
cmig_target_object_schema(Node *statement)
{
	RangeVar   *relation = relation_of(statement);
	char	   *schema;

	if (relation != NULL)
		return schema_of_relation(relation);
	schema = schema_of_creation(statement);
	return schema != NULL ? schema : schema_of_change(statement);
}

/* ----------------------------------------------------------------
 * The state of a target while its SQL is running.
 *
 * Shared by the modules target_* and replay; other modules use schema.h.
 * ----------------------------------------------------------------
 */

CmigTargetNote *
cmig_target_note(CmigTargetState *state, const char *kind, const char *object, const char *reason)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	CmigTargetNote *note = palloc0(sizeof(CmigTargetNote));

	note->kind = pstrdup(kind);
	note->object = pstrdup(object);
	note->reason = pstrdup(reason);
	note->line = state->line;
	state->target->notes = lappend(state->target->notes, note);
	MemoryContextSwitchTo(caller);
	return note;
}

/*
 * Remove the notes about an object, because a later statement of the target
 * reverts the statement that the notes are about.
 */
static void
target_forget(CmigTargetState *state, const char *kind, const char *object)
{
	ListCell   *cell;

	foreach(cell, state->target->notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, kind) == 0 && strcmp(note->object, object) == 0)
			state->target->notes = foreach_delete_current(state->target->notes, cell);
	}
}

static void
add_missing(CmigTargetState *state, ObjectType type, const char *name, bool is_shown)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);
	CmigTargetMissing *missing = palloc(sizeof(CmigTargetMissing));

	missing->type = type;
	missing->name = pstrdup(name);
	missing->is_shown = is_shown;
	state->missing = lappend(state->missing, missing);
	MemoryContextSwitchTo(caller);
}

void
cmig_target_note_missing(CmigTargetState *state, ObjectType type, const char *name,
						 const char *reason)
{
	if (cmig_target_find_missing(state, type, name) != NULL)
		return;
	cmig_target_note(state, target_object_kind(type), name, reason);
	add_missing(state, type, name, false);
}

void
cmig_target_add_shown(CmigTargetState *state, ObjectType type, const char *name)
{
	add_missing(state, type, name, true);
}

const CmigTargetMissing *
cmig_target_find_missing(const CmigTargetState *state, ObjectType type, const char *name)
{
	ListCell   *cell;

	foreach(cell, state->missing)
	{
		const CmigTargetMissing *missing = lfirst(cell);

		if (missing->type == type && strcmp(missing->name, name) == 0)
			return missing;
	}
	return NULL;
}

void
cmig_target_leave_out(CmigTargetState *state, const char *what)
{
	MemoryContext caller = MemoryContextSwitchTo(state->context);

	state->left_out = lappend(state->left_out, psprintf("line %d: %s", state->line, what));
	MemoryContextSwitchTo(caller);
}

void
cmig_target_tell_left_out(const CmigTargetState *state)
{
	CmigListing list;
	ListCell   *lc;

	if (state->left_out == NIL)
		return;
	cmig_listing_init(&list, CMIG_LISTING_LINES);
	foreach(lc, state->left_out)
		cmig_listing_add(&list, lfirst(lc));
	ereport(NOTICE,
			(errmsg("target statements that do not concern the compared schemas were ignored"),
			 errdetail_internal("%s", cmig_listing_text(&list))));
}

/* ----------------------------------------------------------------
 * Processes roles, which belong to the whole server, in a target's
 * statements.
 * ----------------------------------------------------------------
 */

static bool
is_missing(const RoleSpec *role)
{
	return role != NULL && role->roletype == ROLESPEC_CSTRING &&
		!OidIsValid(get_role_oid(role->rolename, true));
}

/* Returns the reason for a note about a role that does not exist. */
static char *
not_there(const RoleSpec *role)
{
	return psprintf("role \"%s\" does not exist", role->rolename);
}

static const char *
role_text(const RoleSpec *role)
{
	return quote_identifier(role->rolename ? role->rolename : GetUserNameFromId(get_rolespec_oid(role, false), false));
}

/*
 * Returns the first of these roles that does not exist, or NULL if all exist.
 */
static RoleSpec *
find_missing(List *roles)
{
	ListCell   *cell;

	foreach(cell, roles)
	{
		if (is_missing(lfirst(cell)))
			return lfirst(cell);
	}
	return NULL;
}

/*
 * Owners
 */

/*
 * Returns the reason why the object cannot be given to the role, or NULL if it
 * can.  "schema" is the object's schema, and may be NULL.
 */
static char *
why_not_owner(const RoleSpec *role, const char *schema)
{
	Oid			oid;
	Oid			namespace;

	if (is_missing(role))
		return not_there(role);
	oid = get_rolespec_oid(role, false);
	if (oid == GetUserId())
		return NULL;
	if (!cmig_can_set_role_compat(GetUserId(), oid))
		return psprintf("must be able to SET ROLE \"%s\"", GetUserNameFromId(oid, false));
	namespace = schema == NULL ? InvalidOid : get_namespace_oid(schema, true);
	if (OidIsValid(namespace) && !superuser() && !cmig_may_create_compat(namespace, oid))
		return psprintf("role \"%s\" has no CREATE privilege on schema \"%s\"",
						GetUserNameFromId(oid, false), schema);
	return NULL;
}

/* Add a note that an object cannot be given to its intended owner. */
static void
note_owner(CmigTargetState *state, ObjectType type, const char *name, const RoleSpec *owner,
		   const char *reason)
{
	CmigTargetNote *note = cmig_target_note(state, "owner",
											psprintf("%s %s", target_object_kind(type), name), reason);

	if (owner->rolename != NULL)
		note->role = MemoryContextStrdup(state->context, owner->rolename);
}

/*
 * Leave out ALTER ... OWNER TO, with a note, if the role cannot be the owner.
 */
static Node *
adapt_alter_owner(CmigTargetState *state, AlterOwnerStmt *alter)
{
	char	   *schema = alter->objectType == OBJECT_SCHEMA ? NULL :
	cmig_target_object_schema((Node *) alter);
	char	   *reason = why_not_owner(alter->newowner, schema);

	if (reason == NULL)
		return (Node *) alter;
	note_owner(state, alter->objectType,
			   cmig_target_object_name(alter->objectType, alter->object), alter->newowner, reason);
	return NULL;
}

/* Remove from ALTER TABLE the OWNER TO actions that are not possible. */
static Node *
adapt_alter_table(CmigTargetState *state, AlterTableStmt *alter)
{
	ListCell   *cell;
	List	   *kept = NIL;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		char	   *reason = command->subtype != AT_ChangeOwner ? NULL :
		why_not_owner(command->newowner, cmig_target_object_schema((Node *) alter));

		if (reason == NULL)
			kept = lappend(kept, command);
		else
			note_owner(state, alter->objtype,
					   cmig_target_object_name(alter->objtype, (Node *) alter->relation),
					   command->newowner, reason);
	}
	if (list_length(kept) == list_length(alter->cmds))
		return (Node *) alter;
	if (kept == NIL)
		return NULL;
	alter = copyObject(alter);
	alter->cmds = copyObject(kept);
	return (Node *) alter;
}

/* Remove AUTHORIZATION from CREATE SCHEMA if the role cannot be the owner. */
static Node *
adapt_create_schema(CmigTargetState *state, CreateSchemaStmt *create)
{
	char	   *name = create->schemaname != NULL ? create->schemaname :
	create->authrole->rolename;
	char	   *reason = create->authrole == NULL ? NULL : why_not_owner(create->authrole, NULL);

	if (reason == NULL)
		return (Node *) create;
	note_owner(state, OBJECT_SCHEMA, quote_identifier(name), create->authrole, reason);
	create = copyObject(create);
	create->schemaname = name;
	create->authrole = NULL;
	return (Node *) create;
}

/*
 * Privileges
 */

/*
 * Returns those roles of the list that exist, and adds notes about the others.
 */
static List *
existing_grantees(CmigTargetState *state, const char *kind, const char *object, List *grantees)
{
	ListCell   *cell;
	List	   *kept = NIL;

	foreach(cell, grantees)
	{
		if (is_missing(lfirst(cell)))
			cmig_target_note(state, kind, object, not_there(lfirst(cell)));
		else
			kept = lappend(kept, lfirst(cell));
	}
	return kept;
}

/* Returns a description of the objects in a GRANT, for a note. */
static char *
granted_object(const GrantStmt *grant)
{
	const char *kind = target_object_kind(grant->objtype);

	if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA)
		return psprintf("all %ss in schema %s", kind,
						quote_identifier(strVal(linitial(grant->objects))));
	return psprintf("%s %s", kind, grant->objects == NIL ? "" :
					cmig_target_object_name(grant->objtype, linitial(grant->objects)));
}

/* Restrict GRANT or REVOKE to the roles that exist. */
static Node *
adapt_grant(CmigTargetState *state, GrantStmt *grant)
{
	char	   *object = granted_object(grant);
	List	   *kept = existing_grantees(state, "privilege", object, grant->grantees);

	if (is_missing(grant->grantor))
	{
		cmig_target_note(state, "privilege", object, not_there(grant->grantor));
		return NULL;
	}
	if (list_length(kept) == list_length(grant->grantees))
		return (Node *) grant;
	if (kept == NIL)
		return NULL;
	grant = copyObject(grant);
	grant->grantees = copyObject(kept);
	return (Node *) grant;
}

/* Restrict ALTER DEFAULT PRIVILEGES to the roles that exist. */
static Node *
adapt_default_privileges(CmigTargetState *state, AlterDefaultPrivilegesStmt *alter)
{
	char	   *object = pstrdup(target_object_kind(alter->action->objtype));
	List	   *kept;
	ListCell   *option;
	ListCell   *cell;

	foreach(option, alter->options)
	{
		DefElem    *element = lfirst(option);

		if (strcmp(element->defname, "roles") != 0)
			continue;
		foreach(cell, (List *) element->arg)
		{
			char	   *reason = why_not_owner(lfirst(cell), NULL);

			if (reason == NULL)
				continue;
			cmig_target_note(state, "default privileges",
							 psprintf("FOR ROLE %s", role_text(lfirst(cell))), reason);
			return NULL;
		}
	}
	kept = existing_grantees(state, "default privileges", object, alter->action->grantees);
	if (list_length(kept) == list_length(alter->action->grantees))
		return (Node *) alter;
	if (kept == NIL)
		return NULL;
	alter = copyObject(alter);
	alter->action->grantees = copyObject(kept);
	return (Node *) alter;
}

/*
 * Returns true if "member" is not a member of the role "name", or if one of
 * the two roles does not exist.
 */
static bool
lacks_membership(const RoleSpec *member, const char *name)
{
	Oid			role = get_role_oid(name, true);

	return !OidIsValid(role) || is_missing(member) ||
		!is_member_of_role_nosuper(get_rolespec_oid(member, false), role);
}

/*
 * Process GRANT and REVOKE of role memberships.  Nothing is noted for a
 * membership that already exists.
 */
static void
note_memberships(CmigTargetState *state, const GrantRoleStmt *grant)
{
	ListCell   *granted;
	ListCell   *grantee;

	foreach(granted, grant->granted_roles)
	{
		char	   *name = lfirst_node(AccessPriv, granted)->priv_name;

		foreach(grantee, grant->grantee_roles)
		{
			const RoleSpec *spec = lfirst(grantee);
			const char *object = spec->rolename == NULL ? quote_identifier(name) :
			psprintf("%s in %s", quote_identifier(spec->rolename), quote_identifier(name));

			if (!grant->is_grant)
				target_forget(state, "role membership", object);
			else if (lacks_membership(spec, name))
				cmig_target_note(state, "role membership", object, "roles belong to the whole server");
		}
	}
}

/*
 * Policies, user mappings, and roles
 */

/*
 * Leave out a policy if any of its roles does not exist, because it would be a
 * different policy without that role.
 */
static Node *
adapt_policy(CmigTargetState *state, Node *statement, const char *policy, RangeVar *table,
			 List *roles)
{
	RoleSpec   *missing = find_missing(roles);

	if (missing == NULL)
		return statement;
	cmig_target_note(state, "policy",
					 psprintf("%s on %s", quote_identifier(policy),
							  cmig_target_object_name(OBJECT_TABLE, (Node *) table)),
					 not_there(missing));
	return NULL;
}

/* Leave out the user mapping of a role that does not exist. */
static Node *
adapt_user_mapping(CmigTargetState *state, Node *statement, RoleSpec *user, const char *server)
{
	if (!is_missing(user))
		return statement;
	cmig_target_note(state, "user mapping",
					 psprintf("for %s server %s", quote_identifier(user->rolename),
							  quote_identifier(server)),
					 not_there(user));
	return NULL;
}

static void
note_create_role(CmigTargetState *state, const CreateRoleStmt *create)
{
	if (!OidIsValid(get_role_oid(create->role, true)))
		cmig_target_note_missing(state, OBJECT_ROLE, create->role,
								 "roles belong to the whole server: create it before the schema");
}

/* Remove the notes about roles that the target has created and now drops. */
static void
forget_roles(CmigTargetState *state, const DropRoleStmt *drop)
{
	ListCell   *cell;

	foreach(cell, drop->roles)
	{
		const RoleSpec *role = lfirst_node(RoleSpec, cell);

		if (role->rolename != NULL)
			target_forget(state, target_object_kind(OBJECT_ROLE), role->rolename);
	}
}

Node *
cmig_target_role_adapt(CmigTargetState *state, Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateRoleStmt:
			note_create_role(state, (CreateRoleStmt *) statement);
			return NULL;
		case T_DropRoleStmt:
			forget_roles(state, (DropRoleStmt *) statement);
			return NULL;
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
			return NULL;
		case T_GrantRoleStmt:
			note_memberships(state, (GrantRoleStmt *) statement);
			return NULL;
		case T_GrantStmt:
			return adapt_grant(state, (GrantStmt *) statement);
		case T_AlterDefaultPrivilegesStmt:
			return adapt_default_privileges(state, (AlterDefaultPrivilegesStmt *) statement);
		case T_AlterOwnerStmt:
			return adapt_alter_owner(state, (AlterOwnerStmt *) statement);
		case T_AlterTableStmt:
			return adapt_alter_table(state, (AlterTableStmt *) statement);
		case T_CreateSchemaStmt:
			return adapt_create_schema(state, (CreateSchemaStmt *) statement);
		case T_CreatePolicyStmt:
			return adapt_policy(state, statement, ((CreatePolicyStmt *) statement)->policy_name,
								((CreatePolicyStmt *) statement)->table,
								((CreatePolicyStmt *) statement)->roles);
		case T_AlterPolicyStmt:
			return adapt_policy(state, statement, ((AlterPolicyStmt *) statement)->policy_name,
								((AlterPolicyStmt *) statement)->table,
								((AlterPolicyStmt *) statement)->roles);
		case T_CreateUserMappingStmt:
			return adapt_user_mapping(state, statement, ((CreateUserMappingStmt *) statement)->user,
									  ((CreateUserMappingStmt *) statement)->servername);
		case T_AlterUserMappingStmt:
			return adapt_user_mapping(state, statement, ((AlterUserMappingStmt *) statement)->user,
									  ((AlterUserMappingStmt *) statement)->servername);
		case T_DropUserMappingStmt:
			return adapt_user_mapping(state, statement, ((DropUserMappingStmt *) statement)->user,
									  ((DropUserMappingStmt *) statement)->servername);
		default:
			return statement;
	}
}
