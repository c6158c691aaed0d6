--
-- Tables with audit triggers of their own that are attached as partitions, and detached again
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TABLE events (id integer, at integer, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
CREATE TABLE events_2 (id integer NOT NULL, at integer NOT NULL, v text, PRIMARY KEY (id, at));
CREATE TABLE events_3 (id integer NOT NULL, at integer NOT NULL, v text, PRIMARY KEY (id, at));
\set ECHO all

-- audited separately, at both levels, and then attached: each change is logged once
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events_2');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events_3', level => 'row', replicated => true);
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('events');
\set ECHO none
CREATE FUNCTION entries(OUT table_name text, OUT entries text) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT l.table_name, string_agg(left(l.operation, 1) || coalesce(l.row_key->>'id', ''), ' ' ORDER BY l.seq, l.command_id, l.id)
	FROM cmig_audit.log l GROUP BY 1 ORDER BY 1 $$;
INSERT INTO events_2 VALUES (1, 11, 'before'), (2, 12, 'before');
INSERT INTO events_3 VALUES (3, 21, 'before');
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (10) TO (20);
ALTER TABLE events ATTACH PARTITION events_3 FOR VALUES FROM (20) TO (30);
\set ECHO all
SELECT * FROM entries();
\set ECHO none
TRUNCATE cmig_audit.log;
INSERT INTO events VALUES (4, 4, ''), (5, 15, ''), (6, 26, '');
INSERT INTO events_2 VALUES (7, 17, 'directly');
INSERT INTO events_3 VALUES (8, 28, 'directly');
UPDATE events SET v = 'u' WHERE id IN (5, 6);
UPDATE events_2 SET v = 'directly' WHERE id = 5;
UPDATE events_3 SET v = 'directly' WHERE id = 6;
UPDATE events SET at = 16 WHERE id = 6;
DELETE FROM events_2 WHERE id = 6;
DELETE FROM events WHERE id IN (5, 8);
WITH m AS (SELECT * FROM (VALUES (7, 17), (9, 19)) m(id, at))
MERGE INTO events_2 e USING m ON e.id = m.id WHEN MATCHED THEN UPDATE SET v = 'merged' WHEN NOT MATCHED THEN INSERT VALUES (m.id, m.at, 'merged');
\set ECHO all
SELECT * FROM entries();
-- as when replication applies changes: the triggers that fire log the changes
\set ECHO none
TRUNCATE cmig_audit.log;
SET session_replication_role = replica;
INSERT INTO events_2 VALUES (40, 14, 'not audited so');
INSERT INTO events_3 VALUES (41, 21, 'by its own');
RESET session_replication_role;
\set ECHO all
SELECT * FROM entries();
-- if the partitioned table does not log an operation, a partition's own trigger does
TRUNCATE cmig_audit.log;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events', operations => '{insert,truncate}');
INSERT INTO events_3 VALUES (42, 22, '');
UPDATE events_3 SET v = 'x' WHERE id = 42;
SELECT * FROM entries();
-- TRUNCATE is logged for the table whose trigger it fires
TRUNCATE cmig_audit.log;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events', operations => '{insert,update,delete,truncate}');
TRUNCATE events_2;
SELECT * FROM entries();
TRUNCATE events;
SELECT * FROM entries();
-- enable_audit reports such partitions, and so does audit_status
SELECT target, level, operations, options, problem FROM cmig.audit_status('public');
\set VERBOSITY default
SELECT * FROM cmig.enable_audit('events');
\set VERBOSITY terse
-- audit_history of a partition is that of its table
INSERT INTO events VALUES (50, 5, ''), (51, 15, '');
SELECT cmig.audit_as_of(NULL::events_1, now());
SELECT cmig.audit_as_of(NULL::events_2, now());
SELECT operation, new_row FROM cmig.audit_history('events', '{"id": 51, "at": 15}');

-- once detached, a table with triggers of its own is still audited; one without is not
\set ECHO none
TRUNCATE cmig_audit.log;
ALTER TABLE events DETACH PARTITION events_2;
ALTER TABLE events DETACH PARTITION events_1;
INSERT INTO events_1 VALUES (60, 1, 'not audited');
INSERT INTO events_2 VALUES (61, 1, 'by its own');
\set ECHO all
SELECT * FROM entries();
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events_1');
INSERT INTO events_1 VALUES (62, 2, 'again');
SELECT * FROM entries();
-- disabled before and after they are attached
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('events_1');
SELECT statement FROM cmig.disable_audit('events_3');
SELECT statement FROM cmig.disable_audit('events_3');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('events');
SELECT tgname, tgparentid <> 0 AS cloned FROM pg_trigger WHERE tgrelid = 'events_3'::regclass ORDER BY 1;
DROP TABLE events, events_1, events_2;

-- audited partitions of a table that is audited later
\set ECHO none
TRUNCATE cmig_audit.log;
CREATE TABLE parent (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parent FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF parent FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);
CREATE TABLE high_1 PARTITION OF high FOR VALUES FROM (10) TO (20);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('low');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('high');
\set VERBOSITY default
SELECT * FROM cmig.enable_audit('parent');
BEGIN;
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('high');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parent');
\set ECHO none
COMMIT;
\set VERBOSITY terse
INSERT INTO parent VALUES (1, 'a'), (11, 'b');
UPDATE low SET v = 'c';
UPDATE high_1 SET v = 'd';
\set ECHO all
SELECT * FROM entries();
SELECT cmig.enable_audit('low');
-- disabled again: the partition's own triggers remain
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('parent');
UPDATE parent SET v = 'e';
SELECT * FROM entries();
-- at statement level, the partitioned table's triggers fire only for writes to that table
TRUNCATE cmig_audit.log;
\set VERBOSITY default
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parent', level => 'statement');
\set VERBOSITY terse
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('low');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parent', level => 'statement');
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('low');
\set VERBOSITY default
SELECT cmig.enable_audit('low', level => 'row');
\set VERBOSITY terse
UPDATE parent SET v = 'f';
UPDATE low SET v = 'g';
SELECT * FROM entries();

-- a table with row-level triggers that is attached there cannot see writes to the partitioned table: disable_audit first
CREATE TABLE mid (id integer PRIMARY KEY, v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('mid', level => 'row');
ALTER TABLE parent ATTACH PARTITION mid FOR VALUES FROM (40) TO (50);
SELECT target, level, problem FROM cmig.audit_status('public');
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('mid');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('mid');
TRUNCATE cmig_audit.log;
INSERT INTO parent VALUES (41, 'once');
INSERT INTO mid VALUES (42, 'once');
SELECT * FROM entries();

-- an audited table attached to one that is not: its statement-level triggers miss writes to that one
\set ECHO none
CREATE TABLE alone (id integer PRIMARY KEY, v text);
CREATE TABLE sub (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE sub_low PARTITION OF sub FOR VALUES FROM (100) TO (150);
CREATE TABLE whole (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id);
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('alone');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('sub', level => 'statement');
\set ECHO none
ALTER TABLE whole ATTACH PARTITION alone FOR VALUES FROM (0) TO (100);
ALTER TABLE whole ATTACH PARTITION sub FOR VALUES FROM (100) TO (200);
TRUNCATE cmig_audit.log;
INSERT INTO whole VALUES (1, 'missed'), (101, 'missed');
\set ECHO all
SELECT * FROM entries();
\x on
SELECT target, level, problem FROM cmig.audit_status('public') WHERE target ~ 'alone|sub|whole';
\x off
-- the fix
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('public.alone', level => 'auto');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('public.sub', level => 'auto');
INSERT INTO whole VALUES (2, 'logged'), (102, 'logged');
SELECT * FROM entries();
SELECT target, level, problem FROM cmig.audit_status('public') WHERE target ~ 'alone|sub|whole';

\set ECHO none
SET client_min_messages = error;
DROP TABLE whole;
DROP TABLE parent;
DROP FUNCTION entries;
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
