-- revision: 004
-- down_revision: 003
-- message: Adds audit logging tables and triggers
-- create_date: 2024-11-11 09:00:00+00
--
-- The audit log says who changed which row, when, and which columns, but never
-- what was in them: a copy of a dream in a log would undo its encryption. So
-- everything but the keys is redacted.
-- security_events is written by the application (sign-in, key rotation, export).
--
-- audit_logs is a view with the columns that the application knows. The log is
-- pg_cmig's own, belongs to the extension's owner and stays when this is taken
-- back.

-- cmig:upgrade
CREATE TABLE security_events (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event        varchar(40) NOT NULL,
    ip_address   inet,
    details      jsonb NOT NULL DEFAULT '{}',
    occurred_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_security_events_user_occurred_at ON security_events (user_id, occurred_at DESC);
SELECT cmig.enable_rls('security_events', commands => '{SELECT,INSERT}',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');

SELECT cmig.enable_audit('users',
    redact => '{email,password_hash,display_name,timezone,is_active,created_at,updated_at}');
SELECT cmig.enable_audit('moods', redact => '{score,emotions,note,felt_at}');
SELECT cmig.enable_audit('dreams', redact => '{mood_id,title,content,is_lucid,dreamt_on,created_at}');
SELECT cmig.enable_audit('journal_entries', redact => '{mood_id,title,content,created_at,updated_at}');
SELECT cmig.enable_audit('goals', redact => '{title,status,due_on,created_at,closed_at}');
SELECT cmig.enable_audit('encryption_keys',
    redact => '{version,algorithm,wrapped_key,created_at,retired_at}');

-- A user reads what happened to his own rows.
CREATE VIEW audit_logs AS
SELECT id, table_name, (row_key ->> 'id')::uuid AS row_id, operation,
       (COALESCE(new_row, old_row)
        ->> CASE table_name WHEN 'users' THEN 'id' ELSE 'user_id' END)::uuid AS owner_id,
       user_id::uuid AS acting_user_id, changed AS changed_columns, clock_at AS logged_at
FROM cmig_audit.log
WHERE operation IN ('INSERT', 'UPDATE', 'DELETE')
  AND COALESCE(new_row, old_row) ->> CASE table_name WHEN 'users' THEN 'id' ELSE 'user_id' END
      = (SELECT NULLIF(current_setting('app.current_user_id', true), ''));

-- cmig:downgrade
DROP VIEW audit_logs;
SELECT cmig.disable_audit('encryption_keys');
SELECT cmig.disable_audit('goals');
SELECT cmig.disable_audit('journal_entries');
SELECT cmig.disable_audit('dreams');
SELECT cmig.disable_audit('moods');
SELECT cmig.disable_audit('users');
DROP TABLE security_events;

-- cmig:verify
SELECT count(DISTINCT t.tgrelid) = 6
FROM pg_trigger t
WHERE t.tgfoid = 'cmig.audit_trigger()'::regprocedure AND t.tgenabled = 'O';
