"""status as an enum

Revision ID: 2c86f1d7ea30
Revises: 5d0c2be41f93
Create Date: 2024-12-13 14:00:00.000000


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "2c86f1d7ea30"
down_revision = "5d0c2be41f93"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE status_enum AS ENUM ('active', 'inactive')")
    op.add_column("users", sa.Column("status", postgresql.ENUM(name="status_enum", create_type=False), nullable=True))
    op.execute("COMMIT")
    op.execute("ALTER TYPE status_enum ADD VALUE 'locked' AFTER 'inactive'")
    op.execute("CREATE INDEX CONCURRENTLY idx_users_status ON users (status)")


def downgrade() -> None:
    op.drop_index("idx_users_status", "users")
    op.drop_column("users", "status")
    op.execute("DROP TYPE status_enum")
