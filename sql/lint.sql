-- cmig.lint and cmig.lint_sql: what they see, comments, settings, and errors.
-- The rules are tested in lint_*.sql.
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
SELECT statement, message FROM cmig.lint_sql('CREATE INDEX ON big (name); CREATE INDEX ON empty (name)', facts => false);

-- a plan: what an earlier revision creates is new for the later ones
SELECT cmig.create_revision('One', 'CREATE TABLE item (id bigint); ALTER TABLE item RENAME TO thing', 'DROP TABLE thing', revision => '001');
SELECT cmig.create_revision('Two', E'SELECT 1;\n\nCREATE INDEX ON thing (id);\nCREATE INDEX ON big (name)', 'SELECT 1', revision => '002');
SELECT revision, statement, line, rule, message, safe_rewrite FROM cmig.lint();
SELECT count(*) FROM cmig.lint('001');
SELECT count(*) FROM cmig.lint(NULL);
SELECT * FROM cmig.lint('nothing');

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
RESET cmig.lint_ignore;

DROP FUNCTION judged;
DROP TABLE big, empty;
DROP TYPE mood;
DROP EXTENSION pg_cmig;
