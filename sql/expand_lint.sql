--
-- cmig.lint and the header "expand"
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET cmig.lint_ignore = 'require-lock-timeout,require-statement-timeout,prefer-robust-stmts,prefer-single-alter-table';
SET cmig.lint_small_table = 0;
CREATE TABLE person (id int PRIMARY KEY, name text, age text NOT NULL);
INSERT INTO person SELECT i, 'a b', i FROM generate_series(1, 1000) i;
ANALYZE person;
\set ECHO all
SELECT cmig.create_revision('side by side', $$ALTER TABLE person ADD first_name text NOT NULL;
-- cmig:up person.first_name = split_part(name, ' ', 1)
ALTER TABLE person ALTER age TYPE bigint;
-- cmig:up person.age = age::bigint
ALTER TABLE person RENAME name TO full_name;
ALTER TABLE person ALTER full_name SET NOT NULL, ALTER age DROP NOT NULL;
ALTER TABLE person DROP full_name;
ALTER TABLE person RENAME TO people;$$, '-- not now', revision => '001', expand => true);
SELECT statement, line, rule, severity FROM cmig.lint() ORDER BY 1, 3;
SET cmig.lint_policy = 'error';
BEGIN;
SELECT * FROM cmig.upgrade();
ROLLBACK;
SELECT item, severity, regexp_replace(value, '\d+ kB(.*), free: .*', 'x kB\1') AS value, hint FROM cmig.preflight() WHERE item = 'expand';

-- the same without the header, for one statement, for none
SELECT cmig.remove_revision('001');
SELECT cmig.create_revision('one after the other', $$ALTER TABLE person ADD first_name text NOT NULL;
ALTER TABLE person ALTER age TYPE bigint USING age::bigint;
ALTER TABLE person RENAME name TO full_name;
ALTER TABLE person ALTER full_name SET NOT NULL, ALTER age DROP NOT NULL;
ALTER TABLE person DROP full_name;
ALTER TABLE person RENAME TO people;$$, '-- not now', revision => '001');
SELECT statement, line, rule, severity FROM cmig.lint() ORDER BY 1, 3;
SELECT message, safe_rewrite FROM cmig.lint() WHERE rule = 'prefer-expand';
SELECT cmig.upgrade();
SELECT cmig.remove_revision('001');
SELECT cmig.create_revision('one', $$-- cmig:ignore ban-drop-column
ALTER TABLE person DROP age;
ALTER TABLE person RENAME name TO full_name;$$, '-- not now', revision => '001');
SELECT rule, message, safe_rewrite FROM cmig.lint() WHERE rule = 'prefer-expand';
SET cmig.lint_ignore = 'renaming-column';
SELECT rule FROM cmig.lint() WHERE rule ~ 'expand|renaming';
SELECT rule FROM cmig.lint_sql('ALTER TABLE person RENAME name TO full_name') WHERE rule ~ 'expand';
-- other errors remain
RESET cmig.lint_ignore;
SELECT cmig.remove_revision('001');
SELECT cmig.create_revision('others', 'CREATE INDEX ON person (name); DROP TABLE person', '-- not now', revision => '001', expand => true);
SELECT rule, severity FROM cmig.lint() WHERE severity = 'error';
-- expand builds indexes and adds keys in another way
SELECT cmig.remove_revision('001');
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE VIEW grown AS SELECT age FROM person;
CREATE INDEX person_name ON person (name);
SELECT cmig.create_revision('keys', $$ALTER TABLE person ADD UNIQUE (name);
-- cmig:up person.name = name || id
ALTER TABLE person ADD FOREIGN KEY (name) REFERENCES person (name);
DROP INDEX person_name;
ALTER TABLE person ADD n serial;
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
DROP VIEW grown;$$, '-- not now', revision => '001', expand => true);
SELECT statement, rule, severity FROM cmig.lint() WHERE rule ~ 'unique|foreign|index|auto|enum|view' ORDER BY 1, 2;
SELECT cmig.remove_revision('001');
SELECT cmig.create_revision('keys', $$ALTER TABLE person ADD n serial;
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
DROP VIEW grown;$$, '-- not now', revision => '001');
SELECT message FROM cmig.lint() WHERE rule = 'prefer-expand';
\set ECHO none
DROP VIEW grown;
DROP TYPE mood;

DROP TABLE person;
DROP EXTENSION pg_cmig;
