-- revision: 007_add_email_verification
-- down_revision: 006_merge_user_preferences_audit_trail
-- message: Add email verification field (zero downtime)
-- create_date: 2024-11-08 15:00:00+00
--
-- Users who exist now count as verified, new ones do not.
--
-- The team's first version added the column, updated every row and then set NOT
-- NULL, which reads the table again, all under one lock, and left no default:
-- the INSERTs of the application that is still running would have failed. A
-- constant default of ADD COLUMN reaches the existing rows without touching
-- them, so this takes the lock for a moment only, whatever the table's size.

-- cmig:upgrade
ALTER TABLE users ADD COLUMN email_verified boolean NOT NULL DEFAULT true;
ALTER TABLE users ALTER COLUMN email_verified SET DEFAULT false;

-- cmig:downgrade
ALTER TABLE users DROP COLUMN email_verified;
