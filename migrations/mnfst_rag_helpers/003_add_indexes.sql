-- revision: 003_add_indexes
-- down_revision: 002_add_rls_policies
-- message: Add indexes
-- create_date: 2024-11-07 09:00:00+00
--
-- What the policies and the foreign keys look up. users and sessions have a
-- unique key that starts with tenant_id already.

-- cmig:upgrade
CREATE INDEX idx_documents_tenant_uploaded_by ON documents (tenant_id, uploaded_by);
CREATE INDEX idx_document_chunks_tenant_document ON document_chunks (tenant_id, document_id);
CREATE INDEX idx_sessions_user_updated ON sessions (user_id, updated_at DESC);
CREATE INDEX idx_sessions_tenant_user ON sessions (tenant_id, user_id);
CREATE INDEX idx_messages_session_created ON messages (session_id, created_at);
CREATE INDEX idx_messages_tenant_session ON messages (tenant_id, session_id);

-- cmig:downgrade
DROP INDEX idx_messages_tenant_session;
DROP INDEX idx_messages_session_created;
DROP INDEX idx_sessions_tenant_user;
DROP INDEX idx_sessions_user_updated;
DROP INDEX idx_document_chunks_tenant_document;
DROP INDEX idx_documents_tenant_uploaded_by;
