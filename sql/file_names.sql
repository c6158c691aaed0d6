--
-- Where files begin: lines "==> name <==", and text that looks like another file
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
\pset null '(null)'
CREATE VIEW stored AS
	SELECT revision, down_revision, message, replace(upgrade_sql, E'\r', '<CR>') AS upgrade_sql, downgrade_sql, verify_sql
	FROM cmig.revision ORDER BY revision COLLATE "C";
\set ECHO all

-- as awk prints them: a byte order mark, CRLF and a name for each file
\set ECHO none
BEGIN;
SELECT * FROM cmig.load(E'\n==> m/001.sql <==\n\uFEFF-- revision: 001\r\n-- message: from Windows\r\n-- cmig:upgrade\r\nSELECT ''\r\n'';\r\n-- cmig:downgrade\r\nSELECT 1\n' ||
	E'==> m/002 it''s new.sql <==\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT ''\r\n'';\n' ||
	E'==> m/003.sql <==\n\n-- revision: 003\n-- down_revision: 002\n-- message: last\n--\n-- described\n' ||
	E'==> 004.sql <==\n-- revision: 004\n-- down_revision: 003\n-- revision: 005\n-- down_revision: 004\n-- cmig:upgrade\nSELECT 1 -- the end\n');
\set ECHO all
SELECT * FROM stored;
SELECT revision, description FROM cmig.revision WHERE description <> '';
ROLLBACK;

-- as GNU tail prints them, with an empty line between files; Windows line ends in tail's own lines, and a single file
BEGIN;
SELECT * FROM cmig.load(E'\uFEFF==> 001.sql <==\r\n-- revision: 001\n-- cmig:upgrade\nSELECT 1;\n\n==> 002.sql <==  \r\n\uFEFF-- revision: 002\n-- down_revision: 001\n-- cmig:downgrade\nSELECT 2\n==> 003.sql <==\n-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade');
SELECT * FROM stored;
ROLLBACK;
BEGIN;
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1;');
-- some files before the first name
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nSELECT 1;\n-- revision: 002\n-- down_revision: 001\n==> 003.sql <==\n-- revision: 003\n-- down_revision: 002\n');
SELECT * FROM stored;
ROLLBACK;

-- such a line in quotes and block comments is text if it is indented, even if a header follows it
\set ECHO none
BEGIN;
SELECT * FROM cmig.load($cmig_load$
==> 001.sql <==
-- revision: 001
-- cmig:upgrade
INSERT INTO doc VALUES ('
 ==> 002.sql <==
 -- revision: 002
', $doc$
 ==> 002.sql <==
 -- revision: 002
-- cmig:upgrade
SELECT 'x';
	==> 003.sql <==
	-- revision: 003
$doc$, E'it\'s
 ==> 002.sql <==
')
-- cmig:downgrade
/*
 ==> 002.sql <==
 -- revision: 002
*/
SELECT 1 AS "
 ==> 002.sql <==
";
  ==> 002.sql <== 1;
SELECT 1 ==> 2 <== 3;
-- ==> 002.sql <==
==> 004.sql <==
-- revision: 004
-- down_revision: 001
$cmig_load$);
\set ECHO all
SELECT * FROM stored;
ROLLBACK;

-- a byte order mark right after a marker, and the header in the line after that
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\uFEFF\n-- revision: 002\n-- down_revision: 001\n');
ROLLBACK;

-- errors name the file and its line
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- mesage: x\n');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- message: x\n-- message: y\n');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT 1;\n-- cmig:upgrade\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT 1; -- cmig:downgrade\n');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n\n-- revision: 0 2\n');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'==> a/001.sql <==\n-- revision: 001\n\n==> b/001.sql <==\n\n-- revision: 001\n');
-- a file without a header, an empty one, and one that is something else
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1;\n-- cmig:downgrade\nSELECT 2;\n==> seed.sql <==\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n==> seed.sql <==\n-- cmig:upgrade\nINSERT INTO t VALUES (1);\n==> 002.sql <==\n-- revision: 002\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n==> 002.sql <==\n-- Copyright\n\n-- revision: 002\n');
SELECT * FROM cmig.load(E'==> LICENSE.sql <==\n-- Copyright\n==> 002.sql <==\n-- revision: 002\n');
SELECT * FROM cmig.load(E'==> 000_README.sql <==\n/* no header */\n==> 001.sql <==\n-- revision: 001\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n\n==> 002.sql <==\n-- revision: 002\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n==> 002.sql <==\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n==> env.py <==\n"""a"""\ndef upgrade():\n    pass\n');
-- a file that ends inside quotes or a comment, followed by anything
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''x;\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT $$x;\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT $a$x; /* $$\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT $$x;\n==> 003.sql <==\n-- revision: 003\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT 1; /* x;\n==> 003.sql <==\n-- revision: 003\n-- cmig:upgrade\n/* y */\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT ''x;\n==> 003.sql <==\n-- revision: 003\n-- cmig:upgrade\nSELECT ''y'';\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT "x;\n==> 003.sql <==\n-- revision: 003\n-- cmig:upgrade\nSELECT "y";\n');
-- also if two such files have as many quotes as two correct ones
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nINSERT INTO t VALUES (''x);\n==> 002.sql <==\n-- revision: 002\n-- down_revision: 001\n==> 003.sql <==\n-- revision: 003\n-- cmig:upgrade\nINSERT INTO t VALUES (''y);\n==> 004.sql <==\n-- revision: 004\n-- down_revision: 001\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''x;\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT ''y;\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nDO $$ BEGIN END;\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nDO $$ BEGIN END; -- cmig:upgrade\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nINSERT INTO t VALUES (''x);\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nINSERT INTO t VALUES (''y);\n');
-- even if the text of a file is then outside of its quotes
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''x;\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT ''\n==> a b.sql <==\nSELECT 1;\n'';\n==> 003.sql <==\n-- revision: 003\n');
-- even if the next file's name has a quote, or all statements parse
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''x;\n==> 002 it''s.sql <==\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 1;\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nDO $$ BEGIN END;\n==> 002.sql <==\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\n-- costs 5 $$\n');
-- even if what follows seems to be a header
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''x;\n==> 002.sql <==\n-- revision: 002\n-- cmig:upgrade\nSELECT ''\n-- revision: 009\n-- a: b\n'';\n==> 003.sql <==\n-- revision: 003\n');
-- a comment that the next file closes, in a string, in a comment, or with a part of its own
SELECT * FROM cmig.load(E'==> m/001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1; /* x\n==> m/002.sql <==\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT ''*/5 * * * *'';\n');
SELECT * FROM cmig.load(E'==> m/001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1; /* x\n==> m/002.sql <==\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 1;\n-- y */\n-- cmig:downgrade\n==> m/003.sql <==\n-- revision: 003\n');
SELECT * FROM cmig.load(E'==> m/001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1; /* x\n==> m/002.sql <==\n-- revision: 002\n-- cmig:upgrade\ny */ SELECT 1;\n==> m/003.sql <==\n-- revision: 003\n');
SELECT * FROM cmig.load(E'==> m/001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT 1; /* x\n==> m/002.sql <==\n-- revision: 002\n-- cmig:upgrade\ny */ SELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nSELECT 1; /* x\n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT ''*/5 * * * *'';\n-- revision: 003\n-- down_revision: 002\n');
$calls$);
\set ECHO all
-- but not a file that is quoted in a comment and indented
BEGIN;
SELECT * FROM cmig.load(E'==> m/001.sql <==\n-- revision: 001\n-- cmig:upgrade\n/*\n ==> m/000.sql <==\n -- revision: 000\n-- cmig:upgrade\nSELECT 1;\n*/\n/*\n ==> m/003.sql <==\n -- revision: 003\n-- cmig:upgrade\nSELECT ''it''''s'';\n*/\n/* ==> m/003.sql <==\n -- revision: 003\n-- cmig:upgrade\nSELECT $$ don''t */\n/*\n\t==> 002.sql <==\n\t-- revision: 002\n-- cmig:upgrade\n*/\n/*\n  ==> m/002.sql <==\n  -- revision: 002\n-- cmig:upgrade -- */\n/*\n -- revision: 002\n-- cmig:upgrade\n*/\n==> m/003.sql <==\n-- revision: 003\n-- down_revision: 001\n-- cmig:upgrade\nSELECT $$it''s$$;\n');
ROLLBACK;
-- correct quotes are not blamed
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''\n ==> 002.sql <==\n'';\nSELECT ''x;\n==> 003.sql <==\n-- revision: 003\n');
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:upgrade\nSELECT ''\n ==> 002.sql <==\n -- revision: 002\n'';\n==> 002.sql <==\n-- revision: 002\n==> seed.sql <==\nSELECT ''\n ==> 003.sql <==\n'';\n==> 004.sql <==\n-- revision: 004\n');
-- a byte order mark and empty lines, without names
BEGIN;
SELECT * FROM cmig.load(E'\uFEFF\n\n-- revision: 001\n-- cmig:upgrade\nSELECT 1;\n\n\uFEFF\n \n-- revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 2;\uFEFF-- revision: 003\n-- down_revision: 002\n');
SELECT * FROM stored;
ROLLBACK;

-- without names: text that looks like another file
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- seed.sql\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- File: db/seed.sql\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- seeds/seed.sql: demo data\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- seeds/seed.sql demo data\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n/* seed.sql */\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- message: seed\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n\\restrict abc\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- +goose Up\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:verify\nSELECT true;\n--\n-- PostgreSQL database dump\n--\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n\uFEFFINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nSELECT 1;\uFEFF-- seed\nINSERT INTO t VALUES (1);\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\n-- Revision: 002\n-- down_revision: 001\n-- cmig:upgrade\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- revison: 002\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- Revises: 001\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\n-- transactional: false\nVACUUM;\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nSELECT 1;\n-- cmig:downgrade\nDROP TABLE t;\n-- cmig:upgrade\nINSERT INTO t VALUES (1);\n');
$calls$);
\set ECHO all
-- plain SQL is loaded; if it writes to a table that was dropped, cmig.check() reports that
\set ECHO none
BEGIN;
SELECT * FROM cmig.load($cmig_load$-- revision: 001
-- cmig:upgrade
CREATE TABLE a (x int);
-- cmig:downgrade
ALTER TABLE a RENAME x TO y;
DROP TABLE shop.b, a;
-- seed data
insert into a values (1);
-- revision: 002
-- cmig:upgrade
CREATE TABLE b (x int);
-- cmig:downgrade
DROP TABLE a, b;
CREATE TABLE a AS SELECT 1 AS x;
INSERT INTO a VALUES (2);
INSERT INTO shop.b VALUES (2);
$cmig_load$);
\set ECHO all
SELECT severity, object, problem, fix FROM cmig.check() WHERE severity = 'warning' AND object <> 'heads';
ROLLBACK;
-- also with names
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- cmig:downgrade\nDROP TABLE t;\n-- seed.sql\nINSERT INTO t VALUES (1);\n');
-- but not comments as people write them
\set ECHO none
BEGIN;
SELECT * FROM cmig.load($cmig_load$-- revision: 001
-- cmig:upgrade
-- Running upgrade  -> 001
-- 001.sql
SELECT 1;
-- from seed.sql
-- revisions: two
-- message: hello
-- provision: x
-- cmig:downgrade
-- 001_down.sql
DROP TABLE t; -- seed.sql
-- see seed.sql
-- seed.sql filled it
/* as 001.sql left it */
SELECT 1; /* seed.sql */
-- revision of it: 5 rows
-- Running downgrade 001 ->
$cmig_load$);
ROLLBACK;

-- exported revisions can be loaded again, or are refused
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES
	('001', E'SELECT ''\n ==> x.sql <==\n -- revision: x\n''', E'/*\n ==> x.sql <==\n*/ SELECT 1 -- y'),
	('002', E'SELECT 1;\n==> x.sql <==\n', NULL),
	('003', E'SELECT (''\n==> x.sql <==\n''', NULL),
	('004', E'SELECT 1;\n-- down_revision: x', NULL),
	('005', '', E'SELECT 1;\n-- x.sql'),
	('006', E'SELECT 1;\n-- x.sql', E'-- x.sql\nSELECT 1;'),
	('007', E'SELECT 1;\uFEFF', NULL),
	('008', E'SELECT 1; /*\n-- revision: 000\n-- cmig:upgrade\n-- */\nSELECT 2;', NULL);
\set ECHO all
SELECT * FROM cmig.load((SELECT string_agg(E'==> ' || file_name || E' <==\n' || content, E'\n' ORDER BY file_name) FROM cmig.export(ARRAY['001', '006'])));
SELECT * FROM cmig.load((SELECT string_agg(content, '' ORDER BY file_name) FROM cmig.export(ARRAY['001', '006'])));
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.export('002');
SELECT cmig.export('003');
SELECT cmig.export('004');
SELECT cmig.export('005');
SELECT cmig.export('007');
SELECT cmig.export('008');
$calls$);
\set ECHO all

DROP VIEW stored;
DROP EXTENSION pg_cmig;
