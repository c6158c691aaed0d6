--
-- Invalid calls of cmig.diff, cmig.diff_schemas, and cmig.schema_sql: each raises one error that
-- says what to do
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
CREATE TABLE shop.item (id int);
-- the target is the whole schema, not a change
SELECT * FROM cmig.diff('ALTER TABLE shop.item ADD name text');
SELECT * FROM cmig.diff('CREATE TABLE shop.item (id int, kind shop.missing)');
SELECT * FROM cmig.diff('SELECT 1 / 0');
SELECT * FROM cmig.diff('CREATE TABLE a (i int); ROLLBACK');
SELECT * FROM cmig.diff(E'CREATE TABLE shop.item (id int);\nCREATE TABEL b (i int)', '{shop}');
SELECT * FROM cmig.diff(NULL);
-- schemas
SELECT * FROM cmig.diff('CREATE TABLE shop.item (id int)', schemas => '{shop,shpo}');
SELECT action, object FROM cmig.diff('CREATE SCHEMA shop; CREATE TABLE shop.item (id int); CREATE SCHEMA new', schemas => '{shop,new}');
SELECT * FROM cmig.diff('', schemas => '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.diff('', schemas => '{pg_catalog}');
SELECT cmig.schema_sql('{}');
SELECT cmig.schema_sql('{shpo}');
SELECT * FROM cmig.diff_schemas('shop', NULL);
SELECT * FROM cmig.diff_schemas(NULL, 'shop');
SELECT * FROM cmig.diff_schemas('shop', 'shpo');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.diff('', compare => 'tables');
-- a server that the target's foreign tables need
CREATE FOREIGN DATA WRAPPER regress_far;
CREATE SERVER "regress Far" FOREIGN DATA WRAPPER regress_far;
CREATE FOREIGN TABLE shop.away (id int) SERVER "regress Far";
SELECT * FROM cmig.diff('CREATE SCHEMA shop; CREATE FOREIGN TABLE shop.away (id int) SERVER "regress Far"');
SELECT * FROM cmig.diff('CREATE USER MAPPING FOR CURRENT_USER SERVER "regress Far"');
SELECT * FROM cmig.diff('CREATE TABLE shop.item (id int); CREATE FOREIGN TABLE shop.away (id int) SERVER "regress Far"', '{shop}');
SELECT * FROM cmig.diff('CREATE FOREIGN TABLE shop.away (id int) SERVER regress_none', '{shop}');
DROP FOREIGN DATA WRAPPER regress_far CASCADE;
\set ECHO none
DROP TABLE shop.item;
DROP SCHEMA shop;
DROP EXTENSION pg_cmig;
