--
-- cmig.run_timeout: the time limit of a whole run
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE TABLE trace (n serial PRIMARY KEY, what text);
\set ECHO all
SELECT cmig.create_revision('One', 'INSERT INTO trace (what) VALUES (''one'')', '', revision => '001');
SELECT cmig.create_revision('Two', 'SELECT pg_sleep(60)', '', revision => '002');
SHOW cmig.run_timeout;
\set VERBOSITY sqlstate
SET cmig.run_timeout = '-1';
\set VERBOSITY default
SET cmig.run_timeout = '500ms';
SET statement_timeout = '50s';

-- a statement
SELECT * FROM cmig.upgrade();
SELECT count(*) FROM trace;
SELECT * FROM cmig.version;
-- it does not limit what comes after the run
SELECT pg_sleep(0.7);
SELECT length(cmig.schema_sql()) > 0 AS read;
SELECT count(*) FROM cmig.plan('upgrade', 'head');
-- the verification
UPDATE cmig.revision SET upgrade_sql = '', verify_sql = 'SELECT pg_sleep(60)' WHERE revision = '002';
SELECT * FROM cmig.upgrade();

-- many statements, each of them short; and one that catches the cancellation
UPDATE cmig.revision SET upgrade_sql = repeat('SELECT pg_sleep(0.1);', 20), verify_sql = NULL WHERE revision = '002';
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
\set VERBOSITY default
UPDATE cmig.revision SET upgrade_sql = 'DO $do$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $do$; SELECT 1' WHERE revision = '002';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = 'DO $do$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $do$' WHERE revision = '002';
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.version;

-- a stepwise run: committed steps stay
UPDATE cmig.revision SET upgrade_sql = 'SELECT pg_sleep(60)' WHERE revision = '002';
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.version;
SELECT revision, outcome, sqlstate, message FROM cmig.journal ORDER BY id;
UPDATE cmig.revision SET transactional = false, upgrade_sql = 'INSERT INTO trace (what) VALUES (''two''); SELECT pg_sleep(60)' WHERE revision = '002';
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY n;
UPDATE cmig.revision SET upgrade_sql = 'INSERT INTO trace (what) VALUES (''two''); SELECT 2' WHERE revision = '002';
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.version;

-- a backfill, during a pause
INSERT INTO trace (what) SELECT 'more' FROM generate_series(1, 10);
CALL cmig.backfill('trace', 'what = ''done''', 'what = ''more''', batch_size => 1, pause => '60s');
SELECT state, rows FROM cmig.backfill_progress WHERE target = 'public.trace';
RESET cmig.run_timeout;
CALL cmig.backfill('trace', 'what = ''done''', 'what = ''more''', batch_size => 1, pause => '0');
SELECT count(*) FROM trace WHERE what = 'done';

DROP EXTENSION pg_cmig;
DROP TABLE trace;
