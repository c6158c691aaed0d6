"""Add user preferences

Revision ID: 002
Revises: 001
Create Date: 2025-01-09 09:30:00

Preferences are one row a user.
-- revision: a line that looks like a header
"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None


theme = postgresql.ENUM("light", "dark", "o'clock", name="theme", create_type=False)


def upgrade():
    theme.create(op.get_bind(), checkfirst=True)
    op.create_table(
        "user_preferences",
        sa.Column("user_id", postgresql.UUID(), sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("theme", theme, nullable=False, server_default="light"),
        sa.Column("settings", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
    )


def downgrade():
    op.drop_table("user_preferences")
    theme.drop(op.get_bind(), checkfirst=True)
