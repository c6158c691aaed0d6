--
-- What an error in a script reports: the revision, the statement, and the line
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE TABLE account (id int PRIMARY KEY, email text CONSTRAINT has_at CHECK (email LIKE '%@%'));
INSERT INTO cmig.revision (revision) VALUES ('001');
\set ECHO all

-- errors at run time
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$
-- the lines of a comment count

INSERT INTO account VALUES (1, 'a@example.com');

INSERT INTO account
VALUES (2, 'nobody');
$$;
\set ECHO all
SELECT * FROM cmig.upgrade();
-- the server's detail, hint, code, and constraint name are kept
\set VERBOSITY terse
DO $$
DECLARE
	detail text;
	name text;
BEGIN
	PERFORM cmig.upgrade();
EXCEPTION WHEN check_violation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, name = CONSTRAINT_NAME;
	RAISE WARNING '% % % %', SQLSTATE, SQLERRM, detail, name;
END
$$;

-- the statement is shown without its indentation and comments, and with strings as they are
UPDATE cmig.revision SET upgrade_sql = E'\n\n\tINSERT INTO\taccount\n\t\t(id,   email)  -- both\n\tVALUES\n\t\t(3, /* why */ ''no   at\there''  )\n\t;\n';
\set VERBOSITY default
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = E'DO $$\nBEGIN\n    RAISE   division_by_zero;\nEND\n$$';
SELECT * FROM cmig.upgrade();

-- a syntax error: the line is that of its position
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$
SELECT 1;
CREATE TABLE other (
	id int,
	name txt NOT NUL
);
$$;
\set ECHO all
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nCREATE TABEL other (id int);\nSELECT 2;';
SELECT * FROM cmig.upgrade();
-- an error of parse analysis
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1; SELECT\n  email,\n  nmae\nFROM account';
SELECT * FROM cmig.upgrade();
-- multi-byte characters before the position
UPDATE cmig.revision SET upgrade_sql = E'SELECT ''\u00e4\u00f6\u00fc \U0001F600'',\n ''\u00df'' AS gr\u00fc\u00dfe, nix';
SELECT * FROM cmig.upgrade();
-- unterminated strings
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nSELECT ''abc;\n';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = E'SELECT 1;\nDO $x$ BEGIN END;\n';
SELECT * FROM cmig.upgrade();

-- inside a function, its own context comes first
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$CREATE FUNCTION fail() RETURNS int LANGUAGE plpgsql AS $f$
BEGIN
	RAISE EXCEPTION 'out of cheese' USING HINT = 'Redo from start.', DETAIL = 'It is gone.', ERRCODE = 'ZZ123';
END
$f$;
SELECT fail();$$;
\set ECHO all
SELECT * FROM cmig.upgrade();
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$CREATE FUNCTION fail() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
	EXECUTE 'SELECT nix';
END
$f$;
SELECT fail();$$;
\set ECHO all
SELECT * FROM cmig.upgrade();

-- a long statement is shortened to one line
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = 'INSERT INTO account VALUES (3, ''c@example.com''),
	(4, ''d@example.com''),
' || (SELECT string_agg(format('	(%s, ''x@example.com'')', i), E',\n') FROM generate_series(5, 400) i) || ',
	(3, ''again@example.com'')';
\set ECHO all
SELECT * FROM cmig.upgrade();
-- around the position, if there is one
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1,
' || (SELECT string_agg(format('	%s AS column_number_%s', i, i), E',\n') FROM generate_series(1000, 1600) i) || ',
	nix,
' || (SELECT string_agg(format('	%s AS column_number_%s', i, i), E',\n') FROM generate_series(1000, 1600) i);
\set VERBOSITY terse
\set ECHO all
SELECT * FROM cmig.upgrade();
DO $$
DECLARE
	context text;
BEGIN
	PERFORM cmig.upgrade();
EXCEPTION WHEN undefined_column THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RAISE WARNING '%', split_part(context, E'\n', 1);
END
$$;

-- downgrade
UPDATE cmig.revision SET upgrade_sql = '', downgrade_sql = E'SELECT 1;\nDROP TABLE nix;';
SELECT count(*) FROM cmig.upgrade();
\set VERBOSITY default
SELECT * FROM cmig.downgrade('base');
\set ECHO none
UPDATE cmig.revision SET downgrade_sql = '';
SELECT count(*) FROM cmig.downgrade('base');

-- an enum value cannot be used before it is committed
UPDATE cmig.revision SET upgrade_sql = $$
ALTER TYPE mood ADD VALUE 'ok';
INSERT INTO feeling VALUES ('ok');
$$;
CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE feeling (m mood);
SELECT * FROM cmig.upgrade();

-- the time limit of a statement, not of the run; a script can change it
UPDATE cmig.revision SET upgrade_sql = $$
SELECT pg_sleep(0.2);
SELECT pg_sleep(0.2);
SET statement_timeout = '5s';
SELECT pg_sleep(0.6);
$$;
SET statement_timeout = '500ms';
\set ECHO all
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.downgrade('base');
\set ECHO none
UPDATE cmig.revision SET upgrade_sql = $$
SELECT 1;
SELECT pg_sleep(60);
$$;
\set ECHO all
SELECT * FROM cmig.upgrade();
\set ECHO none
RESET statement_timeout;
UPDATE cmig.revision SET upgrade_sql = $$
SET statement_timeout = '50ms';
SELECT pg_sleep(60);
$$;
\set ECHO all
SELECT * FROM cmig.upgrade();
-- the caller's own limit applies again afterwards
UPDATE cmig.revision SET upgrade_sql = 'SET statement_timeout = 0';
SET statement_timeout = '200ms';
SELECT pg_sleep(60) FROM cmig.upgrade();
RESET statement_timeout;
SELECT pg_sleep(0.3);

-- objects that already exist: only if the first statement fails may all of them exist
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE account (id int); CREATE TABLE other (id int)', downgrade_sql = 'CREATE TABLE account (id int)';
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = 'CREATE TABLE other (id int); CREATE TABLE account (id int)';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET upgrade_sql = 'SELECT 1', verify_sql = 'CREATE TABLE account (id int)';
SELECT * FROM cmig.upgrade();
UPDATE cmig.revision SET verify_sql = NULL;
SELECT cmig.stamp('001');
SELECT * FROM cmig.downgrade('base');
SELECT cmig.stamp('base');

-- read-only transactions
BEGIN READ ONLY;
SELECT * FROM cmig.upgrade();
ROLLBACK;
SELECT revision FROM cmig.current();

\set ECHO none
DROP EXTENSION pg_cmig;
DROP TABLE account, feeling;
DROP TYPE mood;
