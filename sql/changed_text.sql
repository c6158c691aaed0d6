--
-- Changes to the text of applied revisions: which are allowed, what
-- cmig.checksum_policy does, and what repair and accept_changes record
-- (sql/load.sql tests the rules of loading one by one)
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE FUNCTION journal() RETURNS TABLE (revision text, entries text) LANGUAGE sql AS
$$SELECT revision, string_agg(direction, ' ' ORDER BY id) FROM cmig.journal GROUP BY 1 ORDER BY 1$$;
CREATE FUNCTION complaints() RETURNS TABLE (severity text, object text, problem text) LANGUAGE sql AS
$$SELECT severity, object, problem FROM cmig.check() WHERE object <> 'pg_dump' AND problem ~ 'text|script|journal' ORDER BY 2$$;
\set one '-- revision: 001\n-- cmig:upgrade\nCREATE TABLE one (id int, label text);\n-- cmig:downgrade\nDROP TABLE one;\n'
\set two '-- revision: 002\n-- down_revision: 001\n-- branch_labels: two\n-- cmig:upgrade\nINSERT INTO one VALUES (2, \'two\');\n-- cmig:downgrade\nDELETE FROM one WHERE id = 2;\n'
\set other '-- revision: 100\n\n-- revision: 101\n-- down_revision: 100\n'
\set ECHO all
SELECT * FROM cmig.load(:'one' || :'two' || :'other');
SELECT step, revision FROM cmig.upgrade('heads');
SELECT * FROM complaints();

--
-- Changes that a formatter makes do not count
--
SELECT * FROM cmig.load(replace(:'one', 'CREATE TABLE one (id int, label text);', E'create  table ONE\n(\n\tID int -- key\n\t, LABEL text\n)\n;'));
SELECT * FROM complaints();
\set VERBOSITY sqlstate
-- in strings and quoted names they do
SELECT * FROM cmig.load(replace(:'two', 'two''', 'two '''));
SELECT * FROM cmig.load(replace(:'two', 'two''', 'TWO'''));
SELECT * FROM cmig.load(replace(:'one', 'label', '"label"'));

--
-- The policies, end to end
--
\set changed `printf '%s\n' '-- revision: 002' '-- down_revision: 001' '-- branch_labels: two' '-- cmig:upgrade' "INSERT INTO one VALUES (2, 'deux');" '-- cmig:downgrade' 'DELETE FROM one WHERE id = 2;'`
-- error is the default: nothing is stored, not even other revisions
SELECT * FROM cmig.load(:'changed' || E'-- revision: 003\n-- down_revision: 002\n');
SELECT count(*) FROM cmig.revision WHERE revision = '003' OR upgrade_sql LIKE '%deux%';
-- with warn it is stored; the journal still has what was run, and check reports the difference
SET cmig.checksum_policy = warn;
SELECT * FROM cmig.load(:'changed');
SELECT * FROM complaints();
SELECT * FROM journal();
-- again: nothing is stored, but the text is not what was run; accepting it ends the warning
SELECT * FROM cmig.load(:'changed');
BEGIN;
SELECT * FROM cmig.load(:'changed', accept_changes => true);
SELECT * FROM cmig.load(:'changed');
SELECT * FROM journal();
ROLLBACK;
-- with ignore there is no message, but check still reports the change
SET cmig.checksum_policy = ignore;
SELECT * FROM cmig.load(:'changed');
SELECT * FROM complaints();
-- with error again: the same, and the original text can be loaded again
RESET cmig.checksum_policy;
SELECT * FROM cmig.load(:'changed');
SELECT * FROM cmig.load(:'two');
SELECT * FROM complaints();
SET cmig.checksum_policy = strict;

--
-- repair accepts the stored text, accept_changes the loaded one
--
SET cmig.checksum_policy = ignore;
SELECT * FROM cmig.load(:'changed');
RESET cmig.checksum_policy;
SELECT cmig.repair('two');
SELECT * FROM complaints();
SELECT * FROM cmig.load(:'changed');
SELECT * FROM journal();
SELECT * FROM cmig.load(:'two');
SELECT * FROM cmig.load(:'two', accept_changes => true);
-- the change is accepted only once
SELECT * FROM cmig.load(:'two', accept_changes => true);
SELECT * FROM complaints();
SELECT * FROM journal();
-- accepting does not run the script; only a downgrade and an upgrade do
SELECT label FROM one;
SELECT step, revision FROM cmig.downgrade('001');
SELECT * FROM cmig.load(:'changed');
SELECT step, revision FROM cmig.upgrade('002');
SELECT label FROM one;
SELECT * FROM complaints();

--
-- Edges cannot be accepted
--
SELECT * FROM cmig.load(replace(:'changed', 'down_revision: 001', 'down_revision:'), accept_changes => true);
SELECT * FROM cmig.load(replace(:'changed', 'down_revision: 001', 'down_revision: 001, 200') || E'-- revision: 200\n', accept_changes => true);
-- a parent that is applied may be added; the version rows change accordingly
BEGIN;
SELECT revision FROM cmig.current();
SELECT * FROM cmig.load(replace(:'changed', 'down_revision: 001', 'down_revision: 001, 101'));
SELECT revision FROM cmig.current();
SELECT step, revision FROM cmig.downgrade('101');
SELECT revision FROM cmig.current();
ROLLBACK;
-- a label may be removed unless another revision uses it
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 003\n-- depends_on: two\n');
SELECT * FROM cmig.load(replace(:'changed', 'branch_labels: two', 'branch_labels:'));
ROLLBACK;

--
-- Applied revisions without a row, without a journal, or without both
--
-- stamped: the stamp records what it covers
SELECT cmig.stamp('base');
TRUNCATE cmig.journal;
SELECT cmig.stamp('{002,101}'::text[]);
SELECT * FROM journal();
SELECT * FROM cmig.load(:'two');
-- without a journal the change cannot be detected: no error, no warning
BEGIN;
TRUNCATE cmig.journal;
SELECT * FROM complaints();
SELECT * FROM cmig.load(:'two');
SELECT * FROM journal();
-- a repair starts the journal
SELECT cmig.repair('002');
SAVEPOINT s;
SELECT * FROM cmig.load(:'changed');
ROLLBACK TO s;
ROLLBACK;
-- without a row: the file that was run is accepted, another one is not
BEGIN;
DELETE FROM cmig.revision WHERE revision = '002';
SAVEPOINT s;
SELECT * FROM cmig.load(:'two');
ROLLBACK TO s;
SELECT * FROM cmig.load(:'changed');
SELECT revision, known FROM cmig.current();
ROLLBACK;
-- without both: any file is accepted
BEGIN;
DELETE FROM cmig.revision WHERE revision = '002';
TRUNCATE cmig.journal;
SELECT * FROM cmig.load(:'two');
SELECT revision, known FROM cmig.current();
SELECT * FROM complaints();
ROLLBACK;
-- all rows are lost: the files, in any order, restore them
BEGIN;
TRUNCATE cmig.revision;
SELECT revision, known FROM cmig.current();
SELECT * FROM cmig.load(:'changed' || :'other' || :'one');
SELECT revision, known FROM cmig.current();
SELECT step, revision FROM cmig.downgrade('two@base');
ROLLBACK;
-- rows written by hand, never loaded: the same rules
BEGIN;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('102', '{101}', 'SELECT 102');
SELECT count(*) FROM cmig.upgrade('102');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 103' WHERE revision = '102';
SELECT * FROM complaints();
SELECT content AS file FROM cmig.export('102') \gset
SELECT * FROM cmig.load(:'file');
\set ECHO none
ROLLBACK;

DROP FUNCTION journal, complaints;
DROP TABLE one;
DROP EXTENSION pg_cmig;
