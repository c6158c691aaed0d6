-- revision: 7be2d9f0416c
-- down_revision: c41e9b7a05d8
-- message: link memories to sessions
-- create_date: 2024-12-12 11:00:00+00
--
-- Memories of sessions that are gone lose the reference, not their content;
-- otherwise the constraint could not be added. From now on the memories of a
-- session go with it.

-- cmig:upgrade
UPDATE memories m
SET session_id = NULL
WHERE session_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = m.session_id);

ALTER TABLE memories
    ADD CONSTRAINT fk_memories_session_id
    FOREIGN KEY (session_id) REFERENCES sessions (id) ON DELETE CASCADE;

-- cmig:downgrade
ALTER TABLE memories DROP CONSTRAINT fk_memories_session_id;
