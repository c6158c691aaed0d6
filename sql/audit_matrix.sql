--
-- Audit triggers at row and at statement level: many rows at once, tables that change during a
-- session, privileges, and values that are not read
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
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
-- the entries of both levels: the same ones, with those of each row in the same order, and images with the same bytes
CREATE FUNCTION compare(OUT same boolean, OUT entries bigint, OUT operations text) LANGUAGE plpgsql AS $$
BEGIN
	WITH e AS (SELECT *, row_number() OVER (PARTITION BY schema_name ORDER BY table_name, operation, coalesce(old_key, row_key), seq, command_id, id) AS n
		FROM cmig_audit.log WHERE schema_name IN ('r', 's')),
	p AS (SELECT n, a.operation, (a.table_name, a.operation, a.row_key, a.old_key, a.old_row::text, a.new_row::text, a.changed, a.role, a.user_id, a.revision)
			IS NOT DISTINCT FROM (b.table_name, b.operation, b.row_key, b.old_key, b.old_row::text, b.new_row::text, b.changed, b.role, b.user_id, b.revision) AS same
		FROM (SELECT * FROM e WHERE schema_name = 'r') a FULL JOIN (SELECT * FROM e WHERE schema_name = 's') b USING (n))
	SELECT bool_and(p.same), count(*),
		(SELECT string_agg(o.operation || ' ' || o.n, ', ' ORDER BY o.operation) FROM (SELECT q.operation, count(*) AS n FROM p q GROUP BY 1) o)
		INTO same, entries, operations FROM p;
	DELETE FROM cmig_audit.log;
END $$;
CREATE PROCEDURE audit(tab text, more text DEFAULT '') LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) > 0 AS changed FROM cmig.enable_audit(%L, level => ''row'' %s)', 'r.' || tab, more);
	EXECUTE format('SELECT count(*) > 0 AS changed FROM cmig.enable_audit(%L, level => ''statement'' %s)', 's.' || tab, more);
END $$;

-- more rows than are written in one batch, and statements that do several things
CALL twice($$CREATE TABLE t (id integer PRIMARY KEY, v integer, n text)$$);
CALL audit('t');
CALL twice($$INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 2000) i$$);
\set ECHO all
SELECT * FROM compare();
CALL twice($$INSERT INTO t SELECT i, -i, 'y' FROM generate_series(1500, 2500) i ON CONFLICT (id) DO UPDATE SET v = excluded.v WHERE t.id % 3 <> 0$$);
SELECT * FROM compare();
CALL twice($$MERGE INTO t USING generate_series(2000, 3000) i ON t.id = i
	WHEN MATCHED AND i % 3 = 0 THEN DELETE
	WHEN MATCHED AND i % 3 = 1 THEN UPDATE SET v = 0, id = i + 10000
	WHEN MATCHED THEN DO NOTHING
	WHEN NOT MATCHED AND i % 2 = 0 THEN INSERT VALUES (i, i, 'm')$$);
SELECT * FROM compare();
CALL twice($$COPY t (id) FROM PROGRAM 'seq 20001 22500'$$);
SELECT * FROM compare();
CALL twice($$DELETE FROM t WHERE id > 2; UPDATE t SET v = NULL, n = NULL$$);
SELECT * FROM compare();

-- within one session, columns are added, dropped, and renamed, and change their type; so does the key
CALL twice($$ALTER TABLE t ADD COLUMN c timestamptz DEFAULT '2024-01-01 00:00+00'; UPDATE t SET v = 1$$);
CALL twice($$ALTER TABLE t DROP COLUMN v; UPDATE t SET n = 'without'$$);
CALL twice($$ALTER TABLE t ADD COLUMN v text DEFAULT 'back'; UPDATE t SET n = 'with'; INSERT INTO t VALUES (5, 'n', NULL, 'v')$$);
CALL twice($$ALTER TABLE t ALTER v DROP DEFAULT; ALTER TABLE t ALTER c TYPE date USING c::date, ALTER id TYPE bigint, ALTER v TYPE integer USING length(v); UPDATE t SET n = 'other types'$$);
CALL twice($$ALTER TABLE t RENAME n TO m; UPDATE t SET m = 'name'; DELETE FROM t WHERE id = 5$$);
CALL twice($$ALTER TABLE t DROP CONSTRAINT t_pkey; UPDATE t SET m = 'no key' WHERE id = 1; ALTER TABLE t ADD PRIMARY KEY (id, m); UPDATE t SET m = 'in the key'$$);
SELECT operation, row_key, old_key, new_row, changed FROM cmig_audit.log WHERE schema_name = 's' AND row_key->>'id' IN ('1', '5') ORDER BY id;
SELECT * FROM compare();

-- rows of one table that refer to each other; changes made by a cascade
CALL twice($$
	CREATE TABLE tree (id integer PRIMARY KEY, up integer REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE);
	CREATE TABLE owned (id integer PRIMARY KEY, by integer DEFAULT 2 REFERENCES tree ON DELETE SET DEFAULT ON UPDATE SET NULL);
	INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, 1);
	INSERT INTO owned VALUES (1, 1), (2, 5);
$$);
CALL audit('tree');
CALL audit('owned');
CALL twice($$UPDATE tree SET id = id + 10 WHERE id IN (1, 3)$$);
SELECT * FROM compare();
CALL twice($$DELETE FROM tree WHERE id IN (13, 5)$$);
SELECT table_name, operation, row_key, new_row FROM cmig_audit.log WHERE schema_name = 's' ORDER BY table_name, row_key;
SELECT * FROM compare();

-- BEFORE triggers that skip rows, or change other rows of the same table
CALL twice($$
	CREATE TABLE picky (id integer PRIMARY KEY, v integer);
	INSERT INTO picky SELECT i, 0 FROM generate_series(1, 4) i;
	CREATE FUNCTION picky() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
		IF NEW.v = 13 THEN RETURN NULL; END IF;
		IF NEW.v = 7 THEN EXECUTE format(''UPDATE %I.picky SET v = 8 WHERE id = $1'', TG_TABLE_SCHEMA) USING NEW.id + 1; END IF;
		RETURN NEW; END';
	CREATE TRIGGER picky BEFORE INSERT OR UPDATE ON picky FOR EACH ROW EXECUTE FUNCTION picky();
$$);
CALL audit('picky');
CALL twice($$UPDATE picky SET v = CASE id WHEN 1 THEN 13 WHEN 2 THEN 7 ELSE v END WHERE id < 3; INSERT INTO picky VALUES (9, 13), (10, 1)$$);
SELECT operation, row_key, old_row->>'v' AS old_v, new_row->>'v' AS new_v FROM cmig_audit.log WHERE schema_name = 's' ORDER BY row_key;
SELECT * FROM compare();

-- special names, in tables of both levels
CALL twice($$CREATE TABLE "t'; DROP ""x"" %s $1\" ("a.b" integer, "quo""te'd\" text, "%s" text, "Ünï" text, PRIMARY KEY ("a.b", "quo""te'd\"))$$);
CALL audit($$"t'; DROP ""x"" %s $1\"$$, $$, exclude => '{%s}', redact => '{Ünï}'$$);
CALL twice($$INSERT INTO "t'; DROP ""x"" %s $1\" VALUES (1, E'k"\\', 'hidden', 'ü'), (2, 'k2', 'hidden', NULL); UPDATE "t'; DROP ""x"" %s $1\" SET "quo""te'd\" = 'k', "%s" = 'x'$$);
SELECT table_name, row_key, old_key, new_row FROM cmig_audit.log WHERE schema_name = 's' AND operation = 'UPDATE' ORDER BY row_key;
\set ECHO none
SELECT * FROM compare();

-- the role that is logged: policies that hide the row from its writer, SECURITY DEFINER functions, roles, and the role of replication
CREATE ROLE regress_matrix_app;
GRANT USAGE ON SCHEMA r, s TO regress_matrix_app;
CALL twice($$
	CREATE TABLE hidden (id integer PRIMARY KEY, v text);
	GRANT INSERT, UPDATE, DELETE, SELECT ON hidden TO regress_matrix_app;
	ALTER TABLE hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY i ON hidden FOR INSERT WITH CHECK (true);
	CREATE POLICY s ON hidden FOR SELECT USING (v = 'seen');
	CREATE POLICY u ON hidden FOR UPDATE USING (v = 'seen') WITH CHECK (true);
	CREATE POLICY d ON hidden FOR DELETE USING (id < 100);
	CREATE FUNCTION put() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$BEGIN INSERT INTO hidden VALUES (3, 'by a definer'); END$f$;
$$);
CALL audit('hidden');
GRANT EXECUTE ON PROCEDURE twice TO regress_matrix_app;
SET app.current_user_id = 'someone';
SET ROLE regress_matrix_app;
CALL twice($$INSERT INTO hidden VALUES (1, 'unseen'), (2, 'seen')$$);
CALL twice($$UPDATE hidden SET id = id + 10; DELETE FROM hidden$$);
CALL twice($$SELECT put()$$);
\set ECHO all
SELECT count(*) FROM s.hidden;
RESET ROLE;
RESET app.current_user_id;
SELECT operation, row_key, role = current_user AS as_superuser, user_id FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();
\set ECHO none
SET session_replication_role = replica;
CALL twice($$INSERT INTO hidden VALUES (7, 'not logged')$$);
RESET session_replication_role;
SET search_path = '';
CALL public.twice($$INSERT INTO hidden VALUES (8, 'logged')$$);
RESET search_path;
SELECT * FROM compare();

-- TOASTed values: as many are fetched as in the same table without audit if no entry contains them
CREATE SCHEMA n;
CREATE PROCEDURE thrice(sql text) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL search_path = n, public;
	EXECUTE sql;
	CALL twice(sql);
END $$;
CALL thrice($$
	CREATE TABLE big (id integer PRIMARY KEY, small integer, large text, other text);
	ALTER TABLE big ALTER large SET STORAGE EXTERNAL, ALTER other SET STORAGE EXTERNAL;
	INSERT INTO big VALUES (1, 1, repeat('x', 100000), repeat('y', 50000));
$$);
CREATE VIEW reads AS SELECT n.nspname, pg_stat_get_xact_numscans(i.indexrelid) AS reads
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.relname = 'big';
CREATE FUNCTION more_reads(sql text, OUT by_row bigint, OUT by_statement bigint) LANGUAGE plpgsql AS $$
DECLARE
	before jsonb := (SELECT jsonb_object_agg(nspname, reads) FROM reads);
	now jsonb;
BEGIN
	CALL thrice(sql);
	now := (SELECT jsonb_object_agg(r.nspname, r.reads - (before->>nspname)::bigint) FROM reads r);
	by_row := (now->>'r')::bigint - (now->>'n')::bigint;
	by_statement := (now->>'s')::bigint - (now->>'n')::bigint;
END $$;
CALL audit('big', $$, image => 'changes'$$);
\set ECHO all
SELECT * FROM more_reads($$UPDATE big SET small = 2$$);
SELECT * FROM more_reads($$UPDATE big SET small = small$$);
-- the old value of what changed
SELECT * FROM more_reads($$UPDATE big SET small = 3, other = repeat('z', 50000)$$);
-- whole rows: both values, each fetched once for two images
CALL audit('big', $$, image => 'row'$$);
SELECT * FROM more_reads($$UPDATE big SET small = 4$$);
-- hidden columns are not fetched
CALL audit('big', $$, exclude => '{large}', redact => '{other}'$$);
SELECT * FROM more_reads($$UPDATE big SET small = 5$$);
SELECT * FROM more_reads($$UPDATE big SET large = repeat('u', 100000), small = 6$$);
SELECT * FROM more_reads($$DELETE FROM big$$);
SELECT operation, old_row->>'small' AS small, length(old_row->>'large') AS large, length(old_row->>'other') AS other FROM cmig_audit.log WHERE schema_name = 's' ORDER BY id;
SELECT * FROM compare();

-- values that fit individually but not together
CALL twice($$CREATE TABLE huge (id integer PRIMARY KEY, a text, b text, many boolean[])$$);
CALL audit('huge');
\set VERBOSITY terse
INSERT INTO r.huge SELECT 1, repeat(repeat('x', 1000), 140000), repeat(repeat('y', 1000), 140000);
\set VERBOSITY default
CALL audit('huge', $$, oversize => 'truncate'$$);
INSERT INTO s.huge SELECT 1, repeat(repeat('x', 1000), 140000), repeat(repeat('y', 1000), 140000) || 'y';
SELECT length(new_row->>'a') AS a, new_row->>'b' AS b FROM cmig_audit.log;
-- a value that becomes too large as jsonb
INSERT INTO r.huge SELECT 2, NULL, NULL, array_fill(true, ARRAY[33600000]);
SELECT new_row FROM cmig_audit.log WHERE schema_name = 'r';
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('s.huge', oversize => 'error');
INSERT INTO s.huge SELECT 2, NULL, NULL, array_fill(true, ARRAY[33600000]);
SELECT count(*) FROM s.huge;
\set ECHO none
DELETE FROM cmig_audit.log;

SET client_min_messages = error;
DROP SCHEMA r, s, n, cmig_audit CASCADE;
DROP VIEW reads;
DROP PROCEDURE twice, thrice, audit;
DROP FUNCTION compare, more_reads;
DROP EXTENSION pg_cmig;
DROP ROLE regress_matrix_app;
