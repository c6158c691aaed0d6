-- engine_state.sql: the state of a database without the extension, for an engine.
-- Copyright (c) 2026, the pg_cmig developers
--
-- It is run by ask_target().
--
-- Variables: lock, a statement, and shape and runner, queries; own, a pattern for roles of pg_ and of an
-- engine that this server once was; names, those of placeholders; again, is the state read again?
-- Prints lines: the major version, whether the extension is installed, whether a run has the lock of
-- runs, and what is wrong with the state for this role, with the statements that change that; lc_messages,
-- lock_timeout, and cmig.protect; cmig.role; cmig.search_path; the name of the database; the format of
-- cmig_engine, or another tool's table (with its owner, if it is not to be read); the rows of cmig status
-- about a run in progress; a JSON object.
-- What a run in progress has done of a revision was not interrupted, so it is left out, unless the
-- state is read again.
--
-- The first query, after the locks, reads only catalogs.  The second one reads the tables, if nothing is
-- wrong with them.
:lock \;
WITH runner AS MATERIALIZED (:runner),
shape AS MATERIALIZED (:shape),
trusted AS MATERIALIZED (
	SELECT r.oid FROM pg_roles r, pg_database d
	WHERE d.datname = current_database()
		AND (r.rolsuper OR r.oid = d.datdba OR r.rolname IN (current_user, 'pg_database_owner'))),
state AS MATERIALIZED (
	SELECT n.nspname, c.relname, c.relkind, c.relowner, quote_ident(pg_get_userbyid(c.relowner)) AS owner,
		has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS is_readable,
		has_table_privilege(c.oid, 'INSERT') AS is_writable,
		(c.relkind = 'r' OR n.nspname = 'cmig_engine')
			AND c.relowner IN (TABLE trusted) AND n.nspowner IN (TABLE trusted) AS is_trusted
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'cmig_engine' AND c.relname IN ('version', 'journal', 'progress', 'format')
		OR n.nspname = 'public' AND c.relname IN ('cmig_version', 'alembic_version')),
sound AS MATERIALIZED (
	SELECT NOT EXISTS (TABLE shape) AND NOT EXISTS (
		SELECT FROM state WHERE nspname = 'cmig_engine' AND NOT (is_trusted AND is_readable)))
SELECT current_setting('server_version_num')::integer / 10000 AS cmig_major,
	EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cmig') AS cmig_installed,
	translate(current_database(), E'\n', '?') AS cmig_name,
	translate(concat_ws(' ', translate(coalesce(nullif(current_setting('lc_messages'), ''), 'C'), ' ', '_'),
		current_setting('lock_timeout'), current_setting('cmig.protect', true)), E'\n', ' ')
		AS cmig_limit,
	translate(coalesce(current_setting('cmig.role', true), ''), E'\n', ' ') AS cmig_role,
	translate(coalesce(current_setting('cmig.search_path', true), ''), E'\n', ' ') AS cmig_path,
	(SELECT pid IS NOT NULL FROM runner) AS cmig_running, (SELECT coalesce(pid, 0) FROM runner) AS cmig_runner,
	translate(CASE
		WHEN bool_or(nspname = 'cmig_engine' AND NOT is_trusted) THEN concat(
			'refused Connect as that role. If its state is right, as a superuser: ',
			format('ALTER SCHEMA cmig_engine OWNER TO %I', current_user),
			string_agg(format('; ALTER TABLE cmig_engine.%I OWNER TO %I', relname, current_user), '' ORDER BY relname)
				FILTER (WHERE nspname = 'cmig_engine'))
		WHEN EXISTS (TABLE shape) THEN (
			SELECT concat('misshapen ', translate(what, E'\x1f', '?'), E'\x1f', repair) FROM shape)
		WHEN bool_or(nspname = 'cmig_engine' AND NOT (is_readable AND is_writable)) THEN concat(
			CASE WHEN bool_or(nspname = 'cmig_engine' AND NOT is_readable) THEN 'unreadable' ELSE 'unwritable' END,
			' Connect as the role that has run the revisions, ',
			min(concat(owner, CASE WHEN NOT (SELECT rolsuper FROM pg_roles WHERE oid = relowner)
					THEN format('. To use this one, as an administrator: GRANT %s TO %I', owner, current_user) END))
				FILTER (WHERE nspname = 'cmig_engine'))
		WHEN count(*) FILTER (WHERE nspname = 'cmig_engine' AND relname <> 'format') NOT BETWEEN 1 AND 2 THEN ''
		ELSE 'unknown' END, E'\n', '?') AS cmig_lacks,
	(TABLE sound) AND count(*) FILTER (WHERE nspname = 'cmig_engine' AND relname <> 'format') = 3 AS cmig_known,
	(TABLE sound) AND count(*) FILTER (WHERE nspname = 'cmig_engine' AND relname = 'format') > 0 AS cmig_formatted,
	coalesce(min(relname::text) FILTER (WHERE nspname = 'public' AND is_trusted),
		min(relname || ' ' || translate(owner, E'\n', '?')) FILTER (WHERE nspname = 'public' AND relkind = 'r'))
		AS cmig_other
FROM state \gset
\echo :cmig_major :cmig_installed :cmig_running :cmig_lacks
\echo :cmig_limit
\echo :cmig_role
\echo :cmig_path
\echo :cmig_name
\if :cmig_formatted
\set format_query '(SELECT max(number) FROM ONLY cmig_engine.format)'
\else
\set format_query 1
\endif
\if :cmig_known
\set version_query '(SELECT jsonb_agg(version_num) FROM ONLY cmig_engine.version)'
\set journal_query '(SELECT jsonb_agg(to_jsonb(j) - ''file'') FROM ONLY cmig_engine.journal j)'
\set progress_query '(SELECT jsonb_agg(p) FROM ONLY cmig_engine.progress p WHERE ' :'again' ' OR (' :runner ') IS NULL)'
\set begun 'ONLY cmig_engine.progress'
\else
\set version_query NULL
\set journal_query NULL
\set progress_query NULL
\set begun '(SELECT NULL AS revision, NULL AS direction, 0 AS statement, true AS done LIMIT 0)'
\set format_query NULL
\endif
\if :again
\elif :cmig_running
\set progress_query NULL
\endif
\if :{?cmig_other}
\else
\set cmig_other ''
\endif
SELECT concat(coalesce((:format_query)::text,
		CASE WHEN :'cmig_known' THEN '0' ELSE nullif(:'cmig_other', '') END) || E'\n',
	(
		SELECT coalesce(jsonb_agg(jsonb_build_object('item', item, 'value', value, 'hint', hint) ORDER BY number), '[]')
		FROM (SELECT date_trunc('second', least(a.xact_start, a.query_start)) AS since, a.pid,
				date_trunc('second', clock_timestamp() - a.query_start) AS time,
				direction || ' of ' || revision AS step, statement, f,
				coalesce('backfill of ' || f[3], regexp_replace(left(a.query, 160), E'\\s+', ' ', 'g')) AS doing,
				CASE WHEN a.wait_event_type <> 'Timeout' THEN concat_ws(': ', wait_event_type, wait_event) END AS event,
				nullif(array_to_string(pg_blocking_pids(a.pid), ', '), '') AS blockers,
				'SELECT * FROM pg_stat_activity WHERE pid ' AS look
			FROM pg_stat_activity a
				LEFT JOIN (SELECT revision, direction, max(statement) FILTER (WHERE NOT done) AS statement
					FROM :begun p GROUP BY 1, 2) b ON true
				LEFT JOIN regexp_match(a.application_name, E'^cmig: (\\d+) rows, (\\d+) %, backfill of (.*)') f ON true
			WHERE a.pid = :'cmig_runner') a,
		LATERAL (VALUES
			(1, 'running', concat(coalesce(step, doing), ', by process ', pid), concat(look, '= ', pid)),
			(2, 'statement', CASE WHEN step <> '' THEN concat(statement || ': ', doing) END, NULL),
			(3, 'running since', concat(since, ', this statement for ' || time), NULL),
			(4, 'waits for', coalesce('process ' || blockers || ' (' || event || ')', event),
				look || 'IN (' || blockers || ')'),
			(5, 'backfill', f[3] || ': ' || f[1] || ' rows, ' || f[2] || ' % of this pass', NULL))
			v (number, item, value, hint)
		WHERE value IS NOT NULL)::text, E'\n',
	CASE WHEN :'cmig_known' THEN jsonb_build_object('known', true, 'version', :version_query,
		'journal', :journal_query, 'progress', :progress_query) ELSE '{}' END || jsonb_build_object(
	'roles', (SELECT jsonb_agg(rolname) FROM pg_roles WHERE rolname !~ :'own'),
	'bypass', (SELECT jsonb_agg(rolname) FROM pg_roles WHERE rolname !~ :'own' AND (rolbypassrls OR rolsuper)),
	'members', (
		SELECT jsonb_agg(jsonb_build_object('r', r.rolname, 'm', m.rolname))
		FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
		WHERE r.rolname !~ :'own' AND NOT r.rolsuper AND m.rolname !~ :'own'),
	'vars', (SELECT coalesce(jsonb_object_agg(n, current_setting('cmig_var.' || n)), '{}')
		FROM string_to_table(:'names', E'\n') n WHERE current_setting('cmig_var.' || n, true) IS NOT NULL),
	'role', current_user,
	'owner', (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()))) \;
COMMIT;
