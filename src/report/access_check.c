/*
 * access_check.c
 *	  Finds privileges on pg_cmig that cmig.grant_access did not grant.
 *
 * A role has a level if it has everything that the level's GRANTs give,
 * granted by the owner, as grant_access does.  All its other privileges were
 * granted in another way.  There are no levels for the audit log: roles that
 * can read it are reported, and there is a warning about roles that can do
 * more.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "report/access_check.h"
#include "tables/access.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* The grantee in the statements that show what a level gives. */
#define SOMEBODY "somebody"

/*
 * All objects that have an ACL; attnum is 0 except for columns.  Parts of the
 * log are also found as its partitions, which can be in any schema.
 */
#define OBJECTS \
	"space AS (SELECT n.oid, n.nspname, n.nspacl, n.nspowner FROM pg_namespace n WHERE n.nspname IN ('cmig', 'cmig_audit'))," \
	" log AS (SELECT c.oid, c.relowner FROM pg_class c JOIN space s ON s.oid = c.relnamespace" \
	"  WHERE s.nspname = 'cmig_audit' AND c.relname = 'log')," \
	" part AS (SELECT p.relid::oid AS oid FROM log l, pg_partition_tree(l.oid) p)," \
	" class AS (SELECT c.*, s.nspname IS DISTINCT FROM 'cmig' AS audit FROM pg_class c LEFT JOIN space s ON s.oid = c.relnamespace" \
	"  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND (s.oid IS NOT NULL OR c.oid IN (SELECT p.oid FROM part p)))," \
	" object AS (SELECT 'SCHEMA' AS kind, s.oid, 0 AS attnum, quote_ident(s.nspname) AS name, NULL::text AS column," \
	"   s.nspname = 'cmig_audit' AS audit, s.nspacl AS acl, s.nspowner AS owner FROM space s" \
	"  UNION ALL SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid, 0, c.oid::regclass::text, NULL," \
	"   c.audit, c.relacl, c.relowner FROM class c" \
	"  UNION ALL SELECT 'TABLE', c.oid, t.attnum, c.oid::regclass::text, quote_ident(t.attname), c.audit, t.attacl, c.relowner" \
	"   FROM class c JOIN pg_attribute t ON t.attrelid = c.oid WHERE t.attacl IS NOT NULL AND NOT t.attisdropped" \
	"  UNION ALL SELECT 'ROUTINE', p.oid, 0, p.oid::regprocedure::text, NULL, s.nspname = 'cmig_audit'," \
	"   coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner FROM pg_proc p JOIN space s ON s.oid = p.pronamespace)," \
	" held AS (SELECT o.kind, o.oid, o.attnum, o.name, o.column, o.audit, a.grantee, a.grantor, a.grantor = o.owner AS by_owner," \
	"   a.privilege_type || CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS privilege" \
	"  FROM object o, aclexplode(o.acl) a WHERE a.grantee <> o.owner" \
	"  AND a.grantee NOT IN (SELECT e.extowner FROM pg_extension e WHERE e.extname = 'pg_cmig'))"

#define ROLE_NAME(role) "CASE " role " WHEN 0 THEN 'PUBLIC' ELSE " role "::regrole::text END"

static CmigQuery any_held = {
	"WITH " OBJECTS " SELECT 'yes' FROM held UNION ALL SELECT 'yes' FROM pg_default_acl LIMIT 1", 0
};

/*
 * $1 and $2 are the levels' names and GRANTs, side by side.  access.c
 * generates the statements, so their form is known: privileges in upper case,
 * each with or without columns in parentheses.
 */
static CmigQuery find = {
	"WITH " OBJECTS ","
	" grant_text AS (SELECT u.level, m.m[1] AS privileges, m.m[2] AS objects, coalesce(m.m[3], '') AS option"
	"  FROM unnest($1, $2) AS u(level, statement),"
	"  regexp_match(u.statement, '^GRANT (.*) ON (.*) TO " SOMEBODY "( WITH GRANT OPTION)?$') AS m(m)),"
	" target AS (SELECT g.level, g.privileges, g.option, o.kind, o.oid FROM grant_text g JOIN object o ON NOT o.audit AND o.attnum = 0"
	"   AND g.objects = 'ALL ' || o.kind || 'S IN SCHEMA cmig'"
	"  UNION ALL SELECT g.level, g.privileges, g.option, 'SCHEMA', s.oid FROM grant_text g JOIN space s ON g.objects = 'SCHEMA ' || s.nspname"
	"  UNION ALL SELECT g.level, g.privileges, g.option, 'ROUTINE', to_regprocedure(f.f[1])::oid"
	"   FROM grant_text g, regexp_match(g.objects, '^(?:FUNCTION|PROCEDURE) (.*)$') AS f(f) WHERE f.f IS NOT NULL"
	"  UNION ALL SELECT g.level, g.privileges, g.option, CASE WHEN c.c[1] IS NULL THEN 'TABLE' ELSE 'SEQUENCE' END, to_regclass(c.c[2])::oid"
	"   FROM grant_text g, string_to_table(g.objects, ', ') AS n(name), regexp_match(n.name, '^(SEQUENCE )?(cmig\\.[a-z_]+)$') AS c(c)"
	"   WHERE c.c IS NOT NULL),"
	" given AS (SELECT DISTINCT t.level, t.kind, t.oid, CASE WHEN k.name IS NULL THEN 0 ELSE"
	"   (SELECT a.attnum::integer FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = k.name) END AS attnum,"
	"  p.p[1] || t.option AS privilege"
	"  FROM target t CROSS JOIN regexp_matches(t.privileges, '([A-Z]+)(?: \\(([^)]*)\\))?', 'g') AS p(p)"
	"  LEFT JOIN LATERAL string_to_table(p.p[2], ', ') AS k(name) ON true),"
	" size AS (SELECT g.level, count(*) AS number FROM given g GROUP BY g.level),"
	" has AS (SELECT h.grantee, g.level FROM given g JOIN held h USING (kind, oid, attnum, privilege) JOIN size z USING (level)"
	"  WHERE h.by_owner AND h.grantee <> 0 GROUP BY h.grantee, g.level, z.number HAVING count(*) = z.number),"
	" covered AS (SELECT DISTINCT a.grantee, g.kind, g.oid, g.attnum, g.privilege, true AS by_owner FROM has a JOIN given g USING (level)),"
	" beyond AS (SELECT h.* FROM held h LEFT JOIN covered c USING (grantee, kind, oid, attnum, privilege, by_owner)"
	"  WHERE c.grantee IS NULL),"
	/* if one level contains another, the larger one is named */
	" within AS (SELECT x.level, y.level AS other FROM given x JOIN given y USING (kind, oid, attnum, privilege) JOIN size z ON z.level = x.level"
	"  WHERE x.level <> y.level GROUP BY x.level, y.level, z.number HAVING count(*) = z.number),"
	" listed AS (SELECT b.audit, b.grantee, b.grantor, b.by_owner, b.kind, b.name,"
	"   string_agg(b.privilege || b.columns, ', ' ORDER BY b.privilege) AS privileges,"
	"   string_agg(replace(b.privilege, ' WITH GRANT OPTION', '') || b.columns, ', ' ORDER BY b.privilege) AS to_revoke,"
	"   bool_and(b.privilege IN ('SELECT', 'USAGE')) AS reads"
	"  FROM (SELECT b.audit, b.grantee, b.grantor, b.by_owner, b.kind, b.name, b.privilege,"
	"    coalesce(' (' || string_agg(b.column, ', ' ORDER BY b.attnum) FILTER (WHERE b.attnum <> 0) || ')', '') AS columns"
	"   FROM beyond b GROUP BY b.audit, b.grantee, b.grantor, b.by_owner, b.kind, b.name, b.privilege, b.attnum <> 0) b"
	"  GROUP BY b.audit, b.grantee, b.grantor, b.by_owner, b.kind, b.name),"
	" grouped AS (SELECT l.audit, l.grantee, l.grantor, l.by_owner, l.kind, l.privileges, l.to_revoke, l.reads, count(*) AS number,"
	"   string_agg(l.name, ', ' ORDER BY l.name COLLATE \"C\") AS names,"
	"   (array_agg(l.name ORDER BY l.name COLLATE \"C\"))[1:5] AS first"
	"  FROM listed l GROUP BY l.audit, l.grantee, l.grantor, l.by_owner, l.kind, l.privileges, l.to_revoke, l.reads),"
	" described AS (SELECT g.*, " ROLE_NAME("g.grantee") " AS role,"
	"   format('%s on %s%s', g.privileges, array_to_string(g.first, ', '),"
	"    CASE WHEN g.number > 5 THEN ' and ' || g.number - 5 || ' more' ELSE '' END) AS what,"
	"   format(CASE WHEN g.by_owner THEN '%1$s' ELSE 'SET ROLE %2$s; %1$s; RESET ROLE' END,"
	"    format('REVOKE %s ON %s %s FROM %s', g.to_revoke, g.kind, g.names, " ROLE_NAME("g.grantee") "), g.grantor::regrole) AS revoke"
	"  FROM grouped g)"
	/* one row for each role, since revoke_access revokes everything */
	" SELECT 'warning', 'role ' || d.role, format('it has privileges that its access levels do not include: %s',"
	"   string_agg(d.what, '; ' ORDER BY d.what COLLATE \"C\")),"
	"  format('SELECT cmig.revoke_access(%L)', pg_get_userbyid(d.grantee)) || coalesce("
	"   (SELECT string_agg(format('; SELECT cmig.grant_access(%L, %L)', pg_get_userbyid(d.grantee), a.level), '' ORDER BY a.level)"
	"    FROM has a WHERE a.grantee = d.grantee AND NOT EXISTS (SELECT FROM has b JOIN within w ON w.other = b.level"
	"     WHERE b.grantee = a.grantee AND w.level = a.level)), '')"
	" FROM described d WHERE NOT d.audit AND d.grantee <> 0 GROUP BY d.grantee, d.role"
	" UNION ALL SELECT CASE WHEN d.audit AND d.reads AND d.grantee <> 0 THEN 'notice' ELSE 'warning' END,"
	"  CASE WHEN d.grantee = 0 THEN 'PUBLIC' ELSE 'role ' || d.role END,"
	"  CASE WHEN d.audit AND d.reads THEN 'it can read the audit log: ' WHEN d.audit THEN 'it has privileges on the audit log: '"
	"   ELSE 'every role has privileges on pg_cmig: ' END || d.what, d.revoke"
	" FROM described d WHERE d.audit OR d.grantee = 0"

	/*
	 * pg_cmig revokes these on the partitions that it creates, but a
	 * partition may be created by hand
	 */
	" UNION ALL SELECT 'notice', 'default privileges of role ' || d.defaclrole::regrole,"
	"  format('they grant %s %s on tables created by hand, such as partitions of the audit log', " ROLE_NAME("a.grantee") ","
	"   string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)),"
	"  format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE %s ON TABLES FROM %s', d.defaclrole::regrole,"
	"   CASE WHEN d.defaclnamespace = 0 THEN '' ELSE ' IN SCHEMA ' || d.defaclnamespace::regnamespace END,"
	"   string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type),"
	"   " ROLE_NAME("a.grantee") ")"
	" FROM pg_default_acl d JOIN log l ON l.relowner = d.defaclrole, aclexplode(d.defaclacl) a"
	" WHERE d.defaclobjtype = 'r' AND a.grantee <> d.defaclrole"
	" AND d.defaclnamespace IN (SELECT 0::oid UNION SELECT s.oid FROM space s WHERE s.nspname = 'cmig_audit')"
	" GROUP BY d.oid, d.defaclrole, d.defaclnamespace, a.grantee"
	" ORDER BY 1 DESC, 2, 3",
	2, {TEXTARRAYOID, TEXTARRAYOID}
};

/* Row callback: add a finding to the list. */
static void
collect_finding(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigAccessFinding *finding = palloc(sizeof(CmigAccessFinding));

	finding->severity = cmig_query_text(desc, row, 1);
	finding->object = cmig_query_text(desc, row, 2);
	finding->problem = cmig_query_text(desc, row, 3);
	finding->fix = cmig_query_text(desc, row, 4);
	*(List **) arg = lappend(*(List **) arg, finding);
}

/* Set the arguments of find: the levels' names and GRANTs as two arrays. */
static void
level_arrays(Datum *values)
{
	ArrayBuildState *names = NULL;
	ArrayBuildState *statements = NULL;
	ListCell   *level;
	ListCell   *lc;

	foreach(level, cmig_access_levels())
	{
		foreach(lc, cmig_access_grants(SOMEBODY, lfirst(level)))
		{
			names = accumArrayResult(names, CStringGetTextDatum(lfirst(level)), false,
									 TEXTOID, CurrentMemoryContext);
			statements = accumArrayResult(statements, CStringGetTextDatum(lfirst(lc)), false,
										  TEXTOID, CurrentMemoryContext);
		}
	}
	values[0] = makeArrayResult(names, CurrentMemoryContext);
	values[1] = makeArrayResult(statements, CurrentMemoryContext);
}

List *
cmig_access_findings(void)
{
	Datum		values[2];
	char	   *any = NULL;
	List	   *findings = NIL;
	int			guc_level;

	cmig_query_each(&any_held, NULL, NULL, cmig_query_keep_text, &any);
	if (any == NULL)
		return NIL;
	level_arrays(values);

	/*
	 * the planner overestimates the query's cost so much that compiling it
	 * would take seconds
	 */
	guc_level = NewGUCNestLevel();
	cmig_settings_override("jit", "off");
	cmig_query_each(&find, values, NULL, collect_finding, &findings);
	AtEOXact_GUC(false, guc_level);
	return findings;
}
