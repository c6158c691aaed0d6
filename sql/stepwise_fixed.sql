-- Resuming after the cause of a failure was fixed, if the script needs session state that only the
-- earlier call had
\pset format unaligned \pset footer off
\set ECHO none
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
CREATE TABLE gate (open boolean);
CREATE TABLE trace (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE VIEW looks AS SELECT item, value, hint FROM cmig.status() WHERE item IN ('failed', 'partially applied', 'running', 'interrupted');

-- settings are restored: SET, and set_config() with constants
INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql) VALUES ('01', false, $$
	SET my.a = 'set';
	SELECT set_config('my.b', 'config', false);
	SELECT pg_catalog.set_config('my.c', 'both', 'off') AS c, set_config('my.d'::text, E'too\n', null);
	SELECT set_config('my.e', 'local', true);
	SELECT set_config('my.f', 'a' || 'b', false);
	SELECT set_config('my.g', 'from', false) FROM generate_series(1, 2);
	SELECT set_config('my.h', 'filter', false) WHERE true;
	SELECT set_config('my.i', 'more', false), 1;
	RESET my.a;
	SET my.a = 'again';
	INSERT INTO trace (what) SELECT 'first';
	SELECT 1 / count(*) FROM gate;
	INSERT INTO trace (what) SELECT concat_ws(' ', l, '<' || current_setting('my.' || l, true) || '>') FROM unnest('{a,b,c,d,e,f,g,h,i}'::text[]) l$$, '');
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT current_setting('my.a', true) IS NOT DISTINCT FROM '' AS a, current_setting('my.b', true) IS NOT DISTINCT FROM '' AS b;
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY id;
SELECT current_setting('my.a', true) IS NOT DISTINCT FROM '' AS a, current_setting('my.b', true) IS NOT DISTINCT FROM '' AS b;
-- another schema's function with that name is not called again
TRUNCATE trace;
DELETE FROM gate;
CREATE FUNCTION set_config(a text, b text, c boolean) RETURNS text LANGUAGE sql AS $$INSERT INTO public.trace (what) VALUES (b); SELECT b$$;
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET upgrade_sql = 'SET search_path = public, pg_catalog; SELECT set_config(''my.a'', ''theirs'', false); SELECT 1 / count(*) FROM gate';
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
SELECT what FROM trace ORDER BY id;
DROP FUNCTION public.set_config;

-- session objects of an earlier statement are gone, and the hint says so
DELETE FROM gate;
TRUNCATE trace;
SELECT * FROM cmig.stamp('base');
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$
	CREATE TEMP TABLE mapping (a int);
	CREATE TABLE kept (a int);
	INSERT INTO mapping VALUES (1), (2);
	SELECT 1 / count(*) FROM gate;
	INSERT INTO kept SELECT * FROM mapping$$;
\set ECHO all
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
DELETE FROM cmig.progress WHERE revision = '01' AND statement IN (1, 3);
CALL cmig.upgrade_stepwise();
SELECT * FROM kept ORDER BY a;
DROP TABLE kept;
-- other kinds, and those that nobody can detect
CREATE PROCEDURE try(what text) LANGUAGE plpgsql SET client_min_messages = warning AS $$ BEGIN DELETE FROM gate; PERFORM cmig.stamp('base'); UPDATE cmig.revision SET upgrade_sql = what; END $$;
CALL try('PREPARE p AS SELECT 1; SELECT 1 / count(*) FROM gate; EXECUTE p');
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
CALL try('CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''SELECT 1''; SELECT 1 / count(*) FROM gate; ALTER FUNCTION pg_temp.f() COST 5');
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
CALL try('SELECT 1 AS a INTO TEMP t; CREATE INDEX ON t (a); SELECT 1 / count(*) FROM gate; SELECT * FROM t');
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
CALL try('DO $do$ BEGIN CREATE TEMP TABLE t (); END $do$; SELECT 1 / count(*) FROM gate; SELECT * FROM t');
CALL cmig.upgrade_stepwise();
INSERT INTO gate VALUES (true);
CALL cmig.upgrade_stepwise();
-- no such hint if nothing was passed over, or if the error does not concern the session
CALL try('SET work_mem = ''5MB''; SELECT * FROM no_such_table');
CALL cmig.upgrade_stepwise();
CALL cmig.upgrade_stepwise();
CALL try('SELECT 1; ALTER FUNCTION no_such_function() COST 5');
CALL cmig.upgrade_stepwise();
CALL cmig.upgrade_stepwise();

-- a backfill by key continues with a corrected set_sql, each row once
CREATE TABLE counted (id int PRIMARY KEY, other int, n int NOT NULL DEFAULT 0);
INSERT INTO counted SELECT i, -i FROM generate_series(1, 100) i;
CALL try($$CALL cmig.backfill('counted', 'n = n + 60 / (60 - id)', batch_size => 10)$$);
CALL cmig.upgrade_stepwise();
SELECT count(*) FILTER (WHERE n <> 0) FROM counted;
SELECT * FROM looks;
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = n + coalesce(60 / nullif(60 - id, 0), 7)', batch_size => 10)$$;
CALL cmig.upgrade_stepwise();
SELECT id AS run FROM cmig.backfill_run ORDER BY id DESC LIMIT 1 \gset
UPDATE cmig.backfill_run SET set_sql = 'n = n + coalesce(60 / nullif(60 - id, 0), 7)' WHERE id = :run;
CALL cmig.upgrade_stepwise();
SELECT count(*) FILTER (WHERE n = coalesce(60 / nullif(60 - id, 0), 7)) AS once, count(*) FROM counted;
SELECT set_sql, state, rows, key FROM cmig.backfill_run r JOIN cmig.backfill_progress USING (id, set_sql, state, rows) ORDER BY id;
-- the same outside of revisions
UPDATE counted SET n = 0;
CALL cmig.backfill('counted', 'n = n + 60 / (60 - id)', batch_size => 10);
CALL cmig.backfill('counted', 'n = n + coalesce(60 / nullif(60 - id, 0), 7)', batch_size => 10);
SET cmig.concurrent_ddl = off;
CALL cmig.backfill('counted', 'n = n + 1');
RESET cmig.concurrent_ddl;
CALL cmig.backfill('counted', 'n = 1', 'n = -1');
CALL cmig.backfill('counted', 'other = 0 - id');
SELECT id AS run FROM cmig.backfill_run WHERE state <> 'done' \gset
UPDATE cmig.backfill_run SET set_sql = 'n = n + coalesce(60 / nullif(60 - id, 0), 7)' WHERE id = :run;
CALL cmig.backfill('counted', 'n = n + coalesce(60 / nullif(60 - id, 0), 7)', batch_size => 10);
SELECT count(*) FILTER (WHERE n = coalesce(60 / nullif(60 - id, 0), 7)) AS once, count(*) FROM counted;
-- but only in the order of the same key
CALL cmig.backfill('counted', 'n = 60 / (60 - id)', batch_size => 10);
ALTER TABLE counted DROP CONSTRAINT counted_pkey, ADD PRIMARY KEY (other);
CALL cmig.backfill('counted', 'n = 60 / (60 - id)', batch_size => 10);
DELETE FROM cmig.backfill_run WHERE state <> 'done';
CALL cmig.backfill('counted', 'n = 61 / (610 - id)', batch_size => 10);
-- with a filter, the remaining rows are found anyway; the earlier text is discarded
CALL try($$CALL cmig.backfill('counted', 'n = 60 / (60 - id)', 'n = 0', batch_size => 10)$$);
UPDATE counted SET n = 0;
SET client_min_messages = error;
\set VERBOSITY terse
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = $$CALL cmig.backfill('counted', 'n = 1', 'n = 0', batch_size => 10)$$;
CALL cmig.upgrade_stepwise();
RESET client_min_messages;
SELECT count(*) FROM counted WHERE n = 0;
SELECT set_sql, state, rows > 0 AS some FROM cmig.backfill_progress WHERE where_sql = 'n = 0' ORDER BY id;
\set ECHO none
DROP TABLE counted;

-- continued through the partitions, by a key of two columns, in a session with another DateStyle
CREATE TABLE parts (id text COLLATE "C", at timestamptz, n int DEFAULT 0, PRIMARY KEY (id, at)) PARTITION BY LIST (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES IN ('a');
CREATE TABLE parts_b PARTITION OF parts FOR VALUES IN ('b');
CREATE TABLE parts_c PARTITION OF parts FOR VALUES IN ('c');
INSERT INTO parts SELECT chr(97 + i % 3), '2024-01-15'::timestamptz + i * interval '1 hour' FROM generate_series(1, 900) i;
CREATE FUNCTION stop_at() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.id = 'b' AND NEW.at > '2024-02-01' AND NOT EXISTS (SELECT FROM gate) THEN RAISE EXCEPTION 'the gate is shut'; END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER stop_at BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION stop_at();
DELETE FROM gate;
SET timezone = 'UTC';
\set ECHO all
CALL cmig.backfill('parts', 'n = n + 1', batch_size => 40);
SELECT relation, place, bound, rows FROM cmig.backfill_run WHERE target = 'public.parts';
\set ECHO none
INSERT INTO gate VALUES (true);
SET timezone = 'Asia/Tokyo';
SET datestyle = 'SQL, DMY';
DELETE FROM parts WHERE at = (SELECT max(at) FROM parts_b);	-- the last key that there was
\set ECHO all
CALL cmig.backfill('parts', 'n = n + 1', batch_size => 33);
SELECT id, n, count(*) FROM parts GROUP BY id, n ORDER BY id;
\set ECHO none
RESET timezone;
RESET datestyle;
DROP TABLE parts;
DROP FUNCTION stop_at;

-- rows that were inserted behind its position while it was interrupted in its last pass
CREATE TABLE late (id int PRIMARY KEY, v int);
INSERT INTO late SELECT i, 1 FROM generate_series(1, 3000) i;
DELETE FROM late WHERE id < 300;
VACUUM ANALYZE late;
UPDATE late SET v = NULL WHERE id = 2500;
\set ECHO all
\set VERBOSITY default
CALL cmig.backfill('late', 'v = 1', 'v IS NULL', 100);
\set ECHO none
INSERT INTO late VALUES (1, NULL);
INSERT INTO late SELECT i, 1 FROM generate_series(4000, 6000) i;
UPDATE cmig.backfill_run SET state = 'running', pass = 2, rows_of_pass = 0, relation = 'public.late',
	place = (SELECT ARRAY[((ctid::text::point)[0] + 1)::text] FROM late WHERE v IS NULL), bound = '{22}' WHERE target = 'public.late';
\set ECHO all
CALL cmig.backfill('late', 'v = 1', 'v IS NULL', 100);
SELECT count(*) FROM late WHERE v IS NULL;
SELECT state, pass, rows FROM cmig.backfill_progress WHERE target = 'public.late';
DROP TABLE late;

-- the error names verify_sql
CALL try('SELECT 1; SELECT 2');
UPDATE cmig.revision SET verify_sql = 'SELECT 1; SELECT count(*) > 0 AS open FROM gate';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
UPDATE cmig.revision SET verify_sql = 'SELECT 1; SELECT 1 / count(*) FROM gate';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
SELECT revision, outcome, sqlstate, statement, message FROM cmig.journal ORDER BY id DESC LIMIT 2;
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('base');
UPDATE cmig.revision SET transactional = true;
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1; SELECT 2 / 0', verify_sql = NULL;
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;

-- also a statement that cannot be read, and the end of a script
SELECT * FROM cmig.stamp('base');
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1; SELECT 2; SELEC 3';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
UPDATE cmig.revision SET upgrade_sql = 'INSERT INTO child VALUES (5); SELECT 2';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1', verify_sql = 'SELECT true; INSERT INTO child VALUES (5)';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
UPDATE cmig.revision SET verify_sql = 'SELECT true; SELEC';
CALL cmig.upgrade_stepwise();
SELECT * FROM looks;
DROP TABLE child, parent;
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1; SELECT 2 / 0', verify_sql = NULL;
CALL cmig.upgrade_stepwise();

-- a failure no longer matters once the database is somewhere else, or was stamped at its place
SELECT * FROM cmig.stamp('base');
SELECT * FROM looks;
SELECT revision, direction, outcome, message FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT * FROM cmig.stamp('base');
SELECT revision, direction, outcome FROM cmig.journal ORDER BY id DESC LIMIT 2;
CALL cmig.upgrade_stepwise();
INSERT INTO cmig.version VALUES ('01');
SELECT * FROM looks;
UPDATE cmig.revision SET downgrade_sql = 'SELECT 1 / 0';
CALL cmig.downgrade_stepwise('base');
SELECT * FROM looks;
SELECT cmig.repair('01');
SELECT * FROM looks;
SELECT * FROM cmig.stamp('01');
SELECT * FROM looks;
CALL cmig.downgrade_stepwise('base');
DELETE FROM cmig.version;
SELECT * FROM looks;
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, session_role) SELECT max(id) + 1, '01', 'upgrade', 'running', now(), current_user, current_user FROM cmig.journal;
SELECT * FROM looks;
SELECT * FROM cmig.stamp('base');
SELECT * FROM looks;
SELECT revision, outcome, message FROM cmig.journal ORDER BY id DESC LIMIT 2;
CALL cmig.upgrade_stepwise();
SELECT cmig.remove_revision('01');
SELECT * FROM looks;

-- nothing else may write the version rows during a run: here, a script does
\set ECHO none
DELETE FROM cmig.journal;
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql) VALUES
	('01', '{}', true, 'SELECT 1'), ('02', '{01}', true, 'INSERT INTO cmig.version VALUES (''other'')'),
	('03', '{02}', false, 'UPDATE cmig.version SET revision = ''01'' WHERE revision = ''02''');
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.version;
UPDATE cmig.revision SET upgrade_sql = 'DELETE FROM cmig.version' WHERE revision = '02';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = '' WHERE revision = '02';
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.version;
SELECT * FROM looks;
SELECT revision, outcome, sqlstate, statement FROM cmig.journal ORDER BY id;
UPDATE cmig.revision SET upgrade_sql = '' WHERE revision = '03';
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('02', purge => true);
\set VERBOSITY default
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.version;
-- after a commit: a step that commits is not started
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO cmig.version VALUES ('other'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER meddle AFTER UPDATE ON cmig.journal DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW WHEN (NEW.revision = '02' AND NEW.outcome = 'done') EXECUTE FUNCTION meddle();
SELECT * FROM cmig.stamp('01', purge => true);
UPDATE cmig.revision SET upgrade_sql = 'INSERT INTO trace (what) VALUES (''begun'')' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT what FROM trace WHERE what = 'begun';
SELECT revision FROM cmig.version ORDER BY 1;
SELECT * FROM looks;
DROP TRIGGER meddle ON cmig.journal;
DROP FUNCTION meddle;
-- by a trigger that changes the row of the last step
SELECT * FROM cmig.stamp('02', purge => true);
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.revision := 'other'; RETURN NEW; END $$;
CREATE TRIGGER meddle BEFORE UPDATE ON cmig.version FOR EACH ROW EXECUTE FUNCTION meddle();
UPDATE cmig.revision SET upgrade_sql = '' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.version;
DROP TRIGGER meddle ON cmig.version;
DROP FUNCTION meddle;

-- before the first statement there is nothing to resume
SELECT * FROM cmig.stamp('02', purge => true);
SET cmig.role = regress_nobody;
CALL cmig.upgrade_stepwise();
RESET cmig.role;

-- a script can neither drop the extension nor create it again
UPDATE cmig.revision SET upgrade_sql = 'DROP EXTENSION pg_cmig CASCADE' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET upgrade_sql = 'DO $do$ BEGIN DROP EXTENSION pg_cmig CASCADE; CREATE EXTENSION pg_cmig; END $do$' WHERE revision = '03';
CALL cmig.upgrade_stepwise();
UPDATE cmig.revision SET transactional = true WHERE revision = '03';
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.upgrade();

-- CLOSE ALL and the like affect the caller's cursors, and the run continues
\set ECHO none
UPDATE cmig.revision SET transactional = false, upgrade_sql = $$
	PREPARE own AS SELECT 1; CREATE TEMP TABLE own_table (); DECLARE own CURSOR WITH HOLD FOR SELECT 1;
	CLOSE ALL; DEALLOCATE ALL; DISCARD TEMP; DISCARD PLANS; DISCARD SEQUENCES;
	INSERT INTO trace (what) VALUES ('discarded')$$ WHERE revision = '03';
PREPARE theirs AS SELECT 1;
CREATE TEMP TABLE theirs ();
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT (SELECT count(*) FROM pg_prepared_statements WHERE name = 'theirs') AS prepared, to_regclass('theirs') AS temporary, count(*) FROM trace WHERE what = 'discarded';
SELECT * FROM cmig.stamp('02');
UPDATE cmig.revision SET transactional = true WHERE revision = '03';
SELECT * FROM cmig.upgrade();
SELECT count(*) FROM trace WHERE what = 'discarded';

-- a backfill that was partially applied when a stamp discarded it
\set ECHO none
CREATE TABLE filled (id int PRIMARY KEY, n int DEFAULT 0);
INSERT INTO filled SELECT i, CASE i WHEN 50 THEN 2147483647 ELSE 0 END FROM generate_series(1, 100) i;
ANALYZE filled;
INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql) VALUES
	('04', '{03}', false, $$CALL cmig.backfill('filled', 'n = n + 1', batch_size => 10)$$);
\set VERBOSITY terse
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT state, rows, eta IS NOT NULL AS eta FROM cmig.backfill_progress WHERE target = 'public.filled';
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('04');
SELECT state, rows, eta IS NOT NULL AS eta FROM cmig.backfill_progress WHERE target = 'public.filled';
SELECT * FROM cmig.stamp('03');
UPDATE filled SET n = 0 WHERE id = 50;
\set VERBOSITY terse
CALL cmig.upgrade_stepwise();
SELECT state, rows FROM cmig.backfill_progress WHERE target = 'public.filled' ORDER BY id;
\set ECHO none
DROP TABLE filled;

DROP PROCEDURE try;
DROP VIEW looks;
DROP TABLE gate, trace;
DROP EXTENSION pg_cmig;
