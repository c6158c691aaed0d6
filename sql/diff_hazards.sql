--
-- diff: the effect of a statement on the rows of its table
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop;
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.hazards(target_sql text, OUT upgrade_sql text, OUT hazard text) RETURNS SETOF record
LANGUAGE sql AS 'SELECT coalesce(upgrade_sql, object), hazard FROM cmig.diff(target_sql, ''{shop}'') ORDER BY step';
CREATE FUNCTION make(target_sql text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE target_sql; END';

-- an empty table: only data loss is a hazard
CREATE TABLE a (x int, y text, gone text);
\set ECHO all
SELECT * FROM pg_temp.hazards(pg_get_functiondef('make'::regproc) || '; CREATE TABLE shop.a (x bigint NOT NULL, y text UNIQUE)');
-- a table with rows
INSERT INTO a SELECT i, i::text FROM generate_series(1, 1000) i;
ANALYZE a;
SELECT * FROM pg_temp.hazards(pg_get_functiondef('make'::regproc) || '; CREATE TABLE shop.a (x bigint NOT NULL, y text UNIQUE CHECK (y <> ''''))');
DROP FUNCTION make;
-- indexes, foreign keys, constraints that are not valid
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.b (id int PRIMARY KEY); CREATE TABLE shop.a (x int CONSTRAINT r REFERENCES shop.b, y text, gone text); CREATE INDEX i ON shop.a (x); CREATE UNIQUE INDEX u ON shop.a (y)');
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.a (x int, y text, gone text); ALTER TABLE shop.a ADD CONSTRAINT c CHECK (x > 0) NOT VALID');
-- new columns: a rewrite only if the value is computed for each row
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.a (x int, y text, gone text, a1 int, a2 int NOT NULL, a3 int NOT NULL DEFAULT 3, a4 timestamptz DEFAULT now(), a5 uuid DEFAULT gen_random_uuid(), a6 int GENERATED ALWAYS AS IDENTITY, a7 int GENERATED ALWAYS AS (x + 1) STORED)');
DROP TABLE a;
-- a domain: the tables whose columns have it, or a domain over it
CREATE DOMAIN code AS text;
CREATE DOMAIN part_code AS code;
CREATE TABLE part (id part_code);
SELECT * FROM pg_temp.hazards('CREATE DOMAIN shop.code AS text NOT NULL CHECK (VALUE <> ''''); CREATE DOMAIN shop.part_code AS shop.code; CREATE TABLE shop.part (id shop.part_code)');
INSERT INTO part VALUES ('a');
ANALYZE part;
SELECT * FROM pg_temp.hazards('CREATE DOMAIN shop.code AS text NOT NULL CHECK (VALUE <> ''''); CREATE DOMAIN shop.part_code AS shop.code; CREATE TABLE shop.part (id shop.part_code)');
\set ECHO none
DROP TABLE part;
DROP DOMAIN part_code, code;
-- another collation: only the indexes are built again
CREATE TABLE a (x text, y text, z text UNIQUE);
CREATE INDEX i ON a (lower(x));
INSERT INTO a VALUES ('x', 'y', 'z');
\set ECHO all
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.a (x text COLLATE "C", y text COLLATE "C", z text COLLATE "C" UNIQUE); CREATE INDEX i ON shop.a (lower(x))');
-- a table that becomes unlogged, or a partition
SELECT * FROM pg_temp.hazards('CREATE UNLOGGED TABLE shop.a (x text, y text, z text UNIQUE); CREATE INDEX i ON shop.a (lower(x))');
CREATE TABLE whole (x text, y text, z text) PARTITION BY LIST (z);
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.whole (x text, y text, z text) PARTITION BY LIST (z); CREATE TABLE shop.a (x text, y text, z text UNIQUE); CREATE INDEX i ON shop.a (lower(x));'
	' ALTER TABLE shop.whole ATTACH PARTITION shop.a DEFAULT');
\set ECHO none
DROP TABLE a, whole;
-- types: changes for which the server rewrites the table, according to its file
CREATE DOMAIN plain AS int; CREATE DOMAIN short AS varchar(5);
CREATE DOMAIN checked AS int CHECK (VALUE > 0);
CREATE TABLE types (n int, old text, new text);
INSERT INTO types SELECT row_number() OVER (), f, t FROM (VALUES ('varchar(10)', 'varchar(20)'), ('varchar(10)', 'text'), ('varchar(20)', 'varchar(10)'), ('text', 'varchar'), ('text', 'varchar(10)'),
	('char(5)', 'char(6)'), ('char(5)', 'text'), ('numeric(10,2)', 'numeric(12,2)'), ('numeric(10,2)', 'numeric(12,3)'), ('numeric(10,2)', 'numeric'), ('numeric', 'numeric(10,2)'),
	('int', 'bigint'), ('bigint', 'int'), ('int', 'text'), ('timestamp(3)', 'timestamp'), ('timestamp', 'timestamp(3)'), ('timestamp', 'date'), ('cidr', 'inet'), ('inet', 'cidr'), ('varbit(4)', 'varbit(8)'), ('bit(4)', 'bit(8)'),
	('int', 'oid'), ('xml', 'text'), ('json', 'jsonb'), ('int', 'shop.plain'), ('shop.plain', 'int'), ('varchar', 'shop.short'), ('int', 'shop.checked'), ('varchar(5)[]', 'varchar(9)[]'), ('varchar(5)[]', 'text[]'), ('time(3)', 'time(6)'), ('interval', 'interval(3)'), ('text', 'text')) v (f, t);
CREATE FUNCTION rewrites(f text, t text, OUT announced boolean, OUT may_fail boolean, OUT done boolean) LANGUAGE plpgsql AS $$
DECLARE
	sql text;
	before oid;
BEGIN
	EXECUTE format('CREATE TABLE shop.tab (c %s)', f);
	INSERT INTO shop.tab VALUES (NULL);
	announced := false;
	may_fail := false;
	FOR sql, announced, may_fail IN SELECT d.upgrade_sql, coalesce(d.hazard LIKE 'table rewrite%', false), coalesce(d.hazard LIKE '%may fail%', false)
		FROM cmig.diff(format('CREATE DOMAIN shop.short AS varchar(5); CREATE DOMAIN shop.plain AS int; CREATE DOMAIN shop.checked AS int CHECK (VALUE > 0); CREATE TABLE shop.tab (c %s)', t), '{shop}') d WHERE d.object = 'shop.tab.c' LOOP
		before := pg_relation_filenode('shop.tab');
		EXECUTE sql;
		done := before <> pg_relation_filenode('shop.tab');
	END LOOP;
	DROP TABLE shop.tab;
END $$;
\set ECHO all
SELECT old, new, announced, may_fail, CASE WHEN announced IS DISTINCT FROM done THEN 'NOT SO' END FROM types, rewrites(old, new) ORDER BY n;
\set ECHO none
DROP FUNCTION rewrites;
DROP TABLE types;
DROP DOMAIN plain, checked, short;
-- row security that ends, whether or not the table has rows; the downgrade, too
CREATE TABLE guarded (id int, tenant int);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY kept ON guarded USING (tenant = 1);
CREATE POLICY other ON guarded AS RESTRICTIVE USING (tenant > 0);
CREATE POLICY "Gone" ON guarded FOR SELECT USING (true);
\set ECHO all
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.guarded (id int, tenant int); CREATE POLICY kept ON shop.guarded USING (tenant = 1); CREATE POLICY other ON shop.guarded USING (tenant > 0)');
SELECT * FROM pg_temp.hazards('');
ALTER TABLE guarded DISABLE ROW LEVEL SECURITY;
INSERT INTO guarded VALUES (1, 1);
\t
SELECT split_part(content, '-- cmig:upgrade', 2), hazards FROM cmig.autogenerate('Guard', 'CREATE TABLE shop.guarded (id int, tenant int); ALTER TABLE shop.guarded ENABLE ROW LEVEL SECURITY;'
	' CREATE POLICY kept ON shop.guarded USING (tenant = 2); CREATE POLICY other ON shop.guarded AS RESTRICTIVE USING (tenant > 0); CREATE POLICY added ON shop.guarded USING (true)', schemas => '{shop}');
\t
-- several columns of a table are rewritten by one statement; a row whose change another row makes has no hazard
DROP TABLE guarded;
CREATE TABLE wide (id int, n int, note varchar(5), code text, other int);
INSERT INTO wide VALUES (1, 1, 'a', '1', 1);
SELECT step, upgrade_sql, downgrade_sql, hazard FROM cmig.diff('CREATE TABLE shop.wide (id bigint, n bigint NOT NULL, note text, code int, other int)', '{shop}') ORDER BY step;
\t
SELECT split_part(content, '-- cmig:upgrade', 2) FROM cmig.autogenerate('Wide', 'CREATE TABLE shop.wide (id bigint, n bigint NOT NULL, note text, code int, other int)', schemas => '{shop}');
\set ECHO none
\t
SELECT string_agg(upgrade_sql, ';' ORDER BY step) AS up, string_agg(downgrade_sql, ';' ORDER BY step DESC) AS down
	FROM cmig.diff('CREATE TABLE shop.wide (id bigint, n bigint NOT NULL, note text, code int, other int)', '{shop}') \gset
:up;
\set ECHO all
SELECT count(*) FROM cmig.diff('CREATE TABLE shop.wide (id bigint, n bigint NOT NULL, note text, code int, other int)', '{shop}');
:down;
SELECT count(*) FROM cmig.diff('CREATE TABLE shop.wide (id int, n int, note varchar(5), code text, other int)', '{shop}');
-- new columns are part of it, also columns between them, in their order; a generated column of a changed column, and new
-- sequences of a table whose persistence changes, are not
\set ECHO none
CREATE TABLE many (i int, j int);
INSERT INTO many VALUES (1, 1);
\set target 'CREATE TABLE shop.many (i bigint, j int, x text, f uuid NOT NULL DEFAULT gen_random_uuid(), g bigint GENERATED ALWAYS AS IDENTITY, c int DEFAULT 5, h int GENERATED ALWAYS AS (j + 1) STORED, k bigint GENERATED ALWAYS AS (i + 1) STORED, z text); COMMENT ON COLUMN shop.many.x IS ''text''; CREATE TABLE shop.wide (id int, n int, note varchar(5), code text, other int)'
\set unlogged 'CREATE UNLOGGED TABLE shop.many (i bigint, j int, s bigserial, f float DEFAULT random()) WITH (fillfactor = 50); CREATE TABLE shop.wide (id int, n int, note varchar(5), code text, other int)'
\x
\t
\set ECHO all
SELECT step, object, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'target', '{shop}') ORDER BY step;
SELECT step, object, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'unlogged', '{shop}') ORDER BY step;
\x
SELECT split_part(content, '-- cmig:upgrade', 2) FROM cmig.autogenerate('Many', :'target', schemas => '{shop}', concurrently => true);
\set ECHO none
\t
CREATE FUNCTION pg_temp.round(target text) RETURNS TABLE (up bigint, down bigint, again bigint) LANGUAGE plpgsql AS $$
DECLARE
	before text := cmig.schema_sql('{shop}');
	changes text;
	undo text;
BEGIN
	SELECT string_agg(upgrade_sql, ';' ORDER BY step), string_agg(downgrade_sql, ';' ORDER BY step DESC) INTO changes, undo FROM cmig.diff(target, '{shop}');
	EXECUTE changes;
	up := count(*) FROM cmig.diff(target, '{shop}');
	EXECUTE undo;
	down := count(*) FROM cmig.diff(before, '{shop}');
	EXECUTE changes;
	again := count(*) FROM cmig.diff(target, '{shop}');
	EXECUTE undo;
	RETURN NEXT;
END $$;
\set ECHO all
SELECT * FROM pg_temp.round(:'target') UNION ALL SELECT * FROM pg_temp.round(:'unlogged');
TABLE many;
DROP TABLE many;
-- a new table that the target creates before the default privileges does not get them, unlike here
CREATE ROLE regress_hazards_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO regress_hazards_app;
SELECT * FROM pg_temp.hazards('CREATE TABLE shop.wide (id int, n int, note varchar(5), code text, other int); CREATE TABLE shop.new (id int); ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO regress_hazards_app');
SELECT * FROM pg_temp.hazards('ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO regress_hazards_app; CREATE TABLE shop.wide (id int, n int, note varchar(5), code text, other int); REVOKE SELECT ON shop.wide FROM regress_hazards_app; CREATE TABLE shop.new (id int)');
\set ECHO none
ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM regress_hazards_app;
DROP ROLE regress_hazards_app;
RESET search_path;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
