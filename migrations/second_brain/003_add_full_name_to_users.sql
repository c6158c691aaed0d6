-- revision: 003_add_full_name_to_users
-- down_revision: 002_add_user_preferences
-- message: add full_name to users
-- create_date: 2025-01-20 09:00:00+00
--
-- full_name from first and last name. The team's guide joins them with ||, which
-- gives NULL as soon as one of the two is missing; concat_ws() keeps the other.

-- cmig:upgrade
ALTER TABLE users ADD COLUMN full_name varchar(255);

UPDATE users SET full_name = NULLIF(concat_ws(' ', first_name, last_name), '');

-- cmig:downgrade
ALTER TABLE users DROP COLUMN full_name;
