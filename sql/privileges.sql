--
-- The privileges of every role on every function and table of the extension, which
-- are read from the catalog.  Functions are also called: if a role may execute a
-- function, the call must not fail because the role lacks another privilege.
-- sql/access.sql tests the levels.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_priv_super SUPERUSER;
CREATE ROLE regress_priv_owner;
CREATE ROLE regress_priv_migrator;
CREATE ROLE regress_priv_author;
CREATE ROLE regress_priv_reader;
CREATE ROLE regress_priv_application;
CREATE ROLE regress_priv_nobody;
\set ECHO all
SELECT format('GRANT CREATE ON DATABASE %I TO regress_priv_owner', current_database()) \gexec
\set ECHO none
CREATE SCHEMA app AUTHORIZATION regress_priv_migrator;
CREATE SCHEMA apart AUTHORIZATION regress_priv_migrator CREATE TABLE unmanaged (id integer);
CREATE SCHEMA tenant AUTHORIZATION regress_priv_migrator;
GRANT USAGE ON SCHEMA app TO PUBLIC;
SET ROLE regress_priv_owner;
CREATE EXTENSION pg_cmig;
\set ECHO all
SELECT level, count(*) > 1 AS granted FROM unnest('{migrator,author,reader,application}'::text[]) level,
	cmig.grant_access(('regress_priv_' || level)::name, level) GROUP BY 1 ORDER BY 1;
\set ECHO none
SET ROLE regress_priv_migrator;
CREATE TABLE app.tool_version (version_num text);
GRANT SELECT ON app.tool_version TO PUBLIC;
CREATE TABLE app.item (id integer PRIMARY KEY, tenant_id text, a integer, u integer);
RESET ROLE;
CREATE TABLE old_audit (id bigint, table_name text, operation text, old_data jsonb, new_data jsonb, changed_at timestamptz);
ALTER TABLE old_audit OWNER TO regress_priv_owner;
\set ECHO all
-- the log belongs to its owner only
SELECT count(*) > 1 AS made FROM cmig.enable_audit('app.item');
\set ECHO none
INSERT INTO app.item SELECT i, 'x', i, i FROM generate_series(1, 3) i;
GRANT SELECT ON app.item TO PUBLIC;
GRANT USAGE ON SCHEMA cmig_audit TO regress_priv_reader;
GRANT SELECT ON cmig_audit.log, cmig_audit.layout TO regress_priv_reader;
SET ROLE regress_priv_author;
\set ECHO all
SELECT cmig.create_revision('one', 'CREATE TABLE app.one ()', 'DROP TABLE app.one', revision => '001');
SELECT cmig.create_revision('two', 'CREATE TABLE app.two ()', 'DROP TABLE app.two', revision => '002');
SET ROLE regress_priv_migrator;
SELECT revision FROM cmig.upgrade('001');
-- a scope that was used before
SET cmig.scope = 'tenant';
SELECT cmig.stamp('001');
SELECT cmig.stamp('base');
\set ECHO none
RESET cmig.scope;
RESET ROLE;

--
-- Schema and tables: r SELECT, a INSERT, w UPDATE, d DELETE, D TRUNCATE,
-- x REFERENCES, t TRIGGER, U USAGE, C CREATE; a(...) and w(...) are for some
-- columns only, which follow
--
SET jit = off;
CREATE TEMP TABLE role (n integer, name text, role name);
INSERT INTO role SELECT n, name, 'regress_priv_' || name
FROM unnest('{super,owner,migrator,author,reader,application,nobody}'::text[]) WITH ORDINALITY AS x(name, n);
GRANT SELECT ON role TO PUBLIC;
CREATE FUNCTION pg_temp.table_privileges(role name, object oid) RETURNS text LANGUAGE sql AS $$
SELECT coalesce(string_agg(CASE WHEN relkind = 'S' AND sign NOT IN ('r', 'w') THEN ''
	WHEN has_table_privilege(role, oid, privilege) THEN sign
	WHEN relkind <> 'S' AND sign IN ('r', 'a', 'w', 'x') AND has_any_column_privilege(role, oid, privilege) THEN sign || '(...)'
	ELSE '' END, '' ORDER BY n), '')
	|| CASE WHEN relkind = 'S' AND has_sequence_privilege(role, oid, 'USAGE') THEN 'U' ELSE '' END
FROM pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[], '{r,a,w,d,D,x,t}'::text[]) WITH ORDINALITY AS p(privilege, sign, n)
WHERE oid = object GROUP BY oid, relkind
$$;
\set ECHO all
SELECT 'schema cmig' AS object,
	max(p) FILTER (WHERE name = 'super') AS super, max(p) FILTER (WHERE name = 'owner') AS owner,
	max(p) FILTER (WHERE name = 'migrator') AS migrator, max(p) FILTER (WHERE name = 'author') AS author,
	max(p) FILTER (WHERE name = 'reader') AS reader, max(p) FILTER (WHERE name = 'application') AS application,
	max(p) FILTER (WHERE name = 'nobody') AS nobody
FROM (SELECT name, concat(CASE WHEN has_schema_privilege(role, 'cmig', 'USAGE') THEN 'U' END,
		CASE WHEN has_schema_privilege(role, 'cmig', 'CREATE') THEN 'C' END) AS p FROM role) x
UNION ALL
(SELECT relname,
	max(p) FILTER (WHERE name = 'super'), max(p) FILTER (WHERE name = 'owner'),
	max(p) FILTER (WHERE name = 'migrator'), max(p) FILTER (WHERE name = 'author'),
	max(p) FILTER (WHERE name = 'reader'), max(p) FILTER (WHERE name = 'application'),
	max(p) FILTER (WHERE name = 'nobody')
FROM pg_class c, role r, pg_temp.table_privileges(r.role, c.oid) p
WHERE relnamespace = 'cmig'::regnamespace AND relkind NOT IN ('i', 'I') GROUP BY relname ORDER BY relname COLLATE "C");
SELECT relname, attname, string_agg(name || CASE privilege WHEN 'INSERT' THEN ' a' ELSE ' w' END, ', ' ORDER BY n, privilege) AS alone
FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped, role, unnest('{INSERT,UPDATE}'::text[]) privilege
WHERE relnamespace = 'cmig'::regnamespace AND relkind = 'r' AND NOT has_table_privilege(role, c.oid, privilege)
	AND has_column_privilege(role, c.oid, attnum, privilege)
GROUP BY relname, attname, attnum ORDER BY relname COLLATE "C", attnum;
-- the audit log: only roles to which it was granted
\set ECHO none
SELECT n.nspname || '.' || relname AS object, string_agg(name || ' ' || p, ', ' ORDER BY r.n) AS privileges
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace, role r, pg_temp.table_privileges(r.role, c.oid) p
WHERE nspname = 'cmig_audit' AND relkind IN ('r', 'p', 'S', 'v') AND NOT relispartition AND p <> '' AND name <> 'super'
GROUP BY 1 ORDER BY 1;

--
-- Functions, called: "." is permission denied for the function or the schema, ok means success, and
-- anything else is an error raised by the function
--
CREATE TEMP TABLE call (function text, call text);
INSERT INTO call VALUES
('abandon(text,integer)', $$CALL cmig.abandon()$$),
('contract(text,integer)', $$CALL cmig.contract()$$),
('expand(text,text,integer,boolean)', $$CALL cmig.expand()$$),
('expansion()', $$SELECT count(*) FROM cmig.expansion()$$),
('expansion_begin()', $$SELECT cmig.expansion_begin()$$),
('expansion_key(regclass,text)', $$SELECT cmig.expansion_key('pg_class', 'UNIQUE')$$),
('expansion_mark(anyelement)', $$SELECT cmig.expansion_mark(1)$$),
('expansion_unset(anyelement)', $$SELECT cmig.expansion_unset(1)$$),
('expansion_view()', $$SELECT cmig.expansion_view()$$),
('expansion_write()', $$SELECT cmig.expansion_write()$$),
('version_schema(text,text)', $$SELECT cmig.version_schema('042')$$),
('abandon_partial(text,text)', $$CALL cmig.abandon_partial('001')$$),
('add_check(regclass,text,text)', $$CALL cmig.add_check('app.item', 'item_a', 'a > 0')$$),
('add_foreign_key(regclass,text,regclass,text,text,text,text)', $$CALL cmig.add_foreign_key('app.item', 'a'::text, 'app.item', 'id')$$),
('add_foreign_key(regclass,text[],regclass,text[],text,text,text)', $$CALL cmig.add_foreign_key('app.item', '{a}'::text[], 'app.item', '{id}'::text[])$$),
('add_not_null(regclass,text)', $$CALL cmig.add_not_null('app.item', 'a')$$),
('add_unique(regclass,text,text)', $$CALL cmig.add_unique('app.item', 'u'::text)$$),
('add_unique(regclass,text[],text)', $$CALL cmig.add_unique('app.item', '{u}'::text[])$$),
('audit_as_of(anyelement,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_as_of(NULL::app.item, now())$$),
('audit_as_of(anyelement,timestamp with time zone,"any")', $$SELECT count(*) FROM cmig.audit_as_of(NULL::app.item, now(), 1)$$),
('audit_as_of(anyelement,timestamp with time zone,text)', $$SELECT count(*) FROM cmig.audit_as_of(NULL::app.item, now(), '1'::text)$$),
('audit_diff(regclass,"any",timestamp with time zone,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_diff('app.item'::regclass, 1, now())$$),
('allow_ddl(text)', $$SELECT cmig.allow_ddl('why')$$),
('audit_diff(regclass,text,timestamp with time zone,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_diff('app.item'::regclass, '1'::text, now())$$),
('audit_diff(text,"any",timestamp with time zone,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_diff('app.item'::text, 1, now())$$),
('audit_diff(text,text,timestamp with time zone,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_diff('app.item'::text, '1'::text, now())$$),
('audit_history(regclass,"any")', $$SELECT count(*) FROM cmig.audit_history('app.item'::regclass, 1)$$),
('audit_history(regclass,text)', $$SELECT count(*) FROM cmig.audit_history('app.item'::regclass, '1'::text)$$),
('audit_history(text,"any")', $$SELECT count(*) FROM cmig.audit_history('app.item'::text, 1)$$),
('audit_history(text,text)', $$SELECT count(*) FROM cmig.audit_history('app.item'::text, '1'::text)$$),
('audit_import(regclass,jsonb)', $$SELECT cmig.audit_import('old_audit')$$),
('audit_report(text,timestamp with time zone,timestamp with time zone)', $$SELECT count(*) FROM cmig.audit_report()$$),
('audit_retain(interval,integer)', $$CALL cmig.audit_retain(NULL)$$),
('audit_script(regclass,text[],text[],text[],text[],text,text[],boolean,integer,text,boolean,text)', $$SELECT cmig.audit_script('app.item')$$),
('audit_status(text)', $$SELECT count(*) FROM cmig.audit_status()$$),
('audit_as_of("any")', $$SELECT cmig.audit_as_of()$$),
('audit_as_of(text,timestamp with time zone,"any")', $$SELECT cmig.audit_as_of('app.item', now(), 1)$$),
('audit_as_of(text,timestamp with time zone,text)', $$SELECT cmig.audit_as_of('app.item')$$),
('audit_transaction("any")', $$SELECT count(*) FROM cmig.audit_transaction(5)$$),
('audit_transaction(text)', $$SELECT count(*) FROM cmig.audit_transaction('5'::text)$$),
('audit_transaction(xid8)', $$SELECT count(*) FROM cmig.audit_transaction('5'::xid8)$$),
('audit_trigger()', $$SELECT cmig.audit_trigger()$$),
('backfill(regclass,text,text,integer,interval,interval)', $$CALL cmig.backfill('app.item', 'a = 1')$$),
('baseline(text,text,text,text,text[],boolean,boolean,boolean)', $$SELECT count(*) FROM cmig.baseline('x', schemas => '{apart}')$$),
('branches()', $$SELECT count(*) FROM cmig.branches()$$),
('check(boolean,boolean)', $$SELECT count(*) FROM cmig.check()$$),
('clear_context()', $$SELECT cmig.clear_context()$$),
('context()', $$SELECT cmig.context()$$),
('create_revision(text,text,text,text,text,text,boolean,text,text[],boolean,text,"any")', $$SELECT cmig.create_revision('x', '', head => '002')$$),
('current()', $$SELECT count(*) FROM cmig.current()$$),
('current_tenant_id()', $$SELECT cmig.current_tenant_id()$$),
('current_user_id()', $$SELECT cmig.current_user_id()$$),
('autogenerate(text,text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text,text[],boolean,boolean)', $$SELECT count(*) FROM cmig.autogenerate('x', '--', schemas => '{app}')$$),
('ddl_event(text,text)', $$SELECT cmig.ddl_event('ddl_command_end', 'CREATE TABLE')$$),
('ddl_trigger()', $$SELECT cmig.ddl_trigger()$$),
('diff(text,text[],text,boolean,boolean,boolean,text[],boolean,text[],boolean)', $$SELECT count(*) FROM cmig.diff('', '{app}')$$),
('capture(text,text,text,boolean,text,text[],text,text[],text,boolean,boolean,boolean,text[],boolean,boolean,text[])', $$SELECT count(*) FROM cmig.capture('x', schemas => '{app}')$$),
('drift(text[],text,boolean,boolean,boolean,text[],boolean,boolean,text[])', $$SELECT count(*) FROM cmig.drift('{app}'::text[])$$),
('diff_schemas(text,text,text,boolean,boolean,boolean,text[],boolean)', $$SELECT count(*) FROM cmig.diff_schemas('app', 'app')$$),
('disable_audit(regclass)', $$SELECT count(*) FROM cmig.disable_audit('app.item')$$),
('disable_rls(regclass)', $$SELECT count(*) FROM cmig.disable_rls('app.item')$$),
('downgrade("any","any")', $$SELECT count(*) FROM cmig.downgrade(1, 2)$$),
('downgrade(bigint)', $$SELECT count(*) FROM cmig.downgrade(-1)$$),
('downgrade(text,text)', $$SELECT count(*) FROM cmig.downgrade('base', (SELECT plan_checksum FROM cmig.plan('downgrade', 'base') LIMIT 1))$$),
('downgrade(text)', $$SELECT count(*) FROM cmig.downgrade('base')$$),
('downgrade_stepwise(bigint,text)', $$CALL cmig.downgrade_stepwise(-1)$$),
('downgrade_stepwise(text,text,text)', $$CALL cmig.downgrade_stepwise('base')$$),
('draft(text,text,text,boolean,text,text[],boolean,text,text,"any")', $$SELECT count(*) FROM cmig.draft('x', head => '002')$$),
('dry_run(bigint)', $$SELECT count(*) FROM cmig.dry_run(1)$$),
('dry_run(text,bigint)', $$SELECT count(*) FROM cmig.dry_run('upgrade', 1)$$),
('dry_run(text,text,text,bigint,boolean)', $$SELECT count(*) FROM cmig.dry_run(target => '002')$$),
('enable_audit(regclass,text[],text[],text[],text[],text,text[],boolean,integer,text,boolean,text)', $$SELECT count(*) FROM cmig.enable_audit('app.item', skip_unchanged => true)$$),
('enable_audit_schema(text,text,text[],text[],text[],text[],text,text[],boolean,integer,text,boolean,text)', $$SELECT count(*) FROM cmig.enable_audit_schema('app')$$),
('enable_rls(regclass,text,text,text[],text[],boolean,boolean,text[],boolean,boolean,boolean,boolean,regclass,text,text,text)', $$SELECT count(*) FROM cmig.enable_rls('app.item', roles => '{regress_priv_application}')$$),
('enable_rls_schema(text,text,text,text[],text[],boolean,boolean,text[],boolean,boolean,boolean,boolean,regclass[])', $$SELECT count(*) FROM cmig.enable_rls_schema('app', roles => '{regress_priv_application}')$$),
('export(bigint,text)', $$SELECT count(*) FROM cmig.export(1)$$),
('export(text,text)', $$SELECT count(*) FROM cmig.export()$$),
('export(text[],text)', $$SELECT count(*) FROM cmig.export('{001}'::text[])$$),
('grant_access(name,text)', $$SELECT count(*) FROM cmig.grant_access('regress_priv_nobody', 'reader')$$),
('heads()', $$SELECT count(*) FROM cmig.heads()$$),
('history("any")', $$SELECT count(*) FROM cmig.history(1)$$),
('history("any","any")', $$SELECT count(*) FROM cmig.history(1, 2)$$),
('graph("any")', $$SELECT count(*) FROM cmig.graph(1)$$),
('graph(text,text)', $$SELECT count(*) FROM cmig.graph()$$),
('help(text)', $$SELECT count(*) FROM cmig.help()$$),
('history(text)', $$SELECT count(*) FROM cmig.history()$$),
('journal_trigger()', $$SELECT cmig.journal_trigger()$$),
('lint("any")', $$SELECT count(*) FROM cmig.lint(1)$$),
('lint("any","any")', $$SELECT count(*) FROM cmig.lint(1, 2)$$),
('lint(text,boolean,boolean,bigint,boolean)', $$SELECT count(*) FROM cmig.lint('002')$$),
('import_files(text,text[],text[],jsonb)', $$SELECT count(*) FROM cmig.import_files('sqlx', '{}', '{}')$$),
('import_tools(text[],text[])', $$SELECT count(*) FROM cmig.import_tools()$$),
('import_state(text,regclass)', $$SELECT count(*) FROM cmig.import_state('alembic', 'app.tool_version')$$),
('metric_counts()', 'SELECT count(*) FROM cmig.metric_counts()'),
('metrics_read()', 'SELECT count(*) FROM cmig.metrics_read()'),
('preflight(text)', $$SELECT count(*) FROM cmig.preflight('002')$$),
('preflight_rows(jsonb,timestamp with time zone)', $$SELECT count(*) FROM cmig.preflight_rows('[]', now())$$),
('workload_check(text,text[],text,jsonb)', $$SELECT count(*) FROM cmig.workload_check('002', '{SELECT 1}')$$),
('stats_export(boolean)', $$SELECT count(*) >= 0 FROM cmig.stats_export(true)$$),
('workload_save(text)', $$SELECT cmig.workload_save('w')$$),
('lint_sql(text,boolean,boolean)', $$SELECT count(*) FROM cmig.lint_sql('SELECT 1')$$),
('load(text,boolean,boolean)', $$SELECT count(*) FROM cmig.load(E'-- revision: 003\n-- down_revision: 002\n-- message: x\n-- cmig:upgrade\n')$$),
('load_directory(text,boolean,boolean)', $$SELECT count(*) FROM cmig.load_directory('/nonexistent')$$),
('locate(text[])', $$SELECT count(*) > 0 FROM cmig.locate()$$),
('merge(text,text,text,boolean,text)', $$SELECT cmig.create_revision('b', '', revision => '002b', head => '001', splice => true); SELECT cmig.merge('heads'::text)$$),
('log()', $$SELECT count(*) FROM cmig.log()$$),
('merge(text[],text,text,boolean,text)', $$SELECT cmig.create_revision('b', '', revision => '002b', head => '001', splice => true); SELECT cmig.merge('{002,002b}'::text[])$$),
('plan(bigint)', $$SELECT count(*) FROM cmig.plan(1)$$),
('plan(text,"any","any")', $$SELECT count(*) FROM cmig.plan('upgrade', 1, 2)$$),
('plan(text,bigint)', $$SELECT count(*) FROM cmig.plan('upgrade', 1)$$),
('pause(text)', $$SELECT count(*) FROM cmig.pause('all')$$),
('plan(text,text)', $$SELECT count(*) FROM cmig.plan('upgrade', '002'::text)$$),
('plan(text,text[])', $$SELECT count(*) FROM cmig.plan('upgrade', '{002}'::text[])$$),
('remove_revision("any")', $$SELECT cmig.remove_revision(1)$$),
('remove_revision("any","any")', $$SELECT cmig.remove_revision(1, 2)$$),
('remove_revision(text)', $$SELECT cmig.remove_revision('002')$$),
('repair("any")', $$SELECT cmig.repair(1)$$),
('repair("any","any")', $$SELECT cmig.repair(1, 2)$$),
('repair(text)', $$SELECT cmig.repair('001')$$),
('require("any")', $$SELECT cmig.require(1)$$),
('require("any","any")', $$SELECT cmig.require(1, 2)$$),
('report()', $$SELECT length(cmig.report()) > 0$$),
('require(text)', $$SELECT cmig.require('001')$$),
('require_tenant_id()', $$SELECT cmig.set_context('1'::text, '1'::text, true), cmig.require_tenant_id()$$),
('require_user_id()', $$SELECT cmig.set_context('1'::text, '1'::text, true), cmig.require_user_id()$$),
('reset(text)', $$SELECT count(*) FROM cmig.reset(current_database())$$),
('reset_stepwise(text,text)', $$CALL cmig.reset_stepwise(current_database())$$),
('resolve("any")', $$SELECT cmig.resolve(1)$$),
('resolve("any","any")', $$SELECT cmig.resolve(1, 2)$$),
('resolve(text)', $$SELECT cmig.resolve('head')$$),
('resume_run(text)', $$SELECT count(*) FROM cmig.resume_run('all')$$),
('revoke_access(name)', $$SELECT count(*) FROM cmig.revoke_access('regress_priv_reader')$$),
('rls_rules(oid[],text)', $$SELECT count(*) FROM cmig.rls_rules('{}', 'MEMBER')$$),
('rls_check(text)', $$SELECT count(*) FROM cmig.rls_check('app')$$),
('rls_script(regclass,text,text,text[],text[],boolean,boolean,text[],boolean,boolean,boolean,boolean,regclass,text,text,text)', $$SELECT cmig.rls_script('app.item', roles => '{regress_priv_application}')$$),
('rls_status(text)', $$SELECT count(*) FROM cmig.rls_status()$$),
('rls_test(regclass,name,text,text,text,text)', $$SELECT count(*) FROM cmig.rls_test('app.item', 'regress_priv_application', '1'::text, '1'::text)$$),
('rls_test(regclass,name,text[],text[],text,text)', $$SELECT count(*) FROM cmig.rls_test('app.item', 'regress_priv_application', '{1}'::text[], '{1}'::text[])$$),
('require_schema(text,text[],text,boolean,boolean,boolean,text[],boolean,text,text[])', $$SELECT cmig.require_schema('--', '{app}')$$),
('round_trip("any")', $$SELECT count(*) FROM cmig.round_trip(1)$$),
('drift(text,text,boolean,boolean,boolean,text[],boolean,boolean,text[])', $$SELECT count(*) FROM cmig.drift('app'::text)$$),
('round_trip("any","any")', $$SELECT count(*) FROM cmig.round_trip(1, 2)$$),
('round_trip(text,text)', $$SELECT count(*) FROM cmig.round_trip('001', 'off'::text)$$),
('schema_sql(text,boolean,boolean,boolean)', $$SELECT cmig.schema_sql('app'::text)$$),
('verify("any","any")', $$SELECT count(*) FROM cmig.verify(1, 2)$$),
('verify(text,text)', $$SELECT count(*) FROM cmig.verify('current', 'off'::text)$$),
('round_trip(text,boolean)', $$SELECT count(*) FROM cmig.round_trip()$$),
('schema_sql(text[],boolean,boolean,boolean)', $$SELECT cmig.schema_sql('{app}'::text[])$$),
('screen(text,jsonb)', $$SELECT count(*) FROM cmig.screen('show', '[]')$$),
('script(text,bigint,text,boolean)', $$SELECT cmig.script('upgrade', 1)$$),
('script(text,text,text,boolean)', $$SELECT cmig.script('upgrade', '002')$$),
('set_context("any","any",boolean)', $$SELECT cmig.set_context(1, 1)$$),
('set_context(text,text,boolean)', $$SELECT cmig.set_context('1'::text, '1'::text)$$),
('set_ddl_policy(text,text[])', $$SELECT cmig.set_ddl_policy('log')$$),
('set_option(text,text,name)', $$SELECT cmig.set_option('cmig.lock_timeout', '7')$$),
('set_protect(text)', $$SELECT cmig.set_protect('base')$$),
('show("any")', $$SELECT count(*) FROM cmig.show(1)$$),
('show("any","any")', $$SELECT count(*) FROM cmig.show(1, 2)$$),
('show(text)', $$SELECT count(*) FROM cmig.show('001')$$),
('squash(text,text,text,text,text[],boolean,boolean,boolean,text[])', $$SELECT count(*) FROM cmig.squash('001:002', 'x', schemas => '{app}')$$),
('stamp("any","any")', $$SELECT count(*) FROM cmig.stamp(1, 2)$$),
('stamp(bigint,boolean)', $$SELECT count(*) FROM cmig.stamp(1)$$),
('stamp(text,boolean)', $$SELECT count(*) FROM cmig.stamp('002'::text)$$),
('stamp(text,text)', $$SELECT count(*) FROM cmig.stamp('002'::text, 'true'::text)$$),
('stamp(text[],boolean)', $$SELECT count(*) FROM cmig.stamp('{002}'::text[])$$),
('throttle(text,integer)', $$SELECT count(*) FROM cmig.throttle('all', NULL)$$),
('status()', $$SELECT count(*) FROM cmig.status()$$),
('upgrade("any","any")', $$SELECT count(*) FROM cmig.upgrade(1, 2)$$),
('upgrade(bigint)', $$SELECT count(*) FROM cmig.upgrade(1)$$),
('upgrade(text)', $$SELECT count(*) FROM cmig.upgrade('002'::text)$$),
('upgrade(text,text)', $$SELECT count(*) FROM cmig.upgrade('002', (SELECT plan_checksum FROM cmig.plan('upgrade', '002') LIMIT 1))$$),
('upgrade(text[],text)', $$SELECT count(*) FROM cmig.upgrade('{002}'::text[], (SELECT plan_checksum FROM cmig.plan('upgrade', '002') LIMIT 1))$$),
('upgrade(text[])', $$SELECT count(*) FROM cmig.upgrade('{002}'::text[])$$),
('verify("any")', $$SELECT count(*) FROM cmig.verify(1)$$),
('verify(text,boolean)', $$SELECT count(*) FROM cmig.verify()$$),
('upgrade_scopes(text,text,integer,integer,text[])', $$CALL cmig.upgrade_scopes('regress\_none%', 'heads')$$),
('downgrade_scopes(text,text,integer,integer,text[])', $$CALL cmig.downgrade_scopes('regress\_none%', '-1')$$),
('create_scope(text,text,text)', $$SELECT count(*) FROM cmig.create_scope('regress_scope', 'heads')$$),
('rename_scope(text,text)', $$SELECT cmig.rename_scope('tenant', 'tenant_renamed')$$),
('drop_scope(text,text)', $$SELECT cmig.drop_scope('tenant', 'tenant')$$),
('scope_drift(boolean,boolean,boolean)', $$SELECT count(*) FROM cmig.scope_drift()$$),
('wait_for_replicas(interval,interval)', $$SELECT cmig.wait_for_replicas()$$),
('plan_scopes(text,text,text,text[])', $$SELECT * FROM cmig.plan_scopes('upgrade', 'heads', 'regress\_none%')$$),
('scopes()', $$SELECT count(*) FROM cmig.scopes()$$),
('upgrade_stepwise(bigint,text)', $$CALL cmig.upgrade_stepwise(1)$$),
('upgrade_stepwise(text,text,text)', $$CALL cmig.upgrade_stepwise('002'::text)$$),
('upgrade_stepwise(text[],text,text)', $$CALL cmig.upgrade_stepwise('{002}'::text[])$$);

-- the variants for too many arguments
INSERT INTO call
SELECT replace(oid::regprocedure::text, 'cmig.', ''), CASE prokind WHEN 'p' THEN 'CALL ' ELSE 'SELECT ' END || 'cmig.' || quote_ident(proname)
	|| '(' || array_to_string(array_fill(1, ARRAY[pronargs::int]), ', ') || ')'
FROM pg_proc WHERE pronamespace = 'cmig'::regnamespace AND prosrc = 'cmig_too_many_arguments';

-- everything that a call did is rolled back with its subtransaction
CREATE FUNCTION pg_temp.try(role name, call text, OUT state text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('session_authorization', role, true);
	EXECUTE coalesce(call, 'SELECT 1');
	RAISE EXCEPTION USING ERRCODE = 'OK000', MESSAGE = 'ok';
EXCEPTION WHEN OTHERS THEN
	state := CASE WHEN SQLSTATE = 'OK000' THEN 'ok'
		WHEN SQLERRM ~ '^permission denied for (schema cmig$|function |procedure )' THEN '.'
		ELSE SQLSTATE END;
	message := replace(SQLERRM, current_database(), 'DBNAME');
END $$;
SET client_min_messages = error;
CREATE TEMP TABLE result AS
SELECT p.oid, c.function, r.n, r.name, has_function_privilege(r.role, p.oid, 'EXECUTE') AND has_schema_privilege(r.role, 'cmig', 'USAGE') AS may, t.*
FROM pg_proc p LEFT JOIN call c ON p.oid = to_regprocedure('cmig.' || CASE WHEN c.function LIKE 'check(%' THEN replace(c.function, 'check', '"check"') ELSE c.function END),
	role r, LATERAL pg_temp.try(r.role, c.call) t
WHERE p.pronamespace = 'cmig'::regnamespace;
RESET client_min_messages;
\set ECHO all
SELECT regexp_replace(regexp_replace(replace(oid::regprocedure::text, 'timestamp with time zone', 'timestamptz'),
		'^cmig\.', ''), '^(.{44}).+', '\1...') AS function,
	max(state) FILTER (WHERE name = 'super') AS super, max(state) FILTER (WHERE name = 'owner') AS owner,
	max(state) FILTER (WHERE name = 'migrator') AS migrator, max(state) FILTER (WHERE name = 'author') AS author,
	max(state) FILTER (WHERE name = 'reader') AS reader, max(state) FILTER (WHERE name = 'application') AS applic,
	max(state) FILTER (WHERE name = 'nobody') AS nobody
FROM result GROUP BY oid ORDER BY oid::regprocedure::text COLLATE "C";
-- functions without a call here, and privileges that differ from the result of the call
SELECT oid::regprocedure FROM result WHERE function IS NULL GROUP BY 1;
SELECT oid::regprocedure, name, may, state, message FROM result WHERE may IS DISTINCT FROM (state <> '.') ORDER BY oid::regprocedure::text COLLATE "C", n;
-- calls that the function itself refuses
SELECT string_agg(DISTINCT split_part(split_part(oid::regprocedure::text, '(', 1), '.', 2), ' ') AS functions, state,
	string_agg(DISTINCT name, ' ') AS roles, message
FROM result WHERE state NOT IN ('.', 'ok') GROUP BY state, message ORDER BY state, message COLLATE "C";

-- 25001 is not conclusive: the procedures outside of a transaction block, as the migrator
GRANT SELECT ON call TO PUBLIC;
SET client_min_messages = warning;
SET SESSION AUTHORIZATION regress_priv_migrator;
SELECT call FROM call WHERE function ~ '^(add_|backfill)' AND function !~ 'text\[\]'
UNION ALL SELECT call FROM call WHERE function ~ '^(up|down)grade_stepwise\(text,'
UNION ALL SELECT $$CALL cmig.upgrade_stepwise('002'::text)$$
UNION ALL SELECT call FROM call WHERE function ~ '^reset_stepwise' \gexec
SELECT revision, direction, outcome, role FROM cmig.journal ORDER BY id;
\set ECHO none
RESET SESSION AUTHORIZATION;

DROP EXTENSION pg_cmig CASCADE;
DROP SCHEMA app, apart, tenant, cmig_audit CASCADE;
DROP TABLE old_audit;
RESET client_min_messages;
\set ECHO all
SELECT format('REVOKE CREATE ON DATABASE %I FROM regress_priv_owner', current_database()) \gexec
DROP ROLE regress_priv_super, regress_priv_owner, regress_priv_migrator, regress_priv_author, regress_priv_reader, regress_priv_application, regress_priv_nobody;
