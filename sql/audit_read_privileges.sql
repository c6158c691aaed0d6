--
-- Reading the audit log does not run the code of a type's owner with the reader's privileges
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE ROLE regress_audit_maker;
CREATE ROLE regress_audit_reader;
SELECT current_user AS superuser \gset
CREATE SCHEMA app AUTHORIZATION regress_audit_maker;
GRANT USAGE ON SCHEMA app, cmig TO regress_audit_reader, regress_audit_maker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_audit_reader, regress_audit_maker;

-- a role's types with code in them: a check that finds out as whom it runs and tries to keep that role, and a cast to json
SET ROLE regress_audit_maker;
CREATE FUNCTION app.say(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	RAISE WARNING '% as %', what, CASE current_user WHEN 'regress_audit_maker' THEN 'the table''s owner'
		WHEN 'regress_audit_reader' THEN 'the reader' ELSE 'somebody else' END;
	PERFORM set_config('search_path', 'app, pg_catalog', false);
	IF current_setting('app.try', true) = 'on' THEN
		BEGIN
			EXECUTE 'SET ROLE regress_audit_reader';
			RAISE WARNING 'became the reader';
		EXCEPTION WHEN insufficient_privilege THEN NULL;
		END;
	END IF;
END $$;
CREATE FUNCTION app.look(v text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM app.say('check'); RETURN v <> ''; END $$;
CREATE DOMAIN app.word AS text CHECK (app.look(VALUE));
CREATE TYPE app.pair AS (a app.word, b integer);
CREATE TYPE app.color AS ENUM ('red', 'blue');
CREATE FUNCTION app.shown(c app.color) RETURNS json LANGUAGE plpgsql AS $$BEGIN PERFORM app.say('cast'); RETURN '"' || c::text || '"'; END $$;
SET client_min_messages = error;
CREATE TABLE app.words (w app.word PRIMARY KEY, p app.pair, ws app.word[]);
CREATE TABLE app.colors (c app.color PRIMARY KEY, n integer);
RESET ROLE;
ALTER TABLE app.words OWNER TO regress_audit_maker;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.words');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.colors');
\set ECHO none
GRANT USAGE ON SCHEMA cmig_audit TO regress_audit_reader, regress_audit_maker;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout, app.words, app.colors TO regress_audit_reader, regress_audit_maker;
SET ROLE regress_audit_maker;
INSERT INTO app.words VALUES ('a', ('b', 1), '{c}');
INSERT INTO app.colors VALUES ('red', 1);
CREATE CAST (app.color AS json) WITH FUNCTION app.shown(app.color);
RESET ROLE;
RESET search_path;
SELECT clock_timestamp() AS before \gset
SET ROLE regress_audit_maker;
UPDATE app.words SET p = ('bb', 2);
RESET ROLE;
RESET search_path;
SET client_min_messages = warning;

-- a superuser reads: the checks run as the owner, and leave nothing behind
SET app.try = on;
\set ECHO all
\set VERBOSITY terse
SELECT * FROM cmig.audit_as_of(NULL::app.words, :'before');
SELECT current_user = :'superuser' AS same_user, current_setting('search_path') AS search_path;
SELECT operation, row_key FROM cmig.audit_history('app.words', 'a');
SELECT column_name, old_value, new_value FROM cmig.audit_diff('app.words', 'a', :'before');
SELECT current_user = :'superuser' AS same_user, current_setting('search_path') AS search_path;
SET ROLE regress_audit_reader;
SELECT * FROM cmig.audit_as_of(NULL::app.words, :'before');
SELECT count(*) FROM cmig.audit_as_of(NULL::app.words, :'before', 'a');
RESET ROLE;
RESET app.try;
-- a value that the check no longer accepts is an error
SET ROLE regress_audit_maker;
CREATE OR REPLACE FUNCTION app.look(v text) RETURNS boolean LANGUAGE sql AS $$SELECT v <> 'b'$$;
RESET ROLE;
SELECT * FROM cmig.audit_as_of(NULL::app.words, :'before');

-- a cast is called for a whole table, in the query: only with its owner's privileges
\set VERBOSITY sqlstate
SELECT * FROM cmig.audit_as_of(NULL::app.colors, :'before');
SET ROLE regress_audit_reader;
SELECT * FROM cmig.audit_as_of(NULL::app.colors, :'before');
SET ROLE regress_audit_maker;
\set VERBOSITY terse
SELECT count(*) FROM cmig.audit_as_of(NULL::app.colors, :'before');
RESET ROLE;
RESET search_path;
-- also for a key given as text, as the table's owner
SELECT operation, row_key FROM cmig.audit_history('app.colors', 'red');
\set VERBOSITY sqlstate
-- a key of the type itself would be built with the caller's privileges
SELECT operation, row_key FROM cmig.audit_history('app.colors', 'red'::app.color);
SELECT * FROM cmig.audit_diff('app.colors', 'red'::app.color, :'before');
\set VERBOSITY terse
-- settings made by a cast while a superuser writes to the table do not remain
INSERT INTO app.colors VALUES ('blue', 2);
DELETE FROM app.colors WHERE c = 'blue';
SELECT current_user = :'superuser' AS same_user, current_setting('search_path') AS search_path;
-- blanks belong to a key of type char
CREATE TABLE app.codes (code char(4) PRIMARY KEY);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('app.codes');
INSERT INTO app.codes VALUES ('ab');
SELECT operation, row_key FROM cmig.audit_history('app.codes', 'ab');

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA app, cmig_audit CASCADE;
DROP EXTENSION pg_cmig CASCADE;
DROP ROLE regress_audit_maker, regress_audit_reader;
