-- revision: abc123def456
-- down_revision: 1f6c0a9d27e4
-- message: add_user_email_verification
-- create_date: 2025-01-17 10:00:00+00

-- cmig:upgrade
ALTER TABLE "User" ADD COLUMN email_verified boolean NOT NULL DEFAULT false;

CREATE INDEX ix_user_email_verified ON "User" (email_verified);

-- cmig:downgrade
DROP INDEX ix_user_email_verified;

ALTER TABLE "User" DROP COLUMN email_verified;
