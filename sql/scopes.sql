--
-- Many scopes: upgrade_scopes, scopes, create_scope, drop_scope, and revisions of scopes that
-- depend on revisions of the database
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set ECHO all
CREATE EXTENSION pg_cmig;
\set SHOW_CONTEXT never
\set ECHO none
SELECT * FROM cmig.load($load$
-- revision: s1
-- branch_labels: shared
-- message: Create currencies

-- cmig:upgrade
CREATE TABLE currency (code text PRIMARY KEY);
-- cmig:downgrade
DROP TABLE currency;

-- revision: s2
-- down_revision: s1
-- message: Add rates

-- cmig:upgrade
ALTER TABLE currency ADD rate numeric;
-- cmig:downgrade
ALTER TABLE currency DROP rate;

-- revision: t1
-- branch_labels: tenant
-- depends_on: s1
-- message: Create invoices

-- cmig:upgrade
CREATE TABLE invoice (id int PRIMARY KEY, currency text REFERENCES currency);
-- cmig:downgrade
DROP TABLE invoice;

-- revision: t2
-- down_revision: t1
-- depends_on: s2
-- message: Add a total

-- cmig:upgrade
ALTER TABLE invoice ADD total numeric CHECK (total >= 0);
-- cmig:downgrade
ALTER TABLE invoice DROP total;
$load$);
\set ECHO all

-- arguments
CALL cmig.upgrade_scopes();
CALL cmig.upgrade_scopes('tenant%', NULL);
CALL cmig.upgrade_scopes('tenant%', 'tenant@head', -1);
CALL cmig.upgrade_scopes('tenant%');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT * FROM cmig.create_scope();
SELECT * FROM cmig.create_scope('');
SELECT * FROM cmig.create_scope('pg_new');
SELECT * FROM cmig.create_scope('public');
SELECT * FROM cmig.create_scope('tenant_1', NULL);
SELECT cmig.drop_scope();
SELECT cmig.drop_scope('tenant_1');
SELECT cmig.drop_scope('tenant_1', 'tenant_2');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.drop_scope('tenant_1', 'tenant_1');
$calls$);
SELECT cmig.drop_scope('cmig', 'cmig');
\set VERBOSITY default

-- hints that name an upgrade
CREATE FUNCTION pg_temp.hints(VARIADIC statements text[] DEFAULT '{}') RETURNS TABLE (place text, hint text) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT 'status: ' || s.item, s.hint FROM cmig.status() s WHERE s.hint ~ 'upgrade[a-z_]*\('
		UNION ALL SELECT 'check: ' || c.object, c.fix FROM cmig.check() c WHERE c.fix ~ 'upgrade[a-z_]*\(';
	FOREACH place IN ARRAY statements || ARRAY[$q$cmig.require('heads')$q$, $q$cmig.capture('a', head => 'shared@head')$q$] LOOP
		BEGIN
			EXECUTE 'SELECT FROM ' || place;
		EXCEPTION WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
			RETURN NEXT;
		END;
	END LOOP;
END $$;
\set ECHO all

-- a revision of the database must be applied there first
SELECT * FROM cmig.create_scope('tenant_1', 'tenant@head');
SELECT revision FROM cmig.upgrade('s1');
-- the trees of the scopes are known even if nothing is applied in any scope
CREATE SCHEMA tenant_7 CREATE TABLE invoice (id int);
CALL cmig.upgrade_scopes('tenant\_7', 'tenant@head', 1);
SELECT * FROM pg_temp.hints();
\set VERBOSITY sqlstate
CALL cmig.upgrade_scopes('tenant\_7', 't1', 1);
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'heads', 'pending', 'scopes');
SELECT * FROM pg_temp.hints();
\set VERBOSITY default
DROP SCHEMA tenant_7 CASCADE;
SELECT * FROM cmig.create_scope('tenant_1', 'tenant@head');
SELECT * FROM cmig.create_scope('tenant_1', 't1');
SELECT * FROM cmig.create_scope('tenant_1', 't1');
SELECT scope, current, pending, failed FROM cmig.scopes();
\set ECHO none
CREATE SCHEMA tenant_2;
CREATE SCHEMA "tenant ""3'";
CREATE SCHEMA tenantless;
\set VERBOSITY sqlstate
\set ECHO all
CALL cmig.upgrade_scopes('tenant%');
CALL cmig.upgrade_scopes('tenant%', 'nowhere');
SELECT scope, current, pending, failed FROM cmig.scopes();
BEGIN;
\set VERBOSITY default
\set VERBOSITY sqlstate
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
\set VERBOSITY default
ROLLBACK;
\set VERBOSITY sqlstate

-- the first failure ends the call, and is recorded
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
SELECT scope, current, pending, failed FROM cmig.scopes();
SELECT revision FROM cmig.upgrade('shared@head');
SELECT revision, direction, outcome, sqlstate, scope FROM cmig.journal WHERE outcome = 'failed';

-- a failure in one scope; others are upgraded
INSERT INTO currency VALUES ('EUR', 1);
ALTER TABLE tenant_1.invoice ADD total int;
CALL cmig.upgrade_scopes('tenant\_%', 'tenant@head', 1);
\set VERBOSITY default
CALL cmig.upgrade_scopes('tenant %', 'tenant@head');
SELECT scope, current, pending, failed FROM cmig.scopes();
SELECT item, value, hint FROM cmig.status() WHERE item IN ('pending', 'scopes');
SELECT cmig.report() ~ 'Nothing is pending' AS none;
-- a hint names cmig.upgrade only for revisions of the database's tree
SELECT * FROM pg_temp.hints('cmig.require(''tenant@head'')', 'cmig.require(''shared@head'')', 'cmig.verify(''t1'')');
BEGIN;
SELECT cmig.create_revision('Add a date', 'ALTER TABLE currency ADD since date', 'ALTER TABLE currency DROP since', revision => 's3', head => 's2');
INSERT INTO cmig.revision (revision, upgrade_sql, repeatable) VALUES ('rates', 'CREATE OR REPLACE VIEW rates AS SELECT rate FROM currency', true);
SELECT * FROM pg_temp.hints('cmig.require(''shared@head'')');
SELECT count(*) FROM cmig.upgrade('heads');
UPDATE cmig.revision SET upgrade_sql = 'CREATE OR REPLACE VIEW rates AS SELECT code, rate FROM currency' WHERE repeatable;
SELECT * FROM pg_temp.hints();
DELETE FROM cmig.revision;
DELETE FROM cmig.version;
SELECT * FROM pg_temp.hints();
ROLLBACK;
SELECT severity, problem, fix FROM cmig.check() WHERE object = 'scopes';
SET cmig.scope = 'tenant_1';
SELECT item FROM cmig.status() WHERE item = 'scopes';
SELECT what, revision, message FROM cmig.log();
RESET cmig.scope;
\set VERBOSITY sqlstate
-- by default, the first failure ends the call with its error
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
ALTER TABLE tenant_1.invoice DROP total;
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
CALL cmig.upgrade_scopes('nothing%', 'tenant@head');
SELECT string_agg(concat_ws(' ', scope, current, pending, failed), ', ') FROM cmig.scopes();
SELECT string_agg(format('%s %s', scope, revision), ', ' ORDER BY scope COLLATE "C") FROM cmig.scope_version;
SELECT * FROM cmig.version;
SELECT string_agg(relnamespace::regnamespace || ' ' || relname, ', ' ORDER BY relname, relnamespace::regnamespace::text COLLATE "C") FROM pg_class WHERE relname IN ('invoice', 'currency');

-- system schemas, those of extensions, and public are no scopes
CALL cmig.upgrade_scopes('%', '+0');

\set VERBOSITY default
-- the database cannot go below what the scopes need
SELECT * FROM cmig.downgrade('s1');
SELECT * FROM cmig.downgrade('shared@base');
SET cmig.scope = 'tenant_1';
SELECT revision FROM cmig.downgrade('tenant@base');
SELECT revision FROM cmig.current();
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'pending');
-- a dependency on another tree of the scopes is to be applied in the scope
BEGIN;
INSERT INTO cmig.revision (revision, depends_on, upgrade_sql) VALUES ('p1', '{t1}', 'SELECT 1');
SELECT revision FROM cmig.upgrade('p1');
ROLLBACK;
SELECT revision FROM cmig.upgrade('tenant@head');
SELECT item, value, hint FROM cmig.status() WHERE item IN ('current', 'pending');
RESET cmig.scope;

-- create with everything, drop, and create again: nothing of the old one counts
SELECT * FROM cmig.create_scope('Tenant 4', 'tenant@head');
INSERT INTO "Tenant 4".invoice VALUES (1, 'EUR', 2);
SET cmig.protect = 'base';
SELECT cmig.drop_scope('Tenant 4', 'Tenant 4');
RESET cmig.protect;
SELECT cmig.drop_scope('Tenant 4', 'Tenant 4');
\set VERBOSITY sqlstate
SELECT cmig.drop_scope('Tenant 4', 'Tenant 4');
SELECT string_agg(scope, ', ') FROM cmig.scopes();
\set VERBOSITY default
SELECT * FROM cmig.create_scope('Tenant 4', 't1');
DROP SCHEMA "Tenant 4" CASCADE;
SELECT scope, current, pending FROM cmig.scopes() WHERE scope = 'Tenant 4';
SELECT * FROM cmig.create_scope('Tenant 4', 't1');
SELECT string_agg(concat_ws(' ', id, revision, direction, message), ', ' ORDER BY id) FROM cmig.journal WHERE scope = 'Tenant 4';
DROP SCHEMA "Tenant 4" CASCADE;
SELECT cmig.drop_scope('Tenant 4', 'Tenant 4');

-- a revision that is not transactional is run stepwise in each scope
SELECT cmig.create_revision('index', 'CREATE INDEX CONCURRENTLY ON invoice (total)', 'DROP INDEX invoice_total_idx', revision => 't3', head => 'tenant@head', transactional => false);
SELECT * FROM pg_temp.hints();
\set VERBOSITY default
CALL cmig.upgrade_scopes('tenant\_1', 'tenant@head');
SELECT scope, current, pending, failed FROM cmig.scopes() WHERE scope = 'tenant_1';
CALL cmig.downgrade_scopes('tenant\_1', 't2');
-- a step that is partially applied in a scope
UPDATE cmig.revision SET upgrade_sql = 'CREATE INDEX CONCURRENTLY "a b" ON invoice (total); SELECT 1/0' WHERE revision = 't3';
CALL cmig.upgrade_scopes('tenant\_1', 'tenant@head', max_failures => 1);
SELECT failed FROM cmig.scopes() WHERE scope = 'tenant_1';
SELECT * FROM pg_temp.hints('cmig.remove_revision(''t3'')');
CALL cmig.upgrade_scopes('tenant\_1', 'tenant@head');
SELECT outcome, statement, count(*) FROM cmig.journal WHERE scope = 'tenant_1' AND revision = 't3' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' OR locktype = 'object' AND pid = pg_backend_pid();
SET cmig.scope = 'tenant_1';
DROP INDEX tenant_1."a b";
SELECT cmig.stamp('t2', purge => true);
RESET cmig.scope;
SELECT cmig.remove_revision('t3');

-- squashed revisions are needed while a scope is in the middle of them
SET cmig.scope = 'tenant_1';
SELECT revision FROM cmig.downgrade('t1');
RESET cmig.scope;
INSERT INTO cmig.revision (revision, replaces, depends_on, branch_labels, upgrade_sql, downgrade_sql) VALUES
	('t9', '{t1,t2}', '{s2}', '{tenant}', 'CREATE TABLE invoice (id int PRIMARY KEY, currency text REFERENCES currency, total numeric CHECK (total >= 0))', 'DROP TABLE invoice');
SELECT cmig.remove_revision('t2');
SELECT * FROM pg_temp.hints();
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
SELECT string_agg(format('%s %s', scope, revision), ', ' ORDER BY scope COLLATE "C") FROM cmig.scope_version;
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
SELECT count(*) FROM cmig.scope_version WHERE revision = 't9';
SELECT cmig.remove_revision('t9');
SELECT cmig.remove_revision('t2');

-- a schema that is not safe is left out, and the call ends with an error after the others
CREATE ROLE regress_scopes_stranger;
CREATE SCHEMA tenant_0 AUTHORIZATION regress_scopes_stranger;
CREATE SCHEMA tenant_6;
CALL cmig.upgrade_scopes('tenant\_%', 'tenant@head');
SELECT scope, current, failed FROM cmig.scopes() WHERE scope IN ('tenant_0', 'tenant_6');
\set VERBOSITY terse
CALL cmig.upgrade_scopes('tenant\_%', 'tenant@head', 1);
\set VERBOSITY default
ALTER SCHEMA tenant_0 OWNER TO CURRENT_USER;
CALL cmig.upgrade_scopes('tenant\_%', 'tenant@head');
-- scopes whose schemas were dropped by hand, and version rows for schemas that cannot be
-- scopes
DROP SCHEMA tenant_0, tenant_6 CASCADE;
INSERT INTO cmig.scope_version (scope, revision) VALUES ('public', 's1'), (repeat('long', 16), 's1');
SELECT severity, object, problem, fix FROM cmig.check() WHERE object LIKE 'scope %';
SELECT fix FROM cmig.check() WHERE object LIKE 'scope %' \gexec
SELECT severity, object, problem, fix FROM cmig.check() WHERE object LIKE 'scope %';
DROP ROLE regress_scopes_stranger;

-- as a migrator, and as a role that may only read
CREATE ROLE regress_scopes;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_scopes', 'reader');
SET ROLE regress_scopes;
SELECT count(*) FROM cmig.scopes();
CALL cmig.upgrade_scopes('tenant%', 'tenant@head');
SELECT * FROM cmig.create_scope('tenant_5', 'tenant@head');
SELECT cmig.drop_scope('tenant_1', 'tenant_1');
RESET ROLE;
SELECT count(*) > 0 AS granted FROM cmig.grant_access('regress_scopes', 'migrator');
-- a schema that never was a scope is not dropped
CREATE SCHEMA not_a_scope;
SELECT cmig.drop_scope('not_a_scope', 'not_a_scope');
DROP SCHEMA not_a_scope;
SET ROLE regress_scopes;
SELECT * FROM cmig.create_scope('tenant_5', 'tenant@head');
\set VERBOSITY sqlstate
SELECT cmig.drop_scope('tenant_1', 'tenant_1');
\set ECHO none
RESET ROLE;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_scopes;
GRANT REFERENCES ON currency TO regress_scopes;
SET ROLE regress_scopes;
\set VERBOSITY default
\set ECHO all
SELECT * FROM cmig.create_scope('tenant_5', 'tenant@head');
SELECT cmig.drop_scope('tenant_5', 'tenant_5');
\set ECHO none
RESET ROLE;

-- a changed repeatable revision is pending in each scope until it has run there
DROP EXTENSION pg_cmig;
CREATE EXTENSION pg_cmig;
CREATE SCHEMA again_1;
CREATE SCHEMA again_2;
INSERT INTO cmig.revision (revision, upgrade_sql, repeatable) VALUES ('001', 'CREATE TABLE rate ()', false),
	('often', 'CREATE OR REPLACE VIEW shown AS SELECT 1 AS a', true);
\set ECHO all
CALL cmig.upgrade_scopes('again\_%');
SELECT string_agg(concat_ws(' ', scope, current, pending), ', ') FROM cmig.scopes();
UPDATE cmig.revision SET upgrade_sql = 'CREATE OR REPLACE VIEW shown AS SELECT 1 AS a, 2 AS b' WHERE repeatable;
SELECT value FROM cmig.status() WHERE item = 'scopes';
CALL cmig.upgrade_scopes('again\_1');
SELECT string_agg(concat_ws(' ', scope, current, pending), ', ') FROM cmig.scopes();
CALL cmig.upgrade_scopes('again\_%');
SELECT value FROM cmig.status() WHERE item = 'scopes';
\set ECHO none
SET client_min_messages = warning;
DROP EXTENSION pg_cmig;
DROP SCHEMA again_1, again_2 CASCADE;
DROP SCHEMA tenant_1, tenant_2, "tenant ""3'", tenantless CASCADE;
DROP TABLE currency;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_scopes;
DROP ROLE regress_scopes;
