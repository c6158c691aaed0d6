--
-- cmig.stats_export: the verdicts of a database with data, in one without
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop;
\set tables 'CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL, age integer); CREATE TABLE visit (id integer, person integer REFERENCES person, place varchar(20)); CREATE INDEX visit_person ON visit (person)'
:tables;
INSERT INTO person SELECT g, 'n' || g, nullif(g % 90, 0) FROM generate_series(1, 9000) g;
INSERT INTO visit SELECT g, g % 9000 + 1, 'place ' || g % 3 FROM generate_series(1, 45000) g;
VACUUM ANALYZE person, visit;
\set ECHO all
SELECT cmig.create_revision('Index', 'DROP INDEX visit_person; CREATE INDEX ON person (age, name)', '-- nothing', revision => 'r1');
\set ECHO none
PREPARE judge(text) AS SELECT verdict, query, round(cost_before::numeric) AS cost_before, round(cost_after::numeric) AS cost_after
FROM cmig.workload_check(queries => ARRAY['SELECT place FROM visit WHERE person = $1', 'SELECT name FROM person WHERE age = $1 ORDER BY name LIMIT 1', 'SELECT count(*) FROM visit WHERE id < 100',
	'SELECT * FROM visit v JOIN person p ON p.id = v.person WHERE p.age = 7 AND p.name <> $1', 'SELECT place, count(*) FROM visit GROUP BY place', 'SELECT FROM person WHERE age IS NULL',
	'UPDATE visit SET place = $1 WHERE person = $2', 'SELECT DISTINCT age FROM person'], stats => nullif($1, '')::jsonb) ORDER BY query;
CREATE TEMP TABLE with_data AS EXECUTE judge('');
\set ECHO all
-- what is exported
SELECT schema, relation, column_name, pages > 0 AS pages, tuples, visible_pages > 0 AS visible, inherited, round(null_frac::numeric, 3) AS null_frac, avg_width, round(n_distinct::numeric, 1) AS n_distinct, abs(correlation) > 0.9 AS ordered FROM cmig.stats_export();
\set ECHO none
SELECT jsonb_agg(s) AS stats FROM cmig.stats_export() s \gset

-- the same tables without rows
DROP TABLE person, visit;
:tables;
CREATE TEMP TABLE without AS EXECUTE judge('');
CREATE TEMP TABLE exported AS EXECUTE judge(:'stats');
\set ECHO all
-- the cost of a comparison with a constant needs values, which are not exported
SELECT w.query, w.verdict, e.verdict AS exported, n.verdict AS without, (e.cost_before, e.cost_after) = (w.cost_before, w.cost_after) AS same_costs
FROM with_data w JOIN exported e USING (query) JOIN without n USING (query) ORDER BY 1;
-- statistics of other tables do not matter
SELECT verdict, cost_before < 1000 AS small FROM cmig.workload_check(queries => '{SELECT place FROM visit WHERE person = $1}', stats => '[{"schema": "other", "relation": "visit", "pages": 100000, "tuples": 1000000, "visible_pages": 0}, {"schema": "shop", "relation": "person", "pages": 1, "tuples": 1, "visible_pages": 0}]');
-- statistics that cannot be
\set ECHO none
ALTER TABLE visit ADD COLUMN tags text[];
CREATE FUNCTION pg_temp.check(VARIADIC rows jsonb[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	RETURN (SELECT string_agg(verdict, ' ') FROM cmig.workload_check(queries => '{SELECT place FROM visit WHERE person = $1}', stats => to_jsonb(rows)));
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s: %s', state, message, detail) || CASE WHEN hint <> 'SELECT jsonb_agg(s) FROM cmig.stats_export() s' THEN hint ELSE '' END;
END $$;
\set ECHO all
SELECT cost_after > 1000 AS large, pg_temp.check('5'), pg_temp.check('{}') FROM cmig.workload_check(queries => '{SELECT place FROM visit WHERE person = $1}', stats => '[{"schema": "shop", "relation": "visit", "pages": 4294967294, "tuples": 1e18, "visible_pages": 0}]');
SELECT r AS change, pg_temp.check('{"schema": "shop", "relation": "visit", "pages": 100, "tuples": 1000, "visible_pages": 50}', '{"schema": "shop", "relation": "visit", "pages": 100, "tuples": 1000, "visible_pages": 50}'::jsonb || r)
FROM unnest(ARRAY['{"schema": null}', '{"relation": null}', '{"pages": "many"}', '{"pages": 1e30}', '{"pages": "5 6"}', '{"pages": true}', '{"tuples": "Infinity"}', '{"tuples": "NaN"}', '{"tuples": null}', '{"visible_pages": -1}', '{"visible_pages": [1]}', '{"unknown": 1}']::jsonb[]) r;
SELECT r AS change, pg_temp.check('{"schema": "shop", "relation": "visit", "column_name": "place", "inherited": false, "null_frac": 0, "avg_width": 8, "n_distinct": 3}'::jsonb || r)
FROM unnest(ARRAY['{}', '{"relation": "nothing"}', '{"column_name": "nothing"}', '{"inherited": "maybe"}', '{"inherited": null}', '{"null_frac": 7}', '{"avg_width": -5}', '{"n_distinct": "-Infinity"}', '{"correlation": "NaN"}', '{"correlation": 1e40}', '{"correlation": [0.5, 0.6]}', '{"correlation": "0.5 0.6"}',
	'{"most_common_vals": "{a,b}"}', '{"most_common_freqs": [0.5]}', '{"most_common_vals": "{a,b}", "most_common_freqs": [0.5]}', '{"most_common_vals": "{a}", "most_common_freqs": [0.5]}', '{"most_common_vals": "{a}", "most_common_freqs": "0.5"}',
	'{"most_common_vals": "{a}", "most_common_freqs": ["NaN"]}', '{"most_common_vals": "{a}", "most_common_freqs": [null]}', '{"most_common_vals": "{a}", "most_common_freqs": []}', '{"most_common_vals": "{a}", "most_common_freqs": [[0.5]]}', '{"most_common_vals": "{a}", "most_common_freqs": {"a": 1}}',
	'{"most_common_vals": "{a}", "most_common_freqs": [2]}', '{"most_common_vals": "{}", "most_common_freqs": [1]}', '{"most_common_vals": "{NULL}", "most_common_freqs": [1]}', '{"most_common_vals": "{{a}}", "most_common_freqs": [1]}', '{"most_common_vals": ["a"], "most_common_freqs": [1]}',
	'{"histogram_bounds": "{a}"}', '{"histogram_bounds": "a"}', '{"column_name": "person", "histogram_bounds": "{1,two}"}', '{"column_name": "person", "histogram_bounds": "{1,99999999999}"}', '{"column_name": "person", "histogram_bounds": "{2,1}"}',
	'{"elem_count_histogram": [-1]}', '{"column_name": "tags", "most_common_elems": "{a}", "most_common_elem_freqs": [1, 1]}', '{"column_name": "tags", "most_common_elems": "{a}", "most_common_elem_freqs": [1, 1, 1]}']::jsonb[]) r;
SELECT verdict FROM cmig.workload_check(queries => '{SELECT 1}', stats => '{}');
SELECT verdict FROM cmig.workload_check(queries => '{SELECT 1}', stats => '[]');
\set ECHO none
DROP TABLE person, visit;
-- with values: constants are as selective as they are in the database with data
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN word AS text;
\set tables 'CREATE TABLE event (id integer, kind text, at timestamptz, lasts interval, share float8, data bytea, tags text[], words tsvector, day date, name varchar(9), mood mood, word word, class regclass); CREATE INDEX event_kind ON event (kind); CREATE INDEX event_upper ON event (upper(kind)); CREATE INDEX event_at ON event (at); CREATE TABLE part (id integer, kind text) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (90000)'
:tables;
INSERT INTO event SELECT g, CASE WHEN g % 100 = 0 THEN 'r"a,r}e' WHEN g % 2 = 0 THEN 'usual' ELSE 'k' || g % 7 END, '2020-01-01 00:00+00'::timestamptz + sqrt(g) * interval '1 day', CASE WHEN g % 50 = 0 THEN '-1 day 02:03:04' ELSE make_interval(mins => g % 9) END,
	CASE WHEN g % 30 = 0 THEN 'NaN' ELSE 1 / (g + 2.0) END, decode(lpad(to_hex(g % 5), 2, '0'), 'hex'), ARRAY['t' || g % 4, 't' || g % 90], to_tsvector('simple', 'w' || g % 4 || ' w' || g % 90), CASE WHEN g % 9 = 0 THEN '0044-03-15 BC' ELSE '2026-01-01'::date + g % 20 END, 'n' || g % 3,
	CASE WHEN g % 10 = 0 THEN 'bad'::mood ELSE 'good' END, CASE WHEN g % 10 = 0 THEN 'a' ELSE 'b' END, 'pg_class' FROM generate_series(1, 20000) g;
INSERT INTO part SELECT g, CASE WHEN g % 1000 = 0 THEN 'rare' ELSE 'usual' END FROM generate_series(1, 20000) g;
VACUUM ANALYZE event, part;
DELETE FROM cmig.revision;
\set ECHO all
SELECT cmig.create_revision('Index', 'DROP INDEX event_kind', '-- nothing', revision => 'r2');
\set ECHO none
CREATE TABLE condition AS SELECT 'SELECT id FROM event WHERE ' || c AS part FROM unnest(ARRAY['kind = ''usual''', 'kind = ''r"a,r}e''', 'kind > ''l''', 'kind LIKE ''k%''', 'upper(kind) = ''K1''', 'upper(kind) = ''USUAL''', 'at < ''2020-01-09''', 'at > ''2020-05-01''',
	'lasts < ''0 min''', 'lasts = ''P-1DT2H3M4S''', 'share = ''NaN''', 'share > 0.1', 'data = ''\x03''', 'data > ''\x01''', 'tags @> ''{t1}''', 'tags @> ''{t77}''', 'tags <@ ''{t1,t2}''', 'words @@ ''w1''', 'words @@ ''w77''', 'day = ''0044-03-15 BC''', 'day > ''2026-01-15''',
	'name = ''n1''', 'id < 300', 'id BETWEEN 300 AND 400', 'mood = ''bad''', 'word = ''a''']) c UNION ALL SELECT 'SELECT id FROM part WHERE kind = ''rare''';
PREPARE judge_values(text) AS SELECT query, verdict, cost_before, cost_after FROM cmig.workload_check(queries => (SELECT array_agg('SELECT FROM (' || part || ') a JOIN event b USING (id)') FROM condition), stats => nullif($1, '')::jsonb);
CREATE TEMP TABLE live AS EXECUTE judge_values('');
SET datestyle = 'German'; SET intervalstyle = 'sql_standard'; SET bytea_output = 'escape';
SELECT jsonb_agg(s) AS stats FROM cmig.stats_export() s \gset
SELECT jsonb_agg(s) AS stats_with_values FROM cmig.stats_export(true) s \gset
\set ECHO all
SELECT column_name, most_common_vals IS NOT NULL AS vals, most_common_freqs IS NOT NULL AS freqs, histogram_bounds IS NOT NULL AS bounds, most_common_elems IS NOT NULL AS elems, most_common_elem_freqs IS NOT NULL AS elem_freqs, elem_count_histogram IS NOT NULL AS counts
FROM cmig.stats_export(true) WHERE schema = 'shop' AND relation ~ 'event' AND column_name IS NOT NULL;
SELECT column_name, most_common_vals FROM cmig.stats_export(true) WHERE column_name IN ('share', 'word', 'class', 'mood') OR relation = 'part';
\set ECHO none
DROP TABLE event, part;
:tables;
CREATE TEMP TABLE without_values AS EXECUTE judge_values(:'stats');
CREATE TEMP TABLE with_values AS EXECUTE judge_values(:'stats_with_values');
\set ECHO all
SELECT substr(c.part, 16) AS condition, w.verdict = l.verdict AS same, (w.cost_before, w.cost_after) = (l.cost_before, l.cost_after) AS same_costs, (n.cost_before, n.cost_after) = (l.cost_before, l.cost_after) AS same_costs_without_values
FROM condition c CROSS JOIN LATERAL (SELECT 'SELECT FROM (' || c.part || ') a JOIN event b USING (id)' AS query) q JOIN live l USING (query) JOIN with_values w USING (query) JOIN without_values n USING (query);
RESET datestyle; RESET intervalstyle; RESET bytea_output;
-- the entries of an index have another type than its expression: values are not used
CREATE INDEX event_parts ON event USING gin (string_to_array(kind, ','));
SELECT query, verdict, sqlstate FROM cmig.workload_check(queries => '{"SELECT id FROM event WHERE string_to_array(kind, '','') = ''{a,b}''"}', stats => '[{"schema": "shop", "relation": "event_parts", "column_name": "string_to_array",
	"inherited": false, "null_frac": 0, "avg_width": 9, "n_distinct": 3, "most_common_vals": "{zzzzzzzzzzzzzzzz,\"{a,b}\"}", "most_common_freqs": [0.5, 0.1]}]');
DROP INDEX event_parts;
-- only what the caller can read
CREATE ROLE regress_stats;
SELECT cmig.grant_access('regress_stats', 'reader') \g /dev/null
SET ROLE regress_stats;
SELECT count(*) FROM cmig.stats_export(true) WHERE column_name IS NOT NULL;
\set ECHO none
RESET ROLE;
INSERT INTO event (id, kind, name) SELECT g, 'k' || g % 3, 'n' || g % 3 FROM generate_series(1, 100) g;
ANALYZE event;
CREATE ROLE regress_stats_owner;
GRANT USAGE ON SCHEMA shop TO regress_stats, regress_stats_owner;
GRANT SELECT (id, kind) ON event TO regress_stats;
PREPARE shown AS SELECT relation, column_name, most_common_vals FROM cmig.stats_export(true) WHERE column_name IN ('kind', 'name', 'upper');
SET ROLE regress_stats;
\set ECHO all
EXECUTE shown;
RESET ROLE;
-- the owner of an index on rows that the owner cannot see
\set ECHO none
ALTER TABLE event OWNER TO regress_stats_owner;
ALTER TABLE event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT EXECUTE ON FUNCTION cmig.stats_export(boolean) TO regress_stats_owner;
GRANT USAGE ON SCHEMA cmig TO regress_stats_owner;
SET ROLE regress_stats_owner;
\set ECHO all
EXECUTE shown;
SELECT tablename, most_common_vals FROM pg_stats WHERE attname = 'upper';
\set ECHO none
RESET ROLE;
SELECT cmig.revoke_access('regress_stats') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP OWNED BY regress_stats, regress_stats_owner;
DROP ROLE regress_stats, regress_stats_owner;
DROP EXTENSION pg_cmig;
