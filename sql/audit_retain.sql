--
-- The log's partitions, retention, and importing older logs
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET TimeZone = 'Asia/Kolkata';
\set VERBOSITY sqlstate
\set ECHO all
CALL cmig.audit_retain('1 year');
CREATE TABLE t (id integer PRIMARY KEY, v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('t');

-- partitions for this month and the six next ones, in UTC, and one for the rest
\set ECHO none
CREATE VIEW parts AS SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bound,
	CASE WHEN c.relname = 'log_default' THEN NULL
		ELSE 'log_y' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month', 'YYYY"m"MM') END AS expected
	FROM (SELECT c.*, row_number() OVER (ORDER BY c.relname = 'log_default', c.relname) - 1 AS n
		FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'cmig_audit.log'::regclass) c;
\set ECHO all
SELECT count(*), bool_and(name = expected) AS as_expected FROM parts;
SELECT bool_and(bound ~ 'FROM \(''\d{4}-\d\d-01 05:30:00\+05:30''\)') AS utc FROM parts WHERE expected IS NOT NULL;
-- the trigger creates none: after the last one, rows go to the default partition
INSERT INTO t VALUES (1, 'in its month');
SELECT tableoid::regclass::text ~ 'log_y' AS in_its_month FROM cmig_audit.log;
\set ECHO none
SET client_min_messages = error;
DO $$
DECLARE
	part text;
BEGIN
	FOR part IN SELECT name FROM parts WHERE expected IS NOT NULL LOOP
		EXECUTE format('DROP TABLE cmig_audit.%I', part);
	END LOOP;
END $$;
SET client_min_messages = warning;
INSERT INTO t VALUES (2, 'past the horizon');
\set ECHO all
SELECT tableoid::regclass, row_key FROM cmig_audit.log;
-- partitions begin tomorrow, or on a month's last day with the next month
CALL cmig.audit_retain(NULL);
SELECT count(*) IN (7, 8) AS made FROM parts;
INSERT INTO t VALUES (3, 'still today');
SELECT DISTINCT tableoid::regclass FROM cmig_audit.log;
-- later, rows that remain in the default partition move to a partition of their month
UPDATE cmig_audit.log_default SET transaction_at = '2020-01-15', clock_at = '2020-01-15' WHERE row_key = '{"id": 2}';
UPDATE cmig_audit.log_default SET transaction_at = '2020-02-29 23:59:59.999+00', clock_at = '2020-02-29' WHERE row_key = '{"id": 3}';
CALL cmig.audit_retain(NULL);
SELECT tableoid::regclass, row_key FROM cmig_audit.log ORDER BY 1;
-- in batches: each covers a range of time and gets a partition of its own; rows of one transaction stay together
\set ECHO none
CREATE VIEW past AS SELECT c.relname::text AS name, pg_get_expr(c.relpartbound, c.oid) AS bound, (SELECT count(*) FROM cmig_audit.log l WHERE l.tableoid = c.oid) AS entries
	FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'cmig_audit.log'::regclass AND c.relname ~ 'log_y201';
CREATE FUNCTION stray(at timestamptz, copies integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cmig_audit.log (seq, transaction_id, transaction_at, clock_at, row_hash, table_id, command_id, operation, schema_name, table_name)
	SELECT 0, '1', at, at, 0, 0, 0, 'INSERT', 'gone', 'stray' FROM generate_series(1, copies) $$;
\set ECHO all
SELECT stray('2019-03-01 00:00+00', 1), stray('2019-03-05 12:00+00', 2), stray('2019-03-05 12:00:00.000001+00', 4), stray('2019-03-31 23:00+00', 1), stray('2019-05-01 00:00+00', 1);
BEGIN;
CALL cmig.audit_retain(NULL, 2);
SET TimeZone = 'UTC';
\t
SELECT * FROM past ORDER BY 1;
\t
ROLLBACK;
\set VERBOSITY default
CALL cmig.audit_retain(NULL, 0);
CALL cmig.audit_retain(NULL, NULL);
CALL cmig.audit_retain(NULL, 7);
SET TimeZone = 'UTC';
\t
SELECT * FROM past ORDER BY 1;
\t
-- later rows between existing partitions move there, too
ALTER TABLE cmig_audit.log DETACH PARTITION cmig_audit.log_y2019m03;
SELECT stray('2019-03-02 00:00+00', 3);
CALL cmig.audit_retain(NULL);
\t
SELECT * FROM past ORDER BY 1;
\t
SELECT count(*) FROM cmig_audit.log_default;
\set ECHO none
RESET TimeZone;
SET TimeZone = 'Asia/Kolkata';
DROP TABLE cmig_audit.log_y2019m03;
DELETE FROM cmig_audit.log WHERE table_name = 'stray';
DROP VIEW past;
DROP FUNCTION stray;
\set ECHO all
SELECT indexdef FROM pg_indexes WHERE tablename = 'log_y2020m01' ORDER BY 1;
-- images are compressed with lz4 if the server has it, in every partition, however it was created
SELECT attname, count(*) = (SELECT count(*) + 1 FROM parts) AS in_all
	FROM pg_attribute WHERE attcompression <> ''
	AND (attrelid = 'cmig_audit.log'::regclass OR attrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'cmig_audit.log'::regclass))
	GROUP BY 1
UNION ALL
SELECT unnest('{row_key,old_key,old_row,new_row}'::text[]), true
	WHERE NOT (SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression')
ORDER BY 1;

-- retention: whole partitions are dropped, and the rest remains
SET client_min_messages = notice;
CALL cmig.audit_retain('-1 day');
CALL cmig.audit_retain('0');
SELECT ((now() - '2020-02-15') + interval '1 day')::text AS since_february \gset
CALL cmig.audit_retain(:'since_february');
SELECT tableoid::regclass, row_key FROM cmig_audit.log ORDER BY 1;
CALL cmig.audit_retain('1 year');
SELECT count(*) FROM cmig_audit.log;
-- rows that are in no partition of their own and too old are deleted, without creating a partition for them
INSERT INTO cmig_audit.log (seq, transaction_id, transaction_at, clock_at, row_hash, table_id, command_id, operation, schema_name, table_name)
	SELECT 0, '1'::xid8, '2020-01-01'::timestamptz, '2020-01-01'::timestamptz, 0, 0, 0, 'INSERT', 'gone', 'stray' FROM generate_series(1, 5)
	UNION ALL SELECT 0, '1'::xid8, '-infinity', '-infinity', 0, 0, 0, 'INSERT', 'gone', 'stray';
CALL cmig.audit_retain('1 year', 2);
SELECT count(*) FROM cmig_audit.log;
-- also within a transaction: then everything at its end
INSERT INTO t VALUES (4, 'x');
BEGIN;
CALL cmig.audit_retain('1 year');
ROLLBACK;
DO $$ BEGIN CALL cmig.audit_retain('1 year'); END $$;
SELECT count(*) FROM cmig_audit.log;
-- upgrades create partitions as well
\set ECHO none
SET client_min_messages = error;
DO $$
DECLARE
	part text;
BEGIN
	FOR part IN SELECT name FROM parts WHERE expected IS NOT NULL LOOP
		EXECUTE format('DROP TABLE cmig_audit.%I', part);
	END LOOP;
END $$;
\set ECHO all
DELETE FROM cmig_audit.log;
SELECT cmig.create_revision('nothing', '', revision => 'r1') \gset
SELECT count(*) FROM cmig.upgrade('r1');
SELECT count(*), bool_and(name = expected) AS as_expected FROM parts;
\set ECHO none
DO $$
DECLARE
	part text;
BEGIN
	FOR part IN SELECT name FROM parts WHERE expected IS NOT NULL LOOP
		EXECUTE format('DROP TABLE cmig_audit.%I', part);
	END LOOP;
END $$;
SELECT cmig.create_revision('nothing', '', revision => 'r2') \gset
\set ECHO all
CALL cmig.upgrade_stepwise('r2');
SELECT count(*), bool_and(name = expected) AS as_expected FROM parts;
\set ECHO none
SET client_min_messages = warning;

-- an application's own log: upgrading a database that has some rows
CREATE TABLE audit_logs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), table_name varchar NOT NULL, operation varchar NOT NULL,
	user_id uuid, tenant_id uuid, old_values jsonb, new_values jsonb, "timestamp" timestamptz NOT NULL DEFAULT now());
INSERT INTO audit_logs (table_name, operation, user_id, tenant_id, old_values, new_values, "timestamp") VALUES
	('t', 'INSERT', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', NULL, '{"id": 1, "v": "a"}', '2024-11-08 10:00+00'),
	('t', 'UPDATE', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-00000000000a', '{"id": 1, "v": "a"}', '{"id": 1, "v": "b"}', '2024-11-08 10:00:01+00'),
	('gone', 'DELETE', NULL, NULL, '{"x": 1}', NULL, '2024-12-01 00:00+00');
CREATE TABLE before AS SELECT table_name, operation, user_id, tenant_id, old_values, new_values, "timestamp" FROM audit_logs;
SELECT cmig.create_revision('the helper''s log instead', $$
	SELECT cmig.audit_import('audit_logs');
	DROP TABLE audit_logs;
	CREATE VIEW audit_logs WITH (security_invoker = true) AS SELECT * FROM cmig_audit.audit_logs;
$$, revision => 'r3') \gset
SET client_min_messages = error;
\set ECHO all
SELECT count(*) FROM cmig.upgrade('r3');
SET client_min_messages = warning;
-- the application's queries still work
\t
SELECT table_name, operation, user_id, tenant_id, old_values, new_values, "timestamp" FROM audit_logs
EXCEPT SELECT * FROM before;
\t
SELECT count(*) FROM audit_logs;
SET TimeZone = 'UTC';
SELECT table_name, operation, new_values->>'v' AS v, "timestamp" FROM audit_logs WHERE table_name = 't' ORDER BY "timestamp" DESC LIMIT 5;
-- old entries are part of the history
UPDATE t SET v = 'c' WHERE id = 1;
SELECT operation, row_key, changed, new_row FROM cmig.audit_history('t', 1);
SELECT operation, row_key, old_row FROM cmig_audit.log WHERE table_name = 'gone';
-- other names, by a mapping; single letters for operations
CREATE TABLE old_trail (what text, tab text, who name, at timestamptz, before jsonb, after jsonb);
INSERT INTO old_trail VALUES ('U', 't', 'bob', '2023-05-05', '{"id": 5}', '{"id": 6}'), ('t', 't', 'bob', '2023-05-06', NULL, NULL);
SELECT cmig.audit_import('old_trail');
SELECT cmig.audit_import('old_trail', '{"table_name": "tab", "operation": "what", "clock_at": "at", "role": "who", "old_row": "before", "new_row": "after"}');
SELECT operation, row_key, old_key, role FROM cmig_audit.log WHERE role = 'bob' ORDER BY seq;
INSERT INTO old_trail VALUES ('U', 't', 'eve', 'infinity', NULL, NULL);
SELECT cmig.audit_import('old_trail', '{"table_name": "tab", "operation": "what", "clock_at": "at", "role": "who", "old_row": "before", "new_row": "after"}');
DELETE FROM old_trail WHERE at = 'infinity';
SELECT cmig.audit_import('old_trail', '{"table_nam": "tab"}');
SELECT cmig.audit_import('old_trail', '{"table_name": "nope"}');
SELECT cmig.audit_import('old_trail', '{"table_name": 1}');
SELECT cmig.audit_import('old_trail', '[]');
SELECT cmig.audit_import(NULL);
UPDATE old_trail SET what = 'x';
SELECT cmig.audit_import('old_trail', '{"table_name": "tab", "operation": "what", "clock_at": "at"}');
UPDATE old_trail SET what = 'i', at = NULL;
SELECT cmig.audit_import('old_trail', '{"table_name": "tab", "operation": "what", "clock_at": "at"}');
-- entries of two partitions: values for the first writer are not in entries of the second one
\set ECHO none
CREATE TABLE scattered AS SELECT 't' AS table_name, 'UPDATE' AS operation, 'scattered' AS reason,
	'user ' || n || repeat('.', 300) AS user_id, CASE WHEN n % 2 = 0 THEN now() ELSE '2021-01-01' END + n * '1 second'::interval AS clock_at,
	jsonb_build_object('id', n, 'v', 'old') AS old_row, jsonb_build_object('id', n, 'v', 'new') AS new_row
	FROM generate_series(100, 139) n;
CREATE VIEW scattered_view AS SELECT * FROM scattered;
\set ECHO all
SELECT cmig.audit_import('scattered_view');
SELECT tableoid::regclass = 'cmig_audit.log_default'::regclass AS in_default, count(*),
	bool_and(operation = 'UPDATE' AND table_name = 't' AND user_id = 'user ' || (row_key->>'id') || repeat('.', 300)
		AND new_row->'id' = row_key->'id' AND changed = '{v}') AS sound
	FROM cmig_audit.log WHERE reason = 'scattered' GROUP BY 1 ORDER BY 1;
-- a column with schema and name, as TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME and as regclass write them
\set ECHO none
CREATE SCHEMA legacy;
CREATE SCHEMA "Old Shop";
CREATE TABLE legacy.orders (id integer PRIMARY KEY);
CREATE TABLE legacy."Orders" (id integer PRIMARY KEY);
CREATE TABLE "Old Shop"."my.orders" (id integer PRIMARY KEY);
CREATE TABLE "legacy.orders" (id integer PRIMARY KEY);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('legacy.orders');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('legacy."Orders"');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('"Old Shop"."my.orders"');
CREATE TABLE qualified AS SELECT n AS table_name, 'I' AS operation, '2022-02-02'::timestamptz AS clock_at, '{"id": 7}'::jsonb AS new_row, 'qualified' AS reason
	FROM unnest(ARRAY['legacy.orders', 'legacy.Orders', 'legacy."Orders"', '"Old Shop"."my.orders"', 'legacy.dropped', '"Old Shop"."gone too"', '"T"', 'a.b.c', '.', 'x.']) n;
ALTER TABLE "legacy.orders" RENAME TO "legacy.moved";
SELECT cmig.audit_import('qualified');
SELECT schema_name, table_name, row_key, count(*) FROM cmig_audit.log WHERE reason = 'qualified' GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT operation, row_key FROM cmig.audit_history('legacy.orders', 7);
-- a table that really has this name takes precedence
ALTER TABLE "legacy.moved" RENAME TO "legacy.orders";
DELETE FROM qualified WHERE table_name <> 'legacy.orders';
UPDATE qualified SET reason = 'dotted';
SELECT cmig.audit_import('qualified');
SELECT schema_name, table_name FROM cmig_audit.log WHERE reason = 'dotted';

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA legacy, "Old Shop" CASCADE;
DROP TABLE qualified, "legacy.orders";
DROP VIEW parts, audit_logs, scattered_view;
DROP SCHEMA cmig_audit CASCADE;
DROP TABLE t, before, old_trail, scattered;
DROP EXTENSION pg_cmig CASCADE;
