--
-- cmig.load: what it stores, and what it refuses
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;

-- in any order; a second load changes nothing; white space and comments change only the text
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 003
-- down_revision: 002
-- cmig:upgrade
CREATE TABLE note (id int);
-- cmig:downgrade
DROP TABLE note;
-- revision: 001
-- message: first
-- cmig:upgrade
CREATE TABLE account (id int);
-- cmig:downgrade
DROP TABLE account;
-- revision: 002
-- down_revision: 001
-- cmig:upgrade
ALTER TABLE account ADD email text;
-- cmig:downgrade
ALTER TABLE account DROP email;
$cmig_load$);
\set ECHO all
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- create_date: 2020-01-01\n-- cmig:upgrade\n\n\nALTER TABLE account ADD email text;   \n\n-- cmig:downgrade\nALTER TABLE account DROP email;');
SELECT revision, down_revision, message FROM cmig.revision ORDER BY 1;

-- an unapplied revision is replaced with any change
SELECT * FROM cmig.load(E'-- revision: 003\n-- down_revision: 001\n-- message: notes\n-- cmig:upgrade\nCREATE TABLE note (id bigint);\n-- cmig:downgrade\nDROP TABLE note;');
SELECT revision, down_revision, message, upgrade_sql FROM cmig.revision ORDER BY 1;

-- a row that was written by hand is compared as if it had been written as a file
UPDATE cmig.revision SET upgrade_sql = E'\n\nALTER TABLE account ADD email text; \n' WHERE revision = '002';
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n-- cmig:downgrade\nALTER TABLE account DROP email;');

\set VERBOSITY sqlstate
-- all or nothing: the whole graph must be sound
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 003\n-- revision: 005\n-- down_revision: 044\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- down_revision: 002\n');
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 004\n');
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 003\n-- branch_labels: 001\n');
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 003\n-- branch_labels: x\n-- revision: 005\n-- down_revision: 003\n-- branch_labels: x\n');
SELECT * FROM cmig.load(E'-- revision: 004\n\n-- revision: 005\n\n-- revision: 004\n');
$calls$);
\set ECHO all
SELECT count(*) FROM cmig.revision;

--
-- Applied revisions
--
SET client_min_messages = warning;
SELECT * FROM cmig.upgrade('002');
RESET client_min_messages;

-- the upgrade script and the flag must be those that were run
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n-- cmig:downgrade\nALTER TABLE account DROP email;');
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- transactional: false\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n-- cmig:downgrade\nALTER TABLE account DROP email;');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 001\n-- message: first\n-- revision: 002\n-- down_revision: 001\n');
$calls$);
\set ECHO all
-- layout and comments may change
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\n-- the address\nalter table ACCOUNT\n\tadd EMAIL text ;\n-- cmig:downgrade\nALTER TABLE account DROP email;');
-- message, labels, description, downgrade script, and verify_sql may change
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- branch_labels: main\n-- message: address\n--\n-- why\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n-- cmig:verify\nSELECT true;');
SELECT revision, branch_labels, message, description, downgrade_sql IS NULL AS irreversible, verify_sql FROM cmig.revision WHERE revision = '002';

-- accept_changes: the new text is recorded as the one that was run
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n', accept_changes => true);
SELECT revision, direction, outcome, checksum IS NOT NULL AS has_checksum FROM cmig.journal ORDER BY id;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n');
-- the first line that differs can be behind the end of what ran
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\nSELECT 1;\n');
$calls$);
\set ECHO all
\set VERBOSITY sqlstate

-- cmig.checksum_policy
SET cmig.checksum_policy = warn;
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n');
ROLLBACK;
SET cmig.checksum_policy = ignore;
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n');
SELECT count(*) FROM cmig.journal WHERE direction = 'repair';
ROLLBACK;
RESET cmig.checksum_policy;

-- compared with the journal: a text that was never run here is unknown, not an error
BEGIN;
DELETE FROM cmig.journal;
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n');
ROLLBACK;
-- so the text that was run can always be loaded again
BEGIN;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1' WHERE revision = '002';
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
ROLLBACK;
-- even if its row was lost
BEGIN;
DELETE FROM cmig.revision WHERE revision = '002';
SAVEPOINT s;
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 1;\n');
ROLLBACK TO s;
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
SELECT * FROM cmig.current();
ROLLBACK;

\set VERBOSITY default
-- edges of applied revisions: none may be removed, and only edges to applied revisions may be added
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 002\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001, 009\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n-- revision: 009\n');
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- depends_on: 009\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n-- revision: 009\n');
$calls$);
\set ECHO all
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 009\n-- branch_labels: nine\n');
SET LOCAL client_min_messages = warning;
SELECT * FROM cmig.upgrade('009');
SELECT revision FROM cmig.current();
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- depends_on: nine\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
-- the version rows change accordingly: 002 now implies 009
SELECT revision FROM cmig.current();
-- a dependency may become a parent, but must not be removed
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001, 009\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
SELECT * FROM cmig.load(E'-- revision: 002\n-- down_revision: 001\n-- depends_on: 009\n-- cmig:upgrade\nALTER TABLE account ADD email varchar;\n');
ROLLBACK;

--
-- Prune
--
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 003\n-- revision: 101\n-- down_revision: 002\n');
\set VERBOSITY sqlstate
-- 003 is needed by 004
SELECT * FROM cmig.load(E'-- revision: 004\n-- down_revision: 003\n', prune => true);
BEGIN;
SET LOCAL cmig.protect = base;
\set VERBOSITY default
SELECT * FROM cmig.load(E'-- revision: 101\n-- down_revision: 002\n', prune => true);
ROLLBACK;
SELECT * FROM cmig.load(E'-- revision: 101\n-- down_revision: 002\n-- revision: 102\n-- down_revision: 101\n', prune => true);
-- having nothing to remove is allowed
BEGIN;
SET LOCAL cmig.protect = on;
SELECT * FROM cmig.load(E'-- revision: 101\n-- down_revision: 002\n-- revision: 102\n-- down_revision: 101\n', prune => true);
ROLLBACK;

--
-- Author and time
--
BEGIN READ ONLY;
SELECT * FROM cmig.load(E'-- revision: 103\n-- down_revision: 102\n');
ROLLBACK;
CREATE ROLE regress_loader;
SET ROLE regress_loader;
SELECT * FROM cmig.load(E'-- revision: 103\n-- down_revision: 102\n');
\set ECHO none
RESET ROLE;
GRANT USAGE ON SCHEMA cmig TO regress_loader;
GRANT EXECUTE ON FUNCTION cmig.load TO regress_loader;
GRANT SELECT ON cmig.revision, cmig.version, cmig.scope_version, cmig.journal TO regress_loader;
SET ROLE regress_loader;
\set SHOW_CONTEXT never
\set ECHO all
SELECT * FROM cmig.load(E'-- revision: 103\n-- down_revision: 102\n');
\set ECHO none
\set SHOW_CONTEXT errors
RESET ROLE;
GRANT INSERT, UPDATE, DELETE ON cmig.revision TO regress_loader;
SET ROLE regress_loader;
\set ECHO all
SELECT * FROM cmig.load(E'-- revision: 103\n-- down_revision: 102\n-- revision: 101\n-- down_revision: 002\n-- message: changed\n');
RESET ROLE;
SELECT revision, created_by FROM cmig.revision WHERE created_by = 'regress_loader' ORDER BY 1;

-- many files in one text, with each kind of string around a marker
SELECT action, count(*) FROM cmig.load((SELECT string_agg(format(E'-- revision: m%s\n-- down_revision: %s\n-- cmig:upgrade\nSELECT ''it''''s %s'';', i, CASE WHEN i = 1 THEN '103' ELSE 'm' || i - 1 END, i), '') FROM generate_series(1, 2000) i)) GROUP BY 1;
-- a merge of many parents
SELECT action, count(*) FROM cmig.load((SELECT string_agg(format(E'-- revision: p%s\n-- down_revision: 103\n\n', i), '') || E'-- revision: merge\n-- down_revision: ' || string_agg('p' || i, ', ') FROM generate_series(1, 2000) i)) GROUP BY 1;
SELECT cardinality(down_revision) FROM cmig.revision WHERE revision = 'merge';

\set ECHO none
REVOKE ALL ON SCHEMA cmig FROM regress_loader;
DROP OWNED BY regress_loader;
DROP ROLE regress_loader;
DROP TABLE account;
DROP EXTENSION pg_cmig;
