-- engine_copied.sql: completes the copy of a schema in an engine, after the dump was loaded.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: extensions and sizes, from engine_facts.sql; database, the copy; copier.
SELECT format('GRANT CREATE ON DATABASE %I TO %I', :'database', r)
FROM jsonb_array_elements_text(nullif(:'extensions'::jsonb -> 'creators', 'null')) r
WHERE to_regrole(quote_ident(r)) IS NOT NULL \gexec
ALTER DEFAULT PRIVILEGES FOR ROLE :"copier" REVOKE CREATE ON SCHEMAS FROM cmig_engine_creator;
SELECT format('REVOKE ALL ON SCHEMA %I FROM cmig_engine_creator', nspname)
FROM pg_namespace WHERE has_schema_privilege('cmig_engine_creator', oid, 'CREATE') \gexec
UPDATE pg_extension e SET extowner = coalesce(r.oid, u.oid)
FROM jsonb_to_recordset(nullif(:'extensions'::jsonb -> 'extensions', 'null')) AS x (name text, owner text)
	JOIN pg_roles u ON u.rolname = current_user
	LEFT JOIN pg_roles r ON r.rolname = x.owner AND pg_has_role(:'copier', r.oid, 'MEMBER')
WHERE e.extname = x.name AND x.name NOT IN ('plpgsql', 'pg_cmig');
UPDATE pg_namespace SET nspacl = NULL
WHERE nspacl = acldefault('n', nspowner) AND nspname !~ '^(pg_|information_schema$|public$)';
-- what belongs to an extension is not compared
SELECT format('ALTER EXTENSION plpgsql ADD SCHEMA %I', n.nspname)
FROM jsonb_array_elements_text(nullif(:'extensions'::jsonb -> 'foreign', 'null')) f
	JOIN pg_namespace n ON n.nspname = f
WHERE NOT EXISTS (SELECT FROM pg_depend d
	WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e') \gexec
UPDATE pg_class c SET relpages = s.pages, reltuples = s.rows
FROM jsonb_to_recordset(:'sizes') AS s (n text, r text, pages integer, rows real), pg_namespace n
WHERE n.nspname = s.n AND c.relnamespace = n.oid AND c.relname = s.r;
