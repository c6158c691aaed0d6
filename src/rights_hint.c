/*
 * rights_hint.c
 *	  What to type where the role of a script lacks a right.
 *
 * The error names a relation without its schema.  Where those of that name have
 * several owners, the hint names none.
 */
#include "postgres.h"

#include "compat.h"
#include "rights_hint.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#define MUST_BE_OWNER "must be owner of "
#define PERMISSION_DENIED "permission denied for "

static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* What stands for %s in the message, in whatever language it is; or NULL. */
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

static Oid
owner_of_schema(const char *name)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACENAME, CStringGetDatum(name));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * The relations of a name that the role does not own: *owner is theirs, if it is
 * the same of all, *schema where the only one is; else both are invalid.
 */
static void
find_relations(const char *name, Oid *owner, Oid *schema)
{
	CatCList   *list = SearchSysCacheList1(RELNAMENSP, CStringGetDatum(name));
	int			count = 0;

	*owner = *schema = InvalidOid;
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(&list->members[i]->tuple);

		if (has_privs_of_role(GetUserId(), class->relowner))
			continue;
		*owner = count == 0 || *owner == class->relowner ? class->relowner : InvalidOid;
		*schema = count == 0 ? class->relnamespace : InvalidOid;
		count++;
	}
	ReleaseCatCacheList(list);
}

static Oid
owner_of_database(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/* Who owns an object; kind is the format's words for it, as "table %s". */
static Oid
find_owner(const char *kind, const char *name)
{
	static const char *const relations[] = {
		"table %s", "relation %s", "index %s", "view %s", "sequence %s",
		"materialized view %s", "foreign table %s"
	};
	Oid			owner = InvalidOid;
	Oid			schema;

	if (strcmp(kind, "schema %s") == 0)
		owner = owner_of_schema(name);
	for (int i = 0; i < lengthof(relations); i++)
	{
		if (strcmp(kind, relations[i]) == 0)
			find_relations(name, &owner, &schema);
	}
	/* a role without members, which is whoever owns the database */
	if (owner == ROLE_PG_DATABASE_OWNER)
		owner = owner_of_database();
	return OidIsValid(owner) && has_privs_of_role(GetUserId(), owner) ? InvalidOid : owner;
}

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
	/* nobody is made a superuser by a hint */
	if (superuser_arg(owner))
		return psprintf("Scripts run as role %s, and the owner is a superuser. Give the object to a role of which %s is a member, and run scripts as that role: SET cmig.role = '<role>'",
						role, quote_identifier(GetUserNameFromId(GetSessionUserId(), false)));
	return psprintf("Scripts run as role %s. GRANT %s TO %s, and run them as the owner: SET cmig.role = %s",
					role, quote_identifier(owner_name),
					quote_identifier(GetUserNameFromId(GetSessionUserId(), false)),
					quote_literal_cstr(owner_name));
}

static char *
hint_of_grant(const char *kind, const char *name, const char *role)
{
	const char *object = quote_identifier(name);
	Oid			owner;
	Oid			schema;

	if (strcmp(kind, "schema %s") == 0)
	{
		/* that is a matter of cmig.grant_access */
		if (strcmp(name, "cmig") == 0)
			return NULL;
		return psprintf("Scripts run as role %s. Run them as one that may do this, SET cmig.role = '<role>', or let the owner of the schema GRANT USAGE, CREATE ON SCHEMA %s TO %s",
						role, object, role);
	}
	find_relations(name, &owner, &schema);
	if (OidIsValid(schema))
		object = quote_qualified_identifier(get_namespace_name(schema), name);
	if (strcmp(kind, "table %s") == 0 || strcmp(kind, "view %s") == 0)
		return psprintf("Scripts run as role %s. Run them as one that may do this, SET cmig.role = '<role>', or let the owner GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s",
						role, object, role);
	if (strcmp(kind, "sequence %s") == 0)
		return psprintf("Scripts run as role %s. Run them as one that may do this, SET cmig.role = '<role>', or let the owner GRANT ALL ON SEQUENCE %s TO %s",
						role, object, role);
	return NULL;
}

char *
cmig_rights_hint(const ErrorData *error)
{
	const char *id = error->message_id;
	const char *role;
	char	   *name;

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
