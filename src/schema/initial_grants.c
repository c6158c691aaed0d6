/*
 * initial_grants.c
 *	  Reads the privileges that new objects receive from default privileges in
 *	  the live database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "compare/annotate.h"
#include "schema/initial_grants.h"


/*
 * Returns the entry for a role, a schema, and an object type; adds it if
 * necessary.
 */
static CmigInitialGrants *
find_entry(List **list, const char *role, const char *schema, char type)
{
	CmigInitialGrants *entry = *list == NIL ? NULL : llast(*list);

	/*
	 * only the last entry can match, because the rows are sorted by role,
	 * schema, and type
	 */
	if (entry != NULL && entry->type == type && strcmp(entry->role, role) == 0 &&
		(schema == NULL ? entry->schema == NULL : entry->schema != NULL && strcmp(entry->schema, schema) == 0))
		return entry;
	entry = palloc0(sizeof(CmigInitialGrants));
	entry->role = role;
	entry->schema = schema;
	entry->type = type;
	*list = lappend(*list, entry);
	return entry;
}

/* Row callback: add a privilege to the entry of its schema and type. */
static void
add_row(TupleDesc desc, HeapTuple row, void *arg)
{
	const char *type = cmig_query_text(desc, row, 2);
	CmigInitialGrants *entry = find_entry(arg, cmig_query_text(desc, row, 7), cmig_query_text(desc, row, 1), *type);
	CmigGrant  *grant;

	/*
	 * if the row has no privilege, the default privileges equal the built-in
	 * ones
	 */
	if (cmig_query_text(desc, row, 4) == NULL)
		return;
	grant = palloc0(sizeof(CmigGrant));
	grant->grantee = cmig_query_text(desc, row, 3);
	grant->privilege = cmig_query_text(desc, row, 4);
	grant->grantable = cmig_query_bool(desc, row, 5, false);
	grant->granted = cmig_query_bool(desc, row, 6, false);
	entry->grants = lappend(entry->grants, grant);
}

/*
 * Default privileges without a schema replace the built-in privileges, and
 * default privileges for a schema are granted in addition.  The result
 * contains the differences from the built-in privileges.
 */
List *
cmig_initial_grants_read(void)
{
	static CmigQuery query = {
		.sql = "WITH d AS (SELECT defaclnamespace AS schema, defaclobjtype AS type, defaclacl AS acl, defaclrole AS role FROM pg_default_acl)"
		" SELECT quote_ident(n.nspname), d.type::text, e.role, e.privilege, e.grantable, e.granted, pg_get_userbyid(d.role)::text"
		" FROM d LEFT JOIN pg_namespace n ON n.oid = d.schema"
		" LEFT JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC' WHEN d.role THEN NULL"
		"   ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
		"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.grantable, false) AS grantable,"
		"  g.grantee IS NOT NULL AS granted"
		"  FROM (SELECT x.grantee, x.privilege_type, bool_or(x.is_grantable) AS grantable"
		"   FROM (SELECT * FROM aclexplode((SELECT coalesce((SELECT o.acl FROM d o WHERE o.role = d.role AND o.type = d.type AND o.schema = 0),"
		"     acldefault(replace(d.type::text, 'S', 's')::\"char\", d.role))))"
		"    UNION ALL SELECT * FROM aclexplode(d.acl) WHERE d.schema <> 0) x"
		"   GROUP BY x.grantee, x.privilege_type) g"
		"  FULL JOIN aclexplode(acldefault(replace(d.type::text, 'S', 's')::\"char\", d.role)) b"
		"   ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
		"  WHERE g.grantee IS NULL OR b.grantee IS NULL OR (g.grantable AND g.grantee <> d.role)) e ON true"
		" ORDER BY 7, 1, 2, 6, 3, 4"
	};
	List	   *list = NIL;

	cmig_query_each(&query, NULL, NULL, add_row, &list);
	return list;
}
