-- revision: xyz789abc123
-- down_revision:
-- message: initial schema
-- create_date: 2024-12-10 09:00:00+00
--
-- Users, their sessions, and the memories that are taken from sessions.
--
-- The schema needs uuid-ossp and pgcrypto. The team's database set-up installs
-- them beforehand; where it did not run, this revision does. It marks those that
-- it installed with a comment, so that the way back to the empty database
-- removes these and leaves the others alone.

-- cmig:upgrade
DO $$
DECLARE
    wanted name;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['uuid-ossp', 'pgcrypto'] LOOP
        IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = wanted) THEN
            EXECUTE format('CREATE EXTENSION %I', wanted);
            EXECUTE format('COMMENT ON EXTENSION %I IS %L', wanted,
                           'installed by revision xyz789abc123');
        END IF;
    END LOOP;
END;
$$;

CREATE TABLE users (
    id            uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
    email         varchar(255) NOT NULL UNIQUE,
    display_name  varchar(100),
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE sessions (
    id          uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    status      varchar(50) NOT NULL DEFAULT 'old_status',
    started_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    old_field   varchar(100)
);

CREATE TABLE memories (
    id            uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
    user_id       uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id    uuid,
    content       text NOT NULL,
    content_hash  bytea NOT NULL GENERATED ALWAYS AS (digest(content, 'sha256')) STORED,
    importance    real NOT NULL DEFAULT 0.5 CHECK (importance BETWEEN 0 AND 1),
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, content_hash)
);
CREATE INDEX idx_memories_session_id ON memories (session_id);

CREATE FUNCTION touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$;
CREATE TRIGGER users_touch_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER sessions_touch_updated_at BEFORE UPDATE ON sessions
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

-- cmig:downgrade
DROP TABLE memories;
DROP TABLE sessions;
DROP TABLE users;
DROP FUNCTION touch_updated_at();

DO $$
DECLARE
    installed name;
BEGIN
    FOR installed IN
        SELECT extname FROM pg_extension
        WHERE extname IN ('uuid-ossp', 'pgcrypto')
          AND obj_description(oid, 'pg_extension') = 'installed by revision xyz789abc123'
    LOOP
        EXECUTE format('DROP EXTENSION %I', installed);
    END LOOP;
END;
$$;
