--
-- diff: statements for a stepwise revision
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.a (id int, x int, y text, z int, CONSTRAINT "Old" UNIQUE (z), CONSTRAINT gone CHECK (x > 0));
CREATE INDEX old_index ON shop.a (x);
CREATE TABLE shop.b (id int PRIMARY KEY);
CREATE TABLE shop.p (x int) PARTITION BY RANGE (x);
INSERT INTO shop.a SELECT i, i, i, i FROM generate_series(1, 100) i;
INSERT INTO shop.b SELECT i FROM generate_series(1, 100) i;
CREATE TEMP TABLE before AS SELECT cmig.schema_sql('{shop}') AS sql;
\set target 'CREATE TABLE shop.b (id int PRIMARY KEY); CREATE TABLE shop.a (id int CONSTRAINT "A key" PRIMARY KEY, x int NOT NULL REFERENCES shop.b, y text UNIQUE CHECK (y <> \'\'), z int, w int, UNIQUE NULLS NOT DISTINCT (z, y) INCLUDE (x) WITH (fillfactor = 60) DEFERRABLE INITIALLY DEFERRED); CREATE INDEX "New index" ON shop.a (lower(y)); CREATE UNIQUE INDEX new_unique ON shop.a (x) WHERE z > 0; CREATE TABLE shop.p (x int NOT NULL UNIQUE) PARTITION BY RANGE (x); CREATE TABLE shop.new (n int PRIMARY KEY, m int UNIQUE); CREATE INDEX new_m ON shop.new (m, n);'
\set ECHO all
SELECT upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'target', '{shop}', concurrently => true);
INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql)
	SELECT '01', false, string_agg(upgrade_sql, E';\n' ORDER BY step), string_agg(downgrade_sql, E';\n' ORDER BY step DESC) FROM cmig.diff(:'target', '{shop}', concurrently => true);
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.diff(:'target', '{shop}');
CALL cmig.downgrade_stepwise('base');
SELECT CASE WHEN sql = cmig.schema_sql('{shop}') THEN 'as before' ELSE cmig.schema_sql('{shop}') END FROM before;
-- each row is one statement, so that it can also run without a revision
SELECT upgrade_sql FROM cmig.diff(:'target', '{shop}', concurrently => true) ORDER BY step \gexec
SELECT * FROM cmig.diff(:'target', '{shop}');
-- indexes that are invalid, because CREATE INDEX CONCURRENTLY has failed, are built again
CREATE TABLE shop.d (x int, y int);
INSERT INTO shop.d VALUES (1, 1), (1, 2);
CREATE UNIQUE INDEX CONCURRENTLY d_x ON shop.d (x);
DELETE FROM shop.d WHERE y = 2;
SELECT cmig.schema_sql('{shop}') AS target \gset
SELECT action, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'target', '{shop}', concurrently => true);
SELECT action, upgrade_sql, downgrade_sql, hazard FROM cmig.diff(:'target', '{shop}');
SELECT upgrade_sql FROM cmig.diff(:'target', '{shop}') \gexec
SELECT * FROM cmig.diff(:'target', '{shop}');
INSERT INTO shop.d VALUES (1, 2);
\set ECHO none
DROP SCHEMA shop CASCADE;
DELETE FROM cmig.revision;
-- what stands before and after is never absent when a statement commits: views, materialized views, defaults, policies, triggers, functions, types
CREATE SCHEMA shop;
SET search_path = shop;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'gone');
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL DEFAULT 7, m mood DEFAULT 'ok', found text, n text);
INSERT INTO t SELECT i, i, 'ok', 'x', 'y' FROM generate_series(1, 100) i;
CREATE INDEX t_n ON t (n);
CREATE VIEW v AS SELECT id, a, m FROM t;
GRANT SELECT ON v TO PUBLIC;
CREATE VIEW of_v AS SELECT a FROM v;
CREATE VIEW grouped AS SELECT id, n FROM t GROUP BY id;
CREATE VIEW kind AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW mv AS SELECT found, a FROM t;
CREATE UNIQUE INDEX mv_a ON mv (a);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION of_mood(mood) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
CREATE TRIGGER on_a BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE TRIGGER changed BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY on_a ON t USING (a > 0);
CREATE POLICY changed ON t AS RESTRICTIVE USING (true);
RESET search_path;
CREATE FUNCTION standing(OUT name text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT relname FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relkind IN ('v', 'm', 'r')
	UNION ALL SELECT polname FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = 'shop'::regnamespace
	UNION ALL SELECT tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'shop'::regnamespace
	UNION ALL SELECT 'default ' || adnum FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid WHERE relnamespace = 'shop'::regnamespace
	UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'shop'::regnamespace
	UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'shop'::regnamespace AND typtype = 'e' $$;
DROP TABLE before;
CREATE TABLE before AS SELECT cmig.schema_sql('{shop}') AS sql, ARRAY(SELECT name FROM standing()) AS names;
CREATE FUNCTION look() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
	IF EXISTS (SELECT unnest(names) FROM before EXCEPT ALL SELECT name FROM standing()) THEN
		RAISE '% absent', ARRAY(SELECT unnest(names) FROM before EXCEPT ALL SELECT name FROM standing());
	END IF; END $$;
SELECT replace(replace(replace(replace(replace(sql, 'a integer DEFAULT 7', 'a bigint DEFAULT 8'), '''gone''', '''happy'''), 'changed BEFORE UPDATE', 'changed BEFORE INSERT OR UPDATE'), ' AS RESTRICTIVE', ''), 'VIEW shop.kind', 'MATERIALIZED VIEW shop.kind')
	|| '; ALTER TABLE shop.t ALTER n SET NOT NULL; CREATE INDEX t_a ON shop.t (a); DROP INDEX shop.t_n; ALTER TABLE shop.t ADD UNIQUE (n, id)' AS target,
	replace(sql, '''gone''', '''gone'', ''new''') || '; CREATE INDEX t_a ON shop.t (a)' AS label FROM before \gset
-- without what differs between the server's versions: qualified columns in views, and the size of a materialized view
CREATE FUNCTION plain(text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regexp_replace($1, '\m[tv]\.(\w)', '\1', 'g'), 'shop\.mv \(\d+ kB', 'shop.mv (… kB', 'g') $$;
\t
\set ECHO all
SELECT plain(split_part(content, '-- cmig:upgrade', 2)) FROM cmig.autogenerate('All', :'target', schemas => '{shop}', concurrently => true);
SELECT step, action, kind, object, plain(hazard) FROM cmig.diff(:'target', '{shop}', concurrently => true);
SELECT plain(split_part(content, '-- cmig:upgrade', 2)) FROM cmig.autogenerate('Label', :'label', schemas => '{shop}', concurrently => true);
\t
-- without statements that cannot run in a transaction, the file is transactional
SELECT content ~ 'transactional: true' AS transactional, content ~ 'DO ' AS groups FROM cmig.autogenerate('View', (SELECT replace(sql, 'SELECT 1 AS one', 'SELECT 1 AS two') FROM before), schemas => '{shop}', concurrently => true);
-- row security is not forced only in the transactions that read the table, unless it no longer is
\set ECHO none
CREATE SCHEMA forced;
CREATE TABLE forced.a (id int PRIMARY KEY);
CREATE TABLE forced.b (x int, y int);
ALTER TABLE forced.a FORCE ROW LEVEL SECURITY;
ALTER TABLE forced.b FORCE ROW LEVEL SECURITY;
SELECT cmig.schema_sql('{forced}') || 'ALTER TABLE forced.a NO FORCE ROW LEVEL SECURITY; ALTER TABLE forced.b ADD CONSTRAINT b_x FOREIGN KEY (x) REFERENCES forced.a; CREATE INDEX b_y ON forced.b (y)' AS forced \gset
\set ECHO all
\t
SELECT split_part(content, '-- cmig:upgrade', 2) FROM cmig.autogenerate('Forced', :'forced', schemas => '{forced}', concurrently => true);
\set ECHO none
\t
DROP SCHEMA forced CASCADE;
INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql)
	SELECT '02', false, string_agg(upgrade_sql, E';\nSELECT look();\n' ORDER BY step), string_agg(downgrade_sql, E';\nSELECT look();\n' ORDER BY step DESC) FROM cmig.diff(:'target', '{shop}', concurrently => true);
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql)
	SELECT '03', '{02}', false, string_agg(upgrade_sql, E';\nSELECT look();\n' ORDER BY step), string_agg(downgrade_sql, E';\nSELECT look();\n' ORDER BY step DESC) FROM cmig.diff(:'label', '{shop}', concurrently => true);
\set ECHO all
CALL cmig.upgrade_stepwise('02');
SELECT * FROM cmig.diff(:'target', '{shop}');
CALL cmig.downgrade_stepwise('base');
SELECT cmig.stamp('02');
CALL cmig.upgrade_stepwise('03');
SELECT * FROM cmig.diff(:'label', '{shop}');
CALL cmig.downgrade_stepwise('02');
SELECT CASE WHEN sql = cmig.schema_sql('{shop}') THEN 'as before' ELSE cmig.schema_sql('{shop}') END FROM before;
\set ECHO none
DROP FUNCTION look, standing, plain;
DROP TABLE before;
DROP SCHEMA shop CASCADE;
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
-- what is replaced: what takes long comes before or after the transaction
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES ('11', 'CREATE SCHEMA shop;
	CREATE TABLE shop.p (id int PRIMARY KEY, n int);
	CREATE TABLE shop.t (id int NOT NULL, k int REFERENCES shop.p, a text, CONSTRAINT c CHECK (id > 0), CONSTRAINT u UNIQUE (id));
	CREATE INDEX i ON shop.t (k)', 'DROP SCHEMA shop CASCADE');
\set ECHO all
SELECT revision FROM cmig.upgrade();
\set ECHO none
INSERT INTO shop.p SELECT i FROM generate_series(1, 9) i;
INSERT INTO shop.t SELECT i, i, i / 2 FROM generate_series(1, 9) i;
\set target 'CREATE TABLE shop.p (id int CONSTRAINT p_pkey PRIMARY KEY, n int NOT NULL, UNIQUE (n)); ALTER TABLE shop.p DROP CONSTRAINT p_pkey, ADD CONSTRAINT p_pkey PRIMARY KEY (id) INCLUDE (n); CREATE TABLE shop.t (id int NOT NULL, k int REFERENCES shop.p, a text, CONSTRAINT c CHECK (id > 0 AND k < 9), CONSTRAINT u UNIQUE (a)); CREATE INDEX i ON shop.t (k, a)'
\t
\set ECHO all
SELECT split_part(content, '-- cmig:upgrade', 2) FROM cmig.autogenerate('Swapped', :'target', '12', schemas => '{shop}', concurrently => true, store => true);
\t
UPDATE shop.p SET n = id;
-- each part that fails is reverted, or continued
CALL cmig.upgrade_stepwise();
CALL cmig.abandon_partial('12', confirm => '12');
UPDATE shop.t SET a = id;
CALL cmig.upgrade_stepwise();
RESET client_min_messages;
CALL cmig.abandon_partial('12');
SET client_min_messages = warning;
UPDATE shop.t SET k = 1 WHERE k = 9;
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.diff(:'target', '{shop}');
CALL cmig.downgrade_stepwise('11');
SELECT * FROM cmig.drift('{shop}');
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
