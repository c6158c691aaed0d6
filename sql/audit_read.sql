--
-- Querying the audit log: history, rows as of a time, differences, transactions, counts
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

-- a row, through changes of its key and its table
CREATE TABLE person (id integer PRIMARY KEY, name text, age integer);
INSERT INTO person VALUES (1, 'there before', 30), (2, 'untouched', 40);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('person');
\set ECHO none
SELECT clock_timestamp() AS t0 \gset
UPDATE person SET age = 31 WHERE id = 1;
SELECT clock_timestamp() AS t1 \gset
UPDATE person SET id = 10, name = 'moved' WHERE id = 1;
INSERT INTO person VALUES (3, 'new', 1);
SELECT clock_timestamp() AS t2 \gset
ALTER TABLE person RENAME name TO full_name;
ALTER TABLE person RENAME id TO person_id;
UPDATE person SET full_name = 'renamed' WHERE person_id = 10;
SELECT clock_timestamp() AS t3 \gset
ALTER TABLE person DROP COLUMN age;
ALTER TABLE person ADD COLUMN age text DEFAULT 'another column';
DELETE FROM person WHERE person_id = 10;
SELECT clock_timestamp() AS t4 \gset
\set ECHO all

SELECT operation, row_key, old_key, changed, old_row, new_row FROM cmig.audit_history('person', 10);
SELECT operation, row_key FROM cmig.audit_history('person'::regclass, 1);
SELECT operation, row_key FROM cmig.audit_history('public.person', '{"person_id": 3}');
SELECT operation, row_key FROM cmig.audit_history('person', '3');
SELECT operation, row_key FROM cmig.audit_history('person', 99);
SELECT * FROM cmig.audit_as_of(NULL::person, :'t0') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t1') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t2') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t3') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t4') ORDER BY 1;
SELECT * FROM cmig.audit_as_of(NULL::person, :'t0', 1);
SELECT * FROM cmig.audit_as_of(NULL::person, :'t2', 10);
SELECT * FROM cmig.audit_diff('person', 10, :'t0', :'t1');
SELECT * FROM cmig.audit_diff('person', 10, :'t0', :'t3');
SELECT * FROM cmig.audit_diff('person', 10, :'t3', :'t4');
SELECT * FROM cmig.audit_diff('person', 10, :'t4');
\set ECHO none
BEGIN;
INSERT INTO person VALUES (20, 'x');
UPDATE person SET full_name = 'y' WHERE person_id IN (2, 20);
SELECT pg_current_xact_id() AS xid \gset
COMMIT;
\set ECHO all
SELECT table_name, operation, row_key, changed FROM cmig.audit_transaction(:'xid');
SELECT schema_name, table_name, operation, user_id, sum(entries) AS entries, sum(transactions) AS transactions
	FROM cmig.audit_report('person', from_time => :'t0') GROUP BY 1, 2, 3, 4 ORDER BY 3;
SELECT count(*) FROM cmig.audit_report(to_time => :'t0');

-- parameters without a type, as drivers send them
PREPARE history AS SELECT operation, row_key FROM cmig.audit_history($1, $2);
EXECUTE history('person', '3');
PREPARE as_of AS SELECT * FROM cmig.audit_as_of(NULL::person, $1, $2);
EXECUTE as_of('2100-01-01', '3');
PREPARE diff AS SELECT count(*) FROM cmig.audit_diff($1, $2, $3, $4);
EXECUTE diff('person', '3', '2000-01-01', '2100-01-01');
DEALLOCATE ALL;

-- invalid arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_history('nobody', 1);
SELECT * FROM cmig.audit_history(NULL, 1);
SELECT * FROM cmig.audit_history('person', NULL::integer);
SELECT * FROM cmig.audit_history('person', 'x');
$calls$);
\set ECHO all
SELECT * FROM cmig.audit_history('person', '{"id": 3}');
SELECT * FROM cmig.audit_history('person', '{"person_id": 3, "more": 1}');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_history('person', '[1]'::jsonb);
SELECT * FROM cmig.audit_as_of(1, now());
SELECT * FROM cmig.audit_as_of(NULL::person, NULL);
SELECT * FROM cmig.audit_as_of(NULL::pg_class, now());
SELECT * FROM cmig.audit_diff('person', 1, NULL);
$calls$);
\set ECHO all
SELECT * FROM cmig.audit_transaction(NULL::xid8);

-- after the table was dropped and another one got its name
DROP TABLE person;
SELECT operation, row_key FROM cmig.audit_history('person', 10);
SELECT operation, row_key FROM cmig.audit_history('person', '3');
CREATE TABLE person (id integer PRIMARY KEY);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('person');
SELECT count(*) FROM cmig.audit_history('person', 10);
DROP TABLE person;

-- keys of other types and of several columns; times of a key in any zone
CREATE TABLE keys (u uuid, at timestamptz, v text, PRIMARY KEY (u, at));
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('keys');
\set ECHO none
SET TimeZone = 'Asia/Tokyo';
INSERT INTO keys VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-01-01 00:00:00+00', 'a');
SET TimeZone = 'America/New_York';
UPDATE keys SET v = 'b';
\set ECHO all
SELECT operation, row_key, new_row->>'at' AS at FROM cmig.audit_history('keys', '{"u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "at": "2024-01-01T00:00:00+00:00"}');
SELECT v FROM cmig.audit_as_of(NULL::keys, now());
SELECT v FROM cmig.audit_as_of(NULL::keys, '2020-01-01');
SELECT * FROM cmig.audit_history('keys', 1);
RESET TimeZone;
CREATE TABLE named (name text PRIMARY KEY, v integer);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('named');
INSERT INTO named VALUES ('a', 1), ('7', 2);
SELECT operation, row_key FROM cmig.audit_history('named', 'a');
\set ECHO none
SELECT operation, row_key FROM cmig.audit_history('named', '7');

-- property: for any time after the last truncation, audit_as_of() returns what a copy made at that
-- time contains.  Random changes of keys and values, inserts, deletes, whole-table updates,
-- rolled-back changes, triggers that change rows again, truncations
CREATE TABLE copies (what text, at timestamptz, content jsonb);
CREATE FUNCTION mutate(tab regclass, steps integer, keyed boolean, truncates boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	k integer;
BEGIN
	FOR i IN 1 .. steps LOOP
		k := (random() * 12)::integer;
		CASE (random() * 10)::integer
			WHEN 0, 1, 2 THEN
				IF keyed THEN
					EXECUTE format('INSERT INTO %s VALUES ($1, $2, NULL) ON CONFLICT (id) DO UPDATE SET v = excluded.v', tab) USING k, (random() * 5)::integer;
				ELSE
					EXECUTE format('INSERT INTO %s VALUES ($1, $2, NULL), ($1, $2, NULL)', tab) USING k, (random() * 2)::integer;
				END IF;
			WHEN 3 THEN EXECUTE format('DELETE FROM %s WHERE id = $1', tab) USING k;
			WHEN 4, 5 THEN EXECUTE format('UPDATE %s SET v = v + 1 WHERE id < $1', tab) USING k;
			WHEN 6 THEN
				IF keyed THEN
					EXECUTE format('UPDATE %s SET id = $2 WHERE id = $1 AND NOT EXISTS (SELECT FROM %s WHERE id = $2)', tab, tab) USING k, (random() * 12)::integer;
				ELSE
					EXECUTE format('UPDATE %s SET id = $2 WHERE id = $1', tab) USING k, (random() * 12)::integer;
				END IF;
			WHEN 7 THEN EXECUTE format('UPDATE %s SET t = repeat(md5($1::text), (random() * 3)::integer) WHERE id = $1', tab) USING k;
			WHEN 8 THEN
				BEGIN
					EXECUTE format('UPDATE %s SET v = -1', tab);
					RAISE EXCEPTION 'rolled back';
				EXCEPTION WHEN raise_exception THEN NULL;
				END;
			WHEN 9 THEN
				IF truncates AND random() < 0.3 THEN EXECUTE format('TRUNCATE %s', tab); END IF;
			ELSE
				EXECUTE format('INSERT INTO copies SELECT %L, clock_timestamp(), coalesce(jsonb_agg(to_jsonb(x) ORDER BY to_jsonb(x)), ''[]'') FROM %s x', tab, tab);
				PERFORM pg_sleep(0.001);
		END CASE;
	END LOOP;
END $$;
CREATE FUNCTION verify(tab regclass) RETURNS TABLE (name text, copies bigint, wrong bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT %L, count(*), count(*) FILTER (WHERE a.content IS DISTINCT FROM c.content) FROM copies c,
		LATERAL (SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY to_jsonb(x)), ''[]'') AS content FROM cmig.audit_as_of(NULL::%s, c.at) x) a WHERE c.what = %L
		AND c.at > coalesce((SELECT max(l.clock_at) FROM cmig_audit.log l WHERE l.operation = ''TRUNCATE'' AND l.table_name = %L), ''-infinity'')', tab, tab, tab, tab);
END $$;
\set ECHO all
SELECT setseed(0.42);
\set ECHO none
CREATE TABLE h_row (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_statement (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_changes (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_truncated (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_truncated_changes (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_keyless (id integer, v integer, t text);
CREATE TABLE h_keyless_truncated (id integer, v integer, t text);
CREATE TABLE h_triggers (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_triggers_row (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE h_partitioned (id integer PRIMARY KEY, v integer, t text) PARTITION BY RANGE (id);
CREATE TABLE h_part1 PARTITION OF h_partitioned FOR VALUES FROM (0) TO (6);
CREATE TABLE h_part2 PARTITION OF h_partitioned DEFAULT;
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.v % 3 = 0 THEN EXECUTE format('UPDATE %I SET v = v + 1 WHERE id IN ($1, $2)', TG_TABLE_NAME) USING NEW.id, NEW.id + 1; END IF;
	IF NEW.v % 7 = 0 THEN EXECUTE format('DELETE FROM %I WHERE id = $1', TG_TABLE_NAME) USING NEW.id - 1; END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER aaa AFTER UPDATE ON h_triggers FOR EACH ROW WHEN (pg_trigger_depth() < 3) EXECUTE FUNCTION again();
CREATE TRIGGER aaa AFTER UPDATE ON h_triggers_row FOR EACH ROW WHEN (pg_trigger_depth() < 3) EXECUTE FUNCTION again();
-- rows that are older than the audit
INSERT INTO h_row SELECT i, i, 'early' FROM generate_series(1, 8) i;
INSERT INTO h_changes SELECT i, i, 'early' FROM generate_series(1, 8) i;
INSERT INTO h_keyless SELECT i, 1, 'early' FROM generate_series(1, 8) i;
INSERT INTO h_triggers SELECT i, i, 'early' FROM generate_series(1, 8) i;
\set ECHO all
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_row', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_statement');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_changes', image => 'changes');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_truncated');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_truncated_changes', image => 'changes');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_keyless');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_keyless_truncated');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_triggers');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_triggers_row', level => 'row');
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('h_partitioned');
SELECT mutate('h_row', 400, true, false);
SELECT mutate('h_statement', 400, true, false);
SELECT mutate('h_changes', 400, true, false);
SELECT mutate('h_truncated', 400, true, true);
SELECT mutate('h_truncated_changes', 400, true, true);
SELECT mutate('h_keyless', 150, false, false);
SELECT mutate('h_keyless_truncated', 150, false, true);
SELECT mutate('h_triggers', 400, true, false);
SELECT mutate('h_triggers_row', 400, true, false);
SELECT mutate('h_partitioned', 400, true, false);
-- after the last truncation
SELECT mutate('h_truncated', 150, true, false), mutate('h_truncated_changes', 150, true, false),
	mutate('h_keyless_truncated', 100, false, false);
SELECT name, copies > 3 AS copies, wrong FROM (
	SELECT * FROM verify('h_row') UNION ALL SELECT * FROM verify('h_statement')
	UNION ALL SELECT * FROM verify('h_changes') UNION ALL SELECT * FROM verify('h_truncated')
	UNION ALL SELECT * FROM verify('h_truncated_changes') UNION ALL SELECT * FROM verify('h_keyless')
	UNION ALL SELECT * FROM verify('h_keyless_truncated') UNION ALL SELECT * FROM verify('h_triggers')
	UNION ALL SELECT * FROM verify('h_triggers_row') UNION ALL SELECT * FROM verify('h_partitioned')) r ORDER BY 1;
-- after renaming the key and a column, too
\set ECHO none
ALTER TABLE h_row RENAME v TO w;
ALTER TABLE h_row RENAME id TO v;
ALTER TABLE h_row RENAME w TO id;
UPDATE copies SET content = (SELECT coalesce(jsonb_agg(r ORDER BY r), '[]') FROM
	(SELECT jsonb_build_object('id', e->'v', 'v', e->'id', 't', e->'t') AS r FROM jsonb_array_elements(content) e) x) WHERE what = 'h_row';
\set ECHO all
SELECT name, wrong FROM verify('h_row');
UPDATE h_row SET t = 'after';
SELECT name, wrong FROM verify('h_row');
-- one row at a time gives the same result as all rows
SELECT count(*) > 50 AS rows, count(*) FILTER (WHERE o.* IS DISTINCT FROM x.*) AS wrong
	FROM (SELECT DISTINCT at FROM copies WHERE what IN ('h_changes', 'h_statement')) c,
	LATERAL cmig.audit_as_of(NULL::h_changes, c.at) x, LATERAL cmig.audit_as_of(NULL::h_changes, c.at, x.id) o;

-- another key: entries of rows that were identified by other columns are not confused
CREATE TABLE rekeyed (a integer PRIMARY KEY, b integer NOT NULL UNIQUE, v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('rekeyed');
\set ECHO none
INSERT INTO rekeyed VALUES (1, 5, 'one'), (5, 1, 'five');
SELECT clock_timestamp() AS then \gset
UPDATE rekeyed SET v = v || '!';
ALTER TABLE rekeyed RENAME a TO id;
\set ECHO all
SELECT operation, new_row->>'v' AS v FROM cmig.audit_history('rekeyed', 5);
ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, DROP CONSTRAINT rekeyed_b_key, ADD PRIMARY KEY (b);
SELECT * FROM cmig.audit_as_of(NULL::rekeyed, clock_timestamp()) ORDER BY id;
SELECT * FROM cmig.audit_as_of(NULL::rekeyed, :'then');
SELECT clock_timestamp() AS then \gset
UPDATE rekeyed SET v = 'now' WHERE b = 5;
SELECT operation, row_key, new_row->>'v' AS v FROM cmig.audit_history('rekeyed', 5);
SELECT * FROM cmig.audit_as_of(NULL::rekeyed, :'then') ORDER BY id;
ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey;
UPDATE rekeyed SET v = 'again' WHERE b = 5;
SELECT * FROM cmig.audit_as_of(NULL::rekeyed, :'then');
-- without a primary key, the replica identity's index is the key
CREATE TABLE identified (a integer NOT NULL, b text NOT NULL, v text);
CREATE UNIQUE INDEX identified_idx ON identified (b, a);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identified_idx;
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('identified');
\set ECHO none
INSERT INTO identified VALUES (1, 'x', 'v');
SELECT clock_timestamp() AS then \gset
UPDATE identified SET v = 'w';
UPDATE identified SET b = 'y';
\set ECHO all
SELECT operation, row_key, old_key FROM cmig.audit_history('identified', '{"a": 1, "b": "y"}');
SELECT * FROM cmig.audit_as_of(NULL::identified, :'then');
DROP TABLE rekeyed, identified;

-- names that existed only for a while, and a column that was dropped without a change since
CREATE TABLE thrice (a integer PRIMARY KEY, b integer, c integer);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('thrice');
\set ECHO none
INSERT INTO thrice VALUES (1, 1, 1);
ALTER TABLE thrice RENAME a TO a2;
UPDATE thrice SET b = 2;
SELECT clock_timestamp() AS then \gset
UPDATE thrice SET b = 3;
ALTER TABLE thrice RENAME b TO b2;
UPDATE thrice SET b2 = 4, c = 2;
ALTER TABLE thrice DROP COLUMN c;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::thrice, :'then');
SELECT * FROM cmig.audit_as_of(NULL::thrice, :'then', '1');
SELECT * FROM cmig.audit_diff('thrice', 1, :'then');
-- without a key, with columns that were added and dropped
CREATE TABLE loose (a integer, b text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('loose');
\set ECHO none
INSERT INTO loose VALUES (0, 'old');
SELECT clock_timestamp() AS then \gset
INSERT INTO loose VALUES (1, 'x'), (1, 'x');
ALTER TABLE loose ADD COLUMN c integer DEFAULT 5;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::loose, :'then');
SELECT clock_timestamp() AS later \gset
UPDATE loose SET b = 'y' WHERE a = 1;
SELECT * FROM cmig.audit_as_of(NULL::loose, :'then');
SELECT * FROM cmig.audit_as_of(NULL::loose, :'later') ORDER BY a;
-- the row is the key; it is followed through its changes
UPDATE loose SET b = 'z' WHERE a = 0;
SELECT operation, old_key, row_key FROM cmig.audit_history('loose', (SELECT to_jsonb(l) FROM loose l WHERE a = 0));
SELECT operation, old_key, row_key FROM cmig.audit_history('loose', '{"a": 1, "b": "x", "c": 5}');
SELECT operation FROM cmig.audit_history('loose', 1);
ALTER TABLE loose DROP COLUMN b;
SELECT * FROM cmig.audit_as_of(NULL::loose, :'then');
SELECT * FROM cmig.audit_as_of(NULL::loose, :'later') ORDER BY a;
-- the log does not have the rows that a TRUNCATE removed
TRUNCATE loose;
SELECT * FROM cmig.audit_as_of(NULL::loose, :'later') ORDER BY a;
SELECT * FROM cmig.audit_as_of(NULL::loose, clock_timestamp());
-- an entry with a row that the table cannot contain, because a column has another type now
\set ECHO none
INSERT INTO loose VALUES (1, 1);
SELECT clock_timestamp() AS then \gset
UPDATE loose SET a = 2;
ALTER TABLE loose ALTER a TYPE text;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::loose, :'then');
DROP TABLE thrice, loose;

-- keys that are equal and look different, and keys given as strings
CREATE TABLE scaled (n numeric PRIMARY KEY, v text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('scaled');
\set ECHO none
INSERT INTO scaled VALUES (1, 'a'), (2, 'b');
SELECT clock_timestamp() AS then \gset
UPDATE scaled SET n = 1.0 WHERE n = 1;
UPDATE scaled SET n = 2.0, v = 'c' WHERE n = 2;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::scaled, :'then') ORDER BY n;
DELETE FROM scaled;
SELECT * FROM cmig.audit_as_of(NULL::scaled, :'then') ORDER BY n;
SELECT operation, row_key, old_key FROM cmig.audit_history('scaled', '{"n": "1.00"}');
SELECT operation FROM cmig.audit_history('scaled', '{"n": "x"}');
CREATE TABLE timed (at timestamptz, id uuid, PRIMARY KEY (at, id));
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('timed');
INSERT INTO timed VALUES ('2024-01-01 00:00+00', 'abcdef00-0000-0000-0000-000000000000');
SELECT row_key FROM cmig.audit_history('timed', '{"at": "2024-01-01 01:00+01", "id": "ABCDEF00-0000-0000-0000-000000000000"}');
DROP TABLE scaled, timed;

-- rows that exchange a deferrable key
CREATE TABLE places (place integer PRIMARY KEY DEFERRABLE, who text, note text);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('places');
\set ECHO none
INSERT INTO places VALUES (1, 'ann'), (2, 'bob'), (3, 'cid'), (4, 'same'), (5, 'same');
SELECT clock_timestamp() AS then \gset
UPDATE places SET place = 3 - place WHERE place IN (1, 2);
UPDATE places SET place = 9 - place WHERE place IN (4, 5);
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO places VALUES (3, 'new');
DELETE FROM places WHERE who = 'cid';
INSERT INTO places VALUES (6, 'came and went');
DELETE FROM places WHERE place = 6;
COMMIT;
\set ECHO all
SELECT * FROM places ORDER BY place;
SELECT * FROM cmig.audit_as_of(NULL::places, :'then') ORDER BY place;
SELECT * FROM cmig.audit_as_of(NULL::places, :'then', '2');
-- not before a TRUNCATE
SELECT clock_timestamp() AS then \gset
CREATE TABLE places_copy AS SELECT * FROM places;
TRUNCATE places;
SELECT * FROM cmig.audit_as_of(NULL::places, :'then') ORDER BY place;
SELECT * FROM cmig.audit_as_of(NULL::places, :'then', '2');
INSERT INTO places SELECT * FROM places_copy;
SELECT clock_timestamp() AS then \gset
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('places', image => 'changes');
\set ECHO none
BEGIN;
UPDATE places SET note = 'first' WHERE place = 1;
UPDATE places SET place = 3 - place WHERE place IN (1, 2);
COMMIT;
UPDATE places SET note = 'later' WHERE place = 3;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::places, :'then') ORDER BY place;
-- a row that was inserted and then changed in several ways did not exist before
\set ECHO none
SELECT clock_timestamp() AS then \gset
BEGIN;
INSERT INTO places VALUES (7, 'gil', 'new');
UPDATE places SET who = 'Gil' WHERE place = 7;
UPDATE places SET note = 'newer' WHERE place = 7;
UPDATE places SET who = 'Gill', note = 'newest' WHERE place = 7;
COMMIT;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::places, :'then', '7');
SELECT clock_timestamp() AS then \gset
UPDATE places SET note = 'last' WHERE place = 2;
DELETE FROM places;
SELECT * FROM cmig.audit_as_of(NULL::places, :'then') ORDER BY place;
DROP TABLE places, places_copy;

-- a key that was only renamed, in entries with only the changed columns
CREATE TABLE renamed (a integer PRIMARY KEY, v integer);
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('renamed');
\set ECHO none
INSERT INTO renamed VALUES (1, 1), (2, 2);
SELECT clock_timestamp() AS then \gset
UPDATE renamed SET v = 10 WHERE a = 1;
DELETE FROM renamed;
INSERT INTO renamed VALUES (1, 3);
ALTER TABLE renamed RENAME a TO id;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::renamed, :'then') ORDER BY id;
SELECT clock_timestamp() AS then \gset
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('renamed', image => 'changes');
UPDATE renamed SET v = 4 WHERE id = 1;
ALTER TABLE renamed RENAME id TO key;
UPDATE renamed SET v = 5 WHERE key = 1;
SELECT * FROM cmig.audit_as_of(NULL::renamed, :'then') ORDER BY key;
SELECT * FROM cmig.audit_as_of(NULL::renamed, :'then', 1);
DROP TABLE renamed;

-- a key whose type changes: audit_history finds the row under both types, audit_as_of does not guess
CREATE TABLE retyped (id integer, part boolean, v text, PRIMARY KEY (id, part));
SELECT count(*) > 0 AS changed FROM cmig.enable_audit('retyped');
\set ECHO none
INSERT INTO retyped VALUES (5, true, 'a'), (6, false, 'b');
SELECT clock_timestamp() AS then \gset
UPDATE retyped SET v = 'c' WHERE id = 5;
ALTER TABLE retyped ALTER id TYPE text, ALTER part TYPE text;
UPDATE retyped SET v = 'd' WHERE id = '5';
\set ECHO all
SELECT operation, row_key, new_row FROM cmig.audit_history('retyped', '{"id": "5", "part": "true"}');
SELECT operation, row_key FROM cmig.audit_history('retyped', '{"id": 5, "part": true}');
SELECT column_name, old_value, new_value FROM cmig.audit_diff('retyped', '{"id": "5", "part": "true"}', :'then');
SELECT * FROM cmig.audit_as_of(NULL::retyped, :'then');
SELECT * FROM cmig.audit_as_of(NULL::retyped, now()) ORDER BY id;
-- also renamed, and changed back to numbers
ALTER TABLE retyped RENAME id TO number;
ALTER TABLE retyped ALTER number TYPE numeric USING number::numeric;
UPDATE retyped SET v = 'e' WHERE number = 5;
SELECT operation, row_key FROM cmig.audit_history('retyped', '{"number": 5, "part": "true"}');
-- a type of the same kind is not a change; if the kind is written in another way, audit_as_of says so
\set ECHO none
ALTER TABLE retyped DROP CONSTRAINT retyped_pkey;
ALTER TABLE retyped DROP COLUMN part, ADD PRIMARY KEY (number);
UPDATE retyped SET v = 'f' WHERE number = 5;
SELECT clock_timestamp() AS then \gset
UPDATE retyped SET v = 'g' WHERE number = 5;
ALTER TABLE retyped ALTER number TYPE bigint;
UPDATE retyped SET v = 'h' WHERE number = 5;
\set ECHO all
SELECT * FROM cmig.audit_as_of(NULL::retyped, :'then') ORDER BY number;
ALTER TABLE retyped ALTER number TYPE date USING '2020-01-01'::date + number::integer;
UPDATE retyped SET v = 'i';
SELECT count(*) FROM cmig.audit_history('retyped', '2020-01-06');
SELECT * FROM cmig.audit_as_of(NULL::retyped, :'then');
\set ECHO none
DROP TABLE retyped;

SET client_min_messages = error;
DROP FUNCTION mutate(regclass, integer, boolean, boolean), verify(regclass);
DROP TABLE keys, named, copies, h_row, h_statement, h_changes, h_truncated, h_truncated_changes, h_keyless, h_keyless_truncated, h_triggers, h_triggers_row, h_partitioned;
DROP FUNCTION again();
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
