-- A foreign key of a partitioned table, added online: servers from 18 on can.
CREATE EXTENSION pg_cmig;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 10);
CREATE TABLE part (id int, user_id int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO part VALUES (1, 1), (2, 12);
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
UPDATE part SET user_id = 2 WHERE id = 2;
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
CALL cmig.add_foreign_key('part', '{user_id}', 'users');
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'part%' ORDER BY 1, 2;
DROP TABLE part, users;
DROP EXTENSION pg_cmig;
