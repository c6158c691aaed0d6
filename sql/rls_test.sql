--
-- Row-level security: rls_test tries the commands
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_reader;
CREATE SCHEMA try;
GRANT USAGE ON SCHEMA try TO regress_rls_app, regress_rls_reader;
CREATE TABLE try.docs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id integer NOT NULL,
	user_id text NOT NULL, code text UNIQUE, body jsonb, tags text[], twice text GENERATED ALWAYS AS (code || code) STORED);
ALTER TABLE try.docs OWNER TO regress_rls_owner;
INSERT INTO try.docs (tenant_id, user_id, code, body, tags)
	SELECT i % 2 + 1, CASE WHEN i % 4 < 2 THEN 'ann' ELSE 'bob' END, 'c' || i, '{"a": [1, null]}', '{a,"b c",NULL}' FROM generate_series(1, 12) i;
GRANT ALL ON try.docs TO regress_rls_app;
GRANT SELECT ON try.docs TO regress_rls_reader;
\set ECHO all

-- without row-level security everything leaks
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1');
-- with it nothing does; a matrix of several contexts, and no context
SELECT count(*) > 0 FROM cmig.enable_rls('try.docs', roles => '{regress_rls_app,regress_rls_reader}', bypass_roles => '{regress_rls_owner}');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', '{ann,bob,carol}', '{1,2,1}');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', ARRAY['ann', NULL], ARRAY[NULL, '2']);
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_reader', 'ann', '1');
-- none of the test's effects remain
SELECT count(*), count(DISTINCT tenant_id), count(DISTINCT user_id) FROM try.docs;
SELECT current_user = session_user, * FROM cmig.context();

-- holes for only one command
CREATE POLICY hole ON try.docs FOR DELETE TO regress_rls_app USING (true);
DROP POLICY tenant_floor ON try.docs;
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1') WHERE verdict <> 'ok';
DROP POLICY hole ON try.docs;
CREATE POLICY hole ON try.docs FOR UPDATE TO regress_rls_app USING (false) WITH CHECK (true);
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1') WHERE verdict <> 'ok';
DROP POLICY hole ON try.docs;
-- rows that cannot be read but can be changed
CREATE POLICY hole ON try.docs FOR UPDATE TO regress_rls_app USING (true) WITH CHECK (false);
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1') WHERE verdict <> 'ok';
DROP POLICY hole ON try.docs;

-- fewer commands; shared rows; public reading
SELECT count(*) > 0 FROM cmig.enable_rls('try.docs', user_column => '', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}', commands => '{SELECT,INSERT}');
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', NULL, '1');
SELECT count(*) > 0 FROM cmig.enable_rls('try.docs', tenant_column => '', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}', shared => true);
ALTER TABLE try.docs ALTER user_id DROP NOT NULL;
UPDATE try.docs SET user_id = NULL WHERE id = 12;
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann');
SELECT count(*) > 0 FROM cmig.enable_rls('try.docs', user_column => '', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}', public_read => true);
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', NULL, '1');

-- what runs with the caller's privileges calls no function of others, whatever the search_path
\set ECHO none
CREATE SCHEMA other;
GRANT USAGE ON SCHEMA other TO regress_rls_app;
CREATE FUNCTION other.is_equal(varchar, text) RETURNS boolean LANGUAGE plpgsql
	AS $$ BEGIN IF current_user <> 'regress_rls_app' THEN RAISE NOTICE 'called as another'; END IF; RETURN pg_catalog.texteq($1::text, $2); END $$;
CREATE OPERATOR other.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = other.is_equal);
CREATE TABLE try.named (tenant_id varchar(20));
ALTER TABLE try.named OWNER TO regress_rls_owner;
INSERT INTO try.named VALUES ('a'), ('b');
GRANT ALL ON try.named TO regress_rls_app;
SET search_path = other, public;
\set ECHO all
SELECT test, visible, own, foreign_rows, verdict FROM cmig.rls_test('try.named', 'regress_rls_app', NULL, 'a');
RESET search_path;
DROP TABLE try.named;
DROP SCHEMA other CASCADE;

-- membership
CREATE TABLE try.members (tenant_id integer, user_id text);
INSERT INTO try.members VALUES (1, 'ann'), (1, 'bob'), (2, 'bob');
GRANT SELECT ON try.members TO regress_rls_app;
SELECT count(*) > 0 FROM cmig.enable_rls('try.docs', via => 'try.members', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}');
SELECT as_user, test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.docs', 'regress_rls_app', '{ann,bob,carol}');

-- constraints and triggers that interfere
\set ECHO none
CREATE TABLE try.own (user_id text PRIMARY KEY, tenant_id integer DEFAULT 1);
CREATE TABLE try.part (user_id text REFERENCES try.own, n integer);
INSERT INTO try.own VALUES ('ann'), ('bob');
INSERT INTO try.part VALUES ('ann', 1), ('bob', 2);
GRANT ALL ON try.own, try.part TO regress_rls_app;
\set ECHO all
SELECT count(*) > 0 FROM cmig.enable_rls('try.own', tenant_column => '', roles => '{regress_rls_app}');
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.own', 'regress_rls_app', 'ann');
\set ECHO none
ALTER TABLE try.part ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON try.part USING (user_id = (SELECT current_setting('app.current_user_id', true))) WITH CHECK (true);
CREATE FUNCTION try.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
CREATE TRIGGER no BEFORE DELETE ON try.part FOR EACH ROW EXECUTE FUNCTION try.no();
\set ECHO all
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.part', 'regress_rls_app', 'ann');
DELETE FROM try.part;
ALTER TABLE try.part DISABLE TRIGGER no;
DELETE FROM try.part;
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.part', 'regress_rls_app', 'ann');

-- a trigger that changes every row to the context's own is not a leak
\set ECHO none
CREATE TABLE try.auto (user_id text, n integer);
INSERT INTO try.auto VALUES ('ann', 1), ('bob', 2);
GRANT ALL ON try.auto TO regress_rls_app;
ALTER TABLE try.auto ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON try.auto USING (user_id = (SELECT current_setting('app.current_user_id', true))) WITH CHECK (true);
\set ECHO all
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.auto', 'regress_rls_app', 'ann') WHERE test ~ 'another';
CREATE FUNCTION try.mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.user_id := current_setting('app.current_user_id'); RETURN NEW; END $$;
CREATE TRIGGER mine BEFORE INSERT OR UPDATE ON try.auto FOR EACH ROW EXECUTE FUNCTION try.mine();
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.auto', 'regress_rls_app', 'ann') WHERE test ~ 'another';

-- deferred constraints are checked immediately in an attempt; those of the caller's own statements do not affect the result
CREATE TABLE try.late (user_id text REFERENCES try.own DEFERRABLE INITIALLY DEFERRED, n integer);
GRANT ALL ON try.late TO regress_rls_app;
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.late', 'regress_rls_app', 'ann');
BEGIN;
INSERT INTO try.late VALUES ('ann', 1), ('bob', 1);
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.late', 'regress_rls_app', 'ann');
INSERT INTO try.late VALUES ('zoe', 1);
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.late', 'regress_rls_app', 'ann');
COMMIT;

-- partitions
\set ECHO none
CREATE TABLE try.ev (tenant_id integer, n integer) PARTITION BY LIST (tenant_id);
CREATE TABLE try.ev1 PARTITION OF try.ev FOR VALUES IN (1);
CREATE TABLE try.ev2 PARTITION OF try.ev FOR VALUES IN (2);
INSERT INTO try.ev VALUES (1, 1), (2, 2);
GRANT ALL ON try.ev, try.ev1, try.ev2 TO regress_rls_app;
\set ECHO all
SELECT count(*) > 0 FROM cmig.enable_rls('try.ev', roles => '{regress_rls_app}');
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.ev', 'regress_rls_app', NULL, '1');
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('try.ev2', 'regress_rls_app', NULL, '1');

\set VERBOSITY sqlstate
-- invalid arguments
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.rls_test(NULL, 'regress_rls_app', 'ann');
SELECT * FROM cmig.rls_test('try.docs', NULL, 'ann');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_none', 'ann');
SELECT * FROM cmig.rls_test('pg_class', 'regress_rls_app', 'ann');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', '{a,b}', '{1}');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', 'one', tenant_column => 'tenant_id');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1', user_column => 'nobody');
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1', user_column => 'body');
$calls$);
\set ECHO all
CREATE TABLE try.nothing (x integer);
SELECT * FROM cmig.rls_test('try.nothing', 'regress_rls_app', 'ann', '1');
GRANT USAGE ON SCHEMA cmig, try TO regress_rls_owner;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cmig TO regress_rls_owner;
SET ROLE regress_rls_owner;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1');
SELECT * FROM cmig.rls_test('try.members', 'regress_rls_app', 'ann', '1');
$calls$);
\set ECHO all
RESET ROLE;
BEGIN READ ONLY;
SELECT * FROM cmig.rls_test('try.docs', 'regress_rls_app', 'ann', '1');
\set ECHO none
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA try CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_reader;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_reader;
DROP EXTENSION pg_cmig;
