-- revision: 001_initial_schema
-- down_revision:
-- message: initial schema
-- create_date: 2025-01-06 09:00:00+00
--
-- Users, their notes with tags, and the links between notes.

-- cmig:upgrade
CREATE TABLE users (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email            varchar(255) NOT NULL UNIQUE,
    hashed_password  varchar(255) NOT NULL,
    first_name       varchar(100),
    last_name        varchar(100),
    created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE notes (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title       varchar(255) NOT NULL,
    content     text NOT NULL DEFAULT '',
    search      tsvector GENERATED ALWAYS AS
                (to_tsvector('simple'::regconfig, title || ' ' || content)) STORED,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ix_notes_user_id ON notes (user_id);
CREATE INDEX ix_notes_search ON notes USING gin (search);

CREATE TABLE tags (
    id       serial PRIMARY KEY,
    user_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name     varchar(50) NOT NULL,
    UNIQUE (user_id, name)
);

CREATE TABLE note_tags (
    note_id  uuid NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    tag_id   integer NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (note_id, tag_id)
);
CREATE INDEX ix_note_tags_tag_id ON note_tags (tag_id);

CREATE TABLE note_links (
    source_id  uuid NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    target_id  uuid NOT NULL REFERENCES notes (id) ON DELETE CASCADE,
    PRIMARY KEY (source_id, target_id),
    CHECK (source_id <> target_id)
);
CREATE INDEX ix_note_links_target_id ON note_links (target_id);

-- cmig:downgrade
DROP TABLE note_links;
DROP TABLE note_tags;
DROP TABLE tags;
DROP TABLE notes;
DROP TABLE users;
