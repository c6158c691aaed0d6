--
-- How a script is divided into statements, and the errors if that is impossible
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\pset null '(null)'

CREATE TABLE target (n int, t text);
-- run a script as a revision, and show the context of an error
CREATE PROCEDURE run_script(script text) LANGUAGE plpgsql AS $$
DECLARE
	context text;
	detail text;
	hint text;
BEGIN
	DELETE FROM cmig.version;
	DELETE FROM cmig.revision;
	INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', script);
	PERFORM cmig.upgrade();
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE WARNING '% %', SQLSTATE, SQLERRM
		USING DETAIL = concat_ws(E'\n', nullif(detail, ''), 'HINT: ' || nullif(hint, ''),
			split_part(context, E'\nSQL statement', 1));
END
$$;
\set SHOW_CONTEXT never
\set ECHO all

-- semicolons that do not end a statement
CALL run_script($script$
-- a comment; with a semicolon
;;
INSERT INTO target VALUES (1, ';'), (2, E'\';'), (3, $$;$$), (4, $a$;$$;$a$);
INSERT INTO target VALUES (5, 'it''s;'), (6, U&'\003B;'), (7, /* ; /* ; */ ; */ 'a'
	-- ;
	';b');
CREATE TABLE ";" (";" int);
DROP TABLE ";"; ;
CREATE RULE twice AS ON DELETE TO target DO ALSO
	(INSERT INTO target VALUES (8, 'rule'); INSERT INTO target VALUES (9, 'rule'));
DELETE FROM target WHERE n = 7;
DROP RULE twice ON target /* the end */;
DO $do$ BEGIN INSERT INTO target VALUES (10, 'do'); END $do$; -- no more
$script$);
SELECT * FROM target ORDER BY n;

-- bodies of functions: CASE and END, also as names and as labels without AS
CALL run_script($script$
CREATE FUNCTION f1(a int DEFAULT 1) RETURNS int BEGIN ATOMIC
	SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 3 END ELSE 4 END;
	SELECT 5 AS end;
	SELECT 6 AS case;
	SELECT 7;
END;
CREATE OR REPLACE FUNCTION f2() RETURNS int BEGIN ATOMIC SELECT 1 end; SELECT 2 case; END;
CREATE FUNCTION f3() RETURNS int BEGIN ATOMIC SELECT 1 case; SELECT 2 case; SELECT 3; END;
CREATE PROCEDURE p1() BEGIN ATOMIC DELETE FROM target; INSERT INTO target VALUES (11, 'procedure'); END;
CREATE FUNCTION f4() RETURNS void BEGIN ATOMIC END;
CREATE FUNCTION f5() RETURNS int RETURN 8;
CALL p1();
INSERT INTO target SELECT 12, concat_ws(',', f1(), f2(), f3(), f5());
CREATE TABLE atomic (begin int);
$script$);
SELECT * FROM target ORDER BY n;
DROP TABLE atomic;

-- empty scripts
CALL run_script('');
CALL run_script(E'\n -- nothing\n/* at all */ ; ;');

-- strings are read in one way, whatever the settings of the session are
-- from PostgreSQL 19 on, it is always on
SELECT current_setting('server_version_num')::int < 190000 AS can_be_off \gset
\if :can_be_off
SET standard_conforming_strings = off;
\endif
SET backslash_quote = off;
CALL run_script($script$
INSERT INTO target VALUES (13, 'on\'); INSERT INTO target VALUES (14, E'it\'s; on');
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'backslash_quote' OR name = 'standard_conforming_strings' AND current_setting('server_version_num')::int < 190000;
INSERT INTO target VALUES (15, 'on\'); DO 'BEGIN INSERT INTO target VALUES (16, ''on\''), (17, E''it\''s on''); END';
RESET ALL;
INSERT INTO target VALUES (18, 'on\'); DO 'BEGIN INSERT INTO target VALUES (19, ''on\''); END';
$script$);
SELECT * FROM target WHERE n > 12 ORDER BY n;
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', $$SELECT 'a\'; DROP TABLE target; --'$$);
SELECT rule, statement, message FROM cmig.lint() WHERE rule ~ 'drop';
SELECT revision, locks FROM cmig.plan();
RESET standard_conforming_strings;
RESET backslash_quote;
CALL run_script('SET standard_conforming_strings = on; SET standard_conforming_strings TO DEFAULT; SET LOCAL standard_conforming_strings = ''true''');
CALL run_script($script$SELECT 1; SET standard_conforming_strings = off; SELECT 'a\'; DROP TABLE target; --'$script$);
CALL run_script($script$SET SESSION "Standard_conforming_Strings" TO 0$script$);
CALL run_script($script$CREATE FUNCTION old() RETURNS text LANGUAGE plpgsql SET standard_conforming_strings = off AS $$BEGIN RETURN 'a\'; END$$$script$);
CALL run_script($script$ALTER FUNCTION old SET standard_conforming_strings = false$script$);
CALL run_script($script$CREATE FUNCTION new() RETURNS text LANGUAGE plpgsql SET standard_conforming_strings FROM CURRENT AS $$BEGIN RETURN 'a\'; END$$$script$);
SELECT new(), proconfig FROM pg_proc WHERE proname = 'new';
DROP FUNCTION new;
SELECT * FROM cmig.diff('SET standard_conforming_strings = off;');

-- text that cannot be parsed: the statement and the line
CALL run_script(E'SELECT 1;\n\nSELECT 1 +;\nSELECT 2;');
CALL run_script(E'SELECT 1;\nSELECT 1\n  FORM x;');
CALL run_script(E'SELECT (1;\nSELECT 2;');
CALL run_script(E'SELECT 1);\nSELECT 2;');
CALL run_script(E'SELECT 1;\nSELECT ''a;\nSELECT 2;');
CALL run_script(E'SELECT 1;\nSELECT $$a;\nSELECT 2;');
CALL run_script(E'SELECT 1;\nSELECT "a;\nSELECT 2;');
CALL run_script(E'SELECT 1;\nSELECT /* a;\nSELECT 2;');
CALL run_script(E'SELECT 1;\n/* a;\nSELECT 2;');
CALL run_script(E'CREATE FUNCTION f6() RETURNS int BEGIN ATOMIC SELECT 1 +; END;');
CALL run_script(E'CREATE FUNCTION f6() RETURNS int BEGIN ATOMIC SELECT 1;\nSELECT 2;');
CALL run_script(E'SELECT 1a;');
-- after a multibyte character
CALL run_script(E'SELECT 1;\nSELECT ''\u00e4\u00f6\u00fc'', 1 +;');

-- text that the server's scanner would take long for, and could not be canceled
\set VERBOSITY terse
CALL run_script('SELECT 1' || repeat('/*', 20000));
CALL run_script('SELECT 1' || repeat('/*', 20000) || repeat('*/', 20000) || '+ 1');
CALL run_script('SELECT 1' || repeat('+/**/', 20000) || '1');
CALL run_script('SELECT 1' || repeat('+-', 20000) || '1');
BEGIN;
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, upgrade_sql) VALUES ('001', 'SELECT 1;' || repeat('/*', 20000)), ('002', 'SELECT 1' || repeat('+-', 20000) || '1');
SELECT problem FROM cmig.check() WHERE problem ~ 'cannot run' ORDER BY 1;
ROLLBACK;
-- the same in an argument
CREATE TABLE long_texts (n int);
CALL cmig.backfill('long_texts', 'n = 1' || repeat('+-', 20000) || '1');
CALL cmig.backfill('long_texts', 'n = 1', 'n = 1' || repeat('/*', 20000));
CALL cmig.add_check('long_texts', 'positive', 'n > 1' || repeat('+-', 20000) || '1');
DROP TABLE long_texts;
-- and text for which it would not
CALL run_script('/' || repeat('*', 20000) || '/ SELECT 1; SELECT length(''' || repeat('/*', 20000) || ''') -- ' || repeat('/*+-', 20000));
\set VERBOSITY default

-- psql's own commands
CALL run_script(E'SELECT 1;\n\\i other.sql\nSELECT 2;');
CALL run_script(E'\\set ON_ERROR_STOP 1\nSELECT 2;');
CALL run_script(E'SELECT 1 \\gset\n');
CALL run_script(E'\\copy target from x.csv\n');
CALL run_script(E'\\restrict abc\nSELECT 1;');
CALL run_script(E'\\timing');
CALL run_script(E'SELECT ''it\\''s'';\n');
CALL run_script(E'SELECT 1 \\ 2;\n');
CALL run_script(E'INSERT INTO target VALUES (15, ''before'');\nCOPY target FROM stdin;\n1\ta\n\\.\n');
SELECT * FROM target WHERE n = 15;

\set ECHO none
DROP FUNCTION f1, f2, f3, f4, f5;
DROP PROCEDURE p1, run_script;
DROP TABLE target;
DROP EXTENSION pg_cmig;
