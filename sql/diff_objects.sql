--
-- cmig.diff: views, functions, triggers, policies, partitions, and types in use
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/diff_judge.psql'
\i :include
CREATE SCHEMA shop;
SET search_path = shop;
\set ECHO all

-- a view and its dependent objects survive a change of a column's type
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TABLE a (x int, y text);
	CREATE VIEW v AS SELECT x, y FROM a, (VALUES (1)) one;
	CREATE VIEW w AS SELECT x FROM v, (VALUES (1)) one;
	CREATE MATERIALIZED VIEW m AS SELECT x FROM a, (VALUES (1)) one;
	CREATE INDEX ON m (x);
	COMMENT ON VIEW w IS 'w';
	COMMENT ON COLUMN v.x IS 'v.x';
	GRANT SELECT ON w TO PUBLIC;
	CREATE POLICY p ON a USING (x > 0); $$, $$
	CREATE TABLE a (x bigint, y text);
	CREATE VIEW v AS SELECT x, y FROM a, (VALUES (1)) one;
	CREATE VIEW w AS SELECT x FROM v, (VALUES (1)) one;
	CREATE MATERIALIZED VIEW m AS SELECT x FROM a, (VALUES (1)) one;
	CREATE INDEX ON m (x);
	COMMENT ON VIEW w IS 'w';
	COMMENT ON COLUMN v.x IS 'v.x';
	GRANT SELECT ON w TO PUBLIC;
	CREATE POLICY p ON a USING (x > 0); $$);
-- functions: replaced, created again, ordered by the names in their bodies; a check that calls one on its own table
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION two(a int) RETURNS int LANGUAGE sql AS 'SELECT 2';
	CREATE VIEW v AS SELECT two(1) AS x; $$, $$
	CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 11';
	CREATE FUNCTION two(b int) RETURNS int LANGUAGE sql AS 'SELECT 2';
	CREATE VIEW v AS SELECT two(1) AS x;
	CREATE TABLE z (x int);
	CREATE FUNCTION a() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM shop.z';
	CREATE FUNCTION is_good(z) RETURNS boolean LANGUAGE sql AS 'SELECT $1.x > 0';
	ALTER TABLE z ADD CHECK (is_good(z)); $$);
-- triggers, rules, policies
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TABLE a (x int);
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER gone BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();
	CREATE POLICY p ON a FOR SELECT USING (x > 0);
	CREATE POLICY q ON a USING (x > 0); $$, $$
	CREATE TABLE a (x int);
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER t BEFORE UPDATE OF x ON a FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE a DISABLE TRIGGER t;
	CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING;
	CREATE POLICY p ON a FOR SELECT USING (x > 1);
	CREATE POLICY q ON a AS RESTRICTIVE USING (x > 0); $$);
-- partitions
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TABLE a (x int, y int) PARTITION BY RANGE (x);
	CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (10);
	CREATE TABLE a2 PARTITION OF a FOR VALUES FROM (10) TO (20); $$, $$
	CREATE TABLE a (x int, y bigint, z int) PARTITION BY RANGE (x);
	CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (9);
	CREATE TABLE a3 PARTITION OF a FOR VALUES FROM (20) TO (30);
	CREATE INDEX ON a (y); $$);
-- a view becomes a materialized view
SELECT upgrade_sql FROM pg_temp.judge('CREATE TABLE a (x int); CREATE VIEW v AS SELECT x FROM a, (VALUES (1)) one', 'CREATE TABLE a (x int); CREATE MATERIALIZED VIEW v AS SELECT x FROM a, (VALUES (1)) one');
-- an index of a partitioned table
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TABLE a (x int, y int) PARTITION BY RANGE (x);
	CREATE INDEX i ON a (y);
	CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (10); $$, $$
	CREATE TABLE a (x int PRIMARY KEY, y int) PARTITION BY RANGE (x);
	CREATE INDEX i ON a (y DESC);
	CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (10); $$);
-- types in use
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TYPE mood AS ENUM ('sad', 'ok');
	CREATE TABLE a (m mood DEFAULT 'ok' CHECK (m <> 'sad'));
	CREATE VIEW v AS SELECT m FROM a, (VALUES (1)) one; $$, $$
	CREATE TYPE mood AS ENUM ('sad', 'meh', 'ok');
	CREATE TABLE a (m mood DEFAULT 'meh' CHECK (m <> 'sad'));
	CREATE VIEW v AS SELECT m FROM a, (VALUES (1)) one; $$);
-- a materialized view that is created again has data if the old one had, also with a
-- target of pg_dump -s, which writes WITH NO DATA; "empty" and what reads it stay empty
\set ECHO none
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
CREATE MATERIALIZED VIEW filled AS SELECT a FROM t, (VALUES (1)) one;
CREATE MATERIALIZED VIEW reader AS SELECT a FROM filled, (VALUES (1)) one;
CREATE MATERIALIZED VIEW empty AS SELECT a FROM t, (VALUES (1)) one WITH NO DATA;
CREATE MATERIALIZED VIEW was_filled AS SELECT count(*) FROM filled, (VALUES (1)) one;
CREATE VIEW between AS SELECT a FROM empty, (VALUES (1)) one;
\set target 'CREATE TABLE shop.t (a bigint); CREATE MATERIALIZED VIEW shop.filled AS SELECT a FROM shop.t, (VALUES (1)) one WITH NO DATA; CREATE MATERIALIZED VIEW shop.reader AS SELECT a FROM shop.filled, (VALUES (1)) one WITH NO DATA; CREATE MATERIALIZED VIEW shop.empty AS SELECT a FROM shop.t, (VALUES (1)) one WITH NO DATA; CREATE VIEW shop.between AS SELECT a FROM shop.empty, (VALUES (1)) one; CREATE MATERIALIZED VIEW shop.new AS SELECT a FROM shop.between, (VALUES (1)) one WITH NO DATA;'
\set ECHO all
SELECT cmig.create_revision('Wider', string_agg(upgrade_sql, E';\n' ORDER BY step), string_agg(downgrade_sql, E';\n' ORDER BY step DESC), revision => '01'),
	string_agg(hazard, E'\n' ORDER BY step) FROM cmig.diff(:'target', '{shop}');
REFRESH MATERIALIZED VIEW filled WITH NO DATA;
SELECT action, object, upgrade_sql ~ 'NO DATA' AS up, downgrade_sql ~ 'NO DATA' AS down, split_part(hazard, ' (', 1) AS hazard FROM cmig.diff(:'target', '{shop}') WHERE kind = 'materialized view';
REFRESH MATERIALIZED VIEW filled;
SELECT revision FROM cmig.upgrade();
SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' AND relnamespace = 'shop'::regnamespace ORDER BY 1;
SELECT a, pg_typeof(a) FROM reader ORDER BY a;
SELECT revision FROM cmig.downgrade('base');
SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' AND relnamespace = 'shop'::regnamespace ORDER BY 1;
DROP TABLE t CASCADE;
-- an operator in the body of a function
SELECT * FROM pg_temp.judge('', $a$CREATE FUNCTION again(text) RETURNS text LANGUAGE sql AS 'SELECT $1'; CREATE FUNCTION joined(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';
	CREATE OPERATOR ||++ (FUNCTION = joined, LEFTARG = text, RIGHTARG = text); CREATE OR REPLACE FUNCTION again(text) RETURNS text LANGUAGE sql AS 'SELECT $1||++$1'$a$);
-- columns of foreign tables: settings that only ALTER can change; "h" does not keep its parent's storage
CREATE FOREIGN DATA WRAPPER regress_diff_objects;
CREATE SERVER regress_diff_objects FOREIGN DATA WRAPPER regress_diff_objects;
SELECT upgrade_sql, downgrade_sql FROM pg_temp.judge($$
	CREATE TABLE p (a text);
	CREATE FOREIGN TABLE f (a text, b text, c text) SERVER regress_diff_objects OPTIONS (gone '1, new', kept '2, "x', other '3');
	ALTER FOREIGN TABLE f ALTER a SET (n_distinct = 5, n_distinct_inherited = 6), ALTER b SET STORAGE EXTERNAL; $$, $$
	CREATE FOREIGN DATA WRAPPER regress_diff_objects;
	CREATE SERVER regress_diff_objects FOREIGN DATA WRAPPER regress_diff_objects;
	CREATE FOREIGN TABLE f (a text, b text, c text) SERVER regress_diff_objects OPTIONS (kept '2, "x', new '4, "y" ', other '5');
	CREATE TABLE p (a text);
	ALTER TABLE p ALTER a SET STORAGE MAIN;
	CREATE FOREIGN TABLE h () INHERITS (p) SERVER regress_diff_objects;
	ALTER FOREIGN TABLE h ALTER a SET STORAGE EXTENDED;
	CREATE FOREIGN TABLE g (a text, b text) SERVER regress_diff_objects;
	ALTER FOREIGN TABLE f ALTER a SET (n_distinct = -0.5), ALTER c SET STORAGE MAIN, ALTER c SET STATISTICS 7;
	ALTER FOREIGN TABLE g ALTER a SET (n_distinct = 3), ALTER b SET STORAGE PLAIN; $$);
-- the other changes of foreign tables, which are altered, too, unless their server changes; their values are not converted here
CREATE SERVER regress_diff_objects_2 FOREIGN DATA WRAPPER regress_diff_objects;
SELECT regexp_replace(upgrade_sql, '\mf\.(id|kept)\M', '\1', 'g') AS upgrade_sql, regexp_replace(downgrade_sql, '\mf\.(id|kept)\M', '\1', 'g') AS downgrade_sql FROM pg_temp.judge($$
	CREATE TYPE e AS ENUM ('a', 'b');
	CREATE FOREIGN TABLE f (id int NOT NULL, kept varchar(10) OPTIONS (name 'k', other 'z'), kind e, num text, flag boolean DEFAULT true, gone text OPTIONS (name 'x')) SERVER regress_diff_objects;
	CREATE VIEW v AS SELECT id, kept FROM f;
	CREATE TABLE base (id int);
	CREATE FOREIGN TABLE child () INHERITS (base) SERVER regress_diff_objects;
	CREATE TABLE p (id int, at date) PARTITION BY LIST (id);
	CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER regress_diff_objects;
	CREATE FOREIGN TABLE moves (id int) SERVER regress_diff_objects; $$, $$
	CREATE FOREIGN DATA WRAPPER regress_diff_objects;
	CREATE SERVER regress_diff_objects FOREIGN DATA WRAPPER regress_diff_objects;
	CREATE SERVER regress_diff_objects_2 FOREIGN DATA WRAPPER regress_diff_objects;
	CREATE TYPE e AS ENUM ('b', 'c');
	CREATE FOREIGN TABLE f (id bigint, kept text OPTIONS (name 'l', more 'm') COLLATE "C", kind e, num int CHECK (num > 0), flag boolean, new numeric OPTIONS (name 'n') DEFAULT 0 NOT NULL) SERVER regress_diff_objects;
	COMMENT ON COLUMN f.new IS 'new';
	CREATE VIEW v AS SELECT id, kept FROM f;
	ALTER VIEW v ALTER id SET DEFAULT 1;
	CREATE TABLE base (id bigint, more int);
	CREATE FOREIGN TABLE child (own text) INHERITS (base) SERVER regress_diff_objects;
	CREATE TABLE p (id int, at timestamp, more int) PARTITION BY LIST (id);
	CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER regress_diff_objects;
	CREATE FOREIGN TABLE moves (id int) SERVER regress_diff_objects_2; $$);
\set ECHO none
DROP FOREIGN DATA WRAPPER regress_diff_objects CASCADE;
RESET search_path;
DROP SCHEMA shop;
DROP EXTENSION pg_cmig;
