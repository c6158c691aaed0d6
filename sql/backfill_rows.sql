--
-- Rows of cmig.backfill_run that a migrator wrote by hand are refused, not resumed
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE regress_migrator;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_migrator', 'migrator');
\set ECHO none
CREATE TABLE by_key (a int, b int, done int, PRIMARY KEY (a, b));
CREATE TABLE by_ctid (a int, done int);
ALTER TABLE by_key OWNER TO regress_migrator;
ALTER TABLE by_ctid OWNER TO regress_migrator;
SET ROLE regress_migrator;
INSERT INTO by_key SELECT i, i FROM generate_series(1, 30) i;
INSERT INTO by_ctid SELECT i FROM generate_series(1, 30) i;
PREPARE forge AS
	INSERT INTO cmig.backfill_run (target, set_sql, where_sql, state, method, pass, relation, key, place, bound,
		parts, total, rows, started_at, updated_at)
	SELECT 'public.' || $1, 'done = 1', CASE $1 WHEN 'by_ctid' THEN 'done IS NULL' END, 'running',
		CASE $1 WHEN 'by_ctid' THEN 'ctid' ELSE 'key' END, $2, 'public.' || $1, $3, $4, $5, $6, 1, $7, now(), now();

-- by key
EXECUTE forge ('by_key', 1, '{a,b}', '{NULL,1}', '{30,30}', NULL, 1);
\set ECHO all
CALL cmig.backfill('by_key', 'done = 1');
\set VERBOSITY terse
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{1}', '{30,30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{1,1}', '{30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{{1,1},{2,2}}', '{30,30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b,NULL}', '{1,1,1}', '{30,30,30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, NULL, NULL, NULL, NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{"a, b"}', '{1}', '{30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, array_fill('a'::text, '{2000}'), array_fill('1'::text, '{2000}'), array_fill('30'::text, '{2000}'), NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{1,1}', '{30,30}', '{NULL,x}', 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', -1, '{a,b}', '{1,1}', '{30,30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{1,1}', '{30,30}', NULL, -1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{one,1}', '{30,30}', NULL, 1);
CALL cmig.backfill('by_key', 'done = 1');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_key', 1, '{a,b}', '{1,1}', '{30,30}', NULL, 1);
UPDATE cmig.backfill_run SET method = 'ctid';
CALL cmig.backfill('by_key', 'done = 1');

-- by ctid
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{NULL}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, NULL, '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{0}', '{}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{0}', '{99999999999}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{0x}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{-1}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, '{a}', '{0}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
SELECT count(done) FROM by_key;
SELECT count(done) FROM by_ctid;
-- a row that was refused is still there, and is refused again
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{NULL}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
SELECT target, state, place FROM cmig.backfill_run;
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');

-- rows as a backfill stores them are resumed
DELETE FROM cmig.backfill_run;
EXECUTE forge ('by_ctid', 1, NULL, '{0}', '{1}', NULL, 1);
CALL cmig.backfill('by_ctid', 'done = 1', 'done IS NULL');
EXECUTE forge ('by_key', 1, '{a,b}', '{10,10}', '{30,30}', NULL, 10);
CALL cmig.backfill('by_key', 'done = 1');
SELECT count(done) FROM by_key;
SELECT count(done) FROM by_ctid;
SELECT target, state, rows FROM cmig.backfill_run ORDER BY id;
\set ECHO none
RESET ROLE;
DROP TABLE by_key, by_ctid;
DROP OWNED BY regress_migrator;
DROP ROLE regress_migrator;
DROP EXTENSION pg_cmig;
