/*
 * posture.c
 *	  Rules of cmig.rls_check about flags, roles, and dependencies.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "rls/internal.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * Each rule is a single query over the catalogs that handles all tables at
 * once, so that checking a thousand tables takes little longer than checking
 * ten.  $1 is the list of schemas.  The result columns are rule, severity,
 * object, problem, and fix.
 *
 * A role is considered an application role if it is named in a policy that
 * does not let every row through.  Policies that let every row through
 * ("bypass" policies) are meant for other roles.
 */

#define TABLES \
	"WITH RECURSIVE t AS MATERIALIZED (SELECT c.oid, c.relnamespace AS ns," \
	" format('%I.%I', n.nspname, c.relname) AS name, c.relname, c.relkind, c.relowner AS owner," \
	" c.relrowsecurity AS rls, c.relforcerowsecurity AS forced, c.relacl AS acl," \
	" o.rolsuper OR o.rolbypassrls AS owner_free, o.rolname AS owner_name" \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" JOIN pg_roles o ON o.oid = c.relowner" \
	" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'" \
	" AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass" \
	"  AND e.objid = c.oid AND e.deptype = 'e'))," \
	" p AS MATERIALIZED (SELECT p.oid, p.polrelid, p.polname, p.polcmd, p.polpermissive, p.polroles," \
	/*
	 * is the expression the constant true? compare the stored tree, because
	 * deparsing is slow
	 */ \
	"  p.polpermissive AND p.polcmd = '*' AND p.polroles <> '{0}'" \
	"   AND p.polqual::text LIKE '{CONST :consttype 16 %:constvalue 1 [% 1 %' AS bypass" \
	"  FROM pg_policy p WHERE p.polrelid IN (SELECT t.oid FROM t))," \
	/* roles to which the policies apply */ \
	" app AS MATERIALIZED (SELECT DISTINCT p.polrelid, r.oid, r.rolname, r.rolsuper, r.rolbypassrls" \
	"  FROM p CROSS JOIN LATERAL unnest(p.polroles) u(oid) JOIN pg_roles r ON r.oid = u.oid" \
	"  WHERE NOT p.bypass)"

/*
 * The string ", bypass_roles => '{...}'" with the roles of the bypass policies
 * on the tables s that satisfy a condition.
 */
#define BYPASS(condition) \
	"coalesce((SELECT format(', bypass_roles => %L', array_agg(DISTINCT r.rolname))" \
	" FROM p JOIN t s ON s.oid = p.polrelid CROSS JOIN LATERAL unnest(p.polroles) u(oid)" \
	" JOIN pg_roles r ON r.oid = u.oid WHERE p.bypass AND " condition " HAVING count(*) > 0), '')"

/*
 * True if the role sees every row of t because of a bypass policy, not because
 * of a role attribute or ownership, and no restrictive policy applies to the
 * role.
 */
#define SEES_ALL(role) \
	"(EXISTS (SELECT FROM p CROSS JOIN LATERAL unnest(p.polroles) u(oid)" \
	"  WHERE p.polrelid = t.oid AND p.bypass AND pg_has_role(" role ", u.oid, 'USAGE'))" \
	" AND NOT EXISTS (SELECT FROM p CROSS JOIN LATERAL unnest(p.polroles) u(oid)" \
	"  WHERE p.polrelid = t.oid AND NOT p.polpermissive AND (u.oid = 0 OR pg_has_role(" role ", u.oid, 'USAGE'))))"

/* The columns that are keys of the tables in each schema. */
#define KEYS \
	/*
	 * keys are columns that policies of several tables compare, and columns
	 * that were given to enable_rls
	 */ \
	", asked AS MATERIALIZED (SELECT s.ns, a.attname, count(DISTINCT s.oid) AS n," \
	"   bool_or(c.description ~ (' (user|tenant|key)_column=' || a.attname || '[] ]')) AS made," \
	"   bool_or(c.description ~ (' user_column=' || a.attname || '[] ]')) AS is_user" \
	"  FROM p JOIN t s ON s.oid = p.polrelid" \
	"  JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid" \
	"   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.refobjsubid > 0" \
	"  JOIN pg_attribute a ON a.attrelid = s.oid AND a.attnum = d.refobjsubid AND a.attname ~ '^[[:alnum:]_]+$'" \
	"  LEFT JOIN pg_description c ON c.objoid = p.oid AND c.classoid = 'pg_policy'::regclass" \
	"   AND position('[cmig.enable_rls ' IN c.description) > 0" \
	"  WHERE a.attname <> 'id' GROUP BY s.ns, a.attname)"

/* The name of the key column of t, or null. */
#define KEY \
	"(SELECT min(a.attname::text) FROM pg_attribute a" \
	"   WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped" \
	"   AND (a.attname IN ('user_id', 'tenant_id')" \
	"    OR a.attname IN (SELECT k.attname FROM asked k WHERE k.ns = t.ns AND (k.made OR k.n > 1))))"

/*
 * bound_roles: the roles to which policies apply, for each schema.  The
 * expressions SIBLINGS_ROLES (the roles in t's schema) and GRANTED_ROLES (the
 * roles that have a privilege on t) are null if there are none.
 */
#define BOUND ", bound_roles AS MATERIALIZED (SELECT s.ns, array_agg(DISTINCT app.rolname ORDER BY app.rolname) AS names" \
	"  FROM app JOIN t s ON s.oid = app.polrelid GROUP BY s.ns)"
#define SIBLINGS_ROLES "(SELECT k.names FROM bound_roles k WHERE k.ns = t.ns)"
#define GRANTED_ROLES \
	"(SELECT array_agg(DISTINCT r.rolname ORDER BY r.rolname) FROM aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee" \
	"  WHERE r.oid <> t.owner AND NOT r.rolsuper AND NOT r.rolbypassrls" \
	"  AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND p.bypass AND r.oid = ANY (p.polroles)))"
#define NO_ROLE " || ', where <role> is the role of the application'"

/* A list of roles as SQL, to be used after TO. */
#define TO_ROLES(names) "(SELECT string_agg(quote_ident(u.name), ', ' ORDER BY u.name) FROM unnest(" names ") u(name))"

/*
 * A call of enable_rls for a table, as SQL.  "b" is the CTE with the table's
 * name, its key, and the roles.
 */
#define ENABLE_CALL \
	"CASE WHEN b.roles IS NULL THEN '-- ' ELSE '' END || format('SELECT cmig.enable_rls(%L%s, roles => %L%s)', b.name," \
	"   CASE WHEN b.key IN ('user_id', 'tenant_id') THEN ''" \
	"    ELSE format(', %s => %L', CASE WHEN (SELECT k.is_user FROM asked k WHERE k.ns = b.ns AND k.attname = b.key)" \
	"     THEN 'user_column' ELSE 'tenant_column' END, b.key) END," \
	"   coalesce(b.roles::text, '{<role>}'), " BYPASS("s.ns = b.ns AND r.rolname <> ALL (coalesce(b.roles, '{}'))") ")" \
	" || CASE WHEN b.roles IS NULL THEN ''" NO_ROLE " ELSE '' END"

/*
 * True if t has a parent with policies.  Then t is meant to be read only
 * through the parent, and needs no policies of its own.
 */
#define BELOW "EXISTS (SELECT FROM pg_inherits i JOIN p ON p.polrelid = i.inhparent WHERE i.inhrelid = t.oid)"

#define ENABLE "'ALTER TABLE ' || t.name || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY'"

/*
 * SECURITY DEFINER functions that other roles may call, except for trigger
 * functions, which cannot be called.
 */
#define DEFINERS \
	", f AS MATERIALIZED (SELECT p.oid, p.prosrc, p.prosqlbody IS NOT NULL AS parsed, p.proowner, o.rolname," \
	"   o.rolsuper OR o.rolbypassrls AS free, l.lanname, n.nspname," \
	"   CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END AS kind, p.oid::regprocedure::text AS name," \
	"   (SELECT substring(s.setting FROM '^search_path=(.*)$') FROM unnest(p.proconfig) s(setting)" \
	"    WHERE s.setting LIKE 'search_path=%') AS path" \
	"  FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner JOIN pg_namespace n ON n.oid = p.pronamespace" \
	"  JOIN pg_language l ON l.oid = p.prolang" \
	"  WHERE p.prosecdef AND p.prorettype <> 'trigger'::regtype AND p.prorettype <> 'event_trigger'::regtype" \
	"  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig')" \
	"  AND (p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner))" \
	"  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e'))," \
	/*
	 * pg_depend has no entries for a body that is a string, so a table counts
	 * as used if its name is a word in the body
	 */ \
	" words AS MATERIALIZED (SELECT DISTINCT g.oid, w.word FROM pg_proc g JOIN pg_namespace n ON n.oid = g.pronamespace" \
	"  JOIN pg_language l ON l.oid = g.prolang CROSS JOIN LATERAL regexp_split_to_table(g.prosrc, '[^[:alnum:]_$]+') w(word)" \
	"  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cmig') AND l.lanname IN ('sql', 'plpgsql'))," \
	/* the protected tables that a view reads */ \
	" shown(view, rel) AS (SELECT r.ev_class, t.oid FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid" \
	"   JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid WHERE t.rls" \
	"  UNION SELECT r.ev_class, s.rel FROM shown s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view" \
	"   JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> s.view)," \
	/* what a function reads itself, by views, and by the functions that it calls */ \
	" reads(func, rel) AS (SELECT q.func, q.rel FROM (" \
	"   SELECT w.oid AS func, t.oid AS rel FROM words w JOIN t ON t.relname = w.word OR t.relname = lower(w.word) WHERE t.rls" \
	"   UNION SELECT d.objid, t.oid FROM pg_depend d JOIN t ON t.oid = d.refobjid" \
	"    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND t.rls" \
	"   UNION SELECT w.oid, s.rel FROM shown s JOIN pg_class c ON c.oid = s.view AND c.relkind = 'v' JOIN words w ON w.word = c.relname OR lower(w.word) = c.relname" \
	"   UNION SELECT d.objid, s.rel FROM shown s JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view) q" \
	"  UNION SELECT c.caller, r.rel FROM reads r JOIN (" \
	"   SELECT w.oid AS caller, g.oid AS callee FROM words w JOIN pg_proc g ON g.proname = w.word OR g.proname = lower(w.word) WHERE g.oid <> w.oid" \
	"   UNION SELECT d.objid, d.refobjid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_proc'::regclass) c ON c.callee = r.func)," \
	/*
	 * Search the code without strings and comments.  EXECUTE does not count if
	 * it is the name of a privilege or a part of CREATE TRIGGER.
	 */ \
	" dynamic AS (SELECT f.*, CASE WHEN f.lanname IN ('sql', 'plpgsql') THEN 'it runs SQL that it constructs'" \
	"    ELSE format('it is written in %s and runs', f.lanname) END AS how" \
	"  FROM f CROSS JOIN LATERAL regexp_replace(f.prosrc, $re$'[^']*'|--[^\\n]*|/[*]([^*]|[*]+[^*/])*[*]+/$re$, ' ', 'g') c(code)" \
	"  WHERE f.lanname NOT IN ('sql', 'plpgsql')" \
	"  OR (f.lanname = 'plpgsql' AND c.code ~* '\\mexecute\\M(?!\\s+(on|function|procedure)\\M)')" \
	"  OR c.code ~* '\\m((query|table|schema|database|cursor)_to_xml\\w*|dblink\\w*|crosstab\\w*|connectby|ts_stat|xpath_table)\\s*\\(')"

static CmigQuery checks[] = {
	/*
	 * unprotected tables in a schema with protected ones; the severity is
	 * "error" if a table has the same key as the protected ones
	 */
	{TABLES KEYS BOUND
		", b AS MATERIALIZED (SELECT t.*, " KEY " AS key, coalesce(" SIBLINGS_ROLES ", " GRANTED_ROLES ") AS roles"
		"  FROM t WHERE NOT t.rls AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = t.oid)"
		"  AND EXISTS (SELECT FROM t s WHERE s.ns = t.ns AND s.rls)"
		"  AND NOT EXISTS (SELECT FROM pg_inherits i JOIN t s ON s.oid = i.inhparent WHERE i.inhrelid = t.oid AND s.rls))"
		" SELECT 'rls_disabled', CASE WHEN b.key IS NULL THEN 'warning' ELSE 'error' END, b.name,"
		"  'row-level security is off, although other tables have it'"
		"  || coalesce('; column ' || quote_ident(b.key) || ' is their key',"
		"   CASE WHEN b.roles IS NULL THEN '; none of its columns is their key, and with the fix alone no rows are visible'"
		"   ELSE '; none of its columns is their key: with the fix, every row can be read and none can be written, which is suitable only for data that everyone may read' END),"
		"  CASE WHEN b.key IS NOT NULL THEN " ENABLE_CALL

		/*
		 * create the policies before enabling row-level security, so that the
		 * application is never locked out
		 */
		"   ELSE coalesce(format('CREATE POLICY shared_rows ON %s FOR SELECT TO ', b.name) || " TO_ROLES("b.roles") " || ' USING (true); ', '')"
		"    || coalesce((SELECT format('CREATE POLICY bypass ON %s TO %s USING (true) WITH CHECK (true); ', b.name,"
		"     string_agg(DISTINCT quote_ident(r.rolname), ', ')) FROM p JOIN t s ON s.oid = p.polrelid CROSS JOIN LATERAL unnest(p.polroles) u(oid)"
		"     JOIN pg_roles r ON r.oid = u.oid WHERE p.bypass AND s.ns = b.ns AND b.roles IS NOT NULL AND r.rolname <> ALL (b.roles) HAVING count(*) > 0), '')"
		"    || 'ALTER TABLE ' || b.name || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY' END"
	" FROM b", 1, {OIDARRAYOID}},

	{TABLES
		" SELECT 'no_force', 'warning', t.name,"
		"  format('row-level security does not apply to the owner, role %I', t.owner_name),"
		"  'ALTER TABLE ' || t.name || ' FORCE ROW LEVEL SECURITY'"
	" FROM t WHERE t.rls AND NOT t.forced", 1, {OIDARRAYOID}},

	{TABLES
		" SELECT 'policy_without_rls', 'error', t.name,"
		"  'it has policies, but they have no effect because row-level security is off'"
		"   || CASE WHEN EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND p.polpermissive AND NOT p.bypass) THEN ''"
		"   ELSE '; even with the fix, they let every row through because none of them compares a key' END,"
		"  " ENABLE
	" FROM t WHERE NOT t.rls AND EXISTS (SELECT FROM p WHERE p.polrelid = t.oid)", 1, {OIDARRAYOID}},

	{TABLES KEYS BOUND
		", b AS MATERIALIZED (SELECT t.*, " KEY " AS key, coalesce(" SIBLINGS_ROLES ", " GRANTED_ROLES ") AS roles"
		"  FROM t WHERE t.rls AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = t.oid) AND NOT " BELOW ")"
		" SELECT 'rls_without_policy', 'warning', b.name,"
		"  'row-level security is on, but there is no policy: only roles that bypass it see rows'"
		"   || CASE WHEN b.key IS NULL THEN '; none of its columns is a key of other tables' ELSE '' END,"
		"  CASE WHEN b.key IS NOT NULL THEN " ENABLE_CALL
		"   ELSE format('-- CREATE POLICY key_access ON %s TO %s USING (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant', b.name,"
		"    coalesce(" TO_ROLES("b.roles") ", '<role>')) || CASE WHEN b.roles IS NULL THEN ', <role> is the role of the application' ELSE '' END END"
	" FROM b", 1, {OIDARRAYOID}},

	{TABLES
		" SELECT 'only_restrictive', 'warning', t.name,"
		"  'all its policies are restrictive: without a permissive policy, no rows are visible',"
		"  format('-- CREATE POLICY key_access ON %s TO %s USING (<key> = <context>): <key> is the column that identifies the owner of a row, <context> is the current user or tenant', t.name,"
		"   coalesce((SELECT string_agg(DISTINCT quote_ident(app.rolname), ', ') FROM app WHERE app.polrelid = t.oid), '<role>'))"
		" FROM t JOIN (SELECT p.polrelid FROM p GROUP BY p.polrelid HAVING NOT bool_or(p.polpermissive)) n"
		"  ON n.polrelid = t.oid WHERE t.rls AND NOT " BELOW,
	1, {OIDARRAYOID}},

	{TABLES BOUND
		", k AS (SELECT t.*, coalesce(" GRANTED_ROLES ", " SIBLINGS_ROLES ") AS roles FROM t"
		"  WHERE t.oid IN (SELECT p.polrelid FROM p WHERE p.polroles = '{0}'))"
		" SELECT 'to_public', 'warning', format('policy %I on %s', p.polname, k.name),"
		"  'it applies to PUBLIC: every role, including future ones',"
		"  CASE WHEN k.roles IS NULL THEN '-- ' ELSE '' END || format('ALTER POLICY %I ON %s TO %s', p.polname, k.name, coalesce(" TO_ROLES("k.roles") ", '<role>'))"
		"   || CASE WHEN k.roles IS NULL THEN ''" NO_ROLE " ELSE '' END"
	" FROM p JOIN k ON k.oid = p.polrelid WHERE p.polroles = '{0}'", 1, {OIDARRAYOID}},

	/*
	 * roles to which no policies apply, although a policy names them or they
	 * have a privilege
	 */
	{TABLES
		" SELECT 'role_bypasses', 'error', t.name,"
		"  format('policies name role %I, which %s and sees every row', app.rolname,"
		"   CASE WHEN app.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END),"
		"  CASE WHEN app.rolsuper THEN format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS', app.rolname)"
		"   ELSE format('ALTER ROLE %I NOBYPASSRLS', app.rolname) END"
		" FROM app JOIN t ON t.oid = app.polrelid WHERE app.rolsuper OR app.rolbypassrls"
		" UNION ALL"
		" SELECT DISTINCT 'role_bypasses', 'warning', t.name,"
		"  format('role %I has privileges on it and sees every row: it %s', r.rolname,"
		"   CASE WHEN r.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END),"
		"  format('REVOKE ALL ON %s FROM %I', t.name, r.rolname)"
		" FROM t CROSS JOIN LATERAL aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee"
		" WHERE t.rls AND (r.rolsuper OR r.rolbypassrls) AND r.oid <> t.owner"
		" AND NOT EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND r.oid = ANY (p.polroles))",
	1, {OIDARRAYOID}},

	/*
	 * roles to which policies apply, but which can SET ROLE to a role to
	 * which they do not apply; the roles need not inherit the privileges of
	 * that role
	 */
	{TABLES
		", bound AS MATERIALIZED (SELECT app.polrelid AS rel, app.oid, app.rolname FROM app WHERE NOT app.rolsuper AND NOT app.rolbypassrls"
		"  UNION SELECT t.oid, r.oid, r.rolname FROM t CROSS JOIN LATERAL aclexplode(t.acl) a JOIN pg_roles r ON r.oid = a.grantee"
		"   WHERE t.rls AND r.oid <> t.owner AND NOT r.rolsuper AND NOT r.rolbypassrls"
		"   AND EXISTS (SELECT FROM p WHERE p.polrelid = t.oid AND NOT p.bypass AND p.polroles = '{0}')),"
		" becomes AS MATERIALIZED (SELECT b.oid AS role, f.oid, f.rolname, f.rolsuper, f.rolsuper OR f.rolbypassrls AS free"
		"  FROM (SELECT DISTINCT bound.oid FROM bound) b JOIN pg_roles f ON f.oid <> b.oid AND pg_has_role(b.oid, f.oid, " CMIG_SET_ROLE_COMPAT ")),"
		" bypass AS (SELECT t.name, bound.oid AS role, bound.rolname, b.oid AS free, b.rolname AS free_name, 'error' AS severity,"
		"   CASE WHEN b.rolsuper THEN 'is a superuser' ELSE 'has BYPASSRLS' END AS why"
		"  FROM bound JOIN becomes b ON b.role = bound.oid JOIN t ON t.oid = bound.rel WHERE t.rls AND b.free"

		/*
		 * leave out roles that have the privileges of the role named in the
		 * bypass policy, because the bypass policy applies to these roles,
		 * too
		 */
		"  UNION SELECT t.name, bound.oid, bound.rolname, b.oid, b.rolname, 'warning', format('has the policy %I', p.polname)"
		"  FROM bound JOIN becomes b ON b.role = bound.oid JOIN t ON t.oid = bound.rel"
		"  JOIN p ON p.polrelid = t.oid AND p.bypass AND b.oid = ANY (p.polroles)"
		"  WHERE t.rls AND NOT b.free AND NOT pg_has_role(bound.oid, b.oid, 'USAGE'))"
		" SELECT 'role_bypasses', d.severity, d.name,"
		"  format('role %I can SET ROLE %I, which %s: then it sees every row', d.rolname, d.free_name, d.why),"

		/*
		 * name the membership to revoke, through which the role can become
		 * the other role, perhaps indirectly
		 */
		"  format('REVOKE %I FROM %I', coalesce((SELECT min(r.rolname) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid"
		"   WHERE m.member = d.role AND pg_has_role(m.roleid, d.free, 'MEMBER')), d.free_name), d.rolname)"
	" FROM bypass d", 1, {OIDARRAYOID}},

	{TABLES
		" SELECT 'owner_is_application', CASE WHEN t.forced THEN 'warning' ELSE 'error' END, t.name,"
		"  CASE WHEN app.oid = t.owner THEN format('policies name role %I, which owns the table: it %s', app.rolname,"
		"    CASE WHEN t.forced THEN 'can turn row-level security off' ELSE 'sees every row' END)"
		"   ELSE format('policies name role %I, which has the privileges of the owner, role %I: it %s', app.rolname, t.owner_name,"
		"    CASE WHEN t.forced THEN 'can turn row-level security off' ELSE 'sees every row' END) END,"
		"  CASE WHEN app.oid = t.owner THEN format('-- ALTER TABLE %s OWNER TO <role>, which is a role that policies do not apply to', t.name)"
		"   ELSE format('REVOKE %I FROM %I', t.owner_name, app.rolname) END"
		" FROM app JOIN t ON t.oid = app.polrelid"
		" WHERE t.rls AND NOT app.rolsuper AND (pg_has_role(app.oid, t.owner, 'USAGE')"
	"  OR pg_has_role(app.oid, t.owner, " CMIG_SET_ROLE_COMPAT "))", 1, {OIDARRAYOID}},

	/*
	 * views that read a protected table, directly or through other views; the
	 * privileges of a view's owner are checked when the view is read
	 */
	{TABLES

		/*
		 * by_user: the table itself is read by a view with security_invoker,
		 * and so with the privileges of the user, whatever views are above it
		 */
		", seen(view, base, by_user) AS ("
		"  SELECT DISTINCT r.ev_class, t.oid, EXISTS (SELECT FROM pg_class i CROSS JOIN LATERAL pg_options_to_table(i.reloptions) x"
		"   WHERE i.oid = r.ev_class AND i.relkind = 'v' AND x.option_name = 'security_invoker' AND x.option_value::boolean)"
		"  FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid"
		"   JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> t.oid"
		"  WHERE t.rls"
		"  UNION SELECT r.ev_class, s.base, s.by_user FROM seen s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.view"
		"   JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid AND r.ev_class <> s.view),"
		" v AS (SELECT c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name, c.relowner, o.rolname,"
		"   bool_or(o.rolsuper OR o.rolbypassrls OR (c.relowner = t.owner AND NOT t.forced)) AS free,"
		"   bool_or(" SEES_ALL("c.relowner") ") AS bypasses,"
		"   string_agg(DISTINCT t.name, ', ') AS tables,"
		/* roles that see every row anyway do not count */
		"   EXISTS (SELECT FROM (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) l"
		"    CROSS JOIN LATERAL aclexplode(l.acl) a LEFT JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> c.relowner"
		"    AND (a.grantee = 0 OR NOT (g.rolsuper OR g.rolbypassrls OR EXISTS (SELECT FROM p JOIN seen x ON x.base = p.polrelid"
		"     WHERE x.view = c.oid AND p.bypass AND a.grantee = ANY (p.polroles))))) AS granted,"
		"   EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner) AS maintained,"
		"   bool_and(s.by_user) AS by_user,"
		"   EXISTS (SELECT FROM pg_options_to_table(c.reloptions) x WHERE x.option_name = 'security_invoker'"
		"    AND x.option_value::boolean) AS invoker"
		"  FROM seen s JOIN t ON t.oid = s.base JOIN pg_class c ON c.oid = s.view JOIN pg_namespace n ON n.oid = c.relnamespace"
		"  JOIN pg_roles o ON o.oid = c.relowner GROUP BY c.oid, n.nspname, o.rolname)"
		" SELECT 'view_definer', CASE WHEN v.maintained AND NOT v.granted THEN 'notice'"
		"   WHEN v.free OR (v.bypasses AND v.granted) THEN 'error' ELSE 'warning' END, v.name,"
		"  format('the view reads %s with the privileges of its owner, role %I%s', v.tables, v.rolname,"
		"   CASE WHEN v.free OR v.bypasses THEN ', which sees every row' ELSE ', not those of its user' END),"
		"  format('ALTER VIEW %s SET (security_invoker = true)', v.name)"
		" FROM v WHERE v.relkind = 'v' AND NOT v.invoker AND NOT v.by_user"
		" UNION ALL"
		" SELECT 'matview', CASE WHEN v.granted THEN 'error' WHEN v.maintained THEN 'notice' ELSE 'warning' END, v.name,"
		"  format('the materialized view contains rows of %s that its owner saw%s', v.tables,"
		"   CASE WHEN v.granted THEN ', and other roles can read them' ELSE '' END),"
		"  CASE WHEN v.granted THEN format('REVOKE ALL ON %s FROM %s', v.name,"
		"   (SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
		"    FROM pg_class c CROSS JOIN LATERAL (SELECT c.relacl AS acl UNION ALL SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) s"
		"    CROSS JOIN LATERAL aclexplode(s.acl) a WHERE c.oid = v.oid AND a.grantee <> c.relowner))"
		"   ELSE format('-- do not grant privileges on %s: no policy limits what can be read from it', v.name) END"
	" FROM v WHERE v.relkind = 'm'", 1, {OIDARRAYOID}},

	{TABLES DEFINERS
		" SELECT 'security_definer', CASE WHEN "
		"  f.free OR bool_or((f.proowner = t.owner AND NOT t.forced) OR " SEES_ALL("f.proowner") ") THEN 'warning' ELSE 'notice' END,"
		"  f.kind || f.name, format('it reads %s with the privileges of role %I%s',"
		"   string_agg(DISTINCT t.name, ', '), f.rolname,"
		"   CASE WHEN f.free OR bool_or((f.proowner = t.owner AND NOT t.forced) OR " SEES_ALL("f.proowner") ") THEN ', which sees every row' ELSE '' END),"
		"  format('ALTER %s%s SECURITY INVOKER', upper(f.kind), f.name)"
		" FROM f JOIN reads r ON r.func = f.oid JOIN t ON t.oid = r.rel GROUP BY f.oid, f.kind, f.name, f.rolname, f.free, f.proowner",
	1, {OIDARRAYOID}},

	/* functions that reach a protected table without naming it */
	{TABLES DEFINERS
		", reach AS (SELECT o.proowner, bool_or(o.free OR (o.proowner = t.owner AND NOT t.forced) OR " SEES_ALL("o.proowner") ") AS sees"
		"  FROM (SELECT DISTINCT d.proowner, d.free FROM dynamic d) o JOIN t ON t.rls"
		"   AND (has_any_column_privilege(o.proowner, t.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(o.proowner, t.oid, 'DELETE'))"
		"  GROUP BY o.proowner)"
		" SELECT 'dynamic_sql', CASE WHEN r.sees THEN 'warning' ELSE 'notice' END, d.kind || d.name,"
		"  format('%s with the privileges of role %I%s: what it reads cannot be checked', d.how, d.rolname,"
		"   CASE WHEN r.sees THEN ', which sees every row' ELSE '' END),"
		"  format('ALTER %s%s SECURITY INVOKER', upper(d.kind), d.name)"
	" FROM dynamic d JOIN reach r ON r.proowner = d.proowner", 1, {OIDARRAYOID}},

	/*
	 * SECURITY DEFINER functions whose search_path is not safe: temporary
	 * tables are found first unless the path ends with pg_temp; with an empty
	 * path, all names are qualified
	 */
	{TABLES DEFINERS
		" SELECT 'definer_search_path', 'warning', f.kind || f.name,"
		"  CASE WHEN f.path IS NULL THEN 'it looks up names in the search_path of its caller, who can put other objects there'"
		"   ELSE 'its search_path does not end with pg_temp: temporary tables of its caller take precedence over the intended ones' END,"
		"  format('ALTER %s%s SET search_path = %s, pg_temp', upper(f.kind), f.name, coalesce(f.path, quote_ident(f.nspname)))"
		" FROM f WHERE NOT f.parsed AND f.oid IN (SELECT r.func FROM reads r UNION SELECT d.oid FROM dynamic d WHERE EXISTS (SELECT FROM t WHERE t.rls))"
		" AND (f.path IS NULL OR (f.path !~ '(^|[ ,])\"?pg_temp\"?$' AND f.path NOT IN ('', '\"\"', 'pg_catalog')))",
	1, {OIDARRAYOID}},

	/* privileges that no policy can restrict */
	{TABLES
		", more AS (SELECT DISTINCT t.oid, t.name, u.oid AS role, x.priv"

		/*
		 * for a policy for PUBLIC, take all roles that have a privilege on
		 * the table
		 */
		"  FROM p JOIN t ON t.oid = p.polrelid CROSS JOIN LATERAL (SELECT unnest(p.polroles) UNION"
		"   SELECT a.grantee FROM aclexplode(t.acl) a WHERE p.polroles = '{0}') u(oid)"
		"  CROSS JOIN (VALUES ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) x(priv)"
		"  WHERE t.rls AND NOT p.bypass AND has_table_privilege(u.oid, t.oid, x.priv)"
		"  AND (u.oid = 0 OR EXISTS (SELECT FROM pg_roles r WHERE r.oid = u.oid AND NOT r.rolsuper AND NOT r.rolbypassrls"
		"   AND NOT pg_has_role(u.oid, t.owner, 'USAGE'))))"
		" SELECT 'unrestricted_privilege', CASE WHEN bool_or(m.priv <> 'REFERENCES') THEN 'warning' ELSE 'notice' END, m.name,"
		"  format('%s has %s on it, which no policy limits', CASE WHEN m.role = 0 THEN 'everybody' ELSE format('role %I', pg_get_userbyid(m.role)) END,"
		"   string_agg(m.priv, ', ' ORDER BY m.priv DESC)),"
		"  format('REVOKE TRUNCATE, REFERENCES, TRIGGER ON %s FROM %s', m.name,"
		"   coalesce((SELECT string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, ', ')"
		"    FROM t CROSS JOIN LATERAL aclexplode(t.acl) a WHERE t.oid = m.oid AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')"
		"    AND (a.grantee = 0 OR (m.role <> 0 AND pg_has_role(m.role, a.grantee, 'USAGE')))), '<role>'))"
	" FROM more m GROUP BY m.oid, m.name, m.role", 1, {OIDARRAYOID}},

	{TABLES
		" SELECT 'unused_policy', 'notice', format('policy %I on %s', p.polname, t.name),"
		"  'none of its roles has a privilege on the table',"
		"  format('GRANT %s ON %s TO %s', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'"
		"   WHEN 'd' THEN 'DELETE' ELSE 'SELECT, INSERT, UPDATE, DELETE' END, t.name,"
		"   (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_roles r WHERE r.oid = ANY (p.polroles)))"
		" FROM p JOIN t ON t.oid = p.polrelid WHERE t.rls AND p.polroles <> '{0}'"
		" AND NOT EXISTS (SELECT FROM unnest(p.polroles) u(oid) JOIN pg_roles r ON r.oid = u.oid WHERE"
		"  CASE p.polcmd WHEN 'r' THEN has_any_column_privilege(u.oid, t.oid, 'SELECT')"
		"   WHEN 'a' THEN has_any_column_privilege(u.oid, t.oid, 'INSERT')"
		"   WHEN 'w' THEN has_any_column_privilege(u.oid, t.oid, 'UPDATE')"
		"   WHEN 'd' THEN has_table_privilege(u.oid, t.oid, 'DELETE')"
		"   ELSE has_any_column_privilege(u.oid, t.oid, 'SELECT, INSERT, UPDATE')"
	"    OR has_table_privilege(u.oid, t.oid, 'DELETE') END)", 1, {OIDARRAYOID}},

	{TABLES
		", each AS (SELECT p.polrelid, u.oid AS role, c.cmd, string_agg(quote_ident(p.polname), ', ' ORDER BY p.polname) AS names,"
		"   count(*) AS n,"
		"   bool_and(EXISTS (SELECT FROM pg_description d WHERE d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass"
		"    AND position('[cmig.enable_rls ' IN d.description) > 0)) AS made"
		"  FROM p CROSS JOIN LATERAL unnest(p.polroles) u(oid)"
		"  JOIN (VALUES ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) c(letter, cmd)"
		"   ON p.polcmd = '*' OR p.polcmd::text = c.letter"
		"  WHERE p.polpermissive GROUP BY p.polrelid, u.oid, c.cmd HAVING count(*) > 1),"
		" together AS (SELECT polrelid, role, names, min(n) AS n, string_agg(cmd, ', ' ORDER BY cmd) AS cmds"
		"  FROM each WHERE NOT made GROUP BY polrelid, role, names)"
		" SELECT 'many_permissive', 'notice', t.name,"
		"  format('%s permissive policies (%s) are combined using OR for %s, role %s', e.n, e.names, e.cmds,"
		"   CASE WHEN e.role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.role)) END),"
		"  format('-- combine the expressions of the policies on %s in one policy using OR, and drop the others', t.name)"
	" FROM together e JOIN t ON t.oid = e.polrelid", 1, {OIDARRAYOID}},
};

/*
 * Partitions and child tables without row-level security.  The last column is
 * not a fix but the OID of the parent, for which enable_rls must be called
 * again, or null if all of the parent's policies were created by hand.
 */
static CmigQuery exposed = {
	TABLES
	" SELECT 'partition_exposed', CASE WHEN EXISTS (SELECT FROM (SELECT c.relacl AS acl UNION ALL"
	"   SELECT b.attacl FROM pg_attribute b WHERE b.attrelid = c.oid) l CROSS JOIN LATERAL aclexplode(l.acl) a WHERE a.grantee <> c.relowner)"
	"   THEN 'error' ELSE 'notice' END, format('%I.%I', n.nspname, c.relname),"
	"  format('its parent %s has row-level security, but this table does not: queries that name it directly see every row', t.name),"
	"  CASE WHEN EXISTS (SELECT FROM p JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass"
	"    WHERE p.polrelid = t.oid AND position('[cmig.enable_rls ' IN d.description) > 0) THEN t.oid END"
	" FROM t JOIN pg_inherits i ON i.inhparent = t.oid JOIN pg_class c ON c.oid = i.inhrelid"
	"  JOIN pg_namespace n ON n.oid = c.relnamespace"
	" WHERE t.rls AND NOT c.relrowsecurity AND c.relkind IN ('r', 'p') ORDER BY 5", 1, {OIDARRAYOID}
};

/* A partition or child table without row-level security. */
typedef struct Exposed
{
	CmigRlsFinding *finding;
	Oid			parent;
} Exposed;

/* Callback that reads a row of the query "exposed". */
static void
take_exposed(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **children = arg;
	Exposed    *child = palloc(sizeof(Exposed));
	bool		isnull;
	Datum		parent = cmig_query_datum(desc, row, 5, &isnull);

	child->finding = cmig_rls_finding_read(desc, row);
	child->parent = isnull ? InvalidOid : DatumGetObjectId(parent);
	*children = lappend(*children, child);
}

/*
 * Report partitions and child tables without row-level security.  The fix is
 * to call enable_rls for their parent.
 */
static void
add_exposed(Datum *values, List **findings)
{
	List	   *children = NIL;
	Oid			parent = InvalidOid;
	char	   *call = NULL;
	ListCell   *lc;

	cmig_query_each(&exposed, values, NULL, take_exposed, &children);
	foreach(lc, children)
	{
		Exposed    *child = lfirst(lc);

		/*
		 * if the parent's policies were created by hand, the fix enables
		 * row-level security without policies, so that the child can be read
		 * only through the parent
		 */
		if (!OidIsValid(child->parent))
			child->finding->fix = psprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
										   child->finding->object);
		else
		{
			/* look up each parent once; its children are adjacent */
			if (child->parent != parent)
			{
				CmigRlsTable *table = NULL;

				parent = child->parent;
				/* check whether the parent has been dropped in the meantime */
				if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(parent)))
					table = cmig_rls_table_read(parent);
				call = table && table->state ? cmig_rls_policy_call(table) : NULL;
			}
			child->finding->fix = call;
		}
		*findings = lappend(*findings, child->finding);
	}
}

void
cmig_rls_posture_add_findings(ArrayType *schemas, List **findings)
{
	Datum		values[1] = {PointerGetDatum(schemas)};
	int			guc_level = NewGUCNestLevel();

	/*
	 * Turn off JIT compilation.  The planner would choose it even for short
	 * queries, because it overestimates the costs of the CTEs that the rules
	 * share.
	 */
	cmig_settings_override("jit", "off");
	for (int i = 0; i < lengthof(checks); i++)
		cmig_query_each(&checks[i], values, NULL, cmig_rls_finding_take, findings);
	add_exposed(values, findings);
	AtEOXact_GUC(false, guc_level);
}
