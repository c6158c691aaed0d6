--
-- Writing revisions: create_revision and merge
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
CREATE VIEW stored AS SELECT revision, down_revision, depends_on, branch_labels, message FROM cmig.revision ORDER BY created_at, revision;

SELECT cmig.create_revision('users', 'CREATE TABLE u ()', 'DROP TABLE u', revision => '001');
SELECT cmig.create_revision('orders', '', revision => '002');
SELECT revision, down_revision, upgrade_sql, downgrade_sql, verify_sql, transactional FROM cmig.revision ORDER BY 1;
-- a generated id
SELECT length(cmig.create_revision('generated', '')), (SELECT bool_and(revision ~ '^[0-9a-f]{12}$') FROM cmig.revision WHERE message = 'generated');
SELECT revision ~ '^[0-9a-f]{12}$' AS generated, down_revision FROM cmig.revision WHERE message = 'generated';
DELETE FROM cmig.revision WHERE message = 'generated';

\set VERBOSITY sqlstate
-- a branch must be requested
SELECT cmig.create_revision('api', '', revision => 'api1', head => '001');
SELECT cmig.create_revision('api', '', revision => 'api1', head => '001', splice => true, branch_label => 'api');
SELECT cmig.create_revision('ambiguous', '');
SELECT cmig.create_revision('api goes on', '', revision => 'api2', head => 'api@head');
SELECT cmig.create_revision('after both', '', revision => 'both', head => 'heads');
DELETE FROM cmig.revision WHERE revision = 'both';
\set VERBOSITY default
SELECT cmig.create_revision('depends on several', '', revision => 'n1', head => 'base', depends_on => '{heads}');
\set VERBOSITY sqlstate
-- a new root, with dependencies: a label stays as it is, a partial id is completed
SELECT cmig.create_revision('tools', '', revision => 'tools1', head => 'base', branch_label => 'tools', depends_on => '{api,00}');
SELECT cmig.create_revision('tools', '', revision => 'tools1', head => 'base', branch_label => 'tools', depends_on => '{api,002}');
INSERT INTO cmig.revision (revision, down_revision) VALUES ('0123456789ab', '{tools1}');
SELECT cmig.create_revision('more', '', revision => 'api3', head => 'api@head', depends_on => '{0123}');
SELECT * FROM stored;

-- invalid arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('again', '', revision => '001', head => 'api@head');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('an id that is a label', '', revision => 'api', head => 'api@head');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('reserved', '', revision => 'head', head => 'api@head');
SELECT cmig.create_revision('reserved', '', revision => 'current', head => 'api@head');
SELECT cmig.create_revision('empty', '', revision => '', head => 'api@head');
SELECT cmig.create_revision('too long', '', revision => repeat('x', 200), head => 'api@head');
SELECT cmig.create_revision('white space', '', revision => 'a b', head => 'api@head');
$calls$);
\set ECHO all
SELECT cmig.create_revision('colon', '', revision => 'a:b', head => 'api@head');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('label twice', '', revision => 'n1', head => 'api@head', branch_label => 'tools');
SELECT cmig.create_revision('label an id', '', revision => 'n1', head => 'api@head', branch_label => '001');
SELECT cmig.create_revision('label its own id', '', revision => 'n1', head => 'api@head', branch_label => 'n1');
SELECT cmig.create_revision('label reserved', '', revision => 'n1', head => 'api@head', branch_label => 'base');
SELECT cmig.create_revision('label with @', '', revision => 'n1', head => 'api@head', branch_label => 'a@b');
SELECT cmig.create_revision('no such parent', '', revision => 'n1', head => 'nosuch');
SELECT cmig.create_revision('relative parent', '', revision => 'n1', head => '-1');
SELECT cmig.create_revision('no such dependency', '', revision => 'n1', head => 'api@head', depends_on => '{nosuch}');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision('null dependency', '', revision => 'n1', head => 'api@head', depends_on => '{NULL}');
SELECT cmig.create_revision('one dependency twice', '', revision => 'n1', head => 'api@head', depends_on => '{tools,0123,002,0123456789ab}');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision(NULL, '');
$calls$);
\set ECHO all
\set VERBOSITY default
SELECT cmig.create_revision(E'two\nlines', '', head => 'api@head');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.create_revision(repeat('x', 1001), '', revision => 'long', head => 'base');
SELECT cmig.merge('heads', repeat('x', 1001));
SELECT cmig.create_revision('no head', '', head => NULL);
$calls$);
\set ECHO all
SELECT count(*) FROM cmig.revision;

-- merge
SELECT cmig.merge('heads', 'all', revision => 'm1');
SELECT cmig.merge('heads', 'nothing left');
SELECT cmig.resolve('head');
SELECT * FROM stored WHERE revision = 'm1';
DELETE FROM cmig.revision WHERE revision = 'm1';
-- also of heads one of which depends on another
SELECT cmig.merge(ARRAY['api@head', '0123456789ab'], NULL, revision => 'm2');
SELECT * FROM stored WHERE revision = 'm2';
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.merge(ARRAY['001', 'm2'], 'an ancestor');
SELECT cmig.merge(ARRAY['m2', 'tools1'], 'not a head');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.merge(ARRAY['m2'], 'one');
SELECT cmig.merge(ARRAY['m2', 'm2'], 'one twice');
SELECT cmig.merge(ARRAY['002', 'm2', '002'], 'one of three twice');
SELECT cmig.merge('base', 'none');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.merge(ARRAY['m2', 'nosuch'], 'unknown');
SELECT cmig.merge(NULL::text, 'null');
$calls$);
\set ECHO all
SELECT cmig.merge(ARRAY['tools1', 'api2'], 'splices', revision => 'm3', splice => true);
SELECT * FROM stored WHERE revision = 'm3';
-- a label of its own
SELECT cmig.merge('heads', 'label twice', revision => 'm4', branch_label => 'tools');
SELECT cmig.merge('heads', 'label its own id', revision => 'm4', branch_label => 'm4');
SELECT cmig.merge('heads', 'labelled', revision => 'm4', branch_label => 'release');
SELECT * FROM stored WHERE revision = 'm4';
DROP VIEW stored;

-- a merge of many: linear
\set ECHO none
TRUNCATE cmig.revision;
INSERT INTO cmig.revision (revision, downgrade_sql) SELECT 'r' || i, '' FROM generate_series(1, 10000) i;
SET statement_timeout = '30s';
SET client_min_messages = warning;
\set ECHO all
SELECT cmig.merge('heads', revision => 'many');
SELECT message, cardinality(down_revision) FROM cmig.revision WHERE revision = 'many';
SELECT count(*) FROM cmig.upgrade();
SELECT * FROM cmig.version;
SELECT count(*) FROM cmig.downgrade('r1');
SELECT count(*) FROM cmig.version;
SELECT count(*) FROM cmig.history();
DROP EXTENSION pg_cmig CASCADE;
