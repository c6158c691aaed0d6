--
-- The extension's tables dropped or altered by their owner: clean errors
--
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, downgrade_sql) VALUES ('001', '');
SELECT count(*) FROM cmig.upgrade();

BEGIN;
ALTER EXTENSION pg_cmig DROP TABLE cmig.version;
DROP TABLE cmig.version;
SELECT * FROM cmig.current();
ROLLBACK;
\set VERBOSITY terse
BEGIN;
ALTER TABLE cmig.revision DROP COLUMN depends_on;
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
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision ALTER message DROP NOT NULL, ALTER transactional DROP NOT NULL, ALTER down_revision DROP NOT NULL;
INSERT INTO cmig.revision (revision, down_revision, message, transactional) VALUES ('002', NULL, NULL, NULL);
SELECT revision, down_revision, message FROM cmig.history();
SELECT revision, transactional FROM cmig.plan('upgrade', '002');
SELECT revision FROM cmig.upgrade('002');
ROLLBACK;
BEGIN;
ALTER TABLE cmig.revision DROP CONSTRAINT revision_pkey;
INSERT INTO cmig.revision (revision) VALUES ('001');
SELECT object, problem, fix FROM cmig.check() WHERE severity = 'error';
ROLLBACK;
BEGIN;
ALTER TABLE cmig.version DROP CONSTRAINT version_pkey;
INSERT INTO cmig.version VALUES ('001');
SELECT revision FROM cmig.current();
SELECT * FROM cmig.upgrade();
SELECT revision FROM cmig.downgrade('base');
ROLLBACK;
BEGIN;
ALTER TABLE cmig.version ADD COLUMN note text, ALTER revision TYPE varchar(20);
SELECT revision FROM cmig.downgrade('base');
SELECT revision FROM cmig.upgrade();
ROLLBACK;
BEGIN;
ALTER TABLE cmig.journal RENAME TO journal_kept;
SELECT revision FROM cmig.downgrade('base');
ROLLBACK;
-- a view in the place of a table reads as well
BEGIN;
ALTER TABLE cmig.version RENAME TO version_real;
CREATE VIEW cmig.version AS SELECT revision FROM cmig.version_real;
SELECT revision FROM cmig.current();
SELECT revision FROM cmig.downgrade('base');
SELECT revision FROM cmig.current();
ROLLBACK;
-- all is as before
SELECT revision FROM cmig.current();
SELECT revision FROM cmig.downgrade('base');
DROP EXTENSION pg_cmig CASCADE;
