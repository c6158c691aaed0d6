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

-- The table has no tenant_id; users has, and only rows of the current tenant are
-- visible there.
SELECT cmig.enable_rls('user_preferences', via => 'users', key_column => 'user_id',
    via_key => 'id', via_user => 'id',
    roles => '{mnfst_app}', bypass_roles => '{mnfst_maintenance}');
GRANT SELECT, INSERT, UPDATE, DELETE ON user_preferences TO mnfst_app, mnfst_maintenance;

-- cmig:downgrade
DROP INDEX idx_user_preferences_user_id;
DROP TABLE user_preferences;
