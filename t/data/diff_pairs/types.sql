-- pair: enum made and dropped
-- a:
CREATE TYPE size AS ENUM ('s', 'm');
-- b:
CREATE TYPE mood AS ENUM ('it''s ok', 'sad');
CREATE TABLE t (m mood[] DEFAULT '{}', n mood DEFAULT 'sad');
-- pair: value added at the end
-- a:
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE t (m mood);
-- b:
CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd');
CREATE TABLE t (m mood);
-- pair: value added and used in a default and a check
-- a:
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE t (m mood DEFAULT 'a');
-- b:
CREATE TYPE mood AS ENUM ('a', 'new', 'b');
CREATE TABLE t (m mood DEFAULT 'new' CHECK (m <> 'b'));
CREATE INDEX ON t (m) WHERE m = 'new';
-- pair: value removed
-- a:
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE TABLE t (id integer, m mood DEFAULT 'a', l mood[] DEFAULT '{a}');
CREATE INDEX ON t (m);
CREATE VIEW v AS SELECT m FROM t WHERE m = 'a';
CREATE FUNCTION f(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m';
-- b:
CREATE TYPE mood AS ENUM ('a', 'c');
CREATE TABLE t (id integer, m mood DEFAULT 'a', l mood[] DEFAULT '{a}');
CREATE INDEX ON t (m);
CREATE VIEW v AS SELECT m FROM t WHERE m = 'a';
CREATE FUNCTION f(m mood) RETURNS mood LANGUAGE sql AS 'SELECT m';
-- pair: values reordered
-- a:
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE TABLE t (m mood PRIMARY KEY);
CREATE TABLE u (m mood REFERENCES t);
-- b:
CREATE TYPE mood AS ENUM ('c', 'b', 'a');
CREATE TABLE t (m mood PRIMARY KEY);
CREATE TABLE u (m mood REFERENCES t);
-- pair: enum replaced under a domain and a composite
-- a:
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE DOMAIN good AS mood CHECK (VALUE = 'a');
CREATE TYPE pair AS (m mood, n integer);
CREATE TABLE t (g good, p pair);
-- b:
CREATE TYPE mood AS ENUM ('b', 'a');
CREATE DOMAIN good AS mood CHECK (VALUE = 'a');
CREATE TYPE pair AS (m mood, n integer);
CREATE TABLE t (g good, p pair);
-- pair: domain
-- a:
CREATE DOMAIN email AS text CHECK (VALUE ~ '@');
CREATE DOMAIN plain AS integer;
-- b:
CREATE DOMAIN email AS text DEFAULT 'x@y' NOT NULL CONSTRAINT email_check CHECK (VALUE ~ '@') CONSTRAINT long CHECK (length(VALUE) > 3);
CREATE DOMAIN plain AS integer DEFAULT 1;
-- pair: domain's check changed while used
-- a:
CREATE DOMAIN posint AS integer CONSTRAINT pos CHECK (VALUE > 0);
CREATE TABLE t (a posint, b posint[]);
-- b:
CREATE DOMAIN posint AS integer CONSTRAINT pos CHECK (VALUE >= 0);
CREATE TABLE t (a posint, b posint[]);
-- pair: domain's base type changed while used
-- a:
CREATE DOMAIN code AS varchar(5);
CREATE TABLE t (a code DEFAULT 'x');
CREATE VIEW v AS SELECT a FROM t;
-- b:
CREATE DOMAIN code AS text;
CREATE TABLE t (a code DEFAULT 'x');
CREATE VIEW v AS SELECT a FROM t;
-- pair: domain's check not validated
-- a:
CREATE DOMAIN d AS integer;
ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 1) NOT VALID;
-- b:
CREATE DOMAIN d AS integer CONSTRAINT c CHECK (VALUE > 1);
-- pair: composite
-- a:
CREATE TYPE address AS (street text, zip varchar(5), old date);
CREATE TABLE t (home address);
-- b:
CREATE TYPE address AS (street text, zip varchar(9), city text);
CREATE TABLE t (home address);
-- pair: composite in a function and an array
-- a:
CREATE TYPE pair AS (x integer, y integer);
CREATE TABLE t (p pair[]);
CREATE FUNCTION f(p pair) RETURNS SETOF pair LANGUAGE sql AS 'SELECT p';
-- b:
CREATE TYPE pair AS (x integer, y integer, z integer);
CREATE TABLE t (p pair[]);
CREATE FUNCTION f(p pair) RETURNS SETOF pair LANGUAGE sql AS 'SELECT p';
-- pair: range
-- a:
CREATE TYPE floatrange AS RANGE (SUBTYPE = double precision);
-- b:
CREATE TYPE floatrange AS RANGE (SUBTYPE = double precision, SUBTYPE_DIFF = float8mi);
CREATE TYPE timerange AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = timeranges);
CREATE TABLE t (f floatrange, t timeranges);
-- pair: range in a column changes its subtype
-- a:
CREATE TYPE r AS RANGE (SUBTYPE = integer);
CREATE TABLE t (a integer, r r);
-- b:
CREATE TYPE r AS RANGE (SUBTYPE = bigint);
CREATE TABLE t (a integer, r r);
-- pair: type changes its kind
-- a:
CREATE TYPE thing AS ENUM ('a');
CREATE DOMAIN other AS text;
-- b:
CREATE TYPE thing AS (a integer);
CREATE TYPE other AS ENUM ('x');
-- pair: comments and grants of types
-- a:
CREATE TYPE mood AS ENUM ('a');
CREATE DOMAIN d AS text CONSTRAINT c CHECK (VALUE <> '');
CREATE TYPE pair AS (x integer);
COMMENT ON TYPE mood IS 'm';
-- b:
CREATE TYPE mood AS ENUM ('a');
CREATE DOMAIN d AS text CONSTRAINT c CHECK (VALUE <> '');
CREATE TYPE pair AS (x integer);
COMMENT ON CONSTRAINT c ON DOMAIN d IS 'not empty';
COMMENT ON COLUMN pair.x IS 'left';
COMMENT ON DOMAIN d IS 'd';
REVOKE USAGE ON TYPE mood FROM PUBLIC;
GRANT USAGE ON TYPE d TO regress_diff_a;
-- pair: value renamed, told by nobody
-- a:
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE t (m mood);
-- b:
CREATE TYPE mood AS ENUM ('a', 'z');
CREATE TABLE t (m mood);
-- pair: types in a cycle of schemas
CREATE SCHEMA one;
CREATE SCHEMA two;
-- a:
-- b:
CREATE TYPE one.e AS ENUM ('a');
CREATE DOMAIN two.d AS one.e;
CREATE TYPE one.c AS (d two.d);
CREATE TABLE two.t (c one.c[]);
CREATE FUNCTION one.f(two.t) RETURNS one.c LANGUAGE sql AS 'SELECT ($1).c[1]';
-- pair: range type in columns, arrays, indexes, views, and functions changes
-- a:
CREATE TYPE r AS RANGE (SUBTYPE = integer);
CREATE TABLE t (id integer PRIMARY KEY, r r NOT NULL DEFAULT r(1, 2), many r[], g r GENERATED ALWAYS AS (r(id, id + 1)) STORED);
CREATE INDEX t_r ON t USING gist (r);
CREATE TABLE u () INHERITS (t);
CREATE VIEW v AS SELECT r FROM t;
CREATE FUNCTION f(r) RETURNS r LANGUAGE sql AS 'SELECT $1';
-- b:
CREATE TYPE r AS RANGE (SUBTYPE = bigint);
CREATE TABLE t (id integer PRIMARY KEY, r r NOT NULL DEFAULT r(1, 2), many r[], g r GENERATED ALWAYS AS (r(id, id + 1)) STORED);
CREATE INDEX t_r ON t USING gist (r);
CREATE TABLE u () INHERITS (t);
CREATE VIEW v AS SELECT r FROM t;
CREATE FUNCTION f(r) RETURNS r LANGUAGE sql AS 'SELECT $1';
-- pair: range type changes, and so does a column that has it
-- a:
CREATE TYPE r AS RANGE (SUBTYPE = integer);
CREATE TABLE t (a r, b r, c integer);
-- b:
CREATE TYPE r AS RANGE (SUBTYPE = bigint);
CREATE TABLE t (a text, b r NOT NULL, c r);
-- pair: another range type with the same multirange name
-- a:
CREATE TYPE r AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = m);
-- b:
CREATE TYPE s AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = m);
-- pair: range type with the multirange name of the type that a column changes from
-- a:
CREATE SCHEMA "o.k";
CREATE TYPE r AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = "o.k"."the "".m");
CREATE TABLE t (a int, b r DEFAULT 'empty', c r[] NOT NULL, d "o.k"."the "".m", CHECK (isempty(b)));
CREATE VIEW v AS SELECT b, d FROM t;
-- b:
CREATE SCHEMA "o.k";
CREATE TYPE q AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = "o.k"."the "".m");
CREATE TABLE t (a int, b q DEFAULT 'empty', c q[], d "o.k"."the "".m", CHECK (isempty(b)));
CREATE VIEW v AS SELECT b, d FROM t;
-- pair: domains that exchange their base types, with their columns
-- a:
CREATE DOMAIN d AS int4multirange CHECK (VALUE IS NOT NULL);
CREATE DOMAIN e AS numeric(10,2);
CREATE TABLE t (a d, b e);
-- b:
CREATE DOMAIN e AS int4multirange CHECK (VALUE IS NOT NULL);
CREATE DOMAIN d AS numeric(10,2);
CREATE TABLE t (a e, b d);
-- pair: domain replaced by an enum of the same name, enum by a table
-- a:
CREATE DOMAIN color AS text DEFAULT 'red' CHECK (VALUE IN ('red', 'green'));
CREATE TYPE size AS ENUM ('s', 'm', 'l');
CREATE TABLE shirt (id integer PRIMARY KEY, color color, size size DEFAULT 'm', sizes size[]);
CREATE FUNCTION shirts(c color) RETURNS SETOF shirt LANGUAGE sql AS 'SELECT * FROM shirt WHERE color = c';
-- b:
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE size (name text PRIMARY KEY);
CREATE TABLE shirt (id integer PRIMARY KEY, color color DEFAULT 'red', size text DEFAULT 'm' REFERENCES size, sizes text[]);
CREATE FUNCTION shirts(c color) RETURNS SETOF shirt LANGUAGE sql AS 'SELECT * FROM shirt WHERE color = c';
-- pair: enum replaced by a domain of the same name, with its grants and a default
-- a:
CREATE TYPE mood AS ENUM ('sad', 'ok');
REVOKE USAGE ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO regress_diff_a; COMMENT ON TYPE mood IS 'enum';
CREATE TABLE t (a integer, m mood DEFAULT 'ok', n mood NOT NULL);
CREATE INDEX t_m ON t (m) WHERE m <> 'sad';
CREATE VIEW v AS SELECT m, count(*) FROM t GROUP BY m;
-- b:
CREATE DOMAIN mood AS text CHECK (VALUE IN ('sad', 'ok'));
COMMENT ON DOMAIN mood IS 'domain';
CREATE TABLE t (a integer, m mood DEFAULT 'ok', n mood NOT NULL);
CREATE INDEX t_m ON t (m) WHERE m <> 'sad';
CREATE VIEW v AS SELECT m, count(*) FROM t GROUP BY m;
-- pair: storage of columns whose types are replaced
-- a:
CREATE TYPE e AS ENUM ('x', 'y');
CREATE TYPE c AS (a integer, b text);
CREATE TYPE r AS RANGE (SUBTYPE = integer);
CREATE COLLATION k (LOCALE = 'C');
CREATE TABLE t (a e[], b c, c c[], d r, f text COLLATE k);
ALTER TABLE t ALTER a SET STORAGE PLAIN, ALTER b SET STORAGE EXTERNAL, ALTER b SET COMPRESSION pglz, ALTER c SET STORAGE MAIN, ALTER d SET STORAGE PLAIN, ALTER f SET STORAGE MAIN;
-- b:
CREATE TYPE e AS ENUM ('y');
CREATE TYPE c AS (b text);
CREATE TYPE r AS RANGE (SUBTYPE = bigint);
CREATE COLLATION k (LOCALE = 'POSIX');
CREATE TABLE t (a e[], b c, c c[], d r, f text COLLATE k);
ALTER TABLE t ALTER a SET STORAGE PLAIN, ALTER b SET STORAGE EXTERNAL, ALTER b SET COMPRESSION pglz, ALTER c SET STORAGE EXTERNAL, ALTER d SET STORAGE MAIN, ALTER f SET STORAGE MAIN;
-- pair: detour of a column whose type has a bracket in its name
-- a:
CREATE SCHEMA "a[1]";
CREATE TYPE "a[1]".r AS RANGE (SUBTYPE = integer);
CREATE TABLE t (a "a[1]".r, b "a[1]".r[]);
-- b:
CREATE SCHEMA "a[1]";
CREATE TYPE "a[1]".r AS RANGE (SUBTYPE = bigint);
CREATE TABLE t (a "a[1]".r, b "a[1]".r[]);
-- pair: range types that exchange the names of their multiranges
-- a:
CREATE TYPE r1 AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = m1);
CREATE TYPE r2 AS RANGE (SUBTYPE = bigint, MULTIRANGE_TYPE_NAME = m2);
CREATE TABLE t (a r1, b m2);
-- b:
CREATE TYPE r1 AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = m2);
CREATE TYPE r2 AS RANGE (SUBTYPE = bigint, MULTIRANGE_TYPE_NAME = m1);
CREATE TABLE t (a r1, b m1);
-- pair: multirange name taken by another type
-- a:
CREATE TYPE r1 AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = m1);
CREATE TYPE m2 AS ENUM ('a');
-- b:
CREATE TYPE r1 AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = m2);
CREATE TYPE r3 AS RANGE (SUBTYPE = integer, MULTIRANGE_TYPE_NAME = m1);
-- pair: inherited column of a range type whose multirange name goes to another type
-- a:
CREATE TYPE r13 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TABLE s (email r13[], b int);
CREATE TABLE t (x text) INHERITS (s);
CREATE TABLE u (col_70 r13) INHERITS (t);
-- b:
CREATE TYPE a76 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TYPE r13 AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = m77);
CREATE TABLE s (email a76[], b int);
CREATE TABLE t (x text) INHERITS (s);
CREATE TABLE u (col_70 a76) INHERITS (t);
-- pair: generated column and a range type whose multirange name goes to another type
-- a:
CREATE TYPE r13 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TABLE s (email r13[], b int, g bool GENERATED ALWAYS AS (email IS NULL) STORED);
CREATE TABLE u (col_70 r13);
-- b:
CREATE TYPE a76 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TYPE r13 AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = m77);
CREATE TABLE s (email a76[], b int, g bool GENERATED ALWAYS AS (email IS NULL) STORED);
CREATE TABLE u (col_70 a76);
-- pair: inherited and generated column and a range type whose multirange name goes to another type
-- a:
CREATE TYPE r13 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TABLE s (email r13[], b int);
CREATE TABLE t (x text, g bool GENERATED ALWAYS AS (email IS NULL) STORED) INHERITS (s);
CREATE TABLE u (col_70 r13) INHERITS (t);
-- b:
CREATE TYPE a76 AS RANGE (SUBTYPE = inet, MULTIRANGE_TYPE_NAME = m14);
CREATE TYPE r13 AS RANGE (SUBTYPE = time, MULTIRANGE_TYPE_NAME = m77);
CREATE TABLE s (email a76[], b int);
CREATE TABLE t (x text, g bool GENERATED ALWAYS AS (email IS NULL) STORED) INHERITS (s);
CREATE TABLE u (col_70 a76) INHERITS (t);
-- pair: commented attribute of a composite type whose type changes
-- a:
CREATE TYPE s AS (x tsvector, "y.z" integer);
COMMENT ON COLUMN s.x IS 'x';
COMMENT ON COLUMN s."y.z" IS 'y';
CREATE TABLE t (v s);
-- b:
CREATE TYPE s AS (x text, "y.z" integer);
COMMENT ON COLUMN s.x IS 'x';
CREATE TABLE t (v s);
-- pair: composite type altered before a column gets it, beside a key
-- a:
CREATE TYPE pair AS (x integer, y text);
CREATE TABLE t (id bigint NOT NULL, p integer DEFAULT 1 NOT NULL, CONSTRAINT k UNIQUE (id));
-- b:
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (x integer, y integer);
CREATE TABLE t (p pair NOT NULL, mood mood, CONSTRAINT k UNIQUE (mood));
