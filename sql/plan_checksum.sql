--
-- plan_checksum: a run executes exactly the plan that was shown, or nothing
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT count(cmig.create_revision('r' || i, 'SELECT ' || i, 'SELECT -' || i, revision => lpad(i::text, 3, '0'))) FROM generate_series(1, 4) i;
CREATE FUNCTION shown(direction text, target text, OUT checksum text) LANGUAGE sql AS $$
SELECT plan_checksum FROM cmig.plan(direction, target) LIMIT 1 $$;
SELECT step, revision, plan_checksum FROM cmig.plan();
SELECT count(DISTINCT plan_checksum) FROM cmig.plan();
RESET client_min_messages;
SELECT revision, error FROM cmig.dry_run();
SET client_min_messages = warning;

-- what was shown runs
SELECT shown('upgrade', '002') AS sum \gset
SELECT revision FROM cmig.upgrade('002', plan_checksum => :'sum');
SELECT shown('downgrade', '001') AS sum \gset
SELECT revision FROM cmig.downgrade('001', plan_checksum => :'sum');
SELECT shown('upgrade', 'head') AS sum \gset
SELECT revision FROM cmig.upgrade('{004}'::text[], plan_checksum => :'sum');
SELECT revision FROM cmig.downgrade('base');

-- a text, a flag, verify_sql, an order, or a direction has changed
\set ECHO none
SELECT shown('upgrade', 'head') AS sum \gset
BEGIN;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 22' WHERE revision IN ('002', '004');
\set VERBOSITY sqlstate
\set ECHO all
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET verify_sql = 'SELECT true' WHERE revision = '003';
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET transactional = false WHERE revision = '001';
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
ROLLBACK;
-- added, inserted, applied, gone
BEGIN;
SELECT cmig.create_revision('more', 'SELECT 5', revision => '005'), cmig.create_revision('side', 'SELECT 6', revision => '0015', head => '001', splice => true);
SELECT * FROM cmig.upgrade('heads', plan_checksum => :'sum');
ROLLBACK;
BEGIN;
SELECT revision FROM cmig.upgrade('002');
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
ROLLBACK;
BEGIN;
DELETE FROM cmig.revision WHERE revision = '004';
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
ROLLBACK;
BEGIN;
SELECT * FROM cmig.upgrade('003', plan_checksum => :'sum');
ROLLBACK;
SELECT revision FROM cmig.upgrade('head');
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
SELECT * FROM cmig.downgrade('base', plan_checksum => :'sum');
SELECT revision FROM cmig.downgrade('base');

-- a script cannot change what comes after it
SELECT cmig.create_revision('late', $$UPDATE cmig.revision SET upgrade_sql = 'SELECT 42' WHERE revision = 'b2'$$, revision => 'b1', head => 'base');
SELECT cmig.create_revision('changed', 'SELECT 1', revision => 'b2', head => 'b1');
SELECT shown('upgrade', 'b2') AS sum \gset
SELECT * FROM cmig.upgrade('b2', plan_checksum => :'sum');
SELECT cmig.stamp('base', purge => true);
DELETE FROM cmig.revision WHERE revision IN ('b1', 'b2');

-- stepwise
SELECT shown('upgrade', '002') AS sum \gset
\set VERBOSITY default
CALL cmig.upgrade_stepwise('002', plan_checksum => 'nonsense');
CALL cmig.upgrade_stepwise('002', plan_checksum => NULL);
CALL cmig.upgrade_stepwise('002', plan_checksum => :'sum');
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise('004', plan_checksum => :'sum');
SELECT shown('upgrade', '004') AS sum \gset
UPDATE cmig.revision SET upgrade_sql = $$UPDATE cmig.revision SET upgrade_sql = 'SELECT 44' WHERE revision = '004'$$ WHERE revision = '003';
CALL cmig.upgrade_stepwise('{004}'::text[], plan_checksum => :'sum');
SELECT shown('upgrade', '004') AS sum \gset
CALL cmig.upgrade_stepwise('004', plan_checksum => :'sum');
SELECT revision, outcome, sqlstate FROM cmig.journal ORDER BY id DESC LIMIT 2;
SELECT shown('downgrade', 'base') AS sum \gset
CALL cmig.downgrade_stepwise('base', plan_checksum => :'sum', in_doubt => 'stop');
SELECT * FROM cmig.current();

-- only up to a hundred steps are told apart, so that long plans are short to print
\set ECHO none
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql)
SELECT i, CASE WHEN i > 1 THEN ARRAY[(i - 1)::text] ELSE '{}' END, '' FROM generate_series(1, 300) i;
SELECT shown('upgrade', 'head') AS sum \gset
\set ECHO all
SELECT length(:'sum');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1' WHERE revision::int > 200;
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
DELETE FROM cmig.revision WHERE revision::int > 100;
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');
SELECT shown('upgrade', 'head') AS sum \gset
SELECT length(:'sum');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1' WHERE revision::int > 50;
SELECT * FROM cmig.upgrade('head', plan_checksum => :'sum');

\set VERBOSITY default
-- arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('head', plan_checksum => 'nonsense');
SELECT * FROM cmig.upgrade('head', plan_checksum => '');
SELECT * FROM cmig.upgrade('head', plan_checksum => upper(repeat('a', 32) || '-'));
SELECT * FROM cmig.upgrade('head', plan_checksum => NULL);
SELECT * FROM cmig.downgrade('base', plan_checksum => '');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('head', plan_checksum => repeat('0', 32) || '-');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('head', plan_checksum => repeat('0', 32) || '-' || repeat('0', 6 * 101));
$calls$);
\set ECHO all
CALL cmig.upgrade_stepwise('head', plan_checksum => NULL);
DROP FUNCTION shown(text, text);
DROP EXTENSION pg_cmig;
