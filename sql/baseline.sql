--
-- cmig.baseline: the first revision of a database that has a schema
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE FUNCTION pg_temp.undated(content text) RETURNS text LANGUAGE sql
AS $$SELECT regexp_replace(content, '-- create_date: [^\n]*', '-- create_date:')$$;
CREATE ROLE regress_baseline;
\pset tuples_only on
\set ECHO all
-- nothing to write
SELECT * FROM cmig.baseline('Empty');
SELECT count(*) FROM cmig.history();

\set ECHO none
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE person (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext UNIQUE, mood mood);
CREATE TABLE note (id serial PRIMARY KEY, person_id bigint REFERENCES person, body text NOT NULL);
CREATE INDEX ON note (person_id);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE ON note FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON note USING (true);
GRANT SELECT ON note TO regress_baseline;
COMMENT ON TABLE note IS 'What people write';
INSERT INTO person (email) VALUES ('ann@example.com');
SELECT cmig.schema_sql() AS before \gset
\set ECHO all
SELECT revision, file_name, pg_temp.undated(content), hazards FROM cmig.baseline('The schema so far', '001');
-- loaded and stamped, nothing has run
SELECT revision, is_current FROM cmig.history();
SELECT direction, outcome FROM cmig.journal;
SELECT cmig.schema_sql() = :'before';
SELECT cmig.require_schema(:'before', source => 'replay');
SELECT * FROM cmig.load((SELECT content FROM cmig.export('001')));
-- again: refused
SELECT * FROM cmig.baseline('Once more');
-- but for a schema of its own
CREATE SCHEMA other;
CREATE TABLE other.t (x int);
SELECT pg_temp.undated(content) FROM cmig.baseline('Other', '101', branch_label => 'other', schemas => '{other}');
SELECT revision FROM cmig.current();
-- which must not be covered by applied revisions
SELECT * FROM cmig.baseline('Other again', '102', schemas => '{other}');
SELECT * FROM cmig.baseline('Public', '102', schemas => '{public}');
-- unless these cannot be replayed, so that nothing is known about them
BEGIN;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1 / 0; ' || upgrade_sql WHERE revision = '101';
SELECT revision FROM cmig.baseline('Other again', '102', branch_label => 'again', schemas => '{other}');
ROLLBACK;
-- in a new database the upgrade makes the same schema
BEGIN;
SELECT cmig.schema_sql(owners => true) AS before \gset
DROP SCHEMA other CASCADE;
\set ECHO none
DROP TABLE note, person;
DROP FUNCTION touch;
DROP TYPE mood;
DROP EXTENSION citext;
DELETE FROM cmig.version;
\set ECHO all
SELECT revision FROM cmig.upgrade('heads');
SELECT cmig.schema_sql(owners => true) = :'before';
SELECT revision FROM cmig.downgrade('base');
SELECT cmig.schema_sql();
ROLLBACK;
-- what the audit log needs is told
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
SELECT count(*) > 0 FROM cmig.enable_audit('person');
SELECT hazards FROM cmig.baseline('Audited', '001', schemas => '{public}');
\set VERBOSITY sqlstate
-- wrong calls
SELECT * FROM cmig.baseline(NULL, schemas => '{other}');
SELECT * FROM cmig.baseline('x', '001', schemas => '{other}');
SELECT * FROM cmig.baseline('x', schemas => '{nowhere}');
SELECT * FROM cmig.baseline('x', branch_label => '001', schemas => '{other}');
\set VERBOSITY default
-- names, values, and bodies with lines that begin a file can be written, loaded, and mean the same
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
\set ECHO none
CREATE SCHEMA marks;
CREATE TABLE marks."a
-- revision: x
""b\" (
	"c
==> x.sql <==
" text DEFAULT 'x
-- revision: x
-- cmig:downgrade
\', d text DEFAULT E'\\
-- revision: x
');
COMMENT ON TABLE marks."a
-- revision: x
""b\" IS E'\\-- revision: x
\x01';
CREATE FUNCTION marks.f() RETURNS text LANGUAGE plpgsql AS $$
-- revision: x
BEGIN
	RETURN '\n''-- revision: x
';
END $$;
SELECT cmig.schema_sql('marks') AS marks \gset
SELECT content FROM cmig.baseline('Marks', '001', schemas => '{marks}') \gset
\set ECHO all
SELECT count(*) FROM regexp_matches(:'content', '\\x?0*[23]D[=-]', 'g');
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA marks CASCADE;
RESET client_min_messages;
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
\set ECHO all
SELECT * FROM cmig.load(:'content');
SELECT revision FROM cmig.upgrade('001');
SELECT cmig.schema_sql('marks') = :'marks';
SELECT revision FROM cmig.downgrade('base');
DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA cmig_audit, other CASCADE;
\set ECHO none
DROP TABLE note, person;
DROP FUNCTION touch;
DROP TYPE mood;
DROP EXTENSION citext;
DROP ROLE regress_baseline;
