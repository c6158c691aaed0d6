-- engine_added.sql: the code of a DO, after "DECLARE" and the constant cmig_seen, which binds what is validated.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Setting: cmig_client.added, the constraints that earlier transactions of the script have added, as they have left
-- them.  cmig_seen is a query that reads the same here, with an argument like cmig_client.added; see psql_added.c.
--
-- As long as the transaction lasts, they cannot be replaced: tables are locked as VALIDATE CONSTRAINT does, and so are
-- the rows that contain the names of domains and schemas, if a superuser runs the script.  Then they must be where
-- they were left, and tables that inherit them must have the same.  The role that has connected locks them, too,
-- because a DO can validate as that role, whatever role is set before.
	cmig_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
	added CONSTANT pg_catalog.jsonb := pg_catalog.current_setting('cmig_client.added');
	cmig_session CONSTANT pg_catalog.text := session_user;
	cmig_role CONSTANT pg_catalog.text := pg_catalog.current_setting('role');
	present pg_catalog.jsonb;
	item pg_catalog.record;
	other pg_catalog.text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	IF added = '{}' THEN
		PERFORM set_config('search_path', cmig_path, true);
		RETURN;
	END IF;
	FOR attempt IN 1 .. 2 LOOP
		IF has_table_privilege('pg_namespace', 'UPDATE') THEN
			PERFORM FROM pg_namespace WHERE oid IN (
				SELECT connamespace FROM pg_constraint c WHERE jsonb_exists(added, c.oid::text)) FOR KEY SHARE;
			PERFORM FROM pg_type WHERE oid IN (
				SELECT contypid FROM pg_constraint c WHERE jsonb_exists(added, c.oid::text)) FOR KEY SHARE;
			PERFORM FROM pg_constraint c WHERE jsonb_exists(added, c.oid::text) AND contypid <> 0 FOR KEY SHARE;
		END IF;
		FOR item IN SELECT DISTINCT nspname, relname
			FROM pg_constraint o JOIN pg_class c ON c.oid = conrelid JOIN pg_namespace n ON n.oid = relnamespace
			WHERE jsonb_exists(added, o.oid::text) AND relkind IN ('r', 'p') AND pg_has_role(relowner, 'USAGE')
				AND pg_get_userbyid(relowner) <> current_user ORDER BY 1, 2
		LOOP
			EXECUTE format('LOCK TABLE %I.%I IN SHARE UPDATE EXCLUSIVE MODE', item.nspname, item.relname);
		END LOOP;
		RESET SESSION AUTHORIZATION;
		PERFORM set_config('role', 'none', false);
	END LOOP;
	PERFORM set_config('session_authorization', cmig_session, false), set_config('role', cmig_role, false);
	-- which name a table or domain has without its schema depends on the path
	PERFORM set_config('search_path', cmig_path, true);
	EXECUTE cmig_seen INTO present USING added;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	other := (SELECT min(format('%s was replaced or dropped during the run', o.value ->> 'name'))
		FROM jsonb_each(added) o LEFT JOIN jsonb_each(present) n USING (key)
		WHERE n.value IS NULL OR o.value -> 'place' <> n.value -> 'place'
			OR (o.value ->> 'path' = n.value ->> 'path' AND o.value ->> 'visible' > n.value ->> 'visible'));
	-- PostgreSQL has compared a table's constraints as texts when the table was attached
	IF other IS NULL THEN
		WITH RECURSIVE tree AS (
			SELECT oid, conname, conrelid AS id FROM pg_constraint c
				WHERE jsonb_exists(added, c.oid::text) AND contype = 'c' AND conrelid <> 0 AND NOT connoinherit
			UNION SELECT t.oid, conname, inhrelid FROM tree t JOIN pg_inherits ON inhparent = id
		), called AS (
			SELECT t.oid, t.conname, id, c.oid = t.oid AS first, ARRAY(SELECT DISTINCT concat(refclassid, ' ', refobjid)
				FROM pg_depend WHERE classid = 'pg_constraint'::regclass AND objid = c.oid
					AND refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)
				ORDER BY 1) AS objects
			FROM tree t JOIN pg_constraint c ON c.conrelid = id AND c.conname = t.conname
		)
		SELECT min(format('constraint "%s" of table %s has other operators, functions, or types than the one that '
			'the run has added', n.conname, n.id::regclass)) INTO other
		FROM called o JOIN called n USING (oid) WHERE o.first AND o.objects <> n.objects;
	END IF;
	IF other IS NOT NULL THEN
		RAISE object_not_in_prerequisite_state USING MESSAGE = other,
			HINT = 'Drop the constraint that has the name now, or rename it, add the right one, and repeat '
				'the command.';
	END IF;
	PERFORM set_config('search_path', cmig_path, true);
END
