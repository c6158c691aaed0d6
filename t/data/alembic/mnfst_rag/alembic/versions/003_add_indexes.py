"""Add indexes

Revision ID: 003_add_indexes
Revises: 002_add_rls_policies
Create Date: 2024-11-07 09:00:00


"""
# Copyright (c) 2026, the pg_cmig developers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "003_add_indexes"
down_revision = "002_add_rls_policies"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("documents", sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()")))
    with op.get_context().autocommit_block():
        op.create_index("idx_documents_created_at", "documents", ["created_at"], postgresql_concurrently=True)
        op.create_index("idx_documents_content", "documents", [sa.text("md5(content)")], postgresql_concurrently=True,
                        postgresql_where=sa.text("content <> ''"))
    op.create_check_constraint("documents_content_check", "documents", "length(content) < 1000000")


def downgrade():
    op.drop_constraint("documents_content_check", "documents", type_="check")
    with op.get_context().autocommit_block():
        op.drop_index("idx_documents_content", table_name="documents", postgresql_concurrently=True)
        op.drop_index("idx_documents_created_at", table_name="documents", postgresql_concurrently=True)
    op.drop_column("documents", "created_at")
