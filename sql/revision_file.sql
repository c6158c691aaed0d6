--
-- How cmig.load reads revision files
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
\set ECHO none
SET timezone = 'UTC';
\pset null '(null)'
CREATE VIEW stored AS
	SELECT revision, down_revision, depends_on, branch_labels, message,
		transactional, created_at = transaction_timestamp() AS created_now,
		CASE WHEN created_at <> transaction_timestamp() THEN created_at END AS created_at,
		description, upgrade_sql, downgrade_sql, verify_sql
	FROM cmig.revision ORDER BY revision COLLATE "C";

-- everything that a file can contain, then the minimum
BEGIN;
SELECT * FROM cmig.load($cmig_load$
-- revision: 002
-- down_revision: 001
-- depends_on: tools
-- branch_labels: shop, shop-next
-- message: Enable row-level security: users -- and notes
-- transactional: false
-- create_date: 2024-11-08 12:00:00+00
--
-- The description: kept and shown.
--
--   An indented line.

-- A line after a blank one.

-- cmig:upgrade

  ALTER TABLE note ENABLE ROW LEVEL SECURITY;  -- why
-- not a marker: cmig:downgrade

-- cmig:downgrade
ALTER TABLE note DISABLE ROW LEVEL SECURITY;

-- cmig:verify
SELECT relrowsecurity FROM pg_class WHERE relname = 'note';
-- revision: 001

-- revision: t1
-- branch_labels: tools
$cmig_load$);
\x on
\set ECHO all
SELECT * FROM stored;
\x off
ROLLBACK;

-- no downgrade section means irreversible, an empty one that there is nothing to revert
BEGIN;
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- revision: b\n-- down_revision: a\n-- cmig:downgrade\n \n');
SELECT revision, upgrade_sql, downgrade_sql, verify_sql FROM stored;
ROLLBACK;

-- the line at which psql stops is ignored in the header, whatever its text is, and nowhere else
BEGIN;
SELECT * FROM cmig.load(E'-- revision: a\r\n-- message: A\r\n\\echo it''s "\r \\quit \r\n\r\n-- cmig:upgrade\r\nSELECT 1;\r\n');
SELECT * FROM cmig.load(E'-- revision: b\n\\echo x \\quit\n-- message: B\n--\n-- Why.\n\\echo y \\quit\n\n-- More.\n-- cmig:upgrade\nSELECT 1;\n-- revision: c\n\\echo \\quit');
SELECT revision, message, description, upgrade_sql FROM stored;
ROLLBACK;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: d\n\\echo x\n');
SELECT * FROM cmig.load(E'-- revision: d\n\\echo x \\quitter\n');
SELECT * FROM cmig.load(E'-- revision: d\nSELECT 1; \\echo x \\quit\n');
SELECT * FROM cmig.load(E'\\echo x \\quit\n-- revision: d\n');
$calls$);
\set ECHO all

-- markers in quotes and block comments are text, and so is the first line of a file if it is indented
\set ECHO none
BEGIN;
SELECT * FROM cmig.load($cmig_load$-- revision: a
-- cmig:upgrade
INSERT INTO doc VALUES ('
-- cmig:downgrade
 -- revision: b
', $doc$
-- cmig:verify
$doc$, E'it\'s
-- cmig:verify
', "
-- cmig:verify
");
/*
-- cmig:downgrade /* nested
-- revision: c */
	-- revision: d
*/
SELECT 1; -- the text after cmig:downgrade takes it back
SELECT $x$; -- cmig:verify
$x$; /* -- cmig:verify */ -- cmig:verify is not needed
-- cmig:downgrade
SELECT 2;
$cmig_load$);
\set ECHO all
SELECT revision, upgrade_sql, downgrade_sql FROM stored;
ROLLBACK;

-- CRLF, byte order marks, files without a newline at the end
\set ECHO none
BEGIN;
SELECT * FROM cmig.load(E'\uFEFF-- revision: a\r\n-- message: from Windows\r\n\r\n-- cmig:upgrade\r\nSELECT ''\r\n'';\r\n\r\n-- cmig:downgrade\r\nSELECT 1;' ||
	E'\uFEFF-- revision: b\n-- down_revision: a\n-- cmig:upgrade\nSELECT E''\\r'', ''\r\n'';\n-- cmig:downgrade' ||
	E'-- revision: c\n-- down_revision: b\n-- cmig:upgrade\nSELECT 1 -- the end' ||
	E'-- revision: d\n-- down_revision: c\n-- message: last' ||
	E'-- revision: e\n-- down_revision: d\n-- cmig:upgrade\nSELECT 1; -- revision: see the ticket');
\set ECHO all
SELECT revision, message, replace(upgrade_sql, E'\r', '<CR>') AS upgrade_sql, downgrade_sql FROM stored;
ROLLBACK;

-- dates do not depend on the session
BEGIN;
SET LOCAL timezone = 'America/New_York';
SET LOCAL datestyle = 'SQL, DMY';
SELECT count(*) FROM cmig.load(E'-- revision: a\n-- create_date: 2024-11-08\n-- revision: b\n-- create_date: 2024-11-08 12:00\n-- revision: c\n-- create_date: 2024-11-08T12:00:00.25Z\n-- revision: d\n-- create_date: 2024-11-08 12:00:00-05:30\n-- revision: e\n-- create_date: 2024-11-08 12:00:00 UTC\n');
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
SELECT revision, created_at FROM stored;
ROLLBACK;

-- one BEGIN ... COMMIT around a section is dropped
\set ECHO none
BEGIN;
SELECT count(*) FROM cmig.load($cmig_load$
-- revision: a
-- cmig:upgrade
-- a comment
BEGIN;
CREATE TABLE t ();
COMMIT;
-- cmig:downgrade
START TRANSACTION;
DROP TABLE t;
END
-- revision: b
-- cmig:upgrade
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT 1;
COMMIT;
-- cmig:downgrade
BEGIN;
SELECT 1;
COMMIT;
BEGIN;
SELECT 2;
COMMIT;
-- revision: c
-- cmig:upgrade
BEGIN WORK;
CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;
DO $$ BEGIN NULL; END $$;
COMMIT WORK;
$cmig_load$);
\set ECHO all
SELECT revision, upgrade_sql, downgrade_sql FROM stored;
ROLLBACK;

-- the same with a psql command in it: the error is about the command
\set ECHO none
BEGIN;
SELECT count(*) FROM cmig.load($cmig_load$
-- revision: a
-- cmig:upgrade
BEGIN;
CREATE TABLE t (id int);
\copy t FROM 'it is.csv'; COMMIT
COMMIT;
$cmig_load$);
\set ECHO all
SELECT revision, upgrade_sql FROM stored;
SELECT problem, fix FROM cmig.check();
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
ROLLBACK;
-- BEGIN alone is refused as such
BEGIN;
SELECT count(*) FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nBEGIN;\n\\copy t FROM x.csv\nSELECT 1;\n');
SELECT * FROM cmig.upgrade();
ROLLBACK;

\set VERBOSITY default
-- errors in a file: what, where, and what to do
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(NULL);
SELECT * FROM cmig.load('');
SELECT * FROM cmig.load(E' \n\n');
SELECT * FROM cmig.load('-- just a comment');
SELECT * FROM cmig.load('CREATE TABLE t ();');
SELECT * FROM cmig.load(E'-- a comment\n-- revision: a');
SELECT * FROM cmig.load(E'\n\n  -- a comment\n\n/* and\nanother */\n-- revision: a');
SELECT * FROM cmig.load(E'/* a comment */ -- revision: a');
SELECT * FROM cmig.load(E'-- down_revision: 001\n-- revision: a');
SELECT * FROM cmig.load(E'-- a comment\nSELECT 1;\n-- revision: a');
$calls$);
\set ECHO all
\set VERBOSITY sqlstate
SELECT * FROM cmig.load('-- revision:');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load('-- revision: a b');
SELECT * FROM cmig.load('-- revision: a+1');
SELECT * FROM cmig.load('-- revision: head');
SELECT * FROM cmig.load('-- revision: ' || repeat('x', 200));
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: a\n-- revision: a\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- message: one\n-- message: two\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- mesage: one\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- Revises: b\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- Create Date: 2024-11-08\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- jira: X-1\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- what it does\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- down_revision: b,,c\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- branch_labels: heads\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- down_revision: "002"\n');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: "002"\n');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- revision: or so\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- transactional: maybe\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- transactional:\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- create_date: 2023-02-29\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- create_date: yesterday\n');
SELECT * FROM cmig.load(E'-- revision: a\nCREATE TABLE t ();\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgarde\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- CMIG:UPGRADE\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade, then\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- cmig:rollback\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- cmig:upgrade\nSELECT 2;');
-- a marker after a statement would be overlooked
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1; -- cmig:downgrade\nSELECT 2;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1\n;/* end */--CMIG: Verify\nSELECT 2;\n');
-- and a misspelled marker is not taken for a comment
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- cmig_downgrade\nSELECT 2;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- cmig :downgrade\nSELECT 2;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmgi: upgrade\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- cmgi: downgrade\nSELECT 2;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT 1;\n-- mig:Verify\nSELECT 2;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- upgrade\nSELECT 1;\n');
$calls$);
\set ECHO all
BEGIN;
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\n-- TODO: verify\n-- main: upgrade\n-- the cmig downgrade\n-- cmig_upgrade runs it\nSELECT 1;\n');
ROLLBACK;
-- other texts
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'"""a\n\nRevision ID: a\n"""\ndef upgrade() -> None:\n    pass\n');
-- the name of a file instead of its text
SELECT * FROM cmig.load('migrations/shop');
SELECT * FROM cmig.load('001_create_account.sql');
-- none means nothing
SELECT * FROM cmig.load(E'-- revision: a\n-- down_revision: None\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- branch_labels: NULL\n');
-- names that are repeated
SELECT * FROM cmig.load(E'-- revision: a\n\n-- revision: b\n-- down_revision: a, a\n');
SELECT * FROM cmig.load(E'-- revision: a\n\n-- revision: b\n-- depends_on: a,c, a,d\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- branch_labels: shop,web,shop\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT $$x;\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\n/* x\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT "x\n');
-- a file cannot begin inside quotes: the error names the file in which the quotes begin to be wrong, not the one in which they end
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT ''x;\n-- revision: b\n-- cmig:upgrade\nSELECT ''y'';\n');
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\nSELECT ''x;-- revision: b\n-- cmig:upgrade\nSELECT ''y'';\n');
$calls$);
\set ECHO all
-- a comment for the linter is not a marker
SELECT * FROM cmig.load(E'-- revision: a\n-- cmig:upgrade\n-- cmig:ignore index-not-concurrent\nSELECT 1;\n');
SELECT revision, upgrade_sql FROM cmig.revision;
-- a message is one line of at most 1000 characters, as in create_revision
SELECT * FROM cmig.load(E'-- revision: a\n\n-- revision: b\n-- down_revision: a\n-- message: ' || repeat('é', 1001) || E'\n');
SELECT * FROM cmig.load(E'-- revision: long\n-- message: ' || repeat('é', 1000) || E'\n');
SELECT length(message) FROM cmig.history() WHERE revision = 'long';

DROP VIEW stored;
DROP EXTENSION pg_cmig;
