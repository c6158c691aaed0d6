-- pair: as pg_dump writes it
-- a:
-- b:
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.author (id integer NOT NULL, name text);
ALTER TABLE public.author OWNER TO regress_diff_a;
CREATE SEQUENCE public.author_id_seq AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER TABLE public.author_id_seq OWNER TO regress_diff_a;
ALTER SEQUENCE public.author_id_seq OWNED BY public.author.id;
ALTER TABLE ONLY public.author ALTER COLUMN id SET DEFAULT nextval('public.author_id_seq'::regclass);
ALTER TABLE ONLY public.author ADD CONSTRAINT author_pkey PRIMARY KEY (id);
-- pair: with a search path of its own
CREATE SCHEMA app;
-- a:
-- b:
SET search_path = app, public;
CREATE TYPE kind AS ENUM ('x');
CREATE TABLE t (k kind DEFAULT 'x');
CREATE FUNCTION f() RETURNS kind LANGUAGE sql AS 'SELECT k FROM app.t';
RESET search_path;
-- pair: DO blocks, IF NOT EXISTS, and OR REPLACE
-- a:
CREATE TABLE t (a integer);
-- b:
CREATE SCHEMA IF NOT EXISTS public;
CREATE TABLE IF NOT EXISTS t (a integer);
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('a'); END IF; END $$;
CREATE OR REPLACE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE VIEW v AS SELECT a FROM t;
DROP TABLE IF EXISTS nothing;
ALTER TABLE t ADD COLUMN IF NOT EXISTS b mood;
CREATE INDEX IF NOT EXISTS i ON t (b);
-- pair: seed rows
-- a:
CREATE TABLE t (a integer PRIMARY KEY);
-- b:
CREATE TABLE t (a integer PRIMARY KEY, b text);
INSERT INTO t VALUES (1, 'x'), (2, 'y') ON CONFLICT DO NOTHING;
UPDATE t SET b = 'z';
DELETE FROM t;
-- pair: made by renames
-- a:
CREATE TABLE t (id serial PRIMARY KEY, x integer UNIQUE);
-- b:
CREATE TABLE t_tmp (id serial PRIMARY KEY, y integer UNIQUE);
ALTER TABLE t_tmp RENAME TO t;
ALTER TABLE t RENAME y TO x;
-- pair: made by a function of the script
-- a:
-- b:
CREATE FUNCTION make(n text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('CREATE TABLE %I (id integer PRIMARY KEY)', n); END $$;
SELECT make('one'), make('two''s');
DROP FUNCTION make(text);
-- pair: dropped columns and unused values
-- a:
CREATE TYPE mood AS ENUM ('a', 'c');
ALTER TYPE mood ADD VALUE 'b' BEFORE 'c';
CREATE TABLE t (x integer, a integer, y text, b mood);
ALTER TABLE t DROP x, DROP y;
-- b:
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE TABLE t (a integer, b mood);
-- pair: the target asks the catalogs before it creates something
-- a:
CREATE TYPE mood AS ENUM ('ok');
CREATE TABLE t (id integer, m mood, CONSTRAINT t_id CHECK (id > 0));
CREATE INDEX t_m ON t (m);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON t USING (true);
CREATE SCHEMA app;
-- b:
DO $$ BEGIN
	IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'app') THEN CREATE SCHEMA app; END IF;
	IF NOT EXISTS (SELECT FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('ok', 'sad'); END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE tablename = 't') THEN CREATE TABLE t (id integer); END IF;
	IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 't' AND column_name = 'm') THEN ALTER TABLE t ADD m mood; END IF;
	IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 't_id') THEN ALTER TABLE t ADD CONSTRAINT t_id CHECK (id > 0); END IF;
	IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 't_m') THEN CREATE INDEX t_m ON t (m); END IF;
	IF NOT EXISTS (SELECT FROM pg_indexes WHERE indexname = 't_n') THEN CREATE INDEX t_n ON t (m); END IF;
	IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'touch') THEN
		CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; END IF;
	IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'touch') THEN
		CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); END IF;
	IF NOT EXISTS (SELECT FROM pg_policies WHERE policyname = 'mine') THEN CREATE POLICY mine ON t USING (true); END IF;
	IF NOT EXISTS (SELECT FROM pg_attribute WHERE attname = 'note') THEN ALTER TABLE t ADD note text; END IF;
	PERFORM 'pg_class'::regclass, to_regclass('t'), to_regtype('mood');
END $$;
-- pair: text casts in expressions with arrays
-- a:
CREATE TABLE t (v varchar(10), c char(3), a text[], va varchar(10)[]);
-- b:
CREATE TABLE t (v varchar(10), c char(3), a text[], va varchar(10)[],
 CHECK (v IN ('a', 'b') AND c IN ('x', 'y')), CHECK (v = ANY (a)), CHECK (v = ANY (va)), CHECK (va && ARRAY['a', 'b']::varchar[]), CHECK (v::text = ANY (ARRAY['a'::text, 'b'])),
 CHECK (lower(v) NOT IN ('a', 'b')), CHECK (v <> ALL (ARRAY['q', 'r'])), CHECK ((v || 'x') IN ('a')), CHECK (ARRAY[v, 'x'] <> ARRAY['a', v]), CHECK (array_position(ARRAY['a', 'b'], v) > 0));
CREATE VIEW w AS SELECT CASE WHEN v IN ('a', 'b') THEN 1 ELSE 2 END AS x, ARRAY[v, 'b'] AS y, ARRAY['a', v::text] AS z, va || 'x'::varchar AS q FROM t WHERE v LIKE ANY (ARRAY['a%', 'b%']);
CREATE INDEX i ON t (v) WHERE v IN ('a', 'b');
CREATE INDEX j ON t ((v = ANY (a)));
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (v = ANY (string_to_array(current_setting('a.b', true), ',')));
-- pair: text casts in expressions with arrays mean something else
-- a:
CREATE TABLE t (v varchar(10), a text[], CONSTRAINT c CHECK (v::varchar(2) = ANY (ARRAY['a', 'bcd'])));
-- b:
CREATE TABLE t (v varchar(10), a text[], CONSTRAINT c CHECK (v = ANY (ARRAY['a', 'bcd'])));
-- pair: arrays cast otherwise
-- a:
CREATE TABLE t (c char(3), v varchar(5), a text[]);
CREATE VIEW w AS SELECT ARRAY[v, 'x'] AS x, ARRAY['a']::varchar[] AS y, a::varchar(3)[] AS z FROM t;
-- b:
CREATE TABLE t (c char(3), v varchar(5), a text[]);
CREATE VIEW w AS SELECT ARRAY[v::text, 'x'] AS x, ARRAY['a']::text[] AS y, a::varchar(4)[] AS z FROM t;
-- pair: char compared as text
-- a:
CREATE TABLE t (c char(3), v varchar(5), CONSTRAINT k CHECK (c IN ('a', 'b')), CONSTRAINT l CHECK (c = 'a'));
CREATE VIEW w AS SELECT c = ANY (ARRAY['a']) AS x FROM t;
-- b:
CREATE TABLE t (c char(3), v varchar(5), CONSTRAINT k CHECK (c::text IN ('a', 'b')), CONSTRAINT l CHECK (c::text = 'a'));
CREATE VIEW w AS SELECT c::text = ANY (ARRAY['a']) AS x FROM t;
-- pair: cast beside an array
CREATE TABLE t (v varchar(5), n name);
-- a:
CREATE VIEW w AS SELECT v = ANY (ARRAY['a', 'b']) AS x, lower(n) AS y, v AS z FROM t;
ALTER TABLE t ADD CONSTRAINT k CHECK (v IN ('a', 'b') AND coalesce(v, n) <> 'x');
-- b:
CREATE VIEW w AS SELECT v = ANY (ARRAY['a', 'b']) AS x, lower(n::text) AS y, v::text AS z FROM t;
ALTER TABLE t ADD CONSTRAINT k CHECK (v IN ('a', 'b') AND coalesce(v::text, n) <> 'x');
