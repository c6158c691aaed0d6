--
-- cmig.diff by a database owner who is not a superuser: objects of other roles
-- are left as they are
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
SET client_min_messages = error;
CREATE ROLE regress_others_admin SUPERUSER;
CREATE ROLE regress_others_app;
CREATE ROLE regress_others_owner IN ROLE regress_others_app;
RESET client_min_messages;
SELECT pg_get_userbyid(datdba) AS owner, quote_ident(datname) AS database FROM pg_database WHERE datname = current_database() \gset
ALTER DATABASE :database OWNER TO regress_others_owner;
GRANT CREATE ON SCHEMA public TO regress_others_app;
SET SESSION AUTHORIZATION regress_others_owner;
CREATE EXTENSION pg_cmig;
CREATE TABLE item (id int PRIMARY KEY, name text, state text);
CREATE TABLE stock (id int PRIMARY KEY);
RESET SESSION AUTHORIZATION;
SET ROLE regress_others_admin;
SET client_min_messages = error;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
CREATE FUNCTION public.said() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'fired: %', tg_tag; END $$;
CREATE EVENT TRIGGER said ON ddl_command_end EXECUTE FUNCTION said();
\set ECHO all
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER away FOREIGN DATA WRAPPER far;
CREATE TABLE admins (id int, note text);
CREATE VIEW names AS SELECT name FROM item;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_others_app;
RESET ROLE;

SET SESSION AUTHORIZATION regress_others_owner;
\set same 'CREATE TABLE item (id int PRIMARY KEY, name text, state text); CREATE TABLE stock (id int PRIMARY KEY); CREATE TABLE admins (id int, note text); CREATE VIEW names AS SELECT name FROM item; CREATE FUNCTION public.said() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING ''fired: %'', tg_tag; END $$;'
-- nothing differs, whether or not the target names objects of others
SELECT * FROM cmig.diff(:'same');
\set ECHO none
SELECT * FROM cmig.diff(:'same' || $$
CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE PUBLICATION everything FOR ALL TABLES;
CREATE EVENT TRIGGER said ON ddl_command_end EXECUTE FUNCTION said();
CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_others_admin GRANT SELECT ON TABLES TO regress_others_app;
ALTER TABLE admins OWNER TO regress_others_admin$$, owners => true);
\set ECHO all
-- owners that the caller cannot set are not a difference unless owners are compared
SELECT action, kind, object, hazard FROM cmig.diff(:'same' || 'ALTER TABLE item OWNER TO regress_others_admin');
SELECT action, kind, object, hazard FROM cmig.diff(:'same' || 'ALTER TABLE item OWNER TO regress_others_admin; ALTER VIEW names OWNER TO regress_others_app', owners => true);

-- an event trigger and a publication that only a superuser can create
SELECT action, kind, object, substring(hazard FROM 'permission.*|must be superuser') AS hazard FROM cmig.diff(:'same' || 'CREATE EVENT TRIGGER new ON sql_drop EXECUTE FUNCTION said(); CREATE PUBLICATION "All" FOR ALL TABLES');

-- changes of their objects, and of objects on which these depend
SELECT step, action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff($$
CREATE TABLE item (id int PRIMARY KEY, name varchar(10), state text, n int);
CREATE TABLE admins (id bigint, more text);
CREATE INDEX ON admins (id);
COMMENT ON COLUMN admins.id IS 'who';
GRANT SELECT ON admins TO regress_others_app;
CREATE VIEW names AS SELECT name FROM item$$);
-- objects in a schema of the caller can be dropped, also by the rows
SELECT step, action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff('CREATE TABLE item (id int PRIMARY KEY, state text); CREATE TABLE stock (id int PRIMARY KEY)');
RESET SESSION AUTHORIZATION;
DROP EVENT TRIGGER said;
SET SESSION AUTHORIZATION regress_others_owner;
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE item (id int PRIMARY KEY, state text); CREATE TABLE stock (id int PRIMARY KEY)') \gexec
SELECT * FROM cmig.diff('CREATE TABLE item (id int PRIMARY KEY, state text); CREATE TABLE stock (id int PRIMARY KEY)');

-- what a skipped statement would create or alter is not compared, and never dropped
\set ECHO none
RESET SESSION AUTHORIZATION;
CREATE POLICY mine ON stock USING (true);
CREATE FUNCTION added(int, int) RETURNS int LANGUAGE internal IMMUTABLE AS 'int4pl';
ALTER FUNCTION added OWNER TO regress_others_owner;
SET SESSION AUTHORIZATION regress_others_owner;
\set fewer 'CREATE TABLE item (id int PRIMARY KEY, state text); CREATE TABLE stock (id int PRIMARY KEY); CREATE FUNCTION added(int, int) RETURNS int LANGUAGE internal IMMUTABLE AS ''int4pl'';'
\set ECHO all
SELECT action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff(:'fewer' || 'CREATE POLICY mine ON stock TO regress_others_absent USING (id > 0)');
SELECT action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff(:'fewer' || 'CREATE POLICY mine ON stock USING (id > 0); ALTER POLICY mine ON stock TO regress_others_absent');
SELECT action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff(:'fewer' || 'CREATE FUNCTION added(text) RETURNS text LANGUAGE sql AS ''SELECT $1''');
DROP POLICY mine ON stock;
DROP FUNCTION added;

-- a superuser can change everything
RESET SESSION AUTHORIZATION;
SELECT action, kind, object, coalesce(upgrade_sql, hazard) FROM cmig.diff('CREATE TABLE item (id int PRIMARY KEY, state text); CREATE TABLE stock (id int PRIMARY KEY)');

\set ECHO none
SET client_min_messages = error;
ALTER DATABASE :database OWNER TO :owner;
DROP OWNED BY regress_others_admin;
DROP OWNED BY regress_others_owner, regress_others_app CASCADE;
DROP ROLE regress_others_owner, regress_others_app, regress_others_admin;
