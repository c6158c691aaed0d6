-- revision: 003
-- down_revision: 002_add_encrypted_models
-- message: Enables Row-Level Security (RLS) for user isolation
-- create_date: 2024-11-08 12:00:00+00
--
-- The same as in ../mindbridge, with the helpers of pg_cmig: each user sees and
-- writes his own rows only. The application says who it works for with
-- cmig.set_context() at the start of each transaction; a user who registers has
-- it set to the id that his row will have.
--
-- The application connects as the owner of the tables, whom FORCE binds too. So
-- data is migrated by another role, which must be there before:
--   CREATE ROLE mindbridge_maintenance;
--   GRANT mindbridge_maintenance TO <owner>;
-- where the owner does not inherit it (NOINHERIT; from 16 on, WITH INHERIT FALSE).
-- A revision that changes rows says SET ROLE mindbridge_maintenance and
-- SET row_security = on: a script runs with it off, where FORCE makes the UPDATE
-- an error instead of letting it change nothing.

-- cmig:upgrade
SELECT cmig.enable_rls('users', user_column => 'id',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('moods',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('dreams',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('journal_entries',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('goals',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('encryption_keys',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
SELECT cmig.enable_rls('encrypted_fields',
    roles => ARRAY[current_user::text], bypass_roles => '{mindbridge_maintenance}');
GRANT SELECT, INSERT, UPDATE, DELETE
    ON users, moods, dreams, journal_entries, goals, encryption_keys, encrypted_fields
    TO mindbridge_maintenance;

-- cmig:downgrade
REVOKE ALL
    ON users, moods, dreams, journal_entries, goals, encryption_keys, encrypted_fields
    FROM mindbridge_maintenance;
SELECT cmig.disable_rls('encrypted_fields');
SELECT cmig.disable_rls('encryption_keys');
SELECT cmig.disable_rls('goals');
SELECT cmig.disable_rls('journal_entries');
SELECT cmig.disable_rls('dreams');
SELECT cmig.disable_rls('moods');
SELECT cmig.disable_rls('users');

-- cmig:verify
-- The check finds no hole in the tables of this schema.
SELECT severity <> 'error', rule, object, problem
FROM cmig.rls_check(current_schema);
