-- revision: 005
-- down_revision: 004
-- message: Adds user context for RLS policies
-- create_date: 2024-11-13 09:00:00+00
--
-- cmig.set_context() and cmig.clear_context() are the context. What is left to
-- make is signing in, which knows an address and no id yet: set_login_context()
-- opens the one row with that address, for reading.

-- cmig:upgrade
CREATE FUNCTION set_login_context(email text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT set_config('app.current_user_id', '', true);
    SELECT set_config('app.login_email', lower(email), true);
$$;

CREATE POLICY users_login ON users FOR SELECT TO CURRENT_USER
    USING (lower(email) = (SELECT NULLIF(current_setting('app.login_email', true), '')));

-- cmig:downgrade
DROP POLICY users_login ON users;
DROP FUNCTION set_login_context(text);
