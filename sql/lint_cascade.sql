--
-- lint: for the statements that follow, objects that CASCADE drops no longer exist
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE TABLE big (id int PRIMARY KEY, c int, d int, e int);
INSERT INTO big SELECT g, g, g, g FROM generate_series(1, 1000) g;
CREATE VIEW v AS SELECT c, d FROM big;
CREATE VIEW vv AS SELECT d FROM v;
CREATE TABLE child (id int, big int REFERENCES big);
CREATE POLICY p ON child USING (EXISTS (SELECT FROM big WHERE c = 1));
CREATE TYPE mood AS ENUM ('a');
ALTER TABLE big ADD m mood;
CREATE VIEW vm AS SELECT m, e FROM big;
CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW vf AS SELECT f(), e FROM big;
CREATE SCHEMA app;
CREATE VIEW app.names AS SELECT e FROM big;
CREATE FUNCTION list(script text) RETURNS TABLE (statement int, rule text, message text) LANGUAGE sql AS
$$ SELECT statement, rule, message FROM cmig.lint_sql(script) WHERE rule IN ('dependent-objects', 'privileges-lost') $$;
\set ECHO all

-- columns
SELECT * FROM list('ALTER TABLE big DROP COLUMN c CASCADE; ALTER TABLE big ALTER d TYPE bigint; ALTER TABLE big DROP d');
SELECT * FROM list('ALTER TABLE big DROP COLUMN c; ALTER TABLE big DROP d');
-- constraints
SELECT * FROM list('ALTER TABLE big DROP CONSTRAINT big_pkey CASCADE; DROP VIEW vv, v, vm, vf, app.names; ALTER POLICY p ON child USING (true); DROP TABLE big');
SELECT * FROM list('DROP VIEW vv, v, vm, vf, app.names; DROP POLICY p ON child; DROP TABLE big');
-- tables and views
SELECT * FROM list('DROP TABLE big CASCADE; DROP TABLE child; CREATE TABLE child (id int)');
SELECT * FROM list('DROP VIEW v CASCADE; ALTER TABLE big DROP d');
SELECT * FROM list('DROP VIEW v; ALTER TABLE big DROP d');
SELECT * FROM list('CREATE OR REPLACE VIEW vv AS SELECT 1 AS d; DROP VIEW v CASCADE; DROP VIEW vv');
-- types, functions, schemas
SELECT * FROM list('DROP TYPE mood CASCADE; ALTER TABLE big DROP e');
SELECT * FROM list('DROP FUNCTION f() CASCADE; ALTER TABLE big DROP e');
SELECT * FROM list('DROP SCHEMA app CASCADE; ALTER TABLE big DROP e');
SELECT * FROM list('DROP FUNCTION f() CASCADE; DROP TYPE mood CASCADE; DROP SCHEMA app CASCADE; ALTER TABLE big DROP e');

-- what depends on constraints and types
SELECT * FROM list('ALTER TABLE big DROP CONSTRAINT big_pkey');
SELECT * FROM list('ALTER TABLE child DROP CONSTRAINT child_big_fkey; ALTER TABLE big DROP CONSTRAINT big_pkey');
CREATE TABLE tree (id int PRIMARY KEY, above int REFERENCES tree);
SELECT * FROM list('ALTER TABLE tree DROP CONSTRAINT tree_above_fkey, DROP CONSTRAINT tree_pkey');
SELECT * FROM list('ALTER TABLE tree DROP CONSTRAINT tree_pkey');
\set ECHO none
DROP TABLE tree;
CREATE DOMAIN code AS text;
CREATE TYPE pair AS (a mood, b int);
CREATE TABLE typed (c code, m mood[], p pair);
CREATE VIEW typed_view AS SELECT c FROM typed;
\set ECHO all
SELECT * FROM list('DROP TYPE mood; DROP DOMAIN public.code; DROP TYPE pair');
SELECT * FROM list('DROP DOMAIN code CASCADE; ALTER TABLE typed DROP m');
SELECT * FROM list('ALTER TABLE typed DROP c CASCADE, ALTER p TYPE text; DROP DOMAIN code; DROP TYPE pair');
SELECT * FROM list('ALTER TYPE mood RENAME TO old_mood; CREATE TYPE mood AS ENUM (''b''); ALTER TABLE typed ALTER m TYPE mood[] USING NULL; DROP TYPE old_mood; DROP TYPE mood');
SELECT * FROM list('CREATE TYPE new AS ENUM (''b''); CREATE TABLE x (n new); DROP TYPE new; DROP TYPE IF EXISTS nothing');
DROP TABLE typed CASCADE;
DROP TYPE pair;
DROP DOMAIN code;

-- views that the plan creates
SELECT * FROM list('CREATE TABLE n (a int, b int); CREATE VIEW nv AS SELECT a FROM n; ALTER TABLE n DROP b; ALTER TABLE n DROP a; DROP TABLE n');
SELECT * FROM list('CREATE TABLE n (a int, b int); CREATE VIEW nv AS SELECT a FROM n; ALTER TABLE n DROP a CASCADE; DROP TABLE n');
SELECT * FROM list('CREATE TABLE n (a int); CREATE VIEW nv AS SELECT a FROM n; CREATE VIEW nvv AS SELECT a FROM nv; DROP TABLE n CASCADE; CREATE TABLE n (a int); DROP TABLE n');
SELECT * FROM list('CREATE VIEW nv AS SELECT e FROM big; ALTER TABLE big ALTER e TYPE bigint; DROP VIEW nv; ALTER TABLE big DROP e');
SELECT * FROM list('CREATE MATERIALIZED VIEW nm AS SELECT * FROM child; DROP TABLE child');
SELECT * FROM list('CREATE VIEW nv AS WITH big AS (SELECT 1 AS a) SELECT a FROM big; DROP VIEW vv, v, vm, vf, app.names; DROP POLICY p ON child; DROP TABLE child, big');
SELECT * FROM list('CREATE VIEW nv AS SELECT 1 AS d FROM child; CREATE OR REPLACE VIEW nv AS SELECT 1 AS d; DROP TABLE child');
SELECT * FROM list('CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE VIEW w AS SELECT * FROM s.t; DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (a int); DROP TABLE s.t');
-- extensions, servers, collations, and functions
\set ECHO none
CREATE SCHEMA "Odd schema";
CREATE COLLATION "Odd schema".plain FROM "C";
CREATE TABLE sorted (id int, name text COLLATE "Odd schema".plain);
CREATE FOREIGN DATA WRAPPER regress_wrapper;
CREATE SERVER regress_server FOREIGN DATA WRAPPER regress_wrapper;
CREATE FOREIGN TABLE outside (id int) SERVER regress_server;
CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE TABLE computed (id int, twice int GENERATED ALWAYS AS (doubled(id)) STORED);
\set ECHO all
SELECT * FROM list('SET search_path = "Odd schema"; DROP COLLATION plain CASCADE; SET search_path = public; ALTER TABLE sorted DROP name');
SELECT * FROM list('DROP COLLATION plain CASCADE; DROP COLLATION "Odd schema".plain');
SELECT * FROM list('ALTER TABLE sorted DROP name; DROP COLLATION "Odd schema".plain CASCADE');
SELECT * FROM list('DROP SERVER regress_server CASCADE; DROP SERVER IF EXISTS nothing CASCADE'), list('DROP FOREIGN DATA WRAPPER regress_wrapper CASCADE') x;
SELECT * FROM list('DROP FUNCTION doubled CASCADE; DROP FUNCTION f() CASCADE; DROP FUNCTION nothing(int) CASCADE; DROP FUNCTION a.b.c.d.e CASCADE; ALTER TABLE computed DROP twice');
SELECT count(*) FROM cmig.lint_sql('DROP COLLATION "Odd schema".plain CASCADE', facts => false) WHERE rule = 'dependent-objects';
\set ECHO none
DROP SCHEMA "Odd schema" CASCADE;
DROP FOREIGN DATA WRAPPER regress_wrapper CASCADE;
DROP TABLE sorted, computed;
DROP FUNCTION doubled(int);
\set ECHO all
-- without facts
SELECT statement, message FROM cmig.lint_sql('CREATE VIEW nv AS SELECT a FROM t; DROP TABLE t; DROP VIEW nv; DROP TABLE t', facts => false) WHERE rule = 'dependent-objects';

\set ECHO none
DROP SCHEMA app CASCADE;
DROP TABLE big, child CASCADE;
DROP TYPE mood;
DROP FUNCTION f(), list(text);
DROP EXTENSION pg_cmig;
