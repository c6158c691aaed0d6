--
-- Revisions whose scripts, in a replay, try to do what the caller is not allowed to do, or to
-- leave something behind
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/shadow.psql'
\i :include
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE ROLE regress_hostile;
CREATE ROLE regress_hostile_victim;
CREATE SCHEMA app AUTHORIZATION regress_hostile;
CREATE TABLE public.secret (a text);
INSERT INTO public.secret VALUES ('s3cret');
CREATE TABLE public.open (a serial PRIMARY KEY, b text);
GRANT ALL ON public.open, public.open_a_seq TO regress_hostile;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_hostile', 'author');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_hostile', 'migrator');
\set ECHO none
GRANT ALL ON fingerprint TO regress_hostile;
-- for replayed()
GRANT DELETE ON cmig.revision TO regress_hostile;

-- a revision with this script is replayed, by drift as applied and by round_trip
CREATE FUNCTION replayed(INOUT script text) LANGUAGE plpgsql AS $$
DECLARE
	text text;
BEGIN
	DELETE FROM cmig.revision WHERE revision <> 'one';
	PERFORM cmig.create_revision('hostile', script, '', revision => 'one') WHERE NOT EXISTS (SELECT FROM cmig.revision);
	PERFORM cmig.stamp('one');
	SELECT string_agg(concat_ws(' ', action, kind, object, hazard), '; ') INTO script FROM cmig.drift('{app}', raise => false);
	SELECT string_agg(concat_ws(' ', problem, kind, object, message), '; ') INTO text FROM cmig.round_trip();
	script := concat_ws(' | ', script, text);
	PERFORM cmig.stamp('base');
	DELETE FROM cmig.revision;
EXCEPTION WHEN OTHERS THEN
	script := SQLSTATE || ' ' || SQLERRM;
END $$;
SET client_min_messages = error;
\set ECHO all
\pset tuples_only on
SELECT look();
SET SESSION AUTHORIZATION regress_hostile;

-- to read, to become somebody else, to get privileges
SELECT replayed('SELECT * FROM public.secret');
SELECT replayed('SET ROLE regress_hostile_victim');
SELECT replayed('SET SESSION AUTHORIZATION regress_hostile_victim');
SELECT replayed('ALTER ROLE regress_hostile SUPERUSER');
SELECT replayed('DO $$BEGIN EXECUTE ''ALTER ROLE regress_hostile CREATEROLE''; END$$');
SELECT replayed('CREATE ROLE regress_hostile_new SUPERUSER');
SELECT replayed('COPY (SELECT 1) TO PROGRAM ''true''');
SELECT replayed('ALTER SYSTEM SET work_mem = ''1GB''');
SELECT replayed('GRANT SELECT ON public.secret TO regress_hostile');
SELECT replayed('ALTER DEFAULT PRIVILEGES FOR ROLE regress_hostile_victim GRANT SELECT ON TABLES TO regress_hostile');
SELECT replayed('ALTER DATABASE contrib_regression OWNER TO regress_hostile');
SELECT replayed('CREATE FUNCTION app.f() RETURNS void LANGUAGE c AS ''$libdir/pg_cmig'', ''cmig_current''');
-- pg_cmig's own tables and functions
SELECT replayed('DELETE FROM cmig.revision; INSERT INTO cmig.version VALUES (''two'')');
SELECT replayed('DO $$BEGIN DELETE FROM cmig.version; INSERT INTO cmig.version VALUES (''two''); UPDATE cmig.journal SET message = ''x''; END$$');
SELECT replayed('SELECT cmig.stamp(''base'')');
SELECT replayed('SELECT * FROM cmig.drift()');
SELECT replayed('SELECT * FROM cmig.diff('''')');
SELECT replayed('SELECT cmig.grant_access(''regress_hostile'', ''owner'')');
SELECT replayed('DROP TABLE cmig.journal');
SELECT replayed('DROP EXTENSION pg_cmig CASCADE');
SELECT replayed('DROP SCHEMA cmig CASCADE');
-- what is live
SELECT replayed('DROP TABLE public.open');
SELECT replayed('DO $$BEGIN DELETE FROM public.open; INSERT INTO public.open (b) VALUES (''x''); END$$');
SELECT replayed('DO $$DECLARE n text; BEGIN SELECT format(''DROP SCHEMA %I CASCADE'', nspname) INTO n FROM pg_namespace WHERE nspname ~ ''^cmig_away''; EXECUTE n; END$$');
SELECT replayed('DROP OWNED BY regress_hostile');
-- to leave something in the session
SELECT replayed('SET work_mem = ''3MB''; SELECT set_config(''search_path'', ''app'', false), pg_advisory_lock(7); LISTEN x; NOTIFY x; PREPARE p AS SELECT 1; DECLARE c CURSOR WITH HOLD FOR SELECT 1; CREATE TEMP TABLE left_behind (a integer)');
SHOW work_mem;
SHOW search_path;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7;
SELECT pg_listening_channels();
SELECT name FROM pg_prepared_statements WHERE name = 'p';
SELECT name FROM pg_cursors WHERE name = 'c';
SELECT to_regclass('left_behind');
-- to end the replay
SELECT replayed('COMMIT');
SELECT replayed('ROLLBACK');
SELECT replayed('DO $$BEGIN COMMIT; END$$');
SELECT replayed('SAVEPOINT a; ROLLBACK TO a');
SELECT replayed('PREPARE TRANSACTION ''x''');

RESET SESSION AUTHORIZATION;
-- as superuser: roles and settings of the server
SELECT replayed('CREATE ROLE regress_hostile_new; ALTER ROLE regress_hostile_victim CREATEDB; ALTER SYSTEM SET work_mem = ''1GB''; CREATE DATABASE regress_hostile; ALTER DATABASE contrib_regression SET work_mem = ''1GB''');
SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname ~ '^regress_hostile' ORDER BY 1;
SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE 'work_mem=1GB' = ANY (setconfig);
SELECT * FROM public.open;
SELECT count(*) FROM public.secret;
SELECT c FROM changed() c WHERE c NOT IN ('pg_class', 'pg_attribute', 'pg_depend', 'pg_type', 'pg_shdepend') ORDER BY 1;
SELECT nspname FROM pg_namespace WHERE nspname ~ '^cmig_away';
-- a migrator cannot choose, by the search_path that the journal records, which functions a script calls in another role's replay
\pset tuples_only off
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_hostile_victim', 'migrator');
CREATE SCHEMA victim AUTHORIZATION regress_hostile_victim;
SELECT cmig.create_revision('harmless', 'DO $$BEGIN PERFORM lower(''A''::varchar); END$$', '', revision => 'one');
\set ECHO none
CREATE SCHEMA trap AUTHORIZATION regress_hostile;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
SET SESSION AUTHORIZATION regress_hostile;
CREATE FUNCTION trap.lower(varchar) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'hijacked %', current_user; END$$;
\set ECHO all
SELECT revision FROM cmig.upgrade('one');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, search_path)
	SELECT max(id) + 1, 'one', 'upgrade', 'done', now(), 'regress_hostile', 'trap, public' FROM cmig.journal;
SET SESSION AUTHORIZATION regress_hostile_victim;
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT count(*) FROM cmig.drift('{victim}');
$calls$);
\set ECHO all
RESET SESSION AUTHORIZATION;
-- for a superuser, the schema is empty in a replay; a superuser's schema is safe unless others can create objects in it
SELECT count(*) FROM cmig.drift('{app}', raise => false);
ALTER SCHEMA trap OWNER TO CURRENT_USER;
DROP FUNCTION trap.lower(varchar);
SET SESSION AUTHORIZATION regress_hostile_victim;
SELECT count(*) FROM cmig.drift('{victim}');
RESET SESSION AUTHORIZATION;
GRANT CREATE ON SCHEMA trap TO PUBLIC;
SET SESSION AUTHORIZATION regress_hostile_victim;
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT count(*) FROM cmig.drift('{victim}');
$calls$);
\set ECHO all
\set ECHO none
RESET SESSION AUTHORIZATION;
DROP SCHEMA trap, victim;
RESET client_min_messages;
DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA app CASCADE;
DROP TABLE secret, open, fingerprint;
DROP FUNCTION fingerprint(), changed(), look(), replayed(text), shadow_probe(text, text, text[]), shadow_probe_rename(text, text, text);
DROP OWNED BY regress_hostile, regress_hostile_victim;
DROP ROLE regress_hostile, regress_hostile_victim;
