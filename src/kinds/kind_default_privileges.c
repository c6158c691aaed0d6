/*
 * kind_default_privileges.c
 *	  Default privileges: one object for each privilege granted or revoked.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	PLACE,
	PRIVILEGE,
	GRANTABLE,
	GRANTED
};

static const CmigProperty properties[] = {
	[PLACE] = {"place", CMIG_PROPERTY_SILENT},
	[PRIVILEGE] = {"privilege", CMIG_PROPERTY_SILENT},
	[GRANTABLE] = {"grantable"},
	[GRANTED] = {"granted"},
};

/*
 * Query for the default privileges.  Those without a schema replace the
 * built-in privileges, and those for a schema are granted in addition.
 */
static const char default_privileges_sql[] =
"SELECT 'pg_default_acl'::regclass::oid, d.oid, (row_number() OVER (PARTITION BY d.oid) - 1)::integer,"
" NULL::oid, NULL::oid, NULL::integer, e.role, format('%s %s ON %s: %s', p.place, e.privilege, w.word, e.role), pg_get_userbyid(d.defaclrole)::text, false,"
" p.place, format('%s ON %s', e.privilege, w.word), CASE WHEN e.grantable THEN 't' END, CASE WHEN e.granted THEN 't' END"
" FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace"
" CROSS JOIN LATERAL (SELECT concat('FOR ROLE ', quote_ident(pg_get_userbyid(d.defaclrole)), ' IN SCHEMA ' || quote_ident(n.nspname)) AS place) p"
" CROSS JOIN LATERAL (SELECT CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'"
"  WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS word) w"
" CROSS JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable, g.grantee IS NOT NULL AS granted"
"  FROM aclexplode(d.defaclacl) g FULL JOIN (SELECT * FROM aclexplode(acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole))"
"   WHERE d.defaclnamespace = 0) b ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
"  WHERE g.grantee IS NULL OR b.grantee IS NULL OR (g.is_grantable AND g.grantee <> d.defaclrole)) e";

/*
 * Query for dependencies: default privileges for a schema depend on the
 * schema, because they are dropped with it.
 */
static const char default_privileges_depends[] =
"SELECT 'pg_default_acl'::regclass::oid, d.oid, i, 'pg_namespace'::regclass::oid, d.defaclnamespace, 0"
" FROM pg_default_acl d CROSS JOIN LATERAL generate_series(0, coalesce(cardinality(d.defaclacl), 0) * 16) i"
" WHERE d.defaclnamespace <> 0";

/* Returns the statement that grants or revokes the privilege. */
static char *
statement(const CmigObject *object, bool grant)
{
	return psprintf("ALTER DEFAULT PRIVILEGES %s %s %s %s %s%s", object->values[PLACE], grant ? "GRANT" : "REVOKE",
					object->values[PRIVILEGE], grant ? "TO" : "FROM", object->name,
					grant && object->values[GRANTABLE] ? " WITH GRANT OPTION" : "");
}

static char *
drop_default_privileges(const CmigObject *object)
{
	return statement(object, object->values[GRANTED] == NULL);
}

static List *
create_default_privileges(const CmigObject *object)
{
	return cmig_ddl_append(NIL, statement(object, object->values[GRANTED] != NULL), drop_default_privileges(object));
}

CmigKind	cmig_kind_default_privileges = {
	.name = "default privileges",.word = "DEFAULT PRIVILEGES",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL | CMIG_KIND_FINAL,
	CMIG_PROPERTIES(properties),
	.sql = default_privileges_sql,.depends = default_privileges_depends,
	.create = create_default_privileges,.drop = drop_default_privileges
};
