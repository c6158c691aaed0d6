--
-- cmig.pause, cmig.resume_run, cmig.throttle: what they accept, store, and return.
-- t/048_run_control.pl tests their effect on running backfills
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."a.b" (id int PRIMARY KEY, n int);
CREATE TABLE account (id int PRIMARY KEY, n int);
CREATE VIEW account_view AS SELECT * FROM account;
INSERT INTO account SELECT generate_series(1, 1000);
INSERT INTO "Odd one"."a.b" SELECT generate_series(1, 10);
\set ECHO all
SELECT cmig.create_revision('fill', 'CALL cmig.backfill(''account'', ''n = 1'', ''n IS NULL'')', '', revision => '006', transactional => false);
SELECT * FROM cmig.pause('account');
SELECT * FROM cmig.pause('006');
SELECT * FROM cmig.pause('"Odd one"."a.b"');
SELECT * FROM cmig.throttle('006', 5000);
SELECT * FROM cmig.throttle('all', 100);
-- the stricter limit applies
SELECT * FROM cmig.throttle('account', 200);
CREATE VIEW control AS SELECT kind, name, paused, max_rows_per_second, role = current_user AS own FROM cmig.run_control;
SELECT * FROM control ORDER BY kind, name COLLATE "C";
SELECT * FROM cmig.resume_run('account');
SELECT * FROM cmig.resume_run('account');
SELECT * FROM cmig.resume_run('all');
SELECT * FROM cmig.resume_run('all');
SELECT * FROM control ORDER BY kind, name COLLATE "C";
SELECT * FROM cmig.throttle('006', NULL);
SELECT * FROM cmig.throttle('all', NULL);
SELECT * FROM control;

-- errors
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.pause('nothing');
SELECT * FROM cmig.pause('no.such');
SELECT * FROM cmig.pause('a b; c');
SELECT * FROM cmig.pause('account_view');
SELECT * FROM cmig.pause('');
SELECT * FROM cmig.resume_run(NULL);
SELECT * FROM cmig.throttle(' ', 1);
SELECT * FROM cmig.throttle('account', 0);
SELECT * FROM cmig.throttle('account', -1);
$calls$);
\set ECHO all
BEGIN READ ONLY;
SELECT * FROM cmig.pause('account');
ROLLBACK;

-- a paused backfill waits until it is canceled; what it has updated remains, and it is still
-- paused when it is called again.  A trigger pauses it after the first batch
\set ECHO none
CREATE FUNCTION pause_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
	IF OLD.id = 1 THEN PERFORM cmig.pause('account'); END IF; RETURN NEW; END$$;
CREATE TRIGGER pause_it BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION pause_it();
SET cmig.run_timeout = '2s';
\set VERBOSITY sqlstate
\set ECHO all
CALL cmig.backfill('account', 'n = 1', 'n IS NULL', 300);
DROP TRIGGER pause_it ON account;
CALL cmig.backfill('account', 'n = 1', 'n IS NULL', 300);
\set VERBOSITY default
RESET cmig.run_timeout;
SELECT target, state, rows BETWEEN 200 AND 500 AS one_batch, rows_total, percent BETWEEN 20 AND 50 AS part, paused_by, max_rows_per_second, left(last_error, 7) AS last_error
FROM cmig.backfill_progress;
SELECT * FROM cmig.throttle('all', 100000);
SELECT * FROM cmig.resume_run('account');
\set VERBOSITY sqlstate
CALL cmig.backfill('account', 'n = 1', 'n IS NULL', 300);
\set VERBOSITY default
SELECT target, state, rows, rows_total, percent, paused_by, max_rows_per_second, last_error FROM cmig.backfill_progress;

-- what was set for a table or a revision ends with it; what was set for all remains
SELECT * FROM cmig.throttle('account', 100000);
SELECT * FROM cmig.throttle('006', 100000);
SELECT name FROM control ORDER BY name COLLATE "C";
UPDATE account SET n = NULL;
CALL cmig.upgrade_stepwise();
SELECT name FROM control ORDER BY name COLLATE "C";

-- a backfill in the caller's transaction does not wait, because its locks would remain
SELECT * FROM cmig.pause('all');
UPDATE account SET n = NULL;
BEGIN;
SET LOCAL cmig.concurrent_ddl = off;
CALL cmig.backfill('account', 'n = 1', 'n IS NULL');
COMMIT;
SELECT * FROM cmig.resume_run('all');

-- the number of rows to update, of many more, is estimated from a sample
CREATE TABLE large (id int PRIMARY KEY, n int, filler text);
INSERT INTO large SELECT i, CASE WHEN i > 90000 THEN NULL ELSE 0 END, repeat('x', 100) FROM generate_series(1, 100000) i;
CALL cmig.backfill('large', 'n = 1', 'n IS NULL', 4000);
SELECT rows, rows_total BETWEEN 7000 AND 13000 AS estimated FROM cmig.backfill_progress WHERE target = 'public.large';

-- who may call them
CREATE ROLE regress_control_reader;
CREATE ROLE regress_control_migrator;
SELECT count(*) > 0 AS granted FROM (VALUES ('reader'), ('migrator')) v(level), cmig.grant_access(('regress_control_' || level)::name, level);
SET ROLE regress_control_reader;
SELECT * FROM cmig.pause('all');
SELECT * FROM cmig.throttle('all', NULL);
SELECT kind, name, max_rows_per_second FROM cmig.run_control;
SET ROLE regress_control_migrator;
SELECT * FROM cmig.pause('006');
SELECT kind, name, role FROM cmig.run_control WHERE kind = 'revision';
SELECT * FROM cmig.resume_run('006');
RESET ROLE;
SELECT count(*) > 0 AS revoked FROM (VALUES ('reader'), ('migrator')) v(level), cmig.revoke_access(('regress_control_' || level)::name);
\set ECHO none
DROP ROLE regress_control_reader, regress_control_migrator;
DROP VIEW control;
-- rows that a migrator has written make no view or function fail
INSERT INTO cmig.backfill_run (target, set_sql, state, method, total, passed, rows, rows_total, active, started_at, updated_at)
	SELECT 'public.account', 'n = 1', 'running', 'ctid', t, p, r, o, a, 'infinity', '-infinity'
	FROM unnest('{NaN, Infinity, 1e-307}'::float8[]) t, unnest('{NaN, 1e308, 1e-307}'::float8[]) p,
	unnest('{-9223372036854775808, 0, 1, 9223372036854775807}'::bigint[]) r, unnest('{NULL, -9223372036854775808, 9223372036854775807}'::bigint[]) o,
	unnest('{-178000000 years, 0, 1 us, 178000000 years}'::interval[]) a;
\set ECHO all
SELECT count(p::text), min(percent) = 0 AS least, max(percent) = 100 AS most, count(DISTINCT p.rows) FROM cmig.backfill_progress p;
SELECT count(*) FROM cmig.metrics WHERE name ~ 'backfill_rows';
DELETE FROM cmig.backfill_run WHERE id % 10 > 0;
SELECT count(*) > 0 AS works FROM cmig.status() WHERE item = 'backfill';
SELECT count(*) > 0 AS works FROM cmig.preflight();
DROP EXTENSION pg_cmig;
DROP TABLE account, large CASCADE;
DROP FUNCTION pause_it;
DROP SCHEMA "Odd one" CASCADE;
