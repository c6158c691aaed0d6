-- engine_look.sql: the code of a DO, after "DECLARE" and two constants, which compares the schema.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Settings: cmig_client.look, what a recorded function has read in the copy; cmig_client.before, what was other
-- than there when the script began (see append_looks() in psql_engine.c); cmig_client.locks, a JSON array of tables
-- that are locked.  cmig_seen is a query that reads the same here, with an argument like cmig_client.look, and
-- cmig_forms has the settings with which the copy was read: names, quotes, and constants have other texts with others.
--
-- What was other than in the copy from the beginning, such as a column of a type that could not be copied, may remain
-- so, but a table that the copy does not have would be left out.  A difference in what the transaction itself has
-- changed is none of others: it would be there again.
	cmig_set CONSTANT pg_catalog.jsonb := (SELECT pg_catalog.jsonb_object_agg(name, pg_catalog.current_setting(name))
		FROM pg_catalog.jsonb_object_keys(cmig_forms) name);
	look pg_catalog.jsonb;
	before pg_catalog.jsonb;
	present pg_catalog.jsonb;
	own pg_catalog._oid;
	is_own boolean;
	lacks boolean;
	names pg_catalog.text;
	locked pg_catalog._text;
BEGIN
	PERFORM pg_catalog.set_config(key, value, true) FROM pg_catalog.jsonb_each_text(cmig_forms);
	look := current_setting('cmig_client.look');
	before := current_setting('cmig_client.before');
	own := ARRAY(SELECT relation FROM pg_locks
		WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
			AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'));
	locked := ARRAY(SELECT name FROM jsonb_array_elements_text(current_setting('cmig_client.locks')::jsonb) name
		WHERE has_table_privilege(to_regclass(name), 'UPDATE, DELETE, TRUNCATE'));
	-- only a superuser can keep others from renaming a schema
	IF has_table_privilege('pg_namespace', 'UPDATE') THEN
		PERFORM FROM pg_namespace WHERE oid IN (
			SELECT relnamespace FROM pg_class WHERE oid IN (SELECT to_regclass(name) FROM unnest(locked) name))
		FOR KEY SHARE;
	END IF;
	IF locked <> '{}' THEN
		EXECUTE concat('LOCK TABLE ONLY ', array_to_string(locked, ', ONLY '), ' IN SHARE UPDATE EXCLUSIVE MODE');
	END IF;
	EXECUTE cmig_seen INTO present USING look;
	-- another table may have got the name of a locked one
	SELECT string_agg(name, ', ') INTO names FROM unnest(locked) name
	WHERE NOT EXISTS (SELECT FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
		AND mode = 'ShareUpdateExclusiveLock' AND relation = to_regclass(name));
	IF names IS NULL THEN
		SELECT string_agg(name, ', ' ORDER BY name), bool_or(to_regclass(name)::oid = ANY (own)), lacked
		INTO names, is_own, lacks FROM (
			SELECT split_part(ltrim(key, '@'), chr(31), 1) AS name, bool_or(o.value IS NULL AND was) AS lacked
			FROM jsonb_each_text(look -> 'seen') o (key, value)
				FULL JOIN jsonb_each_text(present) n (key, value) USING (key),
				coalesce(n.value = before ->> key, false) was
			WHERE o.value IS DISTINCT FROM n.value AND (o.value IS NULL OR NOT was)
				-- whether there is such an object is told by the table's own
				AND (key !~ '^@' OR o.value <> n.value)
			GROUP BY 1 ORDER BY lacked DESC, 1 LIMIT 10) other
		GROUP BY lacked ORDER BY lacked DESC LIMIT 1;
	END IF;
	IF lacks THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'a function of pg_cmig reads tables that were not copied into the engine',
			DETAIL = 'Not copied: ' || names,
			HINT = CASE WHEN has_table_privilege(to_regclass(split_part(names, ', ', 1)), 'SELECT')
				THEN 'Write the statements that the function runs into the revision. To see why: cmig drift'
				ELSE format('As the owner: GRANT SELECT ON %s TO %I', names, session_user) END;
	ELSIF is_own THEN
		RAISE feature_not_supported USING
			MESSAGE = 'the schema is not as in the engine, because this transaction has changed it',
			DETAIL = 'Where rows decide what is changed, what functions of pg_cmig would run after that in the same '
				'transaction is not known. Changed: ' || names,
			HINT = 'Call the function in a revision of its own, and: cmig upgrade --stepwise';
	ELSIF names IS NOT NULL THEN
		RAISE SQLSTATE 'MG025' USING
			MESSAGE = 'the schema of the database has changed since it was copied into the engine',
			DETAIL = 'What functions of pg_cmig would run is no longer known. Changed: ' || names,
			HINT = 'Repeat the command.';
	END IF;
	PERFORM set_config(key, value, true) FROM jsonb_each_text(cmig_set);
END
