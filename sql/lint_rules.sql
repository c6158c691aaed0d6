-- cmig.lint: rules that depend on which objects of the live database use another one
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
SET lock_timeout = '2s';
SET statement_timeout = '1min';
CREATE ROLE regress_lint_reader;
CREATE ROLE "regress lint, writer";
CREATE TABLE customer (id bigint PRIMARY KEY, nick text, city text, kind text);
INSERT INTO customer SELECT g, 'n', 'Oslo', 'k' FROM generate_series(1, 300) g;
CREATE VIEW locals AS SELECT id, city FROM customer WHERE city = 'Oslo';
GRANT SELECT ON locals TO regress_lint_reader;
GRANT SELECT, UPDATE ON locals TO "regress lint, writer" WITH GRANT OPTION;
CREATE VIEW near AS SELECT id FROM locals;
CREATE POLICY own ON customer USING (kind = current_user);
ALTER TABLE customer ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON customer TO PUBLIC;
CREATE FUNCTION nicks() RETURNS bigint LANGUAGE sql AS $$ SELECT count("nick") FROM public.CUSTOMER $$;
CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE customer SET nick = upper(nick)'; END $$;
CREATE FUNCTION set_nick() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.nick := 'x'; RETURN NEW; END $$;
CREATE TRIGGER nick BEFORE UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION set_nick();
CREATE FUNCTION other() RETURNS text LANGUAGE sql AS $$ SELECT 'nickname' || nick FROM (VALUES ('a')) v(nick) $$;
CREATE FUNCTION comments() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM customer -- nick
$$;
CREATE FUNCTION list(script text, OUT statement int, OUT rule text, OUT severity text, OUT message text) RETURNS SETOF record LANGUAGE sql AS
$$ SELECT statement, rule, severity, message FROM cmig.lint_sql(script) WHERE rule IN ('dependent-objects', 'code-uses-dropped', 'row-security-lost', 'privileges-lost') $$;
\set ECHO all

-- what depends on a column
SELECT * FROM list('ALTER TABLE customer DROP city');
SELECT * FROM list('ALTER TABLE customer DROP city CASCADE');
SELECT * FROM list('ALTER TABLE customer ALTER city TYPE varchar(20)');
SELECT * FROM list('ALTER TABLE customer DROP kind');
SELECT * FROM list('ALTER TABLE customer DROP kind CASCADE');
SELECT * FROM list('DROP VIEW near; DROP VIEW locals; ALTER TABLE customer DROP city');
SELECT * FROM list('ALTER TABLE customer ALTER nick TYPE varchar');
SELECT * FROM list('ALTER TABLE customer DROP COLUMN IF EXISTS nothing');

-- what depends on a whole relation, and what the plan has changed before
\set ECHO none
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint CONSTRAINT orders_customer REFERENCES customer, code text);
CREATE FUNCTION parsed() RETURNS bigint BEGIN ATOMIC SELECT count(code) FROM orders; END;
CREATE MATERIALIZED VIEW codes AS SELECT code FROM orders;
CREATE POLICY by_order ON orders USING (EXISTS (SELECT FROM customer c WHERE c.kind = 'x' AND c.id = customer_id));
\set ECHO all
SELECT * FROM list('DROP VIEW locals');
SELECT * FROM list('DROP VIEW locals CASCADE; DROP VIEW IF EXISTS near; DROP TABLE orders CASCADE');
SELECT * FROM list('DROP VIEW near; DROP VIEW locals');
SELECT * FROM list('DROP VIEW locals, near');
SELECT statement, message FROM list('DROP TABLE customer') WHERE rule = 'dependent-objects';
SELECT statement, message FROM list('DROP TABLE orders, customer CASCADE') WHERE rule = 'dependent-objects';
SELECT * FROM list('ALTER TABLE customer DROP id');
SELECT * FROM list('ALTER TABLE customer ALTER id TYPE numeric');
SELECT * FROM list('ALTER TABLE customer ALTER kind TYPE varchar; ALTER TABLE orders ALTER code TYPE varchar');
\set VERBOSITY terse
ALTER TABLE customer ALTER kind TYPE varchar;
ALTER TABLE orders ALTER code TYPE varchar;
\set VERBOSITY default
SELECT statement, message FROM list('ALTER TABLE orders DROP CONSTRAINT orders_customer; DROP POLICY by_order ON orders; DROP VIEW near, locals; DROP TABLE customer') WHERE rule = 'dependent-objects';
SELECT * FROM list('ALTER TABLE orders DROP code');
SELECT * FROM list('DROP FUNCTION parsed(); DROP MATERIALIZED VIEW codes; ALTER TABLE orders DROP code');
SELECT * FROM list('DROP POLICY own ON customer; DROP POLICY by_order ON public.orders; ALTER TABLE customer DROP kind');
SELECT * FROM list('ALTER POLICY own ON customer USING (true); ALTER TABLE orders DROP CONSTRAINT orders_customer, DROP customer_id CASCADE');
SELECT * FROM list('CREATE OR REPLACE VIEW locals AS SELECT id, name FROM (SELECT 1::bigint AS id, ''x'' AS name) x; ALTER TABLE customer DROP city');
SELECT rule, count(*) FROM cmig.lint_sql('DROP TABLE customer; DROP VIEW locals', facts => false) GROUP BY 1 ORDER BY 1;
DROP TABLE orders CASCADE;

-- code that still names what is gone
SELECT * FROM list('ALTER TABLE customer DROP nick');
SELECT * FROM list('ALTER TABLE customer RENAME nick TO handle');
SELECT * FROM list('ALTER TABLE customer RENAME nick TO handle; ALTER TABLE customer RENAME handle TO nick');
SELECT * FROM list('ALTER TABLE customer DROP nick; ALTER TABLE customer ADD nick text');
SELECT * FROM list($$ALTER TABLE customer DROP nick;
CREATE OR REPLACE FUNCTION nicks() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE OR REPLACE FUNCTION dynamic() RETURNS void LANGUAGE sql AS '';
DROP TRIGGER nick ON customer; DROP FUNCTION set_nick()$$);
\set ECHO none
SELECT * FROM list($$CREATE OR REPLACE FUNCTION nicks() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE OR REPLACE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE customer SET nick = NULL; END';
CREATE OR REPLACE FUNCTION set_nick() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
ALTER TABLE customer DROP nick$$);
\set ECHO all
SELECT * FROM list('ALTER TABLE customer RENAME TO client');
SELECT * FROM list('ALTER TABLE customer RENAME TO client; CREATE VIEW customer AS SELECT * FROM client');
SELECT * FROM list('DROP TABLE customer CASCADE');

-- where a name stands in a body decides whether it is the column or the table
CREATE FUNCTION body(n int, source text) RETURNS void LANGUAGE plpgsql AS $x$ BEGIN EXECUTE format('CREATE FUNCTION body_%s() RETURNS void LANGUAGE plpgsql AS %L', n, source); END $x$;
SET check_function_bodies = off;
SELECT body(n, source) FROM (VALUES
	(1, $$BEGIN UPDATE customer SET nick = 'x' WHERE id = 1; END$$),
	(2, $$BEGIN PERFORM c.nick FROM public.customer AS c JOIN locals l ON l.id = c.id; END$$),
	(3, $$DECLARE r customer%ROWTYPE; BEGIN SELECT * INTO r FROM customer LIMIT 1; RAISE NOTICE '%', r.nick; END$$),
	(4, $$BEGIN INSERT INTO customer (id, nick) VALUES (1, 'x') ON CONFLICT (id) DO NOTHING; END$$),
	(5, $$BEGIN EXECUTE format('UPDATE %I SET nick = 1', 'customer'); END$$),
	(6, $$BEGIN EXECUTE 'SELECT ' || 'nick' || ' FROM customer'; END$$),
	(7, $$DECLARE r record; BEGIN FOR r IN SELECT * FROM customer LOOP PERFORM r.nick; END LOOP; END$$),
	(11, $$BEGIN RAISE NOTICE 'nick of customer'; PERFORM count(*) FROM customer; END$$),
	(12, $$BEGIN PERFORM count(*) FROM customer /* nick */; -- nick
END$$),
	(13, $$BEGIN PERFORM o.nick FROM other_table o JOIN customer c ON c.id = o.id; END$$),
	(14, $$DECLARE nick text; BEGIN SELECT kind INTO nick FROM app.customer; END$$),
	(15, $$BEGIN PERFORM kind AS nick FROM customer; END$$),
	(16, $$BEGIN PERFORM nick FROM people; PERFORM id FROM customer; END$$),
	(17, $$BEGIN PERFORM set_config('app.x', 'customer nick', true); END$$),
	(18, $$BEGIN PERFORM nick(id) FROM customer; END$$),
	(19, $$BEGIN RAISE NOTICE 'nick of customer'; EXECUTE 'SELECT 1'; END$$)) v(n, source);
RESET check_function_bodies;
SELECT regexp_replace(regexp_replace(message, '^.*both: ', ''), '\mfunction ', '', 'g') AS column_of FROM list('ALTER TABLE customer DROP nick');
SELECT regexp_replace(message, '^.*name it: ', '') AS table_itself FROM list('DROP TABLE customer CASCADE') WHERE rule = 'code-uses-dropped';
SELECT format('DROP FUNCTION %s', oid::regprocedure) FROM pg_proc WHERE proname ~ '^body' ORDER BY oid
\gexec

-- what replaces a table or view loses its privileges and row-level security
SELECT statement, rule, message, safe_rewrite FROM cmig.lint_sql('DROP VIEW locals CASCADE; CREATE VIEW locals AS SELECT 1 AS id')
WHERE rule LIKE '%lost' \gx
SELECT * FROM list('DROP VIEW locals CASCADE; CREATE VIEW locals AS SELECT 1 AS id; GRANT SELECT ON locals TO regress_lint_reader');
SELECT * FROM list('DROP VIEW locals CASCADE; CREATE VIEW locals AS SELECT 1 AS id; GRANT SELECT ON ALL TABLES IN SCHEMA public TO regress_lint_reader');
SELECT * FROM list('CREATE OR REPLACE VIEW locals AS SELECT id, city FROM customer');
SELECT * FROM list('CREATE TABLE new (LIKE customer); ALTER TABLE customer RENAME TO old; ALTER TABLE new RENAME TO customer');
SELECT * FROM list('CREATE TABLE new (LIKE customer); ALTER TABLE new ENABLE ROW LEVEL SECURITY; GRANT SELECT ON new TO PUBLIC; ALTER TABLE customer RENAME TO old; ALTER TABLE new RENAME TO customer');
SELECT * FROM list('ALTER TABLE customer DISABLE ROW LEVEL SECURITY');
SELECT * FROM list('ALTER TABLE customer NO FORCE ROW LEVEL SECURITY');
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_lint_reader;
SELECT * FROM list('DROP VIEW near; CREATE VIEW near AS SELECT 1 AS id; DROP VIEW locals; CREATE VIEW locals AS SELECT 1 AS id');
ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM regress_lint_reader;

-- without facts there is nothing that could be lost
SELECT rule FROM cmig.lint_sql('ALTER TABLE customer DROP city, DROP nick; DROP VIEW locals; CREATE VIEW locals AS SELECT 1 AS id', facts => false) ORDER BY rule;

-- a new value of an enumeration, used and not used
CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE diary (note text, mood mood);
SELECT statement, message FROM cmig.lint_sql($$ALTER TYPE mood ADD VALUE 'calm' AFTER 'sad';
SELECT 'calm'::mood;
SELECT 'calm'::text;
DELETE FROM diary d WHERE d.mood IN ('calm');
CREATE INDEX ON diary (note) WHERE mood = 'calm';
CREATE TABLE x (m mood DEFAULT 'calm');
INSERT INTO diary (note) VALUES ('calm');
UPDATE diary SET note = 'calm' WHERE note = 'calm'; INSERT INTO diary VALUES (1, NULL); ALTER TABLE diary ALTER mood DROP DEFAULT$$) WHERE rule = 'ban-new-enum-value-use-in-transaction';
SELECT statement, rule FROM cmig.lint_sql($$ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad' AFTER 'sad'; INSERT INTO diary VALUES ('', 'sad')$$);
DROP TABLE diary;
-- with the policy, a stepwise run may use it in the next revision
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('v1', '{}', $$ALTER TYPE mood ADD VALUE 'calm'$$), ('v2', '{v1}', $$CREATE TABLE diary (mood mood DEFAULT 'calm')$$);
SELECT revision, message FROM cmig.lint() WHERE rule = 'ban-new-enum-value-use-in-transaction';
SET cmig.lint_policy = error;
CALL cmig.upgrade_stepwise();
RESET cmig.lint_policy;
SELECT revision FROM cmig.version;
\set ECHO none
DELETE FROM cmig.version;
DELETE FROM cmig.revision;
DROP TABLE diary;
DROP TYPE mood;

-- changes of types that rewrite, and that do not
CREATE TABLE typed (v varchar(10), n numeric(5, 2), t timestamp, c cidr, p text, i integer);
INSERT INTO typed VALUES ('a');
CREATE INDEX typed_p ON typed (p) WHERE v <> '';
CREATE FUNCTION change(action text) RETURNS text LANGUAGE sql AS
$$ SELECT string_agg(message, '; ') FROM cmig.lint_sql('ALTER TABLE typed ALTER ' || action) WHERE rule = 'changing-column-type' $$;
SET timezone = 'UTC';
\set ECHO all
SELECT a, substring(change(a) FROM '(rewrites|builds an index|tests a CHECK)') AS does FROM (VALUES ('p TYPE varchar'), ('p TYPE varchar(5)'), ('p TYPE text USING p'), ('p TYPE text USING p::text'),
	('p TYPE text USING upper(p)'), ('n TYPE numeric(7, 2)'), ('n TYPE numeric(7, 3)'), ('n TYPE numeric'), ('t TYPE timestamptz'),
	('t TYPE timestamp(3)'), ('c TYPE inet'), ('c TYPE text'), ('v TYPE varchar(20)'), ('i TYPE bigint'), ('i TYPE nothing'), ('i TYPE varchar(0)'),
	('nothing TYPE text')) v(a);
SET timezone = 'Europe/Oslo';
SELECT substring(change('t TYPE timestamptz') FROM 'rewrites');
RESET timezone;
DROP FUNCTION change;
DROP TABLE typed;

-- a schema that is renamed keeps its tables, also those that the plan has not named before
CREATE SCHEMA lint_old;
CREATE TABLE lint_old.full_one AS SELECT 1 AS n;
SELECT statement, rule, message FROM cmig.lint_sql('ALTER SCHEMA lint_old RENAME TO lint_new; DROP TABLE lint_new.full_one; ALTER TABLE lint_old.full_one ADD CHECK (n > 0)') WHERE rule !~ 'timeout';
DROP SCHEMA lint_old CASCADE;
-- the action that a fix changes, behind one that has no effect
SELECT statement, safe_rewrite FROM cmig.lint_sql('ALTER TABLE customer ADD COLUMN IF NOT EXISTS nick text, ADD CONSTRAINT short CHECK (nick <> $$x$$)') WHERE rule = 'constraint-missing-not-valid';
-- names that depend on search_path, in all kinds of statements
SET cmig.lint_include = 'require-table-schema';
SELECT statement, message FROM cmig.lint_sql('COMMENT ON TABLE orders IS NULL; CREATE TRIGGER t BEFORE INSERT ON orders EXECUTE FUNCTION public.set_nick(); CREATE INDEX i ON public.orders (code);
	DROP INDEX i; CREATE TEMP TABLE t AS SELECT FROM customer, public.orders; SELECT FROM t; WITH orders AS (SELECT) SELECT FROM orders, customer, customer c') WHERE rule = 'require-table-schema';
RESET cmig.lint_include;
-- temporary tables are gone at the end of a script
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('a', '{}', 'CREATE TEMP TABLE customer (id int); ALTER TABLE customer DROP id'), ('b', '{a}', 'ALTER TABLE customer DROP city');
SELECT revision, statement, rule FROM cmig.lint() WHERE rule = 'ban-drop-column';
DELETE FROM cmig.revision;
-- the names that PostgreSQL will choose, also after constraints are dropped and renamed, and for thousands of them
SELECT statement, substring(message FROM '^CHECK constraint (\S+)') AS name FROM cmig.lint_sql('ALTER TABLE n ADD CHECK (a > 1); ALTER TABLE n ADD CHECK (a > 2), ADD CHECK (a > 3); ALTER TABLE n ADD CHECK (a > 4);
	ALTER TABLE n DROP CONSTRAINT n_a_check1; ALTER TABLE n ADD CHECK (a > 5); ALTER TABLE n RENAME CONSTRAINT n_a_check2 TO x; ALTER TABLE n RENAME CONSTRAINT n_a_check3 TO n_a_check4;
	ALTER TABLE n ADD CHECK (a > 6), ADD CHECK (b > 3); ALTER TABLE n ADD CHECK (a > 7); ALTER TABLE n ADD CHECK (a > 8)') WHERE message ~ '^CHECK constraint' ORDER BY 1, 2;
SELECT count(DISTINCT message) FROM cmig.lint_sql((SELECT string_agg('ALTER TABLE n ADD CHECK (a > 1)', ';') FROM generate_series(1, 4000))) WHERE message ~ '^CHECK constraint';

\set ECHO none
DROP VIEW near, locals;
DROP TABLE customer CASCADE;
DROP FUNCTION nicks, dynamic, set_nick, other, comments, list;
DROP ROLE regress_lint_reader, "regress lint, writer";
DROP EXTENSION pg_cmig;
