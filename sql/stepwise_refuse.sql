-- Where CALL cmig.upgrade_stepwise cannot run, and what it rejects
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
	('01', '{}', true, 'CREATE TABLE refused (a int)', 'DROP TABLE refused'),
	('02', '{01}', false, 'CREATE INDEX CONCURRENTLY ON refused (a)', 'DROP INDEX CONCURRENTLY refused_a_idx');

BEGIN;
\set VERBOSITY terse
\set ECHO all
CALL cmig.upgrade_stepwise();
ROLLBACK;
CREATE FUNCTION refused_function() RETURNS void LANGUAGE plpgsql AS $$
BEGIN CALL cmig.upgrade_stepwise(); END $$;
SELECT refused_function();
CREATE PROCEDURE refused_procedure() LANGUAGE plpgsql AS $$
BEGIN CALL cmig.upgrade_stepwise(); END $$;
CALL refused_procedure();
DO $$ BEGIN CALL cmig.upgrade_stepwise(); END $$;
DO $$ BEGIN COMMIT; CALL cmig.upgrade_stepwise(); END $$;
-- several statements in one string
SELECT 1 AS one\; CALL cmig.upgrade_stepwise()\; SELECT 2 AS two;
CALL cmig.upgrade_stepwise()\; SELECT 2 AS two;
-- a procedure with settings of its own is atomic
CREATE PROCEDURE refused_setting() LANGUAGE plpgsql SET work_mem = '1MB' AS $$
BEGIN CALL cmig.upgrade_stepwise(); END $$;
CALL refused_setting();
BEGIN READ ONLY;
CALL cmig.upgrade_stepwise();
ROLLBACK;
SET default_transaction_read_only = on;
CALL cmig.upgrade_stepwise();
RESET default_transaction_read_only;
SELECT cmig.upgrade_stepwise();
SELECT count(*) AS nothing_ran FROM cmig.journal;

-- the complete message once
BEGIN;
\set VERBOSITY sqlstate
CALL cmig.downgrade_stepwise('base');
ROLLBACK;

-- invalid arguments
CALL cmig.upgrade_stepwise('nonsense');
CALL cmig.upgrade_stepwise(NULL);
\set VERBOSITY default
CALL cmig.upgrade_stepwise(in_doubt => 'maybe');
CALL cmig.upgrade_stepwise(in_doubt => NULL);
\set VERBOSITY sqlstate
CALL cmig.downgrade_stepwise();
CALL cmig.downgrade_stepwise('previous');
CALL cmig.downgrade_stepwise('base', 'perhaps');
CALL cmig.downgrade_stepwise('01');
CALL cmig.reset_stepwise(NULL);

-- what would stop the run is found before anything is run
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
	('03', '{02}', true, 'VACUUM refused', NULL);
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET transactional = false, upgrade_sql = E'SELECT 1;\nBEGIN;' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nSELEC 1;' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = 'COPY refused FROM STDIN' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = 'DISCARD ALL' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = E'\\echo hello' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT count(*) AS nothing_ran FROM cmig.journal;

-- pg_cmig's own procedures commit: in a transactional revision they are refused before anything runs
UPDATE cmig.revision SET transactional = true, upgrade_sql = E'SELECT 1;\nCALL cmig.backfill(''refused'', ''a = 1'', ''a <> 1'')' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT problem, fix FROM cmig.check() WHERE object LIKE '%03%';
\set VERBOSITY default
SELECT cmig.script('upgrade', '02:03');
SET cmig.concurrent_ddl = off;
SELECT problem, fix FROM cmig.check() WHERE object LIKE '%03%';
RESET cmig.concurrent_ddl;
UPDATE cmig.revision SET upgrade_sql = 'call CMIG . add_unique(''refused'', ''a'')' WHERE revision = '03';
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
SELECT count(*) AS nothing_ran FROM cmig.journal;
UPDATE cmig.revision SET transactional = true, upgrade_sql = '' WHERE revision = '02';
SELECT * FROM cmig.upgrade('03');
-- if only the server can detect it, the hint says the same
UPDATE cmig.revision SET upgrade_sql = 'SET search_path = cmig; CALL add_unique(''public.refused'', ''a'')' WHERE revision = '03';
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET transactional = false, upgrade_sql = 'DO ''BEGIN CALL cmig.add_unique(''''refused'''', ''''a''''); END''' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.version;
SELECT * FROM cmig.stamp('01', purge => true);
CALL cmig.downgrade_stepwise('base');
DELETE FROM cmig.journal;
UPDATE cmig.revision SET transactional = false, upgrade_sql = 'CREATE INDEX CONCURRENTLY ON refused (a)' WHERE revision = '02';

-- a run does not start another
UPDATE cmig.revision SET upgrade_sql = E'CALL cmig.upgrade_stepwise();' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = E'SELECT * FROM cmig.upgrade();' WHERE revision = '03';
CALL cmig.upgrade_stepwise();

-- downgrade: protected, irreversible
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
CALL cmig.upgrade_stepwise();
\set VERBOSITY sqlstate
CALL cmig.downgrade_stepwise('base');
-- also if the irreversible revision is not the first one: nothing is reverted
CREATE TEMP TABLE kept AS SELECT revision, downgrade_sql FROM cmig.revision;
UPDATE cmig.revision SET downgrade_sql = CASE revision WHEN '01' THEN NULL ELSE 'SELECT 1' END;
CALL cmig.downgrade_stepwise('base');
SELECT revision FROM cmig.version;
\set ECHO none
UPDATE cmig.revision r SET downgrade_sql = k.downgrade_sql FROM kept k WHERE k.revision = r.revision;
DROP TABLE kept;
UPDATE cmig.revision SET downgrade_sql = '' WHERE revision = '03';
SET cmig.protect = on;
\set VERBOSITY default
\set ECHO all
CALL cmig.downgrade_stepwise('-1');
CALL cmig.reset_stepwise(current_database());
SET cmig.protect = base;
CALL cmig.downgrade_stepwise('base');
CALL cmig.downgrade_stepwise('-1');
RESET cmig.protect;

-- CONCURRENTLY removed: one transaction for each revision
SET cmig.concurrent_ddl = off;
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('base');
RESET cmig.concurrent_ddl;
SELECT revision, direction, outcome, sqlstate, message FROM cmig.journal ORDER BY id;

-- numbers of steps
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1', downgrade_sql = '', transactional = true;
CALL cmig.upgrade_stepwise(1);
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise(-1);
\set VERBOSITY default
CALL cmig.downgrade_stepwise(-1);
\set VERBOSITY sqlstate
CALL cmig.downgrade_stepwise(1);
CALL cmig.downgrade_stepwise();

-- several targets
INSERT INTO cmig.revision (revision, down_revision, branch_labels, upgrade_sql, downgrade_sql) VALUES
	('04', '{01}', '{}', '', ''), ('05', '{}', '{side}', '', '');
\set VERBOSITY default
CALL cmig.downgrade_stepwise('base');
CALL cmig.upgrade_stepwise(ARRAY['02', '05']);
CALL cmig.upgrade_stepwise('{04,03}');
CALL cmig.upgrade_stepwise(targets => ARRAY['heads']);
SELECT revision FROM cmig.version ORDER BY 1;
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise(ARRAY['01', '02']);
CALL cmig.upgrade_stepwise(ARRAY['+1', '02']);
\set VERBOSITY default
CALL cmig.upgrade_stepwise(ARRAY[]::text[]);
CALL cmig.upgrade_stepwise(ARRAY['01', NULL]);
CALL cmig.upgrade_stepwise(NULL::text[]);
CALL cmig.upgrade_stepwise(ARRAY['heads'], 'maybe');
BEGIN;
\set VERBOSITY terse
CALL cmig.upgrade_stepwise(ARRAY['heads']);
\set ECHO none
ROLLBACK;

DROP FUNCTION refused_function;
DROP PROCEDURE refused_procedure, refused_setting;
DROP EXTENSION pg_cmig;
