-- pair: typed table gets a column with NOT NULL, a default, and a comment
-- a:
CREATE TYPE person AS (id bigint, name text);
CREATE TABLE people OF person (PRIMARY KEY (id));
-- b:
CREATE TYPE person AS (id bigint, name text, born date);
CREATE TABLE people OF person (PRIMARY KEY (id), born WITH OPTIONS NOT NULL DEFAULT '2000-01-01');
COMMENT ON COLUMN people.born IS 'day of birth';
CREATE INDEX people_born ON people (born);
-- pair: type of a typed table loses an attribute and another changes its type
-- a:
CREATE TYPE person AS (id integer, name text, note text);
CREATE TABLE people OF person (PRIMARY KEY (id), note WITH OPTIONS NOT NULL);
CREATE INDEX people_name ON people (name);
CREATE VIEW names AS SELECT id, name FROM people;
-- b:
CREATE TYPE person AS (id bigint, name varchar(40));
CREATE TABLE people OF person (PRIMARY KEY (id));
CREATE INDEX people_name ON people (name);
CREATE VIEW names AS SELECT id, name FROM people;
-- pair: table becomes typed, another one ceases to be, a third changes its type
-- a:
CREATE TYPE one AS (a integer, b text);
CREATE TYPE two AS (a integer, b text, c date);
CREATE TABLE x (a integer, b text);
CREATE TABLE y OF one;
CREATE TABLE z OF one;
-- b:
CREATE TYPE one AS (a integer, b text);
CREATE TYPE two AS (a integer, b text, c date);
CREATE TABLE x OF one;
CREATE TABLE y (a integer, b text, own boolean);
CREATE TABLE z OF two;
-- pair: typed table and its type are dropped, others come
-- a:
CREATE TYPE one AS (a integer, b text);
CREATE TABLE y OF one (a WITH OPTIONS NOT NULL DEFAULT 1);
-- b:
CREATE TYPE two AS (a integer, b text, c date);
CREATE TABLE z OF two (a WITH OPTIONS NOT NULL DEFAULT 1);
-- pair: type of a typed table is replaced, because an enum in it is
-- a:
CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE TYPE ty AS (a e, b e[], gone integer);
CREATE TABLE t OF ty (a WITH OPTIONS NOT NULL DEFAULT 'a');
CREATE TABLE u (t ty);
CREATE INDEX t_a ON t (a);
-- b:
CREATE TYPE e AS ENUM ('a', 'c');
CREATE TYPE ty AS (a e, b e[], new text);
CREATE TABLE t OF ty (a WITH OPTIONS NOT NULL DEFAULT 'a', new WITH OPTIONS NOT NULL);
CREATE TABLE u (t ty);
CREATE INDEX t_a ON t (a);
-- pair: enum of a typed table gets a value
-- a:
CREATE TYPE e AS ENUM ('a', 'c');
CREATE TYPE ty AS (a e, b e[]);
CREATE TABLE t OF ty;
-- b:
CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE TYPE ty AS (a e, b e[]);
CREATE TABLE t OF ty;
-- pair: composite types exchange their names below a typed table
-- a:
CREATE TYPE c AS (a integer[], b varchar);
CREATE TYPE d AS (x text, y boolean);
CREATE TABLE t OF d;
CREATE TABLE u (o c NOT NULL);
-- b:
CREATE TYPE d AS (a integer[], b varchar);
CREATE TYPE c AS (x text, y boolean);
CREATE TABLE t OF c;
CREATE TABLE u (o d NOT NULL);
-- pair: composite types exchange their names below a typed table (2)
-- a:
CREATE TYPE c AS (a integer[], b varchar);
CREATE TYPE d AS (x text, y boolean);
CREATE TABLE t OF d;
-- b:
CREATE TYPE d AS (a integer[], b varchar);
CREATE TYPE c AS (x text, y boolean);
CREATE TABLE t OF c;
