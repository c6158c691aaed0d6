-- engine_members.sql: makes the stubs, which the copier has created, members of the extensions that
-- an engine does not have.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: extensions, from engine_facts.sql; copier.
INSERT INTO pg_depend (classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)
SELECT classid, oid, 0, 'pg_extension'::regclass, (
	SELECT min(e.oid) FROM pg_extension e,
		jsonb_to_recordset(:'extensions'::jsonb -> 'extensions') AS x (name text, known boolean)
	WHERE e.extname = x.name AND NOT x.known AND x.name <> 'pg_cmig'), 0, 'e'
FROM (
	SELECT 'pg_proc'::regclass AS classid, oid, proowner AS owner FROM pg_proc
	UNION ALL
	SELECT 'pg_class', oid, relowner FROM pg_class WHERE relkind IN ('r', 'c')
	UNION ALL
	SELECT 'pg_type', oid, typowner FROM pg_type WHERE typrelid = 0 AND typcategory <> 'A'
	UNION ALL
	SELECT 'pg_namespace', oid, nspowner FROM pg_namespace) o
WHERE owner = to_regrole(:'copier');
