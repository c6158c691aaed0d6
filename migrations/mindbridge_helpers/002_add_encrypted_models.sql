-- revision: 002_add_encrypted_models
-- down_revision: 001_initial_tables
-- message: Adds encryption metadata tables
-- create_date: 2024-11-06 09:00:00+00
--
-- Texts are encrypted by the application, with a data key for each user that is
-- itself stored only wrapped by the master key. The database holds what is
-- needed to decrypt them again, never a key in the clear.

-- cmig:upgrade
CREATE TABLE encryption_keys (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    version      integer NOT NULL CHECK (version > 0),
    algorithm    varchar(30) NOT NULL DEFAULT 'AES-256-GCM',
    wrapped_key  bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    retired_at   timestamptz,
    UNIQUE (user_id, id),
    UNIQUE (user_id, version)
);
-- At most one key of a user is in use.
CREATE UNIQUE INDEX uq_encryption_keys_active ON encryption_keys (user_id)
    WHERE retired_at IS NULL;

CREATE TABLE encrypted_fields (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL,
    key_id      uuid NOT NULL,
    table_name  varchar(63) NOT NULL,
    row_id      uuid NOT NULL,
    field_name  varchar(63) NOT NULL,
    nonce       bytea NOT NULL CHECK (octet_length(nonce) = 12),
    ciphertext  bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (table_name, row_id, field_name),
    -- A nonce may never be used twice with the same key.
    UNIQUE (key_id, nonce),
    FOREIGN KEY (user_id, key_id) REFERENCES encryption_keys (user_id, id)
        ON DELETE CASCADE
);
CREATE INDEX idx_encrypted_fields_user_key ON encrypted_fields (user_id, key_id);

-- The text itself, or a row of encrypted_fields instead of it.
ALTER TABLE dreams
    ALTER COLUMN content DROP NOT NULL,
    ADD COLUMN is_encrypted boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT dreams_content_or_encrypted CHECK (is_encrypted = (content IS NULL));
ALTER TABLE journal_entries
    ALTER COLUMN content DROP NOT NULL,
    ADD COLUMN is_encrypted boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT journal_entries_content_or_encrypted CHECK (is_encrypted = (content IS NULL));

-- cmig:downgrade
-- Texts that exist encrypted only cannot be had back without their keys. SET NOT
-- NULL stops here while there are any, before anything is lost: the application
-- must decrypt them first.
ALTER TABLE journal_entries
    ALTER COLUMN content SET NOT NULL,
    DROP CONSTRAINT journal_entries_content_or_encrypted,
    DROP COLUMN is_encrypted;
ALTER TABLE dreams
    ALTER COLUMN content SET NOT NULL,
    DROP CONSTRAINT dreams_content_or_encrypted,
    DROP COLUMN is_encrypted;

DROP TABLE encrypted_fields;
DROP TABLE encryption_keys;
