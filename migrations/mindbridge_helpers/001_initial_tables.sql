-- revision: 001_initial_tables
-- down_revision:
-- message: Creates all initial tables (users, moods, dreams, etc.)
-- create_date: 2024-11-04 09:00:00+00
--
-- A journal for one's own mind: users, and what each of them writes down.
--
-- All tables carry user_id, and keys between them include it: a foreign key is
-- checked without row-level security (revision 003), so that a key on the id
-- alone would let a row of one user point at another user's.

-- cmig:upgrade
CREATE TABLE users (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email          varchar(320) NOT NULL,
    password_hash  text NOT NULL,
    display_name   varchar(100),
    timezone       varchar(64) NOT NULL DEFAULT 'UTC',
    is_active      boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX uq_users_email ON users (lower(email));

CREATE TABLE moods (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    score      smallint NOT NULL CHECK (score BETWEEN 1 AND 10),
    emotions   text[] NOT NULL DEFAULT '{}',
    note       text,
    felt_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, id)
);
CREATE INDEX idx_moods_user_felt_at ON moods (user_id, felt_at DESC);

CREATE TABLE dreams (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mood_id      uuid,
    title        varchar(255),
    content      text NOT NULL,
    is_lucid     boolean NOT NULL DEFAULT false,
    dreamt_on    date NOT NULL DEFAULT CURRENT_DATE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, id),
    FOREIGN KEY (user_id, mood_id) REFERENCES moods (user_id, id)
        ON DELETE SET NULL (mood_id)
);
CREATE INDEX idx_dreams_user_dreamt_on ON dreams (user_id, dreamt_on DESC);
CREATE INDEX idx_dreams_user_mood ON dreams (user_id, mood_id);

CREATE TABLE journal_entries (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mood_id     uuid,
    title       varchar(255),
    content     text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, id),
    FOREIGN KEY (user_id, mood_id) REFERENCES moods (user_id, id)
        ON DELETE SET NULL (mood_id)
);
CREATE INDEX idx_journal_entries_user_created_at ON journal_entries (user_id, created_at DESC);
CREATE INDEX idx_journal_entries_user_mood ON journal_entries (user_id, mood_id);

CREATE TYPE goal_status AS ENUM ('open', 'reached', 'given_up');

CREATE TABLE goals (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title       varchar(255) NOT NULL,
    status      goal_status NOT NULL DEFAULT 'open',
    due_on      date,
    created_at  timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    CHECK ((status = 'open') = (closed_at IS NULL))
);
CREATE INDEX idx_goals_user_status ON goals (user_id, status);

-- cmig:downgrade
DROP TABLE goals;
DROP TABLE journal_entries;
DROP TABLE dreams;
DROP TABLE moods;
DROP TABLE users;
DROP TYPE goal_status;
