-- cmig.locate finds the revision whose schema the database has.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_locate;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
('001', '{}', 'CREATE TABLE account (id int PRIMARY KEY, email text)', ''),
('003', '{001}', 'ALTER TABLE account ADD note text', ''),
('004', '{003}', 'UPDATE account SET note = email; UPDATE pg_index SET indisready = indisready WHERE false', ''),
('005', '{004}', 'ALTER TABLE account DROP email; CREATE VIEW notes AS SELECT note FROM account', '');
SET client_min_messages = warning;
\set ECHO all
SELECT count(*) FROM cmig.upgrade('003');
RESET client_min_messages;

-- the version table was lost, or names a revision that is unknown or not the right one
DELETE FROM cmig.version;
INSERT INTO cmig.version VALUES ('gone');
SELECT * FROM cmig.locate();
SELECT cmig.stamp('003', purge => true);
ALTER TABLE account ADD byhand int;
CREATE SCHEMA theirs AUTHORIZATION regress_locate CREATE TABLE other (id int);

-- a role must own the schemas; a revision that cannot be replayed is left out
GRANT ALL ON SCHEMA public TO regress_locate;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_locate', 'migrator');
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1 / count(*) FROM account' WHERE revision = '004';
SET ROLE regress_locate;
\set VERBOSITY sqlstate
SELECT * FROM cmig.locate();
RESET ROLE;
\set VERBOSITY default
SELECT revision, differences, hint FROM cmig.locate('{theirs.*,schema:theirs}') LIMIT 1;
ALTER TABLE account DROP byhand;
SELECT * FROM cmig.locate('{theirs.*,schema:theirs}') LIMIT 1;
DROP SCHEMA theirs CASCADE;
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = 'UPDATE account SET note = email' WHERE revision = '004';

-- branches, a merge, a dependency, and a repeatable revision
INSERT INTO cmig.revision (revision, down_revision, depends_on, upgrade_sql, downgrade_sql) VALUES
('a1', '{005}', '{}', 'CREATE EXTENSION hstore; CREATE TABLE a1 (h hstore)', 'DROP TABLE a1; DROP EXTENSION hstore'),
('b1', '{005}', '{}', 'CREATE TABLE b1 (id int)', 'DROP TABLE b1'),
('b2', '{b1}', '{}', 'SELECT 1 / count(*) FROM b1; CREATE TABLE b2 (id int)', 'DROP TABLE b2'),
('m', '{a1,b2}', '{}', 'CREATE TABLE merged (id int)', 'DROP TABLE merged'),
('x1', '{}', '{a1}', 'CREATE SCHEMA x CREATE TABLE x1 (id int)', 'DROP SCHEMA x CASCADE');
INSERT INTO cmig.revision (revision, repeatable, upgrade_sql) VALUES ('totals', true, 'CREATE OR REPLACE VIEW totals AS SELECT count(*) FROM account');
SET client_min_messages = warning;
\set ECHO all
SELECT count(*) FROM cmig.upgrade(ARRAY['x1', 'b1']);
RESET client_min_messages;
DELETE FROM cmig.version;
SELECT revision, differences, hint FROM cmig.locate() LIMIT 3;
SELECT cmig.stamp(ARRAY['b1', 'x1']);
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE b2 (id int)' WHERE revision = 'b2';
SET client_min_messages = warning;
SELECT count(*) FROM cmig.upgrade('m');
RESET client_min_messages;
DELETE FROM cmig.version;
DELETE FROM cmig.journal;
SELECT revision, differences, hint FROM cmig.locate() LIMIT 1;

\set VERBOSITY sqlstate
-- errors
SELECT * FROM cmig.locate('{nosuch:*.x}');
SET cmig.scope = 'tenant';
SELECT * FROM cmig.locate();
RESET cmig.scope;
BEGIN READ ONLY;
SELECT * FROM cmig.locate();
\set ECHO none
ROLLBACK;
SET client_min_messages = warning;
DROP EXTENSION pg_cmig;
DROP SCHEMA x CASCADE;
DROP EXTENSION hstore CASCADE;
DROP VIEW notes, totals;
DROP TABLE account, a1, b1, b2, merged;
DROP OWNED BY regress_locate;
DROP ROLE regress_locate;
