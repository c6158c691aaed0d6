"""merge user_preferences and audit_trail branches

Revision ID: 006_merge
Revises: 004_add_user_preferences, 005_add_audit_trail
Create Date: 2024-11-09 09:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "006_merge"
down_revision = ("004_add_user_preferences", "005_add_audit_trail")
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
