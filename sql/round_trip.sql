--
-- Round trip: upgrade, downgrade, and upgrade again, in the shadow
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.round_trip();
SELECT cmig.create_revision('good', 'CREATE TABLE account (id integer PRIMARY KEY, email text NOT NULL); CREATE INDEX ON account (email)', 'DROP TABLE account', revision => '001') \gset
SELECT cmig.create_revision('good, too', 'ALTER TABLE account ADD note text; CREATE VIEW v AS SELECT 1 AS id; COMMENT ON VIEW v IS ''notes''; INSERT INTO account VALUES (1, ''ann@example.com'')', 'DELETE FROM account; DROP VIEW v; ALTER TABLE account DROP note', revision => '002') \gset
SELECT * FROM cmig.round_trip();
-- what can be wrong
\set ECHO none
SELECT cmig.create_revision('nothing to revert with', 'ALTER TABLE account ADD a integer', revision => '003') \gset
SELECT cmig.create_revision('leaves a table', 'CREATE TABLE behind (a integer); ALTER TABLE account ADD b integer', 'ALTER TABLE account DROP b', revision => '004') \gset
SELECT cmig.create_revision('does not restore', 'DROP VIEW v', 'SELECT 1', revision => '005') \gset
SELECT cmig.create_revision('restores half', 'ALTER TABLE account ALTER email DROP NOT NULL, ALTER email TYPE varchar(100); COMMENT ON COLUMN account.email IS ''x''', 'ALTER TABLE account ALTER email TYPE text', revision => '006') \gset
SELECT cmig.create_revision('fails', 'CREATE TABLE c (a integer)', E'\nDROP TABLE d', revision => '007') \gset
SELECT cmig.create_revision('not twice', 'INSERT INTO account VALUES (2, ''bob@example.com''); CREATE SEQUENCE s', 'DROP SEQUENCE s', revision => '008') \gset
SELECT cmig.create_revision('different', 'DO $$BEGIN IF EXISTS (SELECT FROM c) THEN CREATE TABLE e (b integer); ELSE CREATE TABLE e (a integer); END IF; INSERT INTO c VALUES (1); CREATE TABLE IF NOT EXISTS f (); END$$', 'DROP TABLE e', revision => '009') \gset
SELECT cmig.create_revision('needs rows', 'CREATE TABLE g (a integer); SELECT 1 / count(*) FROM behind', 'DROP TABLE g', revision => '010') \gset
SELECT cmig.create_revision('after it', 'ALTER TABLE g ADD b integer', 'ALTER TABLE g DROP b', revision => '011') \gset
SELECT cmig.create_revision('beside it', 'CREATE TABLE h (a integer)', 'DROP TABLE h', revision => '012', head => '001', splice => true) \gset
\set ECHO all
SELECT * FROM cmig.round_trip();
SELECT revision, problem, object FROM cmig.round_trip('006');
SELECT revision, problem, object FROM cmig.round_trip('002');
SELECT revision, problem, object FROM cmig.round_trip('012');
SELECT cmig.round_trip(raise => true);
SELECT cmig.round_trip('002', raise => true);
SELECT cmig.round_trip('011');
-- nothing was touched, and what is applied does not matter
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace;
SELECT count(*) FROM cmig.upgrade('002');
CREATE TABLE behind (x integer);
SELECT revision, problem, object FROM cmig.round_trip('004');
SELECT revision, problem, object FROM cmig.round_trip('002');
SELECT count(*) FROM account;
SELECT revision, direction FROM cmig.journal ORDER BY id;
-- a downgrade that is told to skip
UPDATE cmig.revision SET downgrade_sql = E'DROP TABLE c;\n-- cmig:replay skip\nSELECT 1 / count(*) FROM behind' WHERE revision = '007';
SELECT * FROM cmig.round_trip('007');

\set VERBOSITY sqlstate
-- refused
SELECT * FROM cmig.round_trip('nothing');
\set VERBOSITY default
SELECT * FROM cmig.round_trip('heads');
SELECT * FROM cmig.round_trip('base');
\set VERBOSITY sqlstate
SELECT * FROM cmig.round_trip('+1');
BEGIN READ ONLY;
SELECT * FROM cmig.round_trip();
ROLLBACK;
UPDATE cmig.revision SET down_revision = '{gone}' WHERE revision = '012';
SELECT * FROM cmig.round_trip();
\set ECHO none
DROP EXTENSION pg_cmig;
DROP TABLE behind;
DROP VIEW v;
DROP TABLE account;
\set ECHO all

-- merges
\set ECHO none
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('root', 'CREATE TABLE t (a integer)', 'DROP TABLE t', revision => 'r') \gset
SELECT cmig.create_revision('one', 'ALTER TABLE t ADD x integer', 'ALTER TABLE t DROP x', revision => 'a') \gset
SELECT cmig.create_revision('other', 'ALTER TABLE t ADD y integer', 'ALTER TABLE t DROP y', revision => 'b', head => 'r', splice => true) \gset
SELECT cmig.merge('heads', 'Merge', revision => 'm') \gset
\set ECHO all
SELECT * FROM cmig.round_trip();
UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE t ADD x integer; COMMENT ON TABLE t IS ''one''', downgrade_sql = downgrade_sql || '; COMMENT ON TABLE t IS NULL' WHERE revision = 'a';
UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE t ADD y integer; COMMENT ON TABLE t IS ''other''', downgrade_sql = downgrade_sql || '; COMMENT ON TABLE t IS NULL' WHERE revision = 'b';
SELECT * FROM cmig.round_trip('m');
SELECT * FROM cmig.round_trip();
UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE t RENAME TO u', downgrade_sql = 'ALTER TABLE u RENAME TO t' WHERE revision = 'a';
SELECT * FROM cmig.round_trip('m');
DROP EXTENSION pg_cmig;

-- what is dropped and created again is changed, not left behind
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('moods', 'CREATE TYPE mood AS ENUM (''sad''); CREATE TABLE t (mood mood DEFAULT ''sad'', x int CHECK (x > 0))', 'DROP TABLE t; DROP TYPE mood', revision => '001') \gset
SELECT cmig.create_revision('more', 'ALTER TYPE mood ADD VALUE ''ok''; ALTER TABLE t DROP CONSTRAINT t_x_check, ADD CONSTRAINT t_x_check CHECK (x >= 0)', 'SELECT 1', revision => '002') \gset
SELECT revision, problem, kind, object, missing_sql FROM cmig.round_trip();
DROP EXTENSION pg_cmig;

-- intermediate steps have no row of their own: the view must be dropped while
-- the column changes
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('one', 'CREATE TABLE t (x text, y int); CREATE VIEW v AS SELECT a.x FROM t a, t b; COMMENT ON VIEW v IS ''v''', 'DROP VIEW v; DROP TABLE t', revision => '001') \gset
SELECT cmig.create_revision('two', 'DROP VIEW v; ALTER TABLE t ALTER x TYPE varchar(10); CREATE VIEW v AS SELECT a.x FROM t a, t b; COMMENT ON VIEW v IS ''v''; ALTER TABLE t ALTER y SET NOT NULL', 'SELECT 1', revision => '002') \gset
SELECT revision, problem, kind, object, missing_sql FROM cmig.round_trip();
DROP EXTENSION pg_cmig;

-- a downgrade creates a function whose body is not valid at that time
\set ECHO none
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('one', 'CREATE TABLE t (x int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT x FROM t''', 'DROP FUNCTION f; DROP TABLE t', revision => '001') \gset
SELECT cmig.create_revision('two', 'ALTER TABLE t RENAME TO u; CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT x FROM u''',
	'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT x FROM t''; ALTER TABLE u RENAME TO t', revision => '002') \gset
\set ECHO all
SELECT revision, problem, message FROM cmig.round_trip();
DROP EXTENSION pg_cmig;

-- privileges that the live schema has already: only what the upgrade does not grant again is lost
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_trip;
GRANT USAGE, CREATE ON SCHEMA public TO regress_trip;
SELECT cmig.create_revision('one', 'GRANT USAGE, CREATE ON SCHEMA public TO regress_trip', 'REVOKE USAGE, CREATE ON SCHEMA public FROM regress_trip', revision => '001') \gset
SELECT cmig.create_revision('two', 'SELECT 1', 'REVOKE CREATE ON SCHEMA public FROM regress_trip', revision => '002') \gset
\set ECHO all
SELECT revision, problem, kind, object, missing_sql FROM cmig.round_trip();
REVOKE ALL ON SCHEMA public FROM regress_trip;
DROP ROLE regress_trip;
DROP EXTENSION pg_cmig;

-- an extension that other objects need cannot be dropped
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE EXTENSION citext;
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES
	('001', 'CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE used (name citext)', 'DROP EXTENSION citext; DROP TABLE used');
\set ECHO all
SELECT revision, problem, message FROM cmig.round_trip();
UPDATE cmig.revision SET downgrade_sql = 'DROP TABLE used; DROP EXTENSION citext';
SELECT revision, problem, message FROM cmig.round_trip();
DROP EXTENSION citext, pg_cmig;
