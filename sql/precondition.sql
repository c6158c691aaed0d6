--
-- Preconditions: what must be true before a revision starts
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.load($x$
-- revision: 001
-- precondition:   SELECT current_setting('server_version_num')::int >= 150000
-- message: Accounts
-- create_date: 2026-01-01 00:00:00+00
-- cmig:upgrade
CREATE TABLE account (id int, email text);
INSERT INTO account VALUES (1, NULL), (2, 'x');
-- cmig:downgrade
DROP TABLE account;
$x$);
\set ECHO all
SELECT content FROM cmig.export();
SELECT field, value FROM cmig.show('001') WHERE field ~ 'pre';
SELECT * FROM cmig.load((SELECT content FROM cmig.export()));
SELECT * FROM cmig.load(replace((SELECT content FROM cmig.export()), '>= 15', '>= 14'));
SELECT revision FROM cmig.upgrade();

-- checked before anything runs; each failure is named
SELECT cmig.create_revision('b', 'SELECT 1', revision => '002'), cmig.create_revision('c', 'SELECT 1', revision => '003');
UPDATE cmig.revision SET precondition_sql = 'SELECT NOT EXISTS (SELECT FROM account WHERE email IS NULL)' WHERE revision = '002';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET precondition_sql = 'SELECT count(*) > 10 FROM account' WHERE revision = '003';
-- also if a session claims to be that of an engine, which leaves them out in its copy of a schema
SET cmig_client.record = on;
SELECT * FROM cmig.upgrade();
RESET cmig_client.record;
SELECT revision, statement, command, error FROM cmig.dry_run();
CALL cmig.upgrade_stepwise();
SELECT revision, outcome FROM cmig.journal ORDER BY id;

-- what an earlier step may make true is checked when its turn comes
UPDATE cmig.revision SET upgrade_sql = $$UPDATE account SET email = 'y' WHERE email IS NULL$$, precondition_sql = NULL WHERE revision = '002';
UPDATE cmig.revision SET precondition_sql = 'SELECT NOT EXISTS (SELECT FROM account WHERE email IS NULL)' WHERE revision = '003';
BEGIN;
SELECT revision FROM cmig.upgrade();
ROLLBACK;
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE later (id int)' WHERE revision = '002';
UPDATE cmig.revision SET precondition_sql = 'SELECT EXISTS (SELECT FROM later)' WHERE revision = '003';
SELECT revision FROM cmig.upgrade();
SELECT revision, statement, command, error FROM cmig.dry_run();
UPDATE cmig.revision SET upgrade_sql = 'DO $do$BEGIN UPDATE account SET email = $e$z$e$; END$do$' WHERE revision = '002';
UPDATE cmig.revision SET precondition_sql = 'SELECT NOT EXISTS (SELECT FROM account WHERE email IS NULL)' WHERE revision = '003';
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.current();
SELECT cmig.stamp('001', purge => true);

-- revisions that are not transactional: before their first statement, not when they continue
UPDATE cmig.revision SET transactional = false, upgrade_sql = 'CREATE TABLE part (id int); SELECT 1 / count(*) FROM part', precondition_sql = $$SELECT to_regclass('part') IS NULL$$ WHERE revision = '002';
CALL cmig.upgrade_stepwise('002');
INSERT INTO part VALUES (1);
CALL cmig.upgrade_stepwise('002');
DROP TABLE part;

-- in new revisions and their files
BEGIN;
SELECT regexp_replace(content, '\n-- create_date: [^\n]*', '') AS content FROM cmig.draft('d', '004', precondition_sql => E' SELECT count(*) > 1 FROM account\n');
SELECT * FROM cmig.load((SELECT content FROM cmig.draft('d', '004', precondition_sql => 'SELECT true')));
SELECT cmig.create_revision('e', 'SELECT 1', revision => '005', precondition_sql => ' SELECT false ');
SELECT revision, precondition_sql FROM cmig.revision WHERE revision >= '004' ORDER BY revision;
SELECT cmig.create_revision('f', revision => '006', precondition_sql => ''), precondition_sql IS NULL AS none FROM cmig.draft('g', precondition_sql => E'\n'), LATERAL (SELECT substring(content, 'precondition') AS precondition_sql) x;
SELECT precondition_sql IS NULL AS none FROM cmig.revision WHERE revision = '006';
SAVEPOINT s;
SELECT cmig.create_revision('h', '', precondition_sql => E'SELECT\ntrue');
ROLLBACK TO s;
SELECT cmig.draft('h', precondition_sql => E'SELECT true\r\n  AND true');
\set ECHO none
ROLLBACK;

-- what is not a precondition
CREATE FUNCTION try(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	UPDATE cmig.revision SET precondition_sql = sql WHERE revision = '003';
	PERFORM cmig.upgrade('003');
	RETURN 'ran';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', sqlstate, sqlerrm, nullif(detail, ''));
END
$$;
\set ECHO all
SELECT try(sql) FROM unnest(ARRAY['SELECT NULL::boolean', 'SELECT 1', 'SELECT true, true', 'SELECT true FROM generate_series(1, 2)',
	'SELECT true WHERE false', 'SELECT true; SELECT false', 'DELETE FROM account', 'SELECT true AS x INTO y', 'nonsense', '', 'SELECT 1 / 0 = 1',
	'BEGIN', 'COPY account TO STDOUT', 'SELECT false', 'SELECT 1 / (3 - i) > -1 FROM generate_series(1, 3) i', 'VALUES (true, 1), (false, 2)',
	'WITH x AS (INSERT INTO account VALUES (3) RETURNING true) SELECT * FROM x', 'WITH x AS (SELECT true), y AS (DELETE FROM account) SELECT * FROM x', 'WITH x AS (SELECT false) SELECT * FROM x']) sql;
-- a header is one line
UPDATE cmig.revision SET precondition_sql = E'SELECT\ntrue' WHERE revision = '003';
SELECT count(*) FROM cmig.export('003');
\set VERBOSITY sqlstate
SELECT * FROM cmig.load(E'-- revision: 009\n-- down_revision: 003\n-- precondition: SELECT true\n-- precondition: SELECT true\n-- cmig:upgrade\n');
SELECT try('SELECT true');
DROP FUNCTION try(text);

-- a function that changes rows: rolled back when the whole plan is checked, kept when the step starts
CREATE TABLE seen (what text);
CREATE FUNCTION saw(what text) RETURNS boolean LANGUAGE sql AS 'INSERT INTO seen VALUES (what) RETURNING true';
SELECT cmig.create_revision('f', 'SELECT 1', revision => 'w1', head => 'base', precondition_sql => $$SELECT saw('w1')$$);
SELECT cmig.create_revision('g', 'SELECT 1', revision => 'w2', head => 'w1', precondition_sql => $$SELECT NOT saw('w2')$$);
SELECT revision FROM cmig.upgrade('w2');
TABLE seen;
SELECT revision, command, error FROM cmig.dry_run('upgrade', 'w1');
TABLE seen;
SELECT revision FROM cmig.upgrade('w1');
TABLE seen;
SELECT cmig.stamp('base', purge => true);
\set ECHO none
DELETE FROM cmig.revision WHERE revision ~ '^w';
DROP FUNCTION saw;
DROP TABLE seen;

DROP TABLE account;
DROP EXTENSION pg_cmig;
