--
-- Downgrades of revisions with the header "expand" that have no downgrade section
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.load($x$
-- revision: 001
-- message: People
-- cmig:upgrade
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL UNIQUE CHECK (name <> ''), age text, email text NOT NULL, zip text DEFAULT 'none' NOT NULL);
CREATE INDEX person_lower ON person (lower(name));
CREATE TABLE account (id int PRIMARY KEY, person int NOT NULL REFERENCES person);
-- cmig:downgrade
DROP TABLE account, person;

-- revision: 002
-- down_revision: 001
-- message: First names
-- expand: true
-- cmig:upgrade
ALTER TABLE person ADD COLUMN first_name text NOT NULL CHECK (first_name <> ''), ADD last_name text COLLATE "C" NOT NULL;
-- cmig:up person.first_name = split_part(name, ' ', 1)
-- cmig:up person.last_name = split_part(name, ' ', 2)
ALTER TABLE person DROP COLUMN name, DROP zip;
-- cmig:down person.name = first_name || ' ' || last_name
ALTER TABLE person ALTER age TYPE integer, ALTER id TYPE bigint, ALTER email DROP NOT NULL;
-- cmig:up person.age = age::int
-- cmig:down person.age = 'age ' || age
-- cmig:down person.email = coalesce(email, 'none')
ALTER TABLE account RENAME TO owner;
ALTER TABLE owner RENAME person TO who;
ALTER TABLE owner RENAME who TO person_id;
ALTER TABLE owner ALTER COLUMN person_id TYPE bigint;

-- revision: 003
-- down_revision: 002
-- message: Rename
-- expand: true
-- cmig:upgrade
ALTER TABLE owner RENAME person_id TO "Person";
$x$);
\set ECHO all
SELECT cmig.upgrade('001');
INSERT INTO person SELECT i, 'First' || i || ' Last' || i, i::text, 'mail', 'zip' FROM generate_series(1, 3) i;
INSERT INTO account SELECT 10 * i, i FROM generate_series(1, 3) i;
SELECT * FROM cmig.upgrade();
UPDATE person SET email = NULL WHERE id = 2;
SELECT revision, irreversible FROM cmig.history();
SELECT revision, field, value FROM cmig.history() h, cmig.show(h.revision) WHERE field = 'reversible';
SELECT substring(cmig.script('downgrade', '002:001') FROM 'SET row_security = off;\n(.*)RESET SESSION') AS script;
SELECT step, revision, irreversible FROM cmig.plan('downgrade', '001');
SELECT * FROM cmig.downgrade('001');
SELECT * FROM person ORDER BY id;
SELECT * FROM account ORDER BY id;
SELECT * FROM cmig.drift();
SELECT * FROM cmig.round_trip();
\d person

-- with the checksum of the plan
UPDATE person SET age = 3;
SELECT cmig.upgrade();
\set ECHO none
SELECT plan_checksum FROM cmig.plan('downgrade', '002') LIMIT 1 \gset
SELECT * FROM cmig.downgrade('002', plan_checksum => :'plan_checksum');

-- committed step by step
CALL cmig.downgrade_stepwise('001');
SELECT * FROM person ORDER BY id;

-- what would be lost, or cannot be computed
CREATE FUNCTION reverts(script text, expand boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	d text;
	h text;
	c text;
BEGIN
	PERFORM cmig.remove_revision('003');
	PERFORM cmig.remove_revision('002');
	PERFORM cmig.create_revision('x', script, revision => '002', expand => expand);
	PERFORM cmig.upgrade();
	PERFORM cmig.downgrade('-1');
	RAISE SQLSTATE 'XX123' USING MESSAGE = 'reverted', DETAIL = (SELECT string_agg(p::text || a, ' ' ORDER BY p.id) FROM person p JOIN account a ON a.person = p.id);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, c = PG_EXCEPTION_CONTEXT;
	RETURN concat_ws(E'\n', sqlstate || ': ' || sqlerrm, d, h, (regexp_match(c, 'pg_cmig: [^\n]*'))[1]);
END $$;
\set ECHO all
SELECT reverts(s) FROM unnest(ARRAY[
	'DROP TABLE account',
	'ALTER TABLE person DROP email',
	E'ALTER TABLE person DROP email;\n-- cmig:down person.email = NULL',
	E'ALTER TABLE person DROP email;\n-- cmig:down public.person.email = age || id',
	'ALTER TABLE person DROP age; CREATE TABLE shop (id int); ALTER TABLE person DROP zip; CREATE VIEW names AS SELECT name FROM person',
	E'CREATE TYPE mood AS ENUM (''ok''); ALTER TABLE person ADD mood mood DEFAULT ''ok'', DROP zip;\n-- cmig:down person.zip = mood',
	E'ALTER TABLE person ALTER age TYPE int USING length(age);\n-- cmig:down person.age = ''about '' || age',
	E'ALTER TABLE account ALTER id TYPE text;\n-- cmig:down account.id = 100 + id::int']) s;
SELECT reverts('ALTER TABLE person DROP age', false);
-- what looks like a rename is no question, because lines say what it is
SET client_min_messages = notice;
\set VERBOSITY sqlstate
SELECT reverts(E'ALTER TABLE person DROP email, ADD mail text;\n-- cmig:up person.mail = email\n-- cmig:down person.email = mail');
\set VERBOSITY default

DROP TABLE person, account;
DROP FUNCTION reverts;
DROP EXTENSION pg_cmig;

-- labels of enums get their old names back in the rows
CREATE EXTENSION pg_cmig;
SELECT cmig.create_revision('Moods', $$CREATE TYPE mood AS ENUM ('ok', 'bad');
CREATE TABLE day (id int PRIMARY KEY, mood mood DEFAULT 'bad', moods mood[])$$, '', revision => '001');
SELECT cmig.create_revision('Other labels', $$ALTER TYPE mood RENAME VALUE 'bad' TO 'x';
ALTER TYPE mood RENAME VALUE 'ok' TO 'it''s bad';
ALTER TYPE mood RENAME VALUE 'x' TO 'ok';
ALTER TYPE mood ADD VALUE 'fine'$$, revision => '002', expand => true);
SELECT * FROM cmig.upgrade('001');
INSERT INTO day VALUES (1, DEFAULT, '{ok,bad}');
SELECT * FROM cmig.upgrade();
INSERT INTO day VALUES (2, DEFAULT, '{"it''s bad",ok}');
SELECT * FROM day ORDER BY id;
SELECT cmig.script('downgrade', '002:001', version_table => NULL);
SELECT * FROM cmig.downgrade('001');
SELECT * FROM day ORDER BY id;
SELECT cmig.remove_revision('002');

-- arrays of enums are converted by name
-- a new table has no foreign key to a key that will be replaced
SELECT cmig.create_revision('More labels', $$ALTER TYPE mood ADD VALUE 'fine' BEFORE 'bad';
ALTER TABLE day ALTER id TYPE bigint;
CREATE TABLE note (day bigint REFERENCES day)$$, revision => '002', expand => true);
SET client_min_messages = warning;
CALL cmig.expand();
SELECT phase, statement FROM cmig.expansion_step WHERE statement ~ 'note_day_fkey' ORDER BY position;
SELECT min(position) FILTER (WHERE relation <> '') > max(position) FILTER (WHERE phase = 'prepare' AND statement ~ 'note_day_fkey') AS at_once FROM cmig.expansion_step;
INSERT INTO public_002.day VALUES (3, 'ok', '{ok,bad}');
CALL cmig.contract();
SELECT id, mood, moods FROM day ORDER BY id;

\set ECHO none
DROP TABLE note, day;
DROP TYPE mood;
DROP EXTENSION pg_cmig;
