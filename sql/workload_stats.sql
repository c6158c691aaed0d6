--
-- cmig.stats_export: the verdicts of a database with data, in one without
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop;
\set tables 'CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL, age integer); CREATE TABLE visit (id integer, person integer REFERENCES person, place varchar(20)); CREATE INDEX visit_person ON visit (person)'
:tables;
INSERT INTO person SELECT g, 'n' || g, nullif(g % 90, 0) FROM generate_series(1, 9000) g;
INSERT INTO visit SELECT g, g % 9000 + 1, 'place ' || g % 3 FROM generate_series(1, 45000) g;
VACUUM ANALYZE person, visit;
SELECT cmig.create_revision('Index', 'DROP INDEX visit_person; CREATE INDEX ON person (age, name)', '-- nothing', revision => 'r1');
PREPARE judge(text) AS SELECT verdict, query, round(cost_before::numeric) AS cost_before, round(cost_after::numeric) AS cost_after
FROM cmig.workload_check(queries => ARRAY['SELECT place FROM visit WHERE person = $1', 'SELECT name FROM person WHERE age = $1 ORDER BY name LIMIT 1', 'SELECT count(*) FROM visit WHERE id < 100',
	'SELECT * FROM visit v JOIN person p ON p.id = v.person WHERE p.age = 7 AND p.name <> $1', 'SELECT place, count(*) FROM visit GROUP BY place', 'SELECT FROM person WHERE age IS NULL',
	'UPDATE visit SET place = $1 WHERE person = $2', 'SELECT DISTINCT age FROM person'], stats => nullif($1, '')::jsonb) ORDER BY query;
CREATE TEMP TABLE with_data AS EXECUTE judge('');
-- what is exported
SELECT schema, relation, column_name, pages > 0 AS pages, tuples, visible_pages > 0 AS visible, inherited, round(null_frac::numeric, 3) AS null_frac, avg_width, round(n_distinct::numeric, 1) AS n_distinct, abs(correlation) > 0.9 AS ordered FROM cmig.stats_export();
SELECT jsonb_agg(s) AS stats FROM cmig.stats_export() s \gset

-- the same tables without rows
DROP TABLE person, visit;
:tables;
CREATE TEMP TABLE without AS EXECUTE judge('');
CREATE TEMP TABLE exported AS EXECUTE judge(:'stats');
-- the cost of a comparison with a constant needs values, which are not exported
SELECT w.query, w.verdict, e.verdict AS exported, n.verdict AS without, (e.cost_before, e.cost_after) = (w.cost_before, w.cost_after) AS same_costs
FROM with_data w JOIN exported e USING (query) JOIN without n USING (query) ORDER BY 1;
-- statistics of other tables do not matter
SELECT verdict, cost_before < 1000 AS small FROM cmig.workload_check(queries => '{SELECT place FROM visit WHERE person = $1}', stats => '[{"schema": "other", "relation": "visit", "pages": 100000, "tuples": 1000000}, {"schema": null}, {}]');
-- statistics that cannot be
SELECT verdict, cost_before > 1000 AS large FROM cmig.workload_check(queries => '{SELECT place FROM visit WHERE person = $1 ORDER BY place}', stats =>
	'[{"schema": "shop", "relation": "visit", "pages": 1e30, "tuples": "Infinity", "visible_pages": -1}, {"schema": "shop", "relation": "visit_person", "tuples": "NaN"},
	{"schema": "shop", "relation": "visit", "column_name": "person", "null_frac": 7, "avg_width": -5, "n_distinct": "-Infinity", "correlation": "NaN", "inherited": false}, {"schema": "shop", "relation": "visit", "column_name": "nothing"}]');
SELECT verdict FROM cmig.workload_check(queries => '{SELECT 1}', stats => '{}');
SELECT verdict FROM cmig.workload_check(queries => '{SELECT 1}', stats => '[{"schema": "shop", "relation": "visit", "pages": "many"}]');
-- only what the caller can read
CREATE ROLE regress_stats;
SELECT cmig.grant_access('regress_stats', 'reader') \g /dev/null
SET ROLE regress_stats;
SELECT count(*) FROM cmig.stats_export() WHERE column_name IS NOT NULL;
RESET ROLE;
SELECT cmig.revoke_access('regress_stats') \g /dev/null
DROP ROLE regress_stats;
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP EXTENSION pg_cmig;
