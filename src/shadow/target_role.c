/*
 * target_role.c
 *	  Processes roles, which belong to the whole server, in a target's
 *	  statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "shadow/target_object.h"
#include "shadow/target_role.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

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
											psprintf("%s %s", cmig_target_object_kind(type), name), reason);

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
	const char *kind = cmig_target_object_kind(grant->objtype);

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
	char	   *object = pstrdup(cmig_target_object_kind(alter->action->objtype));
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
				cmig_target_forget(state, "role membership", object);
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
			cmig_target_forget(state, cmig_target_object_kind(OBJECT_ROLE), role->rolename);
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
