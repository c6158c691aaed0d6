--
-- Audit options still refer to the same columns after columns are renamed, exchange their names,
-- or are dropped and created again
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\set VERBOSITY terse

CREATE TABLE customer (id integer PRIMARY KEY, gone text, name text, card text, pin text, note text);
ALTER TABLE customer DROP COLUMN gone;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{card}', hash => '{pin}', exclude => '{note}');
\set ECHO none
INSERT INTO customer VALUES (1, 'Ann', 'secret', 'secret', 'secret');
CREATE FUNCTION leaks() RETURNS TABLE (entries bigint, leaks bigint) LANGUAGE sql AS $$
	SELECT count(*), count(*) FILTER (WHERE l::text LIKE '%secret%') FROM cmig_audit.log l $$;

-- renamed, and names exchanged
ALTER TABLE customer RENAME card TO pan;
UPDATE customer SET pan = 'secret 2', pin = 'secret 2';
ALTER TABLE customer RENAME name TO x;
ALTER TABLE customer RENAME pan TO name;
ALTER TABLE customer RENAME x TO pan;
UPDATE customer SET name = 'secret 3', pan = 'Anna', note = 'secret 3';
ALTER TABLE customer RENAME pin TO y;
ALTER TABLE customer RENAME note TO pin;
ALTER TABLE customer RENAME y TO note;
UPDATE customer SET pin = 'secret 4', note = 'secret 4', pan = 'Anne';
\set ECHO all
SELECT new_row - 'note' AS new_row, new_row ? 'pin' AS pin FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT * FROM leaks();
SELECT problem FROM cmig.audit_status() WHERE target = 'public.customer';

-- renamed, dropped, and created again: the trigger raises an error until a call says what to hide
ALTER TABLE customer DROP COLUMN name;
\set VERBOSITY default
UPDATE customer SET pan = 'Ann';
\set VERBOSITY terse
ALTER TABLE customer ADD COLUMN name text;
INSERT INTO customer (id, name) VALUES (2, 'secret');
INSERT INTO customer (id, name) VALUES (2, 'secret') ON CONFLICT DO NOTHING;
DELETE FROM customer;
-- reading still works
SELECT count(*) FROM cmig.audit_as_of(NULL::customer, now() - interval '1 day');
SELECT problem FROM cmig.audit_status() WHERE target = 'public.customer';
-- a list in the call replaces the one with missing columns
BEGIN;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{name}');
INSERT INTO customer (id, name, note, pin) VALUES (2, 'secret', 'secret', 'secret');
SELECT new_row - 'note' AS new_row FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
ROLLBACK;
-- no column: dropped ones are reported, the others stay
BEGIN;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer');
INSERT INTO customer (id, name, note, pin) VALUES (2, 'in clear', 'secret', 'secret');
SELECT new_row - 'note' AS new_row FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT problem FROM cmig.audit_status() WHERE target = 'public.customer';
ROLLBACK;
-- dropped and created again with the same name: hidden again
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{name}', hash => '{}', exclude => '{}');
ALTER TABLE customer DROP COLUMN name;
ALTER TABLE customer ADD COLUMN name text;
INSERT INTO customer (id, name) VALUES (3, 'secret');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer');
INSERT INTO customer (id, name) VALUES (3, 'secret');
SELECT new_row FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT * FROM leaks();
-- excluded and hashed columns, too
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', redact => '{}', exclude => '{name}');
ALTER TABLE customer DROP COLUMN name;
INSERT INTO customer (id) VALUES (4);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', exclude => '{}', hash => '{pin}');
ALTER TABLE customer DROP COLUMN pin;
INSERT INTO customer (id) VALUES (4);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', hash => '{}');

-- if columns of an include list are gone, no other columns are shown instead
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', include => '{pan}');
ALTER TABLE customer DROP COLUMN pan;
INSERT INTO customer (id, note) VALUES (5, 'secret');
SELECT new_row FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('customer', include => '{}', exclude => '{note}');
-- a key column that is renamed, and a column that becomes the key
ALTER TABLE customer RENAME id TO number;
UPDATE customer SET number = 6 WHERE number = 5;
SELECT row_key, old_key FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
SELECT * FROM leaks();

-- children and partitions have column numbers of their own
CREATE TABLE parent (id integer PRIMARY KEY, card text);
CREATE TABLE child (own text, x text, PRIMARY KEY (id)) INHERITS (parent);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parent', redact => '{card}');
\set ECHO none
ALTER TABLE parent RENAME card TO pan;
INSERT INTO parent VALUES (1, 'secret');
INSERT INTO child VALUES (2, 'secret', 'o');
ALTER TABLE parent DROP COLUMN pan;
ALTER TABLE parent ADD COLUMN pan text;
\set ECHO all
INSERT INTO parent VALUES (3, 'secret');
INSERT INTO child VALUES (4, 'o', 'x', 'secret');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parent', redact => '{pan}');
\set ECHO none
INSERT INTO parent VALUES (3, 'secret');
INSERT INTO child VALUES (4, 'o', 'x', 'secret');
CREATE TABLE parted (id integer PRIMARY KEY, dropped text, card text, name text) PARTITION BY RANGE (id);
ALTER TABLE parted DROP COLUMN dropped;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1) TO (10);
CREATE TABLE parted_2 (name text, u text, card text, v text, id integer NOT NULL);
ALTER TABLE parted_2 DROP COLUMN u, DROP COLUMN v;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parted', redact => '{card}');
\set ECHO none
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, 'secret', 'a'), (10, 'secret', 'b');
ALTER TABLE parted RENAME card TO x;
ALTER TABLE parted RENAME name TO card;
ALTER TABLE parted RENAME x TO name;
UPDATE parted SET name = 'secret 2';
UPDATE parted_2 SET name = 'secret 3';
ALTER TABLE parted DROP COLUMN name;
\set ECHO all
UPDATE parted SET card = 'c';
UPDATE parted_2 SET card = 'c';
ALTER TABLE parted ADD COLUMN name text;
INSERT INTO parted_1 VALUES (2, 'c', 'secret');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('parted', redact => '{name}');
INSERT INTO parted VALUES (3, 'c', 'secret'), (13, 'c', 'secret');
SELECT target, problem FROM cmig.audit_status() WHERE problem IS NOT NULL ORDER BY 1;
SELECT * FROM leaks();

-- with arguments of another table, or of none, the trigger does not guess
CREATE TABLE hand (id integer PRIMARY KEY, card text);
CREATE TRIGGER hand AFTER INSERT ON hand FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('9001', '{"redact": {"card": 2}}');
INSERT INTO hand VALUES (1, 'secret');
SELECT problem FROM cmig.audit_status() WHERE target = 'public.hand';

\set ECHO none
SET client_min_messages = error;
DROP TABLE customer, parent, child, parted, hand;
DROP FUNCTION leaks();
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
