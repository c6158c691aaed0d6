-- revision: 004
-- down_revision: 003
-- message: Adds audit logging tables and triggers
-- create_date: 2024-11-11 09:00:00+00
--
-- audit_logs says who changed which row, when, and which columns, but never what
-- was in them: a copy of a dream in a log would undo its encryption.
-- security_events is written by the application (sign-in, key rotation, export).
--
-- The trigger's function is SECURITY DEFINER with a pinned search_path: the
-- caller's search_path would decide which audit_logs is written, with the
-- owner's rights.

-- cmig:upgrade
CREATE TABLE public.audit_logs (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name       varchar(63) NOT NULL,
    row_id           uuid NOT NULL,
    operation        varchar(6) NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    owner_id         uuid,
    acting_user_id   uuid,
    changed_columns  text[] NOT NULL DEFAULT '{}',
    logged_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_audit_logs_owner_logged_at ON public.audit_logs (owner_id, logged_at DESC);
CREATE INDEX idx_audit_logs_table_row ON public.audit_logs (table_name, row_id);

CREATE TABLE security_events (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event        varchar(40) NOT NULL,
    ip_address   inet,
    details      jsonb NOT NULL DEFAULT '{}',
    occurred_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_security_events_user_occurred_at ON security_events (user_id, occurred_at DESC);

-- A user reads what happened to his own rows. Nobody changes or deletes a row of
-- the log, and only triggers write it: there is no policy for anything else, and
-- FORCE applies that to the owner too.
ALTER TABLE public.audit_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_logs_isolation ON public.audit_logs FOR SELECT
    USING (owner_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
CREATE POLICY audit_logs_trigger_insert ON public.audit_logs FOR INSERT
    WITH CHECK (pg_trigger_depth() > 0);

ALTER TABLE security_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY security_events_isolation ON security_events FOR SELECT
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
CREATE POLICY security_events_insert ON security_events FOR INSERT
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

-- row_security = on, because a migration runs with it off, where the INSERT
-- under FORCE would be an error.
CREATE FUNCTION write_audit_log() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
AS $$
DECLARE
    old_row  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    any_row  jsonb := COALESCE(new_row, old_row);
    changed  text[] := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT COALESCE(array_agg(n.key ORDER BY n.key), '{}') INTO changed
        FROM jsonb_each(new_row) n
        WHERE n.value IS DISTINCT FROM old_row -> n.key;
    END IF;

    INSERT INTO public.audit_logs
        (table_name, row_id, operation, owner_id, acting_user_id, changed_columns)
    VALUES
        (TG_TABLE_NAME, (any_row ->> 'id')::uuid, TG_OP,
         (any_row ->> CASE TG_TABLE_NAME WHEN 'users' THEN 'id' ELSE 'user_id' END)::uuid,
         NULLIF(current_setting('app.current_user_id', true), '')::uuid,
         changed);
    RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION write_audit_log() FROM PUBLIC;

CREATE TRIGGER audit_users
    AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
CREATE TRIGGER audit_moods
    AFTER INSERT OR UPDATE OR DELETE ON moods
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
CREATE TRIGGER audit_dreams
    AFTER INSERT OR UPDATE OR DELETE ON dreams
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
CREATE TRIGGER audit_journal_entries
    AFTER INSERT OR UPDATE OR DELETE ON journal_entries
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
CREATE TRIGGER audit_goals
    AFTER INSERT OR UPDATE OR DELETE ON goals
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();
CREATE TRIGGER audit_encryption_keys
    AFTER INSERT OR UPDATE OR DELETE ON encryption_keys
    FOR EACH ROW EXECUTE FUNCTION write_audit_log();

-- cmig:downgrade
DROP TRIGGER audit_encryption_keys ON encryption_keys;
DROP TRIGGER audit_goals ON goals;
DROP TRIGGER audit_journal_entries ON journal_entries;
DROP TRIGGER audit_dreams ON dreams;
DROP TRIGGER audit_moods ON moods;
DROP TRIGGER audit_users ON users;

DROP FUNCTION write_audit_log();
DROP TABLE security_events;
DROP TABLE public.audit_logs;

-- cmig:verify
SELECT p.prosecdef AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
FROM pg_proc p
WHERE p.oid = 'write_audit_log()'::regprocedure;
SELECT count(*) = 6
FROM pg_trigger t
WHERE t.tgfoid = 'write_audit_log()'::regprocedure AND t.tgenabled = 'O';
