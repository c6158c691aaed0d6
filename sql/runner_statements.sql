--
-- The kinds of statements that scripts can contain
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
\set ECHO none
CREATE ROLE regress_cmig_reader;
CREATE SCHEMA other;
CREATE TABLE log (n serial, what text);
-- the user's event triggers fire
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.log (what) VALUES (TG_TAG || ' in ' || current_setting('cmig.running_revision'));
END
$$;
CREATE EVENT TRIGGER regress_cmig_note ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE INDEX', 'CREATE EXTENSION')
	EXECUTE FUNCTION note_ddl();

INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql) VALUES
('001', '{}', 'functions and procedures', $cmig$
CREATE TABLE item (id int PRIMARY KEY, name text, qty int DEFAULT 0);
CREATE FUNCTION add_item(n text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	new_id int := (SELECT coalesce(max(id), 0) + 1 FROM item);
BEGIN
	INSERT INTO item VALUES (new_id, n);
	RETURN new_id;
END;
$$;
CREATE FUNCTION two() RETURNS int LANGUAGE SQL BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; END;
CREATE PROCEDURE restock(by int) LANGUAGE SQL BEGIN ATOMIC UPDATE item SET qty = qty + by; END;
-- rows are discarded, and effects remain
SELECT add_item('a'), add_item('b');
CALL restock(two());
DO $$ BEGIN PERFORM add_item('semi;colon'); END $$;
$cmig$),
('002', '{001}', 'rules', $cmig$
CREATE TABLE item_log (id int, what text);
CREATE RULE item_ins AS ON INSERT TO item DO ALSO
	(INSERT INTO item_log VALUES (NEW.id, 'inserted'); INSERT INTO item_log VALUES (NEW.id, 'twice'));
CREATE VIEW cheap AS SELECT id, name FROM item WHERE qty < 100;
CREATE RULE cheap_del AS ON DELETE TO cheap DO INSTEAD NOTHING;
INSERT INTO item VALUES (10, 'ten', 10);
DELETE FROM cheap;
WITH moved AS (UPDATE item SET qty = 11 WHERE id = 10 RETURNING id)
INSERT INTO item_log SELECT id, 'moved' FROM moved;
MERGE INTO item_log USING (VALUES (10), (11)) v (id) ON item_log.id = v.id
WHEN MATCHED THEN UPDATE SET what = what || ' and merged' WHEN NOT MATCHED THEN DO NOTHING;
$cmig$),
('003', '{002}', 'tables from queries', $cmig$
SELECT id, name INTO copied FROM item;
CREATE TABLE copied2 AS SELECT * FROM copied WITH NO DATA;
CREATE MATERIALIZED VIEW item_names AS SELECT name FROM item;
REFRESH MATERIALIZED VIEW item_names;
PREPARE names AS SELECT name FROM item WHERE id > 1;
CREATE TABLE copied3 AS EXECUTE names;
$cmig$),
('004', '{003}', 'looking', $cmig$
EXPLAIN SELECT * FROM item;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) INSERT INTO item_log VALUES (0, 'explained');
SHOW work_mem;
SHOW ALL;
VALUES (1), (2);
TABLE item;
ANALYZE item;
CHECKPOINT;
LOAD 'plpgsql';
$cmig$),
('005', '{004}', 'COPY with files on the server', $cmig$
COPY (SELECT generate_series(1, 3), 'copied') TO PROGRAM 'cat > /dev/null';
COPY item_log FROM PROGRAM 'printf "1\tfrom a program\n"';
-- a relative path starts at the data directory
CREATE TABLE server_version (number text);
COPY server_version FROM 'PG_VERSION';
DO $$ BEGIN ASSERT (SELECT number ~ '^[0-9]+$' FROM server_version); END $$;
DROP TABLE server_version;
$cmig$),
('006', '{005}', 'prepared statements, cursors, locks', $cmig$
PREPARE ins (int, text) AS INSERT INTO item (id, name) VALUES ($1, $2);
EXECUTE ins (20, 'twenty');
EXECUTE ins (21, 'twenty-one');
DEALLOCATE ins;
DECLARE s SCROLL CURSOR FOR SELECT id FROM item;
MOVE FORWARD ALL FROM s;
FETCH BACKWARD 1 FROM s;
DECLARE c CURSOR FOR SELECT id FROM item ORDER BY id FOR UPDATE;
FETCH 2 FROM c;
UPDATE item SET qty = -1 WHERE CURRENT OF c;
CLOSE c;
LOCK TABLE item IN ACCESS EXCLUSIVE MODE;
LISTEN regress_cmig;
UNLISTEN regress_cmig;
NOTIFY regress_cmig, 'payload';
$cmig$),
('007', '{006}', 'drop what was made, indexes, types', $cmig$
CREATE TABLE gone (x int);
DROP TABLE gone;
CREATE TABLE gone (y text);
DROP TABLE gone;
CREATE UNIQUE INDEX item_name_idx ON item (name);
ALTER TABLE item ADD CONSTRAINT item_name_key UNIQUE USING INDEX item_name_idx;
CREATE TYPE size AS ENUM ('s', 'm');
ALTER TABLE item ADD COLUMN size size DEFAULT 'm';
REINDEX TABLE item;
CLUSTER item USING item_pkey;
ALTER TABLE item_log ADD COLUMN at date;
$cmig$),
('008', '{007}', 'a value for a type of an earlier revision', $cmig$
ALTER TYPE size ADD VALUE 'l' AFTER 'm';
$cmig$),
('009', '{008}', 'rights', $cmig$
GRANT SELECT ON item TO regress_cmig_reader;
GRANT USAGE ON SCHEMA other TO regress_cmig_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT SELECT ON TABLES TO regress_cmig_reader;
SET ROLE regress_cmig_reader;
SELECT * FROM item;
RESET ROLE;
SET search_path = other;
CREATE TABLE in_other (x int);
INSERT INTO in_other VALUES (1);
COMMENT ON TABLE in_other IS 'made with search_path';
$cmig$);

LISTEN regress_cmig;
\set ECHO all
SELECT * FROM cmig.upgrade('005');
SELECT * FROM cmig.upgrade();
UNLISTEN *;
SELECT * FROM item ORDER BY id;
SELECT * FROM item_log ORDER BY id, what;
SELECT * FROM copied ORDER BY id;
SELECT what FROM log ORDER BY n;
SELECT enum_range(NULL::size);
SELECT has_table_privilege('regress_cmig_reader', 'item', 'SELECT') AS item,
	has_table_privilege('regress_cmig_reader', 'other.in_other', 'SELECT') AS in_other;
SELECT * FROM copied3 ORDER BY name;

-- an extension, created and dropped
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
('010', '{009}', 'CREATE EXTENSION IF NOT EXISTS plpgsql; CREATE EXTENSION tcn; COMMENT ON EXTENSION tcn IS ''ours'';',
	'DROP EXTENSION tcn;');
SELECT count(*) FROM cmig.upgrade();
SELECT extname FROM pg_extension WHERE extname = 'tcn';
\set ECHO none
SELECT count(*) FROM cmig.downgrade('-1');

-- triggers of every kind see one statement at a time
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES
('011', '{009}', $cmig$
CREATE TABLE t (x int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log (what) SELECT TG_NAME || ' ' || count(*) FROM t;
	RETURN NULL;
END
$$;
CREATE TRIGGER a_row AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER b_statement AFTER INSERT ON t EXECUTE FUNCTION note();
TRUNCATE log;
INSERT INTO t VALUES (1), (2);
INSERT INTO t VALUES (3);
$cmig$);
\set ECHO all
SELECT count(*) FROM cmig.upgrade('011');
SELECT what FROM log ORDER BY n;

\set ECHO none
DROP EVENT TRIGGER regress_cmig_note;
DROP EXTENSION pg_cmig;
DROP FUNCTION note_ddl, add_item, two;
DROP PROCEDURE restock;
SET client_min_messages = warning;
DROP TABLE log, item, item_log, copied, copied2, copied3, t CASCADE;
DROP FUNCTION note;
DROP TYPE size;
DROP SCHEMA other CASCADE;
DROP ROLE regress_cmig_reader;
