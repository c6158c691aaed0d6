-- pair: default of a parent's column
-- a:
CREATE TABLE p (a int, b char); CREATE TABLE c (d int) INHERITS (p); CREATE TABLE g () INHERITS (c);
-- b:
CREATE TABLE p (a int DEFAULT 42, b char DEFAULT NULL); CREATE TABLE c (d int) INHERITS (p); CREATE TABLE g () INHERITS (c);
ALTER TABLE g ALTER a SET DEFAULT 43;
-- pair: generated column that a child repeats
-- a:
CREATE TABLE p (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- b:
CREATE TABLE p (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE c (b int, d int) INHERITS (p);
-- pair: generated column that a child repeats is dropped in the parent
-- a:
CREATE TABLE p (a int, b int GENERATED ALWAYS AS (a * 2) STORED, e int);
CREATE TABLE c (a int, b int, d int) INHERITS (p);
-- b:
CREATE TABLE p (e int);
CREATE TABLE c (a int, b int GENERATED ALWAYS AS (a * 2) STORED, d int) INHERITS (p);
-- pair: dropped column with a constraint of the child
-- a:
CREATE TABLE p (a int, b date); CREATE TABLE c (CHECK (b > '2020-01-01')) INHERITS (p);
-- b:
CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p);
-- pair: constraint that parent and child have
-- a:
CREATE TABLE p (a int, b int, CONSTRAINT shared CHECK (b > 1)); CREATE TABLE c (CONSTRAINT shared CHECK (b > 1)) INHERITS (p);
-- b:
CREATE TABLE p (a int, b int); CREATE TABLE c () INHERITS (p);
-- pair: column that parent and child have
-- a:
CREATE TABLE p (a int, b int); CREATE TABLE c (b int) INHERITS (p);
-- b:
CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p);
-- pair: column that parent and child have comes
-- a:
CREATE TABLE p (a int); CREATE TABLE c () INHERITS (p);
-- b:
CREATE TABLE p (a int, b int); CREATE TABLE c (b int) INHERITS (p);
-- pair: procedures that differ in OUT arguments
-- a:
-- b:
CREATE PROCEDURE p(OUT a int, IN b int, IN c int) LANGUAGE plpgsql AS $$ BEGIN a := 1; END $$;
CREATE PROCEDURE p(IN a int, IN b int, IN c int) LANGUAGE plpgsql AS $$ BEGIN END $$;
COMMENT ON PROCEDURE p(IN int, IN int, IN int) IS 'without OUT';
GRANT EXECUTE ON PROCEDURE p(OUT int, IN int, IN int) TO regress_diff_a;
-- pair: operator class without members
-- a:
-- b:
CREATE OPERATOR CLASS nothing FOR TYPE int USING btree AS STORAGE int;
-- pair: materialized view's columns
-- a:
CREATE MATERIALIZED VIEW m AS SELECT 'a'::text AS x, 1 AS y;
-- b:
CREATE MATERIALIZED VIEW m AS SELECT 'a'::text AS x, 1 AS y;
ALTER MATERIALIZED VIEW m ALTER x SET STORAGE EXTERNAL, ALTER x SET COMPRESSION pglz, ALTER y SET STATISTICS 10;
-- pair: logged identity of an unlogged table
-- a:
CREATE UNLOGGED TABLE t (b int);
-- b:
CREATE UNLOGGED TABLE t (b int, a int GENERATED ALWAYS AS IDENTITY);
ALTER SEQUENCE t_a_seq SET LOGGED;
-- pair: new child of a table whose column gets a default
-- a:
CREATE TABLE p (a text, b integer DEFAULT 1, c integer DEFAULT 2);
-- b:
CREATE TABLE p (a text DEFAULT 'x', b integer DEFAULT 3, c integer);
CREATE TABLE c (d date) INHERITS (p);
CREATE TABLE cc () INHERITS (c);
-- pair: table becomes a child, and has a NOT NULL of its own
-- a:
CREATE TABLE p (a text, b integer);
CREATE TABLE c (a text, b integer, PRIMARY KEY (a, b));
-- b:
CREATE TABLE p (a text, b integer);
CREATE TABLE c (d date) INHERITS (p);
ALTER TABLE c ADD PRIMARY KEY (a, b);
