--
-- cmig.ddl_policy: DDL outside of migration runs is allowed, recorded, or denied
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE ROLE regress_ddl_team;
CREATE ROLE regress_ddl_app;
GRANT CREATE ON SCHEMA public TO regress_ddl_team, regress_ddl_app;
\set ECHO all
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_ddl_team', 'migrator');
CREATE VIEW log AS SELECT command, object_type, object, role, session_role = current_user AS own_session,
	application_name, reason FROM cmig.ddl_log ORDER BY at, command, object;

-- without a policy nothing is recorded
CREATE TABLE invoice (id serial PRIMARY KEY, note text);
SELECT count(*) FROM cmig.ddl_log;
SHOW cmig.ddl_policy;
SELECT item, value, hint FROM cmig.status() WHERE item LIKE 'DDL%';

-- event triggers use a subtransaction until they have found the library
SELECT current_setting('cmig.loaded', true) AS loaded;
SET cmig.loaded = off;

-- log: a row for each object, whoever does it and in whatever way
SELECT cmig.set_ddl_policy('log');
\set ECHO none
ALTER TABLE invoice ADD COLUMN total numeric, DROP COLUMN note;
CREATE TABLE customer (id serial PRIMARY KEY);
CREATE UNIQUE INDEX CONCURRENTLY customer_id ON customer (id);
DROP INDEX CONCURRENTLY customer_id;
DO $$ BEGIN EXECUTE 'CREATE VIEW unpaid AS SELECT * FROM invoice'; END $$;
CREATE FUNCTION sum_up(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE TRIGGER same BEFORE UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
DROP TRIGGER same ON invoice;
GRANT SELECT ON invoice TO regress_ddl_app;
CREATE SCHEMA "Mein Schema"
	CREATE TABLE t (a int);
COMMENT ON TABLE "Mein Schema".t IS 'one';
DROP SCHEMA "Mein Schema" CASCADE;
CREATE EXTENSION citext;
DROP EXTENSION citext;
SET ROLE regress_ddl_app;
CREATE TABLE by_app ();
DROP TABLE by_app;
RESET ROLE;
\set ECHO all
\t
SELECT * FROM log;
\t
SELECT item, value, hint FROM cmig.status() WHERE item LIKE 'DDL%';
\set ECHO none
TRUNCATE cmig.ddl_log;

-- what is left out: temporary objects, what does not change the schema, what
-- fails, and pg_cmig itself
CREATE TEMP TABLE mine (a serial PRIMARY KEY);
CREATE INDEX ON mine (a);
ALTER TABLE mine ADD COLUMN b int;
CREATE TRIGGER same BEFORE UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
DROP TRIGGER same ON mine;
CREATE TEMP VIEW mine_too AS SELECT * FROM mine;
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
DROP FUNCTION pg_temp.f();
CREATE TYPE pg_temp.pair AS (a int, b int);
CREATE FUNCTION pg_temp.pair(int) RETURNS pg_temp.pair LANGUAGE sql AS 'SELECT $1, $1';
CREATE CAST (int AS pg_temp.pair) WITH FUNCTION pg_temp.pair(int);
CREATE CAST (pg_temp.pair AS text) WITH INOUT;
COMMENT ON CAST (int AS pg_temp.pair) IS 'temporary';
DROP CAST (int AS pg_temp.pair);
DROP CAST (pg_temp.pair AS text);
CREATE TRANSFORM FOR pg_temp.pair LANGUAGE sql (FROM SQL WITH FUNCTION varchar_support(internal));
DROP TRANSFORM FOR pg_temp.pair LANGUAGE sql;
CREATE DOMAIN pg_temp.positive AS int CONSTRAINT more CHECK (VALUE > 0);
COMMENT ON CONSTRAINT more ON DOMAIN pg_temp.positive IS 'temporary';
GRANT SELECT, UPDATE (b) ON mine TO PUBLIC;
GRANT SELECT ON mine, mine_too TO regress_ddl_app;
GRANT USAGE ON mine_a_seq TO PUBLIC;
REVOKE ALL ON FUNCTION pg_temp.pair(int) FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pg_temp FROM PUBLIC;
REVOKE USAGE ON TYPE pg_temp.pair FROM PUBLIC;
DROP TYPE pg_temp.pair CASCADE;
DROP TABLE mine CASCADE;
INSERT INTO customer DEFAULT VALUES;
VACUUM customer;
REINDEX TABLE customer;
\set ECHO all
\set VERBOSITY sqlstate
CREATE TABLE invoice ();
BEGIN; CREATE TABLE gone (); ROLLBACK;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_ddl_app', 'reader');
SELECT cmig.create_revision('orders', 'CREATE TABLE orders (id serial PRIMARY KEY); CREATE INDEX ON orders (id)',
	'DROP TABLE orders', revision => '001');
SELECT revision FROM cmig.upgrade();
SELECT count(*) > 0 AS differs FROM cmig.diff('CREATE TABLE other (a int)', compare => 'models');
SELECT revision FROM cmig.downgrade('-1');
\t
SELECT * FROM log;
\t

-- DDL after a run in the same transaction is outside of it
BEGIN;
SELECT revision FROM cmig.upgrade();
CREATE TABLE after_run ();
COMMIT;
SELECT command, object FROM log;
TRUNCATE cmig.ddl_log;

-- statements that can contain a password are not kept
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (token 'secret');
DROP FOREIGN DATA WRAPPER nothing CASCADE;
SELECT command, query FROM cmig.ddl_log ORDER BY at;
TRUNCATE cmig.ddl_log;
-- not even if they are sent together with others
COMMENT ON TABLE customer IS 'two'\; ALTER ROLE regress_ddl_app PASSWORD E'secret';
DO $$ BEGIN EXECUTE 'COMMENT ON TABLE customer IS ''password=secret'''; END $$;
ALTER TABLE customer ADD COLUMN password text, ADD COLUMN password_hash text DEFAULT '';
ALTER TABLE customer DROP COLUMN password, DROP COLUMN password_hash;
SELECT command, query FROM cmig.ddl_log ORDER BY at;
TRUNCATE cmig.ddl_log;

-- a long statement is cut off, at a character
\set long '''ä' `printf 'x%.0s' $(seq 1200)` ''''
COMMENT ON TABLE customer IS :long;
SELECT length(query), octet_length(query) FROM cmig.ddl_log;
TRUNCATE cmig.ddl_log;

-- deny
\set SHOW_CONTEXT never
SELECT cmig.set_ddl_policy('deny');
\set VERBOSITY default
ALTER TABLE invoice ADD COLUMN paid boolean;
DROP TABLE customer;
DROP OWNED BY regress_ddl_app;
GRANT ALL ON invoice TO PUBLIC;
DO $$ BEGIN CREATE TABLE hidden (); EXCEPTION WHEN OTHERS THEN RAISE EXCEPTION '% %', SQLSTATE, SQLERRM; END $$;
CREATE EXTENSION citext;
-- statements with CONCURRENTLY: refused before they have done anything
CREATE INDEX CONCURRENTLY customer_id ON customer (id);
CREATE INDEX CONCURRENTLY customer_id ON public.customer (id);
DROP INDEX CONCURRENTLY invoice_pkey;
CREATE TABLE measure (at date);
SELECT relname FROM pg_class WHERE relname IN ('customer_id', 'measure', 'hidden') ORDER BY 1;
-- temporary objects, pg_cmig, and runs
CREATE TEMP TABLE mine (a int PRIMARY KEY);
CREATE INDEX CONCURRENTLY ON mine (a);
GRANT SELECT ON mine TO PUBLIC;
GRANT SELECT ON mine, customer TO PUBLIC;
CREATE CAST (mine AS text) WITH INOUT;
DROP CAST (mine AS text);
DROP TABLE mine;
SELECT revision FROM cmig.downgrade('-1');
CALL cmig.upgrade_stepwise('head');
CALL cmig.add_check('invoice', 'total_check', 'total > 0');

-- nor do the procedures that work CONCURRENTLY leave anything, except on temporary tables
CALL cmig.add_unique('invoice', '{total}');
CALL cmig.add_not_null('invoice', 'total');
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'invoice'::regclass ORDER BY 1;
CREATE TEMP TABLE mine (a int);
CALL cmig.add_unique('mine', '{a}');
DROP TABLE mine;
-- after an error of a run, in a schema that pg_cmig would use, and in other ways
DO $$ BEGIN PERFORM cmig.upgrade('nothing'); EXCEPTION WHEN OTHERS THEN CREATE TABLE sneaky (); END $$;
DO $$ BEGIN PERFORM cmig.diff('CREATE TABLE x (); SELECT 1 / 0'); EXCEPTION WHEN division_by_zero THEN CREATE TABLE sneaky (); END $$;
CREATE SCHEMA cmig_audit;
CREATE SCHEMA cmig_audit CREATE TABLE sneaky ();
PREPARE one AS SELECT 1 AS a;
CREATE TABLE sneaky AS EXECUTE one;
SELECT 1 AS a INTO sneaky;
CREATE SCHEMA IF NOT EXISTS sneaky;
ALTER SCHEMA public RENAME TO sneaky;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER TABLE invoice DISABLE TRIGGER ALL;
ALTER TABLE invoice RENAME total TO sum;
SELECT query_to_xml('ALTER TABLE invoice ADD sneaky int', true, true, '');
CREATE FUNCTION pg_temp.sneak() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE public.sneaky (); END';
SELECT pg_temp.sneak();
DROP FUNCTION pg_temp.sneak();

-- a temporary relation of the same name does not hide another one
SET search_path = public, pg_temp;
CREATE TEMP TABLE customer (id int);
CREATE TEMP TABLE invoice_pkey ();
CREATE INDEX CONCURRENTLY ON customer (id);
DROP INDEX CONCURRENTLY invoice_pkey;
CREATE INDEX CONCURRENTLY ON pg_temp.customer (id);
DROP TABLE pg_temp.customer, pg_temp.invoice_pkey;
RESET search_path;
SELECT relname FROM pg_class WHERE oid IN (SELECT indexrelid FROM pg_index WHERE NOT indisvalid);

-- an exception, by those who may run revisions
BEGIN;
SELECT cmig.allow_ddl('the disk is full');
DROP TABLE customer;
SELECT cmig.allow_ddl('and more');
ALTER TABLE invoice ADD COLUMN paid boolean;
COMMIT;
SELECT command, object, role, reason FROM log;
CREATE TABLE customer ();
-- it ends with its savepoint
BEGIN;
SAVEPOINT one;
SELECT cmig.allow_ddl('a try');
CREATE TABLE a_try ();
ROLLBACK TO one;
CREATE TABLE a_try ();
COMMIT;
BEGIN;
SAVEPOINT one;
SELECT cmig.allow_ddl('kept');
RELEASE one;
CREATE TABLE kept ();
COMMIT;
SELECT command, object, reason FROM log WHERE reason IN ('a try', 'kept');
-- without a transaction block it is of no use, except in a function
SELECT cmig.allow_ddl('too short');
CREATE TABLE too_short ();
DO $$ BEGIN PERFORM cmig.allow_ddl('in a block'); CREATE TABLE in_a_block (); DROP TABLE in_a_block; END $$;
SELECT cmig.allow_ddl(NULL);
SELECT cmig.allow_ddl(E' \n');
SET ROLE regress_ddl_team;
BEGIN;
SELECT cmig.allow_ddl('team');
CREATE TABLE by_team ();
COMMIT;
SET ROLE regress_ddl_app;
SELECT cmig.allow_ddl('application');
SELECT command, role FROM cmig.ddl_log WHERE reason = 'team' ORDER BY at;
DELETE FROM cmig.ddl_log;
INSERT INTO cmig.ddl_log (at, command, role, session_role) VALUES (now(), 'CREATE TABLE', 'postgres', 'postgres');
SELECT cmig.ddl_event('ddl_command_end', 'CREATE TABLE');
RESET ROLE;

-- a session can make the policy stricter for itself, not looser
SET cmig.ddl_policy = allow;
CREATE TABLE looser ();
SELECT cmig.set_ddl_policy(NULL);
CREATE TABLE looser ();
SET cmig.ddl_policy = deny;
CREATE TABLE stricter ();
RESET cmig.ddl_policy;
CREATE TABLE stricter ();
SET session_replication_role = replica;
SELECT cmig.set_ddl_policy('deny');
CREATE TABLE replicated ();
RESET session_replication_role;

-- in a session that began with another policy
\c -
SET client_min_messages = warning;
SELECT cmig.set_ddl_policy('allow');
CREATE TABLE begun ();
DROP TABLE begun;
SELECT cmig.set_ddl_policy('deny');
CREATE TABLE begun ();

\set VERBOSITY sqlstate
-- values and rights
SELECT cmig.set_ddl_policy('forbid');
SET ROLE regress_ddl_team;
\set VERBOSITY default
SELECT cmig.set_ddl_policy('allow');
RESET ROLE;
BEGIN READ ONLY;
SELECT cmig.set_ddl_policy('allow');
ROLLBACK;
BEGIN READ ONLY;
SELECT cmig.allow_ddl('why');
ROLLBACK;
-- the functions are called as they are meant to be
SELECT cmig.ddl_event('ddl_command_end', 'CREATE TABLE');
SELECT cmig.ddl_event('sql_drop', 'DROP TABLE');
SELECT cmig.ddl_event(NULL, NULL);
SELECT cmig.ddl_trigger();

-- objects of other programs
SELECT cmig.set_ddl_policy('deny', exclude => '{public.job*,partman.*,index:*.*_dba,trigger:public.watched.sync}');
SELECT value FROM cmig.status() WHERE item = 'DDL policy';
\set ECHO none
CREATE TABLE job (id serial PRIMARY KEY, n int UNIQUE);
CREATE INDEX by_n ON job (n);
ALTER TABLE job ADD COLUMN note text;
CREATE TRIGGER same BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
DROP TRIGGER same ON job;
CREATE TYPE job_state AS ENUM ('new');
CREATE FUNCTION job_count() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM job';
CREATE SCHEMA partman;
CREATE TABLE partman.config ();
\set ECHO all
SELECT cmig.set_ddl_policy('deny', exclude => '{table:public.watched}');
CREATE TABLE watched (id int);
SELECT cmig.set_ddl_policy('deny', exclude => '{public.job*,partman.*,index:*.*_dba,trigger:public.watched.sync}');
CREATE INDEX watched_dba ON watched (id);
CREATE TRIGGER sync BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
\set VERBOSITY terse
CREATE INDEX watched_id ON watched (id);
CREATE TRIGGER other BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE "x on public.job" (id int);
\set VERBOSITY sqlstate
CREATE TABLE "job" ();
\set VERBOSITY terse
ALTER TABLE watched ADD COLUMN job int;
DROP TABLE watched;
DROP TABLE job, watched;
-- the former name counts, too
ALTER TABLE watched RENAME TO job_watched;
ALTER TABLE watched SET SCHEMA partman;
ALTER SCHEMA public RENAME TO partman_2;
ALTER TRIGGER sync ON watched RENAME TO other;
ALTER TABLE job RENAME TO job_1;
ALTER TABLE job_1 RENAME n TO m;
ALTER FUNCTION job_count RENAME TO job_count_1;
ALTER TYPE job_state RENAME TO job_state_1;
ALTER TYPE job_state_1 RENAME TO state;
\set ECHO none
ALTER TABLE job_1 SET SCHEMA partman;
ALTER TABLE partman.job_1 SET SCHEMA public;
ALTER TABLE job_1 RENAME TO job;
ALTER TYPE job_state_1 RENAME TO job_state;
ALTER FUNCTION job_count_1 RENAME TO job_count;
\set ECHO all
-- what belongs to another table, or links it to another one, needs a pattern for that one
SELECT cmig.set_ddl_policy('allow');
\set ECHO none
CREATE TABLE other (id int PRIMARY KEY, n int);
CREATE INDEX job_of_other ON other (n);
CREATE STATISTICS job_stats ON id, n FROM other;
CREATE TABLE parent (id int) PARTITION BY LIST (id);
CREATE TABLE job_parted PARTITION OF parent FOR VALUES IN (0);
CREATE TABLE job_child () INHERITS (other);
CREATE TABLE job_key (id int REFERENCES other);
CREATE TYPE job_word AS ENUM ('a');
ALTER TABLE other ADD COLUMN word job_word;
CREATE TABLE job_seen (id int, n int);
CREATE VIEW seen AS SELECT n FROM job_seen;
CREATE TABLE job_splits (id int) PARTITION BY LIST (id);
CREATE TABLE other_part PARTITION OF job_splits FOR VALUES IN (1);
CREATE TABLE other_list (id int);
CREATE INDEX job_splits_id ON ONLY job_splits (id);
CREATE INDEX job_part_id ON other_part (id);
CREATE SEQUENCE job_of_other_seq OWNED BY other.n;
CREATE SEQUENCE loose_seq;
CREATE SCHEMA away;
CREATE TYPE job_span AS RANGE (subtype = int, multirange_type_name = away.spans);
CREATE TABLE job_span_seen (id int, n int, m int);
CREATE STATISTICS away.span_stats ON n, m FROM job_span_seen;
CREATE TYPE job_pair AS (a int);
CREATE TABLE away.pair OF job_pair;
SET client_min_messages = error;
CREATE PUBLICATION published FOR TABLE other;
SET client_min_messages = warning;
\set ECHO all
SELECT cmig.set_ddl_policy('deny');
CREATE INDEX job_index ON other (n);
ALTER INDEX job_of_other RENAME TO job_renamed;
ALTER INDEX job_of_other SET (fillfactor = 90);
COMMENT ON INDEX job_of_other IS 'x';
DROP INDEX job_of_other;
CREATE STATISTICS job_stats_2 ON id, n FROM other;
ALTER STATISTICS job_stats SET STATISTICS 10;
DROP STATISTICS job_stats;
ALTER PUBLICATION published DROP TABLE other;
ALTER TABLE other SET SCHEMA pg_catalog;
CREATE SEQUENCE job_seq OWNED BY other.n;
CREATE TABLE job_reference (id int REFERENCES other);
ALTER TABLE job ADD COLUMN other int REFERENCES other;
ALTER TABLE job ADD FOREIGN KEY (m) REFERENCES other;
CREATE TABLE job_heir () INHERITS (job, other);
CREATE TABLE job_partition PARTITION OF parent FOR VALUES IN (1);
ALTER TABLE job_child NO INHERIT other;
DROP TABLE job_parted;
DROP TABLE job_key;
DROP TYPE job_word CASCADE;
DROP TABLE job_seen CASCADE;
ALTER TABLE job_seen DROP COLUMN n CASCADE;
ALTER TABLE job_key DROP COLUMN id;
ALTER TABLE job_key DROP CONSTRAINT job_key_id_fkey;
ALTER TABLE job_splits DETACH PARTITION other_part;
ALTER TABLE job_splits ATTACH PARTITION other_list FOR VALUES IN (2);
ALTER INDEX job_splits_id ATTACH PARTITION job_part_id;
ALTER SEQUENCE job_of_other_seq OWNED BY NONE;
ALTER SEQUENCE loose_seq OWNED BY job_seen.id;
-- what is in another schema is in both, whether or not the statement names it
CREATE TYPE job_range AS RANGE (subtype = int, multirange_type_name = away.ranges);
DROP TYPE job_span;
CREATE OPERATOR partman.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = OPERATOR(away.===));
CREATE STATISTICS away.stats ON id, n FROM job_seen;
ALTER TABLE job_span_seen DROP COLUMN n;
ALTER TYPE job_pair ADD ATTRIBUTE c int CASCADE;
ALTER TYPE job_pair RENAME ATTRIBUTE a TO b CASCADE;
CREATE CONSTRAINT TRIGGER seen AFTER INSERT ON job_seen FROM other FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- these do not
\set ECHO none
CREATE VIEW job_view AS SELECT id FROM job_seen;
ALTER TABLE job_seen DROP COLUMN id CASCADE;
CREATE INDEX job_index ON job (m);
DROP INDEX job_index, by_n;
CREATE STATISTICS job_stats_2 ON id, m FROM job;
DROP STATISTICS job_stats_2;
CREATE TABLE job_item (id int PRIMARY KEY REFERENCES job, parent int REFERENCES job_item);
CREATE TABLE job_heir () INHERITS (job);
ALTER TABLE job_heir NO INHERIT job;
ALTER TABLE job_key ADD COLUMN n int;
ALTER TABLE job_child ADD COLUMN m int;
DROP TABLE job_heir, job_item;
CREATE TABLE job_list PARTITION OF job_splits FOR VALUES IN (3);
ALTER TABLE job_splits DETACH PARTITION job_list;
ALTER TABLE job_splits ATTACH PARTITION job_list FOR VALUES IN (3);
CREATE TABLE job_made (id serial, n int REFERENCES job, i int GENERATED ALWAYS AS IDENTITY);
ALTER SEQUENCE job_made_i_seq INCREMENT 2;
ALTER SEQUENCE job_made_id_seq OWNED BY NONE;
ALTER TABLE job_made DROP CONSTRAINT job_made_n_fkey;
CREATE STATISTICS job_made_stats ON id, n FROM job_made;
CREATE TYPE job_range AS RANGE (subtype = int, multirange_type_name = job_ranges);
CREATE TYPE job_triple AS (a int);
CREATE OPERATOR FAMILY partman.family USING btree;
ALTER TYPE job_triple ADD ATTRIBUTE b int;
ALTER TYPE job_triple RENAME ATTRIBUTE b TO c;
DROP TYPE job_range, job_triple;
DROP TABLE job_made, job_list;
DROP SEQUENCE job_made_id_seq;
\set ECHO all
SELECT cmig.set_ddl_policy('allow');
\set ECHO none
DROP TABLE job_key, job_child, job_seen, parent, other, job_splits, other_list, job_span_seen CASCADE;
DROP TYPE job_word;
DROP SEQUENCE loose_seq;
DROP SCHEMA away CASCADE;
DROP TYPE job_pair;
\set ECHO all
DROP PUBLICATION published;
SELECT cmig.set_ddl_policy('deny');
-- a dot in a name is not the end of a schema's name
CREATE SCHEMA "partman.other";
CREATE FOREIGN DATA WRAPPER "partman.wrapper";
-- only what is stored for the database counts
SET cmig.ddl_exclude = '*';
CREATE TABLE denied ();
SET ROLE regress_ddl_app;
SET cmig.ddl_exclude = '*';
CREATE TABLE denied ();
\set ECHO none
RESET ROLE;
RESET cmig.ddl_exclude;
DROP FUNCTION job_count;
DROP TABLE job;
DROP TYPE job_state;
DROP SCHEMA partman CASCADE;
\set ECHO all
-- the policy alone keeps the patterns; an empty list removes them
SELECT cmig.set_ddl_policy('deny');
SELECT value FROM cmig.status() WHERE item = 'DDL policy';
CREATE TABLE job ();
SELECT cmig.set_ddl_policy('deny', '{}');
\set VERBOSITY sqlstate
CREATE TABLE job_2 ();
SELECT cmig.set_ddl_policy('deny', '{public.*}');
DROP TABLE job, watched;
SELECT cmig.set_ddl_policy('deny', '{}');
SELECT cmig.set_ddl_policy('deny', '{tabel:*.job}');
\set VERBOSITY default
SELECT cmig.set_ddl_policy('deny', '{"public.a,b"}');
SELECT cmig.set_ddl_policy('deny', '{NULL}');

-- superusers can disable the event triggers; status shows it
SELECT item, value, hint FROM cmig.status() WHERE item = 'DDL policy';
ALTER EVENT TRIGGER cmig_ddl_end DISABLE;
SELECT item, value, hint FROM cmig.status() WHERE item = 'DDL policy';
CREATE TABLE disabled ();
ALTER EVENT TRIGGER cmig_ddl_end ENABLE ALWAYS;
DROP EVENT TRIGGER cmig_ddl_end;
DROP FUNCTION cmig.ddl_trigger();

-- the extension can be dropped and created whatever the policy is
BEGIN;
SELECT cmig.allow_ddl('end of test');
\set ECHO none
DROP VIEW log;
COMMIT;
DROP EXTENSION pg_cmig;
CREATE TABLE free ();
CREATE EXTENSION pg_cmig;
\set ECHO all
CREATE TABLE denied ();
SELECT cmig.set_ddl_policy(NULL);
\set ECHO none
DROP OWNED BY regress_ddl_team, regress_ddl_app;
DROP ROLE regress_ddl_team, regress_ddl_app;
DROP EXTENSION pg_cmig;
DROP TABLE invoice, looser, stricter, disabled, free, kept, after_run, orders CASCADE;
DROP FUNCTION sum_up(int);
