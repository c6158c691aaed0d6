--
-- Revisions that replace others, and cmig.squash, which writes them
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
\pset tuples_only on
CREATE VIEW shown AS SELECT revision, down_revision, is_current FROM cmig.history();
\set files '-- revision: 001\n-- cmig:upgrade\nCREATE TABLE a (x int);\n-- cmig:downgrade\nDROP TABLE a;\n-- revision: 002\n-- down_revision: 001\n-- branch_labels: main\n-- cmig:upgrade\nCREATE TABLE b (x int);\n-- cmig:downgrade\nDROP TABLE b;\n-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade\nCREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE c;\n-- revision: 004\n-- down_revision: 003\n-- cmig:upgrade\nCREATE TABLE d (x int);\n-- cmig:downgrade\nDROP TABLE d;\n'
\set squashed '-- revision: s\n-- branch_labels: main\n-- replaces: 001, 002, 003\n-- message: Three in one\n-- cmig:upgrade\nCREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE a, b, c;\n'
\set ECHO all

-- none is applied: it runs in their place
SELECT count(*) FROM cmig.load(:'files');
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM shown;
SELECT revision FROM cmig.plan('upgrade', 'heads');
SELECT revision FROM cmig.upgrade();
SELECT * FROM cmig.check() WHERE object = 's';
SELECT value FROM cmig.show('s') WHERE field = 'replaces';
SELECT substring(cmig.script('downgrade', 's:base') FROM 'step 1 of[^\n]*') AS downgrade, substring(cmig.script('upgrade', 's:004') FROM 'step 1 of[^\n]*') AS upgrade;
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
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT * FROM cmig.downgrade('002');
$calls$);
\set ECHO all
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

-- with prune, where some are applied: the old ones are kept until all are
BEGIN;
SELECT count(*) FROM cmig.load(:'files', prune => true);
SELECT revision FROM cmig.upgrade('002');
SELECT * FROM cmig.load(:'squashed', prune => true);
SELECT revision FROM cmig.upgrade();
SELECT * FROM shown;
ROLLBACK;
-- without the old files, where some are applied
SELECT count(*) FROM cmig.load(:'files', prune => true);
SELECT revision FROM cmig.upgrade('002');
DELETE FROM cmig.revision WHERE revision <> '004';
SELECT * FROM cmig.load(:'squashed');
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.check() WHERE severity <> 'notice';
SELECT item, value, hint FROM cmig.status() WHERE item IN ('error', 'notice');
SELECT cmig.stamp('s');
-- with another one that is replaced
BEGIN;
SELECT count(*) FROM cmig.load(:'files');
DELETE FROM cmig.revision WHERE revision = '003';
SELECT * FROM cmig.check() WHERE severity <> 'notice';
ROLLBACK;
BEGIN;
SELECT count(*) FROM cmig.load(:'files');
DELETE FROM cmig.revision WHERE revision = '001';
SELECT * FROM cmig.check() WHERE severity <> 'notice';
ROLLBACK;
-- the database has everything
BEGIN;
CREATE TABLE c (x int);
SELECT cmig.stamp('s', purge => true);
SELECT * FROM cmig.check() WHERE object <> 'pg_dump';
SELECT revision FROM cmig.upgrade();
ROLLBACK;
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
-- without the files that the replaced one has replaced
DELETE FROM cmig.revision WHERE revision NOT IN ('s', '004');
SELECT revision FROM cmig.upgrade('s');
SELECT * FROM cmig.load(:'twice');
SELECT * FROM cmig.check() WHERE object <> 'pg_dump';
SELECT * FROM shown;
SELECT revision FROM cmig.upgrade('004');
SELECT revision FROM cmig.version;
SELECT revision FROM cmig.downgrade('base');
DELETE FROM cmig.revision;

-- replacements that contradict each other
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: s\n-- replaces: 001, s\n-- cmig:upgrade\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: s\n-- replaces: u\n-- cmig:upgrade\nSELECT 1;\n-- revision: u\n-- replaces: s\n-- cmig:upgrade\nSELECT 1;\n');
SELECT * FROM cmig.load(E'-- revision: s\n-- replaces: u\n-- cmig:upgrade\nSELECT 1;\n-- revision: u\n-- replaces: t, 001\n-- cmig:upgrade\nSELECT 1;\n-- revision: t\n-- replaces: s\n-- cmig:upgrade\nSELECT 1;\n');
$calls$);
\set ECHO all
SELECT * FROM cmig.load(:'squashed' || E'\n-- revision: u\n-- replaces: 003, 004\n-- cmig:upgrade\nSELECT 1;\n');
SELECT count(*) FROM cmig.revision;

-- one that is partially applied, or partially reverted, is finished first
\set files2 '-- revision: 001\n-- cmig:upgrade\nCREATE TABLE a (x int);\n-- cmig:downgrade\nDROP TABLE a;\n-- revision: 002\n-- down_revision: 001\n-- transactional: false\n-- cmig:upgrade\nCREATE TABLE b (x int);\nSELECT 1 / count(*) FROM a;\n-- cmig:downgrade\nDROP TABLE b;\nSELECT 1 / (SELECT count(*) FROM a);\n-- revision: 003\n-- down_revision: 002\n-- cmig:upgrade\nCREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE c;\n'
SELECT count(*) FROM cmig.load(:'files2');
CALL cmig.upgrade_stepwise();
BEGIN;
SELECT * FROM cmig.load(E'-- revision: s\n-- down_revision: 001\n-- replaces: 002, 003\n-- cmig:upgrade\nCREATE TABLE b (x int); CREATE TABLE c (x int);\n-- cmig:downgrade\nDROP TABLE b, c;\n');
SELECT * FROM shown;
SELECT * FROM cmig.check() WHERE object = 's';
SELECT item, value, hint FROM cmig.status() WHERE item ~ '^(head|pending|partially applied)$';
SAVEPOINT gone;
DELETE FROM cmig.revision WHERE revision = '003';
SELECT * FROM cmig.check() WHERE object = 's';
ROLLBACK TO gone;
COMMIT;
SELECT * FROM cmig.load(:'files2', prune => true);
INSERT INTO a VALUES (1);
CALL cmig.upgrade_stepwise('002');
DELETE FROM a;
CALL cmig.downgrade_stepwise('001');
SELECT * FROM cmig.load(E'-- revision: s\n-- replaces: 001, 002\n-- cmig:upgrade\nCREATE TABLE a (x int); CREATE TABLE b (x int);\n-- cmig:downgrade\nDROP TABLE a, b;\n');
SELECT * FROM shown;
INSERT INTO a VALUES (1);
CALL cmig.downgrade_stepwise('001');
SELECT revision FROM cmig.version;
CALL cmig.upgrade_stepwise('002');
SELECT * FROM shown;
SELECT revision FROM cmig.downgrade('base');
DROP VIEW shown;
DROP EXTENSION pg_cmig;

--
-- cmig.squash
--
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE FUNCTION pg_temp.undated(content text) RETURNS text LANGUAGE sql
AS $$SELECT regexp_replace(content, '-- create_date: [^\n]*', '-- create_date:')$$;
-- the same in brief: the header in one line, and no empty lines
CREATE FUNCTION pg_temp.brief(content text) RETURNS text LANGUAGE sql
AS $$SELECT replace(split_part(c, E'\n\\echo', 1), E'\n-- ', '; ') || regexp_replace(regexp_replace(c, '^.*?\\quit', ''), '\n\n+', E'\n', 'g') FROM pg_temp.undated(content) c$$;
\set ECHO all
SELECT count(*) FROM cmig.load(:'files');
SELECT pg_temp.undated(content), hazards FROM cmig.squash('001:003', 'Three in one', 's');
SELECT pg_temp.brief(content), hazards FROM cmig.squash('002:heads', 'Three in one', 's');
-- statements that change rows have to be resolved
SELECT cmig.create_revision('Rows', $$ALTER TABLE a ADD y text; INSERT INTO a VALUES (1, 'x');
UPDATE a SET y = 'y' -- all
WHERE x > 0; ALTER TABLE a ALTER y SET NOT NULL; SELECT pg_advisory_xact_lock(5); DO 'BEGIN END'$$, 'ALTER TABLE a DROP y', revision => '005');
SELECT pg_temp.brief(content), hazards FROM cmig.squash('base:005', 'Five in one', 's');
SELECT content FROM cmig.squash('base:005', 'Five in one', 's') \gset
SELECT * FROM cmig.load(:'content');
SELECT regexp_replace(:'content', '\n-- cmig:resolve\n.*?;\n', '', 'g') AS content \gset
SELECT * FROM cmig.load(:'content');
-- only what may change rows or a sequence is listed, not what reads, nor what is in the schema
CREATE FUNCTION reads() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT cmig.remove_revision('s');
BEGIN;
SELECT cmig.create_revision('Reads', $$SELECT count(*), lower(max(y)), now(), reads() FROM a; SELECT set_config('my.x', '1', true), pg_sleep(0), random();
SELECT * FROM (SELECT gen_random_uuid()) AS u; EXPLAIN INSERT INTO a VALUES (1); SELECT cmig.enable_rls('a', roles => '{public}'); ALTER SEQUENCE IF EXISTS s MAXVALUE 9$$, revision => '005r');
SELECT cmig.create_revision('Writes', $$SELECT writes(); SELECT public.writes() FROM a WHERE x = 1; SELECT 1 FROM a WHERE x = unknown_function();
WITH w AS (DELETE FROM a RETURNING x) SELECT x FROM w; SELECT 1 AS x INTO TEMP u; SELECT setval('s', 3); SELECT cmig.enable_audit('a');
EXPLAIN (ANALYZE) SELECT writes(); COPY (INSERT INTO a VALUES (1) RETURNING x) TO '/dev/null'; DECLARE c CURSOR FOR SELECT writes();
PREPARE p AS INSERT INTO a VALUES (1); EXECUTE p; ALTER SEQUENCE s RESTART; ALTER TABLE a ALTER x RESTART WITH 5$$, revision => '005w');
SELECT cmig.create_revision('Skips', 'SELECT 1', revision => '005x');
UPDATE cmig.revision SET upgrade_sql = regexp_replace(upgrade_sql, '(^|;)', E'\\1\n-- cmig:replay skip\n', 'g') WHERE revision ~ '^005[rw]';
SELECT hazards FROM cmig.squash('005r:005x', 'Writes', 's');
ROLLBACK;
DROP FUNCTION reads(), writes();
-- what belongs to no schema is listed too
BEGIN;
SELECT cmig.create_revision('Roles', $$CREATE ROLE regress_squash; ALTER ROLE regress_squash SET work_mem = '1MB'; GRANT regress_squash TO CURRENT_USER;
COMMENT ON ROLE regress_squash IS 'x'; GRANT SELECT ON a TO regress_squash; CREATE MATERIALIZED VIEW m AS SELECT 1 AS one; REFRESH MATERIALIZED VIEW m;
COMMENT ON TABLE a IS 'x'; SET work_mem = '2MB'; COPY a TO '/dev/null'$$, revision => '005o');
SELECT cmig.create_revision('Database', $$ALTER DATABASE shop SET work_mem = '3MB'; GRANT CONNECT ON DATABASE shop TO regress_squash;
DROP ROLE regress_squash$$, revision => '005p');
UPDATE cmig.revision SET upgrade_sql = regexp_replace(upgrade_sql, '(^|;)', E'\\1\n-- cmig:replay skip\n', 'g') WHERE revision ~ '^005[op]';
SELECT hazards FROM cmig.squash('005o:005p', 'Roles', 's');
ROLLBACK;
-- a rename within the range is one for databases before it
SELECT cmig.create_revision('Rename', 'ALTER TABLE b RENAME TO bb', 'ALTER TABLE bb RENAME TO b', revision => '006');
SELECT cmig.create_revision('Change', 'ALTER TABLE bb ADD z int', 'ALTER TABLE bb DROP z', revision => '007');
SELECT pg_temp.brief(content), hazards FROM cmig.squash('006:007', 'Two', 's', renames => '{"table public.b -> bb"}');
-- branches: one that leaves inside, several tops, a merge as the top
SELECT cmig.create_revision('Side', 'CREATE TABLE side ()', 'DROP TABLE side', revision => 'side', head => '002', splice => true, branch_label => 'sideways');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.squash('001:007', 'Inside', 's');
SELECT * FROM cmig.squash('001:heads', 'Tops', 's');
$calls$);
\set ECHO all
SELECT cmig.merge('heads', 'Both', 'm');
SELECT cmig.create_revision('After', 'CREATE TABLE after ()', 'DROP TABLE after', revision => '009', depends_on => '{005}');
SELECT pg_temp.brief(content) FROM cmig.squash('003:m', 'Merge', 's');
\set VERBOSITY sqlstate
-- wrong calls
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.squash(NULL, 'x');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.squash('001', 'x');
SELECT * FROM cmig.squash('001:003', NULL);
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.squash('001:002', 'x', '001');
SELECT * FROM cmig.squash('nothing:002', 'x');
SELECT * FROM cmig.squash('001:002', 'x', schemas => '{}');
SELECT * FROM cmig.squash('001:002', 'x', schemas => '{nowhere}');
$calls$);
\set ECHO all

DELETE FROM cmig.version;
DELETE FROM cmig.revision;

-- the values of placeholders are written into the file, with a warning
SELECT * FROM cmig.load(E'-- revision: 201\n-- placeholders: region literal\n\n-- cmig:upgrade\nCREATE TABLE placed (region text DEFAULT ${region});\n\n-- cmig:downgrade\nDROP TABLE placed;\n');
SELECT cmig.create_revision('More', 'ALTER TABLE placed ADD id integer', 'ALTER TABLE placed DROP id', revision => '202');
SET cmig_var.region = 'eu';
\set VERBOSITY default
SELECT pg_temp.brief(content) FROM cmig.squash('201:202', 'Placed', 's');
RESET cmig_var.region;
DELETE FROM cmig.revision;
-- an unresolved statement stays as it is, whatever lines its strings contain
SELECT cmig.create_revision('Note', E'CREATE TABLE placed (n text); INSERT INTO placed VALUES (\'a\n-- resolve 004\n-- revision: 005\nb\')', 'DROP TABLE placed', revision => '203');
SELECT cmig.create_revision('Empty', '', '', revision => '204', head => '203');
\set VERBOSITY sqlstate
SELECT substring(content FROM 'INSERT.*''\)') FROM cmig.squash('203:204', 'Notes', '004');
\set VERBOSITY default
DELETE FROM cmig.revision;

-- an author, who may not write version rows, can load it and continue; the next run records it
SELECT cmig.create_revision('One', 'SELECT 1', 'SELECT 1', revision => '101'), cmig.create_revision('Two', 'SELECT 2', 'SELECT 2', revision => '102');
SELECT revision FROM cmig.upgrade();
-- a file of a replaced revision may be edited and loaded again
BEGIN;
SELECT * FROM cmig.load(E'-- revision: 100\n-- replaces: 101, 102\n\n-- cmig:upgrade\nSELECT 1; SELECT 2;\n');
SELECT revision FROM cmig.upgrade();
SELECT * FROM cmig.load(E'-- revision: 101\n-- message: Another\n\n-- cmig:upgrade\nSELECT 1\n\n-- cmig:downgrade\nSELECT 1\n');
SELECT * FROM cmig.load(E'-- revision: 101\n-- message: Yet another\n\n-- cmig:upgrade\nSELECT 3\n\n-- cmig:downgrade\nSELECT 1\n');
SELECT revision FROM cmig.current();
ROLLBACK;
CREATE ROLE regress_squash_author;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_squash_author', 'author');
SET ROLE regress_squash_author;
SELECT * FROM cmig.load(E'-- revision: 100\n-- replaces: 101, 102\n\n-- cmig:upgrade\nSELECT 1; SELECT 2;\n');
SELECT cmig.create_revision('Three', 'SELECT 3', revision => '103');
SELECT revision FROM cmig.current();
RESET ROLE;
SELECT revision FROM cmig.upgrade();
SELECT revision, message FROM cmig.journal WHERE direction = 'stamp' AND revision = '100';
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress_squash_author');
DROP ROLE regress_squash_author;
DROP EXTENSION pg_cmig;
