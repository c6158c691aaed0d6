--
-- cmig.dry_run: what a run would lock, rewrite, and read, and what would fail
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE TABLE account (id int PRIMARY KEY, email text, n int);
INSERT INTO account SELECT i, 'x' || i, i FROM generate_series(1, 1000) i;
CREATE INDEX account_n ON account (n);
CREATE TABLE event (id bigint GENERATED ALWAYS AS IDENTITY, what text);
CREATE VIEW names AS SELECT id, email FROM account;
CREATE FUNCTION state() RETURNS text LANGUAGE sql AS $$
SELECT string_agg(format('%s %s %s %s', c.oid, c.relname, c.relfilenode, c.relnatts), E'\n' ORDER BY c.oid)
FROM pg_class c WHERE c.oid >= 16384 AND c.relkind <> 't'
$$;
SELECT state() AS before \gset
\set ECHO all

-- each statement has a row
SELECT cmig.create_revision('Types', $$ALTER TABLE account ADD active boolean;
ALTER TABLE account ALTER n TYPE bigint;
UPDATE account SET active = true WHERE id = 5;
INSERT INTO event (what) VALUES ('changed'), ('again');
CREATE INDEX account_active ON account (active);
CREATE TABLE child (id int PRIMARY KEY, account int REFERENCES account);
ALTER TABLE child ADD note text;
DO 'BEGIN NULL; END';
SELECT count(*) FROM names$$, 'DROP TABLE child; DROP INDEX account_active; ALTER TABLE account ALTER n TYPE int, DROP active',
revision => '001');
SELECT step, revision, statement, line, command, rows, locks, rewrites, scans, error FROM cmig.dry_run();
SELECT count(*), count(elapsed) AS elapsed, min(wal_bytes) >= 0 AS wal, max(elapsed) < '1h' AS short FROM cmig.dry_run();
SELECT state() = :'before' AS same;
SELECT * FROM cmig.current();
SELECT count(*) FROM cmig.journal;

-- a revision that fails stops only those that build on it
SELECT cmig.create_revision('Fails', E'SELECT 1;\nALTER TABLE nope ADD x int;\nDROP TABLE account', revision => '002');
SELECT cmig.create_revision('Builds on it', 'SELECT 3', revision => '003');
SELECT cmig.create_revision('Another branch', 'DROP TABLE account CASCADE', 'SELECT 1', revision => 'b', head => 'base');
SELECT cmig.create_revision('Both', 'SELECT 4', revision => 'c', head => 'b', depends_on => '{003}');
SELECT cmig.create_revision('Another', 'SELECT FROM', 'SELECT 1', revision => 'd', head => 'base');
SELECT step, revision, statement, line, command, rows, locks, error FROM cmig.dry_run(target => 'heads');
SELECT state() = :'before' AS same;

-- verify_sql, and what happens after the last statement
UPDATE cmig.revision SET upgrade_sql = '', verify_sql = 'SELECT 1; SELECT count(*) = 1000 FROM account; SELECT false AS fine' WHERE revision = '002';
SELECT step, revision, statement, command, rows, locks, scans, error FROM cmig.dry_run(target => '002') WHERE revision <> '001';
UPDATE cmig.revision SET upgrade_sql = $$CREATE TABLE late (id int REFERENCES account DEFERRABLE INITIALLY DEFERRED);
INSERT INTO late VALUES (-1)$$, verify_sql = NULL WHERE revision = '002';
SELECT step, revision, statement, command, rows, locks, error FROM cmig.dry_run(target => '002') WHERE revision <> '001';
DELETE FROM cmig.revision WHERE revision <> '001';

-- statements that need a stepwise run
SELECT cmig.create_revision('Index', $$CREATE INDEX CONCURRENTLY account_email ON account (email);
VACUUM account;
DO 'BEGIN COMMIT; END';
CALL cmig.backfill('account', 'email = lower(email)');
SELECT 'account_email'::regclass$$, 'DROP INDEX CONCURRENTLY account_email', revision => '002', transactional => false);
SELECT statement, command, rows, locks, error FROM cmig.dry_run() WHERE revision = '002';
SELECT statement, command, rows, locks, error FROM cmig.dry_run(concurrently => 'plain') WHERE revision = '002';
SELECT state() = :'before' AS same;

-- CONCURRENTLY where it fails, also if the same plan creates the partitioned table
CREATE TABLE part (id int) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE INDEX part_id ON part (id);
SELECT cmig.create_revision('Partitioned', 'CREATE TABLE new (id int) PARTITION BY LIST (id); CREATE INDEX CONCURRENTLY new_id ON new (id); SELECT 1; DROP INDEX CONCURRENTLY part_id',
	'DROP INDEX CONCURRENTLY part_id', revision => 'p', transactional => false, head => 'base');
SELECT statement, command, locks, error FROM cmig.dry_run(target => 'p');
SELECT statement, command, locks, error FROM cmig.dry_run(target => 'p', concurrently => 'plain');
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE new (id int) PARTITION BY LIST (id); SELECT 1 / 0; CREATE INDEX CONCURRENTLY new_id ON new (id); REINDEX TABLE CONCURRENTLY part' WHERE revision = 'p';
SELECT statement, command, locks, error FROM cmig.dry_run(target => 'p');
SELECT cmig.stamp('p');
SELECT statement, command, locks, error FROM cmig.dry_run('downgrade', '-1');
\set ECHO none
DELETE FROM cmig.version;
DELETE FROM cmig.revision WHERE revision = 'p';
DROP TABLE part;

-- what a rollback does not undo is not tried, wherever it is called
CREATE SEQUENCE counter;
CREATE FUNCTION swallow() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_lock(1);
	RETURN 'locked';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END
$$;
UPDATE cmig.revision SET transactional = true, upgrade_sql = $$SELECT setval('counter', 100);
COPY account TO '/nonexistent/file';
COPY account FROM PROGRAM 'false';
DO 'BEGIN EXECUTE $x$COPY account TO $x$ || quote_literal($x$/nonexistent/file$x$); END';
DO 'BEGIN PERFORM setval($x$counter$x$, 5); END';
SELECT lo_export(1, '/nonexistent/file');
SELECT swallow();
CREATE SUBSCRIPTION nothing CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false);
SELECT pg_terminate_backend(0), pg_advisory_unlock_all();
CREATE FUNCTION later() RETURNS bigint LANGUAGE sql AS 'SELECT setval($x$counter$x$, 9)';
SELECT later();
CHECKPOINT;
DEALLOCATE ALL;
DEALLOCATE kept;
PREPARE own AS SELECT 1;
DEALLOCATE own;
CLOSE kept;
CLOSE ALL;
DECLARE mine CURSOR FOR SELECT * FROM account;
FETCH mine;
CLOSE mine;
DISCARD SEQUENCES;
NOTIFY channel;
SELECT pg_notify('channel', ''), pg_advisory_xact_lock(1);
ALTER SEQUENCE counter RESTART WITH 7;
SELECT nextval('counter')$$ WHERE revision = '002';
PREPARE kept AS SELECT 1 AS kept;
BEGIN;
DECLARE kept CURSOR FOR SELECT 2 AS kept;
\set ECHO all
SELECT statement, command, rows, locks, error FROM cmig.dry_run() WHERE revision = '002';
EXECUTE kept;
FETCH kept;
SELECT * FROM counter;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
\set ECHO none
COMMIT;
DEALLOCATE kept;
DROP FUNCTION swallow();
DROP SEQUENCE counter;
\set ECHO all
SELECT state() = :'before' AS same;

-- parallel index builds
CREATE TABLE big AS SELECT generate_series(1, 200000) AS a;
ALTER TABLE big SET (parallel_workers = 2);
UPDATE cmig.revision SET upgrade_sql = 'DO $$ BEGIN CREATE INDEX ON big (a); END $$; ALTER TABLE big ADD UNIQUE (a); CREATE INDEX ON big (a); DO $$ BEGIN PERFORM FROM big LIMIT 1; END $$' WHERE revision = '002';
SELECT statement, command, scans FROM cmig.dry_run() WHERE revision = '002';
\set ECHO none
DROP TABLE big;

-- large tables
UPDATE cmig.revision SET upgrade_sql = $$ALTER TABLE account ADD x int;
CREATE INDEX ON account (email);
UPDATE account SET n = 1 WHERE id = 1;
DELETE FROM account;
WITH d AS (DELETE FROM account RETURNING id) SELECT * FROM d;
INSERT INTO account (id) VALUES (-1);
COMMENT ON TABLE account IS 'x';
DO 'BEGIN DROP TABLE account CASCADE; END';
DO 'BEGIN UPDATE account SET n = 1; END';
TRUNCATE event;
ALTER TABLE account VALIDATE CONSTRAINT nothing;
SELECT count(*) FROM account$$ WHERE revision = '002';
\set ECHO all
SELECT cmig.stamp('001');
SELECT statement, command, rows, locks, error FROM cmig.dry_run(max_table_size => 20000);
SELECT cmig.stamp('base');
SELECT state() = :'before' AS same;
SELECT statement, command, error FROM cmig.dry_run(max_table_size => -1);

-- in a transaction that has changed things itself
BEGIN;
UPDATE cmig.revision SET upgrade_sql = 'SELECT count(*) FROM account; SELECT count(*) FROM mine; TRUNCATE event', transactional = true WHERE revision = '002';
CREATE TABLE mine (id int);
SELECT count(*) FROM account;
SELECT statement, command, rows, locks, rewrites, scans FROM cmig.dry_run() WHERE revision = '002';
SELECT revision FROM cmig.upgrade('001');
SELECT statement, command, rows, regexp_replace(locks, '\d+ kB', 'some kB', 'g') AS locks, rewrites, scans FROM cmig.dry_run('downgrade', 'base');
SELECT revision FROM cmig.current();
ROLLBACK;

-- time and locks
SET cmig.dry_run_timeout = '200ms';
UPDATE cmig.revision SET upgrade_sql = 'SELECT pg_sleep(10); SELECT 2', transactional = true WHERE revision = '001';
SELECT step, revision, statement, command, error FROM cmig.dry_run();
RESET cmig.dry_run_timeout;
SET statement_timeout = '100ms';
SELECT step, revision, statement, command, error FROM cmig.dry_run(target => '001');
RESET statement_timeout;

\set VERBOSITY sqlstate
-- arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.dry_run('up');
SELECT * FROM cmig.dry_run(target => 'nope');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.dry_run(concurrently => 'yes');
SELECT * FROM cmig.dry_run(concurrently => NULL);
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.dry_run('downgrade', '-1');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.dry_run('downgrade');
$calls$);
\set ECHO all
BEGIN READ ONLY;
SELECT * FROM cmig.dry_run();
ROLLBACK;
DELETE FROM cmig.revision;
SELECT * FROM cmig.dry_run();
SELECT cmig.create_revision('Calls', 'SELECT * FROM cmig.dry_run()', revision => '001');
SELECT statement, error FROM cmig.dry_run();

-- with a limit of size: statements around queries
UPDATE cmig.revision SET upgrade_sql = $$CREATE TABLE copied AS SELECT * FROM account; EXPLAIN ANALYZE SELECT * FROM account; DECLARE c CURSOR FOR SELECT * FROM account;
CREATE PROCEDURE does_nothing() LANGUAGE sql AS 'SELECT 1'; CALL does_nothing(); CREATE MATERIALIZED VIEW copies AS SELECT * FROM account; CREATE TABLE more AS SELECT * FROM account$$;
SELECT statement, command, error FROM cmig.dry_run(max_table_size => 0);
-- pg_cmig's tables do not count
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE first (x int)';
SELECT cmig.create_revision('More', 'CREATE TABLE second (x int)', revision => '002');
SELECT revision, command, error FROM cmig.dry_run(max_table_size => 0);

-- a migrator who does not own a table; a SECURITY DEFINER function, whose caller's settings do not count
DELETE FROM cmig.revision;
CREATE ROLE regress_dry_migrator;
CREATE ROLE regress_dry_caller;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_dry_migrator', 'migrator');
\set ECHO none
CREATE SCHEMA dry_mine AUTHORIZATION regress_dry_migrator;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
	('001', '{}', 'CREATE TABLE dry_mine.made AS SELECT current_user AS u; ALTER TABLE dry_mine.made ADD x text'),
	('002', '{}', 'ALTER TABLE account ADD x int'), ('003', '{001}', 'INSERT INTO dry_mine.made SELECT current_user; SELECT 1');
SET ROLE regress_dry_migrator;
\set ECHO all
SELECT revision, statement, rows, error FROM cmig.dry_run(target => 'heads');
\set ECHO none
CREATE FUNCTION dry_mine.tried(OUT revision text, OUT statement int, OUT error text) RETURNS SETOF record
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS
	$$ SELECT revision, statement, error FROM cmig.dry_run(target => 'heads') $$;
GRANT USAGE ON SCHEMA dry_mine TO regress_dry_caller;
RESET ROLE;
SET ROLE regress_dry_caller;
\set ECHO all
SELECT * FROM dry_mine.tried();
SELECT * FROM cmig.dry_run();
SET cmig.dry_run_timeout = '1ms';
SET cmig.search_path = 'nowhere';
SET cmig.role = 'regress_dry_caller';
SELECT * FROM dry_mine.tried();
\set ECHO none
RESET cmig.dry_run_timeout;
RESET cmig.search_path;
RESET cmig.role;
RESET ROLE;
\set ECHO all
SELECT to_regclass('dry_mine.made') IS NULL AS nothing_left;
DROP SCHEMA dry_mine CASCADE;
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress_dry_migrator');
DROP ROLE regress_dry_migrator, regress_dry_caller;

-- rows in a new file of a table do not stay
\set ECHO none
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
CREATE TABLE rewritten (id int);
INSERT INTO rewritten SELECT generate_series(1, 100);
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('r', 'UPDATE rewritten SET id = 0 WHERE id <= 7; ALTER TABLE rewritten ALTER id TYPE bigint; UPDATE rewritten SET id = 1');
\set ECHO all
SELECT statement, rows, rewrites, error FROM cmig.dry_run();
UPDATE cmig.revision SET upgrade_sql = 'TRUNCATE rewritten; INSERT INTO rewritten VALUES (1)';
SELECT statement, rows, rewrites, error FROM cmig.dry_run();
DROP TABLE rewritten;

-- many locks in one statement, and in the caller's transaction
\set ECHO none
DO $$BEGIN FOR i IN 1 .. 40 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END$$;
SELECT string_agg('many_' || i, ', ' ORDER BY i) AS many FROM generate_series(1, 40) i \gset
UPDATE cmig.revision SET upgrade_sql = format('LOCK %s IN SHARE MODE; SELECT 1; LOCK many_7; DECLARE c CURSOR FOR SELECT FROM many_8; LOCK many_9', :'many');
CREATE VIEW lines AS SELECT statement, count(l) AS lines, min(l) AS first FROM cmig.dry_run() LEFT JOIN LATERAL regexp_split_to_table(locks, E'\n') l ON true
	GROUP BY statement;
\set ECHO all
SELECT * FROM lines ORDER BY statement;
BEGIN;
LOCK :many IN SHARE MODE;
SELECT * FROM lines ORDER BY statement;
\set ECHO none
ROLLBACK;
SET client_min_messages = warning;
DROP VIEW lines;
DROP TABLE :many;
DROP EXTENSION pg_cmig;
DROP FUNCTION state();
DROP VIEW names;
DROP TABLE account, event;
