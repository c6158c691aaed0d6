--
-- A target whose SQL tries to do what the caller is not allowed to do, or to leave something
-- behind
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/shadow.psql'
\i :include
CREATE ROLE regress_hostile;
CREATE ROLE regress_hostile_group;
CREATE ROLE regress_hostile_victim;
GRANT regress_hostile_group TO regress_hostile;
SET client_min_messages = warning;
CREATE EXTENSION pgcrypto;
CREATE EXTENSION postgres_fdw;
\set ECHO all
RESET client_min_messages;
\set ECHO none
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO regress_hostile;
CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'true');
ALTER SERVER books OWNER TO regress_hostile_victim;
GRANT USAGE ON FOREIGN SERVER books TO regress_hostile;
CREATE SCHEMA app AUTHORIZATION regress_hostile;
CREATE TABLE public.secret (a text);
INSERT INTO public.secret VALUES ('s3cret');
-- what functions of others look up while they run with other privileges
CREATE FUNCTION public.sign(secret text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = public, app
	AS $$ SELECT encode(digest($1, 'md5'), 'hex') $$;
CREATE FUNCTION public.which_server() RETURNS text LANGUAGE sql SECURITY DEFINER
	AS $$ SELECT string_agg(srvoptions::text, ' ') FROM pg_foreign_server WHERE srvname = 'books' $$;
-- what a session has: all of it is to be as before
CREATE FUNCTION session(OUT what text, OUT value text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT 'user', concat_ws(' ', current_user, session_user)
	UNION ALL SELECT 'settings', md5(string_agg(concat(name, setting, source, reset_val), ',' ORDER BY name)) FROM pg_settings
	UNION ALL SELECT 'locks', (SELECT string_agg(concat(objid, mode), ' ' ORDER BY objid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid < 3 AND pid = pg_backend_pid())
	UNION ALL SELECT 'prepared', (SELECT string_agg(name, ' ' ORDER BY name) FROM pg_prepared_statements)
	UNION ALL SELECT 'cursors', (SELECT string_agg(name, ' ' ORDER BY name) FROM pg_cursors WHERE name !~ '^<')
	UNION ALL SELECT 'channels', (SELECT string_agg(c, ' ') FROM pg_listening_channels() c)
	UNION ALL SELECT 'temporary', (SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = pg_my_temp_schema())
$$;
CREATE TEMP TABLE before (what text, value text);
CREATE FUNCTION unlike() RETURNS TABLE (what text, before text, after text) LANGUAGE sql AS $$
	SELECT what, b.value, s.value FROM session() s JOIN before b USING (what) WHERE s.value IS DISTINCT FROM b.value
$$;
GRANT ALL ON before, fingerprint TO regress_hostile;
\set ECHO all
SELECT look();
SET SESSION AUTHORIZATION regress_hostile;

-- to get an extension of another role into a schema of one's own
\set place 'SELECT p.oid::regprocedure FROM pg_proc p WHERE proname = \'gen_random_bytes\' '
SELECT shadow_probe('CREATE EXTENSION pgcrypto SCHEMA app', :'place');
SELECT shadow_probe($$ CREATE EXTENSION pgcrypto; ALTER EXTENSION pgcrypto SET SCHEMA app; ALTER EXTENSION pgcrypto UPDATE TO '1.0' $$, :'place');
SELECT shadow_probe($target$
	CREATE EXTENSION pgcrypto SCHEMA app;
	CREATE FUNCTION app.digest(text, text) RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT a FROM public.secret)::bytea; END $$;
$target$, 'SELECT public.sign(''x'') = md5(''x'')');
SELECT shadow_probe('ALTER EXTENSION pgcrypto ADD SCHEMA app', NULL);
SELECT shadow_probe('CREATE EXTENSION pgcrypto; ALTER EXTENSION pgcrypto DROP FUNCTION public.crypt(text, text)', NULL);
SELECT shadow_probe('CREATE EXTENSION pgcrypto; DROP FUNCTION public.crypt(text, text)', NULL);
SELECT shadow_probe('DO $$ BEGIN DROP FUNCTION public.crypt(text, text) CASCADE; END $$', NULL);
SELECT shadow_probe('ALTER FUNCTION public.crypt(text, text) OWNER TO regress_hostile', NULL);
SELECT shadow_probe($$ DO $d$ BEGIN EXECUTE (SELECT format('DROP EXTENSION %I CASCADE', extname) FROM pg_extension WHERE extname ~ 'hidden' LIMIT 1);
	EXCEPTION WHEN insufficient_privilege THEN RAISE NOTICE 'refused'; END $d$ $$, NULL);

-- to take the place of another role's server
SELECT shadow_probe($$ CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'false'); ALTER SERVER books OPTIONS (SET dbname 'false'); COMMENT ON SERVER books IS 'x' $$, 'SELECT public.which_server()');
SELECT shadow_probe($$ CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'false'); ALTER SERVER mine RENAME TO books $$, 'SELECT public.which_server()');
SELECT shadow_probe($$ CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE app.f (a integer) SERVER mine; CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE app.g (a integer) SERVER books $$, 'SELECT f.ftrelid::regclass FROM pg_foreign_table f');

-- to be somebody else
SELECT shadow_probe('SET ROLE regress_hostile_victim', NULL);
SELECT shadow_probe('SET SESSION AUTHORIZATION regress_hostile_victim', NULL);
SELECT shadow_probe('CREATE TABLE app.t (); ALTER TABLE app.t OWNER TO regress_hostile_victim', 'SELECT concat(relname, '' '', relowner::regrole) FROM pg_class WHERE relnamespace = ''app''::regnamespace');
SELECT shadow_probe('CREATE SCHEMA app AUTHORIZATION regress_hostile_victim', NULL);
SELECT shadow_probe('CREATE SCHEMA mine', NULL);
SELECT shadow_probe('ALTER DEFAULT PRIVILEGES FOR ROLE regress_hostile_victim GRANT ALL ON TABLES TO regress_hostile', NULL);
SELECT shadow_probe('TABLE public.secret', NULL);
SELECT shadow_probe('CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION app.e(); COMMENT ON EVENT TRIGGER e IS ''x''', NULL);
SELECT shadow_probe('CREATE FUNCTION app.c() RETURNS integer LANGUAGE c AS ''$libdir/pg_cmig'', ''cmig_current''', NULL);
SELECT shadow_probe('CREATE EXTENSION pageinspect', NULL);
SELECT shadow_probe('UPDATE pg_namespace SET nspowner = 10', NULL);
SELECT shadow_probe('SELECT 1', NULL, '{public}');

-- to reach what is live under the name that it has meanwhile
SET client_min_messages = warning;
DO $$ BEGIN PERFORM set_config('regress.live', 'cmig_away_' || 'app'::regnamespace::oid, false); END $$;
SELECT shadow_probe($target$
DO $$
DECLARE live name := current_setting('regress.live');
BEGIN
	EXECUTE format('CREATE TABLE %I.t ()', live);
	EXECUTE format('ALTER SCHEMA %I RENAME TO mine', live);
	EXECUTE format('DROP SCHEMA %I CASCADE', live);
	EXECUTE format('GRANT ALL ON SCHEMA %I TO PUBLIC', live);
	EXECUTE format('ALTER SCHEMA %I OWNER TO regress_hostile_group', live);
END $$;
$target$, NULL);
RESET client_min_messages;
RESET SESSION AUTHORIZATION;
SELECT changed();

-- to end the transaction
BEGIN;
SAVEPOINT s;
SELECT shadow_probe('ROLLBACK TO s', NULL);
ROLLBACK TO s;
SELECT shadow_probe('RELEASE s; COMMIT; CREATE TABLE app.t ()', NULL);
SELECT shadow_probe('DO $$ BEGIN COMMIT; END $$', NULL);
ROLLBACK TO s;
SELECT shadow_probe('CREATE PROCEDURE app.p() LANGUAGE plpgsql AS $$ BEGIN ROLLBACK; END $$; CALL app.p()', NULL);
ROLLBACK TO s;
SELECT shadow_probe('PREPARE TRANSACTION ''x''', NULL);
ROLLBACK TO s;
SELECT shadow_probe('DO $$ BEGIN BEGIN CREATE TABLE app.t (); RAISE ''x''; EXCEPTION WHEN others THEN CREATE TABLE app.u (); END; BEGIN PERFORM public.shadow_probe(NULL::text, NULL); EXCEPTION WHEN others THEN RAISE NOTICE ''%'', sqlerrm; END; BEGIN CREATE SCHEMA app; CREATE EXTENSION pgcrypto; RAISE ''x''; EXCEPTION WHEN others THEN NULL; END; END $$',
	'SELECT oid::regclass FROM pg_class WHERE relnamespace = ''app''::regnamespace', '{app}');
SAVEPOINT s;
COMMIT;
SELECT changed();

-- to leave something in the session
\set ECHO none
CREATE TABLE public.pair (a integer PRIMARY KEY, b integer REFERENCES public.pair DEFERRABLE INITIALLY DEFERRED);
CREATE TEMP TABLE kept (a integer);
PREPARE kept AS SELECT 1;
LISTEN kept;
\set ECHO all
SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2);
BEGIN;
INSERT INTO public.pair VALUES (1, 2);
DECLARE kept CURSOR FOR SELECT generate_series(1, 3);
FETCH kept;
INSERT INTO before SELECT * FROM session();
SELECT look();
SELECT shadow_probe($target$
SET search_path = app;
SET ROLE regress_hostile;
RESET ROLE;
SET SESSION AUTHORIZATION regress_hostile_victim;
RESET SESSION AUTHORIZATION;
SET ROLE regress_hostile;
SET work_mem = '3MB';
SET hostile.made = 'up';
SELECT set_config('cmig.lock_timeout', '1', false);
CREATE TEMP TABLE left_behind (a integer) ON COMMIT DROP;
CREATE TEMP TABLE left_too (a integer) ON COMMIT PRESERVE ROWS;
RESET ROLE;
PREPARE left_behind AS SELECT 2;
DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1;
DEALLOCATE ALL;
DISCARD ALL;
LISTEN left_behind;
UNLISTEN kept;
NOTIFY kept, 'from the target';
SELECT pg_advisory_lock(3), pg_advisory_lock(3), pg_advisory_lock(1), pg_advisory_xact_lock(4), pg_advisory_unlock_shared(2);
SET CONSTRAINTS ALL DEFERRED;
CREATE TABLE app.other (a integer PRIMARY KEY, b integer REFERENCES app.other DEFERRABLE INITIALLY DEFERRED);
INSERT INTO app.other VALUES (1, 1);
DO $$ BEGIN PERFORM set_config('application_name', 'hostile', false); END $$;
SELECT txid_current();
$target$, NULL);
SELECT * FROM unlike();
SELECT current_setting('work_mem'), current_setting('search_path'), current_setting('cmig.lock_timeout'), current_setting('application_name') = 'hostile' AS named;
FETCH kept;
SELECT changed();
SELECT shadow_probe('CLOSE ALL', NULL);
ROLLBACK;
SELECT look();
SELECT pg_advisory_unlock_all();
SELECT shadow_probe('SELECT pg_advisory_lock(7); SELECT 1/0', NULL);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
UNLISTEN *;
DEALLOCATE kept;
SELECT changed();

-- to change what a rollback does not restore
\set ECHO none
CREATE SCHEMA elsewhere;
CREATE SEQUENCE elsewhere.s;
CREATE SEQUENCE app.s;
CREATE FUNCTION elsewhere.reset() RETURNS bigint LANGUAGE sql AS $$ SELECT setval('elsewhere.s', 40) $$;
\set ECHO all
SELECT elsewhere.reset();
SELECT shadow_probe(format($target$
CREATE SEQUENCE app.s;
CREATE TABLE app.values (n integer, value bigint);
INSERT INTO app.values VALUES (1, setval('elsewhere.s', 50)), (2, elsewhere.reset()), (3, setval('app.s', 7)), (4, nextval('app.s'));
INSERT INTO app.values SELECT 5, setval(%1$L || '.s', 60, false);
DO $$
DECLARE
	name regclass := 'elsewhere.s';
	result bigint;
BEGIN
	result := setval(name, 70);
	INSERT INTO app.values VALUES (6, result);
	PERFORM setval('elsewhere.s', 80);
	EXECUTE 'SELECT setval($1, 90)' INTO result USING name;
	INSERT INTO app.values VALUES (7, result);
END $$;
COPY app.values FROM PROGRAM 'touch left_behind';
$target$, 'cmig_away_' || 'app'::regnamespace::oid), 'SELECT concat_ws('' '', n, value) FROM app.values ORDER BY 1', '{app}');
SELECT last_value FROM elsewhere.s;
SELECT last_value, is_called FROM app.s;
-- nor a sequence that the caller's transaction has created
BEGIN;
CREATE SEQUENCE elsewhere.own;
SELECT shadow_probe('SELECT setval(''elsewhere.own'', 50); CREATE SEQUENCE app.own; SELECT setval(''app.own'', 60)', 'SELECT last_value FROM app.own', '{app}');
SELECT last_value FROM elsewhere.own;
ROLLBACK;
SELECT shadow_probe('SELECT pg_terminate_backend(0)', NULL);
SELECT shadow_probe($$ DO 'BEGIN PERFORM pg_create_physical_replication_slot(''left_behind''); END' $$, NULL);
SELECT shadow_probe($$ CREATE LANGUAGE regress_untrusted HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
	DO LANGUAGE regress_untrusted 'BEGIN END' $$, NULL);
SELECT shadow_probe($$
	CREATE LANGUAGE regress_untrusted HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
	CREATE FUNCTION app.changed() RETURNS trigger LANGUAGE regress_untrusted SECURITY DEFINER AS 'BEGIN RETURN new; END';
	CREATE TABLE app.t (a integer);
	CREATE TRIGGER t BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.changed();
	INSERT INTO app.t VALUES (1) $$, NULL, '{app}');
SELECT shadow_probe('CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw; CREATE FOREIGN TABLE app.f (a integer) SERVER mine; INSERT INTO app.f VALUES (1)', NULL, '{app}');
SELECT shadow_probe($$ CREATE EXTENSION file_fdw; CREATE SERVER mine FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE app.f (a text) SERVER mine OPTIONS (program 'touch left_behind') $$,
	'SELECT oid::regclass FROM pg_class WHERE relnamespace = ''app''::regnamespace', '{app}');
SELECT shadow_probe($$ CREATE EXTENSION file_fdw; CREATE SERVER mine FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE app.f (a text) SERVER mine OPTIONS (program 'touch left_behind');
	CREATE TABLE app.t AS SELECT * FROM app.f $$, NULL, '{app}');
SELECT shadow_probe($$ CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw; CREATE TABLE app.p (a integer) PARTITION BY LIST (a); CREATE FOREIGN TABLE app.f PARTITION OF app.p DEFAULT SERVER mine;
	INSERT INTO app.p VALUES (1) $$, NULL, '{app}');
SELECT oid IS NULL AS untouched FROM (SELECT pg_stat_file('left_behind', true) AS oid) f;

-- to close or move a cursor
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 3);
COMMIT;
SELECT shadow_probe($$ DO $d$ DECLARE c refcursor := 'held'; BEGIN CLOSE c; END $d$ $$, NULL);
SELECT shadow_probe($$ DO $d$ DECLARE c refcursor := 'held'; BEGIN FETCH c INTO c; END $d$ $$, NULL);
SELECT shadow_probe($$ DO $d$ DECLARE c refcursor := 'held'; BEGIN CLOSE c; EXCEPTION WHEN others THEN RAISE NOTICE '%', sqlerrm; END $d$; DECLARE own CURSOR WITH HOLD FOR SELECT 1; FETCH own; CLOSE own $$, NULL);
FETCH held;
CLOSE held;

-- to make the session keep what its functions mean in the target
CREATE TYPE app.pair AS (a integer);
CREATE FUNCTION elsewhere.f() RETURNS text LANGUAGE plpgsql AS $$ DECLARE p app.pair = jsonb_populate_record(NULL::app.pair, '{"a": 1, "b": 2, "c": 3, "d": 4}'); BEGIN RETURN to_jsonb(p); END $$;
CREATE FUNCTION elsewhere.g() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ DECLARE p app.pair = jsonb_populate_record(NULL::app.pair, '{"a": 1, "b": 2, "c": 3, "d": 4}'); BEGIN RETURN to_jsonb(p); END $$;
SELECT shadow_probe('CREATE TYPE app.pair AS (b integer, c text); CREATE TABLE app.t AS SELECT elsewhere.f() UNION ALL SELECT elsewhere.g()', 'SELECT * FROM app.t', '{app}');
SELECT elsewhere.f(), elsewhere.g();
SELECT shadow_probe('CREATE TYPE app.pair AS (d integer); CREATE TABLE app.t AS SELECT elsewhere.f() UNION ALL SELECT elsewhere.g(); SELECT 1 / 0', NULL, '{app}');
SELECT shadow_probe('CREATE TYPE app.pair AS (d integer); CREATE TABLE app.t AS SELECT elsewhere.f() UNION ALL SELECT elsewhere.g()', 'SELECT * FROM app.t', '{app}');
SELECT elsewhere.f(), elsewhere.g();

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA app, elsewhere CASCADE;
DROP TABLE public.secret, public.pair, before, kept, fingerprint;
DROP SERVER books;
DROP FUNCTION shadow_probe, shadow_probe_rename, fingerprint, changed, look, session, unlike, public.sign(text), which_server;
DROP EXTENSION pgcrypto, postgres_fdw, pg_cmig;
DROP ROLE regress_hostile, regress_hostile_group, regress_hostile_victim;
