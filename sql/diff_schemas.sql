--
-- diff_schemas: two schemas of one database, and the arguments of diff
--
CREATE EXTENSION pg_cmig;
CREATE SCHEMA staging;
CREATE SCHEMA "the live";
CREATE TABLE staging.a (x integer PRIMARY KEY, y text DEFAULT 'new', z integer);
CREATE INDEX a_y ON staging.a (y);
CREATE TABLE staging.b (x integer REFERENCES staging.a);
CREATE TABLE "the live".a (x integer PRIMARY KEY, y text DEFAULT 'old');
CREATE TABLE "the live".b (x integer REFERENCES staging.a);
SELECT upgrade_sql FROM cmig.diff_schemas('the live', 'staging');
SELECT upgrade_sql FROM cmig.diff_schemas('staging', 'the live');
SELECT count(*) FROM cmig.diff_schemas('staging', 'staging');
-- wrong arguments
SELECT * FROM cmig.diff_schemas('staging', 'nowhere');
SELECT * FROM cmig.diff_schemas('pg_catalog', 'staging');
SELECT * FROM cmig.diff_schemas(NULL, 'staging');
SELECT * FROM cmig.diff(NULL);
SELECT * FROM cmig.diff('', compare => 'some');
BEGIN READ ONLY;
SELECT * FROM cmig.diff('');
ROLLBACK;
SET client_min_messages = warning;
DROP SCHEMA staging CASCADE;
DROP SCHEMA "the live" CASCADE;
DROP EXTENSION pg_cmig;
