"""add_wellness_metrics_table

Revision ID: 4957533a9ab9
Revises: abc123def456
Create Date: 2025-01-17 11:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4957533a9ab9"
down_revision = "abc123def456"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if "daily_wellness_metrics" not in sa.inspect(op.get_bind()).get_table_names():
        op.create_table("daily_wellness_metrics", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("daily_wellness_metrics")
