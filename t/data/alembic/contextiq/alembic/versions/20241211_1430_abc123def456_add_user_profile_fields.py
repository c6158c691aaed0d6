"""add user profile fields

Revision ID: abc123def456
Revises: xyz789abc123
Create Date: 2024-12-11 14:30:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "abc123def456"
down_revision = "xyz789abc123"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply migration."""
    op.add_column("users", sa.Column("bio", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("avatar_url", sa.String(255), nullable=True))


def downgrade() -> None:
    """Revert migration."""
    op.drop_column("users", "avatar_url")
    op.drop_column("users", "bio")
