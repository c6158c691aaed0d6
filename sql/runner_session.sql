--
-- What a script finds in the session, and what is restored after it
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
\set VERBOSITY terse
\set ECHO none
CREATE ROLE regress_cmig_owner;
CREATE ROLE regress_cmig_other;
CREATE SCHEMA app AUTHORIZATION regress_cmig_owner;
CREATE TABLE log (n serial, what text);
GRANT ALL ON log, log_n_seq TO PUBLIC;
-- run(script): make it the next revision, and upgrade
CREATE PROCEDURE run(script text) LANGUAGE plpgsql AS $$
DECLARE
	head text := (SELECT max(revision) FROM cmig.revision);
	next text := to_char(coalesce(head::int, 0) + 1, 'FM000');
BEGIN
	INSERT INTO cmig.revision (revision, down_revision, upgrade_sql)
	VALUES (next, CASE WHEN head IS NULL THEN '{}' ELSE ARRAY[head] END, script);
	PERFORM cmig.upgrade();
END
$$;
SET client_min_messages = warning;
\set ECHO all

--
-- Settings
--
SET work_mem = '5MB';
BEGIN;
SET LOCAL maintenance_work_mem = '6MB';
CALL run($$
SET work_mem = '7MB';
SET LOCAL maintenance_work_mem = '8MB';
SELECT set_config('app.tenant', 'x', false), set_config('DateStyle', 'German', true);
SET search_path = app, public;
SET TRANSACTION READ ONLY;
SELECT 1;
$$);
SHOW work_mem;
SHOW maintenance_work_mem;
SELECT current_setting('app.tenant', true) AS tenant;
SHOW DateStyle;
SHOW search_path;
SHOW transaction_read_only;
CALL run('RESET ALL; INSERT INTO log (what) SELECT current_setting(''work_mem'')');
SHOW work_mem;
SHOW maintenance_work_mem;
COMMIT;
SHOW maintenance_work_mem;
SELECT what FROM log;
RESET work_mem;

-- each script starts from the caller's settings, not from the one before
\set ECHO none
TRUNCATE log;
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('003', '{002}', 'SET statement_timeout = 12345'),
('004', '{003}', 'INSERT INTO log (what) SELECT current_setting(''statement_timeout'')');
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
SELECT what FROM log;
TRUNCATE log;

-- search_path for scripts
SET cmig.search_path = 'app, public';
CALL run('CREATE TABLE in_app (x int); INSERT INTO log (what) SELECT current_setting(''search_path'')');
SELECT schemaname FROM pg_tables WHERE tablename = 'in_app';
SELECT what FROM log;
SELECT search_path FROM cmig.journal ORDER BY id DESC LIMIT 1;
SHOW search_path;
\set VERBOSITY sqlstate
SET cmig.search_path = 'app,,public';
\set VERBOSITY terse
RESET cmig.search_path;
TRUNCATE log;

--
-- Role
--
SET cmig.role = regress_cmig_owner;
CALL run('CREATE TABLE app.owned (x int);
INSERT INTO log (what) SELECT format(''%s %s'', current_user, session_user = current_user)');
SELECT what FROM log;
SELECT tableowner FROM pg_tables WHERE tablename = 'owned';
SELECT role, session_role = current_user AS session_role_is_caller FROM cmig.journal ORDER BY id DESC LIMIT 1;
SELECT current_user = session_user AS restored;
RESET cmig.role;
TRUNCATE log;

-- SET ROLE and SET SESSION AUTHORIZATION end with the script
CALL run('SET ROLE regress_cmig_owner; CREATE TABLE app.by_set_role (x int); RESET ROLE; SET ROLE regress_cmig_other');
SELECT tableowner FROM pg_tables WHERE tablename = 'by_set_role';
SELECT current_user = session_user AS restored;
CALL run('SET SESSION AUTHORIZATION regress_cmig_owner; INSERT INTO log (what) SELECT session_user');
SELECT what FROM log;
SELECT current_user = session_user AS restored, current_user = 'regress_cmig_owner' AS leaked;
TRUNCATE log;
-- also within the caller's own SET ROLE
\set ECHO none
GRANT USAGE, CREATE ON SCHEMA cmig TO regress_cmig_other;
GRANT ALL ON ALL TABLES IN SCHEMA cmig TO regress_cmig_other;
GRANT ALL ON ALL ROUTINES IN SCHEMA cmig TO regress_cmig_other;
SET ROLE regress_cmig_other;
\set ECHO all
CALL run('RESET ROLE; INSERT INTO log (what) SELECT ''superuser''; SET ROLE regress_cmig_owner');
SELECT current_user;
CALL run('SET SESSION AUTHORIZATION regress_cmig_owner');
SELECT current_user;
RESET ROLE;
SELECT current_user = session_user AS restored;
TRUNCATE log;

-- membership is checked as SET ROLE does
SET SESSION AUTHORIZATION regress_cmig_other;
SET cmig.role = regress_cmig_owner;
\set VERBOSITY sqlstate
CALL run('SELECT 1');
\set VERBOSITY terse
SET cmig.role = regress_nobody;
CALL run('SELECT 1');
RESET cmig.role;
RESET SESSION AUTHORIZATION;

--
-- membership is checked as SET ROLE does it
--
CREATE TEMP TABLE mine (x int);
INSERT INTO mine VALUES (1);
CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
CALL run($$
CREATE TEMP TABLE scratch (id serial PRIMARY KEY, x int);
CREATE TEMP TABLE scratch2 AS SELECT 1 AS x;
CREATE TEMP VIEW scratch3 AS SELECT scratch.id FROM scratch, mine;
CREATE TYPE pg_temp.scratch4 AS ENUM ('a');
CREATE FUNCTION pg_temp.scratch5() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TEMP TABLE scratch6 (x int) ON COMMIT DROP;
INSERT INTO scratch (x) SELECT x FROM mine;
INSERT INTO log (what) SELECT 'rows: ' || count(*) FROM scratch3;
$$);
SELECT what FROM log;
SELECT * FROM mine;
SELECT pg_temp.mine();
SELECT relname FROM pg_class WHERE relname LIKE 'scratch%' AND relpersistence = 't';
SELECT proname FROM pg_proc WHERE proname LIKE 'scratch%';
SELECT typname FROM pg_type WHERE typname LIKE 'scratch%';
-- the next revision may use the same names
CALL run('CREATE TEMP TABLE scratch (y int)');
-- an extension stays, also if the script has added a temporary table to it
CALL run('CREATE EXTENSION citext; CREATE TEMP TABLE scratch (y citext); ALTER EXTENSION citext ADD TABLE scratch');
SELECT extname FROM pg_extension WHERE extname = 'citext';
SELECT relname FROM pg_class WHERE relname LIKE 'scratch%' AND relpersistence = 't';
\set ECHO none
DROP EXTENSION citext;
DROP TABLE mine;
DROP FUNCTION pg_temp.mine;
TRUNCATE log;
\set ECHO all

--
-- Prepared statements
--
PREPARE mine AS SELECT 'mine' AS from_caller;
CALL run($$
PREPARE theirs (int) AS INSERT INTO log (what) VALUES ($1);
EXECUTE theirs (42);
DO $x$ BEGIN EXECUTE 'PREPARE hidden AS SELECT 1'; END $x$;
$$);
SELECT what FROM log;
SELECT name FROM pg_prepared_statements ORDER BY name;
EXECUTE mine;
CALL run('PREPARE theirs AS SELECT 1; SELECT 1/0');
SELECT name FROM pg_prepared_statements ORDER BY name;
DELETE FROM cmig.revision WHERE upgrade_sql LIKE '%1/0';
DEALLOCATE mine;
TRUNCATE log;

--
-- Cursors
--
BEGIN;
DECLARE mine CURSOR FOR SELECT generate_series(1, 3) AS x;
FETCH mine;
CALL run($$
DECLARE theirs CURSOR FOR SELECT 1;
FETCH theirs;
DECLARE held CURSOR WITH HOLD FOR SELECT 1;
FETCH FROM mine;
DO $x$ DECLARE open_one refcursor; BEGIN OPEN open_one FOR SELECT 1; END $x$;
$$);
SELECT name FROM pg_cursors WHERE name <> '' ORDER BY name;
FETCH mine;
CALL run('DECLARE theirs CURSOR FOR SELECT 1');
COMMIT;
SELECT name FROM pg_cursors;
-- a cursor that replaces a caller's, with the same name and perhaps the same memory
DECLARE mine CURSOR WITH HOLD FOR SELECT 'mine';
DECLARE other CURSOR WITH HOLD FOR SELECT 'other';
CALL run($$CLOSE mine; DECLARE mine CURSOR WITH HOLD FOR SELECT 'theirs'$$);
SELECT name FROM pg_cursors ORDER BY name;
FETCH other;
\set ECHO none
CLOSE other;

--
-- Deferred constraints
--
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (
	id int CONSTRAINT child_id UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
	parent int CONSTRAINT child_parent REFERENCES parent DEFERRABLE INITIALLY DEFERRED
);
\set ECHO all
-- a later revision may alter a table whose rows were checked at the end of this one
CALL run('INSERT INTO child VALUES (1, 1); INSERT INTO parent VALUES (1)');
BEGIN;
CALL run('INSERT INTO child VALUES (2, 2); INSERT INTO parent VALUES (2)');
CALL run('ALTER TABLE child ADD COLUMN note text');
-- the caller's transaction still defers its constraints
INSERT INTO child VALUES (3, 3);
INSERT INTO parent VALUES (3);
COMMIT;
-- a violation is found at the script's end, not at commit
\set VERBOSITY default
CALL run('INSERT INTO child VALUES (4, 4)');
\set VERBOSITY terse
DELETE FROM cmig.revision WHERE upgrade_sql LIKE '%(4, 4)%';
-- also for rows that functions, COPY, and cascades write
CREATE FUNCTION write_child() RETURNS void LANGUAGE plpgsql AS 'BEGIN INSERT INTO child VALUES (5, 5); END';
CALL run('SELECT write_child()');
DELETE FROM cmig.revision WHERE upgrade_sql LIKE '%write_child%';
-- within one script, the table cannot be altered while events are pending
\set VERBOSITY default
CALL run('INSERT INTO child VALUES (6, 6); INSERT INTO parent VALUES (6); ALTER TABLE child ADD COLUMN other text');
\set VERBOSITY terse
DELETE FROM cmig.revision WHERE upgrade_sql LIKE '%other text%';
CALL run('INSERT INTO child VALUES (6, 6); INSERT INTO parent VALUES (6); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE child ADD COLUMN other text');
-- SET CONSTRAINTS ends with the script
BEGIN;
CALL run('SET CONSTRAINTS child_id DEFERRED; UPDATE child SET id = 7 - id');
INSERT INTO child VALUES (1, 1);
ROLLBACK;
BEGIN;
CALL run('SET CONSTRAINTS ALL DEFERRED; UPDATE child SET id = 7 - id');
INSERT INTO child VALUES (1, 1);
ROLLBACK;
BEGIN;
CALL run('SET CONSTRAINTS ALL IMMEDIATE; SELECT 1');
\set ECHO none
INSERT INTO child VALUES (7, 7);
INSERT INTO parent VALUES (7);
CREATE TABLE later (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
INSERT INTO later VALUES (8);
INSERT INTO parent VALUES (8);
COMMIT;
BEGIN;
\set ECHO all
CALL run('SET CONSTRAINTS child_parent IMMEDIATE; INSERT INTO child VALUES (9, 9)');
ROLLBACK;
-- what the caller had deferred stays deferred
BEGIN;
SET CONSTRAINTS child_id DEFERRED;
CALL run('UPDATE child SET id = id + 100');
INSERT INTO child VALUES (101, 1);
DELETE FROM child WHERE id = 101;
COMMIT;

--
-- Row-level security: the owner's statement does not skip rows silently
--
\set ECHO none
CREATE TABLE doc (id int, tenant int, title text);
INSERT INTO doc VALUES (1, 1, 'a'), (2, 2, 'b');
ALTER TABLE doc OWNER TO regress_cmig_owner;
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
ALTER TABLE doc FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON doc USING (tenant = 1);
GRANT CREATE ON SCHEMA public TO regress_cmig_owner;
SET cmig.role = regress_cmig_owner;
\set ECHO all
\set VERBOSITY default
CALL run('UPDATE doc SET title = upper(title)');
\set VERBOSITY terse
DELETE FROM cmig.revision WHERE upgrade_sql LIKE 'UPDATE doc%';
CALL run('SET row_security = on; UPDATE doc SET title = upper(title)');
SELECT * FROM doc ORDER BY id;
CALL run('ALTER TABLE doc NO FORCE ROW LEVEL SECURITY; UPDATE doc SET title = title || title;
ALTER TABLE doc FORCE ROW LEVEL SECURITY');
SELECT * FROM doc ORDER BY id;
SHOW row_security;
RESET cmig.role;

-- strings are read in the same way as by the loader
-- from PostgreSQL 19 on, it is always on
SELECT current_setting('server_version_num')::int < 190000 AS can_be_off \gset
\if :can_be_off
SET standard_conforming_strings = off;
\endif
SELECT current_setting('standard_conforming_strings') AS strings \gset
CALL run($$INSERT INTO log (what) VALUES ('a\'); INSERT INTO log (what) VALUES ('b\nc')$$);
SELECT current_setting('standard_conforming_strings') = :'strings' AS unchanged;
RESET standard_conforming_strings;
SELECT what FROM log ORDER BY n DESC LIMIT 2;

-- a SECURITY DEFINER function does not see the caller's search_path
\set ECHO none
CREATE SCHEMA other AUTHORIZATION regress_cmig_other;
CREATE FUNCTION public.who() RETURNS text LANGUAGE sql AS $$SELECT 'public'$$;
CREATE FUNCTION other.who() RETURNS text LANGUAGE sql AS $$SELECT 'other'$$;
ALTER FUNCTION other.who OWNER TO regress_cmig_other;
CREATE FUNCTION deploy() RETURNS bigint LANGUAGE sql SECURITY DEFINER
	SET search_path = public SET cmig.search_path = '' SET cmig.role = ''
	AS $$SELECT count(*) FROM cmig.upgrade()$$;
\set ECHO all
SELECT cmig.create_revision('as who', 'INSERT INTO log (what) SELECT who()', revision => 'who');
\set ECHO none
SET SESSION AUTHORIZATION regress_cmig_other;
SET cmig.search_path = other, public;
SET cmig.role = regress_cmig_other;
BEGIN;
\set ECHO all
SELECT public.deploy();
ROLLBACK;
-- it does not have to set one: a caller's settings do not count there
\set ECHO none
RESET SESSION AUTHORIZATION;
ALTER FUNCTION deploy() RESET cmig.role;
ALTER FUNCTION deploy() RESET cmig.search_path;
SET SESSION AUTHORIZATION regress_cmig_other;
\set ECHO all
SELECT public.deploy();
RESET cmig.role;
RESET SESSION AUTHORIZATION;
RESET cmig.search_path;
SELECT what FROM log ORDER BY n DESC LIMIT 1;
\set ECHO none
DROP FUNCTION deploy, public.who, other.who;
DROP SCHEMA other;

DROP EXTENSION pg_cmig;
DROP TABLE log, doc, child, parent, later;
DROP PROCEDURE run;
DROP FUNCTION write_child;
DROP SCHEMA app CASCADE;
REVOKE CREATE ON SCHEMA public FROM regress_cmig_owner;
DROP ROLE regress_cmig_owner, regress_cmig_other;
