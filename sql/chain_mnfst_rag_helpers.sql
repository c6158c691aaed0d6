--
-- MNFST-RAG with the helpers for row-level security: the application connects as a role of its own;
-- policies apply to the owner too, unless it acts as a role to which they do not
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_mnfst;
CREATE ROLE regress_mnfst_app;
CREATE ROLE regress_mnfst_maintenance;
GRANT regress_mnfst_maintenance TO regress_mnfst;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_mnfst;
GRANT CREATE ON SCHEMA public TO regress_mnfst;
SET SESSION AUTHORIZATION regress_mnfst;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
\set chain `sed -E 's/mnfst_(app|maintenance)/regress_&/g' "$PG_ABS_SRCDIR"/migrations/mnfst_rag_helpers/*.sql`
\set ECHO all
SELECT count(*) FROM cmig.load(:'chain');
SELECT revision FROM cmig.upgrade('003_add_indexes');
SELECT severity, rule, object, problem FROM cmig.rls_check('public') WHERE severity <> 'notice';

-- two tenants; the second one has a user with the same name
SET SESSION AUTHORIZATION regress_mnfst_app;
BEGIN;
SELECT cmig.set_context(NULL, '11111111-1111-1111-1111-111111111111');
\set ECHO none
INSERT INTO tenants (id, name, slug) VALUES ('11111111-1111-1111-1111-111111111111', 'Acme', 'acme');
INSERT INTO users (id, tenant_id, email, name, password_hash, role) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111', 'ann@acme.example', 'Ann', 'x', 'admin'),
	('aaaaaaaa-0000-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111', 'bob@acme.example', 'Bob', 'x', 'client');
INSERT INTO documents (tenant_id, filename, mime_type, size_bytes, storage_key)
VALUES ('11111111-1111-1111-1111-111111111111', 'acme.pdf', 'application/pdf', 1, 'a');
COMMIT;
BEGIN;
\set ECHO all
SELECT cmig.set_context('bbbbbbbb-0000-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222');
\set ECHO none
INSERT INTO tenants (id, name, slug) VALUES ('22222222-2222-2222-2222-222222222222', 'Bolt', 'bolt');
INSERT INTO users (id, tenant_id, email, name, password_hash, role) VALUES
	('bbbbbbbb-0000-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222', 'ann@bolt.example', 'Ann', 'x', 'superadmin');
INSERT INTO sessions (id, tenant_id, user_id) VALUES
	('bbbbbbbb-1111-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222', 'bbbbbbbb-0000-0000-0000-000000000001');
COMMIT;
-- two users of a tenant: each sees only their own sessions and messages
BEGIN;
\set ECHO all
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111');
\set ECHO none
INSERT INTO sessions (id, tenant_id, user_id) VALUES
	('aaaaaaaa-1111-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111', 'aaaaaaaa-0000-0000-0000-000000000001');
INSERT INTO messages (tenant_id, session_id, author, content) VALUES
	('11111111-1111-1111-1111-111111111111', 'aaaaaaaa-1111-0000-0000-000000000001', 'user', 'hello');
\set ECHO all
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111');
\set ECHO none
INSERT INTO sessions (id, tenant_id, user_id) VALUES
	('aaaaaaaa-1111-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111', 'aaaaaaaa-0000-0000-0000-000000000002');
INSERT INTO messages (tenant_id, session_id, author, content) VALUES
	('11111111-1111-1111-1111-111111111111', 'aaaaaaaa-1111-0000-0000-000000000002', 'user', 'hi');
\set ECHO all
SELECT (SELECT count(*) FROM documents) AS documents, (SELECT count(*) FROM users) AS users,
		(SELECT count(*) FROM sessions) AS sessions, (SELECT string_agg(content, ',') FROM messages) AS messages;
SELECT cmig.set_context('bbbbbbbb-0000-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222');
SELECT (SELECT count(*) FROM documents) AS documents, (SELECT count(*) FROM users) AS users,
		(SELECT count(*) FROM sessions) AS sessions, (SELECT string_agg(content, ',') FROM messages) AS messages;
INSERT INTO messages (tenant_id, session_id, author, content) VALUES
	('22222222-2222-2222-2222-222222222222', 'aaaaaaaa-1111-0000-0000-000000000001', 'user', 'in her session');
COMMIT;
SELECT count(*) FROM users;
RESET SESSION AUTHORIZATION;
-- the last message was an error, so the whole transaction was rolled back
SELECT count(*) FROM messages;
\set ECHO none
INSERT INTO sessions (id, tenant_id, user_id) VALUES
	('aaaaaaaa-1111-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111', 'aaaaaaaa-0000-0000-0000-000000000001'),
	('aaaaaaaa-1111-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111', 'aaaaaaaa-0000-0000-0000-000000000002');
INSERT INTO messages (tenant_id, session_id, author, content) SELECT tenant_id, id, 'user', 'hello' FROM sessions;
\t
\set ECHO all
SELECT t.relname, r.*
FROM (VALUES ('tenants'), ('users'), ('documents'), ('sessions'), ('messages')) t(relname)
CROSS JOIN LATERAL (SELECT as_user, test, visible, own, foreign_rows, verdict, detail
	FROM cmig.rls_test(t.relname::regclass, 'regress_mnfst_app',
		'{aaaaaaaa-0000-0000-0000-000000000001,bbbbbbbb-0000-0000-0000-000000000001}',
		'{11111111-1111-1111-1111-111111111111,22222222-2222-2222-2222-222222222222}')) r
WHERE r.verdict <> 'ok' OR r.test = 'SELECT';
\t

-- the owner: policies apply unless it acts as the other role
REVOKE regress_mnfst_maintenance FROM regress_mnfst;
SET SESSION AUTHORIZATION regress_mnfst;
SELECT (SELECT count(*) FROM documents) AS documents, (SELECT count(*) FROM users) AS users;
SELECT revision FROM cmig.upgrade('006_migrate_user_roles');
-- (nothing was migrated, so the column could not become NOT NULL)
RESET SESSION AUTHORIZATION;
GRANT regress_mnfst_maintenance TO regress_mnfst;
SET SESSION AUTHORIZATION regress_mnfst;
SELECT (SELECT count(*) FROM documents) AS documents, (SELECT count(*) FROM users) AS users;

-- the data migration reaches the users of all tenants
SET cmig.concurrent_ddl = off;
SELECT revision FROM cmig.upgrade('head');
SELECT email, role FROM users ORDER BY email;
SELECT severity, rule, object, problem FROM cmig.rls_check('public') WHERE severity <> 'notice';
SET SESSION AUTHORIZATION regress_mnfst_app;
BEGIN;
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000001', '11111111-1111-1111-1111-111111111111');
INSERT INTO user_preferences (user_id, theme) VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'dark');
UPDATE users SET name = 'Anna' WHERE id = 'aaaaaaaa-0000-0000-0000-000000000001';
SELECT table_name, operation, new_values ->> 'name' AS name FROM audit_logs ORDER BY timestamp, 3;
SELECT table_name, operation, changed, user_id, tenant_id, revision FROM cmig_audit.log ORDER BY id;
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000002', '11111111-1111-1111-1111-111111111111');
SELECT count(*) FROM user_preferences;
-- the user's own id, but another tenant
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000001', '22222222-2222-2222-2222-222222222222');
SELECT count(*) FROM user_preferences;
INSERT INTO audit_logs (table_name, operation) VALUES ('users', 'INSERT');
COMMIT;
SET SESSION AUTHORIZATION regress_mnfst;
SELECT * FROM cmig.downgrade('005_add_audit_trail');
SELECT email, role FROM users ORDER BY email;
SELECT count(*) FROM cmig.downgrade('base');
SELECT count(*) FROM pg_policy;

-- the log remains; the extension's owner drops it
SELECT count(*) > 0 AS entries FROM cmig_audit.log;
\set ECHO none
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_mnfst;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_mnfst;
DROP ROLE regress_mnfst, regress_mnfst_app, regress_mnfst_maintenance;
