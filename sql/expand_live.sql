-- Two versions at once: what an expansion creates belongs to no schema that is looked at, and is known whatever its name is.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

SELECT * FROM cmig.load($c$
-- revision: 001
-- message: start
-- cmig:upgrade
CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, age int);
CREATE TABLE visit (id int PRIMARY KEY, person_id int REFERENCES person, at date) PARTITION BY RANGE (id);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (10);
-- cmig:downgrade
DROP TABLE visit, person;

-- revision: 042
-- down_revision: 001
-- message: full names
-- expand: true
-- cmig:upgrade
ALTER TABLE person ADD COLUMN first_name text NOT NULL;
-- cmig:up person.first_name = split_part(name, ' ', 1)
ALTER TABLE person ADD COLUMN last_name text NOT NULL CHECK (last_name <> '-');
-- cmig:up person.last_name = split_part(name, ' ', 2)
ALTER TABLE person DROP COLUMN name;
-- cmig:down person.name = first_name || ' ' || last_name
CREATE INDEX person_last ON person (last_name);
CREATE INDEX person_age ON person (age);
ALTER TABLE visit ALTER COLUMN person_id TYPE bigint;
CREATE INDEX visit_person ON visit (person_id);
CREATE TABLE badge (id int PRIMARY KEY, person int CONSTRAINT badge_person REFERENCES person);
-- cmig:downgrade
$c$);
\set ECHO all
SELECT count(*) FROM cmig.upgrade('001');
INSERT INTO person (name, age) VALUES ('Ada Lovelace', 36), ('Alan Turing', 41);
INSERT INTO visit VALUES (1, 1), (2, 2);
SELECT cmig.schema_sql() AS before \gset
CALL cmig.expand();

-- no look at the live schema sees it
SELECT cmig.schema_sql() = :'before' AS same;
SELECT action, kind, object FROM cmig.drift();
SELECT action, kind, object FROM cmig.diff(:'before');
SELECT action, kind, object FROM cmig.diff(:'before', exclude => ARRAY['public.visit*']);
SELECT action, kind, object, hazard FROM cmig.diff(replace(:'before', 'name text NOT NULL', 'name varchar NOT NULL'));
SELECT action, kind, object FROM cmig.diff_schemas('public', 'public');
SELECT revision, differences, examples FROM cmig.locate() ORDER BY 2 LIMIT 1;

-- a target is what the revisions create, to which the expanded one belongs
SET client_min_messages = notice;
\set target 'CREATE TABLE person (id serial PRIMARY KEY, age int, first_name text NOT NULL, last_name text NOT NULL CHECK (last_name <> ''-'')); CREATE TABLE visit (id int PRIMARY KEY, person_id bigint REFERENCES person, at date) PARTITION BY RANGE (id); CREATE TABLE badge (id int PRIMARY KEY, person int CONSTRAINT badge_person REFERENCES person); CREATE INDEX person_last ON person (last_name); CREATE INDEX person_age ON person (age); CREATE INDEX visit_person ON visit (person_id)'
\set VERBOSITY sqlstate
SELECT cmig.require_schema(:'target');
SELECT * FROM cmig.autogenerate('none', :'target');
SELECT content ~ 'cmig_|person|visit' AS expansion, content ~ 'CREATE TABLE public.badge2' AS new FROM cmig.autogenerate('more', :'target' || '; CREATE TABLE badge2 (i int)');
SET client_min_messages = warning;

-- what was changed by hand is seen
ALTER TABLE person ADD byhand int;
CREATE VIEW seen AS SELECT cmig_new_first_name FROM person;
SELECT action, kind, object FROM cmig.drift();
SELECT content ~ 'byhand' AS byhand, content ~ 'cmig_state|badge' AS expansion FROM cmig.capture('by hand');
DROP VIEW seen;
ALTER TABLE person DROP byhand;

-- nor if it was renamed
ALTER TABLE visit RENAME cmig_new_person_id TO renamed;
SELECT action, kind, object FROM cmig.drift();
SELECT cmig.schema_sql() = :'before' AS same;
ALTER TABLE visit RENAME renamed TO cmig_new_person_id;

-- without its row, as after a dump without data, it is an error
SELECT object FROM cmig.check() WHERE severity = 'error';
BEGIN;
DELETE FROM cmig.expansion_step;
DELETE FROM cmig.expansion_run;
SELECT severity, object, problem, fix FROM cmig.check() WHERE severity = 'error';
SELECT count(*) FROM cmig.status() WHERE item = 'error';
SAVEPOINT s;
\set VERBOSITY default
SELECT cmig.stamp('042');
ROLLBACK TO s;
SELECT * FROM cmig.upgrade();
ROLLBACK TO s;
SELECT error FROM cmig.dry_run('upgrade', 'head');
ROLLBACK TO s;
SELECT fix FROM cmig.check() WHERE severity = 'error' \gexec
SELECT severity, object FROM cmig.check() WHERE severity = 'error';
SELECT action, kind, object FROM cmig.drift();
ROLLBACK;

-- what was renamed is taken back, too, and no name is left of a hidden column
\set ECHO none
CREATE INDEX hand ON person (cmig_new_first_name);
CREATE INDEX ON person (cmig_new_last_name, age);
ALTER TABLE person ADD CONSTRAINT cmig_new_hand CHECK (age > 0);
ALTER TABLE person RENAME cmig_state TO s;
ALTER TABLE person RENAME cmig_new_first_name TO a;
ALTER TABLE person RENAME cmig_new_last_name TO b;
ALTER INDEX cmig_new_person_age RENAME TO elsewhere;
ALTER INDEX cmig_new_person_last RENAME TO last;
\set ECHO all
CALL cmig.abandon();
SELECT attname FROM pg_attribute WHERE attrelid = 'person'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT action, kind, object FROM cmig.drift();
ALTER TABLE person DROP CONSTRAINT cmig_new_hand;
CALL cmig.expand();
\set ECHO none
CREATE INDEX hand ON person (cmig_new_first_name);
CREATE INDEX ON person (cmig_new_last_name, age);
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM (10) TO (20);
ALTER TABLE person ADD CONSTRAINT cmig_new_hand CHECK (age > 0);
ALTER TABLE person RENAME cmig_state TO s;
ALTER TABLE person RENAME cmig_new_first_name TO a;
ALTER TABLE person RENAME cmig_new_last_name TO b;
ALTER TABLE visit RENAME cmig_new_person_id TO c;
ALTER INDEX cmig_new_person_age RENAME TO elsewhere;
ALTER INDEX cmig_new_person_last RENAME TO last;
\set ECHO all
CALL cmig.contract();
\t
SELECT * FROM person ORDER BY id;
\t
SELECT conrelid::regclass, conname FROM pg_constraint WHERE conrelid::regclass::text ~ 'person|visit' AND contype <> 'n' ORDER BY 1, 2;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid::regclass::text ~ 'person|visit' ORDER BY indexrelid::regclass::text;
ALTER TABLE person DROP CONSTRAINT hand;
DROP INDEX hand, person_last_name_age_idx;
SELECT action, kind, object FROM cmig.drift() WHERE object !~ 'visit_2';
SELECT cmig.require_schema(:'target');

-- the activity says what runs, and nothing offers to fill a hidden column with cmig.backfill
\set ECHO none
SELECT * FROM cmig.load($c$
-- revision: 043
-- down_revision: 042
-- message: age
-- expand: true
-- cmig:upgrade
CREATE FUNCTION told(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', (SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()); RETURN $1; END';
ALTER TABLE person ALTER COLUMN age TYPE bigint;
ALTER TABLE badge DROP CONSTRAINT badge_person, ADD CONSTRAINT badge_person FOREIGN KEY (person) REFERENCES person ON DELETE CASCADE;
CREATE TABLE pin (id int PRIMARY KEY);
CREATE INDEX person_told ON person (told(age)) WHERE id = 1;
-- cmig:downgrade
$c$);
SET client_min_messages = notice;
\set ECHO all
CALL cmig.expand('043');
UPDATE cmig.backfill_run SET state = 'running' WHERE target = 'public.person';
SELECT item, hint FROM cmig.status() WHERE item IN ('backfill', 'expanded');
-- nor does it, if it is typed
CALL cmig.backfill('person', 'cmig_state = NULL', 'cmig_state = ''todo''');
CALL cmig.backfill('person', 'cmig_new_age = age', 'cmig_new_age IS NULL');
CALL cmig.backfill('person', 'age = age + 1', 'age < 0');
-- the schema from and to which another one differs
CREATE SCHEMA empty;
SELECT action, kind, object FROM cmig.diff_schemas('empty', 'public') WHERE object !~ 'visit' ORDER BY 2, 3;
SELECT action, kind, object FROM cmig.diff_schemas('public', 'empty') WHERE object !~ 'visit' ORDER BY 2, 3;
DROP SCHEMA empty;
-- a constraint without a hidden column
ALTER TABLE badge RENAME CONSTRAINT cmig_new_badge_person TO elsewhere;
CALL cmig.abandon();
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'badge'::regclass AND contype = 'f';
SELECT count(*) FROM cmig.backfill_run WHERE state <> 'done';
DROP TABLE person, visit, badge;
DROP EXTENSION pg_cmig;
