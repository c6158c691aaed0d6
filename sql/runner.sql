--
-- The runner: statements in order, all or nothing, and what it refuses
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;

-- later statements see what earlier ones did
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql, downgrade_sql) VALUES
('001', '{}', 'accounts', $$
CREATE TABLE account (id int PRIMARY KEY, email text NOT NULL);
INSERT INTO account VALUES (1, 'A@EXAMPLE.COM'), (2, 'b@example.com');
-- a comment; with a semicolon
UPDATE account SET email = lower(email);
ALTER TABLE account ADD COLUMN active boolean NOT NULL DEFAULT true;
UPDATE account SET active = false WHERE id = 2;
$$, 'DROP TABLE account'),
('002', '{001}', 'nothing to do', '', ''),
('003', '{002}', 'only a comment', '-- later', '/* nothing */');
\set ECHO all
\set VERBOSITY terse
SELECT * FROM cmig.upgrade();
\t
SELECT * FROM account ORDER BY id;
\t
SELECT revision, direction, outcome, checksum IS NOT NULL AS has_checksum,
	elapsed >= '0' AS has_elapsed, transaction_id IS NOT NULL AS has_xid, search_path
FROM cmig.journal ORDER BY id;
SELECT * FROM cmig.downgrade('base');
SELECT to_regclass('account');
SELECT revision, direction, checksum IS NOT NULL AS has_checksum FROM cmig.journal WHERE id > 3 ORDER BY id;

-- it commits and rolls back with the caller
BEGIN;
SELECT count(*) FROM cmig.upgrade();
SELECT revision FROM cmig.current();
ROLLBACK;
SELECT revision FROM cmig.current();
SELECT to_regclass('account');
BEGIN;
SAVEPOINT s;
SELECT count(*) FROM cmig.upgrade();
ROLLBACK TO s;
SELECT count(*) FROM cmig.upgrade('001');
COMMIT;
SELECT revision FROM cmig.current();

-- a failure leaves nothing behind, and a PL/pgSQL block may catch it
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('004', '{003}', 'CREATE TABLE half (x int); SELECT 1/0;');
SELECT * FROM cmig.upgrade();
SELECT revision FROM cmig.current();
SELECT to_regclass('half');
DO $$
BEGIN
	PERFORM cmig.upgrade();
EXCEPTION WHEN division_by_zero THEN
	RAISE NOTICE 'caught: %, running revision "%"', SQLERRM, current_setting('cmig.running_revision');
	PERFORM cmig.upgrade('003');
END
$$;
SELECT revision FROM cmig.current();
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE half (x int)' WHERE revision = '004';
SELECT * FROM cmig.upgrade();

-- LIMIT does not cut a run short
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('005', '{004}', 'SELECT 5'), ('006', '{005}', 'SELECT 6');
SELECT * FROM cmig.upgrade() LIMIT 1;
SELECT revision FROM cmig.current();

-- what other sessions see while a script runs
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('007', '{006}', $$
CREATE TABLE seen AS SELECT current_setting('cmig.running_revision') AS revision, query
FROM pg_stat_activity WHERE pid = pg_backend_pid();
$$);
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
\t
SELECT * FROM seen;
\t
SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
SHOW cmig.running_revision;
\set ECHO none
SET cmig.running_revision = 'x';

-- refused before anything runs
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('008', '{007}', 'DO $x$ BEGIN RAISE NOTICE ''revision 008 runs''; END $x$'),
('009', '{008}', '');
CREATE PROCEDURE try_script(script text) LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
	context text;
BEGIN
	UPDATE cmig.revision SET upgrade_sql = script WHERE revision = '009';
	PERFORM cmig.upgrade();
	RAISE EXCEPTION 'this was not refused: %', script;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
		context = PG_EXCEPTION_CONTEXT;
	RAISE INFO '%', concat_ws(' | ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''), substring(context FROM 'pg_cmig: [^\n]*'));
END
$$;
\set SHOW_CONTEXT never
\set ECHO all
CALL try_script('BEGIN; SELECT 1; ');
CALL try_script(E'SELECT 1;\n\nSELECT 2; COMMIT AND CHAIN;');
CALL try_script('ROLLBACK');
CALL try_script('SAVEPOINT a');
CALL try_script('PREPARE TRANSACTION ''x''');
CALL try_script('COPY seen FROM STDIN');
CALL try_script('COPY seen TO STDOUT');
CALL try_script('DISCARD ALL');
CALL try_script(E'SELECT 1;\n\\i other.sql');
CALL try_script('VACUUM');
CALL try_script('CREATE DATABASE other');
CALL try_script('ALTER SYSTEM SET work_mem = ''1MB''');
CALL try_script('CREATE INDEX CONCURRENTLY ON seen (query)');
CALL try_script('REINDEX SCHEMA public');
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE INDEX parted_idx ON parted (id);
CALL try_script('REINDEX TABLE parted');
CALL try_script('REINDEX INDEX parted_idx');
CALL try_script('CLUSTER parted USING parted_idx');
-- a relation that the script itself creates is unknown until then
CALL try_script($$CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE INDEX p_idx ON p (id);
REINDEX TABLE p;$$);
CALL try_script('CREATE PROCEDURE commits() LANGUAGE plpgsql AS $x$ BEGIN COMMIT; END $x$; CALL commits();');
CALL try_script('DO $x$ BEGIN COMMIT; END $x$');
CALL try_script('SELECT cmig.upgrade(''008'')');
CALL try_script('DO $x$ BEGIN PERFORM cmig.downgrade(''base''); END $x$');
CALL try_script('SELECT cmig.stamp(''008'')');
CALL try_script('SELECT cmig.create_revision(''x'', ''y'')');
CALL try_script('DELETE FROM cmig.version');
CALL try_script('INSERT INTO cmig.version VALUES (''009'')');
CALL try_script('INSERT INTO cmig.version VALUES (''001'')');
CALL try_script('INSERT INTO cmig.version VALUES (''feed0000beef'')');
CALL try_script('UPDATE cmig.version SET revision = ''001''');
CALL try_script('DELETE FROM cmig.revision WHERE revision = ''009''');
CALL try_script('TRUNCATE cmig.revision, cmig.version');
CALL try_script('DROP EXTENSION pg_cmig');
CALL try_script('DROP EXTENSION pg_cmig CASCADE');
CALL try_script('DROP EXTENSION pg_cmig CASCADE; CREATE EXTENSION pg_cmig');
CALL try_script('DO $do$ BEGIN DROP EXTENSION pg_cmig CASCADE; CREATE EXTENSION pg_cmig; END $do$');
CALL try_script('ALTER EXTENSION pg_cmig DROP FUNCTION cmig.upgrade(text); DROP FUNCTION cmig.upgrade(text)');
CALL try_script('DO $do$ BEGIN ALTER EXTENSION pg_cmig DROP FUNCTION cmig.heads(); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''; ALTER EXTENSION pg_cmig ADD FUNCTION f(); END $do$');
CALL try_script('DROP SCHEMA cmig');
CALL try_script('DROP SCHEMA cmig CASCADE');
CALL try_script('DROP TABLE cmig.journal');
CALL try_script('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
CALL try_script('SELECT $1');
-- none of it remained, and reading functions work in a script
SELECT revision FROM cmig.current();
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE was AS SELECT revision FROM cmig.current()' WHERE revision = '009';
SELECT count(*) FROM cmig.upgrade();
\t
SELECT * FROM was;
\t

-- revisions that are not transactional
UPDATE cmig.revision SET transactional = false WHERE revision = '008';
\set VERBOSITY sqlstate
SELECT count(*) FROM cmig.downgrade('007');
UPDATE cmig.revision SET downgrade_sql = '' WHERE revision IN ('008', '009');
SELECT count(*) FROM cmig.downgrade('007');
SELECT count(*) FROM cmig.upgrade();
\set VERBOSITY default

\set ECHO none
DROP EXTENSION pg_cmig;
DROP TABLE account, half, seen, was, parted;
DROP PROCEDURE try_script;
