--
-- What applications and scripts depend on: every function, column, and setting.
-- Each must have a comment and grant nothing to PUBLIC.
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;

-- every function: its arguments with their defaults, then its result columns (- for a
-- procedure), then i(mmutable), s(table) or v(olatile)
\set ECHO none
CREATE VIEW call AS
SELECT p.proname || '(' || coalesce(string_agg(CASE a.mode WHEN 'v' THEN 'VARIADIC ' ELSE '' END || a.name || ' ' || format_type(a.type, NULL)
		|| coalesce(' = ' || pg_get_function_arg_default(p.oid, a.n::int), ''), ', ' ORDER BY a.n)
		FILTER (WHERE a.mode IN ('i', 'b', 'v')), '') || ')' AS call,
	coalesce(string_agg(a.name || ' ' || format_type(a.type, NULL), ', ' ORDER BY a.n) FILTER (WHERE a.mode = 'o'),
		CASE p.prokind WHEN 'p' THEN '-' ELSE format_type(p.prorettype, NULL) END) AS result,
	p.provolatile AS volatility, p.proname AS name
FROM pg_proc p
LEFT JOIN LATERAL unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes, p.proargnames)
	WITH ORDINALITY AS u (type, mode, name, n) ON true
LEFT JOIN LATERAL (SELECT u.type, coalesce(u.mode, 'i') AS mode, u.name, u.n) a ON u.n IS NOT NULL
WHERE p.pronamespace = 'cmig'::regnamespace
GROUP BY p.oid;
\set ECHO all
SELECT call, result, volatility FROM call ORDER BY call COLLATE "C";

-- every column
CREATE TABLE audited (id int PRIMARY KEY);
SELECT count(*) > 0 AS audited FROM cmig.enable_audit('audited');
SELECT c.oid::regclass || CASE c.relkind WHEN 'v' THEN ' (view)' ELSE '' END AS relation,
	string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, ', '
		ORDER BY a.attnum) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace IN ('cmig'::regnamespace, 'cmig_audit'::regnamespace) AND c.relkind IN ('r', 'v', 'p') AND NOT c.relispartition
GROUP BY c.oid ORDER BY c.oid::regclass::text COLLATE "C";

-- every setting
SELECT name, vartype, boot_val, unit, min_val, max_val, enumvals, context FROM pg_settings
WHERE name LIKE 'cmig.%' ORDER BY name COLLATE "C";
\set ECHO none
DROP VIEW call;
SET client_min_messages = warning;
DROP TABLE audited;
DROP SCHEMA cmig_audit CASCADE;
RESET client_min_messages;
\set ECHO all

-- everything has a comment
SELECT p.oid::regprocedure AS without_comment FROM pg_proc p
WHERE p.pronamespace = 'cmig'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass AS without_comment FROM pg_class c
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'v', 'p', 'S') AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT c.oid::regclass || '.' || a.attname AS without_comment FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND NOT a.attisdropped
	AND col_description(c.oid, a.attnum) IS NULL;
SELECT extname AS without_comment FROM pg_extension WHERE extname = 'pg_cmig' AND obj_description(oid, 'pg_extension') IS NULL
UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'cmig' AND obj_description(oid, 'pg_namespace') IS NULL;
SELECT name AS without_description FROM pg_settings WHERE name LIKE 'cmig.%' AND coalesce(short_desc, '') = '';

-- nothing is granted to PUBLIC, everything belongs to one role, nothing is SECURITY DEFINER
SELECT p.oid::regprocedure AS for_public FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.pronamespace = 'cmig'::regnamespace AND a.grantee = 0 ORDER BY p.proname;
SELECT c.oid::regclass AS for_public FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'cmig'::regnamespace AND a.grantee = 0 ORDER BY c.relname;
SELECT nspname AS for_public FROM pg_namespace n, aclexplode(n.nspacl) a WHERE nspname = 'cmig' AND a.grantee = 0;
SELECT count(DISTINCT owner) AS owners FROM (SELECT proowner FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace
	UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = 'cmig'::regnamespace
	UNION ALL SELECT nspowner FROM pg_namespace WHERE nspname = 'cmig') o (owner);
SELECT oid::regprocedure AS definer FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace AND prosecdef ORDER BY proname;

-- pg_dump dumps everything but the keys
SELECT c.oid::regclass AS not_dumped FROM pg_class c, pg_extension e
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'S') AND e.extname = 'pg_cmig'
	AND NOT c.oid = ANY (e.extconfig) ORDER BY 1;

-- no function that is written in SQL or PL/pgSQL depends on the caller's search_path, or is compiled
-- for longer than it runs
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'cmig'::regnamespace AND l.lanname <> 'c'
	AND NOT (ARRAY['search_path=pg_catalog, pg_temp'] || CASE WHEN l.lanname = 'sql' THEN ARRAY['jit=off'] END) <@ coalesce(p.proconfig, '{}');

-- an existing schema of that name is not used
DROP EXTENSION pg_cmig;
CREATE SCHEMA cmig;
\set VERBOSITY sqlstate
CREATE EXTENSION pg_cmig;
DROP SCHEMA cmig;
CREATE EXTENSION pg_cmig SCHEMA public;
