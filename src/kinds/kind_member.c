/*
 * kind_member.c
 *	  Privileges on extension members, except for those that the extension
 *	  itself grants.
 *
 * Apart from these privileges, members are not compared.  In the shadow, a
 * member keeps its live privileges, so privileges that the target does not
 * mention do not change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"

enum
{
	PRIVILEGE,
	GRANTABLE,
	GRANTED
};

static const CmigProperty properties[] = {
	[PRIVILEGE] = {"privilege", CMIG_PROPERTY_SILENT},
	[GRANTABLE] = {"grantable"},
	[GRANTED] = {"granted"},
};

#define MEMBERS(catalog, owner, acl, type, word) \
	"SELECT d.classid, d.objid, d.refobjid, " owner " AS owner, " acl " AS acl, " type "::\"char\" AS type, " word " AS word" \
	" FROM pg_depend d JOIN " catalog " x ON x.oid = d.objid" \
	" WHERE d.classid = '" catalog "'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND " acl " IS NOT NULL"

static const char member_sql[] =
"WITH m AS ("
MEMBERS("pg_proc", "x.proowner", "x.proacl", "'f'", "CASE x.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END")
" UNION ALL "
MEMBERS("pg_class", "x.relowner", "x.relacl", "CASE x.relkind WHEN 'S' THEN 's' ELSE 'r' END", "CASE x.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END")
" UNION ALL "
MEMBERS("pg_type", "x.typowner", "x.typacl", "'T'", "'TYPE'")
")"
" SELECT 'pg_init_privs'::regclass::oid, m.objid, (row_number() OVER ())::integer, 'pg_extension'::regclass::oid, m.refobjid, 0,"
" e.role, format('%s ON %s %s: %s', e.privilege, m.word, i.identity, e.role), pg_get_userbyid(m.owner)::text, false,"
" format('%s ON %s %s', e.privilege, m.word, i.identity), CASE WHEN e.grantable THEN 't' END, CASE WHEN e.granted THEN 't' END"
" FROM m JOIN pg_extension x ON x.oid = m.refobjid AND x.extname <> 'pg_cmig' AND x.extname !~ '^cmig_hidden_' AND x.oid >= 16384"
" LEFT JOIN pg_init_privs p ON p.classoid = m.classid AND p.objoid = m.objid AND p.objsubid = 0"
" CROSS JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable, g.grantee IS NOT NULL AS granted"
"  FROM (SELECT * FROM aclexplode(m.acl) a WHERE a.grantor = m.owner) g"
"  FULL JOIN aclexplode(coalesce(p.initprivs, acldefault(m.type, m.owner))) b ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
"  WHERE g.grantee IS NULL OR b.grantee IS NULL) e"
" CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) i";

/* Returns the statement that grants or revokes the privilege. */
static char *
statement(const CmigObject *object, bool grant)
{
	return psprintf("%s %s %s %s%s", grant ? "GRANT" : "REVOKE", object->values[PRIVILEGE],
					grant ? "TO" : "FROM", object->name,
					grant && object->values[GRANTABLE] ? " WITH GRANT OPTION" : "");
}

static char *
drop_privilege(const CmigObject *object)
{
	return statement(object, object->values[GRANTED] == NULL);
}

static List *
create_privilege(const CmigObject *object)
{
	return cmig_ddl_append(NIL, statement(object, object->values[GRANTED] != NULL), drop_privilege(object));
}

CmigKind	cmig_kind_member_privilege = {
	.name = "privilege",.word = "PRIVILEGE",
	.flags = CMIG_KIND_GLOBAL | CMIG_KIND_DISPOSABLE | CMIG_KIND_NO_OWNER_SQL | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = member_sql,.create = create_privilege,.drop = drop_privilege
};
