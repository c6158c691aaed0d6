--
-- cmig.diff: enums, domains, and composite types of columns
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/diff_judge.psql'
\i :include
CREATE SCHEMA shop;
SET search_path = shop;

-- values are added at the start, in the middle, and at the end; columns, defaults, views, and functions remain as they are
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
	CREATE TABLE users (mood mood DEFAULT 'sad', moods mood[]); INSERT INTO users VALUES ('happy', '{sad,it''s ok}');
	CREATE VIEW sad_users AS SELECT users.* FROM users, (VALUES (1)) one WHERE mood = 'sad'$$,
	$$CREATE TYPE mood AS ENUM ('none', 'sad', 'it''s ok', 'better', 'good', 'happy', 'ecstatic');
	CREATE TABLE users (mood mood DEFAULT 'sad', moods mood[]); CREATE VIEW sad_users AS SELECT users.* FROM users, (VALUES (1)) one WHERE mood = 'sad'$$);
\set ECHO all
-- an added value that is used immediately, which ALTER TYPE does not permit
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TABLE users (mood mood DEFAULT 'sad'); INSERT INTO users VALUES ('happy')$$,
	$$CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TABLE users (mood mood DEFAULT 'ok')$$);
-- removed, renamed, reordered: with everything that depends on the type
\set ECHO none
CREATE ROLE regress_diff_types;
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); COMMENT ON TYPE mood IS 'how it goes';
	REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO regress_diff_types;
	CREATE TABLE users (id int PRIMARY KEY, mood mood NOT NULL DEFAULT 'ok' CHECK (mood <> 'sad'), moods mood[], glad bool GENERATED ALWAYS AS (mood = 'happy') STORED);
	CREATE INDEX happy ON users (id) WHERE mood = 'happy';
	INSERT INTO users VALUES (1, 'happy', '{ok,happy}');
	CREATE VIEW happy_users AS SELECT users.* FROM users, (VALUES (1)) one WHERE mood = 'happy'; GRANT SELECT ON happy_users TO regress_diff_types;
	CREATE FUNCTION cheer(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m'$$,
	$$CREATE TYPE mood AS ENUM ('happy', 'ok'); COMMENT ON TYPE mood IS 'how it goes';
	REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO regress_diff_types;
	CREATE TABLE users (id int PRIMARY KEY, mood mood NOT NULL DEFAULT 'ok' CHECK (mood <> 'happy' OR true), moods mood[], glad bool GENERATED ALWAYS AS (mood = 'happy') STORED);
	CREATE INDEX happy ON users (id) WHERE mood = 'happy';
	CREATE VIEW happy_users AS SELECT users.* FROM users, (VALUES (1)) one WHERE mood = 'happy'; GRANT SELECT ON happy_users TO regress_diff_types;
	CREATE FUNCTION cheer(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m'$$);
\set ECHO all
-- the rows survive
\set ECHO none
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE users (id int, mood mood, moods mood[]);
INSERT INTO users VALUES (1, 'happy', '{ok,happy}'), (2, NULL, NULL);
DO $do$
DECLARE
	d record;
BEGIN
	FOR d IN SELECT * FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('happy', 'ok'); CREATE TABLE shop.users (id int, mood shop.mood, moods shop.mood[])$$, '{shop}') LOOP
		EXECUTE d.upgrade_sql;
	END LOOP;
END $do$;
\set ECHO all
\t
SELECT * FROM users ORDER BY mood;
\t
DROP TABLE users;
DROP TYPE mood;
-- no column has the type
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('sad', 'ok')$$, $$CREATE TYPE mood AS ENUM ('ok', 'sad')$$);
-- a composite type within types that columns use is replaced together with them, unless a range is among them
SELECT step, upgrade_sql FROM pg_temp.judge($$CREATE TYPE c AS (x int); CREATE DOMAIN d AS c[]; CREATE TYPE o AS (i c); CREATE TABLE t (a d, b o)$$,
	$$CREATE TYPE c AS (x bigint); CREATE DOMAIN d AS c[]; CREATE TYPE o AS (i c); CREATE TABLE t (a d, b o)$$);
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (x int); CREATE TYPE r AS RANGE (subtype = c); CREATE TABLE t (a r)$$,
	$$CREATE TYPE c AS (x bigint, y int); CREATE TYPE r AS RANGE (subtype = c); CREATE TABLE t (a r)$$);
-- through a domain and a composite type, inherited columns, names that need quotes
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TYPE "Mood" AS ENUM ('sad', 'ok'); CREATE TABLE "Mood_old" (x int); CREATE DOMAIN d AS "Mood" DEFAULT 'ok' CHECK (VALUE <> 'sad'); CREATE TYPE c AS (a "Mood", b int);
	CREATE TABLE a (m "Mood", d d, c c); CREATE TABLE b () INHERITS (a)$$,
	$$CREATE TYPE "Mood" AS ENUM ('ok', 'sad'); CREATE TABLE "Mood_old" (x int); CREATE DOMAIN d AS "Mood" DEFAULT 'ok' CHECK (VALUE <> 'sad'); CREATE TYPE c AS (a "Mood", b int);
	CREATE TABLE a (m "Mood", d d, c c); CREATE TABLE b () INHERITS (a)$$);
\set ECHO all
-- columns that no longer have the type, and columns that get it
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE a (x mood, y text, z mood)$$,
	$$CREATE TYPE mood AS ENUM ('ok', 'sad'); CREATE TABLE a (x text, y mood, z mood)$$);
-- the type of a partition key cannot change
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE a (x int, mood mood) PARTITION BY LIST (mood);
SELECT action, object, hazard FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('ok', 'sad'); CREATE TABLE shop.a (x int, mood shop.mood) PARTITION BY LIST (mood)$$, '{shop}');
-- a new value that a partition uses
SELECT action, object, hazard FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('sad', 'so', 'ok'); CREATE TABLE shop.a (x int, mood shop.mood) PARTITION BY LIST (mood);
	CREATE TABLE shop.a1 PARTITION OF shop.a FOR VALUES IN ('so')$$, '{shop}') WHERE action = 'unsupported';
-- also if an old value is missing
SELECT action, object, hazard FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('so', 'ok'); CREATE TABLE shop.a (x int, mood shop.mood) PARTITION BY LIST (mood);
	CREATE TABLE shop.a1 PARTITION OF shop.a FOR VALUES IN ('so'); CREATE TABLE shop.a2 PARTITION OF shop.a FOR VALUES IN ('ok')$$, '{shop}') WHERE action = 'unsupported';
-- so does everything else that uses it
SELECT action, object, hazard FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('sad', 'so', 'ok'); CREATE TABLE shop.a (x int, mood shop.mood) PARTITION BY LIST (mood);
	CREATE FUNCTION shop.f(m shop.mood DEFAULT 'so') RETURNS shop.mood LANGUAGE sql RETURN m;
	CREATE VIEW shop.v AS SELECT shop.f() AS f; CREATE VIEW shop.w AS SELECT * FROM shop.v; CREATE FUNCTION shop.also(shop.mood) RETURNS text LANGUAGE sql AS 'SELECT ''also''';
	CREATE TABLE shop.b (m shop.mood DEFAULT 'so', n shop.mood[] CHECK (n <> '{so}'))$$, '{shop}');
-- the key of a partition: the columns of the partitioned table and of others are left unchanged
\set ECHO none
DROP TABLE a;
CREATE DOMAIN moody AS mood;
CREATE TYPE pair AS (m mood, n int);
CREATE TABLE a (x int, mood mood DEFAULT 'ok') PARTITION BY RANGE (x);
CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (1) TO (2) PARTITION BY LIST (mood);
CREATE TABLE b (m mood DEFAULT 'ok', d moody, p pair);
CREATE VIEW v AS SELECT * FROM a JOIN b ON mood = m;
\set ECHO all
SELECT action, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TYPE shop.mood AS ENUM ('sad', 'so', 'ok'); CREATE DOMAIN shop.moody AS shop.mood; CREATE TYPE shop.pair AS (m shop.mood, n int);
	CREATE TABLE shop.a (x int, mood shop.mood DEFAULT 'ok') PARTITION BY RANGE (x);
	CREATE TABLE shop.a1 PARTITION OF shop.a FOR VALUES FROM (1) TO (2) PARTITION BY LIST (mood); CREATE TABLE shop.a2 PARTITION OF shop.a1 FOR VALUES IN ('so');
	CREATE TABLE shop.b (m shop.mood DEFAULT 'so', d shop.moody, p shop.pair); CREATE VIEW shop.v AS SELECT * FROM shop.a JOIN shop.b ON mood = m$$, '{shop}');
-- what a table needs that is left unchanged is not dropped
SELECT action, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TABLE shop.a (x int, mood text DEFAULT 'ok') PARTITION BY RANGE (x);
	CREATE TABLE shop.a1 PARTITION OF shop.a FOR VALUES FROM (1) TO (2) PARTITION BY LIST (mood); CREATE TABLE shop.b (m text, d int)$$, '{shop}');
\set ECHO none
DROP TABLE a, b CASCADE;
DROP TYPE mood, pair CASCADE;
CREATE TABLE a (x int, y int) PARTITION BY RANGE (x);
CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (9);
\set ECHO all
SELECT action, object, upgrade_sql, hazard FROM cmig.diff('CREATE TABLE shop.a (x bigint, y bigint) PARTITION BY RANGE (x); CREATE TABLE shop.a1 PARTITION OF shop.a FOR VALUES FROM (0) TO (9)', '{shop}');
\set ECHO none
DROP TABLE a;
-- a serial column becomes an identity: its sequence continues
CREATE TABLE s (id serial, "X" int);
INSERT INTO s ("X") VALUES (1), (2), (3);
DO $do$
DECLARE
	d record;
BEGIN
	FOR d IN SELECT * FROM cmig.diff('CREATE TABLE shop.s (id int GENERATED ALWAYS AS IDENTITY, "X" int)', '{shop}') LOOP
		EXECUTE d.upgrade_sql;
	END LOOP;
END $do$;
\set ECHO all
INSERT INTO s ("X") VALUES (4) RETURNING id;
DROP TABLE s;
-- the base type of a domain
SELECT * FROM pg_temp.judge($$CREATE DOMAIN code AS varchar(10) CHECK (VALUE <> ''); CREATE TABLE a (x code NOT NULL DEFAULT 'a', y code[]); INSERT INTO a VALUES ('b', '{c}')$$,
	$$CREATE DOMAIN code AS varchar(20) CHECK (VALUE <> ''); CREATE TABLE a (x code NOT NULL DEFAULT 'a', y code[])$$);
-- attributes of a composite type: without a column of the type, and with one
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a int, b text, z text)$$, $$CREATE TYPE c AS (a bigint, b text, n text)$$);
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a int, b text, z text); CREATE TABLE t (c c); INSERT INTO t VALUES (ROW(1, 'b', 'z')), (NULL)$$,
	$$CREATE TYPE c AS (a bigint, b text, n text); CREATE TABLE t (c c)$$);
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a int, b text); CREATE TABLE t (c c, d c[]); INSERT INTO t VALUES (ROW(1, 'b'), ARRAY[ROW(1, 'x')::c])$$,
	$$CREATE TYPE c AS (a bigint, b text); CREATE TABLE t (c c, d c[])$$);
-- attributes can only be appended: what uses them by their position is reported if they will not have the order of the target, or not their old order
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a numeric, b timestamptz); CREATE VIEW v AS SELECT ROW(1, now())::c IS NULL AS x; CREATE VIEW w AS SELECT ROW(1, now())::c IS NULL AS x$$,
	$$CREATE TYPE c AS (b timestamptz); CREATE VIEW v AS SELECT now() IS NULL AS x$$);
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a numeric, b timestamptz); CREATE VIEW v AS SELECT ROW(1, now())::c <= ROW(2, now())::c AS x$$,
	$$CREATE TYPE c AS (b timestamptz, a numeric); CREATE VIEW v AS SELECT ROW(now(), 1)::c <= ROW(now(), 2)::c AS x$$);
SELECT * FROM pg_temp.judge($$CREATE TYPE c AS (a int, b int); CREATE TABLE t (x int, gone c DEFAULT '(3,4)')$$,
	$$CREATE TYPE c AS (b int, n2 int, n1 int); CREATE TABLE t (x int); CREATE TABLE n (c c DEFAULT ROW(1, 2, 3))$$);
SELECT step, upgrade_sql FROM pg_temp.judge($$CREATE TYPE c AS (a int)$$,
	$$CREATE TYPE c AS (n int, a int); CREATE TABLE t (c c DEFAULT ROW(1, 2), d c CHECK (d > '(1,2)'::c), i int DEFAULT (NULL::c).n)$$);
-- a function in FROM has aliases for all columns; a function that returns the type selects them
SELECT step, upgrade_sql FROM pg_temp.judge($$CREATE TYPE c AS (a int); CREATE FUNCTION f(int) RETURNS SETOF c LANGUAGE plpgsql AS 'BEGIN END'$$,
	$$CREATE TYPE c AS (n int, a int); CREATE FUNCTION f(int) RETURNS SETOF c LANGUAGE plpgsql AS 'BEGIN END'; CREATE VIEW v AS SELECT (f(1)).n, (f(2)).a IN (1, 2) AS two;
	CREATE VIEW w AS SELECT x.p, x.q FROM f(ascii(')')) WITH ORDINALITY x(o, p, q)$$);
SELECT step, upgrade_sql FROM pg_temp.judge($$CREATE TABLE c (a int, b text); CREATE FUNCTION f() RETURNS SETOF c LANGUAGE sql AS 'SELECT * FROM c'; CREATE FUNCTION g() RETURNS c LANGUAGE sql BEGIN ATOMIC SELECT * FROM c; END$$,
	$$CREATE TABLE c (a int, n int, b text); CREATE FUNCTION f() RETURNS SETOF c LANGUAGE sql AS 'SELECT * FROM c WHERE n > 1'; CREATE FUNCTION g() RETURNS c LANGUAGE sql BEGIN ATOMIC SELECT * FROM c WHERE n > 1; END$$);
-- whole rows of a table
SELECT * FROM pg_temp.judge($$CREATE TABLE c (a int, b text, d int); CREATE VIEW v AS SELECT c.* <= ROW(1, 'x', 2) AS x, d FROM c; CREATE VIEW w AS SELECT row_to_json(c.*) AS x FROM c$$,
	$$CREATE TABLE c (a int, n int, b text); CREATE VIEW v AS SELECT c.* <= ROW(2, 2, 'x') AS x, 1 AS d FROM c; CREATE VIEW w AS SELECT to_json(c.*) AS x FROM c$$);
-- attributes whose order changes, in an array
SELECT step, upgrade_sql FROM pg_temp.judge($$CREATE TYPE c AS (a int, b int); CREATE TABLE t (x c[])$$, $$CREATE TYPE c AS (b int, a bigint); CREATE TABLE t (x c[])$$);
-- the type of a column cannot change while other columns contain rows of the table
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TABLE r (a int); CREATE TABLE gone (a int); CREATE TABLE same (a int); CREATE TABLE top (a int); CREATE TABLE below () INHERITS (top); CREATE TABLE m (a int); CREATE TYPE o AS (x r); CREATE DOMAIN d AS o[];
	CREATE TABLE t (x d, z same[], b below, y gone); CREATE VIEW v AS SELECT same FROM same; CREATE MATERIALIZED VIEW mv AS SELECT m FROM m$$,
	$$CREATE TABLE r (a bigint); CREATE TABLE gone (a bigint); CREATE TABLE same (a int, b int); CREATE TABLE top (a bigint); CREATE TABLE below () INHERITS (top); CREATE TABLE m (a bigint); CREATE TYPE o AS (x r); CREATE DOMAIN d AS o[];
	CREATE TABLE t (x d, z same[], b below); CREATE VIEW v AS SELECT same FROM same; CREATE MATERIALIZED VIEW mv AS SELECT m FROM m$$);
\set ECHO all
-- a range type whose multirange type has another name, used in a domain and a composite type
\set ECHO none
CREATE TYPE period AS RANGE (SUBTYPE = date, MULTIRANGE_TYPE_NAME = periods);
CREATE DOMAIN holidays AS periods;
CREATE TYPE calendar AS (name text, days periods);
CREATE TABLE year (days holidays, calendar calendar, open periods);
\set ECHO all
SELECT action, kind, object, hazard FROM cmig.diff('CREATE TYPE period AS RANGE (SUBTYPE = date, MULTIRANGE_TYPE_NAME = days); CREATE DOMAIN holidays AS days;
	CREATE TYPE calendar AS (name text, days days); CREATE TABLE year (days holidays, calendar calendar, open days)', '{shop}');
\set ECHO none
DROP TABLE year;
DROP TYPE calendar;
DROP DOMAIN holidays;
DROP TYPE period;
RESET search_path;
DROP SCHEMA shop;
DROP ROLE regress_diff_types;
DROP EXTENSION pg_cmig;
