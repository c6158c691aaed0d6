--
-- cmig.restore_point: restore points before and after a run
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
INSERT INTO cmig.revision (revision, down_revision, downgrade_sql) VALUES ('001', '{}', ''), ('002', '{001}', ''), ('003', '{002}', '');
SHOW cmig.restore_point;
SET cmig.restore_point = on;
CREATE VIEW points AS SELECT revision, direction, outcome,
	regexp_replace(message, '[0-9]{8}_[0-9]{6}_[0-9]{6}', '<time>', 'g') AS message FROM cmig.journal ORDER BY id;
SELECT revision FROM cmig.upgrade('002');
CALL cmig.upgrade_stepwise();
CALL cmig.downgrade_stepwise('001');
SELECT revision FROM cmig.downgrade('base');
SELECT * FROM points;
-- the NOTICE names both
\setenv PGDATABASE :DBNAME
\! psql -Xq -c "SET cmig.restore_point = on" -c "SELECT revision FROM cmig.upgrade('001')" -c "CALL cmig.downgrade_stepwise('base')" 2>&1 | sed -E 's/[0-9]{8}_[0-9]{6}_[0-9]{6}/<time>/g'
-- a reset is one run; a transaction can have several
SELECT revision FROM cmig.upgrade('002');
BEGIN;
SELECT revision FROM cmig.reset('contrib_regression');
SELECT revision FROM cmig.downgrade('base');
COMMIT;
SELECT * FROM points OFFSET 8;
-- nothing to do
SELECT revision FROM cmig.downgrade('base');
-- a savepoint that is rolled back
BEGIN;
SAVEPOINT a;
SELECT revision FROM cmig.upgrade('001');
ROLLBACK TO a;
COMMIT;
-- without the privilege
CREATE ROLE regress_restore_point;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_restore_point', 'migrator');
SET ROLE regress_restore_point;
SELECT revision FROM cmig.upgrade('001');
RESET ROLE;
GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO regress_restore_point;
SET ROLE regress_restore_point;
SELECT revision FROM cmig.upgrade('001');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION pg_create_restore_point(text) FROM regress_restore_point;
-- a dry run creates none
SELECT revision, error FROM cmig.dry_run();
RESET cmig.restore_point;
DROP VIEW points;
SELECT count(*) > 0 AS revoked FROM cmig.revoke_access('regress_restore_point');
DROP EXTENSION pg_cmig;
DROP ROLE regress_restore_point;
