-- revision: 004_add_user_preferences
-- down_revision: 003_add_indexes
-- branch_labels: feature_user_preferences
-- message: Add user preferences table
-- create_date: 2024-11-08 12:00:00+00
--
-- The feature branch feature_user_preferences: it leaves the chain at
-- 003_add_indexes, beside 005_add_audit_trail, and comes back in
-- 006_merge_user_preferences_audit_trail.
--
-- The team's first version had an id without a default, so that every plain
-- INSERT failed, and no row-level security, so that everybody read everybody's
-- preferences.

-- cmig:upgrade
CREATE TABLE user_preferences (
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL,
    theme       varchar,
    language    varchar,
    timezone    varchar,
    created_at  timestamptz DEFAULT now(),
    updated_at  timestamptz DEFAULT now(),
    FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (id)
);

CREATE INDEX idx_user_preferences_user_id ON user_preferences (user_id);

-- The table has no tenant_id, so the floor asks users: the row belongs to the
-- current user, and he belongs to the current tenant.
ALTER TABLE user_preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY user_preferences_tenant_floor ON user_preferences AS RESTRICTIVE
    USING (user_id = ANY (ARRAY(
        SELECT u.id FROM users u
        WHERE u.tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid)
          AND u.id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))))
    WITH CHECK (user_id = ANY (ARRAY(
        SELECT u.id FROM users u
        WHERE u.tenant_id = (SELECT NULLIF(current_setting('app.current_tenant_id', true), '')::uuid)
          AND u.id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))));
CREATE POLICY user_preferences_owner_access ON user_preferences
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

-- cmig:downgrade
DROP INDEX idx_user_preferences_user_id;
DROP TABLE user_preferences;
