-- Copyright (c) 2026, the pg_cmig developers
--
-- Changes by hand, for any schema: pg_temp.change_by_hand() makes one change of
-- each kind that the tables in public allow, and returns the name of the kind, the
-- statement, and the object that cmig.drift() must name.

CREATE TEMP VIEW tab AS
	SELECT c.oid, c.relname, format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT c.relispartition AND c.relname NOT LIKE 'byhand%'
	-- the audit of a table is only reported, and not repaired
	AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname LIKE 'cmig_audit%');
-- columns that no constraint, index, or other object depends on
CREATE TEMP VIEW col AS
	SELECT t.*, a.attname, format('%s.%I', t.name, a.attname) AS object, format('ALTER TABLE %s ALTER %I ', t.name, a.attname) AS alter,
		a.attnum, a.attnotnull, a.atthasdef, a.atttypid, a.attidentity, a.attgenerated,
		NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = t.oid AND d.refobjsubid = a.attnum) AS is_free
	FROM tab t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE a.attname NOT LIKE 'byhand%' AND a.attgenerated = '';
CREATE TEMP VIEW con AS
	SELECT t.*, k.conname, k.contype, k.conindid, format('%I on %s', k.conname, t.name) AS object, format('ALTER TABLE %s DROP CONSTRAINT %I', t.name, k.conname) AS drop,
		pg_get_constraintdef(k.oid) AS definition
	FROM tab t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.conname NOT LIKE 'byhand%';
CREATE TEMP VIEW ind AS
	SELECT t.*, x.relname AS indname, format('public.%I', x.relname) AS object, pg_get_indexdef(x.oid) AS definition
	FROM tab t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class x ON x.oid = i.indexrelid
	WHERE x.relname NOT LIKE 'byhand%' AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid);

CREATE TEMP TABLE kind_of_change (number serial, name text, find text);
INSERT INTO kind_of_change (name, find) VALUES
('a schema', $$SELECT 'CREATE SCHEMA byhand', 'schema byhand'$$),
('a table', $$SELECT 'CREATE TABLE byhand_table (id serial PRIMARY KEY, note text DEFAULT ''x'')', 'table public.byhand_table'$$),
('a partitioned table', $$SELECT 'CREATE TABLE byhand_part (at date) PARTITION BY RANGE (at); CREATE TABLE byhand_old PARTITION OF byhand_part DEFAULT', 'table public.byhand_old'$$),
('a table, dropped', $$SELECT 'DROP TABLE ' || name, 'table ' || name FROM tab$$),
('a table, renamed', $$SELECT format('ALTER TABLE %s RENAME TO byhand_renamed', name), 'table public.byhand_renamed' FROM tab WHERE NOT relrowsecurity$$),
('a column', $$SELECT format('ALTER TABLE %s ADD byhand date', name), format('column %s.byhand', name) FROM tab$$),
('a column with a default', $$SELECT format('ALTER TABLE %s ADD byhand_too integer NOT NULL DEFAULT 7', name), format('column %s.byhand_too', name) FROM tab$$),
('a column, dropped', $$SELECT format('ALTER TABLE %s DROP %I', name, attname), 'column ' || object FROM col WHERE is_free AND NOT attnotnull$$),
('a column, renamed', $$SELECT format('ALTER TABLE %s RENAME %I TO byhand_renamed', name, attname), 'column ' || object FROM col WHERE is_free$$),
('a type', $$SELECT alter || 'TYPE text', 'column ' || object FROM col WHERE is_free AND atttypid = 'varchar'::regtype$$),
('a number', $$SELECT alter || 'TYPE numeric', 'column ' || object FROM col WHERE is_free AND atttypid IN ('int4'::regtype, 'int8'::regtype)$$),
('a default', $$SELECT alter || 'SET DEFAULT ''x''', 'default ' || object FROM col WHERE NOT atthasdef AND is_free AND atttypid IN ('text'::regtype, 'varchar'::regtype)$$),
('a default, other', $$SELECT alter || 'SET DEFAULT 99', 'default ' || object FROM col WHERE atthasdef AND atttypid = 'int4'::regtype$$),
('a default, dropped', $$SELECT alter || 'DROP DEFAULT', 'default ' || object FROM col WHERE atthasdef AND attidentity = ''$$),
('not null', $$SELECT alter || 'SET NOT NULL', 'column ' || object FROM col WHERE NOT attnotnull$$),
('not null, dropped', $$SELECT alter || 'DROP NOT NULL', 'column ' || object FROM col WHERE attnotnull AND attidentity = ''$$),
('storage', $$SELECT alter || 'SET STORAGE EXTERNAL', 'column ' || object FROM col WHERE atttypid IN ('text'::regtype, 'jsonb'::regtype)$$),
('a statistics target', $$SELECT alter || 'SET STATISTICS 500', 'column ' || object FROM col$$),
('an option of a column', $$SELECT alter || 'SET (n_distinct = 5)', 'column ' || object FROM col$$),
('a check constraint', $$SELECT format('ALTER TABLE %s ADD CONSTRAINT byhand_check CHECK (%I IS NOT NULL) NOT VALID', name, attname), 'constraint byhand_check on ' || name FROM col$$),
('a check constraint, dropped', $$SELECT "drop", 'constraint ' || object FROM con WHERE contype = 'c'$$),
('a unique constraint', $$SELECT format('ALTER TABLE %s ADD CONSTRAINT byhand_unique UNIQUE (%I)', name, attname), 'constraint byhand_unique on ' || name FROM col WHERE atttypid = 'text'::regtype$$),
('a unique constraint, dropped', $$SELECT "drop", 'constraint ' || object FROM con WHERE contype = 'u'$$),
('a primary key, dropped', $$SELECT "drop", 'constraint ' || object FROM con WHERE contype = 'p'$$),
('a foreign key, dropped', $$SELECT "drop", 'foreign key ' || object FROM con WHERE contype = 'f'$$),
('a foreign key, other', $$SELECT format('%s, ADD CONSTRAINT %I %s DEFERRABLE', "drop", conname, regexp_replace(definition, ' (NOT )?DEFERRABLE.*', '')), 'foreign key ' || object FROM con WHERE contype = 'f'$$),
('a foreign key', $$SELECT format('ALTER TABLE %s ADD CONSTRAINT byhand_fkey %s', name, definition), 'foreign key byhand_fkey on ' || name FROM con WHERE contype = 'f'$$),
('an index', $$SELECT format('CREATE INDEX byhand_index ON %s (%I)', name, attname), 'index public.byhand_index' FROM col WHERE atttypid IN ('text'::regtype, 'timestamptz'::regtype)$$),
('a partial index', $$SELECT format('CREATE INDEX byhand_partial ON %s (lower(%I)) WHERE %2$I > ''a''', name, attname), 'index public.byhand_partial' FROM col WHERE atttypid = 'text'::regtype$$),
('an index, dropped', $$SELECT 'DROP INDEX ' || object, 'index ' || object FROM ind$$),
('an index, other', $$SELECT format('DROP INDEX %s; %s', object, definition || CASE WHEN definition ~ ' WHERE ' THEN ' AND true IS NOT NULL' ELSE ' WHERE true IS NOT NULL' END), 'index ' || object FROM ind$$),
('an index, renamed', $$SELECT format('ALTER INDEX %s RENAME TO byhand_index_renamed', object), 'index ' || object FROM ind$$),
('an option of an index', $$SELECT format('ALTER INDEX %s SET (fillfactor = 60)', object), 'index ' || object FROM ind WHERE definition ~ 'USING btree'$$),
('a storage parameter', $$SELECT format('ALTER TABLE %s SET (fillfactor = 70)', name), 'table ' || name FROM tab$$),
('a replica identity', $$SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', name), 'replica identity ' || name FROM tab$$),
('unlogged', $$SELECT format('ALTER TABLE %s SET UNLOGGED', name), 'table ' || name FROM tab$$),
('row security', $$SELECT format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name), 'table ' || name FROM tab WHERE NOT relrowsecurity$$),
('row security, disabled', $$SELECT format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', name), 'table ' || name FROM tab WHERE relrowsecurity$$),
('a policy', $$SELECT format('CREATE POLICY byhand ON %s USING (true)', name), 'policy byhand on ' || name FROM tab$$),
('a policy, other', $$SELECT format('ALTER POLICY %I ON %s TO CURRENT_USER', p.polname, name), format('policy %I on %s', p.polname, name) FROM tab JOIN pg_policy p ON p.polrelid = tab.oid AND p.polroles = '{0}'$$),
('a policy, dropped', $$SELECT format('DROP POLICY %I ON %s', p.polname, name), format('policy %I on %s', p.polname, name) FROM tab JOIN pg_policy p ON p.polrelid = tab.oid WHERE p.polname <> 'byhand'$$),
('a trigger', $$SELECT format('CREATE TRIGGER byhand BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', name), 'trigger byhand on ' || name FROM tab$$),
('a trigger, disabled', $$SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', name, g.tgname), format('trigger %I on %s', g.tgname, name) FROM tab JOIN pg_trigger g ON g.tgrelid = tab.oid WHERE NOT g.tgisinternal AND g.tgname <> 'byhand'$$),
('a trigger, dropped', $$SELECT format('DROP TRIGGER %I ON %s', g.tgname, name), format('trigger %I on %s', g.tgname, name) FROM tab JOIN pg_trigger g ON g.tgrelid = tab.oid WHERE NOT g.tgisinternal AND g.tgname <> 'byhand'$$),
('a rule', $$SELECT format('CREATE RULE byhand AS ON UPDATE TO %s DO ALSO NOTHING', name), 'rule byhand on ' || name FROM tab$$),
('a function', $$SELECT 'CREATE FUNCTION byhand() RETURNS integer LANGUAGE sql AS ''SELECT 1''', 'function public.byhand()'$$),
('a function, other', $$SELECT format('ALTER FUNCTION %s COST 77', p.oid::regprocedure), format('function public.%s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname <> 'byhand' AND p.prokind = 'f' AND pg_has_role(p.proowner, 'MEMBER') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')$$),
('a view', $$SELECT format('CREATE VIEW byhand_view AS SELECT %I FROM %s', attname, name), 'view public.byhand_view' FROM col$$),
('a materialized view', $$SELECT format('CREATE MATERIALIZED VIEW byhand_stored AS SELECT %I FROM %s', attname, name), 'materialized view public.byhand_stored' FROM col$$),
('an enum', $$SELECT 'CREATE TYPE byhand_enum AS ENUM (''a'', ''b'')', 'enum public.byhand_enum'$$),
('an enum value', $$SELECT format('ALTER TYPE public.%I ADD VALUE ''byhand''', t.typname), format('enum public.%I', t.typname) FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype = 'e' AND t.typname <> 'byhand_enum'$$),
('a domain', $$SELECT 'CREATE DOMAIN byhand_domain AS text CHECK (VALUE <> '''')', 'domain public.byhand_domain'$$),
('a composite type', $$SELECT 'CREATE TYPE byhand_type AS (a integer, b text)', 'composite type public.byhand_type'$$),
('a range type', $$SELECT 'CREATE TYPE byhand_range AS RANGE (subtype = date)', 'range type public.byhand_range'$$),
('a sequence', $$SELECT 'CREATE SEQUENCE byhand_sequence INCREMENT 2', 'sequence public.byhand_sequence'$$),
('a sequence, other', $$SELECT format('ALTER SEQUENCE public.%I CACHE 9', c.relname), format('sequence public.%I', c.relname) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relname NOT LIKE 'byhand%' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')$$),
('statistics', $$SELECT format('CREATE STATISTICS byhand_statistics ON id, %I FROM %s', attname, name), 'statistics public.byhand_statistics' FROM col WHERE atttypid = 'text'::regtype$$),
('a collation', $$SELECT 'CREATE COLLATION byhand_collation (locale = ''C'')', 'collation public.byhand_collation'$$),
('an aggregate', $$SELECT 'CREATE AGGREGATE byhand_total(numeric) (SFUNC = numeric_add, STYPE = numeric)', 'aggregate public.byhand_total(numeric)'$$),
('an operator', $$SELECT 'CREATE OPERATOR public.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq)', 'operator public.=== (integer, integer)'$$),
('a text search configuration', $$SELECT 'CREATE TEXT SEARCH CONFIGURATION byhand_words (COPY = simple)', 'text search configuration public.byhand_words'$$),
-- an extension that no revision has created is not a difference, but the table is
('an extension', $$SELECT 'CREATE EXTENSION isn; CREATE TABLE byhand_book (number isbn)', 'table public.byhand_book'$$),
('a publication', $$SELECT format('CREATE PUBLICATION byhand FOR TABLE %s', name), 'publication byhand' FROM tab$$),
('a grant', $$SELECT format('GRANT SELECT ON %s TO byhand', name), 'table ' || name FROM tab$$),
('a grant on a column', $$SELECT format('GRANT SELECT (%I) ON %s TO byhand', attname, name), 'column ' || object FROM col$$),
('a revoked privilege', $$SELECT format('REVOKE TRUNCATE ON %s FROM CURRENT_USER', name), 'table ' || name FROM tab$$),
('default privileges', $$SELECT 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO byhand', 'default privileges FOR ROLE owner IN SCHEMA public SELECT ON TABLES: byhand'$$),
('a comment on a table', $$SELECT format('COMMENT ON TABLE %s IS ''by hand''', name), 'table ' || name FROM tab$$),
('a comment on a column', $$SELECT format('COMMENT ON COLUMN %s IS ''by hand''', object), 'column ' || object FROM col$$),
('a comment on an index', $$SELECT format('COMMENT ON INDEX %s IS ''by hand''', object), 'index ' || object FROM ind$$);

-- A kind takes the first object, in an order of its own, for which the statement
-- works and which no other kind has taken.
CREATE FUNCTION pg_temp.change_by_hand() RETURNS TABLE (name text, sql text, object text) LANGUAGE plpgsql AS $$
DECLARE
	taken text[] := '{}';
	kind record;
BEGIN
	FOR kind IN SELECT k.name, k.find FROM kind_of_change k ORDER BY k.number LOOP
		name := kind.name;
		FOR sql, object IN EXECUTE format('SELECT * FROM (%s) AS f (sql, object) ORDER BY md5(f.sql || %L)', kind.find, kind.name) LOOP
			CONTINUE WHEN object = ANY (taken);
			BEGIN
				EXECUTE sql;
				taken := taken || object;
				RETURN NEXT;
				EXIT;
			EXCEPTION WHEN dependent_objects_still_exist OR feature_not_supported OR not_null_violation OR invalid_table_definition
					OR object_not_in_prerequisite_state OR undefined_object OR undefined_table OR undefined_column OR duplicate_object
					OR invalid_object_definition OR datatype_mismatch OR check_violation THEN
				NULL;
			END;
		END LOOP;
	END LOOP;
END $$;
