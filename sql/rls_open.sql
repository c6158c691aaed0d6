--
-- Row-level security: rls_check with policies that let all rows through
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_app2;
CREATE SCHEMA op AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA op TO regress_rls_app, regress_rls_app2;
CREATE TABLE op.t (id integer NOT NULL, tenant_id uuid, user_id integer, org text, day date, flag boolean, deleted_at timestamptz);
ALTER TABLE op.t OWNER TO regress_rls_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON op.t TO regress_rls_app, regress_rls_app2;
ALTER TABLE op.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON op.t TO regress_rls_app USING (false);
\pset tuples_only on
\set ECHO all

-- The findings for a policy with an expression.
\set ECHO none
CREATE FUNCTION pg_temp.judge(expression text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER POLICY p ON op.t USING (%s)', expression);
	RETURN expression || '  =>  ' || coalesce((SELECT string_agg(format('%s %s: %s', severity, rule, problem), ' | ' ORDER BY rule)
		FROM cmig.rls_check('op') WHERE object = 'policy p on op.t' AND rule IN ('always_true', 'always_false', 'swallowing_or', 'foreign_rows', 'open_without_context') AND severity <> 'notice'), 'nothing');
END $$;

\qecho -- true for every row
SELECT pg_temp.judge(e) FROM unnest(ARRAY[
	'true', '1 = 1', '2 > 1', '''a'' <> ''b''', '1 IN (2, 1)', 'true OR tenant_id IS NULL', 'NOT false', 'NOT (1 = 2)',
	'id IS NOT NULL', 'NOT (id IS NULL)', 'id::text IS NOT NULL', 'tableoid IS NOT NULL', '1 IS NOT NULL',
	'id = id', 'id >= id', 'NOT (id <> id)', 'tenant_id IS NOT DISTINCT FROM tenant_id', 'id = ANY (ARRAY[1, id])',
	'tenant_id IS NULL OR tenant_id IS NOT NULL', 'day IS NOT NULL OR (org = ''x'' OR day IS NULL)',
	'current_user = current_user', '(SELECT true)', 'id = (SELECT t.id)', 'EXISTS (SELECT 1)',
	'EXISTS (SELECT count(*) FROM pg_class c WHERE c.oid = t.id::oid)',
	'COALESCE(true, tenant_id IS NULL)', 'CASE WHEN flag THEN true ELSE 1 = 1 END', '(1 = 1) IS TRUE', 'flag IS TRUE OR flag IS NOT TRUE OR 1 = 1'
]) WITH ORDINALITY u(e, n) ORDER BY n;
\qecho -- true for every row that belongs to somebody
SELECT pg_temp.judge(e) FROM unnest(ARRAY[
	'tenant_id IS NOT NULL', 'NOT (user_id IS NULL)', 'tenant_id = tenant_id', 'org = org', 'org LIKE ''%''', 'flag OR NOT flag', 'user_id > 5 OR user_id <= 5',
	'tenant_id IS NOT NULL OR flag', 'tenant_id IS NOT NULL AND user_id IS NOT NULL'
]) WITH ORDINALITY u(e, n) ORDER BY n;
\qecho -- a branch, or a fallback, that is always true
SELECT pg_temp.judge(e) FROM unnest(ARRAY[
	'deleted_at IS NULL AND (tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid) OR tenant_id IS NOT NULL)',
	'tenant_id = COALESCE((SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid), tenant_id)',
	'COALESCE(current_setting(''app.current_tenant_id'', true), tenant_id::text) = tenant_id::text',
	'COALESCE(NULLIF(current_setting(''app.current_tenant_id'', true), ''''), tenant_id::text)::uuid = tenant_id',
	'tenant_id = (SELECT COALESCE(NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid, t.tenant_id))',
	'tenant_id = CASE WHEN current_setting(''app.current_tenant_id'', true) = '''' THEN tenant_id ELSE current_setting(''app.current_tenant_id'', true)::uuid END',
	'COALESCE(tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid), true)',
	'(tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid)) IS NOT FALSE',
	'(tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid)) IS UNKNOWN',
	'current_setting(''app.current_tenant_id'', true) IN ('''', tenant_id::text)'
]) WITH ORDINALITY u(e, n) ORDER BY n;
\qecho -- never true
SELECT pg_temp.judge(e) FROM unnest(ARRAY[
	'1 = 2', 'NULL', 'id <> id', 'NOT (1 = NULL::integer)', 'id < id', 'tenant_id IS DISTINCT FROM tenant_id', 'id IS NULL AND id IS NOT NULL', 'NOT EXISTS (SELECT 1)'
]) WITH ORDINALITY u(e, n) ORDER BY n;
\qecho -- neither: conditions on the row, and the context
SELECT pg_temp.judge(e) FROM unnest(ARRAY[
	'tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid)',
	'org IS NOT NULL', 'deleted_at IS NOT NULL', 'id IS NULL', 'tenant_id IS NULL', 'day IS NULL OR deleted_at IS NOT NULL',
	'flag', 'COALESCE(flag, true)', 'flag IS NOT FALSE', 'org LIKE ''a%''', 'id > 1 OR id < 0', 'id = random()::integer OR id <> random()::integer',
	'EXISTS (SELECT FROM pg_class c WHERE c.oid = t.id::oid)', 'CASE WHEN flag THEN true ELSE false END',
	'COALESCE(tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid), false)',
	'org = COALESCE((SELECT current_setting(''app.x'', true)), ''none'')', 't IS NOT NULL',
	'tenant_id = (SELECT NULLIF(current_setting(''app.current_tenant_id'', true), '''')::uuid) AND (flag OR tenant_id IS NOT NULL)'
]) WITH ORDINALITY u(e, n) ORDER BY n;
\set ECHO queries
-- a policy for everybody, and a table that one role may change
ALTER POLICY p ON op.t TO PUBLIC;
SELECT pg_temp.judge('deleted_at IS NOT NULL');
REVOKE INSERT, UPDATE, DELETE ON op.t FROM regress_rls_app, regress_rls_app2;
SELECT pg_temp.judge('deleted_at IS NOT NULL');
\set ECHO none
GRANT INSERT, UPDATE, DELETE ON op.t TO regress_rls_app, regress_rls_app2;
ALTER POLICY p ON op.t TO regress_rls_app;

-- a key of any name, if another policy compares it with the context
CREATE POLICY q ON op.t TO regress_rls_app2 USING (org = (SELECT current_setting('app.current_tenant_id', true)));
\set ECHO queries
SELECT pg_temp.judge('org IS NOT NULL');
-- and it swallows that policy if the roles are the same
ALTER POLICY q ON op.t TO regress_rls_app;
SELECT pg_temp.judge('org IS NOT NULL');
SELECT pg_temp.judge('org = org');
-- also through a group of which the role is a member
ALTER POLICY q ON op.t TO regress_rls_app2;
SELECT pg_temp.judge('true');
GRANT regress_rls_app TO regress_rls_app2;
SELECT pg_temp.judge('true');
REVOKE regress_rls_app FROM regress_rls_app2;
-- a floor narrows it; one that accepts any value of the key is not a floor, and not a defect
CREATE POLICY floor ON op.t AS RESTRICTIVE TO regress_rls_app USING (org = (SELECT current_setting('app.current_tenant_id', true)));
SELECT pg_temp.judge('org IS NOT NULL');
ALTER POLICY floor ON op.t USING (org IS NOT NULL);
SELECT pg_temp.judge('org IS NOT NULL');
SELECT rule, problem FROM cmig.rls_check('op') WHERE object ~ 'floor';
ALTER POLICY floor ON op.t USING (id IS NOT NULL);
SELECT rule, problem FROM cmig.rls_check('op') WHERE object ~ 'floor';
\set ECHO none
DROP POLICY floor ON op.t;

-- several policies that together let every row through
ALTER POLICY q ON op.t TO regress_rls_app USING (user_id IS NULL);
ALTER POLICY p ON op.t USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::integer));
\set ECHO queries
SELECT severity, rule, object, problem FROM cmig.rls_check('op') WHERE rule IN ('always_true', 'swallowing_or', 'foreign_rows');
CREATE POLICY r ON op.t TO regress_rls_app USING (day IS NOT NULL);
CREATE POLICY s ON op.t FOR SELECT TO regress_rls_app USING (id = 5 OR day IS NULL);
SELECT severity, rule, object, problem FROM cmig.rls_check('op') WHERE rule IN ('always_true', 'swallowing_or', 'foreign_rows');
ALTER POLICY s ON op.t TO regress_rls_app2;
SELECT severity, rule, object, problem FROM cmig.rls_check('op') WHERE rule IN ('always_true', 'swallowing_or', 'foreign_rows');
\set ECHO none
DROP POLICY r ON op.t;
DROP POLICY s ON op.t;
-- for new rows
DROP POLICY q ON op.t;
CREATE POLICY q ON op.t FOR INSERT TO regress_rls_app WITH CHECK (user_id IS NOT NULL);
\set ECHO queries
SELECT severity, rule, object, problem FROM cmig.rls_check('op') WHERE rule IN ('always_true', 'swallowing_or', 'check_wider_than_using');
DROP POLICY q ON op.t;
ALTER POLICY p ON op.t WITH CHECK (user_id IS NOT NULL);
SELECT severity, rule, object, problem FROM cmig.rls_check('op') WHERE rule IN ('always_true', 'swallowing_or', 'check_wider_than_using');

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA op CASCADE;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_app2;
DROP EXTENSION pg_cmig;
