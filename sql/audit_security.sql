--
-- Who may do what with the audit log, and what a hostile role could try
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE ROLE regress_audit_dba;
CREATE ROLE regress_audit_owner;
CREATE ROLE regress_audit_writer;
CREATE ROLE regress_audit_evil;
SELECT current_user AS superuser, current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO regress_audit_dba, regress_audit_evil;
CREATE SCHEMA app AUTHORIZATION regress_audit_owner;
GRANT USAGE ON SCHEMA app TO regress_audit_writer, regress_audit_evil;
GRANT CREATE ON SCHEMA app TO regress_audit_evil;
CREATE TABLE app.accounts (id integer PRIMARY KEY, secret text);
ALTER TABLE app.accounts OWNER TO regress_audit_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER ON app.accounts TO regress_audit_writer;

-- nothing is granted to PUBLIC, and without EXECUTE nobody can create a trigger with the function
SET ROLE regress_audit_writer;
\set ECHO all
SELECT cmig.enable_audit('app.accounts');
RESET ROLE;
GRANT USAGE ON SCHEMA cmig TO regress_audit_writer, regress_audit_owner, regress_audit_evil;
SET ROLE regress_audit_writer;
SELECT cmig.enable_audit('app.accounts');
CREATE TRIGGER forged AFTER INSERT ON app.accounts FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('1', '{}');
RESET ROLE;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA cmig TO regress_audit_owner, regress_audit_evil, regress_audit_writer;
SET ROLE regress_audit_writer;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_audit('app.accounts');
SELECT cmig.disable_audit('app.accounts');
SELECT cmig.audit_trigger();
$calls$);
\set ECHO all
RESET ROLE;

-- a hostile schema created beforehand is not used
SET ROLE regress_audit_evil;
CREATE SCHEMA cmig_audit;
RESET ROLE;
SELECT cmig.enable_audit('app.accounts');
-- nor is a hostile log in a schema of the expected owner
\set ECHO none
ALTER SCHEMA cmig_audit OWNER TO :"superuser";
GRANT ALL ON SCHEMA cmig_audit TO regress_audit_evil;
SET ROLE regress_audit_evil;
CREATE TABLE cmig_audit.log (id integer);
RESET ROLE;
\set ECHO all
SELECT cmig.enable_audit('app.accounts');
DROP TABLE cmig_audit.log;
-- this does not prevent an upgrade
\set ECHO none
SET ROLE regress_audit_evil;
CREATE TABLE cmig_audit.log (id integer, transaction_at timestamptz) PARTITION BY RANGE (transaction_at);
RESET ROLE;
BEGIN;
\set ECHO all
SELECT cmig.create_revision('an upgrade', 'CREATE TABLE app.upgraded ()', '', revision => 'upgraded');
SELECT revision FROM cmig.upgrade();
\set ECHO none
ROLLBACK;
DROP TABLE cmig_audit.log;
SET ROLE regress_audit_evil;
CREATE VIEW cmig_audit.layout AS SELECT 1 AS table_id;
RESET ROLE;
\set ECHO all
SELECT cmig.enable_audit('app.accounts');
DROP SCHEMA cmig_audit CASCADE;

-- the table's owner, not a superuser, may enable it; the log belongs to the extension's owner
SET ROLE regress_audit_owner;
\set VERBOSITY terse
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.accounts');
RESET ROLE;
SELECT n.nspname, pg_get_userbyid(n.nspowner) = :'superuser' AS owned, n.nspacl IS NULL OR NOT has_schema_privilege('regress_audit_owner', n.oid, 'USAGE') AS closed
	FROM pg_namespace n WHERE nspname = 'cmig_audit';
SELECT count(*) AS relations, bool_and(pg_get_userbyid(relowner) = :'superuser') AS owned, bool_and(relacl IS NULL) AS closed
	FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace;
-- the log is not a member of the extension
SELECT count(*) AS members FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
	WHERE d.deptype = 'e' AND e.extname = 'pg_cmig' AND d.classid = 'pg_class'::regclass
	AND d.objid IN (SELECT oid FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace);

-- a writer's changes are logged without any privilege on the log
SET ROLE regress_audit_writer;
INSERT INTO app.accounts VALUES (1, 'a'), (2, 'b');
UPDATE app.accounts SET secret = 'c' WHERE id = 1;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig_audit.log;
SELECT * FROM cmig_audit.audit_logs;
INSERT INTO cmig_audit.log (seq) VALUES (1);
UPDATE cmig_audit.log SET role = 'somebody';
$calls$);
\set ECHO all
DELETE FROM cmig_audit.log_default;
TRUNCATE cmig_audit.log;
SELECT nextval('cmig_audit.log_id_seq');
DROP TABLE cmig_audit.log;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.audit_history('app.accounts', 1);
SELECT cmig.audit_as_of(NULL::app.accounts, now());
SELECT cmig.audit_transaction('1');
SELECT cmig.audit_report();
$calls$);
\set ECHO all
CALL cmig.audit_retain('1 day');
SELECT cmig.audit_import('app.accounts');
SET cmig.audit_skip = on;
ALTER TABLE app.accounts DISABLE TRIGGER ALL;
DROP TRIGGER cmig_audit_insert ON app.accounts;
SELECT * FROM cmig.secret;
RESET ROLE;
SELECT operation, row_key, role FROM cmig_audit.log ORDER BY id;

-- roles that may create triggers on the table may replace the audit trigger: enable_audit warns
RESET client_min_messages;
GRANT TRIGGER ON app.accounts TO PUBLIC;
\set VERBOSITY default
SELECT * FROM cmig.enable_audit('app.accounts');
REVOKE TRIGGER ON app.accounts FROM PUBLIC, regress_audit_writer;
SELECT * FROM cmig.enable_audit('app.accounts');
SET client_min_messages = warning;
SET ROLE regress_audit_writer;
\set VERBOSITY terse
CREATE OR REPLACE TRIGGER cmig_audit_insert AFTER INSERT ON app.accounts EXECUTE FUNCTION suppress_redundant_updates_trigger();
RESET ROLE;

-- the table's owner has no privilege on the log either
SET ROLE regress_audit_owner;
SELECT * FROM cmig_audit.log;
DELETE FROM cmig_audit.log;
SET cmig.audit_skip = on;
RESET ROLE;

-- a role gains no membership: code that runs during the trigger runs as the writer, and temporary
-- or local objects of the same names are not used
\set ECHO none
SET ROLE regress_audit_evil;
CREATE TABLE app.trap (id integer PRIMARY KEY, v text);
CREATE FUNCTION app.nextval(text) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
CREATE FUNCTION app.jsonb_hash_extended(jsonb, bigint) RETURNS bigint LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'trapped as %', current_user; END$$;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.trap');
\set ECHO none
SET search_path = app, pg_catalog;
CREATE TEMP TABLE log (LIKE app.trap);
CREATE TEMP TABLE layout (LIKE app.trap);
INSERT INTO app.trap VALUES (1, 'x');
RESET search_path;
DROP TABLE pg_temp.log, pg_temp.layout;
RESET ROLE;
INSERT INTO app.trap VALUES (2, 'as superuser');
\set ECHO all
SELECT row_key, role = :'superuser' AS superuser FROM cmig_audit.log WHERE table_name = 'trap' ORDER BY id;
-- triggers created by hand with the id of another table are detected
SET ROLE regress_audit_evil;
CREATE TABLE app.forgery (id integer PRIMARY KEY, secret text);
SELECT table_id FROM regexp_matches(pg_get_triggerdef((SELECT oid FROM pg_trigger WHERE tgrelid = 'app.accounts'::regclass AND tgname = 'cmig_audit_insert')), 'audit_trigger\(''(\d+)''') AS m(table_id) \gset
SELECT format('CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(%L, %L)', (:'table_id'::text[])[1], '{}') \gexec
INSERT INTO app.forgery VALUES (1, 'forged');
DROP TRIGGER forged ON app.forgery;
CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('x');
INSERT INTO app.forgery VALUES (1, 'forged');
DROP TRIGGER forged ON app.forgery;
CREATE TRIGGER forged BEFORE INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('1', '{}');
INSERT INTO app.forgery VALUES (1, 'forged');
DROP TRIGGER forged ON app.forgery;
RESET ROLE;
-- even if the other table was renamed since its last change
ALTER TABLE app.accounts RENAME TO renamed;
SET ROLE regress_audit_evil;
SELECT format('CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(%L, %L)', (:'table_id'::text[])[1], '{}') \gexec
INSERT INTO app.forgery VALUES (1, 'forged');
DROP TRIGGER forged ON app.forgery;
RESET ROLE;
ALTER TABLE app.renamed RENAME TO accounts;
-- the id of a table that is no longer audited, or was dropped, cannot be taken, either
CREATE TABLE app.former (id integer PRIMARY KEY);
ALTER TABLE app.former OWNER TO regress_audit_owner;
SET ROLE regress_audit_owner;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.former', level => 'row');
INSERT INTO app.former VALUES (1);
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('app.former');
\set ECHO none
ALTER TABLE app.former RENAME TO former_renamed;
RESET ROLE;
SELECT table_id AS former_id FROM cmig_audit.layout WHERE table_name = 'former' \gset
SET ROLE regress_audit_evil;
CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(:'former_id', '{}');
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
INSERT INTO app.forgery VALUES (1, 'forged');
$calls$);
\set VERBOSITY terse
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.forgery');
$calls$);
\set ECHO all
RESET ROLE;
DROP TABLE app.former_renamed;
SET ROLE regress_audit_evil;
INSERT INTO app.forgery VALUES (1, 'forged');
TRUNCATE app.forgery;
DROP TRIGGER forged ON app.forgery;
-- not even with the same name
CREATE TABLE app.former (id integer PRIMARY KEY);
CREATE TRIGGER cmig_audit_row AFTER INSERT OR UPDATE OR DELETE ON app.former FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(:'former_id', '{"level": "row"}');
INSERT INTO app.former VALUES (2);
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('app.former');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.former', level => 'row');
\set ECHO none
INSERT INTO app.former VALUES (2);
DROP TABLE app.former;
RESET ROLE;
-- its owner continues with the id, as when a dump is restored
SET ROLE regress_audit_owner;
RESET ROLE;
GRANT CREATE ON SCHEMA app TO regress_audit_owner;
SET ROLE regress_audit_owner;
CREATE TABLE app.restored (id integer PRIMARY KEY);
CREATE TRIGGER cmig_audit_row AFTER INSERT OR UPDATE OR DELETE ON app.restored FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(:'former_id', '{"level": "row"}');
INSERT INTO app.restored VALUES (3);
RESET ROLE;
SET client_min_messages = warning;
\set ECHO all
SELECT table_name, row_key, role FROM cmig_audit.log WHERE table_id = :former_id ORDER BY id;
DROP TABLE app.restored;
-- a former owner of the table cannot
CREATE TABLE app.given (id integer PRIMARY KEY);
ALTER TABLE app.given OWNER TO regress_audit_evil;
SET ROLE regress_audit_evil;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.given', level => 'row');
\set ECHO none
RESET ROLE;
ALTER TABLE app.given OWNER TO regress_audit_owner;
INSERT INTO app.given VALUES (1);
SELECT table_id AS given_id FROM cmig_audit.layout WHERE table_name = 'given' ORDER BY recorded_at DESC LIMIT 1 \gset
DROP TABLE app.given;
SET ROLE regress_audit_evil;
CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(:'given_id', '{}');
\set ECHO all
INSERT INTO app.forgery VALUES (1, 'forged');
\set ECHO none
DROP TRIGGER forged ON app.forgery;
RESET ROLE;
-- taking an id that is not assigned yet does not prevent auditing the next table
SELECT last_value + 1 AS next_id FROM cmig_audit.table_id_seq \gset
SET ROLE regress_audit_evil;
CREATE TRIGGER forged AFTER INSERT ON app.forgery FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger(:'next_id', '{}');
INSERT INTO app.forgery VALUES (1, 'under an id of its own');
RESET ROLE;
CREATE TABLE app.next (id integer PRIMARY KEY);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.next');
INSERT INTO app.next VALUES (1);
SELECT table_name, count(DISTINCT table_id), min(table_id) - :next_id AS id FROM cmig_audit.log WHERE table_name IN ('next', 'forgery') GROUP BY 1 ORDER BY 1;

-- the log's owner cannot become a superuser who writes an audited table: not by
-- triggers, rules, defaults, checks, policies, expression indexes, or partitions
CREATE TABLE app.mine (id integer PRIMARY KEY);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.mine');
\set ECHO none
ALTER DATABASE :"db" OWNER TO regress_audit_dba;
ALTER SCHEMA cmig_audit OWNER TO regress_audit_dba;
DO $$
DECLARE
	r regclass;
BEGIN
	FOR r IN SELECT oid FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace
		AND relkind IN ('r', 'p', 'v', 'S') AND relname <> 'log_id_seq' ORDER BY relkind = 'p' DESC
	LOOP
		EXECUTE format('ALTER TABLE %s OWNER TO regress_audit_dba', r);
	END LOOP;
END $$;
SET ROLE regress_audit_dba;
CREATE TABLE cmig_audit.witness (what text, who text);
GRANT INSERT ON cmig_audit.witness TO PUBLIC;
CREATE FUNCTION cmig_audit.attack(what text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user <> 'regress_audit_dba' THEN RAISE WARNING '% runs as somebody else', what; END IF;
	PERFORM set_config('application_name', 'attack', false);
	RETURN what;
END $$;
CREATE FUNCTION cmig_audit.attack_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'trigger on % as %', TG_TABLE_NAME, CASE WHEN current_user = 'regress_audit_dba' THEN current_user ELSE 'somebody else' END; RETURN NEW; END $$;
CREATE TRIGGER t AFTER INSERT ON cmig_audit.log FOR EACH ROW EXECUTE FUNCTION cmig_audit.attack_trigger();
CREATE TRIGGER st BEFORE INSERT ON cmig_audit.log FOR EACH STATEMENT EXECUTE FUNCTION cmig_audit.attack_trigger();
CREATE TRIGGER l BEFORE INSERT ON cmig_audit.layout FOR EACH ROW EXECUTE FUNCTION cmig_audit.attack_trigger();
CREATE CONSTRAINT TRIGGER d AFTER INSERT ON cmig_audit.log_default DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cmig_audit.attack_trigger();
ALTER TABLE cmig_audit.log ADD COLUMN extra text DEFAULT cmig_audit.attack('default');
ALTER TABLE cmig_audit.log ADD CHECK (cmig_audit.attack('check') IS NOT NULL);
CREATE INDEX ON cmig_audit.log (cmig_audit.attack(operation));
CREATE INDEX ON cmig_audit.log (id) WHERE cmig_audit.attack(operation) <> '';
CREATE INDEX log_constant_idx ON cmig_audit.log ((cmig_audit.attack('constant') || operation)) WHERE cmig_audit.attack('constant predicate') <> operation;
CREATE RULE r AS ON INSERT TO cmig_audit.log DO ALSO INSERT INTO cmig_audit.witness VALUES ('rule', current_user);
ALTER TABLE cmig_audit.log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON cmig_audit.log USING (cmig_audit.attack('policy') IS NOT NULL);
RESET ROLE;
RESET application_name;
INSERT INTO app.mine VALUES (1);
UPDATE app.mine SET id = 2;
ALTER TABLE app.mine ADD COLUMN v text;
INSERT INTO app.mine VALUES (3);
\set ECHO all
-- nor change the session's settings
SELECT count(*) FROM pg_settings WHERE setting = 'attack';
-- readers do not run the owner's functions with their own privileges
SELECT * FROM cmig.audit_history('app.mine', 2);
SET ROLE regress_audit_dba;
SELECT operation, row_key, extra FROM cmig_audit.log WHERE table_name = 'mine' ORDER BY id;
SELECT * FROM cmig_audit.witness;
\set ECHO none
RESET ROLE;
-- nor in partitions and children in other schemas, nor through operators or casts
SET ROLE regress_audit_dba;
CREATE SCHEMA regress_audit_dba;
CREATE FUNCTION regress_audit_dba.attack(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT cmig_audit.attack('operator') IS NOT NULL$$;
CREATE OPERATOR regress_audit_dba.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_audit_dba.attack);
DROP INDEX cmig_audit.log_attack_idx, cmig_audit.log_id_idx, cmig_audit.log_constant_idx;
DROP RULE r ON cmig_audit.log;
ALTER TABLE cmig_audit.log DROP COLUMN extra;
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'cmig_audit.log'::regclass AND contype = 'c'
	LOOP
		EXECUTE format('ALTER TABLE cmig_audit.log DROP CONSTRAINT %I', c.conname);
	END LOOP;
END $$;
RESET ROLE;
\set ECHO all
SELECT count(*) FROM cmig.audit_history('app.mine', 2);
\set ECHO none
SET ROLE regress_audit_dba;
CREATE TABLE regress_audit_dba.part PARTITION OF cmig_audit.log FOR VALUES FROM ('2019-01-01') TO ('2019-02-01');
ALTER TABLE regress_audit_dba.part ADD CHECK ('x' OPERATOR(regress_audit_dba.===) 'y');
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.audit_history('app.mine', 2);
\set ECHO none
SET ROLE regress_audit_dba;
DROP TABLE regress_audit_dba.part;
CREATE TABLE regress_audit_dba.child (CHECK (cmig_audit.attack('x') = 'x')) INHERITS (cmig_audit.layout);
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.audit_history('app.mine', 2);
SET ROLE regress_audit_dba;
DROP TABLE regress_audit_dba.child;
-- nor through the checks of domains
\set ECHO none
CREATE DOMAIN regress_audit_dba.checked AS bigint;
CREATE INDEX checked_idx ON cmig_audit.log ((id::regress_audit_dba.checked));
ALTER DOMAIN regress_audit_dba.checked ADD CHECK (cmig_audit.attack('domain') <> '') NOT VALID;
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.audit_history('app.mine', 2);
SET ROLE regress_audit_dba;
DROP INDEX cmig_audit.checked_idx;
-- nor through a built-in function that reads a partition key
\set ECHO none
CREATE TABLE regress_audit_dba.hashed (a text) PARTITION BY HASH ((a || cmig_audit.attack('partition key')));
SELECT format('CREATE INDEX hashed_idx ON cmig_audit.log (id) WHERE satisfies_hash_partition(%s, 1, 0, ''x''::text)', 'regress_audit_dba.hashed'::regclass::oid) AS statement \gset
:statement;
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.audit_history('app.mine', 2);
\set ECHO none
SET ROLE regress_audit_dba;
DROP INDEX cmig_audit.hashed_idx;
BEGIN;
DROP VIEW cmig_audit.audit_logs;
ALTER TABLE cmig_audit.log ALTER old_row TYPE bigint USING 5;
RESET ROLE;
\set ECHO all
SELECT * FROM cmig.audit_transaction('1');
ROLLBACK;
RESET ROLE;
-- what the log's owner writes into the log is an error, not a crash
\set ECHO none
BEGIN;
ALTER TABLE cmig_audit.log ALTER operation DROP NOT NULL;
UPDATE cmig_audit.log SET operation = NULL WHERE table_name = 'mine';
\set VERBOSITY sqlstate
\set ECHO all
SELECT * FROM cmig.audit_diff('app.mine', 2, now() - interval '1 hour', now());
ROLLBACK;
BEGIN;
UPDATE cmig_audit.log SET new_row = '[1]' WHERE table_name = 'mine';
SELECT * FROM cmig.audit_diff('app.mine', 2, now() - interval '1 hour', now());
\set ECHO none
ROLLBACK;
BEGIN;
UPDATE cmig_audit.layout SET columns = '{"id": "one"}' WHERE table_name = 'mine';
\set VERBOSITY terse
\set ECHO all
SELECT * FROM cmig.audit_diff('app.mine', 2, now() - interval '1 hour', now());
\set ECHO none
ROLLBACK;
BEGIN;
ALTER TABLE cmig_audit.layout ALTER columns DROP NOT NULL;
UPDATE cmig_audit.layout SET columns = NULL WHERE table_name = 'mine';
\set ECHO all
SELECT * FROM cmig.audit_history('app.mine', 2);
ROLLBACK;
BEGIN;
UPDATE cmig_audit.layout SET columns = '{"id": 4294967297}' WHERE table_name = 'mine';
SELECT * FROM cmig.audit_history('app.mine', 2);
ROLLBACK;
BEGIN;
UPDATE cmig_audit.layout SET key_columns = '{id,NULL}' WHERE table_name = 'mine';
SELECT * FROM cmig.audit_as_of(NULL::app.mine, now());
ROLLBACK;
BEGIN;
UPDATE cmig_audit.layout SET key_kinds = '{{number},{number}}' WHERE table_name = 'mine';
SELECT * FROM cmig.audit_history('app.mine', 2);
\set ECHO none
ROLLBACK;
-- nor does a deferred trigger, which would run at commit as the superuser
SET ROLE regress_audit_dba;
DROP TRIGGER l ON cmig_audit.layout;
CREATE CONSTRAINT TRIGGER l AFTER INSERT ON cmig_audit.layout DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cmig_audit.attack_trigger();
RESET ROLE;
ALTER TABLE app.mine ADD COLUMN w text;
INSERT INTO app.mine VALUES (4);
DROP TRIGGER l ON cmig_audit.layout;
-- columns have changed: the trigger does not guess
ALTER TABLE cmig_audit.log RENAME COLUMN role TO who;
\set ECHO all
\set VERBOSITY sqlstate
INSERT INTO app.mine VALUES (5);
\set VERBOSITY terse
ALTER TABLE cmig_audit.log RENAME COLUMN who TO role;
-- a log that now belongs to another role is not written to
ALTER TABLE cmig_audit.log OWNER TO regress_audit_evil;
INSERT INTO app.mine VALUES (5);
-- nor is it read
SELECT * FROM cmig.audit_history('app.mine', 1);
ALTER DATABASE :"db" OWNER TO :"superuser";
DROP SCHEMA cmig_audit CASCADE;
-- a missing log is an error, too
INSERT INTO app.mine VALUES (5);
\set VERBOSITY sqlstate

-- the owner's default privileges do not grant access to the log
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, regress_audit_evil;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.mine');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.accounts');
SELECT count(*) FILTER (WHERE relkind <> 'i' AND has_table_privilege('regress_audit_evil', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) AS open,
	has_schema_privilege('regress_audit_evil', 'cmig_audit', 'USAGE') AS usage
	FROM pg_class WHERE relnamespace = 'cmig_audit'::regnamespace AND relkind IN ('r', 'p', 'v');
\set ECHO none
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC, regress_audit_evil;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC;

-- skipping: only with the privilege to set it, and it is logged
GRANT SET ON PARAMETER cmig.audit_skip TO regress_audit_writer;
SET ROLE regress_audit_writer;
BEGIN;
SET LOCAL cmig.audit_skip = on;
INSERT INTO app.accounts VALUES (50, 'bulk'), (51, 'bulk');
INSERT INTO app.accounts VALUES (52, 'bulk');
SAVEPOINT s;
DELETE FROM app.accounts WHERE id = 52;
ROLLBACK TO s;
DELETE FROM app.accounts WHERE id = 51;
COMMIT;
INSERT INTO app.accounts VALUES (53, 'logged');
RESET ROLE;
\set ECHO all
SELECT operation, row_key, role FROM cmig_audit.log ORDER BY id;
REVOKE SET ON PARAMETER cmig.audit_skip FROM regress_audit_writer;

-- tenants see their own entries
\set ECHO none
CREATE ROLE regress_audit_tenant;
GRANT USAGE ON SCHEMA cmig_audit, app TO regress_audit_tenant;
GRANT USAGE ON SCHEMA cmig TO regress_audit_tenant;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_audit_tenant;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout, cmig_audit.audit_logs TO regress_audit_tenant;
\set ECHO all
SELECT count(*) > 0 AS made FROM cmig.enable_rls('cmig_audit.log', roles => '{regress_audit_tenant}', user_column => '', tenant_column => 'tenant_id', create_index => false);
\set ECHO none
SET app.current_tenant_id = 'blue';
INSERT INTO app.accounts VALUES (60, 'of blue');
SET app.current_tenant_id = 'red';
INSERT INTO app.accounts VALUES (61, 'of red');
SET ROLE regress_audit_tenant;
\set ECHO all
SELECT row_key, tenant_id FROM cmig_audit.log;
SELECT table_name, operation, new_values FROM cmig_audit.audit_logs;
SELECT row_key FROM cmig.audit_history('app.accounts', 60);
SELECT row_key FROM cmig.audit_history('app.accounts', 61);
SELECT operation, entries FROM cmig.audit_report();
RESET ROLE;
RESET app.current_tenant_id;

-- DROP EXTENSION loses no entry
SELECT count(*) AS entries FROM cmig_audit.log \gset
DROP EXTENSION pg_cmig;
SET client_min_messages = error;
DROP EXTENSION pg_cmig CASCADE;
SELECT count(*) = :entries AS all_there FROM cmig_audit.log;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'cmig_audit%';

\set ECHO none
DROP SCHEMA app, cmig_audit, regress_audit_dba CASCADE;
REVOKE CREATE ON DATABASE :"db" FROM regress_audit_dba, regress_audit_evil;
DROP ROLE regress_audit_dba, regress_audit_owner, regress_audit_writer, regress_audit_evil, regress_audit_tenant;
