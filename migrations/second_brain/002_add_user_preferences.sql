-- revision: 002_add_user_preferences
-- down_revision: 001_initial_schema
-- message: add user preferences
-- create_date: 2025-01-13 09:00:00+00

-- cmig:upgrade
CREATE TABLE user_preferences (
    user_id         uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    theme           varchar(20) NOT NULL DEFAULT 'system'
                    CHECK (theme IN ('light', 'dark', 'system')),
    language        varchar(10) NOT NULL DEFAULT 'en',
    daily_review    boolean NOT NULL DEFAULT true,
    settings        jsonb NOT NULL DEFAULT '{}',
    updated_at      timestamptz NOT NULL DEFAULT now()
);

-- Users who exist get the defaults, so that the application finds a row always.
INSERT INTO user_preferences (user_id) SELECT id FROM users;

-- cmig:downgrade
DROP TABLE user_preferences;

-- cmig:verify
SELECT NOT EXISTS (SELECT FROM users u
                   WHERE NOT EXISTS (SELECT FROM user_preferences p WHERE p.user_id = u.id));
