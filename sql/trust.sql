--
-- The ownership of pg_cmig: only a superuser can add code to it, and default privileges do not give
-- others access
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE ROLE regress_owner;
CREATE ROLE regress_app;
CREATE ROLE regress_heir;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_owner;
-- common default privileges, for the installing role and for the role that the script runs as
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_app, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON ROUTINES TO regress_app;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_app WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_owner GRANT ALL ON TABLES TO regress_app;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_owner GRANT ALL ON SCHEMAS TO regress_app;
CREATE VIEW granted AS
SELECT o.name, a.grantee, a.privilege_type FROM (
	SELECT 'schema ' || nspname AS name, nspacl AS acl, nspowner AS owner FROM pg_namespace WHERE nspname IN ('cmig', 'cmig_audit')
	UNION ALL SELECT c.relname, c.relacl, c.relowner FROM pg_class c WHERE c.relnamespace::regnamespace::text ~ '^cmig'
	UNION ALL SELECT c.relname || '.' || t.attname, t.attacl, c.relowner FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
		WHERE c.relnamespace::regnamespace::text ~ '^cmig'
	UNION ALL SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
		FROM pg_proc p WHERE p.pronamespace::regnamespace::text = 'cmig') o,
	aclexplode(o.acl) a
WHERE a.grantee <> o.owner;
\set ECHO all
-- installed by a superuser
CREATE EXTENSION pg_cmig;
SELECT * FROM granted ORDER BY 1, 2, 3;
DROP EXTENSION pg_cmig;
-- installed by another role: only that role has privileges, and only those that a dump's rows and its work need
SET ROLE regress_owner;
CREATE EXTENSION pg_cmig;
RESET ROLE;
SELECT DISTINCT grantee::regrole, privilege_type FROM granted ORDER BY 1, 2;
SELECT grantee::regrole, name FROM granted WHERE privilege_type = 'TRUNCATE' ORDER BY 2;
SELECT DISTINCT pg_get_userbyid(p.proowner) = pg_get_userbyid(10) AS by_bootstrap FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace
UNION SELECT pg_get_userbyid(c.relowner) = pg_get_userbyid(10) FROM pg_class c WHERE c.relnamespace = 'cmig'::regnamespace
UNION SELECT pg_get_userbyid(n.nspowner) = pg_get_userbyid(10) FROM pg_namespace n WHERE n.nspname = 'cmig';
SET ROLE regress_app;
SELECT * FROM cmig.revision;
RESET ROLE;

-- the owner cannot have code of its own run by others who use pg_cmig
SET ROLE regress_owner;
\set VERBOSITY terse
CREATE OR REPLACE FUNCTION cmig.current(OUT revision text, OUT is_head boolean, OUT known boolean, OUT branch_labels text[], OUT message text)
	RETURNS SETOF record LANGUAGE sql AS 'SELECT NULL, true, true, NULL, NULL';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
CREATE FUNCTION cmig.backfill(text, text) RETURNS void LANGUAGE sql AS '';
ALTER FUNCTION cmig.current() RESET ALL;
ALTER FUNCTION cmig.current() OWNER TO regress_owner;
ALTER FUNCTION cmig.current() SET SCHEMA public;
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
ALTER SCHEMA cmig RENAME TO other;
ALTER EXTENSION pg_cmig DROP FUNCTION cmig.current();
ALTER EXTENSION pg_cmig DROP TABLE cmig.revision;
ALTER EXTENSION pg_cmig DROP SCHEMA cmig;
$calls$);
\set ECHO all
\set VERBOSITY terse
DROP TABLE cmig.revision;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
ALTER TABLE cmig.revision ALTER message TYPE bytea USING '';
ALTER TABLE cmig.revision ADD CHECK (message <> 'x');
ALTER TABLE cmig.revision RENAME TO gone;
ALTER TABLE cmig.revision ENABLE ROW LEVEL SECURITY;
CREATE RULE r AS ON INSERT TO cmig.version DO ALSO SELECT 1;
CREATE POLICY p ON cmig.revision USING (true);
CREATE INDEX ON cmig.revision (lower(message));
CREATE TRIGGER t BEFORE INSERT ON cmig.journal FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE child () INHERITS (cmig.version);
CREATE OR REPLACE VIEW cmig.backfill_progress AS SELECT 1;
$calls$);
\set ECHO all
-- but it can do all the work
SELECT cmig.create_revision('one', '', '', revision => '001');
\set VERBOSITY default
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.downgrade('base');
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, created_by) VALUES ('001', 'whoever');
GRANT SELECT ON cmig.revision TO regress_app;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_app', 'author');
SELECT count(*) FROM cmig.revoke_access('regress_app');
RESET ROLE;
SELECT * FROM granted WHERE grantee = 'regress_app'::regrole;
-- no event trigger runs with the privileges of the schema's owner
\set ECHO none
CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE NOTICE '% as bootstrap superuser: %', tg_tag, current_user = pg_get_userbyid(10);
END
$$;
CREATE EVENT TRIGGER tell ON ddl_command_start EXECUTE FUNCTION tell();
\set ECHO all
SET ROLE regress_owner;
GRANT SELECT ON cmig.version TO regress_app;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_app', 'reader');
SELECT count(*) FROM cmig.revoke_access('regress_app');
RESET ROLE;
DROP EVENT TRIGGER tell;
DROP FUNCTION tell();
-- nor does the grant option for USAGE give the other privileges
GRANT USAGE ON SCHEMA cmig TO regress_app WITH GRANT OPTION;
GRANT EXECUTE ON FUNCTION cmig.grant_access(name, text) TO regress_app;
SET ROLE regress_app;
SELECT cmig.grant_access('regress_app', 'owner');
RESET ROLE;
SELECT count(*) FROM cmig.revoke_access('regress_app');
-- roles that may not grant cannot, not even with EXECUTE
GRANT USAGE ON SCHEMA cmig TO regress_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_app;
SET ROLE regress_app;
SELECT cmig.grant_access('regress_app', 'owner');
SELECT cmig.revoke_access('regress_heir');
RESET ROLE;
SELECT count(*) FROM cmig.revoke_access('regress_app');
-- a member of the owner can do by hand what the owner can, and nothing else: change rows, but no definitions
\set ECHO none
GRANT regress_owner TO regress_heir;
CREATE FUNCTION pg_temp.try(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE statement;
	RAISE SQLSTATE 'TRIED';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE SQLSTATE WHEN 'TRIED' THEN 'allowed' ELSE SQLSTATE END;
END
$$;
\set ECHO all
SELECT statement, pg_temp.try('regress_owner', statement) AS owner, pg_temp.try('regress_heir', statement) AS member, pg_temp.try('regress_app', statement) AS other
FROM (VALUES ('DELETE FROM cmig.journal'), ('TRUNCATE cmig.journal'), ('UPDATE cmig.journal SET role = NULL WHERE false'), ('UPDATE cmig.revision SET created_by = NULL WHERE false'),
	('DROP TABLE cmig.journal'), ('ALTER TABLE cmig.journal DISABLE TRIGGER ALL'), ('DROP SCHEMA cmig CASCADE'), ('DROP EXTENSION pg_cmig CASCADE')) v(statement);
REVOKE regress_owner FROM regress_heir;
-- given to another role
SELECT * FROM cmig.grant_access('regress_heir', 'owner');
REASSIGN OWNED BY regress_owner TO regress_heir;
DROP OWNED BY regress_owner;
SET ROLE regress_heir;
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_app', 'reader');
\set ECHO none
DROP EXTENSION pg_cmig;
RESET ROLE;
DROP VIEW granted;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
DROP OWNED BY regress_app;
DROP ROLE regress_owner, regress_app, regress_heir;
