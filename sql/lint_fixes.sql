-- cmig.lint: each safe_rewrite can be run, and results in the same schema as the original
-- statement
\pset format unaligned \pset footer off
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;
SET lock_timeout = '2s';
SET statement_timeout = '5min';
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/lint_fix.psql'
\set transactional true
\set setup 'CREATE TABLE city (id bigint PRIMARY KEY, name text NOT NULL); CREATE TABLE big (id bigint NOT NULL, name text, "Odd, ""n" text DEFAULT \'a,b\', city_id bigint); INSERT INTO city SELECT g, g FROM generate_series(1, 20) g; INSERT INTO big SELECT g, g, g, g % 20 + 1 FROM generate_series(1, 500) g; CREATE INDEX big_name ON big (name); CREATE INDEX big_odd ON big ("Odd, ""n"); ANALYZE city, big;'

\set rule require-concurrent-index-creation
\set script 'CREATE /* index */ UNIQUE INDEX "big, id" ON big (id) INCLUDE (name) WHERE id > 0'
\set ECHO all
\i :include
\set script 'CREATE INDEX ON big (lower(name), (id + 1))'
\i :include

SET cmig.lint_small_table = 0;
\set rule changing-all-rows
\set script 'UPDATE /* SET */ city SET name = upper(name) || ''it''''s'''
\i :include
\set ECHO none
RESET cmig.lint_small_table;
\set rule require-concurrent-index-creation

\set plain :setup
\set setup 'CREATE TABLE part (id bigint NOT NULL, "a b" text) PARTITION BY RANGE (id); CREATE TABLE "part 1" PARTITION OF part FOR VALUES FROM (0) TO (100); CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200); INSERT INTO part SELECT g, g FROM generate_series(1, 150) g;'
\set script 'CREATE UNIQUE INDEX "part, i" ON /* here */ part USING btree (id, "a b") WITH (fillfactor = 70)'
\set ECHO all
\i :include
\set script 'CREATE INDEX ON part ("a b")'
\i :include

-- subpartitions, and names that are in use; what fails CONCURRENTLY
\set setup :setup ' CREATE TABLE part_3 PARTITION OF part FOR VALUES FROM (200) TO (300) PARTITION BY RANGE (id); CREATE TABLE part_3_a PARTITION OF part_3 FOR VALUES FROM (200) TO (250); CREATE TABLE "part_2_a b_idx" (); CREATE INDEX part_id ON part (id); CREATE TABLE empty (id bigint) PARTITION BY LIST (id);'
\i :include
\set rule ban-concurrently-on-partitioned-table
\set original 'CREATE INDEX later ON part ("a b") WHERE id > 0'
\set script 'CREATE INDEX CONCURRENTLY later ON part ("a b") WHERE id > 0'
\i :include
\set transactional false
\i :include
\set original 'CREATE INDEX ON empty (id)'
\set script 'CREATE INDEX CONCURRENTLY ON empty (id)'
\i :include
\set original 'DROP INDEX IF EXISTS part_id'
\set script 'DROP INDEX CONCURRENTLY IF EXISTS part_id'
\i :include
SET lock_timeout = 0;
\i :include
\set ECHO none
SET lock_timeout = '2s';
\set setup :setup ' CREATE TABLE rest PARTITION OF part DEFAULT;'
\set original 'ALTER TABLE part DETACH PARTITION part_2'
\set script 'ALTER TABLE part DETACH PARTITION part_2 CONCURRENTLY'
\set ECHO all
\i :include
\unset original
\set transactional true

-- several indexes, one of which is partitioned
\set rule require-concurrent-index-deletion
\set setup :plain ' CREATE TABLE part (id bigint) PARTITION BY LIST (id); CREATE INDEX part_id ON part (id);'
\set script 'DROP INDEX big_name, part_id'
\i :include
\set setup :plain

-- a partition that is a foreign table, or that the plan attaches: instructions
\set ECHO none
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nothing FOREIGN DATA WRAPPER nothing;
CREATE TABLE part (id bigint) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
INSERT INTO part VALUES (1);
\set ECHO all
SELECT safe_rewrite FROM cmig.lint_sql('CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2); CREATE INDEX CONCURRENTLY part_id ON part (id)', false) WHERE rule LIKE 'ban-concurrently%';
CREATE FOREIGN TABLE part_2 PARTITION OF part FOR VALUES IN (2) SERVER nothing;
SELECT safe_rewrite FROM cmig.lint_sql('CREATE INDEX CONCURRENTLY part_id ON part (id)', false) WHERE rule LIKE 'ban-concurrently%';
\set ECHO none
DROP FOREIGN DATA WRAPPER nothing CASCADE;
DROP TABLE part;

\set rule require-concurrent-index-deletion
\set script 'DROP INDEX big_name'
\set ECHO all
\i :include
\set script 'DROP INDEX IF EXISTS big_name, big_odd, nothing'
\i :include

\set rule require-concurrent-reindex
\set script 'REINDEX (VERBOSE false) TABLE big'
\i :include
\set script 'REINDEX INDEX big_name'
\i :include

\set rule adding-field-with-default
\set script 'ALTER TABLE big ADD COLUMN code uuid NOT NULL DEFAULT gen_random_uuid(), ALTER COLUMN name SET DEFAULT \'x,y\''
\i :include
\set script 'ALTER TABLE ONLY big ADD "c,d" text DEFAULT (\'a\' || random()::text) COLLATE "C"'
\i :include

\set rule adding-not-nullable-field
\set script 'ALTER TABLE big ALTER COLUMN "Odd, ""n" SET NOT NULL, ALTER name SET DEFAULT \'\', ADD extra text'
\i :include
\set script 'ALTER TABLE big ALTER name SET NOT NULL'
\i :include

\set rule constraint-missing-not-valid
\set script 'ALTER TABLE big ADD CONSTRAINT "id, positive" CHECK (id > 0 AND name NOT IN (\'a,b\', \'c\'))'
\i :include
\set script 'ALTER TABLE big ADD CHECK (id < 1000), ADD COLUMN x text'
\i :include
\set script 'ALTER TABLE big ADD COLUMN x bigint DEFAULT 1 CHECK (x > 0) NOT NULL'
\i :include

\set rule adding-foreign-key-constraint
\set script 'ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES city ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED'
\i :include
\set script 'ALTER TABLE big ADD COLUMN home bigint NOT NULL DEFAULT 1 REFERENCES city (id) ON UPDATE CASCADE'
\i :include

\set rule adding-serial-primary-key-field
\set script 'ALTER TABLE big ADD PRIMARY KEY (id, name)'
\i :include

\set rule primary-key-sets-not-null
\set setup :setup ' CREATE UNIQUE INDEX big_both ON big (name, id);'
\set script 'ALTER TABLE big ADD CONSTRAINT big_pk PRIMARY KEY USING INDEX big_both'
\i :include

\set rule disallowed-unique-constraint
\set script 'ALTER TABLE big ADD CONSTRAINT "u, n" UNIQUE NULLS NOT DISTINCT ("Odd, ""n", id) INCLUDE (name) DEFERRABLE'
\i :include
\set script 'ALTER TABLE big ADD UNIQUE (name), ADD y text'
\i :include
\set script 'ALTER TABLE big ADD COLUMN y text UNIQUE'
\i :include

\set rule prefer-single-alter-table
\set script 'ALTER TABLE big ADD y text; ALTER TABLE big ADD z text, ALTER y SET DEFAULT \'\''
\i :include

-- before PostgreSQL 19, CONCURRENTLY leaves a CHECK constraint, which is not compared
\set rule require-concurrent-partition-detach
\set setup 'CREATE TABLE parts (id bigint) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1); INSERT INTO parts VALUES (1);'
\set script 'ALTER TABLE parts DETACH PARTITION part_1'
\i :include

\set rule rewriting-table
\set setup 'CREATE TABLE base (id bigint); INSERT INTO base VALUES (1); CREATE MATERIALIZED VIEW summary AS SELECT * FROM base; CREATE UNIQUE INDEX ON summary (id);'
\set script 'REFRESH MATERIALIZED VIEW summary'
\i :include

\set rule ban-alter-domain-with-add-constraint
\set setup 'CREATE DOMAIN percent AS numeric; CREATE TABLE tax (rate percent); INSERT INTO tax VALUES (1);'
\set script 'ALTER DOMAIN percent ADD CONSTRAINT positive CHECK (VALUE > 0)'
\i :include

\set ECHO none
\set rule require-lock-timeout
SET lock_timeout = 0;
\set setup 'CREATE TABLE big (id bigint);'
\set script 'ALTER TABLE big ADD name text'
\set ECHO all
\i :include
\set ECHO none
SET lock_timeout = '2s';

\set rule require-statement-timeout
SET statement_timeout = 0;
\set setup 'CREATE TABLE big (id bigint);'
\set script 'ALTER TABLE big ADD name text'
\set ECHO all
\i :include
SET statement_timeout = '5min';

-- what fails in a transaction is the same statement, outside of one
\set setup 'CREATE TABLE big (id bigint); INSERT INTO big VALUES (1); CREATE INDEX big_id ON big (id);'
\set rule ban-concurrent-index-creation-in-transaction
\set script 'CREATE INDEX CONCURRENTLY i ON big (id)'
\i :include
\set rule ban-non-transactional-statement
\set script 'DROP INDEX CONCURRENTLY big_id'
\i :include

-- a required column: the fix fills it in between
\set ECHO none
CREATE SCHEMA required;
SET search_path = required, public;
CREATE TABLE big (id bigint);
INSERT INTO big SELECT generate_series(1, 50);
\set ECHO all
ALTER TABLE big ADD COLUMN x text NOT NULL;
SELECT message, safe_rewrite FROM cmig.lint_sql('ALTER TABLE big ADD COLUMN x text NOT NULL') WHERE rule = 'adding-required-field' \gx
SELECT regexp_split_to_table(regexp_replace(safe_rewrite, '-- fill[^\n]*', E'UPDATE big SET x = id;\n'), E';\\s*\n') FROM cmig.lint_sql('ALTER TABLE big ADD COLUMN x text NOT NULL') WHERE rule = 'adding-required-field' \gexec
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'big'::regclass AND attnum > 0;
RESET search_path;
DROP SCHEMA required CASCADE;

-- privileges of what is replaced
\set ECHO none
CREATE ROLE regress_lint_reader;
CREATE TABLE base (id bigint);
CREATE VIEW short AS SELECT id FROM base;
GRANT SELECT ON short TO regress_lint_reader;
GRANT INSERT, UPDATE ON short TO PUBLIC;
SELECT relacl AS before FROM pg_class WHERE relname = 'short' \gset
SELECT safe_rewrite AS fix FROM cmig.lint_sql('DROP VIEW short; CREATE VIEW short AS SELECT id, 1 AS one FROM base') WHERE rule = 'privileges-lost' \gset
\set ECHO all
\echo :fix
DROP VIEW short;
:fix;
SELECT relacl = :'before'::aclitem[] AS same FROM pg_class WHERE relname = 'short';
DROP TABLE base CASCADE;
DROP ROLE regress_lint_reader;

-- statements of revisions that are not transactional
\set ECHO none
\set transactional false
\set rule prefer-robust-stmts
\set setup 'CREATE TABLE big (id bigint, x text, CONSTRAINT c CHECK (id > 0)); CREATE TABLE old (id bigint); CREATE VIEW v AS SELECT id FROM big; CREATE INDEX i ON old (id); CREATE TYPE mood AS ENUM (\'sad\');'
\set script 'CREATE TABLE new (id bigint); CREATE INDEX n ON new (id); DROP INDEX i; DROP TABLE old; DROP VIEW v; ALTER TABLE big ADD y text; ALTER TABLE big ADD COLUMN z text; ALTER TABLE big DROP x; ALTER TABLE big DROP CONSTRAINT c; ALTER TYPE mood ADD VALUE \'glad\'; CREATE SEQUENCE s'
\set ECHO all
\i :include

-- unnamed constraints, whose usual names are in use
\set ECHO none
\set transactional true
\set rule constraint-missing-not-valid
\set setup 'CREATE TABLE big (id bigint CHECK (id > 0), x text UNIQUE, y bigint); INSERT INTO big VALUES (1, 2, 3);'
\set script 'ALTER TABLE big ADD CHECK (id > -1)'
\set ECHO all
\i :include
\set rule disallowed-unique-constraint
\set script 'ALTER TABLE big ADD UNIQUE (x) DEFERRABLE'
\i :include
\set rule adding-foreign-key-constraint
\set setup 'CREATE TABLE city (id bigint PRIMARY KEY); CREATE TABLE big (city bigint REFERENCES city); INSERT INTO city VALUES (1); INSERT INTO big VALUES (1); CREATE INDEX ON big (city);'
\set script 'ALTER TABLE big ADD FOREIGN KEY (city) REFERENCES city ON DELETE CASCADE'
\i :include
SELECT safe_rewrite FROM cmig.lint_sql('ALTER TABLE another ADD CHECK (a > 0), ADD CHECK (a < 9), ADD b int CHECK (b > 0), ADD UNIQUE (b), ADD UNIQUE (b)') WHERE rule ~ 'valid|unique';

-- these differ by what they add: a view with the old name, an index
\set ECHO none
\set transactional true
\set rule renaming-table
\set setup 'CREATE TABLE big (id bigint); INSERT INTO big VALUES (1);'
\set script 'ALTER TABLE big RENAME TO "new name"'
\set ECHO all
\i :include
\set rule foreign-key-without-index
\set setup 'CREATE TABLE city (id bigint PRIMARY KEY); CREATE TABLE big (city_id bigint);'
\set script 'ALTER TABLE big ADD FOREIGN KEY (city_id) REFERENCES city'
\i :include
\set script 'ALTER TABLE big ADD "a b" bigint REFERENCES city'
\i :include
\set script 'ALTER TABLE big ADD c bigint, ADD FOREIGN KEY (c) REFERENCES city'
\i :include
-- a partitioned table: no fix
CREATE TABLE parts (id bigint, city_id bigint) PARTITION BY LIST (id);
SELECT message, safe_rewrite FROM cmig.lint_sql('ALTER TABLE parts ADD FOREIGN KEY (city_id) REFERENCES another') WHERE rule = 'foreign-key-without-index';
\set ECHO none
DROP TABLE parts;

DROP SCHEMA original, rewritten CASCADE;
DROP EXTENSION pg_cmig;
