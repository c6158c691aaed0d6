--
-- audit_as_of compared with copies of the table, for random histories of many transactions. The
-- table itself changes, too: columns are added, dropped, and created again, and the key is renamed
-- back and forth. Keys have two columns, the statements include MERGE and ON CONFLICT, and rows
-- exchange their keys.
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

-- three names of the key in turn, each in a layout between two others
CREATE TABLE named (a integer PRIMARY KEY, v integer);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('named');
\set ECHO none
INSERT INTO named VALUES (1, 1), (2, 2);
ALTER TABLE named RENAME a TO b;
SELECT clock_timestamp() AS in_b \gset
UPDATE named SET v = 10 WHERE b = 1;
ALTER TABLE named RENAME v TO w;
UPDATE named SET w = 11 WHERE b = 1;
ALTER TABLE named RENAME b TO c;
SELECT clock_timestamp() AS in_c \gset
UPDATE named SET w = 12 WHERE c = 1;
ALTER TABLE named RENAME c TO d;
UPDATE named SET w = 13 WHERE d = 1;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::named, :'in_b') ORDER BY d;
SELECT * FROM cmig.audit_as_of(NULL::named, :'in_c') ORDER BY d;
SELECT * FROM cmig.audit_as_of(NULL::named, :'in_b', 1);
\set ECHO none
SELECT operation, changed, new_row FROM cmig.audit_history('named', 1);

CREATE TABLE copies (what text, at timestamptz, content jsonb);
CREATE TABLE steps (what text, step integer);
CREATE PROCEDURE history(tab text, n integer) LANGUAGE plpgsql AS $$
DECLARE
	k integer;
	step integer;
	added integer := 0;
	key text := 'a';
	s text;
BEGIN
	FOR i IN 1 .. n LOOP
		k := (random() * 12)::integer;
		step := (random() * 14)::integer;
		s := CASE step
			WHEN 0 THEN format('INSERT INTO %I (%I, b, v) SELECT i, %s, i FROM generate_series(%s, %s) i ON CONFLICT (%I, b) DO UPDATE SET v = coalesce(%I.v, 0) + 100',
				tab, key, k % 3, k, k + 3, key, tab)
			WHEN 1 THEN format('MERGE INTO %I t USING (SELECT i, %s AS b FROM generate_series(%s, %s) i) m ON t.%I = m.i AND t.b = m.b'
				' WHEN MATCHED AND m.i %% 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = t.v + 1, %I = t.%I + 20'
				' WHEN NOT MATCHED THEN INSERT (%I, b, v) VALUES (m.i, m.b, 0)', tab, k % 3, k, k + 5, key, key, key, key)
			WHEN 2 THEN format('DELETE FROM %I WHERE %I = %s', tab, key, k)
			WHEN 3 THEN format('UPDATE %I SET v = v + 1 WHERE %I < %s', tab, key, k)
			WHEN 4 THEN format('UPDATE %I SET %I = -%I, v = v - 1 WHERE b = %s', tab, key, key, k % 3)
			WHEN 5 THEN format('UPDATE %I SET %I = %s - %I WHERE b = %s', tab, key, k, key, k % 3)
			WHEN 6 THEN format('ALTER TABLE %I ADD COLUMN c%s text DEFAULT %L', tab, added % 4, added)
			WHEN 7 THEN format('ALTER TABLE %I DROP COLUMN IF EXISTS c%s', tab, k % 4)
			WHEN 8 THEN format('UPDATE %I SET t = repeat(md5(%L), %s) WHERE %I <= %s', tab, k, k, key, k)
			WHEN 9 THEN format('ALTER TABLE %I RENAME %I TO %I', tab, key, CASE key WHEN 'a' THEN 'key' ELSE 'a' END)
		END;
		IF s IS NOT NULL THEN
			BEGIN
				EXECUTE s;
				added := added + (step = 6)::integer;
				IF step = 9 THEN
					key := CASE key WHEN 'a' THEN 'key' ELSE 'a' END;
				END IF;
				INSERT INTO steps VALUES (tab, step);
			EXCEPTION WHEN unique_violation OR duplicate_column THEN NULL;
			END;
		ELSIF step = 10 THEN
			COMMIT;
			EXECUTE format('UPDATE %I SET v = -1', tab);
			ROLLBACK;
		ELSIF step = 11 THEN
			COMMIT;
		ELSE
			COMMIT;
			EXECUTE format('INSERT INTO copies SELECT %L, clock_timestamp(), coalesce(jsonb_agg(x ORDER BY x), ''[]'') FROM (SELECT jsonb_build_array(%I, b, v, t) AS x FROM %I) y', tab, key, tab);
			COMMIT;
			PERFORM pg_sleep(0.001);
		END IF;
	END LOOP;
	IF key <> 'a' THEN EXECUTE format('ALTER TABLE %I RENAME key TO a', tab); END IF;
END $$;
CREATE FUNCTION verify(tab regclass) RETURNS TABLE (name text, copies bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT %L, count(*), count(*) FILTER (WHERE a.content IS DISTINCT FROM c.content) FROM copies c,
		LATERAL (SELECT coalesce(jsonb_agg(x ORDER BY x), ''[]'') AS content FROM (SELECT jsonb_build_array(a, b, v, t) AS x FROM cmig.audit_as_of(NULL::%s, c.at)) y) a WHERE c.what = %L', tab, tab, tab);
END $$;
CREATE TABLE by_row (a integer, b integer, v integer, t text, PRIMARY KEY (a, b));
CREATE TABLE by_statement (LIKE by_row INCLUDING ALL);
CREATE TABLE changes (LIKE by_row INCLUDING ALL);
CREATE TABLE parts (LIKE by_row INCLUDING ALL) PARTITION BY RANGE (a);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (6);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
CREATE TABLE parts_statement (LIKE by_row INCLUDING ALL) PARTITION BY RANGE (a);
CREATE TABLE parts_statement_low PARTITION OF parts_statement FOR VALUES FROM (MINVALUE) TO (6);
CREATE TABLE parts_statement_rest PARTITION OF parts_statement DEFAULT;
-- rows that are older than the audit
INSERT INTO by_row SELECT i, 0, i, 'early' FROM generate_series(1, 8) i;
INSERT INTO changes SELECT * FROM by_row;
INSERT INTO parts SELECT * FROM by_row;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('by_row', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('by_statement');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('changes', image => 'changes');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parts', image => 'changes');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parts_statement', level => 'statement');
SELECT setseed(0.2);
CALL history('by_row', 200);
CALL history('by_statement', 200);
CALL history('changes', 150);
CALL history('parts', 150);
CALL history('parts_statement', 150);
SET jit = off;
SELECT name, copies > 5 AS copies, wrong FROM (SELECT * FROM verify('by_row') UNION ALL SELECT * FROM verify('by_statement')
	UNION ALL SELECT * FROM verify('changes') UNION ALL SELECT * FROM verify('parts') UNION ALL SELECT * FROM verify('parts_statement')) r ORDER BY 1;
-- the same with the entries in another physical order, and with options that no longer tell that some contain only changes
WITH l AS (DELETE FROM cmig_audit.log RETURNING *) INSERT INTO cmig_audit.log SELECT * FROM l ORDER BY md5(id::text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('changes', image => 'row');
SELECT name, copies > 5 AS copies, wrong FROM (SELECT * FROM verify('by_row') UNION ALL SELECT * FROM verify('by_statement') UNION ALL SELECT * FROM verify('changes')) r ORDER BY 1;
-- each kind of step occurred in each history, and renames more than twice
\set ECHO none
SELECT count(DISTINCT (what, step)) AS kinds, min(renames) > 2 AS renames
	FROM steps, (SELECT count(*) AS renames FROM steps WHERE step = 9 GROUP BY what) r;

-- rows that exchange a deferrable key; within a step, two rows can temporarily have the same key
CREATE PROCEDURE exchanges(tab text, n integer, truncates boolean) LANGUAGE plpgsql AS $$
DECLARE
	k integer;
	step integer;
	s text;
BEGIN
	FOR i IN 1 .. n LOOP
		k := 1 + (random() * 6)::integer;
		step := (random() * 13)::integer;
		IF step <= 8 THEN
			s := CASE step
				WHEN 0 THEN format('INSERT INTO %I SELECT a, %s + 100 * a, NULL FROM generate_series(1, 8) a WHERE a NOT IN (SELECT a FROM %I)', tab, 1000 * i, tab)
				WHEN 1 THEN format('DELETE FROM %I WHERE a = %s', tab, k)
				WHEN 2 THEN format('UPDATE %I SET v = v + 1 WHERE a < %s', tab, k)
				WHEN 3 THEN format('UPDATE %I SET t = %L WHERE a = %s', tab, i, k)
				WHEN 4 THEN format('UPDATE %I SET a = %s - a WHERE a < %s', tab, k, k)
				WHEN 5 THEN format('UPDATE %I SET a = a %% %s + 1, t = %L WHERE a <= %s', tab, k, i, k)
				-- the new row comes first, and is changed together with the old one
				WHEN 6 THEN format('INSERT INTO %I VALUES (%s, %s, ''new''); UPDATE %I SET v = v + 1 WHERE a = %s; DELETE FROM %I WHERE a = %s AND v <> %s', tab, k, 1000 * i, tab, k, tab, k, 1000 * i + 1)
				WHEN 7 THEN format('INSERT INTO %I VALUES (%s, %s, ''away''); UPDATE %I SET t = ''going'' WHERE v = %s; DELETE FROM %I WHERE v = %s', tab, k, 1000 * i, tab, 1000 * i, tab, 1000 * i)
				ELSE format('UPDATE %I SET a = a + 1 WHERE a = %s; UPDATE %I SET v = v + 1, t = t || ''!'' WHERE a = %s; UPDATE %I SET a = a - 1 WHERE a = %s AND t IS NULL', tab, k, tab, k + 1, tab, k + 1)
			END;
			BEGIN
				SET CONSTRAINTS ALL DEFERRED;
				EXECUTE s;
				SET CONSTRAINTS ALL IMMEDIATE;
				INSERT INTO steps VALUES (tab, step);
			EXCEPTION WHEN unique_violation THEN NULL;
			END;
		ELSIF step = 9 AND truncates THEN
			COMMIT;
			EXECUTE format('TRUNCATE %I', tab);
			INSERT INTO steps VALUES (tab, step);
		ELSIF step >= 10 THEN
			COMMIT;
			EXECUTE format('INSERT INTO copies SELECT %L, clock_timestamp(), coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.a), ''[]'') FROM %I x', tab, tab);
			COMMIT;
			PERFORM pg_sleep(0.001);
		END IF;
	END LOOP;
END $$;
CREATE FUNCTION verify_exchanges(tab regclass) RETURNS TABLE (name text, copies bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT %L, count(*), count(*) FILTER (WHERE a.content IS DISTINCT FROM c.content) FROM copies c,
		LATERAL (SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.a), ''[]'') AS content FROM cmig.audit_as_of(NULL::%s, c.at) x) a WHERE c.what = %L
		AND c.at > coalesce((SELECT max(l.clock_at) FROM cmig_audit.log l WHERE l.operation = ''TRUNCATE'' AND l.table_name = %L), ''-infinity'')', tab, tab, tab, tab);
END $$;
CREATE TABLE swap (a integer PRIMARY KEY DEFERRABLE, v integer, t text);
CREATE TABLE swap_truncated (LIKE swap, PRIMARY KEY (a) DEFERRABLE);
CREATE TABLE swap_truncated_row (LIKE swap, PRIMARY KEY (a) DEFERRABLE);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('swap');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('swap_truncated');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('swap_truncated_row', level => 'row');
DELETE FROM steps;
CALL exchanges('swap', 200, false);
CALL exchanges('swap_truncated', 200, true);
CALL exchanges('swap_truncated_row', 200, true);
SELECT name, copies > 0 AS copies, wrong FROM (SELECT * FROM verify_exchanges('swap')
	UNION ALL SELECT * FROM verify_exchanges('swap_truncated') UNION ALL SELECT * FROM verify_exchanges('swap_truncated_row')
	) r ORDER BY 1;
SELECT what, count(DISTINCT step) AS kinds FROM steps GROUP BY what ORDER BY what;

\set ECHO none
SET client_min_messages = error;
DROP TABLE named, copies, steps, by_row, by_statement, changes, parts, parts_statement,
	swap, swap_truncated, swap_truncated_row;
DROP PROCEDURE history, exchanges;
DROP FUNCTION verify, verify_exchanges;
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
