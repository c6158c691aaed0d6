--
-- Graphs of tens of thousands of revisions: no walk uses the C stack, and no walk takes quadratic
-- time
--
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET max_stack_depth = '100kB';
SET statement_timeout = '60s';

-- a line
INSERT INTO cmig.revision (revision, down_revision, branch_labels, downgrade_sql)
SELECT 'r' || i, CASE WHEN i = 1 THEN '{}' ELSE ARRAY['r' || i - 1] END,
	CASE WHEN i = 1 THEN '{line}'::text[] ELSE '{}' END, ''
FROM generate_series(1, 20000) i;
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
INSERT INTO cmig.revision (revision, down_revision, depends_on, downgrade_sql)
SELECT format('b%s_%s', b, i),
	CASE WHEN i = 0 AND b = 0 THEN '{}' WHEN i = 0 THEN (SELECT array_agg(format('b%s_%s', b - 1, j)) FROM generate_series(1, 99) j)
		ELSE ARRAY[format('b%s_0', b)] END,
	CASE WHEN i > 1 THEN ARRAY[format('b%s_%s', b, i - 1)] ELSE '{}' END, ''
FROM generate_series(0, 199) b, generate_series(0, 99) i;
SELECT count(*) FROM cmig.plan('upgrade', 'heads');
SELECT count(*) FROM cmig.branches();
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
\set VERBOSITY terse
SELECT cmig.upgrade();
\set VERBOSITY default

-- The time is compared with that of the server's own sort of the same rows: it is two to four times
-- as long.  A quadratic walk takes about thirty times as long with this many revisions.
CREATE FUNCTION best_time(query text) RETURNS float LANGUAGE plpgsql AS $$
DECLARE
	began timestamptz;
	best float;
BEGIN
	FOR i IN 1..4 LOOP
		began := clock_timestamp();
		EXECUTE query;
		best := least(best, extract(epoch FROM clock_timestamp() - began));
	END LOOP;
	RETURN best;
END $$;
CREATE FUNCTION slow() RETURNS TABLE (query text, times_sort float) LANGUAGE plpgsql AS $$
DECLARE
	sort float;
BEGIN
	ANALYZE cmig.revision;
	sort := best_time('SELECT revision, down_revision, depends_on FROM cmig.revision ORDER BY revision COLLATE "C"');
	RETURN QUERY SELECT q, best_time(q) / sort FROM unnest(ARRAY[
		$q$SELECT cmig.resolve('heads')$q$,
		$q$SELECT count(*) FROM cmig.plan('upgrade', 'heads')$q$,
		$q$SELECT count(*) FROM cmig.history()$q$]) q;
END $$;
-- a line
TRUNCATE cmig.revision, cmig.version;
INSERT INTO cmig.revision (revision, down_revision)
SELECT 'r' || i, CASE WHEN i = 1 THEN '{}' ELSE ARRAY['r' || i - 1] END FROM generate_series(1, 80000) i;
SELECT * FROM slow() WHERE times_sort > 20;
-- blocks of twenty: all but the first follow the first, and the next block's first revision follows them
TRUNCATE cmig.revision, cmig.version;
INSERT INTO cmig.revision (revision, down_revision)
SELECT format('b%s_%s', b, i),
	CASE WHEN i > 0 THEN ARRAY[format('b%s_0', b)] WHEN b = 0 THEN '{}'
		ELSE (SELECT array_agg(format('b%s_%s', b - 1, j)) FROM generate_series(1, 19) j) END
FROM generate_series(0, 3999) b, generate_series(0, 19) i;
SELECT * FROM slow() WHERE times_sort > 20;
DROP FUNCTION slow, best_time;
DROP EXTENSION pg_cmig CASCADE;
