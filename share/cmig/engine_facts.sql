-- engine_facts.sql: what an engine needs to know of a database to copy its schema.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: available, the extensions that the engine has, as a JSON array; foreign_schema, a
-- condition on a row n of pg_namespace; settings, a list of names; seen, a query; before, a statement
-- that is run first.  Prints a line each for that query, for the sizes, for other facts, and for the
-- stubs, and then the relations that pg_dump cannot read, whether their schema is of others, and
-- the option that leaves them out.
-- It is run by ask_target().
:before
:seen;

-- the extensions whose members become stubs; what requires one of these is one, too
WITH RECURSIVE stub AS (
	SELECT s.oid FROM pg_extension s
	WHERE NOT :'available'::jsonb ? s.extname OR EXISTS (
		SELECT FROM pg_depend m
			LEFT JOIN pg_language l ON m.classid = 'pg_language'::regclass AND l.oid = m.objid
		WHERE m.refclassid = 'pg_extension'::regclass AND m.refobjid = s.oid AND m.deptype = 'e'
			AND (m.classid = 'pg_foreign_data_wrapper'::regclass OR NOT l.lanpltrusted))
	UNION
	SELECT r.objid FROM stub JOIN pg_depend r ON r.classid = 'pg_extension'::regclass
		AND r.refclassid = 'pg_extension'::regclass AND r.refobjid = stub.oid)
SELECT coalesce(array_agg(oid), '{}') AS stubs FROM stub \gset

SELECT /* cmig_sizes */ coalesce(jsonb_agg(jsonb_build_object('n', n.nspname, 'r', c.relname,
	'pages', pg_relation_size(c.oid) / current_setting('block_size')::integer, 'rows', c.reltuples)), '[]')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i') AND n.nspname !~ '^(pg_|information_schema$)';

SELECT /* cmig_facts */ jsonb_build_object(
	'path', (
		-- "$user" would be the role that runs the revisions in the engine
		SELECT regexp_replace(replace(reset_val, '"$user"', quote_ident(current_user)), E'(^|,)\\s*\\$user\\s*(?=,|$)',
			E'\\1' || replace(quote_ident(current_user), E'\\', E'\\\\'), 'g')
		FROM pg_settings WHERE name = 'search_path'),
	'role', (SELECT rolname FROM pg_roles WHERE rolname = current_user AND NOT rolsuper),
	'creators', (
		SELECT jsonb_agg(DISTINCT r.rolname) FROM pg_database d, aclexplode(d.datacl) a, pg_roles r
		WHERE d.datname = current_database() AND a.privilege_type = 'CREATE' AND r.oid = a.grantee),
	'settings', (SELECT jsonb_object_agg(name, reset_val) FROM pg_settings WHERE lower(name) IN (:settings)),
	'foreign', (SELECT jsonb_agg(nspname) FROM pg_namespace n WHERE :foreign_schema),
	'extensions', (
		SELECT jsonb_agg(jsonb_build_object('name', extname, 'schema', n.nspname,
			'owner', CASE WHEN pg_has_role(extowner, 'USAGE') THEN pg_get_userbyid(extowner) END,
			'version', extversion, 'known', e.oid <> ALL (:'stubs'::oid[])) ORDER BY e.oid)
		FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace
		WHERE extname <> 'plpgsql'));

-- stubs for the members of extensions that the engine does not have
WITH member AS (
	SELECT d.classid, d.objid, e.extname
	FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = e.oid AND d.deptype = 'e'
	WHERE extname <> 'plpgsql' AND e.oid = ANY (:'stubs'::oid[]))
SELECT coalesce(jsonb_agg(sql ORDER BY part, oid), '[]')
FROM (
	SELECT 1 AS part, oid, format('CREATE SCHEMA IF NOT EXISTS %I', nspname) AS sql
	FROM member JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND n.oid = objid
	UNION ALL
	SELECT 2, t.oid,
		CASE typtype
			WHEN 'e' THEN format('CREATE TYPE %I.%I AS ENUM (%s)', nspname, typname, (
				SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
				FROM pg_enum WHERE enumtypid = t.oid))
			ELSE format('CREATE DOMAIN %I.%I AS %s', nspname, typname,
				CASE typtype WHEN 'd' THEN format_type(typbasetype, typtypmod) ELSE 'text' END)
		END
	FROM member JOIN pg_type t ON classid = 'pg_type'::regclass AND t.oid = objid
		JOIN pg_namespace n ON n.oid = typnamespace
	WHERE typtype IN ('b', 'd', 'e') AND typcategory <> 'A'
	UNION ALL
	SELECT 3, c.oid,
		format(CASE relkind WHEN 'c' THEN 'CREATE TYPE %I.%I AS (%s)' ELSE 'CREATE TABLE %I.%I (%s)' END,
			nspname, relname, (
			SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
	FROM member JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid
		JOIN pg_namespace n ON n.oid = relnamespace
	WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
	UNION ALL
	SELECT 4, f.oid,
		format('CREATE %s %I.%I(%s)%s LANGUAGE plpgsql %s AS %L',
			CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, nspname, proname,
			pg_get_function_arguments(f.oid), ' RETURNS ' || pg_get_function_result(f.oid),
			CASE WHEN prokind = 'p' THEN ''
				WHEN provolatile = 'i' THEN 'IMMUTABLE'
				WHEN provolatile = 's' THEN 'STABLE' END,
			format('BEGIN RAISE feature_not_supported USING MESSAGE = %L; END',
				format('not judged: the engine does not have the extension %s', extname)))
	FROM member JOIN pg_proc f ON classid = 'pg_proc'::regclass AND f.oid = objid
		JOIN pg_namespace n ON n.oid = pronamespace
	WHERE prokind IN ('f', 'p')) stub;

-- A schema that the role cannot use is left out as a whole if the names were too many to be arguments of pg_dump
-- otherwise.
-- A name can have any byte; a line break is 1f and b.
SELECT DISTINCT /* cmig_unread */ replace(replace(CASE WHEN is_whole THEN quoted
	ELSE format('%s."%s"', quoted, replace(relname, '"', '""')) END, E'\x1f', E'\x1fa'), E'\n', E'\x1fb'),
	is_foreign, CASE WHEN is_whole THEN 'N' ELSE 'T' END
FROM (
	SELECT *, NOT is_usable AND sum(octet_length(quoted) + octet_length(relname) + 20) OVER () > 100000 AS is_whole
	FROM (
		SELECT format('"%s"', replace(n.nspname, '"', '""')) AS quoted, c.relname,
			has_schema_privilege(n.oid, 'USAGE') AS is_usable, :foreign_schema AS is_foreign
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'S') AND n.nspname !~ '^(pg_|information_schema$|cmig_engine(_ddl)?$)'
			AND NOT (has_schema_privilege(n.oid, 'USAGE') AND CASE c.relkind
				WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
				ELSE has_table_privilege(c.oid, 'SELECT') END)) relation) unread
ORDER BY 1 \;
COMMIT;
