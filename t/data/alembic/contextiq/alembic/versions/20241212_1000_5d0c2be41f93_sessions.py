"""sessions: metadata, link, status

Revision ID: 5d0c2be41f93
Revises: abc123def456
Create Date: 2024-12-12 10:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5d0c2be41f93"
down_revision = "abc123def456"
branch_labels = None
depends_on = None


from sqlalchemy import String, column, table

sessions = table("sessions", column("id", String), column("status", String))


def upgrade() -> None:
    op.add_column("sessions", sa.Column("metadata", sa.JSON(), nullable=True))
    op.create_foreign_key("fk_memories_session_id", "memories", "sessions", ["session_id"], ["id"], ondelete="CASCADE")
    op.create_index(None, "sessions", ["user_id"])
    op.execute(sessions.update().where(sessions.c.status == "old_status").values(status="new_status"))
    op.execute(sessions.update().where(sessions.c.status.in_(["a", "b"])).values(status=op.inline_literal("c")))


def downgrade() -> None:
    op.execute(sessions.update().where(sessions.c.status == "new_status").values(status="old_status"))
    op.drop_index("idx_sessions_user_id", "sessions")
    op.drop_constraint("fk_memories_session_id", "memories", type_="foreignkey")
    op.drop_column("sessions", "metadata")
