--
-- Clean errors if the owner of the extension's tables has dropped or altered them
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, downgrade_sql) VALUES ('001', '');
\set ECHO all
SELECT count(*) FROM cmig.upgrade();

BEGIN;
ALTER EXTENSION pg_cmig DROP TABLE cmig.version;
DROP TABLE cmig.version;
SELECT * FROM cmig.current();
ROLLBACK;
-- another version of the tables than of the library
BEGIN;
ALTER TABLE cmig.revision DROP COLUMN depends_on;
UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'pg_cmig';
SELECT * FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision DROP COLUMN depends_on;
UPDATE pg_extension SET extversion = '1.10' WHERE extname = 'pg_cmig';
\set ECHO all
SELECT * FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision DROP COLUMN depends_on;
\set VERBOSITY terse
\set ECHO all
SELECT * FROM cmig.upgrade();
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision ALTER depends_on DROP DEFAULT, ALTER depends_on TYPE text USING depends_on::text;
SELECT * FROM cmig.upgrade();
SELECT revision FROM cmig.history();
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision ALTER depends_on DROP DEFAULT, ALTER depends_on TYPE jsonb USING '[]';
SELECT * FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision ALTER message DROP NOT NULL, ALTER transactional DROP NOT NULL, ALTER down_revision DROP NOT NULL;
INSERT INTO cmig.revision (revision, down_revision, message, transactional) VALUES ('002', NULL, NULL, NULL);
\set ECHO all
SELECT revision, down_revision, message FROM cmig.history();
SELECT revision, transactional FROM cmig.plan('upgrade', '002');
SELECT revision FROM cmig.upgrade('002');
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision DROP CONSTRAINT revision_pkey;
INSERT INTO cmig.revision (revision) VALUES ('001');
\set ECHO all
SELECT object, problem, fix FROM cmig.check() WHERE severity = 'error';
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.version DROP CONSTRAINT version_pkey;
INSERT INTO cmig.version VALUES ('001');
\set ECHO all
SELECT revision FROM cmig.current();
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate
SELECT revision FROM cmig.downgrade('base');
ROLLBACK;
BEGIN;
ALTER TABLE cmig.version ADD COLUMN note text, ALTER revision TYPE varchar(20);
SELECT revision FROM cmig.downgrade('base');
SELECT revision FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.journal RENAME TO journal_kept;
\set VERBOSITY terse
\set ECHO all
SELECT revision FROM cmig.downgrade('base');
ROLLBACK;
-- an owner's row that leaves no numbers after it does not make a run fail, and check reports it
\set ECHO none
BEGIN;
SELECT max(id) AS last FROM cmig.journal \gset
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role)
	SELECT id, '001', 'stamp', 'done', now(), 'x' FROM unnest('{9223372036854775807, 9223372036854775300, 9223372036854774000, -3}'::bigint[]) id;
\set ECHO all
SELECT revision FROM cmig.downgrade('base');
SELECT cmig.stamp('001');
SELECT id, revision, direction FROM cmig.journal ORDER BY id DESC LIMIT 5;
SELECT problem, fix FROM cmig.check() WHERE object = 'cmig.journal' \gx
DELETE FROM cmig.journal WHERE id = 9223372036854775807;
SELECT problem FROM cmig.check() WHERE object = 'cmig.journal';
DELETE FROM cmig.journal WHERE id >= 9223372036854774000;
SELECT count(*) FROM cmig.check() WHERE object = 'cmig.journal';
SELECT revision FROM cmig.downgrade('base');
SELECT max(id) - :last AS after_those FROM cmig.journal;
ROLLBACK;
-- what no run writes is refused
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES (0, '001', 'Upgrade', 'done', now(), 'x');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES (0, '001', 'upgrade', 'finished', now(), 'x');
UPDATE cmig.journal SET outcome = '';
INSERT INTO cmig.progress VALUES ('001', 'stamp', 1, 'done');
INSERT INTO cmig.progress VALUES ('001', 'upgrade', 1, 'begun');
INSERT INTO cmig.backfill_run (target, set_sql, direction, state, method, total, started_at, updated_at)
	VALUES ('t', 's', 'up', 'done', 'ctid', 1, now(), now());
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('t', 's', 'failed', 'ctid', 1, now(), now());
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, started_at, updated_at) VALUES ('t', 's', 'done', 'block', 1, now(), now());
-- what would run, or return other rows than the table's, is refused everywhere
\set ECHO none
BEGIN;
ALTER TABLE cmig.version RENAME TO version_real;
CREATE VIEW cmig.version AS SELECT revision FROM cmig.version_real;
\set VERBOSITY default
\set ECHO all
SELECT revision FROM cmig.current();
ROLLBACK;
BEGIN;
CREATE RULE "Log" AS ON DELETE TO cmig.version DO ALSO NOTIFY moved;
SELECT revision FROM cmig.downgrade('base');
\set ECHO none
ROLLBACK;
BEGIN;
CREATE RULE r AS ON INSERT TO cmig.journal DO INSTEAD NOTHING;
DROP RULE r ON cmig.journal;
\set ECHO all
SELECT revision FROM cmig.downgrade('base');
\set ECHO none
ROLLBACK;
BEGIN;
CREATE TABLE child () INHERITS (cmig.version);
INSERT INTO child VALUES ('002');
SAVEPOINT inherited;
\set ECHO all
SELECT revision FROM cmig.current();
ROLLBACK TO inherited;
ALTER TABLE child NO INHERIT cmig.version;
SELECT revision FROM cmig.current();
\set ECHO none
ROLLBACK;
BEGIN;
CREATE TABLE parent (revision text NOT NULL);
ALTER TABLE cmig.version INHERIT parent;
\set ECHO all
SELECT revision FROM cmig.history();
ROLLBACK;
BEGIN;
ALTER TABLE cmig.progress ENABLE ROW LEVEL SECURITY;
SELECT item FROM cmig.status();
ROLLBACK;
BEGIN;
ALTER EXTENSION pg_cmig DROP TABLE cmig.backfill_run;
-- a session that has looked before notices it with the next change of the table
ALTER TABLE cmig.backfill_run SET (fillfactor = 50);
SELECT * FROM cmig.status();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER SCHEMA cmig RENAME TO other;
CREATE SCHEMA cmig;
CREATE VIEW cmig.version AS SELECT revision FROM other.version;
CREATE TABLE cmig.revision (LIKE other.revision);
\set ECHO all
SELECT revision FROM other.current();
ROLLBACK;
SELECT revision FROM cmig.current();
-- a trigger that moves in the middle of a move
\set ECHO none
CREATE FUNCTION move_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cmig.upgrade();
	RETURN NULL;
END
$$;
INSERT INTO cmig.revision (revision, down_revision, downgrade_sql) VALUES ('002', '{001}', ''), ('003', '{002}', '');
BEGIN;
CREATE TRIGGER move_on AFTER UPDATE ON cmig.version FOR EACH ROW EXECUTE FUNCTION move_on();
\set ECHO all
\set VERBOSITY terse
SELECT revision FROM cmig.upgrade('002');
ROLLBACK;
BEGIN;
CREATE TRIGGER move_on AFTER INSERT ON cmig.journal FOR EACH ROW EXECUTE FUNCTION move_on();
SELECT revision FROM cmig.upgrade('002');
\set ECHO none
ROLLBACK;
-- an error that is caught leaves nothing behind
BEGIN;
CREATE TRIGGER move_on AFTER UPDATE ON cmig.version FOR EACH ROW EXECUTE FUNCTION move_on();
DO $$
BEGIN
	PERFORM cmig.upgrade();
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	DROP TRIGGER move_on ON cmig.version;
	PERFORM cmig.upgrade('002');
END
$$;
\set ECHO all
SELECT revision FROM cmig.current();
ROLLBACK;
-- after it
CREATE CONSTRAINT TRIGGER move_on AFTER UPDATE ON cmig.version DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION move_on();
SELECT revision FROM cmig.upgrade('002');
SELECT revision FROM cmig.current();
DROP FUNCTION move_on CASCADE;
SELECT revision FROM cmig.downgrade('001');
\set ECHO none
DELETE FROM cmig.revision WHERE revision > '001';
-- a policy that hides rows
CREATE ROLE regress_altered;
GRANT USAGE ON SCHEMA cmig TO regress_altered;
GRANT SELECT ON ALL TABLES IN SCHEMA cmig TO regress_altered;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_altered;
BEGIN;
ALTER TABLE cmig.version ENABLE ROW LEVEL SECURITY;
SET ROLE regress_altered;
\set ECHO all
SELECT revision FROM cmig.current();
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision ENABLE ROW LEVEL SECURITY;
SET ROLE regress_altered;
\set ECHO all
SELECT revision FROM cmig.history();
\set ECHO none
ROLLBACK;
DROP OWNED BY regress_altered;
DROP ROLE regress_altered;
-- an internal error while the catalogs are read, as after another session's change
CREATE TABLE read (id int);
CREATE INDEX read_id ON read (id);
BEGIN;
SET LOCAL allow_system_table_mods = on;
UPDATE pg_index SET indclass = '1' WHERE indexrelid = 'read_id'::regclass;
\set ECHO all
SELECT cmig.schema_sql('{public}');
ROLLBACK;
DROP TABLE read;
-- all is as before
SELECT revision FROM cmig.current();
SELECT revision FROM cmig.downgrade('base');
-- the numbers of backfills
\set ECHO none
ALTER EXTENSION pg_cmig DROP SEQUENCE cmig.backfill_run_id_seq;
ALTER TABLE cmig.backfill_run ALTER id DROP IDENTITY;
CREATE TABLE filled (id int PRIMARY KEY, n int);
INSERT INTO filled VALUES (1, 1);
\set ECHO all
CALL cmig.backfill('filled', 'n = 2');
DROP TABLE filled;
DROP EXTENSION pg_cmig CASCADE;
