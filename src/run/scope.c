/*
 * scope.c
 *	  Determines the scope of a call: the database, or one of its schemas.
 *
 * A schema that is a scope has its own version rows, journal, progress, and
 * run lock.  The setting cmig.scope contains the schema's name, or an empty
 * string for the database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "run/internal.h"

/* The value of the setting cmig.scope. */
static char *scope = NULL;

/* The scope in which the current script started, and the role that it runs as. */
static char pinned[NAMEDATALEN];
static bool is_pinned = false;
static Oid	script_user = InvalidOid;

/* Have functions, operators, types, or schemas changed since the scope was checked? */
static bool is_stale = false;
static bool is_looking = false;

static planner_hook_type next_planner = NULL;

/* The scope that a procedure works on, if it works on several. */
static char selected[NAMEDATALEN];
static bool is_selected = false;

/* The scope in which a function looks at others, whatever its caller's is; or NULL. */
static char *entered = NULL;

const char *
cmig_scope_reserved(const char *name)
{
	if (strncmp(name, "pg_", 3) == 0 || strcmp(name, "information_schema") == 0)
		return "It is a system schema.";
	if (strcmp(name, "cmig") == 0 || strcmp(name, "cmig_audit") == 0)
		return "It belongs to pg_cmig.";
	if (strcmp(name, "public") == 0)
		return "It contains the objects that all scopes share.";
	if (strcmp(name, "$user") == 0)
		return "In search_path, it stands for the current role.";
	if (strlen(name) >= NAMEDATALEN)
		return "Its name is longer than 63 bytes.";
	return NULL;
}

/* GUC check hook of cmig.scope. */
static bool
check_scope(char **newval, void **extra, GucSource source)
{
	const char *reason = *newval ? cmig_scope_reserved(*newval) : NULL;

	/*
	 * if possible, keep an invalid value, which causes an error later: with
	 * the default, a run would migrate the whole database instead of the
	 * scope
	 */
	if (reason == NULL || cmig_settings_keep_invalid(source))
		return true;
	GUC_check_errdetail("%s", reason);
	return false;
}

const char *
cmig_scope_current(void)
{
	const char *name;

	if (entered != NULL)
		return entered;
	if (is_pinned)
		return pinned;
	if (is_selected)
		return selected;
	name = cmig_settings_text("cmig.scope", scope);
	return name ? name : "";
}

bool
cmig_scope_is_set(void)
{
	return cmig_scope_current()[0] != '\0';
}

const char *
cmig_scope_setting(void)
{
	/*
	 * the error may be that no lock can be taken, so that no setting can be
	 * read
	 */
	const char *name = entered ? entered : is_pinned ? pinned : is_selected ? selected : scope;

	if (!cmig_text_is_given(name))
		return "";
	return psprintf("SET cmig.scope = %s; ", quote_literal_cstr(name));
}

void
cmig_scope_enter(const char *name)
{
	cmig_settings_override("cmig.scope", name);
	cmig_settings_set("cmig.entered_scope", name, PGC_INTERNAL, GUC_ACTION_SAVE);
}

void
cmig_scope_select(const char *name)
{
	is_selected = name != NULL;
	if (!is_selected)
		return;
	cmig_call_require_guard();
	strlcpy(selected, name, sizeof(selected));
}

void
cmig_scope_pin(void)
{
	strlcpy(pinned, cmig_scope_current(), sizeof(pinned));
	is_pinned = true;
	script_user = GetUserId();
}

void
cmig_scope_unpin(void)
{
	is_pinned = false;
}

/* Raise error 3F000, because the scope's schema does not exist. */
static void
refuse_missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_SCHEMA),
			 errmsg("schema \"%s\" does not exist", name),
			 errdetail("The setting cmig.scope names this schema."),
			 cmig_hint("To see the scopes: `SELECT * FROM cmig.scopes()`")));
}

/*
 * Raise error 22023 if the schema cannot be a scope.  This can only happen if
 * an invalid value of cmig.scope was kept by the check hook.
 */
static void
require_possible(const char *name)
{
	const char *reason = cmig_scope_reserved(name);

	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("schema \"%s\" cannot be a scope", name),
				 errdetail("%s The setting cmig.scope names this schema.", reason),
				 cmig_hint("To use a scope: `SET cmig.scope = '<schema>'`. To use the database: `SET cmig.scope = ''`")));
}

void
cmig_scope_require(void)
{
	const char *name = cmig_scope_current();

	if (name[0] == '\0')
		return;
	require_possible(name);
	if (!OidIsValid(get_namespace_oid(name, true)))
		refuse_missing(name);
}

/*
 * Can scripts that run as "user" safely use objects owned by "role"?  The user
 * itself, superusers, and the database's owner are trusted.
 */
static bool
is_trusted(Oid role, Oid user)
{
	return role == user || role == ROLE_PG_DATABASE_OWNER ||
		(OidIsValid(role) && superuser_arg(role)) ||
		role == cmig_role_owner_in(DatabaseRelationId, MyDatabaseId);
}

/* Returns a role's name, or its OID if it no longer exists. */
static char *
role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name ? name : psprintf("%u", role);
}

bool
cmig_scope_is_refusal(const ErrorData *error)
{
	return cmig_error_is_from(error, ERRCODE_INSUFFICIENT_PRIVILEGE, "require_no_stranger") ||
		cmig_error_is_from(error, ERRCODE_INSUFFICIENT_PRIVILEGE, "require_no_namesake");
}

/*
 * Raise error 42501 if a role that is not trusted can create objects in the
 * schema.
 */
static void
require_no_stranger(Oid schema, const char *name, Oid user)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid			owner;
	Oid			stranger;
	Datum		datum;
	bool		isnull;
	bool		found;
	bool		created;

	if (!HeapTupleIsValid(tuple))
		return;
	created = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	stranger = owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	found = !is_trusted(owner, user);
	datum = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &isnull);
	if (!found && !isnull)
	{
		Acl		   *acl = DatumGetAclPCopy(datum);

		for (int i = 0; i < ACL_NUM(acl) && !found; i++)
		{
			const AclItem *item = &ACL_DAT(acl)[i];

			stranger = item->ai_grantee;
			found = (ACLITEM_GET_PRIVS(*item) & ACL_CREATE) != 0 && !is_trusted(stranger, user);
		}
	}
	ReleaseSysCache(tuple);
	if (!found)
		return;

	/* InvalidOid stands for PUBLIC */
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("schema \"%s\" is not a safe scope for role \"%s\"", name, role_name(user)),
			 errdetail("%s can create objects in the schema, and scripts would find these objects first.",
					   OidIsValid(stranger) ? psprintf("Role \"%s\"", role_name(stranger)) :
					   "Any role"),
	/* the schema is gone with the transaction */
			 created && stranger != owner ?
			 errhint("Default privileges give it this right. If it is to have none in new schemas:"
					 " ALTER DEFAULT PRIVILEGES FOR ROLE %s REVOKE CREATE ON SCHEMAS FROM %s",
					 quote_identifier(role_name(owner)),
					 OidIsValid(stranger) ? quote_identifier(role_name(stranger)) : "PUBLIC") :
			 stranger == owner ?
			 errhint("Check the objects in the schema first. Then: ALTER SCHEMA %s OWNER TO %s",
					 quote_identifier(name), quote_identifier(role_name(user))) :
			 errhint("Check the objects in the schema first. Then: REVOKE CREATE ON SCHEMA %s FROM %s",
					 quote_identifier(name),
					 OidIsValid(stranger) ? quote_identifier(role_name(stranger)) : "PUBLIC")));
}

/*
 * A query for a function, operator, type, or relation in schema $1 whose owner is
 * not trusted by the role $3, and that has the same name as an object in the
 * schemas $2.  If scripts could become a superuser by resetting their role, as
 * $4 says, not even that role is trusted, except as the owner of relations,
 * because it usually owns the tables that earlier scripts have created.  Objects
 * of the bootstrap superuser are not found, because pg_shdepend does not record
 * their owner.  OFFSET 0 makes sure that the objects in the schema are looked up
 * first, whatever the planner's statistics say.
 */
static CmigQuery namesakes_query = {
	.sql = "SELECT o.name FROM pg_depend d"
	" CROSS JOIN LATERAL (SELECT FROM pg_shdepend h JOIN pg_database b ON b.oid = h.dbid"
	"  JOIN pg_roles r ON r.oid = h.refobjid WHERE b.datname = current_database()"
	"  AND h.classid = d.classid AND h.objid = d.objid AND h.objsubid = 0 AND h.deptype = 'o'"
	"  AND NOT r.rolsuper AND r.oid <> b.datdba AND r.rolname <> 'pg_database_owner'"
	"  AND (r.oid <> $3 OR ($4 AND d.classid <> 'pg_class'::regclass)) OFFSET 0) s"
	" CROSS JOIN LATERAL (SELECT p.oid::regprocedure::text FROM pg_proc p"
	/* the name of a type is a function in a cast such as uuid(t) */
	"   WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid AND (EXISTS (SELECT FROM pg_proc q"
	"    WHERE q.proname = p.proname AND (q.pronamespace = ANY ($2) OR (q.pronamespace = $1 AND q.proowner <> p.proowner))) OR EXISTS (SELECT FROM pg_type q"
	"    WHERE q.typname = p.proname AND q.typnamespace = ANY ($2)))"
	"  UNION ALL SELECT " CMIG_OPERATOR_SQL("p") " FROM pg_operator p"
	"   WHERE d.classid = 'pg_operator'::regclass AND p.oid = d.objid AND EXISTS (SELECT"
	" FROM pg_operator q"
	"    WHERE q.oprname = p.oprname AND (q.oprnamespace = ANY ($2) OR (q.oprnamespace = $1 AND q.oprowner <> p.oprowner)))"
	"  UNION ALL SELECT t.oid::regtype::text FROM pg_type t"
	"   WHERE d.classid = 'pg_type'::regclass AND t.oid = d.objid AND EXISTS (SELECT FROM pg_type q"
	"    WHERE q.typname = t.typname AND q.typnamespace = ANY ($2))"
	"  UNION ALL SELECT c.oid::regclass::text FROM pg_class c"
	/* a table is also a type */
	"   WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid AND (EXISTS (SELECT"
	" FROM pg_class q"
	"    WHERE q.relname = c.relname AND q.relnamespace = ANY ($2)) OR EXISTS (SELECT FROM pg_type q"
	"    WHERE q.typname = c.relname AND q.typnamespace = ANY ($2)))"
	"  UNION ALL SELECT 'collation ' || c.oid::regcollation FROM pg_collation c"
	"   WHERE d.classid = 'pg_collation'::regclass AND c.oid = d.objid AND EXISTS (SELECT"
	" FROM pg_collation q"
	"    WHERE q.collname = c.collname AND q.collnamespace = ANY ($2))"
	"  UNION ALL SELECT 'text search configuration ' || c.oid::regconfig FROM pg_ts_config c"
	"   WHERE d.classid = 'pg_ts_config'::regclass AND c.oid = d.objid AND EXISTS (SELECT"
	" FROM pg_ts_config q"
	"    WHERE q.cfgname = c.cfgname AND q.cfgnamespace = ANY ($2))"
	"  UNION ALL SELECT 'text search dictionary ' || c.oid::regdictionary FROM pg_ts_dict c"
	"   WHERE d.classid = 'pg_ts_dict'::regclass AND c.oid = d.objid AND EXISTS (SELECT"
	" FROM pg_ts_dict q"
	"    WHERE q.dictname = c.dictname AND q.dictnamespace = ANY ($2))) o (name)"
	" WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1"
	" AND d.classid = ANY ('{pg_proc,pg_operator,pg_type,pg_class,pg_collation,pg_ts_config,pg_ts_dict}'::regclass[])"
	" ORDER BY o.name LIMIT 1",
	.argtypes = {OIDOID, OIDARRAYOID, OIDOID, BOOLOID}
};

/*
 * Raise error 42501 if a script could use an object in the schema in place of
 * one in pg_catalog or in a schema in "path", and the object's owner is not
 * trusted.
 */
static void
require_no_namesake(Oid schema, const char *path, const char *name, Oid user)
{
	Datum		values[4] = {
		ObjectIdGetDatum(schema), 0, ObjectIdGetDatum(user),
		BoolGetDatum(superuser_arg(GetSessionUserId()) || superuser_arg(GetOuterUserId()))
	};
	List	   *names;
	Datum	   *schemas;
	int			count = 0;
	char	   *object;

	/* pg_catalog and the schemas that follow the scope's in search_path */
	(void) SplitIdentifierString(pstrdup(path), ',', &names);
	names = lappend(names, "pg_catalog");
	schemas = palloc(sizeof(Datum) * list_length(names));
	foreach_ptr(char, each, names)
	{
		bool		is_user = strcmp(each, "$user") == 0;
		Oid			other = get_namespace_oid(is_user ? role_name(user) : each, true);

		if (OidIsValid(other) && other != schema)
			schemas[count++] = ObjectIdGetDatum(other);
	}
	values[1] = PointerGetDatum(construct_array(schemas, count, OIDOID, sizeof(Oid), true,
												TYPALIGN_INT));
	/* names are looked up with the latest snapshot, too */
	object = cmig_query_at_snapshot(&namesakes_query, values, cmig_latest_snapshot());
	if (object != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\" is not a safe scope for role \"%s\"", name, role_name(user)),
				 errdetail("A role that is not a superuser owns %s, and scripts would use it in place of an object in pg_catalog or %s.",
						   object, path),
				 errhint("Drop this object, or change its owner if you know what it does.")));
}

static void
require_safe(const char *path, Oid user)
{
	const char *name = cmig_scope_current();
	Oid			schema;

	require_possible(name);

	/*
	 * lock the schema, so that nobody can drop and re-create it after the
	 * check
	 */
	schema = get_namespace_oid(name, true);
	if (OidIsValid(schema))
		LockDatabaseObject(NamespaceRelationId, schema, 0, AccessShareLock);
	if (!OidIsValid(schema) || get_namespace_oid(name, true) != schema)
		refuse_missing(name);
	require_no_stranger(schema, name, user);
	require_no_namesake(schema, cmig_text_is_given(path) ? path : "public", name, user);
}

void
cmig_scope_require_safe(const char *path)
{
	if (!cmig_scope_is_set())
		return;
	is_stale = false;
	require_safe(path, GetUserId());
}

/*
 * What a role created while it was allowed to, and commits only after the check,
 * is found by name, too.  So the check is repeated, if there is anything new,
 * before what a script has found by name is planned, evaluated, or called.  No
 * function of another role in the schema is called at all, because a script has many
 * ways to find one, such as the name of a type or a search_path of its own.
 * Functions that run as another role use only the privileges of that role.
 */
void
cmig_scope_look_again(Oid function)
{
	Oid			user;
	int			context;
	Oid			schema;

	if (!is_pinned || pinned[0] == '\0' || is_looking)
		return;
	GetUserIdAndSecContext(&user, &context);
	if (user != script_user &&
		(context & (SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION)) != 0)
		return;
	AcceptInvalidationMessages();
	schema = get_namespace_oid(pinned, true);
	if (OidIsValid(schema) && OidIsValid(function) && get_func_namespace(function) == schema &&
		!is_trusted(cmig_role_owner_in(ProcedureRelationId, function), script_user))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\" is not a safe scope for role \"%s\"", pinned,
						role_name(script_user)),
				 errdetail("A role that is not a superuser owns function %s, and a script would call it.",
						   format_procedure(function)),
				 errhint("Drop this object, or change its owner if you know what it does.")));
	if (!is_stale || !OidIsValid(schema))
		return;
	is_stale = false;
	is_looking = true;
	PG_TRY();
	{
		require_safe(cmig_session_path_setting(), script_user);
		is_looking = false;
	}
	PG_CATCH();
	{
		/* the script can catch the error */
		is_stale = true;
		is_looking = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* Planner hook. */
static PlannedStmt *
plan(CMIG_PLANNER_PARAMETERS_COMPAT)
{
	cmig_scope_look_again(InvalidOid);
	if (next_planner)
		return next_planner(CMIG_PLANNER_ARGUMENTS_COMPAT);
	return standard_planner(CMIG_PLANNER_ARGUMENTS_COMPAT);
}

/* Syscache callback. */
static void
note_change(Datum arg, int cache, uint32 hash)
{
	is_stale = true;
}

void
cmig_scope_refuse(const char *function, const char *hint)
{
	if (cmig_scope_is_set())
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s does not work in a scope", function),
				 errdetail("cmig.scope is \"%s\".", cmig_scope_current()),
				 cmig_hint("%s", hint)));
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
	static const int caches[] = {PROCOID, OPEROID, TYPEOID, NAMESPACEOID, RELOID, COLLOID, TSCONFIGOID, TSDICTOID};

	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], note_change, (Datum) 0);
	next_planner = planner_hook;
	planner_hook = plan;
	DefineCustomStringVariable(cmig_settings_name("cmig.scope"),
							   "Sets the schema that migrations run in, with version rows and a journal of its own.",
							   "If empty, they run in the database.",
							   &scope, "", PGC_USERSET, 0,
							   check_scope, NULL, NULL);
	/* a setting, because it ends with the subtransaction */
	DefineCustomStringVariable(cmig_settings_name("cmig.entered_scope"),
							   "Contains the scope that a function of pg_cmig is looking at.",
							   NULL,
							   &entered, NULL, PGC_INTERNAL,
							   GUC_NO_SHOW_ALL | GUC_NO_RESET_ALL | GUC_NOT_IN_SAMPLE |
							   GUC_DISALLOW_IN_FILE,
							   NULL, NULL, NULL);
}
