-- pair: table inherits from another parent with the same columns
-- a:
CREATE TABLE old_parent (a integer, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE c (b text) INHERITS (old_parent);
-- b:
CREATE TABLE new_parent (a integer, CONSTRAINT positive CHECK (a > 0));
CREATE TABLE c (b text) INHERITS (new_parent);
-- pair: primary key and unique constraint with the same columns
-- a:
-- b:
CREATE TABLE t (a integer, b integer, CONSTRAINT t_unique UNIQUE (a, b), CONSTRAINT t_key PRIMARY KEY (a, b));
ALTER TABLE t ADD CONSTRAINT t_other UNIQUE (a, b);
-- pair: storage parameters of constraints of partitioned tables
-- a:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_key UNIQUE (a) WITH (fillfactor = 81);
CREATE TABLE s (a bigint NOT NULL, r int4range, CONSTRAINT s_key UNIQUE (a) INCLUDE (r) WITH (fillfactor = 80) DEFERRABLE,
	CONSTRAINT s_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 70) WHERE (a > 0));
-- b:
CREATE TABLE m (a bigint NOT NULL) PARTITION BY RANGE (a);
ALTER TABLE m ADD CONSTRAINT m_key UNIQUE (a) WITH (fillfactor = 82);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM (MINVALUE) TO (20) PARTITION BY HASH (a);
CREATE TABLE s (a bigint NOT NULL, r int4range, CONSTRAINT s_key UNIQUE (a) INCLUDE (r) DEFERRABLE,
	CONSTRAINT s_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 60) WHERE (a > 0));
CREATE TABLE u (a bigint NOT NULL, r int4range, CONSTRAINT u_key UNIQUE (a) INCLUDE (r) WITH (fillfactor = 80) DEFERRABLE,
	CONSTRAINT u_x EXCLUDE USING gist (r WITH &&) WITH (fillfactor = 70) WHERE (a > 0));
-- pair: objects and default privileges come together, in a kept and in a new schema
-- a:
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO regress_diff_a;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO regress_diff_b;
CREATE FUNCTION s.gone() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE s.gone_too (a integer);
-- b:
CREATE SCHEMA s;
CREATE SCHEMA n;
ALTER DEFAULT PRIVILEGES IN SCHEMA n GRANT ALL ON TABLES TO regress_diff_a;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO regress_diff_b;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO regress_diff_b;
CREATE TABLE n.t (a serial);
CREATE TABLE s.t (a serial);
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
-- pair: schema with default privileges and objects is dropped
-- a:
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT, INSERT ON TABLES TO regress_diff_a, regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT USAGE ON TYPES TO regress_diff_a;
CREATE TABLE s.t (a integer);
CREATE TABLE s.u (a integer);
REVOKE ALL ON s.u FROM regress_diff_a;
CREATE TYPE s.e AS ENUM ('a');
-- b:
