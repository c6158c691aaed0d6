--
-- cmig.log: what was done, when, by whom, and for how long
--
\pset format unaligned \pset footer off \pset tuples_only on
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
SELECT * FROM cmig.log();
\set ECHO none
INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql, downgrade_sql) VALUES
('001', '{}', 'Create accounts', 'CREATE TABLE account (id int)', 'DROP TABLE account'),
('002', '{001}', repeat('A message of many words ', 10), '', ''),
('003', '{002}', E'First line\nsecond line', '', ''),
('004', '{003}', 'Fails', 'SELECT 1/0', NULL);
\set ECHO all
SELECT count(*) FROM cmig.upgrade('003');
SELECT count(*) FROM cmig.downgrade('002');
SELECT count(*) FROM cmig.stamp('003');
CALL cmig.upgrade_stepwise('head');
-- the last one first; a time has no fraction, a duration has milliseconds
SELECT what, revision, role = CURRENT_USER AS by_me, elapsed >= '0' AS elapsed, message FROM cmig.log();
SELECT count(*) FROM cmig.log() WHERE at <> date_trunc('second', at) OR elapsed <> date_trunc('milliseconds', elapsed) OR now() - at > '1 day';
-- no row is wider than 100 columns
SELECT max(22 + char_length(what) + char_length(revision) + char_length(role::text) + 12 + char_length(message) + 17) <= 100 + char_length(' failed') AS fits FROM cmig.log();
-- rows written by hand: long names
\set ECHO none
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, elapsed, role, message) VALUES
(100, NULL, 'drift', 'done', 'infinity', NULL, 'regress_nobody', repeat('ä', 200)),
(101, repeat('x', 128), 'repair', 'done', '2026-01-01 12:00:00.999+00', '-1 day', repeat('r', 63), '');
SET timezone = 'UTC';
\set ECHO all
SELECT at, what, left(revision, 10) AS revision, left(role::text, 14) AS role, elapsed, message FROM cmig.log() LIMIT 2;
-- history says when and by whom
SELECT revision, applied, applied_at BETWEEN now() - interval '1 day' AND clock_timestamp() AS applied_at, author = CURRENT_USER AS author, created_at = now() AS created_at FROM cmig.history();
-- the message of a repeatable revision
INSERT INTO cmig.revision (revision, repeatable, message, upgrade_sql) VALUES ('seed', true, 'Seed data', 'SELECT 1');
UPDATE cmig.revision SET upgrade_sql = '', downgrade_sql = '' WHERE revision = '004';
SELECT count(*) FROM cmig.upgrade('head');
SELECT what, revision, message FROM cmig.log() WHERE revision = 'seed';
DROP TABLE account;
DROP EXTENSION pg_cmig;
