-- revision: 006_merge_user_preferences_audit_trail
-- down_revision: 004_add_user_preferences, 006_migrate_user_roles
-- message: merge user_preferences and audit_trail branches
-- create_date: 2024-11-08 14:30:00+00
--
-- Two heads become one; there is nothing to run. It names
-- 006_migrate_user_roles and not 005_add_audit_trail, which has a child already:
-- merging 005 would leave 006_migrate_user_roles as a second head.

-- cmig:upgrade

-- cmig:downgrade
