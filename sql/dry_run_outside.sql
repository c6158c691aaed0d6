--
-- cmig.dry_run does not execute anything whose effects a rollback does not undo, no matter how it
-- is called
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE LANGUAGE regress_untrusted HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE TABLE t (id integer);
INSERT INTO t SELECT generate_series(1, 1000);
ANALYZE t;
CREATE TABLE watched (id integer);

-- functions in untrusted languages: as triggers, event triggers, and support functions
CREATE FUNCTION changed() RETURNS trigger LANGUAGE regress_untrusted AS $$ BEGIN RAISE WARNING 'a trigger ran'; RETURN NEW; END $$;
CREATE TRIGGER changed BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION changed();
CREATE FUNCTION altered() RETURNS event_trigger LANGUAGE regress_untrusted AS $$ BEGIN RAISE WARNING 'an event trigger ran'; END $$;
CREATE FUNCTION compare(integer, integer) RETURNS integer LANGUAGE regress_untrusted IMMUTABLE AS $$
BEGIN
	RAISE WARNING 'a support function ran';
	RETURN btint4cmp($1, $2);
END $$;
CREATE OPERATOR CLASS compared FOR TYPE integer USING btree AS
	OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 compare(integer, integer);
-- another name of a built-in function
CREATE FUNCTION own_lock(bigint) RETURNS void LANGUAGE internal STRICT AS 'pg_advisory_lock_int8';
CREATE FUNCTION own_add(integer, integer) RETURNS integer LANGUAGE internal STRICT AS 'int4pl';
CREATE FUNCTION lock_in_body() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM own_lock(2);
	RETURN 'locked';
END $$;
\set ECHO all

SELECT cmig.create_revision('Outside', $s$DO LANGUAGE regress_untrusted 'BEGIN RAISE WARNING $$a DO block ran$$; END';
DO LANGUAGE plpgsql 'BEGIN NULL; END';
INSERT INTO watched VALUES (1);
DO 'BEGIN INSERT INTO watched VALUES (2); EXCEPTION WHEN OTHERS THEN NULL; END';
CREATE INDEX ON t (id compared);
SELECT own_lock(1);
SELECT lock_in_body();
SELECT own_add(1, 2);
CREATE EVENT TRIGGER regress_altered ON ddl_command_end EXECUTE FUNCTION altered();
CREATE TABLE u (id integer);
DROP EVENT TRIGGER regress_altered;
ANALYZE t$s$, 'SELECT 1', revision => '001');
SELECT statement, command, rows, locks, error FROM cmig.dry_run();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();

-- an index build changes the estimates in pg_class without a transaction
UPDATE cmig.revision SET upgrade_sql = 'DELETE FROM t; CREATE INDEX ON t (id); ALTER TABLE t ADD x integer';
SELECT statement, command, rows, error FROM cmig.dry_run();
SELECT reltuples, relpages > 0 AS pages FROM pg_class WHERE oid = 't'::regclass;
UPDATE cmig.revision SET upgrade_sql = 'DELETE FROM t; CREATE INDEX ON t (id); SELECT 1 / 0';
SELECT statement, command, rows, error FROM cmig.dry_run();
SELECT reltuples FROM pg_class WHERE oid = 't'::regclass;

-- ANALYZE of tables that the run has created is tried
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
CREATE UNIQUE INDEX m_id ON m (id);
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE v AS SELECT id FROM t; ANALYZE v; REFRESH MATERIALIZED VIEW CONCURRENTLY m; ANALYZE v, t; CREATE TABLE w () INHERITS (v); ANALYZE v; ANALYZE';
SELECT statement, command, rows, error FROM cmig.dry_run();

-- what the session compiles in a dry run is not used afterwards, nor the reverse
CREATE TYPE pair AS (a integer);
CREATE FUNCTION f() RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE p pair = ROW(1); BEGIN RETURN to_jsonb(p); END $$;
SELECT f();
UPDATE cmig.revision SET upgrade_sql = 'DROP TYPE pair; CREATE TYPE pair AS (b integer); DO $$ BEGIN ASSERT f() ? ''b''; END $$';
SELECT statement, command, error FROM cmig.dry_run();
SELECT f();
\set ECHO none
DROP FUNCTION f();
DROP TYPE pair;

-- foreign tables, also those that only a row's values select, or that the session has used before
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE read (id integer) SERVER files OPTIONS (program 'echo 1');
CREATE TABLE parted (id integer) PARTITION BY LIST (id);
CREATE TABLE parted_near PARTITION OF parted FOR VALUES IN (1);
CREATE FOREIGN TABLE parted_far PARTITION OF parted FOR VALUES IN (2) SERVER files OPTIONS (program 'echo 2');
\set ECHO all
SELECT * FROM read UNION ALL TABLE parted ORDER BY 1;
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $s$CREATE FOREIGN TABLE new (id integer) SERVER files OPTIONS (program 'echo 3');
TABLE new;
TABLE read;
DO 'BEGIN PERFORM FROM read; END';
TRUNCATE read;
ANALYZE read;
INSERT INTO parted VALUES (1);
INSERT INTO parted VALUES (2);
ALTER FOREIGN TABLE read ADD note text$s$;
\set ECHO all
SELECT statement, command, rows, error FROM cmig.dry_run();
DROP TABLE parted;
DROP EXTENSION file_fdw CASCADE;

-- a cursor of the caller
BEGIN;
DECLARE held CURSOR FOR SELECT generate_series(1, 9);
FETCH held;
UPDATE cmig.revision SET upgrade_sql = $s$DO $$ DECLARE c refcursor := 'held'; BEGIN CLOSE c; END $$$s$;
SELECT statement, error FROM cmig.dry_run();
UPDATE cmig.revision SET upgrade_sql = $s$DO $$ DECLARE c refcursor := 'held'; BEGIN MOVE c; END $$; DECLARE own CURSOR FOR SELECT 1; FETCH own; CLOSE own$s$;
SELECT statement, error FROM cmig.dry_run();
FETCH held;
ROLLBACK;

-- long names in the reason
\set ECHO none
SELECT repeat('"', 63) AS name \gset
CREATE SCHEMA :"name";
CREATE TABLE :"name".:"name" (id integer);
INSERT INTO :"name".:"name" VALUES (1);
UPDATE cmig.revision SET upgrade_sql = format('LOCK TABLE %I.%I', repeat('"', 63), repeat('"', 63));
\set ECHO all
SELECT regexp_replace(error, '"+', 'name', 'g') AS error FROM cmig.dry_run(max_table_size => 0);

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA :"name" CASCADE;
DROP MATERIALIZED VIEW m;
DROP LANGUAGE regress_untrusted CASCADE;
DROP OPERATOR FAMILY compared USING btree;
DROP FUNCTION lock_in_body(), own_lock(bigint), own_add(integer, integer);
DROP TABLE t, watched;
DROP EXTENSION pg_cmig;
