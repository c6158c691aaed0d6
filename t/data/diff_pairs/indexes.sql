-- pair: added and dropped
CREATE TABLE t (a integer, b text, c integer);
-- a:
CREATE INDEX t_a ON t (a);
-- b:
CREATE INDEX t_b ON t (b);
-- pair: columns, order, and uniqueness changed
CREATE TABLE t (a integer, b text, c integer);
-- a:
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (a);
CREATE INDEX i3 ON t (a, b);
-- b:
CREATE INDEX i1 ON t (a DESC NULLS LAST);
CREATE UNIQUE INDEX i2 ON t (a);
CREATE INDEX i3 ON t (b, a);
-- pair: expressions and predicates
CREATE TABLE t (a integer, b text, v varchar(9), gone boolean);
-- a:
CREATE INDEX i1 ON t (lower(b)) WHERE NOT gone;
CREATE INDEX i2 ON t (v) WHERE v IN ('x', 'y');
-- b:
CREATE INDEX i1 ON t (lower(b), (a + 1)) WHERE gone IS NOT TRUE;
CREATE INDEX i2 ON t (v) WHERE v IN ('x', 'y');
-- pair: method and operator class
CREATE TABLE t (a integer, b text, j jsonb);
-- a:
CREATE INDEX i1 ON t (a);
CREATE INDEX i2 ON t (b);
CREATE INDEX i3 ON t USING gin (j);
-- b:
CREATE INDEX i1 ON t USING hash (a);
CREATE INDEX i2 ON t (b text_pattern_ops);
CREATE INDEX i3 ON t USING gin (j jsonb_path_ops);
-- pair: operator class with options
CREATE TABLE t (d tsvector);
-- a:
CREATE INDEX i ON t USING gist (d);
-- b:
CREATE INDEX i ON t USING gist (d tsvector_ops (siglen = 200));
-- pair: brin, spgist, and storage parameters
CREATE TABLE t (a integer, b text);
-- a:
CREATE INDEX i1 ON t USING brin (a) WITH (pages_per_range = 16);
CREATE INDEX i2 ON t (a);
-- b:
CREATE INDEX i1 ON t USING brin (a) WITH (pages_per_range = 32, autosummarize);
CREATE INDEX i2 ON t (a) WITH (fillfactor = 50, deduplicate_items = off);
CREATE INDEX i3 ON t USING spgist (b);
-- pair: include, nulls not distinct, collation
CREATE TABLE t (a integer, b text, c integer);
-- a:
CREATE UNIQUE INDEX i1 ON t (a);
CREATE UNIQUE INDEX i2 ON t (c);
CREATE INDEX i3 ON t (b);
-- b:
CREATE UNIQUE INDEX i1 ON t (a) INCLUDE (b, c);
CREATE UNIQUE INDEX i2 ON t (c) NULLS NOT DISTINCT;
CREATE INDEX i3 ON t (b COLLATE "C");
-- pair: comments and statistics
CREATE TABLE t (a integer, b text);
-- a:
CREATE INDEX i ON t (lower(b));
COMMENT ON INDEX i IS 'one';
ALTER INDEX i ALTER 1 SET STATISTICS 100;
-- b:
CREATE INDEX i ON t (lower(b));
COMMENT ON INDEX i IS 'two';
ALTER INDEX i ALTER 1 SET STATISTICS 200;
-- pair: index with a function that changes its body
-- a:
CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';
CREATE TABLE t (b text);
CREATE INDEX i ON t (norm(b));
-- b:
CREATE FUNCTION norm(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper(t)';
CREATE TABLE t (b text);
CREATE INDEX i ON t (norm(b));
-- pair: trigram index
CREATE EXTENSION pg_trgm;
CREATE TABLE t (b text);
-- a:
-- b:
CREATE INDEX i ON t USING gin (b gin_trgm_ops);
-- pair: index moves to another table
CREATE TABLE t (a integer);
CREATE TABLE u (a integer);
-- a:
CREATE INDEX i ON t (a);
-- b:
CREATE INDEX i ON u (a);
-- pair: table takes an index's name
-- a:
CREATE TABLE t (a integer);
CREATE INDEX thing ON t (a);
-- b:
CREATE TABLE t (a integer);
CREATE TABLE thing (a integer);
-- pair: index on a column becomes one on its text
-- a:
CREATE TABLE t (a integer, b varchar(9));
CREATE INDEX i ON t (a, b);
CREATE VIEW v AS SELECT a FROM t ORDER BY a;
-- b:
CREATE TABLE t (a integer, b varchar(9));
CREATE INDEX i ON t ((a::text), (b::text));
CREATE VIEW v AS SELECT a FROM t ORDER BY a::text;
