--
-- Code that other roles add to the log, such as policies, never runs with the privileges of the
-- roles that maintain or read it
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
\set ECHO none
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT current_user AS superuser, current_database() AS db \gset
CREATE ROLE regress_audit_dba;
CREATE ROLE regress_audit_evil;
CREATE ROLE regress_audit_reader;
CREATE SCHEMA app;
GRANT USAGE, CREATE ON SCHEMA app TO regress_audit_evil, regress_audit_dba;
GRANT USAGE ON SCHEMA app, cmig TO regress_audit_reader;
GRANT USAGE ON SCHEMA cmig TO regress_audit_dba;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA cmig TO regress_audit_reader, regress_audit_dba;
CREATE TABLE app.t (id integer PRIMARY KEY, v text);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.t');
\set ECHO none
INSERT INTO app.t VALUES (1, 'a');

-- triggers of a role that has TRIGGER on the log (GRANT ALL) do not fire: neither when a layout is
-- written nor when partitions are filled and emptied
GRANT USAGE, CREATE ON SCHEMA cmig_audit TO regress_audit_evil;
GRANT ALL ON ALL TABLES IN SCHEMA cmig_audit TO regress_audit_evil;
GRANT TRIGGER ON cmig.secret TO regress_audit_evil;
GRANT USAGE ON SCHEMA cmig TO regress_audit_evil;
SET ROLE regress_audit_evil;
CREATE FUNCTION app.attack() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'code of another role on % as %', TG_TABLE_NAME, CASE WHEN current_user = 'regress_audit_evil' THEN 'itself' ELSE 'somebody else' END; RETURN coalesce(NEW, OLD); END $$;
CREATE TRIGGER a BEFORE INSERT OR DELETE ON cmig_audit.log FOR EACH ROW EXECUTE FUNCTION app.attack();
CREATE TRIGGER b AFTER INSERT OR DELETE ON cmig_audit.log FOR EACH STATEMENT EXECUTE FUNCTION app.attack();
CREATE TRIGGER c BEFORE INSERT OR DELETE ON cmig_audit.log_default FOR EACH STATEMENT EXECUTE FUNCTION app.attack();
CREATE TRIGGER d BEFORE INSERT ON cmig_audit.layout FOR EACH ROW EXECUTE FUNCTION app.attack();
CREATE CONSTRAINT TRIGGER e AFTER INSERT ON cmig_audit.layout DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.attack();
CREATE TRIGGER f BEFORE INSERT ON cmig.secret FOR EACH ROW EXECUTE FUNCTION app.attack();
RESET ROLE;
ALTER TABLE app.t ADD COLUMN w text;
INSERT INTO app.t VALUES (2, 'b', 'w');
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.t', hash => '{w}');
CREATE TABLE app.old_trail (table_name text, operation text, clock_at timestamptz, new_row jsonb);
INSERT INTO app.old_trail VALUES ('t', 'INSERT', '2020-01-01', '{"id": 3}'), ('gone', 'INSERT', '2021-01-01', '{"id": 3}');
SELECT cmig.audit_import('app.old_trail');
CALL cmig.audit_retain(NULL);
CALL cmig.audit_retain('3 years');
SELECT current_setting('session_replication_role') AS role, count(*) FROM cmig_audit.log;

-- an import reads its source as the source's owner, of which the caller must be a member
\set ECHO none
SET ROLE regress_audit_evil;
CREATE FUNCTION app.look(v text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'the source''s code as %', CASE WHEN current_user = 'regress_audit_evil' THEN 'itself' ELSE 'somebody else' END;
	PERFORM set_config('search_path', 'app', false), set_config('cmig.audit_skip', 'on', false);
	RETURN v;
EXCEPTION WHEN insufficient_privilege THEN RETURN v;
END $$;
CREATE TABLE app.theirs_table AS SELECT 't'::text AS table_name, 'INSERT'::text AS operation, now() AS clock_at, '{"id": 4}'::jsonb AS new_row;
CREATE VIEW app.theirs AS SELECT app.look(t.table_name) AS table_name, t.operation, t.clock_at, t.new_row FROM app.theirs_table t;
CREATE TABLE app.deferred (v text);
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.attack();
CREATE FUNCTION app.look_later(v text) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO app.deferred VALUES (v); RETURN v; END $$;
CREATE VIEW app.theirs_later AS SELECT app.look_later(t.table_name) AS table_name, t.operation, t.clock_at, t.new_row FROM app.theirs_table t;
CREATE TYPE app.op AS ENUM ('INSERT');
CREATE FUNCTION app.op_text(v app.op) RETURNS text LANGUAGE sql AS $$SELECT app.look('INSERT')$$;
CREATE TABLE app.theirs_cast AS SELECT 't'::text AS table_name, 'INSERT'::app.op AS operation, now() AS clock_at, '{"id": 5}'::jsonb AS new_row;
RESET ROLE;
CREATE CAST (app.op AS text) WITH FUNCTION app.op_text(app.op);
\set ECHO all
SELECT cmig.audit_import('app.theirs');
SELECT cmig.audit_import('app.theirs_cast');
SELECT cmig.audit_import('app.theirs_later');
-- nor does it run the code of another role that owns a column's type
CREATE TABLE app.trail_cast AS SELECT * FROM app.theirs_cast;
SELECT cmig.audit_import('app.trail_cast');
SELECT current_setting('search_path') AS search_path, current_user = :'superuser' AS same_user;

-- a table that is named without its schema: it is in the source's schema or on the caller's search_path
\set ECHO none
CREATE TABLE app.unaudited (id integer);
CREATE SCHEMA aaa AUTHORIZATION regress_audit_evil;
CREATE TABLE aaa.t (id integer PRIMARY KEY);
CREATE TABLE aaa.elsewhere (id integer PRIMARY KEY);
CREATE TABLE public.on_path (id integer PRIMARY KEY);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('aaa.t');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('aaa.elsewhere');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('public.on_path');
CREATE TABLE app.trail (LIKE app.old_trail);
INSERT INTO app.trail SELECT name, 'INSERT', '2024-01-01', '{"id": 7}' FROM unnest('{t,elsewhere,on_path,unaudited}'::text[]) name;
SELECT cmig.audit_import('app.trail');
SELECT schema_name, table_name, row_key, table_id = (SELECT min(l.table_id) FROM cmig_audit.layout l WHERE l.relation = to_regclass(e.schema_name || '.' || e.table_name)) AS as_live
	FROM cmig_audit.log e WHERE clock_at = '2024-01-01' ORDER BY 1, 2;
ALTER TABLE app.trail RENAME table_name TO tab;
\set VERBOSITY default
SELECT cmig.audit_import('app.trail');
\set ECHO none
\set VERBOSITY terse

-- code of the table's owner that audit_as_of calls can neither replace the table with a view nor create a cast before the rows are read as the caller
SET ROLE regress_audit_evil;
CREATE FUNCTION app.swap(v text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('app.swap', true) = 'on' THEN
		SET transaction_read_only = off;
		ALTER TABLE app.keyed RENAME TO away;
		CREATE VIEW app.keyed AS SELECT id, v FROM app.away;
		RAISE WARNING 'the table is a view';
	END IF;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	BEGIN
		ALTER TABLE app.keyed RENAME TO away;
		RAISE WARNING 'the table is renamed';
	EXCEPTION WHEN OTHERS THEN RAISE WARNING '%', SQLERRM;
	END;
	RETURN true;
END $$;
CREATE DOMAIN app.swapping AS text CHECK (app.swap(VALUE));
CREATE TABLE app.keyed (id app.swapping PRIMARY KEY, v text);
RESET ROLE;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.keyed');
\set ECHO none
INSERT INTO app.keyed VALUES ('a', '1');
SELECT clock_timestamp() AS then \gset
UPDATE app.keyed SET v = '2';
SET app.swap = on;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::app.keyed, :'then', 'a');
SELECT * FROM cmig.audit_as_of(NULL::app.keyed, :'then');
SELECT operation FROM cmig.audit_history('app.keyed', 'a');
RESET app.swap;
SELECT relkind FROM pg_class WHERE oid = 'app.keyed'::regclass;
SHOW transaction_read_only;

-- code of a type's owner does not run with the privileges of the owner of a table that uses the type: casts to json, and domain checks
\set ECHO none
SET ROLE regress_audit_evil;
CREATE FUNCTION app.tell(what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING '% %', what, CASE WHEN current_user = 'pg_stat_scan_tables' THEN 'has no privileges' ELSE 'runs as somebody' END; RETURN true; END $$;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE DOMAIN app.code AS text;
RESET ROLE;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TYPE app.pair AS (m app.mood, n integer);
CREATE TABLE app.typed (id integer PRIMARY KEY, m app.mood, ms app.mood[], p app.pair);
CREATE TABLE app.coded (id app.code PRIMARY KEY, v text);
GRANT INSERT ON app.typed TO regress_audit_evil;
GRANT SELECT ON app.coded TO regress_audit_reader;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.typed');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.coded');
\set ECHO none
INSERT INTO app.coded VALUES ('a', '1');
SELECT clock_timestamp() AS then \gset
UPDATE app.coded SET v = '2';
GRANT USAGE ON SCHEMA cmig_audit TO regress_audit_reader;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO regress_audit_reader;
SET ROLE regress_audit_evil;
CREATE FUNCTION app.mood_json(app.mood) RETURNS json LANGUAGE sql AS $$ SELECT '"x"'::json WHERE app.tell('a cast') $$;
CREATE CAST (app.mood AS json) WITH FUNCTION app.mood_json(app.mood);
ALTER DOMAIN app.code ADD CHECK (app.tell('a check')) NOT VALID;
\set ECHO all
INSERT INTO app.typed VALUES (1, 'ok', '{sad}', ROW('ok', 2));
RESET ROLE;
SELECT new_row FROM cmig_audit.log WHERE table_name = 'typed';
SET ROLE regress_audit_reader;
SELECT operation FROM cmig.audit_history('app.coded', 'a');
SELECT v FROM cmig.audit_as_of(NULL::app.coded, :'then', 'a');
\set ECHO none
RESET ROLE;
REVOKE USAGE ON SCHEMA app FROM PUBLIC;
REVOKE ALL ON cmig_audit.log, cmig_audit.layout FROM regress_audit_reader;
REVOKE ALL ON SCHEMA cmig_audit FROM regress_audit_reader;
DROP TABLE app.typed, app.coded;
DROP TYPE app.pair;
DROP TYPE app.mood CASCADE;
DROP DOMAIN app.code;
DROP FUNCTION app.tell(text);

-- a log of a role that is not a superuser: its policies do not run code of others as the reader
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
CREATE FUNCTION app.who(v text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN RAISE WARNING 'policy as %', CASE WHEN current_user = 'regress_audit_reader' THEN 'the reader' ELSE 'another' END; RETURN true; END $$;
CREATE DOMAIN app.checked AS text CHECK (app.who(VALUE));
CREATE TYPE app.checked_pair AS (a app.checked);
CREATE FUNCTION app.part_of(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN app.who(v); END $$;
\set ECHO all
CREATE TABLE app.hashed (a text) PARTITION BY HASH ((a || app.part_of('key')));
CREATE TABLE app.hashed_part PARTITION OF app.hashed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
\set ECHO none
CREATE VIEW app.list AS SELECT 'x'::text AS v WHERE app.who('x');
GRANT USAGE ON SCHEMA cmig_audit TO regress_audit_reader;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout, app.list TO regress_audit_reader;
ALTER TABLE cmig_audit.log ENABLE ROW LEVEL SECURITY;
ALTER TABLE cmig_audit.layout ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON cmig_audit.layout USING (true);
CREATE FUNCTION app.try(expression text, relation text DEFAULT 'cmig_audit.log') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE POLICY tried ON %s USING (%s)', relation, expression);
	SET LOCAL ROLE regress_audit_reader;
	PERFORM * FROM cmig.audit_history('app.t', '1');
	PERFORM * FROM cmig.audit_report();
	RAISE EXCEPTION 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT e, app.try(e) FROM unnest(ARRAY['true', 'app.who(operation)', 'operation::app.checked <> ''x''', 'operation IN (SELECT v FROM app.list)', 'EXISTS (SELECT FROM app.t)',
	'pg_catalog.query_to_xml(''SELECT app.who(1)'', true, true, '''') IS NOT NULL', 'pg_catalog.table_to_xml(''app.list'', true, true, '''') IS NOT NULL',
	'domain_in(''x'', ''app.checked''::regtype, -1) IS NOT NULL', 'record_in(''(x)'', ''app.checked_pair''::regtype, -1) IS NOT NULL',
	'EXISTS (SELECT FROM XMLTABLE(''/a'' PASSING (''<a>1</a>''::xml) COLUMNS a app.checked PATH ''.'') t)',
	'satisfies_hash_partition(''app.hashed''::regclass, 1, 0, ''x''::text)', 'pg_get_partition_constraintdef(''app.hashed_part''::regclass) IS NOT NULL',
	'pg_catalog.set_config(''a.b'', ''c'', false) = ''c''', '(''INSERT''::text)::app.op::text = operation',
	'tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), ''''))', 'clock_at > now() - interval ''1 day'' AND role = current_user AND operation ~ ''^[IU]'' AND row_key ? ''id''',
	'lower(operation COLLATE "C") = ''insert'' AND tenant_id::uuid IS NULL', '(operation::app.checked)::text = ''x''']) e;
\set ECHO all
-- JSON_VALUE exists in PostgreSQL 17 and newer
SELECT CASE WHEN current_setting('server_version_num')::integer < 170000 THEN true
	ELSE app.try('JSON_VALUE(row_key, ''$.id'' RETURNING app.checked) IS NOT NULL') ~ 'can run code of another role' END AS refused;
SELECT app.try('app.who(table_name)', 'cmig_audit.layout');
-- its owner reads with that policy, and so does a superuser, to whom it does not apply
CREATE POLICY who ON cmig_audit.log USING (app.who(operation));
SELECT count(*) > 0 AS entries FROM cmig.audit_report();
RESET ROLE;
SELECT count(*) > 0 AS entries FROM cmig.audit_report();
SET ROLE regress_audit_reader;
\set VERBOSITY default
SELECT count(*) FROM cmig.audit_as_of(NULL::app.t, now());
\set ECHO none
\set VERBOSITY terse
RESET ROLE;
-- nor is a foreign table read as a part of the log
BEGIN;
CREATE FOREIGN DATA WRAPPER regress_audit_wrapper;
CREATE SERVER regress_audit_server FOREIGN DATA WRAPPER regress_audit_wrapper;
DROP INDEX cmig_audit.log_id_transaction_at_idx;
CREATE FOREIGN TABLE app.elsewhere PARTITION OF cmig_audit.log FOR VALUES FROM ('1900-01-01') TO ('1901-01-01') SERVER regress_audit_server;
\set ECHO all
SELECT count(*) FROM cmig.audit_report();
\set ECHO none
ROLLBACK;
BEGIN;
CREATE FOREIGN DATA WRAPPER regress_audit_wrapper;
CREATE SERVER regress_audit_server FOREIGN DATA WRAPPER regress_audit_wrapper;
CREATE FOREIGN TABLE app.elsewhere () INHERITS (cmig_audit.layout) SERVER regress_audit_server;
\set ECHO all
SELECT count(*) FROM cmig.audit_history('app.t', '1');
ROLLBACK;

-- a log that another role created beforehand: a superuser's SECURITY DEFINER function does not
-- write to it, and neither enable_audit nor the trigger of a script uses it
\set ECHO none
ALTER DATABASE :"db" OWNER TO :"superuser";
SELECT cmig.audit_script('app.unaudited') AS script \gset
CREATE FUNCTION app.definer() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$INSERT INTO app.t VALUES (100, 'by a superuser''s function')$$;
CREATE FUNCTION app.enabler() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$BEGIN PERFORM cmig.enable_audit('app.unaudited'); END$$;
GRANT EXECUTE ON FUNCTION app.definer(), app.enabler() TO PUBLIC;
CREATE TABLE app.pattern AS SELECT * FROM cmig_audit.log WHERE false;
CREATE TABLE app.layouts AS SELECT * FROM cmig_audit.layout WHERE false;
GRANT SELECT ON app.pattern, app.layouts TO regress_audit_evil;
SET client_min_messages = error;
DROP SCHEMA cmig_audit CASCADE;
SET client_min_messages = warning;
CREATE SCHEMA cmig_audit;
GRANT ALL ON SCHEMA cmig_audit TO regress_audit_evil;
SET ROLE regress_audit_evil;
CREATE FUNCTION app.indexed(v text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RAISE WARNING 'this must not run'; RETURN v; END$$;
CREATE TABLE cmig_audit.log (LIKE app.pattern, extra text DEFAULT app.indexed('x')) PARTITION BY RANGE (transaction_at);
CREATE TABLE cmig_audit.log_default PARTITION OF cmig_audit.log DEFAULT;
CREATE INDEX ON cmig_audit.log (app.indexed(operation));
CREATE SEQUENCE cmig_audit.log_id_seq;
CREATE SEQUENCE cmig_audit.table_id_seq;
CREATE TABLE cmig_audit.layout (LIKE app.layouts);
CREATE TRIGGER a BEFORE INSERT ON cmig_audit.log FOR EACH ROW EXECUTE FUNCTION app.attack();
CREATE TRIGGER b BEFORE INSERT ON cmig_audit.layout FOR EACH ROW EXECUTE FUNCTION app.attack();
\set ECHO all
SELECT app.definer();
SELECT app.enabler();
RESET ROLE;
:script
INSERT INTO app.unaudited VALUES (1);
SELECT count(*) AS audited FROM pg_trigger WHERE tgrelid = 'app.unaudited'::regclass;
-- the same if only a part of it belongs to that role
\set ECHO none
ALTER TABLE cmig_audit.log OWNER TO :"superuser";
ALTER TABLE cmig_audit.log_default OWNER TO :"superuser";
ALTER SEQUENCE cmig_audit.log_id_seq OWNER TO :"superuser";
ALTER SEQUENCE cmig_audit.table_id_seq OWNER TO :"superuser";
SET ROLE regress_audit_evil;
\set ECHO all
SELECT app.definer();
SELECT app.enabler();
RESET ROLE;
-- and if all of it was given away, as a hint says, with that role's code in it
ALTER TABLE cmig_audit.layout OWNER TO :"superuser";
SET ROLE regress_audit_evil;
SELECT app.definer();
SELECT app.enabler();
RESET ROLE;
INSERT INTO app.t VALUES (100, 'x');
CALL cmig.audit_retain(NULL);
DROP INDEX cmig_audit.log_indexed_idx;
CALL cmig.audit_retain(NULL);
INSERT INTO app.t VALUES (100, 'x');
ALTER TABLE cmig_audit.log DROP COLUMN extra;
INSERT INTO app.t VALUES (100, 'x');
SELECT count(*) FROM cmig_audit.log;

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA app, aaa, cmig_audit CASCADE;
DROP TABLE public.on_path;
DROP EXTENSION pg_cmig;
DROP ROLE regress_audit_dba, regress_audit_evil, regress_audit_reader;
