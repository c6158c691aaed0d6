-- engine_lock.sql: statements for a DO, which lock the tables of a state and the name of their schema.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: cmig_schema and cmig_names as in engine_shape.sql; cmig_mode, the mode of the locks; cmig_id and
-- cmig_item.  cmig_locked is set to the names of the tables that were locked.  The line
-- that is only a word is replaced by the text in engine_holder.sql.
--
-- What names a table of the state runs these statements, and then the query in engine_shape.sql, in the same
-- transaction, which is READ COMMITTED.  After that, the name is that of the table which was checked, until the
-- transaction ends: a lock on a table does not keep its schema from being renamed, but one on the row of the
-- schema does.  Others may read and lock that row, so runs do not wait for each other.  Only superusers
-- can, whatever role the owner of the database has set for its sessions, and, because the lock is written, nobody
-- in a transaction that is READ ONLY, as on a standby.
--
-- SHARE UPDATE EXCLUSIVE keeps out whoever creates a trigger, an index, statistics, a rule, or a policy.  A
-- session that is only reading must not wait for a run, so it has ACCESS SHARE; see LOCK_STATE in state.bash.
	SELECT current_setting('role') AS before, set_config('role', 'none', true) INTO cmig_item
		FROM pg_roles WHERE rolname = session_user AND rolsuper;
	FOR cmig_attempt IN 1 .. 200 LOOP
		cmig_id := (SELECT oid FROM pg_namespace WHERE nspname = cmig_schema);
		EXIT WHEN cmig_id IS NULL OR current_setting('transaction_read_only') = 'on'
			OR NOT has_table_privilege('pg_namespace', 'UPDATE');
		EXIT WHEN (SELECT true FROM pg_namespace WHERE oid = cmig_id AND nspname = cmig_schema
			FOR KEY SHARE SKIP LOCKED);
		IF cmig_attempt = 200 THEN
			RAISE lock_not_available USING
				MESSAGE = format('an open transaction has renamed or dropped schema %I', cmig_schema),
				HINT = concat('Wait until it has ended.', (
					SELECT format(' Or end process %s: SELECT pg_terminate_backend(%s)',
						cmig_holder
					, a.pid)
					FROM pg_locks l JOIN pg_stat_activity a USING (pid)
					WHERE l.granted AND transactionid = (SELECT xmax FROM pg_namespace WHERE oid = cmig_id) LIMIT 1));
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	PERFORM set_config('role', cmig_item.before, true) WHERE cmig_item.before IS NOT NULL;
	cmig_locked := '{}';
	FOR cmig_item IN SELECT relname, has_table_privilege(c.oid, 'UPDATE, DELETE') AS writes FROM pg_class c
		WHERE relnamespace = cmig_id AND relkind = 'r' AND relname = ANY (cmig_names)
			AND has_schema_privilege(cmig_id, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1
	LOOP
		EXECUTE format('LOCK TABLE ONLY %I.%I IN %s MODE', cmig_schema, cmig_item.relname,
			CASE WHEN cmig_item.writes THEN cmig_mode ELSE 'ACCESS SHARE' END);
		cmig_locked := array_append(cmig_locked, cmig_item.relname);
	END LOOP;
