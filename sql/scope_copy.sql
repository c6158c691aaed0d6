--
-- create_scope with copy_of: the structure of another scope
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql, downgrade_sql) VALUES
	('001', '{}', 'Create invoices', 'CREATE TABLE invoice (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total numeric CHECK (total >= 0));
		CREATE VIEW large AS SELECT * FROM invoice WHERE total > 1000;
		CREATE FUNCTION count_large() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM large'';
		INSERT INTO invoice (total) VALUES (1)', 'DROP TABLE invoice CASCADE; DROP FUNCTION count_large'),
	('002', '{001}', 'Create payments', 'CREATE TABLE payment (id int PRIMARY KEY, invoice bigint REFERENCES invoice); COMMENT ON TABLE payment IS ''Paid''', 'DROP TABLE payment'),
	('003', '{002}', 'Add a note', 'ALTER TABLE payment ADD note text', 'ALTER TABLE payment DROP note');
\set ECHO all
SELECT * FROM cmig.create_scope('t_1', '002');

-- the copy has the structure and the revisions, but no rows; what is missing is run
SELECT * FROM cmig.create_scope('t 2', '002', copy_of => 't_1');
SELECT * FROM cmig.create_scope('t_3', copy_of => 't_1');
SELECT scope, current, pending, failed FROM cmig.scopes();
SELECT count(*) FROM cmig.diff_schemas('t_1', 't 2');
SELECT (SELECT count(*) FROM t_1.invoice) AS original, (SELECT count(*) FROM "t 2".invoice) AS copy, obj_description('"t 2".payment'::regclass);
INSERT INTO "t 2".invoice (total) VALUES (2000);
SET search_path = "t 2", public;
SELECT count_large();
RESET search_path;
SELECT revision, direction, outcome, scope FROM cmig.journal WHERE scope IN ('t 2', 't_3') ORDER BY scope, id;
SELECT * FROM cmig.check() WHERE severity <> 'notice';
SET cmig.scope = 't 2';
SELECT revision FROM cmig.downgrade('base');
RESET cmig.scope;

-- what cannot be copied
SELECT * FROM cmig.create_scope('t_4', copy_of => 'nowhere');
\set VERBOSITY sqlstate
SELECT * FROM cmig.create_scope('t_4', copy_of => 'public');
SELECT * FROM cmig.create_scope('t_4', copy_of => '');
SELECT * FROM cmig.create_scope('t_4', copy_of => 't 2');
CREATE ROLE regress_copy_stranger;
GRANT CREATE ON SCHEMA t_1 TO regress_copy_stranger;
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
\set ECHO none
SET ROLE regress_copy_stranger;
CREATE FUNCTION t_1.evil() RETURNS int LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT 1';
RESET ROLE;
REVOKE CREATE ON SCHEMA t_1 FROM regress_copy_stranger;
\set VERBOSITY default
\set ECHO all
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
-- nor does a superuser copy, and so run, what the owner of the database owns
BEGIN;
SELECT format('ALTER DATABASE %I OWNER TO regress_copy_stranger', current_database()) \gexec
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
ROLLBACK;
\set ECHO none
DROP FUNCTION t_1.evil;
-- a trigger of a role that has the privilege TRIGGER
GRANT TRIGGER ON t_1.invoice TO regress_copy_stranger;
GRANT USAGE ON SCHEMA t_1 TO regress_copy_stranger;
CREATE SCHEMA copy_stranger AUTHORIZATION regress_copy_stranger;
SET ROLE regress_copy_stranger;
CREATE FUNCTION copy_stranger.evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER evil BEFORE INSERT ON t_1.invoice FOR EACH ROW EXECUTE FUNCTION copy_stranger.evil();
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
DROP FUNCTION copy_stranger.evil CASCADE;
DROP SCHEMA copy_stranger;
-- privileges are copied, and a NOTICE mentions the roles
BEGIN;
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
SELECT has_schema_privilege('regress_copy_stranger', 't_4', 'USAGE');
\set ECHO none
ROLLBACK;
REVOKE ALL ON SCHEMA t_1 FROM regress_copy_stranger;
REVOKE ALL ON t_1.invoice FROM regress_copy_stranger;
ALTER TABLE t_1.payment ADD place text DEFAULT 't_1.invoice';
\set ECHO all
SELECT * FROM cmig.create_scope('t_4', copy_of => 't_1');
ALTER TABLE t_1.payment DROP place;
-- functions use the tables of the copy; an alias is not the schema
CREATE FUNCTION t_1.pinned() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = t_1, pg_temp AS 'SELECT count(*) FROM invoice';
CREATE FUNCTION t_1.qualified() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(t_1.id) FROM t_1."invoice" t_1); END';
SET client_min_messages = warning;
SELECT count(*) FROM cmig.create_scope('t_9', copy_of => 't_1');
SELECT count(*) FROM cmig.create_scope('t "9', copy_of => 't_1');
SELECT pronamespace::regnamespace, proname, proconfig, prosrc FROM pg_proc WHERE pronamespace IN ('t_9'::regnamespace, '"t ""9"'::regnamespace) AND proname IN ('pinned', 'qualified') ORDER BY 1, 2;
SELECT count(*) FROM cmig.diff_schemas('t_9', 't "9');
SELECT count(*) FROM cmig.diff_schemas('t_1', 't_9');
SELECT cmig.drop_scope(name, confirm => name) FROM unnest(ARRAY['t_9', 't "9']) name;
RESET client_min_messages;
DROP FUNCTION t_1.pinned, t_1.qualified;
SELECT count(*) FROM pg_namespace WHERE nspname = 't_4';
SELECT count(*) FROM cmig.create_scope('t_4', copy_of => 't_1');

-- a revision that is not transactional does not need a stepwise run in the copy
SELECT cmig.create_revision('Index totals', 'CREATE INDEX CONCURRENTLY invoice_total ON invoice (total)', 'DROP INDEX invoice_total', revision => '004', transactional => false);
SET cmig.scope = 't_4';
CALL cmig.upgrade_stepwise();
RESET cmig.scope;
\set ECHO none
SELECT pg_temp.errors('default', $calls$
 SELECT count(*) FROM cmig.create_scope('t_8');
$calls$);
\set ECHO all
SELECT count(*) FROM cmig.create_scope('t_8', copy_of => 't_4');
SELECT current, pending FROM cmig.scopes() WHERE scope = 't_8';
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 't_8.invoice'::regclass ORDER BY 1;

-- more copies in one session, while the copied scope or what it uses in another schema changes
\set ECHO none
CREATE DOMAIN state AS text CHECK (value <> '');
ALTER TABLE t_1.payment ADD state state, ADD dropped int;
ALTER TABLE t_1.payment DROP dropped, ADD paid boolean;
CREATE FUNCTION copies(OUT equal bigint, OUT different bigint) LANGUAGE sql AS
	$$SELECT count(*) FILTER (WHERE n = 0), count(*) FILTER (WHERE n > 0) FROM pg_namespace, LATERAL (SELECT count(*) AS n FROM cmig.diff_schemas('t_1', nspname)) d WHERE nspname ~ '^u[_ ]'$$;
\set ECHO all
SELECT count(*) FROM unnest(ARRAY['u_1', 'u_2', 'u 3''"']) s, cmig.create_scope(s, '002', copy_of => 't_1');
SELECT * FROM copies();
ALTER TABLE t_1.payment ADD late text;
SELECT * FROM cmig.create_scope('u_4', '002', copy_of => 't_1');
SELECT * FROM copies();
ALTER DOMAIN state RENAME TO old_state;
SELECT * FROM cmig.create_scope('u_5', '002', copy_of => 't_1');
CREATE DOMAIN state AS text;
ALTER DOMAIN state RENAME TO other_state;
ALTER DOMAIN old_state RENAME TO state;
SELECT * FROM cmig.create_scope('u_6', '002', copy_of => 't_1');
ALTER DOMAIN state RENAME TO old_state;
ALTER DOMAIN other_state RENAME TO state;
SELECT * FROM cmig.create_scope('u_7', '002', copy_of => 't_1');
SELECT table_schema, domain_name FROM information_schema.columns WHERE column_name = 'state' AND domain_schema = 'public' ORDER BY 1;
SELECT * FROM copies();
-- a copy that is rolled back
BEGIN;
ALTER TABLE t_1.payment ADD gone int;
SELECT * FROM cmig.create_scope('u_8', '002', copy_of => 't_1');
SELECT * FROM cmig.create_scope('u_9', '002', copy_of => 't_1');
ROLLBACK;
SELECT * FROM cmig.create_scope('u_8', '002', copy_of => 't_1');
SELECT * FROM copies();
\set ECHO none
DROP FUNCTION copies;
SET client_min_messages = warning;
DROP SCHEMA u_1, u_2, "u 3'""", u_4, u_5, u_6, u_7, u_8 CASCADE;
ALTER TABLE t_1.payment DROP state, DROP paid, DROP late;
DROP DOMAIN state, old_state;
RESET client_min_messages;

-- scripts that run as another role
CREATE ROLE regress_copy_owner;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_copy_owner', 'migrator');
SET cmig.role = 'regress_copy_owner';
SELECT count(*) FROM cmig.create_scope('t_5', '002');
SELECT count(*) FROM cmig.create_scope('t_6', '002', copy_of => 't_5');
SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 't_6'::regnamespace AND relkind = 'r' ORDER BY 1;
RESET cmig.role;
\set VERBOSITY sqlstate
SELECT count(*) FROM cmig.create_scope('t_7', copy_of => 't_5');
\set VERBOSITY sqlstate

\set ECHO none
SET client_min_messages = warning;
DROP EXTENSION pg_cmig;
DROP SCHEMA t_1, "t 2", t_3, t_4, t_5, t_6, t_8 CASCADE;
DROP OWNED BY regress_copy_stranger, regress_copy_owner;
DROP ROLE regress_copy_stranger, regress_copy_owner;
