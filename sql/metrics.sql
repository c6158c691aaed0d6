--
-- The view cmig.metrics: every metric, and who may read it.  t/048_run_control.pl reads it during
-- runs and with exporters, t/012_standby.pl on a standby, t/047_run_status.pl after failed runs
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;
CREATE ROLE regress_monitor;
CREATE VIEW shown AS SELECT name, labels, CASE WHEN name ~ '_(seconds|bytes|per_second)$' THEN (value > 0)::text ELSE value::text END AS value, type
FROM cmig.metrics WHERE name !~ 'pg_cmig_(last_)?failure';
\set ECHO all
SELECT * FROM shown;
-- rows that were written by hand, and strings with backslashes
\set ECHO none
BEGIN;
INSERT INTO cmig.measured (name, labels, value) VALUES ('lock_retries', '1', 1.7e308), ('lock_retries', '[]', 1.7e308), ('rls_findings', '{}', 'NaN');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role) VALUES (-9223372036854775808, 'x', 'upgrade', 'done', '4713-01-01 BC', '1 s', 'x');
-- from PostgreSQL 19 on, it is always on
SELECT current_setting('server_version_num')::int < 190000 AS can_be_off \gset
\if :can_be_off
SET LOCAL standard_conforming_strings = off;
\endif
SET LOCAL client_min_messages = warning;
\set ECHO all
SELECT name, value, type FROM cmig.metrics WHERE name ~ 'retries|findings';
ROLLBACK;

-- revisions, a run, drift, findings, the audit log, and scopes
SELECT cmig.create_revision('one', 'CREATE TABLE account (id int PRIMARY KEY, user_id uuid, n int)', '', revision => '001');
SELECT cmig.create_revision('two', 'SELECT pg_sleep(0.1)', '', revision => '002');
SELECT cmig.create_revision('three', 'CALL cmig.backfill(''account'', ''n = 1'', ''n IS NULL'', 100)', '', revision => '003', transactional => false);
SELECT count(*) FROM cmig.upgrade('001');
SELECT count(*) FROM cmig.enable_rls('account', user_column => 'user_id', roles => '{regress_monitor}');
SELECT count(*) FROM cmig.enable_audit('account');
SELECT count(*) > 0 AS drift FROM cmig.drift('public');
SELECT count(*) > 0 AS findings FROM cmig.rls_check();
CREATE SCHEMA tenant;
INSERT INTO cmig.scope_version VALUES ('tenant', '001');
SELECT * FROM shown WHERE name !~ 'lock_|run_|runs_|backfill';
SELECT value = (SELECT count(*) FROM cmig.rls_check() c WHERE c.severity = m.labels ->> 'severity') AS same FROM cmig.metrics m WHERE name = 'pg_cmig_rls_findings';
-- the last check counts, of each schema and of all; one in a read-only transaction is not stored
BEGIN READ ONLY;
SELECT count(*) > 0 AS findings FROM cmig.rls_check();
ROLLBACK;
CREATE TABLE bare (user_id uuid);
SELECT count(*) > 0 AS findings FROM cmig.rls_check('tenant');
SELECT count(*) > 0 AS findings FROM cmig.rls_check('tenant');
SELECT labels ->> 'schema' AS schema, labels ->> 'severity' AS severity, value > 0 AS some FROM cmig.metrics WHERE name = 'pg_cmig_rls_findings';
SELECT count(*) FROM cmig.measured;
DROP TABLE bare;

-- a stepwise run that fails in a backfill, which then is unfinished
\set ECHO none
INSERT INTO account SELECT i, NULL, NULL FROM generate_series(1, 1000) i;
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF OLD.id > 900 THEN RAISE 'no'; END IF; RETURN NEW; END$$;
CREATE TRIGGER fail BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION fail();
\set VERBOSITY terse
\set ECHO all
CALL cmig.upgrade_stepwise();
\set VERBOSITY default
SELECT name, labels - 'id' AS labels, CASE name WHEN 'pg_cmig_backfill_rows' THEN (value::numeric BETWEEN 1 AND 900)::text
	WHEN 'pg_cmig_backfill_rows_to_do' THEN (value::numeric BETWEEN 100 AND 999)::text ELSE value END AS value
FROM shown WHERE name ~ 'run_|runs_|backfill|stepwise|revisions';
DROP TRIGGER fail ON account;
CALL cmig.upgrade_stepwise();
SELECT * FROM shown WHERE name ~ 'run_|runs_|backfill|stepwise|revisions';
-- the steps of a run count together
CALL cmig.downgrade_stepwise('base');
SELECT m.value >= extract(epoch FROM sum(j.elapsed)) - 0.001 AS duration FROM cmig.metrics m, cmig.journal j
WHERE m.name = 'pg_cmig_last_run_duration_seconds' AND j.scope = '' AND j.direction = 'downgrade' GROUP BY m.value;
-- and only those; a row with an odd time does no harm
UPDATE cmig.revision SET upgrade_sql = '';
CALL cmig.upgrade_stepwise();
SELECT m.value = (SELECT extract(epoch FROM started_at) FROM cmig.journal WHERE revision = '001' ORDER BY id DESC LIMIT 1) AS began
FROM cmig.metrics m WHERE m.name = 'pg_cmig_last_run_timestamp_seconds';
UPDATE cmig.journal SET started_at = 'infinity' WHERE revision = '002';
SELECT count(*) FROM cmig.metrics WHERE name ~ 'last_run';

-- the runs of scopes
INSERT INTO cmig.journal (id, scope, revision, direction, outcome, started_at, elapsed, role) VALUES
	(1000, 'tenant', '001', 'upgrade', 'done', '2026-01-01 12:00+00', '1 s', CURRENT_USER);
SELECT name, to_timestamp(value) = '2026-01-01 12:00+00' AS began FROM cmig.metrics WHERE name ~ 'scopes_last_run';

-- who may read it: a role with the level "monitor" can read nothing else
SELECT statement FROM cmig.grant_access('regress_monitor', 'monitor');
SELECT count(*) AS not_granted FROM cmig.check() WHERE object ~ 'regress_monitor';
SET ROLE regress_monitor;
SET cmig.scope = 'tenant';
SELECT name, value FROM cmig.metrics WHERE name ~ 'applied|scopes';
SELECT count(*) FROM cmig.journal;
SELECT * FROM cmig.metric_counts();
SELECT * FROM cmig.status();
RESET ROLE;
RESET cmig.scope;
SELECT count(*) FROM cmig.revoke_access('regress_monitor');
SET ROLE regress_monitor;
SELECT * FROM cmig.metrics;
\set ECHO none
RESET ROLE;

DROP VIEW shown;
DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA cmig_audit CASCADE;
DROP SCHEMA tenant;
DROP TABLE IF EXISTS account;
DROP FUNCTION fail;
DROP OWNED BY regress_monitor;
DROP ROLE regress_monitor;
