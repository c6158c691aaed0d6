--
-- Graphs of tens of thousands of revisions: no function recurses on the C stack, and none takes
-- quadratic time, which the ratio of the times for two sizes would show
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET max_stack_depth = '100kB';
SET statement_timeout = '60s';

-- a line
INSERT INTO cmig.revision (revision, down_revision, branch_labels, downgrade_sql)
SELECT 'r' || i, CASE WHEN i = 1 THEN '{}' ELSE ARRAY['r' || i - 1] END,
	CASE WHEN i = 1 THEN '{line}'::text[] ELSE '{}' END, ''
FROM generate_series(1, 20000) i;
\set ECHO all
SELECT count(*), min(step), max(step) FROM cmig.plan('upgrade', 'heads');
SELECT revision, step FROM cmig.plan('upgrade', 'line@head') WHERE step IN (1, 2, 20000) ORDER BY step;
SELECT revision FROM cmig.plan('upgrade', 'base+20000') ORDER BY step DESC LIMIT 1;
SELECT cmig.resolve('line@heads');
SELECT count(*) FROM cmig.history();
SELECT revision, branch_labels FROM cmig.stamp('head') s, LATERAL (SELECT branch_labels FROM cmig.current()) c;
SELECT count(*) FROM cmig.plan('downgrade', 'base');
SELECT revision FROM cmig.plan('downgrade', '-19999') ORDER BY step DESC LIMIT 1;
SELECT count(*) FROM cmig.check() WHERE severity = 'error';
SELECT value FROM cmig.status() WHERE item = 'revisions';
SELECT cmig.require();

-- as wide as long: forks of a hundred, merged again, each depending on the one before
TRUNCATE cmig.revision, cmig.version;
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, depends_on, downgrade_sql)
SELECT format('b%s_%s', b, i),
	CASE WHEN i = 0 AND b = 0 THEN '{}' WHEN i = 0 THEN (SELECT array_agg(format('b%s_%s', b - 1, j)) FROM generate_series(1, 99) j)
		ELSE ARRAY[format('b%s_0', b)] END,
	CASE WHEN i > 1 THEN ARRAY[format('b%s_%s', b, i - 1)] ELSE '{}' END, ''
FROM generate_series(0, 199) b, generate_series(0, 99) i;
\set ECHO all
SELECT count(*) FROM cmig.plan('upgrade', 'heads');
SELECT count(*) FROM cmig.branches();
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('head');
SELECT * FROM cmig.stamp('heads');
SELECT count(*) FROM cmig.plan('downgrade', 'base');
SELECT count(*) FROM cmig.history() WHERE is_mergepoint;

-- one cycle of all revisions
TRUNCATE cmig.revision, cmig.version;
INSERT INTO cmig.revision (revision, down_revision)
SELECT 'r' || i, ARRAY['r' || CASE WHEN i = 1 THEN 20000 ELSE i - 1 END] FROM generate_series(1, 20000) i;
SELECT object, left(problem, 60) AS problem FROM cmig.check() WHERE severity = 'error';
SELECT count(*) FROM cmig.history();
SELECT cmig.upgrade();

-- Eight times as many revisions take about eight times as long, and a quadratic walk 64 times as
-- long.  What counts is the time on a processor, where Linux tells it, so that other processes slow
-- down neither.  All rows stay in memory.
\set ECHO none
SET work_mem = '256MB';
CREATE TABLE best_time (query text, size int, seconds float);
CREATE FUNCTION seconds() RETURNS float LANGUAGE sql AS $$
SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::float / 1e9, extract(epoch FROM clock_timestamp()))
$$;
CREATE PROCEDURE measure(size int) LANGUAGE plpgsql AS $$
DECLARE
	query text;
	began float;
BEGIN
	ANALYZE cmig.revision;
	FOREACH query IN ARRAY ARRAY[
		$q$SELECT cmig.resolve('heads')$q$,
		$q$SELECT count(*) FROM cmig.plan('upgrade', 'heads')$q$,
		$q$SELECT count(*) FROM cmig.history()$q$]
	LOOP
		-- the larger size once, and more often if the machine seems to have been busy with something else
		FOR i IN 1..12 LOOP
			began := seconds();
			EXECUTE query;
			INSERT INTO best_time VALUES (query, size, seconds() - began);
			EXIT WHEN (i >= 4 OR EXISTS (SELECT FROM best_time AS b (q, n) WHERE b.q = query AND b.n < measure.size))
				AND NOT EXISTS (SELECT FROM slow AS s (q, t) WHERE s.q = query);
		END LOOP;
	END LOOP;
	TRUNCATE cmig.revision, cmig.version;
END $$;
CREATE VIEW slow AS
SELECT query, max(seconds) / min(seconds) AS times FROM (SELECT query, size, min(seconds) AS seconds FROM best_time GROUP BY 1, 2) best
GROUP BY query HAVING max(seconds) > 30 * min(seconds);
-- a line
CREATE PROCEDURE make_line(revisions int) LANGUAGE sql AS $$
INSERT INTO cmig.revision (revision, down_revision)
SELECT 'r' || i, CASE WHEN i = 1 THEN '{}' ELSE ARRAY['r' || i - 1] END FROM generate_series(1, revisions) i;
$$;
TRUNCATE cmig.revision, cmig.version;
CALL make_line(20000);
CALL measure(20000);
CALL make_line(160000);
CALL measure(160000);
\set ECHO all
SELECT * FROM slow;
TRUNCATE best_time;
-- blocks of twenty: all but the first follow the first, and the next block's first revision follows them
\set ECHO none
CREATE PROCEDURE make_blocks(blocks int) LANGUAGE sql AS $$
INSERT INTO cmig.revision (revision, down_revision)
SELECT format('b%s_%s', b, i),
	CASE WHEN i > 0 THEN ARRAY[format('b%s_0', b)] WHEN b = 0 THEN '{}'
		ELSE (SELECT array_agg(format('b%s_%s', b - 1, j)) FROM generate_series(1, 19) j) END
FROM generate_series(0, blocks - 1) b, generate_series(0, 19) i;
$$;
\set ECHO all
CALL make_blocks(1000);
CALL measure(1000);
CALL make_blocks(8000);
CALL measure(8000);
SELECT * FROM slow;
\set ECHO none
DROP VIEW slow;
DROP TABLE best_time;
DROP PROCEDURE measure, make_line, make_blocks;
DROP FUNCTION seconds;
DROP EXTENSION pg_cmig CASCADE;
