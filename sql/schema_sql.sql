--
-- schema_sql: the schema as SQL, with equal text for equal schemas
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_schema_reader;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'it''s');
CREATE DOMAIN app.positive AS integer NOT NULL DEFAULT 3 CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE app.pair AS (a integer, b text COLLATE "C");
CREATE TABLE app.book (id serial PRIMARY KEY, mood app.mood DEFAULT 'ok', pages app.positive, "odd name" app.pair, CHECK (pages < 1000));
CREATE TABLE note (id integer GENERATED ALWAYS AS IDENTITY (INCREMENT 2) PRIMARY KEY, book_id integer REFERENCES app.book,
	body varchar(20) COLLATE "C" NOT NULL DEFAULT 'x' CHECK (body IN ('x', 'y')),
	twice integer GENERATED ALWAYS AS (book_id * 2) STORED, UNIQUE (body) DEFERRABLE)
	WITH (fillfactor = 70, autovacuum_enabled = off);
-- tables that refer to each other
ALTER TABLE app.book ADD note_id integer, ADD CONSTRAINT book_note FOREIGN KEY (note_id) REFERENCES note ON DELETE CASCADE NOT VALID;
ALTER TABLE note ALTER body SET STORAGE external, ALTER body SET STATISTICS 100, ALTER body SET (n_distinct = 5);
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE INDEX note_body_idx ON note (lower(body)) WHERE book_id > 3;
COMMENT ON TABLE note IS 'a table';
COMMENT ON COLUMN note.body IS 'a column';
COMMENT ON INDEX note_body_idx IS 'an index';
COMMENT ON CONSTRAINT note_body_check ON note IS 'a constraint';
GRANT SELECT, INSERT ON note TO regress_schema_reader;
GRANT UPDATE (body) ON note TO regress_schema_reader;
GRANT USAGE ON SCHEMA app TO PUBLIC;
REVOKE TRUNCATE ON note FROM CURRENT_USER;
CREATE UNLOGGED TABLE empty ();
CREATE TABLE child (extra integer) INHERITS (note);
CREATE SEQUENCE fives AS smallint START 5 INCREMENT 5 MAXVALUE 100 CYCLE;
\set ECHO all
\pset tuples_only on
SELECT cmig.schema_sql(privileges => true);
SELECT cmig.schema_sql('{app}', privileges => false, comments => false);
\set VERBOSITY sqlstate
SELECT cmig.schema_sql('{nowhere}');
SELECT cmig.schema_sql('{pg_catalog}');
\pset tuples_only off
\set ECHO none
SET client_min_messages = warning;
DROP TABLE child, empty, note CASCADE;
DROP SEQUENCE fives;
DROP SCHEMA app CASCADE;
DROP ROLE regress_schema_reader;
DROP EXTENSION pg_cmig;
