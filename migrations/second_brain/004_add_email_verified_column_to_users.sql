-- revision: 004_add_email_verified_column_to_users
-- down_revision: 003_add_full_name_to_users
-- message: add email_verified column to users
-- create_date: 2025-01-27 09:00:00+00

-- cmig:upgrade
ALTER TABLE users ADD COLUMN email_verified boolean NOT NULL DEFAULT false;

-- cmig:downgrade
ALTER TABLE users DROP COLUMN email_verified;
