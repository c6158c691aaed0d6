--
-- Scopes: a schema with version rows, a journal, and progress of its own
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
\set ECHO none
CREATE SCHEMA tenant_a;
CREATE SCHEMA "Tenant ""B'";
SELECT * FROM cmig.load($load$
-- revision: 001
-- message: Create items

-- cmig:upgrade
CREATE TABLE item (id int PRIMARY KEY, n int);
-- cmig:downgrade
DROP TABLE item;

-- revision: 002
-- down_revision: 001
-- message: Add a name

-- cmig:upgrade
ALTER TABLE item ADD name text;
-- cmig:downgrade
ALTER TABLE item DROP name;

-- revision: 003
-- down_revision: 002
-- message: Change rows
-- transactional: false

-- cmig:upgrade
CREATE INDEX CONCURRENTLY item_name ON item (name);
CALL cmig.backfill('item', 'n = 1');
-- cmig:downgrade
DROP INDEX CONCURRENTLY item_name;
$load$);
\set ECHO all

\set VERBOSITY sqlstate
-- the schema must exist, and must not be one that all share
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SET cmig.scope = 'pg_catalog';
SET cmig.scope = 'public';
SET cmig.scope = 'cmig';
SET cmig.scope = 'a2345678901234567890123456789012345678901234567890123456789012345';
$calls$);
\set ECHO all
SET cmig.scope = 'No Schema';
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.current();
$calls$);
\set ECHO all
CALL cmig.upgrade_stepwise();

-- each scope has its own place
SET cmig.scope = 'tenant_a';
SELECT * FROM cmig.upgrade('002');
SELECT revision, is_head FROM cmig.current();
SELECT revision, applied FROM cmig.history() ORDER BY revision;
SET cmig.scope = 'Tenant "B''';
SELECT revision FROM cmig.current();
SELECT * FROM cmig.upgrade('+1');
SELECT * FROM cmig.upgrade('001');
RESET cmig.scope;
SELECT revision FROM cmig.current();
SELECT * FROM cmig.plan('upgrade', '002');
SELECT * FROM cmig.upgrade('001');
SELECT relnamespace::regnamespace AS schema, relname, (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0) AS columns
FROM pg_class c WHERE relname = 'item' ORDER BY 1;
SELECT * FROM cmig.version;
SELECT * FROM cmig.scope_version ORDER BY scope COLLATE "C";
SELECT scope, id, revision, direction, outcome, search_path FROM cmig.journal ORDER BY scope COLLATE "C", id;

-- the log, and the columns of history, are those of the scope
SELECT what, revision FROM cmig.log();
SET cmig.scope = 'tenant_a';
SELECT what, revision FROM cmig.log();
SELECT revision, applied_at IS NOT NULL AS has_time FROM cmig.history() ORDER BY revision;
SELECT item, value FROM cmig.status() WHERE item IN ('current', 'pending', 'scope', 'last run');
SELECT cmig.require('002');
SELECT cmig.require('003');
\set VERBOSITY sqlstate

-- cmig.search_path follows the schema
CREATE SCHEMA shared;
CREATE TABLE shared.currency (code text PRIMARY KEY);
SELECT cmig.create_revision('refer to a shared table', 'ALTER TABLE item ADD currency text REFERENCES currency', 'ALTER TABLE item DROP currency', revision => '004', head => '002', splice => true);
SET cmig.search_path = 'shared, public';
\set VERBOSITY default
SELECT revision FROM cmig.upgrade('004');
SELECT search_path FROM cmig.journal WHERE revision = '004';
SELECT revision FROM cmig.downgrade('002');
RESET cmig.search_path;

-- a script cannot leave its scope
SELECT cmig.remove_revision('004');
SELECT cmig.create_revision('leave', 'SET cmig.scope = ''Tenant "B''''''; CREATE TABLE here (n int)', 'DROP TABLE here', revision => '005', head => '002', splice => true);
SELECT revision FROM cmig.upgrade('005');
SELECT * FROM cmig.scope_version ORDER BY scope COLLATE "C";
SHOW cmig.scope;
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.remove_revision('005');

-- stepwise, stopped and resumed; other scopes do not see it
INSERT INTO tenant_a.item VALUES (1), (2);
SELECT cmig.create_revision('stop', 'CREATE TABLE one (n int); SELECT 1 / (SELECT count(*) FROM item WHERE n > 1); CREATE TABLE two (n int)', 'DROP TABLE one, two', revision => '006', transactional => false);
CALL cmig.upgrade_stepwise('003');
SELECT count(*) FILTER (WHERE n = 1) FROM tenant_a.item;
CALL cmig.upgrade_stepwise();
SELECT scope, revision, statement, state FROM cmig.progress ORDER BY statement;
\set VERBOSITY sqlstate
SELECT * FROM cmig.downgrade('-1');
SELECT item, value FROM cmig.status() WHERE item = 'partially applied';
SELECT cmig.remove_revision('006');
SET cmig.scope = 'Tenant "B''';
\set VERBOSITY default
SELECT * FROM cmig.upgrade('002');
SELECT item FROM cmig.status() WHERE item = 'partially applied';
SET cmig.scope = 'tenant_a';
UPDATE tenant_a.item SET n = 2;
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.current();
SELECT count(*) FROM cmig.progress;
SELECT target, revision, scope, state FROM cmig.backfill_run;

-- stamp, reset, and the guard of applied revisions
SELECT * FROM cmig.stamp('002');
SELECT * FROM cmig.stamp('006');
SELECT id, revision, direction FROM cmig.journal WHERE scope = 'tenant_a' ORDER BY id DESC LIMIT 3;
RESET cmig.scope;
\set VERBOSITY sqlstate
SELECT cmig.remove_revision('006');
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- message: Add a name\n-- cmig:upgrade\nALTER TABLE item ADD other text;\n-- cmig:downgrade\n');
\set VERBOSITY default
SELECT revision FROM cmig.downgrade('base');
SELECT revision FROM cmig.current();
SET cmig.scope = 'Tenant "B''';
\set VERBOSITY sqlstate
SELECT count(*) FROM cmig.reset(current_database());
\set VERBOSITY default
SELECT cmig.repair('001');
SELECT direction, revision FROM cmig.journal WHERE scope LIKE 'T%' ORDER BY id DESC LIMIT 2;
RESET cmig.scope;

-- a generated script: with the version rows of the scope, or a table in its schema
SET cmig.scope = 'Tenant "B''';
SELECT regexp_replace(cmig.script('upgrade', 'base:001'), E'\tcmig_schema :=.*cmig_path, true\\);\n|\tcmig_[a-z]+ [^\n]*;\n', '', 'g');
SELECT cmig.script('upgrade', 'base:001', 'cmig.version');
SELECT cmig.script('downgrade', '001', 'cmig.version') AS script \gset
\o /dev/null
:script
\o
SHOW cmig.scope;
SELECT revision FROM cmig.current();
SELECT id, revision, direction, outcome FROM cmig.journal WHERE scope = 'Tenant "B''' ORDER BY id DESC LIMIT 1;
SELECT revision FROM cmig.upgrade('002');

-- looking ahead
SET cmig.scope = 'tenant_a';
SELECT cmig.create_revision('later', 'ALTER TABLE item ADD later int NOT NULL DEFAULT 0', 'ALTER TABLE item DROP later', 'SELECT count(*) = 2 FROM item', revision => '007');
SELECT revision, locks FROM cmig.plan('upgrade', '007');
SELECT revision, command, locks, error FROM cmig.dry_run('upgrade', '007');
SELECT revision, rule FROM cmig.lint('007');
SELECT revision FROM cmig.upgrade('007');
SELECT * FROM cmig.verify();
SELECT revision FROM cmig.downgrade('-1');
SELECT cmig.remove_revision('007');
SELECT count(*) FROM cmig.graph();
SELECT severity, object, problem FROM cmig.check();
SELECT cmig.report() ~ '006' AS has_revision;
\set VERBOSITY sqlstate
-- what compares the database with its revisions does not work in a scope
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.drift();
SELECT * FROM cmig.capture('x');
SELECT * FROM cmig.baseline('x');
SELECT * FROM cmig.squash('001:002', 'x');
SELECT * FROM cmig.autogenerate('x', 'CREATE TABLE x ()');
SELECT cmig.require_schema('CREATE TABLE x ()');
SELECT * FROM cmig.round_trip();
$calls$);
\set ECHO all
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE item (id int PRIMARY KEY, n int, name text); CREATE TABLE one (n int); CREATE TABLE two (n int); CREATE TABLE three (n int); CREATE INDEX item_name ON item (name)', '{tenant_a}');
RESET cmig.scope;

-- in a SECURITY DEFINER function, the caller's scope does not count
CREATE FUNCTION place() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT revision FROM cmig.current()';
CREATE FUNCTION place_of_a() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET cmig.scope = 'tenant_a' AS 'SELECT revision FROM cmig.current()';
SET cmig.scope = 'Tenant "B''';
SELECT place();
SELECT place_of_a();
RESET cmig.scope;

-- a schema in which other roles can create objects, which scripts would find before the built-in
-- ones, is not a scope
\set ECHO none
CREATE ROLE regress_scope_stranger;
CREATE SCHEMA tenant_trap AUTHORIZATION regress_scope_stranger;
SET cmig.scope = 'tenant_trap';
\set VERBOSITY default
\set ECHO all
SELECT * FROM cmig.upgrade('001');
CALL cmig.upgrade_stepwise('001');
\set VERBOSITY sqlstate
CALL cmig.upgrade_scopes('tenant\_trap', '001');
ALTER SCHEMA tenant_trap OWNER TO CURRENT_USER;
GRANT CREATE ON SCHEMA tenant_trap TO regress_scope_stranger;
\set VERBOSITY default
SELECT * FROM cmig.upgrade('001');
REVOKE CREATE ON SCHEMA tenant_trap FROM regress_scope_stranger;
GRANT USAGE, CREATE ON SCHEMA tenant_trap TO PUBLIC;
SELECT * FROM cmig.upgrade('001');
REVOKE CREATE ON SCHEMA tenant_trap FROM PUBLIC;
SELECT count(*) FROM cmig.journal WHERE scope = 'tenant_trap' AND outcome <> 'failed';
-- what such a role has created before is refused, too, if it has the name of a built-in object
CREATE FUNCTION tenant_trap.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT $1';
ALTER FUNCTION tenant_trap.lower OWNER TO regress_scope_stranger;
SELECT * FROM cmig.upgrade('001');
SELECT cmig.script('upgrade', '001');
\set ECHO none
DROP FUNCTION tenant_trap.lower;
CREATE FUNCTION tenant_trap.same(int, int) RETURNS bool LANGUAGE sql AS 'SELECT $1 = $2';
CREATE OPERATOR tenant_trap.= (FUNCTION = tenant_trap.same, LEFTARG = int, RIGHTARG = int);
ALTER OPERATOR tenant_trap.= (int, int) OWNER TO regress_scope_stranger;
\set ECHO all
SELECT * FROM cmig.upgrade('001');
DROP OPERATOR tenant_trap.= (int, int);
CREATE DOMAIN tenant_trap.text AS pg_catalog.text;
ALTER DOMAIN tenant_trap.text OWNER TO regress_scope_stranger;
SELECT * FROM cmig.upgrade('001');
\set ECHO none
DROP DOMAIN tenant_trap.text;
CREATE VIEW tenant_trap.shared_rates AS SELECT 1 AS rate;
CREATE TABLE public.shared_rates (rate integer);
ALTER VIEW tenant_trap.shared_rates OWNER TO regress_scope_stranger;
\set ECHO all
SELECT * FROM cmig.upgrade('001');
DROP TABLE public.shared_rates;
-- or of an object in a schema in cmig.search_path
CREATE SCHEMA shared_trap CREATE TABLE shared_rates (rate integer);
SET cmig.search_path = shared_trap, public;
SELECT * FROM cmig.upgrade('001');
RESET cmig.search_path;
DROP SCHEMA shared_trap CASCADE;
DROP VIEW tenant_trap.shared_rates;
-- other functions of other roles do not matter
ALTER FUNCTION tenant_trap.same OWNER TO regress_scope_stranger;
SELECT * FROM cmig.upgrade('001');
SELECT * FROM cmig.downgrade('base');
-- the scripts can run as the schema's owner; with cmig.role, they can become a superuser again
ALTER SCHEMA tenant_trap OWNER TO regress_scope_stranger;
SET cmig.role = 'regress_scope_stranger';
ALTER FUNCTION tenant_trap.same RENAME TO lower;
SELECT * FROM cmig.upgrade('001');
ALTER FUNCTION tenant_trap.lower RENAME TO same;
SELECT * FROM cmig.upgrade('001');
SELECT * FROM cmig.downgrade('base');
RESET cmig.role;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_scope_stranger', 'migrator');
SET SESSION AUTHORIZATION regress_scope_stranger;
SELECT * FROM cmig.upgrade('001');
RESET SESSION AUTHORIZATION;
RESET cmig.scope;
\set VERBOSITY sqlstate
-- a name with a meaning in search_path
SET cmig.scope = '$user';
SELECT * FROM cmig.create_scope('$user');

\set ECHO none
SET client_min_messages = warning;
DROP EXTENSION pg_cmig;
DROP SCHEMA tenant_trap CASCADE;
DROP OWNED BY regress_scope_stranger;
DROP ROLE regress_scope_stranger;
DROP FUNCTION place, place_of_a;
DROP SCHEMA tenant_a CASCADE;
DROP SCHEMA "Tenant ""B'" CASCADE;
DROP SCHEMA shared CASCADE;
