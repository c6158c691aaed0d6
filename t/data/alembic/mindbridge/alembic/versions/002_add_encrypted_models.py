"""Add encryption metadata tables

Revision ID: 002_add_encrypted_models
Revises: 001_initial_tables
Create Date: 2024-10-08 08:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "002_add_encrypted_models"
down_revision = "001_initial_tables"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "encryption_keys",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("algorithm", sa.String(50), nullable=False, server_default="aes-256-gcm"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.bulk_insert(
        sa.table("encryption_keys", sa.column("id", sa.Integer), sa.column("algorithm", sa.String)),
        [{"id": 1, "algorithm": "aes-256-gcm"}, {"id": 2, "algorithm": "chacha20"}],
    )


def downgrade():
    op.drop_table("encryption_keys")
