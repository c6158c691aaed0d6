-- revision: 005_add_audit_trail
-- down_revision: 003_add_indexes
-- message: Add audit trail functionality
-- create_date: 2024-11-08 13:00:00+00
--
-- Every change of users, documents and sessions leaves a row in audit_logs.
--
-- It revises 003_add_indexes and not 004_add_user_preferences: the two were
-- made in parallel. Were 004 its parent, there would be nothing to merge
-- afterwards, and the merge of 004 and 005 is refused, since one of them is the
-- other's ancestor.
--
-- Password hashes stay out of it. audit_logs is a view of pg_cmig's log, with the
-- columns that the application asks for; it reads with its user's rights, so the
-- policies of the log hold. The log stays when this is taken back.

-- cmig:upgrade
SELECT cmig.enable_audit('users', exclude => '{password_hash}');
SELECT cmig.enable_audit('documents');
SELECT cmig.enable_audit('sessions');

-- Everybody sees what he did himself; a session's row is not for the other
-- members to read, in the log no more than in its table.
SELECT cmig.enable_rls('cmig_audit.log', commands => '{SELECT}', create_index => false,
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
CREATE VIEW audit_logs WITH (security_invoker = true) AS
SELECT * FROM cmig_audit.audit_logs;
GRANT USAGE ON SCHEMA cmig_audit TO mnfst_app, mnfst_maintenance;
GRANT SELECT ON cmig_audit.log, cmig_audit.audit_logs, audit_logs TO mnfst_app, mnfst_maintenance;

-- cmig:downgrade
REVOKE SELECT ON cmig_audit.log, cmig_audit.audit_logs FROM mnfst_app, mnfst_maintenance;
REVOKE USAGE ON SCHEMA cmig_audit FROM mnfst_app, mnfst_maintenance;
DROP VIEW audit_logs;
SELECT cmig.disable_rls('cmig_audit.log');
SELECT cmig.disable_audit('sessions');
SELECT cmig.disable_audit('documents');
SELECT cmig.disable_audit('users');

-- cmig:verify
SELECT count(DISTINCT t.tgrelid) = 3
FROM pg_trigger t
WHERE t.tgfoid = 'cmig.audit_trigger()'::regprocedure AND t.tgenabled = 'O';
