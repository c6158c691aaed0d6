"""Add user preferences table

Revision ID: 004_add_user_preferences
Revises: 003_add_indexes
Create Date: 2024-11-08 12:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "004_add_user_preferences"
down_revision = "003_add_indexes"
branch_labels = ("feature_user_preferences",)
depends_on = None


def upgrade():
    """Add user preferences table"""
    op.create_table(
        "user_preferences",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("user_id", postgresql.UUID(), nullable=False),
        sa.Column("theme", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("idx_user_preferences_user_id", "user_preferences", ["user_id"])


def downgrade():
    """Remove user preferences table"""
    op.drop_index("idx_user_preferences_user_id", table_name="user_preferences")
    op.drop_table("user_preferences")
