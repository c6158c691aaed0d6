/*
 * scope.c
 *	  The scope of a call: the database, or one of its schemas.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/role.h"
#include "base/settings.h"
#include "run/scope.h"

#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* Value of cmig.scope. */
static char *scope = NULL;

/* The scope in which the current script started. */
static char pinned[NAMEDATALEN];
static bool is_pinned = false;

const char *
cmig_scope_reserved(const char *name)
{
	if (strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0)
		return "It is a system schema.";
	if (strcmp(name, "cmig") == 0 || strcmp(name, "cmig_audit") == 0)
		return "It belongs to pg_cmig.";
	if (strcmp(name, "public") == 0)
		return "It contains what all scopes share.";
	return NULL;
}

/* GUC check hook of cmig.scope. */
static bool
check_scope(char **newval, void **extra, GucSource source)
{
	const char *reason = *newval ? cmig_scope_reserved(*newval) : NULL;

	if (reason != NULL)
	{
		GUC_check_errdetail("%s", reason);
		return false;
	}
	if (*newval != NULL && strlen(*newval) >= NAMEDATALEN)
	{
		GUC_check_errdetail("The name of a schema has at most %d bytes.", NAMEDATALEN - 1);
		return false;
	}
	return true;
}

const char *
cmig_scope_current(void)
{
	const char *name;

	if (is_pinned)
		return pinned;
	name = cmig_settings_text("cmig.scope", scope);
	return name ? name : "";
}

bool
cmig_scope_is_set(void)
{
	return cmig_scope_current()[0] != '\0';
}

void
cmig_scope_pin(void)
{
	strlcpy(pinned, cmig_scope_current(), sizeof(pinned));
	is_pinned = true;
}

void
cmig_scope_unpin(void)
{
	is_pinned = false;
}

void
cmig_scope_require(void)
{
	const char *name = cmig_scope_current();
	const char *reason;

	if (name[0] == '\0')
		return;
	reason = cmig_scope_reserved(name);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schema \"%s\" cannot be a scope", name),
				 errdetail("%s", reason),
				 errhint("SET cmig.scope = '<schema>', or RESET cmig.scope")));
	if (!OidIsValid(get_namespace_oid(name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA),
				 errmsg("schema \"%s\" does not exist", name),
				 errdetail("The setting cmig.scope names this schema."),
				 errhint("CREATE SCHEMA %s", quote_identifier(name))));
}

/*
 * Can scripts that run as the current role safely use objects created by
 * "role"?  Only the current role itself, superusers, and the database's owner
 * are trusted.
 */
static bool
is_trusted(Oid role)
{
	return role == GetUserId() || role == ROLE_PG_DATABASE_OWNER || (OidIsValid(role) && superuser_arg(role)) ||
		role == cmig_role_owner_of_database(MyDatabaseId);
}

/* A role that can create objects in a schema. */
typedef struct Creator
{
	Oid			role;			/* InvalidOid stands for PUBLIC */
	bool		is_owner;		/* does the role own the schema? */
}			Creator;

/*
 * Finds a role that is not trusted and can create objects in the schema.
 * Returns false if there is no such role.
 */
static bool
find_stranger(Oid schema, Creator * stranger)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Datum		datum;
	bool		isnull;
	bool		found;

	if (!HeapTupleIsValid(tuple))
		return false;
	stranger->role = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	stranger->is_owner = found = !is_trusted(stranger->role);
	datum = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &isnull);
	if (!found && !isnull)
	{
		Acl		   *acl = DatumGetAclPCopy(datum);

		for (int i = 0; i < ACL_NUM(acl) && !found; i++)
		{
			const AclItem *item = &ACL_DAT(acl)[i];

			stranger->role = item->ai_grantee;
			found = (ACLITEM_GET_PRIVS(*item) & ACL_CREATE) != 0 && !is_trusted(stranger->role);
		}
	}
	ReleaseSysCache(tuple);
	return found;
}

/* Returns a role's name, or its OID if it no longer exists. */
static char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name ? name : psprintf("%u", role);
}

void
cmig_scope_require_safe(void)
{
	const char *name = cmig_scope_current();
	Oid			schema = name[0] ? get_namespace_oid(name, true) : InvalidOid;
	char	   *user = GetUserNameFromId(GetUserId(), false);
	Creator		stranger;

	if (!OidIsValid(schema) || !find_stranger(schema, &stranger))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("schema \"%s\" is not a safe scope for role \"%s\"", name, user),
			 OidIsValid(stranger.role) ?
			 errdetail("Role \"%s\" can create objects in the schema, and scripts would find these objects first.",
					   role_name(stranger.role)) :
			 errdetail("All roles can create objects in the schema, and scripts would find these objects first."),
			 stranger.is_owner ?
			 errhint("ALTER SCHEMA %s OWNER TO %s", quote_identifier(name), quote_identifier(user)) :
			 errhint("REVOKE CREATE ON SCHEMA %s FROM %s", quote_identifier(name),
					 OidIsValid(stranger.role) ? quote_identifier(role_name(stranger.role)) : "PUBLIC")));
}

void
cmig_scope_refuse(const char *function, const char *hint)
{
	if (cmig_scope_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s does not work in a scope", function),
				 errdetail("cmig.scope is \"%s\".", cmig_scope_current()),
				 errhint("%s", hint)));
}

char *
cmig_scope_text(void)
{
	if (cmig_scope_is_set())
		return psprintf("scope \"%s\"", cmig_scope_current());
	return psprintf("database \"%s\"", get_database_name(MyDatabaseId));
}

char *
cmig_scope_condition(void)
{
	if (cmig_scope_is_set())
		return psprintf(" AND scope = %s", quote_literal_cstr(cmig_scope_current()));
	return pstrdup("");
}

void
cmig_scope_init(void)
{
	DefineCustomStringVariable("cmig.scope",
							   "Sets the schema that migrations run in, with version rows and a journal of its own.",
							   "If empty, they run in the database.",
							   &scope, "", PGC_USERSET, 0,
							   check_scope, NULL, NULL);
}
