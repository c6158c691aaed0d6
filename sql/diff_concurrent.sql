--
-- diff: statements for a stepwise revision
--
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
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
