--
-- Row-level security: rls_check and the ways around policies: SECURITY DEFINER functions, writable
-- membership tables, privileges that no policy limits, and partitions
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_other;
CREATE ROLE "regress_rls odd, one";
CREATE ROLE regress_rls_maint;
CREATE ROLE regress_rls_group;
CREATE SCHEMA ways AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA ways TO regress_rls_app, regress_rls_maint;
\pset tuples_only on
CREATE FUNCTION pg_temp.found(want text) RETURNS TABLE (severity text, object text, problem text, fix text)
LANGUAGE sql AS $$ SELECT severity, object, problem, fix FROM cmig.rls_check('ways') WHERE rule = want $$;
CREATE FUNCTION pg_temp.apply_fix(want text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	todo text;
BEGIN
	FOR todo IN SELECT DISTINCT fix FROM cmig.rls_check('ways') WHERE rule = want LOOP
		EXECUTE todo;
	END LOOP;
END $$;
CREATE TABLE ways.t (id integer PRIMARY KEY, tenant_id integer, user_id integer);
ALTER TABLE ways.t OWNER TO regress_rls_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ways.t TO regress_rls_app, regress_rls_maint;
SET client_min_messages = error;
\set ECHO all
SELECT count(*) > 0 FROM cmig.enable_rls('ways.t', user_column => '', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_maint}');
RESET client_min_messages;
\set ECHO queries
SELECT * FROM cmig.rls_check('ways');

-- dynamic_sql: it may read tables that it does not name
\set ECHO none
CREATE FUNCTION ways.d1(x text) RETURNS bigint SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS
	$$ DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %I', x) INTO n; RETURN n; END $$;
CREATE FUNCTION ways.d2(x text) RETURNS SETOF text SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS
	$$ BEGIN RETURN QUERY
		execute x; END $$;
CREATE FUNCTION ways.d3(x text) RETURNS xml SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS
	$$ SELECT query_to_xml (x, false, false, '') $$;
CREATE PROCEDURE ways.d4(x text) SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS
	$$ BEGIN FOR x IN EXECUTE x LOOP NULL; END LOOP; END $$;
\set ECHO queries
SELECT * FROM pg_temp.found('dynamic_sql');
-- not found: the word in a comment, a string, or a GRANT; without SECURITY DEFINER; a function that others may not call; triggers
\set ECHO none
CREATE FUNCTION ways.n1() RETURNS text SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS
	$$ BEGIN -- EXECUTE nothing
	/* EXECUTE * nothing **/ RETURN 'it''s EXECUTE'; END $$;
CREATE FUNCTION ways.n2() RETURNS void SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS
	$$ BEGIN GRANT EXECUTE
		ON FUNCTION ways.n1() TO PUBLIC; END $$;
CREATE FUNCTION ways.n3(x text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE x; END $$;
CREATE FUNCTION ways.n4(x text) RETURNS void SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN EXECUTE x; END $$;
REVOKE ALL ON FUNCTION ways.n4(text) FROM PUBLIC;
CREATE FUNCTION ways.n5() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN NULL; END $$;
\set ECHO queries
SELECT count(*) FROM pg_temp.found('dynamic_sql');
-- of an owner to which policies apply, and of one without privileges there
\set ECHO none
ALTER FUNCTION ways.d1(text) OWNER TO regress_rls_owner;
ALTER FUNCTION ways.d2(text) OWNER TO regress_rls_maint;
ALTER FUNCTION ways.d3(text) OWNER TO regress_rls_other;
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('dynamic_sql');
SELECT pg_temp.apply_fix('dynamic_sql');
SELECT * FROM pg_temp.found('dynamic_sql');

-- definer_search_path: functions that read protected tables
\set ECHO none
CREATE FUNCTION ways.s1() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT count(*) FROM ways.t';
CREATE FUNCTION ways.s2() RETURNS bigint SECURITY DEFINER SET search_path = ways LANGUAGE sql AS 'SELECT count(*) FROM t';
CREATE FUNCTION ways.s3() RETURNS bigint SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS 'SELECT count(*) FROM t';
CREATE FUNCTION ways.s4() RETURNS bigint SECURITY DEFINER SET search_path = '' LANGUAGE sql AS 'SELECT count(*) FROM ways.t';
CREATE FUNCTION ways.s5() RETURNS bigint SECURITY DEFINER LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM ways.t; END;
CREATE FUNCTION ways.s6() RETURNS bigint SECURITY DEFINER LANGUAGE sql AS 'SELECT 1';
\set ECHO queries
SELECT * FROM pg_temp.found('definer_search_path');
SELECT pg_temp.apply_fix('definer_search_path');
SELECT * FROM pg_temp.found('definer_search_path');
SELECT ways.s1(), ways.s2();
\set ECHO none
SET client_min_messages = error;
DROP FUNCTION ways.s1(), ways.s2(), ways.s3(), ways.s4(), ways.s5(), ways.s6();
RESET client_min_messages;

-- unrestricted_privilege: TRUNCATE and the like, also through a group and PUBLIC
GRANT TRUNCATE, REFERENCES ON ways.t TO regress_rls_app, regress_rls_maint;
\set ECHO queries
SELECT * FROM pg_temp.found('unrestricted_privilege');
REVOKE TRUNCATE ON ways.t FROM regress_rls_app;
SELECT severity, problem FROM pg_temp.found('unrestricted_privilege');
GRANT TRIGGER ON ways.t TO regress_rls_group, PUBLIC;
GRANT regress_rls_group TO regress_rls_app;
SELECT * FROM pg_temp.found('unrestricted_privilege');
SELECT pg_temp.apply_fix('unrestricted_privilege');
SELECT * FROM pg_temp.found('unrestricted_privilege');

-- a policy for PUBLIC applies to every role with a privilege
\set ECHO none
CREATE TABLE ways.pub (tenant_id integer);
ALTER TABLE ways.pub ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON ways.pub USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer));
\set ECHO queries
SELECT * FROM pg_temp.found('unrestricted_privilege');
GRANT ALL ON ways.pub TO regress_rls_app;
SELECT * FROM pg_temp.found('unrestricted_privilege');
\set ECHO none
DROP TABLE ways.pub;

-- membership_writable: a role that can add a row there gives itself access
CREATE TABLE ways.member (tenant_id integer, user_id integer, PRIMARY KEY (tenant_id, user_id));
ALTER TABLE ways.member OWNER TO regress_rls_owner;
GRANT SELECT ON ways.member TO regress_rls_app;
CREATE TABLE ways.doc (id integer PRIMARY KEY, tenant_id integer);
CREATE TABLE ways.line (doc_id integer, n integer);
ALTER TABLE ways.doc OWNER TO regress_rls_owner;
ALTER TABLE ways.line OWNER TO regress_rls_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ways.doc, ways.line TO regress_rls_app;
SET client_min_messages = error;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('ways.doc', roles => '{regress_rls_app}', via => 'ways.member');
RESET client_min_messages;
SELECT * FROM pg_temp.found('membership_writable');
GRANT INSERT ON ways.member TO regress_rls_app;
SELECT * FROM pg_temp.found('membership_writable');
SELECT pg_temp.apply_fix('membership_writable');
SELECT * FROM pg_temp.found('membership_writable');
-- through a column, a group, PUBLIC, or ownership
GRANT UPDATE (tenant_id) ON ways.member TO regress_rls_group;
GRANT INSERT ON ways.member TO PUBLIC;
SELECT * FROM pg_temp.found('membership_writable');
SELECT pg_temp.apply_fix('membership_writable');
SELECT * FROM pg_temp.found('membership_writable');
ALTER TABLE ways.member OWNER TO regress_rls_app;
SELECT * FROM pg_temp.found('membership_writable');
\set ECHO none
ALTER TABLE ways.member OWNER TO regress_rls_owner;
-- its own policies: without a policy for writing, nobody can add a row; with one, unless the key is unique
GRANT INSERT ON ways.member TO regress_rls_app;
ALTER TABLE ways.member ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON ways.member FOR SELECT TO regress_rls_app USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::integer));
\set ECHO queries
SELECT * FROM pg_temp.found('membership_writable');
\set ECHO none
SET client_min_messages = error;
CREATE POLICY added ON ways.member FOR INSERT TO regress_rls_app WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::integer));
RESET client_min_messages;
\set ECHO queries
SELECT * FROM pg_temp.found('membership_writable');
CREATE UNIQUE INDEX one ON ways.member (user_id);
SELECT severity, object FROM pg_temp.found('membership_writable');
CREATE UNIQUE INDEX two ON ways.member (tenant_id);
SELECT * FROM pg_temp.found('membership_writable');
\set ECHO none
DROP INDEX ways.one, ways.two;
-- hand-written policies of all forms; a parent that is read by its primary key has policies of its own
REVOKE INSERT ON ways.member FROM regress_rls_app;
ALTER TABLE ways.line ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON ways.line TO regress_rls_app USING (EXISTS (SELECT FROM ways.doc d WHERE d.id = line.doc_id));
\set ECHO queries
SELECT * FROM pg_temp.found('membership_writable');
ALTER TABLE ways.doc DISABLE ROW LEVEL SECURITY;
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
\set ECHO none
ALTER TABLE ways.doc ENABLE ROW LEVEL SECURITY;
CREATE TABLE ways.grants (what integer, who integer, tenant_id integer);
GRANT ALL ON ways.grants TO regress_rls_app;
ALTER POLICY p ON ways.line USING (doc_id IN (SELECT g.what FROM ways.grants g));
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
ALTER POLICY p ON ways.line USING (doc_id = ANY (ARRAY(SELECT m.tenant_id FROM ways.member m UNION SELECT g.what FROM ways.grants g)));
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
ALTER POLICY p ON ways.line USING (doc_id = ANY (ARRAY(SELECT d.id FROM ways.doc d WHERE d.tenant_id IN (SELECT tenant_id FROM ways.grants JOIN ways.member USING (tenant_id)))));
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
ALTER POLICY p ON ways.line TO PUBLIC USING (EXISTS (SELECT FROM ways.member m JOIN ways.grants g ON g.who = m.user_id WHERE g.what = line.doc_id));
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
REVOKE ALL ON ways.grants FROM regress_rls_app;
SELECT severity, object, problem FROM pg_temp.found('membership_writable');
GRANT INSERT ON ways.grants TO PUBLIC;
SELECT * FROM pg_temp.found('membership_writable');
ALTER POLICY p ON ways.line TO regress_rls_app USING (doc_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::integer));
SELECT * FROM pg_temp.found('membership_writable');

-- partition_exposed: the fix has all options with which the parent's policies were created
\set ECHO none
CREATE TABLE ways.part ("Tenant Id" integer, tenant_id integer, user_id integer, day date) PARTITION BY RANGE (day);
ALTER TABLE ways.part OWNER TO regress_rls_owner;
SET client_min_messages = error;
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('ways.part', tenant_column => 'Tenant Id', user_column => '', roles => '{regress_rls_app,"regress_rls odd, one"}',
	bypass_roles => '{regress_rls_maint}', shared => true, commands => '{SELECT,UPDATE}', force => false, column_default => true,
	create_index => false, require_context => true);
CREATE TABLE ways.part_1 PARTITION OF ways.part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE ways.part_1 OWNER TO regress_rls_owner;
SELECT fix FROM pg_temp.found('partition_exposed');
SELECT pg_temp.apply_fix('partition_exposed');
SELECT * FROM pg_temp.found('partition_exposed');
-- the same policies on both, and nothing new on the parent
SELECT polname FROM pg_policy p WHERE polrelid = 'ways.part'::regclass EXCEPT SELECT polname FROM pg_policy WHERE polrelid = 'ways.part_1'::regclass;
SELECT a.polname FROM pg_policy a JOIN pg_policy b ON b.polname = a.polname AND b.polrelid = 'ways.part_1'::regclass
	WHERE a.polrelid = 'ways.part'::regclass AND (a.polcmd, a.polroles, a.polpermissive, pg_get_expr(a.polqual, a.polrelid), pg_get_expr(a.polwithcheck, a.polrelid))
	IS DISTINCT FROM (b.polcmd, b.polroles, b.polpermissive, pg_get_expr(b.polqual, b.polrelid), pg_get_expr(b.polwithcheck, b.polrelid));
SELECT count(*) FROM pg_index WHERE indrelid IN ('ways.part'::regclass, 'ways.part_1'::regclass);
SELECT attrelid::regclass, attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
	WHERE adrelid IN ('ways.part'::regclass, 'ways.part_1'::regclass) ORDER BY 1;
\set ECHO none
DROP TABLE ways.part;
-- a user's table that also has a tenant; with a membership; for PUBLIC
CREATE TABLE ways.part (tenant_id integer, user_id integer, day date) PARTITION BY RANGE (day);
CREATE TABLE ways.part_1 PARTITION OF ways.part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
\set ECHO queries
SELECT count(*) > 0 FROM cmig.enable_rls('ways.part', tenant_column => '', roles => '{public}', public_read => true);
CREATE TABLE ways.part_2 PARTITION OF ways.part FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
SELECT fix FROM pg_temp.found('partition_exposed');
SELECT count(*) > 0 FROM cmig.enable_rls('ways.part', via => 'ways.member', roles => '{regress_rls_app}');
CREATE TABLE ways.part_3 PARTITION OF ways.part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
SELECT object, fix FROM pg_temp.found('partition_exposed');
RESET client_min_messages;

-- the tables that exist, protected or not
\pset tuples_only off
\pset null -
SELECT * FROM cmig.rls_status('nowhere');
SELECT * FROM cmig.rls_status('ways') WHERE target !~ 'part_';
SELECT count(*) FROM cmig.rls_status() WHERE target ~ '^(cmig|pg_catalog)[.]';
SET ROLE regress_rls_app;
SELECT * FROM cmig.rls_status('ways');
RESET ROLE;
SELECT count(*) > 0 FROM cmig.grant_access('regress_rls_app', 'reader');
SET ROLE regress_rls_app;
SELECT count(*) FROM cmig.rls_status('ways');
\set ECHO none
RESET ROLE;

-- what definer functions read by views and by other functions
CREATE VIEW ways.shown AS SELECT tenant_id, id FROM ways.t;
ALTER VIEW ways.shown OWNER TO regress_rls_maint;
CREATE FUNCTION ways.by_view() RETURNS bigint SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS 'SELECT count(*) FROM ways.shown';
CREATE FUNCTION ways.by_function() RETURNS bigint SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE plpgsql AS 'BEGIN RETURN ways.inner_count() + 1; END';
CREATE FUNCTION ways.inner_count() RETURNS bigint SET search_path = ways, pg_temp LANGUAGE sql AS 'SELECT count(*) FROM ways.t';
\set ECHO queries
SELECT severity, object FROM pg_temp.found('security_definer') WHERE object ~ 'by_' ORDER BY 2;
\set ECHO none
DROP FUNCTION ways.by_view(), ways.by_function(), ways.inner_count();
-- a notice only, if the function shows no rows of others
CREATE FUNCTION ways.is_mine(n integer) RETURNS boolean STABLE SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM ways.t WHERE t.id = n AND t.tenant_id = NULLIF(current_setting('app.current_tenant_id', true), '')::integer) $$;
CREATE FUNCTION ways.is_any(n integer) RETURNS boolean STABLE SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM ways.t WHERE t.id = n) $$;
CREATE FUNCTION ways.is_mine_or_any(n integer) RETURNS boolean STABLE SECURITY DEFINER SET search_path = ways, pg_temp LANGUAGE sql AS
	$$ SELECT ways.is_mine(n) OR EXISTS (SELECT FROM ways.t WHERE t.id = n) $$;
\set ECHO queries
SELECT severity, object, problem FROM pg_temp.found('security_definer') WHERE object ~ 'is_' ORDER BY 2;
\set ECHO none
DROP FUNCTION ways.is_mine(integer), ways.is_any(integer), ways.is_mine_or_any(integer);
-- views that only roles can read that see every row, and views above one with security_invoker
ALTER VIEW ways.shown OWNER TO regress_rls_owner;
GRANT SELECT ON ways.shown TO regress_rls_maint;
\set ECHO queries
SELECT severity, object FROM pg_temp.found('view_definer');
\set ECHO none
ALTER VIEW ways.shown SET (security_invoker);
CREATE VIEW ways.above AS SELECT * FROM ways.shown;
GRANT SELECT ON ways.shown, ways.above TO regress_rls_app;
\set ECHO queries
SELECT severity, object FROM pg_temp.found('view_definer');
CREATE MATERIALIZED VIEW ways.kept AS SELECT * FROM ways.shown;
GRANT SELECT ON ways.kept TO regress_rls_app;
SELECT severity, object FROM pg_temp.found('matview');
DROP VIEW ways.shown CASCADE;
-- a role that inherits a bypass: the membership is the cause, not the policy
GRANT regress_rls_maint TO regress_rls_app;
SELECT severity, object, fix FROM pg_temp.found('always_true');
SELECT pg_temp.apply_fix('always_true');
SELECT severity, object, fix FROM pg_temp.found('always_true');

-- which findings stop an upgrade
\set ECHO none
CREATE SCHEMA gate AUTHORIZATION regress_rls_owner;
CREATE TABLE gate.t (id integer PRIMARY KEY, tenant_id integer NOT NULL);
ALTER TABLE gate.t OWNER TO regress_rls_owner;
ALTER TABLE gate.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON gate.t TO regress_rls_app;
CREATE POLICY p ON gate.t FOR SELECT TO regress_rls_app USING (tenant_id - (SELECT NULLIF(current_setting('app.tenant', true), '')::integer) = 0);
\set ECHO queries
SELECT rule, severity, fix FROM cmig.rls_check('gate');
\set ECHO none
INSERT INTO cmig.revision (revision, upgrade_sql, downgrade_sql) VALUES ('w1', 'SELECT 1', 'SELECT 1');
SET cmig.rls_gate = 'gate';
SET cmig.rls_gate_level = 'warning';
\set ECHO queries
SELECT count(*) FROM cmig.upgrade('head');
SELECT count(*) FROM cmig.downgrade('base');
SET cmig.rls_gate_level = 'not_judged';
SELECT count(*) FROM cmig.upgrade('head');
\set VERBOSITY sqlstate
SET cmig.rls_gate_level = 'some';
\set VERBOSITY default
RESET cmig.rls_gate_level;
SELECT count(*) FROM cmig.upgrade('head');
\set ECHO none
RESET cmig.rls_gate;

SET client_min_messages = warning;
DROP SCHEMA gate CASCADE;
DROP SCHEMA ways CASCADE;
DROP OWNED BY regress_rls_app, "regress_rls odd, one";
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_other, regress_rls_maint, regress_rls_group, "regress_rls odd, one";
DROP EXTENSION pg_cmig;
