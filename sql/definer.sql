--
-- cmig.* settings in a SECURITY DEFINER function: the caller's values are ignored
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE ROLE regress_definer_owner;
CREATE ROLE regress_definer_app;
CREATE SCHEMA app AUTHORIZATION regress_definer_owner;
CREATE SCHEMA trap AUTHORIZATION regress_definer_app;
GRANT ALL ON SCHEMA trap TO regress_definer_owner;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_definer_owner', 'migrator');
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_definer_owner', 'author');
\set ECHO none
SELECT cmig.create_revision('Create account', 'CREATE TABLE account (id int)', 'DROP TABLE account', revision => '001');

-- the wrappers pin search_path; pg_cmig's setting in a SET clause; the setting in the body
SET ROLE regress_definer_owner;
CREATE FUNCTION app.up() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
	SELECT string_agg(revision, ' ') FROM cmig.upgrade('head')
$$;
CREATE FUNCTION app.down() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
	SELECT string_agg(revision, ' ') FROM cmig.downgrade('base')
$$;
CREATE FUNCTION app.load(script text) RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
	SELECT string_agg(action, ' ') FROM cmig.load(script)
$$;
CREATE PROCEDURE app.procedure() LANGUAGE plpgsql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
BEGIN
	PERFORM cmig.upgrade('head');
END $$;
CREATE FUNCTION app.clause() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET cmig.search_path = 'app' AS $$
	SELECT string_agg(revision, ' ') FROM cmig.upgrade('head')
$$;
CREATE FUNCTION app.body() RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM set_config('cmig.search_path', 'app', true);
	RETURN (SELECT string_agg(revision, ' ') FROM cmig.upgrade('head'));
END $$;
GRANT USAGE ON SCHEMA app TO regress_definer_app;
RESET ROLE;
CREATE FUNCTION where_it_is() RETURNS text LANGUAGE sql SET search_path = pg_catalog AS $$
	SELECT coalesce(string_agg(relnamespace::regnamespace || ', owned by ' || relowner::regrole, '; '), 'nowhere')
	FROM pg_class WHERE relname = 'account'
$$;

-- SET of search_path and of the role
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.search_path = 'trap';
SET cmig.role = 'regress_definer_app';
\set ECHO all
SELECT app.up();
SELECT where_it_is();
SELECT app.down();
CALL app.procedure();
SELECT where_it_is();
SELECT app.down();
RESET cmig.search_path;
RESET cmig.role;

-- the caller's SET LOCAL, and the SET clause of a calling function, which may be SECURITY DEFINER, too
BEGIN;
SET LOCAL cmig.search_path = 'trap';
SELECT app.up();
SELECT where_it_is();
COMMIT;
SELECT app.down();
CREATE FUNCTION trap.invoker() RETURNS text LANGUAGE sql
SET cmig.search_path = 'trap' AS 'SELECT app.up()';
SELECT trap.invoker();
SELECT where_it_is();
SELECT app.down();
CREATE FUNCTION trap.definer() RETURNS text LANGUAGE sql SECURITY DEFINER
SET cmig.search_path = 'trap' AS 'SELECT app.up()';
SELECT trap.definer();
SELECT where_it_is();
SELECT app.down();
\set ECHO none
CREATE FUNCTION trap.body() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	PERFORM set_config('cmig.search_path', 'trap', false);
	RETURN app.up();
END $$;
\set ECHO all
SELECT trap.body();
SELECT where_it_is();
SELECT app.down();

-- values set by the function itself count, and the caller's are restored afterwards
SET cmig.search_path = 'trap';
SELECT app.clause();
SELECT where_it_is();
SELECT app.down();
BEGIN;
SELECT app.body();
SELECT where_it_is();
SELECT app.down();
COMMIT;
SHOW cmig.search_path;

-- even if the function sets the session's user to its owner, and to another role in between
\set ECHO none
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA trap TO regress_definer_owner;
SET SESSION AUTHORIZATION regress_definer_owner;
SET cmig.search_path = 'app';
\set ECHO all
SELECT trap.definer();
SELECT where_it_is();
SELECT app.down();
RESET SESSION AUTHORIZATION;

-- outside of functions nothing changes: SET ROLE keeps what was set before it
SET cmig.search_path = 'trap';
SET ROLE regress_definer_owner;
SELECT revision FROM cmig.upgrade('head');
SELECT where_it_is();
SELECT revision FROM cmig.downgrade('base');
RESET ROLE;
RESET cmig.search_path;

-- values set for the database count, and are overridden by the session's
SELECT format('ALTER DATABASE %I SET cmig.search_path = ''trap''', current_database()) \gexec
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.search_path = 'public';
SELECT app.up();
SELECT where_it_is();
RESET SESSION AUTHORIZATION;
SELECT format('ALTER DATABASE %I RESET cmig.search_path', current_database()) \gexec
RESET cmig.search_path;
SET ROLE regress_definer_owner;
SET cmig.search_path = 'trap';
SELECT revision FROM cmig.downgrade('base');
\set ECHO none
RESET cmig.search_path;
RESET ROLE;

-- the caller's other settings: each would change or stop the run, if it counted
SET ROLE regress_definer_owner;
CREATE FUNCTION app.lint() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = app, pg_temp AS
	$$SELECT count(*) FROM cmig.lint_sql('CREATE TABLE x (id int PRIMARY KEY)') WHERE rule = 'prefer-bigint-over-int'$$;
RESET ROLE;
SET SESSION AUTHORIZATION regress_definer_app;
\set ECHO all
SELECT app.lint();
\set ECHO none
BEGIN;
SET LOCAL cmig.scope = 'trap';
SET LOCAL cmig.restore_point = on;
SET LOCAL cmig.run_timeout = 1;
SET LOCAL cmig.lock_timeout = 1;
SET LOCAL cmig.protect = on;
SET LOCAL cmig.lint_policy = error;
SET LOCAL cmig.lint_ignore = 'prefer-bigint-over-int';
\set ECHO all
SELECT app.up();
SELECT where_it_is();
SELECT app.down();
SELECT app.lint();
COMMIT;
RESET SESSION AUTHORIZATION;

-- the values of placeholders
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 0p
-- down_revision: 001
-- placeholders: schema
-- cmig:upgrade
CREATE TABLE ${schema}.placed ();
-- cmig:downgrade
DROP TABLE ${schema}.placed;
$cmig_load$);
SET ROLE regress_definer_owner;
CREATE FUNCTION app.placed() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = app, pg_temp AS $$
BEGIN
	PERFORM set_config('cmig_var.schema', 'app', true);
	RETURN app.up();
END $$;
RESET ROLE;
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig_var.schema = 'trap';
\set ECHO all
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT app.up();
$calls$);
\set ECHO all
SELECT app.placed();
SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'placed';
\set ECHO none
RESET SESSION AUTHORIZATION;
SET ROLE regress_definer_owner;
SET cmig_var.schema = 'app';
SET cmig.search_path = 'app';
\set ECHO all
SELECT revision FROM cmig.downgrade('base');
RESET ROLE;
RESET cmig.search_path;
RESET cmig_var.schema;
SELECT cmig.remove_revision('0p');

-- the other settings: cmig.concurrent_ddl, cmig.checksum_policy, cmig.protect
SELECT cmig.create_revision('Index account', 'CREATE INDEX CONCURRENTLY ON account (id)', '', revision => '002', transactional => false);
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.concurrent_ddl = off;
\set VERBOSITY sqlstate
SELECT app.up();
RESET cmig.concurrent_ddl;
RESET SESSION AUTHORIZATION;
SELECT cmig.remove_revision('002');
SET SESSION AUTHORIZATION regress_definer_app;
SELECT app.up();
SET cmig.checksum_policy = ignore;
SELECT app.load($$-- revision: 001
-- message: Create account

-- cmig:upgrade
CREATE TABLE account (id int, hole text);

-- cmig:downgrade
DROP TABLE account;
$$);
RESET cmig.checksum_policy;
SET cmig.protect = on;
SELECT app.down();
RESET cmig.protect;
RESET SESSION AUTHORIZATION;

-- an invalid value for the database, set while nothing checked it
SELECT format('ALTER DATABASE %I SET cmig.lock_timeout = ''5s''', current_database()) \gexec
\set ECHO none
UPDATE pg_db_role_setting SET setconfig = array_replace(setconfig, 'cmig.lock_timeout=5s', 'cmig.lock_timeout=soon')
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND setrole = 0;
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.lock_timeout = 0;
\set VERBOSITY default
\set ECHO all
SELECT app.up();
RESET SESSION AUTHORIZATION;
SELECT format('ALTER DATABASE %I RESET cmig.lock_timeout', current_database()) \gexec

-- the same with search_path
SELECT format('ALTER DATABASE %I SET cmig.search_path = ''app''', current_database()) \gexec
\set ECHO none
UPDATE pg_db_role_setting SET setconfig = array_replace(setconfig, 'cmig.search_path=app', 'cmig.search_path=a b')
WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND setrole = 0;
SET ROLE regress_definer_owner;
CREATE FUNCTION app.script() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
	SELECT cmig.script('upgrade', 'base:head')
$$;
RESET ROLE;
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.search_path = '';
\set ECHO all
SELECT app.script();
SELECT app.up();
RESET cmig.search_path;
RESET SESSION AUTHORIZATION;
SELECT format('ALTER DATABASE %I RESET cmig.search_path', current_database()) \gexec

-- cmig.run_timeout, which would end the owner's run
SELECT cmig.create_revision('Sleep', 'SELECT pg_sleep(0.2)', '', revision => '003');
SET SESSION AUTHORIZATION regress_definer_app;
SET cmig.run_timeout = '10ms';
SELECT app.up();
RESET cmig.run_timeout;
RESET SESSION AUTHORIZATION;

-- the caller's temporary tables do not hide those in the search_path, whether or not it names pg_temp
SELECT cmig.create_revision('Fill account', 'INSERT INTO account VALUES (1); CREATE TABLE filled ()', 'DROP TABLE filled', revision => '004');
\set ECHO none
SET ROLE regress_definer_owner;
CREATE FUNCTION app.plain_path() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app AS $$
	SELECT string_agg(revision, ' ') FROM cmig.upgrade('head')
$$;
CREATE FUNCTION app.down_again() RETURNS text LANGUAGE sql SECURITY DEFINER
SET search_path = app, pg_temp AS $$
	SELECT string_agg(revision, ' ') FROM cmig.downgrade('-1')
$$;
RESET ROLE;
SET SESSION AUTHORIZATION regress_definer_app;
\set ECHO all
SELECT app.up();
SELECT app.down_again();
\set ECHO none
CREATE TEMP TABLE account (id int);
GRANT ALL ON account TO PUBLIC;
CREATE FUNCTION trap.fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'a trigger of the caller runs as %', current_user;
	RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION trap.fire() TO PUBLIC;
CREATE TRIGGER fire BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION trap.fire();
\set ECHO all
SELECT app.clause();
SELECT app.down_again();
SELECT app.plain_path();
SELECT app.down_again();
SELECT app.body();
SELECT count(*) FROM pg_temp.account;
DROP TABLE pg_temp.account;

-- a deferred trigger of the caller does not fire with the script's constraint of the same name
RESET SESSION AUTHORIZATION;
SELECT cmig.create_revision('Refer to account', 'INSERT INTO app.entry VALUES (1)', 'DELETE FROM app.entry', revision => '005');
\set ECHO none
GRANT CREATE ON SCHEMA app TO regress_definer_app;
SET ROLE regress_definer_owner;
CREATE TABLE app.item (id integer PRIMARY KEY);
INSERT INTO app.item VALUES (1);
CREATE TABLE app.entry (item integer CONSTRAINT refers REFERENCES app.item DEFERRABLE INITIALLY DEFERRED);
RESET ROLE;
SET SESSION AUTHORIZATION regress_definer_app;
CREATE TABLE app.mine (id integer);
CREATE CONSTRAINT TRIGGER refers AFTER INSERT ON app.mine DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap.fire();
BEGIN;
INSERT INTO app.mine VALUES (1);
\set ECHO all
SELECT app.up();
ROLLBACK;
-- without such an event, it does not matter
SELECT app.up();
RESET SESSION AUTHORIZATION;
SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'filled';
-- nor do settings of the caller change what literals mean
SELECT cmig.create_revision('Literals', $$CREATE TABLE literal (a text[] DEFAULT '{NULL}', b boolean DEFAULT 1 = NULL)$$, revision => 'literals');
ALTER ROLE regress_definer_app SET array_nulls = off;
SET SESSION AUTHORIZATION regress_definer_app;
SET array_nulls = off; SET transform_null_equals = on;
SELECT app.up();
RESET SESSION AUTHORIZATION;
RESET array_nulls; RESET transform_null_equals;
SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'app.literal'::regclass ORDER BY adnum;

\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA app, trap CASCADE;
DROP FUNCTION where_it_is();
DROP ROLE regress_definer_owner, regress_definer_app;
