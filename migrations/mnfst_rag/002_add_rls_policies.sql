-- revision: 002_add_rls_policies
-- down_revision: 001_initial_migration
-- message: Add RLS policies
-- create_date: 2024-11-06 09:00:00+00
--
-- Isolates the tenants. The application sets app.current_tenant_id and
-- app.current_user_id, with SET LOCAL, at the start of each transaction.
--
-- Each table has two policies: a restrictive tenant floor that no later policy
-- can widen, and a permissive one that says who inside the tenant gets in (a
-- restrictive policy alone shows nothing).
--
-- FORCE, because the application connects as the owner of the tables, whom
-- row-level security does not touch otherwise.
--
-- NULLIF, because a setting that was set with SET LOCAL reads as '' afterwards,
-- and ''::uuid is an error; without a context no row is visible. The setting is
-- read in a sub-select: once a statement and not once a row.

-- cmig:upgrade
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_tenant_floor ON tenants AS RESTRICTIVE
    USING (id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY tenants_member_access ON tenants
    USING (id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY users_tenant_floor ON users AS RESTRICTIVE
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY users_member_access ON users
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));

ALTER TABLE documents ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY documents_tenant_floor ON documents AS RESTRICTIVE
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY documents_member_access ON documents
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));

ALTER TABLE document_chunks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY document_chunks_tenant_floor ON document_chunks AS RESTRICTIVE
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY document_chunks_member_access ON document_chunks
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));

-- A chat session and its messages belong to one user.
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY sessions_tenant_floor ON sessions AS RESTRICTIVE
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
CREATE POLICY sessions_owner_access ON sessions
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY messages_tenant_floor ON messages AS RESTRICTIVE
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid))
    WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
-- = ANY (ARRAY(...)) and not IN (...): only the array can use the index.
CREATE POLICY messages_owner_access ON messages
    USING (session_id = ANY (ARRAY(
        SELECT s.id FROM sessions s
        WHERE s.user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))))
    WITH CHECK (session_id = ANY (ARRAY(
        SELECT s.id FROM sessions s
        WHERE s.user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))));

-- cmig:downgrade
DROP POLICY messages_owner_access ON messages;
DROP POLICY messages_tenant_floor ON messages;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY sessions_owner_access ON sessions;
DROP POLICY sessions_tenant_floor ON sessions;
ALTER TABLE sessions NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY document_chunks_member_access ON document_chunks;
DROP POLICY document_chunks_tenant_floor ON document_chunks;
ALTER TABLE document_chunks NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY documents_member_access ON documents;
DROP POLICY documents_tenant_floor ON documents;
ALTER TABLE documents NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY users_member_access ON users;
DROP POLICY users_tenant_floor ON users;
ALTER TABLE users NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY tenants_member_access ON tenants;
DROP POLICY tenants_tenant_floor ON tenants;
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- cmig:verify
-- Every table is under forced row-level security and has both kinds of policy.
SELECT c.relrowsecurity AND c.relforcerowsecurity
       AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive)
       AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive),
       c.relname
FROM pg_class c
WHERE c.oid IN ('tenants'::regclass, 'users'::regclass, 'documents'::regclass,
                'document_chunks'::regclass, 'sessions'::regclass, 'messages'::regclass);
