-- pair: expressions in checks
-- a:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
-- b:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
ALTER TABLE t ADD CONSTRAINT k0 CHECK (a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3));
ALTER TABLE t ADD CONSTRAINT k1 CHECK (a IN (b) AND a > 0);
ALTER TABLE t ADD CONSTRAINT k2 CHECK (a IN (b, a + 1) OR a = 9);
ALTER TABLE t ADD CONSTRAINT k3 CHECK (v NOT IN ('a', 'b') AND v <> 'c');
ALTER TABLE t ADD CONSTRAINT k4 CHECK ((a, b) = (1, 2) AND v = 'x');
ALTER TABLE t ADD CONSTRAINT k5 CHECK ((a, b) <> (1, 2) OR v = 'x');
ALTER TABLE t ADD CONSTRAINT k6 CHECK ((a, b) IN ((1, 2)) AND v = 'x');
ALTER TABLE t ADD CONSTRAINT k7 CHECK (NOT (a BETWEEN 1 AND 2) AND b > 1);
ALTER TABLE t ADD CONSTRAINT k8 CHECK (NOT (a BETWEEN 1 AND 2 AND b > 1));
ALTER TABLE t ADD CONSTRAINT k9 CHECK ((a BETWEEN 1 AND 2) IS TRUE AND b > 1);
ALTER TABLE t ADD CONSTRAINT k10 CHECK (a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x');
ALTER TABLE t ADD CONSTRAINT k11 CHECK ((a BETWEEN 1 AND 2 AND b > 1) OR v = 'x');
ALTER TABLE t ADD CONSTRAINT k12 CHECK ((a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3);
ALTER TABLE t ADD CONSTRAINT k13 CHECK (a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b');
ALTER TABLE t ADD CONSTRAINT k14 CHECK (a NOT BETWEEN 1 AND 2 AND b > 1);
ALTER TABLE t ADD CONSTRAINT k15 CHECK (a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL);
ALTER TABLE t ADD CONSTRAINT k16 CHECK (a BETWEEN -5 AND -1 AND b > 1);
ALTER TABLE t ADD CONSTRAINT k17 CHECK (d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1);
ALTER TABLE t ADD CONSTRAINT k18 CHECK (d BETWEEN DATE '2020-01-01' AND CURRENT_DATE AND b > 1);
ALTER TABLE t ADD CONSTRAINT k19 CHECK (ts BETWEEN now() - interval '1 day' AND now() AND b > 1);
ALTER TABLE t ADD CONSTRAINT k20 CHECK (n BETWEEN 0.5 AND 1e3 AND b > 1);
ALTER TABLE t ADD CONSTRAINT k21 CHECK (v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1);
ALTER TABLE t ADD CONSTRAINT k22 CHECK (a::text BETWEEN '1' AND '2' AND b > 1);
ALTER TABLE t ADD CONSTRAINT k23 CHECK ((a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL));
ALTER TABLE t ADD CONSTRAINT k24 CHECK (a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL);
ALTER TABLE t ADD CONSTRAINT k25 CHECK (CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END);
ALTER TABLE t ADD CONSTRAINT k26 CHECK (CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x');
ALTER TABLE t ADD CONSTRAINT k27 CHECK (COALESCE(a BETWEEN 1 AND 2 AND b > 1, false));
ALTER TABLE t ADD CONSTRAINT k28 CHECK (v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!');
ALTER TABLE t ADD CONSTRAINT k29 CHECK (v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#');
ALTER TABLE t ADD CONSTRAINT k30 CHECK (lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0);
ALTER TABLE t ADD CONSTRAINT k31 CHECK (substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v);
ALTER TABLE t ADD CONSTRAINT k32 CHECK (extract(dow from d) IN (0, 6) AND date_part('year', ts) > 2000);
ALTER TABLE t ADD CONSTRAINT k33 CHECK ((ts AT TIME ZONE 'UTC')::date = d AND ts::time > '10:00');
ALTER TABLE t ADD CONSTRAINT k34 CHECK (arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[]);
ALTER TABLE t ADD CONSTRAINT k35 CHECK (arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr));
ALTER TABLE t ADD CONSTRAINT k36 CHECK (v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']));
ALTER TABLE t ADD CONSTRAINT k37 CHECK (v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']));
ALTER TABLE t ADD CONSTRAINT k38 CHECK (c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]));
ALTER TABLE t ADD CONSTRAINT k39 CHECK (vn IN ('a', 'b') AND vn::varchar(2) IN ('a'));
ALTER TABLE t ADD CONSTRAINT k40 CHECK (j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b']);
ALTER TABLE t ADD CONSTRAINT k41 CHECK (n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0);
ALTER TABLE t ADD CONSTRAINT k42 CHECK (a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0);
ALTER TABLE t ADD CONSTRAINT k43 CHECK (a / 2 * 3 - -b > +a);
ALTER TABLE t ADD CONSTRAINT k44 CHECK (-a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0);
ALTER TABLE t ADD CONSTRAINT k45 CHECK (r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r);
ALTER TABLE t ADD CONSTRAINT k46 CHECK (e = 'x' AND e IN ('x', 'y') AND e > 'x' AND e::text <> 'z');
ALTER TABLE t ADD CONSTRAINT k47 CHECK (b1 AND NOT b2);
ALTER TABLE t ADD CONSTRAINT k48 CHECK (b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN);
ALTER TABLE t ADD CONSTRAINT k49 CHECK (b1 = true AND b2 <> false);
ALTER TABLE t ADD CONSTRAINT k50 CHECK (a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5);
ALTER TABLE t ADD CONSTRAINT k51 CHECK (u = '00000000-0000-0000-0000-000000000000'::uuid AND u IS DISTINCT FROM gen_random_uuid());
ALTER TABLE t ADD CONSTRAINT k52 CHECK (NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2));
ALTER TABLE t ADD CONSTRAINT k53 CHECK (x IS DOCUMENT);
ALTER TABLE t ADD CONSTRAINT k54 CHECK (bits = B'101' AND bits <> X'F'::bit(3));
ALTER TABLE t ADD CONSTRAINT k55 CHECK (t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x'));
ALTER TABLE t ADD CONSTRAINT k56 CHECK (inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> '');
ALTER TABLE t ADD CONSTRAINT k57 CHECK (iv > '1 day 2 hours' AND iv BETWEEN '0' AND '1 year' AND iv * 2 > interval '3' minute);
ALTER TABLE t ADD CONSTRAINT k58 CHECK (m > '1.00' AND m::numeric > 1);
ALTER TABLE t ADD CONSTRAINT k59 CHECK (format('%s-%s', VARIADIC ARRAY[a, b]) <> '' AND concat_ws(',', a, v) <> '');
ALTER TABLE t ADD CONSTRAINT k60 CHECK (ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2));
ALTER TABLE t ADD CONSTRAINT k61 CHECK (num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0);
ALTER TABLE t ADD CONSTRAINT k62 CHECK (EXTRACT(epoch FROM ts - now())::int > 5);
ALTER TABLE t ADD CONSTRAINT k63 CHECK (to_tsvector('english', v) @@ to_tsquery('english', 'a & b'));
ALTER TABLE t ADD CONSTRAINT k64 CHECK ((a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1);
ALTER TABLE t ADD CONSTRAINT k65 CHECK (v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$);
-- pair: expressions in a view
-- a:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
-- b:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
CREATE VIEW w AS SELECT
 a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3) AS k0,
 a IN (b) AND a > 0 AS k1,
 a IN (b, a + 1) OR a = 9 AS k2,
 v NOT IN ('a', 'b') AND v <> 'c' AS k3,
 (a, b) = (1, 2) AND v = 'x' AS k4,
 (a, b) <> (1, 2) OR v = 'x' AS k5,
 (a, b) IN ((1, 2)) AND v = 'x' AS k6,
 NOT (a BETWEEN 1 AND 2) AND b > 1 AS k7,
 NOT (a BETWEEN 1 AND 2 AND b > 1) AS k8,
 (a BETWEEN 1 AND 2) IS TRUE AND b > 1 AS k9,
 a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x' AS k10,
 (a BETWEEN 1 AND 2 AND b > 1) OR v = 'x' AS k11,
 (a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3 AS k12,
 a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b' AS k13,
 a NOT BETWEEN 1 AND 2 AND b > 1 AS k14,
 a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL AS k15,
 a BETWEEN -5 AND -1 AND b > 1 AS k16,
 d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1 AS k17,
 d BETWEEN DATE '2020-01-01' AND CURRENT_DATE AND b > 1 AS k18,
 ts BETWEEN now() - interval '1 day' AND now() AND b > 1 AS k19,
 n BETWEEN 0.5 AND 1e3 AND b > 1 AS k20,
 v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1 AS k21,
 a::text BETWEEN '1' AND '2' AND b > 1 AS k22,
 (a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL) AS k23,
 a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL AS k24,
 CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END AS k25,
 CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x' AS k26,
 COALESCE(a BETWEEN 1 AND 2 AND b > 1, false) AS k27,
 v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!' AS k28,
 v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#' AS k29,
 lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0 AS k30,
 substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v AS k31,
 extract(dow from d) IN (0, 6) AND date_part('year', ts) > 2000 AS k32,
 (ts AT TIME ZONE 'UTC')::date = d AND ts::time > '10:00' AS k33,
 arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[] AS k34,
 arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr) AS k35,
 v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']) AS k36,
 v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']) AS k37,
 c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]) AS k38,
 vn IN ('a', 'b') AND vn::varchar(2) IN ('a') AS k39,
 j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b'] AS k40,
 n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0 AS k41,
 a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0 AS k42,
 a / 2 * 3 - -b > +a AS k43,
 -a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0 AS k44,
 r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r AS k45,
 e = 'x' AND e IN ('x', 'y') AND e > 'x' AND e::text <> 'z' AS k46,
 b1 AND NOT b2 AS k47,
 b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN AS k48,
 b1 = true AND b2 <> false AS k49,
 a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5 AS k50,
 u = '00000000-0000-0000-0000-000000000000'::uuid AND u IS DISTINCT FROM gen_random_uuid() AS k51,
 NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2) AS k52,
 x IS DOCUMENT AS k53,
 bits = B'101' AND bits <> X'F'::bit(3) AS k54,
 t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x') AS k55,
 inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> '' AS k56,
 iv > '1 day 2 hours' AND iv BETWEEN '0' AND '1 year' AND iv * 2 > interval '3' minute AS k57,
 m > '1.00' AND m::numeric > 1 AS k58,
 format('%s-%s', VARIADIC ARRAY[a, b]) <> '' AND concat_ws(',', a, v) <> '' AS k59,
 ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2) AS k60,
 num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0 AS k61,
 EXTRACT(epoch FROM ts - now())::int > 5 AS k62,
 to_tsvector('english', v) @@ to_tsquery('english', 'a & b') AS k63,
 (a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1 AS k64,
 v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$ AS k65
FROM t;
CREATE VIEW w0 AS SELECT a FROM t WHERE a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3);
CREATE VIEW w1 AS SELECT a FROM t WHERE a IN (b) AND a > 0;
CREATE VIEW w2 AS SELECT a FROM t WHERE a IN (b, a + 1) OR a = 9;
CREATE VIEW w3 AS SELECT a FROM t WHERE v NOT IN ('a', 'b') AND v <> 'c';
CREATE VIEW w4 AS SELECT a FROM t WHERE (a, b) = (1, 2) AND v = 'x';
CREATE VIEW w5 AS SELECT a FROM t WHERE (a, b) <> (1, 2) OR v = 'x';
CREATE VIEW w6 AS SELECT a FROM t WHERE (a, b) IN ((1, 2)) AND v = 'x';
CREATE VIEW w7 AS SELECT a FROM t WHERE NOT (a BETWEEN 1 AND 2) AND b > 1;
CREATE VIEW w8 AS SELECT a FROM t WHERE NOT (a BETWEEN 1 AND 2 AND b > 1);
CREATE VIEW w9 AS SELECT a FROM t WHERE (a BETWEEN 1 AND 2) IS TRUE AND b > 1;
CREATE VIEW w10 AS SELECT a FROM t WHERE a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x';
CREATE VIEW w11 AS SELECT a FROM t WHERE (a BETWEEN 1 AND 2 AND b > 1) OR v = 'x';
CREATE VIEW w12 AS SELECT a FROM t WHERE (a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3;
CREATE VIEW w13 AS SELECT a FROM t WHERE a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b';
CREATE VIEW w14 AS SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 AND b > 1;
CREATE VIEW w15 AS SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL;
CREATE VIEW w16 AS SELECT a FROM t WHERE a BETWEEN -5 AND -1 AND b > 1;
CREATE VIEW w17 AS SELECT a FROM t WHERE d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1;
CREATE VIEW w18 AS SELECT a FROM t WHERE d BETWEEN DATE '2020-01-01' AND CURRENT_DATE AND b > 1;
CREATE VIEW w19 AS SELECT a FROM t WHERE ts BETWEEN now() - interval '1 day' AND now() AND b > 1;
CREATE VIEW w20 AS SELECT a FROM t WHERE n BETWEEN 0.5 AND 1e3 AND b > 1;
CREATE VIEW w21 AS SELECT a FROM t WHERE v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1;
CREATE VIEW w22 AS SELECT a FROM t WHERE a::text BETWEEN '1' AND '2' AND b > 1;
CREATE VIEW w23 AS SELECT a FROM t WHERE (a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL);
CREATE VIEW w24 AS SELECT a FROM t WHERE a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL;
CREATE VIEW w25 AS SELECT a FROM t WHERE CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END;
CREATE VIEW w26 AS SELECT a FROM t WHERE CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x';
CREATE VIEW w27 AS SELECT a FROM t WHERE COALESCE(a BETWEEN 1 AND 2 AND b > 1, false);
CREATE VIEW w28 AS SELECT a FROM t WHERE v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!';
CREATE VIEW w29 AS SELECT a FROM t WHERE v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#';
CREATE VIEW w30 AS SELECT a FROM t WHERE lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0;
CREATE VIEW w31 AS SELECT a FROM t WHERE substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v;
CREATE VIEW w32 AS SELECT a FROM t WHERE extract(dow from d) IN (0, 6) AND date_part('year', ts) > 2000;
CREATE VIEW w33 AS SELECT a FROM t WHERE (ts AT TIME ZONE 'UTC')::date = d AND ts::time > '10:00';
CREATE VIEW w34 AS SELECT a FROM t WHERE arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[];
CREATE VIEW w35 AS SELECT a FROM t WHERE arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr);
CREATE VIEW w36 AS SELECT a FROM t WHERE v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']);
CREATE VIEW w37 AS SELECT a FROM t WHERE v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']);
CREATE VIEW w38 AS SELECT a FROM t WHERE c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]);
CREATE VIEW w39 AS SELECT a FROM t WHERE vn IN ('a', 'b') AND vn::varchar(2) IN ('a');
CREATE VIEW w40 AS SELECT a FROM t WHERE j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b'];
CREATE VIEW w41 AS SELECT a FROM t WHERE n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0;
CREATE VIEW w42 AS SELECT a FROM t WHERE a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0;
CREATE VIEW w43 AS SELECT a FROM t WHERE a / 2 * 3 - -b > +a;
CREATE VIEW w44 AS SELECT a FROM t WHERE -a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0;
CREATE VIEW w45 AS SELECT a FROM t WHERE r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r;
CREATE VIEW w46 AS SELECT a FROM t WHERE e = 'x' AND e IN ('x', 'y') AND e > 'x' AND e::text <> 'z';
CREATE VIEW w47 AS SELECT a FROM t WHERE b1 AND NOT b2;
CREATE VIEW w48 AS SELECT a FROM t WHERE b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN;
CREATE VIEW w49 AS SELECT a FROM t WHERE b1 = true AND b2 <> false;
CREATE VIEW w50 AS SELECT a FROM t WHERE a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5;
CREATE VIEW w51 AS SELECT a FROM t WHERE u = '00000000-0000-0000-0000-000000000000'::uuid AND u IS DISTINCT FROM gen_random_uuid();
CREATE VIEW w52 AS SELECT a FROM t WHERE NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2);
CREATE VIEW w53 AS SELECT a FROM t WHERE x IS DOCUMENT;
CREATE VIEW w54 AS SELECT a FROM t WHERE bits = B'101' AND bits <> X'F'::bit(3);
CREATE VIEW w55 AS SELECT a FROM t WHERE t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x');
CREATE VIEW w56 AS SELECT a FROM t WHERE inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> '';
CREATE VIEW w57 AS SELECT a FROM t WHERE iv > '1 day 2 hours' AND iv BETWEEN '0' AND '1 year' AND iv * 2 > interval '3' minute;
CREATE VIEW w58 AS SELECT a FROM t WHERE m > '1.00' AND m::numeric > 1;
CREATE VIEW w59 AS SELECT a FROM t WHERE format('%s-%s', VARIADIC ARRAY[a, b]) <> '' AND concat_ws(',', a, v) <> '';
CREATE VIEW w60 AS SELECT a FROM t WHERE ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2);
CREATE VIEW w61 AS SELECT a FROM t WHERE num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0;
CREATE VIEW w62 AS SELECT a FROM t WHERE EXTRACT(epoch FROM ts - now())::int > 5;
CREATE VIEW w63 AS SELECT a FROM t WHERE to_tsvector('english', v) @@ to_tsquery('english', 'a & b');
CREATE VIEW w64 AS SELECT a FROM t WHERE (a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1;
CREATE VIEW w65 AS SELECT a FROM t WHERE v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$;
-- pair: expressions in policies and triggers
-- a:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
-- b:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
CREATE POLICY k0 ON t USING (a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3));
CREATE POLICY k1 ON t USING (a IN (b) AND a > 0);
CREATE POLICY k2 ON t USING (a IN (b, a + 1) OR a = 9);
CREATE POLICY k3 ON t USING (v NOT IN ('a', 'b') AND v <> 'c');
CREATE POLICY k4 ON t USING ((a, b) = (1, 2) AND v = 'x');
CREATE POLICY k5 ON t USING ((a, b) <> (1, 2) OR v = 'x');
CREATE POLICY k6 ON t USING ((a, b) IN ((1, 2)) AND v = 'x');
CREATE POLICY k7 ON t USING (NOT (a BETWEEN 1 AND 2) AND b > 1);
CREATE POLICY k8 ON t USING (NOT (a BETWEEN 1 AND 2 AND b > 1));
CREATE POLICY k9 ON t USING ((a BETWEEN 1 AND 2) IS TRUE AND b > 1);
CREATE POLICY k10 ON t USING (a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x');
CREATE POLICY k11 ON t USING ((a BETWEEN 1 AND 2 AND b > 1) OR v = 'x');
CREATE POLICY k12 ON t USING ((a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3);
CREATE POLICY k13 ON t USING (a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b');
CREATE POLICY k14 ON t USING (a NOT BETWEEN 1 AND 2 AND b > 1);
CREATE POLICY k15 ON t USING (a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL);
CREATE POLICY k16 ON t USING (a BETWEEN -5 AND -1 AND b > 1);
CREATE POLICY k17 ON t USING (d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1);
CREATE POLICY k18 ON t USING (d BETWEEN DATE '2020-01-01' AND CURRENT_DATE AND b > 1);
CREATE POLICY k19 ON t USING (ts BETWEEN now() - interval '1 day' AND now() AND b > 1);
CREATE POLICY k20 ON t USING (n BETWEEN 0.5 AND 1e3 AND b > 1);
CREATE POLICY k21 ON t USING (v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1);
CREATE POLICY k22 ON t USING (a::text BETWEEN '1' AND '2' AND b > 1);
CREATE POLICY k23 ON t USING ((a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL));
CREATE POLICY k24 ON t USING (a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL);
CREATE POLICY k25 ON t USING (CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END);
CREATE POLICY k26 ON t USING (CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x');
CREATE POLICY k27 ON t USING (COALESCE(a BETWEEN 1 AND 2 AND b > 1, false));
CREATE POLICY k28 ON t USING (v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!');
CREATE POLICY k29 ON t USING (v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#');
CREATE POLICY k30 ON t USING (lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0);
CREATE POLICY k31 ON t USING (substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v);
CREATE POLICY k32 ON t USING (extract(dow from d) IN (0, 6) AND date_part('year', ts) > 2000);
CREATE POLICY k33 ON t USING ((ts AT TIME ZONE 'UTC')::date = d AND ts::time > '10:00');
CREATE POLICY k34 ON t USING (arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[]);
CREATE POLICY k35 ON t USING (arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr));
CREATE POLICY k36 ON t USING (v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']));
CREATE POLICY k37 ON t USING (v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']));
CREATE POLICY k38 ON t USING (c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]));
CREATE POLICY k39 ON t USING (vn IN ('a', 'b') AND vn::varchar(2) IN ('a'));
CREATE POLICY k40 ON t USING (j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b']);
CREATE POLICY k41 ON t USING (n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0);
CREATE POLICY k42 ON t USING (a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0);
CREATE POLICY k43 ON t USING (a / 2 * 3 - -b > +a);
CREATE POLICY k44 ON t USING (-a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0);
CREATE POLICY k45 ON t USING (r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r);
CREATE POLICY k46 ON t USING (e = 'x' AND e IN ('x', 'y') AND e > 'x' AND e::text <> 'z');
CREATE POLICY k47 ON t USING (b1 AND NOT b2);
CREATE POLICY k48 ON t USING (b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN);
CREATE POLICY k49 ON t USING (b1 = true AND b2 <> false);
CREATE POLICY k50 ON t USING (a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5);
CREATE POLICY k51 ON t USING (u = '00000000-0000-0000-0000-000000000000'::uuid AND u IS DISTINCT FROM gen_random_uuid());
CREATE POLICY k52 ON t USING (NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2));
CREATE POLICY k53 ON t USING (x IS DOCUMENT);
CREATE POLICY k54 ON t USING (bits = B'101' AND bits <> X'F'::bit(3));
CREATE POLICY k55 ON t USING (t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x'));
CREATE POLICY k56 ON t USING (inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> '');
CREATE POLICY k57 ON t USING (iv > '1 day 2 hours' AND iv BETWEEN '0' AND '1 year' AND iv * 2 > interval '3' minute);
CREATE POLICY k58 ON t USING (m > '1.00' AND m::numeric > 1);
CREATE POLICY k59 ON t USING (format('%s-%s', VARIADIC ARRAY[a, b]) <> '' AND concat_ws(',', a, v) <> '');
CREATE POLICY k60 ON t USING (ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2));
CREATE POLICY k61 ON t USING (num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0);
CREATE POLICY k62 ON t USING (EXTRACT(epoch FROM ts - now())::int > 5);
CREATE POLICY k63 ON t USING (to_tsvector('english', v) @@ to_tsquery('english', 'a & b'));
CREATE POLICY k64 ON t USING ((a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1);
CREATE POLICY k65 ON t USING (v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$);
-- pair: expressions in functions
-- a:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
-- b:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
CREATE FUNCTION k0() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3); END;
CREATE FUNCTION k1() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a IN (b) AND a > 0; END;
CREATE FUNCTION k2() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a IN (b, a + 1) OR a = 9; END;
CREATE FUNCTION k3() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v NOT IN ('a', 'b') AND v <> 'c'; END;
CREATE FUNCTION k4() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a, b) = (1, 2) AND v = 'x'; END;
CREATE FUNCTION k5() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a, b) <> (1, 2) OR v = 'x'; END;
CREATE FUNCTION k6() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a, b) IN ((1, 2)) AND v = 'x'; END;
CREATE FUNCTION k7() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE NOT (a BETWEEN 1 AND 2) AND b > 1; END;
CREATE FUNCTION k8() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE NOT (a BETWEEN 1 AND 2 AND b > 1); END;
CREATE FUNCTION k9() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a BETWEEN 1 AND 2) IS TRUE AND b > 1; END;
CREATE FUNCTION k10() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x'; END;
CREATE FUNCTION k11() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a BETWEEN 1 AND 2 AND b > 1) OR v = 'x'; END;
CREATE FUNCTION k12() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3; END;
CREATE FUNCTION k13() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b'; END;
CREATE FUNCTION k14() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 AND b > 1; END;
CREATE FUNCTION k15() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL; END;
CREATE FUNCTION k16() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a BETWEEN -5 AND -1 AND b > 1; END;
CREATE FUNCTION k17() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1; END;
CREATE FUNCTION k18() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE d BETWEEN DATE '2020-01-01' AND CURRENT_DATE AND b > 1; END;
CREATE FUNCTION k19() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE ts BETWEEN now() - interval '1 day' AND now() AND b > 1; END;
CREATE FUNCTION k20() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE n BETWEEN 0.5 AND 1e3 AND b > 1; END;
CREATE FUNCTION k21() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1; END;
CREATE FUNCTION k22() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a::text BETWEEN '1' AND '2' AND b > 1; END;
CREATE FUNCTION k23() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL); END;
CREATE FUNCTION k24() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL; END;
CREATE FUNCTION k25() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END; END;
CREATE FUNCTION k26() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x'; END;
CREATE FUNCTION k27() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE COALESCE(a BETWEEN 1 AND 2 AND b > 1, false); END;
CREATE FUNCTION k28() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!'; END;
CREATE FUNCTION k29() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#'; END;
CREATE FUNCTION k30() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0; END;
CREATE FUNCTION k31() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v; END;
CREATE FUNCTION k32() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE extract(dow from d) IN (0, 6) AND date_part('year', ts) > 2000; END;
CREATE FUNCTION k33() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (ts AT TIME ZONE 'UTC')::date = d AND ts::time > '10:00'; END;
CREATE FUNCTION k34() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[]; END;
CREATE FUNCTION k35() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr); END;
CREATE FUNCTION k36() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']); END;
CREATE FUNCTION k37() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']); END;
CREATE FUNCTION k38() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]); END;
CREATE FUNCTION k39() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE vn IN ('a', 'b') AND vn::varchar(2) IN ('a'); END;
CREATE FUNCTION k40() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b']; END;
CREATE FUNCTION k41() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0; END;
CREATE FUNCTION k42() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0; END;
CREATE FUNCTION k43() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a / 2 * 3 - -b > +a; END;
CREATE FUNCTION k44() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE -a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0; END;
CREATE FUNCTION k45() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r; END;
CREATE FUNCTION k46() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE e = 'x' AND e IN ('x', 'y') AND e > 'x' AND e::text <> 'z'; END;
CREATE FUNCTION k47() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE b1 AND NOT b2; END;
CREATE FUNCTION k48() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN; END;
CREATE FUNCTION k49() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE b1 = true AND b2 <> false; END;
CREATE FUNCTION k50() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5; END;
CREATE FUNCTION k51() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE u = '00000000-0000-0000-0000-000000000000'::uuid AND u IS DISTINCT FROM gen_random_uuid(); END;
CREATE FUNCTION k52() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2); END;
CREATE FUNCTION k53() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE x IS DOCUMENT; END;
CREATE FUNCTION k54() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE bits = B'101' AND bits <> X'F'::bit(3); END;
CREATE FUNCTION k55() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x'); END;
CREATE FUNCTION k56() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> ''; END;
CREATE FUNCTION k57() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE iv > '1 day 2 hours' AND iv BETWEEN '0' AND '1 year' AND iv * 2 > interval '3' minute; END;
CREATE FUNCTION k58() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE m > '1.00' AND m::numeric > 1; END;
CREATE FUNCTION k59() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE format('%s-%s', VARIADIC ARRAY[a, b]) <> '' AND concat_ws(',', a, v) <> ''; END;
CREATE FUNCTION k60() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2); END;
CREATE FUNCTION k61() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0; END;
CREATE FUNCTION k62() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE EXTRACT(epoch FROM ts - now())::int > 5; END;
CREATE FUNCTION k63() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE to_tsvector('english', v) @@ to_tsquery('english', 'a & b'); END;
CREATE FUNCTION k64() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE (a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1; END;
CREATE FUNCTION k65() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC SELECT a FROM t WHERE v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$; END;
-- pair: expressions in generated columns and indexes
-- a:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
-- b:
CREATE TYPE ee AS ENUM ('x', 'y', 'z');
CREATE TABLE t (a int, b int, v varchar(20), vn varchar, c char(2), t1 text, d date, ts timestamptz, n numeric, arr varchar[], j jsonb, r int4range, e ee, b1 boolean, b2 boolean, u uuid, x xml, bits bit(3), ip inet, iv interval, m money);
CREATE INDEX k0 ON t (a) WHERE a NOT IN (1, 2) AND b IS NOT NULL OR a IN (b, 3);
CREATE INDEX k1 ON t (a) WHERE a IN (b) AND a > 0;
CREATE INDEX k2 ON t (a) WHERE a IN (b, a + 1) OR a = 9;
CREATE INDEX k3 ON t (a) WHERE v NOT IN ('a', 'b') AND v <> 'c';
CREATE INDEX k4 ON t (a) WHERE (a, b) = (1, 2) AND v = 'x';
CREATE INDEX k5 ON t (a) WHERE (a, b) <> (1, 2) OR v = 'x';
CREATE INDEX k6 ON t (a) WHERE (a, b) IN ((1, 2)) AND v = 'x';
CREATE INDEX k7 ON t (a) WHERE NOT (a BETWEEN 1 AND 2) AND b > 1;
CREATE INDEX k8 ON t (a) WHERE NOT (a BETWEEN 1 AND 2 AND b > 1);
CREATE INDEX k9 ON t (a) WHERE (a BETWEEN 1 AND 2) IS TRUE AND b > 1;
CREATE INDEX k10 ON t (a) WHERE a BETWEEN 1 AND 2 OR b BETWEEN 3 AND 4 AND v = 'x';
CREATE INDEX k11 ON t (a) WHERE (a BETWEEN 1 AND 2 AND b > 1) OR v = 'x';
CREATE INDEX k12 ON t (a) WHERE (a > 1 OR b > 1 OR v = 'x') AND (a BETWEEN b AND 5) AND b = 3;
CREATE INDEX k13 ON t (a) WHERE a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4 AND v BETWEEN 'a' AND 'b';
CREATE INDEX k14 ON t (a) WHERE a NOT BETWEEN 1 AND 2 AND b > 1;
CREATE INDEX k15 ON t (a) WHERE a NOT BETWEEN 1 AND 2 OR b NOT BETWEEN 1 AND 2 OR v IS NULL;
CREATE INDEX k16 ON t (a) WHERE a BETWEEN -5 AND -1 AND b > 1;
CREATE INDEX k17 ON t (a) WHERE d BETWEEN '2020-01-01' AND '2021-01-01' AND b > 1;
CREATE INDEX k20 ON t (a) WHERE n BETWEEN 0.5 AND 1e3 AND b > 1;
CREATE INDEX k21 ON t (a) WHERE v COLLATE "C" BETWEEN 'a' AND 'b' AND b > 1;
CREATE INDEX k22 ON t (a) WHERE a::text BETWEEN '1' AND '2' AND b > 1;
CREATE INDEX k23 ON t (a) WHERE (a IS NULL) = (b IS NULL) AND (v IS NULL) = (d IS NULL);
CREATE INDEX k24 ON t (a) WHERE a IS NULL OR (b IS NULL AND v IS NULL) OR d IS NULL;
CREATE INDEX k25 ON t (a) WHERE CASE WHEN a BETWEEN 1 AND 2 AND b > 1 THEN v = 'x' WHEN a > 5 OR b NOT BETWEEN 1 AND 2 THEN true END;
CREATE INDEX k26 ON t (a) WHERE CASE a WHEN 1 THEN 'x' WHEN 2 THEN v ELSE NULL END = 'x';
CREATE INDEX k27 ON t (a) WHERE COALESCE(a BETWEEN 1 AND 2 AND b > 1, false);
CREATE INDEX k28 ON t (a) WHERE v ~ '^[a-z]+$' AND v !~* 'x' AND v NOT LIKE 'a\_%' AND v NOT ILIKE '%b' ESCAPE '!';
CREATE INDEX k29 ON t (a) WHERE v LIKE 'a%' ESCAPE '!' AND v SIMILAR TO 'a|b' ESCAPE '#';
CREATE INDEX k30 ON t (a) WHERE lower(v) = v AND length(trim(both from v)) > 0 AND position('a' in v) = 0;
CREATE INDEX k31 ON t (a) WHERE substring(v from 1 for 2) = 'ab' AND substring(v, 2) <> '' AND overlay(v placing 'x' from 1) <> v;
CREATE INDEX k34 ON t (a) WHERE arr <@ ARRAY['a', 'b', 'c']::varchar[] AND arr @> ARRAY['a']::varchar(5)[];
CREATE INDEX k35 ON t (a) WHERE arr = ARRAY[]::varchar[] OR 'x' = ANY (arr) OR 'y' <> ALL (arr);
CREATE INDEX k36 ON t (a) WHERE v = ANY ('{a,b}') AND v = ANY (ARRAY['a', 'b']::varchar[]) AND v = ANY (ARRAY['a'::varchar, 'b']);
CREATE INDEX k37 ON t (a) WHERE v = ANY (ARRAY['a', 'b', NULL]) OR v::text = ANY (ARRAY['a', 'b']);
CREATE INDEX k38 ON t (a) WHERE c = 'ab' AND c IN ('a', 'b') AND c <> ALL (ARRAY['x', 'y']::bpchar[]);
CREATE INDEX k39 ON t (a) WHERE vn IN ('a', 'b') AND vn::varchar(2) IN ('a');
CREATE INDEX k40 ON t (a) WHERE j @> '{"a": 1}' AND j->'a'->>'b' = 'x' AND jsonb_typeof(j #> '{a,b}') = 'array' AND (j->>'n')::numeric BETWEEN 1 AND 2 AND j ?| ARRAY['a', 'b'];
CREATE INDEX k41 ON t (a) WHERE n::numeric(6,2) = n AND n % 1 = 0 AND n ^ 2 > 0 AND @ n < 5 AND |/ n > 0;
CREATE INDEX k42 ON t (a) WHERE a & 3 = 1 AND a | 4 > b AND a # 1 <> 0 AND ~a < 0 AND a << 1 > 0;
CREATE INDEX k43 ON t (a) WHERE a / 2 * 3 - -b > +a;
CREATE INDEX k44 ON t (a) WHERE -a < 0 AND - (a + b) < 0 AND a - (b - 1) > 0 AND a - b - 1 > 0;
CREATE INDEX k45 ON t (a) WHERE r && '[1,5)'::int4range AND r @> a AND NOT isempty(r) AND int4range(a, b, '[]') <> r;
CREATE INDEX k47 ON t (a) WHERE b1 AND NOT b2;
CREATE INDEX k48 ON t (a) WHERE b1 IS TRUE OR b2 IS NOT FALSE OR b1 IS UNKNOWN;
CREATE INDEX k49 ON t (a) WHERE b1 = true AND b2 <> false;
CREATE INDEX k50 ON t (a) WHERE a = 1::bigint AND n = 1 AND n > 1.0 AND a = '1' AND b = 1.5;
CREATE INDEX k52 ON t (a) WHERE NULLIF(a, 0) IS NOT NULL AND GREATEST(a, b, 3) > LEAST(a, 2);
CREATE INDEX k53 ON t (a) WHERE x IS DOCUMENT;
CREATE INDEX k55 ON t (a) WHERE t1 IS NOT DISTINCT FROM v AND (v || t1) || 'x' <> v || (t1 || 'x');
CREATE INDEX k56 ON t (a) WHERE inet '10.0.0.1' << ip AND ip <<= '10.0.0.0/8' AND host(ip) <> '';
CREATE INDEX k60 ON t (a) WHERE ROW(a, b) > ROW(1, 2) AND ROW(a, v) IS NOT NULL AND (a, b) IS DISTINCT FROM (1, 2);
CREATE INDEX k61 ON t (a) WHERE num_nonnulls(a, b) BETWEEN 1 AND 2 AND a > 0;
CREATE INDEX k64 ON t (a) WHERE (a = 1) IS NOT TRUE AND (a = 1 OR b = 1) IS NOT NULL AND NOT NOT b1;
CREATE INDEX k65 ON t (a) WHERE v = 'it''s' OR v = E'a\\b' OR v = U&'\0061' OR v = $$q$$;
