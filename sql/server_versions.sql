-- Features of newer servers, next to the closest feature of older servers: both must be treated
-- alike.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SELECT current_setting('server_version_num')::int >= 170000 AS has_17,
	current_setting('server_version_num')::int >= 180000 AS has_18 \gset
\if :has_18
	\set generated VIRTUAL
	\set not_valid 'NOT NULL email NOT VALID'
	\set not_enforced 'CHECK (id > 0) NOT ENFORCED'
	\set nullable 'ADD CONSTRAINT nullable NOT NULL code NOT VALID'
	\set overlaps 'WITHOUT OVERLAPS'
	\set period PERIOD
\else
	\set generated STORED
	\set not_valid 'CHECK (email IS NOT NULL) NOT VALID'
	\set not_enforced 'CHECK (id >= 0)'
	\set nullable 'ALTER code DROP NOT NULL'
	\set overlaps ''
	\set period ''
\endif

\if :has_17
	\set returning 'MERGE INTO flags USING (VALUES (1)) ON true WHEN MATCHED THEN UPDATE SET f = false RETURNING f'
\else
	\set returning 'UPDATE flags SET f = false RETURNING f'
\endif

-- virtual generated columns: triggers see null there, and the log has the value
CREATE TABLE price (id int PRIMARY KEY, net numeric, tax numeric GENERATED ALWAYS AS (net * 0.2) :generated,
	label text GENERATED ALWAYS AS ('no. ' || id::text) :generated, secret text GENERATED ALWAYS AS ('s' || id::text) :generated);
CREATE TABLE bag (n int, doubled int GENERATED ALWAYS AS (n * 2) :generated);
CREATE TABLE part (id int, twice int GENERATED ALWAYS AS (id * 2) :generated) PARTITION BY RANGE (id);
CREATE TABLE part_2 (twice int GENERATED ALWAYS AS (id * 2) :generated, id int);
ALTER TABLE part ATTACH PARTITION part_2 DEFAULT;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('price', exclude => '{label}', redact => '{secret}');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('bag');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('part');
\set ECHO none
INSERT INTO price VALUES (1, 10), (2, NULL);
INSERT INTO bag VALUES (1), (1), (2);
INSERT INTO part VALUES (1);
SELECT clock_timestamp() AS before \gset
UPDATE price SET net = 20 WHERE id = 1;
UPDATE price SET net = net;
UPDATE bag SET n = 3 WHERE n = 2;
DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag);
DELETE FROM price WHERE id = 2;
UPDATE part SET id = 2;
\set ECHO all
SELECT operation, table_name, row_key, old_key, old_row, new_row, changed FROM cmig_audit.log ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::bag, :'before') ORDER BY 1;
SELECT id, net, tax FROM cmig.audit_as_of(NULL::price, :'before') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::part, :'before');
-- for a row that was not logged as a whole, the unchanged values are taken from the table
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('price', image => 'changes', exclude => '{label}', redact => '{secret}');
SELECT clock_timestamp() AS before \gset
UPDATE price SET net = 30;
SELECT old_row, new_row, changed FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT id, net, tax FROM cmig.audit_as_of(NULL::price, :'before');

-- temporal keys
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE TABLE booking (room int, during int4range, guest text, PRIMARY KEY (room, during :overlaps));
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('booking');
INSERT INTO booking VALUES (1, '[1,3)', 'a'), (1, '[3,5)', 'b');
UPDATE booking SET guest = 'c' WHERE during @> 4;
SELECT operation, row_key FROM cmig_audit.log WHERE table_name = 'booking' ORDER BY id;
-- a foreign key with PERIOD needs an index that finds overlapping ranges
SELECT rule, (safe_rewrite ~ 'USING gist') = :'has_18'::boolean AS suitable
	FROM cmig.lint_sql(format('CREATE TABLE guest (room int, during int4range, FOREIGN KEY (room, %s during) REFERENCES booking (room, %1$s during))', :'period'))
	WHERE rule = 'foreign-key-without-index';

-- constraints that existing rows may violate
\set ECHO none
CREATE TABLE users (id int PRIMARY KEY, email text, code text NOT NULL);
INSERT INTO users SELECT i, 'u' || i, 'c' || i FROM generate_series(1, 10) i;
UPDATE users SET email = NULL WHERE id = 3;
ALTER TABLE users ADD CONSTRAINT cmig_email_not_null :not_valid;
\set VERBOSITY terse
\set ECHO all
\o /dev/null
CALL cmig.backfill('users', 'email = ''u3''', 'email IS NULL');
\o
CALL cmig.add_not_null('users', 'email');
SELECT attnotnull, (SELECT count(*) FROM pg_constraint WHERE conrelid = attrelid AND NOT convalidated) AS not_valid
	FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'email';
INSERT INTO users VALUES (11, NULL, 'c');
CALL cmig.add_not_null('users', 'email');
INSERT INTO users VALUES (11, NULL, 'c');
-- and those that are not enforced
ALTER TABLE users ADD CONSTRAINT positive :not_enforced;
CALL cmig.add_check('users', 'positive', 'id > 0');
-- a key that may contain nulls cannot be used to walk through a table
ALTER TABLE users DROP CONSTRAINT users_pkey;
CREATE UNIQUE INDEX users_code ON users (code);
CALL cmig.backfill('users', 'email = ''x''');
ALTER TABLE users ALTER code DROP NOT NULL;
ALTER TABLE users :nullable;
CALL cmig.backfill('users', 'email = ''x''');
\set VERBOSITY default

-- MERGE returns rows
CREATE TABLE flags (f boolean);
INSERT INTO flags VALUES (true);
SELECT cmig.create_revision('flags', '', '', revision => '1', verify_sql => :'returning');
\set VERBOSITY sqlstate
SELECT count(*) FROM cmig.upgrade();
\set VERBOSITY default
SELECT f FROM flags;
SELECT cmig.script('upgrade', '1') ~ 'returned the row' AS looks_at_rows;

SELECT count(*) > 0 AS changed FROM cmig.disable_audit('price');
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('bag');
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('part');
-- a trigger in PL/pgSQL does not see virtual columns, so its log does not contain them
SELECT cmig.audit_script('bag', query_length => 0) AS script \gset
:script
INSERT INTO bag VALUES (7);
SELECT new_row - 'doubled' AS new_row, new_row @> '{"doubled": null}' AS null_logged FROM cmig_audit.log WHERE row_key->>'n' = '7';
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('booking');
DROP TABLE price, bag, part, booking, users, flags;
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION btree_gist;
DROP EXTENSION pg_cmig;
