--
-- diff_schemas: two schemas of one database, and the arguments of diff
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE SCHEMA staging;
CREATE SCHEMA "the live";
CREATE TABLE staging.a (x integer PRIMARY KEY, y text DEFAULT 'new', z integer);
CREATE INDEX a_y ON staging.a (y);
CREATE TABLE staging.b (x integer REFERENCES staging.a);
CREATE TABLE "the live".a (x integer PRIMARY KEY, y text DEFAULT 'old');
CREATE TABLE "the live".b (x integer REFERENCES staging.a);
\set ECHO all
SELECT upgrade_sql FROM cmig.diff_schemas('the live', 'staging');
SELECT upgrade_sql FROM cmig.diff_schemas('staging', 'the live');
SELECT count(*) FROM cmig.diff_schemas('staging', 'staging');
-- objects that are not compared, but prevent changes
\set ECHO none
CREATE SCHEMA report;
CREATE TYPE staging.mood AS ENUM ('sad', 'ok');
CREATE FUNCTION staging.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION staging.to_text(staging.mood) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT ''$$;
CREATE CAST (staging.mood AS text) WITH FUNCTION staging.to_text(staging.mood);
CREATE TABLE staging.kept (p integer) PARTITION BY LIST (p);
CREATE TABLE staging.part PARTITION OF staging.kept FOR VALUES IN (1);
CREATE VIEW report.v AS SELECT x, staging.f() FROM staging.a;
CREATE VIEW report.part AS SELECT * FROM staging.part;
CREATE TABLE report.u (mood staging.mood, x integer REFERENCES staging.a);
\set ECHO all
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TABLE staging.a (x bigint, z integer); CREATE TYPE staging.mood AS ENUM ('ok');
	CREATE TABLE staging.kept (p integer) PARTITION BY LIST (p); CREATE TABLE staging.part (p integer)$$, '{staging}');
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff_schemas('staging', 'the live') WHERE action = 'unsupported';
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA report CASCADE;
RESET client_min_messages;
DROP TABLE staging.kept;
DROP FUNCTION staging.f();
\set ECHO all
DROP FUNCTION staging.to_text CASCADE;
DROP TYPE staging.mood;
-- function bodies that name objects without their schema
SET search_path = 'the live';
CREATE FUNCTION n() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM a';
RESET search_path;
SELECT upgrade_sql FROM cmig.diff_schemas('staging', 'the live') WHERE kind = 'function';
-- wrong arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.diff_schemas('staging', 'nowhere');
SELECT * FROM cmig.diff_schemas('pg_catalog', 'staging');
SELECT * FROM cmig.diff_schemas(NULL, 'staging');
SELECT * FROM cmig.diff(NULL);
SELECT * FROM cmig.diff('', compare => 'some');
$calls$);
\set ECHO all
BEGIN READ ONLY;
SELECT * FROM cmig.diff('');
\set ECHO none
ROLLBACK;
SET client_min_messages = warning;
DROP SCHEMA staging CASCADE;
DROP SCHEMA "the live" CASCADE;
DROP EXTENSION pg_cmig;
