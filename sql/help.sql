--
-- cmig.help
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
\pset tuples_only
SELECT * FROM cmig.help();
SELECT count(*), max(char_length(line)) <= 80 AS fits FROM cmig.help();
-- every name in it has an entry
SELECT name, count(*) FROM cmig.help() h, regexp_matches(h.line, '^  \w+ +(.*)$') m, regexp_split_to_table(m[1], ' +') name
WHERE h.line NOT LIKE '%;' AND NOT EXISTS (SELECT FROM cmig.help(name) e WHERE e.line LIKE '%cmig.' || name || '%') GROUP BY name;
SELECT * FROM cmig.help('upgrade');
SELECT * FROM cmig.help('upgrade_stepwise');
SELECT * FROM cmig.help('cmig.require');
SELECT * FROM cmig.help('export(text)');
SELECT * FROM cmig.help('version');
SELECT * FROM cmig.help('protect');
-- errors
SELECT * FROM cmig.help('histories');
SELECT * FROM cmig.help('audit');
SELECT * FROM cmig.help('');
SELECT * FROM cmig.help('''; DROP TABLE x; --');
SELECT * FROM cmig.help(repeat('y', 100));
-- everything that is in the schema has an entry, in lines that fit
\set ECHO none
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace
	AND NOT EXISTS (SELECT FROM cmig.help(p.proname) h WHERE h.line LIKE '%cmig.' || p.proname || '(%') ORDER BY 1;
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind IN ('r', 'v')
	AND NOT EXISTS (SELECT FROM cmig.help(c.relname) h) ORDER BY 1;
SELECT s.name FROM pg_settings s WHERE s.name LIKE 'cmig.%' AND NOT EXISTS (SELECT FROM cmig.help(s.name) h) ORDER BY 1;
SELECT p.proname, h.line FROM (SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace) p, LATERAL cmig.help(p.proname) h
WHERE char_length(h.line) > 80 ORDER BY 1, 2;
DROP EXTENSION pg_cmig;
