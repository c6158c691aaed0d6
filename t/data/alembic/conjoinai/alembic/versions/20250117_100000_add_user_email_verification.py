"""add_user_email_verification

Revision ID: abc123def456
Revises: 5f2a4c9b7e10
Create Date: 2025-01-17 10:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "abc123def456"
down_revision = "5f2a4c9b7e10"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("User", sa.Column("email_verified", sa.Boolean(), nullable=False, server_default="false"))
    op.create_index("ix_user_email_verified", "User", ["email_verified"])


def downgrade() -> None:
    op.drop_index("ix_user_email_verified", "User")
    op.drop_column("User", "email_verified")
