-- revision: 1f6c0a9d27e4
-- down_revision:
-- message: baseline_current_schema
-- create_date: 2025-01-17 09:00:00+00
--
-- The schema as it was when the chain began: users, the wellness cards and who
-- completed which of them.
--
-- abc123def456 once named previous_revision as its parent, a placeholder that no
-- file ever had. This baseline takes its place. A database that has these
-- tables already is stamped with it.

-- cmig:upgrade
CREATE TABLE "User" (
    id             serial PRIMARY KEY,
    email          varchar(255) NOT NULL UNIQUE,
    password_hash  varchar(255) NOT NULL,
    full_name      varchar(255),
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE card (
    id          serial PRIMARY KEY,
    title       varchar(255) NOT NULL,
    body        text NOT NULL,
    category    varchar(50) NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE card_completion (
    id            serial PRIMARY KEY,
    user_id       integer NOT NULL REFERENCES "User" (id) ON DELETE CASCADE,
    card_id       integer NOT NULL REFERENCES card (id) ON DELETE CASCADE,
    completed_at  timestamptz NOT NULL DEFAULT now(),
    note          text
);
CREATE INDEX ix_card_completion_user_completed ON card_completion (user_id, completed_at);
CREATE INDEX ix_card_completion_card_id ON card_completion (card_id);

-- cmig:downgrade
DROP TABLE card_completion;
DROP TABLE card;
DROP TABLE "User";
