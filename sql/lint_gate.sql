--
-- cmig.lint_policy: before an upgrade, the scripts run on empty copies; only what depends neither
-- on rows nor on what could not be copied stops the upgrade
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
\set ECHO none
CREATE SCHEMA shop;
SET search_path = shop, public;
SET cmig.search_path = 'shop, public';
SET cmig.lint_ignore = 'require-lock-timeout, require-statement-timeout, prefer-bigint-over-int, dependent-objects';
SET cmig.lint_policy = error;
SET client_min_messages = warning;
CREATE TABLE item (id serial PRIMARY KEY, name text NOT NULL, amount integer);
INSERT INTO item (name, amount) SELECT 'x', i FROM generate_series(1, 100) i;
CREATE TABLE line (item integer REFERENCES item);
INSERT INTO line VALUES (1);
ANALYZE item, line;
-- upgrade, and take it back
CREATE FUNCTION public.try(script text, OUT result text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cmig.create_revision('Try', script, '-- nothing', revision => 'r1');
	BEGIN
		PERFORM cmig.upgrade();
		RAISE EXCEPTION USING ERRCODE = 'TRY00';
	EXCEPTION WHEN SQLSTATE 'TRY00' THEN
		result := 'applied';
	WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS result = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	END;
	DELETE FROM cmig.revision;
END $$;

-- what code drops, empties, or exposes
\x
\set ECHO all
SELECT * FROM try('DO $x$ BEGIN EXECUTE ''DROP TABLE li'' || ''ne''; END $x$');
SELECT * FROM try('CREATE FUNCTION tidy() RETURNS void LANGUAGE sql BEGIN ATOMIC SELECT NULL; END;
	DO $x$ BEGIN ALTER TABLE item DROP COLUMN name; END $x$');
\x
SELECT result, detail FROM try('-- cmig:ignore ban-drop-table
	DO $x$ BEGIN DROP TABLE line; END $x$');
-- a statement that fails, in its line
SELECT result, detail FROM try(E'ALTER TABLE item ADD COLUMN note text;\n\nALTER TABLE item\n\tADD COLUMN other nosuch');
SELECT result, detail FROM try('CREATE TABLE other (id integer); CREATE TABLE line (id integer)');
SELECT result, detail FROM try('SELECT nothing FROM item');
-- accepted: it fails when it runs
SELECT result, detail FROM try('-- cmig:ignore statement-fails
	CREATE TABLE line (id integer)');

-- what depends on rows: it is applied, or fails when it runs, but does not stop the upgrade before
SELECT * FROM try('DO $x$ BEGIN IF NOT EXISTS (SELECT FROM line) THEN DROP TABLE line; END IF; END $x$');
SELECT * FROM try('DO $x$ BEGIN IF NOT EXISTS (SELECT FROM line) THEN ALTER TABLE nothing ADD COLUMN a integer; END IF; END $x$');
SELECT * FROM try('DO $x$ BEGIN IF NOT EXISTS (SELECT FROM line) THEN RAISE EXCEPTION ''no lines''; END IF; END $x$');
SELECT * FROM try('DO $x$ BEGIN PERFORM 1 / (SELECT count(*) FROM line); CREATE TABLE made (); END $x$; ALTER TABLE made ADD COLUMN a integer');
SELECT * FROM try('INSERT INTO line VALUES (1); ALTER TABLE line ADD COLUMN b integer');
SELECT nextval('item_id_seq') > 50;
SELECT * FROM try('ALTER SEQUENCE item_id_seq MINVALUE 20 START 20');
-- a new function that fails on rows, or on their absence
SELECT * FROM try('CREATE FUNCTION pick() RETURNS integer LANGUAGE plpgsql AS ''DECLARE n integer; BEGIN SELECT item INTO STRICT n FROM shop.line; RETURN n; END''; SELECT pick()');
-- what a replay leaves out may be needed later
SELECT * FROM try('-- cmig:replay skip
	CREATE TABLE skipped (); ALTER TABLE skipped ADD COLUMN a integer');
-- sessions have their own tables
CREATE TEMP TABLE mine (a integer);
SELECT * FROM try('INSERT INTO item (name) SELECT a FROM mine; ALTER TABLE mine ADD COLUMN b text');

-- what a script leaves in the session, and what it reads only once
SELECT * FROM try('PREPARE p AS SELECT 1; EXECUTE p; LISTEN l; SET TIME ZONE ''UTC''; CREATE TABLE seen AS SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid(); DO $x$ BEGIN IF NOT EXISTS (SELECT FROM seen WHERE query ~ ''^pg_cmig: upgrade of r1, statement 5'') THEN RAISE EXCEPTION ''wrong''; END IF; END $x$');

-- within a time, after which the upgrade has its own
SET cmig.dry_run_timeout = '200ms';
SELECT * FROM try('DO $x$ BEGIN PERFORM pg_sleep(0.4); END $x$; CREATE TABLE slow ()');
RESET cmig.dry_run_timeout;

-- what a role can only do in a schema of another role does not run before
CREATE ROLE regress_gate;
GRANT CREATE, USAGE ON SCHEMA shop TO regress_gate;
SELECT * FROM cmig.grant_access('regress_gate', 'owner') \g /dev/null
GRANT EXECUTE ON FUNCTION try TO regress_gate;
SET SESSION AUTHORIZATION regress_gate;
SELECT * FROM try('CREATE TABLE own (a integer); DO $x$ BEGIN ALTER TABLE shop.own ADD COLUMN b integer; INSERT INTO shop.own VALUES (1, 2); END $x$; CREATE INDEX own_a ON own (a); ALTER INDEX own_a RENAME TO own_b; DROP TABLE own');
SELECT * FROM try('CREATE TABLE own (a integer); CREATE INDEX own_a ON own (a)');
RESET SESSION AUTHORIZATION;

-- an unfinished stepwise run continues
SET cmig.lint_ignore = 'require-lock-timeout, require-statement-timeout, prefer-bigint-over-int, dependent-objects, ban-drop-column, prefer-robust-stmts';
SELECT cmig.create_revision('Steps', 'ALTER TABLE item ADD COLUMN s integer; ALTER TABLE line ADD COLUMN s integer', '-- nothing', revision => 's1', transactional => false);
ALTER TABLE line ADD COLUMN s integer;
\set VERBOSITY sqlstate
-- cmig:ignore is for lint only: the second statement fails when it runs
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'ALTER TABLE line', E'-- cmig:ignore statement-fails\nALTER TABLE line');
CALL cmig.upgrade_stepwise();
ALTER TABLE line DROP COLUMN s;
SELECT rule, message FROM cmig.lint(rehearse => true) WHERE rule = 'not-rehearsed';
CALL cmig.upgrade_stepwise();
\set VERBOSITY default
SELECT revision FROM cmig.current();
-- cmig.check
SELECT cmig.create_revision('Check', 'DO $x$ BEGIN DROP TABLE line; END $x$', '-- nothing', revision => 'c1');
SELECT severity, problem FROM cmig.check() WHERE object = 'lint';
SELECT severity, problem, fix FROM cmig.check(rehearse => true) WHERE object = 'lint';
SELECT cmig.remove_revision('c1');
-- what an expansion creates is not copied
SELECT cmig.create_revision('Expand', 'ALTER TABLE item RENAME name TO title', 'ALTER TABLE item RENAME title TO name', revision => 'e1', expand => true);
CALL cmig.expand(confirm => true);
SELECT message FROM cmig.lint(rehearse => true) WHERE rule = 'not-rehearsed';
CALL cmig.contract();
-- warn
SET cmig.lint_policy = warn;
SELECT cmig.create_revision('Warn', 'DO $x$ BEGIN DROP TABLE line; END $x$', '-- nothing', revision => 'w1');
SELECT revision FROM cmig.upgrade();
SELECT to_regclass('line');

\set ECHO none
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_gate;
DROP ROLE regress_gate;
DROP FUNCTION public.try(text);
DROP EXTENSION pg_cmig CASCADE;
