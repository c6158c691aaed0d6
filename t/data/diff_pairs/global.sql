-- pair: schemas
-- a:
CREATE SCHEMA one;
COMMENT ON SCHEMA one IS 'first';
-- b:
CREATE SCHEMA one;
CREATE SCHEMA "Two's";
GRANT USAGE ON SCHEMA "Two's" TO regress_diff_a;
-- pair: extension made
-- a:
-- b:
CREATE EXTENSION citext;
CREATE TABLE t (a citext UNIQUE DEFAULT 'x');
-- pair: extension dropped
-- a:
CREATE EXTENSION hstore;
CREATE TABLE t (a integer, h hstore);
CREATE INDEX ON t USING gin (h);
-- b:
CREATE TABLE t (a integer);
-- pair: extension stays, its types are used
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
-- a:
CREATE TABLE t (a citext, b text);
-- b:
CREATE TABLE t (a text, b citext, h hstore DEFAULT '');
CREATE INDEX ON t USING gist (h);
-- pair: extension moves to another schema
CREATE SCHEMA ext;
-- a:
CREATE EXTENSION citext;
CREATE TABLE t (a citext);
-- b:
CREATE EXTENSION citext SCHEMA ext;
CREATE TABLE t (a ext.citext);
-- pair: publications
CREATE SCHEMA s;
CREATE TABLE t (a integer PRIMARY KEY, b text);
CREATE TABLE u (a integer PRIMARY KEY);
-- a:
CREATE PUBLICATION p1 FOR TABLE t;
CREATE PUBLICATION p2 FOR ALL TABLES;
CREATE PUBLICATION p3 FOR TABLE t, u WITH (publish = 'insert');
-- b:
CREATE PUBLICATION p1 FOR TABLE t (a) WHERE (a > 1), u;
CREATE PUBLICATION p3 FOR TABLES IN SCHEMA s WITH (publish = 'insert, delete', publish_via_partition_root);
CREATE PUBLICATION p4;
COMMENT ON PUBLICATION p4 IS 'fourth';
-- pair: published table gets another key
-- a:
CREATE TABLE t (a integer PRIMARY KEY, b integer NOT NULL);
CREATE PUBLICATION p FOR TABLE t WHERE (a > 1);
-- b:
CREATE TABLE t (a bigint PRIMARY KEY, b integer NOT NULL);
CREATE PUBLICATION p FOR TABLE t WHERE (a > 1);
-- pair: foreign data
-- a:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s1 FOREIGN DATA WRAPPER w OPTIONS (host 'a', port '1');
CREATE USER MAPPING FOR regress_diff_a SERVER s1 OPTIONS ("user" 'it''s');
CREATE FOREIGN TABLE ft (a integer, b text OPTIONS (column_name 'B')) SERVER s1 OPTIONS (table_name 't');
-- b:
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'true');
CREATE SERVER s1 VERSION '2' FOREIGN DATA WRAPPER w OPTIONS (host 'b', dbname 'd');
CREATE SERVER s2 TYPE 'x' FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR regress_diff_a SERVER s1 OPTIONS ("user" 'y');
CREATE USER MAPPING FOR PUBLIC SERVER s2;
CREATE FOREIGN TABLE ft (a bigint NOT NULL, b text OPTIONS (column_name 'C', x 'y'), c date DEFAULT now()) SERVER s1 OPTIONS (schema_name 's');
GRANT USAGE ON FOREIGN SERVER s2 TO regress_diff_b;
COMMENT ON SERVER s2 IS 'second';
-- pair: foreign table moves to another server
CREATE EXTENSION postgres_fdw;
CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'a');
CREATE SERVER s2 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'b');
-- a:
CREATE FOREIGN TABLE ft (a integer, CONSTRAINT c CHECK (a > 0)) SERVER s1 OPTIONS (table_name 't');
-- b:
CREATE FOREIGN TABLE ft (a integer, CONSTRAINT c CHECK (a > 1)) SERVER s2 OPTIONS (table_name 't');
-- pair: foreign table as a partition
CREATE EXTENSION postgres_fdw;
CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'a');
CREATE TABLE m (n integer, v text) PARTITION BY LIST (n);
-- a:
CREATE FOREIGN TABLE m_1 PARTITION OF m FOR VALUES IN (1) SERVER s1;
-- b:
CREATE FOREIGN TABLE m_1 PARTITION OF m FOR VALUES IN (1, 2) SERVER s1;
-- pair: text search
-- a:
CREATE TEXT SEARCH DICTIONARY d1 (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION c1 (COPY = english);
-- b:
CREATE TEXT SEARCH DICTIONARY d1 (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH DICTIONARY d2 (TEMPLATE = snowball, LANGUAGE = german);
CREATE TEXT SEARCH CONFIGURATION c1 (COPY = english);
ALTER TEXT SEARCH CONFIGURATION c1 ALTER MAPPING FOR asciiword, word WITH d1, english_stem;
ALTER TEXT SEARCH CONFIGURATION c1 DROP MAPPING FOR url;
CREATE TEXT SEARCH CONFIGURATION c2 (PARSER = "default");
CREATE TEXT SEARCH TEMPLATE t1 (LEXIZE = dsimple_lexize, INIT = dsimple_init);
CREATE TEXT SEARCH PARSER p1 (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype);
CREATE TABLE t (a text, s tsvector GENERATED ALWAYS AS (to_tsvector('c1'::regconfig, a)) STORED);
COMMENT ON TEXT SEARCH CONFIGURATION c1 IS 'one';
-- pair: text search configuration in an index
CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple);
-- a:
CREATE TABLE t (a text);
CREATE INDEX i ON t USING gin (to_tsvector('mine', a));
-- b:
CREATE TABLE t (a varchar(100));
CREATE INDEX i ON t USING gin (to_tsvector('mine', a));
-- pair: collations
-- a:
CREATE COLLATION c1 (LOCALE = 'C');
CREATE TABLE t (a text COLLATE c1, b text);
-- b:
CREATE COLLATION c1 (LOCALE = 'C');
CREATE COLLATION c2 (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false);
CREATE TABLE t (a text COLLATE c2, b text COLLATE c1);
-- pair: collation changed while used
-- a:
CREATE COLLATION c (LOCALE = 'C');
CREATE TABLE t (a text COLLATE c PRIMARY KEY);
-- b:
CREATE COLLATION c (PROVIDER = icu, LOCALE = 'de');
CREATE TABLE t (a text COLLATE c PRIMARY KEY);
-- pair: conversions, languages, transforms
-- a:
CREATE CONVERSION c1 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TRUSTED LANGUAGE pl HANDLER plpgsql_call_handler;
-- b:
CREATE DEFAULT CONVERSION c2 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TRUSTED LANGUAGE pl HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler VALIDATOR plpgsql_validator;
CREATE FUNCTION f() RETURNS void LANGUAGE pl AS $$ BEGIN END $$;
CREATE TRANSFORM FOR date LANGUAGE pl (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION date_recv(internal));
-- pair: extended statistics
CREATE TABLE t (a integer, b integer, c text);
-- a:
CREATE STATISTICS s1 ON a, b FROM t;
CREATE STATISTICS s2 (mcv) ON a, c FROM t;
-- b:
CREATE STATISTICS s1 (ndistinct) ON a, b, c FROM t;
CREATE STATISTICS s2 (mcv) ON a, c FROM t;
ALTER STATISTICS s2 SET STATISTICS 300;
CREATE STATISTICS s3 ON (a + b), lower(c) FROM t;
COMMENT ON STATISTICS s3 IS 'third';
-- pair: column type under extended statistics
-- a:
CREATE TABLE t (a integer, b integer);
CREATE STATISTICS s ON a, b FROM t;
CREATE STATISTICS e ON (a * 2) FROM t;
-- b:
CREATE TABLE t (a bigint, b integer);
CREATE STATISTICS s ON a, b FROM t;
CREATE STATISTICS e ON (a * 2) FROM t;
-- pair: access method
-- a:
-- b:
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD heap2 IS 'like heap';
-- pair: types, operator classes, and functions of extensions move to a new schema
-- a:
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm;
CREATE TABLE t (a citext PRIMARY KEY DEFAULT 'x', b text, c citext[]);
CREATE INDEX t_b ON t USING gin (b gin_trgm_ops);
CREATE VIEW v AS SELECT a, similarity(b, 'x') AS s FROM t;
CREATE FUNCTION f(citext) RETURNS citext LANGUAGE sql AS 'SELECT $1';
-- b:
CREATE SCHEMA ext;
CREATE SCHEMA other;
CREATE EXTENSION citext SCHEMA ext;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE TABLE t (a ext.citext PRIMARY KEY DEFAULT 'x', b text, c ext.citext[], d ext.citext);
CREATE INDEX t_b ON t USING gin (b ext.gin_trgm_ops);
CREATE VIEW v AS SELECT a, ext.similarity(b, 'x') AS s FROM t;
CREATE FUNCTION f(ext.citext) RETURNS ext.citext LANGUAGE sql AS 'SELECT $1';
-- pair: extension moves out of a schema that is dropped
-- a:
CREATE SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
CREATE TABLE t (a ext.citext);
-- b:
CREATE EXTENSION citext;
CREATE TABLE t (a citext);
-- pair: extension is dropped, and its type no longer used
-- a:
CREATE EXTENSION citext;
CREATE TABLE t (a citext PRIMARY KEY, b citext[]);
CREATE VIEW v AS SELECT a FROM t;
-- b:
CREATE TABLE t (a text PRIMARY KEY, b text[]);
CREATE VIEW v AS SELECT a FROM t;
-- pair: publication of a table with children, options and validator of a wrapper
-- a:
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
CREATE PUBLICATION pub FOR TABLE c;
CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1', b '2');
-- b:
CREATE TABLE p (a integer);
CREATE TABLE c () INHERITS (p);
CREATE PUBLICATION pub FOR TABLE ONLY p;
CREATE FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator;
-- pair: default privileges come with an extension
-- a:
-- b:
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE EXTENSION citext;
-- pair: privileges on members of extensions
-- a:
CREATE EXTENSION citext;
-- b:
CREATE EXTENSION citext;
REVOKE EXECUTE ON FUNCTION citext(inet) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION citext(inet) TO regress_diff_a;
-- pair: privileges on members of an extension that comes
-- a:
-- b:
CREATE EXTENSION pg_trgm;
REVOKE EXECUTE ON FUNCTION similarity(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION similarity(text, text) TO regress_diff_a WITH GRANT OPTION;
GRANT USAGE ON TYPE gtrgm TO regress_diff_b;
-- pair: privileges on members of an extension that goes
-- a:
CREATE EXTENSION pg_trgm;
REVOKE EXECUTE ON FUNCTION similarity(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION similarity(text, text) TO regress_diff_a;
-- b:
-- pair: enum of a foreign table's column gets a value
-- a:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE TYPE e AS ENUM ('a', 'b');
CREATE FOREIGN TABLE f (a integer, b e, c e[]) SERVER s;
COMMENT ON COLUMN f.b IS 'value';
CREATE VIEW v AS SELECT b FROM f;
-- b:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE TYPE e AS ENUM ('a', 'c', 'b');
CREATE FOREIGN TABLE f (a integer, b e, c e[]) SERVER s;
COMMENT ON COLUMN f.b IS 'value';
CREATE VIEW v AS SELECT b FROM f;
-- pair: published columns in another order
-- a:
CREATE TABLE t (a integer PRIMARY KEY, b integer, c integer);
CREATE PUBLICATION p FOR TABLE t (a, b, c) WHERE (a > 0);
-- b:
CREATE TABLE t (a integer PRIMARY KEY, c integer, b integer);
CREATE PUBLICATION p FOR TABLE t (a, c, b) WHERE (a > 0);
-- pair: foreign-data wrapper that gets a validator, tables and servers that lose their options
-- a:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (x '1');
CREATE USER MAPPING FOR PUBLIC SERVER s;
CREATE FOREIGN TABLE f (a integer) SERVER s OPTIONS (table_name 't');
CREATE FOREIGN TABLE g (a integer) SERVER s OPTIONS (table_name 't');
CREATE SERVER s2 FOREIGN DATA WRAPPER w OPTIONS (x '1');
-- b:
CREATE FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host '1');
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user '1');
CREATE FOREIGN TABLE f (a integer) SERVER s;
CREATE FOREIGN TABLE h (a integer) SERVER s;
-- pair: foreign-data wrapper that loses its validator, tables and servers that get options
-- a:
CREATE FOREIGN DATA WRAPPER w VALIDATOR postgresql_fdw_validator;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host '1');
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (user '1');
CREATE FOREIGN TABLE f (a integer) SERVER s;
CREATE FOREIGN TABLE h (a integer) SERVER s;
-- b:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (x '1');
CREATE USER MAPPING FOR PUBLIC SERVER s;
CREATE FOREIGN TABLE f (a integer) SERVER s OPTIONS (table_name 't');
CREATE FOREIGN TABLE g (a integer) SERVER s OPTIONS (table_name 't');
CREATE SERVER s2 FOREIGN DATA WRAPPER w OPTIONS (x '1');
