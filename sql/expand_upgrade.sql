--
-- Revisions with the header "expand" in an upgrade: lines -- cmig:up fill columns where they stand
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.load($x$
-- revision: 001
-- message: People
-- cmig:upgrade
CREATE TABLE person (id int PRIMARY KEY, name text UNIQUE, age text, email text);
CREATE TABLE account (id int PRIMARY KEY, person int REFERENCES person);
-- cmig:downgrade
DROP TABLE account, person;

-- revision: 002
-- down_revision: 001
-- message: First names
-- expand: true
-- cmig:upgrade
ALTER TABLE person ADD COLUMN first_name text NOT NULL CHECK (first_name <> ''),
  ADD last_name text COLLATE "C" CONSTRAINT last_unique UNIQUE DEFERRABLE NOT NULL,
  ADD nick varchar(50) DEFAULT 'x', -- a comment, with a comma
  ALTER email SET NOT NULL,
  ADD CONSTRAINT c CHECK (email LIKE '%@%' AND first_name IS NOT NULL);
-- cmig:up person.first_name = split_part(name, ' ', 1)
-- cmig:up person.last_name = split_part(name, ' ', 2)
-- the email of all

-- cmig:up person.email = coalesce(email, 'none') || '@' || name
ALTER TABLE person DROP COLUMN name;
-- cmig:down person.name = first_name || ' ' || last_name
ALTER TABLE person ALTER age TYPE integer, ALTER id TYPE bigint;
-- cmig:up person.age = age::int + 1
ALTER TABLE account ADD COLUMN owner bigint NOT NULL REFERENCES person ON DELETE CASCADE, ADD COLUMN age int;
-- cmig:up account.owner = coalesce(person, 1)
-- cmig:up account.age = (SELECT p.age FROM person p WHERE p.id = person)
ALTER TABLE account ALTER person SET NOT NULL;
-- cmig:up account.person = coalesce(person, 1)
-- cmig:downgrade
ALTER TABLE account DROP owner, DROP age, ALTER person DROP NOT NULL;
ALTER TABLE person DROP CONSTRAINT c, ADD name text UNIQUE, ALTER age TYPE text, ALTER id TYPE int, ALTER email DROP NOT NULL;
UPDATE person SET name = first_name || ' ' || last_name;
ALTER TABLE person DROP first_name, DROP last_name, DROP nick;
$x$);
\set ECHO all
SELECT cmig.upgrade('001');
INSERT INTO person SELECT i, 'First' || i || ' Last' || i, i::text, CASE WHEN i > 2 THEN 'mail' END FROM generate_series(1, 3) i;
INSERT INTO account SELECT 10 * i, nullif(i, 2) FROM generate_series(1, 3) i;

-- what the lines become is what every tool sees: offline scripts, dry runs, plans
SELECT substring(cmig.script('upgrade', '001:002') FROM 'SET row_security = off;\n(.*)RESET SESSION') AS script;
SELECT statement, line, command, rows, rewrites, error FROM cmig.dry_run('upgrade', 'head') ORDER BY statement;
SELECT locks FROM cmig.plan('upgrade', 'head');
SELECT * FROM cmig.upgrade();
SELECT * FROM person ORDER BY id;
SELECT * FROM account ORDER BY id;
\d person
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'account'::regclass AND contype <> 'n' ORDER BY 1;
SELECT * FROM cmig.drift();
SELECT * FROM cmig.round_trip('002');
SELECT * FROM cmig.downgrade('001');
SELECT * FROM person ORDER BY id;

-- several revisions: each reads the columns of the one before
SELECT cmig.upgrade();
SELECT cmig.create_revision('Initials', $$ALTER TABLE person ADD initial "char" NOT NULL;
-- cmig:up person.initial = left(first_name, 1)::"char"$$, revision => '003', expand => true);
SELECT cmig.create_revision('Hash', $$ALTER TABLE public.person * ADD COLUMN IF NOT EXISTS key text PRIMARY KEY, DROP CONSTRAINT IF EXISTS person_pkey CASCADE;
-- cmig:up public.person.key = initial::text || id$$, revision => '004', expand => true);
SELECT * FROM cmig.upgrade();
SELECT key FROM person ORDER BY 1;
\d person

-- a column that a line reads is dropped after that
SELECT cmig.create_revision('Drops', $$ALTER TABLE person DROP nick;
ALTER TABLE person ADD alias text NOT NULL, DROP email, DROP COLUMN IF EXISTS none;
-- cmig:up person.alias = person.nick || length(email)$$, $$-- nothing$$, revision => '00d', expand => true);
SELECT substring(cmig.script('upgrade', '004:00d') FROM 'SET row_security = off;\n(.*)RESET SESSION') AS script;
BEGIN;
SELECT cmig.upgrade();
SELECT alias, to_jsonb(p) ? 'nick' AS nick FROM person p ORDER BY 1;
\set ECHO none
ROLLBACK;
SELECT cmig.remove_revision('00d');

-- what fails says where
CREATE FUNCTION fails(script text, transactional boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	d text;
	h text;
	c text;
BEGIN
	PERFORM cmig.create_revision('x', script, '', revision => '005', expand => true, transactional => transactional);
	PERFORM cmig.upgrade();
	RAISE SQLSTATE 'XX123' USING MESSAGE = 'nothing failed';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', sqlstate || ': ' || sqlerrm, d, h, (regexp_match(c, 'pg_cmig: [^\n]*'))[1]);
END $$;
SELECT fails(s) FROM unnest(ARRAY[
	'ALTER TABLE person ADD zip text NOT NULL',
	'ALTER TABLE public."person" ADD "Zip" text PRIMARY KEY',
	E'ALTER TABLE person ADD zip text NOT NULL;\n-- cmig:up person.zap = 1',
	E'ALTER TABLE person ADD zip text NOT NULL;\n-- cmig:up person.zip = NULL',
	E'ALTER TABLE person ADD zip text NOT NULL;\n\n-- cmig:up person.zip = zup',
	E'ALTER TABLE person ALTER age TYPE text USING age::text;\n-- cmig:up person.age = age::text',
	E'ALTER TABLE person ALTER age TYPE text;\n-- cmig:up person.age = (SELECT 1)',
	E'ALTER TABLE person ADD zip text NOT NULL;\nSELECT FRO M;\n-- cmig:up person.zip = 1',
	E'ALTER TABLE person ADD a int NOT NULL DEFAULT 1, ADD b int GENERATED ALWAYS AS (1) STORED NOT NULL, ADD c bigserial NOT NULL, ADD d int GENERATED ALWAYS AS IDENTITY NOT NULL',
	E'CREATE TABLE shop (id int); ALTER TABLE shop ADD name text NOT NULL']) s;
\set ECHO all

-- the constraints in all forms; what is left of a statement keeps its commas, and a statement of which nothing is left goes
SELECT cmig.create_revision('Forms', $$ALTER TABLE IF EXISTS ONLY (account) ALTER age SET NOT NULL, ADD a int DEFAULT 1 CONSTRAINT a_set NOT NULL, ADD UNIQUE (age, a), ADD b int[] DEFAULT ARRAY[1, 2];
ALTER TABLE account ADD c int CHECK (c > 0) NO INHERIT CONSTRAINT c_ref REFERENCES account (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED UNIQUE NULLS NOT DISTINCT DEFAULT 10;
ALTER TABLE account ALTER c SET NOT NULL, ADD CHECK (c < 100), ADD CHECK (b IS NOT NULL) NOT VALID;
ALTER TABLE account
  ADD CHECK (c > a), -- the last
  ADD EXCLUDE USING btree (c WITH =);
-- cmig:up account.a = 2
-- cmig:up public.account.c = account.id
-- cmig:up account.age = coalesce(age, 0) + id
SELECT count(*) FROM account WHERE c IS NULL;$$, '', revision => '005', expand => 'strict');
SELECT substring(cmig.script('upgrade', '004:005') FROM 'SET row_security = off;\n(.*)RESET SESSION') AS script;
SELECT cmig.script('upgrade', '004:005', version_table => NULL) ~ ';\s*;' AS semicolon_left;
SELECT * FROM cmig.upgrade();
\d account

-- each statement committed on its own, also when the run continues
SELECT cmig.create_revision('Alone', $$ALTER TABLE account ADD z int NOT NULL;
-- cmig:up account.z = CASE WHEN EXISTS (SELECT FROM gate) THEN id ELSE 1 / (id - id) END
CREATE INDEX CONCURRENTLY account_z ON account (z);$$, revision => '006', expand => true, transactional => false);
CREATE TABLE gate ();
CALL cmig.upgrade_stepwise('006');
SELECT statement, state FROM cmig.progress ORDER BY 1;
INSERT INTO gate DEFAULT VALUES;
CALL cmig.upgrade_stepwise('006');
SELECT z, a.attnotnull FROM account, pg_attribute a WHERE attrelid = 'account'::regclass AND attname = 'z' ORDER BY 1;
SELECT * FROM cmig.check() WHERE object ~ '00';
-- a column that gets NOT NULL: which ones the old build may leave null
CREATE TABLE demand (a int, b int, c int NOT NULL);
SELECT cmig.create_revision('Demand', E'ALTER TABLE demand ALTER a SET NOT NULL;\nALTER TABLE demand ALTER b SET NOT NULL;\n-- cmig:up demand.b = coalesce(b, 0)\nALTER TABLE demand ALTER c SET NOT NULL, ADD d int;\nALTER TABLE demand ALTER d SET NOT NULL', revision => '009', head => '006', splice => true, expand => true);
SELECT * FROM cmig.check() WHERE problem ~ 'refuse it';
DROP TABLE demand;
SELECT cmig.remove_revision('009');
-- rows written by hand, and what cmig.check finds
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, expand) VALUES
	('007', '{006}', E'CREATE TABLE other (id int);\nALTER TABLE other ADD x int NOT NULL;\nALTER TABLE account ADD "Y" int NOT NULL', 'true'),
	('008', '{007}', E'SELECT 1;\n-- cmig:up account', 'true');
SELECT * FROM cmig.check() WHERE object ~ '00[78]';
SELECT cmig.upgrade('007');
SELECT cmig.upgrade('008');

\set ECHO none
DROP TABLE person, account, gate;
DROP FUNCTION fails;
DROP EXTENSION pg_cmig;
