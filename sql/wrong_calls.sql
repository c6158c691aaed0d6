--
-- Calls that people are likely to try first: each works or says what to type
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
\pset tuples_only on
SELECT cmig.create_revision('first', 'CREATE TABLE first ()', '-- nothing to revert', revision => '001');
SELECT cmig.create_revision('second', 'CREATE TABLE second ()', '-- nothing to revert', revision => '002');

-- calls whose meaning is clear
SELECT step, revision FROM cmig.plan();
SELECT step, revision FROM cmig.plan('upgrade');
SELECT step, revision FROM cmig.plan(target => '001');
SELECT cmig.create_revision('empty for now', revision => '003');
SELECT upgrade_sql = '', downgrade_sql IS NULL FROM cmig.revision WHERE revision = '003';
SELECT cmig.remove_revision('003');

-- the direction is missing
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.plan('head');
SELECT * FROM cmig.plan('o''brien');
SELECT * FROM cmig.plan('-1');
SELECT * FROM cmig.plan('base');
SELECT * FROM cmig.plan('up');
SELECT * FROM cmig.plan('down');
SELECT * FROM cmig.plan('');
SELECT cmig.script('head');
SELECT cmig.script('-1');
SELECT cmig.script();
-- the target is missing
SELECT * FROM cmig.plan('downgrade');
SELECT cmig.script('upgrade');
SELECT cmig.script('downgrade');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.downgrade();
SELECT * FROM cmig.show();
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.stamp();
SELECT cmig.stamp(purge => true);
SELECT cmig.merge();
SELECT cmig.merge('001', '002');
SELECT * FROM cmig.resolve();
SELECT cmig.repair();
SELECT cmig.remove_revision();
SELECT * FROM cmig.load();
SELECT * FROM cmig.load_directory();
SELECT * FROM cmig.draft();
SELECT cmig.grant_access();
SELECT cmig.grant_access('nobody');
SELECT cmig.revoke_access();
-- every other required argument: the hint is a correct call
SELECT cmig.create_revision();
SELECT * FROM cmig.lint_sql();
SELECT * FROM cmig.lint_sql(NULL);
SELECT * FROM cmig.diff();
SELECT * FROM cmig.diff_schemas();
SELECT * FROM cmig.diff_schemas('public');
SELECT * FROM cmig.autogenerate();
SELECT * FROM cmig.autogenerate('a message');
SELECT cmig.require_schema();
SELECT * FROM cmig.baseline();
SELECT * FROM cmig.squash();
$calls$);
\set ECHO all
SELECT * FROM cmig.squash('001:002');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.capture();
SELECT * FROM cmig.import_files();
SELECT * FROM cmig.import_files('flyway');
SELECT * FROM cmig.import_tools('{a}', '{}');
SELECT * FROM cmig.import_state();
SELECT cmig.allow_ddl();
$calls$);
\set ECHO all
CALL cmig.upgrade_scopes();
CALL cmig.downgrade_scopes();
CALL cmig.downgrade_scopes('tenant%');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.rename_scope();
SELECT cmig.rename_scope('tenant_1');
SELECT * FROM cmig.create_scope();
SELECT cmig.drop_scope();
SELECT cmig.drop_scope('tenant_1');
SELECT cmig.wait_for_replicas('x');
SELECT cmig.wait_for_replicas('-1 s');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.set_protect();
SELECT cmig.set_ddl_policy();
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_rls();
SELECT * FROM cmig.rls_script();
SELECT * FROM cmig.disable_rls();
SELECT * FROM cmig.enable_rls_schema();
SELECT * FROM cmig.rls_test();
$calls$);
\set ECHO all
CREATE TABLE some_table (id int PRIMARY KEY, n int);
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.rls_test('some_table');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_audit();
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.enable_audit_schema();
SELECT * FROM cmig.disable_audit();
SELECT cmig.audit_script();
SELECT cmig.audit_import();
$calls$);
\set ECHO all
SELECT count(*) > 0 FROM cmig.enable_audit('some_table');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_history();
SELECT * FROM cmig.audit_history('some_table');
SELECT * FROM cmig.audit_history('some_table'::regclass);
SELECT * FROM cmig.audit_diff();
SELECT * FROM cmig.audit_diff('some_table');
SELECT * FROM cmig.audit_diff('some_table', '1');
SELECT * FROM cmig.audit_diff('some_table', 1);
SELECT * FROM cmig.audit_diff('some_table'::regclass, 1);
$calls$);
\set ECHO all
CALL cmig.backfill();
CALL cmig.backfill('some_table');
CALL cmig.add_not_null();
CALL cmig.add_not_null('some_table');
CALL cmig.add_check();
CALL cmig.add_check('some_table', 'n > 0');
CALL cmig.add_foreign_key();
CALL cmig.add_foreign_key('some_table');
CALL cmig.add_foreign_key('some_table', 'n');
CALL cmig.add_unique();
CALL cmig.add_unique('some_table');
DROP TABLE some_table;
DROP SCHEMA cmig_audit CASCADE;

-- a table's name instead of its row type; what the server adds depends on its version
\set VERBOSITY terse
SELECT * FROM cmig.audit_as_of();
SELECT * FROM cmig.audit_as_of('some_table');
CREATE TABLE some_table (id int PRIMARY KEY, n int);
SET timezone = 'UTC';
SELECT * FROM cmig.audit_as_of('some_table');
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_as_of('public.some_table', '2026-01-02');
SELECT * FROM cmig.audit_as_of('some_table', '2026-01-02', '1');
SELECT * FROM cmig.audit_as_of('some_table', '2026-01-02', 1);
$calls$);
\set ECHO all
SELECT * FROM cmig.audit_as_of('some_table'::text, now()::timestamp, 1) LIMIT 0;
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_as_of('some_table'::regclass, '2026-01-02');
SELECT * FROM cmig.audit_as_of('"; DROP', '2026-01-02');
SELECT * FROM cmig.audit_as_of(NULL::some_table);
$calls$);
\set ECHO all
RESET timezone;
SELECT count(*) > 0 FROM cmig.enable_audit('some_table');
INSERT INTO some_table VALUES (1, 1);
SELECT max(transaction_id) AS xid FROM cmig_audit.log \gset
\set VERBOSITY default
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.audit_transaction();
SELECT * FROM cmig.audit_transaction(NULL);
SELECT * FROM cmig.audit_transaction('x');
SELECT * FROM cmig.audit_transaction('');
SELECT * FROM cmig.audit_transaction(-1);
SELECT * FROM cmig.audit_transaction(1.5);
SELECT * FROM cmig.audit_transaction('1'::xid);
$calls$);
\set ECHO all
SELECT operation FROM cmig.audit_transaction(:xid)
UNION ALL SELECT operation FROM cmig.audit_transaction(:xid::bigint)
UNION ALL SELECT operation FROM cmig.audit_transaction(:'xid')
UNION ALL SELECT operation FROM cmig.audit_transaction(:'xid'::text)
UNION ALL SELECT operation FROM cmig.audit_transaction(:'xid'::xid8)
UNION ALL SELECT operation FROM cmig.audit_transaction(transaction_id => :xid);
SELECT * FROM cmig.audit_transaction(NULL::xid8);
-- keeps everything
CALL cmig.audit_retain();
DROP TABLE some_table;
DROP SCHEMA cmig_audit CASCADE;

-- the context
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.set_context();
SELECT cmig.set_context(is_local => false);
SELECT cmig.set_context('u', 't', 'x');
$calls$);
\set ECHO all
BEGIN;
SELECT cmig.set_context(tenant_id => 't');
SELECT * FROM cmig.context();
SELECT cmig.set_context(tenant_id => 5);
SELECT * FROM cmig.context();
SELECT cmig.set_context('u', 't', 'true');
SELECT * FROM cmig.context();
SELECT cmig.set_context('u', NULL, NULL);
SELECT * FROM cmig.context();
SELECT cmig.set_context(NULL, NULL);
SELECT cmig.set_context(NULL::uuid);
SELECT * FROM cmig.context();
COMMIT;

-- one schema, or several as an array
CREATE SCHEMA one;
CREATE TABLE one.a ();
SELECT cmig.schema_sql('one', privileges => false);
SELECT cmig.schema_sql('one') = cmig.schema_sql('{one}') AND cmig.schema_sql('one') = cmig.schema_sql(ARRAY['one'])
	AND cmig.schema_sql('one') = cmig.schema_sql(schemas => 'one'::text);
\set VERBOSITY sqlstate
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.schema_sql('none');
SELECT cmig.schema_sql('{one,none}');
SELECT cmig.schema_sql('');
SELECT cmig.schema_sql('{}');
$calls$);
\set ECHO all
SELECT cmig.schema_sql(NULL) = cmig.schema_sql();
SELECT upgrade_sql FROM cmig.drift('one');
SELECT upgrade_sql FROM cmig.drift('{one}', raise => false);
DROP SCHEMA one CASCADE;

-- too many arguments, and arguments of another type: the server says so
\set VERBOSITY terse
SELECT * FROM cmig.status('001');
SELECT * FROM cmig.show(1);
SELECT * FROM cmig.show(ARRAY['001']);
-- a function is not called with CALL, nor a procedure with SELECT: the server says so,
-- and a procedure of the same name would make the calls of the function ambiguous
CALL cmig.upgrade();
SELECT cmig.upgrade_stepwise();
\set VERBOSITY default

-- options of Alembic's command line
SELECT * FROM cmig.history('-r 001:002');
SELECT * FROM cmig.history('-r001');
SELECT * FROM cmig.history('--rev-range=001:');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('--sql');
SELECT cmig.stamp('--purge');
-- a number is a number of steps, with a sign as in '+1'
SELECT * FROM cmig.upgrade(target => 0);
SELECT * FROM cmig.downgrade(target => 1);
SELECT * FROM cmig.upgrade(20260101120000);
SELECT * FROM cmig.downgrade(20260101120000);
$calls$);
\set ECHO all
CALL cmig.upgrade_stepwise(20260101120000);
CALL cmig.downgrade_stepwise(20260101);

-- several revisions where one is expected
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.upgrade('001', '002');
SELECT * FROM cmig.upgrade(repeat('x', 1000), '002');
SELECT * FROM cmig.downgrade('001', '002');
SELECT cmig.stamp('001', '002');
SELECT * FROM cmig.export('001', '002');
SELECT * FROM cmig.verify('001', '002');
SELECT * FROM cmig.round_trip('001', '002');
-- quotes that belong to another language, and what other tools call the base
SELECT * FROM cmig.upgrade('"002"');
$calls$);
\set ECHO all
SELECT * FROM cmig.upgrade(E'\'002\'');
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('0');
SELECT * FROM cmig.downgrade('zero');
\set ECHO none
SELECT cmig.create_revision('x', '', revision => '"003"');

-- Correct calls stay correct: with a null, an unknown literal, each type of text, and
-- as drivers send them, with parameters of type text, of unknown type, and varchar.
CREATE FUNCTION outcome(call text, type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text := 'ok';
BEGIN
	BEGIN
		IF type = 'literal' THEN
			EXECUTE replace(call, '$1', value);
		ELSE
			EXECUTE format('PREPARE p %s AS %s', '(' || nullif(type, 'none') || ')', call);
			EXECUTE format('EXECUTE p (%s)', value);
		END IF;
		RAISE SQLSTATE 'OK000';
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE <> 'OK000' THEN
			state := SQLSTATE || ' ' || SQLERRM;
		END IF;
	END;
	IF EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'p') THEN
		DEALLOCATE p;
	END IF;
	RETURN state;
END $$;
CREATE DOMAIN id AS text;
SELECT call, value, string_agg(type, ', ' ORDER BY n) AS types, outcome
FROM (VALUES
	('upgrade($1)', '''002'''), ('upgrade($1)', 'NULL'), ('upgrade($1)', '''{001}'''),
	('downgrade($1)', '''base'''), ('downgrade($1)', 'NULL'),
	('plan(''upgrade'', $1)', '''002'''), ('plan(''upgrade'', $1)', 'NULL'),
	('plan(''upgrade''::text, $1)', '''002'''), ('plan($1)', '''upgrade'''), ('plan($1, $1)', 'NULL'),
	('plan(target => $1)', '''002'''), ('history($1)', '''001:002'''), ('history($1)', 'NULL'),
	('show($1)', '''001'''), ('show($1)', 'NULL'), ('show(target => $1)', '''001'''),
	('lint($1)', '''002'''), ('lint($1)', 'NULL'), ('verify($1)', '''base'''), ('verify($1)', 'NULL'), ('verify($1, false)', '''base'''), ('verify($1, ''true'')', '''base'''), ('verify($1, NULL)', '''base'''),
	('graph($1)', '''001:002'''), ('graph($1, ''dot'')', '''001'''), ('dry_run(''upgrade'', $1)', '''001'''), ('dry_run($1)', '''upgrade'''), ('dry_run($1, $1)', 'NULL'),
	('round_trip($1)', '''001'''), ('round_trip($1, false)', '''001'''), ('round_trip($1, ''off'')', '''001'''), ('schema_sql($1)', '''public'''), ('schema_sql($1)', '''{public}'''), ('schema_sql($1)', 'NULL'),
	('set_context($1)', '''u'''), ('set_context($1, $1)', '''u'''), ('set_context($1, $1, ''true'')', '''u'''), ('audit_transaction($1)', '''1'''),
	('resolve($1)', '''head'''), ('resolve($1)', 'NULL'), ('require($1)', '''base'''), ('require($1)', 'NULL'),
	('export($1)', '''001'''), ('export($1)', 'NULL'), ('export($1, ''%(rev)s'')', '''001'''),
	('script(''upgrade'', $1)', '''002'''), ('script(''upgrade'', $1, ''v'', true)', '''002'''), ('script($1, $1)', 'NULL'),
	('stamp($1)', '''001'''), ('stamp($1, true)', '''001'''), ('stamp($1, ''true'')', '''001'''), ('stamp($1, NULL)', '''001'''), ('stamp($1, $1)', 'NULL'), ('stamp($1)', 'NULL'),
	('repair($1)', '''001'''), ('repair($1)', 'NULL'), ('remove_revision($1)', '''002'''), ('remove_revision($1)', 'NULL')) c (call, value),
	unnest('{literal,text,none,unknown,varchar,name,char(8),id}'::text[]) WITH ORDINALITY t (type, n),
	outcome('SELECT cmig.' || call, type, value)
GROUP BY call, value, outcome ORDER BY call COLLATE "C", value COLLATE "C", min(n);
\set ECHO all
-- numbers of steps, and arrays
SELECT call, string_agg(type, ', ' ORDER BY n) AS types, outcome
FROM (VALUES ('upgrade($1)', '1', '{literal,smallint,integer,bigint}'::text[]), ('downgrade($1)', '-1', '{literal,smallint,integer,bigint}'),
	('upgrade($1)', '''{001,002}''', '{text[],varchar[],name[]}'), ('stamp($1)', '''{001}''', '{text[],varchar[],name[]}'),
	('stamp($1, true)', '''{001}''', '{text[],varchar[],name[]}'), ('export($1)', '''{001}''', '{text[],varchar[],name[]}'),
	('plan(''upgrade'', $1)', '''{001}''', '{text[],varchar[],name[]}')) c (call, value, types),
	unnest(types) WITH ORDINALITY t (type, n), outcome('SELECT cmig.' || call, type, value)
GROUP BY call, value, outcome ORDER BY call COLLATE "C", min(n);
\set ECHO none
DROP FUNCTION outcome;
DROP DOMAIN id;

DROP EXTENSION pg_cmig;
