-- Online recipes: add_not_null, add_check, add_foreign_key, add_unique.
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE TABLE orders (id int PRIMARY KEY, user_id int, amount int, code text);
CREATE TABLE users (id int PRIMARY KEY, email text);
INSERT INTO users SELECT i, 'u' || i FROM generate_series(1, 100) i;
INSERT INTO orders SELECT i, 1 + i % 100, i, 'c' || i FROM generate_series(1, 1000) i;
CREATE VIEW constraints AS SELECT conname, contype, convalidated, pg_get_constraintdef(oid) AS definition
	FROM pg_constraint WHERE conrelid IN ('orders'::regclass, 'users'::regclass) AND contype IN ('c', 'f', 'u') ORDER BY conname COLLATE "C";

CALL cmig.add_not_null('users', 'email');
CALL cmig.add_not_null('users', 'email');
CALL cmig.add_check('orders', 'orders_amount_positive', 'amount > 0');
CALL cmig.add_check('orders', 'orders_amount_positive', 'amount>0 -- the same');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users', on_delete => 'cascade');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users', '{id}', on_delete => 'cascade');
CALL cmig.add_unique('orders', '{code}');
CALL cmig.add_unique('orders', '{code}');
CALL cmig.add_unique('orders', ARRAY['user_id', 'amount'], 'orders_user_amount');
\set ECHO all
SELECT * FROM constraints;
SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY 1;

CALL cmig.add_unique('orders', 'code');
CALL cmig.add_foreign_key('orders', 'user_id', 'users', 'id', on_delete => 'cascade');
CALL cmig.add_unique('orders', 'nonsense');
CALL cmig.add_unique('orders', '{code,amount,code}');
-- an unrelated constraint with the name of the intermediate one remains
CREATE TABLE named (a int NOT NULL, CONSTRAINT cmig_a_not_null CHECK (a > 5));
CALL cmig.add_not_null('named', 'a');
SELECT conname FROM pg_constraint WHERE conrelid = 'named'::regclass AND contype = 'c';
DROP TABLE named;
-- other constraints of that name are not touched
CALL cmig.add_check('orders', 'orders_amount_positive', 'amount > 1');
CALL cmig.add_check('orders', 'orders_code_key', 'amount > 1');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users');
CALL cmig.add_unique('orders', '{amount}', 'orders_user_amount');
CALL cmig.add_unique('orders', '{amount}', 'orders_pkey');
CALL cmig.add_unique('orders', '{amount}', 'users_pkey');

-- existing rows violate it: the check of new rows remains, and a later call continues
ALTER TABLE users ALTER COLUMN email DROP NOT NULL;
UPDATE users SET email = NULL WHERE id < 3;
\set VERBOSITY sqlstate
CALL cmig.add_not_null('users', 'email');
\set VERBOSITY default
INSERT INTO users VALUES (1000, NULL);
SELECT * FROM constraints WHERE NOT convalidated;
CALL cmig.backfill('users', 'email = ''u'' || id', 'email IS NULL');
CALL cmig.add_not_null('users', 'email');
SELECT * FROM constraints WHERE conname LIKE 'cmig%';
UPDATE orders SET code = 'twice' WHERE id IN (1, 2);
ALTER TABLE orders DROP CONSTRAINT orders_code_key;
UPDATE orders SET code = 'twice' WHERE id IN (1, 2);
CALL cmig.add_unique('orders', '{code}');
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'orders'::regclass AND NOT indisvalid;
UPDATE orders SET code = 'once' WHERE id = 2;
\set VERBOSITY sqlstate
CALL cmig.add_unique('orders', '{code}');
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
UPDATE orders SET user_id = 12345 WHERE id = 7;
CALL cmig.add_foreign_key('orders', '{user_id}', 'users');
UPDATE orders SET user_id = 7 WHERE id = 7;
CALL cmig.add_foreign_key('orders', '{user_id}', 'users');
SELECT * FROM constraints;

-- partitioned tables
CREATE TABLE part (id int, v int, user_id int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO part VALUES (1, 1, 1), (2, 2, 2);
CALL cmig.add_not_null('part', 'v');
CALL cmig.add_check('part', 'v_small', 'v < 10');
CALL cmig.add_foreign_key('part_1', '{user_id}', 'users', name => 'part_user');
\set VERBOSITY default
CALL cmig.add_unique('part', '{id}');
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint WHERE conrelid::regclass::text LIKE 'part%' AND contype <> 'n' ORDER BY 1, 2;

-- invalid arguments
CALL cmig.add_not_null('users', 'nonsense');
CALL cmig.add_not_null('users', NULL);
\set VERBOSITY sqlstate
CALL cmig.add_not_null(NULL, 'email');
\set VERBOSITY default
CALL cmig.add_not_null('constraints', 'conname');
CALL cmig.add_check('users', '', 'true');
CALL cmig.add_check('users', 'x', 'nonsense > 0');
CALL cmig.add_check('users', 'x', 'id');
CALL cmig.add_check('users', 'x', 'id > 0) NO INHERIT, ADD CHECK (true');
CALL cmig.add_check('users', 'x', 'id IN (SELECT 1)');
CALL cmig.add_check('users', 'x', NULL);
CALL cmig.add_foreign_key('orders', '{nonsense}', 'users');
CALL cmig.add_foreign_key('orders', '{}', 'users');
\set VERBOSITY terse
CALL cmig.add_foreign_key('orders', '{code}', 'users');
\set VERBOSITY default
CALL cmig.add_foreign_key('orders', '{user_id}', 'constraints');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users', '{email}', 'x');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users', on_delete => 'explode', name => 'y');
CALL cmig.add_unique('orders', NULL);
CALL cmig.add_unique('orders', ARRAY[NULL]::text[]);
CALL cmig.add_unique('orders', ARRAY['code', NULL]);
CALL cmig.add_unique('orders', ARRAY['code', '']);
CALL cmig.add_unique('orders', ' ');
CALL cmig.add_unique('orders', '');
CALL cmig.add_foreign_key('orders', '{user_id,NULL}', 'users');
CALL cmig.add_foreign_key('orders', 'user_id', 'users', '');
CALL cmig.add_foreign_key('orders', '{user_id}', 'users', ARRAY[NULL]::text[]);
CALL cmig.add_not_null('orders', '');
BEGIN;
\set VERBOSITY sqlstate
CALL cmig.add_unique('orders', '{id}');
ROLLBACK;
\set VERBOSITY default
-- an object that is not an index has the name
CALL cmig.add_unique('orders', '{id,code}', 'constraints');
CALL cmig.add_unique('orders', '{id,code}', 'orders');

-- a key that includes another column, in another order than the table's, quoted; every action
CREATE SCHEMA "Far away";
CREATE TABLE "Far away"."Key" (c int, "B" text, a int, PRIMARY KEY (a, "B") INCLUDE (c));
CREATE TABLE near (x int, "y z" text, s text, st varchar(9));
CALL cmig.add_foreign_key('near', '{x,"y z"}', '"Far away"."Key"', on_delete => 'set null', on_update => 'cascade');
CALL cmig.add_foreign_key('near', '{x,"y z"}', '"Far away"."Key"', '{a,B}', on_delete => 'SET NULL', on_update => 'Cascade');
CALL cmig.add_foreign_key('near', '{x,"y z"}', '"Far away"."Key"', '{a,B}', on_delete => 'SET NULL');
-- conditions that the server prints in another form are recognized
CALL cmig.add_check('near', 'c1', $$st IN ('q', 'r') AND s ~ '^[a-z]+$' OR x BETWEEN 1 AND 5$$);
CALL cmig.add_check('near', 'c1', $$st IN ('q', 'r') AND s ~ '^[a-z]+$' OR x BETWEEN 1 AND 5$$);
CALL cmig.add_check('near', 'c2', $$CASE WHEN near.x > 0 THEN st LIKE 'q%' ELSE (s COLLATE "C") > 'a' END$$);
CALL cmig.add_check('near', 'c2', $$CASE WHEN x > 0 THEN st LIKE 'q%' ELSE (s COLLATE "C") > 'a' END$$);
-- spaces in a string are a difference
CALL cmig.add_check('near', 'c2', $$CASE WHEN x > 0 THEN st LIKE 'q %' ELSE (s COLLATE "C") > 'a' END$$);
-- a constraint of the table alone is a different one
ALTER TABLE near ADD CONSTRAINT c3 CHECK (x > 0) NO INHERIT;
CALL cmig.add_check('near', 'c3', 'x > 0');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'near'::regclass AND contype <> 'n' ORDER BY 1;
\set ECHO none
DROP TABLE near;
DROP SCHEMA "Far away" CASCADE;

-- names that need quotes
CREATE TABLE "Quo""ted" ("A b" int, "select" int);
CALL cmig.add_not_null('"Quo""ted"', 'A b');
CALL cmig.add_unique('"Quo""ted"', '{"A b",select}');
CALL cmig.add_check('"Quo""ted"', 'Che"ck', '"A b" > "select"');
CALL cmig.add_foreign_key('"Quo""ted"', '{"A b"}', 'users');
\d "Quo""ted"

-- in a revision, and in one transaction with CONCURRENTLY removed
DROP VIEW constraints;
DROP TABLE orders, users, part, "Quo""ted" CASCADE;
INSERT INTO cmig.revision (revision, transactional, upgrade_sql, downgrade_sql) VALUES ('01', false, '
CREATE TABLE users (id int PRIMARY KEY, email text);
CREATE TABLE orders (id int PRIMARY KEY, user_id int);
CALL cmig.add_not_null(''users'', ''email'');
CALL cmig.add_check(''users'', ''email_short'', ''length(email) < 200'');
CALL cmig.add_unique(''users'', ''{email}'');
CALL cmig.add_foreign_key(''orders'', ''{user_id}'', ''users'');', 'DROP TABLE orders, users');
\set ECHO all
CALL cmig.upgrade_stepwise();
\d users
CALL cmig.downgrade_stepwise('base');
SET cmig.concurrent_ddl = off;
SELECT * FROM cmig.upgrade();
\d users
DROP TABLE orders, users;
DROP EXTENSION pg_cmig;
