"""Enable Row-Level Security (RLS) for user isolation

Revision ID: 003
Revises: 002_add_encrypted_models
Create Date: 2024-10-15 08:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "003"
down_revision = "002_add_encrypted_models"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("ALTER TABLE moods ENABLE ROW LEVEL SECURITY;\nALTER TABLE moods FORCE ROW LEVEL SECURITY;")
    op.execute("""
        CREATE POLICY moods_user_isolation ON moods FOR ALL
        USING (user_id = NULLIF(current_setting('app.user_id', true), '')::uuid)
    """)


def downgrade():
    op.execute("DROP POLICY moods_user_isolation ON moods")
    op.execute("ALTER TABLE moods NO FORCE ROW LEVEL SECURITY; ALTER TABLE moods DISABLE ROW LEVEL SECURITY")
