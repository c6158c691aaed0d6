-- Hints with commands: as SQL, and as cmig writes them.  cmig.preflight returns the hints
-- of a function, which returns those of this test.
\pset format unaligned \pset footer off
\pset tuples_only on
\set ECHO none
SET client_min_messages = error;
CREATE EXTENSION pg_cmig;
CREATE SCHEMA tenant_1;
CREATE TABLE example (n integer GENERATED ALWAYS AS IDENTITY, hint text);
CREATE OR REPLACE FUNCTION cmig.preflight_rows(facts jsonb, at timestamptz, OUT item text, OUT severity text, OUT value text, OUT hint text)
RETURNS SETOF record LANGUAGE sql STABLE AS 'SELECT n::text, NULL, NULL, hint FROM public.example ORDER BY n';
INSERT INTO example (hint) VALUES
	('`SELECT * FROM cmig.upgrade(''heads'')`'),
	('`SELECT cmig.stamp(''<revision>'', purge => true)` -- records where the database is'),
	('`SELECT revision, created_by FROM cmig.plan(''upgrade'', ''heads'')`'),
	('`SELECT * FROM cmig.scopes() WHERE failed IS NOT NULL OR pending IS DISTINCT FROM 0`'),
	('Check it, then `CALL cmig.upgrade_stepwise(''head'', in_doubt => ''done'')` -- or ''again'''),
	('Use `cmig.merge(''heads'', ''<message>'')`, or `cmig.merge(ARRAY[''<a>'', ''<b>''], ''<message>'')`; `SELECT * FROM cmig.heads()` lists the heads.'),
	('`SELECT content FROM cmig.baseline(''<message>'')`'),
	('`SELECT cmig.create_revision(''<message>'', ''<upgrade>'', ''<downgrade>'')` -- or load files: `SELECT * FROM cmig.load(''<text>'')`'),
	('Pass its value: `placeholders => ''{"name": "<value>"}''`'),
	('If so, add this argument: `renames => ARRAY[''table public.a -> b'']`'),
	('Use `cmig.downgrade(-1)` to go down, and repeat the `CALL`, or leave out `copy_of`.'),
	('`SELECT * FROM cmig.import_state(''flyway'', ''<schema>.<table>'')`'),
	('`SET cmig_var.schema = ''<value>''`'),
	('To see more: `SET cmig.search_path = app, public`'),
	('If this is intended, `SET cmig.protect = off first, and RESET cmig.protect afterward.`'),
	('If this is intended: `BEGIN; SET LOCAL cmig.protect = off; SELECT ...; COMMIT`'),
	('`SET cmig.scope = ''tenant_1''; CALL cmig.upgrade_stepwise(''tenant@head'')`'),
	('To apply it in the database: `RESET cmig.scope; SELECT * FROM cmig.upgrade(''s01'')`'),
	('`RESET cmig.scope`. To use another one: `SET cmig.scope = ''<schema>''`'),
	('`SELECT * FROM cmig.upgrade(''s2'')` -- in the database; in the scopes: `CALL cmig.upgrade_scopes(E''tenant\\_%'', ''t2'')`'),
	('`SELECT * FROM cmig.throttle(''006'', NULL)`; `SELECT * FROM cmig.backfill_progress` shows its progress.'),
	('If the data is not needed: `CALL cmig.abandon_partial(''006'', confirm => ''006, losing data'')`'),
	('`SELECT cmig.drop_scope(''<schema>'', confirm => ''<schema>'')`'),
	('`CALL cmig.expand(''head'', confirm => true)`, `SELECT * FROM cmig.dry_run(target => ''head'')`'),
	-- what a shell would run or redirect is quoted
	('`SELECT * FROM cmig.export(ARRAY[''a>b'', ''b`id`'', ''002''])`'),
	('`SELECT * FROM cmig.upgrade(''a<b>c'')`, `SELECT * FROM cmig.upgrade(''<label>@head'')`'),
	('`SELECT cmig.merge(''heads'', ''x `id` ''''$(id)'')`, `SELECT cmig.merge(''heads'', ''<$(id)>'')`'),
	('`placeholders => ''{"a $(id)": "`id`"}''`, `CALL cmig.upgrade_scopes(''{a,$(id)}'', ''t2'')`, `SET cmig_var.a;id = ''b''`'),
	('Run them as the owner: `SET cmig.role = ''x'''';$(id)''`'),
	-- a name of a user, and a command that does not end
	('Rename "a`b` c", `SELECT 1, ''`'),
	('`SELECT 1`, `SET cmig`, `SET cmig.role =`, `RESET cmig.scope;`, `cmig.`, `cmig.upgrade(`, `cmig.upgrade(ARRAY[`, `placeholders => ''{"": "''`, `confirm => 1`');
\set ECHO all
SELECT bool_and(p.hint = replace(e.hint, '`', '')) FROM cmig.preflight() p JOIN example e ON p.item = e.n::text WHERE e.hint !~ 'id|Rename|SELECT 1';
SELECT p.hint FROM cmig.preflight() p JOIN example e ON p.item = e.n::text WHERE e.hint ~ 'id|Rename|SELECT 1';
SET cmig_client.hints = shell;
SELECT e.hint || E'\n    ' || p.hint FROM cmig.preflight() p JOIN example e ON p.item = e.n::text ORDER BY e.n;
-- in a scope, what does not select one selects this one
SET cmig.scope = 'tenant_1';
SELECT e.hint || E'\n    ' || p.hint FROM cmig.preflight() p JOIN example e ON p.item = e.n::text WHERE n IN (1, 4, 6, 17, 18, 20) ORDER BY e.n;
\set ECHO none
DROP EXTENSION pg_cmig;
DROP TABLE example;
DROP SCHEMA tenant_1;
