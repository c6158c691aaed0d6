"""Add email_verified column to users

Revision ID: 004
Revises: 003
Create Date: 2025-02-03


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email_verified", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.alter_column("email", existing_type=sa.String(255), type_=sa.Text())
        batch_op.create_index("ix_users_email_verified", ["email_verified"])


def downgrade():
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_email_verified")
        batch_op.alter_column("email", existing_type=sa.Text(), type_=sa.String(255))
        batch_op.drop_column("email_verified")
