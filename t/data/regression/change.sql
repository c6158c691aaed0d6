-- Drops or alters a random tenth of the objects of a database, and prints the
-- statements.  Variable: seed.
SET client_min_messages = error;
CREATE TEMP TABLE done (statement text);
SELECT setseed((:seed % 1000) / 1000.0) \g /dev/null
CREATE TEMP TABLE chosen AS
WITH object (catalog, oid, sub) AS (
	SELECT 'pg_class'::regclass, c.oid, 0 FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') AND relnamespace <> 'pg_toast'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('i', 'P', 'S'))
	UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relkind IN ('r', 'p', 'f') AND attnum > 0 AND NOT attisdropped AND attinhcount = 0
	UNION ALL SELECT 'pg_constraint'::regclass, oid, 0 FROM pg_constraint WHERE conrelid <> 0 AND coninhcount = 0 AND contype <> 't'
	UNION ALL SELECT 'pg_proc'::regclass, oid, 0 FROM pg_proc
	UNION ALL SELECT 'pg_type'::regclass, oid, 0 FROM pg_type WHERE typtype IN ('e', 'd', 'r') OR
		(typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND c.relkind = 'c'))
	UNION ALL SELECT 'pg_operator'::regclass, oid, 0 FROM pg_operator
	UNION ALL SELECT 'pg_opclass'::regclass, oid, 0 FROM pg_opclass
	UNION ALL SELECT 'pg_opfamily'::regclass, oid, 0 FROM pg_opfamily
	UNION ALL SELECT 'pg_collation'::regclass, oid, 0 FROM pg_collation
	UNION ALL SELECT 'pg_conversion'::regclass, oid, 0 FROM pg_conversion
	UNION ALL SELECT 'pg_cast'::regclass, oid, 0 FROM pg_cast
	UNION ALL SELECT 'pg_ts_config'::regclass, oid, 0 FROM pg_ts_config
	UNION ALL SELECT 'pg_ts_dict'::regclass, oid, 0 FROM pg_ts_dict
	UNION ALL SELECT 'pg_statistic_ext'::regclass, oid, 0 FROM pg_statistic_ext
	UNION ALL SELECT 'pg_trigger'::regclass, oid, 0 FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
	UNION ALL SELECT 'pg_policy'::regclass, oid, 0 FROM pg_policy
	UNION ALL SELECT 'pg_rewrite'::regclass, oid, 0 FROM pg_rewrite WHERE rulename <> '_RETURN'
	UNION ALL SELECT 'pg_publication'::regclass, oid, 0 FROM pg_publication
	UNION ALL SELECT 'pg_foreign_server'::regclass, oid, 0 FROM pg_foreign_server
	UNION ALL SELECT 'pg_namespace'::regclass, oid, 0 FROM pg_namespace WHERE nspname !~ '^pg_|^public$'
)
SELECT o.oid, o.catalog, o.sub, random() AS what, i.type, i.identity, i.object_names, i.object_args
FROM object o, LATERAL (SELECT * FROM pg_identify_object(o.catalog, o.oid, o.sub), pg_identify_object_as_address(o.catalog, o.oid, o.sub) a (t, object_names, object_args)) i
WHERE o.oid >= 16384 AND random() < 0.1 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.classid = o.catalog AND d.deptype = 'e')
ORDER BY random();

-- what is done with an object: a third of them is dropped
CREATE FUNCTION pg_temp.change(c chosen) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	word text := upper(regexp_replace(replace(c.type, 'statistics object', 'statistics'), '^(table|domain) constraint$', 'constraint'));
	target text := c.identity;
	relation text := CASE WHEN c.catalog = 'pg_class'::regclass THEN c.oid::regclass::text END;
	column_name text := quote_ident(c.object_names[3]);
	type text;
BEGIN
	IF c.type = 'table column' OR c.type = 'foreign table column' THEN
		type := (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = c.oid AND attnum = c.sub);
		RETURN format('ALTER TABLE %s ', relation) || CASE
			WHEN c.what < 0.25 THEN format('DROP COLUMN %s CASCADE', column_name)
			WHEN c.what < 0.4 THEN 'ADD COLUMN new_' || c.sub || ' integer DEFAULT ' || c.sub
			WHEN c.what < 0.55 THEN format('ALTER COLUMN %s TYPE %s', column_name, CASE type WHEN 'integer' THEN 'bigint' WHEN 'text' THEN 'varchar(500)' WHEN 'smallint' THEN 'integer' ELSE 'text' END)
			WHEN c.what < 0.7 THEN format('ALTER COLUMN %s %s NOT NULL', column_name, CASE WHEN (SELECT attnotnull FROM pg_attribute WHERE attrelid = c.oid AND attnum = c.sub) THEN 'DROP' ELSE 'SET' END)
			WHEN c.what < 0.85 THEN format('ALTER COLUMN %s SET DEFAULT %s', column_name, CASE type WHEN 'integer' THEN '42' ELSE 'NULL' END)
			ELSE format('ALTER COLUMN %s SET STATISTICS 77', column_name) END;
	END IF;
	IF c.what >= 0.33 AND c.what < 0.6 THEN
		IF word IN ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE') THEN
			RETURN format('ALTER %s %s OWNER TO regress_diff_a', word, target);
		ELSIF word = 'FUNCTION' THEN
			RETURN format('ALTER FUNCTION %s %s', target, CASE WHEN c.what < 0.45 THEN 'COST 77' ELSE 'PARALLEL RESTRICTED' END);
		ELSIF word = 'INDEX' THEN
			RETURN format('ALTER INDEX %s SET (fillfactor = 77)', target);
		ELSIF word = 'TYPE' THEN
			RETURN format('ALTER TYPE %s ADD VALUE ''new''', target);
		ELSIF word = 'TRIGGER' THEN
			RETURN format('ALTER TABLE %s DISABLE TRIGGER %s', split_part(target, ' on ', 2), split_part(target, ' on ', 1));
		END IF;
	END IF;
	IF word = 'CONSTRAINT' THEN
		RETURN CASE WHEN c.what < 0.6 THEN format('ALTER TABLE %s DROP CONSTRAINT %s CASCADE', split_part(target, ' on ', 2), split_part(target, ' on ', 1))
			ELSE format('COMMENT ON CONSTRAINT %s IS ''%s''', replace(target, ' on ', ' ON '), c.what) END;
	END IF;
	target := replace(replace(target, ' on ', ' ON '), ' USING ', ' USING ');
	IF c.what < 0.45 THEN
		RETURN format('DROP %s %s CASCADE', word, target);
	ELSIF c.what < 0.6 AND word IN ('TABLE', 'VIEW', 'SEQUENCE', 'FUNCTION', 'TYPE', 'SCHEMA') THEN
		RETURN format('GRANT ALL ON %s %s TO regress_diff_b', CASE word WHEN 'VIEW' THEN 'TABLE' ELSE word END, target);
	END IF;
	RETURN format('COMMENT ON %s %s IS ''%s''', word, target, c.what);
END $$;

DO $$
DECLARE
	c chosen;
	statement text;
BEGIN
	FOR c IN SELECT * FROM chosen LOOP
		BEGIN
			statement := pg_temp.change(c);
			EXECUTE statement;
			INSERT INTO pg_temp.done VALUES (statement);
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT statement FROM done;
