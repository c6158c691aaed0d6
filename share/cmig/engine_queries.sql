-- engine_queries.sql: the queries that pg_stat_statements has counted in a database without the extension.
-- Copyright (c) 2026, the pg_cmig developers
--
-- It is run by ask_target().
--
-- Variable: lock, a statement that locks the name of the schema of pg_stat_statements, and makes the
-- transaction READ ONLY.  Prints whether the database has the view, and then the queries.
--
-- The schema can belong to the owner of the database, who can put another one in its place, with a view of
-- the same name.  So it is looked up after it was locked, in the transaction that uses it.  Neither that owner nor
-- another role can remove a member of an extension that does not belong to it, but whoever owns it can put
-- code into it.
:lock \;
SELECT (
	SELECT nspname
	FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
		JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements'
		JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
			AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles me ON me.rolname = current_user
	WHERE e.extname = 'pg_stat_statements' AND (o.rolsuper OR NOT me.rolsuper)) AS cmig_schema \gset
\echo :{?cmig_schema}
\if :{?cmig_schema}
SELECT concat(q.query, E'\n;') FROM (SELECT s.query FROM :"cmig_schema".pg_stat_statements s
		JOIN pg_database d ON d.oid = s.dbid
	WHERE d.datname = current_database()
		AND s.query ~* E'^\\s*(select|with|insert|update|delete|merge|values|table)\\M'
		AND s.query !~ E'\\mcmig_' GROUP BY s.query ORDER BY sum(s.calls) DESC LIMIT 1000) q \;
\endif
COMMIT;
