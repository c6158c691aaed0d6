--
-- cmig.workload_policy: an upgrade stops if a query that is called often breaks.  The queries
-- are saved ones; t/103_workload_save.pl saves those of pg_stat_statements
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET client_min_messages = warning;
CREATE TABLE person (id integer PRIMARY KEY, name text, note text);
INSERT INTO cmig.workload (name, number, query_id, calls, role, query, since, saved_at) VALUES
	('monday', 1, 1, 1200, 'regress_app', 'SELECT note FROM person WHERE id = $1', '2026-01-01 00:00+00', '2026-01-11 00:00+00'),
	('monday', 2, 2, 20, 'regress_nobody', E'UPDATE person\n\tSET note = $1', '2026-01-01 00:00+00', '2026-01-11 00:00+00'),
	('monday', 3, 3, 1, NULL, 'SELECT id, note FROM person', '2026-01-01 00:00+00', '2026-01-11 00:00+00'),
	('monday', 4, 4, 1, NULL, 'SELECT nothing FROM person', NULL, '2026-01-11 00:00+00'),
	('tuesday', 1, NULL, 1, NULL, 'SELECT name FROM person', NULL, '2026-01-12 00:00+00');
\set ECHO all
SELECT cmig.create_revision('Drop', 'ALTER TABLE person DROP COLUMN note', 'ALTER TABLE person ADD COLUMN note text', revision => 'r1');

-- saved queries
SELECT query_id, calls, verdict, query, detail FROM cmig.workload_check(workload => 'monday');
SELECT verdict, query FROM cmig.workload_check(workload => 'tuesday');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.workload_check(workload => 'sunday');
SELECT * FROM cmig.workload_check(workload => 'monday', queries => '{SELECT 1}');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.workload_save('new');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.workload_save('');
SELECT cmig.workload_save(NULL);
$calls$);
\set ECHO all

-- off
BEGIN;
SELECT revision FROM cmig.upgrade();
ROLLBACK;
-- warn
SET cmig.workload_policy = warn;
BEGIN;
SELECT revision FROM cmig.upgrade();
ROLLBACK;
-- error; each way to upgrade
SET cmig.workload_policy = error;
SELECT revision FROM cmig.upgrade();
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
\set VERBOSITY default
SELECT revision FROM cmig.current();
-- fewer calls, and a path of search_path for scripts
SET cmig.workload_min_calls = 0;
SET search_path = public;
SET cmig.search_path = 'shop, public';
SELECT revision FROM cmig.upgrade();
\set ECHO none
RESET cmig.search_path;
SET search_path = shop, public;
SET cmig.workload_min_calls = 121;
BEGIN;
\set ECHO all
SELECT revision FROM cmig.upgrade();
ROLLBACK;
-- how floating-point numbers are printed does not matter
SET cmig.workload_min_calls = 110;
SET extra_float_digits = -15;
SELECT revision FROM cmig.upgrade();
RESET extra_float_digits;
SET cmig.workload_min_calls = 121;
-- what was counted for less than a day counts as a day's calls
SET cmig.workload_min_calls = 1201;
BEGIN;
UPDATE cmig.workload SET since = saved_at - interval '1 minute' WHERE number = 1;
SELECT revision FROM cmig.upgrade();
ROLLBACK;
RESET cmig.workload_min_calls;
-- a query that may be called often
UPDATE cmig.workload SET since = NULL WHERE number = 3;
DELETE FROM cmig.workload WHERE number < 3;
SELECT revision FROM cmig.upgrade();

-- the settings of the role and of the database apply
CREATE ROLE regress_gate_app;
ALTER ROLE regress_gate_app SET search_path = public;
UPDATE cmig.workload SET role = 'regress_gate_app';
SELECT verdict, query, detail FROM cmig.workload_check(workload => 'monday');
BEGIN;
SELECT revision FROM cmig.upgrade();
ROLLBACK;
UPDATE cmig.workload SET role = NULL;

-- with an expansion, the old version stays
UPDATE cmig.revision SET expand = 'true' WHERE revision = 'r1';
CALL cmig.expand(confirm => true);
SELECT verdict, query, detail FROM cmig.workload_check(queries => '{SELECT note FROM person,SELECT name FROM person}');
SELECT old_calls, old_callers FROM cmig.expansion();
-- without statistics, nobody knows whether it still runs
CALL cmig.contract();
SELECT state FROM cmig.expansion_run;
CALL cmig.abandon();
UPDATE cmig.revision SET expand = NULL;

-- scopes
CREATE SCHEMA tenant_1;
SELECT cmig.stamp('base');
DELETE FROM cmig.revision;
SELECT cmig.create_revision('Make', 'CREATE TABLE place (id integer, note text)', 'DROP TABLE place', revision => 's1');
SET cmig.scope = tenant_1;
SELECT revision FROM cmig.upgrade();
RESET cmig.scope;
SELECT cmig.create_revision('Drop', 'ALTER TABLE place DROP COLUMN note', NULL, revision => 's2');
INSERT INTO cmig.workload (name, number, calls, query, saved_at) VALUES ('scopes', 1, 5, 'SELECT note FROM place', now());
CALL cmig.upgrade_scopes('tenant%');
SELECT scope, current FROM cmig.scopes();

-- no queries, and what cannot be judged
TRUNCATE cmig.workload;
SET cmig.scope = tenant_1;
SELECT revision FROM cmig.upgrade();
SET cmig.workload_policy = warn;
BEGIN;
SELECT revision FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
INSERT INTO cmig.workload (name, number, calls, query, saved_at) VALUES ('scopes', 1, 5, 'SELECT note FROM place', now());
SET cmig.workload_policy = error;
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE nothing.a (); ' || upgrade_sql WHERE revision = 's2';
\set ECHO all
SELECT revision FROM cmig.upgrade();
RESET cmig.scope;
-- a table that somebody has altered
ALTER TABLE cmig.workload DROP COLUMN query;
\set VERBOSITY terse
SELECT * FROM cmig.workload_check(workload => 'scopes');

\set ECHO none
DROP SCHEMA shop, tenant_1 CASCADE;
DROP EXTENSION pg_cmig;
DROP ROLE regress_gate_app;
