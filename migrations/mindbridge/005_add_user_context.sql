-- revision: 005
-- down_revision: 004
-- message: Adds user context for RLS policies
-- create_date: 2024-11-13 09:00:00+00
--
-- The context gets names: set_user_context() at the start of a transaction,
-- current_app_user_id() in the policies. Signing in knows an address and no id
-- yet; set_login_context() opens the one row with that address, for reading.
--
-- The context lasts to the end of the transaction, so that a pooled connection
-- hands none to the next request.

-- cmig:upgrade
CREATE FUNCTION current_app_user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid
$$;
COMMENT ON FUNCTION current_app_user_id() IS
    'the user whose rows the policies show; NULL, and no rows, without a context';

CREATE FUNCTION set_user_context(user_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF user_id IS NULL THEN
        RAISE EXCEPTION 'user context must not be null'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Use clear_user_context() to leave the context.';
    END IF;
    PERFORM set_config('app.current_user_id', user_id::text, true),
            set_config('app.login_email', '', true);
END;
$$;

CREATE FUNCTION set_login_context(email text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT set_config('app.current_user_id', '', true);
    SELECT set_config('app.login_email', lower(email), true);
$$;

CREATE FUNCTION clear_user_context() RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT set_config('app.current_user_id', '', true);
    SELECT set_config('app.login_email', '', true);
$$;

CREATE POLICY users_login ON users FOR SELECT
    USING (lower(email) = (SELECT NULLIF(current_setting('app.login_email', true), '')));

ALTER POLICY users_isolation ON users
    USING (id = (SELECT current_app_user_id()))
    WITH CHECK (id = (SELECT current_app_user_id()));
ALTER POLICY moods_isolation ON moods
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY dreams_isolation ON dreams
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY journal_entries_isolation ON journal_entries
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY goals_isolation ON goals
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY encryption_keys_isolation ON encryption_keys
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY encrypted_fields_isolation ON encrypted_fields
    USING (user_id = (SELECT current_app_user_id()))
    WITH CHECK (user_id = (SELECT current_app_user_id()));
ALTER POLICY audit_logs_isolation ON public.audit_logs
    USING (owner_id = (SELECT current_app_user_id()));
ALTER POLICY security_events_isolation ON security_events
    USING (user_id = (SELECT current_app_user_id()));
ALTER POLICY security_events_insert ON security_events
    WITH CHECK (user_id = (SELECT current_app_user_id()));

-- cmig:downgrade
ALTER POLICY security_events_insert ON security_events
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY security_events_isolation ON security_events
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY audit_logs_isolation ON public.audit_logs
    USING (owner_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY encrypted_fields_isolation ON encrypted_fields
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY encryption_keys_isolation ON encryption_keys
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY goals_isolation ON goals
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY journal_entries_isolation ON journal_entries
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY dreams_isolation ON dreams
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY moods_isolation ON moods
    USING (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (user_id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));
ALTER POLICY users_isolation ON users
    USING (id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid))
    WITH CHECK (id = (SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid));

DROP POLICY users_login ON users;

DROP FUNCTION clear_user_context();
DROP FUNCTION set_login_context(text);
DROP FUNCTION set_user_context(uuid);
DROP FUNCTION current_app_user_id();

-- cmig:verify
-- Every isolation policy asks the function.
SELECT pg_get_expr(p.polqual, p.polrelid) LIKE '%current_app_user_id()%', p.polname
FROM pg_policy p
JOIN pg_class c ON c.oid = p.polrelid
WHERE p.polname LIKE '%\_isolation'
  AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'users'::regclass);
