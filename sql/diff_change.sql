--
-- The column change of diff and drift: what differs, and what was done by hand
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE note (id integer PRIMARY KEY, body varchar(100), at timestamptz DEFAULT now(), n numeric(10,2) NOT NULL, m mood, CONSTRAINT c CHECK (id > 0));
CREATE INDEX note_body ON note (body);
CREATE VIEW v AS SELECT id, body FROM note;
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
CREATE SEQUENCE s;
COMMENT ON TABLE note IS 'Notes';
\set target 'CREATE TYPE mood AS ENUM (''sad'', ''ok'', ''happy''); CREATE TABLE note (id bigint PRIMARY KEY, body varchar(150) NOT NULL, at timestamptz DEFAULT clock_timestamp(), n numeric(12,2), m mood, extra int, CONSTRAINT c CHECK (id > 1)); CREATE INDEX note_body ON note (body, id); CREATE VIEW v AS SELECT id, body, extra FROM note; CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS ''SELECT a + 1''; CREATE SEQUENCE s INCREMENT 2; COMMENT ON TABLE note IS ''All notes''; GRANT SELECT ON note TO PUBLIC; ALTER TABLE note ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON note USING (id > 0)'
\set ECHO all
-- the first row of an object has its change
SELECT action, kind, object, change FROM cmig.diff(:'target');
SELECT action, kind, object, change FROM cmig.diff(:'target', comments => false, privileges => false, exclude => '{column:*,default:*,constraint:*,view:*,type:*,function:*,sequence:*,index:*,policy:*}');
-- long values are shortened
SELECT action, kind, object, change FROM cmig.diff(replace(replace(:'target', 'SELECT a + 1', E'SELECT 1\n + 1\n + a'), 'All notes', repeat('long text ', 20)), exclude => '{column:*,default:*,constraint:*,view:*,type:*,sequence:*,index:*,policy:*}');
-- another schema
CREATE SCHEMA one; CREATE TABLE one.a (b int);
CREATE SCHEMA two; CREATE TABLE two.a (b bigint);
SELECT object, change FROM cmig.diff_schemas('one', 'two');
DROP SCHEMA one, two CASCADE;
SELECT cmig.require_schema(:'target', exclude => '{view:*,policy:*,index:*}');
\set ECHO none
DROP VIEW v;
DROP FUNCTION f;
DROP TABLE note;
DROP SEQUENCE s;
DROP TYPE mood;
\set ECHO all

-- drift: from what the revisions create to what is there now
SELECT cmig.create_revision('Create accounts', 'CREATE TABLE account (id int PRIMARY KEY, email varchar(100) NOT NULL, n int); CREATE INDEX account_email ON account (email)', 'DROP TABLE account', revision => '001');
SELECT count(*) FROM cmig.upgrade();
ALTER TABLE account ALTER email TYPE varchar(150), ALTER email DROP NOT NULL, ADD note text, DROP n;
DROP INDEX account_email;
SELECT kind, object, change, upgrade_sql FROM cmig.drift();
DROP TABLE account;
DROP EXTENSION pg_cmig;
