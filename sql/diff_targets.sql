--
-- cmig.diff: targets that are unusual in some way, and what cmig.diff says about them
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
CREATE EXTENSION citext;
CREATE TABLE t (id integer PRIMARY KEY, mail citext);
-- an empty target
SELECT action, object, upgrade_sql FROM cmig.diff('') WHERE kind <> 'extension';
SELECT action, object FROM cmig.diff('-- nothing', compare => 'models');
-- an extension that is used, but not created
SELECT * FROM cmig.diff('CREATE TABLE t (id integer PRIMARY KEY, mail citext)');
-- DROP without IF EXISTS, as pg_dump --clean writes it
\set ECHO none
SELECT * FROM cmig.diff($$
ALTER TABLE ONLY public.t DROP CONSTRAINT t_pkey;
DROP TABLE public.t;
DROP EXTENSION citext;
CREATE EXTENSION citext;
CREATE TABLE public.t (id integer NOT NULL, mail public.citext);
ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
$$);
-- what belongs to pg_cmig
SELECT * FROM cmig.diff($$
DROP EXTENSION pg_cmig;
CREATE TABLE cmig.mine (a integer);
CREATE EXTENSION citext;
CREATE TABLE t (id integer PRIMARY KEY, mail citext);
$$);
\set ECHO all
-- a file with a byte order mark and CRLF, and a file with LF that contains CRLF
SELECT position(E'\r' IN upgrade_sql) AS return, upgrade_sql FROM cmig.diff(chr(65279) || E'CREATE EXTENSION citext;\r\nCREATE TABLE t (id integer PRIMARY KEY, mail citext);\r\nCREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$\r\nSELECT 1\r\n$$;\r\n');
SELECT position(E'\r' IN upgrade_sql) > 0 AS return FROM cmig.diff(E'CREATE EXTENSION citext;\nCREATE TABLE t (id integer PRIMARY KEY, mail citext);\nCREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$\r\nSELECT 1$$');
-- subscriptions
SET client_min_messages = error;
CREATE SUBSCRIPTION regress_sub CONNECTION 'dbname=regress_doesnotexist' PUBLICATION p WITH (connect = false, slot_name = NONE);
RESET client_min_messages;
SELECT * FROM cmig.diff('CREATE EXTENSION citext; CREATE TABLE t (id integer PRIMARY KEY, mail citext)');
\set ECHO none
DROP SUBSCRIPTION regress_sub;
-- a partition key
CREATE TABLE m (n integer, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (10);
SELECT * FROM cmig.diff($$
CREATE EXTENSION citext;
CREATE TABLE t (id integer PRIMARY KEY, mail citext);
CREATE TABLE m (n bigint, v text) PARTITION BY RANGE (n);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (1) TO (20);
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM (20) TO (30);
$$);
\set ECHO all
-- a new sequence for a column that had an identity
CREATE TABLE i (id integer GENERATED ALWAYS AS IDENTITY);
INSERT INTO i DEFAULT VALUES;
INSERT INTO i DEFAULT VALUES;
SELECT upgrade_sql FROM cmig.diff('CREATE EXTENSION citext; CREATE TABLE i (id serial)') WHERE object ~ 'i_id_seq|\.i\.' \gexec
INSERT INTO i DEFAULT VALUES RETURNING id;
-- hazards: volatile or not, and NOT NULL that a check constraint ensures
\set ECHO none
ALTER TABLE i ADD a integer, ADD CONSTRAINT a_is_there CHECK (a IS NOT NULL) NOT VALID;
UPDATE i SET a = 1;
ALTER TABLE i VALIDATE CONSTRAINT a_is_there, ADD b integer;
UPDATE i SET b = 1;
CREATE FUNCTION "random number"() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION random(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
\set ECHO all
SELECT upgrade_sql, substring(hazard from '[^(]*') AS hazard FROM cmig.diff($$
CREATE EXTENSION citext;
CREATE FUNCTION "random number"() RETURNS integer LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION random(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE i (id serial, a integer NOT NULL, b integer NOT NULL,
	c integer DEFAULT "random number"(), d integer DEFAULT random(1), e float DEFAULT random(), f timestamptz DEFAULT now(),
	CONSTRAINT a_is_there CHECK (a IS NOT NULL));
$$) WHERE object ~ '\.i\.';
-- default privileges change last, and new objects do not keep the former ones
\set ECHO none
CREATE ROLE regress_diff_reader;
DROP TABLE t, m, i;
DROP FUNCTION "random number"(), random(integer);
DROP EXTENSION citext;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO regress_diff_reader;
\set ECHO all
SELECT replace(upgrade_sql, quote_ident(current_user), 'owner') AS upgrade_sql FROM cmig.diff($$
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO regress_diff_reader;
CREATE TABLE n (a integer);
$$);
-- also if tables are dropped late, because a column must be filled: a downgrade creates
-- them after it has changed the default privileges again
CREATE TABLE gone (a integer);
CREATE TABLE kept (a integer);
SELECT replace(upgrade_sql, quote_ident(current_user), 'owner') AS upgrade_sql FROM cmig.diff('CREATE TABLE kept (a integer, b integer NOT NULL)');
DROP TABLE gone, kept;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM regress_diff_reader;
DROP ROLE regress_diff_reader;
-- new columns can only be appended
CREATE TABLE paid (id integer PRIMARY KEY, note text);
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE paid (first integer, id integer PRIMARY KEY, middle integer, note text, last integer)');
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE paid (first integer, id integer PRIMARY KEY, note text)', compare => 'models');
\set ECHO none
DROP TABLE paid;
-- models do not contain what cmig.enable_rls creates
CREATE ROLE regress_diff_app;
CREATE TABLE paid (id integer PRIMARY KEY, tenant_id text, note text);
CREATE INDEX paid_note ON paid (note);
SET client_min_messages = warning;
\set ECHO all
SELECT count(*) FROM cmig.enable_rls('paid', roles => '{regress_diff_app}', bypass_roles => '{}');
RESET client_min_messages;
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE paid (id integer PRIMARY KEY, tenant_id text, note text)', compare => 'models');
SELECT upgrade_sql FROM cmig.diff('CREATE TABLE paid (id integer PRIMARY KEY, tenant_id varchar(9), note text); CREATE INDEX paid_note ON paid (note)', compare => 'models') WHERE kind = 'index';
SELECT action, object, upgrade_sql, hazard FROM cmig.diff('CREATE TABLE paid (id integer PRIMARY KEY, note text)', compare => 'models');
\set ECHO none
DROP TABLE paid;
DROP ROLE regress_diff_app;
-- a view on the audit log, which the database does not have yet, and what depends on the view
SELECT $$CREATE TABLE paid (id integer PRIMARY KEY); SELECT cmig.enable_audit('paid');
CREATE VIEW payments AS SELECT table_name, clock_at FROM cmig_audit.log;
COMMENT ON COLUMN payments.clock_at IS 'when';
CREATE VIEW latest AS SELECT max(clock_at) FROM payments;$$ AS target \gset
\set ECHO all
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff(:'target');
CREATE TABLE paid (id integer PRIMARY KEY);
SELECT count(*) FROM cmig.enable_audit('paid');
-- before version 16, columns in views are printed with their table
SELECT action, kind, object, regexp_replace(upgrade_sql, '([ (])(log|payments)\.', '\1', 'g') AS upgrade_sql FROM cmig.diff(:'target');
SET client_min_messages = warning;
SELECT count(*) FROM cmig.disable_audit('paid');
\set ECHO none
DROP SCHEMA cmig_audit CASCADE;
DROP TABLE paid;
-- models: names of objects that ORMs cannot define, and domains, which stay
CREATE SCHEMA regress_models;
CREATE VIEW regress_models.x AS SELECT 1 AS a;
CREATE TYPE regress_models.y AS (a integer);
CREATE VIEW regress_models.z AS SELECT 1 AS a;
CREATE DOMAIN regress_models.d AS text CHECK (VALUE <> '');
CREATE TABLE regress_models.t (d regress_models.d);
\set ECHO all
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff($$CREATE TABLE regress_models.t (d text); CREATE TABLE regress_models.x (a integer DEFAULT 1 PRIMARY KEY);
	CREATE TYPE regress_models.y AS ENUM ('a'); CREATE SEQUENCE regress_models.z$$, '{regress_models}', compare => 'models');
SET client_min_messages = warning;
DROP SCHEMA regress_models CASCADE;
RESET client_min_messages;
-- settings of Citus in a database without Citus
SET citus.shard_count = 32;
SET citus.enable_schema_based_sharding = on;
SELECT action, kind, object, upgrade_sql, hazard FROM cmig.diff('CREATE SCHEMA regress_diff_sharded');
RESET citus.enable_schema_based_sharding;
-- functions that do not belong to Citus, although their names are those of functions of Citus
CREATE FUNCTION pg_catalog.create_reference_table() RETURNS text LANGUAGE sql AS $$ SELECT 'called'::text $$;
CREATE FUNCTION pg_catalog.create_distributed_table(integer, integer, integer, integer, text) RETURNS text LANGUAGE sql AS $$ SELECT 'called'::text $$;
SELECT object FROM cmig.diff($$CREATE TABLE reference AS SELECT create_reference_table() AS a; SELECT create_reference_table();
CREATE TABLE distributed AS SELECT create_distributed_table(1, 2, 3, 4, '') AS a; SELECT create_distributed_table(1, 2, 3, 4, '')$$);
DROP FUNCTION pg_catalog.create_reference_table(), pg_catalog.create_distributed_table(integer, integer, integer, integer, text);
RESET citus.shard_count;
-- an extension's update that cannot be reverted
SET client_min_messages = warning;
CREATE EXTENSION hstore VERSION '1.4';
SELECT action, upgrade_sql, downgrade_sql, hazard FROM cmig.diff('CREATE EXTENSION hstore VERSION ''1.5''');
SELECT content ~ 'cmig:downgrade' AS reverts, hazards FROM cmig.autogenerate('Update hstore', 'CREATE EXTENSION hstore VERSION ''1.5''');
DROP EXTENSION hstore;
DROP EXTENSION pg_cmig;
