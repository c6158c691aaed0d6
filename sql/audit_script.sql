--
-- The trigger of cmig.audit_script() runs with the privileges of its owner, so no code of a type's
-- owner may run in it.
--
\set VERBOSITY default
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_audit_types;
CREATE SCHEMA types AUTHORIZATION regress_audit_types;
SET SESSION AUTHORIZATION regress_audit_types;
CREATE TYPE types.mood AS ENUM ('ok', 'bad');
CREATE FUNCTION types.mood_to_json(types.mood) RETURNS json LANGUAGE plpgsql
AS $$ BEGIN RAISE WARNING 'this must not run here'; RETURN '1'; END $$;
CREATE CAST (types.mood AS json) WITH FUNCTION types.mood_to_json(types.mood);
CREATE TABLE types.feeling (id int PRIMARY KEY, moods types.mood[]);
CREATE TABLE types.plain (id int PRIMARY KEY, n int);
RESET SESSION AUTHORIZATION;

SELECT cmig.audit_script('types.feeling') AS feeling, cmig.audit_script('types.plain') AS plain \gset
DROP EXTENSION pg_cmig CASCADE;
:feeling
:plain
SET SESSION AUTHORIZATION regress_audit_types;
INSERT INTO types.plain VALUES (1, 1);
\set VERBOSITY sqlstate
INSERT INTO types.feeling VALUES (1, '{ok}');
\set VERBOSITY default
DROP CAST (types.mood AS json);
INSERT INTO types.feeling VALUES (1, '{ok}');
RESET SESSION AUTHORIZATION;
SELECT operation, table_name, new_row FROM cmig_audit.log ORDER BY id;

-- columns to hide, and those of the key, are followed when they are renamed; a column that was
-- dropped is not replaced by another one of the same name
CREATE EXTENSION pg_cmig;
CREATE TABLE types.person (id int PRIMARY KEY, name text, card text, noise text, gone text);
CREATE TABLE types.known (id int PRIMARY KEY, name text, card text, noise text);
CREATE TABLE types.parted (noise text, id int PRIMARY KEY, card text) PARTITION BY LIST (id);
CREATE TABLE types.part (card text, id int NOT NULL, noise text);
ALTER TABLE types.parted ATTACH PARTITION types.part DEFAULT;
SELECT cmig.audit_script('types.person', redact => '{card}', exclude => '{noise}') AS person,
	cmig.audit_script('types.known', include => '{name}', redact => '{card}') AS known,
	cmig.audit_script('types.parted', redact => '{card}', exclude => '{noise}') AS parted \gset
DROP EXTENSION pg_cmig;
:person
:known
:parted
CREATE VIEW types.entries AS SELECT table_name, operation, row_key, new_row FROM cmig_audit.log WHERE id > (SELECT max(id) - 1 FROM cmig_audit.log);
ALTER TABLE types.person RENAME id TO number;
ALTER TABLE types.person RENAME card TO credit_card;
ALTER TABLE types.person RENAME noise TO card;
ALTER TABLE types.person DROP COLUMN gone;
INSERT INTO types.person VALUES (1, 'Miller', 'shown to nobody', 'excluded');
SELECT * FROM types.entries;
ALTER TABLE types.known ADD COLUMN added text;
INSERT INTO types.known VALUES (1, 'Miller', '4111', 'noise', 'added');
SELECT * FROM types.entries;
ALTER TABLE types.parted RENAME card TO credit_card;
INSERT INTO types.parted VALUES ('noise', 1, '4111');
SELECT * FROM types.entries;
ALTER TABLE types.person DROP COLUMN credit_card;
ALTER TABLE types.person ADD COLUMN credit_card text;
INSERT INTO types.person VALUES (2, 'Miller', 'excluded', '4111');
-- in a copy, in which columns have other numbers, the first columns must have the same names
CREATE TABLE types.copy (id int PRIMARY KEY, name text, card text, noise text, added text);
SELECT replace(pg_get_triggerdef(oid), ' ON types.known', ' ON types.copy') AS copied FROM pg_trigger WHERE tgrelid = 'types.known'::regclass AND tgname = 'cmig_audit_row' \gset
:copied;
INSERT INTO types.copy VALUES (1, 'Miller', '4111', 'noise', 'added');
SELECT * FROM types.entries;
ALTER TABLE types.copy RENAME card TO credit_card;
ALTER TABLE types.copy RENAME noise TO card;
INSERT INTO types.copy VALUES (2, 'Miller', '4111', 'noise', 'added');

DROP SCHEMA cmig_audit, types CASCADE;
DROP ROLE regress_audit_types;
