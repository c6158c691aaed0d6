-- revision: 003
-- down_revision: 002_add_encrypted_models
-- message: Enables Row-Level Security (RLS) for user isolation
-- create_date: 2024-11-08 12:00:00+00
--
-- Each user sees and writes his own rows only. The application sets
-- app.current_user_id, with SET LOCAL, at the start of each transaction; a user
-- who registers sets it to the id that his row will have.
--
-- FORCE, because the application connects as the owner of the tables, whom
-- row-level security does not touch otherwise. NULLIF, because a setting that
-- was set with SET LOCAL reads as '' afterwards, and ''::uuid is an error;
-- without a context no row is visible. The sub-select reads the setting once a
-- statement and not once a row.
--
-- The parent was once written as '002', which is no revision; the file is named
-- 002_add_encrypted_models, and so is the revision.

-- cmig:upgrade
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY users_isolation ON users
    USING (id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE moods ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY moods_isolation ON moods
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE dreams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY dreams_isolation ON dreams
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE journal_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY journal_entries_isolation ON journal_entries
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE goals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY goals_isolation ON goals
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE encryption_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY encryption_keys_isolation ON encryption_keys
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

ALTER TABLE encrypted_fields ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY encrypted_fields_isolation ON encrypted_fields
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

-- cmig:downgrade
DROP POLICY encrypted_fields_isolation ON encrypted_fields;
ALTER TABLE encrypted_fields NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY encryption_keys_isolation ON encryption_keys;
ALTER TABLE encryption_keys NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY goals_isolation ON goals;
ALTER TABLE goals NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY journal_entries_isolation ON journal_entries;
ALTER TABLE journal_entries NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY dreams_isolation ON dreams;
ALTER TABLE dreams NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY moods_isolation ON moods;
ALTER TABLE moods NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

DROP POLICY users_isolation ON users;
ALTER TABLE users NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- cmig:verify
SELECT c.relrowsecurity AND c.relforcerowsecurity
       AND EXISTS (SELECT FROM pg_policy p
                   WHERE p.polrelid = c.oid AND p.polpermissive
                     AND p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL),
       c.relname
FROM pg_class c
WHERE c.oid IN ('users'::regclass, 'moods'::regclass, 'dreams'::regclass,
                'journal_entries'::regclass, 'goals'::regclass,
                'encryption_keys'::regclass, 'encrypted_fields'::regclass);
