"""Add RLS policies

Revision ID: 002_add_rls_policies
Revises: 001_initial_migration
Create Date: 2024-11-06 09:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "002_add_rls_policies"
down_revision = "001_initial_migration"
branch_labels = None
depends_on = None


TABLES = ("documents", "sessions")


def upgrade():
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"""
            CREATE POLICY {table}_owner ON {table}
                USING (user_id = NULLIF(current_setting('app.current_user_id', true), '')::uuid);
        """)


def downgrade():
    for table in TABLES:
        op.execute(f"DROP POLICY {table}_owner ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
