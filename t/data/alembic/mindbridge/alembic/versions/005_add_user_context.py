"""Add user context for RLS policies

Revision ID: 005
Revises: 004
Create Date: 2024-10-29 08:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE FUNCTION set_user_context(user_id uuid) RETURNS void LANGUAGE sql
        BEGIN ATOMIC
            SELECT set_config('app.user_id', user_id::text, true);
        END
    """)


def downgrade():
    op.execute("DROP FUNCTION set_user_context(uuid)")
