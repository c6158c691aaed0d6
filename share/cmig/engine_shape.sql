-- engine_shape.sql: a query for what tables of a state have that pg_cmig does not create.
-- Copyright (c) 2026, the pg_cmig developers
--
-- cmig_schema is the name of their schema, and cmig_names are those of the tables: those of an engine, or the
-- version table of a generated script alone, which may have any type of PostgreSQL.
--
-- Their owner may be any role that owns the database or once did.  What it adds, such as a column whose
-- type has a cast, or an index of an expression, would run as whoever reads or writes the table.  This
-- query reads only catalogs, and runs with a search_path in which a name without a schema is one of
-- pg_catalog.  It runs after the locks of engine_lock.sql, before the query that names the tables; src/move
-- contains the same text, for scripts.
SELECT what, repair FROM (
	WITH RECURSIVE state AS (
		SELECT c.oid, relnamespace, relname, relkind, relpersistence, reloftype, relispartition, relrowsecurity,
			relowner, format('%I.%I', cmig_schema, relname) AS name, cardinality(cmig_names) = 1 AS alone
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname = cmig_schema AND relname = ANY (cmig_names)),
	trusted AS (
		SELECT r.oid FROM pg_roles r JOIN pg_roles me ON me.rolname = current_user
		WHERE r.rolsuper OR NOT me.rolsuper AND pg_has_role(r.oid, 'USAGE')),
	type (id) AS (
		SELECT atttypid FROM state s JOIN pg_attribute ON attrelid = s.oid WHERE alone AND attnum > 0
		UNION SELECT typbasetype FROM type JOIN pg_type t ON t.oid = id WHERE typbasetype <> 0),
	columns (tab, col, type) AS (
		SELECT relname::text, 'version_num', NULL::regtype FROM state WHERE alone
		UNION ALL SELECT tab, split_part(item, ' ', 1), split_part(item, ' ', 2)::regtype FROM (VALUES
			('version', 'version_num varchar'), ('format', 'number int4'),
			('journal', 'id int8,revision text,direction text,outcome text,started_at timestamptz,role name,'
			'session_role name,application_name text,client_address inet,transaction_id xid8,checksum text,'
			'search_path text,elapsed interval,sqlstate text,message text,statement int4,file text'),
			('progress', 'revision text,direction text,checksum text,statement int4,done bool,objects oid[]'))
			AS t (tab, items), string_to_table(items, ',') item)
	SELECT 0, format('%s was created by another session', name), 'Repeat the command.'
	FROM state s WHERE relkind = 'r' AND has_schema_privilege(relnamespace, 'USAGE')
		AND has_table_privilege(s.oid, 'SELECT') AND NOT EXISTS (
			SELECT FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation = s.oid AND l.granted)
	UNION ALL SELECT 0, format('%s belongs to role %I', name, rolname),
		format('If its rows are right: ALTER TABLE %s OWNER TO %I', name, current_user)
	FROM state s JOIN pg_roles o ON o.oid = relowner
	WHERE alone AND relowner NOT IN (TABLE trusted) AND rolname <> 'pg_database_owner'
		AND relowner <> (SELECT datdba FROM pg_database WHERE datname = current_database())
	UNION ALL SELECT 1, format('%s is not a plain table', name), CASE WHEN alone THEN 'Use another version_table.'
		WHEN relkind <> 'r' THEN format('ALTER %s %s RENAME TO %I', CASE relkind WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END,
			name, concat(relname, '_other'))
		WHEN relpersistence <> 'p' THEN format('ALTER TABLE %s SET LOGGED', name)
		WHEN reloftype <> 0 THEN format('ALTER TABLE %s NOT OF', name)
		WHEN relispartition THEN format('ALTER TABLE %s DETACH PARTITION %s', inhparent::regclass, name)
		ELSE format('ALTER TABLE %s NO INHERIT %s', inhrelid::regclass, inhparent::regclass) END
	FROM state s LEFT JOIN pg_inherits ON s.oid IN (inhrelid, inhparent)
	WHERE relkind <> 'r' OR NOT alone AND relpersistence <> 'p' OR reloftype <> 0 OR inhrelid IS NOT NULL
	UNION ALL SELECT 2, format('%s has the trigger %I', name, tgname), CASE WHEN conname IS NULL
		THEN format('DROP TRIGGER %I ON %s', tgname, name)
		ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) END
	FROM state s JOIN pg_trigger ON tgrelid = s.oid LEFT JOIN pg_constraint c ON c.oid = tgconstraint AND contype <> 't'
	UNION ALL SELECT 3, format('%s has a rule', name), format('DROP RULE %I ON %s', rulename, name)
	FROM state s JOIN pg_rewrite ON ev_class = s.oid
	UNION ALL SELECT 4, format('%s has row-level security', name),
		format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name)
	FROM state WHERE relrowsecurity
	UNION ALL SELECT 5, format('%s has a constraint that pg_cmig has not created', name),
		format('ALTER TABLE %s DROP CONSTRAINT %I', name, conname)
	FROM state s JOIN pg_constraint ON conrelid = s.oid WHERE contype NOT IN ('p', 'u', 'n')
	UNION ALL SELECT 6, format('%s has an index of an expression, or with operators of others', name),
		format('DROP INDEX %I.%I', cmig_schema, c.relname)
	FROM state s JOIN pg_index i ON indrelid = s.oid JOIN pg_class c ON c.oid = indexrelid
	WHERE indexprs IS NOT NULL OR indpred IS NOT NULL OR 16384 <= ANY (indclass::oid[])
	UNION ALL SELECT 7, format('%s has extended statistics', name), format('DROP STATISTICS %I.%I', nspname, stxname)
	FROM state s JOIN pg_statistic_ext ON stxrelid = s.oid JOIN pg_namespace n ON n.oid = stxnamespace
	UNION ALL SELECT 8, format('column %I of %s has an unknown name, or is generated', attname, name),
		format('ALTER TABLE %s %s', name, CASE WHEN col IS NULL THEN format('DROP COLUMN %I', attname) ELSE format(
			'ALTER COLUMN %I DROP %s', attname, CASE attidentity WHEN '' THEN 'EXPRESSION' ELSE 'IDENTITY' END) END)
	FROM state s JOIN pg_attribute ON attrelid = s.oid AND attnum > 0 AND NOT attisdropped
		LEFT JOIN columns ON tab = relname AND col = attname
	WHERE col IS NULL OR attgenerated <> '' OR attidentity <> ''
	UNION ALL SELECT 9, format('column %I of %s has a default', attname, name),
		format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', name, attname)
	FROM state s JOIN pg_attrdef ON adrelid = s.oid JOIN pg_attribute ON attrelid = s.oid AND attnum = adnum
	UNION ALL SELECT 10, format('column %I of %s has another type or collation', attname, name), CASE WHEN alone
		THEN 'Use another version_table.' ELSE format('As role %1$I: ALTER TABLE %2$s ALTER COLUMN %3$I TYPE %4$s '
			'USING %3$I::text::%4$s', pg_get_userbyid(relowner), name, attname, columns.type) END
	FROM state s JOIN pg_attribute ON attrelid = s.oid AND attnum > 0 AND NOT attisdropped
		JOIN columns ON tab = relname AND col = attname LEFT JOIN pg_type t ON t.oid = columns.type
	WHERE atttypid <> t.oid OR attcollation <> typcollation OR columns.type IS NULL AND EXISTS (
		SELECT FROM type JOIN pg_type b ON b.oid = id
		WHERE id >= 16384 AND (b.typtype <> 'd' OR b.typowner NOT IN (TABLE trusted)))
) AS defect (part, what, repair)
ORDER BY part LIMIT 1
