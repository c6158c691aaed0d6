--
-- cmig.import_state: what other migration tools have applied
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
-- five revisions in a line, with the ids that a format gives
CREATE FUNCTION pg_temp.revisions(VARIADIC ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM cmig.version;
	DELETE FROM cmig.revision;
	FOR i IN 1 .. cardinality(ids) LOOP
		PERFORM cmig.create_revision(ids[i], 'SELECT 1', revision => ids[i], head => coalesce(ids[i - 1], 'base'));
	END LOOP;
END $$;
\set ECHO all
SELECT pg_temp.revisions('001', '002', '003');

-- errors
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.import_state('alchemic');
SELECT * FROM cmig.import_state(NULL);
SELECT * FROM cmig.import_state('alembic');
SELECT * FROM cmig.import_state('alembic', 'cmig.version');
SELECT * FROM cmig.import_state('alembic', 1::oid::regclass);
$calls$);
\set ECHO all
\set VERBOSITY sqlstate

-- Alembic: heads
CREATE TABLE alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
SELECT * FROM cmig.import_state('alembic');
SELECT revision FROM cmig.current();
INSERT INTO alembic_version VALUES ('002'), ('gone');
SELECT * FROM cmig.import_state('alembic');
SELECT revision FROM cmig.current();
-- cmig.check says which of the two is ahead
SELECT severity, object, problem, fix FROM cmig.check() WHERE object ~ 'alembic';
DELETE FROM alembic_version WHERE version_num = 'gone';
SELECT severity, object, problem, fix FROM cmig.check() WHERE object ~ 'alembic';
INSERT INTO alembic_version VALUES ('gone');
-- again: nothing to do; later it must not move back
SELECT * FROM cmig.import_state('alembic');
SELECT revision FROM cmig.upgrade();
\set VERBOSITY default
SELECT * FROM cmig.import_state('alembic');
SELECT revision FROM cmig.journal ORDER BY id;
DROP TABLE alembic_version;
-- several heads, one of them below another in pg_cmig's graph
SELECT pg_temp.revisions('001', '002');
SELECT cmig.create_revision('branch', 'SELECT 1', revision => '003', head => '001', splice => true, depends_on => '{002}');
CREATE TABLE alembic_version (version_num varchar(32));
INSERT INTO alembic_version VALUES ('002'), ('003'), (NULL);
SELECT * FROM cmig.import_state('alembic');
SELECT * FROM cmig.version;
DROP TABLE alembic_version;

-- Flyway
SELECT pg_temp.revisions('1', '1.2', '1.10', '2', 'R_a_first');
\set ECHO none
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
	type varchar(20) NOT NULL, script varchar(1000), checksum int, success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES
	(1, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '"a"', 0, true),
	(2, '1.0', 'one', 'SQL', 'V1__one.sql', 1, true),
	(3, '1.2', 'two', 'SQL', 'V1_2__two.sql', 1, true),
	(4, '1.10', 'ten', 'SQL', 'V1_10__ten.sql', 1, true),
	(5, '1.10', 'ten', 'UNDO_SQL', 'U1_10__ten.sql', 1, true),
	(10, '2', 'two', 'SQL', 'V2__two.sql', 1, false),
	(11, '9', 'nine', 'JDBC', 'V9__nine', 1, true),
	(12, NULL, 'b view', 'SQL', 'R__b_view.sql', 1, true),
	(13, NULL, 'c view', 'SQL', 'R__c_view.sql', 1, true);
\set ECHO all
SELECT * FROM cmig.load(E'-- revision: R_c_view\n-- repeatable: true\n-- cmig:upgrade\nSELECT 1');
SELECT * FROM cmig.import_state('flyway');
SELECT * FROM cmig.version;
-- a repeatable script that is the one which Flyway ran last; this is its checksum of the lines
SELECT cmig.load(E'-- revision: R_c_view\n-- repeatable: true\n-- cmig:upgrade\n12345\n6789\n');
INSERT INTO flyway_schema_history VALUES (14, NULL, 'c view', 'SQL', 'R__c_view.sql', x'CBF43926'::int, true);
SELECT * FROM cmig.import_state('flyway') WHERE applied ~ 'view';
SELECT * FROM cmig.import_state('flyway') WHERE applied ~ 'view';
SELECT revision, direction FROM cmig.journal WHERE revision = 'R_c_view';
-- a baseline; with a gap
SELECT cmig.stamp('base');
UPDATE flyway_schema_history SET version = '1.10', type = 'BASELINE' WHERE installed_rank = 2;
DELETE FROM flyway_schema_history WHERE installed_rank > 2;
INSERT INTO flyway_schema_history VALUES (3, NULL, 'a first', 'SQL', 'R__a_first.sql', 1, true);
SELECT * FROM cmig.import_state('flyway');
INSERT INTO flyway_schema_history VALUES (4, '2', 'two', 'SQL', 'V2__two.sql', 1, true);
SELECT * FROM cmig.import_state('flyway');
SELECT * FROM cmig.version;
DROP TABLE flyway_schema_history;

-- numbers: golang-migrate has only the last one
SELECT pg_temp.revisions('1', '002', '0010');
CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (10, true);
SELECT * FROM cmig.import_state('golang-migrate');
UPDATE schema_migrations SET version = 2, dirty = false;
SELECT * FROM cmig.import_state('golang-migrate');
SELECT * FROM cmig.version;
\set ECHO none
DROP TABLE schema_migrations;
CREATE SCHEMA tool;
CREATE TABLE tool.goose (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now());
INSERT INTO tool.goose (version_id, is_applied) VALUES (0, true), (1, true), (2, true), (10, true), (10, false), (2, false), (2, true);
\set ECHO all
SELECT cmig.stamp('base');
SELECT * FROM cmig.import_state('goose', 'tool.goose');
CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL);
INSERT INTO _sqlx_migrations VALUES (1, 'one', DEFAULT, true, '', 1), (2, 'two', DEFAULT, true, '', 1);
SELECT * FROM cmig.import_state('sqlx');
CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name varchar(255), applied_on varchar(255), checksum varchar(255));
INSERT INTO refinery_schema_history VALUES (2), (1);
SELECT * FROM cmig.import_state('refinery');
CREATE SCHEMA graphile_migrate;
CREATE TABLE graphile_migrate.migrations (hash text PRIMARY KEY, previous_hash text, filename text NOT NULL, date timestamptz NOT NULL DEFAULT now());
INSERT INTO graphile_migrate.migrations VALUES ('sha1:1', NULL, '000001.sql'), ('sha1:2', 'sha1:1', '000002-two.sql');
SELECT * FROM cmig.import_state('graphile-migrate');

-- the whole name or version
SELECT pg_temp.revisions('20240101000000', '20240102000000');
CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20240101000000');
SELECT * FROM cmig.import_state('dbmate');
-- Rails: a structure.sql of the last version covers the older ones
INSERT INTO schema_migrations VALUES ('20230101000000');
SELECT * FROM cmig.import_state('rails');
CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
INSERT INTO __diesel_schema_migrations VALUES ('20240101000000');
SELECT * FROM cmig.import_state('diesel');
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);
INSERT INTO supabase_migrations.schema_migrations VALUES ('20240101000000');
SELECT * FROM cmig.import_state('supabase');
SELECT pg_temp.revisions('1_one', 'alice.1', '0001.init');
CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL DEFAULT now());
INSERT INTO pgmigrations (name) VALUES ('1_one');
SELECT * FROM cmig.import_state('node-pg-migrate');
SELECT cmig.stamp('base');
CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL, applied_steps_count int NOT NULL DEFAULT 0);
INSERT INTO _prisma_migrations VALUES ('a', '', NULL, '1_one', 'error', now(), '2024-01-01'), ('b', '', now(), '1_one', NULL, NULL, '2024-01-02'), ('c', '', NULL, '2_two', NULL, NULL, '2024-01-02');
SELECT * FROM cmig.import_state('prisma');
SELECT cmig.stamp('base');
CREATE TABLE databasechangelog (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL, dateexecuted timestamp NOT NULL DEFAULT now(), orderexecuted int NOT NULL, exectype varchar(10) NOT NULL);
INSERT INTO databasechangelog VALUES ('1', 'alice', 'a.sql', DEFAULT, 1, 'EXECUTED'), ('2', 'bob', 'a.sql', DEFAULT, 2, 'MARK_RAN');
-- 1_one is below it and not there
SELECT * FROM cmig.import_state('liquibase');
SELECT pg_temp.revisions('alice.1', '0001.init');
SELECT * FROM cmig.import_state('liquibase');
-- change sets of the same author and number in two files
INSERT INTO databasechangelog VALUES ('3', 'al', 'db/b.xml', DEFAULT, 3, 'EXECUTED'), ('3', 'al', 'db/c.v2.xml', DEFAULT, 4, 'EXECUTED');
SELECT cmig.load(content) FROM cmig.import_files('liquibase', '{b.sql,c.v2.sql}', ARRAY[E'--liquibase formatted sql\n--changeset al:3\nSELECT 1;', E'--liquibase formatted sql\n--changeset al:3\nSELECT 2;']) WHERE content <> '';
SELECT revision, note FROM cmig.import_state('liquibase') WHERE applied = 'al.3';
DELETE FROM databasechangelog WHERE id = '3';
SELECT cmig.stamp('base');
CREATE TABLE _yoyo_migration (migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), applied_at_utc timestamp);
INSERT INTO _yoyo_migration VALUES ('a', '0001.init'), ('b', 'alice.1');
SELECT cmig.stamp('base');
SELECT * FROM cmig.import_state('yoyo');
-- Sqitch: a reworked change
SELECT pg_temp.revisions('users', 'f_at_v1', 'posts', 'f');
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, change text NOT NULL, project text NOT NULL, committed_at timestamptz NOT NULL DEFAULT now(), planned_at timestamptz NOT NULL);
INSERT INTO sqitch.changes VALUES ('b', 'f', 'p', DEFAULT, '2024-01-02'), ('a', 'users', 'p', DEFAULT, '2024-01-01');
SELECT * FROM cmig.import_state('sqitch');
INSERT INTO sqitch.changes VALUES ('c', 'f', 'p', DEFAULT, '2024-01-04'), ('d', 'posts', 'p', DEFAULT, '2024-01-03');
SELECT cmig.stamp('base');
SELECT * FROM cmig.import_state('sqitch');
-- Drizzle: by date
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
SELECT cmig.load(E'-- revision: 0000_a\n-- create_date: 2024-01-01 00:00:00.123+00\n-- revision: 0001_b\n-- down_revision: 0000_a\n-- create_date: 2024-01-02 00:00:00.456+00\n');
CREATE SCHEMA drizzle;
CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint);
INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('x', 1704067200123), ('y', 5), ('z', NULL);
SELECT * FROM cmig.import_state('drizzle');
\set ECHO none
DROP TABLE drizzle.__drizzle_migrations, sqitch.changes, _yoyo_migration, databasechangelog, _prisma_migrations, pgmigrations,
	supabase_migrations.schema_migrations, __diesel_schema_migrations, schema_migrations, graphile_migrate.migrations,
	refinery_schema_history, _sqlx_migrations, tool.goose;
DROP SCHEMA drizzle, sqitch, supabase_migrations, graphile_migrate;
\set ECHO all

-- tables that would run code of their owner with the caller's privileges
SELECT pg_temp.revisions('001', '002');
\set ECHO none
CREATE ROLE regress_tool_owner;
GRANT ALL ON SCHEMA tool TO regress_tool_owner;
SET SESSION AUTHORIZATION regress_tool_owner;
CREATE FUNCTION tool.evil() RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'ran as %', current_user; END$$;
CREATE VIEW tool.v AS SELECT tool.evil() AS version_num;
CREATE DOMAIN tool.d AS text CHECK (VALUE <> 'x');
CREATE TABLE tool.domains (version_num tool.d);
CREATE TYPE tool.c AS (a text);
CREATE FUNCTION tool.c_text(tool.c) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'ran as %', current_user; END$$;
CREATE CAST (tool.c AS text) WITH FUNCTION tool.c_text(tool.c) AS ASSIGNMENT;
CREATE TABLE tool.casts (version_num tool.c);
INSERT INTO tool.casts VALUES (ROW('001'));
CREATE TABLE tool.schema_version (installed_rank json, version text, description text, type text, success text);
INSERT INTO tool.schema_version VALUES ('{}', 'x');
CREATE TABLE tool.parent (version_num text);
CREATE TABLE tool.child () INHERITS (tool.parent);
INSERT INTO tool.child VALUES ('002');
CREATE TABLE tool.policies (version_num text);
INSERT INTO tool.policies VALUES ('001');
ALTER TABLE tool.policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE tool.policies FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON tool.policies USING (tool.evil() IS NULL);
CREATE TABLE tool.parted (version_num text) PARTITION BY LIST (version_num);
CREATE TABLE tool.dropped (a int, version_num text);
ALTER TABLE tool.dropped DROP version_num;
CREATE TABLE tool.types (version_num json, installed_rank point, version int[], description bytea, type jsonb, success xid);
INSERT INTO tool.types VALUES ('{"a":1}', '(1,2)', '{1,NULL}', '\x00', '{}', '1'), (NULL, NULL, NULL, NULL, NULL, NULL);
-- the planner evaluates these
CREATE FUNCTION tool.who(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
	$$BEGIN IF current_user <> 'regress_tool_owner' THEN RAISE WARNING 'ran as %', current_user; END IF; RETURN $1; END$$;
CREATE TABLE tool.alembic_version (version_num varchar(32));
CREATE INDEX ON tool.alembic_version (version_num) WHERE tool.who('x') = 'x';
CREATE INDEX ON tool.alembic_version (tool.who('x'));
INSERT INTO tool.alembic_version VALUES ('002');
RESET SESSION AUTHORIZATION;
SET search_path = tool, public;
\set ECHO all
SELECT object, problem FROM cmig.check() WHERE object ~ 'alembic';
BEGIN;
SELECT * FROM cmig.import_state('alembic');
\set ECHO none
ROLLBACK;
RESET search_path;
DROP TABLE tool.alembic_version;
CREATE ROLE regress_tool_caller;
GRANT CREATE, USAGE ON SCHEMA tool TO regress_tool_caller;
GRANT SELECT ON ALL TABLES IN SCHEMA tool TO regress_tool_caller;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_tool_caller', 'migrator');
SET SESSION AUTHORIZATION regress_tool_caller;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.import_state('alembic', 'tool.v');
SELECT * FROM cmig.import_state('alembic', 'tool.domains');
SELECT * FROM cmig.import_state('alembic', 'tool.casts');
$calls$);
\set ECHO all
SELECT * FROM cmig.import_state('alembic', 'tool.parent');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.import_state('alembic', 'tool.policies');
SELECT * FROM cmig.import_state('alembic', 'tool.parted');
SELECT * FROM cmig.import_state('alembic', 'tool.dropped');
SELECT * FROM cmig.import_state('alembic', 'tool.types');
SELECT * FROM cmig.import_state('flyway', 'tool.types');
$calls$);
\set ECHO all
SET search_path = tool, public;
SELECT * FROM cmig.check() WHERE object ~ 'tool';
\set ECHO none
RESET search_path;
RESET SESSION AUTHORIZATION;
REVOKE SELECT ON tool.types FROM regress_tool_caller;
SET SESSION AUTHORIZATION regress_tool_caller;
\set ECHO all
SELECT * FROM cmig.import_state('alembic', 'tool.types');
RESET SESSION AUTHORIZATION;
SELECT * FROM cmig.version;
-- hostile names
CREATE SCHEMA "a.b""c'";
CREATE TABLE "a.b""c'"."t; DROP TABLE x" (version_num text);
INSERT INTO "a.b""c'"."t; DROP TABLE x" VALUES ('001'), (E'x''\n"');
SELECT * FROM cmig.import_state('alembic', '"a.b""c''"."t; DROP TABLE x"');
DROP SCHEMA "a.b""c'" CASCADE;
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress_tool_caller');
DROP OWNED BY regress_tool_owner, regress_tool_caller CASCADE;
SET search_path = public;
\set VERBOSITY default
-- which tools are there: tables of the same name are told apart by their columns
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('1'), ('2');
CREATE TABLE alembic_version (version_num regrole);
SELECT tool, history_table, applied, note FROM cmig.import_tools() WHERE history_table IS NOT NULL ORDER BY tool;
DROP TABLE schema_migrations, alembic_version;
SELECT tool, found_file FROM cmig.import_tools(
	'{db/sql/V1__a.sql,one/1_a.up.sql,db/migrate/20240101_x.rb,2_b.sql,changes.xml,3.sql,0001.sql,m/meta/_journal.json,x/1_a/up.sql,1700000000000_x.js,supabase/migrations/1_a.sql}',
	ARRAY['', '-- +goose Up', '', E'x\n-- +goose Up\n', '<databaseChangeLog xmlns="x">', '-- migrate:up', '-- depends: x', '{}', '', 'exports.up = (pgm) => {}', ''])
WHERE found_file IS NOT NULL ORDER BY tool;
SELECT found_file FROM cmig.import_tools('{a/changelog.xml,db.changelog-master.xml}', '{<databaseChangeLog>,<databaseChangeLog>}') WHERE tool = 'liquibase';
-- Django records each migration with its application
CREATE TABLE django_migrations (id bigint PRIMARY KEY, app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL DEFAULT now());
INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial'), (12, 'shop', '0003_x'), (2, 'shop', '0002_y');
SELECT pg_temp.revisions('shop.0001_initial', 'shop.0002_y', 'shop.0003_x');
SELECT * FROM cmig.import_state('django');
SELECT revision FROM cmig.current();
\set ECHO none
DROP TABLE django_migrations;
DROP SCHEMA tool CASCADE;
DROP ROLE regress_tool_owner, regress_tool_caller;
DROP EXTENSION pg_cmig;
