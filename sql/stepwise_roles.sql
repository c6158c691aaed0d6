-- Stepwise runs by a migrator that is not a superuser, with scripts that run as the
-- role that owns the schema.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_step_migrator;
CREATE ROLE "regress step owner";
GRANT "regress step owner" TO regress_step_migrator;
CREATE SCHEMA app AUTHORIZATION "regress step owner";
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_step_migrator', 'migrator');
\set ECHO none
CREATE TABLE gate (open boolean);
GRANT SELECT ON gate TO "regress step owner";
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql, verify_sql) VALUES
('01', '{}', true, 'CREATE TABLE app.item (id int PRIMARY KEY, a int, b int);
	INSERT INTO app.item SELECT i, i FROM generate_series(1, 100) i', 'DROP TABLE app.item', NULL),
('02', '{01}', false, $$
	SET search_path = app, public;
	CREATE INDEX CONCURRENTLY ON item (a);
	CALL cmig.backfill('item', 'b = 1', 'b IS NULL');
	CALL cmig.backfill('item', 'b = b + 1', batch_size => 30);
	CALL cmig.add_not_null('item', 'b');
	CALL cmig.add_unique('item', 'a');
	DO $do$ BEGIN UPDATE item SET b = b + 1; COMMIT; END $do$;
	SET ROLE regress_step_migrator;
	SELECT 1;
	RESET ROLE;
	VACUUM item;
	SELECT 1 / count(*) FROM gate;
	CREATE TABLE app.who AS SELECT current_user AS role$$,
 $$DROP TABLE app.who; ALTER TABLE app.item DROP CONSTRAINT item_a_key; DROP INDEX CONCURRENTLY app.item_a_idx;
	CALL cmig.backfill('app.item', 'b = b - 1')$$, 'SELECT min(b) = 3 AS three FROM app.item');

SET SESSION AUTHORIZATION regress_step_migrator;
SET cmig.role = 'regress step owner';
\set ECHO all
-- the owner of the schema has no access to pg_cmig
CALL cmig.upgrade_stepwise();
SELECT item, value FROM cmig.status() WHERE item IN ('failed', 'partially applied');
\set ECHO none
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA cmig TO "regress step owner";
SET SESSION AUTHORIZATION regress_step_migrator;
\set VERBOSITY terse
\set ECHO all
CALL cmig.upgrade_stepwise();
\set ECHO none
RESET SESSION AUTHORIZATION;
GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA cmig TO "regress step owner";
SET SESSION AUTHORIZATION regress_step_migrator;
\set VERBOSITY default
\set ECHO all
-- but may not read the progress of the run
CALL cmig.upgrade_stepwise();
SELECT current_user, current_setting('role'), current_setting('cmig.role');
RESET SESSION AUTHORIZATION;
INSERT INTO gate VALUES (true);
SET SESSION AUTHORIZATION regress_step_migrator;
CALL cmig.upgrade_stepwise();
SELECT revision, direction, outcome, role, session_role FROM cmig.journal ORDER BY id;
SELECT target, set_sql, state, rows FROM cmig.backfill_progress ORDER BY id;
RESET SESSION AUTHORIZATION;
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'app'::regnamespace ORDER BY relname COLLATE "C";
SELECT role FROM app.who;
SET SESSION AUTHORIZATION regress_step_migrator;
CALL cmig.downgrade_stepwise('01');
CALL cmig.downgrade_stepwise('base');
-- without the level, nothing is run
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION "regress step owner";
\set VERBOSITY sqlstate
CALL cmig.upgrade_stepwise();
\set ECHO none
RESET SESSION AUTHORIZATION;

RESET cmig.role;
DROP TABLE gate;
DROP SCHEMA app CASCADE;
DROP EXTENSION pg_cmig;
DROP OWNED BY "regress step owner", regress_step_migrator;
DROP ROLE regress_step_migrator, "regress step owner";
