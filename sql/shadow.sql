--
-- The shadow: the managed schemas are empty while a task runs
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/shadow.psql'
\i :include
\set ECHO all
-- a database with something of everything
\set ECHO none
CREATE ROLE regress_shadow_owner;
CREATE ROLE regress_shadow_reader;
CREATE SCHEMA app AUTHORIZATION regress_shadow_owner;
GRANT USAGE ON SCHEMA app TO regress_shadow_reader;
COMMENT ON SCHEMA app IS 'the application''s';
CREATE EXTENSION citext;
CREATE EXTENSION hstore SCHEMA app;
CREATE EXTENSION pg_stat_statements;
CREATE TABLE author (id serial PRIMARY KEY, email citext UNIQUE);
CREATE TABLE app.book (id integer PRIMARY KEY, author integer REFERENCES author, facts app.hstore);
CREATE INDEX ON app.book USING gin (facts);
INSERT INTO author (email) VALUES ('Ann@example.com');
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION chosen FOR TABLE author, TABLES IN SCHEMA app;
RESET client_min_messages;
CREATE FUNCTION said() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'a live event trigger: %', tg_tag; END $$;
CREATE EVENT TRIGGER said ON ddl_command_end EXECUTE FUNCTION said();
ALTER EVENT TRIGGER said ENABLE ALWAYS;
\set ECHO all
CREATE FOREIGN DATA WRAPPER shadow_wrapper;
CREATE SERVER shadow_server FOREIGN DATA WRAPPER shadow_wrapper;
CREATE FOREIGN TABLE app.far (a integer) SERVER shadow_server;
CREATE CAST (bytea AS text) WITHOUT FUNCTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO regress_shadow_reader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO regress_shadow_reader;
ALTER EVENT TRIGGER said DISABLE;
ALTER EVENT TRIGGER said ENABLE ALWAYS;
SELECT look();

-- nothing but extensions is there, and the schemas are unchanged afterwards
\set relations 'SELECT concat(n.nspname, \' \', c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN (\'public\', \'app\', \'other\') ORDER BY n.nspname, c.relname'
SELECT shadow_probe(NULL, :'relations');
SELECT shadow_probe(NULL, 'SELECT concat(nspname, '' '', nspowner::regrole, '' '', nspacl, '' '', obj_description(oid, ''pg_namespace'')) FROM pg_namespace WHERE nspname IN (''public'', ''app'') ORDER BY 1');
SELECT concat(nspname, ' ', nspowner::regrole, ' ', nspacl, ' ', obj_description(oid, 'pg_namespace')) FROM pg_namespace WHERE nspname IN ('public', 'app') ORDER BY 1;
SELECT shadow_probe(NULL, 'SELECT count(*) FROM pg_publication UNION ALL SELECT count(*) FROM pg_event_trigger
	UNION ALL SELECT count(*) FROM pg_default_acl UNION ALL SELECT count(*) FROM pg_cast WHERE oid >= 16384 AND castsource = ''bytea''::regtype');
SELECT shadow_probe(NULL, 'SELECT CASE WHEN srvname ~ ''^cmig_hidden_'' THEN ''hidden'' ELSE srvname END FROM pg_foreign_server
	UNION ALL SELECT CASE WHEN extname ~ ''^cmig_hidden_'' THEN ''hidden'' ELSE extname END FROM pg_extension ORDER BY 1');
SELECT changed();
-- the comparison does detect changes
COMMENT ON SCHEMA app IS 'changed';
SELECT changed();
COMMENT ON SCHEMA app IS 'the application''s';

-- deparsed with another name of the schema
SELECT shadow_probe_rename('app', 'other', 'SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ''other.book''::regclass ORDER BY 1');
SELECT shadow_probe_rename('app', 'public', 'SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = ''public.book''::regclass AND contype = ''p''');

-- not in a read-only transaction, and not inside itself
BEGIN READ ONLY;
SELECT shadow_probe(NULL, NULL);
ROLLBACK;
SELECT shadow_probe(NULL, 'SELECT public.shadow_probe(NULL, NULL)', '{app}');
\set VERBOSITY sqlstate
SELECT shadow_probe(NULL, NULL, '{app,pg_catalog}');
SELECT shadow_probe(NULL, NULL, '{cmig}');

\set ECHO none
SET client_min_messages = warning;
DROP EVENT TRIGGER said;
DROP PUBLICATION everything, chosen;
DROP CAST (bytea AS text);
DROP FOREIGN DATA WRAPPER shadow_wrapper CASCADE;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON SCHEMAS FROM regress_shadow_reader;
DROP SCHEMA app CASCADE;
DROP TABLE author, fingerprint;
DROP FUNCTION shadow_probe, shadow_probe_rename, fingerprint, changed, look, said;
DROP EXTENSION citext, pg_stat_statements;
DROP ROLE regress_shadow_owner, regress_shadow_reader;
DROP EXTENSION pg_cmig;
