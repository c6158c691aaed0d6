-- revision: abc123def456
-- down_revision: xyz789abc123
-- message: add user profile fields
-- create_date: 2024-12-11 14:30:00+00

-- cmig:upgrade
ALTER TABLE users ADD COLUMN bio text;
ALTER TABLE users ADD COLUMN avatar_url varchar(255);

-- cmig:downgrade
ALTER TABLE users DROP COLUMN avatar_url;
ALTER TABLE users DROP COLUMN bio;
