-- pair: made, altered, dropped
-- a:
CREATE SEQUENCE s1;
CREATE SEQUENCE s2;
-- b:
CREATE SEQUENCE s2 AS integer INCREMENT BY 2 MINVALUE 3 MAXVALUE 99 START WITH 5 CACHE 7 CYCLE;
CREATE SEQUENCE s3 AS smallint INCREMENT BY -1;
-- pair: owned by a column
CREATE TABLE t (id integer, x integer);
CREATE SEQUENCE s;
-- a:
ALTER SEQUENCE s OWNED BY t.id;
-- b:
ALTER SEQUENCE s OWNED BY t.x;
-- pair: owner ended
-- a:
CREATE TABLE t (id serial);
-- b:
CREATE SEQUENCE t_id_seq AS integer;
CREATE TABLE t (id integer NOT NULL DEFAULT nextval('t_id_seq'));
-- pair: serial added to a table
-- a:
CREATE TABLE t (a integer);
-- b:
CREATE TABLE t (a integer, id serial, big bigserial UNIQUE);
-- pair: serial dropped
-- a:
CREATE TABLE t (a integer, id serial);
-- b:
CREATE TABLE t (a integer);
-- pair: serial to bigserial
-- a:
CREATE TABLE t (id serial PRIMARY KEY);
-- b:
CREATE TABLE t (id bigserial PRIMARY KEY);
-- pair: default of another table's sequence
-- a:
CREATE TABLE t (id serial);
CREATE TABLE u (id integer DEFAULT nextval('t_id_seq'));
-- b:
CREATE SEQUENCE own;
CREATE TABLE t (id serial);
CREATE TABLE u (id integer DEFAULT nextval('own'));
-- pair: grants and comments of sequences
CREATE SEQUENCE s;
-- a:
GRANT USAGE ON SEQUENCE s TO regress_diff_a;
-- b:
GRANT SELECT, UPDATE ON SEQUENCE s TO regress_diff_b;
COMMENT ON SEQUENCE s IS 'numbers';
