--
-- cmig.draft, cmig.export, cmig.repair, cmig.remove_revision
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET TimeZone = 'Asia/Tokyo';

--
-- A draft is a file, and nothing is stored
--
SELECT file_name, regexp_replace(content, '(create_date: ).*?\n', '\1...' || E'\n') AS content
FROM cmig.draft('Create accounts', '001');
SELECT count(*) FROM cmig.revision;
-- draft, edit, load
SELECT content AS draft FROM cmig.draft('Create accounts', '001', branch_label => 'main') \gset
SELECT * FROM cmig.load(replace(:'draft', E'-- cmig:upgrade\n', E'-- cmig:upgrade\nCREATE TABLE account (id int);\n'));
SELECT revision, down_revision, branch_labels, message, upgrade_sql, downgrade_sql, created_at BETWEEN now() - interval '1 min' AND now() AS now
FROM cmig.revision;
-- every argument
SELECT file_name, regexp_replace(content, '(create_date: ).*?\n', '\1...' || E'\n') AS content
FROM cmig.draft('Other tree: it''s new!', '101', head => 'base', branch_label => 'other', depends_on => '{001}',
				transactional => false, file_template => '%(slug)s--%(rev)s');
-- a generated id
SELECT file_name ~ '^[0-9a-f]{12}_x\.sql$' AS generated FROM cmig.draft('x');
\set VERBOSITY sqlstate
-- as create_revision does
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft(NULL);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft(E'two\nlines');
$calls$);
\set ECHO all
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft('x', '001');
SELECT cmig.draft('x', 'a b');
SELECT cmig.draft('x', head => 'nowhere');
$calls$);
\set ECHO all
SELECT cmig.draft('x', head => 'base:head');
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft('x', branch_label => 'main');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft('x', depends_on => '{nothing}');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft('x', depends_on => ARRAY[NULL]);
SELECT cmig.draft('x', depends_on => '{{001}}');
$calls$);
\set ECHO all
SELECT cmig.create_revision('two', '', revision => '002');
SELECT cmig.draft('x', head => '001');
SELECT file_name FROM cmig.draft('x', '003', head => '001', splice => true);
SELECT cmig.create_revision('three', '', revision => '003', head => '001', splice => true);
\set VERBOSITY sqlstate
SELECT cmig.draft('x');
SELECT cmig.remove_revision('003');
-- it does not need a privilege to write, and also works on a standby
BEGIN READ ONLY;
SELECT file_name FROM cmig.draft('x', '003');
ROLLBACK;

--
-- File names
--
\set ECHO none
UPDATE cmig.revision SET created_at = '2024-01-01 00:00:00+00';
SELECT * FROM cmig.load($cmig_load$
-- revision: 4f1a/..\9
-- down_revision: 002
-- message: Add "user's" e-mail -- ÉTÉ, naïve (again); 100% done_already, and then something long
-- create_date: 2024-03-05 06:07:08.9+00
$cmig_load$);
SELECT t AS template, file_name
FROM unnest(ARRAY[
	'%(rev)s_%(slug)s', '%(rev)s', '%(slug)s.sql', '%(rev).4s',
	'%(year)d%(month).2d%(day).2d_%(hour).2d%(minute).2d%(second).2d_%(rev)s',
	'%(year)d-%(month)02d-%(day)-4d-%(hour)3d_%(rev)s', '%(epoch)s_%(rev)s', '%(epoch)d%%_%(rev)s',
	'versions/%(year)d/%(rev)s', ' %(rev)10s|%(rev)-22s|']) WITH ORDINALITY t(t, n),
	LATERAL cmig.export('4f1a', t)
ORDER BY n;
\set ECHO all
\set VERBOSITY default
-- names that lead out of the folder or are not valid, and invalid templates
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.export('001', '../%(rev)s');
SELECT cmig.export('001', '/%(rev)s');
SELECT cmig.export('001', 'a//%(rev)s');
SELECT cmig.export('001', 'a/./%(rev)s');
$calls$);
\set ECHO all
SELECT file_name FROM cmig.export('001', '%(rev)s/..');
SELECT cmig.export('001', '..\%(rev)s');
SELECT cmig.export('001', E'%(rev)s\n');
SELECT cmig.export('001', repeat('x', 249) || '%(rev)s');
SELECT length(file_name) FROM cmig.export('001', repeat('x', 238) || '%(rev)s');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.export('001', '');
SELECT cmig.export('001', NULL);
SELECT cmig.export('001', '%(rev)');
SELECT cmig.export('001', '%(rev)x');
SELECT cmig.export('001', '%(rev)d');
SELECT cmig.export('001', '%rev');
SELECT cmig.export('001', '%(rev');
SELECT cmig.export('001', '%');
SELECT cmig.export('001', '%(branch)s');
SELECT cmig.export('001', '%(rev)999999999999s');
SELECT cmig.export('001', '%(rev).s');
-- two revisions with one name, even if only one is exported
SELECT cmig.export('001', '%(year)d');
SELECT cmig.export('001', 'x');
SELECT cmig.draft('Create accounts', 'x', file_template => '%(slug)s');
$calls$);
\set ECHO all
-- no names that *.sql in a shell and cmig.load_directory would skip
SELECT file_name FROM cmig.draft('x', '.001');
SELECT file_name FROM cmig.draft('x', '..', file_template => 'a/%(rev)s');
SELECT file_name FROM cmig.draft('x', '.001', file_template => 'r%(rev)s');
-- an empty name, and one that is too long to be shown
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.draft('..', 'x', file_template => '%(slug)s');
SELECT cmig.draft('x', 'x', file_template => repeat('ä', 1000));
$calls$);
\set ECHO all
-- a row written by hand without a date
BEGIN;
ALTER TABLE cmig.revision ALTER created_at DROP NOT NULL;
UPDATE cmig.revision SET created_at = CASE WHEN revision = '001' THEN NULL ELSE 'infinity'::timestamptz END WHERE revision IN ('001', '002');
SELECT content FROM cmig.export(ARRAY['001', '002']);
SELECT cmig.export('001', '%(year)d_%(rev)s');
ROLLBACK;

--
-- Which revisions
--
SELECT file_name FROM cmig.export();
SELECT file_name FROM cmig.export(ARRAY['002', '4f1', '001']);
SELECT file_name FROM cmig.export('heads');
SELECT file_name FROM cmig.export('main@base:002');
SELECT file_name FROM cmig.export('002:');
SELECT file_name FROM cmig.export('current');
SELECT file_name FROM cmig.export('base');
SELECT file_name FROM cmig.export('{}'::text[]);
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.export('nothing');
SELECT cmig.export('+1');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.export(ARRAY[NULL]);
SELECT cmig.export(NULL::text[]);
$calls$);
\set ECHO all
-- LIMIT
SELECT file_name FROM cmig.export() LIMIT 1;
-- a text that could not be read back is refused
BEGIN;
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nSELECT 2; -- cmig:downgrade' WHERE revision = '001';
SELECT cmig.export();
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\n-- cmig:downgrade\n' WHERE revision = '001';
SELECT cmig.export();
ROLLBACK;
-- a broken graph can be exported and fixed
BEGIN;
UPDATE cmig.revision SET down_revision = '{nothing}' WHERE revision = '001';
SELECT split_part(content, E'\n', 2) FROM cmig.export('001');
SELECT count(*) FROM cmig.export();
ROLLBACK;

--
-- Remove
--
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision('001');
SELECT cmig.remove_revision('base');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision(NULL);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision('');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision('nothing');
$calls$);
\set ECHO all
SELECT cmig.load(E'-- revision: 900\n-- depends_on: 4f1a/..\\9\n\n-- revision: 901\n\n');
\set VERBOSITY default
-- identifiers of several revisions, or of none
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.remove_revision('heads');
SELECT cmig.remove_revision('4f1a');
$calls$);
\set ECHO all
SELECT cmig.remove_revision('900');
SELECT cmig.remove_revision('901');
SELECT cmig.remove_revision('4f1a/..\9');
SELECT count(*) FROM cmig.upgrade('001');
SELECT cmig.remove_revision('001');
BEGIN READ ONLY;
SELECT cmig.remove_revision('002');
ROLLBACK;
-- a revision that a stepwise run has started
BEGIN;
INSERT INTO cmig.progress (revision, direction, statement, state) VALUES ('002', 'upgrade', 1, 'done');
SELECT * FROM cmig.load((SELECT content FROM cmig.export('001')), prune => true);
SELECT cmig.remove_revision('002');
ROLLBACK;
SELECT cmig.remove_revision('002');
\set VERBOSITY sqlstate
SELECT cmig.remove_revision('002');
SELECT revision FROM cmig.revision;

\set VERBOSITY default
--
-- Repair, for a changed text of an applied revision
--
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT cmig.load(E'-- revision: 001\n-- branch_labels: main\n-- message: Create accounts\n-- cmig:upgrade\nCREATE TABLE account (id bigint);\n-- cmig:downgrade\n');
$calls$);
\set ECHO all
-- nothing prevents a change by hand; check and load report it
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE account (id bigint);' WHERE revision = '001';
SELECT severity, object, problem FROM cmig.check() WHERE object LIKE '%001%';
SELECT cmig.repair('001');
SELECT severity, object, problem FROM cmig.check() WHERE object LIKE '%001%';
SELECT revision, direction, outcome FROM cmig.journal ORDER BY id;
SELECT cmig.load(E'-- revision: 001\n-- branch_labels: main\n-- message: Create accounts\n-- cmig:upgrade\n\tcreate table ACCOUNT (id BIGINT) /* formatted */ ;\n-- cmig:downgrade\n');
SELECT cmig.create_revision('two', '', revision => '002');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.repair('002');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.repair('00');
SELECT cmig.repair(NULL);
SELECT cmig.repair('base');
$calls$);
\set ECHO all
BEGIN READ ONLY;
SELECT cmig.repair('001');
ROLLBACK;
-- an applied revision without a journal entry gets one
TRUNCATE cmig.journal;
SELECT cmig.repair('001');
SELECT revision, direction FROM cmig.journal;
-- a revision whose row was lost cannot be repaired; it must be loaded again
BEGIN;
DELETE FROM cmig.revision WHERE revision = '001';
SELECT cmig.repair('001');
ROLLBACK;
-- in a script
SELECT cmig.create_revision('three', 'SELECT cmig.remove_revision(''003'')', revision => '003');
\set VERBOSITY terse
\set VERBOSITY sqlstate
SELECT cmig.upgrade('003');
\set VERBOSITY terse

DROP TABLE account;
DROP EXTENSION pg_cmig;
