-- revision: c41e9b7a05d8
-- down_revision: 5d0c2be41f93
-- message: index sessions by user
-- create_date: 2024-12-12 10:30:00+00

-- cmig:upgrade
CREATE INDEX idx_sessions_user_id ON sessions (user_id);

-- cmig:downgrade
DROP INDEX idx_sessions_user_id;
