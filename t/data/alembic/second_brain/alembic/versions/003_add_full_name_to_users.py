"""Add full_name to users

Revision ID: 003
Revises: 002
Create Date: 2025-02-01 08:00:00+02:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("users", sa.Column("full_name", sa.String(255)))
    connection = op.get_bind()
    connection.execute(
        sa.text("UPDATE users SET full_name = first_name || :space || last_name WHERE email NOT LIKE :pattern"),
        {"space": " ", "pattern": "%\\_test@%"},
    )


def downgrade():
    op.drop_column("users", "full_name")
