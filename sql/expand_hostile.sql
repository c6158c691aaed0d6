-- Two versions at once, and roles that must not gain or lose anything by it: marks, stored rows, triggers, names, privileges.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_hostile_owner;
CREATE ROLE regress_hostile_migrator IN ROLE regress_hostile_owner;
CREATE ROLE regress_hostile_some;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\set ECHO all
\o /dev/null
SELECT cmig.grant_access('regress_hostile_migrator', 'migrator');
\o
CREATE SCHEMA shop AUTHORIZATION regress_hostile_owner;
GRANT USAGE ON SCHEMA shop TO regress_hostile_some;
DO $$BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_hostile_migrator', current_database()); END$$;
SELECT cmig.create_revision('start', $$CREATE TABLE shop.person (id int PRIMARY KEY, name text, n text, e text);
CREATE FUNCTION shop.stop(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF current_setting(''regress.stop'', true) = ''on'' THEN RAISE SQLSTATE ''57014''; END IF; RETURN n; END'$$, revision => '001');
SELECT revision FROM cmig.upgrade();
ALTER TABLE shop.person OWNER TO regress_hostile_owner;
INSERT INTO shop.person VALUES (1, 'a', '1', 'x');
GRANT SELECT (id, n), INSERT (id, n), UPDATE (n) ON shop.person TO regress_hostile_some;
SELECT cmig.create_revision('numbers', $$ALTER TABLE shop.person ALTER n TYPE int USING n::int; CREATE INDEX person_n ON shop.person (n)$$,
	revision => '042', expand => true);

-- objects in the way are named before anything is done, and remain
CREATE SCHEMA shop_042 AUTHORIZATION regress_hostile_some;
CREATE VIEW shop_042.person AS SELECT 1 AS precious;
CALL cmig.expand('head');
\t
SELECT * FROM shop_042.person;
\set ECHO none
\t
DROP SCHEMA shop_042 CASCADE;
CREATE TABLE shop.other (id int);
CREATE INDEX cmig_new_person_n ON shop.other (id);
\set ECHO all
CALL cmig.expand('head');
DROP TABLE shop.other;
CREATE FUNCTION shop.late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n = '99'; RETURN NEW; END$$;
CREATE TRIGGER "~~late" BEFORE UPDATE ON shop.person FOR EACH ROW EXECUTE FUNCTION shop.late();
CALL cmig.expand('head');
DROP TRIGGER "~~late" ON shop.person;
SELECT count(*) FROM cmig.expansion_run;

-- a member of the owner's role expands, and so does the owner's role itself
SET SESSION AUTHORIZATION regress_hostile_migrator;
CALL cmig.expand('head');
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'shop_042'::regnamespace ORDER BY 1;
SELECT nspacl FROM pg_namespace WHERE nspname = 'shop_042';

-- a migrator's stored statements do not run with privileges that he does not have
RESET SESSION AUTHORIZATION;
CALL cmig.contract();
SET SESSION AUTHORIZATION regress_hostile_migrator;
UPDATE cmig.expansion_step SET statement = 'ALTER ROLE regress_hostile_migrator SUPERUSER';
INSERT INTO cmig.expansion_step (position, phase, relation, statement, role) VALUES (1000, 'abandon', '', 'ALTER ROLE regress_hostile_migrator SUPERUSER', 'postgres');
CALL cmig.abandon();
INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('042', '{042}', '{shop}', '[["\"(SELECT 1/0) x\".y"], ["shop.person", null, null, null, null, null, null, null, "\"(SELECT 1/0) x\".y"]]');
INSERT INTO cmig.expansion_step (position, phase, relation, statement) VALUES (1, 'fill', 'shop.person', 'ALTER ROLE regress_hostile_migrator SUPERUSER');
RESET SESSION AUTHORIZATION;
CALL cmig.expand('head');
CALL cmig.contract();
CALL cmig.abandon();
-- nor is anything else run for cmig.expansion()
SELECT relation, rows_filled FROM cmig.expansion();
CREATE VIEW shop.trap AS SELECT (1/0)::text AS cmig_state;
UPDATE cmig.expansion_step SET relation = 'shop.trap';
UPDATE cmig.expansion_run SET columns = '[["shop.trap", null, null, null, null, null, null, null, "shop.trap"]]';
SELECT relation, rows_filled, last_old_write FROM cmig.expansion();
DROP VIEW shop.trap;
-- nor do nulls do anything
UPDATE cmig.expansion_run SET schemas = '{NULL}', revisions = '{NULL}';
\set VERBOSITY sqlstate
SELECT cmig.require('042');
\set VERBOSITY default
SELECT count(*) > 0 AS drifted FROM cmig.drift();
SELECT value FROM cmig.status() WHERE item = 'expanded';
-- nor do statements of other kinds end the server
DELETE FROM cmig.expansion_run;
SET SESSION AUTHORIZATION regress_hostile_migrator;
-- columns that no reader could read
\set VERBOSITY terse
INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('042', '{042}', '{}', '{"a": 1}');
-- and counters
INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('042', '{042}', '{}', '[]');
UPDATE cmig.expansion_run SET counted = '5';
UPDATE cmig.expansion_run SET counted = '{"at": 0, "calls": []}';
UPDATE cmig.expansion_run SET counted = '{"at": "5", "calls": {}}';
UPDATE cmig.expansion_run SET counted = '{"at": 1e300, "calls": {}}';
\set ECHO none
UPDATE cmig.expansion_run SET counted = '{"at": 0, "calls": {"10/5": [null], "x": {}}}';
DELETE FROM cmig.expansion_run;
\set VERBOSITY default
DELETE FROM cmig.expansion_step;
INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('042', '{042}', '{}', '[]');
RESET SESSION AUTHORIZATION;
UPDATE cmig.expansion_run SET checksum = md5('1 build  CREATE INDEX ON shop.person (n)');
SET SESSION AUTHORIZATION regress_hostile_migrator;
INSERT INTO cmig.expansion_step (position, phase, relation, statement) VALUES (1, 'build', '', 'CREATE INDEX ON shop.person (n)');
\set ECHO all
CALL cmig.expand('head');
\set ECHO none
DELETE FROM cmig.expansion_step;
DELETE FROM cmig.expansion_run;
INSERT INTO cmig.expansion_run (revision, revisions, schemas, columns) VALUES ('042', '{042}', '{}', '[]');
RESET SESSION AUTHORIZATION;
UPDATE cmig.expansion_run SET checksum = md5('1 fill  ');
SET SESSION AUTHORIZATION regress_hostile_migrator;
INSERT INTO cmig.expansion_step (position, phase, relation, statement) VALUES (1, 'fill', '', '');
\set ECHO all
CALL cmig.expand('head');
RESET SESSION AUTHORIZATION;
DELETE FROM cmig.expansion_run;

-- no statement is left out, or added; those that remained without their run are not used
CALL cmig.expand('head');
\set ECHO none
CREATE TEMP TABLE kept AS TABLE cmig.expansion_step;
SET SESSION AUTHORIZATION regress_hostile_migrator;
UPDATE cmig.expansion_step SET done = NOT done;
DELETE FROM cmig.expansion_step WHERE phase = 'contract' AND statement ~ 'RENAME';
UPDATE cmig.expansion_run SET state = 'expanding';
RESET SESSION AUTHORIZATION;
\set ECHO all
-- without the checksum
\set VERBOSITY terse
CALL cmig.expand('head');
CALL cmig.abandon();
\set VERBOSITY default
DELETE FROM cmig.expansion_step;
CALL cmig.contract();
INSERT INTO cmig.expansion_step TABLE kept;
-- nor is another text recorded than the one that was expanded
SELECT upgrade_sql AS expanded_text FROM cmig.revision WHERE revision = '042' \gset
UPDATE cmig.expansion_run SET state = 'expanded';
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || '; DROP TABLE shop.person' WHERE revision = '042';
CALL cmig.contract();
UPDATE cmig.revision SET upgrade_sql = :'expanded_text' WHERE revision = '042';
UPDATE cmig.expansion_run SET state = 'expanding';
-- what has been done is neither repeated nor forgotten
UPDATE cmig.expansion_step SET done = false;
CALL cmig.expand('head');
CALL cmig.abandon();
UPDATE cmig.expansion_step SET done = true WHERE phase = 'prepare';
CALL cmig.abandon();
\t
SELECT * FROM shop.person;
\t

-- a mark belongs to the statement that evaluates the default
CALL cmig.expand('head');
BEGIN;
SELECT cmig.expansion_mark(1);
\set ECHO none
INSERT INTO shop_042.person (id, n) VALUES (2, 2);
CREATE TEMP TABLE copy (LIKE shop.person INCLUDING DEFAULTS);
INSERT INTO copy (id) VALUES (1);
INSERT INTO shop_042.person (id, n) VALUES (3, 3);
\set ECHO all
COPY copy (id) FROM stdin;
1
\.
\set ECHO none
INSERT INTO shop_042.person (id, n) VALUES (4, 4);
COMMIT;
CREATE FUNCTION shop.old(id int) RETURNS text LANGUAGE sql AS $$INSERT INTO shop.person (id, n) VALUES (id, id) RETURNING 'by old'$$;
CREATE FUNCTION shop.new(id int) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO shop_042.person (id, n) VALUES (id, id); RETURN 'by new'; END$$;
INSERT INTO shop.person (id, name, n, e) VALUES (10, shop.new(11), '10', shop.old(12));
INSERT INTO shop_042.person (id, name, n, e) VALUES (20, shop.new(21), '20', shop.old(22));
INSERT INTO shop.person (id, n, cmig_new_n) VALUES (30, '30', DEFAULT), (31, '31', DEFAULT);
\set ECHO all
COPY shop.person (id, n) FROM stdin;
40	40
41	41
\.
SELECT id, n, cmig_new_n FROM shop.person WHERE id > 1 ORDER BY id;

-- the trigger functions used by hand, or alone
CREATE TABLE shop.hand (id int, t text DEFAULT cmig.expansion_mark('todo'::text));
CREATE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write();
INSERT INTO shop.hand VALUES (1);
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(id, '', '', u, t, t, 'id::text');
INSERT INTO shop.hand VALUES (1);
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(t, '', '', w, id, id, '7');
\t
INSERT INTO shop.hand VALUES (1, 'new') RETURNING *;
\set ECHO none
\t
\c
SET client_min_messages = warning;
\t
\set ECHO all
INSERT INTO shop.hand VALUES (1, 'new') RETURNING *;
\t
CREATE SEQUENCE shop.mine;
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(t, '', 'shop.mine', c, t, t, '*');
INSERT INTO shop.hand VALUES (1);
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(t, '', 'shop.mine', c, t, t, 'EXISTS (SELECT 1)');
INSERT INTO shop.hand VALUES (1);
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(t, '', 'shop.mine', c, t, t, 'grouping(id) = 0');
INSERT INTO shop.hand VALUES (1);
CREATE OR REPLACE TRIGGER hand BEFORE INSERT ON shop.hand FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(t, 'i', 'shop.mine', c, t, t, 'true');
INSERT INTO shop.hand VALUES (1);
SELECT is_called FROM shop.mine;
\set ECHO none
DROP TABLE shop.hand;
CREATE TABLE shop.hand (id int, cmig_state int) PARTITION BY LIST (id);
CREATE TABLE shop.hand_1 PARTITION OF shop.hand DEFAULT;
CREATE TRIGGER hand BEFORE INSERT ON shop.hand_1 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin();
\t
\set ECHO all
INSERT INTO shop.hand VALUES (1, 5) RETURNING *;
\t
DROP TABLE shop.hand;
-- partitions whose triggers have rules of other types, columns, and kinds
\set ECHO none
CREATE TABLE shop.hand (id int, k int, n bigint DEFAULT cmig.expansion_mark(7::bigint), a text DEFAULT cmig.expansion_mark('x'::text), cmig_state text DEFAULT cmig.expansion_mark('todo'::text)) PARTITION BY LIST (k);
CREATE TABLE shop.hand_1 PARTITION OF shop.hand FOR VALUES IN (1);
CREATE TABLE shop.hand_2 PARTITION OF shop.hand FOR VALUES IN (2);
CREATE TABLE shop.hand_3 PARTITION OF shop.hand FOR VALUES IN (3);
CREATE TRIGGER hand BEFORE INSERT OR UPDATE ON shop.hand_1 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(cmig_state, '', '', u, n, n, 'k + 123456789');
CREATE TRIGGER a BEFORE INSERT ON shop.hand_2 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin();
CREATE TRIGGER hand BEFORE INSERT OR UPDATE ON shop.hand_2 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(cmig_state, '', '', u, a, a, 'k::text');
CREATE TRIGGER a BEFORE INSERT ON shop.hand_3 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin();
CREATE TRIGGER hand BEFORE INSERT OR UPDATE ON shop.hand_3 FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(cmig_state, '', '', c, n, n, 'true');
INSERT INTO shop.hand VALUES (1, 1, 123456789, 'x', NULL);
UPDATE shop.hand SET k = 2, n = 123456789, cmig_state = NULL;
UPDATE shop.hand SET k = 3, cmig_state = NULL;
UPDATE shop.hand SET k = 2, cmig_state = NULL;
\t
\set ECHO all
SELECT * FROM shop.hand;
\t
DROP TABLE shop.hand;

-- privileges on columns
\set ECHO none
SET ROLE regress_hostile_some;
INSERT INTO shop_042.person (id, n) VALUES (50, 50);
INSERT INTO shop.person (id, n) VALUES (51, '51');
UPDATE shop.person SET n = '52' WHERE id = 51;
\set ECHO all
SELECT cmig_state FROM shop.person;
RESET ROLE;
-- what the WARNING of cmig.expand says, so that the role can read
GRANT SELECT ON shop.person, shop_042.person TO regress_hostile_some;
SET ROLE regress_hostile_some;
SELECT id, n FROM shop_042.person WHERE id >= 50 ORDER BY id;
RESET ROLE;
REVOKE SELECT ON shop.person FROM regress_hostile_some;
GRANT SELECT (id, n, cmig_new_n) ON shop.person TO regress_hostile_some;
-- an object of somebody else is not dropped with the view
CREATE VIEW shop.other AS SELECT n FROM shop_042.person;
CALL cmig.contract();
DROP VIEW shop.other;
CALL cmig.contract();
SELECT attname, attacl FROM pg_attribute WHERE attrelid = 'shop.person'::regclass AND attacl IS NOT NULL AND NOT attisdropped ORDER BY 1;
SET ROLE regress_hostile_some;
SELECT id, n FROM shop.person WHERE id >= 50 ORDER BY id;
RESET ROLE;

-- what was written without the triggers is not lost; rows are not filled before they are there again
SELECT cmig.create_revision('big', 'ALTER TABLE shop.person ALTER n TYPE bigint USING shop.stop(n)', revision => '0421', expand => true);
SET regress.stop = on;
CALL cmig.expand('head');
RESET regress.stop;
DROP TRIGGER "~cmig_write" ON shop.person;
CALL cmig.expand('head');
SELECT count(*) FROM shop.person WHERE cmig_new_n IS DISTINCT FROM n;
ALTER TABLE shop.person DISABLE TRIGGER USER;
\set ECHO none
INSERT INTO shop.person (id, n) VALUES (60, 60);
INSERT INTO shop_0421.person (id, n) VALUES (61, 61);
UPDATE shop.person SET n = 33 WHERE id = 3;
UPDATE shop_0421.person SET n = 44 WHERE id = 4;
\set ECHO all
CALL cmig.contract();
ALTER TABLE shop.person ENABLE ALWAYS TRIGGER "!cmig_begin", ENABLE ALWAYS TRIGGER "~cmig_write";
CALL cmig.contract();
SET client_min_messages = notice;
CALL cmig.expand('0421');
UPDATE shop.person SET cmig_state = CASE id WHEN 3 THEN 'old' ELSE 'new' END WHERE id IN (3, 4);
SET client_min_messages = warning;
CALL cmig.expand('0421');
SELECT id, n, cmig_new_n, cmig_state FROM shop.person WHERE id IN (3, 4, 60, 61) ORDER BY id;
-- without reading the whole table, which is locked
SELECT pg_stat_force_next_flush();
SELECT seq_scan AS scans FROM pg_stat_user_tables WHERE relid = 'shop.person'::regclass \gset
CALL cmig.contract();
SELECT pg_stat_force_next_flush();
SELECT seq_scan - :scans AS scans FROM pg_stat_user_tables WHERE relid = 'shop.person'::regclass;

-- expressions mean the same whatever the sessions set
SELECT cmig.create_revision('time', $$CREATE TABLE shop.time (id int PRIMARY KEY, t timestamp, n int CONSTRAINT small CHECK (n < 5), CONSTRAINT large CHECK (n > 0 OR t IS NULL))$$, revision => '043');
SELECT revision FROM cmig.upgrade();
INSERT INTO shop.time VALUES (1, '2020-02-01');
SELECT cmig.create_revision('zone', $$ALTER TABLE shop.time ALTER t TYPE timestamptz$$, revision => '044', expand => true);
CALL cmig.expand('head');
SELECT cmig.remove_revision('044');
SELECT cmig.create_revision('zone', $$ALTER TABLE shop.time ALTER t TYPE timestamptz USING t AT TIME ZONE 'UTC',
	DROP CONSTRAINT small, DROP CONSTRAINT large, ADD COLUMN f float8, ADD COLUMN d date, ADD COLUMN i interval, ADD COLUMN a int[], ADD COLUMN m money, ADD COLUMN b pg_catalog.text CHECK (b OPERATOR(pg_catalog.>) '\');
-- cmig:down shop.time.t = t AT TIME ZONE 'UTC'
-- cmig:up shop.time.f = '0.12345678901234568'::float8
-- cmig:up shop.time.d = '01/02/2020'::date
-- cmig:up shop.time.i = '-1 day 02:03'::interval
-- cmig:up shop.time.a = '{NULL,1}'::int[]
-- cmig:up shop.time.b = '\d' || '\'::pg_catalog.text
-- cmig:up shop.time.m = '1.50'::money$$, revision => '044', expand => true);
-- nor does what stands before pg_catalog in search_path
\set ECHO none
CREATE SCHEMA shop_evil;
CREATE FUNCTION shop_evil.raise(text, text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'evil'; END$$;
CREATE OPERATOR shop_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = shop_evil.raise);
CREATE OPERATOR shop_evil.> (LEFTARG = text, RIGHTARG = text, FUNCTION = shop_evil.raise);
CREATE DOMAIN shop_evil.text AS int;
SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 0; SET TimeZone = 'Asia/Tokyo';
\set ECHO all
-- from PostgreSQL 19 on, it is always on
SELECT current_setting('server_version_num')::int < 190000 AS can_be_off \gset
\if :can_be_off
SET standard_conforming_strings = off;
\endif
SET search_path = shop_evil, public, pg_catalog; SET quote_all_identifiers = on;
-- a NOTICE tells what the new version is still held to
SET client_min_messages = notice;
\set VERBOSITY sqlstate
CALL cmig.expand('head');
\set VERBOSITY default
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA shop_evil CASCADE;
\c
SET client_min_messages = warning;
SET DateStyle = 'German'; SET array_nulls = off; SET transform_null_equals = on; SET quote_all_identifiers = on;
\set ECHO all
\if :can_be_off
SET standard_conforming_strings = off;
\endif
\set ECHO none
INSERT INTO shop.time VALUES (2, '01.02.2020');
\c
SET client_min_messages = warning;
INSERT INTO shop.time VALUES (3, '2020-02-01');
SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC';
\t
\set ECHO all
SELECT * FROM shop_044.time ORDER BY id;
\t
CALL cmig.abandon();

-- long names that are the same but for their end
SELECT cmig.remove_revision('044');
SELECT repeat('a', 62) AS a \gset
SELECT cmig.create_revision('long', format('CREATE TABLE shop.long (id int PRIMARY KEY, %1$s1 int, %1$s2 int)', :'a'), revision => '045');
SELECT revision FROM cmig.upgrade();
\set ECHO none
INSERT INTO shop.long VALUES (1, 1, 2);
SELECT cmig.create_revision('longer', format($$ALTER TABLE shop.long ALTER %1$s1 TYPE bigint, ALTER %1$s1 SET NOT NULL, ALTER %1$s2 TYPE bigint, ALTER %1$s2 SET NOT NULL;
-- cmig:up shop.long.%1$s1 = coalesce(%1$s1, 0)
-- cmig:up shop.long.%1$s2 = coalesce(%1$s2, 0)$$, :'a'), revision => '046', expand => true);
\set ECHO all
CALL cmig.expand('head');
INSERT INTO shop.long VALUES (2);
\t
SELECT * FROM shop_046.long ORDER BY id;
\t
CALL cmig.contract();

-- functions that change their argument, write the table while its trigger is compiled, are in a schema that the writer may not use, or ask for the table
SELECT cmig.create_revision('f', $r$CREATE TABLE shop.f (id int PRIMARY KEY, a int[]); CREATE SEQUENCE shop.s; CREATE SCHEMA shop_own;
CREATE FUNCTION shop_own.make(id int) RETURNS int[] LANGUAGE plpgsql AS 'DECLARE a int[] = array[id]; BEGIN a[2] = 0; RETURN a; END';
CREATE FUNCTION shop_own.good(a int[]) RETURNS bool LANGUAGE plpgsql AS 'BEGIN a[2] = 99; RETURN true; END';
CREATE FUNCTION shop.count() RETURNS int LANGUAGE plpgsql AS 'DECLARE n int = nextval(''shop.s''); BEGIN IF n < 3 THEN INSERT INTO shop.f VALUES (n + 10); END IF; RETURN n; END';
CREATE FUNCTION shop.same() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0 * shop.count()';
CREATE MATERIALIZED VIEW shop.some AS SELECT 1 AS one; CREATE FUNCTION shop.no() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION shop.yes() RETURNS int LANGUAGE sql RETURN 1; REVOKE ALL ON FUNCTION shop.no() FROM PUBLIC$r$, revision => '047');
SELECT revision FROM cmig.upgrade();
GRANT SELECT, INSERT ON shop.f TO regress_hostile_some;
GRANT USAGE ON SEQUENCE shop.s TO regress_hostile_some;
SELECT cmig.create_revision('made', $$ALTER TABLE shop.f ADD COLUMN m int[] CONSTRAINT good CHECK (shop_own.good(m)), ADD CONSTRAINT here CHECK (tableoid = 'shop.f'::regclass), ADD COLUMN two int[];
-- cmig:up shop.f.two = ARRAY[id, (a)[1]]
-- cmig:up shop.f.m = shop_own.make(id + shop.same())
DROP MATERIALIZED VIEW shop.some; CREATE MATERIALIZED VIEW shop.some AS SELECT 2 AS one;
CREATE OR REPLACE FUNCTION shop.no() RETURNS int LANGUAGE sql RETURN 2; CREATE OR REPLACE FUNCTION shop.yes() RETURNS int LANGUAGE sql RETURN 2;$$, revision => '048', expand => true);
-- default privileges of the role that creates it are those of what the revision creates again, and of nothing else in the version
\set ECHO none
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_hostile_migrator;
\set ECHO all
CALL cmig.expand('head');
SELECT relname, relacl FROM pg_class WHERE relnamespace = 'shop_048'::regnamespace AND relkind = 'S' AND relacl::text ~ 'migrator';
\set ECHO none
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_hostile_migrator;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_hostile_migrator;
\set ECHO all
SELECT n.nspname, has_schema_privilege(r, n.oid, 'CREATE') AS create, array_agg(c.relname ORDER BY 1) FILTER (WHERE has_table_privilege(r, c.oid, 'SELECT')) AS read,
	has_function_privilege(r, 'shop_048.no()', 'EXECUTE') AS no, has_function_privilege(r, 'shop_048.yes()', 'EXECUTE') AS yes
	FROM (VALUES ('regress_hostile_migrator')) x (r), pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('v', 'm') WHERE n.nspname = 'shop_048' GROUP BY n.oid, r;
\set ECHO none
\c
SET client_min_messages = warning;
SET ROLE regress_hostile_some;
INSERT INTO shop.f VALUES (1);
INSERT INTO shop_048.f VALUES (2, NULL, '{2}');
RESET ROLE;
-- or the owner may not use it, or the writer may not execute it
ALTER TABLE shop.f OWNER TO regress_hostile_owner;
UPDATE shop.f SET id = 5 WHERE id = 11;
ALTER TABLE shop.f OWNER TO CURRENT_USER;
\set ECHO all
-- without the defaults that tell the versions apart, nothing is written
BEGIN;
ALTER TABLE shop.f ALTER cmig_new_m DROP DEFAULT;
INSERT INTO shop.f VALUES (7);
ROLLBACK;
-- without the table, no hint names others
ALTER TABLE shop.f RENAME TO g;
CALL cmig.contract();
\set ECHO none
ALTER TABLE shop.g RENAME TO f;
REVOKE ALL ON FUNCTION shop_own.make FROM PUBLIC;
SET ROLE regress_hostile_some;
INSERT INTO shop.f VALUES (3);
RESET ROLE;
\set ECHO all
SELECT id, cmig_new_m, cmig_state FROM shop.f ORDER BY 1;
CALL cmig.abandon();

-- new sequences get the table's owner, who may create nothing in the schema before and after; a role from which rows are hidden cannot fill or count them
SELECT cmig.remove_revision('048');
SELECT cmig.create_revision('owned', 'CREATE TABLE shop.owned (k int); CREATE TABLE shop.sold (k int)', revision => '049');
SELECT revision FROM cmig.upgrade();
\set ECHO none
ALTER SCHEMA shop_own OWNER TO regress_hostile_owner;
ALTER TABLE shop.owned OWNER TO regress_hostile_owner;
GRANT CREATE ON SCHEMA shop TO regress_hostile_some;
ALTER TABLE shop.sold OWNER TO regress_hostile_some;
REVOKE CREATE ON SCHEMA shop FROM regress_hostile_some;
GRANT regress_hostile_some TO regress_hostile_migrator;
INSERT INTO shop.owned VALUES (1), (2);
CREATE POLICY few ON shop.owned USING (k <> 2);
ALTER TABLE shop.owned ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
\set ECHO all
SELECT cmig.create_revision('numbered', $$ALTER TABLE shop.owned ADD id bigserial, ADD i int GENERATED ALWAYS AS IDENTITY;
ALTER TABLE shop.sold ADD id bigserial, ADD i int GENERATED BY DEFAULT AS IDENTITY, ALTER k TYPE bigint$$, revision => '050', expand => true);
SET SESSION AUTHORIZATION regress_hostile_migrator;
CALL cmig.expand('head');
SELECT count(*) FROM cmig.expansion_run;
ALTER TABLE shop.owned NO FORCE ROW LEVEL SECURITY;
CALL cmig.expand('head');
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^(owned|sold).*seq$' ORDER BY 1;
SELECT has_schema_privilege('regress_hostile_some', 'shop', 'CREATE');
SET SESSION AUTHORIZATION regress_hostile_some;
INSERT INTO shop.sold VALUES (3) RETURNING cmig_new_id, cmig_new_i;
\t
INSERT INTO shop_050.sold (k) VALUES (4) RETURNING *;
\t
SET SESSION AUTHORIZATION regress_hostile_migrator;
ALTER TABLE shop.owned FORCE ROW LEVEL SECURITY;
CALL cmig.contract();
ALTER TABLE shop.owned NO FORCE ROW LEVEL SECURITY;
CALL cmig.contract();
RESET SESSION AUTHORIZATION;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'shop'::regnamespace AND relname ~ '^(owned|sold).*seq$' ORDER BY 1;
\t
SELECT * FROM shop.owned ORDER BY k;
\t
DROP POLICY few ON shop.owned;
ALTER TABLE shop.owned DISABLE ROW LEVEL SECURITY;
SELECT object FROM cmig.drift() WHERE object ~ 'owned|sold' ORDER BY 1;

-- what somebody changes by hand meanwhile is found; without a change, nothing is lost
SELECT cmig.create_revision('items', $$CREATE TABLE shop.item (id int PRIMARY KEY, a text); CREATE TABLE shop.shelf (id int, n int);
CREATE FUNCTION shop.number(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'$$, revision => '051');
SELECT revision FROM cmig.upgrade();
INSERT INTO shop.item VALUES (1, '1');
SELECT cmig.create_revision('numbers', $$ALTER TABLE shop.item ALTER a TYPE int USING shop.number(a); CREATE INDEX item_a ON shop.item (a);
ALTER TABLE shop.shelf RENAME n TO place; CREATE TABLE shop.fresh (id int)$$, revision => '052', expand => true);
CALL cmig.expand();
DROP FUNCTION shop.number;
ALTER TABLE shop.item DROP a;
ALTER TABLE shop.item RENAME TO item_old;
CREATE TABLE shop.item (LIKE shop.item_old INCLUDING ALL);
CALL cmig.contract();
CALL cmig.abandon();
DROP TABLE shop.item;
ALTER TABLE shop.item_old RENAME TO item;
-- a table, a hidden column, a trigger, and the schema are known whatever their names are; the table keeps its new one
\set ECHO none
ALTER TABLE shop.shelf SET SCHEMA public;
ALTER TABLE public.shelf RENAME TO rack;
ALTER SCHEMA shop_052 RENAME TO shop_new;
ALTER TABLE shop.item RENAME cmig_new_a TO b;
ALTER TRIGGER "~cmig_write" ON shop.item RENAME TO "~~write";
\set ECHO all
CALL cmig.abandon();
SELECT object FROM cmig.drift() WHERE object ~ 'item|shelf|rack|fresh|052';
ALTER TABLE public.rack SET SCHEMA shop;
ALTER TABLE shop.rack RENAME TO shelf;
CALL cmig.expand();
-- what is gone needs not be removed
DROP TABLE shop.fresh;
DROP TABLE shop.shelf CASCADE;
DROP VIEW shop_052.item;
CALL cmig.abandon();
CREATE TABLE shop.shelf (id int, n int);
SELECT object FROM cmig.drift() WHERE object ~ 'item|shelf|fresh|052';
CALL cmig.expand();
-- what is missing is created again
ALTER TRIGGER "~cmig_write" ON shop.item RENAME TO "~~write";
CALL cmig.contract();
ALTER TRIGGER "~~write" ON shop.item RENAME TO "~cmig_write";
ALTER TABLE shop.item ALTER cmig_new_a DROP DEFAULT, ALTER cmig_state DROP DEFAULT;
INSERT INTO shop.item VALUES (2, '2');
CALL cmig.expand();
\set ECHO none
INSERT INTO shop.item VALUES (2, '2');
DROP FUNCTION shop.number CASCADE;
INSERT INTO shop.item VALUES (3, '3');
INSERT INTO shop_052.item VALUES (4, 4);
\set ECHO all
CALL cmig.contract();
\set VERBOSITY terse
CALL cmig.expand();
\set VERBOSITY default
CREATE FUNCTION shop.number(text) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CALL cmig.expand();
ALTER TABLE shop.item RENAME id TO number;
CALL cmig.contract();
ALTER TABLE shop.item RENAME number TO id;
DROP INDEX shop.cmig_new_item_a;
CREATE TABLE shop.cmig_new_item_a (id int);
CALL cmig.contract();
DROP TABLE shop.cmig_new_item_a;
CALL cmig.contract();
\t
SELECT * FROM shop.item ORDER BY id;
\t
SELECT object FROM cmig.drift() WHERE object ~ 'item|shelf|fresh|052';

-- rows that are added meanwhile are not run; code of the table's owner does not run as the caller, nor code of others as the owner
\set ECHO none
CREATE TABLE shop.log (what text, role text);
GRANT INSERT ON shop.log TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA shop TO regress_hostile_owner;
GRANT CREATE ON SCHEMA shop TO regress_hostile_some;
SET ROLE regress_hostile_some;
CREATE FUNCTION shop.note(what text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO shop.log VALUES (what, current_user); RETURN true; END';
CREATE FUNCTION shop.note_always(what text) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN shop.note(what); END';
CREATE FUNCTION shop.keep(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION shop.append(bigint, bigint) RETURNS text LANGUAGE sql AS $$SELECT shop.note('operator')::text$$;
CREATE OPERATOR shop.|| (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = shop.append);
RESET ROLE;
\set ECHO all
SELECT cmig.create_revision('sneak', $r$CREATE TABLE shop.z (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY, n text, big text, c int);
ALTER TABLE shop.z ALTER big SET STORAGE EXTERNAL; CREATE FUNCTION shop.valid() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
CREATE DOMAIN shop.d AS int CHECK (shop.valid());
CREATE FUNCTION shop.sneak(n text) RETURNS int SECURITY DEFINER LANGUAGE plpgsql AS $$BEGIN INSERT INTO cmig.expansion_step (position, phase, relation, statement)
	VALUES (1000, 'build', '', 'ALTER ROLE regress_hostile_migrator SUPERUSER') ON CONFLICT DO NOTHING; RETURN n; END$$;
ALTER FUNCTION shop.sneak(text) OWNER TO regress_hostile_migrator$r$, revision => '060');
SELECT revision FROM cmig.upgrade();
\set ECHO none
ALTER TABLE shop.z OWNER TO regress_hostile_owner;
ALTER DOMAIN shop.d OWNER TO regress_hostile_some;
ALTER FUNCTION shop.valid OWNER TO regress_hostile_some;
GRANT ALL ON SCHEMA shop TO regress_hostile_migrator;
GRANT SELECT, INSERT ON shop.z TO regress_hostile_some;
INSERT INTO shop.z (n) VALUES ('1');
\set ECHO all
SELECT cmig.create_revision('all', $$ALTER TABLE shop.z ADD COLUMN r text;
-- cmig:up shop.z.r = row(z.*)::text$$, revision => '061', expand => true);
CALL cmig.expand('head');
SELECT cmig.remove_revision('061');
SELECT cmig.create_revision('sneak', $$ALTER TABLE shop.z ALTER id TYPE bigint, ALTER n TYPE int USING shop.sneak(n), ADD COLUMN len int, ADD COLUMN d int;
-- cmig:up shop.z.len = length(big)
-- cmig:up shop.z.d = shop.keep(('{1}'::shop.d[])[1])$$, revision => '061', expand => true,
	verify_sql => $$DO 'BEGIN ASSERT NOT EXISTS (SELECT FROM pg_locks WHERE relation = ''shop.log''::regclass AND mode = ''AccessExclusiveLock''), ''locked''; END'$$);
CALL cmig.expand('head');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_hostile_migrator';
CALL cmig.contract();
\set ECHO none
DELETE FROM cmig.expansion_step WHERE position = 1000;
SET ROLE regress_hostile_owner;
CREATE INDEX ON shop.z (id) WHERE shop.note_always('index');
CREATE STATISTICS shop.statistics ON (shop.note_always('statistics')), id FROM shop.z;
SET ROLE regress_hostile_some;
CREATE OR REPLACE FUNCTION shop.valid() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN shop.note(''domain''); END';
INSERT INTO shop.z (n) VALUES ('2');
SET ROLE regress_hostile_owner;
CREATE VIEW shop.between WITH (security_invoker = true) AS TABLE shop.log;
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO shop_061.z DO INSTEAD SELECT z.big, z.c, z.cmig_new_id AS id, z.cmig_new_n AS n, z.cmig_new_len AS len, z.cmig_new_d AS d FROM shop.z, shop.between;
RESET ROLE;
DELETE FROM shop.log WHERE role = 'regress_hostile_some' OR what <> 'domain';
\set ECHO all
SELECT DISTINCT rows_filled FROM cmig.expansion();
SELECT count(*) > 0 FROM cmig.status();
SELECT DISTINCT * FROM shop.log ORDER BY 1, 2;
\set ECHO none
SET ROLE regress_hostile_owner;
CREATE FUNCTION shop.raising() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN IF current_setting(''hostile.raises'', true) = ''on'' THEN RAISE ''raised''; END IF; RETURN true; END';
CREATE INDEX raising ON shop.z (id) WHERE shop.raising();
RESET ROLE;
SET hostile.raises = on;
\set ECHO all
SELECT DISTINCT rows_filled, failure FROM cmig.expansion();
SELECT count(*) > 0 FROM cmig.status();
RESET hostile.raises;
DROP INDEX shop.raising;
DROP FUNCTION shop.raising;

-- a large value is read only if it may have changed, of a long error little is stored, and what is compiled again is freed
INSERT INTO shop.z (n, big) VALUES ('3', repeat('y', 100000)), (repeat('x', 100000), '');
SELECT length(cmig_state) FROM shop.z WHERE big = '';
SELECT pg_stat_force_next_flush();
SELECT toast_blks_read + toast_blks_hit AS blocks FROM pg_statio_user_tables WHERE relid = 'shop.z'::regclass \gset
UPDATE shop.z SET c = 1 WHERE n = '3';
SELECT pg_stat_force_next_flush();
SELECT toast_blks_read + toast_blks_hit - :blocks AS blocks FROM pg_statio_user_tables WHERE relid = 'shop.z'::regclass;
DELETE FROM shop.z WHERE big IS NOT NULL;
DO $$BEGIN FOR i IN 1 .. 20 LOOP CREATE TEMP TABLE other (id int); DROP TABLE other; INSERT INTO shop.z (n) VALUES (i); END LOOP; END$$;
SELECT count(*) < 10 AS few FROM pg_backend_memory_contexts WHERE name = 'pg_cmig expanded table';
DROP INDEX shop.z_id_idx; DROP STATISTICS shop.statistics; TRUNCATE shop.log;
DELETE FROM cmig.expansion_step WHERE position = 1000;
CALL cmig.contract();
\t
SELECT * FROM shop.log WHERE what = 'operator';
\t

-- an expression that calls itself without end is not tried again at each depth
SELECT cmig.create_revision('self', $r$CREATE TABLE shop.self (id int PRIMARY KEY, n text);
CREATE FUNCTION shop.own(i int, n text) RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE shop.self SET id = id WHERE id = i; RETURN n; END'$r$, revision => '062');
SELECT revision FROM cmig.upgrade();
INSERT INTO shop.self VALUES (1, '1');
SELECT cmig.create_revision('self', 'ALTER TABLE shop.self ALTER n TYPE int USING shop.own(id, n)', revision => '063', expand => true);
\set VERBOSITY terse
CALL cmig.expand('head');
UPDATE shop.self SET n = '2';
\set VERBOSITY default
CALL cmig.abandon();

-- what is not known of a run and its steps ends neither them nor the server
SELECT cmig.remove_revision('063');
SELECT cmig.create_revision('null', 'ALTER TABLE shop.self RENAME n TO m', revision => '064', expand => true);
CALL cmig.expand('head');
\set ECHO none
ALTER TABLE cmig.expansion_run ALTER revision DROP NOT NULL, ALTER state DROP NOT NULL, ALTER checksum DROP NOT NULL;
ALTER TABLE cmig.expansion_step ALTER done DROP NOT NULL;
BEGIN;
UPDATE cmig.expansion_run SET revision = NULL, state = NULL;
\set ECHO all
SELECT relation FROM cmig.expansion();
\set ECHO none
ROLLBACK;
SELECT checksum FROM cmig.expansion_run \gset
UPDATE cmig.expansion_run SET checksum = NULL;
\set VERBOSITY sqlstate
\set ECHO all
CALL cmig.abandon();
\set VERBOSITY default
UPDATE cmig.expansion_run SET checksum = :'checksum';
UPDATE cmig.expansion_step SET done = NULL WHERE NOT done;
CALL cmig.contract();
SELECT m FROM shop.self;

\set ECHO none
DROP SCHEMA shop, shop_own CASCADE;
DROP EXTENSION pg_cmig;
DROP OWNED BY regress_hostile_owner, regress_hostile_migrator, regress_hostile_some;
DROP ROLE regress_hostile_migrator, regress_hostile_owner, regress_hostile_some;
\set ECHO all
