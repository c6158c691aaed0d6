--
-- cmig.graph: drawings of the graph
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET timezone = 'UTC';
SET jit = off;
\pset tuples_only
\set ECHO all
-- nothing
SELECT * FROM cmig.graph();
SELECT * FROM cmig.graph(format => 'mermaid');
SELECT * FROM cmig.graph(format => 'dot');

-- a project
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, message, downgrade_sql, created_at) VALUES
('001', '{}', '{}', '{}', 'Create accounts', '', '2026-01-01 00:00+00'),
('002', '{001}', '{}', '{}', 'Add a name', '', '2026-01-02 00:00+00'),
('003_invoices', '{002}', '{}', '{billing}', 'Create invoices', '', '2026-01-03 00:00+00'),
('003_search', '{002}', '{}', '{}', 'Index names', '', '2026-01-04 00:00+00'),
('004_totals', '{003_invoices}', '{}', '{}', 'Add totals', '', '2026-01-05 23:59+00'),
('tools', '{}', '{002,billing}', '{tooling,extra}', 'Create tools', '', 'infinity'),
('005', '{004_totals,003_search}', '{}', '{}', '', '', '2026-01-07 00:00+00'),
('006', '{005}', '{}', '{}', 'After the merge', '', '2026-01-08 00:00+00');
\set ECHO all
SELECT count(*) FROM cmig.upgrade('003_search');
SELECT * FROM cmig.graph();
SELECT count(*) FROM cmig.upgrade('004_totals');
SELECT * FROM cmig.graph();
SET timezone = 'Asia/Tokyo';
SELECT * FROM cmig.graph('billing@base:004_totals');
SET timezone = 'UTC';
SELECT * FROM cmig.graph('current:');
SELECT * FROM cmig.graph('005');
SELECT * FROM cmig.graph('base');
SELECT * FROM cmig.graph(format => 'mermaid');
SELECT * FROM cmig.graph(format => 'dot');
\set VERBOSITY sqlstate
-- wrong calls
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.graph('nosuch');
SELECT * FROM cmig.graph(NULL);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.graph('heads', NULL);
SELECT * FROM cmig.graph('heads', 'svg');
SELECT * FROM cmig.graph(format => repeat('x', 100));
SELECT * FROM cmig.graph('006:base');
$calls$);
\set ECHO all

-- a revision that a stepwise run has not finished, and a version row of no revision
INSERT INTO cmig.progress VALUES ('005', 'upgrade', 1, 'done', '{}');
INSERT INTO cmig.version VALUES ('elsewhere');
SELECT * FROM cmig.graph('current:');
-- repeatable revisions
INSERT INTO cmig.revision (revision, depends_on, message, repeatable, created_at) VALUES
('views', '{004_totals}', 'Views', true, '2026-01-09 00:00+00'), ('seeds', '{views}', 'Seeds', true, '2026-01-10 00:00+00');
SELECT * FROM cmig.graph() LIMIT 6;
SELECT * FROM cmig.graph(':004_totals');
SELECT * FROM cmig.graph(format => 'mermaid') WHERE line ~ 'views|seeds|-.->';
TRUNCATE cmig.revision, cmig.version, cmig.progress;

-- edges that pass other lanes, open lanes, and lead into them; several roots
INSERT INTO cmig.revision (revision, down_revision, created_at) SELECT i, p::text[], 'infinity' FROM (VALUES
('a', '{}'), ('b1', '{a}'), ('b2', '{a}'), ('b3', '{a}'), ('b4', '{a}'), ('c', '{b1,b2,b3,b4}'), ('d', '{c}'), ('e', '{c,b2}'),
('f', '{e,d,b4}'), ('g', '{b1,a}'), ('h', '{b4}'), ('x', '{}'), ('y', '{}'), ('z', '{y,a}')) v (i, p);
SELECT * FROM cmig.graph();
TRUNCATE cmig.revision;
-- a fan of twelve stays narrow; a merge of twelve needs its lanes
INSERT INTO cmig.revision (revision, down_revision, created_at) SELECT 'base', '{}'::text[], 'infinity'::timestamptz
UNION ALL SELECT 'n' || i, '{base}'::text[], 'infinity' FROM generate_series(10, 21) i;
SELECT * FROM cmig.graph() LIMIT 6;
INSERT INTO cmig.revision (revision, down_revision, created_at) SELECT 'z', array_agg(revision ORDER BY revision DESC), 'infinity' FROM cmig.revision WHERE revision ~ '^n';
SELECT * FROM cmig.graph();
TRUNCATE cmig.revision;

-- a broken graph: a cycle, and parents that do not exist
INSERT INTO cmig.revision (revision, down_revision, created_at) SELECT i, p::text[], 'infinity' FROM (VALUES
('a', '{c}'), ('b', '{a}'), ('c', '{b}'), ('d', '{nosuch}'), ('e', '{e}'), ('f', '{d,d}'), ('g', '{gone,f}')) v (i, p);
SELECT * FROM cmig.graph();
SELECT * FROM cmig.graph(format => 'mermaid') WHERE line LIKE '%-->%';
TRUNCATE cmig.revision;

-- texts that must not end a line or a label
INSERT INTO cmig.revision (revision, down_revision, branch_labels, message, created_at) VALUES
(E'a"b\\c', '{}', '{"]]>"}', E'one\ntwo\r\ttab\x01\x7f "quoted" `code` <b>&amp;</b> #35; \\N \\" ]; --> %% ü', 'infinity'),
(E'line\nbreak', E'{"a\\"b\\\\c"}', E'{"o * x"}', repeat('long ', 30), '-infinity');
SELECT * FROM cmig.graph();
SELECT * FROM cmig.graph(format => 'mermaid') WHERE line NOT LIKE '%classDef%';
SELECT * FROM cmig.graph(format => 'dot');
\set ECHO none
TRUNCATE cmig.revision;

--
-- Drawings of random graphs, read back: every node once, every edge once, and no more lanes
-- than nodes to which edges lead
--
CREATE TABLE drawn_edge (child text, parent text);
CREATE TABLE drawn_node (n serial, node text);
-- what leads from a lane to others in a line: pairs of lanes
CREATE FUNCTION turns(line text) RETURNS TABLE (source int, target int) LANGUAGE plpgsql AS $$
DECLARE
	step int;
BEGIN
	FOR g IN 1 .. length(line) - 1 LOOP
		CONTINUE WHEN substr(line, g + 1, 1) NOT IN ('/', E'\\');
		step := CASE substr(line, g + 1, 1) WHEN '/' THEN -1 ELSE 1 END;
		source := (g - step) / 2;
		target := source + step;
		LOOP
			IF target > 0 AND step < 0 AND substr(line, 2 * target, 1) = '_'
				OR step > 0 AND substr(line, 2 * target + 2, 1) = '_' THEN
				IF substr(line, 2 * target + 1, 1) IN ('+', '.') THEN
					RETURN NEXT;
				END IF;
				target := target + step;
			ELSE
				RETURN NEXT;
				EXIT;
			END IF;
		END LOOP;
	END LOOP;
END
$$;
-- read the drawing; returns the number of lanes
CREATE FUNCTION read_back() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	lanes text[] := '{}';	-- by lane, from 1: the nodes that lead there
	next_lanes text[];
	l text;
	sign text;
	here int;
	found text;
	greatest_lane int := 0;
BEGIN
	FOR l IN SELECT line FROM cmig.graph() LOOP
		next_lanes := array_fill(NULL::text, ARRAY[length(l) + 1]);
		here := length(substring(l FROM '^([| ]*)[@*o%] ')) / 2;
		FOR i IN 0 .. length(coalesce(substring(l FROM '^([| ]*[@*o%][| ]*) [^ |]'), l)) / 2 LOOP
			sign := substr(l, 2 * i + 1, 1);
			IF here = i THEN
				found := substring(l FROM '^[| ]*[@*o%][| ]* ([^ |]+)');
				INSERT INTO drawn_node (node) VALUES (found);
				INSERT INTO drawn_edge SELECT c, found FROM unnest(string_to_array(lanes[i + 1], ' ')) c;
				next_lanes[i + 1] := found;
			ELSIF sign IN ('|', '+') THEN
				next_lanes[i + 1] := lanes[i + 1];
			END IF;
			IF sign IN ('|', '+') AND coalesce(lanes[i + 1], '') = '' AND here IS NOT NULL THEN
				RAISE 'lane % of "%" begins nowhere', i, l;
			END IF;
		END LOOP;
		IF here IS NULL THEN
			FOR i IN 1 .. length(l) / 2 + 1 LOOP
				next_lanes[i] := (SELECT string_agg(s, ' ') FROM
					(SELECT next_lanes[i] AS s UNION ALL SELECT lanes[source + 1] FROM turns(l) WHERE target = i - 1) x WHERE s <> '');
			END LOOP;
		END IF;
		lanes := next_lanes;
		greatest_lane := greatest(greatest_lane, (SELECT max(i) FROM generate_subscripts(lanes, 1) i WHERE lanes[i] <> ''));
	END LOOP;
	RETURN greatest_lane;
END
$$;
-- the nodes to which edges lead, from the row with the most of them
CREATE FUNCTION widest() RETURNS bigint LANGUAGE sql AS $$
SELECT max(greatest((SELECT count(DISTINCT e.parent) FROM drawn_edge e JOIN drawn_node c ON c.node = e.child JOIN drawn_node p ON p.node = e.parent
	WHERE c.n < d.n AND p.n >= d.n)
	+ (NOT EXISTS (SELECT FROM drawn_edge e WHERE e.parent = d.node))::int,
	(SELECT count(DISTINCT e.parent) FROM drawn_edge e JOIN drawn_node c ON c.node = e.child JOIN drawn_node p ON p.node = e.parent
	WHERE c.n <= d.n AND p.n > d.n))) FROM drawn_node d
$$;
CREATE FUNCTION judge(size int, most_parents int, reach int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	lanes int;
BEGIN
	TRUNCATE cmig.revision, drawn_edge, drawn_node RESTART IDENTITY;
	INSERT INTO cmig.revision (revision, down_revision, depends_on, created_at)
	SELECT 'r' || i, coalesce(p.list[:floor(random() * random() * (most_parents + 1))], '{}'),
		CASE WHEN random() < 0.1 AND i > 1 THEN ARRAY['r' || ceil(random() * (i - 1))] ELSE '{}' END, 'infinity'
	FROM generate_series(1, size) i,
		LATERAL (SELECT array_agg('r' || j ORDER BY random()) AS list FROM generate_series(greatest(1, i - reach), i - 1) j) p;
	lanes := read_back();
	IF (SELECT array_agg(node ORDER BY node) FROM drawn_node) IS DISTINCT FROM (SELECT array_agg(revision ORDER BY revision) FROM cmig.revision) THEN
		RETURN 'nodes';
	ELSIF EXISTS ((TABLE drawn_edge EXCEPT ALL SELECT revision, unnest(down_revision) FROM cmig.revision)
		UNION ALL (SELECT revision, unnest(down_revision) FROM cmig.revision EXCEPT ALL TABLE drawn_edge)) THEN
		RETURN 'edges';
	ELSIF lanes > widest() THEN
		RETURN format('%s lanes for %s', lanes, widest());
	END IF;
	RETURN 'ok';
END
$$;
\set ECHO all
SELECT setseed(0.5) IS NOT NULL;
SELECT result, count(*) FROM generate_series(1, 30) i, LATERAL judge(1 + i / 2, 1 + i % 7, 3 + i) AS result GROUP BY 1 ORDER BY 1;
SELECT judge(120, 3, 40);
-- as many as a large project has, in time
TRUNCATE cmig.revision;
INSERT INTO cmig.revision (revision, down_revision) SELECT 'r' || i, CASE WHEN i = 1 THEN '{}' ELSE ARRAY['r' || 1 + i / 3] END FROM generate_series(1, 5000) i;
SELECT count(*) FROM cmig.graph() WHERE line ~ ' r\d+ ';
SELECT max(length(substring(line FROM '^[^r]*'))) < 60 AS narrow FROM cmig.graph();
\set ECHO none
DROP EXTENSION pg_cmig;
DROP TABLE drawn_edge, drawn_node;
DROP FUNCTION turns, read_back, widest, judge;
