"""Add audit logging

Revision ID: 004
Revises: 003
Create Date: 2024-10-22 08:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
    CREATE TABLE audit_log (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), what text NOT NULL);
    -- cmig:downgrade
    -- ^ a comment that looks like a marker
    CREATE FUNCTION log_change() RETURNS trigger LANGUAGE plpgsql AS $f$
    BEGIN
        INSERT INTO audit_log (what) VALUES (format('%s on %I; done', TG_OP, TG_TABLE_NAME));
        RETURN NULL;
    END $f$;
    CREATE TRIGGER log_moods AFTER INSERT OR UPDATE OR DELETE ON moods FOR EACH ROW EXECUTE FUNCTION log_change();
    """)


def downgrade():
    op.execute("DROP TRIGGER log_moods ON moods")
    op.execute("DROP FUNCTION log_change")
    op.execute("DROP TABLE audit_log")
