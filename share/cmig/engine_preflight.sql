-- engine_preflight.sql: what cmig.preflight finds in a database without the extension, about the
-- plan that an engine has looked at in a copy of the schema.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: facts, a JSON array, whose objects have the same names here; role, of the engine; query,
-- which compares the facts of a row p with the server.
-- It is run by ask_target().
SET LOCAL jit = off \;
SET LOCAL lock_timeout = '5s' \;
SELECT coalesce(jsonb_agg(s), '[]') FROM (
	SELECT statement_timestamp() AS at,
		coalesce(jsonb_agg(f
			|| jsonb_build_object('object', coalesce(object, 0))
			|| CASE f ->> 'role' WHEN :'role' THEN jsonb_build_object('role', current_user) ELSE '{}' END
			|| coalesce(to_jsonb(work), '{}') ORDER BY n), '[]')
		|| jsonb_build_array(jsonb_build_object('kind', 'run', 'bytes', (
			SELECT min(l.pid) FROM pg_locks l, hashtextextended('pg_cmig cmig_engine.version', 0) k
			WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = d.oid
				AND (l.classid::bigint << 32 | l.objid::bigint) = k))) AS facts
	FROM pg_database d, jsonb_array_elements(:'facts'::jsonb) WITH ORDINALITY AS e (f, n)
	CROSS JOIN LATERAL (SELECT
		CASE f ->> 'kind' WHEN 'need' THEN (f ->> 'class')::oid ELSE 'pg_class'::regclass END,
		ARRAY(SELECT jsonb_array_elements_text(f -> 'object_names')),
		ARRAY(SELECT jsonb_array_elements_text(f -> 'object_args'))) AS o (class, names, args)
	CROSS JOIN LATERAL (SELECT CASE
		WHEN f ->> 'type' IS NULL THEN (f ->> 'object')::oid
		WHEN class = 'pg_class'::regclass THEN (
			SELECT c.oid FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
			WHERE s.nspname = names[1] AND c.relname = names[2])
		WHEN class = 'pg_authid'::regclass THEN (SELECT oid FROM pg_roles WHERE rolname = names[1])
		WHEN class = 'pg_namespace'::regclass THEN (SELECT oid FROM pg_namespace WHERE nspname = names[1])
		WHEN class = 'pg_database'::regclass THEN d.oid
		WHEN class = 'pg_proc'::regclass THEN (
			SELECT c.oid FROM pg_proc c JOIN pg_namespace s ON s.oid = c.pronamespace
			WHERE s.nspname = names[1] AND c.proname = names[2]
				AND (SELECT identity FROM pg_identify_object(class, c.oid, 0)) = f ->> 'identity')
		ELSE (SELECT objid FROM pg_get_object_address(f ->> 'type', names, args)) END) AS t (object)
	LEFT JOIN LATERAL (
		SELECT coalesce(nullif(c.reltablespace, 0), d.dattablespace) AS class, c.reltuples AS rows,
			pg_relation_size(c.oid) + coalesce(pg_relation_size(nullif(c.reltoastrelid, 0)), 0) AS bytes,
			(SELECT coalesce(sum(pg_relation_size(x.indexrelid)), 0)
				FROM pg_index x WHERE x.indrelid = c.oid) AS indexes
		FROM pg_class c WHERE c.oid = object AND f ->> 'kind' = 'work') AS work ON true
	WHERE d.datname = current_database() AND (f ->> 'type' IS NULL OR object IS NOT NULL)
	GROUP BY d.oid) p, LATERAL (:query) s (item, severity, value, hint) \;
COMMIT;
