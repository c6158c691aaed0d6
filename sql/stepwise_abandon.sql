-- cmig.abandon_partial reverts what a stepwise run has left, and nothing else.
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_abandon;
CREATE ROLE regress_abandoned;
GRANT regress_abandoned TO regress_abandon WITH ADMIN OPTION;
GRANT ALL ON SCHEMA public TO regress_abandon;
CREATE TABLE byhand (x int);
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('001', '{}', true, 'CREATE TABLE account (id int PRIMARY KEY, email text, note text); CREATE VIEW mails AS SELECT account.email FROM account LEFT JOIN pg_am ON false; CREATE TABLE part (k int) PARTITION BY LIST (k)', 'DROP VIEW mails; DROP TABLE account; DROP TABLE part'),
('006', '{001}', false, $$
	ALTER TABLE account ADD email_lower text;
	CREATE INDEX CONCURRENTLY account_lower ON account (email_lower);
	CALL cmig.backfill('account', 'email_lower = lower(email)');
	CREATE TABLE log (id int);
	CREATE OR REPLACE VIEW mails AS SELECT account.email, account.id FROM account LEFT JOIN pg_am ON false;
	CREATE UNIQUE INDEX CONCURRENTLY account_email ON account (email);
	ALTER TABLE account ADD never int$$,
	'DROP INDEX CONCURRENTLY account_lower; ALTER TABLE account DROP email_lower; SELECT 1 / count(*) FROM log; DROP TABLE log;
	DROP VIEW mails; CREATE VIEW mails AS SELECT account.email FROM account LEFT JOIN pg_am ON false; DROP INDEX account_email; ALTER TABLE account DROP never');
\set ECHO all

-- nothing is partially applied
CALL cmig.abandon_partial('006');
CALL cmig.abandon_partial('006', confirm => '006');
\set VERBOSITY sqlstate
CALL cmig.abandon_partial();
CALL cmig.abandon_partial('nosuch');
\set VERBOSITY default
CALL cmig.abandon_partial('base');
SELECT revision FROM cmig.upgrade('001');
CALL cmig.abandon_partial('001');

-- what is listed, and refused
INSERT INTO account SELECT i, 'A' || i / 2 FROM generate_series(1, 10) i;
CALL cmig.upgrade_stepwise();
CREATE INDEX byhand_note ON account (note);
ALTER TABLE account ADD CONSTRAINT byhand_check CHECK (id < 100) NOT VALID;
SELECT * FROM cmig.upgrade();
CALL cmig.abandon_partial('001');
SET client_min_messages = error;
CALL cmig.abandon_partial('006');
RESET client_min_messages;
CALL cmig.abandon_partial('006', confirm => 'yes');
CALL cmig.abandon_partial('006', confirm => '006');
BEGIN;
\set VERBOSITY sqlstate
CALL cmig.abandon_partial('006', confirm => '006, losing data');
ROLLBACK;
SET cmig.protect = on;
\set VERBOSITY default
CALL cmig.abandon_partial('006', confirm => '006, losing data');
RESET cmig.protect;
SET cmig.scope = 'tenant';
CALL cmig.abandon_partial('006');
RESET cmig.scope;
SELECT count(*) FROM cmig.progress WHERE detail ? 'abandoned';

-- an error in the middle: the same call continues, and nothing else does
CREATE VIEW on_log AS SELECT id FROM log;
CALL cmig.abandon_partial('006', confirm => '006, losing data');
SELECT item, value, hint FROM cmig.status() WHERE item = 'partially applied';
CALL cmig.upgrade_stepwise();
CALL cmig.abandon_partial('006');
DROP VIEW on_log;
CALL cmig.abandon_partial('006', confirm => '006, losing data');
\d account
\d mails
SELECT count(*) FROM cmig.progress;
SELECT statement, state FROM cmig.backfill_run;
SELECT revision, direction, outcome, message FROM cmig.journal ORDER BY id;
SELECT item, value FROM cmig.status() WHERE item IN ('current', 'failed', 'partially applied', 'pending');
SELECT upgrade_sql FROM cmig.drift();
CALL cmig.abandon_partial('006', confirm => '006, losing data');

-- then the revision can be run again, and a downgrade that stopped can be abandoned, too
UPDATE account SET email = id;
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('001');
CALL cmig.abandon_partial('006');
CALL cmig.abandon_partial('006', confirm => '006');
SELECT upgrade_sql FROM cmig.drift();
SELECT revision, message FROM cmig.journal WHERE direction = 'stamp' ORDER BY id DESC LIMIT 1;
SELECT revision FROM cmig.current();
INSERT INTO log VALUES (1);
CALL cmig.downgrade_stepwise('001');

-- without rows, nothing is lost; scripts run as cmig.role; changes that no image contains
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_abandon', 'migrator');
\set ECHO none
SET cmig.role = 'regress_abandon';
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('007', '{001}', false, $$
	CREATE TABLE theirs (id int);
	CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
	ALTER ROLE regress_abandoned CONNECTION LIMIT 5;
	CREATE INDEX CONCURRENTLY ON theirs (id);
	DO 'BEGIN CREATE TABLE more (id int); COMMIT; PERFORM 1 / count(*) FROM theirs; END'$$, '');
DELETE FROM cmig.revision WHERE revision = '006';
ALTER ROLE regress_abandon CREATEROLE;
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT item, value FROM cmig.status() WHERE item = 'partially applied';
CALL cmig.abandon_partial('007');
-- a role that does not own the schema cannot tell
SET ROLE regress_abandon;
CALL cmig.abandon_partial('007', confirm => '007');
RESET ROLE;
-- what an unfinished statement did is not guessed
CALL cmig.abandon_partial('007', confirm => '007');
SELECT upgrade_sql FROM cmig.drift();
SELECT revision, role, message FROM cmig.journal WHERE direction = 'stamp' ORDER BY id DESC LIMIT 1;
\set ECHO none
DROP TABLE more;
RESET cmig.role;

-- renames are reverted, so nothing is lost; its partition and its extension are dropped, but no
-- others; the audit is not guessed
CREATE TABLE part_0 PARTITION OF part FOR VALUES IN (0);
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('008', '{001}', false, $$
	ALTER TABLE account RENAME email TO mail;
	ALTER TABLE account RENAME TO person;
	ALTER TABLE person RENAME note TO notes;
	CREATE EXTENSION hstore;
	CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
	SELECT cmig.enable_audit('part_1');
	SELECT 1 / 0$$, '');
\set ECHO all
CALL cmig.upgrade_stepwise('008');
CALL cmig.abandon_partial('008', confirm => '008');
SELECT cmig.disable_audit('part_1');
CALL cmig.abandon_partial('008', confirm => '008');
\set VERBOSITY sqlstate
SELECT upgrade_sql FROM cmig.drift();
SELECT count(email) FROM account;
DELETE FROM cmig.revision WHERE revision = '008';

-- a schema into which a table was moved stays; columns that exchange their names are not taken for unchanged
\set ECHO none
CREATE SCHEMA regress_archive;
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql) VALUES
('008', '{001}', false, 'CREATE TABLE moved (id int); ALTER TABLE moved SET SCHEMA regress_archive; SELECT 1 / 0', '');
\set VERBOSITY default
\set ECHO all
CALL cmig.upgrade_stepwise('008');
CALL cmig.abandon_partial('008', confirm => '008, losing data');
SELECT to_regnamespace('regress_archive'), to_regclass('regress_archive.moved');
UPDATE cmig.revision SET upgrade_sql = 'ALTER TABLE account RENAME email TO other; ALTER TABLE account RENAME note TO email; ALTER TABLE account RENAME other TO note; SELECT 1 / 0' WHERE revision = '008';
CALL cmig.upgrade_stepwise('008');
CALL cmig.abandon_partial('008', confirm => '008, losing data');
\set ECHO none
ALTER TABLE account RENAME note TO other;
ALTER TABLE account RENAME email TO note;
ALTER TABLE account RENAME other TO email;
\set VERBOSITY sqlstate
\set ECHO all
SELECT cmig.stamp('001');
DROP SCHEMA regress_archive;
DELETE FROM cmig.revision WHERE revision = '008';

\set VERBOSITY default
-- the statements that ran must be known, and the revisions before be replayable
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'id int', 'id bigint') WHERE revision = '007';
CALL cmig.abandon_partial('007');
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE theirs (id int)' WHERE revision = '007';
CALL cmig.abandon_partial('007');
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || '; SELECT 1 / count(*) FROM account' WHERE revision = '001';
\set VERBOSITY sqlstate
CALL cmig.abandon_partial('007');
\set VERBOSITY sqlstate

\set ECHO none
RESET ROLE;
DROP EXTENSION pg_cmig;
SET client_min_messages = warning;
DROP SCHEMA cmig_audit CASCADE;
DROP TABLE account, byhand, part, theirs CASCADE;
DROP TABLE IF EXISTS more;
DROP FUNCTION f();
DROP OWNED BY regress_abandon;
DROP ROLE regress_abandon, regress_abandoned;
