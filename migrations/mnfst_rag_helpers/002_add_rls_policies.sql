-- revision: 002_add_rls_policies
-- down_revision: 001_initial_migration
-- message: Add RLS policies
-- create_date: 2024-11-06 09:00:00+00
--
-- The same as in ../mnfst_rag, with the helpers of pg_cmig: tenants are isolated,
-- and inside one a chat session and its messages belong to one user. The
-- application says who it works for with cmig.set_context(user, tenant) at the
-- start of each transaction.
--
-- The application connects as mnfst_app; the owner of the tables is in
-- mnfst_maintenance, which sees every row. Both roles must be there before:
--   CREATE ROLE mnfst_app LOGIN;
--   CREATE ROLE mnfst_maintenance;
--   GRANT mnfst_maintenance TO <owner>;
-- A revision that changes rows says SET row_security = on: a script runs with it
-- off, where FORCE makes the UPDATE an error instead of letting it change nothing.

-- cmig:upgrade
GRANT SELECT, INSERT, UPDATE, DELETE
    ON tenants, users, documents, document_chunks, sessions, messages
    TO mnfst_app, mnfst_maintenance;
SELECT cmig.enable_rls('tenants', tenant_column => 'id',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
SELECT cmig.enable_rls('users',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
SELECT cmig.enable_rls('documents',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
SELECT cmig.enable_rls('document_chunks',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
SELECT cmig.enable_rls('sessions',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
-- A message belongs to whom its session belongs to.
SELECT cmig.enable_rls('messages', tenant_column => 'tenant_id',
    via => 'sessions', key_column => 'session_id', via_key => 'id',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');

SELECT cmig.grant_access('mnfst_app', 'application');

-- cmig:downgrade
SELECT cmig.revoke_access('mnfst_app');
REVOKE ALL
    ON tenants, users, documents, document_chunks, sessions, messages
    FROM mnfst_app, mnfst_maintenance;
SELECT cmig.disable_rls('messages');
SELECT cmig.disable_rls('sessions');
SELECT cmig.disable_rls('document_chunks');
SELECT cmig.disable_rls('documents');
SELECT cmig.disable_rls('users');
SELECT cmig.disable_rls('tenants');

-- cmig:verify
-- The check finds no hole in the tables of this schema.
SELECT severity <> 'error', rule, object, problem
FROM cmig.rls_check(current_schema);
