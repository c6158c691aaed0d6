-- Waves of scopes: the first ones, and downgrades
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
\set SHOW_CONTEXT never
CREATE EXTENSION pg_cmig;
CREATE SCHEMA tenant_1;
CREATE SCHEMA tenant_2;
CREATE SCHEMA tenant_3;
CREATE SCHEMA tenant_4;
INSERT INTO cmig.revision (revision, down_revision, message, upgrade_sql, downgrade_sql) VALUES
	('001', '{}', 'Invoices', 'CREATE TABLE invoice (id bigint)', 'DROP TABLE invoice'),
	('002', '{001}', 'Totals', 'ALTER TABLE invoice ADD total numeric', 'ALTER TABLE invoice DROP total'),
	('003', '{002}', 'A column for good', 'ALTER TABLE invoice ADD paid boolean', NULL);
\set ECHO all

-- a canary, and then the others; the last one stays at base
CALL cmig.upgrade_scopes('tenant\_%', '002', first => 1, begin_with => '{nowhere}');
CALL cmig.upgrade_scopes('tenant\_%', '002', first => 1);
SELECT string_agg(s, ', ') FROM cmig.plan_scopes('upgrade', '002', 'tenant\_%', '{tenant_4}') s;
CALL cmig.upgrade_scopes('tenant\_%', '002', first => 2);
SELECT string_agg(format('%s %s', scope, current), ', ') FROM cmig.scopes();
CALL cmig.upgrade_scopes('tenant\_%', '002', first => 0);

-- one revision down, in waves; nothing is applied in the last scope
SELECT string_agg(s, ', ') FROM cmig.plan_scopes('downgrade', '-1', 'tenant\_%') s;
CALL cmig.downgrade_scopes('tenant\_%', '-1', first => 2);
CALL cmig.downgrade_scopes('tenant\_%', '001', first => 2);
SELECT string_agg(format('%s %s', scope, current), ', ') FROM cmig.scopes();
CALL cmig.downgrade_scopes('tenant\_%', '001');
CALL cmig.downgrade_scopes('tenant\_%', '001');
CALL cmig.downgrade_scopes('tenant\_3', '-1');
CALL cmig.upgrade_scopes('tenant\_3', '001');
SELECT table_schema, column_name FROM information_schema.columns WHERE table_schema LIKE 'tenant\__' ORDER BY 1, 2;

-- a failure is recorded, and other scopes go on
CALL cmig.upgrade_scopes('tenant\_%', '002', first => 3);
CREATE VIEW tenant_2.total AS SELECT total FROM tenant_2.invoice;
CALL cmig.downgrade_scopes('tenant\_%', '001');
CALL cmig.downgrade_scopes('tenant\_%', '001', max_failures => 1);
SELECT scope, current, failed FROM cmig.scopes();
DROP VIEW tenant_2.total;
CALL cmig.downgrade_scopes('tenant\_%', '001');
SELECT scope, failed FROM cmig.scopes() WHERE failed IS NOT NULL;

-- wrong calls change and record nothing
CALL cmig.downgrade_scopes();
\set VERBOSITY sqlstate
CALL cmig.downgrade_scopes('tenant\_%');
CALL cmig.downgrade_scopes('tenant\_%', 'nowhere');
CALL cmig.downgrade_scopes('tenant\_%', 'head');
CALL cmig.downgrade_scopes('tenant\_%', '-9');
CALL cmig.downgrade_scopes('tenant\_%', 'base', -1);
CALL cmig.downgrade_scopes('nothing%', 'base');
BEGIN;
CALL cmig.downgrade_scopes('tenant\_%', 'base');
ROLLBACK;
\set VERBOSITY default
SET cmig.protect = base;
CALL cmig.downgrade_scopes('tenant\_%', 'base');
SET cmig.protect = off;
SELECT scope, failed FROM cmig.scopes() WHERE failed IS NOT NULL;

-- a revision without a downgrade
CALL cmig.upgrade_scopes('tenant\_1');
CALL cmig.downgrade_scopes('tenant\_%', 'base', max_failures => 3);
SELECT string_agg(format('%s %s %s', scope, current, left(failed, 5)), ', ') FROM cmig.scopes();

-- a scope with another name: what is applied stays applied, and the journal and the state of repeatable revisions move
INSERT INTO cmig.revision (revision, upgrade_sql, repeatable) VALUES ('shown', 'CREATE OR REPLACE VIEW shown AS SELECT id FROM invoice', true);
CALL cmig.upgrade_scopes('tenant\_1');
SELECT cmig.rename_scope('tenant_1', 'Tenant "x"');
SELECT scope, current, pending, failed FROM cmig.scopes();
SELECT scope, string_agg(concat_ws(' ', id, revision, direction, outcome), ', ' ORDER BY id), max(message) FROM cmig.journal WHERE scope IN ('Tenant "x"', 'tenant_1') GROUP BY scope ORDER BY scope COLLATE "C";
SET cmig.scope = 'Tenant "x"';
SELECT revision FROM cmig.current();
RESET cmig.scope;
CALL cmig.upgrade_scopes('Tenant%');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.rename_scope('Tenant "x"', 'tenant_2');
SELECT cmig.rename_scope('nowhere', 'tenant_1');
SELECT cmig.rename_scope('tenant_2', 'public');
SELECT cmig.rename_scope('tenant_2');
SELECT cmig.rename_scope('tenant_2', '');
SELECT cmig.rename_scope(NULL, 'tenant_1');
$calls$);
\set ECHO all
-- a schema that was renamed without the function: what is recorded is kept
ALTER SCHEMA "Tenant ""x""" RENAME TO by_hand;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.rename_scope('Tenant "x"', 'by_hand');
SELECT cmig.rename_scope('by_hand', 'Tenant "x"');
$calls$);
\set ECHO all
SELECT revision FROM cmig.create_scope('tenant_8', '001');
SELECT cmig.rename_scope('tenant_8', 'Tenant "x"');
SELECT cmig.drop_scope('tenant_8', confirm => 'tenant_8') \gset
ALTER SCHEMA by_hand RENAME TO "Tenant ""x""";
SELECT string_agg(format('%s %s', scope, current), ', ') FROM cmig.scopes();
-- one that is not applied completely
UPDATE cmig.revision SET transactional = false, upgrade_sql = 'CREATE TABLE invoice (id bigint); SELECT 1/0' WHERE revision = '001';
SET cmig.scope = 'tenant_2';
\set VERBOSITY terse
CALL cmig.upgrade_stepwise('001');
\set VERBOSITY default
RESET cmig.scope;
SELECT cmig.rename_scope('tenant_2', 'tenant_1');

\set ECHO none
SET client_min_messages = warning;
DROP EXTENSION pg_cmig;
DROP SCHEMA "Tenant ""x""", tenant_2, tenant_3, tenant_4 CASCADE;
