--
-- cmig.report: an HTML page
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET jit = off;
-- what must hold for every page: ASCII, elements are closed in order, nothing is loaded or run
CREATE FUNCTION defects(page text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	stack text[] := '{}';
	tag text[];
BEGIN
	page := regexp_replace(page, '<style>.*?</style>', '');
	IF page ~ '[^\t\n -~]' THEN
		RETURN NEXT 'characters';
	END IF;
	FOR tag IN SELECT regexp_matches(page, '<(/?)([a-zA-Z0-9!]+)((?: [^<>]*)?)>', 'g') LOOP
		IF lower(tag[2]) IN ('script', 'img', 'iframe', 'object', 'link', 'form', 'base') THEN
			RETURN NEXT 'element ' || tag[2];
		END IF;
		IF tag[3] ~* '\s(on\w+|src|style)\s*=' OR tag[3] ~* 'href="[^#]' THEN
			RETURN NEXT 'attribute ' || tag[3];
		END IF;
		CONTINUE WHEN tag[2] IN ('!DOCTYPE', 'meta') OR tag[3] LIKE '%/';
		IF tag[1] = '' THEN
			stack := stack || tag[2];
		ELSIF stack[cardinality(stack)] = tag[2] THEN
			stack := trim_array(stack, 1);
		ELSE
			RETURN NEXT format('%s closes %s', tag[2], stack[cardinality(stack)]);
			RETURN;
		END IF;
	END LOOP;
	IF stack <> '{}' THEN
		RETURN NEXT 'not closed: ' || stack::text;
	END IF;
	IF (SELECT count(*) FROM regexp_matches(page, '[<>]', 'g')) <> 2 * (SELECT count(*) FROM regexp_matches(page, '<[^<>]*>', 'g')) THEN
		RETURN NEXT 'angle brackets';
	END IF;
	IF page LIKE '%http:%' OR page LIKE '%https:%' OR page LIKE '%url(%' THEN
		RETURN NEXT 'a reference';
	END IF;
END
$$;
CREATE FUNCTION sections(page text) RETURNS TABLE (title text, shown text) LANGUAGE sql AS $$
SELECT m[1], left(regexp_replace(m[2], '\s*<[^>]*>\s*', ' ', 'g'), 160) FROM regexp_matches(page, '<h2>(.*?)</h2>(.*?)</section>', 'g') m
$$;
-- without notices
SET client_min_messages = notice;
\set ECHO all
SELECT * FROM defects(cmig.report());
SET client_min_messages = warning;
SELECT * FROM sections(cmig.report()) WHERE title <> 'State';

-- texts that look like markup, and characters that cannot be seen
\set ECHO none
CREATE TABLE account (id int);
INSERT INTO cmig.revision (revision, down_revision, branch_labels, message, description, upgrade_sql, downgrade_sql, created_at) VALUES
('001', '{}', '{label}', 'Create accounts', '', 'CREATE TABLE good (id int)', 'DROP TABLE good', '2026-01-01 12:00+00'),
('002', '{001}', '{}', E'</span><script>alert("1")</script> \x01\x1b[31m \u202e \u2028 '' ` & &amp; ]]> -->', '<b>', E'</pre><script>alert(''2'')</script> -- \u00e4\U0001F600', '"><img src=x onerror=alert(3)>', 'infinity');
\set ECHO all
SELECT count(*) FROM cmig.upgrade('001');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role, sqlstate, message) VALUES
(50, '"><script>', 'upgrade', 'failed', '2026-01-01 12:00+00', '3 hours', '<i>', '<u>', '<script>alert(4)</script>'),
(51, NULL, 'drift', 'done', 'infinity', NULL, 'x', NULL, 'no drift');
SELECT * FROM defects(cmig.report());
SELECT value FROM cmig.status() WHERE item LIKE '%drift%';
SELECT m[1] FROM regexp_matches(cmig.report(), '(<span class="m">.*?</span>)', 'g') m;
SELECT m[1] FROM regexp_matches(cmig.report(), '(<pre>.*?</pre>)', 'g') m;
SELECT line FROM regexp_split_to_table(cmig.report(), '\n') line WHERE line LIKE '<li%' AND line NOT LIKE '%good%' AND line NOT LIKE '%Create accounts%';
-- an id that is not valid, in a graph that is broken
INSERT INTO cmig.revision (revision, down_revision, message) VALUES (E'"><script>\n', '{nosuch}', 'x');
SELECT * FROM defects(cmig.report());
SELECT m[1] FROM regexp_matches(cmig.report(), '<summary title="(.*?)"', 'g') m;
SELECT * FROM sections(cmig.report()) WHERE title = 'Pending steps';
DELETE FROM cmig.revision WHERE revision LIKE '%script%';

-- the journal's link to a repeatable revision
INSERT INTO cmig.revision (revision, repeatable, message, upgrade_sql) VALUES ('seed', true, 'Seed data', 'SELECT 1');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role) VALUES (1000, 'seed', 'upgrade', 'done', '2026-01-01', '0', 'regress_nobody');
SELECT page ~ ('<details id="' || (regexp_match(page, '<a href="#(r\d+)">seed</a> Seed data'))[1] || '"><summary title="seed:') AS linked FROM cmig.report() page;
DELETE FROM cmig.journal WHERE revision = 'seed';
DELETE FROM cmig.revision WHERE revision = 'seed';

-- saved queries
INSERT INTO cmig.workload (name, number, calls, query, saved_at) VALUES ('<script>', 1, 40, 'SELECT 1', 'infinity'), ('<script>', 2, 2, 'SELECT 2', 'infinity');
SELECT * FROM defects(cmig.report());
SELECT * FROM sections(cmig.report()) WHERE title ~ 'Queries';
DELETE FROM cmig.workload;

-- the caller sees what he may read
CREATE ROLE regress_report_reader;
CREATE ROLE regress_report_some;
SELECT count(*) > 1 AS granted FROM cmig.grant_access('regress_report_reader', 'reader');
\set ECHO none
GRANT USAGE ON SCHEMA cmig TO regress_report_some;
GRANT SELECT ON cmig.revision, cmig.version, cmig.journal, cmig.progress TO regress_report_some;
GRANT EXECUTE ON FUNCTION cmig.report() TO regress_report_some;
SET ROLE regress_report_reader;
\set ECHO all
SELECT * FROM defects(cmig.report());
SELECT * FROM sections(cmig.report()) WHERE shown LIKE '%Not shown%';
SET ROLE regress_report_some;
SELECT * FROM defects(cmig.report());
SELECT * FROM sections(cmig.report()) WHERE shown LIKE '%Not shown%';
RESET ROLE;
DROP OWNED BY regress_report_reader, regress_report_some;
DROP ROLE regress_report_reader, regress_report_some;

-- a table shows its first rows
DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE TABLE many_%s (id int); ALTER TABLE many_%1$s ENABLE ROW LEVEL SECURITY', i); END LOOP; END $$;
SELECT regexp_replace(note[1], 'first \d+', 'first ...') AS note, length(page) < 1000000 AS short
FROM cmig.report() page, regexp_matches(page, '<p class="dim">(These are[^<]*)</p>', 'g') note WHERE note[1] !~ 'journal';
DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('DROP TABLE many_%s', i); END LOOP; END $$;

-- 1,000 revisions; long scripts are cut
INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql)
SELECT 'r' || i, CASE WHEN i < 3 THEN '{001}' ELSE ARRAY['r' || greatest(1, i - 1 - i % 7)] END, 'Revision ' || i, CASE i WHEN 5 THEN '--' || repeat(U&'\00e4', 30000) ELSE 'SELECT 1' END
FROM generate_series(1, 998) i;
SELECT length(regexp_replace(page, '<details ', '', 'g')) - length(page) = -9 * 1000 AS all_shown, page LIKE '%... (60002 bytes in all)%' AND page NOT LIKE '%' || repeat('&#xE4;', 10000) || '%' AS cut, count(d.*) AS defects
FROM cmig.report() page LEFT JOIN LATERAL defects(page) d ON true GROUP BY page;
\set ECHO none
DROP TABLE account, good;
DROP EXTENSION pg_cmig;
DROP FUNCTION defects, sections;
