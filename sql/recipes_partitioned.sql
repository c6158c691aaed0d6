-- A foreign key of a partitioned table, added online (PostgreSQL 18 or later)
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 10);
CREATE TABLE part (id int, user_id int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO part VALUES (1, 1), (2, 12);
\set ECHO all
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
UPDATE part SET user_id = 2 WHERE id = 2;
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'part%' ORDER BY 1, 2;

-- in one transaction it works on any server, since locks cannot be shortened
CREATE TABLE part_off (id int, user_id int) PARTITION BY RANGE (id);
CREATE TABLE part_off_1 PARTITION OF part_off FOR VALUES FROM (0) TO (10);
INSERT INTO part_off VALUES (1, 1), (2, 12);
SET cmig.concurrent_ddl = off;
CALL cmig.add_foreign_key('part_off', '{user_id}', 'users');
UPDATE part_off SET user_id = 2 WHERE id = 2;
CALL cmig.add_foreign_key('part_off', '{user_id}', 'users');
CALL cmig.add_foreign_key('part_off', '{user_id}', 'users');
CALL cmig.add_check('part_off', 'small', 'id < 2');
CALL cmig.add_check('part_off', 'small', 'id < 3');
CALL cmig.add_unique('part_off', '{id}');
RESET cmig.concurrent_ddl;
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint WHERE contype IN ('c', 'f', 'u') AND conrelid::regclass::text LIKE 'part_off%' ORDER BY 1, 2;
\set ECHO none
DROP TABLE part_off;
DROP TABLE part, users;
DROP EXTENSION pg_cmig;
