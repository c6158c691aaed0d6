-- cmig.lint and cmig.lint_sql: what they see, comments, settings, and errors.
-- The rules are tested in lint_*.sql.
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
CREATE TABLE big (id bigint PRIMARY KEY, name text);
INSERT INTO big SELECT g, 'n' || g FROM generate_series(1, 300) g;
CREATE TABLE empty (id bigint PRIMARY KEY, name text);
ANALYZE big, empty;
SET lock_timeout = '2s';
SET statement_timeout = '1min';
-- these tables count as large here
SET cmig.lint_small_table = 0;
\set ECHO all

-- large, empty, and new tables, and tables that are not known
SELECT statement, line, rule, severity, message FROM cmig.lint_sql($$
CREATE INDEX ON big (name);
CREATE INDEX ON empty (name);
CREATE TABLE new (id bigint, name text);
CREATE INDEX ON new (name);

CREATE INDEX
  ON unknown (name);
$$);
-- without facts, every table is like the unknown one
SELECT statement, message FROM cmig.lint_sql('CREATE INDEX ON big (name); ALTER TABLE empty ADD number bigint NOT NULL', facts => false);

-- a plan: what an earlier revision creates is new for the later ones
SELECT cmig.create_revision('One', 'CREATE TABLE item (id bigint); ALTER TABLE item RENAME TO thing', 'DROP TABLE thing', revision => '001');
SELECT cmig.create_revision('Two', E'SELECT 1;\n\nCREATE INDEX ON thing (id);\nCREATE INDEX ON big (name)', 'SELECT 1', revision => '002');
SELECT revision, statement, line, rule, message, safe_rewrite FROM cmig.lint();
SELECT count(*) FROM cmig.lint('001');
SELECT count(*) FROM cmig.lint(NULL);
\set VERBOSITY sqlstate
SELECT * FROM cmig.lint('nothing');
\set VERBOSITY default

-- cmig.check counts what is found
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = 'lint';
SET cmig.lint_policy = error;
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = 'lint';
SELECT count(*) FROM cmig.check(raise => true);
SET cmig.lint_ignore = 'require-concurrent-index-creation';
SELECT severity, object, problem, fix FROM cmig.check() WHERE object = 'lint';
RESET cmig.lint_ignore;
RESET cmig.lint_policy;

-- comments
SELECT statement, line, rule, message FROM cmig.lint_sql($$
-- cmig:ignore require-concurrent-index-creation
CREATE INDEX ON big (name);
/* cmig:ignore Require-Concurrent-Index-Creation, index-with-many-columns */
CREATE INDEX ON big (name);
-- cmig:ignore no-such-rule
SELECT '-- cmig:ignore ban-drop-table';
CREATE INDEX ON big (name) -- cmig:ignore require-concurrent-index-creation
;
-- cmig:ignore ban-drop-column
$$);

SELECT statement, line, rule, message FROM cmig.lint_sql($$
-- cmig:ignore require-concurrent-index-creation -- the table is read-only, at night
CREATE INDEX ON big (name);
-- cmig:ignore
CREATE INDEX ON big (name);
/* cmig:ignore */ SELECT 1;
-- cmig:ignored
SELECT 1$$);

-- settings
SET cmig.lint_ignore = 'require-concurrent-index-creation, index-with-many-columns';
SELECT * FROM cmig.lint_sql($$
-- cmig:ignore require-concurrent-index-creation
CREATE INDEX ON big (name);
CREATE INDEX ON big (name)$$);
SET cmig.lint_ignore = 'no-such-rule';
SET cmig.lint_ignore = 'a,,b';
SET cmig.lint_include = 'no-such-rule';
RESET cmig.lint_ignore;

-- cmig.lint_policy
SET client_min_messages = notice;
SET cmig.lint_policy = warn;
BEGIN;
SELECT count(*) FROM cmig.upgrade();
ROLLBACK;
SET cmig.lint_policy = error;
SELECT count(*) FROM cmig.upgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM cmig.upgrade('+1');
SELECT count(*) FROM cmig.upgrade('heads');
CALL cmig.upgrade_stepwise();
SELECT * FROM cmig.current();
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'CREATE INDEX ON big', E'-- cmig:ignore require-concurrent-index-creation\nCREATE INDEX ON big');
CALL cmig.upgrade_stepwise();
SELECT count(*) FROM cmig.downgrade('base');
DROP TABLE IF EXISTS thing;
DROP INDEX big_name_idx;

-- it applies to each way of running an upgrade, and to the text that runs
DELETE FROM cmig.revision;
SELECT cmig.create_revision('allowed', 'SELECT 1', '-- nothing', revision => 'p1', expand => true);
SELECT revision FROM cmig.upgrade();
SELECT cmig.create_revision('not allowed', 'DROP TABLE big', '-- nothing', revision => 'p2', expand => true);
\set VERBOSITY terse
SELECT count(*) FROM cmig.upgrade();
SELECT count(*) FROM cmig.reset(:'DBNAME');
CALL cmig.reset_stepwise(:'DBNAME');
SELECT revision FROM cmig.current();
CALL cmig.upgrade_stepwise();
CALL cmig.expand(confirm => true);
CREATE SCHEMA lint_scope;
\set VERBOSITY sqlstate
CALL cmig.upgrade_scopes('lint\_scope');
\set VERBOSITY terse
DROP SCHEMA lint_scope;
\set VERBOSITY default
SELECT count(*) FROM cmig.downgrade('base');
UPDATE cmig.revision SET upgrade_sql = $$UPDATE cmig.revision SET upgrade_sql = 'DROP TABLE big' WHERE revision = 'p2'$$ WHERE revision = 'p1';
UPDATE cmig.revision SET upgrade_sql = 'SELECT 2' WHERE revision = 'p2';
CALL cmig.upgrade_stepwise();
SELECT revision FROM cmig.current();
CALL cmig.upgrade_stepwise();
SELECT cmig.stamp('base', purge => true);
DELETE FROM cmig.revision;
RESET cmig.lint_policy;
SET client_min_messages = warning;

-- scripts that do not parse
SELECT statement, line, rule, severity, message FROM cmig.lint_sql(E'CREATE INDEX ON big (name);\n\nSELECT 1,\n  FROM;\nCREATE INDEX ON big (name)');
SELECT statement, line, rule, message FROM cmig.lint_sql(E'SELECT 1;\n\\d big\n');
SELECT statement, line, rule, message FROM cmig.lint_sql(E'SELECT 1;\nSELECT ''abc');
SELECT statement, line, rule, message FROM cmig.lint_sql('SELECT ' || repeat('(', 100000));
SELECT * FROM cmig.lint_sql('');
SELECT * FROM cmig.lint_sql(' -- nothing');
SELECT * FROM cmig.lint_sql(NULL);

-- names
CREATE SCHEMA "od""d; s";
CREATE TABLE "od""d; s"."T'a\ble" ("c""ol" text);
INSERT INTO "od""d; s"."T'a\ble" VALUES ('x');
SELECT message, safe_rewrite FROM cmig.lint_sql($$CREATE INDEX ON "od""d; s"."T'a\ble" ("c""ol")$$);
DROP SCHEMA "od""d; s" CASCADE;

-- search_path, also as the script sets it
CREATE SCHEMA other;
CREATE TABLE other.big (id bigint);
SELECT statement, message FROM cmig.lint_sql($$
CREATE INDEX ON big (id);
SET search_path = other, public;
CREATE INDEX ON big (id);
RESET search_path;
CREATE INDEX ON big (id);
SELECT set_config('search_path', 'other', false);
CREATE INDEX ON big (id);
$$);
DROP SCHEMA other CASCADE;
SET search_path = '';
SELECT message FROM cmig.lint_sql('SET statement_timeout = 1; SET lock_timeout = 0; ALTER TABLE nowhere ADD x bigint; CREATE TABLE x (a bigint); DROP TABLE x');
RESET search_path;

-- a finding names all columns of the statement
SELECT rule, message FROM cmig.lint_sql('CREATE TABLE wide (id bigint, a varchar(3), "B" varchar(9), c int, d int, e int,
	f1 json, f2 json, f3 json, f4 json, f5 json, f6 json, f7 json, f8 json, f9 json, f10 json, f11 json, f12 json)')
ORDER BY rule;
-- modifiers that a type does not take
SELECT message FROM cmig.lint_sql('ALTER TABLE big ALTER name TYPE varchar(0); ALTER TABLE big ADD n numeric(1, 2, 3)');

-- nothing waits for a lock, and nothing is executed
BEGIN;
LOCK TABLE big IN ACCESS EXCLUSIVE MODE;
SELECT count(*) FROM cmig.lint_sql('CREATE INDEX ON big (name); DROP TABLE big');
ROLLBACK;
SELECT count(*) FROM big;

-- an enum value of a type that the same revision creates; PostgreSQL 17 can use it
SELECT statement, current_setting('server_version_num')::integer >= 170000 OR coalesce(bool_or(rule ~ 'new-enum-value'), false) AS found
FROM unnest('{3,4}'::integer[]) statement LEFT JOIN cmig.lint_sql($$CREATE TYPE hue AS ENUM ('red'); ALTER TYPE hue ADD VALUE 'blue'; CREATE TABLE paint (h hue DEFAULT 'blue'); INSERT INTO paint VALUES ('blue')$$)
	USING (statement) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM cmig.lint_sql($$CREATE TYPE hue AS ENUM ('red'); ALTER TYPE hue ADD VALUE IF NOT EXISTS 'red'; CREATE TABLE paint (h hue DEFAULT 'red')$$) WHERE rule ~ 'new-enum-value';

-- an enum value that an earlier revision of the same upgrade adds
CREATE TYPE mood AS ENUM ('ok');
SELECT cmig.create_revision('Value', $$ALTER TYPE mood ADD VALUE 'sad'$$, revision => 'e1'), cmig.create_revision('Use', $$CREATE TABLE day (m mood DEFAULT 'sad')$$, revision => 'e2');
SELECT revision, message FROM cmig.lint() WHERE rule = 'ban-new-enum-value-use-in-transaction';
SELECT cmig.create_revision('Alone', 'SELECT 1', revision => 'e3', transactional => false);
SELECT revision, message FROM cmig.lint() WHERE rule = 'ban-new-enum-value-use-in-transaction';

-- names of sequences that are not names
SELECT rule, message FROM cmig.lint_sql($$SELECT nextval(''), nextval('a.b.c.d'), nextval('"'), nextval(' big . x'), nextval('Big'); DROP OWNED BY PUBLIC$$);

-- what only takes time is no error if the table is small; what fails or loses data is one
SET cmig.lint_small_table = '8MB';
CREATE FUNCTION judged() RETURNS TABLE (statement int, rule text, severity text) LANGUAGE sql AS $x$
SELECT statement, rule, severity FROM cmig.lint_sql($$ALTER TABLE big ADD CHECK (id > 0); CREATE INDEX ON unknown (name); ALTER TABLE big ADD x text NOT NULL; VACUUM FULL big; VACUUM FULL; REINDEX TABLE big; DROP TABLE big$$, false) $x$;
SELECT * FROM judged() WHERE rule ~ 'valid|index|required|rewriting|drop';
SET cmig.lint_small_table = '10kB';
SELECT * FROM judged() WHERE severity = 'error';
RESET cmig.lint_small_table;
-- without the live tables
DELETE FROM cmig.revision;
SELECT cmig.create_revision('One', 'CREATE INDEX ON big (name); CREATE TABLE c (id bigint); CREATE INDEX ON c (id); DROP TABLE empty', revision => '001');
SELECT revision, statement, rule, severity, message FROM cmig.lint(facts => false);
SELECT revision, statement, rule, severity, message FROM cmig.lint();
SET cmig.lint_ignore = 'no-facts';
SELECT count(*) FROM cmig.lint(facts => false);
\set ECHO none
RESET cmig.lint_ignore;

-- rows that violate constraints, read only if asked for
CREATE TABLE country (id int PRIMARY KEY, code text);
CREATE TABLE item (id int, country int, name text, other int, "Odd" text);
CREATE TABLE parted (id int NOT NULL, n int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO country VALUES (1, 'a'), (2, 'a'), (3, NULL), (4, NULL);
INSERT INTO item VALUES (1, 1, 'x', 9, NULL), (1, 9, 'y', NULL, 'b'), (2, NULL, 'z', 1, 'c');
INSERT INTO parted VALUES (1, NULL), (1, 2);
ALTER TABLE item ADD CONSTRAINT old FOREIGN KEY (other) REFERENCES country NOT VALID;
CREATE FUNCTION violated(VARIADIC scripts text[]) RETURNS TABLE (revision text, statement int, severity text, message text) LANGUAGE plpgsql AS $x$
BEGIN
	DELETE FROM cmig.revision;
	INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, transactional)
		SELECT i::text, CASE WHEN i > 1 THEN ARRAY[(i - 1)::text] ELSE '{}' END, sql, false FROM unnest(scripts) WITH ORDINALITY u (sql, i);
	RETURN QUERY SELECT l.revision, l.statement, l.severity, l.message FROM cmig.lint(probe => true) l WHERE rule = 'violated-by-rows';
END $x$;
SELECT * FROM violated('ALTER TABLE item ALTER "Odd" SET NOT NULL, ALTER name SET NOT NULL', 'ALTER TABLE item ADD PRIMARY KEY (id), ADD UNIQUE (name)', 'ALTER TABLE item ADD PRIMARY KEY (country)',
	'CREATE UNIQUE INDEX CONCURRENTLY ON item (id, other); CREATE UNIQUE INDEX ON country (code); CREATE UNIQUE INDEX ON parted (id)',
	'ALTER TABLE country ADD CONSTRAINT both_null UNIQUE NULLS NOT DISTINCT (code)', 'ALTER TABLE item ADD CONSTRAINT c FOREIGN KEY (country) REFERENCES country NOT VALID; ALTER TABLE item VALIDATE CONSTRAINT c, VALIDATE CONSTRAINT old',
	'ALTER TABLE item ADD FOREIGN KEY (other) REFERENCES country, ADD FOREIGN KEY (id) REFERENCES country (id)', 'ALTER TABLE parted ALTER n SET NOT NULL',
	'CALL cmig.add_not_null(''item'', ''other''); CALL cmig.add_foreign_key(''item'', ''country'', ''country'', name => ''c2''); CALL cmig.add_unique(''country'', ''code'')',
	'ALTER TABLE country RENAME code TO label; ALTER TABLE country RENAME TO land; ALTER TABLE land ALTER label SET NOT NULL');
\set ECHO all
-- nothing to find: rows that do not violate it, new tables and columns, other columns, expressions, NOT VALID
SELECT * FROM violated('ALTER TABLE item ALTER id SET NOT NULL, ADD UNIQUE (name), ADD n int UNIQUE, ADD FOREIGN KEY (id) REFERENCES country', 'CREATE TABLE new (a int); ALTER TABLE new ALTER a SET NOT NULL, ADD FOREIGN KEY (a) REFERENCES item (id)',
	'ALTER TABLE item ADD z int REFERENCES country; ALTER TABLE item ALTER nothing SET NOT NULL; CREATE INDEX ON item (id); CREATE UNIQUE INDEX ON item (id) WHERE id > 1; CREATE UNIQUE INDEX ON item (lower(name))',
	'ALTER TABLE item ADD CONSTRAINT c FOREIGN KEY (country) REFERENCES country NOT VALID', 'ALTER TABLE item ALTER id TYPE text; CREATE UNIQUE INDEX ON item (id)', 'ALTER TABLE nowhere ALTER a SET NOT NULL');
-- rows that cannot be judged
SELECT * FROM violated('UPDATE item SET "Odd" = ''''; ALTER TABLE item ALTER "Odd" SET NOT NULL, ALTER other SET NOT NULL; ALTER TABLE country ALTER code SET NOT NULL',
	'INSERT INTO country VALUES (9); ALTER TABLE item ADD FOREIGN KEY (country) REFERENCES country', 'DO $$BEGIN NULL; END$$; ALTER TABLE country ADD UNIQUE (code)');
SELECT * FROM violated('CALL cmig.backfill(''item'', ''other = 1'', ''other IS NULL''); CALL cmig.add_not_null(''item'', ''other'')');
SELECT * FROM violated('SELECT judged(); ALTER TABLE country ADD UNIQUE (code)');
SELECT count(*) FROM violated('ALTER TABLE item ALTER "Odd" SET NOT NULL');
SELECT message FROM cmig.lint(probe => true, max_table_size => 8191) WHERE rule = 'violated-by-rows';
SELECT count(*) FROM cmig.lint(probe => true, max_table_size => NULL) WHERE rule = 'violated-by-rows';
SELECT count(*) FROM cmig.lint() WHERE rule = 'violated-by-rows';
SELECT * FROM cmig.lint(probe => true, facts => false);
-- only with the caller's privileges, and with no rows hidden
CREATE ROLE regress_lint_prober;
GRANT SELECT ON item TO regress_lint_prober;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_lint_prober', 'reader');
SELECT count(*) FROM violated('ALTER TABLE item ALTER "Odd" SET NOT NULL, ADD FOREIGN KEY (other) REFERENCES country');
SET ROLE regress_lint_prober;
SELECT severity, message FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
RESET ROLE;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SET ROLE regress_lint_prober;
SELECT severity, message FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
RESET ROLE;
-- no lock is kept, and the statement's own timeout stays
BEGIN;
SET LOCAL statement_timeout = '1h';
SELECT count(*) FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('item'::regclass, 'country'::regclass);
\set ECHO none
COMMIT;
-- as the table's owner, whose code the planner and a view would run
CREATE ROLE regress_lint_owner;
GRANT CREATE ON SCHEMA public TO regress_lint_owner;
SET ROLE regress_lint_owner;
CREATE FUNCTION spy(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
	IF current_user <> 'regress_lint_owner' THEN RAISE EXCEPTION 'this function of another role runs as the caller'; END IF; RETURN $1; END$$;
CREATE TABLE trapped (id int, a int);
INSERT INTO trapped SELECT i FROM generate_series(1, 1000) i;
CREATE INDEX ON trapped (a) WHERE spy(1) = 1;
CREATE VIEW seen AS SELECT spy(id) AS id FROM trapped;
RESET ROLE;
ANALYZE trapped;
\set ECHO all
SELECT * FROM violated('ALTER TABLE trapped ADD FOREIGN KEY (id) REFERENCES seen (id)', 'ALTER TABLE trapped ALTER a SET NOT NULL', 'ALTER TABLE item ADD FOREIGN KEY (id) REFERENCES trapped (id)');
-- whose names could mean temporary objects of this session
GRANT SELECT ON trapped, country TO regress_lint_prober;
SELECT count(*) FROM violated('ALTER TABLE trapped ALTER a SET NOT NULL', 'ALTER TABLE country ALTER code SET NOT NULL');
CREATE TEMP TABLE mine (i int);
SELECT revision, severity, message FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
SET ROLE regress_lint_prober;
SELECT revision, severity, message FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
RESET ROLE;
DROP TABLE mine;
-- generated files have one action in each statement
SELECT cmig.create_revision('One', 'ALTER TABLE public.item ADD a int; ALTER TABLE public.item ADD b int; ALTER TABLE item ADD c int; ALTER TABLE public.item ADD d int, ADD e int', revision => 'generated', head => 'base', splice => true);
SELECT statement FROM cmig.lint('generated') WHERE rule = 'prefer-single-alter-table';
\set ECHO none
DELETE FROM cmig.revision;
DROP OWNED BY regress_lint_prober, regress_lint_owner;
DROP ROLE regress_lint_prober, regress_lint_owner;
DROP TABLE item, country, parted;
DROP FUNCTION violated;
DROP FUNCTION judged;
DROP TABLE big, empty;
DROP TYPE mood;
DROP EXTENSION pg_cmig;
