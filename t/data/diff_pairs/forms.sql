-- pair: IN lists of other types, row comparisons, LIKE ANY
-- a:
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE DOMAIN code AS varchar(3);
CREATE TABLE t (e mood, v varchar(9), c char(2), n name, d code, i int, big bigint, num numeric(8,2), dt date, x text[], b bytea, j jsonb, ts timestamptz, iv interval);
-- b:
CREATE TYPE mood AS ENUM ('a', 'b', 'c');
CREATE DOMAIN code AS varchar(3);
CREATE TABLE t (e mood, v varchar(9), c char(2), n name, d code, i int, big bigint, num numeric(8,2), dt date, x text[], b bytea, j jsonb, ts timestamptz, iv interval,
 CONSTRAINT c1 CHECK (e IN ('a', 'b')), CONSTRAINT c2 CHECK (v IN ('a', 'b') OR v = ANY (ARRAY['x', 'y'])), CONSTRAINT c3 CHECK (c IN ('a', 'b')), CONSTRAINT c4 CHECK (n IN ('a', 'b')),
 CONSTRAINT c5 CHECK (d IN ('a', 'b') AND d NOT IN ('x')), CONSTRAINT c6 CHECK (i IN (1, 2, 3)), CONSTRAINT c7 CHECK (big IN (1, 2, 99999999999)), CONSTRAINT c8 CHECK (num IN (1, 2.5)),
 CONSTRAINT c9 CHECK (dt IN ('2020-01-01', '2020-01-02') AND dt BETWEEN '2020-01-01' AND '2021-01-01' AND ts > '2020-01-01 00:00+00'), CONSTRAINT c10 CHECK (v LIKE ANY (ARRAY['a%', 'b%'])),
 CONSTRAINT c11 CHECK ((i, big) IN ((1, 2), (3, 4))), CONSTRAINT c12 CHECK (x <@ ARRAY['a', 'b']::text[] AND x && '{a,b}'), CONSTRAINT c13 CHECK (j ? 'a' AND j->>'b' IN ('x', 'y') AND (j->'c')::int > 0),
 CONSTRAINT c14 CHECK (iv IN ('1 day', '2 hours')), CONSTRAINT c15 CHECK (b <> '\x00'::bytea AND length(b) < 10), CONSTRAINT c16 CHECK (v SIMILAR TO '(a|b)%' AND v ~* '^[a-z]+$'),
 CONSTRAINT c17 CHECK (v::varchar(2) = 'a' AND v IN ('a'::varchar(2), 'b'::varchar)), CONSTRAINT c18 CHECK (CASE e WHEN 'a' THEN i = 1 WHEN 'b' THEN i = 2 ELSE true END),
 CONSTRAINT c19 CHECK (coalesce(v, '') || 'x' <> nullif(v, 'y')), CONSTRAINT c20 CHECK (num_nonnulls(i, big) = 1), CONSTRAINT c21 CHECK ((i IS NULL) <> (big IS NULL)), CONSTRAINT c22 CHECK (NOT (i > 1 AND big > 2)),
 CONSTRAINT c23 CHECK (extract(year FROM dt) > 2000 AND ts AT TIME ZONE 'UTC' > '2020-01-01'), CONSTRAINT c24 CHECK (x[1] = 'a' AND x[2:3] = '{b}' AND array_length(x, 1) > 1), CONSTRAINT c25 CHECK (-i < 5 AND i % 2 = 0 AND i::numeric(4,1) > -1.5));
-- pair: views of many forms
-- a:
CREATE TABLE t (a int, b text, c date, d numeric);
CREATE VIEW v1 AS SELECT a FROM t;
CREATE VIEW v2 AS SELECT a, b FROM t;
-- b:
CREATE TABLE t (a int, b text, c date, d numeric);
CREATE VIEW v1 AS WITH w AS MATERIALIZED (SELECT a, count(*) FILTER (WHERE b LIKE 'x%') AS n FROM t GROUP BY GROUPING SETS ((a), ()) HAVING count(*) > 1) SELECT w.a, w.n, row_number() OVER (PARTITION BY a ORDER BY n DESC NULLS LAST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS r FROM w ORDER BY 1 LIMIT 5 OFFSET 2;
CREATE VIEW v2 (x, y) AS SELECT a, b FROM t WHERE a IN (SELECT a FROM t WHERE b IS NOT NULL) UNION ALL SELECT 1, 'x' EXCEPT VALUES (1, 'a'), (2, 'b');
CREATE VIEW v3 WITH (security_barrier, check_option = local) AS SELECT * FROM t WHERE a > 0;
CREATE VIEW v4 AS SELECT t1.*, x.v, l.k FROM t t1 LEFT JOIN t t2 USING (a, b) CROSS JOIN LATERAL unnest(ARRAY[t1.a]) WITH ORDINALITY AS x(v, o) JOIN LATERAL (SELECT 1 AS k) l ON true;
CREATE RECURSIVE VIEW v5 (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM v5 WHERE n < 10;
CREATE VIEW v6 AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY d) AS p, string_agg(DISTINCT b, ',' ORDER BY b) AS s, array_agg(a ORDER BY a DESC) AS arr, t AS whole FROM t GROUP BY t;
CREATE VIEW v7 AS SELECT x.* FROM json_to_recordset('[]') AS x(a int, b text), generate_series(1, 3) g, ROWS FROM (unnest(ARRAY[1]), unnest(ARRAY[2])) AS z(p, q);
CREATE VIEW v8 AS SELECT a, sum(d) OVER w FROM t TABLESAMPLE bernoulli (10) REPEATABLE (1) WINDOW w AS (ORDER BY c RANGE BETWEEN '1 day'::interval PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES);
CREATE VIEW v9 AS SELECT 'a'::text AS "?column?", NULL AS nothing, (SELECT max(a) FROM t) AS m, EXISTS (SELECT FROM t) AS e, b COLLATE "C" AS bc FROM t FOR UPDATE;
-- pair: view whose column list shrinks, with a dependent chain and grants
-- a:
CREATE TABLE t (a int, b text, c int);
CREATE VIEW v1 AS SELECT a, b, c FROM t;
CREATE VIEW v2 AS SELECT a, b FROM v1;
CREATE MATERIALIZED VIEW v3 AS SELECT a FROM v2;
CREATE UNIQUE INDEX v3_a ON v3 (a);
CREATE FUNCTION f() RETURNS SETOF v2 LANGUAGE sql AS 'SELECT * FROM v2';
GRANT SELECT ON v2 TO regress_diff_a;
GRANT SELECT (a) ON v1 TO regress_diff_b;
CREATE TRIGGER tr INSTEAD OF INSERT ON v2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
COMMENT ON COLUMN v2.a IS 'c';
ALTER VIEW v2 ALTER a SET DEFAULT 5;
-- b:
CREATE TABLE t (a bigint, b text, c int);
CREATE VIEW v1 AS SELECT a, b FROM t;
CREATE VIEW v2 AS SELECT a, b FROM v1;
CREATE MATERIALIZED VIEW v3 AS SELECT a FROM v2;
CREATE UNIQUE INDEX v3_a ON v3 (a);
CREATE FUNCTION f() RETURNS SETOF v2 LANGUAGE sql AS 'SELECT * FROM v2';
GRANT SELECT ON v2 TO regress_diff_a;
GRANT SELECT (a) ON v1 TO regress_diff_b;
CREATE TRIGGER tr INSTEAD OF INSERT ON v2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
COMMENT ON COLUMN v2.a IS 'c';
ALTER VIEW v2 ALTER a SET DEFAULT 5;
-- pair: generated columns chain, type of the base changes
-- a:
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED, c text DEFAULT 'x');
CREATE INDEX ON t (b) INCLUDE (c) WHERE b > 3;
CREATE STATISTICS s (ndistinct, mcv) ON a, b FROM t;
ALTER STATISTICS s SET STATISTICS 50;
CREATE VIEW v AS SELECT b FROM t;
-- b:
CREATE TABLE t (a bigint, b bigint GENERATED ALWAYS AS (a * 2) STORED, c varchar(10) DEFAULT 'x');
CREATE INDEX ON t (b) INCLUDE (c) WHERE b > 3;
CREATE STATISTICS s (ndistinct, dependencies) ON a, b FROM t;
CREATE VIEW v AS SELECT b FROM t;
-- pair: enum used in everything, value removed
-- a:
CREATE TYPE st AS ENUM ('new', 'open', 'done', 'gone');
CREATE TABLE t (id serial PRIMARY KEY, s st NOT NULL DEFAULT 'new', ss st[] DEFAULT '{new,open}', CHECK (s <> 'gone' OR ss = '{}'));
CREATE INDEX ON t (s) WHERE s = 'open';
CREATE FUNCTION f(s st, v st[] DEFAULT ARRAY['open'::st]) RETURNS st LANGUAGE plpgsql AS 'BEGIN RETURN s; END';
CREATE FUNCTION g() RETURNS TABLE (s st, n int) LANGUAGE sql AS 'SELECT s, 1 FROM t';
CREATE VIEW v AS SELECT s, f(s) FROM t WHERE s IN ('new', 'open');
CREATE DOMAIN d AS st CHECK (VALUE <> 'done');
CREATE TYPE c AS (s st, n int);
CREATE TABLE u (d d, c c);
CREATE POLICY p ON t USING (s = 'open'::st);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW WHEN (NEW.s = 'done') EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE r AS ON DELETE TO t WHERE OLD.s = 'done' DO INSTEAD NOTHING;
-- b:
CREATE TYPE st AS ENUM ('new', 'done', 'open', 'late');
CREATE TABLE t (id serial PRIMARY KEY, s st NOT NULL DEFAULT 'late', ss st[] DEFAULT '{new,open}', CHECK (s <> 'late' OR ss = '{}'));
CREATE INDEX ON t (s) WHERE s = 'open';
CREATE FUNCTION f(s st, v st[] DEFAULT ARRAY['open'::st]) RETURNS st LANGUAGE plpgsql AS 'BEGIN RETURN s; END';
CREATE FUNCTION g() RETURNS TABLE (s st, n int) LANGUAGE sql AS 'SELECT s, 1 FROM t';
CREATE VIEW v AS SELECT s, f(s) FROM t WHERE s IN ('new', 'open');
CREATE DOMAIN d AS st CHECK (VALUE <> 'done');
CREATE TYPE c AS (s st, n int);
CREATE TABLE u (d d, c c);
CREATE POLICY p ON t USING (s = 'open'::st);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW WHEN (NEW.s = 'done') EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE r AS ON DELETE TO t WHERE OLD.s = 'done' DO INSTEAD NOTHING;
-- pair: function forms
-- a:
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g(VARIADIC a int[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p(INOUT a int) LANGUAGE plpgsql AS 'BEGIN a := 1; END';
CREATE FUNCTION h(a int, OUT b int, OUT c text) LANGUAGE sql AS 'SELECT 1, ''x''';
CREATE FUNCTION t1() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION w(int) RETURNS int LANGUAGE internal WINDOW AS 'window_row_number';
-- b:
CREATE FUNCTION f(a int, b int DEFAULT 5 + 1, c text DEFAULT 'it''s') RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 10 SET search_path = pg_catalog, public SET work_mem = '1MB' SET datestyle TO iso, dmy AS 'SELECT 1';
CREATE FUNCTION g(VARIADIC a text[] DEFAULT '{}') RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p(INOUT a int, b int DEFAULT 3) LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN a := 1; END';
CREATE FUNCTION h(a int, OUT b int, OUT d text) LANGUAGE sql RETURN (1, 'x');
CREATE FUNCTION h2(a anyelement, b anyarray) RETURNS SETOF anyelement LANGUAGE plpgsql ROWS 10 AS 'BEGIN END';
CREATE FUNCTION t1() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION f2(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT f(a) + 1; SELECT 2; END;
CREATE FUNCTION f2(a text) RETURNS int LANGUAGE sql RETURN f2(length(a));
CREATE AGGREGATE agg(int ORDER BY int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC_MODIFY = shareable);
CREATE AGGREGATE agg2(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
-- pair: overloads, one dropped, with a comment and grants each
-- a:
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'SELECT 2';
REVOKE ALL ON FUNCTION f(int) FROM PUBLIC;
COMMENT ON FUNCTION f(text) IS 'two';
CREATE VIEW v AS SELECT f(1) AS f1, f('x') AS f2;
-- b:
CREATE FUNCTION f(a bigint) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(b text) RETURNS bigint LANGUAGE sql AS 'SELECT 2';
REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION f(bigint) TO regress_diff_a WITH GRANT OPTION;
CREATE VIEW v AS SELECT f(1) AS f1, f('x') AS f2;
-- pair: serial to identity to plain, bigserial, sequence options
-- a:
CREATE TABLE a (id serial PRIMARY KEY, x int);
CREATE TABLE b (id int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 2) PRIMARY KEY);
CREATE TABLE c (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY);
CREATE TABLE d (id int PRIMARY KEY);
CREATE SEQUENCE s1 START 10 CACHE 5;
CREATE TABLE e (id int DEFAULT nextval('s1'));
ALTER SEQUENCE s1 OWNED BY e.id;
-- b:
CREATE TABLE a (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, x serial);
CREATE TABLE b (id bigint GENERATED BY DEFAULT AS IDENTITY (START 5 INCREMENT 3 CYCLE) PRIMARY KEY);
CREATE TABLE c (id bigserial PRIMARY KEY);
CREATE TABLE d (id smallserial PRIMARY KEY);
CREATE SEQUENCE s1 AS smallint START 10 CACHE 1 MAXVALUE 1000 CYCLE;
CREATE TABLE e (id int DEFAULT nextval('s1') + 1, id2 int);
ALTER SEQUENCE s1 OWNED BY e.id2;
-- pair: foreign keys of all forms
-- a:
CREATE TABLE p (a int, b int, PRIMARY KEY (a, b), UNIQUE (b, a));
CREATE TABLE c (x int, y int, CONSTRAINT k FOREIGN KEY (x, y) REFERENCES p);
-- b:
CREATE TABLE p (a int, b int, PRIMARY KEY (b, a), UNIQUE (a, b));
CREATE TABLE c2 (id int UNIQUE);
CREATE TABLE c (x int, y int, z int REFERENCES c2 (id)) ;
-- pair: foreign keys of all forms, valid
-- a:
CREATE TABLE p (a int, b int, PRIMARY KEY (a, b), UNIQUE (b, a));
CREATE TABLE c (x int, y int, CONSTRAINT k FOREIGN KEY (x, y) REFERENCES p);
-- b:
CREATE TABLE p (a int, b int, PRIMARY KEY (b, a), UNIQUE (a, b));
CREATE TABLE c (x int, y int, CONSTRAINT k FOREIGN KEY (x, y) REFERENCES p (a, b) MATCH FULL ON DELETE SET NULL (x, y) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID, self int UNIQUE REFERENCES c (self) ON DELETE SET DEFAULT);
-- pair: partitioned table made from a plain one, keys and sub-partitions
-- a:
CREATE TABLE m (id int, at date NOT NULL, r text);
CREATE INDEX m_r ON m (r);
CREATE TABLE x (id int PRIMARY KEY);
-- b:
CREATE TABLE m (id int, at date NOT NULL, r text, PRIMARY KEY (id, at, r)) PARTITION BY RANGE (at);
CREATE INDEX m_r ON m (r);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') PARTITION BY LIST (r);
CREATE TABLE m1a PARTITION OF m1 FOR VALUES IN ('a') WITH (fillfactor = 50);
CREATE TABLE m1d PARTITION OF m1 DEFAULT;
CREATE TABLE m2 PARTITION OF m FOR VALUES FROM ('2021-01-01') TO (MAXVALUE);
ALTER TABLE m2 ADD CHECK (id > 0);
CREATE UNIQUE INDEX ON m2 (r);
CREATE TABLE x (id int PRIMARY KEY, m_id int, m_at date, m_r text, FOREIGN KEY (m_id, m_at, m_r) REFERENCES m ON DELETE CASCADE);
CREATE TRIGGER tr AFTER INSERT ON m FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- pair: partition triggers, one disabled in a partition
-- a:
CREATE TABLE m (id int) PARTITION BY LIST (id);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TRIGGER tr BEFORE UPDATE ON m FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
-- b:
CREATE TABLE m (id int) PARTITION BY LIST (id);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN (1);
CREATE TRIGGER tr BEFORE UPDATE ON m FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE m1 DISABLE TRIGGER tr;
CREATE TRIGGER own AFTER DELETE ON m1 REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger('a', 'b''c');
ALTER TABLE m1 ENABLE REPLICA TRIGGER own;
-- pair: constraint triggers and enabled states
-- a:
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON t FROM u DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE ru AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (NEW.a); DELETE FROM u WHERE a = NEW.a);
-- b:
CREATE TABLE t (a int, b int);
CREATE TABLE u (a int);
CREATE CONSTRAINT TRIGGER ct AFTER INSERT OR UPDATE OF a, b ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE t ENABLE ALWAYS TRIGGER ct;
CREATE RULE ru AS ON INSERT TO t WHERE NEW.a > 0 DO INSTEAD (INSERT INTO u VALUES (NEW.a) ; UPDATE u SET a = 1 WHERE a = NEW.b);
ALTER TABLE t DISABLE RULE ru;
-- pair: policies
-- a:
CREATE TABLE t (a int, o text);
CREATE POLICY p ON t FOR SELECT TO regress_diff_a USING (a > 0);
CREATE POLICY q ON t;
-- b:
CREATE TABLE t (a int, o text);
CREATE POLICY p ON t AS RESTRICTIVE FOR ALL TO regress_diff_a, CURRENT_USER, regress_diff_b USING (a > 0 AND o = CURRENT_USER AND a = current_setting('x.y', true)::int) WITH CHECK (o = SESSION_USER OR pg_has_role(o, 'member'));
CREATE POLICY q ON t FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM t t2 WHERE t2.a = t.a));
ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- pair: grants with grant options and column grants
-- a:
CREATE SCHEMA s;
CREATE TABLE s.t (a int, b text);
GRANT ALL ON s.t TO regress_diff_a;
GRANT SELECT (a), UPDATE (b) ON s.t TO regress_diff_b WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC;
-- b:
CREATE SCHEMA s;
CREATE TABLE s.t (a int, b text);
REVOKE ALL ON s.t FROM CURRENT_USER;
GRANT SELECT, INSERT ON s.t TO regress_diff_a WITH GRANT OPTION;
GRANT SELECT (b) ON s.t TO regress_diff_b;
GRANT USAGE ON SCHEMA s TO PUBLIC;
CREATE SEQUENCE s.q;
GRANT USAGE ON SEQUENCE s.q TO regress_diff_a;
CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION s.f() FROM PUBLIC;
CREATE TYPE s.e AS ENUM ();
REVOKE USAGE ON TYPE s.e FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_diff_a IN SCHEMA s GRANT ALL ON TYPES TO regress_diff_b;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO regress_diff_b WITH GRANT OPTION;
-- pair: index forms
-- a:
CREATE TABLE t (a int, b text, j jsonb, r int4range, p point, ts tsvector);
CREATE INDEX i1 ON t (a);
CREATE UNIQUE INDEX i2 ON t (b);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t CLUSTER ON i1;
-- b:
CREATE TABLE t (a int NOT NULL, b text, j jsonb, r int4range, p point, ts tsvector);
CREATE INDEX i1 ON t (a DESC NULLS LAST, lower(b) COLLATE "C" text_pattern_ops, (a + 1)) INCLUDE (b) WITH (fillfactor = 70, deduplicate_items = off);
CREATE UNIQUE INDEX i2 ON t (a) NULLS NOT DISTINCT;
CREATE INDEX i3 ON t USING gin (j jsonb_path_ops, ts) WITH (fastupdate = off);
CREATE INDEX i4 ON t USING gist (r range_ops, p) ;
CREATE INDEX i5 ON t USING brin (a int4_minmax_multi_ops(values_per_range = 16)) WITH (pages_per_range = 4);
CREATE INDEX i6 ON t USING hash (b);
CREATE INDEX i7 ON t USING spgist (p kd_point_ops);
CREATE INDEX i8 ON t ((j->>'a'), ((j->'b')::text), (b || 'x') text_pattern_ops) WHERE j IS NOT NULL AND b <> '';
CREATE INDEX i9 ON t USING gist (ts tsvector_ops (siglen = 100));
ALTER INDEX i1 ALTER COLUMN 3 SET STATISTICS 50;
ALTER TABLE t REPLICA IDENTITY USING INDEX i2;
ALTER TABLE t CLUSTER ON i4;
COMMENT ON INDEX i1 IS 'one';
-- pair: index forms without the hash cluster
-- a:
CREATE TABLE t (a int NOT NULL, b text, EXCLUDE USING gist (int4range(a, a + 1) WITH &&) WHERE (a > 0));
CREATE UNIQUE INDEX i2 ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX i2;
ALTER TABLE t CLUSTER ON i2;
ALTER TABLE t ADD CONSTRAINT u UNIQUE (b) NOT DEFERRABLE;
-- b:
CREATE TABLE t (a int NOT NULL, b text, CONSTRAINT ex EXCLUDE USING gist (int4range(a, a + 2) WITH &&, int4range(a, 7) WITH =) WHERE (a > 0) DEFERRABLE INITIALLY DEFERRED);
CREATE UNIQUE INDEX i2 ON t (a) INCLUDE (b);
ALTER TABLE t REPLICA IDENTITY USING INDEX i2;
ALTER TABLE t CLUSTER ON i2;
ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (b) INCLUDE (a) WITH (fillfactor = 30) DEFERRABLE;
COMMENT ON CONSTRAINT u ON t IS 'u';
COMMENT ON INDEX u IS 'ui';
-- pair: table settings
-- a:
CREATE TABLE t (a int, b text, c text);
CREATE UNLOGGED TABLE u (id serial, a text);
-- b:
CREATE UNLOGGED TABLE t (a int, b text COMPRESSION lz4, c text) WITH (fillfactor = 50, autovacuum_enabled = false, toast.autovacuum_enabled = off, parallel_workers = 0);
CREATE TABLE u (id serial, a text);
ALTER TABLE t ALTER a SET STATISTICS 0, ALTER a SET (n_distinct = -0.5, n_distinct_inherited = 5), ALTER c SET STORAGE MAIN;
ALTER TABLE t REPLICA IDENTITY NOTHING;
-- pair: domains and their constraints
-- a:
CREATE DOMAIN d AS text DEFAULT 'x' CHECK (VALUE <> '') NOT NULL;
CREATE DOMAIN e AS d;
CREATE DOMAIN ar AS int[] CHECK (array_length(VALUE, 1) < 3);
CREATE TABLE t (d d, e e, x d[], ar ar);
-- b:
CREATE DOMAIN d AS text COLLATE "C" DEFAULT 'y' CONSTRAINT nonempty CHECK (length(VALUE) > 0);
CREATE DOMAIN e AS d CHECK (VALUE LIKE 'a%');
CREATE DOMAIN ar AS int[] DEFAULT '{}' CHECK (array_length(VALUE, 1) BETWEEN 1 AND 5 AND VALUE[1] IS NOT NULL);
CREATE TABLE t (d d, e e, x d[], ar ar);
COMMENT ON CONSTRAINT nonempty ON DOMAIN d IS 'full';
-- pair: names that need quotes everywhere
-- a:
CREATE SCHEMA "S ""1";
CREATE TABLE "S ""1"."T.a" ("select" int, "B b" text);
-- b:
CREATE SCHEMA "S ""1";
CREATE TYPE "S ""1"."ty'pe" AS ENUM ('it''s', 'b\c');
CREATE TABLE "S ""1"."T.a" ("select" int DEFAULT 1, "B b" text CHECK ("B b" <> $$it's$$), "ty" "S ""1"."ty'pe" DEFAULT 'it''s', "U" int GENERATED ALWAYS AS IDENTITY);
CREATE INDEX "in;dex" ON "S ""1"."T.a" (("select" + 1), lower("B b"));
CREATE VIEW "S ""1"."View" AS SELECT "select" AS "from", "B b" FROM "S ""1"."T.a";
CREATE FUNCTION "S ""1"."F"("Arg" "S ""1"."ty'pe" DEFAULT 'b\c') RETURNS TABLE ("Out" int) LANGUAGE sql AS $$SELECT 1$$;
CREATE TRIGGER "tr g" BEFORE INSERT ON "S ""1"."T.a" FOR EACH ROW WHEN (NEW."select" > 0) EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE POLICY "p-1" ON "S ""1"."T.a" USING ("select" = 1);
COMMENT ON COLUMN "S ""1"."T.a"."B b" IS E'line\nend\\';
-- pair: from empty to a shop with cycles
-- a:
-- b:
CREATE TABLE a (id int PRIMARY KEY, b_id int, n int DEFAULT 0);
CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, CHECK (id > 0));
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b DEFERRABLE;
CREATE FUNCTION total(a) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM b WHERE b.a_id = $1.id';
CREATE VIEW v AS SELECT a.*, total(a) FROM a;
CREATE FUNCTION next_n() RETURNS int LANGUAGE sql AS 'SELECT coalesce(max(n), 0) + 1 FROM a';
ALTER TABLE a ALTER n SET DEFAULT next_n();
ALTER TABLE b ADD CHECK (total(NULL::a) >= 0 OR id > 5);
CREATE FUNCTION vv() RETURNS SETOF v LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM v; END';
CREATE MATERIALIZED VIEW mv AS SELECT * FROM vv() WITH NO DATA;
-- pair: to an empty database from a shop with cycles
-- a:
CREATE TABLE a (id int PRIMARY KEY, b_id int, n int DEFAULT 0);
CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, CHECK (id > 0));
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b DEFERRABLE;
CREATE FUNCTION total(a) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM b WHERE b.a_id = $1.id';
CREATE VIEW v AS SELECT a.*, total(a) FROM a;
CREATE FUNCTION next_n() RETURNS int LANGUAGE sql AS 'SELECT coalesce(max(n), 0) + 1 FROM a';
ALTER TABLE a ALTER n SET DEFAULT next_n();
ALTER TABLE b ADD CHECK (total(NULL::a) >= 0 OR id > 5);
CREATE FUNCTION vv() RETURNS SETOF v LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM v; END';
CREATE MATERIALIZED VIEW mv AS SELECT * FROM vv() WITH NO DATA;
-- b:
-- pair: schemas exchange their tables
-- a:
CREATE SCHEMA x;
CREATE SCHEMA y;
CREATE TABLE x.t (a int PRIMARY KEY);
CREATE TABLE y.u (a int PRIMARY KEY REFERENCES x.t);
CREATE SEQUENCE y.s;
-- b:
CREATE SCHEMA x;
CREATE SCHEMA y AUTHORIZATION regress_diff_a;
CREATE TABLE y.t (a int PRIMARY KEY);
CREATE TABLE x.u (a int PRIMARY KEY REFERENCES y.t, s int);
-- pair: schemas exchange their tables, valid
-- a:
CREATE SCHEMA x;
CREATE SCHEMA y;
CREATE TABLE x.t (a int PRIMARY KEY);
CREATE TABLE y.u (a int PRIMARY KEY REFERENCES x.t);
CREATE SEQUENCE y.s;
-- b:
CREATE SCHEMA x;
CREATE SCHEMA y AUTHORIZATION regress_diff_a;
CREATE TABLE y.t (a int PRIMARY KEY);
CREATE SEQUENCE y.s OWNED BY y.t.a;
CREATE TABLE x.u (a int PRIMARY KEY REFERENCES y.t, s int DEFAULT nextval('y.s'::regclass));
COMMENT ON SCHEMA y IS 'why';
-- pair: names exchanged among kinds
-- a:
CREATE TABLE t (a int);
CREATE VIEW v AS SELECT 1 AS a;
CREATE SEQUENCE s;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
CREATE TYPE ty AS (a int);
CREATE INDEX i ON t (a);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE g(int) (SFUNC = int4pl, STYPE = int);
-- b:
CREATE VIEW t AS SELECT 1 AS a;
CREATE TABLE v (a int);
CREATE TABLE s (m int);
CREATE SEQUENCE m;
CREATE DOMAIN ty AS int;
CREATE TABLE i (a int);
CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE f(int) (SFUNC = int4pl, STYPE = int);
-- pair: typed tables and composite types
-- a:
CREATE TYPE c AS (a int, b text);
CREATE TABLE t OF c (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'x');
CREATE FUNCTION f(c) RETURNS c LANGUAGE sql AS 'SELECT $1';
-- b:
CREATE TYPE c AS (a int, b varchar(10), d date);
CREATE TABLE t OF c (PRIMARY KEY (a), b WITH OPTIONS NOT NULL);
CREATE FUNCTION f(c) RETURNS c LANGUAGE sql AS 'SELECT $1';
-- pair: operators, classes, casts
-- a:
CREATE TYPE pt AS (x int, y int);
CREATE FUNCTION pt_eq(pt, pt) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1.x = $2.x';
CREATE FUNCTION pt_text(pt) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1.x::text';
CREATE OPERATOR === (LEFTARG = pt, RIGHTARG = pt, FUNCTION = pt_eq, COMMUTATOR = ===);
CREATE CAST (pt AS text) WITH FUNCTION pt_text(pt) AS ASSIGNMENT;
-- b:
CREATE TYPE pt AS (x int, y int);
CREATE FUNCTION pt_eq(pt, pt) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1.x = $2.x';
CREATE FUNCTION pt_ne(pt, pt) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT $1.x <> $2.x';
CREATE FUNCTION pt_text(pt) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1.x::text';
CREATE OPERATOR === (LEFTARG = pt, RIGHTARG = pt, FUNCTION = pt_eq, COMMUTATOR = ===, NEGATOR = !==, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR !== (LEFTARG = pt, RIGHTARG = pt, FUNCTION = pt_ne, NEGATOR = ===);
CREATE CAST (pt AS text) WITH FUNCTION pt_text(pt) AS IMPLICIT;
CREATE VIEW v AS SELECT ROW(1, 2)::pt === ROW(2, 3)::pt AS e, ROW(1, 2)::pt::text AS t;
CREATE COLLATION german (provider = icu, locale = 'de-DE');
CREATE TABLE w (a text COLLATE german, UNIQUE (a));
CREATE TEXT SEARCH DICTIONARY di (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION co (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION co ADD MAPPING FOR word, asciiword WITH di, english_stem;
CREATE INDEX wi ON w USING gin (to_tsvector('co'::regconfig, a));
-- pair: comments on everything and gone
-- a:
CREATE TABLE t (a int PRIMARY KEY, b text CHECK (b <> ''));
COMMENT ON TABLE t IS 't'; COMMENT ON COLUMN t.a IS 'a'; COMMENT ON CONSTRAINT t_pkey ON t IS 'pk'; COMMENT ON CONSTRAINT t_b_check ON t IS 'ck'; COMMENT ON INDEX t_pkey IS 'ix';
CREATE VIEW v AS SELECT * FROM t; COMMENT ON VIEW v IS 'v'; COMMENT ON COLUMN v.a IS 'va';
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f(int) IS 'f';
CREATE TYPE e AS ENUM ('a'); COMMENT ON TYPE e IS 'e';
CREATE SEQUENCE s; COMMENT ON SEQUENCE s IS 's';
-- b:
CREATE TABLE t (a int PRIMARY KEY, b text CHECK (b <> ''));
COMMENT ON TABLE t IS 'T'; COMMENT ON COLUMN t.b IS 'a';
CREATE VIEW v AS SELECT * FROM t;  COMMENT ON COLUMN v.b IS 'va';
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE e AS ENUM ('a'); COMMENT ON TYPE e IS 'E';
CREATE SEQUENCE s;
COMMENT ON SCHEMA public IS 'my own';
-- pair: publications and event triggers
-- a:
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE SCHEMA s;
CREATE PUBLICATION p FOR TABLE t;
CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION ev();
-- b:
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE SCHEMA s;
CREATE PUBLICATION p FOR TABLE t WHERE (a > 5 AND a BETWEEN 1 AND 10 AND a <> 7), TABLES IN SCHEMA s WITH (publish = 'insert', publish_via_partition_root);
CREATE PUBLICATION q FOR ALL TABLES;
CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION ev();
ALTER EVENT TRIGGER e DISABLE;
-- pair: extensions
-- a:
CREATE EXTENSION citext;
CREATE TABLE t (a citext);
-- b:
CREATE SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
CREATE EXTENSION pg_trgm;
CREATE TABLE t (a citext CHECK (a IN ('x', 'y')), h ext.hstore DEFAULT 'a=>1', UNIQUE (a));
CREATE INDEX ON t USING gin (a gin_trgm_ops) WHERE a > 'b';
-- pair: column type changes of every kind
-- a:
CREATE TABLE t (a text, b varchar(10), c int, d timestamp, e text[], f json, g char(3), h int, i text, j numeric, k boolean, l uuid DEFAULT gen_random_uuid(), m bytea, n text DEFAULT '5', o date DEFAULT now());
-- b:
CREATE TABLE t (a int, b varchar(5), c boolean, d timestamptz DEFAULT CURRENT_TIMESTAMP, e int[] DEFAULT '{}', f jsonb DEFAULT '{"a": 1}', g varchar(3), h text[], i uuid, j money, k int, l text, m text, n int DEFAULT 5, o timestamptz DEFAULT now());
-- pair: function body names a later function, table function used by a view that changes
-- a:
CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW v AS SELECT a() AS x;
-- b:
CREATE FUNCTION z() RETURNS text LANGUAGE sql AS 'SELECT ''z''::text';
CREATE FUNCTION a() RETURNS text LANGUAGE sql AS 'SELECT z()';
CREATE VIEW v AS SELECT a() AS x, z() AS y;
CREATE TABLE t (x text DEFAULT a(), y text GENERATED ALWAYS AS (upper(b)) STORED, b text);
-- pair: unique index to constraint and back
-- a:
CREATE TABLE t (a int NOT NULL, b int);
CREATE UNIQUE INDEX u1 ON t (a);
ALTER TABLE t ADD CONSTRAINT u2 UNIQUE (b);
CREATE TABLE f (a int REFERENCES t (a), b int REFERENCES t (b));
-- b:
CREATE TABLE t (a int NOT NULL, b int);
ALTER TABLE t ADD CONSTRAINT u1 PRIMARY KEY (a);
CREATE UNIQUE INDEX u2 ON t (b);
CREATE TABLE f (a int REFERENCES t (a), b int REFERENCES t (b));
-- pair: database made of shell, base types
-- a:
CREATE TYPE sh;
-- b:
CREATE TYPE bt;
CREATE FUNCTION bt_in(cstring) RETURNS bt IMMUTABLE STRICT LANGUAGE internal AS 'int4in';
CREATE FUNCTION bt_out(bt) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'int4out';
CREATE TYPE bt (INPUT = bt_in, OUTPUT = bt_out, LIKE = int4);
CREATE TABLE t (a bt, b bt[]);
CREATE CAST (bt AS int) WITHOUT FUNCTION;
-- pair: range with other subtype used in partition key and index
-- a:
CREATE TYPE fr AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
CREATE TABLE t (r fr, EXCLUDE USING gist (r WITH &&));
-- b:
CREATE TYPE fr AS RANGE (SUBTYPE = float8);
CREATE TABLE t (r fr DEFAULT '[1,2]', EXCLUDE USING gist (r WITH &&));
-- pair: tables with a rename in the same place, column order mixed
-- a:
CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL, email text UNIQUE, created timestamptz DEFAULT now());
CREATE TABLE posts (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE, body text);
CREATE INDEX posts_user ON posts (user_id);
-- b:
CREATE TABLE accounts (id bigserial PRIMARY KEY, full_name text NOT NULL, email varchar(255) NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), CONSTRAINT accounts_email UNIQUE (email));
CREATE TABLE posts (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts ON DELETE SET NULL, body text NOT NULL DEFAULT '', tags text[] NOT NULL DEFAULT '{}');
CREATE INDEX posts_account ON posts (account_id) WHERE body <> '';
-- pair: partition becomes a table, table a partition, default partition moves
-- a:
CREATE TABLE m (id int, k text) PARTITION BY LIST (k);
CREATE TABLE m_a PARTITION OF m FOR VALUES IN ('a');
CREATE TABLE m_b (id int, k text);
CREATE TABLE m_d PARTITION OF m DEFAULT;
CREATE INDEX ON m (id);
-- b:
CREATE TABLE m (id int, k text) PARTITION BY LIST (k);
CREATE TABLE m_a (id int, k text);
CREATE TABLE m_b PARTITION OF m FOR VALUES IN ('b', 'a');
CREATE TABLE m_d PARTITION OF m FOR VALUES IN ('d');
CREATE TABLE m_x PARTITION OF m DEFAULT PARTITION BY HASH (id);
CREATE TABLE m_x0 PARTITION OF m_x FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m_x1 PARTITION OF m_x FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE UNIQUE INDEX ON m (id, k);
-- pair: partition key by expression, with a function and a collation
-- a:
CREATE TABLE m (id int, k text, at timestamp) PARTITION BY RANGE (date_trunc('month', at), k COLLATE "C");
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2020-01-01', MINVALUE) TO ('2020-02-01', MAXVALUE);
-- b:
CREATE TABLE m (id int, k text NOT NULL, at timestamp, n int DEFAULT 4 CHECK (n BETWEEN 1 AND 9 AND id > 0)) PARTITION BY RANGE (date_trunc('month', at), k COLLATE "C");
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2020-01-01', 'b') TO ('2020-02-01', MAXVALUE);
CREATE TABLE m2 PARTITION OF m (n DEFAULT 5, CHECK (id < 100)) FOR VALUES FROM ('2020-03-01', MINVALUE) TO (MAXVALUE, MAXVALUE);
-- pair: foreign key to a partitioned table and from one, altered
-- a:
CREATE TABLE p (id int PRIMARY KEY, x int) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE c (id int, p_id int REFERENCES p) PARTITION BY LIST (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1);
-- b:
CREATE TABLE p (id int PRIMARY KEY, x int, UNIQUE (x, id)) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE c (id int, p_id int, p_x int, FOREIGN KEY (p_x, p_id) REFERENCES p (x, id) ON DELETE CASCADE DEFERRABLE) PARTITION BY LIST (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1);
-- pair: materialized view chain with indexes, tablespace options and a column renamed
-- a:
CREATE TABLE t (a int, b int);
CREATE MATERIALIZED VIEW m1 AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m1_a ON m1 (a);
CREATE MATERIALIZED VIEW m2 WITH (fillfactor = 70) AS SELECT max(n) AS n FROM m1 WITH NO DATA;
ALTER MATERIALIZED VIEW m1 ALTER a SET STATISTICS 7;
GRANT SELECT ON m2 TO regress_diff_a;
CREATE VIEW v AS SELECT * FROM m2;
-- b:
CREATE TABLE t (a bigint, b int);
CREATE MATERIALIZED VIEW m1 AS SELECT a AS aa, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m1_a ON m1 (aa);
CREATE MATERIALIZED VIEW m2 WITH (fillfactor = 80) AS SELECT max(n) AS n FROM m1;
GRANT SELECT ON m2 TO regress_diff_a;
CREATE VIEW v AS SELECT * FROM m2;
COMMENT ON MATERIALIZED VIEW m2 IS 'm';
CREATE STATISTICS st ON aa, n FROM m1;
-- pair: rule views and updatable views with defaults, check options
-- a:
CREATE TABLE t (a int, b text);
CREATE VIEW v WITH (check_option = cascaded) AS SELECT a, b FROM t WHERE a > 0;
CREATE RULE r AS ON UPDATE TO v DO INSTEAD UPDATE t SET b = NEW.b WHERE t.a = OLD.a;
-- b:
CREATE TABLE t (a int, b text, c text);
CREATE VIEW v WITH (security_invoker = true, check_option = local) AS SELECT a, b, c FROM t WHERE a > 0;
CREATE RULE r AS ON UPDATE TO v DO INSTEAD UPDATE t SET b = NEW.b, c = (SELECT max(c) FROM t) WHERE t.a = OLD.a RETURNING t.*;
CREATE RULE i AS ON INSERT TO v DO INSTEAD INSERT INTO t (a, b) VALUES (NEW.a, coalesce(NEW.b, 'x')) ON CONFLICT DO NOTHING;
-- pair: supabase-like schema
-- a:
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text);
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, name text);
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON profiles FOR ALL USING (auth.uid() = id);
-- b:
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS $$ SELECT nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
CREATE FUNCTION auth.role() RETURNS text STABLE LANGUAGE sql AS $$ SELECT current_setting('request.jwt.claim.role', true) $$;
CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(255) UNIQUE, meta jsonb);
CREATE FUNCTION handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$ BEGIN INSERT INTO public.profiles (id) VALUES (NEW.id); RETURN NEW; END $$;
CREATE TRIGGER on_user AFTER INSERT ON auth.users FOR EACH ROW EXECUTE PROCEDURE handle_new_user();
CREATE TABLE profiles (id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, name text CHECK (char_length(name) >= 3 AND char_length(name) <= 20 AND name <> ''), age int CHECK (age BETWEEN 0 AND 150 AND age <> 13));
ALTER TABLE profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON profiles FOR UPDATE TO public USING ((SELECT auth.uid()) = id) WITH CHECK (auth.role() IN ('a', 'b') AND (SELECT auth.uid()) = id);
CREATE POLICY "Public profiles are viewable by everyone." ON profiles FOR SELECT USING (true);
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_diff_a;
-- pair: domain in array in composite in table
-- a:
CREATE DOMAIN pos AS int CHECK (VALUE > 0);
CREATE TYPE item AS (n pos, tags text[]);
CREATE TABLE t (lines item[], one item);
CREATE FUNCTION f(l item) RETURNS pos LANGUAGE sql AS 'SELECT (l).n';
CREATE VIEW v AS SELECT (one).n, f(one) AS m FROM t;
-- b:
CREATE DOMAIN pos AS int CHECK (VALUE > 1) DEFAULT 5;
CREATE TYPE item AS (n pos, tags text[], price numeric(8,2));
CREATE TABLE t (lines item[], one item);
CREATE FUNCTION f(l item) RETURNS pos LANGUAGE sql AS 'SELECT (l).n';
CREATE VIEW v AS SELECT (one).n, (one).price, f(one) AS m FROM t;
-- pair: identity column becomes serial-like with own sequence, in an unlogged table
-- a:
CREATE UNLOGGED TABLE t (id int GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME tt MINVALUE 10 MAXVALUE 100 START 20), x int);
COMMENT ON SEQUENCE tt IS 'tt';
GRANT SELECT ON SEQUENCE tt TO regress_diff_a;
-- b:
CREATE SEQUENCE tt AS int MINVALUE 5;
CREATE TABLE t (id bigint DEFAULT nextval('tt') NOT NULL, x int GENERATED BY DEFAULT AS IDENTITY (START 3));
ALTER SEQUENCE tt OWNED BY t.id;
-- pair: self-referencing things
-- a:
CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t, path text);
-- b:
CREATE TABLE t (id int, parent int, path text, PRIMARY KEY (id, path), FOREIGN KEY (parent, path) REFERENCES t, EXCLUDE (parent WITH =));
CREATE FUNCTION kids(t) RETURNS SETOF t STABLE LANGUAGE sql AS 'SELECT * FROM t WHERE parent = $1.id';
CREATE FUNCTION depth(t) RETURNS int STABLE LANGUAGE sql AS 'SELECT 1 + coalesce((SELECT max(depth(k)) FROM t k WHERE k.parent = $1.id), 0)';
ALTER TABLE t ADD d int GENERATED ALWAYS AS (id * 2) STORED;
CREATE INDEX ON t (d);
-- pair: extension moves, its types used, member functions granted
-- a:
CREATE EXTENSION hstore;
CREATE TABLE t (h hstore);
CREATE INDEX ON t USING gin (h);
-- b:
CREATE SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION "uuid-ossp" SCHEMA ext;
CREATE TABLE t (h ext.hstore, id uuid DEFAULT ext.uuid_generate_v4());
CREATE INDEX ON t USING gin (h);
CREATE VIEW v AS SELECT (h OPERATOR(ext.->) 'a') AS a FROM t;
-- pair: text search, everything altered
-- a:
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION c (COPY = english);
ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH d, simple;
CREATE TABLE t (b text, v tsvector GENERATED ALWAYS AS (to_tsvector('c'::regconfig, b)) STORED);
CREATE INDEX ON t USING gin (v);
-- b:
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH CONFIGURATION c (COPY = english);
ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word, hword WITH d;
ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING FOR url;
CREATE TABLE t (b text, v tsvector GENERATED ALWAYS AS (setweight(to_tsvector('c'::regconfig, coalesce(b, '')), 'A')) STORED);
CREATE INDEX ON t USING gin (v);
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('v', 'public.c', 'b');
