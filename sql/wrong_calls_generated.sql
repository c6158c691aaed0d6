--
-- Every function and procedure is called with no arguments, with too many, and with a
-- first argument of a wrong type.  Each call works or fails with an error of pg_cmig, which
-- has a hint that can be run, or with an error of the server for the reasons given here.
-- sql/wrong_calls.sql shows the messages.
--
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;
CREATE TABLE x (id integer PRIMARY KEY);
SELECT count(*) > 0 AS audited FROM cmig.enable_audit('x');
SELECT cmig.create_revision('first', 'CREATE TABLE first ()', 'DROP TABLE first', revision => '001');

-- the outcome of a call, which is rolled back
CREATE FUNCTION outcome(call text, OUT state text, OUT message text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call;
	RAISE SQLSTATE 'OK000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
END $$;
-- the number of arguments that are accepted: a variadic variant is for calls with more
CREATE TEMP TABLE function AS
SELECT proname AS name, bool_or(prokind = 'p') AS is_procedure,
	max(pronargs) FILTER (WHERE provariadic = 0) AS arguments, bool_or(provariadic <> 0) AS is_variadic,
	CASE WHEN bool_or(prokind = 'p') THEN 'CALL cmig.' ELSE 'SELECT * FROM cmig.' END || proname || '(' AS call
FROM pg_proc
WHERE pronamespace = 'cmig'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) AND proname <> 'ddl_event'
GROUP BY proname;
CREATE TEMP TABLE result AS
SELECT f.name, f.is_variadic, c.what, f.call || c.arguments || ')' AS call, o.*
FROM function f,
	LATERAL (VALUES ('no arguments', ''),
		('too many', array_to_string(array_fill('NULL::text'::text, ARRAY[f.arguments + 1]), ', ')),
		('too many', array_to_string(array_fill('1'::text, ARRAY[f.arguments + 1]), ', ')),
		('too many', array_to_string(array_fill('''x'''::text, ARRAY[f.arguments + 1]), ', ')),
		('literal', '''x'''), ('null', 'NULL'), ('text', '''x''::text'), ('number', '1'), ('array', 'ARRAY[''x'']')) c (what, arguments),
	outcome(f.call || c.arguments || ')') o
WHERE f.arguments > 0 OR c.what IN ('no arguments', 'too many');
-- none is ambiguous, and none fails in a way that nobody expects
SELECT call, state, message FROM result WHERE state ~ '^(42725|42804|XX|P0)' ORDER BY call;

\pset format unaligned
\pset tuples_only on
-- no arguments: pg_cmig's own answer, except for set_option, for which the server's says enough
SELECT call, state, message FROM result WHERE what = 'no arguments' AND (state = '42883' OR (state <> 'OK000' AND hint = ''))
ORDER BY name;
-- too many arguments: pg_cmig's answer for the functions that are often typed by hand, and the
-- server's for the others: they have so many arguments that these are passed by name; for the
-- context, application roles would need one more privilege; and with another variant of load,
-- GRANT on it would need the list of arguments
SELECT string_agg(DISTINCT name, ' ' ORDER BY name) FROM result WHERE what = 'too many' AND state <> '42883';
-- the direction of a plan is a text
SELECT call, state, message FROM result WHERE what = 'too many' AND is_variadic AND (state NOT LIKE '22%' OR hint = '') ORDER BY call;
-- a text or an untyped literal: all but an interval and a boolean accept it
SELECT string_agg(name, ' ' ORDER BY name) FROM result WHERE what IN ('literal', 'text', 'null') AND state = '42883';
-- an untyped literal that is no value of the type: the message of the server says which
SELECT what, call, state, message FROM result WHERE what IN ('literal', 'null') AND state IN ('22P02', '22007') ORDER BY call;
-- a number: pg_cmig's answer if the first argument is a revision, a number of steps, a key, or a
-- table, which can be passed as its OID; the server's for other texts
SELECT string_agg(name, ' ' ORDER BY name) FROM result WHERE what = 'number' AND state <> '42883';
-- an array: pg_cmig's answer if several are accepted, or if a variant for any type does not make
-- an untyped literal ambiguous
SELECT string_agg(name, ' ' ORDER BY name) FROM result WHERE what = 'array' AND state <> '42883';

-- the hints that are commands can be run: the call in a hint exists
CREATE TEMP TABLE hinted AS
SELECT DISTINCT h.command, o.state, o.message FROM result r,
	LATERAL (SELECT replace(replace((regexp_match(r.hint, '(?:SELECT|CALL) [^;]*cmig\.\w+\([^;]*\)'))[1], '<target_sql>', 'CREATE TABLE y ()'), 'NULL::<table>', 'NULL::x') AS command) h,
	outcome(h.command) o
WHERE h.command IS NOT NULL;
SELECT count(*) > 20 AS many FROM hinted;
SELECT command, state, message FROM hinted WHERE state ~ '^(42601|42883|42725|42804)' ORDER BY command;

DROP FUNCTION outcome;
DROP TABLE x;
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
