-- revision: 2c86f1d7ea30
-- down_revision: e9d35a6c70b1
-- message: add user status
-- create_date: 2024-12-13 14:00:00+00
--
-- The team's guide would create the type outside a transaction. CREATE TYPE runs
-- in one like any other DDL, and belongs there: only a value that ALTER TYPE
-- adds cannot be used before the commit.

-- cmig:upgrade
CREATE TYPE status_enum AS ENUM ('active', 'inactive');

ALTER TABLE users ADD COLUMN status status_enum NOT NULL DEFAULT 'active';

-- cmig:downgrade
ALTER TABLE users DROP COLUMN status;

DROP TYPE status_enum;
