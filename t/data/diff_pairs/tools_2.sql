-- pair: text search from dictionary to configuration
-- a:
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION c (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR asciiword WITH simple;
-- b:
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, accept = false);
CREATE TEXT SEARCH CONFIGURATION c (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR asciiword, word WITH d, english_stem;
CREATE TABLE doc (body text, v tsvector GENERATED ALWAYS AS (to_tsvector('public.c'::regconfig, body)) STORED);
CREATE INDEX doc_v ON doc USING gin (v);
COMMENT ON TEXT SEARCH CONFIGURATION c IS 'search';
-- pair: foreign data
-- a:
CREATE EXTENSION postgres_fdw;
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'one', dbname 'x');
CREATE USER MAPPING FOR regress_diff_a SERVER s OPTIONS (user 'a');
CREATE FOREIGN TABLE f (a integer NOT NULL, b text OPTIONS (column_name 'bb')) SERVER s OPTIONS (table_name 'f');
-- b:
CREATE EXTENSION postgres_fdw;
CREATE SERVER s VERSION '2' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'two', port '5433');
CREATE USER MAPPING FOR regress_diff_a SERVER s OPTIONS (user 'c');
CREATE USER MAPPING FOR PUBLIC SERVER s;
CREATE FOREIGN TABLE f (a bigint NOT NULL, b text, c date, CONSTRAINT positive CHECK (a > 0)) SERVER s OPTIONS (table_name 'g', fetch_size '10');
GRANT USAGE ON FOREIGN SERVER s TO regress_diff_b;
GRANT SELECT ON f TO regress_diff_b;
-- pair: event triggers, languages, casts, transforms, access methods, conversions
-- a:
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION e();
CREATE TYPE pair AS (a integer, b integer);
-- b:
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER t ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION e();
ALTER EVENT TRIGGER t DISABLE;
CREATE TYPE pair AS (a integer, b integer);
CREATE FUNCTION sum_of(pair) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a + $1.b';
CREATE CAST (pair AS integer) WITH FUNCTION sum_of(pair) AS ASSIGNMENT;
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE h (a integer) USING heap2;
CREATE DEFAULT CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
-- pair: operator class and family
-- a:
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1';
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
-- b:
CREATE FUNCTION cmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $2 - $1';
CREATE OPERATOR CLASS backwards FOR TYPE integer USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 cmp(integer, integer);
CREATE OPERATOR FAMILY fam USING hash;
CREATE TABLE t (a integer);
CREATE INDEX i ON t (a backwards);
-- pair: publications change tables, columns, filters, schemas
-- a:
CREATE SCHEMA s;
CREATE TABLE t (a integer PRIMARY KEY, b text);
CREATE TABLE u (a integer PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE t (a), u WHERE (a > 1) WITH (publish = 'insert');
CREATE PUBLICATION q FOR ALL TABLES;
-- b:
CREATE SCHEMA s;
CREATE TABLE t (a integer PRIMARY KEY, b text);
CREATE TABLE u (a integer PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE t, u WHERE (a > 2), TABLES IN SCHEMA s WITH (publish_via_partition_root);
CREATE PUBLICATION q FOR TABLES IN SCHEMA s;
-- pair: target with seeds, temporary tables, and copies of tables
-- a:
CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'x');
-- b:
SET search_path = public;
CREATE TEMP TABLE work AS SELECT 1 AS a;
CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL DEFAULT 'x');
INSERT INTO t (id) VALUES (1), (2) ON CONFLICT DO NOTHING;
COPY t (id, name) FROM stdin;
3	three
\.
CREATE TABLE u (LIKE t INCLUDING ALL, extra date);
CREATE TABLE v AS SELECT id, upper(name) AS big FROM t WITH NO DATA;
SELECT id INTO w FROM t;
UPDATE t SET name = 'y';
TRUNCATE w;
DROP TABLE work;
ANALYZE t;
-- pair: target that renames and alters what it has created
-- a:
CREATE TABLE person (id integer PRIMARY KEY, full_name text);
-- b:
CREATE TABLE people (id integer PRIMARY KEY, name varchar(10), gone integer);
ALTER TABLE people RENAME TO person;
ALTER TABLE person RENAME COLUMN name TO full_name;
ALTER TABLE person ALTER full_name TYPE text, DROP gone, ADD COLUMN IF NOT EXISTS born date;
ALTER INDEX people_pkey RENAME TO person_pkey;
CREATE SCHEMA IF NOT EXISTS app;
ALTER TABLE person SET SCHEMA app;
ALTER TABLE app.person SET SCHEMA public;
-- pair: names that need quotes, keywords, and long ones
-- a:
CREATE TABLE "order" ("select" integer PRIMARY KEY, "Mixed Case" text, "quo""te" text);
-- b:
CREATE TABLE "order" ("select" bigint PRIMARY KEY, "Mixed Case" varchar(5) DEFAULT 'it''s', "quo""te" text CHECK ("quo""te" <> '"'), "über" text,
	a_name_with_more_than_sixty_three_characters_which_the_server_truncates_silently integer UNIQUE);
CREATE VIEW "View" AS SELECT "select" AS "from", "Mixed Case" FROM "order";
CREATE FUNCTION "Func"("Arg" integer) RETURNS integer LANGUAGE sql AS 'SELECT "Arg"';
CREATE TYPE "E" AS ENUM ('a b', 'it''s', '"');
CREATE SEQUENCE "Seq" OWNED BY "order"."select";
-- pair: enum value is renamed, another enum is new in an array column
-- a:
CREATE TYPE s AS ENUM ('a', 'b');
CREATE TABLE t (s s NOT NULL DEFAULT 'a');
-- b:
CREATE TYPE s AS ENUM ('a', 'c');
CREATE TYPE r AS ENUM ('x');
CREATE TABLE t (s s NOT NULL DEFAULT 'a', r r[] NOT NULL DEFAULT '{x}');
-- pair: columns of a view are renamed, its definition spans joins and windows
-- a:
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a AS x, b AS y FROM t;
CREATE VIEW w AS SELECT x FROM v;
COMMENT ON COLUMN v.x IS 'first';
GRANT SELECT (x) ON v TO regress_diff_a;
-- b:
CREATE TABLE t (a integer, b integer);
CREATE VIEW v AS SELECT a AS one, row_number() OVER (PARTITION BY b ORDER BY a) AS n FROM t;
CREATE VIEW w AS SELECT one FROM v JOIN t ON t.a = v.one LEFT JOIN LATERAL (SELECT max(b) AS m FROM t) l ON true;
COMMENT ON COLUMN v.one IS 'first';
GRANT SELECT (one) ON v TO regress_diff_a;
-- pair: materialized view on a table whose column changes
-- a:
CREATE TABLE t (a integer, b varchar(10));
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t WITH NO DATA;
CREATE INDEX m_a ON m (a);
CREATE VIEW v AS SELECT a FROM m;
COMMENT ON MATERIALIZED VIEW m IS 'kept';
-- b:
CREATE TABLE t (a bigint, b varchar(20));
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t WITH NO DATA;
CREATE INDEX m_a ON m (a);
CREATE VIEW v AS SELECT a FROM m;
COMMENT ON MATERIALIZED VIEW m IS 'kept';
-- pair: primary key moves to other columns while foreign keys refer to it
-- a:
CREATE TABLE p (id integer PRIMARY KEY, code text UNIQUE NOT NULL);
CREATE TABLE c (p integer REFERENCES p, code text REFERENCES p (code));
-- b:
CREATE TABLE p (id bigint UNIQUE NOT NULL, code text PRIMARY KEY);
CREATE TABLE c (p bigint REFERENCES p (id), code text REFERENCES p);
-- pair: constraints renamed, deferred, and with other indexes
-- a:
CREATE TABLE t (a integer CONSTRAINT one UNIQUE, b integer CONSTRAINT two CHECK (b > 0), r int4range, CONSTRAINT ex EXCLUDE USING gist (r WITH &&));
-- b:
CREATE TABLE t (a integer CONSTRAINT uno UNIQUE DEFERRABLE, b integer CONSTRAINT two CHECK (b > 0) NO INHERIT, r int4range, CONSTRAINT ex EXCLUDE USING gist (r WITH &&) WHERE (NOT isempty(r)) INITIALLY DEFERRED);
-- pair: extended statistics
-- a:
CREATE TABLE t (a integer, b integer, c text);
CREATE STATISTICS s (dependencies) ON a, b FROM t;
CREATE STATISTICS x ON (a + b) FROM t;
-- b:
CREATE TABLE t (a bigint, b integer, c text);
CREATE STATISTICS s (ndistinct, mcv) ON a, b, c FROM t;
ALTER STATISTICS s SET STATISTICS 50;
CREATE STATISTICS x ON (a + b), (lower(c)) FROM t;
-- pair: rules and triggers that are disabled, or fire always
-- a:
CREATE TABLE t (a integer);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING;
ALTER TABLE t DISABLE TRIGGER x;
-- b:
CREATE TABLE t (a integer);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE RULE r AS ON INSERT TO t DO INSTEAD NOTHING;
ALTER TABLE t ENABLE ALWAYS TRIGGER x, DISABLE RULE r;
-- pair: partitioned table as pg_dump prints it
-- a:
CREATE TABLE log (id bigint NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
-- b:
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.log (
    id bigint NOT NULL,
    at date NOT NULL
)
PARTITION BY RANGE (at);
CREATE TABLE public.log_1 (
    id bigint NOT NULL,
    at date NOT NULL
);
CREATE TABLE public.log_2 (
    id bigint DEFAULT 5 NOT NULL,
    at date NOT NULL
);
ALTER TABLE ONLY public.log ATTACH PARTITION public.log_1 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE ONLY public.log ATTACH PARTITION public.log_2 FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
ALTER TABLE ONLY public.log ADD CONSTRAINT log_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.log_1 ADD CONSTRAINT log_1_pkey PRIMARY KEY (id, at);
ALTER TABLE ONLY public.log_2 ADD CONSTRAINT the_key PRIMARY KEY (id, at);
CREATE INDEX by_day ON ONLY public.log USING btree (at);
CREATE INDEX day_1 ON public.log_1 USING btree (at);
CREATE INDEX log_2_at_idx ON public.log_2 USING btree (at);
ALTER INDEX public.log_pkey ATTACH PARTITION public.log_1_pkey;
ALTER INDEX public.log_pkey ATTACH PARTITION public.the_key;
ALTER INDEX public.by_day ATTACH PARTITION public.day_1;
ALTER INDEX public.by_day ATTACH PARTITION public.log_2_at_idx;
-- pair: foreign keys from and to partitioned tables
-- a:
CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE c (id integer, p integer);
-- b:
CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE c (id integer, p integer REFERENCES p ON DELETE CASCADE);
CREATE TABLE d (p integer REFERENCES p, k text) PARTITION BY LIST (k);
CREATE TABLE d_a PARTITION OF d FOR VALUES IN ('a');
ALTER TABLE d_a ADD FOREIGN KEY (p) REFERENCES p0;
-- pair: inheritance with checks that are not inherited, and columns added to parents
-- a:
CREATE TABLE base (id serial, made timestamptz DEFAULT now(), CONSTRAINT c CHECK (id > 0));
CREATE TABLE child (note text) INHERITS (base);
CREATE TABLE grandchild () INHERITS (child);
-- b:
CREATE TABLE base (id serial, made timestamptz DEFAULT now(), by name, CONSTRAINT c CHECK (id > 0), CONSTRAINT own CHECK (id > 1) NO INHERIT);
CREATE TABLE child (note varchar(10), CONSTRAINT d CHECK (note <> '')) INHERITS (base);
CREATE TABLE grandchild (more text) INHERITS (child);
CREATE INDEX ON grandchild (note);
-- pair: table and view change places
-- a:
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT a FROM t;
-- b:
CREATE TABLE v (a integer);
CREATE VIEW t AS SELECT a FROM v;
-- pair: view becomes materialized, function becomes procedure, domain becomes enum
-- a:
CREATE VIEW v AS SELECT 1 AS a;
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS '';
CREATE DOMAIN d AS text;
-- b:
CREATE MATERIALIZED VIEW v AS SELECT 1 AS a WITH NO DATA;
CREATE PROCEDURE f() LANGUAGE sql AS '';
CREATE TYPE d AS ENUM ('x');
-- pair: function used by a default, a check, an index, a generated column, and a policy
-- a:
CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE t (a integer DEFAULT f(1) CHECK (f(a) > 0), g integer GENERATED ALWAYS AS (f(a)) STORED);
CREATE INDEX i ON t (f(a));
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (f(a) = 1);
-- b:
CREATE FUNCTION f(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TABLE t (a integer DEFAULT f(1) CHECK (f(a) > 0), g bigint GENERATED ALWAYS AS (f(a)) STORED);
CREATE INDEX i ON t (f(a));
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (f(a) = 1);
-- pair: roles are created by the target if they are missing
-- a:
CREATE TABLE t (a integer);
-- b:
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'regress_diff_a') THEN CREATE ROLE regress_diff_a NOLOGIN; END IF; END $$;
CREATE TABLE t (a integer);
ALTER TABLE t OWNER TO regress_diff_a;
GRANT ALL ON TABLE t TO regress_diff_b WITH GRANT OPTION;
GRANT UPDATE (a) ON t TO PUBLIC;
REVOKE DELETE ON t FROM regress_diff_a;
-- pair: grants of everything
-- a:
CREATE SCHEMA s;
CREATE TABLE s.t (a integer, b text);
CREATE SEQUENCE s.q;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE s.e AS ENUM ('a');
CREATE DOMAIN s.d AS text;
GRANT SELECT ON s.t TO regress_diff_a;
GRANT ALL ON SCHEMA s TO regress_diff_a;
-- b:
CREATE SCHEMA s;
CREATE TABLE s.t (a integer, b text);
CREATE SEQUENCE s.q;
CREATE FUNCTION s.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE s.e AS ENUM ('a');
CREATE DOMAIN s.d AS text;
GRANT SELECT (b), INSERT (a) ON s.t TO regress_diff_a WITH GRANT OPTION;
GRANT TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA s TO regress_diff_b;
GRANT USAGE ON SCHEMA s TO regress_diff_a, PUBLIC;
GRANT USAGE, UPDATE ON SEQUENCE s.q TO regress_diff_a;
REVOKE EXECUTE ON FUNCTION s.f() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION s.f() TO regress_diff_b;
REVOKE USAGE ON TYPE s.e FROM PUBLIC;
GRANT USAGE ON DOMAIN s.d TO regress_diff_a;
-- pair: collations
-- a:
CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-DE');
CREATE TABLE t (a text COLLATE german, b text COLLATE "C");
CREATE INDEX i ON t (b COLLATE german);
-- b:
CREATE COLLATION german (PROVIDER = icu, LOCALE = 'de-AT', DETERMINISTIC = false);
CREATE TABLE t (a text COLLATE german, b text COLLATE "POSIX");
CREATE INDEX i ON t (b COLLATE german);
-- pair: money, json, arrays, and nets change their types
-- a:
CREATE TABLE t (a money, b json, c integer[], d inet, e xml, f uuid, g bytea, h time, i timestamptz, j "char", k oid, l boolean);
-- b:
CREATE TABLE t (a numeric(12,2), b jsonb, c bigint[], d cidr, e text, f text, g text, h timetz, i date, j text, k bigint, l integer);
-- pair: last table of a schema goes, with all around it
-- a:
CREATE SCHEMA s;
CREATE TYPE s.e AS ENUM ('a');
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE s.t (id serial PRIMARY KEY, e s.e, up integer REFERENCES s.t);
CREATE TRIGGER t BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();
CREATE VIEW s.v AS SELECT * FROM s.t;
CREATE PUBLICATION p FOR TABLE s.t;
-- b:
CREATE PUBLICATION p;
-- pair: functions that use each other and tables, in any order
-- a:
-- b:
SET check_function_bodies = false;
CREATE FUNCTION a() RETURNS integer LANGUAGE sql AS 'SELECT b() + (SELECT count(*)::integer FROM z)';
CREATE FUNCTION b() RETURNS integer LANGUAGE sql AS 'SELECT 1 FROM c()';
CREATE FUNCTION c() RETURNS SETOF integer LANGUAGE sql AS 'SELECT a FROM z';
CREATE TABLE z (a integer DEFAULT a());
-- pair: functions that return rows of tables and views
-- a:
-- b:
CREATE TABLE t (a integer, b text);
CREATE VIEW v AS SELECT a FROM t;
CREATE FUNCTION rows_of_t() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION rows_of_v(v) RETURNS v LANGUAGE sql AS 'SELECT $1';
CREATE VIEW w AS SELECT r.b FROM rows_of_t() r;
CREATE FUNCTION b_of(t) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.b';
CREATE INDEX i ON t (b_of(t));
-- pair: row type of a table in other tables and functions changes
-- a:
CREATE TABLE t (a integer, b text);
CREATE FUNCTION rows_of_t() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE VIEW w AS SELECT r.b FROM rows_of_t() r;
-- b:
CREATE TABLE t (a integer, b text, c date);
CREATE FUNCTION rows_of_t() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE VIEW w AS SELECT r.b, r.c FROM rows_of_t() r;
