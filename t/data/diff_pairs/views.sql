-- pair: made and dropped
CREATE TABLE t (a integer, b text);
-- a:
CREATE VIEW v1 AS SELECT a FROM t;
-- b:
CREATE VIEW v2 AS SELECT b FROM t WHERE a > 0;
-- pair: column appended
CREATE TABLE t (a integer, b text);
-- a:
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO regress_diff_a;
-- b:
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT a FROM v;
GRANT SELECT ON v TO regress_diff_a;
-- pair: column removed and renamed
CREATE TABLE t (a integer, b text);
-- a:
CREATE VIEW v AS SELECT a, b FROM t;
CREATE VIEW w AS SELECT b FROM v;
-- b:
CREATE VIEW v AS SELECT b AS c FROM t;
CREATE VIEW w AS SELECT c FROM v;
-- pair: type of a column
CREATE TABLE t (a integer, b text);
-- a:
CREATE VIEW v AS SELECT a FROM t;
-- b:
CREATE VIEW v AS SELECT a::bigint AS a FROM t;
-- pair: chain of views in the order of the alphabet's end
CREATE TABLE t (a integer);
-- a:
-- b:
CREATE VIEW z AS SELECT a FROM t;
CREATE VIEW y AS SELECT a FROM z;
CREATE VIEW x AS SELECT a FROM y JOIN z USING (a);
-- pair: bottom of a chain changes
CREATE TABLE t (a integer, b integer);
-- a:
CREATE VIEW z AS SELECT a FROM t;
CREATE VIEW y AS SELECT a FROM z;
CREATE MATERIALIZED VIEW m AS SELECT a FROM y WITH NO DATA;
COMMENT ON VIEW y IS 'kept';
-- b:
CREATE VIEW z AS SELECT b AS a, a AS b FROM t;
CREATE VIEW y AS SELECT a FROM z;
CREATE MATERIALIZED VIEW m AS SELECT a FROM y WITH NO DATA;
COMMENT ON VIEW y IS 'kept';
-- pair: options
CREATE TABLE t (a integer);
-- a:
CREATE VIEW v1 WITH (security_barrier) AS SELECT a FROM t;
CREATE VIEW v2 AS SELECT a FROM t WHERE a > 0;
-- b:
CREATE VIEW v1 WITH (security_invoker = true) AS SELECT a FROM t;
CREATE VIEW v2 AS SELECT a FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;
-- pair: recursive
-- a:
-- b:
CREATE RECURSIVE VIEW n (i) AS SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10;
-- pair: defaults and comments on columns of a view
CREATE TABLE t (a integer, b text);
CREATE VIEW v AS SELECT a, b FROM t;
-- a:
ALTER VIEW v ALTER a SET DEFAULT 1;
COMMENT ON COLUMN v.a IS 'one';
-- b:
ALTER VIEW v ALTER b SET DEFAULT 'x';
COMMENT ON COLUMN v.b IS 'two';
-- pair: materialized view and its indexes
CREATE TABLE t (a integer, b text);
-- a:
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE UNIQUE INDEX m_a ON m (a);
-- b:
CREATE MATERIALIZED VIEW m WITH (fillfactor = 50) AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m_a ON m (a);
CREATE INDEX m_n ON m (n);
-- pair: materialized view with data and without
CREATE TABLE t (a integer);
-- a:
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
-- b:
CREATE MATERIALIZED VIEW m AS SELECT a FROM t WITH NO DATA;
-- pair: view becomes a materialized view
CREATE TABLE t (a integer);
-- a:
CREATE VIEW v AS SELECT a FROM t;
-- b:
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
-- pair: view on a dropped table, another in its place
-- a:
CREATE TABLE old (a integer);
CREATE VIEW v AS SELECT a FROM old;
-- b:
CREATE TABLE new (a integer);
CREATE VIEW v AS SELECT a FROM new;
-- pair: group by the primary key
-- a:
CREATE TABLE t (id integer PRIMARY KEY, a text);
-- b:
CREATE TABLE t (id integer PRIMARY KEY, a text);
CREATE VIEW v AS SELECT id, a, count(*) AS n FROM t GROUP BY id;
-- pair: primary key under a group by changes
-- a:
CREATE TABLE t (id integer PRIMARY KEY, a text);
CREATE VIEW v AS SELECT id, a, count(*) AS n FROM t GROUP BY id;
-- b:
CREATE TABLE t (id integer, a text, CONSTRAINT t_pkey PRIMARY KEY (id) INCLUDE (a));
CREATE VIEW v AS SELECT id, a, count(*) AS n FROM t GROUP BY id;
-- pair: two views of each other by a rule
-- a:
-- b:
CREATE TABLE t (a integer);
CREATE VIEW v AS SELECT a FROM t;
CREATE VIEW w AS SELECT a FROM v;
CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO w VALUES (new.a);
-- pair: window, lateral, grouping sets, and casts
CREATE TABLE t (a integer, b text, c varchar(5));
-- a:
-- b:
CREATE VIEW v AS SELECT DISTINCT ON (a) a, b, row_number() OVER w AS n, c IN ('x', 'y') AS k FROM t WINDOW w AS (PARTITION BY b ORDER BY a) ORDER BY a;
CREATE VIEW w AS SELECT a, b, sum(a) AS s FROM t GROUP BY GROUPING SETS ((a), (b), ());
CREATE VIEW x AS SELECT t.a, l.y FROM t, LATERAL (SELECT t.a + 1 AS y) l ORDER BY 1 FETCH FIRST 3 ROWS WITH TIES;
-- pair: new materialized views read one without data
CREATE TABLE t (a integer);
-- a:
CREATE MATERIALIZED VIEW m AS SELECT a FROM t WITH NO DATA;
CREATE MATERIALIZED VIEW o AS SELECT a FROM t;
-- b:
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE VIEW v AS SELECT a FROM m;
CREATE MATERIALIZED VIEW n AS SELECT a FROM v;
CREATE MATERIALIZED VIEW o AS SELECT a, (SELECT count(*) FROM n) AS b FROM t;
-- pair: BETWEEN followed by AND
-- a:
CREATE TABLE t (a integer, b integer);
-- b:
CREATE TABLE t (a integer, b integer, c boolean GENERATED ALWAYS AS (a BETWEEN 1 AND 10 AND b > 0) STORED,
	d boolean DEFAULT (1 BETWEEN 1 AND 10 AND 2 > 0),
	CHECK (a BETWEEN 1 AND 10 AND b > 0), CHECK (a > 0 AND b BETWEEN 1 AND 10), CHECK ((a < 0 OR a > 4) OR b > 3 OR (b < 0 OR b > 9)),
	EXCLUDE (a WITH =) WHERE (a BETWEEN 1 AND 10 AND b > 0));
CREATE INDEX ON t (a) WHERE a BETWEEN 1 AND 10 AND b > 0;
CREATE INDEX ON t ((a BETWEEN 1 AND 10 AND b > 0));
CREATE VIEW v AS SELECT a, a BETWEEN 1 AND 10 AND b > 0 AS x FROM t WHERE a BETWEEN 1 AND 10 AND b > 0 AND NOT EXISTS (SELECT FROM t);
CREATE MATERIALIZED VIEW mv AS SELECT a FROM t WHERE a BETWEEN 1 AND 10 AND b > 0;
CREATE POLICY x ON t FOR DELETE USING (a BETWEEN 1 AND 100 AND EXISTS (SELECT FROM t));
CREATE DOMAIN d AS integer CHECK (value BETWEEN 1 AND 10 AND value <> 5);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.a BETWEEN 1 AND 10 AND NEW.b > 0) EXECUTE FUNCTION f();
CREATE RULE u AS ON UPDATE TO t WHERE NEW.a BETWEEN 1 AND 10 AND NEW.b > 0 DO NOTHING;
CREATE FUNCTION g(a integer, b integer) RETURNS boolean LANGUAGE sql BEGIN ATOMIC SELECT a BETWEEN 1 AND 10 AND b > 0; END;
CREATE STATISTICS s ON a, (a BETWEEN 1 AND 10 AND b > 0) FROM t;
-- pair: NOT BETWEEN followed by OR, in a loaded database
-- a:
CREATE TABLE t (a integer, b integer, s varchar(5), CHECK ((a < 1 OR a > 10) OR b > 0),
	CONSTRAINT y CHECK ((a >= 1 AND a <= 10) AND b > 0));
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $_$ SELECT '(((a >= 1) AND (a <= 10)) AND (b > 0))' WHERE (((1 >= 1) AND (1 <= 10)) AND (2 > 0)) $_$;
-- b:
CREATE TABLE t (a integer, b integer, s varchar(5), CHECK (a NOT BETWEEN 1 AND 10 OR b > 0), CHECK (s BETWEEN 'a' AND 'b' AND lower(s) BETWEEN -1 || 'x' AND COALESCE(s, 'x') AND a + b BETWEEN a * 2 AND b - 3 AND a IS NOT NULL),
	CONSTRAINT y CHECK (a BETWEEN 1 AND 10 AND b > 0),
	CHECK (b BETWEEN SYMMETRIC a AND 5 AND (a, b) < (3, 4) OR (a, b) = (1, 2) AND a <> 3), CHECK (a NOT BETWEEN SYMMETRIC 1 AND 5 AND b NOT IN (a, 1, 4) OR a IN (1, b) OR s IN ('a', 'b')));
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $_$ SELECT '(((a >= 1) AND (a <= 10)) AND (b > 0))' WHERE (((1 >= 1) AND (1 <= 10)) AND (2 > 0)) $_$;
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $_$ SELECT '(((a >= 1) AND (a <= 10)) AND (b > 0))'::varchar WHERE (((1 >= 1) AND (1 <= 10)) AND (2 > 0)) $_$;
COMMENT ON TABLE t IS '(((a >= 1) AND (a <= 10)) AND (b > 0))';
