--
-- Columns that are named like the aliases in pg_cmig's queries, or like a keyword
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_names;

CREATE TABLE word AS
SELECT row_number() OVER (ORDER BY word COLLATE "C") AS n, word FROM (
	SELECT chr(n) AS word FROM generate_series(ascii('a'), ascii('z')) n
	UNION SELECT unnest('{cmig_row,cmig_rows,cmig_live,names,new,old,found}'::text[])
	UNION SELECT word FROM pg_get_keywords()) words;

-- a table with all of them; the key is one of them, too
SELECT format('CREATE TABLE names (%s, PRIMARY KEY (k))',
	string_agg(format('%I %s', word, CASE word WHEN 'k' THEN 'int' ELSE 'text' END), ', ' ORDER BY n)) AS create_names,
	format('INSERT INTO names SELECT %s FROM generate_series(1, 20) g',
	string_agg(CASE word WHEN 'k' THEN 'g' ELSE '''v'' || g % 2' END, ', ' ORDER BY n)) AS fill_names FROM word \gset
:create_names;
:fill_names;
\set ECHO all

-- row-level security
SELECT cmig.enable_rls('names', tenant_column => 't', roles => '{regress_names}') IS NOT NULL AS enabled LIMIT 1;
GRANT SELECT, INSERT, UPDATE, DELETE ON names TO regress_names;
SELECT test, visible, own, foreign_rows, verdict, detail FROM cmig.rls_test('names', 'regress_names', NULL, 'v1', tenant_column => 't');
SELECT DISTINCT severity, problem FROM cmig.rls_check('public') WHERE severity = 'error';
SELECT cmig.disable_rls('names') IS NOT NULL AS disabled LIMIT 1;
-- each alias and many keywords as the key, and in the membership table
\set ECHO none
CREATE VIEW key AS SELECT n, word FROM word WHERE length(word) = 1 OR word ~ 'cmig|names|new|old' OR n % 16 = 0;
CREATE FUNCTION tested(word text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE tab (%1$I text, "row" int); INSERT INTO tab VALUES (''a'', 1), (''b'', 2);
		CREATE TABLE members (%1$I text, user_id text); INSERT INTO members VALUES (''a'', ''u'');
		GRANT SELECT ON members TO regress_names; GRANT SELECT, INSERT, UPDATE, DELETE ON tab TO regress_names', word);
	PERFORM cmig.enable_rls('tab', tenant_column => word, roles => '{regress_names}');
	RETURN QUERY SELECT concat_ws(' ', 'tenant:', t.test, t.own, t.verdict) FROM cmig.rls_test('tab', 'regress_names', NULL, 'a') t;
	PERFORM cmig.disable_rls('tab');
	PERFORM cmig.enable_rls('tab', key_column => word, via => 'members', roles => '{regress_names}');
	RETURN QUERY SELECT concat_ws(' ', 'member:', t.test, t.own, t.verdict) FROM cmig.rls_test('tab', 'regress_names', 'u', NULL) t;
	DROP TABLE tab, members;
END $$;
\set ECHO all
SELECT result, count(*) = (SELECT count(*) FROM key) AS each FROM key, tested(word) result GROUP BY result ORDER BY result;

-- the audit log, with a key and without
SELECT cmig.enable_audit('names') IS NOT NULL AS enabled;
SELECT now() AS before \gset
UPDATE names SET t = 'new', cmig_live = 'new' WHERE k = 1;
DELETE FROM names WHERE k = 2;
SELECT operation, changed FROM cmig.audit_history('names', '1');
SELECT k, t, cmig_live, "select" FROM cmig.audit_as_of(NULL::names, :'before') WHERE k < 4 ORDER BY k;
SELECT * FROM cmig.audit_diff('names', '1', :'before');
CREATE TABLE keyless AS SELECT * FROM names;
SELECT cmig.enable_audit('keyless') IS NOT NULL AS enabled;
SELECT now() AS before \gset
UPDATE keyless SET cmig_live = 'newer' WHERE k = 1;
SELECT k, t, cmig_live, "select" FROM cmig.audit_as_of(NULL::keyless, :'before') WHERE k < 4 ORDER BY k;
CREATE TABLE trail AS SELECT 'names' AS s, now() AS t, 'UPDATE' AS r, '{"a": 1}'::jsonb AS o, '{"a": 2}'::jsonb AS n;
SELECT * FROM cmig.audit_import('trail', '{"table_name": "s", "clock_at": "t", "operation": "r", "old_row": "o", "new_row": "n"}');
SELECT cmig.disable_audit('names') IS NOT NULL AS disabled;

-- changes of rows and constraints beside the application
CALL cmig.backfill('names', 't = ''filled''', batch_size => 5);
CALL cmig.backfill('names', 's = ''filled'', "select" = ''filled''', 's <> ''filled''', batch_size => 5);
SELECT count(*) AS filled FROM names WHERE t = 'filled' AND s = 'filled' AND "select" = 'filled';
CALL cmig.add_not_null('names', 't');
CALL cmig.add_not_null('names', 'select');
CALL cmig.add_unique('names', '{x,k,user}');
CALL cmig.add_check('names', 'names_r', 'r <> '''' AND "order" <> ''''');
CREATE TABLE referrer (m int, "references" int);
CALL cmig.add_foreign_key('referrer', '{m}', 'names', '{k}');
CALL cmig.add_foreign_key('referrer', '{references}', 'names', '{k}');

-- what rows violate
INSERT INTO cmig.revision (revision, upgrade_sql) SELECT 'probe', string_agg(format('CREATE UNIQUE INDEX ON keyless (%1$I)', word), ';') FROM key WHERE word <> 'k';
SELECT count(*) = (SELECT count(*) - 1 FROM key) AS each FROM cmig.lint(probe => true) WHERE rule = 'violated-by-rows';
DELETE FROM cmig.revision;

-- schemas: the same again, from what diff, schema_sql, and autogenerate write
CREATE TABLE model (sql text);
INSERT INTO model VALUES (cmig.schema_sql('{public}'));
SELECT count(*) FROM model, cmig.diff(sql, '{public}');
SELECT kind, object, upgrade_sql FROM model, cmig.diff(replace(sql, 't text NOT NULL', 't varchar(100)'), '{public}');

-- two versions: each alias is replaced by a column with its own expressions
INSERT INTO cmig.revision (revision, upgrade_sql) SELECT '001', format('CREATE TABLE build (id int PRIMARY KEY, %s)', string_agg(format('%I text', word), ', ' ORDER BY n)) FROM key;
SELECT count(*) FROM cmig.upgrade();
INSERT INTO build (id, t, "x") VALUES (1, 'one', 'two');
SELECT count(*) FROM key, cmig.load(format(E'-- revision: 002\n-- down_revision: 001\n-- expand: true\n-- cmig:upgrade\n%s\n-- cmig:downgrade\n', (SELECT string_agg(
	format(E'ALTER TABLE build ADD COLUMN %1$I text;\n-- cmig:up build.%1$I = upper(%2$I)\nALTER TABLE build DROP COLUMN %2$I;\n-- cmig:down build.%2$I = lower(%1$I)', word || '2', word), E'\n' ORDER BY n) FROM key))) WHERE word = 't';
CALL cmig.expand();
SELECT state, count(*) = (SELECT count(*) FROM key) AS each, min(rows_filled), max(rows_left) FROM cmig.expansion() WHERE new_column IS NOT NULL GROUP BY state;
INSERT INTO build (id, t, "x") VALUES (2, 'three', 'four');
INSERT INTO public_002.build (id, t2, x2) VALUES (3, 'FIVE', 'SIX');
SELECT id, t, x FROM build ORDER BY id;
CALL cmig.contract();
SELECT id, t2, x2 FROM build ORDER BY id;

\set ECHO none
DROP OWNED BY regress_names;
DROP ROLE regress_names;
DROP TABLE word, names, keyless, trail, referrer, model, build CASCADE;
DROP FUNCTION tested(text);
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig;
