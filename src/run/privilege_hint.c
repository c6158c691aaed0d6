/*
 * privilege_hint.c
 *	  Suggests a command if the role of a script lacks a privilege.
 *
 * PostgreSQL's error names a relation without its schema.  If several
 * relations have this name and different owners, the hint does not name an
 * owner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/role.h"
#include "run/privilege_hint.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#define MUST_BE_OWNER "must be owner of "
#define PERMISSION_DENIED "permission denied for "

/* Does text begin with prefix? */
static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * Returns the name of the object in the error's message, or NULL if there is
 * none.  The name is the string that replaced %s in the format of the message,
 * so this works in any language.
 */
static char *
named_object(const ErrorData *error)
{
	const char *format = gettext(error->message_id);
	const char *place = strstr(format, "%s");
	int			before;
	int			after;
	int			length = strlen(error->message);

	if (place == NULL)
		return NULL;
	before = place - format;
	after = strlen(place + 2);
	if (length <= before + after)
		return NULL;
	return pnstrdup(error->message + before, length - before - after);
}

/*
 * The objects that have a given name and whose owners' privileges the current
 * user lacks.  "owner" is InvalidOid if they have different owners.  "object"
 * and "schema" are InvalidOid if there are several objects.
 */
typedef struct Found
{
	int			count;
	Oid			object;
	Oid			owner;
	Oid			schema;
} Found;

/*
 * Add an object, which may be the one named in the error, unless the current
 * user has the privileges of its owner.
 */
static void
add_found(Found *found, Oid object, Oid owner, Oid schema)
{
	if (has_privs_of_role(GetUserId(), owner))
		return;
	found->owner = found->count == 0 || found->owner == owner ? owner : InvalidOid;
	found->schema = found->count == 0 ? schema : InvalidOid;
	found->object = found->count == 0 ? object : InvalidOid;
	found->count++;
}

/*
 * Returns the name without its schema.  Sets *schema to the schema, or to
 * InvalidOid if the name is not qualified or the schema does not exist.
 */
static const char *
split_name(const char *name, Oid *schema)
{
	const char *dot = strrchr(name, '.');

	*schema = InvalidOid;
	if (dot == NULL)
		return name;
	*schema = get_namespace_oid(pnstrdup(name, dot - name), true);
	return dot + 1;
}

/* Find the relations with this name, in all schemas. */
static Found
find_relations(const char *name)
{
	CatCList   *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(name));
	Found		found = {0};

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(&list->members[i]->tuple);

		add_found(&found, class->oid, class->relowner, class->relnamespace);
	}
	ReleaseCatCacheList(list);
	return found;
}

/* Find the functions with this name, which may be qualified. */
static Found
find_functions(const char *qualified)
{
	Oid			schema;
	const char *name = split_name(qualified, &schema);
	CatCList   *list = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Found		found = {0};

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&list->members[i]->tuple);

		if (!OidIsValid(schema) || proc->pronamespace == schema)
			add_found(&found, proc->oid, proc->proowner, proc->pronamespace);
	}
	ReleaseCatCacheList(list);
	return found;
}

/* Find the types with this name, which may be qualified. */
static Found
find_types(const char *qualified)
{
	Oid			schema;
	const char *name = split_name(qualified, &schema);
	CatCList   *list = SearchSysCacheList1(TYPENAMENSP, CStringGetDatum(name));
	Found		found = {0};

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_type type = (Form_pg_type) GETSTRUCT(&list->members[i]->tuple);

		if (!OidIsValid(schema) || type->typnamespace == schema)
			add_found(&found, type->oid, type->typowner, type->typnamespace);
	}
	ReleaseCatCacheList(list);
	return found;
}

/*
 * Returns the owner of the object named in an error, or InvalidOid if the
 * owner is unknown or the current user has the owner's privileges.  "kind" is
 * the part of the message's format that gives the type of object, such as
 * "table %s".
 */
static Oid
find_owner(const char *kind, const char *name)
{
	static const char *const relations[] = {
		"table %s", "relation %s", "index %s", "view %s", "sequence %s",
		"materialized view %s", "foreign table %s"
	};
	static const char *const functions[] = {
		"function %s", "procedure %s", "routine %s", "aggregate %s"
	};
	Oid			owner = InvalidOid;

	if (strcmp(kind, "schema %s") == 0)
		owner = cmig_role_owner_of_schema(get_namespace_oid(name, true));
	else if (strcmp(kind, "database %s") == 0)
		owner = cmig_role_owner_of_database(get_database_oid(name, true));
	else if (strcmp(kind, "type %s") == 0 || strcmp(kind, "domain %s") == 0)
		owner = find_types(name).owner;
	for (int i = 0; i < lengthof(functions); i++)
	{
		if (strcmp(kind, functions[i]) == 0)
			owner = find_functions(name).owner;
	}
	for (int i = 0; i < lengthof(relations); i++)
	{
		if (strcmp(kind, relations[i]) == 0)
			owner = find_relations(name).owner;
	}

	/*
	 * replace pg_database_owner with its only member, the database's owner,
	 * whom the hint should name
	 */
	if (owner == ROLE_PG_DATABASE_OWNER)
		owner = cmig_role_owner_of_database(MyDatabaseId);
	return OidIsValid(owner) && has_privs_of_role(GetUserId(), owner) ? InvalidOid : owner;
}

/*
 * Returns the hint for the error "must be owner of".  "role" is the role of
 * the script.  The hint depends on whether the session user is a member of the
 * owner.
 */
static char *
hint_of_owner(const char *kind, const char *name, const char *role)
{
	Oid			owner = find_owner(kind, name);
	char	   *owner_name = OidIsValid(owner) ? GetUserNameFromId(owner, true) : NULL;

	if (owner_name == NULL)
		return psprintf("Scripts run as role %s. Run them as the owner: SET cmig.role = '<owner>'", role);
	if (is_member_of_role(GetSessionUserId(), owner))
		return psprintf("Scripts run as role %s. Run them as the owner: SET cmig.role = %s",
						role, quote_literal_cstr(owner_name));
	/* never suggest making a role a member of a superuser */
	if (superuser_arg(owner))
		return psprintf("Scripts run as role %s, and the owner is a superuser. Change the object's owner to a role that %s is a member of, and run scripts as that role: SET cmig.role = '<role>'",
						role, quote_identifier(GetUserNameFromId(GetSessionUserId(), false)));
	return psprintf("Scripts run as role %s. To run them as the owner: GRANT %s TO %s; SET cmig.role = %s",
					role, quote_identifier(owner_name),
					quote_identifier(GetUserNameFromId(GetSessionUserId(), false)),
					quote_literal_cstr(owner_name));
}

/*
 * Returns the privileges on a table that the hint suggests granting.  The
 * error does not say which privilege is missing, so the hint suggests SELECT,
 * INSERT, UPDATE, and DELETE or, if the role already has these, the other
 * privileges that it lacks, such as REFERENCES for a foreign key.
 */
static const char *
missing_privileges(Oid relation)
{
	static const struct
	{
		AclMode		mode;
		const char *name;
	}			privileges[] = {
		{ACL_TRUNCATE, "TRUNCATE"}, {ACL_REFERENCES, "REFERENCES"}, {ACL_TRIGGER, "TRIGGER"}
	};
	const AclMode common = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	AclMode		held = 0;
	StringInfoData text;

	if (OidIsValid(relation))
		held = pg_class_aclmask(relation, GetUserId(), ACL_ALL_RIGHTS_RELATION, ACLMASK_ALL);
	if ((held & common) != common)
		return "SELECT, INSERT, UPDATE, DELETE";
	initStringInfo(&text);
	for (int i = 0; i < lengthof(privileges); i++)
	{
		if ((held & privileges[i].mode) == 0)
			appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", privileges[i].name);
	}
	return text.len > 0 ? text.data : "SELECT, INSERT, UPDATE, DELETE";
}

/*
 * Returns the hint for the error "permission denied for", or NULL if there is
 * none for this type of object.
 */
static char *
hint_of_grant(const char *kind, const char *name, const char *role)
{
	const char *object = quote_identifier(name);
	Found		found;

	if (strcmp(kind, "database %s") == 0)
		return psprintf("Scripts run as role %s. Have the owner of the database run GRANT CREATE ON DATABASE %s TO %s, or run scripts as a role that is allowed to do this: SET cmig.role = '<role>'",
						role, object, role);
	if (strcmp(kind, "schema %s") == 0)
	{
		/*
		 * privileges on schema cmig are granted by cmig.grant_access, so do
		 * not suggest GRANT
		 */
		if (strcmp(name, "cmig") == 0)
			return NULL;
		return psprintf("Scripts run as role %s. Have the owner of the schema run GRANT USAGE, CREATE ON SCHEMA %s TO %s, or run scripts as a role that is allowed to do this: SET cmig.role = '<role>'",
						role, object, role);
	}
	found = find_relations(name);
	if (OidIsValid(found.schema))
		object = quote_qualified_identifier(get_namespace_name(found.schema), name);
	if (strcmp(kind, "table %s") == 0 || strcmp(kind, "view %s") == 0)
		return psprintf("Scripts run as role %s. Have the owner run GRANT %s ON %s TO %s, or run scripts as a role that is allowed to do this: SET cmig.role = '<role>'",
						role, missing_privileges(found.object), object, role);
	if (strcmp(kind, "sequence %s") == 0)
		return psprintf("Scripts run as role %s. Have the owner run GRANT ALL ON SEQUENCE %s TO %s, or run scripts as a role that is allowed to do this: SET cmig.role = '<role>'",
						role, object, role);
	return NULL;
}

/*
 * Returns the hint for the error "no schema has been selected to create in".
 * The hint is about the first schema in search_path, which either does not
 * exist or cannot be used by the role.
 */
static char *
hint_of_schema(const char *role)
{
	List	   *names;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(namespace_search_path), ',', &names))
		return NULL;
	foreach(lc, names)
	{
		const char *name = lfirst(lc);
		Oid			schema = get_namespace_oid(name, true);

		if (strcmp(name, "$user") == 0 || strcmp(name, "pg_temp") == 0)
			continue;
		if (!OidIsValid(schema))
			return psprintf("The search_path of scripts is %s. Have the owner of the database run CREATE SCHEMA %s, or choose another search_path: SET cmig.search_path = '<schema>'",
							namespace_search_path, quote_identifier(name));
		return psprintf("Scripts run as role %s. Have the owner of the schema run GRANT USAGE, CREATE ON SCHEMA %s TO %s, or run scripts as a role that is allowed to do this: SET cmig.role = '<role>'",
						role, quote_identifier(name), role);
	}
	return pstrdup("The search_path of scripts contains no schema: SET cmig.search_path = '<schema>'");
}

char *
cmig_privilege_hint(const ErrorData *error)
{
	const char *id = error->message_id;
	const char *role;
	char	   *name;

	if (error->sqlerrcode == ERRCODE_UNDEFINED_SCHEMA && id != NULL &&
		strcmp(id, "no schema has been selected to create in") == 0)
	{
		role = GetUserNameFromId(GetUserId(), true);
		return role ? hint_of_schema(quote_identifier(role)) : NULL;
	}
	if (error->sqlerrcode != ERRCODE_INSUFFICIENT_PRIVILEGE || id == NULL ||
		(!begins_with(id, MUST_BE_OWNER) && !begins_with(id, PERMISSION_DENIED)))
		return NULL;
	name = named_object(error);
	if (name == NULL)
		return NULL;
	role = GetUserNameFromId(GetUserId(), true);
	if (role == NULL)
		return NULL;
	role = quote_identifier(role);
	return begins_with(id, MUST_BE_OWNER) ?
		hint_of_owner(id + strlen(MUST_BE_OWNER), name, role) :
		hint_of_grant(id + strlen(PERMISSION_DENIED), name, role);
}
