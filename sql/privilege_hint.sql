--
-- Hints if the role of a migrator lacks a privilege
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_deploy;
CREATE ROLE "regress owner";
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_deploy', 'migrator');
\set ECHO none
CREATE SCHEMA shop AUTHORIZATION "regress owner";
CREATE TABLE shop.account (id int);
ALTER TABLE shop.account OWNER TO "regress owner";
CREATE TABLE shop.by_superuser (id int);
CREATE FUNCTION shop.helper() RETURNS void LANGUAGE sql AS '';
CREATE SEQUENCE shop.number;
GRANT USAGE ON SCHEMA shop TO regress_deploy;
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.script(text, boolean DEFAULT true) RETURNS void LANGUAGE sql AS
	$$DELETE FROM cmig.revision; INSERT INTO cmig.revision (revision, upgrade_sql, transactional) VALUES ('001', $1, $2)$$;
GRANT USAGE ON SCHEMA cmig TO "regress owner";
\set ECHO all

-- the owner, with a schema in the statement or without
SELECT pg_temp.script('SET LOCAL search_path = shop; ALTER TABLE account ADD name text');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
SET cmig.search_path = 'shop';
SELECT * FROM cmig.upgrade();
RESET cmig.search_path;
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('ALTER TABLE shop.account ADD name text');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
-- it is not known which of two is meant: no owner is named
RESET SESSION AUTHORIZATION;
CREATE TABLE public.account (id int);
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
DROP TABLE public.account;
SET SESSION AUTHORIZATION regress_deploy;
-- one privilege after the other
CALL cmig.upgrade_stepwise();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('SET search_path = shop; ALTER TABLE account ADD name text', false);
SET SESSION AUTHORIZATION regress_deploy;
CALL cmig.upgrade_stepwise();
-- after following the hint
RESET SESSION AUTHORIZATION;
SELECT cmig.stamp('base', purge => true);
ALTER ROLE regress_deploy NOINHERIT;
GRANT "regress owner" TO regress_deploy;
SELECT pg_temp.script('SET LOCAL search_path = shop; ALTER TABLE account ADD name text');
SET SESSION AUTHORIZATION regress_deploy;
SET cmig.role = 'regress_deploy';
SELECT * FROM cmig.upgrade();
SET cmig.role = 'regress owner';
SELECT * FROM cmig.upgrade();
RESET cmig.role;
RESET SESSION AUTHORIZATION;
SELECT cmig.stamp('base');

-- objects of a superuser; objects that are not relations
SELECT pg_temp.script('SET LOCAL search_path = shop; DROP TABLE by_superuser');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('DROP FUNCTION shop.helper()');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('ALTER SCHEMA shop RENAME TO store');
REVOKE "regress owner" FROM regress_deploy;
SET SESSION AUTHORIZATION regress_deploy;
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;

-- privileges that are granted
SELECT pg_temp.script('CREATE TABLE shop.item (id int)');
SET SESSION AUTHORIZATION regress_deploy;
\set VERBOSITY default
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('UPDATE shop.account SET id = 1');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script($$SELECT nextval('shop.number')$$);
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
-- a hint raised by the script itself is kept
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script($$DO 'BEGIN RAISE insufficient_privilege USING HINT = ''own''; END'$$);
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;

-- privileges beyond the common ones
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.account TO regress_deploy;
SELECT pg_temp.script('TRUNCATE shop.account');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
GRANT TRUNCATE ON shop.account TO regress_deploy;
SELECT pg_temp.script('CREATE TRIGGER t BEFORE INSERT ON shop.account FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
-- a schema
SELECT pg_temp.script('CREATE SCHEMA store');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('CREATE TABLE item (id int)');
SET SESSION AUTHORIZATION regress_deploy;
SET cmig.search_path = 'store';
SELECT * FROM cmig.upgrade();
SET cmig.search_path = '"$user"';
SELECT * FROM cmig.upgrade();
RESET cmig.search_path;
RESET SESSION AUTHORIZATION;
-- owners of objects that are not relations
CREATE TYPE shop.mood AS ENUM ('good');
ALTER TYPE shop.mood OWNER TO "regress owner";
ALTER FUNCTION shop.helper OWNER TO "regress owner";
SELECT pg_temp.script($$ALTER TYPE shop.mood ADD VALUE 'bad'$$);
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.script('ALTER FUNCTION shop.helper() STABLE');
SET SESSION AUTHORIZATION regress_deploy;
SELECT * FROM cmig.upgrade();
-- a role of which the session is not a member
SET cmig.role = 'regress owner';
SELECT * FROM cmig.upgrade();
CALL cmig.upgrade_stepwise();
SET cmig.role = 'regress nobody';
SELECT * FROM cmig.upgrade();
\set ECHO none
RESET cmig.role;
RESET SESSION AUTHORIZATION;

DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
DROP OWNED BY "regress owner", regress_deploy;
DROP ROLE regress_deploy, "regress owner";
