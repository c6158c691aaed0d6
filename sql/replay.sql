--
-- Replay: runs the scripts of revisions in the shadow
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
\getenv build PG_ABS_BUILDDIR
\set probes :build '/t/data/shadow/shadow'
CREATE FUNCTION replay_probe(plan text, probe text) RETURNS SETOF text LANGUAGE c AS :'probes';
\set relations 'SELECT concat(n.nspname, \'.\', c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN (\'public\', \'app\') ORDER BY n.nspname, c.relname'
SET client_min_messages = warning;
\set ECHO all
SELECT cmig.create_revision('accounts', 'CREATE TABLE account (id int PRIMARY KEY); CREATE TYPE mood AS ENUM (''ok'')', 'DROP TABLE account; DROP TYPE mood', revision => '001');
SELECT cmig.create_revision('index', 'ALTER TYPE mood ADD VALUE ''sad''; ALTER TABLE account ADD mood mood DEFAULT ''sad''; CREATE INDEX CONCURRENTLY account_mood ON account (mood); VACUUM account; CALL cmig.backfill(''account'', ''mood = ''''ok'''''', ''mood IS NULL''); CALL cmig.add_not_null(''account'', ''mood'')', 'ALTER TABLE account DROP mood', revision => '002', transactional => false);
SELECT cmig.create_revision('schema', 'CREATE SCHEMA app; SET search_path = app; CREATE TABLE note (id serial, revision text DEFAULT ''x''); INSERT INTO note SELECT 1, current_setting(''cmig.running_revision'')', 'DROP SCHEMA app CASCADE', revision => '003');

-- which revisions
SELECT * FROM cmig.upgrade('001');
SELECT replay_probe('applied', :'relations');
SELECT replay_probe('002', :'relations');
SELECT replay_probe('all', :'relations');
SELECT replay_probe('all', 'SELECT revision FROM app.note');
SELECT replay_probe('002', $$SELECT concat(attname, attnotnull) FROM pg_attribute WHERE attrelid = 'public.account'::regclass AND attnum > 0 ORDER BY attnum$$);
-- nothing is left, and nothing was journaled
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname;
SELECT enumlabel FROM pg_enum;
SELECT revision, direction FROM cmig.journal ORDER BY id;
SELECT * FROM cmig.version;
SELECT count(*) FROM cmig.backfill_run;
-- values that the caller's transaction has added can still not be used
BEGIN;
ALTER TYPE mood ADD VALUE 'new';
SELECT count(*) FROM replay_probe('001', 'SELECT 1');
SELECT 'new'::mood;
ROLLBACK;

-- scripts that cannot be replayed
SELECT cmig.create_revision('rows', E'CREATE TABLE t (a int);\n\nSELECT 1 / (SELECT count(*) FROM account)', revision => '004');
\set VERBOSITY sqlstate
SELECT replay_probe('004', 'SELECT 1');
SELECT cmig.create_revision('commits', E'CREATE PROCEDURE p() LANGUAGE plpgsql AS ''BEGIN COMMIT; END'';\nCALL p()', head => '003', splice => true, revision => '005', transactional => false);
SELECT replay_probe('005', 'SELECT 1');
SELECT cmig.create_revision('calls', 'SELECT cmig.upgrade()', head => '003', splice => true, revision => '006');
SELECT replay_probe('006', 'SELECT 1');
SELECT current_setting('cmig.running_revision') AS running;
SELECT cmig.create_revision('live objects', 'REASSIGN OWNED BY pg_monitor TO pg_monitor', head => '003', splice => true, revision => '008');
SELECT replay_probe('008', 'SELECT 1');
BEGIN;
DECLARE mine CURSOR FOR SELECT 1;
SELECT cmig.create_revision('cursor', 'FETCH mine', head => '003', splice => true, revision => '009');
SELECT replay_probe('009', 'SELECT 1');
ROLLBACK;
-- the marker
\set ECHO none
SELECT * FROM cmig.load($load$-- revision: 004
-- down_revision: 003
-- message: rows

-- cmig:upgrade
CREATE TABLE t (a int);

-- cmig:replay skip
SELECT 1 / (SELECT count(*) FROM account)
$load$);
\set ECHO all
SELECT upgrade_sql FROM cmig.revision WHERE revision = '004';
SELECT replay_probe('004', :'relations');
-- a misspelled marker, and one that is not alone on its line
SELECT * FROM cmig.load($load$-- revision: 007
-- cmig:upgrade
-- cmig:replay skp
SELECT 1;
$load$);
\set ECHO none
SELECT * FROM cmig.load($load$-- revision: 007
-- cmig:upgrade
SELECT 1; -- cmig:replay skip
SELECT 1 / 0;
$load$);
\set ECHO all
SELECT replay_probe('007', 'SELECT 1');

-- a version row that names no revision
INSERT INTO cmig.version VALUES ('gone');
SELECT replay_probe('applied', 'SELECT 1');

\set ECHO none
DROP FUNCTION replay_probe(text, text);
DROP EXTENSION pg_cmig;
DROP TABLE account;
DROP TYPE mood;
