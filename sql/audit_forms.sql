--
-- Altered audit triggers, entries, and layouts: each causes one clear error, and no crash
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = error;

CREATE TABLE t (id integer PRIMARY KEY, v text, w integer);
CREATE TABLE keyless (v text, w integer);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('keyless');

-- what a statement says: 'ok' or its error
\set ECHO none
CREATE FUNCTION answer(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END $$;
\set ECHO all

--
-- Triggers created by hand
--
SELECT cmig.audit_trigger();
\set ECHO none
DO $$BEGIN PERFORM cmig.audit_trigger(); END $$;

-- all forms that the server accepts, each fired; what they logged is rolled back
CREATE TABLE forms (timing text, event text, level text, referencing text, arguments text, result text, logged text);
CREATE FUNCTION try_form(timing text, event text, level text, referencing text, arguments text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	made text;
	fired text;
	entries text;
BEGIN
	BEGIN
		made := answer(format('CREATE TRIGGER made_by_hand %s %s ON hand %s FOR EACH %s EXECUTE FUNCTION cmig.audit_trigger(%s)',
			timing, event, CASE WHEN referencing <> '' THEN 'REFERENCING ' || referencing ELSE '' END, level, arguments));
		IF made <> 'ok' THEN
			RETURN;
		END IF;
		fired := answer(CASE event WHEN 'INSERT' THEN 'INSERT INTO hand VALUES (3, ''c'')' WHEN 'UPDATE' THEN 'UPDATE hand SET v = ''b'' WHERE id = 1'
			WHEN 'DELETE' THEN 'DELETE FROM hand WHERE id = 1' ELSE 'TRUNCATE hand' END);
		SELECT string_agg(l.operation || CASE WHEN l.old_row IS NULL THEN '' ELSE ' old' END || CASE WHEN l.new_row IS NULL THEN '' ELSE ' new' END, ', ')
			INTO entries FROM cmig_audit.log l WHERE l.table_name = 'hand';
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		INSERT INTO forms VALUES (timing, event, level, referencing, arguments, fired, entries);
	END;
END $$;
CREATE TABLE hand (id integer PRIMARY KEY, v text);
INSERT INTO hand VALUES (1, 'a'), (2, 'b');
\set ECHO all
SELECT count(try_form(timing, event, level, referencing, arguments)) AS forms FROM unnest('{BEFORE,AFTER}'::text[]) timing,
	unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event, unnest('{ROW,STATEMENT}'::text[]) level,
	unnest('{"",OLD TABLE AS o,NEW TABLE AS n,OLD TABLE AS o NEW TABLE AS n}'::text[]) referencing,
	unnest(ARRAY['', '''1''', '1, 2, 3', '''7001'', ''{}''']) arguments;
SELECT timing, level, arguments, referencing, string_agg(event, ' ' ORDER BY event) AS events, result, string_agg(DISTINCT logged, '; ') AS logged
	FROM forms GROUP BY timing, level, arguments, referencing, result ORDER BY timing, level, arguments, referencing, events;
-- arguments of all kinds
TRUNCATE forms;
SELECT count(try_form('AFTER', 'INSERT', 'ROW', '', quote_literal(id) || ', ''{}''')) FROM unnest(ARRAY[NULL, '', '0', '-1', '1.5', '1e3', ' 7', 'x', '2147483646', '2147483647',
	'4294967297', '99999999999999999999', repeat('9', 1000), (SELECT l.table_id::text FROM cmig_audit.layout l WHERE l.table_name = 't')]) id;
SELECT count(try_form('AFTER', 'INSERT', 'ROW', '', '''7001'', ' || quote_literal(options))) FROM (
	SELECT unnest(ARRAY['', 'x', '1', '"x"', 'null', '[]', '[1]', '{', '{}', '{"nonsense": {"redact": 1}}', repeat('[', 100000), '{"level": 7}', '{"operations": {"a": 1}}',
		'{"operations": "all"}', '{"query_length": -1}', '{"query_length": "x"}', '{"query_length": 1e100}', '{"query_length": 2147483648}', '{"query_length": 2147483647}', '{"anchor": 7}',
		'{"anchor": "99999999999999999999999"}', '{"image": {}, "oversize": [], "skip_unchanged": "x", "replicated": {}}'])
	UNION ALL SELECT format('{"anchor": "%s", "%s": %s}', anchor, list, names) FROM unnest('{include,exclude,redact,hash}'::text[]) list,
		unnest(ARRAY['x', 'hand'::regclass::oid::text]) anchor,
		unnest(ARRAY['1', '"v"', '[]', '["v"]', '{"v": "x"}', '{"v": {}}', '{"v": [1]}', '{"v": -1}', '{"v": 70000}', '{"v": 1e400}', '{"v": 1.5}', '{"no such": 9}', '{"id": 1, "v": 2}', '{"v": 2, "w": 1600}']) names) o(options);
SELECT result, count(*) > 1 AS more FROM forms GROUP BY result ORDER BY result;
DROP TRIGGER IF EXISTS made_by_hand ON hand;

-- functions that read a table with such a trigger
CREATE TRIGGER made_by_hand AFTER UPDATE ON hand FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('x', '[');
SELECT answer('SELECT * FROM cmig.audit_history(''hand'', 1)');
SELECT answer('SELECT * FROM cmig.audit_as_of(NULL::hand, now())');
SELECT answer('SELECT * FROM cmig.audit_status()');
SELECT answer('SELECT cmig.enable_audit(''hand'')');
SELECT answer('SELECT cmig.disable_audit(''hand'')');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'hand'::regclass;

--
-- Imported entries with missing parts
--
\set ECHO none
INSERT INTO t VALUES (1, 'now', 1), (2, 'now', 2);
CREATE TABLE trail (table_name text, operation text, clock_at timestamptz, old_row jsonb, new_row jsonb);
INSERT INTO trail VALUES
	('t', 'INSERT', '2020-01-01', NULL, '{"id": 1, "v": "first", "w": 0}'),
	('t', 'UPDATE', '2020-02-01', NULL, '{"id": 1, "v": "second", "w": 0}'),
	('t', 'UPDATE', '2020-03-01', '{"id": 1, "v": "second", "w": 0}', '{"id": 1, "v": "third", "w": 0}'),
	('t', 'DELETE', '2020-04-01', NULL, NULL),
	('t', 'UPDATE', '2020-05-01', NULL, '[1]'),
	('t', 'UPDATE', '2020-06-01', NULL, '{"v": "without its key"}');
\set ECHO all
SELECT cmig.audit_import('trail');
\set VERBOSITY default
SELECT * FROM cmig.audit_as_of(NULL::t, '2020-01-15');
SELECT * FROM cmig.audit_as_of(NULL::t, '2020-01-15', 2);
SELECT * FROM cmig.audit_as_of(NULL::t, '2020-02-15');
SELECT * FROM cmig.audit_diff('t', 1, '2020-01-15', '2020-02-15');
\set VERBOSITY terse
BEGIN;
TRUNCATE t;
SELECT * FROM cmig.audit_as_of(NULL::t, '2020-02-15');
\set ECHO none
ROLLBACK;

--
-- Entries and layouts written by somebody else: each column, each kind of value
--
DELETE FROM cmig_audit.log WHERE clock_at < '2021-01-01';
SELECT clock_timestamp() AS then \gset
UPDATE t SET id = 10, v = 'x' WHERE id = 1;
UPDATE t SET v = 'y' WHERE id = 10;
DELETE FROM t WHERE id = 2;
INSERT INTO keyless VALUES ('a', 1), ('a', 1);
DELETE FROM keyless;
CREATE TABLE readers (statement text, truncated boolean, of_layout boolean);
INSERT INTO readers SELECT s, b, s !~ 'report|transaction' FROM unnest(ARRAY['SELECT * FROM cmig.audit_history(''t'', 10)',
	format('SELECT * FROM cmig.audit_diff(''t'', 10, %L, ''infinity'')', :'then'), format('SELECT * FROM cmig.audit_as_of(NULL::t, %L)', :'then'),
	format('SELECT * FROM cmig.audit_as_of(NULL::t, %L, 1)', :'then'), format('SELECT * FROM cmig.audit_as_of(NULL::keyless, %L)', :'then'),
	'SELECT * FROM cmig.audit_report(''t'')', 'SELECT * FROM cmig.audit_transaction((SELECT max(transaction_id) FROM cmig_audit.log))', 'UPDATE t SET v = v || ''.'', w = 5',
	'SELECT * FROM cmig.audit_status()', 'SELECT cmig.enable_audit(''t'', redact => ''{w}'')']) s, unnest('{f,t}'::boolean[]) b WHERE NOT b OR s LIKE '%as_of%' AND s NOT LIKE '%, 1)';
UPDATE readers SET of_layout = NULL WHERE statement ~ 'history|diff|as_of';
CREATE TABLE answers (what text, statement text, result text);
-- all reading functions after a change; everything is rolled back
CREATE FUNCTION try_change(change text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	results answers[] := '{}';
	r readers;
BEGIN
	FOR r IN SELECT * FROM readers WHERE coalesce(of_layout, change ~ 'layout') = (change ~ 'layout')
	LOOP
		BEGIN
			IF r.truncated THEN
				TRUNCATE t, keyless;
			END IF;
			EXECUTE change;
			results := results || ROW(change, r.statement, answer(r.statement))::answers;
			RAISE EXCEPTION 'undo';
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
	INSERT INTO answers SELECT * FROM unnest(results);
END $$;
CREATE TABLE odd (type text, value text);
INSERT INTO odd SELECT 'jsonb', unnest(ARRAY[NULL, 'null', '1', '[]', '[1, [2]]', '{}', '{"id": null}', '{"id": {"id": [1]}}', '{"zzz": 1}', '{"id": 1e300}', format('{"id": 1, "v": "%s"}', repeat('x', 100000)), repeat('[', 1000) || repeat(']', 1000)]);
INSERT INTO odd SELECT 'bigint', unnest(ARRAY[NULL, '-1', '9223372036854775807']);
INSERT INTO odd SELECT 'integer', unnest(ARRAY[NULL, '0', '-1', '2147483647']);
INSERT INTO odd SELECT 'oid', unnest(ARRAY[NULL, '0', '1', '1259', '4294967295']);
INSERT INTO odd SELECT 'text', unnest(ARRAY[NULL, '', 'TRUNCATE', repeat('x', 100000)]);
INSERT INTO odd SELECT 'timestamp with time zone', unnest(ARRAY[NULL, '-infinity', 'infinity', '4714-11-24 00:00:00+00 BC']);
INSERT INTO odd SELECT 'xid8', unnest(ARRAY[NULL, '0', '18446744073709551615']);
INSERT INTO odd SELECT 'text[]', unnest(ARRAY[NULL, '{}', '{NULL}', '{id,id}', '{{id},{v}}', '{zzz}', '{v}', '[5:6]={id,v}', '{id,v,w,zzz}']);
INSERT INTO odd SELECT 'inet', NULL;
CREATE FUNCTION try_columns(relation regclass) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(try_change(format('UPDATE %s SET %I = %L WHERE table_name IN (''t'', ''keyless'')', relation, a.attname, o.value)))
	FROM pg_attribute a JOIN odd o ON o.type = format_type(a.atttypid, -1)
	WHERE a.attrelid = relation AND a.attnum > 0
		AND a.attname NOT IN ('transaction_at', 'table_id', 'backend_pid', 'tenant_id', 'session_role', 'application_name', 'reason', 'request_id', 'query', 'client_address', 'role', 'revision', 'user_id') $$;
DO $$
DECLARE
	a record;
BEGIN
	FOR a IN SELECT attrelid::regclass AS relation, attname FROM pg_attribute WHERE attrelid IN ('cmig_audit.log'::regclass, 'cmig_audit.layout'::regclass)
		AND attnum > 0 AND attnotnull
	LOOP
		EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', a.relation, a.attname);
	END LOOP;
END $$;
-- equal ids
DROP INDEX cmig_audit.log_id_transaction_at_idx;
\set ECHO all
SELECT try_columns('cmig_audit.log') > 50 AS log, try_columns('cmig_audit.layout') > 30 AS layout;
-- combinations of the parts of an entry
SELECT count(try_change(format('UPDATE cmig_audit.log SET operation = %L, row_key = %L, old_key = %L, old_row = %L, new_row = %L WHERE table_name = ''t''', operation, key, old_key, old_row, new_row)))
	FROM unnest('{INSERT,UPDATE,DELETE}'::text[]) operation, unnest(ARRAY[NULL, '{"id": 1}']) key, unnest(ARRAY[NULL, '{"id": 10}']) old_key,
	unnest(ARRAY[NULL, '{"id": 1, "v": "o"}']) old_row, unnest(ARRAY[NULL, '{}', '[]']) new_row;
SELECT count(*) > 700 AS answers, count(*) FILTER (WHERE result = 'ok') > 300 AS ok, count(*) FILTER (WHERE result LIKE 'XX000%') AS internal FROM answers;
SELECT DISTINCT left(result, 5) AS sqlstate FROM answers WHERE result <> 'ok' ORDER BY 1;
SELECT DISTINCT what, statement, result FROM answers WHERE result LIKE 'XX000%' ORDER BY 1, 2 LIMIT 20;

\set ECHO none
DROP TABLE t, keyless, hand, forms, trail, readers, answers, odd CASCADE;
DROP FUNCTION answer(text), try_form(text, text, text, text, text), try_change(text), try_columns(regclass);
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
