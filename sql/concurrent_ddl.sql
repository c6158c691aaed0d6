--
-- cmig.concurrent_ddl = off: everything runs in one transaction, for tests and fresh
-- installs
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE account (id int, email text);
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('001', '{}', false, $$
CREATE INDEX CONCURRENTLY account_email ON account (email);
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS account_id ON account (id);
REINDEX INDEX CONCURRENTLY account_email;
REINDEX (CONCURRENTLY, VERBOSE off) TABLE account;
$$, 'DROP INDEX CONCURRENTLY account_email, account_id'),
('002', '{001}', true, 'CREATE TABLE part (id int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (1) TO (10);
ALTER TABLE part DETACH PARTITION part1 CONCURRENTLY;', 'DROP TABLE part, part1');
UPDATE cmig.revision SET downgrade_sql = 'DROP INDEX CONCURRENTLY account_email; DROP INDEX CONCURRENTLY account_id'
WHERE revision = '001';
\set ECHO all

-- on, the default: refused before anything is changed
SHOW cmig.concurrent_ddl;
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
SELECT indexname FROM pg_indexes WHERE tablename = 'account';
SET cmig.concurrent_ddl = off;
SELECT set_config('cmig.concurrent_ddl', 'off', false);
\set VERBOSITY default
SELECT * FROM cmig.upgrade();
SELECT indexname FROM pg_indexes WHERE tablename = 'account' ORDER BY 1;
SELECT relispartition FROM pg_class WHERE relname = 'part1';
SELECT * FROM cmig.downgrade('base');
SELECT indexname FROM pg_indexes WHERE tablename = 'account' ORDER BY 1;

-- what still cannot run in a transaction is refused
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql) VALUES
('003', '{002}', false, 'SELECT 1;
VACUUM account;');
\set VERBOSITY sqlstate
\set ECHO all
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = 'REINDEX TABLE CONCURRENTLY part' WHERE revision = '003';
\set VERBOSITY default
SELECT count(*) FROM cmig.upgrade('002');
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = 'COMMIT' WHERE revision = '003';
SELECT * FROM cmig.upgrade();
-- other forms of CONCURRENTLY run as they are
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = 'CREATE MATERIALIZED VIEW ids AS SELECT id FROM account;
CREATE UNIQUE INDEX ON ids (id);
REFRESH MATERIALIZED VIEW CONCURRENTLY ids;' WHERE revision = '003';
RESET cmig.concurrent_ddl;
UPDATE cmig.revision SET transactional = true WHERE revision = '003';
\set VERBOSITY default
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
-- a revision that is not transactional needs a stepwise run, whatever its text
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql) VALUES
('004', '{003}', false, 'SELECT 1');
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate

\set ECHO none
DROP EXTENSION pg_cmig;
DROP MATERIALIZED VIEW ids;
DROP TABLE account, part, part1;
