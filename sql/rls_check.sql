--
-- Row-level security: rls_check, with examples of what each rule finds and what it does not find
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_app2;
CREATE ROLE regress_rls_maint;
CREATE ROLE regress_rls_free BYPASSRLS;
CREATE SCHEMA chk AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA chk TO regress_rls_app, regress_rls_maint;
\pset tuples_only on
\set ECHO queries

-- Findings of one rule.
\set ECHO none
CREATE FUNCTION pg_temp.found(want text) RETURNS TABLE (severity text, object text, problem text, fix text)
LANGUAGE sql AS $$ SELECT severity, object, problem, fix FROM cmig.rls_check('chk') WHERE rule = want $$;
-- Run the fix of each finding of one rule.
CREATE FUNCTION pg_temp.apply_fix(want text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	todo text;
BEGIN
	FOR todo IN SELECT DISTINCT fix FROM cmig.rls_check('chk') WHERE rule = want LOOP
		EXECUTE todo;
	END LOOP;
END $$;
\set ECHO queries

-- no tables, no findings; policies created by enable_rls have none
SELECT * FROM cmig.rls_check('chk');
SELECT * FROM cmig.rls_check('nowhere');
\set ECHO none
CREATE TABLE chk.clean (id integer PRIMARY KEY, tenant_id integer, user_id integer);
ALTER TABLE chk.clean OWNER TO regress_rls_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON chk.clean TO regress_rls_app, regress_rls_maint;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('chk.clean', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', column_default => true);
SELECT * FROM cmig.rls_check('chk');
SELECT count(*) > 0 FROM cmig.enable_rls('chk.clean', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', shared => true);
SELECT * FROM cmig.rls_check('chk');
SELECT count(*) > 0 FROM cmig.enable_rls('chk.clean', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}', public_read => true);
SELECT * FROM cmig.rls_check('chk');
SELECT count(*) > 0 FROM cmig.enable_rls('chk.clean', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');

-- rls_disabled: later tables; an error if the key column exists
\set ECHO none
CREATE TABLE chk.t (id integer PRIMARY KEY, tenant_id integer);
ALTER TABLE chk.t OWNER TO regress_rls_owner;
CREATE TABLE chk.plain (id integer PRIMARY KEY);
\set ECHO queries
SELECT * FROM pg_temp.found('rls_disabled');
DROP TABLE chk.plain;
SELECT pg_temp.apply_fix('rls_disabled');
SELECT * FROM pg_temp.found('rls_disabled');
SELECT count(*) FROM cmig.disable_rls('chk.t');

-- policy_without_rls
CREATE POLICY p ON chk.t TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('policy_without_rls');
SELECT pg_temp.apply_fix('policy_without_rls');
SELECT * FROM pg_temp.found('policy_without_rls');

-- no_force
ALTER TABLE chk.t NO FORCE ROW LEVEL SECURITY;
SELECT * FROM pg_temp.found('no_force');
SELECT pg_temp.apply_fix('no_force');
SELECT * FROM pg_temp.found('no_force');

-- rls_without_policy
DROP POLICY p ON chk.t;
SELECT * FROM pg_temp.found('rls_without_policy');

-- only_restrictive
CREATE POLICY p ON chk.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('rls_without_policy');
SELECT * FROM pg_temp.found('only_restrictive');
CREATE POLICY q ON chk.t TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('only_restrictive');
\set ECHO none
DROP POLICY p ON chk.t;

-- always_true: alone; together with others for the same role; in disguise
DROP POLICY q ON chk.t;
CREATE POLICY p ON chk.t TO regress_rls_app USING (true);
\set ECHO queries
SELECT * FROM pg_temp.found('always_true');
ALTER POLICY p ON chk.t USING (1 = 1 OR tenant_id = 1);
SELECT * FROM pg_temp.found('always_true');
ALTER POLICY p ON chk.t USING (NOT (id <> id AND false));
SELECT * FROM pg_temp.found('always_true');
ALTER POLICY p ON chk.t USING ((SELECT true));
SELECT * FROM pg_temp.found('always_true');
ALTER POLICY p ON chk.t USING (tenant_id = tenant_id);
SELECT * FROM pg_temp.found('always_true');
CREATE POLICY q ON chk.t TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('always_true');
-- for roles without another policy it is reported as a bypass; with a restrictive policy it is not a finding
ALTER POLICY p ON chk.t TO regress_rls_maint;
SELECT * FROM pg_temp.found('always_true');
ALTER POLICY p ON chk.t TO regress_rls_app;
CREATE POLICY r ON chk.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('always_true');
-- a restrictive policy that restricts nothing; a floor for SELECT only
ALTER POLICY r ON chk.t USING (true);
SELECT * FROM pg_temp.found('always_true');
DROP POLICY r ON chk.t;
CREATE POLICY r ON chk.t AS RESTRICTIVE FOR SELECT TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('always_true');
\set ECHO none
DROP POLICY r ON chk.t;
-- for reading only
DROP POLICY q ON chk.t;
DROP POLICY p ON chk.t;
CREATE POLICY p ON chk.t FOR SELECT TO regress_rls_app USING (true);
\set ECHO queries
SELECT * FROM pg_temp.found('always_true');

-- always_false
ALTER POLICY p ON chk.t USING (false);
SELECT * FROM pg_temp.found('always_false');
ALTER POLICY p ON chk.t USING (tenant_id = 1 AND NULL);
SELECT * FROM pg_temp.found('always_false');
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR false);
SELECT * FROM pg_temp.found('always_false');

-- swallowing_or: a condition that does not use the row decides for all rows
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR (SELECT current_setting('app.admin', true)) = 'on');
SELECT * FROM pg_temp.found('swallowing_or');
SELECT pg_temp.apply_fix('swallowing_or');
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'p' AND polrelid = 'chk.t'::regclass;
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR current_setting('app.admin', true) = 'on');
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR pg_has_role('regress_rls_maint', 'USAGE'));
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING ((SELECT current_setting('app.x', true)) IS NOT NULL);
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR tenant_id IS NULL);
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (tenant_id = COALESCE((SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer), tenant_id));
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (CASE (SELECT current_setting('app.admin', true)) WHEN 'on' THEN true ELSE tenant_id = 1 END);
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (CASE WHEN pg_has_role('regress_rls_app', 'USAGE') THEN tenant_id = 1 ELSE true END);
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (CASE WHEN tenant_id = 1 THEN true ELSE tenant_id = COALESCE((SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer), -1) END);
SELECT * FROM pg_temp.found('swallowing_or');
-- a branch next to a key lets no rows of others through; next to a constant it does
ALTER POLICY p ON chk.t USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer) AND (id > 0 OR (SELECT current_setting('app.all', true)) = 'on'));
SELECT * FROM pg_temp.found('swallowing_or');
ALTER POLICY p ON chk.t USING (id = 1 AND (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer) OR (SELECT current_setting('app.all', true)) = 'on'));
SELECT severity, object FROM pg_temp.found('foreign_rows');
ALTER POLICY p ON chk.t USING (NOT (tenant_id = (SELECT 1) AND (id > 0 OR (SELECT current_setting('app.all', true)) = 'on')));
SELECT severity, object FROM pg_temp.found('foreign_rows');

-- per_row_function, cast_of_empty, no_missing_ok; one fix removes all three
ALTER POLICY p ON chk.t USING (tenant_id = current_setting('app.current_tenant_id')::integer);
SELECT * FROM pg_temp.found('per_row_function');
SELECT * FROM pg_temp.found('cast_of_empty');
SELECT * FROM pg_temp.found('no_missing_ok');
SELECT pg_temp.apply_fix('per_row_function');
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'p' AND polrelid = 'chk.t'::regclass;
SELECT rule, object FROM cmig.rls_check('chk') WHERE rule IN ('per_row_function', 'cast_of_empty', 'no_missing_ok');
ALTER POLICY p ON chk.t USING (tenant_id = (SELECT current_setting('app.current_tenant_id', true))::integer);
SELECT * FROM pg_temp.found('per_row_function');
SELECT * FROM pg_temp.found('cast_of_empty');
ALTER POLICY p ON chk.t USING (tenant_id = (SELECT current_setting('app.current_tenant_id', false)::integer));
SELECT severity, problem FROM pg_temp.found('cast_of_empty') UNION ALL SELECT severity, problem FROM pg_temp.found('no_missing_ok');
ALTER POLICY p ON chk.t USING (tenant_id = (SELECT COALESCE(current_setting('app.current_tenant_id', true), '0')::integer));
SELECT * FROM pg_temp.found('cast_of_empty');
ALTER POLICY p ON chk.t USING (tenant_id = (SELECT COALESCE(NULLIF(current_setting('app.current_tenant_id', true), ''), '0')::integer));
SELECT * FROM pg_temp.found('cast_of_empty');
-- it lets no row through, so it is only a warning
ALTER POLICY p ON chk.t USING (tenant_id::text = (SELECT current_setting('request.jwt.claims', true)::json ->> 'tenant'));
SELECT severity, problem FROM pg_temp.found('cast_of_empty');
-- with a column it cannot be evaluated only once
CREATE FUNCTION chk.is_member(integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT true';
ALTER POLICY p ON chk.t USING (chk.is_member(tenant_id));
SELECT * FROM pg_temp.found('per_row_function');
-- immutable functions, and those in a sub-select, are allowed
ALTER POLICY p ON chk.t USING (tenant_id = abs(1) AND (SELECT chk.is_member(1)));
SELECT * FROM pg_temp.found('per_row_function');

-- volatile_function
ALTER POLICY p ON chk.t USING (id = (random() * 10)::integer);
SELECT * FROM pg_temp.found('volatile_function');
SELECT pg_temp.apply_fix('volatile_function');
SELECT * FROM pg_temp.found('volatile_function');

-- in_subselect, correlated_subquery
CREATE TABLE chk.member (tenant_id integer, user_id integer, PRIMARY KEY (tenant_id, user_id));
ALTER POLICY p ON chk.t USING (tenant_id IN (SELECT m.tenant_id FROM chk.member m WHERE m.user_id = 1));
SELECT * FROM pg_temp.found('in_subselect');
SELECT pg_temp.apply_fix('in_subselect');
SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname = 'p' AND polrelid = 'chk.t'::regclass;
SELECT * FROM pg_temp.found('in_subselect');
SELECT * FROM pg_temp.found('correlated_subquery');
ALTER POLICY p ON chk.t USING (EXISTS (SELECT FROM chk.member m WHERE m.tenant_id = t.tenant_id));
SELECT * FROM pg_temp.found('correlated_subquery');

-- unknown_column: a name in a sub-select that refers to the outer query
ALTER TABLE chk.member RENAME COLUMN tenant_id TO tenant;
ALTER POLICY p ON chk.t USING (tenant_id = ANY (ARRAY(SELECT tenant_id FROM chk.member m WHERE m.user_id = 1)));
SELECT * FROM pg_temp.found('unknown_column');
ALTER POLICY p ON chk.t USING (tenant_id = ANY (ARRAY(SELECT m.tenant FROM chk.member m WHERE m.user_id = user_id)));
SELECT * FROM pg_temp.found('unknown_column');
ALTER POLICY p ON chk.t USING (tenant_id = ANY (ARRAY(SELECT m.tenant FROM chk.member m WHERE m.user_id = 1)));
SELECT * FROM pg_temp.found('unknown_column');
-- a column used by enable_rls that has another name now
ALTER TABLE chk.clean RENAME COLUMN user_id TO owner_id;
SELECT * FROM pg_temp.found('unknown_column');
ALTER TABLE chk.clean RENAME COLUMN owner_id TO user_id;

-- missing_index
ALTER POLICY p ON chk.t USING (tenant_id = 1);
SELECT * FROM pg_temp.found('missing_index');
SELECT pg_temp.apply_fix('missing_index');
SELECT * FROM pg_temp.found('missing_index');
\set ECHO none
DROP INDEX chk.t_tenant_id_idx;
CREATE INDEX ON chk.t (id, tenant_id);
CREATE INDEX ON chk.t (tenant_id) WHERE id > 0;
\set ECHO queries
SELECT severity, problem FROM pg_temp.found('missing_index');
CREATE INDEX ON chk.t (tenant_id, id);
SELECT * FROM pg_temp.found('missing_index');

-- implicit_check, check_wider_than_using
DROP POLICY p ON chk.t;
CREATE POLICY p ON chk.t TO regress_rls_app USING (tenant_id = 1);
SELECT * FROM pg_temp.found('implicit_check');
ALTER POLICY p ON chk.t WITH CHECK (true);
SELECT * FROM pg_temp.found('implicit_check');
SELECT * FROM pg_temp.found('check_wider_than_using');
ALTER POLICY p ON chk.t WITH CHECK (id > 0);
SELECT * FROM pg_temp.found('check_wider_than_using');
ALTER POLICY p ON chk.t WITH CHECK (tenant_id = 2);
SELECT * FROM pg_temp.found('check_wider_than_using');
SELECT pg_temp.apply_fix('check_wider_than_using');
SELECT * FROM pg_temp.found('check_wider_than_using');
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR tenant_id IS NULL) WITH CHECK (tenant_id = 1 AND id > 0);
SELECT * FROM pg_temp.found('check_wider_than_using');

-- to_public
ALTER POLICY p ON chk.t TO PUBLIC;
SELECT * FROM pg_temp.found('to_public');
ALTER POLICY p ON chk.t TO regress_rls_app;
SELECT * FROM pg_temp.found('to_public');

-- role_bypasses
ALTER POLICY p ON chk.t TO regress_rls_app, regress_rls_free;
SELECT * FROM pg_temp.found('role_bypasses');
ALTER POLICY p ON chk.t TO regress_rls_app;
SELECT * FROM pg_temp.found('role_bypasses');
GRANT SELECT ON chk.t TO regress_rls_free;
SELECT * FROM pg_temp.found('role_bypasses');
SELECT pg_temp.apply_fix('role_bypasses');
SELECT * FROM pg_temp.found('role_bypasses');

-- owner_is_application
ALTER POLICY p ON chk.t TO regress_rls_owner;
SELECT * FROM pg_temp.found('owner_is_application');
ALTER TABLE chk.t NO FORCE ROW LEVEL SECURITY;
SELECT * FROM pg_temp.found('owner_is_application');
ALTER TABLE chk.t FORCE ROW LEVEL SECURITY;
ALTER POLICY p ON chk.t TO regress_rls_app;
SELECT * FROM pg_temp.found('owner_is_application');
GRANT regress_rls_owner TO regress_rls_app;
SELECT * FROM pg_temp.found('owner_is_application');
\set ECHO none
REVOKE regress_rls_owner FROM regress_rls_app;

-- view_definer, matview: at any depth
CREATE VIEW chk.v AS SELECT * FROM chk.t;
CREATE VIEW chk.w AS SELECT count(*) FROM chk.v;
CREATE MATERIALIZED VIEW chk.m AS SELECT * FROM chk.w;
\set ECHO queries
SELECT * FROM pg_temp.found('view_definer');
ALTER VIEW chk.v OWNER TO regress_rls_app;
SELECT severity, object, problem FROM pg_temp.found('view_definer');
SELECT pg_temp.apply_fix('view_definer');
SELECT * FROM pg_temp.found('view_definer');
SELECT * FROM pg_temp.found('matview');
GRANT SELECT ON chk.m TO regress_rls_app;
SELECT * FROM pg_temp.found('matview');
DROP MATERIALIZED VIEW chk.m;
SELECT * FROM pg_temp.found('matview');

-- security_definer
\set ECHO none
CREATE FUNCTION chk.f() RETURNS bigint SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM chk.t); END';
CREATE FUNCTION chk.g() RETURNS bigint SECURITY DEFINER LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM chk.t; END;
CREATE FUNCTION chk.h() RETURNS text SECURITY DEFINER LANGUAGE sql AS 'SELECT ''tt''';
CREATE FUNCTION chk.i() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM chk.t';
CREATE FUNCTION chk.j() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN DELETE FROM chk.t; RETURN NULL; END';
\set ECHO queries
SELECT * FROM pg_temp.found('security_definer');
SELECT pg_temp.apply_fix('security_definer');
SELECT * FROM pg_temp.found('security_definer');

-- an owner in a bypass role sees every row, and so do its view and its function
\set ECHO none
GRANT regress_rls_maint TO regress_rls_owner;
CREATE VIEW chk.own AS SELECT * FROM chk.clean;
CREATE FUNCTION chk.k() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM chk.clean';
ALTER VIEW chk.own OWNER TO regress_rls_owner;
ALTER FUNCTION chk.k() OWNER TO regress_rls_owner;
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('view_definer') WHERE object = 'chk.own';
GRANT SELECT (id) ON chk.own TO regress_rls_app;
SELECT severity, object, problem FROM pg_temp.found('view_definer') WHERE object = 'chk.own';
SELECT severity, object, problem FROM pg_temp.found('security_definer');
-- but not if the tenant's floor applies to it too
\set ECHO none
REVOKE SELECT (id) ON chk.own FROM regress_rls_app;
-- a view for maintenance, of a role that has the privileges of the bypass role
CREATE ROLE regress_rls_worker;
GRANT regress_rls_maint TO regress_rls_worker;
GRANT SELECT ON chk.own TO regress_rls_worker;
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('view_definer') WHERE object = 'chk.own';
\set ECHO none
DROP OWNED BY regress_rls_worker;
DROP ROLE regress_rls_worker;
-- a default that equals a setting without a value
CREATE TABLE chk.link (id int, token text NOT NULL DEFAULT '', other text DEFAULT 'x');
ALTER TABLE chk.link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON chk.link TO regress_rls_app USING (token = (SELECT current_setting('app.token', true)));
\set ECHO queries
SELECT severity, object, problem, fix FROM pg_temp.found('open_without_context') WHERE object ~ 'chk.link';
ALTER POLICY p ON chk.link USING (token = (SELECT nullif(current_setting('app.token', true), '')));
SELECT severity, object, problem, fix FROM pg_temp.found('open_without_context') WHERE object ~ 'chk.link';
ALTER POLICY p ON chk.link USING (other = (SELECT current_setting('app.token', true)));
SELECT severity, object, problem, fix FROM pg_temp.found('open_without_context') WHERE object ~ 'chk.link';
\set ECHO none
DROP TABLE chk.link;
GRANT SELECT (id) ON chk.own TO regress_rls_app;
GRANT regress_rls_app TO regress_rls_owner;
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('view_definer') WHERE object = 'chk.own';
SELECT severity, object, problem FROM pg_temp.found('security_definer');
\set ECHO none
REVOKE regress_rls_app, regress_rls_maint FROM regress_rls_owner;
DROP VIEW chk.own;
DROP FUNCTION chk.k();

-- partition_exposed
CREATE TABLE chk.part (tenant_id integer, user_id integer) PARTITION BY LIST (tenant_id);
ALTER TABLE chk.part OWNER TO regress_rls_owner;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('chk.part', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}');
CREATE TABLE chk.part_1 PARTITION OF chk.part FOR VALUES IN (1);
ALTER TABLE chk.part_1 OWNER TO regress_rls_owner;
SELECT * FROM pg_temp.found('partition_exposed');
GRANT SELECT ON chk.part_1 TO regress_rls_app;
SELECT * FROM pg_temp.found('partition_exposed');
SELECT pg_temp.apply_fix('partition_exposed');
SELECT * FROM pg_temp.found('partition_exposed');
-- the fix keeps a membership
\set ECHO none
BEGIN;
CREATE TABLE chk.members (user_id integer, tenant_id integer);
GRANT SELECT ON chk.members TO regress_rls_app;
ALTER TABLE chk.members OWNER TO regress_rls_owner;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('chk.part', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}', via => 'chk.members');
CREATE TABLE chk.part_2 PARTITION OF chk.part FOR VALUES IN (2);
ALTER TABLE chk.part_2 OWNER TO regress_rls_owner;
SELECT fix FROM pg_temp.found('partition_exposed');
SELECT pg_temp.apply_fix('partition_exposed');
SELECT * FROM pg_temp.found('partition_exposed');
SELECT DISTINCT polname, pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid IN ('chk.part'::regclass, 'chk.part_2'::regclass) ORDER BY 1;
\set ECHO none
ROLLBACK;

-- sequence_privilege
CREATE TABLE chk.numbered (id integer GENERATED BY DEFAULT AS IDENTITY, old_id serial, tenant_id integer);
ALTER TABLE chk.numbered OWNER TO regress_rls_owner;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('chk.numbered', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}');
GRANT USAGE ON SEQUENCE chk.numbered_id_seq, chk.numbered_old_id_seq TO regress_rls_app;
SELECT * FROM pg_temp.found('sequence_privilege');
GRANT SELECT ON SEQUENCE chk.numbered_id_seq TO regress_rls_app;
GRANT UPDATE ON SEQUENCE chk.numbered_old_id_seq TO PUBLIC;
SELECT * FROM pg_temp.found('sequence_privilege');
REVOKE SELECT ON SEQUENCE chk.numbered_id_seq FROM regress_rls_app;
SELECT pg_temp.apply_fix('sequence_privilege');
SELECT * FROM pg_temp.found('sequence_privilege');
\set ECHO none
DROP TABLE chk.numbered;

-- a partition of a table with hand-written policies: enough if it is closed to queries that name it
CREATE TABLE chk.hand (tenant_id integer) PARTITION BY LIST (tenant_id);
CREATE TABLE chk.hand_1 PARTITION OF chk.hand DEFAULT;
ALTER TABLE chk.hand ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON chk.hand USING (tenant_id = 1);
\set ECHO queries
SELECT * FROM pg_temp.found('partition_exposed');
SELECT pg_temp.apply_fix('partition_exposed');
SELECT rule, object FROM cmig.rls_check('chk') WHERE object ~ 'hand_1';
\set ECHO none
DROP TABLE chk.hand;

-- rls_disabled again: the siblings' key under another name, as user or tenant; a column that one
-- policy uses is not a key yet
CREATE SCHEMA chk2;
CREATE TABLE chk2.a (id integer PRIMARY KEY, owner_id integer, org text, flag boolean);
CREATE TABLE chk2.b (id integer PRIMARY KEY, owner_id integer);
CREATE TABLE chk2.c (id integer PRIMARY KEY, org text);
CREATE TABLE chk2.d (id integer PRIMARY KEY, flag boolean);
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('chk2.a', user_column => 'owner_id', tenant_column => 'org', roles => '{regress_rls_app}');
CREATE POLICY flagged ON chk2.a FOR SELECT TO regress_rls_app2 USING (flag);
SELECT rule, severity, object, fix FROM cmig.rls_check('chk2') WHERE rule = 'rls_disabled';
\set ECHO none
DROP SCHEMA chk2 CASCADE;

-- and where no role is known
CREATE SCHEMA chk2;
CREATE TABLE chk2.a (id integer PRIMARY KEY, owner_id integer);
CREATE TABLE chk2.b (id integer PRIMARY KEY);
ALTER TABLE chk2.a ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON chk2.a USING (owner_id = 1);
\set ECHO queries
SELECT problem, fix FROM cmig.rls_check('chk2') WHERE rule = 'rls_disabled';
\set ECHO none
DROP SCHEMA chk2 CASCADE;

-- fixes that are pasted in order: the application sees its rows after each check
CREATE SCHEMA chk3 AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA chk3 TO regress_rls_app;
SET ROLE regress_rls_owner;
CREATE TABLE chk3.keyed (id integer PRIMARY KEY, tenant_id integer);
CREATE TABLE chk3.lookup (id integer PRIMARY KEY);
CREATE TABLE chk3.open (id integer PRIMARY KEY, tenant_id integer);
CREATE TABLE chk3.closed (id integer PRIMARY KEY, tenant_id integer);
CREATE TABLE chk3.unknown (id integer PRIMARY KEY);
INSERT INTO chk3.keyed VALUES (1, 1), (2, 2);
INSERT INTO chk3.lookup VALUES (1), (2);
INSERT INTO chk3.open VALUES (1, 1), (2, 2);
INSERT INTO chk3.closed VALUES (1, 1), (2, 2);
GRANT SELECT ON ALL TABLES IN SCHEMA chk3 TO regress_rls_app;
CREATE POLICY everything ON chk3.open TO regress_rls_app USING (true);
ALTER TABLE chk3.closed ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE chk3.unknown ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
RESET ROLE;
CREATE FUNCTION pg_temp.paste() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	finding record;
BEGIN
	FOR finding IN SELECT * FROM cmig.rls_check('chk3') WHERE rule IN ('rls_disabled', 'policy_without_rls', 'always_true', 'rls_without_policy', 'missing_index', 'no_force') LOOP
		RETURN NEXT concat_ws('|', finding.rule, finding.severity, finding.object, finding.problem, finding.fix);
		IF finding.fix !~ '<' THEN
			EXECUTE finding.fix;
		END IF;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.seen() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	SET LOCAL ROLE regress_rls_app;
	PERFORM set_config('app.current_tenant_id', '1', true);
	SELECT format('keyed %s, lookup %s, open %s, closed %s', (SELECT count(*) FROM chk3.keyed), (SELECT count(*) FROM chk3.lookup),
		(SELECT count(*) FROM chk3.open), (SELECT count(*) FROM chk3.closed)) INTO result;
	RESET ROLE;
	RETURN result;
END $$;
SET client_min_messages = error;
\set ECHO queries
SELECT pg_temp.seen();
SELECT pg_temp.paste();
SELECT pg_temp.seen();
SELECT pg_temp.paste();
SELECT pg_temp.seen();
SELECT pg_temp.paste();
SELECT pg_temp.seen();
-- no role is known for which a policy could be
\set ECHO none
REVOKE ALL ON chk3.unknown FROM regress_rls_app;
DROP TABLE chk3.keyed, chk3.lookup, chk3.open, chk3.closed;
CREATE POLICY p ON chk3.unknown USING (id = 1);
\set ECHO queries
SELECT rule, fix FROM cmig.rls_check('chk3') WHERE rule = 'to_public';
\set ECHO none
RESET client_min_messages;
DROP SCHEMA chk3 CASCADE;

-- expressions of all kinds
ALTER POLICY p ON chk.t USING (CASE WHEN tenant_id = 1 THEN true WHEN current_user = 'x' THEN id = 2 ELSE false END);
\set ECHO queries
SELECT rule, severity, problem, fix FROM cmig.rls_check('chk') WHERE object = 'policy p on chk.t' AND severity <> 'notice';
ALTER POLICY p ON chk.t USING ((id, tenant_id) IN (SELECT 1, 2) AND t IS NOT NULL AND COALESCE(tenant_id, 0) = ANY ('{1,2}'))
	WITH CHECK (tenant_id NOT IN (SELECT m.tenant FROM chk.member m) OR now() > '2020-01-01');
SELECT rule, severity, problem, fix FROM cmig.rls_check('chk') WHERE object = 'policy p on chk.t' AND severity <> 'notice';
ALTER POLICY p ON chk.t USING (EXISTS (WITH w AS (SELECT 1 AS x UNION SELECT m.tenant FROM chk.member m) SELECT FROM w WHERE w.x = tenant_id))
	WITH CHECK (tenant_id = 1);
SELECT rule, severity, problem, fix FROM cmig.rls_check('chk') WHERE object = 'policy p on chk.t' AND severity <> 'notice';
ALTER POLICY p ON chk.t USING (tenant_id = 1 OR tenant_id IS NULL) WITH CHECK (tenant_id = 1 AND id > 0);

-- unused_policy
SELECT * FROM pg_temp.found('unused_policy');
GRANT SELECT, INSERT, UPDATE, DELETE ON chk.t, chk.part, chk.part_1 TO regress_rls_app;
GRANT DELETE ON chk.part_1 TO regress_rls_owner;
SELECT * FROM pg_temp.found('unused_policy');

-- duplicate_policy, many_permissive
SELECT * FROM pg_temp.found('many_permissive');
CREATE POLICY q ON chk.t TO regress_rls_app USING (tenant_id = 1 OR tenant_id IS NULL) WITH CHECK (tenant_id = 1 AND id > 0);
CREATE POLICY r ON chk.t FOR SELECT TO regress_rls_app2 USING (id = 1);
SELECT * FROM pg_temp.found('duplicate_policy');
SELECT * FROM pg_temp.found('many_permissive');
SELECT pg_temp.apply_fix('duplicate_policy');
SELECT * FROM pg_temp.found('duplicate_policy');
SELECT * FROM pg_temp.found('many_permissive');

-- all schemas; the most severe first
SELECT severity, rule, object FROM cmig.rls_check() WHERE object ~ 'chk\.';

-- the gate: an upgrade ends with the check
\set ECHO all
\pset tuples_only off
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES
	('r1', 'CREATE TABLE chk.fresh (id integer PRIMARY KEY, tenant_id integer)', 'DROP TABLE chk.fresh'),
	('r2', 'ALTER TABLE chk.fresh ADD COLUMN x text', 'ALTER TABLE chk.fresh DROP COLUMN x');
UPDATE cmig.revision SET down_revision = '{r1}' WHERE revision = 'r2';
SET cmig.rls_gate = 'chk, nowhere';
SELECT * FROM cmig.upgrade('r1');
SET cmig.rls_gate = 'chk';
SELECT * FROM cmig.upgrade('r1');
SELECT to_regclass('chk.fresh');
SELECT * FROM cmig.current();
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || $$; SELECT cmig.enable_rls('chk.fresh', roles => '{regress_rls_app}', force => false)$$ WHERE revision = 'r1';
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.downgrade('base');
-- stepwise: committed steps stay, and the last step is not done
DROP TABLE chk.member CASCADE;
CALL cmig.upgrade_stepwise('head');
SELECT cmig.disable_rls('chk.fresh') \g /dev/null
INSERT INTO cmig.revision (revision, down_revision, upgrade_sql, downgrade_sql) VALUES
	('r3', '{r2}', 'ALTER TABLE chk.fresh ADD COLUMN y text', '');
CALL cmig.upgrade_stepwise('head');
SELECT revision FROM cmig.current();
UPDATE cmig.revision SET upgrade_sql = upgrade_sql || $$; SELECT cmig.enable_rls('chk.fresh', roles => '{regress_rls_app}', force => false)$$ WHERE revision = 'r3';
CALL cmig.upgrade_stepwise('head');
SELECT revision FROM cmig.current();
SELECT * FROM cmig.downgrade('base');
\set VERBOSITY sqlstate
SET cmig.rls_gate = 'a,,b';
SET cmig.rls_gate = '';
\set VERBOSITY default
SELECT * FROM cmig.upgrade('head');
-- not every role may set it, but the privilege can be granted
SET ROLE regress_rls_owner;
SET cmig.rls_gate = 'chk';
RESET ROLE;
GRANT SET ON PARAMETER cmig.rls_gate TO regress_rls_owner;
SET ROLE regress_rls_owner;
SET cmig.rls_gate = 'chk';
RESET ROLE;
RESET cmig.rls_gate;

SET client_min_messages = warning;
DROP SCHEMA chk CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_app2, regress_rls_maint, regress_rls_free;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_app2, regress_rls_maint, regress_rls_free;
DROP TABLE IF EXISTS chk.fresh;
DROP EXTENSION pg_cmig;
