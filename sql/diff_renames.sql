--
-- diff: objects that have another name in the target
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
-- the difference and its effect: nothing is left after the upgrade, and the original schema is back after the downgrade
CREATE FUNCTION pg_temp.judge(start_sql text, target_sql text, renames text[], OUT step integer, OUT upgrade_sql text, OUT downgrade_sql text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
DECLARE
	d record;
	before text;
	up text[];
	down text[];
	sql text;
BEGIN
	EXECUTE start_sql;
	before := cmig.schema_sql('{shop}', owners => true);
	FOR d IN SELECT * FROM cmig.diff(target_sql, '{shop}', owners => true, renames => renames) LOOP
		step := d.step;
		upgrade_sql := coalesce(d.upgrade_sql, d.action || ' ' || d.kind || ' ' || d.object || ': ' || d.hazard);
		downgrade_sql := d.downgrade_sql;
		RETURN NEXT;
		up := up || d.upgrade_sql;
		down := d.downgrade_sql || down;
	END LOOP;
	FOREACH sql IN ARRAY coalesce(up, '{}') LOOP
		EXECUTE sql;
	END LOOP;
	step := NULL;
	downgrade_sql := NULL;
	FOR d IN SELECT * FROM cmig.diff(target_sql, '{shop}', owners => true) LOOP
		upgrade_sql := 'LEFT OVER: ' || coalesce(d.upgrade_sql, d.object);
		RETURN NEXT;
	END LOOP;
	FOREACH sql IN ARRAY coalesce(down, '{}') LOOP
		EXECUTE sql;
	END LOOP;
	IF cmig.schema_sql('{shop}', owners => true) <> before THEN
		upgrade_sql := 'NOT AS BEFORE: ' || cmig.schema_sql('{shop}', owners => true);
		RETURN NEXT;
	END IF;
	DROP SCHEMA shop CASCADE;
	CREATE SCHEMA shop;
END $$;
CREATE SCHEMA shop;
SET search_path = shop;
\set ECHO all

-- tables and columns, with all objects named after them
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TABLE item (id serial PRIMARY KEY, nam text UNIQUE CHECK (nam <> '')); CREATE INDEX ON item (lower(nam)); CREATE TABLE line (item_id int REFERENCES item);
	CREATE VIEW v AS SELECT nam FROM item; COMMENT ON TABLE item IS 'items'$$,
	$$CREATE TABLE product (id serial PRIMARY KEY, name text UNIQUE CHECK (name <> '')); CREATE INDEX ON product (lower(name)); CREATE TABLE line (item_id int REFERENCES product);
	CREATE VIEW v AS SELECT name AS nam FROM product; COMMENT ON TABLE product IS 'items'$$,
	'{table shop.item -> product, column shop.item.nam -> name}');
\set ECHO all
-- the column's table by its new name, with another change
SELECT * FROM pg_temp.judge('CREATE TABLE a (x int)', 'CREATE TABLE b (y bigint, z int)', '{column shop.b.x -> y, table shop.a -> shop.b}');
-- swaps and chains
SELECT * FROM pg_temp.judge('CREATE TABLE a (x int, y text); CREATE TABLE b (z int)', 'CREATE TABLE b (y int, x text); CREATE TABLE a (z int)',
	'{table shop.a -> b, table shop.b -> a, column shop.a.x -> y, column shop.a.y -> x}');
SELECT * FROM pg_temp.judge('CREATE TABLE a (x int); CREATE TABLE b (y int); CREATE TABLE c (z int)', 'CREATE TABLE b (x int); CREATE TABLE c (y int); CREATE TABLE d (z int)',
	'{table shop.a -> b, table shop.b -> c, table shop.c -> d}');
SELECT * FROM pg_temp.judge('CREATE TABLE a (x int CONSTRAINT one PRIMARY KEY); CREATE TABLE b (x int CONSTRAINT two PRIMARY KEY)', 'CREATE TABLE a (x int CONSTRAINT two PRIMARY KEY); CREATE TABLE b (x int CONSTRAINT one PRIMARY KEY)',
	'{constraint shop.a.one -> two, constraint shop.b.two -> one}');
-- functions whose bodies name a renamed table: the downgrade restores them before it renames the table
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TABLE a (x int); CREATE FUNCTION f(i int) RETURNS SETOF a LANGUAGE sql AS 'SELECT * FROM a WHERE x = i';
	CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM a'; CREATE FUNCTION h() RETURNS int LANGUAGE sql AS 'SELECT x FROM a'; CREATE FUNCTION other(i int) RETURNS int LANGUAGE sql AS 'SELECT i'$$,
	$$CREATE TABLE b (x int); CREATE FUNCTION f(j int) RETURNS SETOF b LANGUAGE sql AS 'SELECT * FROM b WHERE x = j';
	CREATE FUNCTION g() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM b'; CREATE FUNCTION other(j int) RETURNS int LANGUAGE sql AS 'SELECT j'$$, '{table shop.a -> b}');
\set ECHO all
-- even if the session has compiled the body before
SELECT * FROM pg_temp.judge($a$CREATE TYPE pair AS (x int); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE p shop.pair = ROW(1); BEGIN RETURN p.x; END $$; SELECT f()$a$,
	$a$CREATE TYPE duo AS (x int); CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ DECLARE p shop.duo = ROW(2); BEGIN RETURN p.x; END $$$a$, '{type shop.pair -> duo}');
-- other kinds of objects
\set ECHO none
SELECT * FROM pg_temp.judge($$CREATE TYPE mood AS ENUM ('a'); CREATE DOMAIN d AS int; CREATE TYPE c AS (x int); CREATE SEQUENCE s; CREATE TABLE t (m mood, d d, c c, n int DEFAULT nextval('s'), CONSTRAINT k CHECK (n > 0)); CREATE INDEX i ON t (n);
	CREATE VIEW v AS SELECT 1 AS x; CREATE FUNCTION f(m mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'$$,
	$$CREATE TYPE "Mood" AS ENUM ('a'); CREATE DOMAIN d2 AS int; CREATE TYPE c2 AS (x int); CREATE SEQUENCE s2; CREATE TABLE t (m "Mood", d d2, c c2, n int DEFAULT nextval('s2'), CONSTRAINT k2 CHECK (n > 0)); CREATE INDEX i2 ON t (n);
	CREATE VIEW v2 AS SELECT 1 AS x; CREATE FUNCTION g(m "Mood") RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'$$,
	ARRAY['type shop.mood -> "Mood"', 'domain shop.d -> d2', 'type shop.c -> c2', 'sequence shop.s -> s2', 'constraint shop.t.k -> k2', 'index shop.i -> i2', 'view shop.v -> v2', 'function shop.f(shop.mood) -> g']);
-- by comments in the target, which remain there
SELECT * FROM pg_temp.judge('CREATE TABLE a (x int)', $$-- @renamed from=a
CREATE TABLE b (
	-- @renamed from=x
	y int
)$$, '{}');
\set ECHO all
-- a schema
CREATE SCHEMA old_shop;
CREATE TABLE old_shop.t (x int);
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff('CREATE SCHEMA new_shop; CREATE TABLE new_shop.t (x int)', '{old_shop,new_shop}', renames => '{schema old_shop -> new_shop}');
\set ECHO none
DROP SCHEMA old_shop CASCADE;
-- from one schema to another
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.a (x int);
CREATE TABLE two.b (x int);
\set ECHO all
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff_schemas('one', 'two', renames => '{table one.a -> b}');
\set ECHO none
DROP SCHEMA one, two CASCADE;
-- moves to another schema, which are reported, too; what belongs to an object moves with it
SELECT string_agg(format(replace(x, '@', '%1$I'), 'one'), '; ') AS one, string_agg(format(replace(x, '@', '%1$I'), 'two'), '; ') AS two FROM unnest(ARRAY[
	'CREATE SCHEMA @', 'CREATE TYPE @.mood AS ENUM (''x'')', 'CREATE DOMAIN @.d AS int CHECK (VALUE > 0)', 'CREATE SEQUENCE @.s', 'CREATE TYPE @.pair AS (a @.mood, b int)',
	'CREATE TABLE @.item (id serial PRIMARY KEY, m @.mood, n int DEFAULT nextval(''@.s''), d @.d UNIQUE, p @.pair)', 'CREATE INDEX ON @.item (m)',
	'CREATE TABLE @.line (item int REFERENCES @.item, id int GENERATED ALWAYS AS IDENTITY)',
	'CREATE VIEW @.v AS SELECT id, m FROM @.item', 'CREATE MATERIALIZED VIEW @.w AS SELECT * FROM @.v', 'CREATE FUNCTION @.f(m @.mood) RETURNS int LANGUAGE sql RETURN 1']) x \gset
:one;
INSERT INTO one.item (m) VALUES ('x');
SET client_min_messages = notice;
\set ECHO all
SELECT count(*) FROM cmig.diff(:'two', '{one,two}');
SET client_min_messages = warning;
\set renames '{type one.mood -> two.mood, type one.d -> two.d, sequence one.s -> two.s, type one.pair -> two.pair, table one.item -> two.item, table one.line -> two.line, view one.v -> two.v, materialized view one.w -> two.w, function one.f -> two.f}'
CREATE TABLE up AS SELECT row_number() OVER () AS n, * FROM cmig.diff(:'two', '{one,two}', renames => :'renames');
SELECT action, object, upgrade_sql, downgrade_sql FROM up ORDER BY n;
SELECT upgrade_sql FROM up ORDER BY n \gexec
SELECT * FROM cmig.diff(:'two', '{one,two}');
SELECT id, m, n FROM two.item;
SELECT downgrade_sql FROM up ORDER BY n DESC \gexec
SELECT * FROM cmig.diff(:'one', '{one,two}');
-- together with a rename; by a comment
SELECT object, upgrade_sql, downgrade_sql FROM cmig.diff(E'CREATE SCHEMA one; CREATE SCHEMA two;\n-- @renamed from=one.item\nCREATE TABLE two.thing (id serial PRIMARY KEY)', '{one,two}') WHERE action IN ('create', 'rename');
SELECT object, upgrade_sql FROM cmig.diff('CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE two.thing (id serial PRIMARY KEY)', '{one,two}', renames => '{table one.item -> two.thing}') WHERE action = 'rename';
-- errors
CREATE SCHEMA two;
CREATE VIEW two.item AS SELECT 1 AS x;
SELECT * FROM cmig.diff(:'two', '{one,two}', renames => '{table one.item -> two.item}');
SELECT * FROM cmig.diff(:'one', '{one,two}', renames => '{type one.mood -> two.mood}');
SELECT * FROM cmig.diff(:'two', '{one,two}', renames => '{index one.item_m_idx -> two.item_m_idx}');
DROP SCHEMA one, two CASCADE;
DROP TABLE up;
-- a probable rename is reported, not made
CREATE TABLE a (x int, y text);
SET client_min_messages = notice;
SELECT action, object FROM cmig.diff('CREATE TABLE shop.b (x int, y text)', '{shop}');
SELECT action, object FROM cmig.diff('CREATE TABLE shop.a (x int, "Z" text)', '{shop}');
-- not if it is ambiguous
SELECT action, object FROM cmig.diff('CREATE TABLE shop.a (x int, z1 text, z2 text)', '{shop}');
-- a label of an enum, with a backslash; autogenerate asks in a comment, too
CREATE TYPE mood AS ENUM ('sad', 'it''s \ok');
SELECT action, object, upgrade_sql FROM cmig.diff('CREATE TYPE shop.mood AS ENUM (''sad'', ''fine''); CREATE TABLE shop.a (x int, y text)', '{shop}');
SELECT substring(content FROM 'cmig:upgrade.*?(?=-- cmig:downgrade)') FROM cmig.autogenerate('Fine', 'CREATE TYPE shop.mood AS ENUM (''sad'', ''fine''); CREATE TABLE shop.a (x int, z text)', schemas => '{shop}');
ALTER TYPE mood RENAME VALUE 'it''s \ok' TO 'fine';
SELECT count(*) FROM cmig.diff('CREATE TYPE shop.mood AS ENUM (''sad'', ''fine''); CREATE TABLE shop.a (x int, y text)', '{shop}');
DROP TYPE mood;
-- errors
SELECT * FROM cmig.diff('', '{shop}', renames => '{shop.a -> b}');
SELECT * FROM cmig.diff('', '{shop}', renames => '{table a -> b}');
SELECT * FROM cmig.diff('', '{shop}', renames => '{table shop.nowhere -> b}');
SELECT * FROM cmig.diff('', '{shop}', renames => '{table shop.a -> b}');
CREATE TABLE b (x int);
SELECT * FROM cmig.diff('CREATE TABLE shop.b (x int)', '{shop}', renames => '{table shop.a -> b}');
DROP TABLE b;
SELECT * FROM cmig.diff('CREATE TABLE shop.b (z int)', '{shop}', renames => '{column shop.a.x -> z, column shop.a.y -> z}');
SELECT * FROM cmig.diff('CREATE TABLE shop.b (z int)', '{shop}', renames => '{column shop.a.x -> z, column shop.a.x -> y}');
-- the same rename twice, also in a comment
SELECT upgrade_sql FROM cmig.diff(E'-- @renamed from=a\nCREATE TABLE shop.b (x int, y text)', '{shop}', renames => '{table shop.a -> b, table shop.a -> b}');
RESET search_path;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
