--
-- cmig.dry_run: what a run would lock, rewrite, and read, and what would fail
--
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

-- what needs a stepwise run
SELECT cmig.create_revision('Index', $$CREATE INDEX CONCURRENTLY account_email ON account (email);
VACUUM account;
DO 'BEGIN COMMIT; END';
CALL cmig.backfill('account', 'email = lower(email)');
SELECT 'account_email'::regclass$$, 'DROP INDEX CONCURRENTLY account_email', revision => '002', transactional => false);
SELECT statement, command, rows, locks, error FROM cmig.dry_run() WHERE revision = '002';
SELECT statement, command, rows, locks, error FROM cmig.dry_run(concurrently => 'plain') WHERE revision = '002';
SELECT state() = :'before' AS same;

-- in a transaction that has changed things itself
BEGIN;
UPDATE cmig.revision SET upgrade_sql = 'SELECT count(*) FROM account; SELECT count(*) FROM mine; TRUNCATE event', transactional = true WHERE revision = '002';
CREATE TABLE mine (id int);
SELECT count(*) FROM account;
SELECT statement, command, rows, locks, rewrites, scans FROM cmig.dry_run() WHERE revision = '002';
SELECT revision FROM cmig.upgrade('001');
SELECT statement, command, rows, locks, rewrites, scans FROM cmig.dry_run('downgrade', 'base');
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

-- arguments
SELECT * FROM cmig.dry_run('up');
SELECT * FROM cmig.dry_run(target => 'nope');
SELECT * FROM cmig.dry_run(concurrently => 'yes');
SELECT * FROM cmig.dry_run(concurrently => NULL);
SELECT * FROM cmig.dry_run('downgrade', '-1');
SELECT * FROM cmig.dry_run('downgrade');
BEGIN READ ONLY;
SELECT * FROM cmig.dry_run();
ROLLBACK;
DELETE FROM cmig.revision;
SELECT * FROM cmig.dry_run();
SELECT cmig.create_revision('Calls', 'SELECT * FROM cmig.dry_run()', revision => '001');
SELECT statement, error FROM cmig.dry_run();
DROP EXTENSION pg_cmig;
DROP FUNCTION state();
DROP VIEW names;
DROP TABLE account, event;
