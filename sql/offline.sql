--
-- cmig.script: where the script starts and ends, and what is rejected (t/026_offline.pl and
-- t/021_offline_texts.pl run the scripts)
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\pset tuples_only on
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 001
-- message: accounts
-- cmig:upgrade
CREATE TABLE account (id int)
-- cmig:downgrade
DROP TABLE account;
-- cmig:verify
SELECT to_regclass('account') IS NOT NULL;

-- revision: 002
-- down_revision: 001
-- message: e-mail
-- cmig:upgrade
ALTER TABLE account ADD email text;
-- revision: b1
-- down_revision: 001
-- branch_labels: b
-- cmig:upgrade
CREATE TEMP TABLE t (x int);
CREATE TABLE b AS SELECT * FROM t;
-- cmig:downgrade
DROP TABLE b;
-- revision: b2
-- down_revision: b1
-- depends_on: 002
-- transactional: false
-- cmig:upgrade
CREATE INDEX CONCURRENTLY ON b (x);
-- cmig:downgrade
DROP INDEX CONCURRENTLY b_x_idx;
-- revision: 003
-- down_revision: 002, b2
-- cmig:downgrade
$cmig_load$);

-- the whole text once, without the check of the version table (t/156_script_table.pl)
SELECT regexp_replace(cmig.script('upgrade', '002'), E'\tcmig_schema :=.*cmig_path, true\\);\n|\tcmig_[a-z]+ [^\n]*;\n', '', 'g');

-- only the lines that show where it leads
CREATE FUNCTION steps(VARIADIC arguments text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT line FROM string_to_table(cmig.script(%s), E''\n'') line
		WHERE line ~ ''^(-- (pg_cmig|step)|BEGIN ISO|COMMIT|\s*DELETE|\s*INSERT|DISCARD|\\set)|wanted CONSTANT|IF ARRAY''',
		(SELECT string_agg(quote_nullable(a), ', ') FROM unnest(arguments) a));
END
$$;
\set ECHO all
SELECT steps('upgrade', 'head');
SELECT steps('upgrade', 'base:heads', 'alembic_version', 'true');
SELECT steps('upgrade', '002:003');
SELECT steps('upgrade', 'b1:+1');
SELECT steps('upgrade', 'b1:b1');
SELECT steps('downgrade', '003:b1');
\set VERBOSITY sqlstate
SELECT steps('downgrade', '003:-1');
SELECT steps('downgrade', 'b2:b@base', 'my."version ""table"');

-- from where this database is
SELECT cmig.stamp('b1');
SELECT steps('upgrade', 'head');
SELECT steps('upgrade', 'current:+1', 'cmig.version');
SELECT steps('downgrade', 'base');
SELECT steps('upgrade', 'b1');
SELECT cmig.stamp('base');

-- targets that lead nowhere
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', NULL);
SELECT cmig.script(NULL, 'head');
SELECT cmig.script('sideways', 'head');
SELECT cmig.script('upgrade', '');
SELECT cmig.script('upgrade', 'nothing');
SELECT cmig.script('upgrade', 'nothing:head');
SELECT cmig.script('upgrade', 'base:nothing');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', ':head');
$calls$);
\set ECHO all
SELECT cmig.script('upgrade', '001:');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', 'base:001:002');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', '-1:head');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', '003:001');
$calls$);
\set ECHO all
SELECT cmig.script('upgrade', '002:b1') IS NOT NULL AS another_branch;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('downgrade', '002:b1');
SELECT cmig.script('downgrade', '001:002');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('downgrade', '-1');
SELECT cmig.script('downgrade', 'heads:-2');
-- the second revision has no downgrade script
SELECT cmig.script('downgrade', '003:base');
$calls$);
\set ECHO all

-- only the statements
SELECT cmig.script('upgrade', '001:003', NULL);
SELECT cmig.script('downgrade', '001:base', NULL);
\set VERBOSITY default
-- version tables
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('upgrade', '001', '');
SELECT cmig.script('upgrade', '001', 'a.b.c');
SELECT cmig.script('upgrade', '001', 'a b');
SELECT cmig.script('upgrade', '001', 'x; DROP TABLE account');
$calls$);
\set ECHO all

-- statements that the runner refuses are refused here too
SELECT cmig.create_revision('x', E'CREATE TABLE x ();\n-- here\nCOMMIT;', revision => 'x1', head => 'base');
\set VERBOSITY sqlstate
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nVACUUM' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = 'COPY x FROM STDIN' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = 'DISCARD ALL' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\n\\i other.sql' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nSELECT (1' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = E'SELECT ''1' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');
UPDATE cmig.revision SET upgrade_sql = '', verify_sql = 'SELEC true' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'x1');

-- it only reads
BEGIN READ ONLY;
SELECT length(cmig.script('upgrade', 'b1')) > 0;
ROLLBACK;
-- even if the version rows are invalid, provided that a range has a start
INSERT INTO cmig.version VALUES ('gone');
SELECT cmig.script('upgrade', 'b1');
SELECT steps('upgrade', 'base:b1');
DELETE FROM cmig.version;
\set VERBOSITY default
-- a range of a downgrade must go down
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.script('downgrade', 'base:002');
SELECT cmig.script('downgrade', 'base:-1');
SELECT cmig.script('downgrade', '001:002');
SELECT cmig.script('upgrade', '002:001');
$calls$);
\set ECHO all
-- a notice if there is nothing to do
RESET client_min_messages;
SELECT length(cmig.script('upgrade', '002:002')) > 0;
SELECT length(cmig.script('downgrade', 'base:base')) > 0;
SELECT cmig.stamp('002');
SELECT length(cmig.script('upgrade', '001')) > 0;
SELECT length(cmig.script('downgrade', '002')) > 0;
SELECT revision FROM cmig.plan('upgrade', '001');
SELECT revision FROM cmig.plan('downgrade', '002');
SET client_min_messages = warning;
DELETE FROM cmig.version;
-- nor during a stepwise run
INSERT INTO cmig.progress (revision, direction, statement, state) VALUES ('b2', 'upgrade', 1, 'done');
\set VERBOSITY sqlstate
SELECT cmig.script('upgrade', 'b1');
SELECT steps('upgrade', 'base:001');
DELETE FROM cmig.progress;
-- but not with a broken graph
UPDATE cmig.revision SET down_revision = '{nothing}' WHERE revision = 'x1';
SELECT cmig.script('upgrade', 'base:b1');

DROP FUNCTION steps;
DROP EXTENSION pg_cmig;
