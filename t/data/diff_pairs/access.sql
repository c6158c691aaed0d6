-- pair: grants on a table
CREATE TABLE t (a integer, b integer);
-- a:
GRANT SELECT, INSERT ON t TO regress_diff_a;
GRANT ALL ON t TO regress_diff_b;
-- b:
GRANT SELECT ON t TO regress_diff_a WITH GRANT OPTION;
GRANT UPDATE ON t TO PUBLIC;
-- pair: grants on columns
CREATE TABLE t (a integer, b integer);
-- a:
GRANT SELECT (a), UPDATE (a, b) ON t TO regress_diff_a;
-- b:
GRANT SELECT (a, b), REFERENCES (a) ON t TO regress_diff_a;
GRANT INSERT (b) ON t TO "regress diff ""c""";
-- pair: grant by someone who was granted it
CREATE TABLE t (a integer);
GRANT SELECT ON t TO regress_diff_a WITH GRANT OPTION;
-- a:
-- b:
SET SESSION AUTHORIZATION regress_diff_a;
GRANT SELECT ON t TO regress_diff_b;
RESET SESSION AUTHORIZATION;
-- pair: owner's own privileges revoked
CREATE TABLE t (a integer);
-- a:
-- b:
REVOKE DELETE, TRUNCATE ON t FROM CURRENT_USER;
-- pair: owners
-- a:
CREATE SCHEMA s;
CREATE TABLE s.t (a serial);
CREATE VIEW s.v AS SELECT a FROM s.t;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE s.e AS ENUM ('a');
-- b:
CREATE SCHEMA s AUTHORIZATION regress_diff_a;
CREATE TABLE s.t (a serial);
ALTER TABLE s.t OWNER TO regress_diff_a;
CREATE VIEW s.v AS SELECT a FROM s.t;
ALTER VIEW s.v OWNER TO regress_diff_b;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION s.f() OWNER TO regress_diff_a;
CREATE TYPE s.e AS ENUM ('a');
ALTER TYPE s.e OWNER TO regress_diff_a;
-- pair: owner with grants
CREATE TABLE t (a integer);
GRANT SELECT ON t TO regress_diff_b;
-- a:
-- b:
ALTER TABLE t OWNER TO regress_diff_a;
-- pair: default privileges
CREATE SCHEMA s;
-- a:
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO regress_diff_a;
-- b:
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT, INSERT ON TABLES TO regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_diff_a GRANT USAGE ON SCHEMAS TO PUBLIC;
-- pair: default privileges and what is made under them
CREATE SCHEMA s;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO regress_diff_a;
-- a:
CREATE TABLE s.t (a integer);
-- b:
CREATE TABLE s.t (a integer);
CREATE TABLE s.u (a integer);
CREATE TABLE s.w (a integer);
REVOKE ALL ON s.w FROM regress_diff_a;
-- pair: grants on the schema public
-- a:
-- b:
GRANT CREATE ON SCHEMA public TO regress_diff_a;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
-- pair: policies
CREATE TABLE t (a integer, owner name);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
-- a:
CREATE POLICY p1 ON t USING (owner = CURRENT_USER);
CREATE POLICY p2 ON t FOR SELECT USING (true);
CREATE POLICY p3 ON t FOR INSERT WITH CHECK (a > 0);
-- b:
CREATE POLICY p1 ON t TO regress_diff_a, regress_diff_b USING (owner = CURRENT_USER) WITH CHECK (a > 1);
CREATE POLICY p2 ON t AS RESTRICTIVE FOR SELECT USING (true);
CREATE POLICY p4 ON t FOR UPDATE USING (a > 0);
COMMENT ON POLICY p4 ON t IS 'fourth';
-- pair: policy with a function on its table
-- a:
CREATE TABLE t (a integer);
-- b:
CREATE TABLE t (a integer);
CREATE FUNCTION allowed(n integer) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER BEGIN ATOMIC SELECT EXISTS (SELECT FROM t WHERE a = n); END;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (allowed(a));
-- pair: policy on another table that goes
-- a:
CREATE TABLE member (who name);
CREATE TABLE t (a integer);
CREATE POLICY p ON t USING (EXISTS (SELECT FROM member WHERE who = CURRENT_USER));
-- b:
CREATE TABLE t (a integer);
CREATE POLICY p ON t USING (a > 0);
-- pair: object is given to a role that had privileges, and back
-- a:
CREATE SCHEMA app;
GRANT CREATE, USAGE ON SCHEMA app TO regress_diff_a;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE t (a integer);
GRANT SELECT ON t TO regress_diff_a, regress_diff_b;
-- b:
CREATE SCHEMA app;
ALTER SCHEMA app OWNER TO regress_diff_a;
GRANT USAGE ON SCHEMA app TO PUBLIC;
CREATE TABLE t (a integer);
ALTER TABLE t OWNER TO regress_diff_b;
GRANT SELECT ON t TO regress_diff_a;
-- pair: owner gets grant options and columns that others had
-- a:
CREATE TABLE t (a integer, b integer);
GRANT SELECT (a), UPDATE (b) ON t TO regress_diff_a;
GRANT SELECT ON t TO regress_diff_a WITH GRANT OPTION;
-- b:
CREATE TABLE t (a integer, b integer);
ALTER TABLE t OWNER TO regress_diff_a;
CREATE SCHEMA s;
GRANT SELECT (b) ON t TO regress_diff_b;
-- pair: privileges on a table and on its columns
-- a:
CREATE TABLE t (a integer, b integer);
GRANT INSERT (a), SELECT (b), UPDATE (a) ON t TO PUBLIC;
GRANT SELECT ON t TO PUBLIC;
-- b:
CREATE TABLE t (a integer, b integer);
GRANT INSERT (a), SELECT (b), UPDATE (b) ON t TO PUBLIC;
GRANT INSERT ON t TO PUBLIC;
-- pair: default privileges on types reach extensions
-- a:
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- b:
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE EXTENSION citext;
-- pair: default privileges come, an extension was there
-- a:
CREATE EXTENSION citext;
-- b:
CREATE EXTENSION citext;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
-- pair: owner of a schema had grants before, and grants to others
-- a:
CREATE SCHEMA s AUTHORIZATION regress_diff_b;
GRANT ALL ON SCHEMA s TO regress_diff_a WITH GRANT OPTION;
SET ROLE regress_diff_a;
GRANT USAGE ON SCHEMA s TO "regress diff ""c""";
RESET ROLE;
-- b:
CREATE SCHEMA s AUTHORIZATION regress_diff_a;
GRANT CREATE ON SCHEMA s TO regress_diff_b;
-- pair: sequences of identity columns
-- a:
CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, b integer GENERATED BY DEFAULT AS IDENTITY);
CREATE TABLE u (id bigint NOT NULL);
GRANT USAGE ON SEQUENCE t_id_seq, t_b_seq TO regress_diff_a;
COMMENT ON SEQUENCE t_b_seq IS 'old';
-- b:
CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY, b integer NOT NULL);
CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE v (id bigserial, i bigint GENERATED ALWAYS AS IDENTITY);
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO regress_diff_b;
COMMENT ON SEQUENCE t_id_seq IS 'new';
COMMENT ON SEQUENCE v_i_seq IS 'v';
-- pair: identity under default privileges on sequences
-- a:
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_diff_a;
-- b:
CREATE TABLE t (a integer GENERATED BY DEFAULT AS IDENTITY, b serial);
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_diff_a;
CREATE TABLE u (a integer GENERATED BY DEFAULT AS IDENTITY, b serial);
-- pair: new table of the role that default privileges mention
CREATE SCHEMA app;
-- a:
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO regress_diff_b;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT USAGE ON SEQUENCES TO regress_diff_b;
-- b:
CREATE TABLE app.t (id bigint GENERATED ALWAYS AS IDENTITY);
ALTER TABLE app.t OWNER TO regress_diff_b;
CREATE TABLE app.u (a integer);
-- pair: default privileges with the grant option for the owner of an object that is created again
-- a:
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
GRANT SELECT ON t TO regress_diff_a;
ALTER MATERIALIZED VIEW m OWNER TO regress_diff_a;
CREATE TABLE gone (a int);
ALTER TABLE gone OWNER TO regress_diff_a;
GRANT SELECT ON gone TO regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO regress_diff_a WITH GRANT OPTION;
-- b:
CREATE TABLE t (a bigint);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
GRANT SELECT ON t TO regress_diff_a;
ALTER MATERIALIZED VIEW m OWNER TO regress_diff_a;
CREATE TABLE made (a int);
ALTER TABLE made OWNER TO regress_diff_a;
GRANT SELECT ON made TO regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO regress_diff_a WITH GRANT OPTION;
