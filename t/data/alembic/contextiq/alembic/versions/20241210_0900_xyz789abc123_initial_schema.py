"""initial schema

Revision ID: xyz789abc123
Revises: 
Create Date: 2024-12-10 09:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "xyz789abc123"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", postgresql.UUID(), server_default=sa.text("uuid_generate_v4()"), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", postgresql.UUID(), server_default=sa.text("uuid_generate_v4()"), primary_key=True),
        sa.Column("user_id", postgresql.UUID(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("old_field", sa.String(100)),
        sa.Column("status", sa.String(20), nullable=False, server_default="old_status"),
        sa.CheckConstraint("status <> ''", name="status_not_empty"),
    )
    op.create_table(
        "memories",
        sa.Column("id", postgresql.UUID(), primary_key=True),
        sa.Column("session_id", postgresql.UUID()),
    )


def downgrade() -> None:
    op.drop_table("memories")
    op.drop_table("sessions")
    op.drop_table("users")
