--
-- Enabling and disabling auditing, and its options
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE SCHEMA shop;
CREATE TABLE shop.customer (id integer PRIMARY KEY, email text, password_hash text, card text, note text, touched_at timestamptz);
\set ECHO all

SELECT * FROM cmig.enable_audit('shop.customer');
-- a second call changes nothing
SELECT * FROM cmig.enable_audit('shop.customer');
-- options change in place, and options that are not given stay
SELECT regexp_replace(statement, '"anchor": "[^"]+"', '"anchor": "..."') AS statement FROM cmig.enable_audit('shop.customer', exclude => '{touched_at}', redact => '{password_hash}', hash => '{card}', image => 'changes', operations => '{insert,update}', query_length => 30);
SELECT * FROM cmig.enable_audit('shop.customer');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'shop.customer'::regclass ORDER BY 1;
\set ECHO none
INSERT INTO shop.customer VALUES (1, 'e', 'secret', '4111', NULL, now()), (2, 'f', NULL, '4111', NULL, NULL);
UPDATE shop.customer SET note = 'n', touched_at = now() WHERE id = 1;
-- a change of an excluded column only: no entry
UPDATE shop.customer SET touched_at = now();
-- a change of a redacted column: an entry without the value
UPDATE shop.customer SET password_hash = 'other', card = '4222' WHERE id = 1;
UPDATE shop.customer SET id = 3 WHERE id = 2;
DELETE FROM shop.customer WHERE id = 3;
\set ECHO all
SELECT operation, row_key, changed, regexp_replace(old_row::text, '[0-9a-f]{64}', '<hash>', 'g') AS old_row,
	regexp_replace(new_row::text, '[0-9a-f]{64}', '<hash>', 'g') AS new_row, query
	FROM cmig_audit.log ORDER BY id;
-- equal values have equal hashes, and others do not; without the key, nobody can try values
SELECT (a.new_row->>'card' = b.new_row->>'card') AS equal, a.new_row->>'card' <> c.new_row->>'card' AS differ,
	a.new_row->>'card' NOT LIKE '%' || encode(sha256('4111'), 'hex') || '%' AS keyed
	FROM cmig_audit.log a, cmig_audit.log b, cmig_audit.log c
	WHERE a.operation = 'INSERT' AND a.row_key->>'id' = '1' AND b.operation = 'INSERT' AND b.row_key->>'id' = '2' AND c.new_row ? 'card' AND c.operation = 'UPDATE' AND c.row_key->>'id' = '1';
SELECT * FROM cmig.audit_as_of(NULL::shop.customer, now() - interval '1 hour');
-- without the key, nothing is logged unhashed: the change fails
DELETE FROM cmig.secret;
ALTER TABLE shop.customer ADD COLUMN x integer;
UPDATE shop.customer SET note = 'nokey';
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer');
UPDATE shop.customer SET note = 'newkey';
-- a hidden column stays hidden under another name; one that is created again is hidden after another call
ALTER TABLE shop.customer RENAME password_hash TO pw;
ALTER TABLE shop.customer RENAME touched_at TO seen_at;
INSERT INTO shop.customer (id, pw, seen_at) VALUES (7, 'clear text', now());
SELECT new_row->>'pw' AS pw, new_row ? 'seen_at' AS seen_at FROM cmig_audit.log WHERE row_key = '{"id": 7}';
SELECT regexp_replace(statement, '"anchor": "[^"]+"', '"anchor": "..."') AS statement FROM cmig.enable_audit('shop.customer', query_length => 0);
ALTER TABLE shop.customer DROP COLUMN pw;
INSERT INTO shop.customer (id) VALUES (8);
ALTER TABLE shop.customer ADD COLUMN pw text;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer');
INSERT INTO shop.customer (id) VALUES (8);
INSERT INTO shop.customer (id, pw) VALUES (9, 'clear text');
SELECT row_key, new_row->>'pw' AS pw FROM cmig_audit.log WHERE row_key->>'id' IN ('8', '9') ORDER BY id;
-- include: only the named columns and the key
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer', include => '{email}', redact => '{}', hash => '{}', operations => '{insert,update,delete,truncate}', image => 'row');
UPDATE shop.customer SET email = 'i', note = 'i' WHERE id = 9;
UPDATE shop.customer SET note = 'not logged' WHERE id = 9;
SELECT operation, old_row, new_row FROM cmig_audit.log ORDER BY id DESC LIMIT 1;
-- keep updates that change nothing
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer', include => '{}', skip_unchanged => false);
UPDATE shop.customer SET email = email WHERE id = 9;
SELECT operation, changed FROM cmig_audit.log ORDER BY id DESC LIMIT 1;

-- disable_audit keeps the log; enable_audit again: the same id
SELECT * FROM cmig.disable_audit('shop.customer');
SELECT * FROM cmig.disable_audit('shop.customer');
UPDATE shop.customer SET email = 'not audited';
SELECT count(*) > 5 AS kept FROM cmig_audit.log;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer');
UPDATE shop.customer SET email = 'audited' WHERE id = 9;
SELECT count(DISTINCT table_id) FROM cmig_audit.log;
-- even if the table was renamed in the meantime
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('shop.customer');
ALTER TABLE shop.customer RENAME TO client;
SELECT count(*) > 1 AS history FROM cmig.audit_history('shop.client', 9);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.client');
UPDATE shop.client SET email = 'as a client' WHERE id = 9;
SELECT count(DISTINCT table_id), count(DISTINCT table_name) AS names FROM cmig_audit.log;
ALTER TABLE shop.client RENAME TO customer;
-- if somebody has disabled a trigger, enable_audit enables it
ALTER TABLE shop.customer DISABLE TRIGGER cmig_audit_update;
SELECT * FROM cmig.enable_audit('shop.customer');

-- invalid arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_audit(NULL);
SELECT cmig.enable_audit('nothing');
 SELECT cmig.enable_audit(99999999);
SELECT cmig.enable_audit('pg_class');
SELECT cmig.enable_audit('cmig.revision');
SELECT cmig.enable_audit('cmig_audit.log');
$calls$);
\set ECHO all
CREATE VIEW shop.v AS SELECT 1 AS one;
SELECT cmig.enable_audit('shop.v');
CREATE TEMP TABLE tmp (id integer);
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_audit('tmp');
SELECT cmig.enable_audit('shop.customer', exclude => '{nope}');
SELECT cmig.enable_audit('shop.customer', exclude => '{id}');
SELECT cmig.enable_audit('shop.customer', hash => '{id}');
SELECT cmig.enable_audit('shop.customer', exclude => ARRAY[NULL]);
SELECT cmig.enable_audit('shop.customer', exclude => '{note}', include => '{email}');
-- a column can be in only one list, and only once, however the lists are combined
SELECT cmig.enable_audit('shop.customer', redact => ARRAY['card', NULL]);
SELECT cmig.enable_audit('shop.customer', redact => '{card,note,card}');
SELECT cmig.enable_audit('shop.customer', redact => '{card,email}', hash => '{note,card}');
SELECT cmig.enable_audit('shop.customer', exclude => '{card}', hash => '{card}');
SELECT cmig.enable_audit('shop.customer', exclude => '{card}', redact => '{card}');
$calls$);
\set ECHO all
BEGIN;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer', redact => '{card}');
SAVEPOINT s;
SELECT cmig.enable_audit('shop.customer', hash => '{card}');
ROLLBACK TO s;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.customer', redact => '{}', hash => '{card}');
ROLLBACK;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.enable_audit_schema('shop', 'customer', redact => '{card}', hash => '{card}');
SELECT cmig.enable_audit_schema('shop', 'customer', redact => '{nope}');
SELECT cmig.audit_script('shop.customer', exclude => '{card}', redact => '{card}');
SELECT cmig.audit_script('shop.customer', redact => '{card,card}');
SELECT cmig.audit_script('shop.customer', redact => '{nope}');
SELECT cmig.audit_script('shop.customer', redact => '{crd}');
SELECT cmig.audit_script('shop.customer', redact => ARRAY[NULL]);
SELECT cmig.enable_audit('shop.customer', image => 'full');
SELECT cmig.enable_audit('shop.customer', level => 'column');
SELECT cmig.enable_audit('shop.customer', level => 'statement', replicated => true);
SELECT cmig.enable_audit('shop.customer', operations => '{select}');
SELECT cmig.enable_audit('shop.customer', operations => '{insert,insert}');
SELECT cmig.enable_audit('shop.customer', operations => '{}');
SELECT cmig.enable_audit('shop.customer', query_length => -1);
SELECT cmig.enable_audit('shop.customer', oversize => 'ignore');
SELECT cmig.enable_audit_schema('nowhere');
SELECT cmig.enable_audit_schema(NULL);
$calls$);
\set ECHO all

-- all tables of a schema, by pattern
CREATE TABLE shop.order_line (id integer);
CREATE TABLE shop."Order Head" (id integer);
SELECT regexp_replace(statement, 'EXECUTE.*', '...') AS statement FROM cmig.enable_audit_schema('shop', 'order%', operations => '{insert}');
SELECT regexp_replace(statement, 'EXECUTE.*', '...') AS statement FROM cmig.enable_audit_schema('shop');

-- columns to hide need not exist in every table, but in at least one
CREATE TABLE shop.order_note (id integer PRIMARY KEY, note text, secret text);
SELECT cmig.enable_audit_schema('shop', 'order%', exclude => '{note}', redact => '{secret,nope}');
SELECT cmig.enable_audit_schema('shop', 'order%', include => '{note}');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit_schema('shop', 'order%', exclude => '{note}', redact => '{secret}');
INSERT INTO shop.order_line VALUES (1);
INSERT INTO shop.order_note VALUES (1, 'n', 's');
SELECT table_name, new_row FROM cmig_audit.log WHERE table_name LIKE 'order%' ORDER BY id;

-- the triggers that exist
\set ECHO none
CREATE ROLE regress_audit_other;
GRANT TRIGGER ON shop.order_note TO regress_audit_other, PUBLIC;
ALTER TABLE shop.order_line DISABLE TRIGGER cmig_audit_insert;
CREATE TABLE shop."child ""x""" () INHERITS (shop.order_note);
CREATE TABLE shop.by_hand (id integer PRIMARY KEY);
CREATE TRIGGER a AFTER INSERT ON shop.by_hand FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('x', '{', 'y');
CREATE TABLE shop."Ünaudited" (id integer);
\set ECHO all
SELECT target, table_id IS NOT NULL AS id, level, operations, options, problem FROM cmig.audit_status('shop');
SELECT count(*) > 3 AS all_schemas, count(*) FILTER (WHERE target LIKE 'cmig%') AS own FROM cmig.audit_status();
SELECT * FROM cmig.audit_status('nowhere');
SELECT target FROM cmig.audit_status('cmig_audit') WHERE level IS NOT NULL;
DROP TABLE shop."child ""x""", shop.by_hand, shop."Ünaudited";
REVOKE ALL ON shop.order_note FROM regress_audit_other, PUBLIC;
DROP ROLE regress_audit_other;

-- the same in a database without pg_cmig
CREATE TABLE shop.plain (a integer, "b ""x" text, secret text, noise text, PRIMARY KEY (a, "b ""x"));
SELECT cmig.audit_script('shop.plain', exclude => '{noise}', redact => '{secret}', image => 'changes') AS script \gset
SELECT cmig.audit_script('shop.plain', hash => '{secret}');
SELECT cmig.audit_script('shop.plain', level => 'statement');
-- objects that another role created beforehand are not used
CREATE ROLE regress_audit_other;
ALTER TABLE cmig_audit.layout OWNER TO regress_audit_other;
:script
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'shop.plain'::regclass;
\set ECHO none
ALTER TABLE cmig_audit.layout OWNER TO CURRENT_USER;
DROP ROLE regress_audit_other;
-- compared with the C trigger: here the log already exists, so only the trigger is created
:script
INSERT INTO shop.plain VALUES (1, 'k', 's', 'n');
UPDATE shop.plain SET noise = 'x';
UPDATE shop.plain SET secret = 't', noise = 'y';
UPDATE shop.plain SET a = 2;
DELETE FROM shop.plain;
TRUNCATE shop.plain;
\set ECHO all
SELECT target, level, problem FROM cmig.audit_status('shop') WHERE target = 'shop.plain';
-- enable_audit replaces the script's triggers; nothing is logged twice
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('shop.plain', exclude => '{noise}', redact => '{secret}', image => 'changes');
\set ECHO none
INSERT INTO shop.plain VALUES (1, 'k', 's', 'n');
UPDATE shop.plain SET noise = 'x';
UPDATE shop.plain SET secret = 't', noise = 'y';
UPDATE shop.plain SET a = 2;
DELETE FROM shop.plain;
TRUNCATE shop.plain;
\set ECHO all
SELECT operation, row_key, old_key, old_row, new_row, changed, count(*), count(DISTINCT row_hash) AS hashes, count(DISTINCT table_id) AS ids
	FROM cmig_audit.log WHERE table_name = 'plain' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY min(id);
-- the same for a trigger that the script of an earlier version has created
CREATE TABLE shop.earlier (id integer PRIMARY KEY);
CREATE FUNCTION cmig_audit.write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER cmig_audit_row AFTER INSERT ON shop.earlier FOR EACH ROW EXECUTE FUNCTION cmig_audit.write('1000', '{id}', '{}', '{}', 'false', 'true', '0', '{1}', '{}', '{}', '0', '{id}', 'false');
SELECT problem FROM cmig.audit_status('shop') WHERE target = 'shop.earlier';
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('shop.earlier', level => 'row');
SELECT cmig.audit_script('shop.plain', operations => '{insert}') AS script \gset
SELECT count(*) > 0 AS changed FROM cmig.disable_audit('shop.plain');
:script
SELECT statement FROM cmig.disable_audit('shop.plain');

-- somebody has narrowed a trigger, or taken its name before
CREATE TABLE shop.narrow (id integer PRIMARY KEY, a text);
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('shop.narrow', level => 'row', operations => '{insert,update}');
\set ECHO none
SELECT regexp_replace(pg_get_triggerdef(oid), ' FOR EACH ROW EXECUTE', ' FOR EACH ROW WHEN (false) EXECUTE') AS narrowing
	FROM pg_trigger WHERE tgrelid = 'shop.narrow'::regclass \gset
DROP TRIGGER cmig_audit_row ON shop.narrow;
:narrowing;
\set ECHO all
SELECT level, operations, problem FROM cmig.audit_status('shop') WHERE target = 'shop.narrow';
SELECT regexp_replace(statement, ' EXECUTE.*', '') AS statement FROM cmig.enable_audit('shop.narrow');
ALTER TABLE shop.narrow ENABLE REPLICA TRIGGER cmig_audit_row;
SELECT problem FROM cmig.audit_status('shop') WHERE target = 'shop.narrow';
SELECT statement FROM cmig.enable_audit('shop.narrow');
SELECT problem FROM cmig.audit_status('shop') WHERE target = 'shop.narrow';
CREATE TABLE shop.taken (id integer PRIMARY KEY);
CREATE TRIGGER cmig_audit_row BEFORE UPDATE ON shop.taken FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.taken', level => 'row');
ALTER TRIGGER cmig_audit_row ON shop.taken RENAME TO mine;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.taken', level => 'row');
-- a name that looks like the end of an argument
CREATE TABLE shop."a\000b" (id integer PRIMARY KEY, "c\000d" text, "e\" text, "ß\\000" text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop."a\000b"', exclude => '{"c\\000d"}');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop."a\000b"', exclude => '{"c\\000d","e\\","ß\\\\000"}');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop."a\000b"', exclude => '{"c\\000d","e\\","ß\\\\000"}');
SELECT options, problem FROM cmig.audit_status('shop') WHERE target LIKE '%000%';
-- a hidden column that becomes the key
CREATE TABLE shop.later_key (id integer PRIMARY KEY, s text NOT NULL);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.later_key', redact => '{s}');
ALTER TABLE shop.later_key DROP CONSTRAINT later_key_pkey, ADD PRIMARY KEY (s);
SELECT * FROM cmig.audit_as_of(NULL::shop.later_key, now());
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('shop.later_key', redact => '{}');
SELECT * FROM cmig.audit_as_of(NULL::shop.later_key, now());

\set ECHO none
SET client_min_messages = error;
DROP SCHEMA shop, cmig_audit CASCADE;
DROP TABLE tmp;
DROP EXTENSION pg_cmig;
