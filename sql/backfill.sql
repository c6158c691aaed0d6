-- CALL cmig.backfill: with where_sql, updates batches until no row matches; without it, updates
-- each row once
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE users (id int PRIMARY KEY, email text, email_lower text, n int DEFAULT 0);
INSERT INTO users SELECT i, 'User' || i || '@Example.com' FROM generate_series(1, 5000) i;
ANALYZE users;
\set ECHO all

-- with a filter: it goes over the blocks repeatedly until no row matches
CALL cmig.backfill('users', 'email_lower = lower(email)', 'email_lower IS NULL', batch_size => 500);
SELECT count(*), count(*) FILTER (WHERE email_lower = lower(email)) AS done FROM users;
CALL cmig.backfill('users', 'email_lower = lower(email)', 'email_lower IS NULL', batch_size => 500);
-- without a filter: each row once, by key
CALL cmig.backfill('users', 'n = n + 1', batch_size => 700);
SELECT n, count(*) FROM users GROUP BY n;
CALL cmig.backfill('users', 'n = n + 1', batch_size => 5000);
CALL cmig.backfill('users', 'n = n + 1', batch_size => 1000000);
SELECT n, count(*) FROM users GROUP BY n;
SELECT id, target, set_sql, where_sql, state, rows, percent, eta FROM cmig.backfill_progress ORDER BY id;
-- comments and line breaks in the fragments
CALL cmig.backfill('users', 'n = 0 -- start', 'n > 0 -- over');
SELECT n, count(*) FROM users GROUP BY n;

-- keys of any kind: composite, text, dates, mixed case, quoted
\set ECHO none
CREATE SCHEMA "Odd ""schema";
CREATE TABLE "Odd ""schema"."The table" ("a key" text COLLATE "C", "When" timestamptz, "select" numeric, v int DEFAULT 0,
	PRIMARY KEY ("a key", "When", "select"));
INSERT INTO "Odd ""schema"."The table"
	SELECT chr(65 + i % 7) || '''', '2024-01-01'::timestamptz + (i % 13) * interval '1 day', i / 3.0 FROM generate_series(1, 1000) i;
SET datestyle = 'SQL, DMY';
\set ECHO all
CALL cmig.backfill('"Odd ""schema"."The table"', 'v = v + 1', batch_size => 100);
RESET datestyle;
SELECT v, count(*) FROM "Odd ""schema"."The table" GROUP BY v;
CREATE TYPE size AS ENUM ('small', 'big');
CREATE TABLE kinds (u uuid NOT NULL, s size NOT NULL, d date NOT NULL, b bytea NOT NULL, f float8 NOT NULL, c char(3) NOT NULL, v int DEFAULT 0, UNIQUE (u, s, d, b, f, c));
INSERT INTO kinds SELECT md5(i::text)::uuid, CASE i % 2 WHEN 0 THEN 'small'::size ELSE 'big' END, '2020-02-02'::date + i, md5(i::text)::bytea, i / 7.0, 'x' FROM generate_series(1, 500) i;
CALL cmig.backfill('kinds', 'v = v + 1', batch_size => 30);
SELECT v, count(*) FROM kinds GROUP BY v;

-- partitions, children, generated columns, triggers, and indexes on the updated columns
\set ECHO none
CREATE TABLE event (id int, at date, kind text, kind_id int, twice int GENERATED ALWAYS AS (kind_id * 2) STORED, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE event_2023 PARTITION OF event FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE event_2024 PARTITION OF event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
CREATE TABLE event_2024_0 PARTITION OF event_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE event_2024_1 PARTITION OF event_2024 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON event (kind_id);
INSERT INTO event SELECT i, '2023-06-01'::date + i % 400, CASE i % 3 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 3000) i;
CREATE FUNCTION count_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.kind := upper(NEW.kind); RETURN NEW; END $$;
CREATE TRIGGER count_update BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION count_update();
\set ECHO all
CALL cmig.backfill('event', 'kind_id = CASE kind WHEN ''a'' THEN 1 ELSE 2 END', 'kind_id IS NULL', 250);
SELECT kind, kind_id, twice, count(*) FROM event GROUP BY 1, 2, 3 ORDER BY 1;
CALL cmig.backfill('event', 'kind_id = kind_id + 10', batch_size => 333);
SELECT kind_id, count(*) FROM event GROUP BY 1 ORDER BY 1;
-- values of other tables, with columns qualified by the name of the table that was given
\set ECHO none
CREATE TABLE line (event_id int, amount int);
CREATE INDEX ON line (event_id);
INSERT INTO line SELECT i % 3000, i FROM generate_series(1, 6000) i;
ALTER TABLE event ADD sum int;
\set ECHO all
CALL cmig.backfill('event', 'sum = (SELECT sum(amount) FROM line WHERE line.event_id = event.id)', 'event.sum IS NULL AND event.id < 2000', 400);
CALL cmig.backfill('event', 'sum = -(SELECT sum(amount) FROM line WHERE line.event_id = event.id)', batch_size => 400);
SELECT count(*) FROM event WHERE sum = -(SELECT sum(amount) FROM line WHERE event_id = id);
CALL cmig.backfill('event_2023', 'sum = 0', 'public.event_2023.sum <> 0');
\set ECHO none
ALTER TABLE event DROP sum;
DROP TABLE line;
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (3), (4);
\set ECHO all
CALL cmig.backfill('parent', 'v = id');
\t
SELECT tableoid::regclass, * FROM parent ORDER BY id;
\t

-- it pauses between batches
SELECT clock_timestamp() AS at \gset
CALL cmig.backfill('parent', 'v = v + 1', batch_size => 1, pause => '50 ms');
SELECT clock_timestamp() - :'at'::timestamptz >= interval '100 ms' AS paused;

-- an empty table
CREATE TABLE nothing (id int PRIMARY KEY, v int);
CALL cmig.backfill('nothing', 'v = 1');
CALL cmig.backfill('nothing', 'v = 1', 'v IS NULL');

-- bad input is refused before the first batch
\set ECHO none
CREATE VIEW users_view AS SELECT * FROM users;
CREATE MATERIALIZED VIEW users_matview AS SELECT * FROM users;
CREATE SEQUENCE users_seq;
CREATE TABLE keyless (v int, w int NOT NULL);
CREATE TABLE nullable (v int UNIQUE, w int);
\set ECHO all
CALL cmig.backfill('no_such_table', 'v = 1');
\set VERBOSITY sqlstate
CALL cmig.backfill(NULL, 'v = 1');
\set VERBOSITY default
CALL cmig.backfill('users', NULL);
CALL cmig.backfill('users', '  ');
CALL cmig.backfill('users', 'n = 1', '');
CALL cmig.backfill('users_view', 'n = 1');
CALL cmig.backfill('users_matview', 'n = 1');
CALL cmig.backfill('users_seq', 'last_value = 1');
-- a rule instead of the UPDATE; an additional rule is a problem for where_sql only
CREATE TABLE ruled (id int PRIMARY KEY, v int);
INSERT INTO ruled SELECT generate_series(1, 3);
CREATE RULE "too late" AS ON UPDATE TO ruled DO INSTEAD NOTHING;
CALL cmig.backfill('ruled', 'v = 1', 'v IS NULL');
CALL cmig.backfill('ruled', 'v = 1');
ALTER TABLE ruled DISABLE RULE "too late";
CREATE RULE also AS ON UPDATE TO ruled DO ALSO NOTIFY ruled;
CALL cmig.backfill('ruled', 'v = 1', 'v IS NULL');
CALL cmig.backfill('ruled', 'v = 1');
SELECT count(*) FROM ruled WHERE v = 1;
\set ECHO none
DROP TABLE ruled;
CREATE FOREIGN DATA WRAPPER regress_backfill_fdw;
CREATE SERVER regress_backfill_server FOREIGN DATA WRAPPER regress_backfill_fdw;
CREATE FOREIGN TABLE users_far (v int, w int NOT NULL) SERVER regress_backfill_server;
\set ECHO all
CALL cmig.backfill('users_far', 'v = 1', 'v IS NULL');
ALTER FOREIGN TABLE users_far INHERIT keyless;
CALL cmig.backfill('keyless', 'v = 1', 'v IS NULL');
DROP FOREIGN DATA WRAPPER regress_backfill_fdw CASCADE;
CALL cmig.backfill('pg_class', 'relname = relname');
\set VERBOSITY sqlstate
CALL cmig.backfill('users', 'nonsense = 1');
\set VERBOSITY default
CALL cmig.backfill('users', 'n = nonsense');
CALL cmig.backfill('users', 'n = ''x''');
CALL cmig.backfill('users', 'n 1');
CALL cmig.backfill('users', 'n = 1; DROP TABLE users');
CALL cmig.backfill('users', 'n = 1 WHERE id = 1');
CALL cmig.backfill('users', 'n = e.id FROM event e');
CALL cmig.backfill('users', 'n = 1 RETURNING n');
CALL cmig.backfill('users', 'id = id + 1');
CALL cmig.backfill('users', 'n = 1', 'nonsense');
CALL cmig.backfill('users', 'n = 1', 'id');
CALL cmig.backfill('users', 'n = 1', 'id = 1) OR (true');
CALL cmig.backfill('users', 'n = 1', 'true ORDER BY 1');
CALL cmig.backfill('users', 'n = 1', 'random() < 0.5');
CALL cmig.backfill('users', 'n = 1', 'count(*) > 1');
CALL cmig.backfill('event', 'twice = 1', 'true');
CALL cmig.backfill('event', 'at = at + 1', 'kind_id < 0');
CALL cmig.backfill('keyless', 'v = 1');
CALL cmig.backfill('nullable', 'w = 1');
CALL cmig.backfill('users', 'n = 1', batch_size => 0);
CALL cmig.backfill('users', 'n = 1', batch_size => 2000000);
\set VERBOSITY sqlstate
CALL cmig.backfill('users', 'n = 1', pause => '-1 second');
CALL cmig.backfill('users', 'n = 1', max_lag => '2 days');
\set VERBOSITY default
-- a filter that still matches the updated rows would never end
CALL cmig.backfill('users', 'n = n + 1', 'id > 4990');
SELECT n, count(*) FROM users GROUP BY n;
SELECT count(*) FROM cmig.backfill_run WHERE state <> 'done';
SELECT cmig.backfill('users', 'n = 1');
BEGIN;
\set VERBOSITY sqlstate
CALL cmig.backfill('users', 'n = 1');
\set ECHO none
ROLLBACK;

-- rows that match and that no UPDATE changes: it ends, and reports them
CREATE TABLE kept (id int, kind text, v int) PARTITION BY LIST (kind);
CREATE TABLE kept_a PARTITION OF kept FOR VALUES IN ('a');
CREATE TABLE kept_b PARTITION OF kept FOR VALUES IN ('b');
INSERT INTO kept SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 4000) i;
ANALYZE kept;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.id % 1000 IN (0, 1) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER keep BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION keep();
\set ECHO all
\set VERBOSITY default
CALL cmig.backfill('kept', 'v = id', 'v IS NULL', batch_size => 300);
CALL cmig.backfill('kept', 'v = id', 'v IS NULL AND id = 1');
CALL cmig.backfill('kept', 'v = id', 'v IS NULL', batch_size => 1);
SET cmig.concurrent_ddl = off;
CALL cmig.backfill('kept', 'v = id', 'v IS NULL');
RESET cmig.concurrent_ddl;
SELECT count(*), count(*) FILTER (WHERE v IS NULL) AS left FROM kept;
-- a trigger that reverts the update is an error
CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.v := OLD.v; RETURN NEW; END $$;
CALL cmig.backfill('kept', 'v = id', 'v IS NULL');
-- no row is left
DROP TRIGGER keep ON kept;
CALL cmig.backfill('kept', 'v = id', 'v IS NULL');
\set ECHO none
DROP TABLE kept;
DROP FUNCTION keep;

-- privileges: those of the caller
CREATE ROLE regress_backfill;
GRANT USAGE ON SCHEMA cmig TO regress_backfill;
GRANT EXECUTE ON PROCEDURE cmig.backfill TO regress_backfill;
GRANT SELECT, INSERT, UPDATE ON cmig.backfill_run TO regress_backfill;
CREATE TABLE mine (id int PRIMARY KEY, owner text, v int);
INSERT INTO mine SELECT i, CASE i % 2 WHEN 0 THEN 'regress_backfill' ELSE 'other' END FROM generate_series(1, 10) i;
SET ROLE regress_backfill;
\set ECHO all
CALL cmig.backfill('mine', 'v = 1');
CALL cmig.backfill('event', 'kind_id = 1', 'kind_id <> 1');
RESET ROLE;
GRANT SELECT, UPDATE ON mine TO regress_backfill;
SET ROLE regress_backfill;
CALL cmig.backfill('mine', 'v = 1', max_lag => '1 second');
CALL cmig.backfill('mine', 'v = 1');
RESET ROLE;
-- row-level security must not hide rows silently
ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON mine USING (owner = current_user);
SET ROLE regress_backfill;
CALL cmig.backfill('mine', 'v = 2', 'v = 1');
RESET ROLE;
ALTER TABLE mine OWNER TO regress_backfill;
SET ROLE regress_backfill;
CALL cmig.backfill('mine', 'v = 2', 'v = 1');
RESET ROLE;
ALTER TABLE mine FORCE ROW LEVEL SECURITY;
SET ROLE regress_backfill;
CALL cmig.backfill('mine', 'v = 3', 'v = 2');
RESET ROLE;
SELECT v, count(*) FROM mine GROUP BY v;

-- in a revision, and in one transaction with CONCURRENTLY removed
\set ECHO none
INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql) VALUES
	('01', false, 'ALTER TABLE users ADD COLUMN domain text; CALL cmig.backfill(''users'', ''domain = split_part(email, ''''@'''', 2)'', ''domain IS NULL'', 1000);
CALL cmig.backfill(''users'', ''n = n + 1'');', 'ALTER TABLE users DROP COLUMN domain');
UPDATE users SET n = 0;
\set ECHO all
CALL cmig.upgrade_stepwise();
SELECT domain, n, count(*) FROM users GROUP BY 1, 2;
SELECT revision, direction, statement, state, rows FROM cmig.backfill_run WHERE revision IS NOT NULL ORDER BY id;
CALL cmig.downgrade_stepwise('base');
SET cmig.concurrent_ddl = off;
SELECT * FROM cmig.upgrade();
SELECT domain, n, count(*) FROM users GROUP BY 1, 2;
BEGIN;
CALL cmig.backfill('users', 'n = n + 1');
ROLLBACK;
SELECT n, count(*) FROM users GROUP BY 1;
RESET cmig.concurrent_ddl;

\set VERBOSITY sqlstate
-- an oid of no table
CALL cmig.backfill(0, 'n = 1');
CALL cmig.backfill('5', 'n = 1');

-- a run is found again with either value of quote_all_identifiers
\set ECHO none
CREATE TABLE quoted (id int PRIMARY KEY, n int DEFAULT 0);
INSERT INTO quoted SELECT i, CASE i WHEN 50 THEN 2147483647 ELSE 0 END FROM generate_series(1, 100) i;
SET quote_all_identifiers = on;
\set VERBOSITY default
\set ECHO all
CALL cmig.backfill('quoted', 'n = n + 1', batch_size => 10);
RESET quote_all_identifiers;
UPDATE quoted SET n = 0 WHERE id = 50;
CALL cmig.backfill('quoted', 'n = n + 1', batch_size => 10);
SELECT n, count(*) FROM quoted GROUP BY n;
DROP TABLE quoted;

-- partitions that are renamed before it resumes
\set ECHO none
CREATE TABLE measured (id int PRIMARY KEY, n int DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE measured_1 PARTITION OF measured FOR VALUES FROM (0) TO (100);
CREATE TABLE measured_2 PARTITION OF measured FOR VALUES FROM (100) TO (200);
CREATE TABLE measured_3 PARTITION OF measured FOR VALUES FROM (200) TO (300);
INSERT INTO measured SELECT i, CASE i WHEN 150 THEN 2147483647 ELSE 0 END FROM generate_series(0, 299) i;
\set ECHO all
CALL cmig.backfill('measured', 'n = n + 1', batch_size => 50);
UPDATE measured SET n = 0 WHERE id = 150;
ALTER TABLE measured_3 RENAME TO archive;
CALL cmig.backfill('measured', 'n = n + 1', batch_size => 50);
ALTER TABLE archive RENAME TO measured_3;
CREATE TABLE another PARTITION OF measured FOR VALUES FROM (300) TO (400);
CALL cmig.backfill('measured', 'n = n + 1', batch_size => 50);
SELECT n, count(*) FROM measured GROUP BY n;
DROP TABLE measured;

-- a sequence that is behind, as after a restore over a live database
ALTER TABLE mine NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
INSERT INTO cmig.backfill_run OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(r, jsonb_build_object('id', 1000, 'state', 'done'))).* FROM cmig.backfill_run r LIMIT 1;
CALL cmig.backfill('mine', 'v = 3');
SELECT id, target FROM cmig.backfill_run WHERE id > 1000;
-- rows that a trigger hides
CREATE FUNCTION keep_away() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
CREATE TRIGGER keep_away BEFORE INSERT ON cmig.backfill_run FOR EACH ROW EXECUTE FUNCTION keep_away();
CALL cmig.backfill('mine', 'v = 3');
\set ECHO none
DROP TRIGGER keep_away ON cmig.backfill_run;
DROP FUNCTION keep_away;

DROP VIEW users_view;
DROP MATERIALIZED VIEW users_matview;
DROP TABLE users, kinds, event, parent, child, nothing, keyless, nullable, mine;
DROP TYPE size;
DROP SEQUENCE users_seq;
DROP FUNCTION count_update;
\set ECHO all
DROP SCHEMA "Odd ""schema" CASCADE;
\set ECHO none
REVOKE ALL ON SCHEMA cmig FROM regress_backfill;
REVOKE ALL ON PROCEDURE cmig.backfill FROM regress_backfill;
REVOKE ALL ON cmig.backfill_run FROM regress_backfill;
DROP EXTENSION pg_cmig;
DROP ROLE regress_backfill;
