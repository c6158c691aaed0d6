--
-- A superuser calls cmig.plan and cmig.lint.  These functions do not run code
-- that another role has added to its objects.  Such code advances a sequence.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_inspect_hostile;
CREATE SCHEMA hostile AUTHORIZATION regress_inspect_hostile;
SET SESSION AUTHORIZATION regress_inspect_hostile;
CREATE SEQUENCE hostile.calls;
CREATE FUNCTION hostile.note() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	PERFORM nextval('hostile.calls');
	RETURN true;
END $$;
CREATE TABLE hostile.t (id integer, name text, tags text[]);
INSERT INTO hostile.t SELECT i, 'x' FROM generate_series(1, 5000) i;
CREATE DOMAIN hostile.checked AS text CHECK (hostile.note() AND VALUE <> '');
CREATE DOMAIN hostile.on_checked AS hostile.checked;
CREATE DOMAIN hostile.not_null AS text NOT NULL;
CREATE DOMAIN hostile.plain AS text;
CREATE DOMAIN hostile.with_default AS text DEFAULT hostile.note()::text;
RESET SESSION AUTHORIZATION;
ALTER SEQUENCE hostile.calls RESTART;

-- lint and plan know that the constraints of a domain are checked, without
-- calling the functions in them
CREATE FUNCTION rules(script text) RETURNS text LANGUAGE sql AS $$
SELECT string_agg(rule, ', ' ORDER BY rule) FROM cmig.lint_sql(script) WHERE rule NOT LIKE 'require-%-timeout'
$$;
SELECT s AS script, rules(s) FROM (VALUES
	('ALTER TABLE hostile.t ADD a hostile.checked'),
	('ALTER TABLE hostile.t ADD a hostile.on_checked'),
	('ALTER TABLE hostile.t ADD a hostile.not_null'),
	('ALTER TABLE hostile.t ADD a hostile.plain'),
	('ALTER TABLE hostile.t ADD a hostile.with_default'),
	('ALTER TABLE hostile.t ALTER name TYPE hostile.checked'),
	('ALTER TABLE hostile.t ALTER name TYPE hostile.on_checked USING name::hostile.on_checked'),
	('ALTER TABLE hostile.t ALTER tags TYPE hostile.checked[]'),
	('ALTER TABLE hostile.t ALTER name TYPE hostile.plain'),
	('CREATE TABLE u (a hostile.checked DEFAULT ''x'')')) v (s);
\set ECHO all
SELECT cmig.create_revision('Domains', $$ALTER TABLE hostile.t ADD a hostile.checked, ADD b hostile.on_checked DEFAULT 'x';
ALTER TABLE hostile.t ALTER name TYPE hostile.checked, ALTER tags TYPE hostile.checked[]$$, 'SELECT 1', revision => '001');
SELECT count(*) FROM cmig.plan();
SELECT count(*) > 0 AS found FROM cmig.lint();
\set ECHO none
SELECT is_called FROM hostile.calls;

-- strings nested deeply in a function's body are not searched, because this would take too long
SET check_function_bodies = off;
SET SESSION AUTHORIZATION regress_inspect_hostile;
DO $$
DECLARE
	opening text := '';
	closing text := '';
BEGIN
	FOR i IN 1..100 LOOP
		opening := opening || '$a' || i || '$ execute ';
		closing := '$a' || i || '$' || closing;
	END LOOP;
	EXECUTE format('CREATE FUNCTION hostile.deep() RETURNS integer LANGUAGE sql AS %L', 'execute ' || opening || 'UPDATE hostile.t SET name = 1' || closing);
END $$;
CREATE FUNCTION hostile.dynamic() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'EXECUTE $x$UPDATE hostile.t SET name = 1$x$';
END $$;
RESET SESSION AUTHORIZATION;
RESET check_function_bodies;
SELECT rule, message FROM cmig.lint_sql('ALTER TABLE hostile.t DROP COLUMN name') WHERE rule NOT LIKE 'require-%-timeout';

-- a name that no collation can have
SELECT rule FROM cmig.lint_sql('ALTER TABLE hostile.t ALTER name TYPE varchar COLLATE a.b.c.d') WHERE rule NOT LIKE 'require-%-timeout';

-- a child table that another session drops at the same time; here, an entry in
-- pg_inherits without a table has the same effect
DELETE FROM cmig.revision;
SET allow_system_table_mods = on;
INSERT INTO pg_inherits VALUES (1, 'hostile.t'::regclass, 1, false);
UPDATE pg_class SET relhassubclass = true WHERE oid = 'hostile.t'::regclass;
\set ECHO all
SELECT rule FROM cmig.lint_sql('ALTER TABLE hostile.t ADD a serial; TRUNCATE hostile.t; CREATE INDEX ON hostile.t (name)') WHERE rule NOT LIKE 'require-%-timeout' ORDER BY rule;
SELECT cmig.create_revision('Child', 'ALTER TABLE hostile.t ADD a integer', 'SELECT 1', revision => '001');
SELECT locks FROM cmig.plan();
\set ECHO none
DELETE FROM pg_inherits WHERE inhrelid = 1;
RESET allow_system_table_mods;

SET client_min_messages = error;
DROP SCHEMA hostile CASCADE;
DROP FUNCTION rules(text);
DROP ROLE regress_inspect_hostile;
DROP EXTENSION pg_cmig;
