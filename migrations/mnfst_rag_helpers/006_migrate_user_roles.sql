-- revision: 006_migrate_user_roles
-- down_revision: 005_add_audit_trail
-- message: Migrate user roles to new format
-- create_date: 2024-11-08 14:00:00+00
--
-- admin becomes tenant_admin, client becomes user, superadmin stays. A role that
-- the new format does not know stops the migration.
--
-- Different from the team's first version:
-- - its CASE was text and went into an enum column, which is a type error (and
--   back, its CASE mixed enum and text);
-- - it went on by OFFSET over rows whose filter the UPDATE itself changes, which
--   skips rows. Inside one transaction batches save nothing, so this is one
--   UPDATE;
-- - users is under FORCE ROW LEVEL SECURITY: the owner's UPDATE reaches its rows
--   because he is in mnfst_maintenance, and because row_security is on;
-- - the new column gets back NOT NULL and the default, and the way down drops
--   the type.

-- cmig:upgrade
CREATE TYPE user_role_new AS ENUM ('superadmin', 'tenant_admin', 'user');

ALTER TABLE users ADD COLUMN role_new user_role_new;

SET row_security = on;
UPDATE users
SET role_new = (CASE role
                    WHEN 'admin' THEN 'tenant_admin'
                    WHEN 'client' THEN 'user'
                    ELSE role
                END)::user_role_new;

ALTER TABLE users DROP COLUMN role;
ALTER TABLE users RENAME COLUMN role_new TO role;
ALTER TABLE users
    ALTER COLUMN role SET DEFAULT 'user',
    ALTER COLUMN role SET NOT NULL;

-- cmig:downgrade
ALTER TABLE users ADD COLUMN role_old varchar;

SET row_security = on;
UPDATE users
SET role_old = CASE role
                   WHEN 'tenant_admin' THEN 'admin'
                   WHEN 'user' THEN 'client'
                   ELSE role::text
               END;

ALTER TABLE users DROP COLUMN role;
ALTER TABLE users RENAME COLUMN role_old TO role;
ALTER TABLE users
    ALTER COLUMN role SET DEFAULT 'client',
    ALTER COLUMN role SET NOT NULL;

DROP TYPE user_role_new;

-- cmig:verify
SELECT atttypid = 'user_role_new'::regtype AND attnotnull
FROM pg_attribute
WHERE attrelid = 'users'::regclass AND attname = 'role';
SELECT relforcerowsecurity FROM pg_class WHERE oid = 'users'::regclass;
