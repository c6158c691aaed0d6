-- revision: 008_add_documents_index
-- down_revision: 007_add_email_verification
-- message: Add index to large table (rolling)
-- transactional: false
-- create_date: 2024-11-08 16:00:00+00
--
-- CONCURRENTLY cannot run inside a transaction. The team's first version ran it
-- in one and failed; its way down dropped the index with a lock that stops the
-- application.

-- cmig:upgrade
CREATE INDEX CONCURRENTLY idx_documents_tenant_status_created
    ON documents (tenant_id, status, created_at DESC);

-- cmig:downgrade
DROP INDEX CONCURRENTLY idx_documents_tenant_status_created;

-- cmig:verify
SELECT indisvalid AND indisready
FROM pg_index
WHERE indexrelid = 'idx_documents_tenant_status_created'::regclass;
