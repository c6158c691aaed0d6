"""baseline_current_schema

Revision ID: 5f2a4c9b7e10
Revises: 
Create Date: 2025-01-17 09:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5f2a4c9b7e10"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "User",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), primary_key=True),
        sa.Column("Email", sa.String(), nullable=False, unique=True),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("User.id"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), sa.Computed("lower(title)", persisted=True)),
    )


def downgrade() -> None:
    raise NotImplementedError("the baseline stays")
