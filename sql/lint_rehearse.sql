--
-- Lint with rehearsal: the statements run on empty copies, and lint reports what fails, is
-- dropped, or protects less
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET cmig.search_path = 'shop, public';
SET cmig.lint_ignore = 'require-lock-timeout, require-statement-timeout, prefer-bigint-over-int, prefer-expand, prefer-identity, prefer-single-alter-table, foreign-key-without-index';
CREATE FUNCTION public.catalogs() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM (SELECT n.oid || n.nspname || n.xmin FROM pg_namespace n UNION ALL SELECT c.oid || c.relname || c.xmin FROM pg_class c WHERE c.relnamespace IN ('shop'::regnamespace, 'public'::regnamespace)
		UNION ALL SELECT t.oid || t.typname || t.xmin FROM pg_type t WHERE t.typnamespace = 'shop'::regnamespace UNION ALL SELECT oid || conname || xmin FROM pg_constraint UNION ALL SELECT oid || tgname || xmin FROM pg_trigger) y(x) $$;
CREATE FUNCTION public.rehearse(script text) RETURNS TABLE (statement integer, rule text, severity text, message text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM cmig.create_revision('Rehearsed', script, revision => 'r1');
	RETURN QUERY SELECT l.statement, l.rule, l.severity, l.message FROM cmig.lint(rehearse => true) l;
	DELETE FROM cmig.revision;
END $$;
CREATE ROLE regress_rehearse_app;
CREATE TABLE item (id serial PRIMARY KEY, name text NOT NULL, amount integer DEFAULT 3 CHECK (amount > 0), state text);
CREATE TABLE line (id integer PRIMARY KEY, item integer REFERENCES item, number integer DEFAULT nextval('item_id_seq'));
CREATE VIEW names AS SELECT name FROM item;
CREATE VIEW upper_names AS SELECT upper(name) FROM names;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touch BEFORE INSERT ON line FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
ALTER TABLE item FORCE ROW LEVEL SECURITY;
CREATE POLICY positive ON item TO regress_rehearse_app USING (amount > 5);
GRANT SELECT, INSERT ON item TO regress_rehearse_app;
INSERT INTO line SELECT i, NULL, i FROM generate_series(1, 1000) i;
ANALYZE line;
SELECT catalogs() AS before \gset
\set ECHO all

-- nothing is wrong
SELECT * FROM rehearse('ALTER TABLE item ADD COLUMN note text; CREATE TABLE tag (id bigint PRIMARY KEY, name text CHECK (name <> '''')); CREATE INDEX ON tag (name);
	CREATE VIEW tags AS SELECT name FROM tag; ALTER TABLE tag DROP COLUMN name CASCADE; DO $x$ BEGIN EXECUTE ''DROP TABLE tag''; END $x$');
-- what is dropped is created again, or replaced
SELECT * FROM rehearse('DROP VIEW upper_names; DROP VIEW names; ALTER TABLE item ALTER name TYPE varchar; CREATE VIEW names AS SELECT name FROM item; CREATE VIEW upper_names AS SELECT upper(name) FROM names') WHERE rule <> 'changing-column-type' AND rule <> 'prefer-text-field';
SELECT * FROM rehearse('ALTER TABLE item DROP CONSTRAINT item_amount_check; ALTER TABLE item ADD CONSTRAINT positive CHECK (amount > 1); DROP POLICY positive ON item; CREATE POLICY positive ON item TO regress_rehearse_app USING (amount > 6)') WHERE rule <> 'ban-drop-policy';
SELECT * FROM rehearse('ALTER TABLE line DROP CONSTRAINT line_item_fkey; ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item RENAME COLUMN id TO key; ALTER TABLE item ADD PRIMARY KEY (key); ALTER TABLE line ADD FOREIGN KEY (item) REFERENCES item (key)') WHERE rule LIKE 'protection%';
-- a DO block, dynamic SQL, and a function
SELECT * FROM rehearse('DO $x$ BEGIN DROP TABLE item CASCADE; END $x$');
SELECT * FROM rehearse('DO $x$ BEGIN EXECUTE ''ALTER TABLE '' || ''item DROP name CASCADE''; END $x$');
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE line ALTER number TYPE bigint; END $x$; DO $x$ BEGIN TRUNCATE line; END $x$');
SELECT * FROM rehearse('CREATE FUNCTION tidy() RETURNS void LANGUAGE plpgsql AS ''BEGIN ALTER TABLE shop.item DISABLE ROW LEVEL SECURITY; REVOKE INSERT ON shop.item FROM regress_rehearse_app; END''; SELECT tidy()');
SELECT * FROM rehearse('DO $x$ BEGIN REVOKE INSERT ON item FROM regress_rehearse_app; END $x$; DO $x$ BEGIN ALTER TABLE item DISABLE ROW LEVEL SECURITY; END $x$');
-- objects that are renamed before, and indexes
SELECT * FROM rehearse('ALTER TABLE item RENAME TO thing; DO $x$ BEGIN ALTER TABLE thing DROP COLUMN state; ALTER TABLE line DROP CONSTRAINT line_pkey; END $x$') WHERE rule NOT IN ('renaming-table', 'statement-after-access-exclusive');
-- the locks of code count
SET cmig.lint_ignore = 'require-statement-timeout, foreign-key-without-index';
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE item ADD COLUMN a text; END $x$; CREATE INDEX ON line (item)');
\set ECHO none
SET cmig.lint_ignore = 'require-lock-timeout, require-statement-timeout, prefer-bigint-over-int, prefer-expand, prefer-identity, prefer-single-alter-table, foreign-key-without-index';
-- a role's objects and privileges, only of the copies
CREATE FUNCTION dropper() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TABLE theirs_too (a integer);
ALTER FUNCTION dropper OWNER TO regress_rehearse_app;
ALTER TABLE theirs_too OWNER TO regress_rehearse_app;
\set ECHO all
SELECT statement, rule, severity, message FROM rehearse('DO $x$ BEGIN DROP OWNED BY regress_rehearse_app; END $x$');
SELECT to_regclass('theirs_too'), has_table_privilege('regress_rehearse_app', 'item', 'INSERT');
DROP TABLE theirs_too;
DROP FUNCTION dropper;
-- CASCADE
SELECT * FROM rehearse('DROP SEQUENCE item_id_seq CASCADE');
SELECT * FROM rehearse('DROP VIEW names CASCADE');
-- what protects less
SELECT * FROM rehearse('ALTER TABLE item NO FORCE ROW LEVEL SECURITY; ALTER TABLE line DISABLE TRIGGER touch; ALTER POLICY positive ON item TO PUBLIC USING (true)') WHERE rule <> 'statement-after-access-exclusive';
SELECT * FROM rehearse('ALTER TABLE item DROP CONSTRAINT item_amount_check, ALTER amount DROP DEFAULT; ALTER TABLE line DROP CONSTRAINT line_item_fkey') WHERE rule <> 'statement-after-access-exclusive';
-- what guards rows, compared with what the table had: policies, CHECK, keys, foreign keys, triggers
\set ECHO none
CREATE POLICY few ON item AS RESTRICTIVE USING (amount > 5);
ALTER POLICY positive ON item USING (state = current_user) WITH CHECK (state = current_user);
CREATE UNIQUE INDEX item_name ON item (name);
CREATE FUNCTION secret() RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$SELECT 'x'::text$$;
REVOKE ALL ON FUNCTION secret FROM PUBLIC;
CREATE DOMAIN few AS integer DEFAULT 5;
CREATE TABLE filled (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a few, twice integer GENERATED ALWAYS AS (a * 2) STORED);
CREATE UNIQUE INDEX filled_id ON filled (id);
ALTER TABLE filled REPLICA IDENTITY USING INDEX filled_id;
CREATE TABLE public.weaker (script text, finding text, object text);
INSERT INTO public.weaker VALUES
	('DO $x$ BEGIN COMMIT; END $x$', 'statement-fails error', 'termination'),
	('ALTER EXTENSION pg_cmig UPDATE TO ''nosuch''', 'statement-fails error', 'nosuch'),
	('DO $x$ BEGIN ALTER EXTENSION pg_cmig UPDATE TO ''nosuch''; END $x$', 'statement-fails error', 'nosuch'),
	('ALTER EXTENSION pg_cmig UPDATE; ALTER TABLE item ALTER amount SET DEFAULT 4', NULL, NULL),
	('DROP INDEX filled_id', 'protection-lost warning', 'filled has no replica'),
	('ALTER TABLE filled REPLICA IDENTITY DEFAULT; DROP INDEX filled_id; CREATE UNIQUE INDEX filled_id ON filled (id)', NULL, NULL),
	('ALTER TABLE filled REPLICA IDENTITY NOTHING', 'protection-lost warning', 'filled has no replica'),
	('ALTER TABLE filled REPLICA IDENTITY FULL', NULL, NULL),
	('CREATE RULE lose AS ON INSERT TO item DO INSTEAD NOTHING', 'protection-lost warning', 'discards the rows of INSERT'),
	('DO $x$ BEGIN CREATE RULE lose AS ON UPDATE TO shop.item WHERE new.amount > 5 DO INSTEAD NOTHING; END $x$', 'protection-lost warning', 'discards some rows'),
	('CREATE RULE note AS ON INSERT TO item DO ALSO INSERT INTO line VALUES (new.id)', NULL, NULL),
	('ALTER TABLE filled ALTER id DROP IDENTITY', 'protection-lost warning', 'filled.id'),
	('CREATE SEQUENCE ids; ALTER TABLE filled ALTER id DROP IDENTITY, ALTER id SET DEFAULT nextval(''ids'')', NULL, NULL),
	('ALTER TABLE filled ALTER twice DROP EXPRESSION', 'protection-lost warning', 'twice'),
	('ALTER DOMAIN few DROP DEFAULT', 'protection-lost warning', 'few'),
	('ALTER DOMAIN few SET DEFAULT 6', NULL, NULL),
	('DO $x$ BEGIN DROP VIEW upper_names; CREATE VIEW upper_names AS SELECT upper(name) FROM names; ALTER TABLE item DROP CONSTRAINT item_amount_check; END $x$', 'protection-lost warning', '^constraint item_amount_check[^;]*$'),
	('ALTER TABLE item RENAME amount TO number; ALTER TABLE item ADD CHECK (number > 5); ALTER TABLE item DROP CONSTRAINT item_amount_check', NULL, NULL),
	('ALTER POLICY positive ON item USING (state = current_user OR true)', 'row-security-lost error', 'positive'),
	('ALTER POLICY positive ON item USING (state = current_user OR amount > 9)', 'protection-lost warning', 'positive'),
	('ALTER POLICY positive ON item USING (name = current_user)', 'protection-lost notice', 'positive'),
	('CREATE POLICY more ON item TO regress_rehearse_app USING (amount > 9)', 'protection-lost warning', 'more'),
	('DO $x$ BEGIN CREATE POLICY open ON shop.item TO regress_rehearse_app USING (true); END $x$', 'row-security-lost error', 'open'),
	('DROP POLICY few ON item; CREATE POLICY few ON item AS RESTRICTIVE USING (amount > 1)', 'protection-lost warning', 'few'),
	('DROP POLICY few ON item; CREATE POLICY few ON item AS RESTRICTIVE FOR SELECT USING (amount > 5)', 'protection-lost warning', 'few'),
	('ALTER POLICY positive ON item TO PUBLIC', 'protection-lost warning', 'positive'),
	('ALTER TABLE item DROP CONSTRAINT item_amount_check; ALTER TABLE item ADD CONSTRAINT item_amount_check CHECK (amount > -10)', 'protection-lost warning', 'item_amount_check'),
	('DO $x$ BEGIN ALTER TABLE item DROP CONSTRAINT item_amount_check, ADD CONSTRAINT other CHECK (amount <> 5); END $x$', 'protection-lost notice', 'item_amount_check'),
	('ALTER TABLE line DROP CONSTRAINT line_item_fkey, ADD CONSTRAINT line_item_fkey FOREIGN KEY (item) REFERENCES item ON DELETE CASCADE', 'protection-lost warning', 'line_item_fkey'),
	('DROP INDEX item_name; CREATE UNIQUE INDEX item_name ON item (name) WHERE amount > 5', 'protection-lost warning', 'item_name'),
	('DROP INDEX item_name; CREATE UNIQUE INDEX item_name ON item (name, state)', 'protection-lost warning', 'item_name'),
	('DROP INDEX item_name; CREATE INDEX item_name ON item (name)', 'protection-lost warning', 'item_name'),
	('DROP TRIGGER touch ON line; CREATE TRIGGER touch BEFORE INSERT ON line FOR EACH ROW WHEN (new.id > 5) EXECUTE FUNCTION touch()', 'protection-lost warning', 'touch'),
	('DROP VIEW upper_names; CREATE VIEW upper_names AS SELECT 1 AS other', 'ban-drop-view warning', 'upper_names'),
	('ALTER FUNCTION secret RESET search_path', 'protection-lost warning', 'secret'),
	('DROP FUNCTION secret; CREATE FUNCTION secret() RETURNS text LANGUAGE sql AS ''SELECT NULL''', 'protection-lost warning', 'secret'),
	('DO $x$ BEGIN ALTER TABLE line OWNER TO regress_rehearse_app; GRANT SELECT ON item TO PUBLIC; END $x$', 'protection-lost warning', 'item grants|line belongs'),
	('ALTER POLICY positive ON item USING (state = current_user AND amount > 7)', NULL, NULL),
	('ALTER POLICY positive ON item RENAME TO other; ALTER TABLE item RENAME amount TO number', NULL, NULL),
	('DROP POLICY few ON item; CREATE POLICY least ON item AS RESTRICTIVE USING (amount > 6)', 'row-security-lost error', 'few'),
	('CREATE POLICY first ON line USING (true); ALTER TABLE line ENABLE ROW LEVEL SECURITY', NULL, NULL),
	('DROP POLICY positive ON item; CREATE POLICY positive ON item TO regress_rehearse_app USING (state = current_user)', NULL, NULL),
	('CREATE TABLE other (a integer CHECK (a > 0)); ALTER TABLE other ENABLE ROW LEVEL SECURITY; CREATE POLICY a ON other USING (a = 1); ALTER POLICY a ON other USING (true); ALTER TABLE other DROP CONSTRAINT other_a_check', NULL, NULL),
	('ALTER TABLE item DROP CONSTRAINT item_amount_check, ADD CONSTRAINT item_amount_check CHECK (amount > 3 AND id > 0)', NULL, NULL),
	('ALTER TABLE item RENAME CONSTRAINT item_amount_check TO other; ALTER TABLE item RENAME id TO number; ALTER TABLE item RENAME TO thing', NULL, NULL),
	('DROP INDEX item_name; ALTER TABLE item ADD CONSTRAINT item_name UNIQUE (name)', NULL, NULL),
	('DROP TRIGGER touch ON line; CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON line FOR EACH ROW EXECUTE FUNCTION touch()', NULL, NULL),
	('DROP VIEW upper_names; CREATE VIEW upper_names AS SELECT upper(name), 1 AS more FROM names', NULL, NULL),
	('ALTER TABLE line OWNER TO regress_rehearse_app', NULL, NULL),
	('CREATE ROLE regress_rehearse_new; GRANT SELECT ON item TO regress_rehearse_new', NULL, NULL),
	('CREATE EXTENSION nosuch', 'statement-fails error', 'nosuch'),
	('DO $x$ BEGIN CREATE EXTENSION nosuch; END $x$', 'statement-fails error', 'nosuch'),
	('DO $x$ BEGIN ALTER EXTENSION plpgsql UPDATE TO ''99''; END $x$', 'statement-fails error', 'plpgsql'),
	('GRANT SELECT ON item TO regress_rehearse_nosuch', 'statement-fails error', 'nosuch'),
	('ALTER TABLE item OWNER TO regress_rehearse_nosuch', 'statement-fails error', 'nosuch'),
	('DO $x$ BEGIN VACUUM shop.item; END $x$', 'statement-fails error', 'VACUUM'),
	('DO $x$ BEGIN ALTER SYSTEM SET work_mem = 100; END $x$', 'statement-fails error', 'ALTER SYSTEM'),
	('CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS ''BEGIN CREATE DATABASE regress_rehearse; END''; SELECT f()', 'statement-fails error', 'CREATE DATABASE'),
	('DO $x$ BEGIN REINDEX TABLE CONCURRENTLY shop.item; END $x$', 'statement-fails error', 'REINDEX');
-- those that are told otherwise: none
SELECT w.*, f.* FROM public.weaker w LEFT JOIN LATERAL (SELECT string_agg(DISTINCT l.rule || ' ' || l.severity, ', ') AS told, string_agg(l.message, '; ') AS messages FROM rehearse(w.script) l
	WHERE l.rule IN ('row-security-lost', 'protection-lost', 'ban-drop-view', 'statement-fails', 'not-rehearsed')) f ON true
	WHERE told IS DISTINCT FROM finding OR coalesce(messages !~ object, false);
DROP POLICY few ON item;
ALTER POLICY positive ON item USING (amount > 5) WITH CHECK (amount > 5);
DROP INDEX item_name;
DROP TABLE filled;
DROP DOMAIN few;
DROP FUNCTION secret;
SELECT catalogs() AS before \gset
\set ECHO all
-- publications and event triggers
\set ECHO none
SET client_min_messages = error;
CREATE PUBLICATION regress_rehearse_pub FOR TABLE line;
RESET client_min_messages;
CREATE FUNCTION public.notes() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER regress_rehearse_event ON sql_drop EXECUTE FUNCTION public.notes();
\set ECHO all
SELECT * FROM rehearse('ALTER PUBLICATION regress_rehearse_pub SET TABLE item; ALTER EVENT TRIGGER regress_rehearse_event DISABLE');
SELECT * FROM rehearse('ALTER PUBLICATION regress_rehearse_pub SET TABLE line WHERE (id > 5), item; DO $x$ BEGIN ALTER PUBLICATION regress_rehearse_pub SET (publish = ''insert, delete, truncate''); END $x$');
SELECT * FROM rehearse('ALTER PUBLICATION regress_rehearse_pub SET TABLE item, line');
DROP PUBLICATION regress_rehearse_pub;
DROP EVENT TRIGGER regress_rehearse_event;
DROP FUNCTION public.notes;
-- code that creates an object with the name of one that it drops, which loses the rows
SELECT * FROM rehearse('DO $x$ BEGIN DROP TABLE line; CREATE TABLE line (id integer, item integer, number integer); ALTER TABLE item DROP state, ADD state text; END $x$') WHERE rule LIKE 'ban-%';
-- code that renames: all but one object have their names again in the end
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE line RENAME TO row; ALTER TABLE row RENAME number TO position; ALTER FUNCTION touch() RENAME TO touched; END $x$;
	DO $x$ BEGIN ALTER TABLE row RENAME TO line; ALTER FUNCTION touched() RENAME TO touch; END $x$') WHERE rule <> 'statement-after-access-exclusive';
SELECT * FROM rehearse('DO $x$ BEGIN ALTER VIEW names SET SCHEMA public; ALTER SCHEMA shop RENAME TO store; END $x$');
-- code that changes values
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE line ADD at timestamptz, ADD n numeric(10,4); ALTER TABLE line ALTER at TYPE date, ALTER n TYPE numeric(10,2), ALTER number TYPE real; END $x$') WHERE rule <> 'rewriting-table';
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE item ALTER name TYPE varchar(10); END $x$; DO $x$ BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''0A000''; END $x$');

-- statements that fail, beside others
SELECT * FROM rehearse('ALTER TABLE item ADD COLUMN a text; ALTER TABLE item ADD COLUMN name text; ALTER TABLE item DISABLE ROW LEVEL SECURITY');
-- a column of a view that the plan creates
SELECT * FROM rehearse('CREATE TABLE other (a integer); CREATE VIEW others AS SELECT a FROM other; ALTER TABLE other DROP a');
SELECT * FROM rehearse('CREATE TABLE other (a integer DEFAULT true)');
SELECT * FROM rehearse('CREATE TABLE line (a integer)');
SELECT * FROM rehearse('CREATE TABLE other (a integer) PARTITION BY RANGE (a); CREATE TABLE o1 PARTITION OF other FOR VALUES FROM (1) TO (10); CREATE TABLE o2 PARTITION OF other FOR VALUES FROM (5) TO (20)');
SELECT * FROM rehearse('SELECT cmig.enable_rls(''line'', ''number'')');
SELECT * FROM rehearse('CALL cmig.add_not_null(''line'', ''quantity'')');
SELECT * FROM rehearse('CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS ''SELECT missing FROM shop.item''');
-- what depends on rows says nothing, nor does what follows
SELECT * FROM rehearse('DO $x$ BEGIN IF NOT EXISTS (SELECT FROM shop.line) THEN RAISE EXCEPTION ''no lines''; END IF; END $x$; INSERT INTO line VALUES (1, 7); ALTER TABLE item ADD COLUMN name text');
-- accepted
SELECT * FROM rehearse('-- cmig:ignore protection-lost
	ALTER TABLE line DISABLE TRIGGER touch; -- cmig:ignore ban-drop-table
	DO $x$ BEGIN DROP TABLE line; END $x$');

-- nothing is left behind
SELECT catalogs() = :'before' AS as_before;

-- functions and queries of other roles are not run with the caller's rights
\set ECHO none
GRANT CREATE, USAGE ON SCHEMA shop TO regress_rehearse_app;
SET SESSION AUTHORIZATION regress_rehearse_app;
CREATE FUNCTION shop.trap(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING '% runs as %', $1, current_user; RETURN true; END $$;
SET client_min_messages = error;
CREATE TABLE shop.trap (a text DEFAULT 'x' CHECK (shop.trap('check')));
CREATE INDEX ON shop.trap (shop.trap(a));
CREATE MATERIALIZED VIEW shop.seen AS SELECT shop.trap('view');
CREATE FUNCTION shop.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'the trigger runs as %', current_user; RETURN new; END $$;
CREATE TRIGGER fires BEFORE INSERT ON shop.trap FOR EACH ROW EXECUTE FUNCTION shop.fires();
RESET client_min_messages;
RESET SESSION AUTHORIZATION;
SELECT catalogs() AS before \gset
\set ECHO all
-- PostgreSQL 17 restricts search_path for materialized views, and shows the schema
SELECT statement, rule, severity, replace(message, 'function shop.trap', 'function trap') AS message FROM rehearse('ALTER TABLE trap ADD COLUMN b boolean DEFAULT shop.trap(''default''); INSERT INTO trap VALUES (''x'')');
SELECT statement, rule, severity, replace(message, 'function shop.trap', 'function trap') AS message FROM rehearse('REFRESH MATERIALIZED VIEW seen') WHERE rule = 'not-rehearsed';
SELECT statement, rule, severity, replace(message, 'function shop.trap', 'function trap') AS message FROM rehearse('DO $x$ BEGIN ALTER TABLE trap ALTER a TYPE varchar; END $x$');
SELECT statement, rule, severity, replace(message, 'function shop.trap', 'function trap') AS message FROM rehearse('COPY item TO PROGRAM ''false''; COPY item TO ''/nonexistent/x''; DO $x$ BEGIN PERFORM setval(''item_id_seq'', 1000); PERFORM pg_terminate_backend(0); END $x$');
SELECT last_value, catalogs() = :'before' AS as_before FROM item_id_seq;
\set ECHO none
DROP MATERIALIZED VIEW seen;
DROP TABLE trap;
DROP FUNCTION trap, fires;
REVOKE CREATE, USAGE ON SCHEMA shop FROM regress_rehearse_app;
-- what belongs to other roles is left out
CREATE SCHEMA theirs;
CREATE TABLE theirs.t (id integer PRIMARY KEY);
CREATE TABLE uses (t integer REFERENCES theirs.t);
CREATE ROLE regress_rehearse_owner;
GRANT USAGE ON SCHEMA theirs TO regress_rehearse_owner;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_rehearse_owner;
\set ECHO all
SELECT cmig.grant_access('regress_rehearse_owner', 'owner');
ALTER TABLE uses OWNER TO regress_rehearse_owner;
ALTER SCHEMA shop OWNER TO regress_rehearse_owner;
SET SESSION AUTHORIZATION regress_rehearse_owner;
SELECT * FROM rehearse('DO $x$ BEGIN ALTER TABLE shop.uses DROP t; ALTER TABLE theirs.t ADD COLUMN a text; END $x$; ALTER TABLE theirs.t ADD COLUMN b text');
RESET SESSION AUTHORIZATION;
ALTER SCHEMA shop OWNER TO CURRENT_USER;
DROP TABLE uses;

-- without the word, nothing runs; without the tables, nothing can run
SELECT cmig.create_revision('Rehearsed', 'DO $x$ BEGIN DROP TABLE shop.item CASCADE; END $x$', revision => 'r1');
SELECT rule, message FROM cmig.lint();
SELECT rule, message FROM cmig.lint_sql('-- cmig:ignore ban-drop-table
	DO $x$ BEGIN DROP TABLE shop.item CASCADE; END $x$');
SELECT * FROM cmig.lint(facts => false, rehearse => true);
BEGIN READ ONLY;
SELECT rule, message FROM cmig.lint(rehearse => true);
ROLLBACK;
-- a script that calls it fails
UPDATE cmig.revision SET upgrade_sql = 'SELECT count(*) FROM cmig.lint(rehearse => true)';
SELECT rule, message FROM cmig.lint(rehearse => true);
-- within a time
UPDATE cmig.revision SET upgrade_sql = 'DO $x$ BEGIN PERFORM pg_sleep(100); END $x$; DROP TABLE item';
SET cmig.dry_run_timeout = '100ms';
SELECT rule, replace(message, 'the run', 'statement') AS message FROM cmig.lint(rehearse => true);
RESET cmig.dry_run_timeout;
DELETE FROM cmig.revision;

-- the audit of a table
\o /dev/null
SELECT cmig.enable_audit('line');
\o
SELECT * FROM rehearse('SELECT cmig.disable_audit(''line'')');
SELECT * FROM rehearse('SELECT cmig.disable_audit(''line''); SELECT cmig.enable_audit(''line'')');
\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA shop, theirs, cmig_audit CASCADE;
DROP OWNED BY regress_rehearse_app, regress_rehearse_owner;
DROP ROLE regress_rehearse_app, regress_rehearse_owner;
DROP FUNCTION public.catalogs(), public.rehearse(text);
DROP TABLE public.weaker;
DROP EXTENSION pg_cmig;
