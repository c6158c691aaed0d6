-- The audit log of expanded tables: one entry for each write, without hidden columns.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET timezone = 'UTC';

SELECT * FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, age text, secret text, cmig_state_of_mind text, cmig_new_leaf text);
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE loose (a text, b text);
CREATE TABLE scripted (id int PRIMARY KEY, a text);
-- cmig:downgrade
-- revision: 042
-- down_revision: 001
-- message: names
-- expand: true
-- cmig:upgrade
ALTER TABLE person ALTER COLUMN id TYPE bigint;
ALTER TABLE person ALTER COLUMN age TYPE int USING age::int;
ALTER TABLE person ALTER COLUMN secret TYPE varchar;
ALTER TABLE person ADD COLUMN first text NOT NULL, ADD COLUMN hint text;
-- cmig:up person.first = split_part(name, ' ', 1)
-- cmig:up person.hint = left(secret, 1)
ALTER TABLE person DROP COLUMN name;
-- cmig:down person.name = first || ' X'
ALTER TABLE person ADD COLUMN extra text;
ALTER TABLE plain ADD COLUMN note text;
ALTER TABLE loose ADD COLUMN c text;
-- cmig:up loose.c = a || b
ALTER TABLE scripted ALTER COLUMN a TYPE varchar;
-- cmig:downgrade
$c$);
\set ECHO all
SELECT revision FROM cmig.upgrade('001');

-- a trigger that does not know of hidden columns is refused
\set ECHO none
SELECT cmig.audit_script('scripted') AS script \gset
SET client_min_messages = error;
:script;
RESET client_min_messages;
\set ECHO all
CALL cmig.expand();
SET client_min_messages = warning;
DROP TRIGGER cmig_audit_row ON scripted;
DROP TRIGGER cmig_audit_truncate ON scripted;

-- the first of these triggers fires ALWAYS, so the backfill fires it
SELECT count(*) FROM cmig.enable_audit('person', redact => '{secret}', replicated => true);
SELECT count(*) FROM cmig.enable_audit('plain');
SELECT count(*) FROM cmig.enable_audit('loose', skip_unchanged => false);
\set ECHO none
INSERT INTO person VALUES (1, 'A B', '5', 's1', 'calm', 'new'), (2, 'C D', '6', 's2', NULL, NULL);
INSERT INTO plain VALUES (1);
INSERT INTO loose VALUES ('a', 'b'), ('c', 'd');
SELECT max(id) AS before FROM cmig_audit.log \gset
SELECT clock_timestamp() AS t0 \gset
\set ECHO all
CALL cmig.expand();
-- the rows were filled
SELECT count(*) FROM cmig_audit.log WHERE id > :before;
\set ECHO none
SELECT clock_timestamp() AS t1 \gset

-- both builds, each operation
INSERT INTO person VALUES (3, 'E F', '8', 's3');
INSERT INTO public_042.person (id, age, secret, first) VALUES (4, 9, 's4', 'G');
UPDATE person SET age = '10' WHERE id = 2;
UPDATE public_042.person SET age = 11 WHERE id = 2;
-- only the new version has the column
UPDATE public_042.person SET extra = 'e' WHERE id = 2;
\set ECHO all
-- no other statement may set a hidden column, whether it is computed or not
UPDATE person SET cmig_new_extra = 'f' WHERE id = 2;
INSERT INTO person (id, name, cmig_new_extra) VALUES (6, 'K', 'f');
INSERT INTO person (id, name, cmig_new_age) VALUES (6, 'K', 6);
-- not by filling, which names the state alone
\set ECHO none
UPDATE person SET cmig_state = NULL, name = 'C E' WHERE id = 2;
UPDATE person SET cmig_state = NULL WHERE id = 2;
-- nothing changes
UPDATE person SET age = age;
UPDATE public_042.person SET age = age, extra = extra;
INSERT INTO public_042.person (id, age, first) VALUES (4, 9, 'H') ON CONFLICT (id) DO UPDATE SET first = EXCLUDED.first;
SELECT clock_timestamp() AS t2 \gset
DELETE FROM public_042.person WHERE id = 3;
DELETE FROM person WHERE id = 1;
INSERT INTO public_042.plain VALUES (2, 'n');
UPDATE public_042.plain SET note = 'm' WHERE id = 1;
UPDATE loose SET b = 'B' WHERE a = 'a';
UPDATE public_042.loose SET c = 'C' WHERE a = 'c';
\set ECHO all
SELECT table_name, operation, row_key, old_row, new_row, changed FROM cmig_audit.log WHERE id > :before ORDER BY id;
SELECT id, name, age, secret FROM cmig.audit_as_of(NULL::person, :'t1') ORDER BY id;
SELECT a, b FROM cmig.audit_as_of(NULL::loose, :'t1') ORDER BY 1;

-- a replaced column keeps its history, its place in the key, and its options;
-- what is computed from a redacted column is redacted, too
CALL cmig.contract();
SELECT target, options FROM cmig.audit_status('public') WHERE level IS NOT NULL;
UPDATE person SET age = 12 WHERE id = 2;
INSERT INTO person (id, first, secret, hint) VALUES (5, 'I', 's5', 'h');
UPDATE plain SET note = 'k' WHERE id = 1;
SELECT operation, row_key, old_row, new_row, changed FROM cmig.audit_history('person', 2);
SELECT operation, row_key, old_row, new_row, changed FROM cmig.audit_history('person', 5);
SELECT operation, old_row, new_row FROM cmig.audit_history('plain', 1);
SELECT * FROM cmig.audit_as_of(NULL::person, now()) ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t2') ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t1') ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t0') ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t1', 2);
SELECT * FROM cmig.audit_as_of(NULL::loose, :'t0') ORDER BY 1;
SELECT count(*) FROM cmig_audit.log WHERE log::text ~ 'cmig_(state"|new_[^l])' OR new_row ->> 'secret' ~ '^s';

-- abandoned: as before
\set ECHO none
SELECT * FROM cmig.load($c$
-- revision: 043
-- down_revision: 042
-- message: ages
-- expand: true
-- cmig:upgrade
ALTER TABLE person ALTER COLUMN age TYPE bigint;
ALTER TABLE person RENAME TO people;
-- cmig:downgrade
$c$);
\set ECHO all
CALL cmig.expand();
UPDATE public_043.people SET age = 13 WHERE id = 2;
CALL cmig.abandon();
UPDATE person SET age = 14 WHERE id = 2;
SELECT operation, changed, new_row FROM cmig_audit.log WHERE table_name = 'person' ORDER BY id DESC LIMIT 2;
CALL cmig.expand();
CALL cmig.contract();
UPDATE people SET age = 15 WHERE id = 2;
SELECT count(*) FROM cmig.audit_history('people', 2);
SELECT target, options FROM cmig.audit_status('public') WHERE level IS NOT NULL;
SELECT id, age, secret, first, hint, extra FROM cmig.audit_as_of(NULL::people, :'t1') ORDER BY id;

-- a name and a default hide nothing, nor does a trigger's name
CREATE TABLE sly (id int PRIMARY KEY, cmig_new_bribe text DEFAULT cmig.expansion_unset(NULL::text), cmig_state text DEFAULT 'todo');
CREATE FUNCTION expansion_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "~cmig_write" BEFORE INSERT ON sly FOR EACH ROW EXECUTE FUNCTION expansion_write('cmig_state', '', '', 'u', 'cmig_new_bribe', 'bribe', 'NULL');
SELECT count(*) FROM cmig.enable_audit('sly');
INSERT INTO sly VALUES (1, '100', 'rich');
UPDATE sly SET cmig_new_bribe = '200';
SELECT operation, changed, new_row FROM cmig_audit.log WHERE table_name = 'sly' ORDER BY id;
-- a trigger does, and audit_status says so, whether an expansion is recorded or not
CREATE TRIGGER "~cmig_hide" BEFORE UPDATE ON sly FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write('cmig_state', 'a.id', '', 'u', 'id', 'x', 'NULL');
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.sly';
INSERT INTO cmig.expansion_run (scope, revision, revisions, schemas, columns, checksum) VALUES ('', '043', '{043}', '{public}', '[["", "a.id"]]', '');
SELECT problem FROM cmig.audit_status('public') WHERE target = 'public.sly';
DELETE FROM cmig.expansion_run;
CREATE TABLE keyless (cmig_new_bribe text, note text);
SELECT count(*) FROM cmig.enable_audit('keyless');
INSERT INTO keyless VALUES ('100', 'rich');
SELECT clock_timestamp() AS t3 \gset
UPDATE keyless SET note = 'poor';
SELECT * FROM cmig.audit_as_of(NULL::keyless, :'t3');
\set ECHO none
DROP TABLE sly, keyless;
DROP FUNCTION expansion_write();

SET client_min_messages = error;
DROP TABLE people, plain, loose, scripted;
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig CASCADE;
