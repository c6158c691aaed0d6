--
-- Row-level security: enable_rls, rls_script, disable_rls
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_maint;
CREATE ROLE regress_rls_free BYPASSRLS;
CREATE SCHEMA shop AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA shop TO regress_rls_app, regress_rls_maint;
GRANT USAGE ON SCHEMA cmig TO regress_rls_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_rls_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_rls_owner IN SCHEMA shop
	GRANT ALL ON TABLES TO regress_rls_app, regress_rls_maint;
SET ROLE regress_rls_owner;
CREATE TABLE shop.users (id uuid PRIMARY KEY, email text, score numeric);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, tenant_id uuid NOT NULL, note text);
CREATE TABLE shop.notes (id bigint PRIMARY KEY, tenant_id integer, user_id text DEFAULT 'nobody', note text);
CREATE INDEX ON shop.notes (user_id, id);
CREATE TABLE shop.numbers (n numeric);
\set ECHO all

-- the error says what is missing
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls(NULL);
SELECT cmig.enable_rls('shop.none', roles => '{regress_rls_app}');
SELECT cmig.enable_rls(1, roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.orders');
$calls$);
\set ECHO all
-- the owner is not a candidate, even if it can log in
\set ECHO none
RESET ROLE;
BEGIN;
ALTER ROLE regress_rls_owner LOGIN;
ALTER ROLE regress_rls_app LOGIN;
REVOKE ALL ON ALL TABLES IN SCHEMA shop FROM regress_rls_app, regress_rls_maint;
\set ECHO all
DO $$
DECLARE
	said text;
BEGIN
	PERFORM cmig.enable_rls('shop.orders');
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS said = PG_EXCEPTION_DETAIL;
	RAISE NOTICE 'another role: %, the owner: %', said ~ 'regress_rls_app', said ~ 'regress_rls_owner';
END
$$;
ROLLBACK;
SET ROLE regress_rls_owner;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.orders', roles => '{}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_none}');
SELECT cmig.enable_rls('shop.orders', roles => '{NULL}');
SELECT cmig.enable_rls('shop.users', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.numbers', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.users', user_column => 'uid', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.users', user_column => 'score', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.users', user_column => 'id', tenant_column => 'id', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', commands => '{READ}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', commands => '{SELECT,NULL}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', commands => '{}');
SELECT cmig.rls_script('shop.orders', roles => '{regress_rls_app}', commands => '{}');
SELECT cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', commands => '{}');
$calls$);
\set ECHO all
-- NULL counts as not given: all
SELECT cmig.rls_script('shop.orders', roles => '{regress_rls_app}', commands => NULL) = cmig.rls_script('shop.orders', roles => '{regress_rls_app}') AS all_commands;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', via_user => 'user_id');
SELECT cmig.enable_rls('shop.orders', roles => '{public}', bypass_roles => '{regress_rls_maint}');
-- combinations of options that would not do what they seem to
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{public}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_app}');
$calls$);
\set ECHO all
RESET ROLE;
GRANT regress_rls_app TO regress_rls_maint;
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
\set ECHO none
REVOKE regress_rls_app FROM regress_rls_maint;
-- relations that are not tables of the caller
CREATE VIEW shop.v AS SELECT * FROM shop.orders;
CREATE MATERIALIZED VIEW shop.m AS SELECT * FROM shop.orders;
CREATE SEQUENCE shop.s;
CREATE TEMP TABLE tt (tenant_id int);
CREATE FOREIGN DATA WRAPPER regress_rls_fdw;
CREATE SERVER regress_rls_server FOREIGN DATA WRAPPER regress_rls_fdw;
CREATE FOREIGN TABLE shop.f (tenant_id int) SERVER regress_rls_server;
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.v', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.m', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.s', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.f', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.orders_pkey', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('tt', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('pg_class', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('information_schema.sql_features', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('cmig.revision', roles => '{regress_rls_app}');
$calls$);
\set ECHO all
SET ROLE regress_rls_app;
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}');
\set ECHO none
RESET ROLE;
GRANT USAGE ON SCHEMA cmig TO regress_rls_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_rls_app;
SET ROLE regress_rls_app;
\set ECHO all
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}');
\set ECHO none
RESET ROLE;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cmig FROM regress_rls_app;
REVOKE ALL ON SCHEMA cmig FROM regress_rls_app;
DROP VIEW shop.v;
DROP MATERIALIZED VIEW shop.m;
\set ECHO all
DROP FOREIGN DATA WRAPPER regress_rls_fdw CASCADE;
SET ROLE regress_rls_owner;

-- by tenant, with a role for maintenance; a second call changes nothing
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', force => false);
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
-- by user
SELECT cmig.enable_rls('shop.users', user_column => 'id', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
-- both; columns that have an index need no other one; defaults are set and dropped
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', force => false, column_default => true);
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', force => false);
SELECT adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'shop.notes'::regclass;
-- options change the policies
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', force => false, shared => true, commands => '{SELECT,INSERT}', create_index => false);
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', user_column => '', force => false, public_read => true);
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', bypass_roles => '{}', tenant_column => '', force => false, create_index => false);
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app,regress_rls_maint}', tenant_column => '', force => false, create_index => false);
-- a policy that a person wrote stays, and keeps its name
CREATE POLICY user_access ON shop.orders USING (true);
CREATE POLICY mine ON shop.orders FOR SELECT TO regress_rls_maint USING (true);
SELECT cmig.enable_rls('shop.orders', user_column => 'note', roles => '{regress_rls_app}', force => false);
DROP POLICY user_access ON shop.orders;
SELECT cmig.disable_rls('shop.orders');
SELECT polname FROM pg_policy WHERE polrelid = 'shop.orders'::regclass;
DROP POLICY mine ON shop.orders;
SELECT cmig.disable_rls('shop.notes');
SELECT cmig.disable_rls('shop.users');
SELECT cmig.disable_rls('shop.users');
SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname IN ('users', 'orders', 'notes') AND relnamespace = 'shop'::regnamespace ORDER BY 1;
SELECT count(*) FROM pg_policy;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'shop.notes'::regclass ORDER BY 1;
SELECT adnum, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'shop.notes'::regclass;
-- flags that were on before stay on
ALTER TABLE shop.users ENABLE ROW LEVEL SECURITY;
SELECT cmig.enable_rls('shop.users', user_column => 'id', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
SELECT cmig.disable_rls('shop.users');
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'shop.users'::regclass;
ALTER TABLE shop.users DISABLE ROW LEVEL SECURITY;

-- keys of all types, domains, hostile names
CREATE DOMAIN shop.key AS uuid CHECK (value IS NOT NULL);
CREATE DOMAIN shop.key2 AS shop.key;
CREATE TABLE shop."Wei rd'); DROP TABLE x; --" ("tenant ""id""" shop.key2, "user's" varchar(20));
SELECT cmig.enable_rls('shop."Wei rd''); DROP TABLE x; --"', tenant_column => 'tenant "id"', user_column => 'user''s',
	roles => '{regress_rls_app}', force => false, column_default => true);
SELECT cmig.disable_rls('shop."Wei rd''); DROP TABLE x; --"');
DROP TABLE shop."Wei rd'); DROP TABLE x; --";
CREATE TABLE shop.k (a smallint, b bigint, c integer, d varchar(5), e shop.key, f text DEFAULT E'a]\n=%,', g char(3), h bigint GENERATED ALWAYS AS IDENTITY);
SELECT statement FROM cmig.enable_rls('shop.k', user_column => 'a', tenant_column => 'b', roles => '{regress_rls_app}', force => false) WHERE statement ~ '^CREATE POLICY';
SELECT statement FROM cmig.enable_rls('shop.k', user_column => 'c', tenant_column => 'd', roles => '{regress_rls_app}', force => false) WHERE statement ~ '^ALTER POLICY';
SELECT statement FROM cmig.enable_rls('shop.k', user_column => 'e', tenant_column => 'f', roles => '{regress_rls_app}', force => false, column_default => true) WHERE statement !~ '^COMMENT';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.k', user_column => 'g', roles => '{regress_rls_app}');
SELECT cmig.enable_rls('shop.k', user_column => 'h', roles => '{regress_rls_app}', force => false, column_default => true);
$calls$);
\set ECHO all
SELECT cmig.disable_rls('shop.k');
DROP TABLE shop.k;

-- membership
\set ECHO none
CREATE TABLE shop.memberships (tenant_id uuid, user_id uuid, PRIMARY KEY (tenant_id, user_id));
CREATE TABLE shop.rooms (id integer PRIMARY KEY, tenant_id uuid);
CREATE TABLE shop.seats (room integer REFERENCES shop.rooms, n integer, tenant_id uuid);
REVOKE ALL ON shop.memberships FROM regress_rls_app;
\set ECHO all
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', via => 'shop.memberships', force => false);
GRANT SELECT ON shop.memberships TO regress_rls_app;
SELECT statement FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', via => 'shop.memberships', tenant_column => 'tenant_id', force => false);
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', via => 'shop.memberships', user_column => 'id', force => false);
SELECT cmig.enable_rls('shop.seats', roles => '{regress_rls_app}', via => 'shop.memberships', key_column => 'room', force => false);
SELECT cmig.enable_rls('shop.seats', roles => '{regress_rls_app}', via => 'shop.rooms', key_column => 'room', via_key => 'id', force => false);
$calls$);
\set ECHO all
SELECT cmig.enable_rls('shop.seats', roles => '{regress_rls_app}', via => 'shop.rooms', key_column => 'room', via_key => 'id', via_user => 'tenant_id', force => false);
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_rls('shop.memberships', roles => '{regress_rls_app}', via => 'shop.memberships');
SELECT cmig.enable_rls('shop.memberships', roles => '{regress_rls_app}', via => 'shop.memberships', via_user => 'o''brien');
SELECT cmig.enable_rls('shop.seats', roles => '{regress_rls_app}', via => 'shop.memberships', key_column => 'room', via_key => 'tenant_id', force => false);
$calls$);
\set ECHO all
SELECT count(*) FROM cmig.disable_rls('shop.orders');
SELECT count(*) FROM cmig.disable_rls('shop.seats');

-- partitions and children have flags and policies of their own
\set ECHO none
CREATE TABLE shop.events (tenant_id integer, day date) PARTITION BY RANGE (day);
CREATE TABLE shop.events_1 PARTITION OF shop.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.events_2 PARTITION OF shop.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (tenant_id);
CREATE TABLE shop.events_3 PARTITION OF shop.events_2 DEFAULT;
CREATE TABLE shop.base (tenant_id integer);
CREATE TABLE shop.derived (more text) INHERITS (shop.base);
\set ECHO all
SELECT statement FROM cmig.enable_rls('shop.events', roles => '{regress_rls_app}', force => false, column_default => true) WHERE statement !~ '^COMMENT|POLICY tenant_access';
SELECT statement FROM cmig.enable_rls('shop.base', roles => '{regress_rls_app}', force => false) WHERE statement !~ '^COMMENT|POLICY tenant_access';
SELECT relname, relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) FROM pg_class c WHERE relname ~ '^(events_?.|base|derived)$' ORDER BY 1;
SELECT cmig.enable_rls('shop.events', roles => '{regress_rls_app}', force => false, column_default => true);
SELECT count(*) FROM cmig.disable_rls('shop.events');
SELECT count(*) FROM cmig.disable_rls('shop.base');
SELECT relname, relrowsecurity, (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) FROM pg_class c WHERE relname ~ '^(events_?.|base|derived)$' ORDER BY 1;

-- a schema: every table with a key, each with the keys that it has
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_rls_schema(NULL);
SELECT * FROM cmig.enable_rls_schema('shop');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_rls_schema('nowhere', roles => '{regress_rls_app}');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_rls_schema('pg_catalog', roles => '{regress_rls_app}');
$calls$);
\set ECHO all
SELECT * FROM cmig.enable_rls_schema('shop', 'nothing', 'like_it', roles => '{regress_rls_app}');
-- a table for which it is impossible stops all; the error names all such tables
\set ECHO none
CREATE TABLE shop.bad_type (tenant_id numeric);
CREATE TABLE shop."Bad, generated" (a integer, tenant_id integer GENERATED ALWAYS AS (a + 1) STORED);
CREATE TABLE shop.bad_policy (user_id integer) PARTITION BY LIST (user_id);
CREATE TABLE shop.bad_policy_1 PARTITION OF shop.bad_policy DEFAULT;
CREATE POLICY user_access ON shop.bad_policy USING (user_id = 1);
RESET ROLE;
CREATE TABLE shop.bad_owner (tenant_id integer);
SET ROLE regress_rls_owner;
\set ECHO all
SELECT * FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', force => false, column_default => true);
SELECT count(*) FROM pg_policy WHERE polname <> 'user_access';
SELECT count(*) FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relrowsecurity;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', except_tables => '{NULL}');
SELECT * FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', except_tables => '{pg_class}');
SELECT * FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', except_tables => '{1}');
SELECT * FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', force => false, except_tables => '{shop.bad_type,shop.bad_owner,shop.bad_policy}', column_default => true);
$calls$);
\set ECHO all
SELECT count(DISTINCT target), count(DISTINCT target) FILTER (WHERE target ~ 'bad_') AS bad FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', force => false,
	except_tables => '{shop.bad_type,shop.bad_owner,shop.bad_policy,"shop.\"Bad, generated\""}', column_default => true);
SELECT count(*) > 0 FROM pg_class c CROSS JOIN LATERAL cmig.disable_rls(c.oid) WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT c.relispartition AND c.relname <> 'derived';
RESET ROLE;
DROP TABLE shop.bad_type, shop.bad_owner, shop.bad_policy, shop."Bad, generated";
SET ROLE regress_rls_owner;
SELECT target, split_part(statement, E'\n', 1) AS statement FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', force => false) WHERE statement !~ '^COMMENT';
SELECT count(*) FROM cmig.enable_rls_schema('shop', roles => '{regress_rls_app}', force => false);
SELECT count(*) > 0 FROM pg_class c CROSS JOIN LATERAL cmig.disable_rls(c.oid) WHERE c.relnamespace = 'shop'::regnamespace AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND NOT c.relispartition AND c.relname <> 'derived';
SELECT count(*) FROM pg_policy;

-- a script, which does not need pg_cmig; disable_rls recognizes its policies
SELECT cmig.rls_script('shop.notes', roles => '{regress_rls_app}', force => false, column_default => true) AS script \gset
\echo :script
:script
SELECT cmig.enable_rls('shop.notes', roles => '{regress_rls_app}', force => false, column_default => true);
SELECT cmig.rls_script('shop.notes', roles => '{regress_rls_app}', force => false, column_default => true) = :'script';
SELECT count(*) FROM cmig.disable_rls('shop.notes');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.rls_script('shop.notes');
-- require_context makes the policies depend on pg_cmig and grants the level application
SELECT cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', require_context => true);
$calls$);
\set ECHO all
RESET ROLE;
SELECT split_part(statement, E'\n', 1) AS statement FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', require_context => true);
SELECT cmig.enable_rls('shop.orders', roles => '{public}', require_context => true);
SELECT split_part(statement, E'\n', 1) AS statement FROM cmig.enable_rls('shop.users', user_column => 'id', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', require_context => true);
SET ROLE regress_rls_app;
SELECT * FROM shop.orders;
BEGIN;
SELECT cmig.set_context(NULL, '00000000-0000-0000-0000-000000000001');
SELECT * FROM shop.orders;
SELECT * FROM shop.users;
ROLLBACK;
RESET ROLE;
DROP EXTENSION pg_cmig;
SELECT statement FROM cmig.disable_rls('shop.users');
SELECT statement FROM cmig.disable_rls('shop.orders');

-- a role with a hostile name
CREATE ROLE "regress_rls ""x""'; --";
SELECT statement FROM cmig.enable_rls('shop.orders', roles => ARRAY['regress_rls "x"''; --'], force => false, require_context => true) WHERE statement ~ 'SCHEMA|tenant_access';
SELECT statement FROM cmig.disable_rls('shop.orders') WHERE statement ~ 'SCHEMA';
SELECT count(*) FROM cmig.revoke_access($$regress_rls "x"'; --$$);
DROP ROLE "regress_rls ""x""'; --";

-- a notice for roles to which policies do not apply
SELECT count(*) FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_free}', force => false);
SELECT count(*) FROM cmig.disable_rls('shop.orders');

-- an owner that bypasses policies, and does not as a member of the application's role
SELECT count(*) FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}');
GRANT regress_rls_app TO regress_rls_owner;
SELECT count(*) FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
GRANT regress_rls_maint TO regress_rls_owner;
SELECT count(*) FROM cmig.enable_rls('shop.orders', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');

-- roles that may write to the membership table give themselves access, unless the key is unique and the rows are protected
CREATE TABLE shop.team (user_id integer, tenant_id integer UNIQUE);
CREATE TABLE shop.work (tenant_id integer);
GRANT ALL ON shop.team, shop.work TO regress_rls_app;
SELECT count(*) FROM cmig.enable_rls('shop.work', roles => '{regress_rls_app}', via => 'shop.team', force => false);
SELECT count(*) FROM cmig.enable_rls('shop.team', roles => '{regress_rls_app}', tenant_column => '', force => false);
SELECT count(*) FROM cmig.enable_rls('shop.work', roles => '{regress_rls_app}', via => 'shop.team', force => false);
ALTER TABLE shop.team DROP CONSTRAINT team_tenant_id_key;
SELECT count(*) FROM cmig.enable_rls('shop.work', roles => '{regress_rls_app}', via => 'shop.team', force => false);
REVOKE INSERT, UPDATE ON shop.team FROM regress_rls_app;
SELECT count(*) FROM cmig.enable_rls('shop.work', roles => '{regress_rls_app}', via => 'shop.team', force => false);

-- a default moves with its column to a new name, and is dropped there
CREATE TABLE shop.renamed (tenant_id integer DEFAULT 7);
SELECT count(*) FROM cmig.enable_rls('shop.renamed', roles => '{regress_rls_app}', force => false, column_default => true);
ALTER TABLE shop.renamed RENAME tenant_id TO org;
SELECT statement FROM cmig.enable_rls('shop.renamed', roles => '{regress_rls_app}', force => false, column_default => true, tenant_column => 'org') WHERE statement !~ '^COMMENT';
ALTER TABLE shop.renamed RENAME org TO firm;
SELECT statement FROM cmig.disable_rls('shop.renamed');

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_maint;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_maint, regress_rls_free;
DROP EXTENSION pg_cmig;
