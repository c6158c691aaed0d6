-- A stepwise run that failed in the middle resumes where it stopped.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
CREATE TABLE trace (id int GENERATED ALWAYS AS IDENTITY, what text);

-- each statement exactly once, continuing with the one that failed
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql, verify_sql) VALUES
('01', '{}', false, $$
	CREATE TABLE numbers (n int);
	SET search_path = public, pg_catalog;
	INSERT INTO numbers SELECT generate_series(1, 100);
	INSERT INTO trace (what) VALUES ('once');
	CREATE UNIQUE INDEX CONCURRENTLY numbers_n ON numbers (n);
	INSERT INTO trace (what) SELECT current_setting('search_path')$$,
 'INSERT INTO trace (what) VALUES (''down''); DROP INDEX CONCURRENTLY numbers_n; SELECT 1 / count(*) FROM numbers; DROP TABLE numbers',
 'SELECT count(*) = 100 AS complete FROM numbers');
ALTER TABLE trace ADD CONSTRAINT no_path CHECK (what NOT LIKE 'public,%');
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT revision, direction, statement, state, detail - 'checksum' AS detail FROM cmig.progress ORDER BY statement;
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'partially applied', 'running', 'interrupted');
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = '01';
\set VERBOSITY sqlstate
-- no other move in the meantime
SELECT * FROM cmig.upgrade();
CALL cmig.downgrade_stepwise('base');
-- and statements that have run must not change
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, '''once''', '''twice''');
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, '''twice''', '/* white space counts as little as here */ ''once''');
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE numbers (n int)';
CALL cmig.upgrade_stepwise();
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$
	CREATE TABLE numbers (n int);
	SET search_path = public, pg_catalog;
	INSERT INTO numbers SELECT generate_series(1, 100);
	INSERT INTO trace (what) VALUES ('once');
	CREATE UNIQUE INDEX CONCURRENTLY numbers_n ON numbers (n);
	INSERT INTO trace (what) SELECT current_setting('search_path')$$;
ALTER TABLE trace DROP CONSTRAINT no_path;
-- only verify_sql is repeated
DELETE FROM numbers WHERE n = 5;
\set ECHO all
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
\set VERBOSITY default
INSERT INTO numbers VALUES (5);
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY id;
SHOW search_path;
-- the same for a downgrade
TRUNCATE numbers;
CALL cmig.downgrade_stepwise('base');
INSERT INTO numbers VALUES (1);
CALL cmig.downgrade_stepwise('base');
SELECT what FROM trace ORDER BY id;
SELECT revision, direction, outcome, sqlstate, statement, message FROM cmig.journal ORDER BY id;
SELECT count(*) FROM cmig.progress;

-- an index build that failed: its invalid index is dropped, and no other
TRUNCATE trace;
CREATE TABLE twins (n int, m int);
INSERT INTO twins VALUES (1, 1), (1, 2);
CREATE UNIQUE INDEX CONCURRENTLY not_ours ON twins (n);
UPDATE cmig.revision SET verify_sql = NULL, downgrade_sql = '',
	upgrade_sql = 'CREATE UNIQUE INDEX CONCURRENTLY ON twins (n, (m / 10)); REINDEX TABLE CONCURRENTLY twins; DROP INDEX CONCURRENTLY not_ours';
CALL cmig.upgrade_stepwise();
SELECT state, detail - 'checksum' AS detail FROM cmig.progress;
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = 'twins'::regclass ORDER BY 1;
CALL cmig.upgrade_stepwise();
UPDATE twins SET m = 20 WHERE m = 2;
SET client_min_messages = error;	-- servers warn of invalid indexes in other words
CALL cmig.upgrade_stepwise();
RESET client_min_messages;
SELECT state, detail - 'checksum' AS detail FROM cmig.progress ORDER BY statement;
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = 'twins'::regclass ORDER BY 1;
UPDATE twins SET n = m;
CALL cmig.upgrade_stepwise();
SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE indrelid = 'twins'::regclass ORDER BY 1;
CALL cmig.downgrade_stepwise('base');
-- IF NOT EXISTS does not hide an invalid index
UPDATE twins SET n = 1;
DROP INDEX twins_n_expr_idx;
CREATE UNIQUE INDEX CONCURRENTLY not_ours ON twins (n);
UPDATE cmig.revision SET upgrade_sql = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS not_ours ON twins (n)';
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('base');

-- another session has created an index with that name in the meantime: it is not mistaken for the statement's own
UPDATE twins SET n = 1;
UPDATE cmig.revision SET upgrade_sql = 'CREATE UNIQUE INDEX CONCURRENTLY twins_mn ON twins (n) INCLUDE (m)';
CALL cmig.upgrade_stepwise();
DROP INDEX twins_mn;
CREATE INDEX twins_mn ON twins (m);
CALL cmig.upgrade_stepwise();
DROP INDEX twins_mn;
UPDATE twins SET n = m;
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('base');
DROP INDEX twins_mn;
-- and a matching one is accepted
UPDATE twins SET n = 1;
CALL cmig.upgrade_stepwise();
UPDATE twins SET n = m;
DROP INDEX twins_mn;
CREATE UNIQUE INDEX twins_mn ON twins (n) INCLUDE (m);
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('base');
\set ECHO none
DROP INDEX twins_mn;

-- in doubt: a DO that commits and then fails
UPDATE cmig.revision SET upgrade_sql = $$
	DO $do$ BEGIN
		INSERT INTO trace (what) VALUES ('before'); COMMIT;
		PERFORM 1 / count(*) FROM trace WHERE what = 'go';
		INSERT INTO trace (what) VALUES ('after');
	END $do$;
	INSERT INTO trace (what) VALUES ('next')$$;
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'partially applied', 'running', 'interrupted');
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY id;
CALL cmig.upgrade_stepwise(in_doubt => 'again');
INSERT INTO trace (what) VALUES ('go');
CALL cmig.upgrade_stepwise();
CALL cmig.upgrade_stepwise(in_doubt => 'again');
SELECT what FROM trace ORDER BY id;
CALL cmig.downgrade_stepwise('base');
DELETE FROM trace;
CALL cmig.upgrade_stepwise();
CALL cmig.upgrade_stepwise('head', 'done');
SELECT what FROM trace ORDER BY id;
SELECT * FROM cmig.current();

-- a DO that fails before it commits is not in doubt, nor is one that catches the error
CALL cmig.downgrade_stepwise('base');
\set ECHO none
DELETE FROM trace;
UPDATE cmig.revision SET upgrade_sql = $$
	DO $do$ BEGIN
		INSERT INTO trace (what) VALUES ('before');
		PERFORM 1 / count(*) FROM numbers;
		COMMIT;
	END $do$;$$;
TRUNCATE trace;
CREATE TABLE numbers (n int);
\set ECHO all
CALL cmig.upgrade_stepwise();
INSERT INTO numbers VALUES (1);
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY id;

-- a stamp says where the database is, also for partially applied revisions
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1; SELECT 1 / 0';
CALL cmig.upgrade_stepwise();
SELECT count(*) FROM cmig.progress;
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('01');
SELECT count(*) FROM cmig.progress;

-- a statement that failed and left nothing behind may be fixed; one that left something may not
SELECT * FROM cmig.stamp('base', purge => true);
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE right_now (n int); CREATE INDEX CONCURRENTLY right_now_n ON right_now (m)';
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress ORDER BY statement;
UPDATE cmig.revision SET transactional = true, upgrade_sql = 'CREATE TABLE right_now (n int)';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET transactional = false;
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE right_now (n int); CREATE INDEX CONCURRENTLY right_now_n ON right_now (n); CREATE UNIQUE INDEX CONCURRENTLY twins_n ON twins (n)';
UPDATE twins SET n = 1;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress ORDER BY statement;
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'UNIQUE', '');
CALL cmig.upgrade_stepwise();
DROP INDEX twins_n;
DELETE FROM cmig.progress WHERE revision = '01' AND statement = 3;
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.stamp('base', purge => true);

-- a partially applied backfill must not start again with another text, nor in one transaction
CREATE TABLE counted (id int PRIMARY KEY, n int);
INSERT INTO counted SELECT i, 0 FROM generate_series(1, 100) i;
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = n + 60 / (60 - id)', batch_size => 10)$$;
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = $$SELECT 1; CALL cmig.backfill('counted', 'n = n + 1')$$;
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = n + 1')$$;
CALL cmig.upgrade_stepwise();
SET cmig.concurrent_ddl = off;
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('base');
UPDATE counted SET n = 0;
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT n, count(*) FROM counted GROUP BY n;
RESET cmig.concurrent_ddl;
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = n + 60 / (60 - id)', batch_size => 10)$$;
CALL cmig.upgrade_stepwise();
SET cmig.concurrent_ddl = off;
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
RESET cmig.concurrent_ddl;
-- what was reverted by hand is done again
UPDATE counted SET n = 0;
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, '60 - id', '600 - id');
SELECT * FROM cmig.stamp('base');
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT count(*) FILTER (WHERE n = 60 / (600 - id)) AS done_once FROM counted;

SELECT * FROM cmig.stamp('base');

-- pg_cmig's own procedures at the beginning: partially applied as soon as they have changed something
UPDATE counted SET n = 0;
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = 60 / (1 - id)', 'n = 0')$$;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = 60 / (60 - id)', batch_size => 10); SELECT 1$$;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'partially applied');
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
SELECT cmig.remove_revision('01');
SELECT revision, action FROM cmig.load(E'-- revision: 00\n-- cmig:upgrade\n', prune => true);
SELECT cmig.remove_revision('00');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = 60 / (60 - id)', batch_size => 20); SELECT 1$$;
DELETE FROM counted WHERE id = 60;
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
\set VERBOSITY default
SELECT count(*) FROM cmig.progress;
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.add_check('counted', 'no_such', 'm > 0')$$;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.add_check('counted', 'positive', 'n >= 0')$$;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
SELECT item, value FROM cmig.status() WHERE item = 'partially applied';
UPDATE counted SET n = 0;
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.add_unique('counted', 'n')$$;
CALL cmig.upgrade_stepwise();
SELECT statement, state FROM cmig.progress;
UPDATE counted SET n = id;
CALL cmig.upgrade_stepwise();
SELECT count(*) FROM cmig.progress;

-- statements that no run reaches: the hints say so
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE begun (); SELECT 1 / 0';
SELECT * FROM cmig.stamp('base');
CALL cmig.upgrade_stepwise();
INSERT INTO cmig.version VALUES ('01');
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('base');
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'partially applied');
SELECT * FROM cmig.stamp('base', purge => true);
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'partially applied');
DROP TABLE begun;
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT * INTO TEMP kept FROM cmig.revision;
DELETE FROM cmig.revision;
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
SELECT item, value, hint FROM cmig.status() WHERE item IN ('pending', 'partially applied');
INSERT INTO cmig.revision SELECT * FROM kept;
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE begun (); SELECT 1';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
-- during a downgrade, no hint suggests an upgrade
UPDATE cmig.revision SET downgrade_sql = 'CREATE TABLE left_over (); SELECT 1 / 0';
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('02', '{01}', '');
CALL cmig.downgrade_stepwise('base');
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'pending', 'partially applied');
UPDATE cmig.revision SET downgrade_sql = 'CREATE TABLE left_over (); SELECT 1' WHERE revision = '01';
CALL cmig.downgrade_stepwise('base');
DROP TABLE begun, left_over;

-- a revision with the same id and another message is another one
SELECT * FROM cmig.stamp('base', purge => true);
DELETE FROM cmig.revision;
\set ours '-- revision: 01\n-- message: ours\n-- transactional: false\n-- cmig:upgrade\nSELECT 1;\nSELECT 1 / 0;\n'
\set theirs '-- revision: 01\n-- message: theirs\n-- cmig:upgrade\nSELECT 2;\n'
SELECT * FROM cmig.load(:'ours');
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.load(:'theirs');
SELECT action FROM cmig.load(replace(:'ours', '/ 0', '/ 00'));
SELECT action FROM cmig.load(replace(:'ours', 'message: ours', 'message: Ours'));
SELECT * FROM cmig.load(:'ours');
BEGIN;
SELECT action FROM cmig.load(:'theirs', accept_changes => true);
ROLLBACK;
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('01');
-- nothing exists before the first statement
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1 / 0';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.stamp('01');

-- how to finish a downgrade: on its branch, and of a merge
TRUNCATE cmig.revision, cmig.version, cmig.progress, cmig.journal;
SELECT cmig.create_revision('root', 'SELECT 1', 'SELECT 1', revision => '01');
SELECT cmig.create_revision('left', 'SELECT 1', 'SELECT 1; SELECT 1 / 0', revision => '02', transactional => false);
SELECT cmig.create_revision('right', 'SELECT 1', 'SELECT 1', revision => '03', head => '01', splice => true);
CALL cmig.upgrade_stepwise('02');
CALL cmig.upgrade_stepwise('03');
CALL cmig.downgrade_stepwise('02@-1');
SELECT hint FROM cmig.status() WHERE item = 'partially applied';
\set VERBOSITY sqlstate
SELECT cmig.stamp(ARRAY['02', '03'], purge => true);
SELECT cmig.merge(ARRAY['02', '03'], 'both', revision => '04');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1', downgrade_sql = 'SELECT 1; SELECT 1 / 0', transactional = false WHERE revision = '04';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('02');
SELECT hint FROM cmig.status() WHERE item = 'partially applied';
\set VERBOSITY sqlstate
SELECT cmig.downgrade('02');
SELECT cmig.stamp('base', purge => true);
-- several targets
SELECT cmig.upgrade(ARRAY['02', '03']);

DROP TABLE trace, twins, numbers, right_now, counted;
DROP EXTENSION pg_cmig;
