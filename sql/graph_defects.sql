--
-- A broken graph: upgrades and downgrades fail with one error, and functions that only read still
-- work
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE FUNCTION problems() RETURNS TABLE (object text, problem text, fix text) LANGUAGE sql AS
	$$SELECT object, problem, fix FROM cmig.check() WHERE severity = 'error'$$;
INSERT INTO cmig.revision (revision, down_revision, downgrade_sql) VALUES
('001', '{}', ''), ('002', '{001}', ''), ('003', '{002}', '');
SET client_min_messages = warning;
\set ECHO all
SELECT * FROM cmig.upgrade('002');
RESET client_min_messages;
SELECT * FROM problems();

-- a mistyped parent: the revision itself, whose id is similar, is not suggested
BEGIN;
UPDATE cmig.revision SET down_revision = '{00l}' WHERE revision = '003';
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
ROLLBACK;
-- unknown parent, as after a lost file; Alembic says KeyError: '002x'
BEGIN;
UPDATE cmig.revision SET down_revision = '{002x}' WHERE revision = '003';
SAVEPOINT s;
SELECT * FROM cmig.upgrade();
ROLLBACK TO s;
SELECT * FROM cmig.plan('downgrade', 'base');
ROLLBACK TO s;
SELECT * FROM cmig.stamp('001');
ROLLBACK TO s;
SELECT cmig.require();
ROLLBACK TO s;
SELECT cmig.create_revision('next', '', revision => '004');
ROLLBACK TO s;
SELECT * FROM problems();
-- reading works
SELECT * FROM cmig.current();
SELECT revision, down_revision, is_head, applied FROM cmig.history();
SELECT revision FROM cmig.heads();
SELECT * FROM cmig.branches();
SELECT * FROM cmig.status() WHERE item NOT IN ('database', 'pending written by');
SELECT * FROM cmig.show('003') WHERE field IN ('revision', 'down_revision', 'applied');
SELECT * FROM cmig.check(raise => true);
ROLLBACK;

-- a gap in the middle
BEGIN;
DELETE FROM cmig.revision WHERE revision = '002';
SELECT * FROM problems();
SELECT * FROM cmig.current();
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- cycles: of two, over a dependency, of one
BEGIN;
UPDATE cmig.revision SET down_revision = '{003}' WHERE revision = '001';
SELECT * FROM problems();
SELECT revision, is_head FROM cmig.history() ORDER BY 1;
SELECT revision, is_head FROM cmig.current();
SELECT item, value FROM cmig.status() WHERE item = 'error';
SELECT * FROM cmig.upgrade();
ROLLBACK;
-- one that goes over a replaced name
BEGIN;
DELETE FROM cmig.revision WHERE revision = '002';
UPDATE cmig.revision SET replaces = '{002}', down_revision = '{003}' WHERE revision = '001';
SELECT * FROM problems();
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET depends_on = '{003}' WHERE revision = '001';
SELECT * FROM problems();
SELECT revision, is_head FROM cmig.history() ORDER BY 1;
SELECT * FROM cmig.downgrade('-1');
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET down_revision = '{003}' WHERE revision = '003';
SELECT * FROM problems();
SELECT * FROM cmig.upgrade('heads');
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET depends_on = '{002}' WHERE revision = '002';
SELECT * FROM problems();
SELECT * FROM cmig.upgrade('heads');
ROLLBACK;
-- a parent that is named twice, and one that is also a dependency, are not defects
BEGIN;
UPDATE cmig.revision SET down_revision = '{002,002}', depends_on = '{002,001}' WHERE revision = '003';
SELECT * FROM problems();
SELECT revision FROM cmig.plan('upgrade', 'head');
ROLLBACK;

-- labels: duplicate, equal to an id, used as a parent, reserved
BEGIN;
UPDATE cmig.revision SET branch_labels = '{api}' WHERE revision IN ('001', '003');
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET branch_labels = '{003}' WHERE revision = '001';
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET branch_labels = '{api}' WHERE revision = '002';
UPDATE cmig.revision SET down_revision = '{api}' WHERE revision = '003';
\set ECHO all
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
ROLLBACK;
BEGIN;
UPDATE cmig.revision SET branch_labels = '{head}' WHERE revision = '002';
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- dependencies: an unknown one; by label and by id they are valid, by a partial id not
BEGIN;
UPDATE cmig.revision SET depends_on = '{nosuch}' WHERE revision = '003';
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- ids
BEGIN;
INSERT INTO cmig.revision (revision) VALUES (''), (' '), ('a b'), ('a:b'), ('{x}'), ('base'), (repeat('z', 129)), (E'tab\t'), (E'nbsp\u00a0');
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
ROLLBACK;
-- 128 bytes, and letters of any language, are valid
BEGIN;
INSERT INTO cmig.revision (revision, down_revision) VALUES (repeat('z', 128), '{003}'), ('größe_数', ARRAY[repeat('z', 128)]);
SELECT * FROM problems();
SELECT count(*) FROM cmig.plan('upgrade', 'größe');
ROLLBACK;

-- arrays that are not one-dimensional lists
BEGIN;
UPDATE cmig.revision SET down_revision = ARRAY[NULL] WHERE revision = '003';
UPDATE cmig.revision SET depends_on = '{{001},{002}}' WHERE revision = '002';
SELECT * FROM problems();
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- all at once: one error
\set ECHO none
BEGIN;
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels) VALUES
('c1', '{c2}', '{}', '{api}'), ('c2', '{c1}', '{}', '{api}'), ('self', '{self}', '{}', '{002}'),
('lost', '{nowhere}', '{nothing}', '{}'), ('heads', '{}', '{}', '{"a,b"}');
\set ECHO all
SELECT * FROM problems();
SELECT * FROM cmig.current();
SELECT revision FROM cmig.history() ORDER BY revision;
SELECT * FROM cmig.status() WHERE item IN ('current', 'pending', 'problems', 'error');
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- more defects than an error shows
BEGIN;
INSERT INTO cmig.revision (revision, down_revision) SELECT 'r' || i, ARRAY['p' || i] FROM generate_series(1, 3000) i;
SELECT * FROM cmig.upgrade();
ROLLBACK;

-- version rows: an unknown one
INSERT INTO cmig.version VALUES ('feed0000beef');
SELECT * FROM cmig.current();
SELECT * FROM problems();
SELECT * FROM cmig.status() WHERE item NOT IN ('database', 'pending written by');
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
 SELECT * FROM cmig.upgrade();
 SELECT * FROM cmig.downgrade('base');
 SELECT * FROM cmig.stamp('003');
 SELECT cmig.require();
$calls$);
\set ECHO all
SELECT revision, is_current, applied FROM cmig.history();
SELECT * FROM cmig.stamp('002', purge => true);
SELECT * FROM problems();
-- and one below another, as a restore over a live database leaves it
INSERT INTO cmig.version VALUES ('001');
SELECT * FROM cmig.current();
SELECT * FROM problems();
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.downgrade('001');
SELECT * FROM cmig.stamp('003');
-- that error comes first with any target
SELECT * FROM cmig.upgrade('+1');
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('002@-1');
$calls$);
\set ECHO all
CALL cmig.downgrade_stepwise('-1');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT revision FROM cmig.plan('downgrade', '-1');
SELECT cmig.script('downgrade', '-1');
SELECT cmig.require();
SELECT cmig.require('002');
$calls$);
\set ECHO all
-- the version rows of other branches stay
INSERT INTO cmig.revision (revision) VALUES ('x1');
INSERT INTO cmig.version VALUES ('x1');
SELECT cmig.require();
SELECT * FROM cmig.stamp(ARRAY['002', 'x1'], purge => true);
DELETE FROM cmig.version WHERE revision = 'x1';
DELETE FROM cmig.revision WHERE revision = 'x1';
-- the stamp that fixes it is journaled
INSERT INTO cmig.version VALUES ('001');
SELECT max(id) AS last FROM cmig.journal \gset
SELECT * FROM cmig.stamp('002', purge => true);
SELECT revision, direction, outcome, message FROM cmig.journal WHERE id > :last ORDER BY id;
SELECT * FROM cmig.check() WHERE severity <> 'notice';
\set VERBOSITY sqlstate
-- the pending revisions, and how to run them
SELECT cmig.require();
INSERT INTO cmig.revision (revision, down_revision, transactional) VALUES ('004', '{003}', false);
SELECT cmig.require();
SELECT cmig.require('003');
DELETE FROM cmig.revision WHERE revision = '004';
SELECT * FROM problems();
-- an error lists ten of many defects
INSERT INTO cmig.revision (revision, down_revision)
SELECT 'lost' || lpad(i::text, 2, '0'), '{gone}' FROM generate_series(1, 13) i;
SELECT * FROM cmig.upgrade();
\set ECHO none
DELETE FROM cmig.revision WHERE revision LIKE 'lost%';
DROP FUNCTION problems();
DROP EXTENSION pg_cmig CASCADE;
