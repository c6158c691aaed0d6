--
-- cmig.import_files: the files of other migration tools
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
\pset tuples_only on
\set SHOW_CONTEXT never
-- one file as it is
SELECT content FROM cmig.import_files('golang-migrate', '{1_a.up.sql,1_a.down.go}', '{SELECT 1,package main}');
-- a folder's files as {name: content}; prints what they become, in brief, and loads it
\set ECHO none
-- the header in one line, without what says nothing; of a script that raises an error because it
-- must be written, the reason; no empty lines before sections
CREATE FUNCTION pg_temp.brief(content text) RETURNS text LANGUAGE sql RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(content,
	'^(-- depends_on:|-- branch_labels:|-- transactional: true|\\echo Use .*)\n', '', 'gn'),
	'\n-- (down_revision|message|transactional):', '; \1:', 'g'),
	'DO \$cmig\$\nBEGIN\n\tRAISE EXCEPTION USING ERRCODE[^\n]*\n[^\n]*\n\t\tDETAIL = ([^\n]*),\n[^\n]*\nEND\n\$cmig\$;', '(raises: \1)', 'g'),
	'\n+(\n-- cmig:|\n$)', '\1', 'g');
CREATE FUNCTION pg_temp.imported(format text, files jsonb, placeholders jsonb DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	names text[] := ARRAY(SELECT key FROM jsonb_each_text(files) ORDER BY key DESC);
	contents text[] := ARRAY(SELECT value FROM jsonb_each_text(files) ORDER BY key DESC);
	r record;
	all_content text := '';
	detail text;
	hint text;
BEGIN
	FOR r IN SELECT * FROM cmig.import_files(format, names, contents, placeholders) LOOP
		RETURN NEXT '==> ' || r.file_name || ' <==' || coalesce(E'\nNOTE: ' || r.note, '') || coalesce(E'\n' || rtrim(pg_temp.brief(r.content), E'\n'), '');
		all_content := all_content || coalesce(r.content || E'\n', '');
	END LOOP;
	IF all_content <> '' THEN
		SELECT string_agg(concat_ws(' ', revision, action), ', ') AS loaded INTO r FROM cmig.load(all_content);
		DELETE FROM cmig.revision;
		RETURN NEXT 'loaded: ' || r.loaded;
	END IF;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN NEXT concat_ws('|', 'ERROR:  ' || SQLERRM, 'DETAIL:  ' || nullif(detail, ''), 'HINT:  ' || nullif(hint, ''));
END $$;
\set ECHO all

-- golang-migrate: numbers, not text; a file of something else
SELECT pg_temp.imported('golang-migrate', $${
"9_add_email.up.sql": "ALTER TABLE users ADD email text;\n",
"9_add_email.down.sql": "ALTER TABLE users DROP email;\n",
"000010_index.up.sql": "CREATE INDEX CONCURRENTLY ON users (email);\n",
"2_create-users.up.sql": "\ufeffBEGIN;\r\nCREATE TABLE users (id int);\r\nCOMMIT;\r\n",
"README.md": "# Migrations",
"12_only_down.down.sql": "DROP TABLE old;",
"11_other.sql": "SELECT 1"}$$);
-- the files of one number are a pair, whatever their names; two files for the same script are an error
SELECT pg_temp.imported('golang-migrate', '{"1_a.up.sql": "SELECT 1", "01_b.down.sql": "SELECT -1"}');
SELECT pg_temp.imported('golang-migrate', '{"1_a.up.sql": "SELECT 1", "1_b.up.sql": "SELECT 2", "1_a.down.sql": "SELECT -1"}');
SELECT pg_temp.imported('golang-migrate', '{"1_a.up.sql": "SELECT 1", "01_b.up.sql": "SELECT 2"}');
SELECT pg_temp.imported('golang-migrate', '{"1_a.up.sql": "SELECT 1", "1_a.down.go": "package main", "2_b.up.go": "package main", "2_b.down.sql": "SELECT -2", "3_c.go": "package main"}');
SELECT pg_temp.imported('sqlx', '{"1_a.up.sql": "SELECT 1", "1_a.down.sql": "SELECT -1", "1_b.down.sql": "SELECT -2"}');
SELECT pg_temp.imported('sqlx', '{"1_a.up.sql": "SELECT 1", "1_b.sql": "SELECT 2"}');

-- sqlx
SELECT pg_temp.imported('sqlx', $${
"20240101_one.sql": "CREATE TABLE one (a text DEFAULT '-- cmig:upgrade');\n-- cmig:downgrade\n-- revision: 7\n-- +goose Up\n",
"20240102_two.up.sql": "-- no-transaction\nVACUUM one;",
"20240102_two.down.sql": ""}$$);

-- refinery and Supabase
SELECT pg_temp.imported('refinery', $${"V1__one.sql": "SELECT 1", "U2__two.sql": "SELECT 2", "V10__three.rs": "fn"}$$);
SELECT pg_temp.imported('supabase', $${"20240101000000_init.sql": "CREATE TABLE a ();", "seed.sql": "SELECT 1"}$$);

-- dbmate: by file name; transaction:false of one direction
SELECT pg_temp.imported('dbmate', $${
"10_ten.sql": "-- migrate:up\nSELECT 10;\n-- migrate:down\n",
"9_nine.sql": "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n\n-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY i;\n",
"12_x.sql": "-- migrate:up frobnicate\nSELECT ';';"}$$);
-- what dbmate rejects, or what only some versions take for a marker
SELECT pg_temp.imported('dbmate', $${"1_a.sql": "-- nothing\nSELECT 1;"}$$);
SELECT pg_temp.imported('dbmate', $${"1_a.sql": "-- nothing\n\nSELECT 1;\n-- migrate:up\n"}$$);
SELECT pg_temp.imported('dbmate', $${"1_a.sql": "-- migrate:up\nCREATE TABLE a ();\n  -- migrate:down\n  DROP TABLE a;\n"}$$);

-- goose
SELECT pg_temp.imported('goose', $${
"00001_users.sql": "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$\nBEGIN\n\tRETURN 1; -- one\nEND\n$f$;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f();\n",
"00002_index.sql": "-- +goose NO TRANSACTION\n-- +goose up\nCREATE INDEX CONCURRENTLY i ON t (a);\n",
"00003_env.sql": "-- +goose Up\n-- +goose ENVSUB ON\nCREATE ROLE ${APP_ROLE};\n-- +goose ENVSUB OFF\nSELECT '${no}';\n-- +goose Down\nDROP ROLE app;",
"00004_code.go": "package main"}$$, '{"APP_ROLE": "app"}');
SELECT pg_temp.imported('goose', $${"00003_env.sql": "-- +goose Up\n-- +goose ENVSUB ON\nCREATE ROLE ${APP_ROLE};"}$$);
-- goose's forms of environment variables; $a$ is a dollar quote, and a nested default is not supported
SELECT pg_temp.imported('goose', $test${"1_env.sql": "-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${N:-3}, ${EMPTY:-4}, '${EMPTY-5}', '${GIVEN:-6}', ${NOT-7}, '${GIVEN?none}', '$GIVEN', '$not', $a$8$a$; -- ${comment:-}"}$test$,
	'{"EMPTY": "", "GIVEN": "given", "a": "b"}');
SELECT pg_temp.imported('goose', $${"1_env.sql": "-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${A?none};"}$$);
SELECT pg_temp.imported('goose', $${"1_env.sql": "-- +goose Up\n-- +goose ENVSUB ON\nSELECT ${A:-${B}};"}$$, '{"B": "b"}');

SELECT pg_temp.imported('goose', $${"1_a.sql": "-- +goose NO TRANSACTION\nSELECT 1;\n-- +goose Up\n", "2_code_test.go": "package main"}$$);
SELECT pg_temp.imported('goose', $${"1_a.sql": "-- +goose Up\nSELECT 1;\n\t-- +goose Down\nSELECT 2;\n"}$$);
SELECT pg_temp.imported('goose', $${"1_a.sql": "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n-- +goose Up\nSELECT 3;\n"}$$);
SELECT pg_temp.imported('dbmate', $${"1_a.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:down\nSELECT 3;\n"}$$);

-- node-pg-migrate
SELECT pg_temp.imported('node-pg-migrate', $${
"1700000000000_create-users.sql": "-- Up Migration\nCREATE TABLE users (id int);\n---- down MIGRATION ----\nDROP TABLE users;",
"1700000000001_more.sql": "SELECT 1;",
"1700000000002_code.js": "exports.up = pgm => {}"}$$);

-- graphile-migrate
SELECT pg_temp.imported('graphile-migrate', $${
"committed/000001-users.sql": "--! Previous: -\n--! Hash: sha1:0123\n--! Message: Create users\n\nCREATE TABLE users (id int);\nGRANT SELECT ON users TO :APP_USER;\nSELECT 'HH24:MI :APP_USER'::text;",
"committed/000002.sql": "--! Previous: sha1:0123\n--! Hash: sha1:4567\n\n--! no-transaction\nCREATE INDEX CONCURRENTLY ON users (id);",
"current/1-current.sql": "SELECT 1"}$$, '{":APP_USER": "visitor"}');
SELECT pg_temp.imported('graphile-migrate', $${"committed/000001.sql": "\n\nSELECT a[1:2], a[x:y], 'a'::text;\nGRANT SELECT ON users TO :APP_USER;"}$$);

-- Diesel: metadata.toml without the key means without a transaction
SELECT pg_temp.imported('diesel', $${
"2024-01-01-000000_create_posts/up.sql": "CREATE TABLE posts (id int);",
"2024-01-01-000000_create_posts/down.sql": "DROP TABLE posts;",
"00000000000000_diesel_initial_setup/up.sql": "SELECT 1;",
"2024-01-02-000000_index/up.sql": "CREATE INDEX CONCURRENTLY ON posts (id);",
"2024-01-02-000000_index/metadata.toml": "run_in_transaction = false\n",
"2024-01-03-000000_trap/up.sql": "SELECT 2;",
"2024-01-03-000000_trap/metadata.toml": "# nothing\n"}$$);

-- Prisma, Drizzle
SELECT pg_temp.imported('prisma', $${
"20240101000000_init/migration.sql": "-- CreateTable\nCREATE TABLE \"User\" (\"id\" SERIAL NOT NULL);\n",
"20240102000000_add_email/migration.sql": "ALTER TABLE \"User\" ADD COLUMN \"email\" TEXT;",
"migration_lock.toml": "provider = \"postgresql\"",
"schema.prisma": "datasource"}$$);
SELECT pg_temp.imported('drizzle', $${
"0000_first_hero.sql": "CREATE TABLE users (id serial PRIMARY KEY);\n--> statement-breakpoint\nCREATE INDEX i ON users (id);",
"0001_second.sql": "SELECT 1;",
"meta/_journal.json": "{\"entries\": [{\"idx\": 0, \"version\": \"7\", \"when\": 1704067200123, \"tag\": \"0000_first_hero\", \"breakpoints\": true}]}",
"meta/0000_snapshot.json": "{}"}$$);
SELECT pg_temp.imported('drizzle', $${"20240101000000_one/migration.sql": "SELECT 1;", "20240101000000_one/snapshot.json": "{}"}$$);
-- the journal decides which files are migrations, and their order
SELECT pg_temp.imported('drizzle', $${
"db/zeta.sql": "SELECT 1;", "db/alpha.sql": "SELECT 2;", "db/seed.sql": "SELECT 3;",
"db/meta/_journal.json": "{\"entries\": [{\"idx\": 0, \"tag\": \"zeta\", \"when\": 1704067200123}, {\"idx\": 1, \"when\": 1704153600456, \"tag\": \"alpha\"}]}"}$$);
SELECT pg_temp.imported('drizzle', $${"0000_a.sql": "SELECT 1;",
"meta/_journal.json": "{\"entries\": [{\"idx\": 0, \"when\": 1, \"tag\": \"0000_a\"}, {\"idx\": 1, \"when\": 2, \"tag\": \"0001_b\"}]}"}$$);
SELECT pg_temp.imported('drizzle', $${"0000_a.sql": "SELECT 1;",
"meta/_journal.json": "{\"version\": \"7\", \"dialect\": \"sqlite\", \"entries\": [{\"idx\": 0, \"when\": 1, \"tag\": \"0000_a\"}]}"}$$);
SELECT pg_temp.imported('drizzle', $${"0000_a.sql": "SELECT 1;",
"meta/_journal.json": "{\"dialect\": \"postgresql\", \"entries\": [{\"idx\": 0, \"when\": 1}]}"}$$);
-- a setting that is not used is noted
SELECT pg_temp.imported('prisma', '{"1_a/migration.sql": "SELECT 1", "migration_lock.toml": "# by Prisma\nprovider = \"mysql\""}');
SELECT pg_temp.imported('diesel', '{"1_a/up.sql": "SELECT 1", "1_a/metadata.toml": "run_in_transaction = true\nfuture = [1]"}');

-- Flyway
SELECT pg_temp.imported('flyway', $${
"V1__init.sql": "CREATE TABLE ${schema}.t (a text DEFAULT '${value}'); -- ${comment}",
"V1_10__ten.sql": "SELECT 10;",
"V1.2__two.sql": "SELECT 2;",
"V2__index.sql": "CREATE INDEX CONCURRENTLY ON t (a);",
"V3__three.sql": "SELECT 3;",
"V3__three.sql.conf": "executeInTransaction=false",
"U1.2__two.sql": "SELECT -2;",
"U9__nothing.sql": "SELECT 9;",
"R__views.sql": "CREATE OR REPLACE VIEW v AS SELECT 1;",
"R__a_first.sql": "SELECT 1;",
"B2__base.sql": "CREATE TABLE t (a text);",
"B1__old.sql": "SELECT 1;",
"afterMigrate.sql": "ANALYZE;",
"notes.txt": "x"}$$, '{"schema": "public", "value": 1}');
SELECT pg_temp.imported('flyway', $${"B5__base.sql": "SELECT 5;", "V6__six.sql": "SELECT 6;"}$$);
-- the settings of a file
SELECT pg_temp.imported('flyway', $${
"V1__one.sql": "SELECT '${kept}';", "V1__one.sql.conf": "placeholderReplacement=false\nencoding=UTF-8\nbatch=true",
"U1__one.sql": "DROP INDEX CONCURRENTLY i;", "U1__one.sql.conf": "executeInTransaction=false",
"V2__two.sql": "SELECT ${value};", "V2__two.sql.conf": "# only there\nshouldExecute = ${run}\nexecuteInTransaction=true",
"V3__three.sql": "SELECT ${value};", "V3__three.sql.conf": "shouldExecute=true", "V3__three.txt": "",
"U3__Three.java": "class"}$$, '{"run": false, "value": 3}');
SELECT pg_temp.imported('flyway', $${"V1__one.sql": "SELECT 1", "V1__one.sql.conf": "shouldExecute=${stage}==test"}$$, '{"stage": "test"}');
-- a new database runs the baseline, and an old one counts it as applied
SELECT count(*) FROM (SELECT cmig.load(string_agg(content, E'\n')) FROM cmig.import_files('flyway', '{V1__a.sql,V2__b.sql,B2__c.sql,V3__d.sql}', '{SELECT 1,SELECT 2,SELECT 3,SELECT 4}')) l;
SELECT revision FROM cmig.plan('upgrade', 'head');
SELECT cmig.stamp('2');
SELECT revision FROM cmig.plan('upgrade', 'head');
SELECT cmig.stamp('base');
DELETE FROM cmig.revision;
SELECT pg_temp.imported('flyway', $${"V1__init.sql": "SELECT 1;\n/* ${comment} */\nCREATE SCHEMA ${schema};"}$$);

-- what is written in another language is a revision that fails
SELECT pg_temp.imported('flyway', '{"V1__one.sql": "SELECT 1", "V2__Two.java": "class", "V3__three.sql": "SELECT 3", "R__four.kt": "class", "Helper.java": "class"}');

-- null keeps a placeholder, without its quotes
SELECT pg_temp.imported('flyway', $${
"V1__one.sql": "CREATE TABLE ${schema}.one (a text DEFAULT '${team}'); -- ${schema}\nSELECT \"${schema}\".f('${value}');",
"R__two.sql": "SELECT '${team}'"}$$, '{"schema": null, "team": null, "value": "v"}');
SELECT pg_temp.imported('flyway', '{"V1__one.sql": "SELECT ${both}, ''${both}''"}', '{"both": null}');
\set VERBOSITY sqlstate
SELECT pg_temp.imported('flyway', '{"V1__one.sql": "SELECT ''a ${part}''"}', '{"part": null}');
\set VERBOSITY default
SELECT pg_temp.imported('flyway', '{"V1__one.sql": "SELECT 1"}', '{"flyway:user": null}');
SELECT pg_temp.imported('flyway', '{"V1__one.sql": "SELECT 1"}', '{"a": []}');

-- Sqitch: tags, dependencies, a change that was reworked, variables of psql
SELECT pg_temp.imported('sqitch', $${
"sqitch.conf": "[core]\n\tengine = pg\n\ttop_dir = sql\n[deploy \"variables\"]\n\tvalue = it\n",
"sqitch.plan": "%syntax-version=1.0.0\n%project=flipr\n\n# a comment\nusers 2024-01-01T10:00:00Z Ann <ann@example.com> # Creates users.\\nWith a table.\nfn [users] 2024-01-02T10:00:00Z Ann <ann@example.com> # A function.\n@v1.0 2024-01-03T10:00:00Z Ann <ann@example.com> # Tag v1.0.\nlists [users !old other:thing] 2024-01-04T10:00:00Z Ann <ann@example.com>\nfn [fn@v1.0] 2024-01-05T10:00:00Z Ann <ann@example.com> # A better function.\n@v2 2024-01-06T10:00:00Z Ann <ann@example.com>\n",
"deploy/users.sql": "-- Deploy flipr:users to pg\n-- requires: nothing\nBEGIN;\n\nSET client_min_messages = 'warning';\nCREATE TABLE :\"schema\".users (a text DEFAULT :'value', b int[] DEFAULT '{1,2}', c text DEFAULT ':no');\n\nCOMMIT;\n",
"revert/users.sql": "BEGIN;\nDROP TABLE users;\nCOMMIT;\n",
"verify/users.sql": "-- Verify flipr:users on pg\n\nBEGIN;\n\nSELECT a, b FROM users WHERE FALSE;\n\nROLLBACK;\n",
"deploy/fn@v1.0.sql": "CREATE FUNCTION fn() RETURNS int LANGUAGE sql RETURN 1;",
"revert/fn@v1.0.sql": "DROP FUNCTION fn;",
"deploy/fn.sql": "CREATE OR REPLACE FUNCTION fn() RETURNS int LANGUAGE sql RETURN 2;",
"revert/fn.sql": "CREATE OR REPLACE FUNCTION fn() RETURNS int LANGUAGE sql RETURN 1;",
"deploy/unplanned.sql": "SELECT 1;"}$$, '{"schema": "app", "value": "it''s"}');
SELECT * FROM cmig.import_files('sqitch', '{deploy/a.sql}', '{SELECT 1}');
-- no script; statements after COMMIT
SELECT file_name, note FROM cmig.import_files('sqitch', '{sqitch.plan,deploy/b.sql,verify/b.sql}', ARRAY[E'%project=x\na 2024-01-01T10:00:00Z Ann <a@b>\nb 2024-01-01T10:00:00Z Ann <a@b>\n',
	E'BEGIN;\nCREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();', E'BEGIN;\nSELECT 1;\nROLLBACK;\nSELECT 2;']);

-- Liquibase
SELECT pg_temp.imported('liquibase', $${
"changelog.sql": "--liquibase formatted sql\n\n--changeset ann:1 labels:one runInTransaction:true\n--comment: Create users\nCREATE TABLE ${schema}.users (id int);\n--rollback DROP TABLE ${schema}.users;\n\n--changeset bob:two words splitStatements:false runInTransaction:false\n--preconditions onFail:HALT\n--precondition-sql-check expectedResult:0 SELECT 0\nCREATE INDEX CONCURRENTLY i ON users (id);\n--ignoreLines:1\nDROP TABLE one;\n--ignoreLines:start\nDROP TABLE two;\nDROP TABLE three;\n--ignoreLines:end\n--rollback empty\n\n-- changeset ann:3 runOnChange:true\nCREATE OR REPLACE VIEW v AS SELECT 1;\n/* liquibase rollback\nDROP VIEW v;\n*/\n",
"other.sql": "SELECT 1;", "master.xml": "<x/>"}$$, '{"schema": "public"}');
-- attributes that decide whether a change set runs; what precedes the first one
SELECT pg_temp.imported('liquibase', $${
"changelog.sql": "--liquibase formatted sql\n-- by Ann\n--property name:n value:1\n\n--changeset ann:1 dbms:mysql,h2\n--comment: Others\nSELECT 1;\n--rollback SELECT -1;\n--changeset ann:2 dbms:\"h2, postgresql\"\nSELECT 2;\n--changeset ann:3 ignore:true\nSELECT 3;\n/* liquibase rollback\nSELECT -3;\n*/\n--changeset ann:4 dbms:!postgresql\nSELECT 4;\n--changeset ann:5 dbms:!oracle ignore:false\nSELECT 5;\n--changeset ann:6 dbms:none\nSELECT 6;\n--changeset ann:7 dbms:all context:\"a b\"\nSELECT 7;\n"}$$);

-- what updateSQL and futureRollbackSQL print, also of a database with Liquibase's tables
SELECT pg_temp.imported('liquibase', jsonb_build_object('down.sql', $$-- ****
-- SQL to roll back currently unexecuted changes
-- ****
-- Rolling Back ChangeSet: more.yaml::3::bob smith
ALTER TABLE users DROP COLUMN email;

DELETE FROM databasechangelog WHERE ID = '3';

-- Rolling Back ChangeSet: other.xml::1::x
SELECT 1;
$$, 'up.sql', $$-- ****
-- Update Database Script
-- ****
CREATE TABLE databasechangelog (id int);

-- Changeset db.xml::a::b::ann
-- Users
-- more than one line
CREATE TABLE users (id INTEGER NOT NULL, name TEXT DEFAULT '${x}');

INSERT INTO databasechangelog (ID) VALUES ('a');

-- Changeset more.yaml::3::bob smith
ALTER TABLE users ADD email TEXT;

UPDATE databasechangeloglock SET LOCKED = FALSE;
$$, 'x.yaml', 'databaseChangeLog:'));

-- Rails, yoyo
SELECT pg_temp.imported('rails', $${
"db/structure.sql": "\\restrict x\nSET statement_timeout = 0;\nSET standard_conforming_strings = off;\nSELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.users (id bigint);\nSET search_path TO \"$user\", public;\n\nINSERT INTO \"schema_migrations\" (version) VALUES\n('20240102000000'),\n('20240101000000');\n\n",
"db/migrate/20240101000000_users.rb": "class", "db/migrate/20240103000000_later.rb": "class"}$$);
SELECT * FROM cmig.import_files('rails', '{structure.sql}', '{SELECT 1}');
SELECT pg_temp.imported('yoyo', $${
"0001.users.sql": "-- Create users\n-- depends:\nCREATE TABLE users (id int);",
"0001.users.rollback.sql": "DROP TABLE users;",
"0002.index.sql": "--\n-- transactional: false\n-- depends: 0001.users\n\nCREATE INDEX CONCURRENTLY i ON users (id);",
"0003.merge.sql": "-- depends: 0001.users, 0002.index\nSELECT 1;",
"0004.code.py": "__depends__ = {'0001.users', \"0003.merge\"}\nsteps = []"}$$);

-- what the runner refuses is noted
SELECT pg_temp.imported('supabase', $${"1_copy.sql": "COPY t FROM stdin;\n1\n\\.\n", "2_psql.sql": "\\i other.sql", "3_bad.sql": "SELEC 1;", "4_commit.sql": "SELECT 1; COMMIT; SELECT 2;"}$$);

-- a long message is cut
SELECT file_name, note, length(content) FROM cmig.import_files('yoyo', '{1.sql}', ARRAY['-- ' || repeat('ü', 1100) || E'\nSELECT 1']);
-- errors
SELECT * FROM cmig.import_files('flyhigh', '{}', '{}');
SELECT * FROM cmig.import_files('flyway', '{a,b}', '{c}');
SELECT * FROM cmig.import_files('flyway', '{V1__a.sql,./V1__a.sql}', '{c,d}');
SELECT * FROM cmig.import_files('flyway', '{V1__a.sql,V1.__b.sql,V1__c.sql}', '{c,d,e}');
SELECT * FROM cmig.import_files('flyway', NULL, '{}');
SELECT * FROM cmig.import_files('flyway', '{a,NULL}', '{a,b}');
\set VERBOSITY sqlstate
SELECT * FROM cmig.import_files('flyway', '{{a,b}}', '{{a,b}}');
\set VERBOSITY default
SELECT * FROM cmig.import_files('flyway', '{V1__a.sql}', '{SELECT 1}', '[]');
SELECT * FROM cmig.import_files('flyway', '{V1__a.sql}', '{SELECT 1}', '{"a": {}}');
SELECT * FROM cmig.import_files('prisma', ARRAY['head/migration.sql', E'd\\migration.sql'], '{SELECT 1,SELECT 2}');
SELECT * FROM cmig.import_files('sqlx', '{1_a.sql}', ARRAY['SELECT ''not closed']);
SELECT * FROM cmig.import_files('sqlx', '{}', '{}');
SELECT * FROM cmig.import_files('sqlx', '{1_a.sql}', '{SELECT 1}', NULL);
SELECT * FROM cmig.import_files('diesel', '{up.sql}', '{SELECT 1}');
DROP EXTENSION pg_cmig;
