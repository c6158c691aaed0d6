--
-- Revisions that replace others, and cmig.squash, which writes them
--
CREATE EXTENSION pg_cmig;
\pset format unaligned
\pset tuples_only on
\set VERBOSITY default
CREATE VIEW shown AS SELECT revision, down_revision, is_current FROM cmig.history();
\set files '-- revision: 001\n-- cmig:upgrade\nCREATE TABLE a (x int);\n-- cmig:downgrade\nDROP TABLE a;\n-- revision: 002\n-- down_revision: 001\n-- branch_labels: main\n-- cmig:upgrade\nCREATE TABLE b (x int);\n-- cmig:downgrade\nDROP TABLE b;\n-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade\nCREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE c;\n-- revision: 004\n-- down_revision: 003\n-- cmig:upgrade\nCREATE TABLE d (x int);\n-- cmig:downgrade\nDROP TABLE d;\n'
\set squashed '-- revision: s\n-- branch_labels: main\n-- replaces: 001, 002, 003\n-- message: Three in one\n-- cmig:upgrade\nCREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE a, b, c;\n'

-- none is applied: it runs in their place
SELECT count(*) FROM cmig.load(:'files');
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT revision FROM cmig.plan('upgrade', 'heads');
SELECT revision FROM cmig.upgrade();
SELECT * FROM cmig.check() WHERE object = 's';
SELECT value FROM cmig.show('s') WHERE field = 'replaces';
SELECT revision FROM cmig.downgrade('base');

-- some are: it waits
SELECT cmig.remove_revision('s');
SELECT revision FROM cmig.upgrade('002');
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT * FROM cmig.check() WHERE object = 's';
SELECT * FROM cmig.upgrade('003');
SELECT cmig.require('003');
-- now it counts
SELECT revision FROM cmig.version;
SELECT * FROM shown;
SELECT direction, revision, message FROM cmig.journal WHERE revision = 's' ORDER BY id;
-- what names an old one means the new one
SELECT revision FROM cmig.upgrade();
SELECT * FROM shown;
SELECT * FROM cmig.downgrade('002');
-- the old ones can go
SELECT * FROM cmig.load((SELECT string_agg(content, '' ORDER BY file_name) FROM cmig.export(ARRAY['004', 's'])), prune => true);
SELECT revision FROM cmig.revision ORDER BY 1;
SELECT * FROM shown;
SELECT revision FROM cmig.downgrade('base');
SELECT count(*) FROM cmig.load(:'files', prune => true);

-- all are: it counts as applied, in one load also without the old files
SELECT revision FROM cmig.upgrade('003');
BEGIN;
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT revision FROM cmig.version;
ROLLBACK;
SELECT revision FROM cmig.upgrade('004');
BEGIN;
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT revision FROM cmig.version;
SELECT revision FROM cmig.downgrade('base');
ROLLBACK;
SELECT revision FROM cmig.downgrade('003');
DELETE FROM cmig.revision WHERE revision <> '004';
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT * FROM cmig.upgrade();
SELECT revision FROM cmig.downgrade('base');

-- without the old files, where some are applied
SELECT count(*) FROM cmig.load(:'files', prune => true);
SELECT revision FROM cmig.upgrade('002');
DELETE FROM cmig.revision WHERE revision <> '004';
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM cmig.upgrade();
SELECT count(*) FROM cmig.load(:'files');
SELECT revision FROM cmig.upgrade();
SELECT * FROM shown;
-- stepwise
CALL cmig.downgrade_stepwise('base');
CALL cmig.upgrade_stepwise('heads');
SELECT revision FROM cmig.version;
-- one that replaces one that replaces
\set twice '-- revision: t\n-- branch_labels: main\n-- replaces: 001, 002, 003, s, 004\n-- cmig:upgrade\nCREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int); CREATE TABLE d (x int);\n-- cmig:downgrade\nDROP TABLE a, b, c, d;\n'
SELECT * FROM cmig.load(:'twice');
SELECT * FROM shown;
SELECT revision FROM cmig.downgrade('base');
SELECT revision FROM cmig.upgrade();
SELECT * FROM shown;
SELECT revision FROM cmig.downgrade('base');
DROP VIEW shown;
DROP EXTENSION pg_cmig;
