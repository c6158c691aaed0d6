-- engine_extensions.sql: creates the extensions of a database in the copy of its schema, as the
-- superuser that a service has; those that the engine does not have get only a row.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: extensions, from engine_facts.sql; copier.
\set ON_ERROR_STOP off
SET lc_messages = 'C';
SET client_min_messages = warning;
CREATE TEMPORARY TABLE wanted AS
SELECT * FROM ROWS FROM (
	jsonb_to_recordset(nullif(:'extensions'::jsonb -> 'extensions', 'null'))
		AS (name text, schema text, owner text, version text, known boolean))
	WITH ORDINALITY AS x (name, schema, owner, version, known, n)
-- not pg_cmig, if the owner of the database has just created it there
WHERE name NOT IN (SELECT extname FROM pg_extension);
SELECT DISTINCT format('CREATE SCHEMA %I AUTHORIZATION %I', schema, :'copier')
FROM wanted WHERE to_regnamespace(quote_ident(schema)) IS NULL \gexec
SELECT format('CREATE EXTENSION IF NOT EXISTS %I SCHEMA %I', name, schema)
FROM wanted WHERE known ORDER BY n \gexec
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT pg_nextoid('pg_extension', 'oid', 'pg_extension_oid_index'), name, 10,
	to_regnamespace(quote_ident(schema)), false, version
FROM wanted WHERE NOT known;
-- until the dump is loaded, which comments on them
UPDATE pg_extension SET extowner = to_regrole(:'copier') WHERE extname IN (SELECT name FROM wanted);
SELECT 'psql: ERROR:  stubs for the members of extension ' || quote_ident(name) FROM wanted WHERE NOT known;
