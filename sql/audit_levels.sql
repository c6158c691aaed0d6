--
-- The audit trigger at row and at statement level, through every way in which
-- rows change
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

-- two equal sets of tables; every statement is run on both
CREATE SCHEMA r;
CREATE SCHEMA s;
CREATE PROCEDURE twice(sql text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL search_path = r, public;
	EXECUTE sql;
	SET LOCAL search_path = s, public;
	EXECUTE sql;
	RESET search_path;
END $$;
\set ECHO all
-- the entries of both sets, which must be the same and in the same order
\set ECHO none
CREATE FUNCTION compare() RETURNS TABLE (same boolean, entries bigint, operations text)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY
	WITH e AS (SELECT *, row_number() OVER (PARTITION BY schema_name ORDER BY seq, command_id, id) AS n FROM cmig_audit.log),
	p AS (SELECT a.operation, a.n, (a.table_name, a.operation, a.row_key, a.old_key, a.old_row, a.new_row, a.changed)
			IS NOT DISTINCT FROM (b.table_name, b.operation, b.row_key, b.old_key, b.old_row, b.new_row, b.changed) AS same
		FROM (SELECT * FROM e WHERE schema_name = 'r') a FULL JOIN (SELECT * FROM e WHERE schema_name = 's') b USING (n))
	SELECT bool_and(p.same), count(*), string_agg(left(p.operation, 1), '' ORDER BY p.n) FROM p;
	DELETE FROM cmig_audit.log;
END $$;
\set ECHO all
CALL twice($$
	CREATE TABLE parent (a integer, b text, note text, PRIMARY KEY (a, b));
	CREATE TABLE child (id integer PRIMARY KEY, a integer, b text,
		FOREIGN KEY (a, b) REFERENCES parent ON UPDATE CASCADE ON DELETE SET NULL);
	CREATE TABLE plain (x integer, y text);
	CREATE TABLE gen (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v integer, twice integer GENERATED ALWAYS AS (v * 2) STORED);
$$);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit_schema('r', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit_schema('s', level => 'statement');

-- simple changes of one row and of many rows, with a key of two columns
CALL twice($$INSERT INTO parent SELECT i, 'b' || i, NULL FROM generate_series(1, 5) i$$);
CALL twice($$UPDATE parent SET note = 'n' WHERE a < 3$$);
CALL twice($$UPDATE parent SET a = a + 10 WHERE a = 5$$);
CALL twice($$DELETE FROM parent WHERE a = 15$$);
SELECT * FROM compare();
-- changes that change nothing
CALL twice($$UPDATE parent SET note = note; UPDATE parent SET note = 'x' WHERE false; DELETE FROM parent WHERE false$$);
SELECT * FROM compare();
-- cascades of foreign keys
CALL twice($$INSERT INTO child SELECT i, i, 'b' || i FROM generate_series(1, 4) i$$);
CALL twice($$UPDATE parent SET b = 'new' WHERE a = 1$$);
CALL twice($$DELETE FROM parent WHERE a = 2$$);
SELECT operation, table_name, row_key, old_key, changed FROM cmig_audit.log WHERE schema_name = 'r' ORDER BY id;
SELECT * FROM compare();
CALL twice($$CREATE TABLE leaf (id integer PRIMARY KEY, child integer REFERENCES child ON DELETE CASCADE); INSERT INTO leaf VALUES (1, 3), (2, 3), (3, 4)$$);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('r.leaf', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('s.leaf', level => 'statement');
CALL twice($$DELETE FROM child WHERE id = 3$$);
SELECT operation, table_name, row_key FROM cmig_audit.log WHERE schema_name = 'r' ORDER BY seq, command_id, id;
SELECT * FROM compare();
CALL twice($$DROP TABLE leaf$$);
-- no key: the whole row is the key
CALL twice($$INSERT INTO plain VALUES (1, 'a'), (1, 'a'), (2, NULL); UPDATE plain SET y = 'z' WHERE x = 2; DELETE FROM plain WHERE x = 1$$);
SELECT operation, row_key, old_key FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();
-- generated and identity columns
CALL twice($$INSERT INTO gen (v) VALUES (1), (2); UPDATE gen SET v = 7 WHERE id = 1$$);
SELECT operation, new_row, changed FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();
-- ON CONFLICT: here the order within the statement may differ, so each statement has one row
CALL twice($$INSERT INTO gen (id, v) OVERRIDING SYSTEM VALUE VALUES (1, 100) ON CONFLICT (id) DO UPDATE SET v = excluded.v$$);
CALL twice($$INSERT INTO gen (id, v) OVERRIDING SYSTEM VALUE VALUES (9, 1) ON CONFLICT (id) DO UPDATE SET v = excluded.v$$);
CALL twice($$INSERT INTO gen (id, v) OVERRIDING SYSTEM VALUE VALUES (9, 1) ON CONFLICT DO NOTHING$$);
SELECT * FROM compare();
-- MERGE
CALL twice($$MERGE INTO child c USING (VALUES (1)) v(id) ON c.id = v.id WHEN MATCHED THEN UPDATE SET a = NULL$$);
CALL twice($$MERGE INTO child c USING (VALUES (1)) v(id) ON c.id = v.id WHEN MATCHED THEN DELETE$$);
CALL twice($$MERGE INTO child c USING (VALUES (1)) v(id) ON c.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (1, NULL, NULL)$$);
SELECT * FROM compare();
-- TRUNCATE, with cascade
CALL twice($$TRUNCATE parent CASCADE$$);
SELECT operation, table_name, row_key, old_row, new_row FROM cmig_audit.log WHERE schema_name = 's' ORDER BY table_name;
SELECT * FROM compare();
-- several statements in one: data-modifying WITH
CALL twice($$WITH i AS (INSERT INTO plain VALUES (5, 'i') RETURNING *), d AS (DELETE FROM plain WHERE x = 2 RETURNING *) SELECT * FROM i, d$$);
SELECT operation, count(*) FROM cmig_audit.log GROUP BY 1 ORDER BY 1;
DELETE FROM cmig_audit.log;
-- COPY
COPY r.plain FROM STDIN;
1	copied
2	too
\.
COPY s.plain FROM STDIN;
1	copied
2	too
\.
SELECT * FROM compare();

-- BEFORE triggers that change rows, and AFTER triggers that change them again: the entries are in
-- the order of the changes, whichever was written first
CALL twice($$
	CREATE TABLE busy (id integer PRIMARY KEY, v integer, log text DEFAULT '');
	CREATE FUNCTION before_busy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.log := NEW.log || ''b''; RETURN NEW; END';
	CREATE FUNCTION after_busy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.v < 3 THEN EXECUTE format(''UPDATE %I.busy SET v = v + 1 WHERE id = $1'', TG_TABLE_SCHEMA) USING NEW.id; END IF; RETURN NULL; END';
	CREATE TRIGGER aa BEFORE INSERT OR UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION before_busy();
	CREATE TRIGGER aa_after AFTER INSERT OR UPDATE ON busy FOR EACH ROW EXECUTE FUNCTION after_busy();
$$);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('r.busy', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('s.busy', level => 'statement');
CALL twice($$INSERT INTO busy VALUES (1, 1), (2, 1)$$);
SELECT operation, row_key, old_row->>'v' AS old_v, new_row->>'v' AS new_v, new_row->>'log' AS log
	FROM cmig_audit.log WHERE schema_name = 's' ORDER BY row_key, seq, command_id, id;
SELECT operation, row_key, old_row->>'v' AS old_v, new_row->>'v' AS new_v, new_row->>'log' AS log
	FROM cmig_audit.log WHERE schema_name = 'r' ORDER BY row_key, seq, command_id, id;
DELETE FROM cmig_audit.log;

-- subtransactions: changes that were rolled back have no entry
BEGIN;
CALL twice($$INSERT INTO plain VALUES (100, 'stays')$$);
SAVEPOINT sp;
CALL twice($$INSERT INTO plain VALUES (101, 'goes')$$);
ROLLBACK TO sp;
CALL twice($$INSERT INTO plain VALUES (102, 'stays')$$);
COMMIT;
SELECT row_key FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();
BEGIN;
CALL twice($$INSERT INTO plain VALUES (103, 'goes')$$);
ROLLBACK;
SELECT * FROM compare();
-- deferred constraints fire after the entries
CALL twice($$CREATE TABLE def (id integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, other integer UNIQUE DEFERRABLE INITIALLY DEFERRED)$$);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('r.def', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('s.def', level => 'statement');
CALL twice($$INSERT INTO def VALUES (1, 1), (2, 2); UPDATE def SET id = 3 - id$$);
SELECT operation, row_key, old_key FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();

-- deferred triggers that change rows: logged at the end, in the same transaction
CALL twice($$
	CREATE UNLOGGED TABLE late (id integer PRIMARY KEY, v integer);
	CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE format(''UPDATE %I.late SET v = v * 10 WHERE id = $1 AND v < 10'', TG_TABLE_SCHEMA) USING NEW.id; RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();
$$);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('r.late', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('s.late', level => 'statement');
BEGIN;
CALL twice($$INSERT INTO late VALUES (1, 1), (2, 2)$$);
CALL twice($$UPDATE late SET v = 3 WHERE id = 2$$);
SELECT count(*) FROM cmig_audit.log;
SET CONSTRAINTS ALL IMMEDIATE;
CALL twice($$INSERT INTO late VALUES (3, 3)$$);
COMMIT;
BEGIN;
CALL twice($$INSERT INTO late VALUES (4, 4)$$);
COMMIT;
SELECT operation, row_key, old_row->>'v' AS old_v, new_row->>'v' AS new_v FROM cmig_audit.log WHERE schema_name = 's' ORDER BY seq, command_id, id;
SELECT count(DISTINCT transaction_id) FROM cmig_audit.log;
SELECT * FROM compare();

-- partitioned tables: row level, also for partitions created later and for writes to a partition
-- itself; moving a row is a DELETE and an INSERT
CREATE TABLE part (id integer, k integer, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
SELECT statement FROM cmig.enable_audit('part') WHERE statement LIKE '%ROW%';
\set ECHO none
CREATE TABLE part2 (v text, k integer NOT NULL, id integer NOT NULL);
ALTER TABLE part ATTACH PARTITION part2 FOR VALUES FROM (10) TO (20);
INSERT INTO part VALUES (1, 1, 'a'), (2, 12, 'b');
UPDATE part SET k = 15 WHERE id = 1;
UPDATE part SET v = 'c' WHERE id = 2;
INSERT INTO part2 (id, k, v) VALUES (3, 13, 'direct');
\set ECHO all
SELECT operation, table_name, row_key, old_row, new_row FROM cmig_audit.log ORDER BY id;
SELECT cmig.enable_audit('part2');
SELECT cmig.disable_audit('part2');
TRUNCATE part;
SELECT operation, table_name FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
DELETE FROM cmig_audit.log;
ALTER TABLE part DETACH PARTITION part2;
INSERT INTO part2 (id, k) VALUES (4, 14);
SELECT count(*) AS after_detach FROM cmig_audit.log;
SELECT cmig.disable_audit('part');
-- inheritance: each table is audited separately, including children
CREATE TABLE base (id integer PRIMARY KEY, v text);
CREATE TABLE derived (extra integer, PRIMARY KEY (id)) INHERITS (base);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('base');
INSERT INTO derived VALUES (1, 'd', 9);
UPDATE base SET v = 'through the parent';
SELECT operation, table_name, row_key, new_row FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;
CREATE TABLE derived2 () INHERITS (base);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('base');
INSERT INTO derived2 VALUES (2, 'x');
SELECT operation, table_name, row_key FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;
-- tables audited separately, at statement level, that become a hierarchy later: reported, and fixed by another call
CREATE SCHEMA tree;
CREATE TABLE tree.root (id integer PRIMARY KEY, v text);
CREATE TABLE tree.branch (id integer PRIMARY KEY, v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit_schema('tree');
ALTER TABLE tree.branch INHERIT tree.root;
CREATE TABLE tree.leaf (extra integer, PRIMARY KEY (id)) INHERITS (tree.branch);
SELECT target, level, problem FROM cmig.audit_status('tree');
INSERT INTO tree.branch VALUES (1, 'b');
INSERT INTO tree.leaf VALUES (2, 'l', 9);
UPDATE tree.root SET v = v || '!';
SELECT operation, table_name, row_key, new_row FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('tree.root');
SELECT target, level, problem FROM cmig.audit_status('tree');
UPDATE tree.root SET v = v || '!';
SELECT operation, table_name, row_key, new_row FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;

-- the author of a change: SET ROLE, SECURITY DEFINER functions, row-level security, settings
\set ECHO none
CREATE ROLE regress_audit_app;
GRANT USAGE ON SCHEMA s TO regress_audit_app;
GRANT ALL ON s.plain TO regress_audit_app;
CREATE FUNCTION as_owner() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$INSERT INTO s.plain VALUES (201, 'definer')$$;
ALTER TABLE s.plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON s.plain USING (true) WITH CHECK (x < 1000);
SET application_name = 'an application';
BEGIN;
SET LOCAL ROLE regress_audit_app;
SET LOCAL app.current_user_id = 'u1';
SET LOCAL app.current_tenant_id = 't1';
SET LOCAL app.audit_reason = 'because';
SET LOCAL app.request_id = 'r1';
INSERT INTO s.plain VALUES (200, 'app');
\set ECHO all
SELECT as_owner();
COMMIT;
INSERT INTO s.plain VALUES (202, 'plain');
SELECT row_key->>'x' AS x, role = session_user AS as_self, CASE WHEN role LIKE 'regress%' THEN role END AS role, session_role = session_user AS session,
	user_id, tenant_id, reason, request_id, application_name, backend_pid = pg_backend_pid() AS pid,
	transaction_id < pg_current_xact_id() AS xid, clock_at >= transaction_at AS times, revision
	FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;
-- empty search_path, session_replication_role
\set ECHO none
SET search_path = '';
INSERT INTO s.plain VALUES (203, 'no path');
SET session_replication_role = replica;
INSERT INTO s.plain VALUES (204, 'replica');
RESET session_replication_role;
\set ECHO all
SELECT row_key FROM cmig_audit.log ORDER BY id;
RESET search_path;
DELETE FROM cmig_audit.log;
SELECT statement FROM cmig.enable_audit('s.def', level => 'auto', replicated => true) WHERE statement LIKE 'ALTER%';
SET session_replication_role = replica;
INSERT INTO s.def VALUES (5, 5);
RESET session_replication_role;
SELECT operation, row_key FROM cmig_audit.log ORDER BY id;
DELETE FROM cmig_audit.log;
-- a revision that runs
SELECT * FROM cmig.create_revision('m', 'INSERT INTO s.plain VALUES (300, ''by a revision'')', revision => 'r300');
SET client_min_messages = error;
SELECT * FROM cmig.upgrade('head');
SET client_min_messages = warning;
SELECT row_key->>'x' AS x, revision FROM cmig_audit.log ORDER BY id;

-- tables moved, renamed and dropped keep their id
\set ECHO none
CREATE SCHEMA moved;
ALTER TABLE s.plain SET SCHEMA moved;
ALTER TABLE moved.plain RENAME TO renamed;
INSERT INTO moved.renamed VALUES (301, 'r');
ALTER SCHEMA moved RENAME TO moved_again;
INSERT INTO moved_again.renamed VALUES (302, 'r');
\set ECHO all
SELECT schema_name, table_name, table_id = min(table_id) OVER () AS same_id FROM cmig_audit.log ORDER BY id;

-- hostile names
CREATE SCHEMA "sch ""x"" %s $1";
CREATE TABLE "sch ""x"" %s $1"."t'; DROP TABLE x; --" ("a.b" integer, "quo""te'd\" text, "%s" text, "Ünï" text, PRIMARY KEY ("a.b", "quo""te'd\"));
SELECT statement FROM cmig.enable_audit('"sch ""x"" %s $1"."t''; DROP TABLE x; --"', exclude => '{%s}', redact => '{Ünï}') WHERE statement LIKE '%TRUNCATE%' AND statement NOT LIKE '%anchor%';
INSERT INTO "sch ""x"" %s $1"."t'; DROP TABLE x; --" VALUES (1, E'k"\\', 'hidden', 'ü'), (2, 'k2', 'hidden', NULL);
UPDATE "sch ""x"" %s $1"."t'; DROP TABLE x; --" SET "Ünï" = 'ö', "quo""te'd\" = 'k' WHERE "a.b" = 1;
SELECT operation, row_key, old_key, changed, new_row FROM cmig.audit_history('"sch ""x"" %s $1"."t''; DROP TABLE x; --"', '{"a.b": 1, "quo\"te''d\\": "k"}');
SELECT * FROM cmig.audit_as_of(NULL::"sch ""x"" %s $1"."t'; DROP TABLE x; --", now());
SELECT count(*) FROM cmig.audit_as_of(NULL::"sch ""x"" %s $1"."t'; DROP TABLE x; --", '2020-01-01');
\set ECHO none
SELECT cmig.audit_script('"sch ""x"" %s $1"."t''; DROP TABLE x; --"', exclude => '{%s}') AS script \gset
:script
INSERT INTO "sch ""x"" %s $1"."t'; DROP TABLE x; --" VALUES (3, 'k3');
DROP TRIGGER cmig_audit_row ON "sch ""x"" %s $1"."t'; DROP TABLE x; --";
DROP TRIGGER cmig_audit_truncate ON "sch ""x"" %s $1"."t'; DROP TABLE x; --";
\set ECHO all
SELECT count(*), count(DISTINCT new_row) FROM cmig_audit.log WHERE row_key->>'a.b' = '3';
CREATE TABLE "$table$
; SELECT 'escaped';" ("$table$" integer PRIMARY KEY);
SELECT cmig.audit_script(oid) AS script FROM pg_class WHERE relname LIKE '$table$%' AND relkind = 'r' \gset
:script
SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE relname LIKE '$table$%' ORDER BY 1;
DROP TABLE "$table$
; SELECT 'escaped';";
SELECT cmig.disable_audit('"sch ""x"" %s $1"."t''; DROP TABLE x; --"');

-- interrupted calls and changed tables leave no memory behind
CREATE TABLE broken_off (id integer PRIMARY KEY, j json);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('broken_off');
\set ECHO none
SELECT count(*) AS contexts FROM pg_backend_memory_contexts WHERE name = 'pg_cmig audited table' \gset
DO $$
BEGIN
	FOR i IN 1..20 LOOP
		BEGIN
			INSERT INTO broken_off VALUES (i, '"\u0000"');
		EXCEPTION WHEN untranslatable_character THEN NULL;
		END;
		EXECUTE 'ALTER TABLE broken_off ALTER j SET STATISTICS ' || i;
	END LOOP;
END $$;
INSERT INTO broken_off VALUES (1, '1');
\set ECHO all
SELECT count(*) - :contexts <= 1 AS freed FROM pg_backend_memory_contexts WHERE name = 'pg_cmig audited table';
\set ECHO none
DROP TABLE broken_off;

SET client_min_messages = error;
DROP SCHEMA "sch ""x"" %s $1" CASCADE;
DROP SCHEMA r, s, tree, moved_again, cmig_audit CASCADE;
DROP TABLE part, part2, derived2, derived, base;
DROP PROCEDURE twice(text);
DROP FUNCTION compare(), as_owner();
DROP EXTENSION pg_cmig;
DROP ROLE regress_audit_app;
