--
-- Placeholders: ${name} in scripts, with values from settings named cmig_var.NAME
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
\set ECHO none
CREATE SCHEMA tenant;
SELECT * FROM cmig.load($cmig_load$
-- revision: 001
-- placeholders: schema, team literal, level literal
-- message: Create accounts
-- cmig:upgrade
CREATE TABLE ${schema}.account (id integer, team text DEFAULT ${team}); -- ${schema} stays
/* and ${team} */
CREATE FUNCTION ${schema}.team() RETURNS text LANGUAGE sql AS $$
	SELECT ${team} || '' FROM ${schema}.account -- ${team}
$$;
DO $body$ BEGIN EXECUTE format('COMMENT ON TABLE %I.account IS %L', ${level}, ${team}); END $body$;
-- cmig:downgrade
DROP FUNCTION ${schema}.team();
DROP TABLE ${schema}.account;
-- cmig:verify
SELECT count(*) = 0 FROM ${schema}.account;
$cmig_load$);
\set ECHO all

-- without a value, nothing runs
SELECT * FROM cmig.upgrade('head');
SET cmig_var.schema = 'tenant';
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('head');
SELECT revision FROM cmig.plan();
SELECT cmig.script('upgrade', 'head');
SELECT revision FROM cmig.dry_run();
$calls$);
\set ECHO all
CALL cmig.upgrade_stepwise('head');
SELECT revision FROM cmig.lint();
SELECT severity, object, problem, fix FROM cmig.check() WHERE object <> 'pg_dump';
-- an empty one is none: a setting that was local is empty afterwards
BEGIN; SET LOCAL cmig_var.team = 'red'; COMMIT;
SELECT * FROM cmig.upgrade('head');

SET cmig_var.team = $$Bob's "team"$$;
SET cmig_var.level = 'tenant';
SELECT * FROM cmig.upgrade('head');
SET cmig_var.team = 'Blue team';
SELECT severity, object, problem, fix FROM cmig.check() WHERE object <> 'pg_dump';
SELECT revision, locks FROM cmig.plan();
SELECT plan_checksum FROM cmig.plan() \gset
SELECT line FROM regexp_split_to_table(cmig.script('upgrade', 'head'), '\n') line WHERE line ~ 'tenant|team';
SELECT revision, statement, command, error FROM cmig.dry_run();
-- a plan is shown with the values
SET cmig_var.team = 'Green team';
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head', :'plan_checksum');
SET cmig_var.team = 'Blue team';
\set VERBOSITY default
SELECT * FROM cmig.upgrade('head', :'plan_checksum');
SELECT tenant.team() IS NULL AS empty, obj_description('tenant.account'::regclass);
SELECT prosrc FROM pg_proc WHERE proname = 'team';
SELECT * FROM cmig.verify();
SELECT action, kind, object FROM cmig.drift();
SELECT * FROM cmig.round_trip();
-- the checksum is that of the script as stored, so another value is no change
SET cmig_var.team = 'Other team';
SELECT severity, object, problem FROM cmig.check() WHERE object <> 'pg_dump';
SELECT content FROM cmig.export('001') \gset
SELECT regexp_replace(:'content', 'create_date: [^\n]*', 'create_date: ...');
SELECT * FROM cmig.load(:'content');
SELECT * FROM cmig.show('001') WHERE field = 'placeholders';
SELECT * FROM cmig.downgrade('base');

--
-- Values
--
-- they cannot be anything but one identifier or one string
SET cmig_var.level = $$x'); DROP SCHEMA tenant; --$$;
SELECT * FROM cmig.upgrade('head');
\set ECHO none
SELECT * FROM cmig.load($cmig_load$
-- revision: 001
-- placeholders: name, value literal
-- cmig:upgrade
CREATE TABLE tenant.${name} (a text DEFAULT ${value}, ${name} integer);
CREATE TABLE tenant.${other} ();
$cmig_load$);
SET cmig_var.name = $$x (); DROP SCHEMA tenant; --$$;
SET cmig_var.value = $$'; \'; DROP SCHEMA tenant; --$$;
\set ECHO all
SELECT cmig.script('upgrade', 'base:head');
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, '${other}', 'other');
SELECT line FROM regexp_split_to_table(cmig.script('upgrade', 'base:head'), '\n') line WHERE line ~ 'TABLE tenant';
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'tenant.other', 'tenant.${other}');
SELECT * FROM cmig.upgrade('head');
SET cmig_var.name = $$a "quoted"; name$$;
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, '${other}', ':other');
SELECT * FROM cmig.upgrade('head');
UPDATE cmig.revision SET upgrade_sql = replace(upgrade_sql, 'CREATE TABLE tenant.:other ();', '');
SELECT * FROM cmig.upgrade('head');
SELECT attname, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid = (SELECT oid FROM pg_class WHERE relnamespace = 'tenant'::regnamespace AND relkind = 'r') AND attnum > 0 ORDER BY attnum;
UPDATE cmig.revision SET downgrade_sql = 'DROP TABLE tenant.${name};';
SET cmig_var.name = 'a23456789012345678901234567890123456789012345678901234567890abcd';
SELECT * FROM cmig.downgrade('base');
RESET cmig_var.name;
SELECT * FROM cmig.downgrade('base');
SET cmig_var.name = $$a "quoted"; name$$;
SELECT * FROM cmig.downgrade('base');
-- a script can read them, too
SELECT * FROM cmig.load(E'-- revision: 001\n-- cmig:upgrade\nCREATE TABLE tenant.seen AS SELECT current_setting(''cmig_var.name'') AS name;\n-- cmig:downgrade\nDROP TABLE tenant.seen;');
SELECT * FROM cmig.upgrade();
\t
SELECT * FROM tenant.seen;
\t
SELECT * FROM cmig.downgrade('base');

--
-- Declarations and places that are refused
--
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: Schema\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: schema text\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: schema,, name\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: schema, schema literal\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x literal\n-- cmig:upgrade\nSELECT 1;\nSELECT ''${x}'';');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x\n-- cmig:downgrade\nSELECT 1 AS "${x}";');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x identifier\n-- cmig:upgrade\nSELECT * FROM prefix_${x};');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x\n-- cmig:upgrade\nSELECT * FROM ${x}_suffix;');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x\n-- cmig:upgrade\nSELECT * FROM ${x}${x};');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x\n-- cmig:upgrade\nSELECT U&${x};');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x literal\n-- cmig:upgrade\nSELECT ''a''${x};');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x literal\n-- cmig:upgrade\nDO $$ BEGIN\nPERFORM ''${x}'';\nEND $$;');
$calls$);
\set ECHO all
UPDATE cmig.revision SET placeholders = '{"a b c"}', upgrade_sql = 'SELECT ${a}';
SELECT * FROM cmig.upgrade();
SELECT severity, object, problem, fix FROM cmig.check() WHERE object <> 'pg_dump';
-- an operator may touch them, and places next to each other may be separated by it
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x literal, name\n-- cmig:upgrade\nCREATE TABLE tenant.made AS SELECT(${x}||${x})::text AS${name};\nDROP TABLE tenant.made;');
SELECT * FROM cmig.load(E'-- revision: 001\n-- placeholders: x literal, name\n-- cmig:upgrade\nCREATE TABLE tenant.made AS SELECT(${x}||${x})::text AS ${name};\n-- cmig:downgrade\nDROP TABLE tenant.made;');
SET cmig_var.x = 'x';
SELECT * FROM cmig.upgrade();
\t
SELECT * FROM tenant.made;
\t

--
-- Repeatable revisions
--
SELECT * FROM cmig.load(E'-- revision: view\n-- repeatable: true\n-- placeholders: view, x literal\n-- cmig:upgrade\nCREATE OR REPLACE VIEW tenant.${view} AS SELECT ${x} AS x;');
SELECT * FROM cmig.upgrade();
SET cmig_var.view = 'shown';
SELECT * FROM cmig.upgrade();
\t
SELECT * FROM tenant.shown;
\t
SET cmig_var.x = 'y';
SELECT * FROM cmig.upgrade();
SELECT action, kind, object FROM cmig.drift();

-- a role that is not a superuser can set them for its session
CREATE ROLE regress_placeholder;
SET ROLE regress_placeholder;
SET cmig_var.x = 'z';
SELECT current_setting('cmig_var.x');
RESET ROLE;
DROP ROLE regress_placeholder;

DROP EXTENSION pg_cmig;
DROP SCHEMA tenant CASCADE;
