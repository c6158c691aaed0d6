-- revision: 001_initial_migration
-- down_revision:
-- message: Initial migration
-- create_date: 2024-11-05 09:00:00+00
--
-- Tenants, their users, the documents they upload with the chunks made for
-- retrieval, and chat sessions with their messages.
--
-- Every table of a tenant carries tenant_id, and the foreign keys between them
-- include it. A foreign key is checked without row-level security, so a key on
-- the id alone would let one tenant's row point at another tenant's.

-- cmig:upgrade
CREATE TABLE tenants (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        varchar(255) NOT NULL,
    slug        varchar(100) NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id      uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    email          varchar(320) NOT NULL,
    name           varchar(255) NOT NULL,
    password_hash  text NOT NULL,
    is_active      boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    role           varchar NOT NULL DEFAULT 'client',
    UNIQUE (tenant_id, id)
);

-- One address, one account in a tenant. Across tenants it may repeat: a unique
-- key over all of them would tell one tenant who is another's customer.
CREATE UNIQUE INDEX uq_users_tenant_email ON users (tenant_id, lower(email));

CREATE TABLE documents (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id     uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    uploaded_by   uuid,
    filename      varchar(255) NOT NULL,
    mime_type     varchar(127) NOT NULL,
    size_bytes    bigint NOT NULL CHECK (size_bytes >= 0),
    storage_key   text NOT NULL,
    status        varchar(20) NOT NULL DEFAULT 'uploaded'
                  CHECK (status IN ('uploaded', 'processing', 'processed', 'failed')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    processed_at  timestamptz,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, uploaded_by) REFERENCES users (tenant_id, id)
        ON DELETE SET NULL (uploaded_by)
);

CREATE TABLE document_chunks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    document_id  uuid NOT NULL,
    position     integer NOT NULL CHECK (position >= 0),
    content      text NOT NULL,
    embedding    real[],
    UNIQUE (document_id, position),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id)
        ON DELETE CASCADE
);

CREATE TABLE sessions (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id   uuid NOT NULL,
    user_id     uuid NOT NULL,
    title       varchar(255),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
        ON DELETE CASCADE
);

CREATE TABLE messages (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   uuid NOT NULL,
    session_id  uuid NOT NULL,
    author      varchar(10) NOT NULL CHECK (author IN ('user', 'assistant')),
    content     text NOT NULL,
    sources     jsonb NOT NULL DEFAULT '[]',
    created_at  timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
        ON DELETE CASCADE
);

-- cmig:downgrade
DROP TABLE messages;
DROP TABLE sessions;
DROP TABLE document_chunks;
DROP TABLE documents;
DROP TABLE users;
DROP TABLE tenants;
