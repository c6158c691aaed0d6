--
-- What is logged does not depend on the session's output settings
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
\set ECHO all

-- the session's output settings neither round what is logged nor make it ambiguous
CREATE TABLE printed (id bytea PRIMARY KEY, f double precision, fs real[], r tstzrange, i interval, by bytea, born date, seen timestamptz);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('printed', hash => '{born,seen}');
\set ECHO none
SET TimeZone = 'UTC';
INSERT INTO printed VALUES ('\x00ff', 123456.789, '{1.2345678}', '[2024-01-01 00:00+00,2024-02-01 00:00+00)', '1 mon -2 days 3 hours', '\x00', '2024-02-03', '2024-02-03 12:00+00');
SET extra_float_digits = -15;
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET bytea_output = 'escape';
UPDATE printed SET f = 123456.788;
SET TimeZone = 'Asia/Kolkata';
UPDATE printed SET f = 123456.787;
\set ECHO all
SHOW extra_float_digits;
SELECT count(*) FROM cmig.audit_history('printed', '{"id": "\\x00ff"}');
RESET extra_float_digits; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; RESET bytea_output; SET TimeZone = 'UTC';
SELECT operation, row_key, new_row - '{born,seen}'::text[] AS new_row FROM cmig.audit_history('printed', '\x00ff');
SELECT count(DISTINCT new_row->'born') AS born, count(DISTINCT new_row->'seen') AS seen FROM cmig_audit.log WHERE table_name = 'printed';
SELECT f, fs, r FROM cmig.audit_as_of(NULL::printed, (SELECT min(clock_at) FROM cmig_audit.log WHERE table_name = 'printed'));
DROP TABLE printed;

-- each setting is pinned, also if it is the only one that differs
CREATE TABLE alone (id integer PRIMARY KEY, f double precision, r tstzrange, d interval, b bytea);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('alone');
\set ECHO none
INSERT INTO alone VALUES (1, 0.1::double precision + 0.2, '[2024-02-03 00:00+00,2024-03-04 00:00+00)', '1 mon -2 days 3 hours', '\x00ff');
CREATE PROCEDURE with_setting(text, text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config($1, $2, true);
	UPDATE alone SET id = id + 1;
END $$;
\set ECHO all
CALL with_setting('extra_float_digits', '0');
CALL with_setting('DateStyle', 'German');
CALL with_setting('IntervalStyle', 'iso_8601');
CALL with_setting('bytea_output', 'escape');
SELECT new_row->>'id' AS id, new_row - 'id' = first_value(new_row - 'id') OVER (ORDER BY seq) AS same FROM cmig_audit.log WHERE table_name = 'alone' ORDER BY seq;
SELECT new_row FROM cmig_audit.log WHERE table_name = 'alone' ORDER BY seq LIMIT 1;
\set ECHO none
DROP TABLE alone;
DROP PROCEDURE with_setting;

-- a cast to json runs as the table's owner only if the type's owner has that role's privileges
CREATE ROLE regress_audit_table;
CREATE ROLE regress_audit_type;
CREATE SCHEMA typed;
GRANT USAGE, CREATE ON SCHEMA typed TO regress_audit_table, regress_audit_type;
SET ROLE regress_audit_type;
CREATE TYPE typed.color AS ENUM ('red', 'green');
CREATE FUNCTION typed.to_json(typed.color) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'cast as %', current_user;
	RETURN '"a color"';
END $$;
CREATE CAST (typed.color AS json) WITH FUNCTION typed.to_json(typed.color);
SET ROLE regress_audit_table;
CREATE TABLE typed.by_row (id integer PRIMARY KEY, c typed.color, cs typed.color[]);
CREATE TABLE typed.by_statement (id integer PRIMARY KEY, c typed.color);
RESET ROLE;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('typed.by_row', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('typed.by_statement');
INSERT INTO typed.by_row VALUES (1, 'red', '{green}');
INSERT INTO typed.by_statement VALUES (1, 'red');
ALTER TABLE typed.by_statement OWNER TO regress_audit_type;
UPDATE typed.by_statement SET c = 'green';
\set ECHO none
SELECT current_user = session_user AS myself;

-- a cast of the owner does not find functions by the search_path of the role that writes, nor do names of objects depend on it; with temporary objects, it runs as the role without privileges
CREATE ROLE regress_audit_writer;
CREATE SCHEMA lurking;
CREATE FUNCTION lurking.lower(text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING 'the writer''s function as %', current_user;
	RETURN 'forged';
END $$;
GRANT USAGE ON SCHEMA lurking, typed TO PUBLIC;
SET ROLE regress_audit_table;
CREATE TYPE typed.state AS ENUM ('ON', 'OFF');
CREATE FUNCTION typed.to_json(typed.state) RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN to_json(lower($1::text)); END $$;
CREATE CAST (typed.state AS json) WITH FUNCTION typed.to_json(typed.state);
CREATE TABLE typed.by_state (id integer PRIMARY KEY, s typed.state, c regclass);
GRANT SELECT, INSERT, UPDATE ON typed.by_state TO regress_audit_writer;
RESET ROLE;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('typed.by_state');
\set ECHO none
SET ROLE regress_audit_writer;
SET search_path = lurking, typed, pg_catalog;
SET quote_all_identifiers = on;
INSERT INTO typed.by_state VALUES (1, 'ON', 'by_state');
RESET quote_all_identifiers;
RESET search_path;
SET ROLE regress_audit_table;
CREATE OR REPLACE FUNCTION typed.to_json(typed.state) RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN (SELECT to_json(n) FROM labels); END $$;
SET ROLE regress_audit_writer;
CREATE TEMP VIEW labels AS SELECT lurking.lower('x') AS n;
GRANT SELECT ON labels TO PUBLIC;
\set ECHO all
UPDATE typed.by_state SET s = 'OFF';
RESET ROLE;
SELECT operation, new_row FROM cmig_audit.log WHERE table_name = 'by_state' ORDER BY seq;
DROP VIEW labels;
DROP SCHEMA lurking CASCADE;

-- old entries can be moved while all tables are published
\set ECHO none
SET client_min_messages = error;
CREATE PUBLICATION regress_audit_all FOR ALL TABLES;
SET client_min_messages = warning;
INSERT INTO cmig_audit.log (seq, transaction_id, transaction_at, clock_at, row_hash, table_id, command_id, operation, schema_name, table_name)
	VALUES (0, '0', '2020-01-01', '2020-01-01', 0, 0, 0, 'TRUNCATE', 'x', 'x');
\set ECHO all
CALL cmig.audit_retain(NULL);
SELECT tableoid::regclass, operation FROM cmig_audit.log WHERE table_id = 0;
\set ECHO none
DROP PUBLICATION regress_audit_all;

SET client_min_messages = error;
DROP SCHEMA typed, cmig_audit CASCADE;
DROP ROLE regress_audit_table, regress_audit_type, regress_audit_writer;
DROP EXTENSION pg_cmig CASCADE;
