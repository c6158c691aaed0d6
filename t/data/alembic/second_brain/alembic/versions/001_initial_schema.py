"""Initial schema

Revision ID: 001
Revises: 
Create Date: 2025-01-02 10:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", postgresql.UUID(), server_default=sa.text("gen_random_uuid()"), primary_key=True),
        sa.Column("email", sa.String(255), nullable=False, unique=True, comment="it's the login"),
        sa.Column("first_name", sa.String(100)),
        sa.Column("last_name", sa.String(100)),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        comment="People",
    )
    op.create_index(op.f("ix_users_created_at"), "users", ["created_at"])


def downgrade():
    op.drop_index(op.f("ix_users_created_at"), table_name="users")
    op.drop_table("users")
