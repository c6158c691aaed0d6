--
-- The SQL of a target, run in the shadow: dumps, psql commands, extensions, roles, renames, and
-- errors
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/shadow.psql'
\i :include
SET client_min_messages = warning;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
RESET client_min_messages;
CREATE SCHEMA app;
CREATE TABLE person (id serial PRIMARY KEY, email citext, facts hstore);
CREATE ROLE regress_target_reader;
\set ECHO all
SELECT look();
-- MAINTAIN is new in PostgreSQL 17, and each release has other versions of extensions
\set relations 'SELECT concat(c.oid::regclass, \' \', relkind, \' \', pg_get_userbyid(relowner), \' \', replace(relacl::text, \'tm/\', \'t/\')) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN (\'public\', \'app\', \'new\') AND relkind <> \'S\' ORDER BY 1'
\set extensions 'SELECT concat(extname, \' \', extnamespace::regnamespace, \' \', (SELECT CASE extversion WHEN default_version THEN \'default\' ELSE extversion END FROM pg_available_extensions WHERE name = extname), \' \', (SELECT string_agg(DISTINCT relnamespace, \' \') FROM (SELECT typnamespace::regnamespace::text FROM pg_type t JOIN pg_depend d ON d.classid = \'pg_type\'::regclass AND d.objid = t.oid AND d.deptype = \'e\' AND d.refobjid = e.oid) AS m(relnamespace))) FROM pg_extension e WHERE extname !~ \'hidden\' AND extname NOT IN (\'pg_cmig\', \'plpgsql\') ORDER BY 1'

-- what pg_dump -s writes
SELECT shadow_probe($target$
--
-- PostgreSQL database dump
--

\restrict gVaVDDq4rDHJtlgCpEqlDzK3mWCvOMIRnOqJFHZnzVbI9uYp2dHzQkWwbRc5jfE

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;

CREATE SCHEMA app;
ALTER SCHEMA app OWNER TO pg_database_owner;
CREATE SCHEMA cmig;
CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;
CREATE EXTENSION IF NOT EXISTS pg_cmig WITH SCHEMA cmig;
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
COMMENT ON EXTENSION citext IS 'data type for case-insensitive character strings';
CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA app;
COMMENT ON EXTENSION hstore IS 'another one';

SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.person (
	id integer NOT NULL,
	email public.citext,
	facts app.hstore
);
ALTER TABLE public.person OWNER TO regress_target_reader;
ALTER TABLE ONLY public.person ADD CONSTRAINT person_pkey PRIMARY KEY (id);
CREATE FUNCTION app.later() RETURNS integer LANGUAGE sql AS 'SELECT count(*)::integer FROM app.not_yet';
GRANT SELECT ON TABLE public.person TO regress_target_reader;
GRANT USAGE ON SCHEMA cmig TO regress_target_reader;

\unrestrict gVaVDDq4rDHJtlgCpEqlDzK3mWCvOMIRnOqJFHZnzVbI9uYp2dHzQkWwbRc5jfE
$target$, :'relations');
SELECT shadow_probe($target$
CREATE SCHEMA app;
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public VERSION '1.3';
CREATE EXTENSION hstore SCHEMA app;
CREATE TABLE app.t (a app.hstore, b public.citext, c public.citext[]);
CREATE INDEX ON app.t USING gin (a);
CREATE INDEX ON app.t (b);
$target$, :'extensions');
SELECT changed();

-- rows of a schema that the target says it makes are not those of the live one
GRANT USAGE ON SCHEMA app TO regress_target_reader;
COMMENT ON SCHEMA app IS 'live';
SELECT look();
\set schemas 'SELECT concat(nspname, \' \', nspacl, \' \', obj_description(oid)) FROM pg_namespace WHERE nspname IN (\'app\', \'new\')'
SELECT shadow_probe('CREATE TABLE app.t ()', :'schemas');
SELECT shadow_probe('CREATE SCHEMA app', :'schemas');
\set VERBOSITY sqlstate
SELECT shadow_probe('CREATE SCHEMA IF NOT EXISTS app; CREATE SCHEMA IF NOT EXISTS app', :'schemas');
SELECT shadow_probe('CREATE SCHEMA app; CREATE SCHEMA app', :'schemas');
SELECT shadow_probe('CREATE SCHEMA app CREATE TABLE t (a citext) CREATE VIEW v AS SELECT * FROM t; CREATE SCHEMA new', :'relations');
SELECT shadow_probe('SELECT 1', NULL);
SELECT shadow_probe('DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE EXTENSION citext; CREATE TABLE public.t (a public.citext)', :'extensions');
SELECT shadow_probe('DROP SCHEMA IF EXISTS app CASCADE; DROP SCHEMA IF EXISTS nowhere CASCADE', NULL);
SELECT shadow_probe('ALTER SCHEMA app RENAME TO other', NULL);
SELECT changed();

\set VERBOSITY default
-- framed by a transaction, seeds, and what does not belong to a schema
SELECT shadow_probe($target$
BEGIN;
CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b text);
CREATE INDEX CONCURRENTLY IF NOT EXISTS t_b ON t (b);
INSERT INTO t (b) VALUES ('seed');
COPY t (b) FROM stdin;
it's; a $$ row
\.
SELECT pg_catalog.setval('t_id_seq', 5, true);
COMMIT;
CREATE DATABASE elsewhere;
ALTER DATABASE regression SET search_path = app;
COMMENT ON ROLE regress_target_reader IS 'x';
VACUUM t;
CLUSTER;
CHECKPOINT;
\connect elsewhere
$target$, 'SELECT b FROM public.t');
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT shadow_probe('BEGIN; CREATE TABLE t (); ROLLBACK', NULL);
SELECT shadow_probe('SAVEPOINT a; CREATE TABLE t (); ROLLBACK TO a', NULL);
SELECT shadow_probe(E'CREATE TABLE t ();\n\\i more.sql\n', NULL);
SELECT shadow_probe('CREATE VIEW v AS SELECT 1 \gexec', NULL);
$calls$);
\set ECHO all

-- roles
SELECT shadow_probe($target$
CREATE ROLE regress_target_reader NOLOGIN;
CREATE ROLE regress_target_missing;
ALTER ROLE regress_target_missing SET search_path = app;
GRANT regress_target_reader TO regress_target_missing;
DO $$ BEGIN CREATE USER regress_target_absent; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
CREATE TABLE t (a integer);
ALTER TABLE t OWNER TO regress_target_missing;
ALTER TABLE t ADD b integer, OWNER TO regress_target_missing;
CREATE FUNCTION f() RETURNS integer RETURN 1;
ALTER FUNCTION f() OWNER TO regress_target_missing;
GRANT SELECT ON t TO regress_target_missing, regress_target_reader;
GRANT EXECUTE ON FUNCTION f() TO regress_target_missing;
REVOKE ALL ON t FROM regress_target_missing;
CREATE POLICY p ON t TO regress_target_missing, regress_target_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_target_missing GRANT SELECT ON TABLES TO regress_target_reader;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_target_missing;
CREATE SCHEMA new AUTHORIZATION regress_target_missing;
DROP ROLE IF EXISTS regress_target_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_target_missing;
$target$, :'relations');
\set ECHO none
SELECT count(*) FROM pg_roles WHERE rolname LIKE 'regress_target_%';

-- what Django, Prisma and Drizzle write
SELECT shadow_probe($target$
BEGIN;
-- Django
CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "username" varchar(150) NOT NULL UNIQUE);
CREATE TABLE "auth_user_groups" ("id" bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "user_id" integer NOT NULL);
CREATE INDEX "auth_user_username_6821ab7c_like" ON "auth_user" ("username" varchar_pattern_ops);
ALTER TABLE "auth_user_groups" ADD CONSTRAINT "g_fk" FOREIGN KEY ("user_id") REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED;
INSERT INTO auth_user_groups (user_id) SELECT 1 WHERE false;
COMMIT;
-- Prisma
-- CreateEnum
CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
-- CreateTable
CREATE TABLE "User" ("id" SERIAL NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER', CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
-- CreateIndex
CREATE UNIQUE INDEX "User_id_key" ON "User"("id");
-- Drizzle
DO $$ BEGIN
	CREATE TYPE "public"."mood" AS ENUM('sad', 'ok');
EXCEPTION
	WHEN duplicate_object THEN null;
END $$;
--> statement-breakpoint
CREATE TABLE IF NOT EXISTS "public"."d" ("m" "public"."mood");
--> statement-breakpoint
DO $$ BEGIN
	ALTER TABLE "d" ADD CONSTRAINT "d_u" UNIQUE(m);
EXCEPTION
	WHEN duplicate_object THEN null;
END $$;
DROP TABLE IF EXISTS nothing CASCADE;
CREATE EXTENSION IF NOT EXISTS "citext";
CREATE OR REPLACE FUNCTION touch() RETURNS trigger AS $$ BEGIN NEW.id := 1; RETURN NEW; END; $$ LANGUAGE plpgsql;
DROP TRIGGER IF EXISTS touch ON "User";
CREATE TRIGGER touch BEFORE UPDATE ON "User" FOR EACH ROW EXECUTE PROCEDURE touch();
ANALYZE "User";
SELECT setval('"User_id_seq"', 10);
$target$, :'relations');
\set ECHO all
\set VERBOSITY default

-- extensions
SELECT shadow_probe($target$
CREATE EXTENSION pg_trgm;
CREATE EXTENSION no_such_extension;
COMMENT ON EXTENSION no_such_extension IS 'x';
CREATE EXTENSION cube VERSION 'none';
DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS citext; END $$;
CREATE TABLE t (a text);
CREATE INDEX ON t USING gin (a gin_trgm_ops);
$target$, :'extensions');
SELECT shadow_probe('CREATE EXTENSION citext; CREATE EXTENSION citext', NULL);
SELECT shadow_probe('DROP EXTENSION IF EXISTS citext; CREATE EXTENSION citext; DROP EXTENSION citext', :'extensions');
SELECT shadow_probe('DROP EXTENSION citext', NULL);
SELECT shadow_probe('CREATE EXTENSION citext; ALTER EXTENSION citext SET SCHEMA app; ALTER EXTENSION citext UPDATE TO ''1.5''', :'extensions');
\set VERBOSITY sqlstate
SELECT shadow_probe('CREATE EXTENSION citext SCHEMA nowhere', NULL);
\set ECHO none
SELECT shadow_probe('CREATE EXTENSION earthdistance CASCADE', :'extensions');
\set VERBOSITY default

-- what things were called before
SELECT shadow_probe($target$
-- @renamed from=human
CREATE TABLE person (
	id integer,
	-- @renamed from="E-Mail"
	email text,
	/* @renamed from=Nick */ nick text, -- @renamed from = short_name
	note text -- a note, -- @renamed from=nothing
	, CONSTRAINT named CHECK (id > 0) -- @renamed from=was_named
);
CREATE TABLE app.pet ( -- @renamed from=app.animal
	id integer -- @renamed from=number
); -- @renamed from=beast
-- @renamed from=view
-- a comment between
CREATE VIEW app.seen AS SELECT 1 AS a;
-- @renamed from=idx
CREATE INDEX by_id ON app.pet (id);
-- @renamed from=mood
CREATE TYPE app.state AS ENUM ('on');
-- @rename from=old_schema
CREATE SCHEMA new;
-- @renamed from=f
CREATE FUNCTION app.g() RETURNS text LANGUAGE sql AS $$ SELECT '-- @renamed from=string' $$;
-- @renamed from=lost
INSERT INTO person VALUES (1);
$target$, NULL);
\set ECHO all

\set VERBOSITY sqlstate
-- an error names the statement
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT shadow_probe(E'CREATE TABLE a (b integer);\n\n/* why */ CREATE TABLE a (b integer);', NULL);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT shadow_probe(E'CREATE TABLE a (\n\tb integer\n);\nCREATE TABLE c (\n\td integr\n);', NULL);
SELECT shadow_probe(E'CREATE TABLE a ();\nCREATE TABL b ();', NULL);
SELECT shadow_probe(E'DO $$\nBEGIN\n\tPERFORM 1/0;\nEND $$;', NULL);
SELECT shadow_probe('CREATE TABLE a (b integer REFERENCES a); INSERT INTO a', NULL);
SELECT shadow_probe('CREATE TABLE a (b integer PRIMARY KEY, c integer REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO a VALUES (1, 2)', NULL);
SELECT shadow_probe('DROP OWNED BY CURRENT_USER', NULL);
SELECT shadow_probe('SELECT cmig.upgrade(''head'')', NULL);
$calls$);
\set ECHO all
SELECT changed();

-- of schemas that are not named, nothing is made
SELECT shadow_probe($target$
CREATE TABLE person (id integer);
CREATE TABLE public.other (id integer);
COMMENT ON TABLE public.person IS 'x';
INSERT INTO public.person (email) VALUES ('x');
CREATE TABLE app.mine (id integer);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_target_reader;
DROP TABLE person;
$target$, 'SELECT count(*) FROM public.person', '{app}');
SELECT changed();

-- functions in SQL are inlined as usual, unless that would hide setval()
\set ECHO none
CREATE SEQUENCE app.live;
CREATE FUNCTION app.advance(bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT setval('app.live', $1) $$;
CREATE FUNCTION app.advance_atomic(bigint) RETURNS bigint RETURN setval('app.live', $1);
CREATE FUNCTION app.advance_hidden(bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT U&"s\0065tval"('app.live', $1) $$;
CREATE FUNCTION app.advance_all(bigint) RETURNS SETOF bigint LANGUAGE sql AS $$ SELECT app.advance($1) $$;
\set ECHO all
SELECT object, upgrade_sql FROM cmig.diff($target$
CREATE FUNCTION public.canonical(text) RETURNS text LANGUAGE sql AS $$ SELECT replace(lower($1), '-', '_') $$;
CREATE FUNCTION public.canonical_atomic(text) RETURNS text RETURN replace(lower($1), '-', '_');
CREATE TABLE public.crate (name text, EXCLUDE USING btree (canonical_atomic(name) WITH =));
CREATE UNIQUE INDEX crate_name ON public.crate (canonical(name));
CREATE FUNCTION public.canonical_stable(text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT lower($1) $$;
CREATE INDEX crate_stable ON public.crate (canonical_stable(name));
SELECT app.advance(5), app.advance_atomic(5), app.advance_hidden(5), app.advance_all(5);
$target$, schemas => '{public}', renames => '{}') WHERE object ~ 'crate|canonical' AND object !~ 'column';
SELECT last_value, is_called FROM app.live;

-- what a procedural language compiled in the shadow is not used afterward
\set ECHO none
\c
SET client_min_messages = warning;
CREATE SCHEMA app_2;
CREATE TYPE public.mood AS ENUM ('sad', 'happy');
CREATE DOMAIN public.count AS integer;
CREATE FUNCTION app_2.outer(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE m public.mood := 'sad'; c public.count := 1; BEGIN RETURN app_2.inner(m::text); END $$;
CREATE FUNCTION app_2.inner(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$ DECLARE m public.mood := $1; BEGIN RETURN length(m::text); END $$;
CREATE PROCEDURE app_2.proc() LANGUAGE plpgsql AS $$ DECLARE m public.mood := 'sad'; BEGIN m := 'happy'; END $$;
\set types 'CREATE TYPE public.mood AS ENUM (''sad'', ''happy''); CREATE DOMAIN public.count AS integer;'
\c
SET client_min_messages = warning;
\set ECHO all
SELECT object FROM cmig.diff(:'types' || 'SELECT app_2.outer(1)', schemas => '{public}') WHERE object ~ 'mood|count';
SELECT app_2.outer(1);
SELECT object FROM cmig.diff(:'types' || 'CALL app_2.proc()', schemas => '{public}') WHERE object ~ 'mood|count';
CALL app_2.proc();
BEGIN;
SAVEPOINT s;
SELECT object FROM cmig.diff(:'types' || 'DO $$ BEGIN CALL app_2.proc(); PERFORM app_2.outer(2), 1/0; END $$', schemas => '{public}');
ROLLBACK TO s;
CALL app_2.proc();
SELECT app_2.outer(2);
\set ECHO none
COMMIT;

SET client_min_messages = warning;
DROP SCHEMA app_2 CASCADE;
DROP TYPE mood, public.count;
DROP SCHEMA app CASCADE;
DROP TABLE person, fingerprint;
DROP FUNCTION shadow_probe, shadow_probe_rename, fingerprint, changed, look;
DROP EXTENSION citext, hstore, pg_cmig;
DROP ROLE regress_target_reader;
