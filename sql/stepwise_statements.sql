-- Statements at top level: each kind that a non-transactional revision may contain, in simple,
-- extended, and prepared protocol.
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
\set ECHO none
SET allow_in_place_tablespaces = on;

INSERT INTO cmig.revision (revision, down_revision, transactional, upgrade_sql, downgrade_sql, verify_sql) VALUES
('01', '{}', true, $$
	CREATE SCHEMA step;
	CREATE TABLE step.item (id int PRIMARY KEY, name text, done boolean);
	INSERT INTO step.item SELECT i, 'item ' || i FROM generate_series(1, 1000) i;
	CREATE TABLE step.part (k int) PARTITION BY RANGE (k);
	CREATE TABLE step.part_1 PARTITION OF step.part FOR VALUES FROM (0) TO (10);
	CREATE TABLE step.part_2 PARTITION OF step.part FOR VALUES FROM (10) TO (20);
	CREATE INDEX part_k ON step.part (k);
	CREATE MATERIALIZED VIEW step.names AS SELECT name, count(*) FROM step.item GROUP BY 1;
	CREATE UNIQUE INDEX ON step.names (name);
	CREATE TYPE step.mood AS ENUM ('sad');
	CREATE TABLE step.trace (id int GENERATED ALWAYS AS IDENTITY, what text)$$,
 'DROP SCHEMA step CASCADE', NULL),
('02', '{01}', false, $$
	CREATE INDEX CONCURRENTLY item_name ON step.item (name);
	CREATE INDEX CONCURRENTLY ON step.item (lower(name), id) WHERE id > 10;
	CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS item_name ON step.item (name);
	REINDEX INDEX CONCURRENTLY step.item_name;
	REINDEX TABLE CONCURRENTLY step.item;
	REINDEX TABLE step.item;
	REINDEX TABLE step.part;
	REINDEX SCHEMA step;
	REINDEX SCHEMA CONCURRENTLY step;
	DROP INDEX CONCURRENTLY step.item_name$$,
 'DROP INDEX CONCURRENTLY IF EXISTS step.item_lower_id_idx', NULL),
('03', '{02}', false, $$
	VACUUM step.item;
	VACUUM (FULL, ANALYZE) step.item;
	VACUUM (ANALYZE) step.item, step.trace;
	ANALYZE step.item;
	ANALYZE step.item, step.part;
	CLUSTER step.item USING item_pkey;
	CLUSTER step.part USING part_k;
	VACUUM;
	ANALYZE$$, '', NULL),
('04', '{03}', false, $$
	ALTER TABLE step.part DETACH PARTITION step.part_2 CONCURRENTLY;
	ALTER TYPE step.mood ADD VALUE 'happy';
	ALTER TABLE step.item ADD COLUMN mood step.mood DEFAULT 'happy';
	UPDATE step.item SET mood = 'sad' WHERE id % 2 = 0;
	REFRESH MATERIALIZED VIEW CONCURRENTLY step.names;
	REFRESH MATERIALIZED VIEW step.names$$, '',
 $$SELECT count(*) = 500 AS half FROM step.item WHERE mood = 'sad'$$),
('05', '{04}', false, $$
	CREATE DATABASE regress_step_db;
	ALTER DATABASE regress_step_db SET TABLESPACE pg_default;
	DROP DATABASE regress_step_db;
	CREATE TABLESPACE regress_step_space LOCATION '';
	DROP TABLESPACE regress_step_space;
	ALTER SYSTEM SET cmig.checksum_policy = 'error';
	ALTER SYSTEM RESET cmig.checksum_policy;
	SET client_min_messages = error;
	CREATE SUBSCRIPTION regress_step_sub CONNECTION 'dbname=none' PUBLICATION p
		WITH (connect = false, slot_name = NONE);
	ALTER SUBSCRIPTION regress_step_sub SET PUBLICATION q WITH (refresh = false);
	DROP SUBSCRIPTION regress_step_sub$$, '', NULL),
('06', '{05}', false, $$
	DO $do$ BEGIN
		FOR i IN 1..3 LOOP
			INSERT INTO step.trace (what) VALUES ('do ' || i);
			COMMIT;
		END LOOP;
	END $do$;
	DO $do$ BEGIN INSERT INTO step.trace (what) VALUES ('gone'); ROLLBACK; END $do$;
	DO $do$ BEGIN INSERT INTO step.trace (what) VALUES ('plain do'); END $do$;
	CREATE PROCEDURE step.work(n int) LANGUAGE plpgsql AS $body$
	BEGIN
		FOR i IN 1..n LOOP
			INSERT INTO step.trace (what) VALUES ('call ' || i);
			COMMIT;
		END LOOP;
		CALL step.inner_work();
	END $body$;
	CREATE PROCEDURE step.inner_work() LANGUAGE plpgsql AS $body$
	BEGIN
		BEGIN
			INSERT INTO step.trace (what) VALUES (1 / 0);
		EXCEPTION WHEN division_by_zero THEN
			INSERT INTO step.trace (what) VALUES ('caught');
		END;
		COMMIT;
		INSERT INTO step.trace (what) VALUES ('inner');
	END $body$;
	CREATE PROCEDURE step.out_work(INOUT x int) LANGUAGE plpgsql AS $body$
	BEGIN x := x + 1; COMMIT; END $body$;
	CREATE PROCEDURE step.sql_work() BEGIN ATOMIC INSERT INTO step.trace (what) VALUES ('sql'); END;
	CALL step.work(2);
	CALL step.out_work(41);
	CALL step.sql_work()$$, '', NULL),
('07', '{06}', false, $$
	CREATE TABLE step.made AS SELECT id FROM step.item WHERE id < 4;
	SELECT set_config('step.x', 'y', false);
	SELECT pg_advisory_unlock_all();
	EXPLAIN ANALYZE INSERT INTO step.made VALUES (99);
	COPY step.made TO '/dev/null';
	LOCK TABLE step.made IN SHARE MODE;
	WITH gone AS (DELETE FROM step.made WHERE id = 1 RETURNING id) INSERT INTO step.trace (what) SELECT 'moved ' || id FROM gone;
	MERGE INTO step.made m USING (VALUES (2), (7)) v(id) ON m.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id);
	DECLARE c CURSOR WITH HOLD FOR SELECT 1;
	CHECKPOINT$$, 'DROP TABLE step.made', $$SELECT count(*) = 4 AS four FROM step.made$$);
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT revision, outcome, sqlstate, statement FROM cmig.journal ORDER BY id;
SELECT count(*) FROM cmig.progress;
SELECT what FROM step.trace ORDER BY id;
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'step'::regnamespace ORDER BY relname COLLATE "C";
SELECT name FROM pg_cursors;
SHOW client_min_messages;

SELECT statement, state FROM cmig.progress ORDER BY 1;

-- LOCK TABLE makes no sense there, as in psql; a statement that has not run may change
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'LOCK TABLE step.made IN SHARE MODE', 'SELECT 1')
	WHERE revision = '07';
CALL cmig.upgrade_stepwise();
SELECT revision, outcome, sqlstate, statement FROM cmig.journal WHERE revision = '07' ORDER BY id;
SELECT what FROM step.trace WHERE what LIKE 'moved%';
SELECT name FROM pg_cursors;

SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();

-- session objects of the caller stay
SET client_min_messages = warning;
CALL cmig.downgrade_stepwise('base');
CALL cmig.upgrade_stepwise('03');
DECLARE outside CURSOR WITH HOLD FOR SELECT generate_series(1, 3);
PREPARE up(text) AS SELECT 1;
CALL cmig.upgrade_stepwise();
FETCH 2 FROM outside;
EXECUTE up('x');
SELECT name FROM pg_prepared_statements;
SELECT * FROM cmig.current();

-- downgrade through all of them, and upgrade again
CALL cmig.reset_stepwise(current_database());
\set VERBOSITY sqlstate
CALL cmig.reset_stepwise('wrong');
SELECT * FROM cmig.current();
CALL cmig.downgrade_stepwise('base');
DROP EXTENSION pg_cmig;
