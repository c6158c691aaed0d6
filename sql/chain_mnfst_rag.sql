--
-- MNFST-RAG: tenants under row-level security, an audit trail, two branches that
-- merge, a data migration, and an index that is built concurrently.
--
-- Everything runs as a role that owns only what it creates.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_mnfst;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_mnfst;
GRANT CREATE ON SCHEMA public TO regress_mnfst;
SET SESSION AUTHORIZATION regress_mnfst;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
-- what the role owns besides pg_cmig
SELECT $$
SELECT pg_describe_object(s.classid, s.objid, 0) AS left_behind
FROM pg_shdepend s
JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
WHERE s.refobjid = 'regress_mnfst'::regrole AND s.deptype = 'o'
	AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype = 'e')
	AND pg_describe_object(s.classid, s.objid, 0) <> 'extension pg_cmig'
ORDER BY 1
$$ AS leftovers \gset
\set chain `cat "$PG_ABS_SRCDIR"/migrations/mnfst_rag/*.sql`
\set ECHO all
SELECT * FROM cmig.load(:'chain') ORDER BY revision;
-- a second upgrade has nothing to do
SELECT action, count(*) FROM cmig.load(:'chain') GROUP BY action;

--
-- The graph
--
SELECT revision, down_revision, branch_labels AS labels,
		is_branchpoint AS branch, is_mergepoint AS merge, message
FROM cmig.history();
SELECT * FROM cmig.branches();
SELECT * FROM cmig.heads();
SELECT step, revision, down_revision, transactional FROM cmig.plan('upgrade', 'head');

\set VERBOSITY sqlstate
--
-- 008 builds an index concurrently: upgrade refuses before it changes anything
--
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.current();
:leftovers;

--
-- Two tenants
--
SELECT * FROM cmig.upgrade('003_add_indexes');
\set ECHO none
BEGIN;
SET LOCAL app.current_tenant_id = '11111111-1111-1111-1111-111111111111';
INSERT INTO tenants (id, name, slug)
VALUES ('11111111-1111-1111-1111-111111111111', 'Acme', 'acme');
INSERT INTO users (id, tenant_id, email, name, password_hash, role) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111',
	'ann@acme.example', 'Ann', 'secret hash', 'admin'),
	('aaaaaaaa-0000-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111',
	'bob@acme.example', 'Bob', 'secret hash', 'client');
INSERT INTO documents (tenant_id, uploaded_by, filename, mime_type, size_bytes, storage_key)
VALUES ('11111111-1111-1111-1111-111111111111', 'aaaaaaaa-0000-0000-0000-000000000001',
		'acme.pdf', 'application/pdf', 1000, 'acme/1');
COMMIT;
BEGIN;
SET LOCAL app.current_tenant_id = '22222222-2222-2222-2222-222222222222';
INSERT INTO tenants (id, name, slug)
VALUES ('22222222-2222-2222-2222-222222222222', 'Bolt', 'bolt');
INSERT INTO users (id, tenant_id, email, name, password_hash, role) VALUES
	('bbbbbbbb-0000-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222',
	'cy@bolt.example', 'Cy', 'secret hash', 'superadmin'),
	('bbbbbbbb-0000-0000-0000-000000000002', '22222222-2222-2222-2222-222222222222',
	'dee@bolt.example', 'Dee', 'secret hash', 'owner');
COMMIT;
\set ECHO all
-- the settings are now '': no rows, and no error
SELECT current_setting('app.current_tenant_id', true) = '' AS empty, count(*) FROM users;
-- a user of another tenant cannot be referenced
BEGIN;
SET LOCAL app.current_tenant_id = '11111111-1111-1111-1111-111111111111';
SET LOCAL app.current_user_id = 'bbbbbbbb-0000-0000-0000-000000000001';
INSERT INTO sessions (tenant_id, user_id)
VALUES ('11111111-1111-1111-1111-111111111111', 'bbbbbbbb-0000-0000-0000-000000000001');
ROLLBACK;

--
-- The branches
--
SELECT * FROM cmig.upgrade('feature_user_preferences');
SELECT revision, branch_labels FROM cmig.current();
SELECT * FROM cmig.upgrade('005_add_audit_trail');
SELECT revision, branch_labels FROM cmig.current() ORDER BY revision;
-- which of the two is meant?
SELECT * FROM cmig.upgrade('+1');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.downgrade('-1');
\echo :LAST_ERROR_SQLSTATE
-- the guide continues with a revision that does not exist
SELECT * FROM cmig.upgrade('006_add_audit_trail');
\echo :LAST_ERROR_SQLSTATE
-- and merges revisions that already have children
SELECT cmig.merge(ARRAY['004_add_user_preferences', '005_add_audit_trail'], 'merge');
\echo :LAST_ERROR_SQLSTATE

--
-- A migration fails in the middle: the new enum has no 'owner'
--
SELECT * FROM cmig.upgrade('007_add_email_verification');
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.current() ORDER BY revision;
SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE 'role%';
SELECT to_regtype('user_role_new') AS type, relforcerowsecurity AS forced
FROM pg_class WHERE oid = 'users'::regclass;
-- fix the data, continue
BEGIN;
SET LOCAL app.current_tenant_id = '22222222-2222-2222-2222-222222222222';
UPDATE users SET role = 'admin' WHERE role = 'owner';
SELECT email, role FROM users ORDER BY email;
COMMIT;
SELECT * FROM cmig.upgrade('007_add_email_verification');
SELECT revision FROM cmig.current();

--
-- The data migration saw every tenant, and the audit trail contains it
--
BEGIN;
SET LOCAL app.current_tenant_id = '11111111-1111-1111-1111-111111111111';
SET LOCAL app.current_user_id = 'aaaaaaaa-0000-0000-0000-000000000001';
SELECT email, role, email_verified FROM users ORDER BY email;
INSERT INTO users (tenant_id, email, name, password_hash)
VALUES ('11111111-1111-1111-1111-111111111111', 'eve@acme.example', 'Eve', 'secret hash')
RETURNING role, email_verified;
INSERT INTO user_preferences (user_id, theme)
VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'dark') RETURNING theme;
SELECT table_name, operation, new_values ->> 'email' AS email,
		new_values ? 'password_hash' AS leaks
FROM audit_logs;
\set ECHO none
COMMIT;
BEGIN;
SET LOCAL app.current_tenant_id = '22222222-2222-2222-2222-222222222222';
SET LOCAL app.current_user_id = 'bbbbbbbb-0000-0000-0000-000000000001';
\set ECHO all
SELECT email, role, email_verified FROM users ORDER BY email;
SELECT count(*) AS foreign_preferences FROM user_preferences;
SELECT count(*) AS foreign_log FROM audit_logs;
COMMIT;
-- nobody can write to the log directly, and nobody can change it
ALTER TABLE audit_logs NO FORCE ROW LEVEL SECURITY;
SELECT table_name, operation, old_values ->> 'role' AS old, new_values ->> 'role_new' AS new,
		count(*)
FROM audit_logs GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
ALTER TABLE audit_logs FORCE ROW LEVEL SECURITY;
INSERT INTO audit_logs (table_name, operation) VALUES ('users', 'INSERT');
DELETE FROM audit_logs;

--
-- The index: without CONCURRENTLY, in a database for tests
--
SET cmig.concurrent_ddl = off;
SELECT * FROM cmig.upgrade('head');
SELECT pg_get_indexdef('idx_documents_tenant_status_created'::regclass);
SELECT cmig.require();

--
-- Downgrade: the old roles are restored
--
SELECT * FROM cmig.downgrade();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.downgrade('previous');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('005_add_audit_trail');
SELECT revision FROM cmig.current() ORDER BY revision;
BEGIN;
SET LOCAL app.current_tenant_id = '11111111-1111-1111-1111-111111111111';
SELECT email, role FROM users ORDER BY email;
COMMIT;
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.downgrade('feature_user_preferences@003_add_indexes');
SELECT revision FROM cmig.current();
SELECT * FROM cmig.downgrade('base');
:leftovers;

--
-- Two heads, as before the merge was created
--
\set two_heads `cd "$PG_ABS_SRCDIR"/migrations/mnfst_rag && cat 00[1-5]_*.sql 006_migrate_user_roles.sql`
SELECT * FROM cmig.load(:'two_heads', prune => true) WHERE action <> 'unchanged' ORDER BY revision;
SELECT * FROM cmig.heads();
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.upgrade('heads');
SELECT revision FROM cmig.current() ORDER BY revision;
SELECT cmig.merge('heads', 'merge user_preferences and audit_trail branches',
				revision => '006_merge_user_preferences_audit_trail');
SELECT * FROM cmig.upgrade('head');
SELECT revision, is_head FROM cmig.current();
-- the file in the repository says the same
SELECT * FROM cmig.load(:'chain') WHERE action <> 'unchanged' ORDER BY revision;
SELECT * FROM cmig.upgrade('head');

--
-- The guide's own graph, where 005 revises 004: nothing to merge there
--
BEGIN;
SELECT count(*) FROM cmig.downgrade('base');
\set ECHO none
DELETE FROM cmig.revision;
INSERT INTO cmig.revision (revision, down_revision) VALUES
	('003_add_indexes', '{}'),
	('004_add_user_preferences', '{003_add_indexes}'),
	('005_add_audit_trail', '{004_add_user_preferences}');
\set ECHO all
SELECT cmig.merge(ARRAY['004_add_user_preferences', '005_add_audit_trail'],
				'merge user_preferences and audit_trail branches');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;

--
-- Down to base, and nothing is left
--
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.current();
:leftovers;

\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_mnfst;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_mnfst;
DROP ROLE regress_mnfst;
