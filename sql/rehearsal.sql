--
-- The rehearsal: the statements of a difference are run on copies, down and up, and completed
-- where they lead to something else
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop, public;
CREATE FUNCTION public.catalogs() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM (SELECT n.oid || n.nspname || n.xmin FROM pg_namespace n UNION ALL SELECT c.oid || c.relname || c.xmin FROM pg_class c WHERE c.relnamespace IN ('shop'::regnamespace, 'public'::regnamespace)
		UNION ALL SELECT e.oid || e.extname || e.xmin FROM pg_extension e UNION ALL SELECT t.oid || t.typname || t.xmin FROM pg_type t WHERE t.typnamespace = 'shop'::regnamespace) y(x) $$;
CREATE TABLE parent (a integer);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE item (id integer PRIMARY KEY, name text, parent integer REFERENCES item);
CREATE VIEW names AS SELECT id, name FROM item;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE note (id integer, m mood);
SELECT catalogs() AS before \gset
\set ECHO all

-- what is right stays as it is; since 16, views of one table are printed without its name
SELECT action, object, regexp_replace(upgrade_sql, '\y(item|thing)\.', '', 'g') AS upgrade_sql, regexp_replace(downgrade_sql, '\y(item|thing)\.', '', 'g') AS downgrade_sql
	FROM cmig.diff('CREATE SCHEMA shop; CREATE TABLE shop.parent (a integer); CREATE TABLE shop.child () INHERITS (shop.parent);
	CREATE TABLE shop.item (id bigint PRIMARY KEY, name text NOT NULL, parent integer REFERENCES shop.item, CHECK (id > 0)); CREATE VIEW shop.names AS SELECT id, name FROM shop.item;
	CREATE TYPE shop.mood AS ENUM (''sad'', ''ok''); CREATE TABLE shop.note (id integer, m shop.mood)', '{shop}');

-- renames are rehearsed, too
SELECT action, object, regexp_replace(upgrade_sql, '\y(item|thing)\.', '', 'g') AS upgrade_sql, regexp_replace(downgrade_sql, '\y(item|thing)\.', '', 'g') AS downgrade_sql
	FROM cmig.diff('CREATE SCHEMA shop; CREATE TABLE shop.parent (a integer); CREATE TABLE shop.child () INHERITS (shop.parent);
	CREATE TABLE shop.thing (id integer PRIMARY KEY, title text, parent integer REFERENCES shop.thing); CREATE VIEW shop.names AS SELECT id, title FROM shop.thing;
	CREATE TYPE shop.mood AS ENUM (''sad'', ''ok''); CREATE TABLE shop.note (id integer, m shop.mood)', '{shop}', renames => '{table shop.item -> thing, column shop.item.name -> title}');

-- the child would get the parent's new column before it leaves the parent
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff('CREATE SCHEMA shop; CREATE TABLE shop.parent (a integer, b integer); CREATE TABLE shop.child (a integer);
	CREATE TABLE shop.item (id integer PRIMARY KEY, name text, parent integer REFERENCES shop.item); CREATE VIEW shop.names AS SELECT id, name FROM shop.item;
	CREATE TYPE shop.mood AS ENUM (''sad'', ''ok''); CREATE TABLE shop.note (id integer, m shop.mood)', '{shop}');

-- what the statements lack is added
\set ECHO none
CREATE SCHEMA family;
CREATE TABLE family.a (i integer, CHECK (i > 0));
CREATE TABLE family.b (j integer) INHERITS (family.a);
CREATE TABLE family.c () INHERITS (family.b);
\set family 'CREATE SCHEMA family; CREATE TABLE family.a (i bigint, CHECK (i > 1)); CREATE TABLE family.b (j integer, i bigint); CREATE TABLE family.c () INHERITS (family.a)'
\set ECHO all
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff(:'family', '{family}');
SELECT count(*) < (SELECT count(*) FROM cmig.diff(:'family', '{family}')) AS completed FROM cmig.diff(:'family', '{family}', prove => false);
BEGIN;
SELECT coalesce(upgrade_sql, '-- ' || object) FROM cmig.diff(:'family', '{family}') \gexec
SELECT * FROM cmig.diff(:'family', '{family}');
ROLLBACK;
DROP SCHEMA family CASCADE;

-- what ALTER TYPE keeps is not dropped and created again
\set ECHO none
CREATE SCHEMA kept;
CREATE TABLE kept.t (id varchar(20) PRIMARY KEY, v varchar(30) UNIQUE CHECK (v <> 'x'));
CREATE INDEX ON kept.t (v, id);
CREATE TABLE kept.u (t varchar(20) REFERENCES kept.t);
\set ECHO all
SELECT action, object, upgrade_sql FROM cmig.diff('CREATE SCHEMA kept; CREATE TABLE kept.t (id text PRIMARY KEY, v text UNIQUE CHECK (v <> ''x'')); CREATE INDEX ON kept.t (v, id); CREATE TABLE kept.u (t text REFERENCES kept.t)', '{kept}');
DROP SCHEMA kept CASCADE;

-- nothing is left behind
SELECT catalogs() = :'before' AS as_before;

-- what belongs to an extension's member, such as the row type of a composite type, is not compared
CREATE EXTENSION tablefunc;
SELECT action, object, upgrade_sql FROM cmig.diff('CREATE EXTENSION tablefunc; CREATE SCHEMA shop; CREATE TABLE shop.pair (pair tablefunc_crosstab_2)', exclude => '{public.catalogs}') WHERE object = 'shop.pair';
\set ECHO none
DROP EXTENSION tablefunc;
-- foreign tables are copied, too
CREATE FOREIGN DATA WRAPPER regress_rehearsal;
CREATE SERVER regress_rehearsal FOREIGN DATA WRAPPER regress_rehearsal;
DROP TABLE parent, child, note;
DROP TYPE mood;
CREATE FOREIGN TABLE far (id integer) SERVER regress_rehearsal;
\set ECHO all
SELECT action, object, upgrade_sql, downgrade_sql FROM cmig.diff('CREATE SCHEMA shop; CREATE TABLE shop.item (id integer PRIMARY KEY, name text, parent integer REFERENCES shop.item); CREATE VIEW shop.names AS SELECT id, name FROM shop.item;
	CREATE FOREIGN DATA WRAPPER regress_rehearsal; CREATE SERVER regress_rehearsal FOREIGN DATA WRAPPER regress_rehearsal; CREATE FOREIGN TABLE shop.far (id bigint) SERVER regress_rehearsal');

-- functions and queries of other roles are not run with the caller's rights
CREATE ROLE regress_rehearsal_owner;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_rehearsal_owner', 'reader');
\set ECHO none
GRANT CREATE ON DATABASE :"DBNAME" TO regress_rehearsal_owner;
CREATE SCHEMA evil AUTHORIZATION regress_rehearsal_owner;
SET SESSION AUTHORIZATION regress_rehearsal_owner;
CREATE FUNCTION evil.f(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% runs as %', $1, current_user; RETURN 'x'; END $$;
CREATE FUNCTION evil.inlined(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT evil.f($1) $$;
CREATE DOMAIN evil.d AS text CHECK (evil.f(VALUE) = 'x');
SET client_min_messages = error;
CREATE TABLE evil.t (id integer, a text DEFAULT evil.f('default'), b evil.d DEFAULT 'domain', CHECK (evil.f('check') <> a));
CREATE INDEX i ON evil.t ((a || evil.f('index')));
CREATE INDEX j ON evil.t (id) WHERE evil.inlined('predicate') = 'x';
CREATE MATERIALIZED VIEW evil.m AS SELECT evil.f('view') AS x;
RESET client_min_messages;
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA evil; CREATE TABLE evil.t (id bigint)', '{evil}');
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA evil; CREATE TABLE evil.z ()', '{evil}');
-- what was not copied is not renamed
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA evil; CREATE FUNCTION evil.f(text) RETURNS text IMMUTABLE LANGUAGE sql AS ''SELECT $1''; CREATE MATERIALIZED VIEW evil.n AS SELECT evil.f(''view'') AS x; CREATE TABLE evil.t (id bigint)', '{evil}', renames => '{materialized view evil.m -> n}') WHERE action IN ('rename', 'unsupported');
-- the owner's own functions run, as when the revision runs
SET SESSION AUTHORIZATION regress_rehearsal_owner;
SET client_min_messages = error;
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA evil; CREATE TABLE evil.t (id bigint)', '{evil}');
-- a function that a role has added to its extension is not one of the extension's
\set ECHO none
CREATE SCHEMA kit;
CREATE EXTENSION citext SCHEMA kit;
CREATE FUNCTION kit.f() RETURNS text IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN IF current_user <> 'regress_rehearsal_owner' THEN RAISE EXCEPTION 'runs as another role'; END IF; RETURN 'x'; END $$;
ALTER EXTENSION citext ADD FUNCTION kit.f();
CREATE TABLE kit.t (id integer, a text DEFAULT kit.f(), b kit.citext DEFAULT lower('B'::kit.citext));
RESET client_min_messages;
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA kit; CREATE EXTENSION citext SCHEMA kit; CREATE TABLE kit.t (id bigint, b kit.citext)', '{kit}');
-- nor are those of a type that is used in a table of the caller
\set ECHO none
CREATE DOMAIN kit.plain AS text;
ALTER DOMAIN kit.plain OWNER TO regress_rehearsal_owner;
CREATE SCHEMA own;
CREATE TABLE own.t (id integer, a kit.plain DEFAULT 'x');
SET SESSION AUTHORIZATION regress_rehearsal_owner;
ALTER DOMAIN kit.plain ADD CHECK (kit.f() = 'x');
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA own; CREATE TABLE own.t (id integer)', '{own}');
-- what the owner's expressions call is refused also if it is built in
\set ECHO none
SET SESSION AUTHORIZATION regress_rehearsal_owner;
CREATE SCHEMA leak;
CREATE SEQUENCE leak.s;
CREATE DOMAIN leak.d AS text;
CREATE TABLE leak.t (id integer, a leak.d[] DEFAULT '{x}'::leak.d[]);
RESET SESSION AUTHORIZATION;
CREATE SCHEMA mine;
CREATE TABLE mine.t (id integer PRIMARY KEY, a leak.d[] DEFAULT '{x}');
SET SESSION AUTHORIZATION regress_rehearsal_owner;
-- also if the server calls it by itself, as a cast in to_json()
CREATE TYPE kit.mood AS ENUM ('fine');
CREATE FUNCTION kit.to_json(kit.mood) RETURNS json LANGUAGE sql AS 'SELECT to_json(1 / count(*)) FROM pg_authid WHERE false';
CREATE CAST (kit.mood AS json) WITH FUNCTION kit.to_json(kit.mood);
ALTER EXTENSION citext ADD TYPE kit.mood;
ALTER EXTENSION citext ADD FUNCTION kit.to_json(kit.mood);
ALTER EXTENSION citext ADD CAST (kit.mood AS json);
ALTER DOMAIN leak.d ADD CONSTRAINT c CHECK (to_json('fine'::kit.mood) IS NOT NULL) NOT VALID;
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA mine; CREATE TABLE mine.t (id integer PRIMARY KEY)', '{mine}');
-- which is allowed if it only computes
SET SESSION AUTHORIZATION regress_rehearsal_owner;
CREATE OR REPLACE FUNCTION kit.to_json(kit.mood) RETURNS json LANGUAGE sql AS 'SELECT to_json(1)';
RESET SESSION AUTHORIZATION;
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA mine; CREATE TABLE mine.t (id integer PRIMARY KEY)', '{mine}');
\set ECHO none
SET SESSION AUTHORIZATION regress_rehearsal_owner;
ALTER DOMAIN leak.d DROP CONSTRAINT c;
ALTER DOMAIN leak.d ADD CHECK (query_to_xml('SELECT nextval(''leak.s'') FROM pg_authid', true, false, '') IS NOT NULL) NOT VALID;
ALTER DOMAIN leak.d ADD CHECK (nextval('leak.s') > 0) NOT VALID;
RESET SESSION AUTHORIZATION;
\set ECHO all
-- also if a table of the caller uses it in a schema that is not compared
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA mine; CREATE TABLE mine.t (id integer PRIMARY KEY)', '{mine}');
SELECT action, object FROM cmig.drift('{mine}');
DROP TABLE mine.t;
SELECT action, object, hazard FROM cmig.diff('CREATE SCHEMA leak; CREATE SEQUENCE leak.s; CREATE TABLE leak.t (id bigint)', '{leak}');
SELECT last_value, is_called FROM leak.s;
\set ECHO none
SET SESSION AUTHORIZATION regress_rehearsal_owner;
CREATE VIEW leak.v AS SELECT 1 AS x;
RESET SESSION AUTHORIZATION;
CREATE MATERIALIZED VIEW mine.m AS SELECT x FROM leak.v;
SET SESSION AUTHORIZATION regress_rehearsal_owner;
DROP TABLE leak.t;
DROP DOMAIN leak.d;
CREATE OR REPLACE VIEW leak.v AS SELECT nextval('leak.s')::integer AS x;
RESET SESSION AUTHORIZATION;
\set ECHO all
SELECT action, object FROM cmig.drift('{mine}');
SELECT last_value, is_called FROM leak.s;

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA own, mine, leak CASCADE;
DROP SCHEMA shop, evil CASCADE;
DROP OWNED BY regress_rehearsal_owner CASCADE;
DROP ROLE regress_rehearsal_owner;
DROP SERVER regress_rehearsal;
DROP FOREIGN DATA WRAPPER regress_rehearsal;
DROP FUNCTION catalogs;
DROP EXTENSION pg_cmig;
