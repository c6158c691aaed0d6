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
-- Different from the team's first version:
-- - audit_logs.id had no default, and the trigger gives none: every write to an
--   audited table failed;
-- - the context is read with NULLIF, since the settings are '' after SET LOCAL;
-- - the function is SECURITY DEFINER, so its search_path is pinned: otherwise
--   the caller's decides which audit_logs is written, with the owner's rights;
-- - password hashes stay out of the log;
-- - the log itself is under row-level security, and nothing can change or
--   delete its rows: there is no policy for it.

-- cmig:upgrade
CREATE TABLE public.audit_logs (
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    table_name  varchar NOT NULL,
    operation   varchar NOT NULL,
    user_id     uuid,
    tenant_id   uuid,
    old_values  jsonb,
    new_values  jsonb,
    timestamp   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id)
);

CREATE INDEX idx_audit_logs_table_timestamp ON public.audit_logs (table_name, timestamp);
CREATE INDEX idx_audit_logs_user_timestamp ON public.audit_logs (user_id, timestamp);

ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_logs_tenant_floor ON public.audit_logs AS RESTRICTIVE FOR SELECT
    USING (tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid));
-- Everybody sees what he did himself; a session's row is not for the other
-- members to read, in the log no more than in its table.
CREATE POLICY audit_logs_actor_read ON public.audit_logs FOR SELECT
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
-- Rows come from triggers only. Without this even the owner, under FORCE, could
-- not write; with a plain WITH CHECK (true) it could invent rows.
CREATE POLICY audit_logs_trigger_insert ON public.audit_logs FOR INSERT
    WITH CHECK (pg_trigger_depth() > 0);

-- row_security = on, because a migration runs with it off, where the INSERT
-- under FORCE would be an error.
CREATE FUNCTION audit_trigger_function() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
BEGIN
    INSERT INTO public.audit_logs (
        table_name, operation, user_id, tenant_id, old_values, new_values
    ) VALUES (
        TG_TABLE_NAME, TG_OP,
        NULLIF(current_setting('app.current_user_id', true), '')::uuid,
        NULLIF(current_setting('app.current_tenant_id', true), '')::uuid,
        CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) - 'password_hash' END,
        CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) - 'password_hash' END
    );
    RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION audit_trigger_function() FROM PUBLIC;

CREATE TRIGGER audit_users_trigger
    AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION audit_trigger_function();
CREATE TRIGGER audit_documents_trigger
    AFTER INSERT OR UPDATE OR DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION audit_trigger_function();
CREATE TRIGGER audit_sessions_trigger
    AFTER INSERT OR UPDATE OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION audit_trigger_function();

-- cmig:downgrade
DROP TRIGGER audit_sessions_trigger ON sessions;
DROP TRIGGER audit_documents_trigger ON documents;
DROP TRIGGER audit_users_trigger ON users;

DROP FUNCTION audit_trigger_function();

DROP INDEX public.idx_audit_logs_user_timestamp;
DROP INDEX public.idx_audit_logs_table_timestamp;
DROP TABLE public.audit_logs;

-- cmig:verify
SELECT p.prosecdef AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
FROM pg_proc p
WHERE p.oid = 'audit_trigger_function()'::regprocedure;
SELECT count(*) = 3
FROM pg_trigger t
WHERE t.tgfoid = 'audit_trigger_function()'::regprocedure AND t.tgenabled = 'O';
