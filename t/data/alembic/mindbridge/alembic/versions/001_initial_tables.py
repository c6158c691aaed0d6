"""Create all initial tables

Revision ID: 001_initial_tables
Revises: 
Create Date: 2024-10-01 08:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "001_initial_tables"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    mood = sa.Enum("good", "bad", name="mood_kind")
    op.create_table(
        "users",
        sa.Column("id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("email", sa.Text(), nullable=False, unique=True),
    )
    op.create_table(
        "moods",
        sa.Column("id", sa.BigInteger(), primary_key=True, autoincrement=True),
        sa.Column("user_id", postgresql.UUID(as_uuid=True), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", mood, nullable=False),
        sa.Column("recorded_at", sa.TIMESTAMP(), server_default=sa.text("CURRENT_TIMESTAMP")),
    )


def downgrade():
    op.drop_table("moods")
    op.drop_table("users")
    sa.Enum(name="mood_kind").drop(op.get_bind(), checkfirst=False)
