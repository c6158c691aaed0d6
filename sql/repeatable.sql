--
-- Repeatable revisions: when and in which order they run, their errors, and which functions show
-- them
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 001
-- message: Create accounts
-- cmig:upgrade
CREATE TABLE account (id integer PRIMARY KEY, owner text, balance integer);
-- cmig:downgrade
DROP TABLE account CASCADE;

-- revision: 002
-- down_revision: 001
-- message: Add a status
-- cmig:upgrade
ALTER TABLE account ADD status text;
-- cmig:downgrade
ALTER TABLE account DROP status CASCADE;

-- revision: totals
-- repeatable: true
-- depends_on: active
-- message: Totals of accounts
-- cmig:upgrade
CREATE OR REPLACE VIEW totals AS SELECT owner, sum(balance) AS total FROM active GROUP BY owner;

-- revision: active
-- repeatable: true
-- message: Active accounts
-- cmig:upgrade
CREATE OR REPLACE VIEW active AS SELECT * FROM account WHERE balance > 0;
-- cmig:verify
SELECT count(*) >= 0 FROM active;
$cmig_load$);
\set ECHO all

-- only an upgrade to the heads runs them, after the revisions; depends_on orders them
SELECT step, revision, down_revision, irreversible, message FROM cmig.plan('upgrade', '001');
SELECT step, revision, down_revision, irreversible, message FROM cmig.plan();
SELECT item, value, hint FROM cmig.status() WHERE item IN ('revisions', 'repeatable', 'heads', 'head', 'pending');
SELECT revision, statement, command, error FROM cmig.dry_run() ORDER BY step, statement;
SELECT * FROM cmig.upgrade('001');
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.version;
SELECT revision, direction, outcome, checksum = encode(sha256(convert_to(upgrade_sql, 'UTF8')), 'hex') AS sha256
FROM cmig.journal JOIN cmig.revision USING (revision) WHERE repeatable ORDER BY id;
SELECT cmig.require('head');

-- they are no heads, no bases, and no targets
SELECT revision, is_current FROM cmig.heads();
SELECT revision FROM cmig.current();
SELECT revision, down_revision, depends_on, is_head, applied, irreversible, message FROM cmig.history();
SELECT revision FROM cmig.history('base:001');
SELECT * FROM cmig.show('totals') WHERE field NOT LIKE 'created%';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.stamp('totals');
SELECT * FROM cmig.upgrade('active');
SELECT * FROM cmig.downgrade('active');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('Another one', revision => 'active');
SELECT * FROM cmig.load(E'-- revision: 003\n-- down_revision: active\n');
$calls$);
\set ECHO all

--
-- Another script
--
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: active
-- repeatable: true
-- message: Active accounts
-- cmig:upgrade
CREATE OR REPLACE VIEW active AS SELECT * FROM account WHERE balance > 1;
-- cmig:verify
SELECT count(*) >= 0 FROM active;
$cmig_load$);
\set ECHO all
SELECT severity, object, problem, fix FROM cmig.check() WHERE object <> 'pg_dump';
SELECT cmig.require('head');
\set VERBOSITY default
SELECT revision, plan_checksum FROM cmig.plan() \gset
SELECT action, kind, object FROM cmig.drift();
SELECT * FROM cmig.upgrade('head', plan_checksum => :'plan_checksum');
SELECT pg_get_viewdef('active', true) LIKE '%balance > 1%' AS replaced;
SELECT * FROM cmig.upgrade('head', plan_checksum => :'plan_checksum');
-- a comment is enough, so that one can be run again
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- message: Totals of accounts\n-- cmig:upgrade\n-- again\nCREATE OR REPLACE VIEW totals AS SELECT owner, sum(balance) AS total FROM active GROUP BY owner;');
CALL cmig.upgrade_stepwise('head');
CALL cmig.upgrade_stepwise('head');
-- repair records that the database already has what the script makes
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- message: Totals\n-- cmig:upgrade\nCREATE OR REPLACE VIEW totals AS SELECT owner, sum(balance) AS total FROM active GROUP BY owner;');
SELECT cmig.repair('totals');
SELECT * FROM cmig.upgrade('head');
SELECT direction, outcome FROM cmig.journal WHERE revision = 'totals' ORDER BY id DESC LIMIT 1;

--
-- A downgrade does not run them; the next upgrade does, as it may have dropped what they made
--
SELECT * FROM cmig.downgrade('-1');
SELECT to_regclass('active') IS NULL AS dropped;
SELECT item, value FROM cmig.status() WHERE item IN ('repeatable', 'pending');
SELECT * FROM cmig.upgrade('+1');
SELECT * FROM cmig.reset(current_database());

--
-- Errors
--
-- a script that names what no longer exists
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 003
-- down_revision: 002
-- cmig:upgrade
ALTER TABLE account DROP balance CASCADE;
-- cmig:downgrade
ALTER TABLE account ADD balance integer;

-- revision: active
-- repeatable: true
-- message: Active accounts
-- cmig:upgrade
SET search_path = public;
CREATE OR REPLACE VIEW active
AS SELECT * FROM account WHERE balance > 2;
$cmig_load$);
\set ECHO all
SELECT * FROM cmig.upgrade('head');
SELECT revision, statement, line, command, error FROM cmig.dry_run() WHERE error IS NOT NULL ORDER BY step, statement;
CALL cmig.upgrade_stepwise('head');
SELECT value, hint FROM cmig.status() WHERE item = 'failed';
SELECT revision, direction, outcome, sqlstate, statement FROM cmig.journal ORDER BY id DESC LIMIT 2;
SELECT * FROM cmig.load(E'-- revision: active\n-- repeatable: true\n-- message: Active accounts\n-- cmig:upgrade\nCREATE OR REPLACE VIEW active AS SELECT * FROM account WHERE status = $$active$$;');
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- cmig:upgrade\nCREATE VIEW totals AS SELECT owner, count(*) FROM active GROUP BY owner;');
CALL cmig.upgrade_stepwise('head');
SELECT action, kind, object FROM cmig.drift();
SELECT * FROM cmig.round_trip();

-- a plain CREATE works once
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- cmig:upgrade\nCREATE VIEW totals AS SELECT owner, max(id) FROM active GROUP BY owner;');
SELECT * FROM cmig.upgrade('head');
-- the script that ran last is kept for replays until the new one has run
SELECT revision, previous_sql FROM cmig.revision WHERE repeatable ORDER BY 1;
SELECT action, kind, object FROM cmig.drift();
DROP VIEW totals;
SELECT action, kind, object FROM cmig.drift();
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- transactional: false\n-- cmig:upgrade\nDROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT owner, max(id) FROM active GROUP BY owner;\nVACUUM account;\nSELECT 1/0;');
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head');
\set VERBOSITY default
CALL cmig.upgrade_stepwise('head');
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'partially applied', 'pending');
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.load(E'-- revision: totals\n-- repeatable: true\n-- depends_on: active\n-- transactional: false\n-- cmig:upgrade\nDROP VIEW IF EXISTS totals;\nCREATE VIEW totals AS SELECT owner, max(id) FROM active GROUP BY owner;\nVACUUM account;\nSELECT 1/1;');
\set VERBOSITY default
CALL cmig.upgrade_stepwise('head');
SELECT revision, direction, outcome FROM cmig.journal ORDER BY id DESC LIMIT 2;
SELECT action, kind, object FROM cmig.drift();

-- what a file must not contain
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: maybe\n');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- down_revision: 001\n');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- branch_labels: views\n');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- replaces: 001, 002\n');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- cmig:upgrade\n-- cmig:downgrade\nSELECT 1;\n');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 002\n-- repeatable: true\n');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 003\n-- repeatable: true\n');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- depends_on: nothing\n');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- depends_on: worse\n-- revision: worse\n-- repeatable: true\n-- depends_on: bad');
SELECT * FROM cmig.load(E'-- revision: bad\n-- repeatable: true\n-- depends_on: bad\n');
$calls$);
\set ECHO all
BEGIN;
INSERT INTO cmig.revision (revision, repeatable, down_revision, depends_on) VALUES ('by hand', true, '{001}', '{{a},{b}}');
SAVEPOINT s;
SELECT * FROM cmig.upgrade();
ROLLBACK TO s;
SELECT object, problem, fix FROM cmig.check() WHERE severity = 'error' ORDER BY 1, 2;
ROLLBACK;

--
-- Files
--
SELECT content FROM cmig.export('totals') \gset
SELECT regexp_replace(:'content', 'create_date: [^\n]*', 'create_date: ...');
SELECT * FROM cmig.load(:'content');
SELECT cmig.remove_revision('active');
SELECT cmig.remove_revision('totals');
SELECT * FROM cmig.load(E'-- revision: 001\n-- message: Create accounts\n-- cmig:upgrade\nCREATE TABLE account (id integer PRIMARY KEY, owner text, balance integer);\n-- cmig:downgrade\nDROP TABLE account CASCADE;', prune => true);
SELECT revision FROM cmig.revision ORDER BY 1;

-- an offline script runs all of them if it is for another database
SELECT * FROM cmig.load(E'-- revision: grants\n-- repeatable: true\n-- cmig:upgrade\nGRANT SELECT ON account TO PUBLIC;');
\set VERBOSITY default
CALL cmig.upgrade_stepwise('head');
SELECT line FROM regexp_split_to_table(cmig.script('upgrade', 'base:head'), '\n') line WHERE line ~ '^-- step|GRANT';
SELECT line FROM regexp_split_to_table(cmig.script('upgrade', 'head', version_table => 'cmig.version'), '\n') line WHERE line ~ '^-- step|GRANT';

--
-- Schema functions
--
-- what they create is not dropped by autogenerate, whether the target has it or not
SELECT cmig.stamp('base', purge => true);
DELETE FROM cmig.revision;
DELETE FROM cmig.journal;
DROP TABLE account CASCADE;
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 001
-- cmig:upgrade
CREATE TABLE account (id integer PRIMARY KEY, balance integer);
-- cmig:downgrade
DROP TABLE account;
-- revision: 002
-- down_revision: 001
-- cmig:upgrade
ALTER TABLE account ADD owner text;
-- cmig:downgrade
ALTER TABLE account DROP owner;
-- revision: richest
-- repeatable: true
-- cmig:upgrade
CREATE OR REPLACE VIEW richest AS SELECT id, owner FROM account WHERE balance > 100;
-- revision: twice
-- repeatable: true
-- cmig:upgrade
CREATE OR REPLACE FUNCTION twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * $1';
$cmig_load$);
SET client_min_messages = warning;
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
RESET client_min_messages;
\set VERBOSITY sqlstate
SELECT content FROM cmig.autogenerate('none', 'CREATE TABLE account (id integer PRIMARY KEY, balance integer, owner text)');
SELECT cmig.require_schema('CREATE TABLE account (id integer PRIMARY KEY, balance integer, owner text); CREATE VIEW richest AS SELECT id, owner FROM account WHERE balance > 100');
SELECT cmig.require_schema('CREATE TABLE account (id integer PRIMARY KEY, balance integer, owner text)', source => 'replay');
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT cmig.require_schema($$SELECT set_config('search_path', '', false); CREATE TABLE public.account (id integer PRIMARY KEY, owner text)$$);
$calls$);
\set ECHO all
-- a downgrade that the view prevents
SELECT * FROM cmig.round_trip();
-- squash: before and after the view
SELECT regexp_replace(content, 'create_date: [^\n]*', 'create_date: ...') FROM cmig.squash('001:002', 'Accounts', revision => '002s');
SELECT * FROM cmig.verify();

DROP TABLE account CASCADE;
DROP FUNCTION twice;
DROP EXTENSION pg_cmig;
