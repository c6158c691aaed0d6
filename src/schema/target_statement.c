/*
 * target_statement.c
 *	  What a target's statements are about, and which of them run.
 *
 * A statement is left out, or runs in part, if it is about the server, the
 * session, or a role, about a schema that is not compared, or about an object
 * that the target could not create.  Notes record what is missing because of
 * this, unless it does not matter to the compared schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "foreign/foreign.h"
#include "parser/parse_func.h"
#include "parser/parse_type.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#include "schema/internal.h"

/*
 * What statements are about
 */

static char *
role_name(const RoleSpec *role)
{
	return role->rolename != NULL ? role->rolename :
		GetUserNameFromId(get_rolespec_oid(role, false), false);
}

char *
cmig_target_created_schema(const Node *statement)
{
	const CreateSchemaStmt *create = (const CreateSchemaStmt *) statement;
	const RenameStmt *rename = (const RenameStmt *) statement;

	if (IsA(statement, RenameStmt))
		return rename->renameType == OBJECT_SCHEMA ? rename->newname : NULL;
	if (!IsA(statement, CreateSchemaStmt))
		return NULL;
	return create->schemaname != NULL ? create->schemaname : role_name(create->authrole);
}

bool
cmig_target_subject(Node *statement, CmigSubject *subject)
{
	if (!cmig_statement_subject(statement, subject))
		return false;
	if (IsA(statement, CreateSchemaStmt))
		strVal(subject->object) = cmig_target_created_schema(statement);
	return true;
}

char *
cmig_target_subject_name(const CmigSubject *subject)
{
	Node	   *object = subject->object;
	List	   *names = (List *) object;

	if (object == NULL)
		return pstrdup("");
	switch (nodeTag(object))
	{
		case T_String:
			return pstrdup(quote_identifier(strVal(object)));
		case T_RangeVar:
			return quote_qualified_identifier(((RangeVar *) object)->schemaname,
											  ((RangeVar *) object)->relname);
		case T_ObjectWithArgs:
			return NameListToQuotedString(((ObjectWithArgs *) object)->objname);
		case T_TypeName:
			return TypeNameToString((TypeName *) object);
		case T_List:
			if (subject->type == OBJECT_CAST)
				return psprintf("(%s AS %s)", TypeNameToString(linitial(names)),
								TypeNameToString(lsecond(names)));
			if (subject->type == OBJECT_TRANSFORM)
				return psprintf("for %s language %s", TypeNameToString(linitial(names)),
								strVal(lsecond(names)));
			if (IsA(linitial(names), String) && IsA(llast(names), String))
				return NameListToQuotedString(names);
			return pstrdup("");
		default:
			return pstrdup("");
	}
}

/*
 * Returns the schema of the relation in a list of names, or NULL.  The last
 * "parts" names belong to a part of the relation, such as a column.
 */
static char *
schema_of_relation(List *names, int parts)
{
	CmigSubject relation = {.type = OBJECT_TABLE};

	names = list_truncate(list_copy(names), list_length(names) - parts);
	if (names == NIL || list_length(names) > 3)
		return NULL;
	relation.object = (Node *) makeRangeVarFromNameList(names);
	return cmig_target_subject_schema(&relation);
}

char *
cmig_target_subject_schema(const CmigSubject *subject)
{
	Node	   *object = subject->object;
	const RangeVar *name = (const RangeVar *) object;
	List	   *names = NIL;
	Oid			relation;

	if (object == NULL)
		return NULL;
	switch (nodeTag(object))
	{
		case T_String:
			return subject->type == OBJECT_SCHEMA ? strVal(object) : NULL;
		case T_RangeVar:
			if ((subject->flags & CMIG_STATEMENT_CREATES) &&
				name->relpersistence == RELPERSISTENCE_TEMP)
				return NULL;
			if (name->schemaname != NULL)
				return name->schemaname;
			if (subject->flags & CMIG_STATEMENT_CREATES)
				break;
			relation = RangeVarGetRelid(name, NoLock, true);
			return OidIsValid(relation) ? get_namespace_name(get_rel_namespace(relation)) : NULL;
		case T_ObjectWithArgs:
			names = ((ObjectWithArgs *) object)->objname;
			break;
		case T_TypeName:
			names = ((TypeName *) object)->names;
			break;
		case T_List:
			names = (List *) object;
			break;
		default:
			return NULL;
	}
	if (IsA(object, List) && !(subject->flags & CMIG_STATEMENT_CREATES))
	{
		switch (subject->type)
		{
			case OBJECT_TABLE:
			case OBJECT_VIEW:
			case OBJECT_MATVIEW:
			case OBJECT_SEQUENCE:
			case OBJECT_INDEX:
			case OBJECT_FOREIGN_TABLE:
				return schema_of_relation(names, 0);
			case OBJECT_COLUMN:
			case OBJECT_TABCONSTRAINT:
			case OBJECT_TRIGGER:
			case OBJECT_RULE:
			case OBJECT_POLICY:
				return schema_of_relation(names, 1);
			case OBJECT_DOMCONSTRAINT:
				names = linitial_node(TypeName, names)->names;
				break;
			case OBJECT_OPCLASS:
			case OBJECT_OPFAMILY:
				/* the first name is the access method */
				names = list_copy_tail(names, 1);
				break;
			default:
				break;
		}
	}
	if (list_length(names) >= 2)
	{
		object = list_nth(names, list_length(names) - 2);
		return IsA(object, String) ? strVal(object) : NULL;
	}
	if (!(subject->flags & CMIG_STATEMENT_CREATES))
		return NULL;
	names = fetch_search_path(false);
	return names == NIL ? NULL : get_namespace_name(linitial_oid(names));
}

const char *
cmig_target_object_kind(ObjectType type)
{
	DropStmt	drop = {.type = T_DropStmt,.removeType = type};
	CommandTag	tag = CreateCommandTag((Node *) &drop);
	const char *command = GetCommandTagName(tag);

	switch (type)
	{
		case OBJECT_FDW:
			return "foreign-data wrapper";
		case OBJECT_ROLE:
			return "role";
		case OBJECT_ROUTINE:
			return "function";
		case OBJECT_SUBSCRIPTION:
			return "subscription";
		default:
			return tag == CMDTAG_UNKNOWN ? "object" :
				asc_tolower(command + strlen("DROP "), strlen(command) - strlen("DROP "));
	}
}

/*
 * Notes
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
forget(CmigTargetState *state, const char *kind, const char *object)
{
	ListCell   *cell;

	foreach(cell, state->target->notes)
	{
		const CmigTargetNote *note = lfirst(cell);

		if (strcmp(note->kind, kind) == 0 && strcmp(note->object, object) == 0)
			state->target->notes = foreach_delete_current(state->target->notes, cell);
	}
}

/* An object that the target names but does not create. */
typedef struct Missing
{
	ObjectType	type;
	char	   *name;
	bool		is_shown;		/* true if the live object belongs to another
								 * role, so that the target's statements about
								 * it are ignored */
} Missing;

static const Missing *
find_missing(const CmigTargetState *state, ObjectType type, const char *name)
{

	foreach_ptr(const Missing, missing, state->missing)
	{
		if (missing->type == type && strcmp(missing->name, name) == 0)
			return missing;
	}
	return NULL;
}

void
cmig_target_note_missing(CmigTargetState *state, ObjectType type, const char *name,
						 const char *reason)
{
	MemoryContext caller;
	Missing    *missing;

	if (find_missing(state, type, name) != NULL)
		return;
	if (reason != NULL)
		cmig_target_note(state, cmig_target_object_kind(type), name, reason);
	caller = MemoryContextSwitchTo(state->context);
	missing = palloc(sizeof(Missing));
	missing->type = type;
	missing->name = pstrdup(name);
	missing->is_shown = reason == NULL;
	state->missing = lappend(state->missing, missing);
	MemoryContextSwitchTo(caller);
}

void
cmig_target_leave_out(CmigTargetState *state, const char *what)
{
	cmig_listing_add_format(&state->left_out, "line %d: %s", state->line, what);
}

/*
 * Statements that are not about a compared schema
 */

/*
 * Is the statement about the server or the session rather than a schema?
 * Sets *silently if no NOTICE should mention the statement.
 */
static bool
has_no_schema(Node *node, bool *silently)
{
	static const char *const timeouts[] = {
		"client_encoding", "idle_in_transaction_session_timeout", "lock_timeout",
		"statement_timeout", "transaction_timeout"
	};
	const VariableSetStmt *set = (VariableSetStmt *) node;
	CmigSubject subject;

	*silently = false;
	switch (nodeTag(node))
	{
		case T_VariableSetStmt:
			*silently = true;

			/*
			 * A setting that belongs to the caller's session rather than to
			 * the schema is ignored: the caller's timeouts remain in effect,
			 * and messages keep the client's encoding.
			 */
			if (set->kind == VAR_SET_MULTI)
				return true;
			for (int i = 0; set->name != NULL && i < lengthof(timeouts); i++)
				if (pg_strcasecmp(timeouts[i], set->name) == 0)
					return true;
			return false;
		case T_ClusterStmt:
			*silently = true;
			return cmig_clustered_compat((ClusterStmt *) node) == NULL;
		case T_CopyStmt:
			return !((CopyStmt *) node)->is_from || ((CopyStmt *) node)->is_program;
		default:
			break;
	}
	*silently = (cmig_statement_flags(node) & CMIG_STATEMENT_UPKEEP) != 0;
	if (cmig_statement_flags(node) & (CMIG_STATEMENT_SERVER | CMIG_STATEMENT_UPKEEP))
		return true;
	if (!cmig_target_subject(node, &subject))
		return false;
	switch (subject.type)
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

bool
cmig_target_is_shared(Node *node)
{
	bool		silently;

	return (cmig_statement_flags(node) & CMIG_STATEMENT_ROLES) != 0 ||
		(!IsA(node, CopyStmt) && has_no_schema(node, &silently) && !silently);
}

bool
cmig_target_is_elsewhere(CmigTargetState *state, Node *statement)
{
	CmigSubject subject = {0};
	const char *schema = cmig_target_subject(statement, &subject) ?
	cmig_target_subject_schema(&subject) : NULL;
	Oid			oid = schema == NULL ? InvalidOid : get_namespace_oid(schema, true);
	bool		is_own;

	/*
	 * unless everything is compared, the target uses what exists without a
	 * schema
	 */
	if (!state->shadow->managed->all && !state->exact && subject.object != NULL &&
		cmig_shadow_global_find(state->shadow->hidden, subject.type, subject.object) != NULL)
	{
		cmig_target_leave_out(state, psprintf("%s %s", GetCommandTagName(CreateCommandTag(statement)),
											  cmig_target_subject_name(&subject)));
		return true;
	}
	if (!OidIsValid(oid) || !cmig_shadow_is_live_schema(state->shadow, oid))
		return false;
	is_own = cmig_managed_is_own_name(schema);
	if (!cmig_managed_is_reserved_name(schema) &&
		!cmig_text_list_has(state->target->elsewhere, schema))
	{
		MemoryContext caller = MemoryContextSwitchTo(state->context);

		state->target->elsewhere = lappend(state->target->elsewhere, pstrdup(schema));
		MemoryContextSwitchTo(caller);
	}

	/*
	 * pg_dump writes many statements about pg_cmig's own schemas; mention
	 * only those that create something in them
	 */
	if (!is_own || ((subject.flags & CMIG_STATEMENT_CREATES) && subject.type != OBJECT_SCHEMA))
		cmig_target_leave_out(state, psprintf("%s in schema \"%s\"",
											  GetCommandTagName(CreateCommandTag(statement)),
											  schema));
	return true;
}

/*
 * Remove, from a GRANT, REVOKE, or DROP, the objects that are not compared.
 * Returns NULL if no object is left.
 */
static Node *
without_elsewhere(CmigTargetState *state, Node *statement)
{
	Node	   *rest = copyObject(statement);
	Node	   *single = copyObject(statement);
	const bool	is_grant = IsA(statement, GrantStmt);
	List	  **objects = is_grant ? &((GrantStmt *) rest)->objects : &((DropStmt *) rest)->objects;
	ListCell   *cell;

	if (is_grant && ((GrantStmt *) statement)->targtype != ACL_TARGET_OBJECT)
		return statement;
	foreach(cell, *objects)
	{
		List	   *one = list_make1(lfirst(cell));

		if (is_grant)
			((GrantStmt *) single)->objects = one;
		else
			((DropStmt *) single)->objects = one;
		if (cmig_target_is_elsewhere(state, single))
			*objects = foreach_delete_current(*objects, cell);
	}
	return *objects == NIL ? NULL : rest;
}

/*
 * Is this a GRANT on an extension member, as pg_dump writes it?  Such
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
		return OidIsValid(getExtensionOfObject(RelationRelationId,
											   RangeVarGetRelid((RangeVar *) object, NoLock,
																true)));
	return IsA(object, ObjectWithArgs) &&
		OidIsValid(getExtensionOfObject(ProcedureRelationId,
										LookupFuncWithArgs(grant->objtype,
														   (ObjectWithArgs *) object, true)));
}

/*
 * Objects that the target could not create, or that belong to another role
 */

/*
 * Does the statement alter an object that was recorded as missing or as owned
 * by another role?  If so, the statement must be ignored.
 */
static bool
is_about_missing(CmigTargetState *state, Node *node, const CmigSubject *subject)
{
	const CreateForeignTableStmt *table = (const CreateForeignTableStmt *) node;
	const Missing *server;

	if (state->missing == NIL)
		return false;
	if (!(subject->flags & CMIG_STATEMENT_CREATES))
		return find_missing(state, subject->type, cmig_target_subject_name(subject)) != NULL;
	if (!IsA(node, CreateForeignTableStmt))
		return false;
	server = find_missing(state, OBJECT_FOREIGN_SERVER, quote_identifier(table->servername));
	if (server == NULL || server->is_shown)
		return false;
	cmig_target_note_missing(state, OBJECT_FOREIGN_TABLE, cmig_target_subject_name(subject),
							 psprintf("server \"%s\" does not exist", table->servername));
	return true;
}

/*
 * Returns the hidden object with this name if it belongs to another role.
 * Otherwise returns NULL.
 */
static const CmigHidden *
find_others(const CmigTargetState *state, ObjectType type, char *name)
{
	const CmigHidden *hidden = state->shadow->managed->all ?
	cmig_shadow_global_find(state->shadow->hidden, type, (Node *) makeString(name)) : NULL;

	return hidden == NULL || has_privs_of_role(GetUserId(), hidden->owner) ? NULL : hidden;
}

/*
 * A target must not create an object with the name of another role's object: a
 * function that runs with that role's privileges would use the new object.  If
 * the statement would do this, make the existing object visible instead, and
 * return true.
 */
static bool
shows_others(CmigTargetState *state, Node *node, const CmigSubject *subject)
{
	const CmigHidden *hidden;

	if (IsA(node, RenameStmt) && subject->type == OBJECT_FOREIGN_SERVER &&
		find_others(state, subject->type, ((RenameStmt *) node)->newname) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("server \"%s\" already exists", ((RenameStmt *) node)->newname)));
	if (!(subject->flags & CMIG_STATEMENT_CREATES) || !IsA(subject->object, String))
		return false;
	hidden = find_others(state, subject->type, strVal(subject->object));
	if (hidden == NULL)
		return false;
	cmig_shadow_global_show(hidden);
	cmig_target_note_missing(state, subject->type, cmig_target_subject_name(subject), NULL);
	return true;
}

/*
 * Raise an error if the statement needs a server that exists, but that the target
 * has not created.
 */
static void
require_server(const CmigTargetState *state, char *name)
{
	const CmigHidden *hidden = OidIsValid(get_foreign_server_oid(name, true)) ? NULL :
	cmig_shadow_global_find(state->shadow->hidden, OBJECT_FOREIGN_SERVER, (Node *) makeString(name));
	ForeignServer *server = hidden ?
	GetForeignServerExtended(hidden->object, FSV_MISSING_OK) : NULL;
	ForeignDataWrapper *wrapper;

	/* the target may have dropped it */
	if (server == NULL)
		return;
	wrapper = GetForeignDataWrapper(server->fdwid);
	foreach_ptr(CmigHidden, each, state->shadow->hidden)
	{
		if (each->catalog == ForeignDataWrapperRelationId &&
			each->object == wrapper->fdwid)
			wrapper->fdwname = each->name;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("server \"%s\" does not exist", name),
			 errhint("Add this to the target: CREATE SERVER %s FOREIGN DATA WRAPPER %s",
					 quote_identifier(name), quote_identifier(wrapper->fdwname))));
}

/*
 * Roles, which belong to the whole server
 */

/*
 * Is this a rehearsal, in which the server raises the error that the role does
 * not exist?  Not if the scripts create it.
 */
static bool
must_exist(const CmigTargetState *state, const RoleSpec *role)
{
	return state->exact && role->roletype == ROLESPEC_CSTRING &&
		!OidIsValid(get_role_oid(role->rolename, true)) &&
		find_missing(state, OBJECT_ROLE, role->rolename) == NULL;
}

/* If the role does not exist, adds a note and returns true. */
static bool
note_absent(CmigTargetState *state, const RoleSpec *role, const char *kind, const char *object)
{
	if (role == NULL || role->roletype != ROLESPEC_CSTRING ||
		OidIsValid(get_role_oid(role->rolename, true)) || must_exist(state, role))
		return false;

	cmig_target_note(state, kind, object, psprintf("role \"%s\" does not exist", role->rolename));
	return true;
}

/*
 * Returns the reason why an object cannot be given to the role, or NULL if it
 * can.  "schema" is the object's schema, and may be NULL.
 */
static char *
why_not_owner(const RoleSpec *role, const char *schema)
{
	Oid			oid = get_rolespec_oid(role, true);
	Oid			namespace = schema == NULL ? InvalidOid : get_namespace_oid(schema, true);

	if (!OidIsValid(oid))
		return psprintf("role \"%s\" does not exist", role->rolename);
	if (oid == GetUserId())
		return NULL;
	if (!cmig_can_set_role_compat(GetUserId(), oid))
		return psprintf("must be able to SET ROLE \"%s\"", GetUserNameFromId(oid, false));
	if (OidIsValid(namespace) && !superuser() &&
		!cmig_may_compat(NamespaceRelationId, namespace, oid, ACL_CREATE))
		return psprintf("role \"%s\" has no CREATE privilege on schema \"%s\"",
						GetUserNameFromId(oid, false), schema);
	return NULL;
}

/*
 * Can the role be the owner of the statement's object?  If not, adds a note.
 */
static bool
may_own(CmigTargetState *state, const CmigSubject *subject, const RoleSpec *owner)
{
	char	   *reason = why_not_owner(owner,
									   subject->type == OBJECT_SCHEMA ? NULL :
									   cmig_target_subject_schema(subject));
	CmigTargetNote *note;

	if (reason == NULL || must_exist(state, owner))
		return true;
	note = cmig_target_note(state, "owner",
							psprintf("%s %s", cmig_target_object_kind(subject->type),
									 cmig_target_subject_name(subject)), reason);
	if (owner->rolename != NULL)
		note->role = MemoryContextStrdup(state->context, owner->rolename);
	return false;
}

/*
 * Returns a copy of ALTER TABLE without OWNER TO actions that are not
 * possible, or NULL if no action is left.
 *
 * The copy adds foreign keys as valid, without checking the rows: only the
 * schema is compared, and the check takes more time than the rest of the
 * statement.  In a target, which often drops what it is about to create, as
 * pg_dump --clean does, the copy has IF EXISTS if it only drops something.
 */
static Node *
adapt_alter_table(CmigTargetState *state, Node *statement, const CmigSubject *subject)
{
	AlterTableStmt *alter = (AlterTableStmt *) copyObject(statement);
	bool		only_drops = !cmig_running.replaying;
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);
		Constraint *constraint = (Constraint *) command->def;

		switch (command->subtype)
		{
			case AT_DropConstraint:
				break;
			case AT_DetachPartition:
				cmig_distribution_record_detach(RangeVarGetRelid(((PartitionCmd *) command->def)->name, NoLock, true));
				break;
			case AT_ColumnDefault:
				only_drops &= command->def == NULL;
				break;
			case AT_AddConstraint:
				only_drops = false;
				if (constraint == NULL || !IsA(constraint, Constraint) ||
					constraint->contype != CONSTR_FOREIGN ||
					constraint->skip_validation)
					break;
				constraint->skip_validation = constraint->initially_valid = true;
				break;
			case AT_ChangeOwner:
				only_drops = false;
				if (!may_own(state, subject, command->newowner))
					alter->cmds = foreach_delete_current(alter->cmds, cell);
				break;
			default:
				only_drops = false;
				break;
		}
	}
	alter->missing_ok |= only_drops;
	return alter->cmds == NIL ? NULL : (Node *) alter;
}

/*
 * Returns a copy of GRANT, REVOKE, or ALTER DEFAULT PRIVILEGES with only those
 * of its roles that exist, or NULL if none is left.
 */
static Node *
existing_grantees(CmigTargetState *state, Node *statement, const char *kind, const char *object)
{
	Node	   *copy = copyObject(statement);
	GrantStmt  *grant = IsA(copy, GrantStmt) ? (GrantStmt *) copy :
	((AlterDefaultPrivilegesStmt *) copy)->action;
	ListCell   *cell;

	foreach(cell, grant->grantees)
	{
		if (note_absent(state, lfirst(cell), kind, object))
			grant->grantees = foreach_delete_current(grant->grantees, cell);
	}
	return grant->grantees == NIL ? NULL : copy;
}

/*
 * Process GRANT and REVOKE of role memberships.  Nothing is noted for a
 * membership that already exists.
 */
static void
note_memberships(CmigTargetState *state, const GrantRoleStmt *grant)
{
	foreach_node(AccessPriv, each, grant->granted_roles)
	{
		char	   *name = each->priv_name;
		Oid			role = get_role_oid(name, true);

		foreach_ptr(const RoleSpec, spec, grant->grantee_roles)
		{
			const char *object = spec->rolename == NULL ? quote_identifier(name) :
			psprintf("%s in %s", quote_identifier(spec->rolename), quote_identifier(name));
			Oid			member = get_rolespec_oid(spec, true);

			if (!grant->is_grant)
				forget(state, "role membership", object);
			else if (!OidIsValid(role) || !OidIsValid(member) ||
					 !is_member_of_role_nosuper(member, role))
				cmig_target_note(state, "role membership", object,
								 "roles belong to the whole server");
		}
	}
}

/*
 * Process a statement that may name roles.  Statements that create, alter, or
 * drop roles are not run.  From other statements, the parts that name roles
 * that do not exist, or cannot be owners, are removed.
 */
static Node *
adapt_roles(CmigTargetState *state, Node *node, const CmigSubject *subject)
{
	const char *name = cmig_target_subject_name(subject);
	const char *kind = "user mapping";
	CreateSchemaStmt *create = (CreateSchemaStmt *) node;
	GrantStmt  *grant = (GrantStmt *) node;
	AlterDefaultPrivilegesStmt *defaults = (AlterDefaultPrivilegesStmt *) node;
	List	   *roles = NIL;
	ListCell   *role;

	switch (nodeTag(node))
	{
		case T_CreateRoleStmt:
			if (!OidIsValid(get_role_oid(((CreateRoleStmt *) node)->role, true)))
				cmig_target_note_missing(state, OBJECT_ROLE, ((CreateRoleStmt *) node)->role,
										 "roles belong to the whole server: create it before the schema");
			return NULL;
		case T_DropRoleStmt:
			foreach_node(RoleSpec, each, ((DropRoleStmt *) node)->roles)
			{
				if (each->rolename != NULL)
					forget(state, "role", each->rolename);
			}
			return NULL;
		case T_AlterRoleStmt:
		case T_AlterRoleSetStmt:
			return NULL;
		case T_GrantRoleStmt:
			note_memberships(state, (GrantRoleStmt *) node);
			return NULL;
		case T_AlterOwnerStmt:
			return may_own(state, subject, ((AlterOwnerStmt *) node)->newowner) ? node : NULL;
		case T_AlterTableStmt:
			return adapt_alter_table(state, node, subject);
		case T_CreateSchemaStmt:
			if (create->authrole == NULL || may_own(state, subject, create->authrole))
				return node;
			create = copyObject(create);
			create->schemaname = cmig_target_created_schema(node);
			create->authrole = NULL;
			return (Node *) create;
		case T_GrantStmt:
			name = psprintf(grant->targtype == ACL_TARGET_ALL_IN_SCHEMA ? "all %ss in schema %s" :
							"%s %s",
							cmig_target_object_kind(grant->objtype), name);
			node = existing_grantees(state, node, "privilege", name);
			return note_absent(state, grant->grantor, "privilege", name) ? NULL : node;
		case T_AlterDefaultPrivilegesStmt:
			foreach_node(DefElem, option, defaults->options)
			{
				foreach(role, strcmp(option->defname, "roles") == 0 ? (List *) option->arg : NIL)
				{
					char	   *reason = why_not_owner(lfirst(role), NULL);

					if (reason == NULL)
						continue;
					cmig_target_note(state, "default privileges",
									 psprintf("FOR ROLE %s",
											  quote_identifier(role_name(lfirst(role)))), reason);
					return NULL;
				}
			}
			return existing_grantees(state, node, "default privileges",
									 cmig_target_object_kind(defaults->action->objtype));

		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
			/* without one of its roles, it would be a different policy */
			kind = "policy";
			roles = IsA(node, CreatePolicyStmt) ? ((CreatePolicyStmt *) node)->roles :
				((AlterPolicyStmt *) node)->roles;
			name = psprintf("%s on %s",
							quote_identifier(IsA(node, CreatePolicyStmt) ?
											 ((CreatePolicyStmt *) node)->policy_name :
											 ((AlterPolicyStmt *) node)->policy_name), name);
			break;
		case T_CreateUserMappingStmt:
			roles = list_make1(((CreateUserMappingStmt *) node)->user);
			break;
		case T_AlterUserMappingStmt:
			roles = list_make1(((AlterUserMappingStmt *) node)->user);
			break;
		case T_DropUserMappingStmt:
			roles = list_make1(((DropUserMappingStmt *) node)->user);
			break;
		default:
			return node;
	}
	foreach_ptr(const RoleSpec, spec, roles)
	{
		const char *object = strcmp(kind, "policy") == 0 || spec->rolename == NULL ? name :
		psprintf("for %s server %s", quote_identifier(spec->rolename), name);

		if (note_absent(state, spec, kind, object))
			return NULL;
	}
	return node;
}

/*
 * A partition of a live table, which is not compared, takes the place of live
 * partitions that are hidden: remove them from that table.
 */
static void
clear_places(CmigTargetState *state, const CreateStmt *create)
{
	Oid			whole = create->partbound == NULL ? InvalidOid :
	RangeVarGetRelid(linitial(create->inhRelations), AccessShareLock, true);

	if (!OidIsValid(whole) ||
		!cmig_shadow_is_live_schema(state->shadow, get_rel_namespace(whole)))
		return;
	foreach_oid(part, find_inheritance_children(whole, NoLock))
	{
		for (int i = 0; i < state->shadow->count; i++)
			if (state->shadow->schemas[i].live == get_rel_namespace(part))
				(void) DeleteInheritsTuple(part, whole, false, get_rel_name(part));
	}
	CacheInvalidateRelcacheByRelid(whole);
	CommandCounterIncrement();
}

Node *
cmig_target_adapt(CmigTargetState *state, Node *node)
{
	CmigSubject subject = {0};
	bool		silently;

	if (has_no_schema(node, &silently))
	{
		if (!silently)
			cmig_target_leave_out(state, GetCommandTagName(CreateCommandTag(node)));
		return NULL;
	}
	if (cmig_target_subject(node, &subject) &&
		(is_about_missing(state, node, &subject) || shows_others(state, node, &subject)))
		return NULL;
	if (IsA(node, CreateForeignTableStmt))
		require_server(state, ((CreateForeignTableStmt *) node)->servername);
	if (IsA(node, CreateUserMappingStmt))
		require_server(state, ((CreateUserMappingStmt *) node)->servername);
	if (IsA(node, CreateStmt))
		clear_places(state, (CreateStmt *) node);
	/* subscriptions are ignored, because they would connect to another server */
	if (subject.type == OBJECT_SUBSCRIPTION)
	{
		if (subject.flags & CMIG_STATEMENT_CREATES)
			cmig_target_note_missing(state, OBJECT_SUBSCRIPTION, cmig_target_subject_name(&subject),
									 "subscriptions are not compared");
		return NULL;
	}
	if (IsA(node, DropStmt) && subject.type == OBJECT_SCHEMA)
		return cmig_target_schema_drop(state, node);
	if (IsA(node, GrantStmt) || IsA(node, DropStmt))
		node = without_elsewhere(state, node);
	if (node == NULL || cmig_target_is_elsewhere(state, node) ||
		(!superuser() && is_grant_on_member((GrantStmt *) node)) ||
		cmig_target_extension_run(state, node))
		return NULL;
	node = adapt_roles(state, node, &subject);
	if (node != NULL && IsA(node, DropStmt) && !cmig_running.replaying)
	{
		/* as for ALTER TABLE, a missing object is only an error in a revision */
		node = copyObject(node);
		((DropStmt *) node)->missing_ok = true;
	}
	return node != NULL && cmig_target_created_schema(node) != NULL &&
		cmig_target_schema_create(state, node) ? NULL : node;
}
