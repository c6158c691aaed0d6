"""Initial migration

Revision ID: 001_initial_migration
Revises: 
Create Date: 2024-11-05 09:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "001_initial_migration"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "tenants",
        sa.Column("id", postgresql.UUID(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
    )
    op.create_table(
        "users",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("tenant_id", postgresql.UUID(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    for name in ("documents", "sessions"):
        op.create_table(
            name,
            sa.Column("id", postgresql.UUID(), primary_key=True),
            sa.Column("user_id", postgresql.UUID(), sa.ForeignKey("users.id"), nullable=False, index=True),
            sa.Column("content", sa.Text()),
        )


def downgrade():
    for name in ("sessions", "documents", "users", "tenants"):
        op.drop_table(name)
