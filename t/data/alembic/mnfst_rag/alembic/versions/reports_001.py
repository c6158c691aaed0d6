"""Reports have a branch of their own

Revision ID: reports_001
Revises: 
Create Date: 2024-11-12 09:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "reports_001"
down_revision = None
branch_labels = "reports"
depends_on = "004_add_user_preferences"


def upgrade():
    op.execute("CREATE VIEW report_themes AS SELECT theme, count(*) AS users FROM user_preferences GROUP BY theme")


def downgrade():
    op.execute("DROP VIEW report_themes")
